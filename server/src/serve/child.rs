//! One of the two processes that `ulysse serve` keeps running.

use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use engine::engine::Instance;
use nix::libc;

use super::{Ends, ServeError};

/// How long one that died at once is waited with, at first and at most.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// One that lived this long died of something new.
const LONG_LIFE: Duration = Duration::from_secs(60);
/// How long the web process may take to send what it has begun to say.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// How the C library keeps memory (mallopt(3)): one heap for all threads, and it grows by much at a time. The end of a
/// heap of a thread's own is moved page by page, with a call of the kernel for each, and what is free in one is
/// of no use to the others.
const HEAP: [(&str, &str); 2] = [("MALLOC_ARENA_MAX", "1"), ("MALLOC_TOP_PAD_", "1048576")];

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Answers the web process.
    Engine,
    /// Answers browsers.
    Web,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Web => "web",
        }
    }

    /// What it gets when `ulysse serve` dies. The engine's journal makes any end as good as another.
    fn death_signal(self) -> i32 {
        match self {
            Self::Engine => libc::SIGKILL,
            Self::Web => libc::SIGTERM,
        }
    }
}

/// A process that is to run always.
pub(super) struct Child {
    role: Role,
    running: Option<(std::process::Child, Instant)>,
    due: Option<Instant>,
    delay: Duration,
}

impl Child {
    /// One that was never started.
    pub(super) fn new(role: Role) -> Self {
        Self { role, running: None, due: None, delay: Duration::ZERO }
    }

    /// When it is to be started again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| self.running.is_none())
    }

    /// Starts it unless it runs or has to wait.
    pub(super) fn start_if_due(
        &mut self,
        instance: &Instance,
        ends: &Ends,
        now: Instant,
    ) -> Result<(), ServeError> {
        if self.running.is_some() || self.due.is_some_and(|due| due > now) {
            return Ok(());
        }
        let role = self.role.word();
        let failed = |source| ServeError::Start { role, source };
        let mut command = Command::new(&instance.executable);
        command.arg(role);
        if let Some(file) = &instance.settings_file {
            command.arg("--config").arg(file);
        }
        command.envs(HEAP).current_dir("/").stdin(Stdio::null());
        let descriptors = ends.of(self.role).map_err(failed)?;
        sys::descriptor::hand_on(&mut command, descriptors.into_iter().zip(3..).collect());
        let death_signal = self.role.death_signal();
        sys::session::Session { death_signal, ..Default::default() }.prepare(&mut command);
        self.running = Some((command.spawn().map_err(failed)?, now));
        self.due = None;
        Ok(())
    }

    /// Sees whether it has died, and when it is to be started again.
    pub(super) fn reap(&mut self, now: Instant) -> io::Result<()> {
        let Some((child, since)) = &mut self.running else { return Ok(()) };
        let Some(status) = child.try_wait()? else { return Ok(()) };
        let life = now.saturating_duration_since(*since);
        self.delay = if life >= LONG_LIFE {
            Duration::ZERO
        } else {
            (self.delay * 2).clamp(FIRST_DELAY, LONGEST_DELAY)
        };
        tracing::warn!(role = self.role.word(), %status, delay = ?self.delay, "it died");
        self.running = None;
        self.due = Some(now + self.delay);
        Ok(())
    }

    /// Ends it, politely first.
    pub(super) fn end(&mut self) {
        let Some((mut child, _)) = self.running.take() else { return };
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pidfd = pid.and_then(|pid| {
            rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
        });
        if let (Some(pid), Some(pidfd)) = (pid, pidfd) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = sys::wait::until_readable(&pidfd, Instant::now() + END_PATIENCE);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}
