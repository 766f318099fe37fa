//! A server in memory, for tests of rendering alone: three VServers, three users, no engine.
//!
//! It answers as the contract in `app::backend` says and records nothing but what forms leave in
//! the session. What the real server does is tested against the real server.
#![allow(dead_code, reason = "each of the targets that include this uses a part of it")]

mod account;
mod packages;
mod site;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use app::backend::{
    Account, Backend, Clock, Configure, Flash, HostNow, HostOverview, OperationFilter, Reference,
};
use domain::authz::{
    BuildVServer, CancelOperation, ChangeIdentity, DeleteVServer, EnterVServer, ManageUsers,
    OwnAccount, Permit, ReadInside, RestoreBackup, UndeleteVServer, ViewOperations, ViewTemplates,
    ViewVServers,
};
use domain::backup::{
    BackupAlert, BackupDetail, BackupEntry, BackupOverview, BackupRef, BackupScope, BackupStatus,
    BackupSummary, Consistency, EntryKind,
};
use domain::batch::{Batch, BatchRow, BatchView, Forecast, Outcome as Became, RowState};
use domain::boot::{BootEntry, BootFacts, BootMember, BootOutcome, BootReport, Dependency};
use domain::change::{Change, Permitted, PlainChange};
use domain::config_change::{
    Author, ConfigEdit, ConfigRecord, FileProblem, FileRecord, FileState, FileView, Kept, Use,
};
use domain::config_entry::{ConfigEntry, ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::fstab::SeenMount;
use domain::guest_log::{
    Boot, BootId, ConsolePlace, GuestLog, GuestLogQuery, GuestLogSource, lines_with,
};
use domain::host::{HostFacts, NatNetwork};
use domain::id::{OperationId, TerminalId, UserId, UserName, VServerName};
use domain::identity::{
    IdentityChange, IdentityForm, IdentityPlan, PlannedChange, VServerIdentity,
};
use domain::init::{Init, InitStyle};
use domain::life::{GuestEvent, KilledProcess, Life, LifeRecord, VshelperAction};
use domain::metrics::measure::{AddressPool, Filesystem, Holding, HostResources, Space};
use domain::metrics::slot::{History, Range, Slot};
use domain::metrics::{Metric, Series, Values};
use domain::operation::{Actor, Kind, LogChunk, Operation, Progress, Stage, Target, Terminal};
use domain::package::{FoundPackage, PackageOffers, PackageOverview, PackageReport};
use domain::process::{MeasuredProcesses, Process, ProcessKey, ProcessList};
use domain::recycle::{Bin, BinEntry, Binned};
use domain::restore::Proposal;
use domain::retention::Schedule;
use domain::service::{Service, ServiceManager, ServiceState, Services};
use domain::template::Stock;
use domain::time::UnixMillis;
use domain::user::{Identity, Password, Role, User};
use domain::vserver::{ConfigFile, Detail, OomKills, SharedBy, Sharing, State, Summary, Usage};

pub(crate) use world::*;

/// 2026-11-24, 05:43:04 UTC.
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_498_984_000);
pub(crate) const CSRF: &str = "csrf-of-this-session";
pub(crate) const SETUP_TOKEN: &str = "set-up-token";
pub(crate) const RUNNING_OPERATION: &str = "01JADQ8Z9XKXQ5Y7D2M3N4P5R6";
pub(crate) const PROCESS: &str = "712-4242";
pub(crate) const FAILED_OPERATION: &str = "01JADQ8Z9XKXQ5Y7D2M3N4P5R5";
pub(crate) const RUNNING_BATCH: &str = "01JADQ8Z9XKXQ5Y7D2M3N4P5R3";
/// One that has ended, and foresaw the removal of packages.
pub(crate) const FORESEEN_BATCH: &str = "01JADQ8Z9XKXQ5Y7D2M3N4P5R8";
/// What it asked one of them.
pub(crate) const FORESEEN_OPERATION: &str = "01JADQ8Z9XKXQ5Y7D2M3N4P5R9";
pub(crate) const BINNED: &str = "01JADQ8Z9XKXQ5Y7D2M3N4P5R7";
pub(crate) const TERMINAL: &str = "01JADQ8Z9XKXQ5Y7D2M3N4P5T1";

