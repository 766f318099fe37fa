//! How a VServer's processes are served, set for those that all others come of: disk priority, execution
//! domain, and limits, which hold from their program's first instruction on.

use std::io;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit};
use sys::priority::{IoPriority, set_io_priority, set_personality};

use crate::config::{Limited, ProcessLimit, ProcessSettings};

/// Sets the disk priority of a process, with the host's rights.
pub(crate) fn set_priority(pid: u32, settings: &ProcessSettings) -> io::Result<()> {
    match settings.io_priority {
        Some((class, level)) => set_io_priority(pid, IoPriority { class, level }),
        None => Ok(()),
    }
}

/// Sets the execution domain of this process and of those that come of it.
pub(crate) fn become_personality(settings: &ProcessSettings) -> io::Result<()> {
    settings.personality.map_or(Ok(()), set_personality)
}

/// Makes a command begin under its limits. Hard limits were raised before; here they are only lowered.
pub(crate) fn limit(command: &mut Command, limits: &[ProcessLimit]) {
    sys::session::limit(command, limits.iter().map(effective).collect());
}

fn effective(wanted: &ProcessLimit) -> (Resource, Rlimit) {
    let resource = match wanted.limited {
        Limited::Core => Resource::Core,
        Limited::Cpu => Resource::Cpu,
        Limited::Data => Resource::Data,
        Limited::Fsize => Resource::Fsize,
        Limited::Locks => Resource::Locks,
        Limited::Memlock => Resource::Memlock,
        Limited::Nofile => Resource::Nofile,
        Limited::Nproc => Resource::Nproc,
        Limited::Rss => Resource::Rss,
        Limited::Stack => Resource::Stack,
        Limited::AddressSpace => Resource::As,
    };
    let now = getrlimit(resource);
    let most = now.maximum.unwrap_or(u64::MAX);
    let hard = wanted.hard.unwrap_or(most).min(most);
    // The soft one is never above the hard one (fact sheet 1.7).
    let soft = wanted.soft.or(now.current).unwrap_or(u64::MAX).min(hard);
    let limit = |value: u64| Some(value).filter(|value| *value != u64::MAX);
    (resource, Rlimit { current: limit(soft), maximum: limit(hard) })
}
