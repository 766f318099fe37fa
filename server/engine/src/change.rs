//! What can be asked of the engine: one value for each change, before it is judged and becomes an
//! operation.

use std::path::PathBuf;

use domain::backup::{BackupId, BackupOrder, BackupRef, BackupTask, PruneOrder, RestoreTask};
use domain::build::BuildForm;
use domain::config_change::ConfigEdit;
use domain::config_entry::ConfigTree;
use domain::id::{BaseId, OperationId, TargetName, TemplateName, VServerName};
use domain::identity::IdentityForm;
use domain::init::Rescue;
use domain::restore::RestoreForm;
use domain::retention::Schedule;

/// Something that is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Make a VServer.
    Build(Box<BuildForm>),
    /// Start it.
    Start(VServerName),
    /// Start something else in it than its init. For the command line alone: no request of the web process
    /// names a program.
    Rescue {
        /// Which.
        name: VServerName,
        /// What.
        rescue: Rescue,
    },
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
    /// Give it another name, context number, host name or other addresses.
    Identity {
        /// Whose.
        name: VServerName,
        /// To what.
        form: IdentityForm,
    },
    /// Protect it against deletion, or take its protection away.
    Protect {
        /// Which.
        name: VServerName,
        /// Whether it is protected afterwards.
        on: bool,
    },
    /// Get it back from the recycle bin.
    Undelete {
        /// The operation that deleted it.
        entry: OperationId,
        /// As what.
        form: IdentityForm,
    },
    /// Remove it from the recycle bin, for good.
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
    /// Remove a template.
    RemoveTemplate(TemplateName),
    /// Make a cached base system anew.
    RefreshBase(BaseId),
    /// Remove a cached base system.
    RemoveBase(BaseId),
    /// Take a backup of it.
    Backup(BackupOrder),
    /// Make a backup of what somebody saved by hand of a VServer. For the command line alone: no request
    /// of the web process names a path. What
    /// is uploaded comes another way ([`crate::Engine::submit_import`]).
    Import {
        /// As a backup of which VServer, and where to.
        order: BackupOrder,
        /// Directories and archives of what was saved.
        paths: Vec<PathBuf>,
    },
    /// Make a VServer of a backup.
    Restore {
        /// Which.
        backup: BackupRef,
        /// As what.
        form: Box<RestoreForm>,
    },
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
        /// Of which.
        vserver: VServerName,
        /// Which.
        ids: Vec<BackupId>,
    },
    /// Remove the backups that a policy does not keep.
    PruneBackups(PruneOrder),
    /// Say when its backups are taken.
    ScheduleBackups {
        /// Whose.
        vserver: VServerName,
        /// When; none means: not any more.
        schedule: Option<Schedule>,
    },
}

impl From<BackupTask> for Change {
    fn from(task: BackupTask) -> Self {
        match task {
            BackupTask::Take(order) => Self::Backup(order),
            BackupTask::Verify(backup) => Self::VerifyBackup(backup),
            BackupTask::Remove { target, vserver, ids } => {
                Self::RemoveBackups { target, vserver, ids }
            }
            BackupTask::Prune(order) => Self::PruneBackups(order),
            BackupTask::Schedule { vserver, schedule } => {
                Self::ScheduleBackups { vserver, schedule }
            }
        }
    }
}

impl From<RestoreTask> for Change {
    fn from(task: RestoreTask) -> Self {
        match task {
            RestoreTask::VServer { backup, form } => Self::Restore { backup, form: Box::new(form) },
            RestoreTask::File { backup, into, path } => Self::RestoreFile { backup, into, path },
        }
    }
}
