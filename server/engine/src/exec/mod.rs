//! Running a command, or a shell, inside a VServer that runs.
//!
//! The work is done by a role of our own binary, `ulysse guest-exec` ([`role`]): a fresh process
//! with one thread, because the kernel lets only such a one change its user and mount namespaces.
//! It gets what it must know in one environment variable, joins the guest, starts the command there
//! and stays to pass on how it ended.
//!
//! Invariants: the command sees no descriptor, no variable and no terminal of the host: with a
//! terminal at both ends it gets one of the guest's own ([`proxy`]), else what is a terminal becomes
//! a pipe. It is in the guest's cgroup and has no more capabilities than the guest's pid 1.

pub mod namespaces;
mod proxy;
mod pty;
mod role;
mod user;
pub mod view;

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::{env, fs, thread};

use protocol::terminal::Size;
use serde::{Deserialize, Serialize};

use crate::config::{self, ProcessSettings};
use crate::roots::Roots;
use crate::state::{GuestState, ProcessIdentity};

pub(crate) use pty::resize;
pub use role::{GuestExecError, guest_exec};

/// The environment variable that carries the plan to the role.
const PLAN_VARIABLE: &str = "ULYSSE_GUEST_EXEC";

/// The name of the role.
const ROLE: &str = "guest-exec";

/// The exit status when the command was never started, as the original's wrappers had it.
pub const NOT_STARTED: u8 = 255;

/// The most bytes of a `shell` file that are read.
const MAX_SHELL_BYTES: usize = 4096;

