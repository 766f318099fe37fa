//! What a VServer is known by (name, context number, host name, addresses), and the form that changes
//! it: as it is typed, judged, and as a command.
//!
//! An empty field means: as it is. What was called after the VServer follows its name: the first part
//! of its host name, the labels of its addresses. A value that is typed is taken as it stands.
//!
//! The same form gives a deleted VServer its place again, under new values where others have taken its
//! old ones. Not here: which files say all this (`engine::identity`).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::build::{judge_interface, of_item, shell_quoted};
use crate::field::{Field, FieldErrors, Problem};
use crate::host::HostFacts;
use crate::id::{ContextId, HostName, VServerName};
use crate::interface::{Device, Interface};

/// Most interfaces one form may name.
const MAX_INTERFACES: usize = 16;
/// The most bytes of a VServer's name.
const MAX_NAME: usize = 63;

/// What a VServer is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VServerIdentity {
    /// Its name.
    pub name: VServerName,
    /// Its context number, if it has one of its own.
    pub context: Option<ContextId>,
    /// Its host name, if one is configured.
    pub host_name: Option<HostName>,
    /// Its interfaces, in order.
    pub interfaces: Vec<Interface>,
}

/// A change of identity exactly as it is typed. Empty means: as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityForm {
    /// A new name.
    pub name: String,
    /// Another context number.
    pub context: String,
    /// Another host name.
    pub host_name: String,
    /// All its interfaces in the original's grammar, separated by blanks or line ends.
    pub interfaces: String,
    /// Whether it may be stopped and started again for it.
    pub restart: bool,
}

/// A judged change of identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityChange {
    /// What it was known by.
    pub before: VServerIdentity,
    /// What it shall be known by.
    pub after: VServerIdentity,
    /// Whether it may be stopped and started again for it.
    pub restart: bool,
}

/// One thing that a change of identity does, as it is shown before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlannedChange {
    /// The VServer is stopped.
    Stop(VServerName),
    /// A file or directory gets another path.
    Move {
        /// From where.
        from: String,
        /// To where.
        to: String,
    },
    /// A file is written; none means that it is removed.
    Write {
        /// Which.
        path: String,
        /// Its new text.
        text: Option<String>,
    },
    /// A link gets another target.
    Link {
        /// Which.
        path: String,
        /// Its new target.
        target: String,
    },
    /// A program of the host is run.
    Run(Vec<String>),
    /// The VServer is started.
    Start(VServerName),
}

impl PlannedChange {
    /// The command that does the same by hand; for a text of several lines, what comes before it.
    #[must_use]
    pub fn command(&self) -> String {
        let words: Vec<&str> = match self {
            Self::Stop(name) => vec!["vserver", name.as_str(), "stop"],
            Self::Start(name) => vec!["vserver", name.as_str(), "start"],
            Self::Move { from, to } => vec!["mv", from, to],
            Self::Link { path, target } => vec!["ln", "-sfn", target, path],
            Self::Run(words) => words.iter().map(String::as_str).collect(),
            Self::Write { path, text: None } => vec!["rm", path],
            Self::Write { path, text: Some(text) } => {
                let path = shell_quoted(path);
                return match text.lines().count() {
                    0 => format!(": > {path}"),
                    1 => format!("echo {} > {path}", shell_quoted(text.trim_end())),
                    _ => format!("cat > {path}"),
                };
            }
        };
        words.into_iter().map(shell_quoted).collect::<Vec<_>>().join(" ")
    }

    /// The text of several lines that belongs to the command.
    #[must_use]
    pub fn long_text(&self) -> Option<&str> {
        match self {
            Self::Write { text: Some(text), .. } if text.lines().count() > 1 => Some(text),
            _ => None,
        }
    }
}

/// What a change of identity would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityPlan {
    /// The command that does the same.
    pub command: String,
    /// Everything it does, in order.
    pub changes: Vec<PlannedChange>,
}

/// The host name of a VServer that was given none: its own name, as far as a host name can hold it.
///
/// # Errors
/// When nothing of it can be a host name.
pub fn default_host_name(name: &VServerName) -> Result<HostName, Problem> {
    // A VServer name may hold `_`, a host name may not.
    name.as_str().replace('_', "-").trim_end_matches(['-', '.']).parse()
}

