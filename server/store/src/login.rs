//! Failed log-ins. What follows from their number is the caller's to decide.

use domain::time::UnixMillis;

use crate::{Result, Store, StoreError};

/// How long failed log-ins are kept at least, in milliseconds: 24 hours. No lock-out may look
/// further back.
pub const FAILED_LOGINS_KEPT_MILLIS: i64 = 24 * 60 * 60 * 1000;

impl Store {
    /// Notes a failed log-in of `subject`: `user:NAME` or `peer:ADDRESS`.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn note_failed_login(&self, subject: &str, at: UnixMillis) -> Result<()> {
        sqlx::query("INSERT INTO failed_logins (subject, at) VALUES (?, ?)")
            .bind(subject)
            .bind(at.0)
            .execute(&self.pool)
            .await
            .map_err(StoreError::FailedLogins)?;
        Ok(())
    }

    /// How many log-ins of `subject` have failed from `since` on, and when the last one did.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn failed_logins(
        &self,
        subject: &str,
        since: UnixMillis,
    ) -> Result<(u32, Option<UnixMillis>)> {
        let (count, last): (i64, Option<i64>) = sqlx::query_as(
            "SELECT count(*), max(at) FROM failed_logins WHERE subject = ? AND at >= ?",
        )
        .bind(subject)
        .bind(since.0)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::FailedLogins)?;
        Ok((u32::try_from(count).unwrap_or(u32::MAX), last.map(UnixMillis)))
    }

    /// Forgets the failed log-ins of `subject`.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn clear_failed_logins(&self, subject: &str) -> Result<()> {
        sqlx::query("DELETE FROM failed_logins WHERE subject = ?")
            .bind(subject)
            .execute(&self.pool)
            .await
            .map_err(StoreError::FailedLogins)?;
        Ok(())
    }
}
