//! Requests, replies and events.
//!
//! Note on serde: postcard is not self-describing, so types that are internally tagged
//! (`#[serde(tag = …)]`) cannot be decoded from it. The types of `domain` therefore use the default
//! (external) tagging.

use domain::backup::{
    BackupDetail, BackupEntry, BackupOrder, BackupOverview, BackupRef, BackupScope,
};
use domain::batch::{Batch, BatchView, Forecast};
use domain::boot::BootFacts;
use domain::change::Change;
use domain::config_change::{ConfigEdit, ConfigRecord, FileView};
use domain::config_entry::{ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::fstab::SeenMount;
use domain::guest_log::{BootId, ConsolePlace, GuestLog, GuestLogQuery};
use domain::host::HostFacts;
use domain::id::{OperationId, TerminalId, UserId, UserName, VServerName};
use domain::identity::{IdentityForm, IdentityPlan};
use domain::life::LifeRecord;
use domain::metrics::measure::{HostState, Measurement};
use domain::operation::{LogChunk, Operation, Terminal};
use domain::package::{FoundPackage, PackageOffers, PackageOverview, PackageReport};
use domain::process::ProcessList;
use domain::recycle::{Bin, Binned};
use domain::restore::Proposal;
use domain::service::Services;
use domain::template::{NewTemplate, Stock};
use domain::time::UnixMillis;
use domain::vserver::{ConfigFile, Detail, Summary};
use serde::{Deserialize, Serialize};

/// On whose behalf a request is made. The web process decides who may; the engine writes this into
/// the operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnBehalfOf {
    /// The user's id.
    pub user: UserId,
    /// The user's name.
    pub name: UserName,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFrame {
    /// Chosen by the web process, echoed in the reply.
    pub id: u64,
    /// For whom.
    pub on_behalf_of: OnBehalfOf,
    /// After this moment nobody waits for the answer: a request that waited in the socket while
    /// the engine was down is not carried out later than that.
    pub deadline: UnixMillis,
    /// What is asked.
    pub request: Request,
}

/// What the web process may ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Which build of Ulysse is the engine? Answered by [`Reply::Hello`].
    Hello,
    /// Answered by [`Reply::HostFacts`].
    HostFacts,
    /// Answered by [`Reply::VServers`].
    ListVServers,
    /// Answered by [`Reply::VServer`].
    ShowVServer(VServerName),
    /// What the host and all running VServers use now; answered by [`Reply::Samples`].
    Sample,
    /// Queues a change, which the engine judges; answered by [`Reply::Operation`].
    Change(Change),
    /// What a change of identity would do; answered by [`Reply::IdentityPlan`].
    PlanIdentity {
        /// Whose.
        name: VServerName,
        /// To what.
        form: IdentityForm,
    },
    /// Answered by [`Reply::Bin`].
    ListBin,
    /// One deleted VServer and how it could come back; answered by [`Reply::Binned`].
    ShowBinned(OperationId),
    /// Judges a change of a config tree and does nothing; answered by [`Reply::Done`].
    JudgeConfig {
        /// Which tree.
        tree: ConfigTree,
        /// What would be done.
        edits: Vec<ConfigEdit>,
    },
    /// Answered by [`Reply::ConfigFiles`].
    ListConfig(ConfigTree),
    /// Answered by [`Reply::ConfigFile`].
    ShowConfig {
        /// Which tree.
        tree: ConfigTree,
        /// Which file of it.
        path: ConfigPath,
    },
    /// Answered by [`Reply::ConfigHistory`].
    ConfigHistory(ConfigTree),
    /// Answered by [`Reply::Done`] once the operation has been told; its end comes as an event.
    Cancel(OperationId),
    /// Operations with an id after this one (or all), oldest first, at most `limit`; answered by
    /// [`Reply::Operations`].
    ListOperations {
        /// Only later ones.
        after: Option<OperationId>,
        /// The most that are wanted.
        limit: u16,
    },
    /// One operation; answered by [`Reply::Operation`].
    ShowOperation(OperationId),
    /// A piece of an operation's log from this byte on; answered by [`Reply::Log`].
    ReadLog {
        /// Which operation.
        id: OperationId,
        /// From which byte on.
        offset: u64,
    },
    /// Opens a terminal; answered by [`Reply::Terminal`] with a connected descriptor.
    OpenTerminal {
        /// In which VServer.
        vserver: VServerName,
        /// Its first size.
        size: crate::terminal::Size,
    },
    /// Connects to a terminal; answered by [`Reply::Terminal`] with a connected descriptor.
    AttachTerminal(TerminalId),
    /// Answered by [`Reply::Terminals`].
    ListTerminals,
    /// Ends a terminal's shell; answered by [`Reply::Done`].
    CloseTerminal(TerminalId),
    /// Templates and cached base systems; answered by [`Reply::Stock`].
    ShowStock,
    /// Queues keeping an archive as a template; answered by [`Reply::Operation`] with a connected
    /// descriptor, over which the archive is to come: see [`crate::upload`].
    AddTemplate(NewTemplate),
    /// Answered by [`Reply::Backups`].
    ListBackups(BackupScope),
    /// Answered by [`Reply::Backup`].
    ShowBackup(BackupRef),
    /// A directory in a backup, as seen from inside; answered by [`Reply::BackupEntries`].
    BrowseBackup {
        /// Which.
        backup: BackupRef,
        /// The directory.
        path: String,
    },
    /// What a restore would be called; answered by [`Reply::Proposal`].
    ProposeRestore(BackupRef),
    /// Queues making a backup of what somebody saved by hand of a VServer; answered by
    /// [`Reply::Operation`] with a connected descriptor, over which the archive is to come.
    ImportBackup(BackupOrder),
    /// How far each of a batch is; answered by [`Reply::Batch`].
    ShowBatch(OperationId),
    /// What each of a batch would come to if it were asked for now; answered by [`Reply::Forecasts`].
    ForeseeBatch(Batch),
    /// What a boot of the host would start; answered by [`Reply::Boot`].
    ShowBoot,
    /// The processes of all VServers; answered by [`Reply::Processes`].
    ListProcesses,
    /// What a VServer sees mounted; answered by [`Reply::Mounts`].
    ShowMounts(VServerName),
    /// The packages of every VServer at a glance; answered by [`Reply::Packages`].
    ListPackages,
    /// Answered by [`Reply::PackageReport`].
    ShowPackages(VServerName),
    /// Who has a package whose name holds this text; answered by [`Reply::FoundPackages`].
    FindPackages(String),
    /// What happened to a VServer, the latest first; answered by [`Reply::Happened`].
    ListHappened {
        /// To which.
        name: VServerName,
        /// The most that are wanted.
        limit: u16,
    },
    /// A guest's console, journal or own log; answered by [`Reply::GuestLog`].
    ReadGuestLog {
        /// Whose.
        name: VServerName,
        /// What of it.
        query: GuestLogQuery,
    },
    /// Answered by [`Reply::Services`].
    ListServices(VServerName),
    /// What there is of the host without measuring; answered by [`Reply::Host`].
    ShowHost,
    /// What a guest prints on its console from a place on, or from now on; answered by [`Reply::Done`] with a
    /// connected descriptor, over which each [`ConsolePiece`](domain::guest_log::ConsolePiece) comes as a packet.
    FollowConsole {
        /// Whose.
        name: VServerName,
        /// From where on.
        from: Option<ConsolePlace>,
    },
    /// All that is kept of a boot's console; answered by [`Reply::Console`].
    ReadConsole {
        /// Whose.
        name: VServerName,
        /// Of which boot.
        boot: BootId,
    },
    /// What a VServer's lists of packages offer for this text; answered by [`Reply::PackageOffers`].
    SearchPackages {
        /// Whose.
        name: VServerName,
        /// What a name or summary holds.
        text: String,
    },
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyFrame {
    /// The id of the request.
    pub id: u64,
    /// What came of it; [`Body::Bulk`] when a sealed memfd with an encoded `Body` comes beside it.
    pub body: Body,
}

/// The body of a reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "decoded once, matched at once, never stored")]
pub enum Body {
    /// It is here.
    Inline(Result<Reply, Failure>),
    /// It is in the memfd that came with the frame, encoded as `Result<Reply, Failure>`.
    Bulk {
        /// How many bytes of the memfd.
        bytes: u64,
    },
}

/// What the engine answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Request::Hello`]: the engine's build id and when it started.
    Hello {
        /// Equal to the web process's, or one of both was replaced.
        build: String,
        /// When this engine started.
        started_at: UnixMillis,
    },
    /// To [`Request::HostFacts`].
    HostFacts(HostFacts),
    /// To [`Request::ListVServers`], sorted by name.
    VServers(Vec<Summary>),
    /// To [`Request::ShowVServer`].
    VServer(Detail),
    /// To [`Request::Sample`].
    Samples(Measurement),
    /// The operation as it is now.
    Operation(Operation),
    /// To [`Request::ListOperations`].
    Operations(Vec<Operation>),
    /// To [`Request::ReadLog`].
    Log(LogChunk),
    /// To [`Request::PlanIdentity`].
    IdentityPlan(IdentityPlan),
    /// To [`Request::ListBin`].
    Bin(Bin),
    /// To [`Request::ShowBinned`].
    Binned(Binned),
    /// A terminal; the descriptor of a connected `SOCK_SEQPACKET` comes beside the frame. See
    /// [`crate::terminal`] for what travels on it.
    Terminal(Terminal),
    /// To [`Request::ListTerminals`].
    Terminals(Vec<Terminal>),
    /// To [`Request::ListConfig`], sorted by path.
    ConfigFiles(Vec<ConfigFile>),
    /// To [`Request::ShowConfig`].
    ConfigFile(FileView),
    /// To [`Request::ConfigHistory`], the newest first.
    ConfigHistory(Vec<ConfigRecord>),
    /// To [`Request::ShowStock`].
    Stock(Stock),
    /// Done; there is nothing to say.
    Done,
    /// To [`Request::ListBackups`].
    Backups(BackupOverview),
    /// To [`Request::ShowBackup`].
    Backup(BackupDetail),
    /// To [`Request::BrowseBackup`], directories first.
    BackupEntries(Vec<BackupEntry>),
    /// To [`Request::ProposeRestore`].
    Proposal(Proposal),
    /// To [`Request::ShowBatch`].
    Batch(BatchView),
    /// To [`Request::ForeseeBatch`], in its order.
    Forecasts(Vec<Forecast>),
    /// To [`Request::ShowBoot`].
    Boot(BootFacts),
    /// To [`Request::ListProcesses`].
    Processes(ProcessList),
    /// To [`Request::ShowMounts`]; none when it does not run.
    Mounts(Option<Vec<SeenMount>>),
    /// To [`Request::ListPackages`], sorted by name.
    Packages(Vec<PackageOverview>),
    /// To [`Request::ShowPackages`].
    PackageReport(PackageReport),
    /// To [`Request::FindPackages`], sorted by package, then VServer.
    FoundPackages(Vec<FoundPackage>),
    /// To [`Request::ListHappened`].
    Happened(Vec<LifeRecord>),
    /// To [`Request::ReadGuestLog`].
    GuestLog(GuestLog),
    /// To [`Request::ListServices`].
    Services(Services),
    /// To [`Request::ShowHost`].
    Host(HostState),
    /// To [`Request::ReadConsole`], without what commands a terminal; none when nothing of it is kept.
    Console(Option<String>),
    /// To [`Request::SearchPackages`].
    PackageOffers(PackageOffers),
}

