//! Operations: copies of the engine's, kept and searched when the engine has forgotten them.

use domain::field::Problem;
use domain::id::{OperationId, VServerName};
use domain::operation::{Actor, Kind, Operation, Progress};
use sqlx::{QueryBuilder, Sqlite};

use crate::{Result, Store, StoreError};

/// Which operations to list. Every field narrows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationFilter {
    /// Only of this VServer, under its name and those it had before it was renamed.
    pub target: Option<VServerName>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only those whose target, actor's name, command or a line of whose log holds this text,
    /// in capital or small letters. No character of it means another.
    pub text: Option<String>,
    /// Only those with an id before this one: the next page.
    pub before: Option<OperationId>,
}

impl Store {
    /// Keeps an operation as it is now. A copy that is older than the one kept changes nothing:
    /// what runs waits no more, and what has ended stays as it ended.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_operation(&self, operation: &Operation) -> Result<()> {
        let json = serde_json::to_string(operation).map_err(StoreError::OperationText)?;
        let target = operation.target.to_string();
        let searched = [target.as_str(), name_of(&operation.actor), &operation.command];
        sqlx::query(
            "INSERT INTO operations (id, target, kind, phase, searched, json)
             VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE
             SET phase = excluded.phase, searched = excluded.searched, json = excluded.json
             WHERE operations.phase < 2 AND excluded.phase >= operations.phase",
        )
        .bind(operation.id.as_str())
        .bind(&target)
        .bind(operation.kind.as_str())
        .bind(phase(&operation.progress))
        .bind(fold(&searched.join("\n")))
        .bind(json)
        .execute(&self.pool)
        .await
        .map_err(StoreError::Operations)?;
        Ok(())
    }

    /// The operation of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn operation(&self, id: &OperationId) -> Result<Option<Operation>> {
        sqlx::query_scalar::<_, String>("SELECT json FROM operations WHERE id = ?")
            .bind(id.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(StoreError::Operations)?
            .map(|json| read(&json))
            .transpose()
    }

    /// Operations, newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn operations(&self, filter: &OperationFilter, limit: u32) -> Result<Vec<Operation>> {
        let mut query = QueryBuilder::<Sqlite>::new("");
        if let Some(target) = &filter.target {
            // Its name, and each one it had up to the renaming that took it away.
            query.push("WITH RECURSIVE called (name, last) AS (VALUES (");
            query.push_bind(target.as_str());
            query.push(
                ", 'Z') UNION
                 SELECT operations.target, min(operations.id, called.last) FROM called
                 JOIN operations ON operations.kind = 'rename' AND operations.phase = 2
                 AND operations.id <= called.last
                 AND json_extract(operations.json, '$.renamed_to') = called.name
                 AND json_extract(operations.json, '$.progress') = 'succeeded') ",
            );
        }
        query.push("SELECT json FROM operations WHERE TRUE");
        if filter.target.is_some() {
            query.push(
                " AND target IN (SELECT name FROM called) AND EXISTS (SELECT 1 FROM called
                 WHERE called.name = operations.target AND operations.id <= called.last)",
            );
        }
        if let Some(kind) = filter.kind {
            query.push(" AND kind = ").push_bind(kind.as_str());
        }
        if let Some(before) = &filter.before {
            query.push(" AND id < ").push_bind(before.as_str());
        }
        if let Some(text) = filter.text.as_deref().filter(|text| !text.is_empty()) {
            // `instr` and not LIKE or a full-text index: it finds every part of a word, knows no
            // wildcards, and what is searched was folded with Unicode's rules, which LIKE is not.
            let text = fold(text);
            query.push(" AND (instr(searched, ").push_bind(text.clone());
            query.push(
                ") > 0 OR EXISTS (SELECT 1 FROM operation_log_pieces AS piece
                 WHERE piece.operation_id = operations.id AND instr(piece.searched, ",
            );
            query.push_bind(text).push(") > 0))");
        }
        query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
        query
            .build_query_scalar::<String>()
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Operations)?
            .iter()
            .map(|json| read(json))
            .collect()
    }

    /// The operations that had not ended when they were last heard of, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn unfinished_operations(&self) -> Result<Vec<OperationId>> {
        sqlx::query_scalar::<_, String>("SELECT id FROM operations WHERE phase < 2 ORDER BY id")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::Operations)?
            .into_iter()
            .map(|id| OperationId::try_from(id).map_err(wrong_id))
            .collect()
    }

    /// The newest operation there is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn newest_operation(&self) -> Result<Option<OperationId>> {
        sqlx::query_scalar::<_, Option<String>>("SELECT max(id) FROM operations")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::Operations)?
            .map(|id| OperationId::try_from(id).map_err(wrong_id))
            .transpose()
    }
}

/// Text as it is searched: in small letters, each character for itself, so that a part of a text
/// folds to a part of the folded text.
pub(crate) fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn read(json: &str) -> Result<Operation> {
    serde_json::from_str(json).map_err(StoreError::OperationText)
}

fn wrong_id(source: Problem) -> StoreError {
    StoreError::Value { column: "operations.id", source }
}

fn phase(progress: &Progress) -> i64 {
    match progress {
        Progress::Queued => 0,
        Progress::Running { .. } => 1,
        Progress::Succeeded | Progress::Failed { .. } | Progress::Cancelled => 2,
    }
}

fn name_of(actor: &Actor) -> &str {
    match actor {
        Actor::User { name, .. } => name.as_str(),
        Actor::CommandLine { login } => login,
        Actor::VServer { name } => name.as_str(),
        Actor::System => "ulysse",
        Actor::Host => "host",
    }
}
