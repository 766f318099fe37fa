//! What a child does between fork and exec, when it becomes a process of a guest.
//!
//! Invariant: everything here is a bare system call; nothing allocates or locks, because the parent
//! may have had threads.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

/// How a child begins its life.
#[derive(Debug, Default)]
pub struct Session {
    /// Files by which it enters cgroups, opened for writing while the host's file tree was in sight.
    pub cgroups: Vec<OwnedFd>,
    /// Whether its standard input becomes its controlling terminal.
    pub controlling_terminal: bool,
    /// The user and group it becomes, as its user namespace counts.
    pub ids: Option<(u32, u32)>,
    /// The signal it gets when its parent's thread ends.
    pub death_signal: i32,
}

impl Session {
    /// Makes `command` begin its child's life this way, in a session of its own: it cannot type
    /// into a terminal of its parent.
    pub fn prepare(self, command: &mut Command) {
        // SAFETY: the closure runs in the child of fork; `begin` makes system calls only, on
        // descriptors that it owns, and allocates nothing.
        unsafe { command.pre_exec(move || self.begin()) };
    }

    fn begin(&self) -> io::Result<()> {
        for cgroup in &self.cgroups {
            join(cgroup.as_raw_fd())?;
        }
        // Rust's library hands the parent's blocked signals down.
        crate::process::reset_signals();
        // SAFETY: takes no pointers.
        check(unsafe { libc::setsid() })?;
        if self.controlling_terminal {
            // SAFETY: TIOCSCTTY takes an integer.
            check(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) })?;
        }
        if let Some((user, group)) = self.ids {
            // SAFETY: takes no pointers.
            check(unsafe { libc::setresgid(group, group, group) })?;
            // SAFETY: takes no pointers.
            check(unsafe { libc::setresuid(user, user, user) })?;
        }
        // Last, because the kernel forgets it whenever a process changes who it is.
        // SAFETY: PR_SET_PDEATHSIG takes an integer.
        check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, self.death_signal) })?;
        Ok(())
    }
}

/// Makes a command's process begin under these limits, which hold from its program's first instruction
/// on: whoever starts it needs room of its own. They can only be below what this process has.
pub fn limit(command: &mut Command, limits: Vec<(Resource, Rlimit)>) {
    if limits.is_empty() {
        return;
    }
    let set = move || {
        limits
            .iter()
            .try_for_each(|(resource, limit)| setrlimit(*resource, *limit))
            .map_err(io::Error::from)
    };
    // SAFETY: the closure runs in the child of fork, or right before exec; it makes system calls only
    // and allocates nothing.
    unsafe { command.pre_exec(set) };
}

/// "0" means: whoever writes.
fn join(cgroup: RawFd) -> io::Result<()> {
    let zero = b"0";
    // SAFETY: the buffer has as many bytes as are named.
    let written = unsafe { libc::write(cgroup, zero.as_ptr().cast(), zero.len()) };
    if written < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
