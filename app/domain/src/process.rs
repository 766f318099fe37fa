//! Processes of VServers as they are seen, and signals that are sent to them.
//!
//! A process is named by its pid *and* its start time, so that a name of one that has ended is never one of
//! another. What it says of itself (its command line, its user's name) is a stranger's text: bounded, and
//! without control characters, by whoever makes a [`Process`].

use core::fmt;
use core::str::FromStr;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::field::Problem;
use crate::id::VServerName;
use crate::time::UnixMillis;

/// The most bytes of a command line that are kept.
pub const COMMAND_BYTES: usize = 512;

/// The most processes in one list; a list says how many more there were. With command lines as long as they
/// can be it still fits into one reply of the engine's.
pub const MOST_PROCESSES: usize = 10_000;

/// A process of the host's, told apart from a later one with the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessKey {
    /// Its pid on the host.
    pub pid: u32,
    /// When it was started, in clock ticks since the host booted.
    pub start_ticks: u64,
}

impl fmt::Display for ProcessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.pid, self.start_ticks)
    }
}

impl FromStr for ProcessKey {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let parsed = text.split_once('-').and_then(|(pid, start_ticks)| {
            Some(Self { pid: pid.parse().ok()?, start_ticks: start_ticks.parse().ok()? })
        });
        parsed.filter(|key| key.pid > 0).ok_or(Problem::NotAnId)
    }
}

/// One process of a VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// In which VServer it is.
    pub vserver: VServerName,
    /// Which it is.
    pub key: ProcessKey,
    /// Its pid inside; none when it is not seen there.
    pub inside: Option<u32>,
    /// Its parent's pid on the host.
    pub parent: u32,
    /// Its user as the VServer numbers them; on the host's own terms when it is none of the VServer's.
    pub uid: u32,
    /// What the VServer's own `/etc/passwd` calls that user.
    pub user: Option<String>,
    /// What it does, as `ps` writes it: `R`, `S`, `D`, `T`, `Z`, …
    pub state: char,
    /// Its niceness.
    pub nice: i32,
    /// CPU time that it has used itself, in milliseconds.
    pub cpu_ms: u64,
    /// When it was started.
    pub started_at: UnixMillis,
    /// Bytes of it that are in memory.
    pub rss_bytes: u64,
    /// Bytes of its address space.
    pub vsz_bytes: u64,
    /// Its threads.
    pub threads: u32,
    /// Its command line, or its name in brackets when it has none.
    pub command: String,
}

/// The processes of one VServer or of all, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessList {
    /// When.
    pub at: UnixMillis,
    /// Sorted by VServer, then pid.
    pub processes: Vec<Process>,
    /// How many more there were than a list holds.
    pub left_out: u32,
}

/// The part of one processor that each process used between two lists, in thousandths; those that were in
/// both.
pub type CpuRates = HashMap<ProcessKey, u32>;

/// A list, and what each of its processes used since one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuredProcesses {
    /// The processes.
    pub list: ProcessList,
    /// What they used; nothing of those that were not in the list before.
    pub rates: CpuRates,
}

/// What each process used between two lists; none when they are too near each other, or the first is not
/// before the second.
#[must_use]
pub fn cpu_rates(before: &ProcessList, now: &ProcessList) -> Option<CpuRates> {
    /// Ticks are 10 ms: in less time than this a rate says nothing.
    const SHORTEST_MS: u64 = 200;
    let elapsed_ms = now.at.millis_since(before.at);
    if elapsed_ms < SHORTEST_MS {
        return None;
    }
    let before: HashMap<ProcessKey, u64> =
        before.processes.iter().map(|process| (process.key, process.cpu_ms)).collect();
    let rates = now.processes.iter().filter_map(|process| {
        let used_ms = process.cpu_ms.saturating_sub(*before.get(&process.key)?);
        let permille = used_ms.saturating_mul(1000) / elapsed_ms;
        Some((process.key, u32::try_from(permille).unwrap_or(u32::MAX)))
    });
    Some(rates.collect())
}

/// A signal: what it is called, and its number on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Signal(u8);

/// Signals by name. Numbers are those of Linux on the architectures Debian has kept but for mips.
const NAMES: [(&str, u8); 32] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("IOT", 6),
];

/// The first and the last signal without a meaning of its own, as the C library has them.
const REAL_TIME: (u8, u8) = (34, 64);

impl Signal {
    /// Asks a process to end.
    pub const TERM: Self = Self(15);
    /// Ends it.
    pub const KILL: Self = Self(9);

    /// Those that a page offers, the usual one first.
    pub const OFFERED: [Self; 11] = [
        Self::TERM,
        Self::KILL,
        Self(1),  // HUP
        Self(2),  // INT
        Self(3),  // QUIT
        Self(10), // USR1
        Self(12), // USR2
        Self(14), // ALRM
        Self(28), // WINCH
        Self(19), // STOP
        Self(18), // CONT
    ];

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.pad(name),
            None if self.0 == REAL_TIME.0 => f.pad("RTMIN"),
            None if self.0 > REAL_TIME.0 => f.pad(&format!("RTMIN+{}", self.0 - REAL_TIME.0)),
            None => f.pad(&self.0.to_string()),
        }
    }
}

