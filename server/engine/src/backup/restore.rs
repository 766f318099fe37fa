//! Making a VServer of a backup, and putting one file of one back.
//!
//! What it will be called, numbered and addressed is judged against the host before anything is written
//! (`domain::restore`). All of it is made aside: files where builds make theirs, the config tree beside
//! the others. That tree is then read as a start would read it; only what passes gets its place.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use domain::backup::BackupRef;
use domain::failure::{Failure, chain};
use domain::field::{Field, Problem};
use domain::id::VServerName;
use domain::identity::VServerIdentity;
use domain::note::Note;
use domain::operation::{Actor, Stage};
use domain::restore::{Proposal, RestoreForm, RestoreSpec};
use rustix::fs::{Mode, OFlags, open, statvfs};

use super::depot::Which;
use super::host_only::{Provenance, withhold};
use super::manifest::{Checked, Kind, Manifest};
use super::stored::Stored;
use super::tree::{self as config_tree, TreeError};
use super::unpack::{One, Unpacked, beneath};
use super::view::{manifest, member, not_in_backup};
use super::{depot, inside};
use crate::base_links;
use crate::build::host_keys;
use crate::config::{self, GuestConfig};
use crate::disk_full::is_disk_full;
use crate::engine::{Engine, Instance};
use crate::lifecycle::LifecycleError;
use crate::operation::{Finish, Step, Stopped, Work, crash_point};
use crate::recovery::{self, RecoveryError};
use crate::roots::Roots;
use crate::state::GuestState;
use crate::tree;
use crate::unification;

/// Why something was not restored.
#[derive(Debug, thiserror::Error)]
pub(super) enum RestoreError {
    /// A directory could not be made or opened.
    #[error("using {path}")]
    Place {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The config tree could not be written or read.
    #[error("writing the config tree")]
    Config(#[from] TreeError),
    /// Files inside could not be changed to the new name and addresses.
    #[error("changing its name inside")]
    Inside(#[source] io::Error),
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Place { path, source } if is_disk_full(&source) => {
                Self::DiskFull { path: path.display().to_string() }
            }
            error => Self::Unexpected { detail: chain(&error) },
        }
    }
}

pub(super) fn place(path: &Path) -> impl FnOnce(io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::Place { path, source }
}

/// What the config tree of a backup claims; and its interfaces' directories.
pub(super) fn claims(
    instance: &Instance,
    manifest: &Manifest,
) -> Result<(VServerIdentity, Vec<String>), Failure> {
    let looked =
        config_tree::Looked::at(&instance.settings.roots, manifest).map_err(RestoreError::from)?;
    let claims = config::identity_of(looked.path(), &manifest.vserver)?;
    let directories = config::interface_directories(looked.path())?.into_iter();
    let numbers =
        directories.map(|(directory, _)| directory.trim_start_matches("interfaces/").to_owned());
    Ok((claims, numbers.collect()))
}

/// What a backup would claim, what of it is another's already, and what to take instead.
///
/// # Errors
/// When there is none, or it or the host cannot be read.
pub fn propose(engine: &Engine, backup: &BackupRef) -> Result<Proposal, Failure> {
    let (manifest, _) = manifest(engine.instance(), backup)?;
    let (claims, _) = claims(engine.instance(), &manifest)?;
    let host = engine.host_facts()?;
    let mut proposal = claims.propose(&host);
    // Files may be in the way where no VServer is.
    let has_pkg = has_pkg(&manifest);
    while proposal.form.name.parse().is_ok_and(|name| !is_free(engine, &name, has_pkg)) {
        let taken = Problem::NotEmpty { path: proposal.form.name.clone() };
        if proposal.conflicts.of(Field::Name).next().is_none() {
            proposal.conflicts.push(Field::Name, taken);
        }
        let mut host = host.clone();
        host.names.extend(proposal.form.name.parse::<VServerName>());
        let next = VServerIdentity { name: claims.name.clone(), ..claims.clone() }.propose(&host);
        if next.form.name == proposal.form.name {
            break;
        }
        proposal.form.name = next.form.name;
    }
    Ok(proposal)
}

fn is_free(engine: &Engine, name: &VServerName, has_pkg: bool) -> bool {
    let roots = &engine.instance().settings.roots;
    to_be_filled(roots, name).is_ok() && (!has_pkg || pkg_is_free(roots, name).is_ok())
}

/// Whether package state is in a backup.
fn has_pkg(manifest: &Manifest) -> bool {
    manifest.entries.iter().any(|entry| entry.path.0 == b"pkg")
}

/// Sees that nothing is where package state goes: somebody may have left it when a VServer went.
fn pkg_is_free(roots: &Roots, name: &VServerName) -> Result<(), Failure> {
    let path = base_links::packages_of(roots, name);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(RestoreError::Place { path, source }.into()),
        Ok(_) => Err(Failure::of_field(
            Field::Name,
            Problem::NotEmpty { path: path.display().to_string() },
        )),
    }
}

