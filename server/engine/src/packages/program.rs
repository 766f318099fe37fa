//! One of a VServer's own programs, run in it from outside: heard line by line, never asked anything, ended
//! politely when it is to end.
//!
//! It has nothing to read and no terminal, so a question ends by itself. One that says nothing for too
//! long waits for something that does not come: whatever of its processes waits (those that have no
//! child) is asked to end, then killed, so that a package system sees a script of its own fail, writes
//! that down and ends in order. dpkg itself is killed as the very last of all.
//!
//! Cancelling interrupts a program only when that one says that it stops in order.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use domain::failure::Failure;
use domain::guest_log::printable;
use domain::note::Note;
use nix::libc;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::engine::Instance;
use crate::exec::{self, Invocation};
use crate::lifecycle;
use crate::operation::{Stopped, Work, crash_point};
use crate::state::{GuestState, ProcessIdentity};

use super::PackageError;

/// How often somebody who waits looks whether the wait is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long what was asked to end may take before more is done about it.
const GRACE: Duration = Duration::from_secs(30);
/// The longest line that is heard, in bytes.
const LINE_BYTES: usize = 8 * 1024;
/// How often a program that has ended is read once more.
const LAST_READS: usize = 64;
/// How much is read at once.
const READ_BYTES: usize = 64 * 1024;

/// A program to be run.
pub(super) struct Program<'a> {
    /// Its words, the program first. Looked for inside.
    pub(super) argv: &'a [String],
    /// Whether it stops in order when it is interrupted.
    pub(super) stops_in_order: bool,
}

/// How it ended.
pub(super) struct Ended {
    /// Its exit status; 128 and the signal when one ended it.
    pub(super) status: u8,
    /// The last thing that it said.
    pub(super) last: String,
}

/// Runs it to its end and lets `heard` have every line of what it says.
///
/// # Errors
/// When it could not be run, was interrupted, or said nothing for too long.
pub(super) fn run<'w>(
    instance: &Instance,
    work: &mut Work<'w>,
    state: &GuestState,
    program: &Program<'_>,
    mut heard: impl FnMut(&mut Work<'w>, &str),
) -> Result<Ended, Stopped> {
    let failed = PackageError::Run;
    let (output, input) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).map_err(|e| failed(e.into()))?;
    let argv = program.argv.iter().map(Into::into).collect();
    let invocation = Invocation { argv, ..Invocation::default() };
    let roots = &instance.settings.roots;
    let mut command = exec::command(&instance.executable, roots, state, &invocation)
        .map_err(PackageError::Exec)?;
    command.stdin(Stdio::null()).stdout(input.try_clone().map_err(failed)?).stderr(input);
    let child = exec::start(command).map_err(PackageError::Exec)?;
    crash_point("packages:tool-runs");
    let silence = Duration::from_secs(instance.settings.limits.package_silence_seconds.into());
    let mut running = Running {
        child,
        output: Some(output.into()),
        line: Vec::new(),
        last: String::new(),
        heard_at: Instant::now(),
        silence,
        ends: 0,
        is_interrupted: false,
        is_broken_off: false,
        is_over: false,
    };
    let status = loop {
        // Whoever never pauses is looked at as well.
        running.hear(&mut |line| heard(work, line)).map_err(failed)?;
        if let Some(status) = running.child.try_wait().map_err(failed)? {
            // What it said last may still be on its way; whoever else has the pipe open is not waited for.
            for _ in 0..LAST_READS {
                if !running.hear(&mut |line| heard(work, line)).map_err(failed)? {
                    break;
                }
            }
            break status;
        }
        if work.is_cancelled() && !running.is_interrupted && program.stops_in_order {
            running.is_interrupted = true;
            running.interrupt();
            // Said once it is so: whoever reads it may count on it.
            work.note(&Note::ToolInterrupted);
        }
        if running.is_silent() {
            if running.ends == 0 {
                work.note(&Note::ToolSilent { seconds: silence.as_secs() });
            }
            running.end_what_waits();
        }
    };
    let rest = running.take_line();
    if !rest.is_empty() {
        running.last.clone_from(&rest);
        heard(work, &rest);
    }
    if running.ends > 0 {
        let what = program.argv.first().cloned().unwrap_or_default();
        return Err(Failure::TimedOut { what, seconds: silence.as_secs() }.into());
    }
    let ended = Ended { status: exec::exit_code(status), last: std::mem::take(&mut running.last) };
    match running.is_interrupted && (ended.status != 0 || running.is_broken_off) {
        true => Err(Stopped::Cancelled),
        false => Ok(ended),
    }
}

