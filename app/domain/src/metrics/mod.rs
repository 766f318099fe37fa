//! The numbers that are measured of VServers and of the host, and what is kept of them for a year.
//!
//! [`measure`] is what the engine reads at one moment; a [`Reading`] is that as one column of figures, and
//! two of them one after the other make [`Values`]: gauges as they are, counters as rates. [`slot`] says how
//! values are added up, and for how long they are kept in which detail.
//!
//! Invariants: a value is a whole number in the unit of its [`Metric`]; what was not measured is none, and
//! never 0. A counter that went back, or belongs to another life of the VServer, gives no rate.

pub mod measure;
pub mod slot;

use serde::{Deserialize, Serialize};

use crate::id::VServerName;
use crate::time::UnixMillis;
use crate::vserver::Usage;
use measure::{HostResources, Resources};

/// Between two readings further apart than this nobody knows what happened when.
const LONGEST_GAP_MS: u64 = 60_000;
/// By how much the age of a VServer and the clock may disagree before it counts as another life.
const SLACK_MS: u64 = 3_000;

/// Of what there is a history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// The host, with all of its VServers.
    Host,
    /// A VServer.
    VServer(VServerName),
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Metric {
    /// CPU time, in per mille of one CPU; of the host all of its CPUs together.
    Cpu,
    /// Memory in bytes.
    Memory,
    /// Swapped-out memory in bytes.
    Swap,
    /// Share of the time in which something waited for memory, in per mille.
    MemoryPressure,
    /// Share of the time in which something waited for a CPU, in per mille; the host's alone.
    CpuPressure,
    /// Share of the time in which something waited for a disk, in per mille; the host's alone.
    DiskPressure,
    /// Processes.
    Processes,
    /// Bytes read from disks each second.
    DiskRead,
    /// Bytes written to disks each second.
    DiskWritten,
    /// Bytes received each second.
    Received,
    /// Bytes sent each second.
    Sent,
    /// Processes that run or want to, the mean of a minute in hundredths; the host's alone.
    Load,
    /// Bytes that its files take, where a volume or a filesystem of its own says so at no cost.
    DiskUsed,
}

/// How a metric follows from what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it is read.
    Gauge,
    /// What a counter grew by in a millisecond, times this.
    Rate(u64),
}

impl Metric {
    /// How many there are.
    pub const COUNT: usize = 13;

    /// All, in the order in which they are kept: new ones come last.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Cpu,
        Self::Memory,
        Self::Swap,
        Self::MemoryPressure,
        Self::CpuPressure,
        Self::DiskPressure,
        Self::Processes,
        Self::DiskRead,
        Self::DiskWritten,
        Self::Received,
        Self::Sent,
        Self::Load,
        Self::DiskUsed,
    ];

    fn kind(self) -> Kind {
        match self {
            // Milliseconds a millisecond, as per mille.
            Self::Cpu => Kind::Rate(1000),
            // Microseconds a millisecond are per mille.
            Self::MemoryPressure | Self::CpuPressure | Self::DiskPressure => Kind::Rate(1),
            Self::DiskRead | Self::DiskWritten | Self::Received | Self::Sent => Kind::Rate(1000),
            Self::Memory | Self::Swap | Self::Processes | Self::Load | Self::DiskUsed => {
                Kind::Gauge
            }
        }
    }
}

/// One figure for each metric, where there is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values([Option<u64>; Metric::COUNT]);

impl Values {
    /// The figure of a metric.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<u64> {
        self.0.get(metric as usize).copied().flatten()
    }

    /// The same with another figure.
    #[must_use]
    pub fn with(mut self, metric: Metric, value: impl Into<Option<u64>>) -> Self {
        if let Some(place) = self.0.get_mut(metric as usize) {
            *place = value.into();
        }
        self
    }
}

/// What was read at one moment: gauges and counters as the kernel has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    at: UnixMillis,
    uptime_ms: u64,
    figures: Values,
}

impl Reading {
    /// What a VServer used.
    #[must_use]
    pub fn of_vserver(at: UnixMillis, usage: &Usage, resources: &Resources) -> Self {
        let figures = traffic(usage)
            .with(Metric::Cpu, usage.user_ms.saturating_add(usage.system_ms))
            .with(Metric::Swap, resources.swap_bytes)
            .with(Metric::MemoryPressure, resources.memory_stall_us)
            .with(Metric::DiskRead, resources.read_bytes)
            .with(Metric::DiskWritten, resources.written_bytes)
            .with(Metric::DiskUsed, resources.disk.map(measure::Space::used_bytes));
        Self { at, uptime_ms: usage.uptime_ms, figures }
    }

