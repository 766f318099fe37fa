//! A new password: asked for twice at a terminal, without showing it; else the first line of
//! standard input.

use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use app::i18n::{Locale, field_label};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::UserName;
use domain::user::Password;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Bytes of a line at most: more than any password has.
const MAX_LINE_BYTES: u64 = 4096;

/// Why there is no new password.
#[derive(Debug, thiserror::Error)]
pub(super) enum NewPasswordError {
    /// It was typed and is not good enough.
    #[error(transparent)]
    Refused(Failure),
    #[error("reading the password")]
    Read(#[source] io::Error),
    #[error("hiding what is typed")]
    Hide(#[source] io::Error),
    #[error("waiting for the password")]
    Wait(#[source] io::Error),
    #[error("interrupted")]
    Interrupted,
}

/// The new password of the user `name`.
pub(super) fn take(name: &UserName, locale: Locale) -> Result<Password, NewPasswordError> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return choose(first_line(stdin.lock())?, name);
    }
    let ask = |field| {
        let prompt = format!("{}{}", field_label(locale, field), locale.colon());
        hidden_line(stdin.as_fd(), stdin.lock(), &mut io::stderr(), &prompt)
    };
    let password = choose(ask(Field::Password)?, name)?;
    if ask(Field::PasswordAgain)? == password.reveal() {
        Ok(password)
    } else {
        Err(refused(Field::PasswordAgain, Problem::PasswordsDiffer))
    }
}

fn choose(text: String, name: &UserName) -> Result<Password, NewPasswordError> {
    Password::choose(text, name).map_err(|problem| refused(Field::Password, problem))
}

fn refused(field: Field, problem: Problem) -> NewPasswordError {
    NewPasswordError::Refused(Failure::of_field(field, problem))
}

/// The first line, without its end.
fn first_line(input: impl Read) -> Result<String, NewPasswordError> {
    let mut line = String::new();
    BufReader::new(input.take(MAX_LINE_BYTES))
        .read_line(&mut line)
        .map_err(NewPasswordError::Read)?;
    if line.ends_with('\n') {
        line.pop();
        if line.ends_with('\r') {
            line.pop();
        }
    }
    Ok(line)
}

/// A line typed at `terminal`, read from `input`, without showing it. Whoever interrupts it finds
/// their terminal as it was.
fn hidden_line(
    terminal: BorrowedFd<'_>,
    input: impl Read,
    output: &mut impl Write,
    prompt: &str,
) -> Result<String, NewPasswordError> {
    let signals = HeldSignals::begin()?;
    let hidden = Hidden::begin(terminal)?;
    // A prompt that nobody can read stops nobody from typing.
    let _ = write!(output, "{prompt}").and_then(|()| output.flush());
    let line = match signals.wait_beside(terminal) {
        Ok(None) => first_line(input),
        Ok(Some(signal)) => {
            drop(hidden);
            let _ = writeln!(output);
            drop(signals);
            // Ends the process as if nobody had held it up.
            let _ = raise(signal);
            return Err(NewPasswordError::Interrupted);
        }
        Err(error) => Err(error),
    };
    drop(hidden);
    let _ = writeln!(output);
    line
}

/// A terminal that shows nothing of what is typed, as long as this lives.
struct Hidden<'a> {
    terminal: BorrowedFd<'a>,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn begin(terminal: BorrowedFd<'a>) -> Result<Self, NewPasswordError> {
        let hide = |errno: rustix::io::Errno| NewPasswordError::Hide(errno.into());
        let before = tcgetattr(terminal).map_err(hide)?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown, so that one sees that it was taken; what was typed before
        // the prompt was seen by everybody, and is thrown away.
        tcsetattr(terminal, OptionalActions::Flush, &modes).map_err(hide)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // The terminal may be gone; there is nothing to put right then.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Signals that would end the process and wait instead, as long as this lives.
struct HeldSignals {
    arrived: SignalFd,
    before: SigSet,
}

impl HeldSignals {
    fn begin() -> Result<Self, NewPasswordError> {
        let wait = |errno: nix::Error| NewPasswordError::Wait(errno.into());
        let mut held = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
            held.add(signal);
        }
        let arrived = SignalFd::with_flags(&held, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
            .map_err(wait)?;
        let before = held.thread_swap_mask(SigmaskHow::SIG_BLOCK).map_err(wait)?;
        Ok(Self { arrived, before })
    }

    /// Waits until there is something to read from `input`, or for one of the signals.
    fn wait_beside(&self, input: BorrowedFd<'_>) -> Result<Option<Signal>, NewPasswordError> {
        let mut both = [
            PollFd::from_borrowed_fd(input, PollFlags::IN),
            PollFd::new(&self.arrived, PollFlags::IN),
        ];
        loop {
            match poll(&mut both, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(NewPasswordError::Wait(errno.into())),
            }
        }
        match self.arrived.read_signal() {
            Ok(Some(arrived)) => Ok(Some(
                i32::try_from(arrived.ssi_signo)
                    .ok()
                    .and_then(|number| Signal::try_from(number).ok())
                    .unwrap_or(Signal::SIGTERM),
            )),
            Ok(None) => Ok(None),
            Err(errno) => Err(NewPasswordError::Wait(errno.into())),
        }
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        let _ = self.before.thread_set_mask();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use nix::pty::openpty;

    use super::*;

    #[test]
    fn a_line_is_read_without_its_end() {
        for (input, line) in [
            ("two words\n", "two words"),
            ("two words\r\nmore\n", "two words"),
            (" kept \n", " kept "),
            ("no end", "no end"),
            ("", ""),
            ("\n", ""),
        ] {
            assert_eq!(first_line(input.as_bytes()).unwrap(), line);
        }
        assert_eq!(first_line(io::repeat(b'x')).unwrap().len(), 4096);
        assert!(matches!(first_line(&b"\xff\n"[..]), Err(NewPasswordError::Read(_))));
    }

    #[test]
    fn a_weak_password_is_refused() {
        let name = "anna".parse().unwrap();
        assert!(choose("correct horse battery".to_owned(), &name).is_ok());
        for weak in ["", "short", "password123", "annaannaan"] {
            let error = choose(weak.to_owned(), &name).unwrap_err();
            assert!(matches!(error, NewPasswordError::Refused(Failure::Invalid { .. })), "{weak}");
        }
    }

    #[test]
    fn what_is_typed_is_not_shown_and_the_terminal_is_put_right() {
        let pty = openpty(None, None).unwrap();
        let (mut keyboard, terminal) = (File::from(pty.master), File::from(pty.slave));
        let before = tcgetattr(&terminal).unwrap();
        assert!(before.local_modes.contains(LocalModes::ECHO));

        /// Types a line as soon as the prompt is there.
        struct Typist<'a>(&'a mut File, &'a [u8], Vec<u8>);
        impl Write for Typist<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.2.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                self.0.write_all(self.1)
            }
        }
        let mut typist = Typist(&mut keyboard, b"a long secret\n", Vec::new());
        let line = hidden_line(terminal.as_fd(), &terminal, &mut typist, "Password: ").unwrap();
        assert_eq!(line, "a long secret");
        assert_eq!(typist.2, b"Password: \n");
        assert_eq!(tcgetattr(&terminal).unwrap().local_modes, before.local_modes);

        // What the terminal sent back to be shown: nothing before this.
        (&terminal).write_all(b"shown").unwrap();
        let mut shown = [0; 5];
        keyboard.read_exact(&mut shown).unwrap();
        assert_eq!(&shown, b"shown");
    }
}
