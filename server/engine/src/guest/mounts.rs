//! A guest's mounts: its root, what every guest has, what its `fstab` adds.
//!
//! All of it happens in the guest's own mount namespace, by a process that has the guest's ids and no
//! right over the host's files any more. What only the host may open (bind sources, devices) is
//! opened before, by the supervisor ([`Prepared`]), and only attached here.
//!
//! Invariants:
//! - Every target is a descriptor opened beneath the guest's root: for what every guest has without
//!   following any link, for `fstab` as the guest itself would follow it (`RESOLVE_IN_ROOT`), never
//!   through magic links. Nothing is mounted by path.
//! - No mount of the guest's has a peer on the host: nothing mounted inside shows outside.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat2, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
    fsconfig_create, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount,
    open_tree, unmount,
};
use sys::mount::Attributes;

use super::masks;
use super::plan::{MountPlan, MountSource, StartFailure, StartPlan, Step};

/// Nodes of `/dev` that are the host's own.
const NODES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Links of `/dev`.
const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

/// Filesystems that the guest's own user namespace may mount; all others need the host's rights.
const OWN_FILESYSTEMS: [&str; 6] = ["tmpfs", "ramfs", "proc", "sysfs", "devpts", "mqueue"];

/// What every guest has at these places anyway; a line of `fstab` for it has nothing to add.
const GIVEN: [(&str, &str); 5] = [
    ("/proc", "proc"),
    ("/sys", "sysfs"),
    ("/dev", "tmpfs"),
    ("/dev", "devtmpfs"),
    ("/dev/pts", "devpts"),
];

/// Says while doing what an error came up.
pub(crate) trait At<T> {
    fn at(self, step: Step, subject: &str) -> Result<T, StartFailure>;
}

impl<T> At<T> for rustix::io::Result<T> {
    fn at(self, step: Step, subject: &str) -> Result<T, StartFailure> {
        self.map_err(|errno| StartFailure::new(step, subject, errno.raw_os_error()))
    }
}

impl<T> At<T> for io::Result<T> {
    fn at(self, step: Step, subject: &str) -> Result<T, StartFailure> {
        self.map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(Errno::IO.raw_os_error());
            StartFailure::new(step, subject, errno)
        })
    }
}

/// A line of `fstab` with what the host had to open for it.
pub(super) struct Prepared {
    /// The line.
    pub(super) plan: MountPlan,
    /// The mount, not attached yet; none for one that the guest mounts itself.
    pub(super) tree: Option<Result<OwnedFd, StartFailure>>,
}

/// Opens the guest's root as a mount of its own, private and without device nodes.
pub(crate) fn open_root(path: &Path) -> Result<OwnedFd, StartFailure> {
    let subject = path.to_string_lossy();
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let tree = open_tree(CWD, path, flags).at(Step::OpenRoot, &subject)?;
    sys::mount::make_private(&tree, false).at(Step::OpenRoot, &subject)?;
    let attributes = Attributes { no_device: true, ..Attributes::default() };
    sys::mount::set_attributes(&tree, attributes, false).at(Step::OpenRoot, &subject)?;
    Ok(tree)
}

/// The attributes of a line's mount: sysfs is the host's, and for reading alone, wherever it is.
fn attributes_of(plan: &MountPlan) -> Attributes {
    let of_host = ["proc", "sysfs"].map(Some).contains(&plan.kind());
    let asked = plan.attributes();
    Attributes {
        read_only: asked.read_only || plan.kind() == Some("sysfs"),
        no_suid: asked.no_suid || of_host,
        no_device: asked.no_device || of_host,
        no_exec: asked.no_exec || of_host,
        ..asked
    }
}

/// Whether a line was mounted and could not be masked: a guest must not see it.
pub(super) fn is_bare(failure: &StartFailure) -> bool {
    failure.step == Step::Mask
}

