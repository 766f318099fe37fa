//! The commands about processes and contexts (fact sheet 2.4 to 2.6): `vps`, `vtop`, `vpstree`, `vkill`,
//! `vserver-info`, `vnamespace`, `vuname`, `vmount`, `chcontext`, `chbind`, `vwait`.
//!
//! Options, outputs and exit statuses are the original's, as far as a stock kernel allows; what it does not
//! allow is refused with the reason and what to do instead. Here: what they share, and the table of them.

mod chbind;
mod chcontext;
mod viewers;
mod vkill;
mod vmount;
mod vnamespace;
mod vps;
mod vserver_info;
mod vuname;
mod vwait;

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use app::i18n::Locale;
use domain::failure::{Failure, chain};
use domain::id::{ContextId, VServerName};
use engine::Engine;
use engine::roots::Roots;
use engine::state::GuestState;

use super::caller::Caller;
use super::options::{Grammar, Opt, Section};
use super::{begin_log, exit, name};

/// A program of this family.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    name: &'static str,
    usage: fn(Locale) -> &'static str,
    explained: fn(Locale) -> &'static str,
    run: fn(&Call, &[OsString]) -> Result<u8, u8>,
}

/// All of them.
pub(crate) const PROGRAMS: [Program; 11] = [
    viewers::VTOP,
    viewers::VPSTREE,
    vps::VPS,
    vkill::VKILL,
    vserver_info::VSERVER_INFO,
    vnamespace::VNAMESPACE,
    vuname::VUNAME,
    chcontext::CHCONTEXT,
    chbind::CHBIND,
    vwait::VWAIT,
    vmount::VMOUNT,
];

/// Runs the program of this name, if it is one of these.
pub(crate) fn program(name: &str, arguments: &[OsString]) -> Option<ExitCode> {
    let program = PROGRAMS.into_iter().find(|program| program.name == name)?;
    let call = Call { program, caller: Caller { silent: true, ..Caller::here(program.name) } };
    Some(match (program.run)(&call, arguments) {
        Ok(code) | Err(code) => ExitCode::from(code),
    })
}

/// Options that each has.
const CONFIG: Opt = Opt::value("config");
const HELP: Opt = Opt::flag("help");
const VERSION: Opt = Opt::flag("version");

/// A call of one of them. What fails has been told; the error is the exit status.
struct Call {
    program: Program,
    caller: Caller,
}

impl Call {
    fn locale(&self) -> Locale {
        self.caller.locale
    }

    /// Understands the options; answers `--help` and `--version`.
    fn section(&self, grammar: Grammar, arguments: &[OsString]) -> Result<Section, u8> {
        let section =
            grammar.parse(arguments).map_err(|error| self.misused(error.text(self.locale())))?;
        if section.has("--help") {
            return Err(self.help());
        }
        if section.has("--version") {
            return Err(self.version());
        }
        Ok(section)
    }

    fn help(&self) -> u8 {
        let locale = self.locale();
        let explained = (self.program.explained)(locale);
        self.caller.answer(format_args!("{}\n\n{explained}", self.usage()));
        0
    }

    fn version(&self) -> u8 {
        self.caller.answer(format_args!(
            "{} {} (Ulysse)",
            self.program.name,
            env!("CARGO_PKG_VERSION")
        ));
        0
    }

    fn usage(&self) -> String {
        self.locale().usage_of((self.program.usage)(self.locale()))
    }

    /// Says what was typed wrongly, and how it is typed.
    fn misused(&self, text: impl Display) -> u8 {
        self.caller.complain(text);
        self.caller.hint(self.usage());
        exit::FAILURE
    }

    /// Says why it was not done.
    fn failed(&self, text: impl Display) -> u8 {
        self.caller.complain(text);
        exit::FAILURE
    }

    /// Says what else is to be done about it.
    fn refused(&self, text: impl Display, instead: impl Display) -> u8 {
        self.caller.complain(text);
        self.caller.hint(instead);
        exit::FAILURE
    }

    fn told(&self, failure: &Failure) -> u8 {
        self.caller.tell(failure, None);
        exit::FAILURE
    }

    fn unexpected(&self, error: &dyn std::error::Error) -> u8 {
        self.told(&Failure::Unexpected { detail: chain(error) })
    }

    fn engine(&self, config: Option<OsString>) -> Result<Arc<Engine>, u8> {
        begin_log(false);
        self.caller.engine(config.map(PathBuf::from).as_deref())
    }

    /// What a word on the command line says of a context (fact sheet 2.5).
    fn context(&self, roots: &Roots, word: &OsStr) -> Result<Context, u8> {
        match word.to_str() {
            Some("0" | "self") => return Ok(Context::Host),
            Some("1") => return Ok(Context::Spectator),
            _ => {}
        }
        let word = word.to_str().and_then(|text| text.strip_prefix(':')).map_or(word, OsStr::new);
        name::existing(roots, word).map(Context::VServer).map_err(|error| {
            error.tell(self.caller);
            exit::FAILURE
        })
    }

    /// The VServer that a word names, which must run.
    fn running(&self, roots: &Roots, word: &OsStr) -> Result<GuestState, u8> {
        match self.context(roots, word)? {
            Context::VServer(name) => self.running_of(roots, &name),
            Context::Host | Context::Spectator => {
                Err(self.failed(self.locale().not_a_vserver(&word.to_string_lossy())))
            }
        }
    }

    fn running_of(&self, roots: &Roots, name: &VServerName) -> Result<GuestState, u8> {
        match GuestState::running(roots, name) {
            Ok(Some(state)) => Ok(state),
            Ok(None) => Err(self.failed(self.locale().not_running_for(name.as_str()))),
            Err(error) => Err(self.unexpected(&error)),
        }
    }

    /// Becomes a program of the host's; comes back only when there is none.
    fn become_program(&self, mut command: Command, package: &str) -> u8 {
        use std::os::unix::process::CommandExt;
        let error = command.exec();
        let program = command.get_program().to_string_lossy().into_owned();
        self.not_started(&program, package, &error)
    }

    fn not_started(&self, program: &str, package: &str, error: &std::io::Error) -> u8 {
        let locale = self.locale();
        if error.kind() == std::io::ErrorKind::NotFound {
            self.caller.complain(locale.no_such_program(program));
            if !package.is_empty() {
                self.caller.hint(locale.install_package(package));
            }
            return NOT_FOUND;
        }
        self.caller.complain(locale.program_not_started(program, &chain(error)));
        NOT_EXECUTABLE
    }

    /// Becomes the program that was typed, with its arguments.
    fn become_typed(&self, words: &[OsString]) -> Result<u8, u8> {
        let [program, arguments @ ..] = words else {
            return Err(self.misused(self.locale().command_to_run_missing()));
        };
        let mut command = Command::new(program);
        command.args(arguments);
        Ok(self.become_program(command, ""))
    }
}

/// What shells end with when there is no such program, and when it cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// A context.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Context {
    /// 0: the host.
    Host,
    /// 1: who saw everything, which the host does here.
    Spectator,
    /// A VServer, running or not.
    VServer(VServerName),
}

/// The number of a VServer: of what runs, else what its config tree says.
fn number_of(roots: &Roots, name: &VServerName) -> Option<ContextId> {
    let running = GuestState::running(roots, name).ok().flatten().map(|state| state.context);
    running.or_else(|| engine::config::claims_of(roots, name).0)
}
