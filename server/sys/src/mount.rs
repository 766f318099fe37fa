//! What `rustix::mount` lacks: changing the attributes of a mount by descriptor, idmapped mounts
//! first of all.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// What can be set on a mount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Nothing can be written.
    pub read_only: bool,
    /// Set-user-id bits and file capabilities have no effect.
    pub no_suid: bool,
    /// Device nodes cannot be opened.
    pub no_device: bool,
    /// Programs cannot be executed.
    pub no_exec: bool,
    /// Access times are not written.
    pub no_access_time: bool,
    /// Those of directories are not.
    pub no_directory_access_time: bool,
}

/// `struct mount_attr` of the kernel.
#[repr(C)]
#[derive(Default)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

impl Attributes {
    fn bits(self) -> u64 {
        let mut bits = 0;
        if self.read_only {
            bits |= libc::MOUNT_ATTR_RDONLY;
        }
        if self.no_suid {
            bits |= libc::MOUNT_ATTR_NOSUID;
        }
        if self.no_device {
            bits |= libc::MOUNT_ATTR_NODEV;
        }
        if self.no_exec {
            bits |= libc::MOUNT_ATTR_NOEXEC;
        }
        if self.no_access_time {
            bits |= libc::MOUNT_ATTR_NOATIME;
        }
        if self.no_directory_access_time {
            bits |= libc::MOUNT_ATTR_NODIRATIME;
        }
        bits
    }
}

/// Sets attributes of a mount, and of all below it when `recursive`. Those not named stay.
///
/// # Errors
/// When the kernel refuses: a locked attribute, no right to the mount.
pub fn set_attributes(mount: impl AsFd, attributes: Attributes, recursive: bool) -> io::Result<()> {
    let mut attr = MountAttr { attr_set: attributes.bits(), ..MountAttr::default() };
    if attributes.no_access_time {
        attr.attr_clr = libc::MOUNT_ATTR__ATIME;
    }
    mount_setattr(mount.as_fd(), &attr, recursive)
}

/// Gives a mount exactly these of the attributes that say what may be done with its files; those about times of
/// access stay.
///
/// # Errors
/// When the kernel refuses: files are open for writing (`EBUSY`), a locked attribute, no right to the mount, a
/// mount that is not among those of the caller's namespace (`EINVAL`).
pub fn exchange_attributes(mount: impl AsFd, attributes: Attributes) -> io::Result<()> {
    let all = Attributes {
        read_only: true,
        no_suid: true,
        no_device: true,
        no_exec: true,
        ..Attributes::default()
    };
    let set = attributes.bits() & all.bits();
    let attr = MountAttr { attr_set: set, attr_clr: all.bits() & !set, ..MountAttr::default() };
    mount_setattr(mount.as_fd(), &attr, false)
}

/// Makes a mount show its files with the ids they have in a user namespace: what belongs to 0 on
/// disk belongs to that namespace's 0. The mount must be new, not attached anywhere.
///
/// # Errors
/// When the filesystem cannot do it (`EINVAL`) or the caller may not (`EPERM`).
pub fn map_ids(
    mount: impl AsFd,
    user_namespace: BorrowedFd<'_>,
    recursive: bool,
) -> io::Result<()> {
    let userns_fd =
        u64::try_from(user_namespace.as_raw_fd()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let attr = MountAttr { attr_set: libc::MOUNT_ATTR_IDMAP, userns_fd, ..MountAttr::default() };
    mount_setattr(mount.as_fd(), &attr, recursive)
}

/// Cuts a mount, and all below it when `recursive`, off from what happens to its peers.
///
/// # Errors
/// When the caller has no right to the mount.
pub fn make_private(mount: impl AsFd, recursive: bool) -> io::Result<()> {
    let attr = MountAttr { propagation: libc::MS_PRIVATE, ..MountAttr::default() };
    mount_setattr(mount.as_fd(), &attr, recursive)
}

fn mount_setattr(mount: BorrowedFd<'_>, attr: &MountAttr, recursive: bool) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty C string, `attr` is a valid `struct mount_attr` of the size given,
    // both outlive the call; the kernel only reads them.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            std::ptr::from_ref(attr),
            size_of::<MountAttr>(),
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
