//! When backups are taken and which of them are kept: pure rules over instants.
//!
//! Both have one text each, which is what the command line takes, what a form takes, and what lies in
//! the config tree: `daily 02:30` and `last=3 daily=7 weekly=4 monthly=12`. All times are UTC.
//!
//! Invariants of [`Retention::preview`]: the newest backup is always kept; adding to a rule never
//! removes what was kept; what is kept when it is applied twice is the same.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::backup::BackupId;
use crate::field::{Field, FieldErrors, Problem};
use crate::id::TargetName;
use crate::time::{Civil, UnixMillis};

/// The most of each kind that a policy may keep.
const MOST: u16 = 1000;

/// What numbers the days, weeks or months that a moment may be in.
type Period = fn(UnixMillis) -> i64;

/// Which backups are kept: so many of the last, and the last of so many days, weeks and months that
/// have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Retention {
    last: u16,
    daily: u16,
    weekly: u16,
    monthly: u16,
}

impl Retention {
    /// A policy.
    ///
    /// # Errors
    /// When it would keep nothing, or more than [`MOST`] of a kind.
    pub fn new(last: u16, daily: u16, weekly: u16, monthly: u16) -> Result<Self, Problem> {
        let counts = [last, daily, weekly, monthly];
        if counts.iter().all(|count| *count == 0) || counts.iter().any(|count| *count > MOST) {
            return Err(Problem::OutOfRange { min: 1, max: MOST.into() });
        }
        Ok(Self { last, daily, weekly, monthly })
    }

    /// What it keeps of these, and why; the newest first.
    #[must_use]
    pub fn preview(&self, backups: &[BackupId]) -> Vec<Judged> {
        let mut ids = backups.to_vec();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.dedup();
        let mut judged: Vec<Judged> =
            ids.into_iter().map(|id| Judged { id, reasons: Vec::new() }).collect();
        for one in judged.iter_mut().take(self.last.into()) {
            one.reasons.push(Reason::Last);
        }
        let periods: [(Reason, u16, Period); 3] = [
            (Reason::Daily, self.daily, UnixMillis::day),
            (Reason::Weekly, self.weekly, UnixMillis::week),
            (Reason::Monthly, self.monthly, month),
        ];
        for (reason, count, period) in periods {
            let (mut left, mut latest) = (count, None);
            for one in &mut judged {
                let this = period(one.id.at());
                if left > 0 && latest != Some(this) {
                    one.reasons.push(reason);
                    left -= 1;
                    latest = Some(this);
                }
            }
        }
        // Whatever the policy: the newest is what a restore would be made from.
        if let Some(newest) = judged.first_mut().filter(|newest| newest.reasons.is_empty()) {
            newest.reasons.push(Reason::Newest);
        }
        judged
    }
}

fn month(at: UnixMillis) -> i64 {
    let civil = at.civil();
    civil.year * 12 + i64::from(civil.month)
}

/// Why a backup is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is one of the last.
    Last,
    /// It is the last of its day.
    Daily,
    /// It is the last of its week.
    Weekly,
    /// It is the last of its month.
    Monthly,
    /// It is the newest there is.
    Newest,
}

impl Reason {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Newest => "newest",
        }
    }
}

/// What a policy says of one backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Which.
    pub id: BackupId,
    /// Why it is kept; empty when it is not.
    pub reasons: Vec<Reason>,
}

impl Judged {
    /// Whether it is kept.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        !self.reasons.is_empty()
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("last", self.last),
            ("daily", self.daily),
            ("weekly", self.weekly),
            ("monthly", self.monthly),
        ];
        let words: Vec<String> = parts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(word, count)| format!("{word}={count}"))
            .collect();
        f.pad(&words.join(" "))
    }
}

impl FromStr for Retention {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let wrong = || Problem::NotARetention { text: text.chars().take(60).collect() };
        let mut counts = [None; 4];
        for word in text.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()) {
            let (name, count) = word.split_once('=').ok_or_else(wrong)?;
            let place = ["last", "daily", "weekly", "monthly"].iter().position(|one| *one == name);
            let slot = place.and_then(|place| counts.get_mut(place)).ok_or_else(wrong)?;
            if slot.replace(count.parse::<u16>().map_err(|_| wrong())?).is_some() {
                return Err(wrong());
            }
        }
        let [last, daily, weekly, monthly] = counts.map(Option::unwrap_or_default);
        Self::new(last, daily, weekly, monthly)
    }
}

impl TryFrom<String> for Retention {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<Retention> for String {
    fn from(policy: Retention) -> Self {
        policy.to_string()
    }
}

/// The days of the week as a schedule names them, Monday first.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// When backups are taken: `hourly :15`, `daily 02:30`, `weekly sun 02:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Frequency(Slot);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Hourly { minute: u8 },
    Daily { hour: u8, minute: u8 },
    Weekly { weekday: u8, hour: u8, minute: u8 },
}

impl Frequency {
    /// The last moment, not after `now`, at which one was wanted.
    #[must_use]
    pub fn latest(self, now: UnixMillis) -> UnixMillis {
        let civil = now.civil();
        let (hour, minute) = match self.0 {
            Slot::Hourly { minute } => (civil.hour, minute),
            Slot::Daily { hour, minute } | Slot::Weekly { hour, minute, .. } => {
                (hour.into(), minute)
            }
        };
        let today = UnixMillis::of_civil(Civil {
            hour,
            minute: minute.into(),
            second: 0,
            millisecond: 0,
            ..civil
        });
        let back_days = match self.0 {
            Slot::Weekly { weekday, .. } => (now.day() + 3 - i64::from(weekday)).rem_euclid(7),
            _ => 0,
        };
        let slot = today.plus_millis(-back_days * 86_400_000);
        if slot <= now { slot } else { slot.plus_millis(-self.period_ms()) }
    }

