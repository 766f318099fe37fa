//! Small text files and links that an operation changes, and can change back.
//!
//! A file is named by a directory of ours and a path below it, and reached by descriptor, never over a
//! link: what is below may be a guest's. It is replaced by a rename, so whoever reads sees the old text
//! or the new one; owner and mode stay. Changing back is for after a crash: a file that somebody has
//! edited since keeps what they wrote.
//!
//! Not here: which files are changed (`identity`), and whether they may be (`recovery`).

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, ResolveFlags, Stat, Uid, fchmod, fchown, fstat, fsync,
    open, openat, openat2, readlinkat, renameat, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// The most bytes of a file that is rewritten.
const MAX_BYTES: u64 = 256 * 1024;

/// A file or link: a directory of ours, and a path below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePlace {
    /// The directory.
    pub base: PathBuf,
    /// The path below it.
    pub path: String,
}

impl FilePlace {
    /// The file at `path` below `base`.
    #[must_use]
    pub fn new(base: &Path, path: &str) -> Self {
        Self { base: base.to_owned(), path: path.to_owned() }
    }

    /// Where it is, for people.
    #[must_use]
    pub fn shown(&self) -> PathBuf {
        self.base.join(&self.path)
    }

    /// The directory it is in, and its name there; none when there is no such directory.
    fn parent(&self) -> io::Result<Option<(OwnedFd, String)>> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let (below, name) = self.path.rsplit_once('/').unwrap_or((".", &self.path));
        if matches!(name, "" | "." | "..") {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let base = match open(&self.base, flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            other => other?,
        };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        match openat2(&base, below, flags, Mode::empty(), resolve) {
            // A link in the way leads elsewhere: nothing of it is ours.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            other => Ok(Some((other?, name.to_owned()))),
        }
    }

    /// The text of the file; none when there is none.
    ///
    /// # Errors
    /// When it is no regular file, not UTF-8, or too large.
    pub fn read(&self) -> io::Result<Option<String>> {
        let Some((parent, name)) = self.parent()? else { return Ok(None) };
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(&parent, &name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            other => other?,
        };
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("not a regular file"));
        }
        let mut text = String::new();
        File::from(file).take(MAX_BYTES + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(Some(text))
    }

    /// Gives the file this text, or removes it.
    ///
    /// # Errors
    /// When its directory is not there, or it cannot be written.
    pub fn write(&self, text: Option<&str>) -> io::Result<()> {
        let Some((parent, name)) = self.parent()? else {
            return if text.is_none() { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) };
        };
        match text {
            None => gone(unlinkat(&parent, &name, AtFlags::empty()))?,
            Some(text) => replace(&parent, &name, text)?,
        }
        sync(&parent)
    }

    /// Gives the file its old text back, where it has the new one. Of a file that somebody has edited
    /// since, only the lines that are still ours are changed back.
    ///
    /// # Errors
    /// As [`FilePlace::read`] and [`FilePlace::write`].
    pub fn change_back(&self, before: Option<&str>, after: Option<&str>) -> io::Result<()> {
        if self.parent()?.is_none() {
            return Ok(());
        }
        let now = self.read()?;
        if now.as_deref() == before {
            return Ok(());
        }
        if now.as_deref() == after {
            return self.write(before);
        }
        if let (Some(now), Some(before), Some(after)) = (now, before, after) {
            let reverted = lines_back(&now, before, after);
            if reverted != now {
                return self.write(Some(&reverted));
            }
        }
        Ok(())
    }

    /// The target of the link; none when there is none, or something else.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn link(&self) -> io::Result<Option<String>> {
        let Some((parent, name)) = self.parent()? else { return Ok(None) };
        match readlinkat(&parent, &name, Vec::new()) {
            Ok(target) => Ok(target.into_string().ok()),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Gives the link another target.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn relink(&self, target: &str) -> io::Result<()> {
        let Some((parent, name)) = self.parent()? else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let new = new_name(&name);
        gone(unlinkat(&parent, &new, AtFlags::empty()))?;
        symlinkat(target, &parent, &new)?;
        renameat(&parent, &new, &parent, &name)?;
        sync(&parent)
    }

    /// Gives the link its old target back, if it has the new one.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn link_back(&self, before: &str, after: &str) -> io::Result<()> {
        if self.link()?.as_deref() == Some(after) { self.relink(before) } else { Ok(()) }
    }
}

/// What a file is called while it is written.
fn new_name(name: &str) -> String {
    format!(".{name}.ulysse-new")
}

fn replace(parent: &OwnedFd, name: &str, text: &str) -> io::Result<()> {
    let old = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => Some(stat),
        Ok(_) => return Err(io::Error::other("not a regular file")),
        Err(Errno::NOENT) => None,
        Err(errno) => return Err(errno.into()),
    };
    let new = new_name(name);
    gone(unlinkat(parent, &new, AtFlags::empty()))?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(parent, &new, flags, Mode::from_raw_mode(0o600))?;
    let written = own(&file, old.as_ref())
        .and_then(|()| File::from(file).write_all(text.as_bytes()))
        .and_then(|()| {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            fsync(openat(parent, &new, flags, Mode::empty())?)?;
            Ok(renameat(parent, &new, parent, name)?)
        });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = unlinkat(parent, &new, AtFlags::empty());
    }
    written
}

