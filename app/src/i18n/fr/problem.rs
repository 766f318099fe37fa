//! French: fields, and what can be wrong with them.

use domain::field::{Allowed, Field, Problem};

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
        Field::Backup => "Sauvegarde",
        Field::BackupTarget => "Cible",
        Field::BackupTime => "Quand",
        Field::Retention => "Gardées",
        Field::Path => "Chemin",
    }
}

fn allowed(allowed: Allowed) -> &'static str {
    match allowed {
        Allowed::VServerName => {
            "lettres sans accent, chiffres, « . », « _ » et « - », en commençant par une lettre ou un chiffre"
        }
        Allowed::HostName => {
            "lettres sans accent, chiffres, « - » et « . », en commençant par une lettre ou un chiffre"
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
        Problem::NotEmpty { path } => format!(
            "{path} contient des fichiers qui n’appartiennent à aucun VServer. Déplacez-les ou \
             supprimez-les, ou choisissez un autre nom."
        ),
        Problem::ContextTaken { context, by } => format!(
            "Le contexte {context} appartient à {by}. Laissez vide pour obtenir le prochain libre."
        ),
        Problem::AddressTaken { address, by } => format!(
            "{address} appartient à {by}. Laissez vide pour obtenir la prochaine libre."
        ),
        Problem::AddressOfHost { address } => format!("{address} est une adresse de l’hôte."),
        Problem::AddressTwice { address } => format!("{address} est indiquée deux fois."),
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
        Problem::HostNameTaken { by } => {
            format!("{by} s’appelle déjà ainsi. Indiquez un autre nom d’hôte.")
        }
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
    }
}
