//! Putting right what a crash left: unfinished operations are undone in reverse order of their steps,
//! or, past their commit, finished. Doing it twice is the same as once, and it may itself crash.
//!
//! Run when the engine starts, before every change of the VServer concerned, and by `ulysse doctor`.

use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use domain::failure::Failure;
use domain::id::{OperationId, VServerName};
use domain::note::Note;
use domain::operation::{Kind, Operation, Progress, Stage, Target};

use crate::backup;
use crate::base_links::{cache_bases, guest_bases};
use crate::batch;
use crate::clock::Clock;
use crate::config::{ConfigDirectory, ConfigError, EditStep, history_base};
use crate::disk_full::is_disk_full;
use crate::engine::Instance;
use crate::freezer::{self, FreezeError};
use crate::identity;
use crate::lifecycle::{self, LifecycleError};
use crate::lock::VServerLock;
use crate::operation::{
    CancelToken, Finish, Journal, Observer, OperationError, Record, Step, Stopped, Store, Work,
    crash_point,
};
use crate::packages::answers_base;
use crate::remount;
use crate::rewrite::FilePlace;
use crate::roots::Roots;
use crate::state::GuestState;
use crate::tree;
use crate::unification::{self, UnificationError};
use crate::volume::{self, VolumeError};

/// Why something was not put right.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// A file or directory could not be removed or moved.
    #[error("putting {path} right")]
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A journal names something that is not below one of our bases.
    #[error("a journal names {path}, which is not ours")]
    NotOurs {
        /// What.
        path: PathBuf,
    },
    /// A config tree could not be opened.
    #[error("opening a config tree")]
    Config(#[from] ConfigError),
    /// Something that runs could not be ended.
    #[error("ending what runs")]
    Lifecycle(#[from] LifecycleError),
    /// Something that stands still could not be let run.
    #[error("letting a VServer run again")]
    Freeze(#[from] FreezeError),
    /// The operation.
    #[error("reading an unfinished operation")]
    Operation(#[from] OperationError),
    /// A volume could not be mounted, unmounted or renamed.
    #[error("changing a volume")]
    Volume(#[from] VolumeError),
    /// Layers could not be shown, hidden or made.
    #[error("unifying files")]
    Unification(#[from] UnificationError),
}

impl RecoveryError {
    /// As what is told.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Path { path, source } if is_disk_full(&source) => {
                Failure::DiskFull { path: path.display().to_string() }
            }
            Self::Config(error) => error.into(),
            Self::Lifecycle(error) => error.into(),
            Self::Operation(error) => error.into(),
            Self::Volume(error) => error.into(),
            Self::Unification(error) => error.into(),
            other => Failure::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// Undoes the steps of a journal, the last one first.
///
/// # Errors
/// When one cannot be undone; those before it are then still to be undone.
pub fn undo(roots: &Roots, journal: &Journal) -> Result<(), RecoveryError> {
    for record in journal.records().iter().rev() {
        match record {
            Record::Step(step) => undo_step(roots, step)?,
            Record::Commit(_) => {}
        }
    }
    Ok(())
}

fn undo_step(roots: &Roots, step: &Step) -> Result<(), RecoveryError> {
    match step {
        Step::MakeTree(path) => removed(roots, path),
        Step::Fill { root, by } => emptied(roots, root, by),
        Step::Move { from, to } => {
            let was_moved = !is_there(from) && is_there(to);
            if was_moved { moved(roots, to, from) } else { Ok(()) }
        }
        Step::Edit(step) => restored(roots, step),
        Step::Freeze(cgroups) => Ok(freezer::thaw(cgroups)?),
        Step::Run(name) => ended(roots, name, None),
        Step::End { name, init } => ended(roots, name, Some(*init)),
        Step::Rewrite { file, before, after } => our_file(roots, file)?
            .change_back(before.as_deref(), after.as_deref())
            .map_err(at(&file.shown())),
        Step::Relink { file, before, after } => {
            our_file(roots, file)?.link_back(before, after).map_err(at(&file.shown()))
        }
        Step::Unmount(volume) => {
            ours(roots, &volume.target)?;
            Ok(volume::mount(volume, &roots.host_fstab)?)
        }
        Step::Mount(volume) => Ok(volume::unmount(ours(roots, &volume.target)?)?),
        Step::RenameVolume { group, from, to } => Ok(volume::rename_back(group, from, to)?),
        Step::Unify { root, reference } => {
            Ok(unification::unfreeze(ours(roots, root)?, reference)?)
        }
        Step::RunAside(name) => Ok(lifecycle::end_aside(roots, name)?),
        Step::Remount(step) => remount::undo(step).map_err(at(Path::new(&step.target))),
    }
}

/// Takes a step that was written down. Those of processes are taken where processes are made.
///
/// # Errors
/// When it cannot be taken; what was done of it is to be undone.
pub(crate) fn take_step(roots: &Roots, step: &Step) -> Result<(), RecoveryError> {
    match step {
        Step::MakeTree(path) => DirBuilder::new()
            .mode(0o755)
            .create(ours(roots, path)?)
            .and_then(|()| std::fs::set_permissions(path, Permissions::from_mode(0o755)))
            .map_err(at(path)),
        Step::Move { from, to } => moved(roots, from, to),
        Step::Rewrite { file, after, .. } => {
            our_file(roots, file)?.write(after.as_deref()).map_err(at(&file.shown()))
        }
        Step::Relink { file, after, .. } => {
            our_file(roots, file)?.relink(after).map_err(at(&file.shown()))
        }
        Step::Unmount(volume) => Ok(volume::unmount(ours(roots, &volume.target)?)?),
        Step::Mount(volume) => {
            ours(roots, &volume.target)?;
            Ok(volume::mount(volume, &roots.host_fstab)?)
        }
        Step::RenameVolume { group, from, to } => Ok(volume::rename(group, from, to)?),
        Step::Unify { root, reference } => Ok(unification::freeze(ours(roots, root)?, reference)?),
        Step::Fill { root, by } => Ok(volume::mark(ours(roots, root)?, by)?),
        Step::Run(_)
        | Step::End { .. }
        | Step::Edit(_)
        | Step::Freeze(_)
        | Step::RunAside(_)
        | Step::Remount(_) => Ok(()),
    }
}

/// Begins to fill an empty directory.
///
/// # Errors
/// When it cannot be said on it; nothing may be put into it then.
pub(crate) fn fill(roots: &Roots, work: &mut Work<'_>, root: &Path) -> Result<(), Stopped> {
    let step = Step::Fill { root: root.to_owned(), by: work.id().clone() };
    work.intend(step.clone())?;
    Ok(take_step(roots, &step).map_err(RecoveryError::into_failure)?)
}

/// A file of a directory of ours, which may be the root of a VServer that does not run; or the host's
/// fstab.
fn our_file<'a>(roots: &Roots, file: &'a FilePlace) -> Result<&'a FilePlace, RecoveryError> {
    if file.shown() != roots.host_fstab {
        unification::show(ours(roots, &file.base)?)?;
    }
    Ok(file)
}

/// Does what is left to be done after the commit.
///
/// # Errors
/// When something of it cannot be done.
pub fn finish(roots: &Roots, journal: &Journal) -> Result<(), RecoveryError> {
    for record in journal.records() {
        let Record::Commit(list) = record else { continue };
        for (number, one) in list.iter().enumerate() {
            match one {
                // A source that is gone was moved, and what it became may be gone again by now.
                Finish::Move { from, to } if is_there(from) => moved(roots, from, to)?,
                Finish::Move { .. } => {}
                Finish::RemoveTree(path) => removed(roots, path)?,
                Finish::Empty { path, by } => emptied(roots, path, by)?,
                Finish::RemoveEmpty(path) => match std::fs::remove_dir(ours(roots, path)?) {
                    Ok(()) => {}
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                        ) => {}
                    Err(error) => return Err(at(path)(error)),
                },
                Finish::RemoveFile(path) => match std::fs::remove_file(ours(roots, path)?) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(at(path)(error));
                    }
                    _ => {}
                },
            }
            crash_point(&format!("finish:{number}"));
        }
    }
    Ok(())
}

