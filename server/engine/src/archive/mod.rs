//! Archives of strangers: unpacked, and looked into, by a process that can harm nothing.
//!
//! tar, plain or compressed with gzip, bzip2, xz or zstd, recognised by content. What the original took
//! beside it (cpio, dump) is refused with its name: nobody's templates of today are that, and each
//! would be a parser more.
//!
//! - [`role`] is the confined process; [`compression`], [`member`], [`pax`], [`name`], [`place`] and
//!   [`lift`] are what runs in it.
//! - This file is the caller: it starts the process, listens to it ([`report`]), ends it.
//! - [`receive`] is how an archive comes here, before anybody reads it.
//!
//! Invariants:
//! - Nothing of an archive is parsed in this process: it hears reports, and judges them.
//! - An archive that is not taken leaves what was placed of it so far: who calls has the directory in
//!   a journal, and removes it.
//!
//! Not here: choosing the directory, and what makes a VServer of its contents ([`crate::build`]).

mod compression;
mod lift;
mod member;
mod name;
mod pax;
mod place;
mod receive;
mod report;
pub mod role;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domain::failure::Failure;
use domain::note::{MemberNote, Note};
use domain::operation::Stage;
use domain::template::ArchiveProblem;
use nix::libc;
use rustix::event::{PollFd, PollFlags, poll};
use sys::seqpacket::{self, PacketError};
use sys::wait::timespec;

pub(crate) use receive::receive;
pub use receive::{ReceiveError, Received, Source, open_file};
pub use report::{Caps, Entry, EntryKind, Unpacked};

use crate::build::stage::NotRun;
use crate::disk_full::is_disk_full;
use crate::engine::Instance;
use crate::operation::Work;
use crate::roots::{IDS_PER_VSERVER, Limits, OWN_FIRST_HOST_ID};
use report::{MAX_PACKET_BYTES, Plan, Report, Task};

/// How often it is looked whether the archive is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The share of a filesystem that stays free, and the most that this is.
const KEEP_FREE_SHARE: u64 = 20;
const MOST_KEEP_FREE_BYTES: u64 = 1 << 30;

