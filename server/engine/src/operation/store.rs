//! Operations on disk.
//!
//! What an operation is to do is written once and is on disk before any step is that a power cut does not
//! take back. How far it is, is written often and may be lost in one: of an unfinished operation it is
//! made anew from what it is to do.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::failure::Failure;
use domain::id::OperationId;
use domain::identity::VServerIdentity;
use domain::operation::{Actor, LogChunk, Operation, Progress, Target};
use domain::time::UnixMillis;
use rustix::fs::FallocateFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::journal::{Journal, JournalError};
use super::task::Task;
use crate::disk_full::is_disk_full;
use crate::facts::Claim;
use crate::roots::Roots;
use crate::summary::Activity;

/// The directory of journals of unfinished operations; no operation's, ids begin with a digit.
const LIVE: &str = ".live";
/// The most bytes of one piece of a log.
const CHUNK_BYTES: u64 = 32 * 1024;
/// The most bytes of a file of an operation that are read.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Why operations could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// A file of an operation could not be written.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of an operation could not be read.
    #[error("reading {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of an operation is not what it should be.
    #[error("understanding {path}")]
    Understand {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// No operation of this id.
    #[error("no operation {id}")]
    NoSuchOperation {
        /// Which.
        id: OperationId,
    },
    /// Its journal.
    #[error("keeping the journal")]
    Journal(#[from] JournalError),
}

impl From<OperationError> for Failure {
    fn from(error: OperationError) -> Self {
        let full = |path: &Path, source: &io::Error| {
            is_disk_full(source).then(|| Self::DiskFull { path: path.display().to_string() })
        };
        match &error {
            OperationError::NoSuchOperation { id } => Self::NoSuchOperation { id: id.clone() },
            OperationError::Write { path, source }
            | OperationError::Journal(
                JournalError::Write { path, source } | JournalError::Make { path, source },
            ) => full(path, source).unwrap_or_else(|| Self::Unexpected {
                detail: format!("writing {}: {source}", path.display()),
            }),
            _ => Self::Unexpected { detail: domain::failure::chain(&error) },
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        OperationError::from(error).into()
    }
}

/// Operations on disk.
#[derive(Debug, Clone)]
pub struct Store {
    base: PathBuf,
}

/// An unfinished operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// It, as it was last written.
    pub operation: Operation,
    /// What it is to do.
    pub task: Task,
}

impl Store {
    /// The operations of an instance.
    #[must_use]
    pub fn new(roots: &Roots) -> Self {
        Self { base: roots.operations() }
    }

    /// Where the operations are.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Where the journals of unfinished operations are.
    #[must_use]
    pub fn live_base(&self) -> PathBuf {
        self.base.join(LIVE)
    }

    /// The directory of an operation.
    #[must_use]
    pub fn directory_of(&self, id: &OperationId) -> PathBuf {
        self.base.join(id.as_str())
    }

    /// The journal of an unfinished operation.
    #[must_use]
    pub fn journal_of(&self, id: &OperationId) -> PathBuf {
        self.live_base().join(id.as_str())
    }

    /// A file whose being there means: somebody wants it cancelled.
    #[must_use]
    pub fn cancel_file_of(&self, id: &OperationId) -> PathBuf {
        self.directory_of(id).join("cancel")
    }

    /// The log of an operation.
    #[must_use]
    pub fn log_of(&self, id: &OperationId) -> PathBuf {
        self.directory_of(id).join("log")
    }

    /// Makes the directories.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn prepare(&self) -> Result<(), OperationError> {
        let path = self.live_base();
        if path.is_dir() {
            return Ok(());
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            // The operations', the state's, and the one that holds the state's.
            .and_then(|()| path.ancestors().skip(1).take(3).try_for_each(sync))
            .map_err(|source| OperationError::Write { path, source })
    }

    /// Writes a new operation down; from here on it counts.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(&self, operation: &Operation, task: &Task) -> Result<Journal, OperationError> {
        self.prepare()?;
        let path = self.directory_of(&operation.id);
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| OperationError::Write { path: path.clone(), source })?;
        write_json(&path.join("task.json"), task)?;
        self.write(operation)?;
        Ok(Journal::create(&self.journal_of(&operation.id))?)
    }

    /// Writes an operation as it is now: whoever reads sees the old one or this one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, operation: &Operation) -> Result<(), OperationError> {
        write_json(&self.directory_of(&operation.id).join("operation.json"), operation)
    }

    /// The same of one that will be written again and need not survive a power cut as it is now. Ext4 begins to
    /// write out what is renamed over another file, and on a busy disk the rename waits for that; what has its
    /// blocks already it leaves for later.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_in_passing(&self, operation: &Operation) -> Result<(), OperationError> {
        let path = self.directory_of(&operation.id).join("operation.json");
        write_json_with(&path, operation, |file, bytes| {
            // Not every filesystem can: then it is as it would be without.
            let _ = rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes);
        })
    }

    /// Sees to it that an operation, as it was last written, and what it is to do are on disk.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn keep(&self, id: &OperationId) -> Result<(), JournalError> {
        let directory = self.directory_of(id);
        let (now, task) = (directory.join("operation.json"), directory.join("task.json"));
        for path in [now.as_path(), &task, &directory, &self.base] {
            match sync(path) {
                // Of one that is put right, a power cut may have taken it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(JournalError::Write { path: path.to_owned(), source }),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Reads an operation.
    ///
    /// # Errors
    /// When there is none of this id, or it cannot be read.
    pub fn read(&self, id: &OperationId) -> Result<Operation, OperationError> {
        let read = read_json(&self.directory_of(id).join("operation.json"));
        match read {
            Ok(Some(operation)) => Ok(operation),
            Ok(None) | Err(OperationError::Understand { .. }) => match self.known_of(id) {
                Some(operation) => Ok(operation),
                None => read.and_then(|_| Err(OperationError::NoSuchOperation { id: id.clone() })),
            },
            Err(error) => Err(error),
        }
    }

    /// An unfinished operation as far as it is known from what it is to do.
    fn known_of(&self, id: &OperationId) -> Option<Operation> {
        let written = fs::metadata(self.journal_of(id)).ok()?;
        let task = self.task(id).ok()?;
        Some(Operation {
            id: id.clone(),
            kind: task.kind(),
            target: task.target(),
            renamed_to: task.renamed_to().cloned(),
            actor: Actor::System,
            command: task.command(),
            progress: Progress::Queued,
            cancellable: false,
            created_at: UnixMillis(written.mtime() * 1000),
            started_at: None,
            finished_at: None,
            batch: None,
        })
    }

    /// What an operation is to do.
    ///
    /// # Errors
    /// When there is none of this id, or it cannot be read.
    pub fn task(&self, id: &OperationId) -> Result<Task, OperationError> {
        read_json(&self.directory_of(id).join("task.json"))?
            .ok_or_else(|| OperationError::NoSuchOperation { id: id.clone() })
    }

    /// Operations with an id after this one (or all), oldest first, at most `limit`.
    ///
    /// # Errors
    /// When their directory cannot be read.
    pub fn list(
        &self,
        after: Option<&OperationId>,
        limit: usize,
    ) -> Result<Vec<Operation>, OperationError> {
        let mut ids = ids_in(&self.base)?;
        ids.retain(|id| after.is_none_or(|after| id > after));
        ids.sort();
        let readable = ids.iter().filter_map(|id| match self.read(id) {
            Ok(operation) => Some(operation),
            Err(error) => {
                tracing::warn!(%id, %error, "an operation is unreadable");
                None
            }
        });
        Ok(readable.take(limit).collect())
    }

    /// The ids of unfinished operations, oldest first.
    ///
    /// # Errors
    /// When their directory cannot be read.
    pub fn live_ids(&self) -> Result<Vec<OperationId>, OperationError> {
        let mut ids = ids_in(&self.live_base())?;
        ids.sort();
        Ok(ids)
    }

    /// Whether an unfinished operation's process is gone.
    #[must_use]
    pub fn is_abandoned(&self, id: &OperationId) -> bool {
        // The journal is given back at once: nothing but its being free is asked.
        matches!(Journal::take_over(&self.journal_of(id)), Ok(Some(_)))
    }

    /// The unfinished operations of which nothing is left but a journal that nobody writes.
    ///
    /// # Errors
    /// When their directory cannot be read.
    pub fn nameless(&self) -> Result<Vec<OperationId>, OperationError> {
        let mut ids = self.live_ids()?;
        ids.retain(|id| self.read(id).is_err() && self.is_abandoned(id));
        Ok(ids)
    }

    /// Unfinished operations, oldest first; those that cannot be read are left out.
    ///
    /// # Errors
    /// When their directory cannot be read.
    pub fn live(&self) -> Result<Vec<Live>, OperationError> {
        let live = self.live_ids()?.into_iter().filter_map(|id| {
            Some(Live { operation: self.read(&id).ok()?, task: self.task(&id).ok()? })
        });
        Ok(live.collect())
    }

    /// What builds under way have been promised.
    ///
    /// # Errors
    /// When unfinished operations cannot be listed.
    pub fn promised(&self) -> Result<Vec<Claim>, OperationError> {
        let live = self.live()?;
        let of = |identity: VServerIdentity| Claim {
            name: identity.name,
            context: identity.context,
            addresses: identity.interfaces.iter().map(|interface| interface.address).collect(),
        };
        let claims = live.into_iter().filter_map(|live| match live.task {
            Task::Identity(change) | Task::Undelete { change, .. } => Some(of(change.after)),
            Task::Build(spec) => Some(Claim {
                name: spec.name.clone(),
                context: Some(spec.context),
                addresses: spec.interfaces.iter().map(|interface| interface.address).collect(),
            }),
            Task::Restore(spec) => Some(Claim {
                name: spec.name.clone(),
                context: Some(spec.context),
                addresses: spec.interfaces.iter().map(|interface| interface.address).collect(),
            }),
            _ => None,
        });
        Ok(claims.collect())
    }

    /// Unfinished operations as the states of their VServers show them.
    ///
    /// # Errors
    /// When unfinished operations cannot be listed.
    pub fn activities(&self) -> Result<Vec<Activity>, OperationError> {
        let live = self.live()?;
        let running = live.into_iter().map(|live| live.operation);
        let activities = running.filter(keeps_others_out).flat_map(
            |Operation { id, kind, target, renamed_to, .. }| {
                let names = target.vserver().cloned().into_iter().chain(renamed_to);
                names.map(move |name| Activity { name, operation: id.clone(), kind })
            },
        );
        Ok(activities.collect())
    }

    /// The unfinished operation about a VServer or something else, if there is one.
    ///
    /// # Errors
    /// When unfinished operations cannot be listed.
    pub fn live_of(&self, name: impl Into<Target>) -> Result<Option<Operation>, OperationError> {
        let target = name.into();
        let mut live = self.live()?.into_iter().map(|live| live.operation);
        Ok(live.rfind(|operation| operation.is_about(&target) && keeps_others_out(operation)))
    }

    /// A piece of an operation's log from a byte on, cut between lines, or between characters of a line
    /// that is longer than a piece.
    ///
    /// # Errors
    /// When there is no operation of this id, or it cannot be read.
    pub fn read_log(&self, id: &OperationId, offset: u64) -> Result<LogChunk, OperationError> {
        // First, so that nothing that was logged before the end is missed.
        let operation = self.read(id)?;
        let path = self.log_of(id);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(mut file) => {
                file.seek(SeekFrom::Start(offset))
                    .and_then(|_| file.take(CHUNK_BYTES).read_to_end(&mut bytes))
                    .map_err(|source| OperationError::Read { path, source })?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(OperationError::Read { path, source }),
        }
        let is_last = (bytes.len() as u64) < CHUNK_BYTES;
        let mut text = whole_characters(bytes);
        // A note is understood whole.
        if let Some(end) = text.rfind('\n').filter(|_| !is_last) {
            text.truncate(end + 1);
        }
        Ok(LogChunk { offset, text, open: !(is_last && operation.progress.is_final()) })
    }

    /// Asks whoever does an operation to stop and undo it.
    ///
    /// # Errors
    /// When there is no operation of this id, or the word cannot be left.
    pub fn ask_to_cancel(&self, id: &OperationId) -> Result<(), OperationError> {
        self.read(id)?;
        let path = self.cancel_file_of(id);
        File::create(&path).map(drop).map_err(|source| OperationError::Write { path, source })
    }
}

/// Whether it is under way, and nothing else may be done meanwhile to what it is about.
fn keeps_others_out(operation: &Operation) -> bool {
    !operation.progress.is_final() && !operation.kind.is_beside_others()
}

/// The text up to the last whole character. Logs are written as UTF-8; only the cut can split one.
fn whole_characters(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(good);
            String::from_utf8(bytes).unwrap_or_default()
        }
    }
}

