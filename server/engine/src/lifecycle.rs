//! The life of a VServer: start, stop, restart, and what follows when it has ended by itself.
//!
//! Called with the VServer's lock held. A start writes the record of all it is about to apply first
//! ([`GuestState`]), and a stop works from that record alone. Waiting is always for a process or a
//! deadline, never for a time.
//!
//! Not here: hooks (`scripts/`), volumes: later issues. They belong where the comments of [`start`] say so.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::config_entry::ConfigTree;
use domain::failure::{Failure, HostFeature, chain};
use domain::field::{Field, Problem};
use domain::id::{ContextId, VServerName};
use domain::init::{InitStyle, Rescue};
use domain::note::Note;
use domain::operation::Stage;
use nix::libc;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::cgroup::{self, CgroupError, Layout};
use crate::config::{self, ConfigError, GuestConfig, KillStep};
use crate::configure;
use crate::engine::Instance;
use crate::facts::{self, FactsError};
use crate::guest::{self, GuestError, InitPlan, MountPlan, StartPlan, Step as GuestStep};
use crate::lock::{AllocationLock, LockError};
use crate::network::{self, NetworkError, NetworkPlan, PlanError};
use crate::operation::{Step, Stopped, Work, crash_point};
use crate::roots::{IDS_PER_VSERVER, Roots, first_host_id};
use crate::state::{GuestState, ProcessIdentity, StateError, reverse_base};
use crate::terminal::{self, TerminalError};
use crate::unification;
use crate::volume;

/// How long processes that were killed may take to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(20);
/// How long the lock for choosing numbers may be held by others.
const ALLOCATION_PATIENCE: Duration = Duration::from_secs(10);
/// What a stop does when the config tree does not say (fact sheet 1.4).
const KILL_SEQUENCE: [KillStep; 2] =
    [KillStep { signal: 15, wait_seconds: 5 }, KillStep { signal: 9, wait_seconds: 0 }];
/// How long a stop waits before it kills, when the config tree does not say.
const SYNC_TIMEOUT_SECONDS: u32 = 30;
/// What pid 1 of its own gets where nothing else is said: systemd powers off.
const POWER_OFF: i32 = 38;

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
    /// Some of its processes would not end.
    #[error("process {pid} does not end")]
    DoesNotEnd {
        /// Its pid.
        pid: u32,
    },
}

