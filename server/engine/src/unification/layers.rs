//! Where the layers of a unified VServer are.
//!
//! ```text
//! <base>/.references/ID/root    the reference
//! <base>/NAME/upper, work       what NAME has changed, and overlayfs' own
//! <base>/NAME                   where both are shown as one tree
//! ```
//!
//! That a directory is one of these is written into an extended attribute that no guest can set and no
//! copy carries, so that it goes wherever the directory goes, and nothing that is found in a VServer's
//! files can claim it. What is mounted says the same of itself, because it hides the directory.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use domain::id::OperationId;
use rustix::fs::{
    AtFlags, CWD, StatxAttributes, StatxFlags, XattrFlags, lgetxattr, llistxattr, lremovexattr,
    lsetxattr, statx,
};
use rustix::io::Errno;

use crate::tree;

/// The attribute that names the reference of a directory's layers.
const MARK: &str = "trusted.ulysse.reference";
/// Where references are, beside the VServers that stand on them.
pub(super) const STORE: &str = ".references";
/// What is mounted begins with this in the mount table, then comes the reference, then the first id if
/// there are others than on disk.
const SOURCE: &str = "ulysse:";
/// The most bytes of one attribute, and of the list of their names.
const MAX_XATTR: usize = 64 * 1024;

/// The layers of a VServer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layers {
    root: PathBuf,
    reference: OperationId,
}

/// How layers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Not at all.
    Not,
    /// With the ids on disk.
    Plain,
    /// With a VServer's.
    Mapped,
}

impl Layers {
    /// Those of a directory, and how they are shown; none when it is no unified VServer's.
    pub(super) fn of(root: &Path) -> io::Result<Option<(Self, Shown)>> {
        let found = |reference, shown| {
            let layers = Self { root: root.to_owned(), reference };
            Some((layers, shown))
        };
        let mut value = [0; 64];
        match lgetxattr(root, MARK, &mut value[..]) {
            Ok(length) => {
                let text = std::str::from_utf8(value.get(..length).unwrap_or_default());
                let reference = text.ok().and_then(|text| text.parse().ok());
                let reference = reference.ok_or(io::ErrorKind::InvalidData)?;
                return Ok(found(reference, Shown::Not));
            }
            // Not every filesystem has such attributes.
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOENT | Errno::NOTDIR) => {}
            Err(errno) => return Err(errno.into()),
        }
        if !is_mount(root)? {
            return Ok(None);
        }
        Ok(mounted_as(root)?.and_then(|(reference, shown)| found(reference, shown)))
    }

    /// Those that a directory is about to have.
    pub(super) fn new(root: &Path, reference: OperationId) -> Self {
        Self { root: root.to_owned(), reference }
    }

    /// Where they are shown.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Which reference it stands on.
    pub(super) fn reference(&self) -> &OperationId {
        &self.reference
    }

    /// The tree that is shared.
    pub(super) fn lower(&self) -> PathBuf {
        tree_of(&place_of(&self.root, &self.reference))
    }

    /// What is its own.
    pub(super) fn upper(&self) -> PathBuf {
        self.root.join("upper")
    }

    /// What overlayfs needs besides.
    pub(super) fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    /// How they call themselves in the mount table.
    pub(super) fn source(&self, first_id: Option<u32>) -> String {
        let ids = first_id.map(|first| format!(":{first}")).unwrap_or_default();
        format!("{SOURCE}{}{ids}", self.reference)
    }

    /// Makes the VServer's own layer, empty, with the directory that holds it when it is missing. `like`
    /// is what its top is to look like.
    pub(super) fn lay(&self, like: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        for path in [self.work(), self.upper()] {
            DirBuilder::new().mode(0o700).create(path)?;
        }
        dress(like, &self.upper())?;
        let text = self.reference.to_string();
        Ok(lsetxattr(&self.root, MARK, text.as_bytes(), XattrFlags::empty())?)
    }
}

