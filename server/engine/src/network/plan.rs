//! What a VServer's network is to be, worked out from its interfaces before anything is touched,
//! and the record of it that stopping works from.
//!
//! Pure: no I/O. Invariants:
//! - Everything that [`AppliedNetwork`] names was made by Ulysse for this one VServer: the host ends
//!   of its veth pairs (`v<context>.<n>`, more in a second instance), proxy entries for its addresses, routes with its metric.
//!   Undoing a record that was only partly applied is therefore harmless, and it can be written
//!   down before the first change is made.
//! - Interfaces on one host device share one veth pair, as they shared one device in the original; or
//!   one macvlan device, when one of them says that the VServer is to be on the wire.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::id::{ContextId, DeviceName, InterfaceLabel};
use domain::interface::{Device, Interface};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::roots::{IDS_PER_VSERVER, Nat, first_host_id};

/// The IPv4 address a guest's default route names where its device has no address of the host.
/// Nobody has it; the host end of the veth pair answers for it.
pub const LINK_GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);

/// The host's address on every veth pair that carries IPv6.
pub const LINK_GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// Routes of a VServer on the host have this metric plus its context number: they lose against
/// the host's own, and stopping one VServer removes only its own.
const METRIC_BASE: u32 = 0x0001_0000;

/// What a VServer's network is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkPlan {
    /// Whose.
    pub context: ContextId,
    /// One veth pair for each device that its interfaces name, in order of first mention.
    pub links: Vec<LinkPlan>,
    /// One macvlan device for each device on whose wire it is to be itself.
    pub wires: Vec<WirePlan>,
    /// Addresses on no device (`nodev`): they are the guest's, nothing routes them.
    pub unrouted: Vec<GuestAddress>,
    /// The host's group ids that may send pings from inside: the guest's own range.
    pub ping_groups: (u32, u32),
    /// The NAT network; its rules also judge what a guest sends elsewhere.
    pub nat: Nat,
}

/// One veth pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPlan {
    /// Its end on the host.
    pub host_device: DeviceName,
    /// Its end in the guest.
    pub guest_device: DeviceName,
    /// Where its addresses live.
    pub uplink: Uplink,
    /// Its addresses, in the order of the interfaces; at least one.
    pub addresses: Vec<GuestAddress>,
}

/// A macvlan device: the guest is on the wire of a device of the host's, with a hardware address of its
/// own and without the host in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WirePlan {
    /// The host's device, whose name the guest's has too.
    pub parent: DeviceName,
    /// Which of the guest's wires it is, from 0.
    pub number: u8,
    /// Its addresses, in the order of the interfaces; at least one.
    pub addresses: Vec<GuestAddress>,
}

/// Where addresses live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uplink {
    /// On the NAT network.
    Nat(Nat),
    /// In the network a device of the host is connected to.
    Device(DeviceName),
}

/// An address inside the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestAddress {
    /// The address.
    pub address: IpAddr,
    /// Its prefix length in bits.
    pub prefix: u8,
    /// Its label after `device:`, if any.
    pub label: Option<InterfaceLabel>,
}

/// What was, or is about to be, applied: all that undoing needs, so that undoing never reads the
/// config tree (it may have been edited since).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedNetwork {
    /// The veth pairs.
    pub links: Vec<AppliedLink>,
    /// The macvlan devices. They go with the guest's namespace: nothing of them is to be undone.
    #[serde(default)]
    pub wires: Vec<AppliedWire>,
}

/// An applied macvlan device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedWire {
    /// The host's device.
    pub parent: DeviceName,
    /// The guest's addresses.
    pub addresses: Vec<IpAddr>,
}

/// One applied veth pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedLink {
    /// Its end on the host; the routes to the guest's addresses go with it.
    pub host_device: DeviceName,
    /// The device on which the host answers for the guest's addresses; none on the NAT network.
    pub proxy_device: Option<DeviceName>,
    /// The guest's addresses.
    pub addresses: Vec<IpAddr>,
    /// Networks that the host reaches over `proxy_device` for this guest: network, prefix length.
    pub networks: Vec<(IpAddr, u8)>,
    /// The metric of the routes to `networks`.
    pub metric: u32,
}

