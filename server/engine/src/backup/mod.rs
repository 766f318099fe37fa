//! Backups: taking one, reading it back, removing it; making a VServer of one, or putting one file back.
//!
//! An archive is a tar in zstd with one manifest at its end ([`manifest`], [`container`]). It is written
//! in one pass, read back and compared before it gets its name; taken apart only by a process that can
//! do nothing else ([`reader`]); believed only where its manifest and its bytes agree ([`contents`]).
//!
//! Invariants:
//! - What has a backup's name was whole. What a crash leaves has no such name, and goes.
//! - A VServer that is made to stand still is let run again: by whoever froze it, or by the journal.
//! - Nothing that a restore makes is in its place before all of it is there and was compared.

mod container;
mod contents;
mod depot;
mod due;
mod host_only;
mod import;
mod inside;
mod listings;
mod manifest;
mod pack;
mod prepare;
pub mod prune;
pub mod reader;
mod restore;
mod saved;
pub mod schedule;
pub mod ssh;
mod stored;
mod tree;
mod unpack;
mod view;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::backup::{BackupId, BackupOrder, BackupRef, Consistency};
use domain::change::PlainChange;
use domain::failure::{Failure, chain};
use domain::id::{OperationId, TargetName, VServerName};
use domain::note::Note;
use domain::operation::{Operation, Stage};
use rustix::fs::{Mode, OFlags, open};

pub(crate) use due::spawn as spawn_schedule;
pub use due::step as take_what_is_due;
pub use import::import;
pub use listings::LONG_PATIENCE;
pub(crate) use listings::{Listings, PATIENCE};
pub(crate) use prepare::{judge_again, judge_import, judge_plain, judge_restore};
pub use restore::{propose, restore, restore_file};
pub use view::{browse, detail, list, overview};

use self::depot::{Depot, Which};
use self::manifest::{Checked, FORMAT, Manifest};
use self::pack::{PackError, Packer};
use self::saved::Saved;
use self::schedule::Attempt;
use self::stored::{Stored, unreachable_target};
use self::tree::TreeError;
use crate::base_links;
use crate::config;
use crate::engine::Instance;
use crate::freezer::{self, FreezeError};
use crate::lifecycle::LifecycleError;
use crate::operation::{Step, Stopped, Store, Task, Work, crash_point};
use crate::packages;
use crate::program;
use crate::recovery;
use crate::roots::{Roots, Settings};
use crate::state::GuestState;
use crate::tree::disk_bytes;
use crate::unification;

/// How long processes may take to stand still.
const FREEZE_PATIENCE: Duration = Duration::from_secs(10);
/// How long is counted what there is to read, for the progress alone.
const COUNT_PATIENCE: Duration = Duration::from_secs(5);
/// How many files that changed are named in the log.
const NAMED: usize = 20;

