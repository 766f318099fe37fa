//! `ulysse boot`: starting the VServers that start with the host, and stopping those that run. Also under the
//! original's names `start-vservers` and `stop-vservers`.
//!
//! The exit status is the original's, without its mistake (fact sheet 2.10, B23): 0 when nothing went wrong, 1 when
//! all did, 2 when some did.

use std::ffi::OsString;
use std::iter;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use app::i18n::{
    boot_outcome_text, boot_problem_text, expected_text, failure_text, format, left_out_text,
};
use clap::{Args, Subcommand};
use domain::boot::{
    BootEntry, BootFacts, BootOutcome, BootPlan, BootReport, DEFAULT_MARK, Selection, simulate,
};
use domain::failure::Failure;
use domain::field::Field;
use domain::id::VServerName;
use domain::operation::Actor;
use engine::Engine;
use engine::boot::run::{self, Order};

use super::caller::{Caller, actor};
use super::{begin_log, exit, signals};

/// What `ulysse boot` was asked to do.
#[derive(Debug, Args)]
pub(crate) struct BootArguments {
    #[command(subcommand)]
    command: BootCommand,
}

#[derive(Debug, Subcommand)]
enum BootCommand {
    Start(Which),
    Stop(Which),
}

/// Which VServers, and how.
#[derive(Debug, Args)]
struct Which {
    names: Vec<String>,
    #[arg(long)]
    mark: Option<String>,
    #[arg(long)]
    marked: bool,
    #[arg(long)]
    unmarked: bool,
    #[arg(long)]
    all: bool,
    #[arg(long)]
    at_once: Option<NonZeroU32>,
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    by_host: bool,
}

/// The words of `start-vservers` and `stop-vservers` as `ulysse boot` has them.
pub(crate) fn words_of_original(
    starts: bool,
    words: impl IntoIterator<Item = OsString>,
) -> Vec<OsString> {
    let mut action = if starts { "start" } else { "stop" };
    let mut rest = Vec::new();
    for word in words {
        match word.to_str() {
            Some("--start") => action = "start",
            Some("--stop") => action = "stop",
            Some("-m") => rest.push("--mark".into()),
            Some("-j") => rest.push("--at-once".into()),
            Some("--test") => rest.push("--dry-run".into()),
            // What runs is not started, what does not is not stopped; how each went is always told.
            Some("--running" | "--stopped" | "--debug" | "--") => {}
            _ => rest.push(word),
        }
    }
    ["ulysse", "boot", action].map(OsString::from).into_iter().chain(rest).collect()
}

/// The program `ulysse boot`.
pub(crate) fn boot(config: Option<&Path>, arguments: BootArguments) -> ExitCode {
    let (program, which, starts) = match arguments.command {
        BootCommand::Start(which) => ("ulysse boot start", which, true),
        BootCommand::Stop(which) => ("ulysse boot stop", which, false),
    };
    let caller = Caller::here(program);
    begin_log(false);
    let code = caller.engine(config).and_then(|engine| {
        let selection = selection(caller, &which, starts)?;
        let facts = engine.boot_facts().map_err(|failure| refused(caller, &failure))?;
        Ok(carry_out(caller, &engine, &facts, &selection, &which, starts))
    });
    ExitCode::from(code.unwrap_or_else(|code| code))
}

fn refused(caller: Caller, failure: &Failure) -> u8 {
    caller.tell(failure, None);
    exit::FAILURE
}

