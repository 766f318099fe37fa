//! A batch as it goes: whose turn it is, when no more are begun, what it comes to, how far it is, and what
//! becomes of it after a crash.
//!
//! What became of each is written into the batch's own log before the next is looked at, so that its
//! page needs nothing else. After a crash the operations that were begun are put right as every other; those
//! that were not are not begun any more, and the batch ends by naming them: whoever asked for it looks
//! before the rest is done.

use domain::batch::{Batch, BatchRow, BatchView, Halt, Outcome, RowState, Tally};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::id::{OperationId, VServerName};
use domain::note::Note;
use domain::operation::{Operation, Progress};

use crate::operation::{OperationError, Store, Task, Work};

/// How many of those that failed are named with the batch's own failure.
const NAMED: usize = 20;

/// Whose turn it is in a batch.
#[derive(Debug)]
pub(crate) struct Course<'a> {
    batch: &'a Batch,
    next: usize,
    running: usize,
    ended: Vec<Option<Outcome>>,
    halt: Option<Halt>,
}

impl<'a> Course<'a> {
    /// Before the first.
    pub(crate) fn new(batch: &'a Batch) -> Self {
        let ended = batch.changes().iter().map(|_| None).collect();
        Self { batch, next: 0, running: 0, ended, halt: None }
    }

    /// The one that may be begun now.
    pub(crate) fn next(&self) -> Option<(usize, &'a PlainChange)> {
        let canaries = self.batch.canaries();
        let waits_for_canaries =
            self.next >= canaries && self.ended.iter().take(canaries).any(Option::is_none);
        if self.halt.is_some()
            || self.running >= self.batch.pace().at_once.get()
            || waits_for_canaries
        {
            return None;
        }
        self.batch.changes().get(self.next).map(|change| (self.next, change))
    }

    /// The next one is begun.
    pub(crate) fn begin(&mut self) {
        self.next += 1;
        self.running += 1;
    }

    /// One that was begun has ended.
    pub(crate) fn end(&mut self, index: usize, outcome: Outcome) {
        self.running = self.running.saturating_sub(1);
        let is_good = outcome.is_good();
        if let Some(slot) = self.ended.get_mut(index) {
            *slot = Some(outcome);
        }
        if index < self.batch.canaries() && !is_good {
            self.halt(Halt::CanaryFailed);
        }
        let failed = Tally::of(self.ended.iter().flatten()).failed;
        if self.batch.pace().stop_after_failures.is_some_and(|most| failed >= most.get()) {
            self.halt(Halt::TooManyFailed);
        }
    }

    /// No more are begun; whether this is new. That somebody cancelled it counts more than a failure.
    pub(crate) fn halt(&mut self, why: Halt) -> bool {
        let is_new = match self.halt {
            None => true,
            Some(Halt::Cancelled) => false,
            Some(_) => why == Halt::Cancelled,
        };
        if is_new {
            self.halt = Some(why);
        }
        is_new
    }

    /// Why no more are begun.
    pub(crate) fn halted(&self) -> Option<Halt> {
        self.halt
    }

    /// Whether nothing more will happen.
    pub(crate) fn is_over(&self) -> bool {
        let is_at_end = self.next >= self.batch.changes().len();
        self.running == 0 && (self.halt.is_some() || is_at_end)
    }

    /// How much of it is done.
    pub(crate) fn permille(&self) -> u16 {
        let done = self.ended.iter().flatten().count() * 1000;
        u16::try_from(done / self.ended.len().max(1)).unwrap_or(1000)
    }

    /// The VServer of one of it.
    pub(crate) fn name(&self, index: usize) -> Option<&'a VServerName> {
        self.batch.changes().get(index).and_then(PlainChange::of_many)
    }

    /// What each came to, and why some were not begun.
    pub(crate) fn outcomes(self) -> (Vec<Outcome>, Option<Halt>) {
        let of = |outcome: Option<Outcome>| outcome.unwrap_or(Outcome::NotBegun);
        (self.ended.into_iter().map(of).collect(), self.halt)
    }
}

