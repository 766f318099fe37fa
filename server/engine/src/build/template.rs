//! Unpacking an archive into the root of a new VServer.
//!
//! Not here: how an archive is unpacked without harm. That is one call, in [`fill`].

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::build::{Archive, BuildSpec};
use domain::id::TemplateName;
use nix::libc;

use super::BuildError;
use super::source::missing;
use crate::archive::{self, Caps, Ids};
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::roots::{IDS_PER_VSERVER, Roots, first_host_id};

/// Where the unpacking begins and ends in the progress of a build.
const SPAN: (u16, u16) = (50, 900);

/// Where templates are kept, one directory each.
fn base(roots: &Roots) -> PathBuf {
    roots.state_base.join("templates")
}

/// The names of the templates that are kept, sorted.
#[must_use]
pub fn names(roots: &Roots) -> Vec<TemplateName> {
    let entries = fs::read_dir(base(roots)).into_iter().flatten().flatten();
    let mut names: Vec<TemplateName> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    names.sort();
    names
}

/// Opens the archive and unpacks it.
///
/// # Errors
/// When it is not there, or cannot be unpacked.
pub(super) fn unpack(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    archive: &Archive,
    root: &Path,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let path = match archive {
        Archive::Kept(name) => base(roots).join(name.as_str()).join("archive"),
        Archive::File(path) => PathBuf::from(path.as_str()),
    };
    let opened = OpenOptions::new()
        .read(true)
        // Neither a pipe nor a device is waited for.
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(&path)
        .ok()
        .filter(|file| file.metadata().is_ok_and(|found| found.is_file()));
    let Some(file) = opened else { return Err(missing(&path).into()) };
    work.log(&format!("Unpacking {}", path.display()));
    fill(instance, work, spec, file, root)
}

/// Unpacks an open archive, between the two ends of [`SPAN`].
///
/// # Errors
/// When it is not taken, is cancelled, or cannot be written.
fn fill(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    archive: File,
    root: &Path,
) -> Result<(), Stopped> {
    let ids = Ids { first_host_id: first_host_id(spec.context), count: IDS_PER_VSERVER };
    let limits = &instance.settings.limits;
    let caps = Caps::within(limits, root)
        .map_err(|source| BuildError::Place { path: root.to_owned(), source })?;
    archive::unpack(instance, work, archive, root, ids, &caps, SPAN)?;
    Ok(())
}
