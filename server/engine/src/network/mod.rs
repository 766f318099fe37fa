//! The network of VServers: a NAT network for hosts without spare addresses, and addresses in the
//! networks the host's own devices are connected to.
//!
//! A guest has a network namespace of its own. For each device that its interfaces name, a veth
//! pair leads there; the host routes the guest's addresses to its end (`/32`, `/128`) and answers
//! for everybody else on it (proxy ARP), so no address of the host is spent on it. For an address
//! in a LAN the host answers on the LAN's device too. The NAT network is a bridge without ports
//! that holds the gateway address, and one nftables table named after it.
//!
//! A guest that must be on the wire itself (a DHCP server, say: the host answers and forwards no
//! broadcast) gets a macvlan device there instead, with a hardware address of its own; the host and it do
//! not see each other over that device.
//!
//! Order for a start: [`NetworkPlan::new`], write [`NetworkPlan::record`] down, [`apply`] once the
//! guest's namespace exists. For a stop: [`undo`] from the record, never from the config tree.
//!
//! Not here: which address is free (`facts`), VLAN devices, the host's own firewall.

mod error;
mod guest;
mod host;
mod listing;
mod nat;
mod netlink;
mod objects;
mod plan;
mod sysctl;
mod wire;

pub use error::{NetlinkError, NetworkError};
pub use host::{apply, undo};
pub use listing::{Counters, counters, host_addresses, host_devices, statistics};
pub use nat::{ensure_nat, remove_nat};
pub use plan::{
    AppliedLink, AppliedNetwork, AppliedWire, GuestAddress, LINK_GATEWAY_V4, LINK_GATEWAY_V6,
    LinkPlan, NetworkPlan, PlanError, Uplink, WirePlan, is_guest_address,
};
