//! What running VServers and the host use now.
//!
//! One pass over `/proc` for all of them together: each process is read once and added to the
//! VServer whose cgroup it is in, or to the host. CPU time of a VServer comes from its cgroup where
//! that counts it (ended processes included), else from its processes and the children they have
//! reaped. Nothing here waits, locks or writes.
//!
//! Not here: histories and charts (the web process keeps them), limits.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use domain::id::VServerName;
use domain::vserver::Usage;
use rustix::fs::{Dir, Mode, OFlags, open, openat};
use rustix::io::Errno;

use crate::network;
use crate::roots::Roots;
use crate::state::{GuestState, StateError};

/// Why usage could not be read.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// `/proc` itself could not be read.
    #[error("reading /proc")]
    Proc(#[source] io::Error),
    /// The records of running VServers could not be listed.
    #[error("listing the running VServers")]
    State(#[from] StateError),
}

/// What is wanted beyond processes and CPU time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Nothing: the columns of `vserver-stat`.
    Processes,
    /// Memory charged to cgroups, and network counters.
    Everything,
}

/// The usage of everything at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The host: every process that is in no VServer.
    pub host: Usage,
    /// Each running VServer, sorted by context.
    pub guests: Vec<(GuestState, Usage)>,
}

impl Snapshot {
    /// The usage of one VServer; none when it does not run.
    #[must_use]
    pub fn of(&self, name: &VServerName) -> Option<Usage> {
        self.guests.iter().find(|(state, _)| state.name == *name).map(|(_, usage)| *usage)
    }
}

/// Reads the usage of the host and of all running VServers.
///
/// # Errors
/// When `/proc` or the directory of records cannot be read.
pub fn snapshot(roots: &Roots, want: Want) -> Result<Snapshot, UsageError> {
    let states: Vec<GuestState> =
        GuestState::all(roots)?.into_iter().filter(GuestState::is_running).collect();
    let by_name: HashMap<&str, usize> =
        states.iter().enumerate().map(|(index, state)| (state.name.as_str(), index)).collect();
    let mut sums = vec![Sum::default(); states.len()];
    let mut host = Sum::default();
    each_process(&roots.cgroup_root, |process, group| {
        let index = group.and_then(|name| by_name.get(name));
        let sum = index.and_then(|index| sums.get_mut(*index)).unwrap_or(&mut host);
        sum.add(process);
    })
    .map_err(UsageError::Proc)?;
    let uptime_ms = host_uptime_ms().map_err(UsageError::Proc)?;
    let counters = match want {
        Want::Processes => None,
        Want::Everything => network::counters()
            .inspect_err(|error| tracing::warn!(%error, "no network counters"))
            .ok(),
    };
    let guests = states
        .into_iter()
        .zip(sums)
        .map(|(state, sum)| {
            let mut usage = sum.usage(uptime_ms);
            if let Some((user_ms, system_ms)) = cpu_of(&state.cgroups) {
                (usage.user_ms, usage.system_ms) = (user_ms, system_ms);
            }
            if want == Want::Everything {
                usage.memory_bytes = memory_of(&state.cgroups).unwrap_or(usage.rss_bytes);
            }
            if let Some(counters) = &counters {
                (usage.received_bytes, usage.sent_bytes) = counters.of(&state.network);
            }
            (state, usage)
        })
        .collect();
    let mut host = host.usage(uptime_ms);
    if want == Want::Everything {
        host.memory_bytes = host_memory_bytes().unwrap_or(host.rss_bytes);
        (host.received_bytes, host.sent_bytes) = host_traffic();
    }
    Ok(Snapshot { host, guests })
}

/// What one line of `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Process {
    user_ticks: u64,
    system_ticks: u64,
    start_ticks: u64,
    vsz_bytes: u64,
    rss_pages: u64,
}

/// Processes added up.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    processes: u32,
    user_ticks: u64,
    system_ticks: u64,
    vsz_bytes: u64,
    rss_pages: u64,
    oldest_ticks: Option<u64>,
}

