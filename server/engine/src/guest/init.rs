//! The pid 1 of guests of style `sysv`: Ulysse's own, a forked copy of the supervisor.
//!
//! It runs `/etc/init.d/rc 3` (or what the configuration names), reaps whoever ends, and keeps the
//! namespaces alive when no service does. On `SIGTERM`, `SIGINT` or `SIGPWR` it runs the script with
//! the stop level, ends what is left and then itself. `halt`, `reboot`, `shutdown` and `init` inside
//! write what they want to `/run/initctl`, as they do with sysvinit: levels 0 and 6 are heard.
//!
//! Invariants: it has the guest's rights, no others. It cannot be looked into from inside
//! (not dumpable, and its memory belongs to the host's user namespace), so `/proc/1` shows a guest
//! neither the host's program nor its descriptors.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::libc;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::DumpableBehavior;
use rustix::system::{RebootCommand, reboot};
use sys::process::Reaped;

use super::mounts::At;
use super::plan::{InitPlan, StartFailure, StartPlan, Step};
use super::processes;
use crate::config::ProcessLimit;

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

/// Where requests come in, from processes of the guest's root.
const CONTROL: &str = "/run/initctl";

/// The size of a request, and what one begins with: see `initreq.h` of sysvinit.
const REQUEST_BYTES: usize = 384;
const REQUEST_MAGIC: u32 = 0x0309_1969;
const REQUEST_RUN_LEVEL: u32 = 1;

/// A start or stop command with its environment.
pub(super) struct Order {
    command: Vec<String>,
    environment: Vec<String>,
    /// Limits of each of its processes.
    limits: Vec<ProcessLimit>,
    /// Whether the command is a script that takes a run level; otherwise the configuration's own.
    takes_level: bool,
}

impl Order {
    /// The same for another run level.
    fn at_level(&self, level: u8) -> Self {
        let (mut command, mut environment) = (self.command.clone(), self.environment.clone());
        if self.takes_level {
            let level = char::from(level).to_string();
            environment.retain(|pair| !pair.starts_with("RUNLEVEL="));
            environment.push(format!("RUNLEVEL={level}"));
            command.truncate(1);
            command.push(level);
        }
        Self { command, environment, limits: self.limits.clone(), takes_level: self.takes_level }
    }
}

/// Becomes pid 1 and starts the start command; gives how it is to be stopped.
pub(super) fn begin(plan: &StartPlan) -> Result<Order, StartFailure> {
    let InitPlan::Own { start_command, start_level, stop_command, stop_level } = &plan.init else {
        return Err(StartFailure::new(Step::FindInit, "", libc::EINVAL));
    };
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .at(Step::Execute, "init")?;
    // Only what `ps` shows.
    let _ = sys::process::set_title(&format!("init [{start_level}]"));
    let mask: SigSet = AWAITED.into_iter().collect();
    mask.thread_block().map_err(io::Error::from).at(Step::Execute, "init")?;
    let start = order(start_command.as_deref(), start_level, plan)?;
    let stop = order(stop_command.as_deref(), stop_level, plan)?;
    prepare(start_level);
    spawn(&start).at(Step::Execute, start.command.first().map_or("", String::as_str))?;
    Ok(stop)
}

/// The command for a run level.
fn order(
    configured: Option<&[String]>,
    level: &str,
    plan: &StartPlan,
) -> Result<Order, StartFailure> {
    let mut environment = plan.environment.clone();
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
    let limits = plan.processes.limits.clone();
    Ok(Order { command, environment, limits, takes_level: configured.is_none() })
}

fn spawn(order: &Order) -> io::Result<u32> {
    let (program, arguments) = order.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let variables = order.environment.iter().filter_map(|pair| pair.split_once('='));
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables).current_dir("/").stdin(Stdio::inherit());
    processes::limit(&mut command, &order.limits);
    Ok(command.spawn()?.id())
}

/// The life of pid 1, once its start command runs.
pub(super) fn serve(stop: &Order) -> ! {
    let mask: SigSet = AWAITED.into_iter().collect();
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let Ok(signals) = SignalFd::with_flags(&mask, flags) else { std::process::exit(1) };
    // Without it the guest is no worse than with a pid 1 that hears signals only.
    let mut control = open_control().ok();
    let mut life = Life::Running;
    let mut last = Last::Exit;
    loop {
        let mut fds = vec![PollFd::new(&signals, PollFlags::IN)];
        fds.extend(control.as_ref().map(|control| PollFd::new(control, PollFlags::IN)));
        // Interrupted by nothing but what is looked at below.
        let _ = poll(&mut fds, None);
        while let Ok(Some(info)) = signals.read_signal() {
            let signal = i32::try_from(info.ssi_signo).ok().and_then(|n| Signal::try_from(n).ok());
            life = match (signal, life) {
                (Some(Signal::SIGCHLD), life) => reap(life, last),
                (Some(Signal::SIGALRM), Life::Ending) => last.act(),
                (Some(Signal::SIGTERM | Signal::SIGINT | Signal::SIGPWR), Life::Running) => {
                    stop_with(stop, last)
                }
                (_, life) => life,
            };
        }
        let level = control.as_mut().and_then(wanted_level);
        if let (Some(level @ (b'0' | b'6')), Life::Running) = (level, life) {
            last = if level == b'6' { Last::Restart } else { Last::Halt };
            life = stop_with(&stop.at_level(level), last);
        }
    }
}

