//! What there is in the server in memory: VServers, operations, people, the host.

use domain::template::{Base, Compression, Template};
use domain::tmpfs::{TmpfsLine, TmpfsOptions};

use super::*;

pub(crate) fn usage(seed: u64) -> Usage {
    Usage {
        processes: 12,
        vsz_bytes: 300_000_000 + seed,
        rss_bytes: 38_588_416,
        memory_bytes: 52_000_000,
        user_ms: 844_900,
        system_ms: 1_590,
        uptime_ms: 23_220_000,
        received_bytes: 1_000_000,
        sent_bytes: 20_000,
    }
}

pub(crate) fn summaries() -> Vec<Summary> {
    let row = |name: &str, context: u32, state, address: &str| Summary {
        name: name.parse().unwrap(),
        context: Some(context.try_into().unwrap()),
        state,
        interfaces: vec![address.parse().unwrap()],
        marks: vec!["default".parse().unwrap()],
        host_name: Some(name.parse().unwrap()),
        usage: (state == State::Running).then(|| usage(0)),
        operation: (state == State::Building).then(|| RUNNING_OPERATION.parse().unwrap()),
        oom_kills: Some(OomKills { count: 2, last_at: NOW }),
        problem: None,
    };
    vec![
        row("db1", 40002, State::Stopped, "eth0:192.0.2.7/24"),
        row("new1", 40003, State::Building, "nat0:10.127.0.4/24"),
        row("web1", 40001, State::Running, "nat0:10.127.0.2/24"),
    ]
}

pub(crate) fn operations() -> Vec<Operation> {
    let operation = |id: &str, kind: Kind, target: &str, progress: Progress| Operation {
        id: id.parse().unwrap(),
        kind,
        target: target.parse().unwrap(),
        renamed_to: None,
        actor: Actor::User { id: UserId(1), name: "ada".parse().unwrap() },
        command: format!("vserver {target} {}", kind.as_str()),
        cancellable: !progress.is_final(),
        finished_at: progress.is_final().then(|| NOW.plus_millis(-60_000)),
        batch: None,
        progress,
        created_at: NOW.plus_millis(-185_000),
        started_at: Some(NOW.plus_millis(-184_000)),
    };
    let down = Failure::MirrorUnreachable {
        mirror: "http://mirror.example/debian".into(),
        detail: "connection refused".into(),
    };
    let stage = Stage::Unpacking;
    vec![
        operation(
            RUNNING_OPERATION,
            Kind::Build,
            "new1",
            Progress::Running { stage, permille: 430 },
        ),
        operation(FAILED_OPERATION, Kind::Build, "bad1", Progress::Failed { failure: down }),
        operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R4", Kind::Start, "web1", Progress::Succeeded),
        operation(
            RUNNING_BATCH,
            Kind::Batch,
            &format!("batch:{RUNNING_BATCH}"),
            Progress::Running { stage: Stage::DoingEach, permille: 333 },
        ),
    ]
}

/// What [`FORESEEN_BATCH`] is. No list has it.
pub(crate) fn foreseen_batch() -> Operation {
    Operation {
        id: FORESEEN_BATCH.parse().unwrap(),
        target: format!("batch:{FORESEEN_BATCH}").parse().unwrap(),
        progress: Progress::Succeeded,
        ..operations().remove(3)
    }
}

/// What [`RUNNING_BATCH`] is and how far: one has failed, one runs, one waits.
pub(crate) fn batch_view() -> BatchView {
    let names = ["db1", "web1", "new1"].map(|name| name.parse::<VServerName>().unwrap());
    let changes = names.iter().cloned().map(PlainChange::Restart).collect();
    let failure = Box::new(Failure::Protected { name: names[0].clone() });
    let states = [
        RowState::Ended { outcome: Became::Failed { failure } },
        RowState::Running {
            progress: Progress::Running { stage: Stage::StartingInit, permille: 700 },
        },
        RowState::Waiting,
    ];
    let operations = [None, Some("01JADQ8Z9XKXQ5Y7D2M3N4P5R4"), None];
    let rows = names.into_iter().zip(operations).zip(states);
    BatchView {
        batch: Batch::new(changes, domain::batch::Pace::default()).unwrap(),
        rows: rows
            .map(|((name, operation), state)| BatchRow {
                name,
                kind: Kind::Restart,
                operation: operation.map(|id| id.parse().unwrap()),
                state,
            })
            .collect(),
    }
}