impl Sum {
    fn add(&mut self, process: Process) {
        self.processes += 1;
        self.user_ticks += process.user_ticks;
        self.system_ticks += process.system_ticks;
        self.vsz_bytes += process.vsz_bytes;
        self.rss_pages += process.rss_pages;
        let oldest = self.oldest_ticks.unwrap_or(u64::MAX);
        self.oldest_ticks = Some(oldest.min(process.start_ticks));
    }

    fn usage(self, host_uptime_ms: u64) -> Usage {
        let since_boot_ms = self.oldest_ticks.map_or(host_uptime_ms, ticks_to_ms);
        Usage {
            processes: self.processes,
            vsz_bytes: self.vsz_bytes,
            rss_bytes: self.rss_pages * rustix::param::page_size() as u64,
            user_ms: ticks_to_ms(self.user_ticks),
            system_ms: ticks_to_ms(self.system_ticks),
            uptime_ms: host_uptime_ms.saturating_sub(since_boot_ms),
            ..Usage::default()
        }
    }
}

fn ticks_to_ms(ticks: u64) -> u64 {
    ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1)
}

/// Calls `found` with every process and the VServer whose cgroup it is in, if any.
fn each_process(cgroup_root: &str, mut found: impl FnMut(Process, Option<&str>)) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = open("/proc", flags, Mode::empty())?;
    let marker = format!("/{cgroup_root}/");
    let mut buffer = vec![0_u8; 8192];
    let mut path = String::new();
    for entry in Dir::read_from(&proc)? {
        let entry = entry?;
        let Ok(pid) = entry.file_name().to_str() else { continue };
        if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        // A process may end between any two of these lines: then it simply does not count.
        path.clear();
        path.push_str(pid);
        path.push_str("/stat");
        let Some(process) = read_small(&proc, &path, &mut buffer).and_then(parse_stat) else {
            continue;
        };
        path.truncate(pid.len());
        path.push_str("/cgroup");
        let group = read_small(&proc, &path, &mut buffer).and_then(|text| group_in(text, &marker));
        found(process, group);
    }
    Ok(())
}

/// Reads a small file of `/proc` in one go, which the kernel answers consistently.
fn read_small<'a>(directory: &OwnedFd, path: &str, buffer: &'a mut [u8]) -> Option<&'a str> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(directory, path, flags, Mode::empty()).ok()?;
    let count = loop {
        match rustix::io::read(&file, &mut *buffer) {
            Ok(count) => break count,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    };
    core::str::from_utf8(buffer.get(..count)?).ok().or_else(|| {
        // A process may call itself anything; what counts stands after its name, in ASCII.
        let start = buffer.get(..count)?.iter().rposition(|byte| *byte == b')')?;
        core::str::from_utf8(buffer.get(start..count)?).ok()
    })
}

fn parse_stat(text: &str) -> Option<Process> {
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    let (user, system, reaped_user, reaped_system) = (next()?, next()?, next()?, next()?);
    let mut fields = rest.split_ascii_whitespace().skip(19);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(Process {
        user_ticks: user + reaped_user,
        system_ticks: system + reaped_system,
        start_ticks: next()?,
        vsz_bytes: next()?,
        rss_pages: next()?,
    })
}

/// The VServer in whose cgroup a process is: the name after the first `/<root>/` of a path.
fn group_in<'a>(text: &'a str, marker: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        let (_, below) = path.split_once(marker)?;
        let name = below.split('/').next()?;
        (!name.is_empty() && !name.starts_with('.')).then_some(name)
    })
}

/// User and system CPU time of a VServer's cgroups, in milliseconds.
fn cpu_of(cgroups: &[std::path::PathBuf]) -> Option<(u64, u64)> {
    let v1 = with_controller(cgroups, "cpuacct").and_then(|directory| {
        let nanos = |file| number_in(&directory.join(file));
        Some((nanos("cpuacct.usage_user")? / 1_000_000, nanos("cpuacct.usage_sys")? / 1_000_000))
    });
    v1.or_else(|| {
        cgroups.iter().find_map(|directory| {
            let text = fs::read_to_string(directory.join("cpu.stat")).ok()?;
            Some((field_in(&text, "user_usec")? / 1000, field_in(&text, "system_usec")? / 1000))
        })
    })
}

