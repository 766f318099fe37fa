//! Reading a VServer's files into a backup: once, in order, beneath its root.
//!
//! The tree belongs to a guest that may run and mean ill. Everything is reached by descriptor, beneath
//! the root, over no link and into no other mount; nothing but regular files and directories is
//! opened, and what was opened is looked at again before it is believed. A file that changes while it
//! is read keeps the size it began with and is listed as changed. What is remembered of it is bounded: a
//! guest can make more files than this process has memory for.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, SeekFrom, Stat, fgetxattr, flistxattr,
    fstat, openat2, readlinkat, seek, statat,
};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::container::Container;
use super::manifest::{Bytes, Entry, Kind, MAX_PATH, Manifest, Omitted};
use crate::tree::LOST_AND_FOUND;
use domain::backup::Omission;

/// How deep directories are followed: a descriptor is held for each.
const MAX_DEPTH: usize = 400;
/// How much is read at once.
const CHUNK: usize = 256 * 1024;
/// A file of more parts than this is stored with its holes filled.
const MAX_PARTS: usize = 4096;
/// The most bytes of one extended attribute, and of the list of their names.
const MAX_XATTR: usize = 64 * 1024;

/// What an entry of a manifest is long beside its path, and a part of a file with holes, about.
const ENTRY_BYTES: u64 = 200;
const PART_BYTES: u64 = 24;

/// Why files were not packed.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackError {
    /// Something could not be read.
    #[error("reading {path}")]
    Read {
        /// Which, below the VServer's root.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("writing the archive")]
    Write(#[source] io::Error),
    /// A manifest of so many files could not be read back.
    #[error("more files than a manifest can list")]
    TooMany,
    /// Somebody cancelled it.
    #[error("cancelled")]
    Cancelled,
}

/// Told how many bytes were read since the last word; answers whether to go on.
pub(super) type Going<'a> = dyn FnMut(u64) -> bool + 'a;

/// Packs directory trees into an archive.
pub(super) struct Packer<'a, W: Write> {
    container: Container<W>,
    going: &'a mut Going<'a>,
    /// How long the list of entries may still become.
    left: u64,
    entries: Vec<Entry>,
    changed: Vec<Bytes>,
    omitted: Vec<Omitted>,
    /// Files with more than one name that were packed: device and inode, and the first name.
    linked: HashMap<(u64, u64), Bytes>,
    buffer: Vec<u8>,
    device: u64,
}

impl<'a, W: Write> Packer<'a, W> {
    /// Begins an archive whose manifest has about so many bytes `at_most`.
    pub(super) fn new(out: W, at_most: u64, going: &'a mut Going<'a>) -> Result<Self, PackError> {
        Ok(Self {
            left: at_most,
            container: Container::new(out).map_err(PackError::Write)?,
            going,
            entries: Vec::new(),
            changed: Vec::new(),
            omitted: Vec::new(),
            linked: HashMap::new(),
            buffer: vec![0; CHUNK],
            device: 0,
        })
    }

    /// Packs a tree under a name: `files` or `pkg`.
    pub(super) fn tree(&mut self, root: &OwnedFd, name: &str) -> Result<(), PackError> {
        let path = Bytes(name.as_bytes().to_vec());
        let failed = |errno: Errno| read_error(&path, errno);
        let stat = fstat(root).map_err(failed)?;
        self.device = stat.st_dev;
        let again = open(root.as_fd(), c".", OFlags::DIRECTORY).map_err(failed)?;
        let xattrs = self.xattrs(&again)?;
        self.put(Entry { xattrs, ..bare(&path, &stat, Kind::Directory) })?;
        self.directory(again, &path, 0)
    }

    /// Ends the archive; gives what it was written to, the manifest, and how many bytes it has.
    pub(super) fn finish(self, manifest: Manifest) -> Result<(W, Manifest, u64), PackError> {
        let mut changed = self.changed;
        let mut seen = HashSet::new();
        changed.retain(|path| seen.insert(path.clone()));
        let manifest =
            Manifest { entries: self.entries, changed, omitted: self.omitted, ..manifest };
        let (out, bytes) = self.container.finish(&manifest).map_err(PackError::Write)?;
        Ok((out, manifest, bytes))
    }

