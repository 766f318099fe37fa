//! `vserver NAME backup …`: taking backups of one VServer, seeing them, and making one again of them.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use domain::backup::{BackupOrder, BackupRef, BackupSummary, PruneOrder};
use domain::change::{Change, PlainChange};
use domain::command;
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::{TargetName, VServerName};
use domain::restore::RestoreForm;
use domain::retention::{Judged, Retention, ScheduleForm, judge_target};
use engine::Engine;
use engine::backup;

use super::build_options;
use super::caller::Caller;
use super::change::{self, Ended};
use super::exit;
use super::help::Command;
use super::options::{Grammar, Opt, Section, UsageError, text};

const GRAMMAR: Grammar = Grammar {
    options: &[
        Opt::flag("help"),
        Opt::value("target"),
        Opt::flag("pause"),
        Opt::value("when"),
        Opt::value("keep"),
        Opt::flag("off"),
        Opt::value("context"),
        Opt::value("hostname"),
        Opt::value("interface"),
        Opt::flag("keep-host-keys"),
    ],
    takes_words: true,
};

/// What was typed after `backup`.
struct Typed {
    words: Vec<String>,
    section: Section,
}

fn understand(arguments: &[OsString]) -> Result<Typed, UsageError> {
    let is_option = |word: &OsString| word.to_string_lossy().starts_with('-');
    let options = arguments.iter().position(is_option).unwrap_or(arguments.len());
    let (leading, rest) = arguments.split_at(options);
    let section = GRAMMAR.parse(rest)?;
    let trailing = section.words();
    let words = leading.iter().chain(&trailing).map(|word| text(word)).collect::<Result<_, _>>()?;
    Ok(Typed { words, section })
}

