//! Which call of the engine answers which request.
//!
//! Who may ask was decided by the web process; what is possible at all is decided by the calls.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use domain::failure::Failure;
use domain::metrics::measure::HostState;
use domain::operation::Actor;
use protocol::message::OnBehalfOf;
use protocol::{Reply, Request};

use crate::backup;
use crate::engine::Engine;
use crate::terminal;

/// The build that this is; another one beside it means that one of both was replaced.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

/// The most operations in one answer.
const OPERATIONS: u16 = 1000;

/// Answers a request; a terminal's descriptor goes beside its reply.
///
/// # Errors
/// Whatever the call says.
pub fn answer(
    engine: &Arc<Engine>,
    OnBehalfOf { user, name }: OnBehalfOf,
    request: Request,
) -> Result<(Reply, Option<OwnedFd>), Failure> {
    let roots = &engine.instance().settings.roots;
    let reply = match request {
        Request::Hello => Reply::Hello { build: BUILD.to_owned(), started_at: engine.started_at() },
        Request::HostFacts => Reply::HostFacts(engine.host_facts()?),
        Request::ListVServers => Reply::VServers(engine.summaries()?),
        Request::ShowVServer(name) => Reply::VServer(engine.detail(&name)?),
        Request::Sample => Reply::Samples(engine.measurement()?),
        Request::Change(change) => {
            let actor = Actor::User { id: user, name };
            Reply::Operation(engine.submit(change, actor)?)
        }
        Request::PlanIdentity { name, form } => {
            Reply::IdentityPlan(engine.plan_identity(&name, &form)?)
        }
        Request::ListBin => Reply::Bin(engine.bin()),
        Request::ShowBinned(id) => Reply::Binned(engine.binned(&id)?),
        Request::JudgeConfig { tree, edits } => {
            engine.judge_config(&tree, &edits)?;
            Reply::Done
        }
        Request::ListConfig(tree) => Reply::ConfigFiles(engine.config_files(&tree)?),
        Request::ShowConfig { tree, path } => Reply::ConfigFile(engine.config_file(&tree, &path)?),
        Request::ConfigHistory(tree) => Reply::ConfigHistory(engine.config_history(&tree)?),
        Request::Cancel(id) => {
            engine.cancel(&id)?;
            Reply::Done
        }
        Request::ListOperations { after, limit } => {
            let limit = limit.min(OPERATIONS).into();
            Reply::Operations(engine.store().list(after.as_ref(), limit)?)
        }
        Request::ShowOperation(id) => Reply::Operation(engine.store().read(&id)?),
        Request::ReadLog { id, offset } => Reply::Log(engine.read_log(&id, offset)?),
        Request::OpenTerminal { vserver, size } => {
            let (terminal, socket) = engine.open_terminal(&vserver, user, size)?;
            return Ok((Reply::Terminal(terminal), Some(socket)));
        }
        Request::AttachTerminal(id) => {
            let (terminal, socket) = engine.attach_terminal(&id)?;
            return Ok((Reply::Terminal(terminal), Some(socket)));
        }
        Request::ListTerminals => Reply::Terminals(terminal::list(roots)?),
        Request::CloseTerminal(id) => {
            terminal::close(roots, &id)?;
            Reply::Done
        }
        Request::ShowStock => Reply::Stock(engine.stock()?),
        Request::AddTemplate(new) => {
            let actor = Actor::User { id: user, name };
            let (operation, socket) = engine.submit_upload(new, actor)?;
            return Ok((Reply::Operation(operation), Some(socket)));
        }
        Request::ListBackups(scope) => {
            Reply::Backups(backup::overview(engine, &scope, backup::PATIENCE)?)
        }
        Request::ShowBackup(which) => Reply::Backup(backup::detail(engine.instance(), &which)?),
        Request::BrowseBackup { backup: which, path } => {
            Reply::BackupEntries(backup::browse(engine.instance(), &which, &path)?)
        }
        Request::ProposeRestore(which) => Reply::Proposal(backup::propose(engine, &which)?),
        Request::ImportBackup(order) => {
            let actor = Actor::User { id: user, name };
            let (operation, socket) = engine.submit_import(order, actor)?;
            return Ok((Reply::Operation(operation), Some(socket)));
        }
        Request::ShowBatch(id) => Reply::Batch(engine.batch(&id)?),
        Request::ForeseeBatch(batch) => Reply::Forecasts(engine.foresee(&batch)),
        Request::ShowBoot => Reply::Boot(engine.boot_facts()?),
        Request::ListProcesses => Reply::Processes(engine.processes()?),
        Request::ShowMounts(name) => Reply::Mounts(engine.mounts(&name)?),
        Request::ListPackages => Reply::Packages(engine.package_overviews()?),
        Request::ShowPackages(name) => Reply::PackageReport(engine.package_report(&name)?),
        Request::FindPackages(text) => Reply::FoundPackages(engine.find_packages(&text)?),
        Request::ListHappened { name, limit } => {
            Reply::Happened(engine.happened(&name, limit.min(OPERATIONS).into()))
        }
        Request::ReadGuestLog { name, query } => Reply::GuestLog(engine.guest_log(&name, &query)?),
        Request::ListServices(name) => Reply::Services(engine.services(&name)?),
        Request::ShowHost => {
            Reply::Host(HostState { build: BUILD.to_owned(), pool: engine.address_pool()? })
        }
        Request::FollowConsole { name, from } => {
            return Ok((Reply::Done, Some(engine.console_socket(&name, from)?)));
        }
        Request::ReadConsole { name, boot } => Reply::Console(engine.console_text(&name, boot)?),
        Request::SearchPackages { name, text } => {
            Reply::PackageOffers(engine.search_packages(&name, &text)?)
        }
    };
    Ok((reply, None))
}
