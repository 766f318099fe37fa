//! The processes of VServers: listing them, and sending signals to them.
//!
//! Invariants: a process belongs to the VServer whose cgroup it is in, and to no other; a signal is sent over
//! a pidfd whose process was looked at after it was opened (its start time, its cgroup), so that it reaches
//! that process or nobody. Command lines and users' names are a stranger's text: bounded, control characters
//! escaped. A guest's `/etc/passwd` is opened beneath its root.
//!
//! Not here: what VServers use in all (`usage`), ending one (`lifecycle`).

mod owner;
pub(crate) mod pass;

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use domain::failure::Failure;
use domain::id::{ContextId, VServerName};
use domain::operation::Stage;
use domain::process::{
    COMMAND_BYTES, MOST_PROCESSES, Process, ProcessKey, ProcessList, Recipient, Signal, SignalOrder,
};
use domain::time::UnixMillis;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::cgroup::{self, CgroupError};
use crate::engine::Instance;
use crate::lifecycle::LifecycleError;
use crate::operation::{Stopped, Work};
use crate::roots::Roots;
use crate::state::{GuestState, ProcessIdentity, StateError};
use owner::Owners;
use pass::{Seen, each_process, host_uptime_ms, ticks_to_ms};

/// How long the processes of a VServer have to be gone once all were killed.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Why processes were not listed, or a signal not sent.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// `/proc` could not be read.
    #[error("reading /proc")]
    Proc(#[source] io::Error),
    /// The records of running VServers could not be read.
    #[error("reading what runs")]
    State(#[from] StateError),
    /// The VServer does not run.
    #[error("{name} is not running")]
    NotRunning {
        /// Which.
        name: VServerName,
    },
    /// The process is not there any more, or not in this VServer.
    #[error("no process {pid} in {name}")]
    NoSuchProcess {
        /// In which VServer it should be.
        name: VServerName,
        /// Its pid.
        pid: u32,
    },
    /// The kernel refused the signal.
    #[error("sending {signal} to {pid}")]
    Send {
        /// Which signal.
        signal: Signal,
        /// To which process.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// All processes of a VServer could not be ended.
    #[error("killing all processes")]
    Kill(#[from] CgroupError),
}

impl From<ProcessError> for Failure {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::NotRunning { name } => Self::NotRunning { name },
            ProcessError::NoSuchProcess { name, pid } => Self::NoSuchProcess { name, pid },
            ProcessError::State(error) => LifecycleError::from(error).into(),
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// The VServers that run, by name.
fn running(roots: &Roots) -> Result<HashMap<String, GuestState>, StateError> {
    let states = GuestState::all_running(roots)?.into_iter();
    Ok(states.map(|state| (state.name.as_str().to_owned(), state)).collect())
}

/// The processes of a VServer, or of all of them.
///
/// # Errors
/// When `/proc` or the records of what runs cannot be read.
pub fn list(
    roots: &Roots,
    only: Option<&VServerName>,
    now: UnixMillis,
) -> Result<ProcessList, ProcessError> {
    let guests = running(roots)?;
    let mut owners = Owners::default();
    let mut processes = Vec::new();
    let mut left_out = 0;
    let uptime_ms = host_uptime_ms().map_err(ProcessError::Proc)?;
    let booted_at = now.plus_millis(-i64::try_from(uptime_ms).unwrap_or(0));
    each_process(&roots.cgroup_root, |seen| {
        let Some(guest) = seen.group().and_then(|name| guests.get(&name)) else { return };
        if only.is_some_and(|only| guest.name != *only) {
            return;
        }
        if processes.len() == MOST_PROCESSES {
            left_out += 1;
            return;
        }
        processes.push(describe(seen, guest, &mut owners, booted_at));
    })
    .map_err(ProcessError::Proc)?;
    processes.sort_by(|one, other| (&one.vserver, one.key).cmp(&(&other.vserver, other.key)));
    Ok(ProcessList { at: now, processes, left_out })
}

fn describe(
    seen: &Seen<'_>,
    guest: &GuestState,
    owners: &mut Owners,
    booted_at: UnixMillis,
) -> Process {
    let stat = seen.stat;
    let status = seen.read("status").unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let (uid, user) = owners.of(guest, host_uid_in(&status));
    let started_ms = i64::try_from(ticks_to_ms(stat.start_ticks)).unwrap_or(0);
    Process {
        vserver: guest.name.clone(),
        key: ProcessKey { pid: seen.pid, start_ticks: stat.start_ticks },
        inside: pid_inside(&status),
        parent: stat.parent,
        uid,
        user,
        state: if stat.state.is_ascii_alphabetic() { stat.state } else { '?' },
        nice: stat.nice,
        cpu_ms: ticks_to_ms(stat.user_ticks.saturating_add(stat.system_ticks)),
        started_at: booted_at.plus_millis(started_ms),
        rss_bytes: stat.rss_pages.saturating_mul(rustix::param::page_size() as u64),
        vsz_bytes: stat.vsz_bytes,
        threads: stat.threads,
        command: command_of(seen.read("cmdline").as_deref().unwrap_or_default(), &status),
    }
}

/// What stands behind a word of `/proc/PID/status`.
fn status_value<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The effective user id, as the host numbers them.
fn host_uid_in(status: &str) -> u32 {
    let ids = status_value(status, "Uid").unwrap_or_default();
    ids.split_ascii_whitespace().nth(1).and_then(|id| id.parse().ok()).unwrap_or(u32::MAX)
}

/// The pid in the namespace below the host's.
fn pid_inside(status: &str) -> Option<u32> {
    status_value(status, "NSpid")?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The words of a command line with blanks between; the name in brackets where there are none, as `ps` has
/// it.
fn command_of(words: &[u8], status: &str) -> String {
    let words: &[u8] = words.strip_suffix(b"\0").unwrap_or(words);
    if words.iter().all(|byte| *byte == 0) {
        let name = status_value(status, "Name").unwrap_or("?");
        return plain(&format!("[{name}]"));
    }
    let words: Vec<u8> = words.iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
    plain(&String::from_utf8_lossy(&words))
}

/// A stranger's text, bounded, with what a terminal or a reader would obey written out. Characters that turn
/// the direction of a line are of that kind too.
fn plain(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::new();
    for character in text.chars() {
        let before = shown.len();
        if is_odd(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        if shown.len() > COMMAND_BYTES {
            shown.truncate(before);
            break;
        }
    }
    shown
}

/// A VServer that a process is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which.
    pub name: VServerName,
    /// Its context.
    pub context: ContextId,
}

/// Every process of the host, and in which VServer it is, if in any.
///
/// # Errors
/// When `/proc` or the records of what runs cannot be read.
pub fn places(roots: &Roots) -> Result<HashMap<u32, Option<Place>>, ProcessError> {
    let guests = running(roots)?;
    let mut places = HashMap::new();
    each_process(&roots.cgroup_root, |seen| {
        let guest = seen.group().and_then(|name| guests.get(&name));
        let place = guest.map(|guest| Place { name: guest.name.clone(), context: guest.context });
        places.insert(seen.pid, place);
    })
    .map_err(ProcessError::Proc)?;
    Ok(places)
}

/// The VServer that a process is in, and the process.
///
/// # Errors
/// When the records of what runs cannot be read.
pub fn place_of(roots: &Roots, pid: u32) -> Result<Option<(GuestState, ProcessKey)>, ProcessError> {
    let Some(identity) = ProcessIdentity::of(pid) else { return Ok(None) };
    let Some(name) = pass::group_of(&roots.cgroup_root, pid).and_then(|name| name.parse().ok())
    else {
        return Ok(None);
    };
    let guest = GuestState::running(roots, &name)?;
    let key = ProcessKey { pid, start_ticks: identity.start_ticks };
    Ok(guest.map(|guest| (guest, key)))
}

/// Whether a signal can be sent as it was ordered, now.
///
/// # Errors
/// When the VServer does not run, or has no such process.
pub fn judge(roots: &Roots, order: &SignalOrder) -> Result<(), ProcessError> {
    let name = &order.vserver;
    if GuestState::running(roots, name)?.is_none() {
        return Err(ProcessError::NotRunning { name: name.clone() });
    }
    match order.to {
        Recipient::Process(key) if !is_in(roots, name, key) => {
            Err(ProcessError::NoSuchProcess { name: name.clone(), pid: key.pid })
        }
        _ => Ok(()),
    }
}

/// Whether exactly this process lives and is in this VServer.
fn is_in(roots: &Roots, name: &VServerName, key: ProcessKey) -> bool {
    let identity = ProcessIdentity { pid: key.pid, start_ticks: key.start_ticks };
    identity.is_alive()
        && pass::group_of(&roots.cgroup_root, key.pid).as_deref() == Some(name.as_str())
}

/// Sends a signal: an operation without a step, because nothing of it could be undone.
///
/// # Errors
/// When the process is gone, in another VServer, or the kernel refuses.
pub fn signal(
    instance: &Instance,
    work: &mut Work<'_>,
    order: &SignalOrder,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    judge(roots, order).map_err(Failure::from)?;
    work.progress(Stage::SendingSignal, 500);
    let name = &order.vserver;
    match order.to {
        Recipient::Process(key) => {
            let before = list(roots, Some(name), work.clock().now()).map_err(Failure::from)?;
            if let Some(process) = before.processes.iter().find(|process| process.key == key) {
                work.log(&format!("{} {}", key.pid, process.command));
            }
            send(roots, name, key, order.signal).map_err(Failure::from)?;
        }
        // What forks meanwhile would get away: the cgroup kills all of them at once.
        Recipient::Everyone if order.signal == Signal::KILL => {
            if let Some(guest) = GuestState::running(roots, name)
                .map_err(ProcessError::from)
                .map_err(Failure::from)?
            {
                cgroup::kill_all(&guest.cgroups, KILL_PATIENCE)
                    .map_err(ProcessError::from)
                    .map_err(Failure::from)?;
            }
        }
        Recipient::Everyone => {
            let all = list(roots, Some(name), work.clock().now()).map_err(Failure::from)?;
            for process in all.processes {
                match send(roots, name, process.key, order.signal) {
                    Ok(()) => work.log(&format!("{} {}", process.key.pid, process.command)),
                    // It ended by itself, which is what most signals are sent for.
                    Err(ProcessError::NoSuchProcess { .. }) => {}
                    Err(error) => return Err(Failure::from(error).into()),
                }
            }
        }
    }
    Ok(())
}

/// Sends a signal to exactly this process, and only if it is in this VServer.
fn send(
    roots: &Roots,
    name: &VServerName,
    key: ProcessKey,
    signal: Signal,
) -> Result<(), ProcessError> {
    let gone = || ProcessError::NoSuchProcess { name: name.clone(), pid: key.pid };
    let pid = i32::try_from(key.pid).ok().and_then(Pid::from_raw).ok_or_else(gone)?;
    let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| gone())?;
    // Looked at once it is held: what was opened is this process, or has ended and gets nothing.
    if !is_in(roots, name, key) {
        return Err(gone());
    }
    deliver(&pidfd, key.pid, signal, gone)
}

/// Sends a signal to a process of the host's own. For root at the command line alone.
///
/// # Errors
/// When there is no such process, or the kernel refuses.
pub fn signal_on_host(pid: u32, signal: Signal) -> io::Result<()> {
    let missing = || io::Error::from(rustix::io::Errno::SRCH);
    let number = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(missing)?;
    let pidfd = pidfd_open(number, PidfdFlags::empty())?;
    sys::process::send_signal(std::os::fd::AsFd::as_fd(&pidfd), signal.number().into())
}

fn deliver(
    pidfd: &std::os::fd::OwnedFd,
    pid: u32,
    signal: Signal,
    gone: impl FnOnce() -> ProcessError,
) -> Result<(), ProcessError> {
    match sys::process::send_signal(std::os::fd::AsFd::as_fd(pidfd), signal.number().into()) {
        Ok(()) => Ok(()),
        Err(error) if error.raw_os_error() == Some(nix::libc::ESRCH) => Err(gone()),
        Err(source) => Err(ProcessError::Send { signal, pid, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_a_strangers_text() {
        assert_eq!(command_of(b"sleep\0infinity\0", ""), "sleep infinity");
        assert_eq!(command_of(b"a\0\x1b[31m\nb\0", ""), "a \\u{1b}[31m\\nb");
        assert_eq!(command_of(b"a\xff\0", ""), "a\u{fffd}");
        assert_eq!(command_of("x\u{202e}y\0".as_bytes(), ""), "x\\u{202e}y");
        assert_eq!(command_of(b"", "Name:\tkworker/0:1\n"), "[kworker/0:1]");
        assert_eq!(command_of(b"\0\0\0", "Name:\tempty\n"), "[empty]");
        let long = vec![b'x'; 5000];
        assert_eq!(command_of(&long, "").len(), COMMAND_BYTES);
        let escapes = command_of(&[0x1b; 5000], "");
        assert!(escapes.len() <= COMMAND_BYTES && escapes.ends_with("\\u{1b}"), "{escapes}");
    }

    #[test]
    fn what_status_says() {
        let status = "Name:\tsh\nUid:\t100000\t100033\t100000\t100000\nNSpid:\t712\t7\t1\n";
        assert_eq!(host_uid_in(status), 100_033);
        assert_eq!(pid_inside(status), Some(7));
        assert_eq!(pid_inside("NSpid:\t712\n"), None);
    }
}
