//! An empty root: the directories that every VServer has, and nothing in them. Somebody else brings the
//! files.

use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, mkdirat, open, openat2};
use rustix::io::Errno;

/// The directories and their modes (fact sheet 2.2): mount points, and what the commands of the host
/// write into.
const DIRECTORIES: [(&str, u32); 10] = [
    ("dev", 0o755),
    ("etc", 0o755),
    ("mnt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("usr", 0o755),
    ("var", 0o755),
];

/// Makes those that are missing. What is there stays as it is, whatever it is.
///
/// # Errors
/// When one cannot be made.
pub(super) fn fill(root: &Path) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let root = open(root, flags, Mode::empty())?;
    for (name, mode) in DIRECTORIES {
        match mkdirat(&root, name, Mode::from_raw_mode(mode)) {
            Ok(()) => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
                let made = openat2(&root, name, flags, Mode::empty(), resolve)?;
                // Whatever the umask (fact sheet B29).
                rustix::fs::fchmod(&made, Mode::from_raw_mode(mode))?;
            }
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn what_is_missing_is_made_and_what_is_there_stays() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        fs::create_dir(&root).unwrap();
        symlink("/", root.join("usr")).unwrap();
        fs::write(root.join("var"), "mine").unwrap();
        fill(&root).unwrap();
        fill(&root).unwrap();
        let mode =
            |name: &str| fs::metadata(root.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("tmp"), mode("proc"), mode("dev")), (0o1777, 0o555, 0o755));
        assert_eq!(fs::read_to_string(root.join("var")).unwrap(), "mine");
    }
}
