//! What a guest has printed and logged, as it is asked for and shown.
//!
//! All of it is a stranger's: it is bounded, and what reaches people has gone through [`printable`].

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{Allowed, Problem};
use crate::id::text_type;
use crate::service::{ServiceName, words};
use crate::time::UnixMillis;

/// The most lines of a log that are shown at once.
pub const MAX_LINES: usize = 1000;

/// The longest line that is shown, in characters.
const MAX_CHARACTERS: usize = 2000;

/// A boot of a guest, by the time its start began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub UnixMillis);

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.0)
    }
}

impl FromStr for BootId {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let is_number = (1..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse().ok().filter(|_| is_number);
        number.map(|number| Self(UnixMillis(number))).ok_or(Problem::NotANumber)
    }
}

/// How far somebody has a console; as text `BOOT-BYTE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsolePlace {
    /// In which boot.
    pub boot: BootId,
    /// Up to which byte of what is kept of it; a line ends there.
    pub byte: u64,
}

impl fmt::Display for ConsolePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.boot, self.byte)
    }
}

impl FromStr for ConsolePlace {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let (boot, byte) = text.split_once('-').ok_or(Problem::NotANumber)?;
        let is_number = byte.bytes().all(|b| b.is_ascii_digit());
        let byte = byte.parse().ok().filter(|_| is_number).ok_or(Problem::NotANumber)?;
        Ok(Self { boot: boot.parse()?, byte })
    }
}

impl TryFrom<String> for ConsolePlace {
    type Error = Problem;
    fn try_from(text: String) -> Result<Self, Problem> {
        text.parse()
    }
}

impl From<ConsolePlace> for String {
    fn from(place: ConsolePlace) -> Self {
        place.to_string()
    }
}

/// What a console has more; printable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsolePiece {
    /// Up to where the lines go.
    pub end: ConsolePlace,
    /// Whole lines.
    pub lines: String,
    /// The beginning of a line whose end has not come; stands for what was told of that line before.
    pub begun: String,
}

text_type!(
    /// A text that is looked for in a log: printable, at most 200 bytes.
    SearchText,
    |text| match text.chars().position(char::is_control) {
        _ if text.is_empty() => Err(Problem::Missing),
        _ if text.len() > 200 => Err(Problem::TooLong { max: 200, actual: text.len() }),
        Some(position) => Err(Problem::Character {
            character: text.chars().nth(position).unwrap_or_default(),
            position: position + 1,
            allowed: Allowed::PlainText,
        }),
        None => Ok(()),
    }
);

words! {
    /// The least important messages of a journal that are shown.
    #[derive(Default)]
    Priority {
        /// Errors and worse.
        Error: "err",
        /// Warnings and worse.
        Warning: "warning",
        /// What is of note, and worse.
        Notice: "notice",
        /// All but what helps programmers.
        #[default]
        Info: "info",
        /// Everything.
        Debug: "debug",
    }
}

words! {
    /// How far back a journal is shown.
    #[derive(Default)]
    Since {
        /// To the last boot.
        #[default]
        Boot: "boot",
        /// An hour.
        Hour: "hour",
        /// A day.
        Day: "day",
        /// A week.
        Week: "week",
    }
}

/// Which messages of a journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalFilter {
    /// Only of this service.
    pub unit: Option<ServiceName>,
    /// Only these and worse ones.
    pub priority: Priority,
    /// Only later ones.
    pub since: Since,
}

impl JournalFilter {
    /// The command that shows them, inside. Nothing in it is anybody's text but a service's name, which begins
    /// with no dash.
    #[must_use]
    pub fn command(&self) -> Vec<String> {
        let lines = MAX_LINES.to_string();
        let mut words = vec!["journalctl", "--no-pager", "--quiet", "--output=short-iso"];
        words.extend(["--lines", &lines, "--priority", self.priority.as_str()]);
        match self.since {
            Since::Boot => words.push("--boot"),
            Since::Hour => words.extend(["--since", "-1h"]),
            Since::Day => words.extend(["--since", "-1d"]),
            Since::Week => words.extend(["--since", "-7d"]),
        }
        if let Some(unit) = &self.unit {
            words.extend(["--unit", unit.as_str()]);
        }
        words.into_iter().map(str::to_owned).collect()
    }
}

/// Which log of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum GuestLogSource {
    /// What a boot printed on the console; the last boot where none is named.
    Console(Option<BootId>),
    /// The journal of its systemd.
    Journal(JournalFilter),
    /// `/var/log/syslog`, or `/var/log/messages`.
    Syslog,
}

/// What of a guest's logs is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestLogQuery {
    /// Which log.
    pub source: GuestLogSource,
    /// Only lines with this text, in whatever case.
    pub text: Option<SearchText>,
}

/// A boot whose console is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// Which.
    pub id: BootId,
    /// How much of it is kept, in bytes.
    pub bytes: u64,
}