/// Judges a form against a backup and the host as it is now.
///
/// # Errors
/// All that is wrong with it.
pub(crate) fn judge(
    engine: &Engine,
    backup: &BackupRef,
    form: &RestoreForm,
) -> Result<RestoreSpec, Failure> {
    let (manifest, _) = manifest(engine.instance(), backup)?;
    let (claims, _) = claims(engine.instance(), &manifest)?;
    let host = engine.host_facts()?;
    let spec = form
        .judge(&claims, Some(backup.clone()), &host)
        .map_err(|errors| Failure::Invalid { errors })?;
    let roots = &engine.instance().settings.roots;
    to_be_filled(roots, &spec.name)?;
    if has_pkg(&manifest) {
        pkg_is_free(roots, &spec.name)?;
    }
    Ok(spec)
}

/// Whether the directory of the files is there, empty, and is to be filled.
pub(super) fn to_be_filled(roots: &Roots, name: &VServerName) -> Result<bool, Failure> {
    let path = base_links::guest_of(roots, name)?;
    let is_empty = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(RestoreError::Place { path, source }.into()),
        Ok(found) => found.is_dir() && tree::is_empty(&path).map_err(place(&path))?,
    };
    match is_empty {
        true => Ok(true),
        false => Err(Failure::of_field(
            Field::Name,
            Problem::NotEmpty { path: path.display().to_string() },
        )),
    }
}

/// Makes a VServer of a backup.
///
/// # Errors
/// When it is cancelled or something fails; what was made is in the journal.
pub fn restore(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &RestoreSpec,
) -> Result<(), Stopped> {
    let Some(backup) = &spec.backup else { return Err(not_in_backup().into()) };
    let depot = depot(&instance.settings, &backup.target)?;
    let which = Which::Whole(backup.id);
    let stored = Stored { instance, depot: &depot, vserver: &backup.vserver, which };
    let told = |error: super::stored::StoredError| error.into_failure(backup);
    let (manifest, _) = stored.manifest().map_err(told)?;
    let places = Places::make(instance, work, spec, has_pkg(&manifest))?;
    has_room(&instance.settings.roots, &manifest)?;
    crash_point("restore:begun");
    let mut unpacked = places.receiver()?;
    let all = manifest.stored_bytes().max(1);
    let mut read = 0_u64;
    work.progress(Stage::RestoringFiles, 20);
    let mut going = |bytes: u64| {
        read += bytes;
        let done = 20 + read.min(all) * 880 / all;
        work.progress(Stage::RestoringFiles, u16::try_from(done).unwrap_or(900));
        !work.is_cancelled()
    };
    stored.receive(&manifest, &mut unpacked, &mut going).map_err(told)?;
    unpacked.finish().map_err(place(&places.root))?;
    if unpacked.devices > 0 {
        work.note(&Note::DevicesNotMade { count: unpacked.devices });
    }
    crash_point("restore:unpacked");
    places.conclude(instance, work, spec, &manifest)
}

