//! The logs of operations, in pieces that end where a line ends.
//!
//! A line is whole in one piece, so that a search that looks at each piece finds what a line
//! holds; and only the last piece grows, so that a long log does not cost more a line.

use domain::id::OperationId;
use domain::operation::LogChunk;
use sqlx::SqliteConnection;

use crate::operation::fold;
use crate::{Result, Store, StoreError};

/// From how many bytes on a piece takes no further line.
const PIECE_BYTES: usize = 4096;

impl Store {
    /// Adds a piece of an operation's log that begins at byte `offset`. What is there already is
    /// passed over.
    ///
    /// # Errors
    /// [`StoreError::NoSuchOperation`]; [`StoreError::LogDoesNotContinue`], which says where the
    /// log ends; or when the database cannot be written.
    pub async fn append_log(&self, id: &OperationId, offset: u64, text: &str) -> Result<()> {
        let wrong = |source| StoreError::Log { id: id.clone(), source };
        let mut transaction = self.write().await.map_err(wrong)?;
        if !is_known(&mut transaction, id).await? {
            return Err(StoreError::NoSuchOperation { id: id.clone() });
        }
        let last: Option<(i64, String)> = sqlx::query_as(
            "SELECT first_byte, text FROM operation_log_pieces WHERE operation_id = ?
             ORDER BY first_byte DESC LIMIT 1",
        )
        .bind(id.as_str())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(wrong)?;
        let (first_byte, last) = last.unwrap_or_default();
        let has = saturating_u64(first_byte) + last.len() as u64;
        let new = has
            .checked_sub(offset)
            .and_then(|known| text.get(text.len().min(saturating_usize(known))..))
            .ok_or_else(|| StoreError::LogDoesNotContinue { id: id.clone(), has, offset })?;
        let (rest_of_last, next) = split(&last, new);
        if !rest_of_last.is_empty() {
            sqlx::query(
                "INSERT INTO operation_log_pieces (operation_id, first_byte, bytes, text, searched)
                 VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (operation_id, first_byte) DO UPDATE
                 SET bytes = bytes + excluded.bytes, text = text || excluded.text,
                     searched = searched || excluded.searched",
            )
            .bind(id.as_str())
            .bind(first_byte)
            .bind(saturating_i64(rest_of_last.len() as u64))
            .bind(rest_of_last)
            .bind(fold(rest_of_last))
            .execute(&mut *transaction)
            .await
            .map_err(wrong)?;
        }
        if !next.is_empty() {
            sqlx::query(
                "INSERT INTO operation_log_pieces (operation_id, first_byte, bytes, text, searched)
                 VALUES (?, ?, ?, ?, ?)",
            )
            .bind(id.as_str())
            .bind(saturating_i64(has + rest_of_last.len() as u64))
            .bind(saturating_i64(next.len() as u64))
            .bind(next)
            .bind(fold(next))
            .execute(&mut *transaction)
            .await
            .map_err(wrong)?;
        }
        transaction.commit().await.map_err(wrong)
    }

    /// How many bytes of an operation's log there are; 0 as well when there is no such operation.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn log_bytes(&self, id: &OperationId) -> Result<u64> {
        let bytes: Option<i64> = sqlx::query_scalar(
            "SELECT max(first_byte + bytes) FROM operation_log_pieces WHERE operation_id = ?",
        )
        .bind(id.as_str())
        .fetch_one(&self.pool)
        .await
        .map_err(|source| StoreError::Log { id: id.clone(), source })?;
        Ok(saturating_u64(bytes.unwrap_or(0)))
    }

    /// A piece of an operation's log from byte `offset` on, or from the next whole character; at
    /// most `max_bytes`, cut between lines where one ends in it, but never less than a character. `None` when there is no such operation.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn operation_log(
        &self,
        id: &OperationId,
        offset: u64,
        max_bytes: usize,
    ) -> Result<Option<LogChunk>> {
        // First, so that nothing that was logged before the end is missed.
        let Some(operation) = self.operation(id).await? else {
            return Ok(None);
        };
        let end = offset.saturating_add(max_bytes as u64);
        let pieces: Vec<(i64, String)> = sqlx::query_as(
            "SELECT first_byte, text FROM operation_log_pieces
             WHERE operation_id = ? AND first_byte + bytes > ? AND first_byte <= ?
             ORDER BY first_byte",
        )
        .bind(id.as_str())
        .bind(saturating_i64(offset))
        .bind(saturating_i64(end))
        .fetch_all(&self.pool)
        .await
        .map_err(|source| StoreError::Log { id: id.clone(), source })?;
        let base = pieces.first().map_or(offset, |(first_byte, _)| saturating_u64(*first_byte));
        let text: String = pieces.into_iter().map(|(_, text)| text).collect();
        let from = text.ceil_char_boundary(saturating_usize(offset.saturating_sub(base)));
        let rest = text.get(from..).unwrap_or_default();
        let least = rest.chars().next().map_or(0, char::len_utf8);
        let cut = rest.floor_char_boundary(max_bytes).max(least);
        // A note is understood whole.
        let line_end = rest.get(..cut).and_then(|piece| piece.rfind('\n'));
        let cut = line_end.filter(|_| cut < rest.len()).map_or(cut, |end| end + 1);
        let is_last = base + (from + cut) as u64 >= self.log_bytes(id).await?;
        Ok(Some(LogChunk {
            offset: base + from as u64,
            text: rest.get(..cut).unwrap_or_default().to_owned(),
            open: !(is_last && operation.progress.is_final()),
        }))
    }
}

async fn is_known(connection: &mut SqliteConnection, id: &OperationId) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM operations WHERE id = ?)")
        .bind(id.as_str())
        .fetch_one(connection)
        .await
        .map_err(StoreError::Operations)
}

/// What of `new` goes to the last piece, and what begins the next one.
fn split<'a>(last: &str, new: &'a str) -> (&'a str, &'a str) {
    if last.len() < PIECE_BYTES {
        return (new, "");
    }
    if last.ends_with('\n') {
        return ("", new);
    }
    new.split_at(new.find('\n').map_or(new.len(), |end| end + 1))
}

fn saturating_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn saturating_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn saturating_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
