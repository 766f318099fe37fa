//! `vserver`: what is typed, and which command does it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use domain::batch::Pace;
use domain::change::{Change, PlainChange};
use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::id::{Mark, VServerName};
use domain::init::Rescue;
use domain::life::GuestEvent;
use domain::operation::Progress;
use domain::package::PackageTool;
use engine::Engine;
use engine::engine::InTurn;
use engine::facts::DefaultOptions;

use super::build_options::{self, Build, BuildRequest, WrongBuild};
use super::caller::Caller;
use super::change::{self, Ended};
use super::config::Action;
use super::help::{self, Command};
use super::host_key;
use super::many::{self, Many};
use super::name;
use super::options::{Grammar, Opt, Reason, Section, UsageError, joined, text};
use super::selection::{self, FILTERS, Selection};
use super::{
    begin_log, console, delete, exit, identity, inside, mark, mounts, package_tool, recycle,
    status, vserver_backup, vserver_packages,
};

/// For one, NAME, or with filters instead of it for many.
const OPTIONS: Grammar = Grammar {
    options: &joined::<{ OWN_OPTIONS.len() + FILTERS.len() }>(&OWN_OPTIONS, &FILTERS),
    takes_words: true,
};

/// How many are gone about: of no use to one.
const OF_MANY: [&str; 3] = ["--at-once", "--canary", "--stop-after"];

const OWN_OPTIONS: [Opt; 15] = [
    Opt::value("config"),
    Opt::flag("sync").or('s'),
    Opt::flag("verbose").or('v'),
    Opt::flag("silent"),
    Opt::flag("debug"),
    // Without effect: there is no terminal and no shell to trace.
    Opt::flag("defaulttty"),
    Opt::flag("strace").refused(Reason::NoShell),
    Opt::flag("debug-sysv").refused(Reason::NoShell),
    Opt::flag("help"),
    Opt::flag("version"),
    // How many are gone about.
    Opt::value("at-once"),
    Opt::value("canary"),
    Opt::value("stop-after"),
    Opt::flag("dry-run"),
    // What a supervisor calls when its guest has ended.
    Opt::value("event").hidden(),
];

/// Commands that take nothing.
const PLAIN: Grammar = Grammar { options: &[Opt::flag("help")], takes_words: false };

const START: Grammar = Grammar {
    options: &[
        Opt::flag("help"),
        Opt::flag("rescue"),
        Opt::flag("rescue-init"),
        // The original's older spelling of the words after `--rescue`.
        Opt::value("rescue-cmd").hidden(),
    ],
    takes_words: true,
};

/// What was started is what is ended: how, it knows itself.
const STOP: Grammar = Grammar {
    options: &[Opt::flag("help"), Opt::flag("rescue-init").hidden()],
    takes_words: false,
};

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Help,
    Version,
    HelpOf(Command),
    Event {
        event: String,
        name: OsString,
    },
    /// Of a VServer that is to be.
    Build {
        name: OsString,
        arguments: Vec<OsString>,
    },
    /// About the config tree of a VServer, `.defaults` or `.distributions`.
    Config {
        name: OsString,
        action: Action,
    },
    /// About backups of a VServer, which may be gone.
    Backup {
        name: OsString,
        arguments: Vec<OsString>,
    },
    /// Of a VServer that is in the recycle bin; `arguments` are judged.
    Undelete {
        name: OsString,
        arguments: Vec<OsString>,
    },
    /// Of a VServer there is.
    Of {
        name: OsString,
        what: Of,
    },
    /// Of many.
    Many(Many),
}

/// What is asked of a VServer there is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// Its init; or what is to mend it.
    Start(Option<Rescue>),
    Stop,
    Restart,
    CondRestart,
    Status,
    Running,
    /// The arguments are judged.
    Delete(Vec<OsString>),
    Identity(identity::Wanted),
    Protect(bool),
    /// What happened to it.
    Events,
    /// What it printed.
    Console(console::Wanted),
    /// A program in it; the shell where there is none.
    Inside {
        user: Option<String>,
        words: Vec<OsString>,
    },
    Packages(vserver_packages::Wanted),
    /// Gives it a mark, or takes it away.
    Mark {
        mark: Mark,
        on: bool,
    },
    /// What it sees mounted.
    Mounts,
    /// Changes what is mounted there to what its fstab says.
    Remount(String),
    /// A tool of its package system.
    Tool {
        tool: PackageTool,
        words: Vec<String>,
    },
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) config: Option<PathBuf>,
    pub(super) silent: bool,
    pub(super) verbose: bool,
    pub(super) debug: bool,
    pub(super) request: Request,
}

