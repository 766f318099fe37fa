//! The recycle bin: deleted VServers that can still be had back, for as long as the settings say.
//!
//! An entry is a directory `<config_base>/.bin/ID`, named by the operation that deleted the VServer. It
//! holds `entry.json` and the config tree; the files, the logs and the package state are moved to `.bin/ID`
//! beside where they were, within their filesystem, so that nothing is copied. Files that fill a mounted
//! volume stay on it, untouched: moved within it they would come back as another VServer's files, and
//! its directory is not free until the entry is restored or removed. The volume says itself whose files
//! it holds ([`volume::is_marked_by`]); another one that is mounted there meanwhile is left alone.
//!
//! Invariants: name, context number and addresses of what is in the bin are free. What is protected
//! ([`crate::protect`]) is not removed, by expiry neither. The entry's directory is the last thing of it
//! that goes.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::change::Change;
use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors};
use domain::id::{OperationId, VServerName};
use domain::identity::{IdentityChange, IdentityForm, VServerIdentity};
use domain::note::Note;
use domain::operation::{Actor, Operation, Stage};
use domain::place::PlaceProblem;
use domain::recycle::{Bin, BinEntry, Binned};
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

use crate::base_links;
use crate::config;
use crate::configure;
use crate::disk_full::is_disk_full;
use crate::engine::{ALLOCATION_PATIENCE, Engine, Instance, Job};
use crate::identity::plan::{self, Part, Parts};
use crate::identity::{self, host_name_conflict};
use crate::lock::AllocationLock;
use crate::operation::{Finish, Step, Stopped, Task, Work, crash_point};
use crate::protect;
use crate::recovery::{self, RecoveryError};
use crate::roots::Roots;
use crate::tree;
use crate::unification;
use crate::volume;

