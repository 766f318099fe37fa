//! Copying a VServer, a directory or another machine into the root of a new VServer.
//!
//! The copying programs run in a [`stage`]: they see the source read-only and the root of the new
//! VServer with its ids, and can write nothing else. A VServer that runs is copied twice: once while it
//! goes on, once, what has changed since, while it stands still; where blocks can be shared, once and
//! standing still, because that takes moments.

use std::path::Path;

use domain::build::{BuildSpec, CopyOptions, Source};
use domain::failure::{Failure, HostFeature};
use domain::field::{Field, Problem};
use domain::operation::Stage;

use super::BuildError;
use super::rsync::{self, Listener};
use super::running;
use super::source::{self, Held};
use super::stage::{SOURCE, StagePlan, TARGET};
use super::{reflink, remote, unified};
use crate::engine::Instance;
use crate::operation::{Stopped, Work, crash_point};
use crate::program::SEARCH_PATH;
use crate::roots::{IDS_PER_VSERVER, first_host_id};
use crate::tree;

/// Where in the progress of a build the copy begins, and where it ends.
const BEGUN: u16 = 50;
const DONE: u16 = 900;
/// Where the first of two passes ends.
const PASSED: u16 = 800;

/// A stage that copies into a root.
fn plan(spec: &BuildSpec, root: &Path, source: Option<&Path>, command: Vec<String>) -> StagePlan {
    StagePlan {
        directory: root.to_owned(),
        first_host_id: first_host_id(spec.context),
        host_ids: IDS_PER_VSERVER,
        command,
        environment: environment(),
        source: source.map(Path::to_owned),
        writes_target_only: true,
        ..StagePlan::default()
    }
}

