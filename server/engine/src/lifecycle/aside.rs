//! A VServer in which tools of its own run without its being started: its files, namespaces, limits and
//! addresses, and a pid 1 that does nothing but reap. Its own init and its services stay where they are.
//!
//! Called with the VServer's lock held, and ended before that is let go: whoever wants to start it waits. It
//! has a record of its own, which counts as a start for nobody; no hook runs and nothing is published.
//! Package scripts are kept from starting services: what they call for it is found in a directory of
//! ours that their search path begins with, as `policy-rc.d` would have it, and without a file of ours in
//! the VServer.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use domain::id::VServerName;
use domain::init::InitStyle;
use domain::operation::Stage;

use super::LifecycleError;
use super::start::{plan_of, record, refuse_empty_root};
use super::stop::end_all;
use crate::cgroup::{self, Layout};
use crate::config::{ConfigError, GuestConfig, InitConfig};
use crate::engine::Instance;
use crate::guest::{self, MountPlan, MountSource, Preparation, StartPlan};
use crate::network::{self, NetworkPlan};
use crate::operation::{Step, Stopped, Work, crash_point};
use crate::roots::Roots;
use crate::state::{self, ASIDE_CONSOLE, ASIDE_EVENTS, ASIDE_LIFE, GuestState};
use crate::unification;

/// Where tools find what stands for programs that start services: a directory of `/dev` that every guest
/// has and no package tool needs.
pub(crate) const INSTEAD: &str = "/dev/mqueue";

/// What is mounted there is in no `fstab`, whose lines begin at 1.
const OUR_LINE: usize = 0;

/// Programs that ask `policy-rc.d` before they start a service, as if it had forbidden it: that is no failure
/// unless the caller wants to know.
const FORBIDDEN: [&str; 2] = ["invoke-rc.d", "deb-systemd-invoke"];
const FORBIDS: &str = "#!/bin/sh\nfor word; do case $word in --disclose-deny|--query) exit 101;; esac; done\nexit 0\n";

/// Makes it; gives what processes can be run in, as in a VServer that runs.
///
/// # Errors
/// When its config tree is broken, or a step failed; nothing of it is left then.
pub(crate) fn begin_aside(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
) -> Result<GuestState, Stopped> {
    let layout = Layout::detect().map_err(LifecycleError::from)?;
    let roots = &instance.settings.roots;
    let directory = roots.config_of(name);
    if !directory.is_dir() {
        return Err(ConfigError::NoSuchVServer { name: name.clone(), path: directory }.into());
    }
    work.progress(Stage::EnteringVServer, 50);
    work.intend(Step::RunAside(name.clone()))?;
    crash_point("packages:aside-intended");
    // What an earlier one left that was recovered by nobody.
    end_aside(roots, name)?;
    let config = without_init(GuestConfig::read(roots, name)?);
    config.limits.placement.judge(name)?;
    unification::show(&config.root).map_err(domain::failure::Failure::from)?;
    refuse_empty_root(&config)?;
    let mut state = record(instance, work, &layout, &config, GuestState::write_aside)
        .map_err(|error| error.of_start(instance, name))?;
    crash_point("packages:aside-recorded");
    match launch(instance, &layout, &config, &mut state) {
        Ok(()) => {
            crash_point("packages:aside-running");
            Ok(state)
        }
        Err(error) => {
            if let Err(left) = end_aside(roots, name) {
                let error = domain::failure::chain(&left);
                tracing::error!(%name, error, "something of a VServer that was not started is left");
            }
            Err(error.of_start(instance, name).into())
        }
    }
}

/// Its config tree, with a pid 1 that runs nothing.
fn without_init(config: GuestConfig) -> GuestConfig {
    let init = InitConfig {
        style: InitStyle::Sysv,
        start_command: Some(Vec::new()),
        stop_command: Some(Vec::new()),
        prepare_command: None,
        start_sync_command: None,
        stop_sync_command: None,
        ..config.init
    };
    GuestConfig { init, ..config }
}

