//! How an operation goes, on standard error: on a terminal one line that changes, elsewhere one line
//! for each stage of a build, with `--debug` of everything. The log is shown when it is asked for;
//! what a start or stop logs are warnings, and always shown.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use app::i18n::{self, Locale};
use domain::id::OperationId;
use domain::note::Note;
use domain::operation::{Kind, Operation, Progress, Stage};
use engine::operation::Observer;

use super::caller::Caller;
use super::change::Shows;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing.
    Nothing,
    /// Whole lines.
    Lines,
    /// A last line that is written again and again.
    Terminal,
}

/// Shows the operation that this process does.
pub(super) struct Display {
    locale: Locale,
    program: &'static str,
    form: Form,
    verbose: bool,
    debug: bool,
    /// The operation, once it has an id.
    id: OnceLock<OperationId>,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    kind: Option<Kind>,
    stage: Option<Stage>,
    /// The last line of the log, which may turn out to be the failure that is told anyway.
    held: Option<String>,
    /// Whether the cursor is on a line that is to be written over.
    is_open: bool,
    /// What the line says.
    line: String,
}

impl Display {
    /// For this caller.
    pub(super) fn new(caller: Caller) -> Self {
        // Every step writes lines of its own, which a line that changes would spoil.
        let form = match (caller.silent, io::stderr().is_terminal() && !caller.debug) {
            (true, _) => Form::Nothing,
            (false, true) => Form::Terminal,
            (false, false) => Form::Lines,
        };
        Self {
            locale: caller.locale,
            program: caller.program,
            form,
            verbose: caller.verbose,
            debug: caller.debug,
            id: OnceLock::new(),
            shown: Mutex::default(),
        }
    }

    /// Shows the last of it.
    pub(super) fn finish(&self, ended: &Operation) {
        let mut shown = self.shown();
        let said = shown.held.as_deref().and_then(Note::of_line);
        let is_told = matches!((&ended.progress, said), (Progress::Failed { failure }, Some(Note::Failed { failure: said }))
            if *failure == *said);
        let mut out = String::new();
        close(&mut out, &mut shown);
        match shown.held.take() {
            Some(line) if !is_told => self.log_line(&mut out, &shown, &line),
            _ => {}
        }
        put(&out);
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_other(&self, id: &OperationId) -> bool {
        // The first one that moves is ours; a recovery on the way is another one.
        self.id.get_or_init(|| id.clone()) != id
    }

    fn stage(&self, shown: &mut Shown, stage: Stage, permille: u16) {
        let text = i18n::stage_text(self.locale, stage);
        let mut out = String::new();
        match self.form {
            Form::Terminal => {
                shown.line = format!("{text} {}", percent(permille));
                open(&mut out, shown);
            }
            Form::Lines if (self.debug || is_build(shown)) && shown.stage != Some(stage) => {
                let _ = writeln!(out, "{}: {text}", self.program);
            }
            Form::Lines | Form::Nothing => {}
        }
        shown.stage = Some(stage);
        put(&out);
    }

    fn log_line(&self, out: &mut String, shown: &Shown, line: &str) {
        let line = i18n::log_text(self.locale, line);
        let is_build = is_build(shown);
        let _ = match (self.form, is_build) {
            (Form::Nothing, _) => Ok(()),
            (_, true) if !self.verbose => Ok(()),
            (_, true) => writeln!(out, "{}", line.trim_end()),
            (_, false) => writeln!(out, "{}: {}", self.program, line.trim_end()),
        };
    }
}

impl Shows for Display {
    fn operation(&self) -> Option<(&OperationId, Kind)> {
        self.id.get().zip(self.shown().kind)
    }

    /// Takes the changing line away, so that something else can be said.
    fn clear(&self) {
        let mut out = String::new();
        close(&mut out, &mut self.shown());
        put(&out);
    }
}

impl Observer for Display {
    fn moved(&self, operation: &Operation) {
        if self.is_other(&operation.id) {
            return;
        }
        let mut shown = self.shown();
        shown.kind = Some(operation.kind);
        if let Progress::Running { stage, permille } = operation.progress {
            self.stage(&mut shown, stage, permille);
        }
    }

    fn logged(&self, id: &OperationId, _bytes: u64, text: &str) {
        if self.is_other(id) {
            return;
        }
        let mut shown = self.shown();
        let mut lines = String::new();
        for line in text.split_inclusive('\n') {
            let is_step = matches!(Note::of_line(line), Some(Note::Traced { .. }));
            let earlier = match is_step {
                // A step is no failure, and is to be seen while what it says is done.
                true if self.debug => {
                    shown.held.take().into_iter().chain([line.to_owned()]).collect()
                }
                true => Vec::new(),
                false => Vec::from_iter(shown.held.replace(line.to_owned())),
            };
            for line in earlier {
                self.log_line(&mut lines, &shown, &line);
            }
        }
        if lines.is_empty() {
            return;
        }
        let mut out = String::new();
        let was_open = shown.is_open;
        close(&mut out, &mut shown);
        out.push_str(&lines);
        if was_open {
            open(&mut out, &mut shown);
        }
        put(&out);
    }
}

/// Whether it is one of those that take minutes and say much.
fn is_build(shown: &Shown) -> bool {
    matches!(shown.kind, Some(Kind::Build | Kind::RefreshBase))
}

/// Per cent without a decimal: a line that changes ten times a second is read, not studied.
fn percent(permille: u16) -> String {
    format!("{:3} %", permille / 10)
}

fn open(out: &mut String, shown: &mut Shown) {
    close(out, shown);
    out.push_str(&shown.line);
    shown.is_open = true;
}

fn close(out: &mut String, shown: &mut Shown) {
    if std::mem::take(&mut shown.is_open) {
        out.push_str("\r\x1b[K");
    }
}

/// Writes in one piece; a terminal that is gone is no error.
fn put(text: &str) {
    if !text.is_empty() {
        let _ = io::stderr().write_all(text.as_bytes());
    }
}
