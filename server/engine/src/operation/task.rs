//! What an operation is to do, as it is kept on disk: judged, complete, and enough to begin anew from.
//!
//! `task.json` is read by every later Ulysse: what a variant is called there stays, and what is new in one
//! has a default. The tests hold one of each kind.

use std::path::PathBuf;

use domain::backup::BackupOrder;
use domain::batch::Batch;
use domain::build::BuildSpec;
use domain::change::PlainChange;
use domain::command;
use domain::config_change::ConfigEdit;
use domain::config_entry::ConfigTree;
use domain::id::{OperationId, VServerName};
use domain::identity::IdentityChange;
use domain::init::Rescue;
use domain::operation::{Kind, Target};
use domain::package::PackageTool;
use domain::restore::RestoreSpec;
use domain::template::NewTemplate;
use serde::{Deserialize, Serialize};

use crate::config::Origin;

/// What is to be done, as it is kept: what was asked for where that is all, and what it was judged to be
/// otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Make a VServer.
    Build(Box<BuildSpec>),
    /// Start something else in it than its init.
    Rescue {
        /// Which.
        name: VServerName,
        /// What.
        rescue: Rescue,
    },
    /// Give it another name, context number, host name or other addresses.
    Identity(Box<IdentityChange>),
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
    /// Make a backup of what somebody saved by hand.
    Import {
        /// As a backup of which VServer, and where to.
        order: BackupOrder,
        /// What was saved.
        saved: SavedAt,
    },
    /// Make a VServer of a backup.
    Restore(Box<RestoreSpec>),
    /// Do one thing to many VServers.
    Batch(Box<BatchTask>),
    /// Run a tool of its package system in it.
    PackageTool {
        /// In which VServer.
        name: VServerName,
        /// Which tool.
        tool: PackageTool,
        /// What it is told.
        arguments: Vec<String>,
        /// Whether it may ask. Nobody does later what was asked at a terminal.
        #[serde(skip)]
        asks: bool,
    },
    /// What is done as it was asked for. In the file it has no name of its own.
    #[serde(untagged)]
    Plain(PlainChange),
}

impl From<PlainChange> for Task {
    fn from(change: PlainChange) -> Self {
        Self::Plain(change)
    }
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

/// One thing that is done to many VServers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchTask {
    /// Its operation, which the operations of its VServers name.
    pub id: OperationId,
    /// What is done.
    pub batch: Batch,
}

