//! The role `ulysse stage`: runs a program that makes a VServer's files, where it can harm nothing.
//!
//! The program (debootstrap, and through it the scripts of every package; rsync; cp) is root in a user
//! namespace with the ids of the VServer being built, in pid, mount, uts and ipc namespaces of its own.
//! The directory it fills is shown to it at [`TARGET`] with those ids and arrives on disk unshifted,
//! as VServers' files are; what it copies, at [`SOURCE`] in the same way, read-only, with nothing in
//! `dev`, `proc` and `sys`. It has the host's network, because it must reach the mirror, but no right
//! over it; of the host's files it can do what a stranger could, and a program that copies can write
//! none of them at all: a link that leads out of the target leads to what is read-only.
//!
//! A program that only looks ([`super::asking`]) has no network, keeps what it writes in memory, and is given
//! no more than a process of a VServer's may have; one of the VServer's own sees its files alone.
//!
//! A VServer that is copied while it runs is frozen by this process and thawed by it, so that it is
//! thawed also when the engine dies.
//!
//! Protocol: the plan is one line of JSON on descriptor 0, which then stays open: its end means that
//! the caller is gone or has changed its mind. What the program says comes out at descriptor 1.
//!
//! Invariant: when this process has ended, nothing that it started runs.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use domain::failure::{Failure, HostFeature};
use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use serde::{Deserialize, Serialize};
use sys::capability::CapabilitySet;
use sys::mount::Attributes;
use sys::process::{Ended, Fork, Namespaces};
use sys::seqpacket;

use crate::disk_full::is_disk_full;
use crate::freezer;
use crate::guest::Step;
use crate::guest::confine;
use crate::guest::mounts::{self, At};
use crate::guest::plan::StartFailure;
use crate::guest::supervise::become_root;
use crate::unification::{self, IdRange};
use crate::volume;

/// The name of the role.
pub(super) const ROLE: &str = "stage";

/// Where the program finds the directory it is to fill. It lies in a tmpfs over `/mnt`: a place that
/// every Debian has and that nobody may rely on (FHS 3.0, 3.12), so that the directory's own path
/// need not be open to strangers.
pub(super) const TARGET: &str = "/mnt/root";

/// Where the program finds wget's settings.
pub(super) const WGETRC: &str = "/mnt/wgetrc";

/// Where the program finds what it copies.
pub(super) const SOURCE: &str = "/mnt/source";

/// Where it finds our own program, to reach another machine with ([`super::relay`]).
pub(super) const RELAY: &str = "/mnt/relay";

/// The line that says that the VServer to copy stands still now.
pub(super) const FROZEN: &str = r#"{"frozen":true}"#;

/// The descriptor of the line out, of this process and of the program.
pub(super) const LINE_OUT: i32 = 3;
pub(super) const PROGRAMS_LINE_OUT: i32 = 4;

/// How long a VServer has to stand still.
const FREEZE_PATIENCE: Duration = Duration::from_secs(10);

/// The status that says that the program was never run; a line of JSON on descriptor 1 says why.
pub(super) const NOT_RUN: u8 = 125;

/// A mirror that does not answer is given up after a minute or two, not after the hours that wget's
/// own defaults allow.
const WGET_SETTINGS: &str = "tries = 3\ntimeout = 30\nwaitretry = 2\n";

/// From this process to the one in the namespaces: ids are mapped, go on.
pub(crate) const MAPPED: &[u8] = b"m";

/// Every capability there is (41 in Linux 6.x), over the namespace alone.
const ALL_CAPABILITIES: u64 = (1 << 41) - 1;

/// What each process of a program that only looks may use: besides the usual, so many and so large files
/// that what it could hold in memory has an end.
const LOOKING: [(Resource, u64); 5] = [
    (Resource::RLIMIT_AS, 512 << 20),
    (Resource::RLIMIT_CORE, 0),
    (Resource::RLIMIT_FSIZE, 16 << 20),
    (Resource::RLIMIT_NOFILE, 32),
    (Resource::RLIMIT_NPROC, 4),
];

/// What such a program can write altogether.
const MEMORY: &str = "size=64m,nr_inodes=4k,mode=755";

/// What of the engine's environment says how to reach a mirror.
const PROXY_VARIABLES: [&str; 4] = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];

