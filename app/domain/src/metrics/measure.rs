//! What the engine reads of the host and of VServers at one moment, beyond [`Usage`].

use serde::{Deserialize, Serialize};

use crate::id::{DeviceName, VServerName};
use crate::vserver::Usage;

/// What everything uses at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// The host's own processes; memory and network of all of it.
    pub host: Usage,
    /// The rest about the host.
    pub resources: HostResources,
    /// Each running VServer.
    pub vservers: Vec<Measured>,
}

/// What one VServer uses at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Which.
    pub name: VServerName,
    /// What lists show of it.
    pub usage: Usage,
    /// The rest.
    pub resources: Resources,
}

/// What a running VServer uses and may use, as its cgroups say; none where they do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// The most memory it may have; none when nothing limits it.
    pub memory_limit_bytes: Option<u64>,
    /// Memory of it that was swapped out.
    pub swap_bytes: Option<u64>,
    /// How long some of its processes waited for memory since it was started, in microseconds. Only cgroup v2
    /// counts it.
    pub memory_stall_us: Option<u64>,
    /// Processes that the kernel ended for want of memory since it was started.
    pub oom_kills: Option<u64>,
    /// Bytes it read from disks since it was started.
    pub read_bytes: Option<u64>,
    /// Bytes it wrote to disks since it was started.
    pub written_bytes: Option<u64>,
    /// The volume that its files fill; none when they are in a directory like any other.
    pub disk: Option<Space>,
}

/// How large a filesystem is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// All of it in bytes, without what is root's reserve.
    pub bytes: u64,
    /// What is free of it in bytes, for others than root.
    pub free_bytes: u64,
}

impl Space {
    /// What is taken of it in bytes.
    #[must_use]
    pub fn used_bytes(self) -> u64 {
        self.bytes.saturating_sub(self.free_bytes)
    }

    /// What is taken of it in per mille.
    #[must_use]
    pub fn used_permille(self) -> u16 {
        permille(self.used_bytes(), self.bytes)
    }
}

/// A share in per mille, never more than 1000.
#[must_use]
pub fn permille(part: u64, whole: u64) -> u16 {
    let share = u128::from(part) * 1000 / u128::from(whole.max(1));
    u16::try_from(share.min(1000)).unwrap_or(1000)
}

/// What the host has and uses, with all of its VServers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostResources {
    /// CPUs that are there.
    pub cpus: u32,
    /// Time that they worked since boot, added up, in milliseconds.
    pub cpu_ms: u64,
    /// Processes of host and VServers.
    pub processes: u32,
    /// Memory that there is.
    pub memory_bytes: u64,
    /// Swap that there is.
    pub swap_bytes: u64,
    /// Swap that is used.
    pub swap_used_bytes: u64,
    /// Processes that run or want to: means of 1, 5 and 15 minutes, in hundredths.
    pub load_hundredths: [u32; 3],
    /// How long some process waited since boot; none where the kernel does not count it.
    pub pressure: Option<Stall>,
    /// Bytes read from all disks since boot.
    pub read_bytes: u64,
    /// Bytes written to all disks since boot.
    pub written_bytes: u64,
    /// The filesystems that count.
    pub filesystems: Vec<Filesystem>,
}

/// How long some process waited since boot, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stall {
    /// For a CPU.
    pub cpu_us: u64,
    /// For memory.
    pub memory_us: u64,
    /// For a disk.
    pub io_us: u64,
}

/// A filesystem of the host that holds something of Ulysse's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filesystem {
    /// Where it is mounted.
    pub mount: String,
    /// What it holds.
    pub holds: Vec<Holding>,
    /// How large it is.
    pub space: Space,
}

impl Filesystem {
    /// Whether the files of VServers are in it.
    #[must_use]
    pub fn holds_vservers(&self) -> bool {
        self.holds.contains(&Holding::VServers)
    }
}

/// What of Ulysse's a filesystem holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// The files of VServers.
    VServers,
    /// Backups.
    Backups,
    /// The database: people and history.
    Database,
}

/// What is known of a host without measuring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostState {
    /// Which build of Ulysse is the engine.
    pub build: String,
    /// The addresses that there are for VServers.
    pub pool: AddressPool,
}

/// The addresses of the NAT network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressPool {
    /// Its device.
    pub device: DeviceName,
    /// The network, as `ADDRESS/BITS`.
    pub network: String,
    /// How many VServers and builds under way have, or are promised.
    pub used: u32,
    /// How many are left.
    pub free: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_more_than_all() {
        let space = Space { bytes: 1000, free_bytes: 250 };
        assert_eq!((space.used_bytes(), space.used_permille()), (750, 750));
        assert_eq!(permille(u64::MAX, 1), 1000);
        assert_eq!(permille(5, 0), 1000);
        assert_eq!(permille(0, 0), 0);
    }
}
