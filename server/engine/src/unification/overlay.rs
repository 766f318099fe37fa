//! The kernel's part of unification: mounting a reference and a VServer's own layer as one tree.
//!
//! overlayfs itself cannot be shown with other ids (`mount_setattr(2)`, "idmapped mounts"), its layers
//! can. So one tree is mounted in two ways, never both at a time: as it is on disk while the VServer
//! does not run, with its ids while it does.
//!
//! Whoever mounts an overlay lends it his rights for good. Where layers are shown with other ids that has
//! to be somebody whom those ids include, or nothing could be made in them: the process takes the file
//! system identity of the VServer's root for the moment of mounting, and keeps its capabilities.
//!
//! Not here: where layers are, and when they are mounted ([`super`]).

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount};
use rustix::thread::{CapabilitySets, capabilities, set_capabilities};
use sys::mount::Attributes;
use sys::process::{Fork, Namespaces};
use sys::seqpacket;

use super::layers::{Layers, is_mount};
use crate::guest::mounts::filesystem;

/// What files that belong to 0, 1, … on disk are shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdRange {
    /// The host's id of 0.
    pub(crate) first: u32,
    /// How many.
    pub(crate) count: u32,
}

/// What may be done to an overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// What is changed goes into the VServer's own layer.
    Write,
    /// Nothing can be changed. Its layers may be mounted elsewhere, and are read as they are now.
    Read,
}

/// A moved directory keeps its content by naming what it was; hard links between files of the reference
/// are broken when one of them is written, because an index of them would tie a VServer to the very
/// filesystem it was made on.
const OPTIONS: &str = "index=off,metacopy=off";

/// Mounts layers with the ids they have on disk; not attached anywhere. The layers must be what their
/// paths lead to.
pub(super) fn plain(layers: &Layers, usage: Use, source: &str) -> io::Result<OwnedFd> {
    // Nobody on the host has anything to execute with the rights of a guest's users.
    let attributes = Attributes { no_suid: true, no_device: true, ..Attributes::default() };
    mount(layers, usage, source, attributes)
}

fn mount(layers: &Layers, usage: Use, source: &str, attributes: Attributes) -> io::Result<OwnedFd> {
    let (lower, upper, work) = (layers.lower(), layers.upper(), layers.work());
    let [lower, upper, work] = [&lower, &upper, &work].map(|path| option_text(path));
    let (lower, upper, work) = (lower?, upper?, work?);
    let options = match usage {
        Use::Write => format!(
            "source={source},lowerdir={lower},upperdir={upper},workdir={work},redirect_dir=on,{OPTIONS}"
        ),
        Use::Read => {
            format!("source={source},lowerdir={upper}:{lower},redirect_dir=follow,{OPTIONS}")
        }
    };
    let attributes = Attributes { read_only: usage == Use::Read, ..attributes };
    Ok(filesystem("overlay", &options, attributes)?)
}

/// A path as an option of overlayfs, which gives some characters a meaning of their own.
fn option_text(path: &Path) -> io::Result<&str> {
    let text = path.to_str().filter(|text| !text.contains([',', ':', '\\']));
    text.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, path.display().to_string()))
}

/// Mounts layers with other ids; not attached anywhere. For processes of one thread.
pub(super) fn mapped(
    layers: &Layers,
    usage: Use,
    ids: IdRange,
    source: &str,
) -> io::Result<OwnedFd> {
    let users = user_namespace(ids)?;
    let host = File::open("/proc/self/ns/mnt")?;
    leave_mounts()?;
    let made = mapped_here(layers, usage, ids, source, &users);
    setns(&host, CloneFlags::CLONE_NEWNS)?;
    made
}

fn mapped_here(
    layers: &Layers,
    usage: Use,
    ids: IdRange,
    source: &str,
    users: &File,
) -> io::Result<OwnedFd> {
    uncover(layers.root())?;
    // Kernels before 6.15 take no layer from a mount that is nowhere: each is attached over itself.
    for path in [layers.lower().as_path(), layers.root()] {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let tree = open_tree(CWD, path, flags)?;
        sys::mount::map_ids(&tree, users.as_fd(), false)?;
        attach(&tree, path)?;
    }
    let lent = FileSystemIdentity::take(ids)?;
    let made = mount(layers, usage, source, Attributes::default());
    drop(lent);
    made
}

/// Mounts layers read-only, whatever is mounted over them; by a thread that can see them.
pub(super) fn read_only(layers: &Layers, source: &str) -> io::Result<OwnedFd> {
    let made = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            leave_mounts()?;
            uncover(layers.root())?;
            plain(layers, Use::Read, source)
        });
        thread.join()
    });
    made.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

/// Gives the calling thread mounts of its own: what it does to them is nobody else's.
fn leave_mounts() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let top = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    sys::mount::make_private(&top, true)
}

/// Takes away what is mounted over a directory.
fn uncover(path: &Path) -> io::Result<()> {
    while is_mount(path)? {
        unmount(path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)?;
    }
    Ok(())
}

/// Attaches a mount at a path.
pub(super) fn attach(mount: &OwnedFd, path: &Path) -> io::Result<()> {
    Ok(move_mount(mount, "", CWD, path, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?)
}

/// A user namespace with these ids, without a process.
fn user_namespace(ids: IdRange) -> io::Result<File> {
    let (link, theirs) = seqpacket::pair()?;
    let namespaces = Namespaces { user: true, ..Namespaces::default() };
    match sys::process::fork(namespaces, None)? {
        Fork::Child => {
            drop(link);
            // The end of the other side is the word to end.
            let _ = seqpacket::receive(&theirs, &mut [0; 1]);
            std::process::exit(0)
        }
        Fork::Parent { pid, .. } => {
            drop(theirs);
            let map = format!("0 {} {}\n", ids.first, ids.count);
            let opened = ["uid_map", "gid_map"]
                .iter()
                .try_for_each(|name| fs::write(format!("/proc/{pid}/{name}"), &map))
                .and_then(|()| File::open(format!("/proc/{pid}/ns/user")));
            drop(link);
            sys::process::wait_for(pid)?;
            opened
        }
    }
}

/// The calling thread as one of those ids, for as long as this lives, with all its capabilities.
struct FileSystemIdentity;

impl FileSystemIdentity {
    fn take(ids: IdRange) -> io::Result<Self> {
        setfsgid(Gid::from_raw(ids.first));
        setfsuid(Uid::from_raw(ids.first));
        let taken = Self;
        let now = capabilities(None)?;
        set_capabilities(None, CapabilitySets { effective: now.permitted, ..now })?;
        Ok(taken)
    }
}

impl Drop for FileSystemIdentity {
    fn drop(&mut self) {
        setfsuid(Uid::from_raw(0));
        setfsgid(Gid::from_raw(0));
    }
}
