//! The pid 1 of guests of the styles `sysv`, `gentoo` and `arch`: Ulysse's own, a forked copy of the
//! supervisor; and what is prepared in a guest's files before any pid 1 is.
//!
//! It runs the start command of its plan (`/etc/init.d/rc 3`), reaps whoever ends, and keeps the
//! namespaces alive when no service does. On [`STOP_SIGNAL`] it runs the stop command, ends what is left by the
//! kill sequence, and then itself. `SIGTERM` and `SIGINT` (`vkill`) halt it, as level 0 does. `halt`, `reboot`, `shutdown` and `init` inside
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
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::Access;
use rustix::process::DumpableBehavior;
use rustix::system::{RebootCommand, reboot};
use sys::process::{Ended, Reaped};

use super::mounts::At;
use super::plan::{InitCommand, InitPlan, Preparation, Report, StartFailure, StartPlan, Step};
use super::processes;
use crate::config::{KillStep, ProcessLimit};

/// Directories whose files are of an earlier life (fact sheet 1.4, "prepare").
const STALE: [&str; 2] = ["/var/run", "/var/lock"];

/// How deep these are looked through.
const MAX_DEPTH: usize = 16;

/// What a sysvinit reads, files that order it to check filesystems, and the one that orders it not to.
const INITTAB: &str = "/etc/inittab";
const CHECK_ORDERS: [&str; 2] = ["/.autofsck", "/forcefsck"];
const NO_CHECK: &str = "/fastboot";

/// What a stop sends it. No other than those that somebody sends to end processes: the stop command of a stop is
/// the configured level's, by default 6, at which Debian's scripts call `reboot`.
pub(crate) const STOP_SIGNAL: Signal = Signal::SIGPWR;

/// Signals that this pid 1 waits for.
const AWAITED: [Signal; 5] =
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, STOP_SIGNAL, Signal::SIGALRM];

/// Where requests come in, from processes of the guest's root.
const CONTROL: &str = "/run/initctl";

/// The size of a request, and what one begins with: see `initreq.h` of sysvinit.
const REQUEST_BYTES: usize = 384;
const REQUEST_MAGIC: u32 = 0x0309_1969;
const REQUEST_RUN_LEVEL: u32 = 1;

/// A start or stop command with what it is run with.
struct Order {
    command: InitCommand,
    /// The plan's environment; the command's own comes after it.
    environment: Vec<String>,
    /// Limits of each of its processes.
    limits: Vec<ProcessLimit>,
}

impl Order {
    fn of(command: &InitCommand, plan: &StartPlan) -> Self {
        let (environment, limits) = (plan.environment.clone(), plan.processes.limits.clone());
        Self { command: command.clone(), environment, limits }
    }

    /// The same for another run level.
    fn at_level(&self, level: u8) -> Self {
        let mut command = self.command.clone();
        if command.takes_level {
            let level = char::from(level).to_string();
            command.environment.retain(|pair| !pair.starts_with("RUNLEVEL="));
            command.environment.push(format!("RUNLEVEL={level}"));
            command.arguments = vec![level];
        }
        Self { command, environment: self.environment.clone(), limits: self.limits.clone() }
    }

    /// Its program: of those that are there the last one. One of the configuration's is looked for in its
    /// `PATH`, as a shell does.
    fn program(&self) -> Option<&str> {
        let programs = &self.command.programs;
        let is_there = |path: &&String| rustix::fs::access(path.as_str(), Access::EXEC_OK).is_ok();
        match programs.as_slice() {
            [one] if !one.contains('/') => Some(one),
            _ => programs.iter().rev().find(is_there).map(String::as_str),
        }
    }

    /// Starts it; gives its pid.
    fn spawn(&self) -> io::Result<u32> {
        let program = self.program().ok_or(io::ErrorKind::NotFound)?;
        let pairs = self.environment.iter().chain(&self.command.environment);
        let variables = pairs.filter_map(|pair| pair.split_once('='));
        let mut command = Command::new(program);
        command
            .args(&self.command.arguments)
            .env_clear()
            .envs(variables)
            .current_dir("/")
            .stdin(Stdio::inherit());
        processes::limit(&mut command, &self.limits);
        Ok(command.spawn()?.id())
    }
}

/// What pid 1 does when it is told to end.
pub(super) struct Ending {
    /// The start command that was started, if there is one.
    start: Option<u32>,
    stop: Order,
    kill_sequence: Vec<KillStep>,
}

/// Becomes pid 1 and starts the start command; gives how it is to be stopped.
pub(super) fn begin(plan: &StartPlan) -> Result<Ending, StartFailure> {
    let InitPlan::Own { title, start, stop, kill_sequence } = &plan.init else {
        return Err(StartFailure::new(Step::FindInit, "", libc::EINVAL));
    };
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .at(Step::Execute, "init")?;
    // Only what `ps` shows.
    let _ = sys::process::set_title(&format!("init [{title}]"));
    let mask: SigSet = AWAITED.into_iter().collect();
    mask.thread_block().map_err(io::Error::from).at(Step::Execute, "init")?;
    let start = run_first(&Order::of(start, plan))?;
    Ok(Ending { start, stop: Order::of(stop, plan), kill_sequence: kill_sequence.clone() })
}

