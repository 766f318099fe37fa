//! A directory to unpack into, with the real confined process, and an operation to do it in.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::change::PlainChange;
use domain::id::{ContextId, OperationId};
use domain::note::MemberNote;
use domain::operation::{Actor, Kind, Operation, Progress};
use domain::template::ArchiveProblem;
use domain::time::UnixMillis;
use engine::archive::{self, ArchiveError, Caps, Entry, Ids, Unpacked};
use engine::clock::SystemClock;
use engine::engine::Instance;
use engine::operation::{CancelToken, Observer, Store, Task, Work};
use engine::roots::{IDS_PER_VSERVER, Settings, first_host_id};
use tempfile::TempDir;

use crate::tarball::file_of;

pub(crate) const CAPS: Caps = Caps { bytes: 1 << 30, entries: 200_000, keep_free_bytes: 0 };

/// A directory to unpack into, and an operation to do it in.
pub(crate) struct Ground {
    pub(crate) directory: TempDir,
    pub(crate) instance: Instance,
    pub(crate) cancel: CancelToken,
    pub(crate) log: Log,
}

#[derive(Default)]
pub(crate) struct Log {
    pub(crate) lines: Mutex<String>,
    pub(crate) permille: Mutex<Vec<u16>>,
    pub(crate) cancel_at: Mutex<Option<(u16, CancelToken)>>,
}

impl Observer for Log {
    fn moved(&self, operation: &Operation) {
        if let Progress::Running { permille, .. } = operation.progress {
            self.permille.lock().unwrap().push(permille);
            if let Some((at, token)) = &*self.cancel_at.lock().unwrap()
                && permille >= *at
            {
                token.cancel();
            }
        }
    }
    fn logged(&self, _id: &OperationId, _bytes: u64, text: &str) {
        self.lines.lock().unwrap().push_str(text);
    }
}

impl Ground {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // What is unpacked belongs to ids of its own, which pass through here.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(directory.path().join("root")).unwrap();
        let test = std::env::current_exe().unwrap();
        let target = test.parent().and_then(Path::parent).unwrap();
        let mut settings = Settings::default();
        settings.roots.state_base = directory.path().join("state");
        let instance =
            Instance { settings, settings_file: None, executable: target.join("examples/roles") };
        Self { directory, instance, cancel: CancelToken::default(), log: Log::default() }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Whatever was made beside the root: nothing, ever.
    pub(crate) fn beside(&self) -> Vec<String> {
        let names = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !["root", "state", "elsewhere"].contains(&name.as_str()));
        names
    }

    pub(crate) fn unpack_with(&self, archive: File, caps: &Caps) -> Result<Unpacked, ArchiveError> {
        let store = Store::new(&self.instance.settings.roots);
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let operation = Operation {
            id: format!("01ARZ3NDEKTSV4RRFFQ6{number:06}").parse().unwrap(),
            kind: Kind::Build,
            target: "web".parse().unwrap(),
            renamed_to: None,
            actor: Actor::System,
            command: String::new(),
            progress: Progress::Queued,
            cancellable: true,
            created_at: UnixMillis(0),
            started_at: None,
            finished_at: None,
            batch: None,
        };
        let task = Task::Plain(PlainChange::Start("web".parse().unwrap()));
        let journal = store.create(&operation, &task).unwrap();
        let cancel = self.cancel.clone();
        let mut work = Work::new(&store, &SystemClock, &self.log, cancel, operation, journal);
        work.begin(true);
        let ids = Ids {
            first_host_id: first_host_id(ContextId::try_from(77).unwrap()),
            count: IDS_PER_VSERVER,
        };
        archive::unpack(&self.instance, &mut work, archive, &self.root(), ids, caps, (100, 900))
    }

    pub(crate) fn unpack(&self, archive: &[u8]) -> Result<Unpacked, ArchiveError> {
        self.unpack_with(file_of(archive), &CAPS)
    }

    #[track_caller]
    pub(crate) fn refuses(&self, archive: &[u8], expected: ArchiveProblem) -> String {
        match self.unpack(archive) {
            Err(ArchiveError::Refused { problem, name }) if problem == expected => name,
            other => panic!("{other:?} instead of {expected:?}"),
        }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lines.lock().unwrap().clone()
    }

    pub(crate) fn entries(&self, archive: &[u8]) -> Result<Vec<Entry>, ArchiveError> {
        let mut found = Vec::new();
        let mut each = |entry| found.push(entry);
        let (instance, archive) = (&self.instance, file_of(archive));
        archive::entries(instance, archive, &CAPS, &mut |_| false, Some(&mut each))?;
        Ok(found)
    }
}

/// How often something was done otherwise.
pub(crate) fn count(unpacked: &Unpacked, note: MemberNote) -> u64 {
    unpacked.notes.iter().find(|(one, _)| *one == note).map_or(0, |(_, count)| *count)
}
