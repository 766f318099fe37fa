//! What an operation is to do, as it is kept on disk: judged, complete, and enough to begin anew from.

use std::path::PathBuf;

use domain::backup::{BackupId, BackupOrder, BackupRef};
use domain::build::BuildSpec;
use domain::command;
use domain::config_change::ConfigEdit;
use domain::config_entry::ConfigTree;
use domain::id::{BaseId, OperationId, TargetName, TemplateName, VServerName};
use domain::identity::IdentityChange;
use domain::init::Rescue;
use domain::operation::{Kind, Target};
use domain::restore::RestoreSpec;
use domain::retention::{Schedule, ScheduleForm};
use domain::template::NewTemplate;
use serde::{Deserialize, Serialize};

use crate::config::Origin;

/// What is to be done, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Make a VServer.
    Build(Box<BuildSpec>),
    /// Start it.
    Start(VServerName),
    /// Start something else in it than its init.
    Rescue {
        /// Which.
        name: VServerName,
        /// What.
        rescue: Rescue,
    },
    /// Stop it.
    Stop(VServerName),
    /// Stop it and start it.
    Restart(VServerName),
    /// Remove it and its files.
    Delete {
        /// Which.
        name: VServerName,
        /// Whether nothing of it is kept.
        at_once: bool,
    },
    /// Give it another name, context number, host name or other addresses.
    Identity(Box<IdentityChange>),
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
        change: Box<IdentityChange>,
    },
    /// Remove it from the recycle bin, for good.
    Purge {
        /// The operation that deleted it.
        entry: OperationId,
        /// What it was called.
        name: VServerName,
    },
    /// Change a config tree.
    Configure(Box<ConfigureTask>),
    /// Keep an archive as a template.
    AddTemplate(NewTemplate),
    /// Remove a template.
    RemoveTemplate(TemplateName),
    /// Make a cached base system anew.
    RefreshBase(BaseId),
    /// Remove a cached base system.
    RemoveBase(BaseId),
    /// Take a backup of it.
    Backup(BackupOrder),
    /// Make a backup of what somebody saved by hand.
    Import {
        /// As a backup of which VServer, and where to.
        order: BackupOrder,
        /// What was saved.
        saved: SavedAt,
    },
    /// Make a VServer of a backup.
    Restore(Box<RestoreSpec>),
    /// Put a file of a backup back into it.
    RestoreFile {
        /// Which backup.
        backup: BackupRef,
        /// Into which VServer.
        into: VServerName,
        /// Which file: its path inside, without the first `/`.
        path: String,
    },
    /// Read a backup and compare it with what was written.
    VerifyBackup(BackupRef),
    /// Remove backups of it.
    RemoveBackups {
        /// Where they are.
        target: TargetName,
        /// Of which VServer.
        vserver: VServerName,
        /// Which.
        ids: Vec<BackupId>,
    },
    /// Say when its backups are taken.
    ScheduleBackups {
        /// Whose.
        vserver: VServerName,
        /// When; none means: not any more.
        schedule: Option<Schedule>,
    },
}

/// Where that is what somebody saved by hand of a VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedAt {
    /// In directories and archives of this host's, which root named at its command line.
    Paths(Vec<PathBuf>),
    /// In an archive that comes over an upload's socket.
    Upload,
}

