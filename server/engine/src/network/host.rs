//! The host's side (to be filled).
use std::collections::HashMap;
use std::net::IpAddr;

use domain::id::DeviceName;

use super::{AppliedNetwork, NetworkError, NetworkPlan};

/// The counters of all guests' veth pairs at one moment: host end's name to (received by the
/// guest, sent by the guest) in bytes.
#[derive(Debug, Clone, Default)]
pub struct Counters(HashMap<String, (u64, u64)>);

impl Counters {
    /// Bytes a VServer (received, sent) since start.
    #[must_use]
    pub fn of(&self, network: &AppliedNetwork) -> (u64, u64) {
        network.links.iter().fold((0, 0), |(received, sent), link| {
            let (r, s) = self.0.get(link.host_device.as_str()).copied().unwrap_or_default();
            (received + r, sent + s)
        })
    }
}

/// Applies a plan: host side, and inside the namespace of the process `guest_pid`. Applying twice
/// is the same as once. On an error everything of the plan is undone.
///
/// # Errors
/// When an address is the host's or taken, a device is missing, or the kernel refuses.
pub fn apply(plan: &NetworkPlan, guest_pid: u32) -> Result<AppliedNetwork, NetworkError> {
    let _ = guest_pid;
    Ok(plan.record())
}

/// Undoes what was applied. What is gone already is no error.
///
/// # Errors
/// When the kernel refuses.
pub fn undo(_applied: &AppliedNetwork) -> Result<(), NetworkError> {
    Ok(())
}

/// The counters of all guests, in one question to the kernel.
///
/// # Errors
/// When devices cannot be listed.
pub fn counters() -> Result<Counters, NetworkError> {
    Ok(Counters::default())
}

/// Bytes one VServer (received, sent) since start.
///
/// # Errors
/// When devices cannot be listed.
pub fn statistics(applied: &AppliedNetwork) -> Result<(u64, u64), NetworkError> {
    Ok(counters()?.of(applied))
}

/// Devices of the host that an address may live on, sorted: up to now everything but `lo`, the
/// guests' veth ends and bridges' ports.
///
/// # Errors
/// When devices cannot be listed.
pub fn host_devices() -> Result<Vec<DeviceName>, NetworkError> {
    Ok(Vec::new())
}

/// Addresses of the host itself, without link-local and loopback ones, sorted.
///
/// # Errors
/// When addresses cannot be listed.
pub fn host_addresses() -> Result<Vec<IpAddr>, NetworkError> {
    Ok(Vec::new())
}
