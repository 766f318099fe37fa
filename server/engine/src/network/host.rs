//! The host's side of a VServer's network: veth pairs, routes, proxy entries.
//!
//! Invariants: only links of [`GUEST_GROUP`] are ever removed; an address of the host is never
//! touched, and an address that is the host's or another guest's is refused (B5).

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsRawFd;

use domain::id::DeviceName;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteScope};

use super::guest::{self, GuestLink, LinkEnd};
use super::netlink::Netlink;
use super::objects::{
    EEXIST, ENODEV, ENOENT, ESRCH, GUEST_GROUP, HostAddress, HostLink, add_address, addresses,
    delete_link, find, network_route, proxy_entry, route_to, set_up, unless,
};
use super::plan::{AppliedLink, LinkPlan, Uplink, network_of};
use super::{
    AppliedNetwork, LINK_GATEWAY_V4, LINK_GATEWAY_V6, NetworkError, NetworkPlan, nat, sysctl, wire,
};

/// Applies a plan: host side, and inside the namespace of the process `guest_pid`. Applying twice
/// is the same as once. On an error everything of the plan is undone.
///
/// # Errors
/// When an address is the host's or taken, a device is missing, or the kernel refuses.
pub fn apply(plan: &NetworkPlan, guest_pid: u32) -> Result<AppliedNetwork, NetworkError> {
    let namespace = File::open(format!("/proc/{guest_pid}/ns/net"))
        .map_err(|source| NetworkError::OpenNamespace { pid: guest_pid, source })?;
    let record = plan.record();
    match apply_in(plan, &record, &namespace) {
        Ok(()) => Ok(record),
        Err(error) => {
            if let Err(error) = undo(&record) {
                tracing::warn!(%error, context = %u32::from(plan.context), "undoing a network");
            }
            Err(error)
        }
    }
}

fn apply_in(
    plan: &NetworkPlan,
    record: &AppliedNetwork,
    namespace: &File,
) -> Result<(), NetworkError> {
    let mut inside = Vec::new();
    if !plan.links.is_empty() || !plan.wires.is_empty() {
        let mut netlink = Netlink::open().map_err(NetworkError::Netlink)?;
        refuse_addresses_of_host(&mut netlink, plan)?;
        if !plan.links.is_empty() {
            prepare_host(plan)?;
        }
        let host_addresses = addresses(&mut netlink)?;
        for (number, (link, applied)) in plan.links.iter().zip(&record.links).enumerate() {
            let number = u8::try_from(number).unwrap_or(u8::MAX);
            let pair = Pair { plan, link, applied, number, namespace };
            inside.push(pair.apply(&mut netlink, &host_addresses)?);
        }
        for wire in &plan.wires {
            inside.push(wire::make(&mut netlink, plan.context, wire, namespace)?);
        }
    }
    guest::configure(namespace, plan, &inside)
}

/// An address of the host must not lead into a guest: stopping it would cut the host off.
fn refuse_addresses_of_host(netlink: &mut Netlink, plan: &NetworkPlan) -> Result<(), NetworkError> {
    let of_host = addresses(netlink)?;
    let on_links = plan.links.iter().flat_map(|link| &link.addresses);
    for given in on_links.chain(plan.wires.iter().flat_map(|wire| &wire.addresses)) {
        if of_host.iter().any(|found| found.address == given.address) {
            return Err(NetworkError::AddressOfHost { address: given.address });
        }
    }
    Ok(())
}

/// What all guests share: forwarding, the NAT network, the rules.
fn prepare_host(plan: &NetworkPlan) -> Result<(), NetworkError> {
    sysctl::forward_v4()?;
    if plan.has_v6() {
        sysctl::forward_v6()?;
    }
    if plan.uses_nat() {
        return nat::ensure_nat(&plan.nat);
    }
    match nat::ensure_rules(&plan.nat) {
        // Without nft a guest with addresses in LANs only can do: rp_filter alone judges what it
        // sends over IPv4.
        Err(error @ (NetworkError::StartNft(_) | NetworkError::LoadRules { .. })) => {
            tracing::warn!(%error, "no rules against packets in another's name");
            Ok(())
        }
        other => other,
    }
}

/// One veth pair being applied.
struct Pair<'a> {
    plan: &'a NetworkPlan,
    link: &'a LinkPlan,
    applied: &'a AppliedLink,
    number: u8,
    namespace: &'a File,
}

