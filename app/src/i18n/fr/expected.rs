//! French: what was expected in a file of a config tree, after “expected”.

use domain::config_entry::Expected;

use super::problem::problem;

/// What was expected.
pub(crate) fn expected(expected: &Expected) -> String {
    let (what, why) = match expected {
        Expected::ContextNumber => ("un numéro de contexte de 2 à 49151", None),
        Expected::DeviceOrNodev => {
            ("un périphérique dans le fichier « dev », ou un fichier « nodev »", None)
        }
        Expected::Address => ("une adresse IPv4 ou IPv6", None),
        Expected::InitStyle => {
            ("« sysv », « plain », « gentoo », « openrc », « arch » ou « minit »", None)
        }
        Expected::RunLevel => ("un niveau d’exécution : un mot de lettres et de chiffres", None),
        Expected::KillSequence => (
            "des signaux et des secondes à tour de rôle, en commençant et en finissant par un signal",
            None,
        ),
        Expected::ExistingVServer => ("le nom d’un VServer qui existe", None),
        Expected::Capability => ("le nom d’une capacité, ou « ^ » et son numéro", None),
        Expected::FstabFields => ("source, cible, type et options", None),
        Expected::NoHostSource => (
            "un système de fichiers à lui (proc, tmpfs, devpts, …) : une ligne qui touche à un périphérique, un répertoire ou un serveur de l’hôte ne peut être ajoutée que par root sur l’hôte",
            None,
        ),
        Expected::Repository => {
            ("[id] d’une source de paquets, et dessous un réglage par ligne : nom=valeur", None)
        }
        Expected::CheckedRepository => (
            "une adresse en http:// ou https://, une vérification qui reste active, ou un réglage qui ne touche à rien de l’hôte : tout le reste ne peut être ajouté que par root sur l’hôte",
            None,
        ),
        Expected::Release => ("des lettres, des chiffres, « . », « _ » et « - »", None),
        Expected::Utf8 => ("du texte en UTF-8", None),
        Expected::RootDirectory => ("un lien vers le répertoire des fichiers du VServer", None),
        Expected::NoNul => ("du texte sans octet nul", None),
        Expected::NoControl => ("du texte sans caractère de contrôle", None),
        Expected::NoBackslash => ("une valeur sans barre oblique inverse", None),
        Expected::Value => ("une valeur", None),
        Expected::OneLine => ("rien de plus : seule la première ligne est lue", None),
        Expected::Limit => ("un nombre entier, suivi ou non de K, M, k ou m, ou « inf »", None),
        Expected::NumberList => {
            ("des numéros de processeurs ou de nœuds de mémoire, par exemple 0-2,5", None)
        }
        Expected::NumbersOfHost { available } => {
            return format!("des numéros parmi ceux de l’hôte : {available}");
        }
        Expected::AbsolutePath => ("un chemin qui commence par « / »", None),
        Expected::Assignment => ("NOM=valeur", None),
        Expected::SixIntegers => ("six lignes, chacune un nombre entier", None),
        Expected::FreeContext(problem) => ("un autre numéro de contexte", Some(problem)),
        Expected::HostName(problem) => ("un nom d’hôte", Some(problem)),
        Expected::Label(problem) => ("une étiquette", Some(problem)),
        Expected::Device(problem) => ("un périphérique réseau", Some(problem)),
        Expected::UsableAddress(problem) => {
            ("une adresse que ce VServer peut avoir", Some(problem))
        }
        Expected::Prefix(problem) => ("une longueur de préfixe", Some(problem)),
        Expected::Netmask(problem) => ("un masque de réseau", Some(problem)),
        Expected::Mark(problem) => ("une marque", Some(problem)),
        Expected::BackupSchedule(problem) => ("un calendrier de sauvegardes", Some(problem)),
        Expected::VServerName(problem) => ("le nom d’un VServer", Some(problem)),
        Expected::Package(problem) => (
            "des noms de paquets ou de groupes (@core), « --can-fail » ou « --reinstall »",
            Some(problem),
        ),
        Expected::SuiteScript(problem) => {
            ("une distribution que debootstrap connaît", Some(problem))
        }
        Expected::Mirror(problem) => ("l’adresse d’un miroir", Some(problem)),
        Expected::AtMostBytes(bytes) => return format!("au plus {bytes} octets"),
        Expected::Integer { min, max: i64::MAX } => {
            return format!("un nombre entier d’au moins {min}");
        }
        Expected::Integer { min, max } => return format!("un nombre entier de {min} à {max}"),
        Expected::Choice(words) => return format!("un de ces mots : {}", words.join(", ")),
        Expected::Readable { detail } => {
            return format!("un fichier lisible à l’intérieur de la configuration ({detail})");
        }
    };
    match why {
        Some(why) => format!("{what} ({})", problem(why).trim_end_matches('.')),
        None => what.to_owned(),
    }
}