/// Where a restored VServer is made, and where it goes.
pub(super) struct Places {
    /// Its files.
    pub(super) root: PathBuf,
    /// Its package state.
    pub(super) pkg: Option<PathBuf>,
    finish: Vec<Finish>,
}

impl Places {
    /// Makes them, each in the journal first.
    pub(super) fn make(
        instance: &Instance,
        work: &mut Work<'_>,
        spec: &RestoreSpec,
        has_pkg: bool,
    ) -> Result<Self, Stopped> {
        let roots = &instance.settings.roots;
        config::ensure_defaults(roots)?;
        let base = base_links::prepare_guest_base(roots).map_err(Failure::from)?;
        let mut finish = Vec::new();
        let root = base.join(spec.name.as_str());
        let root = if to_be_filled(roots, &spec.name)? {
            recovery::fill(roots, work, &root)?;
            root
        } else {
            let aside = base.join(format!(".staging-{}", work.id()));
            work.intend(Step::MakeTree(aside.clone()))?;
            DirBuilder::new().mode(0o700).create(&aside).map_err(place(&aside))?;
            finish.push(Finish::Move { from: aside.clone(), to: root });
            aside
        };
        let pkg = match has_pkg {
            false => None,
            true => {
                pkg_is_free(roots, &spec.name)?;
                let base = base.join(".pkg");
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o755)
                    .create(&base)
                    .map_err(place(&base))?;
                let aside = base.join(format!(".staging-{}", work.id()));
                work.intend(Step::MakeTree(aside.clone()))?;
                DirBuilder::new().mode(0o700).create(&aside).map_err(place(&aside))?;
                let to = base_links::packages_of(roots, &spec.name);
                finish.push(Finish::Move { from: aside.clone(), to });
                Some(aside)
            }
        };
        Ok(Self { root, pkg, finish })
    }

    pub(super) fn receiver(&self) -> Result<Unpacked, RestoreError> {
        let pkg = self.pkg.as_deref().map(opened).transpose()?;
        Ok(Unpacked::new(opened(&self.root)?, pkg))
    }

    /// Gives the files their new names, writes the config tree, and puts all of it in place.
    pub(super) fn conclude(
        mut self,
        instance: &Instance,
        work: &mut Work<'_>,
        spec: &RestoreSpec,
        manifest: &Manifest,
    ) -> Result<(), Stopped> {
        let roots = &instance.settings.roots;
        let (claims, directories) = claims(instance, manifest)?;
        // Two machines of one identity would be taken for each other by whoever meets them.
        let is_twin = !spec.keeps_host_keys && roots.config_of(&claims.name).is_dir();
        let root = opened(&self.root)?;
        let told = inside::rename(&root, &claims, spec, is_twin).map_err(RestoreError::Inside)?;
        for note in told {
            work.note(&note);
        }
        if is_twin {
            host_keys::renew(instance, work, spec.context, &self.root)?;
        }
        work.progress(Stage::WritingConfig, 920);
        let staging = config::staging_of(roots, &spec.name);
        work.intend(Step::MakeTree(staging.clone()))?;
        let directory = staging.join(spec.name.as_str());
        let mut config = manifest.config.clone();
        if matches!(work.operation().actor, Actor::User { .. }) {
            let today = roots.config_of(&claims.name);
            let from = Provenance::Backup(&today);
            for note in withhold(&mut config, &claims.name, from) {
                work.note(&note);
            }
        }
        let wanted = config_tree::adapted(roots, config, &claims, &directories, spec);
        config_tree::write(&directory, &wanted, &self.root).map_err(RestoreError::from)?;
        // Read as a start would read it: whatever the backup says, this is what is judged.
        let aside = Roots { config_base: staging.clone(), ..roots.clone() };
        let config = GuestConfig::read(&aside, &spec.name)?;
        for warning in &config.warnings {
            work.note(warning);
        }
        config_tree::set_root(&directory, roots, &spec.name).map_err(RestoreError::from)?;
        crash_point("restore:config-written");
        tree::write_back(&self.root).map_err(place(&self.root))?;
        work.go_on()?;
        work.progress(Stage::Finishing, 990);
        // Last, so that the moment a VServer is listed its files are there.
        self.finish.push(Finish::Move { from: directory, to: roots.config_of(&spec.name) });
        self.finish.push(Finish::RemoveTree(staging));
        work.commit(self.finish)?;
        crash_point("restore:committed");
        recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?;
        Ok(())
    }
}

