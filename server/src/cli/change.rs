//! Doing one operation in this process: shown while it goes, cancelled by the first `SIGINT`, left to
//! recovery by the second.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use domain::change::Change;
use domain::failure::Failure;
use domain::field::Field;
use domain::id::{OperationId, VServerName};
use domain::operation::{Kind, Operation, Progress};
use engine::Engine;
use engine::engine::InTurn;
use engine::operation::Observer;

use super::caller::{Caller, actor};
use super::progress::Display;
use super::{exit, signals};

/// How an operation ended.
pub(super) enum Ended {
    /// As it was asked for.
    Done(Box<Operation>),
    /// It could not even be begun.
    Refused(Failure),
    /// It failed, or was cancelled, and this has been told; the exit status.
    Told(u8),
}

/// Does a change to its end.
pub(super) fn run(caller: Caller, engine: &Arc<Engine>, change: impl Into<Change>) -> Ended {
    run_as(caller, engine, |display| engine.run_in_process(change, actor(), display))
}

/// Does something to a VServer to its end, when nobody else is busy with it any more: until then a signal that
/// ends a process ends this one, and nothing of it was written down. `what` says what, when the turn has come.
pub(super) fn run_in_turn(
    caller: Caller,
    engine: &Arc<Engine>,
    name: &VServerName,
    what: impl FnOnce() -> Option<InTurn>,
) -> Option<Ended> {
    let locale = caller.locale;
    let turn = engine.take_turn(name.clone(), |busy| match busy {
        Some(operation) => caller.note(locale.waits_for(name.as_str(), &operation.command)),
        None => caller.note(locale.waits_for_somebody(name.as_str())),
    });
    let turn = match turn {
        Ok(turn) => turn,
        Err(failure) => return Some(Ended::Refused(failure)),
    };
    let what = what()?;
    Some(run_as(caller, engine, |display| engine.use_turn(turn, what, actor(), display)))
}

/// `ulysse cancel`: asks an operation, whoever does it, to stop and undo itself.
pub(crate) fn cancel(config: Option<&Path>, id: &str) -> ExitCode {
    let caller = Caller::here("ulysse cancel");
    let engine = match caller.engine(config) {
        Ok(engine) => engine,
        Err(code) => return ExitCode::from(code),
    };
    let id = id.parse().map_err(|problem| Failure::of_field(Field::Operation, problem));
    match id.and_then(|id| engine.cancel(&id)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            caller.tell(&failure, None);
            ExitCode::from(exit::FAILURE)
        }
    }
}

/// Does something to its end that is an operation.
pub(super) fn run_as(
    caller: Caller,
    engine: &Arc<Engine>,
    act: impl FnOnce(&Display) -> Result<Operation, Failure>,
) -> Ended {
    let display = Arc::new(Display::new(caller));
    hear_signals(caller, engine, &display);
    let operation = match act(display.as_ref()) {
        Ok(operation) => operation,
        Err(failure) => {
            display.clear();
            return Ended::Refused(failure);
        }
    };
    display.finish(&operation);
    match &operation.progress {
        Progress::Failed { failure } => {
            caller.tell(failure, Some(&operation.id));
            Ended::Told(exit::FAILURE)
        }
        Progress::Cancelled => {
            caller.tell_cancelled(&operation);
            Ended::Told(exit::INTERRUPTED)
        }
        _ => Ended::Done(Box::new(operation)),
    }
}

/// Shows an operation that this process does.
pub(super) trait Shows: Observer + 'static {
    /// The operation and what it does; none before it is written down.
    fn operation(&self) -> Option<(&OperationId, Kind)>;
    /// Makes room for something else to be said.
    fn clear(&self) {}
}

/// Takes the signals that would end this process: what is under way is cancelled.
pub(super) fn hear_signals(caller: Caller, engine: &Arc<Engine>, display: &Arc<impl Shows>) {
    let (engine, display) = (Arc::clone(engine), Arc::clone(display));
    let mut was_told = false;
    signals::each_that_would_end(move |signal| {
        display.clear();
        if was_told {
            caller.complain(caller.locale.left_to_recovery());
            signals::end_by(signal);
        }
        was_told = true;
        let Some((id, kind)) = display.operation() else {
            // Nothing was written down, so nothing is to be undone.
            signals::end_by(signal);
        };
        if !kind.is_cancellable() {
            caller.complain(caller.locale.cancel_impossible());
            return;
        }
        // Said once it is so: whoever reads it may count on it.
        match engine.cancel(id) {
            Ok(()) => caller.complain(caller.locale.cancel_begins()),
            Err(failure) => caller.tell(&failure, Some(id)),
        }
    });
}

/// Tells why a change was refused; the exit status.
pub(super) fn refused(caller: Caller, failure: &Failure) -> u8 {
    caller.tell(failure, None);
    exit::FAILURE
}
