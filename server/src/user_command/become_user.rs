//! Becoming the user to whom the database's directory belongs.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User, geteuid, setgroups, setresgid, setresuid};

/// Why the database's user could not be become.
#[derive(Debug, thiserror::Error)]
pub(super) enum BecomeError {
    #[error("looking up the user {user}")]
    LookUp {
        user: String,
        #[source]
        source: nix::Error,
    },
    #[error("there is no {what} yet; `ulysse serve` makes it when it starts: start it first")]
    NotMade { what: String },
    #[error("finding {path}")]
    Directory {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("becoming the user {user}")]
    Become {
        user: String,
        #[source]
        source: nix::Error,
    },
    #[error("{path} belongs to another user; run this as root, once `ulysse serve` has started")]
    NotOwner { path: PathBuf },
}

/// Makes sure that this process runs as the owner of `directory`: as root it becomes `user`, for
/// good and in no group but theirs. The kernel then also keeps other processes of that user from
/// reading this one's memory, where a password will be.
pub(super) fn become_owner(user: &str, directory: &Path) -> Result<(), BecomeError> {
    if geteuid().is_root() {
        let found = User::from_name(user)
            .map_err(|source| BecomeError::LookUp { user: user.to_owned(), source })?
            .ok_or_else(|| BecomeError::NotMade { what: format!("user {user}") })?;
        setgroups(&[])
            .and_then(|()| setresgid(found.gid, found.gid, found.gid))
            .and_then(|()| setresuid(found.uid, found.uid, found.uid))
            .map_err(|source| BecomeError::Become { user: user.to_owned(), source })?;
    }
    check_owner(directory, geteuid())
}

fn check_owner(directory: &Path, user: Uid) -> Result<(), BecomeError> {
    match fs::metadata(directory) {
        Ok(found) if found.uid() == user.as_raw() => Ok(()),
        Ok(_) => Err(BecomeError::NotOwner { path: directory.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(BecomeError::NotMade { what: format!("directory {}", directory.display()) })
        }
        Err(source) => Err(BecomeError::Directory { path: directory.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_must_be_there_and_ones_own() {
        let directory = tempfile::tempdir().unwrap();
        check_owner(directory.path(), geteuid()).unwrap();
        let other = Uid::from_raw(geteuid().as_raw() + 1);
        let refused = check_owner(directory.path(), other).unwrap_err();
        assert!(matches!(refused, BecomeError::NotOwner { .. }), "{refused:?}");
        let refused = check_owner(&directory.path().join("none"), geteuid()).unwrap_err();
        assert!(matches!(refused, BecomeError::NotMade { .. }), "{refused:?}");
    }
}
