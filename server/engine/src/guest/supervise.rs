//! The role `ulysse supervise`: makes one guest, then stays as the parent of its pid 1.
//!
//! Descriptor 0 is the channel to the caller (see [`super::spawn()`]). One thread; it forks twice:
//! once to be nobody's child, once for the guest. Mounting, which is most of a start, is done by the
//! guest's first process while the caller makes the network.
//!
//! Invariants:
//! - Until it has said [`Report::Started`] the supervisor ends with its caller, and the guest with the
//!   supervisor: the guest's process waits for a word on a socket whose end means "end".
//! - From then on it depends on nothing but the kernel, and ends when pid 1 has.

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};

use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Resource, Rlimit};
use sys::capability::CapabilitySet;
use sys::memfd;
use sys::process::{Ended, Fork, Namespaces};
use sys::seqpacket;

use super::mounts::{self, At, Prepared};
use super::plan::{
    GO, InitPlan, MAX_PACKET_BYTES, MAX_PLAN_BYTES, Report, StartFailure, StartPlan, Step,
};
use super::{confine, console, init, oom, processes, watch};
use crate::cgroup;
use crate::program::SEARCH_PATH;
use crate::unification::{self, IdRange};

/// From the supervisor to the guest's process: ids are mapped, mount.
const MAPPED: &[u8] = b"m";
/// From the supervisor to the guest's process: the caller agrees, run.
const RUN: &[u8] = b"g";
/// From the guest's process: mounted, and in its cgroups; the console's other end is beside it.
const READY: &[u8] = b"r";
/// From the guest's process: about to execute; the end of the socket then means that it did.
const EXECUTING: &[u8] = b"x";

/// How much less likely than others a supervisor is to be killed when the host has no memory left.
const OOM_SCORE: &str = "-900";

/// Soft and hard limits of a guest's processes that differ from "no limit" (fact sheet 1.7: what is
/// not configured is raised).
const OPEN_FILES: (u64, u64) = (1024, 1_048_576);
const STACK_SOFT_BYTES: u64 = 8 * 1024 * 1024;

/// What the channel says at the end of a conversation that failed.
enum Stop {
    /// This is to be told.
    Failed(StartFailure),
    /// The caller is gone.
    Alone,
}

impl From<StartFailure> for Stop {
    fn from(failure: StartFailure) -> Self {
        Self::Failed(failure)
    }
}

