//! Carrying a plan out: a thread for each VServer that is under way, and one that says who is next.
//!
//! Invariants: a VServer begins when all it waits for is done with, and no more than so many are under way; each
//! is told of once; what is done to each is an operation.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use domain::boot::schedule::OnFailure;
use domain::boot::{BootEntry, BootOutcome, BootPlan, BootReport, Schedule};
use domain::failure::{Failure, chain};
use domain::id::{OperationId, VServerName};
use domain::operation::{Actor, Operation, Progress};

use super::keep;
use crate::engine::Engine;
use crate::lifecycle::Readiness;

/// How often is looked whether to give up.
const LOOK: Duration = Duration::from_millis(250);

/// How a plan is carried out.
#[derive(Debug, Clone)]
pub struct Order {
    /// How many are under way at once.
    pub at_once: NonZeroUsize,
    /// Who asked.
    pub actor: Actor,
    /// Set by whoever wants no more to begin, and nothing to be waited for.
    pub give_up: Arc<AtomicBool>,
}

/// What becomes of one VServer: what, and by which operation.
type Became = (BootOutcome, Option<OperationId>);

/// Starts VServers in their order, each as soon as what it needs is ready. `told` hears of each.
pub fn start(
    engine: &Arc<Engine>,
    plan: &BootPlan,
    order: &Order,
    told: &mut dyn FnMut(&BootEntry),
) -> BootReport {
    let settings = &engine.instance().settings;
    let patience = Duration::from_secs(settings.boot.ready_seconds.into());
    let skips_late = settings.boot.skip_after_late;
    let act = {
        let (engine, order) = (Arc::clone(engine), order.clone());
        move |name: &VServerName| start_one(&engine, &order, patience, name)
    };
    let is_ready = move |outcome: &BootOutcome| match outcome {
        BootOutcome::Late => !skips_late,
        outcome => outcome.is_good(),
    };
    let schedule = Schedule::new(&plan.steps, order.at_once, OnFailure::Skip);
    let report = carry_out(engine, schedule, order, None, (act, is_ready), told);
    keep(&settings.roots, &report, order.actor == Actor::Host);
    report
}

/// Stops VServers in their order, each once nobody who needs it runs any more. What is not done after `within`
/// is left to the host. `told` hears of each.
pub fn stop(
    engine: &Arc<Engine>,
    plan: &BootPlan,
    order: &Order,
    within: Duration,
    told: &mut dyn FnMut(&BootEntry),
) -> BootReport {
    let act = {
        let (engine, order) = (Arc::clone(engine), order.clone());
        move |name: &VServerName| match engine.stop_with_host(name, order.actor.clone()) {
            Ok(Some(operation)) => (outcome_of(&operation), Some(operation.id)),
            Ok(None) => (BootOutcome::Ready, None),
            Err(failure) => (BootOutcome::Failed(failure), None),
        }
    };
    let schedule = Schedule::new(&plan.steps, order.at_once, OnFailure::GoOn);
    let deadline = Instant::now() + within;
    carry_out(engine, schedule, order, Some(deadline), (act, BootOutcome::is_good), told)
}

fn start_one(engine: &Engine, order: &Order, patience: Duration, name: &VServerName) -> Became {
    let (operation, booting) = match engine.start_with_host(name, order.actor.clone()) {
        Ok(Some(started)) => started,
        Ok(None) => return (BootOutcome::Ran, None),
        Err(failure) => return (BootOutcome::Failed(failure), None),
    };
    let outcome = match (outcome_of(&operation), booting) {
        (BootOutcome::Ready, Some(booting)) => {
            match booting.wait(engine.instance(), patience, &order.give_up) {
                Ok(Readiness::Ready) => BootOutcome::Ready,
                Ok(Readiness::Late | Readiness::GivenUp) => BootOutcome::Late,
                Ok(Readiness::Ended) => BootOutcome::Ended,
                Err(error) => BootOutcome::Failed(Failure::Unexpected { detail: chain(&error) }),
            }
        }
        (outcome, _) => outcome,
    };
    (outcome, Some(operation.id))
}

fn outcome_of(operation: &Operation) -> BootOutcome {
    match &operation.progress {
        Progress::Succeeded => BootOutcome::Ready,
        Progress::Failed { failure } => BootOutcome::Failed(failure.clone()),
        _ => BootOutcome::Failed(Failure::Cancelled),
    }
}

fn carry_out<Act, IsGood>(
    engine: &Engine,
    mut schedule: Schedule,
    order: &Order,
    deadline: Option<Instant>,
    (act, is_good): (Act, IsGood),
    told: &mut dyn FnMut(&BootEntry),
) -> BootReport
where
    Act: Fn(&VServerName) -> Became + Clone + Send + 'static,
    IsGood: Fn(&BootOutcome) -> bool,
{
    let at = engine.clock().now();
    let begun = Instant::now();
    let since =
        |then: Instant| u64::try_from(then.duration_since(begun).as_millis()).unwrap_or(u64::MAX);
    let mut entries: Vec<BootEntry> = Vec::new();
    let mut done = |entry: BootEntry| {
        told(&entry);
        entries.push(entry);
    };
    let not_tried = |name, outcome| {
        let began_ms = since(Instant::now());
        BootEntry { name, began_ms, took_ms: 0, outcome, operation: None }
    };
    let mut under_way: BTreeMap<VServerName, Instant> = BTreeMap::new();
    let (sender, ended) = mpsc::channel();
    while !schedule.is_done() {
        if order.give_up.load(Ordering::Relaxed) {
            for name in schedule.give_up() {
                done(not_tried(name, BootOutcome::GivenUp));
            }
        } else {
            for name in schedule.begin() {
                under_way.insert(name.clone(), Instant::now());
                let (act, to, of) = (act.clone(), sender.clone(), name.clone());
                let spawned =
                    thread::Builder::new().name(format!("boot-{name}")).spawn(move || {
                        let became = act(&of);
                        // Nobody listens after the deadline.
                        let _ = to.send((of, became));
                    });
                if let Err(error) = spawned {
                    let failure = Failure::Unexpected { detail: chain(&error) };
                    let _ = sender.send((name, (BootOutcome::Failed(failure), None)));
                }
            }
        }
        match ended.recv_timeout(LOOK) {
            Ok((name, (outcome, operation))) => {
                let began = under_way.remove(&name).unwrap_or(begun);
                let skipped = schedule.end(&name, is_good(&outcome));
                let (began_ms, took_ms) = (since(began), since(Instant::now()) - since(began));
                done(BootEntry { name, began_ms, took_ms, outcome, operation });
                for one in skipped {
                    done(not_tried(one.name, BootOutcome::Skipped(one.because)));
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            for name in under_way.into_keys().chain(schedule.give_up()) {
                done(not_tried(name, BootOutcome::GivenUp));
            }
            break;
        }
    }
    BootReport { at, entries }
}