/// Ends a batch: its result names those that failed.
pub(crate) fn end(
    mut work: Work<'_>,
    batch: &Batch,
    outcomes: &[Outcome],
    halt: Option<Halt>,
) -> Operation {
    let tally = Tally::of(outcomes);
    if let Some(halt) = halt.filter(|_| tally.not_begun > 0) {
        work.note(&Note::NoMoreBegun { halt, left: tally.not_begun });
    }
    if tally.is_good() {
        return work.end(Progress::Succeeded);
    }
    let names = batch.changes().iter().filter_map(PlainChange::of_many);
    let failed = names.zip(outcomes).filter(|(_, one)| matches!(one, Outcome::Failed { .. }));
    let failed = failed.map(|(name, _)| name.clone()).take(NAMED).collect();
    let failure = Failure::Batch { tally, failed };
    work.note(&Note::Failed { failure: Box::new(failure.clone()) });
    work.end(match halt {
        Some(Halt::Cancelled) => Progress::Cancelled,
        _ => Progress::Failed { failure },
    })
}

/// Ends a batch whose process is gone and whose operations have been put right.
pub(crate) fn put_right(store: &Store, mut work: Work<'_>) -> Result<Operation, OperationError> {
    let id = work.id().clone();
    let Task::Batch(task) = store.task(&id)? else {
        return Ok(work.end(Progress::Failed { failure: Failure::Interrupted }));
    };
    let of_it = store.list(Some(&id), usize::MAX)?;
    let of_it: Vec<_> = of_it.iter().filter(|one| one.batch.as_ref() == Some(&id)).collect();
    let mut told = Told::read(store, &id)?;
    let mut outcomes = Vec::new();
    for change in task.batch.changes() {
        let Some(name) = change.of_many() else { continue };
        if let Some(outcome) = told.outcome_of(name) {
            outcomes.push(outcome);
            continue;
        }
        let one = of_it.iter().find(|one| one.target == *name);
        let ended = one.and_then(|one| Outcome::of_progress(one.kind, &one.progress));
        if let (Some(one), Some(outcome)) = (one, &ended) {
            let (name, operation) = (name.clone(), one.id.clone());
            work.note(&Note::OneOfManyBegun { name: name.clone(), operation });
            work.note(&Note::OneOfManyEnded { name, outcome: outcome.clone() });
        }
        outcomes.push(ended.unwrap_or(Outcome::NotBegun));
    }
    Ok(end(work, &task.batch, &outcomes, Some(Halt::Interrupted)))
}

/// A batch and how far each of it is.
///
/// # Errors
/// When there is no such batch, or it cannot be read.
pub(crate) fn view(store: &Store, id: &OperationId) -> Result<BatchView, Failure> {
    let Task::Batch(task) = store.task(id)? else {
        return Err(Failure::NoSuchOperation { id: id.clone() });
    };
    // First, so that an end that is told meanwhile is not taken for none.
    let is_over = store.read(id)?.progress.is_final();
    let mut told = Told::read(store, id)?;
    let row = |change: &PlainChange| {
        let name = change.of_many()?.clone();
        let operation = told.operation_of(&name);
        let state = match (told.outcome_of(&name), &operation) {
            (Some(outcome), _) => RowState::Ended { outcome },
            (None, Some(operation)) => match store.read(operation) {
                Ok(one) => RowState::Running { progress: one.progress },
                Err(_) => RowState::Waiting,
            },
            (None, None) if is_over => RowState::Ended { outcome: Outcome::NotBegun },
            (None, None) => RowState::Waiting,
        };
        Some(BatchRow { name, kind: change.kind(), operation, state })
    };
    let rows = task.batch.changes().iter().filter_map(row).collect();
    Ok(BatchView { batch: task.batch, rows })
}

/// What a batch's log says of each.
#[derive(Default)]
struct Told(std::collections::BTreeMap<VServerName, (Option<OperationId>, Option<Outcome>)>);

impl Told {
    fn read(store: &Store, id: &OperationId) -> Result<Self, OperationError> {
        let mut told = Self::default();
        let mut offset = 0;
        loop {
            let chunk = store.read_log(id, offset)?;
            if chunk.text.is_empty() {
                return Ok(told);
            }
            offset += chunk.text.len() as u64;
            for note in chunk.text.lines().filter_map(Note::of_line) {
                match note {
                    Note::OneOfManyBegun { name, operation } => {
                        told.0.entry(name).or_default().0 = Some(operation);
                    }
                    Note::OneOfManyEnded { name, outcome } => {
                        told.0.entry(name).or_default().1 = Some(outcome);
                    }
                    _ => {}
                }
            }
        }
    }

