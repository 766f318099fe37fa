//! The server as the pages see it: the engine for what is, the store for people and history.
//!
//! Nothing here decides who may: every call comes with the permit of its action.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use app::backend::{Backend, Configure, HostNow, HostOverview, OperationFilter};
use async_trait::async_trait;
use domain::authz::{
    BuildVServer, CancelOperation, ChangeIdentity, DeleteVServer, EnterVServer, ManageTemplates,
    ManageUsers, Permit, ReadInside, RestoreBackup, UndeleteVServer, ViewOperations, ViewTemplates,
    ViewVServers,
};
use domain::backup::{
    BackupDetail, BackupEntry, BackupOrder, BackupOverview, BackupRef, BackupScope,
};
use domain::batch::{Batch, BatchView, Forecast};
use domain::boot::BootFacts;
use domain::change::{Change, Permitted, PlainChange};
use domain::config_change::{ConfigEdit, ConfigRecord, FileView};
use domain::config_entry::{ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::fstab::SeenMount;
use domain::guest_log::{GuestLog, GuestLogQuery};
use domain::host::HostFacts;
use domain::id::{OperationId, TargetName, TerminalId, UserId, UserName, VServerName};
use domain::identity::{IdentityForm, IdentityPlan};
use domain::life::LifeRecord;
use domain::metrics::Series;
use domain::metrics::slot::{History, Range};
use domain::operation::{LogChunk, Operation, Progress, Terminal};
use domain::package::{FoundPackage, PackageOffers, PackageOverview, PackageReport};
use domain::process::MeasuredProcesses;
use domain::recycle::{Bin, Binned};
use domain::restore::Proposal;
use domain::service::Services;
use domain::template::{NewTemplate, Stock};
use domain::user::{Identity, Password, Role, User};
use domain::vserver::{ConfigFile, Detail, Summary};
use protocol::terminal::Size;
use protocol::{Reply, Request};
use store::NewUser;
use tokio::time::timeout;

use super::Site;
use super::follow::{News, other_reply};
use super::measure::Samples;

/// How many operations a page lists.
const OPERATIONS: u32 = 100;
/// How much of a log is read at once, in bytes.
const LOG_BYTES: usize = 32 * 1024;
/// How long an answer waits for an operation that writes a line into a file.
const MOMENT: Duration = Duration::from_secs(2);

/// Takes the reply that belongs to a request out of all there are.
macro_rules! expect_reply {
    ($reply:expr, $variant:ident) => {
        match $reply {
            Reply::$variant(value) => Ok(value),
            _ => Err(other_reply()),
        }
    };
}

impl Site {
    async fn ask(&self, for_whom: &Identity, request: Request) -> Result<Reply, Failure> {
        Ok(self.engine.ask(for_whom, request).await?.reply)
    }

    async fn queue(&self, for_whom: &Identity, request: Request) -> Result<Operation, Failure> {
        let operation = expect_reply!(self.ask(for_whom, request).await?, Operation)?;
        self.follow.note_queued(&operation).await;
        Ok(operation)
    }

    /// Queues what is done in a moment, and waits that moment, so that the page that follows shows what it
    /// came to. What takes longer is given as it is.
    async fn queue_short(
        &self,
        for_whom: &Identity,
        request: Request,
    ) -> Result<Operation, Failure> {
        let mut news = self.follow.listen(false);
        let operation = self.queue(for_whom, request).await?;
        let ended = async {
            while let Some(news) = news.next().await {
                match news.as_ref() {
                    News::Operation(fresh)
                        if fresh.id == operation.id && fresh.progress.is_final() =>
                    {
                        return Some(fresh.clone());
                    }
                    _ => {}
                }
            }
            None
        };
        match timeout(MOMENT, ended).await {
            Ok(Some(Operation { progress: Progress::Failed { failure }, .. })) => Err(failure),
            Ok(Some(ended)) => Ok(ended),
            Ok(None) | Err(_) => Ok(operation),
        }
    }

    /// Queues a template; its archive is to come over the socket.
    pub(crate) async fn queue_template(
        &self,
        permit: Permit<ManageTemplates>,
        new: NewTemplate,
    ) -> Result<(Operation, OwnedFd), Failure> {
        self.queue_upload(permit.identity(), Request::AddTemplate(new)).await
    }

    /// Queues an import; its archive is to come over the socket.
    pub(crate) async fn queue_import(
        &self,
        permit: Permit<RestoreBackup>,
        order: BackupOrder,
    ) -> Result<(Operation, OwnedFd), Failure> {
        self.queue_upload(permit.identity(), Request::ImportBackup(order)).await
    }

    /// Where backups of a VServer can go.
    pub(crate) async fn backup_targets(
        &self,
        permit: &Permit<RestoreBackup>,
        vserver: &VServerName,
    ) -> Result<Vec<TargetName>, Failure> {
        let request = Request::ListBackups(BackupScope::Of(vserver.clone()));
        let overview = expect_reply!(self.ask(permit.identity(), request).await?, Backups)?;
        Ok(overview.targets)
    }

    async fn queue_upload(
        &self,
        for_whom: &Identity,
        request: Request,
    ) -> Result<(Operation, OwnedFd), Failure> {
        let answer = self.engine.ask(for_whom, request).await?;
        match (answer.reply, answer.descriptor) {
            (Reply::Operation(operation), Some(socket)) => {
                self.follow.note_queued(&operation).await;
                Ok((operation, socket))
            }
            _ => Err(other_reply()),
        }
    }

    async fn all_terminals(&self, for_whom: &Identity) -> Result<Vec<Terminal>, Failure> {
        expect_reply!(self.ask(for_whom, Request::ListTerminals).await?, Terminals)
    }

    /// The terminal of this id, when it is this user's.
    pub(crate) async fn own_terminal(
        &self,
        user: &Identity,
        id: &TerminalId,
    ) -> Result<Terminal, Failure> {
        let mut terminals = self.all_terminals(user).await?.into_iter();
        terminals
            .find(|terminal| terminal.id == *id && terminal.owner == user.user)
            .ok_or(Failure::NoSuchTerminal)
    }

    /// Ends all terminals of a user. Their session is gone already, so nobody can type into one
    /// that is left because the engine is down.
    async fn end_terminals_of(&self, user: UserId, for_whom: &Identity) {
        let end_all = async {
            for terminal in self.all_terminals(for_whom).await? {
                if terminal.owner == user {
                    self.ask(for_whom, Request::CloseTerminal(terminal.id)).await?;
                }
            }
            Ok::<(), Failure>(())
        };
        if let Err(failure) = end_all.await {
            tracing::warn!(%failure, %user, "ending a user's terminals");
        }
    }
}

/// The [`Backend`] of the real server.
pub(crate) struct SiteBackend(pub(crate) Arc<Site>);

#[async_trait]
impl Backend for SiteBackend {
    async fn host_facts(&self, permit: Permit<BuildVServer>) -> Result<HostFacts, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::HostFacts).await?, HostFacts)
    }

    async fn vservers(&self, permit: Permit<ViewVServers>) -> Result<Vec<Summary>, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ListVServers).await?, VServers)
    }

    async fn vserver(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
    ) -> Result<Detail, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ShowVServer(name)).await?, VServer)
    }

    async fn queue(&self, change: Permitted) -> Result<Operation, Failure> {
        let (for_whom, change) = change.into_parts();
        let is_short = matches!(
            change,
            Change::Plain(
                PlainChange::Protect { .. }
                    | PlainChange::Mark { .. }
                    | PlainChange::Remount { .. }
                    | PlainChange::ScheduleBackups { .. }
                    | PlainChange::Signal(_)
                    | PlainChange::Service(_)
            )
        );
        let request = Request::Change(change);
        match is_short {
            true => self.0.queue_short(&for_whom, request).await,
            false => self.0.queue(&for_whom, request).await,
        }
    }

    async fn happened(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
        limit: u16,
    ) -> Result<Vec<LifeRecord>, Failure> {
        let request = Request::ListHappened { name, limit };
        expect_reply!(self.0.ask(permit.identity(), request).await?, Happened)
    }

    async fn guest_log(
        &self,
        permit: Permit<ReadInside>,
        name: VServerName,
        query: GuestLogQuery,
    ) -> Result<GuestLog, Failure> {
        let request = Request::ReadGuestLog { name, query };
        expect_reply!(self.0.ask(permit.identity(), request).await?, GuestLog)
    }

    async fn services(
        &self,
        permit: Permit<ReadInside>,
        name: VServerName,
    ) -> Result<Services, Failure> {
        let request = Request::ListServices(name);
        expect_reply!(self.0.ask(permit.identity(), request).await?, Services)
    }

    async fn plan_identity(
        &self,
        permit: Permit<ChangeIdentity>,
        name: VServerName,
        form: IdentityForm,
    ) -> Result<IdentityPlan, Failure> {
        let request = Request::PlanIdentity { name, form };
        expect_reply!(self.0.ask(permit.identity(), request).await?, IdentityPlan)
    }

    async fn bin_keeps_days(&self, permit: Permit<DeleteVServer>) -> Result<u32, Failure> {
        let bin = expect_reply!(self.0.ask(permit.identity(), Request::ListBin).await?, Bin)?;
        Ok(bin.keep_days)
    }

    async fn boot(&self, permit: Permit<ViewVServers>) -> Result<BootFacts, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ShowBoot).await?, Boot)
    }

    async fn bin(&self, permit: Permit<UndeleteVServer>) -> Result<Bin, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ListBin).await?, Bin)
    }

    async fn binned(
        &self,
        permit: Permit<UndeleteVServer>,
        id: OperationId,
    ) -> Result<Binned, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ShowBinned(id)).await?, Binned)
    }

    async fn config_files(
        &self,
        permit: Permit<ViewVServers>,
        tree: ConfigTree,
    ) -> Result<Vec<ConfigFile>, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ListConfig(tree)).await?, ConfigFiles)
    }

    async fn config_file(
        &self,
        permit: Permit<ViewVServers>,
        tree: ConfigTree,
        path: ConfigPath,
    ) -> Result<FileView, Failure> {
        let request = Request::ShowConfig { tree, path };
        expect_reply!(self.0.ask(permit.identity(), request).await?, ConfigFile)
    }

    async fn config_history(
        &self,
        permit: Permit<ViewVServers>,
        tree: ConfigTree,
    ) -> Result<Vec<ConfigRecord>, Failure> {
        let request = Request::ConfigHistory(tree);
        expect_reply!(self.0.ask(permit.identity(), request).await?, ConfigHistory)
    }

    async fn judge_config(&self, of: Configure, edits: Vec<ConfigEdit>) -> Result<(), Failure> {
        let request = Request::JudgeConfig { tree: of.tree(), edits };
        done(self.0.ask(of.identity(), request).await?)
    }

    async fn cancel(
        &self,
        permit: Permit<CancelOperation>,
        id: OperationId,
    ) -> Result<(), Failure> {
        done(self.0.ask(permit.identity(), Request::Cancel(id)).await?)
    }

    async fn operations(
        &self,
        _permit: Permit<ViewOperations>,
        filter: OperationFilter,
    ) -> Result<Vec<Operation>, Failure> {
        let OperationFilter { target, kind, text, before } = filter;
        let filter = store::OperationFilter { target, kind, text, before };
        Ok(self.0.store.operations(&filter, OPERATIONS).await?)
    }

    async fn operation(
        &self,
        permit: Permit<ViewOperations>,
        id: OperationId,
    ) -> Result<Operation, Failure> {
        let kept = self.0.store.operation(&id).await?;
        if let Some(operation) = kept.as_ref().filter(|operation| operation.progress.is_final()) {
            return Ok(operation.clone());
        }
        let request = Request::ShowOperation(id.clone());
        match self.0.ask(permit.identity(), request).await {
            Ok(reply) => expect_reply!(reply, Operation),
            // What is known of it is worth more than that the engine is down.
            Err(failure) => kept.ok_or(failure),
        }
    }

    async fn operation_log(
        &self,
        permit: Permit<ViewOperations>,
        id: OperationId,
        offset: u64,
    ) -> Result<LogChunk, Failure> {
        let request = Request::ReadLog { id: id.clone(), offset };
        match self.0.ask(permit.identity(), request).await {
            Ok(reply) => expect_reply!(reply, Log),
            Err(failure @ (Failure::EngineDown | Failure::NoSuchOperation { .. })) => {
                let kept = self.0.store.operation_log(&id, offset, LOG_BYTES).await?;
                kept.ok_or(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn open_terminal(
        &self,
        permit: Permit<EnterVServer>,
        vserver: VServerName,
    ) -> Result<Terminal, Failure> {
        // The descriptor that comes along is dropped: the browser's socket attaches anew.
        let request = Request::OpenTerminal { vserver, size: Size::DEFAULT };
        expect_reply!(self.0.ask(permit.identity(), request).await?, Terminal)
    }

    async fn terminals(&self, permit: Permit<EnterVServer>) -> Result<Vec<Terminal>, Failure> {
        let user = permit.identity();
        let mut terminals = self.0.all_terminals(user).await?;
        terminals.retain(|terminal| terminal.owner == user.user);
        Ok(terminals)
    }

    async fn close_terminal(
        &self,
        permit: Permit<EnterVServer>,
        id: TerminalId,
    ) -> Result<(), Failure> {
        let user = permit.identity();
        let terminal = self.0.own_terminal(user, &id).await?;
        done(self.0.ask(user, Request::CloseTerminal(terminal.id)).await?)
    }

    async fn stock(&self, permit: Permit<ViewTemplates>) -> Result<Stock, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ShowStock).await?, Stock)
    }

    async fn users(&self, _permit: Permit<ManageUsers>) -> Result<Vec<User>, Failure> {
        Ok(self.0.store.users().await?)
    }

    async fn create_user(
        &self,
        _permit: Permit<ManageUsers>,
        name: UserName,
        role: Role,
        password: Password,
    ) -> Result<User, Failure> {
        let new = NewUser {
            name,
            role,
            password_hash: self.0.logins.hash(password).await?,
            must_change_password: true,
            created_at: self.0.clock.now(),
        };
        Ok(self.0.store.create_user(new).await?)
    }

    async fn set_user_disabled(
        &self,
        permit: Permit<ManageUsers>,
        user: UserId,
        disabled: bool,
    ) -> Result<(), Failure> {
        self.0.store.set_user_disabled(user, disabled).await?;
        self.0.follow.user_changed(user);
        if disabled {
            self.0.end_terminals_of(user, permit.identity()).await;
        }
        Ok(())
    }

    async fn set_user_role(
        &self,
        permit: Permit<ManageUsers>,
        user: UserId,
        role: Role,
    ) -> Result<(), Failure> {
        self.0.store.set_user_role(user, role).await?;
        self.0.follow.user_changed(user);
        self.0.end_terminals_of(user, permit.identity()).await;
        Ok(())
    }

    async fn reset_password(
        &self,
        _permit: Permit<ManageUsers>,
        user: UserId,
        password: Password,
    ) -> Result<(), Failure> {
        let hash = self.0.logins.hash(password).await?;
        self.0.store.set_password(user, &hash, true, None).await?;
        self.0.follow.user_changed(user);
        Ok(())
    }

    async fn backups(
        &self,
        permit: Permit<ViewVServers>,
        scope: BackupScope,
    ) -> Result<BackupOverview, Failure> {
        let request = Request::ListBackups(scope);
        expect_reply!(self.0.ask(permit.identity(), request).await?, Backups)
    }

    async fn backup(
        &self,
        permit: Permit<RestoreBackup>,
        backup: BackupRef,
    ) -> Result<BackupDetail, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ShowBackup(backup)).await?, Backup)
    }

    async fn browse_backup(
        &self,
        permit: Permit<RestoreBackup>,
        backup: BackupRef,
        path: String,
    ) -> Result<Vec<BackupEntry>, Failure> {
        let request = Request::BrowseBackup { backup, path };
        expect_reply!(self.0.ask(permit.identity(), request).await?, BackupEntries)
    }

    async fn packages(
        &self,
        permit: Permit<ViewVServers>,
    ) -> Result<Vec<PackageOverview>, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ListPackages).await?, Packages)
    }

    async fn package_report(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
    ) -> Result<PackageReport, Failure> {
        let request = Request::ShowPackages(name);
        expect_reply!(self.0.ask(permit.identity(), request).await?, PackageReport)
    }

    async fn find_packages(
        &self,
        permit: Permit<ViewVServers>,
        text: String,
    ) -> Result<Vec<FoundPackage>, Failure> {
        let request = Request::FindPackages(text);
        expect_reply!(self.0.ask(permit.identity(), request).await?, FoundPackages)
    }

    async fn search_packages(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
        text: String,
    ) -> Result<PackageOffers, Failure> {
        let request = Request::SearchPackages { name, text };
        expect_reply!(self.0.ask(permit.identity(), request).await?, PackageOffers)
    }

    async fn propose_restore(
        &self,
        permit: Permit<RestoreBackup>,
        backup: BackupRef,
    ) -> Result<Proposal, Failure> {
        let request = Request::ProposeRestore(backup);
        expect_reply!(self.0.ask(permit.identity(), request).await?, Proposal)
    }

    async fn batch(
        &self,
        permit: Permit<ViewOperations>,
        id: OperationId,
    ) -> Result<BatchView, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ShowBatch(id)).await?, Batch)
    }

    async fn foresee(
        &self,
        permit: Permit<ViewVServers>,
        batch: Batch,
    ) -> Result<Vec<Forecast>, Failure> {
        let request = Request::ForeseeBatch(batch);
        expect_reply!(self.0.ask(permit.identity(), request).await?, Forecasts)
    }

    async fn processes(
        &self,
        _permit: Permit<ViewVServers>,
    ) -> Result<Arc<MeasuredProcesses>, Failure> {
        self.0.processes.now().await
    }

    async fn mounts(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
    ) -> Result<Option<Vec<SeenMount>>, Failure> {
        expect_reply!(self.0.ask(permit.identity(), Request::ShowMounts(name)).await?, Mounts)
    }

    async fn host(&self, permit: Permit<ViewVServers>) -> Result<HostOverview, Failure> {
        let state = expect_reply!(self.0.ask(permit.identity(), Request::ShowHost).await?, Host)?;
        Ok(HostOverview {
            is_same_build: state.build == engine::dispatch::BUILD,
            pool: state.pool,
            now: self.0.follow.last_samples().map(|samples| host_now(&samples)),
        })
    }

    async fn history(
        &self,
        _permit: Permit<ViewVServers>,
        of: Series,
        range: Range,
    ) -> Result<History, Failure> {
        let recent = self.0.follow.recent_slots(&of);
        let until = self.0.clock.now();
        Ok(self.0.store.metric_history(&of, range, until, &recent).await?)
    }
}

/// The host as it was measured last.
pub(crate) fn host_now(samples: &Samples) -> HostNow {
    HostNow {
        usage: samples.measurement.host,
        resources: samples.measurement.resources.clone(),
        values: samples.host,
    }
}

fn done(reply: Reply) -> Result<(), Failure> {
    match reply {
        Reply::Done => Ok(()),
        _ => Err(other_reply()),
    }
}