/// Memory charged to a VServer's cgroup, in bytes.
fn memory_of(cgroups: &[std::path::PathBuf]) -> Option<u64> {
    with_controller(cgroups, "memory")
        .and_then(|directory| number_in(&directory.join("memory.usage_in_bytes")))
        .or_else(|| cgroups.iter().find_map(|path| number_in(&path.join("memory.current"))))
}

/// The directory in the v1 hierarchy of a controller: a mount point is named after its controllers.
fn with_controller<'a>(cgroups: &'a [std::path::PathBuf], controller: &str) -> Option<&'a Path> {
    cgroups.iter().map(std::path::PathBuf::as_path).find(|path| {
        path.components().any(|part| {
            part.as_os_str().to_str().is_some_and(|name| name.split(',').any(|c| c == controller))
        })
    })
}

fn number_in(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn field_in(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

fn host_uptime_ms() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/uptime")?;
    let seconds = text.split_ascii_whitespace().next().unwrap_or_default();
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let number = |text: &str| {
        text.parse::<u64>().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "/proc/uptime"))
    };
    Ok(number(whole)? * 1000 + number(part)? * 10)
}

/// Memory of the host that is not available, in bytes.
fn host_memory_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name: &str| {
        text.lines().find_map(|line| {
            line.strip_prefix(name)?.split_ascii_whitespace().next()?.parse::<u64>().ok()
        })
    };
    Some(kib("MemTotal:")?.saturating_sub(kib("MemAvailable:")?) * 1024)
}

/// Bytes that the host's own devices received and sent: those that are hardware or an uplink, not
/// loopback and not the ends of what VServers have.
fn host_traffic() -> (u64, u64) {
    let text = fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let mut total = (0_u64, 0_u64);
    for line in text.lines().skip(2) {
        let Some((name, numbers)) = line.split_once(':') else { continue };
        let name = name.trim();
        if name == "lo" || is_guest_end(name) {
            continue;
        }
        let mut numbers = numbers.split_ascii_whitespace().filter_map(|n| n.parse::<u64>().ok());
        total.0 += numbers.next().unwrap_or(0);
        total.1 += numbers.nth(7).unwrap_or(0);
    }
    total
}

/// `v<context>.<n>`, as `network` names the host's ends.
fn is_guest_end(name: &str) -> bool {
    name.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(|(context, n)| {
        !context.is_empty()
            && context.bytes().all(|byte| byte.is_ascii_digit())
            && n.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line() {
        let line = "7 (a) b ) S 1 7 7 0 -1 4 1 2 3 4 10 20 30 40 20 0 5 0 4242 1048576 25 9 9";
        let expected = Process {
            user_ticks: 40,
            system_ticks: 60,
            start_ticks: 4242,
            vsz_bytes: 1_048_576,
            rss_pages: 25,
        };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat("7 (a"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn the_group_of_a_process() {
        let marker = "/ulysse/";
        assert_eq!(group_in("0::/ulysse/web/system.slice\n", marker), Some("web"));
        let v1 = "5:memory:/\n4:cpu,cpuacct:/ulysse/mail\n0::/\n";
        assert_eq!(group_in(v1, marker), Some("mail"));
        assert_eq!(group_in("0::/ulysse/.supervisors\n", marker), None);
        assert_eq!(group_in("0::/user.slice\n", marker), None);
        // A name that holds the marker further down does not count.
        assert_eq!(group_in("0::/ulysse/web/ulysse/mail\n", marker), Some("web"));
    }

    #[test]
    fn this_machine_has_processes() {
        let base = tempfile::tempdir().unwrap();
        let roots = Roots { run_base: base.path().into(), ..Roots::default() };
        let snapshot = snapshot(&roots, Want::Everything).unwrap();
        assert!(snapshot.host.processes > 1 && snapshot.host.vsz_bytes > 0);
        assert!(snapshot.host.uptime_ms > 0 && snapshot.host.memory_bytes > 0);
        assert!(snapshot.guests.is_empty());
    }

    #[test]
    fn ends_of_guests_are_not_the_hosts() {
        assert!(is_guest_end("v40001.0"));
        assert!(!is_guest_end("veth0") && !is_guest_end("v.1") && !is_guest_end("vlan.7"));
    }
}
