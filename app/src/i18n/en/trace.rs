//! English: the steps of a start and a stop.

use domain::trace::StepKind;

/// One line; `{0}` is where the first thing stands that the step names, and so on.
pub(in crate::i18n) fn step(kind: StepKind) -> &'static str {
    match kind {
        StepKind::ConfigDirectory => "→ Configuration: {0}",
        StepKind::Hook => "→ Runs {1} on the host ({0})",
        StepKind::ConfigRead => "→ Configuration read: init style {0}, files in {1}",
        StepKind::Recorded => {
            "→ Context {0}; its user 0 is user {1} of the host. Written down for the stop"
        }
        StepKind::Cgroups => "→ Cgroups made: {0}",
        StepKind::Limits => "→ Limits written to the cgroups",
        StepKind::Namespaces => {
            "→ First process {0} made, in namespaces of its own (users, processes, mounts, host name, IPC, network)"
        }
        StepKind::Link => "→ Network device {0} made for {1}",
        StepKind::Mounted => "→ fstab, line {0}: {1} mounted",
        StepKind::HostCommand => "→ Runs on the host ({0}): {1}",
        StepKind::HostName => "→ Host name set: {0}",
        StepKind::Served => "→ nice {0}, disk priority, personality and limits of processes set",
        StepKind::Confined => {
            "→ The host’s files left; capabilities kept: {0}; system calls filtered"
        }
        StepKind::Prepared => "→ Files prepared for init style {0}",
        StepKind::Executed => "→ Started, pid {0} of the host: {1}",
        StepKind::WaitsForStart => "→ Waits for the start command to end",
        StepKind::StartCommandEnded => "→ The start command has ended with status {0}",
        StepKind::StartCommandKilled => "→ The start command was ended by a signal",
        StepKind::Published => "→ Run file written: {0}",
        StepKind::RecordRead => "→ By the record of its start: context {0}, init style {1}",
        StepKind::TerminalsClosed => "→ Its terminals closed",
        StepKind::ToldToEnd => {
            "→ First process {0} told to end by signal {1}; it has {2} s for that"
        }
        StepKind::ToldToRun => {
            "→ First process {0} told to end by signal {1}; it runs {2} and has {3} s for that"
        }
        StepKind::Signalled => "→ Signal {0} to all its processes, then up to {1} s of waiting",
        StepKind::Ended => "→ None of its processes is left",
        StepKind::LinkRemoved => "→ Network device {0} removed",
        StepKind::CgroupsRemoved => "→ Cgroups removed",
        StepKind::RecordRemoved => "→ Record of its start and run file removed",
    }
}
