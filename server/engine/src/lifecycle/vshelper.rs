//! What follows when a guest has ended of itself, has no memory left or was started: `apps/vshelper` of its config
//! tree and of `.defaults` (fact sheet 1.5, 4.3).
//!
//! In this order: `disabled` in either means that nothing follows; a program in `.defaults/apps/vshelper-delegate`
//! stands for everything else; then the VServer's program for the event, its `action`, the program of `.defaults`,
//! the `action` there; else `restart`. An `action` is the name of a program in `apps/vshelper-methods`, or one of
//! the two that are built in. A program that cannot be executed is passed over, as the original did. While the guest
//! goes on (`startup`, `oom`) only a program that is named after the event is run: an `action` says what follows an end.
//!
//! Unlike the original's, a program for an end is run when what was made for the VServer has been taken away and nobody
//! holds it: `vserver NAME start` in it does what it says. It is called as the original's was, with the event and the
//! context number. `VS_CMD` is known of what reboot(2) was called for, `VS_PID` and `VS_UID` of who was ended for want
//! of memory; who called reboot(2) the kernel tells nobody, so there they are not set.
//!
//! `debug` in either tree has each step written into the log file, as a shell would trace it.
//!
//! Invariant: a program is run as [`host_program`] judges and runs programs on the host, hooks too.

use std::cell::RefCell;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use domain::config_entry::Expected;
use domain::failure::{Failure, ProgramProblem};
use domain::id::{ContextId, VServerName};
use domain::life::{GuestEvent, Life, VshelperAction};
use domain::note::Note;
use domain::service::ServiceName;
use nix::libc;

use super::host_program::{self, HostProgramError, Listener};
use crate::clock::Clock;
use crate::config::{self, ConfigError};
use crate::engine::Instance;
use crate::life;
use crate::roots::Roots;

/// The config tree of what holds for all.
const DEFAULTS: &str = ".defaults";

/// The methods that are built in.
const RESTART: &str = "restart";
const STOP: &str = "stop";

/// What stands in `apps/vshelper` beside programs for events; and events of the original's that never happen
/// here, whose programs are no mistake.
const SETTINGS: [&str; 6] =
    ["action", "debug", "disabled", "logfile", "sync-timeout", "warning-disabled"];
const OTHER_EVENTS: [&str; 4] = ["netdown", "netup", "restart2", "swsusp"];

/// How many of the latest things that happened to it are looked at for who was ended.
const LATEST: usize = 20;

/// What follows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Vshelper {
    /// It is started again.
    Restart,
    /// It stays stopped.
    Stop,
    /// The same, because somebody wants nothing to follow.
    Disabled,
    /// The same, and then this is run. Where it has not ended, only that.
    Program(VshelperProgram),
    /// Nothing, where it has not ended.
    Nothing,
}

impl Vshelper {
    /// The same, to be written down; none where there is nothing.
    pub(crate) fn action(&self) -> Option<VshelperAction> {
        match self {
            Self::Restart => Some(VshelperAction::Restart),
            Self::Stop => Some(VshelperAction::Stop),
            Self::Disabled => Some(VshelperAction::Disabled),
            Self::Program(program) => Some(VshelperAction::Program(program.shown.clone())),
            Self::Nothing => None,
        }
    }
}

/// A program of the administrator's that sees to an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct VshelperProgram {
    path: PathBuf,
    /// What it is called, from the directory of config trees on.
    shown: String,
    /// The event, as its first argument.
    event: &'static str,
    /// Whether an `action` names it: such a one gets `VSERVER`.
    is_method: bool,
}

/// What follows this event of a VServer.
///
/// # Errors
/// When an `action` cannot be read, or names nothing there is.
pub(crate) fn chosen(
    roots: &Roots,
    clock: &dyn Clock,
    name: &VServerName,
    event: GuestEvent,
) -> Result<Vshelper, ConfigError> {
    let mut seen = Vec::new();
    let chosen = look(roots, name, event, &mut seen);
    if has_switch(roots, name, "debug") {
        let mut log = VshelperLog::open(roots, clock, name);
        seen.iter().for_each(|line| log.line(line));
        if let Err(error) = &chosen {
            log.line(&domain::failure::chain(error));
        }
    }
    chosen
}

