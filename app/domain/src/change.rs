//! What changes something, one value for each change: asked for by a page, a command or Ulysse itself, and
//! done by an operation.
//!
//! A [`PlainChange`] is asked for, kept with its operation and done as it stands: the same value from the
//! web process's packet to the worker. What is typed into a form is judged in between, against the host:
//! those are the other variants of [`Change`], and the engine's `Task` says what they become.
//!
//! What only the host's command line may ask for is never serialised, as with [`crate::build::AtHost`].
//! What the web process asks for is made by a permit of its action alone: the table of [`Permitted`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::authz::{
    Action, ActionKind, BackUpVServer, BuildVServer, ChangeIdentity, ConfigureDefaults,
    ConfigureVServer, DeleteVServer, ManagePackages, ManageServices, ManageTemplates, Permit,
    ProtectVServer, PurgeVServer, RestoreBackup, RunVServer, SignalProcess, UndeleteVServer,
};
use crate::backup::{BackupId, BackupOrder, BackupRef, PruneOrder};
use crate::batch::Batch;
use crate::build::BuildForm;
use crate::command::{self, Command};
use crate::config_change::ConfigEdit;
use crate::config_entry::ConfigTree;
use crate::failure::Failure;
use crate::id::{BaseId, Mark, OperationId, TargetName, TemplateName, VServerName};
use crate::identity::IdentityForm;
use crate::init::Rescue;
use crate::operation::{Kind, Target};
use crate::package::{PackageChange, PackageTool};
use crate::process::{ProcessKey, Recipient, Signal, SignalOrder};
use crate::restore::RestoreForm;
use crate::retention::{Schedule, ScheduleForm};
use crate::service::ServiceOrder;
use crate::user::Identity;

/// A change that is done exactly as it is asked for. Its JSON is what operations are kept with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlainChange {
    /// Start a VServer.
    Start(VServerName),
    /// Stop it.
    Stop(VServerName),
    /// Stop it if it runs, and start it.
    Restart(VServerName),
    /// Remove it and its files.
    Delete {
        /// Which.
        name: VServerName,
        /// Whether nothing of it is kept.
        at_once: bool,
    },
    /// Protect it against deletion, or take its protection away.
    Protect {
        /// Which.
        name: VServerName,
        /// Whether it is protected afterwards.
        on: bool,
    },
    /// Remove a template.
    RemoveTemplate(TemplateName),
    /// Make a cached base system anew.
    RefreshBase(BaseId),
    /// Remove a cached base system.
    RemoveBase(BaseId),
    /// Take a backup of a VServer.
    Backup(BackupOrder),
    /// Put a file of a backup back into a VServer.
    RestoreFile {
        /// Which backup.
        backup: BackupRef,
        /// Into which VServer.
        into: VServerName,
        /// Which file, as seen from inside.
        path: String,
    },
    /// Read a backup and compare it with what was written.
    VerifyBackup(BackupRef),
    /// Remove backups of a VServer.
    RemoveBackups {
        /// Where they are.
        target: TargetName,
        /// Of which VServer.
        vserver: VServerName,
        /// Which.
        ids: Vec<BackupId>,
    },
    /// Say when backups of a VServer are taken.
    ScheduleBackups {
        /// Whose.
        vserver: VServerName,
        /// When; none means: not any more.
        schedule: Option<Schedule>,
    },
    /// Send a signal to processes of a VServer.
    Signal(SignalOrder),
    /// Do something with the packages of a VServer.
    Packages {
        /// Whose.
        name: VServerName,
        /// What.
        change: PackageChange,
    },
    /// Do something to a service inside a VServer.
    Service(ServiceOrder),
    /// Give a VServer a mark, or take it away; its other marks stay.
    Mark {
        /// Which VServer.
        name: VServerName,
        /// Which mark.
        mark: Mark,
        /// Whether it has it afterwards.
        on: bool,
    },
    /// Give what is mounted in a VServer that runs the size and flags that its fstab says by now.
    Remount {
        /// Which VServer.
        name: VServerName,
        /// Where it is mounted, as the fstab says it.
        target: String,
    },
}

