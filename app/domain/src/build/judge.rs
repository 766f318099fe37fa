//! The judgement of single values of a build form: each against what its type takes, and against the
//! host.

use std::net::{IpAddr, Ipv4Addr};

use super::Method;
use super::cpuset::{CpuList, Cpuset};
use super::form::{AtHost, BuildForm, is_on};
use crate::field::Problem;
use crate::host::{HostFacts, NatNetwork};
use crate::id::{Architecture, ContextId, DeviceName, HostName, Suite, VServerName, Variant};
use crate::init::Init;
use crate::interface::{Device, Interface};

/// Most packages one build may name, and most interfaces.
const MAX_PACKAGES: usize = 200;
const MAX_INTERFACES: usize = 16;

pub(super) fn or_default<T>(text: &str, default: &T) -> Result<T, Problem>
where
    T: Clone + core::str::FromStr<Err = Problem>,
{
    if text.is_empty() { Ok(default.clone()) } else { text.parse() }
}

pub(crate) fn judge_name(
    text: &str,
    host: &HostFacts,
    at_host: &AtHost,
) -> Result<VServerName, Problem> {
    let name: VServerName = text.parse()?;
    let is_taken = host.names.contains(&name) && !at_host.replaces;
    if is_taken { Err(Problem::NameTaken) } else { Ok(name) }
}

pub(super) fn judge_suite(
    text: &str,
    host: &HostFacts,
    has_script: bool,
) -> Result<Suite, Problem> {
    let suite = or_default(text, &host.suite)?;
    if host.suites.is_empty() || has_script || host.suites.contains(&suite) {
        Ok(suite)
    } else {
        Err(Problem::NoSuiteScript)
    }
}

pub(super) fn judge_script(text: &str, host: &HostFacts) -> Result<Option<Suite>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    judge_suite(text, host, false).map(Some)
}

/// Reads items, one a line: blanks and commas are theirs.
pub(super) fn parse_lines<T: core::str::FromStr<Err = Problem>>(
    text: &str,
) -> Result<Vec<T>, Problem> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let parse = |line: &&str| line.parse().map_err(|problem| of_item(line, lines.len(), problem));
    lines.iter().map(parse).collect()
}

/// Reads items separated by blanks or commas.
pub(super) fn parse_words<T: core::str::FromStr<Err = Problem>>(
    text: &str,
) -> Result<Vec<T>, Problem> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let parse = |word: &&str| word.parse().map_err(|problem| of_item(word, words.len(), problem));
    words.iter().map(parse).collect()
}

/// A problem of one of several items says which.
pub(crate) fn of_item(item: &str, items: usize, problem: Problem) -> Problem {
    if items < 2 {
        return problem;
    }
    Problem::OfItem { item: item.to_owned(), problem: Box::new(problem) }
}

/// Packages of one kind, sorted, each once.
pub(super) fn judge_packages<T>(text: &str) -> Result<Vec<T>, Problem>
where
    T: core::str::FromStr<Err = Problem> + Ord,
{
    let mut packages: Vec<T> = parse_words(text)?;
    packages.sort();
    packages.dedup();
    if packages.len() > MAX_PACKAGES {
        return Err(Problem::OutOfRange { min: 0, max: MAX_PACKAGES as u64 });
    }
    Ok(packages)
}

pub(super) fn judge_variant(text: &str) -> Result<Option<Variant>, Problem> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// The host's own architecture. The older one that its processor runs as well cannot be filtered as VServers
/// are: what its programs ask of the kernel lies in memory, where a filter does not look.
pub(super) fn judge_architecture(text: &str, host: &HostFacts) -> Result<Architecture, Problem> {
    let architecture = or_default(text, &host.architecture)?;
    if architecture == host.architecture {
        return Ok(architecture);
    }
    Err(Problem::NotAChoice { choices: vec![host.architecture.to_string()] })
}

