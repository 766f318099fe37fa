//! The packages of VServers, managed from the host by the VServers' own tools.
//!
//! A tool runs in its VServer as `exec` would have it. In one that does not run it does as well, without
//! that being started ([`crate::lifecycle`], `begin_aside`). Its lock is held meanwhile, whether it runs or not:
//! nobody stops it while dpkg is at work.
//!
//! What a tool did is not undone: an operation that fails or is interrupted says what changed, and that it can
//! be repaired. Names are judged by `domain`, and stand behind all options.
//!
//! Debian's family is changed by apt, Red Hat's by dnf or yum: which of them, the VServer's files say ([`Tools`]).
//!
//! Not here: which packages a backup lists is said by [`installed`]; sources of packages are files of the
//! VServer's own.

mod apt;
mod dnf;
mod foresee;
mod inside;
mod installed;
mod kept;
mod offered;
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
use domain::package::{PackageChange, PackageSystem, PackageTool, Upgrade};

pub(crate) use installed::installed;
pub(crate) use kept::{answer_of, answers_base};
pub(crate) use view::Records;

use self::inside::Inside;
use self::installed::{Record, Stamp};
use crate::config;
use crate::engine::Instance;
use crate::exec::{self, ExecError, Invocation};
use crate::operation::{Stopped, Work, crash_point};
use crate::roots::Roots;

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
    if Stamp::of(files).is_some() {
        return Some(PackageSystem::Dpkg);
    }
    rpm::database(files).map(|_| PackageSystem::Rpm)
}

/// What the record of its packages is now, whoever keeps it.
fn stamp_of(files: &OwnedFd) -> Option<Stamp> {
    Stamp::of(files).or_else(|| rpm::stamp(files))
}

/// What changes the packages of a VServer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tools {
    /// apt, with dpkg.
    Apt,
    /// dnf or yum, with rpm.
    Dnf(PackageTool),
}

