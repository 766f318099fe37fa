//! Why something that was asked for did not happen, as data that crosses processes.
//!
//! Engine, store and web each have their own error types with sources; at their border these
//! become a [`Failure`]. The words, the way out and the reference id are added in one place,
//! `app::i18n`, in French and English.

use serde::{Deserialize, Serialize};

use crate::backup::BackupRef;
use crate::batch::Tally;
use crate::config_change::{FileProblem, NotEditable};
use crate::config_entry::{ConfigPath, Expected};
use crate::field::{Field, FieldErrors, Problem};
use crate::id::{BaseId, OperationId, TargetName, TemplateName, VServerName};
use crate::operation::Target;
use crate::package::PackageSystem;
use crate::place::PlaceProblem;
use crate::template::ArchiveProblem;
use crate::tmpfs::RemountProblem;

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// One or more fields are wrong; nothing was done.
    #[error("input refused: {}", .errors.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid {
        /// Which, and why.
        errors: FieldErrors,
    },
    /// Nobody is logged in.
    #[error("not logged in")]
    NotLoggedIn,
    /// The user's role does not allow it.
    #[error("not allowed: {action}")]
    NotAllowed {
        /// The action, as the authz table names it.
        action: String,
    },
    /// The request's origin or its CSRF token is not this site's.
    #[error("request from elsewhere")]
    CrossSite,
    /// Wrong user name or password. Which of both is not said.
    #[error("wrong user name or password")]
    WrongCredentials,
    /// Too many failed log-ins.
    #[error("locked out for {seconds} s")]
    LockedOut {
        /// Until then, in seconds.
        seconds: u64,
    },
    /// The set-up link was used, has expired, or never was.
    #[error("set-up link not valid")]
    SetupLinkInvalid,
    /// The last administrator cannot be disabled or demoted.
    #[error("last administrator")]
    LastAdministrator,
    /// No VServer of this name.
    #[error("no VServer {name}")]
    NoSuchVServer {
        /// The name asked for.
        name: VServerName,
    },
    /// No operation of this id.
    #[error("no operation {id}")]
    NoSuchOperation {
        /// The id asked for.
        id: OperationId,
    },
    /// No terminal of this id, or it has ended.
    #[error("no such terminal")]
    NoSuchTerminal,
    /// No user of this id.
    #[error("no such user")]
    NoSuchUser,
    /// It runs already.
    #[error("{name} is already running")]
    AlreadyRunning {
        /// Which.
        name: VServerName,
    },
    /// It does not run.
    #[error("{name} is not running")]
    NotRunning {
        /// Which.
        name: VServerName,
    },
    /// Another operation holds the VServer, template or base.
    #[error("{name} is busy")]
    Busy {
        /// What.
        name: Target,
        /// The operation that holds it, when it is known.
        operation: Option<OperationId>,
    },
    /// Too many operations wait.
    #[error("queue full ({limit})")]
    QueueFull {
        /// The most that may wait.
        limit: usize,
    },
    /// The mirror did not answer, or has no such suite.
    #[error("mirror {mirror} unreachable: {detail}")]
    MirrorUnreachable {
        /// Its address.
        mirror: String,
        /// What the downloader said last.
        detail: String,
    },
    /// debootstrap failed.
    #[error("debootstrap failed: {detail}")]
    DebootstrapFailed {
        /// Its last words.
        detail: String,
    },
    /// No space left.
    #[error("disk full at {path}")]
    DiskFull {
        /// Where.
        path: String,
    },
    /// A file of the config tree cannot be understood.
    #[error("{file}:{line}: expected {expected}")]
    BadConfig {
        /// The file, relative to the config tree.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What was expected there.
        expected: Expected,
    },
    /// Changed files would not be what they should be; nothing was changed.
    #[error("files refused: {}", .problems.iter().map(|p| format!("{}:{}: expected {}", p.path, p.line, p.expected)).collect::<Vec<_>>().join("; "))]
    ConfigRefused {
        /// Which, where, and what was expected there.
        problems: Vec<FileProblem>,
    },
    /// A file was changed by somebody else since it was looked at; nothing was changed.
    #[error("{path} was changed meanwhile")]
    ConfigChanged {
        /// Which.
        path: ConfigPath,
    },
    /// The config tree of a VServer is not what it was when its change was judged.
    #[error("the config tree of {name} was edited meanwhile")]
    ConfigTreeChanged {
        /// Whose.
        name: VServerName,
    },
    /// A file cannot be changed this way.
    #[error("{path} cannot be changed: {reason:?}")]
    ConfigNotEditable {
        /// Which.
        path: ConfigPath,
        /// Why.
        reason: NotEditable,
    },
    /// What was asked for is there already.
    #[error("nothing to change")]
    ConfigUnchanged,
    /// The history holds no change of this number, or none that can be undone.
    #[error("no change {number}")]
    NoSuchConfigChange {
        /// The number.
        number: u32,
    },
    /// The VServer's files hold no init of its style.
    #[error("{name} has no {path}")]
    NoInit {
        /// Which VServer.
        name: VServerName,
        /// What is missing in it.
        path: String,
    },
    /// The VServer's first program is not of the host's architecture.
    #[error("{path} of {name} is of another architecture")]
    OtherArchitecture {
        /// Which VServer.
        name: VServerName,
        /// The program, in it.
        path: String,
    },
    /// What a unified VServer shares with others is gone.
    #[error("the reference {path} is gone")]
    NoReference {
        /// Where it would be.
        path: String,
    },
    /// A program of the administrator's was not run, because others than root could have written it.
    #[error("{program} is not safe to run: {path}: {problem:?}")]
    UnsafeProgram {
        /// What was to be run.
        program: String,
        /// What about it, or above it, is wrong.
        path: String,
        /// What is wrong with that.
        problem: ProgramProblem,
    },
    /// The host cannot do this.
    #[error("this host lacks {feature}")]
    HostLacks {
        /// What is missing.
        feature: HostFeature,
        /// The kernel's or program's answer.
        detail: String,
    },
    /// A program of the guest or the host ended badly.
    #[error("{program} failed: {detail}")]
    ProgramFailed {
        /// Its name.
        program: String,
        /// Its exit status and last words.
        detail: String,
    },
    /// A remote machine does not let Ulysse log in.
    #[error("{host} refused the log-in: {detail}")]
    RemoteDenied {
        /// Which machine.
        host: String,
        /// The public key that it would have to know; empty when another was to be used.
        public_key: String,
        /// What ssh said.
        detail: String,
    },
    /// No backup of this name.
    #[error("no backup {backup}")]
    NoSuchBackup {
        /// The one asked for.
        backup: BackupRef,
    },
    /// A backup is not what was written.
    #[error("backup {backup} damaged: {detail}")]
    BackupDamaged {
        /// Which.
        backup: BackupRef,
        /// Where, and what was found there.
        detail: String,
    },
    /// The list of a VServer's files would be longer than one that is read back.
    #[error("the list of files would have more than {bytes} bytes")]
    TooManyFiles {
        /// The most it may have.
        bytes: u64,
    },
    /// Where backups go cannot be reached or written.
    #[error("target {target} unreachable: {detail}")]
    TargetUnreachable {
        /// Its name in the settings.
        target: TargetName,
        /// What the filesystem or ssh said.
        detail: String,
    },
    /// The settings name no target of this name.
    #[error("no target {target}")]
    NoSuchTarget {
        /// The name asked for.
        target: TargetName,
    },
    /// It did not happen in time.
    #[error("{what} took longer than {seconds} s")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long, in seconds.
        seconds: u64,
    },
    /// Somebody cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// The process that did it was ended; what it had done was undone.
    #[error("interrupted and undone")]
    Interrupted,
    /// The engine does not answer.
    #[error("engine down")]
    EngineDown,
    /// An archive cannot be used as it is.
    #[error("archive refused: {problem}{}", .name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default())]
    ArchiveRefused {
        /// Why.
        problem: ArchiveProblem,
        /// The member it is about, control characters escaped.
        name: Option<String>,
    },
    /// An upload ended before all of it had come.
    #[error("upload broken off after {bytes} bytes")]
    UploadBroken {
        /// How much had come.
        bytes: u64,
    },
    /// No template of this name.
    #[error("no template {name}")]
    NoSuchTemplate {
        /// The name asked for.
        name: TemplateName,
    },
    /// No cached base system of this id.
    #[error("no base {}", .id.short())]
    NoSuchBase {
        /// The id asked for.
        id: BaseId,
    },
    /// It is protected against deletion.
    #[error("{name} is protected")]
    Protected {
        /// Which VServer.
        name: VServerName,
    },
    /// It runs, and this needs it to be stopped.
    #[error("{name} is running, and has to be stopped for this")]
    MustBeStopped {
        /// Which VServer.
        name: VServerName,
    },
    /// Nothing would be changed.
    #[error("nothing to change")]
    NothingToChange,
    /// Nothing of this id, or nothing of this name, is in the recycle bin.
    #[error("{what} is not in the recycle bin")]
    NotInBin {
        /// What was asked for.
        what: String,
    },
    /// Something is mounted below its files.
    #[error("{path} is mounted")]
    Mounted {
        /// Where.
        path: String,
    },
    /// Where its files are does not allow it; nothing was done.
    #[error("{path}: {problem}")]
    Place {
        /// Where they are.
        path: String,
        /// Why not.
        problem: PlaceProblem,
    },
    /// The directory for VServers' files, which the administrator named, cannot be used.
    #[error("{link} leads to {path}: {problem:?}")]
    BaseUnusable {
        /// The link.
        link: String,
        /// Where it leads.
        path: String,
        /// Why that cannot be used.
        problem: BaseProblem,
    },
    /// A tool of a VServer's package system ended badly.
    #[error("{program} ended with {status}: {detail}")]
    PackageToolFailed {
        /// Its name.
        program: String,
        /// Its exit status.
        status: u8,
        /// Its last words.
        detail: String,
    },
    /// The process that changed packages was ended; what the VServer's tools had done stays.
    #[error("interrupted while packages of {name} were changed")]
    PackagesInterrupted {
        /// Whose.
        name: VServerName,
    },
    /// Packages are broken after all.
    #[error("packages of {name} are broken: {}", .packages.join(" "))]
    PackagesBroken {
        /// Whose.
        name: VServerName,
        /// Which.
        packages: Vec<String>,
    },
    /// Nothing that is known keeps the VServer's packages, or what does cannot do this.
    #[error("{name} has no package system that does this")]
    NoPackageSystem {
        /// Which VServer.
        name: VServerName,
        /// What it has.
        system: Option<PackageSystem>,
    },
    /// The VServer's dnf or yum has no plugin that keeps packages at their versions.
    #[error("{program} of {name} has no versionlock")]
    NoVersionLock {
        /// Which VServer.
        name: VServerName,
        /// The tool.
        program: String,
    },
    /// Something nobody foresaw. The log holds the rest under the reference.
    #[error("unexpected: {detail}")]
    Unexpected {
        /// What was being tried, for the log; shown small.
        detail: String,
    },
    /// A batch did not come to its end with all of its VServers.
    #[error("{} of {} done, {} failed", .tally.done + .tally.unneeded, .tally.all(), .tally.failed)]
    Batch {
        /// How many came to what.
        tally: Tally,
        /// The first of those that failed.
        failed: Vec<VServerName>,
    },
    /// There is no such process in the VServer, or not any more.
    #[error("no process {pid} in {name}")]
    NoSuchProcess {
        /// In which VServer.
        name: VServerName,
        /// Its pid on the host.
        pid: u32,
    },
    /// What the interfaces of a VServer say cannot be on this host, or not now.
    #[error("the network of {name}: {problem}")]
    InterfacesUnusable {
        /// Which VServer.
        name: VServerName,
        /// Where its interfaces stand.
        directory: String,
        /// Why.
        problem: Box<Problem>,
    },
    /// Where the VServer's files should be there is nothing.
    #[error("{path} is empty")]
    EmptyRoot {
        /// Which VServer.
        name: VServerName,
        /// Where.
        path: String,
    },
    /// What is mounted in a VServer is not changed while it runs.
    #[error("{target} stays mounted as it is: {problem:?}")]
    NotRemounted {
        /// Where, in the VServer.
        target: String,
        /// Why.
        problem: RemountProblem,
    },
}

