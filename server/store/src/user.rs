//! Users. They are made, changed and disabled, never deleted.

use std::fmt;

use domain::id::{UserId, UserName};
use domain::time::UnixMillis;
use domain::user::{Role, User};
use sqlx::SqliteConnection;

use crate::{Result, Store, StoreError};

/// A user to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Their name.
    pub name: UserName,
    /// What they may do.
    pub role: Role,
    /// The hash of their password, a PHC string.
    pub password_hash: String,
    /// Whether they must choose another password at the next log-in.
    pub must_change_password: bool,
    /// Now.
    pub created_at: UnixMillis,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// A row of `users`, the password hash aside.
#[derive(sqlx::FromRow)]
struct UserRow {
    id: i64,
    name: String,
    role: String,
    disabled: bool,
    must_change_password: bool,
    created_at: i64,
    last_login_at: Option<i64>,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;
    fn try_from(row: UserRow) -> Result<Self> {
        let wrong = |column| move |source| StoreError::Value { column, source };
        Ok(Self {
            id: UserId(row.id),
            name: row.name.parse().map_err(wrong("users.name"))?,
            role: row.role.parse().map_err(wrong("users.role"))?,
            disabled: row.disabled,
            must_change_password: row.must_change_password,
            created_at: UnixMillis(row.created_at),
            last_login_at: row.last_login_at.map(UnixMillis),
        })
    }
}

impl Store {
    /// All users, sorted by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn users(&self) -> Result<Vec<User>> {
        sqlx::query_as::<_, UserRow>(
            "SELECT id, name, role, disabled, must_change_password, created_at, last_login_at
             FROM users ORDER BY name",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::Users)?
        .into_iter()
        .map(User::try_from)
        .collect()
    }

    /// The user of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn user(&self, id: UserId) -> Result<Option<User>> {
        sqlx::query_as::<_, UserRow>(
            "SELECT id, name, role, disabled, must_change_password, created_at, last_login_at
             FROM users WHERE id = ?",
        )
        .bind(id.0)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::Users)?
        .map(User::try_from)
        .transpose()
    }

    /// The user of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn user_by_name(&self, name: &UserName) -> Result<Option<User>> {
        sqlx::query_as::<_, UserRow>(
            "SELECT id, name, role, disabled, must_change_password, created_at, last_login_at
             FROM users WHERE name = ?",
        )
        .bind(name.as_str())
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::Users)?
        .map(User::try_from)
        .transpose()
    }

    /// The hash of a user's password, a PHC string.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn password_hash(&self, id: UserId) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT password_hash FROM users WHERE id = ?")
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::Users)
    }

    /// Whether there is an administrator who can log in.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_administrator(&self) -> Result<bool> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::Users)?;
        has_administrator(&mut connection).await
    }

    /// Makes a user.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], or when the database cannot be written.
    pub async fn create_user(&self, new: NewUser) -> Result<User> {
        let mut transaction = self.write().await.map_err(StoreError::Users)?;
        let user = insert(&mut transaction, new).await?;
        transaction.commit().await.map_err(StoreError::Users)?;
        Ok(user)
    }

    /// Keeps a user out, or lets them in again, and ends their sessions.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUser`]; [`StoreError::LastAdministrator`]; or when the database cannot
    /// be written.
    pub async fn set_user_disabled(&self, id: UserId, disabled: bool) -> Result<()> {
        let mut transaction = self.write().await.map_err(StoreError::Users)?;
        let had_administrator = has_administrator(&mut transaction).await?;
        let change = sqlx::query("UPDATE users SET disabled = ? WHERE id = ?")
            .bind(disabled)
            .bind(id.0)
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::Users)?;
        finish_change(transaction, id, change.rows_affected(), had_administrator).await
    }

    /// Gives a user another role, and ends their sessions, so that no old right lives on.
    ///
    /// # Errors
    /// As [`Store::set_user_disabled`].
    pub async fn set_user_role(&self, id: UserId, role: Role) -> Result<()> {
        let mut transaction = self.write().await.map_err(StoreError::Users)?;
        let had_administrator = has_administrator(&mut transaction).await?;
        let change = sqlx::query("UPDATE users SET role = ? WHERE id = ?")
            .bind(role.as_str())
            .bind(id.0)
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::Users)?;
        finish_change(transaction, id, change.rows_affected(), had_administrator).await
    }

    /// Gives a user another password, and ends their sessions but the one whose key is
    /// `keep_session`.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUser`], or when the database cannot be written.
    pub async fn set_password(
        &self,
        id: UserId,
        hash: &str,
        must_change: bool,
        keep_session: Option<&str>,
    ) -> Result<()> {
        let mut transaction = self.write().await.map_err(StoreError::Users)?;
        let change = sqlx::query(
            "UPDATE users SET password_hash = ?, must_change_password = ? WHERE id = ?",
        )
        .bind(hash)
        .bind(must_change)
        .bind(id.0)
        .execute(&mut *transaction)
        .await
        .map_err(StoreError::Users)?;
        if change.rows_affected() == 0 {
            return Err(StoreError::NoSuchUser);
        }
        end_sessions(&mut transaction, id, keep_session).await?;
        transaction.commit().await.map_err(StoreError::Users)
    }

    /// Notes that a user has logged in.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUser`], or when the database cannot be written.
    pub async fn note_login(&self, id: UserId, at: UnixMillis) -> Result<()> {
        let change = sqlx::query("UPDATE users SET last_login_at = ? WHERE id = ?")
            .bind(at.0)
            .bind(id.0)
            .execute(&self.pool)
            .await
            .map_err(StoreError::Users)?;
        if change.rows_affected() == 0 { Err(StoreError::NoSuchUser) } else { Ok(()) }
    }
}