/// A change of a config tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigureTask {
    /// Which tree.
    pub tree: ConfigTree,
    /// Whose lock is held: its VServer's, or the defaults'.
    pub target: VServerName,
    /// What is to be done.
    pub edits: Vec<ConfigEdit>,
    /// The change that it undoes.
    pub undoes: Option<u32>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Task {
    /// Whom it is about.
    #[must_use]
    pub fn target(&self) -> Target {
        match self {
            Self::Build(spec) => (&spec.name).into(),
            Self::Backup(order) | Self::Import { order, .. } => (&order.vserver).into(),
            Self::Restore(spec) => (&spec.name).into(),
            Self::RestoreFile { into, .. } => into.into(),
            Self::VerifyBackup(backup) => (&backup.vserver).into(),
            Self::RemoveBackups { vserver, .. } | Self::ScheduleBackups { vserver, .. } => {
                vserver.into()
            }
            Self::Start(name)
            | Self::Rescue { name, .. }
            | Self::Stop(name)
            | Self::Restart(name) => name.into(),
            Self::Delete { name, .. } | Self::Protect { name, .. } | Self::Purge { name, .. } => {
                name.into()
            }
            Self::Configure(task) => (&task.target).into(),
            Self::Identity(change) => (&change.before.name).into(),
            Self::Undelete { change, .. } => (&change.after.name).into(),
            Self::AddTemplate(new) => Target::Template(new.name.clone()),
            Self::RemoveTemplate(name) => Target::Template(name.clone()),
            Self::RefreshBase(id) | Self::RemoveBase(id) => Target::Base(id.clone()),
        }
    }

    /// What it is called afterwards, when that is another name.
    #[must_use]
    pub fn renamed_to(&self) -> Option<&VServerName> {
        match self {
            Self::Identity(change) if change.is_rename() => Some(&change.after.name),
            _ => None,
        }
    }

    /// What it does.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Build(_) => Kind::Build,
            Self::Start(_) | Self::Rescue { .. } => Kind::Start,
            Self::Stop(_) => Kind::Stop,
            Self::Restart(_) => Kind::Restart,
            Self::Delete { .. } => Kind::Delete,
            Self::Identity(change) if change.is_rename() => Kind::Rename,
            Self::Identity(_) => Kind::Set,
            Self::Protect { on: true, .. } => Kind::Protect,
            Self::Protect { on: false, .. } => Kind::Unprotect,
            Self::Undelete { .. } => Kind::Undelete,
            Self::Purge { .. } => Kind::Purge,
            Self::Configure(task) => match task.tree {
                ConfigTree::VServer(_) => Kind::Configure,
                ConfigTree::Defaults => Kind::ConfigureDefaults,
            },
            Self::AddTemplate(_) => Kind::AddTemplate,
            Self::RemoveTemplate(_) => Kind::RemoveTemplate,
            Self::RefreshBase(_) => Kind::RefreshBase,
            Self::RemoveBase(_) => Kind::RemoveBase,
            Self::Backup(_) | Self::Import { .. } => Kind::Backup,
            Self::Restore(_) => Kind::Restore,
            Self::RestoreFile { .. } => Kind::RestoreFile,
            Self::VerifyBackup(_) => Kind::VerifyBackup,
            Self::RemoveBackups { .. } => Kind::RemoveBackups,
            Self::ScheduleBackups { .. } => Kind::ScheduleBackups,
        }
    }

    /// The command that does the same, as a person would type it.
    #[must_use]
    pub fn command(&self) -> String {
        let command = match self {
            Self::Build(spec) => return domain::build::shell_line(&spec.command_line()),
            Self::Configure(task) => return task.command(),
            Self::Start(name) => command::start(name),
            Self::Rescue { name, rescue } => command::rescue(name, rescue),
            Self::Stop(name) => command::stop(name),
            Self::Restart(name) => command::restart(name),
            Self::Delete { name, at_once } => command::delete(name, *at_once),
            Self::Protect { name, on } => command::protect(name, *on),
            Self::Identity(change) => command::identity(&change.before.name, &change.form()),
            Self::Undelete { entry, change } => command::undelete(entry, &change.form()),
            Self::Purge { entry, .. } => command::purge(entry),
            Self::AddTemplate(new) => {
                command::add_template(new.name.as_str(), new.description.as_str())
            }
            Self::RemoveTemplate(name) => command::remove_template(name),
            Self::RefreshBase(id) => command::refresh_base(id),
            Self::RemoveBase(id) => command::remove_base(id),
            Self::Backup(order) => command::take_backup(order),
            Self::Import { order, saved } => {
                let paths: Vec<String> = match saved {
                    SavedAt::Paths(paths) => {
                        paths.iter().map(|path| path.display().to_string()).collect()
                    }
                    SavedAt::Upload => Vec::new(),
                };
                command::import(order.vserver.as_str(), order.target.as_str(), &paths)
            }
            Self::Restore(spec) => match &spec.backup {
                Some(backup) => command::restore(backup, &spec.form()),
                None => command::Command::of(&["ulysse", "backup", "import", spec.was.as_str()]),
            },
            Self::RestoreFile { backup, into, path } => command::restore_file(backup, into, path),
            Self::VerifyBackup(backup) => command::verify_backup(backup),
            Self::RemoveBackups { target, vserver, ids } => {
                command::remove_backups(target, vserver, ids)
            }
            Self::ScheduleBackups { vserver, schedule } => {
                let form = schedule.as_ref().map(ScheduleForm::from).unwrap_or_default();
                command::schedule_backups(vserver, &form)
            }
        };
        command.line()
    }
}

impl ConfigureTask {
    /// The command that does the same; a text of several lines is typed into an editor.
    fn command(&self) -> String {
        if let Some(number) = self.undoes {
            return command::undo_config(&self.tree, number).line();
        }
        let lines = self
            .edits
            .iter()
            .map(|edit| command::edit_config(&self.tree, &edit.path, edit.text.as_deref()).line());
        lines.collect::<Vec<_>>().join("; ")
    }
}
