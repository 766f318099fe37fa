//! The life of a guest, as its supervisor and whoever stops it write it down: one [`LifeRecord`] for each thing
//! that happened, typed. The words for people are `app`'s.
//!
//! Not here: where records are kept (`engine::life`).

use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::field::Problem;
use crate::id::ContextId;
use crate::time::UnixMillis;

/// What a supervisor says when pid 1 has ended or memory was used up, and what `apps/vshelper` is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestEvent {
    /// `reboot -f` inside.
    Restart,
    /// `halt` or `poweroff` inside: the kernel does not say which.
    Halt,
    /// Pid 1 ended in another way.
    Exit,
    /// The kernel ended processes because memory was used up; the guest goes on.
    Oom,
    /// Its first program runs.
    Startup,
}

impl GuestEvent {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Restart, Self::Halt, Self::Exit, Self::Oom, Self::Startup];

    /// Whether the guest has ended with it.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Restart | Self::Halt | Self::Exit)
    }

    /// The word that a supervisor says.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Halt => "halt",
            Self::Exit => "exit",
            Self::Oom => "oom",
            Self::Startup => "startup",
        }
    }

    /// What the original's helper was called with, the likeliest first: programs are named by it (fact sheet
    /// 1.5, 4.3). Where two cannot be told apart both are looked for.
    #[must_use]
    pub fn vshelper_events(self) -> &'static [&'static str] {
        match self {
            Self::Restart => &["restart"],
            Self::Halt => &["halt", "poweroff"],
            Self::Exit => &["shutdown"],
            Self::Oom => &["oom"],
            Self::Startup => &["startup"],
        }
    }

    /// The command of reboot(2) that means it, as the original's kernel had it in `VS_CMD`.
    #[must_use]
    pub fn reboot_command(self) -> Option<&'static str> {
        match self {
            Self::Restart => Some("01234567"),
            Self::Halt => Some("cdef0123"),
            Self::Exit | Self::Oom | Self::Startup => None,
        }
    }
}

impl FromStr for GuestEvent {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|event| event.as_str() == text).ok_or_else(|| {
            Problem::NotAChoice { choices: Self::ALL.map(|event| event.as_str().to_owned()).into() }
        })
    }
}

/// What is done when a guest has ended of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VshelperAction {
    /// It is started again.
    Restart,
    /// It stays stopped, and what was made for it is taken away.
    Stop,
    /// The same, because `disabled` says that nothing follows.
    Disabled,
    /// The same, and then this program of the administrator's is run: its file, from the directory of config
    /// trees on.
    Program(String),
}

/// A process that the kernel ended because memory was used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KilledProcess {
    /// What it called itself; printable.
    pub name: String,
    /// Its pid on the host.
    pub pid: u32,
    /// Whose it was, inside.
    pub uid: Option<u32>,
}

/// Something that happened to a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// Its first program runs.
    Started {
        /// With which context number.
        context: ContextId,
    },
    /// `reboot` inside.
    Rebooted,
    /// `halt` or `poweroff` inside.
    Halted,
    /// It ended because it was told to, however pid 1 does that.
    Ended,
    /// Pid 1 ended.
    Exited {
        /// With this status.
        status: u8,
    },
    /// Pid 1 was ended.
    Killed {
        /// By this signal.
        signal: i32,
    },
    /// The kernel ended processes because memory was used up.
    OutOfMemory {
        /// How many.
        count: u64,
        /// Those that its log names.
        #[serde(default)]
        killed: Vec<KilledProcess>,
    },
    /// More was printed on the console than is kept: the beginning of this boot goes.
    ConsoleFull,
    /// Somebody stops it: pid 1 is told to end.
    StopAsked,
    /// It did not end in time, and its processes get this signal.
    KillSequence {
        /// Which.
        signal: u8,
    },
    /// What follows its end.
    Vshelper {
        /// How it ended.
        event: GuestEvent,
        /// What is done.
        action: VshelperAction,
    },
    /// The program that was run has ended well.
    VshelperDone,
    /// What should have followed did not, or ended badly.
    VshelperFailed {
        /// Why.
        failure: Box<Failure>,
    },
}

/// When what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifeRecord {
    /// When.
    pub at: UnixMillis,
    /// What.
    pub what: Life,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_events_are_read_back() {
        for event in GuestEvent::ALL {
            assert_eq!(event.as_str().parse(), Ok(event));
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
        assert!("reboot".parse::<GuestEvent>().is_err());
    }
}
