//! One change to many VServers: `vserver --all start` and the like. Done as one batch; what became of each is
//! told as it ends, then how many came to what. The exit status is the worst.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use app::i18n::{self, Locale};
use domain::backup::BackupOrder;
use domain::batch::{Batch, Outcome, Pace, Tally};
use domain::change::{Change, PlainChange};
use domain::failure::Failure;
use domain::field::Field;
use domain::id::{Mark, OperationId, TargetName, VServerName};
use domain::note::Note;
use domain::operation::{Kind, Operation, Progress};
use domain::package::PackageChange;
use domain::retention::judge_target;
use engine::Engine;
use engine::operation::Observer;

use super::caller::{Caller, actor};
use super::change::{self, Shows};
use super::help::Command;
use super::options::{Grammar, Opt, UsageError};
use super::selection::Selection;
use super::vserver_packages::Wanted;
use super::{delete, exit, mark, vserver_backup, vserver_packages};

const BACKUP: Grammar =
    Grammar { options: &[Opt::value("target"), Opt::flag("pause")], takes_words: false };
const PLAIN: Grammar = Grammar { options: &[], takes_words: false };

/// What is done to each.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Each {
    Start,
    Stop,
    Restart,
    Delete { at_once: bool },
    Protect(bool),
    Backup { target: String, pause: bool },
    Packages(PackageChange),
    Mark { mark: Mark, on: bool },
}

/// What is done to which, as it was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Many {
    pub(super) selection: Selection,
    pub(super) pace: Pace,
    /// Whether it is only said what would be done.
    pub(super) is_dry: bool,
    pub(super) each: Each,
}

/// What a command does to each of many.
pub(super) fn understand(
    command: Command,
    word: &str,
    arguments: &[OsString],
) -> Result<Each, UsageError> {
    let plain = |each| PLAIN.parse(arguments).map(|_| each);
    match command {
        Command::Start => plain(Each::Start),
        Command::Stop => plain(Each::Stop),
        Command::Restart => plain(Each::Restart),
        Command::Protect => plain(Each::Protect(true)),
        Command::Unprotect => plain(Each::Protect(false)),
        Command::Mark => Ok(Each::Mark { mark: mark::understand(arguments)?, on: true }),
        Command::Unmark => Ok(Each::Mark { mark: mark::understand(arguments)?, on: false }),
        Command::Delete => {
            let section = delete::OPTIONS.parse(arguments)?;
            Ok(Each::Delete { at_once: section.has("--now") })
        }
        Command::Backup => {
            let section = BACKUP.parse(arguments)?;
            let target = section.value("--target")?.unwrap_or_default();
            Ok(Each::Backup { target, pause: section.has("--pause") })
        }
        Command::Packages => match vserver_packages::understand(arguments)? {
            Wanted::Change(change) => Ok(Each::Packages(change)),
            Wanted::Show | Wanted::List | Wanted::Search(_) => {
                Err(UsageError::CommandOfOne { word: word.to_owned() })
            }
        },
        _ => Err(UsageError::CommandOfOne { word: word.to_owned() }),
    }
}

/// Does it; the exit status.
pub(super) fn run(caller: Caller, engine: &Arc<Engine>, many: &Many) -> Result<u8, u8> {
    let names = many.selection.choose(caller, engine)?;
    if names.is_empty() {
        caller.note(caller.locale.nobody_chosen());
        return Ok(0);
    }
    let change = change_of(caller, engine, &many.each)?;
    let batch = batch_of(caller, names.into_iter().map(change).collect(), many.pace)?;
    if many.is_dry {
        return Ok(dry_run(caller, engine, &batch));
    }
    if matches!(many.each, Each::Delete { .. }) && !caller.silent {
        let names = batch.changes().iter().filter_map(PlainChange::of_many);
        let names = names.map(VServerName::as_str).collect::<Vec<_>>().join(", ");
        if !delete::asked(caller.locale, &caller.locale.delete_all_question(&names)) {
            caller.complain(caller.locale.delete_refused());
            return Err(exit::REFUSED);
        }
    }
    Ok(done(caller, engine, batch))
}

/// What is to be done to each of these names.
fn change_of(
    caller: Caller,
    engine: &Engine,
    each: &Each,
) -> Result<Box<dyn Fn(VServerName) -> PlainChange>, u8> {
    Ok(match each {
        Each::Start => Box::new(PlainChange::Start),
        Each::Stop => Box::new(PlainChange::Stop),
        Each::Restart => Box::new(PlainChange::Restart),
        Each::Delete { at_once } => {
            let at_once = *at_once || engine.instance().settings.recycle_bin.keep_days == 0;
            Box::new(move |name| PlainChange::Delete { name, at_once })
        }
        Each::Protect(on) => {
            let on = *on;
            Box::new(move |name| PlainChange::Protect { name, on })
        }
        Each::Mark { mark, on } => {
            let (mark, on) = (mark.clone(), *on);
            Box::new(move |name| PlainChange::Mark { name, mark: mark.clone(), on })
        }
        Each::Packages(change) => {
            let change = change.clone();
            Box::new(move |name| PlainChange::Packages { name, change: change.clone() })
        }
        Each::Backup { target, pause } => {
            // Judged once for all, before anything is done.
            let target = judge_target(target, &vserver_backup::targets_of(engine));
            let target: TargetName = target.map_err(|problem| {
                change::refused(caller, &Failure::of_field(Field::BackupTarget, problem))
            })?;
            let pause = *pause;
            Box::new(move |vserver| {
                PlainChange::Backup(BackupOrder { vserver, target: target.clone(), pause })
            })
        }
    })
}