/// What was chosen, else what the copied VServer has, else what this host runs.
pub(super) fn judge_init(
    text: &str,
    host: &HostFacts,
    method: Option<&Method>,
) -> Result<Init, Problem> {
    let copied = method.and_then(Method::copied_vserver);
    let of_source = copied
        .and_then(|source| host.styles.iter().find(|(name, _)| name == source))
        .and_then(|(_, style)| Init::ALL.into_iter().find(|init| init.style() == *style));
    let init = match (text, of_source, host.inits.first()) {
        // What runs there runs here: it need not be systemd.
        ("", Some(init), _) => return Ok(init),
        ("", None, Some(first)) => *first,
        ("", None, None) => return Err(Problem::InitNotRunnable),
        (text, of_source, _) => {
            let init = text.parse()?;
            if of_source == Some(init) {
                return Ok(init);
            }
            init
        }
    };
    let is_installed = matches!(method, Some(Method::Debootstrap { .. } | Method::Yum { .. }));
    if is_installed && !Init::INSTALLED.contains(&init) {
        let choices = Init::INSTALLED.iter().map(ToString::to_string).collect();
        return Err(Problem::NotAChoice { choices });
    }
    if host.inits.contains(&init) { Ok(init) } else { Err(Problem::InitNotRunnable) }
}

/// `own` is the VServer whose numbers and addresses count as free, because it is replaced.
pub(crate) fn judge_context(
    text: &str,
    host: &HostFacts,
    own: Option<&VServerName>,
) -> Result<ContextId, Problem> {
    if text.is_empty() {
        return host.next_context.ok_or(Problem::NoFreeContext);
    }
    let context: ContextId = text.parse()?;
    match host.contexts.iter().find(|(taken, by)| *taken == context && Some(by) != own) {
        Some((_, by)) => Err(Problem::ContextTaken { context, by: by.clone() }),
        None => Ok(context),
    }
}

/// `Ok(None)` when the default cannot be made because the name itself is wrong: one mistake is
/// reported once.
pub(super) fn judge_host_name(
    text: &str,
    name: Option<&VServerName>,
) -> Result<Option<HostName>, Problem> {
    match (text, name) {
        ("", Some(name)) => crate::identity::default_host_name(name).map(Some),
        ("", None) => Ok(None),
        (text, _) => text.parse().map(Some),
    }
}

pub(super) fn judge_interfaces(
    text: &str,
    host: &HostFacts,
    own: Option<&VServerName>,
) -> Result<Vec<Interface>, Problem> {
    let typed: Vec<&str> = text.split_whitespace().collect();
    let parse = |item: &&str| item.parse().map_err(|problem| of_item(item, typed.len(), problem));
    let mut interfaces: Vec<Interface> = typed.iter().map(parse).collect::<Result<_, _>>()?;
    if interfaces.is_empty() {
        let address = host.nat.next_free.ok_or(Problem::NoFreeAddress)?;
        interfaces.push(Interface {
            label: None,
            device: Device::Named(host.nat.device.clone()),
            address: IpAddr::V4(address),
            prefix: Some(host.nat.prefix),
        });
    }
    if interfaces.len() > MAX_INTERFACES {
        return Err(Problem::OutOfRange { min: 0, max: MAX_INTERFACES as u64 });
    }
    for (index, interface) in interfaces.iter().enumerate() {
        match judge_interface(interface, host) {
            Err(Problem::AddressTaken { by, .. }) if Some(&by) == own => {}
            other => other
                .map_err(|problem| of_item(&interface.to_string(), interfaces.len(), problem))?,
        }
        if interfaces.iter().take(index).any(|other| other.address == interface.address) {
            return Err(Problem::AddressTwice { address: interface.address });
        }
    }
    Ok(interfaces)
}

/// Judges one interface against the host: its device exists, its address is nobody else's.
///
/// # Errors
/// What is wrong with it.
pub fn judge_interface(interface: &Interface, host: &HostFacts) -> Result<(), Problem> {
    let HostFacts { nat, devices, host_addresses, addresses, .. } = host;
    judge_place(interface, nat, devices, host_addresses, addresses)
}