/// Ends what runs of a VServer by its record; with `init`, only if it is still that one.
fn ended(
    roots: &Roots,
    name: &VServerName,
    init: Option<Option<crate::state::ProcessIdentity>>,
) -> Result<(), RecoveryError> {
    let Some(state) = GuestState::read(roots, name).map_err(LifecycleError::from)? else {
        return Ok(());
    };
    if init.is_none_or(|init| init == state.init) {
        lifecycle::clean_up(roots, &state)?;
    }
    Ok(())
}

/// Puts a file of a config tree back.
fn restored(roots: &Roots, step: &EditStep) -> Result<(), RecoveryError> {
    let directory = ours(roots, &step.directory)?;
    // A tree that is gone has nothing to be put back into.
    match ConfigDirectory::open(directory)? {
        Some(directory) => directory.restore(step).map_err(at(&step.directory)),
        None => Ok(()),
    }
}

fn removed(roots: &Roots, path: &Path) -> Result<(), RecoveryError> {
    unification::hide(ours(roots, path)?)?;
    tree::remove(path).map_err(at(path))
}

/// Empties a directory of whose files an operation said that they are its own, unless another volume is
/// mounted there by now.
fn emptied(roots: &Roots, path: &Path, by: &OperationId) -> Result<(), RecoveryError> {
    unification::hide(ours(roots, path)?)?;
    if volume::is_marked_by(path, by)? {
        unification::forget(path)?;
        tree::empty(path).map_err(at(path))?;
        volume::unmark(path)?;
    }
    Ok(())
}