    /// Takes from what may still be remembered.
    fn charge(&mut self, bytes: u64) -> Result<(), PackError> {
        self.left = self.left.checked_sub(bytes).ok_or(PackError::TooMany)?;
        Ok(())
    }

    /// The names in a directory, each of which will be an entry: they count from here on.
    fn names(&mut self, directory: &OwnedFd, at: &Bytes) -> Result<Vec<CString>, PackError> {
        let failed = |errno: Errno| read_error(at, errno);
        let mut found = Vec::new();
        for entry in Dir::read_from(directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_owned();
            if name.as_c_str() != c"." && name.as_c_str() != c".." {
                self.charge(ENTRY_BYTES + (at.0.len() + name.count_bytes()) as u64)?;
                found.push(name);
            }
        }
        found.sort();
        Ok(found)
    }

    /// The attributes that belong to a file: the user's, ACLs, and file capabilities. Labels of the host's
    /// own security modules stay behind.
    fn xattrs(&mut self, opened: &OwnedFd) -> Result<Vec<(String, Bytes)>, PackError> {
        let mut list = vec![0; MAX_XATTR];
        let Ok(length) = flistxattr(opened, list.as_mut_slice()) else { return Ok(Vec::new()) };
        let mut buffer = Vec::new();
        let mut found = Vec::new();
        let names = list.get(..length).unwrap_or_default().split(|byte| *byte == 0);
        for name in names.filter_map(|name| std::str::from_utf8(name).ok()) {
            if !is_kept_xattr(name) {
                continue;
            }
            buffer.resize(MAX_XATTR, 0);
            let Ok(length) = fgetxattr(opened, name, buffer.as_mut_slice()) else { continue };
            // What is no text is written with four letters for three bytes.
            self.charge((name.len() + length + length / 3) as u64 + PART_BYTES)?;
            let value = buffer.get(..length).unwrap_or_default().to_vec();
            found.push((name.to_owned(), Bytes(value)));
        }
        found.sort();
        Ok(found)
    }

    fn omit(&mut self, path: Bytes, reason: Omission) {
        self.omitted.push(Omitted { path, reason });
    }

    fn go_on(&mut self, bytes: u64) -> Result<(), PackError> {
        if (self.going)(bytes) { Ok(()) } else { Err(PackError::Cancelled) }
    }

    /// Writes an entry that has no bytes.
    fn put(&mut self, entry: Entry) -> Result<(), PackError> {
        self.container.member(&entry, self.entries.len()).map_err(PackError::Write)?;
        self.entries.push(entry);
        Ok(())
    }