/// Whether a switch of `apps/vshelper` is there, of the VServer's or of all.
fn has_switch(roots: &Roots, name: &VServerName, switch: &str) -> bool {
    let trees = [name.as_str(), DEFAULTS];
    let path = |tree: &str| roots.config_base.join(tree).join("apps/vshelper").join(switch);
    trees.iter().any(|tree| path(tree).exists())
}

/// The same; `seen` is what was looked at, in the words of a shell.
fn look(
    roots: &Roots,
    name: &VServerName,
    event: GuestEvent,
    seen: &mut Vec<String>,
) -> Result<Vshelper, ConfigError> {
    let base = &roots.config_base;
    let trees = [name.as_str(), DEFAULTS];
    let seen = RefCell::new(seen);
    let program = |leaf: String, event, is_method| {
        let path = base.join(&leaf);
        let is_there = is_executable(&path);
        seen.borrow_mut().push(format!("+ test -x {leaf}: {}", i32::from(!is_there)));
        is_there.then_some(VshelperProgram { path, shown: leaf, event, is_method })
    };
    if has_switch(roots, name, "disabled") {
        seen.borrow_mut().push("+ test -e apps/vshelper/disabled: 0".to_owned());
        return Ok(if event.is_end() { Vshelper::Disabled } else { Vshelper::Nothing });
    }
    let words = event.vshelper_events();
    let delegate = |word: &&'static str| {
        program(format!("{DEFAULTS}/apps/vshelper-delegate/{word}"), *word, false)
    };
    if let Some(found) = words.iter().find_map(delegate) {
        return Ok(Vshelper::Program(found));
    }
    for tree in trees {
        let of_event =
            |word: &&'static str| program(format!("{tree}/apps/vshelper/{word}"), *word, false);
        if let Some(found) = words.iter().find_map(of_event) {
            return Ok(Vshelper::Program(found));
        }
        if !event.is_end() {
            continue;
        }
        let Some(method) = config::vshelper_action_of(roots, tree)? else { continue };
        seen.borrow_mut().push(format!("+ cat {tree}/apps/vshelper/action: {method}"));
        let called = words.first().copied().unwrap_or_default();
        let found =
            method_leaves(name, &method).into_iter().find_map(|leaf| program(leaf, called, true));
        return match (found, method.as_str()) {
            (Some(found), _) => Ok(Vshelper::Program(found)),
            (None, RESTART) => Ok(built_in(event)),
            (None, STOP) => Ok(Vshelper::Stop),
            (None, _) => Err(no_method(tree)),
        };
    }
    Ok(built_in(event))
}

/// The method `restart`: whatever is no reboot ends in a stop.
fn built_in(event: GuestEvent) -> Vshelper {
    match event {
        GuestEvent::Restart => Vshelper::Restart,
        GuestEvent::Halt | GuestEvent::Exit => Vshelper::Stop,
        GuestEvent::Oom | GuestEvent::Startup => Vshelper::Nothing,
    }
}

/// Does what follows an event after which the guest goes on, and writes it down.
///
/// # Errors
/// When a program may not be run, fails, or does not end in time.
pub(crate) fn see_to(
    instance: &Instance,
    clock: &dyn Clock,
    name: &VServerName,
    context: ContextId,
    event: GuestEvent,
) -> Result<(), Failure> {
    let roots = &instance.settings.roots;
    let helper = chosen(roots, clock, name, event)?;
    let Vshelper::Program(program) = &helper else { return Ok(()) };
    let log = roots.life_log_of(name);
    let happened = |what| life::note(&log, clock, what);
    happened(Life::Vshelper { event, action: VshelperAction::Program(program.shown.clone()) });
    let run = run(instance, clock, name, context, event, program);
    happened(match &run {
        Ok(()) => Life::VshelperDone,
        Err(failure) => Life::VshelperFailed { failure: Box::new(failure.clone()) },
    });
    run
}

/// Where a method's program may be; nowhere when it is no name of a file.
fn method_leaves(name: &VServerName, method: &str) -> Vec<String> {
    match method.parse::<ServiceName>() {
        Ok(_) => [name.as_str(), DEFAULTS]
            .map(|tree| format!("{tree}/apps/vshelper-methods/{method}"))
            .into(),
        Err(_) => Vec::new(),
    }
}

