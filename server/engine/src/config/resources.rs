//! What a config tree says a VServer may use, and how its processes are served (fact sheet 1.1, 1.7):
//! `ulimits/`, `rlimits/`, `sched/` or `schedule`, `cpuset/`, `ionice/`, `personality`, `badness`.
//!
//! Whatever today's kernel cannot do of it is in the catalogue as without effect, and said at a start.

use domain::config_entry::{Expected, LimitValue, NumberList};
use domain::note::Note;
use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::reader::Reader;
use crate::limits::{CpuShare, Limits, Placement};

/// The resources of `ulimits/`.
const LIMITED: [Limited; 10] = [
    Limited::Core,
    Limited::Cpu,
    Limited::Data,
    Limited::Fsize,
    Limited::Locks,
    Limited::Memlock,
    Limited::Nofile,
    Limited::Nproc,
    Limited::Rss,
    Limited::Stack,
];

/// Types of `personality` that a kernel of today has, and their numbers.
const TYPES: [(&str, u32); 4] =
    [("linux", 0), ("linux_32bit", 0x0080_0000), ("linux32", 8), ("linux32_3gb", 0x0800_0008)];

/// Flags of `personality`, and their bits.
const PERSONALITY_FLAGS: [(&str, u32); 7] = [
    ("mmap_page_zero", 0x0010_0000),
    ("addr_limit_32bit", 0x0080_0000),
    ("short_inode", 0x0100_0000),
    ("whole_seconds", 0x0200_0000),
    ("sticky_timeouts", 0x0400_0000),
    ("addr_limit_3gb", 0x0800_0000),
    ("uname26", 0x0002_0000),
];

/// A limit of each process (`setrlimit(2)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named like the kernel's")]
pub enum Limited {
    Core,
    Cpu,
    Data,
    Fsize,
    Locks,
    Memlock,
    Nofile,
    Nproc,
    Rss,
    Stack,
    AddressSpace,
}

impl Limited {
    fn as_str(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Cpu => "cpu",
            Self::Data => "data",
            Self::Fsize => "fsize",
            Self::Locks => "locks",
            Self::Memlock => "memlock",
            Self::Nofile => "nofile",
            Self::Nproc => "nproc",
            Self::Rss => "rss",
            Self::Stack => "stack",
            Self::AddressSpace => "as",
        }
    }
}

/// What one limit of each process is to be; what is none stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessLimit {
    /// Of what.
    pub limited: Limited,
    /// The soft one; `u64::MAX` is none at all.
    pub soft: Option<u64>,
    /// The hard one; `u64::MAX` is none at all.
    pub hard: Option<u64>,
}

/// How a VServer's processes are served, beside their niceness.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessSettings {
    /// How early the kernel ends them when the host's memory is used up.
    pub badness: i32,
    /// Class and priority of their disk accesses.
    pub io_priority: Option<(u8, u8)>,
    /// Their execution domain; none leaves it alone.
    pub personality: Option<u32>,
    /// Limits of each.
    pub limits: Vec<ProcessLimit>,
}

fn integer(reader: &Reader, path: &str, min: i64, max: i64) -> Result<Option<i64>, ConfigError> {
    let judge = |text: &str| text.parse().ok().filter(|n| (min..=max).contains(n)).ok_or(());
    reader.parsed(path, judge, |()| Expected::Integer { min, max })
}

fn limit(reader: &Reader, path: &str) -> Result<Option<u64>, ConfigError> {
    let value = reader.parsed(path, str::parse::<LimitValue>, |()| Expected::Limit)?;
    Ok(value.map(|value| match value {
        LimitValue::Unlimited => u64::MAX,
        LimitValue::At(value) => value,
    }))
}

/// Reads how processes are served.
pub(super) fn process_settings(
    reader: &Reader,
    warnings: &mut Vec<Note>,
) -> Result<ProcessSettings, ConfigError> {
    let mut limits = Vec::new();
    for limited in LIMITED {
        let name = limited.as_str();
        let both = limit(reader, &format!("ulimits/{name}"))?;
        let hard = limit(reader, &format!("ulimits/{name}.hard"))?.or(both);
        let soft = limit(reader, &format!("ulimits/{name}.soft"))?.or(both);
        if soft.is_some() || hard.is_some() {
            limits.push(ProcessLimit { limited, soft, hard });
        }
    }
    // No kernel counts address space of many processes; each is kept to what all might have.
    if let Some(pages) = hard_limit(reader, "as")?.filter(|pages| *pages != u64::MAX) {
        let bytes = Some(pages.saturating_mul(page_bytes()));
        limits.push(ProcessLimit { limited: Limited::AddressSpace, soft: bytes, hard: bytes });
    }
    let small = |number: i64| u8::try_from(number).ok();
    let class = integer(reader, "ionice/class", 0, 3)?.and_then(small);
    let level = integer(reader, "ionice/priority", 0, 7)?.and_then(small);
    // A priority alone is one of class 2, best effort (fact sheet 1.1); classes 0 and 3 know none.
    let io_priority = match (class, level) {
        (None, None) => None,
        (Some(class @ (0 | 3)), _) => Some((class, 0)),
        (class, level) => Some((class.unwrap_or(2), level.unwrap_or(4))),
    };
    let badness = integer(reader, "badness", -1000, 1000)?;
    Ok(ProcessSettings {
        badness: badness.and_then(|badness| i32::try_from(badness).ok()).unwrap_or(0),
        io_priority,
        personality: personality(reader, warnings)?,
        limits,
    })
}

