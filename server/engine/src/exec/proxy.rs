//! Between the caller's terminal and one inside a guest.
//!
//! The caller's terminal is in raw mode while this runs and gets its own mode back on every way out
//! (also when a signal ends the caller). Nothing is interpreted: bytes go through, the size follows.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::Child;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use protocol::terminal::Size;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::pty::resize;

/// How much typed text waits for a guest that does not read, before the caller's terminal waits.
const MAX_PENDING_BYTES: usize = 64 * 1024;

/// Raw mode, until dropped.
struct RawMode {
    before: Termios,
}

impl RawMode {
    fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// The size of a terminal.
pub(super) fn size_of(terminal: impl AsFd) -> Option<Size> {
    let size = tcgetwinsize(terminal).ok()?;
    Size::new(size.ws_col, size.ws_row)
}

/// Passes bytes until the guest's end is closed, the role ends, or this process is told to.
pub(super) fn run(master: &impl AsFd, child: &mut Child) -> io::Result<()> {
    let mut wanted = SigSet::empty();
    let ending = [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT];
    for signal in ending.into_iter().chain([Signal::SIGWINCH, Signal::SIGCHLD]) {
        wanted.add(signal);
    }
    let before = wanted.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)?;
    let signals = SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let mode = RawMode::enter()?;
    let result = pass(master, child, &signals);
    drop(mode);
    before.thread_set_mask()?;
    result
}

fn pass(master: &impl AsFd, child: &mut Child, signals: &SignalFd) -> io::Result<()> {
    let mut pending = VecDeque::new();
    let mut typing = true;
    loop {
        // The role may have ended before its signal was waited for.
        let ended = child.try_wait()?.is_some();
        if ended {
            show(master)?;
            return Ok(());
        }
        let stdin = io::stdin();
        let mut on_master = PollFlags::IN;
        on_master.set(PollFlags::OUT, !pending.is_empty());
        let listens = typing && pending.len() < MAX_PENDING_BYTES;
        let on_stdin = if listens { PollFlags::IN } else { PollFlags::empty() };
        let mut fds = [
            PollFd::new(master, on_master),
            PollFd::new(&stdin, on_stdin),
            PollFd::new(signals, PollFlags::IN),
        ];
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let [at_master, at_stdin, _] = fds.map(|fd| fd.revents());
        while let Some(signal) = signals.read_signal()? {
            match i32::try_from(signal.ssi_signo).ok().and_then(|n| Signal::try_from(n).ok()) {
                Some(Signal::SIGWINCH) => {
                    if let Some(size) = size_of(&stdin) {
                        // The guest's end may be closed already.
                        let _ = resize(master, size);
                    }
                }
                Some(Signal::SIGCHLD) | None => {}
                Some(_) => {
                    let _ = child.kill();
                    return Ok(());
                }
            }
        }
        if at_stdin.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            let mut buffer = [0; 4096];
            match rustix::io::read(&stdin, &mut buffer) {
                Ok(0) | Err(Errno::IO) => typing = false,
                Ok(bytes) => pending.extend(buffer.iter().take(bytes)),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        if !pending.is_empty() {
            let (first, _) = pending.as_slices();
            match rustix::io::write(master, first) {
                Ok(bytes) => drop(pending.drain(..bytes)),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(_) => return Ok(()),
            }
        }
        if at_master.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) && !show(master)? {
            return Ok(());
        }
    }
}

/// Shows what the guest wrote; false when there will be no more.
fn show(master: &impl AsFd) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match rustix::io::read(master, &mut buffer) {
            Ok(0) | Err(Errno::IO) => return Ok(false),
            Ok(bytes) => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(buffer.get(..bytes).unwrap_or_default())?;
                stdout.flush()?;
            }
            Err(Errno::AGAIN) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
