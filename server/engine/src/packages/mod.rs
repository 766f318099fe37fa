//! The packages of VServers, managed from the host by the VServers' own tools.
//!
//! A tool runs in its VServer as `exec` would have it. In one that does not run it does as well, without
//! that being started ([`crate::lifecycle`], `begin_aside`). Its lock is held meanwhile, whether it runs or not:
//! nobody stops it while dpkg is at work.
//!
//! What a tool did is not undone: an operation that fails or is interrupted says what changed, and that it can
//! be repaired. Names are judged by `domain`, and stand behind all options.
//!
//! Not here: which packages a backup lists is said by [`installed`]; sources of packages are files of the
//! VServer's own.

mod apt;
mod installed;
mod kept;
mod program;
mod rpm;
mod view;

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use domain::failure::{Failure, chain};
use domain::id::VServerName;
use domain::note::Note;
use domain::operation::Stage;
use domain::package::{PackageChange, PackageSystem, PackageTool, PendingUpdate, Upgrade};

pub(crate) use installed::installed;
pub(crate) use kept::{answer_of, answers_base};
pub(crate) use view::Records;

use self::installed::Record;
use self::kept::Kept;
use self::program::Program;
use crate::config;
use crate::engine::Instance;
use crate::exec::{self, ExecError, Invocation};
use crate::lifecycle::{self, LifecycleError};
use crate::operation::{Stopped, Work, crash_point};
use crate::roots::Roots;
use crate::state::GuestState;

