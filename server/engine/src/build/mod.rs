//! Building a VServer: its files (by one of the methods), what makes it its own, its config tree; all of
//! it aside, until the commit puts it in place.
//!
//! Invariants:
//! - Until the commit nothing of the VServer is where a VServer would be, unless its directory was
//!   there, empty (a mounted volume): then it is filled in place, and emptied should the build fail.
//! - What packages bring runs only in [`stage`]; this process never follows a link of theirs.

pub(crate) mod asking;
mod base;
pub mod bases;
pub(crate) mod configure;
mod copy;
mod debootstrap;
pub mod distribution;
mod hooks;
pub(crate) mod host_keys;
mod reflink;
pub mod relay;
mod remote;
mod rsync;
mod running;
mod skeleton;
mod source;
pub mod stage;
mod template;
mod unified;
pub(crate) mod yum;

pub use remote::judge_host_key;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use domain::build::{BuildSpec, Method, Source};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::note::Note;
use domain::operation::Stage;

use crate::base_links::{self, BaseLinkError};
use crate::config;
use crate::disk_full::is_disk_full;
use crate::engine::Instance;
use crate::operation::{Finish, Record, Step, Stopped, Work, crash_point};
use crate::recovery::{self, RecoveryError};
use crate::roots::Roots;
use crate::tree;