impl Pair<'_> {
    fn apply(
        &self,
        netlink: &mut Netlink,
        host_addresses: &[HostAddress],
    ) -> Result<GuestLink, NetworkError> {
        let uplink = match &self.link.uplink {
            Uplink::Nat(_) => None,
            Uplink::Device(device) => Some(
                find(netlink, device.as_str())
                    .map_err(NetworkError::ListDevices)?
                    .ok_or_else(|| NetworkError::NoSuchDevice { device: device.clone() })?,
            ),
        };
        let host_mac = self.make(netlink)?;
        let index = find(netlink, self.link.host_device.as_str())
            .map_err(NetworkError::ListDevices)?
            .ok_or_else(|| NetworkError::NoSuchDevice { device: self.link.host_device.clone() })?
            .index;
        self.set_sysctls()?;
        if self.link.has_v6() {
            let gateway = IpAddr::V6(LINK_GATEWAY_V6);
            add_address(netlink, index, gateway, 64, None).map_err(|source| {
                NetworkError::AddAddress {
                    address: gateway,
                    device: self.link.host_device.to_string(),
                    source,
                }
            })?;
        }
        let source_v4 = match (&self.link.uplink, &uplink) {
            (Uplink::Nat(nat), _) => Some(nat.gateway),
            (_, Some(uplink)) => self.host_address_beside(uplink.index, host_addresses),
            (_, None) => None,
        };
        for address in &self.applied.addresses {
            self.add_guest_route(netlink, index, *address, source_v4)?;
        }
        if let Some(uplink) = uplink {
            self.join_lan(netlink, &uplink, host_addresses)?;
        }
        let mut gateways = Vec::new();
        if self.link.has_v4() {
            gateways.push(IpAddr::V4(source_v4.unwrap_or(LINK_GATEWAY_V4)));
        }
        if self.link.has_v6() {
            gateways.push(IpAddr::V6(LINK_GATEWAY_V6));
        }
        Ok(GuestLink {
            device: self.link.guest_device.clone(),
            addresses: self.link.addresses.clone(),
            gateways,
            end: LinkEnd::Host(host_mac),
        })
    }

    /// Makes the pair, the guest's end at once in the guest's namespace and under its final name.
    fn make(&self, netlink: &mut Netlink) -> Result<[u8; 6], NetworkError> {
        remove_pair(netlink, &self.link.host_device)?;
        let [high, low] = self.plan.context.get().to_be_bytes();
        let mac = |end: u8| [end, b'u', b'l', high, low, self.number];
        // Locally administered; the same at every start, so that nobody's tables go stale.
        let (host_mac, guest_mac) = (mac(0x02), mac(0x06));
        // The guest's end is set up from inside: while the pair is being made it has no other end.
        let mut peer = LinkMessage::default();
        peer.attributes = vec![
            LinkAttribute::IfName(self.link.guest_device.to_string()),
            LinkAttribute::Address(guest_mac.to_vec()),
            LinkAttribute::NumTxQueues(1),
            LinkAttribute::NumRxQueues(1),
            LinkAttribute::NetNsFd(self.namespace.as_raw_fd()),
        ];
        let mut message = LinkMessage::default();
        message.header.flags = LinkFlags::Up;
        message.header.change_mask = LinkFlags::Up;
        message.attributes = vec![
            LinkAttribute::IfName(self.link.host_device.to_string()),
            LinkAttribute::Address(host_mac.to_vec()),
            LinkAttribute::Group(GUEST_GROUP),
            // One queue will do; without a word there would be one for each CPU.
            LinkAttribute::NumTxQueues(1),
            LinkAttribute::NumRxQueues(1),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Veth),
                LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
            ]),
        ];
        netlink.change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL).map_err(
            |source| NetworkError::MakePair { device: self.link.host_device.clone(), source },
        )?;
        Ok(host_mac)
    }

    fn set_sysctls(&self) -> Result<(), NetworkError> {
        let device = &self.link.host_device;
        // A packet whose answer would not go back this way was not sent by this guest.
        sysctl::set(&format!("ipv4/conf/{device}/rp_filter"), "1")?;
        // Everybody is behind the host.
        sysctl::set(&format!("ipv4/conf/{device}/proxy_arp"), "1")?;
        sysctl::set(&format!("ipv4/neigh/{device}/proxy_delay"), "0")?;
        sysctl::set(&format!("ipv4/conf/{device}/forwarding"), "1")?;
        sysctl::set(&format!("ipv4/conf/{device}/send_redirects"), "0")?;
        if self.link.has_v6() {
            sysctl::set(&format!("ipv6/conf/{device}/disable_ipv6"), "0")?;
            sysctl::set(&format!("ipv6/conf/{device}/accept_ra"), "0")
        } else {
            sysctl::set_if_there(&format!("ipv6/conf/{device}/disable_ipv6"), "1")
        }
    }

    /// The host's own address on a device, in a network the guest has an address of.
    fn host_address_beside(&self, device: u32, host_addresses: &[HostAddress]) -> Option<Ipv4Addr> {
        let beside = |found: &&HostAddress| {
            found.index == device
                && self.link.addresses.iter().any(|given| {
                    given.address.is_ipv4() == found.address.is_ipv4()
                        && network_of(given.address, found.prefix)
                            == network_of(found.address, found.prefix)
                })
        };
        host_addresses.iter().filter(beside).find_map(|found| match found.address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
    }

    fn add_guest_route(
        &self,
        netlink: &mut Netlink,
        index: u32,
        address: IpAddr,
        source_v4: Option<Ipv4Addr>,
    ) -> Result<(), NetworkError> {
        let prefix = domain::interface::max_prefix(address);
        let mut route = route_to(address, prefix);
        route.header.scope = RouteScope::Link;
        route.attributes.push(RouteAttribute::Oif(index));
        if let (IpAddr::V4(_), Some(source)) = (address, source_v4) {
            route.attributes.push(RouteAttribute::PrefSource(RouteAddress::Inet(source)));
        }
        netlink.change(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE | NLM_F_EXCL).map_err(
            |source| match source.errno() {
                Some(EEXIST) => NetworkError::AddressInUse { address },
                _ => NetworkError::AddRoute {
                    destination: address,
                    prefix,
                    device: self.link.host_device.to_string(),
                    source,
                },
            },
        )
    }

    /// Answers for the guest's addresses in the LAN, and makes the LAN reachable where the host
    /// itself has no address in it.
    fn join_lan(
        &self,
        netlink: &mut Netlink,
        uplink: &HostLink,
        host_addresses: &[HostAddress],
    ) -> Result<(), NetworkError> {
        let Uplink::Device(device) = &self.link.uplink else { return Ok(()) };
        if !uplink.up {
            set_up(netlink, uplink.index, device.as_str())?;
        }
        sysctl::set(&format!("ipv4/conf/{device}/forwarding"), "1")?;
        if self.link.has_v6() {
            sysctl::set(&format!("ipv6/conf/{device}/proxy_ndp"), "1")?;
        }
        for address in &self.applied.addresses {
            netlink
                .change(
                    RouteNetlinkMessage::NewNeighbour(proxy_entry(uplink.index, *address)),
                    NLM_F_CREATE | NLM_F_REPLACE,
                )
                .map_err(|source| NetworkError::AddProxy {
                    address: *address,
                    device: device.clone(),
                    source,
                })?;
        }
        for (network, prefix) in &self.applied.networks {
            let connected = host_addresses.iter().any(|found| {
                found.index == uplink.index
                    && found.prefix == *prefix
                    && network_of(found.address, *prefix) == *network
            });
            if connected {
                continue;
            }
            let route = network_route(uplink.index, *network, *prefix, self.applied.metric);
            let made =
                netlink.change(RouteNetlinkMessage::NewRoute(route), NLM_F_CREATE | NLM_F_EXCL);
            unless(made, &[EEXIST]).map_err(|source| NetworkError::AddRoute {
                destination: *network,
                prefix: *prefix,
                device: device.to_string(),
                source,
            })?;
        }
        Ok(())
    }
}