/// What apt says, and ends with 0, when it was interrupted between two calls of dpkg.
const BROKEN_OFF: &str = "Operation was interrupted before it could finish";

/// A program in progress.
struct Running {
    child: Child,
    /// None once it has ended.
    output: Option<File>,
    line: Vec<u8>,
    last: String,
    heard_at: Instant,
    silence: Duration,
    /// How often what waits was asked to end.
    ends: u32,
    is_interrupted: bool,
    /// Whether it said that something is left to do.
    is_broken_off: bool,
    /// Whether what is said next takes the place of the line, as on a terminal.
    is_over: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only when something went wrong on the way; one that has ended does not mind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Waits a moment for something to be said, and passes it on; whether there was anything.
    fn hear(&mut self, heard: &mut dyn FnMut(&str)) -> io::Result<bool> {
        let deadline = Instant::now() + LOOK_EVERY;
        let Some(output) = &mut self.output else {
            if let Some(process) = ProcessIdentity::of(self.child.id())
                && let Some(pidfd) = lifecycle::open_process(process)?
            {
                sys::wait::until_readable(&pidfd, deadline)?;
            }
            return Ok(false);
        };
        if !sys::wait::until_readable(output.as_fd(), deadline)? {
            return Ok(false);
        }
        let mut buffer = vec![0; READ_BYTES];
        let read = output.read(&mut buffer)?;
        if read == 0 {
            self.output = None;
            return Ok(false);
        }
        self.heard_at = Instant::now();
        for byte in buffer.iter().take(read) {
            if *byte == b'\r' {
                self.is_over = true;
                continue;
            }
            if std::mem::take(&mut self.is_over) && *byte != b'\n' {
                self.line.clear();
            }
            if *byte == b'\n' {
                let line = self.take_line();
                if !line.is_empty() {
                    heard(&line);
                    self.is_broken_off |= line.contains(BROKEN_OFF);
                    self.last = line;
                }
            } else if self.line.len() < LINE_BYTES {
                self.line.push(*byte);
            }
        }
        Ok(true)
    }

    fn take_line(&mut self) -> String {
        let line = std::mem::take(&mut self.line);
        printable(&line).trim_end().to_owned()
    }

    fn is_silent(&self) -> bool {
        let patience = if self.ends == 0 { self.silence } else { GRACE };
        self.heard_at.elapsed() >= patience
    }

    /// Interrupts the program itself, and none of those that it runs.
    fn interrupt(&self) {
        for process in children_of(self.child.id(), &all_parents()) {
            signal(process, libc::SIGINT);
        }
    }

    /// Ends what the program waits for; in the end itself.
    fn end_what_waits(&mut self) {
        self.ends += 1;
        self.heard_at = Instant::now();
        let parents = all_parents();
        for process in innermost(self.child.id(), &parents) {
            signal(process, if self.ends == 1 { libc::SIGTERM } else { libc::SIGKILL });
        }
        if self.ends > 6 {
            let _ = self.child.kill();
        }
    }
}

/// Sends a signal to exactly this process. When it has just ended, that is as well.
fn signal(pid: u32, signal: i32) {
    let Some(before) = ProcessIdentity::of(pid) else { return };
    let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    if let Ok(pidfd) = pidfd_open(number, PidfdFlags::empty())
        && before.is_alive()
    {
        let _ = sys::process::send_signal(pidfd.as_fd(), signal);
    }
}

/// Every process with its parent.
fn all_parents() -> Vec<(u32, u32)> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| {
        Some((pid, parent_in(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))
    })
    .collect()
}

/// Field 4 of `/proc/PID/stat`, behind a name that may hold anything.
fn parent_in(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn children_of(pid: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child).collect()
}

/// Those below a process that have no child: what all the others wait for.
fn innermost(pid: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut ahead = children_of(pid, parents);
    let mut found = Vec::new();
    // A parent is older than its child, so this comes to an end; a pid that was used again may not be.
    for _ in 0..parents.len() {
        let Some(next) = ahead.pop() else { break };
        match children_of(next, parents) {
            children if children.is_empty() => found.push(next),
            children => ahead.extend(children),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_what_has_no_child() {
        let parents = [(10, 1), (11, 10), (12, 11), (13, 11), (14, 13), (20, 1)];
        let mut found = innermost(10, &parents);
        found.sort_unstable();
        assert_eq!(found, [12, 14]);
        assert_eq!(innermost(14, &parents), Vec::<u32>::new());
        assert_eq!(parent_in("7 (a) S 1 ) R) S 42 7 7"), Some(42));
    }
}
