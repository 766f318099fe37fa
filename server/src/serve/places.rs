//! What must be there before anything runs: the web process's user, and its directory.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use engine::roots::Settings;
use nix::unistd::User;

use super::ServeError;

/// Makes what is missing.
pub(super) fn make(settings: &Settings) -> Result<(), ServeError> {
    let name = &settings.web.user;
    let failed = |source| ServeError::MakeUser { user: name.clone(), source };
    let found = |name: &str| User::from_name(name).map_err(io::Error::from);
    let user = match found(name).map_err(failed)? {
        Some(user) => user,
        None => {
            make_user(name).map_err(failed)?;
            found(name).map_err(failed)?.ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?
        }
    };
    let path = &settings.roots.database_base;
    private_directory(path, user.uid.as_raw(), user.gid.as_raw())
        .map_err(|source| ServeError::MakePlace { path: path.clone(), source })
}

/// A system user that can neither log in nor owns anything but its directory.
fn make_user(name: &str) -> io::Result<()> {
    let status = Command::new("/usr/sbin/useradd")
        .args(["--system", "--user-group", "--no-create-home"])
        .args(["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", "--"])
        .arg(name)
        .stdin(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("useradd: {status}"))) }
}

fn private_directory(path: &Path, user: u32, group: u32) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // The parent is root's: nobody else can have put a link there.
    if !fs::symlink_metadata(path)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    chown(path, Some(user), Some(group))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}
