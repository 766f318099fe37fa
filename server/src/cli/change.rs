//! Doing one operation in this process: shown while it goes, cancelled by the first `SIGINT`, left to
//! recovery by the second.

use std::sync::Arc;
use std::thread;

use domain::failure::Failure;
use domain::operation::{Kind, Operation, Progress};
use engine::Engine;
use engine::engine::Change;
use nix::sys::signal::{SigSet, Signal};

use super::caller::{Caller, actor};
use super::exit;
use super::progress::Display;

/// How an operation ended.
pub(super) enum Ended {
    /// As it was asked for.
    Done(Operation),
    /// It could not even be begun.
    Refused(Failure),
    /// It failed, or was cancelled, and this has been told; the exit status.
    Told(u8),
}

/// Does a change to its end.
pub(super) fn run(caller: Caller, engine: &Arc<Engine>, change: Change) -> Ended {
    let can_be_cancelled = matches!(
        change,
        Change::Build(_)
            | Change::RefreshBase(_)
            | Change::RemoveBase(_)
            | Change::Backup(_)
            | Change::Import { .. }
            | Change::Restore { .. }
            | Change::RestoreFile { .. }
            | Change::VerifyBackup(_)
    );
    run_as(caller, engine, can_be_cancelled, |display| {
        engine.run_in_process(change, actor(), display)
    })
}

/// Does something to its end that is an operation.
pub(super) fn run_as(
    caller: Caller,
    engine: &Arc<Engine>,
    can_be_cancelled: bool,
    act: impl FnOnce(&Display) -> Result<Operation, Failure>,
) -> Ended {
    let display = Arc::new(Display::new(caller));
    hear_signals(caller, engine, &display, can_be_cancelled);
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
            caller.tell(&Failure::Cancelled, Some(&operation.id));
            Ended::Told(exit::INTERRUPTED)
        }
        _ => Ended::Done(operation),
    }
}

/// Takes the signals that would end this process: a thread of its own waits for them.
fn hear_signals(
    caller: Caller,
    engine: &Arc<Engine>,
    display: &Arc<Display>,
    can_be_cancelled: bool,
) {
    let mut ending = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        ending.add(signal);
    }
    // Blocked here and so in every later thread; programs that are started have none blocked.
    if ending.thread_block().is_err() {
        return;
    }
    let (engine, display) = (Arc::clone(engine), Arc::clone(display));
    // Without the thread nothing ends this process but its work: still better than half a build.
    let _ = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut was_told = false;
        while let Ok(signal) = ending.wait() {
            display.clear();
            if was_told {
                caller.complain(caller.locale.left_to_recovery());
                std::process::exit(128 + signal as i32);
            }
            was_told = true;
            caller.complain(if can_be_cancelled {
                caller.locale.cancel_begins()
            } else {
                caller.locale.cancel_impossible()
            });
            if let Some(id) = display.id().filter(|_| can_be_cancelled)
                && let Err(failure) = engine.cancel(id)
            {
                caller.tell(&failure, Some(id));
            }
        }
    });
}

/// Tells why a change other than a build was refused; the exit status. Starting what runs and stopping
/// what does not are warnings (fact sheet 2.1).
pub(super) fn refused(caller: Caller, kind: Kind, failure: &Failure) -> u8 {
    match (kind, failure) {
        (Kind::Start, Failure::AlreadyRunning { name }) => {
            caller.note(caller.locale.already_running(name.as_str()));
            0
        }
        (Kind::Stop, Failure::NotRunning { name }) => {
            caller.note(caller.locale.not_running(name.as_str()));
            0
        }
        _ => {
            caller.tell(failure, None);
            exit::FAILURE
        }
    }
}
