//! Directory trees that a guest has filled: removing them, moving them, looking whether something is
//! mounted in them.
//!
//! Everything below the first directory is reached by descriptor, never by path, never over a link
//! and never into another mount. Depth is bounded: what lies deeper is moved up first, so that a
//! guest that has dug a hundred thousand directories cannot exhaust our descriptors or stack.

use std::ffi::{CStr, CString};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, openat2, renameat,
    renameat_with, unlinkat,
};
use rustix::io::Errno;

/// How deep is gone down before what is deeper is moved up.
const MAX_DEPTH: usize = 48;

/// What `mkfs.ext4` leaves in a new filesystem; stays when a directory is emptied.
pub(crate) const LOST_AND_FOUND: &CStr = c"lost+found";

/// Makes a directory, and those above it, where they are missing; nobody but root may come in.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
}

/// Opens a regular file beneath a root, for reading. Links lead where they would from inside.
///
/// # Errors
/// When there is none that can be read.
pub(crate) fn open_file_in(root: &Path, path: &str) -> io::Result<fs::File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let file = fs::File::from(open_in(root, path, flags)?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// The names in a directory beneath a root that are text, at most `limit`, in no order.
///
/// # Errors
/// When there is none that can be read.
pub(crate) fn names_in(root: &Path, path: &str, limit: usize) -> io::Result<Vec<String>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = open_in(root, path, flags)?;
    let found = names(directory.as_fd(), limit)?;
    Ok(found.into_iter().filter_map(|(name, _)| name.into_string().ok()).collect())
}

fn open_in(root: &Path, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(root, directory, Mode::empty())?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    Ok(openat2(&root, path, flags, Mode::empty(), resolve)?)
}

/// Removes a tree, or a file. What is not there is no error.
///
/// # Errors
/// When something cannot be removed, or another filesystem is mounted in it.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.is_dir() => return fs::remove_file(path),
        Ok(_) => {}
    }
    let directory = open(path)?;
    Removal::new(directory.as_fd()).all(None)?;
    drop(directory);
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Empties a directory but for `lost+found`.
///
/// # Errors
/// When something cannot be removed, or another filesystem is mounted below it.
pub fn empty(path: &Path) -> io::Result<()> {
    let directory = match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    Removal::new(directory.as_fd()).all(Some(LOST_AND_FOUND))
}

/// Whether a directory holds nothing but `lost+found`.
///
/// # Errors
/// When it cannot be read.
pub fn is_empty(path: &Path) -> io::Result<bool> {
    let directory = open(path)?;
    Ok(names(directory.as_fd(), 2)?.iter().all(|(name, _)| name.as_c_str() == LOST_AND_FOUND))
}

/// Moves something, if it is still where it was and nothing is where it goes. Parents are not made.
///
/// # Errors
/// When it cannot be moved, or something is in the way.
pub fn put(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => sync_parents(from, to),
        Err(Errno::NOENT) if fs::symlink_metadata(to).is_ok() => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn sync_parents(from: &Path, to: &Path) -> io::Result<()> {
    for path in [from, to] {
        if let Some(parent) = path.parent() {
            fs::File::open(parent)?.sync_all()?;
        }
    }
    Ok(())
}

/// The bytes that a tree takes on disk, of this filesystem alone; a file with several names counts
/// once for each. None when it cannot be counted within `patience`.
#[must_use]
pub fn disk_bytes(path: &Path, patience: Duration) -> Option<u64> {
    let directory = open(path).ok()?;
    let deadline = Instant::now() + patience;
    let device = rustix::fs::fstat(&directory).ok()?.st_dev;
    disk_bytes_below(directory.as_fd(), device, deadline, 0)
}

/// The bytes of a tree's regular files that other files use too, and all their bytes; files with several
/// names count for each. None when it cannot be counted within `patience`.
#[must_use]
pub fn shared_bytes(path: &Path, patience: Duration) -> Option<(u64, u64)> {
    let directory = open(path).ok()?;
    shared_bytes_below(directory.as_fd(), Instant::now() + patience, 0)
}

fn shared_bytes_below(
    directory: BorrowedFd<'_>,
    deadline: Instant,
    depth: usize,
) -> Option<(u64, u64)> {
    if depth > MAX_DEPTH || Instant::now() > deadline {
        return None;
    }
    let (mut shared, mut all) = (0_u64, 0_u64);
    for (name, is_directory) in names(directory, usize::MAX).ok()? {
        let kind = if is_directory { OFlags::DIRECTORY } else { OFlags::NONBLOCK };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | kind;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        if !is_directory {
            let stat = rustix::fs::statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                continue;
            }
            all = all.saturating_add(u64::try_from(stat.st_blocks).unwrap_or(0) * 512);
        }
        let Ok(inner) = openat2(directory, &name, flags, Mode::empty(), resolve) else { continue };
        let (more_shared, more) = match is_directory {
            true => shared_bytes_below(inner.as_fd(), deadline, depth + 1)?,
            false => (sys::extent::shared_bytes(inner.as_fd()).unwrap_or(0), 0),
        };
        shared = shared.saturating_add(more_shared);
        all = all.saturating_add(more);
    }
    Some((shared, all))
}

