//! French: what pages and commands say of packages.

use super::text::French;
use crate::i18n::messages::texts;
use crate::i18n::packages::PackageMessages;

impl PackageMessages for French {
    texts! {
        packages_arguments = "[list | search TEXTE | refresh | upgrade [--security] [PAQUET…] | install|hold|unhold PAQUET… | remove [--dry-run] PAQUET… | repair]";
        does_packages = "montrer ce qui attend, ou changer ses paquets ; il peut être arrêté";
        packages_explained = "Sans mot, montre quelles mises à jour attendent.
  list                       chaque paquet : nom, version, architecture, état
  search TEXTE               ce que proposent les listes de son apt : nom, versions, version installée, résumé
  refresh                    récupérer les listes, et demander ce qui attend
  upgrade [--security] [PAQUET…]
                             prendre toutes les mises à jour, celles de sécurité, ou celles de ces paquets
  install PAQUET…            installer des paquets
  remove PAQUET…             les supprimer ; leur configuration reste (rpm : ce qui a été modifié, en .rpmsave)
  remove --dry-run PAQUET…   dire seulement ce qui partirait avec eux
  hold, unhold PAQUET…       les garder à leur version, ou ne plus les garder
  repair                     finir ce qui est à moitié fait : dpkg --configure -a, apt-get -f install ;
                             avec rpm : rpm --rebuilddb, et dnf remove --duplicates si quelque chose est là deux fois
La famille de Debian est changée par apt, celle de Red Hat par dnf ou yum ; là, hold demande leur greffon versionlock.
Rien n’est jamais demandé : les fichiers de configuration modifiés restent tels quels.";
        tool_arguments = "ARGUMENTS";
        does_tool = "le lancer à l’intérieur, qu’il tourne ou non ; le code de retour est celui de l’outil";
        package_tool_usage(program) = "{program} [-q] [-j N] NOM… | FILTRE… -- ARGUMENTS";
        package_tool_explained(program) = "Lance {program} ARGUMENTS dans chaque VServer désigné, qu’il tourne ou non. Les services d’un VServer arrêté ne sont pas démarrés.
  --all, --running, --stopped            ces VServers-là
  --marked, --unmarked, --mark MARQUE    ceux qui ont cette marque (MARQUE,MARQUE : l’une d’elles ; ~MARQUE : aucune)
  --names NOM,…                          ceux de ces noms
  -j, --jobs N                           autant à la fois (4)
  -q, --quiet                            ni titres ni résumé
  --config FICHIER                       les réglages d’une autre instance
  --help, --version
Plusieurs filtres : ceux que tous laissent passer. Seul un VServer désigné par son nom, dans un terminal, peut poser une question ; aux autres, donnez des options comme --yes. Le code de retour est le pire de tous ; 255 quand aucun n’est désigné, ou qu’on n’a pu entrer dans l’un d’eux.";
        none_let_through = "Les filtres ne laissent passer aucun VServer.";
        tool_words_missing(program, ours) = "Ce que {program} doit faire se place derrière « -- » : {ours} NOM -- ARGUMENTS.";
        no_vserver_meant = "Aucun VServer n’est désigné : nommez-en, ou donnez un filtre comme --all.";
        failed_with_status(name, status) = "{name} : échec, code de retour {status}.";
        package_summary(count, failed) = "VServers : {count} ; échecs : {failed}.";
        never_refreshed(name) = "On n’a jamais demandé ce qui attend : vserver {name} packages refresh";
        packages_need_repair(packages) = "À réparer (vserver NOM packages repair) : {packages}";
        packages_of(name) = "Paquets de {name}";
        pending_explained = "Ce qui attend est ce que chaque VServer a répondu la dernière fois : « Rafraîchir » le lui redemande. Ceux qui sont arrêtés se changent aussi, sans être démarrés.";
        package_system = "Système de paquets";
        no_package_system = "ni dpkg ni rpm";
        installed_packages = "Installés";
        pending_updates = "En attente";
        security_updates = "Sécurité";
        for_security = "sécurité";
        held_packages = "Figés";
        package_health = "Santé";
        needs_repair = "à réparer";
        is_healthy = "en ordre";
        dpkg_interrupted = "dpkg a été interrompu : réparez avant toute autre chose.";
        broken_packages(packages) = "Cassés : {packages}.";
        lists_fetched = "Listes récupérées";
        never_fetched = "jamais d’ici";
        changed_since = "des paquets ont changé depuis";
        not_asked_yet = "pas encore demandé";
        nothing_pending = "Aucune mise à jour n’attend.";
        package = "Paquet";
        version = "Version";
        version_offered = "Proposée";
        package_origin = "Origine";
        package_state = "État";
        package_held = "figé";
        package_broken = "cassé";
        package_installed = "installé";
        choose(name) = "Choisir {name}";
        search_package = "Paquet dans tous les VServers";
        package_searched(text) = "Paquets dont le nom contient « {text} »";
        package_found_nowhere(text) = "Aucun VServer n’a de paquet dont le nom contient « {text} ».";
        package_names_hint = "Des noms, séparés par des espaces.";
        do_refresh = "Rafraîchir";
        do_upgrade = "Tout mettre à jour";
        do_upgrade_security = "Mettre à jour la sécurité";
        do_upgrade_these = "Mettre à jour ceux-ci";
        do_install = "Installer";
        do_remove = "Supprimer";
        do_hold = "Figer";
        do_unhold = "Libérer";
        do_repair = "Réparer";
        remove_packages_dots = "Supprimer des paquets…";
        remove_packages_explained = "Ce qui en a besoin part avec eux : la liste en est montrée d’abord. Les fichiers de configuration restent ; avec rpm ceux qui ont été modifiés, en .rpmsave.";
        foresee_removal = "Montrer ce qui partirait";
        would_remove = "Ce qui partirait avec";
        would_go_title(packages) = "Suppression de {packages} : ce qui partirait";
        would_go_explained = "Tel que le dit l’outil de paquets de chaque VServer. Rien n’est encore supprimé.";
        would_go_in(name, count) = "{name} : paquets qui partiraient : {count}";
        would_stay_in(name) = "{name} : rien ne changerait.";
        not_foreseen_in(name) = "{name} : son outil ne l’a pas dit ; rien n’y est supprimé. Son opération, plus haut, dit pourquoi.";
        version_then = "Ensuite";
        would_go = "supprimé";
        more_would_change(count) = "Et {count} autres, dans le journal de son opération.";
        remove_these_now(packages, count) = "Supprimer {packages} et ce qui part avec (VServers : {count})";
        search_offers = "Chercher des paquets à installer";
        offered_packages = "Paquets à installer";
        offers_explained = "Dans les listes que l’apt de ce VServer a récupérées en dernier : noms et résumés.";
        no_offers(text) = "Ses listes ne proposent rien comme « {text} ».";
        no_lists = "Aucune liste de paquets lisible : « Rafraîchir » les récupère ; on ne cherche pas dans celles qu’apt garde comprimées.";
        offers_found(text, count) = "Trouvés pour « {text} » : {count}";
        more_offers = "Il y en a d’autres : précisez le nom.";
        package_summary_column = "Ce que c’est";
        not_installed = "pas installé";
        install_this(package) = "Installer {package}";
        back_to_packages = "Retour aux paquets";
        with_chosen = "Avec les VServers choisis";
        first_try_on = "Essayer d’abord sur";
        all_alike = "tous pareils";
        canary_vserver_explained = "Ce VServer est traité d’abord, et les autres seulement si cela a réussi.";
        packages_commands = "La même chose, pour chacun d’eux, que :";
        filter_packages = "Nom";
        packages_shown(shown, all) = "{shown} paquets sur {all}";
        package_history = "Historique";
        packages_were_cancelled = "L’opération a été annulée. Les paquets changés avant le restent ; son journal dit lesquels, et « Réparer » finit ce qui est à moitié fait.";
        packages_done(what) = "Paquets : {what}";
        last_asked = "Interrogé le";
        upgrade_word = "Mettre à jour";
        done_in(what, name) = "{what} dans {name}";
    }
}
