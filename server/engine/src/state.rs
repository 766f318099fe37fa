//! What was applied when a VServer was started, and whether it still runs.
//!
//! One file per VServer, `state.json` below `<run_base>/.state/NAME/`. It is written before the
//! first change to the kernel is made ([`GuestState::init`] is none then) and again when pid 1
//! lives, always under the VServer's lock. Stopping works from this record alone, never from the
//! config tree, which may have been edited since (fact sheet L1).
//!
//! Invariants:
//! - A VServer runs exactly when its record names a pid 1 that lives: same pid *and* same start
//!   time, not a zombie. A record without such a process is what a crash left behind.
//! - The run file (`<xid>\n`) and the link in `run.rev` are for other people's scripts; nothing here
//!   believes them.
//!
//! What runs in a VServer that was not started (tools of its own) has a record of its own, `aside.json`, and
//! counts as a start for nobody.
//!
//! Not here: undoing what a record says (`lifecycle`), locks (`lock`).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use domain::id::{ContextId, VServerName};
use domain::init::InitStyle;
use domain::life::GuestEvent;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::config::{DEFAULT_SYNC_TIMEOUT_SECONDS, KillStep, default_kill_sequence};
use crate::guest::InitCommand;
use crate::network::AppliedNetwork;
use crate::parallel;
use crate::roots::Roots;

/// The most bytes of a record that are read.
const MAX_RECORD_BYTES: u64 = 256 * 1024;
/// What most records have room in.
const USUAL_RECORD_BYTES: usize = 4096;

/// Why a record could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Reading it failed.
    #[error("reading {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not a record.
    #[error("understanding {path}")]
    Understand {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Writing it, or one of the files beside it, failed.
    #[error("writing {path}")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Removing it, or one of the files beside it, failed.
    #[error("removing {path}")]
    Remove {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A process of the host, told apart from a later one with the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// Its pid on the host.
    pub pid: u32,
    /// When it was started, in clock ticks since the host booted.
    pub start_ticks: u64,
}

impl ProcessIdentity {
    /// The process that has this pid now; none when nobody has it or it is a zombie.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, start_ticks) = state_and_start(&stat)?;
        (!matches!(state, 'Z' | 'X' | 'x')).then_some(Self { pid, start_ticks })
    }

    /// Whether exactly this process lives.
    #[must_use]
    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }
}

/// Fields 3 (state) and 22 (start time in ticks) of `/proc/PID/stat`. The second field is a name that
/// the process chose and may hold blanks and parentheses: what counts begins after the last one.
fn state_and_start(stat: &str) -> Option<(char, u64)> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let start_ticks = fields.nth(18)?.parse().ok()?;
    Some((state, start_ticks))
}

/// What was, or is about to be, applied for a VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestState {
    /// Whose.
    pub name: VServerName,
    /// Its context number; stays the same until it is stopped, whatever the config says meanwhile.
    pub context: ContextId,
    /// Its supervisor, once there is one.
    pub supervisor: Option<ProcessIdentity>,
    /// Its pid 1, once there is one.
    pub init: Option<ProcessIdentity>,
    /// When its start began.
    pub started_at: UnixMillis,
    /// How its pid 1 is told to stop.
    pub style: InitStyle,
    /// Its files on the host.
    pub root: PathBuf,
    /// The first host user id of its range.
    pub first_host_id: u32,
    /// The capabilities its processes can have at all; bit number = capability number. A record that
    /// an older Ulysse wrote has none; its VServer goes on after an upgrade.
    #[serde(default = "secure_capabilities")]
    pub capabilities: u64,
    /// How it is stopped. A record that an older Ulysse wrote does not say.
    #[serde(default)]
    pub stop: AppliedStop,
    /// Its network.
    pub network: AppliedNetwork,
    /// Its cgroup directories, one for each hierarchy; the first one is unified v2's where that is
    /// the host's layout.
    pub cgroups: Vec<PathBuf>,
}

/// How a VServer is stopped, as its config tree said when it was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedStop {
    /// What Ulysse's own pid 1 runs when it is told to end; of no use where pid 1 is another.
    pub command: InitCommand,
    /// How what still runs after that is ended.
    pub kill_sequence: Vec<KillStep>,
    /// How long a stop waits for pid 1 before that, in seconds.
    pub timeout_seconds: u32,
}

impl Default for AppliedStop {
    fn default() -> Self {
        Self {
            command: InitCommand::configured(&[]),
            kill_sequence: default_kill_sequence(),
            timeout_seconds: DEFAULT_SYNC_TIMEOUT_SECONDS,
        }
    }
}

