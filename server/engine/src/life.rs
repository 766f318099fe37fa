//! What happened to a guest, kept beside its console logs: one JSON line for each [`LifeRecord`], added by its
//! supervisor, and by whoever stops it or sees to its end.
//!
//! Invariants:
//! - It is bounded: when the file is [`MAX_BYTES`] long it is put aside, in the place of the one before it.
//! - A line is written in one piece to a file that is only added to, so that several may write.
//! - Nothing of a VServer depends on it: what cannot be written is lost, what cannot be read is passed over.
//! - The directory is made by a start and by nothing here: whoever still writes when the VServer is being deleted
//!   leaves nothing behind.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::life::{Life, LifeRecord};
use nix::libc;
use serde::Serialize;

use crate::clock::Clock;

/// How long the file gets before it is put aside.
const MAX_BYTES: u64 = 128 * 1024;

/// The longest line: what a program said last may be in it.
const MAX_LINE_BYTES: usize = 8 * 1024;

/// Adds what happened just now. Nobody is there to hear that it failed.
pub(crate) fn note(path: &Path, clock: &dyn Clock, what: Life) {
    let added = append(path, &LifeRecord { at: clock.now(), what });
    if added.and_then(|file| file.metadata()).is_ok_and(|data| data.len() >= MAX_BYTES) {
        let _ = fs::rename(path, before(path));
    }
}

/// Adds a line to a log; gives the log.
pub(crate) fn append(path: &Path, record: &impl Serialize) -> io::Result<File> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    if line.len() > MAX_LINE_BYTES {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    file.write_all(&line)?;
    Ok(file)
}

/// The last records, the latest first, at most `limit`.
pub(crate) fn read(path: &Path, limit: usize) -> Vec<LifeRecord> {
    let mut records: Vec<LifeRecord> = [before(path), path.to_owned()]
        .iter()
        .filter_map(|path| {
            let mut text = Vec::new();
            // A little longer than the limit: the last line made it so.
            let most = MAX_BYTES.saturating_mul(2);
            File::open(path).ok()?.take(most).read_to_end(&mut text).ok()?;
            Some(text)
        })
        .flat_map(|text| {
            let lines = text.split(|byte| *byte == b'\n');
            lines.filter_map(|line| serde_json::from_slice(line).ok()).collect::<Vec<_>>()
        })
        .collect();
    let mut is_told = false;
    for record in &mut records {
        match record.what {
            Life::Started { .. } => is_told = false,
            Life::StopAsked => is_told = true,
            // What a pid 1 does that is told to end is no wish of somebody inside.
            Life::Rebooted | Life::Halted if is_told => record.what = Life::Ended,
            _ => {}
        }
    }
    records.reverse();
    records.truncate(limit);
    records
}

fn before(path: &Path) -> PathBuf {
    let mut before = path.to_owned().into_os_string();
    before.push(".1");
    before.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::UnixMillis;

    struct At(i64);
    impl Clock for At {
        fn now(&self) -> UnixMillis {
            UnixMillis(self.0)
        }
    }

    #[test]
    fn the_latest_comes_first_and_what_is_no_record_is_passed_over() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("life.log");
        assert_eq!(read(&path, 10), []);
        note(&path, &At(1), Life::Rebooted);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{broken\n\xff\n").unwrap();
        note(&path, &At(2), Life::Exited { status: 3 });
        let record = |at, what| LifeRecord { at: UnixMillis(at), what };
        assert_eq!(
            read(&path, 10),
            [record(2, Life::Exited { status: 3 }), record(1, Life::Rebooted)]
        );
        assert_eq!(read(&path, 1).len(), 1);
    }

    #[test]
    fn whoever_is_told_to_end_was_not_rebooted_from_inside() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("life.log");
        let context = domain::id::ContextId::try_from(200_u32).unwrap();
        let happened = [
            Life::Started { context },
            Life::StopAsked,
            Life::Rebooted,
            Life::Started { context },
            Life::Rebooted,
        ];
        for (at, what) in happened.into_iter().enumerate() {
            note(&path, &At(at.try_into().unwrap()), what);
        }
        let ends: Vec<Life> = read(&path, 10).into_iter().map(|record| record.what).collect();
        assert_eq!((&ends[0], &ends[2]), (&Life::Rebooted, &Life::Ended));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("life.log");
        for at in 0..20_000 {
            note(&path, &At(at), Life::OutOfMemory { count: 1, killed: Vec::new() });
        }
        let files: Vec<_> = fs::read_dir(base.path()).unwrap().flatten().collect();
        assert!(files.len() <= 2);
        for file in files {
            assert!(file.metadata().unwrap().len() < MAX_BYTES + 1024);
        }
        let newest = read(&path, 1).first().cloned().map(|record| record.at);
        assert_eq!(newest, Some(UnixMillis(19_999)));
    }

    #[test]
    fn a_directory_that_is_gone_stays_gone() {
        let base = tempfile::tempdir().unwrap();
        let directory = base.path().join("web");
        note(&directory.join("life.log"), &At(1), Life::Halted);
        assert!(!directory.exists());
    }
}