fn no_method(tree: &str) -> ConfigError {
    ConfigError::Unexpected {
        file: Path::new(tree).join("apps/vshelper/action"),
        line: 1,
        expected: Expected::Choice(vec![RESTART.to_owned(), STOP.to_owned()]),
    }
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Runs the program, outside every lock, and waits for it.
///
/// # Errors
/// When it may not be run, fails, or does not end in time.
pub(crate) fn run(
    instance: &Instance,
    clock: &dyn Clock,
    name: &VServerName,
    context: ContextId,
    event: GuestEvent,
    program: &VshelperProgram,
) -> Result<(), Failure> {
    let settings = &instance.settings;
    let path = host_program::judged(&program.shown, &program.path)?;
    let directory = settings.roots.config_of(name);
    let mut command = Command::new(path);
    command
        .args([program.event, &context.to_string()])
        .env_clear()
        .env("VSERVER_NAME", name.as_str())
        .env("VSERVER_DIR", &directory)
        .current_dir("/");
    if let Some(code) = event.reboot_command() {
        command.env("VS_CMD", code);
    }
    if event == GuestEvent::Oom {
        let records = life::read(&settings.roots.life_log_of(name), LATEST);
        let killed = records.into_iter().find_map(|record| match record.what {
            Life::OutOfMemory { killed, .. } => Some(killed.into_iter().last()),
            _ => None,
        });
        if let Some(one) = killed.flatten() {
            command.env("VS_PID", one.pid.to_string());
            command.envs(one.uid.map(|uid| ("VS_UID", uid.to_string())));
        }
    }
    if program.is_method {
        command.env("VSERVER", name.as_str());
    }
    sys::descriptor::hand_on(&mut command, Vec::new());
    let mut log = VshelperLog::open(&settings.roots, clock, name);
    log.line(&format!("{} {context}", program.event));
    let patience = Duration::from_secs(settings.limits.hook_seconds.into());
    let result = host_program::run(&mut log, command, &program.shown, patience);
    if let Err(error) = &result {
        log.line(&domain::failure::chain(error));
    }
    Ok(result?)
}

/// `.defaults/apps/vshelper/logfile`, if there is one that only root can have made.
struct VshelperLog<'a> {
    file: Option<fs::File>,
    clock: &'a dyn Clock,
    name: &'a VServerName,
}

impl<'a> VshelperLog<'a> {
    fn open(roots: &Roots, clock: &'a dyn Clock, name: &'a VServerName) -> Self {
        let leaf = format!("{DEFAULTS}/apps/vshelper/logfile");
        // Over a link as over any other program's path: nobody else can have bent it.
        let file =
            host_program::judged(&leaf, &roots.config_base.join(&leaf)).ok().and_then(|path| {
                let options = libc::O_NOFOLLOW | libc::O_NONBLOCK;
                OpenOptions::new().append(true).custom_flags(options).open(path).ok()
            });
        Self { file, clock, name }
    }
}

impl Listener for VshelperLog<'_> {
    fn begins(&mut self) {}

    fn line(&mut self, line: &str) {
        let Some(file) = &mut self.file else { return };
        let at = self.clock.now().civil();
        let line: String = line.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
        // A log that cannot be written keeps nobody from being started again.
        let _ = writeln!(
            file,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z {}: {line}",
            at.year, at.month, at.day, at.hour, at.minute, at.second, self.name
        );
    }
}

/// What is wrong with `apps/vshelper` for this VServer, for its start to tell; nothing where `disabled` or
/// `warning-disabled` says so.
pub(super) fn warnings(roots: &Roots, name: &VServerName) -> Vec<Note> {
    if ["disabled", "warning-disabled"].iter().any(|switch| has_switch(roots, name, switch)) {
        return Vec::new();
    }
    let problems = [name.as_str(), DEFAULTS].map(|tree| problems_of(roots, tree));
    let notes = problems.into_iter().flatten();
    notes.map(|failure| Note::Vshelper { failure: Box::new(failure) }).collect()
}

/// What is wrong with `apps/vshelper` of all VServers and of `.defaults`: programs that would not be run, and
/// words that mean nothing.
#[must_use]
pub(crate) fn problems(roots: &Roots) -> Vec<Failure> {
    let names = config::list_names(roots).unwrap_or_default();
    let trees = names.iter().map(VServerName::as_str).chain([DEFAULTS]);
    trees.flat_map(|tree| problems_of(roots, tree)).collect()
}