/// The role.
#[must_use]
pub fn main() -> ExitCode {
    let Ok(channel) = begin() else {
        return ExitCode::FAILURE;
    };
    let plan = match read_plan(&channel) {
        Ok(plan) => plan,
        Err(failure) => {
            tell(&channel, &Report::Failed(failure));
            return ExitCode::FAILURE;
        }
    };
    match detach(&plan) {
        Ok(Fork::Child) => {}
        Ok(Fork::Parent { .. }) => return ExitCode::SUCCESS,
        Err(failure) => {
            tell(&channel, &Report::Failed(failure));
            return ExitCode::FAILURE;
        }
    }
    let mut channel = Some(channel);
    let made = make(&plan, &mut channel);
    let report = match &made {
        Ok(_) => Report::Started,
        Err(Stop::Failed(failure)) => Report::Failed(failure.clone()),
        Err(Stop::Alone) => return ExitCode::FAILURE,
    };
    if let Some(channel) = &channel {
        tell(channel, &report);
    }
    match made {
        Ok(mut guest) => {
            // Without the two the caller is told nothing more.
            let start = guest.link.take().zip(channel);
            stay(plan, guest, start)
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Leaves behind what the caller had open or set.
fn begin() -> io::Result<OwnedFd> {
    sys::descriptor::close_from(3)?;
    let channel = io::stdin().as_fd().try_clone_to_owned()?;
    let nothing = fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    Ok(channel)
}

fn read_plan(channel: &OwnedFd) -> Result<StartPlan, StartFailure> {
    let bad = |errno| StartFailure::new(Step::ReadPlan, "", errno);
    let mut buffer = [0; 16];
    let received = seqpacket::receive(channel, &mut buffer).map_err(|_| bad(libc::EIO))?;
    let memory = received.descriptors.into_iter().next().ok_or_else(|| bad(libc::EBADMSG))?;
    let text = memfd::read_sealed(memory, MAX_PLAN_BYTES).map_err(|_| bad(libc::EBADMSG))?;
    serde_json::from_slice(&text).map_err(|_| bad(libc::EBADMSG))
}

/// Forks, so that the caller has nobody to reap; the child goes on, in a session of its own and, where
/// there is a unified hierarchy, born in the supervisors' cgroup.
fn detach(plan: &StartPlan) -> Result<Fork, StartFailure> {
    let cgroup = open_unified(&plan.supervisor_cgroups);
    let fork = sys::process::fork(Namespaces::default(), cgroup.as_ref().map(AsFd::as_fd))
        .at(Step::Detach, "")?;
    if matches!(fork, Fork::Child) {
        rustix::process::setsid().at(Step::Detach, "")?;
    }
    Ok(fork)
}

/// The cgroup directory of the unified hierarchy, if there is one.
fn open_unified(cgroups: &[PathBuf]) -> Option<fs::File> {
    let path = cgroups.iter().find(|path| cgroup::is_unified_directory(path))?;
    fs::File::open(path).ok()
}

/// The ways into the cgroups of v1, into which nobody is born.
fn open_v1(cgroups: &[PathBuf]) -> Result<Vec<fs::File>, StartFailure> {
    let v1 = cgroups.iter().filter(|path| !cgroup::is_unified_directory(path));
    v1.map(|directory| {
        let path = directory.join(cgroup::ENTRANCE_V1);
        fs::OpenOptions::new().write(true).open(&path).at(Step::JoinCgroup, &path.to_string_lossy())
    })
    .collect()
}

/// Enters cgroups; the process has one thread.
fn enter_cgroups(entrances: Vec<fs::File>) -> Result<(), StartFailure> {
    entrances.into_iter().try_for_each(|mut file| file.write_all(b"0").at(Step::JoinCgroup, ""))
}

/// A guest that runs.
struct Guest {
    init: u32,
    pidfd: OwnedFd,
    console: Option<OwnedFd>,
    oom: Option<oom::OomCounter>,
    /// Where its pid 1 tells of the end of the start command, if somebody wants to hear it.
    link: Option<OwnedFd>,
}

/// Makes the guest and lets it run when the caller says so.
fn make(plan: &StartPlan, channel: &mut Option<OwnedFd>) -> Result<Guest, Stop> {
    set_limits(plan.processes.badness);
    let ids = IdRange { first: plan.first_host_id, count: plan.host_ids };
    let has_ids = unification::show_with_ids(&plan.root, ids)
        .at(Step::MapFiles, &plan.root.to_string_lossy())?;
    let root = mounts::open_root(&plan.root)?;
    let prepared = mounts::prepare(&plan.mounts);
    let (link, theirs) = seqpacket::pair().at(Step::Fork, "")?;
    let unified = open_unified(&plan.cgroups);
    let entrances = open_v1(&plan.cgroups)?;
    let fork = sys::process::fork(Namespaces::ALL, unified.as_ref().map(AsFd::as_fd))
        .at(Step::Fork, "")?;
    let (init, pidfd) = match fork {
        Fork::Child => {
            // Its own copies of what is the supervisor's are closed by hand: it may never execute.
            drop((channel.take(), link, unified));
            be_guest(plan, theirs, root, prepared, entrances)
        }
        Fork::Parent { pid, pidfd } => (pid, pidfd),
    };
    drop((theirs, unified, entrances));
    let mut child = Unfinished { pid: init, pidfd: Some(pidfd) };
    let channel = channel.as_ref().ok_or(Stop::Alone)?;
    if !tell(channel, &Report::Created { supervisor: std::process::id(), init }) {
        return Err(Stop::Alone);
    }
    map_ids(plan, init, (!has_ids).then_some(&root), &prepared)?;
    drop((root, prepared));
    send(&link, MAPPED)?;
    if let Some(pid) = i32::try_from(init).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::setpriority_process(Some(pid), plan.nice);
    }
    processes::set_priority(init, &plan.processes).at(Step::Settings, "ionice")?;
    // Before the guest's first instruction, so that no kill is missed.
    let oom = oom::OomCounter::open(plan);
    let keeps_link = plan.reports_start && matches!(plan.init, InitPlan::Own { .. });
    let console = converse(channel, &link, keeps_link)?;
    let pidfd = child.pidfd.take().ok_or(Stop::Alone)?;
    Ok(Guest { init, pidfd, console, oom, link: keeps_link.then_some(link) })
}

/// A guest's process that is ended unless its start is completed.
struct Unfinished {
    pid: u32,
    pidfd: Option<OwnedFd>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(pidfd) = &self.pidfd {
            let _ = rustix::process::pidfd_send_signal(pidfd, rustix::process::Signal::KILL);
            let _ = sys::process::wait_for(self.pid);
        }
    }
}

/// What a guest's processes may use, set here to be inherited.
pub(crate) fn set_limits(badness: i32) {
    let _ = fs::write("/proc/self/oom_score_adj", badness.to_string());
    let unlimited = Rlimit { current: None, maximum: None };
    for resource in [
        Resource::Cpu,
        Resource::Fsize,
        Resource::Data,
        Resource::As,
        Resource::Rss,
        Resource::Nproc,
        Resource::Locks,
    ] {
        let _ = rustix::process::setrlimit(resource, unlimited);
    }
    let core = Rlimit { current: Some(0), maximum: None };
    let _ = rustix::process::setrlimit(Resource::Core, core);
    let files = Rlimit { current: Some(OPEN_FILES.0), maximum: Some(OPEN_FILES.1) };
    let _ = rustix::process::setrlimit(Resource::Nofile, files);
    let stack = Rlimit { current: Some(STACK_SOFT_BYTES), maximum: None };
    let _ = rustix::process::setrlimit(Resource::Stack, stack);
}

/// Gives the guest's user namespace its ids, and its files these ids, unless they have them.
fn map_ids(
    plan: &StartPlan,
    init: u32,
    root: Option<&OwnedFd>,
    prepared: &[Prepared],
) -> Result<(), StartFailure> {
    let map = format!("0 {} {}\n", plan.first_host_id, plan.host_ids);
    for name in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{init}/{name}"), &map).at(Step::MapIds, name)?;
    }
    let namespace = fs::File::open(format!("/proc/{init}/ns/user")).at(Step::MapIds, "user")?;
    if let Some(root) = root {
        sys::mount::map_ids(root, namespace.as_fd(), false)
            .at(Step::MapFiles, &plan.root.to_string_lossy())?;
    }
    for one in prepared {
        one.map_ids(namespace.as_fd());
    }
    Ok(())
}

