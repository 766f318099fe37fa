//! The services of a guest that runs, and what is done to one.

use std::fs;
use std::time::Duration;

use domain::failure::Failure;
use domain::id::VServerName;
use domain::operation::Stage;
use domain::service::{ServiceManager, ServiceOrder, Services};

use super::{Hear, Look, init_scripts, running, systemd};
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::state::GuestState;
use crate::tree;

/// How long a service may take to do what it is told; systemd itself gives most of them 90 s.
const ORDER_PATIENCE: Duration = Duration::from_secs(180);
/// How much of what it says is kept, in bytes.
const MAX_ORDER_BYTES: usize = 64 * 1024;

/// Where OpenRC's own program is.
const OPENRC: [&str; 2] = ["sbin/openrc-run", "usr/sbin/openrc-run"];

/// The services of a VServer.
///
/// # Errors
/// When there is no such VServer, it does not run, or its service manager does not answer.
pub(crate) fn services(instance: &Instance, name: &VServerName) -> Result<Services, Failure> {
    let state = running(instance, name)?;
    let _look = Look::begin()?;
    match service_system_of(&state) {
        Some(ServiceManager::Systemd) => systemd::services(instance, &state),
        Some(manager) => Ok(init_scripts::services(instance, &state, manager)),
        None => Ok(Services::default()),
    }
}

/// What looks after services there. What pid 1 calls itself is the guest's own word; all it decides is whom
/// to ask.
fn service_system_of(state: &GuestState) -> Option<ServiceManager> {
    let init = state.init.map(|init| format!("/proc/{}/comm", init.pid));
    let is_systemd =
        init.and_then(|path| fs::read_to_string(path).ok()).is_some_and(|comm| comm == "systemd\n");
    if is_systemd {
        return Some(ServiceManager::Systemd);
    }
    if OPENRC.iter().any(|path| tree::open_file_in(&state.root, path).is_ok()) {
        return Some(ServiceManager::OpenRc);
    }
    init_scripts::are_there(&state.root).then_some(ServiceManager::InitScripts)
}

/// Does something to a service. Nothing of it is undone: a service that does not start is what its own log
/// explains.
///
/// # Errors
/// When the VServer does not run, or the service does not do as it is told.
pub(crate) fn order(
    instance: &Instance,
    work: &mut Work<'_>,
    order: &ServiceOrder,
) -> Result<(), Stopped> {
    let state = running(instance, &order.vserver)?;
    let words = order.words();
    work.progress(Stage::AskingService, 500);
    let said =
        super::run(instance, &state, &words, Hear::Everything, MAX_ORDER_BYTES, ORDER_PATIENCE)
            .map_err(Failure::from)?;
    for line in domain::guest_log::printable(&said.bytes).lines() {
        work.log(line);
    }
    match said.status {
        0 => Ok(()),
        status => {
            let detail = format!("{status}: {}", said.last_line());
            let program = domain::build::shell_line(&words);
            Err(Failure::ProgramFailed { program, detail }.into())
        }
    }
}