/// Why interfaces make no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The same address twice.
    #[error("address {address} is given twice")]
    AddressTwice {
        /// Which.
        address: IpAddr,
    },
    /// An address on the NAT network's device that is not of its subnet, or is the gateway, the
    /// network or the broadcast address.
    #[error("address {address} is not one of a guest on {device}")]
    NotOfNat {
        /// Which.
        address: IpAddr,
        /// The NAT network's device.
        device: DeviceName,
        /// The network, as address and length.
        network: Box<str>,
        /// The host's own address on it.
        gateway: Ipv4Addr,
    },
    /// More devices than names can be made for.
    #[error("more than {limit} devices")]
    TooManyDevices {
        /// The most.
        limit: usize,
    },
}

/// The most devices one VServer's interfaces may name.
pub(super) const MAX_LINKS: usize = 64;

impl NetworkPlan {
    /// Works out the network of a VServer that is to be on the wire of the devices `on_wire` itself. The NAT
    /// network has no wire.
    ///
    /// # Errors
    /// When an address is given twice, is not of the NAT network it is on, or devices are too many.
    pub fn new(
        context: ContextId,
        interfaces: &[Interface],
        on_wire: &[DeviceName],
        nat: &Nat,
    ) -> Result<Self, PlanError> {
        let mut unrouted = Vec::new();
        let mut grouped: Vec<(&DeviceName, Vec<GuestAddress>)> = Vec::new();
        for (index, interface) in interfaces.iter().enumerate() {
            let earlier = interfaces.iter().take(index);
            if earlier.clone().any(|other| other.address == interface.address) {
                return Err(PlanError::AddressTwice { address: interface.address });
            }
            let address = GuestAddress {
                address: interface.address,
                prefix: interface.prefix_or_host(),
                label: interface.label.clone(),
            };
            match &interface.device {
                Device::Named(device) if device.as_str() != "lo" => {
                    if *device == nat.device && !is_guest_address(nat, interface.address) {
                        return Err(PlanError::NotOfNat {
                            address: interface.address,
                            device: device.clone(),
                            network: nat_network(nat).into(),
                            gateway: nat.gateway,
                        });
                    }
                    match grouped.iter_mut().find(|(known, _)| *known == device) {
                        Some((_, addresses)) => addresses.push(address),
                        None => grouped.push((device, vec![address])),
                    }
                }
                Device::Named(_) | Device::None => unrouted.push(address),
            }
        }
        if grouped.len() > MAX_LINKS {
            return Err(PlanError::TooManyDevices { limit: MAX_LINKS });
        }
        let taken: Vec<DeviceName> = grouped
            .iter()
            .filter(|(device, _)| **device != nat.device)
            .map(|(device, _)| (*device).clone())
            .collect();
        let (mut links, mut wires) = (Vec::new(), Vec::new());
        for (index, (device, addresses)) in grouped.into_iter().enumerate() {
            if *device != nat.device && on_wire.contains(device) {
                let number = u8::try_from(wires.len()).unwrap_or(u8::MAX);
                wires.push(WirePlan { parent: device.clone(), number, addresses });
                continue;
            }
            let Ok(host_device) = host_device_name(context, index, nat).parse() else {
                return Err(PlanError::TooManyDevices { limit: MAX_LINKS });
            };
            let on_nat = *device == nat.device;
            let guest_device = if on_nat {
                first_free_ethernet(&taken).ok_or(PlanError::TooManyDevices { limit: MAX_LINKS })?
            } else {
                device.clone()
            };
            let uplink =
                if on_nat { Uplink::Nat(nat.clone()) } else { Uplink::Device(device.clone()) };
            links.push(LinkPlan { host_device, guest_device, uplink, addresses });
        }
        let first_group = first_host_id(context);
        Ok(Self {
            context,
            nat: nat.clone(),
            links,
            wires,
            unrouted,
            ping_groups: (first_group, first_group + (IDS_PER_VSERVER - 1)),
        })
    }

