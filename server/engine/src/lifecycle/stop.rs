//! Stopping a VServer, and taking away all that its record names.
//!
//! Invariant: what is taken away, and how its processes are ended, is what was applied at its start,
//! whatever was edited in between. Hooks are those that are there when it is stopped; one that fails is
//! told of, and the stop goes on.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use domain::failure::chain;
use domain::hook::Hook;
use domain::id::VServerName;
use domain::life::Life;
use domain::note::Note;
use domain::operation::Stage;
use domain::trace::TraceStep;
use nix::libc;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::LifecycleError;
use super::hooks::{self, Hooks};
use crate::cgroup;
use crate::config::{self, ConfigError, GuestConfig};
use crate::engine::Instance;
use crate::guest;
use crate::life;
use crate::network;
use crate::operation::{Step, Stopped, Work, crash_point};
use crate::roots::Roots;
use crate::state::{GuestState, ProcessIdentity};
use crate::terminal::{self, TerminalError};
use crate::unification;

/// How long processes that were killed may take to be gone.
pub(super) const KILL_PATIENCE: Duration = Duration::from_secs(20);
/// What pid 1 of its own gets where nothing else is said: systemd powers off.
const POWER_OFF: i32 = 38;

/// Stops a VServer: politely, then by its kill sequence, then all that is left.
///
/// # Errors
/// When it does not run, or something of it cannot be ended or removed.
pub fn stop(instance: &Instance, work: &mut Work<'_>, name: &VServerName) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let Some(state) = GuestState::read(roots, name).map_err(LifecycleError::from)? else {
        let exists = roots.config_of(name).is_dir();
        return Err(if exists {
            LifecycleError::NotRunning { name: name.clone() }.into()
        } else {
            ConfigError::NoSuchVServer { name: name.clone(), path: roots.config_of(name) }.into()
        });
    };
    work.intend(Step::End { name: name.clone(), init: state.init })?;
    crash_point("stop:intended");
    work.trace(TraceStep::RecordRead { context: state.context, style: state.style });
    let hooks = Hooks::of(instance, name, Some(&state.root));
    let was_started = state.init.is_some();
    if state.is_running() {
        work.progress(Stage::StoppingServices, 50);
        hooks.run_at_stop(work, Hook::PreStop);
        hang_up(roots, work, name);
        hang_up_on_visitors(&state);
        work.trace(TraceStep::TerminalsClosed);
        end_processes(roots, work, &state)?;
        crash_point("stop:ended");
        wait_for_the_rest(instance, work, &state);
    }
    end_all(&state)?;
    work.trace(TraceStep::Ended);
    if was_started {
        hooks.run_at_stop(work, Hook::PostStop);
    }
    work.progress(Stage::RemovingNetwork, 900);
    remove_applied(roots, &state)?;
    crash_point("stop:cleaned");
    for link in &state.network.links {
        work.trace(TraceStep::LinkRemoved { device: link.host_device.to_string() });
    }
    work.trace(TraceStep::CgroupsRemoved);
    work.trace(TraceStep::RecordRemoved);
    if was_started {
        hooks.run_at_stop(work, Hook::PostpostStop);
    }
    work.flush_trace();
    Ok(())
}

/// Runs the command of the host that waits for what else belongs to a stop, if the config tree has one and
/// can be read.
fn wait_for_the_rest(instance: &Instance, work: &mut Work<'_>, state: &GuestState) {
    let Ok(config) = GuestConfig::read(&instance.settings.roots, &state.name) else { return };
    let Some(command) = config.init.stop_sync_command else { return };
    let file = (config::STOP_SYNC_COMMAND, command.as_slice());
    if let Err(failure) = hooks::run_command(instance, work, &state.name, &state.root, file) {
        work.note(&Note::AtStop { failure: Box::new(failure) });
    }
}

/// Ends the shells of its terminals as a closed window would. They ignore the signal that asks
/// processes to end, and init scripts would wait for them in vain.
fn hang_up(roots: &Roots, work: &mut Work<'_>, name: &VServerName) {
    let ended = terminal::list(roots).and_then(|terminals| {
        let mut its = terminals.iter().filter(|terminal| terminal.vserver == *name);
        its.try_for_each(|terminal| terminal::close(roots, &terminal.id))
    });
    match ended {
        // One that has just ended by itself is what is wanted.
        Ok(()) | Err(TerminalError::NoSuchTerminal { .. }) => {}
        Err(error) => work.note(&Note::TerminalNotEnded { detail: chain(&error) }),
    }
}

/// Hangs up on those who came in from the host on a terminal of their own (`enter`), for the same reason.
fn hang_up_on_visitors(state: &GuestState) {
    let inside = cgroup::processes(&state.cgroups);
    let others = inside.iter().filter(|pid| state.init.is_none_or(|init| init.pid != **pid));
    for process in others.filter_map(|pid| ProcessIdentity::of(*pid)) {
        if is_visitor(process.pid, &inside)
            && let Ok(Some(pidfd)) = open_process(process)
        {
            // One that has just ended is what is wanted.
            let _ = sys::process::send_signal(pidfd.as_fd(), libc::SIGHUP);
        }
    }
}

/// Whether a process leads a session on a terminal, and is the child of one that is not inside.
fn is_visitor(pid: u32, inside: &[u32]) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name before it is the process's own word.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let numbers = fields.split_ascii_whitespace().skip(1).map_while(|field| field.parse().ok());
    match numbers.take(4).collect::<Vec<i64>>().as_slice() {
        [parent, _group, session, terminal] => {
            *session == i64::from(pid)
                && *terminal != 0
                && !inside.iter().any(|other| i64::from(*other) == *parent)
        }
        _ => false,
    }
}

