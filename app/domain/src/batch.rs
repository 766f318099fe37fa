//! One change to many VServers as one operation: what is to be done to each, how many at once, and what
//! became of each.
//!
//! Invariants: a [`Batch`] has at least one change and at most [`MOST_CHANGES`], each of a kind that can
//! be one of many, each of another VServer; a batch is in no batch. Whether it may be asked for is said by
//! [`crate::authz::Permit::batch`], which looks at every change in it.
//!
//! Not here: who is next and when it stops (the engine's `batch`), words for people (`app::i18n`).

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use crate::change::PlainChange;
use crate::failure::Failure;
use crate::field::{Field, Problem};
use crate::id::{OperationId, VServerName};
use crate::operation::{Kind, Progress};

/// The most changes of one batch.
pub const MOST_CHANGES: usize = 1000;

/// How many VServers are worked on at once: 1 to 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct AtOnce(u8);

impl AtOnce {
    /// The most.
    pub const MAX: Self = Self(16);

    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0.into()
    }
}

impl Default for AtOnce {
    fn default() -> Self {
        Self(4)
    }
}

impl TryFrom<u8> for AtOnce {
    type Error = Problem;
    fn try_from(number: u8) -> Result<Self, Problem> {
        match number {
            1..=16 => Ok(Self(number)),
            _ => Err(Problem::OutOfRange { min: 1, max: Self::MAX.0.into() }),
        }
    }
}

impl From<AtOnce> for u8 {
    fn from(number: AtOnce) -> Self {
        number.0
    }
}

impl core::str::FromStr for AtOnce {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        text.trim().parse::<u8>().map_err(|_| Problem::NotANumber)?.try_into()
    }
}

/// How a batch goes about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// How many VServers are worked on at once.
    pub at_once: AtOnce,
    /// So many of the first are done before the others, and the others only if all of them succeeded;
    /// none means that all are alike.
    pub canary: Option<NonZeroU16>,
    /// After so many failures no more are begun; none means that the others are done all the same.
    pub stop_after_failures: Option<NonZeroU16>,
}

/// One change to many VServers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unjudged")]
pub struct Batch {
    changes: Vec<PlainChange>,
    pace: Pace,
}

/// What comes from elsewhere and says it is a batch.
#[derive(Deserialize)]
struct Unjudged {
    changes: Vec<PlainChange>,
    pace: Pace,
}

/// Why changes are not a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchProblem {
    /// There is none.
    #[error("no change at all")]
    Empty,
    /// There are too many.
    #[error("more than {MOST_CHANGES} changes")]
    TooMany,
    /// Two are of one VServer.
    #[error("{name} twice")]
    Twice {
        /// Which.
        name: VServerName,
    },
    /// One is of a kind that is only done by itself.
    #[error("{} is not done to many", .kind.as_str())]
    NotOfMany {
        /// Which kind.
        kind: Kind,
    },
}

impl From<BatchProblem> for Failure {
    fn from(problem: BatchProblem) -> Self {
        let problem = match problem {
            BatchProblem::Empty => Problem::NothingChosen,
            BatchProblem::TooMany => Problem::OutOfRange { min: 1, max: MOST_CHANGES as u64 },
            BatchProblem::Twice { name } => Problem::NamedTwice { name },
            BatchProblem::NotOfMany { kind } => Problem::NotOfMany { kind },
        };
        Self::of_field(Field::VServers, problem)
    }
}

impl TryFrom<Unjudged> for Batch {
    type Error = BatchProblem;
    fn try_from(Unjudged { changes, pace }: Unjudged) -> Result<Self, BatchProblem> {
        Self::new(changes, pace)
    }
}