/// Understands the words after `vserver`.
pub(super) fn understand(words: &[OsString]) -> Result<Typed, UsageError> {
    let section = OPTIONS.parse(words)?;
    let mut rest = section.words().into_iter();
    let request = if section.has("--help") {
        Request::Help
    } else if section.has("--version") {
        Request::Version
    } else if let Some(selection) = Selection::of(&section)? {
        let word = rest.next().ok_or(UsageError::CommandMissing)?;
        let (command, word) = command_of(&word)?;
        let each = many::understand(command, &word, rest.as_slice())?;
        let (pace, is_dry) = (selection::pace_of(&section)?, section.has("--dry-run"));
        Request::Many(Many { selection, pace, is_dry, each })
    } else if let Some(option) = OF_MANY.into_iter().find(|option| section.has(option)) {
        return Err(UsageError::OptionOfMany { option: option.to_owned() });
    } else if section.has("--dry-run") {
        Request::Many(tried(rest.next(), rest.next(), rest.as_slice())?)
    } else {
        match (section.value("--event")?, rest.next(), rest.next()) {
            (Some(event), Some(name), None) => Request::Event { event, name },
            (_, Some(name), Some(command)) => understand_command(name, &command, rest.collect())?,
            _ => return Err(UsageError::CommandMissing),
        }
    };
    Ok(Typed {
        config: section.os_value("--config").map(PathBuf::from),
        silent: section.has("--silent"),
        verbose: section.has("--verbose") || section.has("--debug"),
        debug: section.has("--debug"),
        request,
    })
}

/// What one command would do to one VServer: a selection of one.
fn tried(
    name: Option<OsString>,
    word: Option<OsString>,
    arguments: &[OsString],
) -> Result<Many, UsageError> {
    let (Some(name), Some(word)) = (name, word) else { return Err(UsageError::CommandMissing) };
    let (command, word) = command_of(&word)?;
    let each = match many::understand(command, &word, arguments) {
        Err(UsageError::CommandOfOne { word }) => Err(UsageError::NoDryRun { word }),
        other => other,
    }?;
    Ok(Many { selection: Selection::named(name), pace: Pace::default(), is_dry: true, each })
}

fn understand_command(
    name: OsString,
    word: &OsStr,
    arguments: Vec<OsString>,
) -> Result<Request, UsageError> {
    let (command, _) = command_of(word)?;
    let asks_help = |word: &OsString| word == "--help" || word == "-help";
    let what = match command {
        _ if arguments.first().is_some_and(asks_help) => return Ok(Request::HelpOf(command)),
        Command::Build => return Ok(Request::Build { name, arguments }),
        Command::Config => {
            let action = super::config::understand(&arguments)?;
            return Ok(Request::Config { name, action });
        }
        Command::Backup => return Ok(Request::Backup { name, arguments }),
        Command::Undelete => {
            identity::undelete(&arguments)?;
            return Ok(Request::Undelete { name, arguments });
        }
        Command::Exec | Command::SuExec => {
            let mut words = arguments.into_iter().peekable();
            drop(words.next_if(|word| word == "--"));
            let user = match command {
                Command::SuExec => Some(words.next().ok_or(UsageError::UserMissing)?),
                _ => None,
            };
            if words.peek().is_none() {
                return Err(UsageError::ProgramMissing);
            }
            let user = user.map(|word| word.to_string_lossy().into_owned());
            Of::Inside { user, words: words.collect() }
        }
        Command::Enter => plain(&arguments, Of::Inside { user: None, words: Vec::new() })?,
        Command::Start => Of::Start(rescue(&arguments)?),
        Command::Stop => judge_options(STOP, &arguments).map(|()| Of::Stop)?,
        Command::Restart => plain(&arguments, Of::Restart)?,
        Command::CondRestart => plain(&arguments, Of::CondRestart)?,
        Command::Status => plain(&arguments, Of::Status)?,
        Command::Running => plain(&arguments, Of::Running)?,
        Command::Protect => plain(&arguments, Of::Protect(true))?,
        Command::Unprotect => plain(&arguments, Of::Protect(false))?,
        Command::Delete => {
            judge_options(delete::OPTIONS, &arguments)?;
            Of::Delete(arguments)
        }
        Command::Events => plain(&arguments, Of::Events)?,
        Command::Mark => Of::Mark { mark: mark::understand(&arguments)?, on: true },
        Command::Unmark => Of::Mark { mark: mark::understand(&arguments)?, on: false },
        Command::Mounts => plain(&arguments, Of::Mounts)?,
        Command::Remount => Of::Remount(mounts::understand(&arguments)?),
        Command::Console => Of::Console(console::understand(&arguments)?),
        Command::Rename => Of::Identity(identity::rename(&arguments)?),
        Command::Set => Of::Identity(identity::set(&arguments)?),
        Command::Packages => Of::Packages(vserver_packages::understand(&arguments)?),
        Command::AptGet => tool(PackageTool::AptGet, &arguments)?,
        Command::AptCache => tool(PackageTool::AptCache, &arguments)?,
        Command::AptConfig => tool(PackageTool::AptConfig, &arguments)?,
        Command::Rpm => tool(PackageTool::Rpm, &arguments)?,
    };
    Ok(Request::Of { name, what })
}

