//! What was measured, for a year: see `domain::metrics`.
//!
//! Invariants: a series takes at most [`MAX_SERIES_BYTES`], because each tier is a ring whose slots are
//! written over. A slot of a tier is made once its time is over, of the slots of the tier below and in the
//! transaction that wrote the last of them: who was away in between makes it later, as long as the ring below
//! still has its parts. What is not made yet is made for whoever reads.

use std::collections::BTreeMap;

use domain::id::VServerName;
use domain::metrics::Series;
use domain::metrics::slot::{History, Range, Slot, Tier};
use domain::time::UnixMillis;
use sqlx::SqliteConnection;

use crate::{Result, Store, StoreError};

/// For how long a VServer has to be gone before its history is.
pub const MISSING_SERIES_KEPT_MILLIS: i64 = 60 * 60 * 1000;

/// What a series takes at most in the database, in bytes: all tiers full, every number a long one (2⁴³, eight
/// tebibytes), which makes a row of 352 bytes, and the pages of a table two thirds full. What is measured of a
/// VServer takes about a quarter of that.
pub const MAX_SERIES_BYTES: u64 = {
    let slots =
        Tier::Seconds.slots() + Tier::Minutes.slots() + Tier::Hours.slots() + Tier::Days.slots();
    slots.unsigned_abs() * 352 * 3 / 2
};

/// A slot of ten seconds of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Whose.
    pub series: Series,
    /// When it begins.
    pub begins_at: UnixMillis,
    /// What was measured in it.
    pub slot: Slot,
}

fn key(series: &Series) -> &str {
    match series {
        Series::Host => "",
        Series::VServer(name) => name.as_str(),
    }
}

fn number(tier: Tier) -> i64 {
    match tier {
        Tier::Seconds => 0,
        Tier::Minutes => 1,
        Tier::Hours => 2,
        Tier::Days => 3,
    }
}

fn encode(slot: &Slot) -> Result<Vec<u8>> {
    postcard::to_stdvec(slot).map_err(StoreError::MetricNumbers)
}

fn decode(numbers: &[u8]) -> Result<Slot> {
    postcard::from_bytes(numbers).map_err(StoreError::MetricNumbers)
}

/// Slots of one series by their beginning.
type Slots = BTreeMap<UnixMillis, Slot>;

impl Store {
    /// Keeps what was measured, in one transaction. Everything before `until` has been measured by now: what
    /// tiers can be made of it is made.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn put_metrics(&self, measured: &[Measured], until: UnixMillis) -> Result<()> {
        let mut transaction = self.write().await.map_err(StoreError::Metrics)?;
        for one in measured {
            let id = series_id(&mut transaction, &one.series).await?;
            put(&mut transaction, id, Tier::Seconds, one.begins_at, &one.slot).await?;
        }
        for tier in Tier::ALL {
            if let Some(below) = tier.below() {
                make(&mut transaction, tier, below, until).await?;
            }
        }
        transaction.commit().await.map_err(StoreError::Metrics)
    }

    /// What is known of a series over a range until now. `recent` are slots of ten seconds that are not kept
    /// yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn metric_history(
        &self,
        series: &Series,
        range: Range,
        until: UnixMillis,
        recent: &[(UnixMillis, Slot)],
    ) -> Result<History> {
        let tier = range.tier();
        let from = tier.begin_of(until).plus_millis(tier.period_ms() - range.span_ms());
        let slots = self.slots(series, tier, from, until, recent).await?;
        Ok(History { range, until, slots: slots.into_iter().collect() })
    }

    /// The slots of a tier from one instant to another: those that are kept, and those that can be made.
    async fn slots(
        &self,
        series: &Series,
        tier: Tier,
        from: UnixMillis,
        until: UnixMillis,
        recent: &[(UnixMillis, Slot)],
    ) -> Result<Slots> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT begins_at, numbers FROM metric_slots
             WHERE series_id = (SELECT id FROM metric_series WHERE vserver = ?)
             AND tier = ? AND begins_at BETWEEN ? AND ?",
        )
        .bind(key(series))
        .bind(number(tier))
        .bind(from.0)
        .bind(until.0)
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::Metrics)?;
        let mut slots = Slots::new();
        for (begins_at, numbers) in rows {
            slots.insert(UnixMillis(begins_at), decode(&numbers)?);
        }
        let Some(below) = tier.below() else {
            let is_wanted = |at: &UnixMillis| (from..=until).contains(at);
            slots.extend(recent.iter().filter(|(at, _)| is_wanted(at)).cloned());
            return Ok(slots);
        };
        let made_until: Option<i64> =
            sqlx::query_scalar("SELECT made_until FROM metric_tiers WHERE tier = ?")
                .bind(number(tier))
                .fetch_optional(&self.pool)
                .await
                .map_err(StoreError::Metrics)?;
        let unmade = from.max(UnixMillis(made_until.unwrap_or(0)));
        // One within the other three times at most.
        let parts = Box::pin(self.slots(series, below, unmade, until, recent)).await?;
        let mut fresh = Slots::new();
        for (at, part) in parts {
            fresh.entry(tier.begin_of(at)).or_default().merge(&part);
        }
        slots.extend(fresh);
        Ok(slots)
    }

    /// Lets the history of a VServer follow its renaming. What is known of another one that had the new name
    /// goes.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn rename_metrics(&self, from: &VServerName, to: &VServerName) -> Result<()> {
        let mut transaction = self.write().await.map_err(StoreError::Metrics)?;
        sqlx::query(
            "DELETE FROM metric_series WHERE vserver = ?2
             AND EXISTS (SELECT 1 FROM metric_series WHERE vserver = ?1)",
        )
        .bind(from.as_str())
        .bind(to.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(StoreError::Metrics)?;
        sqlx::query(
            "UPDATE metric_series SET vserver = ?2, missing_since = NULL WHERE vserver = ?1",
        )
        .bind(from.as_str())
        .bind(to.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(StoreError::Metrics)?;
        transaction.commit().await.map_err(StoreError::Metrics)
    }

    /// Forgets the history of a name: another VServer is made that has it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn forget_metrics(&self, of: &VServerName) -> Result<()> {
        sqlx::query("DELETE FROM metric_series WHERE vserver = ?")
            .bind(of.as_str())
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(StoreError::Metrics)
    }

    /// Forgets those that are gone for good: `present` are all there are, in the recycle bin too. One that is
    /// missing is forgotten when it still is an hour later, because it may be being renamed.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn sweep_metrics(&self, present: &[VServerName], now: UnixMillis) -> Result<()> {
        let mut transaction = self.write().await.map_err(StoreError::Metrics)?;
        let known: Vec<(i64, String, Option<i64>)> = sqlx::query_as(
            "SELECT id, vserver, missing_since FROM metric_series WHERE vserver <> ''",
        )
        .fetch_all(&mut *transaction)
        .await
        .map_err(StoreError::Metrics)?;
        for (id, name, missing_since) in known {
            let is_present = present.iter().any(|one| one.as_str() == name);
            let query = match (is_present, missing_since) {
                (true, None) => continue,
                (true, Some(_)) => {
                    sqlx::query("UPDATE metric_series SET missing_since = NULL WHERE id = ?")
                }
                (false, None) => {
                    sqlx::query("UPDATE metric_series SET missing_since = ?2 WHERE id = ?1")
                }
                (false, Some(since)) if now.0 - since >= MISSING_SERIES_KEPT_MILLIS => {
                    sqlx::query("DELETE FROM metric_series WHERE id = ?")
                }
                (false, Some(_)) => continue,
            };
            let query = query.bind(id);
            let query =
                if !is_present && missing_since.is_none() { query.bind(now.0) } else { query };
            query.execute(&mut *transaction).await.map_err(StoreError::Metrics)?;
        }
        transaction.commit().await.map_err(StoreError::Metrics)
    }
}

