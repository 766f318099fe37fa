//! A tmpfs of a VServer's fstab: how it is to be mounted, how it is, and why the one is not made of the other
//! while the VServer runs. Of all that can be mounted it is what a running VServer can be given anew: its size
//! and what may be done with its files, while they stay.
//!
//! Not here: reading either, and changing it (the engine's `remount`).

use serde::{Deserialize, Serialize};

/// How a tmpfs is mounted, as far as that can be another while it is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TmpfsOptions {
    /// The most bytes of its files, a multiple of a page.
    pub size_bytes: u64,
    /// `ro`.
    pub read_only: bool,
    /// `nosuid`.
    pub no_suid: bool,
    /// `nodev`.
    pub no_device: bool,
    /// `noexec`.
    pub no_exec: bool,
}

impl TmpfsOptions {
    /// As `mount` shows it.
    #[must_use]
    pub fn line(&self) -> String {
        let flags = [(self.no_suid, "nosuid"), (self.no_device, "nodev"), (self.no_exec, "noexec")];
        let mut words = vec![if self.read_only { "ro" } else { "rw" }.to_owned()];
        words
            .extend(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| (*word).to_owned()));
        words.push(format!("size={}k", self.size_bytes / 1024));
        words.join(",")
    }
}

/// A line for a tmpfs, and what is mounted where it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TmpfsLine {
    /// Which file: `fstab` or `fstab.local`.
    pub file: String,
    /// Its line, from 1.
    pub number: usize,
    /// Where, as it stands there.
    pub target: String,
    /// How it is to be.
    pub wanted: TmpfsOptions,
    /// How it is.
    pub now: TmpfsOptions,
    /// What its files take.
    pub used_bytes: u64,
}

impl TmpfsLine {
    /// Whether it is as it is to be.
    #[must_use]
    pub fn is_as_wanted(&self) -> bool {
        self.wanted == self.now
    }

    /// Why it cannot be made what it is to be.
    ///
    /// # Errors
    /// When its files would not fit.
    pub fn judge(&self) -> Result<(), RemountProblem> {
        let (size_bytes, used_bytes) = (self.wanted.size_bytes, self.used_bytes);
        match size_bytes < used_bytes {
            true => Err(RemountProblem::TooSmall { size_bytes, used_bytes }),
            false => Ok(()),
        }
    }
}

/// Why what is mounted is not changed while the VServer runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemountProblem {
    /// No line of its fstab says that a tmpfs of a limited size is to be there.
    NotInFstab,
    /// There is none, but something else or nothing.
    NotMounted,
    /// Its files take more than it would hold.
    TooSmall {
        /// What it would hold.
        size_bytes: u64,
        /// What they take.
        used_bytes: u64,
    },
    /// Files of it are open for writing, and it is to be for reading only.
    BeingWritten,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(size_bytes: u64) -> TmpfsOptions {
        let (read_only, no_suid, no_device, no_exec) = (false, true, true, false);
        TmpfsOptions { size_bytes, read_only, no_suid, no_device, no_exec }
    }

    #[test]
    fn what_does_not_fit_is_not_made() {
        let line = |wanted, used_bytes| TmpfsLine {
            file: "fstab".to_owned(),
            number: 2,
            target: "/tmp".to_owned(),
            wanted: options(wanted),
            now: options(16 << 20),
            used_bytes,
        };
        assert!(line(16 << 20, 4096).is_as_wanted() && !line(32 << 20, 4096).is_as_wanted());
        assert_eq!(line(4096, 4096).judge(), Ok(()));
        let problem = RemountProblem::TooSmall { size_bytes: 4096, used_bytes: 8192 };
        assert_eq!(line(4096, 8192).judge(), Err(problem));
        assert_eq!(options(32 << 20).line(), "rw,nosuid,nodev,size=32768k");
    }
}