fn disk_bytes_below(
    directory: BorrowedFd<'_>,
    device: u64,
    deadline: Instant,
    depth: usize,
) -> Option<u64> {
    if depth > MAX_DEPTH || Instant::now() > deadline {
        return None;
    }
    let mut bytes = 0_u64;
    for (name, is_directory) in names(directory, usize::MAX).ok()? {
        let Ok(stat) = rustix::fs::statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW) else {
            // It has just gone.
            continue;
        };
        if stat.st_dev != device {
            continue;
        }
        // In units of 512 bytes whatever the filesystem's block size (stat(2)).
        bytes = bytes.saturating_add(u64::try_from(stat.st_blocks).unwrap_or(0) * 512);
        if is_directory {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
            match openat2(directory, &name, flags, Mode::empty(), resolve) {
                Ok(inner) => {
                    let below = disk_bytes_below(inner.as_fd(), device, deadline, depth + 1)?;
                    bytes = bytes.saturating_add(below);
                }
                Err(_) => continue,
            }
        }
    }
    Some(bytes)
}

/// Whether files in a directory can be had twice without a copy.
#[must_use]
pub fn shares_blocks(directory: &Path) -> bool {
    let unnamed = |flags| {
        let flags = OFlags::TMPFILE | OFlags::CLOEXEC | flags;
        rustix::fs::open(directory, flags, Mode::from_raw_mode(0o600))
    };
    let (Ok(from), Ok(to)) = (unnamed(OFlags::RDWR), unnamed(OFlags::RDWR)) else { return false };
    let is_written = rustix::io::write(&from, &[1; 4096]).is_ok_and(|written| written == 4096);
    is_written && rustix::fs::ioctl_ficlone(&to, &from).is_ok()
}

/// Sees to it that all that was written on the filesystem of a directory is on disk: a power cut must not
/// leave half of what is said to be there.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_back(directory: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(directory)?)?)
}

/// Where something is mounted at or below a directory, as this process sees it.
///
/// # Errors
/// When the mount table cannot be read.
pub fn mounts_in(path: &Path) -> io::Result<Vec<PathBuf>> {
    let text = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(text
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(unescaped)
        .filter(|mount| mount.starts_with(path))
        .collect())
}

/// A path of the mount table: blanks and the like are written as three octal digits there.
pub(crate) fn unescaped(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let octal = match (first, after) {
            (b'\\', [a, b, c, ..]) => std::str::from_utf8(&[*a, *b, *c])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 8).ok()),
            _ => None,
        };
        bytes.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// The names in a directory and whether each is one itself; at most `limit`.
fn names(directory: BorrowedFd<'_>, limit: usize) -> io::Result<Vec<(CString, bool)>> {
    let mut found = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => {
                let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
                FileType::from_raw_mode(stat.st_mode)
            }
            known => known,
        };
        found.push((name.to_owned(), kind == FileType::Directory));
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// One removal in progress.
struct Removal<'a> {
    top: BorrowedFd<'a>,
    moved_up: u64,
}

impl<'a> Removal<'a> {
    fn new(top: BorrowedFd<'a>) -> Self {
        Self { top, moved_up: 0 }
    }

