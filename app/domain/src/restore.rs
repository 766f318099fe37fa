//! What a restored VServer is called, numbered and addressed: the form as it is typed, judged against
//! the host before anything is written.
//!
//! A backup brings its own name, context number, host name and addresses; where the host has them
//! already, [`Proposal`] says so and offers others. The same judging code as for a build decides.

use serde::{Deserialize, Serialize};

use crate::backup::BackupRef;
use crate::build::{AtHost, judge_context, judge_interface, judge_name};
use crate::field::{Field, FieldErrors, Problem};
use crate::host::HostFacts;
use crate::id::{ContextId, HostName, VServerName};
use crate::identity::VServerIdentity;
use crate::interface::{Device, Interface};

/// The most interfaces a restored VServer may have.
const MAX_INTERFACES: usize = 64;

/// A restore form exactly as it is typed. Empty means: as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RestoreForm {
    /// What it shall be called.
    pub name: String,
    /// Its context number.
    pub context: String,
    /// Its host name.
    pub host_name: String,
    /// Its interfaces in the original's grammar, separated by blanks or line ends; `none` for none.
    pub interfaces: String,
    /// Whether it keeps its machine id and ssh host keys even beside its original.
    pub keep_host_keys: bool,
}

/// What is to be restored as what; every part judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreSpec {
    /// From where; none for what somebody saved by hand.
    pub backup: Option<BackupRef>,
    /// What it was called.
    pub was: VServerName,
    /// What it shall be called.
    pub name: VServerName,
    /// Its context number.
    pub context: ContextId,
    /// Its host name, if it had one or shall have one.
    pub host_name: Option<HostName>,
    /// Its interfaces, in order.
    pub interfaces: Vec<Interface>,
    /// Whether it keeps its machine id and ssh host keys even beside its original, where it would be
    /// given others.
    #[serde(default)]
    pub keeps_host_keys: bool,
}

/// What a backup would claim, what of it is another's already, and what to take instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What it claims.
    pub claims: VServerIdentity,
    /// Which of it cannot be, and why.
    pub conflicts: FieldErrors,
    /// A form that can be sent as it is.
    pub form: RestoreForm,
}

impl RestoreForm {
    /// Judges the form against the host.
    ///
    /// # Errors
    /// All that is wrong with it, field by field.
    pub fn judge(
        &self,
        claims: &VServerIdentity,
        backup: Option<BackupRef>,
        host: &HostFacts,
    ) -> Result<RestoreSpec, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = match self.name.trim() {
            "" => judge_name(claims.name.as_str(), host, &AtHost::default()),
            name => judge_name(name, host, &AtHost::default()),
        };
        let name = errors.take(Field::Name, name);
        let context = match (self.context.trim(), claims.context) {
            ("", Some(context)) => judge_context(&context.to_string(), host, None),
            (context, _) => judge_context(context, host, None),
        };
        let context = errors.take(Field::Context, context);
        let host_name = match self.host_name.trim() {
            "" => Ok(claims.host_name.clone()),
            text => text.parse().map(Some),
        };
        let host_name =
            errors.take(Field::HostName, host_name.and_then(|given| judge_host_name(given, host)));
        let interfaces = match self.interfaces.trim() {
            "" => judge_interfaces(claims.interfaces.clone(), host),
            "none" => Ok(Vec::new()),
            text => text
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>()
                .and_then(|interfaces| judge_interfaces(interfaces, host)),
        };
        let interfaces = errors.take(Field::Interface, interfaces);
        let was = claims.name.clone();
        match (name, context, host_name, interfaces) {
            (Some(name), Some(context), Some(host_name), Some(interfaces)) => {
                let keeps_host_keys = self.keep_host_keys;
                Ok(RestoreSpec {
                    backup,
                    was,
                    name,
                    context,
                    host_name,
                    interfaces,
                    keeps_host_keys,
                })
            }
            _ => Err(errors),
        }
    }
}

fn judge_host_name(given: Option<HostName>, host: &HostFacts) -> Result<Option<HostName>, Problem> {
    let taken = given.as_ref().and_then(|given| Some((given, host.host_name_taken_by(given)?)));
    match taken {
        Some((host_name, by)) => {
            Err(Problem::HostNameTaken { host_name: host_name.clone(), by: by.clone() })
        }
        None => Ok(given),
    }
}

fn judge_interfaces(
    interfaces: Vec<Interface>,
    host: &HostFacts,
) -> Result<Vec<Interface>, Problem> {
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

impl VServerIdentity {
    /// What of it the host has already, and what to take instead.
    #[must_use]
    pub fn propose(&self, host: &HostFacts) -> Proposal {
        let conflicts = match RestoreForm::default().judge(self, None, host) {
            Ok(_) => FieldErrors::default(),
            Err(errors) => errors,
        };
        let clashes = |field| conflicts.of(field).next().is_some();
        let name = match clashes(Field::Name) {
            true => free_name(&self.name, host),
            false => self.name.clone(),
        };
        let context = match clashes(Field::Context) {
            true => host.next_context,
            false => self.context.or(host.next_context),
        };
        let host_name = match clashes(Field::HostName) {
            true => name.as_str().replace('_', "-").parse().ok(),
            false => self.host_name.clone(),
        };
        let interfaces = match clashes(Field::Interface) {
            true => free_interfaces(&self.interfaces, host),
            false => self.interfaces.clone(),
        };
        let text = |value: Option<String>| value.unwrap_or_default();
        Proposal {
            form: RestoreForm {
                name: name.to_string(),
                context: text(context.map(|context| context.to_string())),
                host_name: text(host_name.map(|name: HostName| name.to_string())),
                interfaces: interfaces_text(&interfaces),
                keep_host_keys: false,
            },
            claims: self.clone(),
            conflicts,
        }
    }
}

/// The first of `NAME-2`, `NAME-3`, … that nobody has.
fn free_name(name: &VServerName, host: &HostFacts) -> VServerName {
    let short: String = name.as_str().chars().take(58).collect();
    let mut free = (2..10_000_u32)
        .filter_map(|number| format!("{short}-{number}").parse::<VServerName>().ok())
        .filter(|candidate| !host.names.contains(candidate));
    free.next().unwrap_or_else(|| name.clone())
}

/// Those that can stay as they are; for the first that cannot, the next address of the NAT network;
/// the others are left out.
fn free_interfaces(interfaces: &[Interface], host: &HostFacts) -> Vec<Interface> {
    let mut free = host.nat.next_free;
    let mut kept: Vec<Interface> = Vec::new();
    for interface in interfaces {
        let is_free = judge_interface(interface, host).is_ok()
            && kept.iter().all(|other| other.address != interface.address);
        let offered = match is_free {
            true => Some(interface.clone()),
            false => free.take().map(|address| Interface {
                label: None,
                device: Device::Named(host.nat.device.clone()),
                address: address.into(),
                prefix: Some(host.nat.prefix),
            }),
        };
        kept.extend(offered);
    }
    kept
}

impl RestoreSpec {
    /// The form that asks for the same.
    #[must_use]
    pub fn form(&self) -> RestoreForm {
        RestoreForm {
            name: self.name.to_string(),
            context: self.context.to_string(),
            host_name: self.host_name.as_ref().map(ToString::to_string).unwrap_or_default(),
            interfaces: interfaces_text(&self.interfaces),
            keep_host_keys: self.keeps_host_keys,
        }
    }
}

/// Interfaces as the form takes them.
fn interfaces_text(interfaces: &[Interface]) -> String {
    match interfaces {
        [] => "none".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    }
}