/// How long counting what one entry takes may keep somebody waiting.
const COUNT_PATIENCE: Duration = Duration::from_millis(300);
/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;
/// How often the bin is looked through for what has expired.
const EXPIRE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why the bin could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RecycleError {
    /// Something of it could not be read.
    #[error("reading {path}")]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something of it could not be written.
    #[error("writing {path}")]
    Write {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no such entry.
    #[error("{id} is not in the recycle bin")]
    NoSuchEntry {
        /// Its id.
        id: OperationId,
    },
}

impl From<RecycleError> for Failure {
    fn from(error: RecycleError) -> Self {
        match error {
            RecycleError::NoSuchEntry { id } => Self::NotInBin { what: id.to_string() },
            RecycleError::Write { path, source } if is_disk_full(&source) => {
                Self::DiskFull { path: path.display().to_string() }
            }
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// What is written down of a deleted VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    id: OperationId,
    identity: VServerIdentity,
    by: Actor,
    deleted_at: UnixMillis,
    expires_at: UnixMillis,
    /// Where its files are, and where they belong; none when they stay on a volume.
    root: Option<(PathBuf, PathBuf)>,
    /// The same of its logs and package state.
    others: Vec<(PathBuf, PathBuf)>,
    /// The volume that its files fill.
    volume: Option<PathBuf>,
}

impl Entry {
    fn directory(&self, roots: &Roots) -> PathBuf {
        roots.bin().join(self.id.as_str())
    }

    fn config(&self, roots: &Roots) -> PathBuf {
        self.directory(roots).join("config")
    }

    /// Its parts, for whoever gives them their places again.
    fn parts(&self, roots: &Roots) -> Parts {
        let part = |(now, home): &(PathBuf, PathBuf)| Part { now: now.clone(), home: home.clone() };
        let home = roots.config_of(&self.identity.name);
        Parts {
            config: Part { now: self.config(roots), home },
            root: self.root.as_ref().map(part).or_else(|| self.volume.clone().map(Part::at)),
            root_stays: self.volume.is_some(),
            others: self.others.iter().map(part).filter(|part| part.now.exists()).collect(),
        }
    }

    /// Refuses when its files are on a volume that is not mounted now, or another one is in its place.
    fn refuse_without_volume(&self, roots: &Roots) -> Result<(), Failure> {
        let Some(path) = &self.volume else { return Ok(()) };
        let device = volume::in_fstab(path, &roots.host_fstab);
        let problem = match volume::source_at(path) {
            None => PlaceProblem::NotMounted { device },
            Some(_) if volume::is_marked_by(path, &self.id)? => return Ok(()),
            Some(_) => PlaceProblem::AnotherVolume { device },
        };
        Err(Failure::Place { path: path.display().to_string(), problem })
    }

    /// Whether its files are on the volume that is mounted there now, and no VServer's are.
    fn has_to_itself(&self, roots: &Roots, volume: &Path) -> bool {
        let is_volume = tree::mounts_in(volume).is_ok_and(|mounts| mounts == [volume.to_owned()])
            && volume::is_marked_by(volume, &self.id).unwrap_or(false);
        let names = config::list_names(roots);
        let is_free = names.is_ok_and(|names| {
            let mut used = names.iter().filter_map(|name| config::root_directory_of(roots, name));
            !used.any(|root| root.starts_with(volume))
        });
        is_volume && is_free
    }

    fn shown(&self, roots: &Roots) -> BinEntry {
        let volume = self.volume.as_ref().filter(|path| self.has_to_itself(roots, path));
        BinEntry {
            id: self.id.clone(),
            identity: self.identity.clone(),
            by: self.by.clone(),
            deleted_at: self.deleted_at,
            expires_at: self.expires_at,
            bytes: self.bytes(roots),
            is_protected: protect::is_protected(&self.config(roots)),
            volume: volume.map(|path| path.display().to_string()),
        }
    }

    /// What it takes on disk. Nothing of it changes any more, so it is counted once.
    fn bytes(&self, roots: &Roots) -> Option<u64> {
        let kept = self.directory(roots).join("bytes");
        if let Some(bytes) =
            fs::read_to_string(&kept).ok().and_then(|text| text.trim().parse().ok())
        {
            return Some(bytes);
        }
        let places = self.root.iter().chain(&self.others).map(|(now, _)| now.clone());
        let places = places.chain(self.volume.clone()).chain([self.config(roots)]);
        let mut bytes = 0_u64;
        for path in places.filter(|path| path.is_dir()) {
            bytes = bytes.saturating_add(tree::disk_bytes(&path, COUNT_PATIENCE)?);
        }
        // Counted anew the next time, when it cannot be kept.
        let _ = fs::write(&kept, format!("{bytes}\n"));
        Some(bytes)
    }
}

/// Moves a VServer that does not run into the bin.
///
/// # Errors
/// When its entry cannot be written; then nothing was moved.
pub(crate) fn put(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    root: Option<PathBuf>,
    volume: Option<PathBuf>,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    work.progress(Stage::MovingToBin, 600);
    let deleted_at = work.clock().now();
    let days = i64::from(instance.settings.recycle_bin.keep_days);
    let id = work.id().clone();
    let aside = |home: PathBuf| {
        let parent = home.parent().unwrap_or(Path::new("/"));
        (parent.join(".bin").join(id.as_str()), home)
    };
    let cache = base_links::cache_of(roots, name);
    let others = identity::others_of(roots, name).into_iter().filter(|path| *path != cache);
    let entry = Entry {
        id: id.clone(),
        identity: known_as(roots, name),
        by: work.operation().actor.clone(),
        deleted_at,
        expires_at: deleted_at.plus_millis(days.saturating_mul(DAY)),
        root: root.map(aside),
        others: others.map(aside).collect(),
        volume,
    };
    let directory = entry.directory(roots);
    let moves: Vec<_> = entry.root.iter().chain(&entry.others).collect();
    for path in moves.iter().map(|(now, _)| now).chain([&directory]) {
        make_private(path.parent().unwrap_or(Path::new("/")))?;
    }
    work.intend(Step::MakeTree(directory.clone()))?;
    crash_point("bin:entry-intended");
    write_entry(&directory, &entry)?;
    crash_point("bin:entry-written");
    let mut finish = vec![Finish::Move { from: roots.config_of(name), to: entry.config(roots) }];
    finish.extend(
        moves.into_iter().map(|(to, from)| Finish::Move { from: from.clone(), to: to.clone() }),
    );
    finish.extend([Finish::RemoveTree(cache), Finish::RemoveFile(roots.run_file_of(name))]);
    crash_point("delete:checked");
    work.commit(finish)?;
    crash_point("delete:committed");
    recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?;
    Ok(())
}

/// What a VServer is known by, as far as its config tree makes sense.
fn known_as(roots: &Roots, name: &VServerName) -> VServerIdentity {
    config::identity_of(&roots.config_of(name), name).unwrap_or_else(|_| {
        let (context, _) = config::claims_of(roots, name);
        VServerIdentity { name: name.clone(), context, host_name: None, interfaces: Vec::new() }
    })
}

fn make_private(path: &Path) -> Result<(), RecycleError> {
    tree::make_private(path).map_err(|source| RecycleError::Write { path: path.to_owned(), source })
}

fn write_entry(directory: &Path, entry: &Entry) -> Result<(), RecycleError> {
    let path = directory.join("entry.json");
    let failed = |source| RecycleError::Write { path: path.clone(), source };
    DirBuilder::new().mode(0o700).create(directory).map_err(failed)?;
    let text = serde_json::to_vec_pretty(entry).map_err(|error| failed(io::Error::other(error)))?;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::File::open(directory)?.sync_all())
        .and_then(|()| fs::File::open(directory.parent().unwrap_or(Path::new("/")))?.sync_all())
        .map_err(failed)
}

/// The entry of this id.
fn entry(roots: &Roots, id: &OperationId) -> Result<Entry, RecycleError> {
    let path = roots.bin().join(id.as_str()).join("entry.json");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RecycleError::NoSuchEntry { id: id.clone() });
        }
        Err(source) => return Err(RecycleError::Read { path, source }),
    };
    let entry: Entry = serde_json::from_slice(&text)
        .map_err(|error| RecycleError::Read { path, source: io::Error::other(error) })?;
    // One that is still on its way, or on its way out, is not in the bin.
    match entry.id == *id && entry.config(roots).is_dir() {
        true => Ok(entry),
        false => Err(RecycleError::NoSuchEntry { id: id.clone() }),
    }
}

