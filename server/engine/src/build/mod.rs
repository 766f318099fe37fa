//! Building a VServer: a base system (made or found), a copy of it, what makes it its own, its config
//! tree; all of it aside, until the commit puts it in place.
//!
//! Invariants:
//! - Until the commit nothing of the VServer is where a VServer would be, unless its directory was
//!   there, empty (a mounted volume): then it is filled in place, and emptied should the build fail.
//! - What packages bring runs only in [`stage`]; this process never follows a link of theirs.

mod base;
pub(crate) mod configure;
mod debootstrap;
pub mod stage;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use domain::build::BuildSpec;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::operation::Stage;

use crate::config;
use crate::engine::Instance;
use crate::operation::{Finish, Step, Stopped, Work, crash_point};
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
        match &error {
            BuildError::Occupied { path } => {
                let mut errors = FieldErrors::default();
                let path = path.display().to_string();
                errors.push(Field::Name, Problem::NotEmpty { path });
                Self::Invalid { errors }
            }
            BuildError::Place { path, source } | BuildError::Configure { path, source }
                if source.kind() == io::ErrorKind::StorageFull =>
            {
                Self::DiskFull { path: path.display().to_string() }
            }
            _ => Self::Unexpected { detail: domain::failure::chain(&error) },
        }
    }
}

/// Judges the place where a VServer's files would go: it must be free, or an empty directory.
///
/// # Errors
/// When it is neither, or cannot be looked at.
pub fn judge_place(roots: &Roots, spec: &BuildSpec) -> Result<(), BuildError> {
    is_to_be_filled(roots, spec).map(drop)
}

/// Whether the directory is there, empty, and is to be filled.
fn is_to_be_filled(roots: &Roots, spec: &BuildSpec) -> Result<bool, BuildError> {
    let path = roots.guest_of(&spec.name);
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(BuildError::Place { path, source }),
        Ok(found) if !found.is_dir() => Err(BuildError::Occupied { path }),
        Ok(_) => match tree::is_empty(&path) {
            Ok(true) => Ok(true),
            Ok(false) => Err(BuildError::Occupied { path }),
            Err(source) => Err(BuildError::Place { path, source }),
        },
    }
}

/// Builds a VServer.
///
/// # Errors
/// When it is cancelled or something fails; what was made so far is in the journal.
pub fn build(instance: &Instance, work: &mut Work<'_>, spec: &BuildSpec) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let place =
        |path: &std::path::Path, source| BuildError::Place { path: path.to_owned(), source };
    base::make_private(&roots.guest_base).map_err(|source| place(&roots.guest_base, source))?;
    config::ensure_defaults(roots)?;
    let base = base::obtain(instance, work, spec)?;
    work.go_on()?;

    let (from, span) = if base.is_new { (860, 100) } else { (50, 850) };
    work.progress(Stage::CopyingBase, from);
    let mut finish = Vec::new();
    let root = if is_to_be_filled(roots, spec)? {
        let root = roots.guest_of(&spec.name);
        work.intend(Step::Fill(root.clone()))?;
        root
    } else {
        let root = roots.guest_base.join(format!(".staging-{}", work.id()));
        work.intend(Step::MakeTree(root.clone()))?;
        let mode = fs::metadata(&base.root).map_err(|source| place(&base.root, source))?;
        DirBuilder::new()
            .mode(std::os::unix::fs::MetadataExt::mode(&mode) & 0o755)
            .create(&root)
            .map_err(|source| place(&root, source))?;
        finish.push(Finish::Move { from: root.clone(), to: roots.guest_of(&spec.name) });
        root
    };
    crash_point("build:copy-begun");
    base::copy(&base, &root, work)?;
    drop(base);
    crash_point("build:copied");
    work.progress(Stage::Configuring, from + span);
    let warnings = configure::configure(&root, spec)
        .map_err(|source| BuildError::Configure { path: root.clone(), source })?;
    for warning in warnings {
        work.log(&warning);
    }
    crash_point("build:configured");

    work.progress(Stage::WritingConfig, from + span + 10);
    let staging = config::staging_of(roots, &spec.name);
    work.intend(Step::MakeTree(staging.clone()))?;
    let (config_base, run_base) =
        (roots.config_base.display().to_string(), roots.run_base.display().to_string());
    config::write_new(&staging, &spec.config_files(&config_base, &run_base))?;
    // Last, so that the moment a VServer is listed its files are there.
    finish.push(Finish::Move { from: staging, to: roots.config_of(&spec.name) });
    crash_point("build:config-written");
    work.go_on()?;
    work.progress(Stage::Finishing, 990);
    work.commit(finish)?;
    crash_point("build:committed");
    recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?;
    Ok(())
}

/// Whether this host can run what builds run, where they run it: a program as root of a user namespace,
/// on a directory of the guests' filesystem shown with its ids.
///
/// # Errors
/// What is missing.
pub fn try_stage(instance: &Instance) -> Result<(), Failure> {
    base::try_stage(instance)
}
