//! A guest's console: a terminal of the guest's own devpts, whose other end the supervisor reads into
//! a log.
//!
//! What a guest writes there is hostile: it is kept as bytes, never interpreted. Each boot has a log of its own,
//! named by the time its start began; the last [`BOOTS`] are kept. A log is at most [`MAX_LOG_BYTES`] long: then its
//! older half goes. More than [`MAX_BYTES_PER_SECOND`] is not read, so that the guest has to wait and not the host.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::libc;
use rustix::fs::{Mode, OFlags};
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::mounts::{At, attach_new_file};
use super::plan::{StartFailure, Step};

/// How long a console log gets before its older half goes.
pub(crate) const MAX_LOG_BYTES: u64 = 1024 * 1024;

/// How many boots' logs are kept.
const BOOTS: usize = 5;

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
        // Nobody looks at it while it is written to: what cuts its lines to fit, as systemd does, has room.
        let size = Winsize { ws_row: 50, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size)?;
        // The first terminal of a new devpts.
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let node = open_tree(pts, "0", flags)?;
        attach_new_file(dev, "console", &node)?;
        Ok((master, slave))
    };
    make().at(Step::Console, "/dev/console")
}

/// The log a console is read into.
pub(crate) struct ConsoleLog {
    path: PathBuf,
    file: Option<File>,
    length_bytes: u64,
    /// Whether something of this boot is gone already.
    is_cut: bool,
    second_began: Instant,
    read_this_second: usize,
}

impl ConsoleLog {
    /// Opens the log; without one, what the guest writes is read and lost.
    pub(crate) fn open(path: &Path) -> Self {
        let file = open(path).ok();
        let length_bytes =
            file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |data| data.len());
        Self {
            path: path.to_owned(),
            file,
            length_bytes,
            is_cut: false,
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
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        if self.length_bytes >= MAX_LOG_BYTES {
            self.is_cut = true;
            let kept = drop_older_half(&self.path);
            self.file = kept.and_then(|()| open(&self.path)).ok();
            self.length_bytes = self
                .file
                .as_ref()
                .and_then(|file| file.metadata().ok())
                .map_or(0, |data| data.len());
        }
        if let Some(file) = &mut self.file {
            let _ = file.write_all(bytes);
        }
        self.length_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    }

    /// Whether something of this boot is gone because there was too much of it.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }
}

/// Writes the younger half of a log anew, and puts that in its place.
fn drop_older_half(path: &Path) -> io::Result<()> {
    let mut name = path.to_owned().into_os_string();
    name.push(".new");
    let new = PathBuf::from(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut from = File::open(path)?;
    from.seek(SeekFrom::Start(from.metadata()?.len().saturating_sub(MAX_LOG_BYTES / 2)))?;
    io::copy(&mut from, &mut open(&new)?)?;
    fs::rename(&new, path)
}

/// Removes the logs of boots long ago, so that there is room for one more.
pub(super) fn forget_old_boots(directory: &Path) -> io::Result<()> {
    let mut names: Vec<_> = fs::read_dir(directory)?.flatten().map(|one| one.file_name()).collect();
    // Their numbers have one length, and will have for 260 years.
    names.sort();
    let surplus = (names.len() + 1).saturating_sub(BOOTS);
    for name in names.into_iter().take(surplus) {
        fs::remove_file(directory.join(name))?;
    }
    Ok(())
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
    fn a_long_log_keeps_its_younger_half() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.log");
        let mut log = ConsoleLog::open(&path);
        log.append(b"the first line\n");
        assert!(!log.is_cut());
        let line = vec![b'x'; 64 * 1024];
        for _ in 0..40 {
            log.append(&line);
            assert!(fs::metadata(&path).unwrap().len() <= MAX_LOG_BYTES + 64 * 1024);
        }
        log.append(b"the last line\n");
        assert!(log.is_cut());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("xthe last line\n") && !text.contains("first"));
        assert!(text.len() >= 512 * 1024);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_last_boots_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        for boot in 1..=9 {
            forget_old_boots(directory.path()).unwrap();
            fs::write(directory.path().join(format!("{boot}.log")), "").unwrap();
        }
        let mut left: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|one| one.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["5.log", "6.log", "7.log", "8.log", "9.log"]);
    }
}
