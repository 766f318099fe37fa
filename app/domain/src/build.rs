//! What a new VServer shall be: the form as it is typed, the judged specification, the equivalent
//! command and the files a build writes.
//!
//! The engine writes exactly [`BuildSpec::config_files`]; the form shows exactly
//! [`BuildSpec::command_line`] and those files. There is no second place that knows them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::field::{Field, FieldErrors, Problem};
use crate::host::HostFacts;
use crate::id::{
    Architecture, ContextId, DeviceName, HostName, MirrorUrl, PackageName, Suite, VServerName,
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
        let init = errors.take(Field::Init, judge_init(self.init.trim(), host));
        let context = errors.take(Field::Context, judge_context(self.context.trim(), host));
        let host_name = errors
            .take(Field::HostName, judge_host_name(self.host_name.trim(), name.as_ref()))
            .flatten();
        let interfaces = errors.take(Field::Interface, judge_interfaces(&self.interfaces, host));
        match (name, suite, mirror, packages, init, context, host_name, interfaces) {
            (
                Some(name),
                Some(suite),
                Some(mirror),
                Some(packages),
                Some(init),
                Some(context),
                Some(host_name),
                Some(interfaces),
            ) if errors.is_empty() => Ok(BuildSpec {
                name,
                context,
                host_name,
                interfaces,
                init,
                method: Method::Debootstrap {
                    suite,
                    mirror,
                    architecture: host.architecture.clone(),
                    packages,
                },
            }),
            _ => Err(errors),
        }
    }
}

fn or_default<T>(text: &str, default: &T) -> Result<T, Problem>
where
    T: Clone + core::str::FromStr<Err = Problem>,
{
    if text.is_empty() { Ok(default.clone()) } else { text.parse() }
}

fn judge_name(text: &str, host: &HostFacts) -> Result<VServerName, Problem> {
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

fn judge_packages(text: &str) -> Result<Vec<PackageName>, Problem> {
    let mut packages = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map(str::parse)
        .collect::<Result<Vec<PackageName>, _>>()?;
    packages.sort();
    packages.dedup();
    if packages.len() > MAX_PACKAGES {
        return Err(Problem::OutOfRange { min: 0, max: MAX_PACKAGES as u64 });
    }
    Ok(packages)
}

fn judge_init(text: &str, host: &HostFacts) -> Result<Init, Problem> {
    let init = match (text, host.inits.first()) {
        ("", Some(first)) => *first,
        ("", None) => return Err(Problem::InitNotRunnable),
        (text, _) => text.parse()?,
    };
    if host.inits.contains(&init) { Ok(init) } else { Err(Problem::InitNotRunnable) }
}

fn judge_context(text: &str, host: &HostFacts) -> Result<ContextId, Problem> {
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
    let mut interfaces: Vec<Interface> =
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
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
        judge_interface(interface, host)?;
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
    if address == IpAddr::V4(host.nat.gateway) || host.host_addresses.contains(&address) {
        return Err(Problem::AddressOfHost { address });
    }
    match host.addresses.iter().find(|(taken, _)| *taken == address) {
        Some((_, by)) => Err(Problem::AddressTaken { address, by: by.clone() }),
        None => Ok(()),
    }
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
        let Method::Debootstrap { suite, mirror, packages, architecture } = &self.method;
        push(&["--", "-d", suite.as_str(), "-m", mirror.as_str()]);
        push(&["--", "--arch", architecture.as_str()]);
        if !packages.is_empty() {
            let list = packages.iter().map(PackageName::as_str).collect::<Vec<_>>().join(",");
            push(&[&format!("--include={list}")]);
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
