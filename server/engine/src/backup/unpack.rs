//! Making a VServer's files of a backup, or one of them.
//!
//! Everything is made beneath a directory by descriptor, over no link, and nothing is replaced: what is
//! there already is an error. Devices are never made; Ulysse gives each VServer its own.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags,
    chownat, fchmod, fchown, fsetxattr, ftruncate, futimens, linkat, mkdirat, mknodat, openat,
    openat2, symlinkat, utimensat,
};

use super::contents::Receiver;
use super::manifest::{Entry, Kind};
use super::pack::is_kept_xattr;

/// Makes all files.
pub(super) struct Unpacked {
    files: OwnedFd,
    pkg: Option<OwnedFd>,
    /// The directory that the last entry was made in, and its path.
    parent: Option<(Vec<u8>, OwnedFd)>,
    file: Option<File>,
    /// Directories get their modes and times last: while they are filled both would change.
    directories: Vec<Entry>,
    /// How many devices were not made.
    pub(super) devices: u64,
}

impl Unpacked {
    /// Makes them in these two directories, which are there and empty.
    pub(super) fn new(files: OwnedFd, pkg: Option<OwnedFd>) -> Self {
        Self { files, pkg, parent: None, file: None, directories: Vec::new(), devices: 0 }
    }

    /// Gives directories their owners, modes and times.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        for entry in std::mem::take(&mut self.directories).into_iter().rev() {
            let (root, rest) = self.split(&entry.path.0)?;
            let opened = beneath(root, rest, OFlags::RDONLY | OFlags::DIRECTORY)?;
            dress(&opened, &entry)?;
        }
        Ok(())
    }

    /// Which of both directories a path is in, and what follows.
    fn split<'p>(&self, path: &'p [u8]) -> io::Result<(&OwnedFd, &'p [u8])> {
        let (top, rest) = match path.iter().position(|byte| *byte == b'/') {
            Some(slash) => path.split_at(slash),
            None => (path, &b""[..]),
        };
        let root = match (top, &self.pkg) {
            (b"files", _) => &self.files,
            (b"pkg", Some(pkg)) => pkg,
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        Ok((root, rest.strip_prefix(b"/").unwrap_or(rest)))
    }

    /// The directory an entry is made in, and its name there.
    fn place<'p>(&mut self, path: &'p [u8]) -> io::Result<(OwnedFd, &'p [u8])> {
        let slash = path.iter().rposition(|byte| *byte == b'/');
        let slash = slash.ok_or(io::ErrorKind::InvalidInput)?;
        let (above, name) = (path.get(..slash).unwrap_or_default(), path.get(slash + 1..));
        let name = name.unwrap_or_default();
        if let Some((_, opened)) = self.parent.as_ref().filter(|(known, _)| known == above) {
            return Ok((opened.try_clone()?, name));
        }
        let (root, rest) = self.split(above)?;
        let opened = beneath(root, rest, OFlags::PATH | OFlags::DIRECTORY)?;
        self.parent = Some((above.to_owned(), opened.try_clone()?));
        Ok((opened, name))
    }
}

impl Receiver for Unpacked {
    fn begin(&mut self, entry: &Entry) -> io::Result<()> {
        let path = entry.path.0.as_slice();
        if entry.kind == Kind::Directory {
            if path.contains(&b'/') {
                let (parent, name) = self.place(path)?;
                match mkdirat(&parent, name, Mode::from_raw_mode(0o700)) {
                    // A new volume has its own.
                    Err(rustix::io::Errno::EXIST) if path == b"files/lost+found" => {}
                    made => made?,
                }
            }
            self.directories.push(entry.clone());
            return Ok(());
        }
        let (parent, name) = self.place(path)?;
        match &entry.kind {
            Kind::File { .. } => {
                let flags = OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::WRONLY
                    | OFlags::NOFOLLOW
                    | OFlags::CLOEXEC;
                let file = openat(&parent, name, flags, Mode::from_raw_mode(0o600))?;
                self.file = Some(file.into());
            }
            Kind::HardLink(to) => {
                let (there, first) = {
                    let slash = to.0.iter().rposition(|byte| *byte == b'/');
                    let slash = slash.ok_or(io::ErrorKind::InvalidInput)?;
                    let (root, rest) = self.split(to.0.get(..slash).unwrap_or_default())?;
                    let there = beneath(root, rest, OFlags::PATH | OFlags::DIRECTORY)?;
                    (there, to.0.get(slash + 1..).unwrap_or_default())
                };
                linkat(&there, first, &parent, name, AtFlags::empty())?;
            }
            Kind::Link(to) => {
                symlinkat(to.0.as_slice(), &parent, name)?;
                dress_at(&parent, name, entry)?;
            }
            Kind::Fifo => {
                mknodat(&parent, name, FileType::Fifo, Mode::from_raw_mode(entry.mode & 0o777), 0)?;
                dress_at(&parent, name, entry)?;
            }
            Kind::Device { .. } => self.devices += 1,
            Kind::Directory => {}
        }
        Ok(())
    }