/// Which VServers are meant.
fn selection(caller: Caller, which: &Which, starts: bool) -> Result<Selection, u8> {
    let wrong = |field| move |problem| refused(caller, &Failure::of_field(field, problem));
    let mut said = Vec::new();
    if !which.names.is_empty() {
        let names: Result<Vec<VServerName>, _> = which.names.iter().map(|n| n.parse()).collect();
        said.push(Selection::Names(names.map_err(wrong(Field::Name))?));
    }
    if let Some(mark) = &which.mark {
        said.push(Selection::Mark(mark.parse().map_err(wrong(Field::Mark))?));
    }
    said.extend(which.marked.then_some(Selection::Marked));
    said.extend(which.unmarked.then_some(Selection::Unmarked));
    said.extend(which.all.then_some(Selection::All));
    let first = said.pop();
    if !said.is_empty() {
        caller.complain(caller.locale.boot_one_selection());
        return Err(exit::REFUSED);
    }
    match first {
        Some(selection) => Ok(selection),
        None if starts => DEFAULT_MARK.parse().map(Selection::Mark).map_err(wrong(Field::Mark)),
        None => Ok(Selection::All),
    }
}

fn order(engine: &Engine, which: &Which, give_up: &Arc<AtomicBool>) -> Order {
    let at_once = which.at_once.unwrap_or(engine.instance().settings.boot.at_once);
    Order {
        at_once: at_once.try_into().unwrap_or(NonZeroUsize::MIN),
        actor: if which.by_host { Actor::Host } else { actor() },
        give_up: Arc::clone(give_up),
    }
}

/// Starts or stops those that are meant, or shows what that would do.
fn carry_out(
    caller: Caller,
    engine: &Arc<Engine>,
    facts: &BootFacts,
    selection: &Selection,
    which: &Which,
    starts: bool,
) -> u8 {
    let locale = caller.locale;
    let plan = match starts {
        true => BootPlan::start(&facts.members, selection),
        false => BootPlan::stop(&facts.members, selection),
    };
    tell_problems(caller, &plan);
    if plan.steps.is_empty() {
        caller.note(if starts { locale.boot_nothing() } else { locale.boot_nothing_to_stop() });
        return 0;
    }
    let give_up = Arc::new(AtomicBool::new(false));
    let order = order(engine, which, &give_up);
    if which.dry_run {
        caller.columns(&match starts {
            true => rows_of_start(caller, &plan, &order, facts, selection),
            false => rows_of_stop(caller, &plan),
        });
        return 0;
    }
    hear_signals(caller, give_up);
    let told = &mut |entry: &BootEntry| tell(caller, entry, starts);
    let within = Duration::from_secs(engine.instance().settings.boot.stop_seconds.into());
    status(&match starts {
        true => run::start(engine, &plan, &order, told),
        false => run::stop(engine, &plan, &order, within, told),
    })
}

fn joined(names: &[VServerName]) -> String {
    names.iter().map(VServerName::as_str).collect::<Vec<_>>().join(", ")
}

fn duration(caller: Caller, millis: u64) -> String {
    format::duration(caller.locale, millis)
}

