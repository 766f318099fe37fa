//! One config directory, open, as whoever changes it sees it: every file reached by descriptor,
//! beneath the directory and over no link at all.
//!
//! A file is replaced by exchanging it with a finished one, then looking at what was exchanged: so
//! an edit by hand in the very last moment is put back and refused, never overwritten. What a file was
//! stays beside it ([`ConfigPath::kept`]) until the change is finished; [`ConfigDirectory::restore`]
//! puts it back, however far the change came.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use domain::config_change::FileState;
use domain::config_entry::{ConfigPath, Digest};
use domain::time::UnixMillis;
use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, RenameFlags, ResolveFlags, Stat, Uid, fchmod,
    fchown, mkdirat, openat2, readlinkat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::ConfigError;

/// The most bytes of a file that are read.
const MAX_READ_BYTES: u64 = 256 * 1024;
/// The most bytes of a text that is shown and kept.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// The most files of a tree that are looked at.
const MAX_FILES: usize = 1000;

/// Never over a link, never out of the directory.
const RESOLVE: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

/// What has to be known to put a file back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditStep {
    /// The config directory.
    pub directory: PathBuf,
    /// Which file of it.
    pub path: ConfigPath,
    /// What was there before; none when nothing was.
    pub before: Option<Digest>,
    /// What will be there; none when nothing will be.
    pub after: Option<Digest>,
    /// The topmost directory, below the config directory, that has to be made for it.
    pub made: Option<String>,
}

/// A file, and when it was changed last.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) state: FileState,
    pub(crate) modified_at: Option<UnixMillis>,
}

