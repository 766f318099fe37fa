//! Marks of a VServer (`apps/init/mark`): giving it one, or taking it away, beside those it has. What comes of it
//! is an edit of its config tree like any other, judged and kept in its history.

use domain::boot::{MARK_FILE, with_mark};
use domain::config_change::{ConfigEdit, FileState, NotEditable};
use domain::config_entry::{ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::field::Field;
use domain::id::{Mark, VServerName};
use domain::operation::Actor;

use crate::config::{self, Origin, open_tree};
use crate::configure;
use crate::engine::Instance;
use crate::operation::{ConfigureTask, Stopped, Store, Work};
use crate::roots::Roots;

/// The edit that does it.
///
/// # Errors
/// When there is nothing to change, or the file is not one that can be edited.
pub(crate) fn edit(
    roots: &Roots,
    name: &VServerName,
    mark: &Mark,
    on: bool,
) -> Result<ConfigEdit, Failure> {
    let tree = ConfigTree::VServer(name.clone());
    let path: ConfigPath =
        MARK_FILE.parse().map_err(|problem| Failure::of_field(Field::ConfigPath, problem))?;
    let found = config::look(&open_tree(roots, &tree)?, &tree, &path)?;
    let refused = |reason| Failure::ConfigNotEditable { path: path.clone(), reason };
    let (text, seen) = match found {
        FileState::Absent => (String::new(), None),
        FileState::Text { text, digest } => (text, Some(digest)),
        FileState::NotText { .. } => return Err(refused(NotEditable::NotText)),
        FileState::Link { .. } => return Err(refused(NotEditable::ByHand)),
        FileState::Other => return Err(refused(NotEditable::NotAFile)),
    };
    if text.lines().any(|line| line.trim() == mark.as_str()) == on {
        return Err(Failure::NothingToChange);
    }
    Ok(ConfigEdit { text: with_mark(&text, mark, on), path, seen })
}

/// Gives a VServer a mark, or takes it away.
///
/// # Errors
/// As [`edit`], or when it cannot be written; what was done of it is in the journal.
pub(crate) fn mark(
    instance: &Instance,
    store: &Store,
    work: &mut Work<'_>,
    name: &VServerName,
    (mark, on): (&Mark, bool),
) -> Result<(), Stopped> {
    let origin = match work.operation().actor {
        Actor::User { .. } => Origin::Web,
        _ => Origin::Host,
    };
    let task = ConfigureTask {
        tree: ConfigTree::VServer(name.clone()),
        target: name.clone(),
        edits: vec![edit(&instance.settings.roots, name, mark, on)?],
        undoes: None,
        origin,
    };
    configure::configure(instance, work, &store.promised()?, &task)
}
