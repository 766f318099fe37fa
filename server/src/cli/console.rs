//! `events` and `console`: what happened to a VServer, what it printed, and what it prints until it stops.

use std::ffi::OsString;
use std::io::Write;

use app::i18n::{format, life_text};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::guest_log::{GuestLogQuery, GuestLogSource, SearchText};
use domain::id::VServerName;
use engine::Engine;

use super::caller::Caller;
use super::exit;
use super::options::{Grammar, Opt, UsageError};

/// How many things that happened are told.
const EVENTS: usize = 200;

const CONSOLE: Grammar = Grammar {
    options: &[
        Opt::flag("help"),
        Opt::value("boot").or('b'),
        Opt::value("grep").or('g'),
        Opt::flag("follow").or('f'),
    ],
    takes_words: false,
};

/// The option that says which boot.
const BOOT: &str = "--boot";

/// What of a console is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    boot: Option<usize>,
    grep: Option<SearchText>,
    follows: bool,
}

/// Understands the words after `console`.
pub(super) fn understand(arguments: &[OsString]) -> Result<Wanted, UsageError> {
    let section = CONSOLE.parse(arguments)?;
    let wrong =
        |option: &str, problem| UsageError::OptionValue { option: option.to_owned(), problem };
    let boot = section.value(BOOT)?.map(|back| back.parse());
    let grep = section.value("--grep")?.map(|text| text.parse::<SearchText>());
    Ok(Wanted {
        boot: boot.transpose().map_err(|_| wrong(BOOT, Problem::NotANumber))?,
        grep: grep.transpose().map_err(|problem| wrong("--grep", problem))?,
        follows: section.has("--follow"),
    })
}

/// Prints what happened, the earliest first.
pub(super) fn events(caller: Caller, engine: &Engine, name: &VServerName) -> u8 {
    for record in engine.happened(name, EVENTS).into_iter().rev() {
        let at = format::rfc3339(record.at);
        caller.answer(format_args!("{at} {}", life_text(caller.locale, &record.what)));
    }
    0
}

/// Prints what it printed on its console.
pub(super) fn console(caller: Caller, engine: &Engine, name: &VServerName, wanted: Wanted) -> u8 {
    match print(engine, name, &wanted) {
        Ok(()) => 0,
        Err(failure) => {
            // All else was judged when it was understood.
            caller.tell_as(&failure, None, |_| BOOT, |_| None);
            exit::FAILURE
        }
    }
}

fn print(engine: &Engine, name: &VServerName, wanted: &Wanted) -> Result<(), Failure> {
    let text = wanted.grep.clone();
    let query = |source| GuestLogQuery { source, text: text.clone() };
    let latest = engine.guest_log(name, &query(GuestLogSource::Console(None)))?;
    let latest_end = latest.end;
    let log = match wanted.boot {
        None => latest,
        Some(back) => {
            let boot = latest.boots.get(back).ok_or_else(|| {
                let max = u64::try_from(latest.boots.len()).unwrap_or(u64::MAX).saturating_sub(1);
                Failure::of_field(Field::ConfigText, Problem::OutOfRange { min: 0, max })
            })?;
            engine.guest_log(name, &query(GuestLogSource::Console(Some(boot.id))))?
        }
    };
    let mut output = std::io::stdout().lock();
    let mut say = |line: &str| writeln!(output, "{line}").is_ok();
    // A line that is being printed is told when it is whole.
    let is_begun = wanted.follows && log.is_begun;
    let known = log.lines.len().saturating_sub(usize::from(is_begun));
    if !log.lines.iter().take(known).all(|line| say(&line.text)) || !wanted.follows {
        // Whoever reads no more wants no more.
        return Ok(());
    }
    let looked_for = text.map(|text| text.as_str().to_lowercase());
    let is_wanted =
        |line: &str| looked_for.as_ref().is_none_or(|text| line.to_lowercase().contains(text));
    let mut begun = String::new();
    let from = log.end.or(latest_end);
    engine.follow_console(name, from, &mut |piece| {
        begun = piece.begun;
        piece.lines.lines().filter(|line| is_wanted(line)).all(&mut say)
    })?;
    if !begun.is_empty() && is_wanted(&begun) {
        say(&begun);
    }
    Ok(())
}
