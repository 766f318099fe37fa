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

use crate::config::{self, ConfigError};
use crate::engine::Instance;
use crate::lifecycle;
use crate::operation::{Finish, Stopped, Work, crash_point};
use crate::protect;
use crate::recovery::{self, RecoveryError};
use crate::recycle;
use crate::roots::Roots;
use crate::state::GuestState;
use crate::tree;

/// Why a VServer was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteError {
    /// Its files are not where Ulysse keeps files.
    #[error(
        "the files of {name} are in {path}, outside {base}: remove them, and the link vdir, by hand"
    )]
    Outside {
        /// Which VServer.
        name: VServerName,
        /// Where its files are.
        path: PathBuf,
        /// Where they would have to be.
        base: PathBuf,
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
        Self::Unexpected { detail: domain::failure::chain(&error) }
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
    let files = plan(roots, name)?;
    if GuestState::read(roots, name).map_err(lifecycle::LifecycleError::from)?.is_some() {
        lifecycle::stop(instance, work, name)?;
    }
    if !at_once && instance.settings.recycle_bin.keep_days > 0 {
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
        Files::Volume(root) => finish.push(Finish::Empty(root)),
    }
    finish.extend([
        Finish::RemoveTree(aside_config),
        Finish::RemoveTree(roots.cache_base.join(name.as_str())),
        Finish::RemoveTree(roots.log_base.join(name.as_str())),
        Finish::RemoveFile(roots.run_file_of(name)),
        Finish::RemoveTree(config::history_of(roots, &ConfigTree::VServer(name.clone()))),
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
    let is_within = guest_bases(roots)
        .iter()
        .any(|base| root.strip_prefix(base).is_ok_and(|rest| rest.components().count() > 0));
    if !is_within {
        let base = roots.guest_base.clone();
        return Err(DeleteError::Outside { name: name.clone(), path: root, base });
    }
    let mounts = tree::mounts_in(&root)
        .map_err(|source| DeleteError::Look { path: root.clone(), source })?;
    if let Some(path) = mounts.iter().find(|mount| **mount != root) {
        return Err(DeleteError::Mounted { path: path.clone() });
    }
    Ok(if mounts.is_empty() { Files::Own(root) } else { Files::Volume(root) })
}

/// Where guest files may be: the base of the settings, and what `.defaults/vdirbase` leads to.
pub(crate) fn guest_bases(roots: &Roots) -> Vec<PathBuf> {
    let linked = roots.config_base.join(".defaults/vdirbase");
    [roots.guest_base.clone(), linked]
        .iter()
        .filter_map(|path| std::fs::canonicalize(path).ok())
        .filter(|path| path.parent().is_some())
        .collect()
}