/// A log of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestLog {
    /// The boots that are kept, the latest first; of a console only.
    pub boots: Vec<Boot>,
    /// Which of them is shown.
    pub boot: Option<BootId>,
    /// The file inside that is shown, or the command that was run there.
    pub origin: Option<String>,
    /// Lines, each with its number where it has one; printable.
    pub lines: Vec<LogLine>,
    /// Whether there are earlier lines that are not shown.
    pub is_cut: bool,
    /// Of the last boot's console: up to where these are all its lines.
    pub end: Option<ConsolePlace>,
    /// Whether the last line goes beyond that: its end has not come.
    pub is_begun: bool,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number in what was read, from 1.
    pub number: u32,
    /// What stands in it.
    pub text: String,
}

/// The lines of a log that hold a text, the last [`MAX_LINES`] of them; and whether there are more.
#[must_use]
pub fn lines_with(bytes: &[u8], text: Option<&SearchText>) -> (Vec<LogLine>, bool) {
    let wanted = text.map(|text| text.as_str().to_lowercase());
    let printable = printable(bytes);
    let mut found: Vec<LogLine> = printable
        .lines()
        .zip(1..)
        .filter(|(line, _)| {
            wanted.as_ref().is_none_or(|wanted| line.to_lowercase().contains(wanted.as_str()))
        })
        .map(|(line, number)| LogLine { number, text: line.chars().take(MAX_CHARACTERS).collect() })
        .collect();
    let surplus = found.len().saturating_sub(MAX_LINES);
    (found.split_off(surplus), surplus > 0)
}

/// What a program wrote for a terminal, without what commands that: escape sequences are taken out, and so
/// are all control characters but newlines and tabs. What is no UTF-8 is shown as such.
#[must_use]
pub fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => match characters.next() {
                // Up to its last byte.
                Some('[') => {
                    while let Some(next) = characters.peek() {
                        let ends = ('\u{40}'..='\u{7e}').contains(next);
                        if next.is_control() && !ends {
                            break;
                        }
                        characters.next();
                        if ends {
                            break;
                        }
                    }
                }
                // Texts for the terminal: titles, links. Up to their end, or that of the line.
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    while let Some(next) = characters.peek() {
                        match next {
                            '\n' => break,
                            '\u{7}' | '\u{9c}' => {
                                characters.next();
                                break;
                            }
                            '\u{1b}' => {
                                characters.next();
                                characters.next_if_eq(&'\\');
                                break;
                            }
                            _ => drop(characters.next()),
                        }
                    }
                }
                // Character sets have a byte more.
                Some('(' | ')' | '*' | '+' | '#' | ' ') => drop(characters.next()),
                Some('\n') => shown.push('\n'),
                _ => {}
            },
            '\n' | '\t' => shown.push(character),
            // Text that runs the other way could make a line say what it does not.
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                shown.push('\u{fffd}');
            }
            _ if character.is_control() => {}
            _ => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_a_terminal_is_taken_out() {
        for (wrote, shown) in [
            ("\u{1b}[32m[  OK  ]\u{1b}[0m Started\r\n", "[  OK  ] Started\n"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("\u{1b}]never ends\nnext", "\nnext"),
            ("\u{1b}[1;", ""),
            ("\u{1b}[1\nnext", "\nnext"),
            ("\u{1b}(Bplain\u{8}\u{0}\u{9b}", "plain"),
            ("\u{1b}", ""),
            ("a\tb\u{202e}c\u{61c}", "a\tb\u{fffd}c\u{fffd}"),
        ] {
            assert_eq!(printable(wrote.as_bytes()), shown, "{wrote:?}");
        }
        assert_eq!(printable(b"a\xff"), "a\u{fffd}");
    }

    #[test]
    fn lines_are_found_in_any_case_and_the_last_ones_are_shown() {
        let text: SearchText = "ERROR".parse().unwrap();
        let (lines, is_cut) = lines_with(b"one\nan error\ntwo\nError", Some(&text));
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 4]);
        assert!(!is_cut);
        let (lines, is_cut) = lines_with("x\n".repeat(MAX_LINES + 5).as_bytes(), None);
        assert_eq!((lines.len(), lines[0].number, is_cut), (MAX_LINES, 6, true));
    }

    #[test]
    fn texts_and_boots_are_judged() {
        for wrong in ["", "a\nb", "\u{1b}", &"x".repeat(201)] {
            assert!(wrong.parse::<SearchText>().is_err(), "{wrong:?}");
        }
        assert_eq!("1764160000000".parse(), Ok(BootId(UnixMillis(1_764_160_000_000))));
        for wrong in ["", "-1", "+1", "1.5", "1234567890123456", "../x"] {
            assert!(wrong.parse::<BootId>().is_err(), "{wrong:?}");
        }
        let place = ConsolePlace { boot: BootId(UnixMillis(17)), byte: 4 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for wrong in ["", "-", "17", "17-", "-4", "17-+4", "17-4-4", "x-4"] {
            assert!(wrong.parse::<ConsolePlace>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_filter_is_a_command() {
        let filter = JournalFilter {
            unit: Some("ssh.service".parse().unwrap()),
            priority: Priority::Error,
            since: Since::Day,
        };
        assert_eq!(
            filter.command().join(" "),
            "journalctl --no-pager --quiet --output=short-iso --lines 1000 --priority err \
             --since -1d --unit ssh.service"
        );
    }
}
