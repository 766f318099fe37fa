//! `ulysse serve` as a process that a test may kill, with its children, and nothing of it when the test
//! has ended.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sandbox::under_way::child_of;
use crate::sandbox::{Sandbox, until};

pub(crate) struct Serve {
    pub(crate) child: Child,
    said: Arc<Mutex<String>>,
}

impl Serve {
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::start_with(sandbox, |_| {})
    }

    /// As [`Serve::start`], after the command was changed.
    pub(crate) fn start_with(sandbox: &Sandbox, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = sandbox.ulysse("serve", &[]);
        change(&mut command);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (words, heard) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&said));
        // For as long as it speaks: a pipe that nobody reads would stop it.
        std::thread::spawn(move || {
            for line in words.lines().map_while(Result::ok) {
                heard.lock().unwrap().extend([line.as_str(), "\n"]);
            }
        });
        let serve = Self { child, said };
        serve.line("Ulysse: https://");
        serve
    }

    /// What it said after these words, once it has said them.
    pub(crate) fn line(&self, start: &str) -> String {
        let mut found = None;
        until(start, || {
            let said = self.said.lock().unwrap();
            found = said.lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned);
            found.is_some()
        });
        found.unwrap()
    }

    /// All that it has said.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id().try_into().unwrap()
    }

    /// The pid of a process it keeps running, once there is one.
    pub(crate) fn child(&self, role: &str) -> i32 {
        let mut found = None;
        until(role, || {
            found = child_of(Pid::from_raw(self.pid()), role).map(Pid::as_raw);
            found.is_some()
        });
        found.unwrap()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

pub(crate) fn kill_at_once(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

/// Its state in `proc_pid_stat(5)`, unless it is gone; a zombie is: its parent has not looked yet.
pub(crate) fn state_of(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next().filter(|state| *state != 'Z')
}

pub(crate) fn is_gone(pid: i32) -> bool {
    state_of(pid).is_none()
}