impl PlainChange {
    /// What it is about.
    #[must_use]
    pub fn target(&self) -> Target {
        match self {
            Self::Start(name) | Self::Stop(name) | Self::Restart(name) => name.into(),
            Self::Delete { name, .. } | Self::Protect { name, .. } => name.into(),
            Self::RemoveTemplate(name) => Target::Template(name.clone()),
            Self::RefreshBase(id) | Self::RemoveBase(id) => Target::Base(id.clone()),
            Self::Backup(order) => (&order.vserver).into(),
            Self::RestoreFile { into, .. } => into.into(),
            Self::VerifyBackup(backup) => (&backup.vserver).into(),
            Self::RemoveBackups { vserver, .. } | Self::ScheduleBackups { vserver, .. } => {
                vserver.into()
            }
            Self::Signal(order) => (&order.vserver).into(),
            Self::Packages { name, .. } => name.into(),
            Self::Service(order) => (&order.vserver).into(),
            Self::Mark { name, .. } | Self::Remount { name, .. } => name.into(),
        }
    }

    /// What can be one of many changes of a batch: its VServer, and the action whose permit allows it so,
    /// none where only the host's command line may ask for it. The same as the table of [`Permitted`] says
    /// of one.
    fn one_of_many(&self) -> Option<(&VServerName, Option<ActionKind>)> {
        Some(match self {
            Self::Start(name) | Self::Stop(name) | Self::Restart(name) => {
                (name, Some(ActionKind::RunVServer))
            }
            Self::Delete { name, at_once: false } => (name, Some(ActionKind::DeleteVServer)),
            Self::Delete { name, at_once: true } => (name, None),
            Self::Protect { name, .. } => (name, Some(ActionKind::ProtectVServer)),
            Self::Backup(order) => (&order.vserver, Some(ActionKind::BackUpVServer)),
            Self::Packages { name, .. } => (name, Some(ActionKind::ManagePackages)),
            Self::Mark { name, .. } => (name, Some(ActionKind::ConfigureVServer)),
            Self::RemoveTemplate(_)
            | Self::RefreshBase(_)
            | Self::RemoveBase(_)
            | Self::RestoreFile { .. }
            | Self::VerifyBackup(_)
            | Self::RemoveBackups { .. }
            | Self::ScheduleBackups { .. }
            | Self::Signal(_)
            | Self::Service(_)
            | Self::Remount { .. } => return None,
        })
    }

    /// The VServer, when this can be one of many changes of a batch.
    #[must_use]
    pub fn of_many(&self) -> Option<&VServerName> {
        self.one_of_many().map(|(name, _)| name)
    }

    /// The action whose permit allows it as one of many.
    #[must_use]
    pub fn permitted_by(&self) -> Option<ActionKind> {
        self.one_of_many().and_then(|(_, action)| action)
    }

    /// What it does.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Start(_) => Kind::Start,
            Self::Stop(_) => Kind::Stop,
            Self::Restart(_) => Kind::Restart,
            Self::Delete { .. } => Kind::Delete,
            Self::Protect { on: true, .. } => Kind::Protect,
            Self::Protect { on: false, .. } => Kind::Unprotect,
            Self::RemoveTemplate(_) => Kind::RemoveTemplate,
            Self::RefreshBase(_) => Kind::RefreshBase,
            Self::RemoveBase(_) => Kind::RemoveBase,
            Self::Backup(_) => Kind::Backup,
            Self::RestoreFile { .. } => Kind::RestoreFile,
            Self::VerifyBackup(_) => Kind::VerifyBackup,
            Self::RemoveBackups { .. } => Kind::RemoveBackups,
            Self::ScheduleBackups { .. } => Kind::ScheduleBackups,
            Self::Signal(_) => Kind::Signal,
            Self::Packages { .. } => Kind::Packages,
            Self::Service(_) => Kind::Service,
            Self::Mark { on: true, .. } => Kind::Mark,
            Self::Mark { on: false, .. } => Kind::Unmark,
            Self::Remount { .. } => Kind::Remount,
        }
    }

    /// The command that does the same.
    #[must_use]
    pub fn command(&self) -> Command {
        match self {
            Self::Start(name) => command::start(name),
            Self::Stop(name) => command::stop(name),
            Self::Restart(name) => command::restart(name),
            Self::Delete { name, at_once } => command::delete(name, *at_once),
            Self::Protect { name, on } => command::protect(name, *on),
            Self::RemoveTemplate(name) => command::remove_template(name),
            Self::RefreshBase(id) => command::refresh_base(id),
            Self::RemoveBase(id) => command::remove_base(id),
            Self::Backup(order) => command::take_backup(order),
            Self::RestoreFile { backup, into, path } => command::restore_file(backup, into, path),
            Self::VerifyBackup(backup) => command::verify_backup(backup),
            Self::RemoveBackups { target, vserver, ids } => {
                command::remove_backups(target, vserver, ids)
            }
            Self::ScheduleBackups { vserver, schedule } => {
                let form = schedule.as_ref().map(ScheduleForm::from).unwrap_or_default();
                command::schedule_backups(vserver, &form)
            }
            Self::Signal(order) => command::signal(order),
            Self::Packages { name, change } => command::packages(name, change),
            Self::Service(order) => command::service(order),
            Self::Mark { name, mark, on } => command::mark(name, mark.as_str(), *on),
            Self::Remount { name, target } => command::remount(name, target),
        }
    }
}

