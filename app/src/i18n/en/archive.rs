//! English: why an archive is not taken.

use domain::template::ArchiveProblem;

use crate::i18n::{Locale, format};

/// A sentence about “the archive”.
pub(in crate::i18n) fn problem(problem: ArchiveProblem) -> String {
    match problem {
        ArchiveProblem::NotTar => "It is not a tar archive, compressed or not.".into(),
        ArchiveProblem::Cpio => "It is a cpio archive, and only tar archives are taken.".into(),
        ArchiveProblem::Dump => "It was made by dump(8), and only tar archives are taken.".into(),
        ArchiveProblem::Zip => {
            "It is a zip archive, which keeps no owners; only tar archives are taken.".into()
        }
        ArchiveProblem::Truncated => "It ends in the middle: a part of it is missing.".into(),
        ArchiveProblem::Damaged => "It is damaged: what it says of itself does not fit.".into(),
        ArchiveProblem::Empty => "Nothing is in it.".into(),
        ArchiveProblem::LeadsOut => "A name in it leads out of it (“..”).".into(),
        ArchiveProblem::ThroughLink => {
            "A file in it would be written through a symbolic link of its own.".into()
        }
        ArchiveProblem::ThroughFile => "A file in it lies below something that is no directory.".into(),
        ArchiveProblem::BadName => "A name in it is longer than Linux allows, or none at all.".into(),
        ArchiveProblem::Contradiction => {
            "It contradicts itself: another program would find other files in it.".into()
        }
        ArchiveProblem::HeaderTooLong => "A header in it is far longer than any real one.".into(),
        ArchiveProblem::UnknownSparse => {
            "A sparse file in it is written in a way that is not understood.".into()
        }
        ArchiveProblem::UnknownType => {
            "A member of it is of a type that is not understood, such as one that goes on elsewhere."
                .into()
        }
        ArchiveProblem::TooLarge { bytes } => format!(
            "More than {} come out of it, which is the limit.",
            format::bytes(Locale::English, bytes)
        ),
        ArchiveProblem::TooMany { entries } => format!(
            "More than {} files come out of it, which is the limit.",
            format::integer(Locale::English, entries)
        ),
        ArchiveProblem::TooMuchMemory => "Unpacking it takes too much memory.".into(),
        ArchiveProblem::ReaderDied { signal } => {
            format!("It made the confined process that reads it end (signal {signal}).")
        }
    }
}

/// What to do about it.
pub(super) fn remedy(problem: ArchiveProblem) -> &'static str {
    match problem {
        ArchiveProblem::Cpio | ArchiveProblem::Dump | ArchiveProblem::Zip => {
            "Unpack it where it was made, and pack it again with: tar --create --numeric-owner."
        }
        ArchiveProblem::NotTar | ArchiveProblem::Empty => {
            "Choose another file: a root directory, packed with: tar --create --numeric-owner."
        }
        ArchiveProblem::UnknownSparse => "Pack it again without the option --sparse.",
        ArchiveProblem::TooLarge { .. } | ArchiveProblem::TooMany { .. } => {
            "If it is meant to be so large, raise limits.unpacked_bytes or limits.unpacked_entries \
             in /etc/ulysse/ulysse.toml."
        }
        ArchiveProblem::Truncated | ArchiveProblem::Damaged => {
            "Fetch or copy it again, and compare its checksum with its maker’s."
        }
        _ => "Nothing of it was kept. Use it only if you know who made it, and have it made again.",
    }
}