/// The command of a word.
fn command_of(word: &OsStr) -> Result<(Command, String), UsageError> {
    let word = text(word)?;
    match Command::of(&word) {
        Some(command) => Ok((command, word)),
        None if Command::is_later(&word) => {
            Err(UsageError::CommandNotYet { word, supported: Command::list() })
        }
        None => Err(UsageError::CommandUnknown { word }),
    }
}

/// A tool that is told whatever follows.
fn tool(tool: PackageTool, arguments: &[OsString]) -> Result<Of, UsageError> {
    let words = arguments.iter().map(|word| text(word)).collect::<Result<_, _>>()?;
    Ok(Of::Tool { tool, words })
}

/// A command that takes nothing.
fn plain(arguments: &[OsString], what: Of) -> Result<Of, UsageError> {
    judge_options(PLAIN, arguments).map(|()| what)
}

/// What `start` shall start instead of the init, if anything.
fn rescue(arguments: &[OsString]) -> Result<Option<Rescue>, UsageError> {
    let section = parsed(START, arguments)?;
    let words = section.words();
    let mut command = words.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>()?;
    if !section.has("--rescue") {
        return match command.first() {
            Some(word) => Err(UsageError::WordNotExpected { word: word.clone() }),
            None if section.has("--rescue-init") || section.has("--rescue-cmd") => {
                Err(UsageError::RescueMissing)
            }
            None => Ok(None),
        };
    }
    if command.is_empty() {
        command.extend(section.value("--rescue-cmd")?);
    }
    Ok(Some(Rescue::new(command, section.has("--rescue-init"))))
}

/// Refuses whatever a command does not take.
fn judge_options(grammar: Grammar, arguments: &[OsString]) -> Result<(), UsageError> {
    parsed(grammar, arguments).map(drop)
}

/// What a command takes; an option of `vserver` itself stands elsewhere.
fn parsed(grammar: Grammar, arguments: &[OsString]) -> Result<Section, UsageError> {
    match grammar.parse(arguments) {
        Ok(section) => Ok(section),
        Err(UsageError::OptionUnknown { option, .. })
            if OPTIONS.parse(&[OsString::from(&option)]).is_ok() =>
        {
            Err(UsageError::OptionBeforeName { option })
        }
        Err(error) => Err(error),
    }
}

/// `vserver`; the words after the program's name.
pub(crate) fn vserver(arguments: Vec<OsString>) -> ExitCode {
    let caller = Caller::here("vserver");
    let code = match understand(&arguments) {
        Ok(typed) => {
            begin_log(typed.debug);
            let (silent, verbose, debug) = (typed.silent, typed.verbose, typed.debug);
            let caller = Caller { silent, verbose, debug, ..caller };
            answer(caller, typed).unwrap_or_else(|code| code)
        }
        Err(error) => {
            caller.complain(error.text(caller.locale));
            caller.hint(help::usage(caller.locale));
            caller.hint(caller.locale.help_hint());
            match error {
                UsageError::CommandMissing | UsageError::CommandUnknown { .. } => exit::REFUSED,
                _ => exit::FAILURE,
            }
        }
    };
    ExitCode::from(code)
}

