//! Starting a VServer.
//!
//! Invariant: what a start is about to apply is in its record before it applies it, and a start that fails
//! takes all of it away again.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use domain::config_entry::ConfigTree;
use domain::failure::{Failure, chain};
use domain::guest_log::BootId;
use domain::hook::Hook;
use domain::id::{ContextId, VServerName};
use domain::init::{InitStyle, Rescue};
use domain::life::GuestEvent;
use domain::note::Note;
use domain::operation::Stage;
use domain::trace::TraceStep;
use sys::capability::CapabilitySet;

use super::LifecycleError;
use super::booting::Booting;
use super::hooks::{self, Hooks};
use super::init_style::{init_plan, preparation, stop_of};
use super::stop::{clean_up, end_processes};
use super::vshelper;
use crate::cgroup::Layout;
use crate::config::{self, ConfigError, GuestConfig, InitConfig};
use crate::configure;
use crate::engine::Instance;
use crate::facts;
use crate::guest::{
    self, GuestError, InitPlan, MountPlan, Preparation, SkippedMount, StartCommand, StartPlan,
    Started,
};
use crate::lock::AllocationLock;
use crate::network::{self, NetworkPlan};
use crate::operation::{Step, Stopped, Work, crash_point};
use crate::roots::{IDS_PER_VSERVER, Roots, first_host_id};
use crate::state::{AppliedStop, GuestState, StateError};
use crate::unification;

/// How long the lock for choosing numbers may be held by others.
const ALLOCATION_PATIENCE: Duration = Duration::from_secs(10);

/// What a start makes of its own among a VServer's files, and mkfs: with nothing else they are none.
const MOUNT_POINTS: [&str; 5] = ["dev", "proc", "run", "sys", "lost+found"];

/// Starts a VServer.
///
/// # Errors
/// When it runs, its config tree is broken, or a step or hook failed; nothing of it is left then.
pub fn start(instance: &Instance, work: &mut Work<'_>, name: &VServerName) -> Result<(), Stopped> {
    start_as(instance, work, name, None, None)
}

/// Starts a VServer and leaves what is needed to wait until it has booted.
///
/// # Errors
/// As [`start`].
pub(crate) fn start_booting(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    booting: &OnceLock<Booting>,
) -> Result<(), Stopped> {
    start_as(instance, work, name, None, Some(booting))
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
    start_as(instance, work, name, Some(rescue), None)
}

fn start_as(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    rescue: Option<&Rescue>,
    booting: Option<&OnceLock<Booting>>,
) -> Result<(), Stopped> {
    let layout = Layout::detect().map_err(LifecycleError::from)?;
    let roots = &instance.settings.roots;
    let directory = roots.config_of(name);
    if !directory.is_dir() {
        return Err(ConfigError::NoSuchVServer { name: name.clone(), path: directory }.into());
    }
    if let Some(old) = GuestState::read(roots, name).map_err(LifecycleError::from)? {
        if old.is_running() {
            return Err(LifecycleError::AlreadyRunning { name: name.clone() }.into());
        }
        clean_up(roots, &old)?;
    }
    work.trace(TraceStep::ConfigDirectory { path: directory.display().to_string() });
    let files = configure::notice_before_start(roots, work, &ConfigTree::VServer(name.clone()));
    work.intend(Step::Run(name.clone()))?;
    crash_point("start:intended");
    // It may yet make what the config tree names.
    Hooks::of(instance, name, None).run(work, Hook::Initialize)?;
    let config = configuration(instance, name, rescue)?;
    config.limits.placement.judge(name)?;
    let (style, root) = (config.init.style, config.root.display().to_string());
    work.trace(TraceStep::ConfigRead { style, root });
    let without_effect = config::without_effect(name, &files);
    let of_vshelper = vshelper::warnings(roots, name);
    for warning in config.warnings.iter().chain(&without_effect).chain(&of_vshelper) {
        work.note(warning);
    }
    // What cannot be shown as it is cannot be shown with its ids.
    unification::show(&config.root).map_err(Failure::from)?;
    let hooks = Hooks::of(instance, name, Some(&config.root));
    hooks.run(work, Hook::PrepreStart)?;
    refuse_empty_root(&config)?;
    let mut state = record(instance, work, &layout, &config, GuestState::write)
        .map_err(|error| error.of_start(instance, name))?;
    crash_point("start:recorded");
    let (context, first_host_id) = (state.context, state.first_host_id);
    work.trace(TraceStep::Recorded { context, first_host_id });
    work.progress(Stage::StartingInit, 300);
    let reports_start = booting.is_some() || waits_for_start(&config, &hooks);
    let started = launch(instance, work, &layout, &config, &mut state, &hooks, reports_start)
        .inspect_err(|_| tell_if_left(clean_up(roots, &state), name))?;
    crash_point("start:started");
    state.publish(roots).map_err(LifecycleError::from)?;
    let run_file = roots.run_file_of(name).display().to_string();
    work.trace(TraceStep::Published { run_file });
    match complete(instance, work, &config, &started, &hooks, context) {
        Ok(start_command) => {
            if let Some(booting) = booting {
                // Nobody else fills it.
                let _ = booting.set(Booting::new(started, start_command, &config.init, state));
            }
        }
        Err(stopped) => {
            // What runs by now gets the time to end that a stop would give it.
            let ended = end_processes(roots, work, &state).and_then(|()| clean_up(roots, &state));
            tell_if_left(ended, name);
            return Err(stopped);
        }
    }
    work.flush_trace();
    Ok(())
}

