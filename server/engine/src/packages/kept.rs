//! What a VServer last answered when it was asked which updates are pending, and what it has where only a program of
//! its own can say that: state of the engine's, so that no page has to ask it again.
//!
//! It is of files, not of a name: another VServer that has the name by now has others. What it says of a
//! package holds for as long as that has the version that it had.

use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use domain::id::VServerName;
use domain::package::{InstalledPackage, PendingCount, PendingUpdate};
use domain::time::UnixMillis;
use rustix::fs::fstat;
use serde::{Deserialize, Serialize};

use super::PackageError;
use super::installed::{Record, Stamp};
use crate::roots::Roots;
use crate::state::replace_file;

/// The most bytes of an answer that are read.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The root directory that it is of.
    root_inode: u64,
    /// When the lists were last fetched from here.
    refreshed_at: Option<UnixMillis>,
    /// When it was asked.
    asked_at: UnixMillis,
    /// What was pending then.
    pub(super) pending: Vec<PendingUpdate>,
    /// What there was, where it had to be asked for that, too.
    #[serde(default)]
    installed: Option<Vec<InstalledPackage>>,
}

impl Kept {
    /// What was just answered. `is_refreshed` says that the lists are new as well.
    pub(super) fn new(
        roots: &Roots,
        name: &VServerName,
        files: &OwnedFd,
        pending: Vec<PendingUpdate>,
        now: UnixMillis,
        is_refreshed: bool,
    ) -> Self {
        let refreshed_at = match is_refreshed {
            true => Some(now),
            false => Self::read(roots, name, files).and_then(|kept| kept.refreshed_at),
        };
        Self { root_inode: inode(files), refreshed_at, asked_at: now, pending, installed: None }
    }

    /// The same, with what there was.
    pub(super) fn with(self, record: &Record) -> Self {
        Self { installed: Some(record.packages.clone()), ..self }
    }

    /// What there was, if it was asked for that.
    pub(super) fn record(&self) -> Option<Record> {
        let packages = self.installed.clone()?;
        Some(Record { packages, is_interrupted: false })
    }

    /// Whether packages were changed since, going by the record as it is now.
    pub(super) fn is_stale(&self, stamp: Stamp) -> bool {
        stamp.changed_at > self.asked_at.0
    }

    /// What was answered for these files, if anything was.
    pub(super) fn read(roots: &Roots, name: &VServerName, files: &OwnedFd) -> Option<Self> {
        let mut text = Vec::new();
        File::open(answer_of(roots, name)).ok()?.take(MAX_BYTES).read_to_end(&mut text).ok()?;
        let kept: Self = serde_json::from_slice(&text).ok()?;
        (kept.root_inode == inode(files)).then_some(kept)
    }

    /// Keeps it. Answers of VServers that are gone go.
    pub(super) fn write(&self, roots: &Roots, name: &VServerName) -> Result<(), PackageError> {
        let path = answer_of(roots, name);
        let failed = |source| PackageError::Keep { path: path.clone(), source };
        let directory = answers_base(roots);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
        let text = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        replace_file(&path, &text, 0o600).map_err(failed)?;
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let of = entry.file_name().to_str().and_then(|name| name.parse::<VServerName>().ok());
            if of.is_some_and(|of| !roots.config_of(&of).is_dir()) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// What is still pending of it, and how much that is.
    pub(super) fn now(&self, stamp: Stamp, record: &Record) -> (PendingCount, Vec<PendingUpdate>) {
        let pending = record.still_pending(&self.pending);
        let security = pending.iter().filter(|update| update.is_security).count();
        let count = PendingCount {
            all: pending.len() as u64,
            security: security as u64,
            refreshed_at: self.refreshed_at,
            asked_at: self.asked_at,
            is_stale: self.is_stale(stamp),
        };
        (count, pending)
    }
}

/// Where answers are kept.
pub(crate) fn answers_base(roots: &Roots) -> PathBuf {
    roots.state_base.join("packages")
}

/// The file of a VServer's answer, which follows its name. No other file is called so: a name begins with a letter or
/// digit, what is being written with a dot.
pub(crate) fn answer_of(roots: &Roots, name: &VServerName) -> PathBuf {
    answers_base(roots).join(name.as_str())
}

fn inode(files: &OwnedFd) -> u64 {
    fstat(files).map_or(0, |found| found.st_ino)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_of_files_and_goes_with_its_vserver() {
        let base = tempfile::tempdir().unwrap();
        let roots = Roots {
            state_base: base.path().join("state"),
            config_base: base.path().join("etc"),
            ..Roots::default()
        };
        let files = |name: &str| {
            let path = base.path().join("lib").join(name);
            fs::create_dir_all(&path).unwrap();
            OwnedFd::from(File::open(path).unwrap())
        };
        let [web, mail] = ["web", "mail"].map(|name| name.parse::<VServerName>().unwrap());
        for name in [&web, &mail] {
            fs::create_dir_all(roots.config_of(name)).unwrap();
        }
        let of = |name: &VServerName, is_refreshed, now| {
            Kept::new(
                &roots,
                name,
                &files(name.as_str()),
                Vec::new(),
                UnixMillis(now),
                is_refreshed,
            )
        };
        of(&web, true, 5).write(&roots, &web).unwrap();
        let later = of(&web, false, 7);
        assert_eq!((later.refreshed_at, later.asked_at), (Some(UnixMillis(5)), UnixMillis(7)));
        assert!(Kept::read(&roots, &web, &files("another")).is_none());
        fs::remove_dir_all(roots.config_of(&web)).unwrap();
        of(&mail, false, 9).write(&roots, &mail).unwrap();
        assert!(Kept::read(&roots, &web, &files("web")).is_none());
        assert_eq!(Kept::read(&roots, &mail, &files("mail")).unwrap().refreshed_at, None);
    }
}
