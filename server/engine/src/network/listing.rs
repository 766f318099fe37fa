//! What the host has: devices, addresses, and what the guests sent and received.

use std::collections::HashMap;
use std::net::IpAddr;

use domain::id::DeviceName;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};

use super::netlink::Netlink;
use super::objects::{GUEST_GROUP, HostLink, addresses};
use super::{AppliedNetwork, NetworkError};
use crate::roots::Nat;

/// The counters of all guests' veth pairs at one moment.
#[derive(Debug, Clone, Default)]
pub struct Counters(HashMap<String, (u64, u64)>);

impl Counters {
    /// Bytes a VServer (received, sent) since start.
    #[must_use]
    pub fn of(&self, network: &AppliedNetwork) -> (u64, u64) {
        network.links.iter().fold((0, 0), |(received, sent), link| {
            let (more_received, more_sent) =
                self.0.get(link.host_device.as_str()).copied().unwrap_or_default();
            (received + more_received, sent + more_sent)
        })
    }
}

/// The counters of all guests, in one question to the kernel.
///
/// # Errors
/// When devices cannot be listed.
pub fn counters() -> Result<Counters, NetworkError> {
    let mut netlink = Netlink::open().map_err(NetworkError::Netlink)?;
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)])];
    let links =
        netlink.dump(&RouteNetlinkMessage::GetLink(message)).map_err(NetworkError::ListDevices)?;
    let of_guests = links.into_iter().filter_map(|message| HostLink::of(&message));
    Ok(Counters(
        of_guests
            .filter(|link| link.group == GUEST_GROUP)
            // What the host's end received is what the guest sent.
            .map(|link| (link.name, (link.sent_bytes, link.received_bytes)))
            .collect(),
    ))
}

/// Bytes one VServer (received, sent) since start.
///
/// # Errors
/// When devices cannot be listed.
pub fn statistics(applied: &AppliedNetwork) -> Result<(u64, u64), NetworkError> {
    Ok(counters()?.of(applied))
}

/// Devices of the host that an address may live on, sorted: Ethernet-like, and not the NAT
/// network's, a guest's veth end, a bridge's or bond's port, or a traffic shaper's.
///
/// # Errors
/// When devices cannot be listed.
pub fn host_devices(nat: &Nat) -> Result<Vec<DeviceName>, NetworkError> {
    let mut netlink = Netlink::open().map_err(NetworkError::Netlink)?;
    let links = netlink
        .dump(&RouteNetlinkMessage::GetLink(LinkMessage::default()))
        .map_err(NetworkError::ListDevices)?;
    let mut names: Vec<DeviceName> = links
        .iter()
        .filter_map(HostLink::of)
        .filter(|link| {
            link.ethernet
                && link.group != GUEST_GROUP
                && !link.is_port
                && link.kind != Some(InfoKind::Ifb)
                && link.name != nat.device.as_str()
        })
        .filter_map(|link| link.name.parse().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// Addresses of the host itself, without link-local and loopback ones, sorted.
///
/// # Errors
/// When addresses cannot be listed.
pub fn host_addresses() -> Result<Vec<IpAddr>, NetworkError> {
    let mut netlink = Netlink::open().map_err(NetworkError::Netlink)?;
    let mut found: Vec<IpAddr> = addresses(&mut netlink)?
        .into_iter()
        .map(|found| found.address)
        .filter(|address| match address {
            IpAddr::V4(v4) => !v4.is_loopback(),
            IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
        })
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}
