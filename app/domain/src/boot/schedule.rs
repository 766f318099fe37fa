//! When each step of a plan may begin: as soon as all it waits for is done with, and never more than so many
//! at once. What a boot does and what is simulated ask the same [`Schedule`].

use core::num::NonZeroUsize;
use std::collections::BTreeMap;

use super::BootStep;
use crate::id::VServerName;

/// What becomes of the others when one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// Whoever needs it is skipped: a start.
    Skip,
    /// They go on: a stop.
    GoOn,
}

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Waiting,
    UnderWay,
    Ready,
    Failed,
}

#[derive(Debug)]
struct Node {
    name: VServerName,
    after: Vec<usize>,
    at: At,
}

/// A plan that is being carried out.
#[derive(Debug)]
pub struct Schedule {
    nodes: Vec<Node>,
    at_once: NonZeroUsize,
    on_failure: OnFailure,
}

/// A step that is not taken, because another one failed or was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which.
    pub name: VServerName,
    /// Because of which.
    pub because: VServerName,
}

impl Schedule {
    /// Of the steps of a plan, in its order.
    #[must_use]
    pub fn new(steps: &[BootStep], at_once: NonZeroUsize, on_failure: OnFailure) -> Self {
        let place: BTreeMap<_, _> =
            steps.iter().enumerate().map(|(place, step)| (&step.name, place)).collect();
        let nodes = steps.iter().map(|step| Node {
            name: step.name.clone(),
            after: step.after.iter().filter_map(|name| place.get(name).copied()).collect(),
            at: At::Waiting,
        });
        Self { nodes: nodes.collect(), at_once, on_failure }
    }

    /// Those that may begin now; they count as begun.
    pub fn begin(&mut self) -> Vec<VServerName> {
        let under_way = self.nodes.iter().filter(|node| node.at == At::UnderWay).count();
        let places: Vec<usize> = (0..self.nodes.len())
            .filter(|place| self.may_begin(*place))
            .take(self.at_once.get().saturating_sub(under_way))
            .collect();
        let mut names = Vec::new();
        for place in places {
            if let Some(node) = self.nodes.get_mut(place) {
                node.at = At::UnderWay;
                names.push(node.name.clone());
            }
        }
        names
    }

    fn may_begin(&self, place: usize) -> bool {
        let is_done = |place: &usize| match self.nodes.get(*place).map(|node| node.at) {
            Some(At::Ready) => true,
            Some(At::Failed) => self.on_failure == OnFailure::GoOn,
            _ => false,
        };
        self.nodes
            .get(place)
            .is_some_and(|node| node.at == At::Waiting && node.after.iter().all(is_done))
    }

    /// Notes that one is done with; gives those that are skipped because of it.
    pub fn end(&mut self, name: &VServerName, is_ready: bool) -> Vec<Skipped> {
        for node in self.nodes.iter_mut().filter(|node| node.name == *name) {
            node.at = if is_ready { At::Ready } else { At::Failed };
        }
        if is_ready || self.on_failure == OnFailure::GoOn {
            return Vec::new();
        }
        let mut skipped = Vec::new();
        // Whatever one waits for stands before it: once through is enough.
        for place in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(place).filter(|node| node.at == At::Waiting) else {
                continue;
            };
            let mut needed = node.after.iter().filter_map(|place| self.nodes.get(*place));
            let because = needed.find(|needed| needed.at == At::Failed).map(|n| n.name.clone());
            let Some(because) = because else { continue };
            skipped.push(Skipped { name: node.name.clone(), because });
            if let Some(node) = self.nodes.get_mut(place) {
                node.at = At::Failed;
            }
        }
        skipped
    }

    /// Takes back those that have not begun: nothing more begins.
    pub fn give_up(&mut self) -> Vec<VServerName> {
        let waiting = self.nodes.iter_mut().filter(|node| node.at == At::Waiting);
        let given_up = waiting.map(|node| {
            node.at = At::Failed;
            node.name.clone()
        });
        given_up.collect()
    }

    /// Whether nothing is under way and nothing may begin any more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.nodes.iter().all(|node| matches!(node.at, At::Ready | At::Failed))
    }
}

/// When a VServer would begin to start, and when it would be ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedStart {
    /// Which.
    pub name: VServerName,
    /// When it begins, in milliseconds from the beginning.
    pub begins_ms: u64,
    /// When it is ready.
    pub ready_ms: u64,
    /// Whether how long it takes is not known, and was assumed.
    pub is_assumed: bool,
}

/// What a VServer is assumed to take that nobody has seen booting.
pub const ASSUMED_MS: u64 = 1000;

/// What a boot would do, when each VServer takes as long as `took` says; in the order in which they begin.
#[must_use]
pub fn simulate(
    steps: &[BootStep],
    at_once: NonZeroUsize,
    took: impl Fn(&VServerName) -> Option<u64>,
) -> Vec<SimulatedStart> {
    let mut schedule = Schedule::new(steps, at_once, OnFailure::Skip);
    let runs = |name: &VServerName| steps.iter().any(|step| step.name == *name && step.is_running);
    let mut under_way: Vec<SimulatedStart> = Vec::new();
    let mut ended = Vec::new();
    let mut now = 0;
    loop {
        for name in schedule.begin() {
            let known = if runs(&name) { Some(0) } else { took(&name) };
            let ready_ms = now + known.unwrap_or(ASSUMED_MS);
            let is_assumed = known.is_none();
            under_way.push(SimulatedStart { name, begins_ms: now, ready_ms, is_assumed });
        }
        let next = under_way.iter().enumerate().min_by_key(|(_, start)| start.ready_ms);
        let Some((place, _)) = next else { break };
        let start = under_way.remove(place);
        now = start.ready_ms;
        schedule.end(&start.name, true);
        ended.push(start);
    }
    ended.sort_by(|a, b| (a.begins_ms, &a.name).cmp(&(b.begins_ms, &b.name)));
    ended
}
