//! Changes of config trees: what is asked for, what is kept of what was done, and how a file is shown.

use serde::{Deserialize, Serialize};

use crate::config_entry::{ConfigPath, Digest, Expected};
use crate::id::OperationId;
use crate::operation::Actor;
use crate::time::UnixMillis;

/// The most files that one change may touch.
pub const MAX_EDITS: usize = 64;

/// One file that is to be another, or gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigEdit {
    /// Which file.
    pub path: ConfigPath,
    /// What was seen there; none when nothing was. A file that is another by now is left alone.
    pub seen: Option<Digest>,
    /// What it is to say; none when it is to be removed.
    pub text: Option<String>,
}

/// Why a file cannot be changed this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotEditable {
    /// The original knew no such entry.
    Unknown,
    /// Only root may, on the host: it reaches beyond the VServer.
    HostOnly,
    /// It is a link or a program, made by hand on the host.
    ByHand,
    /// It is not text, or too long: it could not be put back.
    NotText,
    /// Something is there that is no file, or it is reached over a link.
    NotAFile,
}

/// One line of one file that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileProblem {
    /// Which file, below the config directory.
    pub path: String,
    /// Which line, from 1.
    pub line: usize,
    /// What was expected there.
    pub expected: Expected,
}

/// What is there at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Nothing.
    Absent,
    /// A text.
    Text {
        /// It.
        text: String,
        /// Of its bytes.
        digest: Digest,
    },
    /// A file that is not text, or too long to be shown.
    NotText {
        /// Its size.
        bytes: u64,
        /// Of its bytes; none when there are too many.
        digest: Option<Digest>,
    },
    /// A symbolic link.
    Link {
        /// Where it leads.
        target: String,
    },
    /// A directory, or something else that is no file.
    Other,
}

/// What is kept of a file in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It was not there.
    Absent,
    /// Its text.
    Text(String),
    /// Where it led.
    Link(String),
    /// That it was another, and no more.
    Opaque(Option<Digest>),
}

impl Kept {
    /// The text that stands for it in a diff; none where there is none to show.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Absent => Some(""),
            Self::Text(text) => Some(text),
            Self::Link(_) | Self::Opaque(_) => None,
        }
    }
}

impl From<&FileState> for Kept {
    fn from(state: &FileState) -> Self {
        match state {
            FileState::Absent => Self::Absent,
            FileState::Text { text, .. } => Self::Text(text.clone()),
            FileState::Link { target } => Self::Link(target.clone()),
            FileState::NotText { digest, .. } => Self::Opaque(digest.clone()),
            FileState::Other => Self::Opaque(None),
        }
    }
}

/// What a change did to one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Which file.
    pub path: ConfigPath,
    /// What it was.
    pub before: Kept,
    /// What it became.
    pub after: Kept,
}

/// Who changed a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Author {
    /// Somebody, with Ulysse.
    Known(Actor),
    /// Somebody with an editor on the host; noticed when the tree was read next.
    ByHand,
}

/// One change of a tree, as its history keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigRecord {
    /// Its number, from 1, within its tree.
    pub number: u32,
    /// When it was made, or noticed.
    pub at: UnixMillis,
    /// Who made it.
    pub author: Author,
    /// The operation that made it.
    pub operation: Option<OperationId>,
    /// The number of the change that it undid.
    pub undoes: Option<u32>,
    /// What it did.
    pub files: Vec<FileRecord>,
}

/// Whether what a file says is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// It is read each time it is needed.
    AtOnce,
    /// The VServer was started with it.
    SinceStart,
    /// The VServer runs and was started before the file was changed.
    AfterRestart,
    /// The VServer does not run.
    NextStart,
    /// Builds read it.
    NextBuild,
    /// What it asks for holds anyway.
    Given,
    /// This release does not act on it, or does not know it.
    Never,
}

/// One file, as its page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// Which.
    pub path: ConfigPath,
    /// What is there.
    pub state: FileState,
    /// When it was changed last, by its own time.
    pub modified_at: Option<UnixMillis>,
    /// Whether what it says is in use.
    pub in_use: Use,
    /// Its changes, the newest first; other files of the same changes left out.
    pub history: Vec<ConfigRecord>,
    /// What holds as long as it is not there: the same file of what the package describes.
    #[serde(default)]
    pub shipped: Option<String>,
}