/// The fstab of a VServer.
pub(crate) const FSTAB: &str = "# of the course\nnone /proc proc defaults 0 0\n\
    none /tmp tmpfs size=16m,mode=1777 0 0\n/srv /mnt none bind,ro 0 0\n";

/// The fingerprint of the only machine that there is beside this host.
pub(crate) fn host_key() -> String {
    format!("SHA256:{}", "k".repeat(43))
}

pub(crate) fn host_facts() -> HostFacts {
    HostFacts {
        suite: "bookworm".parse().unwrap(),
        suites: vec!["bookworm".parse().unwrap(), "trixie".parse().unwrap()],
        mirror: "http://mirror.example/debian".parse().unwrap(),
        architecture: "amd64".parse().unwrap(),
        inits: vec![Init::Sysvinit],
        nat: NatNetwork {
            device: "nat0".parse().unwrap(),
            gateway: [10, 127, 0, 1].into(),
            prefix: 24,
            next_free: Some([10, 127, 0, 5].into()),
        },
        devices: vec!["eth0".parse().unwrap()],
        host_addresses: vec!["192.0.2.1".parse().unwrap()],
        contexts: vec![(40001_u32.try_into().unwrap(), "web1".parse().unwrap())],
        addresses: vec![("10.127.0.2".parse().unwrap(), "web1".parse().unwrap())],
        names: vec!["web1".parse().unwrap(), "db1".parse().unwrap()],
        next_context: Some(40004_u32.try_into().unwrap()),
        guest_base: "/var/lib/vservers".into(),
        config_base: "/etc/vservers".into(),
        run_base: "/run/vservers".into(),
        styles: vec![],
        host_names: vec![],
        distributions: vec![],
        templates: vec![],
        shares_blocks: false,
        has_default_options: false,
        defaults: domain::build::BuildDefaults::default(),
        described_suites: vec![],
        has_dnf: true,
        host_domain: None,
    }
}

pub(crate) fn users() -> Vec<User> {
    Role::ALL
        .into_iter()
        .map(|role| {
            let Identity { user, name, role } = identity(role);
            User {
                id: user,
                name,
                role,
                disabled: role == Role::Viewer,
                must_change_password: role == Role::Operator,
                created_at: NOW.plus_millis(-86_400_000),
                last_login_at: (role == Role::Administrator).then_some(NOW),
            }
        })
        .collect()
}

/// What `context`, `apps/init/mark` and others were when they were looked at.
pub(crate) const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub(crate) fn known(tree: &ConfigTree) -> Result<(), Failure> {
    match tree {
        ConfigTree::VServer(name) if !summaries().iter().any(|s| s.name == *name) => {
            Err(Failure::NoSuchVServer { name: name.clone() })
        }
        _ => Ok(()),
    }
}

pub(crate) fn config_history() -> Vec<ConfigRecord> {
    let kept = |text: &str| Kept::Text(text.to_owned());
    let file =
        |path: &str, before, after| FileRecord { path: path.parse().unwrap(), before, after };
    let record = |number, author, files| ConfigRecord {
        number,
        at: NOW.plus_millis(-60_000),
        author,
        operation: None,
        undoes: None,
        files,
    };
    let ada = Author::Known(Actor::User { id: UserId(1), name: "ada".parse().unwrap() });
    vec![
        record(2, Author::ByHand, vec![file("context", kept("40000\n"), kept("40001\n"))]),
        record(
            1,
            ada,
            vec![
                file("context", Kept::Absent, kept("40000\n")),
                file("vdir", Kept::Absent, Kept::Link("/x".to_owned())),
            ],
        ),
    ]
}

/// What is in the recycle bin: a VServer that was called as one that there is now.
pub(crate) fn bin_entry() -> BinEntry {
    BinEntry {
        id: BINNED.parse().unwrap(),
        identity: VServerIdentity {
            name: "web1".parse().unwrap(),
            context: Some(40001_u32.try_into().unwrap()),
            host_name: Some("web1.cume.fr".parse().unwrap()),
            interfaces: vec!["nat0:10.127.0.2/24".parse().unwrap()],
        },
        by: Actor::User { id: UserId(1), name: "ada".parse().unwrap() },
        deleted_at: NOW.plus_millis(-86_400_000),
        expires_at: NOW.plus_millis(6 * 86_400_000),
        bytes: Some(290_000_000),
        is_protected: false,
        volume: None,
    }
}