fn problems_of(roots: &Roots, tree: &str) -> Vec<Failure> {
    let mut problems: Vec<Failure> = Vec::new();
    match config::vshelper_action_of(roots, tree) {
        Err(error) => problems.push(error.into()),
        Ok(Some(method)) if method != RESTART && method != STOP => {
            // Of `.defaults` a method may be each VServer's own: then it is one of the catalogue's words there.
            let name: Option<VServerName> = tree.parse().ok();
            let leaves = match &name {
                Some(name) => method_leaves(name, &method),
                None => vec![format!("{DEFAULTS}/apps/vshelper-methods/{method}")],
            };
            if !leaves.iter().any(|leaf| is_executable(&roots.config_base.join(leaf))) {
                problems.push(no_method(tree).into());
            }
        }
        Ok(_) => {}
    }
    for directory in ["vshelper", "vshelper-methods", "vshelper-delegate"] {
        let directory = format!("{tree}/apps/{directory}");
        let entries = fs::read_dir(roots.config_base.join(&directory)).into_iter().flatten();
        let mut leaves: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|leaf| !leaf.starts_with('.') && !config::is_backup(leaf))
            .filter(|leaf| !directory.ends_with("vshelper") || !SETTINGS.contains(&leaf.as_str()))
            .collect();
        leaves.sort();
        for leaf in leaves {
            let shown = format!("{directory}/{leaf}");
            let path = roots.config_base.join(&shown);
            let is_event =
                GuestEvent::ALL.iter().any(|e| e.vshelper_events().contains(&leaf.as_str()));
            if !directory.ends_with("methods")
                && !is_event
                && !OTHER_EVENTS.contains(&leaf.as_str())
            {
                let words = GuestEvent::ALL.iter().flat_map(|event| event.vshelper_events());
                let expected = Expected::Choice(words.map(|word| (*word).to_owned()).collect());
                problems
                    .push(ConfigError::Unexpected { file: shown.into(), line: 1, expected }.into());
            } else if let Err(error) = judged_program(&shown, &path) {
                problems.push(error.into());
            }
        }
    }
    problems
}

