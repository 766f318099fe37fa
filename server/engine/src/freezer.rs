//! Freezing a VServer: none of its processes runs until it is thawed, so that its files stand still.
//!
//! Both layouts of cgroups have it: v1's controller `freezer`, and every cgroup of the unified
//! hierarchy. Thawing what is not frozen, or is gone, is no error. Whoever freezes writes it into the
//! journal first ([`crate::operation::Step::Freeze`]): a VServer that stays frozen is as good as dead.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often is looked whether everything stands still.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Why a VServer is not frozen.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// The host has no way to freeze it.
    #[error("no cgroup of these can be frozen: {}", .paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", "))]
    NoFreezer {
        /// Its cgroups.
        paths: Vec<PathBuf>,
    },
    /// The kernel's switch could not be used.
    #[error("using {path}")]
    Switch {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something of it would not stand still.
    #[error("{path} did not freeze in time")]
    TooSlow {
        /// Where.
        path: PathBuf,
    },
}

/// One cgroup's switch.
struct Switch {
    path: PathBuf,
    is_unified: bool,
}

impl Switch {
    /// The one switch that freezes all of a VServer.
    fn of(cgroups: &[PathBuf]) -> Option<Self> {
        let v1 = cgroups.iter().map(|cgroup| cgroup.join("freezer.state"));
        let v2 = cgroups.iter().map(|cgroup| cgroup.join("cgroup.freeze"));
        let found = v1.map(|path| (path, false)).chain(v2.map(|path| (path, true)));
        let (path, is_unified) = found.into_iter().find(|(path, _)| path.exists())?;
        Some(Self { path, is_unified })
    }

    fn set(&self, frozen: bool) -> io::Result<()> {
        let word = match (self.is_unified, frozen) {
            (false, true) => "FROZEN",
            (false, false) => "THAWED",
            (true, true) => "1",
            (true, false) => "0",
        };
        fs::write(&self.path, word)
    }

    fn is_frozen(&self) -> io::Result<bool> {
        if self.is_unified {
            let events = self.path.with_file_name("cgroup.events");
            Ok(fs::read_to_string(events)?.lines().any(|line| line == "frozen 1"))
        } else {
            Ok(fs::read_to_string(&self.path)?.trim() == "FROZEN")
        }
    }
}

/// Freezes all processes in a VServer's cgroups, and waits until they stand still.
///
/// # Errors
/// When they do not within `patience`; then they run again.
pub fn freeze(cgroups: &[PathBuf], patience: Duration) -> Result<(), FreezeError> {
    let switch =
        Switch::of(cgroups).ok_or_else(|| FreezeError::NoFreezer { paths: cgroups.to_vec() })?;
    let failed = |source| FreezeError::Switch { path: switch.path.clone(), source };
    let deadline = Instant::now() + patience;
    let frozen = loop {
        // v1 wants to be told again when a process was just being forked.
        if let Err(source) = switch.set(true) {
            break Err(failed(source));
        }
        match switch.is_frozen() {
            Ok(true) => return Ok(()),
            Ok(false) if Instant::now() < deadline => std::thread::park_timeout(LOOK_EVERY),
            Ok(false) => break Err(FreezeError::TooSlow { path: switch.path.clone() }),
            Err(source) => break Err(failed(source)),
        }
    };
    // The reason is what is told; what could not be frozen is not to be half frozen.
    let _ = switch.set(false);
    frozen
}

/// Lets the processes in a VServer's cgroups run again.
///
/// # Errors
/// When the kernel refuses; not when they are gone.
pub fn thaw(cgroups: &[PathBuf]) -> Result<(), FreezeError> {
    let Some(switch) = Switch::of(cgroups) else { return Ok(()) };
    match switch.set(false) {
        Err(source) if !is_gone(&switch.path) => {
            Err(FreezeError::Switch { path: switch.path.clone(), source })
        }
        _ => Ok(()),
    }
}

/// Whether they stand still.
#[must_use]
pub fn is_frozen(cgroups: &[PathBuf]) -> bool {
    Switch::of(cgroups).is_some_and(|switch| switch.is_frozen().unwrap_or(false))
}

fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err()
}