/// Opens, with the host's rights and in the host's file tree, what `fstab` needs of it. Here paths are
/// the administrator's, not the guest's.
pub(super) fn prepare(plans: &[MountPlan]) -> Vec<Prepared> {
    let prepared = plans.iter().filter(|plan| !is_given(plan)).map(|plan| {
        let tree = match &plan.source {
            MountSource::Filesystem { kind, .. } if OWN_FILESYSTEMS.contains(&kind.as_str()) => {
                None
            }
            MountSource::Filesystem { kind, source, options } => {
                let options = if source == "none" {
                    options.clone()
                } else {
                    format!("source={source},{options}")
                };
                Some(filesystem(kind, &options, plan.attributes()).at(Step::Fstab, source))
            }
            MountSource::Bind { path, recursive } => {
                let opened = open_bind(path, *recursive, plan.attributes());
                Some(opened.at(Step::Fstab, &path.to_string_lossy()))
            }
            MountSource::Unsupported { word } => {
                Some(Err(StartFailure::new(Step::Fstab, word, Errno::OPNOTSUPP.raw_os_error())))
            }
        };
        Prepared { plan: plan.clone(), tree }
    });
    prepared.collect()
}

/// Whether a line has nothing to add to what every guest has.
pub(crate) fn is_given(plan: &MountPlan) -> bool {
    let target = plan.target.trim_end_matches('/');
    let is_kind = |kind: &str| matches!(&plan.source, MountSource::Filesystem { kind: planned, .. } if planned == kind);
    // The root is mounted on the host, before anything else.
    target.is_empty() || GIVEN.iter().any(|(place, kind)| *place == target && is_kind(kind))
}

fn open_bind(path: &Path, recursive: bool, attributes: Attributes) -> io::Result<OwnedFd> {
    let mut flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive {
        flags |= OpenTreeFlags::AT_RECURSIVE;
    }
    let tree = open_tree(CWD, path, flags)?;
    sys::mount::make_private(&tree, recursive)?;
    sys::mount::set_attributes(&tree, attributes, recursive)?;
    Ok(tree)
}

impl Prepared {
    /// Shows its files with the guest's ids, as those of the root are. A filesystem that cannot do it
    /// is mounted as it is: its files then belong to nobody inside.
    pub(super) fn map_ids(&self, user_namespace: BorrowedFd<'_>) {
        if let Some(Ok(tree)) = &self.tree {
            let recursive = matches!(self.plan.source, MountSource::Bind { recursive: true, .. });
            let _ = sys::mount::map_ids(tree, user_namespace, recursive);
        }
    }
}

/// What was mounted and is needed once more.
pub(super) struct Mounted {
    /// The guest's `/sys`.
    sys: OwnedFd,
    /// The guest's terminals.
    pub(super) pts: OwnedFd,
    /// The guest's `/dev`.
    pub(super) dev: OwnedFd,
    /// The guest's root.
    pub(super) root: OwnedFd,
    /// The host's root, until it is left.
    host: OwnedFd,
}

/// Attaches the root over the host's own, in this namespace, and mounts what every guest has.
pub(super) fn mount_all(root: OwnedFd, plan: &StartPlan) -> Result<Mounted, StartFailure> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let host = rustix::fs::open("/", flags, Mode::empty()).at(Step::AttachRoot, "/")?;
    attach(&root, &host).at(Step::AttachRoot, "/")?;
    let careful = Attributes {
        read_only: false,
        no_suid: true,
        no_device: true,
        no_exec: true,
        ..Attributes::default()
    };
    let proc = filesystem("proc", "", careful).at(Step::Mount, "/proc")?;
    attach_at(&root, "proc", &proc)?;
    let read_only = Attributes { read_only: true, ..careful };
    let (sys, is_sysfs) = match filesystem("sysfs", "", read_only) {
        // Where the host itself does not see all of sysfs, nobody inside may mount it.
        Err(Errno::PERM) => (sysfs_substitute(careful).at(Step::Mount, "/sys")?, false),
        other => (other.at(Step::Mount, "/sys")?, true),
    };
    attach_at(&root, "sys", &sys)?;
    masks::apply(Some(&proc), is_sysfs.then_some(&sys))?;
    let dev = tmpfs(
        "size=512k,mode=755",
        Attributes { no_suid: true, no_exec: true, ..Attributes::default() },
    )
    .at(Step::Mount, "/dev")?;
    attach_at(&root, "dev", &dev)?;
    let pts = fill_dev(&dev)?;
    if matches!(plan.init, super::plan::InitPlan::Program { .. }) {
        let attributes = Attributes { no_suid: true, no_device: true, ..Attributes::default() };
        let run = tmpfs("size=20%,mode=755", attributes).at(Step::Mount, "/run")?;
        attach_at(&root, "run", &run)?;
        // Debian's systemd mounts it before anything else, and ends when it may not.
        let lock = tmpfs("size=5m,mode=1777", careful).at(Step::Mount, "/run/lock")?;
        attach_at(&run, "lock", &lock)?;
    }
    Ok(Mounted { sys, pts, dev, root, host })
}

