//! The role `ulysse stage`: runs a program that makes a base system, where it can harm nothing.
//!
//! The program (debootstrap, and through it the scripts of every package) is root in a user namespace
//! with the ids of the VServer being built, in pid, mount, uts and ipc namespaces of its own. The
//! directory it fills is shown to it at [`TARGET`] with those ids and arrives on disk unshifted,
//! as VServers' files are. It has the host's network, because it must reach the mirror, but no right
//! over it; of the host's files it can do what a stranger could.
//!
//! Protocol: the plan is one line of JSON on descriptor 0, which then stays open: its end means that
//! the caller is gone or has changed its mind. What the program says comes out at descriptor 1.
//!
//! Invariant: when this process has ended, nothing that it started runs.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use nix::libc;
use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MoveMountFlags, move_mount};
use serde::{Deserialize, Serialize};
use sys::capability::CapabilitySet;
use sys::mount::Attributes;
use sys::process::{Ended, Fork, Namespaces};
use sys::seqpacket;

use crate::guest::Step;
use crate::guest::confine;
use crate::guest::mounts::{self, At};
use crate::guest::plan::StartFailure;
use crate::guest::supervise::become_root;

/// The name of the role.
pub(super) const ROLE: &str = "stage";

/// Where the program finds the directory it is to fill. It lies in a tmpfs over `/mnt`: a place that
/// every Debian has and that nobody may rely on (FHS 3.0, 3.12), so that the directory's own path
/// need not be open to strangers.
pub(super) const TARGET: &str = "/mnt/root";

/// Where the program finds wget's settings.
pub(super) const WGETRC: &str = "/mnt/wgetrc";

/// The status that says that the program was never run; a line of JSON on descriptor 1 says why.
pub(super) const NOT_RUN: u8 = 125;

/// A mirror that does not answer is given up after a minute or two, not after the hours that wget's
/// own defaults allow.
const WGET_SETTINGS: &str = "tries = 3\ntimeout = 30\nwaitretry = 2\n";

/// From this process to the one in the namespaces: ids are mapped, go on.
const MAPPED: &[u8] = b"m";

/// Every capability there is (41 in Linux 6.x), over the namespace alone.
const ALL_CAPABILITIES: u64 = (1 << 41) - 1;

/// What is to be run on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StagePlan {
    /// The directory to fill, on the host.
    pub(super) directory: PathBuf,
    /// The host's id of the program's root.
    pub(super) first_host_id: u32,
    /// How many ids it has.
    pub(super) host_ids: u32,
    /// The program and its arguments; descriptor 3 is its progress.
    pub(super) command: Vec<String>,
    /// Its environment.
    pub(super) environment: Vec<(String, String)>,
}

/// Why a program was not run, as it crosses to the caller.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NotRun {
    /// While doing what.
    pub(super) while_doing: String,
    /// The kernel's answer.
    pub(super) errno: i32,
    /// Whether it is the host that cannot give a process its own users.
    pub(super) lacks_user_namespaces: bool,
    /// Whether it is the filesystem that cannot show files with other owners.
    pub(super) lacks_idmapped_mounts: bool,
}

impl From<StartFailure> for NotRun {
    fn from(failure: StartFailure) -> Self {
        Self {
            while_doing: format!("{} {}", failure.step, failure.subject).trim_end().to_owned(),
            errno: failure.errno,
            lacks_user_namespaces: failure.step == Step::Fork,
            lacks_idmapped_mounts: failure.step == Step::MapFiles,
        }
    }
}

/// The role.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(Ended::Exited(status)) => ExitCode::from(status),
        Ok(Ended::Killed(signal)) => ExitCode::from(128_u8.saturating_add(signal as u8)),
        Err(failure) => {
            if let Ok(text) = serde_json::to_string(&NotRun::from(failure)) {
                println!("{text}");
            }
            ExitCode::from(NOT_RUN)
        }
    }
}

fn run() -> Result<Ended, StartFailure> {
    sys::descriptor::close_from(3).at(Step::ReadPlan, "")?;
    let caller = io::stdin().as_fd().try_clone_to_owned().at(Step::ReadPlan, "")?;
    let plan = read_plan(&caller)?;
    let root = mounts::open_root(&plan.directory)?;
    let (link, theirs) = seqpacket::pair().at(Step::Fork, "")?;
    let namespaces =
        Namespaces { user: true, pid: true, mount: true, uts: true, ipc: true, net: false };
    match sys::process::fork(namespaces, None).at(Step::Fork, "")? {
        Fork::Child => {
            drop((link, caller));
            let failure = be_program(&plan, &theirs, root);
            if let Ok(text) = serde_json::to_string(&NotRun::from(failure)) {
                println!("{text}");
            }
            std::process::exit(NOT_RUN.into())
        }
        Fork::Parent { pid, pidfd } => {
            drop(theirs);
            let made = map_ids(&plan, pid, &root).and_then(|()| {
                drop(root);
                seqpacket::send(&link, MAPPED, &[])
                    .map_err(|_| StartFailure::new(Step::Fork, "", libc::EPIPE))
            });
            if let Err(failure) = made {
                let _ = sys::process::send_signal(pidfd.as_fd(), libc::SIGKILL);
                let _ = sys::process::wait_for(pid);
                return Err(failure);
            }
            watch(&caller, &pidfd);
            // The end of a namespace's pid 1 is the end of all its processes; the wait is for all.
            sys::process::wait_for(pid).at(Step::Execute, "")
        }
    }
}

