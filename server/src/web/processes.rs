//! What processes of VServers do now: measured every two seconds while a page shows them, and when one is
//! rendered.
//!
//! Invariants: nothing is asked while nobody looks; whoever looks at the same moment is shown the same
//! measurement. What a process used is of the time between two measurements, and of none when the one before
//! is too old. Who may see processes is decided by those who ask here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::failure::Failure;
use domain::process::{CpuRates, MeasuredProcesses, cpu_rates};
use protocol::message::OnBehalfOf;
use protocol::{Reply, Request};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::engine_client::EngineClient;
use super::follow::other_reply;

/// How often they are measured.
const PERIOD: Duration = Duration::from_secs(2);
/// How long the engine has for it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How old the measurement before may be for a rate to be one of now, in milliseconds.
const OLDEST_MS: u64 = 60_000;

/// The processes as they were measured last.
type Measured = Option<Arc<MeasuredProcesses>>;

/// Measures processes.
pub(crate) struct Processes {
    engine: EngineClient,
    on_behalf_of: OnBehalfOf,
    last: Mutex<Measured>,
    told: watch::Sender<Measured>,
    /// How many pages show them.
    watchers: watch::Sender<usize>,
}

/// A page that shows processes; closed when dropped.
pub(crate) struct Watching {
    processes: Arc<Processes>,
    news: watch::Receiver<Measured>,
}

impl Watching {
    /// The next measurement; none when there will be no more.
    pub(crate) async fn next(&mut self) -> Measured {
        loop {
            self.news.changed().await.ok()?;
            if let Some(measured) = self.news.borrow_and_update().clone() {
                return Some(measured);
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.processes.watchers.send_modify(|watchers| *watchers -= 1);
    }
}

impl Processes {
    /// Begins to measure for whoever will look. Within the runtime.
    pub(crate) fn start(engine: EngineClient, on_behalf_of: OnBehalfOf) -> Arc<Self> {
        let processes = Arc::new(Self {
            engine,
            on_behalf_of,
            last: Mutex::default(),
            told: watch::Sender::new(None),
            watchers: watch::Sender::new(0),
        });
        tokio::spawn(processes.clone().measure());
        processes
    }

    /// Opens a page's eye.
    pub(crate) fn watch(self: &Arc<Self>) -> Watching {
        let news = self.told.subscribe();
        self.watchers.send_modify(|watchers| *watchers += 1);
        Watching { processes: self.clone(), news }
    }

    /// Measures now.
    pub(crate) async fn now(&self) -> Result<Arc<MeasuredProcesses>, Failure> {
        let for_whom = self.on_behalf_of.clone();
        let answer = self.engine.ask_within(for_whom, Request::ListProcesses, PATIENCE).await?;
        let Reply::Processes(list) = answer.reply else { return Err(other_reply()) };
        let mut last = self.last();
        // A clock that was put back says nothing about how long it was.
        let is_recent = |before: &&Arc<MeasuredProcesses>| {
            list.at >= before.list.at && list.at.millis_since(before.list.at) <= OLDEST_MS
        };
        let before = last.as_ref().filter(is_recent);
        let rates = match before.map(|before| (before, cpu_rates(&before.list, &list))) {
            // Too soon: what was used by then is still what is used now, and the one before is kept.
            Some((before, None)) => {
                let rates = before.rates.clone();
                return Ok(Arc::new(MeasuredProcesses { list, rates }));
            }
            Some((_, Some(rates))) => rates,
            None => CpuRates::default(),
        };
        let measured = Arc::new(MeasuredProcesses { list, rates });
        *last = Some(measured.clone());
        Ok(measured)
    }

    fn last(&self) -> MutexGuard<'_, Measured> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Measures while somebody looks.
    async fn measure(self: Arc<Self>) {
        let mut watchers = self.watchers.subscribe();
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if watchers.wait_for(|watchers| *watchers > 0).await.is_err() {
                return;
            }
            ticks.tick().await;
            if *watchers.borrow_and_update() == 0 {
                continue;
            }
            match self.now().await {
                Ok(measured) => {
                    self.told.send_replace(Some(measured));
                }
                Err(Failure::EngineDown) => {}
                Err(failure) => tracing::warn!(%failure, "measuring processes"),
            }
        }
    }
}
