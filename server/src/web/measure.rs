//! Measures: one loop, always, for what pages show live and for what is kept for a year.
//!
//! Invariants: while somebody looks at numbers the engine is asked every two seconds, else every ten; five
//! minutes of that stay in memory, for the charts of a page that is opened. Slots of ten seconds go to the
//! store once a minute, in one transaction, when they are over: a crash loses a minute. A history follows its
//! VServer when that is renamed, and goes when it is gone for good; one that is made begins with none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use domain::failure::Failure;
use domain::id::VServerName;
use domain::metrics::measure::Measurement;
use domain::metrics::slot::{Slot, Tier};
use domain::metrics::{Reading, Series, Values};
use domain::operation::{Kind, Operation, Progress};
use domain::time::UnixMillis;
use protocol::{Reply, Request};
use store::Measured;
use tokio::time::Instant;

use super::follow::{Follow, News, log, other_reply};

/// How often is measured while somebody looks, and how often somebody who looks at something else is told that
/// the engine is gone.
const LIVE_PERIOD: Duration = Duration::from_secs(2);
/// How often while nobody looks: a slot of the finest tier.
const IDLE_PERIOD: Duration = Duration::from_millis(Tier::Seconds.period_ms().unsigned_abs());
/// How often what was measured is kept.
const KEEP_PERIOD: Duration = Duration::from_secs(60);
/// How long the engine has for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much stays in memory, in milliseconds.
const KEPT_MS: u64 = 5 * 60 * 1000;

/// What was measured at one moment.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) at: UnixMillis,
    /// As the engine says it.
    pub(crate) measurement: Measurement,
    /// What follows for the host; rates are since the time before.
    pub(crate) host: Values,
}

/// What was measured and is not in the store.
#[derive(Default)]
pub(super) struct Measures {
    kept: VecDeque<Arc<Samples>>,
    last: BTreeMap<Series, Reading>,
    slots: BTreeMap<(Series, UnixMillis), Slot>,
}

impl Measures {
    fn take(&mut self, at: UnixMillis, measurement: Measurement) -> Arc<Samples> {
        // What a clock said that was put back since has no place: it would be young until that time comes again.
        self.kept.retain(|old| old.at <= at);
        let begins_at = Tier::Seconds.begin_of(at);
        self.slots.retain(|(_, old), _| *old <= begins_at);
        let host = Reading::of_host(at, &measurement.host, &measurement.resources);
        let of_vservers = measurement.vservers.iter().map(|one| {
            let reading = Reading::of_vserver(at, &one.usage, &one.resources);
            (Series::VServer(one.name.clone()), reading)
        });
        let fresh: BTreeMap<Series, Reading> = of_vservers.chain([(Series::Host, host)]).collect();
        for (series, reading) in &fresh {
            let values = reading.since(self.last.get(series));
            self.slots.entry((series.clone(), begins_at)).or_default().add(&values);
        }
        let samples =
            Arc::new(Samples { at, measurement, host: host.since(self.last.get(&Series::Host)) });
        self.last = fresh;
        self.kept.push_back(samples.clone());
        while self.kept.front().is_some_and(|old| at.millis_since(old.at) > KEPT_MS) {
            self.kept.pop_front();
        }
        samples
    }

    /// Takes the slots that begin before this.
    fn take_until(&mut self, until: UnixMillis) -> Vec<Measured> {
        let is_over = |(_, begins_at): &(Series, UnixMillis), _: &mut Slot| *begins_at < until;
        self.slots
            .extract_if(.., is_over)
            .map(|((series, begins_at), slot)| Measured { series, begins_at, slot: slot.as_one() })
            .collect()
    }

    fn of(&self, series: &Series) -> Vec<(UnixMillis, Slot)> {
        let slots = self.slots.iter().filter(|((of, _), _)| of == series);
        slots.map(|((_, begins_at), slot)| (*begins_at, slot.clone().as_one())).collect()
    }