/// Starts the start command; gives its pid. Where only others come in there is none.
fn run_first(start: &Order) -> Result<Option<u32>, StartFailure> {
    let Some(first) = start.command.programs.first() else { return Ok(None) };
    let Some(program) = start.program() else {
        return Err(StartFailure::new(Step::FindInit, first, libc::ENOENT));
    };
    super::refuse_foreign(program, &start.environment)?;
    start.spawn().at(Step::Execute, program).map(Some)
}

/// The life of pid 1, once its start command runs; the end of that one is told over `link`.
pub(super) fn serve(ending: &Ending, mut link: Option<OwnedFd>) -> ! {
    let mask: SigSet = AWAITED.into_iter().collect();
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    let Ok(signals) = SignalFd::with_flags(&mask, flags) else { std::process::exit(1) };
    // Without it the guest is no worse than with a pid 1 that hears signals only.
    let mut control = ending.start.and_then(|_| open_control().ok());
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
                (Some(Signal::SIGCHLD), life) => ending.reap(life, last, &mut link),
                (Some(Signal::SIGALRM), Life::Ending { step }) => ending.kill(step + 1, last),
                (Some(STOP_SIGNAL), Life::Running) => ending.begin(&ending.stop, last),
                (Some(Signal::SIGTERM | Signal::SIGINT), Life::Running) => {
                    last = Last::Halt;
                    ending.begin(&ending.stop.at_level(b'0'), last)
                }
                (_, life) => life,
            };
        }
        let level = control.as_mut().and_then(wanted_level);
        if let (Some(level @ (b'0' | b'6')), Life::Running) = (level, life) {
            last = if level == b'6' { Last::Restart } else { Last::Halt };
            life = ending.begin(&ending.stop.at_level(level), last);
        }
    }
}

impl Ending {
    /// Runs the stop command.
    fn begin(&self, stop: &Order, last: Last) -> Life {
        match stop.spawn() {
            Ok(pid) => Life::Stopping(pid),
            Err(_) => self.kill(0, last),
        }
    }

    /// Takes a step of the kill sequence; the kernel ends those that outlive the last one when pid 1
    /// ends.
    fn kill(&self, step: usize, last: Last) -> Life {
        let Some(KillStep { signal, wait_seconds }) = self.kill_sequence.get(step) else {
            last.act()
        };
        // Nobody else is there.
        if sys::process::signal_everybody(i32::from(*signal)).is_err() {
            last.act();
        }
        if *wait_seconds == 0 {
            return self.kill(step + 1, last);
        }
        nix::unistd::alarm::set(*wait_seconds);
        Life::Ending { step }
    }

    fn reap(&self, mut life: Life, last: Last, link: &mut Option<OwnedFd>) -> Life {
        loop {
            match (sys::process::reap_any(), life) {
                (Ok(Reaped::Child { pid, .. }), Life::Stopping(stop)) if pid == stop => {
                    life = self.kill(0, last);
                }
                (Ok(Reaped::Child { pid, ended }), _) if Some(pid) == self.start => {
                    if let Some(link) = link.take() {
                        tell_start(&link, ended);
                    }
                }
                (Ok(Reaped::Child { .. }), _) => {}
                (Ok(Reaped::NoChildren), Life::Ending { .. }) => last.act(),
                (Ok(Reaped::NoneEnded | Reaped::NoChildren) | Err(_), _) => return life,
            }
        }
    }
}

/// Says how the start command has ended. Nobody may be there to hear it.
fn tell_start(link: &OwnedFd, ended: Ended) {
    let status = match ended {
        Ended::Exited(status) => Some(status),
        Ended::Killed(_) => None,
    };
    if let Ok(text) = serde_json::to_vec(&Report::StartCommandEnded { status }) {
        let _ = sys::seqpacket::send(link, &text, &[]);
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
    /// What is left has been sent the signal of this step.
    Ending { step: usize },
}

/// Prepares a guest's files, from inside. Nothing of it is worth failing a start.
pub(super) fn prepare(preparation: &Preparation) {
    match preparation {
        Preparation::Nothing => {}
        Preparation::RunLevel(level) => {
            for directory in STALE {
                remove_files(Path::new(directory), 0);
            }
            // For `runlevel` and `who -r`.
            let _ = write_run_level(level);
        }
        Preparation::NoFilesystemCheck => {
            // Others have no use for the file, and would leave it there.
            if Path::new(INITTAB).exists() {
                for order in CHECK_ORDERS {
                    let _ = fs::remove_file(order);
                }
                let _ = OpenOptions::new().append(true).create(true).open(NO_CHECK);
            }
        }
    }
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
        let order = |command| Order { command, environment: Vec::new(), limits: Vec::new() };
        let script = order(InitCommand {
            programs: vec!["/etc/init.d/rc".to_owned()],
            arguments: vec!["6".to_owned()],
            environment: vec!["PREVLEVEL=N".to_owned(), "RUNLEVEL=6".to_owned()],
            takes_level: true,
        });
        let halt = script.at_level(b'0').command;
        assert_eq!(halt.arguments, ["0"]);
        assert_eq!(halt.environment, ["PREVLEVEL=N", "RUNLEVEL=0"]);
        let own = order(InitCommand::configured(&["/bin/halt".to_owned(), "6".to_owned()]));
        assert_eq!(own.at_level(b'0').command, own.command);
        assert_eq!(own.command.programs, ["/bin/halt"]);
    }
}