    fn data(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match &self.file {
            Some(file) => file.write_all_at(bytes, offset),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn end(&mut self, entry: &Entry) -> io::Result<()> {
        match (self.file.take(), &entry.kind) {
            (Some(file), Kind::File { size, .. }) => {
                ftruncate(&file, *size)?;
                dress(&file, entry)
            }
            _ => Ok(()),
        }
    }
}

/// One file of a backup, made without a name until it is whole.
pub(super) struct One {
    wanted: Vec<u8>,
    file: File,
    is_here: bool,
    is_whole: bool,
}

impl One {
    /// Of this path, in this directory.
    pub(super) fn new(wanted: &[u8], directory: &OwnedFd) -> io::Result<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = openat(directory, c".", flags, Mode::from_raw_mode(0o600))?.into();
        Ok(Self { wanted: wanted.to_owned(), file, is_here: false, is_whole: false })
    }

    /// Gives it a name in this directory; nothing may have it.
    pub(super) fn keep(&self, directory: &OwnedFd, name: &[u8]) -> io::Result<()> {
        use std::os::fd::AsRawFd;
        self.file.sync_all()?;
        let anonymous = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        Ok(linkat(CWD, anonymous.as_str(), directory, name, AtFlags::SYMLINK_FOLLOW)?)
    }
}

impl Receiver for One {
    fn begin(&mut self, entry: &Entry) -> io::Result<()> {
        self.is_here = entry.path.0 == self.wanted;
        Ok(())
    }

    fn data(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.is_here { self.file.write_all_at(bytes, offset) } else { Ok(()) }
    }

    fn end(&mut self, entry: &Entry) -> io::Result<()> {
        if self.is_here {
            if let Kind::File { size, .. } = entry.kind {
                ftruncate(&self.file, size)?;
            }
            dress(&self.file, entry)?;
            self.is_whole = true;
        }
        Ok(())
    }

    fn has_enough(&self) -> bool {
        self.is_whole
    }
}

/// Opens something beneath a directory, over no link and into no other mount.
pub(super) fn beneath(root: &OwnedFd, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
    let path = if path.is_empty() { b"." } else { path };
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat2(root, path, flags, Mode::empty(), resolve)?)
}

fn times(entry: &Entry) -> Timestamps {
    let (seconds, nanoseconds) = entry.mtime;
    let time = Timespec { tv_sec: seconds, tv_nsec: i64::from(nanoseconds.min(999_999_999)) };
    Timestamps { last_access: time, last_modification: time }
}

/// Gives what is open its owner, attributes, mode and times, in the order in which one does not undo
/// another: a new owner clears set-id bits and file capabilities, an ACL changes the mode.
fn dress(opened: impl AsFd, entry: &Entry) -> io::Result<()> {
    fchown(&opened, Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)))?;
    for (name, value) in entry.xattrs.iter().filter(|(name, _)| is_kept_xattr(name)) {
        fsetxattr(&opened, name.as_str(), &value.0, XattrFlags::empty())?;
    }
    fchmod(&opened, Mode::from_raw_mode(entry.mode & 0o7777))?;
    Ok(futimens(&opened, &times(entry))?)
}

/// As [`dress`], for what cannot be opened.
fn dress_at(parent: &OwnedFd, name: &[u8], entry: &Entry) -> io::Result<()> {
    let (user, group) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
    chownat(parent, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(utimensat(parent, name, &times(entry), AtFlags::SYMLINK_NOFOLLOW)?)
}