/// How a program reaches a mirror, as far as the engine's own environment says it.
pub(super) fn proxies() -> impl Iterator<Item = (String, String)> {
    let set = |name: &&str| Some(((*name).to_owned(), std::env::var(name).ok()?));
    PROXY_VARIABLES.iter().filter_map(set)
}

/// What is to be run on what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The directory to copy, on the host.
    pub(super) source: Option<PathBuf>,
    /// The cgroups of a VServer that is to stand still meanwhile.
    pub(super) frozen: Vec<PathBuf>,
    /// Whether it can write nothing but the directory to fill.
    pub(super) writes_target_only: bool,
    /// Our own program, when it needs the line out.
    pub(super) relay: Option<PathBuf>,
    /// Whether it only looks: what it writes to the directory is nowhere.
    pub(super) only_looks: bool,
    /// Whether it sees the directory alone, as its root.
    pub(super) leaves_host: bool,
}

/// Files that a program sees.
struct Files {
    mount: OwnedFd,
    /// Whether they have the program's ids already, because they are layers.
    has_ids: bool,
}

/// Mounts that are made with the host's rights, for the program's namespace.
struct Mounts {
    target: Files,
    source: Option<Files>,
    relay: Option<OwnedFd>,
    line_out: Option<OwnedFd>,
}

/// A VServer that stands still for as long as this lives.
struct Frozen<'a>(&'a [PathBuf]);

impl<'a> Frozen<'a> {
    fn freeze(cgroups: &'a [PathBuf]) -> Result<Self, StartFailure> {
        if !cgroups.is_empty() {
            freezer::freeze(cgroups, FREEZE_PATIENCE).map_err(|error| {
                StartFailure::new(Step::Freeze, &error.to_string(), libc::ETIMEDOUT)
            })?;
            println!("{FROZEN}");
        }
        Ok(Self(cgroups))
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        // The engine does it once more, and tells when it cannot.
        let _ = freezer::thaw(self.0);
    }
}

/// Why a program was not run, as it crosses to the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotRun {
    /// While doing what.
    pub while_doing: String,
    /// The kernel's answer.
    pub errno: i32,
    /// Whether it is the host that cannot give a process its own users.
    pub lacks_user_namespaces: bool,
    /// What the filesystem cannot show with other owners.
    pub unmappable: Option<PathBuf>,
}

impl From<&NotRun> for Failure {
    fn from(why: &NotRun) -> Self {
        let detail = format!("{}: {}", why.while_doing, io::Error::from_raw_os_error(why.errno));
        if is_disk_full(&io::Error::from_raw_os_error(why.errno)) && !why.lacks_user_namespaces {
            Self::DiskFull { path: why.while_doing.clone() }
        } else if why.lacks_user_namespaces {
            Self::HostLacks { feature: HostFeature::UserNamespaces, detail }
        } else if let Some(path) = &why.unmappable {
            volume::unmappable(path, detail)
        } else {
            Self::Unexpected { detail }
        }
    }
}

