//! Instants and durations as they are stored and sent. Nothing here reads a clock: time is a
//! parameter everywhere.

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Milliseconds from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn millis_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// The instant `millis` later.
    #[must_use]
    pub fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// An instant as a calendar names it: Gregorian, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is named like the part of a date it is")]
pub struct Civil {
    pub year: i64,
    /// From 1.
    pub month: u32,
    /// From 1.
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub millisecond: u32,
}

impl UnixMillis {
    /// The day it is in, counted from 1 January 1970.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// The week it is in, counted from that of 1 January 1970; weeks begin on Monday.
    #[must_use]
    pub fn week(self) -> i64 {
        // That day was a Thursday.
        (self.day() + 3).div_euclid(7)
    }

    /// Its date and time of day. The days' part is Howard Hinnant's `civil_from_days`.
    #[must_use]
    pub fn civil(self) -> Civil {
        let in_day = self.0.rem_euclid(DAY_MS);
        let shifted = self.day() + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let small = |number: i64| u32::try_from(number).unwrap_or_default();
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: small(month),
            day: small(day_of_year - (153 * from_march + 2) / 5 + 1),
            hour: small(in_day / 3_600_000),
            minute: small(in_day / 60_000 % 60),
            second: small(in_day / 1000 % 60),
            millisecond: small(in_day % 1000),
        }
    }

    /// The instant of a date and time of day; a part beyond its range counts on into the next.
    #[must_use]
    pub fn of_civil(civil: Civil) -> Self {
        let (month, day) = (i64::from(civil.month), i64::from(civil.day));
        let year = civil.year - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let from_march = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * from_march + 2) / 5 + day - 1;
        let year_of_era = year.rem_euclid(400);
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        let [hour, minute, second, ms] =
            [civil.hour, civil.minute, civil.second, civil.millisecond].map(i64::from);
        Self(days * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms)
    }
}
