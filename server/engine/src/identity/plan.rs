//! Everything that a change of identity does, worked out before any of it is done: the steps are what
//! is shown to people, written to the journal, taken and undone.
//!
//! The course does it by hand in eight places and forgets some (fact sheet L11): config directory,
//! `name`, host name, labels of addresses, root directory, logical volume, mount point and the host's
//! fstab, the links `vdir`, `cache` and `run`; and here also caches, logs, package state, the guest's
//! own `/etc/hostname` and `/etc/hosts`, and what other VServers call it by.
//!
//! Order: what lies inside the trees first, where they are; then the trees move, the config tree last,
//! so that a VServer is listed under its new name when all of it is there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::id::VServerName;
use domain::identity::{IdentityChange, PlannedChange};
use domain::note::Note;
use domain::place::PlaceProblem;

use super::interfaces;
use super::text::{moved_path, scalar, with_fields, with_item, with_words};
use crate::config::{self, ConfigError};
use crate::operation::{Finish, Step};
use crate::rewrite::FilePlace;
use crate::roots::Roots;
use crate::tree;
use crate::unification;
use crate::volume::{self, LogicalVolume, Mounted, VolumeError};

/// Why a change of identity cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file could not be looked at.
    #[error("looking at {path}")]
    Look {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Where something would go there is something.
    #[error("{path} is in the way")]
    InTheWay {
        /// What.
        path: PathBuf,
    },
    /// Something is mounted below its files.
    #[error("{path} is mounted")]
    Mounted {
        /// Where.
        path: PathBuf,
    },
    /// The volume that its files are on is not mounted, or for reading alone.
    #[error("{path}: {problem}")]
    Place {
        /// Where it is, or would be.
        path: PathBuf,
        /// What is wrong.
        problem: PlaceProblem,
    },
    /// A path that is not UTF-8.
    #[error("{path} is not UTF-8")]
    NotText {
        /// Which.
        path: PathBuf,
    },
    /// Its volume.
    #[error("looking at its volume")]
    Volume(#[from] VolumeError),
    /// A config tree.
    #[error("reading a config tree")]
    Config(#[from] ConfigError),
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::InTheWay { path } => {
                let mut errors = FieldErrors::default();
                errors.push(Field::Name, Problem::NotEmpty { path: path.display().to_string() });
                Self::Invalid { errors }
            }
            PlanError::Mounted { path } => Self::Mounted { path: path.display().to_string() },
            PlanError::Place { path, problem } => {
                Self::Place { path: path.display().to_string(), problem }
            }
            PlanError::Volume(error) => error.into(),
            PlanError::Config(error) => error.into(),
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// Something of a VServer's: where it is now, and where it belongs under its old name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where it is.
    pub(crate) now: PathBuf,
    /// Where it belongs.
    pub(crate) home: PathBuf,
}

impl Part {
    /// Something that is where it belongs.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { now: path.clone(), home: path }
    }

    /// Where it goes: the last part of its path follows the name if it is that name.
    fn goes(&self, change: &IdentityChange) -> PathBuf {
        let is_named = self.home.file_name() == Some(change.before.name.as_str().as_ref());
        match is_named {
            true => self.home.with_file_name(change.after.name.as_str()),
            false => self.home.clone(),
        }
    }
}

/// All parts of a VServer.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// Its config tree.
    pub(crate) config: Part,
    /// Its files; none when `vdir` leads nowhere.
    pub(crate) root: Option<Part>,
    /// Whether its files stay where they are whatever it is called: they are outside of what is ours,
    /// or fill a volume of their own while it is in the recycle bin.
    pub(crate) root_stays: bool,
    /// Cache, log, package state: each only if it is there.
    pub(crate) others: Vec<Part>,
}

/// A change that was worked out.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// What is done, in order; each can be undone.
    pub(crate) steps: Vec<Step>,
    /// What is left to be done once it counts.
    pub(crate) finish: Vec<Finish>,
    /// What a person should know.
    pub(crate) notes: Vec<Note>,
}