/// The same, against these facts alone; `addresses` are those that others have.
///
/// # Errors
/// What is wrong with it.
pub fn judge_place(
    interface: &Interface,
    nat: &NatNetwork,
    devices: &[DeviceName],
    host_addresses: &[IpAddr],
    addresses: &[(IpAddr, VServerName)],
) -> Result<(), Problem> {
    let address = interface.address;
    if let Device::Named(device) = &interface.device {
        let is_known = *device == nat.device || devices.contains(device);
        if !is_known {
            return Err(Problem::NoSuchDevice {
                device: device.to_string(),
                devices: [&nat.device]
                    .into_iter()
                    .chain(devices)
                    .map(ToString::to_string)
                    .collect(),
            });
        }
    }
    let on_nat = interface.device == Device::Named(nat.device.clone());
    if is_network_itself(address, interface.prefix) || on_nat && !is_of_nat(address, nat) {
        return Err(Problem::AddressNotUsable { address });
    }
    if address == IpAddr::V4(nat.gateway) || host_addresses.contains(&address) {
        return Err(Problem::AddressOfHost { address });
    }
    match addresses.iter().find(|(taken, _)| *taken == address) {
        Some((_, by)) => Err(Problem::AddressTaken { address, by: by.clone() }),
        None => Ok(()),
    }
}

/// Whether an address names its whole network, or everybody in it, rather than one in it.
fn is_network_itself(address: IpAddr, prefix: Option<u8>) -> bool {
    let (IpAddr::V4(address), Some(prefix)) = (address, prefix) else { return false };
    let host_part = address.to_bits() & u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
    prefix < 31 && (host_part == 0 || host_part == u32::MAX >> prefix)
}

/// Whether an address is of the NAT network's subnet and not its first or last. The gateway is.
fn is_of_nat(address: IpAddr, nat: &NatNetwork) -> bool {
    let IpAddr::V4(v4) = address else { return false };
    let host_mask = u32::MAX.checked_shr(nat.prefix.into()).unwrap_or(0);
    v4.to_bits() & !host_mask == nat.gateway.to_bits() & !host_mask
        && !is_network_itself(address, Some(nat.prefix))
}

/// The broadcast address is computed from the network; one that is given must be just that.
pub(super) fn judge_broadcast(
    text: &str,
    interfaces: &[Interface],
) -> Result<Option<Ipv4Addr>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let given =
        text.parse::<Ipv4Addr>().map_err(|_| Problem::NotAnAddress { text: text.to_owned() })?;
    let expected = interfaces.iter().find_map(|interface| match interface.address {
        IpAddr::V4(address) => {
            let host_mask = u32::MAX.checked_shr(interface.prefix_or_host().into()).unwrap_or(0);
            Some(Ipv4Addr::from_bits(address.to_bits() | host_mask))
        }
        IpAddr::V6(_) => None,
    });
    match expected {
        Some(expected) if expected != given => Err(Problem::NotTheBroadcast { expected }),
        _ => Ok(Some(given)),
    }
}

pub(super) fn judge_cpu_list(text: &str) -> Result<Option<CpuList>, Problem> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some),
    }
}

pub(super) fn judge_cpuset(
    form: &BuildForm,
    cpus: Option<CpuList>,
    mems: Option<CpuList>,
) -> Result<Option<Cpuset>, Problem> {
    let is_virtualized = is_on(&form.cpuset_virtual);
    match form.cpuset.trim() {
        // The original took no notice of the others without a name.
        "" if cpus.is_some() || mems.is_some() || is_virtualized => Err(Problem::CpusetWithoutName),
        "" => Ok(None),
        name => Ok(Some(Cpuset { name: name.parse()?, cpus, mems, is_virtualized })),
    }
}