/// All entries, the latest first; one that cannot be read is reported and left out.
fn entries(roots: &Roots) -> Vec<Entry> {
    let found = fs::read_dir(roots.bin()).into_iter().flatten().flatten();
    let mut ids: Vec<OperationId> =
        found.filter_map(|one| one.file_name().to_str()?.parse().ok()).collect();
    ids.sort_by(|a, b| b.cmp(a));
    let readable = ids.iter().filter_map(|id| match entry(roots, id) {
        Ok(entry) => Some(entry),
        Err(RecycleError::NoSuchEntry { .. }) => None,
        Err(error) => {
            let error = domain::failure::chain(&error);
            tracing::warn!(%id, error, "an entry of the recycle bin is unreadable");
            None
        }
    });
    readable.collect()
}

/// Gets a VServer back from the bin.
///
/// # Errors
/// When something is in the way; what was moved is in the journal.
pub fn undelete(
    instance: &Instance,
    work: &mut Work<'_>,
    id: &OperationId,
    change: &IdentityChange,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let entry = entry(roots, id)?;
    work.progress(Stage::MovingFromBin, 300);
    if let Some((now, _)) = &entry.root {
        // It may say its name inside.
        unification::show(now).map_err(Failure::from)?;
    }
    let aside = entry.directory(roots).join("aside");
    entry.refuse_without_volume(roots)?;
    let planned = plan::plan(roots, change, &entry.parts(roots), &aside).map_err(Failure::from)?;
    let before = configure::before_elsewhere(&entry.parts(roots).config.now);
    identity::take(roots, work, &planned)?;
    crash_point("undelete:moved");
    let tree = ConfigTree::VServer(change.after.name.clone());
    let mut finish = vec![Finish::RemoveTree(entry.directory(roots))];
    finish.extend(configure::attribute(roots, work, &tree, &before)?);
    work.commit(finish)?;
    crash_point("undelete:committed");
    recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?;
    Ok(())
}

