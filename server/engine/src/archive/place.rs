//! Putting members in place, below one root, by descriptor.
//!
//! The process that does this sees nothing but that root ([`super::role`]); still nothing here relies
//! on it. Invariants:
//! - The directory that a member goes to is opened beneath the root and through no link. A member that
//!   would go through one is the end of the whole archive: no tar writes such a thing.
//! - A file is always a new one. What had its name before is removed, never written to, so that neither
//!   a link nor a fifo nor a hard link of the archive's own leads the data elsewhere.
//! - No device node is made. Owners that the VServer does not have become `nobody`, without
//!   set-user-id.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use domain::note::MemberNote;
use domain::template::ArchiveProblem;
use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, XattrFlags,
    fchmod, fchown, fsetxattr, futimens, linkat, mkdirat, mknodat, openat, openat2, statat,
    symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::member::{Kind, Member, Members, Stop};
use super::name::MemberPath;
use super::report::Caps;

/// Whom files belong to whose owner the VServer does not have: the kernel's `overflowuid`.
const NOBODY: u32 = 65534;
/// After how many written bytes, and after how many members, free space is looked at.
const LOOK_BYTES: u64 = 32 << 20;
const LOOK_MEMBERS: u64 = 1024;
/// Files of a filesystem that others must find room for.
const KEPT_FREE_FILES: u64 = 1024;
/// Set-user-id and set-group-id.
const SET_IDS: u32 = 0o6000;
/// How much is copied at once.
const COPY_BYTES: usize = 128 << 10;

/// Where members go.
pub(super) struct Place {
    root: OwnedFd,
    caps: Caps,
    /// How many ids the VServer has.
    ids: u32,
    /// The last directory something went to: the next member mostly goes there too.
    last: Option<(Vec<u8>, Rc<OwnedFd>)>,
    /// Times of directories, set when nothing more is put into them.
    times: BTreeMap<Vec<u8>, (i64, u32)>,
    members: u64,
    bytes: u64,
    since_look: u64,
    buffer: Vec<u8>,
}

impl Place {
    /// A place at this root.
    pub(super) fn new(root: OwnedFd, caps: Caps, ids: u32) -> Self {
        Self {
            root,
            caps,
            ids,
            last: None,
            times: BTreeMap::new(),
            members: 0,
            bytes: 0,
            since_look: 0,
            buffer: vec![0; COPY_BYTES],
        }
    }

    /// Puts a member in place; `note` hears what was done otherwise than the archive says.
    pub(super) fn put<R: Read>(
        &mut self,
        member: &Member,
        data: &mut Members<R>,
        note: &mut dyn FnMut(MemberNote),
    ) -> Result<(), Stop> {
        let refused = |problem| Stop::Refused(problem, member.name.clone());
        let path = MemberPath::parse(&member.name).map_err(refused)?;
        self.count(member)?;
        for _ in 0..member.dropped_attributes {
            note(MemberNote::Attribute);
        }
        let Some(path) = path else {
            // The root itself; what it says of other things than a directory is nonsense.
            if member.kind != Kind::Directory {
                return Err(refused(ArchiveProblem::BadName));
            }
            let root = self.root.try_clone().map_err(Stop::Read)?;
            self.times.insert(Vec::new(), member.modified);
            return self.own(&root, member, note).map_err(|errno| written(errno, member));
        };
        let (parent, name) = path.split();
        let parent = self.directory(parent).map_err(|stop| about(stop, member))?;
        match self.make(&parent, OsStr::from_bytes(name), &path, member, data, note) {
            Ok(()) => Ok(()),
            Err(Made::Stop(stop)) => Err(about(stop, member)),
            Err(Made::Errno(errno)) => Err(written(errno, member)),
        }
    }

    /// Counts a member against the caps, and looks at what is free now and then.
    fn count(&mut self, member: &Member) -> Result<(), Stop> {
        self.members += 1;
        if self.members > self.caps.entries {
            return Err(ArchiveProblem::TooMany { entries: self.caps.entries }.into());
        }
        // Holes count too: they are nothing on disk, and much for whoever copies the file.
        self.bytes = self.bytes.saturating_add(member.bytes);
        if self.bytes > self.caps.bytes {
            let problem = ArchiveProblem::TooLarge { bytes: self.caps.bytes };
            return Err(Stop::Refused(problem, member.name.clone()));
        }
        if self.members % LOOK_MEMBERS == 1 {
            self.look_at_free().map_err(|errno| written(errno, member))?;
        }
        Ok(())
    }

