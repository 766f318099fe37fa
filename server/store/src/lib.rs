//! People and history in SQLite: users, sessions, failed log-ins, set-up tokens, operations, and what
//! was measured.
//!
//! Invariants, each kept by one transaction that takes the write lock before it looks:
//! - once there is an enabled administrator there always is one;
//! - the set-up link makes one administrator, whoever else holds a link;
//! - an operation that has ended stays as it ended;
//! - who is disabled, gets another role or another password has no session of before.
//!
//! The file is opened by the web process and by `ulysse user` at the same time; SQLite's own locks
//! order them. Passwords and tokens come in hashed. Nothing here reads a clock, and losing the file
//! loses no VServer.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable
)]

mod error;
mod log;
mod login;
mod metrics;
mod operation;
mod session;
mod setup;
mod user;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

pub use error::{Result, StoreError};
pub use login::FAILED_LOGINS_KEPT_MILLIS;
pub use metrics::{MAX_SERIES_BYTES, MISSING_SERIES_KEPT_MILLIS, Measured};
pub use operation::OperationFilter;
pub use session::SessionRow;
pub use user::NewUser;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// How long a statement waits for another process's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long opening pauses before it tries again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Connections at most. SQLite has one writer at a time; the others read.
const CONNECTIONS: u32 = 4;

/// The database. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the database, makes it when there is none, and brings it to this version's tables.
    /// Who may read the file is decided by its directory.
    ///
    /// # Errors
    /// When the file cannot be opened or written, is no database, or is a newer Ulysse's.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            // The web process cannot reach the directories of temporary files.
            .pragma("temp_store", "memory")
            .busy_timeout(BUSY_TIMEOUT);
        let pool = connect(options)
            .await
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        let store = Self { pool };
        store.migrate().await?;
        Ok(store)
    }

    /// sqlx does not lock SQLite for migrations: two processes would both find them undone. One
    /// transaction around them all does, and leaves nothing when one of them fails.
    async fn migrate(&self) -> Result<()> {
        let mut transaction = self.write().await.map_err(StoreError::Migration)?;
        // Not `run`: with a borrowed connection, its future is `Send` for no compiler yet.
        MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(StoreError::Migrate)?;
        transaction.commit().await.map_err(StoreError::Migration)
    }

    /// Begins a transaction that holds the write lock from its beginning: what it reads stays true
    /// until it ends, and it never fails half way for want of the lock.
    async fn write(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }
}

/// Opens the file. Two processes that make it at once both want it in WAL mode, which is the one
/// lock that SQLite does not wait for: who does not get it tries again and finds it done.
async fn connect(options: SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS);
    for _ in 0..BUSY_TIMEOUT.as_millis() / BUSY_PAUSE.as_millis() {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) => tokio::time::sleep(BUSY_PAUSE).await,
            result => return result,
        }
    }
    pool.connect_with(options).await
}

/// Whether it is SQLITE_BUSY (5), in its low byte as in every extended code of it.
fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}
