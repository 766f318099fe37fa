//! What is wrong with the place of a VServer's files, in French.

use domain::place::PlaceProblem;

/// The text of a problem, and its way out.
pub(super) fn place(path: &str, problem: &PlaceProblem) -> (String, String) {
    match problem {
        PlaceProblem::Outside { base } => (
            format!("Les fichiers sont dans {path}, hors de {base} ; rien n’a été fait."),
            "Déplacez-les à cet endroit et faites-y mener le lien vdir ; ou supprimez-les à la main, \
             ainsi que ce lien."
                .into(),
        ),
        PlaceProblem::NotMounted { device } => (
            match device {
                Some(device) => {
                    format!("Le volume {device} n’est pas monté sur {path} ; rien n’a été fait.")
                }
                None => format!("Le volume de {path} n’est pas monté ; rien n’a été fait."),
            },
            format!(
                "Montez-le (mount {path}), puis réessayez. S’il ne doit plus servir, retirez sa ligne \
                 du fstab de l’hôte."
            ),
        ),
        PlaceProblem::AnotherVolume { device } => (
            format!(
                "Ce qui est monté sur {path} n’est pas le volume où sont les fichiers ; rien n’a été \
                 fait."
            ),
            match device {
                Some(device) => format!(
                    "Le fstab de l’hôte y monte {device}. Voyez ce qui est monté (findmnt {path}), \
                     démontez-le et montez le volume du VServer, puis réessayez."
                ),
                None => format!(
                    "Voyez ce qui est monté (findmnt {path}), démontez-le et montez le volume du \
                     VServer, puis réessayez."
                ),
            },
        ),
        PlaceProblem::NotInFstab => (
            format!(
                "{path} est monté depuis une partie d’un autre système de fichiers, et le fstab de \
                 l’hôte ne dit pas laquelle : il ne pourrait pas être remonté. Rien n’a été fait."
            ),
            "Donnez-lui une ligne dans le fstab de l’hôte, ou démontez-le, puis réessayez.".into(),
        ),
        PlaceProblem::InUse => (
            format!(
                "Le volume monté sur {path} est utilisé et ne peut pas être démonté ; rien n’a été \
                 fait."
            ),
            format!(
                "Voyez qui l’utilise (fuser -vm {path}) et mettez-y fin, par exemple à un shell qui \
                 s’y trouve, puis réessayez."
            ),
        ),
        PlaceProblem::ReadOnly => (
            format!("Le volume monté sur {path} est en lecture seule ; rien n’a été fait."),
            format!(
                "Voyez dans le journal de l’hôte s’il a des erreurs. S’il n’en a pas : mount -o \
                 remount,rw {path}, puis réessayez."
            ),
        ),
        PlaceProblem::MountedAs { kind } => (
            format!(
                "Le volume de {path} est monté en {kind} : Linux ne peut pas, ainsi, en montrer les \
                 fichiers avec les propriétaires qu’ils ont à l’intérieur."
            ),
            format!(
                "Montez-le en ext4, qui lit aussi {kind} ; rien n’y change : umount {path} ; mount \
                 -t ext4 PÉRIPHÉRIQUE {path} ; et écrivez ext4 dans sa ligne du fstab de l’hôte."
            ),
        ),
        PlaceProblem::VolumeNameTaken { group, name } => (
            format!(
                "Le volume logique ne peut pas prendre le nouveau nom : {group} en a un autre qui \
                 s’appelle {name}. Rien n’a été fait."
            ),
            format!(
                "Choisissez un autre nom, ou renommez d’abord cet autre volume (lvrename {group} \
                 {name} NOUVEAU)."
            ),
        ),
    }
}
