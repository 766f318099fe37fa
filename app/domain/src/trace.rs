//! The steps of a start and a stop, as they are taken: what `vserver --debug NAME start` shows, and the log of
//! the operation (fact sheet 4.1, 4.2).
//!
//! A step is said when it is taken, not before: the last one said of a start that failed is the last one
//! that was done. The words are `app::i18n`'s.

use serde::{Deserialize, Serialize};

use crate::hook::Hook;
use crate::id::ContextId;
use crate::init::InitStyle;

/// One step. Paths, names and commands are as they are to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceStep {
    /// The config directory.
    ConfigDirectory {
        /// Where it is.
        path: String,
    },
    /// A program of a hook is run on the host.
    Hook {
        /// When.
        hook: Hook,
        /// Which, from the directory of config trees on.
        file: String,
    },
    /// The config tree was read.
    ConfigRead {
        /// Its init style.
        style: InitStyle,
        /// Where its files are.
        root: String,
    },
    /// What is about to be applied was written down.
    Recorded {
        /// Its context number.
        context: ContextId,
        /// Its first user id on the host.
        first_host_id: u32,
    },
    /// Its cgroups were made.
    Cgroups {
        /// Where.
        directories: Vec<String>,
    },
    /// Its limits were written there.
    Limits,
    /// Its first process waits in namespaces of its own.
    Namespaces {
        /// Its pid on the host.
        pid: u32,
    },
    /// A network device was made for it.
    Link {
        /// What it is called on the host.
        device: String,
        /// The addresses it leads to.
        addresses: Vec<String>,
    },
    /// A line of its fstab was mounted.
    Mounted {
        /// The line, from 1.
        line: usize,
        /// Where, as seen from inside.
        target: String,
    },
    /// A command of `apps/init` is run on the host.
    HostCommand {
        /// The file that names it.
        file: String,
        /// It.
        command: String,
    },
    /// Its host name was set.
    HostName {
        /// To this.
        host_name: String,
    },
    /// How its processes are served was set.
    Served {
        /// Its niceness.
        nice: i32,
    },
    /// It gave up capabilities, and the host's files.
    Confined {
        /// What it keeps; bit number = capability number.
        capabilities: u64,
    },
    /// Its files were prepared as its style wants it.
    Prepared {
        /// The style.
        style: InitStyle,
    },
    /// Its first program runs.
    Executed {
        /// Its pid on the host.
        pid: u32,
        /// It.
        command: String,
    },
    /// The start command is waited for.
    WaitsForStart,
    /// The start command has ended.
    StartCommandEnded {
        /// With this status; none when a signal ended it.
        status: Option<u8>,
    },
    /// Its run file was written.
    Published {
        /// Where.
        run_file: String,
    },
    /// The record of its start was read.
    RecordRead {
        /// Its context number.
        context: ContextId,
        /// Its init style then.
        style: InitStyle,
    },
    /// Its terminals were closed.
    TerminalsClosed,
    /// Its first process was told to end.
    ToldToEnd {
        /// Its pid on the host.
        pid: u32,
        /// By this signal.
        signal: i32,
        /// What it runs then; empty when that is its own affair.
        command: String,
        /// How long it has for that, in seconds.
        seconds: u32,
    },
    /// All that runs of it got a signal of the kill sequence.
    Signalled {
        /// Which.
        signal: u8,
        /// How long is waited then, in seconds.
        seconds: u32,
    },
    /// None of its processes is left.
    Ended,
    /// A network device of its was removed.
    LinkRemoved {
        /// What it was called on the host.
        device: String,
    },
    /// Its cgroups were removed.
    CgroupsRemoved,
    /// The record of its start and its run file were removed.
    RecordRemoved,
}
