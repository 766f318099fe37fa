//! The objects of the kernel's routing part, one function each: links, addresses, routes, proxy
//! entries, rules. What they mean for a VServer is decided by the callers.

use std::net::{IpAddr, Ipv4Addr};

use domain::id::InterfaceLabel;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use netlink_packet_route::link::{
    InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::netlink::Netlink;
use super::{NetlinkError, NetworkError};

/// The interface group of the host ends of guests' veth pairs ("ul" in ASCII). Rules and counters
/// know them by it.
pub(super) const GUEST_GROUP: u32 = 0x756c;

pub(super) const ENOENT: i32 = 2;
pub(super) const ESRCH: i32 = 3;
pub(super) const EBUSY: i32 = 16;
pub(super) const EEXIST: i32 = 17;
pub(super) const ENODEV: i32 = 19;
pub(super) const EADDRINUSE: i32 = 98;

/// Who made a route, as `ip route` shows it: an administrator's tools use 4 (`static`), daemons
/// their own numbers.
const PROTOCOL: RouteProtocol = RouteProtocol::Static;

/// A link of the namespace asked.
pub(super) struct HostLink {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) up: bool,
    pub(super) ethernet: bool,
    /// A port of a bridge or bond.
    pub(super) is_port: bool,
    pub(super) group: u32,
    /// Its hardware address.
    pub(super) mac: Vec<u8>,
    pub(super) kind: Option<InfoKind>,
    pub(super) received_bytes: u64,
    pub(super) sent_bytes: u64,
}

impl HostLink {
    /// Reads a link from an answer; none when the answer is about something else.
    pub(super) fn of(message: &RouteNetlinkMessage) -> Option<Self> {
        let RouteNetlinkMessage::NewLink(message) = message else { return None };
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            up: message.header.flags.contains(LinkFlags::Up),
            ethernet: message.header.link_layer_type == LinkLayerType::Ether,
            is_port: false,
            group: 0,
            mac: Vec::new(),
            kind: None,
            received_bytes: 0,
            sent_bytes: 0,
        };
        for attribute in &message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name.clone_from(name),
                LinkAttribute::Group(group) => link.group = *group,
                LinkAttribute::Address(mac) => link.mac.clone_from(mac),
                LinkAttribute::Controller(_) => link.is_port = true,
                LinkAttribute::Stats64(stats) => {
                    link.received_bytes = stats.rx_bytes;
                    link.sent_bytes = stats.tx_bytes;
                }
                LinkAttribute::LinkInfo(infos) => {
                    link.kind = infos.iter().find_map(|info| match info {
                        LinkInfo::Kind(kind) => Some(kind.clone()),
                        _ => None,
                    });
                }
                _ => {}
            }
        }
        Some(link)
    }
}

/// An address of the namespace asked.
pub(super) struct HostAddress {
    /// The index of its link.
    pub(super) index: u32,
    pub(super) address: IpAddr,
    pub(super) prefix: u8,
}

/// Finds a link by name.
pub(super) fn find(netlink: &mut Netlink, name: &str) -> Result<Option<HostLink>, NetlinkError> {
    let mut message = LinkMessage::default();
    message.attributes = vec![LinkAttribute::IfName(name.to_owned())];
    match netlink.ask(RouteNetlinkMessage::GetLink(message)) {
        Ok(answer) => Ok(HostLink::of(&answer)),
        Err(error) if error.errno() == Some(ENODEV) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sets a link up.
pub(super) fn set_up(netlink: &mut Netlink, index: u32, name: &str) -> Result<(), NetworkError> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    netlink
        .change(RouteNetlinkMessage::SetLink(message), 0)
        .map_err(|source| NetworkError::SetUp { device: name.to_owned(), source })
}

/// Removes a link; one that is gone is no error.
pub(super) fn delete_link(netlink: &mut Netlink, index: u32) -> Result<(), NetlinkError> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    unless(netlink.change(RouteNetlinkMessage::DelLink(message), 0), &[ENODEV])
}

/// All addresses.
pub(super) fn addresses(netlink: &mut Netlink) -> Result<Vec<HostAddress>, NetworkError> {
    let answers = netlink
        .dump(&RouteNetlinkMessage::GetAddress(AddressMessage::default()))
        .map_err(NetworkError::ListAddresses)?;
    let mut found = Vec::new();
    for answer in answers {
        let RouteNetlinkMessage::NewAddress(message) = answer else { continue };
        // Where both are given, `Local` is ours and `Address` the peer's.
        let mut address = None;
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Local(local) => address = Some(*local),
                AddressAttribute::Address(other) => address = address.or(Some(*other)),
                _ => {}
            }
        }
        if let Some(address) = address {
            let prefix = message.header.prefix_len;
            found.push(HostAddress { index: message.header.index, address, prefix });
        }
    }
    Ok(found)
}