impl From<StartFailure> for NotRun {
    fn from(failure: StartFailure) -> Self {
        Self {
            while_doing: format!("{} {}", failure.step, failure.subject).trim_end().to_owned(),
            errno: failure.errno,
            lacks_user_namespaces: failure.step == Step::Fork,
            unmappable: (failure.step == Step::MapFiles).then(|| failure.subject.into()),
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
    let line_out = sys::descriptor::take_inherited(LINE_OUT).ok();
    sys::descriptor::close_from(if line_out.is_some() { LINE_OUT + 1 } else { LINE_OUT })
        .at(Step::ReadPlan, "")?;
    let caller = io::stdin().as_fd().try_clone_to_owned().at(Step::ReadPlan, "")?;
    let plan = read_plan(&caller)?;
    let mounts = Mounts {
        target: match plan.only_looks {
            true => open_read_only(&plan.directory, &plan)?,
            false => open_files(&plan.directory, &plan, true)?,
        },
        source: plan.source.as_deref().map(|path| open_read_only(path, &plan)).transpose()?,
        relay: plan.relay.as_deref().map(open_program).transpose()?,
        // Only a plan that says so has one.
        line_out: line_out.filter(|_| plan.relay.is_some()),
    };
    let (link, theirs) = seqpacket::pair().at(Step::Fork, "")?;
    let net = plan.only_looks;
    let namespaces = Namespaces { user: true, pid: true, mount: true, uts: true, ipc: true, net };
    match sys::process::fork(namespaces, None).at(Step::Fork, "")? {
        Fork::Child => {
            drop((link, caller));
            let failure = be_program(&plan, &theirs, mounts);
            if let Ok(text) = serde_json::to_string(&NotRun::from(failure)) {
                println!("{text}");
            }
            std::process::exit(NOT_RUN.into())
        }
        Fork::Parent { pid, pidfd } => {
            drop(theirs);
            let made = map_ids(&plan, pid, &mounts).and_then(|()| {
                drop(mounts);
                let frozen = Frozen::freeze(&plan.frozen)?;
                seqpacket::send(&link, MAPPED, &[])
                    .map_err(|_| StartFailure::new(Step::Fork, "", libc::EPIPE))?;
                Ok(frozen)
            });
            let _frozen = match made {
                Ok(frozen) => frozen,
                Err(failure) => {
                    let _ = sys::process::send_signal(pidfd.as_fd(), libc::SIGKILL);
                    let _ = sys::process::wait_for(pid);
                    return Err(failure);
                }
            };
            watch(&caller, &pidfd);
            // The end of a namespace's pid 1 is the end of all its processes; the wait is for all.
            sys::process::wait_for(pid).at(Step::Execute, "")
        }
    }
}

/// Opens what is only looked at as a mount of its own, that cannot be written.
fn open_read_only(path: &Path, plan: &StagePlan) -> Result<Files, StartFailure> {
    let files = open_files(path, plan, false)?;
    let attributes = Attributes { read_only: true, no_device: true, ..Attributes::default() };
    sys::mount::set_attributes(&files.mount, attributes, false)
        .at(Step::OpenRoot, &path.to_string_lossy())?;
    Ok(files)
}

/// Opens a directory as a mount of its own.
fn open_files(path: &Path, plan: &StagePlan, writable: bool) -> Result<Files, StartFailure> {
    let ids = IdRange { first: plan.first_host_id, count: plan.host_ids };
    let layers = unification::open_with_ids(path, ids, writable)
        .at(Step::MapFiles, &path.to_string_lossy())?;
    Ok(match layers {
        Some(mount) => Files { mount, has_ids: true },
        None => Files { mount: mounts::open_root(path)?, has_ids: false },
    })
}

/// Opens our own program as a mount of its own: its directory need not be open to strangers.
fn open_program(path: &Path) -> Result<OwnedFd, StartFailure> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(CWD, path, flags).at(Step::OpenRoot, &path.to_string_lossy())
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

fn map_ids(plan: &StagePlan, pid: u32, mounts: &Mounts) -> Result<(), StartFailure> {
    let map = format!("0 {} {}\n", plan.first_host_id, plan.host_ids);
    for name in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{pid}/{name}"), &map).at(Step::MapIds, name)?;
    }
    let namespace = fs::File::open(format!("/proc/{pid}/ns/user")).at(Step::MapIds, "user")?;
    let shown =
        [Some((&mounts.target, &plan.directory)), mounts.source.as_ref().zip(plan.source.as_ref())];
    for (files, path) in shown.into_iter().flatten().filter(|(files, _)| !files.has_ids) {
        sys::mount::map_ids(&files.mount, namespace.as_fd(), false)
            .at(Step::MapFiles, &path.to_string_lossy())?;
    }
    Ok(())
}

/// Becomes the program; returns only when it did not come to that.
fn be_program(plan: &StagePlan, link: &OwnedFd, mounts: Mounts) -> StartFailure {
    match enter(plan, link, mounts) {
        Ok(error) => {
            let program = plan.command.first().map_or("", String::as_str);
            StartFailure::new(Step::Execute, program, error.raw_os_error().unwrap_or(libc::EIO))
        }
        Err(failure) => failure,
    }
}

/// The beginning of a process in new namespaces: waits for the word that its ids are mapped, becomes their
/// root, and ends with the process that watches it.
///
/// # Errors
/// When that process is gone, or the ids cannot be taken.
pub(crate) fn become_root_when_mapped(link: &OwnedFd) -> Result<(), StartFailure> {
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
    Ok(())
}

fn enter(plan: &StagePlan, link: &OwnedFd, mounts: Mounts) -> Result<io::Error, StartFailure> {
    become_root_when_mapped(link)?;
    let host = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .at(Step::Mount, "/")?;
    if plan.writes_target_only {
        let attributes = Attributes { read_only: true, ..Attributes::default() };
        sys::mount::set_attributes(&host, attributes, true).at(Step::Mount, "/")?;
    }
    let Mounts { target: Files { mount: root, .. }, source, relay, line_out } = mounts;
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
    let root = if plan.only_looks { written_nowhere(&place, root)? } else { root };
    mounts::attach_at(&place, "root", &root)?;
    // debootstrap makes device nodes where none are, which nobody may in a user namespace.
    let dev = mounts::tmpfs("size=512k,mode=755", Attributes::default()).at(Step::Mount, "/dev")?;
    mounts::attach_at(&root, "dev", &dev)?;
    if plan.only_looks {
        mounts::show_nodes(&dev)?;
    } else {
        mounts::fill_dev(&dev)?;
    }
    // It mounts a sysfs where none is, which needs a network of its own.
    let sys = mounts::tmpfs("size=16k,mode=555", Attributes::default()).at(Step::Mount, "/sys")?;
    rustix::fs::mkdirat(&sys, "kernel", Mode::from_raw_mode(0o555)).at(Step::Mount, "/sys")?;
    mounts::attach_at(&root, "sys", &sys)?;
    if let Some(Files { mount: source, .. }) = source {
        mounts::attach_at(&place, "source", &source)?;
        hide_kernel_files(&source)?;
    }
    if let Some(relay) = relay {
        mounts::attach_new_file(&place, "relay", &relay).at(Step::Mount, RELAY)?;
    }
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
    let mut handed_on = vec![(progress, 3)];
    handed_on.extend(line_out.map(|descriptor| (descriptor, PROGRAMS_LINE_OUT)));
    sys::descriptor::hand_on(&mut command, handed_on);
    if plan.leaves_host {
        mounts::leave_host(&root, &host)?;
    }
    let capabilities = if plan.only_looks {
        for (resource, most) in LOOKING {
            setrlimit(resource, most, most).map_err(io::Error::from).at(Step::Confine, "")?;
        }
        CapabilitySet::SECURE
    } else {
        CapabilitySet::from_bits(ALL_CAPABILITIES)
    };
    confine::confine_thread(capabilities)
        .map_err(|_| StartFailure::new(Step::Confine, "", libc::EPERM))?;
    Ok(command.exec())
}

/// Shows files so that what is written to them is in memory, and nowhere else: whoever reads a database
/// may have to write beside it.
fn written_nowhere(place: &OwnedFd, files: OwnedFd) -> Result<OwnedFd, StartFailure> {
    let memory = mounts::tmpfs(MEMORY, Attributes::default()).at(Step::Mount, "/mnt/memory")?;
    for name in ["upper", "work"] {
        rustix::fs::mkdirat(&memory, name, Mode::from_raw_mode(0o755)).at(Step::Mount, name)?;
    }
    mounts::attach_at(place, "memory", &memory)?;
    mounts::attach_at(place, "files", &files)?;
    let layers =
        "lowerdir=/mnt/files,upperdir=/mnt/memory/upper,workdir=/mnt/memory/work,userxattr";
    // Kernels before 5.19 lay nothing over files with other ids. Most can be read as they are.
    Ok(mounts::filesystem("overlay", layers, Attributes::default()).unwrap_or(files))
}

/// Shows nothing where a source has the files of a kernel: a machine's devices are not to be copied.
fn hide_kernel_files(source: &OwnedFd) -> Result<(), StartFailure> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for name in ["dev", "proc", "sys"] {
        // What is no directory is copied as what it is.
        if rustix::fs::openat(source, name, flags, Mode::empty()).is_ok() {
            let empty =
                mounts::tmpfs("size=4k,mode=755", Attributes::default()).at(Step::Mount, name)?;
            mounts::attach_at(source, name, &empty)?;
        }
    }
    Ok(())
}