fn environment() -> Vec<(String, String)> {
    [("PATH", SEARCH_PATH), ("HOME", "/"), ("LC_ALL", "C.UTF-8")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// Copies by rsync.
///
/// # Errors
/// When it is cancelled, rsync fails, or the source cannot be reached.
pub(super) fn by_rsync(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    (source, options): (&Source, &CopyOptions),
    held: Option<&mut Held>,
    root: &Path,
) -> Result<(), Stopped> {
    if !Path::new(rsync::PROGRAM).exists() {
        let detail = rsync::PROGRAM.to_owned();
        return Err(Failure::HostLacks { feature: HostFeature::Rsync, detail }.into());
    }
    work.progress(Stage::CopyingFiles, BEGUN);
    let command = rsync::local(options, SOURCE, TARGET);
    let from = match (source, held) {
        (Source::Remote(remote), _) => {
            let plan = plan(spec, root, None, Vec::new());
            return remote::copy(instance, work, remote, options, plan);
        }
        (Source::Directory(path), _) => {
            let path = Path::new(path.as_str());
            judge_directory(path, root)?;
            path.to_owned()
        }
        (Source::VServer(_), Some(held)) if !held.cgroups.is_empty() => {
            let commands = [command, rsync::again(options, SOURCE, TARGET)];
            return twice(instance, work, spec, commands, held, root);
        }
        (Source::VServer(_), Some(held)) => held.root.clone(),
        (Source::VServer(name), None) => {
            return Err(Failure::NoSuchVServer { name: name.clone() }.into());
        }
    };
    let plan = plan(spec, root, Some(&from), command);
    pass(instance, work, &plan, WHOLE)
}

/// Copies a VServer that runs: by the first command while it goes on, by the second while it stands still.
///
/// # Errors
/// When it is cancelled, or rsync fails.
pub(super) fn twice(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    [first, second]: [Vec<String>; 2],
    held: &mut Held,
    root: &Path,
) -> Result<(), Stopped> {
    let first = plan(spec, root, Some(&held.root), first);
    held.let_go();
    pass(instance, work, &first, Pass::First(BEGUN, PASSED))?;
    crash_point("build:files-passed");
    held.hold_again(&instance.settings.roots, work)?;
    work.progress(Stage::CopyingChanges, PASSED);
    held.intend_to_freeze(work)?;
    let mut second = plan(spec, root, Some(&held.root), second);
    second.frozen.clone_from(&held.cgroups);
    let copied = pass(instance, work, &second, Pass::Only(PASSED, DONE));
    held.let_run()?;
    copied
}

/// Copies another VServer, sharing what the filesystem can share; what it cannot, with `unified` through a
/// reference. Says how much that is.
///
/// # Errors
/// When it is cancelled, or a program fails.
pub(super) fn by_clone(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    unified: bool,
    held: &mut Held,
    root: &Path,
) -> Result<(), Stopped> {
    let can_share = reflink::is_possible(&held.root, root)
        .map_err(|source| BuildError::Place { path: root.to_owned(), source })?;
    if can_share {
        work.progress(Stage::CopyingFiles, BEGUN);
        // What is not on disk yet would be written file by file while it stands still.
        tree::write_back(&held.root)
            .map_err(|source| BuildError::Place { path: held.root.clone(), source })?;
        held.intend_to_freeze(work)?;
        let mut plan = plan(spec, root, Some(&held.root), reflink::command(SOURCE, TARGET));
        plan.frozen.clone_from(&held.cgroups);
        let copied = reflinked(instance, work, &plan);
        held.let_run()?;
        copied?;
    } else if unified {
        return unified::clone(instance, work, spec, held, root);
    } else {
        let source = Source::VServer(spec.name.clone());
        let options = CopyOptions::default();
        by_rsync(instance, work, spec, (&source, &options), Some(held), root)?;
    }
    work.progress(Stage::CopyingFiles, DONE);
    work.note(&reflink::told(root, can_share));
    Ok(())
}

fn reflinked(instance: &Instance, work: &mut Work<'_>, plan: &StagePlan) -> Result<(), Stopped> {
    let mut complaints = reflink::Complaints::default();
    let status = running::run(instance, work, plan, |work, line| {
        work.log(line);
        complaints.hear(line);
    })?;
    complaints.judge(status, &plan.directory).map_err(Stopped::Failed)
}

/// One run of rsync, and where it is in the progress of the build.
#[derive(Clone, Copy)]
pub(super) enum Pass {
    /// What comes of it counts; from, to.
    Only(u16, u16),
    /// Another one follows, which makes up for what this one missed; from, to.
    First(u16, u16),
}

fn pass(
    instance: &Instance,
    work: &mut Work<'_>,
    plan: &StagePlan,
    pass: Pass,
) -> Result<(), Stopped> {
    let mut listener = Listener::default();
    let status =
        running::run(instance, work, plan, |work, line| hear(work, &mut listener, pass, line))?;
    listener.judge(status, pass, &plan.directory).map_err(Stopped::Failed)
}

/// Takes one line of rsync's.
pub(super) fn hear(work: &mut Work<'_>, listener: &mut Listener, pass: Pass, line: &str) {
    match listener.hear(line) {
        Some(rsync::Word::Percent(percent)) => {
            let (stage, from, to) = match pass {
                Pass::First(from, to) => (Stage::CopyingFiles, from, to),
                Pass::Only(from, to) if from == PASSED => (Stage::CopyingChanges, from, to),
                Pass::Only(from, to) => (Stage::CopyingFiles, from, to),
            };
            let done = u32::from(to - from) * u32::from(percent) / 100;
            work.progress(stage, from + u16::try_from(done).unwrap_or(0));
        }
        Some(rsync::Word::Line(line)) => work.log(&line),
        None => {}
    }
}

/// The whole of a build that one copy takes.
pub(super) const WHOLE: Pass = Pass::Only(BEGUN, DONE);

/// A directory must be there, and not hold the place that it is copied to.
fn judge_directory(path: &Path, root: &Path) -> Result<(), Failure> {
    let Ok(real) = std::fs::canonicalize(path) else { return Err(source::missing(path)) };
    if !real.is_dir() {
        return Err(source::missing(path));
    }
    let target = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    if target.starts_with(&real) {
        let path = path.display().to_string();
        return Err(Failure::of_field(Field::Source, Problem::SourceHoldsTarget { path }));
    }
    Ok(())
}