async fn series_id(connection: &mut SqliteConnection, series: &Series) -> Result<i64> {
    let known = sqlx::query_scalar("SELECT id FROM metric_series WHERE vserver = ?")
        .bind(key(series))
        .fetch_optional(&mut *connection)
        .await
        .map_err(StoreError::Metrics)?;
    if let Some(id) = known {
        return Ok(id);
    }
    sqlx::query_scalar("INSERT INTO metric_series (vserver) VALUES (?) RETURNING id")
        .bind(key(series))
        .fetch_one(connection)
        .await
        .map_err(StoreError::Metrics)
}

async fn put(
    connection: &mut SqliteConnection,
    series_id: i64,
    tier: Tier,
    begins_at: UnixMillis,
    slot: &Slot,
) -> Result<()> {
    sqlx::query(
        "INSERT OR REPLACE INTO metric_slots (series_id, tier, place, begins_at, numbers)
         VALUES (?, ?, ?, ?, ?)",
    )
    .bind(series_id)
    .bind(number(tier))
    .bind(tier.place_of(begins_at))
    .bind(begins_at.0)
    .bind(encode(slot)?)
    .execute(connection)
    .await
    .map(drop)
    .map_err(StoreError::Metrics)
}

/// Makes the slots of a tier whose time is over and that were not made yet, of all series.
async fn make(
    connection: &mut SqliteConnection,
    tier: Tier,
    below: Tier,
    until: UnixMillis,
) -> Result<()> {
    let end = tier.begin_of(until);
    let made: Option<i64> =
        sqlx::query_scalar("SELECT made_until FROM metric_tiers WHERE tier = ?")
            .bind(number(tier))
            .fetch_optional(&mut *connection)
            .await
            .map_err(StoreError::Metrics)?;
    if made == Some(end.0) {
        return Ok(());
    }
    // However long nobody was there: what the ring below still has is made now.
    let parts: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT series.id, slot.begins_at, slot.numbers FROM metric_series AS series
         CROSS JOIN metric_slots AS slot ON slot.series_id = series.id AND slot.tier = ?
         WHERE slot.begins_at >= ? AND slot.begins_at < ?",
    )
    .bind(number(below))
    .bind(made.unwrap_or(i64::MIN))
    .bind(end.0)
    .fetch_all(&mut *connection)
    .await
    .map_err(StoreError::Metrics)?;
    let mut slots: BTreeMap<(i64, UnixMillis), Slot> = BTreeMap::new();
    for (series_id, begins_at, numbers) in parts {
        let begins_at = tier.begin_of(UnixMillis(begins_at));
        slots.entry((series_id, begins_at)).or_default().merge(&decode(&numbers)?);
    }
    for ((series_id, begins_at), slot) in slots {
        put(connection, series_id, tier, begins_at, &slot).await?;
    }
    sqlx::query("INSERT OR REPLACE INTO metric_tiers (tier, made_until) VALUES (?, ?)")
        .bind(number(tier))
        .bind(end.0)
        .execute(connection)
        .await
        .map(drop)
        .map_err(StoreError::Metrics)
}
