//! What can go wrong with the database, and what becomes of it for people.

use std::error::Error;
use std::path::PathBuf;

use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::{OperationId, UserName};

/// Result of everything here.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the database did not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be opened or made.
    #[error("opening the database {path}")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The tables are not, and could not be made, this version's.
    #[error("bringing the database to this version")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The transaction around the migrations failed.
    #[error("locking the database to bring it to this version")]
    Migration(#[source] sqlx::Error),
    /// Users could not be read or written.
    #[error("reading or writing users")]
    Users(#[source] sqlx::Error),
    /// Sessions could not be read or written.
    #[error("reading or writing sessions")]
    Sessions(#[source] sqlx::Error),
    /// Failed log-ins could not be read or written.
    #[error("reading or writing failed log-ins")]
    FailedLogins(#[source] sqlx::Error),
    /// Set-up tokens could not be read or written.
    #[error("reading or writing set-up tokens")]
    SetupTokens(#[source] sqlx::Error),
    /// Operations could not be read or written.
    #[error("reading or writing operations")]
    Operations(#[source] sqlx::Error),
    /// An operation's log could not be read or written.
    #[error("reading or writing the log of operation {id}")]
    Log {
        /// Whose.
        id: OperationId,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A value in the database is none that Ulysse writes there.
    #[error("understanding {column} in the database")]
    Value {
        /// Of which table and column.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        source: Problem,
    },
    /// An operation could not be turned into text or back.
    #[error("understanding an operation of the database")]
    OperationText(#[source] serde_json::Error),
    /// What was measured could not be read or written.
    #[error("reading or writing what was measured")]
    Metrics(#[source] sqlx::Error),
    /// Numbers that were measured could not be turned into bytes or back.
    #[error("understanding numbers of the database")]
    MetricNumbers(#[source] postcard::Error),
    /// No user of this id or name.
    #[error("no such user")]
    NoSuchUser,
    /// Another user has this name.
    #[error("user name {name} taken")]
    NameTaken {
        /// The name.
        name: UserName,
    },
    /// It would leave no administrator who can log in.
    #[error("last administrator")]
    LastAdministrator,
    /// The set-up token was used, has expired, never was, or there is an administrator.
    #[error("set-up token not valid")]
    SetupLinkInvalid,
    /// No operation of this id.
    #[error("no operation {id}")]
    NoSuchOperation {
        /// The id.
        id: OperationId,
    },
    /// A piece of a log begins behind what is there, or within a character of it.
    #[error("a piece at byte {offset} does not go on where the log of {id} ends, at byte {has}")]
    LogDoesNotContinue {
        /// Whose log.
        id: OperationId,
        /// How many bytes there are.
        has: u64,
        /// Where the piece begins.
        offset: u64,
    },
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchUser => Self::NoSuchUser,
            StoreError::LastAdministrator => Self::LastAdministrator,
            StoreError::SetupLinkInvalid => Self::SetupLinkInvalid,
            StoreError::NoSuchOperation { id } => Self::NoSuchOperation { id },
            StoreError::NameTaken { .. } => Self::of_field(Field::UserName, Problem::NameTaken),
            other => Self::Unexpected { detail: with_sources(&other) },
        }
    }
}

/// What was being tried, and each cause behind it.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
