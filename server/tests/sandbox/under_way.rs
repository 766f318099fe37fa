//! A command that is under way: a test looks at what it does, and interrupts it. Nothing of it is left when
//! the test has ended, also when that failed.

use std::fs;
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
}

impl UnderWay {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().try_into().unwrap())
    }

    /// Interrupts it, as Ctrl-C does, and sees that it ends as what was cancelled.
    pub(crate) fn cancel(mut self) {
        kill(self.pid(), Signal::SIGINT).unwrap();
        let mut ended = None;
        until("it has ended", || {
            ended = self.0.try_wait().unwrap();
            ended.is_some()
        });
        assert_eq!(ended.unwrap().code(), Some(130));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The child of a process that is this role of Ulysse's, if there is one.
pub(crate) fn child_of(pid: Pid, role: &str) -> Option<Pid> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let children = threads.filter_map(|one| fs::read_to_string(one.path().join("children")).ok());
    let pids: Vec<i32> = children
        .flat_map(|list| list.split_whitespace().flat_map(str::parse).collect::<Vec<_>>())
        .collect();
    let is_it = |pid: &i32| {
        fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|words| words.split(|byte| *byte == 0).nth(1) == Some(role.as_bytes()))
    };
    pids.into_iter().find(is_it).map(Pid::from_raw)
}
