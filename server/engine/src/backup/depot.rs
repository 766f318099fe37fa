//! Where backups are: `TARGET/VSERVER/ID.tar.zst`, and `.partial-OPERATION` while one is written.
//!
//! An archive gets its name by one rename, after it was read back: what has a name was whole. What a
//! crash left partial is named after its operation and goes with the next look at it. Directories are
//! root's alone: an archive holds every secret of its VServer.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::backup::BackupId;
use domain::id::{OperationId, VServerName};
use nix::libc;
use rustix::fs::{Advice, RenameFlags, fadvise, renameat_with};
use serde::{Deserialize, Serialize};

use super::container::{TRAILER_BYTES, Trailer};
use super::ssh::Remote;
use crate::roots::Target;

/// What the name of an archive ends in.
const SUFFIX: &str = ".tar.zst";
/// What the name of one begins with that is not whole.
const PARTIAL: &str = ".partial-";

/// An archive, whole or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which<'a> {
    /// One that has its name.
    Whole(BackupId),
    /// The one that an operation is writing.
    Partial(&'a OperationId),
}

/// One archive in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) vserver: VServerName,
    pub(super) id: BackupId,
    pub(super) bytes: u64,
}

/// The place of a target.
pub(super) enum Depot {
    /// A directory of this host.
    Directory(Shelves),
    /// Another host.
    Remote(Remote),
}

/// An archive that is read, from some byte on.
pub(super) struct Stream {
    /// What a reader takes as its standard input.
    pub(super) input: Stdio,
    /// Whoever brings it; ends with this.
    pub(super) _bringer: Option<super::ssh::Bringer>,
}

/// An archive that is written.
pub(super) enum Writing {
    /// Here.
    File(File),
    /// There.
    Remote(super::ssh::Sending),
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Remote(sending) => sending.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Remote(sending) => sending.flush(),
        }
    }
}

impl Writing {
    /// Sees to it that all of it is on disk.
    pub(super) fn close(self) -> io::Result<()> {
        match self {
            Self::File(file) => {
                file.sync_all()?;
                // It is to be read back from the disk, not from memory.
                Ok(fadvise(&file, 0, None, Advice::DontNeed)?)
            }
            Self::Remote(sending) => sending.close(),
        }
    }
}

impl Depot {
    /// The place of a target of the settings.
    pub(super) fn of(target: &Target) -> Self {
        match target {
            Target::Directory { path } => Self::Directory(Shelves { path: path.clone() }),
            Target::Ssh(ssh) => Self::Remote(Remote::new(ssh.clone())),
        }
    }

    /// All archives, or those of one VServer; by VServer, the newest first.
    pub(super) fn list(&self, vserver: Option<&VServerName>) -> io::Result<Vec<Kept>> {
        match self {
            Self::Directory(shelves) => shelves.list(vserver),
            Self::Remote(remote) => remote.list(vserver),
        }
    }

    /// Begins an archive.
    pub(super) fn begin(&self, vserver: &VServerName, by: &OperationId) -> io::Result<Writing> {
        match self {
            Self::Directory(shelves) => shelves.begin(vserver, by).map(Writing::File),
            Self::Remote(remote) => remote.begin(vserver, by).map(Writing::Remote),
        }
    }

    /// Gives an archive its name.
    pub(super) fn keep(
        &self,
        vserver: &VServerName,
        by: &OperationId,
        id: BackupId,
    ) -> io::Result<()> {
        match self {
            Self::Directory(shelves) => shelves.keep(vserver, by, id),
            Self::Remote(remote) => remote.keep(vserver, by, id),
        }
    }

    /// The trailer of an archive and its length.
    pub(super) fn trailer(
        &self,
        vserver: &VServerName,
        which: Which<'_>,
    ) -> io::Result<(Option<Trailer>, u64)> {
        let (tail, length) = match self {
            Self::Directory(shelves) => shelves.tail(vserver, which)?,
            Self::Remote(remote) => remote.tail(vserver, which)?,
        };
        Ok((Trailer::parse(&tail, length), length))
    }

    /// An archive from a byte on.
    pub(super) fn open(
        &self,
        vserver: &VServerName,
        which: Which<'_>,
        from: u64,
    ) -> io::Result<Stream> {
        match self {
            Self::Directory(shelves) => {
                let mut file = shelves.open(vserver, which)?;
                file.seek(SeekFrom::Start(from))?;
                Ok(Stream { input: file.into(), _bringer: None })
            }
            Self::Remote(remote) => remote.open(vserver, which, from),
        }
    }

