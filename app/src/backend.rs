//! What the web application needs from the server: the only door between both.
//!
//! The server implements [`Backend`] over the engine and the store, and provides it to every
//! request in leptos's context as `Arc<dyn Backend>`, beside the request's
//! `Option<domain::user::Identity>` and `Arc<dyn Account>`. Every call that does or shows something
//! takes the [`Permit`] of its action, which only `domain::authz::authorize` makes; a change
//! is a [`Permitted`] one, which only a permit makes.

use std::sync::Arc;

use domain::authz::{
    BuildVServer, CancelOperation, ChangeIdentity, ConfigureDefaults, ConfigureVServer,
    DeleteVServer, EnterVServer, ManageUsers, OwnAccount, Permit, ReadInside, RestoreBackup,
    UndeleteVServer, ViewOperations, ViewTemplates, ViewVServers,
};
use domain::backup::{BackupDetail, BackupEntry, BackupOverview, BackupRef, BackupScope};
use domain::batch::{Batch, BatchView, Forecast};
use domain::boot::BootFacts;
use domain::change::Permitted;
use domain::config_change::{ConfigEdit, ConfigRecord, FileView};
use domain::config_entry::{ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::fstab::SeenMount;
use domain::guest_log::{GuestLog, GuestLogQuery};
use domain::host::HostFacts;
use domain::id::{OperationId, TerminalId, UserId, UserName, VServerName};
use domain::identity::{IdentityForm, IdentityPlan};
use domain::life::LifeRecord;
use domain::metrics::measure::{AddressPool, HostResources};
use domain::metrics::slot::{History, Range};
use domain::metrics::{Series, Values};
use domain::operation::{Kind, LogChunk, Operation, Target, Terminal};
use domain::package::{FoundPackage, PackageOffers, PackageOverview, PackageReport};
use domain::process::MeasuredProcesses;
use domain::recycle::{Bin, Binned};
use domain::restore::Proposal;
use domain::service::Services;
use domain::template::Stock;
use domain::time::UnixMillis;
use domain::user::{Identity, Password, Role, User};
use domain::vserver::{ConfigFile, Detail, Summary, Usage};
use serde::{Deserialize, Serialize};

/// Which operations to list. Every field narrows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Only of this VServer.
    pub target: Option<VServerName>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only those whose target, actor, command or log holds this text.
    pub text: Option<String>,
    /// Only those with an id before this one: the next page.
    pub before: Option<OperationId>,
}

/// A config tree, with the permit to change it.
#[derive(Debug)]
pub enum Configure {
    /// That of a VServer.
    VServer(VServerName, Permit<ConfigureVServer>),
    /// `.defaults`.
    Defaults(Permit<ConfigureDefaults>),
    /// `.distributions`.
    Distributions(Permit<ConfigureDefaults>),
}

impl Configure {
    /// Which tree.
    #[must_use]
    pub fn tree(&self) -> ConfigTree {
        match self {
            Self::VServer(name, _) => ConfigTree::VServer(name.clone()),
            Self::Defaults(_) => ConfigTree::Defaults,
            Self::Distributions(_) => ConfigTree::Distributions,
        }
    }

    /// Changes files of it.
    pub fn edit(self, edits: Vec<ConfigEdit>) -> Permitted {
        match self {
            Self::VServer(name, permit) => permit.configure(name, edits),
            Self::Defaults(permit) => permit.configure(edits),
            Self::Distributions(permit) => permit.describe(edits),
        }
    }

    /// Undoes the change of this number.
    pub fn undo(self, number: u32) -> Permitted {
        match self {
            Self::VServer(name, permit) => permit.undo(name, number),
            Self::Defaults(permit) => permit.undo(number),
            Self::Distributions(permit) => permit.undo_description(number),
        }
    }

    /// Whom the permit was given to.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        match self {
            Self::VServer(_, permit) => permit.identity(),
            Self::Defaults(permit) | Self::Distributions(permit) => permit.identity(),
        }
    }
}

