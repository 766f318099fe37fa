//! Guests that are on the wire themselves: a macvlan device on a device of the host's, made in the guest's
//! namespace.
//!
//! Invariants:
//! - The hardware address is the same at every start of a context, and another on every host: others on
//!   the wire know it, and two hosts there have the same context numbers.
//! - The device goes with the guest's namespace; nothing of it is to be undone on the host.
//!
//! Not here: what such a guest sends. It sees its wire as any machine on it, and the host's rules do not
//! judge it; that is why only root says so, in the config tree.

use std::fs::File;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use domain::id::ContextId;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoMacVlan, LinkAttribute, LinkInfo, LinkMessage, MacVlanMode,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteType,
};
use sha2::{Digest, Sha256};

use super::guest::{GuestLink, LinkEnd};
use super::netlink::Netlink;
use super::objects::{self, EADDRINUSE, EBUSY, EEXIST, find, network_route, unless};
use super::plan::{GuestAddress, WirePlan, network_of};
use super::{NetlinkError, NetworkError};

/// How long the device of the VServer's last run may take to go: the kernel removes a namespace after
/// its last process, and until then the hardware address is taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether it has gone.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The metric of the route to a network that is on the wire: the kernel's own for those to IPv6 networks.
const CONNECTED_METRIC: u32 = 256;

/// Makes a guest's macvlan device in its namespace; it is not up yet.
pub(super) fn make(
    netlink: &mut Netlink,
    context: ContextId,
    plan: &WirePlan,
    namespace: &File,
) -> Result<GuestLink, NetworkError> {
    let device = &plan.parent;
    let parent = find(netlink, device.as_str())
        .map_err(NetworkError::ListDevices)?
        .ok_or_else(|| NetworkError::NoSuchDevice { device: device.clone() })?;
    if !parent.up {
        objects::set_up(netlink, parent.index, device.as_str())?;
    }
    // Kernels before 6.14 look for the name here, where the parent has it. No device of anybody's that a
    // config tree can name is called so.
    let made_as = format!("wire+{}", plan.number);
    let mut message = LinkMessage::default();
    message.attributes = vec![
        LinkAttribute::IfName(made_as.clone()),
        LinkAttribute::Link(parent.index),
        LinkAttribute::Address(hardware_address(&parent.mac, context, plan.number).to_vec()),
        LinkAttribute::NetNsFd(namespace.as_raw_fd()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::MacVlan),
            // Guests on one wire see each other; with the host they speak over other links.
            LinkInfo::Data(InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Bridge)])),
        ]),
    ];
    netlink
        .change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
        .map_err(|source| NetworkError::MakeMacvlan { device: device.clone(), source })?;
    let gateways = gateways_of_host(netlink, parent.index)?;
    let is_beside = |gateway: &IpAddr| {
        plan.addresses.iter().any(|given| {
            given.address.is_ipv4() == gateway.is_ipv4()
                && network_of(given.address, given.prefix) == network_of(*gateway, given.prefix)
        })
    };
    Ok(GuestLink {
        device: device.clone(),
        addresses: plan.addresses.clone(),
        gateways: gateways.into_iter().filter(is_beside).collect(),
        end: LinkEnd::Wire { made_as },
    })
}

/// Gives the device its name, from inside; its index. One that had it already stays: applying twice is the
/// same as once.
pub(super) fn name(
    netlink: &mut Netlink,
    made_as: &str,
    device: &str,
) -> Result<u32, NetworkError> {
    let made = find(netlink, made_as).map_err(NetworkError::ListDevices)?;
    let named = find(netlink, device).map_err(NetworkError::ListDevices)?;
    let failed = |source| NetworkError::SetUp { device: device.to_owned(), source };
    match (made, named) {
        (Some(made), Some(named)) => {
            objects::delete_link(netlink, made.index).map_err(failed)?;
            Ok(named.index)
        }
        (Some(made), None) => {
            let mut message = LinkMessage::default();
            message.header.index = made.index;
            message.attributes = vec![LinkAttribute::IfName(device.to_owned())];
            netlink.change(RouteNetlinkMessage::SetLink(message), 0).map_err(failed)?;
            Ok(made.index)
        }
        (None, Some(named)) => Ok(named.index),
        (None, None) => Err(NetworkError::NoDeviceInside { device: device.to_owned() }),
    }
}