fn read_plan(caller: &OwnedFd) -> Result<StagePlan, StartFailure> {
    let bad = StartFailure::new(Step::ReadPlan, "", libc::EBADMSG);
    let mut line = String::new();
    let input = caller.try_clone().at(Step::ReadPlan, "")?;
    BufReader::new(fs::File::from(input)).read_line(&mut line).at(Step::ReadPlan, "")?;
    serde_json::from_str(&line).map_err(|_| bad)
}

/// Waits until the program has ended, and ends it when the caller has gone.
fn watch(caller: &OwnedFd, pidfd: &OwnedFd) {
    loop {
        let mut polled = [PollFd::new(pidfd, PollFlags::IN), PollFd::new(caller, PollFlags::IN)];
        match poll(&mut polled, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
        }
        let [has_ended, is_alone] = polled.map(|fd| !fd.revents().is_empty());
        if is_alone && !has_ended {
            let _ = sys::process::send_signal(pidfd.as_fd(), libc::SIGKILL);
            return;
        }
        if has_ended {
            return;
        }
    }
}

fn map_ids(plan: &StagePlan, pid: u32, root: &OwnedFd) -> Result<(), StartFailure> {
    let map = format!("0 {} {}\n", plan.first_host_id, plan.host_ids);
    for name in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{pid}/{name}"), &map).at(Step::MapIds, name)?;
    }
    let namespace = fs::File::open(format!("/proc/{pid}/ns/user")).at(Step::MapIds, "user")?;
    sys::mount::map_ids(root, namespace.as_fd(), false)
        .at(Step::MapFiles, &plan.directory.to_string_lossy())
}

/// Becomes the program; returns only when it did not come to that.
fn be_program(plan: &StagePlan, link: &OwnedFd, root: OwnedFd) -> StartFailure {
    match enter(plan, link, root) {
        Ok(error) => {
            let program = plan.command.first().map_or("", String::as_str);
            StartFailure::new(Step::Execute, program, error.raw_os_error().unwrap_or(libc::EIO))
        }
        Err(failure) => failure,
    }
}

fn enter(plan: &StagePlan, link: &OwnedFd, root: OwnedFd) -> Result<io::Error, StartFailure> {
    let mut word = [0; 1];
    seqpacket::receive(link, &mut word)
        .ok()
        .filter(|received| received.bytes > 0 && word == *MAPPED)
        .ok_or_else(|| StartFailure::new(Step::Fork, "", libc::EPIPE))?;
    sys::process::reset_signals();
    become_root()?;
    // After the ids, because changing them takes it back. Should the watching process be killed, the
    // kernel ends this one, and with it the namespace.
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from).at(Step::Fork, "")?;
    let place =
        mounts::tmpfs("size=64k,mode=755", Attributes::default()).at(Step::Mount, "/mnt")?;
    let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
    let settings = rustix::fs::openat(&place, "wgetrc", flags, Mode::from_raw_mode(0o644))
        .at(Step::Mount, WGETRC)?;
    rustix::io::write(&settings, WGET_SETTINGS.as_bytes()).at(Step::Mount, WGETRC)?;
    // Attached before anything is attached to it: kernels before 6.15 mount nothing on a mount that is
    // nowhere yet.
    let target = rustix::fs::open("/mnt", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .at(Step::Mount, "/mnt")?;
    let how = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(&place, "", &target, "", how).at(Step::Mount, "/mnt")?;
    mounts::attach_at(&place, "root", &root)?;
    // debootstrap makes device nodes where none are, which nobody may in a user namespace.
    let dev = mounts::tmpfs("size=512k,mode=755", Attributes::default()).at(Step::Mount, "/dev")?;
    mounts::attach_at(&root, "dev", &dev)?;
    mounts::fill_dev(&dev)?;
    // It mounts a sysfs where none is, which needs a network of its own.
    let sys = mounts::tmpfs("size=16k,mode=555", Attributes::default()).at(Step::Mount, "/sys")?;
    rustix::fs::mkdirat(&sys, "kernel", Mode::from_raw_mode(0o555)).at(Step::Mount, "/sys")?;
    mounts::attach_at(&root, "sys", &sys)?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let null = rustix::fs::openat(CWD, "/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .at(Step::Execute, "/dev/null")?;
    let progress = io::stdout().as_fd().try_clone_to_owned().at(Step::Execute, "")?;
    let (program, arguments) = plan
        .command
        .split_first()
        .ok_or_else(|| StartFailure::new(Step::Execute, "", libc::EINVAL))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(plan.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::from(null));
    sys::descriptor::hand_on(&mut command, vec![(progress, 3)]);
    confine::confine_thread(CapabilitySet::from_bits(ALL_CAPABILITIES))
        .map_err(|_| StartFailure::new(Step::Confine, "", libc::EPERM))?;
    Ok(command.exec())
}