fn launch(
    instance: &Instance,
    layout: &Layout,
    config: &GuestConfig,
    state: &mut GuestState,
) -> Result<(), LifecycleError> {
    let roots = &instance.settings.roots;
    let name = &config.name;
    let failed = |source| LifecycleError::Guest { name: name.clone(), source };
    let cgroups = layout.create(&roots.cgroup_root, name.as_str(), state.first_host_id)?;
    // What has no effect is told at a start.
    config.limits.apply(&cgroups)?;
    let supervisors = layout.create_supervisors(&roots.cgroup_root)?;
    let instead = make_instead(roots).map_err(LifecycleError::Instead)?;
    let mut plan = StartPlan {
        preparation: Preparation::Nothing,
        report_end: false,
        console_log: roots.state_of(name).join(ASIDE_CONSOLE),
        event_log: roots.state_of(name).join(ASIDE_EVENTS),
        // It was not started, and nothing of it ends with them.
        life_log: roots.state_of(name).join(ASIDE_LIFE),
        ..plan_of(instance, config, state, cgroups, supervisors)
    };
    plan.mounts.push(shown_at(instead, INSTEAD));
    let nat = &instance.settings.nat;
    let network = NetworkPlan::new(state.context, &config.interfaces, &config.on_wire, nat)?;
    let spawned = guest::spawn(&plan).map_err(failed)?;
    network::apply(&network, spawned.init().pid).map_err(|error| match spawned.why_ended() {
        Some(source) => failed(source),
        None => LifecycleError::from(error),
    })?;
    let started = spawned.go().map_err(failed)?;
    // Of its own lines those that cannot be mounted are left out, as at a start; without ours services would
    // be started.
    if let Some(ours) = started.skipped.into_iter().find(|skipped| skipped.line == OUR_LINE) {
        return Err(failed(ours.source));
    }
    state.supervisor = Some(started.supervisor);
    state.init = Some(started.init);
    state.write_aside(roots)?;
    Ok(())
}

/// A directory of the host's, shown for reading.
fn shown_at(path: PathBuf, target: &str) -> MountPlan {
    MountPlan {
        line: OUR_LINE,
        target: target.to_owned(),
        source: MountSource::Bind { path, recursive: false },
        read_only: true,
        no_suid: true,
        no_device: true,
        no_exec: false,
        no_access_time: false,
        no_directory_access_time: false,
    }
}

/// One at a time in this process; others write beside it, each under its own name.
static MAKING: Mutex<()> = Mutex::new(());

/// The directory of what stands for programs that start services, made when it is missing or another. Guests
/// execute it, whatever the caller's umask.
fn make_instead(roots: &Roots) -> io::Result<PathBuf> {
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = roots.state_base.join("instead");
    let executable = || Permissions::from_mode(0o755);
    DirBuilder::new().recursive(true).mode(0o755).create(&directory)?;
    fs::set_permissions(&directory, executable())?;
    for name in FORBIDDEN {
        let path = directory.join(name);
        if !fs::read(&path).is_ok_and(|bytes| bytes == FORBIDS.as_bytes()) {
            state::replace_file(&path, FORBIDS.as_bytes(), 0o755)?;
        }
        fs::set_permissions(&path, executable())?;
    }
    Ok(directory)
}

/// Ends all that runs in it and takes away what was made for it, by its record. Doing it twice is the
/// same as once.
///
/// # Errors
/// When something cannot be ended or removed; the record is still there then.
pub(crate) fn end_aside(roots: &Roots, name: &VServerName) -> Result<(), LifecycleError> {
    let Some(state) = GuestState::read_aside(roots, name)? else { return Ok(()) };
    end_all(&state)?;
    network::undo(&state.network)?;
    cgroup::remove(&state.cgroups, super::stop::KILL_PATIENCE)?;
    state::remove_aside(roots, name)?;
    if let Err(error) = unification::show(&state.root) {
        let error = domain::failure::chain(&error);
        tracing::warn!(%name, error, "its files are not shown");
    }
    Ok(())
}