/// What the memory holds.
#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) engine_is_down: bool,
    pub(crate) is_empty: bool,
    /// How many VServers there are besides the three, all running.
    pub(crate) more_vservers: usize,
    /// Flashes by session; a session is named by the cookie `as`.
    pub(crate) flashes: Arc<Mutex<BTreeMap<String, Flash>>>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { engine_is_down: false, is_empty: false, more_vservers: 0, flashes: Arc::default() }
    }

    fn answer<T>(&self, value: T) -> Result<T, Failure> {
        if self.engine_is_down { Err(Failure::EngineDown) } else { Ok(value) }
    }

    fn judge_edits(&self, tree: &ConfigTree, edits: &[ConfigEdit]) -> Result<(), Failure> {
        known(tree)?;
        let edit = &edits[0];
        if edit.seen.as_ref().is_some_and(|seen| seen.as_str() != DIGEST) {
            return Err(Failure::ConfigChanged { path: edit.path.clone() });
        }
        let entry = ConfigEntry::of(tree, &edit.path);
        let (Some(entry), Some(text)) = (entry, &edit.text) else { return self.answer(()) };
        let problems = entry.judge(text).err().into_iter().flatten();
        let path = edit.path.to_string();
        let problems: Vec<FileProblem> = problems
            .map(|one| FileProblem { path: path.clone(), line: one.line, expected: one.expected })
            .collect();
        if problems.is_empty() { self.answer(()) } else { Err(Failure::ConfigRefused { problems }) }
    }
}

/// The user with this role; ids 1 to 3.
pub(crate) fn identity(role: Role) -> Identity {
    let (user, name) = match role {
        Role::Administrator => (1, "ada"),
        Role::Operator => (2, "otto"),
        Role::Viewer => (3, "vera"),
    };
    Identity { user: UserId(user), name: name.parse().unwrap(), role }
}

struct MemoryAccount {
    session: String,
    memory: Memory,
}

