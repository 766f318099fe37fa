//! What would make a copy, or a VServer restored beside its original, the same machine as its source, to all who meet it over the network: its ssh
//! host keys. They go, and the VServer's own `ssh-keygen` makes others, in a [`stage`](super::stage): it
//! is a program of a stranger's.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use domain::failure::Failure;
use domain::id::ContextId;
use domain::note::Note;
use domain::operation::Stage;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, ResolveFlags, open, openat2, unlinkat};
use rustix::io::Errno;

use super::BuildError;
use super::running;
use super::stage::{StagePlan, TARGET};
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::roots::{IDS_PER_VSERVER, first_host_id};
use crate::unification;

/// Other files that are to be unlike the source's, and are made anew when they are missing.
const SECRETS: [(&str, &str); 2] =
    [("var/lib/dbus", "machine-id"), ("var/lib/systemd", "random-seed")];

/// Removes the keys of a copy and has others made.
///
/// # Errors
/// When they cannot be removed, or it is cancelled.
pub(crate) fn renew(
    instance: &Instance,
    work: &mut Work<'_>,
    context: ContextId,
    root: &Path,
) -> Result<(), Stopped> {
    let failed = |source| BuildError::Configure { path: root.to_owned(), source };
    if !forget(root).map_err(failed)? {
        return Ok(());
    }
    work.progress(Stage::MakingHostKeys, 905);
    // The stage shows layers by itself, with its ids.
    unification::hide(root).map_err(Failure::from)?;
    let command = ["/usr/sbin/chroot", TARGET, "/usr/bin/ssh-keygen", "-A"];
    let plan = StagePlan {
        directory: root.to_owned(),
        first_host_id: first_host_id(context),
        host_ids: IDS_PER_VSERVER,
        command: command.map(str::to_owned).to_vec(),
        environment: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        writes_target_only: true,
        ..StagePlan::default()
    };
    let status = running::run(instance, work, &plan, Work::log)?;
    if !status.success() {
        work.note(&Note::NoHostKeys);
    }
    Ok(())
}

/// Removes what makes a machine itself; whether there were ssh host keys.
fn forget(root: &Path) -> io::Result<bool> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open(root, flags, Mode::empty())?;
    for (directory, name) in SECRETS {
        if let Some(directory) = beneath(&root, directory)? {
            gone(unlinkat(&directory, name, AtFlags::empty()))?;
        }
    }
    let Some(ssh) = beneath(&root, "etc/ssh")? else { return Ok(false) };
    let mut found = false;
    for entry in Dir::read_from(ssh.as_fd())? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name.starts_with(b"ssh_host_")
            && (name.ends_with(b"_key") || name.ends_with(b"_key.pub"))
        {
            gone(unlinkat(&ssh, entry.file_name(), AtFlags::empty()))?;
            found = true;
        }
    }
    Ok(found)
}

/// A directory of the tree; none when it is not there, or a link is on the way to it.
fn beneath(root: &OwnedFd, path: &str) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    match openat2(root, path, flags, Mode::empty(), resolve) {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn gone(result: rustix::io::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_keys_go_and_nothing_else_does() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        let ssh = root.join("etc/ssh");
        assert!(fs::create_dir_all(&ssh).is_ok());
        assert!(!forget(&root).unwrap());
        for name in ["ssh_host_rsa_key", "ssh_host_rsa_key.pub", "sshd_config", "moduli"] {
            fs::write(ssh.join(name), "x").unwrap();
        }
        fs::create_dir_all(root.join("var/lib")).unwrap();
        fs::write(base.path().join("machine-id"), "the host's").unwrap();
        symlink(base.path(), root.join("var/lib/dbus")).unwrap();
        assert!(forget(&root).unwrap());
        assert!(!forget(&root).unwrap());
        let mut left: Vec<_> =
            fs::read_dir(&ssh).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["moduli", "sshd_config"]);
        assert!(base.path().join("machine-id").exists(), "no link is followed");
    }
}
