//! Waiting until a VServer that was just started has booted: until its services run, as far as that can be
//! known.
//!
//! With our own pid 1 that is the end of the start command, which its supervisor tells. systemd is asked by a
//! program of the VServer's own, run inside with the VServer's rights. Of another pid 1 nothing more is known than
//! that it runs. What is said inside is a stranger's word: it decides when those begin that need this VServer,
//! and nothing else.
//!
//! Held by nobody: the VServer can be stopped, entered and deleted meanwhile.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::init_style::init_plan;
use super::stop::open_process;
use crate::config::InitConfig;
use crate::engine::Instance;
use crate::exec::{self, Invocation};
use crate::guest::{InitPlan, StartCommand, Started};
use crate::hearing::Hearing;
use crate::state::GuestState;

/// How often is looked whether to give up, and how long is waited before systemd is asked again.
const LOOK: Duration = Duration::from_millis(250);

/// How long a pid 1 that has let go of everything takes to end at most: the kernel ends all others first.
const DYING: Duration = Duration::from_secs(10);

/// The most bytes of an answer that are read.
const MAX_ANSWER_BYTES: usize = 64;

/// What systemd calls the states in which it has booted, with failed units or without.
const UP: [&str; 3] = ["running", "degraded", "maintenance"];

/// Whether a VServer has booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It has, or it is not known and pid 1 runs.
    Ready,
    /// Not in time.
    Late,
    /// It has ended.
    Ended,
    /// Nobody wants to know any more.
    GivenUp,
}

/// A VServer whose pid 1 has just been started.
#[derive(Debug)]
pub struct Booting {
    started: Started,
    /// What became of the start command, when that is known already.
    start_command: Option<StartCommand>,
    /// The VServer's own program that is pid 1; none when it is Ulysse's.
    program: Option<String>,
    state: GuestState,
}

impl Booting {
    pub(super) fn new(
        started: Started,
        start_command: Option<StartCommand>,
        init: &InitConfig,
        state: GuestState,
    ) -> Self {
        let program = match init_plan(init, &state.stop) {
            InitPlan::Own { .. } => None,
            InitPlan::Program { command } => Some(command.into_iter().next().unwrap_or_default()),
        };
        Self { started, start_command, program, state }
    }