fn ids_in(path: &Path) -> Result<Vec<OperationId>, OperationError> {
    match fs::read_dir(path) {
        Ok(entries) => Ok(entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(OperationError::Read { path: path.to_owned(), source }),
    }
}

/// Sees to it that a file or directory is on disk.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), OperationError> {
    write_json_with(path, value, |_, _| ())
}

/// Writes a value; `prepare` gets the file before it has text, and how many bytes that will be.
fn write_json_with<T: Serialize>(
    path: &Path,
    value: &T,
    prepare: impl FnOnce(&File, u64),
) -> Result<(), OperationError> {
    let failed = |source| OperationError::Write { path: path.to_owned(), source };
    let text = serde_json::to_vec_pretty(value).map_err(|e| failed(io::Error::other(e)))?;
    let temporary = path.with_extension("new");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| {
            prepare(&file, text.len() as u64);
            file.write_all(&text)
        })
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(failed)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, OperationError> {
    let mut text = Vec::new();
    match File::open(path) {
        Ok(file) => {
            file.take(MAX_FILE_BYTES)
                .read_to_end(&mut text)
                .map_err(|source| OperationError::Read { path: path.to_owned(), source })?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OperationError::Read { path: path.to_owned(), source }),
    }
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|source| OperationError::Understand { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use domain::change::PlainChange;
    use domain::id::VServerName;
    use domain::operation::{Actor, Kind, Progress};
    use domain::time::UnixMillis;

    use super::*;

    fn operation(id: &str, name: &str) -> Operation {
        Operation {
            id: id.parse().unwrap(),
            kind: Kind::Start,
            target: name.parse().unwrap(),
            renamed_to: None,
            actor: Actor::System,
            command: "vserver web start".to_owned(),
            progress: Progress::Queued,
            cancellable: false,
            created_at: UnixMillis(1),
            started_at: None,
            finished_at: None,
            batch: None,
        }
    }

    #[test]
    fn operations_are_listed_in_order_and_live_until_closed() {
        let base = tempfile::tempdir().unwrap();
        let store = Store { base: base.path().join("operations") };
        assert_eq!(store.list(None, 9).unwrap(), vec![]);
        let ids = ["01ARZ3NDEKTSV4RRFFQ69G5FA1", "01ARZ3NDEKTSV4RRFFQ69G5FA2"];
        let task: Task = PlainChange::Start("web".parse().unwrap()).into();
        let mut journals: Vec<_> =
            ids.iter().map(|id| store.create(&operation(id, "web"), &task).unwrap()).collect();
        let all = store.list(None, 9).unwrap();
        assert_eq!(all.iter().map(|o| o.id.as_str()).collect::<Vec<_>>(), ids);
        let first = all[0].id.clone();
        assert_eq!(store.list(Some(&first), 9).unwrap().len(), 1);
        assert_eq!(store.live().unwrap().len(), 2);
        journals.remove(0).close(&store.directory_of(&first).join("journal")).unwrap();
        assert_eq!(store.live().unwrap().len(), 1);
        assert!(store.live_of("web".parse::<VServerName>().unwrap()).unwrap().is_some());
        assert!(store.live_of("mail".parse::<VServerName>().unwrap()).unwrap().is_none());
    }

    #[test]
    fn why_an_operation_cannot_be_read_is_told() {
        let base = tempfile::tempdir().unwrap();
        let store = Store { base: base.path().to_owned() };
        let operation = operation("01ARZ3NDEKTSV4RRFFQ69G5FA1", "web");
        let task = PlainChange::Start("web".parse().unwrap()).into();
        let _journal = store.create(&operation, &task).unwrap();
        let path = store.directory_of(&operation.id).join("operation.json");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let error = store.read(&operation.id).unwrap_err();
        let Failure::Unexpected { detail } = Failure::from(error) else { panic!("another one") };
        assert!(detail.contains("operation.json: Is a directory"), "{detail}");
    }

    #[test]
    fn logs_are_cut_between_characters() {
        let base = tempfile::tempdir().unwrap();
        let store = Store { base: base.path().to_owned() };
        let operation = operation("01ARZ3NDEKTSV4RRFFQ69G5FA1", "web");
        let _journal =
            store.create(&operation, &PlainChange::Start("web".parse().unwrap()).into()).unwrap();
        let text = "é".repeat(20_000);
        fs::write(store.log_of(&operation.id), format!("x{text}")).unwrap();
        let mut read = String::new();
        loop {
            let chunk = store.read_log(&operation.id, read.len() as u64).unwrap();
            assert!(chunk.open);
            if chunk.text.is_empty() {
                break;
            }
            read.push_str(&chunk.text);
        }
        assert_eq!(read, format!("x{text}"));
    }
}
