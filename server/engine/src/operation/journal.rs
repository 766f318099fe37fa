//! The journal of one operation: JSON lines, each on disk before what it speaks of is done.
//!
//! The file is locked for as long as its process lives. Steps that live in `/run` or in the kernel
//! need no `fsync`: whatever loses the journal loses them too. Before the first of the others is written
//! what is to be done is on disk (`Store::keep`), so that whoever undoes it knows about whom it is.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::id::{OperationId, VServerName};
use domain::operation::Kind;
use nix::libc;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::config::EditStep;
use crate::remount::RemountStep;
use crate::rewrite::FilePlace;
use crate::state::ProcessIdentity;
use crate::volume::Mounted;

/// Why the journal could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It could not be made.
    #[error("making the journal {path}")]
    Make {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It could not be written.
    #[error("writing the journal {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It could not be read.
    #[error("reading the journal {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Something that is about to be done, with all that is needed to undo it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A directory tree is made at this path. Undone by removing it.
    MakeTree(PathBuf),
    /// An existing empty directory, which may be a mounted volume, is filled. Undone by emptying it, if
    /// it is still the one that was begun.
    Fill {
        /// Where it is.
        root: PathBuf,
        /// What is written on it.
        by: OperationId,
    },
    /// Something is moved. Undone by moving it back, if it was moved.
    Move {
        /// From where.
        from: PathBuf,
        /// To where; nothing is there before.
        to: PathBuf,
    },
    /// A file of a config tree is replaced, made or removed. Undone by putting back what was there.
    Edit(EditStep),
    /// A VServer with these cgroups is made to stand still for a while. Undone by letting it run.
    Freeze(Vec<PathBuf>),
    /// A VServer is started. Undone by the record of its start.
    Run(VServerName),
    /// A VServer is being ended. Cannot be undone; it is finished.
    End {
        /// Which.
        name: VServerName,
        /// Its pid 1: a later one of the same VServer is not meant.
        init: Option<ProcessIdentity>,
    },
    /// A text file gets another text; none: it is not there. Undone by its old one, as far as nobody
    /// has edited it since.
    Rewrite {
        /// Which.
        file: FilePlace,
        /// Its old text.
        before: Option<String>,
        /// Its new text.
        after: Option<String>,
    },
    /// A link gets another target. Undone by its old one.
    Relink {
        /// Which.
        file: FilePlace,
        /// Its old target.
        before: String,
        /// Its new target.
        after: String,
    },
    /// A volume is unmounted. Undone by mounting it.
    Unmount(Mounted),
    /// A volume is mounted. Undone by unmounting it.
    Mount(Mounted),
    /// The files of a VServer become a reference, and the VServer the first that stands on it. Undone as
    /// far as it is half done: whole it is the same VServer.
    Unify {
        /// Its root.
        root: PathBuf,
        /// What the reference is called.
        reference: OperationId,
    },
    /// A logical volume gets another name. Undone by giving it the old one.
    RenameVolume {
        /// Its volume group.
        group: String,
        /// Its old name.
        from: String,
        /// Its new name.
        to: String,
    },
    /// Tools of a VServer's run in it without its being started. Undone by ending them, by their record.
    RunAside(VServerName),
    /// A tmpfs that is mounted in a VServer gets another size and other flags. Undone by those it had.
    Remount(RemountStep),
}

impl Step {
    /// Whether it is gone with the journal when the host loses power.
    pub(super) fn is_volatile(&self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::End { .. }
                | Self::Freeze(_)
                | Self::RunAside(_)
                | Self::Remount(_)
        )
    }
}

/// Something that is still to be done after the commit. Doing it twice is the same as once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// Move something, if it is still where it was.
    Move {
        /// From where.
        from: PathBuf,
        /// To where.
        to: PathBuf,
    },
    /// Remove a directory tree.
    RemoveTree(PathBuf),
    /// Empty a volume that stays mounted, if its files are still those that this operation deleted.
    Empty {
        /// Where it is mounted.
        path: PathBuf,
        /// What is written on it.
        by: OperationId,
    },
    /// Remove a file or link.
    RemoveFile(PathBuf),
    /// Remove a directory, if it is empty.
    RemoveEmpty(PathBuf),
}

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// This is about to be done.
    Step(Step),
    /// From here on the operation is finished, never undone.
    Commit(Vec<Finish>),
}

