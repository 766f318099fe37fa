//! What was measured: added up over tiers without loss, bounded, renamed and forgotten with its VServer.

use domain::metrics::slot::{Aggregate, Range, Slot, Tier};
use domain::metrics::{Metric, Series, Values};
use domain::time::UnixMillis;
use proptest::prelude::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use store::{MAX_SERIES_BYTES, MISSING_SERIES_KEPT_MILLIS, Measured, Store};

use crate::Fixture;

/// A midnight.
const MIDNIGHT: UnixMillis = UnixMillis(1_795_478_400_000);
const PERIOD: i64 = Tier::Seconds.period_ms();

fn web() -> Series {
    Series::VServer("web".parse().unwrap())
}

fn slot(values: &[u64]) -> Slot {
    let mut slot = Slot::default();
    for value in values {
        slot.add(&Values::default().with(Metric::Memory, *value).with(Metric::Cpu, value / 3));
    }
    slot
}

fn measured(series: &Series, number: i64, value: u64) -> Measured {
    let begins_at = MIDNIGHT.plus_millis(number * PERIOD);
    Measured { series: series.clone(), begins_at, slot: slot(&[value]) }
}

async fn history(
    store: &Store,
    series: &Series,
    range: Range,
    until: i64,
) -> Vec<(i64, Aggregate)> {
    let until = MIDNIGHT.plus_millis(until);
    let history = store.metric_history(series, range, until, &[]).await.unwrap();
    let memory =
        |(at, slot): (UnixMillis, Slot)| (at.0 - MIDNIGHT.0, slot.get(Metric::Memory).unwrap());
    history.slots.into_iter().map(memory).collect()
}

/// Values of ten seconds each, in flushes of some length.
async fn keep(store: &Store, values: &[u64], flush: usize) {
    let all: Vec<Measured> =
        (0..).zip(values).map(|(number, value)| measured(&web(), number, *value)).collect();
    for batch in all.chunks(flush) {
        let until = batch.last().unwrap().begins_at.plus_millis(PERIOD);
        store.put_metrics(batch, until).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_not_over_yet_is_shown_too() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let values: Vec<u64> = (1..=45).collect();
    keep(&store, &values, 6).await;
    let until = 45 * PERIOD;
    let hour = history(&store, &web(), Range::Hour, until).await;
    assert_eq!(hour.len(), 45);
    let five_minutes = history(&store, &web(), Range::FiveMinutes, until).await;
    assert_eq!(five_minutes.len(), 29, "the thirtieth has only begun");
    let day = history(&store, &web(), Range::Day, until).await;
    let [(0, whole), (300_000, open)] = day.as_slice() else { panic!("{day:?}") };
    assert_eq!((whole.min, whole.max, whole.count, whole.mean()), (1, 30, 30, 15));
    assert_eq!((open.min, open.max, open.count), (31, 45, 15));
    for range in [Range::Week, Range::Year] {
        let slots = history(&store, &web(), range, until).await;
        let [(0, all)] = slots.as_slice() else { panic!("{range:?}: {slots:?}") };
        assert_eq!((all.min, all.max, all.count, all.sum), (1, 45, 45, 45 * 46 / 2));
    }
    // What is not kept yet belongs to it.
    let recent = [(MIDNIGHT.plus_millis(until), slot(&[1000]))];
    let now = MIDNIGHT.plus_millis(until + 5_000);
    let year = store.metric_history(&web(), Range::Year, now, &recent).await.unwrap();
    assert_eq!(year.slots[0].1.get(Metric::Memory).unwrap().max, 1000);
    assert_eq!(history(&store, &Series::Host, Range::Hour, until).await, []);
}

#[tokio::test]
async fn a_time_nobody_measured_is_a_gap_and_what_was_interrupted_is_made_later() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    // Two minutes before an hour's end the process dies, and lives again two hours later.
    let before: Vec<Measured> = (300..348).map(|n| measured(&web(), n, 5)).collect();
    store.put_metrics(&before, before.last().unwrap().begins_at).await.unwrap();
    let later = 3 * 360;
    let after = [measured(&web(), later, 7)];
    store.put_metrics(&after, after[0].begins_at.plus_millis(PERIOD)).await.unwrap();
    let week = history(&store, &web(), Range::Week, (later + 1) * PERIOD).await;
    let hours: Vec<_> = week.iter().map(|(at, one)| (at / 3_600_000, one.count)).collect();
    assert_eq!(hours, [(0, 48), (3, 1)]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_loses_nothing_that_comes_after() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    keep(&store, &[9; 60], 6).await;
    let early = MIDNIGHT.plus_millis(-86_400_000);
    for number in 0..60 {
        let begins_at = early.plus_millis(number * PERIOD);
        let one = Measured { series: web(), begins_at, slot: slot(&[4]) };
        store.put_metrics(&[one], begins_at.plus_millis(PERIOD)).await.unwrap();
    }
    let until = early.plus_millis(60 * PERIOD);
    let day = store.metric_history(&web(), Range::Day, until, &[]).await.unwrap();
    let counts: Vec<_> =
        day.slots.iter().map(|(_, slot)| slot.get(Metric::Memory).unwrap().count).collect();
    assert_eq!(counts, [30, 30]);
}

#[tokio::test]
async fn a_history_follows_its_vserver() {
    let Fixture { store, directory: _directory } = Fixture::new().await;
    let (old, new, gone) = ("web", "www", "gone");
    let of = |name: &str| Series::VServer(name.parse().unwrap());
    let batch = [measured(&of(old), 0, 1), measured(&of(new), 0, 2), measured(&of(gone), 0, 3)];
    store.put_metrics(&batch, MIDNIGHT.plus_millis(PERIOD)).await.unwrap();
    let max = async |name: &str| {
        history(&store, &of(name), Range::Hour, PERIOD).await.first().map(|(_, one)| one.max)
    };
    // Twice, as an operation may be told twice.
    for _ in 0..2 {
        store.rename_metrics(&old.parse().unwrap(), &new.parse().unwrap()).await.unwrap();
        assert_eq!((max(old).await, max(new).await), (None, Some(1)));
    }
    let present = [new.parse().unwrap()];
    let hour = MISSING_SERIES_KEPT_MILLIS;
    for (at, is_kept) in [(0, true), (hour - 1, true), (hour, false)] {
        store.sweep_metrics(&present, MIDNIGHT.plus_millis(at)).await.unwrap();
        assert_eq!(max(gone).await.is_some(), is_kept, "{at}");
        assert_eq!(max(new).await, Some(1));
    }
    // One that comes back in time begins to be missing anew.
    store.sweep_metrics(&[], MIDNIGHT).await.unwrap();
    store.sweep_metrics(&present, MIDNIGHT.plus_millis(hour)).await.unwrap();
    store.sweep_metrics(&[], MIDNIGHT.plus_millis(hour + 1)).await.unwrap();
    assert_eq!(max(new).await, Some(1));
    store.forget_metrics(&new.parse().unwrap()).await.unwrap();
    assert_eq!(max(new).await, None);
}

/// Numbers as long as any that a host of today measures: every rate and size up to 2⁴³.
fn long_slot(count: u32) -> Slot {
    let value = (1_u64 << 43) - 1;
    let values = Metric::ALL
        .into_iter()
        .fold(Values::default(), |values, metric| values.with(metric, value));
    let mut slot = Slot::default();
    for _ in 0..count {
        slot.add(&values);
    }
    slot
}

/// What the database takes, with nothing left in its write-ahead log.
async fn bytes_of(directory: &tempfile::TempDir) -> u64 {
    let path = directory.path().join("ulysse.sqlite3");
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path)).await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    std::fs::metadata(&path).unwrap().len()
}

