//! Which program this is, and its settings.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use engine::engine::Instance;
use engine::roots::{Settings, SettingsError};

use crate::{cli, engine_process, serve, user_command, web};
use domain::failure::chain;

/// Linux-VServer's way of working on a stock kernel.
#[derive(Debug, Parser)]
#[command(name = "ulysse", version, about, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    program: Program,
    /// The settings; default: /etc/ulysse/ulysse.toml, if it is there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Program {
    /// Runs everything: engine and web process
    Serve,
    /// Answers the web process; started by serve
    Engine,
    /// Answers browsers; started by serve
    Web,
    /// Manages users: list, create, disable, reset a password, make a set-up link
    User(user_command::UserArguments),
    /// Manages templates, archives to build VServers from: list, add, remove
    Template(cli::TemplateArguments),
    /// Manages cached base systems: list, refresh, remove
    Base(cli::BaseArguments),
    /// Lists, checks, shows, verifies and removes backups
    Backup(cli::BackupArguments),
    /// Shows the recycle bin of deleted VServers, gets one back, removes them for good
    Bin {
        #[command(subcommand)]
        action: cli::BinAction,
    },
    /// Says what this host lacks, and what crashes left behind
    Doctor {
        /// Puts right what crashes left behind
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

/// Runs the program that was called.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let words: Vec<&OsStr> = arguments.iter().map(OsString::as_os_str).collect();
    let called = words.first().and_then(|path| Path::new(path).file_name()?.to_str());
    match called {
        Some("vserver") => return cli::vserver(arguments.into_iter().skip(1).collect()),
        Some("vserver-stat") => return cli::vserver_stat(arguments.into_iter().skip(1).collect()),
        _ => {}
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
        _ => {}
    }
    let arguments = Arguments::parse_from(arguments);
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
        Program::Bin { action } => cli::bin(instance, action),
        Program::Doctor { repair } => cli::doctor(instance, repair),
    }
}
