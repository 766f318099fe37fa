//! A guest's console: a terminal of the guest's own devpts, whose other end the supervisor reads into
//! a log.
//!
//! What a guest writes there is hostile: it is kept as bytes, never interpreted. The log is at most
//! [`MAX_LOG_BYTES`] long, and the one before it is kept; more than [`MAX_BYTES_PER_SECOND`] is not
//! read, so that the guest has to wait and not the host.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::libc;
use rustix::fs::{Mode, OFlags};
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};

use super::mounts::{At, attach_new_file};
use super::plan::{StartFailure, Step};

/// How long a console log gets before it is put aside.
const MAX_LOG_BYTES: u64 = 1024 * 1024;

/// How much is read in a second.
const MAX_BYTES_PER_SECOND: usize = 256 * 1024;

/// Makes the console in a guest's fresh devpts and shows it at `/dev/console`. Gives the supervisor's
/// end and the guest's.
pub(super) fn make(pts: &OwnedFd, dev: &OwnedFd) -> Result<(OwnedFd, OwnedFd), StartFailure> {
    let make = || -> rustix::io::Result<(OwnedFd, OwnedFd)> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let master = rustix::fs::openat(pts, "ptmx", flags, Mode::empty())?;
        unlockpt(&master)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        // The first terminal of a new devpts.
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let node = open_tree(pts, "0", flags)?;
        attach_new_file(dev, "console", &node)?;
        Ok((master, slave))
    };
    make().at(Step::Console, "/dev/console")
}

/// The log a console is read into.
pub(super) struct ConsoleLog {
    path: PathBuf,
    file: Option<File>,
    length_bytes: u64,
    second_began: Instant,
    read_this_second: usize,
}

impl ConsoleLog {
    /// Opens the log; without one, what the guest writes is read and lost.
    pub(super) fn open(path: &Path) -> Self {
        let file = open(path).ok();
        let length_bytes =
            file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |data| data.len());
        Self {
            path: path.to_owned(),
            file,
            length_bytes,
            second_began: Instant::now(),
            read_this_second: 0,
        }
    }

    /// How long nothing more is to be read; none when reading may go on.
    pub(super) fn pause(&self) -> Option<Duration> {
        if self.read_this_second < MAX_BYTES_PER_SECOND {
            return None;
        }
        Duration::from_secs(1)
            .checked_sub(self.second_began.elapsed())
            .filter(|rest| !rest.is_zero())
    }

    /// Reads once from the console. False when it will give nothing any more.
    pub(super) fn read_from(&mut self, master: &OwnedFd) -> bool {
        if self.second_began.elapsed() >= Duration::from_secs(1) {
            (self.second_began, self.read_this_second) = (Instant::now(), 0);
        }
        let mut buffer = [0; 4096];
        match rustix::io::read(master, &mut buffer) {
            Ok(0) => false,
            Ok(length) => {
                self.read_this_second += length;
                self.append(buffer.get(..length).unwrap_or_default());
                true
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => true,
            Err(_) => false,
        }
    }

    /// Adds to the log. A full disk loses the console's words, not the guest.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if self.length_bytes >= MAX_LOG_BYTES {
            let mut before = self.path.clone().into_os_string();
            before.push(".1");
            self.file = fs::rename(&self.path, before).and_then(|()| open(&self.path)).ok();
            self.length_bytes = 0;
        }
        if let Some(file) = &mut self.file {
            let _ = file.write_all(bytes);
        }
        self.length_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_put_aside_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("console.log");
        let mut log = ConsoleLog::open(&path);
        let line = vec![b'x'; 64 * 1024];
        for _ in 0..40 {
            log.append(&line);
        }
        let length = |name: &str| fs::metadata(directory.path().join(name)).unwrap().len();
        assert!(length("console.log") <= MAX_LOG_BYTES + 64 * 1024);
        assert!(length("console.log.1") <= MAX_LOG_BYTES + 64 * 1024);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }
}
