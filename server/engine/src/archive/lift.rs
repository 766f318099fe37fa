//! A root that lies in a directory of the archive (`./rootfs/etc/…`, `NAME/etc/…`): recognised and
//! moved up, so that it is the root of the VServer.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, Gid, Mode, OFlags, RenameFlags, Uid, fchmod, fchown, fstat, openat,
    renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

/// What a root has; two of them make one.
const OF_A_ROOT: [&CStr; 7] = [c"bin", c"etc", c"lib", c"sbin", c"usr", c"var", c"root"];
/// Names that a root has beside the one directory: what `mkfs` leaves.
const BESIDE: [&CStr; 1] = [c"lost+found"];
/// What container images call it; other things lie beside it there.
const ROOTFS: &CStr = c"rootfs";
/// What the directory is called while it is emptied; no archive's member can be called like it, as it
/// is made with a name that was not there.
const LIFTING: &str = ".ulysse-lifting";

/// Lifts the root, if it lies in a directory; gives the name of that.
pub(super) fn lift(root: BorrowedFd<'_>) -> Result<Option<CString>, Errno> {
    let names = names(root)?;
    if is_root(root)? {
        return Ok(None);
    }
    let mut inner = names.iter().filter(|name| !BESIDE.contains(&name.as_c_str()));
    let name = match (inner.next(), inner.next()) {
        (Some(only), None) => only.as_c_str(),
        _ if names.iter().any(|name| name.as_c_str() == ROOTFS) => ROOTFS,
        _ => return Ok(None),
    };
    let Ok(inner) = directory(root, name) else { return Ok(None) };
    if !is_root(inner.as_fd())? {
        return Ok(None);
    }
    let name = name.to_owned();
    // Aside first: what is in it may have its name.
    let aside = free_name(root)?;
    renameat_with(root, &name, root, aside.as_str(), RenameFlags::NOREPLACE)?;
    for one in self::names(inner.as_fd())? {
        if BESIDE.contains(&one.as_c_str()) && statat(root, &one, AtFlags::SYMLINK_NOFOLLOW).is_ok()
        {
            // The filesystem's own stays; the archive's is of no use.
            let _ = unlinkat(&inner, &one, AtFlags::REMOVEDIR);
            continue;
        }
        renameat_with(&inner, &one, root, &one, RenameFlags::NOREPLACE)?;
    }
    let of_inner = fstat(&inner)?;
    fchown(root, Some(Uid::from_raw(of_inner.st_uid)), Some(Gid::from_raw(of_inner.st_gid)))?;
    fchmod(root, Mode::from_raw_mode(of_inner.st_mode & 0o7777))?;
    unlinkat(root, aside.as_str(), AtFlags::REMOVEDIR)?;
    Ok(Some(name))
}

fn free_name(root: BorrowedFd<'_>) -> Result<String, Errno> {
    for number in 0..1000 {
        let name = format!("{LIFTING}-{number}");
        if let Err(Errno::NOENT) = statat(root, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            return Ok(name);
        }
    }
    Err(Errno::EXIST)
}

fn is_root(directory: BorrowedFd<'_>) -> Result<bool, Errno> {
    let found = names(directory)?;
    let is_there = |wanted: &&CStr| found.iter().any(|name| name.as_c_str() == *wanted);
    Ok(OF_A_ROOT.iter().filter(|wanted| is_there(wanted)).count() >= 2)
}

fn directory(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

/// The names in a directory.
fn names(directory: BorrowedFd<'_>) -> Result<Vec<CString>, Errno> {
    let mut found = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}
