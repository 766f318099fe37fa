//! The commands there are, and their help.

use std::fmt::Write as _;

use app::i18n::Locale;

/// A command of `vserver`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Build,
    Start,
    Stop,
    Restart,
    CondRestart,
    Enter,
    Exec,
    SuExec,
    Status,
    Running,
    Delete,
    Config,
    Backup,
    Undelete,
    Rename,
    Set,
    Protect,
    Unprotect,
    Packages,
    AptGet,
    AptCache,
    AptConfig,
    Rpm,
    Events,
    Console,
    Mark,
    Unmark,
    Mounts,
    Remount,
}

/// The original's other commands (fact sheet 2.1).
const LATER: [&str; 6] = ["chkconfig", "hashify", "pkg", "pkgmgmt", "unify", "vunify"];

impl Command {
    const ALL: [Self; 29] = [
        Self::Build,
        Self::Start,
        Self::Stop,
        Self::Restart,
        Self::CondRestart,
        Self::Enter,
        Self::Exec,
        Self::SuExec,
        Self::Status,
        Self::Running,
        Self::Delete,
        Self::Config,
        Self::Backup,
        Self::Undelete,
        Self::Rename,
        Self::Set,
        Self::Protect,
        Self::Unprotect,
        Self::Packages,
        Self::AptGet,
        Self::AptCache,
        Self::AptConfig,
        Self::Rpm,
        Self::Events,
        Self::Console,
        Self::Mark,
        Self::Unmark,
        Self::Mounts,
        Self::Remount,
    ];

    /// The word for it.
    fn word(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::CondRestart => "condrestart",
            Self::Enter => "enter",
            Self::Exec => "exec",
            Self::SuExec => "suexec",
            Self::Status => "status",
            Self::Running => "running",
            Self::Delete => "delete",
            Self::Config => "config",
            Self::Backup => "backup",
            Self::Undelete => "undelete",
            Self::Rename => "rename",
            Self::Set => "set",
            Self::Protect => "protect",
            Self::Unprotect => "unprotect",
            Self::Packages => "packages",
            Self::AptGet => "apt-get",
            Self::AptCache => "apt-cache",
            Self::AptConfig => "apt-config",
            Self::Rpm => "rpm",
            Self::Events => "events",
            Self::Console => "console",
            Self::Mark => "mark",
            Self::Unmark => "unmark",
            Self::Mounts => "mounts",
            Self::Remount => "remount",
        }
    }

    /// What follows it.
    fn arguments(self, locale: Locale) -> &'static str {
        match self {
            Self::Build => locale.build_arguments(),
            Self::Start => locale.start_arguments(),
            Self::Exec => locale.exec_arguments(),
            Self::SuExec => locale.suexec_arguments(),
            Self::Config => locale.config_arguments(),
            Self::Backup => locale.backup_arguments(),
            Self::Delete => "[--now]",
            Self::Undelete => locale.undelete_arguments(),
            Self::Rename => locale.rename_arguments(),
            Self::Set => locale.set_arguments(),
            Self::Packages => locale.packages_arguments(),
            Self::AptGet | Self::AptCache | Self::AptConfig | Self::Rpm => locale.tool_arguments(),
            Self::Console => locale.console_arguments(),
            Self::Mark | Self::Unmark => locale.mark_arguments(),
            Self::Remount => locale.remount_arguments(),
            _ => "",
        }
    }

    fn does(self, locale: Locale) -> &'static str {
        match self {
            Self::Build => locale.does_build(),
            Self::Start => locale.does_start(),
            Self::Stop => locale.does_stop(),
            Self::Restart => locale.does_restart(),
            Self::CondRestart => locale.does_condrestart(),
            Self::Enter => locale.does_enter(),
            Self::Exec => locale.does_exec(),
            Self::SuExec => locale.does_suexec(),
            Self::Status => locale.does_status(),
            Self::Running => locale.does_running(),
            Self::Delete => locale.does_delete(),
            Self::Config => locale.does_config(),
            Self::Backup => locale.does_backup(),
            Self::Undelete => locale.does_undelete(),
            Self::Rename => locale.does_rename(),
            Self::Set => locale.does_set(),
            Self::Protect => locale.does_protect(),
            Self::Unprotect => locale.does_unprotect(),
            Self::Packages => locale.does_packages(),
            Self::AptGet | Self::AptCache | Self::AptConfig | Self::Rpm => locale.does_tool(),
            Self::Events => locale.does_events(),
            Self::Console => locale.does_console(),
            Self::Mark => locale.does_mark(),
            Self::Unmark => locale.does_unmark(),
            Self::Mounts => locale.does_mounts(),
            Self::Remount => locale.does_remount(),
        }
    }

    /// The command of a word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.word() == word)
    }

    /// Whether the original had a command of this name that is not in this release.
    pub(super) fn is_later(word: &str) -> bool {
        LATER.contains(&word)
    }

    /// All words, for people.
    pub(super) fn list() -> String {
        Self::ALL.map(Self::word).join(", ")
    }

    /// Its help.
    pub(super) fn help(self, locale: Locale) -> String {
        let (name, arguments) = (locale.name_word(), self.arguments(locale));
        let line = format!("vserver {name} {} {arguments}", self.word());
        let mut text =
            format!("{}\n\n{}.", locale.usage_of(line.trim_end()), capitalised(self.does(locale)));
        let more = match self {
            Self::Build => locale.build_options_explained(),
            Self::Config => locale.config_actions_explained(),
            Self::Backup => locale.backup_options_explained(),
            Self::Rename | Self::Set | Self::Undelete => locale.identity_options_explained(),
            Self::Delete => locale.delete_options_explained(),
            Self::Packages => locale.packages_explained(),
            Self::Console => locale.console_options_explained(),
            Self::Remount => locale.mounts_hold_from_start(),
            _ => return text,
        };
        let _ = write!(text, "\n\n{more}");
        text
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// One line: how `vserver` is called.
pub(super) fn usage(locale: Locale) -> String {
    locale.usage_of(locale.vserver_usage())
}

/// The column, after the margin, where the help says what a command does.
const DOES_AT: usize = 40;

/// The help of `vserver`.
pub(super) fn vserver(locale: Locale) -> String {
    let mut text = format!("{}\n\n{}\n", usage(locale), locale.vserver_commands());
    for command in Command::ALL {
        let is_long = matches!(command, Command::Build | Command::Backup | Command::Packages);
        let arguments = if is_long { "…" } else { command.arguments(locale) };
        let usage = format!("{} {arguments}", command.word());
        let (usage, does) = (usage.trim_end(), command.does(locale));
        let _ = match usage.chars().count() {
            0..DOES_AT => writeln!(text, "  {usage:<DOES_AT$}{does}"),
            _ => writeln!(text, "  {usage}\n  {:<DOES_AT$}{does}", ""),
        };
    }
    let (options, many) = (locale.vserver_options(), locale.many_options());
    let _ = write!(text, "\n{options}\n\n{many}\n\n{}", locale.more_help());
    text
}