fn secure_capabilities() -> u64 {
    sys::capability::CapabilitySet::SECURE.bits()
}

impl GuestState {
    /// The record of a VServer; none when it was never started or was cleanly stopped.
    ///
    /// # Errors
    /// When there is one that cannot be read or understood.
    pub fn read(roots: &Roots, name: &VServerName) -> Result<Option<Self>, StateError> {
        Self::read_from(record_of(roots, name))
    }

    /// The record of what runs in a VServer that was not started: tools of its own. Nobody takes it for
    /// one that runs.
    ///
    /// # Errors
    /// As [`GuestState::read`].
    pub fn read_aside(roots: &Roots, name: &VServerName) -> Result<Option<Self>, StateError> {
        Self::read_from(record_aside_of(roots, name))
    }

    fn read_from(path: PathBuf) -> Result<Option<Self>, StateError> {
        // With room for all of it one call reads it.
        let mut text = Vec::with_capacity(USUAL_RECORD_BYTES);
        match File::open(&path) {
            Ok(file) => {
                file.take(MAX_RECORD_BYTES)
                    .read_to_end(&mut text)
                    .map_err(|source| StateError::Read { path: path.clone(), source })?;
            }
            Err(error) if is_absent(&error) => return Ok(None),
            Err(source) => return Err(StateError::Read { path, source }),
        }
        match serde_json::from_slice(&text) {
            Ok(state) => Ok(Some(state)),
            Err(source) => Err(StateError::Understand { path, source }),
        }
    }

    /// The record of a VServer whose pid 1 lives; none when it does not run.
    ///
    /// # Errors
    /// As [`GuestState::read`].
    pub fn running(roots: &Roots, name: &VServerName) -> Result<Option<Self>, StateError> {
        Ok(Self::read(roots, name)?.filter(Self::is_running))
    }

    /// The records of all VServers that have one, sorted by context. A record that cannot be
    /// understood is reported and left out: one broken file must not hide the others.
    ///
    /// # Errors
    /// When the directory of records cannot be read.
    pub fn all(roots: &Roots) -> Result<Vec<Self>, StateError> {
        Self::each(roots, Self::read)
    }

    /// The records of all VServers that run, sorted by context.
    ///
    /// # Errors
    /// As [`GuestState::all`].
    pub fn all_running(roots: &Roots) -> Result<Vec<Self>, StateError> {
        let all = Self::all(roots)?;
        let run = parallel::map(&all, Self::is_running);
        Ok(all.into_iter().zip(run).filter_map(|(state, runs)| runs.then_some(state)).collect())
    }

    /// The records of what runs in VServers that were not started, as [`GuestState::all`].
    ///
    /// # Errors
    /// When the directory of records cannot be read.
    pub fn all_aside(roots: &Roots) -> Result<Vec<Self>, StateError> {
        Self::each(roots, Self::read_aside)
    }