/// What is known of the host now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOverview {
    /// Whether engine and web process are of one build; else one of them waits to be started anew.
    pub is_same_build: bool,
    /// The addresses of the NAT network.
    pub pool: AddressPool,
    /// What was measured last; none when nothing was within five minutes.
    pub now: Option<HostNow>,
}

/// What was measured of the host last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostNow {
    /// Memory and network of all of it.
    pub usage: Usage,
    /// The rest.
    pub resources: HostResources,
    /// What follows, with rates.
    pub values: Values,
}

/// The server as the pages see it.
#[async_trait::async_trait]
pub trait Backend: Send + Sync {
    /// What forms judge their input by.
    async fn host_facts(&self, permit: Permit<BuildVServer>) -> Result<HostFacts, Failure>;
    /// All VServers, sorted by name.
    async fn vservers(&self, permit: Permit<ViewVServers>) -> Result<Vec<Summary>, Failure>;
    /// One VServer.
    async fn vserver(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
    ) -> Result<Detail, Failure>;
    /// Queues a change. What is done in a moment is waited for, for that moment.
    async fn queue(&self, change: Permitted) -> Result<Operation, Failure>;
    /// Every file of a config tree with its text, cut after 4 KiB, sorted by path.
    async fn config_files(
        &self,
        permit: Permit<ViewVServers>,
        tree: ConfigTree,
    ) -> Result<Vec<ConfigFile>, Failure>;
    /// One file of a config tree, which need not be there, with its history.
    async fn config_file(
        &self,
        permit: Permit<ViewVServers>,
        tree: ConfigTree,
        path: ConfigPath,
    ) -> Result<FileView, Failure>;
    /// The history of a config tree, the newest change first.
    async fn config_history(
        &self,
        permit: Permit<ViewVServers>,
        tree: ConfigTree,
    ) -> Result<Vec<ConfigRecord>, Failure>;
    /// Judges a change of a config tree and does nothing.
    async fn judge_config(&self, of: Configure, edits: Vec<ConfigEdit>) -> Result<(), Failure>;
    /// What a change of identity would do.
    async fn plan_identity(
        &self,
        permit: Permit<ChangeIdentity>,
        name: VServerName,
        form: IdentityForm,
    ) -> Result<IdentityPlan, Failure>;
    /// How long a deleted VServer stays in the recycle bin, in days.
    async fn bin_keeps_days(&self, permit: Permit<DeleteVServer>) -> Result<u32, Failure>;
    /// What is in the recycle bin, the latest first.
    async fn bin(&self, permit: Permit<UndeleteVServer>) -> Result<Bin, Failure>;
    /// One deleted VServer, and how it could come back.
    async fn binned(
        &self,
        permit: Permit<UndeleteVServer>,
        id: OperationId,
    ) -> Result<Binned, Failure>;
    /// Asks a running operation to stop and undo itself.
    async fn cancel(&self, permit: Permit<CancelOperation>, id: OperationId)
    -> Result<(), Failure>;
    /// Operations, newest first, at most 100.
    async fn operations(
        &self,
        permit: Permit<ViewOperations>,
        filter: OperationFilter,
    ) -> Result<Vec<Operation>, Failure>;
    /// One operation.
    async fn operation(
        &self,
        permit: Permit<ViewOperations>,
        id: OperationId,
    ) -> Result<Operation, Failure>;
    /// A piece of an operation's log, from a byte on.
    async fn operation_log(
        &self,
        permit: Permit<ViewOperations>,
        id: OperationId,
        offset: u64,
    ) -> Result<LogChunk, Failure>;
    /// Opens a terminal; the browser then connects to `/terminals/ID/socket`.
    async fn open_terminal(
        &self,
        permit: Permit<EnterVServer>,
        name: VServerName,
    ) -> Result<Terminal, Failure>;
    /// The caller's own terminals.
    async fn terminals(&self, permit: Permit<EnterVServer>) -> Result<Vec<Terminal>, Failure>;
    /// Ends one of the caller's own terminals.
    async fn close_terminal(
        &self,
        permit: Permit<EnterVServer>,
        id: TerminalId,
    ) -> Result<(), Failure>;
    /// Templates and cached base systems. Uploads come another way: `/api/templates/add` is no server
    /// function, because its body is as large as an archive.
    async fn stock(&self, permit: Permit<ViewTemplates>) -> Result<Stock, Failure>;
    /// All users, sorted by name.
    async fn users(&self, permit: Permit<ManageUsers>) -> Result<Vec<User>, Failure>;
    /// Makes a user, who must change the password at the first log-in.
    async fn create_user(
        &self,
        permit: Permit<ManageUsers>,
        name: UserName,
        role: Role,
        password: Password,
    ) -> Result<User, Failure>;
    /// Keeps a user out, or lets them in again. Ends their sessions and terminals at once.
    async fn set_user_disabled(
        &self,
        permit: Permit<ManageUsers>,
        user: UserId,
        disabled: bool,
    ) -> Result<(), Failure>;
    /// Gives a user another role. Ends their sessions, so that no old right lives on.
    async fn set_user_role(
        &self,
        permit: Permit<ManageUsers>,
        user: UserId,
        role: Role,
    ) -> Result<(), Failure>;
    /// Gives a user a password they must change at the next log-in; ends their sessions.
    async fn reset_password(
        &self,
        permit: Permit<ManageUsers>,
        user: UserId,
        password: Password,
    ) -> Result<(), Failure>;
    /// Backups and what is wrong with them.
    async fn backups(
        &self,
        permit: Permit<ViewVServers>,
        scope: BackupScope,
    ) -> Result<BackupOverview, Failure>;
    /// What one says of itself.
    async fn backup(
        &self,
        permit: Permit<RestoreBackup>,
        backup: BackupRef,
    ) -> Result<BackupDetail, Failure>;
    /// A directory in one, as seen from inside; directories first.
    async fn browse_backup(
        &self,
        permit: Permit<RestoreBackup>,
        backup: BackupRef,
        path: String,
    ) -> Result<Vec<BackupEntry>, Failure>;
    /// What a boot of the host would start, and what became of the last one.
    async fn boot(&self, permit: Permit<ViewVServers>) -> Result<BootFacts, Failure>;
    /// What a VServer made of one would be called, and what is in the way.
    async fn propose_restore(
        &self,
        permit: Permit<RestoreBackup>,
        backup: BackupRef,
    ) -> Result<Proposal, Failure>;
    /// How far each of a batch is.
    async fn batch(
        &self,
        permit: Permit<ViewOperations>,
        id: OperationId,
    ) -> Result<BatchView, Failure>;
    /// What each of a batch would come to if it were asked for now, in its order.
    async fn foresee(
        &self,
        permit: Permit<ViewVServers>,
        batch: Batch,
    ) -> Result<Vec<Forecast>, Failure>;
    /// The processes of all VServers now, and what each used since somebody looked last.
    async fn processes(
        &self,
        permit: Permit<ViewVServers>,
    ) -> Result<Arc<MeasuredProcesses>, Failure>;
    /// What a VServer sees mounted; none when it does not run.
    async fn mounts(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
    ) -> Result<Option<Vec<SeenMount>>, Failure>;
    /// The packages of every VServer at a glance, sorted by name.
    async fn packages(&self, permit: Permit<ViewVServers>)
    -> Result<Vec<PackageOverview>, Failure>;
    /// All that is known of the packages of one.
    async fn package_report(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
    ) -> Result<PackageReport, Failure>;
    /// Who has a package whose name holds this text.
    async fn find_packages(
        &self,
        permit: Permit<ViewVServers>,
        text: String,
    ) -> Result<Vec<FoundPackage>, Failure>;
    /// What the lists of a VServer offer whose name or summary holds this text.
    async fn search_packages(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
        text: String,
    ) -> Result<PackageOffers, Failure>;
    /// What happened to a VServer, the latest first, at most `limit`.
    async fn happened(
        &self,
        permit: Permit<ViewVServers>,
        name: VServerName,
        limit: u16,
    ) -> Result<Vec<LifeRecord>, Failure>;
    /// What a VServer printed or logged.
    async fn guest_log(
        &self,
        permit: Permit<ReadInside>,
        name: VServerName,
        query: GuestLogQuery,
    ) -> Result<GuestLog, Failure>;
    /// The services inside a VServer that runs.
    async fn services(
        &self,
        permit: Permit<ReadInside>,
        name: VServerName,
    ) -> Result<Services, Failure>;
    /// The host as it is now.
    async fn host(&self, permit: Permit<ViewVServers>) -> Result<HostOverview, Failure>;
    /// What was measured of a series; nothing of one that is not known.
    async fn history(
        &self,
        permit: Permit<ViewVServers>,
        of: Series,
        range: Range,
    ) -> Result<History, Failure>;
}