/// Why a command was not run, or its end is not known.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The VServer does not run.
    #[error("{name} is not running")]
    NotRunning {
        /// Which.
        name: domain::id::VServerName,
    },
    /// The plan could not be written down.
    #[error("writing down what to run")]
    Plan(#[source] serde_json::Error),
    /// A channel to the role could not be made.
    #[error("making a channel")]
    Channel(#[source] io::Error),
    /// The role could not be started.
    #[error("starting {program}")]
    Start {
        /// Our own binary.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A directory as standard input would be a way out of the guest.
    #[error("standard input is a directory")]
    DirectoryAsInput,
    /// The caller's terminal could not be used.
    #[error("using the terminal")]
    Terminal(#[source] io::Error),
    /// The role's end could not be waited for.
    #[error("waiting for the command")]
    Wait(#[source] io::Error),
}

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// The program and its arguments; empty for the guest's shell.
    pub argv: Vec<OsString>,
    /// As whom, by name or number; root when none.
    pub user: Option<String>,
    /// The kind of terminal (`TERM`).
    pub term: Option<String>,
    /// The language (`LANG`).
    pub lang: Option<String>,
}

impl Invocation {
    /// A command with the terminal kind and language of the calling process.
    #[must_use]
    pub fn from_here(argv: Vec<OsString>) -> Self {
        Self { argv, user: None, term: env::var("TERM").ok(), lang: env::var("LANG").ok() }
    }
}

/// What the role must know.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Plan {
    /// The guest's pid 1.
    init: ProcessIdentity,
    /// The guest's cgroup directories.
    cgroups: Vec<PathBuf>,
    /// The capabilities that the command can have at all.
    capabilities: u64,
    user: Option<String>,
    /// What the config tree says the shell is.
    shell: Vec<String>,
    /// How the config tree says processes are served.
    nice: i32,
    processes: ProcessSettings,
    /// Whether a terminal is to be made, and of which size; standard input is then the channel
    /// over which its other end is handed out.
    terminal: Option<Size>,
    term: String,
    lang: String,
}

/// The role's command, ready to be started: the caller chooses its standard input, output and
/// error, which become the guest command's. Its exit status is the command's, or 128 plus the
/// signal that ended it, or [`NOT_STARTED`].
///
/// The role ends with the thread that starts it.
///
/// # Errors
/// When the VServer does not run.
pub fn command(
    executable: &Path,
    roots: &Roots,
    state: &GuestState,
    invocation: &Invocation,
) -> Result<Command, ExecError> {
    role_command(executable, roots, state, invocation, None)
}

/// As [`command`], with a terminal of the guest's: the role's standard input must be a
/// `SOCK_SEQPACKET` over which the terminal's other end is handed out beside one byte.
///
/// # Errors
/// When the VServer does not run.
pub fn command_on_terminal(
    executable: &Path,
    roots: &Roots,
    state: &GuestState,
    invocation: &Invocation,
    size: Size,
) -> Result<Command, ExecError> {
    role_command(executable, roots, state, invocation, Some(size))
}

fn role_command(
    executable: &Path,
    roots: &Roots,
    state: &GuestState,
    invocation: &Invocation,
    terminal: Option<Size>,
) -> Result<Command, ExecError> {
    let not_running = || ExecError::NotRunning { name: state.name.clone() };
    // A tree that was spoiled since its start must not keep anybody out.
    let (nice, processes) =
        config::process_settings_of(roots, &state.name).unwrap_or_else(|error| {
            tracing::warn!(name = %state.name, %error, "a command is run without its settings");
            Default::default()
        });
    let plan = Plan {
        init: state.init.filter(|init| init.is_alive()).ok_or_else(not_running)?,
        cgroups: state.cgroups.clone(),
        capabilities: state.capabilities,
        user: invocation.user.clone(),
        shell: configured_shell(roots, state),
        nice,
        processes,
        terminal,
        term: plain(invocation.term.as_deref(), "linux"),
        lang: plain(invocation.lang.as_deref(), "C.UTF-8"),
    };
    let mut command = Command::new(executable);
    command
        .arg(ROLE)
        .arg("--")
        .args(&invocation.argv)
        .env_clear()
        .env(PLAN_VARIABLE, serde_json::to_string(&plan).map_err(ExecError::Plan)?)
        .current_dir("/");
    Ok(command)
}

/// Runs a command with the caller's standard input, output and error, waits for it and returns its
/// exit status (128 plus the signal that ended it).
///
/// # Errors
/// When the VServer does not run, or the role cannot be started. That the command does not exist
/// is an exit status (127), as in a shell.
pub fn run(
    executable: &Path,
    roots: &Roots,
    state: &GuestState,
    invocation: &Invocation,
) -> Result<u8, ExecError> {
    if rustix::fs::fstat(io::stdin())
        .is_ok_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir())
    {
        return Err(ExecError::DirectoryAsInput);
    }
    let is_background = is_in_background();
    if io::stdin().is_terminal() && io::stdout().is_terminal() && !is_background {
        return run_on_terminal(executable, roots, state, invocation);
    }
    let mut command = command(executable, roots, state, invocation)?;
    if is_background {
        // Whoever reads the terminal from there is stopped, and so is who changes its mode.
        command.stdin(Stdio::null());
    } else if io::stdin().is_terminal() {
        command.stdin(Stdio::piped());
    }
    if io::stdout().is_terminal() {
        command.stdout(Stdio::piped());
    }
    if io::stderr().is_terminal() {
        command.stderr(Stdio::piped());
    }
    let mut child = start(command)?;
    let outputs = pump(&mut child).map_err(ExecError::Terminal)?;
    let status = child.wait().map_err(ExecError::Wait)?;
    for output in outputs {
        // Copying ends when the last writer is gone; a panic in it has nothing to tell.
        let _ = output.join();
    }
    Ok(exit_code(status))
}

/// Whether a shell runs this process in the background of the terminal that is its standard input.
fn is_in_background() -> bool {
    // Only on a terminal is the own group asked for: in a process namespace that was entered it has no
    // number, which rustix takes for impossible.
    rustix::termios::tcgetpgrp(io::stdin())
        .is_ok_and(|foreground| foreground != rustix::process::getpgrp())
}

fn run_on_terminal(
    executable: &Path,
    roots: &Roots,
    state: &GuestState,
    invocation: &Invocation,
) -> Result<u8, ExecError> {
    let size = proxy::size_of(io::stdin()).unwrap_or(Size::DEFAULT);
    let (ours, theirs) = sys::seqpacket::pair().map_err(ExecError::Channel)?;
    let mut command = command_on_terminal(executable, roots, state, invocation, size)?;
    command.stdin(theirs).stdout(Stdio::null());
    let mut child = start(command)?;
    if let Some(master) = receive_terminal(&ours) {
        proxy::run(&master, &mut child).map_err(ExecError::Terminal)?;
    }
    child.wait().map(exit_code).map_err(ExecError::Wait)
}

/// Waits for the terminal that the role hands out. None when it gave up; it has said why.
pub(crate) fn receive_terminal(channel: impl AsFd) -> Option<OwnedFd> {
    sys::seqpacket::receive(channel, &mut [0; 1]).ok()?.descriptors.pop()
}

/// Starts the role and lets go of the descriptors that were given to it.
pub(crate) fn start(mut command: Command) -> Result<Child, ExecError> {
    command
        .spawn()
        .map_err(|source| ExecError::Start { program: command.get_program().into(), source })
}

/// Copies between the caller's terminal and the pipes that stand for it. Returns the threads that
/// copy outputs: their ends mean that nothing more comes.
fn pump(child: &mut Child) -> io::Result<Vec<thread::JoinHandle<()>>> {
    let mut outputs = Vec::new();
    if let Some(mut pipe) = child.stdin.take() {
        // Ends with the process at the latest: nobody can know whether more would be typed.
        thread::Builder::new().spawn(move || drop(io::copy(&mut io::stdin().lock(), &mut pipe)))?;
    }
    if let Some(mut pipe) = child.stdout.take() {
        outputs.push(
            thread::Builder::new().spawn(move || drop(io::copy(&mut pipe, &mut io::stdout())))?,
        );
    }
    if let Some(mut pipe) = child.stderr.take() {
        outputs.push(
            thread::Builder::new().spawn(move || drop(io::copy(&mut pipe, &mut io::stderr())))?,
        );
    }
    Ok(outputs)
}

/// An exit status as a shell counts it.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(NOT_STARTED)
}

