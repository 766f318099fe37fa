//! Templates (archives of whole root directories, kept to build VServers from) and cached base
//! systems, as they are listed; and why an archive is not taken.
//!
//! Nothing here opens an archive: that is done by a confined process of the engine's.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{Allowed, Problem};
use crate::id::{Architecture, BaseId, PackageName, Suite, TemplateName};
use crate::init::Init;
use crate::operation::Actor;
use crate::time::UnixMillis;

/// The longest description, in bytes.
const DESCRIPTION_BYTES: usize = 200;

/// What somebody says of a template: one line, possibly empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Description(String);

impl Description {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Description {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        if text.len() > DESCRIPTION_BYTES {
            return Err(Problem::TooLong { max: DESCRIPTION_BYTES, actual: text.len() });
        }
        match text.char_indices().find(|(_, character)| character.is_control()) {
            Some((index, character)) => Err(Problem::Character {
                character,
                position: index + 1,
                allowed: Allowed::PlainText,
            }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Description {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How an archive is compressed; recognised by its first bytes, never by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named like the format it stands for")]
pub enum Compression {
    None,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Compression {
    /// What such an archive's name usually ends with, after `tar`.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Bzip2 => ".bz2",
            Self::Xz => ".xz",
            Self::Zstd => ".zst",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tar{}", self.suffix())
    }
}

/// A template that somebody wants to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTemplate {
    /// Its name.
    pub name: TemplateName,
    /// What it is.
    pub description: Description,
    /// How many bytes will come, when that is known.
    pub bytes: Option<u64>,
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its name.
    pub name: TemplateName,
    /// What it is.
    pub description: Description,
    /// How it is compressed.
    pub compression: Compression,
    /// Its size as it is kept.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// How many files, directories and links are in it.
    pub entries: u64,
    /// The size of all its files.
    pub unpacked_bytes: u64,
    /// When it was added.
    pub added_at: UnixMillis,
    /// By whom.
    pub added_by: Actor,
}

/// A cached base system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Its id.
    pub id: BaseId,
    /// The suite it was made of.
    pub suite: Suite,
    /// For which architecture.
    pub architecture: Architecture,
    /// The variant, if it is not debootstrap's default one.
    pub variant: Option<String>,
    /// Packages that were asked for.
    pub packages: Vec<PackageName>,
    /// Its init.
    pub init: Init,
    /// The size of its files; none when it takes too long to count.
    pub bytes: Option<u64>,
    /// When it was made.
    pub made_at: UnixMillis,
    /// When it was last copied.
    pub used_at: Option<UnixMillis>,
    /// Whether it is too old to be used: the next build makes it anew.
    pub is_old: bool,
}

/// What the page of templates and bases shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// All templates, sorted by name.
    pub templates: Vec<Template>,
    /// All bases, sorted by suite.
    pub bases: Vec<Base>,
    /// The largest template that is taken, in bytes.
    pub most_template_bytes: u64,
    /// Where templates are on the host.
    pub templates_directory: String,
    /// Where bases are on the host.
    pub bases_directory: String,
}

/// Why an archive is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveProblem {
    /// It is no tar archive, compressed or not.
    #[error("not a tar archive")]
    NotTar,
    /// A cpio archive: the original took them.
    #[error("a cpio archive")]
    Cpio,
    /// The output of dump(8): the original took them.
    #[error("a dump archive")]
    Dump,
    /// A zip archive.
    #[error("a zip archive")]
    Zip,
    /// It ends in the middle.
    #[error("truncated")]
    Truncated,
    /// A checksum is wrong, or a header makes no sense.
    #[error("damaged")]
    Damaged,
    /// Nothing is in it.
    #[error("empty")]
    Empty,
    /// A name that leads out of the archive (`..`).
    #[error("a name that leads out")]
    LeadsOut,
    /// A member that would be written through a symbolic link of the archive's own.
    #[error("a name that leads through a link")]
    ThroughLink,
    /// Something that is no directory is in the way.
    #[error("a name that leads through a file")]
    ThroughFile,
    /// A name longer than Linux can open, or with a NUL.
    #[error("a name that cannot be")]
    BadName,
    /// Two headers of one member contradict each other.
    #[error("headers that contradict each other")]
    Contradiction,
    /// An extended header longer than any real one.
    #[error("an oversized header")]
    HeaderTooLong,
    /// A form of sparse files that is not understood.
    #[error("an unknown form of sparse file")]
    UnknownSparse,
    /// A type of member that is not understood, such as one that continues on another volume.
    #[error("an unknown type of member")]
    UnknownType,
    /// More bytes come out of it than are allowed.
    #[error("more than {bytes} bytes come out of it")]
    TooLarge {
        /// How many are.
        bytes: u64,
    },
    /// More members than are allowed.
    #[error("more than {entries} members")]
    TooMany {
        /// How many are.
        entries: u64,
    },
    /// Unpacking it takes more memory than any real archive does.
    #[error("it takes too much memory")]
    TooMuchMemory,
    /// It made the confined reader die.
    #[error("the reader was ended by signal {signal}")]
    ReaderDied {
        /// The signal.
        signal: i32,
    },
}
