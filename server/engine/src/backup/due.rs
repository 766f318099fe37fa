//! Taking backups when they are due: what the engine does of itself.
//!
//! [`step`] looks once at all schedules and asks for what is due; [`spawn`] does it again and again,
//! woken by nothing but time. What is asked for are operations like any other, by nobody: they wait their
//! turn, are seen, can be cancelled. After one succeeded, what its policy does not keep is removed by
//! another.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use domain::backup::{BackupOrder, PruneOrder};
use domain::change::{Change, PlainChange};
use domain::failure::{Failure, chain};
use domain::operation::Actor;
use domain::time::UnixMillis;

use super::schedule::{self, InForce};
use crate::config;
use crate::engine::Engine;

/// How often is looked: no schedule is finer than a minute.
const EVERY: Duration = Duration::from_secs(60);

/// Looks at all schedules, and at what crashes left behind, for as long as the engine lives.
///
/// # Errors
/// When there is no thread to be had.
pub(crate) fn spawn(engine: &Arc<Engine>) -> io::Result<()> {
    // Putting right may start a VServer, whose hooks may take long: no backup, and no request, waits for it.
    again_and_again(engine, "recovery", |engine| {
        // A command that was killed may have left a VServer standing still: it does not wait for the
        // next command.
        for operation in engine.recover() {
            tracing::info!(id = %operation.id, target = %operation.target, "recovered");
        }
        // One that rebooted itself while somebody was busy with it waits for nobody either.
        engine.catch_up();
    })?;
    again_and_again(engine, "schedule", |engine| {
        step(engine, engine.clock().now());
    })
}

fn again_and_again(engine: &Arc<Engine>, name: &str, what: fn(&Arc<Engine>)) -> io::Result<()> {
    let engine = Arc::downgrade(engine);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            what(&engine);
            drop(engine);
            std::thread::park_timeout(EVERY);
        }
    })?;
    Ok(())
}

/// Asks for every backup that is due now, and for the removal of what is not kept any more; gives what
/// was asked for.
pub fn step(engine: &Arc<Engine>, now: UnixMillis) -> Vec<Change> {
    let roots = &engine.instance().settings.roots;
    let names = config::list_names(roots).unwrap_or_else(|error| {
        tracing::error!(error = chain(&error), "schedules cannot be looked at");
        Vec::new()
    });
    let mut asked = Vec::new();
    for name in names {
        let in_force = match schedule::read(roots, &name) {
            Ok(Some(in_force)) => in_force,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!(%name, error = chain(&error), "no schedule of backups");
                continue;
            }
        };
        // Another host is asked when something is due by what is known here, not every minute.
        let attempts = schedule::attempts(roots, &name);
        let InForce { schedule, since } = in_force;
        let last = attempts.success_at(&schedule.target);
        let tried = attempts.at_targets.get(&schedule.target).map(|last| last.at);
        if schedule.is_due(now, since, last, tried) {
            let order = BackupOrder {
                vserver: name.clone(),
                target: schedule.target.clone(),
                pause: false,
            };
            ask(engine, PlainChange::Backup(order).into(), &mut asked);
            continue;
        }
        // Nothing new since the last look: nothing to remove.
        let is_fresh = last.is_some_and(|last| now.millis_since(last) < FRESH_MS);
        if !is_fresh {
            continue;
        }
        let order = PruneOrder { vserver: name, target: None, keep: None };
        ask(engine, Change::PruneBackups(order), &mut asked);
    }
    asked
}

/// How long after a backup is looked for what it makes superfluous.
const FRESH_MS: u64 = 10 * 60_000;

fn ask(engine: &Arc<Engine>, change: Change, asked: &mut Vec<Change>) {
    match engine.submit(change.clone(), Actor::System) {
        Ok(_) => asked.push(change),
        Err(Failure::NothingToChange) => {}
        // Busy, or the queue is full: it is asked for again in a minute.
        Err(failure) => tracing::info!(%failure, "a backup that is due waits"),
    }
}