/// Makes a directory one without layers, whatever is in it.
pub(super) fn unmark(root: &Path) -> io::Result<()> {
    match lremovexattr(root, MARK) {
        Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// The place of a reference, beside a VServer that stands on it.
pub(super) fn place_of(root: &Path, reference: &OperationId) -> PathBuf {
    let base = root.parent().unwrap_or(Path::new("/"));
    // What is in the recycle bin goes on standing on what it stood on.
    let is_binned = base.file_name() == Some(".bin".as_ref());
    let base = base.parent().filter(|_| is_binned).unwrap_or(base);
    base.join(STORE).join(reference.as_str())
}

/// The files of a reference.
pub(super) fn tree_of(place: &Path) -> PathBuf {
    place.join("root")
}

/// Gives a directory owner, mode and attributes of another.
fn dress(like: &Path, path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(like)?;
    std::os::unix::fs::lchown(path, Some(found.uid()), Some(found.gid()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(found.mode() & 0o7777))?;
    let mut list = vec![0; MAX_XATTR];
    let length = match llistxattr(like, list.as_mut_slice()) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => 0,
        Err(errno) => return Err(errno.into()),
    };
    let names = list.get(..length).unwrap_or_default().split(|byte| *byte == 0);
    let text = names.filter_map(|name| std::str::from_utf8(name).ok());
    // What is trusted is this host's word about one directory, not about its likeness.
    for name in text.filter(|name| !name.is_empty() && !name.starts_with("trusted.")) {
        let mut value = vec![0; MAX_XATTR];
        let length = lgetxattr(like, name, value.as_mut_slice())?;
        lsetxattr(path, name, value.get(..length).unwrap_or_default(), XattrFlags::empty())?;
    }
    let times = rustix::fs::statat(CWD, like, AtFlags::SYMLINK_NOFOLLOW)?;
    let moment = |seconds, nanoseconds| rustix::fs::Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
    };
    let times = rustix::fs::Timestamps {
        last_access: moment(times.st_atime, times.st_atime_nsec),
        last_modification: moment(times.st_mtime, times.st_mtime_nsec),
    };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Whether something is mounted at exactly this path.
pub(super) fn is_mount(path: &Path) -> io::Result<bool> {
    match statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()) {
        Ok(found) => Ok(found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// The layers that are mounted at a path; none when it is something else.
fn mounted_as(root: &Path) -> io::Result<Option<(OperationId, Shown)>> {
    let root = fs::canonicalize(root)?;
    // A thread may have mounts of its own.
    let table = fs::read_to_string("/proc/thread-self/mountinfo")?;
    // The last line is what is seen.
    let line = table
        .lines()
        .rfind(|line| line.split(' ').nth(4).is_some_and(|path| tree::unescaped(path) == root));
    let described = line.and_then(|line| line.split_once(" - overlay "));
    let source = described.and_then(|(_, rest)| rest.split(' ').next()?.strip_prefix(SOURCE));
    Ok(source.and_then(|source| {
        let (reference, shown) = match source.split_once(':') {
            Some((reference, _)) => (reference, Shown::Mapped),
            None => (source, Shown::Plain),
        };
        Some((reference.parse().ok()?, shown))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mark_makes_layers_and_no_name_or_attribute_of_a_guests_does() {
        let base = tempfile::tempdir().unwrap();
        let (plain, like) = (base.path().join("plain"), base.path().join("like"));
        for path in [plain.join("upper"), plain.join("work"), like.clone()] {
            fs::create_dir_all(path).unwrap();
        }
        lsetxattr(&plain, "user.ulysse.reference", b"x", XattrFlags::empty()).unwrap();
        assert_eq!(Layers::of(&plain).unwrap(), None);
        assert_eq!(Layers::of(&base.path().join("nowhere")).unwrap(), None);
        fs::set_permissions(&like, fs::Permissions::from_mode(0o1751)).unwrap();
        std::os::unix::fs::chown(&like, Some(33), Some(44)).unwrap();
        lsetxattr(&like, "user.note", b"kept", XattrFlags::empty()).unwrap();
        let reference: OperationId = "01JADQ8Z9XKXQ5Y7D2M3N4P5R6".parse().unwrap();
        let layers = Layers::new(&base.path().join("web"), reference);
        layers.lay(&like).unwrap();
        assert_eq!(Layers::of(layers.root()).unwrap(), Some((layers.clone(), Shown::Not)));
        let top = fs::metadata(layers.upper()).unwrap();
        assert_eq!((top.mode() & 0o7777, top.uid(), top.gid()), (0o1751, 33, 44));
        let mut note = [0; 9];
        assert_eq!(lgetxattr(layers.upper(), "user.note", &mut note[..]), Ok(4));
        // What is copied is what is shown, not what it stands on.
        dress(layers.root(), &plain).unwrap();
        assert_eq!(Layers::of(&plain).unwrap(), None);
        unmark(layers.root()).unwrap();
        unmark(layers.root()).unwrap();
        assert_eq!(Layers::of(layers.root()).unwrap(), None);
    }
}