    /// What the host used, with all of its VServers.
    #[must_use]
    pub fn of_host(at: UnixMillis, usage: &Usage, resources: &HostResources) -> Self {
        let stall = resources.pressure;
        let of_vservers = resources.filesystems.iter().find(|one| one.holds_vservers());
        let figures = traffic(usage)
            .with(Metric::Cpu, resources.cpu_ms)
            .with(Metric::Processes, u64::from(resources.processes))
            .with(Metric::Swap, resources.swap_used_bytes)
            .with(Metric::MemoryPressure, stall.map(|stall| stall.memory_us))
            .with(Metric::CpuPressure, stall.map(|stall| stall.cpu_us))
            .with(Metric::DiskPressure, stall.map(|stall| stall.io_us))
            .with(Metric::DiskRead, resources.read_bytes)
            .with(Metric::DiskWritten, resources.written_bytes)
            .with(Metric::Load, u64::from(resources.load_hundredths[0]))
            .with(Metric::DiskUsed, of_vservers.map(|one| one.space.used_bytes()));
        Self { at, uptime_ms: usage.uptime_ms, figures }
    }

    /// The values at this moment; rates are since the reading before. Without one of the same life there are
    /// none of them.
    #[must_use]
    pub fn since(&self, before: Option<&Self>) -> Values {
        let before = before.filter(|before| self.goes_on_from(before));
        Metric::ALL.into_iter().fold(Values::default(), |values, metric| {
            let now = self.figures.get(metric);
            let value = match metric.kind() {
                Kind::Gauge => now,
                Kind::Rate(factor) => before.and_then(|before| {
                    let grown = now?.checked_sub(before.figures.get(metric)?)?;
                    Some(grown.saturating_mul(factor) / self.at.millis_since(before.at))
                }),
            };
            values.with(metric, value)
        })
    }

    /// Whether the counters of both count the same.
    fn goes_on_from(&self, before: &Self) -> bool {
        let gap = self.at.millis_since(before.at);
        (1..=LONGEST_GAP_MS).contains(&gap)
            && self.uptime_ms.saturating_add(SLACK_MS) >= before.uptime_ms.saturating_add(gap)
    }
}

/// What of [`Usage`] means the same for everybody.
fn traffic(usage: &Usage) -> Values {
    Values::default()
        .with(Metric::Memory, usage.memory_bytes)
        .with(Metric::Processes, u64::from(usage.processes))
        .with(Metric::Received, usage.received_bytes)
        .with(Metric::Sent, usage.sent_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(at: i64, uptime_ms: u64, cpu_ms: u64, received: u64) -> Reading {
        let usage = Usage {
            uptime_ms,
            user_ms: cpu_ms,
            received_bytes: received,
            memory_bytes: 5000,
            ..Usage::default()
        };
        let resources = Resources { memory_stall_us: Some(cpu_ms * 500), ..Resources::default() };
        Reading::of_vserver(UnixMillis(at), &usage, &resources)
    }

    #[test]
    fn counters_become_rates_and_gauges_stay() {
        let (before, now) = (reading(0, 1_000, 500, 0), reading(10_000, 11_000, 5_500, 40_000));
        let values = now.since(Some(&before));
        assert_eq!(values.get(Metric::Cpu), Some(500));
        assert_eq!(values.get(Metric::Received), Some(4_000));
        assert_eq!(values.get(Metric::MemoryPressure), Some(250));
        assert_eq!(values.get(Metric::Memory), Some(5_000));
        assert_eq!(values.get(Metric::Load), None);
    }

    #[test]
    fn no_rate_comes_of_another_life_or_a_gap() {
        let before = reading(0, 50_000, 500, 100);
        let rate = |now: &Reading| now.since(Some(&before)).get(Metric::Received);
        assert_eq!(rate(&reading(10_000, 60_000, 600, 200)), Some(10));
        assert_eq!(rate(&reading(10_000, 4_000, 600, 200)), None, "started anew");
        assert_eq!(rate(&reading(61_000, 111_000, 600, 200)), None, "nobody looked");
        assert_eq!(rate(&reading(0, 50_000, 600, 200)), None, "no time has passed");
        assert_eq!(rate(&reading(10_000, 60_000, 600, 99)), None, "it went back");
        // A VServer whose young life is as long as the old one was.
        let short = reading(0, 1_000, 500, 100);
        let anew = reading(10_000, 6_000, 500, 300);
        assert_eq!(anew.since(Some(&short)).get(Metric::Received), None);
        assert_eq!(anew.since(None).get(Metric::Memory), Some(5_000));
    }

    #[test]
    fn every_metric_stands_where_it_is_kept() {
        for (index, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, index, "{metric:?}");
        }
    }
}
