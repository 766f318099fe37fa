//! What a guest printed on its console, boot by boot, and what it logs: its journal, or its own files.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

use domain::failure::{Failure, chain};
use domain::guest_log::{
    Boot, BootId, GuestLog, GuestLogQuery, GuestLogSource, JournalFilter, SearchText, lines_with,
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
    // One that was removed while somebody looked at it is as if it had printed nothing.
    let boot = boot.or_else(|| boots.first().map(|boot| boot.id));
    let mut bytes = Vec::new();
    if let Some(file) = boot.and_then(|boot| fs::File::open(roots.console_log_of(name, boot)).ok())
    {
        file.take(MAX_CONSOLE_BYTES)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::Unexpected { detail: chain(&error) })?;
    }
    let (lines, is_cut) = lines_with(&bytes, text);
    let origin = boot.map(|boot| roots.console_log_of(name, boot).display().to_string());
    Ok(GuestLog { boots, boot, origin, lines, is_cut })
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
