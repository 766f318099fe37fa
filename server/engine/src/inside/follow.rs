//! A guest's console as it grows: the kernel says when there is more (inotify), boot after boot.
//!
//! What is read is told whole line by whole line, with the beginning of the line that is being printed, each byte
//! once. Nobody is kept waiting by it: the command line follows in its own process, and whoever looks at a page is
//! told by a thread of their own, of which there are [`MAX_LISTENERS`] at most.

use std::fs::{self, DirBuilder, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use domain::failure::{Failure, chain};
use domain::guest_log::{BootId, ConsolePiece, ConsolePlace, printable};
use domain::id::VServerName;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use rustix::event::{PollFd, PollFlags, poll};
use sys::seqpacket;
use sys::wait::timespec;

use super::logs::boots;
use crate::engine::Instance;
use crate::guest::MAX_CONSOLE_LOG_BYTES;

/// How much is read at once, in bytes: a line that is longer is told in pieces. Each byte may be three when it is
/// told, and twice as much must fit into a packet.
const MAX_PIECE_BYTES: usize = 8 * 1024;

/// How many pages are told at once.
const MAX_LISTENERS: usize = 64;

/// How long a page is told nothing after a piece, so that what is printed letter by letter comes in few pieces.
const PACE: Duration = Duration::from_millis(100);

static LISTENERS: AtomicUsize = AtomicUsize::new(0);

/// One of the pages that may be told at once.
struct Listener;

impl Listener {
    fn begin() -> Result<Self, Failure> {
        let begun = LISTENERS.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |listeners| {
            (listeners < MAX_LISTENERS).then_some(listeners + 1)
        });
        begun.map(|_| Self).map_err(|_| Failure::QueueFull { limit: MAX_LISTENERS })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        LISTENERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Tells each piece from a place on, or from now on; ends when `hear` says that nobody listens any more, and when the
/// VServer, which `is_up` speaks of, has been up and is not any more.
///
/// # Errors
/// When its directory cannot be watched: it was never started.
pub(crate) fn follow_console(
    instance: &Instance,
    name: &VServerName,
    from: Option<ConsolePlace>,
    operations: &Path,
    is_up: &dyn Fn() -> Result<bool, Failure>,
    hear: &mut dyn FnMut(ConsolePiece) -> bool,
) -> Result<(), Failure> {
    let (inotify, mut tail) = begin(instance, name, from)?;
    // Whether it is up follows from the records of what runs, which a stop takes away, and from operations.
    let come_and_go = AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_MOVED_FROM;
    let roots = &instance.settings.roots;
    for (directory, mode) in
        [(&*roots.run_base, 0o755), (&roots.states(), 0o700), (operations, 0o700)]
    {
        DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(directory)
            .map_err(|error| Failure::Unexpected { detail: chain(&error) })?;
        inotify.add_watch(directory, come_and_go).map_err(failed)?;
    }
    let mut was_up = false;
    loop {
        // Looked at first: what was printed before it ended is told.
        let is_up = is_up()?;
        while let Some(piece) = tail.next() {
            if !hear(piece) {
                return Ok(());
            }
        }
        if was_up && !is_up {
            return Ok(());
        }
        was_up |= is_up;
        match inotify.read_events() {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
}

/// Gives a socket over which each piece comes as a packet, until either end closes it.
///
/// # Errors
/// When too many follow, or it was never started.
pub(crate) fn console_socket(
    instance: &Instance,
    name: &VServerName,
    from: Option<ConsolePlace>,
) -> Result<OwnedFd, Failure> {
    let unexpected = |error: std::io::Error| Failure::Unexpected { detail: chain(&error) };
    let listener = Listener::begin()?;
    let (inotify, tail) = begin(instance, name, from)?;
    let (ours, theirs) = seqpacket::pair().map_err(unexpected)?;
    thread::Builder::new()
        .name("console".to_owned())
        .spawn(move || {
            let _listener = listener;
            tell(&inotify, tail, &ours);
        })
        .map_err(unexpected)?;
    Ok(theirs)
}

/// Tells a page what is printed, until it is gone.
fn tell(inotify: &Inotify, mut tail: Tail, socket: &OwnedFd) {
    let is_gone = |more: Option<&Inotify>, patience: Option<Duration>| {
        let mut polled = vec![PollFd::new(socket, PollFlags::RDHUP)];
        let as_fd = more.map(AsFd::as_fd);
        polled.extend(as_fd.map(|more| PollFd::from_borrowed_fd(more, PollFlags::IN)));
        match poll(&mut polled, patience.map(timespec).as_ref()) {
            Ok(_) => polled.first().is_some_and(|socket| !socket.revents().is_empty()),
            Err(errno) => errno != rustix::io::Errno::INTR,
        }
    };
    loop {
        while let Some(piece) = tail.next() {
            let Ok(packet) = protocol::encode(&piece) else { return };
            if seqpacket::send(socket, &packet, &[]).is_err() || is_gone(None, Some(PACE)) {
                return;
            }
        }
        if is_gone(Some(inotify), None) {
            return;
        }
        match inotify.read_events() {
            Ok(_) | Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(_) => return,
        }
    }
}

/// Begins to watch, so that nothing is missed from here on.
fn begin(
    instance: &Instance,
    name: &VServerName,
    from: Option<ConsolePlace>,
) -> Result<(Inotify, Tail), Failure> {
    let directory = instance.settings.roots.consoles_of(name);
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC).map_err(failed)?;
    let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
    match inotify.add_watch(&directory, flags) {
        Ok(_) => {}
        Err(Errno::ENOENT) => return Err(Failure::NotRunning { name: name.clone() }),
        Err(errno) => return Err(failed(errno)),
    }
    Ok((inotify, Tail::new(directory, from)))
}

fn failed(errno: Errno) -> Failure {
    Failure::Unexpected { detail: chain(&errno) }
}

/// How far somebody has read.
struct Tail {
    directory: PathBuf,
    boot: Option<BootId>,
    /// What is kept of that boot. Where its older half went it is another file by now, and this one is read to its end.
    file: Option<File>,
    /// Up to which byte of the file.
    offset: u64,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
}

impl Tail {
    /// From a place on; without one from now on.
    fn new(directory: PathBuf, from: Option<ConsolePlace>) -> Self {
        let now = || boots(&directory).first().map(|last| (last.id, last.bytes));
        let (boot, offset) = match from.map(|from| (from.boot, from.byte)).or_else(now) {
            Some((boot, offset)) => (Some(boot), offset),
            None => (None, 0),
        };
        Self { directory, boot, file: None, offset, begun: Vec::new() }
    }

    /// What is there by now.
    fn next(&mut self) -> Option<ConsolePiece> {
        loop {
            if let Some(boot) = self.boot
                && self.read(boot)
            {
                return Some(self.piece(boot));
            }
            let next = boots(&self.directory).into_iter().map(|boot| boot.id);
            let next = next.filter(|id| self.boot.is_none_or(|boot| *id > boot)).min()?;
            let last = self.boot.replace(next).filter(|_| !self.begun.is_empty());
            // A line without an end has it now.
            let piece = last.map(|boot| {
                self.begun.push(b'\n');
                self.piece(boot)
            });
            (self.file, self.offset) = (None, 0);
            if piece.is_some() {
                return piece;
            }
        }
    }

    /// Reads what is there; whether there was anything.
    fn read(&mut self, boot: BootId) -> bool {
        let path = self.directory.join(format!("{boot}.log"));
        loop {
            if self.file.is_none() {
                self.file = File::open(&path).ok();
            }
            let Some(file) = &self.file else { return false };
            let mut bytes = [0; MAX_PIECE_BYTES];
            let length = file.read_at(&mut bytes, self.offset).unwrap_or(0);
            if length > 0 {
                self.begun.extend(bytes.get(..length).unwrap_or_default());
                self.offset += length as u64;
                return true;
            }
            let (Ok(read), Ok(there)) = (file.metadata(), fs::metadata(&path)) else {
                return false;
            };
            // A place may be of a file that was longer.
            self.offset = self.offset.min(read.len());
            if read.ino() == there.ino() {
                return false;
            }
            // All of the old one was read; its younger half is what the new one begins with.
            self.offset = read.len().min(MAX_CONSOLE_LOG_BYTES / 2);
            self.file = None;
        }
    }

    /// Takes the lines that are whole.
    fn piece(&mut self, boot: BootId) -> ConsolePiece {
        let whole = match self.begun.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if self.begun.len() >= MAX_PIECE_BYTES => self.begun.len(),
            None => 0,
        };
        let rest = self.begun.split_off(whole);
        let mut lines = printable(&self.begun);
        if !lines.is_empty() && !lines.ends_with('\n') {
            lines.push('\n');
        }
        self.begun = rest;
        let byte = self.offset.saturating_sub(self.begun.len() as u64);
        ConsolePiece { end: ConsolePlace { boot, byte }, lines, begun: printable(&self.begun) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;
    use domain::time::UnixMillis;

    /// A directory of consoles and who reads there.
    struct Consoles(tempfile::TempDir);

    impl Consoles {
        fn path(&self, boot: i64) -> PathBuf {
            self.0.path().join(format!("{boot}.log"))
        }

        fn print(&self, boot: i64, text: &str) {
            let mut file =
                OpenOptions::new().append(true).create(true).open(self.path(boot)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn tail(&self, from: Option<ConsolePlace>) -> Tail {
            Tail::new(self.0.path().to_owned(), from)
        }
    }

    fn place(boot: i64, byte: u64) -> ConsolePlace {
        ConsolePlace { boot: BootId(UnixMillis(boot)), byte }
    }

    #[test]
    fn lines_are_told_once_boot_after_boot() {
        let consoles = Consoles(tempfile::tempdir().unwrap());
        consoles.print(1, "before\n");
        let mut tail = consoles.tail(None);
        assert_eq!(tail.next(), None);
        let mut step = |boot, text: &str| {
            consoles.print(boot, text);
            let piece = tail.next().unwrap();
            let told = (piece.end, piece.lines, piece.begun);
            (told, tail.next().map(|piece| (piece.end, piece.lines, piece.begun)))
        };
        let told = |end, lines: &str, begun: &str| (end, lines.to_owned(), begun.to_owned());
        assert_eq!(step(1, "one\ntw"), (told(place(1, 11), "one\n", "tw"), None));
        assert_eq!(step(1, "o\u{1b}[1m"), (told(place(1, 11), "", "two"), None));
        assert_eq!(step(1, "\n\u{1b}[0mthree"), (told(place(1, 19), "two\n", "three"), None));
        // What the end of a boot began is a line; then comes the next boot.
        let next = told(place(2, 5), "four\n", "");
        assert_eq!(step(2, "four\n"), (told(place(1, 28), "three\n", ""), Some(next)));
        // From a place on, also in an earlier boot.
        let mut tail = consoles.tail(Some(place(1, 11)));
        let all: Vec<_> = std::iter::from_fn(|| tail.next()).map(|piece| piece.lines).collect();
        assert_eq!(all.concat(), "two\nthree\nfour\n");
    }

    #[test]
    fn nothing_is_told_twice_or_left_out_when_the_older_half_goes() {
        let consoles = Consoles(tempfile::tempdir().unwrap());
        let mut log = crate::guest::ConsoleLog::open(&consoles.path(1));
        let mut tail = consoles.tail(None);
        let (mut printed, mut told) = (String::new(), String::new());
        for number in 0..40_000 {
            let line = format!("line {number} with something to fill it, so that there is more\n");
            log.append(line.as_bytes());
            printed.push_str(&line);
            // Not every line at once, and not at the same place of a file.
            if number % 97 == 0 {
                told.extend(std::iter::from_fn(|| tail.next()).map(|piece| piece.lines));
            }
        }
        assert!(log.is_cut());
        told.extend(std::iter::from_fn(|| tail.next()).map(|piece| piece.lines));
        assert!(told == printed, "{} of {} bytes", told.len(), printed.len());
        // A place of a file that was longer is its end.
        let mut tail = consoles.tail(Some(place(1, u64::MAX)));
        assert_eq!(tail.next(), None);
        log.append(b"more\n");
        assert_eq!(tail.next().unwrap().lines, "more\n");
    }

    #[test]
    fn a_line_without_end_is_told_in_pieces_that_fit() {
        let consoles = Consoles(tempfile::tempdir().unwrap());
        consoles.print(1, "");
        let mut tail = consoles.tail(None);
        fs::write(consoles.path(1), vec![0xff; 5 * MAX_PIECE_BYTES + 1]).unwrap();
        let pieces: Vec<_> = std::iter::from_fn(|| tail.next()).collect();
        assert_eq!(pieces.len(), 6);
        for piece in pieces {
            assert!(protocol::encode(&piece).unwrap().len() < protocol::MAX_FRAME_BYTES);
        }
    }
}
