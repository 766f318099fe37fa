//! What `ulysse` and its commands are for, and what their words and options mean: their `--help`.
//!
//! By name, because that is how the commands are declared; a test of the server's walks them all and
//! fails when one has no text.

use super::Locale;

/// What a command does; its words are separated by blanks, `ulysse` itself is the empty one.
#[must_use]
pub fn program_does(locale: Locale, command: &str) -> Option<&'static str> {
    let (english, french) = match command {
        "" => (
            "Linux-VServer’s way of working on a stock kernel.",
            "La façon de travailler de Linux-VServer, sur un noyau ordinaire.",
        ),
        "serve" => (
            "Runs everything: engine and web process",
            "Lance tout : le moteur et le processus web",
        ),
        "engine" => (
            "Answers the web process; started by serve",
            "Répond au processus web ; lancé par serve",
        ),
        "web" => ("Answers browsers; started by serve", "Répond aux navigateurs ; lancé par serve"),
        "boot" => (
            "VServers that start and stop with the host",
            "Les VServers qui démarrent et s’arrêtent avec l’hôte",
        ),
        "boot start" => (
            "Starts those with a mark, each as soon as what it needs has booted",
            "Démarre ceux qui portent une marque, chacun dès que ceux dont il dépend ont démarré",
        ),
        "boot stop" => (
            "Stops those that run, each once nobody runs that needs it",
            "Arrête ceux qui sont en marche, chacun quand plus personne n’en dépend",
        ),
        "cancel" => (
            "Asks an operation to stop and undo itself",
            "Demande à une opération de s’arrêter et de se défaire",
        ),
        "doctor" => (
            "Says what this host lacks, and what crashes left behind",
            "Dit ce qui manque à cet hôte, et ce que des arrêts brutaux ont laissé",
        ),
        "user" => ("Users of the web application", "Les utilisateurs de l’application web"),
        "user list" => ("Lists all users", "Liste tous les utilisateurs"),
        "user create" => (
            "Makes a user; the password is asked for, or read from standard input",
            "Crée un utilisateur ; le mot de passe est demandé, ou lu sur l’entrée standard",
        ),
        "user disable" => ("Keeps a user out, at once", "Écarte aussitôt un utilisateur"),
        "user enable" => ("Lets a user in again", "Laisse revenir un utilisateur"),
        "user role" => ("Gives a user another role", "Donne un autre rôle à un utilisateur"),
        "user reset-password" => (
            "Gives a user another password, asked for, or read from standard input",
            "Donne un autre mot de passe à un utilisateur, demandé, ou lu sur l’entrée standard",
        ),
        "user setup-link" => (
            "Prints a link that makes the first administrator: once, within the hour",
            "Affiche un lien qui crée le premier administrateur : une fois, dans l’heure",
        ),
        "template" => (
            "Templates: archives to build VServers from",
            "Modèles : des archives pour construire des VServers",
        ),
        "template list" => ("Lists all templates", "Liste tous les modèles"),
        "template add" => (
            "Keeps a tar archive of a root directory as a template, once it was checked",
            "Garde comme modèle l’archive tar d’un répertoire racine, une fois vérifiée",
        ),
        "template remove" => (
            "Removes a template; VServers that were built from it stay",
            "Supprime un modèle ; les VServers qui en viennent restent",
        ),
        "base" => ("Cached base systems", "Les systèmes de base gardés en cache"),
        "base list" => ("Lists all cached base systems", "Liste tous les systèmes de base"),
        "base refresh" => ("Makes one anew", "En refait un à neuf"),
        "base remove" => (
            "Removes one; the next build that wants it makes it",
            "En supprime un ; la prochaine construction qui le veut le refait",
        ),
        "backup" => (
            "The backups of all VServers, also of those that are gone",
            "Les sauvegardes de tous les VServers, même disparus",
        ),
        "backup list" => (
            "Lists all backups: TARGET:VSERVER:ID and bytes, the newest first",
            "Liste toutes les sauvegardes : CIBLE:VSERVER:ID et octets, la plus récente d’abord",
        ),
        "backup check" => (
            "Says what is wrong with the backups of which VServer; fails when anything is",
            "Dit ce qui ne va pas, et pour quel VServer ; échoue si quelque chose ne va pas",
        ),
        "backup show" => ("Says what one backup holds", "Dit ce que contient une sauvegarde"),
        "backup browse" => {
            ("Lists a directory in a backup", "Liste un répertoire d’une sauvegarde")
        }
        "backup verify" => (
            "Reads backups and compares them with what was written",
            "Relit des sauvegardes et les compare à ce qui a été écrit",
        ),
        "backup import" => (
            "Makes a backup of what was saved by hand of a VServer of an old host",
            "Fait une sauvegarde de ce qui a été copié à la main d’un VServer d’un ancien hôte",
        ),
        "backup remove" => ("Removes backups, for good", "Supprime définitivement des sauvegardes"),
        "bin" => ("The recycle bin of deleted VServers", "La corbeille des VServers supprimés"),
        "bin list" => (
            "Lists the deleted VServers that can be had back",
            "Liste les VServers supprimés qui peuvent être repris",
        ),
        "bin restore" => ("Gets one back", "En reprend un"),
        "bin remove" => ("Removes one for good", "En supprime un définitivement"),
        "bin empty" => (
            "Removes all that are not protected, for good",
            "Supprime définitivement tous ceux qui ne sont pas protégés",
        ),
        _ => return None,
    };
    Some(locale.pick(english, french))
}