/// Speaks with both sides until the guest's first program runs; gives the console. A guest that keeps its
/// side of the link is one with our own pid 1, which runs when it says so.
fn converse(channel: &OwnedFd, link: &OwnedFd, keeps_link: bool) -> Result<Option<OwnedFd>, Stop> {
    let (mut may_go, mut is_ready, mut sent, mut executing) = (false, false, false, false);
    let mut console = None;
    loop {
        let mut polled = [PollFd::new(link, PollFlags::IN), PollFd::new(channel, PollFlags::IN)];
        match poll(&mut polled, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(errno) => {
                return Err(StartFailure::new(Step::Fork, "", errno.raw_os_error()).into());
            }
        }
        let [from_guest, from_caller] = polled.map(|fd| !fd.revents().is_empty());
        if from_guest {
            let mut buffer = [0; MAX_PACKET_BYTES];
            let received = seqpacket::receive(link, &mut buffer)
                .map_err(|_| StartFailure::new(Step::Fork, "", libc::EIO))?;
            match buffer.get(..received.bytes).unwrap_or_default() {
                [] if executing => return Ok(console),
                [] => return Err(StartFailure::new(Step::Execute, "", libc::ECHILD).into()),
                READY => {
                    is_ready = true;
                    console = received.descriptors.into_iter().next();
                    tell(channel, &Report::Mounted);
                }
                EXECUTING if keeps_link => return Ok(console),
                EXECUTING => executing = true,
                // A report from there is passed on as it is.
                report => match serde_json::from_slice(report) {
                    Ok(Report::Failed(failure)) => return Err(failure.into()),
                    Ok(report @ Report::Skipped { .. }) => {
                        tell(channel, &report);
                    }
                    _ => return Err(StartFailure::new(Step::Fork, "", libc::EBADMSG).into()),
                },
            }
        } else if from_caller {
            let mut buffer = [0; 16];
            let received = seqpacket::receive(channel, &mut buffer).map_err(|_| Stop::Alone)?;
            match buffer.get(..received.bytes).unwrap_or_default() {
                GO => may_go = true,
                _ => return Err(Stop::Alone),
            }
        }
        if may_go && is_ready && !sent {
            send(link, RUN)?;
            sent = true;
        }
    }
}