impl VServerIdentity {
    /// The same under another name: what was called after it follows.
    ///
    /// # Errors
    /// When the new name does not fit where the old one stood.
    fn followed(&self, name: &VServerName) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let host_name = self.host_name.as_ref().map(|host| renamed_host(host, &self.name, name));
        let host_name = host_name.transpose();
        let interfaces: Result<Vec<Interface>, Problem> = self
            .interfaces
            .iter()
            .map(|interface| renamed_interface(interface, &self.name, name))
            .collect();
        let host_name = errors.take(Field::HostName, host_name);
        let interfaces = errors.take(Field::Interface, interfaces);
        match (host_name, interfaces) {
            (Some(host_name), Some(interfaces)) => {
                Ok(Self { name: name.clone(), context: self.context, host_name, interfaces })
            }
            _ => Err(errors),
        }
    }

    /// A form under whose values it could be on this host: what is taken by others is replaced by
    /// something free, where there is something.
    #[must_use]
    pub fn offer(&self, host: &HostFacts) -> IdentityForm {
        let name = if host.names.contains(&self.name) { free_name(&self.name, host) } else { None };
        let is_taken = |context: &ContextId| host.contexts.iter().any(|(id, _)| id == context);
        let context = self.context.filter(is_taken).and(host.next_context);
        IdentityForm {
            name: name.map(|name| name.to_string()).unwrap_or_default(),
            context: context.map(|context| context.to_string()).unwrap_or_default(),
            host_name: String::new(),
            interfaces: self.offered_interfaces(host),
            restart: false,
        }
    }

    fn offered_interfaces(&self, host: &HostFacts) -> String {
        let is_free = |interface: &Interface| judge_interface(interface, host).is_ok();
        if self.interfaces.iter().all(is_free) {
            return String::new();
        }
        let mut next = host.nat.next_free;
        let offered = self.interfaces.iter().filter_map(|interface| {
            if is_free(interface) {
                return Some(interface.clone());
            }
            // An address of the host's own network is not ours to give.
            let address = next.take()?;
            let device = Device::Named(host.nat.device.clone());
            let prefix = Some(host.nat.prefix);
            Interface::new(interface.label.clone(), device, IpAddr::V4(address), prefix).ok()
        });
        offered.map(|interface| interface.to_string()).collect::<Vec<_>>().join("\n")
    }
}

fn free_name(name: &VServerName, host: &HostFacts) -> Option<VServerName> {
    (2..1000).find_map(|number| {
        let end = format!("-{number}");
        let start: String = name.as_str().chars().take(MAX_NAME - end.len()).collect();
        let free: VServerName = format!("{start}{end}").parse().ok()?;
        (!host.names.contains(&free)).then_some(free)
    })
}

/// The first part of a host name follows the name when it was that name; its domain stays.
fn renamed_host(
    host: &HostName,
    old: &VServerName,
    new: &VServerName,
) -> Result<HostName, Problem> {
    let Ok(from) = default_host_name(old) else { return Ok(host.clone()) };
    match host.as_str().strip_prefix(from.as_str()) {
        Some(rest) if rest.is_empty() || rest.starts_with('.') => {
            format!("{}{rest}", default_host_name(new)?).parse()
        }
        _ => Ok(host.clone()),
    }
}

/// The label of an address follows the name when it was that name.
fn renamed_interface(
    interface: &Interface,
    old: &VServerName,
    new: &VServerName,
) -> Result<Interface, Problem> {
    let label = match &interface.label {
        Some(label) if label.as_str() == old.as_str() => Some(new.as_str().parse()?),
        label => label.clone(),
    };
    Interface::new(label, interface.device.clone(), interface.address, interface.prefix)
}

impl IdentityForm {
    /// Judges the form for a VServer that is known by `current`. `host` holds what others have taken,
    /// and nothing of this VServer's own ([`HostFacts::without`]).
    ///
    /// # Errors
    /// All that is wrong with it, field by field.
    pub fn judge(
        &self,
        current: &VServerIdentity,
        host: &HostFacts,
    ) -> Result<IdentityChange, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take(Field::Name, judge_name(self.name.trim(), &current.name, host));
        let context =
            errors.take(Field::Context, judge_context(self.context.trim(), current.context, host));
        let mut followed = match name.as_ref().map(|name| current.followed(name)) {
            Some(Ok(followed)) => Some(followed),
            Some(Err(more)) => {
                // What is typed stands for what does not fit.
                let is_typed = |field| match field {
                    Field::HostName => !self.host_name.trim().is_empty(),
                    _ => !self.interfaces.trim().is_empty(),
                };
                errors.0.extend(more.0.into_iter().filter(|error| !is_typed(error.field)));
                name.clone().map(|name| VServerIdentity { name, ..current.clone() })
            }
            None => None,
        };
        if !self.host_name.trim().is_empty() {
            let typed = errors.take(Field::HostName, self.host_name.trim().parse());
            if let Some(followed) = followed.as_mut() {
                followed.host_name = typed;
            }
        }
        let stays = followed.as_ref().map_or(&current.interfaces, |f| &f.interfaces).clone();
        let interfaces =
            errors.take(Field::Interface, judge_interfaces(&self.interfaces, stays, host));
        match (followed, context, interfaces) {
            (Some(followed), Some(context), Some(interfaces)) if errors.is_empty() => {
                let after = VServerIdentity { context, interfaces, ..followed };
                Ok(IdentityChange { before: current.clone(), after, restart: self.restart })
            }
            _ => Err(errors),
        }
    }
}

