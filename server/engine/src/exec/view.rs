//! The mounts of a VServer under the host's names, for a program of the host's: what `vnamespace -e` shows.
//!
//! A VServer of the original shared the host's tree, with its own mounts in it and, after a clean-up, without those
//! of the others. Here it has a root of its own; so the view is made for whoever looks: a copy of the host's
//! mounts, in which a copy of the VServer's stands where its files are on the host.
//!
//! Invariants: the calling thread alone sees it, and it goes with it; nothing mounted in it gets out, to the host
//! or to the VServer. No path is looked up among the VServer's mounts: of them only the root is opened.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use domain::id::VServerName;
use nix::sched::{CloneFlags, setns};
use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount};

use super::namespaces;
use crate::config::{self, ConfigError};
use crate::roots::Roots;
use crate::state::GuestState;
use crate::tree;

/// Why there is no view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The VServer has ended.
    #[error("{name} is not running")]
    NotRunning {
        /// Which.
        name: VServerName,
    },
    /// What its config tree says of the clean-up is unreadable.
    #[error("reading what is to be kept in the namespace")]
    Config(#[from] ConfigError),
    /// Its mounts could not be copied.
    #[error("copying the mounts of {name}")]
    Copy {
        /// Whose.
        name: VServerName,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The caller could not be given mounts of its own.
    #[error("making a mount namespace")]
    Leave(#[source] io::Error),
    /// What others have mounted could not be taken out.
    #[error("taking the mount {path} out of the view")]
    CleanUp {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The copy could not be put in its place.
    #[error("showing the mounts at {path}")]
    Attach {
        /// Where the VServer's files are.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Has the calling thread, which must be the only one of its process, see the mounts of a VServer that runs below
/// its directory on the host. Those of other VServers are taken out of the view, unless `nonamespace-cleanup` says
/// otherwise (fact sheet 1.3).
///
/// # Errors
/// When it does not run, or the kernel refuses; the thread's mounts are then undefined, and it should end.
pub fn enter(roots: &Roots, state: &GuestState) -> Result<(), ViewError> {
    let kept = config::kept_mounts_of(roots, &state.name)?;
    let gone = || ViewError::NotRunning { name: state.name.clone() };
    let init = state.init.ok_or_else(gone)?;
    let of_guest = File::open(format!("/proc/{}/ns/mnt", init.pid)).map_err(|_| gone())?;
    // What was opened is the right process's only if that one still lives.
    if !init.is_alive() {
        return Err(gone());
    }
    let directory = std::env::current_dir();
    namespaces::leave(&[], true).map_err(ViewError::Leave)?;
    let own = File::open("/proc/thread-self/ns/mnt").map_err(ViewError::Leave)?;
    let copied =
        setns(&of_guest, CloneFlags::CLONE_NEWNS).map_err(io::Error::from).and_then(|()| {
            let flags = OpenTreeFlags::OPEN_TREE_CLONE
                | OpenTreeFlags::OPEN_TREE_CLOEXEC
                | OpenTreeFlags::AT_RECURSIVE;
            Ok(open_tree(CWD, "/", flags)?)
        });
    setns(&own, CloneFlags::CLONE_NEWNS).map_err(|errno| ViewError::Leave(errno.into()))?;
    let copied = copied.map_err(|source| ViewError::Copy { name: state.name.clone(), source })?;
    take_out(&mounts_of_itself(&state.root)?)?;
    if let Some(kept) = kept {
        take_out(&mounts_of_others(roots, state, &kept)?)?;
    }
    move_mount(&copied, "", CWD, &state.root, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
        .map_err(|errno| ViewError::Attach { path: state.root.clone(), source: errno.into() })?;
    // Entering a mount namespace leads to its root; where the caller was may be gone from the view.
    if let Ok(directory) = directory {
        let _ = std::env::set_current_dir(directory);
    }
    Ok(())
}

/// What the host has mounted where the copy is to be: the same volume, most often.
fn mounts_of_itself(root: &Path) -> Result<Vec<PathBuf>, ViewError> {
    tree::mounts_in(root).map_err(ViewError::Leave)
}

/// What is mounted among the files of other VServers, and must not be kept.
fn mounts_of_others(
    roots: &Roots,
    state: &GuestState,
    kept: &[PathBuf],
) -> Result<Vec<PathBuf>, ViewError> {
    let names = config::list_names(roots)?;
    let others = names.iter().filter(|name| **name != state.name);
    let directories = others.filter_map(|name| config::root_directory_of(roots, name));
    // A mount below both is there twice.
    let mut found = BTreeSet::new();
    for directory in directories.chain([roots.guest_base.clone()]) {
        found.extend(tree::mounts_in(&directory).map_err(ViewError::Leave)?);
    }
    let is_needed = |mount: &PathBuf| {
        state.root.starts_with(mount)
            || *mount == roots.guest_base
            || kept.iter().any(|kept| kept.starts_with(mount))
    };
    Ok(found.into_iter().filter(|mount| !is_needed(mount)).collect())
}

/// Takes mounts out of the calling thread's view, the deepest first.
fn take_out(mounts: &[PathBuf]) -> Result<(), ViewError> {
    mounts.iter().rev().try_for_each(|path| {
        let flags = UnmountFlags::DETACH | UnmountFlags::NOFOLLOW;
        unmount(path, flags)
            .map_err(|errno| ViewError::CleanUp { path: path.clone(), source: errno.into() })
    })
}