pub(crate) fn judged(name: &VServerName, form: &IdentityForm) -> Result<IdentityChange, Failure> {
    let rows = summaries();
    let row = rows
        .into_iter()
        .find(|row| row.name == *name)
        .ok_or(Failure::NoSuchVServer { name: name.clone() })?;
    let Summary { name, context, host_name, interfaces, .. } = row;
    let current = VServerIdentity { name, context, host_name, interfaces };
    let change = form.judge(&current, &host_facts().without(&current.name));
    let change = change.map_err(|errors| Failure::Invalid { errors })?;
    if change.is_nothing() { Err(Failure::NothingToChange) } else { Ok(change) }
}

pub(crate) fn queued(kind: Kind, target: impl Into<Target>) -> Operation {
    Operation { kind, target: target.into(), ..operations()[0].clone() }
}

/// The backup that there is.
pub(crate) const BACKUP: &str = "local:web1:20261124T023000000Z";

/// What it claims.
pub(crate) fn claims() -> VServerIdentity {
    VServerIdentity {
        name: "web1".parse().unwrap(),
        context: Some(40001.try_into().unwrap()),
        host_name: Some("web1".parse().unwrap()),
        interfaces: vec!["nat0:10.127.0.2/24".parse().unwrap()],
    }
}

/// Two backups of `web1`, of which its policy keeps one, and whose last one failed; none of the others.
pub(crate) fn backup_overview(is_empty: bool) -> BackupOverview {
    let backup: BackupRef = BACKUP.parse().unwrap();
    let status = BackupStatus {
        vserver: backup.vserver.clone(),
        exists: true,
        schedule: Some(Schedule {
            target: backup.target.clone(),
            when: "daily 02:30".parse().unwrap(),
            keep: "last=1 daily=7".parse().unwrap(),
        }),
        backups: vec![
            BackupSummary { backup: backup.clone(), bytes: 120_000_000 },
            BackupSummary {
                backup: BackupRef { id: "20261124T013000000Z".parse().unwrap(), ..backup.clone() },
                bytes: 20_000_000,
            },
        ],
        alerts: vec![BackupAlert::Failed {
            at: NOW,
            failure: Failure::DiskFull { path: "/srv/backups".to_owned() },
        }],
    };
    BackupOverview {
        targets: vec![backup.target],
        vservers: if is_empty { Vec::new() } else { vec![status] },
    }
}

/// A file of a config tree.
pub(crate) fn own(path: &str, text: &str) -> ConfigFile {
    ConfigFile { path: path.into(), text: text.into(), is_shipped: false }
}

/// A boot of these, of which nobody has seen any.
pub(crate) fn boot_of(members: Vec<BootMember>) -> BootFacts {
    BootFacts {
        members,
        at_once: 6,
        ready_seconds: 120,
        skip_after_late: false,
        last: None,
        took_ms: Vec::new(),
    }
}

/// A boot in which a file server is needed without a mark, and a circle and a ghost are named.
pub(crate) fn boot_facts() -> BootFacts {
    let member = |name: &str, mark: &str, needs: &[&str]| BootMember {
        name: name.parse().unwrap(),
        marks: mark.parse().into_iter().collect(),
        depends: needs
            .iter()
            .enumerate()
            .map(|(line, on)| Dependency { on: on.parse().unwrap(), line: line + 1 })
            .collect(),
        is_disabled: false,
        is_running: name == "web1",
        problems: Vec::new(),
    };
    let entry = |name: &str, outcome| BootEntry {
        name: name.parse().unwrap(),
        began_ms: 0,
        took_ms: 2_400,
        outcome,
        operation: (name == "db1").then(|| RUNNING_OPERATION.parse().unwrap()),
    };
    let failure = Failure::NoSuchVServer { name: "gone1".parse().unwrap() };
    BootFacts {
        last: Some(BootReport {
            at: NOW.plus_millis(-3_600_000),
            entries: vec![
                entry("db1", BootOutcome::Ready),
                entry("gone1", BootOutcome::Failed(failure)),
                entry("mail1", BootOutcome::Skipped("gone1".parse().unwrap())),
            ],
        }),
        took_ms: vec![("db1".parse().unwrap(), 2_400)],
        ..boot_of(vec![
            member("db1", "default", &["files1"]),
            member("files1", "lab", &[]),
            member("mail1", "default", &["mail1", "ghost"]),
            member("new1", "", &[]),
            member("web1", "default", &["db1"]),
        ])
    }
}

