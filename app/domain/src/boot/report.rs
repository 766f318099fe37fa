//! What became of a boot, and all that the page about it is made of.

use serde::{Deserialize, Serialize};

use super::BootMember;
use crate::failure::Failure;
use crate::id::{OperationId, VServerName};
use crate::time::UnixMillis;

/// What became of one VServer at a boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BootOutcome {
    /// It is ready.
    Ready,
    /// It runs, and was not ready in time.
    Late,
    /// It ran before.
    Ran,
    /// It ended while it was waited for.
    Ended,
    /// It was not started.
    Failed(Failure),
    /// It was not tried, because of this one.
    Skipped(VServerName),
    /// It was not tried: the boot was ended before.
    GivenUp,
}

impl BootOutcome {
    /// Whether it runs.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Ready | Self::Late | Self::Ran)
    }
}

/// One VServer of a boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootEntry {
    /// Which.
    pub name: VServerName,
    /// When its start began, in milliseconds from the beginning of the boot.
    pub began_ms: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What became of it.
    pub outcome: BootOutcome,
    /// The operation that started it.
    pub operation: Option<OperationId>,
}

/// What became of a boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootReport {
    /// When it began.
    pub at: UnixMillis,
    /// Each VServer, in the order in which they were done with.
    pub entries: Vec<BootEntry>,
}

/// All that the page of a boot is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootFacts {
    /// Every VServer, by name.
    pub members: Vec<BootMember>,
    /// How many start at once.
    pub at_once: u32,
    /// How long one may take until it is late, in seconds.
    pub ready_seconds: u32,
    /// Whether those that need one that is late are skipped.
    pub skip_after_late: bool,
    /// What became of the last boot.
    pub last: Option<BootReport>,
    /// How long VServers took to be ready when that was last seen, in milliseconds.
    pub took_ms: Vec<(VServerName, u64)>,
}
