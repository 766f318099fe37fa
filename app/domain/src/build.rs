//! What a new VServer shall be: the form as it is typed, the judged specification, the equivalent
//! command and the files a build writes.
//!
//! The engine writes exactly [`BuildSpec::config_files`]; the form shows exactly
//! [`BuildSpec::command_line`] and those files. There is no second place that knows them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::field::{Field, FieldErrors, Problem};
use crate::host::{HostFacts, NatNetwork};
use crate::id::{
    Architecture, Component, ContextId, DeviceName, Flag, HostName, MirrorUrl, PackageName, Suite,
    VServerName, Variant,
};
use crate::init::Init;
use crate::interface::{Device, Interface};

/// Most packages one build may name, and most interfaces.
const MAX_PACKAGES: usize = 200;
const MAX_INTERFACES: usize = 16;

/// A build form exactly as it is typed. Empty means: the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuildForm {
    /// The VServer's name.
    pub name: String,
    /// A Debian suite; default: the host's.
    pub suite: String,
    /// A mirror; default: the host's.
    pub mirror: String,
    /// Packages to include, separated by blanks or commas.
    pub packages: String,
    /// `systemd` or `sysvinit`; default: the first the host can run.
    pub init: String,
    /// A context number; default: the next free one.
    pub context: String,
    /// A host name; default: the name.
    pub host_name: String,
    /// Interfaces in the original's grammar, separated by blanks or line ends; default: the next
    /// free address of the NAT network.
    pub interfaces: String,
    /// Context flags, separated by blanks or commas; default: none.
    pub flags: String,
    /// A Debian architecture that the host's processor runs; default: the host's.
    pub architecture: String,
    /// A variant of debootstrap's; default: its own default.
    pub variant: String,
    /// Parts of the archive, separated by blanks or commas; default: `main`.
    pub components: String,
    /// Packages to leave out, separated by blanks or commas.
    pub excluded: String,
}

/// How a VServer's files are made. The other methods are a later issue's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By debootstrap from a Debian mirror.
    Debootstrap {
        /// Which suite.
        suite: Suite,
        /// Which mirror.
        mirror: MirrorUrl,
        /// Which architecture.
        architecture: Architecture,
        /// What to install besides the base and the init, sorted.
        packages: Vec<PackageName>,
        /// Which base; none means debootstrap's default.
        variant: Option<Variant>,
        /// Which parts of the archive; empty means `main`.
        components: Vec<Component>,
        /// What to leave out, sorted.
        excluded: Vec<PackageName>,
    },
}

/// What a new VServer shall be; every part judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildSpec {
    /// Its name.
    pub name: VServerName,
    /// Its context number.
    pub context: ContextId,
    /// Its host name.
    pub host_name: HostName,
    /// Its interfaces, in order.
    pub interfaces: Vec<Interface>,
    /// Its pid 1.
    pub init: Init,
    /// Its context flags, in order.
    pub flags: Vec<Flag>,
    /// How its files are made.
    pub method: Method,
}

/// One entry of the config tree that a build writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Path below `/etc/vservers/NAME`.
    pub path: String,
    /// What is written.
    pub content: PlannedContent,
}

/// The content of an entry of the config tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlannedContent {
    /// A text file; ends in a newline unless empty.
    Text(String),
    /// A symbolic link to this target.
    Link(String),
    /// An empty directory.
    Directory,
}

/// The guest's fstab of a new VServer (fact sheet 1.2).
pub const DEFAULT_FSTAB: &str = "none\t/proc\tproc\tdefaults\t0 0\n\
    none\t/tmp\ttmpfs\tsize=16m,mode=1777\t0 0\n\
    none\t/dev/pts\tdevpts\tgid=5,mode=620\t0 0\n";

impl BuildForm {
    /// Judges the form against the host.
    ///
    /// # Errors
    /// All that is wrong with it, field by field.
    pub fn judge(&self, host: &HostFacts) -> Result<BuildSpec, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take(Field::Name, judge_name(self.name.trim(), host));
        let suite = errors.take(Field::Suite, judge_suite(self.suite.trim(), host));
        let mirror = errors.take(Field::Mirror, or_default(self.mirror.trim(), &host.mirror));
        let packages = errors.take(Field::Packages, judge_packages(&self.packages));
        let excluded = errors.take(Field::Excluded, judge_packages(&self.excluded));
        let components = errors.take(Field::Components, parse_words(&self.components));
        let variant = errors.take(Field::Variant, judge_variant(self.variant.trim()));
        let architecture =
            errors.take(Field::Architecture, judge_architecture(self.architecture.trim(), host));
        let flags = errors.take(Field::Flags, parse_words(&self.flags));
        let init = errors.take(Field::Init, judge_init(self.init.trim(), host));
        let context = errors.take(Field::Context, judge_context(self.context.trim(), host));
        let host_name = errors
            .take(Field::HostName, judge_host_name(self.host_name.trim(), name.as_ref()))
            .flatten();
        let interfaces = errors.take(Field::Interface, judge_interfaces(&self.interfaces, host));
        // Every part is there exactly when nothing was wrong.
        let method = (|| {
            Some(Method::Debootstrap {
                suite: suite?,
                mirror: mirror?,
                architecture: architecture?,
                packages: packages?,
                variant: variant?,
                components: components?,
                excluded: excluded?,
            })
        })();
        let spec = (|| {
            Some(BuildSpec {
                name: name?,
                context: context?,
                host_name: host_name?,
                interfaces: interfaces?,
                init: init?,
                flags: flags?,
                method: method?,
            })
        })();
        spec.ok_or(errors)
    }
}

