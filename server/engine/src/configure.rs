//! Changing a config tree: an operation of edits that are all made or none, kept in the tree's history;
//! and what is shown of a tree, its files and its history.
//!
//! Each edit is judged when it is asked for and again, under the VServer's lock, when it is made. Edits
//! by hand are noticed before anything of ours is written, so that each stands in the history as its
//! own author's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use domain::config_change::{
    Author, ConfigEdit, ConfigRecord, FileRecord, FileState, FileView, Kept, Use,
};
use domain::config_entry::{ConfigEntry, ConfigPath, ConfigTree, Effect};
use domain::failure::Failure;
use domain::id::VServerName;
use domain::note::Note;
use domain::operation::{Kind, Stage};
use domain::time::UnixMillis;

use crate::build::distribution::shipped_text;
use crate::config::{
    self, ConfigDirectory, ConfigError, History, JudgedEdit, Refused, differences, digest_of,
    judge, open_tree,
};
use crate::engine::Instance;
use crate::facts::Claim;
use crate::lifecycle::LifecycleError;
use crate::lock::AllocationLock;
use crate::operation::{ConfigureTask, Finish, Step, Stopped, Store, Work, crash_point};
use crate::recovery::{self, RecoveryError};
use crate::rewrite::FilePlace;
use crate::roots::Roots;
use crate::state::GuestState;

/// How long others may be choosing numbers and addresses.
const ALLOCATION_PATIENCE: Duration = Duration::from_secs(10);

/// Changes a config tree.
///
/// # Errors
/// When the change is refused, or a file was changed by somebody else meanwhile; what was done is then
/// to be undone.
pub(crate) fn configure(
    instance: &Instance,
    work: &mut Work<'_>,
    promised: &[Claim],
    task: &ConfigureTask,
) -> Result<(), Stopped> {
    let settings = &instance.settings;
    let roots = &settings.roots;
    let tree = &task.tree;
    work.progress(Stage::WritingConfig, 100);
    // Until it is written nobody else is given the number or the address that it was judged free.
    let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
    let history = History::take(roots, tree).map_err(Failure::from)?;
    let directory = open_tree(roots, tree)?;
    let now = directory.all().map_err(|source| read_failed(tree, source))?;
    history.notice(&now, work.clock().now()).map_err(Failure::from)?;
    let edits = judge(settings, promised, tree, &task.edits, task.origin)?;

    let number = history.next_number();
    let (waiting, place) = history.places(work.id().as_str(), number);
    let record = ConfigRecord {
        number,
        at: work.clock().now(),
        author: Author::Known(work.operation().actor.clone()),
        operation: Some(work.id().clone()),
        undoes: task.undoes,
        files: edits.iter().map(recorded).collect(),
    };
    work.intend(Step::MakeTree(waiting.clone()))?;
    history.prepare(&waiting, &record).map_err(Failure::from)?;
    crash_point("configure:recorded");

    let mut finish = vec![Finish::Move { from: waiting, to: place }];
    let mut emptied = BTreeSet::new();
    for edit in &edits {
        let path = &edit.step.path;
        work.intend(Step::Edit(edit.step.clone()))?;
        crash_point("configure:intended");
        directory.apply(&edit.step, edit.text.as_deref()).map_err(|refused| match refused {
            Refused::Changed => Failure::ConfigChanged { path: path.clone() },
            Refused::Io(source) => {
                let path = directory.path().join(path.as_str());
                ConfigError::Write { path, source }.into()
            }
        })?;
        crash_point("configure:written");
        work.log(&log_line(edit));
        let parent = directory.path().join(path.parent().unwrap_or(""));
        if edit.step.before.is_some() {
            finish.push(Finish::RemoveFile(parent.join(path.kept())));
        }
        if edit.text.is_none() && is_numbered(tree, path) {
            emptied.insert(parent);
        }
        // An empty directory would be the description of a distribution that has nothing.
        if edit.text.is_none() && *tree == ConfigTree::Distributions {
            emptied.extend(path.parents().map(|parent| directory.path().join(parent)));
        }
    }
    // The innermost first.
    finish.extend(emptied.into_iter().rev().map(Finish::RemoveEmpty));
    work.commit(finish)?;
    crash_point("configure:committed");
    recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?;
    Ok(())
}

fn recorded(edit: &JudgedEdit) -> FileRecord {
    FileRecord {
        path: edit.step.path.clone(),
        before: Kept::from(&edit.before),
        after: edit.text.clone().map_or(Kept::Absent, Kept::Text),
    }
}

fn log_line(edit: &JudgedEdit) -> String {
    let mark = match (&edit.step.before, &edit.text) {
        (None, _) => '+',
        (Some(_), None) => '-',
        (Some(_), Some(_)) => '~',
    };
    format!("{mark} {}", edit.step.path)
}

/// Whether a file is in a directory that is one of several, such as `interfaces/0`: an empty one of
/// those would still count as one (fact sheet B28).
fn is_numbered(tree: &ConfigTree, path: &ConfigPath) -> bool {
    let Some(entry) = ConfigEntry::of(tree, path) else { return false };
    let depth = path.as_str().split('/').count();
    let parent = depth.checked_sub(2).and_then(|index| entry.pattern().split('/').nth(index));
    parent == Some("*")
}

