//! Clones that share their files with their source through a reference ([`crate::unification`]), for
//! filesystems that share no blocks.
//!
//! A source that does not run becomes the first VServer that stands on its reference, which is a matter of
//! two renames: its files are not copied, and it has the same ones afterwards. Of one that stands on a
//! reference already only what it has changed is copied. One that runs cannot be taken its files away: they
//! are copied once, while it stands still at the end, and that copy is the reference.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use domain::build::{BuildSpec, CopyOptions, Source};
use domain::failure::Failure;
use domain::note::Note;
use domain::operation::Stage;
use domain::vserver::Sharing;

use super::rsync;
use super::source::Held;
use super::stage::{SOURCE, TARGET};
use super::{BuildError, base, copy};
use crate::engine::Instance;
use crate::operation::{Step, Stopped, Work, crash_point};
use crate::recovery::{self, RecoveryError};
use crate::tree;
use crate::unification::{self, OwnLayer, UnificationError};

/// How long what is shared is counted.
const PATIENCE: Duration = Duration::from_secs(20);

/// Gives a new VServer, whose root is there and empty, the files of another one.
///
/// # Errors
/// When it is cancelled, a program fails, or the host cannot show layers.
pub(super) fn clone(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    held: &mut Held,
    root: &Path,
) -> Result<(), Stopped> {
    let failed = |source| BuildError::Place { path: root.to_owned(), source };
    if let Some(path) = tree::mounts_in(root).map_err(failed)?.into_iter().next() {
        return Err(Failure::Mounted { path: path.display().to_string() }.into());
    }
    let is_beside = unification::are_beside(&held.root, root);
    let reference = unification::reference_of(&held.root).map_err(told)?;
    let is_running = !held.cgroups.is_empty();
    match reference.filter(|_| is_beside) {
        Some(reference) => {
            unification::lay(root, &reference).map_err(told)?;
            crash_point("unify:stands");
            if is_running {
                follow(instance, work, spec, held, root)?;
            } else {
                repeat(work, held, root)?;
            }
        }
        None if !is_running && unification::can_freeze(&held.root, root) => {
            work.progress(Stage::CopyingFiles, 50);
            let reference = work.id().clone();
            let step = Step::Unify { root: held.root.clone(), reference: reference.clone() };
            work.intend(step.clone())?;
            crash_point("unify:intended");
            recovery::take_step(&instance.settings.roots, &step)
                .map_err(RecoveryError::into_failure)?;
            unification::show(&held.root).map_err(told)?;
            unification::lay(root, &reference).map_err(told)?;
        }
        None => {
            work.note(&Note::ReferenceIsCopy);
            let reference = work.id().clone();
            let files = unification::files_of(root, &reference);
            work.intend(Step::MakeTree(files.parent().unwrap_or(&files).to_owned()))?;
            unification::prepare(root, &reference)
                .and_then(|()| DirBuilder::new().mode(0o755).create(&files))
                .map_err(failed)?;
            let source = Source::VServer(spec.name.clone());
            let options = CopyOptions::default();
            copy::by_rsync(instance, work, spec, (&source, &options), Some(held), &files)?;
            unification::lay(root, &reference).map_err(told)?;
        }
    }
    unification::show(root).map_err(told)?;
    let sharing = unification::sharing(root, PATIENCE);
    work.note(&match sharing {
        Some(Sharing { shared_bytes, own_bytes, .. }) => Note::Unified { shared_bytes, own_bytes },
        None => Note::SharedUnknown,
    });
    Ok(())
}

fn told(error: UnificationError) -> Failure {
    error.into()
}

/// Copies what a source that does not run has changed.
fn repeat(work: &mut Work<'_>, held: &Held, root: &Path) -> Result<(), Stopped> {
    work.progress(Stage::CopyingChanges, 50);
    let own = |root: &Path| {
        OwnLayer::of(root)
            .and_then(|own| own.ok_or_else(|| io::ErrorKind::NotFound.into()))
            .map_err(|source| BuildError::Place { path: root.to_owned(), source })
    };
    let (from, to) = (own(&held.root)?, own(root)?);
    base::copy(&from.path(), &to.path(), work)
}

/// Copies what a source that runs has changed, seen from the reference. Which that is its layer would say,
/// but nobody else may read a layer that is in use; every file is compared.
fn follow(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    held: &mut Held,
    root: &Path,
) -> Result<(), Stopped> {
    let options = CopyOptions::default();
    let command = rsync::onto(&options, SOURCE, TARGET);
    work.progress(Stage::CopyingFiles, 50);
    copy::twice(instance, work, spec, [command.clone(), command], held, root)
}
