//! Which program this is, and its settings.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use engine::engine::Instance;
use engine::roots::{Settings, SettingsError};

use crate::{cli, engine_process, program_help, serve, user_command, web};
use domain::failure::chain;

/// The words after `ulysse`. What each means is said by `app::i18n` ([`crate::program_help`]).
#[derive(Debug, Parser)]
#[command(name = "ulysse", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    program: Program,
    #[arg(long, global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Program {
    Serve,
    Engine,
    Web,
    User(user_command::UserArguments),
    Template(cli::TemplateArguments),
    Base(cli::BaseArguments),
    Backup(cli::BackupArguments),
    Boot(cli::BootArguments),
    Bin {
        #[command(subcommand)]
        action: cli::BinAction,
    },
    Cancel {
        id: String,
    },
    Doctor {
        #[arg(long)]
        repair: bool,
    },
}

/// Why the settings could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstanceError {
    #[error("reading the settings")]
    Settings(#[from] SettingsError),
    #[error("finding our own program")]
    Executable(#[source] std::io::Error),
    #[error("finding {path}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// The instance that a settings file describes.
pub(crate) fn instance(config: Option<&Path>) -> Result<Instance, InstanceError> {
    // Our own processes run in `/`: they are told where the file really is.
    let settings_file = match config {
        Some(path) => Some(
            std::fs::canonicalize(path)
                .map_err(|source| InstanceError::File { path: path.to_owned(), source })?,
        ),
        None => None,
    };
    Ok(Instance {
        settings: Settings::load(settings_file.as_deref())?,
        settings_file,
        executable: std::env::current_exe().map_err(InstanceError::Executable)?,
    })
}

/// The words of a program of the original's that is a command of `ulysse` here.
fn as_called(arguments: Vec<OsString>) -> Vec<OsString> {
    let called = arguments.first().and_then(|path| Path::new(path).file_name()?.to_str());
    let starts = match called {
        Some("start-vservers") => true,
        Some("stop-vservers") => false,
        _ => return arguments,
    };
    cli::words_of_original(starts, arguments.into_iter().skip(1))
}

/// Runs the program that was called.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    cli::unless_lost(run_called(arguments))
}

fn run_called(arguments: Vec<OsString>) -> ExitCode {
    let arguments = as_called(arguments);
    let words: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    let called = words.first().and_then(|path| Path::new(path).file_name()?.to_str());
    match called {
        Some("vserver") => return cli::vserver(arguments.into_iter().skip(1).collect()),
        Some("vserver-stat") => return cli::vserver_stat(arguments.into_iter().skip(1).collect()),
        Some(name) => {
            if let Some(code) = cli::program(name, arguments.get(1..).unwrap_or_default()) {
                return code;
            }
        }
        None => {}
    }
    // Roles that this binary starts of itself: no options to parse, every millisecond counts.
    match words.get(1).and_then(|word| word.to_str()) {
        Some("supervise") => return engine::guest::supervise::main(),
        Some("stage") => return engine::build::stage::main(),
        Some("relay") => return engine::build::relay::main(arguments.into_iter().skip(2)),
        Some("unpack") => return engine::archive::role::main(),
        Some(engine::backup::reader::ROLE) => {
            return engine::backup::reader::main(words.get(2).and_then(|word| word.to_str()));
        }
        Some(engine::backup::ssh::ROLE) => {
            return engine::backup::ssh::main(words.get(2).map(PathBuf::from));
        }
        Some("terminal") => return engine::terminal::holder::main(),
        Some("vserver") => return cli::vserver(arguments.into_iter().skip(2).collect()),
        Some("vserver-stat") => return cli::vserver_stat(arguments.into_iter().skip(2).collect()),
        Some("guest-exec") => return engine::exec::guest_exec(arguments.into_iter().skip(2)),
        Some(name) => {
            if let Some(code) = cli::program(name, arguments.get(2..).unwrap_or_default()) {
                return code;
            }
        }
        None => {}
    }
    let arguments: Arguments = match program_help::parse(&arguments, cli::locale()) {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let config = arguments.config.as_deref();
    let instance = match instance(config) {
        Ok(instance) => instance,
        Err(error) => {
            eprintln!("ulysse: {}", chain(&error));
            return ExitCode::FAILURE;
        }
    };
    match arguments.program {
        Program::Serve => serve::run(&instance),
        Program::Engine => engine_process::run(instance),
        Program::Web => web::run(instance.settings),
        Program::User(arguments) => user_command::run(&instance.settings, arguments),
        Program::Template(arguments) => cli::template(config, arguments),
        Program::Base(arguments) => cli::base(config, arguments),
        Program::Backup(arguments) => cli::backup(instance, arguments),
        Program::Boot(arguments) => cli::boot(config, arguments),
        Program::Bin { action } => cli::bin(instance, action),
        Program::Cancel { id } => cli::cancel(config, &id),
        Program::Doctor { repair } => cli::doctor(instance, repair),
    }
}
