//! Sessions: opaque data under the hash of each session's id.

use domain::id::UserId;
use domain::time::UnixMillis;
use sqlx::SqlitePool;

use crate::{FAILED_LOGINS_KEPT_MILLIS, Result, Store, StoreError};

/// A session.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The SHA-256 of the session's id, in hexadecimal digits.
    pub key: String,
    /// Who is logged in with it.
    pub user: Option<UserId>,
    /// What the web process keeps in it.
    pub data: Vec<u8>,
    /// Until when it is valid.
    pub expires_at: UnixMillis,
}

impl std::fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRow")
            .field("user", &self.user)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Makes a session. `false` when there is one of this key already.
    ///
    /// # Errors
    /// When the database cannot be written, or there is no such user.
    pub async fn create_session(&self, row: SessionRow) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO sessions (key, user_id, data, expires_at) VALUES (?, ?, ?, ?)
             ON CONFLICT (key) DO NOTHING",
        )
        .bind(row.key)
        .bind(row.user.map(|user| user.0))
        .bind(row.data)
        .bind(row.expires_at.0)
        .execute(&self.pool)
        .await
        .map_err(StoreError::Sessions)?;
        Ok(done.rows_affected() > 0)
    }

    /// Writes a session that was made with [`Store::create_session`]. One that has been ended in
    /// the meantime stays ended: a request that was under way when its user was disabled must not
    /// bring their session back.
    ///
    /// # Errors
    /// When the database cannot be written, or there is no such user.
    pub async fn save_session(&self, row: SessionRow) -> Result<()> {
        sqlx::query("UPDATE sessions SET user_id = ?, data = ?, expires_at = ? WHERE key = ?")
            .bind(row.user.map(|user| user.0))
            .bind(row.data)
            .bind(row.expires_at.0)
            .bind(row.key)
            .execute(&self.pool)
            .await
            .map_err(StoreError::Sessions)?;
        Ok(())
    }

    /// The session of this key, unless it has expired.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn session(&self, key: &str, now: UnixMillis) -> Result<Option<SessionRow>> {
        let row: Option<(Option<i64>, Vec<u8>, i64)> = sqlx::query_as(
            "SELECT user_id, data, expires_at FROM sessions WHERE key = ? AND expires_at > ?",
        )
        .bind(key)
        .bind(now.0)
        .fetch_optional(&self.pool)
        .await
        .map_err(StoreError::Sessions)?;
        Ok(row.map(|(user, data, expires_at)| SessionRow {
            key: key.to_owned(),
            user: user.map(UserId),
            data,
            expires_at: UnixMillis(expires_at),
        }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete_session(&self, key: &str) -> Result<()> {
        sqlx::query("DELETE FROM sessions WHERE key = ?")
            .bind(key)
            .execute(&self.pool)
            .await
            .map_err(StoreError::Sessions)?;
        Ok(())
    }

    /// Deletes what time has made useless: expired sessions and set-up tokens, and failed log-ins
    /// older than [`FAILED_LOGINS_KEPT_MILLIS`]. Says how many rows that were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn delete_expired(&self, now: UnixMillis) -> Result<u64> {
        let old = now.plus_millis(-FAILED_LOGINS_KEPT_MILLIS);
        let sessions = delete(&self.pool, "DELETE FROM sessions WHERE expires_at <= ?", now)
            .await
            .map_err(StoreError::Sessions)?;
        let tokens = delete(&self.pool, "DELETE FROM setup_tokens WHERE expires_at <= ?", now)
            .await
            .map_err(StoreError::SetupTokens)?;
        let failed = delete(&self.pool, "DELETE FROM failed_logins WHERE at <= ?", old)
            .await
            .map_err(StoreError::FailedLogins)?;
        Ok(sessions + tokens + failed)
    }
}

async fn delete(
    pool: &SqlitePool,
    statement: &'static str,
    until: UnixMillis,
) -> sqlx::Result<u64> {
    Ok(sqlx::query(statement).bind(until.0).execute(pool).await?.rows_affected())
}