/// A change of a config tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigureTask {
    /// Which tree.
    pub tree: ConfigTree,
    /// Whose lock is held: its VServer's, or that of a tree that all share.
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
            Self::Plain(change) => change.target(),
            Self::Build(spec) => (&spec.name).into(),
            Self::Rescue { name, .. }
            | Self::Purge { name, .. }
            | Self::PackageTool { name, .. } => name.into(),
            Self::Identity(change) => (&change.before.name).into(),
            Self::Undelete { change, .. } => (&change.after.name).into(),
            Self::Configure(task) => (&task.target).into(),
            Self::AddTemplate(new) => Target::Template(new.name.clone()),
            Self::Import { order, .. } => (&order.vserver).into(),
            Self::Restore(spec) => (&spec.name).into(),
            Self::Batch(task) => Target::Batch(task.id.clone()),
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
            Self::Plain(change) => change.kind(),
            Self::Build(_) => Kind::Build,
            Self::Rescue { .. } => Kind::Start,
            Self::Identity(change) if change.is_rename() => Kind::Rename,
            Self::Identity(_) => Kind::Set,
            Self::Undelete { .. } => Kind::Undelete,
            Self::Purge { .. } => Kind::Purge,
            Self::Configure(task) => match task.tree {
                ConfigTree::VServer(_) => Kind::Configure,
                ConfigTree::Defaults => Kind::ConfigureDefaults,
                ConfigTree::Distributions => Kind::ConfigureDistributions,
            },
            Self::AddTemplate(_) => Kind::AddTemplate,
            Self::Import { .. } => Kind::Backup,
            Self::Restore(_) => Kind::Restore,
            Self::Batch(_) => Kind::Batch,
            Self::PackageTool { .. } => Kind::Packages,
        }
    }

    /// The command that does the same, as a person would type it.
    #[must_use]
    pub fn command(&self) -> String {
        let command = match self {
            Self::Build(spec) => return domain::build::shell_line(&spec.command_line()),
            Self::Configure(task) => return task.command(),
            Self::Batch(task) => return command::batch_line(&task.batch),
            Self::Plain(change) => change.command(),
            Self::Rescue { name, rescue } => command::rescue(name, rescue),
            Self::Identity(change) => command::identity(&change.before.name, &change.form()),
            Self::Undelete { entry, change } => command::undelete(entry, &change.form()),
            Self::Purge { entry, .. } => command::purge(entry),
            Self::AddTemplate(new) => {
                command::add_template(new.name.as_str(), new.description.as_str())
            }
            Self::Import { order, saved } => {
                let paths: Vec<String> = match saved {
                    SavedAt::Paths(paths) => {
                        paths.iter().map(|path| path.display().to_string()).collect()
                    }
                    SavedAt::Upload => Vec::new(),
                };
                command::import(order.vserver.as_str(), order.target.as_str(), &paths)
            }
            Self::PackageTool { name, tool, arguments, .. } => {
                command::package_tool(name, *tool, arguments)
            }
            Self::Restore(spec) => match &spec.backup {
                Some(backup) => command::restore(backup, &spec.form()),
                None => command::Command::of(&["ulysse", "backup", "import", spec.was.as_str()]),
            },
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// A task of each kind as files hold it, and the command of its operation.
    const KEPT: &[(Kind, &str, &str)] = &[
        (
            Kind::Build,
            r#"{"build":{"name":"web","context":40000,"host_name":"web","interfaces":[{"label":null,"device":"None",
            "address":"192.0.2.9","prefix":null}],"broadcast":null,"init":"sysvinit","flags":[],"cpuset":null,
            "method":"skeleton","defaults":{"fstab":null,"hosts":null,"resolv_conf":"nameserver 192.0.2.53\n",
            "files":[],"apt_proxies":[]},"replaces":false,"keeps_root":false,"ignores_default_options":false}}"#,
            "vserver web build -m skeleton --context 40000 --hostname web --interface nodev:192.0.2.9 \
             --initstyle sysv",
        ),
        (Kind::Start, r#"{"start":"web"}"#, "vserver web start"),
        (
            Kind::Start,
            r#"{"rescue":{"name":"web","rescue":{"command":["/bin/sh"],"is_init":true}}}"#,
            "vserver web start --rescue --rescue-init /bin/sh",
        ),
        (Kind::Stop, r#"{"stop":"web"}"#, "vserver web stop"),
        (Kind::Restart, r#"{"restart":"web"}"#, "vserver web restart"),
        (Kind::Delete, r#"{"delete":{"name":"web","at_once":true}}"#, "vserver web delete --now"),
        (
            Kind::Configure,
            r#"{"configure":{"tree":{"v_server":"web"},"target":"web","edits":[{"path":"nice","seen":null,
            "text":"5\n"}],"undoes":null,"origin":"web"}}"#,
            "vserver web config set nice 5",
        ),
        (
            Kind::ConfigureDefaults,
            r#"{"configure":{"tree":"defaults","target":"defaults","edits":[],"undoes":3,"origin":"host_history"}}"#,
            "vserver .defaults config undo 3",
        ),
        (
            Kind::ConfigureDistributions,
            r#"{"configure":{"tree":"distributions","target":"distributions","edits":[],"undoes":3,"origin":"host_history"}}"#,
            "vserver .distributions config undo 3",
        ),
        (
            Kind::AddTemplate,
            r#"{"add_template":{"name":"mandriva","description":"","bytes":null}}"#,
            "ulysse template add mandriva ARCHIVE",
        ),
        (
            Kind::RemoveTemplate,
            r#"{"remove_template":"mandriva"}"#,
            "ulysse template remove mandriva",
        ),
        (
            Kind::RefreshBase,
            r#"{"refresh_base":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"}"#,
            "ulysse base refresh 0a0a0a0a0a0a",
        ),
        (
            Kind::RemoveBase,
            r#"{"remove_base":"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"}"#,
            "ulysse base remove 0a0a0a0a0a0a",
        ),
        (
            Kind::Backup,
            r#"{"backup":{"vserver":"web","target":"local","pause":false}}"#,
            "vserver web backup --target local",
        ),
        (
            Kind::Backup,
            r#"{"import":{"order":{"vserver":"web","target":"local","pause":false},
            "saved":{"paths":["/srv/old"]}}}"#,
            "ulysse backup import web /srv/old --target local",
        ),
        (
            Kind::Backup,
            r#"{"import":{"order":{"vserver":"web","target":"local","pause":false},"saved":"upload"}}"#,
            "ulysse backup import web ARCHIVE --target local",
        ),
        (
            Kind::Restore,
            r#"{"restore":{"backup":{"target":"local","vserver":"web","id":"20261126T034512123Z"},"was":"web",
            "name":"web2","context":40001,"host_name":null,"interfaces":[],"keeps_host_keys":false}}"#,
            "vserver web2 backup restore local:web:20261126T034512123Z --context 40001 --interface none",
        ),
        (
            Kind::RestoreFile,
            r#"{"restore_file":{"backup":{"target":"local","vserver":"web","id":"20261126T034512123Z"},
            "into":"web","path":"etc/motd"}}"#,
            "vserver web backup restore-file local:web:20261126T034512123Z /etc/motd",
        ),
        (
            Kind::VerifyBackup,
            r#"{"verify_backup":{"target":"local","vserver":"web","id":"20261126T034512123Z"}}"#,
            "ulysse backup verify local:web:20261126T034512123Z",
        ),
        (
            Kind::RemoveBackups,
            r#"{"remove_backups":{"target":"local","vserver":"web","ids":["20261126T034512123Z"]}}"#,
            "ulysse backup remove local:web:20261126T034512123Z",
        ),
        (
            Kind::ScheduleBackups,
            r#"{"schedule_backups":{"vserver":"web","schedule":{"target":"local","when":"daily 02:30",
            "keep":"last=2"}}}"#,
            "vserver web backup schedule --target local --when 'daily 02:30' --keep last=2",
        ),
        (
            Kind::Rename,
            r#"{"identity":{"before":{"name":"web","context":40000,"host_name":"web","interfaces":[]},
            "after":{"name":"shop","context":40000,"host_name":"shop","interfaces":[]},"restart":true}}"#,
            "vserver web rename shop --restart",
        ),
        (
            Kind::Set,
            r#"{"identity":{"before":{"name":"web","context":40000,"host_name":"web","interfaces":[]},
            "after":{"name":"web","context":40001,"host_name":"web","interfaces":[]},"restart":false}}"#,
            "vserver web set --context 40001",
        ),
        (Kind::Protect, r#"{"protect":{"name":"web","on":true}}"#, "vserver web protect"),
        (Kind::Unprotect, r#"{"protect":{"name":"web","on":false}}"#, "vserver web unprotect"),
        (
            Kind::Undelete,
            r#"{"undelete":{"entry":"01M8BJEK8XG0GKXPN233Q7Q5J7","change":{"before":{"name":"web","context":40000,
            "host_name":"web","interfaces":[]},"after":{"name":"web","context":40000,"host_name":"web",
            "interfaces":[]},"restart":false}}}"#,
            "ulysse bin restore 01M8BJEK8XG0GKXPN233Q7Q5J7",
        ),
        (
            Kind::Purge,
            r#"{"purge":{"entry":"01M8BJEK8XG0GKXPN233Q7Q5J7","name":"web"}}"#,
            "ulysse bin remove 01M8BJEK8XG0GKXPN233Q7Q5J7",
        ),
        (
            Kind::Batch,
            r#"{"batch":{"id":"01M8BJEK8XG0GKXPN233Q7Q5J7","batch":{"changes":[{"start":"web"},{"start":"db"}],
            "pace":{"at_once":2,"canary":1,"stop_after_failures":null}}}}"#,
            "vserver --names web,db --at-once 2 --canary 1 start",
        ),
        (
            Kind::Signal,
            r#"{"signal":{"vserver":"web","signal":15,"to":{"process":{"pid":712,"start_ticks":4242}}}}"#,
            "vkill -s TERM --xid web 712",
        ),
        (
            Kind::Packages,
            r#"{"packages":{"name":"web","change":{"upgrade":{"packages":["bash"]}}}}"#,
            "vserver web packages upgrade bash",
        ),
        (
            Kind::Packages,
            r#"{"package_tool":{"name":"web","tool":"apt_get","arguments":["install","file"]}}"#,
            "vapt-get web -- install file",
        ),
        (
            Kind::Service,
            r#"{"service":{"vserver":"web","manager":"systemd","service":"ssh.service","action":"restart"}}"#,
            "vserver web exec systemctl --no-ask-password restart ssh.service",
        ),
        (
            Kind::Mark,
            r#"{"mark":{"name":"web","mark":"default","on":true}}"#,
            "vserver web mark default",
        ),
        (
            Kind::Unmark,
            r#"{"mark":{"name":"web","mark":"lab","on":false}}"#,
            "vserver web unmark lab",
        ),
        (
            Kind::Remount,
            r#"{"remount":{"name":"web","target":"/tmp"}}"#,
            "vserver web remount /tmp",
        ),
    ];

    #[test]
    fn what_was_written_down_before_an_upgrade_is_understood_after_it() {
        for (kind, text, command) in KEPT {
            let kept: Value = serde_json::from_str(text).unwrap();
            let task: Task = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
            assert_eq!((task.kind(), task.command().as_str()), (*kind, *command));
            // The one before reads it too, when somebody goes back to it.
            assert_eq!(serde_json::to_value(&task).unwrap(), kept);
        }
        let missing: Vec<_> = Kind::ALL
            .into_iter()
            .filter(|kind| KEPT.iter().all(|(kept, ..)| kept != kind))
            .collect();
        assert_eq!(missing, [], "each kind of operation is here");
    }
}