fn moved(roots: &Roots, from: &Path, to: &Path) -> Result<(), RecoveryError> {
    unification::hide(ours(roots, from)?)?;
    tree::put(from, ours(roots, to)?).map_err(at(from))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RecoveryError {
    let path = path.to_owned();
    move |source| RecoveryError::Path { path, source }
}

fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// The last guard: a path strictly below one of our bases.
fn ours<'a>(roots: &Roots, path: &'a Path) -> Result<&'a Path, RecoveryError> {
    let mut bases = guest_bases(roots);
    bases.extend(cache_bases(roots));
    bases.extend([history_base(roots), answers_base(roots)]);
    bases.extend(
        [
            &roots.guest_base,
            &roots.config_base,
            &roots.cache_base,
            &roots.log_base,
            &roots.run_base,
            &roots.templates(),
        ]
        .map(Clone::clone),
    );
    let is_plain = path.components().all(|part| !matches!(part, Component::ParentDir));
    let is_below = bases
        .iter()
        .any(|base| path.strip_prefix(base).is_ok_and(|rest| rest.components().count() > 0));
    if is_plain && is_below {
        Ok(path)
    } else {
        Err(RecoveryError::NotOurs { path: path.to_owned() })
    }
}

/// Removes a tree below one of our bases.
///
/// # Errors
/// When it is not below one, or cannot be removed.
pub(crate) fn remove_ours(roots: &Roots, path: &Path) -> Result<(), RecoveryError> {
    removed(roots, path)
}

/// What recovering needs.
pub struct Recovery<'a> {
    /// The instance.
    pub instance: &'a Instance,
    /// Its operations.
    pub store: &'a Store,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Who is told.
    pub observer: &'a dyn Observer,
}