/// One event, on the second socketpair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFrame {
    /// Counts up by one within one life of the engine.
    pub sequence: u64,
    /// What happened.
    pub event: Event,
}

/// What the engine tells without being asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A new engine lives: requests without an answer will never get one.
    Started,
    /// An operation is new or has moved.
    Operation(Operation),
    /// An operation's log has grown to this many bytes.
    LogGrew {
        /// Which.
        id: OperationId,
        /// Its length now, in bytes.
        bytes: u64,
    },
    /// A VServer came, went or changed state.
    VServer {
        /// Which.
        name: VServerName,
        /// Its row; none when it is gone.
        summary: Option<Summary>,
    },
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use domain::batch::Pace;
    use domain::build::BuildForm;
    use domain::change::PlainChange;
    use domain::init::Rescue;
    use domain::package::PackageTool;

    use super::*;
    use crate::{decode, encode};

    fn arrived(change: &Change) -> Result<Change, postcard::Error> {
        let bytes = encode(&Request::Change(change.clone()))?;
        match decode(&bytes).unwrap() {
            Request::Change(change) => Ok(change),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_change_arrives_as_it_was_asked_for() {
        let tree = ConfigTree::Defaults;
        let (name, form) = ("web".parse::<VServerName>().unwrap(), IdentityForm::default());
        let entry: OperationId = "01ARZ3NDEKTSV4RRFFQ69G5FA1".parse().unwrap();
        let schedule = PlainChange::ScheduleBackups { vserver: name.clone(), schedule: None };
        let backup: BackupRef = "local:web:20261126T034512123Z".parse().unwrap();
        for change in [
            PlainChange::Start(name.clone()).into(),
            schedule.into(),
            Change::Build(Box::default()),
            Change::Identity { name, form: form.clone() },
            Change::Undelete { entry: entry.clone(), form },
            Change::Purge(entry),
            Change::Configure { tree: tree.clone(), edits: Vec::new() },
            Change::UndoConfig { tree, number: 7 },
            Change::Restore { backup, form: Box::default() },
        ] {
            assert_eq!(arrived(&change).unwrap(), change);
        }
    }

    #[test]
    fn what_names_a_path_or_a_program_of_the_host_s_does_not_arrive() {
        let name: VServerName = "web".parse().unwrap();
        let rescue = Rescue::new(vec!["/bin/sh".to_owned()], true);
        let order =
            BackupOrder { vserver: name.clone(), target: "local".parse().unwrap(), pause: false };
        let paths = vec![PathBuf::from("/srv")];
        // Nor when somebody else wrote the packet: a request, the number of the variant, what is in it.
        let batch = Batch::new(vec![PlainChange::Start(name.clone())], Pace::default()).unwrap();
        let last = encode(&Request::Change(Change::Batch(batch))).unwrap();
        let forged = |after: u8, content: &[u8]| {
            decode::<Request>(&[&[last[0], last[1] + after][..], content].concat())
        };
        assert!(forged(1, &encode(&(&name, &rescue)).unwrap()).is_err());
        assert!(forged(2, &encode(&(&order, &paths)).unwrap()).is_err());
        let of = name.clone();
        assert!(arrived(&Change::Rescue { name: of, rescue }).is_err());
        assert!(arrived(&Change::Import { order, paths }).is_err());
        let (tool, arguments) = (PackageTool::AptGet, vec!["install".to_owned()]);
        assert!(forged(3, &encode(&(&name, tool, &arguments, false)).unwrap()).is_err());
        let tool = Change::PackageTool { name: name.clone(), tool, arguments, asks: false };
        assert!(arrived(&tool).is_err());

        let mut form = BuildForm { name: "web".to_owned(), ..BuildForm::default() };
        let told = Change::Build(Box::new(form.clone()));
        form.at_host.source = "/srv".to_owned();
        assert_eq!(arrived(&Change::Build(Box::new(form))).unwrap(), told);
    }
}