/// Removes a VServer from the bin, for good.
///
/// # Errors
/// When there is no such entry, it is protected, or something of it cannot be removed.
pub fn purge(instance: &Instance, work: &mut Work<'_>, id: &OperationId) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let entry = entry(roots, id)?;
    refuse_protected(roots, &entry)?;
    work.progress(Stage::RemovingFiles, 300);
    let mut finish: Vec<Finish> = entry
        .root
        .iter()
        .chain(&entry.others)
        .map(|(now, _)| Finish::RemoveTree(now.clone()))
        .collect();
    match entry.volume.clone() {
        Some(path) if entry.has_to_itself(roots, &path) => {
            if volume::is_read_only(&path) {
                let path = path.display().to_string();
                return Err(Failure::Place { path, problem: PlaceProblem::ReadOnly }.into());
            }
            finish.push(Finish::Empty { path, by: id.clone() });
        }
        Some(path) => work.note(&Note::LeftAsItIs { path: path.display().to_string() }),
        None => {}
    }
    finish.push(Finish::RemoveTree(entry.directory(roots)));
    crash_point("purge:checked");
    work.commit(finish)?;
    crash_point("purge:committed");
    recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?;
    Ok(())
}

fn refuse_protected(roots: &Roots, entry: &Entry) -> Result<(), Failure> {
    match protect::is_protected(&entry.config(roots)) {
        true => Err(Failure::Protected { name: entry.identity.name.clone() }),
        false => Ok(()),
    }
}

impl Engine {
    /// What is in the recycle bin, the latest first.
    #[must_use]
    pub fn bin(&self) -> Bin {
        let settings = &self.instance().settings;
        let found = entries(&settings.roots);
        let entries = found.iter().map(|entry| entry.shown(&settings.roots)).collect();
        Bin { keep_days: settings.recycle_bin.keep_days, entries }
    }

    /// One deleted VServer, and how it could come back.
    ///
    /// # Errors
    /// When there is no such entry, or the host cannot be looked at.
    pub fn binned(&self, id: &OperationId) -> Result<Binned, Failure> {
        let roots = &self.instance().settings.roots;
        let entry = entry(roots, id)?;
        let host = self.host_facts()?;
        let judged = IdentityForm::default().judge(&entry.identity, &host);
        let mut conflicts = judged.err().unwrap_or_default();
        let mut offer = entry.identity.offer(&host);
        let wanted = entry.identity.host_name.as_ref();
        if let Some(problem) = wanted.and_then(|name| host_name_conflict(roots, name, None)) {
            conflicts.push(Field::HostName, problem);
            let free: Option<VServerName> = offer.name.parse().ok();
            let follows = free.and_then(|name| domain::identity::default_host_name(&name).ok());
            // Under another name its host name follows, unless it was called something else.
            if let Ok(change) = offer.judge(&entry.identity, &host)
                && change.after.host_name == entry.identity.host_name
            {
                offer.host_name = follows.map(|name| name.to_string()).unwrap_or_default();
            }
        }
        Ok(Binned { entry: entry.shown(roots), conflicts, offer })
    }