fn stop_with(stop: &Order, last: Last) -> Life {
    match spawn(stop) {
        Ok(pid) => Life::Stopping(pid),
        Err(_) => end(last),
    }
}

/// Makes the pipe that sysvinit's tools write to. It is the guest's own, read as a stranger's.
fn open_control() -> io::Result<fs::File> {
    if let Some(directory) = Path::new(CONTROL).parent() {
        // It is there in all but the smallest of guests.
        let _ = DirBuilder::new().mode(0o755).create(directory);
    }
    match nix::unistd::mkfifo(CONTROL, nix::sys::stat::Mode::from_bits_truncate(0o600)) {
        Ok(()) | Err(nix::errno::Errno::EEXIST) => {}
        Err(errno) => return Err(errno.into()),
    }
    // Open for writing too: otherwise it would be at its end whenever nobody else has it open.
    let flags = rustix::fs::OFlags::RDWR
        | rustix::fs::OFlags::NONBLOCK
        | rustix::fs::OFlags::NOFOLLOW
        | rustix::fs::OFlags::CLOEXEC;
    let control = fs::File::from(rustix::fs::open(CONTROL, flags, rustix::fs::Mode::empty())?);
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(control.as_fd())?.st_mode);
    if kind != rustix::fs::FileType::Fifo {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(control)
}

/// The run level that the next request asks for, if there is one and it asks for one.
fn wanted_level(control: &mut fs::File) -> Option<u8> {
    let mut request = [0_u8; REQUEST_BYTES];
    if control.read(&mut request).ok()? != REQUEST_BYTES {
        return None;
    }
    run_level_of(&request)
}

fn run_level_of(request: &[u8; REQUEST_BYTES]) -> Option<u8> {
    let word = |index: usize| {
        let bytes = request.get(index * 4..index * 4 + 4)?;
        bytes.try_into().ok().map(u32::from_ne_bytes)
    };
    let is_ours = word(0)? == REQUEST_MAGIC && word(1)? == REQUEST_RUN_LEVEL;
    is_ours.then(|| word(2)).flatten().and_then(|level| u8::try_from(level).ok())
}

/// How this pid 1 ends itself.
#[derive(Clone, Copy)]
enum Last {
    /// It was told from outside to stop: it exits.
    Exit,
    /// It was told from inside.
    Halt,
    Restart,
}

impl Last {
    fn act(self) -> ! {
        // In a namespace of its own this ends pid 1, in a way that its parent can tell apart.
        let _ = match self {
            Self::Exit => std::process::exit(0),
            Self::Halt => reboot(RebootCommand::PowerOff),
            Self::Restart => reboot(RebootCommand::Restart),
        };
        std::process::exit(0)
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

fn reap(mut life: Life, last: Last) -> Life {
    loop {
        match (sys::process::reap_any(), life) {
            (Ok(Reaped::Child { pid, .. }), Life::Stopping(stop)) if pid == stop => {
                life = end(last);
            }
            (Ok(Reaped::Child { .. }), _) => {}
            (Ok(Reaped::NoChildren), Life::Ending) => last.act(),
            (Ok(Reaped::NoneEnded | Reaped::NoChildren) | Err(_), _) => return life,
        }
    }
}

/// Tells all others to end. The kernel ends those that do not when pid 1 does.
fn end(last: Last) -> Life {
    match kill(Pid::from_raw(-1), Signal::SIGTERM) {
        Ok(()) => {
            nix::unistd::alarm::set(GRACE_SECONDS);
            Life::Ending
        }
        // Nobody else is there.
        Err(_) => last.act(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn request(words: [u32; 3]) -> [u8; REQUEST_BYTES] {
        let mut request = [0; REQUEST_BYTES];
        for (place, word) in request.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        request
    }

    #[test]
    fn only_a_request_for_a_run_level_is_one() {
        assert_eq!(run_level_of(&request([REQUEST_MAGIC, 1, u32::from(b'6')])), Some(b'6'));
        assert_eq!(run_level_of(&request([REQUEST_MAGIC, 1, 0x0136])), None);
        assert_eq!(run_level_of(&request([REQUEST_MAGIC, 2, u32::from(b'0')])), None);
        assert_eq!(run_level_of(&request([0, 1, u32::from(b'0')])), None);
    }

    #[test]
    fn a_script_is_told_the_level_and_a_command_of_the_administrators_stays() {
        let script = Order {
            command: vec!["/etc/init.d/rc".to_owned(), "6".to_owned()],
            environment: vec!["PREVLEVEL=N".to_owned(), "RUNLEVEL=6".to_owned()],
            limits: Vec::new(),
            takes_level: true,
        };
        let halt = script.at_level(b'0');
        assert_eq!(halt.command, ["/etc/init.d/rc", "0"]);
        assert_eq!(halt.environment, ["PREVLEVEL=N", "RUNLEVEL=0"]);
        let own = Order { takes_level: false, ..script };
        assert_eq!(own.at_level(b'0').command, own.command);
    }
}