/// Works a change out. `aside` is a directory to be, beside the config trees, in which something is kept
/// until the change counts.
///
/// # Errors
/// When something is in the way, or a file cannot be understood.
pub(crate) fn plan(
    roots: &Roots,
    change: &IdentityChange,
    parts: &Parts,
    aside: &Path,
) -> Result<Plan, PlanError> {
    let mut plan = Plan::default();
    let tree = &parts.config.now;
    let root_goes = match (&parts.root, parts.root_stays) {
        (Some(root), false) => Some((root.clone(), root.goes(change))),
        _ => None,
    };
    let moves = root_goes.as_ref().is_some_and(|(root, goes)| root.now != *goes);
    let volume = match change.is_rename() || moves {
        true => volume_of(roots, parts, tree)?,
        false => None,
    };
    let volume_goes = volume.as_ref().and_then(|volume| volume.goes(change));
    plan.guest(change, parts)?;
    plan.names(change, tree)?;
    interfaces::plan(&mut plan, change, tree, aside)?;
    plan.links(change, tree, root_goes.is_some())?;
    plan.paths(tree, root_goes.as_ref(), volume_goes.as_ref())?;
    if change.is_rename() && tree == &parts.config.home {
        plan.references(roots, change)?;
    }
    let mounted = volume.and_then(|volume| volume.mounted);
    let remount = mounted.filter(|_| moves || volume_goes.is_some());
    if let Some(mounted) = &remount {
        plan.steps.push(Step::Unmount(mounted.clone()));
    }
    if let Some((from, to)) = &volume_goes {
        let (group, from, to) = (from.group.clone(), from.name.clone(), to.name.clone());
        plan.steps.push(Step::RenameVolume { group, from, to });
    }
    if let Some((root, goes)) = &root_goes {
        plan.moved(&root.now, goes)?;
        plan.host_fstab(roots, &root.home, goes, volume_goes.as_ref())?;
    }
    for part in &parts.others {
        let goes = part.goes(change);
        // An old log of another one of that name is no reason to keep this one from it.
        if part.now == goes {
            continue;
        }
        let mounts = tree::mounts_in(&part.now).map_err(look(&part.now))?;
        if let Some(path) = mounts.into_iter().next() {
            return Err(PlanError::Mounted { path });
        }
        if is_there(&goes) {
            let (path, there) = (show(&part.now), show(&goes));
            plan.notes.push(Note::StaysBecauseOf { path, there });
            continue;
        }
        plan.moved(&part.now, &goes)?;
    }
    if let (Some(mounted), Some((_, goes))) = (remount, &root_goes) {
        let source = volume_goes.as_ref().and_then(|(from, to)| renamed(&mounted.source, from, to));
        let source = source.unwrap_or_else(|| mounted.source.clone());
        plan.steps.push(Step::Mount(Mounted { source, target: goes.clone(), ..mounted }));
    }
    plan.moved(tree, &parts.config.goes(change))?;
    Ok(plan)
}

impl Plan {
    /// A file gets another text; nothing happens when it has it.
    pub(super) fn rewrite(
        &mut self,
        file: FilePlace,
        before: Option<String>,
        after: Option<String>,
    ) {
        if before != after {
            self.steps.push(Step::Rewrite { file, before, after });
        }
    }

    /// A file of the config tree that holds one value gets another one, or goes.
    pub(super) fn scalar(
        &mut self,
        tree: &Path,
        path: &str,
        value: Option<String>,
    ) -> Result<(), PlanError> {
        let file = FilePlace::new(tree, path);
        let before = read(&file)?;
        let is_same = before.as_deref().map(scalar) == value.as_deref();
        if !is_same {
            self.rewrite(file, before, value.map(|value| format!("{value}\n")));
        }
        Ok(())
    }

    /// The directory of a file that is to be written is made when it is missing.
    pub(super) fn directory(&mut self, path: PathBuf) {
        let step = Step::MakeTree(path.clone());
        if !is_there(&path) && !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }

