//! Which VServers a boot starts and in which order, which of them a shutdown stops, and what is wrong with
//! what their config trees say of it (`apps/init/mark`, `apps/init/depends`; fact sheet 2.10).
//!
//! As the original had it: what a VServer needs is started before it, also when it has no mark; a name that
//! there is none of and a circle are told, and hold nobody up. Other than there, what is needed is followed to its end, and
//! a mark is a word, not an expression.
//!
//! Invariants: a plan names each VServer once; whatever a step waits for stands before it.
//!
//! Not here: when each of them may begin ([`schedule`]), reading config trees, starting anything.

pub mod plan;
pub mod report;
pub mod schedule;

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::config_change::FileProblem;
use crate::id::{Mark, VServerName};

pub use plan::{BootPlan, BootProblem, BootStep, LeftOut, LeftOutBecause, ProblemKind};
pub use report::{BootEntry, BootFacts, BootOutcome, BootReport};
pub use schedule::{Schedule, SimulatedStart, simulate};

/// The file with the marks, and the one with what is needed.
pub const MARK_FILE: &str = "apps/init/mark";
/// The file that names what a VServer needs.
pub const DEPENDS_FILE: &str = "apps/init/depends";
/// The mark of those that are started when the host boots.
pub const DEFAULT_MARK: &str = "default";

/// A line of `apps/init/depends`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// Which VServer has to run before.
    pub on: VServerName,
    /// The line, from 1.
    pub line: usize,
}

/// A VServer, as a boot sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootMember {
    /// Its name.
    pub name: VServerName,
    /// Its autostart labels.
    pub marks: Vec<Mark>,
    /// What it needs, in the order of the file.
    pub depends: Vec<Dependency>,
    /// Whether enumerations leave it out (`disabled`).
    pub is_disabled: bool,
    /// Whether it runs.
    pub is_running: bool,
    /// Lines of both files that make no sense; the paths begin with its name.
    pub problems: Vec<FileProblem>,
}

impl BootMember {
    fn has(&self, mark: &Mark) -> bool {
        self.marks.contains(mark)
    }
}

/// Which VServers are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those with this mark.
    Mark(Mark),
    /// Those with any mark.
    Marked,
    /// Those without one.
    Unmarked,
    /// All.
    All,
    /// These.
    Names(Vec<VServerName>),
}

impl Selection {
    /// What is started when the host boots. None only if `default` were no mark.
    #[must_use]
    pub fn at_boot() -> Option<Self> {
        DEFAULT_MARK.parse().ok().map(Self::Mark)
    }

    /// Whether a VServer is meant. One that is disabled is so only by its name.
    #[must_use]
    pub fn holds(&self, member: &BootMember) -> bool {
        if let Self::Names(names) = self {
            return names.contains(&member.name);
        }
        !member.is_disabled
            && match self {
                Self::Mark(mark) => member.has(mark),
                Self::Marked => !member.marks.is_empty(),
                Self::Unmarked => member.marks.is_empty(),
                Self::All | Self::Names(_) => true,
            }
    }
}

impl fmt::Display for Selection {
    /// As the options of `start-vservers` say it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark(mark) => write!(f, "--mark {mark}"),
            Self::Marked => f.write_str("--marked"),
            Self::Unmarked => f.write_str("--unmarked"),
            Self::All => f.write_str("--all"),
            Self::Names(names) => {
                let names: Vec<_> = names.iter().map(VServerName::as_str).collect();
                f.write_str(&names.join(" "))
            }
        }
    }
}

/// The text of `apps/init/mark` with this mark or without it; none when nothing is left, and the file is to
/// go. Other marks and comments stay as they are.
#[must_use]
pub fn with_mark(text: &str, mark: &Mark, on: bool) -> Option<String> {
    let is_it = |line: &&str| line.trim() == mark.as_str();
    let mut lines: Vec<&str> = text.lines().filter(|line| on || !is_it(line)).collect();
    if on && !text.lines().any(|line| is_it(&line)) {
        lines.push(mark.as_str());
    }
    // A comment that is left alone is somebody's, and keeps the file.
    let is_worth = lines.iter().any(|line| !line.trim().is_empty());
    is_worth.then(|| lines.iter().map(|line| format!("{line}\n")).collect())
}
