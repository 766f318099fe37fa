//! The steps of a start and a stop, as they are taken: what `vserver --debug NAME start` shows, and the log of
//! the operation (fact sheet 4.1, 4.2).
//!
//! A step is said when it is taken, not before: the last one said of a start that failed is the last one
//! that was done. The words are `app::i18n`'s. What crosses to them is a [`StepKind`] and what it names: a
//! browser understands that with a fraction of the code that the steps themselves would take.

use serde::{Deserialize, Serialize};

use crate::hook::Hook;
use crate::id::ContextId;
use crate::init::InitStyle;

/// One step. Paths, names and commands are as they are to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        /// The names of those that it keeps.
        capabilities: String,
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

impl TraceStep {
    /// What crosses to those who word it: what it is, and what it names.
    #[must_use]
    pub fn named(&self) -> (StepKind, Vec<String>) {
        match self {
            Self::ConfigDirectory { path } => (StepKind::ConfigDirectory, vec![path.clone()]),
            Self::Hook { hook, file } => (StepKind::Hook, vec![hook.to_string(), file.clone()]),
            Self::ConfigRead { style, root } => {
                (StepKind::ConfigRead, vec![style.to_string(), root.clone()])
            }
            Self::Recorded { context, first_host_id } => {
                (StepKind::Recorded, vec![context.to_string(), first_host_id.to_string()])
            }
            Self::Cgroups { directories } => (StepKind::Cgroups, vec![directories.join(" ")]),
            Self::Limits => (StepKind::Limits, vec![]),
            Self::Namespaces { pid } => (StepKind::Namespaces, vec![pid.to_string()]),
            Self::Link { device, addresses } => {
                (StepKind::Link, vec![device.clone(), addresses.join(" ")])
            }
            Self::Mounted { line, target } => {
                (StepKind::Mounted, vec![line.to_string(), target.clone()])
            }
            Self::HostCommand { file, command } => {
                (StepKind::HostCommand, vec![file.clone(), command.clone()])
            }
            Self::HostName { host_name } => (StepKind::HostName, vec![host_name.clone()]),
            Self::Served { nice } => (StepKind::Served, vec![nice.to_string()]),
            Self::Confined { capabilities } => (StepKind::Confined, vec![capabilities.clone()]),
            Self::Prepared { style } => (StepKind::Prepared, vec![style.to_string()]),
            Self::Executed { pid, command } => {
                (StepKind::Executed, vec![pid.to_string(), command.clone()])
            }
            Self::WaitsForStart => (StepKind::WaitsForStart, vec![]),
            Self::StartCommandEnded { status: Some(status) } => {
                (StepKind::StartCommandEnded, vec![status.to_string()])
            }
            Self::StartCommandEnded { status: None } => (StepKind::StartCommandKilled, vec![]),
            Self::Published { run_file } => (StepKind::Published, vec![run_file.clone()]),
            Self::RecordRead { context, style } => {
                (StepKind::RecordRead, vec![context.to_string(), style.to_string()])
            }
            Self::TerminalsClosed => (StepKind::TerminalsClosed, vec![]),
            Self::ToldToEnd { pid, signal, command, seconds } if command.is_empty() => (
                StepKind::ToldToEnd,
                vec![pid.to_string(), signal.to_string(), seconds.to_string()],
            ),
            Self::ToldToEnd { pid, signal, command, seconds } => (
                StepKind::ToldToRun,
                vec![pid.to_string(), signal.to_string(), command.clone(), seconds.to_string()],
            ),
            Self::Signalled { signal, seconds } => {
                (StepKind::Signalled, vec![signal.to_string(), seconds.to_string()])
            }
            Self::Ended => (StepKind::Ended, vec![]),
            Self::LinkRemoved { device } => (StepKind::LinkRemoved, vec![device.clone()]),
            Self::CgroupsRemoved => (StepKind::CgroupsRemoved, vec![]),
            Self::RecordRemoved => (StepKind::RecordRemoved, vec![]),
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $count:literal;)+) => {
        /// What a step is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum StepKind {
            $($(#[$doc])* $name,)+
        }

        impl StepKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// How many things it names.
            #[must_use]
            pub fn names(self) -> usize {
                match self { $(Self::$name => $count,)+ }
            }
        }
    };
}

kinds! {
    /// The config directory.
    ConfigDirectory: 1;
    /// A program of a hook is run on the host.
    Hook: 2;
    /// The config tree was read.
    ConfigRead: 2;
    /// What is about to be applied was written down.
    Recorded: 2;
    /// Its cgroups were made.
    Cgroups: 1;
    /// Its limits were written there.
    Limits: 0;
    /// Its first process waits in namespaces of its own.
    Namespaces: 1;
    /// A network device was made for it.
    Link: 2;
    /// A line of its fstab was mounted.
    Mounted: 2;
    /// A command of `apps/init` is run on the host.
    HostCommand: 2;
    /// Its host name was set.
    HostName: 1;
    /// How its processes are served was set.
    Served: 1;
    /// It gave up capabilities, and the host's files.
    Confined: 1;
    /// Its files were prepared as its style wants it.
    Prepared: 1;
    /// Its first program runs.
    Executed: 2;
    /// The start command is waited for.
    WaitsForStart: 0;
    /// The start command has ended.
    StartCommandEnded: 1;
    /// A signal ended the start command.
    StartCommandKilled: 0;
    /// Its run file was written.
    Published: 1;
    /// The record of its start was read.
    RecordRead: 2;
    /// Its terminals were closed.
    TerminalsClosed: 0;
    /// Its first process was told to end.
    ToldToEnd: 3;
    /// Ulysse's own first process was told to end.
    ToldToRun: 4;
    /// All that runs of it got a signal of the kill sequence.
    Signalled: 2;
    /// None of its processes is left.
    Ended: 0;
    /// A network device of its was removed.
    LinkRemoved: 1;
    /// Its cgroups were removed.
    CgroupsRemoved: 0;
    /// The record of its start and its run file were removed.
    RecordRemoved: 0;
}
