//! Unification: VServers that share the files they have in common, on filesystems that share no blocks.
//!
//! The shared files are a *reference*: a frozen tree that nobody owns and nothing writes. Each VServer
//! that stands on it has a layer of its own for what it changes, and overlayfs shows both as one tree at
//! the VServer's root. The original did it with hard links and a kernel that broke them.
//!
//! Invariants:
//! - A reference never changes once a VServer stands on it, and goes when none does any more, those in the
//!   recycle bin included.
//! - Layers are shown with the ids on disk while the VServer does not run, with its own while it does;
//!   never both ways so that both can be written.
//! - What is mounted follows from what lies on disk: it is in no journal, and is made again whenever it
//!   is missing, after a reboot as after a crash.
//! - Whatever moves or removes a directory takes away first what is shown there.
//!
//! To be called under the VServer's lock, but for what only looks.

mod layers;
mod overlay;
mod reference;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::failure::{Failure, HostFeature};
use domain::id::{OperationId, VServerName};
use domain::operation::{Kind, Operation};
use domain::vserver::{SharedBy, Sharing};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{OpenTreeFlags, UnmountFlags, open_tree, unmount};
use sys::mount::Attributes;

use crate::config;
use crate::disk_full::is_disk_full;
use crate::lock::VServerLock;
use crate::operation::Store;
use crate::roots::Roots;
use crate::state::GuestState;
use crate::tree;
use layers::{Layers, Shown};
pub(crate) use overlay::IdRange;
use overlay::Use;
pub(crate) use reference::{are_beside, can_freeze, files_of, freeze, prepare, unfreeze};

