//! Cached base systems as a whole: which there are, making one anew, removing one.
//!
//! Their locks are files beside them, and are there as long as they are: who makes no base removes its
//! lock with it. So whoever has locked such a file looks whether it is still the one of that name. Its
//! time of change is when the base was last used.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use domain::build::Method;
use domain::failure::Failure;
use domain::id::BaseId;
use domain::note::Note;
use domain::operation::Stage;
use domain::template::Base;
use domain::time::UnixMillis;
use rustix::event::poll;
use rustix::fs::{FlockOperation, Timespec, Timestamps, flock, futimens};
use sys::wait::timespec;

use super::base::{self, Record, Wanted, bases_directory};
use crate::engine::Instance;
use crate::operation::{Finish, Stopped, Work, crash_point};
use crate::recovery::{self, RecoveryError};
use crate::roots::{OWN_FIRST_HOST_ID, Roots, Settings};
use crate::tree;

/// How often somebody who waits looks whether the wait is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the size of a base that does not say it may take to count.
const COUNTING: Duration = Duration::from_millis(300);
/// The most bytes of a record.
const RECORD_BYTES: u64 = 64 * 1024;

/// All bases, sorted by suite; what cannot be read is none.
///
/// # Errors
/// When their directory cannot be read.
pub fn list(settings: &Settings, now: UnixMillis) -> Result<Vec<Base>, Failure> {
    let directory = bases_directory(&settings.roots);
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(base::at(&directory, source).into()),
    };
    let limit_ms = u64::from(settings.limits.base_age_days) * 24 * 3_600_000;
    let mut found: Vec<Base> = entries
        .flatten()
        .filter_map(|entry| {
            let id: BaseId = entry.file_name().to_str()?.parse().ok()?;
            let place = entry.path();
            let record = record_of(&place)?;
            let Method::Debootstrap { suite, architecture, packages, variant, .. } = record.method
            else {
                return None;
            };
            let used = fs::metadata(lock_path(&place)).ok();
            Some(Base {
                id,
                suite,
                architecture,
                variant: variant.map(|variant| variant.to_string()),
                packages,
                init: record.init,
                bytes: record.bytes.or_else(|| tree::disk_bytes(&place.join("root"), COUNTING)),
                made_at: record.made_at,
                used_at: used.map(|used| UnixMillis(used.mtime().saturating_mul(1000))),
                is_old: now.millis_since(record.made_at) >= limit_ms,
            })
        })
        .collect();
    found.sort_by(|a, b| (&a.suite, &a.id).cmp(&(&b.suite, &b.id)));
    Ok(found)
}

/// Whether there is a base of this id.
#[must_use]
pub fn exists(roots: &Roots, id: &BaseId) -> bool {
    record_of(&bases_directory(roots).join(id.as_str())).is_some()
}

fn record_of(place: &Path) -> Option<Record> {
    use std::io::Read;
    let mut text = Vec::new();
    File::open(place.join("base.json")).ok()?.take(RECORD_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Makes a base anew, though it is not old yet. Builds that copy the old one go on with it.
///
/// # Errors
/// When there is none, it is cancelled, or cannot be made: then the old one stays.
pub fn refresh(instance: &Instance, work: &mut Work<'_>, id: &BaseId) -> Result<(), Stopped> {
    let directory = bases_directory(&instance.settings.roots);
    let old = directory.join(id.as_str());
    let gone = || Failure::NoSuchBase { id: id.clone() };
    let record = record_of(&old).ok_or_else(gone)?;
    // What this release makes of the same may have another name than what an older one made.
    let place = directory.join(base::key(&record.method, record.init));
    let lock = lock_alone(work, &place)?;
    let wanted =
        Wanted { method: &record.method, init: record.init, first_host_id: OWN_FIRST_HOST_ID };
    if let Err(stopped) = base::make(instance, work, wanted, &place) {
        discard_lock(&place, &lock_path(&place));
        return Err(stopped);
    }
    drop(lock);
    if place != old {
        return take_away(instance, work, &old);
    }
    Ok(())
}

/// Removes a base; the next build that wants it makes it.
///
/// # Errors
/// When there is none, it is cancelled while a build copies it, or cannot be removed.
pub fn remove(instance: &Instance, work: &mut Work<'_>, id: &BaseId) -> Result<(), Stopped> {
    let place = bases_directory(&instance.settings.roots).join(id.as_str());
    if record_of(&place).is_none() {
        return Err(Failure::NoSuchBase { id: id.clone() }.into());
    }
    take_away(instance, work, &place)
}

fn take_away(instance: &Instance, work: &mut Work<'_>, place: &Path) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let _lock = lock_alone(work, place)?;
    work.progress(Stage::RemovingFiles, 300);
    let aside = place.with_file_name(format!(".trash-{}", work.id()));
    crash_point("base:locked");
    work.commit(vec![
        Finish::Move { from: place.to_owned(), to: aside.clone() },
        Finish::RemoveFile(lock_path(place)),
        Finish::RemoveTree(aside),
    ])?;
    crash_point("base:committed");
    Ok(recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?)
}

/// Waits until nobody copies or makes a base, or the operation is cancelled.
fn lock_alone(work: &mut Work<'_>, place: &Path) -> Result<File, Stopped> {
    let path = lock_path(place);
    let mut told = false;
    let mut lock = open_lock(&path).map_err(|source| base::at(&path, source))?;
    loop {
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if is_current(&lock, &path) => return Ok(lock),
            Ok(()) => lock = open_lock(&path).map_err(|source| base::at(&path, source))?,
            Err(rustix::io::Errno::WOULDBLOCK) => {
                if !told {
                    told = true;
                    work.note(&Note::WaitingForBuild);
                }
                work.go_on()?;
                // The builds end the wait, or the person does.
                let _ = poll(&mut [], Some(&timespec(LOOK_EVERY)));
            }
            Err(errno) => return Err(base::at(&path, errno.into()).into()),
        }
    }
}

fn lock_path(place: &Path) -> std::path::PathBuf {
    place.with_extension("lock")
}

/// Opens the lock of a base, made if it is missing.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Whether a lock that was taken is still the one of that name.
pub(super) fn is_current(lock: &File, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|now| {
        lock.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (now.dev(), now.ino()))
    })
}

/// Notes when a base was used. Only a courtesy: it is as good without.
pub(super) fn note_use(lock: &File, now: UnixMillis) {
    let time = Timespec { tv_sec: now.0.div_euclid(1000), tv_nsec: 0 };
    let _ = futimens(lock, &Timestamps { last_access: time, last_modification: time });
}

/// Removes the lock of a base that is not there. The caller has it locked alone.
pub(super) fn discard_lock(place: &Path, lock_path: &Path) {
    if fs::symlink_metadata(place).is_err() {
        let _ = fs::remove_file(lock_path);
    }
}

/// Removes locks of bases that are not there, which a crash left behind.
pub(crate) fn discard_unused_locks(roots: &Roots) {
    let entries = fs::read_dir(bases_directory(roots)).into_iter().flatten().flatten();
    for entry in entries {
        let path = entry.path();
        let place = path.with_extension("");
        if path.extension().is_none_or(|end| end != "lock") || fs::symlink_metadata(&place).is_ok()
        {
            continue;
        }
        if let Ok(lock) = OpenOptions::new().read(true).write(true).open(&path)
            && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
            && is_current(&lock, &path)
        {
            discard_lock(&place, &path);
        }
    }
}