/// Whether there is room for the files; a restore that cannot end is not begun.
fn has_room(roots: &Roots, manifest: &Checked) -> Result<(), Failure> {
    let path = &base_links::shown_guest_base(roots);
    let found = statvfs(path).map_err(|errno| place(path)(errno.into()))?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    if manifest.stored_bytes() > free {
        return Err(Failure::DiskFull { path: path.display().to_string() });
    }
    Ok(())
}

fn opened(path: &Path) -> Result<OwnedFd, RestoreError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    open(path, flags, Mode::empty()).map_err(|errno| place(path)(errno.into()))
}

/// Puts one file of a backup back: under its own name if that is free, else beside, with the moment of
/// the backup added. Nothing is replaced. Gives the path, seen from inside.
///
/// # Errors
/// When it is not a file of the backup, or its directory is not there any more.
pub fn restore_file(
    instance: &Instance,
    work: &mut Work<'_>,
    backup: &BackupRef,
    into: &VServerName,
    path: &str,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let depot = depot(&instance.settings, &backup.target)?;
    let which = Which::Whole(backup.id);
    let stored = Stored { instance, depot: &depot, vserver: &backup.vserver, which };
    let told = |error: super::stored::StoredError| error.into_failure(backup);
    let (manifest, _) = stored.manifest().map_err(told)?;
    let wanted = member(path)?;
    // Of several names the first has the bytes.
    let first = match manifest.entry(&wanted).map(|entry| &entry.kind) {
        Some(Kind::File { .. }) => wanted.clone(),
        Some(Kind::HardLink(to)) => to.0.clone(),
        _ => return Err(not_in_backup().into()),
    };
    let root = config::root_directory_of(roots, into)
        .ok_or_else(|| Failure::NoSuchVServer { name: into.clone() })?;
    let running = GuestState::running(roots, into).map_err(LifecycleError::from)?;
    // While it runs its layers are shown with ids that are not those of the backup.
    if running.is_some() && unification::reference_of(&root).map_err(Failure::from)?.is_some() {
        return Err(Failure::MustBeStopped { name: into.clone() }.into());
    }
    let below = wanted.strip_prefix(b"files/").unwrap_or_default();
    let (above, name) = match below.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (below.get(..slash).unwrap_or_default(), below.get(slash + 1..)),
        None => (&b""[..], Some(below)),
    };
    let name = name.unwrap_or_default();
    let directory = beneath(&opened(&root)?, above, OFlags::RDONLY | OFlags::DIRECTORY)
        .map_err(place(&root))?;
    let mut one = One::new(&first, &directory).map_err(place(&root))?;
    work.progress(Stage::RestoringFiles, 100);
    let mut going = |_bytes: u64| !work.is_cancelled();
    stored.receive(&manifest, &mut one, &mut going).map_err(told)?;
    crash_point("restore-file:received");
    let beside = [name, format!(".restored-{}", backup.id).as_bytes()].concat();
    let kept = match one.keep(&directory, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            one.keep(&directory, &beside).map(|()| beside.as_slice())
        }
        other => other.map(|()| name),
    };
    let kept = kept.map_err(place(&root))?;
    crash_point("restore-file:kept");
    let shown = super::manifest::Bytes([above, b"/", kept].concat()).lossy();
    let path = format!("/{}", shown.trim_start_matches('/'));
    work.note(&Note::RestoredAs { path });
    Ok(())
}