impl Batch {
    /// A batch of these, in this order.
    ///
    /// # Errors
    /// When they are none, too many, two of one VServer, or of a kind that is done by itself.
    pub fn new(changes: Vec<PlainChange>, pace: Pace) -> Result<Self, BatchProblem> {
        if changes.is_empty() {
            return Err(BatchProblem::Empty);
        }
        if changes.len() > MOST_CHANGES {
            return Err(BatchProblem::TooMany);
        }
        let mut seen = BTreeSet::new();
        for change in &changes {
            let Some(name) = change.of_many() else {
                return Err(BatchProblem::NotOfMany { kind: change.kind() });
            };
            if !seen.insert(name) {
                return Err(BatchProblem::Twice { name: name.clone() });
            }
        }
        Ok(Self { changes, pace })
    }

    /// What is done, in order.
    #[must_use]
    pub fn changes(&self) -> &[PlainChange] {
        &self.changes
    }

    /// How.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.pace
    }

    /// How many of the first are done before the others.
    #[must_use]
    pub fn canaries(&self) -> usize {
        let wanted = self.pace.canary.map_or(0, |count| usize::from(count.get()));
        wanted.min(self.changes.len())
    }

    /// What it does, when that is the same for all.
    #[must_use]
    pub fn kind_of_all(&self) -> Option<Kind> {
        let first = self.changes.first()?.kind();
        self.changes.iter().all(|change| change.kind() == first).then_some(first)
    }
}

/// What became of one of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was so already.
    Unneeded {
        /// What was found.
        found: Box<Failure>,
    },
    /// It was refused, or failed and was undone.
    Failed {
        /// Why.
        failure: Box<Failure>,
    },
    /// Somebody cancelled it.
    Cancelled,
    /// Its turn did not come.
    NotBegun,
}

impl Outcome {
    /// Whether the VServer is as it was to be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Done | Self::Unneeded { .. })
    }

    /// What a change that was refused, or failed, for this reason comes to: starting what runs and
    /// stopping what does not is no failure, as with one VServer.
    #[must_use]
    pub fn of_failure(kind: Kind, failure: Failure) -> Self {
        match (kind, failure) {
            (Kind::Start, found @ Failure::AlreadyRunning { .. })
            | (Kind::Stop, found @ Failure::NotRunning { .. })
            | (_, found @ Failure::NothingToChange) => Self::Unneeded { found: Box::new(found) },
            (_, Failure::Cancelled) => Self::Cancelled,
            (_, failure) => Self::Failed { failure: Box::new(failure) },
        }
    }

    /// What an operation that has ended came to; none while it has not.
    #[must_use]
    pub fn of_progress(kind: Kind, progress: &Progress) -> Option<Self> {
        match progress {
            Progress::Queued | Progress::Running { .. } => None,
            Progress::Succeeded => Some(Self::Done),
            Progress::Cancelled => Some(Self::Cancelled),
            Progress::Failed { failure } => Some(Self::of_failure(kind, failure.clone())),
        }
    }
}

/// How many came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Done.
    pub done: u16,
    /// So already.
    pub unneeded: u16,
    /// Refused or failed.
    pub failed: u16,
    /// Cancelled.
    pub cancelled: u16,
    /// Not begun.
    pub not_begun: u16,
}

impl Tally {
    /// Counts.
    #[must_use]
    pub fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Self {
        let mut tally = Self::default();
        for outcome in outcomes {
            let count = match outcome {
                Outcome::Done => &mut tally.done,
                Outcome::Unneeded { .. } => &mut tally.unneeded,
                Outcome::Failed { .. } => &mut tally.failed,
                Outcome::Cancelled => &mut tally.cancelled,
                Outcome::NotBegun => &mut tally.not_begun,
            };
            *count = count.saturating_add(1);
        }
        tally
    }

    /// How many there are.
    #[must_use]
    pub fn all(self) -> u16 {
        [self.unneeded, self.failed, self.cancelled, self.not_begun]
            .into_iter()
            .fold(self.done, u16::saturating_add)
    }

    /// Whether every VServer is as it was to be.
    #[must_use]
    pub fn is_good(self) -> bool {
        self.failed == 0 && self.cancelled == 0 && self.not_begun == 0
    }
}

/// Why no more of a batch were begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// Somebody cancelled it.
    Cancelled,
    /// One of the first, which were to be tried before the others, did not succeed.
    CanaryFailed,
    /// As many failed as were to be borne.
    TooManyFailed,
    /// The process that did it was ended.
    Interrupted,
}