#[tokio::test]
async fn five_hundred_vservers_and_a_year_take_a_fixed_size() {
    let Fixture { store, directory } = Fixture::new().await;
    let empty = bytes_of(&directory).await;
    // A year and more, as one writes it that lives for moments only; then two days, and an hour, with all there
    // is: every ring is full, and written over.
    let series: Vec<Series> =
        (0..4).map(|n| Series::VServer(format!("vserver{n}").parse().unwrap())).collect();
    let mut at = MIDNIGHT;
    for day in 0..400 {
        let (steps, step) = if day >= 398 { (288, 300_000) } else { (1, 86_400_000) };
        for _ in 0..steps {
            let batch: Vec<Measured> = series
                .iter()
                .map(|one| Measured {
                    series: one.clone(),
                    begins_at: Tier::Seconds.begin_of(at),
                    slot: long_slot(1),
                })
                .collect();
            at = at.plus_millis(step);
            store.put_metrics(&batch, at).await.unwrap();
        }
    }
    for number in 0..Tier::Seconds.slots() + 40 {
        let begins_at = at.plus_millis(number * PERIOD);
        let batch: Vec<Measured> = series
            .iter()
            .map(|one| Measured { series: one.clone(), begins_at, slot: long_slot(1) })
            .collect();
        store.put_metrics(&batch, begins_at.plus_millis(PERIOD)).await.unwrap();
    }
    let until = at.plus_millis((Tier::Seconds.slots() + 40) * PERIOD - 1);
    let mut slots = 0;
    for range in [Range::Hour, Range::Day, Range::Week, Range::Year] {
        let history = store.metric_history(&series[0], range, until, &[]).await.unwrap();
        assert!(history.slots.len() as i64 <= range.tier().slots(), "{range:?}");
        slots += history.slots.len() as u64;
    }
    assert!(slots > 360 + 288 + 40 + 360, "{slots}");
    let bytes = bytes_of(&directory).await;
    let of_each = (bytes - empty) / series.len() as u64;
    assert!(of_each < MAX_SERIES_BYTES, "{of_each} of {MAX_SERIES_BYTES}");
    // And of 500 VServers and the host, as long as they live:
    const { assert!(MAX_SERIES_BYTES * 501 < 320_000_000) };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// However it is cut into flushes, every tier holds the sum, the extremes and the number of what was
    /// measured in its slots.
    #[test]
    fn tiers_agree(values in prop::collection::vec(0_u64..1 << 40, 1..800), flush in 1_usize..40) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let Fixture { store, directory: _directory } = Fixture::new().await;
            keep(&store, &values, flush).await;
            let until = values.len() as i64 * PERIOD;
            for range in [Range::Hour, Range::Day, Range::Week, Range::Year] {
                let tier = range.tier();
                let parts = usize::try_from(tier.period_ms() / PERIOD).unwrap();
                let kept = history(&store, &web(), range, until).await;
                let expected: Vec<(i64, Aggregate)> = (0..)
                    .zip(values.chunks(parts))
                    .map(|(number, chunk)| (number * tier.period_ms(), Aggregate {
                        min: *chunk.iter().min().unwrap(),
                        max: *chunk.iter().max().unwrap(),
                        sum: chunk.iter().sum(),
                        count: u32::try_from(chunk.len()).unwrap(),
                    }))
                    .collect();
                // The ring of seconds holds an hour, the last slot of which has only begun.
                let skip = expected.len().saturating_sub(
                    if tier == Tier::Seconds { 359 } else { usize::MAX });
                assert_eq!(kept, &expected[skip..], "{range:?}");
            }
        });
    }
}
