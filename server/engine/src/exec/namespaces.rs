//! Single namespaces, for whoever is root on the host and calls a program of the host's: joining some of a
//! VServer's, making new ones, and its names.
//!
//! Invariants: nobody joins a VServer's mounts here, because what runs among a guest's files is a guest's
//! program and must be confined ([`super::run`]; [`super::view`] shows them to a program of the host's); a namespace is joined only when the process it was found
//! by is the VServer's pid 1. What a VServer's namespaces are joined by is the calling thread alone.

use std::fs::File;
use std::io;
use std::thread;

use nix::mount::MsFlags;
use nix::sched::{CloneFlags, setns, unshare};

use crate::state::GuestState;

/// A namespace that can be joined without becoming a part of the guest, or made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Space {
    /// Network.
    Network,
    /// System V IPC and POSIX message queues.
    Ipc,
    /// Host name and domain name.
    Names,
}

impl Space {
    fn flag(self) -> CloneFlags {
        match self {
            Self::Network => CloneFlags::CLONE_NEWNET,
            Self::Ipc => CloneFlags::CLONE_NEWIPC,
            Self::Names => CloneFlags::CLONE_NEWUTS,
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Network => "net",
            Self::Ipc => "ipc",
            Self::Names => "uts",
        }
    }
}

/// Has the calling thread join namespaces of a VServer that runs.
///
/// # Errors
/// When it does not run, or the kernel refuses.
pub fn join(state: &GuestState, spaces: &[Space]) -> io::Result<()> {
    let gone = || io::Error::from(io::ErrorKind::NotFound);
    let init = state.init.ok_or_else(gone)?;
    let open = |space: &Space| {
        File::open(format!("/proc/{}/ns/{}", init.pid, space.file())).map(|file| (*space, file))
    };
    let opened = spaces.iter().map(open).collect::<io::Result<Vec<_>>>()?;
    // What was opened is the right process's only if that one still lives.
    if !init.is_alive() {
        return Err(gone());
    }
    opened.iter().try_for_each(|(space, file)| Ok(setns(file, space.flag())?))
}

/// Gives the calling thread namespaces of its own; with `mounts` also one of mounts, from which nothing
/// gets out.
///
/// # Errors
/// When the kernel refuses.
pub fn leave(spaces: &[Space], mounts: bool) -> io::Result<()> {
    let mut flags = spaces.iter().fold(CloneFlags::empty(), |flags, space| flags | space.flag());
    if mounts {
        flags |= CloneFlags::CLONE_NEWNS;
    }
    unshare(flags)?;
    if mounts {
        let (none, private) = (None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
        nix::mount::mount(none, "/", none, private, none)?;
    }
    Ok(())
}

/// What `uname` says in a VServer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The kernel's name.
    pub system: String,
    /// The host name.
    pub node: String,
    /// The kernel's release.
    pub release: String,
    /// The kernel's version.
    pub version: String,
    /// The architecture.
    pub machine: String,
    /// The NIS domain.
    pub domain: String,
}

/// Reads the names of a VServer that runs.
///
/// # Errors
/// When it does not run, or its namespace cannot be joined.
pub fn names(state: &GuestState) -> io::Result<Names> {
    inside_its_names(state, || {
        let uname = rustix::system::uname();
        let text = |value: &std::ffi::CStr| value.to_string_lossy().into_owned();
        Ok(Names {
            system: text(uname.sysname()),
            node: text(uname.nodename()),
            release: text(uname.release()),
            version: text(uname.version()),
            machine: text(uname.machine()),
            domain: text(uname.domainname()),
        })
    })
}

/// Gives a VServer that runs another host name or domain name until it is stopped, as its own root can.
///
/// # Errors
/// When it does not run, or the kernel refuses.
pub fn set_names(state: &GuestState, node: Option<&str>, domain: Option<&str>) -> io::Result<()> {
    inside_its_names(state, || {
        if let Some(node) = node {
            rustix::system::sethostname(node.as_bytes())?;
        }
        if let Some(domain) = domain {
            rustix::system::setdomainname(domain.as_bytes())?;
        }
        Ok(())
    })
}

/// Does something in a thread that has joined the names and ends with it.
fn inside_its_names<T: Send>(
    state: &GuestState,
    act: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            join(state, &[Space::Names])?;
            act()
        });
        inside.join().unwrap_or_else(|_| Err(io::Error::other("the thread ended")))
    })
}