fn judge_name(text: &str, current: &VServerName, host: &HostFacts) -> Result<VServerName, Problem> {
    let name = if text.is_empty() { current.clone() } else { text.parse()? };
    if host.names.contains(&name) { Err(Problem::NameTaken) } else { Ok(name) }
}

fn judge_context(
    text: &str,
    current: Option<ContextId>,
    host: &HostFacts,
) -> Result<Option<ContextId>, Problem> {
    let context = if text.is_empty() { current } else { Some(text.parse()?) };
    let taken = context.and_then(|context| {
        let (_, by) = host.contexts.iter().find(|(taken, _)| *taken == context)?;
        Some(Problem::ContextTaken { context, by: by.clone() })
    });
    taken.map_or(Ok(context), Err)
}

/// Those that are typed, judged whole; or those that stay, as long as nobody else has their addresses
/// by now. Their device may be gone: that keeps nobody from having another name.
fn judge_interfaces(
    text: &str,
    stays: Vec<Interface>,
    host: &HostFacts,
) -> Result<Vec<Interface>, Problem> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let of = |word: &str, problem| of_item(word, words.len(), problem);
    let parse = |word: &&str| word.parse().map_err(|problem| of(word, problem));
    let typed: Vec<Interface> = words.iter().map(parse).collect::<Result<_, _>>()?;
    if typed.is_empty() {
        for address in stays.iter().map(|interface| interface.address) {
            if let Some((_, by)) = host.addresses.iter().find(|(taken, _)| *taken == address) {
                return Err(Problem::AddressTaken { address, by: by.clone() });
            }
            if host.host_addresses.contains(&address) {
                return Err(Problem::AddressOfHost { address });
            }
        }
        return Ok(stays);
    }
    if typed.len() > MAX_INTERFACES {
        return Err(Problem::OutOfRange { min: 1, max: MAX_INTERFACES as u64 });
    }
    for (index, (interface, word)) in typed.iter().zip(&words).enumerate() {
        judge_interface(interface, host).map_err(|problem| of(word, problem))?;
        if typed.iter().take(index).any(|other| other.address == interface.address) {
            return Err(Problem::AddressTwice { address: interface.address });
        }
    }
    Ok(typed)
}

impl IdentityChange {
    /// Whether it gets another name.
    #[must_use]
    pub fn is_rename(&self) -> bool {
        self.before.name != self.after.name
    }

    /// Whether everything stays as it is.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.before == self.after
    }

    /// The form that asks for the same: what does not follow by itself, and nothing else.
    #[must_use]
    pub fn form(&self) -> IdentityForm {
        let after = &self.after;
        let followed = self.before.followed(&after.name).unwrap_or_else(|_| self.before.clone());
        let context = after.context.filter(|_| after.context != followed.context);
        let host_name = after.host_name.as_ref().filter(|_| after.host_name != followed.host_name);
        let interfaces =
            after.interfaces.iter().filter(|_| after.interfaces != followed.interfaces);
        let name = Some(&after.name).filter(|_| self.is_rename());
        IdentityForm {
            name: name.map(ToString::to_string).unwrap_or_default(),
            context: context.map(|context| context.to_string()).unwrap_or_default(),
            host_name: host_name.map(ToString::to_string).unwrap_or_default(),
            interfaces: interfaces.map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            restart: self.restart,
        }
    }
}

impl HostFacts {
    /// What is taken on the host by all but this VServer.
    #[must_use]
    pub fn without(&self, name: &VServerName) -> Self {
        let mut facts = self.clone();
        facts.names.retain(|other| other != name);
        facts.contexts.retain(|(_, by)| by != name);
        facts.addresses.retain(|(_, by)| by != name);
        facts
    }
}