impl Recovery<'_> {
    /// Recovers every unfinished operation whose process is gone. What cannot be recovered now is
    /// reported and left for the next time.
    pub fn all(&self) -> Vec<Operation> {
        self.those(|_| true, None)
    }

    /// Recovers those about one VServer or something else, whose lock the caller holds.
    pub fn of(&self, name: impl Into<Target>) -> Vec<Operation> {
        let target = name.into();
        self.those(|operation| operation.is_about(&target), Some(&target))
    }

    fn those(&self, wanted: impl Fn(&Operation) -> bool, held: Option<&Target>) -> Vec<Operation> {
        let ids = self.store.live_ids().unwrap_or_else(|error| {
            tracing::error!(
                error = domain::failure::chain(&error),
                "unfinished operations are unreadable"
            );
            Vec::new()
        });
        let mut recovered = Vec::new();
        for id in ids {
            match self.one(&id, &wanted, held) {
                Ok(Some(operation)) => recovered.push(operation),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%id, error = domain::failure::chain(&error), "not recovered");
                }
            }
        }
        recovered
    }

    fn one(
        &self,
        id: &OperationId,
        wanted: &dyn Fn(&Operation) -> bool,
        held: Option<&Target>,
    ) -> Result<Option<Operation>, RecoveryError> {
        let operation = match self.store.read(id) {
            Ok(operation) => operation,
            Err(OperationError::NoSuchOperation { .. } | OperationError::Understand { .. }) => {
                return self.nameless(id).map(|()| None);
            }
            Err(error) => return Err(error.into()),
        };
        if !wanted(&operation) {
            return Ok(None);
        }
        let is_batch = matches!(operation.target, Target::Batch(_));
        if is_batch && !(self.store.is_abandoned(id) && self.those_of_batch(id)?) {
            return Ok(None);
        }
        let new = operation.renamed_to.clone().map(Target::VServer);
        let targets = std::iter::once(operation.target.clone()).chain(new);
        let mut locks = Vec::new();
        // A batch has no lock but its journal's: its operations have theirs.
        for name in targets.filter(|target| held != Some(target) && !is_batch) {
            let roots = &self.instance.settings.roots;
            match VServerLock::take(roots, name, Some(id), Duration::ZERO) {
                Ok(lock) => locks.push(lock),
                // Whoever has it recovers it.
                Err(_) => return Ok(None),
            }
        }
        let Some(journal) =
            Journal::take_over(&self.store.journal_of(id)).map_err(OperationError::from)?
        else {
            return Ok(None);
        };
        tracing::info!(%id, target = %operation.target, "recovering an operation");
        let mut work = Work::new(
            self.store,
            self.clock,
            self.observer,
            CancelToken::default(),
            operation,
            journal,
        );
        work.note(&Note::PutRight);
        if is_batch {
            return Ok(Some(batch::put_right(self.store, work)?));
        }
        match self.put_right(&mut work) {
            Ok(true) => Ok(Some(work.end(Progress::Succeeded))),
            Ok(false) => {
                let operation = work.operation();
                let failure = match (operation.kind, operation.target.vserver().cloned()) {
                    // What the VServer's own tools did is not undone, and may be half done.
                    (Kind::Packages, Some(name)) => Failure::PackagesInterrupted { name },
                    _ => Failure::Interrupted,
                };
                Ok(Some(work.end(Progress::Failed { failure })))
            }
            Err(error) => {
                let detail = domain::failure::chain(&error);
                let failure = error.into_failure();
                work.note(&Note::Failed { failure: Box::new(failure.clone()) });
                work.abandon(failure);
                tracing::error!(%id, detail, "an operation could not be put right");
                Ok(None)
            }
        }
    }

    /// Recovers the unfinished operations of a batch; whether all have ended.
    fn those_of_batch(&self, batch: &OperationId) -> Result<bool, RecoveryError> {
        let mut have_ended = true;
        for live in self.store.live()? {
            if live.operation.batch.as_ref() == Some(batch) {
                self.one(&live.operation.id, &|_| true, None)?;
                have_ended &= self.store.read(&live.operation.id)?.progress.is_final();
            }
        }
        Ok(have_ended)
    }

    /// Recovers an operation of which nothing is left but its journal. About whom it was nobody can say, so
    /// it is done before any change of any VServer.
    fn nameless(&self, id: &OperationId) -> Result<(), RecoveryError> {
        let path = self.store.journal_of(id);
        let Some(journal) = Journal::take_over(&path).map_err(OperationError::from)? else {
            return Ok(());
        };
        tracing::warn!(%id, "recovering an operation of which only the journal is left");
        let roots = &self.instance.settings.roots;
        match journal.is_committed() {
            true => finish(roots, &journal)?,
            false => undo(roots, &journal)?,
        }
        std::fs::remove_file(&path).map_err(at(&path))
    }

    /// Whether the operation came to its end after all; false when it was undone.
    fn put_right(&self, work: &mut Work<'_>) -> Result<bool, RecoveryError> {
        let roots = &self.instance.settings.roots;
        let (kind, target) = (work.operation().kind, work.operation().target.clone());
        if work.journal().is_committed() {
            let finished = finish(roots, work.journal());
            // Somebody else took the name meanwhile: then it is not to be.
            if finished.is_err() && matches!(kind, Kind::Build | Kind::AddTemplate | Kind::Restore)
            {
                work.progress(Stage::Undoing, 900);
                undo(roots, work.journal())?;
                return Ok(false);
            }
            return finished.map(|()| true);
        }
        let has = |wanted: fn(&Step) -> bool| {
            let mut records = work.journal().records().iter();
            records.any(|record| matches!(record, Record::Step(step) if wanted(step)))
        };
        let (was_ending, was_starting) =
            (has(|s| matches!(s, Step::End { .. })), has(|s| matches!(s, Step::Run(_))));
        let is_identity = matches!(kind, Kind::Rename | Kind::Set);
        if was_starting
            && !is_identity
            && let Some(name) = target.vserver()
            && let Some(state) = GuestState::running(roots, name).map_err(LifecycleError::from)?
        {
            state.publish(roots).map_err(LifecycleError::from)?;
            return Ok(true);
        }
        work.progress(Stage::Undoing, 900);
        undo(roots, work.journal())?;
        match (kind, target.vserver()) {
            (Kind::Stop, _) => Ok(was_ending),
            (Kind::Backup, _) => Ok(backup::recovered(self.instance, self.store, work.operation())),
            _ if is_identity => {
                identity::start_again(self.instance, work);
                Ok(false)
            }
            // It ran before, so it shall run again.
            (Kind::Restart, Some(name)) if was_ending || was_starting => {
                match lifecycle::start(self.instance, work, name) {
                    Ok(()) => Ok(true),
                    Err(Stopped::Cancelled) => Ok(false),
                    Err(Stopped::Failed(failure)) => {
                        work.note(&Note::Failed { failure: Box::new(failure) });
                        undo(roots, work.journal())?;
                        Ok(false)
                    }
                }
            }
            _ => Ok(false),
        }
    }
}
