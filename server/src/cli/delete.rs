//! `delete`: says what goes away and asks before it does.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use app::i18n::Locale;
use domain::id::VServerName;
use domain::operation::Kind;
use engine::Engine;
use engine::config;
use engine::engine::Change;
use engine::state::GuestState;

use super::caller::Caller;
use super::change::{self, Ended};
use super::exit;

/// Deletes a VServer, after asking unless the caller wants silence.
pub(super) fn delete(caller: Caller, engine: &Arc<Engine>, name: VServerName) -> u8 {
    if !caller.silent && !is_confirmed(caller, engine, &name) {
        caller.complain(caller.locale.delete_refused());
        return exit::REFUSED;
    }
    match change::run(caller, engine, Change::Delete(name)) {
        Ended::Done(_) => 0,
        Ended::Told(code) => code,
        Ended::Refused(failure) => change::refused(caller, Kind::Delete, &failure),
    }
}

fn is_confirmed(caller: Caller, engine: &Engine, name: &VServerName) -> bool {
    let roots = &engine.instance().settings.roots;
    let locale = caller.locale;
    let files = config::root_directory_of(roots, name).unwrap_or_else(|| roots.guest_of(name));
    let (config, files) =
        (roots.config_of(name).display().to_string(), files.display().to_string());
    let mut text = format!("{}\n", locale.delete_removes(&config, &files));
    if matches!(GuestState::running(roots, name), Ok(Some(_))) {
        text.push_str(locale.delete_stops_it());
        text.push('\n');
    }
    text.push_str(&locale.delete_question(name.as_str()));
    let mut stderr = io::stderr();
    // Who cannot see the question does not answer it with yes.
    if stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()).is_err() {
        return false;
    }
    let mut answer = String::new();
    let is_read = io::stdin().lock().read_line(&mut answer).is_ok();
    if !answer.ends_with('\n') {
        let _ = stderr.write_all(b"\n");
    }
    is_read && is_yes(locale, &answer)
}

/// Whether this means yes; nothing at all means no.
pub(super) fn is_yes(locale: Locale, answer: &str) -> bool {
    let answer = answer.trim().to_lowercase();
    locale.delete_yes().split(' ').any(|yes| yes == answer)
}