/// A directory with nothing but the place for cgroups.
fn sysfs_substitute(attributes: Attributes) -> rustix::io::Result<OwnedFd> {
    let sys = tmpfs("size=16k,mode=755", attributes)?;
    mkdirat(&sys, "fs", Mode::from_raw_mode(0o755))?;
    mkdirat(&sys, "fs/cgroup", Mode::from_raw_mode(0o755))?;
    Ok(sys)
}

/// Shows the host's own nodes in a guest's `/dev`.
pub(crate) fn show_nodes(dev: &OwnedFd) -> Result<(), StartFailure> {
    for name in NODES {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        // An absolute path still means the host's here: the process has not changed its root.
        let node = open_tree(CWD, format!("/dev/{name}"), flags).at(Step::Mount, name)?;
        attach_new_file(dev, name, &node).at(Step::Mount, name)?;
    }
    Ok(())
}

pub(crate) fn fill_dev(dev: &OwnedFd) -> Result<OwnedFd, StartFailure> {
    show_nodes(dev)?;
    for (target, name) in LINKS {
        symlinkat(target, dev, name).at(Step::Mount, name)?;
    }
    let careful =
        Attributes { no_suid: true, no_device: true, no_exec: true, ..Attributes::default() };
    for name in ["pts", "shm", "mqueue"] {
        mkdirat(dev, name, Mode::from_raw_mode(0o755)).at(Step::Mount, name)?;
    }
    let terminal = Attributes { no_suid: true, no_exec: true, ..Attributes::default() };
    let pts = filesystem("devpts", "newinstance,gid=5,mode=620,ptmxmode=666", terminal)
        .at(Step::Mount, "/dev/pts")?;
    attach_at(dev, "pts", &pts)?;
    let shared = Attributes { no_suid: true, no_device: true, ..Attributes::default() };
    let shm = tmpfs("mode=1777", shared).at(Step::Mount, "/dev/shm")?;
    attach_at(dev, "shm", &shm)?;
    match filesystem("mqueue", "", careful) {
        // Not every kernel has POSIX message queues.
        Err(Errno::NODEV | Errno::PERM) => {}
        other => attach_at(dev, "mqueue", &other.at(Step::Mount, "/dev/mqueue")?)?,
    }
    Ok(pts)
}

/// Attaches a file's mount at a new, empty file.
pub(crate) fn attach_new_file(
    directory: &OwnedFd,
    name: &str,
    mount: &OwnedFd,
) -> rustix::io::Result<()> {
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let target = rustix::fs::openat(directory, name, flags, Mode::from_raw_mode(0o666))?;
    attach(mount, &target)
}

impl Mounted {
    /// Mounts one line of `fstab`.
    pub(super) fn mount_line(&self, prepared: Prepared) -> Result<(), StartFailure> {
        let Prepared { plan, tree } = prepared;
        let tree = match (tree, &plan.source) {
            (Some(opened), _) => opened?,
            (None, MountSource::Filesystem { kind, options, .. }) => {
                filesystem(kind, options, attributes_of(&plan)).at(Step::Fstab, &plan.target)?
            }
            (None, _) => return Ok(()),
        };
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.root, &plan.target, flags, Mode::empty(), resolve)
            .and_then(|target| attach(&tree, &target))
            .at(Step::Fstab, &plan.target)?;
        // As at their own places; what cannot be masked ends the start (see `is_bare`).
        match plan.kind() {
            Some("proc") => masks::apply(Some(&tree), None),
            Some("sysfs") => masks::apply(None, Some(&tree)),
            _ => Ok(()),
        }
    }

    /// Makes the guest's root the only one there is.
    pub(super) fn leave_host(self) -> Result<OwnedFd, StartFailure> {
        leave_host(&self.root, &self.host)?;
        Ok(self.sys)
    }
}

