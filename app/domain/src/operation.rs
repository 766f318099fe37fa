//! Operations: every change, mostly to a VServer, who asked for it, how far it is, how it ended.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::field::Problem;
use crate::id::{BaseId, OperationId, TemplateName, TerminalId, UserId, UserName, VServerName};
use crate::time::UnixMillis;

macro_rules! kinds {
    (@can cancellable) => { true };
    (@can) => { false };
    ($(#[doc = $doc:literal] $name:ident: $word:literal $(, $cancellable:ident)?;)+) => {
        /// What an operation does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $(#[doc = $doc] $name,)+
        }

        impl Kind {
            /// All there are, as lists offer them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$name),+];

            /// The sub-command of `vserver` that does it; of `ulysse`, for what is not about a VServer.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// Whether it can take long, and so can be cancelled while it is being done. Importing what
            /// was saved by hand is taking a backup.
            #[must_use]
            pub fn is_cancellable(self) -> bool {
                match self {
                    $(Self::$name => kinds!(@can $($cancellable)?),)+
                }
            }
        }
    };
}
kinds! {
    /// Makes a VServer.
    Build: "build", cancellable;
    /// Starts it.
    Start: "start";
    /// Stops it.
    Stop: "stop";
    /// Stops and starts it.
    Restart: "restart";
    /// Removes it and its files.
    Delete: "delete";
    /// Changes its config tree.
    Configure: "config";
    /// Changes what holds for all, `.defaults`.
    ConfigureDefaults: "config-defaults";
    /// Changes what distributions are made of, `.distributions`.
    ConfigureDistributions: "config-distributions";
    /// Keeps an archive as a template.
    AddTemplate: "template-add", cancellable;
    /// Removes a template.
    RemoveTemplate: "template-remove";
    /// Makes a cached base system anew.
    RefreshBase: "base-refresh", cancellable;
    /// Removes a cached base system.
    RemoveBase: "base-remove", cancellable;
    /// Takes a backup of it.
    Backup: "backup", cancellable;
    /// Makes a VServer of a backup.
    Restore: "restore", cancellable;
    /// Puts one file of a backup back into it.
    RestoreFile: "restore-file", cancellable;
    /// Reads a backup and compares it with what was written.
    VerifyBackup: "verify-backup", cancellable;
    /// Removes backups.
    RemoveBackups: "remove-backups";
    /// Says when backups are taken.
    ScheduleBackups: "schedule-backups";
    /// Gives it another name.
    Rename: "rename";
    /// Gives it another context number, host name or other addresses.
    Set: "set";
    /// Protects it against deletion.
    Protect: "protect";
    /// Takes its protection away.
    Unprotect: "unprotect";
    /// Gets it back from the recycle bin.
    Undelete: "undelete";
    /// Removes it from the recycle bin, for good.
    Purge: "purge";
    /// Does one change to many.
    Batch: "batch", cancellable;
    /// Sends a signal to processes of it.
    Signal: "signal";
    /// Refreshes, installs, upgrades or removes packages in it.
    Packages: "packages", cancellable;
    /// Does something to a service inside it.
    Service: "service";
    /// Gives it a mark.
    Mark: "mark";
    /// Takes a mark away from it.
    Unmark: "unmark";
    /// Changes a mount in it while it runs.
    Remount: "remount";
}

impl Kind {
    /// Whether it makes a VServer that is not there before.
    #[must_use]
    pub fn makes(self) -> bool {
        matches!(self, Self::Build | Self::Restore)
    }

    /// Whether it is done whatever else is done to the same VServer, and keeps nothing else from being done:
    /// what hangs in a start or a stop can be ended.
    #[must_use]
    pub fn is_beside_others(self) -> bool {
        matches!(self, Self::Signal)
    }
}

/// What an operation is about. Written as text it is the name of a VServer as it is, or the name of
/// something else behind the word for it and a colon, which no VServer's name has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// A VServer.
    VServer(VServerName),
    /// A template.
    Template(TemplateName),
    /// A cached base system.
    Base(BaseId),
    /// Many VServers: the operation that works on them, one after the other.
    Batch(OperationId),
}

impl Target {
    /// The VServer, if it is one.
    #[must_use]
    pub fn vserver(&self) -> Option<&VServerName> {
        match self {
            Self::VServer(name) => Some(name),
            Self::Template(_) | Self::Base(_) | Self::Batch(_) => None,
        }
    }

    /// Its name as people read it, without what kind of thing it is.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::VServer(name) => name.as_str(),
            Self::Template(name) => name.as_str(),
            Self::Base(id) => id.short(),
            Self::Batch(id) => id.as_str(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VServer(name) => f.pad(name.as_str()),
            Self::Template(name) => f.pad(&format!("template:{name}")),
            Self::Base(id) => f.pad(&format!("base:{id}")),
            Self::Batch(id) => f.pad(&format!("batch:{id}")),
        }
    }
}

