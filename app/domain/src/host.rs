//! What a form must know of the host to judge what it is given.

use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::build::{BuildDefaults, SuiteDescription};
use crate::id::{
    Architecture, ContextId, DeviceName, DistributionName, HostName, MirrorUrl, Suite,
    TemplateName, VServerName,
};
use crate::init::{Init, InitStyle};

/// The network that gives addresses to VServers on a host that has none to spare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatNetwork {
    /// The device that stands for it on the host.
    pub device: DeviceName,
    /// Its gateway: the host's own address on it.
    pub gateway: Ipv4Addr,
    /// Its prefix length in bits.
    pub prefix: u8,
    /// The lowest address that nobody has, if one is left.
    pub next_free: Option<Ipv4Addr>,
}

/// Facts about the host that forms and the engine judge input by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// The host's own suite: the default for a new VServer.
    pub suite: Suite,
    /// Suites the host's debootstrap has a script for, sorted.
    pub suites: Vec<Suite>,
    /// The mirror used when none is given.
    pub mirror: MirrorUrl,
    /// The host's architecture.
    pub architecture: Architecture,
    /// What pid 1 can be on this host; the first is the default.
    pub inits: Vec<Init>,
    /// The NAT network.
    pub nat: NatNetwork,
    /// Network devices a VServer's address may live on, without the NAT network's.
    pub devices: Vec<DeviceName>,
    /// Addresses of the host itself.
    pub host_addresses: Vec<IpAddr>,
    /// Context numbers in use or reserved.
    pub contexts: Vec<(ContextId, VServerName)>,
    /// Addresses in use or reserved.
    pub addresses: Vec<(IpAddr, VServerName)>,
    /// Names in use or reserved.
    pub names: Vec<VServerName>,
    /// Host names in use.
    pub host_names: Vec<(HostName, VServerName)>,
    /// The number that automatic numbering would give next.
    pub next_context: Option<ContextId>,
    /// Where guest files live, for the list of files a build writes.
    pub guest_base: String,
    /// Where config trees live.
    pub config_base: String,
    /// Where the files of running VServers live.
    pub run_base: String,
    /// The init style of each VServer: what a copy of it has.
    pub styles: Vec<(VServerName, InitStyle)>,
    /// RPM distributions that are described, sorted.
    pub distributions: Vec<DistributionName>,
    /// Templates that are kept, sorted.
    pub templates: Vec<TemplateName>,
    /// Whether files in the guest base can be had twice without a copy.
    pub shares_blocks: bool,
    /// Whether `.defaults/apps/build/options` or `.defaults/apps/debootstrap/options` says something.
    pub has_default_options: bool,
    /// What every new VServer is given.
    pub defaults: BuildDefaults,
    /// What the administrator has described of suites.
    pub described_suites: Vec<SuiteDescription>,
    /// Whether the host has dnf, which installs RPM distributions.
    pub has_dnf: bool,
    /// The host's name, to make a default host name from.
    pub host_domain: Option<String>,
}

impl HostFacts {
    /// Who calls itself so, if anybody does; host names are told apart without regard to case.
    #[must_use]
    pub fn host_name_taken_by(&self, name: &HostName) -> Option<&VServerName> {
        let mut taken = self.host_names.iter();
        taken.find(|(one, _)| one.as_str().eq_ignore_ascii_case(name.as_str())).map(|(_, by)| by)
    }
}