/// A batch and how far each of it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchView {
    /// What was asked for.
    pub batch: Batch,
    /// Each of it, in its order.
    pub rows: Vec<BatchRow>,
}

/// One of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRow {
    /// Which VServer.
    pub name: VServerName,
    /// What is done to it.
    pub kind: Kind,
    /// The operation that does it, once there is one.
    pub operation: Option<OperationId>,
    /// How far it is.
    pub state: RowState,
}

/// How far one of a batch is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// Its turn has not come.
    Waiting,
    /// It is being done.
    Running {
        /// How far its operation is.
        progress: Progress,
    },
    /// It has ended.
    Ended {
        /// As what.
        outcome: Outcome,
    },
}

/// What one of a batch would come to if it were asked for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Which VServer.
    pub name: VServerName,
    /// What it would be refused for, or why nothing is to be done; none when it would be begun.
    pub refusal: Option<Outcome>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authz::{self, Action, DeleteVServer, RunVServer};
    use crate::user::{Identity, Role};

    fn name(text: &str) -> VServerName {
        text.parse().unwrap()
    }

    fn starts(count: usize) -> Vec<PlainChange> {
        (0..count).map(|n| PlainChange::Start(name(&format!("v{n}")))).collect()
    }

    #[test]
    fn a_batch_is_of_some_vservers_each_once() {
        let pace = Pace::default();
        assert_eq!(Batch::new(Vec::new(), pace), Err(BatchProblem::Empty));
        assert_eq!(Batch::new(starts(MOST_CHANGES + 1), pace), Err(BatchProblem::TooMany));
        assert!(Batch::new(starts(MOST_CHANGES), pace).is_ok());
        let twice = vec![PlainChange::Start(name("web")), PlainChange::Stop(name("web"))];
        assert_eq!(Batch::new(twice, pace), Err(BatchProblem::Twice { name: name("web") }));
        let other = vec![PlainChange::RemoveTemplate("etch".parse().unwrap())];
        let kind = Kind::RemoveTemplate;
        assert_eq!(Batch::new(other, pace), Err(BatchProblem::NotOfMany { kind }));
    }

    #[test]
    fn what_is_no_batch_does_not_arrive_as_one() {
        let good = Batch::new(starts(2), Pace::default()).unwrap();
        let text = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<Batch>(&text).unwrap(), good);
        for wrong in [
            text.replace("v1", "v0"),
            text.replace("\"at_once\":4", "\"at_once\":17"),
            text.replace("\"at_once\":4", "\"at_once\":0"),
            text.replace("\"canary\":null", "\"canary\":0"),
            "{\"changes\":[],\"pace\":{\"at_once\":4,\"canary\":null,\"stop_after_failures\":null}}"
                .to_owned(),
        ] {
            assert!(serde_json::from_str::<Batch>(&wrong).is_err(), "{wrong}");
        }
    }

    fn permitted<A: Action>(changes: Vec<PlainChange>) -> bool {
        let operator = Identity {
            user: crate::id::UserId(1),
            name: "otto".parse().unwrap(),
            role: Role::Operator,
        };
        let batch = Batch::new(changes, Pace::default()).unwrap();
        authz::authorize::<A>(Some(&operator)).unwrap().batch(batch).is_ok()
    }

    #[test]
    fn a_permit_of_one_action_lets_no_other_through() {
        assert!(permitted::<RunVServer>(starts(3)));
        let delete = |at_once| PlainChange::Delete { name: name("web"), at_once };
        assert!(permitted::<DeleteVServer>(vec![delete(false)]));
        // At once is what only the host's command line may say.
        assert!(!permitted::<DeleteVServer>(vec![delete(true)]));
        let mut mixed = starts(3);
        mixed.push(delete(false));
        assert!(!permitted::<RunVServer>(mixed.clone()));
        assert!(!permitted::<DeleteVServer>(mixed));
    }
}
