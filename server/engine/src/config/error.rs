//! What can be wrong with a config tree: always which file, which line, what was expected.

use std::io;
use std::path::PathBuf;

use domain::config_change::FileProblem;
use domain::config_entry::Expected;
use domain::failure::Failure;
use domain::id::VServerName;

use crate::disk_full::is_disk_full;

/// Why a config tree could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such config directory.
    #[error("no config directory {path}")]
    NoSuchVServer {
        /// Whose.
        name: VServerName,
        /// Where it would be.
        path: PathBuf,
    },
    /// A file does not say what it should.
    #[error("{file}:{line}: expected {expected}")]
    Unexpected {
        /// The file, beginning with the VServer's name.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was expected there.
        expected: Expected,
    },
    /// A file cannot be read: not a regular file, a link that leads out of the config tree, or an
    /// error of the disk.
    #[error("reading {file}")]
    Read {
        /// The file, beginning with the VServer's name.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A value that would not be one line in its file, or a path that is not one below the config
    /// directory. Typed values never are; this is the last guard.
    #[error("{path} cannot hold this value")]
    Unwritable {
        /// Which file.
        path: String,
    },
}

impl ConfigError {
    /// What is wrong with which file, when that is what it is.
    #[must_use]
    pub fn problem(&self) -> Option<FileProblem> {
        match self {
            Self::Unexpected { file, line, expected } => Some(FileProblem {
                path: file.display().to_string(),
                line: *line,
                expected: expected.clone(),
            }),
            Self::Read { file, source } => Some(FileProblem {
                path: file.display().to_string(),
                line: 1,
                expected: Expected::Readable { detail: source.to_string() },
            }),
            Self::NoSuchVServer { .. } | Self::Write { .. } | Self::Unwritable { .. } => None,
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        if let Some(FileProblem { path: file, line, expected }) = error.problem() {
            return Self::BadConfig { file, line, expected };
        }
        match error {
            ConfigError::NoSuchVServer { name, .. } => Self::NoSuchVServer { name },
            ConfigError::Write { path, source } if is_disk_full(&source) => {
                Self::DiskFull { path: path.display().to_string() }
            }
            ConfigError::Write { path, source } => {
                Self::Unexpected { detail: format!("writing {}: {source}", path.display()) }
            }
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}
