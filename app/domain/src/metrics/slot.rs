//! How values are added up, and for how long they are kept in which detail.
//!
//! Invariants: adding up is exact and has no order: a slot of an hour made of its slots of five minutes is the
//! one that would have been made of the seconds. Every tier is a ring of a fixed number of slots, which begin
//! at whole multiples of its period, and holds more than one slot of the tier above is made of.

use serde::{Deserialize, Serialize};

use super::{Metric, Values};
use crate::time::UnixMillis;

/// Values of one metric added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregate {
    /// The lowest.
    pub min: u64,
    /// The highest.
    pub max: u64,
    /// Their sum.
    pub sum: u64,
    /// How many.
    pub count: u32,
}

impl Aggregate {
    fn of(value: u64) -> Self {
        Self { min: value, max: value, sum: value, count: 1 }
    }

    fn and(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            sum: self.sum.saturating_add(other.sum),
            count: self.count.saturating_add(other.count),
        }
    }

    /// Their mean.
    #[must_use]
    pub fn mean(self) -> u64 {
        self.sum / u64::from(self.count.max(1))
    }
}

/// All metrics of one span of time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Option<Aggregate>>", into = "Vec<Option<Aggregate>>")]
pub struct Slot([Option<Aggregate>; Metric::COUNT]);

impl Slot {
    /// What was added up of a metric.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<Aggregate> {
        self.0.get(metric as usize).copied().flatten()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Adds values.
    pub fn add(&mut self, values: &Values) {
        for (place, metric) in self.0.iter_mut().zip(Metric::ALL) {
            *place = both(*place, values.get(metric).map(Aggregate::of));
        }
    }

    /// Adds another span of time.
    pub fn merge(&mut self, other: &Self) {
        for (place, metric) in self.0.iter_mut().zip(Metric::ALL) {
            *place = both(*place, other.get(metric));
        }
    }

    /// The same as if it had been measured once, however often it was: a moment that somebody looked at must
    /// not count for more than one that nobody saw.
    #[must_use]
    pub fn as_one(mut self) -> Self {
        for place in self.0.iter_mut().flatten() {
            *place = Aggregate { sum: place.mean(), count: 1, ..*place };
        }
        self
    }
}

fn both(one: Option<Aggregate>, other: Option<Aggregate>) -> Option<Aggregate> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.and(other)),
        (one, other) => one.or(other),
    }
}

impl From<Slot> for Vec<Option<Aggregate>> {
    fn from(slot: Slot) -> Self {
        let kept = slot.0.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        slot.0.into_iter().take(kept).collect()
    }
}

/// One that is kept may be of a version with fewer metrics.
impl From<Vec<Option<Aggregate>>> for Slot {
    fn from(kept: Vec<Option<Aggregate>>) -> Self {
        let mut slot = Self::default();
        for (place, aggregate) in slot.0.iter_mut().zip(kept) {
            *place = aggregate;
        }
        slot
    }
}

/// One ring of slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Ten seconds each, for an hour.
    Seconds,
    /// Five minutes each, for a day.
    Minutes,
    /// An hour each, for a week.
    Hours,
    /// A day each (UTC), for a year.
    Days,
}

impl Tier {
    /// All, the finest first.
    pub const ALL: [Self; 4] = [Self::Seconds, Self::Minutes, Self::Hours, Self::Days];

    /// How long one slot is, in milliseconds.
    #[must_use]
    pub const fn period_ms(self) -> i64 {
        match self {
            Self::Seconds => 10_000,
            Self::Minutes => 300_000,
            Self::Hours => 3_600_000,
            Self::Days => 86_400_000,
        }
    }

    /// How many slots there are.
    #[must_use]
    pub const fn slots(self) -> i64 {
        match self {
            Self::Seconds => 360,
            Self::Minutes => 288,
            Self::Hours => 168,
            Self::Days => 366,
        }
    }

