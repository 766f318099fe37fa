//! French: what did not happen, and what to do about it.

use domain::config_change::NotEditable;
use domain::failure::{BaseProblem, Failure, HostFeature, ProgramProblem};

use super::archive;
use super::problem::problem;

use crate::i18n::{Locale, format, refused_action};

/// What happened, what to do.
#[expect(clippy::too_many_lines, reason = "one line of text a failure")]
pub(crate) fn failure(failure: &Failure) -> (String, String) {
    let (what, remedy): (String, String) = match failure {
        Failure::Invalid { errors } if errors.0.len() == 1 => (
            "Un champ demande une autre valeur ; rien n’a été fait.".into(),
            "Corrigez-le, puis renvoyez le formulaire.".into(),
        ),
        Failure::Invalid { errors } => (
            format!("{} champs demandent d’autres valeurs ; rien n’a été fait.", errors.0.len()),
            "Corrigez-les, puis renvoyez le formulaire.".into(),
        ),
        Failure::NotLoggedIn => {
            ("Personne n’est connecté.".into(), "Connectez-vous, puis recommencez.".into())
        }
        Failure::NotAllowed { action } => (
            match refused_action(Locale::French, action) {
                Some(action) => format!("Votre rôle ne le permet pas : {action}."),
                None => "Cela ne vous est pas permis pour l’instant.".into(),
            },
            "Demandez à un administrateur de le faire ou de vous donner un autre rôle.".into(),
        ),
        Failure::CrossSite => (
            "Le formulaire ne venait pas de ce site, ou sa page était trop ancienne ; rien n’a été fait."
                .into(),
            "Rechargez la page, puis renvoyez le formulaire.".into(),
        ),
        Failure::WrongCredentials => (
            "Le nom d’utilisateur ou le mot de passe est faux.".into(),
            "Réessayez. Un administrateur peut réinitialiser un mot de passe oublié.".into(),
        ),
        Failure::LockedOut { seconds } => (
            "Trop de tentatives de connexion ont échoué.".into(),
            format!("Attendez {seconds} secondes, puis réessayez."),
        ),
        Failure::SetupLinkInvalid => (
            "Ce lien de mise en service a déjà servi, a expiré ou n’a jamais existé.".into(),
            "Si personne n’a encore de compte, redémarrez Ulysse : il affichera un nouveau lien. \
             Sinon, connectez-vous."
                .into(),
        ),
        Failure::LastAdministrator => (
            "C’est le dernier administrateur qui puisse se connecter.".into(),
            "Nommez d’abord un autre administrateur.".into(),
        ),
        Failure::NoSuchVServer { name } => (
            format!("Il n’existe pas de VServer « {name} »."),
            "Vérifiez l’orthographe, ou cherchez dans la liste : il a peut-être été supprimé."
                .into(),
        ),
        Failure::NoSuchOperation { id } => (
            format!("Il n’existe pas d’opération {id}."),
            "Cherchez-la dans la liste des opérations.".into(),
        ),
        Failure::NoSuchTerminal => (
            "Ce terminal est terminé, ou n’a jamais été le vôtre.".into(),
            "Ouvrez-en un nouveau sur la page du VServer.".into(),
        ),
        Failure::NoSuchUser => (
            "Cet utilisateur n’existe pas.".into(),
            "Rechargez la liste des utilisateurs.".into(),
        ),
        Failure::AlreadyRunning { name } => (
            format!("{name} est déjà en marche."),
            "Il n’y a rien à faire ; redémarrez-le si c’est ce que vous voulez.".into(),
        ),
        Failure::NotRunning { name } => {
            (format!("{name} n’est pas en marche."), "Démarrez-le d’abord.".into())
        }
        Failure::Busy { name, operation: Some(id) } => (
            format!("Une autre opération ({id}) est en cours sur {}.", name.name()),
            "Attendez qu’elle se termine, ou annulez-la.".into(),
        ),
        Failure::Busy { name, operation: None } => (
            format!("Autre chose est en cours sur {}.", name.name()),
            "Attendez un instant, puis réessayez.".into(),
        ),
        Failure::QueueFull { limit } => (
            format!("{limit} opérations attendent déjà."),
            "Attendez que certaines se terminent, puis réessayez.".into(),
        ),
        Failure::MirrorUnreachable { mirror, detail } => (
            format!("Le miroir {mirror} n’a pas répondu comme il faut : {detail}"),
            "Vérifiez son adresse et qu’il offre cette suite, ainsi que le réseau et le serveur de \
             noms de l’hôte."
                .into(),
        ),
        Failure::DebootstrapFailed { detail } => (
            format!("debootstrap a échoué : {detail}"),
            "Le journal en dit plus. La cause la plus courante est un nom de paquet mal écrit."
                .into(),
        ),
        Failure::DiskFull { path } => (
            format!("Il n’y a plus de place dans {path}."),
            "Libérez de la place ou agrandissez ce système de fichiers, puis réessayez.".into(),
        ),
        Failure::BadConfig { file, line, expected } => (
            format!(
                "{file}, ligne {line}, est incompréhensible ; attendu : {}.",
                super::expected::expected(expected)
            ),
            "Corrigez le fichier ; il sera relu à la prochaine utilisation.".into(),
        ),
        Failure::ConfigRefused { problems } => (
            match problems.as_slice() {
                [one] => format!(
                    "{}, ligne {} ; attendu : {}. Rien n’a été modifié.",
                    one.path,
                    one.line,
                    super::expected::expected(&one.expected)
                ),
                all => format!(
                    "{} lignes sont incompréhensibles ; rien n’a été modifié.",
                    all.len()
                ),
            },
            "Corrigez ce qui est nommé et renvoyez.".into(),
        ),
        Failure::ConfigChanged { path } => (
            format!("Quelqu’un d’autre a modifié {path} entre-temps ; rien n’a été fait."),
            "Regardez ce qu’il dit maintenant, puis refaites votre modification.".into(),
        ),
        Failure::ConfigTreeChanged { name } => (
            format!("Quelqu’un d’autre a modifié la configuration de {name} entre-temps ; rien n’a été fait."),
            "Regardez ce qu’elle dit maintenant, puis refaites votre modification.".into(),
        ),
        Failure::ConfigNotEditable { path, reason } => {
            let (why, remedy) = not_editable(*reason);
            (format!("{path} ne peut pas être modifié ici : {why}."), remedy.into())
        }
        Failure::ConfigUnchanged => (
            "C’est déjà ce qui est écrit ; il n’y a rien à modifier.".into(),
            "Modifiez d’abord quelque chose.".into(),
        ),
        Failure::NoSuchConfigChange { number } => (
            format!("Il n’y a pas de modification {number} qui puisse être annulée."),
            "Regardez l’historique : les vieilles modifications ne sont pas gardées pour toujours, \
             et d’un lien ou d’un fichier qui n’est pas du texte il n’y a rien à remettre."
                .into(),
        ),
        Failure::InterfacesUnusable { name, directory, problem: why } => (
            format!("Le réseau de {name} ne peut pas être mis en place. {}", problem(why)),
            format!("Ses adresses et ses périphériques sont dans {directory} : changez-les là, ou dans sa configuration."),
        ),
        Failure::EmptyRoot { name, path } => (
            format!("Il n’y a rien dans {path}, où devraient être les fichiers de {name}."),
            "Son volume est-il monté ? Montez-le, et qu’une ligne du fstab de l’hôte le fasse au démarrage de l’hôte. Si les fichiers sont perdus, restaurez-les d’une sauvegarde."
                .into(),
        ),
        Failure::NoInit { name, path } => (
            format!("{name} n’a pas {path}, dont son style d’init a besoin."),
            "Installez-y un init, ou choisissez un autre style dans apps/init/style.".into(),
        ),
        Failure::OtherArchitecture { name, path } => (
            format!("{path} de {name} n’est pas un programme de l’architecture de cet hôte."),
            "Seuls ceux-là peuvent tourner : un VServer d’une distribution 32 bits (i386, armhf) ne le \
             peut pas. Construisez-en un de l’architecture de cet hôte et copiez-y ce qu’il sert."
                .into(),
        ),
        Failure::TooManyFiles { bytes } => (
            format!(
                "Il a plus de fichiers qu’une sauvegarde ne peut en contenir : leur seule liste dépasserait {}.",
                format::bytes(Locale::French, *bytes)
            ),
            "Supprimez ce dont il n’a pas besoin (le plus souvent un cache ou une file oubliés), ou \
             copiez ses fichiers autrement."
                .into(),
        ),
        Failure::NoReference { path } => (
            format!("Les fichiers qu’il partage avec d’autres VServers ont disparu : {path}"),
            "Remettez ce répertoire, ou restaurez le VServer depuis une sauvegarde.".into(),
        ),
        Failure::HostLacks { feature, detail } => {
            let (thing, remedy) = host_feature(*feature);
            (format!("Il manque à cet hôte {thing} : {detail}"), remedy.into())
        }
        Failure::ProgramFailed { program, detail } => (
            format!("{program} a échoué : {detail}"),
            "Le journal de l’opération contient ce qui précède.".into(),
        ),
        Failure::RemoteDenied { host, public_key, detail } => (
            format!("{host} ne laisse pas Ulysse se connecter : {detail}"),
            if public_key.is_empty() {
                "Vérifiez que la clé indiquée figure là-bas dans ~/.ssh/authorized_keys.".into()
            } else {
                format!("Ajoutez là-bas cette ligne à ~/.ssh/authorized_keys, puis réessayez : {public_key}")
            },
        ),
        Failure::NoSuchBackup { backup } => (
            format!("Il n’y a pas de sauvegarde {backup}."),
            "Regardez la liste des sauvegardes : elle a pu être supprimée.".into(),
        ),
        Failure::BackupDamaged { backup, detail } => (
            format!("La sauvegarde {backup} est abîmée : {detail}"),
            "Faites-en une nouvelle maintenant, et vérifiez le disque où elle se trouve.".into(),
        ),
        Failure::TargetUnreachable { target, detail } => (
            format!("Impossible de garder des sauvegardes sur {target} : {detail}"),
            "Vérifiez le répertoire ou l’hôte que les réglages lui donnent, puis réessayez.".into(),
        ),
        Failure::NoSuchTarget { target } => (
            format!("Les réglages ne nomment aucun lieu de sauvegarde {target}."),
            "Choisissez-en un autre, ou ajoutez-le sous [backup.targets] dans les réglages.".into(),
        ),
        Failure::UnsafeProgram { program, path, problem } => (
            match problem {
                ProgramProblem::NotAbsolute => {
                    format!("{program} n’a pas été exécuté : {path} ne commence pas par « / ».")
                }
                ProgramProblem::NotRoots => {
                    format!("{program} n’a pas été exécuté : {path} n’appartient pas à root.")
                }
                ProgramProblem::WritableByOthers => {
                    format!("{program} n’a pas été exécuté : d’autres que root peuvent écrire dans {path}.")
                }
                ProgramProblem::NoFile => {
                    format!("{program} n’a pas été exécuté : {path} n’est pas un fichier.")
                }
            },
            match problem {
                ProgramProblem::NotAbsolute | ProgramProblem::NoFile => {
                    "Corrigez-le, ou supprimez-le.".into()
                }
                ProgramProblem::NotRoots | ProgramProblem::WritableByOthers => format!(
                    "Il s’exécuterait en root sur l’hôte. Voyez qui l’a écrit, puis : chown root {path}; chmod go-w {path}"
                ),
            },
        ),
        Failure::TimedOut { what, seconds } => (
            format!("{what} : plus de {seconds} secondes se sont écoulées."),
            "Réessayez ; le journal dit jusqu’où c’est allé.".into(),
        ),
        Failure::Cancelled => (
            "L’opération a été annulée, et ce qui avait été fait a été défait.".into(),
            "Il n’y a rien à nettoyer.".into(),
        ),
        Failure::Interrupted => (
            "Le processus qui s’en chargeait a été interrompu ; ce qu’il avait fait a été défait."
                .into(),
            "Il n’y a rien à nettoyer. Réessayez.".into(),
        ),
        Failure::EngineDown => (
            "Le moteur ne répond pas. Les VServers en marche continuent de tourner.".into(),
            "Il redémarre de lui-même ; rechargez la page dans quelques secondes. Si cela dure, \
             lisez le journal du service sur l’hôte (journalctl -u ulysse)."
                .into(),
        ),
        Failure::ArchiveRefused { problem, name } => (
            match name {
                Some(name) => format!(
                    "L’archive est refusée, à cause de « {name} ». {}",
                    archive::problem(*problem)
                ),
                None => format!("L’archive est refusée. {}", archive::problem(*problem)),
            },
            archive::remedy(*problem).into(),
        ),
        Failure::UploadBroken { bytes } => (
            format!("L’envoi s’est interrompu après {bytes} octets ; rien n’en a été gardé."),
            "Renvoyez l’archive ; sur l’hôte, ulysse template add la prend sans envoi.".into(),
        ),
        Failure::NoSuchTemplate { name } => (
            format!("Il n’y a pas de modèle « {name} »."),
            "La page des modèles et bases, et ulysse template list, montrent ceux qui existent."
                .into(),
        ),
        Failure::NoSuchBase { id } => (
            format!("Il n’y a pas de base « {} ».", id.short()),
            "La page des modèles et bases, et ulysse base list, montrent celles qui existent."
                .into(),
        ),
        Failure::Protected { name } => (
            format!("{name} est protégé contre la suppression ; rien n’a été fait."),
            format!(
                "Retirez-lui d’abord cette protection : sur sa page, ou avec vserver {name} \
                 unprotect. Dans la corbeille : restaurez-le avant."
            ),
        ),
        Failure::MustBeStopped { name } => (
            format!("{name} est en marche, et il faut l’arrêter pour cela ; rien n’a été fait."),
            "Arrêtez-le d’abord, ou permettez l’arrêt et le redémarrage : avec la case du \
             formulaire, avec --restart en ligne de commande."
                .into(),
        ),
        Failure::NothingToChange => (
            "Tout est déjà comme demandé.".into(),
            "Indiquez au moins une autre valeur.".into(),
        ),
        Failure::NotInBin { what } => (
            format!("« {what} » n’est pas dans la corbeille."),
            "Regardez ce qu’elle contient : il a peut-être été restauré, ou supprimé \
             définitivement."
                .into(),
        ),
        Failure::Mounted { path } => (
            format!("{path} est monté, à l’intérieur des fichiers du VServer ; rien n’a été fait."),
            format!("Démontez-le (umount {path}), puis réessayez."),
        ),
        Failure::Place { path, problem } => super::place::place(path, problem),
        Failure::BaseUnusable { link, path, problem } => {
            let (what, remedy) = base_problem(*problem, path);
            (
                format!(
                    "Les fichiers des VServers doivent aller dans {path}, comme l’indique {link}, \
                     mais {what}."
                ),
                remedy,
            )
        }
        Failure::PackageToolFailed { program, status, detail } => (
            format!("{program} a fini avec le code {status} : {detail}"),
            match domain::package::says_unknown(detail) {
                true => "Rien n’a été changé. Vérifiez comment son nom s’écrit, ou récupérez d’abord les listes : « Rafraîchir ».".into(),
                false => "Le journal de l’opération en dit plus. S’il dit que quelque chose est à moitié fait, « Réparer », sur la page de ses paquets, le finit.".into(),
            },
        ),
        Failure::PackagesInterrupted { name } => (
            format!("Des paquets de {name} étaient en train de changer quand cela a été interrompu."),
            format!("Ce que ses outils avaient fait reste. Lancez : vserver {name} packages repair"),
        ),
        Failure::PackagesBroken { name, packages } => (
            format!("Des paquets de {name} sont cassés : {}.", packages.join(", ")),
            format!("Le journal dit pourquoi ; corrigez, puis lancez : vserver {name} packages repair"),
        ),
        Failure::NoPackageSystem { name, system: None } => (
            format!("{name} n’a ni dpkg ni rpm."),
            "Les paquets se gèrent dans les familles de Debian et de Red Hat.".into(),
        ),
        Failure::NoPackageSystem { name, system: Some(system) } => (
            format!("Les paquets de {name} sont gérés par {system}, et il n’a ni dnf ni yum pour les changer."),
            format!("Installez-y dnf avec son propre rpm : vrpm {name} -- --upgrade FICHIER…"),
        ),
        Failure::NoVersionLock { name, program } => (
            format!("{program} de {name} n’a pas de greffon qui garde des paquets à leur version."),
            "Installez-le : dnf-command(versionlock), ou yum-plugin-versionlock pour yum.".into(),
        ),
        Failure::Unexpected { detail } => (
            format!("Quelque chose d’imprévu est arrivé : {detail}"),
            "Réessayez. Si cela se reproduit, donnez la référence ci-dessous à l’administrateur."
                .into(),
        ),
        Failure::Batch { tally, failed } => super::batch::failure(*tally, failed),
        Failure::NotRemounted { target, problem } => super::mounts::failure(target, *problem),
        Failure::NoSuchProcess { name, pid } => (
            format!("{name} n’a pas de processus {pid}, ou plus ; rien n’a été envoyé."),
            format!("Regardez ses processus tels qu’ils sont, ou ceux de tous : vps ax | grep {pid}."),
        ),
    };
    (what, remedy)
}

