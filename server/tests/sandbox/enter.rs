//! Entering a VServer as somebody at a terminal does: `vserver NAME enter` on a pty that is its session's
//! own, a command typed there, its output read, the shell left with a status.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::Sandbox;

/// Wide enough for no line to be wrapped.
const SIZE: Winsize = Winsize { ws_row: 30, ws_col: 190, ws_xpixel: 0, ws_ypixel: 0 };
/// A status that no shell ends with by itself.
const LEFT_WITH: i32 = 73;

/// A terminal, and who is at its other end.
pub(crate) struct Terminal {
    file: fs::File,
    child: Child,
    pub(crate) seen: String,
}

impl Terminal {
    /// Starts a command in a session of its own that has this terminal.
    pub(crate) fn start(command: &Command) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let file = openpt(flags).unwrap();
        unlockpt(&file).unwrap();
        tcsetwinsize(&file, SIZE).unwrap();
        let end = fs::File::from(ioctl_tiocgptpeer(&file, flags).unwrap());
        let mut session = Command::new("setsid");
        session.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
        session.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        session.env("TERM", "xterm");
        session.stdin(Stdio::from(end.try_clone().unwrap()));
        session.stdout(Stdio::from(end.try_clone().unwrap())).stderr(Stdio::from(end));
        let child = session.spawn().unwrap();
        Self { file: file.into(), child, seen: String::new() }
    }

    pub(crate) fn type_in(&mut self, line: &str) {
        self.file.write_all(line.as_bytes()).unwrap();
    }

    /// Reads on; false when nobody is at the other end any more.
    fn read(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: left.as_secs().try_into().unwrap(), tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&left)).unwrap();
        assert!(ready > 0, "nothing more came, but: {}", self.seen);
        let mut buffer = [0; 4096];
        // A terminal without another end cannot be read (EIO).
        let Ok(bytes @ 1..) = self.file.read(&mut buffer) else { return false };
        self.seen.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
        true
    }

    pub(crate) fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.seen.contains(text) {
            assert!(self.read(deadline), "{text:?} never came, but: {}", self.seen);
        }
    }

    /// The status that it ends with.
    pub(crate) fn wait_for_end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.read(deadline) {}
        self.child.wait().unwrap().code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Sandbox {
    /// Enters a VServer that runs: what is typed runs in it, as its root, on a terminal, and how its shell
    /// ends is how `enter` does.
    pub(crate) fn enter(&self, name: &str) {
        let nodename = self.settings.roots.config_base.join(name).join("uts/nodename");
        let host_name = fs::read_to_string(nodename).unwrap();
        let mut terminal = Terminal::start(&self.ulysse("vserver", &[name, "enter"]));
        // Whatever the shell, root's prompt ends so.
        terminal.wait_for("# ");
        let host = "$(cat /proc/sys/kernel/hostname)";
        terminal
            .type_in(&format!("echo on {host} as $(id -u), $(test -t 0 && echo at a terminal)\n"));
        terminal.wait_for(&format!("on {} as 0, at a terminal\r\n", host_name.trim()));
        terminal.type_in(&format!("exit {LEFT_WITH}\n"));
        assert_eq!(terminal.wait_for_end(), Some(LEFT_WITH), "{}", terminal.seen);
    }
}