impl Tools {
    /// Those that a VServer with these files has.
    fn of(files: &OwnedFd) -> Option<Self> {
        match system_of(files)? {
            PackageSystem::Dpkg => Some(Self::Apt),
            PackageSystem::Rpm => dnf::tool_of(files).map(Self::Dnf),
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
    let tools = files.as_ref().and_then(Tools::of);
    let (Some(files), Some(tools)) = (files, tools) else {
        return Err(Failure::NoPackageSystem { name: name.clone(), system }.into());
    };
    let inside = Inside::enter(instance, work, name, &files, tools)?;
    if let PackageChange::ForeseeRemoval(_) = change {
        let foreseen = foresee::foresee(&inside, work, change);
        let left = inside.leave();
        foreseen?;
        return Ok(left?);
    }
    let is_refresh = *change == PackageChange::Refresh;
    let before = if is_refresh { Ok(None) } else { inside.last_record(work) };
    let (before, result) = match before {
        Ok(before) => {
            let result = change_inside(&inside, work, change, before.as_ref());
            (before, result)
        }
        Err(stopped) => (None, Err(stopped)),
    };
    crash_point("packages:changed");
    // Of what was cancelled it is asked what became of it, but not what is pending now.
    let after = match &result {
        Err(Stopped::Cancelled) => inside.record(work).ok().flatten(),
        result => inside.keep(work, is_refresh && result.is_ok()),
    };
    let left = inside.leave();
    // What nobody could say is not told as if it had come or gone.
    if let (Some(before), Some(after)) = (&before, &after) {
        tell_changes(work, before, after);
    }
    let broken = after.map(|record| record.broken()).unwrap_or_default();
    if is_refresh || broken.is_empty() {
        result?;
        return Ok(left?);
    }
    let failure = Failure::PackagesBroken { name: name.clone(), packages: broken };
    if result.is_err() {
        // Why it ended is one thing, what has to be done now another.
        work.note(&Note::PackagesLeftBroken { failure: Box::new(failure.clone()) });
    }
    result?;
    left?;
    Err(failure.into())
}

fn change_inside(
    inside: &Inside<'_>,
    work: &mut Work<'_>,
    change: &PackageChange,
    before: Option<&Record>,
) -> Result<(), Stopped> {
    let commands = match inside.tools {
        Tools::Apt => {
            let mut security = Vec::new();
            if let PackageChange::Upgrade(Upgrade::Security) = change {
                work.progress(Stage::AskingWhatIsPending, 100);
                let wanted = inside.pending(work, &Record::default())?.into_iter();
                let wanted = wanted.filter(|update| update.is_security);
                security.extend(wanted.filter_map(|update| update.name.parse().ok()));
                if security.is_empty() {
                    work.note(&Note::NothingPending);
                    return Ok(());
                }
            }
            let versions = before.map(Record::versions).unwrap_or_default();
            apt::commands(change, inside.is_aside, &security, &versions)
        }
        Tools::Dnf(tool) => {
            if let PackageChange::Hold(_) | PackageChange::Unhold(_) = change {
                inside.require_locks(work, tool)?;
            }
            dnf::commands(change, tool, inside.is_aside)
        }
    };
    let stage = match change {
        PackageChange::Refresh => Stage::RefreshingLists,
        _ => Stage::ChangingPackages,
    };
    work.progress(stage, 200);
    let is_repair = *change == PackageChange::Repair;
    let mut result = Ok(());
    for argv in commands {
        result = said_and_run(inside, work, &argv);
        // Of a repair the second part may mend what the first could not.
        if result.is_err() && !is_repair || matches!(result, Err(Stopped::Cancelled)) {
            return result;
        }
    }
    if let (true, Tools::Dnf(tool)) = (is_repair, inside.tools)
        && inside.has_duplicates(work, tool)?
    {
        result =
            result.and(said_and_run(inside, work, &dnf::remove_duplicates(tool, inside.is_aside)));
    }
    result
}

/// Runs a command that is in the log before its words.
fn said_and_run(inside: &Inside<'_>, work: &mut Work<'_>, argv: &[String]) -> Result<(), Stopped> {
    work.go_on()?;
    work.log(&domain::build::shell_line(argv));
    // What changes packages itself is never interrupted.
    let stops_in_order = !["dpkg", "rpm"].contains(&tool_in(argv).as_str());
    inside.run(work, argv, stops_in_order)
}

/// Says which packages came, went or have another version.
fn tell_changes(work: &mut Work<'_>, before: &Record, after: &Record) {
    let (before, after) = (before.versions(), after.versions());
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
    let Some(files) = files_of(&instance.settings.roots, name)? else {
        return Err(Failure::NoPackageSystem { name: name.clone(), system: None }.into());
    };
    let tools = Tools::of(&files);
    let stamp = stamp_of(&files);
    // Where nothing could say what it did, nothing is asked.
    let inside = Inside::enter(instance, work, name, &files, tools.unwrap_or(Tools::Apt))?;
    let before = inside.known_record();
    work.progress(Stage::ChangingPackages, 200);
    let mut argv = match (asks, inside.is_aside) {
        (true, false) => Vec::new(),
        (true, true) => vec!["env".to_owned(), format!("PATH={}", apt::search_path(true))],
        (false, is_aside) => apt::without_questions(is_aside),
    };
    match tool {
        PackageTool::AptGet => {
            argv.extend(apt::apt_get(inside.is_aside));
            // Somebody who says what is to become of configuration files has answered that.
            if !asks && !arguments.iter().any(|word| word.contains("--force-conf")) {
                argv.extend(apt::KEEP_FILES.map(str::to_owned));
            }
        }
        other => argv.push(other.program().to_owned()),
    }
    argv.extend(arguments.iter().cloned());
    let result = match asks {
        true => at_terminal(&inside, tool, argv),
        false => inside.run(work, &argv, tool.stops_in_order()),
    };
    crash_point("packages:changed");
    let is_refresh = tool.is_refresh(arguments);
    let is_changed = stamp != stamp_of(&files);
    if tools.is_some() && (is_refresh || is_changed) {
        let after = inside.keep(work, is_refresh && result.is_ok());
        if let (true, Some(before), Some(after)) = (is_changed, before, after) {
            tell_changes(work, &before, &after);
        }
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
