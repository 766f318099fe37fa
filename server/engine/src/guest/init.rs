//! The pid 1 of guests of style `sysv`: Ulysse's own, a forked copy of the supervisor.
//!
//! It runs `/etc/init.d/rc 3` (or what the configuration names), reaps whoever ends, and keeps the
//! namespaces alive when no service does. On `SIGTERM`, `SIGINT` or `SIGPWR` it runs the script with
//! the stop level, ends what is left and then itself.
//!
//! Invariants: it has the guest's rights, no others. It cannot be looked into from inside
//! (not dumpable, and its memory belongs to the host's user namespace), so `/proc/1` shows a guest
//! neither the host's program nor its descriptors.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::libc;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use rustix::process::DumpableBehavior;
use sys::process::Reaped;

use super::mounts::At;
use super::plan::{InitPlan, StartFailure, Step};

/// Scripts that start run levels; of several the last one is taken (fact sheet 1.4).
const SCRIPTS: [&str; 2] = ["/etc/init.d/rc", "/etc/rc.d/rc"];

/// Directories whose files are of an earlier life (fact sheet 1.4, "prepare").
const STALE: [&str; 2] = ["/var/run", "/var/lock"];

/// How deep these are looked through.
const MAX_DEPTH: usize = 16;

/// How long what ignores SIGTERM has at the end, in seconds.
const GRACE_SECONDS: u32 = 3;

/// Signals that this pid 1 waits for.
const AWAITED: [Signal; 5] =
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGPWR, Signal::SIGALRM];

/// A start or stop command with its environment.
pub(super) struct Order {
    command: Vec<String>,
    environment: Vec<String>,
}

/// Becomes pid 1 and starts the start command; gives how it is to be stopped.
pub(super) fn begin(plan: &InitPlan, environment: &[String]) -> Result<Order, StartFailure> {
    let InitPlan::Own { start_command, start_level, stop_command, stop_level } = plan else {
        return Err(StartFailure::new(Step::FindInit, "", libc::EINVAL));
    };
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .at(Step::Execute, "init")?;
    // Only what `ps` shows.
    let _ = sys::process::set_title(&format!("init [{start_level}]"));
    let mask: SigSet = AWAITED.into_iter().collect();
    mask.thread_block().map_err(io::Error::from).at(Step::Execute, "init")?;
    let start = order(start_command.as_deref(), start_level, environment)?;
    let stop = order(stop_command.as_deref(), stop_level, environment)?;
    prepare(start_level);
    spawn(&start).at(Step::Execute, start.command.first().map_or("", String::as_str))?;
    Ok(stop)
}

/// The command for a run level.
fn order(
    configured: Option<&[String]>,
    level: &str,
    environment: &[String],
) -> Result<Order, StartFailure> {
    let mut environment = environment.to_vec();
    let command = match configured {
        Some(command) => command.to_vec(),
        None => {
            let script = SCRIPTS
                .iter()
                .rev()
                .find(|path| rustix::fs::access(**path, rustix::fs::Access::EXEC_OK).is_ok())
                .ok_or_else(|| StartFailure::new(Step::FindInit, SCRIPTS[0], libc::ENOENT))?;
            environment.push("PREVLEVEL=N".to_owned());
            environment.push(format!("RUNLEVEL={level}"));
            vec![(*script).to_owned(), level.to_owned()]
        }
    };
    Ok(Order { command, environment })
}

fn spawn(order: &Order) -> io::Result<u32> {
    let (program, arguments) = order.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let variables = order.environment.iter().filter_map(|pair| pair.split_once('='));
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(variables)
        .current_dir("/")
        .stdin(Stdio::inherit())
        .spawn()?;
    Ok(child.id())
}

/// The life of pid 1, once its start command runs.
pub(super) fn serve(stop: &Order) -> ! {
    let mask: SigSet = AWAITED.into_iter().collect();
    let mut life = Life::Running;
    loop {
        let Ok(signal) = mask.wait() else { continue };
        life = match (signal, life) {
            (Signal::SIGCHLD, life) => reap(life),
            (Signal::SIGALRM, Life::Ending) => std::process::exit(0),
            (Signal::SIGTERM | Signal::SIGINT | Signal::SIGPWR, Life::Running) => {
                match spawn(stop) {
                    Ok(pid) => Life::Stopping(pid),
                    Err(_) => end(),
                }
            }
            (_, life) => life,
        };
    }
}

/// Where in its life pid 1 is.
#[derive(Clone, Copy)]
enum Life {
    /// Reaping, waiting to be told to stop.
    Running,
    /// The stop command of this pid runs.
    Stopping(u32),
    /// What is left has been told to end.
    Ending,
}

fn reap(mut life: Life) -> Life {
    loop {
        match (sys::process::reap_any(), life) {
            (Ok(Reaped::Child { pid, .. }), Life::Stopping(stop)) if pid == stop => life = end(),
            (Ok(Reaped::Child { .. }), _) => {}
            (Ok(Reaped::NoChildren), Life::Ending) => std::process::exit(0),
            (Ok(Reaped::NoneEnded | Reaped::NoChildren) | Err(_), _) => return life,
        }
    }
}

/// Tells all others to end. The kernel ends those that do not when pid 1 does.
fn end() -> Life {
    match kill(Pid::from_raw(-1), Signal::SIGTERM) {
        Ok(()) => {
            nix::unistd::alarm::set(GRACE_SECONDS);
            Life::Ending
        }
        // Nobody else is there.
        Err(_) => std::process::exit(0),
    }
}

/// Takes away what an earlier life left, and writes the run level down for `runlevel` and `who -r`.
/// Nothing of it is worth failing a start.
fn prepare(level: &str) {
    for directory in STALE {
        remove_files(Path::new(directory), 0);
    }
    let _ = write_run_level(level);
}

fn remove_files(directory: &Path, depth: usize) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => {
                remove_files(&entry.path(), depth + 1);
            }
            Ok(kind) if !kind.is_dir() => {
                let _ = fs::remove_file(entry.path());
            }
            _ => {}
        }
    }
}

/// One record of type RUN_LVL in `/var/run/utmp`, as init(8) writes it.
fn write_run_level(level: &str) -> io::Result<()> {
    const RECORD_BYTES: usize = 384;
    const RUN_LVL: u8 = 1;
    let mut record = [0_u8; RECORD_BYTES];
    let mut put = |offset: usize, bytes: &[u8]| {
        if let Some(place) = record.get_mut(offset..offset + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, &[RUN_LVL]);
    // The process number says both levels: the new one, and "N", none, before it.
    put(4, &[level.bytes().next().unwrap_or(b'3'), b'N']);
    put(8, b"~");
    put(40, b"~~");
    put(44, b"runlevel");
    let run = Path::new("/var/run");
    if !run.exists() {
        DirBuilder::new().mode(0o755).create(run)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o664)
        .open(run.join("utmp"))?;
    file.write_all(&record)
}

/// Makes the console this process's standard input, output and error.
pub(super) fn use_console(console: OwnedFd) -> Result<(), StartFailure> {
    let place = || -> rustix::io::Result<()> {
        rustix::stdio::dup2_stdin(&console)?;
        rustix::stdio::dup2_stdout(&console)?;
        rustix::stdio::dup2_stderr(&console)
    };
    place().at(Step::Console, "/dev/console")
}
