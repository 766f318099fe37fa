//! What a guest printed on its console, boot by boot, and what it logs: its journal, or its own files.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use domain::failure::{Failure, chain};
use domain::guest_log::{
    Boot, BootId, ConsolePlace, GuestLog, GuestLogQuery, GuestLogSource, JournalFilter, SearchText,
    lines_with, printable,
};
use domain::id::VServerName;

use super::{Hear, Look, running};
use crate::config;
use crate::engine::Instance;
use crate::tree;

/// How much of a guest's own log is read, from its end on, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// How much a journal may say, in bytes, and how long it may take.
const MAX_JOURNAL_BYTES: usize = 2 * 1024 * 1024;
const JOURNAL_PATIENCE: Duration = Duration::from_secs(8);
/// A console's log is cut at half of this; it may be a little longer for a moment.
const MAX_CONSOLE_BYTES: u64 = 2 * 1024 * 1024;
/// Where a guest without a journal logs, the likeliest first.
const FILES: [&str; 2] = ["var/log/syslog", "var/log/messages"];

/// What is asked for of a guest's logs.
///
/// # Errors
/// When there is no such VServer; when it does not run and would have to; when its journal cannot be read.
pub(crate) fn guest_log(
    instance: &Instance,
    name: &VServerName,
    query: &GuestLogQuery,
) -> Result<GuestLog, Failure> {
    let text = query.text.as_ref();
    match &query.source {
        GuestLogSource::Console(boot) => console(instance, name, *boot, text),
        GuestLogSource::Journal(filter) => journal(instance, name, filter, text),
        GuestLogSource::Syslog => syslog(instance, name, text),
    }
}

fn console(
    instance: &Instance,
    name: &VServerName,
    boot: Option<BootId>,
    text: Option<&SearchText>,
) -> Result<GuestLog, Failure> {
    let roots = &instance.settings.roots;
    if !roots.config_of(name).is_dir() {
        return Err(Failure::NoSuchVServer { name: name.clone() });
    }
    let boots = boots(&roots.consoles_of(name));
    let last = boots.first().map(|boot| boot.id);
    let boot = boot.or(last);
    // One that was removed while somebody looked at it is as if it had printed nothing.
    let bytes = match boot {
        Some(boot) => console_bytes(instance, name, boot)?.unwrap_or_default(),
        None => Vec::new(),
    };
    let (lines, is_cut) = lines_with(&bytes, text);
    let origin = boot.map(|boot| roots.console_log_of(name, boot).display().to_string());
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let end = last
        .filter(|last| boot == Some(*last))
        .map(|boot| ConsolePlace { boot, byte: whole as u64 });
    let rest = printable(bytes.get(whole..).unwrap_or_default());
    let is_begun = lines.last().is_some_and(|line| !rest.is_empty() && line.text == rest);
    Ok(GuestLog { boots, boot, origin, lines, is_cut, end, is_begun })
}

/// What is kept of a boot's console; none when nothing is.
fn console_bytes(
    instance: &Instance,
    name: &VServerName,
    boot: BootId,
) -> Result<Option<Vec<u8>>, Failure> {
    let Ok(file) = fs::File::open(instance.settings.roots.console_log_of(name, boot)) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(MAX_CONSOLE_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::Unexpected { detail: chain(&error) })?;
    Ok(Some(bytes))
}

/// The whole console of a boot as it is to be kept by somebody: printable; none when nothing of it is kept.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn console_text(
    instance: &Instance,
    name: &VServerName,
    boot: BootId,
) -> Result<Option<String>, Failure> {
    Ok(console_bytes(instance, name, boot)?.map(|bytes| printable(&bytes)))
}

/// The boots whose consoles are kept, the latest first.
pub(super) fn boots(directory: &Path) -> Vec<Boot> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut boots: Vec<Boot> = entries
        .filter_map(|entry| {
            let file = entry.file_name();
            let id = file.to_str()?.strip_suffix(".log")?.parse().ok()?;
            Some(Boot { id, bytes: entry.metadata().ok()?.len() })
        })
        .collect();
    boots.sort_by_key(|boot| std::cmp::Reverse(boot.id));
    boots
}

fn journal(
    instance: &Instance,
    name: &VServerName,
    filter: &JournalFilter,
    text: Option<&SearchText>,
) -> Result<GuestLog, Failure> {
    let state = running(instance, name)?;
    let _look = Look::begin()?;
    let words = filter.command();
    let said = super::run(
        instance,
        &state,
        &words,
        Hear::Everything,
        MAX_JOURNAL_BYTES,
        JOURNAL_PATIENCE,
    )?;
    if said.status != 0 {
        let detail = format!("{}: {}", said.status, said.last_line());
        return Err(Failure::ProgramFailed { program: "journalctl".to_owned(), detail });
    }
    let (lines, is_cut) = lines_with(&said.bytes, text);
    let origin = Some(domain::build::shell_line(&words));
    Ok(GuestLog { lines, is_cut: is_cut || said.is_cut, origin, ..GuestLog::default() })
}

fn syslog(
    instance: &Instance,
    name: &VServerName,
    text: Option<&SearchText>,
) -> Result<GuestLog, Failure> {
    let roots = &instance.settings.roots;
    if !roots.config_of(name).is_dir() {
        return Err(Failure::NoSuchVServer { name: name.clone() });
    }
    let Some(root) = config::root_directory_of(roots, name) else { return Ok(GuestLog::default()) };
    for path in FILES {
        let Ok(mut file) = tree::open_file_in(&root, path) else { continue };
        let length = file.metadata().map_or(0, |data| data.len());
        let from = length.saturating_sub(MAX_FILE_BYTES);
        let mut bytes = Vec::new();
        let read = file
            .seek(SeekFrom::Start(from))
            .and_then(|_| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
        read.map_err(|error| Failure::Unexpected { detail: chain(&error) })?;
        if from > 0 {
            // What is left of a line tells nothing.
            let end = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            bytes.drain(..end);
        }
        let (lines, is_cut) = lines_with(&bytes, text);
        let origin = Some(format!("/{path}"));
        return Ok(GuestLog { lines, is_cut: is_cut || from > 0, origin, ..GuestLog::default() });
    }
    Ok(GuestLog::default())
}
