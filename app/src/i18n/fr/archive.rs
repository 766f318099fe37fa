//! French: why an archive is not taken.

use domain::template::ArchiveProblem;

use crate::i18n::{Locale, format};

/// A sentence about “the archive”.
pub(in crate::i18n) fn problem(problem: ArchiveProblem) -> String {
    match problem {
        ArchiveProblem::NotTar => "Ce n’est pas une archive tar, compressée ou non.".into(),
        ArchiveProblem::Cpio => {
            "C’est une archive cpio, et seules les archives tar sont acceptées.".into()
        }
        ArchiveProblem::Dump => {
            "Elle a été faite par dump(8), et seules les archives tar sont acceptées.".into()
        }
        ArchiveProblem::Zip => {
            "C’est une archive zip, qui ne garde pas les propriétaires ; seules les archives tar \
             sont acceptées."
                .into()
        }
        ArchiveProblem::Truncated => "Elle s’arrête au milieu : une partie manque.".into(),
        ArchiveProblem::Damaged => {
            "Elle est abîmée : ce qu’elle dit d’elle-même ne concorde pas.".into()
        }
        ArchiveProblem::Empty => "Elle ne contient rien.".into(),
        ArchiveProblem::LeadsOut => "Un nom y mène hors de l’archive (« .. »).".into(),
        ArchiveProblem::ThroughLink => {
            "Un fichier y serait écrit à travers un lien symbolique de l’archive elle-même.".into()
        }
        ArchiveProblem::ThroughFile => {
            "Un fichier s’y trouve sous quelque chose qui n’est pas un répertoire.".into()
        }
        ArchiveProblem::BadName => {
            "Un nom y est plus long que ce que Linux permet, ou n’en est pas un.".into()
        }
        ArchiveProblem::Contradiction => {
            "Elle se contredit : un autre programme y trouverait d’autres fichiers.".into()
        }
        ArchiveProblem::HeaderTooLong => {
            "Un en-tête y est bien plus long qu’aucun véritable.".into()
        }
        ArchiveProblem::UnknownSparse => {
            "Un fichier creux y est écrit d’une façon qui n’est pas comprise.".into()
        }
        ArchiveProblem::UnknownType => {
            "Un membre y est d’un type qui n’est pas compris, par exemple un qui continue ailleurs."
                .into()
        }
        ArchiveProblem::TooLarge { bytes } => {
            format!("Il en sort plus de {}, la limite.", format::bytes(Locale::French, bytes))
        }
        ArchiveProblem::TooMany { entries } => format!(
            "Il en sort plus de {} fichiers, la limite.",
            format::integer(Locale::French, entries)
        ),
        ArchiveProblem::TooMuchMemory => "La dépaqueter demande trop de mémoire.".into(),
        ArchiveProblem::ReaderDied { signal } => {
            format!("Elle a fait mourir le processus confiné qui la lit (signal {signal}).")
        }
    }
}

/// What to do about it.
pub(super) fn remedy(problem: ArchiveProblem) -> &'static str {
    match problem {
        ArchiveProblem::Cpio | ArchiveProblem::Dump | ArchiveProblem::Zip => {
            "Dépaquetez-la là où elle a été faite, puis refaites-la avec : \
             tar --create --numeric-owner."
        }
        ArchiveProblem::NotTar | ArchiveProblem::Empty => {
            "Choisissez un autre fichier : un répertoire racine, mis en archive avec : \
             tar --create --numeric-owner."
        }
        ArchiveProblem::UnknownSparse => "Refaites-la sans l’option --sparse.",
        ArchiveProblem::TooLarge { .. } | ArchiveProblem::TooMany { .. } => {
            "Si elle doit être si grande, augmentez limits.unpacked_bytes ou \
             limits.unpacked_entries dans /etc/ulysse/ulysse.toml."
        }
        ArchiveProblem::Truncated | ArchiveProblem::Damaged => {
            "Récupérez-la ou copiez-la de nouveau, et comparez sa somme de contrôle avec celle de \
             son auteur."
        }
        _ => {
            "Rien n’en a été gardé. Ne l’utilisez que si vous savez qui l’a faite, et faites-la \
             refaire."
        }
    }
}