    fn forget(&mut self, name: &VServerName) {
        let series = Series::VServer(name.clone());
        self.last.remove(&series);
        self.slots.retain(|(of, _), _| *of != series);
    }

    fn rename(&mut self, from: &VServerName, to: &VServerName) {
        let (from, to) = (Series::VServer(from.clone()), Series::VServer(to.clone()));
        for (begins_at, slot) in self.of(&from) {
            self.slots.insert((to.clone(), begins_at), slot);
        }
        self.slots.retain(|(of, _), _| *of != from);
        self.last.remove(&from);
    }
}

impl Follow {
    fn measures(&self) -> MutexGuard<'_, Measures> {
        self.measures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was measured within the last five minutes, oldest first.
    pub(crate) fn samples(&self) -> Vec<Arc<Samples>> {
        let now = self.clock.now();
        let measures = self.measures();
        let is_young = |samples: &&Arc<Samples>| now.millis_since(samples.at) <= KEPT_MS;
        measures.kept.iter().filter(is_young).cloned().collect()
    }

    /// What was measured last, if that is not long ago.
    pub(crate) fn last_samples(&self) -> Option<Arc<Samples>> {
        self.samples().pop()
    }

    /// What was measured of a series and is not kept yet, in slots of ten seconds.
    pub(crate) fn recent_slots(&self, series: &Series) -> Vec<(UnixMillis, Slot)> {
        self.measures().of(series)
    }

    /// The loop. It also notices that the engine is gone.
    pub(super) async fn measure(self: Arc<Self>) {
        let mut listeners = self.listeners.subscribe();
        let mut measured: Option<Instant> = None;
        let mut asked: Option<Instant> = None;
        let mut kept = Instant::now();
        loop {
            let (all, for_samples) = *listeners.borrow_and_update();
            let measures_at = match (measured, for_samples) {
                (None, _) => Instant::now(),
                (Some(last), 0) => last + IDLE_PERIOD,
                (Some(last), _) => last + LIVE_PERIOD,
            };
            let asks_at = match (asked, all) {
                (_, 0) => measures_at,
                (last, _) => last.map_or(measures_at, |last| measures_at.min(last + LIVE_PERIOD)),
            };
            tokio::select! {
                () = tokio::time::sleep_until(asks_at) => {}
                changed = listeners.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            }
            let is_due = Instant::now() >= measures_at;
            self.ask_for_numbers(if is_due { Request::Sample } else { Request::Hello }).await;
            asked = Some(Instant::now());
            if is_due {
                measured = asked;
            }
            if kept.elapsed() >= KEEP_PERIOD {
                kept = Instant::now();
                self.keep_measured(Tier::Seconds.begin_of(self.clock.now())).await;
            }
        }
    }

    async fn ask_for_numbers(&self, request: Request) {
        let for_whom = self.on_behalf_of.clone();
        let answer = self.engine.ask_within(for_whom, request, PATIENCE).await;
        match answer.map(|answer| answer.reply) {
            Ok(Reply::Samples(measurement)) => {
                let samples = self.measures().take(self.clock.now(), measurement);
                self.tell(News::Samples(samples));
            }
            Ok(_) | Err(Failure::EngineDown) => {}
            Err(failure) => tracing::warn!(%failure, "measuring usage"),
        }
    }

    /// Keeps what was measured before this.
    pub(super) async fn keep_measured(&self, until: UnixMillis) {
        let measured = self.measures().take_until(until);
        if let Err(error) = self.store.put_metrics(&measured, until).await {
            log(&error, "keeping what was measured");
        }
    }

    /// Keeps all that was measured: this process ends.
    pub(crate) async fn keep_all_measured(&self) {
        self.keep_measured(self.clock.now().plus_millis(1)).await;
    }