    fn each(
        roots: &Roots,
        read: fn(&Roots, &VServerName) -> Result<Option<Self>, StateError>,
    ) -> Result<Vec<Self>, StateError> {
        let path = roots.run_base.join(".state");
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(source) => return Err(StateError::Read { path, source }),
        };
        let names: Vec<VServerName> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        let mut states = Vec::with_capacity(names.len());
        for (name, found) in names.iter().zip(parallel::map(&names, |name| read(roots, name))) {
            match found {
                Ok(state) => states.extend(state),
                Err(error) => {
                    tracing::warn!(%name, %error, "a record of a running VServer is unreadable");
                }
            }
        }
        states.sort_by_key(|state| state.context);
        Ok(states)
    }

    /// Whether its pid 1 lives.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.init.is_some_and(ProcessIdentity::is_alive)
    }

    /// Writes the record, all of it or nothing.
    ///
    /// # Errors
    /// When it cannot be written; the old one is then still there.
    pub fn write(&self, roots: &Roots) -> Result<(), StateError> {
        self.write_to(roots, record_of(roots, &self.name))
    }

    /// Writes the record of what runs in a VServer that is not started.
    ///
    /// # Errors
    /// As [`GuestState::write`].
    pub fn write_aside(&self, roots: &Roots) -> Result<(), StateError> {
        self.write_to(roots, record_aside_of(roots, &self.name))
    }

    fn write_to(&self, roots: &Roots, path: PathBuf) -> Result<(), StateError> {
        let directory = roots.state_of(&self.name);
        let failed = |source| StateError::Write { path: path.clone(), source };
        let base = roots.run_base.join(".state");
        DirBuilder::new().recursive(true).mode(0o755).create(&roots.run_base).map_err(failed)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&base).map_err(failed)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
        let text =
            serde_json::to_vec_pretty(self).map_err(|source| failed(io::Error::other(source)))?;
        replace_file(&path, &text, 0o600).map_err(failed)
    }

    /// Writes down how its pid 1 ended; the first word counts. Of another start than the record's it
    /// says nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_end(&self, roots: &Roots, event: GuestEvent) -> Result<(), StateError> {
        if self.is_running() || self.noted_end(roots).is_some() {
            return Ok(());
        }
        let path = end_of(roots, &self.name);
        let end = End { init: self.init, event };
        serde_json::to_vec(&end)
            .map_err(io::Error::other)
            .and_then(|text| replace_file(&path, &text, 0o600))
            .map_err(|source| StateError::Write { path, source })
    }

    /// How its pid 1 ended, if that was written down and nobody has seen to it; none of an earlier one.
    #[must_use]
    pub fn noted_end(&self, roots: &Roots) -> Option<GuestEvent> {
        let text = fs::read(end_of(roots, &self.name)).ok()?;
        let end: End = serde_json::from_slice(&text).ok()?;
        (end.init == self.init && !self.is_running()).then_some(end.event)
    }

    /// Forgets how a VServer's pid 1 ended: somebody sees to it.
    ///
    /// # Errors
    /// When that stays written.
    pub fn forget_end(roots: &Roots, name: &VServerName) -> Result<(), StateError> {
        let path = end_of(roots, name);
        remove_if_there(&path).map_err(|source| StateError::Remove { path, source })
    }

    /// Writes the run file and the link from its context number to its config directory
    /// (fact sheet 1.1, 0.3), for scripts that read them.
    ///
    /// # Errors
    /// When one of both cannot be written.
    pub fn publish(&self, roots: &Roots) -> Result<(), StateError> {
        let path = roots.run_file_of(&self.name);
        replace_file(&path, format!("{}\n", self.context).as_bytes(), 0o644)
            .map_err(|source| StateError::Write { path, source })?;
        let reverse = reverse_base(roots);
        let link = reverse.join(self.context.to_string());
        let failed = |source| StateError::Write { path: link.clone(), source };
        DirBuilder::new().recursive(true).mode(0o755).create(&reverse).map_err(failed)?;
        remove_if_there(&link).map_err(failed)?;
        symlink(roots.config_of(&self.name), &link).map_err(failed)
    }

    /// Removes the record, the run file and the link: the last step of a stop, when everything the
    /// record names is gone.
    ///
    /// # Errors
    /// When something of it cannot be removed.
    pub fn remove(&self, roots: &Roots) -> Result<(), StateError> {
        let link = reverse_base(roots).join(self.context.to_string());
        if fs::read_link(&link).is_ok_and(|target| target == roots.config_of(&self.name)) {
            remove_if_there(&link).map_err(|source| StateError::Remove { path: link, source })?;
        }
        remove_run_file(roots, &self.name)?;
        let path = roots.state_of(&self.name);
        match fs::remove_dir_all(&path) {
            Err(error) if !is_absent(&error) => Err(StateError::Remove { path, source: error }),
            _ => Ok(()),
        }
    }
}

/// Removes the record of what ran in a VServer that was not started, and what its supervisor wrote.
///
/// # Errors
/// When something of it cannot be removed.
pub fn remove_aside(roots: &Roots, name: &VServerName) -> Result<(), StateError> {
    for file in [ASIDE_CONSOLE, ASIDE_EVENTS, ASIDE_LIFE, ASIDE] {
        let path = roots.state_of(name).join(file);
        remove_if_there(&path).map_err(|source| StateError::Remove { path, source })?;
    }
    // It stays when something else is in it.
    let _ = fs::remove_dir(roots.state_of(name));
    Ok(())
}

/// Removes the run file of a VServer that does not run (fact sheet B13). To be called under its
/// lock.
///
/// # Errors
/// When it is there and cannot be removed.
pub fn remove_run_file(roots: &Roots, name: &VServerName) -> Result<(), StateError> {
    let path = roots.run_file_of(name);
    remove_if_there(&path).map_err(|source| StateError::Remove { path, source })
}

/// The directory of links from context numbers to config directories: the run directory's name with
/// `.rev` at its end.
#[must_use]
pub fn reverse_base(roots: &Roots) -> PathBuf {
    let mut path = roots.run_base.clone().into_os_string();
    path.push(".rev");
    path.into()
}