fn send(link: &OwnedFd, word: &[u8]) -> Result<(), StartFailure> {
    // When the guest's process is gone, what it said before counts; it is read next.
    match seqpacket::send(link, word, &[]) {
        Err(error) if !error.is_disconnected() => Err(StartFailure::new(Step::Fork, "", libc::EIO)),
        _ => Ok(()),
    }
}

/// Tells the caller; whether it was there to hear.
fn tell(channel: &OwnedFd, report: &Report) -> bool {
    serde_json::to_vec(report).is_ok_and(|text| seqpacket::send(channel, &text, &[]).is_ok())
}

/// The guest's first process: everything until the guest's own first instruction.
fn be_guest(
    plan: &StartPlan,
    link: OwnedFd,
    root: OwnedFd,
    prepared: Vec<Prepared>,
    entrances: Vec<fs::File>,
) -> ! {
    let failure = match enter(plan, &link, root, prepared, entrances) {
        Ok(()) => {
            init::prepare(&plan.preparation);
            match &plan.init {
                InitPlan::Own { .. } => match init::begin(plan) {
                    Ok(ending) => {
                        let _ = seqpacket::send(&link, EXECUTING, &[]);
                        init::serve(&ending, plan.reports_start.then_some(link))
                    }
                    Err(failure) => failure,
                },
                InitPlan::Program { command } => execute(command, plan, link.as_fd()),
            }
        }
        Err(Some(failure)) => failure,
        // The supervisor is gone.
        Err(None) => std::process::exit(1),
    };
    tell(&link, &Report::Failed(failure));
    std::process::exit(1)
}

fn enter(
    plan: &StartPlan,
    link: &OwnedFd,
    root: OwnedFd,
    prepared: Vec<Prepared>,
    entrances: Vec<fs::File>,
) -> Result<(), Option<StartFailure>> {
    expect(link, MAPPED)?;
    sys::process::reset_signals();
    become_root()?;
    let mounted = mounts::mount_all(root, plan)?;
    for one in prepared {
        let line = one.plan.line;
        if let Err(failure) = mounted.mount_line(one) {
            if mounts::is_bare(&failure) {
                return Err(Some(failure));
            }
            tell(link, &Report::Skipped { line, failure });
        }
    }
    let (master, slave) = console::make(&mounted.pts, &mounted.dev)?;
    let sys = mounted.leave_host()?;
    nix::unistd::sethostname(&plan.host_name)
        .map_err(io::Error::from)
        .at(Step::HostName, &plan.host_name)?;
    if let Some(domain) = &plan.domain_name {
        rustix::system::setdomainname(domain.as_bytes()).at(Step::HostName, domain)?;
    }
    // In a session of its own, so that the console can become its terminal.
    rustix::process::setsid().at(Step::Console, "")?;
    init::use_console(slave)?;
    // What is behind this point is the guest's to pay for.
    enter_cgroups(entrances)?;
    seqpacket::send(link, READY, &[master.as_fd()]).map_err(|_| None)?;
    drop(master);
    expect(link, RUN)?;
    // Only now that it is in its cgroups can these become the root of what it sees of them.
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWCGROUP)
        .map_err(io::Error::from)
        .at(Step::JoinCgroup, "")?;
    if has_unified() {
        let is_writable = matches!(plan.init, InitPlan::Program { .. });
        mounts::mount_cgroup(&sys, is_writable)?;
    }
    drop(sys);
    processes::become_personality(&plan.processes).at(Step::Settings, "personality")?;
    confine::confine_thread(CapabilitySet::from_bits(plan.capabilities)).map_err(|error| {
        Some(StartFailure::new(Step::Confine, &error.to_string(), errno_of(&error)))
    })
}

