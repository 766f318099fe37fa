//! `enter`, `exec`, `suexec`: a shell or a command inside a VServer that runs.

use std::ffi::OsString;

use domain::failure::Failure;
use domain::id::VServerName;
use engine::Engine;
use engine::exec::{self, Invocation};
use engine::state::GuestState;

use super::caller::Caller;
use super::exit;

/// Runs a command, or the shell when `argv` is empty, and gives its exit status.
pub(super) fn run(
    caller: Caller,
    engine: &Engine,
    name: &VServerName,
    user: Option<String>,
    argv: Vec<OsString>,
) -> u8 {
    let instance = engine.instance();
    let roots = &instance.settings.roots;
    let unexpected = |error: &dyn std::error::Error| Failure::Unexpected {
        detail: domain::failure::chain(error),
    };
    let state = match GuestState::running(roots, name) {
        Ok(Some(state)) => state,
        Ok(None) => {
            caller.complain(caller.locale.not_running_for(name.as_str()));
            return exit::FAILURE;
        }
        Err(error) => {
            caller.tell(&unexpected(&error), None);
            return exit::FAILURE;
        }
    };
    let invocation = Invocation { user, ..Invocation::from_here(argv) };
    match exec::run(&instance.executable, roots, &state, &invocation) {
        Ok(status) => status,
        Err(exec::ExecError::NotRunning { name }) => {
            caller.complain(caller.locale.not_running_for(name.as_str()));
            exit::FAILURE
        }
        Err(error) => {
            caller.tell(&unexpected(&error), None);
            exec::NOT_STARTED
        }
    }
}