/// Why packages were not changed or looked at.
#[derive(Debug, thiserror::Error)]
enum PackageError {
    /// The VServer's files could not be opened.
    #[error("opening {path}")]
    Open {
        /// Where they are.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A program could not be started in it.
    #[error("starting a program in it")]
    Exec(#[source] ExecError),
    /// A program could not be heard or waited for.
    #[error("running a program in it")]
    Run(#[source] io::Error),
    /// What is pending could not be kept.
    #[error("keeping what is pending in {path}")]
    Keep {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<PackageError> for Failure {
    fn from(error: PackageError) -> Self {
        Self::Unexpected { detail: chain(&error) }
    }
}

/// The files of a VServer, where the host sees them.
fn files_of(roots: &Roots, name: &VServerName) -> Result<Option<OwnedFd>, PackageError> {
    let Some(root) = config::root_directory_of(roots, name) else { return Ok(None) };
    match File::open(&root) {
        Ok(directory) => Ok(Some(directory.into())),
        Err(source) => Err(PackageError::Open { path: root, source }),
    }
}

/// What keeps the packages of a VServer with these files.
fn system_of(files: &OwnedFd) -> Option<PackageSystem> {
    if installed::Stamp::of(files).is_some() {
        return Some(PackageSystem::Dpkg);
    }
    rpm::database(files).map(|_| PackageSystem::Rpm)
}

/// A VServer in which tools can run.
struct Inside<'a> {
    instance: &'a Instance,
    name: &'a VServerName,
    state: GuestState,
    is_aside: bool,
}

impl<'a> Inside<'a> {
    /// The VServer as it runs, or without its being started.
    fn enter(
        instance: &'a Instance,
        work: &mut Work<'_>,
        name: &'a VServerName,
    ) -> Result<Self, Stopped> {
        let roots = &instance.settings.roots;
        let state = GuestState::read(roots, name).map_err(LifecycleError::from)?;
        if let Some(state) = &state
            && state.is_running()
        {
            return Ok(Self { instance, name, state: state.clone(), is_aside: false });
        }
        if let Some(old) = &state {
            lifecycle::clean_up(roots, old)?;
        }
        work.note(&Note::EnteredStopped);
        let state = lifecycle::begin_aside(instance, work, name)?;
        Ok(Self { instance, name, state, is_aside: true })
    }

    /// Leaves it as it was: of one that was not started nothing runs any more.
    fn leave(self) -> Result<(), LifecycleError> {
        match self.is_aside {
            true => lifecycle::end_aside(&self.instance.settings.roots, self.name),
            false => Ok(()),
        }
    }

    /// Runs a tool whose lines are the log's.
    fn run(&self, work: &mut Work<'_>, argv: &[String], in_order: bool) -> Result<(), Stopped> {
        let program = Program { argv, stops_in_order: in_order };
        let ended = program::run(self.instance, work, &self.state, &program, |work, line| {
            work.log(line);
        })?;
        match ended.status {
            0 => Ok(()),
            status => Err(failed(&tool_in(argv), status, ended.last)),
        }
    }

    /// Asks apt which updates are pending.
    fn pending(&self, work: &mut Work<'_>) -> Result<Vec<PendingUpdate>, Stopped> {
        let argv = apt::simulation(self.is_aside);
        let mut pending = Vec::new();
        let program = Program { argv: &argv, stops_in_order: true };
        let ended = program::run(self.instance, work, &self.state, &program, |_, line| {
            if pending.len() < installed::PACKAGES {
                pending.extend(apt::pending(line));
            }
        })?;
        if ended.status != 0 {
            return Err(failed(&tool_in(&argv), ended.status, ended.last));
        }
        pending.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(pending)
    }

    /// Asks what is pending and keeps the answer. That nobody can say fails nothing.
    fn keep_pending(&self, work: &mut Work<'_>, files: &OwnedFd, is_refreshed: bool) {
        work.progress(Stage::AskingWhatIsPending, 900);
        let roots = &self.instance.settings.roots;
        match self.pending(work) {
            Ok(pending) => {
                let now = work.clock().now();
                let kept = Kept::new(roots, self.name, files, pending, now, is_refreshed);
                let security = kept.pending.iter().filter(|update| update.is_security).count();
                let (all, security) = (kept.pending.len() as u64, security as u64);
                work.note(&Note::PendingKnown { all, security });
                if let Err(error) = kept.write(roots, self.name) {
                    work.note(&Note::PendingNotKnown { failure: Box::new(error.into()) });
                }
            }
            Err(Stopped::Cancelled) => {}
            Err(Stopped::Failed(failure)) => {
                work.note(&Note::PendingNotKnown { failure: Box::new(failure) });
            }
        }
    }
}

/// The tool among words that prepare an environment for it.
fn tool_in(argv: &[String]) -> String {
    let is_tool = |word: &&String| *word != "env" && !word.contains('=');
    argv.iter().find(is_tool).cloned().unwrap_or_default()
}

/// Changes packages of a VServer.
///
/// # Errors
/// When it has no package system that does this, a tool failed or was interrupted, or packages are
/// broken afterwards. What was changed by then stays changed, and is told.
pub(crate) fn change(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    change: &PackageChange,
) -> Result<(), Stopped> {
    let files = files_of(&instance.settings.roots, name)?;
    let system = files.as_ref().and_then(system_of);
    let (Some(files), Some(PackageSystem::Dpkg)) = (files, system) else {
        return Err(Failure::NoPackageSystem { name: name.clone(), system }.into());
    };
    let before = Record::read(&files);
    let inside = Inside::enter(instance, work, name)?;
    let result = change_inside(&inside, work, change, before.as_ref());
    crash_point("packages:changed");
    // Cancelled before anything was done there is nothing to ask.
    if !matches!(result, Err(Stopped::Cancelled)) {
        let is_refreshed = matches!((change, &result), (PackageChange::Refresh, Ok(())));
        inside.keep_pending(work, &files, is_refreshed);
    }
    let left = inside.leave();
    let after = Record::read(&files);
    if *change != PackageChange::Refresh {
        tell_changes(work, before.as_ref(), after.as_ref());
    }
    result?;
    left?;
    let broken = after.map(|record| record.broken()).unwrap_or_default();
    match *change != PackageChange::Refresh && !broken.is_empty() {
        true => Err(Failure::PackagesBroken { name: name.clone(), packages: broken }.into()),
        false => Ok(()),
    }
}

fn change_inside(
    inside: &Inside<'_>,
    work: &mut Work<'_>,
    change: &PackageChange,
    before: Option<&Record>,
) -> Result<(), Stopped> {
    let versions = before.map(Record::versions).unwrap_or_default();
    let mut security = Vec::new();
    if let PackageChange::Upgrade(Upgrade::Security) = change {
        work.progress(Stage::AskingWhatIsPending, 100);
        let wanted = inside.pending(work)?.into_iter().filter(|update| update.is_security);
        security.extend(wanted.filter_map(|update| update.name.parse().ok()));
        if security.is_empty() {
            work.note(&Note::NothingPending);
            return Ok(());
        }
    }
    let stage = match change {
        PackageChange::Refresh => Stage::RefreshingLists,
        _ => Stage::ChangingPackages,
    };
    work.progress(stage, 200);
    let is_repair = *change == PackageChange::Repair;
    let mut result = Ok(());
    for argv in apt::commands(change, inside.is_aside, &security, &versions) {
        work.go_on()?;
        work.log(&domain::build::shell_line(&argv));
        // dpkg is never interrupted. Of a repair the second part may mend what the first could not.
        result = inside.run(work, &argv, tool_in(&argv) != "dpkg");
        if result.is_err() && !is_repair || matches!(result, Err(Stopped::Cancelled)) {
            break;
        }
    }
    result
}

/// Says which packages came, went or have another version.
fn tell_changes(work: &mut Work<'_>, before: Option<&Record>, after: Option<&Record>) {
    let versions = |record: Option<&Record>| record.map(Record::versions).unwrap_or_default();
    let (before, after) = (versions(before), versions(after));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut is_same = true;
    for name in names {
        let (before, after) = (before.get(name).cloned(), after.get(name).cloned());
        if before != after {
            is_same = false;
            work.note(&Note::PackageChanged { package: name.clone(), before, after });
        }
    }
    if is_same {
        work.note(&Note::PackagesUnchanged);
    }
}

/// Runs a tool of a VServer's package system with what somebody at the host's command line tells it. One
/// that may ask does so at this process's terminal, and its words are not in the log.
///
/// # Errors
/// When it could not be run, was interrupted, or ended with another status than 0.
pub(crate) fn tool(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    tool: PackageTool,
    arguments: &[String],
    asks: bool,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let files = files_of(roots, name)?;
    let before = files.as_ref().and_then(Record::read);
    let inside = Inside::enter(instance, work, name)?;
    work.progress(Stage::ChangingPackages, 200);
    let mut argv = match (asks, inside.is_aside) {
        (true, false) => Vec::new(),
        (true, true) => vec!["env".to_owned(), format!("PATH={}", apt::search_path(true))],
        (false, is_aside) => apt::without_questions(is_aside),
    };
    match tool {
        PackageTool::AptGet => argv.extend(apt::apt_get(inside.is_aside)),
        other => argv.push(other.program().to_owned()),
    }
    argv.extend(arguments.iter().cloned());
    let result = match asks {
        true => at_terminal(&inside, tool, argv),
        false => inside.run(work, &argv, tool.stops_in_order()),
    };
    crash_point("packages:changed");
    let after = files.as_ref().and_then(Record::read);
    let is_refresh = tool == PackageTool::AptGet && arguments.iter().any(|word| word == "update");
    if let Some(files) = files
        && before.is_some()
        && (is_refresh || before != after)
    {
        inside.keep_pending(work, &files, is_refresh && result.is_ok());
    }
    if before != after {
        tell_changes(work, before.as_ref(), after.as_ref());
    }
    let left = inside.leave();
    result?;
    Ok(left?)
}

fn failed(program: &str, status: u8, detail: String) -> Stopped {
    Failure::PackageToolFailed { program: program.to_owned(), status, detail }.into()
}

/// Runs it at the terminal of whoever called this process.
fn at_terminal(inside: &Inside<'_>, tool: PackageTool, argv: Vec<String>) -> Result<(), Stopped> {
    let Instance { settings, executable, .. } = inside.instance;
    let argv = argv.into_iter().map(Into::into).collect();
    let invocation = Invocation::from_here(argv);
    match exec::run(executable, &settings.roots, &inside.state, &invocation) {
        Ok(0) => Ok(()),
        Ok(status) => Err(failed(tool.program(), status, String::new())),
        Err(error) => Err(PackageError::Exec(error).into()),
    }
}
