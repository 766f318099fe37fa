//! `vps`: the host's ps with a column that says in which context each process is (fact sheet 2.4).
//!
//! The column is put behind that of the pids, whatever their width: the pid of a line is its first number
//! that reaches as far right as the column's title does.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use engine::program;
use engine::roots::Roots;
use engine::{config, processes};

use super::{Call, Program};

/// `vps`.
pub(super) const VPS: Program = Program {
    name: "vps",
    usage: |locale| locale.vps_usage(),
    explained: |locale| locale.vps_explained(),
    run,
};

/// The exit status when ps shows no pids, as the original's.
const NO_PIDS: u8 = 254;

/// How wide the column is.
const WIDTH: usize = 20;

/// What stands in the column for one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The host.
    Main,
    /// A VServer.
    VServer {
        /// Its context.
        context: u16,
        /// What it calls itself.
        name: String,
    },
    /// The process has ended.
    Gone,
}

fn run(call: &Call, arguments: &[OsString]) -> Result<u8, u8> {
    let (config, words) = viewer_words(call, arguments)?;
    let engine = call.engine(config)?;
    let roots = &engine.instance().settings.roots;
    let look = || places(roots).map_err(|error| call.unexpected(&error));
    let mut command = program::shown(program::PS);
    command.args(words).stdout(Stdio::piped());
    if let Some(columns) = columns_left() {
        command.env("COLUMNS", columns.to_string());
    }
    // Looked at before and after: what ended meanwhile stands in one of both.
    let mut known = look()?;
    let child = command.spawn();
    let child = child.map_err(|error| call.not_started(program::PS, "procps", &error))?;
    let own = child.id();
    let output = child.wait_with_output().map_err(|error| call.unexpected(&error))?;
    known.extend(look()?);
    let status = output.status;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    let code = code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    if output.stdout.is_empty() {
        return Ok(code);
    }
    let place = |pid: u32| match known.get(&pid) {
        Some(Some((context, name))) => Place::VServer { context: *context, name: name.clone() },
        Some(None) => Place::Main,
        None if pid == own => Place::Main,
        None => Place::Gone,
    };
    match with_contexts(&String::from_utf8_lossy(&output.stdout), place) {
        Some(text) => {
            call.caller.print(format_args!("{text}"));
            Ok(code)
        }
        None => {
            call.caller.complain(call.locale().no_pid_column());
            Err(NO_PIDS)
        }
    }
}

/// Our own words before a viewer's: `--config FILE`, and `--help` and `--version` alone.
pub(super) fn viewer_words<'a>(
    call: &Call,
    arguments: &'a [OsString],
) -> Result<(Option<OsString>, &'a [OsString]), u8> {
    match arguments {
        [first, ..] if first == "--help" || first == "-help" => Err(call.help()),
        [first, ..] if first == "--version" => Err(call.version()),
        [first, file, rest @ ..] if first == "--config" => Ok((Some(file.clone()), rest)),
        rest => Ok((None, rest)),
    }
}

/// Each process of the host: in which VServer it is, or in none.
fn places(roots: &Roots) -> Result<HashMap<u32, Option<(u16, String)>>, processes::ProcessError> {
    let mut names = HashMap::new();
    let places = processes::places(roots)?.into_iter().map(|(pid, guest)| {
        let place = guest.map(|processes::Place { name, context }| {
            let shown = names.entry(name.clone());
            let shown = shown.or_insert_with(|| config::display_name_of(roots, &name));
            (context.get(), shown.clone())
        });
        (pid, place)
    });
    Ok(places.collect())
}

/// On a terminal: as many columns as ps may fill so that a line with one more fits.
fn columns_left() -> Option<u16> {
    let stdout = std::io::stdout();
    if !stdout.is_terminal() || std::env::var_os("COLUMNS").is_some() {
        return None;
    }
    let width = rustix::termios::tcgetwinsize(&stdout).ok()?.ws_col;
    width.checked_sub(u16::try_from(WIDTH + 1).ok()?).filter(|left| *left > 20)
}

/// The output of ps with the column; none when it has none of pids.
pub(super) fn with_contexts(output: &str, place: impl Fn(u32) -> Place) -> Option<String> {
    let mut lines = output.lines();
    let head = lines.next()?;
    let end = words_of(head).find(|(_, word)| *word == "PID").map(|(end, _)| end)?;
    let mut text = insert(head, end, &format!("{:<WIDTH$}", "CONTEXT"));
    for line in lines {
        text.push('\n');
        if line == head {
            text.push_str(&insert(head, end, &format!("{:<WIDTH$}", "CONTEXT")));
            continue;
        }
        let pid = words_of(line)
            .filter(|(at, _)| *at >= end)
            .find_map(|(at, word)| Some((at, word.parse::<u32>().ok()?)));
        match pid {
            Some((at, pid)) => text.push_str(&insert(line, at, &cell(&place(pid)))),
            None => text.push_str(line),
        }
    }
    text.push('\n');
    Some(text)
}

/// The words of a line, each with the column behind its last character.
fn words_of(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split(' ').scan(0, |at, word| {
        let end = *at + word.chars().count();
        *at = end + 1;
        Some((end, word))
    })
}

fn cell(place: &Place) -> String {
    let mut cell = String::new();
    let _ = match place {
        Place::Main => write!(cell, "{:>5} MAIN", 0),
        Place::VServer { context, name } => {
            let name: String = name.chars().filter(|c| !c.is_control()).collect();
            write!(cell, "{context:>5} {name}")
        }
        Place::Gone => write!(cell, "{:>5}", "ERR"),
    };
    format!("{cell:<WIDTH$}")
}

/// A line with a cell behind one of its columns, and a blank before it.
fn insert(line: &str, column: usize, cell: &str) -> String {
    let before: String = line.chars().take(column).collect();
    let after: String = line.chars().skip(column).collect();
    format!("{before} {cell}{after}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(pid: u32) -> Place {
        let vserver = |context, name: &str| Place::VServer { context, name: name.to_owned() };
        match pid {
            1 => Place::Main,
            712 => vserver(49151, "monvs"),
            1_234_567 => vserver(2, "a-name-of-more-than-fourteen"),
            713 => vserver(100, "ev\u{1b}[31mil"),
            _ => Place::Gone,
        }
    }

    #[test]
    fn the_column_stands_behind_the_pids() {
        let aux = "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n\
                   root           1  0.0  0.1 168400 12000 ?        Ss   10:00   0:01 /sbin/init 9\n\
                   100000       712  0.0  0.0   1234   567 ?        S    10:01   0:00 sleep 713\n\
                   a-long-u+    713  0.0  0.0   1234   567 ?        S    10:01   0:00 sleep 1\n\
                   root      1234567 10.0  0.0   1234   567 ?        S    10:01   0:00 cat\n\
                   root         999  0.0  0.0   1234   567 ?        R    10:01   0:00 ps aux\n";
        insta::assert_snapshot!(with_contexts(aux, place).unwrap());
        let short = "    PID TTY          TIME CMD\n      1 ?        00:00:01 init\n    712 pts/0    00:00:00 sleep\n";
        insta::assert_snapshot!(with_contexts(short, place).unwrap());
        let last = "COMMAND             PID\nsleep 1               1\nsleep 712           713\n";
        insta::assert_snapshot!(with_contexts(last, place).unwrap());
    }

    #[test]
    fn without_pids_there_is_no_column() {
        assert_eq!(with_contexts("COMMAND\nsleep 1\n", place), None);
        assert_eq!(with_contexts("PPID COMMAND\n1 sleep 1\n", place), None);
    }
}
