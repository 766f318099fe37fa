//! `status` and `running`. What `status` says is the original's, word for word and in every language (fact
//! sheet 2.1): scripts read it, as they read the columns of `vserver-stat`.

use std::time::Duration;

use app::i18n::format;
use domain::id::{ContextId, VServerName};
use engine::Engine;
use engine::state::GuestState;
use engine::unification;
use engine::usage::{self, Want};

use super::caller::Caller;
use super::exit;

/// How long counting what is shared may keep somebody waiting.
const COUNT_PATIENCE: Duration = Duration::from_millis(500);

/// Says whether a VServer runs; 0 when it does, 3 when not.
pub(super) fn status(caller: Caller, engine: &Engine, name: &VServerName) -> u8 {
    let state = match read(caller, engine, name) {
        Ok(state) => state,
        Err(code) => return code,
    };
    let Some(state) = state else {
        if !caller.silent {
            caller.answer(stopped_text(name));
            tell_sharing(caller, engine, name);
        }
        return exit::STOPPED;
    };
    if !caller.silent {
        let processes = usage::snapshot(&engine.instance().settings.roots, Want::Processes)
            .ok()
            .and_then(|snapshot| snapshot.of(name))
            .map_or(0, |usage| usage.processes);
        let uptime_ms = engine.clock().now().millis_since(state.started_at);
        caller.answer(running_text(name, state.context, processes, uptime_ms));
        tell_sharing(caller, engine, name);
        let events = engine.instance().settings.roots.event_log_of(name);
        if let Some(kills) = engine::guest::oom_kills(&events) {
            let locale = caller.locale;
            let count = format::integer(locale, kills.count);
            caller.complain(locale.oom_killed(&count, &format::instant(locale, kills.last_at)));
        }
    }
    0
}

/// Says how much of its files others have too, when that is so: the original had nothing to say of it.
fn tell_sharing(caller: Caller, engine: &Engine, name: &VServerName) {
    let root = engine::config::root_directory_of(&engine.instance().settings.roots, name);
    let sharing = root.and_then(|root| unification::sharing(&root, COUNT_PATIENCE));
    if let Some(sharing) = sharing {
        let locale = caller.locale;
        let [shared, own] =
            [sharing.shared_bytes, sharing.own_bytes].map(|bytes| format::bytes(locale, bytes));
        caller.answer(locale.status_shared(&shared, &own));
    }
}

/// Whether it runs, without a word: 0 when it does, 1 when not.
pub(super) fn running(caller: Caller, engine: &Engine, name: &VServerName) -> u8 {
    match read(caller, engine, name) {
        Ok(state) => u8::from(state.is_none()),
        Err(code) => code,
    }
}

fn read(caller: Caller, engine: &Engine, name: &VServerName) -> Result<Option<GuestState>, u8> {
    GuestState::running(&engine.instance().settings.roots, name).map_err(|error| {
        let detail = domain::failure::chain(&error);
        caller.tell(&domain::failure::Failure::Unexpected { detail }, None);
        exit::FAILURE
    })
}

pub(super) fn stopped_text(name: &VServerName) -> String {
    format!("Vserver '{name}' is stopped")
}

pub(super) fn running_text(
    name: &VServerName,
    context: ContextId,
    processes: u32,
    uptime_ms: u64,
) -> String {
    let minutes = uptime_ms / 60_000;
    let days = match minutes / (24 * 60) {
        0 => String::new(),
        days => format!("{days} days, "),
    };
    let (hours, minutes) = (minutes / 60 % 24, minutes % 60);
    format!(
        "Vserver '{name}' is running at context '{context}'\n\
         Number of processes: {processes}\n\
         Uptime:              {days}{hours:02}:{minutes:02}"
    )
}
