//! Backups as people and pages see them: where they go, how one is named, what is in one, whether a
//! VServer has those it should have.
//!
//! A backup is named by the moment it was taken ([`BackupId`]); with the VServer and the target that
//! is a [`BackupRef`], and there is no other way to name one: no path crosses from the web.
//!
//! Not here: which of them are kept and when the next is due (`retention`), what a restored VServer
//! is called (`restore`), the archive itself (the engine's `backup`).

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::field::Problem;
use crate::id::{TargetName, VServerName};
use crate::retention::{Retention, Schedule};
use crate::time::{Civil, UnixMillis};

/// The name of a backup among those of one VServer at one target: when it was taken, to the
/// millisecond, as `20261126T034512123Z`. Sorts by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupId(UnixMillis);

impl BackupId {
    /// The name of one taken now; none before the year 1970 or after 9999.
    #[must_use]
    pub fn taken_at(now: UnixMillis) -> Option<Self> {
        Self(now).to_string().parse().ok()
    }

    /// When it was taken.
    #[must_use]
    pub fn at(self) -> UnixMillis {
        self.0
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second, millisecond } = self.0.civil();
        f.pad(&format!(
            "{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}{millisecond:03}Z"
        ))
    }
}

impl FromStr for BackupId {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let number = |from: usize, to: usize| -> Result<u32, Problem> {
            let digits = text.get(from..to).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
            digits.and_then(|digits| digits.parse().ok()).ok_or(Problem::NotAnId)
        };
        let civil = Civil {
            year: number(0, 4)?.into(),
            month: number(4, 6)?,
            day: number(6, 8)?,
            hour: number(9, 11)?,
            minute: number(11, 13)?,
            second: number(13, 15)?,
            millisecond: number(15, 18)?,
        };
        let id = Self(UnixMillis::of_civil(civil));
        // There is one way to write each, and a 30 February in none.
        if id.0.0 >= 0 && id.to_string() == text { Ok(id) } else { Err(Problem::NotAnId) }
    }
}

impl TryFrom<String> for BackupId {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<BackupId> for String {
    fn from(id: BackupId) -> Self {
        id.to_string()
    }
}

/// Which backup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BackupRef {
    /// Where it is.
    pub target: TargetName,
    /// Of which VServer, as it was called then.
    pub vserver: VServerName,
    /// When it was taken.
    pub id: BackupId,
}

impl fmt::Display for BackupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.target, self.vserver, self.id)
    }
}

impl FromStr for BackupRef {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let mut parts = text.split(':');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(target), Some(vserver), Some(id), None) => {
                Ok(Self { target: target.parse()?, vserver: vserver.parse()?, id: id.parse()? })
            }
            _ => Err(Problem::NotAnId),
        }
    }
}

/// What is to be backed up, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupOrder {
    /// Which VServer.
    pub vserver: VServerName,
    /// Where to.
    pub target: TargetName,
    /// Whether its processes stand still for as long as its files are read. Without this they stand
    /// still only where the filesystem can give a snapshot in a moment.
    pub pause: bool,
}

/// Which of the backups of a VServer are to be removed: those that a policy does not keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneOrder {
    /// Of which VServer.
    pub vserver: VServerName,
    /// Where they are; none: where its schedule puts them.
    pub target: Option<TargetName>,
    /// The policy; none: its schedule's.
    pub keep: Option<Retention>,
}

/// One backup in a list. That it is listed means that it is whole: it was read back and compared
/// before it got its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSummary {
    /// Which.
    pub backup: BackupRef,
    /// How many bytes the archive has.
    pub bytes: u64,
}

/// How what is in a backup hangs together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// The VServer did not run.
    Stopped,
    /// It stood still while a snapshot was made, and that was read.
    Snapshot,
    /// It stood still while its files were read.
    Paused,
    /// It ran; the files that changed meanwhile are listed.
    Running,
}

impl Consistency {
    /// The word for it in a manifest and in lists.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Snapshot => "snapshot",
            Self::Paused => "paused",
            Self::Running => "running",
        }
    }
}

/// What one backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupDetail {
    /// Its row.
    pub summary: BackupSummary,
    /// What made it.
    pub tool: String,
    /// How its files hang together.
    pub consistency: Consistency,
    /// How many files, directories and links.
    pub files: u64,
    /// How many bytes the files have, unpacked.
    pub file_bytes: u64,
    /// How many packages were installed; none when nobody could say.
    pub packages: Option<u64>,
    /// Files that changed while they were read, cut after some; their number.
    pub changed: Vec<String>,
    /// How many there are of them.
    pub changed_count: u64,
    /// What was left out and why, cut after some.
    pub omitted: Vec<String>,
}

/// What kind of thing an entry of a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named like what it is")]
pub enum EntryKind {
    Directory,
    File,
    Link,
    Other,
}

/// One entry of a directory in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupEntry {
    /// Its name; what is not text in it is shown as U+FFFD, and cannot be restored by its name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Its permissions, as `chmod` takes them.
    pub mode: u32,
    /// Its owner inside the VServer.
    pub user: u32,
    /// Its group inside the VServer.
    pub group: u32,
    /// Bytes of a file.
    pub bytes: u64,
    /// When it was last changed.
    pub modified: UnixMillis,
    /// Where a link leads.
    pub link: Option<String>,
}

/// What is wrong with the backups of a VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupAlert {
    /// The last one failed.
    Failed {
        /// When.
        at: UnixMillis,
        /// Why.
        failure: Failure,
    },
    /// The schedule wanted one then, and there is none since.
    Missing {
        /// When it should have been.
        due: UnixMillis,
    },
    /// One that was there could not be read back.
    Damaged {
        /// Which.
        backup: BackupRef,
        /// When that was found.
        at: UnixMillis,
    },
    /// Where they go cannot be looked at.
    TargetUnreachable {
        /// Which.
        target: TargetName,
        /// Why.
        failure: Failure,
    },
    /// The file of the schedule makes no sense.
    BadSchedule {
        /// Why.
        failure: Failure,
    },
}

/// The backups of one VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupStatus {
    /// Which. It may be gone: its backups are not.
    pub vserver: VServerName,
    /// Whether there is such a VServer now.
    pub exists: bool,
    /// When they are taken; none when only by hand.
    pub schedule: Option<Schedule>,
    /// Those there are, the newest first.
    pub backups: Vec<BackupSummary>,
    /// What is wrong.
    pub alerts: Vec<BackupAlert>,
}

/// What is wanted of the backups of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupScope {
    /// All of them, also those on other hosts, which may take their time.
    All,
    /// What is wrong, as far as it can be seen here; backups of those with a schedule alone.
    Alerts,
    /// Those of one VServer, without asking other hosts.
    Of(VServerName),
}

/// All backups of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupOverview {
    /// Where they can go, as the settings name it.
    pub targets: Vec<TargetName>,
    /// By VServer, sorted by name.
    pub vservers: Vec<BackupStatus>,
}

/// Why something is not in a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Omission {
    /// Its path is longer, or deeper, than can be opened.
    TooDeep,
    /// Another filesystem is mounted there.
    OtherFilesystem,
    /// It was gone or another thing before it could be read.
    Gone,
    /// It has more holes than can be written down.
    Unreadable,
}

impl Omission {
    /// In a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooDeep => "too-deep",
            Self::OtherFilesystem => "other-filesystem",
            Self::Gone => "gone",
            Self::Unreadable => "unreadable",
        }
    }
}