/// The edits that undo a change: each file is to be what it was, if it still is what it became.
///
/// # Errors
/// When the history holds no such change, or no text to put back; when a file is another by now.
pub(crate) fn undoing(
    roots: &Roots,
    tree: &ConfigTree,
    number: u32,
) -> Result<Vec<ConfigEdit>, Failure> {
    let record = History::take(roots, tree)?.record(number);
    let record = record.ok_or(Failure::NoSuchConfigChange { number })?;
    let directory = open_tree(roots, tree)?;
    let mut edits = Vec::new();
    for FileRecord { path, before, after } in record.files {
        let found = config::look(&directory, tree, &path)?;
        if Kept::from(&found) != after {
            return Err(Failure::ConfigChanged { path });
        }
        let text = match before {
            Kept::Absent => None,
            Kept::Text(text) => Some(text),
            Kept::Link(_) | Kept::Opaque(_) => return Err(Failure::NoSuchConfigChange { number }),
        };
        let seen = match after {
            Kept::Text(text) => digest_of(text.as_bytes()),
            _ => None,
        };
        edits.push(ConfigEdit { path, seen, text });
    }
    Ok(edits)
}

/// What a config tree is before an operation that is not an edit of its files changes it: what was
/// edited by hand until now is somebody else's.
#[derive(Debug)]
pub(crate) struct Before {
    files: Option<BTreeMap<ConfigPath, FileState>>,
}

/// Looks at a tree before it is changed. Its history must not keep anybody from changing it: what
/// cannot be kept is said in the log.
pub(crate) fn before(roots: &Roots, work: &mut Work<'_>, tree: &ConfigTree) -> Before {
    let looked = look_at(roots, tree, work.clock().now());
    Before { files: looked.map_err(|failure| not_noticed(work, failure)).ok() }
}

/// The same of a tree that is not in its place, and nobody's to edit.
pub(crate) fn before_elsewhere(directory: &Path) -> Before {
    let found = ConfigDirectory::open(directory).ok().flatten();
    Before { files: found.and_then(|directory| directory.all().ok()) }
}

/// Writes edits that were made by hand into the history of a tree that is about to be started; what is
/// in it.
pub(crate) fn notice_before_start(
    roots: &Roots,
    work: &mut Work<'_>,
    tree: &ConfigTree,
) -> BTreeMap<ConfigPath, FileState> {
    // While it is renamed, its edits are the renaming's.
    let is_in_between = matches!(work.operation().kind, Kind::Rename | Kind::Set);
    let looked = match is_in_between {
        true => open_tree(roots, tree)
            .and_then(|directory| directory.all().map_err(|source| read_failed(tree, source))),
        false => look_at(roots, tree, work.clock().now()),
    };
    looked.map_err(|failure| not_noticed(work, failure)).unwrap_or_default()
}

fn look_at(
    roots: &Roots,
    tree: &ConfigTree,
    at: UnixMillis,
) -> Result<BTreeMap<ConfigPath, FileState>, Failure> {
    let directory = open_tree(roots, tree)?;
    let history = History::take(roots, tree)?;
    let now = directory.all().map_err(|source| read_failed(tree, source))?;
    history.notice(&now, at)?;
    Ok(now)
}

fn not_noticed(work: &mut Work<'_>, failure: Failure) {
    work.note(&Note::EditsNotNoticed { failure: Box::new(failure) });
}

/// Keeps what an operation changed in a tree as its author's, from its commit on: what is to be
/// finished for that, none when nothing was changed. `tree` is what it is called by now.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn attribute(
    roots: &Roots,
    work: &mut Work<'_>,
    tree: &ConfigTree,
    before: &Before,
) -> Result<Option<Finish>, Stopped> {
    let Some(was) = &before.files else { return Ok(None) };
    let directory = open_tree(roots, tree)?;
    let history = History::take(roots, tree).map_err(Failure::from)?;
    let now = directory.all().map_err(|source| read_failed(tree, source))?;
    let files = differences(was, &now);
    if files.is_empty() {
        return Ok(None);
    }
    let number = history.next_number();
    let (waiting, place) = history.places(work.id().as_str(), number);
    let record = ConfigRecord {
        number,
        at: work.clock().now(),
        author: Author::Known(work.operation().actor.clone()),
        operation: Some(work.id().clone()),
        undoes: None,
        files,
    };
    work.intend(Step::MakeTree(waiting.clone()))?;
    history.prepare(&waiting, &record).map_err(Failure::from)?;
    Ok(Some(Finish::Move { from: waiting, to: place }))
}

