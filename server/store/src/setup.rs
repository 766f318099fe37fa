//! Set-up: the way in while there is no administrator. Tokens come in hashed.

use domain::time::UnixMillis;
use domain::user::{Role, User};
use sqlx::SqliteConnection;

use crate::user::{has_administrator, insert};
use crate::{NewUser, Result, Store, StoreError};

impl Store {
    /// Keeps the hash of a set-up token.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn add_setup_token(&self, hash: &str, expires_at: UnixMillis) -> Result<()> {
        sqlx::query("INSERT INTO setup_tokens (hash, expires_at) VALUES (?, ?)")
            .bind(hash)
            .bind(expires_at.0)
            .execute(&self.pool)
            .await
            .map_err(StoreError::SetupTokens)?;
        Ok(())
    }

    /// Whether the token of this hash can make the first administrator now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn setup_token_is_valid(&self, hash: &str, now: UnixMillis) -> Result<bool> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::SetupTokens)?;
        is_valid(&mut connection, hash, now).await
    }

    /// Makes the first administrator, whatever role `first` has, and uses up every token.
    ///
    /// # Errors
    /// [`StoreError::SetupLinkInvalid`]; [`StoreError::NameTaken`]; or when the database cannot be
    /// written.
    pub async fn set_up(&self, hash: &str, now: UnixMillis, first: NewUser) -> Result<User> {
        let mut transaction = self.write().await.map_err(StoreError::SetupTokens)?;
        if !is_valid(&mut transaction, hash, now).await? {
            return Err(StoreError::SetupLinkInvalid);
        }
        let first = NewUser { role: Role::Administrator, ..first };
        let user = insert(&mut transaction, first).await?;
        sqlx::query("DELETE FROM setup_tokens")
            .execute(&mut *transaction)
            .await
            .map_err(StoreError::SetupTokens)?;
        transaction.commit().await.map_err(StoreError::SetupTokens)?;
        Ok(user)
    }
}

async fn is_valid(connection: &mut SqliteConnection, hash: &str, now: UnixMillis) -> Result<bool> {
    let is_known: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM setup_tokens WHERE hash = ? AND expires_at > ?)",
    )
    .bind(hash)
    .bind(now.0)
    .fetch_one(&mut *connection)
    .await
    .map_err(StoreError::SetupTokens)?;
    Ok(is_known && !has_administrator(connection).await?)
}
