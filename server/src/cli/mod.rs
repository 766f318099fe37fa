//! The commands: `vserver`, `vserver-stat`, those about processes (`processes`), about packages (`package_tool`) and about
//! many VServers (`many`), and those of `ulysse`: `boot`, `doctor`, `template`, `base`, `backup`, `bin`.
//!
//! They use the engine in this very process: no daemon need run, and what they do is an operation like
//! any other. Options, outputs and exit statuses are the original's (fact sheet 2.1 to 2.3); where its
//! behaviour was a mistake (5.1, 5.2), the help says what happens instead.
//!
//! Words for people come from `app::i18n` in the language of the environment; with `LC_ALL=C` what is
//! printed on standard output is the original's to the byte. Failures go to standard error.

mod boot;
mod build_options;
mod caller;
mod change;
mod config;
mod console;
mod delete;
mod doctor;
mod help;
mod host_key;
mod identity;
mod inside;
mod many;
mod mark;
mod mounts;
mod name;
mod options;
mod package_tool;
mod processes;
mod progress;
mod recycle;
mod selection;
mod signals;
mod status;
mod stock;
mod ulysse_backup;
mod vserver;
mod vserver_backup;
mod vserver_packages;
mod vserver_stat;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use boot::{BootArguments, boot, words_of_original};
pub(crate) use caller::{columns, locale, locale_of, unless_lost};
pub(crate) use change::cancel;
pub(crate) use doctor::doctor;
pub(crate) use recycle::{BinAction, bin};
pub(crate) use stock::{BaseArguments, TemplateArguments, base, template};
pub(crate) use ulysse_backup::{BackupArguments, backup};
pub(crate) use vserver::vserver;
pub(crate) use vserver_stat::vserver_stat;

/// Runs the program of this name, if it is one of those about processes or packages.
pub(crate) fn program(name: &str, arguments: &[OsString]) -> Option<ExitCode> {
    processes::program(name, arguments).or_else(|| package_tool::program(name, arguments))
}

/// Exit statuses of the original (fact sheet 2.1).
mod exit {
    /// It failed.
    pub(super) const FAILURE: u8 = 1;
    /// No such command, or a question was answered with no.
    pub(super) const REFUSED: u8 = 2;
    /// `status`: it does not run.
    pub(super) const STOPPED: u8 = 3;
    /// There is no such config directory.
    pub(super) const NO_CONFIG: u8 = 5;
    /// Ended by `SIGINT`, as a shell counts it.
    pub(super) const INTERRUPTED: u8 = 130;
}

/// Begins to log for a person at a terminal: what goes wrong, or all of it.
fn begin_log(all: bool) {
    use tracing_subscriber::EnvFilter;
    let usual = if all { "engine=debug,warn" } else { "warn" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .try_init();
}
