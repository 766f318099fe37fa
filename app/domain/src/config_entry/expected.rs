//! What was expected in a file of a config tree, where something else stands. The words are in
//! `app::i18n`.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::field::Problem;

/// What was expected at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// A number from 2 to 49151.
    ContextNumber,
    /// A context number that no other VServer has.
    FreeContext(Problem),
    /// A host name.
    HostName(Problem),
    /// The label of an address.
    Label(Problem),
    /// A network device.
    Device(Problem),
    /// A device in `dev`, or a file `nodev`.
    DeviceOrNodev,
    /// An IPv4 or IPv6 address.
    Address,
    /// An address that this VServer can have.
    UsableAddress(Problem),
    /// A prefix length.
    Prefix(Problem),
    /// A netmask.
    Netmask(Problem),
    /// The word of an init style.
    InitStyle,
    /// One word of letters and digits.
    RunLevel,
    /// Signals and seconds in turn.
    KillSequence,
    /// An autostart label.
    Mark(Problem),
    /// When backups are taken, where, and which are kept.
    BackupSchedule(Problem),
    /// The name of a VServer.
    VServerName(Problem),
    /// The name of a VServer there is.
    ExistingVServer,
    /// The name of a capability, or `^` and its number.
    Capability,
    /// Source, target, type, options.
    FstabFields,
    /// No source on the host: this may only be written there.
    NoHostSource,
    /// UTF-8 text.
    Utf8,
    /// At most this many bytes.
    AtMostBytes(u64),
    /// A link to the directory of the VServer's files.
    RootDirectory,
    /// Text without NUL bytes.
    NoNul,
    /// Text without control characters.
    NoControl,
    /// A value without a backslash, which the original's shell took for itself.
    NoBackslash,
    /// A value.
    Value,
    /// One line.
    OneLine,
    /// A whole number in this range.
    Integer {
        /// Lowest allowed.
        min: i64,
        /// Highest allowed.
        max: i64,
    },
    /// Numbers of CPUs or memory nodes: `0-2,5`.
    NumberList,
    /// Numbers that the host has.
    NumbersOfHost {
        /// Those it has.
        available: String,
    },
    /// A limit: a number, perhaps with `K`, `M`, `k` or `m`, or `inf`.
    Limit,
    /// One of these words.
    Choice(Vec<String>),
    /// A path that begins with `/`.
    AbsolutePath,
    /// `NAME=value`.
    Assignment,
    /// Six lines, each a whole number.
    SixIntegers,
    /// The address of a mirror.
    Mirror(Problem),
    /// `[id]` of a source of packages, or one of its settings, `name=value`.
    Repository,
    /// A source over http or https, and settings that drop no check and name nothing of the host's.
    CheckedRepository,
    /// The name of an RPM package.
    Package(Problem),
    /// Letters, digits, `.`, `_` and `-`.
    Release,
    /// A suite that debootstrap has a script for.
    SuiteScript(Problem),
    /// A file that can be read; the kernel's answer was this.
    Readable {
        /// Why it cannot.
        detail: String,
    },
}

impl fmt::Display for Expected {
    /// For logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FreeContext(problem)
            | Self::HostName(problem)
            | Self::Label(problem)
            | Self::Device(problem)
            | Self::UsableAddress(problem)
            | Self::Prefix(problem)
            | Self::Netmask(problem)
            | Self::Package(problem)
            | Self::SuiteScript(problem)
            | Self::Mark(problem)
            | Self::BackupSchedule(problem)
            | Self::VServerName(problem)
            | Self::Mirror(problem) => write!(f, "another value ({problem})"),
            Self::Readable { detail } => write!(f, "a readable file ({detail})"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// One line that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misread {
    /// The line, from 1.
    pub line: usize,
    /// What was expected there.
    pub expected: Expected,
}