/// Whether there is an administrator who can log in.
pub(crate) async fn has_administrator(connection: &mut SqliteConnection) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE role = ? AND disabled = 0)")
        .bind(Role::Administrator.as_str())
        .fetch_one(connection)
        .await
        .map_err(StoreError::Users)
}

/// Makes a user within a transaction.
pub(crate) async fn insert(connection: &mut SqliteConnection, new: NewUser) -> Result<User> {
    let result = sqlx::query(
        "INSERT INTO users (name, role, password_hash, must_change_password, created_at)
         VALUES (?, ?, ?, ?, ?)",
    )
    .bind(new.name.as_str())
    .bind(new.role.as_str())
    .bind(new.password_hash)
    .bind(new.must_change_password)
    .bind(new.created_at.0)
    .execute(connection)
    .await;
    match result {
        Ok(done) => Ok(User {
            id: UserId(done.last_insert_rowid()),
            name: new.name,
            role: new.role,
            disabled: false,
            must_change_password: new.must_change_password,
            created_at: new.created_at,
            last_login_at: None,
        }),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
            Err(StoreError::NameTaken { name: new.name })
        }
        Err(error) => Err(StoreError::Users(error)),
    }
}

/// Ends the sessions of a changed user and commits, unless there was an administrator and now is
/// none: then the transaction is dropped and nothing has changed.
async fn finish_change(
    mut transaction: sqlx::Transaction<'_, sqlx::Sqlite>,
    id: UserId,
    changed_rows: u64,
    had_administrator: bool,
) -> Result<()> {
    if changed_rows == 0 {
        return Err(StoreError::NoSuchUser);
    }
    if had_administrator && !has_administrator(&mut transaction).await? {
        return Err(StoreError::LastAdministrator);
    }
    end_sessions(&mut transaction, id, None).await?;
    transaction.commit().await.map_err(StoreError::Users)
}

async fn end_sessions(
    connection: &mut SqliteConnection,
    id: UserId,
    keep: Option<&str>,
) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE user_id = ? AND key IS NOT ?")
        .bind(id.0)
        .bind(keep)
        .execute(connection)
        .await
        .map_err(StoreError::Sessions)?;
    Ok(())
}
