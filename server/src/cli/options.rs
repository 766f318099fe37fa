//! Parsing one section of a command line: options as getopt_long(3) takes them (short ones in
//! bundles, long ones abbreviated), then words.
//!
//! clap does the parsing; what was typed wrongly becomes a [`UsageError`], whose words are in
//! `app::i18n`. An option of the original that is not in this release is known by name, so that it is
//! not called a typing mistake.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use app::i18n::Locale;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use domain::build::{NotPassed, passed_options};
use domain::field::Problem;

/// What was typed wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UsageError {
    /// No such option.
    OptionUnknown { option: String, supported: String },
    /// An option that makes no sense here, and why.
    OptionRefused { option: String, reason: Reason },
    /// A command for skeleton to run.
    SkeletonCommand { word: String },
    /// Something else than ssh with a port and a key.
    RemoteShell { word: String },
    /// What is wrong stands in a file of the host's.
    InFile { file: String, error: Box<UsageError> },
    /// An option that is given once too often.
    OptionTwice { option: String },
    /// An option without its value.
    OptionWithoutValue { option: String },
    /// A value for an option that takes none.
    OptionTakesNoValue { option: String },
    /// An option of `vserver` itself after the name.
    OptionBeforeName { option: String },
    /// A word where none can stand.
    WordNotExpected { word: String },
    /// Bytes that are not text.
    WordNotText { word: String },
    /// No command.
    CommandMissing,
    /// No such command.
    CommandUnknown { word: String },
    /// A command of the original's that is not in this release.
    CommandNotYet { word: String, supported: String },
    /// No `-m`.
    MethodMissing { supported: String },
    /// No such build method.
    MethodUnknown { word: String, supported: String },
    /// A build method of the original's that is not in this release.
    MethodNotYet { word: String, supported: String },
    /// `-n` and the command line name two VServers.
    OtherName { given: String, name: String },
    /// `--netmask` and `--netprefix` together.
    NetmaskTwice,
    /// `rename` without a new name.
    NewNameMissing,
    /// `start` with a part of `--rescue` alone.
    RescueMissing,
    /// `suexec` without a user.
    UserMissing,
    /// `exec` without a command.
    ProgramMissing,
    /// `config` with a word that is no action.
    ConfigActionUnknown { word: String, supported: String },
    /// `config` without the path that its action needs.
    ConfigPathMissing,
    /// A path that no file of a config tree can have.
    ConfigPathWrong { word: String, problem: Problem },
    /// `config undo` without a number.
    ConfigNumberMissing,
    /// A value that an option cannot have.
    OptionValue { option: String, problem: Problem },
    /// A command that is only for one VServer at a time.
    CommandOfOne { word: String },
    /// An option that is only for many VServers, before a name.
    OptionOfMany { option: String },
    /// `--dry-run` with a command that cannot be tried so.
    NoDryRun { word: String },
    /// `remount` without a directory.
    TargetMissing,
}

/// Why an option of the original's makes no sense any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Packages are managed inside.
    PackagesInside,
    /// What fails is undone.
    FailuresUndone,
    /// A clone is whole.
    CloneIsWhole,
    /// No shell script does it.
    NoShell,
}

impl Reason {
    fn text(self, locale: Locale) -> &'static str {
        match self {
            Self::PackagesInside => locale.packages_are_inside(),
            Self::FailuresUndone => locale.failures_are_undone(),
            Self::CloneIsWhole => locale.clones_are_whole(),
            Self::NoShell => locale.no_shell_to_trace(),
        }
    }
}

impl From<NotPassed> for UsageError {
    fn from(error: NotPassed) -> Self {
        match error {
            NotPassed::Unknown(word) if word.starts_with('-') => {
                let option = word.split('=').next().unwrap_or_default().to_owned();
                Self::OptionUnknown { option, supported: passed_options() }
            }
            NotPassed::Unknown(word) => Self::WordNotExpected { word },
            NotPassed::WithoutValue(option) => Self::OptionWithoutValue { option },
            NotPassed::WithValue(option) => Self::OptionTakesNoValue { option },
        }
    }
}

impl UsageError {
    /// The same, of a file: whoever types a command that has nothing wrong must hear where it stands.
    pub(super) fn in_file(self, file: &Path) -> Self {
        Self::InFile { file: file.display().to_string(), error: Box::new(self) }
    }

