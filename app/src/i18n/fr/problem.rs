//! French: fields, and what can be wrong with them.

use domain::build::passed_options;
use domain::field::{Allowed, Field, Problem};

use super::failure::host_feature;

/// The label of a field.
pub(crate) fn field(field: Field) -> &'static str {
    match field {
        Field::Name => "Nom",
        Field::Method => "Méthode",
        Field::Suite => "Suite",
        Field::Mirror => "Miroir",
        Field::Packages => "Paquets à inclure",
        Field::Init => "Init",
        Field::Context => "Numéro de contexte",
        Field::HostName => "Nom d’hôte",
        Field::Interface => "Adresses",
        Field::Architecture => "Architecture",
        Field::Mark => "Marque",
        Field::UserName => "Nom d’utilisateur",
        Field::Password => "Mot de passe",
        Field::PasswordAgain => "Mot de passe, encore une fois",
        Field::CurrentPassword => "Mot de passe actuel",
        Field::Role => "Rôle",
        Field::SetupToken => "Lien de mise en service",
        Field::Variant => "Variante",
        Field::Components => "Composants",
        Field::Excluded => "Paquets à laisser de côté",
        Field::Flags => "Drapeaux",
        Field::ConfigPath => "Chemin du fichier",
        Field::ConfigTree => "Configuration",
        Field::ConfigText => "Nouveau texte",
        Field::Source => "Source",
        Field::ExcludePatterns => "À ne pas copier",
        Field::Bandwidth => "Débit maximal (Kio/s)",
        Field::Port => "Port de sshd",
        Field::HostKey => "Clé de la machine",
        Field::Identity => "Clé privée",
        Field::Distribution => "Distribution",
        Field::Template => "Modèle",
        Field::Broadcast => "Adresse de diffusion",
        Field::Cpuset => "Cpuset",
        Field::CpusetCpus => "Processeurs du cpuset",
        Field::CpusetMems => "Nœuds mémoire du cpuset",
        Field::SuiteScript => "Script d’une autre distribution",
        Field::Description => "Description",
        Field::Archive => "Archive",
        Field::Base => "Base",
        Field::Backup => "Sauvegarde",
        Field::BackupTarget => "Cible",
        Field::BackupTime => "Quand",
        Field::Retention => "Gardées",
        Field::Path => "Chemin",
        Field::Confirmation => "Confirmation",
        Field::Process => "Processus",
        Field::Signal => "Signal",
        Field::AtOnce => "Sur combien à la fois",
        Field::Canary => "Essayés d’abord",
        Field::StopAfter => "Échecs avant l’arrêt",
        Field::MountTarget => "Où, à l’intérieur du VServer",
        Field::MountType => "Type",
        Field::PackageNames => "Paquets",
        Field::MountSize => "Taille",
        Field::MountMode => "Mode",
        Field::MountOptions => "Autres options",
        Field::Service => "Service",
        Field::VServers => "VServers",
        Field::Operation => "Opération",
        Field::Action => "Ce qui est à faire",
    }
}

fn allowed(allowed: Allowed) -> &'static str {
    match allowed {
        Allowed::VServerName | Allowed::TemplateName | Allowed::DistributionName => {
            "lettres sans accent, chiffres, « . », « _ » et « - », en commençant par une lettre ou un chiffre"
        }
        Allowed::HostName => {
            "lettres sans accent, chiffres, « - » et « . », en commençant par une lettre ou un chiffre"
        }
        Allowed::SystemPackage => {
            "lettres sans accent, chiffres, « + », « . », « _ », « - » et « : », en commençant par une lettre ou un chiffre et sans finir comme un ordre donné à apt (« bash- »)"
        }
        Allowed::RpmPackage => {
            "lettres sans accent, chiffres, « . », « _ », « - », « + », « ^ » et « ~ » ; « @ » devant un groupe"
        }
        Allowed::RemotePath => {
            "un chemin absolu de lettres sans accent, de chiffres et de « / . _ + @ , = : - »"
        }
        Allowed::Suite => "lettres minuscules, chiffres, « . » et « - »",
        Allowed::PackageName => {
            "lettres minuscules, chiffres, « + », « . » et « - », les paquets étant séparés par des espaces"
        }
        Allowed::Architecture => "lettres minuscules, chiffres et « - »",
        Allowed::Mirror => "caractères imprimables sans espace, guillemet, crochet ni « # »",
        Allowed::Mark | Allowed::DeviceName => {
            "lettres sans accent, chiffres, « . », « _ » et « - »"
        }
        Allowed::ConfigPath => {
            "des noms sans caractère de contrôle ni « \\ », séparés par un seul « / »"
        }
        Allowed::ServiceName => {
            "lettres, chiffres et « . », « _ », « - », « @ », « : », « + », « \\ », en commençant par une lettre, un chiffre ou « _ »"
        }
        Allowed::PlainText => "n’importe quels caractères d’une seule ligne",
        Allowed::UserName => {
            "lettres minuscules, chiffres, « . », « _ » et « - », en commençant par une lettre"
        }
    }
}