    fn directory(&mut self, directory: OwnedFd, at: &Bytes, depth: usize) -> Result<(), PackError> {
        self.go_on(0)?;
        for name in self.names(&directory, at)? {
            let path = Bytes([at.0.as_slice(), b"/", name.to_bytes()].concat());
            if path.0.len() > MAX_PATH || depth >= MAX_DEPTH {
                self.omit(path, Omission::TooDeep);
                continue;
            }
            match self.one(directory.as_fd(), &name, &path, depth) {
                Err(PackError::Read { source, .. }) if is_gone(&source) => {
                    self.omit(path, Omission::Gone);
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn one(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        path: &Bytes,
        depth: usize,
    ) -> Result<(), PackError> {
        let failed = |errno: Errno| read_error(path, errno);
        let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        if stat.st_dev != self.device {
            // Where something is mounted, the directory it is mounted on is all that is the VServer's.
            self.omit(path.clone(), Omission::OtherFilesystem);
            return self.put(bare(path, &stat, Kind::Directory)).map(drop);
        }
        let kind = FileType::from_raw_mode(stat.st_mode);
        let is_linked = kind != FileType::Directory && stat.st_nlink > 1;
        let first = self.linked.get(&(stat.st_dev, stat.st_ino));
        if let Some(first) = first.filter(|_| is_linked) {
            let kind = Kind::HardLink(first.clone());
            self.charge(path.0.len() as u64)?;
            return self.put(bare(path, &stat, kind));
        }
        match kind {
            FileType::Directory => {
                let opened = open(parent, name, OFlags::DIRECTORY).map_err(failed)?;
                // The volume's, not the VServer's, unless something was found.
                let is_of_volume = depth == 0 && name == LOST_AND_FOUND;
                if is_of_volume && is_empty(&opened).map_err(failed)? {
                    return Ok(());
                }
                // What was opened counts: it may be another one by now.
                let stat = fstat(&opened).map_err(failed)?;
                let entry = bare(path, &stat, Kind::Directory);
                let xattrs = self.xattrs(&opened)?;
                self.put(Entry { xattrs, ..entry })?;
                self.directory(opened, path, depth + 1)
            }
            FileType::RegularFile => {
                let opened = open(parent, name, OFlags::NONBLOCK).map_err(failed)?;
                let stat = fstat(&opened).map_err(failed)?;
                if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                    self.omit(path.clone(), Omission::Gone);
                    return Ok(());
                }
                if stat.st_nlink > 1 {
                    self.linked.insert((stat.st_dev, stat.st_ino), path.clone());
                }
                self.file(opened, path, &stat)
            }
            FileType::Symlink => {
                let to = readlinkat(parent, name, Vec::new()).map_err(failed)?;
                self.charge(to.count_bytes() as u64)?;
                self.put(bare(path, &stat, Kind::Link(Bytes(to.into_bytes()))))
            }
            FileType::Fifo => self.put(bare(path, &stat, Kind::Fifo)),
            FileType::BlockDevice | FileType::CharacterDevice => {
                let (major, minor) =
                    (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
                let block = kind == FileType::BlockDevice;
                self.put(bare(path, &stat, Kind::Device { block, major, minor }))
            }
            // A socket is made anew by whoever listens on it.
            FileType::Socket | FileType::Unknown => Ok(()),
        }
    }

    fn file(&mut self, opened: OwnedFd, path: &Bytes, before: &Stat) -> Result<(), PackError> {
        let size = u64::try_from(before.st_size).unwrap_or(0);
        let parts = match holes(&opened, before) {
            Ok(parts) => parts,
            Err(errno) => return Err(read_error(path, errno)),
        };
        let kind = Kind::File { size, sha256: String::new(), parts: parts.clone() };
        self.charge(PART_BYTES * parts.as_ref().map_or(0, Vec::len) as u64)?;
        let xattrs = self.xattrs(&opened)?;
        let mut entry = Entry { xattrs, ..bare(path, before, kind) };
        self.container.member(&entry, self.entries.len()).map_err(PackError::Write)?;
        let mut digest = Sha256::new();
        let file = File::from(opened);
        let mut is_short = false;
        for (offset, length) in parts.clone().unwrap_or_else(|| vec![(0, size)]) {
            is_short |= self.part(&file, path, offset, length, &mut digest)?;
        }
        self.container.pad(entry.stored_bytes()).map_err(PackError::Write)?;
        let after = fstat(&file).map_err(|errno| read_error(path, errno))?;
        let stamp = |stat: &Stat| {
            (stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec)
        };
        if is_short || stamp(before) != stamp(&after) {
            self.changed.push(path.clone());
        }
        let sha256 = hexadecimal(&digest.finalize());
        entry.kind = Kind::File { size, sha256, parts };
        self.entries.push(entry);
        Ok(())
    }

    /// Stores a part of a file; what is missing of it by now is stored as zeroes. Whether any was.
    fn part(
        &mut self,
        file: &File,
        path: &Bytes,
        offset: u64,
        length: u64,
        digest: &mut Sha256,
    ) -> Result<bool, PackError> {
        use std::os::unix::fs::FileExt;
        let (mut at, mut left, mut is_short) = (offset, length, false);
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            let chunk = self.buffer.get_mut(..wanted).unwrap_or_default();
            let read = match is_short {
                true => 0,
                false => file
                    .read_at(chunk, at)
                    .map_err(|source| PackError::Read { path: path.lossy(), source })?,
            };
            let used = if read == 0 {
                is_short = true;
                chunk.fill(0);
                wanted
            } else {
                read
            };
            let stored = self.buffer.get(..used).unwrap_or_default();
            digest.update(stored);
            self.container.data(stored).map_err(PackError::Write)?;
            at += used as u64;
            left -= used as u64;
            self.go_on(used as u64)?;
        }
        Ok(is_short)
    }
}

/// A digest as it is written.
pub(super) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read_error(path: &Bytes, errno: Errno) -> PackError {
    PackError::Read { path: path.lossy(), source: errno.into() }
}

/// Whether something went away, or became another thing, between being listed and being opened.
fn is_gone(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    errno.is_some_and(|e| [Errno::NOENT, Errno::LOOP, Errno::NOTDIR, Errno::XDEV].contains(&e))
}

fn open(parent: BorrowedFd<'_>, name: &CStr, more: OFlags) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY | more;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    // Being backed up is no access; where that may not be said, it is one.
    match openat2(parent, name, flags | OFlags::NOATIME, Mode::empty(), resolve) {
        Err(Errno::PERM) => openat2(parent, name, flags, Mode::empty(), resolve),
        other => other,
    }
}

fn is_empty(directory: &OwnedFd) -> Result<bool, Errno> {
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        if ![c".", c".."].contains(&entry.file_name()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn bare(path: &Bytes, stat: &Stat, kind: Kind) -> Entry {
    Entry {
        path: path.clone(),
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mtime: (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0)),
        xattrs: Vec::new(),
        kind,
    }
}

/// Whether an attribute is a VServer's own.
pub(super) fn is_kept_xattr(name: &str) -> bool {
    // A record of a tar's extended header ends its key at the first `=`.
    let is_user = name.starts_with("user.") && !name.contains('=');
    let others = ["security.capability", "system.posix_acl_access", "system.posix_acl_default"];
    is_user || others.contains(&name)
}

/// The parts of a file that hold data, when it has holes worth keeping.
fn holes(file: &OwnedFd, stat: &Stat) -> Result<Option<Vec<(u64, u64)>>, Errno> {
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let on_disk = u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
    if size < 64 * 1024 || on_disk + 16 * 1024 > size {
        return Ok(None);
    }
    let mut parts = Vec::new();
    let mut at = 0;
    while at < size {
        let from = match seek(file, SeekFrom::Data(at)) {
            Ok(from) => from.min(size),
            // No data from here on.
            Err(Errno::NXIO) => break,
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        let to = seek(file, SeekFrom::Hole(from)).unwrap_or(size).min(size);
        if to > from {
            parts.push((from, to - from));
        }
        if parts.len() > MAX_PARTS {
            return Ok(None);
        }
        // A filesystem without holes calls the whole file data.
        at = to.max(from + 1);
    }
    Ok(Some(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packs a directory; how many entries its manifest has.
    fn packed(path: &std::path::Path, at_most: u64) -> Result<usize, PackError> {
        let mut going = |_| true;
        let mut packer = Packer::new(io::sink(), at_most, &mut going)?;
        packer.tree(&File::open(path).unwrap().into(), "files")?;
        Ok(packer.entries.len())
    }

    #[test]
    fn what_is_remembered_of_a_guests_files_is_bounded() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str| std::fs::write(root.path().join(name), "").unwrap();
        file("a");
        assert_eq!(packed(root.path(), 1000).unwrap(), 2);
        (0..5).for_each(|number| file(&number.to_string()));
        // Already their names are too many.
        assert!(matches!(packed(root.path(), 1000), Err(PackError::TooMany)));
        assert_eq!(packed(root.path(), 2000).unwrap(), 7);
        std::os::unix::fs::symlink("x".repeat(3000), root.path().join("link")).unwrap();
        assert!(matches!(packed(root.path(), 2000), Err(PackError::TooMany)));
        assert_eq!(packed(root.path(), 5000).unwrap(), 8);
        let one = File::open(root.path().join("a")).unwrap();
        let value = [b'x'; 3500];
        match rustix::fs::fsetxattr(&one, "user.note", &value, rustix::fs::XattrFlags::CREATE) {
            Ok(()) => assert!(matches!(packed(root.path(), 6000), Err(PackError::TooMany))),
            Err(errno) => eprintln!("SKIPPED: no attributes here: {errno}"),
        }
    }
}