/// A journal that this process has locked.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    records: Vec<Record>,
}

impl Journal {
    /// Makes the journal, locked before anybody can find it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Make { path: path.to_owned(), source };
        let directory = path.parent().unwrap_or(Path::new("/"));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let hidden = directory.join(format!(".new-{name}"));
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&hidden)
            .map_err(failed)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|errno| failed(errno.into()))?;
        std::fs::rename(&hidden, path).map_err(failed)?;
        let journal = Self { path: path.to_owned(), file, records: Vec::new() };
        journal.crash_after_record();
        Ok(journal)
    }

    /// Takes over the journal of a process that is gone; none while it lives, or when somebody else
    /// was faster.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub fn take_over(path: &Path) -> Result<Option<Self>, JournalError> {
        let failed = |source| JournalError::Read { path: path.to_owned(), source };
        let opened =
            OpenOptions::new().read(true).append(true).custom_flags(libc::O_NOFOLLOW).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(failed(errno.into())),
        }
        // It may have been finished and moved away between opening and locking.
        let is_same = std::fs::metadata(path)
            .is_ok_and(|now| file.metadata().is_ok_and(|ours| ours.ino() == now.ino()));
        if !is_same {
            return Ok(None);
        }
        let records = read_records(&file).map_err(failed)?;
        Ok(Some(Self { path: path.to_owned(), file, records }))
    }

    /// What was written so far.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether the operation is past its commit.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.records.iter().any(|record| matches!(record, Record::Commit(_)))
    }

    /// Writes down what is about to be done.
    ///
    /// # Errors
    /// When it cannot be written; nothing may be done then.
    pub fn intend(&mut self, step: Step) -> Result<(), JournalError> {
        let durable = !step.is_volatile();
        self.write(Record::Step(step), durable)
    }

    /// Writes down that the operation will be finished.
    ///
    /// # Errors
    /// When it cannot be written; the operation is to be undone then.
    pub fn commit(&mut self, finish: Vec<Finish>) -> Result<(), JournalError> {
        self.write(Record::Commit(finish), true)
    }

    fn write(&mut self, record: Record, durable: bool) -> Result<(), JournalError> {
        let failed = |source| JournalError::Write { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(&record).map_err(|e| failed(io::Error::other(e)))?;
        line.push(b'\n');
        (&self.file).write_all(&line).map_err(failed)?;
        if durable {
            self.file.sync_data().map_err(failed)?;
            if let Some(directory) = self.path.parent() {
                File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
            }
        }
        self.records.push(record);
        self.crash_after_record();
        Ok(())
    }

    /// Ends this process at once when `ULYSSE_CRASH_AFTER_RECORD` says that it has written enough: what
    /// the last record announces has not been begun. So every operation can be killed between any two of its
    /// steps, whether or not somebody thought of a [`crash_point`] there. When the file that
    /// `ULYSSE_STOP_AFTER_RECORD` names says so it stands still instead, so that others can be killed.
    #[cfg(debug_assertions)]
    fn crash_after_record(&self) {
        let is_it = |count: String| count.trim().parse() == Ok(self.records.len());
        if std::env::var("ULYSSE_CRASH_AFTER_RECORD").is_ok_and(is_it) {
            crash();
        }
        let file = std::env::var_os("ULYSSE_STOP_AFTER_RECORD");
        if file.and_then(|file| std::fs::read_to_string(file).ok()).is_some_and(is_it) {
            let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
        }
    }

    /// Nothing, outside debug builds.
    #[cfg(not(debug_assertions))]
    fn crash_after_record(&self) {}

    /// Puts the journal away, beside the operation: it is finished or undone.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub fn close(self, to: &Path) -> Result<(), JournalError> {
        std::fs::rename(&self.path, to)
            .map_err(|source| JournalError::Write { path: self.path.clone(), source })
    }
}

