//! The processes of a VServer: making them, holding them, ending them with an event.
//!
//! [`spawn`] starts `ulysse supervise`, a process of its own with one thread ([`supervise`]), from a
//! [`StartPlan`]. That makes the guest's pid 1 in namespaces of its own, blocked, and says its pid, so
//! that the caller can set its network up while mounts are made; [`Spawned::go`] lets it run. From
//! then on the supervisor needs nobody: it outlives the caller, and when pid 1 ends it runs
//! `ulysse vserver --event` for what is to follow.
//!
//! Invariants:
//! - Nothing of the guest's is opened by a path that the guest could have bent: beneath its root
//!   descriptor only, without magic links.
//! - Before the guest's first instruction runs it has its own ids, no capability beyond its plan's, a
//!   system call filter, and no descriptor of the host's.
//! - When the caller dies before [`Spawned::go`], nothing of the guest is left.

mod architecture;
pub mod confine;
mod console;
mod init;
mod masks;
pub(crate) mod mounts;
mod oom;
pub(crate) mod plan;
pub(crate) mod processes;
mod spawn;
pub mod supervise;
mod watch;

use std::path::{Path, PathBuf};

#[cfg(test)]
pub(crate) use console::ConsoleLog;
pub(crate) use console::MAX_LOG_BYTES as MAX_CONSOLE_LOG_BYTES;
pub(crate) use init::STOP_SIGNAL;
pub use oom::oom_kills;
pub use plan::{
    InitCommand, InitPlan, MountPlan, MountSource, Preparation, StartPlan, Step, ceiling,
};
pub use spawn::{GuestError, SkippedMount, Spawned, StartCommand, Started, spawn};

/// Refuses a first program that the system call filter would end without a word. One without a slash is
/// looked for as executing it does.
fn refuse_foreign(program: &str, environment: &[String]) -> Result<(), plan::StartFailure> {
    let search = environment.iter().rev().find_map(|pair| pair.strip_prefix("PATH="));
    let found = match search.filter(|_| !program.contains('/')) {
        None => Some(PathBuf::from(program)),
        Some(search) => search
            .split(':')
            .map(|directory| Path::new(directory).join(program))
            .find(|path| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()),
    };
    match found.as_deref().and_then(architecture::foreign) {
        Some(path) => {
            let errno = nix::libc::ENOEXEC;
            Err(plan::StartFailure::new(Step::Execute, &path.to_string_lossy(), errno))
        }
        None => Ok(()),
    }
}