/// Something that is to be done, as it is asked for. What is never serialised stands last, so that the
/// others are numbered alike for whoever writes and whoever reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// What needs no judging but whether it can be done now.
    Plain(PlainChange),
    /// Make a VServer.
    Build(Box<BuildForm>),
    /// Give it another name, context number, host name or other addresses.
    Identity {
        /// Whose.
        name: VServerName,
        /// To what.
        form: IdentityForm,
    },
    /// Get it back from the recycle bin.
    Undelete {
        /// The operation that deleted it.
        entry: OperationId,
        /// As what.
        form: IdentityForm,
    },
    /// Remove it from the recycle bin, for good: the operation that deleted it.
    Purge(OperationId),
    /// Change files of a config tree.
    Configure {
        /// Which tree.
        tree: ConfigTree,
        /// What is to be done.
        edits: Vec<ConfigEdit>,
    },
    /// Undo a change of a config tree.
    UndoConfig {
        /// Which tree.
        tree: ConfigTree,
        /// The number of the change.
        number: u32,
    },
    /// Make a VServer of a backup.
    Restore {
        /// Which.
        backup: BackupRef,
        /// As what.
        form: Box<RestoreForm>,
    },
    /// Remove the backups that a policy does not keep.
    PruneBackups(PruneOrder),
    /// Do one thing to many VServers.
    Batch(Batch),
    /// Start something else in a VServer than its init. For the command line alone: it names a program.
    #[serde(skip)]
    Rescue {
        /// Which.
        name: VServerName,
        /// What.
        rescue: Rescue,
    },
    /// Make a backup of what somebody saved by hand of a VServer. For the command line alone: it names
    /// paths. What is uploaded comes another way.
    #[serde(skip)]
    Import {
        /// As a backup of which VServer, and where to.
        order: BackupOrder,
        /// Directories and archives of what was saved.
        paths: Vec<PathBuf>,
    },
    /// Run a tool of a VServer's package system in it. For the command line alone: it says what the tool is
    /// told.
    #[serde(skip)]
    PackageTool {
        /// In which VServer.
        name: VServerName,
        /// Which tool.
        tool: PackageTool,
        /// What it is told.
        arguments: Vec<String>,
        /// Whether it may ask, at this process's terminal.
        asks: bool,
    },
}

impl From<PlainChange> for Change {
    fn from(change: PlainChange) -> Self {
        Self::Plain(change)
    }
}

/// A change that somebody may ask for. Made by the permit of its action and by nothing else.
#[derive(Debug)]
#[must_use = "it is permitted in order to be done"]
pub struct Permitted {
    identity: Identity,
    change: Change,
}

impl Permitted {
    /// Who asks for what.
    #[must_use]
    pub fn into_parts(self) -> (Identity, Change) {
        (self.identity, self.change)
    }
}

impl<A: Action> Permit<A> {
    /// Allows a batch, when this permit allows each change in it.
    ///
    /// # Errors
    /// [`Failure::NotAllowed`] when it does not.
    pub fn batch(self, batch: Batch) -> Result<Permitted, Failure> {
        let mut changes = batch.changes().iter();
        match changes.find(|change| change.permitted_by() != Some(A::KIND)) {
            Some(other) => Err(Failure::NotAllowed { action: other.kind().as_str().to_owned() }),
            None => {
                Ok(Permitted { identity: self.identity().clone(), change: Change::Batch(batch) })
            }
        }
    }
}

