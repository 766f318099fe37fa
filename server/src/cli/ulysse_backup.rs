//! `ulysse backup …`: the backups of all VServers, also of those that are gone.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use domain::backup::{BackupId, BackupOrder, BackupRef, BackupScope, EntryKind};
use domain::change::{Change, PlainChange};
use domain::command;
use domain::failure::Failure;
use domain::field::Field;
use domain::retention::judge_target;
use engine::Engine;
use engine::backup;
use engine::engine::Instance;

use super::caller::Caller;
use super::change::{self, Ended};
use super::vserver_backup::{list, reference, targets_of};
use super::{begin_log, exit};

/// The words after `ulysse backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    #[command(subcommand)]
    command: BackupCommand,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    List,
    Check,
    Show {
        backup: String,
    },
    Browse {
        backup: String,
        #[arg(default_value = "/")]
        path: String,
    },
    Verify {
        #[arg(required = true)]
        backups: Vec<String>,
    },
    Import {
        name: String,
        #[arg(required = true)]
        saved: Vec<std::path::PathBuf>,
        #[arg(long, default_value = "")]
        target: String,
    },
    Remove {
        #[arg(required = true)]
        backups: Vec<String>,
    },
}

/// Does what was typed.
pub(crate) fn backup(instance: Instance, arguments: BackupArguments) -> ExitCode {
    let caller = Caller::here("ulysse backup");
    begin_log(false);
    let engine = Engine::new(instance);
    let done = match arguments.command {
        BackupCommand::List => list(caller, &engine, None),
        BackupCommand::Check => check(caller, &engine),
        BackupCommand::Show { backup } => show(caller, &engine, &backup),
        BackupCommand::Browse { backup, path } => browse(caller, &engine, &backup, &path),
        BackupCommand::Verify { backups } => {
            each(caller, &engine, &backups, PlainChange::VerifyBackup)
        }
        BackupCommand::Import { name, saved, target } => {
            import(caller, &engine, &name, saved, &target)
        }
        BackupCommand::Remove { backups } => each(caller, &engine, &backups, |backup| {
            let BackupRef { target, vserver, id } = backup;
            PlainChange::RemoveBackups { target, vserver, ids: vec![id] }
        }),
    };
    ExitCode::from(done.unwrap_or_else(|failure| {
        caller.tell(&failure, None);
        exit::FAILURE
    }))
}

/// Makes a backup of what was saved by hand, and says how to make a VServer of it.
fn import(
    caller: Caller,
    engine: &std::sync::Arc<Engine>,
    name: &str,
    saved: Vec<std::path::PathBuf>,
    target: &str,
) -> Result<u8, Failure> {
    let vserver: domain::id::VServerName =
        name.parse().map_err(|problem| Failure::of_field(Field::Name, problem))?;
    let target = judge_target(target, &targets_of(engine))
        .map_err(|problem| Failure::of_field(Field::BackupTarget, problem))?;
    let paths =
        saved.into_iter().map(|path| std::fs::canonicalize(&path).unwrap_or(path)).collect();
    let order = BackupOrder { vserver: vserver.clone(), target: target.clone(), pause: false };
    let operation = match change::run(caller, engine, Change::Import { order, paths }) {
        Ended::Done(operation) => operation,
        Ended::Told(code) => return Ok(code),
        Ended::Refused(failure) => return Ok(change::refused(caller, &failure)),
    };
    let id = operation.started_at.and_then(BackupId::taken_at);
    if let Some(id) = id {
        let backup = BackupRef { target, vserver, id };
        let form = backup::propose(engine, &backup)?.form;
        caller.answer(command::restore(&backup, &form).line());
    }
    Ok(0)
}

fn each(
    caller: Caller,
    engine: &std::sync::Arc<Engine>,
    backups: &[String],
    change: impl Fn(BackupRef) -> PlainChange,
) -> Result<u8, Failure> {
    let backups = backups.iter().map(|text| reference(text)).collect::<Result<Vec<_>, _>>()?;
    let mut code = 0;
    for backup in backups {
        match change::run(caller, engine, change(backup)) {
            Ended::Done(_) => {}
            Ended::Told(one) => code = one,
            Ended::Refused(failure) => code = change::refused(caller, &failure),
        }
    }
    Ok(code)
}

fn check(caller: Caller, engine: &Engine) -> Result<u8, Failure> {
    let overview = backup::overview(engine, &BackupScope::All, backup::LONG_PATIENCE)?;
    let mut code = 0;
    for one in &overview.vservers {
        for alert in &one.alerts {
            caller.answer(app::i18n::backup_alert_text(caller.locale, &one.vserver, alert));
            code = exit::FAILURE;
        }
    }
    Ok(code)
}

fn show(caller: Caller, engine: &Engine, text: &str) -> Result<u8, Failure> {
    let detail = backup::detail(engine.instance(), &reference(text)?)?;
    let packages = detail.packages.map(|count| count.to_string());
    let packages = packages.unwrap_or_else(|| caller.locale.packages_not_known().to_owned());
    for (key, value) in [
        ("backup", detail.summary.backup.to_string()),
        ("bytes", detail.summary.bytes.to_string()),
        ("tool", detail.tool),
        ("consistency", detail.consistency.as_str().to_owned()),
        ("files", detail.files.to_string()),
        ("file-bytes", detail.file_bytes.to_string()),
        ("packages", packages),
        ("changed", detail.changed_count.to_string()),
    ] {
        caller.answer(format_args!("{key}\t{value}"));
    }
    for path in detail.changed {
        caller.answer(format_args!("changed-file\t{path}"));
    }
    for path in detail.omitted {
        caller.answer(format_args!("omitted\t{path}"));
    }
    Ok(0)
}

fn browse(caller: Caller, engine: &Engine, text: &str, path: &str) -> Result<u8, Failure> {
    for entry in backup::browse(engine.instance(), &reference(text)?, path)? {
        let mark = match entry.kind {
            EntryKind::Directory => 'd',
            EntryKind::File => '-',
            EntryKind::Link => 'l',
            EntryKind::Other => '?',
        };
        let link = entry.link.map(|to| format!(" -> {to}")).unwrap_or_default();
        caller.answer(format_args!(
            "{mark}{:04o}\t{}:{}\t{}\t{}\t{}{link}",
            entry.mode,
            entry.user,
            entry.group,
            entry.bytes,
            app::i18n::format::rfc3339(entry.modified),
            entry.name
        ));
    }
    Ok(0)
}