    /// The words.
    pub(super) fn text(&self, locale: Locale) -> String {
        match self {
            Self::OptionUnknown { option, supported } => locale.option_unknown(option, supported),
            Self::OptionRefused { option, reason } => {
                locale.option_refused(option, reason.text(locale))
            }
            Self::SkeletonCommand { word } => locale.skeleton_runs_nothing(word),
            Self::RemoteShell { word } => locale.remote_shell_is_ssh(word),
            Self::InFile { file, error } => locale.in_file(file, &error.text(locale)),
            Self::OptionTwice { option } => locale.option_twice(option),
            Self::OptionWithoutValue { option } => locale.option_without_value(option),
            Self::OptionTakesNoValue { option } => locale.option_takes_no_value(option),
            Self::OptionBeforeName { option } => locale.option_before_name(option),
            Self::WordNotExpected { word } => locale.word_not_expected(word),
            Self::WordNotText { word } => locale.word_not_text(word),
            Self::CommandMissing => locale.command_missing().to_owned(),
            Self::CommandUnknown { word } => locale.command_unknown(word),
            Self::CommandNotYet { word, supported } => locale.command_not_yet(word, supported),
            Self::MethodMissing { supported } => locale.method_missing(supported),
            Self::MethodUnknown { word, supported } => locale.method_unknown(word, supported),
            Self::MethodNotYet { word, supported } => locale.method_not_yet(word, supported),
            Self::OtherName { given, name } => locale.other_name(given, name),
            Self::NetmaskTwice => locale.netmask_not_with_netprefix().to_owned(),
            Self::NewNameMissing => locale.new_name_missing().to_owned(),
            Self::UserMissing => locale.user_missing().to_owned(),
            Self::RescueMissing => locale.rescue_missing().to_owned(),
            Self::ProgramMissing => locale.program_missing().to_owned(),
            Self::ConfigActionUnknown { word, supported } => {
                locale.config_action_unknown(word, supported)
            }
            Self::ConfigPathMissing => locale.config_path_missing().to_owned(),
            Self::ConfigPathWrong { word, problem } => {
                format!("{word}{}{}", locale.colon(), app::i18n::problem_text(locale, problem))
            }
            Self::ConfigNumberMissing => locale.config_number_missing().to_owned(),
            Self::OptionValue { option, problem } => {
                format!("{option}{}{}", locale.colon(), app::i18n::problem_text(locale, problem))
            }
            Self::CommandOfOne { word } => locale.command_of_one(word),
            Self::OptionOfMany { option } => locale.option_of_many(option),
            Self::NoDryRun { word } => locale.no_dry_run(word),
            Self::TargetMissing => locale.target_missing().to_owned(),
        }
    }
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opt {
    long: Option<&'static str>,
    short: Option<char>,
    takes_value: bool,
    is_hidden: bool,
    refused: Option<Reason>,
    takes_options: bool,
}

impl Opt {
    /// `--long`, which is there or not.
    pub(super) const fn flag(long: &'static str) -> Self {
        let long = Some(long);
        Self {
            long,
            short: None,
            takes_value: false,
            is_hidden: false,
            refused: None,
            takes_options: false,
        }
    }

    /// `--long VALUE`.
    pub(super) const fn value(long: &'static str) -> Self {
        Self { takes_value: true, ..Self::flag(long) }
    }

    /// `-s VALUE`.
    pub(super) const fn short_value(short: char) -> Self {
        let long = None;
        Self { long, takes_value: true, ..Self::flag("").or(short) }
    }

    /// The same, also as `-s`.
    pub(super) const fn or(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }

    /// The same, whose value is an option of another program's.
    pub(super) const fn of_options(self) -> Self {
        Self { takes_options: true, ..self }
    }

    /// The same, which makes no sense any more.
    pub(super) const fn refused(self, reason: Reason) -> Self {
        Self { refused: Some(reason), is_hidden: true, ..self }
    }

    /// The same, which is not offered.
    pub(super) const fn hidden(self) -> Self {
        Self { is_hidden: true, ..self }
    }

    /// How it is typed and looked up: `--long`, or `-s` when it has no long form.
    fn shown(self) -> String {
        match (self.long, self.short) {
            (Some(long), _) => format!("--{long}"),
            (None, Some(short)) => format!("-{short}"),
            (None, None) => String::new(),
        }
    }
}

/// Two lists of options as one of `N`.
pub(super) const fn joined<const N: usize>(one: &[Opt], other: &[Opt]) -> [Opt; N] {
    assert!(one.len() + other.len() == N, "N is how many there are of both");
    let mut all = [Opt::flag(""); N];
    let mut at = 0;
    while at < N {
        all[at] = if at < one.len() { one[at] } else { other[at - one.len()] };
        at += 1;
    }
    all
}

/// What a section of a command line may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grammar {
    /// Its options.
    pub(super) options: &'static [Opt],
    /// Whether words follow them; everything from the first on is words.
    pub(super) takes_words: bool,
}

