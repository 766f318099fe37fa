//! `delete`: says what goes away, for how long it can be had back, and asks before it does.

use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::sync::Arc;

use app::i18n::{Locale, format};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::id::VServerName;
use engine::Engine;
use engine::base_links;
use engine::config;
use engine::protect;
use engine::state::GuestState;
use engine::volume;

use super::caller::Caller;
use super::change::{self, Ended};
use super::exit;
use super::options::{Grammar, Opt};

/// What it takes.
pub(super) const OPTIONS: Grammar =
    Grammar { options: &[Opt::flag("help"), Opt::flag("now")], takes_words: false };

/// Deletes a VServer, after asking unless the caller wants silence.
pub(super) fn delete(
    caller: Caller,
    engine: &Arc<Engine>,
    name: VServerName,
    arguments: &[OsString],
) -> u8 {
    let keep_days = engine.instance().settings.recycle_bin.keep_days;
    let at_once = keep_days == 0 || OPTIONS.parse(arguments).is_ok_and(|found| found.has("--now"));
    let tree = engine.instance().settings.roots.config_of(&name);
    if protect::is_protected(&tree) {
        return change::refused(caller, &Failure::Protected { name });
    }
    let until = engine.clock().now().plus_millis(i64::from(keep_days) * 24 * 60 * 60 * 1000);
    let until = (!at_once).then(|| format::instant(caller.locale, until));
    let roots = &engine.instance().settings.roots;
    let files = config::root_directory_of(roots, &name);
    let volume = files.filter(|files| volume::source_at(files).is_some()).map(|files| {
        let path = files.display().to_string();
        match at_once {
            true => caller.locale.volume_is_emptied(&path),
            false => caller.locale.volume_keeps_files(&path),
        }
    });
    if !caller.silent && !is_confirmed(caller, engine, &name, until.as_deref(), volume.as_deref()) {
        caller.complain(caller.locale.delete_refused());
        return exit::REFUSED;
    }
    match change::run(caller, engine, PlainChange::Delete { name: name.clone(), at_once }) {
        Ended::Done(_) => {
            if let Some(until) = until {
                caller.note(caller.locale.is_in_bin(name.as_str(), &until));
            }
            if let Some(text) = volume {
                caller.note(text);
            }
            0
        }
        Ended::Told(code) => code,
        Ended::Refused(failure) => change::refused(caller, &failure),
    }
}

fn is_confirmed(
    caller: Caller,
    engine: &Engine,
    name: &VServerName,
    until: Option<&str>,
    volume: Option<&str>,
) -> bool {
    let roots = &engine.instance().settings.roots;
    let locale = caller.locale;
    let files = config::root_directory_of(roots, name)
        .unwrap_or_else(|| base_links::shown_guest_base(roots).join(name.as_str()));
    let (config, files) =
        (roots.config_of(name).display().to_string(), files.display().to_string());
    let what = match until {
        Some(until) if volume.is_some() => locale.delete_moves_tree(&config, until),
        Some(until) => locale.delete_moves(&config, &files, until),
        None => locale.delete_removes(&config, &files),
    };
    let mut text = format!("{what}\n");
    if let Some(volume) = volume {
        text.push_str(volume);
        text.push('\n');
    }
    if matches!(GuestState::running(roots, name), Ok(Some(_))) {
        text.push_str(locale.delete_stops_it());
        text.push('\n');
    }
    text.push_str(&locale.delete_question(name.as_str()));
    asked(locale, &text)
}

/// Asks a question on standard error; whether it was answered with yes on standard input.
pub(super) fn asked(locale: Locale, text: &str) -> bool {
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
