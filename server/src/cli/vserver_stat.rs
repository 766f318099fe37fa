//! `vserver-stat`: what the host and every running VServer use, in the original's columns to the byte
//! (fact sheet 2.3), as the course shows them.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use app::i18n::format::{stat_size, stat_time};
use domain::failure::Failure;
use domain::vserver::Usage;
use engine::config;
use engine::usage::{self, Want};

use super::caller::Caller;
use super::options::{Grammar, Opt};
use super::{begin_log, exit};

const OPTIONS: Grammar = Grammar {
    options: &[
        Opt::value("config"),
        Opt::flag("guests-only"),
        Opt::value("sort").or('O'),
        Opt::flag("help"),
        Opt::flag("version"),
    ],
    takes_words: false,
};

const HEADER: &str = "CTX   PROC    VSZ    RSS  userTIME   sysTIME    UPTIME NAME";

/// What context 0 is called.
const HOST: &str = "root server";

/// How much of a name is shown.
const NAME_CHARACTERS: usize = 20;

/// `vserver-stat`; the words after the program's name.
pub(crate) fn vserver_stat(arguments: Vec<OsString>) -> ExitCode {
    let caller = Caller::here("vserver-stat");
    let section = match OPTIONS.parse(&arguments) {
        Ok(section) => section,
        Err(error) => {
            caller.complain(error.text(caller.locale));
            caller.hint(usage_line(caller));
            return ExitCode::from(exit::FAILURE);
        }
    };
    if section.has("--help") {
        let explained = caller.locale.stat_options_explained();
        caller.answer(format_args!("{}\n\n{explained}", usage_line(caller)));
        return ExitCode::SUCCESS;
    }
    if section.has("--version") {
        caller.answer(format_args!("vserver-stat {} (Ulysse)", env!("CARGO_PKG_VERSION")));
        return ExitCode::SUCCESS;
    }
    begin_log(false);
    let config = section.os_value("--config").map(PathBuf::from);
    let engine = match caller.engine(config.as_deref()) {
        Ok(engine) => engine,
        Err(code) => return ExitCode::from(code),
    };
    let roots = &engine.instance().settings.roots;
    let snapshot = match usage::snapshot(roots, Want::Processes) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            caller.tell(&Failure::Unexpected { detail: domain::failure::chain(&error) }, None);
            return ExitCode::from(exit::FAILURE);
        }
    };
    let mut rows = Vec::with_capacity(snapshot.guests.len() + 1);
    if !section.has("--guests-only") {
        rows.push(Row { context: 0, usage: snapshot.host, name: HOST.to_owned() });
    }
    let names: Vec<_> = snapshot.guests.iter().map(|(state, _)| &state.name).collect();
    let shown = config::display_names_of(roots, &names);
    rows.extend(snapshot.guests.iter().zip(shown).map(|((state, usage), name)| Row {
        context: state.context.get(),
        usage: *usage,
        name,
    }));
    caller.answer(table(&rows));
    ExitCode::SUCCESS
}

fn usage_line(caller: Caller) -> String {
    caller.locale.usage_of(caller.locale.stat_usage())
}

/// One line of the table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) context: u16,
    pub(super) usage: Usage,
    pub(super) name: String,
}

/// The table, without a newline at its end.
pub(super) fn table(rows: &[Row]) -> String {
    let mut text = HEADER.to_owned();
    for row in rows {
        let usage = &row.usage;
        let name: String =
            row.name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS).collect();
        let _ = write!(
            text,
            "\n{:<5}{:>5}{:>7}{:>7}{:>10}{:>10}{:>10} {name}",
            row.context,
            usage.processes,
            size(usage.vsz_bytes),
            size(usage.rss_bytes),
            stat_time(usage.user_ms),
            stat_time(usage.system_ms),
            stat_time(usage.uptime_ms),
        );
    }
    text
}

/// A size with a blank where others have their unit.
fn size(bytes: u64) -> String {
    let mut text = stat_size(bytes);
    if text.ends_with(|last: char| last.is_ascii_digit()) {
        text.push(' ');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(context: u16, name: &str, usage: Usage) -> Row {
        Row { context, usage, name: name.to_owned() }
    }

    #[test]
    fn the_table_of_vserver_stat() {
        let host = Usage {
            processes: 32,
            vsz_bytes: 38_588_416,
            rss_bytes: 12_058_624,
            user_ms: 1_590,
            system_ms: 18_890,
            uptime_ms: 844_900,
            ..Usage::default()
        };
        let small = Usage {
            processes: 2,
            vsz_bytes: 999,
            rss_bytes: 1000,
            system_ms: 100,
            uptime_ms: 23_220_070,
            ..Usage::default()
        };
        let large = Usage {
            processes: 12_345,
            vsz_bytes: 999 << 40,
            rss_bytes: 1 << 40,
            user_ms: 1_048_500_000,
            system_ms: 86_399_999,
            uptime_ms: 1_000 * 86_400_000,
            ..Usage::default()
        };
        insta::assert_snapshot!(table(&[
            row(0, "root server", host),
            row(100, "monvs", small),
            row(49151, "a-name-of-more-than-twenty", large),
            row(40000, "evil\u{1b}[31m\tname", Usage::default()),
        ]));
    }
}