/// Makes a root that is attached somewhere the only one there is in this namespace.
pub(crate) fn leave_host(root: &OwnedFd, host: &OwnedFd) -> Result<(), StartFailure> {
    let leave = || -> rustix::io::Result<()> {
        rustix::process::fchdir(root)?;
        // The old root ends up on top of the new one, at the same place.
        rustix::process::pivot_root(".", ".")?;
        rustix::process::fchdir(host)?;
        unmount(".", UnmountFlags::DETACH)?;
        rustix::process::chdir("/")
    };
    leave().at(Step::LeaveHost, "/")
}

/// Mounts the guest's own part of the unified cgroup hierarchy, once it is in its cgroup namespace.
/// Only a guest whose init makes cgroups (systemd) may write there.
pub(super) fn mount_cgroup(sys: &OwnedFd, writable: bool) -> Result<(), StartFailure> {
    let subject = "/sys/fs/cgroup";
    let attributes = Attributes {
        read_only: !writable,
        no_suid: true,
        no_device: true,
        no_exec: true,
        ..Attributes::default()
    };
    let tree = filesystem("cgroup2", "", attributes).at(Step::Mount, subject)?;
    open_directory(sys, "fs/cgroup")
        .and_then(|target| attach(&tree, &target))
        .at(Step::Mount, subject)
}

/// A new tmpfs.
pub(crate) fn tmpfs(options: &str, attributes: Attributes) -> rustix::io::Result<OwnedFd> {
    filesystem("tmpfs", options, attributes)
}

/// A new filesystem, not attached anywhere.
pub(crate) fn filesystem(
    kind: &str,
    options: &str,
    attributes: Attributes,
) -> rustix::io::Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    if !options.starts_with("source=") {
        // What `mount` shows instead of "none".
        fsconfig_set_string(&context, "source", kind)?;
    }
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some((key, value)) => fsconfig_set_string(&context, key, value)?,
            None => fsconfig_set_flag(&context, option)?,
        }
    }
    if attributes.read_only && !OWN_FILESYSTEMS.contains(&kind) && kind != "cgroup2" {
        fsconfig_set_flag(&context, "ro")?;
    }
    fsconfig_create(&context)?;
    let pairs = [
        (attributes.read_only, MountAttrFlags::MOUNT_ATTR_RDONLY),
        (attributes.no_suid, MountAttrFlags::MOUNT_ATTR_NOSUID),
        (attributes.no_device, MountAttrFlags::MOUNT_ATTR_NODEV),
        (attributes.no_exec, MountAttrFlags::MOUNT_ATTR_NOEXEC),
        (attributes.no_access_time, MountAttrFlags::MOUNT_ATTR_NOATIME),
        (attributes.no_directory_access_time, MountAttrFlags::MOUNT_ATTR_NODIRATIME),
    ];
    let flags = pairs
        .into_iter()
        .filter(|(wanted, _)| *wanted)
        .fold(MountAttrFlags::empty(), |flags, (_, flag)| flags | flag);
    fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, flags)
}

/// Attaches a mount at a directory of ours, which is made when it is missing.
pub(crate) fn attach_at(
    directory: &OwnedFd,
    name: &str,
    mount: &OwnedFd,
) -> Result<(), StartFailure> {
    let subject = format!("/{name}");
    let target = match open_directory(directory, name) {
        Err(Errno::NOENT) => {
            mkdirat(directory, name, Mode::from_raw_mode(0o755)).at(Step::Mount, &subject)?;
            open_directory(directory, name)
        }
        other => other,
    };
    attach(mount, &target.at(Step::Mount, &subject)?).at(Step::Mount, &subject)
}

/// A directory, without following any link.
fn open_directory(directory: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    openat2(directory, name, flags, Mode::empty(), resolve)
}

fn attach(mount: &OwnedFd, target: &OwnedFd) -> rustix::io::Result<()> {
    move_mount(
        mount.as_fd(),
        "",
        target.as_fd(),
        "",
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
    )
}