    /// Waits until it has booted, for so long, or until `give_up` says otherwise.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn wait(
        &self,
        instance: &Instance,
        patience: Duration,
        give_up: &AtomicBool,
    ) -> io::Result<Readiness> {
        let wait = Wait { deadline: Instant::now() + patience, give_up };
        match &self.program {
            None => self.wait_for_start_command(&wait),
            Some(program) if is_systemd(&self.state.root, program) => {
                self.wait_for_systemd(instance, &wait)
            }
            Some(_) => Ok(match self.state.is_running() {
                true => Readiness::Ready,
                false => Readiness::Ended,
            }),
        }
    }

    fn wait_for_start_command(&self, wait: &Wait<'_>) -> io::Result<Readiness> {
        let mut said = self.start_command;
        loop {
            match said {
                Some(StartCommand::Ended { .. }) => return Ok(Readiness::Ready),
                Some(StartCommand::Gone) => return self.after_the_last_word(wait.deadline),
                Some(StartCommand::Runs) | None => {}
            }
            if let Some(end) = wait.end() {
                return Ok(end);
            }
            said = Some(self.started.wait_for_start_command(wait.step())?);
        }
    }

    /// Whoever would tell is gone: pid 1, which lets go of everything a while before it has ended, or its
    /// supervisor alone.
    fn after_the_last_word(&self, deadline: Instant) -> io::Result<Readiness> {
        let Some(init) = self.state.init else { return Ok(Readiness::Ended) };
        let Some(pidfd) = open_process(init)? else { return Ok(Readiness::Ended) };
        let deadline = deadline.min(Instant::now() + DYING);
        Ok(match sys::wait::until_readable(&pidfd, deadline)? {
            true => Readiness::Ended,
            false => Readiness::Ready,
        })
    }

    fn wait_for_systemd(&self, instance: &Instance, wait: &Wait<'_>) -> io::Result<Readiness> {
        let Some(init) = self.state.init else { return Ok(Readiness::Ended) };
        let Some(pidfd) = open_process(init)? else { return Ok(Readiness::Ended) };
        // An old systemd does not know how to wait: every other time it is only asked.
        let mut waits = true;
        loop {
            if let Some(answer) = self.ask(instance, waits, wait)
                && UP.contains(&answer.trim())
            {
                return Ok(Readiness::Ready);
            }
            if sys::wait::until_readable(&pidfd, Instant::now() + wait.step())? {
                return Ok(Readiness::Ended);
            }
            if let Some(end) = wait.end() {
                return Ok(end);
            }
            waits = !waits;
        }
    }

    /// What systemd says of itself; none when it cannot be asked yet.
    fn ask(&self, instance: &Instance, waits: bool, wait: &Wait<'_>) -> Option<String> {
        let mut argv = vec!["systemctl", "is-system-running"];
        argv.extend(waits.then_some("--wait"));
        let argv = argv.into_iter().map(OsString::from).collect();
        let invocation = Invocation { argv, ..Invocation::default() };
        let roots = &instance.settings.roots;
        let (mut hearing, input) = Hearing::begin().ok()?;
        let mut command =
            exec::command(&instance.executable, roots, &self.state, &invocation).ok()?;
        command.stdin(Stdio::null()).stdout(input).stderr(Stdio::null());
        let child = Asked(exec::start(command).ok()?);
        let mut answer = Vec::new();
        let mut take = |bytes: &[u8]| {
            let room = MAX_ANSWER_BYTES.saturating_sub(answer.len());
            answer.extend(bytes.iter().take(room));
        };
        while !hearing.until_end(&child.0, Instant::now() + wait.step(), &mut take).ok()? {
            if wait.end().is_some() {
                return None;
            }
        }
        hearing.take_what_is_there(&mut take);
        Some(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// How long is waited.
struct Wait<'a> {
    deadline: Instant,
    give_up: &'a AtomicBool,
}

impl Wait<'_> {
    /// Why nothing is waited for any more, if so.
    fn end(&self) -> Option<Readiness> {
        if self.give_up.load(Ordering::Relaxed) {
            return Some(Readiness::GivenUp);
        }
        (Instant::now() >= self.deadline).then_some(Readiness::Late)
    }

    /// Until the next look.
    fn step(&self) -> Duration {
        LOOK.min(self.deadline.saturating_duration_since(Instant::now()))
    }
}

/// A question that is ended when nobody waits for its answer.
struct Asked(Child);

impl Drop for Asked {
    fn drop(&mut self) {
        // It has ended already when it has answered.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a program of a VServer's is systemd, wherever links lead within its files.
fn is_systemd(root: &Path, program: &str) -> bool {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let open = || -> rustix::io::Result<OwnedFd> {
        let root = openat2(CWD, root, flags, Mode::empty(), ResolveFlags::empty())?;
        let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        openat2(&root, program, flags, Mode::empty(), inside)
    };
    let path = open()
        .ok()
        .and_then(|found| std::fs::read_link(format!("/proc/self/fd/{}", found.as_raw_fd())).ok());
    path.is_some_and(|path| path.file_name().is_some_and(|name| name == "systemd"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn systemd_is_found_over_links_that_stay_inside() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path();
        for directory in ["sbin", "usr/lib/systemd"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        fs::write(root.join("usr/lib/systemd/systemd"), "").unwrap();
        symlink("/lib/systemd/systemd", root.join("sbin/init")).unwrap();
        assert!(!is_systemd(root, "/sbin/init"), "no such file inside");
        symlink("usr/lib", root.join("lib")).unwrap();
        assert!(is_systemd(root, "/sbin/init"));
        fs::write(root.join("sbin/minit"), "").unwrap();
        assert!(!is_systemd(root, "/sbin/minit"));
    }
}
