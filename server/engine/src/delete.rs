//! Deleting a VServer: its files, its config tree, what is cached and logged of it.
//!
//! After the commit its name is free at once: root and config tree are moved into the recycle bin
//! ([`crate::recycle`]); or, where nothing is kept, moved aside and removed.
//! Nothing is removed that is not below one of our own bases, and nothing over a link or a mount
//! (fact sheet B25).

use std::io;
use std::path::{Path, PathBuf};

use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::id::VServerName;
use domain::operation::Stage;
use domain::place::PlaceProblem;

use crate::base_links;
use crate::config::{self, ConfigError};
use crate::engine::Instance;
use crate::lifecycle;
use crate::operation::{Finish, Stopped, Work, crash_point};
use crate::packages;
use crate::protect;
use crate::recovery::{self, RecoveryError};
use crate::recycle;
use crate::roots::Roots;
use crate::state::GuestState;
use crate::unification;
use crate::volume;

/// Why a VServer was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// Where its files are does not allow it.
    #[error("{path}: {problem}")]
    Place {
        /// Where they are.
        path: PathBuf,
        /// Why not.
        problem: PlaceProblem,
    },
    /// Something is mounted below its files.
    #[error("{path} is mounted: unmount it first")]
    Mounted {
        /// Where.
        path: PathBuf,
    },
    /// Looking at its files failed.
    #[error("looking at {path}")]
    Look {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<DeleteError> for Failure {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::Place { path, problem } => {
                Self::Place { path: path.display().to_string(), problem }
            }
            DeleteError::Mounted { path } => Self::Mounted { path: path.display().to_string() },
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// Deletes a VServer, with `at_once` for good; stops it first if it runs.
///
/// # Errors
/// When there is none of this name, it is protected, or its files may not be removed; then nothing was.
pub fn delete(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    at_once: bool,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let config = roots.config_of(name);
    if !config.is_dir() {
        return Err(ConfigError::NoSuchVServer { name: name.clone(), path: config }.into());
    }
    if protect::is_protected(&config) {
        return Err(Failure::Protected { name: name.clone() }.into());
    }
    let is_kept = !at_once && instance.settings.recycle_bin.keep_days > 0;
    let files = plan(roots, name)?;
    if GuestState::read(roots, name).map_err(lifecycle::LifecycleError::from)?.is_some() {
        lifecycle::stop(instance, work, name)?;
    }
    if let Files::Volume(root) = &files {
        // On the volume itself, not on the layers that it may hold.
        unification::hide(root).map_err(Failure::from)?;
        volume::mark(root, work.id())?;
    }
    if is_kept {
        let (root, volume) = match files {
            Files::None => (None, None),
            Files::Own(root) => (Some(root), None),
            Files::Volume(root) => (None, Some(root)),
        };
        return recycle::put(instance, work, name, root, volume);
    }
    work.progress(Stage::RemovingFiles, 300);
    let id = work.id().clone();
    let aside_config = roots.config_base.join(format!(".trash-{id}"));
    let mut finish = vec![Finish::Move { from: config, to: aside_config.clone() }];
    match files {
        Files::None => {}
        Files::Own(root) => {
            let aside = root.parent().unwrap_or(Path::new("/")).join(format!(".trash-{id}"));
            finish.push(Finish::Move { from: root, to: aside.clone() });
            finish.push(Finish::RemoveTree(aside));
        }
        Files::Volume(path) => finish.push(Finish::Empty { path, by: id.clone() }),
    }
    finish.extend([
        Finish::RemoveTree(aside_config),
        Finish::RemoveTree(base_links::cache_of(roots, name)),
        Finish::RemoveTree(roots.log_base.join(name.as_str())),
        Finish::RemoveFile(roots.run_file_of(name)),
        Finish::RemoveTree(config::history_of(roots, &ConfigTree::VServer(name.clone()))),
        // Its package state, when that was managed from outside.
        Finish::RemoveTree(base_links::packages_of(roots, name)),
        Finish::RemoveFile(packages::answer_of(roots, name)),
    ]);
    crash_point("delete:checked");
    work.commit(finish)?;
    crash_point("delete:committed");
    recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?;
    Ok(())
}

/// What is to become of its files.
enum Files {
    /// There are none.
    None,
    /// They are in a directory of their own.
    Own(PathBuf),
    /// They fill a mounted volume, which stays.
    Volume(PathBuf),
}

fn plan(roots: &Roots, name: &VServerName) -> Result<Files, DeleteError> {
    let Some(root) = config::root_directory_of(roots, name) else { return Ok(Files::None) };
    let wrong = |problem| DeleteError::Place { path: root.clone(), problem };
    let is_within = base_links::guest_bases(roots)
        .iter()
        .any(|base| root.strip_prefix(base).is_ok_and(|rest| rest.components().count() > 0));
    if !is_within {
        let base = base_links::shown_guest_base(roots).display().to_string();
        return Err(wrong(PlaceProblem::Outside { base }));
    }
    let mounts = unification::volumes_in(&root)
        .map_err(|source| DeleteError::Look { path: root.clone(), source })?;
    if let Some(path) = mounts.iter().find(|mount| **mount != root) {
        return Err(DeleteError::Mounted { path: path.clone() });
    }
    if mounts.is_empty() {
        // The host would go on mounting it there, over the files of whoever gets the name next.
        return match volume::in_fstab(&root, &roots.host_fstab) {
            None => Ok(Files::Own(root)),
            device => Err(wrong(PlaceProblem::NotMounted { device })),
        };
    }
    match volume::is_read_only(&root) {
        true => Err(wrong(PlaceProblem::ReadOnly)),
        false => Ok(Files::Volume(root)),
    }
}
