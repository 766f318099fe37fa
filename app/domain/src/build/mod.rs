//! What a new VServer shall be: the form as it is typed, the judged specification, the equivalent
//! command and the files a build writes.
//!
//! The engine writes exactly [`BuildSpec::config_files`]; the form shows exactly
//! [`BuildSpec::command_line`] and those files. There is no second place that knows them.

mod command_line;
mod cpuset;
mod defaults;
mod files;
mod form;
mod judge;
mod passed;
mod source;

use core::fmt;
use core::str::FromStr;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::field::Problem;
use crate::id::{
    Architecture, Component, ContextId, DistributionName, Flag, HostName, MirrorUrl, PackageName,
    RpmPackage, Suite, VServerName, Variant,
};
use crate::init::Init;
use crate::interface::Interface;

pub use command_line::{NO_DEFAULT_OPTIONS, shell_line, shell_quoted};
pub use cpuset::{CpuList, Cpuset, CpusetName};
pub use defaults::{AptProxy, BuildDefaults, DefaultFile, GivenContent, GivenFile};
pub use files::{DEFAULT_FSTAB, PlannedContent, PlannedFile};
pub use form::{AtHost, BuildForm};
pub(crate) use judge::of_item;
pub(crate) use judge::{judge_context, judge_name};
pub use judge::{judge_interface, judge_place};
pub use passed::{DebootstrapOptions, NotPassed, SuiteDescription, passed_options};
pub use source::{
    Archive, CopyOptions, ExcludePattern, Fingerprint, HostPath, Remote, RemoteHost, RemotePath,
    RemoteUser, SSH_PORT, Source,
};

/// The ways to make a VServer's files, as `-m` names them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// By debootstrap from a Debian mirror.
    #[default]
    Debootstrap,
    /// By copying another VServer, quickly.
    Clone,
    /// By copying another VServer, machine or directory with rsync.
    Rsync,
    /// By installing the packages of an RPM distribution.
    Yum,
    /// By unpacking an archive.
    Template,
    /// Not at all, but for empty directories.
    Skeleton,
}

impl MethodKind {
    /// Every method, in the order a form offers them.
    pub const ALL: [Self; 6] =
        [Self::Debootstrap, Self::Clone, Self::Rsync, Self::Yum, Self::Template, Self::Skeleton];

    /// The word after `-m`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debootstrap => "debootstrap",
            Self::Clone => "clone",
            Self::Rsync => "rsync",
            Self::Yum => "yum",
            Self::Template => "template",
            Self::Skeleton => "skeleton",
        }
    }

    /// All words, for people.
    #[must_use]
    pub fn choices() -> Vec<String> {
        Self::ALL.iter().map(ToString::to_string).collect()
    }
}

impl fmt::Display for MethodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for MethodKind {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let found = Self::ALL.into_iter().find(|method| method.as_str() == text);
        found.ok_or_else(|| Problem::NotAChoice { choices: Self::choices() })
    }
}

/// How a VServer's files are made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By debootstrap from a Debian mirror.
    Debootstrap {
        /// Which suite.
        suite: Suite,
        /// Which mirror.
        mirror: MirrorUrl,
        /// Which architecture.
        architecture: Architecture,
        /// What to install besides the base and the init, sorted.
        packages: Vec<PackageName>,
        /// Which base; none means debootstrap's default.
        variant: Option<Variant>,
        /// Which parts of the archive; empty means `main`.
        components: Vec<Component>,
        /// What to leave out, sorted.
        excluded: Vec<PackageName>,
        /// The script of another suite, to make this one with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        script: Option<Suite>,
        /// What debootstrap is told besides.
        #[serde(default, skip_serializing_if = "DebootstrapOptions::is_empty")]
        options: DebootstrapOptions,
    },
    /// By rsync.
    Rsync {
        /// What is copied.
        source: Source,
        /// How.
        options: CopyOptions,
    },
    /// By copying another VServer, sharing what the filesystem can share.
    Clone {
        /// Which.
        source: VServerName,
        /// Whether both are to stand on a reference where the filesystem shares no blocks.
        #[serde(default)]
        unified: bool,
    },
    /// By installing the packages of an RPM distribution.
    Yum {
        /// Which, of those that are described.
        distribution: DistributionName,
        /// What to install besides what its description lists, sorted.
        packages: Vec<RpmPackage>,
    },
    /// By unpacking an archive.
    Template {
        /// Which.
        archive: Archive,
    },
    /// Empty directories, and no files but those of its identity.
    Skeleton,
}

impl Method {
    /// Which of the methods it is.
    #[must_use]
    pub fn kind(&self) -> MethodKind {
        match self {
            Self::Debootstrap { .. } => MethodKind::Debootstrap,
            Self::Rsync { .. } => MethodKind::Rsync,
            Self::Clone { .. } => MethodKind::Clone,
            Self::Yum { .. } => MethodKind::Yum,
            Self::Template { .. } => MethodKind::Template,
            Self::Skeleton => MethodKind::Skeleton,
        }
    }

    /// The VServer that is copied, if one is.
    #[must_use]
    pub fn copied_vserver(&self) -> Option<&VServerName> {
        match self {
            Self::Clone { source, .. } | Self::Rsync { source: Source::VServer(source), .. } => {
                Some(source)
            }
            _ => None,
        }
    }
}

/// What a new VServer shall be; every part judged. Parts that an operation written by an older Ulysse
/// does not have are as if nothing had been asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildSpec {
    /// Its name.
    pub name: VServerName,
    /// Its context number.
    pub context: ContextId,
    /// Its host name.
    pub host_name: HostName,
    /// Its interfaces, in order.
    pub interfaces: Vec<Interface>,
    /// The broadcast address of its network, when one was named.
    #[serde(default)]
    pub broadcast: Option<Ipv4Addr>,
    /// Its pid 1.
    pub init: Init,
    /// Its context flags, in order.
    pub flags: Vec<Flag>,
    /// The CPUs and the memory it is to keep to.
    #[serde(default)]
    pub cpuset: Option<Cpuset>,
    /// How its files are made.
    pub method: Method,
    /// What the host gives it.
    #[serde(default)]
    pub defaults: BuildDefaults,
    /// Whether what has its name and files is moved aside first.
    #[serde(default)]
    pub replaces: bool,
    /// Whether its root directory may hold files already.
    #[serde(default)]
    pub keeps_root: bool,
    /// Whether the host has default options, which the equivalent command has to do without: this
    /// specification has taken what it wanted of them.
    #[serde(default)]
    pub ignores_default_options: bool,
}
