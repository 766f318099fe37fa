//! An archive on its way into a file of ours: copied from a file of the host's, or received over an
//! upload's socket ([`protocol::upload`]).
//!
//! Invariants:
//! - The end of the socket without the last packet is no end: half an archive is never taken for one.
//! - No more bytes are taken than the settings allow, nor the last room of the filesystem.
//!
//! Not here: what is in the archive, of which nothing is looked at.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::operation::Stage;
use nix::libc;
use protocol::upload::{self, ToEngine};
use rustix::event::{PollFd, PollFlags, poll};
use sha2::{Digest, Sha256};
use sys::seqpacket;
use sys::wait::timespec;

use super::{Caps, share};
use crate::disk_full::is_disk_full;
use crate::operation::{Stopped, Work};
use crate::roots::Limits;

/// How long somebody who uploads may say nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How much is copied at once, and after how much free space is looked at.
const COPY_BYTES: usize = 256 << 10;
const LOOK_BYTES: u64 = 32 << 20;

/// Why an archive did not come.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// What somebody gave could not be read.
    #[error("reading the archive that was given")]
    Source(#[source] io::Error),
    /// The filesystem could not be looked at.
    #[error("looking at the filesystem of {path}")]
    Look {
        /// Of which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file could not be written.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<ReceiveError> for Failure {
    fn from(error: ReceiveError) -> Self {
        match &error {
            ReceiveError::Write { path, source } if is_disk_full(source) => {
                Self::DiskFull { path: path.display().to_string() }
            }
            _ => Self::Unexpected { detail: domain::failure::chain(&error) },
        }
    }
}

/// Where an archive comes from.
#[derive(Debug)]
pub enum Source {
    /// A file of the host's, opened by somebody at its command line.
    File(File),
    /// The engine's end of an upload's socket.
    Upload(OwnedFd),
}

/// Opens a file of the host's that somebody at its command line named; none when it is no plain file.
#[must_use]
pub fn open_file(path: &Path) -> Option<File> {
    OpenOptions::new()
        .read(true)
        // Neither a pipe nor a device is waited for.
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)
        .ok()
        .filter(|file| file.metadata().is_ok_and(|found| found.is_file()))
}

/// An archive that came, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Writes all that comes to a new file. `expected` is how much the sender says it is, for the progress,
/// which goes between these two parts of a thousand.
///
/// # Errors
/// When it is cancelled, ends early, is too large, or cannot be written. What was written stays.
pub(crate) fn receive(
    work: &mut Work<'_>,
    limits: &Limits,
    source: Source,
    expected: Option<u64>,
    path: &Path,
    (from, to): (u16, u16),
) -> Result<Received, Stopped> {
    let total = match (&source, expected) {
        (Source::File(file), _) => file.metadata().map_err(ReceiveError::Source)?.len(),
        (Source::Upload(_), bytes) => bytes.unwrap_or(0),
    };
    let write_failed = |source| ReceiveError::Write { path: path.to_owned(), source };
    let look_failed = |source| ReceiveError::Look { path: path.to_owned(), source };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(write_failed)?;
    let keep_free = Caps::within(limits, path).map_err(look_failed)?.keep_free_bytes;
    let mut coming = Coming::new(source);
    let mut digest = Sha256::new();
    let (mut bytes, mut looked_at) = (0_u64, 0_u64);
    loop {
        work.go_on()?;
        let part = match coming.next(bytes)? {
            Came::Nothing => continue,
            Came::Part(part) => part,
            Came::End => break,
        };
        bytes = bytes.saturating_add(part.len() as u64);
        if bytes > limits.template_bytes {
            let mut errors = FieldErrors::default();
            let problem = Problem::OutOfRange { min: 1, max: limits.template_bytes };
            errors.push(Field::Archive, problem);
            return Err(Failure::Invalid { errors }.into());
        }
        if bytes - looked_at >= LOOK_BYTES || looked_at == 0 {
            looked_at = bytes;
            let free = rustix::fs::fstatvfs(&file).map_err(|e| look_failed(e.into()))?;
            if free.f_bavail.saturating_mul(free.f_frsize) < keep_free {
                return Err(Failure::DiskFull { path: path.display().to_string() }.into());
            }
        }
        digest.update(part);
        file.write_all(part).map_err(write_failed)?;
        work.progress(Stage::ReceivingArchive, share(bytes, total, from, to));
    }
    file.sync_all().map_err(write_failed)?;
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Received { bytes, sha256 })
}

/// What comes of an archive.
struct Coming {
    source: Source,
    buffer: Vec<u8>,
    heard_at: Instant,
}

enum Came<'a> {
    Nothing,
    Part(&'a [u8]),
    End,
}

impl Coming {
    fn new(source: Source) -> Self {
        let size = match source {
            Source::File(_) => COPY_BYTES,
            Source::Upload(_) => upload::MAX_PACKET_BYTES,
        };
        Self { source, buffer: vec![0; size], heard_at: Instant::now() }
    }

    /// The next part, waiting a moment for it; `bytes` have come.
    fn next(&mut self, bytes: u64) -> Result<Came<'_>, Stopped> {
        let broken = || Stopped::from(Failure::UploadBroken { bytes });
        match &mut self.source {
            Source::File(file) => {
                let read = file.read(&mut self.buffer).map_err(ReceiveError::Source)?;
                Ok(match self.buffer.get(..read) {
                    None | Some([]) => Came::End,
                    Some(part) => Came::Part(part),
                })
            }
            Source::Upload(socket) => {
                let mut polled = [PollFd::new(&*socket, PollFlags::IN)];
                match poll(&mut polled, Some(&timespec(LOOK_EVERY))) {
                    Ok(0) | Err(rustix::io::Errno::INTR) if self.heard_at.elapsed() < SILENCE => {
                        return Ok(Came::Nothing);
                    }
                    Ok(ready) if ready > 0 => {}
                    _ => return Err(broken()),
                }
                self.heard_at = Instant::now();
                let received =
                    seqpacket::receive(&*socket, &mut self.buffer).map_err(|_| broken())?;
                match ToEngine::parse(self.buffer.get(..received.bytes).unwrap_or_default()) {
                    Some(ToEngine::Part(part)) => Ok(Came::Part(part)),
                    Some(ToEngine::End) => Ok(Came::End),
                    // The end of the socket is an empty packet.
                    None => Err(broken()),
                }
            }
        }
    }
}