/// Why a backup was not taken.
#[derive(Debug, thiserror::Error)]
enum BackupError {
    /// The VServer has no files where its config tree says.
    #[error("{name} has no directory of files")]
    NoFiles {
        /// Which.
        name: VServerName,
    },
    /// A directory could not be opened.
    #[error("opening {path}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The config tree could not be read.
    #[error("reading the config tree")]
    Config(#[from] TreeError),
    /// The files could not be packed.
    #[error("packing the files")]
    Pack(#[from] PackError),
    /// It could not be made to stand still, or to run again.
    #[error("making the VServer stand still")]
    Freeze(#[from] FreezeError),
    /// Whether it runs could not be seen.
    #[error("looking whether it runs")]
    State(#[from] LifecycleError),
    /// The snapshot could not be made.
    #[error("making a snapshot of the files: {detail}")]
    Snapshot {
        /// What cp said.
        detail: String,
    },
    /// What was read back is not what was written.
    #[error("the manifest that was read back is another one")]
    OtherManifest,
    /// The host's clock is no time of ours.
    #[error("the host's clock says a time outside the years 1970 to 9999")]
    Clock,
}

impl BackupError {
    /// As what is told; `target` is where it was to go.
    fn into_failure(self, target: &TargetName) -> Failure {
        match self {
            Self::Pack(PackError::Cancelled) => Failure::Cancelled,
            Self::Pack(PackError::TooMany) => Failure::TooManyFiles { bytes: manifest::MAX_BYTES },
            Self::Pack(PackError::Write(error)) => unreachable_target(target, &error),
            error => Failure::Unexpected { detail: chain(&error) },
        }
    }
}

/// The place of a target.
///
/// # Errors
/// When the settings name none of this name.
fn depot(settings: &Settings, target: &TargetName) -> Result<Depot, Failure> {
    match settings.backup.targets.get(target) {
        Some(place) => Ok(Depot::of(place)),
        None => Err(Failure::NoSuchTarget { target: target.clone() }),
    }
}

/// Takes a backup, and keeps in mind how that went.
///
/// # Errors
/// When it is cancelled or something fails; what was written of it is gone then.
pub fn take(
    instance: &Instance,
    store: &Store,
    work: &mut Work<'_>,
    order: &BackupOrder,
) -> Result<(), Stopped> {
    let result = take_unrecorded(instance, store, work, order, None);
    let failure = match &result {
        Ok(()) => None,
        Err(Stopped::Failed(failure)) => Some(failure.clone()),
        Err(Stopped::Cancelled) => return result,
    };
    let attempt = Attempt { at: work.clock().now(), failure };
    if let Err(error) = schedule::note_attempt(&instance.settings.roots, order, attempt) {
        tracing::warn!(name = %order.vserver, error = chain(&error), "not noted");
    }
    result
}

/// The name of the backup that an operation takes.
fn id_of(operation: &Operation) -> Option<BackupId> {
    BackupId::taken_at(operation.started_at?)
}

fn take_unrecorded(
    instance: &Instance,
    store: &Store,
    work: &mut Work<'_>,
    order: &BackupOrder,
    saved: Option<&Saved>,
) -> Result<(), Stopped> {
    let target = &order.target;
    let depot = depot(&instance.settings, target)?;
    let failed = |error: BackupError| error.into_failure(target);
    let id = id_of(work.operation()).ok_or_else(|| failed(BackupError::Clock))?;
    let going: Vec<OperationId> = store.live_ids()?;
    let others: Vec<OperationId> = going.into_iter().filter(|one| one != work.id()).collect();
    depot.sweep(&order.vserver, &others).map_err(|error| unreachable_target(target, &error))?;
    crash_point("backup:begun");
    let partial = Partial { depot: &depot, vserver: &order.vserver, by: work.id().clone() };
    let manifest = write(instance, work, order, &depot, id, saved)?;
    work.progress(Stage::Verifying, 600);
    verify_partial(instance, work, order, &depot, &manifest, id)?;
    crash_point("backup:verified");
    work.go_on()?;
    depot
        .keep(&order.vserver, work.id(), id)
        .map_err(|error| unreachable_target(target, &error))?;
    std::mem::forget(partial);
    crash_point("backup:kept");
    let backup = BackupRef { target: target.clone(), vserver: order.vserver.clone(), id };
    work.note(&Note::BackupKept { backup: backup.to_string() });
    work.progress(Stage::Finishing, 990);
    // Nothing is left to be undone but what stood still and runs again, and a snapshot.
    recovery::undo(&instance.settings.roots, work.journal())
        .map_err(recovery::RecoveryError::into_failure)?;
    Ok(())
}

/// What is written of an archive, for as long as it has no name.
struct Partial<'a> {
    depot: &'a Depot,
    vserver: &'a VServerName,
    by: OperationId,
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.depot.remove(self.vserver, Which::Partial(&self.by)) {
            tracing::warn!(name = %self.vserver, %error, "a partial backup stays for the next one");
        }
    }
}

/// Writes the archive; gives its manifest.
fn write(
    instance: &Instance,
    work: &mut Work<'_>,
    order: &BackupOrder,
    depot: &Depot,
    id: BackupId,
    saved: Option<&Saved>,
) -> Result<Manifest, Stopped> {
    let roots = &instance.settings.roots;
    let (name, target) = (&order.vserver, &order.target);
    let failed = |error: BackupError| error.into_failure(target);
    let running = match saved {
        None => GuestState::running(roots, name).map_err(LifecycleError::from)?,
        Some(_) => None,
    };
    let place = match saved {
        Some(saved) => saved.clone(),
        None => {
            let files = config::root_directory_of(roots, name)
                .ok_or_else(|| failed(BackupError::NoFiles { name: name.clone() }))?;
            Saved::of_here(roots.config_of(name), files, base_links::packages_of(roots, name))
        }
    };
    let mut config = tree::read(&place.config).map_err(|error| failed(error.into()))?;
    if saved.is_some() {
        let (taken, told) = import::taken(config, name, place.is_strangers);
        config = taken;
        for note in &told {
            work.note(note);
        }
    }
    let (root, consistency) = match &running {
        None => (place.files.clone(), Consistency::Stopped),
        Some(state) => stand_still(roots, work, order, state, &place.files)?,
    };
    let expected = disk_bytes(&root, COUNT_PATIENCE).unwrap_or(0).max(1);
    let from = place.read_from;
    work.progress(Stage::ReadingFiles, from);
    // While it runs layers are shown with its ids; they are read with those on disk.
    let layers = match &running {
        Some(_) => unification::look_at(&root).map_err(Failure::from)?,
        None => None,
    };
    let files = match &layers {
        Some(layers) => opened(&unification::path_of(layers)),
        None => opened(&root),
    };
    let files = files.map_err(failed)?;
    let pkg = match place.pkg.as_deref().map(opened) {
        Some(Ok(directory)) => Some(directory),
        Some(Err(BackupError::Open { source, .. })) if source.kind() == io::ErrorKind::NotFound => {
            None
        }
        Some(Err(error)) => return Err(failed(error).into()),
        None => None,
    };
    let packages = packages::installed(instance, work, &root, &files)?;
    let writing =
        depot.begin(name, work.id()).map_err(|error| unreachable_target(target, &error))?;
    let mut read = 0_u64;
    let mut going = |bytes: u64| {
        read += bytes;
        let span = u64::from(600_u16.saturating_sub(from));
        let permille = u64::from(from) + read.min(expected) * span / expected;
        work.progress(Stage::ReadingFiles, u16::try_from(permille).unwrap_or(600));
        !work.is_cancelled()
    };
    let mut packer = Packer::new(writing, manifest::MAX_BYTES, &mut going)
        .map_err(|error| failed(BackupError::Pack(error)))?;
    packer.tree(&files, "files").map_err(|error| failed(error.into()))?;
    if let Some(pkg) = &pkg {
        packer.tree(pkg, "pkg").map_err(|error| failed(error.into()))?;
    }
    let head = Manifest {
        format: FORMAT,
        tool: format!("ulysse {}", env!("CARGO_PKG_VERSION")),
        taken_at: id.at(),
        vserver: name.clone(),
        consistency,
        config,
        packages,
        entries: Vec::new(),
        changed: Vec::new(),
        omitted: Vec::new(),
    };
    let (writing, manifest, bytes) = packer.finish(head).map_err(|error| failed(error.into()))?;
    crash_point("backup:packed");
    if let Some(state) = running.filter(|_| consistency == Consistency::Paused) {
        freezer::thaw(&state.cgroups).map_err(|error| failed(error.into()))?;
        crash_point("backup:thawed");
    }
    writing.close().map_err(|error| unreachable_target(target, &error))?;
    tell(work, &manifest, bytes);
    Ok(manifest)
}

/// Says in the log what is in it, and what is not.
fn tell(work: &mut Work<'_>, manifest: &Manifest, bytes: u64) {
    let stored: u64 = manifest.entries.iter().map(manifest::Entry::stored_bytes).sum();
    let entries = manifest.entries.len() as u64;
    work.note(&Note::BackupHolds { entries, file_bytes: stored, bytes });
    for path in manifest.changed.iter().take(NAMED) {
        work.note(&Note::ChangedWhileRead { path: path.lossy() });
    }
    if let Some(more) = manifest.changed.len().checked_sub(NAMED).filter(|more| *more > 0) {
        work.note(&Note::MoreChangedWhileRead { count: more as u64 });
    }
    for omitted in manifest.omitted.iter().take(NAMED) {
        work.note(&Note::LeftOut { path: omitted.path.lossy(), reason: omitted.reason });
    }
}

/// Makes a VServer that runs stand still, or its files at least: where they are to be read then.
fn stand_still(
    roots: &Roots,
    work: &mut Work<'_>,
    order: &BackupOrder,
    state: &GuestState,
    root: &Path,
) -> Result<(PathBuf, Consistency), Stopped> {
    let failed = |error: BackupError| error.into_failure(&order.target);
    let frozen = |work: &mut Work<'_>| -> Result<(), Stopped> {
        work.intend(Step::Freeze(state.cgroups.clone()))?;
        freezer::freeze(&state.cgroups, FREEZE_PATIENCE).map_err(|error| failed(error.into()))?;
        crash_point("backup:frozen");
        Ok(())
    };
    let base = base_links::shown_guest_base(roots);
    // Layers are shown with other ids while it runs: a copy of them would be another's.
    let is_plain = unification::reference_of(root).map_err(Failure::from)?.is_none();
    if is_plain && root.starts_with(&base) && can_share(root, &base) {
        work.progress(Stage::TakingSnapshot, 20);
        let snapshot = base.join(format!(".staging-{}", work.id()));
        work.intend(Step::MakeTree(snapshot.clone()))?;
        frozen(work)?;
        let copied = clone_tree(root, &snapshot);
        freezer::thaw(&state.cgroups).map_err(|error| failed(error.into()))?;
        crash_point("backup:thawed");
        copied.map_err(failed)?;
        return Ok((snapshot, Consistency::Snapshot));
    }
    if order.pause {
        frozen(work)?;
        return Ok((root.to_owned(), Consistency::Paused));
    }
    work.note(&Note::BackupOfRunning);
    Ok((root.to_owned(), Consistency::Running))
}

/// Whether a copy in the base shares its blocks with a root there, which may be a volume of its own.
fn can_share(root: &Path, base: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    device(root).is_some() && device(root) == device(base) && crate::tree::shares_blocks(base)
}

/// Copies a tree that stands still, without copying a block.
fn clone_tree(from: &Path, to: &Path) -> Result<(), BackupError> {
    let output = program::command(program::CP)
        .args(["-a", "--reflink=always", "--one-file-system", "-T", "--"])
        .args([from, to])
        .output()
        .map_err(|error| BackupError::Snapshot { detail: error.to_string() })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(BackupError::Snapshot {
        detail: said.lines().next_back().unwrap_or("cp failed").to_owned(),
    })
}

/// Reads back what was written and compares it with what was meant.
fn verify_partial(
    instance: &Instance,
    work: &mut Work<'_>,
    order: &BackupOrder,
    depot: &Depot,
    written: &Manifest,
    id: BackupId,
) -> Result<(), Stopped> {
    let by = work.id().clone();
    let which = Which::Partial(&by);
    let stored = Stored { instance, depot, vserver: &order.vserver, which };
    let backup = BackupRef { target: order.target.clone(), vserver: order.vserver.clone(), id };
    let (manifest, _) = stored.manifest().map_err(|error| error.into_failure(&backup))?;
    if *manifest != *written {
        return Err(BackupError::OtherManifest.into_failure(&order.target).into());
    }
    compare(&stored, &manifest, work, &backup, 600)
}

fn compare(
    stored: &Stored<'_>,
    manifest: &Checked,
    work: &mut Work<'_>,
    backup: &BackupRef,
    from: u16,
) -> Result<(), Stopped> {
    let all = manifest.stored_bytes().max(1);
    let mut read = 0_u64;
    let mut going = |bytes: u64| {
        read += bytes;
        let done = read.min(all) * u64::from(980 - from) / all;
        work.progress(Stage::Verifying, from + u16::try_from(done).unwrap_or(0));
        !work.is_cancelled()
    };
    stored.compare(manifest, &mut going).map_err(|error| error.into_failure(backup))?;
    Ok(())
}

/// Reads a backup that is there and compares it with its manifest.
///
/// # Errors
/// When it is not what was written, or cannot be read.
pub fn verify(instance: &Instance, work: &mut Work<'_>, backup: &BackupRef) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let depot = depot(&instance.settings, &backup.target)?;
    let which = Which::Whole(backup.id);
    let stored = Stored { instance, depot: &depot, vserver: &backup.vserver, which };
    work.progress(Stage::Verifying, 10);
    let result = stored
        .manifest()
        .map_err(|error| Stopped::from(error.into_failure(backup)))
        .and_then(|(manifest, _)| compare(&stored, &manifest, work, backup, 10));
    let is_damaged = match &result {
        Ok(()) => Some(false),
        Err(Stopped::Failed(Failure::BackupDamaged { .. })) => Some(true),
        Err(_) => None,
    };
    if let Some(is_damaged) = is_damaged {
        let noted = schedule::note_verified(roots, backup, work.clock().now(), is_damaged);
        noted.map_err(|error| Failure::Unexpected { detail: chain(&error) })?;
    }
    result
}

/// Removes backups.
///
/// # Errors
/// When one of them cannot be removed; those before it are gone then.
pub fn remove(
    instance: &Instance,
    work: &mut Work<'_>,
    target: &TargetName,
    vserver: &VServerName,
    ids: &[BackupId],
) -> Result<(), Stopped> {
    let depot = depot(&instance.settings, target)?;
    for (index, id) in ids.iter().enumerate() {
        work.go_on()?;
        let done = index * 1000 / ids.len().max(1);
        work.progress(Stage::RemovingBackups, u16::try_from(done).unwrap_or(0));
        depot
            .remove(vserver, Which::Whole(*id))
            .map_err(|error| unreachable_target(target, &error))?;
        let backup = BackupRef { target: target.clone(), vserver: vserver.clone(), id: *id };
        let now = work.clock().now();
        schedule::note_verified(&instance.settings.roots, &backup, now, false)
            .map_err(|error| Failure::Unexpected { detail: chain(&error) })?;
        work.note(&Note::BackupRemoved { backup: backup.to_string() });
        crash_point("backups:one-removed");
    }
    Ok(())
}

/// What became of a backup whose process is gone: whether it was kept. What was written of it otherwise
/// is removed.
pub(crate) fn recovered(instance: &Instance, store: &Store, operation: &Operation) -> bool {
    let roots = &instance.settings.roots;
    let (order, is_import) = match store.task(&operation.id) {
        Ok(Task::Plain(PlainChange::Backup(order))) => (order, false),
        Ok(Task::Import { order, .. }) => (order, true),
        _ => return false,
    };
    let Ok(depot) = depot(&instance.settings, &order.target) else { return false };
    let kept = id_of(operation).is_some_and(|id| {
        let list = depot.list(Some(&order.vserver)).unwrap_or_default();
        list.iter().any(|kept| kept.id == id)
    });
    if let Err(error) = depot.remove(&order.vserver, Which::Partial(&operation.id)) {
        tracing::warn!(name = %order.vserver, %error, "a partial backup stays for the next one");
    }
    let at = operation.started_at.unwrap_or(operation.created_at);
    // What was saved elsewhere says nothing of the backups that are due here.
    if is_import {
        return kept;
    }
    let attempt = Attempt { at, failure: (!kept).then_some(Failure::Interrupted) };
    if let Err(error) = schedule::note_attempt(roots, &order, attempt) {
        tracing::warn!(name = %order.vserver, error = chain(&error), "not noted");
    }
    kept
}

fn opened(path: &Path) -> Result<OwnedFd, BackupError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    open(path, flags, Mode::empty())
        .map_err(|errno| BackupError::Open { path: path.to_owned(), source: errno.into() })
}