    fn moved(&mut self, from: &Path, to: &Path) -> Result<(), PlanError> {
        if from == to {
            return Ok(());
        }
        if is_there(to) {
            return Err(PlanError::InTheWay { path: to.to_owned() });
        }
        self.steps.push(Step::Move { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    /// `name`, `context`, host name.
    fn names(&mut self, change: &IdentityChange, tree: &Path) -> Result<(), PlanError> {
        let (before, after) = (&change.before, &change.after);
        if change.is_rename() {
            let shown = read(&FilePlace::new(tree, "name"))?;
            match shown.as_deref().map(scalar) {
                Some(shown) if shown == before.name.as_str() => {
                    self.scalar(tree, "name", Some(after.name.to_string()))?;
                }
                Some(shown) if !shown.is_empty() => {
                    self.notes.push(Note::NameStays { shown: shown.to_owned() });
                }
                _ => {}
            }
        }
        if before.context != after.context {
            self.scalar(tree, "context", after.context.map(|context| context.to_string()))?;
        }
        if before.host_name != after.host_name {
            let has = |path: &str| Ok::<_, PlanError>(read(&FilePlace::new(tree, path))?.is_some());
            let is_old = !has("uts/nodename")? && has("hostname")?;
            let path = if is_old { "hostname" } else { "uts/nodename" };
            if !is_old {
                self.directory(tree.join("uts"));
            }
            self.scalar(tree, path, after.host_name.as_ref().map(ToString::to_string))?;
        }
        Ok(())
    }

    /// `vdir`, `cache`, `run`, and the links of package state.
    fn links(
        &mut self,
        change: &IdentityChange,
        tree: &Path,
        root_goes: bool,
    ) -> Result<(), PlanError> {
        if !change.is_rename() {
            return Ok(());
        }
        let (old, new) = (change.before.name.as_str(), change.after.name.as_str());
        let mut relink = |path: &str, is_meant: &dyn Fn(&Path) -> Option<PathBuf>| {
            let file = FilePlace::new(tree, path);
            let before = file.link().map_err(look(&file.shown()))?;
            let after = before
                .as_deref()
                .and_then(|target| Some(is_meant(Path::new(target))?.to_str()?.to_owned()));
            if let (Some(before), Some(after)) = (before, after) {
                self.steps.push(Step::Relink { file, before, after });
            }
            Ok::<_, PlanError>(())
        };
        let last = |target: &Path| {
            (target.file_name() == Some(old.as_ref())).then(|| target.with_file_name(new))
        };
        for path in ["vdir", "cache", "run"] {
            if path != "vdir" || root_goes {
                relink(path, &last)?;
            }
        }
        // `<vdirbase>/.pkg/<name>/rpm/etc` and the like (fact sheet 1.5).
        let below_packages = |target: &Path| {
            let mut is_after = false;
            let mut parts = Vec::new();
            for part in target.components() {
                let is_it = is_after && part.as_os_str() == old;
                parts.push(if is_it { new.as_ref() } else { part.as_os_str() });
                is_after = part.as_os_str() == ".pkg";
            }
            let made: PathBuf = parts.into_iter().collect();
            (made != target).then_some(made)
        };
        for name in names_in(&tree.join("apps/pkgmgmt")) {
            relink(&format!("apps/pkgmgmt/{name}"), &below_packages)?;
        }
        Ok(())
    }

    /// Host paths inside the config tree: the directories of disk limits, sources in its own fstab.
    fn paths(
        &mut self,
        tree: &Path,
        root: Option<&(Part, PathBuf)>,
        volume: Option<&(LogicalVolume, LogicalVolume)>,
    ) -> Result<(), PlanError> {
        let path = |word: &str| {
            let (root, goes) = root?;
            moved_path(word, &root.home, goes).filter(|moved| moved != word)
        };
        for name in names_in(&tree.join("dlimits")) {
            let file = FilePlace::new(tree, &format!("dlimits/{name}/directory"));
            let before = read(&file)?;
            if let Some(goes) = before.as_deref().map(scalar).and_then(path) {
                self.rewrite(file, before, Some(format!("{goes}\n")));
            }
        }
        let file = FilePlace::new(tree, "fstab");
        if let Some(before) = read(&file)? {
            let after = with_fields(&before, |number, word| match number {
                0 => device(word, volume).or_else(|| path(word)),
                _ => None,
            });
            self.rewrite(file, Some(before), Some(after));
        }
        Ok(())
    }

    /// What the guest calls itself. What cannot be read there is left as it is: it is the guest's.
    fn guest(&mut self, change: &IdentityChange, parts: &Parts) -> Result<(), PlanError> {
        let (before, after) = (&change.before, &change.after);
        let mut pairs = Vec::new();
        if let (Some(old), Some(new)) = (&before.host_name, &after.host_name)
            && old != new
        {
            let short = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
            pairs.push((old.to_string(), new.to_string()));
            pairs.push((short(old.as_str()), short(new.as_str())));
        }
        pairs.retain(|(old, new)| old != new);
        let names = pairs.len();
        let address = |identity: &domain::identity::VServerIdentity| {
            identity.interfaces.first().map(|interface| interface.address.to_string())
        };
        if let (Some(old), Some(new)) = (address(before), address(after))
            && old != new
        {
            pairs.push((old, new));
        }
        let Some(root) = parts.root.as_ref().filter(|_| !pairs.is_empty()) else { return Ok(()) };
        for path in ["etc/hostname", "etc/mailname", "etc/hosts"] {
            let file = FilePlace::new(&root.now, path);
            let Ok(Some(text)) = file.read() else { continue };
            let pairs = match path {
                "etc/hosts" => pairs.as_slice(),
                _ => pairs.get(..names).unwrap_or_default(),
            };
            let made = with_words(&text, pairs);
            self.rewrite(file, Some(text), Some(made));
        }
        Ok(())
    }

    /// What other VServers call it by.
    fn references(&mut self, roots: &Roots, change: &IdentityChange) -> Result<(), PlanError> {
        let (old, new) = (change.before.name.as_str(), change.after.name.as_str());
        for other in dependents(roots, &change.before.name)? {
            let tree = roots.config_of(&other);
            for path in REFERENCES {
                let file = FilePlace::new(&tree, path);
                if let Ok(Some(before)) = file.read() {
                    let after = with_item(&before, old, new);
                    self.rewrite(file, Some(before), Some(after));
                }
            }
        }
        Ok(())
    }

    /// The host's own fstab: where the volume is mounted, and its device.
    fn host_fstab(
        &mut self,
        roots: &Roots,
        root: &Path,
        goes: &Path,
        volume: Option<&(LogicalVolume, LogicalVolume)>,
    ) -> Result<(), PlanError> {
        let path = &roots.host_fstab;
        let (Some(base), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
        let file = FilePlace::new(base, &name.to_string_lossy());
        let Some(before) = read(&file)? else { return Ok(()) };
        let after = with_fields(&before, |number, word| match number {
            0 => device(word, volume).or_else(|| moved_path(word, root, goes)),
            1 => moved_path(word, root, goes).or_else(|| moved_link(word, root, goes)),
            _ => None,
        });
        self.rewrite(file, Some(before), Some(after));
        Ok(())
    }
}

/// A directory that is reached by way of a link (`/vservers`), as the one that it goes to, by the same way.
fn moved_link(word: &str, root: &Path, goes: &Path) -> Option<String> {
    let path = tree::unescaped(word);
    let parent = path.parent()?;
    let is_it = path.file_name() == root.file_name() && volume::names(&path, root);
    moved_path(word, &path, &parent.join(goes.file_name()?)).filter(|_| is_it)
}

/// Where other VServers name one: lists and values of names.
const REFERENCES: [&str; 3] = ["apps/init/depends", "spaces/net", "spaces/pid"];

/// The other VServers that name this one, sorted.
pub(crate) fn dependents(roots: &Roots, name: &VServerName) -> Result<Vec<VServerName>, PlanError> {
    let mut found = config::list_names(roots)?;
    found.retain(|other| {
        let names_it = |path: &str| {
            let text = FilePlace::new(&roots.config_of(other), path).read();
            text.is_ok_and(|text| {
                text.is_some_and(|text| text.lines().any(|line| line.trim() == name.as_str()))
            })
        };
        other != name && REFERENCES.into_iter().any(names_it)
    });
    Ok(found)
}

/// What holds its files, when that is a volume of its own.
struct Volume {
    mounted: Option<Mounted>,
    logical: Option<LogicalVolume>,
}

impl Volume {
    /// The logical volume under both names, when it is called after the VServer.
    fn goes(&self, change: &IdentityChange) -> Option<(LogicalVolume, LogicalVolume)> {
        let old =
            self.logical.clone().filter(|volume| volume.name == change.before.name.as_str())?;
        let new = LogicalVolume { name: change.after.name.to_string(), ..old.clone() };
        (new != old).then_some((old, new))
    }
}

fn volume_of(roots: &Roots, parts: &Parts, tree: &Path) -> Result<Option<Volume>, PlanError> {
    let Some(root) = parts.root.as_ref().filter(|_| !parts.root_stays) else { return Ok(None) };
    let mounts = unification::volumes_in(&root.now).map_err(look(&root.now))?;
    if let Some(path) = mounts.iter().find(|mount| **mount != root.now) {
        return Err(PlanError::Mounted { path: path.clone() });
    }
    let mounted = match mounts.is_empty() {
        true => None,
        false => volume::mounted_at(&root.now, &roots.host_fstab)?,
    };
    let wrong = |problem| PlanError::Place { path: root.now.clone(), problem };
    match &mounted {
        Some(_) if volume::is_read_only(&root.now) => return Err(wrong(PlaceProblem::ReadOnly)),
        // Without its files, what is in them could not follow.
        None if tree::is_empty(&root.now).map_err(look(&root.now))? => {
            let device = volume::in_fstab(&root.now, &roots.host_fstab);
            if device.is_some() {
                return Err(wrong(PlaceProblem::NotMounted { device }));
            }
        }
        _ => {}
    }
    let configured = || {
        let text = FilePlace::new(tree, "fstab").read().ok()??;
        let line = text
            .lines()
            .find(|line| volume::fstab_target(line).as_deref() == Some(Path::new("/")))?;
        line.split_whitespace().next().map(ToOwned::to_owned)
    };
    let device = mounted.as_ref().map(|mounted| mounted.source.clone()).or_else(configured);
    let logical = device.as_deref().and_then(volume::logical_volume);
    Ok((mounted.is_some() || logical.is_some()).then_some(Volume { mounted, logical }))
}

/// The device of a logical volume under its new name; none when it is another device.
fn renamed(device: &str, from: &LogicalVolume, to: &LogicalVolume) -> Option<String> {
    let number = from.devices().iter().position(|path| path == device)?;
    to.devices().get(number).cloned()
}

fn device(word: &str, volume: Option<&(LogicalVolume, LogicalVolume)>) -> Option<String> {
    let (from, to) = volume?;
    renamed(word, from, to)
}

fn read(file: &FilePlace) -> Result<Option<String>, PlanError> {
    file.read().map_err(look(&file.shown()))
}

fn look(path: &Path) -> impl FnOnce(io::Error) -> PlanError {
    let path = path.to_owned();
    move |source| PlanError::Look { path, source }
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Names in a directory, sorted; none when there is no such directory.
fn names_in(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// A step as it is shown to people.
pub(crate) fn shown(step: &Step) -> Option<PlannedChange> {
    Some(match step {
        Step::Move { from, to } => PlannedChange::Move { from: show(from), to: show(to) },
        Step::Rewrite { file, after, .. } => {
            PlannedChange::Write { path: show(&file.shown()), text: after.clone() }
        }
        Step::Relink { file, after, .. } => {
            PlannedChange::Link { path: show(&file.shown()), target: after.clone() }
        }
        Step::Unmount(volume) => {
            PlannedChange::Run(vec!["umount".to_owned(), show(&volume.target)])
        }
        Step::Mount(volume) => PlannedChange::Run(vec![
            "mount".to_owned(),
            volume.source.clone(),
            show(&volume.target),
        ]),
        Step::RenameVolume { group, from, to } => {
            PlannedChange::Run(["lvrename", group, from, to].map(str::to_owned).to_vec())
        }
        // Those of processes and of other operations.
        Step::MakeTree(_)
        | Step::Fill { .. }
        | Step::Run(_)
        | Step::End { .. }
        | Step::Edit(_)
        | Step::Freeze(_)
        | Step::Unify { .. }
        | Step::RunAside(_)
        | Step::Remount(_) => return None,
    })
}
