//! Why something about the network did not happen.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use domain::id::DeviceName;

/// Why an exchange with the kernel over netlink failed.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The socket could not be made.
    #[error("opening a netlink socket")]
    Open(#[source] io::Error),
    /// The request could not be sent.
    #[error("sending a netlink request")]
    Send(#[source] io::Error),
    /// The answer could not be received.
    #[error("receiving a netlink answer")]
    Receive(#[source] io::Error),
    /// The kernel refused.
    #[error("the kernel refused")]
    Refused(#[source] io::Error),
    /// The answer is not one.
    #[error("understanding a netlink answer")]
    Malformed(#[source] netlink_packet_core::DecodeError),
}

impl NetlinkError {
    /// The kernel's error number, when it refused.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused(error) => error.raw_os_error(),
            _ => None,
        }
    }
}

/// Why a network was not made, unmade or seen.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The interfaces make no network.
    #[error("planning the network")]
    Plan(#[from] super::PlanError),
    /// No socket to the kernel's routing part.
    #[error("talking to the kernel's routing part")]
    Netlink(#[source] NetlinkError),
    /// The host's devices could not be listed.
    #[error("listing network devices")]
    ListDevices(#[source] NetlinkError),
    /// The host's addresses could not be listed.
    #[error("listing addresses")]
    ListAddresses(#[source] NetlinkError),
    /// The host has no such device.
    #[error("the host has no network device {device}")]
    NoSuchDevice {
        /// Its name.
        device: DeviceName,
    },
    /// The guest's namespace has no such device.
    #[error("the guest has no network device {device}")]
    NoDeviceInside {
        /// Its name.
        device: String,
    },
    /// The device of the NAT network exists and is something else.
    #[error("network device {device} exists and is no bridge of ours")]
    NotOurs {
        /// Its name.
        device: DeviceName,
    },
    /// The address is the host's own.
    #[error("address {address} is the host's own")]
    AddressOfHost {
        /// Which.
        address: IpAddr,
    },
    /// The host routes the address to another guest already.
    #[error("address {address} is in use on this host")]
    AddressInUse {
        /// Which.
        address: IpAddr,
    },
    /// The bridge of the NAT network.
    #[error("making bridge {device}")]
    MakeBridge {
        /// Its name.
        device: DeviceName,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// A veth pair.
    #[error("making veth pair {device}")]
    MakePair {
        /// Its host end.
        device: DeviceName,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// A macvlan device.
    #[error("making a macvlan device on {device}")]
    MakeMacvlan {
        /// The host's device.
        device: DeviceName,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// The host's routes could not be listed.
    #[error("listing routes")]
    ListRoutes(#[source] NetlinkError),
    /// A device up.
    #[error("setting {device} up")]
    SetUp {
        /// Which.
        device: String,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// An address on a device.
    #[error("adding address {address} to {device}")]
    AddAddress {
        /// Which.
        address: IpAddr,
        /// Where.
        device: String,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// A route.
    #[error("adding a route to {destination}/{prefix} over {device}")]
    AddRoute {
        /// To where.
        destination: IpAddr,
        /// Its prefix length in bits.
        prefix: u8,
        /// Over which device.
        device: String,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// A policy routing rule.
    #[error("adding a rule for packets from {address}")]
    AddRule {
        /// From which address.
        address: IpAddr,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// A proxy entry.
    #[error("answering for {address} on {device}")]
    AddProxy {
        /// For which address.
        address: IpAddr,
        /// Where.
        device: DeviceName,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// Something that should go away did not.
    #[error("removing what belongs to {device}")]
    Remove {
        /// The device it is about.
        device: DeviceName,
        /// Why.
        #[source]
        source: NetlinkError,
    },
    /// A kernel setting.
    #[error("writing {path}")]
    Sysctl {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The guest's namespace could not be opened.
    #[error("opening the network namespace of process {pid}")]
    OpenNamespace {
        /// Whose.
        pid: u32,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The thread that works in the guest's namespace could not be started.
    #[error("starting a thread")]
    Thread(#[source] io::Error),
    /// The guest's namespace could not be entered.
    #[error("entering the guest's network namespace")]
    EnterNamespace(#[source] io::Error),
    /// The thread that worked in the guest's namespace came to a bad end.
    #[error("configuring the network inside the guest")]
    ThreadEnded,
    /// The program nft could not be started.
    #[error("starting nft")]
    StartNft(#[source] io::Error),
    /// The program nft did not load the rules.
    #[error("loading the rules of {device}: {said}")]
    LoadRules {
        /// The NAT network's device.
        device: DeviceName,
        /// What nft said, cut.
        said: String,
    },
}
