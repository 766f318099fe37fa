//! English: the steps of a start and a stop.

use domain::trace::TraceStep;

/// One line.
pub(in crate::i18n) fn trace(step: &TraceStep) -> String {
    match step {
        TraceStep::ConfigDirectory { path } => format!("→ Configuration: {path}"),
        TraceStep::Hook { hook, file } => format!("→ Runs {file} on the host ({hook})"),
        TraceStep::ConfigRead { style, root } => {
            format!("→ Configuration read: init style {style}, files in {root}")
        }
        TraceStep::Recorded { context, first_host_id } => format!(
            "→ Context {context}; its user 0 is user {first_host_id} of the host. Written down for the stop"
        ),
        TraceStep::Cgroups { directories } => format!("→ Cgroups made: {}", directories.join(" ")),
        TraceStep::Limits => "→ Limits written to the cgroups".into(),
        TraceStep::Namespaces { pid } => format!(
            "→ First process {pid} made, in namespaces of its own (users, processes, mounts, host name, IPC, network)"
        ),
        TraceStep::Link { device, addresses } => {
            format!("→ Network device {device} made for {}", addresses.join(", "))
        }
        TraceStep::Mounted { line, target } => format!("→ fstab, line {line}: {target} mounted"),
        TraceStep::HostCommand { file, command } => {
            format!("→ Runs on the host ({file}): {command}")
        }
        TraceStep::HostName { host_name } => format!("→ Host name set: {host_name}"),
        TraceStep::Served { nice } => {
            format!("→ nice {nice}, disk priority, personality and limits of processes set")
        }
        TraceStep::Confined { capabilities } => format!(
            "→ The host’s files left; capabilities kept: {capabilities:#x}; system calls filtered"
        ),
        TraceStep::Prepared { style } => format!("→ Files prepared for init style {style}"),
        TraceStep::Executed { pid, command } => {
            format!("→ Started, pid {pid} of the host: {command}")
        }
        TraceStep::WaitsForStart => "→ Waits for the start command to end".into(),
        TraceStep::StartCommandEnded { status: Some(status) } => {
            format!("→ The start command has ended with status {status}")
        }
        TraceStep::StartCommandEnded { status: None } => {
            "→ The start command was ended by a signal".into()
        }
        TraceStep::Published { run_file } => format!("→ Run file written: {run_file}"),
        TraceStep::RecordRead { context, style } => {
            format!("→ By the record of its start: context {context}, init style {style}")
        }
        TraceStep::TerminalsClosed => "→ Its terminals closed".into(),
        TraceStep::ToldToEnd { pid, signal, command, seconds } if command.is_empty() => format!(
            "→ First process {pid} told to end by signal {signal}; it has {seconds} s for that"
        ),
        TraceStep::ToldToEnd { pid, signal, command, seconds } => format!(
            "→ First process {pid} told to end by signal {signal}; it runs {command} and has {seconds} s for that"
        ),
        TraceStep::Signalled { signal, seconds } => {
            format!("→ Signal {signal} to all its processes, then up to {seconds} s of waiting")
        }
        TraceStep::Ended => "→ None of its processes is left".into(),
        TraceStep::LinkRemoved { device } => format!("→ Network device {device} removed"),
        TraceStep::CgroupsRemoved => "→ Cgroups removed".into(),
        TraceStep::RecordRemoved => "→ Record of its start and run file removed".into(),
    }
}
