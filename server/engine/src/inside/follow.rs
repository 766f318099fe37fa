//! A guest's console as it grows, for the command line: the kernel says when there is more (inotify), boot after
//! boot.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use domain::failure::{Failure, chain};
use domain::guest_log::{BootId, printable};
use domain::id::VServerName;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::logs::boots;
use crate::engine::Instance;

/// How much is read at once, in bytes: a line that is longer is told in pieces.
const MAX_PIECE_BYTES: u64 = 64 * 1024;

/// Tells each line that is printed from now on; ends when `hear` says that nobody listens any more.
///
/// # Errors
/// When its directory cannot be watched: it was never started.
pub(crate) fn follow_console(
    instance: &Instance,
    name: &VServerName,
    hear: &mut dyn FnMut(&str) -> bool,
) -> Result<(), Failure> {
    let directory = instance.settings.roots.consoles_of(name);
    let failed = |errno: Errno| Failure::Unexpected { detail: chain(&errno) };
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC).map_err(failed)?;
    let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
    match inotify.add_watch(&directory, flags) {
        Ok(_) => {}
        Err(Errno::ENOENT) => return Err(Failure::NotRunning { name: name.clone() }),
        Err(errno) => return Err(failed(errno)),
    }
    let newest = || boots(&directory).first().map(|boot| (boot.id, boot.bytes));
    let mut tail = Tail::default();
    (tail.boot, tail.offset) = newest().map_or((None, 0), |(id, bytes)| (Some(id), bytes));
    loop {
        while let Some((boot, bytes)) = newest() {
            tail.turn_to(boot, bytes);
            if tail.offset >= bytes || !tail.read(&directory) {
                break;
            }
            if !tail.tell(hear) {
                return Ok(());
            }
        }
        match inotify.read_events() {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
}

/// How far somebody has read.
#[derive(Default)]
struct Tail {
    boot: Option<BootId>,
    offset: u64,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
}

impl Tail {
    /// Goes on in this boot, from its beginning when it is another one; where its older half went, from
    /// its end.
    fn turn_to(&mut self, boot: BootId, bytes: u64) {
        if self.boot != Some(boot) {
            *self = Self { boot: Some(boot), ..Self::default() };
        }
        self.offset = self.offset.min(bytes);
    }

    /// Reads what is there; whether there was anything.
    fn read(&mut self, directory: &Path) -> bool {
        let Some(boot) = self.boot else { return false };
        let Ok(mut file) = File::open(directory.join(format!("{boot}.log"))) else { return false };
        let read = file
            .seek(SeekFrom::Start(self.offset))
            .and_then(|_| file.take(MAX_PIECE_BYTES).read_to_end(&mut self.begun));
        let length = read.unwrap_or(0) as u64;
        self.offset += length;
        length > 0
    }

    /// Tells the lines that are whole.
    fn tell(&mut self, hear: &mut dyn FnMut(&str) -> bool) -> bool {
        let is_long = self.begun.len() as u64 >= MAX_PIECE_BYTES;
        let whole = match self.begun.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if is_long => self.begun.len(),
            None => return true,
        };
        let rest = self.begun.split_off(whole);
        let lines = std::mem::replace(&mut self.begun, rest);
        printable(&lines).lines().all(hear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::UnixMillis;

    #[test]
    fn whole_lines_are_told_boot_after_boot() {
        let base = tempfile::tempdir().unwrap();
        let mut tail = Tail::default();
        let mut told = Vec::new();
        let mut step = |tail: &mut Tail, boot: i64, text: &str| {
            let boot = BootId(UnixMillis(boot));
            std::fs::write(base.path().join(format!("{boot}.log")), text).unwrap();
            tail.turn_to(boot, text.len() as u64);
            if tail.read(base.path()) {
                tail.tell(&mut |line| {
                    told.push(line.to_owned());
                    true
                });
            }
        };
        step(&mut tail, 1, "one\ntw");
        step(&mut tail, 1, "one\ntwo\n");
        step(&mut tail, 1, "one\ntwo\n");
        // Its older half went.
        step(&mut tail, 1, "two\n");
        step(&mut tail, 1, "two\nthree\n");
        step(&mut tail, 2, "four\n");
        assert_eq!(told, ["one", "two", "three", "four"]);
    }
}
