//! Batches: one change to many VServers, each an operation of its own.
//!
//! A batch has a thread of its own and takes none of the queue's workers: its VServers are worked on by
//! threads of which there are at most [`PLACES`] for all batches together, so that a batch of hundreds
//! keeps nobody's single start waiting, and a batch waits for nothing that waits for it.
//!
//! Each of its changes is judged and written down when its turn has come: until then its VServer is free for
//! others. Whose turn it is and when it stops is [`crate::batch`]'s.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, Scope};
use std::time::Duration;

use domain::batch::{Batch, BatchView, Forecast, Halt, Outcome};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::id::OperationId;
use domain::note::Note;
use domain::operation::{Actor, Operation, Progress, Stage};

use super::{Asked, Engine, InHand, Job, LONG_LOCK_PATIENCE, lock};
use crate::batch::{self, Course};
use crate::lifecycle::foresee_start;
use crate::operation::{BatchTask, Observer, Silent, Task, Work, crash_point};

/// How many VServers batches work on at once, all batches together.
const PLACES: usize = 16;
/// How many batches may be under way.
const BATCHES: usize = 8;
/// How often a batch that waits for its operations looks whether it is to stop, or has a place.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What batches have of this process.
#[derive(Debug, Default)]
pub(super) struct Batches {
    under_way: Arc<Mutex<usize>>,
    taken: Arc<Mutex<usize>>,
}

/// A place, or being under way; given back when dropped.
pub(super) struct Held(Arc<Mutex<usize>>);

impl Drop for Held {
    fn drop(&mut self) {
        *lock(&self.0) -= 1;
    }
}

/// One of so many, if one is left.
fn take(count: &Arc<Mutex<usize>>, most: usize) -> Option<Held> {
    let mut taken = lock(count);
    (*taken < most).then(|| {
        *taken += 1;
        Held(Arc::clone(count))
    })
}

/// What an operation of a batch tells it.
enum Word {
    Begun(usize, OperationId),
    Ended(usize, Outcome),
}

impl Engine {
    /// Writes a batch down. What is in it is judged when its turn comes.
    pub(super) fn prepare_batch(&self, batch: Batch, actor: Actor) -> Result<Job, Failure> {
        let id = self.ids.operation_id();
        self.write_down_as(id.clone(), Task::Batch(Box::new(BatchTask { id, batch })), actor.into())
    }

    /// Begins a batch in a thread of its own; it is `under_way` until it has ended.
    pub(super) fn begin_batch(self: &Arc<Self>, job: Job, under_way: Held) -> Operation {
        let operation = job.operation.clone();
        let id = operation.id.clone();
        lock(&self.cancels).insert(id.clone(), job.cancel.clone());
        let engine = Arc::clone(self);
        let begun = thread::Builder::new().name("batch".to_owned()).spawn(move || {
            engine.execute_batch(job, &Silent);
            lock(&engine.cancels).remove(&id);
            drop(under_way);
        });
        if let Err(error) = begun {
            // What was written down is found again as what a crash left.
            tracing::error!(%error, "no thread for a batch");
        }
        operation
    }

    /// One of the batches that may be under way, unless there are as many as may be.
    pub(super) fn one_more_batch(&self) -> Result<Held, Failure> {
        take(&self.batches.under_way, BATCHES).ok_or(Failure::QueueFull { limit: BATCHES })
    }

    /// Does a batch to its end.
    pub(super) fn execute_batch(&self, job: Job, observer: &dyn Observer) -> Operation {
        let InHand { mut work, task, .. } = self.work(job, observer);
        let Task::Batch(task) = task else {
            return work.end(Progress::Failed { failure: Failure::Interrupted });
        };
        work.begin(true);
        // Its operations name it: whoever finds them finds it.
        if let Err(error) = work.keep() {
            return work.end(Progress::Failed { failure: error.into() });
        }
        crash_point("batch:begun");
        let (outcomes, halt) = self.go_through(&mut work, &task.batch, observer);
        batch::end(work, &task.batch, &outcomes, halt)
    }