    /// Whether an address is on the NAT network.
    #[must_use]
    pub fn uses_nat(&self) -> bool {
        self.links.iter().any(|link| matches!(link.uplink, Uplink::Nat(_)))
    }

    /// Whether an IPv6 address is routed.
    #[must_use]
    pub fn has_v6(&self) -> bool {
        self.links.iter().any(LinkPlan::has_v6)
    }

    /// What applying this plan makes. Known beforehand, so that it can be recorded first.
    #[must_use]
    pub fn record(&self) -> AppliedNetwork {
        let metric = METRIC_BASE + u32::from(self.context.get());
        AppliedNetwork {
            links: self
                .links
                .iter()
                .map(|link| AppliedLink {
                    host_device: link.host_device.clone(),
                    proxy_device: match &link.uplink {
                        Uplink::Nat(_) => None,
                        Uplink::Device(device) => Some(device.clone()),
                    },
                    addresses: link.addresses.iter().map(|given| given.address).collect(),
                    networks: match &link.uplink {
                        Uplink::Nat(_) => Vec::new(),
                        Uplink::Device(_) => networks_of(&link.addresses),
                    },
                    metric,
                })
                .collect(),
            wires: self
                .wires
                .iter()
                .map(|wire| AppliedWire {
                    parent: wire.parent.clone(),
                    addresses: wire.addresses.iter().map(|given| given.address).collect(),
                })
                .collect(),
        }
    }
}

impl LinkPlan {
    /// Whether it carries IPv4.
    #[must_use]
    pub fn has_v4(&self) -> bool {
        self.addresses.iter().any(|given| given.address.is_ipv4())
    }

    /// Whether it carries IPv6.
    #[must_use]
    pub fn has_v6(&self) -> bool {
        self.addresses.iter().any(|given| given.address.is_ipv6())
    }
}

/// The name of a veth pair's end on the host. A second instance of Ulysse beside the first has the
/// same context numbers; it has another NAT device, and by that other names.
fn host_device_name(context: ContextId, index: usize, nat: &Nat) -> String {
    let context = context.get();
    if nat.device == Nat::default().device {
        return format!("v{context}.{index}");
    }
    let [first, second, ..] = <[u8; 32]>::from(Sha256::digest(nat.device.as_str()));
    format!("v{first:02x}{second:02x}-{context}.{index}")
}

/// `eth0`, or the first `ethN` that is not taken by a device of the host's own name.
fn first_free_ethernet(taken: &[DeviceName]) -> Option<DeviceName> {
    (0..=MAX_LINKS)
        .filter_map(|number| format!("eth{number}").parse::<DeviceName>().ok())
        .find(|name| !taken.contains(name))
}

/// The NAT network, as address and length.
pub(super) fn nat_network(nat: &Nat) -> String {
    format!("{}/{}", network_of(IpAddr::V4(nat.gateway), nat.prefix), nat.prefix)
}

/// Whether an address is one that a guest may have on the NAT network.
#[must_use]
pub fn is_guest_address(nat: &Nat, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address else { return false };
    let mask = mask_v4(nat.prefix);
    let (network, host) = (nat.gateway.to_bits() & mask, address.to_bits() & !mask);
    address.to_bits() & mask == network && host != 0 && host != !mask && address != nat.gateway
}

/// The distinct networks of addresses, without those that stand alone.
fn networks_of(addresses: &[GuestAddress]) -> Vec<(IpAddr, u8)> {
    let mut networks = Vec::new();
    for given in addresses {
        let network = (network_of(given.address, given.prefix), given.prefix);
        let alone = given.prefix >= domain::interface::max_prefix(given.address);
        if !alone && given.prefix > 0 && !networks.contains(&network) {
            networks.push(network);
        }
    }
    networks
}

