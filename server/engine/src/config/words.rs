//! Word lists of a config tree: capabilities, flags, kill sequences.

use domain::config_entry::{Expected, capability_number, signal_number};
use domain::note::Note;
use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::reader::Reader;

/// What `bcapabilities` adds to and takes from the secure set: bit masks, bit N for capability N.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CapabilityChanges {
    /// Those to add.
    pub added: u64,
    /// Those to take away.
    pub removed: u64,
}

/// One word of `cflags` or `flags`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// In lower case, without the prefix `vxf_`.
    pub name: String,
    /// False when it was written with `~` or `!`.
    pub on: bool,
}

/// One step of ending what still runs: a signal, then how long to wait for it to do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KillStep {
    /// The number of the signal.
    pub signal: u8,
    /// Seconds to wait after it.
    pub wait_seconds: u32,
}

/// How what still runs is ended when the config tree does not say (fact sheet 1.4).
pub(crate) fn default_kill_sequence() -> Vec<KillStep> {
    vec![KillStep { signal: 15, wait_seconds: 5 }, KillStep { signal: 9, wait_seconds: 0 }]
}

/// Splits list items further at commas and blanks, and takes `~` or `!` off as "not".
fn words(items: Vec<(usize, String)>) -> impl Iterator<Item = (usize, bool, String)> {
    items.into_iter().flat_map(|(line, item)| {
        item.split([',', ' ', '\t'])
            .filter(|word| !word.is_empty())
            .map(|word| match word.strip_prefix(['~', '!']) {
                Some(word) => (line, false, word.to_owned()),
                None => (line, true, word.to_owned()),
            })
            .collect::<Vec<_>>()
    })
}

/// Reads `bcapabilities`.
pub(super) fn capabilities(reader: &Reader, path: &str) -> Result<CapabilityChanges, ConfigError> {
    let mut changes = CapabilityChanges::default();
    for (line, on, word) in words(reader.list(path)?.unwrap_or_default()) {
        let number = capability_number(&word)
            .ok_or_else(|| reader.unexpected(path, line, Expected::Capability))?;
        let bit = 1_u64 << number;
        if on {
            changes.added |= bit;
            changes.removed &= !bit;
        } else {
            changes.removed |= bit;
            changes.added &= !bit;
        }
    }
    Ok(changes)
}

/// Flags that hold for every VServer here, or say nothing any more (fact sheet 3.2).
const GIVEN_FLAGS: [&str; 23] = [
    "default",
    "fakeinit",
    "hide_mount",
    "hide_netif",
    "hide_vinfo",
    "hideinfo",
    "info_hide",
    "info_init",
    "info_lock",
    "info_nproc",
    "info_nspace",
    "info_ulimit",
    "lock",
    "namespace",
    "nproc",
    "persistent",
    "reboot_kill",
    "sc_helper",
    "secure",
    "state_admin",
    "state_init",
    "state_setup",
    "ulimit",
];

/// Flags that are acted on.
const KEPT_FLAGS: [&str; 1] = ["sched_hard"];

/// Reads `cflags`, or `flags` where there is no `cflags` (fact sheet 1.1).
pub(super) fn flags(reader: &Reader, warnings: &mut Vec<Note>) -> Result<Vec<Flag>, ConfigError> {
    let (file, items) = match reader.list("cflags")? {
        Some(items) => ("cflags", items),
        None => ("flags", reader.list("flags")?.unwrap_or_default()),
    };
    if file == "cflags" && reader.exists("flags")? {
        let (file, by) = ("flags".to_owned(), "cflags".to_owned());
        warnings.push(Note::Overruled { file, by });
    }
    let flags: Vec<Flag> = words(items)
        .map(|(_, on, word)| {
            let lower = word.to_ascii_lowercase();
            let name = lower.strip_prefix("vxf_").unwrap_or(&lower).to_owned();
            Flag { name, on }
        })
        .collect();
    for flag in flags.iter().filter(|flag| flag.on) {
        let name = flag.name.as_str();
        if !GIVEN_FLAGS.contains(&name) && !KEPT_FLAGS.contains(&name) {
            let (file, word) = (file.to_owned(), name.to_owned());
            warnings.push(Note::WordWithoutEffect { file, word });
        }
    }
    Ok(flags)
}

/// Reads `killseq`: signal, seconds, signal, …, one a line or separated by blanks (B27).
pub(super) fn kill_sequence(reader: &Reader, path: &str) -> Result<Vec<KillStep>, ConfigError> {
    let Some(lines) = reader.list(path)? else { return Ok(default_kill_sequence()) };
    let mut words =
        lines.iter().flat_map(|(line, item)| item.split_whitespace().map(|word| (*line, word)));
    let mut steps = Vec::new();
    let mut last_line = 1;
    while let Some((line, word)) = words.next() {
        last_line = line;
        let wrong = |line| reader.unexpected(path, line, Expected::KillSequence);
        let signal = signal_number(word).ok_or_else(|| wrong(line))?;
        let wait_seconds = match words.next() {
            Some((line, word)) => {
                word.parse().ok().filter(|seconds| *seconds <= 86_400).ok_or_else(|| wrong(line))?
            }
            None => 0,
        };
        steps.push(KillStep { signal, wait_seconds });
    }
    match steps.last() {
        None => Ok(default_kill_sequence()),
        // Seconds at the end would be waited for with nothing after them.
        Some(step) if step.wait_seconds > 0 => {
            Err(reader.unexpected(path, last_line, Expected::KillSequence))
        }
        Some(_) => Ok(steps),
    }
}