    /// Lets histories follow an operation that has ended just now.
    pub(super) async fn move_history(&self, operation: &Operation) {
        let Some(name) = operation.target.vserver() else { return };
        if operation.progress != Progress::Succeeded {
            return;
        }
        let moved = match (operation.kind, &operation.renamed_to) {
            (Kind::Rename, Some(new)) => {
                self.measures().rename(name, new);
                self.store.rename_metrics(name, new).await
            }
            (kind, _) if kind.makes() => {
                self.measures().forget(name);
                self.store.forget_metrics(name).await
            }
            _ => return,
        };
        if let Err(error) = moved {
            log(&error, "letting a history follow its VServer");
        }
    }

    /// Forgets the histories of VServers that are gone for good.
    pub(crate) async fn sweep_histories(&self) -> Result<(), Failure> {
        let Reply::VServers(all) = self.ask(Request::ListVServers).await? else {
            return Err(other_reply());
        };
        let Reply::Bin(bin) = self.ask(Request::ListBin).await? else { return Err(other_reply()) };
        let binned = bin.entries.into_iter().map(|entry| entry.identity.name);
        let present: Vec<VServerName> =
            all.into_iter().map(|summary| summary.name).chain(binned).collect();
        Ok(self.store.sweep_metrics(&present, self.clock.now()).await?)
    }
}

#[cfg(test)]
mod tests {
    use domain::metrics::Metric;
    use domain::metrics::measure::{HostResources, Measured, Resources};
    use domain::vserver::Usage;

    use super::*;

    fn measurement(name: &str, uptime_ms: u64, cpu_ms: u64) -> Measurement {
        let usage = Usage { uptime_ms, user_ms: cpu_ms, memory_bytes: 7, ..Usage::default() };
        let name = name.parse().unwrap();
        let vservers = vec![Measured { name, usage, resources: Resources::default() }];
        Measurement { host: usage, resources: HostResources::default(), vservers }
    }

    fn web() -> Series {
        Series::VServer("web".parse().unwrap())
    }

    #[test]
    fn slots_are_given_away_once_they_are_over() {
        let mut measures = Measures::default();
        for second in (0..=12).step_by(2) {
            let (at, ms) = (UnixMillis(second * 1000), second.unsigned_abs() * 1000);
            measures.take(at, measurement("web", ms, ms / 2));
        }
        let given = measures.take_until(UnixMillis(10_000));
        let whose: Vec<_> = given.iter().map(|one| (&one.series, one.begins_at.0)).collect();
        assert_eq!(whose, [(&Series::Host, 0), (&web(), 0)]);
        let cpu = given[1].slot.get(Metric::Cpu).unwrap();
        assert_eq!((cpu.min, cpu.max, cpu.sum, cpu.count), (500, 500, 500, 1));
        assert!(measures.take_until(UnixMillis(10_000)).is_empty());
        assert_eq!(measures.of(&web()).len(), 1, "the rest is still open");
    }

    #[test]
    fn what_is_in_memory_follows_a_renaming() {
        let mut measures = Measures::default();
        measures.take(UnixMillis(0), measurement("web", 0, 0));
        let (web_name, www) = ("web".parse().unwrap(), "www".parse().unwrap());
        measures.rename(&web_name, &www);
        assert!(measures.of(&web()).is_empty());
        assert_eq!(measures.of(&Series::VServer(www.clone())).len(), 1);
        measures.forget(&www);
        assert!(measures.of(&Series::VServer(www)).is_empty());
    }

    #[test]
    fn five_minutes_stay_in_memory() {
        let mut measures = Measures::default();
        for second in (0..900).step_by(10) {
            measures.take(UnixMillis(second * 1000), measurement("web", 0, 0));
        }
        assert_eq!(measures.kept.len(), 31);
    }

    #[test]
    fn what_a_clock_said_that_was_put_back_is_forgotten() {
        let mut measures = Measures::default();
        let mut take = |second: i64| {
            measures.take(UnixMillis(second * 1000), measurement("web", 0, 0));
            measures.kept.len()
        };
        assert_eq!([take(90_000), take(90_010), take(0), take(10), take(20)], [1, 2, 1, 2, 3]);
        assert!(measures.of(&web()).iter().all(|(at, _)| at.0 <= 20_000));
    }
}
