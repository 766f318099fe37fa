//! The engine's end of both sockets, as far as the web process can see it: a thread that speaks the
//! protocol and knows one VServer, `web1`.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use domain::backup::{
    BackupDetail, BackupOverview, BackupRef, BackupStatus, BackupSummary, Consistency,
};
use domain::build::BuildDefaults;
use domain::change::Change;
use domain::failure::Failure;
use domain::field::FieldErrors;
use domain::guest_log::GuestLog;
use domain::id::{OperationId, TerminalId, UserId, VServerName};
use domain::identity::{IdentityForm, VServerIdentity};
use domain::init::{Init, InitStyle};
use domain::metrics::measure::{
    AddressPool, Filesystem, Holding, HostResources, HostState, Measured, Measurement, Resources,
    Space,
};
use domain::operation::{Actor, Kind, LogChunk, Operation, Progress, Target, Terminal};
use domain::process::{Process, ProcessList};
use domain::recycle::{Bin, BinEntry, Binned};
use domain::service::Services;
use domain::time::UnixMillis;
use domain::vserver::{Detail, State, Summary, Usage};
use protocol::message::Body;
use protocol::{
    Event, EventFrame, MAX_FRAME_BYTES, Reply, ReplyFrame, Request, RequestFrame, decode, encode,
};
use sys::seqpacket;

/// The operation that there is from the beginning.
pub(super) const OPERATION: &str = "01JADQ8Z9XKXQ5Y7D2M3N4P5R6";
/// Otto's terminal.
pub(super) const TERMINAL: &str = "01JADQ8Z9XKXQ5Y7D2M3N4P5T1";

/// The boot whose console is kept.
pub(super) const CONSOLE_BOOT: i64 = 1_764_160_000_000;

/// The process that there is.
pub(super) const PROCESS: &str = "712-4242";

/// The backup that there is.
pub(super) const BACKUP: &str = "local:web1:20261124T023000000Z";

fn backup() -> BackupRef {
    BACKUP.parse().unwrap()
}

/// What this engine knows.
#[derive(Default)]
pub(super) struct World {
    pub(super) operations: BTreeMap<OperationId, Operation>,
    pub(super) logs: BTreeMap<OperationId, String>,
    pub(super) terminals: Vec<Terminal>,
    /// The holder's ends of terminals that were attached to.
    pub(super) holders: Vec<OwnedFd>,
    /// The engine's ends of uploads.
    pub(super) uploads: Vec<OwnedFd>,
    /// The engine's ends of consoles that are followed.
    pub(super) consoles: Vec<OwnedFd>,
    /// Everything it was asked, oldest first.
    pub(super) asked: Vec<RequestFrame>,
    /// Whether it reads and never answers.
    pub(super) is_silent: bool,
    /// How many VServers there are besides `web1`.
    pub(super) more_vservers: usize,
}

/// The engine's end.
pub(super) struct EngineEnd {
    requests: Arc<OwnedFd>,
    events: OwnedFd,
    sequence: AtomicU64,
    world: Arc<Mutex<World>>,
    thread: Option<JoinHandle<()>>,
}

