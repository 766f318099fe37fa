//! The role `ulysse guest-exec`: one process, one thread, one command inside a guest.
//!
//! It joins the guest's namespaces but not its cgroup and not its process numbers: it stays outside,
//! invisible in there, and waits. Its child, which becomes the command, is inside in every respect
//! before it runs a single instruction of the guest's.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Gid, Uid};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, pidfd_open};
use sys::capability::CapabilitySet;
use sys::seqpacket::{self, PacketError};
use sys::session::Session;

use super::pty::Pty;
use super::user;
use super::{NOT_STARTED, PLAN_VARIABLE, Plan, exit_code};
use crate::cgroup;
use crate::guest::confine::{ConfineError, confine_thread};
use crate::guest::processes;

/// Where commands are looked for inside.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Shells that are tried when the config tree names none (fact sheet 1.1).
const SHELLS: [[&str; 2]; 3] = [["/bin/bash", "-login"], ["/bin/sh", "-l"], ["/bin/csh", "-l"]];

const SIGHUP: i32 = 1;

/// Why a command was not started inside a guest.
#[derive(Debug, thiserror::Error)]
pub enum GuestExecError {
    /// The role was called by hand.
    #[error("reading what to run: this role is started by Ulysse only")]
    NoPlan,
    /// The plan is not one.
    #[error("understanding what to run")]
    BadPlan(#[source] serde_json::Error),
    /// The guest's pid 1 is gone.
    #[error("the VServer is not running")]
    NotRunning,
    /// A process attribute could not be set.
    #[error("preparing the process")]
    Prepare(#[source] io::Error),
    /// The guest's cgroup could not be opened.
    #[error("opening {path}")]
    OpenCgroup {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The guest's namespaces could not be joined.
    #[error("joining the VServer's namespaces")]
    Join(#[source] io::Error),
    /// Its root could not be become.
    #[error("becoming the VServer's root")]
    BecomeRoot(#[source] io::Error),
    /// Nobody of this name in the guest.
    #[error("no user {user} in the VServer")]
    NoSuchUser {
        /// The name or number.
        user: String,
    },
    /// No terminal could be made.
    #[error("making a terminal in the VServer")]
    OpenTerminal(#[source] io::Error),
    /// What lies at `/dev/pts/ptmx` is something else.
    #[error("the VServer's /dev/pts/ptmx is no terminal multiplexer")]
    NotATerminal,
    /// Capabilities and system calls could not be given up.
    #[error("giving up rights")]
    GiveUp(#[source] ConfineError),
    /// The terminal could not be handed out.
    #[error("handing out the terminal")]
    HandOut(#[source] PacketError),
    /// No shell in the guest.
    #[error("the VServer has no shell")]
    NoShell,
    /// The command could not be started.
    #[error("{program}")]
    Start {
        /// Its name.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its end could not be waited for.
    #[error("waiting for the command")]
    Wait(#[source] io::Error),
}

/// The role. `arguments` are the process's after the role's name: `--`, then the command.
#[must_use]
pub fn guest_exec(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let argv: Vec<OsString> = arguments.into_iter().skip_while(|word| word == "--").collect();
    match run(argv) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&mut io::stderr(), &error);
            ExitCode::from(code_of(&error))
        }
    }
}

/// As a shell: 127 when the command does not exist, 126 when it cannot be executed.
fn code_of(error: &GuestExecError) -> u8 {
    match error {
        GuestExecError::Start { source, .. } => match source.kind() {
            io::ErrorKind::NotFound => 127,
            io::ErrorKind::PermissionDenied => 126,
            _ => NOT_STARTED,
        },
        _ => NOT_STARTED,
    }
}

/// Says why, in one line that also a terminal in raw mode shows at its left edge.
fn complain(to: &mut impl Write, error: &GuestExecError) {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    // Nobody may be there to read it.
    let _ = write!(to, "vserver: {text}\r\n");
}

fn run(argv: Vec<OsString>) -> Result<u8, GuestExecError> {
    let text = std::env::var(PLAN_VARIABLE).map_err(|_| GuestExecError::NoPlan)?;
    let plan: Plan = serde_json::from_str(&text).map_err(GuestExecError::BadPlan)?;
    let prepare = |errno: rustix::io::Errno| GuestExecError::Prepare(errno.into());
    // What a careless caller left open goes no further.
    sys::descriptor::close_on_exec_from(3).map_err(GuestExecError::Prepare)?;
    // Nobody inside may look at this process or its descriptors while it comes in.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(prepare)?;
    crate::guest::supervise::set_limits(plan.processes.badness);
    let _ = rustix::process::setpriority_process(None, plan.nice);
    processes::set_priority(std::process::id(), &plan.processes)
        .map_err(GuestExecError::Prepare)?;
    let guest = Guest::open(&plan)?;
    guest.join()?;
    rustix::process::umask(rustix::fs::Mode::WGRP | rustix::fs::Mode::WOTH);
    rustix::process::chdir("/").map_err(prepare)?;
    become_root()?;
    let user = user::find(plan.user.as_deref())?;
    let terminal = plan.terminal.map(Pty::open).transpose()?;
    if let Some(terminal) = &terminal {
        // As login does it: the terminal is the user's.
        let owner = rustix::fs::Uid::from_raw(user.uid);
        rustix::fs::fchown(&terminal.slave, Some(owner), None)
            .map_err(|errno| GuestExecError::OpenTerminal(errno.into()))?;
    }
    let groups: Vec<Gid> = user.groups.iter().copied().map(Gid::from_raw).collect();
    nix::unistd::setgroups(&groups).map_err(|errno| GuestExecError::BecomeRoot(errno.into()))?;
    processes::become_personality(&plan.processes).map_err(GuestExecError::Prepare)?;
    // From here on this process may do what the command may do; all that is left is to wait for it.
    confine_thread(CapabilitySet::from_bits(plan.capabilities)).map_err(GuestExecError::GiveUp)?;
    let (program, arguments) = program_of(argv, &plan)?;
    let mut command = Command::new(&program);
    command.args(arguments).env_clear().current_dir("/");
    command.envs([
        ("PATH", SEARCH_PATH),
        ("TERM", &plan.term),
        ("LANG", &plan.lang),
        ("HOME", &user.home),
        ("USER", &user.name),
        ("LOGNAME", &user.name),
        ("SHELL", user.shell.as_deref().unwrap_or("/bin/sh")),
    ]);
    let session = Session {
        cgroups: guest.cgroups,
        controlling_terminal: terminal.is_some(),
        ids: Some((user.uid, user.gid)),
        death_signal: SIGHUP,
    };
    session.prepare(&mut command);
    processes::limit(&mut command, &plan.processes.limits);
    supervise(command, program, terminal)
}

/// Starts the command and waits for it.
fn supervise(
    mut command: Command,
    program: OsString,
    terminal: Option<Pty>,
) -> Result<u8, GuestExecError> {
    let mut slave = None;
    if let Some(terminal) = terminal {
        seqpacket::send(io::stdin(), b"t", &[terminal.master.as_fd()])
            .map_err(GuestExecError::HandOut)?;
        let copy = || terminal.slave.try_clone().map_err(GuestExecError::OpenTerminal);
        command.stdin(copy()?).stdout(copy()?).stderr(copy()?);
        slave = Some(terminal.slave);
    }
    // The child begins with no signal blocked, whatever is blocked here.
    let mut wanted = SigSet::empty();
    wanted.add(Signal::SIGCHLD);
    wanted.add(Signal::SIGTERM);
    wanted.thread_block().map_err(|errno| GuestExecError::Wait(errno.into()))?;
    let started = command.spawn();
    // The command's own copies go with it: the terminal must end when the last process in it does.
    drop(command);
    // Whoever asked is gone: so is the reason to wait. The kernel forgets this whenever a process
    // changes who it is, so it is said now.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let mut child = match started {
        Ok(child) => child,
        Err(source) => {
            let program = program.to_string_lossy().into_owned();
            let error = GuestExecError::Start { program, source };
            let Some(slave) = slave else { return Err(error) };
            complain(&mut File::from(slave), &error);
            return Ok(code_of(&error));
        }
    };
    drop(slave);
    loop {
        if let Some(status) = child.try_wait().map_err(GuestExecError::Wait)? {
            return Ok(exit_code(status));
        }
        // Told to end it: it is ended, politeness is the caller's affair. The caller's own death is a
        // hang-up, by the signal that the session was prepared with.
        if let Ok(Signal::SIGTERM) = wanted.wait() {
            child.kill().map_err(GuestExecError::Wait)?;
        }
    }
}

/// A guest, seen from outside.
struct Guest {
    pidfd: OwnedFd,
    namespaces: CloneFlags,
    cgroups: Vec<OwnedFd>,
}

impl Guest {
    /// Opens all that is needed of it while the host's file tree is in sight.
    fn open(plan: &Plan) -> Result<Self, GuestExecError> {
        let pid = i32::try_from(plan.init.pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or(GuestExecError::NotRunning)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| GuestExecError::NotRunning)?;
        let proc = PathBuf::from(format!("/proc/{}", plan.init.pid));
        let namespaces = foreign_namespaces(&proc);
        let open = |directory: &PathBuf| {
            let path = cgroup::entrance(&cgroup_for_processes(directory));
            let opened = OpenOptions::new().write(true).open(&path);
            opened.map(OwnedFd::from).map_err(|source| GuestExecError::OpenCgroup { path, source })
        };
        let cgroups = plan.cgroups.iter().map(open).collect::<Result<_, _>>()?;
        // Everything above was about the right process only if it still lives.
        if !plan.init.is_alive() {
            return Err(GuestExecError::NotRunning);
        }
        Ok(Self { pidfd, namespaces, cgroups })
    }

    /// Joins its namespaces; the process namespace is joined by children only.
    fn join(&self) -> Result<(), GuestExecError> {
        let failed = |errno: nix::errno::Errno| GuestExecError::Join(errno.into());
        match setns(&self.pidfd, self.namespaces) {
            // Namespaces that belong to the host's user namespace can be joined only before its own
            // is left.
            Err(nix::errno::Errno::EPERM) => {
                let user = self.namespaces & CloneFlags::CLONE_NEWUSER;
                setns(&self.pidfd, self.namespaces - user).map_err(failed)?;
                setns(&self.pidfd, user).map_err(failed)
            }
            other => other.map_err(failed),
        }
    }
}

/// The namespaces of a process that are not this process's own.
fn foreign_namespaces(proc: &Path) -> CloneFlags {
    let all = [
        ("user", CloneFlags::CLONE_NEWUSER),
        ("mnt", CloneFlags::CLONE_NEWNS),
        ("pid", CloneFlags::CLONE_NEWPID),
        ("net", CloneFlags::CLONE_NEWNET),
        ("uts", CloneFlags::CLONE_NEWUTS),
        ("ipc", CloneFlags::CLONE_NEWIPC),
        ("cgroup", CloneFlags::CLONE_NEWCGROUP),
    ];
    let same = |name: &str| {
        let link = |proc: &Path| fs::read_link(proc.join("ns").join(name)).ok();
        link(proc) == link(Path::new("/proc/self"))
    };
    all.into_iter().filter(|(name, _)| !same(name)).map(|(_, flag)| flag).collect()
}

/// Where in a guest's cgroup a process can be put. Once a guest's init (systemd) has divided its
/// part of the unified hierarchy, only the leaves take processes: then it is one of our own.
fn cgroup_for_processes(directory: &Path) -> PathBuf {
    let divided = fs::read_to_string(directory.join("cgroup.subtree_control"))
        .is_ok_and(|controllers| !controllers.trim().is_empty());
    if !divided {
        return directory.to_owned();
    }
    let leaf = directory.join("ulysse.exec");
    // It may be there already; whether it can be used is seen when it is.
    let _ = fs::create_dir(&leaf);
    leaf
}

fn become_root() -> Result<(), GuestExecError> {
    let failed = |errno: nix::errno::Errno| GuestExecError::BecomeRoot(errno.into());
    let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
    nix::unistd::setgroups(&[]).map_err(failed)?;
    nix::unistd::setresgid(group, group, group).map_err(failed)?;
    nix::unistd::setresuid(user, user, user).map_err(failed)
}

/// The command, or the shell: the configured one, else the first that the guest has.
fn program_of(
    argv: Vec<OsString>,
    plan: &Plan,
) -> Result<(OsString, Vec<OsString>), GuestExecError> {
    let mut words = argv;
    if words.is_empty() {
        words = plan.shell.iter().map(OsString::from).collect();
    }
    if words.is_empty() {
        let found = SHELLS.iter().find(|[path, _]| Path::new(path).exists());
        words = found.ok_or(GuestExecError::NoShell)?.iter().map(OsString::from).collect();
    }
    let mut words = words.into_iter();
    let program = words.next().ok_or(GuestExecError::NoShell)?;
    Ok((program, words.collect()))
}