/// Why files are not shown as one tree, or a reference was not made.
#[derive(Debug, thiserror::Error)]
pub enum UnificationError {
    /// Something could not be looked at.
    #[error("looking at {path}")]
    Look {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The reference is gone.
    #[error("the reference {path} is gone")]
    NoReference {
        /// Where it would be.
        path: PathBuf,
    },
    /// Layers could not be shown, or hidden.
    #[error("mounting {path}")]
    Mount {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A reference or a layer could not be made or removed.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<UnificationError> for Failure {
    fn from(error: UnificationError) -> Self {
        let detail = domain::failure::chain(&error);
        match error {
            UnificationError::NoReference { path } => {
                Self::NoReference { path: path.display().to_string() }
            }
            UnificationError::Mount { source, .. }
                if source.raw_os_error() == Some(nix::libc::ENODEV) =>
            {
                Self::HostLacks { feature: HostFeature::Overlay, detail }
            }
            UnificationError::Write { path, source } if is_disk_full(&source) => {
                Self::DiskFull { path: path.display().to_string() }
            }
            _ => Self::Unexpected { detail },
        }
    }
}

fn looking(path: &Path) -> impl FnOnce(io::Error) -> UnificationError {
    let path = path.to_owned();
    move |source| UnificationError::Look { path, source }
}

fn mounting(path: &Path) -> impl FnOnce(io::Error) -> UnificationError {
    let path = path.to_owned();
    move |source| UnificationError::Mount { path, source }
}

fn writing(path: &Path) -> impl FnOnce(io::Error) -> UnificationError {
    let path = path.to_owned();
    move |source| UnificationError::Write { path, source }
}

/// Whether the host can show layers as one tree.
///
/// # Errors
/// The kernel's answer.
pub fn is_possible() -> io::Result<()> {
    rustix::mount::fsopen("overlay", rustix::mount::FsOpenFlags::FSOPEN_CLOEXEC)?;
    Ok(())
}

/// The reference that the files of a root stand on, if they do.
///
/// # Errors
/// When it cannot be looked at.
pub fn reference_of(root: &Path) -> Result<Option<OperationId>, UnificationError> {
    let found = Layers::of(root).map_err(looking(root))?;
    Ok(found.map(|(layers, _)| layers.reference().clone()))
}

/// Shows the files of a VServer that does not run, if they are layers.
///
/// # Errors
/// When the reference is gone, or they cannot be mounted.
pub fn show(root: &Path) -> Result<(), UnificationError> {
    let found = Layers::of(root).map_err(looking(root))?;
    let Some((layers, shown)) = found.filter(|(_, shown)| *shown != Shown::Plain) else {
        return Ok(());
    };
    if !layers.lower().is_dir() {
        return Err(UnificationError::NoReference { path: layers.lower() });
    }
    if shown == Shown::Mapped {
        take_down(root).map_err(mounting(root))?;
    }
    overlay::plain(&layers, Use::Write, &layers.source(None))
        .and_then(|mount| overlay::attach(&mount, root))
        .map_err(mounting(root))
}

/// Shows the files of a VServer that does not run, if it is one; what keeps them from being shown is told
/// to whoever needs them.
pub(crate) fn show_of(roots: &Roots, name: &VServerName) {
    let is_running = GuestState::running(roots, name).map_or(true, |state| state.is_some());
    let root = config::root_directory_of(roots, name).filter(|_| !is_running);
    if let Some(Err(error)) = root.map(|root| show(&root)) {
        let error = domain::failure::chain(&error);
        tracing::warn!(%name, error, "its files are not shown");
    }
}

/// The same of whom an operation is about.
pub(crate) fn show_those_of(roots: &Roots, operation: &Operation) {
    let names = operation.target.vserver().into_iter().chain(&operation.renamed_to);
    names.for_each(|name| show_of(roots, name));
}

/// Shows the files of all VServers that do not run, and removes what a crash left of references.
pub(crate) fn show_all(roots: &Roots, store: &Store) {
    for name in config::list_names(roots).unwrap_or_default() {
        // Whoever has it sees to it.
        if let Ok(_held) = VServerLock::try_take(roots, &name, None) {
            show_of(roots, &name);
        }
    }
    discard(roots, store);
}

/// Shows what an operation leaves, and removes what nobody needs after it.
pub(crate) fn tidy_up(roots: &Roots, store: &Store, ended: Operation) -> Operation {
    show_those_of(roots, &ended);
    if matches!(ended.kind, Kind::Build | Kind::Delete | Kind::Purge) {
        discard(roots, store);
    }
    ended
}

fn discard(roots: &Roots, store: &Store) {
    if let Err(error) = reference::discard_unused(roots, store) {
        let error = domain::failure::chain(&error);
        tracing::warn!(error, "references that nobody stands on stay for now");
    }
}

/// Shows layers no more.
///
/// # Errors
/// When what is mounted cannot be taken away.
pub fn hide(root: &Path) -> Result<(), UnificationError> {
    take_down(root).map_err(mounting(root))
}

fn take_down(root: &Path) -> io::Result<()> {
    while Layers::of(root)?.is_some_and(|(_, shown)| shown != Shown::Not) {
        // Whoever is still in there, a shell of the administrator's perhaps, keeps what it sees and can
        // change nothing beside what is shown next. One that writes a file just now may finish it.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mount = rustix::fs::open(root, flags, Mode::empty())?;
        let read_only = Attributes { read_only: true, ..Attributes::default() };
        let _ = sys::mount::set_attributes(&mount, read_only, false);
        drop(mount);
        unmount(root, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW)?;
    }
    Ok(())
}

/// Shows the layers of a VServer with its ids, at its root; false when its files are no layers. For
/// processes of one thread.
///
/// # Errors
/// When they cannot be mounted.
pub(crate) fn show_with_ids(root: &Path, ids: IdRange) -> io::Result<bool> {
    let Some((layers, _)) = Layers::of(root)? else { return Ok(false) };
    take_down(root)?;
    let mount = overlay::mapped(&layers, Use::Write, ids, &layers.source(Some(ids.first)))?;
    overlay::attach(&mount, root)?;
    Ok(true)
}

/// Where something is mounted at or below a root, but for its own layers.
///
/// # Errors
/// When the mount table cannot be read.
pub(crate) fn volumes_in(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut mounts = tree::mounts_in(root)?;
    if Layers::of(root)?.is_some() {
        mounts.retain(|mount| mount != root);
    }
    Ok(mounts)
}

/// Layers with other ids, as a mount that is not attached anywhere; none when the files are no layers.
/// Those that are to be written must be hidden. For processes of one thread.
///
/// # Errors
/// When they cannot be mounted.
pub(crate) fn open_with_ids(
    root: &Path,
    ids: IdRange,
    writable: bool,
) -> io::Result<Option<OwnedFd>> {
    let Some((layers, _)) = Layers::of(root)? else { return Ok(None) };
    let usage = if writable { Use::Write } else { Use::Read };
    overlay::mapped(&layers, usage, ids, &layers.source(Some(ids.first))).map(Some)
}

/// Layers as they are on disk at this moment, read-only and not attached anywhere; none when the files
/// are no layers. They may belong to a VServer that runs.
///
/// # Errors
/// When they cannot be mounted.
pub(crate) fn look_at(root: &Path) -> Result<Option<OwnedFd>, UnificationError> {
    let Some((layers, _)) = Layers::of(root).map_err(looking(root))? else { return Ok(None) };
    overlay::read_only(&layers, &layers.source(None)).map(Some).map_err(mounting(root))
}

/// A path of a mount that is not attached anywhere, for this process.
pub(crate) fn path_of(mount: &OwnedFd) -> PathBuf {
    // Not the link itself: whoever opens it follows none.
    Path::new("/proc/self/fd").join(mount.as_raw_fd().to_string()).join(".")
}

/// Gives a directory, which may be there and empty, a layer of its own on a reference beside it.
///
/// # Errors
/// When something of it cannot be made.
pub(crate) fn lay(root: &Path, reference: &OperationId) -> Result<(), UnificationError> {
    let layers = Layers::new(root, reference.clone());
    layers.lay(&layers.lower()).map_err(writing(root))
}

/// Makes a directory one without layers, and hides them; what is in it stays.
///
/// # Errors
/// When it cannot be changed.
pub(crate) fn forget(root: &Path) -> Result<(), UnificationError> {
    hide(root)?;
    layers::unmark(root).map_err(writing(root))
}

/// What a VServer has changed: the directory of its own layer, whatever is mounted over it, for as long as
/// this lives.
pub(crate) struct OwnLayer {
    base: OwnedFd,
    name: PathBuf,
}

impl OwnLayer {
    /// That of a root; none when its files are no layers.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub(crate) fn of(root: &Path) -> io::Result<Option<Self>> {
        let Some((layers, _)) = Layers::of(root)? else { return Ok(None) };
        let (Some(parent), Some(name)) = (root.parent(), layers.root().file_name()) else {
            return Ok(None);
        };
        // Without what is mounted below it.
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let base = open_tree(CWD, parent, flags)?;
        Ok(Some(Self { base, name: Path::new(name).join("upper") }))
    }

    /// A path of it, for this process and its children.
    pub(crate) fn path(&self) -> PathBuf {
        let (process, number) = (std::process::id(), self.base.as_raw_fd());
        Path::new("/proc").join(format!("{process}/fd/{number}")).join(&self.name)
    }
}

/// How much of a VServer's files others have too; none when nothing is, or it cannot be counted within
/// `patience`.
#[must_use]
pub fn sharing(root: &Path, patience: Duration) -> Option<Sharing> {
    match OwnLayer::of(root).ok()? {
        Some(own) => {
            let (layers, _) = Layers::of(root).ok()??;
            Some(Sharing {
                shared_bytes: reference::bytes(&layers, patience)?,
                own_bytes: tree::disk_bytes(&own.path(), patience)?,
                by: SharedBy::Reference { vservers: reference::count_on(&layers).ok()? },
            })
        }
        None if tree::shares_blocks(root) => {
            let (shared_bytes, all) = tree::shared_bytes(root, patience)?;
            let own_bytes = all.saturating_sub(shared_bytes);
            (shared_bytes > 0).then_some(Sharing { shared_bytes, own_bytes, by: SharedBy::Blocks })
        }
        None => None,
    }
}
