//! The VServer that is copied: held while it is, so that nobody starts, stops or deletes it.

use std::path::PathBuf;
use std::time::Duration;

use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::VServerName;
use domain::note::Note;

use crate::base_links;
use crate::config;
use crate::freezer;
use crate::lifecycle::LifecycleError;
use crate::lock::{LockError, VServerLock};
use crate::operation::{Step, Stopped, Work, crash_point};
use crate::roots::Roots;
use crate::state::GuestState;
use crate::tree;
use crate::unification;

/// How long is waited for it at once, before the person is asked whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often.
const TRIES: u32 = 120;

/// A VServer that is being copied.
pub(super) struct Held {
    name: VServerName,
    /// Its files.
    pub(super) root: PathBuf,
    /// Its cgroups while it runs; none while it does not.
    pub(super) cgroups: Vec<PathBuf>,
    lock: Option<VServerLock>,
}

/// Holds a VServer.
///
/// # Errors
/// When somebody else is at work on it, or it has no files.
pub(super) fn hold(
    roots: &Roots,
    work: &mut Work<'_>,
    name: &VServerName,
) -> Result<Held, Stopped> {
    let mut tries = 0;
    let lock = loop {
        match VServerLock::take(roots, name, Some(work.id()), PATIENCE) {
            Ok(lock) => break lock,
            Err(LockError::Busy { .. }) if tries < TRIES => {
                if tries == 0 {
                    work.note(&Note::WaitingForVServer { name: name.clone() });
                }
                tries += 1;
                work.go_on()?;
            }
            Err(error) => return Err(error.into()),
        }
    };
    let Some(root) = config::root_directory_of(roots, name) else {
        return Err(missing(&base_links::shown_guest_base(roots).join(name.as_str())).into());
    };
    let state = GuestState::running(roots, name).map_err(LifecycleError::from)?;
    if state.is_none() {
        unification::show(&root).map_err(Failure::from)?;
    }
    // A volume that is not mounted (fact sheet L3).
    if tree::is_empty(&root).unwrap_or(true) {
        return Err(missing(&root).into());
    }
    let cgroups = state.map(|state| state.cgroups).unwrap_or_default();
    Ok(Held { name: name.clone(), root, cgroups, lock: Some(lock) })
}

impl Held {
    /// Lets others work on it while it is copied for the first time, which may take hours: it may have to
    /// be started again meanwhile.
    pub(super) fn let_go(&mut self) {
        self.lock = None;
    }

    /// Holds it again, as it is by now.
    ///
    /// # Errors
    /// As [`hold`].
    pub(super) fn hold_again(&mut self, roots: &Roots, work: &mut Work<'_>) -> Result<(), Stopped> {
        *self = hold(roots, work, &self.name)?;
        Ok(())
    }

    /// Writes down that it is about to stand still.
    ///
    /// # Errors
    /// When that cannot be written.
    pub(super) fn intend_to_freeze(&self, work: &mut Work<'_>) -> Result<(), Stopped> {
        if !self.cgroups.is_empty() {
            work.intend(Step::Freeze(self.cgroups.clone()))?;
        }
        Ok(())
    }

    /// Sees to it that it runs again, whatever became of the process that had it stand still.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn let_run(&self) -> Result<(), Stopped> {
        freezer::thaw(&self.cgroups)
            .map_err(|error| Failure::Unexpected { detail: domain::failure::chain(&error) })?;
        if !self.cgroups.is_empty() {
            crash_point("build:files-thawed");
        }
        Ok(())
    }
}

/// That something to copy is not there.
pub(super) fn missing(path: &std::path::Path) -> Failure {
    Failure::of_field(Field::Source, Problem::NotThere { path: path.display().to_string() })
}
