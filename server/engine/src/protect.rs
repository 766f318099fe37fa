//! Protection of a VServer against deletion: a file of ours in its config tree, `apps/ulysse/protected`,
//! which the original never read. While it is there neither `delete` nor the recycle bin removes the
//! VServer; renaming, stopping and everything else loses nothing and goes on.

use std::path::Path;

use domain::id::VServerName;
use domain::operation::Stage;

use crate::configure;
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::rewrite::FilePlace;

/// The file, below the config directory.
pub const FILE: &str = "apps/ulysse/protected";

/// Whether a config tree is protected. What cannot be looked at counts as protected.
#[must_use]
pub fn is_protected(tree: &Path) -> bool {
    FilePlace::new(tree, FILE).read().map_or(true, |text| text.is_some())
}

/// Protects a VServer, or takes its protection away.
///
/// # Errors
/// When the file cannot be written.
pub fn protect(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    on: bool,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    if is_protected(&roots.config_of(name)) == on {
        return Ok(());
    }
    work.progress(Stage::WritingConfig, 500);
    configure::rewrite_own(roots, work, name, FILE, on.then(String::new))
}