    /// The latest entry of a name.
    ///
    /// # Errors
    /// When none of this name is in the bin.
    pub fn latest_binned(&self, name: &VServerName) -> Result<OperationId, Failure> {
        let mut found = entries(&self.instance().settings.roots).into_iter();
        let entry = found.find(|entry| entry.identity.name == *name);
        entry.map(|entry| entry.id).ok_or(Failure::NotInBin { what: name.to_string() })
    }

    /// Judges getting a VServer back and writes it down.
    pub(crate) fn prepare_undelete(
        &self,
        id: OperationId,
        form: &IdentityForm,
        actor: Actor,
    ) -> Result<Job, Failure> {
        let roots = &self.instance().settings.roots;
        let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
        let entry = entry(roots, &id)?;
        let host = self.host_facts()?;
        let judged = form.judge(&entry.identity, &host);
        let wanted = match &judged {
            Ok(change) => change.after.host_name.clone(),
            Err(_) => None,
        };
        let conflict = wanted.and_then(|name| host_name_conflict(roots, &name, None));
        let change = match (judged, conflict) {
            (Ok(change), None) => change,
            (Ok(_), Some(problem)) => {
                let mut errors = FieldErrors::default();
                errors.push(Field::HostName, problem);
                return Err(Failure::Invalid { errors });
            }
            (Err(errors), _) => return Err(Failure::Invalid { errors }),
        };
        self.refuse_if_busy(&change.after.name)?;
        self.refuse_if_used(&id)?;
        entry.refuse_without_volume(roots)?;
        plan::plan(roots, &change, &entry.parts(roots), &entry.directory(roots))?;
        self.write_down(Task::Undelete { entry: id, change: Box::new(change) }, actor)
    }

    /// Judges removing a VServer for good and writes it down.
    pub(crate) fn prepare_purge(&self, id: OperationId, actor: Actor) -> Result<Job, Failure> {
        let roots = &self.instance().settings.roots;
        let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
        let entry = entry(roots, &id)?;
        refuse_protected(roots, &entry)?;
        self.refuse_if_used(&id)?;
        let name = entry.identity.name;
        self.refuse_if_busy(&name)?;
        self.write_down(Task::Purge { entry: id, name }, actor)
    }

    /// Refuses when another operation is at work on the entry.
    fn refuse_if_used(&self, id: &OperationId) -> Result<(), Failure> {
        let mut live = self.store().live()?.into_iter();
        let found = live.find(|live| match &live.task {
            Task::Undelete { entry, .. } | Task::Purge { entry, .. } => entry == id,
            _ => false,
        });
        match found {
            Some(live) => Err(Failure::Busy {
                name: live.operation.target,
                operation: Some(live.operation.id),
            }),
            None => Ok(()),
        }
    }

    /// Queues the removal of all that has been in the bin for long enough; gives what was queued.
    pub fn expire_bin(self: &Arc<Self>) -> Vec<Operation> {
        let now = self.clock().now();
        let roots = &self.instance().settings.roots;
        let expired = entries(roots).into_iter().filter(|entry| {
            entry.expires_at <= now && !protect::is_protected(&entry.config(roots))
        });
        expired
            .filter_map(|entry| {
                let queued = self.submit(Change::Purge(entry.id), Actor::System);
                queued
                    .inspect_err(|failure| {
                        let name = &entry.identity.name;
                        tracing::warn!(%name, %failure, "it stays in the recycle bin for now");
                    })
                    .ok()
            })
            .collect()
    }

    /// Looks through the bin now and once a day from now on, for as long as this process lives.
    pub fn expire_bin_daily(self: &Arc<Self>) {
        let engine = Arc::clone(self);
        let looking = std::thread::Builder::new().name("recycle-bin".to_owned()).spawn(move || {
            loop {
                engine.expire_bin();
                let begun = std::time::Instant::now();
                while let Some(left) = EXPIRE_EVERY.checked_sub(begun.elapsed()) {
                    std::thread::park_timeout(left);
                }
            }
        });
        if let Err(error) = looking {
            tracing::error!(%error, "no thread looks through the recycle bin");
        }
    }
}
