//! Hearing a program: what it says into a pipe, until it has ended or a deadline has come.
//!
//! Invariants:
//! - Whoever never pauses keeps no deadline from coming.
//! - What a program leaves running in the background, with the pipe in its hands, is not waited for.
//!
//! It ends nobody: how a program is ended that is late is its caller's.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use sys::wait::timespec;

/// How much is read at once.
const PIECE_BYTES: usize = 8192;
/// As many pieces as a pipe holds. Then it is looked what else there is: the end, the deadline.
const PIECES: usize = 8;

/// Our end of the pipe that a program speaks into; none once nothing more comes.
pub(crate) struct Hearing(Option<File>);

impl Hearing {
    /// A pipe, and its end for the program.
    pub(crate) fn begin() -> io::Result<(Self, OwnedFd)> {
        let (output, input) = pipe_with(PipeFlags::CLOEXEC)?;
        fcntl_setfl(&output, OFlags::NONBLOCK)?;
        Ok((Self(Some(output.into())), input))
    }

    /// Hears a program until it has ended; false when it has not by then. What it said last may still be in
    /// the pipe.
    pub(crate) fn until_end(
        &mut self,
        child: &Child,
        deadline: Instant,
        take: &mut dyn FnMut(&[u8]),
    ) -> io::Result<bool> {
        let pidfd = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut polled = vec![PollFd::new(&pidfd, PollFlags::IN)];
            polled.extend(self.0.as_ref().map(|output| PollFd::new(output, PollFlags::IN)));
            match poll(&mut polled, Some(&timespec(left))) {
                Ok(0) => return Ok(false),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            let is_ready =
                |index: usize| polled.get(index).is_some_and(|fd| !fd.revents().is_empty());
            let (has_ended, has_said) = (is_ready(0), is_ready(1));
            if has_said {
                self.take_what_is_there(take);
            }
            if has_ended || left.is_zero() {
                return Ok(has_ended);
            }
        }
    }

    /// Takes what is in the pipe, and waits for nothing.
    pub(crate) fn take_what_is_there(&mut self, take: &mut dyn FnMut(&[u8])) {
        let mut piece = [0; PIECE_BYTES];
        for _ in 0..PIECES {
            let Some(output) = &mut self.0 else { return };
            match output.read(&mut piece) {
                Ok(length @ 1..) => take(piece.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(0) | Err(_) => self.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    /// A shell that does this, and what is heard of it.
    fn shell(script: &str) -> (Hearing, Child) {
        let (hearing, input) = Hearing::begin().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(input);
        (hearing, command.spawn().unwrap())
    }

    fn end(mut child: Child) {
        let _ = child.kill();
        child.wait().unwrap();
    }

    #[test]
    fn all_is_heard_of_who_ends_in_time() {
        let (mut hearing, child) = shell("head -c 300000 /dev/zero; echo end");
        let mut said = Vec::new();
        let mut take = |bytes: &[u8]| said.extend_from_slice(bytes);
        let deadline = Instant::now() + Duration::from_secs(60);
        assert!(hearing.until_end(&child, deadline, &mut take).unwrap());
        hearing.take_what_is_there(&mut take);
        end(child);
        assert_eq!((said.len(), said.ends_with(b"end\n")), (300_004, true));
    }

    #[test]
    fn who_never_pauses_is_late_all_the_same() {
        let (mut hearing, child) = shell("exec yes");
        let mut pieces = 0;
        let deadline = Instant::now() + Duration::from_millis(50);
        let ended = hearing.until_end(&child, deadline, &mut |_| pieces += 1).unwrap();
        // Nor is one waited for at the end.
        hearing.take_what_is_there(&mut |_| {});
        end(child);
        assert!(!ended && pieces > 0);
    }

    #[test]
    fn who_keeps_the_pipe_and_goes_on_is_not_waited_for() {
        // It ends with its input, which is the test's.
        let (mut hearing, mut child) = shell("exec 3<&0; cat <&3 & echo said");
        let _input = child.stdin.take();
        let mut said = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut take = |bytes: &[u8]| said.extend_from_slice(bytes);
        assert!(hearing.until_end(&child, deadline, &mut take).unwrap());
        hearing.take_what_is_there(&mut take);
        end(child);
        assert_eq!(said, b"said\n");
    }
}