/// Does what was typed.
pub(super) fn run(
    caller: Caller,
    config: Option<&Path>,
    name: &OsString,
    arguments: &[OsString],
) -> Result<u8, u8> {
    let usage = |error: UsageError| {
        caller.complain(error.text(caller.locale));
        caller.hint(caller.locale.help_hint());
        exit::FAILURE
    };
    let Typed { words, section } = understand(arguments).map_err(usage)?;
    if section.has("--help") {
        caller.answer(Command::Backup.help(caller.locale));
        return Ok(0);
    }
    let told = |failure: Failure| {
        caller.tell(&failure, None);
        exit::FAILURE
    };
    let value = |option: &str| section.value(option).map(Option::unwrap_or_default).map_err(usage);
    let name: VServerName = text(name)
        .map_err(usage)?
        .trim_end_matches('/')
        .parse()
        .map_err(|problem| told(Failure::of_field(Field::Name, problem)))?;
    let engine = caller.engine(config)?;
    let targets = targets_of(&engine);
    let target = || -> Result<TargetName, u8> {
        judge_target(&value("--target")?, &targets)
            .map_err(|problem| told(Failure::of_field(Field::BackupTarget, problem)))
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let change: Change = match words.as_slice() {
        [] => {
            let order =
                BackupOrder { vserver: name, target: target()?, pause: section.has("--pause") };
            PlainChange::Backup(order).into()
        }
        ["list"] => return list(caller, &engine, Some(&name)).map_err(told),
        [word @ ("preview" | "prune")] => {
            let at = match value("--target")?.is_empty() {
                true => None,
                false => Some(target()?),
            };
            let keep = match value("--keep")?.as_str() {
                "" => None,
                keep => Some(
                    keep.parse::<Retention>()
                        .map_err(|problem| told(Failure::of_field(Field::Retention, problem)))?,
                ),
            };
            let order = PruneOrder { vserver: name, target: at, keep };
            let (_, judged) = backup::prune::judged(engine.instance(), &order).map_err(told)?;
            show_judged(caller, &judged);
            if *word == "preview" {
                return Ok(0);
            }
            Change::PruneBackups(order)
        }
        ["schedule"] if section.has("--off") => {
            PlainChange::ScheduleBackups { vserver: name, schedule: None }.into()
        }
        ["schedule"] => {
            let form = ScheduleForm {
                target: value("--target")?,
                when: value("--when")?,
                keep: value("--keep")?,
            };
            if form == ScheduleForm::default() {
                return show_schedule(caller, &engine, &name).map_err(told);
            }
            let schedule =
                form.judge(&targets).map_err(|errors| told(Failure::Invalid { errors }))?;
            if schedule.is_none() {
                return Err(told(Failure::of_field(Field::BackupTime, Problem::Missing)));
            }
            PlainChange::ScheduleBackups { vserver: name, schedule }.into()
        }
        ["restore", backup] => {
            let backup = reference(backup).map_err(told)?;
            let form = RestoreForm {
                name: name.to_string(),
                context: value("--context")?,
                host_name: value("--hostname")?,
                interfaces: section.values("--interface").map_err(usage)?.join(" "),
                keep_host_keys: section.has("--keep-host-keys"),
            };
            return restore(caller, &engine, backup, form);
        }
        ["restore-file", backup, path] => {
            let (backup, path) = (reference(backup).map_err(told)?, (*path).to_owned());
            PlainChange::RestoreFile { backup, into: name, path }.into()
        }
        [word, ..] => {
            return Err(usage(UsageError::WordNotExpected { word: (*word).to_owned() }));
        }
    };
    match change::run(caller, &engine, change) {
        Ended::Done(_) => Ok(0),
        Ended::Told(code) => Err(code),
        // Everything is kept, and this has been shown.
        Ended::Refused(Failure::NothingToChange) => Ok(0),
        Ended::Refused(failure) => Err(change::refused(caller, &failure)),
    }
}

/// Restores, or says what is in the way and what to say instead: what was given and is not in the way stays.
fn restore(
    caller: Caller,
    engine: &Arc<Engine>,
    backup: BackupRef,
    form: RestoreForm,
) -> Result<u8, u8> {
    let change = Change::Restore { backup: backup.clone(), form: Box::new(form.clone()) };
    match change::run(caller, engine, change) {
        Ended::Done(_) => Ok(0),
        Ended::Told(code) => Err(code),
        Ended::Refused(failure) => {
            let label = |error: &_| build_options::label(caller, error);
            caller.tell_as(&failure, None, label, |_| None);
            if let Failure::Invalid { errors } = &failure
                && let Ok(proposal) = backup::propose(engine, &backup)
            {
                let keep = |field, given: String, proposed: String| {
                    let stays = !given.is_empty() && errors.of(field).next().is_none();
                    if stays { given } else { proposed }
                };
                let RestoreForm { name, context, host_name, interfaces, .. } = proposal.form;
                let instead = RestoreForm {
                    name: keep(Field::Name, form.name, name),
                    context: keep(Field::Context, form.context, context),
                    host_name: keep(Field::HostName, form.host_name, host_name),
                    interfaces: keep(Field::Interface, form.interfaces, interfaces),
                    keep_host_keys: form.keep_host_keys,
                };
                let line = command::restore(&backup, &instead).line();
                caller.hint(caller.locale.restore_instead(&line));
            }
            Err(exit::FAILURE)
        }
    }
}

/// The targets of the settings.
pub(super) fn targets_of(engine: &Engine) -> Vec<TargetName> {
    engine.instance().settings.backup.targets.keys().cloned().collect()
}

/// The backup that is named.
pub(super) fn reference(text: &str) -> Result<BackupRef, Failure> {
    text.parse().map_err(|problem| Failure::of_field(Field::Backup, problem))
}

/// Prints the backups of one VServer or of all, the newest first.
pub(super) fn list(
    caller: Caller,
    engine: &Engine,
    vserver: Option<&VServerName>,
) -> Result<u8, Failure> {
    for target in targets_of(engine) {
        for BackupSummary { backup, bytes } in backup::list(engine.instance(), &target, vserver)? {
            caller.answer(format_args!("{backup}\t{bytes}"));
        }
    }
    Ok(0)
}

fn show_judged(caller: Caller, judged: &[Judged]) {
    for one in judged {
        let reasons: Vec<&str> = one.reasons.iter().map(|reason| reason.as_str()).collect();
        let verdict = match reasons.is_empty() {
            true => caller.locale.backup_goes().to_owned(),
            false => caller.locale.backup_stays(&reasons.join(", ")),
        };
        caller.answer(format_args!("{}\t{verdict}", one.id));
    }
}

fn show_schedule(caller: Caller, engine: &Engine, name: &VServerName) -> Result<u8, Failure> {
    let roots = &engine.instance().settings.roots;
    match backup::schedule::read(roots, name)? {
        Some(in_force) => {
            let domain::retention::Schedule { target, when, keep } = in_force.schedule;
            caller.answer(format_args!("{target}\t{when}\t{keep}"));
        }
        None => caller.answer(caller.locale.no_schedule(name.as_str())),
    }
    Ok(0)
}
