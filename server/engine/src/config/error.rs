//! What can be wrong with a config tree: always which file, which line, what was expected.

use core::fmt;
use std::io;
use std::path::PathBuf;

use domain::failure::Failure;
use domain::field::Problem;
use domain::id::VServerName;

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

/// What was expected in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is worded once, in Display below")]
pub enum Expected {
    ContextNumber,
    HostName(Problem),
    Label(Problem),
    Device(Problem),
    DeviceOrNodev,
    Address,
    UsableAddress(Problem),
    Prefix(Problem),
    Netmask(Problem),
    InitStyle,
    RunLevel,
    KillSequence,
    Mark(Problem),
    VServerName(Problem),
    Nice,
    Seconds,
    Capability,
    FstabFields,
    AbsoluteTarget,
    Utf8,
    /// At most this many bytes.
    AtMostBytes(u64),
    RootDirectory,
    NoNul,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContextNumber => f.write_str("a context number from 2 to 49151"),
            Self::HostName(problem) => write!(f, "a host name ({problem})"),
            Self::Label(problem) => write!(f, "a label ({problem})"),
            Self::Device(problem) => write!(f, "a network device ({problem})"),
            Self::DeviceOrNodev => f.write_str("a device in `dev`, or a file `nodev`"),
            Self::Address => f.write_str("an IPv4 or IPv6 address"),
            Self::UsableAddress(problem) => write!(f, "an address of a VServer ({problem})"),
            Self::Prefix(problem) => write!(f, "a prefix length ({problem})"),
            Self::Netmask(problem) => write!(f, "a netmask ({problem})"),
            Self::InitStyle => f.write_str("`sysv` or `plain`"),
            Self::RunLevel => f.write_str("a run level: one word of letters and digits"),
            Self::KillSequence => {
                f.write_str("signals and seconds in turn, beginning and ending with a signal")
            }
            Self::Mark(problem) => write!(f, "a mark ({problem})"),
            Self::VServerName(problem) => write!(f, "the name of a VServer ({problem})"),
            Self::Nice => f.write_str("a niceness from -20 to 19"),
            Self::Seconds => f.write_str("seconds from 0 to 86400"),
            Self::Capability => f.write_str("the name of a capability, or `^` and its number"),
            Self::FstabFields => f.write_str("source, target, type and options"),
            Self::AbsoluteTarget => f.write_str("a target that begins with `/`"),
            Self::Utf8 => f.write_str("UTF-8 text"),
            Self::AtMostBytes(bytes) => write!(f, "at most {bytes} bytes"),
            Self::RootDirectory => f.write_str("a link to the directory of the VServer's files"),
            Self::NoNul => f.write_str("text without NUL bytes"),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::NoSuchVServer { name, .. } => Self::NoSuchVServer { name },
            ConfigError::Unexpected { file, line, expected } => Self::BadConfig {
                file: file.display().to_string(),
                line,
                expected: expected.to_string(),
            },
            ConfigError::Read { file, source } => Self::BadConfig {
                file: file.display().to_string(),
                line: 1,
                expected: format!("a readable file within the config tree ({source})"),
            },
            ConfigError::Write { path, source } if source.kind() == io::ErrorKind::StorageFull => {
                Self::DiskFull { path: path.display().to_string() }
            }
            ConfigError::Write { path, source } => {
                Self::Unexpected { detail: format!("writing {}: {source}", path.display()) }
            }
            ConfigError::Unwritable { .. } => Self::Unexpected { detail: error.to_string() },
        }
    }
}
