//! Protection of a VServer against deletion: a file of ours in its config tree, `apps/ulysse/protected`,
//! which the original never read. While it is there neither `delete` nor the recycle bin removes the
//! VServer; renaming, stopping and everything else loses nothing and goes on.

use std::path::Path;

use domain::config_entry::ConfigTree;
use domain::id::VServerName;
use domain::operation::Stage;

use crate::configure;
use crate::engine::Instance;
use crate::operation::{Step, Stopped, Work};
use crate::recovery::{self, RecoveryError};
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
    let tree = roots.config_of(name);
    if is_protected(&tree) == on {
        return Ok(());
    }
    work.progress(Stage::WritingConfig, 500);
    let in_history = ConfigTree::VServer(name.clone());
    let was = configure::before(roots, work, &in_history);
    let mut steps: Vec<Step> = ["apps", "apps/ulysse"]
        .into_iter()
        .map(|path| tree.join(path))
        .filter(|path| on && !path.is_dir())
        .map(Step::MakeTree)
        .collect();
    let file = FilePlace::new(&tree, FILE);
    let before = file
        .read()
        .map_err(|source| RecoveryError::Path { path: file.shown(), source }.into_failure())?;
    steps.push(Step::Rewrite { file, before, after: on.then(String::new) });
    for step in steps {
        work.intend(step.clone())?;
        recovery::take_step(roots, &step).map_err(RecoveryError::into_failure)?;
    }
    let finish = configure::attribute(roots, work, &in_history, &was)?;
    work.commit(finish.into_iter().collect())?;
    Ok(recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?)
}