/// These as one batch; tells why they are none.
pub(super) fn batch_of(caller: Caller, changes: Vec<PlainChange>, pace: Pace) -> Result<Batch, u8> {
    Batch::new(changes, pace).map_err(|problem| change::refused(caller, &problem.into()))
}

/// Says what each would come to, in the order in which they would be done; the exit status.
pub(super) fn dry_run(caller: Caller, engine: &Engine, batch: &Batch) -> u8 {
    let locale = caller.locale;
    let mut is_good = true;
    for (change, forecast) in batch.changes().iter().zip(engine.foresee(batch)) {
        let line = match &forecast.refusal {
            None => change.command().line(),
            Some(outcome) => {
                is_good &= outcome.is_good();
                i18n::forecast_text(locale, outcome)
            }
        };
        caller.answer(format_args!("{}{}{line}", forecast.name, locale.colon()));
    }
    if is_good { 0 } else { exit::FAILURE }
}

/// Does a batch and tells how each ends, and how many came to what; the exit status.
pub(super) fn done(caller: Caller, engine: &Arc<Engine>, batch: Batch) -> u8 {
    let display = Arc::new(EachDisplay::new(caller, false));
    change::hear_signals(caller, engine, &display);
    let ended = engine.run_in_process(Change::Batch(batch), actor(), display.as_ref());
    display.ended(ended)
}

/// Tells of a batch: a line for each of it as it ends, and the log of each in one piece.
pub(super) struct EachDisplay {
    caller: Caller,
    /// Whether what each says is shown, also of those that succeed.
    shows_logs: bool,
    id: OnceLock<OperationId>,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    logs: BTreeMap<OperationId, String>,
    operations: BTreeMap<VServerName, OperationId>,
    outcomes: Vec<Outcome>,
}

impl EachDisplay {
    /// For this caller.
    pub(super) fn new(caller: Caller, shows_logs: bool) -> Self {
        let shows_logs = shows_logs || caller.verbose;
        Self { caller, shows_logs, id: OnceLock::new(), shown: Mutex::default() }
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locale(&self) -> Locale {
        self.caller.locale
    }

    /// Tells how many came to what; the exit status.
    pub(super) fn ended(&self, ended: Result<Operation, Failure>) -> u8 {
        let operation = match ended {
            Ok(operation) => operation,
            Err(failure) => return change::refused(self.caller, &failure),
        };
        let tally = match &operation.progress {
            Progress::Failed { failure: Failure::Batch { tally, .. } } => *tally,
            Progress::Failed { failure } => {
                self.caller.tell(failure, Some(&operation.id));
                return exit::FAILURE;
            }
            _ => Tally::of(&self.shown().outcomes),
        };
        self.caller.note(i18n::tally_text(self.locale(), tally));
        match operation.progress {
            Progress::Succeeded => 0,
            Progress::Cancelled => {
                self.caller.tell_cancelled(&operation);
                exit::INTERRUPTED
            }
            _ => {
                self.caller.hint(format_args!("{} {}", self.locale().reference(), operation.id));
                exit::FAILURE
            }
        }
    }

    /// Tells how one of it ended, after what it said.
    fn tell_one(&self, shown: &mut Shown, name: &VServerName, outcome: Outcome) {
        let log = shown.operations.remove(name).and_then(|id| shown.logs.remove(&id));
        if let Some(log) = log.filter(|_| self.shows_logs && !self.caller.silent) {
            let heading = self.locale().operating_on(name.as_str());
            let _ = write!(io::stderr(), "{heading}\n{log}\n");
        }
        let line = i18n::outcome_text(self.locale(), &outcome);
        let line = format!("{name}{}{line}", self.locale().colon());
        match outcome.is_good() {
            true => self.caller.note(line),
            false => self.caller.complain(line),
        }
        shown.outcomes.push(outcome);
    }
}

impl Shows for EachDisplay {
    fn operation(&self) -> Option<(&OperationId, Kind)> {
        self.id.get().map(|id| (id, Kind::Batch))
    }
}

impl Observer for EachDisplay {
    fn moved(&self, operation: &Operation) {
        if operation.kind == Kind::Batch {
            self.id.get_or_init(|| operation.id.clone());
        }
    }

    fn logged(&self, id: &OperationId, _bytes: u64, text: &str) {
        let mut shown = self.shown();
        if self.id.get() != Some(id) {
            let words = i18n::log_text(self.locale(), text);
            shown.logs.entry(id.clone()).or_default().push_str(&words);
            return;
        }
        for line in text.lines() {
            match Note::of_line(line) {
                Some(Note::OneOfManyBegun { name, operation }) => {
                    shown.operations.insert(name, operation);
                }
                Some(Note::OneOfManyEnded { name, outcome }) => {
                    self.tell_one(&mut shown, &name, outcome);
                }
                // How many is said at the end.
                Some(Note::Failed { .. }) => {}
                _ => self.caller.note(i18n::log_text(self.locale(), line).trim_end()),
            }
        }
    }
}