/// What a form's submission came to, kept in the session until the next page shows it.
///
/// This is how every form of the site works without JavaScript: the server function notes a
/// `Flash`, answers 303, and the page that follows shows it: a notice, or the form again with what
/// was typed and what was wrong. Passwords are never among the values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Which form it was: the path of its server function.
    pub form: String,
    /// What was typed, by field name.
    pub values: Vec<(String, String)>,
    /// What came of it.
    pub outcome: Outcome,
    /// The reference id of the request that did it.
    pub reference: String,
}

/// What came of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was not done.
    Refused(Failure),
    /// It was done.
    Done(Notice),
}

/// What a person is told after something was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// These operations were queued; the failures are of VServers for which nothing was.
    Queued {
        /// Each with what it is about and what it does.
        operations: Vec<(OperationId, Kind, Target)>,
        /// Each with its VServer's name.
        failures: Vec<(String, Failure)>,
    },
    /// The operation was told to stop.
    CancelAsked,
    /// The password is another one now.
    PasswordChanged,
    /// Another password has to be chosen first.
    MustChangePassword,
    /// The user was made.
    UserCreated(UserName),
    /// The user was changed.
    UserChanged(UserName),
    /// A form without JavaScript wants to see what it would do; its values come back.
    Previewed,
    /// The session was ended.
    LoggedOut,
    /// The first administrator was made.
    SetUp,
    /// The terminal was ended.
    TerminalClosed,
}

