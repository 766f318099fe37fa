//! Which VServers a command is for when it is for more than one, and how it goes about them: the
//! original's filters (fact sheet 2.9), names, and how many at once.
//!
//! Several filters mean those that all of them choose, and none chooses a VServer that is `disabled` (fact sheet
//! 0.4): that is reached by its name alone. A name that is none is refused before anything is done.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::num::NonZeroU16;
use std::str::FromStr;

use domain::batch::Pace;
use domain::field::Problem;
use domain::id::VServerName;
use domain::vserver::{State, Summary};
use engine::Engine;
use engine::config;

use super::caller::Caller;
use super::name;
use super::options::{Opt, Section, UsageError};

/// The options that choose VServers: the same ones of every command that can be for more than one.
pub(super) const FILTERS: [Opt; 7] = [
    Opt::flag("all"),
    Opt::flag("running"),
    Opt::flag("stopped"),
    Opt::flag("marked"),
    Opt::flag("unmarked"),
    Opt::value("mark"),
    Opt::value("names"),
];

/// Which VServers, as it was typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    filters: Vec<Filter>,
    /// Those that are named; none when only filters choose.
    names: Option<Vec<OsString>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Filter {
    All,
    Running,
    Stopped,
    Marked,
    Unmarked,
    /// Any of these marks, or none of them.
    Mark {
        marks: Vec<String>,
        is_inverted: bool,
    },
}

impl Filter {
    fn chooses(&self, summary: &Summary) -> bool {
        match self {
            Self::All => true,
            Self::Running => summary.state == State::Running,
            Self::Stopped => summary.state == State::Stopped,
            Self::Marked => !summary.marks.is_empty(),
            Self::Unmarked => summary.marks.is_empty(),
            Self::Mark { marks, is_inverted } => {
                let has = |mark: &String| summary.marks.iter().any(|own| own.as_str() == mark);
                marks.iter().any(has) != *is_inverted
            }
        }
    }
}

impl Selection {
    /// What the [`FILTERS`] of a section choose; none when there are none of them.
    pub(super) fn of(section: &Section) -> Result<Option<Self>, UsageError> {
        let mut filters = Vec::new();
        for (option, filter) in [
            ("--all", Filter::All),
            ("--running", Filter::Running),
            ("--stopped", Filter::Stopped),
            ("--marked", Filter::Marked),
            ("--unmarked", Filter::Unmarked),
        ] {
            filters.extend(section.has(option).then_some(filter));
        }
        for value in section.values("--mark")? {
            let rest = value.strip_prefix(['~', '!']);
            let is_inverted = rest.is_some();
            let marks = rest.unwrap_or(&value).split(',').map(str::to_owned).collect();
            filters.push(Filter::Mark { marks, is_inverted });
        }
        let lists = section.values("--names")?;
        let names = lists.iter().flat_map(|list| list.split(',')).filter(|name| !name.is_empty());
        let names = names.map(OsString::from).collect::<Vec<_>>();
        let names = (!lists.is_empty()).then_some(names);
        let is_any = !filters.is_empty() || names.is_some();
        Ok(is_any.then_some(Self { filters, names }))
    }

    /// This one.
    pub(super) fn named(name: OsString) -> Self {
        Self { names: Some(vec![name]), ..Self::default() }
    }

    /// What filters choose, if there are any, among those that are named as words, if any are.
    pub(super) fn among(selection: Option<Self>, words: Vec<OsString>) -> Option<Self> {
        match (selection, words.is_empty()) {
            (selection, true) => selection,
            (selection, false) => {
                Some(Self { names: Some(words), ..selection.unwrap_or_default() })
            }
        }
    }

    /// The VServers, those that are named in that order, each once; tells what names none.
    pub(super) fn choose(&self, caller: Caller, engine: &Engine) -> Result<Vec<VServerName>, u8> {
        let all = engine.summaries().map_err(|failure| super::change::refused(caller, &failure))?;
        let roots = &engine.instance().settings.roots;
        // Whether it runs is the filters' to know.
        let is_enabled =
            |name: &VServerName| !config::boot_member_of(roots, name, false).is_disabled;
        let is_chosen = |summary: &&Summary| {
            self.filters.iter().all(|one| one.chooses(summary)) && is_enabled(&summary.name)
        };
        let chosen = all.iter().filter(is_chosen).map(|summary| summary.name.clone());
        let Some(names) = &self.names else { return Ok(chosen.collect()) };
        let chosen: BTreeSet<VServerName> = chosen.collect();
        let mut seen = BTreeSet::new();
        let mut wanted = Vec::new();
        for word in names {
            let name =
                name::existing(roots, OsStr::new(word)).map_err(|error| error.tell(caller))?;
            if seen.insert(name.clone()) && (self.filters.is_empty() || chosen.contains(&name)) {
                wanted.push(name);
            }
        }
        Ok(wanted)
    }
}

/// What the options `--at-once`, `--canary` and `--stop-after` of a section say; tells nothing, but which
/// option is wrong.
pub(super) fn pace_of(section: &Section) -> Result<Pace, UsageError> {
    fn value<T: FromStr<Err = Problem>>(
        section: &Section,
        option: &str,
    ) -> Result<Option<T>, UsageError> {
        let wrong = |problem| UsageError::OptionValue { option: option.to_owned(), problem };
        section.value(option)?.map(|text| text.parse().map_err(wrong)).transpose()
    }
    let count = |option| -> Result<Option<NonZeroU16>, UsageError> {
        Ok(value::<Count>(section, option)?.map(|count| count.0))
    };
    Ok(Pace {
        at_once: value(section, "--at-once")?.unwrap_or_default(),
        canary: count("--canary")?,
        stop_after_failures: count("--stop-after")?,
    })
}

struct Count(NonZeroU16);

impl FromStr for Count {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let number: u16 = text.parse().map_err(|_| Problem::NotANumber)?;
        let most = u64::from(u16::MAX);
        NonZeroU16::new(number).map(Self).ok_or(Problem::OutOfRange { min: 1, max: most })
    }
}