fn answer(caller: Caller, typed: Typed) -> Result<u8, u8> {
    let locale = caller.locale;
    let config = typed.config.as_deref();
    match typed.request {
        Request::Help => caller.answer(help::vserver(locale)),
        Request::HelpOf(command) => caller.answer(command.help(locale)),
        Request::Version => {
            caller.answer(format_args!("vserver {} (Ulysse)", env!("CARGO_PKG_VERSION")));
        }
        Request::Event { event, name } => return event_of(caller, config, &event, &name),
        Request::Build { name, arguments } => return build(caller, config, &name, &arguments),
        Request::Config { name, action } => {
            let engine = caller.engine(config)?;
            let roots = &engine.instance().settings.roots;
            let tree = match name.to_str().and_then(|name| name.parse().ok()) {
                Some(shared @ (ConfigTree::Defaults | ConfigTree::Distributions)) => shared,
                _ => {
                    let name = name::existing(roots, &name).map_err(|error| error.tell(caller))?;
                    ConfigTree::VServer(name)
                }
            };
            return Ok(super::config::config(caller, &engine, tree, action));
        }
        Request::Backup { name, arguments } => {
            return vserver_backup::run(caller, config, &name, &arguments);
        }
        Request::Undelete { name, arguments } => {
            let engine = caller.engine(config)?;
            return Ok(recycle::undelete(caller, &engine, &name, &arguments));
        }
        Request::Of { name, what } => {
            let engine = caller.engine(config)?;
            let roots = &engine.instance().settings.roots;
            let name = name::existing(roots, &name).map_err(|error| error.tell(caller))?;
            return Ok(of(caller, &engine, name, what));
        }
        Request::Many(many) => {
            let engine = caller.engine(config)?;
            return many::run(caller, &engine, &many);
        }
    }
    Ok(0)
}

fn of(caller: Caller, engine: &Arc<Engine>, name: VServerName, what: Of) -> u8 {
    match what {
        Of::Start(Some(rescue)) => in_turn(caller, engine, &name, || Some(InTurn::Rescue(rescue))),
        Of::Start(None) => in_turn(caller, engine, &name, || Some(InTurn::Start)),
        Of::Stop => in_turn(caller, engine, &name, || Some(InTurn::Stop)),
        Of::Restart => in_turn(caller, engine, &name, || Some(InTurn::Restart)),
        Of::CondRestart => in_turn(caller, engine, &name, || {
            (status::running(caller, engine, &name) == 0).then_some(InTurn::Restart)
        }),
        Of::Status => status::status(caller, engine, &name),
        Of::Running => status::running(caller, engine, &name),
        Of::Delete(arguments) => delete::delete(caller, engine, name, &arguments),
        Of::Identity(wanted) => identity::change(caller, engine, name, wanted),
        Of::Protect(on) => {
            told(caller, change::run(caller, engine, PlainChange::Protect { name, on }))
        }
        Of::Mounts => mounts::mounts(caller, engine, &name),
        Of::Remount(target) => {
            told(caller, change::run(caller, engine, PlainChange::Remount { name, target }))
        }
        Of::Mark { mark, on } => {
            told(caller, change::run(caller, engine, PlainChange::Mark { name, mark, on }))
        }
        Of::Events => console::events(caller, engine, &name),
        Of::Console(wanted) => console::console(caller, engine, &name, wanted),
        Of::Inside { user, words } => inside::run(caller, engine, &name, user, words),
        Of::Packages(wanted) => vserver_packages::run(caller, engine, name, wanted),
        Of::Tool { tool, words } => package_tool::of_one(caller, engine, &name, tool, words),
    }
}

fn in_turn(
    caller: Caller,
    engine: &Arc<Engine>,
    name: &VServerName,
    what: impl FnOnce() -> Option<InTurn>,
) -> u8 {
    change::run_in_turn(caller, engine, name, what).map_or(0, |ended| told(caller, ended))
}

/// Starting what runs and stopping what does not are warnings (fact sheet 2.1).
fn told(caller: Caller, ended: Ended) -> u8 {
    match ended {
        Ended::Done(_) => 0,
        Ended::Told(code) => code,
        Ended::Refused(Failure::AlreadyRunning { name }) => {
            caller.note(caller.locale.already_running(name.as_str()));
            0
        }
        Ended::Refused(Failure::NotRunning { name }) => {
            caller.note(caller.locale.not_running(name.as_str()));
            0
        }
        Ended::Refused(failure) => change::refused(caller, &failure),
    }
}

