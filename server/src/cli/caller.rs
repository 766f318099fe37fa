//! Who calls: their language, what they want to see, and how they are told.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::i18n::{self, Locale};
use domain::failure::Failure;
use domain::field::{FieldError, Problem};
use domain::guest_log::printable;
use domain::id::OperationId;
use domain::operation::{Actor, Operation};
use engine::Engine;
use nix::unistd::{Uid, User};

use super::exit;
use crate::invocation;

/// Whoever called a command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    /// What errors begin with.
    pub(super) program: &'static str,
    /// Their language.
    pub(super) locale: Locale,
    /// Whether nothing but errors is printed.
    pub(super) silent: bool,
    /// Whether the log is shown.
    pub(super) verbose: bool,
    /// Whether every step is.
    pub(super) debug: bool,
}

impl Caller {
    /// Somebody with this process's environment.
    pub(super) fn here(program: &'static str) -> Self {
        Self { program, locale: locale(), silent: false, verbose: false, debug: false }
    }

    /// The engine of an instance; tells why there is none.
    pub(super) fn engine(self, config: Option<&Path>) -> Result<Arc<Engine>, u8> {
        if !rustix::process::geteuid().is_root() {
            self.complain(self.locale.needs_root());
            return Err(exit::FAILURE);
        }
        match invocation::instance(config) {
            Ok(instance) => Ok(Engine::new(instance)),
            Err(error) => {
                self.complain(self.locale.settings_unreadable(&domain::failure::chain(&error)));
                Err(exit::FAILURE)
            }
        }
    }

    /// Says on standard error what is wrong.
    pub(super) fn complain(self, text: impl Display) {
        // Nobody is left who could be told that it failed.
        let _ = write_to(io::stderr(), format_args!("{}: {}\n", self.program, plain(text)));
    }

    /// Says on standard error what more there is to say about it.
    pub(super) fn hint(self, text: impl Display) {
        let _ = write_to(io::stderr(), format_args!("  {}\n", plain(text)));
    }

    /// Says something on standard error that need not be known.
    pub(super) fn note(self, text: impl Display) {
        if !self.silent {
            self.complain(text);
        }
    }

    /// Prints the answer.
    pub(super) fn answer(self, text: impl Display) {
        self.print(format_args!("{text}\n"));
    }

    /// Prints rows in columns; the first one is the head.
    pub(super) fn columns(self, rows: &[Vec<String>]) {
        self.print(format_args!("{}", columns(rows)));
    }

    /// Prints a part of the answer as it is.
    pub(super) fn print(self, text: std::fmt::Arguments<'_>) {
        if let Err(error) = write_to(io::stdout(), text)
            && error.kind() != io::ErrorKind::BrokenPipe
            && !IS_LOST.swap(true, Ordering::Relaxed)
        {
            self.complain(self.locale.answer_lost(&error.to_string()));
        }
    }

    /// Tells that an operation was cancelled, and what it left.
    pub(super) fn tell_cancelled(self, operation: &Operation) {
        self.complain(i18n::cancelled_text(self.locale, operation.kind));
        self.hint(format_args!("{} {}", self.locale.reference(), operation.id));
    }

    /// Tells a failure: what happened, what to do, and under which reference the rest is kept.
    pub(super) fn tell(self, failure: &Failure, reference: Option<&OperationId>) {
        self.tell_as(
            failure,
            reference,
            |error| i18n::field_label(self.locale, error.field),
            |_| None,
        );
    }

    /// As [`Caller::tell`], with other names for fields and other words for some problems.
    pub(super) fn tell_as(
        self,
        failure: &Failure,
        reference: Option<&OperationId>,
        label: impl Fn(&FieldError) -> &'static str,
        words: impl Fn(&FieldError) -> Option<String>,
    ) {
        if let Failure::Invalid { errors } = failure {
            for error in &errors.0 {
                let words = words(error).unwrap_or_else(|| self.problem(&error.problem));
                let colon = self.locale.colon();
                self.complain(format_args!("{}{colon}{words}", label(error)));
            }
            self.hint(self.locale.nothing_done());
        } else {
            let text = i18n::failure_text(self.locale, failure);
            self.complain(text.what);
            self.hint(text.remedy);
        }
        if let Some(id) = reference {
            self.hint(format_args!("{} {id}", self.locale.reference()));
        }
    }

    fn problem(self, problem: &Problem) -> String {
        match problem {
            Problem::Missing => self.locale.value_missing().to_owned(),
            other => i18n::problem_text(self.locale, other),
        }
    }
}

/// A text without what commands a terminal: a guest's program may have said a part of it.
fn plain(text: impl Display) -> String {
    printable(text.to_string().as_bytes())
}

/// Rows in columns as wide as what is in them; a line each.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Writes what can be written.
fn write_to(mut to: impl Write, text: std::fmt::Arguments<'_>) -> io::Result<()> {
    to.write_all(text.to_string().as_bytes()).and_then(|()| to.flush())
}

/// Whether an answer was lost, other than by a reader who went away (`vserver-stat | head -1`).
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// The exit status of a command: whoever has not got the answer must not take it for done.
pub(crate) fn unless_lost(code: ExitCode) -> ExitCode {
    match IS_LOST.load(Ordering::Relaxed) {
        true if code == ExitCode::SUCCESS => ExitCode::from(exit::FAILURE),
        _ => code,
    }
}

/// The language of an environment: the first of the usual variables that is set and not empty
/// decides (`setlocale(3)`).
pub(crate) fn locale_of(variable: impl Fn(&str) -> Option<String>) -> Locale {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()))
        .and_then(|value| Locale::from_tag(&value))
        .unwrap_or_default()
}

/// The language of this process's environment.
pub(crate) fn locale() -> Locale {
    locale_of(|name| std::env::var(name).ok())
}

/// Who an operation of this process is from: whoever became root, else the process's own user.
pub(super) fn actor() -> Actor {
    let own = || User::from_uid(Uid::current()).ok().flatten().map(|user| user.name);
    let is_name = |text: &String| {
        (1..=64).contains(&text.len()) && text.chars().all(|c| !c.is_control() && c != ' ')
    };
    let login = std::env::var("SUDO_USER").ok().filter(is_name).or_else(own);
    Actor::CommandLine { login: login.unwrap_or_else(|| Uid::current().to_string()) }
}