/// Which permit allows which change.
macro_rules! permits {
    ($($action:ident: $name:ident($($value:ident: $type:ty),+) => $change:expr;)+) => {$(
        impl Permit<$action> {
            #[doc = concat!("Allows: `", stringify!($change), "`.")]
            pub fn $name(self, $($value: $type),+) -> Permitted {
                Permitted { identity: self.identity().clone(), change: $change.into() }
            }
        }
    )+};
}
permits! {
    BuildVServer: build(form: BuildForm) => Change::Build(Box::new(form));
    RunVServer: start(name: VServerName) => PlainChange::Start(name);
    RunVServer: stop(name: VServerName) => PlainChange::Stop(name);
    RunVServer: restart(name: VServerName) => PlainChange::Restart(name);
    DeleteVServer: delete(name: VServerName) => PlainChange::Delete { name, at_once: false };
    ProtectVServer: protect(name: VServerName, on: bool) => PlainChange::Protect { name, on };
    ChangeIdentity: change(name: VServerName, form: IdentityForm) => Change::Identity { name, form };
    UndeleteVServer: undelete(entry: OperationId, form: IdentityForm) => Change::Undelete { entry, form };
    PurgeVServer: purge(entry: OperationId) => Change::Purge(entry);
    ConfigureVServer: configure(name: VServerName, edits: Vec<ConfigEdit>) =>
        Change::Configure { tree: ConfigTree::VServer(name), edits };
    ConfigureVServer: undo(name: VServerName, number: u32) =>
        Change::UndoConfig { tree: ConfigTree::VServer(name), number };
    ConfigureDefaults: configure(edits: Vec<ConfigEdit>) =>
        Change::Configure { tree: ConfigTree::Defaults, edits };
    ConfigureDefaults: undo(number: u32) => Change::UndoConfig { tree: ConfigTree::Defaults, number };
    ConfigureDefaults: describe(edits: Vec<ConfigEdit>) =>
        Change::Configure { tree: ConfigTree::Distributions, edits };
    ConfigureDefaults: undo_description(number: u32) =>
        Change::UndoConfig { tree: ConfigTree::Distributions, number };
    ManageTemplates: remove_template(name: TemplateName) => PlainChange::RemoveTemplate(name);
    ManageTemplates: refresh_base(id: BaseId) => PlainChange::RefreshBase(id);
    ManageTemplates: remove_base(id: BaseId) => PlainChange::RemoveBase(id);
    BackUpVServer: back_up(order: BackupOrder) => PlainChange::Backup(order);
    BackUpVServer: verify(backup: BackupRef) => PlainChange::VerifyBackup(backup);
    BackUpVServer: remove(backup: BackupRef) => PlainChange::RemoveBackups {
        target: backup.target,
        vserver: backup.vserver,
        ids: vec![backup.id],
    };
    BackUpVServer: prune(order: PruneOrder) => Change::PruneBackups(order);
    BackUpVServer: schedule(vserver: VServerName, schedule: Option<Schedule>) =>
        PlainChange::ScheduleBackups { vserver, schedule };
    RestoreBackup: restore(backup: BackupRef, form: RestoreForm) =>
        Change::Restore { backup, form: Box::new(form) };
    RestoreBackup: restore_file(backup: BackupRef, into: VServerName, path: String) =>
        PlainChange::RestoreFile { backup, into, path };
    SignalProcess: signal(vserver: VServerName, process: ProcessKey, signal: Signal) =>
        PlainChange::Signal(SignalOrder { vserver, signal, to: Recipient::Process(process) });
    ManagePackages: packages(name: VServerName, change: PackageChange) =>
        PlainChange::Packages { name, change };
    ManageServices: order(order: ServiceOrder) => PlainChange::Service(order);
    ConfigureVServer: mark(name: VServerName, mark: Mark, on: bool) =>
        PlainChange::Mark { name, mark, on };
    ConfigureVServer: remount(name: VServerName, target: String) =>
        PlainChange::Remount { name, target };
}