    /// The tier that its slots are made of.
    #[must_use]
    pub fn below(self) -> Option<Self> {
        match self {
            Self::Seconds => None,
            Self::Minutes => Some(Self::Seconds),
            Self::Hours => Some(Self::Minutes),
            Self::Days => Some(Self::Hours),
        }
    }

    /// When the slot begins that holds this instant.
    #[must_use]
    pub fn begin_of(self, at: UnixMillis) -> UnixMillis {
        UnixMillis(at.0 - at.0.rem_euclid(self.period_ms()))
    }

    /// Where in the ring the slot is that holds this instant.
    #[must_use]
    pub fn place_of(self, at: UnixMillis) -> i64 {
        at.0.div_euclid(self.period_ms()).rem_euclid(self.slots())
    }
}

/// A span of time that charts show, until now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    /// Five minutes.
    FiveMinutes,
    /// An hour.
    #[default]
    Hour,
    /// A day.
    Day,
    /// A week.
    Week,
    /// A year.
    Year,
}

impl Range {
    /// All, the shortest first.
    pub const ALL: [Self; 5] = [Self::FiveMinutes, Self::Hour, Self::Day, Self::Week, Self::Year];

    /// Its word in an address.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FiveMinutes => "5m",
            Self::Hour => "1h",
            Self::Day => "1d",
            Self::Week => "1w",
            Self::Year => "1y",
        }
    }

    /// The range of a word in an address.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == word)
    }

    /// Which tier has it in the most detail.
    #[must_use]
    pub fn tier(self) -> Tier {
        match self {
            Self::FiveMinutes | Self::Hour => Tier::Seconds,
            Self::Day => Tier::Minutes,
            Self::Week => Tier::Hours,
            Self::Year => Tier::Days,
        }
    }

    /// How long it is, in milliseconds.
    #[must_use]
    pub fn span_ms(self) -> i64 {
        match self {
            Self::FiveMinutes => 300_000,
            Self::Hour | Self::Day | Self::Week | Self::Year => {
                self.tier().slots() * self.tier().period_ms()
            }
        }
    }
}

/// What is known of a VServer, or of the host, over a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Which range.
    pub range: Range,
    /// Its end.
    pub until: UnixMillis,
    /// When each slot begins, and what is in it; the oldest first. Where nothing was measured there is none.
    pub slots: Vec<(UnixMillis, Slot)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_a_slot_fits_the_ring_below() {
        for tier in Tier::ALL {
            let Some(below) = tier.below() else { continue };
            let parts = tier.period_ms() / below.period_ms();
            assert_eq!(tier.period_ms() % below.period_ms(), 0, "{tier:?}");
            assert!(below.slots() > parts, "{tier:?}");
        }
    }

    #[test]
    fn ranges_have_words_and_fit_their_tiers() {
        for range in Range::ALL {
            assert_eq!(Range::of_word(range.as_str()), Some(range));
            assert!(range.span_ms() <= range.tier().slots() * range.tier().period_ms());
        }
        assert_eq!(Range::of_word("2h"), None);
        assert!(Range::Year.span_ms() >= 365 * 86_400_000);
    }

    #[test]
    fn looking_more_often_counts_for_no_more() {
        let mut seen = Slot::default();
        for value in [10, 20, 60] {
            seen.add(&Values::default().with(Metric::Cpu, value));
        }
        let one = seen.as_one().get(Metric::Cpu).unwrap();
        assert_eq!(one, Aggregate { min: 10, max: 60, sum: 30, count: 1 });
    }

    #[test]
    fn an_older_slot_has_fewer_metrics() {
        let mut slot = Slot::default();
        slot.add(&Values::default().with(Metric::Memory, 7));
        let kept: Vec<Option<Aggregate>> = slot.clone().into();
        assert_eq!(kept.len(), 2, "what follows the last is not kept");
        assert_eq!(Slot::from(kept), slot);
        assert!(Slot::from(Vec::new()).is_empty());
    }
}