    /// The next moment after `now`.
    #[must_use]
    pub fn next(self, now: UnixMillis) -> UnixMillis {
        self.latest(now).plus_millis(self.period_ms())
    }

    /// The milliseconds from one to the next.
    #[must_use]
    pub fn period_ms(self) -> i64 {
        match self.0 {
            Slot::Hourly { .. } => 3_600_000,
            Slot::Daily { .. } => 86_400_000,
            Slot::Weekly { .. } => 7 * 86_400_000,
        }
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Slot::Hourly { minute } => write!(f, "hourly :{minute:02}"),
            Slot::Daily { hour, minute } => write!(f, "daily {hour:02}:{minute:02}"),
            Slot::Weekly { weekday, hour, minute } => {
                let day = WEEKDAYS.get(usize::from(weekday)).unwrap_or(&"mon");
                write!(f, "weekly {day} {hour:02}:{minute:02}")
            }
        }
    }
}

impl FromStr for Frequency {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let wrong = || Problem::NotAFrequency { text: text.chars().take(60).collect() };
        let number = |digits: &str, most: u8| -> Result<u8, Problem> {
            let is_digits = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            let number = digits.parse().ok().filter(|number| is_digits && *number <= most);
            number.ok_or_else(wrong)
        };
        let time = |text: &str| -> Result<(u8, u8), Problem> {
            let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
            Ok((number(hour, 23)?, number(minute, 59)?))
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(Self(match words.as_slice() {
            ["hourly", minute] => {
                let minute = minute.strip_prefix(':').ok_or_else(wrong)?;
                Slot::Hourly { minute: number(minute, 59)? }
            }
            ["daily", at] => {
                let (hour, minute) = time(at)?;
                Slot::Daily { hour, minute }
            }
            ["weekly", day, at] => {
                let (hour, minute) = time(at)?;
                let weekday = WEEKDAYS.iter().position(|one| one == day).ok_or_else(wrong)?;
                Slot::Weekly { weekday: u8::try_from(weekday).map_err(|_| wrong())?, hour, minute }
            }
            _ => return Err(wrong()),
        }))
    }
}

impl TryFrom<String> for Frequency {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<Frequency> for String {
    fn from(frequency: Frequency) -> Self {
        frequency.to_string()
    }
}

/// When the backups of a VServer are taken, where they go and which are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Where they go.
    pub target: TargetName,
    /// When.
    pub when: Frequency,
    /// Which of them are kept.
    pub keep: Retention,
}

/// How long after its moment a backup may be missing before that is said: it takes its time.
pub const GRACE_MS: i64 = 2 * 3_600_000;
/// How long is waited after one that failed before the next is tried.
pub const RETRY_MS: i64 = 3_600_000;

impl Schedule {
    /// Whether one is to be taken now. `since` is when the schedule was made: nothing before is due.
    #[must_use]
    pub fn is_due(
        &self,
        now: UnixMillis,
        since: UnixMillis,
        last: Option<UnixMillis>,
        last_attempt: Option<UnixMillis>,
    ) -> bool {
        let slot = self.when.latest(now);
        let is_wanted = slot >= since && last.is_none_or(|last| last < slot);
        let was_just_tried =
            last_attempt.is_some_and(|tried| tried >= slot && now < tried.plus_millis(RETRY_MS));
        is_wanted && !was_just_tried
    }

    /// The moment of which there should be one by now, and is none.
    #[must_use]
    pub fn missing(
        &self,
        now: UnixMillis,
        since: UnixMillis,
        last: Option<UnixMillis>,
    ) -> Option<UnixMillis> {
        let slot = self.when.latest(now.plus_millis(-GRACE_MS));
        (slot >= since && last.is_none_or(|last| last < slot)).then_some(slot)
    }
}

/// A schedule exactly as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleForm {
    /// The target's name.
    pub target: String,
    /// When: `daily 02:30`; empty means: not any more.
    pub when: String,
    /// What is kept: `last=3 daily=7`.
    pub keep: String,
}

impl From<&Schedule> for ScheduleForm {
    fn from(Schedule { target, when, keep }: &Schedule) -> Self {
        Self { target: target.to_string(), when: when.to_string(), keep: keep.to_string() }
    }
}

impl ScheduleForm {
    /// Judges it against the targets there are; none means: no schedule.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn judge(&self, targets: &[TargetName]) -> Result<Option<Schedule>, FieldErrors> {
        if self.when.trim().is_empty() {
            return Ok(None);
        }
        let mut errors = FieldErrors::default();
        let target = errors.take(Field::BackupTarget, judge_target(self.target.trim(), targets));
        let when = errors.take(Field::BackupTime, self.when.trim().parse());
        let keep = errors.take(Field::Retention, self.keep.parse());
        match (target, when, keep) {
            (Some(target), Some(when), Some(keep)) => Ok(Some(Schedule { target, when, keep })),
            _ => Err(errors),
        }
    }
}

/// The target of this name; the only one there is when none is named.
///
/// # Errors
/// When there is none of this name.
pub fn judge_target(text: &str, targets: &[TargetName]) -> Result<TargetName, Problem> {
    match (text, targets) {
        ("", [only]) => return Ok(only.clone()),
        ("", _) => return Err(Problem::Missing),
        _ => {}
    }
    let target: TargetName = text.parse()?;
    if targets.contains(&target) {
        Ok(target)
    } else {
        Err(Problem::NotAChoice { choices: targets.iter().map(ToString::to_string).collect() })
    }
}