/// Sets the device up, from inside: it waits for that of the VServer's last run to go.
pub(super) fn set_up(netlink: &mut Netlink, index: u32, device: &str) -> Result<(), NetworkError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match objects::set_up(netlink, index, device) {
            Err(NetworkError::SetUp { source, .. })
                if is_taken(&source) && Instant::now() < deadline =>
            {
                thread::park_timeout(LOOK_AGAIN);
            }
            other => return other,
        }
    }
}

fn is_taken(error: &NetlinkError) -> bool {
    matches!(error.errno(), Some(EBUSY | EADDRINUSE))
}

/// Makes those in an address's network reachable without a gateway, for what is routed by `table`. The kernel
/// does it alone for IPv4 in the main table.
pub(super) fn add_network(
    netlink: &mut Netlink,
    index: u32,
    device: &str,
    given: &GuestAddress,
    table: u8,
) -> Result<(), NetworkError> {
    if given.address.is_ipv4() && table == RouteHeader::RT_TABLE_MAIN {
        return Ok(());
    }
    let (destination, prefix) = (network_of(given.address, given.prefix), given.prefix);
    let mut route = network_route(index, destination, prefix, CONNECTED_METRIC);
    route.header.table = table;
    let made = netlink.change(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE | NLM_F_EXCL);
    unless(made, &[EEXIST]).map_err(|source| NetworkError::AddRoute {
        destination,
        prefix,
        device: device.to_owned(),
        source,
    })
}

/// Where the host's own default routes over a device lead, at most one of each address family: who is on
/// the same wire has the same way out.
fn gateways_of_host(netlink: &mut Netlink, index: u32) -> Result<Vec<IpAddr>, NetworkError> {
    let answers = netlink
        .dump(&RouteNetlinkMessage::GetRoute(RouteMessage::default()))
        .map_err(NetworkError::ListRoutes)?;
    let mut gateways: Vec<IpAddr> = Vec::new();
    for answer in answers {
        let RouteNetlinkMessage::NewRoute(route) = answer else { continue };
        let is_default = route.header.destination_prefix_length == 0
            && route.header.table == RouteHeader::RT_TABLE_MAIN
            && route.header.kind == RouteType::Unicast
            && route.attributes.contains(&RouteAttribute::Oif(index));
        let gateway = route.attributes.iter().find_map(|attribute| match attribute {
            RouteAttribute::Gateway(RouteAddress::Inet(v4)) => Some(IpAddr::V4(*v4)),
            RouteAttribute::Gateway(RouteAddress::Inet6(v6)) => Some(IpAddr::V6(*v6)),
            _ => None,
        });
        if let Some(gateway) = gateway.filter(|_| is_default)
            && gateways.iter().all(|known| known.is_ipv4() != gateway.is_ipv4())
        {
            gateways.push(gateway);
        }
    }
    Ok(gateways)
}

/// A locally administered address, made of the host's own on that wire.
fn hardware_address(parent: &[u8], context: ContextId, number: u8) -> [u8; 6] {
    let mut digest = Sha256::new();
    digest.update(parent);
    digest.update(context.get().to_be_bytes());
    digest.update([number]);
    let [one, two, three, four, five, ..] = <[u8; 32]>::from(digest.finalize());
    [0x06, one, two, three, four, five]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses_are_known_again_and_nobody_elses() {
        let of = |host: u8, context: u32, number| {
            hardware_address(&[2, 0, 0, 0, 0, host], ContextId::try_from(context).unwrap(), number)
        };
        assert_eq!(of(1, 100, 0), of(1, 100, 0));
        let others = [of(2, 100, 0), of(1, 101, 0), of(1, 100, 1)];
        assert!(others.iter().all(|other| *other != of(1, 100, 0)), "{others:?}");
        // Neither a group's nor a maker's.
        assert_eq!(of(1, 100, 0)[0] & 0b11, 0b10);
    }
}