fn errno_of(error: &confine::ConfineError) -> i32 {
    match error {
        confine::ConfineError::Compile(_) => libc::EINVAL,
        confine::ConfineError::Install(source) | confine::ConfineError::Capabilities(source) => {
            source.raw_os_error().unwrap_or(libc::EIO)
        }
    }
}

/// Waits for a word of the supervisor's.
fn expect(link: &OwnedFd, word: &[u8]) -> Result<(), Option<StartFailure>> {
    let mut buffer = [0; 4];
    let received = seqpacket::receive(link, &mut buffer).map_err(|_| None)?;
    if buffer.get(..received.bytes) == Some(word) { Ok(()) } else { Err(None) }
}

/// Until its ids are set, the process is the host's root without rights: it must not touch a file.
pub(crate) fn become_root() -> Result<(), StartFailure> {
    let set = || -> nix::Result<()> {
        nix::unistd::setgroups(&[])?;
        let (user, group) = (nix::unistd::Uid::from_raw(0), nix::unistd::Gid::from_raw(0));
        nix::unistd::setresgid(group, group, group)?;
        nix::unistd::setresuid(user, user, user)
    };
    set().map_err(io::Error::from).at(Step::BecomeRoot, "")
}

/// Whether this process is in a cgroup of the unified hierarchy.
fn has_unified() -> bool {
    fs::read_to_string("/proc/self/cgroup")
        .is_ok_and(|text| text.lines().any(|line| line.starts_with("0::")))
}

/// Becomes a program of the guest's; returns only when it did not come to that.
fn execute(command: &[String], plan: &StartPlan, link: BorrowedFd<'_>) -> StartFailure {
    let Some((program, arguments)) = command.split_first() else {
        return StartFailure::new(Step::FindInit, "", libc::EINVAL);
    };
    if let Err(failure) = super::refuse_foreign(program, &plan.environment) {
        return failure;
    }
    let _ = seqpacket::send(link, EXECUTING, &[]);
    let variables = plan.environment.iter().filter_map(|pair| pair.split_once('='));
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(variables).current_dir("/");
    processes::limit(&mut command, &plan.processes.limits);
    let error = command.exec();
    StartFailure::new(Step::Execute, program, error.raw_os_error().unwrap_or(libc::EIO))
}

/// Watches the guest until it ends, then says so.
fn stay(plan: StartPlan, guest: Guest, start: Option<(OwnedFd, OwnedFd)>) -> ExitCode {
    // What ends others must not end this one: the guest would lose who speaks for it.
    let ignored = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];
    let _ = ignored.into_iter().collect::<SigSet>().thread_block();
    let _ = fs::write("/proc/self/oom_score_adj", OOM_SCORE);
    let _ = open_v1(&plan.supervisor_cgroups).and_then(enter_cgroups);
    let Guest { init, pidfd, console, oom, .. } = guest;
    let Ok(ended) = watch::until_end(&plan, init, &pidfd, console, oom, start) else {
        return ExitCode::FAILURE;
    };
    if plan.report_end && run_event(&plan, event_of(ended)).is_err() {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What the end of pid 1 means: the kernel ends it so when the guest calls reboot(2).
fn event_of(ended: Ended) -> &'static str {
    match ended {
        Ended::Killed(libc::SIGHUP) => "restart",
        Ended::Killed(libc::SIGINT) => "halt",
        Ended::Killed(_) | Ended::Exited(_) => "exit",
    }
}

/// Has it seen to what happened.
pub(super) fn run_event(plan: &StartPlan, event: &str) -> io::Result<Child> {
    let mut command = Command::new(&plan.executable);
    command.arg("vserver");
    if let Some(file) = &plan.settings_file {
        command.arg("--config").arg(file);
    }
    command.args(["--event", event, plan.name.as_str()]);
    command
        .env_clear()
        .env("PATH", SEARCH_PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reboot_and_halt_are_told_from_an_end() {
        assert_eq!(event_of(Ended::Killed(libc::SIGHUP)), "restart");
        assert_eq!(event_of(Ended::Killed(libc::SIGINT)), "halt");
        assert_eq!(event_of(Ended::Killed(libc::SIGKILL)), "exit");
        assert_eq!(event_of(Ended::Exited(0)), "exit");
    }
}
