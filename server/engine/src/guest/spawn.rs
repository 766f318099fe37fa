//! The caller's side of a start: running the supervisor and talking to it until the guest runs.
//!
//! The supervisor's descriptor 0 is the channel; the plan is the first packet. Dropping a
//! [`Spawned`] closes the channel, and the supervisor then ends with everything it has made.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::libc;
use sys::memfd::{self, MemfdError};
use sys::seqpacket::{self, PacketError};

use super::console;
use super::plan::{GO, MAX_PACKET_BYTES, Report, StartFailure, StartPlan, Step};
use crate::state::ProcessIdentity;

/// How long a supervisor may take for one step of the conversation.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a guest was not made.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// The plan could not be written.
    #[error("writing the plan")]
    EncodePlan(#[source] serde_json::Error),
    /// The plan could not be put in sealed memory.
    #[error("handing the plan over")]
    HandPlan(#[source] MemfdError),
    /// The console log could not be opened.
    #[error("opening {path}")]
    OpenLog {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The supervisor could not be started.
    #[error("starting the supervisor {executable}")]
    StartSupervisor {
        /// The program.
        executable: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Talking to the supervisor failed, or it did not answer in time.
    #[error("talking to the supervisor")]
    Talk(#[source] PacketError),
    /// The supervisor ended without a word.
    #[error("the supervisor has ended")]
    SupervisorEnded,
    /// The supervisor said something that is not an answer.
    #[error("understanding the supervisor")]
    Understand(#[source] serde_json::Error),
    /// It answered out of turn.
    #[error("the supervisor answered out of turn")]
    OutOfTurn,
    /// A process that was just made is gone.
    #[error("process {pid} is gone")]
    Gone {
        /// Its pid.
        pid: u32,
    },
    /// The guest's files hold no init of its style.
    #[error("the VServer has no {path}")]
    NoInit {
        /// What is missing in it.
        path: String,
    },
    /// Its first program is of another architecture.
    #[error("{path} is of another architecture")]
    OtherArchitecture {
        /// The program, or the interpreter of the script that it is.
        path: String,
    },
    /// A step of making the guest failed.
    #[error("{step} {subject}")]
    Make {
        /// Which step.
        step: Step,
        /// To what.
        subject: String,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
}

impl From<StartFailure> for GuestError {
    fn from(failure: StartFailure) -> Self {
        let StartFailure { step, subject, errno } = failure;
        let is_absent = matches!(errno, libc::ENOENT | libc::ENOTDIR | libc::EACCES);
        match step {
            Step::FindInit | Step::Execute if is_absent => Self::NoInit { path: subject },
            Step::Execute if errno == libc::ENOEXEC => Self::OtherArchitecture { path: subject },
            _ => Self::Make { step, subject, source: io::Error::from_raw_os_error(errno) },
        }
    }
}

/// A line of `fstab` that could not be mounted. The start went on, as the original's did.
#[derive(Debug, thiserror::Error)]
#[error("fstab line {line}")]
pub struct SkippedMount {
    /// The line, from 1.
    pub line: usize,
    /// Why.
    #[source]
    pub source: GuestError,
}

/// A guest whose first process exists and waits.
#[derive(Debug)]
#[must_use = "dropping this ends the guest"]
pub struct Spawned {
    channel: OwnedFd,
    supervisor: ProcessIdentity,
    init: ProcessIdentity,
    is_mounted: bool,
    skipped: Vec<SkippedMount>,
}

/// A guest that runs.
#[derive(Debug)]
pub struct Started {
    /// Its supervisor.
    pub supervisor: ProcessIdentity,
    /// Its pid 1.
    pub init: ProcessIdentity,
    /// What of its `fstab` could not be mounted.
    pub skipped: Vec<SkippedMount>,
    channel: OwnedFd,
}

/// What became of a start command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartCommand {
    /// It has ended.
    Ended {
        /// With this status; none when a signal ended it.
        status: Option<u8>,
    },
    /// It still runs.
    Runs,
    /// Nobody tells any more: the guest has ended.
    Gone,
}

impl Started {
    /// Waits for the end of the start command, if the plan said that somebody wants to hear of it.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn wait_for_start_command(&self, patience: Duration) -> io::Result<StartCommand> {
        if !sys::wait::until_readable(&self.channel, Instant::now() + patience)? {
            return Ok(StartCommand::Runs);
        }
        Ok(match receive(&self.channel) {
            Ok(Report::StartCommandEnded { status }) => StartCommand::Ended { status },
            _ => StartCommand::Gone,
        })
    }
}

/// Starts a supervisor with this plan. When this returns, the guest's namespaces exist and its
/// first process waits in them.
///
/// # Errors
/// When the supervisor cannot be started or cannot make the guest; nothing is left then.
pub fn spawn(plan: &StartPlan) -> Result<Spawned, GuestError> {
    let text = serde_json::to_vec(plan).map_err(GuestError::EncodePlan)?;
    let memory = memfd::sealed("ulysse-plan", &text).map_err(GuestError::HandPlan)?;
    let log = open_log(&plan.console_log)
        .map_err(|source| GuestError::OpenLog { path: plan.console_log.clone(), source })?;
    let failed =
        |source| GuestError::StartSupervisor { executable: plan.executable.clone(), source };
    let (channel, theirs) = seqpacket::pair().map_err(failed)?;
    let timeout = |option| {
        rustix::net::sockopt::set_socket_timeout(&channel, option, Some(PATIENCE))
            .map_err(|errno| failed(errno.into()))
    };
    timeout(rustix::net::sockopt::Timeout::Recv)?;
    timeout(rustix::net::sockopt::Timeout::Send)?;
    // It forks once and the first process ends at once: nobody here has to reap a supervisor.
    let mut first = Command::new(&plan.executable)
        .arg0("ulysse")
        .args(["supervise", plan.name.as_str()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(theirs))
        .stdout(Stdio::null())
        .stderr(Stdio::from(log))
        .spawn()
        .map_err(failed)?;
    let report = seqpacket::send(&channel, b"plan", &[memory.as_fd()])
        .map_err(GuestError::Talk)
        .and_then(|()| receive(&channel));
    if report.is_err() {
        // Without a channel it has nothing to stay for.
        let _ = rustix::net::shutdown(&channel, rustix::net::Shutdown::Both);
    }
    let ended = first.wait();
    let (supervisor, init) = match report? {
        Report::Created { supervisor, init } => (supervisor, init),
        Report::Failed(failure) => return Err(failure.into()),
        _ => return Err(GuestError::OutOfTurn),
    };
    ended.map_err(failed)?;
    match (ProcessIdentity::of(supervisor), ProcessIdentity::of(init)) {
        (Some(supervisor), Some(init)) => {
            Ok(Spawned { channel, supervisor, init, is_mounted: false, skipped: Vec::new() })
        }
        // One that failed this fast has said why.
        (known, _) => loop {
            match receive(&channel) {
                Ok(Report::Failed(failure)) => return Err(failure.into()),
                Ok(Report::Skipped { .. } | Report::Mounted) => {}
                _ => {
                    let pid = if known.is_some() { init } else { supervisor };
                    return Err(GuestError::Gone { pid });
                }
            }
        },
    }
}

impl Spawned {
    /// Its supervisor.
    #[must_use]
    pub fn supervisor(&self) -> ProcessIdentity {
        self.supervisor
    }

    /// The guest's first process, in whose namespaces the network is to be set up.
    #[must_use]
    pub fn init(&self) -> ProcessIdentity {
        self.init
    }

    /// Why the guest has ended before it was let run, if it has: whatever needs it alive fails then, and
    /// not for that reason.
    #[must_use]
    pub fn why_ended(&self) -> Option<GuestError> {
        // A process that ends loses its namespaces first.
        if Path::new(&format!("/proc/{}/ns/net", self.init.pid)).exists() {
            return None;
        }
        loop {
            match receive(&self.channel) {
                Ok(Report::Skipped { .. } | Report::Mounted) => {}
                Ok(Report::Failed(failure)) => return Some(failure.into()),
                Ok(_) => return Some(GuestError::OutOfTurn),
                Err(error) => return Some(error),
            }
        }
    }

    /// Waits until all of its mounts are made; gives what of its `fstab` could not be mounted.
    ///
    /// # Errors
    /// When it did not come to that; nothing of it is left then.
    pub fn wait_until_mounted(&mut self) -> Result<&[SkippedMount], GuestError> {
        while !self.is_mounted {
            let report = receive(&self.channel)?;
            if self.hear(report)? {
                return Err(GuestError::OutOfTurn);
            }
        }
        Ok(&self.skipped)
    }

    /// Takes what the supervisor says; whether the guest runs.
    fn hear(&mut self, report: Report) -> Result<bool, GuestError> {
        match report {
            Report::Skipped { line, failure } => {
                self.skipped.push(SkippedMount { line, source: failure.into() });
            }
            Report::Mounted => self.is_mounted = true,
            Report::Started => return Ok(true),
            Report::Failed(failure) => return Err(failure.into()),
            Report::Created { .. } | Report::StartCommandEnded { .. } => {
                return Err(GuestError::OutOfTurn);
            }
        }
        Ok(false)
    }

    /// Lets the guest run, and waits until its first program does.
    ///
    /// # Errors
    /// When it did not come to that; nothing of it is left then.
    pub fn go(mut self) -> Result<Started, GuestError> {
        // It may have failed and said so already: what it said counts, not that it is gone.
        let told = seqpacket::send(&self.channel, GO, &[]);
        loop {
            match receive(&self.channel) {
                Ok(report) => {
                    if self.hear(report)? {
                        let Self { supervisor, init, skipped, channel, .. } = self;
                        return Ok(Started { supervisor, init, skipped, channel });
                    }
                }
                Err(error) => {
                    told.map_err(GuestError::Talk)?;
                    return Err(error);
                }
            }
        }
    }
}

fn receive(channel: &OwnedFd) -> Result<Report, GuestError> {
    let mut buffer = vec![0; MAX_PACKET_BYTES];
    let received = seqpacket::receive(channel, &mut buffer).map_err(GuestError::Talk)?;
    let bytes = buffer.get(..received.bytes).unwrap_or_default();
    if bytes.is_empty() {
        return Err(GuestError::SupervisorEnded);
    }
    serde_json::from_slice(bytes).map_err(GuestError::Understand)
}

/// The console log, for what the supervisor itself has to say should it fail badly.
fn open_log(path: &Path) -> io::Result<std::fs::File> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
        console::forget_old_boots(directory)?;
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}