/// Gives a file of Ulysse's own in a config tree this text, or removes it, and ends the operation with
/// that.
///
/// # Errors
/// When it cannot be written; what was done of it is in the journal.
pub(crate) fn rewrite_own(
    roots: &Roots,
    work: &mut Work<'_>,
    name: &VServerName,
    path: &str,
    text: Option<String>,
) -> Result<(), Stopped> {
    let tree = ConfigTree::VServer(name.clone());
    let was = before(roots, work, &tree);
    let file = FilePlace::new(&roots.config_of(name), path);
    let unreadable = |source| RecoveryError::Path { path: file.shown(), source }.into_failure();
    let old = file.read().map_err(unreadable)?;
    let mut directories: Vec<_> =
        Path::new(path).ancestors().skip(1).map(|above| file.base.join(above)).collect();
    directories.retain(|above| text.is_some() && !above.is_dir());
    let mut steps: Vec<Step> = directories.into_iter().rev().map(Step::MakeTree).collect();
    // A directory of ours that is empty goes with its last file.
    let emptied = file.shown().parent().filter(|_| text.is_none()).map(Path::to_owned);
    steps.push(Step::Rewrite { file, before: old, after: text });
    for step in steps {
        work.intend(step.clone())?;
        recovery::take_step(roots, &step).map_err(RecoveryError::into_failure)?;
    }
    let mut finish: Vec<_> = attribute(roots, work, &tree, &was)?.into_iter().collect();
    finish.extend(emptied.map(Finish::RemoveEmpty));
    work.commit(finish)?;
    Ok(recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?)
}

/// Writes edits that were made by hand into the history, unless an operation of ours is under way.
///
/// # Errors
/// When there is no such tree, or it cannot be read.
pub(crate) fn notice(
    roots: &Roots,
    store: &Store,
    at: UnixMillis,
    tree: &ConfigTree,
) -> Result<(), Failure> {
    let directory = match open_tree(roots, tree) {
        Ok(directory) => directory,
        Err(_) if tree.vserver().is_none() => return Ok(()),
        Err(failure) => return Err(failure),
    };
    // An operation that begins after this look waits for the history before it writes.
    let history = History::take(roots, tree)?;
    let is_ours = store.live()?.iter().any(|live| match (&live.task, live.operation.kind) {
        (crate::operation::Task::Configure(task), _) => task.tree == *tree,
        // They change other trees too, which name the VServer.
        (_, Kind::Rename | Kind::Set | Kind::Undelete) => true,
        (_, Kind::Start | Kind::Stop | Kind::Restart | Kind::Backup) => false,
        (task, _) => task.target().vserver() == tree.vserver(),
    });
    if is_ours {
        return Ok(());
    }
    let now = directory.all().map_err(|source| read_failed(tree, source))?;
    Ok(history.notice(&now, at)?)
}

fn read_failed(tree: &ConfigTree, source: std::io::Error) -> Failure {
    ConfigError::Read { file: tree.directory().into(), source }.into()
}

/// One file, with its history.
///
/// # Errors
/// When there is no such tree, or the file cannot be looked at.
pub(crate) fn view(
    roots: &Roots,
    tree: &ConfigTree,
    path: &ConfigPath,
) -> Result<FileView, Failure> {
    let history = History::take(roots, tree)?.records(Some(path));
    let (state, modified_at) = match open_tree(roots, tree) {
        Ok(directory) => {
            let found = directory.look(path).map_err(|error| config::failed(tree, path, error))?;
            (found.state, found.modified_at)
        }
        Err(_) if tree.vserver().is_none() => (FileState::Absent, None),
        Err(failure) => return Err(failure),
    };
    let changed_at = modified_at.max(history.first().map(|record| record.at));
    let in_use = used(roots, tree, path, changed_at)?;
    let is_shipped = *tree == ConfigTree::Distributions && state == FileState::Absent;
    let shipped = if is_shipped { shipped_text(path) } else { None };
    Ok(FileView { path: path.clone(), state, modified_at, in_use, history, shipped })
}

fn used(
    roots: &Roots,
    tree: &ConfigTree,
    path: &ConfigPath,
    changed_at: Option<UnixMillis>,
) -> Result<Use, Failure> {
    Ok(match ConfigEntry::of(tree, path).map_or(Effect::None, ConfigEntry::effect) {
        Effect::None => Use::Never,
        Effect::Given => Use::Given,
        Effect::AtOnce => Use::AtOnce,
        Effect::NextBuild => Use::NextBuild,
        Effect::NextStart => {
            let running = match tree.vserver() {
                Some(name) => GuestState::running(roots, name).map_err(LifecycleError::from)?,
                None => None,
            };
            match running {
                None => Use::NextStart,
                Some(state) if changed_at.is_some_and(|at| at > state.started_at) => {
                    Use::AfterRestart
                }
                Some(_) => Use::SinceStart,
            }
        }
    })
}

/// The history of a tree, the newest change first.
///
/// # Errors
/// When there is no such tree.
pub(crate) fn history(roots: &Roots, tree: &ConfigTree) -> Result<Vec<ConfigRecord>, Failure> {
    if ConfigDirectory::open(&roots.config_base.join(tree.directory()))?.is_none()
        && let Some(name) = tree.vserver()
    {
        return Err(Failure::NoSuchVServer { name: name.clone() });
    }
    Ok(History::take(roots, tree)?.records(None))
}
