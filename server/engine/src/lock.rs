//! Locks across processes: one per VServer, and one for choosing context numbers and addresses.
//!
//! A lock is an open-file-description lock on a file below `<runtime_base>/locks/`. It ends with the
//! process that holds it, however that ends. The file names its holder, for the sentence "busy:
//! operation … holds it"; whether it is held is asked of the kernel alone, without touching it.
//!
//! Invariants: lock files are never removed (removing one while somebody waits would make two
//! locks of one). The order is VServer first, allocation second; the allocation lock is held for
//! moments only.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::failure::Failure;
use domain::id::{OperationId, VServerName};
use domain::operation::Target;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use serde::{Deserialize, Serialize};

use crate::roots::Roots;

/// The name of the lock for choosing; no VServer's, because names begin with a letter or digit.
const ALLOCATION: &str = ".allocation";

/// How long to wait between two attempts, at most.
const RETRY: Duration = Duration::from_millis(20);

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has held it for as long as was waited.
    #[error("{name} is locked")]
    Busy {
        /// What is locked.
        name: Target,
        /// Who has it, when they have said so.
        holder: Option<Holder>,
    },
    /// Context numbers and addresses are being chosen for too long.
    #[error("choosing context numbers and addresses is locked")]
    AllocationBusy,
    /// The lock file could not be opened or locked.
    #[error("locking {path}")]
    Lock {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Busy { name, holder } => {
                Self::Busy { name, operation: holder.and_then(|holder| holder.operation) }
            }
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its pid.
    pub pid: u32,
    /// The operation it does.
    pub operation: Option<OperationId>,
}

/// The lock of one VServer, template or base, held until dropped.
#[derive(Debug)]
#[must_use = "the lock ends when this is dropped"]
pub struct VServerLock {
    name: Target,
    file: File,
}

impl VServerLock {
    /// Takes the lock, or says at once who has it.
    ///
    /// # Errors
    /// [`LockError::Busy`] when somebody has it.
    pub fn try_take(
        roots: &Roots,
        name: impl Into<Target>,
        operation: Option<&OperationId>,
    ) -> Result<Self, LockError> {
        Self::take(roots, name, operation, Duration::ZERO)
    }

    /// Takes the lock, waiting for it as long as `patience`.
    ///
    /// # Errors
    /// [`LockError::Busy`] when somebody still has it then.
    pub fn take(
        roots: &Roots,
        name: impl Into<Target>,
        operation: Option<&OperationId>,
        patience: Duration,
    ) -> Result<Self, LockError> {
        let name = name.into();
        let path = path_of(roots, name.to_string());
        let file = open(&path).map_err(|source| LockError::Lock { path: path.clone(), source })?;
        match lock_within(&file, patience) {
            Ok(true) => {
                let mut lock = Self { name, file };
                lock.note_holder(operation);
                Ok(lock)
            }
            Ok(false) => Err(LockError::Busy { name, holder: read_holder(&file) }),
            Err(source) => Err(LockError::Lock { path, source }),
        }
    }

    /// Takes the lock, however long others have it. Nothing but the end of this process, by a signal that it
    /// does not block, ends the wait before.
    ///
    /// # Errors
    /// When it cannot be locked.
    pub fn wait(roots: &Roots, name: impl Into<Target>) -> Result<Self, LockError> {
        let name = name.into();
        let path = path_of(roots, name.to_string());
        let locked = open(&path).and_then(|file| lock_at_last(&file).map(|()| file));
        let file = locked.map_err(|source| LockError::Lock { path, source })?;
        let mut lock = Self { name, file };
        lock.note_holder(None);
        Ok(lock)
    }

    /// Whose it is.
    #[must_use]
    pub fn name(&self) -> &Target {
        &self.name
    }

    /// Says who holds it. Only a courtesy: failing to say so does not make the lock less of one.
    pub fn note_holder(&mut self, operation: Option<&OperationId>) {
        let holder = Holder { pid: std::process::id(), operation: operation.cloned() };
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        let noted = self
            .file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .and_then(|_| self.file.write_all(&text));
        if let Err(error) = noted {
            tracing::warn!(name = %self.name, %error, "the holder of a lock could not be noted");
        }
    }
}

/// The lock for choosing context numbers, addresses and names, held until dropped.
#[derive(Debug)]
#[must_use = "the lock ends when this is dropped"]
pub struct AllocationLock {
    _file: File,
}