/// The reference id of the request at hand: shown with every failure, found again in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(pub String);

/// Where the site's embedded files are served: content-hashed addresses.
pub trait Assets: Send + Sync {
    /// The address of the file with this unhashed name: `ulysse.js`, `ulysse_bg.wasm`, `main.css`,
    /// `start.js`, `preview.js`, `terminal.js`, `xterm.js`, `xterm.css`, `favicon.svg`, …
    fn url(&self, name: &str) -> String;
}

/// The session of the request at hand.
#[async_trait::async_trait]
pub trait Account: Send + Sync {
    /// Whether `token` is the CSRF token of this session. Constant time.
    async fn csrf_matches(&self, token: &str) -> bool;
    /// The CSRF token that this session's forms carry; made at first need.
    async fn csrf_token(&self) -> Result<String, Failure>;
    /// Logs in: checks the password, counts failures, renews the session's id.
    async fn log_in(&self, name: UserName, password: Password) -> Result<User, Failure>;
    /// Whether the caller must choose a new password before anything else.
    async fn must_change_password(&self) -> bool;
    /// Keeps this for the next page of the session; replaces what was kept.
    async fn put_flash(&self, flash: Flash);
    /// Takes what was kept.
    async fn take_flash(&self) -> Option<Flash>;
    /// Logs out: ends the session.
    async fn log_out(&self) -> Result<(), Failure>;
    /// Changes one's own password; ends one's other sessions.
    async fn change_password(
        &self,
        permit: Permit<OwnAccount>,
        current: Password,
        new: Password,
    ) -> Result<(), Failure>;
    /// Whether the set-up link with this token can still be used.
    async fn setup_link_is_valid(&self, token: &str) -> bool;
    /// Uses the set-up link up: makes the first administrator and logs them in.
    async fn set_up(
        &self,
        token: &str,
        name: UserName,
        password: Password,
    ) -> Result<User, Failure>;
}

/// A server's clock, for pages that show how long ago something was.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMillis;
}
