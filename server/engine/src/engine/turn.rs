//! Taking one's turn at a VServer: whoever starts, stops or restarts one by hand while somebody else is busy with
//! it waits, as the original's commands waited for its lock (fact sheet 4.1), and is not refused.
//!
//! The lock is held before anything is judged or written down. So what was asked for before and has not begun
//! comes after it, and nothing has to be undone when the wait is given up.
//!
//! Not here: requests of the web process. Nobody waits for them; they are refused at once.

use std::time::Duration;

use domain::change::PlainChange;
use domain::failure::Failure;
use domain::id::VServerName;
use domain::init::Rescue;
use domain::operation::{Actor, Operation};

use super::{ALLOCATION_PATIENCE, Engine, Job};
use crate::lock::{AllocationLock, LockError, VServerLock};
use crate::operation::{Observer, Silent, Task};

/// How long others may hold it before that is told: some only look whether it is free.
const UNTOLD: Duration = Duration::from_millis(200);

/// The turn at a VServer, until it is used or dropped.
#[derive(Debug)]
#[must_use = "the turn ends when this is dropped"]
pub struct Turn {
    name: VServerName,
    held: VServerLock,
}

/// What can be done in one's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InTurn {
    /// Its init is started.
    Start,
    /// Something else is started in it.
    Rescue(Rescue),
    /// It is stopped.
    Stop,
    /// It is stopped if it runs, and started.
    Restart,
}

impl Engine {
    /// Waits until nobody else is busy with a VServer; `busy` hears once who is, if anybody. Nothing but the end
    /// of this process ends the wait before.
    ///
    /// # Errors
    /// When it cannot be locked.
    pub fn take_turn(
        &self,
        name: VServerName,
        busy: impl FnOnce(Option<Operation>),
    ) -> Result<Turn, Failure> {
        let roots = &self.instance.settings.roots;
        let held = match VServerLock::take(roots, name.clone(), None, UNTOLD) {
            Err(LockError::Busy { holder, .. }) => {
                let id = holder.and_then(|holder| holder.operation);
                busy(id.and_then(|id| self.store.read(&id).ok()));
                VServerLock::wait(roots, name.clone())
            }
            other => other,
        }?;
        Ok(Turn { name, held })
    }

    /// Uses one's turn, here and now, and tells `observer` how it goes.
    ///
    /// # Errors
    /// When it cannot be asked for. How it went is in the operation's progress.
    pub fn use_turn(
        &self,
        turn: Turn,
        what: InTurn,
        actor: Actor,
        observer: &dyn Observer,
    ) -> Result<Operation, Failure> {
        let Turn { name, held } = turn;
        self.recovery(&Silent).of(&name);
        let job = self.prepare_in_turn(name, what, actor)?;
        let id = job.operation.id.clone();
        super::lock(&self.cancels).insert(id.clone(), job.cancel.clone());
        observer.moved(&job.operation);
        let operation = self.execute_locked(job, observer, held);
        super::lock(&self.cancels).remove(&id);
        Ok(operation)
    }

    fn prepare_in_turn(
        &self,
        name: VServerName,
        what: InTurn,
        actor: Actor,
    ) -> Result<Job, Failure> {
        let task = match what {
            InTurn::Start => PlainChange::Start(name.clone()).into(),
            InTurn::Stop => PlainChange::Stop(name.clone()).into(),
            InTurn::Restart => PlainChange::Restart(name.clone()).into(),
            InTurn::Rescue(rescue) => Task::Rescue { name: name.clone(), rescue },
        };
        let _choosing = AllocationLock::take(&self.instance.settings.roots, ALLOCATION_PATIENCE)?;
        self.judge_held(&name, task.kind())?;
        self.write_down(task, actor)
    }
}
