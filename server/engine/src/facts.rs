//! What forms and the engine judge input by: the host's suite, mirror and devices, and every name,
//! context number and address that is taken.
//!
//! Invariants: what a config tree claims counts even when the rest of that tree is broken; what a
//! running VServer was given counts even when its config tree says otherwise by now; what a build
//! that is under way has been promised counts before anything of it is on disk.
//!
//! Not here: judging (`domain::build`), the lock under which numbers are chosen (`lock`).

mod apt;
pub(crate) mod build_defaults;
mod default_options;
pub(crate) mod mirror;
mod pool;

pub use default_options::{BUILD_OPTIONS, DEBOOTSTRAP_OPTIONS, DefaultOptions};
pub use pool::address_pool;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use domain::failure::{Failure, HostFeature};
use domain::host::{HostFacts, NatNetwork};
use domain::id::{Architecture, ContextId, HostName, Suite, VServerName};
use domain::init::Init;

use crate::base_links;
use crate::build::{distribution, yum};
use crate::config::{self, ConfigError};
use crate::network::{self, AppliedNetwork, NetworkError, is_guest_address};
use crate::roots::{Nat, Roots, Settings};
use crate::state::{GuestState, StateError};
use crate::template::{self, TemplateError};
use crate::tree;

/// Why the facts could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The config trees could not be listed.
    #[error("listing the VServers")]
    Config(#[from] ConfigError),
    /// The records of running VServers could not be listed.
    #[error("listing the running VServers")]
    State(#[from] StateError),
    /// The host's devices or addresses could not be listed.
    #[error("listing the host's devices and addresses")]
    Network(#[from] NetworkError),
    /// The templates could not be listed.
    #[error("listing the templates")]
    Templates(#[from] TemplateError),
    /// A file of `.defaults` is not what it should be.
    #[error("reading {path}")]
    Default {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No mirror is configured anywhere and debootstrap is not installed.
    #[error("no mirror is known and debootstrap is not installed")]
    NoMirror,
    /// debootstrap knows no suite, and the host is of none.
    #[error("no suite is known and debootstrap is not installed")]
    NoSuite,
    /// The machine is of a kind Debian has no name for.
    #[error("no Debian architecture for {machine}")]
    NoArchitecture {
        /// What the compiler calls it.
        machine: &'static str,
    },
}

impl From<FactsError> for Failure {
    fn from(error: FactsError) -> Self {
        match error {
            FactsError::Config(error) => error.into(),
            FactsError::NoMirror | FactsError::NoSuite => {
                Self::HostLacks { feature: HostFeature::Debootstrap, detail: error.to_string() }
            }
            FactsError::Templates(error) => error.into(),
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// What a VServer has taken, or a build under way has been promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who.
    pub name: VServerName,
    /// Its context number.
    pub context: Option<ContextId>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// Where the host says things about itself; another place in tests.
#[derive(Debug, Clone)]
struct Places {
    apt: PathBuf,
    apt_config: PathBuf,
    os_release: PathBuf,
    debootstrap: PathBuf,
    debootstrap_scripts: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            apt: "/etc/apt".into(),
            apt_config: "/usr/bin/apt-config".into(),
            os_release: "/etc/os-release".into(),
            debootstrap: "/usr/sbin/debootstrap".into(),
            debootstrap_scripts: "/usr/share/debootstrap/scripts".into(),
        }
    }
}

/// The facts of this host now. `promised` is what builds that are under way have been given.
///
/// # Errors
/// When the host's devices, the config base or the records cannot be read, or nothing says which
/// mirror and suite to use.
pub fn host_facts(settings: &Settings, promised: &[Claim]) -> Result<HostFacts, FactsError> {
    host_facts_at(settings, promised, &Places::default())
}

fn host_facts_at(
    settings: &Settings,
    promised: &[Claim],
    places: &Places,
) -> Result<HostFacts, FactsError> {
    let roots = &settings.roots;
    let suites = suites(&places.debootstrap_scripts);
    let suite = host_suite(places, &suites).ok_or(FactsError::NoSuite)?;
    let mirror = mirror::nearest(roots, places, &suite).ok_or(FactsError::NoMirror)?;
    let mut claims = claims(roots)?;
    claims.extend(promised.iter().cloned());
    let host_addresses = network::host_addresses()?;
    let contexts = distinct(
        claims.iter().filter_map(|claim| Some((claim.context?, claim.name.clone()))).collect(),
    );
    let addresses = distinct(
        claims
            .iter()
            .flat_map(|claim| claim.addresses.iter().map(|a| (*a, claim.name.clone())))
            .collect(),
    );
    let styles = config::list_names(roots)?
        .into_iter()
        .filter_map(|name| Some((name.clone(), config::init_style_of(roots, &name)?)))
        .collect();
    let mut names: Vec<_> = claims.into_iter().map(|claim| claim.name).collect();
    names.sort();
    names.dedup();
    let is_taken = |address: IpAddr| {
        addresses.iter().any(|(taken, _)| *taken == address) || host_addresses.contains(&address)
    };
    let nat = NatNetwork {
        device: settings.nat.device.clone(),
        gateway: settings.nat.gateway,
        prefix: settings.nat.prefix,
        next_free: next_free_address(&settings.nat, is_taken),
    };
    let next_context = next_free_context(roots, &contexts);
    Ok(HostFacts {
        suite,
        suites,
        mirror,
        architecture: architecture()?,
        inits: inits(Path::new("/sys/fs/cgroup")),
        nat,
        devices: network::host_devices(&settings.nat)?,
        host_addresses,
        contexts,
        addresses,
        names,
        host_names: host_names(roots)?,
        next_context,
        guest_base: base_links::shown_guest_base(roots).display().to_string(),
        config_base: roots.config_base.display().to_string(),
        run_base: roots.run_base.display().to_string(),
        styles,
        distributions: distribution::names(roots),
        templates: template::names(roots)?,
        shares_blocks: tree::shares_blocks(&base_links::shown_guest_base(roots)),
        has_default_options: !DefaultOptions::of(roots).is_empty(),
        defaults: build_defaults::of(roots, places)?,
        described_suites: distribution::suites(roots),
        has_dnf: Path::new(yum::PROGRAM).exists(),
        host_domain: host_domain(),
    })
}

fn distinct<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list.dedup();
    list
}

/// What every VServer has taken, by its config tree and by the record of its last start.
///
/// # Errors
/// When the config base or the records cannot be listed.
pub fn claims(roots: &Roots) -> Result<Vec<Claim>, FactsError> {
    let mut claims = Vec::new();
    for name in config::list_names(roots)? {
        let (context, addresses) = config::claims_of(roots, &name);
        claims.push(Claim { name, context, addresses });
    }
    for state in GuestState::all(roots)?.into_iter().chain(GuestState::all_aside(roots)?) {
        let AppliedNetwork { links, wires } = state.network;
        let on_links = links.into_iter().flat_map(|link| link.addresses);
        let addresses = on_links.chain(wires.into_iter().flat_map(|wire| wire.addresses)).collect();
        claims.push(Claim { name: state.name, context: Some(state.context), addresses });
    }
    Ok(claims)
}

/// What every VServer calls itself.
fn host_names(roots: &Roots) -> Result<Vec<(HostName, VServerName)>, FactsError> {
    let names = config::list_names(roots)?.into_iter();
    Ok(names.filter_map(|name| Some((config::host_name_of(roots, &name)?, name))).collect())
}

fn next_free_address(nat: &Nat, is_taken: impl Fn(IpAddr) -> bool) -> Option<Ipv4Addr> {
    guest_addresses(nat).find(|address| !is_taken((*address).into()))
}

/// The addresses of the NAT network that VServers can have, the lowest first.
fn guest_addresses(nat: &Nat) -> impl Iterator<Item = Ipv4Addr> {
    let host_bits = 32_u8.saturating_sub(nat.prefix);
    let size = 1_u32.checked_shl(u32::from(host_bits)).unwrap_or(0);
    let network = nat.gateway.to_bits() & !size.wrapping_sub(1);
    (1..size)
        .filter_map(move |host| network.checked_add(host).map(Ipv4Addr::from_bits))
        .filter(|address| is_guest_address(nat, IpAddr::V4(*address)))
}

/// The first free number from `.defaults/context.next` on (the original's counter; it is read, not
/// written: what is taken decides), then from 40000 on, then from 2 on.
fn next_free_context(roots: &Roots, taken: &[(ContextId, VServerName)]) -> Option<ContextId> {
    let counter = fs::read_to_string(roots.config_base.join(".defaults/context.next"))
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let is_free = |id: &ContextId| taken.binary_search_by(|(other, _)| other.cmp(id)).is_err();
    let from = |start: ContextId| std::iter::successors(Some(start), |id| id.next()).find(is_free);
    counter
        .and_then(from)
        .or_else(|| from(ContextId::FIRST_AUTOMATIC))
        .or_else(|| from(ContextId::MIN))
}

/// Suites that debootstrap has a readable script for, sorted.
fn suites(scripts: &Path) -> Vec<Suite> {
    let names = fs::read_dir(scripts).into_iter().flatten().flatten().filter_map(|entry| {
        let is_script = fs::metadata(entry.path()).is_ok_and(|found| found.is_file());
        let name = entry.file_name().to_str()?.to_owned();
        (is_script && name != "debian-common").then_some(name)?.parse().ok()
    });
    distinct(names.collect())
}

/// The host's own suite, if debootstrap can make it; else the newest that Debian calls stable.
fn host_suite(places: &Places, suites: &[Suite]) -> Option<Suite> {
    let text = fs::read_to_string(&places.os_release).unwrap_or_default();
    let own: Option<Suite> =
        os_release_value(&text, "VERSION_CODENAME").and_then(|name| name.parse().ok());
    own.filter(|suite| suites.is_empty() || suites.contains(suite))
        .or_else(|| suites.iter().find(|suite| suite.as_str() == "stable").cloned())
        .or_else(|| suites.first().cloned())
}

/// A value of `os-release(5)`, quotes taken off; none when it is missing or empty.
#[must_use]
pub fn os_release_value(text: &str, key: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.trim().split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value.trim().trim_matches(['"', '\'']).to_owned())
        .filter(|value| !value.is_empty())
}

fn architecture() -> Result<Architecture, FactsError> {
    let machine = std::env::consts::ARCH;
    let name = match machine {
        "x86_64" => "amd64",
        "x86" => "i386",
        "aarch64" => "arm64",
        "arm" => "armhf",
        "powerpc64" => "ppc64el",
        "loongarch64" => "loong64",
        other => other,
    };
    name.parse().map_err(|_| FactsError::NoArchitecture { machine })
}

/// What pid 1 can be: systemd needs the unified cgroup hierarchy as the host's own layout.
fn inits(cgroup_mount: &Path) -> Vec<Init> {
    /// `CGROUP2_SUPER_MAGIC` of `linux/magic.h`.
    const CGROUP2: i64 = 0x6367_7270;
    let is_unified = rustix::fs::statfs(cgroup_mount).is_ok_and(|found| found.f_type == CGROUP2);
    let can_run = |init: &Init| is_unified || *init != Init::Systemd;
    Init::ALL.into_iter().filter(can_run).collect()
}

fn host_domain() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let (_, domain) = name.trim().split_once('.')?;
    Some(domain.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    struct Host {
        _base: tempfile::TempDir,
        settings: Settings,
        places: Places,
    }

    fn host() -> Host {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        let places = Places {
            apt: path("apt"),
            apt_config: path("apt-config"),
            os_release: path("os-release"),
            debootstrap: path("debootstrap"),
            debootstrap_scripts: path("scripts"),
        };
        let roots = Roots {
            config_base: path("etc"),
            guest_base: path("lib"),
            run_base: path("run"),
            ..Roots::default()
        };
        write(&places.os_release, "ID=debian\nVERSION_CODENAME=\"bookworm\"\n");
        for script in ["bookworm", "trixie", "stable", "debian-common", "Upper"] {
            write(&places.debootstrap_scripts.join(script), "mirror_style release\n");
        }
        Host { _base: base, settings: Settings { roots, ..Settings::default() }, places }
    }

    #[test]
    fn suites_and_the_hosts_own() {
        let Host { _base, places, .. } = host();
        let found = suites(&places.debootstrap_scripts);
        assert_eq!(
            found.iter().map(Suite::as_str).collect::<Vec<_>>(),
            ["bookworm", "stable", "trixie"]
        );
        assert_eq!(host_suite(&places, &found).unwrap().as_str(), "bookworm");
        write(&places.os_release, "VERSION_CODENAME=unheard\n");
        assert_eq!(host_suite(&places, &found).unwrap().as_str(), "stable");
    }

    #[test]
    fn what_is_taken_is_taken_however_broken() {
        let Host { _base, settings, places } = host();
        write(&places.apt.join("sources.list"), "deb file:///srv/debian bookworm main\n");
        let config = &settings.roots.config_base;
        write(&config.join("web/context"), "40000\n");
        write(&config.join("web/nice"), "broken\n");
        write(&config.join("web/interfaces/0/ip"), "10.127.0.2\n");
        write(&config.join("web/interfaces/0/dev"), "nat0\n");
        write(&config.join("web/interfaces/1/ip"), "broken\n");
        let promised = Claim {
            name: "soon".parse().unwrap(),
            context: ContextId::try_from(40001).ok(),
            addresses: vec!["10.127.0.3".parse().unwrap()],
        };
        let facts = host_facts_at(&settings, &[promised], &places).unwrap();
        assert_eq!(
            facts.names.iter().map(VServerName::as_str).collect::<Vec<_>>(),
            ["soon", "web"]
        );
        assert_eq!(facts.next_context.unwrap().get(), 40002);
        assert_eq!(facts.nat.next_free.unwrap().to_string(), "10.127.0.4");
        assert_eq!(facts.contexts.len(), 2);
        write(&config.join(".defaults/context.next"), "49151\n");
        let facts = host_facts_at(&settings, &[], &places).unwrap();
        assert_eq!(facts.next_context.unwrap().get(), 49151);
        write(&config.join("last/context"), "49151");
        let facts = host_facts_at(&settings, &[], &places).unwrap();
        assert_eq!(facts.next_context.unwrap().get(), 40001);
    }

    #[test]
    fn a_full_network_has_no_next_address() {
        let nat = Nat { prefix: 30, ..Nat::default() };
        assert_eq!(next_free_address(&nat, |_| false).unwrap().to_string(), "10.127.0.2");
        assert_eq!(next_free_address(&nat, |_| true), None);
        let nat = Nat { gateway: Ipv4Addr::new(10, 127, 3, 254), prefix: 22, ..Nat::default() };
        assert_eq!(next_free_address(&nat, |_| false).unwrap().to_string(), "10.127.0.1");
    }
}