impl FromStr for Target {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        match text.split_once(':') {
            Some(("template", name)) => name.parse().map(Self::Template),
            Some(("base", id)) => id.parse().map(Self::Base),
            Some(("batch", id)) => id.parse().map(Self::Batch),
            _ => text.parse().map(Self::VServer),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

impl From<VServerName> for Target {
    fn from(name: VServerName) -> Self {
        Self::VServer(name)
    }
}

impl From<&VServerName> for Target {
    fn from(name: &VServerName) -> Self {
        Self::VServer(name.clone())
    }
}

impl From<&Self> for Target {
    fn from(target: &Self) -> Self {
        target.clone()
    }
}

impl PartialEq<VServerName> for Target {
    fn eq(&self, name: &VServerName) -> bool {
        self.vserver() == Some(name)
    }
}

/// Who asked for an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A user of the web application.
    User {
        /// Their id.
        id: UserId,
        /// Their name then.
        name: UserName,
    },
    /// Somebody at the host's command line.
    CommandLine {
        /// The login name of the session (`SUDO_USER`, else the real user's).
        login: String,
    },
    /// The VServer itself: `reboot -f` or `halt` inside.
    VServer {
        /// Which.
        name: VServerName,
    },
    /// Ulysse: recovery, what is due.
    System,
    /// The host, when it boots or shuts down.
    Host,
}

/// How far an operation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Waits for a place.
    Queued,
    /// Is being done.
    Running {
        /// Which step.
        stage: Stage,
        /// Share of the whole operation that is done, in per mille.
        permille: u16,
    },
    /// Done.
    Succeeded,
    /// Not done, and undone.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Not done because somebody cancelled it, and undone.
    Cancelled,
}

impl Progress {
    /// Whether nothing more will happen.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed { .. } | Self::Cancelled)
    }
}

/// A step of an operation, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named like what happens in it")]
pub enum Stage {
    Preparing,
    ReadingMirror,
    Downloading,
    Unpacking,
    Installing,
    KeepingBase,
    CopyingBase,
    Configuring,
    WritingConfig,
    MakingNetwork,
    StartingInit,
    StoppingServices,
    EndingProcesses,
    RemovingNetwork,
    RemovingFiles,
    Finishing,
    Undoing,
    CopyingFiles,
    CopyingChanges,
    MakingHostKeys,
    MakingDirectories,
    ReceivingArchive,
    CheckingArchive,
    UnpackingArchive,
    TakingSnapshot,
    ReadingFiles,
    Verifying,
    RestoringFiles,
    RemovingBackups,
    ChangingIdentity,
    MovingToBin,
    MovingFromBin,
    DoingEach,
    /// Sending a signal.
    SendingSignal,
    EnteringVServer,
    RefreshingLists,
    ChangingPackages,
    AskingWhatIsPending,
    AskingService,
    Remounting,
    ForeseeingPackages,
}

/// An operation as it is listed and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id; sorts by the time it was asked for.
    pub id: OperationId,
    /// What it does.
    pub kind: Kind,
    /// To what.
    pub target: Target,
    /// What it is called afterwards, when it is renamed.
    #[serde(default)]
    pub renamed_to: Option<VServerName>,
    /// Who asked.
    pub actor: Actor,
    /// The command that would do the same.
    pub command: String,
    /// How far it is.
    pub progress: Progress,
    /// Whether it can be cancelled now.
    pub cancellable: bool,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// When it began.
    pub started_at: Option<UnixMillis>,
    /// When it ended.
    pub finished_at: Option<UnixMillis>,
    /// The batch that it is a part of.
    #[serde(default)]
    pub batch: Option<OperationId>,
}

impl Operation {
    /// Whether it is about this, under its old name or its new one.
    #[must_use]
    pub fn is_about(&self, target: &Target) -> bool {
        let new = self.renamed_to.as_ref();
        self.target == *target || new.is_some_and(|new| target.vserver() == Some(new))
    }
}

/// A piece of an operation's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogChunk {
    /// Where it begins, in bytes.
    pub offset: u64,
    /// The text; control characters other than newline and tab are taken out.
    pub text: String,
    /// Whether more will come.
    pub open: bool,
}

/// A terminal that lives in the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// Its id.
    pub id: TerminalId,
    /// In which VServer.
    pub vserver: VServerName,
    /// Who opened it.
    pub owner: UserId,
    /// When.
    pub opened_at: UnixMillis,
}