/// An init, its child and what that runs; the last one calls itself something odd.
pub(crate) fn measured_processes(is_empty: bool) -> MeasuredProcesses {
    let process = |pid, inside, parent, command: &str| Process {
        vserver: "web1".parse().unwrap(),
        key: ProcessKey { pid, start_ticks: 4242 },
        inside: Some(inside),
        parent,
        uid: 33,
        user: Some("www-data".to_owned()),
        state: 'S',
        nice: -5,
        cpu_ms: 61_230,
        started_at: NOW,
        rss_bytes: 5 << 20,
        vsz_bytes: 9 << 20,
        threads: 2,
        command: command.to_owned(),
    };
    let processes = match is_empty {
        true => Vec::new(),
        false => vec![
            process(700, 1, 2, "init [2]"),
            process(712, 12, 700, "/usr/sbin/apache2 -k start"),
            process(713, 13, 712, "<script>alert(1)</script>"),
        ],
    };
    let rates = processes.iter().map(|process| (process.key, 125)).collect();
    MeasuredProcesses { list: ProcessList { at: NOW, processes, left_out: 0 }, rates }
}

/// Templates and bases.
pub(super) fn stock(is_empty: bool) -> Stock {
    let template = Template {
        name: "mandriva".parse().unwrap(),
        description: "Mandriva <2007.1>".parse().unwrap(),
        compression: Compression::Gzip,
        bytes: 210_000_000,
        sha256: "0123456789abcdef".repeat(4),
        entries: 23_456,
        unpacked_bytes: 640_000_000,
        added_at: NOW.plus_millis(-86_400_000),
        added_by: Actor::User { id: UserId(1), name: "ada".parse().unwrap() },
    };
    let base = Base {
        id: "0a".repeat(32).parse().unwrap(),
        suite: "bookworm".parse().unwrap(),
        architecture: "amd64".parse().unwrap(),
        variant: Some("minbase".into()),
        packages: vec!["less".parse().unwrap()],
        init: Init::Sysvinit,
        bytes: Some(281_000_000),
        made_at: NOW.plus_millis(-9 * 86_400_000),
        used_at: Some(NOW),
        is_old: true,
    };
    Stock {
        templates: if is_empty { Vec::new() } else { vec![template] },
        bases: if is_empty { Vec::new() } else { vec![base] },
        most_template_bytes: 8 << 30,
        templates_directory: "/var/lib/ulysse-engine/templates".into(),
        bases_directory: "/var/cache/vservers/bases".into(),
    }
}

/// The VServer of this name, if there is one.
pub(crate) fn named(memory: &Memory, name: &VServerName) -> Result<VServerName, Failure> {
    let known = summaries().into_iter().any(|summary| summary.name == *name);
    match known || memory.more_vservers > 0 {
        true => Ok(name.clone()),
        false => Err(Failure::NoSuchVServer { name: name.clone() }),
    }
}

/// What happened to `web1`, the latest first.
pub(crate) fn life() -> Vec<LifeRecord> {
    let context = 40001.try_into().unwrap();
    let event = GuestEvent::Halt;
    let refused = Failure::ProgramFailed {
        program: "web1/apps/vshelper/halt".into(),
        detail: "exit status: 3".into(),
    };
    let all = [
        Life::Started { context },
        Life::OutOfMemory {
            count: 2,
            killed: vec![KilledProcess { name: "<java>".to_owned(), pid: 4711, uid: Some(33) }],
        },
        Life::VshelperFailed { failure: Box::new(refused) },
        Life::Vshelper { event, action: VshelperAction::Program("web1/apps/vshelper/halt".into()) },
        Life::Halted,
        Life::Started { context },
        Life::Vshelper { event: GuestEvent::Restart, action: VshelperAction::Restart },
        Life::Rebooted,
        Life::KillSequence { signal: 15 },
        Life::StopAsked,
    ];
    let records = all.into_iter().zip(0..);
    records.map(|(what, n)| LifeRecord { at: NOW.plus_millis(-60_000 * n), what }).collect()
}

