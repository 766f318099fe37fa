//! A cgroup and those that a guest made below it, which may be nested and named as it likes: deeper than any path
//! reaches. They are reached one from another, by descriptor.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

/// What is open, and which of it is looked at next: one for each level.
struct Level {
    directory: OwnedFd,
    inner: Vec<CString>,
}

impl Level {
    fn of(directory: OwnedFd) -> io::Result<Self> {
        let mut inner = Vec::new();
        for entry in Dir::read_from(&directory)? {
            let entry = match entry {
                // It was removed meanwhile, and with it what was in it.
                Err(Errno::NOENT | Errno::NODEV) => break,
                other => other?,
            };
            let name = entry.file_name();
            if entry.file_type() == FileType::Directory && name != c"." && name != c".." {
                inner.push(name.to_owned());
            }
        }
        Ok(Self { directory, inner })
    }
}

fn open(parent: impl AsFd, name: &CStr) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(opened) => Ok(Some(opened)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Looks at a cgroup and all below it; `leave` is told of each of those below once it has been looked at with
/// all that is in it: the directory above it, and its name.
fn walk(
    path: &Path,
    look: &mut dyn FnMut(&OwnedFd) -> io::Result<()>,
    leave: &mut dyn FnMut(&OwnedFd, &CStr) -> io::Result<()>,
) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_encoded_bytes())?;
    let Some(top) = open(rustix::fs::CWD, &path)? else { return Ok(()) };
    look(&top)?;
    let mut levels = vec![(Level::of(top)?, CString::default())];
    while let Some((level, _)) = levels.last_mut() {
        if let Some(name) = level.inner.pop() {
            let Some(below) = open(&level.directory, &name)? else { continue };
            look(&below)?;
            levels.push((Level::of(below)?, name));
            continue;
        }
        let left = levels.pop();
        if let (Some((_, name)), Some((above, _))) = (left, levels.last()) {
            leave(&above.directory, &name)?;
        }
    }
    Ok(())
}

/// The processes in a cgroup and all below it, in no order, some maybe twice.
pub(super) fn processes(path: &Path) -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    let mut look = |directory: &OwnedFd| {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut text = String::new();
        let read = openat(directory, c"cgroup.procs", flags, Mode::empty())
            .map_err(io::Error::from)
            .and_then(|file| File::from(file).read_to_string(&mut text));
        match read.map_err(|error| Errno::from_io_error(&error)) {
            // A threaded cgroup refuses to list processes; its parent lists them. One that was removed has
            // none.
            Ok(_) | Err(Some(Errno::OPNOTSUPP | Errno::NOENT | Errno::NODEV)) => {}
            Err(errno) => return Err(errno.unwrap_or(Errno::IO).into()),
        }
        pids.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
        Ok(())
    };
    walk(path, &mut look, &mut |_, _| Ok(()))?;
    Ok(pids)
}

/// Removes a cgroup and all below it; one that is not there is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let gone = |result: rustix::io::Result<()>| match result {
        Err(Errno::NOENT) => Ok(()),
        other => other.map_err(io::Error::from),
    };
    walk(path, &mut |_| Ok(()), &mut |above, name| {
        gone(unlinkat(above, name, AtFlags::REMOVEDIR))
    })?;
    gone(rustix::fs::rmdir(path))
}
