//! Which parts of `/proc` and `/sys` a guest does not see, or only sees.
//!
//! These are the whole host's. The kernel refuses most of it to a guest's root anyway; that it is not
//! even there keeps a mistake of the kernel's from being the host's.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, move_mount, open_tree};
use sys::mount::Attributes;

use super::mounts::{At, tmpfs};
use super::plan::{StartFailure, Step};

/// Files of `/proc` that are empty in a guest.
const EMPTY_FILES: [&str; 9] = [
    "kcore",
    "keys",
    "key-users",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "slabinfo",
    "sysrq-trigger",
    "timer_list",
];

/// Directories of `/proc` that are empty in a guest.
const EMPTY_DIRECTORIES: [&str; 3] = ["acpi", "asound", "scsi"];

/// Directories of `/proc` that a guest can only read.
const READ_ONLY: [&str; 4] = ["bus", "fs", "irq", "sys"];

/// Directories of `/sys` that are empty in a guest.
const EMPTY_IN_SYS: [&str; 2] = ["firmware", "devices/virtual/powercap"];

/// Hides what is to be hidden below these two, which are attached already.
pub(super) fn apply(proc: Option<&OwnedFd>, sys: Option<&OwnedFd>) -> Result<(), StartFailure> {
    proc.map_or(Ok(()), apply_to_proc)?;
    if let Some(sys) = sys {
        EMPTY_IN_SYS.into_iter().try_for_each(|name| cover(sys, name, nothing))?;
    }
    Ok(())
}

fn apply_to_proc(proc: &OwnedFd) -> Result<(), StartFailure> {
    for name in EMPTY_FILES {
        cover(proc, name, || {
            open_tree(CWD, "/dev/null", OpenTreeFlags::OPEN_TREE_CLONE | cloexec())
        })?;
    }
    for name in EMPTY_DIRECTORIES {
        cover(proc, name, nothing)?;
    }
    for name in READ_ONLY {
        cover(proc, name, || {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_RECURSIVE | cloexec();
            let again = open_tree(proc, name, flags)?;
            let read_only = Attributes { read_only: true, ..Attributes::default() };
            sys::mount::set_attributes(&again, read_only, true)
                .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
            Ok(again)
        })?;
    }
    Ok(())
}

/// An empty directory that stays empty.
fn nothing() -> rustix::io::Result<OwnedFd> {
    let attributes = Attributes {
        read_only: true,
        no_suid: true,
        no_device: true,
        no_exec: true,
        ..Attributes::default()
    };
    tmpfs("size=4k,mode=555", attributes)
}

/// Puts a mount over a name, unless this kernel has nothing of that name.
fn cover(
    directory: &OwnedFd,
    name: &str,
    with: impl FnOnce() -> rustix::io::Result<OwnedFd>,
) -> Result<(), StartFailure> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let target = match rustix::fs::openat2(directory, name, flags, Mode::empty(), resolve) {
        Err(Errno::NOENT) => return Ok(()),
        other => other.at(Step::Mask, name)?,
    };
    let cover = with().at(Step::Mask, name)?;
    move_mount(
        cover.as_fd(),
        "",
        target.as_fd(),
        "",
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH,
    )
    .at(Step::Mask, name)
}

fn cloexec() -> OpenTreeFlags {
    OpenTreeFlags::OPEN_TREE_CLOEXEC
}