/// Why a file was not replaced.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is not what was seen.
    Changed,
    /// The disk, or something that is in the way.
    Io(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// A config directory.
#[derive(Debug)]
pub(crate) struct ConfigDirectory {
    directory: OwnedFd,
    path: PathBuf,
}

impl ConfigDirectory {
    /// Opens it; none when there is none.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, ConfigError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(directory) => Ok(Some(Self { directory, path: path.to_owned() })),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(ConfigError::Read { file: path.to_owned(), source: errno.into() }),
        }
    }

    /// What is there at a path.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub(crate) fn look(&self, path: &ConfigPath) -> io::Result<Found> {
        let absent = Found { state: FileState::Absent, modified_at: None };
        let other = Found { state: FileState::Other, modified_at: None };
        match self.parent_of(path) {
            Ok(parent) => look_at(parent.as_fd(), path.leaf()),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(absent),
            Err(Errno::LOOP | Errno::XDEV) => Ok(other),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Every file and link, with what it is; directories only by what is in them. Names that no path
    /// can have are left out.
    ///
    /// # Errors
    /// When a directory cannot be read.
    pub(crate) fn all(&self) -> io::Result<BTreeMap<ConfigPath, FileState>> {
        let mut all = BTreeMap::new();
        let top = beneath(self.directory.as_fd(), ".")?;
        collect(top, "", &mut all)?;
        Ok(all)
    }

    /// The topmost directory that would have to be made for a file.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub(crate) fn to_be_made(&self, path: &ConfigPath) -> io::Result<Option<String>> {
        let Some(parent) = path.parent() else { return Ok(None) };
        let mut so_far = String::new();
        for name in parent.split('/') {
            if !so_far.is_empty() {
                so_far.push('/');
            }
            so_far.push_str(name);
            match beneath(self.directory.as_fd(), &so_far) {
                Ok(_) => {}
                Err(Errno::NOENT) => return Ok(Some(so_far)),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(None)
    }

    /// Replaces, makes or removes a file, if it still is what was seen. What it was stays beside it.
    ///
    /// # Errors
    /// [`Refused::Changed`] when it is another by now; it is left as it is then.
    pub(crate) fn apply(&self, step: &EditStep, text: Option<&str>) -> Result<(), Refused> {
        let parent = match text {
            Some(_) => self.made_parent_of(&step.path)?,
            None => self.parent_of(&step.path)?,
        };
        let (parent, leaf) = (parent.as_fd(), step.path.leaf());
        let (new, old) = (step.path.replacement(), step.path.kept());
        gone(unlinkat(parent, &new, AtFlags::empty()))?;
        gone(unlinkat(parent, &old, AtFlags::empty()))?;
        match (text, &step.before) {
            (Some(text), None) => {
                write(parent, &new, text, None)?;
                match renameat_with(parent, &new, parent, leaf, RenameFlags::NOREPLACE) {
                    Ok(()) => {}
                    Err(errno) => {
                        gone(unlinkat(parent, &new, AtFlags::empty()))?;
                        return Err(match errno {
                            Errno::EXIST => Refused::Changed,
                            errno => errno.into(),
                        });
                    }
                }
            }
            (Some(text), Some(before)) => {
                let stat = match statat(parent, leaf, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => stat,
                    Err(Errno::NOENT) => return Err(Refused::Changed),
                    Err(errno) => return Err(errno.into()),
                };
                write(parent, &new, text, Some(&stat))?;
                let exchanged = renameat_with(parent, &new, parent, leaf, RenameFlags::EXCHANGE);
                if let Err(errno) = exchanged {
                    gone(unlinkat(parent, &new, AtFlags::empty()))?;
                    return Err(match errno {
                        Errno::NOENT => Refused::Changed,
                        errno => errno.into(),
                    });
                }
                if digest_at(parent, &new)?.as_ref() != Some(before) {
                    renameat_with(parent, &new, parent, leaf, RenameFlags::EXCHANGE)?;
                    gone(unlinkat(parent, &new, AtFlags::empty()))?;
                    return Err(Refused::Changed);
                }
                renameat(parent, &new, parent, &old)?;
            }
            (None, Some(before)) => {
                match renameat_with(parent, leaf, parent, &old, RenameFlags::NOREPLACE) {
                    Ok(()) => {}
                    Err(Errno::NOENT) => return Err(Refused::Changed),
                    Err(errno) => return Err(errno.into()),
                }
                if digest_at(parent, &old)?.as_ref() != Some(before) {
                    renameat_with(parent, &old, parent, leaf, RenameFlags::NOREPLACE)?;
                    return Err(Refused::Changed);
                }
            }
            (None, None) => return Err(Refused::Changed),
        }
        sync(parent)?;
        Ok(())
    }

    /// Puts a file back as it was before a step, however far the step came. An edit by hand that came
    /// after it stays.
    ///
    /// # Errors
    /// When it cannot be put back.
    pub(crate) fn restore(&self, step: &EditStep) -> io::Result<()> {
        let parent = match self.parent_of(&step.path) {
            Ok(parent) => parent,
            Err(Errno::NOENT | Errno::NOTDIR) => return self.unmake(step),
            Err(errno) => return Err(errno.into()),
        };
        let (parent, leaf) = (parent.as_fd(), step.path.leaf());
        let (new, old) = (step.path.replacement(), step.path.kept());
        let now = digest_at(parent, leaf)?;
        let is_as_written = now == step.after;
        let aside = digest_at(parent, &new)?;
        // Exchanged already, and not yet set aside: what was there is under the name of what came.
        let is_exchanged =
            step.before.is_some() && is_as_written && aside.is_some() && aside != step.after;
        if is_exchanged {
            renameat(parent, &new, parent, leaf)?;
        } else if step.before.is_some() {
            if is_as_written && digest_at(parent, &old)?.is_some() {
                renameat(parent, &old, parent, leaf)?;
            }
            gone(unlinkat(parent, &old, AtFlags::empty()))?;
        } else if step.before.is_none() && now.is_some() && is_as_written {
            gone(unlinkat(parent, leaf, AtFlags::empty()))?;
        }
        gone(unlinkat(parent, &new, AtFlags::empty()))?;
        sync(parent)?;
        self.unmake(step)
    }

    /// Removes the directories that a step made, as far as they are empty.
    fn unmake(&self, step: &EditStep) -> io::Result<()> {
        let Some(top) = &step.made else { return Ok(()) };
        let mut next = step.path.parent();
        while let Some(directory) = next.filter(|directory| directory.starts_with(top.as_str())) {
            match unlinkat(&self.directory, directory, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
            next = directory.rsplit_once('/').map(|(parent, _)| parent);
        }
        Ok(())
    }

    fn parent_of(&self, path: &ConfigPath) -> Result<OwnedFd, Errno> {
        beneath(self.directory.as_fd(), path.parent().unwrap_or("."))
    }

    fn made_parent_of(&self, path: &ConfigPath) -> Result<OwnedFd, Errno> {
        let mut directory = beneath(self.directory.as_fd(), ".")?;
        for name in path.parent().unwrap_or_default().split('/').filter(|name| !name.is_empty()) {
            match mkdirat(&directory, name, Mode::from_raw_mode(0o755)) {
                Ok(()) => {
                    let made = beneath(directory.as_fd(), name)?;
                    // Whatever the caller's umask (B29).
                    fchmod(&made, Mode::from_raw_mode(0o755))?;
                    sync(directory.as_fd())?;
                    directory = made;
                }
                Err(Errno::EXIST) => directory = beneath(directory.as_fd(), name)?,
                Err(errno) => return Err(errno),
            }
        }
        Ok(directory)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The digest of a text.
#[must_use]
pub(crate) fn digest_of(bytes: &[u8]) -> Option<Digest> {
    let hexadecimal: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    hexadecimal.parse().ok()
}

fn beneath(directory: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    loop {
        match openat2(directory, path, flags, Mode::empty(), RESOLVE) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
}

fn gone(result: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match result {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

fn sync(directory: BorrowedFd<'_>) -> rustix::io::Result<()> {
    rustix::fs::fsync(directory)
}

fn write(
    parent: BorrowedFd<'_>,
    name: &str,
    text: &str,
    like: Option<&Stat>,
) -> Result<(), Refused> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat2(parent, name, flags, Mode::from_raw_mode(0o600), RESOLVE)?;
    let mode = like.map_or(0o644, |stat| stat.st_mode & 0o777);
    if let Some(stat) = like {
        fchown(&file, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))?;
    }
    fchmod(&file, Mode::from_raw_mode(mode))?;
    let mut file = File::from(file);
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

/// The bytes of a regular file, at most one more than are read; none when there is none.
fn bytes_at(parent: BorrowedFd<'_>, name: &str) -> io::Result<Option<Vec<u8>>> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match openat2(parent, name, flags, Mode::empty(), RESOLVE) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let mut bytes = Vec::new();
    File::from(file).take(MAX_READ_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn digest_at(parent: BorrowedFd<'_>, name: &str) -> io::Result<Option<Digest>> {
    Ok(bytes_at(parent, name)?.and_then(|bytes| digest_of(&bytes)))
}

fn look_at(parent: BorrowedFd<'_>, name: &str) -> io::Result<Found> {
    let stat = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(Found { state: FileState::Absent, modified_at: None }),
        Err(errno) => return Err(errno.into()),
    };
    let millis = i64::try_from(stat.st_mtime_nsec).unwrap_or(0) / 1_000_000;
    let modified_at = Some(UnixMillis(stat.st_mtime.saturating_mul(1000).saturating_add(millis)));
    let state = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => {
            let target = readlinkat(parent, name, Vec::new())?;
            FileState::Link { target: target.to_string_lossy().into_owned() }
        }
        FileType::RegularFile => match bytes_at(parent, name)? {
            None => FileState::Absent,
            Some(bytes) => as_state(bytes, u64::try_from(stat.st_size).unwrap_or(0)),
        },
        _ => FileState::Other,
    };
    Ok(Found { state, modified_at })
}

fn as_state(bytes: Vec<u8>, size: u64) -> FileState {
    if bytes.len() as u64 > MAX_READ_BYTES {
        return FileState::NotText { bytes: size, digest: None };
    }
    let digest = digest_of(&bytes);
    let is_shown = bytes.len() <= MAX_TEXT_BYTES && !bytes.contains(&0);
    match (String::from_utf8(bytes), digest) {
        (Ok(text), Some(digest)) if is_shown => FileState::Text { text, digest },
        (_, digest) => FileState::NotText { bytes: size, digest },
    }
}

fn collect(
    directory: OwnedFd,
    below: &str,
    all: &mut BTreeMap<ConfigPath, FileState>,
) -> io::Result<()> {
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name == "." || name == ".." || all.len() >= MAX_FILES {
            continue;
        }
        let text = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
        // What cannot be a path of ours is nobody's entry: it is left alone, and not kept.
        let Ok(path) = text.parse::<ConfigPath>() else { continue };
        match look_at(directory.as_fd(), name)?.state {
            FileState::Absent => {}
            FileState::Other => match beneath(directory.as_fd(), name) {
                Ok(inner) => collect(inner, &text, all)?,
                Err(_) => {
                    all.insert(path, FileState::Other);
                }
            },
            state => {
                all.insert(path, state);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Tree {
        base: tempfile::TempDir,
        directory: ConfigDirectory,
    }

    impl Tree {
        fn new() -> Self {
            let base = tempfile::tempdir().unwrap();
            fs::create_dir(base.path().join("uts")).unwrap();
            let directory = ConfigDirectory::open(base.path()).unwrap().unwrap();
            Self { base, directory }
        }

        fn write(&self, name: &str, text: Option<&str>) {
            let path = self.base.path().join(name);
            match text {
                Some(text) => fs::write(path, text).unwrap(),
                None => drop(fs::remove_file(path)),
            }
        }

        fn read(&self, name: &str) -> Option<String> {
            fs::read_to_string(self.base.path().join(name)).ok()
        }

        fn step(&self, path: &str, before: Option<&str>, after: Option<&str>) -> EditStep {
            let digest = |text: Option<&str>| text.and_then(|text| digest_of(text.as_bytes()));
            let path: ConfigPath = path.parse().unwrap();
            EditStep {
                directory: self.base.path().to_owned(),
                made: self.directory.to_be_made(&path).unwrap(),
                path,
                before: digest(before),
                after: digest(after),
            }
        }
    }

    /// Every state that a crash, or a hand in the very last moment, can leave: the file, the one that
    /// comes, the one that is kept.
    #[test]
    fn a_file_is_put_back_from_every_state() {
        let (b, a, x) = (Some("before\n"), Some("after\n"), Some("by hand\n"));
        type Text<'a> = Option<&'a str>;
        type Case<'a> = (Text<'a>, Text<'a>, [Text<'a>; 3], Text<'a>);
        let cases: &[Case<'_>] = &[
            // Replaced.
            (b, a, [b, None, None], b),
            (b, a, [b, Some("aft"), None], b),
            (b, a, [b, a, None], b),
            (b, a, [a, b, None], b),
            (b, a, [a, x, None], x),
            (b, a, [a, None, b], b),
            (b, a, [x, None, b], x),
            (b, a, [x, a, None], x),
            // Made.
            (None, a, [None, Some("aft"), None], None),
            (None, a, [None, a, None], None),
            (None, a, [a, None, None], None),
            (None, a, [x, None, None], x),
            // Removed.
            (b, None, [b, None, None], b),
            (b, None, [None, None, b], b),
            (b, None, [x, None, b], x),
        ];
        for (before, after, state, expected) in cases {
            let tree = Tree::new();
            let step = tree.step("uts/nodename", *before, *after);
            let names = ["uts/nodename", "uts/.nodename.~new~", "uts/.nodename.~old~"];
            for (name, text) in names.iter().zip(state) {
                tree.write(name, *text);
            }
            for _ in 0..2 {
                tree.directory.restore(&step).unwrap();
                assert_eq!(tree.read("uts/nodename").as_deref(), *expected, "{state:?}");
                assert_eq!((tree.read(names[1]), tree.read(names[2])), (None, None), "{state:?}");
            }
        }
    }

    #[test]
    fn directories_that_were_made_go_and_others_stay() {
        let tree = Tree::new();
        let step = tree.step("apps/init/mark", None, Some("default\n"));
        assert_eq!(step.made.as_deref(), Some("apps"));
        tree.directory.apply(&step, Some("default\n")).unwrap();
        assert_eq!(tree.read("apps/init/mark").as_deref(), Some("default\n"));
        tree.directory.restore(&step).unwrap();
        assert!(!tree.base.path().join("apps").exists() && tree.base.path().join("uts").exists());
    }

    #[test]
    fn what_came_between_is_refused_and_stays() {
        let tree = Tree::new();
        for (before, now, after) in [
            (Some("a"), Some("x"), Some("b")),
            (Some("a"), Some("x"), None),
            (Some("a"), None, Some("b")),
            (None, Some("x"), Some("b")),
        ] {
            tree.write("name", now);
            let step = tree.step("name", before, after);
            let refused = tree.directory.apply(&step, after);
            assert!(matches!(refused, Err(Refused::Changed)), "{refused:?}");
            assert_eq!(tree.read("name").as_deref(), now);
            assert_eq!((tree.read(".name.~new~"), tree.read(".name.~old~")), (None, None));
        }
    }
}