impl From<LifecycleError> for Failure {
    fn from(error: LifecycleError) -> Self {
        let unexpected = |error: &dyn std::error::Error| Self::Unexpected { detail: chain(error) };
        match error {
            LifecycleError::Config(error) => error.into(),
            LifecycleError::AlreadyRunning { name } => Self::AlreadyRunning { name },
            LifecycleError::NotRunning { name } => Self::NotRunning { name },
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
            LifecycleError::Plan(PlanError::AddressTwice { address })
            | LifecycleError::Network(NetworkError::Plan(PlanError::AddressTwice { address })) => {
                Self::of_field(Field::Interface, Problem::AddressTwice { address })
            }
            LifecycleError::Plan(PlanError::NotOfNat { address, .. }) => {
                Self::of_field(Field::Interface, Problem::AddressNotUsable { address })
            }
            LifecycleError::Network(NetworkError::AddressOfHost { address }) => {
                Self::of_field(Field::Interface, Problem::AddressOfHost { address })
            }
            LifecycleError::Network(NetworkError::NoSuchDevice { device }) => Self::of_field(
                Field::Interface,
                Problem::NoSuchDevice { device: device.to_string(), devices: Vec::new() },
            ),
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
        GuestError::Make { step: GuestStep::MapFiles, ref subject, .. } => {
            volume::unmappable(Path::new(subject), chain(&error))
        }
        GuestError::Make { step: GuestStep::Fork, ref source, .. }
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

/// Starts a VServer.
///
/// # Errors
/// When it runs, its config tree is broken, or a step failed; nothing of it is left then.
pub fn start(instance: &Instance, work: &mut Work<'_>, name: &VServerName) -> Result<(), Stopped> {
    let config = GuestConfig::read(&instance.settings.roots, name)?;
    start_as(instance, work, name, &config)
}

/// Starts something else in a VServer than its init, so that it can be entered and mended; whatever its
/// config tree says of an init is not consulted.
///
/// # Errors
/// As [`start`].
pub fn rescue(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    rescue: &Rescue,
) -> Result<(), Stopped> {
    let mut config = GuestConfig::read(&instance.settings.roots, name)?;
    config.init.style = if rescue.is_init { InitStyle::Plain } else { InitStyle::Sysv };
    config.init.start_command = Some(rescue.command().to_vec());
    config.init.stop_command = Some(vec!["/sbin/killall5".to_owned()]);
    start_as(instance, work, name, &config)
}

fn start_as(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    config: &GuestConfig,
) -> Result<(), Stopped> {
    let layout = Layout::detect().map_err(LifecycleError::from)?;
    layout.hasten();
    let roots = &instance.settings.roots;
    config.limits.placement.judge(name)?;
    if let Some(old) = GuestState::read(roots, name).map_err(LifecycleError::from)? {
        if old.is_running() {
            return Err(LifecycleError::AlreadyRunning { name: name.clone() }.into());
        }
        clean_up(roots, &old)?;
    }
    let files = configure::notice_before_start(roots, work, &ConfigTree::VServer(name.clone()));
    for warning in config.warnings.iter().chain(&config::without_effect(name, &files)) {
        work.note(warning);
    }
    // What cannot be shown as it is cannot be shown with its ids.
    unification::show(&config.root).map_err(Failure::from)?;
    // Here `initialize` and `prepre-start` will run, and the volume will be mounted.
    work.intend(Step::Run(name.clone()))?;
    crash_point("start:intended");
    let mut state = record(instance, work, &layout, config)?;
    crash_point("start:recorded");
    work.progress(Stage::StartingInit, 300);
    let started = launch(instance, &layout, config, &mut state)
        .inspect_err(|_| tell_if_left(clean_up(roots, &state), name));
    let (skipped, notes) = started?;
    for note in &notes {
        work.note(note);
    }
    for mount in skipped {
        let (subject, detail) = match mount.source {
            GuestError::Make { subject, source, .. } => (subject, source.to_string()),
            other => (String::new(), chain(&other)),
        };
        work.note(&Note::NotMounted { line: mount.line, subject, detail });
    }
    crash_point("start:started");
    state.publish(roots).map_err(LifecycleError::from)?;
    // Here `post-start` will run.
    Ok(())
}

/// Writes down what is about to be applied.
fn record(
    instance: &Instance,
    work: &Work<'_>,
    layout: &Layout,
    config: &GuestConfig,
) -> Result<GuestState, LifecycleError> {
    let roots = &instance.settings.roots;
    let name = &config.name;
    // Two starts at once must not choose, or find free, the same number.
    let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
    let context = match config.context {
        Some(context) => {
            if let Some(by) = who_runs_as(roots, context).filter(|by| by != name) {
                return Err(LifecycleError::ContextInUse { context, by });
            }
            context
        }
        None => free_context(roots)?,
    };
    let plan = NetworkPlan::new(context, &config.interfaces, &instance.settings.nat)?;
    let state = GuestState {
        name: name.clone(),
        context,
        supervisor: None,
        init: None,
        started_at: work.clock().now(),
        style: config.init.style,
        root: config.root.clone(),
        first_host_id: first_host_id(context),
        capabilities: guest::ceiling(
            config.init.style,
            config.capabilities.added,
            config.capabilities.removed,
        ),
        network: plan.record(),
        cgroups: layout.paths(&roots.cgroup_root, name.as_str()),
    };
    state.write(roots)?;
    Ok(state)
}

/// Which VServer runs with this context number, by the link that every start leaves.
fn who_runs_as(roots: &Roots, context: ContextId) -> Option<VServerName> {
    let target = std::fs::read_link(reverse_base(roots).join(context.to_string())).ok()?;
    let name: VServerName = target.file_name()?.to_str()?.parse().ok()?;
    let state = GuestState::running(roots, &name).ok()??;
    (state.context == context).then_some(name)
}

/// A number for a VServer that has none of its own.
fn free_context(roots: &Roots) -> Result<ContextId, LifecycleError> {
    let claims = facts::claims(roots)?;
    let is_free = |id: &ContextId| claims.iter().all(|claim| claim.context != Some(*id));
    std::iter::successors(Some(ContextId::FIRST_AUTOMATIC), |id| id.next())
        .find(is_free)
        .ok_or(LifecycleError::NoFreeContext)
}

/// Makes cgroups, processes and network, and lets the guest run.
fn launch(
    instance: &Instance,
    layout: &Layout,
    config: &GuestConfig,
    state: &mut GuestState,
) -> Result<(Vec<guest::SkippedMount>, Vec<Note>), LifecycleError> {
    let roots = &instance.settings.roots;
    let name = &config.name;
    let failed = |source| LifecycleError::Guest { name: name.clone(), source };
    let cgroups = layout.create(&roots.cgroup_root, name.as_str(), state.first_host_id)?;
    crash_point("start:cgroups");
    tracing::debug!(%name, context = %state.context, directories = ?cgroups, "made its cgroups");
    let notes = config.limits.apply(&cgroups)?;
    tracing::debug!(%name, limits = ?config.limits, "limited them");
    let supervisor_cgroups = layout.create_supervisors(&roots.cgroup_root)?;
    let plan = plan_of(instance, config, state, cgroups, supervisor_cgroups);
    let network = NetworkPlan::new(state.context, &config.interfaces, &instance.settings.nat)?;
    let spawned = guest::spawn(&plan).map_err(failed)?;
    crash_point("start:spawned");
    tracing::debug!(
        %name,
        pid = spawned.init().pid,
        first_host_id = state.first_host_id,
        root = %state.root.display(),
        "made its first process, in namespaces of its own"
    );
    for mount in &plan.mounts {
        tracing::debug!(%name, line = mount.line, target = mount.target, "will mount");
    }
    network::apply(&network, spawned.init().pid)?;
    crash_point("start:network");
    for link in &state.network.links {
        let device = &link.host_device;
        tracing::debug!(%name, %device, addresses = ?link.addresses, "made a link to it");
    }
    let started = spawned.go().map_err(failed)?;
    crash_point("start:running");
    tracing::debug!(%name, style = %state.style, init = ?plan.init, "let its first process go");
    // Only now: a record with a pid 1 means that the start was completed. A crash before leaves one
    // without, and what runs then is ended.
    state.supervisor = Some(started.supervisor);
    state.init = Some(started.init);
    state.write(roots)?;
    Ok((started.skipped, notes))
}

fn plan_of(
    instance: &Instance,
    config: &GuestConfig,
    state: &GuestState,
    cgroups: Vec<PathBuf>,
    supervisor_cgroups: Vec<PathBuf>,
) -> StartPlan {
    let roots = &instance.settings.roots;
    let init = &config.init;
    let mut environment = init.environment.clone();
    let plan = match init.style {
        InitStyle::Sysv => InitPlan::Own {
            start_command: init.start_command.clone(),
            start_level: init.start_level.clone().unwrap_or_else(|| "3".to_owned()),
            stop_command: init.stop_command.clone(),
            stop_level: init.stop_level.clone().unwrap_or_else(|| "6".to_owned()),
        },
        InitStyle::Plain => {
            environment.push("container=ulysse".to_owned());
            let default = || {
                let level = init.start_level.clone();
                std::iter::once("/sbin/init".to_owned()).chain(level).collect()
            };
            InitPlan::Program { command: init.start_command.clone().unwrap_or_else(default) }
        }
    };
    let name = &config.name;
    let host_name = config.uts.node_name.as_ref().map_or(name.as_str(), |node| node.as_str());
    StartPlan {
        name: name.clone(),
        context: state.context,
        root: state.root.clone(),
        first_host_id: state.first_host_id,
        host_ids: IDS_PER_VSERVER,
        host_name: host_name.to_owned(),
        domain_name: config.uts.domain_name.clone(),
        init: plan,
        environment,
        capabilities: state.capabilities,
        mounts: config.fstab.iter().map(MountPlan::from).collect(),
        nice: config.nice,
        processes: config.processes.clone(),
        cgroups,
        supervisor_cgroups,
        console_log: roots.console_log_of(name),
        event_log: roots.event_log_of(name),
        executable: instance.executable.clone(),
        settings_file: instance.settings_file.clone(),
        report_end: true,
    }
}

/// Stops a VServer: politely, then by its kill sequence, then all that is left.
///
/// # Errors
/// When it does not run, or something of it cannot be ended or removed.
pub fn stop(instance: &Instance, work: &mut Work<'_>, name: &VServerName) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let Some(state) = GuestState::read(roots, name).map_err(LifecycleError::from)? else {
        let exists = roots.config_of(name).is_dir();
        return Err(if exists {
            LifecycleError::NotRunning { name: name.clone() }.into()
        } else {
            ConfigError::NoSuchVServer { name: name.clone(), path: roots.config_of(name) }.into()
        });
    };
    // Here `pre-stop` will run.
    work.intend(Step::End { name: name.clone(), init: state.init })?;
    crash_point("stop:intended");
    if state.is_running() {
        work.progress(Stage::StoppingServices, 50);
        hang_up(roots, work, name);
        end_processes(roots, work, &state)?;
        crash_point("stop:ended");
        tracing::debug!(%name, "its first process has ended");
    }
    work.progress(Stage::RemovingNetwork, 900);
    clean_up(roots, &state)?;
    crash_point("stop:cleaned");
    tracing::debug!(%name, "removed its processes, network and cgroups");
    // Here `post-stop` and `postpost-stop` will run.
    Ok(())
}

/// Ends the shells of its terminals as a closed window would. They ignore the signal that asks
/// processes to end, and init scripts would wait for them in vain.
fn hang_up(roots: &Roots, work: &mut Work<'_>, name: &VServerName) {
    let ended = terminal::list(roots).and_then(|terminals| {
        let mut its = terminals.iter().filter(|terminal| terminal.vserver == *name);
        its.try_for_each(|terminal| terminal::close(roots, &terminal.id))
    });
    match ended {
        // One that has just ended by itself is what is wanted.
        Ok(()) | Err(TerminalError::NoSuchTerminal { .. }) => {}
        Err(error) => work.note(&Note::TerminalNotEnded { detail: chain(&error) }),
    }
}

/// Stops it if it runs, and starts it.
///
/// # Errors
/// As [`stop`] and [`start`].
pub fn restart(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    // A config tree that cannot be started must not cost the VServer that runs.
    GuestConfig::read(roots, name)?.limits.placement.judge(name)?;
    if GuestState::read(roots, name).map_err(LifecycleError::from)?.is_some() {
        stop(instance, work, name)?;
    }
    start(instance, work, name)
}

/// Ends what runs of a VServer.
fn end_processes(
    roots: &Roots,
    work: &mut Work<'_>,
    state: &GuestState,
) -> Result<(), LifecycleError> {
    let Some(init) = state.init else { return Ok(()) };
    // The record decides; the config tree may be broken by now and only adds to it.
    let config = GuestConfig::read(roots, &state.name).ok();
    let seconds =
        config.as_ref().map_or(SYNC_TIMEOUT_SECONDS, |config| config.init.sync_timeout_seconds);
    let sequence = config.map(|config| config.init.kill_sequence).unwrap_or_default();
    let sequence = if sequence.is_empty() { KILL_SEQUENCE.to_vec() } else { sequence };
    let Some(pidfd) = open_process(init).map_err(LifecycleError::Wait)? else { return Ok(()) };
    ask_to_end(state, init, &pidfd);
    let patience = Duration::from_secs(seconds.into());
    if wait_for_end(&pidfd, patience).map_err(LifecycleError::Wait)? {
        return Ok(());
    }
    work.note(&Note::StopTimedOut { seconds });
    work.progress(Stage::EndingProcesses, 600);
    for step in sequence {
        signal_all(state, step.signal);
        let patience = Duration::from_secs(step.wait_seconds.into());
        if wait_for_end(&pidfd, patience).map_err(LifecycleError::Wait)? {
            break;
        }
    }
    Ok(())
}

/// Tells pid 1 to end everything, the way it understands.
fn ask_to_end(state: &GuestState, init: ProcessIdentity, pidfd: &OwnedFd) {
    let signal = match state.style {
        InitStyle::Sysv => libc::SIGTERM,
        // The name is the guest's own word; all it decides is how the guest is told.
        InitStyle::Plain => match std::fs::read_to_string(format!("/proc/{}/comm", init.pid)) {
            Ok(name) if name.trim() == "systemd" => POWER_OFF,
            _ => libc::SIGINT,
        },
    };
    tracing::debug!(name = %state.name, pid = init.pid, signal, "tells its first process to end");
    // When it has just ended, that is what is wanted.
    let _ = sys::process::send_signal(pidfd.as_fd(), signal);
}

fn signal_all(state: &GuestState, signal: u8) {
    for pid in cgroup::processes(&state.cgroups) {
        if let Some(process) = ProcessIdentity::of(pid)
            && let Ok(Some(pidfd)) = open_process(process)
        {
            let _ = sys::process::send_signal(pidfd.as_fd(), i32::from(signal));
        }
    }
}

/// A descriptor of exactly this process; none when it has ended.
fn open_process(process: ProcessIdentity) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok(process.is_alive().then_some(pidfd)),
        // Older kernels say `INVAL` of a number that is only a session's or process group's by now.
        Err(rustix::io::Errno::SRCH | rustix::io::Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Waits for the end of a process; false when it lives after `patience`.
fn wait_for_end(pidfd: &OwnedFd, patience: Duration) -> io::Result<bool> {
    sys::wait::until_readable(pidfd, Instant::now() + patience)
}

/// Ends and removes all that a record names, and the record last. Doing it twice is the same as once.
///
/// # Errors
/// When something cannot be ended or removed; the record is still there then.
pub fn clean_up(roots: &Roots, state: &GuestState) -> Result<(), LifecycleError> {
    // A supervisor whose guest was never told to run ends by itself, with the guest.
    cgroup::kill_all(&state.cgroups, KILL_PATIENCE)?;
    for process in [state.init, state.supervisor].into_iter().flatten() {
        let Some(pidfd) = open_process(process).map_err(LifecycleError::Wait)? else { continue };
        if !wait_for_end(&pidfd, KILL_PATIENCE).map_err(LifecycleError::Wait)? {
            return Err(LifecycleError::DoesNotEnd { pid: process.pid });
        }
    }
    network::undo(&state.network)?;
    cgroup::remove(&state.cgroups, KILL_PATIENCE)?;
    state.remove(roots)?;
    if let Err(error) = unification::show(&state.root) {
        // It is ended all the same; whoever needs its files next is told.
        tracing::warn!(name = %state.name, error = chain(&error), "its files are not shown");
    }
    Ok(())
}

fn tell_if_left(result: Result<(), LifecycleError>, name: &VServerName) {
    if let Err(error) = result {
        tracing::error!(%name, error = chain(&error), "something of a failed start is left");
    }
}
