//! When the backups of a VServer are taken, as its config tree says, and how the last one went.
//!
//! The schedule is one file, `apps/ulysse/backup`, which the original does not look at: three lines, the
//! target, when (`daily 02:30`), and what is kept (`last=3 daily=7`). It is in force from when it was
//! last written. How the last attempt went is no configuration: it lies with the operations, and losing
//! it loses an alert at most.
//!
//! Not here: whether one is due (`domain::retention`).

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;

use domain::backup::{BackupOrder, BackupRef};
use domain::config_entry::Expected;
use domain::failure::Failure;
use domain::field::Problem;
use domain::id::{TargetName, VServerName};
use domain::retention::Schedule;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::configure;
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::roots::Roots;

/// Where it is, below the config directory.
pub(crate) const FILE: &str = "apps/ulysse/backup";
/// The most bytes of one.
const FILE_BYTES: u64 = 4096;

/// Why a schedule was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// A file could not be read.
    #[error("reading {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be written or removed.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It makes no sense.
    #[error("{file}:{line}: {problem}")]
    Understand {
        /// The file, below the config base.
        file: String,
        /// Which line of it, from 1.
        line: usize,
        /// What is wrong with it.
        problem: Problem,
    },
}

impl From<ScheduleError> for Failure {
    fn from(error: ScheduleError) -> Self {
        match &error {
            ScheduleError::Understand { file, line, problem } => {
                let expected = Expected::BackupSchedule(problem.clone());
                Self::BadConfig { file: file.clone(), line: *line, expected }
            }
            _ => Self::Unexpected { detail: domain::failure::chain(&error) },
        }
    }
}

/// A schedule, and since when it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// It.
    pub schedule: Schedule,
    /// Since when.
    pub since: UnixMillis,
}

/// The schedule of a VServer; none when it has none.
///
/// # Errors
/// When there is one that makes no sense.
pub fn read(roots: &Roots, name: &VServerName) -> Result<Option<InForce>, ScheduleError> {
    use std::io::Read;
    let path = roots.config_of(name).join(FILE);
    let failed = |source| ScheduleError::Read { path: path.clone(), source };
    let file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    let found = file.metadata().map_err(failed)?;
    let mut text = String::new();
    file.take(FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
    let mut lines = text.lines().map(str::trim);
    let wrong = |line: usize| {
        let file = format!("{name}/{FILE}");
        move |problem| ScheduleError::Understand { file, line, problem }
    };
    let mut next = |number| lines.next().ok_or_else(|| wrong(number)(Problem::Missing));
    let schedule = Schedule {
        target: next(1)?.parse().map_err(wrong(1))?,
        when: next(2)?.parse().map_err(wrong(2))?,
        keep: next(3)?.parse().map_err(wrong(3))?,
    };
    let since = UnixMillis(found.mtime() * 1000 + found.mtime_nsec() / 1_000_000);
    Ok(Some(InForce { schedule, since }))
}

/// Writes a schedule, or removes it, as an operation.
///
/// # Errors
/// When the file cannot be written, or the history of the config tree not be kept.
pub(crate) fn change(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    schedule: Option<&Schedule>,
) -> Result<(), Stopped> {
    let text =
        schedule.map(|Schedule { target, when, keep }| format!("{target}\n{when}\n{keep}\n"));
    configure::rewrite_own(&instance.settings.roots, work, name, FILE, text)
}

/// The last attempt at one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it ended.
    pub at: UnixMillis,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// How the last attempts went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempts {
    /// The last one at each target: one that went well elsewhere is none of what a schedule wants.
    pub at_targets: BTreeMap<TargetName, Attempt>,
    /// Backups that could not be read back, and when that was found.
    pub damaged: Vec<(BackupRef, UnixMillis)>,
}

impl Attempts {
    /// When the last one at a target ended, if it went well.
    #[must_use]
    pub fn success_at(&self, target: &TargetName) -> Option<UnixMillis> {
        let last = self.at_targets.get(target)?;
        last.failure.is_none().then_some(last.at)
    }

    /// The failures that are told: that of the last attempt, and that at the target where backups are due.
    pub(super) fn failures(
        &self,
        scheduled: Option<&TargetName>,
    ) -> impl Iterator<Item = (UnixMillis, &Failure)> {
        let latest = self.at_targets.values().map(|one| one.at).max();
        self.at_targets.iter().filter_map(move |(target, one)| {
            let is_told = scheduled == Some(target) || latest == Some(one.at);
            Some((one.at, one.failure.as_ref().filter(|_| is_told)?))
        })
    }
}

fn record_of(roots: &Roots, name: &VServerName) -> PathBuf {
    roots.state_base.join("backups").join(format!("{name}.json"))
}

/// How the last attempts of a VServer went; nothing when nobody knows.
#[must_use]
pub fn attempts(roots: &Roots, name: &VServerName) -> Attempts {
    let text = fs::read(record_of(roots, name)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// The VServers of which something is noted.
pub(super) fn noted(roots: &Roots) -> Vec<VServerName> {
    let entries = fs::read_dir(roots.state_base.join("backups")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        entry.file_name().to_str().and_then(|name| name.strip_suffix(".json")?.parse().ok())
    });
    names.collect()
}

fn note(
    roots: &Roots,
    name: &VServerName,
    change: impl FnOnce(&mut Attempts),
) -> Result<(), ScheduleError> {
    let path = record_of(roots, name);
    let failed = |source| ScheduleError::Write { path: path.clone(), source };
    let before = attempts(roots, name);
    let mut attempts = before.clone();
    change(&mut attempts);
    if attempts == before {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
    }
    let text = serde_json::to_vec_pretty(&attempts).map_err(|e| failed(e.into()))?;
    let new = path.with_extension("new");
    fs::write(&new, text).and_then(|()| fs::rename(&new, &path)).map_err(failed)
}

/// Notes that a backup was taken, or why it was not.
pub(super) fn note_attempt(
    roots: &Roots,
    order: &BackupOrder,
    attempt: Attempt,
) -> Result<(), ScheduleError> {
    note(roots, &order.vserver, |attempts| {
        attempts.at_targets.insert(order.target.clone(), attempt);
    })
}

/// Notes whether a backup could be read back; one that is gone is not damaged.
pub(super) fn note_verified(
    roots: &Roots,
    backup: &BackupRef,
    at: UnixMillis,
    is_damaged: bool,
) -> Result<(), ScheduleError> {
    note(roots, &backup.vserver, |attempts| {
        attempts.damaged.retain(|(one, _)| one != backup);
        if is_damaged {
            attempts.damaged.push((backup.clone(), at));
        }
    })
}
