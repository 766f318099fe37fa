//! Unpacking an archive into the root of a new VServer.
//!
//! Not here: how an archive is unpacked without harm ([`crate::archive`]), and where templates are kept
//! ([`crate::template`]).

use std::path::Path;

use domain::build::{Archive, BuildSpec};
use domain::note::Note;

use super::BuildError;
use super::source::missing;
use crate::archive::{self, Caps, Ids};
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::roots::{IDS_PER_VSERVER, first_host_id};
use crate::template;

/// Where the unpacking begins and ends in the progress of a build.
const SPAN: (u16, u16) = (50, 900);

/// Opens the archive and unpacks it.
///
/// # Errors
/// When it is not there, is not taken, is cancelled, or cannot be written.
pub(super) fn unpack(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    wanted: &Archive,
    root: &Path,
) -> Result<(), Stopped> {
    let settings = &instance.settings;
    let source = match wanted {
        Archive::Kept(name) => template::open(&settings.roots, name)?.1,
        Archive::File(path) => {
            let path = Path::new(path.as_str());
            archive::open_file(path).ok_or_else(|| missing(path))?
        }
    };
    work.note(&Note::Unpacking { archive: wanted.to_string() });
    let ids = Ids { first_host_id: first_host_id(spec.context), count: IDS_PER_VSERVER };
    let caps = Caps::within(&settings.limits, root)
        .map_err(|source| BuildError::Place { path: root.to_owned(), source })?;
    archive::unpack(instance, work, source, root, ids, &caps, SPAN)?;
    Ok(())
}