/// Refuses a root in which there is nothing: most likely the place of a volume that is not mounted, where a
/// start would leave its mount points.
pub(super) fn refuse_empty_root(config: &GuestConfig) -> Result<(), LifecycleError> {
    let is_own = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| MOUNT_POINTS.iter().any(|own| entry.file_name() == *own))
    };
    let is_empty = match fs::read_dir(&config.root) {
        Ok(mut entries) => entries.all(is_own),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        // Said by whatever needs it next.
        Err(_) => false,
    };
    match is_empty {
        true => {
            Err(LifecycleError::EmptyRoot { name: config.name.clone(), path: config.root.clone() })
        }
        false => Ok(()),
    }
}

/// Its config tree; for a rescue with another init.
fn configuration(
    instance: &Instance,
    name: &VServerName,
    rescue: Option<&Rescue>,
) -> Result<GuestConfig, ConfigError> {
    let mut config = GuestConfig::read(&instance.settings.roots, name)?;
    if let Some(rescue) = rescue {
        config.init = InitConfig {
            style: if rescue.is_init { InitStyle::Plain } else { InitStyle::Sysv },
            start_command: Some(rescue.command().to_vec()),
            stop_command: Some(vec!["/sbin/killall5".to_owned()]),
            prepare_command: None,
            start_sync_command: None,
            stop_sync_command: None,
            ..config.init
        };
    }
    Ok(config)
}

/// What follows when its first program runs: `startup`, what waits for the start, then `post-start`. Gives what became
/// of the start command, when that was waited for.
fn complete(
    instance: &Instance,
    work: &mut Work<'_>,
    config: &GuestConfig,
    started: &Started,
    hooks: &Hooks<'_>,
    context: ContextId,
) -> Result<Option<StartCommand>, Stopped> {
    vshelper::see_to(instance, work.clock(), &config.name, context, GuestEvent::Startup)?;
    let mut start_command = None;
    if waits_for_start(config, hooks) {
        work.trace(TraceStep::WaitsForStart);
        work.flush_trace();
        let seconds = instance.settings.limits.hook_seconds;
        let patience = Duration::from_secs(seconds.into());
        let ended = started.wait_for_start_command(patience).map_err(LifecycleError::Wait)?;
        start_command = Some(ended);
        match ended {
            StartCommand::Ended { status } => {
                work.trace(TraceStep::StartCommandEnded { status });
            }
            // The original waited for ever; what waits for the start has waited long enough.
            StartCommand::Runs => work.note(&Note::StartCommandRuns { seconds }),
            // Its end is somebody else's to see to.
            StartCommand::Gone => {}
        }
    }
    if let Some(command) = &config.init.start_sync_command {
        let file = (config::START_SYNC_COMMAND, command.as_slice());
        hooks::run_command(instance, work, &config.name, &config.root, file)?;
    }
    hooks.run(work, Hook::PostStart)?;
    Ok(start_command)
}