/// A section that was understood.
#[derive(Debug)]
pub(super) struct Section {
    matches: ArgMatches,
}

const WORDS: &str = "words";

impl Grammar {
    /// The options that can be used, for people.
    pub(super) fn supported(self) -> String {
        let shown = self.options.iter().filter(|option| !option.is_hidden);
        shown.map(|option| option.shown()).collect::<Vec<_>>().join(", ")
    }

    /// Understands a section.
    pub(super) fn parse(self, words: &[OsString]) -> Result<Section, UsageError> {
        let mut command = Command::new("section")
            .no_binary_name(true)
            .disable_help_flag(true)
            .disable_version_flag(true)
            .infer_long_args(true);
        for option in self.options {
            let mut arg = Arg::new(option.shown()).action(if option.takes_value {
                ArgAction::Append
            } else {
                ArgAction::Count
            });
            if option.takes_value {
                arg = arg
                    .value_parser(clap::value_parser!(OsString))
                    .allow_hyphen_values(option.takes_options);
            }
            if let Some(long) = option.long {
                arg = arg.long(long);
            }
            if let Some(short) = option.short {
                arg = arg.short(short);
            }
            command = command.arg(arg);
        }
        if self.takes_words {
            let parser = clap::value_parser!(OsString);
            let arg = Arg::new(WORDS).num_args(0..).trailing_var_arg(true).value_parser(parser);
            command = command.arg(arg);
        }
        let matches = command.clone().try_get_matches_from(words).or_else(|error| {
            // What the course's hand-out types (fact sheet L19).
            let corrected =
                words.iter().map(|word| if word == "-help" { OsStr::new("--help") } else { word });
            command.try_get_matches_from(corrected).map_err(|_| self.explain(&error))
        })?;
        let section = Section { matches };
        for option in self.options {
            if let Some(reason) = option.refused.filter(|_| section.has(&option.shown())) {
                return Err(UsageError::OptionRefused { option: option.shown(), reason });
            }
        }
        Ok(section)
    }

    fn explain(self, error: &clap::Error) -> UsageError {
        let about = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(text)) => text.as_str(),
            Some(ContextValue::Strings(texts)) => texts.first().map_or("", String::as_str),
            _ => "",
        };
        // clap shows an option together with its value's name, or with that it may be repeated.
        let option = about.split([' ', '=']).next().unwrap_or_default();
        let option = option.trim_end_matches("...").to_owned();
        match error.kind() {
            ErrorKind::TooManyValues => UsageError::OptionTakesNoValue { option },
            ErrorKind::UnknownArgument if about.starts_with('-') => {
                UsageError::OptionUnknown { option, supported: self.supported() }
            }
            ErrorKind::UnknownArgument => UsageError::WordNotExpected { word: about.to_owned() },
            _ => UsageError::OptionWithoutValue { option },
        }
    }
}

impl Section {
    /// Whether an option was given; `option` as it is typed in full.
    pub(super) fn has(&self, option: &str) -> bool {
        self.matches.value_source(option) == Some(clap::parser::ValueSource::CommandLine)
    }

    /// Whether there is such an option here.
    pub(super) fn is_known(&self, option: &str) -> bool {
        self.matches.try_contains_id(option).is_ok()
    }

    /// The value of an option, the last one when it was given more than once.
    pub(super) fn value(&self, option: &str) -> Result<Option<String>, UsageError> {
        self.os_value(option).map(|value| text(&value)).transpose()
    }

    /// As [`Section::value`], whatever bytes it has.
    pub(super) fn os_value(&self, option: &str) -> Option<OsString> {
        self.matches.get_many::<OsString>(option)?.next_back().cloned()
    }

    /// All values of an option, in order.
    pub(super) fn values(&self, option: &str) -> Result<Vec<String>, UsageError> {
        let values = self.matches.get_many::<OsString>(option).unwrap_or_default();
        values.map(|value| text(value)).collect()
    }

    /// The words after the options.
    pub(super) fn words(&self) -> Vec<OsString> {
        self.matches.get_many::<OsString>(WORDS).unwrap_or_default().cloned().collect()
    }
}

/// A word as text.
pub(super) fn text(word: &OsStr) -> Result<String, UsageError> {
    let as_text = word.to_str().map(str::to_owned);
    as_text.ok_or_else(|| UsageError::WordNotText { word: word.to_string_lossy().into_owned() })
}