/// Owner and mode as the old file's; root's and readable where there is none.
fn own(file: &OwnedFd, old: Option<&Stat>) -> io::Result<()> {
    if let Some(old) = old {
        fchown(file, Some(Uid::from_raw(old.st_uid)), Some(Gid::from_raw(old.st_gid)))?;
    }
    let mode = old.map_or(0o644, |old| old.st_mode & 0o7777);
    Ok(fchmod(file, Mode::from_raw_mode(mode))?)
}

fn sync(parent: &OwnedFd) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(fsync(openat(parent, ".", flags, Mode::empty())?)?)
}

fn gone(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Err(Errno::NOENT) | Ok(()) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// A text with every line that was changed from `before` to `after` changed back.
fn lines_back(now: &str, before: &str, after: &str) -> String {
    let (old, new) = (before.split_inclusive('\n'), after.split_inclusive('\n'));
    if old.clone().count() != new.clone().count() {
        return now.to_owned();
    }
    let changed: Vec<(&str, &str)> = old.zip(new).filter(|(old, new)| old != new).collect();
    let back = |line: &str| -> String {
        let found = changed.iter().find(|(_, new)| *new == line);
        found.map_or(line, |(old, _)| old).to_owned()
    };
    now.split_inclusive('\n').map(back).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_file_is_rewritten_and_changed_back_with_its_mode() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join("uts")).unwrap();
        let file = FilePlace::new(base.path(), "uts/nodename");
        assert_eq!(file.read().unwrap(), None);
        file.write(Some("nono\n")).unwrap();
        fs::set_permissions(file.shown(), fs::Permissions::from_mode(0o640)).unwrap();
        file.write(Some("ulyse\n")).unwrap();
        assert_eq!(fs::metadata(file.shown()).unwrap().permissions().mode() & 0o777, 0o640);
        for _ in 0..2 {
            file.change_back(Some("nono\n"), Some("ulyse\n")).unwrap();
            assert_eq!(file.read().unwrap().unwrap(), "nono\n");
        }
        file.change_back(None, Some("nono\n")).unwrap();
        file.change_back(None, Some("nono\n")).unwrap();
        assert_eq!(file.read().unwrap(), None);
        let nowhere = FilePlace::new(base.path(), "none/x");
        assert_eq!(nowhere.read().unwrap(), None);
        assert!(nowhere.write(Some("x")).is_err());
        nowhere.change_back(Some("x"), Some("y")).unwrap();
    }

    #[test]
    fn what_somebody_wrote_meanwhile_stays() {
        let base = tempfile::tempdir().unwrap();
        let file = FilePlace::new(base.path(), "fstab");
        let (before, after) = ("a /old x\nb /b x\n", "a /new x\nb /b x\n");
        file.write(Some("# mine\na /new x\nb /b x\nc /c x\n")).unwrap();
        file.change_back(Some(before), Some(after)).unwrap();
        assert_eq!(file.read().unwrap().unwrap(), "# mine\na /old x\nb /b x\nc /c x\n");
        file.write(Some("another\n")).unwrap();
        file.change_back(Some("old\n"), Some("new\n")).unwrap();
        assert_eq!(file.read().unwrap().unwrap(), "another\n");
    }

    #[test]
    fn no_link_is_followed() {
        let base = tempfile::tempdir().unwrap();
        let outside = base.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        let root = base.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        symlink(&outside, root.join("etc/hostname")).unwrap();
        symlink(base.path(), root.join("away")).unwrap();
        let file = FilePlace::new(&root, "etc/hostname");
        assert!(file.read().is_err() && file.write(Some("theirs")).is_err());
        let file = FilePlace::new(&root, "away/outside");
        assert_eq!(file.read().unwrap(), None);
        assert!(file.write(Some("theirs")).is_err());
        let file = FilePlace::new(&root, "../outside");
        assert!(file.read().is_err());
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
    }

    #[test]
    fn a_link_gets_another_target_and_its_old_one_back() {
        let base = tempfile::tempdir().unwrap();
        symlink("/somewhere/nono", base.path().join("run")).unwrap();
        let link = FilePlace::new(base.path(), "run");
        assert_eq!(link.link().unwrap().as_deref(), Some("/somewhere/nono"));
        link.relink("/somewhere/ulyse").unwrap();
        assert_eq!(link.link().unwrap().as_deref(), Some("/somewhere/ulyse"));
        link.link_back("/somewhere/nono", "/somewhere/ulyse").unwrap();
        link.link_back("/somewhere/nono", "/somewhere/ulyse").unwrap();
        assert_eq!(link.link().unwrap().as_deref(), Some("/somewhere/nono"));
    }
}
