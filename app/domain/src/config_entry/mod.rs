//! The entries of a config tree, `/etc/vservers/NAME`, `/etc/vservers/.defaults` and
//! `/etc/vservers/.distributions`: a catalogue of everything the original knew (fact sheet 1), as data, and how the text of each is judged.
//!
//! What an entry means is said in `app::i18n`, in French and in English; a new entry without both does
//! not compile. Reading files, and acting on what they say, is the engine's.
//!
//! Invariant: what [`ConfigEntry::judge`] lets through, the original would have understood in the same
//! way: one line where it read one, ended by a newline, without what its shell would have taken apart.

mod catalogue;
mod expected;
mod limit;
mod number_list;
mod path;
mod pattern;
mod repository;
mod rule;
mod words;

pub use catalogue::ConfigEntry;
pub use expected::{Expected, Misread};
pub use limit::LimitValue;
pub use number_list::NumberList;
pub use path::{ConfigPath, ConfigTree, Digest};
pub use rule::{MAX_TEXT_BYTES, Rule, reaches_host};
pub use words::{CAPABILITY_COUNT, capability_number, signal_number};

use serde::{Deserialize, Serialize};

use crate::id::DistributionName;

/// The directory of what all distributions share.
const SHARED: &str = ".common";

/// How the original read an entry (fact sheet 0.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The first line.
    Scalar,
    /// One item a line; blank lines and lines that begin with `#` are skipped.
    List,
    /// One item a line, taken as it stands.
    Array,
    /// Being there says all.
    Switch,
    /// A table of mounts.
    Fstab,
    /// A whole text, whatever its lines.
    Text,
    /// A symbolic link.
    Link,
    /// A program or shell script that runs as the host's root.
    Program,
}

/// When what an entry says has an effect in this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// From the next time it is needed on, without a restart.
    AtOnce,
    /// From the next start of the VServer on.
    NextStart,
    /// From the next build on.
    NextBuild,
    /// None is needed: what it asks for holds anyway.
    Given,
    /// None: the entry is kept, this release does not act on it, and a start says so.
    None,
}

/// Who may write an entry with Ulysse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Whoever may configure the VServer, in the web application too.
    Web,
    /// Root at the host's command line alone: it reaches beyond the VServer.
    Host,
    /// Nobody: it is a link or a program, made by hand on the host.
    ByHand,
}

impl ConfigEntry {
    /// The entry that a path of a tree is; none when the original knew none there.
    #[must_use]
    pub fn of(tree: &ConfigTree, path: &ConfigPath) -> Option<Self> {
        // What a build would not take for a distribution is none.
        if *tree == ConfigTree::Distributions
            && path.distribution().is_none()
            && path.top() != SHARED
        {
            return None;
        }
        Self::ALL
            .iter()
            .copied()
            .find(|entry| entry.is_in(tree) && pattern::matches(entry.pattern(), path.as_str()))
    }

    /// The entries that a tree may have, in the order of the catalogue.
    pub fn all_of(tree: &ConfigTree) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|entry| entry.is_in(tree))
    }

    /// Whether a path is a directory of entries that only root may write, or lies in one: a link there would
    /// stand for such entries, and what is there may be read or run beside them.
    #[must_use]
    pub fn is_guarded(tree: &ConfigTree, path: &str) -> bool {
        let names: Vec<&str> = path.split('/').collect();
        let guarded =
            Self::ALL.iter().filter(|entry| entry.is_in(tree) && entry.access() != Access::Web);
        guarded.into_iter().any(|entry| {
            let (directory, _) = entry.pattern().rsplit_once('/').unwrap_or_default();
            let parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
            let depth = parts.len().min(names.len());
            let (parts, names) = (parts.iter().take(depth), names.iter().take(depth));
            depth > 0 && parts.zip(names).all(|(part, name)| pattern::matches(part, name))
        })
    }

    fn is_in(self, tree: &ConfigTree) -> bool {
        match tree {
            ConfigTree::VServer(_) => self.place().0,
            ConfigTree::Defaults => self.place().1,
            ConfigTree::Distributions => self.place().2,
        }
    }

    /// A path of this entry to begin with when one is added: `interfaces/0/ip` for `interfaces/*/ip`.
    #[must_use]
    pub fn example_path(self) -> String {
        pattern::example(self.pattern(), "0")
    }

    /// The same in the description of a distribution; none when it is no entry of one distribution.
    #[must_use]
    pub fn example_in(self, distribution: &DistributionName) -> Option<String> {
        let pattern = self.pattern().strip_prefix("*/").filter(|_| self.place().2)?;
        Some(format!("{distribution}/{}", pattern::example(pattern, "01")))
    }

    /// The lines, from 1, of a new text of it that reach for something of the host's or drop a check, and
    /// did not stand in the old one: only root on the host may add them.
    #[must_use]
    pub fn host_lines(self, old: &str, new: &str) -> Vec<Misread> {
        let (reaches, expected): (fn(&str) -> bool, _) = match self.rule() {
            Rule::Mount => (reaches_host, Expected::NoHostSource),
            Rule::Repositories => (repository::reaches_host, Expected::CheckedRepository),
            _ => return Vec::new(),
        };
        let known: Vec<&str> = old.lines().map(str::trim).collect();
        new.lines()
            .enumerate()
            .filter(|(_, line)| reaches(line) && !known.contains(&line.trim()))
            .map(|(index, _)| Misread { line: index + 1, expected: expected.clone() })
            .collect()
    }

    /// Judges a whole new text of it.
    ///
    /// # Errors
    /// Every line that is not what it should be.
    pub fn judge(self, text: &str) -> Result<(), Vec<Misread>> {
        rule::judge(self.kind(), self.rule(), text)
    }

    /// Judges a whole new text of it that comes from the web.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub fn judge_from_web(self, text: &str) -> Result<(), Vec<Misread>> {
        rule::judge(self.kind(), self.web_rule().unwrap_or_else(|| self.rule()), text)
    }

    /// Whether a text asks for no more than somebody in the web application may.
    #[must_use]
    pub fn is_within_web_bounds(self, text: &str) -> bool {
        self.web_rule().is_none_or(|rule| rule::judge(self.kind(), rule, text).is_ok())
    }

    /// What is narrower for the web: nobody takes there what all VServers share, by a niceness below
    /// theirs or the disk's real-time class.
    fn web_rule(self) -> Option<Rule> {
        match self {
            Self::Nice => Some(Rule::Integer(0, 19)),
            Self::IoniceClass => Some(Rule::Integer(2, 3)),
            _ => None,
        }
    }

    /// A text as it is written to the file: lines ended by a newline, the ends of values trimmed,
    /// nothing at all for a switch.
    #[must_use]
    pub fn as_written(self, typed: &str) -> String {
        let text = typed.replace("\r\n", "\n");
        match self.kind() {
            EntryKind::Switch => String::new(),
            EntryKind::Scalar => {
                let text = text.trim();
                if text.is_empty() { String::new() } else { format!("{text}\n") }
            }
            _ if text.is_empty() || text.ends_with('\n') => text,
            _ => format!("{text}\n"),
        }
    }
}