/// Puts an address on a link, usable at once. An IPv6 address brings no route for its network:
/// who is in it is reached through the host.
pub(super) fn add_address(
    netlink: &mut Netlink,
    index: u32,
    address: IpAddr,
    prefix: u8,
    label: Option<(&str, &InterfaceLabel)>,
) -> Result<(), NetlinkError> {
    let mut message = AddressMessage::default();
    message.header.family = family(address);
    message.header.prefix_len = prefix;
    message.header.index = index;
    message.header.scope = match address {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => AddressScope::Link,
        _ => AddressScope::Universe,
    };
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    match address {
        IpAddr::V4(v4) => {
            if let Some((device, label)) = label {
                message.attributes.push(AddressAttribute::Label(format!("{device}:{label}")));
            }
            if prefix < 31 {
                let host_bits = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
                let broadcast = Ipv4Addr::from_bits(v4.to_bits() | host_bits);
                message.attributes.push(AddressAttribute::Broadcast(broadcast));
            }
        }
        IpAddr::V6(v6) => {
            let mut flags = AddressFlags::Nodad;
            if !v6.is_unicast_link_local() {
                flags |= AddressFlags::Noprefixroute;
            }
            message.attributes.push(AddressAttribute::Flags(flags));
        }
    }
    let flags = NLM_F_CREATE | NLM_F_REPLACE;
    unless(netlink.change(RouteNetlinkMessage::NewAddress(message), flags), &[EEXIST])
}

/// A unicast route of the main table.
pub(super) fn route_to(destination: IpAddr, prefix: u8) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header.address_family = family(destination);
    route.header.destination_prefix_length = prefix;
    route.header.table = RouteHeader::RT_TABLE_MAIN;
    route.header.protocol = PROTOCOL;
    route.header.scope = RouteScope::Universe;
    route.header.kind = RouteType::Unicast;
    if prefix > 0 {
        route.attributes.push(RouteAttribute::Destination(destination.into()));
    }
    route
}

/// A route to a network that a device is connected to.
pub(super) fn network_route(index: u32, network: IpAddr, prefix: u8, metric: u32) -> RouteMessage {
    let mut route = route_to(network, prefix);
    route.header.scope = RouteScope::Link;
    route.attributes.push(RouteAttribute::Oif(index));
    route.attributes.push(RouteAttribute::Priority(metric));
    route
}

/// The default route over a link, through a gateway that is there whatever the addresses say.
pub(super) fn default_route(index: u32, gateway: IpAddr, table: u8) -> RouteMessage {
    let any = match gateway {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
    };
    let mut route = route_to(any, 0);
    route.header.table = table;
    route.header.flags = netlink_packet_route::route::RouteFlags::Onlink;
    route.attributes.push(RouteAttribute::Gateway(match gateway {
        IpAddr::V4(v4) => RouteAddress::Inet(v4),
        IpAddr::V6(v6) => RouteAddress::Inet6(v6),
    }));
    route.attributes.push(RouteAttribute::Oif(index));
    route
}

/// "Answer for this address on this link."
pub(super) fn proxy_entry(index: u32, address: IpAddr) -> NeighbourMessage {
    let mut entry = NeighbourMessage::default();
    entry.header.family = family(address);
    entry.header.ifindex = index;
    entry.header.flags = NeighbourFlags::Proxy;
    entry.header.kind = RouteType::Unicast;
    entry.attributes = vec![NeighbourAttribute::Destination(neighbour(address))];
    entry
}

/// "This address has this hardware address", for good.
pub(super) fn permanent_neighbour(index: u32, address: IpAddr, mac: [u8; 6]) -> NeighbourMessage {
    let mut entry = NeighbourMessage::default();
    entry.header.family = family(address);
    entry.header.ifindex = index;
    entry.header.state = NeighbourState::Permanent;
    entry.header.kind = RouteType::Unicast;
    entry.attributes = vec![
        NeighbourAttribute::Destination(neighbour(address)),
        NeighbourAttribute::LinkLayerAddress(mac.to_vec()),
    ];
    entry
}

/// Takes these refusals for success: what was wanted is so already.
pub(super) fn unless(result: Result<(), NetlinkError>, fine: &[i32]) -> Result<(), NetlinkError> {
    match result {
        Err(error) if error.errno().is_some_and(|errno| fine.contains(&errno)) => Ok(()),
        other => other,
    }
}

/// The address family of an address.
pub(super) fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn neighbour(address: IpAddr) -> NeighbourAddress {
    match address {
        IpAddr::V4(v4) => NeighbourAddress::Inet(v4),
        IpAddr::V6(v6) => NeighbourAddress::Inet6(v6),
    }
}
