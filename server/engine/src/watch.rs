//! What the engine tells without being asked: operations as they move, VServers as they change.
//!
//! Operations are files, whoever does them ([`crate::operation`]); so one watch over these files tells
//! of the engine's own and of the command line's alike. Config trees that somebody makes or removes by
//! hand are noticed too, and what supervisors write down about a VServer that runs.
//!
//! Invariant: what was missed (the kernel's queue has an end) is found again by looking at everything
//! that is unfinished. Nothing is said twice in a row.

use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use domain::id::{OperationId, VServerName};
use domain::operation::{Operation, Progress, Target};
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use protocol::{Event, EventFrame};
use sys::seqpacket;

use crate::engine::Engine;
use crate::roots::EVENT_LOG;
use domain::failure::chain;

/// Why nothing can be looked out for.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No inotify instance, or no watch, is to be had.
    #[error("watching {path}")]
    Watch {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No thread.
    #[error("making a thread")]
    Thread(#[source] io::Error),
}

/// Says that a new engine lives, then all that happens, until nobody listens any more.
///
/// # Errors
/// When what is to be watched cannot be.
pub fn spawn(engine: &Arc<Engine>, events: OwnedFd) -> Result<(), WatchError> {
    let mut watcher = Watcher::new(Arc::clone(engine), events)?;
    thread::Builder::new()
        .name("events".to_owned())
        .spawn(move || watcher.run())
        .map_err(WatchError::Thread)?;
    Ok(())
}

/// An unfinished operation, as it was told last.
struct Followed {
    id: OperationId,
    told: Option<Operation>,
    log_bytes: u64,
}

struct Watcher {
    engine: Arc<Engine>,
    events: OwnedFd,
    sequence: u64,
    inotify: Inotify,
    live: WatchDescriptor,
    configs: WatchDescriptor,
    states: WatchDescriptor,
    running: HashMap<WatchDescriptor, VServerName>,
    followed: HashMap<WatchDescriptor, Followed>,
}

impl Watcher {
    fn new(engine: Arc<Engine>, events: OwnedFd) -> Result<Self, WatchError> {
        let watch = |path: &PathBuf| {
            let path = path.clone();
            move |errno: Errno| WatchError::Watch { path, source: errno.into() }
        };
        let live_base = engine.store().live_base();
        let config_base = engine.instance().settings.roots.config_base.clone();
        let run_base = engine.instance().settings.roots.run_base.clone();
        let states_base = engine.instance().settings.roots.states();
        for (path, mode) in
            [(&live_base, 0o700), (&config_base, 0o755), (&run_base, 0o755), (&states_base, 0o700)]
        {
            DirBuilder::new()
                .recursive(true)
                .mode(mode)
                .create(path)
                .map_err(|source| WatchError::Watch { path: path.clone(), source })?;
        }
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC).map_err(watch(&live_base))?;
        let come_and_go = AddWatchFlags::IN_MOVED_TO
            | AddWatchFlags::IN_MOVED_FROM
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_ONLYDIR;
        let live = inotify.add_watch(&live_base, come_and_go).map_err(watch(&live_base))?;
        let configs = inotify.add_watch(&config_base, come_and_go).map_err(watch(&config_base))?;
        let states = inotify.add_watch(&states_base, come_and_go).map_err(watch(&states_base))?;
        Ok(Self {
            engine,
            events,
            sequence: 0,
            inotify,
            live,
            configs,
            states,
            running: HashMap::new(),
            followed: HashMap::new(),
        })
    }

    fn run(&mut self) {
        if self.tell(Event::Started).is_err() {
            return;
        }
        let mut result = self.look_at_all();
        while result.is_ok() {
            result = match self.inotify.read_events() {
                Ok(happened) => happened.into_iter().try_for_each(|one| self.notice(&one)),
                Err(Errno::EINTR) => Ok(()),
                Err(errno) => {
                    tracing::error!(error = %errno, "operations are not watched any more");
                    return;
                }
            };
        }
        // The other end is gone, and with it whoever started this process.
    }

    fn notice(&mut self, happened: &InotifyEvent) -> Result<(), Gone> {
        if happened.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
            return self.look_at_all();
        }
        if happened.wd == self.configs || happened.wd == self.states {
            let name = happened.name.as_ref().and_then(|name| name.to_str()?.parse().ok());
            let Some(name): Option<VServerName> = name else { return Ok(()) };
            if happened.wd == self.configs {
                return self.tell_vserver(&name);
            }
            self.follow_running(name);
            return Ok(());
        }
        if let Some(name) = self.running.get(&happened.wd) {
            if happened.mask.contains(AddWatchFlags::IN_IGNORED) {
                self.running.remove(&happened.wd);
                return Ok(());
            }
            let is_event = happened.name.as_ref().is_some_and(|file| file == EVENT_LOG);
            let name = name.clone();
            return if is_event { self.tell_vserver(&name) } else { Ok(()) };
        }
        if happened.wd == self.live {
            let Some(id) = happened.name.as_ref().and_then(|name| name.to_str()?.parse().ok())
            else {
                return Ok(());
            };
            let has_come =
                happened.mask.intersects(AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CREATE);
            return if has_come { self.follow(id) } else { self.leave(&id) };
        }
        self.look_at(happened.wd)
    }

    /// Looks out for what the supervisor of a VServer writes down.
    fn follow_running(&mut self, name: VServerName) {
        let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_ONLYDIR;
        let directory = self.engine.instance().settings.roots.state_of(&name);
        // A directory that is gone again, or was followed before, is as good as followed.
        if let Ok(wd) = self.inotify.add_watch(&directory, flags) {
            self.running.insert(wd, name);
        }
    }

    /// Begins to follow an operation that was not there before.
    fn follow(&mut self, id: OperationId) -> Result<(), Gone> {
        if self.followed.values().any(|followed| followed.id == id) {
            return Ok(());
        }
        let flags =
            AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_ONLYDIR;
        let directory = self.engine.store().directory_of(&id);
        match self.inotify.add_watch(&directory, flags) {
            Ok(wd) => {
                self.followed.insert(wd, Followed { id, told: None, log_bytes: 0 });
                self.look_at(wd)
            }
            Err(errno) => {
                tracing::warn!(%id, error = %errno, "an operation cannot be followed");
                Ok(())
            }
        }
    }

    /// Tells an operation's end, and follows it no longer.
    fn leave(&mut self, id: &OperationId) -> Result<(), Gone> {
        let found = self.followed.iter().find(|(_, followed)| followed.id == *id);
        let Some(wd) = found.map(|(wd, _)| *wd) else { return Ok(()) };
        self.look_at(wd)?;
        let _ = self.inotify.rm_watch(wd);
        let left = self.followed.remove(&wd);
        // Once more: while it was in `.live` the list showed the VServer as busy.
        match left.and_then(|followed| followed.told) {
            Some(operation) => {
                operation.renamed_to.iter().try_for_each(|name| self.tell_vserver(name))?;
                self.tell_target(&operation.target)
            }
            None => Ok(()),
        }
    }

    /// Tells what is new of an operation.
    fn look_at(&mut self, wd: WatchDescriptor) -> Result<(), Gone> {
        let Some(followed) = self.followed.get(&wd) else { return Ok(()) };
        let id = followed.id.clone();
        let log_bytes =
            fs::metadata(self.engine.store().log_of(&id)).map_or(0, |found| found.len());
        let has_grown = log_bytes > followed.log_bytes;
        let now = self.engine.store().read(&id).ok();
        let is_new = now.is_some() && now != followed.told;
        let phase = |operation: &Option<Operation>| {
            operation.as_ref().map(|operation| match operation.progress {
                Progress::Queued => 0,
                Progress::Running { .. } => 1,
                _ => 2,
            })
        };
        let has_turned = phase(&now) != phase(&followed.told);
        if let Some(followed) = self.followed.get_mut(&wd) {
            followed.log_bytes = log_bytes;
            if is_new {
                followed.told.clone_from(&now);
            }
        }
        if has_grown {
            self.tell(Event::LogGrew { id, bytes: log_bytes })?;
        }
        if let Some(operation) = now.filter(|_| is_new) {
            let target = operation.target.clone();
            self.tell(Event::Operation(operation))?;
            if has_turned {
                self.tell_target(&target)?;
            }
        }
        Ok(())
    }

    /// Looks at everything unfinished, and at what was followed and may be finished by now.
    fn look_at_all(&mut self) -> Result<(), Gone> {
        let states = fs::read_dir(self.engine.instance().settings.roots.states());
        for entry in states.into_iter().flatten().flatten() {
            if let Some(name) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                self.follow_running(name);
            }
        }
        let live = self.engine.store().live_ids().unwrap_or_default();
        let followed: Vec<OperationId> =
            self.followed.values().map(|followed| followed.id.clone()).collect();
        for id in followed.iter().filter(|id| !live.contains(id)) {
            self.leave(id)?;
        }
        for id in live {
            self.follow(id)?;
        }
        let followed: Vec<WatchDescriptor> = self.followed.keys().copied().collect();
        followed.into_iter().try_for_each(|wd| self.look_at(wd))
    }

    /// Of what is no VServer only its operations are told.
    fn tell_target(&mut self, target: &Target) -> Result<(), Gone> {
        target.vserver().map_or(Ok(()), |name| self.tell_vserver(name))
    }

    fn tell_vserver(&mut self, name: &VServerName) -> Result<(), Gone> {
        match self.engine.summary(name) {
            Ok(summary) => self.tell(Event::VServer { name: name.clone(), summary }),
            Err(error) => {
                tracing::warn!(%name, %error, "a VServer cannot be looked at");
                Ok(())
            }
        }
    }

    fn tell(&mut self, event: Event) -> Result<(), Gone> {
        self.sequence += 1;
        let frame = EventFrame { sequence: self.sequence, event };
        match protocol::encode(&frame) {
            Ok(bytes) => seqpacket::send(&self.events, &bytes, &[]).or_else(|error| {
                if error.is_disconnected() {
                    return Err(Gone);
                }
                tracing::warn!(error = chain(&error), "an event was not sent");
                Ok(())
            }),
            Err(error) => {
                tracing::error!(%error, "an event could not be encoded");
                Ok(())
            }
        }
    }
}

/// Nobody listens any more.
struct Gone;