/// What is wrong, and what is allowed.
pub(crate) fn problem(what: &Problem) -> String {
    match what {
        Problem::Missing => "Ce champ doit être rempli.".into(),
        Problem::TooLong { max, actual } => {
            format!("Trop long : {actual} octets, pour {max} au plus.")
        }
        Problem::TooShort { min, actual } => {
            format!("Trop court : {actual} octets, il en faut au moins {min}.")
        }
        Problem::Character { character, position, allowed: set } => format!(
            "« {} » en position {position} n’est pas permis. Sont permis : {}.",
            character.escape_debug(),
            allowed(*set)
        ),
        Problem::BackupSuffix { suffix } => format!(
            "Un nom qui finit par « {suffix} » serait pris pour un fichier de sauvegarde et jamais listé."
        ),
        Problem::HostNameLabel => {
            "Chaque partie entre deux points compte de 1 à 63 caractères, sans « - » au début ni à la fin."
                .into()
        }
        Problem::MirrorScheme => {
            "L’adresse d’un miroir commence par http://, https:// ou file:///.".into()
        }
        Problem::NotANumber => "Ce n’est pas un nombre entier.".into(),
        Problem::OutOfRange { min, max } => format!("Doit être compris entre {min} et {max}."),
        Problem::NotAnId => "Ce système n’a jamais attribué cet identifiant.".into(),
        Problem::NotAnAddress { text } => {
            format!("« {text} » n’est pas une adresse IPv4 ou IPv6. Forme attendue : périphérique:adresse/longueur, par exemple nat0:10.127.0.5/24.")
        }
        Problem::NotANetmask { text } => format!(
            "« {text} » n’est pas un masque de réseau. Indiquez une longueur (24) ou un masque (255.255.255.0)."
        ),
        Problem::PrefixTooLong { max } => {
            format!("La longueur après « / » doit être comprise entre 0 et {max}.")
        }
        Problem::AddressNotUsable { address } => format!(
            "{address} ne peut pas appartenir à un VServer : c’est une adresse de boucle locale, de \
             réseau, de diffusion, de multidiffusion ou indéterminée."
        ),
        Problem::LabelTooLong { actual } => format!(
            "Périphérique et étiquette prennent ensemble {actual} octets ; le noyau en admet 15."
        ),
        Problem::NameTaken => "Ce nom est déjà pris. Choisissez-en un autre.".into(),
        Problem::HostNameTaken { host_name, by } => {
            format!("Le nom d’hôte {host_name} appartient à {by}. Choisissez-en un autre.")
        }
        Problem::NotTheName { name } => format!(
            "Ce n’est pas son nom ; rien n’a été supprimé. Pour le supprimer, tapez : {name}"
        ),
        Problem::NotEmpty { path } => format!(
            "{path} contient des fichiers qui n’appartiennent à aucun VServer. Déplacez-les ou \
             supprimez-les, ou choisissez un autre nom."
        ),
        Problem::ContextTaken { context, by } => {
            format!("Le contexte {context} appartient à {by}. Choisissez-en un autre.")
        }
        Problem::AddressTaken { address, by } => {
            format!("{address} appartient à {by}. Choisissez-en une autre.")
        }
        Problem::AddressOfHost { address } => format!("{address} est une adresse de l’hôte."),
        Problem::AddressTwice { address } => format!("{address} est indiquée deux fois."),
        Problem::NoSuchDevice { device, devices } if devices.is_empty() => {
            format!("L’hôte n’a pas de périphérique réseau « {device} », ni aucun autre qui puisse porter des adresses.")
        }
        Problem::NoSuchDevice { device, devices } => format!(
            "L’hôte n’a pas de périphérique réseau « {device} ». Il a : {}.",
            devices.join(", ")
        ),
        Problem::NoFreeAddress => {
            "Le réseau NAT n’a plus d’adresse libre. Supprimez un VServer ou indiquez une autre adresse."
                .into()
        }
        Problem::NoFreeContext => {
            "Plus aucun numéro de contexte n’est libre. Supprimez d’abord un VServer.".into()
        }
        Problem::NotAChoice { choices } => format!("Choix possibles : {}.", choices.join(", ")),
        Problem::InitNotRunnable => {
            "Cet hôte ne peut pas le faire tourner : systemd exige la hiérarchie cgroup unifiée (v2)."
                .into()
        }
        Problem::NoSuiteScript => {
            "Le debootstrap de l’hôte ne connaît pas cette suite. Une version plus récente la connaît peut-être."
                .into()
        }
        Problem::OptionNotAllowed { option } => {
            format!("« {option} » n’est pas permise : elle agirait hors du VServer.")
        }
        Problem::OfItem { item, problem: inner } => {
            format!("« {} » : {}", item.escape_debug(), problem(inner))
        }
        Problem::NotASource { text } => format!(
            "« {text} » n’est ni le nom d’un VServer, ni UTILISATEUR@MACHINE:/CHEMIN."
        ),
        Problem::NoSuchSource { name } => format!(
            "Il n’existe pas de VServer « {name} » à copier. Une autre machine s’écrit UTILISATEUR@MACHINE:/CHEMIN."
        ),
        Problem::NotAVServersDirectory { text } => format!(
            "« {text} » n’est le répertoire d’aucun VServer, or seul un VServer se clone. La méthode rsync copie tout répertoire."
        ),
        Problem::SourceIsTarget => "Un VServer ne peut pas être une copie de lui-même.".into(),
        Problem::SourceHoldsTarget { path } => format!(
            "{path} contient l’endroit où il serait copié : la copie n’aurait pas de fin."
        ),
        Problem::NotThere { path } => {
            format!("{path} n’existe pas, ou est vide. Peut-être faut-il d’abord monter un volume.")
        }
        Problem::OnlyAtCommandLine => {
            "Un chemin de l’hôte ne peut être donné que sur l’hôte, en ligne de commande.".into()
        }
        Problem::NotAPattern => "Un motif ne peut pas commencer par « ! ».".into(),
        Problem::NotAFingerprint => {
            "Une empreinte est « SHA256: » suivi de 43 caractères, telle que la montre ssh-keygen -l."
                .into()
        }
        Problem::HostKeyUnknown { host, fingerprint } => format!(
            "{host} présente une clé que personne n’a encore confirmée : {fingerprint}. Comparez-la à ce \
             que dit là-bas « ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub », puis confirmez-la."
        ),
        Problem::HostKeyChanged { host, fingerprint, known_hosts } => format!(
            "{host} présente une autre clé que celle qui a été confirmée : {fingerprint}. Quelqu’un a pu \
             mettre une autre machine à sa place. Si elle a été réinstallée, retirez sa ligne de {known_hosts}."
        ),
        Problem::RemoteUnreachable { host, detail } => format!(
            "{host} ne répond pas comme une machine où tourne sshd : {detail}. Vérifiez son nom, le port, et que sshd tourne."
        ),
        Problem::HostLacks { feature } => {
            let (what, remedy) = host_feature(*feature);
            format!("Il manque à cet hôte {what}. {remedy}")
        }
        Problem::NotPassedOn { path, word } => format!(
            "« {path} » contient « {word} », qui n’est pas transmis à debootstrap. Le sont : {}.",
            passed_options()
        ),
        Problem::DistributionIncomplete { path } => format!(
            "« {path} » manque, ou ne contient rien. Une distribution est décrite par yum.repos.d/*.repo (d’où viennent les paquets) et pkgs/* (des listes de paquets)."
        ),
        Problem::DistributionLine { path, line, problem: inner } => {
            format!("« {path} », ligne {line} : {}", problem(inner))
        }
        Problem::NoSuchDistribution { choices } if choices.is_empty() => {
            "Aucune distribution n’est encore décrite. Décrivez-en une dans /etc/vservers/.distributions/NOM : yum.repos.d/*.repo dit d’où viennent les paquets, pkgs/* en donne la liste.".into()
        }
        Problem::NoSuchDistribution { choices } => {
            format!("Cette distribution n’est pas décrite. Il y a : {}.", choices.join(", "))
        }
        Problem::NoSuchTemplate { choices } if choices.is_empty() => {
            "Aucun modèle n’est encore gardé : ajoutez-en un d’abord.".into()
        }
        Problem::NoSuchTemplate { choices } => {
            format!("Il n’y a pas de tel modèle. Il y a : {}.", choices.join(", "))
        }
        Problem::OptionOfOtherMethods { option } => {
            format!("« {option} » n’a pas de sens avec cette méthode.")
        }
        Problem::NotTheBroadcast { expected } => format!(
            "L’adresse de diffusion de ce réseau est {expected}. On peut ne pas l’indiquer."
        ),
        Problem::NotACpuList { text } => format!(
            "« {text} » n’est ni un nombre, ni un intervalle comme 0-3, suivi au plus de « :1 »."
        ),
        Problem::CpusetWithoutName => "Un cpuset a besoin d’un nom.".into(),
        Problem::NotAFrequency { text } => format!(
            "« {text} » n’est pas un moment de sauvegarde. Forme attendue : « hourly :15 », « daily 02:30 » ou « weekly sun 02:30 », en UTC."
        ),
        Problem::NotARetention { text } => format!(
            "« {text} » ne dit pas ce qui est gardé. Forme attendue : « last=3 daily=7 weekly=4 monthly=12 », ou une partie."
        ),
        Problem::NotInBackup => {
            "La sauvegarde ne contient ni fichier ni répertoire de ce chemin. Cherchez-le dans la liste."
                .into()
        }
        Problem::PasswordsDiffer => "Les deux mots de passe diffèrent.".into(),
        Problem::PasswordTooCommon => {
            "Trop facile à deviner. Prenez plusieurs mots sans rapport entre eux.".into()
        }
        Problem::WrongPassword => "Ce n’est pas le mot de passe actuel.".into(),
        Problem::NotASize => {
            "Écrivez un nombre suivi de k, m ou g (32m), 4k au moins, ou une part de la mémoire (50%), 100% au plus.".into()
        }
        Problem::AddressNotOfNat { address, device, network, gateway } => format!(
            "{address} ne peut pas être celle d’un VServer sur {device} : celles-là sont de {network}, sans la première, la dernière et celle de l’hôte, {gateway}."
        ),
        Problem::AddressRouted { address } => format!(
            "L’hôte envoie déjà ailleurs les paquets pour {address} : « ip route show {address} » dit où."
        ),
        Problem::NotAMode => "Écrivez trois ou quatre chiffres octaux, par exemple 1777.".into(),
        Problem::NothingChosen => "Cochez au moins un VServer.".into(),
        Problem::NamedTwice { name } => format!("{name} est nommé deux fois ; une suffit."),
        Problem::NotOfMany { kind } => {
            format!("« {} » ne se fait que sur un VServer à la fois.", kind.as_str())
        }
        Problem::UnknownSignal { text } => {
            format!("« {text} » n’est pas un signal. Attendu : un nom comme TERM ou SIGHUP, ou un numéro.")
        }
    }
}