    /// Removes what operations left partial, but for those that go on.
    pub(super) fn sweep(&self, vserver: &VServerName, going: &[OperationId]) -> io::Result<()> {
        match self {
            Self::Directory(shelves) => shelves.sweep(vserver, going),
            Self::Remote(remote) => remote.sweep(vserver, going),
        }
    }

    /// Removes an archive; one that is not there is no error.
    pub(super) fn remove(&self, vserver: &VServerName, which: Which<'_>) -> io::Result<()> {
        match self {
            Self::Directory(shelves) => shelves.remove(vserver, which),
            Self::Remote(remote) => remote.remove(vserver, which),
        }
    }
}

/// A directory with a directory for each VServer.
pub(super) struct Shelves {
    pub(super) path: PathBuf,
}

impl Shelves {
    fn shelf(&self, vserver: &VServerName) -> PathBuf {
        self.path.join(vserver.as_str())
    }

    fn place(&self, vserver: &VServerName, which: Which<'_>) -> PathBuf {
        self.shelf(vserver).join(match which {
            Which::Whole(id) => format!("{id}{SUFFIX}"),
            Which::Partial(by) => format!("{PARTIAL}{by}"),
        })
    }

    pub(super) fn list(&self, vserver: Option<&VServerName>) -> io::Result<Vec<Kept>> {
        let names: Vec<VServerName> = match vserver {
            Some(name) => vec![name.clone()],
            None => {
                let entries = entries(&self.path)?.into_iter();
                entries.filter_map(|name| name.to_str()?.parse().ok()).collect()
            }
        };
        let mut kept = Vec::new();
        for vserver in names {
            let shelf = self.shelf(&vserver);
            for name in entries(&shelf)? {
                let id = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)?.parse().ok());
                let Some(id) = id else { continue };
                let found = fs::symlink_metadata(shelf.join(&name)).ok();
                if let Some(found) = found.filter(fs::Metadata::is_file) {
                    kept.push(Kept { vserver: vserver.clone(), id, bytes: found.len() });
                }
            }
        }
        kept.sort_by(|a, b| a.vserver.cmp(&b.vserver).then(b.id.cmp(&a.id)));
        Ok(kept)
    }

    pub(super) fn begin(&self, vserver: &VServerName, by: &OperationId) -> io::Result<File> {
        let shelf = self.shelf(vserver);
        DirBuilder::new().recursive(true).mode(0o700).create(&shelf)?;
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(self.place(vserver, Which::Partial(by)))
    }

    pub(super) fn keep(
        &self,
        vserver: &VServerName,
        by: &OperationId,
        id: BackupId,
    ) -> io::Result<()> {
        let (from, to) =
            (self.place(vserver, Which::Partial(by)), self.place(vserver, Which::Whole(id)));
        renameat_with(rustix::fs::CWD, &from, rustix::fs::CWD, &to, RenameFlags::NOREPLACE)
            .or_else(|errno| match errno {
                // Network filesystems rename, but cannot promise not to replace.
                rustix::io::Errno::INVAL if fs::symlink_metadata(&to).is_err() => {
                    rustix::fs::rename(&from, &to)
                }
                other => Err(other),
            })?;
        File::open(self.shelf(vserver))?.sync_all()
    }

    pub(super) fn open(&self, vserver: &VServerName, which: Which<'_>) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NOFOLLOW)
            .open(self.place(vserver, which))
    }

    pub(super) fn tail(
        &self,
        vserver: &VServerName,
        which: Which<'_>,
    ) -> io::Result<(Vec<u8>, u64)> {
        let mut file = self.open(vserver, which)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TRAILER_BYTES)))?;
        let mut tail = Vec::new();
        file.take(TRAILER_BYTES).read_to_end(&mut tail)?;
        Ok((tail, length))
    }

    pub(super) fn sweep(&self, vserver: &VServerName, going: &[OperationId]) -> io::Result<()> {
        for name in entries(&self.shelf(vserver))? {
            let by = name.to_str().and_then(|name| name.strip_prefix(PARTIAL)?.parse().ok());
            if let Some(by) = by.filter(|by| !going.contains(by)) {
                self.remove(vserver, Which::Partial(&by))?;
            }
        }
        Ok(())
    }

    pub(super) fn remove(&self, vserver: &VServerName, which: Which<'_>) -> io::Result<()> {
        match fs::remove_file(self.place(vserver, which)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The last one takes the empty directory along; any other leaves it.
        let _ = fs::remove_dir(self.shelf(vserver));
        Ok(())
    }
}

/// Names in a directory; none when it is not there.
fn entries(path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
