//! What running VServers and the host use now.
//!
//! One pass over `/proc` for all of them together (`processes::pass`): each process is read once and added
//! to the VServer whose cgroup it is in, or to the host. CPU time of a VServer comes from its cgroup where
//! that counts it (ended processes included), else from its processes and the children they have
//! reaped. Nothing here waits, locks or writes.
//!
//! [`measure`] adds what cgroups and the host say beyond that, for histories. Not here: those histories and
//! charts (the web process keeps them), limits.

mod host;
mod resources;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use domain::id::VServerName;
use domain::metrics::measure::{Measured, Measurement};
use domain::vserver::Usage;

use crate::network;
use crate::parallel;
use crate::processes::pass::{Stat, fold_processes, host_uptime_ms, ticks_to_ms};
use crate::roots::{Roots, Settings};
use crate::state::{GuestState, ProcessIdentity, StateError};

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
        self.running(name).map(|(_, usage)| *usage)
    }

    /// The record and the usage of one VServer; none when it does not run.
    pub(crate) fn running(&self, name: &VServerName) -> Option<&(GuestState, Usage)> {
        self.guests.iter().find(|(state, _)| state.name == *name)
    }

    /// The same of all of them, to look up many.
    pub(crate) fn by_name(&self) -> HashMap<&VServerName, &(GuestState, Usage)> {
        self.guests.iter().map(|running| (&running.0.name, running)).collect()
    }
}

/// Reads the usage of the host and of all running VServers.
///
/// # Errors
/// When `/proc` or the directory of records cannot be read.
pub fn snapshot(roots: &Roots, want: Want) -> Result<Snapshot, UsageError> {
    let states = GuestState::all(roots)?;
    let by_name: HashMap<&str, usize> =
        states.iter().enumerate().map(|(index, state)| (state.name.as_str(), index)).collect();
    // Whose these are is known without a look at their cgroups.
    let mut by_pid: HashMap<u32, (ProcessIdentity, Known)> = HashMap::new();
    for (index, state) in states.iter().enumerate() {
        let supervisor = state.supervisor.map(|process| (process.pid, (process, Known::Host)));
        let init = state.init.map(|process| (process.pid, (process, Known::Init(index))));
        by_pid.extend(supervisor.into_iter().chain(init));
    }
    let begin = || Sums {
        host: Sum::default(),
        guests: vec![Sum::default(); states.len()],
        run: vec![false; states.len()],
    };
    let pieces = fold_processes(&roots.cgroup_root, begin, |sums, process| {
        let known = by_pid.get(&process.pid).filter(|(identity, _)| {
            identity.start_ticks == process.stat.start_ticks && process.stat.is_alive()
        });
        let index = match known {
            Some((_, Known::Host)) => None,
            Some((_, Known::Init(index))) => {
                if let Some(runs) = sums.run.get_mut(*index) {
                    *runs = true;
                }
                Some(*index)
            }
            None => process.group().and_then(|name| by_name.get(name.as_str()).copied()),
        };
        let sum = index.and_then(|index| sums.guests.get_mut(index)).unwrap_or(&mut sums.host);
        sum.add(process.stat);
    })
    .map_err(UsageError::Proc)?;
    let Sums { mut host, guests: sums, run } =
        pieces.into_iter().reduce(Sums::and).unwrap_or_else(begin);
    let mut running = Vec::with_capacity(states.len());
    for ((state, sum), runs) in states.into_iter().zip(sums).zip(run) {
        // What is in the cgroup of a VServer that does not run is not yet, or no more, its own.
        if runs { running.push((state, sum)) } else { host = host.and(sum) }
    }
    let uptime_ms = host_uptime_ms().map_err(UsageError::Proc)?;
    let counters = match want {
        Want::Processes => None,
        Want::Everything => network::counters()
            .inspect_err(|error| tracing::warn!(%error, "no network counters"))
            .ok(),
    };
    let usages = parallel::map(&running, |(state, sum)| {
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
        usage
    });
    let guests = running.into_iter().map(|(state, _)| state).zip(usages).collect();
    let mut host = host.usage(uptime_ms);
    if want == Want::Everything {
        host.memory_bytes = host_memory_bytes().unwrap_or(host.rss_bytes);
        (host.received_bytes, host.sent_bytes) = host_traffic();
    }
    Ok(Snapshot { host, guests })
}

/// Everything that is kept a history of.
///
/// # Errors
/// When `/proc` or the directory of records cannot be read.
pub fn measure(settings: &Settings) -> Result<Measurement, UsageError> {
    let Snapshot { host, guests } = snapshot(&settings.roots, Want::Everything)?;
    let inside = guests.iter().map(|(_, usage)| usage.processes);
    let processes = inside.fold(host.processes, u32::saturating_add);
    let mut vservers = parallel::map(&guests, |(state, usage)| Measured {
        resources: resources::of(state),
        name: state.name.clone(),
        usage: *usage,
    });
    vservers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Measurement { host, resources: host::of(settings, processes), vservers })
}

/// Whose a process is by the records of what runs.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// The host's: a supervisor.
    Host,
    /// A VServer's: its pid 1.
    Init(usize),
}

/// The processes of a piece of `/proc` added up, and whose pid 1 was among them.
struct Sums {
    host: Sum,
    guests: Vec<Sum>,
    run: Vec<bool>,
}

impl Sums {
    fn and(mut self, other: Self) -> Self {
        self.host = self.host.and(other.host);
        for (sum, more) in self.guests.iter_mut().zip(other.guests) {
            *sum = sum.and(more);
        }
        for (runs, also) in self.run.iter_mut().zip(other.run) {
            *runs |= also;
        }
        self
    }
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
    fn add(&mut self, process: Stat) {
        self.processes += 1;
        self.user_ticks += process.user_ticks + process.reaped_user_ticks;
        self.system_ticks += process.system_ticks + process.reaped_system_ticks;
        self.vsz_bytes += process.vsz_bytes;
        self.rss_pages += process.rss_pages;
        let oldest = self.oldest_ticks.unwrap_or(u64::MAX);
        self.oldest_ticks = Some(oldest.min(process.start_ticks));
    }

    fn and(self, other: Self) -> Self {
        Self {
            processes: self.processes + other.processes,
            user_ticks: self.user_ticks + other.user_ticks,
            system_ticks: self.system_ticks + other.system_ticks,
            vsz_bytes: self.vsz_bytes + other.vsz_bytes,
            rss_pages: self.rss_pages + other.rss_pages,
            oldest_ticks: self.oldest_ticks.into_iter().chain(other.oldest_ticks).min(),
        }
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

/// The number that a file of a cgroup holds and nothing else, in as few calls as it takes.
fn number_in(path: &Path) -> Option<u64> {
    let mut buffer = [0; 32];
    let count = fs::File::open(path).ok()?.read(&mut buffer).ok()?;
    core::str::from_utf8(buffer.get(..count)?).ok()?.trim().parse().ok()
}

fn field_in(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Memory of the host that is not available, in bytes.
fn host_memory_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name: &str| host::kib_in(&text, name);
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