/// How a pid 1 ended.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    init: Option<ProcessIdentity>,
    event: GuestEvent,
}

fn end_of(roots: &Roots, name: &VServerName) -> PathBuf {
    // Beside the record and not with it: it is written by whoever does not hold the VServer.
    roots.run_base.join(".state").join(format!(".end-{name}"))
}

fn record_of(roots: &Roots, name: &VServerName) -> PathBuf {
    roots.state_of(name).join("state.json")
}

/// The record of what runs in a VServer that was not started, and what its supervisor writes, beside the
/// record of a start.
const ASIDE: &str = "aside.json";
pub(crate) const ASIDE_CONSOLE: &str = "aside.console";
pub(crate) const ASIDE_EVENTS: &str = "aside.events";
pub(crate) const ASIDE_LIFE: &str = "aside.life";

fn record_aside_of(roots: &Roots, name: &VServerName) -> PathBuf {
    roots.state_of(name).join(ASIDE)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_absent(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Puts a file in place of another, atomically: whoever reads sees the old one or the new one.
pub(crate) fn replace_file(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let temporary = directory.join(format!(".{file_name}.new-{}", std::process::id()));
    remove_if_there(&temporary)?;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_data()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(base: &Path) -> Roots {
        Roots { run_base: base.join("run"), config_base: base.join("etc"), ..Roots::default() }
    }

    fn state(name: &str, init: Option<ProcessIdentity>) -> GuestState {
        GuestState {
            name: name.parse().unwrap(),
            context: ContextId::try_from(40001).unwrap(),
            supervisor: None,
            init,
            started_at: UnixMillis(1),
            style: InitStyle::Sysv,
            root: "/somewhere".into(),
            first_host_id: 1,
            capabilities: 0,
            stop: AppliedStop::default(),
            network: AppliedNetwork::default(),
            cgroups: vec![],
        }
    }

    #[test]
    fn a_process_name_cannot_forge_its_start_time() {
        let stat = "7 (a) S 1 ) R) S 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 4242 1 2 3";
        assert_eq!(state_and_start(stat), Some(('S', 4242)));
        assert_eq!(state_and_start(""), None);
        assert_eq!(state_and_start("7 (a) S 1"), None);
    }

    #[test]
    fn this_process_lives_and_its_namesake_does_not() {
        let own = ProcessIdentity::of(std::process::id()).unwrap();
        assert!(own.is_alive());
        assert!(!ProcessIdentity { start_ticks: own.start_ticks + 1, ..own }.is_alive());
    }

    #[test]
    fn what_is_written_is_read_and_removed() {
        let base = tempfile::tempdir().unwrap();
        let roots = roots(base.path());
        let own = ProcessIdentity::of(std::process::id());
        let state = state("web", own);
        let name = state.name.clone();
        assert_eq!(GuestState::read(&roots, &name).unwrap(), None);
        assert_eq!(GuestState::all(&roots).unwrap(), vec![]);
        state.write(&roots).unwrap();
        state.publish(&roots).unwrap();
        state.publish(&roots).unwrap();
        assert_eq!(GuestState::running(&roots, &name).unwrap(), Some(state.clone()));
        assert_eq!(GuestState::all(&roots).unwrap(), vec![state.clone()]);
        assert_eq!(fs::read_to_string(roots.run_file_of(&name)).unwrap(), "40001\n");
        let link = base.path().join("run.rev/40001");
        assert_eq!(fs::read_link(&link).unwrap(), roots.config_of(&name));
        state.remove(&roots).unwrap();
        state.remove(&roots).unwrap();
        assert!(!link.exists() && !roots.run_file_of(&name).exists());
        assert_eq!(GuestState::read(&roots, &name).unwrap(), None);
    }

    #[test]
    fn a_dead_init_does_not_run_and_a_broken_record_is_an_error() {
        let base = tempfile::tempdir().unwrap();
        let roots = roots(base.path());
        let dead = ProcessIdentity { pid: std::process::id(), start_ticks: 1 };
        let state = state("web", Some(dead));
        state.write(&roots).unwrap();
        assert_eq!(GuestState::running(&roots, &state.name).unwrap(), None);
        fs::write(record_of(&roots, &state.name), "{").unwrap();
        assert!(matches!(
            GuestState::read(&roots, &state.name),
            Err(StateError::Understand { .. })
        ));
        assert_eq!(GuestState::all(&roots).unwrap(), vec![]);
    }
}
