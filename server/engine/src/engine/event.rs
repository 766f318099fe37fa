//! What follows when a VServer's pid 1 has ended of itself (`reboot -f` inside starts it again), or has no memory left.
//!
//! Whoever holds the VServer then (a backup does for as long as it takes) may outlast the supervisor's word. So the word
//! is written down beside the record of the start first: the engine looks for what was not seen to every minute,
//! `ulysse doctor --repair` when it is run.
//!
//! What follows, `apps/vshelper` says ([`helper`]). What was made for the VServer is taken away in any case.

use domain::change::PlainChange;
use domain::failure::Failure;
use domain::id::VServerName;
use domain::life::{GuestEvent, Life};
use domain::operation::{Actor, Operation, Progress};

use super::{Engine, LONG_LOCK_PATIENCE};
use crate::life;
use crate::lifecycle::LifecycleError;
use crate::lifecycle::vshelper::{self, Vshelper};
use crate::lock::VServerLock;
use crate::operation::Silent;
use crate::state::GuestState;

impl Engine {
    /// Does what follows when a VServer's pid 1 has ended: nothing when somebody has seen to it already. What follows
    /// while it goes on is done beside whoever holds it.
    ///
    /// # Errors
    /// When its record cannot be read, or it stays locked: what is to follow is written down then. When a program
    /// of the administrator's that is to see to it cannot be run or fails.
    pub fn event(
        &self,
        name: &VServerName,
        event: GuestEvent,
    ) -> Result<Option<Operation>, Failure> {
        let roots = &self.instance.settings.roots;
        if !event.is_end() {
            let state = GuestState::running(roots, name).map_err(LifecycleError::from)?;
            if let Some(state) = state {
                vshelper::see_to(&self.instance, self.clock(), name, state.context, event)?;
            }
            return Ok(None);
        }
        if let Some(state) = GuestState::read(roots, name).map_err(LifecycleError::from)? {
            state.note_end(roots, event).map_err(LifecycleError::from)?;
        }
        let held = VServerLock::take(roots, name, None, LONG_LOCK_PATIENCE)?;
        self.follow(name, event, held)
    }

    /// Does what was written down and could not be done then, of VServers that nobody is busy with.
    pub fn catch_up(&self) {
        let roots = &self.instance.settings.roots;
        for state in GuestState::all(roots).unwrap_or_default() {
            let Some(event) = state.noted_end(roots) else { continue };
            let Ok(held) = VServerLock::try_take(roots, &state.name, None) else { continue };
            if let Err(failure) = self.follow(&state.name, event, held) {
                tracing::error!(name = %state.name, %failure, "what was asked for inside was not done");
            }
        }
    }

    fn follow(
        &self,
        name: &VServerName,
        event: GuestEvent,
        held: VServerLock,
    ) -> Result<Option<Operation>, Failure> {
        let roots = &self.instance.settings.roots;
        self.recovery(&Silent).of(name);
        let state = GuestState::read(roots, name).map_err(LifecycleError::from)?;
        let Some(state) = state.filter(|state| !state.is_running()) else {
            GuestState::forget_end(roots, name).map_err(LifecycleError::from)?;
            return Ok(None);
        };
        let event = state.noted_end(roots).unwrap_or(event);
        let exists = roots.config_of(name).is_dir();
        let log = roots.life_log_of(name);
        let happened = |what| life::note(&log, self.clock(), what);
        let chosen = vshelper::chosen(roots, self.clock(), name, event);
        let helper = chosen.unwrap_or_else(|error| {
            // Nobody can say what should follow; that it ended holds.
            happened(Life::VshelperFailed { failure: Box::new(error.into()) });
            Vshelper::Stop
        });
        if let Some(action) = helper.action() {
            happened(Life::Vshelper { event, action });
        }
        let change = match helper {
            Vshelper::Restart if exists => PlainChange::Restart(name.clone()),
            _ => PlainChange::Stop(name.clone()),
        };
        let job = self.write_down(change.into(), Actor::VServer { name: name.clone() })?;
        // It is an operation now: what becomes of it is told there, and it is not tried again and again.
        GuestState::forget_end(roots, name).map_err(LifecycleError::from)?;
        let operation = self.execute_locked(job, &Silent, held);
        // From here on nobody holds it, and whatever the program does to it is an operation of its own.
        if let (Vshelper::Program(program), Progress::Succeeded) = (&helper, &operation.progress) {
            let run =
                vshelper::run(&self.instance, self.clock(), name, state.context, event, program);
            happened(match &run {
                Ok(()) => Life::VshelperDone,
                Err(failure) => Life::VshelperFailed { failure: Box::new(failure.clone()) },
            });
            run?;
        }
        Ok(Some(operation))
    }
}