impl EngineEnd {
    /// The engine's end, and the web process's: requests, events.
    pub(super) fn start() -> (Self, OwnedFd, OwnedFd) {
        let (requests, web_requests) = seqpacket::pair().unwrap();
        let (events, web_events) = seqpacket::pair().unwrap();
        let requests = Arc::new(requests);
        let first = operation(OPERATION, Kind::Start, Progress::Succeeded);
        let world = Arc::new(Mutex::new(World {
            logs: BTreeMap::from([(first.id.clone(), "I: starting\n".to_owned())]),
            operations: BTreeMap::from([(first.id.clone(), first)]),
            ..World::default()
        }));
        let thread = std::thread::spawn({
            let (requests, world) = (requests.clone(), world.clone());
            move || serve(&requests, &world)
        });
        let end = Self { requests, events, sequence: 0.into(), world, thread: Some(thread) };
        (end, web_requests, web_events)
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Tells the web process something.
    pub(super) fn tell(&self, event: Event) {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let frame = encode(&EventFrame { sequence, event }).unwrap();
        seqpacket::send(&self.events, &frame, &[]).unwrap();
    }

    /// Begins to number events anew, as another engine does.
    pub(super) fn begin_anew(&self) {
        self.sequence.store(0, Ordering::Relaxed);
        self.tell(Event::Started);
    }

    /// Loses an event.
    pub(super) fn lose_an_event(&self) {
        self.sequence.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends, and closes the sockets' other ends with it.
    pub(super) fn end(&mut self) {
        for socket in [self.requests.as_fd(), self.events.as_fd()] {
            let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
        }
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for EngineEnd {
    fn drop(&mut self) {
        self.end();
    }
}

pub(super) fn web1() -> VServerName {
    "web1".parse().unwrap()
}

pub(super) fn operation(id: &str, kind: Kind, progress: Progress) -> Operation {
    Operation {
        id: id.parse().unwrap(),
        kind,
        target: web1().into(),
        renamed_to: None,
        actor: Actor::System,
        command: format!("vserver web1 {}", kind.as_str()),
        cancellable: !progress.is_final(),
        finished_at: progress.is_final().then_some(UnixMillis(1_795_498_984_000)),
        batch: None,
        progress,
        created_at: UnixMillis(1_795_498_983_000),
        started_at: Some(UnixMillis(1_795_498_983_000)),
    }
}

pub(super) fn summary(name: VServerName) -> Summary {
    Summary {
        name,
        context: Some(40001.try_into().unwrap()),
        state: State::Running,
        interfaces: vec!["nat0:10.127.0.2/24".parse().unwrap()],
        marks: Vec::new(),
        host_name: None,
        usage: Some(Usage::default()),
        operation: None,
        oom_kills: None,
        problem: None,
    }
}

/// A VServer that was deleted.
fn bin_entry() -> BinEntry {
    let identity =
        VServerIdentity { name: web1(), context: None, host_name: None, interfaces: Vec::new() };
    BinEntry {
        id: OPERATION.parse().unwrap(),
        identity,
        by: Actor::System,
        deleted_at: UnixMillis(0),
        expires_at: UnixMillis(1),
        bytes: None,
        is_protected: false,
        volume: None,
    }
}

fn serve(requests: &OwnedFd, world: &Mutex<World>) {
    let mut buffer = vec![0; MAX_FRAME_BYTES];
    loop {
        let bytes = match seqpacket::receive(requests, &mut buffer) {
            Ok(received) if received.bytes > 0 => received.bytes,
            _ => return,
        };
        let frame: RequestFrame = decode(&buffer[..bytes]).unwrap();
        let mut world = world.lock().unwrap();
        world.asked.push(frame.clone());
        if world.is_silent {
            continue;
        }
        let (result, descriptor) = answer(&mut world, &frame);
        let mut descriptors: Vec<OwnedFd> = descriptor.into_iter().collect();
        let body = encode(&result).unwrap();
        let body = if body.len() > MAX_FRAME_BYTES - 100 {
            descriptors.insert(0, sys::memfd::sealed("reply", &body).unwrap());
            Body::Bulk { bytes: body.len() as u64 }
        } else {
            Body::Inline(result)
        };
        let reply = encode(&ReplyFrame { id: frame.id, body }).unwrap();
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        // The web process may be gone.
        let _ = seqpacket::send(requests, &reply, &descriptors);
    }
}

fn answer(world: &mut World, frame: &RequestFrame) -> (Result<Reply, Failure>, Option<OwnedFd>) {
    let queued = |(kind, target): (Kind, Target), world: &mut World| {
        let id = format!("01JADQ8Z9XKXQ5Y7D2M3N4{:04}", 1000 + world.operations.len());
        let actor =
            Actor::User { id: frame.on_behalf_of.user, name: frame.on_behalf_of.name.clone() };
        let queued = Operation { target, actor, ..operation(&id, kind, Progress::Queued) };
        world.operations.insert(queued.id.clone(), queued.clone());
        Ok(Reply::Operation(queued))
    };
    let result = match &frame.request {
        Request::Hello => Ok(Reply::Hello { build: "test".to_owned(), started_at: UnixMillis(0) }),
        Request::HostFacts => Ok(Reply::HostFacts(host_facts())),
        Request::ListVServers => Ok(Reply::VServers(
            (0..world.more_vservers)
                .map(|number| summary(format!("a{number:05}").parse().unwrap()))
                .chain([summary(web1())])
                .collect(),
        )),
        Request::ShowVServer(name) if *name == web1() => Ok(Reply::VServer(Detail {
            summary: summary(web1()),
            init_style: InitStyle::Plain,
            root_directory: "/var/lib/vservers/web1".to_owned(),
            volume: None,
            config_directory: "/etc/vservers/web1".to_owned(),
            os_release: None,
            is_protected: false,
            disk_bytes: None,
            sharing: None,
            config_files: Vec::new(),
        })),
        Request::ShowVServer(name) => Err(Failure::NoSuchVServer { name: name.clone() }),
        Request::Sample => Ok(Reply::Samples(Measurement {
            host: Usage::default(),
            resources: HostResources {
                cpus: 2,
                filesystems: vec![Filesystem {
                    mount: "/".to_owned(),
                    holds: vec![Holding::VServers],
                    space: Space { bytes: 1 << 30, free_bytes: 1 << 29 },
                }],
                ..HostResources::default()
            },
            vservers: vec![Measured {
                name: web1(),
                usage: Usage { processes: 7, ..Usage::default() },
                resources: Resources { oom_kills: Some(1), ..Resources::default() },
            }],
        })),
        Request::ShowHost => Ok(Reply::Host(HostState {
            build: engine::dispatch::BUILD.to_owned(),
            pool: AddressPool {
                device: "nat0".parse().unwrap(),
                network: "10.127.0.0/24".to_owned(),
                used: 1,
                free: 252,
            },
        })),
        Request::Change(change) => queued(kind_and_target(change), world),
        Request::PlanIdentity { .. } => Err(Failure::NothingToChange),
        Request::ListBin => Ok(Reply::Bin(Bin { keep_days: 7, entries: vec![bin_entry()] })),
        Request::ShowBoot => Ok(Reply::Boot(domain::boot::BootFacts {
            members: Vec::new(),
            at_once: 6,
            ready_seconds: 120,
            skip_after_late: false,
            last: None,
            took_ms: Vec::new(),
        })),
        Request::ShowBinned(id) if id.as_str() == OPERATION => Ok(Reply::Binned(Binned {
            entry: bin_entry(),
            conflicts: FieldErrors::default(),
            offer: IdentityForm::default(),
        })),
        Request::ShowBinned(id) => Err(Failure::NotInBin { what: id.to_string() }),
        Request::JudgeConfig { .. } | Request::Cancel(_) => Ok(Reply::Done),
        Request::ListConfig(_) => Ok(Reply::ConfigFiles(Vec::new())),
        Request::ShowConfig { path, .. } => {
            Ok(Reply::ConfigFile(domain::config_change::FileView {
                path: path.clone(),
                state: domain::config_change::FileState::Absent,
                modified_at: None,
                in_use: domain::config_change::Use::NextStart,
                history: Vec::new(),
                shipped: None,
            }))
        }
        Request::ConfigHistory(_) => Ok(Reply::ConfigHistory(Vec::new())),
        Request::ListPackages => Ok(Reply::Packages(Vec::new())),
        Request::FindPackages(_) => Ok(Reply::FoundPackages(Vec::new())),
        Request::SearchPackages { .. } => {
            Ok(Reply::PackageOffers(domain::package::PackageOffers::default()))
        }
        Request::ShowPackages(name) => Ok(Reply::PackageReport(domain::package::PackageReport {
            overview: domain::package::PackageOverview {
                vserver: name.clone(),
                is_running: false,
                system: None,
                installed: None,
                held: 0,
                broken: Vec::new(),
                is_interrupted: false,
                pending: None,
            },
            installed: Vec::new(),
            pending: Vec::new(),
        })),
        Request::ListHappened { .. } => Ok(Reply::Happened(Vec::new())),
        Request::ReadGuestLog { .. } => Ok(Reply::GuestLog(GuestLog::default())),
        Request::FollowConsole { .. } => {
            let (socket, ours) = seqpacket::pair().unwrap();
            world.consoles.push(ours);
            return (Ok(Reply::Done), Some(socket));
        }
        Request::ReadConsole { boot, .. } => {
            Ok(Reply::Console((boot.0.0 == CONSOLE_BOOT).then(|| "Ready\n".to_owned())))
        }
        Request::ListServices(_) => Ok(Reply::Services(Services::default())),
        Request::ShowStock => Ok(Reply::Stock(domain::template::Stock {
            templates: Vec::new(),
            bases: Vec::new(),
            most_template_bytes: 8 << 30,
            templates_directory: "/var/lib/ulysse-engine/templates".to_owned(),
            bases_directory: "/var/cache/vservers/bases".to_owned(),
        })),
        Request::AddTemplate(_) | Request::ImportBackup(_) => {
            let kind = match &frame.request {
                Request::AddTemplate(_) => Kind::AddTemplate,
                _ => Kind::Backup,
            };
            let queued = queued((kind, web1().into()), world);
            let (socket, ours) = seqpacket::pair().unwrap();
            world.uploads.push(ours);
            return (queued, Some(socket));
        }
        Request::ListOperations { after, limit } => Ok(Reply::Operations(
            world
                .operations
                .values()
                .filter(|operation| after.as_ref().is_none_or(|after| operation.id > *after))
                .take(usize::from(*limit))
                .cloned()
                .collect(),
        )),
        Request::ShowOperation(id) => match world.operations.get(id) {
            Some(operation) => Ok(Reply::Operation(operation.clone())),
            None => Err(Failure::NoSuchOperation { id: id.clone() }),
        },
        Request::ReadLog { id, offset } => match world.operations.get(id) {
            Some(operation) => {
                let log = world.logs.get(id).cloned().unwrap_or_default();
                let start = usize::try_from(*offset).unwrap().min(log.len());
                Ok(Reply::Log(LogChunk {
                    offset: *offset,
                    text: log[start..].to_owned(),
                    open: !operation.progress.is_final(),
                }))
            }
            None => Err(Failure::NoSuchOperation { id: id.clone() }),
        },
        Request::OpenTerminal { vserver, .. } => {
            let terminal = terminal(TERMINAL, frame.on_behalf_of.user);
            world.terminals.push(Terminal { vserver: vserver.clone(), ..terminal.clone() });
            return (Ok(Reply::Terminal(terminal)), Some(holder(world)));
        }
        Request::AttachTerminal(id) => {
            let found = world.terminals.iter().find(|terminal| terminal.id == *id).cloned();
            match found {
                Some(terminal) => return (Ok(Reply::Terminal(terminal)), Some(holder(world))),
                None => Err(Failure::NoSuchTerminal),
            }
        }
        Request::ListBackups(_) => Ok(Reply::Backups(BackupOverview {
            targets: vec![backup().target],
            vservers: vec![BackupStatus {
                vserver: web1(),
                exists: true,
                schedule: None,
                backups: vec![BackupSummary { backup: backup(), bytes: 1000 }],
                alerts: Vec::new(),
            }],
        })),
        Request::ShowBackup(which) if *which == backup() => Ok(Reply::Backup(BackupDetail {
            summary: BackupSummary { backup: backup(), bytes: 1000 },
            tool: "ulysse".to_owned(),
            consistency: Consistency::Stopped,
            files: 1,
            file_bytes: 2000,
            packages: None,
            changed: Vec::new(),
            changed_count: 0,
            omitted: Vec::new(),
        })),
        Request::ShowBackup(which) => Err(Failure::NoSuchBackup { backup: which.clone() }),
        Request::BrowseBackup { .. } => Ok(Reply::BackupEntries(Vec::new())),
        Request::ProposeRestore(_) => {
            let claims = VServerIdentity {
                name: web1(),
                context: None,
                host_name: None,
                interfaces: Vec::new(),
            };
            Ok(Reply::Proposal(claims.propose(&host_facts())))
        }
        Request::ShowBatch(id) => Err(Failure::NoSuchOperation { id: id.clone() }),
        Request::ForeseeBatch(_) => Ok(Reply::Forecasts(Vec::new())),
        Request::ShowMounts(_) => Ok(Reply::Mounts(None)),
        Request::ListTerminals => Ok(Reply::Terminals(world.terminals.clone())),
        Request::CloseTerminal(id) => {
            let before = world.terminals.len();
            world.terminals.retain(|terminal| terminal.id != *id);
            match world.terminals.len() < before {
                true => Ok(Reply::Done),
                false => Err(Failure::NoSuchTerminal),
            }
        }
        Request::ListProcesses => {
            let is_it = |asked: &&RequestFrame| asked.request == Request::ListProcesses;
            let times = world.asked.iter().filter(is_it).count();
            Ok(Reply::Processes(processes(i64::try_from(times).unwrap())))
        }
    };
    (result, None)
}

/// One process, which two seconds later has used one more.
fn processes(times: i64) -> ProcessList {
    let process = Process {
        vserver: web1(),
        key: PROCESS.parse().unwrap(),
        inside: Some(7),
        parent: 1,
        uid: 33,
        user: Some("www-data".to_owned()),
        state: 'R',
        nice: 0,
        cpu_ms: u64::try_from(times).unwrap() * 1000,
        started_at: UnixMillis(0),
        rss_bytes: 1 << 20,
        vsz_bytes: 2 << 20,
        threads: 1,
        command: "apache2 <-k> start".to_owned(),
    };
    ProcessList { at: UnixMillis(times * 2000), processes: vec![process], left_out: 0 }
}

fn kind_and_target(change: &Change) -> (Kind, Target) {
    match change {
        Change::Plain(change) => (change.kind(), change.target()),
        Change::Build(_) => (Kind::Build, web1().into()),
        Change::Identity { name, .. } => (Kind::Set, name.into()),
        Change::Undelete { .. } => (Kind::Undelete, web1().into()),
        Change::Purge(_) => (Kind::Purge, web1().into()),
        Change::Configure { tree, .. } | Change::UndoConfig { tree, .. } => {
            let name = tree.lock_name();
            (Kind::Configure, name.into())
        }
        Change::Restore { .. } => (Kind::Restore, web1().into()),
        Change::PruneBackups(order) => (Kind::RemoveBackups, (&order.vserver).into()),
        Change::Batch(_) => (Kind::Batch, Target::Batch(OPERATION.parse().unwrap())),
        Change::Rescue { .. } | Change::Import { .. } | Change::PackageTool { .. } => {
            panic!("no request carries {change:?}")
        }
    }
}

fn holder(world: &mut World) -> OwnedFd {
    let (browser, holder) = seqpacket::pair().unwrap();
    world.holders.push(holder);
    browser
}

pub(super) fn terminal(id: &str, owner: UserId) -> Terminal {
    let id: TerminalId = id.parse().unwrap();
    Terminal { id, vserver: web1(), owner, opened_at: UnixMillis(0) }
}

fn host_facts() -> domain::host::HostFacts {
    domain::host::HostFacts {
        suite: "trixie".parse().unwrap(),
        suites: vec!["trixie".parse().unwrap()],
        mirror: "http://mirror.example/debian".parse().unwrap(),
        architecture: "amd64".parse().unwrap(),
        inits: vec![Init::Sysvinit],
        nat: domain::host::NatNetwork {
            device: "nat0".parse().unwrap(),
            gateway: [10, 127, 0, 1].into(),
            prefix: 24,
            next_free: Some([10, 127, 0, 5].into()),
        },
        devices: Vec::new(),
        host_addresses: Vec::new(),
        contexts: Vec::new(),
        addresses: Vec::new(),
        names: vec![web1()],
        host_names: vec![],
        next_context: Some(40004.try_into().unwrap()),
        guest_base: "/var/lib/vservers".to_owned(),
        config_base: "/etc/vservers".to_owned(),
        run_base: "/run/vservers".to_owned(),
        styles: vec![],
        distributions: Vec::new(),
        templates: vec![],
        shares_blocks: false,
        has_default_options: false,
        defaults: BuildDefaults::default(),
        described_suites: vec![],
        has_dnf: true,
        host_domain: None,
    }
}