    /// Whether there is room, so that an archive cannot take the last of it from others.
    fn look_at_free(&mut self) -> Result<(), Errno> {
        self.since_look = 0;
        let free = rustix::fs::fstatvfs(&self.root)?;
        let bytes = free.f_bavail.saturating_mul(free.f_frsize);
        // Filesystems that make inodes as they go say that they have none at all.
        let files = if free.f_files == 0 { u64::MAX } else { free.f_favail };
        if bytes < self.caps.keep_free_bytes || files < KEPT_FREE_FILES {
            return Err(Errno::NOSPC);
        }
        Ok(())
    }

    /// A directory below the root, made if it is missing.
    fn directory(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>, Stop> {
        if let Some((last, directory)) = &self.last
            && last == path
        {
            return Ok(Rc::clone(directory));
        }
        let opened = match self.open(path) {
            Err(Errno::NOENT) => self.make_parents(path),
            other => other,
        };
        let directory = Rc::new(opened.map_err(through)?);
        self.last = Some((path.to_vec(), Rc::clone(&directory)));
        Ok(directory)
    }

    fn open(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        // Without NOFOLLOW, which would open a link itself instead of refusing it.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        openat2(&self.root, path, flags, Mode::empty(), resolve)
    }

    fn make_parents(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let mut end = 0;
        while end < path.len() {
            let rest = path.get(end + 1..).unwrap_or_default();
            let next =
                rest.iter().position(|byte| *byte == b'/').map_or(path.len(), |at| end + 1 + at);
            let one = path.get(..next).unwrap_or_default();
            match self.open(one) {
                Err(Errno::NOENT) => {
                    let parent = path.get(..end).unwrap_or_default();
                    let name = one.get(end..).unwrap_or_default();
                    let name = name.strip_prefix(b"/").unwrap_or(name);
                    mkdirat(self.open(parent)?, name, Mode::from_raw_mode(0o755))?;
                }
                other => drop(other?),
            }
            end = next;
        }
        self.open(path)
    }

    fn make<R: Read>(
        &mut self,
        parent: &OwnedFd,
        name: &OsStr,
        path: &MemberPath,
        member: &Member,
        data: &mut Members<R>,
        note: &mut dyn FnMut(MemberNote),
    ) -> Result<(), Made> {
        match member.kind {
            Kind::Device => {
                note(MemberNote::Device);
                Ok(())
            }
            Kind::Directory => {
                let directory = self.make_directory(parent, name)?;
                self.times.insert(path.as_bytes().to_vec(), member.modified);
                Ok(self.own(&directory, member, note)?)
            }
            Kind::File => {
                let flags = OFlags::WRONLY
                    | OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::NOFOLLOW
                    | OFlags::CLOEXEC;
                let mode = Mode::RUSR | Mode::WUSR;
                let file = self.anew(parent, name, || openat(parent, name, flags, mode))?;
                self.fill(&file, member, data)?;
                self.own(&file, member, note)?;
                Ok(futimens(&file, &times(member.modified))?)
            }
            Kind::Symlink => {
                if member.link.is_empty() || member.link.contains(&0) {
                    return Err(Stop::from(ArchiveProblem::BadName).into());
                }
                let target = member.link.as_slice();
                self.anew(parent, name, || symlinkat(target, parent, name))?;
                self.own_at(parent, name, member, note)
            }
            Kind::Fifo => {
                let mode = Mode::RUSR | Mode::WUSR;
                self.anew(parent, name, || mknodat(parent, name, FileType::Fifo, mode, 0))?;
                self.own_at(parent, name, member, note)?;
                let mode = Mode::from_raw_mode(member.mode & !SET_IDS);
                Ok(rustix::fs::chmodat(parent, name, mode, AtFlags::empty())?)
            }
            Kind::HardLink => self.link(parent, name, member, note),
        }
    }

    /// Makes something where nothing is; what is there already is removed first.
    fn anew<T>(
        &mut self,
        parent: &OwnedFd,
        name: &OsStr,
        make: impl Fn() -> rustix::io::Result<T>,
    ) -> Result<T, Made> {
        match make() {
            Err(Errno::EXIST) => {}
            made => return Ok(made?),
        }
        self.clear(parent, name)?;
        Ok(make()?)
    }

    /// Removes what has a name: anything but a directory that is not empty.
    fn clear(&mut self, parent: &OwnedFd, name: &OsStr) -> Result<(), Made> {
        match unlinkat(parent, name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => {}
            other => return Ok(other?),
        }
        // It may be the one that is kept open.
        self.last = None;
        match unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                Err(Stop::from(ArchiveProblem::Contradiction).into())
            }
            other => Ok(other?),
        }
    }

    fn make_directory(&mut self, parent: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Made> {
        match mkdirat(parent, name, Mode::RWXU) {
            Err(Errno::EXIST) => {
                let there = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
                if FileType::from_raw_mode(there.st_mode) != FileType::Directory {
                    self.clear(parent, name)?;
                    mkdirat(parent, name, Mode::RWXU)?;
                }
            }
            other => other?,
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(parent, name, flags, Mode::empty())?)
    }

    fn fill<R: Read>(
        &mut self,
        file: &OwnedFd,
        member: &Member,
        data: &mut Members<R>,
    ) -> Result<(), Made> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let filled = self.fill_with(&mut buffer, file, member, data);
        self.buffer = buffer;
        filled
    }

    fn fill_with<R: Read>(
        &mut self,
        buffer: &mut [u8],
        file: &OwnedFd,
        member: &Member,
        data: &mut Members<R>,
    ) -> Result<(), Made> {
        for (offset, length) in &member.segments {
            let (mut offset, mut left) = (*offset, *length);
            while left > 0 {
                let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                let part = buffer.get_mut(..wanted).unwrap_or_default();
                let read = data.read_data(part)?;
                let mut part = part.get(..read).unwrap_or_default();
                while !part.is_empty() {
                    let written = rustix::io::pwrite(file, part, offset)?;
                    offset += written as u64;
                    part = part.get(written..).unwrap_or_default();
                }
                left -= read as u64;
                self.since_look += read as u64;
                if self.since_look >= LOOK_BYTES {
                    self.look_at_free()?;
                }
            }
        }
        // A hole at the end is made by saying where the end is.
        let pieces = member.segments.iter().rfind(|(_, length)| *length > 0);
        if pieces.map_or(0, |(offset, length)| offset + length) != member.bytes {
            rustix::fs::ftruncate(file, member.bytes)?;
        }
        Ok(())
    }

    fn link(
        &mut self,
        parent: &OwnedFd,
        name: &OsStr,
        member: &Member,
        note: &mut dyn FnMut(MemberNote),
    ) -> Result<(), Made> {
        let refused = |problem| Stop::Refused(problem, member.link.clone());
        let target = MemberPath::parse(&member.link).map_err(refused)?;
        let target = target.ok_or_else(|| refused(ArchiveProblem::BadName))?;
        let (target_parent, target_name) = target.split();
        let target_parent = match self.open(target_parent) {
            Ok(directory) => directory,
            // It was not packed, or left out here, such as a device node.
            Err(Errno::NOENT) => {
                note(MemberNote::LinkToNothing);
                return Ok(());
            }
            Err(errno) => return Err(through(errno).into()),
        };
        let target_name = OsStr::from_bytes(target_name);
        let made = match linkat(&target_parent, target_name, parent, name, AtFlags::empty()) {
            Err(Errno::EXIST) => {
                // A link to itself is there already.
                let stat = |directory: &OwnedFd, name: &OsStr| {
                    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
                };
                let (one, other) = (stat(&target_parent, target_name)?, stat(parent, name)?);
                if (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino) {
                    return Ok(());
                }
                self.clear(parent, name)?;
                linkat(&target_parent, target_name, parent, name, AtFlags::empty())
            }
            other => other,
        };
        match made {
            Err(Errno::NOENT) => note(MemberNote::LinkToNothing),
            // A directory has one name only.
            Err(Errno::PERM) => return Err(refused(ArchiveProblem::Contradiction).into()),
            other => other?,
        }
        Ok(())
    }

    /// The owner a member gets, and whether it is its own.
    fn owner(&self, member: &Member) -> (u32, u32, bool) {
        let of = |id: u64| u32::try_from(id).ok().filter(|id| *id < self.ids);
        let (user, group) = (of(member.user), of(member.group));
        let is_own = user.is_some() && group.is_some();
        (user.unwrap_or(NOBODY), group.unwrap_or(NOBODY), is_own)
    }

    /// Gives a file or directory its owner, attributes and mode, in this order: a new owner takes
    /// set-user-id and capabilities away.
    fn own(
        &self,
        file: &OwnedFd,
        member: &Member,
        note: &mut dyn FnMut(MemberNote),
    ) -> Result<(), Errno> {
        let (user, group, is_own) = self.owner(member);
        fchown(file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
        let mut mode = member.mode;
        if !is_own {
            note(MemberNote::Owner);
            mode &= !SET_IDS;
        }
        for (name, value) in &member.attributes {
            if !is_own && name == b"security.capability" {
                continue;
            }
            match fsetxattr(file, OsStr::from_bytes(name), value, XattrFlags::empty()) {
                Ok(()) => {}
                Err(Errno::NOSPC | Errno::DQUOT) => return Err(Errno::NOSPC),
                // The filesystem has none, or not this one, or takes it for nonsense.
                Err(_) => note(MemberNote::Attribute),
            }
        }
        fchmod(file, Mode::from_raw_mode(mode))
    }

    /// The same for what cannot be opened: links and fifos.
    fn own_at(
        &self,
        parent: &OwnedFd,
        name: &OsStr,
        member: &Member,
        note: &mut dyn FnMut(MemberNote),
    ) -> Result<(), Made> {
        let (user, group, is_own) = self.owner(member);
        if !is_own {
            note(MemberNote::Owner);
        }
        let (user, group) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
        rustix::fs::chownat(parent, name, user, group, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(utimensat(parent, name, &times(member.modified), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Sets what was left for the end, once all is where it stays; `lifted` is the directory whose
    /// contents were moved up. Gives what was written, members and bytes.
    pub(super) fn finish(&mut self, lifted: Option<&[u8]>) -> (u64, u64) {
        for (path, modified) in std::mem::take(&mut self.times) {
            let path = match lifted.and_then(|lifted| path.strip_prefix(lifted)) {
                Some([]) => &[],
                Some([b'/', rest @ ..]) => rest,
                // The old root's time counts for nothing, as the root is another one now.
                _ if lifted.is_some() && path.is_empty() => continue,
                _ => path.as_slice(),
            };
            // It may have been replaced by something else since.
            let Ok(directory) = self.open(path) else { continue };
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            if let Ok(directory) = openat(&directory, ".", flags, Mode::empty()) {
                let _ = futimens(&directory, &times(modified));
            }
        }
        (self.members, self.bytes)
    }

    /// The root.
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}

/// Why something was not made.
enum Made {
    Stop(Stop),
    Errno(Errno),
}

impl From<Stop> for Made {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Errno> for Made {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

fn times((seconds, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: seconds, tv_nsec: nanos.into() };
    Timestamps { last_access: time, last_modification: time }
}

/// What it means that a directory could not be opened.
fn through(errno: Errno) -> Stop {
    match errno {
        Errno::LOOP | Errno::XDEV => ArchiveProblem::ThroughLink.into(),
        Errno::NOTDIR => ArchiveProblem::ThroughFile.into(),
        Errno::NAMETOOLONG => ArchiveProblem::BadName.into(),
        other => Stop::Write(other, Vec::new()),
    }
}

fn about(stop: Stop, member: &Member) -> Stop {
    match stop {
        Stop::Refused(problem, name) if name.is_empty() => {
            Stop::Refused(problem, member.name.clone())
        }
        Stop::Write(errno, name) if name.is_empty() => Stop::Write(errno, member.name.clone()),
        other => other,
    }
}

fn written(errno: Errno, member: &Member) -> Stop {
    match errno {
        Errno::NAMETOOLONG => Stop::Refused(ArchiveProblem::BadName, member.name.clone()),
        other => Stop::Write(other, member.name.clone()),
    }
}