/// Whether something follows the end of the start command. A first process of the VServer's own never ends.
fn waits_for_start(config: &GuestConfig, hooks: &Hooks<'_>) -> bool {
    let follows = config.init.start_sync_command.is_some() || hooks.has(Hook::PostStart);
    !config.init.style.has_own_init() && follows
}

/// Writes down what is about to be applied.
pub(super) fn record(
    instance: &Instance,
    work: &Work<'_>,
    layout: &Layout,
    config: &GuestConfig,
    write: fn(&GuestState, &Roots) -> Result<(), StateError>,
) -> Result<GuestState, LifecycleError> {
    let roots = &instance.settings.roots;
    let name = &config.name;
    // Two starts at once must not choose, or find free, the same number.
    let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
    let context = match config.context {
        Some(context) => {
            if let Some(by) = who_has(roots, context, name)? {
                return Err(LifecycleError::ContextInUse { context, by });
            }
            context
        }
        None => free_context(roots)?,
    };
    let nat = &instance.settings.nat;
    let plan = NetworkPlan::new(context, &config.interfaces, &config.on_wire, nat)?;
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
        stop: AppliedStop {
            command: stop_of(&config.init),
            kill_sequence: config.init.kill_sequence.clone(),
            timeout_seconds: config.init.sync_timeout_seconds,
        },
        network: plan.record(),
        cgroups: layout.paths(&roots.cgroup_root, name.as_str()),
    };
    write(&state, roots)?;
    Ok(state)
}

/// Which other VServer runs with this context number, or is being started with it: a record that has no
/// pid 1 yet counts, whoever is to undo it.
fn who_has(
    roots: &Roots,
    context: ContextId,
    own: &VServerName,
) -> Result<Option<VServerName>, LifecycleError> {
    let all = GuestState::all(roots)?.into_iter().chain(GuestState::all_aside(roots)?);
    let mut others = all.filter(|other| other.name != *own);
    let has = |other: &GuestState| {
        other.context == context && (other.init.is_none() || other.is_running())
    };
    Ok(others.find(has).map(|other| other.name))
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
    work: &mut Work<'_>,
    layout: &Layout,
    config: &GuestConfig,
    state: &mut GuestState,
    hooks: &Hooks<'_>,
    reports_start: bool,
) -> Result<Started, Stopped> {
    let roots = &instance.settings.roots;
    let name = &config.name;
    let failed = |source| LifecycleError::Guest { name: name.clone(), source };
    let cgroups = layout
        .create(&roots.cgroup_root, name.as_str(), state.first_host_id)
        .map_err(LifecycleError::from)?;
    crash_point("start:cgroups");
    let directories = cgroups.iter().map(|path| path.display().to_string()).collect();
    work.trace(TraceStep::Cgroups { directories });
    for note in &config.limits.apply(&cgroups).map_err(LifecycleError::from)? {
        work.note(note);
    }
    work.trace(TraceStep::Limits);
    let supervisor_cgroups =
        layout.create_supervisors(&roots.cgroup_root).map_err(LifecycleError::from)?;
    let plan = StartPlan {
        reports_start,
        ..plan_of(instance, config, state, cgroups, supervisor_cgroups)
    };
    let nat = &instance.settings.nat;
    let of_start = |error: LifecycleError| error.of_start(instance, name);
    let network = NetworkPlan::new(state.context, &config.interfaces, &config.on_wire, nat)
        .map_err(|error| of_start(error.into()))?;
    let mut spawned = guest::spawn(&plan).map_err(failed)?;
    crash_point("start:spawned");
    work.trace(TraceStep::Namespaces { pid: spawned.init().pid });
    network::apply(&network, spawned.init().pid).map_err(|error| match spawned.why_ended() {
        Some(source) => of_start(failed(source)),
        None => of_start(error.into()),
    })?;
    crash_point("start:network");
    for link in &state.network.links {
        let addresses = link.addresses.iter().map(ToString::to_string).collect();
        work.trace(TraceStep::Link { device: link.host_device.to_string(), addresses });
    }
    for wire in &state.network.wires {
        let addresses = wire.addresses.iter().map(ToString::to_string).collect();
        let device = format!("{} (macvlan)", wire.parent);
        work.trace(TraceStep::Link { device, addresses });
    }
    // Programs of the host's come after the mounts (fact sheet 4.1); with none nobody waits for these.
    let has_programs = config.init.prepare_command.is_some() || hooks.has(Hook::PreStart);
    if has_programs {
        tell_mounted(work, &plan, spawned.wait_until_mounted().map_err(failed)?);
    }
    if let Some(command) = &config.init.prepare_command {
        let file = (config::PREPARE_COMMAND, command.as_slice());
        hooks::run_command(instance, work, name, &state.root, file)?;
    }
    hooks.run(work, Hook::PreStart)?;
    let started = spawned.go().map_err(failed)?;
    crash_point("start:running");
    // Only now: a record with a pid 1 means that the start was completed. A crash before leaves one
    // without, and what runs then is ended.
    state.supervisor = Some(started.supervisor);
    state.init = Some(started.init);
    state.write(roots).map_err(LifecycleError::from)?;
    if !has_programs {
        tell_mounted(work, &plan, &started.skipped);
    }
    tell_made(work, config, &plan, &started);
    Ok(started)
}