    fn go_through(
        &self,
        work: &mut Work<'_>,
        batch: &Batch,
        observer: &dyn Observer,
    ) -> (Vec<Outcome>, Option<Halt>) {
        let (tell, hear) = channel();
        thread::scope(|scope| {
            let mut course = Course::new(batch);
            let mut running = BTreeMap::new();
            loop {
                if work.is_cancelled() && course.halt(Halt::Cancelled) {
                    running.values().for_each(|id| self.cancel_one(id));
                }
                while let Some((index, change)) = course.next() {
                    let Some(place) = take(&self.batches.taken, PLACES) else { break };
                    course.begin();
                    let asked = Asked {
                        actor: work.operation().actor.clone(),
                        batch: Some(work.id().clone()),
                    };
                    self.begin_one(scope, (index, change), asked, observer, (tell.clone(), place));
                }
                if course.is_over() {
                    return course.outcomes();
                }
                let Some(word) = heard(&hear) else { continue };
                match word {
                    Word::Begun(index, operation) => {
                        if let Some(name) = course.name(index) {
                            let (name, operation) = (name.clone(), operation.clone());
                            work.note(&Note::OneOfManyBegun { name, operation });
                        }
                        if course.halted() == Some(Halt::Cancelled) {
                            self.cancel_one(&operation);
                        }
                        running.insert(index, operation);
                        crash_point("batch:one-begun");
                    }
                    Word::Ended(index, outcome) => {
                        running.remove(&index);
                        if let Some(name) = course.name(index) {
                            let (name, outcome) = (name.clone(), outcome.clone());
                            work.note(&Note::OneOfManyEnded { name, outcome });
                        }
                        course.end(index, outcome);
                        work.progress(Stage::DoingEach, course.permille());
                        crash_point("batch:one-ended");
                    }
                }
            }
        })
    }

    /// Asks one of a batch to stop. One that has ended meanwhile needs no word.
    fn cancel_one(&self, id: &OperationId) {
        if let Err(failure) = self.cancel(id) {
            tracing::warn!(%id, %failure, "one of a batch was not told to stop");
        }
    }

    fn begin_one<'scope, 'env: 'scope>(
        &'env self,
        scope: &'scope Scope<'scope, 'env>,
        (index, change): (usize, &'env PlainChange),
        asked: Asked,
        observer: &'env dyn Observer,
        (tell, place): (Sender<Word>, Held),
    ) {
        let to_tell = tell.clone();
        let begun =
            thread::Builder::new().name("one-of-many".to_owned()).spawn_scoped(scope, move || {
                let begun = |id| drop(tell.send(Word::Begun(index, id)));
                let outcome = self.do_one(change, asked, observer, begun);
                drop(place);
                let _ = tell.send(Word::Ended(index, outcome));
            });
        if let Err(error) = begun {
            let failure = Failure::Unexpected { detail: format!("making a thread: {error}") };
            let outcome = Outcome::of_failure(change.kind(), failure);
            let _ = to_tell.send(Word::Ended(index, outcome));
        }
    }

    /// One of a batch, from being judged to its end.
    fn do_one(
        &self,
        change: &PlainChange,
        asked: Asked,
        observer: &dyn Observer,
        begun: impl FnOnce(OperationId),
    ) -> Outcome {
        let kind = change.kind();
        let job = match self.prepare_plain(change.clone(), asked) {
            Ok(job) => job,
            Err(failure) => return Outcome::of_failure(kind, failure),
        };
        let id = job.operation.id.clone();
        lock(&self.cancels).insert(id.clone(), job.cancel.clone());
        observer.moved(&job.operation);
        begun(id.clone());
        let ended = self.execute(job, observer, LONG_LOCK_PATIENCE);
        lock(&self.cancels).remove(&id);
        Outcome::of_progress(kind, &ended.progress).unwrap_or_else(|| {
            Outcome::of_failure(kind, Failure::Unexpected { detail: "no end".to_owned() })
        })
    }

    /// A batch and how far each of it is.
    ///
    /// # Errors
    /// When there is no such batch.
    pub fn batch(&self, id: &OperationId) -> Result<BatchView, Failure> {
        batch::view(&self.store, id)
    }

    /// What each of a batch would come to if it were asked for now; changes nothing.
    #[must_use]
    pub fn foresee(&self, batch: &Batch) -> Vec<Forecast> {
        let one = |change: &PlainChange| {
            let roots = &self.instance.settings.roots;
            let judged = self.judge_one(change).and_then(|()| match change {
                PlainChange::Start(name) => foresee_start(roots, name),
                _ => Ok(()),
            });
            let refused = judged.err();
            let refusal = refused.map(|failure| Outcome::of_failure(change.kind(), failure));
            change.of_many().map(|name| Forecast { name: name.clone(), refusal })
        };
        batch.changes().iter().filter_map(one).collect()
    }
}

/// What was said next; none when nothing was for a while.
fn heard(hear: &Receiver<Word>) -> Option<Word> {
    // Disconnected it never is: this side holds a sender too.
    hear.recv_timeout(LOOK_EVERY).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_taken_than_there_are_whoever_asks_at_the_same_time() {
        let count = Arc::default();
        let took = || {
            thread::scope(|scope| {
                let asked: Vec<_> =
                    (0..64).map(|_| scope.spawn(|| take(&count, BATCHES))).collect();
                asked.into_iter().filter_map(|one| one.join().unwrap()).collect::<Vec<_>>()
            })
        };
        let held = took();
        assert_eq!(held.len(), BATCHES);
        assert!(take(&count, BATCHES).is_none());
        drop(held);
        assert_eq!(*lock(&count), 0);
        assert_eq!(took().len(), BATCHES);
    }
}