fn or_default<T>(text: &str, default: &T) -> Result<T, Problem>
where
    T: Clone + core::str::FromStr<Err = Problem>,
{
    if text.is_empty() { Ok(default.clone()) } else { text.parse() }
}

pub(crate) fn judge_name(text: &str, host: &HostFacts) -> Result<VServerName, Problem> {
    let name: VServerName = text.parse()?;
    if host.names.contains(&name) { Err(Problem::NameTaken) } else { Ok(name) }
}

fn judge_suite(text: &str, host: &HostFacts) -> Result<Suite, Problem> {
    let suite = or_default(text, &host.suite)?;
    if host.suites.is_empty() || host.suites.contains(&suite) {
        Ok(suite)
    } else {
        Err(Problem::NoSuiteScript)
    }
}

/// Reads items separated by blanks or commas.
fn parse_words<T: core::str::FromStr<Err = Problem>>(text: &str) -> Result<Vec<T>, Problem> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let parse = |word: &&str| word.parse().map_err(|problem| of_item(word, words.len(), problem));
    words.iter().map(parse).collect()
}

/// A problem of one of several items says which.
fn of_item(item: &str, items: usize, problem: Problem) -> Problem {
    if items < 2 {
        return problem;
    }
    Problem::OfItem { item: item.to_owned(), problem: Box::new(problem) }
}

fn judge_packages(text: &str) -> Result<Vec<PackageName>, Problem> {
    let mut packages: Vec<PackageName> = parse_words(text)?;
    packages.sort();
    packages.dedup();
    if packages.len() > MAX_PACKAGES {
        return Err(Problem::OutOfRange { min: 0, max: MAX_PACKAGES as u64 });
    }
    Ok(packages)
}

fn judge_variant(text: &str) -> Result<Option<Variant>, Problem> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// The host's own architecture, or the older one that its processor runs as well.
fn judge_architecture(text: &str, host: &HostFacts) -> Result<Architecture, Problem> {
    let architecture = or_default(text, &host.architecture)?;
    let older = match host.architecture.as_str() {
        "amd64" => Some("i386"),
        "arm64" => Some("armhf"),
        _ => None,
    };
    if architecture == host.architecture || older == Some(architecture.as_str()) {
        return Ok(architecture);
    }
    let own = Some(host.architecture.as_str());
    Err(Problem::NotAChoice {
        choices: own.into_iter().chain(older).map(ToOwned::to_owned).collect(),
    })
}

fn judge_init(text: &str, host: &HostFacts) -> Result<Init, Problem> {
    let init = match (text, host.inits.first()) {
        ("", Some(first)) => *first,
        ("", None) => return Err(Problem::InitNotRunnable),
        (text, _) => text.parse()?,
    };
    if host.inits.contains(&init) { Ok(init) } else { Err(Problem::InitNotRunnable) }
}

pub(crate) fn judge_context(text: &str, host: &HostFacts) -> Result<ContextId, Problem> {
    if text.is_empty() {
        return host.next_context.ok_or(Problem::NoFreeContext);
    }
    let context: ContextId = text.parse()?;
    match host.contexts.iter().find(|(taken, _)| *taken == context) {
        Some((_, by)) => Err(Problem::ContextTaken { context, by: by.clone() }),
        None => Ok(context),
    }
}

/// `Ok(None)` when the default cannot be made because the name itself is wrong: one mistake is
/// reported once.
fn judge_host_name(text: &str, name: Option<&VServerName>) -> Result<Option<HostName>, Problem> {
    match (text, name) {
        ("", Some(name)) => {
            // A VServer name may hold `_`, a host name may not.
            name.as_str().replace('_', "-").trim_end_matches(['-', '.']).parse().map(Some)
        }
        ("", None) => Ok(None),
        (text, _) => text.parse().map(Some),
    }
}