/// Why a program is not run as the host's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgramProblem {
    /// Its path does not begin at the root.
    NotAbsolute,
    /// It is not root's.
    NotRoots,
    /// Others than its owner may write it.
    WritableByOthers,
    /// It is no file.
    NoFile,
}

/// Why a directory is no place for VServers' files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseProblem {
    /// It is not there.
    Missing,
    /// It is no directory.
    NotADirectory,
    /// It, or a directory above it, is not root's, or others may write there.
    NotRootsAlone,
    /// Others may enter it, and it holds more than VServers.
    OpenToOthers,
    /// It is among the files of a VServer.
    InsideVServer,
}

impl Failure {
    /// That one field is wrong, and why.
    #[must_use]
    pub fn of_field(field: Field, problem: Problem) -> Self {
        let mut errors = FieldErrors::default();
        errors.push(field, problem);
        Self::Invalid { errors }
    }
}

/// Something a host may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostFeature {
    /// The program debootstrap.
    Debootstrap,
    /// The program dnf.
    Dnf,
    /// User namespaces.
    UserNamespaces,
    /// Idmapped mounts on the guest's filesystem.
    IdmappedMounts,
    /// A usable cgroup hierarchy.
    Cgroups,
    /// veth devices.
    Veth,
    /// nftables with NAT.
    Nftables,
    /// Being root.
    Root,
    /// The program rsync.
    Rsync,
    /// The programs of the OpenSSH client.
    Ssh,
    /// overlayfs, to show layers as one tree.
    Overlay,
}

impl std::fmt::Display for HostFeature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Debootstrap => "debootstrap",
            Self::Dnf => "dnf",
            Self::UserNamespaces => "user namespaces",
            Self::IdmappedMounts => "idmapped mounts",
            Self::Cgroups => "cgroups",
            Self::Veth => "veth devices",
            Self::Nftables => "nftables",
            Self::Root => "root privileges",
            Self::Rsync => "rsync",
            Self::Ssh => "ssh",
            Self::Overlay => "overlayfs",
        })
    }
}

/// An error and what was behind it, in one line: for logs, and for [`Failure::Unexpected`].
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
