//! A command that is under way: a test looks at what it does, and interrupts it. Nothing of it is left when
//! the test has ended, also when that failed.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Sandbox, until};

pub(crate) struct UnderWay(Child);

impl Sandbox {
    /// Begins `vserver WORDS`.
    pub(crate) fn begin(&self, words: &[&str]) -> UnderWay {
        UnderWay(self.ulysse("vserver", words).stderr(Stdio::null()).spawn().unwrap())
    }

    /// The same, with what it says of itself in a file.
    pub(crate) fn begin_heard(&self, words: &[&str]) -> (UnderWay, PathBuf) {
        let path = self.directory().join("said");
        let said = fs::File::create(&path).unwrap();
        (UnderWay(self.ulysse("vserver", words).stderr(said).spawn().unwrap()), path)
    }
}

impl UnderWay {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().try_into().unwrap())
    }

    /// Interrupts it, as Ctrl-C does, and sees that it ends as what was cancelled.
    pub(crate) fn cancel(self) {
        kill(self.pid(), Signal::SIGINT).unwrap();
        assert_eq!(self.end(), Some(130));
    }

    /// Waits until it has ended; the status that it ended with.
    pub(crate) fn end(mut self) -> Option<i32> {
        let mut ended = None;
        until("it has ended", || {
            ended = self.0.try_wait().unwrap();
            ended.is_some()
        });
        ended.unwrap().code()
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that a process has started, itself or by others.
pub(crate) fn descendant_of(pid: Pid, program: &str) -> Option<Pid> {
    let mut ahead = children_of(pid);
    while let Some(next) = ahead.pop() {
        let name = fs::read_to_string(format!("/proc/{next}/comm")).unwrap_or_default();
        if name.trim_end() == program {
            return Some(Pid::from_raw(next));
        }
        ahead.extend(children_of(Pid::from_raw(next)));
    }
    None
}

fn children_of(pid: Pid) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let children = threads.filter_map(|one| fs::read_to_string(one.path().join("children")).ok());
    children
        .flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>())
        .collect()
}

/// The child of a process that is this role of Ulysse's, if there is one.
pub(crate) fn child_of(pid: Pid, role: &str) -> Option<Pid> {
    let is_it = |pid: &i32| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|words| words.split(|byte| *byte == 0).nth(1) == Some(role.as_bytes()))
    };
    children_of(pid).into_iter().find(is_it).map(Pid::from_raw)
}