/// Why a directory is no place for VServers' files, and what to do.
fn base_problem(problem: BaseProblem, path: &str) -> (&'static str, String) {
    match problem {
        BaseProblem::Missing => (
            "ce répertoire n’existe pas",
            format!("Créez-le (install -d -m 700 {path}), montez-le, ou corrigez le lien."),
        ),
        BaseProblem::NotADirectory => {
            ("ce n’est pas un répertoire", "Faites mener le lien à un répertoire.".into())
        }
        BaseProblem::NotRootsAlone => (
            "lui-même, ou un répertoire au-dessus, n’appartient pas à root seul",
            "Lui et tous ceux au-dessus doivent appartenir à root, et personne d’autre ne doit \
             pouvoir y écrire."
                .into(),
        ),
        BaseProblem::OpenToOthers => (
            "d’autres utilisateurs peuvent y entrer, et il contient autre chose que des VServers",
            format!(
                "Si personne d’autre n’en a besoin : chmod 700 {path}. Sinon, prenez un répertoire \
                 réservé aux VServers."
            ),
        ),
        BaseProblem::InsideVServer => (
            "il se trouve parmi les fichiers d’un VServer",
            "Faites mener le lien à un répertoire propre à l’hôte.".into(),
        ),
    }
}

/// Why a file cannot be changed, and what to do.
pub(crate) fn not_editable(reason: NotEditable) -> (&'static str, &'static str) {
    match reason {
        NotEditable::Unknown => (
            "l’original ne connaissait pas une telle entrée",
            "Vérifiez l’orthographe dans le catalogue ; sur l’hôte, tout fichier peut être créé à la main.",
        ),
        NotEditable::HostOnly => (
            "il agit au-delà du VServer",
            "Root peut le modifier sur l’hôte : vserver NOM config edit CHEMIN.",
        ),
        NotEditable::ByHand => (
            "c’est un lien ou un programme",
            "Modifiez-le à la main sur l’hôte, si vous en êtes root.",
        ),
        NotEditable::NotText => (
            "ce n’est pas du texte, ou il est trop long, et ne pourrait pas être remis",
            "Modifiez-le ou supprimez-le à la main sur l’hôte.",
        ),
        NotEditable::NotAFile => {
            ("ce n’est pas un fichier, ou il est derrière un lien", "Regardez-le sur l’hôte.")
        }
    }
}