fn personality(reader: &Reader, warnings: &mut Vec<Note>) -> Result<Option<u32>, ConfigError> {
    let lines = reader.array("personality")?.unwrap_or_default();
    let mut words = lines.iter();
    let Some(kind) = words.next() else { return Ok(None) };
    let named = |table: &[(&str, u32)], word: &str| {
        let word = word.to_ascii_lowercase();
        let word = word.strip_prefix("per_").unwrap_or(&word).to_owned();
        table.iter().find(|(name, _)| *name == word).map(|(_, number)| *number)
    };
    let mut without_effect = |word: &str| {
        warnings.push(Note::WordWithoutEffect {
            file: "personality".to_owned(),
            word: word.to_owned(),
        });
    };
    let Some(mut personality) = named(&TYPES, kind) else {
        without_effect(kind);
        return Ok(None);
    };
    for flag in words {
        match named(&PERSONALITY_FLAGS, flag) {
            Some(bit) => personality |= bit,
            None => without_effect(flag),
        }
    }
    Ok(Some(personality))
}

/// `R.hard`, else `R` (fact sheet 1.7).
fn hard_limit(reader: &Reader, name: &str) -> Result<Option<u64>, ConfigError> {
    let hard = limit(reader, &format!("rlimits/{name}.hard"))?;
    Ok(hard.or(limit(reader, &format!("rlimits/{name}"))?))
}

fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

/// Reads what the VServer as a whole may use.
pub(super) fn limits(
    reader: &Reader,
    is_hard: bool,
    warnings: &mut Vec<Note>,
) -> Result<Limits, ConfigError> {
    let bytes = |pages: Option<u64>| {
        pages.filter(|pages| *pages != u64::MAX).map(|pages| pages.saturating_mul(page_bytes()))
    };
    let list =
        |path: &str| reader.parsed(path, str::parse::<NumberList>, |()| Expected::NumberList);
    Ok(Limits {
        placement: Placement { cpus: list("cpuset/cpus")?, mems: list("cpuset/mems")? },
        memory_bytes: bytes(hard_limit(reader, "rss")?),
        memory_and_swap_bytes: bytes(hard_limit(reader, "as")?),
        processes: hard_limit(reader, "nproc")?.filter(|processes| *processes != u64::MAX),
        cpu: cpu_share(reader, is_hard, warnings)?,
    })
}

/// `sched/fill-rate` and `sched/interval`, else the first two lines of `schedule`; the one that is
/// missing is what the original's kernel took. They count with the flag `sched_hard` alone.
fn cpu_share(
    reader: &Reader,
    is_hard: bool,
    warnings: &mut Vec<Note>,
) -> Result<Option<CpuShare>, ConfigError> {
    let rate = integer(reader, "sched/fill-rate", 0, i64::MAX)?;
    let interval = integer(reader, "sched/interval", 0, i64::MAX)?;
    let (file, share) = if reader.is_directory("sched")? {
        if reader.exists("schedule")? {
            let (file, by) = ("schedule".to_owned(), "sched".to_owned());
            warnings.push(Note::Overruled { file, by });
        }
        let is_said = rate.is_some() || interval.is_some();
        ("sched", is_said.then(|| (rate.unwrap_or(1), interval.unwrap_or(4))))
    } else {
        ("schedule", old_schedule(reader)?)
    };
    let share = share.and_then(|(rate, interval)| {
        let (rate, interval) = (u64::try_from(rate).ok()?, u64::try_from(interval).ok()?);
        (rate > 0 && interval > 0).then_some(CpuShare { rate, interval })
    });
    if share.is_some() && !is_hard {
        warnings.push(Note::NeedsFlag { file: file.to_owned(), flag: "sched_hard".to_owned() });
        return Ok(None);
    }
    Ok(share)
}

fn old_schedule(reader: &Reader) -> Result<Option<(i64, i64)>, ConfigError> {
    let Some(lines) = reader.array("schedule")? else { return Ok(None) };
    let numbers: Vec<i64> = lines.iter().filter_map(|line| line.parse().ok()).collect();
    match numbers.as_slice() {
        [rate, interval, _, _, _, _] if lines.len() == numbers.len() => {
            Ok(Some((*rate, *interval)))
        }
        _ => Err(reader.unexpected("schedule", 1, Expected::SixIntegers)),
    }
}