/// Why an archive was not unpacked or listed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is not taken.
    #[error("{problem} ({name})")]
    Refused {
        /// Why.
        problem: ArchiveProblem,
        /// The member it is about, printable; may be empty.
        name: String,
    },
    /// Somebody cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// The process that reads it could not be started or heard.
    #[error("running the process that reads the archive")]
    Run(#[source] io::Error),
    /// It was started, and could not confine itself.
    #[error("confining the process that reads the archive: {}", .0.while_doing)]
    NotRun(NotRun),
    /// It ended without a last word.
    #[error("the process that reads the archive ended without a word")]
    Silent,
    /// The archive could not be read.
    #[error("reading the archive")]
    Read(#[source] io::Error),
    /// A member could not be written.
    #[error("writing {name} in {directory}")]
    Write {
        /// Which, printable.
        name: String,
        /// Below which directory.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<ArchiveError> for Failure {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Refused { problem, name } => {
                Self::ArchiveRefused { problem, name: Some(name).filter(|name| !name.is_empty()) }
            }
            ArchiveError::Cancelled => Self::Cancelled,
            ArchiveError::NotRun(why) => (&why).into(),
            ArchiveError::Write { directory, source, .. } if is_disk_full(&source) => {
                Self::DiskFull { path: directory.display().to_string() }
            }
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// The ids of the VServer whose files are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// The host's id of its root ([`crate::roots::first_host_id`]).
    pub first_host_id: u32,
    /// How many it has.
    pub count: u32,
}

impl Caps {
    /// What may come out of an archive on this filesystem, by the settings.
    ///
    /// # Errors
    /// When the filesystem cannot be looked at.
    pub fn within(limits: &Limits, directory: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(directory)?;
        let all = found.f_blocks.saturating_mul(found.f_frsize);
        Ok(Self {
            bytes: limits.unpacked_bytes,
            entries: limits.unpacked_entries,
            keep_free_bytes: (all / KEEP_FREE_SHARE).min(MOST_KEEP_FREE_BYTES),
        })
    }
}

/// Unpacks an archive into a directory that is there and holds nothing but perhaps `lost+found`; tells
/// `work` how far it is, between these two parts in a thousand, and logs what was done otherwise than
/// the archive says. A root that lies in a directory of the archive is moved up.
///
/// # Errors
/// When it is not taken, is cancelled, or cannot be written. What was placed so far stays.
pub fn unpack(
    instance: &Instance,
    work: &mut Work<'_>,
    source: File,
    root: &Path,
    ids: Ids,
    caps: &Caps,
    span: (u16, u16),
) -> Result<Unpacked, ArchiveError> {
    unpack_by(instance, work, source, &plan(root, ids, caps, true), span)
}

/// As [`unpack`], for an archive of which nobody knows yet what it holds: all of it stays where the
/// archive has it, with owners as they are in it.
///
/// # Errors
/// When it is not taken, is cancelled, or cannot be written. What was placed so far stays.
pub(crate) fn unpack_as_it_lies(
    instance: &Instance,
    work: &mut Work<'_>,
    source: File,
    directory: &Path,
    caps: &Caps,
    span: (u16, u16),
) -> Result<Unpacked, ArchiveError> {
    let ids = Ids { first_host_id: OWN_FIRST_HOST_ID, count: IDS_PER_VSERVER };
    unpack_by(instance, work, source, &plan(directory, ids, caps, false), span)
}

fn plan(directory: &Path, ids: Ids, caps: &Caps, lifts: bool) -> Plan {
    Plan {
        task: Task::Unpack { directory: directory.to_owned(), lifts },
        caps: *caps,
        first_host_id: ids.first_host_id,
        host_ids: ids.count,
    }
}

fn unpack_by(
    instance: &Instance,
    work: &mut Work<'_>,
    source: File,
    plan: &Plan,
    (from, to): (u16, u16),
) -> Result<Unpacked, ArchiveError> {
    let total = source.metadata().map_err(ArchiveError::Read)?.len();
    if let Task::Unpack { directory, .. } = &plan.task {
        // A link would lead the reader elsewhere, and nobody makes one on purpose.
        let is_directory = std::fs::symlink_metadata(directory).map(|found| found.is_dir());
        let not_one = || io::ErrorKind::NotADirectory.into();
        is_directory.and_then(|is| if is { Ok(()) } else { Err(not_one()) }).map_err(|source| {
            ArchiveError::Write { name: ".".to_owned(), directory: directory.clone(), source }
        })?;
    }
    work.progress(Stage::UnpackingArchive, from);
    let mut reader = Reader::start(instance, plan, source)?;
    let unpacked = loop {
        match reader.next(&mut || work.is_cancelled())? {
            Heard::Progress(bytes) => {
                work.progress(Stage::UnpackingArchive, share(bytes, total, from, to));
            }
            Heard::Note(how, name) => work.note(&Note::Member { name, how }),
            Heard::Entry(_) => {}
            Heard::Done(unpacked) => break unpacked,
        }
    };
    for (how, count) in &unpacked.notes {
        if let Some(more) = count.checked_sub(role::NOTES).filter(|more| *more > 0) {
            work.note(&Note::MoreMembers { count: more, how: *how });
        }
    }
    work.progress(Stage::UnpackingArchive, to);
    Ok(unpacked)
}

/// Reads an archive to its end and says what is in it: each member to `each`, when there is one, and
/// how many. `heard` is told how many bytes of the archive have been read.
///
/// # Errors
/// When it is not taken, or `is_cancelled` says so.
pub fn entries(
    instance: &Instance,
    source: File,
    caps: &Caps,
    is_cancelled: &mut dyn FnMut(Option<u64>) -> bool,
    mut each: Option<&mut dyn FnMut(Entry)>,
) -> Result<Unpacked, ArchiveError> {
    let plan = Plan {
        task: Task::List { each: each.is_some() },
        caps: *caps,
        first_host_id: OWN_FIRST_HOST_ID,
        host_ids: 1,
    };
    let mut reader = Reader::start(instance, &plan, source)?;
    loop {
        match reader.next(&mut || is_cancelled(None))? {
            Heard::Progress(bytes) => {
                if is_cancelled(Some(bytes)) {
                    return Err(ArchiveError::Cancelled);
                }
            }
            Heard::Entry(entry) => {
                if let Some(each) = each.as_mut() {
                    each(entry);
                }
            }
            Heard::Note(..) => {}
            Heard::Done(found) => return Ok(found),
        }
    }
}

/// Where `done` of `total` is between two parts in a thousand.
pub(crate) fn share(done: u64, total: u64, from: u16, to: u16) -> u16 {
    let span = u64::from(to.saturating_sub(from));
    let part = span.saturating_mul(done.min(total)).checked_div(total).unwrap_or(0);
    from.saturating_add(u16::try_from(part).unwrap_or(0))
}

/// What a reader said.
enum Heard {
    Progress(u64),
    Note(MemberNote, String),
    Entry(Entry),
    Done(Unpacked),
}

/// A confined process that reads an archive; ends when this does.
struct Reader {
    socket: Option<OwnedFd>,
    child: Child,
    directory: PathBuf,
    buffer: Vec<u8>,
}

impl Reader {
    fn start(instance: &Instance, plan: &Plan, source: File) -> Result<Self, ArchiveError> {
        let (ours, theirs) = seqpacket::pair().map_err(ArchiveError::Run)?;
        let child = Command::new(&instance.executable)
            .arg(role::ROLE)
            // A Ctrl-C is the caller's to hear: it cancels, and what was done is undone in order.
            .process_group(0)
            .current_dir("/")
            .env_clear()
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(ArchiveError::Run)?;
        let directory = match &plan.task {
            Task::Unpack { directory, .. } => directory.clone(),
            Task::List { .. } => PathBuf::new(),
        };
        let reader =
            Self { socket: Some(ours), child, directory, buffer: vec![0; MAX_PACKET_BYTES] };
        let packet = serde_json::to_vec(plan).map_err(|e| ArchiveError::Run(e.into()))?;
        let socket = reader.socket.as_ref().ok_or(ArchiveError::Silent)?;
        seqpacket::send(socket, &packet, &[source.as_fd()])
            .map_err(|error| ArchiveError::Run(io::Error::other(error)))?;
        Ok(reader)
    }

    /// The next thing that it says.
    fn next(&mut self, is_cancelled: &mut dyn FnMut() -> bool) -> Result<Heard, ArchiveError> {
        loop {
            if is_cancelled() {
                return Err(ArchiveError::Cancelled);
            }
            let socket = self.socket.as_ref().ok_or(ArchiveError::Silent)?;
            match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&timespec(LOOK_EVERY))) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(errno) => return Err(ArchiveError::Run(errno.into())),
            }
            let received = match seqpacket::receive(socket, &mut self.buffer) {
                Ok(received) if received.bytes == 0 => return Err(ArchiveError::Silent),
                Ok(received) => received,
                Err(PacketError::Receive(error)) => return Err(ArchiveError::Run(error)),
                Err(_) => return Err(ArchiveError::Silent),
            };
            let packet = self.buffer.get(..received.bytes).unwrap_or_default();
            // What cannot be understood comes from a reader that is not ours any more.
            return self.judge(Report::parse(packet).ok_or(ArchiveError::Silent)?);
        }
    }

    fn judge(&self, report: Report) -> Result<Heard, ArchiveError> {
        Err(match report {
            Report::Read { bytes, .. } => return Ok(Heard::Progress(bytes)),
            Report::Entry(entry) => return Ok(Heard::Entry(entry)),
            Report::Note { note, name } => return Ok(Heard::Note(note, name)),
            Report::Done(unpacked) => return Ok(Heard::Done(unpacked)),
            Report::Refused { problem, name } => ArchiveError::Refused { problem, name },
            Report::Died { signal } => ArchiveError::Refused {
                problem: match signal {
                    // What Rust does when memory is refused.
                    libc::SIGABRT => ArchiveProblem::TooMuchMemory,
                    signal => ArchiveProblem::ReaderDied { signal },
                },
                name: String::new(),
            },
            Report::Unreadable { errno } => ArchiveError::Read(io::Error::from_raw_os_error(errno)),
            Report::Unwritable { errno, name } => ArchiveError::Write {
                name,
                directory: self.directory.clone(),
                source: io::Error::from_raw_os_error(errno),
            },
            Report::NotRun(why) => ArchiveError::NotRun(why),
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // The end of the socket is its word to end; it waits for the one it confined.
        drop(self.socket.take());
        let _ = self.child.wait();
    }
}