/// Something a host may lack, and what to do.
pub(super) fn host_feature(feature: HostFeature) -> (&'static str, &'static str) {
    match feature {
        HostFeature::Debootstrap => {
            ("le programme debootstrap", "Installez-le : apt-get install debootstrap.")
        }
        HostFeature::UserNamespaces => (
            "les espaces de noms d’utilisateurs",
            "Autorisez-les : sysctl -w user.max_user_namespaces=15000.",
        ),
        HostFeature::IdmappedMounts => (
            "les montages à identités décalées sur le système de fichiers des VServers",
            "Placez /var/lib/vservers sur ext4, xfs ou btrfs, avec un noyau 5.15 ou plus récent.",
        ),
        HostFeature::Cgroups => (
            "une hiérarchie cgroup utilisable",
            "Montez cgroup2 sur /sys/fs/cgroup, comme le fait Debian.",
        ),
        HostFeature::Veth => ("les périphériques veth", "Chargez le module : modprobe veth."),
        HostFeature::Nftables => {
            ("nftables avec traduction d’adresses", "Installez-le : apt-get install nftables.")
        }
        HostFeature::Dnf => ("le programme dnf", "Installez-le : apt-get install dnf."),
        HostFeature::Rsync => ("le programme rsync", "Installez-le : apt-get install rsync."),
        HostFeature::Ssh => {
            ("les programmes de ssh", "Installez-les : apt-get install openssh-client.")
        }
        HostFeature::Overlay => (
            "overlayfs, qui montre des couches comme un seul arbre",
            "Chargez le module : modprobe overlay.",
        ),
        HostFeature::Root => ("les droits de root", "Lancez la commande en tant que root."),
    }
}