/// The network address of `address/prefix`.
#[must_use]
pub(super) fn network_of(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask_v4(prefix))),
        IpAddr::V6(address) => {
            let shift = 128_u32.saturating_sub(u32::from(prefix));
            let mask = u128::MAX.checked_shl(shift).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

/// The netmask of a prefix length.
fn mask_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(prefix))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(interfaces: &[&str]) -> Result<NetworkPlan, PlanError> {
        let interfaces: Vec<Interface> =
            interfaces.iter().map(|text| text.parse().unwrap()).collect();
        let context = ContextId::try_from(40001).unwrap();
        NetworkPlan::new(context, &interfaces, &["lan0".parse().unwrap()], &Nat::default())
    }

    #[test]
    fn one_pair_for_each_device_and_its_name_inside() {
        let plan = plan(&[
            "nat0:10.127.0.5/24",
            "a=eth0:192.0.2.50/24",
            "eth0:192.0.2.51/24",
            "nodev:10.9.9.9",
            "eth0.7:10.0.7.2/24",
        ])
        .unwrap();
        let names: Vec<_> = plan
            .links
            .iter()
            .map(|l| (l.host_device.as_str(), l.guest_device.as_str(), l.addresses.len()))
            .collect();
        assert_eq!(
            names,
            [("v40001.0", "eth1", 1), ("v40001.1", "eth0", 2), ("v40001.2", "eth0.7", 1)]
        );
        assert_eq!(plan.unrouted.len(), 1);
        assert!(plan.uses_nat() && !plan.has_v6());
        let record = plan.record();
        assert_eq!(record.links[0].proxy_device, None);
        assert_eq!(record.links[1].networks, [("192.0.2.0".parse().unwrap(), 24)]);
        assert_eq!(record.links[1].metric, 0x10000 + 40001);
    }

    #[test]
    fn a_second_instance_has_other_devices() {
        let interfaces: Vec<Interface> = vec!["lan0:192.0.2.50/24".parse().unwrap()];
        let context = ContextId::try_from(40001).unwrap();
        let nat = Nat { device: "nat-other".parse().unwrap(), ..Nat::default() };
        let plan = NetworkPlan::new(context, &interfaces, &[], &nat).unwrap();
        let name = plan.links[0].host_device.as_str();
        assert!(name.ends_with("-40001.0") && name.len() <= 13, "{name}");
    }

    #[test]
    fn on_a_wire_is_a_device_of_its_own_and_no_pair() {
        let plan = plan(&["nat0:10.127.0.5/24", "lan0:192.0.2.50/24", "x=lan0:192.0.2.51/24"]);
        let plan = plan.unwrap();
        assert_eq!((plan.links.len(), plan.wires.len()), (1, 1));
        assert_eq!((plan.wires[0].number, plan.wires[0].addresses.len()), (0, 2));
        assert_eq!(plan.record().wires[0].parent.as_str(), "lan0");
        // Records of an earlier Ulysse know of none.
        let earlier: AppliedNetwork = serde_json::from_str(r#"{"links":[]}"#).unwrap();
        assert_eq!(earlier, AppliedNetwork::default());
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert!(matches!(
            plan(&["eth0:192.0.2.5", "nodev:192.0.2.5"]),
            Err(PlanError::AddressTwice { .. })
        ));
        for address in ["10.127.0.1", "10.127.0.0", "10.127.0.255", "10.128.0.4", "2001:db8::1"] {
            let result = plan(&[&format!("nat0:{address}")]);
            assert!(matches!(result, Err(PlanError::NotOfNat { .. })), "{address}: {result:?}");
        }
    }

    #[test]
    fn networks() {
        assert_eq!(network_of("10.1.2.3".parse().unwrap(), 8).to_string(), "10.0.0.0");
        assert_eq!(network_of("10.1.2.3".parse().unwrap(), 0).to_string(), "0.0.0.0");
        assert_eq!(network_of("2001:db8::7".parse().unwrap(), 64).to_string(), "2001:db8::");
        assert_eq!(network_of("2001:db8::7".parse().unwrap(), 0).to_string(), "::");
    }
}
