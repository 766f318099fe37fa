//! Numbers, sizes, durations and instants as people read them, by language.
//!
//! Two families: the forms of `vserver-stat` ([`stat_size`], [`stat_time`]), the same in every
//! language, and prose forms with units. Nothing here rounds up into the next unit (999.9 KiB never
//! becomes 1000 KiB), and instants are given in UTC and say so.

use domain::time::UnixMillis;

use super::Locale;

/// U+202F, the narrow space that French groups digits and sets units with.
const NARROW: char = '\u{202f}';
/// U+00A0.
const NO_BREAK: char = '\u{a0}';

/// A whole number with its thousands apart: `12,345` or `12 345`.
#[must_use]
pub fn integer(locale: Locale, number: u64) -> String {
    let digits = number.to_string();
    let separator = locale.pick(',', NARROW);
    let mut text = String::with_capacity(digits.len() + 6);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// Tenths as a decimal number: 123 → `12.3` or `12,3`.
#[must_use]
pub fn tenths(locale: Locale, tenths: u64) -> String {
    format!("{}{}{}", integer(locale, tenths / 10), locale.pick('.', ','), tenths % 10)
}

/// A size with a binary unit: `36.8 MiB` or `36,8 Mio`.
#[must_use]
pub fn bytes(locale: Locale, bytes: u64) -> String {
    const ENGLISH: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    const FRENCH: [&str; 6] = ["o", "Kio", "Mio", "Gio", "Tio", "Pio"];
    let mut unit = 0;
    let mut divisor: u64 = 1;
    while bytes / divisor >= 1024 && unit + 1 < ENGLISH.len() {
        unit += 1;
        divisor *= 1024;
    }
    let name = locale.pick(ENGLISH, FRENCH)[unit];
    if unit == 0 {
        return format!("{bytes}{NO_BREAK}{name}");
    }
    let whole = bytes / divisor;
    let tenth = bytes % divisor * 10 / divisor;
    format!("{}{NO_BREAK}{name}", tenths(locale, whole * 10 + tenth))
}

/// A share of a hundred given in tenths of a per cent: `12.3 %`.
#[must_use]
pub fn percent(locale: Locale, per_mille: u64) -> String {
    format!("{}{}%", tenths(locale, per_mille), locale.pick(NO_BREAK, NARROW))
}

/// How long something took: `30 ms`, `1.4 s`, `12 s`, `3 min 04 s`, `2 h 05 min`, `3 d 04 h`.
#[must_use]
pub fn duration(locale: Locale, millis: u64) -> String {
    let seconds = millis / 1000;
    let (day, sep) = (locale.pick("d", "j"), NO_BREAK);
    match seconds {
        0 => format!("{millis}{sep}ms"),
        1..10 => format!("{}{sep}s", tenths(locale, millis / 100)),
        10..60 => format!("{seconds}{sep}s"),
        60..3600 => format!("{}{sep}min{sep}{:02}{sep}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}{sep}h{sep}{:02}{sep}min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}{sep}{day}{sep}{:02}{sep}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// How long ago something was, from whole seconds on.
#[must_use]
pub fn ago(locale: Locale, millis: u64) -> String {
    let span = match millis / 1000 {
        0..10 => return locale.pick("just now", "à l’instant").to_owned(),
        seconds @ 10..60 => format!("{seconds}{NO_BREAK}s"),
        seconds @ 60..3600 => format!("{}{NO_BREAK}min", seconds / 60),
        seconds @ 3600..86400 => format!("{}{NO_BREAK}h", seconds / 3600),
        seconds => format!("{}{NO_BREAK}{}", seconds / 86400, locale.pick("d", "j")),
    };
    locale.pick(format!("{span} ago"), format!("il y a {span}"))
}

/// Year, month from 0, day, hour, minute, second of an instant, UTC.
fn civil(at: UnixMillis) -> (i64, usize, u32, u32, u32, u32) {
    let civil = at.civil();
    let month_index = usize::try_from(civil.month.saturating_sub(1)).unwrap_or_default();
    (civil.year, month_index, civil.day, civil.hour, civil.minute, civil.second)
}

/// An instant: `24 Nov 2026, 05:43:04 UTC` or `24 nov. 2026, 05:43:04 UTC`.
#[must_use]
pub fn instant(locale: Locale, at: UnixMillis) -> String {
    const ENGLISH: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const FRENCH: [&str; 12] = [
        "janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.",
        "déc.",
    ];
    let (year, month, day, hour, minute, second) = civil(at);
    let month = locale.pick(ENGLISH, FRENCH)[month.min(11)];
    let day = if day == 1 { locale.pick("1", "1ᵉʳ").to_owned() } else { day.to_string() };
    format!(
        "{day}{NO_BREAK}{month}{NO_BREAK}{year}, {hour:02}:{minute:02}:{second:02}{NO_BREAK}UTC"
    )
}

/// An instant for machines: `2026-11-24T05:43:04Z`.
#[must_use]
pub fn rfc3339(at: UnixMillis) -> String {
    let (year, month, day, hour, minute, second) = civil(at);
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1)
}

/// A size as `vserver-stat` prints it (fact sheet 2.3): from 1000 on divided by 1024, one decimal
/// cut off and left out when it is 0: 999 → `999`, 1000 → `0.9K`, 1024 → `1K`, 38588416 → `36.8M`.
#[must_use]
pub fn stat_size(bytes: u64) -> String {
    const SUFFIXES: [&str; 6] = ["", "K", "M", "G", "T", "+"];
    let (mut value, mut remainder, mut unit) = (bytes, 0, 0);
    while value >= 1000 && unit + 1 < SUFFIXES.len() {
        remainder = value % 1024;
        value /= 1024;
        unit += 1;
    }
    let suffix = SUFFIXES[unit];
    match remainder * 10 / 1024 {
        0 => format!("{value}{suffix}"),
        tenth => format!("{value}.{tenth}{suffix}"),
    }
}

/// A time as `vserver-stat` prints it (fact sheet 2.3), with real centiseconds:
/// `0m01s59`, `6h27m00`, `12d03h45`, `2y045d03`.
#[must_use]
pub fn stat_time(millis: u64) -> String {
    let seconds = millis / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    if hours < 1 {
        format!("{minutes}m{:02}s{:02}", seconds % 60, millis % 1000 / 10)
    } else if days < 1 {
        format!("{hours}h{:02}m{:02}", minutes % 60, seconds % 60)
    } else if days <= 999 {
        format!("{days}d{:02}h{:02}", hours % 24, minutes % 60)
    } else {
        format!("{}y{:02}d{:02}", days / 365, days % 365, hours % 24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Locale::{English, French};

    #[test]
    fn sizes_have_binary_units_and_never_reach_the_next() {
        assert_eq!(bytes(English, 0), "0\u{a0}B");
        assert_eq!(bytes(English, 1023), "1023\u{a0}B");
        assert_eq!(bytes(English, 1024), "1.0\u{a0}KiB");
        assert_eq!(bytes(English, 1024 * 1024 - 1), "1,023.9\u{a0}KiB");
        assert_eq!(bytes(French, 38_588_416), "36,8\u{a0}Mio");
        assert_eq!(bytes(English, u64::MAX), "16,383.9\u{a0}PiB");
    }

    #[test]
    fn sizes_of_vserver_stat_are_the_originals() {
        for (value, text) in
            [(0, "0"), (999, "999"), (1000, "0.9K"), (1024, "1K"), (38_588_416, "36.8M")]
        {
            assert_eq!(stat_size(value), text);
        }
    }

    #[test]
    fn times_of_vserver_stat_are_the_originals() {
        for (value, text) in [
            (70, "0m00s07"),
            (1_590, "0m01s59"),
            (844_900, "14m04s90"),
            (23_220_000, "6h27m00"),
            (12 * 86_400_000 + 3 * 3_600_000 + 45 * 60_000, "12d03h45"),
        ] {
            assert_eq!(stat_time(value), text);
        }
    }

    #[test]
    fn durations_take_two_units() {
        assert_eq!(duration(English, 440), "440\u{a0}ms");
        assert_eq!(duration(French, 1_440), "1,4\u{a0}s");
        assert_eq!(duration(English, 184_000), "3\u{a0}min\u{a0}04\u{a0}s");
        assert_eq!(duration(French, 3 * 86_400_000 + 3_600_000), "3\u{a0}j\u{a0}01\u{a0}h");
    }

    #[test]
    fn instants_are_utc_and_say_so() {
        let at = UnixMillis(1_795_498_984_000);
        assert_eq!(rfc3339(at), "2026-11-24T05:43:04Z");
        assert_eq!(instant(English, at), "24\u{a0}Nov\u{a0}2026, 05:43:04\u{a0}UTC");
        assert_eq!(instant(French, at), "24\u{a0}nov.\u{a0}2026, 05:43:04\u{a0}UTC");
        assert_eq!(rfc3339(UnixMillis(0)), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(UnixMillis(951_782_400_000)), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(UnixMillis(-1)), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(integer(English, 1_234_567), "1,234,567");
        assert_eq!(integer(French, 1_234), "1\u{202f}234");
        assert_eq!(integer(French, 999), "999");
    }
}