/// Undoes what was applied. What is gone already is no error.
///
/// # Errors
/// When the kernel refuses.
pub fn undo(applied: &AppliedNetwork) -> Result<(), NetworkError> {
    if applied.links.is_empty() {
        return Ok(());
    }
    let mut netlink = Netlink::open().map_err(NetworkError::Netlink)?;
    for link in &applied.links {
        if let Some(device) = &link.proxy_device
            && let Some(uplink) =
                find(&mut netlink, device.as_str()).map_err(NetworkError::ListDevices)?
        {
            let failed = |source| NetworkError::Remove { device: device.clone(), source };
            for address in &link.addresses {
                let entry = proxy_entry(uplink.index, *address);
                let gone = netlink.change(RouteNetlinkMessage::DelNeighbour(entry), 0);
                unless(gone, &[ENOENT, ENODEV]).map_err(failed)?;
            }
            for (network, prefix) in &link.networks {
                let route = network_route(uplink.index, *network, *prefix, link.metric);
                let gone = netlink.change(RouteNetlinkMessage::DelRoute(route), 0);
                unless(gone, &[ESRCH, ENODEV]).map_err(failed)?;
            }
        }
        remove_pair(&mut netlink, &link.host_device)?;
    }
    Ok(())
}

/// Removes a veth pair of ours; a device of this name that is not ours is left alone.
fn remove_pair(netlink: &mut Netlink, device: &DeviceName) -> Result<(), NetworkError> {
    let failed = |source| NetworkError::Remove { device: device.clone(), source };
    match find(netlink, device.as_str()).map_err(failed)? {
        Some(link) if link.group == GUEST_GROUP => delete_link(netlink, link.index).map_err(failed),
        Some(_) => Err(NetworkError::NotOurs { device: device.clone() }),
        None => Ok(()),
    }
}
