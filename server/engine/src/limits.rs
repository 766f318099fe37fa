//! What a VServer as a whole may use, as its cgroups keep it: processors and memory nodes, memory and
//! swap, processes, a share of a processor.
//!
//! Written to cgroups that were made for the start and go at its end: nothing is left to be undone.
//! Both layouts are served by the names of the files: a directory that has a file has its controller.

use std::fs;
use std::path::{Path, PathBuf};

use domain::config_entry::{Expected, NumberList};
use domain::id::VServerName;
use domain::note::Note;

use crate::cgroup::{self, CgroupError};
use crate::config::ConfigError;

/// How often a share is dealt out: the kernel's own default, in microseconds.
const PERIOD_US: u64 = 100_000;
/// The smallest share the kernel takes, in microseconds.
const LEAST_QUOTA_US: u64 = 1000;

/// On which processors and with which memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// `cpuset/cpus`.
    pub cpus: Option<NumberList>,
    /// `cpuset/mems`.
    pub mems: Option<NumberList>,
}

/// `sched/fill-rate` in `sched/interval` ticks of one processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuShare {
    /// So many ticks.
    pub rate: u64,
    /// In so many.
    pub interval: u64,
}

/// What a VServer may use; none is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Where.
    pub placement: Placement,
    /// Memory (`rlimits/rss`).
    pub memory_bytes: Option<u64>,
    /// Memory and swap together (`rlimits/as`).
    pub memory_and_swap_bytes: Option<u64>,
    /// Processes and threads (`rlimits/nproc`).
    pub processes: Option<u64>,
    /// Processor time.
    pub cpu: Option<CpuShare>,
}

impl Placement {
    /// Judges it by what the host has.
    ///
    /// # Errors
    /// When it names processors or memory nodes that the host does not have.
    pub fn judge(&self, name: &VServerName) -> Result<(), ConfigError> {
        for (wanted, leaf, place) in [
            (&self.cpus, "cpus", "/sys/devices/system/cpu/online"),
            (&self.mems, "mems", "/sys/devices/system/node/online"),
        ] {
            let Some(wanted) = wanted else { continue };
            // A kernel without NUMA has one node and does not say so.
            let has = fs::read_to_string(place).unwrap_or_else(|_| "0".to_owned());
            let has = has.trim();
            if !has.parse::<NumberList>().is_ok_and(|has| has.has_all(wanted)) {
                return Err(ConfigError::Unexpected {
                    file: Path::new(name.as_str()).join("cpuset").join(leaf),
                    line: 1,
                    expected: Expected::NumbersOfHost { available: has.to_owned() },
                });
            }
        }
        Ok(())
    }
}

impl Limits {
    /// Writes them to a VServer's cgroups, before anything runs in them; what of the config tree the
    /// host has no controller for.
    ///
    /// # Errors
    /// When the kernel refuses one.
    pub fn apply(&self, cgroups: &[PathBuf]) -> Result<Vec<Note>, CgroupError> {
        let mut notes = Vec::new();
        let mut set = |file: &str, candidates: &[(&str, String)]| -> Result<(), CgroupError> {
            let mut places = candidates
                .iter()
                .flat_map(|(name, value)| cgroups.iter().map(move |path| (path.join(name), value)));
            match places.find(|(path, _)| path.exists()) {
                Some((path, value)) => cgroup::write(&path, value),
                None => {
                    notes.push(Note::NoController { file: file.to_owned() });
                    Ok(())
                }
            }
        };
        let Placement { cpus, mems } = &self.placement;
        if let Some(cpus) = cpus {
            set("cpuset/cpus", &[("cpuset.cpus", cpus.to_string())])?;
        }
        if let Some(mems) = mems {
            set("cpuset/mems", &[("cpuset.mems", mems.to_string())])?;
        }
        if let Some(bytes) = self.memory_bytes {
            let bytes = bytes.to_string();
            let files = [("memory.max", bytes.clone()), ("memory.limit_in_bytes", bytes)];
            set("rlimits/rss", &files)?;
        }
        // The limit of both is above that of memory, or says nothing more.
        if let (Some(memory), Some(all)) = (self.memory_bytes, self.memory_and_swap_bytes) {
            let all = all.max(memory);
            let files = [
                ("memory.swap.max", (all - memory).to_string()),
                ("memory.memsw.limit_in_bytes", all.to_string()),
            ];
            set("rlimits/as", &files)?;
        }
        if let Some(processes) = self.processes {
            set("rlimits/nproc", &[("pids.max", processes.to_string())])?;
        }
        if let Some(CpuShare { rate, interval }) = self.cpu {
            let quota = PERIOD_US.saturating_mul(rate).checked_div(interval).unwrap_or(PERIOD_US);
            let quota = quota.max(LEAST_QUOTA_US);
            let files = [
                ("cpu.max", format!("{quota} {PERIOD_US}")),
                ("cpu.cfs_quota_us", quota.to_string()),
            ];
            set("sched", &files)?;
        }
        Ok(notes)
    }
}
