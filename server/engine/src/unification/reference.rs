//! References: making one of a VServer's files, knowing who stands on it, removing it when nobody does.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::id::OperationId;

use super::layers::{Layers, STORE, place_of, tree_of};
use super::{UnificationError, looking, writing};
use crate::base_links::guest_bases;
use crate::config;
use crate::engine::ALLOCATION_PATIENCE;
use crate::lock::AllocationLock;
use crate::operation::{Store, crash_point};
use crate::roots::Roots;
use crate::tree;

/// Where the files of a reference go that VServers beside this one stand on.
pub(crate) fn files_of(root: &Path, reference: &OperationId) -> PathBuf {
    tree_of(&place_of(root, reference))
}

/// Makes the place of a reference whose files are still to come.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn prepare(root: &Path, reference: &OperationId) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(place_of(root, reference))
}

/// Where the layer waits that a VServer gets in exchange for its files.
fn aside_of(root: &Path, reference: &OperationId) -> PathBuf {
    root.with_file_name(format!(".new-{reference}"))
}

/// Makes the files of a VServer that does not run a reference, and it the first that stands on it. From
/// the first moment on somebody stands on it, so that nobody takes it for unused.
///
/// # Errors
/// When something cannot be written; [`unfreeze`] then puts it right.
pub(crate) fn freeze(root: &Path, reference: &OperationId) -> Result<(), UnificationError> {
    let aside = aside_of(root, reference);
    let files = files_of(root, reference);
    prepare(root, reference).map_err(writing(&files))?;
    Layers::new(&aside, reference.clone()).lay(root).map_err(writing(&aside))?;
    crash_point("unify:laid");
    tree::put(root, &files).map_err(writing(&files))?;
    crash_point("unify:moved");
    tree::put(&aside, root).map_err(writing(root))?;
    crash_point("unify:frozen");
    Ok(())
}

/// Puts right what is left of a [`freeze`]: the VServer has its files as before, or it stands on the
/// reference, which comes to the same. What was begun after it may be in its layer already, so a
/// reference that was made stays one.
///
/// # Errors
/// When something cannot be moved or removed.
pub(crate) fn unfreeze(root: &Path, reference: &OperationId) -> Result<(), UnificationError> {
    let aside = aside_of(root, reference);
    let place = place_of(root, reference);
    let files = tree_of(&place);
    let is_there = |path: &Path| fs::symlink_metadata(path).is_ok();
    if is_there(&files) && !is_there(root) {
        tree::put(&files, root).map_err(writing(root))?;
    }
    tree::remove(&aside).map_err(writing(&aside))?;
    if !is_there(&files) {
        tree::remove(&place).map_err(writing(&place))?;
        remove_if_empty(place.parent().unwrap_or(&place))?;
    }
    Ok(())
}

fn remove_if_empty(store: &Path) -> Result<(), UnificationError> {
    match fs::remove_dir(store) {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Err(writing(store)(error))
        }
        _ => Ok(()),
    }
}

/// What a reference takes on disk. It never changes, so it is counted once.
pub(super) fn bytes(layers: &Layers, patience: Duration) -> Option<u64> {
    let files = layers.lower();
    let kept = files.with_file_name("bytes");
    if let Some(bytes) = fs::read_to_string(&kept).ok().and_then(|text| text.trim().parse().ok()) {
        return Some(bytes);
    }
    let bytes = tree::disk_bytes(&files, patience)?;
    // Counted anew the next time, when it cannot be kept.
    let _ = fs::write(&kept, format!("{bytes}\n"));
    Some(bytes)
}

/// How many VServers stand on a reference, those in the recycle bin included.
pub(super) fn count_on(layers: &Layers) -> io::Result<u32> {
    let base = layers.root().parent().unwrap_or(Path::new("/"));
    let used = used_in(base)?;
    let count = used.iter().filter(|one| *one == layers.reference()).count();
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The references that directories below a base stand on, once for each.
fn used_in(base: &Path) -> io::Result<Vec<OperationId>> {
    let mut used = Vec::new();
    for directory in [base.to_owned(), base.join(".bin")] {
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for entry in entries {
            if let Some((layers, _)) = Layers::of(&entry?.path())? {
                used.push(layers.reference().clone());
            }
        }
    }
    Ok(used)
}

/// Removes the references that no VServer stands on. Nothing while operations are under way, which may be
/// moving one that does: the next one that ends will see to it.
///
/// # Errors
/// When it cannot be told who stands on what, or something cannot be removed.
pub(super) fn discard_unused(roots: &Roots, store: &Store) -> Result<(), UnificationError> {
    let stores = guest_bases(roots).into_iter().map(|base| base.join(STORE));
    for place in stores.filter(|place| place.is_dir()) {
        let base = place.parent().unwrap_or(Path::new("/")).to_owned();
        for trash in take_away_unused(roots, store, &base)? {
            tree::remove(&trash).map_err(writing(&trash))?;
        }
        remove_if_empty(&place)?;
    }
    Ok(())
}

/// Moves them aside, while no operation can begin.
fn take_away_unused(
    roots: &Roots,
    store: &Store,
    base: &Path,
) -> Result<Vec<PathBuf>, UnificationError> {
    let place = base.join(STORE);
    let Ok(_choosing) = AllocationLock::take(roots, ALLOCATION_PATIENCE) else {
        return Ok(Vec::new());
    };
    let is_quiet = store.live_ids().is_ok_and(|live| live.is_empty());
    if !is_quiet {
        return Ok(Vec::new());
    }
    let mut used = used_in(base).map_err(looking(base))?;
    // A root that somebody has moved elsewhere, and led its VServer there.
    let names = config::list_names(roots).unwrap_or_default();
    for root in names.iter().filter_map(|name| config::root_directory_of(roots, name)) {
        if let Some((layers, _)) = Layers::of(&root).map_err(looking(&root))? {
            used.push(layers.reference().clone());
        }
    }
    let mut aside = Vec::new();
    for entry in fs::read_dir(&place).map_err(looking(&place))? {
        let entry = entry.map_err(looking(&place))?.path();
        let id = entry.file_name().and_then(|name| name.to_str()?.parse::<OperationId>().ok());
        let Some(id) = id.filter(|id| !used.contains(id)) else { continue };
        let trash = base.join(format!(".trash-{id}"));
        tree::put(&entry, &trash).map_err(writing(&trash))?;
        aside.push(trash);
    }
    Ok(aside)
}

/// Whether two roots can stand on the same reference.
pub(crate) fn are_beside(one: &Path, other: &Path) -> bool {
    let base = |root: &Path| fs::canonicalize(root.parent()?).ok();
    base(one).is_some_and(|found| base(other) == Some(found))
}

/// Whether the files of a VServer can become a reference where they are: a directory of its own beside
/// `place`, with nothing mounted in it.
pub(crate) fn can_freeze(root: &Path, place: &Path) -> bool {
    are_beside(root, place) && tree::mounts_in(root).is_ok_and(|mounts| mounts.is_empty())
}