/// Says what of its fstab was mounted.
fn tell_mounted(work: &mut Work<'_>, plan: &StartPlan, skipped: &[SkippedMount]) {
    for mount in plan.mounts.iter().filter(|mount| !mount.target.trim_matches('/').is_empty()) {
        let (line, target) = (mount.line, mount.target.clone());
        match skipped.iter().find(|skipped| skipped.line == line) {
            None => work.trace(TraceStep::Mounted { line, target }),
            Some(skipped) => {
                let (subject, detail) = match &skipped.source {
                    GuestError::Make { subject, source, .. } => {
                        (subject.clone(), source.to_string())
                    }
                    other => (String::new(), chain(other)),
                };
                work.note(&Note::NotMounted { line, subject, detail });
            }
        }
    }
}

/// Says what else was done inside before its first program ran.
fn tell_made(work: &mut Work<'_>, config: &GuestConfig, plan: &StartPlan, started: &Started) {
    work.trace(TraceStep::HostName { host_name: plan.host_name.clone() });
    work.trace(TraceStep::Served { nice: plan.nice });
    let capabilities = CapabilitySet::from_bits(plan.capabilities).to_string();
    work.trace(TraceStep::Confined { capabilities });
    if plan.preparation != Preparation::Nothing {
        work.trace(TraceStep::Prepared { style: config.init.style });
    }
    let words = match &plan.init {
        InitPlan::Own { start, .. } => start.words(),
        InitPlan::Program { command } => command.clone(),
    };
    let command = domain::build::shell_line(&words);
    work.trace(TraceStep::Executed { pid: started.init.pid, command });
}

pub(super) fn plan_of(
    instance: &Instance,
    config: &GuestConfig,
    state: &GuestState,
    cgroups: Vec<PathBuf>,
    supervisor_cgroups: Vec<PathBuf>,
) -> StartPlan {
    let roots = &instance.settings.roots;
    let init = &config.init;
    let mut environment = init.environment.clone();
    if init.style == InitStyle::Plain {
        environment.push("container=ulysse".to_owned());
    }
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
        init: init_plan(init, &state.stop),
        preparation: preparation(init),
        reports_start: false,
        environment,
        capabilities: state.capabilities,
        mounts: config.fstab.iter().map(MountPlan::from).collect(),
        nice: config.nice,
        processes: config.processes.clone(),
        cgroups,
        supervisor_cgroups,
        console_log: roots.console_log_of(name, BootId(state.started_at)),
        event_log: roots.event_log_of(name),
        life_log: roots.life_log_of(name),
        executable: instance.executable.clone(),
        settings_file: instance.settings_file.clone(),
        report_end: true,
    }
}

fn tell_if_left(result: Result<(), LifecycleError>, name: &VServerName) {
    if let Err(error) = result {
        tracing::error!(%name, error = chain(&error), "something of a failed start is left");
    }
}