/// Reads the lines of a journal. The last one may have been cut off by the crash: what it would have
/// said was not begun.
fn read_records(file: &File) -> io::Result<Vec<Record>> {
    let mut records = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        match serde_json::from_slice(&line?) {
            Ok(record) => records.push(record),
            Err(_) => break,
        }
    }
    Ok(records)
}

/// Every [`crash_point`], by the operation that passes it; `finish:N` comes after the Nth thing that is
/// left to do after a commit.
pub const CRASH_POINTS: &[(Kind, &[&str])] = &[
    (
        Kind::Build,
        &[
            "build:reserved",
            "build:base-intended",
            "build:base-made",
            "build:base-kept",
            "build:copy-begun",
            "build:copied",
            "build:configured",
            "build:config-written",
            "build:committed",
            "finish:0",
            "finish:1",
        ],
    ),
    (
        Kind::Start,
        &[
            "start:intended",
            "start:recorded",
            "start:cgroups",
            "start:spawned",
            "start:network",
            "start:running",
            "start:started",
        ],
    ),
    (Kind::Stop, &["stop:intended", "stop:ended", "stop:cleaned"]),
    (
        Kind::AddTemplate,
        &[
            "template:intended",
            "template:received",
            "template:checked",
            "template:committed",
            "finish:0",
        ],
    ),
    (Kind::RemoveTemplate, &["template:removing", "template:removed", "finish:0", "finish:1"]),
    (
        Kind::RefreshBase,
        &["build:base-intended", "build:base-made", "base:exchanged", "build:base-kept"],
    ),
    (Kind::RemoveBase, &["base:locked", "base:committed", "finish:0", "finish:1", "finish:2"]),
    (
        Kind::Backup,
        &[
            "backup:begun",
            "backup:frozen",
            "backup:packed",
            "backup:thawed",
            "backup:verified",
            "backup:kept",
        ],
    ),
    (
        Kind::Restore,
        &[
            "restore:begun",
            "restore:unpacked",
            "restore:config-written",
            "restore:committed",
            "finish:0",
            "finish:1",
            "finish:2",
        ],
    ),
    (
        Kind::Delete,
        &[
            "delete:checked",
            "delete:committed",
            "finish:0",
            "finish:1",
            "finish:2",
            "finish:3",
            "finish:4",
            "finish:5",
            "finish:6",
            "finish:7",
            "finish:8",
            "finish:9",
            "bin:entry-intended",
            "bin:entry-written",
        ],
    ),
    (
        Kind::Configure,
        &[
            "configure:recorded",
            "configure:intended",
            "configure:written",
            "configure:committed",
            "finish:0",
            "finish:1",
        ],
    ),
    (
        Kind::Rename,
        &[
            "identity:stopped",
            "intended:0",
            "step:0",
            "intended:1",
            "step:1",
            "intended:2",
            "step:2",
            "intended:3",
            "step:3",
            "intended:4",
            "step:4",
            "intended:5",
            "step:5",
            "intended:6",
            "step:6",
            "intended:7",
            "step:7",
            "intended:8",
            "step:8",
            "intended:9",
            "step:9",
            "intended:10",
            "step:10",
            "intended:11",
            "step:11",
            "intended:12",
            "step:12",
            "intended:13",
            "step:13",
            "intended:14",
            "step:14",
            "identity:changed",
            "identity:started",
            "identity:recorded",
            "identity:committed",
            "finish:0",
        ],
    ),
    (Kind::RestoreFile, &["restore-file:received", "restore-file:kept"]),
    (Kind::RemoveBackups, &["backups:one-removed"]),
    (Kind::Undelete, &["undelete:moved", "undelete:committed", "finish:0"]),
    (Kind::Purge, &["purge:checked", "purge:committed", "finish:0", "finish:1", "finish:2"]),
    (Kind::Batch, &["batch:begun", "batch:one-begun", "batch:one-ended"]),
    (
        Kind::Packages,
        &[
            "packages:aside-intended",
            "packages:aside-recorded",
            "packages:aside-running",
            "packages:tool-runs",
            "packages:changed",
        ],
    ),
    (Kind::Remount, &["remount:intended", "remount:resized", "remount:done"]),
];

