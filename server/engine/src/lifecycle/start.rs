//! Starting a VServer.
//!
//! Invariant: what a start is about to apply is in its record before it applies it, and a start that fails
//! takes all of it away again.

use std::path::PathBuf;
use std::time::Duration;

use domain::config_entry::ConfigTree;
use domain::failure::{Failure, chain};
use domain::id::{ContextId, VServerName};
use domain::init::{InitStyle, Rescue};
use domain::note::Note;
use domain::operation::Stage;

use super::LifecycleError;
use super::stop::clean_up;
use crate::cgroup::Layout;
use crate::config::{self, GuestConfig, InitConfig};
use crate::configure;
use crate::engine::Instance;
use crate::facts;
use crate::guest::{self, GuestError, InitCommand, InitPlan, MountPlan, Preparation, StartPlan};
use crate::lock::AllocationLock;
use crate::network::{self, NetworkPlan};
use crate::operation::{Step, Stopped, Work, crash_point};
use crate::roots::{IDS_PER_VSERVER, Roots, first_host_id};
use crate::state::{AppliedStop, GuestState, reverse_base};
use crate::unification;

/// How long the lock for choosing numbers may be held by others.
const ALLOCATION_PATIENCE: Duration = Duration::from_secs(10);

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
        stop: AppliedStop {
            command: stop_of(&config.init),
            kill_sequence: config.init.kill_sequence.clone(),
            timeout_seconds: config.init.sync_timeout_seconds,
        },
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

/// What pid 1 is in this style (fact sheet 1.4).
fn init_plan(init: &InitConfig, stop: &AppliedStop) -> InitPlan {
    let level = init.start_level.clone();
    if init.style.has_own_init() {
        let of_style = || {
            let program = init.style.start_programs().iter().map(|path| (*path).to_owned());
            program.chain(level.filter(|_| init.style == InitStyle::Plain)).collect()
        };
        let command = init.start_command.clone().unwrap_or_else(of_style);
        return InitPlan::Program { command };
    }
    let start = match &init.start_command {
        Some(command) => InitCommand::configured(command),
        None => start_of_style(init),
    };
    InitPlan::Own {
        title: level.unwrap_or_default(),
        start,
        stop: stop.command.clone(),
        kill_sequence: stop.kill_sequence.clone(),
    }
}

fn start_of_style(init: &InitConfig) -> InitCommand {
    let level: Vec<String> = init.start_level.iter().cloned().collect();
    let (arguments, environment) = match init.style {
        InitStyle::Sysv => (level.clone(), run_level("N", &level)),
        InitStyle::Gentoo => (level, vec!["TERM=linux".to_owned()]),
        // It knows its run level itself.
        InitStyle::Arch | InitStyle::Plain | InitStyle::Minit => (Vec::new(), Vec::new()),
    };
    InitCommand {
        programs: owned(init.style.start_programs()),
        arguments,
        environment,
        takes_level: init.style == InitStyle::Sysv,
    }
}

/// What our own pid 1 runs in this style when it is told to end; of no use to a style with one of its own.
fn stop_of(init: &InitConfig) -> InitCommand {
    if let Some(command) = &init.stop_command {
        return InitCommand::configured(command);
    }
    let (programs, arguments, environment) = match init.style {
        InitStyle::Sysv => {
            let level: Vec<String> = init.stop_level.iter().cloned().collect();
            let environment = run_level("N", &level);
            (init.style.start_programs(), level, environment)
        }
        InitStyle::Gentoo => {
            let environment = vec!["RUNLEVEL=0".to_owned()];
            (&["/sbin/rc"][..], vec!["shutdown".to_owned()], environment)
        }
        InitStyle::Arch => (&["/etc/rc.shutdown"][..], Vec::new(), Vec::new()),
        InitStyle::Plain | InitStyle::Minit => (&[][..], Vec::new(), Vec::new()),
    };
    let takes_level = init.style == InitStyle::Sysv;
    InitCommand { programs: owned(programs), arguments, environment, takes_level }
}

fn run_level(before: &str, level: &[String]) -> Vec<String> {
    let now = level.iter().map(|level| format!("RUNLEVEL={level}"));
    std::iter::once(format!("PREVLEVEL={before}")).chain(now).collect()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What is done in its files before its first program runs (fact sheet 1.4, the column "prepare").
fn preparation(init: &InitConfig) -> Preparation {
    let level = || init.start_level.clone().unwrap_or_else(|| "3".to_owned());
    match init.style {
        InitStyle::Plain => Preparation::NoFilesystemCheck,
        // Theirs is a word, or none.
        InitStyle::Gentoo | InitStyle::Minit => Preparation::RunLevel("3".to_owned()),
        InitStyle::Sysv | InitStyle::Arch => Preparation::RunLevel(level()),
    }
}

fn tell_if_left(result: Result<(), LifecycleError>, name: &VServerName) {
    if let Err(error) = result {
        tracing::error!(%name, error = chain(&error), "something of a failed start is left");
    }
}
