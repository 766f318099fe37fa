//! The guest's side: addresses, routes and settings inside its network namespace.
//!
//! Done by a thread of its own that enters the namespace and ends there; a network namespace is a
//! thread's, so the engine stays where it is. Whatever this thread opens below `/proc/sys/net` is
//! the guest's.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread;

use domain::id::{DeviceName, InterfaceLabel};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::RouteHeader;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use nix::sched::{CloneFlags, setns};

use super::netlink::Netlink;
use super::objects::{
    EEXIST, add_address, default_route, family, find, permanent_neighbour, set_up, unless,
};
use super::plan::GuestAddress;
use super::{LINK_GATEWAY_V4, NetworkError, NetworkPlan, sysctl, wire};

/// The routing table of the first link, if it needs one of its own; the others' follow.
const FIRST_TABLE: u8 = 100;

/// What became of a link: how its guest side must be set.
pub(super) struct GuestLink {
    /// What the device is called there.
    pub(super) device: DeviceName,
    /// Its addresses.
    pub(super) addresses: Vec<GuestAddress>,
    /// Where default routes lead, at most one of each address family.
    pub(super) gateways: Vec<IpAddr>,
    /// What is at its other end.
    pub(super) end: LinkEnd,
}

/// What is at the other end of a link.
pub(super) enum LinkEnd {
    /// The host, with this hardware address: who is in the guest's networks is reached through it.
    Host([u8; 6]),
    /// A wire, and whoever is on it.
    Wire {
        /// What the device is called until it gets its name.
        made_as: String,
    },
}

/// Enters the namespace and sets it up.
pub(super) fn configure(
    namespace: &File,
    plan: &NetworkPlan,
    links: &[GuestLink],
) -> Result<(), NetworkError> {
    thread::scope(|scope| {
        let inside = || {
            setns(namespace, CloneFlags::CLONE_NEWNET)
                .map_err(|errno| NetworkError::EnterNamespace(errno.into()))?;
            set_namespace_up(plan, links)
        };
        thread::Builder::new()
            .name("guest-network".to_owned())
            .spawn_scoped(scope, inside)
            .map_err(NetworkError::Thread)?
            .join()
            .unwrap_or(Err(NetworkError::ThreadEnded))
    })
}

fn set_namespace_up(plan: &NetworkPlan, links: &[GuestLink]) -> Result<(), NetworkError> {
    let mut netlink = Netlink::open().map_err(NetworkError::Netlink)?;
    let loopback = index_of(&mut netlink, "lo")?;
    set_up(&mut netlink, loopback, "lo")?;
    let (first, last) = plan.ping_groups;
    sysctl::set("ipv4/ping_group_range", &format!("{first}\t{last}"))?;
    for given in &plan.unrouted {
        // Alone, whatever its prefix length: on `lo` its whole network would be the guest itself.
        let alone = GuestAddress {
            prefix: domain::interface::max_prefix(given.address),
            label: None,
            ..given.clone()
        };
        add(&mut netlink, loopback, "lo", &alone)?;
    }
    let mut has_default = Families { v4: false, v6: false };
    for (table, link) in (FIRST_TABLE..=u8::MAX).zip(links) {
        set_link_up(&mut netlink, link, table, &mut has_default)?;
    }
    Ok(())
}

/// Which address families have a default route in the main table.
struct Families {
    v4: bool,
    v6: bool,
}

/// Addresses and routes of one link. The first link of an address family has the main table's
/// default route. Another has a table of its own, by which packets from its addresses leave, and
/// no others: the host drops what comes from the wrong end.
fn set_link_up(
    netlink: &mut Netlink,
    link: &GuestLink,
    own_table: u8,
    has_default: &mut Families,
) -> Result<(), NetworkError> {
    let device = link.device.as_str();
    let index = match &link.end {
        LinkEnd::Host(_) => index_of(netlink, device)?,
        LinkEnd::Wire { made_as } => wire::name(netlink, made_as, device)?,
    };
    sysctl::set_if_there(&format!("ipv6/conf/{device}/accept_ra"), "0")?;
    match link.end {
        LinkEnd::Host(_) => set_up(netlink, index, device)?,
        LinkEnd::Wire { .. } => wire::set_up(netlink, index, device)?,
    }
    for given in &link.addresses {
        add(netlink, index, device, given)?;
        if matches!(link.end, LinkEnd::Wire { .. }) {
            wire::add_network(netlink, index, device, given, RouteHeader::RT_TABLE_MAIN)?;
        }
    }
    for gateway in link.gateways.iter().copied() {
        let has_default = if gateway.is_ipv4() { &mut has_default.v4 } else { &mut has_default.v6 };
        if gateway == IpAddr::V4(LINK_GATEWAY_V4)
            && let LinkEnd::Host(mac) = link.end
        {
            let entry = permanent_neighbour(index, gateway, mac);
            netlink
                .change(RouteNetlinkMessage::NewNeighbour(entry), NLM_F_CREATE | NLM_F_REPLACE)
                .map_err(|source| route_error(gateway, device, source))?;
        }
        let table = if *has_default { own_table } else { RouteHeader::RT_TABLE_MAIN };
        let route = default_route(index, gateway, table);
        netlink
            .change(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE | NLM_F_REPLACE)
            .map_err(|source| route_error(gateway, device, source))?;
        if *has_default {
            for given in &link.addresses {
                if given.address.is_ipv4() == gateway.is_ipv4() {
                    // The rule leads past the main table, and with it past its way to the neighbours.
                    if matches!(link.end, LinkEnd::Wire { .. }) {
                        wire::add_network(netlink, index, device, given, own_table)?;
                    }
                    add_rule(netlink, given.address, own_table)?;
                }
            }
        }
        *has_default = true;
    }
    Ok(())
}

fn route_error(gateway: IpAddr, device: &str, source: super::NetlinkError) -> NetworkError {
    let destination = match gateway {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    NetworkError::AddRoute { destination, prefix: 0, device: device.to_owned(), source }
}

/// "Packets from this address are routed by this table."
fn add_rule(netlink: &mut Netlink, address: IpAddr, table: u8) -> Result<(), NetworkError> {
    let mut rule = RuleMessage::default();
    rule.header.family = family(address);
    rule.header.src_len = domain::interface::max_prefix(address);
    rule.header.table = table;
    rule.header.action = RuleAction::ToTable;
    rule.attributes = vec![RuleAttribute::Source(address)];
    let flags = NLM_F_CREATE | NLM_F_EXCL;
    unless(netlink.change(RouteNetlinkMessage::NewRule(rule), flags), &[EEXIST])
        .map_err(|source| NetworkError::AddRule { address, source })
}

fn add(
    netlink: &mut Netlink,
    index: u32,
    device: &str,
    given: &GuestAddress,
) -> Result<(), NetworkError> {
    // The kernel takes 15 bytes; judged with the host's device, whose name may be shorter.
    let fits = |label: &&InterfaceLabel| device.len() + 1 + label.as_str().len() <= 15;
    let label = given.label.as_ref().filter(fits).map(|label| (device, label));
    add_address(netlink, index, given.address, given.prefix, label).map_err(|source| {
        NetworkError::AddAddress { address: given.address, device: device.to_owned(), source }
    })
}

fn index_of(netlink: &mut Netlink, device: &str) -> Result<u32, NetworkError> {
    let link = find(netlink, device).map_err(NetworkError::ListDevices)?;
    link.map(|link| link.index)
        .ok_or_else(|| NetworkError::NoDeviceInside { device: device.to_owned() })
}