/// Ends what runs of a VServer: politely, then by its kill sequence.
pub(super) fn end_processes(
    roots: &Roots,
    work: &mut Work<'_>,
    state: &GuestState,
) -> Result<(), LifecycleError> {
    let Some(init) = state.init else { return Ok(()) };
    // How long to wait was not applied to anything, and counts from the moment it is edited; a tree that
    // is broken by now says no more than it did at the start.
    let seconds = GuestConfig::read(roots, &state.name)
        .map_or(state.stop.timeout_seconds, |config| config.init.sync_timeout_seconds);
    let Some(pidfd) = open_process(init).map_err(LifecycleError::Wait)? else { return Ok(()) };
    let life_log = roots.life_log_of(&state.name);
    life::note(&life_log, work.clock(), Life::StopAsked);
    let signal = ask_to_end(state, init, &pidfd);
    let command = match state.style.has_own_init() {
        true => String::new(),
        false => domain::build::shell_line(&state.stop.command.words()),
    };
    work.trace(TraceStep::ToldToEnd { pid: init.pid, signal, command, seconds });
    work.flush_trace();
    let patience = Duration::from_secs(seconds.into());
    if wait_for_end(&pidfd, patience).map_err(LifecycleError::Wait)? {
        return Ok(());
    }
    work.note(&Note::StopTimedOut { seconds });
    work.progress(Stage::EndingProcesses, 600);
    for step in &state.stop.kill_sequence {
        life::note(&life_log, work.clock(), Life::KillSequence { signal: step.signal });
        signal_all(state, &pidfd, step.signal);
        work.trace(TraceStep::Signalled { signal: step.signal, seconds: step.wait_seconds });
        work.flush_trace();
        let patience = Duration::from_secs(step.wait_seconds.into());
        if wait_for_end(&pidfd, patience).map_err(LifecycleError::Wait)? {
            break;
        }
    }
    Ok(())
}

/// Tells pid 1 to end everything, by the signal that it understands; gives that.
fn ask_to_end(state: &GuestState, init: ProcessIdentity, pidfd: &OwnedFd) -> i32 {
    let signal = if state.style.has_own_init() {
        // The name is the guest's own word; all it decides is how the guest is told.
        match std::fs::read_to_string(format!("/proc/{}/comm", init.pid)) {
            Ok(name) if name.trim() == "systemd" => POWER_OFF,
            _ => libc::SIGINT,
        }
    } else {
        guest::STOP_SIGNAL as i32
    };
    // When it has just ended, that is what is wanted.
    let _ = sys::process::send_signal(pidfd.as_fd(), signal);
    signal
}

/// Sends a signal to pid 1 first, then to all (fact sheet 4.2).
fn signal_all(state: &GuestState, init: &OwnedFd, signal: u8) {
    let _ = sys::process::send_signal(init.as_fd(), i32::from(signal));
    let init = state.init.map(|init| init.pid);
    for pid in cgroup::processes(&state.cgroups).into_iter().filter(|pid| Some(*pid) != init) {
        if let Some(process) = ProcessIdentity::of(pid)
            && let Ok(Some(pidfd)) = open_process(process)
        {
            let _ = sys::process::send_signal(pidfd.as_fd(), i32::from(signal));
        }
    }
}

/// A descriptor of exactly this process; none when it has ended.
pub(crate) fn open_process(process: ProcessIdentity) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok(process.is_alive().then_some(pidfd)),
        // Older kernels say `INVAL` of a number that is only a session's or process group's by now.
        Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Waits for the end of a process; false when it lives after `patience`.
fn wait_for_end(pidfd: &OwnedFd, patience: Duration) -> io::Result<bool> {
    sys::wait::until_readable(pidfd, Instant::now() + patience)
}

/// Ends and removes all that a record names, and the record last. Doing it twice is the same as once.
///
/// # Errors
/// When something cannot be ended or removed; the record is still there then.
pub fn clean_up(roots: &Roots, state: &GuestState) -> Result<(), LifecycleError> {
    end_all(state)?;
    remove_applied(roots, state)
}

/// Ends all that still runs.
pub(super) fn end_all(state: &GuestState) -> Result<(), LifecycleError> {
    // A supervisor whose guest was never told to run ends by itself, with the guest.
    cgroup::kill_all(&state.cgroups, KILL_PATIENCE)?;
    for process in [state.init, state.supervisor].into_iter().flatten() {
        let Some(pidfd) = open_process(process).map_err(LifecycleError::Wait)? else { continue };
        if !wait_for_end(&pidfd, KILL_PATIENCE).map_err(LifecycleError::Wait)? {
            return Err(LifecycleError::DoesNotEnd { pid: process.pid });
        }
    }
    Ok(())
}

/// Removes all that was made for it, and the record last.
fn remove_applied(roots: &Roots, state: &GuestState) -> Result<(), LifecycleError> {
    network::undo(&state.network)?;
    cgroup::remove(&state.cgroups, KILL_PATIENCE)?;
    state.remove(roots)?;
    if let Err(error) = unification::show(&state.root) {
        // It is ended all the same; whoever needs its files next is told.
        tracing::warn!(name = %state.name, error = chain(&error), "its files are not shown");
    }
    Ok(())
}
