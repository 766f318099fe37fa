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
}

impl Init {
    /// Both, in the order a form offers them.
    pub const ALL: [Self; 2] = [Self::Systemd, Self::Sysvinit];

    /// The word used on the command line and in forms.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Sysvinit => "sysvinit",
        }
    }

    /// The init style written to `apps/init/style`.
    #[must_use]
    pub fn style(self) -> InitStyle {
        match self {
            Self::Systemd => InitStyle::Plain,
            Self::Sysvinit => InitStyle::Sysv,
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

/// The init style of a VServer (fact sheet 1.4). `gentoo`, `arch`, `minit` are later issues'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitStyle {
    /// Ulysse's own pid 1 runs `/etc/init.d/rc RUNLEVEL`. The original's default.
    Sysv,
    /// The VServer's own `/sbin/init` is pid 1.
    Plain,
}

impl InitStyle {
    /// The word in `apps/init/style`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sysv => "sysv",
            Self::Plain => "plain",
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
        match text {
            "sysv" => Ok(Self::Sysv),
            "plain" => Ok(Self::Plain),
            _ => Err(Problem::NotAChoice { choices: vec!["sysv".into(), "plain".into()] }),
        }
    }
}