    /// Removes all but `keep`, until nothing else is there.
    fn all(&mut self, keep: Option<&CStr>) -> io::Result<()> {
        loop {
            let mut found = names(self.top, 100_000)?;
            found.retain(|(name, _)| Some(name.as_c_str()) != keep);
            if found.is_empty() {
                return Ok(());
            }
            for (name, is_directory) in found {
                self.one(self.top, &name, is_directory, 0)?;
            }
        }
    }

    fn one(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        is_directory: bool,
        depth: usize,
    ) -> io::Result<()> {
        if !is_directory {
            return gone(unlinkat(parent, name, AtFlags::empty()));
        }
        if depth >= MAX_DEPTH {
            self.moved_up += 1;
            let above = format!(".ulysse-deep-{}", self.moved_up);
            return gone(renameat(parent, name, self.top, above.as_str()));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let directory = match openat2(parent, name, flags, Mode::empty(), resolve) {
            Err(Errno::NOENT) => return Ok(()),
            other => other?,
        };
        loop {
            let found = names(directory.as_fd(), 10_000)?;
            if found.is_empty() {
                break;
            }
            for (inner, is_directory) in found {
                self.one(directory.as_fd(), &inner, is_directory, depth + 1)?;
            }
        }
        gone(unlinkat(parent, name, AtFlags::REMOVEDIR))
    }
}

fn gone(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Err(Errno::NOENT) | Ok(()) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_removed_and_never_followed() {
        let base = tempfile::tempdir().unwrap();
        let keep = base.path().join("keep");
        fs::create_dir(&keep).unwrap();
        fs::write(keep.join("file"), "x").unwrap();
        let tree = base.path().join("tree");
        fs::create_dir_all(tree.join("a/b")).unwrap();
        symlink(&keep, tree.join("a/link")).unwrap();
        symlink(&keep, base.path().join("top")).unwrap();
        remove(&tree).unwrap();
        remove(&base.path().join("top")).unwrap();
        remove(&tree).unwrap();
        assert!(keep.join("file").exists() && !tree.exists());
    }

    #[test]
    fn a_tree_of_any_depth_goes() {
        let base = tempfile::tempdir().unwrap();
        let tree = base.path().join("tree");
        fs::create_dir(&tree).unwrap();
        let mut directory = open(&tree).unwrap();
        for _ in 0..5000 {
            rustix::fs::mkdirat(&directory, "d", Mode::RWXU).unwrap();
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            directory = rustix::fs::openat(&directory, "d", flags, Mode::empty()).unwrap();
        }
        drop(directory);
        remove(&tree).unwrap();
        assert!(!tree.exists());
    }

    #[test]
    fn a_tree_takes_what_its_files_take_and_is_not_counted_for_ever() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join("a")).unwrap();
        fs::write(base.path().join("a/file"), vec![1; 1_000_000]).unwrap();
        symlink("/", base.path().join("all")).unwrap();
        let bytes = disk_bytes(base.path(), Duration::from_secs(10)).unwrap();
        assert!((1_000_000..1_100_000).contains(&bytes), "{bytes}");
        assert_eq!(disk_bytes(Path::new("/usr"), Duration::ZERO), None);
    }

    #[test]
    fn an_emptied_directory_keeps_lost_and_found() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("volume");
        fs::create_dir_all(path.join("lost+found")).unwrap();
        assert!(is_empty(&path).unwrap());
        fs::create_dir_all(path.join("etc/x")).unwrap();
        assert!(!is_empty(&path).unwrap());
        empty(&path).unwrap();
        assert!(is_empty(&path).unwrap() && path.join("lost+found").exists());
    }

    #[test]
    fn the_mount_table_is_understood() {
        assert!(mounts_in(Path::new("/proc")).unwrap().contains(&PathBuf::from("/proc")));
        assert_eq!(unescaped(r"/a\040b\134"), PathBuf::from("/a b\\"));
    }

    #[test]
    fn putting_something_in_place_replaces_nothing() {
        let base = tempfile::tempdir().unwrap();
        let (a, b) = (base.path().join("a"), base.path().join("b"));
        fs::create_dir(&a).unwrap();
        put(&a, &b).unwrap();
        put(&a, &b).unwrap();
        fs::create_dir(&a).unwrap();
        assert!(put(&a, &b).is_err());
    }
}