fn judge_interfaces(text: &str, host: &HostFacts) -> Result<Vec<Interface>, Problem> {
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
        judge_interface(interface, host)
            .map_err(|problem| of_item(&interface.to_string(), interfaces.len(), problem))?;
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
    let address = interface.address;
    if let Device::Named(device) = &interface.device {
        let is_known = *device == host.nat.device || host.devices.contains(device);
        if !is_known {
            let mut devices: Vec<&DeviceName> = vec![&host.nat.device];
            devices.extend(&host.devices);
            return Err(Problem::NoSuchDevice {
                device: device.to_string(),
                devices: devices.into_iter().map(ToString::to_string).collect(),
            });
        }
    }
    let on_nat = interface.device == Device::Named(host.nat.device.clone());
    if is_network_itself(address, interface.prefix) || on_nat && !is_of_nat(address, &host.nat) {
        return Err(Problem::AddressNotUsable { address });
    }
    if address == IpAddr::V4(host.nat.gateway) || host.host_addresses.contains(&address) {
        return Err(Problem::AddressOfHost { address });
    }
    match host.addresses.iter().find(|(taken, _)| *taken == address) {
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

impl BuildSpec {
    /// The `vserver … build` command that makes the same VServer, one argument an item.
    #[must_use]
    pub fn command_line(&self) -> Vec<String> {
        let mut line = vec!["vserver".to_owned(), self.name.to_string(), "build".to_owned()];
        let mut push = |words: &[&str]| line.extend(words.iter().map(|word| (*word).to_owned()));
        push(&["-m", "debootstrap"]);
        push(&["--context", &self.context.to_string()]);
        push(&["--hostname", self.host_name.as_str()]);
        for interface in &self.interfaces {
            push(&["--interface", &interface.to_string()]);
        }
        push(&["--initstyle", self.init.style().as_str()]);
        if !self.flags.is_empty() {
            push(&["--flags", &joined(&self.flags)]);
        }
        let Method::Debootstrap {
            suite,
            mirror,
            architecture,
            packages,
            variant,
            components,
            excluded,
        } = &self.method;
        push(&["--", "-d", suite.as_str(), "-m", mirror.as_str()]);
        push(&["--", "--arch", architecture.as_str()]);
        if let Some(variant) = variant {
            push(&[&format!("--variant={variant}")]);
        }
        for (option, list) in [
            ("components", joined(components)),
            ("include", joined(packages)),
            ("exclude", joined(excluded)),
        ] {
            if !list.is_empty() {
                push(&[&format!("--{option}={list}")]);
            }
        }
        line
    }

    /// The entries below `/etc/vservers/NAME` that a build writes, sorted by path. The two
    /// bases are [`HostFacts::config_base`] and [`HostFacts::run_base`].
    #[must_use]
    pub fn config_files(&self, config_base: &str, run_base: &str) -> Vec<PlannedFile> {
        let name = &self.name;
        let text = |path: &str, value: &dyn core::fmt::Display| PlannedFile {
            path: path.to_owned(),
            content: PlannedContent::Text(format!("{value}\n")),
        };
        let link = |path: &str, target: String| PlannedFile {
            path: path.to_owned(),
            content: PlannedContent::Link(target),
        };
        let mut files = vec![
            text("apps/init/style", &self.init.style()),
            PlannedFile {
                path: "apps/pkgmgmt/internal".to_owned(),
                content: PlannedContent::Text(String::new()),
            },
            link("cache", format!("{config_base}/.defaults/cachebase/{name}")),
            text("context", &self.context),
            PlannedFile {
                path: "fstab".to_owned(),
                content: PlannedContent::Text(DEFAULT_FSTAB.to_owned()),
            },
        ];
        if !self.flags.is_empty() {
            let lines = self.flags.iter().map(|flag| format!("{flag}\n")).collect();
            files.push(PlannedFile {
                path: "cflags".to_owned(),
                content: PlannedContent::Text(lines),
            });
        }
        for (index, interface) in self.interfaces.iter().enumerate() {
            let path = |leaf: &str| format!("interfaces/{index}/{leaf}");
            match &interface.device {
                Device::Named(device) => files.push(text(&path("dev"), device)),
                Device::None => files.push(PlannedFile {
                    path: path("nodev"),
                    content: PlannedContent::Text(String::new()),
                }),
            }
            files.push(text(&path("ip"), &interface.address));
            if let Some(label) = &interface.label {
                files.push(text(&path("name"), label));
            }
            if let Some(prefix) = interface.prefix {
                files.push(text(&path("prefix"), &prefix));
            }
        }
        files.extend([
            text("name", name),
            link("run", format!("{run_base}/{name}")),
            text("uts/nodename", &self.host_name),
            link("vdir", format!("{config_base}/.defaults/vdirbase/{name}")),
        ]);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

fn joined<T: AsRef<str>>(items: &[T]) -> String {
    items.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",")
}

/// One argument as a shell would need it typed.
#[must_use]
pub fn shell_quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A command line as a person would type it.
#[must_use]
pub fn shell_line(words: &[String]) -> String {
    words.iter().map(|word| shell_quoted(word)).collect::<Vec<_>>().join(" ")
}