fn build(
    caller: Caller,
    config: Option<&Path>,
    name: &OsString,
    arguments: &[OsString],
) -> Result<u8, u8> {
    let locale = caller.locale;
    let told = |failure: &Failure| {
        let label = |error: &_| build_options::label(caller, error);
        caller.tell_as(failure, None, label, |error| build_options::words(caller, error));
        exit::FAILURE
    };
    let defaults = default_options(config);
    let request = build_options::name_of(name)
        .map_err(WrongBuild::from)
        .and_then(|name| build_options::parse(&name, arguments, &defaults));
    let build = match request {
        Ok(BuildRequest::Build(build)) => *build,
        Ok(BuildRequest::Help) => {
            caller.answer(Command::Build.help(locale));
            return Ok(0);
        }
        Err(WrongBuild::Usage(error)) => {
            caller.complain(error.text(locale));
            caller.hint(locale.build_hint());
            return Err(exit::FAILURE);
        }
        Err(WrongBuild::Values(errors)) => {
            return Err(told(&Failure::Invalid { errors }));
        }
    };
    let engine = caller.engine(config)?;
    judge_places(caller, &engine, &build)?;
    let mut form = build.form.clone();
    // Without one the engine says what is missing.
    if let Some(archive) = build.archive_of.as_ref().and_then(|of| of.parse().ok()).and_then(|of| {
        engine::build::distribution::template_of(&engine.instance().settings.roots, &of)
    }) {
        form.at_host.archive = archive.display().to_string();
    }
    for interface in &build.without_device {
        caller.note(locale.no_device_for(interface));
    }
    for option in &build.without_effect {
        caller.note(locale.option_without_effect(option));
    }
    let caller = Caller { verbose: caller.verbose || build.shows_log, ..caller };
    host_key::confirm(caller, &engine, &mut form);
    match change::run(caller, &engine, Change::Build(Box::new(form))) {
        Ended::Done(operation) => {
            if let Some(name) = operation.target.vserver() {
                tell_built(caller, &engine, name);
            }
            Ok(0)
        }
        Ended::Told(code) => Err(code),
        Ended::Refused(failure) => Err(told(&failure)),
    }
}

/// What the administrator of this host wants every build to have, unless the environment says not to.
fn default_options(config: Option<&Path>) -> DefaultOptions {
    if std::env::var_os("NO_DEFAULT_OPTS").is_some_and(|value| !value.is_empty()) {
        return DefaultOptions::default();
    }
    // Why the settings cannot be had is told by whoever needs them.
    let instance = crate::invocation::instance(config);
    instance.map(|instance| DefaultOptions::of(&instance.settings.roots)).unwrap_or_default()
}

/// Refuses places that are not where this instance has them: a VServer elsewhere would never be listed,
/// nor be found by what the original left to scripts.
fn judge_places(caller: Caller, engine: &Engine, build: &Build) -> Result<(), u8> {
    let roots = &engine.instance().settings.roots;
    // A name that is none is refused by the engine.
    let Ok(name) = build.form.name.parse() else { return Ok(()) };
    let real = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        std::fs::canonicalize(&path).unwrap_or(path)
    };
    for (option, given, ours) in [
        ("--rootdir", &build.places.root_base, engine::base_links::shown_guest_base(roots)),
        ("--confdir", &build.places.config, roots.config_of(&name)),
        ("--lockfile", &build.places.run_file, roots.run_file_of(&name)),
    ] {
        if let Some(given) = given.as_deref().filter(|given| real(given) != real(&ours)) {
            let (given, ours) = (given.display().to_string(), ours.display().to_string());
            caller.complain(caller.locale.place_is_elsewhere(option, &given, &ours));
            caller.hint(caller.locale.places_are_settings());
            return Err(exit::FAILURE);
        }
    }
    Ok(())
}

/// What was chosen for it, and what to do next.
fn tell_built(caller: Caller, engine: &Engine, name: &VServerName) {
    let Ok(Some(summary)) = engine.summary(name) else { return };
    let context = summary.context.map(|context| context.to_string()).unwrap_or_default();
    let interfaces: Vec<String> = summary.interfaces.iter().map(ToString::to_string).collect();
    caller.note(caller.locale.was_built(name.as_str(), &context, &interfaces.join(", ")));
    if !caller.silent {
        caller.hint(caller.locale.how_to_start(name.as_str()));
    }
}

/// What a supervisor reports.
fn event_of(caller: Caller, config: Option<&Path>, event: &str, name: &OsStr) -> Result<u8, u8> {
    let event: Result<GuestEvent, _> = event.parse();
    let name: Option<VServerName> = name.to_str().and_then(|name| name.parse().ok());
    let (Ok(event), Some(name)) = (event, name) else {
        caller.complain(help::usage(caller.locale));
        return Err(exit::REFUSED);
    };
    let engine = caller.engine(config)?;
    match engine.event(&name, event) {
        Ok(Some(operation)) => match operation.progress {
            Progress::Failed { failure } => {
                caller.tell(&failure, Some(&operation.id));
                Err(exit::FAILURE)
            }
            _ => Ok(0),
        },
        Ok(None) => Ok(0),
        Err(failure) => {
            caller.tell(&failure, None);
            Err(exit::FAILURE)
        }
    }
}
