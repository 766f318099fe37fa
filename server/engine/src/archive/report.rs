//! What a caller and the confined process say to each other: one packet, one message, JSON.
//!
//! The confined process reads a stranger's bytes and may be his by now: what it says is judged like a
//! stranger's word. It moves a progress bar, fills a log and a list, and says that it is done; a root
//! that it says is whole is the guest's own affair.

use std::path::PathBuf;

use domain::note::MemberNote;
use domain::template::{ArchiveProblem, Compression};
use serde::{Deserialize, Serialize};

use super::name::escaped;

/// The longest packet, in bytes; names are cut long before.
pub(super) const MAX_PACKET_BYTES: usize = 64 << 10;

/// What may come out of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// The most bytes of all its files, holes included.
    pub bytes: u64,
    /// The most files, directories and links.
    pub entries: u64,
    /// How many bytes of the filesystem stay free.
    pub keep_free_bytes: u64,
}

/// What is to be done with an archive, which comes beside the packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) task: Task,
    pub(super) caps: Caps,
    /// The host's id of the process's root, and how many ids it has.
    pub(super) first_host_id: u32,
    pub(super) host_ids: u32,
}

/// To unpack it or to look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Task {
    /// Put its members below this directory.
    Unpack {
        /// On the host.
        directory: PathBuf,
        /// Whether a root that lies in a directory of the archive is moved up.
        lifts: bool,
    },
    /// Say what is in it.
    List {
        /// Each member, not only how many.
        each: bool,
    },
}

/// A kind of member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named like what it stands for")]
pub enum EntryKind {
    File,
    Directory,
    Symlink,
    HardLink,
    Fifo,
    Device,
}

/// A member of an archive, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, made printable: one line, no control characters, cut when it is very long.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// The size of the file.
    pub bytes: u64,
    /// Permissions.
    pub mode: u32,
    /// Its owner's number.
    pub user: u64,
    /// Its group's number.
    pub group: u64,
    /// Seconds since the epoch.
    pub modified: i64,
    /// Where it leads, if it is a link; made printable.
    pub link: Option<String>,
}

/// What was found in an archive, or made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    /// How it is compressed.
    pub compression: Compression,
    /// How many members.
    pub entries: u64,
    /// The size of all files.
    pub bytes: u64,
    /// How often something was done otherwise than the archive says.
    pub notes: Vec<(MemberNote, u64)>,
}

/// What the confined process says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// So many bytes of the archive have been read.
    Read { bytes: u64, entries: u64 },
    /// A member.
    Entry(Entry),
    /// Something was done otherwise.
    Note { note: MemberNote, name: String },
    /// All is done.
    Done(Unpacked),
    /// The archive is not taken.
    Refused { problem: ArchiveProblem, name: String },
    /// The archive could not be read.
    Unreadable { errno: i32 },
    /// A member could not be written.
    Unwritable { errno: i32, name: String },
    /// It did not come to reading.
    NotRun(crate::build::stage::NotRun),
    /// The reader was ended by a signal.
    Died { signal: i32 },
}

impl Report {
    /// A packet as a message, its texts made printable once more; none when it is not one.
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        let printable = |text: String| match text.chars().any(char::is_control) {
            true => escaped(text.as_bytes()),
            false => text.chars().take(400).collect(),
        };
        Some(match serde_json::from_slice(packet).ok()? {
            Self::Entry(entry) => Self::Entry(Entry {
                name: printable(entry.name),
                link: entry.link.map(printable),
                ..entry
            }),
            Self::Note { note, name } => Self::Note { note, name: printable(name) },
            Self::Refused { problem, name } => Self::Refused { problem, name: printable(name) },
            Self::Unwritable { errno, name } => Self::Unwritable { errno, name: printable(name) },
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_of_a_strangers_controls_nothing() {
        let said = Report::Note { note: MemberNote::Device, name: "a\n\u{1b}[2Jb".to_owned() };
        let packet = serde_json::to_vec(&said).unwrap();
        let name = "a\\n\\u{1b}[2Jb".to_owned();
        assert_eq!(Report::parse(&packet), Some(Report::Note { note: MemberNote::Device, name }));
    }

    proptest! {
        #[test]
        fn no_packet_breaks_it(packet in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Report::parse(&packet);
        }

        #[test]
        fn no_words_break_it(packet in "\\{\"(read|entry|note|done|refused)\":\\{.{0,60}\\}\\}", name in "\\PC{0,20}|[\\x00-\\x1f]{1,9}") {
            let _ = Report::parse(packet.as_bytes());
            let said = Report::Unwritable { errno: 1, name };
            let heard = Report::parse(&serde_json::to_vec(&said).unwrap());
            let Some(Report::Unwritable { name, .. }) = heard else { panic!() };
            prop_assert!(!name.chars().any(char::is_control));
        }
    }
}