impl AllocationLock {
    /// Takes it, waiting as long as `patience`.
    ///
    /// # Errors
    /// [`LockError::AllocationBusy`] when somebody still has it then.
    pub fn take(roots: &Roots, patience: Duration) -> Result<Self, LockError> {
        let path = roots.locks().join(ALLOCATION);
        let file = open(&path).map_err(|source| LockError::Lock { path: path.clone(), source })?;
        match lock_within(&file, patience) {
            Ok(true) => Ok(Self { _file: file }),
            Ok(false) => Err(LockError::AllocationBusy),
            Err(source) => Err(LockError::Lock { path, source }),
        }
    }
}

/// Who holds the lock of a VServer now; none when nobody does. Takes nothing, waits for nothing.
/// A holder that has not said who it is counts with pid 0.
#[must_use]
pub fn holder(roots: &Roots, name: &VServerName) -> Option<Holder> {
    let file = File::open(path_of(roots, name.to_string())).ok()?;
    let mut whole = whole_file(libc::F_WRLCK);
    fcntl(file.as_fd(), FcntlArg::F_OFD_GETLK(&mut whole)).ok()?;
    if i32::from(whole.l_type) == libc::F_UNLCK {
        return None;
    }
    Some(read_holder(&file).unwrap_or(Holder { pid: 0, operation: None }))
}

/// A target written as text has no slash, and begins with a letter or digit.
fn path_of(roots: &Roots, target: String) -> PathBuf {
    roots.locks().join(target)
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// Whether the lock was had within `patience`.
fn lock_within(file: &File, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    loop {
        let whole = whole_file(libc::F_WRLCK);
        match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLK(&whole)) {
            Ok(_) => return Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => {}
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno.into()),
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        // The kernel has no lock that gives up by itself, so ask again now and then.
        std::thread::park_timeout(left.min(RETRY));
    }
}

/// Waits in the kernel.
fn lock_at_last(file: &File) -> io::Result<()> {
    loop {
        let whole = whole_file(libc::F_WRLCK);
        match fcntl(file.as_fd(), FcntlArg::F_OFD_SETLKW(&whole)) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: libc::c_short::try_from(kind).unwrap_or_default(),
        l_whence: libc::c_short::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

fn read_holder(mut file: &File) -> Option<Holder> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(1024).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(base: &Path) -> Roots {
        Roots { runtime_base: base.join("runtime"), ..Roots::default() }
    }

    #[test]
    fn one_at_a_time_and_the_other_hears_who() {
        let base = tempfile::tempdir().unwrap();
        let roots = roots(base.path());
        let name: VServerName = "web".parse().unwrap();
        let operation: OperationId = "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        assert_eq!(holder(&roots, &name), None);
        let lock = VServerLock::try_take(&roots, &name, Some(&operation)).unwrap();
        let expected = Holder { pid: std::process::id(), operation: Some(operation.clone()) };
        assert_eq!(holder(&roots, &name), Some(expected));
        let error = VServerLock::try_take(&roots, &name, None).unwrap_err();
        assert_eq!(
            Failure::from(error),
            Failure::Busy { name: name.clone().into(), operation: Some(operation) }
        );
        let other: VServerName = "mail".parse().unwrap();
        let _other = VServerLock::try_take(&roots, &other, None).unwrap();
        drop(lock);
        assert_eq!(holder(&roots, &name), None);
        let _again = VServerLock::try_take(&roots, &name, None).unwrap();
    }

    #[test]
    fn why_it_cannot_be_locked_is_told() {
        let base = tempfile::tempdir().unwrap();
        std::fs::write(base.path().join("runtime"), "in the way").unwrap();
        let roots = roots(base.path());
        let error = AllocationLock::take(&roots, Duration::ZERO).unwrap_err();
        let Failure::Unexpected { detail } = Failure::from(error) else { panic!("another one") };
        assert!(detail.contains("locking ") && detail.contains("(os error "), "{detail}");
    }

    #[test]
    fn waits_until_it_is_free_and_no_longer_than_told() {
        let base = tempfile::tempdir().unwrap();
        let roots = roots(base.path());
        let first = AllocationLock::take(&roots, Duration::ZERO).unwrap();
        assert!(matches!(
            AllocationLock::take(&roots, Duration::from_millis(30)),
            Err(LockError::AllocationBusy)
        ));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| AllocationLock::take(&roots, Duration::from_secs(30)));
            drop(first);
            assert!(waiting.join().unwrap().is_ok());
        });
        let name: VServerName = "web".parse().unwrap();
        let first = VServerLock::try_take(&roots, &name, None).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| VServerLock::wait(&roots, &name));
            drop(first);
            let lock = waiting.join().unwrap().unwrap();
            assert_eq!(
                holder(&roots, &name),
                Some(Holder { pid: std::process::id(), operation: None })
            );
            drop(lock);
        });
    }
}