/// What a start would do: the order, when each would begin and be ready, and why.
fn rows_of_start(
    caller: Caller,
    plan: &BootPlan,
    order: &Order,
    facts: &BootFacts,
    selection: &Selection,
) -> Vec<Vec<String>> {
    let locale = caller.locale;
    let took = |name: &VServerName| {
        facts.took_ms.iter().find(|(known, _)| known == name).map(|(_, took)| *took)
    };
    let head = [
        locale.boot_wave(),
        "VServer",
        locale.boot_begins(),
        locale.boot_ready_at(),
        locale.boot_after(),
        locale.boot_why(),
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let mut starts = simulate(&plan.steps, order.at_once, took);
    starts.sort_by_key(|start| start.begins_ms);
    for start in starts {
        let Some(step) = plan.steps.iter().find(|step| step.name == start.name) else { continue };
        let ready = match (step.is_running, start.is_assumed) {
            (true, _) => locale.boot_runs_now().to_owned(),
            (false, true) => {
                format!("{} {}", duration(caller, start.ready_ms), locale.boot_assumed())
            }
            (false, false) => duration(caller, start.ready_ms),
        };
        let why = match step.needed_by.as_slice() {
            [] => selection.to_string(),
            names => locale.boot_needed_by(&joined(names)),
        };
        rows.push(vec![
            (step.wave + 1).to_string(),
            step.name.to_string(),
            duration(caller, start.begins_ms),
            ready,
            joined(&step.after),
            why,
        ]);
    }
    if let Selection::Mark(mark) = selection {
        rows.extend(plan.left_out.iter().map(|left| {
            let why = left_out_text(locale, left.because, mark.as_str());
            let dash = || "-".to_owned();
            vec![dash(), left.name.to_string(), dash(), dash(), String::new(), why]
        }));
    }
    rows
}

/// What a stop would do: the order.
fn rows_of_stop(caller: Caller, plan: &BootPlan) -> Vec<Vec<String>> {
    let locale = caller.locale;
    let head = [locale.boot_wave(), "VServer", locale.boot_after()].map(str::to_owned).to_vec();
    let rows = plan
        .steps
        .iter()
        .map(|step| vec![(step.wave + 1).to_string(), step.name.to_string(), joined(&step.after)]);
    iter::once(head).chain(rows).collect()
}

fn tell_problems(caller: Caller, plan: &BootPlan) {
    let locale = caller.locale;
    for problem in &plan.unreadable {
        let (line, expected) = (problem.line.to_string(), expected_text(locale, &problem.expected));
        caller.complain(locale.file_problem(&problem.path, &line, &expected));
    }
    for problem in &plan.problems {
        let text = boot_problem_text(locale, &problem.kind);
        caller.complain(format_args!("{}:{}: {text}", problem.file(), problem.line));
    }
    for name in &plan.unknown {
        caller.complain(locale.boot_unknown(name.as_str()));
    }
}

/// Tells what became of one.
fn tell(caller: Caller, entry: &BootEntry, starts: bool) {
    let locale = caller.locale;
    let text = match (&entry.outcome, starts) {
        (BootOutcome::Ready, false) => locale.boot_is_stopped().to_owned(),
        (outcome, _) => boot_outcome_text(locale, outcome),
    };
    let (name, colon) = (&entry.name, locale.colon());
    match &entry.outcome {
        BootOutcome::Ready | BootOutcome::Late => {
            let took = duration(caller, entry.took_ms);
            caller.answer(format_args!("{name}{colon}{text} ({took})"));
        }
        BootOutcome::Ran => caller.answer(format_args!("{name}{colon}{text}")),
        BootOutcome::Failed(failure) => {
            let why = failure_text(locale, failure);
            caller.complain(format_args!("{name}{colon}{text}{colon}{}", why.what));
            caller.hint(why.remedy);
            if let Some(id) = &entry.operation {
                caller.hint(format_args!("{} {id}", locale.reference()));
            }
        }
        _ => caller.complain(format_args!("{name}{colon}{text}")),
    }
}

fn status(report: &BootReport) -> u8 {
    let good = report.entries.iter().filter(|entry| entry.outcome.is_good()).count();
    match good {
        all if all == report.entries.len() => 0,
        0 => exit::FAILURE,
        _ => exit::REFUSED,
    }
}

/// Takes the signals that would end this process: at the first one nothing more begins.
fn hear_signals(caller: Caller, give_up: Arc<AtomicBool>) {
    signals::each_that_would_end(move |signal| {
        if give_up.swap(true, Ordering::Relaxed) {
            signals::end_by(signal);
        }
        caller.complain(caller.locale.boot_ends());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_s_words_mean_what_they_meant() {
        let said = |starts, line: &str| {
            let words = words_of_original(starts, line.split(' ').map(OsString::from));
            words.join(&OsString::from(" ")).into_string().unwrap()
        };
        assert_eq!(said(true, "-m default -j 6"), "ulysse boot start --mark default --at-once 6");
        assert_eq!(said(true, "--stop --all --debug"), "ulysse boot stop --all");
        assert_eq!(said(false, "--test --running -- web db"), "ulysse boot stop --dry-run web db");
    }
}
