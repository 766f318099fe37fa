//! The recycle bin at the command line: `vserver NAME undelete` and `ulysse bin`.

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::sync::Arc;

use app::i18n::format;
use clap::Subcommand;
use domain::change::Change;
use domain::command;
use domain::failure::Failure;
use domain::field::Field;
use domain::id::{OperationId, VServerName};
use domain::identity::IdentityForm;
use domain::recycle::BinEntry;
use engine::Engine;
use engine::engine::Instance;

use super::caller::Caller;
use super::change::{self, Ended};
use super::{begin_log, delete, exit, identity};

/// What to do with the recycle bin.
#[derive(Debug, Subcommand)]
pub(crate) enum BinAction {
    List,
    Restore {
        id: String,
        #[arg(long = "as")]
        name: Option<String>,
        #[arg(long)]
        context: Option<String>,
        #[arg(long)]
        hostname: Option<String>,
        #[arg(long)]
        interface: Vec<String>,
    },
    Remove {
        id: String,
        #[arg(long)]
        yes: bool,
    },
    Empty {
        #[arg(long)]
        yes: bool,
    },
}

/// `ulysse bin`.
pub(crate) fn bin(instance: Instance, action: BinAction) -> ExitCode {
    let caller = Caller::here("ulysse bin");
    begin_log(false);
    if !rustix::process::geteuid().is_root() {
        caller.complain(caller.locale.needs_root());
        return ExitCode::from(exit::FAILURE);
    }
    let engine = Engine::new(instance);
    let code = match action {
        BinAction::List => list(caller, &engine),
        BinAction::Restore { id, name, context, hostname, interface } => {
            let form = IdentityForm {
                name: name.unwrap_or_default(),
                context: context.unwrap_or_default(),
                host_name: hostname.unwrap_or_default(),
                interfaces: interface.join("\n"),
                restart: false,
            };
            with_id(caller, &id, |id| restore(caller, &engine, id, form))
        }
        BinAction::Remove { id, yes } => {
            with_id(caller, &id, |id| remove(caller, &engine, id, yes))
        }
        BinAction::Empty { yes } => empty(caller, &engine, yes),
    };
    ExitCode::from(code)
}

fn with_id(caller: Caller, text: &str, act: impl FnOnce(OperationId) -> u8) -> u8 {
    match text.parse() {
        Ok(id) => act(id),
        Err(_) => {
            caller.tell(&Failure::NotInBin { what: text.to_owned() }, None);
            exit::FAILURE
        }
    }
}

fn list(caller: Caller, engine: &Engine) -> u8 {
    let locale = caller.locale;
    let bin = engine.bin();
    if bin.entries.is_empty() {
        caller.note(locale.bin_is_empty());
        return 0;
    }
    let head = locale.bin_columns();
    let mut rows = vec![head.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for entry in &bin.entries {
        let until = match entry.is_protected {
            true => locale.bin_protected().to_owned(),
            false => format::instant(locale, entry.expires_at),
        };
        rows.push(vec![
            entry.id.to_string(),
            entry.identity.name.to_string(),
            entry.identity.context.map(|context| context.to_string()).unwrap_or_default(),
            format::instant(locale, entry.deleted_at),
            until,
            entry.bytes.map(|bytes| format::bytes(locale, bytes)).unwrap_or_default(),
        ]);
    }
    caller.columns(&rows);
    let total: u64 = bin.entries.iter().filter_map(|entry| entry.bytes).sum();
    caller.answer(locale.bin_total(&format::bytes(locale, total)));
    0
}

fn restore(caller: Caller, engine: &Arc<Engine>, id: OperationId, form: IdentityForm) -> u8 {
    match change::run(caller, engine, Change::Undelete { entry: id.clone(), form }) {
        Ended::Done(operation) => {
            caller.note(caller.locale.is_back(operation.target.name()));
            if !caller.silent {
                caller.hint(caller.locale.how_to_start(operation.target.name()));
            }
            0
        }
        Ended::Told(code) => code,
        Ended::Refused(failure) => {
            let code = change::refused(caller, &failure);
            if let (Failure::Invalid { .. }, Ok(binned)) = (&failure, engine.binned(&id))
                && binned.offer != IdentityForm::default()
            {
                let line = command::undelete(&id, &binned.offer).line();
                caller.hint(caller.locale.free_values(&line));
            }
            code
        }
    }
}

fn remove(caller: Caller, engine: &Arc<Engine>, id: OperationId, yes: bool) -> u8 {
    let entry = match engine.binned(&id) {
        Ok(binned) => binned.entry,
        Err(failure) => return change::refused(caller, &failure),
    };
    say_of_volume(caller, &entry);
    let question = caller.locale.purge_question(entry.identity.name.as_str());
    if !yes && !delete::asked(caller.locale, &question) {
        caller.complain(caller.locale.delete_refused());
        return exit::REFUSED;
    }
    purge(caller, engine, id)
}

fn empty(caller: Caller, engine: &Arc<Engine>, yes: bool) -> u8 {
    let bin = engine.bin();
    let (kept, gone): (Vec<_>, Vec<_>) =
        bin.entries.into_iter().partition(|entry| entry.is_protected);
    if gone.is_empty() {
        caller.note(caller.locale.bin_is_empty());
    } else {
        gone.iter().for_each(|entry| say_of_volume(caller, entry));
        let question = caller.locale.empty_question(&gone.len().to_string());
        if !yes && !delete::asked(caller.locale, &question) {
            caller.complain(caller.locale.delete_refused());
            return exit::REFUSED;
        }
    }
    for entry in kept {
        caller.note(caller.locale.stays_protected(entry.identity.name.as_str()));
    }
    let codes = gone.into_iter().map(|entry| purge(caller, engine, entry.id));
    codes.max().unwrap_or(0)
}

fn say_of_volume(caller: Caller, entry: &BinEntry) {
    if let Some(path) = &entry.volume {
        caller.note(caller.locale.volume_is_emptied(path));
    }
}

fn purge(caller: Caller, engine: &Arc<Engine>, id: OperationId) -> u8 {
    match change::run(caller, engine, Change::Purge(id)) {
        Ended::Done(_) => 0,
        Ended::Told(code) => code,
        Ended::Refused(failure) => change::refused(caller, &failure),
    }
}

/// `vserver NAME undelete`: the latest that was called so.
pub(super) fn undelete(
    caller: Caller,
    engine: &Arc<Engine>,
    name: &OsStr,
    arguments: &[OsString],
) -> u8 {
    let Ok(form) = identity::undelete(arguments) else { return exit::FAILURE };
    let text = name.to_string_lossy();
    let name: VServerName = match text.strip_suffix('/').unwrap_or(&text).parse() {
        Ok(name) => name,
        Err(problem) => {
            let failure = Failure::of_field(Field::Name, problem);
            return change::refused(caller, &failure);
        }
    };
    match engine.latest_binned(&name) {
        Ok(id) => restore(caller, engine, id, form),
        Err(failure) => change::refused(caller, &failure),
    }
}