impl FromStr for Signal {
    type Err = Problem;

    /// A name with or without `SIG`, or a number.
    fn from_str(text: &str) -> Result<Self, Problem> {
        if let Ok(number) = text.parse::<u8>() {
            return number.try_into();
        }
        let name = text.strip_prefix("SIG").unwrap_or(text);
        if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
            return Ok(Self(*number));
        }
        let (first, last) = REAL_TIME;
        let number = match name {
            "RTMIN" => Some(first),
            "RTMAX" => Some(last),
            _ => match (name.strip_prefix("RTMIN+"), name.strip_prefix("RTMAX-")) {
                (Some(more), _) => more.parse::<u8>().ok().and_then(|more| first.checked_add(more)),
                (_, Some(less)) => less.parse::<u8>().ok().and_then(|less| last.checked_sub(less)),
                _ => None,
            },
        };
        number
            .filter(|number| (first..=last).contains(number))
            .map(Self)
            .ok_or_else(|| Problem::UnknownSignal { text: text.to_owned() })
    }
}

impl TryFrom<u8> for Signal {
    type Error = Problem;
    fn try_from(number: u8) -> Result<Self, Problem> {
        // 32 and 33 are the C library's own.
        let is_one = (1..=31).contains(&number) || (REAL_TIME.0..=REAL_TIME.1).contains(&number);
        if is_one {
            Ok(Self(number))
        } else {
            Err(Problem::UnknownSignal { text: number.to_string() })
        }
    }
}

impl From<Signal> for u8 {
    fn from(signal: Signal) -> Self {
        signal.0
    }
}

/// Who gets a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// One process.
    Process(ProcessKey),
    /// Every process of the VServer.
    Everyone,
}

/// A signal that is to be sent into a VServer, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalOrder {
    /// Into which VServer.
    pub vserver: VServerName,
    /// Which signal.
    pub signal: Signal,
    /// To whom.
    pub to: Recipient,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, cpu_ms: u64) -> Process {
        Process {
            vserver: "web".parse().unwrap(),
            key: ProcessKey { pid, start_ticks: 7 },
            inside: Some(1),
            parent: 1,
            uid: 0,
            user: None,
            state: 'S',
            nice: 0,
            cpu_ms,
            started_at: UnixMillis(0),
            rss_bytes: 0,
            vsz_bytes: 0,
            threads: 1,
            command: "sh".to_owned(),
        }
    }

    #[test]
    fn a_rate_is_of_one_processor_between_two_lists() {
        let list = |at: i64, processes: Vec<Process>| ProcessList {
            at: UnixMillis(at),
            processes,
            left_out: 0,
        };
        let before = list(1000, vec![process(2, 100), process(3, 0)]);
        let now = list(3000, vec![process(2, 1100), process(3, 4000), process(4, 9)]);
        let rates = cpu_rates(&before, &now).unwrap();
        let of = |pid| rates.get(&ProcessKey { pid, start_ticks: 7 }).copied();
        assert_eq!((of(2), of(3), of(4)), (Some(500), Some(2000), None));
        assert_eq!(cpu_rates(&now, &before), None, "time went backwards");
        assert_eq!(cpu_rates(&before, &list(1100, Vec::new())), None, "too soon");
    }

    #[test]
    fn signals_by_name_and_number() {
        for (text, number, shown) in [
            ("TERM", 15, "TERM"),
            ("SIGTERM", 15, "TERM"),
            ("9", 9, "KILL"),
            ("BUS", 7, "BUS"),
            ("URG", 23, "URG"),
            ("IOT", 6, "ABRT"),
            ("SIGRTMIN+3", 37, "RTMIN+3"),
            ("RTMAX", 64, "RTMIN+30"),
            ("RTMAX-30", 34, "RTMIN"),
        ] {
            let signal: Signal = text.parse().unwrap();
            assert_eq!((signal.number(), signal.to_string().as_str()), (number, shown), "{text}");
        }
        for text in ["", "term", "SIG", "0", "32", "65", "-9", "RTMIN+31", "RTMAX-31", "RTMIN-1"] {
            let problem = text.parse::<Signal>().unwrap_err();
            assert!(matches!(problem, Problem::UnknownSignal { .. }), "{text}");
        }
        for signal in Signal::OFFERED {
            assert_eq!(signal.to_string().parse(), Ok(signal));
        }
    }

    #[test]
    fn a_key_is_written_as_it_is_read() {
        let key = ProcessKey { pid: 7, start_ticks: 99 };
        assert_eq!(key.to_string().parse(), Ok(key));
        for text in ["", "7", "0-1", "a-b", "7-", "-7-1", "7-1-1"] {
            assert_eq!(text.parse::<ProcessKey>(), Err(Problem::NotAnId), "{text}");
        }
    }
}