/// Its console, journal and log file; only `web1` runs.
pub(crate) fn guest_log(name: &VServerName, query: &GuestLogQuery) -> Result<GuestLog, Failure> {
    let ids = [NOW.plus_millis(-100_000), NOW.plus_millis(-900_000)].map(BootId);
    let text = query.text.as_ref();
    let log = |bytes: &[u8], origin: &str| {
        let (lines, is_cut) = lines_with(bytes, text);
        GuestLog { lines, is_cut, origin: Some(origin.to_owned()), ..GuestLog::default() }
    };
    match &query.source {
        GuestLogSource::Console(_) if name.as_str() != "web1" => Ok(GuestLog::default()),
        GuestLogSource::Console(boot) => {
            let boot = boot.unwrap_or(ids[0]);
            let bytes = if boot == ids[0] {
                "\u{1b}[32mStarting\u{1b}[0m <sshd>\r\nReady\nweb1 login: "
            } else {
                "An earlier boot\n"
            };
            let boots = ids.map(|id| Boot { id, bytes: 2048 }).into();
            let log = log(bytes.as_bytes(), "/var/log/vservers/web1/console/1.log");
            let end = (boot == ids[0]).then_some(ConsolePlace { boot, byte: 34 });
            Ok(GuestLog { boots, boot: Some(boot), end, is_begun: text.is_none(), ..log })
        }
        GuestLogSource::Journal(_) if name.as_str() != "web1" => {
            Err(Failure::NotRunning { name: name.clone() })
        }
        GuestLogSource::Journal(filter) => Ok(log(b"sshd: Accepted", &filter.command().join(" "))),
        GuestLogSource::Syslog => Ok(GuestLog::default()),
    }
}

/// Its services; only `web1` runs.
pub(crate) fn services(name: &VServerName) -> Result<Services, Failure> {
    if name.as_str() != "web1" {
        return Err(Failure::NotRunning { name: name.clone() });
    }
    let service = |name: &str, state, is_enabled| Service {
        name: name.parse().unwrap(),
        state,
        detail: "running".to_owned(),
        description: format!("What {name} does <b>"),
        is_enabled,
    };
    let services = vec![
        service("getty@tty1.service", ServiceState::Failed, None),
        service("ssh.service", ServiceState::Active, Some(true)),
        service("x.service", ServiceState::Inactive, Some(false)),
    ];
    Ok(Services { manager: Some(ServiceManager::Systemd), services, is_incomplete: true })
}

/// A host with a nearly full disk; a new one where there is nothing.
pub(crate) fn host_overview(is_empty: bool) -> HostOverview {
    let pool = AddressPool {
        device: "nat0".parse().unwrap(),
        network: "10.127.0.0/24".into(),
        used: 3,
        free: 250,
    };
    let filesystem = |mount: &str, free_bytes, holds| Filesystem {
        mount: mount.into(),
        holds,
        space: Space { bytes: 100 << 30, free_bytes },
    };
    let resources = HostResources {
        cpus: 2,
        memory_bytes: 4 << 30,
        load_hundredths: [42, 30, 20],
        filesystems: vec![
            filesystem("/", 60 << 30, vec![Holding::Database]),
            filesystem("/var/lib/vservers", 2 << 30, vec![Holding::VServers]),
        ],
        ..HostResources::default()
    };
    let values = Values::default().with(Metric::Cpu, 700).with(Metric::Received, 4096);
    let now = HostNow { usage: usage(0), resources, values };
    HostOverview { is_same_build: is_empty, pool, now: (!is_empty).then_some(now) }
}

/// Every tenth slot of a range is missing; nothing is known of `db1`, which never ran.
pub(crate) fn history(of: &Series, range: Range, is_empty: bool) -> History {
    let is_known = !is_empty && *of != Series::VServer("db1".parse().unwrap());
    let tier = range.tier();
    let count = if is_known { range.span_ms() / tier.period_ms() } else { 0 };
    let slots = (0..count).filter(|number| number % 10 != 3).map(|number| {
        let begins_at = tier.begin_of(NOW).plus_millis((number - count + 1) * tier.period_ms());
        let value = u64::try_from(number % 60).unwrap();
        let mut slot = Slot::default();
        for values in [value * 10, value * 12] {
            let memory = (200 << 20) + (values << 15);
            slot.add(&Values::default().with(Metric::Cpu, values).with(Metric::Memory, memory));
        }
        (begins_at, slot)
    });
    History { range, until: NOW, slots: slots.collect() }
}

/// A `/tmp` of which the fstab says by now that it is to be larger than it was mounted.
pub(crate) fn mounted_tmp() -> TmpfsLine {
    let of = |size_bytes| TmpfsOptions {
        size_bytes,
        read_only: false,
        no_suid: false,
        no_device: true,
        no_exec: false,
    };
    TmpfsLine {
        file: "fstab".to_owned(),
        number: 3,
        target: "/tmp".to_owned(),
        wanted: of(16 << 20),
        now: of(8 << 20),
        used_bytes: 3 << 20,
    }
}
