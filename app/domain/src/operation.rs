//! Operations: every change to a VServer, who asked for it, how far it is, how it ended.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::{OperationId, TerminalId, UserId, UserName, VServerName};
use crate::time::UnixMillis;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Makes a VServer.
    Build,
    /// Starts it.
    Start,
    /// Stops it.
    Stop,
    /// Stops and starts it.
    Restart,
    /// Removes it and its files.
    Delete,
    /// Puts right what a crash left behind.
    Repair,
    /// Takes a backup of it.
    Backup,
    /// Makes a VServer of a backup.
    Restore,
    /// Puts one file of a backup back into it.
    RestoreFile,
    /// Reads a backup and compares it with what was written.
    VerifyBackup,
    /// Removes backups.
    RemoveBackups,
    /// Says when backups are taken.
    ScheduleBackups,
}

impl Kind {
    /// The sub-command of `vserver` that does it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Delete => "delete",
            Self::Repair => "repair",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::RestoreFile => "restore-file",
            Self::VerifyBackup => "verify-backup",
            Self::RemoveBackups => "remove-backups",
            Self::ScheduleBackups => "schedule-backups",
        }
    }
}

impl Kind {
    /// Whether it makes a VServer that is not there before.
    #[must_use]
    pub fn makes(self) -> bool {
        matches!(self, Self::Build | Self::Restore)
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
    /// Ulysse: boot, recovery.
    System,
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
    TakingSnapshot,
    ReadingFiles,
    Verifying,
    RestoringFiles,
    RemovingBackups,
}

/// An operation as it is listed and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id; sorts by the time it was asked for.
    pub id: OperationId,
    /// What it does.
    pub kind: Kind,
    /// To which VServer.
    pub target: VServerName,
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
