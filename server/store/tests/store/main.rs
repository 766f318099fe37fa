//! The store on real SQLite files.

mod file;
mod log;
mod metrics;
mod operations;
mod sessions;
mod setup;
mod users;

use domain::id::{OperationId, UserId};
use domain::operation::{Actor, Kind, Operation, Progress, Stage};
use domain::time::UnixMillis;
use domain::user::Role;
use store::{NewUser, Store};
use tempfile::TempDir;

/// Some instant; what is earlier or later is counted from it.
const NOW: UnixMillis = UnixMillis(1_795_498_984_000);

/// A store in a directory that goes with it.
struct Fixture {
    directory: TempDir,
    store: Store,
}

impl Fixture {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("ulysse.sqlite3")).await.unwrap();
        Self { directory, store }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("ulysse.sqlite3")
    }

    /// The same file, opened once more, as another process opens it.
    async fn again(&self) -> Store {
        Store::open(&self.path()).await.unwrap()
    }

    async fn user(&self, name: &str, role: Role) -> UserId {
        self.store.create_user(new_user(name, role)).await.unwrap().id
    }
}

fn new_user(name: &str, role: Role) -> NewUser {
    NewUser {
        name: name.parse().unwrap(),
        role,
        password_hash: format!("hash of {name}"),
        must_change_password: false,
        created_at: NOW,
    }
}

/// The id of the `number`th operation.
fn operation_id(number: u32) -> OperationId {
    format!("01ARZ3NDEKTSV4RRFFQ6{number:06}").parse().unwrap()
}

fn operation(number: u32, target: &str) -> Operation {
    Operation {
        id: operation_id(number),
        kind: Kind::Start,
        target: target.parse().unwrap(),
        renamed_to: None,
        actor: Actor::System,
        command: format!("vserver {target} start"),
        progress: Progress::Queued,
        cancellable: false,
        created_at: NOW,
        started_at: None,
        finished_at: None,
        batch: None,
    }
}

fn running(permille: u16) -> Progress {
    Progress::Running { stage: Stage::StartingInit, permille }
}
