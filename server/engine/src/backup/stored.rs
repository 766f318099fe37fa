//! A backup that is there: its manifest, its files, and both compared.

use std::io::{self, Read};
use std::path::Path;

use domain::backup::BackupRef;
use domain::failure::{Failure, chain};
use domain::id::{TargetName, VServerName};
use rustix::pipe::fcntl_setpipe_size;

use super::contents::{self, Compared, ContentsError, Receiver};
use super::depot::{Depot, Stream, Which};
use super::manifest::{Checked, MAX_BYTES, ManifestError};
use super::pack::Going;
use super::reader::{Reading, Wanted};
use crate::disk_full::is_disk_full;
use crate::engine::Instance;

/// How much a reader may be ahead of whoever takes its files.
const PIPE_BYTES: usize = 1024 * 1024;

/// Why a backup was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoredError {
    /// Where it is cannot be reached.
    #[error("reading from the target")]
    Target(#[source] io::Error),
    /// It has no end: it was never whole, or something was cut off.
    #[error("the archive is not whole")]
    NotWhole,
    /// The process that takes it apart could not be started.
    #[error("starting the process that reads archives")]
    Start(#[source] io::Error),
    /// That process could make nothing of it.
    #[error("the archive cannot be read: {said}")]
    Unreadable {
        /// What it said.
        said: String,
    },
    /// The manifest is none.
    #[error("checking the manifest")]
    Manifest(#[from] ManifestError),
    /// The manifest is of another backup.
    #[error("the manifest is that of {vserver}")]
    OtherBackup {
        /// Of which VServer.
        vserver: VServerName,
    },
    /// The files are not those of the manifest.
    #[error("comparing the files with the manifest")]
    Contents(#[from] ContentsError),
}

impl StoredError {
    /// As what is told.
    pub(super) fn into_failure(self, backup: &BackupRef) -> Failure {
        let target = &backup.target;
        match self {
            Self::Target(error) if error.kind() == io::ErrorKind::NotFound => {
                Failure::NoSuchBackup { backup: backup.clone() }
            }
            Self::Target(error) => unreachable_target(target, &error),
            Self::Contents(ContentsError::Cancelled) => Failure::Cancelled,
            Self::Contents(ContentsError::Write { path, source }) if is_disk_full(&source) => {
                Failure::DiskFull { path }
            }
            error @ (Self::Contents(ContentsError::Write { .. }) | Self::Start(_)) => {
                Failure::Unexpected { detail: chain(&error) }
            }
            error => Failure::BackupDamaged { backup: backup.clone(), detail: chain(&error) },
        }
    }
}

/// What is told when a target does not do what it should.
pub(super) fn unreachable_target(target: &TargetName, error: &io::Error) -> Failure {
    if is_disk_full(error) {
        // As backups are called that are kept there.
        return Failure::DiskFull { path: format!("{target}:") };
    }
    Failure::TargetUnreachable { target: target.clone(), detail: error.to_string() }
}

/// An archive at a target.
pub(super) struct Stored<'a> {
    pub(super) instance: &'a Instance,
    pub(super) depot: &'a Depot,
    pub(super) vserver: &'a VServerName,
    pub(super) which: Which<'a>,
}

impl Stored<'_> {
    fn executable(&self) -> &Path {
        &self.instance.executable
    }

    fn open(&self, from: u64) -> Result<Stream, StoredError> {
        self.depot.open(self.vserver, self.which, from).map_err(StoredError::Target)
    }

    /// Its manifest, and how many bytes it has.
    pub(super) fn manifest(&self) -> Result<(Checked, u64), StoredError> {
        let (trailer, length) =
            self.depot.trailer(self.vserver, self.which).map_err(StoredError::Target)?;
        let trailer = trailer.ok_or(StoredError::NotWhole)?;
        let stream = self.open(trailer.manifest_at)?;
        let mut reading = Reading::start(self.executable(), stream.input, Wanted::Manifest)
            .map_err(StoredError::Start)?;
        let mut text = Vec::new();
        let read = reading.output().and_then(|out| out.take(MAX_BYTES + 1).read_to_end(&mut text));
        read.map_err(StoredError::Start)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(ManifestError::TooLong.into());
        }
        reading.end().map_err(|said| StoredError::Unreadable { said })?;
        let manifest = Checked::parse(&text)?;
        let is_this = match self.which {
            Which::Whole(id) => manifest.taken_at == id.at(),
            Which::Partial(_) => true,
        };
        if manifest.vserver != *self.vserver || !is_this {
            return Err(StoredError::OtherBackup { vserver: manifest.vserver.clone() });
        }
        Ok((manifest, length))
    }

    /// Moves its files to a receiver, compared with its manifest.
    pub(super) fn receive(
        &self,
        manifest: &Checked,
        to: &mut dyn Receiver,
        going: &mut Going<'_>,
    ) -> Result<(), StoredError> {
        let stream = self.open(0)?;
        let mut reading = Reading::start(self.executable(), stream.input, Wanted::Files)
            .map_err(StoredError::Start)?;
        let output = reading.output().map_err(StoredError::Start)?;
        // So that one side decompresses while the other writes; a pipe that stays small is slower only.
        let _ = fcntl_setpipe_size(&output, PIPE_BYTES);
        let output = io::BufReader::with_capacity(128 * 1024, output);
        match contents::receive(manifest, output, to, going) {
            Ok(()) if to.has_enough() => Ok(()),
            Ok(()) => reading.end().map_err(|said| StoredError::Unreadable { said }),
            // Why it ended early is known by who read it.
            Err(error @ ContentsError::Short { .. }) => match reading.end() {
                Err(said) => Err(StoredError::Unreadable { said }),
                Ok(()) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Reads all of it and compares.
    pub(super) fn compare(
        &self,
        manifest: &Checked,
        going: &mut Going<'_>,
    ) -> Result<(), StoredError> {
        self.receive(manifest, &mut Compared, going)
    }
}
