//! Why a VServer was not started or stopped, and what people are told of it.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use domain::failure::{Failure, HostFeature, chain};
use domain::field::{Field, Problem};
use domain::id::{ContextId, VServerName};
use nix::libc;

use super::stop::KILL_PATIENCE;
use crate::cgroup::CgroupError;
use crate::config::ConfigError;
use crate::engine::Instance;
use crate::facts::FactsError;
use crate::guest::{GuestError, Step};
use crate::lock::LockError;
use crate::network::{self, NetworkError, PlanError};
use crate::roots::Roots;
use crate::state::{GuestState, StateError};
use crate::volume;

/// Why a VServer was not started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// Its config tree.
    #[error("reading the config tree")]
    Config(#[from] ConfigError),
    /// The record of its start.
    #[error("keeping the record of a start")]
    State(#[from] StateError),
    /// Its cgroups.
    #[error("using cgroups")]
    Cgroup(#[from] CgroupError),
    /// Its network.
    #[error("using the network")]
    Network(#[from] NetworkError),
    /// What its interfaces say cannot be.
    #[error("planning the network")]
    Plan(#[from] PlanError),
    /// Its processes.
    #[error("making its processes")]
    Guest {
        /// Which VServer.
        name: VServerName,
        /// Why.
        #[source]
        source: GuestError,
    },
    /// It runs.
    #[error("{name} is running")]
    AlreadyRunning {
        /// Which.
        name: VServerName,
    },
    /// Where its files should be there is nothing.
    #[error("{path} is empty")]
    EmptyRoot {
        /// Which VServer.
        name: VServerName,
        /// Where.
        path: PathBuf,
    },
    /// It does not run.
    #[error("{name} is not running")]
    NotRunning {
        /// Which.
        name: VServerName,
    },
    /// Another VServer that runs has its context number.
    #[error("context {context} is in use by {by}")]
    ContextInUse {
        /// The number.
        context: ContextId,
        /// Who has it.
        by: VServerName,
    },
    /// Every context number is taken.
    #[error("no context number is free")]
    NoFreeContext,
    /// Choosing a context number.
    #[error("choosing a context number")]
    Facts(#[from] FactsError),
    /// The lock for choosing.
    #[error("choosing a context number")]
    Lock(#[from] LockError),
    /// Waiting for a process.
    #[error("waiting for a process to end")]
    Wait(#[source] io::Error),
    /// What stands for programs that start services.
    #[error("making what stands for programs that start services")]
    Instead(#[source] io::Error),
    /// Some of its processes would not end.
    #[error("process {pid} does not end")]
    DoesNotEnd {
        /// Its pid.
        pid: u32,
    },
}

impl LifecycleError {
    /// What people are told of it when this VServer was to be started, with what only the host knows: who has its
    /// address, which devices there are.
    pub(super) fn of_start(self, instance: &Instance, name: &VServerName) -> Failure {
        let settings = &instance.settings;
        let problem = match &self {
            Self::Plan(error) | Self::Network(NetworkError::Plan(error)) => match error.clone() {
                PlanError::AddressTwice { address } => Problem::AddressTwice { address },
                PlanError::NotOfNat { address, device, network, gateway } => {
                    Problem::AddressNotOfNat { address, device, network, gateway }
                }
                PlanError::TooManyDevices { .. } => return self.into(),
            },
            Self::Network(NetworkError::AddressOfHost { address }) => {
                Problem::AddressOfHost { address: *address }
            }
            Self::Network(NetworkError::AddressInUse { address }) => {
                match who_runs_with(&settings.roots, *address, name) {
                    Some(by) => Problem::AddressTaken { address: *address, by },
                    None => Problem::AddressRouted { address: *address },
                }
            }
            Self::Network(NetworkError::NoSuchDevice { device }) => {
                // What cannot be listed is left out.
                let mut devices = network::host_devices(&settings.nat).unwrap_or_default();
                devices.push(settings.nat.device.clone());
                let devices = devices.iter().map(ToString::to_string).collect();
                Problem::NoSuchDevice { device: device.to_string(), devices }
            }
            _ => return self.into(),
        };
        Failure::InterfacesUnusable {
            name: name.clone(),
            directory: settings.roots.config_of(name).join("interfaces").display().to_string(),
            problem: Box::new(problem),
        }
    }
}

/// Which other VServer was started with this address.
fn who_runs_with(roots: &Roots, address: IpAddr, own: &VServerName) -> Option<VServerName> {
    let all = GuestState::all(roots).into_iter().chain(GuestState::all_aside(roots)).flatten();
    let has = |state: &GuestState| {
        let on_links = state.network.links.iter().flat_map(|link| &link.addresses);
        let on_wires = state.network.wires.iter().flat_map(|wire| &wire.addresses);
        on_links.chain(on_wires).any(|its| *its == address)
    };
    all.filter(|state| state.name != *own).find(has).map(|state| state.name)
}

impl From<LifecycleError> for Failure {
    fn from(error: LifecycleError) -> Self {
        let unexpected = |error: &dyn std::error::Error| Self::Unexpected { detail: chain(error) };
        match error {
            LifecycleError::Config(error) => error.into(),
            LifecycleError::AlreadyRunning { name } => Self::AlreadyRunning { name },
            LifecycleError::NotRunning { name } => Self::NotRunning { name },
            LifecycleError::EmptyRoot { name, path } => {
                Self::EmptyRoot { name, path: path.display().to_string() }
            }
            LifecycleError::ContextInUse { context, by } => {
                Self::of_field(Field::Context, Problem::ContextTaken { context, by })
            }
            LifecycleError::NoFreeContext => Self::of_field(Field::Context, Problem::NoFreeContext),
            LifecycleError::Facts(error) => error.into(),
            LifecycleError::Lock(error) => error.into(),
            LifecycleError::Guest { name, source } => guest_failure(name, source),
            LifecycleError::Cgroup(error @ (CgroupError::Detect(_) | CgroupError::None)) => {
                Self::HostLacks { feature: HostFeature::Cgroups, detail: chain(&error) }
            }
            LifecycleError::Network(error @ NetworkError::MakePair { .. }) => {
                Self::HostLacks { feature: HostFeature::Veth, detail: chain(&error) }
            }
            LifecycleError::Network(
                error @ (NetworkError::StartNft(_) | NetworkError::LoadRules { .. }),
            ) => Self::HostLacks { feature: HostFeature::Nftables, detail: chain(&error) },
            LifecycleError::DoesNotEnd { .. } => {
                Self::TimedOut { what: error.to_string(), seconds: KILL_PATIENCE.as_secs() }
            }
            other => unexpected(&other),
        }
    }
}

fn guest_failure(name: VServerName, error: GuestError) -> Failure {
    let errno = |source: &io::Error| source.raw_os_error().unwrap_or_default();
    match error {
        GuestError::NoInit { path } => Failure::NoInit { name, path },
        GuestError::OtherArchitecture { path } => Failure::OtherArchitecture { name, path },
        GuestError::Make { step: Step::MapFiles, ref subject, .. } => {
            volume::unmappable(Path::new(subject), chain(&error))
        }
        GuestError::Make { step: Step::Fork, ref source, .. }
            if matches!(
                errno(source),
                libc::EPERM | libc::ENOSPC | libc::EINVAL | libc::EUSERS
            ) =>
        {
            Failure::HostLacks { feature: HostFeature::UserNamespaces, detail: chain(&error) }
        }
        other => Failure::Unexpected { detail: chain(&other) },
    }
}