/// What stands for the value of a word or option of a command, and what it is.
#[must_use]
pub fn program_takes(
    locale: Locale,
    command: &str,
    argument: &str,
) -> Option<(&'static str, &'static str)> {
    const NAME: (&str, &str) = ("NAME", "NOM");
    const BACKUP: (&str, &str) = ("BACKUP", "SAUVEGARDE");
    const NOTHING: (&str, &str) = ("", "");
    let (value, means) = match (command, argument) {
        (_, "help") => (NOTHING, ("This help", "Cette aide")),
        (_, "version") => (NOTHING, ("The version", "La version")),
        (_, "config") => (
            ("FILE", "FICHIER"),
            (
                "The settings; default: /etc/ulysse/ulysse.toml, if it is there",
                "Les réglages ; par défaut /etc/ulysse/ulysse.toml, s’il existe",
            ),
        ),
        (_, "lang") => (
            ("LANGUAGE", "LANGUE"),
            (
                "The language of what is said, fr or en; default: the environment’s",
                "La langue de ce qui est dit, fr ou en ; par défaut celle de l’environnement",
            ),
        ),
        (_, "yes") => (NOTHING, ("Does not ask", "Ne demande rien")),
        ("boot start" | "boot stop", option) => match option {
            "names" => (NAME, ("These alone", "Ceux-là seulement")),
            "mark" => (
                ("MARK", "MARQUE"),
                (
                    "Those with this mark (apps/init/mark); start alone: default",
                    "Ceux qui portent cette marque (apps/init/mark) ; pour start seul : default",
                ),
            ),
            "marked" => (NOTHING, ("Those with any mark", "Ceux qui portent une marque")),
            "unmarked" => (NOTHING, ("Those without a mark", "Ceux qui n’en portent aucune")),
            "all" => (NOTHING, ("All; what stop alone means", "Tous ; ce que veut dire stop seul")),
            "at_once" => (
                ("N", "N"),
                (
                    "How many at once, at most; default: boot.at_once of the settings",
                    "Combien à la fois, au plus ; par défaut boot.at_once des réglages",
                ),
            ),
            "dry_run" => (
                NOTHING,
                (
                    "Says what would be done, and does nothing",
                    "Dit ce qui serait fait, et ne fait rien",
                ),
            ),
            "by_host" => (
                NOTHING,
                (
                    "Says in the history that the host did it; for the units of systemd",
                    "Note dans l’historique que c’était l’hôte ; pour les unités de systemd",
                ),
            ),
            _ => return None,
        },
        ("cancel", "id") => (("ID", "ID"), ("Which operation", "Quelle opération")),
        ("doctor", "repair") => (
            NOTHING,
            (
                "Puts right what crashes left behind",
                "Remet en ordre ce que des arrêts brutaux ont laissé",
            ),
        ),
        ("user create", "name") => (NAME, ("The name to log in with", "Le nom pour se connecter")),
        ("user create" | "user role", "role") => (
            ("ROLE", "RÔLE"),
            ("administrator, operator or viewer", "administrator, operator ou viewer"),
        ),
        ("user disable" | "user enable" | "user role" | "user reset-password", "name") => {
            (NAME, ("Whom", "Qui"))
        }
        ("template add", "name") => {
            (NAME, ("What builds will call it", "Le nom que lui donneront les constructions"))
        }
        ("template add", "archive") => (
            ("ARCHIVE", "ARCHIVE"),
            (
                "Plain, or compressed with gzip, bzip2, xz or zstd",
                "Telle quelle, ou comprimée par gzip, bzip2, xz ou zstd",
            ),
        ),
        ("template add", "description") => {
            (("TEXT", "TEXTE"), ("What it is, in one line", "Ce que c’est, en une ligne"))
        }
        ("template remove", "name") => (NAME, ("Which", "Lequel")),
        ("base refresh" | "base remove", "id") => {
            (("ID", "ID"), ("The beginning of its id", "Le début de son identifiant"))
        }
        ("backup show" | "backup browse", "backup")
        | ("backup verify" | "backup remove", "backups") => {
            (BACKUP, ("TARGET:VSERVER:ID", "CIBLE:VSERVER:ID"))
        }
        ("backup browse", "path") => (
            ("PATH", "CHEMIN"),
            (
                "The directory, as seen from inside; default: /",
                "Le répertoire, vu de l’intérieur ; par défaut /",
            ),
        ),
        ("backup import", "name") => {
            (NAME, ("The VServer’s name there", "Le nom du VServer là-bas"))
        }
        ("backup import", "saved") => (
            ("SAVED", "SAUVÉ"),
            (
                "Directories or tar archives with etc/vservers/NAME and var/lib/vservers/NAME",
                "Répertoires ou archives tar avec etc/vservers/NOM et var/lib/vservers/NOM",
            ),
        ),
        ("backup import", "target") => (
            ("TARGET", "CIBLE"),
            (
                "Where the backup goes; a name of the settings",
                "Où va la sauvegarde ; un nom des réglages",
            ),
        ),
        ("bin restore" | "bin remove", "id") => (
            ("ID", "ID"),
            ("Its id, as “list” shows it", "Son identifiant, tel que « list » le montre"),
        ),
        ("bin restore", "name") => (NAME, ("Another name", "Un autre nom")),
        ("bin restore", "context") => {
            (("N", "N"), ("Another context number", "Un autre numéro de contexte"))
        }
        ("bin restore", "hostname") => {
            (("HOSTNAME", "NOM_HÔTE"), ("Another host name", "Un autre nom d’hôte"))
        }
        ("bin restore", "interface") => (
            ("INTERFACE", "INTERFACE"),
            ("Other addresses; may be repeated", "D’autres adresses ; peut être répétée"),
        ),
        _ => return None,
    };
    Some((locale.pick(value.0, value.1), locale.pick(means.0, means.1)))
}