/// Those that builds by other methods than debootstrap pass besides.
pub const COPY_CRASH_POINTS: &[&str] = &[
    "build:files-passed",
    "build:files-frozen",
    "build:files-thawed",
    "build:keys-made",
    "build:set-aside",
];

/// Those that unified clones pass besides.
pub const UNIFY_CRASH_POINTS: &[&str] =
    &["unify:intended", "unify:laid", "unify:moved", "unify:frozen", "unify:stands"];

/// The one that builds by yum pass besides.
pub const YUM_CRASH_POINT: &str = "build:packages-installed";

/// The one that starts and stops pass besides, before each program of a hook.
pub const HOOK_CRASH_POINT: &str = "hook:running";

/// Those that an import of archives passes before those of a backup.
pub const IMPORT_CRASH_POINTS: &[&str] = &["import:intended", "import:unpacked"];

/// Ends this process at once when `ULYSSE_CRASH_AT` names this point. For the crash tests; compiled
/// into debug builds only.
#[cfg(debug_assertions)]
pub fn crash_point(name: &str) {
    let others = [
        COPY_CRASH_POINTS,
        UNIFY_CRASH_POINTS,
        &[YUM_CRASH_POINT],
        &[HOOK_CRASH_POINT],
        IMPORT_CRASH_POINTS,
    ];
    let mut listed = CRASH_POINTS.iter().map(|(_, names)| *names).chain(others);
    let is_listed = listed.any(|names| names.contains(&name));
    debug_assert!(is_listed, "{name} is not a crash point that is tested");
    if std::env::var_os("ULYSSE_CRASH_AT").is_some_and(|wanted| wanted == name) {
        crash();
    }
}

#[cfg(debug_assertions)]
fn crash() {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
}

/// Nothing, outside debug builds.
#[cfg(not(debug_assertions))]
pub fn crash_point(_name: &str) {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            "[a-z\\n\" é]{1,20}".prop_map(|text| Step::MakeTree(text.into())),
            "[a-z]{1,9}".prop_map(|text| Step::Run(text.parse().unwrap())),
            ("[a-z]{1,9}", "[/a-z]{1,9}")
                .prop_map(|(from, to)| Step::Move { from: from.into(), to: to.into() }),
        ]
    }

    proptest! {
        #[test]
        fn a_journal_cut_anywhere_gives_a_beginning_of_what_was_written(
            steps in proptest::collection::vec(step(), 0..8),
            cut in 0usize..600,
        ) {
            let base = tempfile::tempdir().unwrap();
            let path = base.path().join("journal");
            let mut journal = Journal::create(&path).unwrap();
            for step in &steps {
                journal.intend(step.clone()).unwrap();
            }
            journal.commit(vec![]).unwrap();
            let written = journal.records().to_vec();
            drop(journal);
            let length = std::fs::metadata(&path).unwrap().len().min(cut as u64);
            OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap();
            let read = Journal::take_over(&path).unwrap().unwrap();
            prop_assert!(written.starts_with(read.records()));
        }
    }

    #[test]
    fn a_living_journal_is_not_taken_over_and_a_dead_one_once() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("01");
        let journal = Journal::create(&path).unwrap();
        assert!(Journal::take_over(&path).unwrap().is_none());
        drop(journal);
        let ours = Journal::take_over(&path).unwrap().unwrap();
        assert!(Journal::take_over(&path).unwrap().is_none());
        ours.close(&base.path().join("put-away")).unwrap();
        assert!(Journal::take_over(&path).unwrap().is_none());
    }
}