    fn operation_of(&mut self, name: &VServerName) -> Option<OperationId> {
        self.0.get(name)?.0.clone()
    }

    fn outcome_of(&mut self, name: &VServerName) -> Option<Outcome> {
        self.0.get_mut(name)?.1.take()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use domain::batch::Pace;

    use super::*;

    fn batch(count: usize, at_once: u8, canary: u16, stop_after: u16) -> Batch {
        let start = |n| PlainChange::Start(format!("v{n}").parse().unwrap());
        let pace = Pace {
            at_once: at_once.try_into().unwrap(),
            canary: NonZeroU16::new(canary),
            stop_after_failures: NonZeroU16::new(stop_after),
        };
        Batch::new((0..count).map(start).collect(), pace).unwrap()
    }

    fn failed() -> Outcome {
        Outcome::of_failure(domain::operation::Kind::Start, Failure::Interrupted)
    }

    /// Begins all that may be begun now.
    fn begun(course: &mut Course<'_>) -> Vec<usize> {
        let mut begun = Vec::new();
        while let Some((index, _)) = course.next() {
            course.begin();
            begun.push(index);
        }
        begun
    }

    #[test]
    fn no_more_are_done_at_once_than_was_said() {
        let batch = batch(5, 2, 0, 0);
        let mut course = Course::new(&batch);
        assert_eq!(begun(&mut course), [0, 1]);
        course.end(1, failed());
        assert_eq!(begun(&mut course), [2]);
        course.end(0, Outcome::Done);
        course.end(2, Outcome::Done);
        assert_eq!(course.permille(), 600);
        assert_eq!(begun(&mut course), [3, 4]);
        course.end(4, Outcome::Done);
        assert!(!course.is_over());
        course.end(3, Outcome::Done);
        assert!(course.is_over());
        let tally = Tally::of(&course.outcomes().0);
        assert_eq!((tally.done, tally.failed, tally.not_begun), (4, 1, 0));
    }

    #[test]
    fn the_others_wait_for_the_canaries_and_are_spared_when_one_fails() {
        let batch = batch(5, 4, 2, 0);
        let mut course = Course::new(&batch);
        assert_eq!(begun(&mut course), [0, 1]);
        course.end(0, Outcome::Done);
        assert!(begun(&mut course).is_empty());
        course.end(1, Outcome::Done);
        assert_eq!(begun(&mut course), [2, 3, 4]);

        let mut course = Course::new(&batch);
        begun(&mut course);
        course.end(0, failed());
        assert!(!course.is_over(), "the other canary runs");
        course.end(1, Outcome::Done);
        assert!(begun(&mut course).is_empty());
        let (outcomes, halt) = course.outcomes();
        assert_eq!((Tally::of(&outcomes).not_begun, halt), (3, Some(Halt::CanaryFailed)));
    }

    #[test]
    fn so_many_failures_are_borne_and_no_more() {
        let batch = batch(6, 1, 0, 2);
        let mut course = Course::new(&batch);
        for outcome in [failed(), Outcome::Done, failed()] {
            let [index] = begun(&mut course)[..] else { panic!("one at a time") };
            course.end(index, outcome);
        }
        assert!(course.is_over());
        let (outcomes, halt) = course.outcomes();
        assert_eq!((Tally::of(&outcomes).not_begun, halt), (3, Some(Halt::TooManyFailed)));
    }

    #[test]
    fn what_is_cancelled_begins_nothing_and_waits_for_what_runs() {
        let batch = batch(3, 2, 0, 1);
        let mut course = Course::new(&batch);
        begun(&mut course);
        course.end(0, failed());
        assert!(course.halt(Halt::Cancelled));
        assert!(!course.halt(Halt::Cancelled), "once is enough");
        assert!(!course.is_over());
        course.end(1, Outcome::Cancelled);
        assert!(course.is_over());
        assert_eq!(course.outcomes().1, Some(Halt::Cancelled));
    }
}
