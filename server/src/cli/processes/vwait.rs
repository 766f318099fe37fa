//! `vwait`: waits until a VServer has ended (fact sheet 2.4).

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use domain::change::PlainChange;
use domain::process::{Recipient, Signal, SignalOrder};
use engine::state::GuestState;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::super::change::{self, Ended};
use super::super::options::{Grammar, Opt};
use super::{CONFIG, Call, Context, HELP, Program, VERSION};

/// `vwait`.
pub(super) const VWAIT: Program = Program {
    name: "vwait",
    usage: |locale| locale.vwait_usage(),
    explained: |locale| locale.vwait_explained(),
    run,
};

const OPTIONS: Grammar = Grammar {
    options: &[
        CONFIG,
        Opt::value("timeout"),
        Opt::flag("terminate"),
        Opt::value("status-fd"),
        HELP,
        VERSION,
    ],
    takes_words: true,
};

/// How it ended: the word for `--status-fd`, and the exit status.
type End = (&'static str, u8);
const FINISHED: End = ("FINISHED", 0);
const KILLED: End = ("KILLED", 1);
const TIMEOUT: End = ("TIMEOUT", 2);
const ERROR: End = ("ERROR", 127);

fn run(call: &Call, arguments: &[OsString]) -> Result<u8, u8> {
    // Whatever goes wrong here is an error of its own, so that no other end is taken for it.
    let section = call.section(OPTIONS, arguments).map_err(|code| match code {
        0 => 0,
        _ => ERROR.1,
    })?;
    let (end, code) = wait(call, &section).unwrap_or(ERROR);
    if let Ok(Some(word)) = section.value("--status-fd") {
        let number = word.parse::<u32>().map_err(|_| {
            call.misused(call.locale().not_a_descriptor(&word));
            ERROR.1
        })?;
        // Opened anew rather than taken over: it stays the caller's.
        let status = OpenOptions::new().append(true).open(format!("/proc/self/fd/{number}"));
        let written = status.and_then(|mut file| writeln!(file, "{end}"));
        written.map_err(|error| {
            call.unexpected(&error);
            ERROR.1
        })?;
    }
    Ok(code)
}

fn wait(call: &Call, section: &super::Section) -> Result<End, u8> {
    let locale = call.locale();
    let timeout = match section.value("--timeout").map_err(|e| call.misused(e.text(locale)))? {
        None => None,
        Some(word) => {
            let seconds = word.parse().map_err(|_| call.misused(locale.not_seconds(&word)))?;
            Some(Duration::from_secs(seconds))
        }
    };
    let words = section.words();
    let [word] = words.as_slice() else {
        return Err(call.misused(locale.context_missing()));
    };
    let engine = call.engine(section.os_value("--config"))?;
    let roots = &engine.instance().settings.roots;
    let name = match call.context(roots, word)? {
        Context::VServer(name) => name,
        _ => return Err(call.failed(locale.not_a_vserver(&word.to_string_lossy()))),
    };
    let state = GuestState::running(roots, &name).map_err(|error| call.unexpected(&error))?;
    let Some(state) = state else { return Ok(FINISHED) };
    if ends_within(&state, timeout).map_err(|error| call.unexpected(&error))? {
        return Ok(FINISHED);
    }
    if !section.has("--terminate") {
        return Ok(TIMEOUT);
    }
    let order = SignalOrder { vserver: name, signal: Signal::KILL, to: Recipient::Everyone };
    match change::run(call.caller, &engine, PlainChange::Signal(order)) {
        Ended::Done(_) => Ok(KILLED),
        // It ended in the last moment.
        Ended::Refused(domain::failure::Failure::NotRunning { .. }) => Ok(FINISHED),
        Ended::Refused(failure) => Err(call.told(&failure)),
        Ended::Told(code) => Err(code),
    }
}

/// Whether its pid 1, and with it all of it, ends in time.
fn ends_within(state: &GuestState, timeout: Option<Duration>) -> std::io::Result<bool> {
    let Some(init) = state.init else { return Ok(true) };
    let pid = i32::try_from(init.pid).ok().and_then(Pid::from_raw);
    let Some(Ok(pidfd)) = pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) else {
        return Ok(true);
    };
    // What was opened is the right process only if that one still lives.
    if !init.is_alive() {
        return Ok(true);
    }
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.map(Timespec::try_from).transpose().map_err(std::io::Error::other)?;
        match poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], left.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
