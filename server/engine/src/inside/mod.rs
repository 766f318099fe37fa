//! Looking into guests: what they printed and logged, and their services.
//!
//! Invariants:
//! - A guest's programs and files are a stranger's: what is run inside gets no descriptor of the host's, ends in
//!   time, and of what it says a bounded part is read. Files are opened beneath its root.
//! - What is asked on behalf of a page runs a few times at once and no more: guests that hang must not take all
//!   threads that answer requests.
//! - Which program is run, and with which options, is decided here and in `domain`; of a request come only the
//!   names of services, which are no options.

mod follow;
mod init_scripts;
mod logs;
mod services;
mod systemd;

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::failure::{Failure, chain};
use domain::id::VServerName;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

pub(crate) use follow::{console_socket, follow_console};
pub(crate) use logs::{console_text, guest_log};
pub(crate) use services::{order, services};

use crate::engine::Instance;
use crate::exec::{self, ExecError, Invocation};
use crate::hearing::Hearing;
use crate::lifecycle::LifecycleError;
use crate::state::GuestState;

/// How many looks into guests there are at once.
const MAX_LOOKS: usize = 4;

/// How long a program that was told to end may take.
const END_PATIENCE: Duration = Duration::from_millis(500);

static LOOKS: AtomicUsize = AtomicUsize::new(0);

/// One of the looks that may be at once.
struct Look;

impl Look {
    fn begin() -> Result<Self, Failure> {
        let begun = LOOKS.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |looks| {
            (looks < MAX_LOOKS).then_some(looks + 1)
        });
        begun.map(|_| Self).map_err(|_| Failure::QueueFull { limit: MAX_LOOKS })
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        LOOKS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Why a program inside could not be heard.
#[derive(Debug, thiserror::Error)]
enum InsideError {
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] ExecError),
    /// It could not be listened to or waited for.
    #[error("hearing {program}")]
    Hear {
        /// Which.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It did not end in time, and was ended.
    #[error("{program} did not end in time")]
    TimedOut {
        /// Which.
        program: String,
        /// So long was waited, in seconds.
        seconds: u64,
    },
}

impl From<InsideError> for Failure {
    fn from(error: InsideError) -> Self {
        match error {
            InsideError::Start(ExecError::NotRunning { name }) => Self::NotRunning { name },
            InsideError::TimedOut { program, seconds } => Self::TimedOut { what: program, seconds },
            InsideError::Hear { ref program, .. } => {
                Self::ProgramFailed { program: program.clone(), detail: chain(&error) }
            }
            InsideError::Start(error) => Self::Unexpected { detail: chain(&error) },
        }
    }
}

/// What of a program's words is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hear {
    /// What it answers.
    Output,
    /// What it complains of, too.
    Everything,
}

/// What a program inside has said.
struct Said {
    /// Its exit status, as a shell counts it.
    status: u8,
    /// Its words.
    bytes: Vec<u8>,
    /// Whether there were more than were wanted.
    is_cut: bool,
}

impl Said {
    /// Keeps what there is room for. What is too much is dropped, so that the program ends.
    fn take(&mut self, bytes: &[u8], max_bytes: usize) {
        let room = max_bytes.saturating_sub(self.bytes.len());
        self.is_cut |= bytes.len() > room;
        self.bytes.extend(bytes.iter().take(room));
    }

    /// Its last line, for people.
    fn last_line(&self) -> String {
        let text = domain::guest_log::printable(&self.bytes);
        let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
        last.unwrap_or_default().chars().take(200).collect()
    }
}

/// The record of a VServer that runs.
fn running(instance: &Instance, name: &VServerName) -> Result<GuestState, Failure> {
    let roots = &instance.settings.roots;
    if !roots.config_of(name).is_dir() {
        return Err(Failure::NoSuchVServer { name: name.clone() });
    }
    let state = GuestState::running(roots, name).map_err(LifecycleError::from)?;
    state.ok_or_else(|| Failure::NotRunning { name: name.clone() })
}

/// Runs a program inside to its end and gives what it says, at most `max_bytes` of it.
fn run(
    instance: &Instance,
    state: &GuestState,
    words: &[String],
    hear: Hear,
    max_bytes: usize,
    patience: Duration,
) -> Result<Said, InsideError> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = |source| InsideError::Hear { program: program.clone(), source };
    let (mut hearing, input) = Hearing::begin().map_err(failed)?;
    let invocation =
        Invocation { argv: words.iter().map(Into::into).collect(), ..Invocation::default() };
    let roots = &instance.settings.roots;
    let mut command = exec::command(&instance.executable, roots, state, &invocation)?;
    command.stdin(Stdio::null());
    match hear {
        Hear::Output => command.stderr(Stdio::null()),
        Hear::Everything => command.stderr(input.try_clone().map_err(failed)?),
    };
    command.stdout(input);
    let mut child = exec::start(command)?;
    let mut said = Said { status: 0, bytes: Vec::new(), is_cut: false };
    let mut take = |bytes: &[u8]| said.take(bytes, max_bytes);
    let waited = hearing.until_end(&child, Instant::now() + patience, &mut take);
    if !matches!(waited, Ok(true)) {
        end(&mut child);
        waited.map_err(failed)?;
        return Err(InsideError::TimedOut { program, seconds: patience.as_secs() });
    }
    let status = child.wait().map_err(failed)?;
    hearing.take_what_is_there(&mut take);
    Ok(Said { status: exec::exit_code(status), ..said })
}

/// Ends a program: the role that runs it is told to, and killed when it does not.
fn end(child: &mut Child) {
    if let Ok(pidfd) = pidfd_open(Pid::from_child(child), PidfdFlags::empty()) {
        let _ = pidfd_send_signal(&pidfd, Signal::TERM);
        let deadline = Instant::now() + END_PATIENCE;
        if !sys::wait::until_readable(&pidfd, deadline).unwrap_or(false) {
            let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        }
    }
    let _ = child.wait();
}

/// Up to `max_bytes` of a file beneath a guest's root, none when it is no file that can be read.
fn read_file(root: &Path, path: &str, max_bytes: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    crate::tree::open_file_in(root, path).ok()?.take(max_bytes).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
