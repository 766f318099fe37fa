//! Which program a VServer's pid 1 is, and what the host can run (`apps/init/style`).

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::Problem;

/// The init a new VServer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// systemd as pid 1 (style `plain`). Needs unified cgroup v2 on the host.
    Systemd,
    /// Ulysse's small init as pid 1, which runs `/etc/init.d/rc 3` and reaps (style `sysv`).
    Sysvinit,
    /// The same, which runs Gentoo's scripts.
    Gentoo,
    /// The same, which runs Arch's scripts of before systemd.
    Arch,
    /// minit as pid 1.
    Minit,
}

impl Init {
    /// All, in the order a form offers them.
    pub const ALL: [Self; 5] =
        [Self::Systemd, Self::Sysvinit, Self::Gentoo, Self::Arch, Self::Minit];

    /// Those that a build installs from packages. The others have to be there already, in what is copied or
    /// unpacked.
    pub const INSTALLED: [Self; 2] = [Self::Systemd, Self::Sysvinit];

    /// The word used on the command line and in forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Sysvinit => "sysvinit",
            Self::Gentoo => "gentoo",
            Self::Arch => "arch",
            Self::Minit => "minit",
        }
    }

    /// The init style written to `apps/init/style`.
    #[must_use]
    pub fn style(self) -> InitStyle {
        match self {
            Self::Systemd => InitStyle::Plain,
            Self::Sysvinit => InitStyle::Sysv,
            Self::Gentoo => InitStyle::Gentoo,
            Self::Arch => InitStyle::Arch,
            Self::Minit => InitStyle::Minit,
        }
    }
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Init {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|init| init.as_str() == text).ok_or_else(|| {
            Problem::NotAChoice { choices: Self::ALL.iter().map(ToString::to_string).collect() }
        })
    }
}

/// What is started in a VServer instead of its init, to mend it from inside (fact sheet 1.4, `rescue`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescue {
    /// The command and its arguments; never empty.
    command: Vec<String>,
    /// Whether it is pid 1 itself, instead of being run by Ulysse's.
    pub is_init: bool,
}

impl Rescue {
    /// What is started when nothing else is said, as the original has it.
    const DEFAULT: [&'static str; 2] = ["/bin/sleep", "900"];

    /// Of a command and its arguments; of none, of what sleeps.
    #[must_use]
    pub fn new(command: Vec<String>, is_init: bool) -> Self {
        let command = match command.is_empty() {
            true => Self::DEFAULT.map(str::to_owned).to_vec(),
            false => command,
        };
        Self { command, is_init }
    }

    /// The command and its arguments.
    #[must_use]
    pub fn command(&self) -> &[String] {
        &self.command
    }
}

/// The init style of a VServer (fact sheet 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitStyle {
    /// Ulysse's own pid 1 runs `/etc/init.d/rc RUNLEVEL`. The original's default.
    Sysv,
    /// The VServer's own `/sbin/init` is pid 1.
    Plain,
    /// Ulysse's own pid 1 runs the script that Gentoo has for VServers. Also written `openrc`.
    Gentoo,
    /// Ulysse's own pid 1 runs `/etc/rc.multi`.
    Arch,
    /// The VServer's own `/sbin/minit-start` is pid 1.
    Minit,
}

impl InitStyle {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Sysv, Self::Plain, Self::Gentoo, Self::Arch, Self::Minit];

    /// The word in `apps/init/style`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sysv => "sysv",
            Self::Plain => "plain",
            Self::Gentoo => "gentoo",
            Self::Arch => "arch",
            Self::Minit => "minit",
        }
    }

    /// What starts a VServer of this style; of several that are there, the last one is taken.
    #[must_use]
    pub fn start_programs(self) -> &'static [&'static str] {
        match self {
            Self::Sysv => &["/etc/init.d/rc", "/etc/rc.d/rc"],
            Self::Plain => &["/sbin/init"],
            Self::Gentoo => &["/lib/rcscripts/sh/init-vserver.sh", "/lib/rc/sh/init-vserver.sh"],
            Self::Arch => &["/etc/rc.multi"],
            Self::Minit => &["/sbin/minit-start"],
        }
    }

    /// The run level that it is started in when nothing else is said.
    #[must_use]
    pub fn start_level(self) -> Option<&'static str> {
        match self {
            Self::Sysv | Self::Arch => Some("3"),
            Self::Gentoo => Some("default"),
            Self::Plain | Self::Minit => None,
        }
    }

    /// The run level that stops it when nothing else is said.
    #[must_use]
    pub fn stop_level(self) -> Option<&'static str> {
        match self {
            Self::Sysv => Some("6"),
            Self::Plain | Self::Gentoo | Self::Arch | Self::Minit => None,
        }
    }

    /// Whether pid 1 is a program of the VServer's, not Ulysse's. It is told to end by a signal.
    #[must_use]
    pub fn has_own_init(self) -> bool {
        match self {
            Self::Plain | Self::Minit => true,
            Self::Sysv | Self::Gentoo | Self::Arch => false,
        }
    }
}

impl fmt::Display for InitStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for InitStyle {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        // Another name of the same, as the original had it.
        let word = if text == "openrc" { "gentoo" } else { text };
        Self::ALL.into_iter().find(|style| style.as_str() == word).ok_or_else(|| {
            Problem::NotAChoice { choices: Self::ALL.iter().map(ToString::to_string).collect() }
        })
    }
}