#[async_trait::async_trait]
impl Backend for Memory {
    async fn host_facts(&self, _: Permit<BuildVServer>) -> Result<HostFacts, Failure> {
        self.answer(host_facts())
    }
    async fn vservers(&self, _: Permit<ViewVServers>) -> Result<Vec<Summary>, Failure> {
        let mut rows = if self.is_empty { Vec::new() } else { summaries() };
        let last = rows.last().cloned();
        for number in 0..self.more_vservers {
            let name = format!("x{number:04}").parse().unwrap();
            rows.extend(last.clone().map(|row| Summary { name, ..row }));
        }
        self.answer(rows)
    }
    async fn vserver(&self, _: Permit<ViewVServers>, name: VServerName) -> Result<Detail, Failure> {
        let summary = summaries()
            .into_iter()
            .find(|summary| summary.name == name)
            .ok_or(Failure::NoSuchVServer { name: name.clone() })?;
        self.answer(Detail {
            init_style: InitStyle::Sysv,
            root_directory: format!("/var/lib/vservers/{name}"),
            volume: (name.as_str() == "db1").then(|| "/dev/mapper/vserver-db1".into()),
            config_directory: format!("/etc/vservers/{name}"),
            os_release: Some("Debian GNU/Linux 12 (bookworm)".into()),
            is_protected: name.as_str() == "db1",
            sharing: (name.as_str() == "web1").then_some(Sharing {
                shared_bytes: 212_000_000,
                own_bytes: 3_000_000,
                by: SharedBy::Reference { vservers: 3 },
            }),
            disk_bytes: Some(310_000_000),
            config_files: vec![own("context", "40001\n")],
            summary,
        })
    }
    async fn queue(&self, change: Permitted) -> Result<Operation, Failure> {
        let (_, change) = change.into_parts();
        let invalid = |errors| Failure::Invalid { errors };
        let operation = match change {
            Change::Plain(PlainChange::Start(name)) if name.as_str() == "web1" => {
                return Err(Failure::AlreadyRunning { name });
            }
            Change::Plain(change) => {
                if let PlainChange::Mark { name, .. } = &change {
                    known(&ConfigTree::VServer(name.clone()))?;
                }
                queued(change.kind(), change.target())
            }
            Change::Build(form) => {
                if form.source.contains(':') && form.host_key != host_key() {
                    let mut errors = FieldErrors::default();
                    let (host, fingerprint) = ("old".to_owned(), host_key());
                    errors.push(Field::HostKey, Problem::HostKeyUnknown { host, fingerprint });
                    return Err(invalid(errors));
                }
                queued(Kind::Build, form.name.parse::<VServerName>().unwrap())
            }
            Change::Identity { name, form } => {
                let change = judged(&name, &form)?;
                match name.as_str() {
                    "web1" if !form.restart => return Err(Failure::MustBeStopped { name }),
                    _ if change.is_rename() => queued(Kind::Rename, name),
                    _ => queued(Kind::Set, name),
                }
            }
            Change::Undelete { form, .. } => {
                let change = form.judge(&bin_entry().identity, &host_facts()).map_err(invalid)?;
                queued(Kind::Undelete, change.after.name)
            }
            Change::Purge(_) => queued(Kind::Purge, bin_entry().identity.name),
            Change::Configure { tree, edits } => {
                self.judge_edits(&tree, &edits)?;
                let target = tree.lock_name();
                queued(Kind::Configure, target)
            }
            Change::UndoConfig { tree: ConfigTree::VServer(name), number: 1 } => {
                queued(Kind::Configure, name)
            }
            Change::UndoConfig { number, .. } => {
                return Err(Failure::NoSuchConfigChange { number });
            }
            Change::Batch(batch) if packages::is_foreseen(&batch) => foreseen_batch(),
            Change::Batch(_) => queued(Kind::Batch, Target::Batch(RUNNING_BATCH.parse().unwrap())),
            Change::Restore { backup, form } => {
                form.judge(&claims(), Some(backup), &host_facts()).map_err(invalid)?;
                operations()[0].clone()
            }
            _ => operations()[0].clone(),
        };
        self.answer(operation)
    }
    async fn config_files(
        &self,
        _: Permit<ViewVServers>,
        tree: ConfigTree,
    ) -> Result<Vec<ConfigFile>, Failure> {
        known(&tree)?;
        if tree == ConfigTree::Distributions {
            let shipped = ConfigFile { is_shipped: true, ..own("almalinux9/pkgs/01", "bash\n") };
            return self.answer(vec![
                own(".common/pubkeys/team", "KEY\n"),
                shipped,
                own("fc6/initpost", "#!/bin/sh\n"),
                own("fc6/pkgs/01", "bash\n"),
                own("fc6/yum.repos.d/core.repo", "[core]\nbaseurl=http://mirror.example/\n"),
            ]);
        }
        self.answer(vec![
            own("apps/init/", ""),
            own("context", "40001\n"),
            own("vdir", "→ /var/lib/vservers/web1"),
        ])
    }
    async fn config_file(
        &self,
        _: Permit<ViewVServers>,
        tree: ConfigTree,
        path: ConfigPath,
    ) -> Result<FileView, Failure> {
        known(&tree)?;
        let text =
            |text: &str| FileState::Text { text: text.to_owned(), digest: DIGEST.parse().unwrap() };
        let state = match path.as_str() {
            "context" => text("40001\n"),
            "apps/init/mark" => text("default\nweb"),
            "notes" => text("kept\n"),
            "fstab" => text(FSTAB),
            "interfaces/0/nodev" => text(""),
            "fc6/pkgs/01" => text("bash\n"),
            "fc6/yum.repos.d/core.repo" => text("[core]\nbaseurl=http://mirror.example/\n"),
            "vdir" => FileState::Link { target: "/var/lib/vservers/web1".to_owned() },
            _ => FileState::Absent,
        };
        let mut history = config_history();
        history.retain(|record| record.files.iter().any(|file| file.path == path));
        let in_use = Use::AfterRestart;
        let shipped = (path.as_str() == "almalinux9/pkgs/01").then(|| "bash less\n".to_owned());
        self.answer(FileView { path, state, modified_at: Some(NOW), in_use, history, shipped })
    }
    async fn config_history(
        &self,
        _: Permit<ViewVServers>,
        tree: ConfigTree,
    ) -> Result<Vec<ConfigRecord>, Failure> {
        known(&tree)?;
        self.answer(if self.is_empty { Vec::new() } else { config_history() })
    }
    async fn judge_config(&self, of: Configure, edits: Vec<ConfigEdit>) -> Result<(), Failure> {
        self.judge_edits(&of.tree(), &edits)
    }
    async fn happened(
        &self,
        _: Permit<ViewVServers>,
        name: VServerName,
        limit: u16,
    ) -> Result<Vec<LifeRecord>, Failure> {
        let name = named(self, &name)?;
        let mut records = if name.as_str() == "web1" { life() } else { Vec::new() };
        records.truncate(limit.into());
        self.answer(records)
    }
    async fn guest_log(
        &self,
        _: Permit<ReadInside>,
        name: VServerName,
        query: GuestLogQuery,
    ) -> Result<GuestLog, Failure> {
        let name = named(self, &name)?;
        self.answer(guest_log(&name, &query)?)
    }
    async fn services(
        &self,
        _: Permit<ReadInside>,
        name: VServerName,
    ) -> Result<Services, Failure> {
        let name = named(self, &name)?;
        self.answer(services(&name)?)
    }
    async fn plan_identity(
        &self,
        _: Permit<ChangeIdentity>,
        name: VServerName,
        form: IdentityForm,
    ) -> Result<IdentityPlan, Failure> {
        let change = judged(&name, &form)?;
        let command = domain::command::identity(&change.before.name, &change.form()).line();
        let to = format!("/etc/vservers/{}", change.after.name);
        let from = format!("/etc/vservers/{name}");
        self.answer(IdentityPlan { command, changes: vec![PlannedChange::Move { from, to }] })
    }
    async fn bin_keeps_days(&self, _: Permit<DeleteVServer>) -> Result<u32, Failure> {
        self.answer(7)
    }
    async fn boot(&self, _: Permit<ViewVServers>) -> Result<BootFacts, Failure> {
        self.answer(if self.is_empty { boot_of(Vec::new()) } else { boot_facts() })
    }
    async fn bin(&self, _: Permit<UndeleteVServer>) -> Result<Bin, Failure> {
        let entries = if self.is_empty { Vec::new() } else { vec![bin_entry()] };
        self.answer(Bin { keep_days: 7, entries })
    }
    async fn binned(&self, _: Permit<UndeleteVServer>, id: OperationId) -> Result<Binned, Failure> {
        let entry = bin_entry();
        if id != entry.id {
            return Err(Failure::NotInBin { what: id.to_string() });
        }
        let judged = IdentityForm::default().judge(&entry.identity, &host_facts());
        let offer = entry.identity.offer(&host_facts());
        self.answer(Binned { conflicts: judged.err().unwrap_or_default(), offer, entry })
    }
    async fn cancel(&self, _: Permit<CancelOperation>, _: OperationId) -> Result<(), Failure> {
        self.answer(())
    }
    async fn operations(
        &self,
        _: Permit<ViewOperations>,
        filter: OperationFilter,
    ) -> Result<Vec<Operation>, Failure> {
        let mut all = operations();
        all.retain(|operation| {
            filter.target.as_ref().is_none_or(|target| operation.target == *target)
                && filter.kind.is_none_or(|kind| kind == operation.kind)
        });
        self.answer(all)
    }
    async fn operation(
        &self,
        _: Permit<ViewOperations>,
        id: OperationId,
    ) -> Result<Operation, Failure> {
        let mut all = operations().into_iter().chain([foreseen_batch()]);
        let found = all.find(|operation| operation.id == id);
        self.answer(found.ok_or(Failure::NoSuchOperation { id })?)
    }
    async fn operation_log(
        &self,
        _: Permit<ViewOperations>,
        id: OperationId,
        offset: u64,
    ) -> Result<LogChunk, Failure> {
        if id.as_str() == FORESEEN_OPERATION {
            let text = if offset == 0 { packages::foreseen_log() } else { String::new() };
            return self.answer(LogChunk { offset, text, open: false });
        }
        let text = if offset == 0 { "I: Retrieving <Release>\nI: Unpacking\n" } else { "" };
        self.answer(LogChunk { offset, text: text.into(), open: true })
    }
    async fn open_terminal(
        &self,
        permit: Permit<EnterVServer>,
        vserver: VServerName,
    ) -> Result<Terminal, Failure> {
        if vserver.as_str() != "web1" {
            return Err(Failure::NotRunning { name: vserver });
        }
        let id = TERMINAL.parse().unwrap();
        self.answer(Terminal { id, vserver, owner: permit.identity().user, opened_at: NOW })
    }
    async fn terminals(&self, permit: Permit<EnterVServer>) -> Result<Vec<Terminal>, Failure> {
        if self.is_empty {
            return Ok(Vec::new());
        }
        Ok(vec![self.open_terminal(permit, "web1".parse().unwrap()).await?])
    }
    async fn close_terminal(&self, _: Permit<EnterVServer>, _: TerminalId) -> Result<(), Failure> {
        self.answer(())
    }
    async fn stock(&self, _: Permit<ViewTemplates>) -> Result<Stock, Failure> {
        self.answer(stock(self.is_empty))
    }
    async fn users(&self, _: Permit<ManageUsers>) -> Result<Vec<User>, Failure> {
        Ok(users())
    }
    async fn create_user(
        &self,
        _: Permit<ManageUsers>,
        name: UserName,
        role: Role,
        _: Password,
    ) -> Result<User, Failure> {
        if users().iter().any(|user| user.name == name) {
            let mut errors = FieldErrors::default();
            errors.push(Field::UserName, Problem::NameTaken);
            return Err(Failure::Invalid { errors });
        }
        Ok(User { name, role, ..users()[0].clone() })
    }
    async fn set_user_disabled(
        &self,
        _: Permit<ManageUsers>,
        user: UserId,
        _: bool,
    ) -> Result<(), Failure> {
        if user == UserId(1) { Err(Failure::LastAdministrator) } else { Ok(()) }
    }
    async fn set_user_role(
        &self,
        _: Permit<ManageUsers>,
        _: UserId,
        _: Role,
    ) -> Result<(), Failure> {
        Ok(())
    }
    async fn reset_password(
        &self,
        _: Permit<ManageUsers>,
        _: UserId,
        _: Password,
    ) -> Result<(), Failure> {
        Ok(())
    }
    async fn backups(
        &self,
        _: Permit<ViewVServers>,
        _: BackupScope,
    ) -> Result<BackupOverview, Failure> {
        self.answer(backup_overview(self.is_empty))
    }
    async fn processes(&self, _: Permit<ViewVServers>) -> Result<Arc<MeasuredProcesses>, Failure> {
        self.answer(Arc::new(measured_processes(self.is_empty)))
    }
    async fn backup(
        &self,
        _: Permit<RestoreBackup>,
        backup: BackupRef,
    ) -> Result<BackupDetail, Failure> {
        if backup.to_string() != BACKUP {
            return Err(Failure::NoSuchBackup { backup });
        }
        self.answer(BackupDetail {
            summary: BackupSummary { backup, bytes: 120_000_000 },
            tool: "ulysse 0.1.0".to_owned(),
            consistency: Consistency::Running,
            files: 9321,
            file_bytes: 310_000_000,
            packages: Some(190),
            changed: vec!["files/var/log/syslog".to_owned()],
            changed_count: 1,
            omitted: Vec::new(),
        })
    }
    async fn browse_backup(
        &self,
        _: Permit<RestoreBackup>,
        _: BackupRef,
        _: String,
    ) -> Result<Vec<BackupEntry>, Failure> {
        let entry = |name: &str, kind, bytes| BackupEntry {
            name: name.to_owned(),
            kind,
            mode: 0o644,
            user: 0,
            group: 0,
            bytes,
            modified: NOW,
            link: None,
        };
        self.answer(vec![
            entry("etc", EntryKind::Directory, 0),
            entry("<motd>", EntryKind::File, 42),
        ])
    }
    async fn packages(&self, _: Permit<ViewVServers>) -> Result<Vec<PackageOverview>, Failure> {
        self.answer(if self.is_empty { Vec::new() } else { packages::overviews() })
    }
    async fn package_report(
        &self,
        _: Permit<ViewVServers>,
        name: VServerName,
    ) -> Result<PackageReport, Failure> {
        let found = packages::overviews().into_iter().find(|overview| overview.vserver == name);
        self.answer(packages::report(found.ok_or(Failure::NoSuchVServer { name })?))
    }
    async fn find_packages(
        &self,
        _: Permit<ViewVServers>,
        text: String,
    ) -> Result<Vec<FoundPackage>, Failure> {
        self.answer(packages::found(&text))
    }
    async fn search_packages(
        &self,
        _: Permit<ViewVServers>,
        name: VServerName,
        text: String,
    ) -> Result<PackageOffers, Failure> {
        self.answer(packages::offers(&name, &text))
    }
    async fn propose_restore(
        &self,
        _: Permit<RestoreBackup>,
        _: BackupRef,
    ) -> Result<Proposal, Failure> {
        self.answer(claims().propose(&host_facts()))
    }
    async fn batch(
        &self,
        _: Permit<ViewOperations>,
        id: OperationId,
    ) -> Result<BatchView, Failure> {
        match id.as_str() {
            RUNNING_BATCH => self.answer(batch_view()),
            FORESEEN_BATCH => self.answer(packages::foreseen_view()),
            _ => Err(Failure::NoSuchOperation { id }),
        }
    }
    async fn foresee(
        &self,
        _: Permit<ViewVServers>,
        batch: Batch,
    ) -> Result<Vec<Forecast>, Failure> {
        let forecast = |change: &PlainChange| {
            let name = change.of_many().unwrap().clone();
            let refused = match (change.kind(), name.as_str()) {
                (Kind::Start, "web1") => Some(Failure::AlreadyRunning { name: name.clone() }),
                (Kind::Mark, "web1") => Some(Failure::NothingToChange),
                (Kind::Delete, "db1") => Some(Failure::Protected { name: name.clone() }),
                _ => None,
            };
            let refusal = refused.map(|failure| Became::of_failure(change.kind(), failure));
            Forecast { name, refusal }
        };
        self.answer(batch.changes().iter().map(forecast).collect())
    }
    async fn mounts(
        &self,
        _: Permit<ViewVServers>,
        name: VServerName,
    ) -> Result<Option<Vec<SeenMount>>, Failure> {
        let mount = |target: &str, fs_type: &str, options: &str| SeenMount {
            target: target.to_owned(),
            root: "/".to_owned(),
            fs_type: fs_type.to_owned(),
            source: "none".to_owned(),
            options: options.to_owned(),
            tmpfs: None,
        };
        self.answer((name.as_str() == "web1").then(|| {
            let tmp = mount("/tmp", "tmpfs", "rw,nodev,size=16384k");
            vec![
                mount("/proc", "proc", "rw,nosuid"),
                SeenMount { tmpfs: Some(mounted_tmp()), ..tmp },
                mount("/mnt/<own>", "tmpfs", "rw"),
            ]
        }))
    }
    async fn host(&self, _: Permit<ViewVServers>) -> Result<HostOverview, Failure> {
        self.answer(host_overview(self.is_empty))
    }
    async fn history(
        &self,
        _: Permit<ViewVServers>,
        of: Series,
        range: Range,
    ) -> Result<History, Failure> {
        self.answer(history(&of, range, self.is_empty))
    }
}
