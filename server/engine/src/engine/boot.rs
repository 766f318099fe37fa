//! What a boot and a shutdown of the host do to one VServer: an operation like any other, but that whoever is
//! busy with the VServer is waited for, as the word of a supervisor's is ([`super::event`]).

use std::sync::{Arc, OnceLock};

use domain::boot::BootFacts;
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::id::VServerName;
use domain::operation::{Actor, Kind, Operation};

use super::{Engine, Job, LONG_LOCK_PATIENCE};
use crate::boot;
use crate::lifecycle::{Booting, LifecycleError};
use crate::lock::VServerLock;
use crate::operation::Silent;
use crate::state::GuestState;

impl Engine {
    /// All that can be said of a boot before it is.
    ///
    /// # Errors
    /// When VServers cannot be listed.
    pub fn boot_facts(&self) -> Result<BootFacts, Failure> {
        boot::facts(&self.instance.settings)
    }

    /// Starts a VServer; none when it runs already. With the operation comes what is needed to wait until it
    /// has booted, if it was started.
    ///
    /// # Errors
    /// When it cannot be asked for.
    pub(crate) fn start_with_host(
        &self,
        name: &VServerName,
        actor: Actor,
    ) -> Result<Option<(Operation, Option<Booting>)>, Failure> {
        let Some((job, held)) = self.prepare_with_host(PlainChange::Start(name.clone()), actor)?
        else {
            return Ok(None);
        };
        let booting = Arc::new(OnceLock::new());
        let job = Job { booting: Some(Arc::clone(&booting)), ..job };
        let operation = self.execute_locked(job, &Silent, held);
        Ok(Some((operation, Arc::into_inner(booting).and_then(OnceLock::into_inner))))
    }

    /// Stops a VServer; none when it does not run any more. What is being done with it is cancelled, or waited
    /// for where that cannot be.
    ///
    /// # Errors
    /// When it cannot be asked for.
    pub(crate) fn stop_with_host(
        &self,
        name: &VServerName,
        actor: Actor,
    ) -> Result<Option<Operation>, Failure> {
        if let Some(operation) = self.store.live_of(name)?.filter(|live| live.cancellable) {
            self.cancel(&operation.id)?;
        }
        let Some((job, held)) = self.prepare_with_host(PlainChange::Stop(name.clone()), actor)?
        else {
            return Ok(None);
        };
        Ok(Some(self.execute_locked(job, &Silent, held)))
    }

    /// Writes down what is still to be done once nobody else is busy with the VServer.
    fn prepare_with_host(
        &self,
        change: PlainChange,
        actor: Actor,
    ) -> Result<Option<(Job, VServerLock)>, Failure> {
        let roots = &self.instance.settings.roots;
        let (target, kind) = (change.target(), change.kind());
        let Some(name) = target.vserver() else { return Ok(None) };
        let held = VServerLock::take(roots, name, None, LONG_LOCK_PATIENCE)?;
        self.recovery(&Silent).of(name);
        let state = GuestState::read(roots, name).map_err(LifecycleError::from)?;
        match kind {
            Kind::Start if state.as_ref().is_some_and(GuestState::is_running) => return Ok(None),
            Kind::Start if !roots.config_of(name).is_dir() => {
                return Err(Failure::NoSuchVServer { name: name.clone() });
            }
            Kind::Stop if state.is_none() => return Ok(None),
            _ => {}
        }
        Ok(Some((self.write_down(change.into(), actor)?, held)))
    }
}