/// Why a VServer was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The directory its files would go to holds something.
    #[error("{path} is not empty")]
    Occupied {
        /// Which.
        path: PathBuf,
    },
    /// There is no place for its files.
    #[error("finding the place of its files")]
    NoPlace(#[from] BaseLinkError),
    /// A directory of ours could not be used.
    #[error("using {path}")]
    Place {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The process that runs debootstrap could not be used.
    #[error("running debootstrap")]
    Stage {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The description of a distribution cannot be used.
    #[error("using the description of a distribution")]
    Distribution(#[source] distribution::DistributionError),
    /// The base could not be copied.
    #[error("copying the base")]
    Copy {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Files inside the VServer could not be written.
    #[error("writing the VServer's own files in {path}")]
    Configure {
        /// Its root.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        if let BuildError::NoPlace(error) = error {
            return error.into();
        }
        match &error {
            BuildError::Occupied { path } => {
                Self::of_field(Field::Name, Problem::NotEmpty { path: path.display().to_string() })
            }
            BuildError::Distribution(error) => match error.problem() {
                Some(problem) => Self::of_field(Field::Distribution, problem),
                None => Self::Unexpected { detail: domain::failure::chain(error) },
            },
            BuildError::Place { path, source } | BuildError::Configure { path, source }
                if is_disk_full(source) =>
            {
                Self::DiskFull { path: path.display().to_string() }
            }
            _ => Self::Unexpected { detail: domain::failure::chain(&error) },
        }
    }
}

/// What is where a VServer's files go.
enum Place {
    /// Nothing, or what is moved aside.
    Free,
    /// An empty directory, or volume, which is filled.
    Empty,
    /// A directory with files that stay.
    Kept,
}

/// Judges the place where a VServer's files would go: it must be free, or an empty directory.
///
/// # Errors
/// When it is neither, or cannot be looked at.
pub fn judge_place(roots: &Roots, spec: &BuildSpec) -> Result<(), BuildError> {
    place_of(roots, spec).map(drop)
}

fn place_of(roots: &Roots, spec: &BuildSpec) -> Result<Place, BuildError> {
    let path = base_links::guest_of(roots, &spec.name)?;
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Place::Free),
        Err(source) => Err(BuildError::Place { path, source }),
        Ok(found) if !found.is_dir() => match spec.replaces {
            true => Ok(Place::Free),
            false => Err(BuildError::Occupied { path }),
        },
        Ok(_) => match tree::is_empty(&path) {
            Ok(true) => Ok(Place::Empty),
            Ok(false) if spec.keeps_root => Ok(Place::Kept),
            Ok(false) if spec.replaces => Ok(Place::Free),
            Ok(false) => Err(BuildError::Occupied { path }),
            Err(source) => Err(BuildError::Place { path, source }),
        },
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.to_owned();
    move |source| BuildError::Place { path, source }
}

/// Builds a VServer.
///
/// # Errors
/// When it is cancelled or something fails; what was made so far is in the journal.
pub fn build(instance: &Instance, work: &mut Work<'_>, spec: &BuildSpec) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    config::ensure_defaults(roots)?;
    base_links::prepare_guest_base(roots).map_err(BuildError::from)?;
    let base = match &spec.method {
        Method::Debootstrap { .. } => Some(base::obtain(instance, work, spec)?),
        _ => None,
    };
    let mut held = match spec.method.copied_vserver() {
        Some(name) => Some(source::hold(roots, work, name)?),
        None => None,
    };
    work.go_on()?;

    let mut finish = Vec::new();
    let root = make_root(roots, work, spec, base.as_ref(), &mut finish)?;
    crash_point("build:copy-begun");
    // Where the files end in the progress of the whole.
    let mut filled = 900;
    match (&spec.method, &mut held) {
        (Method::Debootstrap { .. }, _) => {
            if let Some(base) = &base {
                let (from, to) = if base.is_new { (860, 960) } else { (50, 900) };
                work.progress(Stage::CopyingBase, from);
                base::copy(&base.root, &root, work)?;
                filled = to;
            }
            debootstrap::run_hooks(instance, work, spec, &root)?;
        }
        (Method::Rsync { source, options }, held) => {
            let what = (source, options);
            copy::by_rsync(instance, work, spec, what, held.as_mut(), &root)?;
        }
        (Method::Clone { unified, .. }, Some(held)) => {
            copy::by_clone(instance, work, spec, *unified, held, &root)?;
        }
        (Method::Clone { source, .. }, None) => {
            return Err(Failure::NoSuchVServer { name: source.clone() }.into());
        }
        (Method::Yum { distribution, packages }, _) => {
            yum::install(instance, work, spec, (distribution, packages), &root)?;
        }
        (Method::Template { archive }, _) => {
            template::unpack(instance, work, spec, archive, &root)?;
        }
        (Method::Skeleton, _) => {
            work.progress(Stage::MakingDirectories, 50);
            skeleton::fill(&root).map_err(at(&root))?;
        }
    }
    drop((base, held));
    crash_point("build:copied");
    work.progress(Stage::Configuring, filled);
    let warnings = configure::configure(roots, &root, spec)
        .map_err(|source| BuildError::Configure { path: root.clone(), source })?;
    for warning in warnings {
        work.note(&warning);
    }
    if is_copy_beside_its_source(&spec.method) {
        host_keys::renew(instance, work, spec.context, &root)?;
        crash_point("build:keys-made");
    }
    crash_point("build:configured");

    work.progress(Stage::WritingConfig, filled + 10);
    let staging = config::staging_of(roots, &spec.name);
    work.intend(Step::MakeTree(staging.clone()))?;
    let (config_base, run_base) =
        (roots.config_base.display().to_string(), roots.run_base.display().to_string());
    config::write_new(&staging, &spec.config_files(&config_base, &run_base))?;
    // Last, so that the moment a VServer is listed its files are there.
    finish.push(Finish::Move { from: staging, to: roots.config_of(&spec.name) });
    crash_point("build:config-written");
    work.go_on()?;
    if spec.replaces {
        set_aside(roots, work, spec)?;
        crash_point("build:set-aside");
    }
    work.progress(Stage::Finishing, 990);
    tree::write_back(&root).map_err(at(&root))?;
    work.commit(finish)?;
    crash_point("build:committed");
    recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?;
    Ok(())
}

/// Makes the directory that is filled, and notes how it gets to its place.
fn make_root(
    roots: &Roots,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    base: Option<&base::Base>,
    finish: &mut Vec<Finish>,
) -> Result<PathBuf, Stopped> {
    let base_directory = base_links::guest_base(roots).map_err(BuildError::from)?;
    let place = base_directory.join(spec.name.as_str());
    match place_of(roots, spec)? {
        Place::Empty => {
            recovery::fill(roots, work, &place)?;
            Ok(place)
        }
        Place::Kept => {
            work.note(&Note::FilesStay);
            Ok(place)
        }
        Place::Free => {
            let root = base_directory.join(format!(".staging-{}", work.id()));
            work.intend(Step::MakeTree(root.clone()))?;
            let mode = match base {
                Some(base) => {
                    let found = fs::metadata(&base.root).map_err(at(&base.root))?;
                    std::os::unix::fs::MetadataExt::mode(&found) & 0o755
                }
                None => 0o755,
            };
            DirBuilder::new().mode(mode).create(&root).map_err(at(&root))?;
            finish.push(Finish::Move { from: root.clone(), to: place });
            Ok(root)
        }
    }
}

/// Moves what has the VServer's name out of the way (`--force`, fact sheet 2.2); a build that does not
/// come to its end moves it back.
fn set_aside(roots: &Roots, work: &mut Work<'_>, spec: &BuildSpec) -> Result<(), Stopped> {
    let seconds = work.clock().now().0 / 1000;
    let files = base_links::guest_of(roots, &spec.name).map_err(BuildError::from)?;
    for from in [roots.config_of(&spec.name), files] {
        let is_filled = finishes_in(&from, work);
        if fs::symlink_metadata(&from).is_err() || is_filled {
            continue;
        }
        let mut to = from.clone().into_os_string();
        to.push(format!(".~{seconds}~"));
        let to = PathBuf::from(to);
        let (shown, aside) = (from.display().to_string(), to.display().to_string());
        work.note(&Note::SetAside { from: shown, to: aside });
        let step = Step::Move { from: from.clone(), to };
        work.intend(step.clone())?;
        recovery::take_step(roots, &step).map_err(RecoveryError::into_failure)?;
    }
    Ok(())
}

/// Whether a directory is the one that this operation has filled in place.
fn finishes_in(directory: &Path, work: &Work<'_>) -> bool {
    let mut records = work.journal().records().iter();
    let is_it = |step: &Step| matches!(step, Step::Fill { root, .. } if root == directory);
    records.any(|record| matches!(record, Record::Step(step) if is_it(step)))
}

/// Whether the source goes on beside its copy, which then must not say that it is the same machine. What
/// is copied from another machine shall be that machine.
fn is_copy_beside_its_source(method: &Method) -> bool {
    match method {
        Method::Clone { .. } => true,
        Method::Rsync { source, .. } => !matches!(source, Source::Remote(_)),
        _ => false,
    }
}

/// Whether this host can run what builds run, where they run it: a program as root of a user namespace,
/// on a directory of the guests' filesystem shown with its ids.
///
/// # Errors
/// What is missing.
pub fn try_stage(instance: &Instance) -> Result<(), Failure> {
    base::try_stage(instance)
}