/// What the config tree says the shell is: the VServer's own file, else the defaults'; one argument
/// a line (fact sheet 1.1). Empty when neither says anything.
fn configured_shell(roots: &Roots, state: &GuestState) -> Vec<String> {
    let own = roots.config_of(&state.name).join("shell");
    let default = roots.config_base.join(".defaults/shell");
    for path in [own, default] {
        let Ok(bytes) = fs::read(path) else { continue };
        let text = String::from_utf8_lossy(bytes.get(..MAX_SHELL_BYTES).unwrap_or(&bytes));
        let words: Vec<String> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        if !words.is_empty() {
            return words;
        }
    }
    Vec::new()
}

/// A value from the caller's environment, if nothing odd is in it.
fn plain(value: Option<&str>, otherwise: &str) -> String {
    let fine = |text: &&str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b))
    };
    value.filter(fine).unwrap_or(otherwise).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_environment_are_judged() {
        assert_eq!(plain(Some("xterm-256color"), "linux"), "xterm-256color");
        assert_eq!(plain(Some("fr_FR.UTF-8@euro"), "C"), "fr_FR.UTF-8@euro");
        for odd in ["", "a b", "() { :; }", "x\n", &"x".repeat(65)] {
            assert_eq!(plain(Some(odd), "C"), "C");
        }
        assert_eq!(plain(None, "C"), "C");
    }

    #[test]
    fn exit_codes() {
        assert_eq!(exit_code(ExitStatus::from_raw(0)), 0);
        assert_eq!(exit_code(ExitStatus::from_raw(3 << 8)), 3);
        assert_eq!(exit_code(ExitStatus::from_raw(15)), 143);
    }
}