fn judged_program(shown: &str, path: &Path) -> Result<(), HostProgramError> {
    let found = host_program::judged(shown, path)?;
    match is_executable(&found) {
        true => Ok(()),
        false => Err(HostProgramError::Unsafe {
            program: shown.to_owned(),
            path: found,
            problem: ProgramProblem::NoFile,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Trees(tempfile::TempDir);

    impl Trees {
        fn new() -> Self {
            let trees = Self(tempfile::tempdir().unwrap());
            fs::create_dir(trees.0.path().join("web")).unwrap();
            trees
        }

        fn roots(&self) -> Roots {
            Roots { config_base: fs::canonicalize(self.0.path()).unwrap(), ..Roots::default() }
        }

        fn write(&self, path: &str, text: &str, mode: u32) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }

        fn chosen(&self, event: GuestEvent) -> Result<VshelperAction, ConfigError> {
            let name = "web".parse().unwrap();
            look(&self.roots(), &name, event, &mut Vec::new()).map(|found| found.action().unwrap())
        }
    }

    fn program(path: &str) -> VshelperAction {
        VshelperAction::Program(path.to_owned())
    }

    #[test]
    fn what_is_more_special_counts() {
        use GuestEvent::{Exit, Halt, Restart};
        let trees = Trees::new();
        let chosen = |event| trees.chosen(event).unwrap();
        assert_eq!(chosen(Restart), VshelperAction::Restart);
        assert_eq!([Halt, Exit].map(chosen), [VshelperAction::Stop, VshelperAction::Stop]);
        trees.write(".defaults/apps/vshelper/action", "stop\n", 0o644);
        assert_eq!(chosen(Restart), VshelperAction::Stop);
        trees.write(".defaults/apps/vshelper/restart", "", 0o755);
        assert_eq!(chosen(Restart), program(".defaults/apps/vshelper/restart"));
        trees.write("web/apps/vshelper/action", "restart\n", 0o644);
        assert_eq!(chosen(Restart), VshelperAction::Restart);
        trees.write(".defaults/apps/vshelper-methods/mine", "", 0o755);
        trees.write("web/apps/vshelper/action", "mine\n", 0o644);
        assert_eq!(chosen(Exit), program(".defaults/apps/vshelper-methods/mine"));
        trees.write("web/apps/vshelper/poweroff", "", 0o755);
        assert_eq!(chosen(Halt), program("web/apps/vshelper/poweroff"));
        // One that cannot be executed is passed over.
        trees.write("web/apps/vshelper/halt", "", 0o644);
        assert_eq!(chosen(Halt), program("web/apps/vshelper/poweroff"));
        trees.write(".defaults/apps/vshelper-delegate/restart", "", 0o755);
        assert_eq!(chosen(Restart), program(".defaults/apps/vshelper-delegate/restart"));
        trees.write("web/apps/vshelper/disabled", "", 0o644);
        assert_eq!(
            [Restart, Halt].map(chosen),
            [VshelperAction::Disabled, VshelperAction::Disabled]
        );
    }

    #[test]
    fn what_goes_on_is_seen_to_by_programs_of_that_name_alone() {
        let trees = Trees::new();
        let name: VServerName = "web".parse().unwrap();
        for event in [GuestEvent::Oom, GuestEvent::Startup] {
            let look = || look(&trees.roots(), &name, event, &mut Vec::new()).unwrap();
            let path = format!(".defaults/apps/vshelper/{}", event.as_str());
            for action in ["stop", "restart", "mine", "wrong"] {
                trees.write("web/apps/vshelper-methods/mine", "", 0o755);
                trees.write("web/apps/vshelper/action", action, 0o644);
                assert_eq!(look(), Vshelper::Nothing, "{action}");
            }
            trees.write(&path, "", 0o755);
            assert_eq!(look().action(), Some(program(&path)));
            trees.write("web/apps/vshelper/disabled", "", 0o644);
            assert_eq!(look(), Vshelper::Nothing);
            fs::remove_file(trees.0.path().join("web/apps/vshelper/disabled")).unwrap();
        }
    }

    #[test]
    fn a_start_tells_of_what_is_wrong_unless_it_is_told_not_to() {
        let trees = Trees::new();
        let name: VServerName = "web".parse().unwrap();
        trees.write("web/apps/vshelper/action", "rebot", 0o644);
        trees.write(".defaults/apps/vshelper/oom", "", 0o777);
        assert_eq!(warnings(&trees.roots(), &name).len(), 2);
        trees.write(".defaults/apps/vshelper/warning-disabled", "", 0o644);
        assert_eq!(warnings(&trees.roots(), &name), []);
    }

    #[test]
    fn each_step_can_be_traced() {
        let trees = Trees::new();
        trees.write(".defaults/apps/vshelper/action", "stop\n", 0o644);
        let mut seen = Vec::new();
        look(&trees.roots(), &"web".parse().unwrap(), GuestEvent::Restart, &mut seen).unwrap();
        assert_eq!(
            seen,
            [
                "+ test -x .defaults/apps/vshelper-delegate/restart: 1",
                "+ test -x web/apps/vshelper/restart: 1",
                "+ test -x .defaults/apps/vshelper/restart: 1",
                "+ cat .defaults/apps/vshelper/action: stop",
                "+ test -x web/apps/vshelper-methods/stop: 1",
                "+ test -x .defaults/apps/vshelper-methods/stop: 1",
            ]
        );
    }

    #[test]
    fn words_that_mean_nothing_are_named() {
        let trees = Trees::new();
        trees.write("web/apps/vshelper/restart", "", 0o755);
        trees.write("web/apps/vshelper/sync-timeout", "3\n", 0o644);
        trees.write("web/apps/vshelper/swsusp", "", 0o755);
        assert_eq!(problems(&trees.roots()), []);
        for wrong in ["rebot", "../x", "-x"] {
            trees.write("web/apps/vshelper/action", wrong, 0o644);
            let error = trees.chosen(GuestEvent::Halt).unwrap_err();
            assert!(matches!(error, ConfigError::Unexpected { .. }), "{wrong}");
        }
        trees.write("web/apps/vshelper/reboot", "", 0o755);
        trees.write("web/apps/vshelper/halt", "", 0o644);
        trees.write("web/apps/vshelper/poweroff", "", 0o777);
        let named: Vec<String> = problems(&trees.roots())
            .into_iter()
            .map(|problem| match problem {
                Failure::BadConfig { file, .. } => file,
                Failure::UnsafeProgram { program, problem, .. } => format!("{program} {problem:?}"),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            named,
            [
                "web/apps/vshelper/action",
                "web/apps/vshelper/halt NoFile",
                "web/apps/vshelper/poweroff WritableByOthers",
                "web/apps/vshelper/reboot"
            ]
        );
    }
}
