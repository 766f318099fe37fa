//! One VServer's whole configuration, read at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use domain::config_change::FileState;
use domain::config_entry::{ConfigEntry, ConfigPath, ConfigTree, Effect, Expected};
use domain::id::{ContextId, DeviceName, HostName, Mark, VServerName};
use domain::init::InitStyle;
use domain::interface::Interface;
use domain::note::Note;

use super::error::ConfigError;
use super::fstab::{FstabEntry, fstab};
use super::interfaces::{interfaces, on_wire};
use super::reader::{Reader, is_backup};
use super::resources::{ProcessSettings, limits, process_settings};
use super::words::{CapabilityChanges, Flag, KillStep, capabilities, flags, kill_sequence};
use crate::limits::Limits;
use crate::roots::Roots;

/// Where a VServer's files are, and what the config tree says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestConfig {
    /// Its name: that of its directory.
    pub name: VServerName,
    /// Its config directory.
    pub directory: PathBuf,
    /// What `vserver-stat` calls it (`name`); the directory's name where there is none.
    pub display_name: String,
    /// Its context number, if it has one of its own.
    pub context: Option<ContextId>,
    /// Its host and domain name.
    pub uts: Uts,
    /// Its addresses.
    pub interfaces: Vec<Interface>,
    /// The directory of each of them, such as `interfaces/0`.
    pub interface_directories: Vec<String>,
    /// The host's devices on whose wire it is to be itself (`interfaces/N/macvlan`).
    pub on_wire: Vec<DeviceName>,
    /// How its pid 1 is started and stopped.
    pub init: InitConfig,
    /// What is mounted in it, in order.
    pub fstab: Vec<FstabEntry>,
    /// `cflags`, or `flags` where there is none.
    pub flags: Vec<Flag>,
    /// What is added to and taken from the secure set of capabilities.
    pub capabilities: CapabilityChanges,
    /// The shell of `enter`, as arguments; none means: the first that the VServer has.
    pub shell: Option<Vec<String>>,
    /// Its niceness.
    pub nice: i32,
    /// How else its processes are served.
    pub processes: ProcessSettings,
    /// What it may use.
    pub limits: Limits,
    /// Its root directory on the host: what `vdir` leads to.
    pub root: PathBuf,
    /// Whether enumerations of the original skip it (`disabled`).
    pub disabled: bool,
    /// What was left out or overruled. What has no effect at all, [`without_effect`] says.
    pub warnings: Vec<Note>,
}

/// `uts/`: names of the VServer's own kernel view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uts {
    /// The host name.
    pub node_name: Option<HostName>,
    /// The NIS domain name.
    pub domain_name: Option<String>,
}

/// `apps/init/` and `apps/vshelper/sync-timeout`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitConfig {
    /// What pid 1 is.
    pub style: InitStyle,
    /// The run level to start; none for a style that has none by default.
    pub start_level: Option<String>,
    /// The run level to stop.
    pub stop_level: Option<String>,
    /// The start command that replaces the style's.
    pub start_command: Option<Vec<String>>,
    /// The stop command that replaces the style's.
    pub stop_command: Option<Vec<String>>,
    /// A command of the host in place of what the style prepares.
    pub prepare_command: Option<Vec<String>>,
    /// A command of the host that waits for what else belongs to a start.
    pub start_sync_command: Option<Vec<String>>,
    /// The same of a stop.
    pub stop_sync_command: Option<Vec<String>>,
    /// How what still runs is ended.
    pub kill_sequence: Vec<KillStep>,
    /// The whole environment of the start command, `NAME=value` each.
    pub environment: Vec<String>,
    /// Autostart labels.
    pub marks: Vec<Mark>,
    /// VServers that must run before this one.
    pub depends: Vec<VServerName>,
    /// How long a stop waits before it kills, in seconds.
    pub sync_timeout_seconds: u32,
}

/// Files that name commands of the host.
pub(crate) const PREPARE_COMMAND: &str = "apps/init/cmd.prepare";
pub(crate) const START_SYNC_COMMAND: &str = "apps/init/cmd.start-sync";
pub(crate) const STOP_SYNC_COMMAND: &str = "apps/init/cmd.stop-sync";

fn seconds_expected() -> Expected {
    Expected::Integer { min: 0, max: 86_400 }
}

/// The environment of a start command when nothing else says so (fact sheet 1.4).
const DEFAULT_ENVIRONMENT: &str = "PATH=/bin:/usr/bin:/sbin:/usr/sbin";

/// How long a stop waits before it kills, when nothing else says so.
pub(crate) const DEFAULT_SYNC_TIMEOUT_SECONDS: u32 = 30;

impl GuestConfig {
    /// Reads the config tree of a VServer.
    ///
    /// # Errors
    /// When there is none, or something in it makes no sense.
    pub fn read(roots: &Roots, name: &VServerName) -> Result<Self, ConfigError> {
        Self::read_as_if(roots, name, [])
    }

    /// The same, as if these files said this, or were not there.
    ///
    /// # Errors
    /// As [`GuestConfig::read`].
    pub fn read_as_if<'a>(
        roots: &Roots,
        name: &VServerName,
        changes: impl IntoIterator<Item = (&'a ConfigPath, Option<&'a str>)>,
    ) -> Result<Self, ConfigError> {
        let directory = roots.config_of(name);
        let Some(reader) = Reader::open(&directory, Path::new(name.as_str()))? else {
            return Err(ConfigError::NoSuchVServer { name: name.clone(), path: directory });
        };
        let reader = reader.listing().assuming(changes);
        let defaults = Reader::open(&roots.config_base.join(".defaults"), Path::new(".defaults"))?
            .map(Reader::listing);
        let mut warnings = Vec::new();
        let context =
            reader.parsed("context", str::parse::<ContextId>, |_| Expected::ContextNumber)?;
        let init = init_config(&reader, defaults.as_ref(), &mut warnings)?;
        let shell = match reader.array("shell")? {
            Some(shell) if !shell.is_empty() => Some(shell),
            _ => defaults.as_ref().map(|d| d.array("shell")).transpose()?.flatten(),
        };
        let (interface_directories, interfaces): (Vec<_>, Vec<_>) =
            interfaces(&reader, &mut warnings)?.into_iter().unzip();
        let on_wire = on_wire(&reader, &interface_directories, &interfaces)?;
        let flags = flags(&reader, &mut warnings)?;
        let is_hard =
            flags.iter().rev().find(|flag| flag.name == "sched_hard").is_some_and(|f| f.on);
        let mut mounts = fstab(&reader, "fstab", &mut warnings)?;
        if reader.exists("fstab.local")? {
            let (file, instead) = ("fstab.local".to_owned(), "fstab".to_owned());
            warnings.push(Note::Obsolete { file, instead });
            mounts.extend(fstab(&reader, "fstab.local", &mut warnings)?);
        }
        let config = Self {
            processes: process_settings(&reader, &mut warnings)?,
            limits: limits(&reader, is_hard, &mut warnings)?,
            display_name: reader.scalar("name")?.unwrap_or_else(|| name.to_string()),
            context,
            uts: uts(&reader, &mut warnings)?,
            interfaces,
            interface_directories,
            on_wire,
            init,
            fstab: mounts,
            flags,
            capabilities: capabilities(&reader, "bcapabilities")?,
            shell: shell.and_then(split_single),
            nice: nice(&reader)?,
            root: root_directory(&reader, &directory)?,
            disabled: reader.exists("disabled")?,
            warnings,
            name: name.clone(),
            directory,
        };
        Ok(config)
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn has_flag(&self, name: &str) -> bool {
        self.flags.iter().rev().find(|flag| flag.name == name).is_some_and(|flag| flag.on)
    }
}

fn nice(reader: &Reader) -> Result<i32, ConfigError> {
    let judge = |text: &str| text.parse().ok().filter(|nice| (-20..=19).contains(nice)).ok_or(());
    let nice = reader.parsed("nice", judge, |()| Expected::Integer { min: -20, max: 19 })?;
    Ok(nice.unwrap_or(0))
}

/// Niceness, and how else the processes of a VServer are served, by its config tree as it is now: for those that come later.
///
/// # Errors
/// When there is no such tree, or a file of it makes no sense.
pub fn process_settings_of(
    roots: &Roots,
    name: &VServerName,
) -> Result<(i32, ProcessSettings), ConfigError> {
    let directory = roots.config_of(name);
    match Reader::open(&directory, Path::new(name.as_str()))? {
        Some(reader) => Ok((nice(&reader)?, process_settings(&reader, &mut Vec::new())?)),
        None => Err(ConfigError::NoSuchVServer { name: name.clone(), path: directory }),
    }
}

/// The files of a VServer's config tree that say what this release does not do, by the catalogue.
#[must_use]
pub fn without_effect(name: &VServerName, files: &BTreeMap<ConfigPath, FileState>) -> Vec<Note> {
    let tree = ConfigTree::VServer(name.clone());
    let is_one = |path: &&ConfigPath| {
        !path.as_str().split('/').any(is_backup)
            && ConfigEntry::of(&tree, path).is_some_and(|entry| entry.effect() == Effect::None)
    };
    let paths = files.keys().filter(is_one);
    paths.map(|path| Note::NoEffect { file: path.to_string() }).collect()
}

/// A command in one line is taken apart at blanks; one argument a line is taken as it stands.
fn split_single(lines: Vec<String>) -> Option<Vec<String>> {
    match lines.as_slice() {
        [] => None,
        [line] => Some(line.split_whitespace().map(ToOwned::to_owned).collect()),
        _ => Some(lines),
    }
}

/// What `vdir` leads to. The only link, with `cache` and `run`, that may lead out of the config tree:
/// it is the administrator's word on where the files are.
fn root_directory(reader: &Reader, directory: &Path) -> Result<PathBuf, ConfigError> {
    let found = fs::canonicalize(directory.join("vdir")).ok().filter(|path| path.is_dir());
    match found {
        Some(path) if path.parent().is_some() => Ok(path),
        _ => Err(reader.unexpected("vdir", 1, Expected::RootDirectory)),
    }
}

fn uts(reader: &Reader, warnings: &mut Vec<Note>) -> Result<Uts, ConfigError> {
    let mut uts = Uts {
        node_name: reader.parsed("uts/nodename", str::parse::<HostName>, Expected::HostName)?,
        domain_name: reader.scalar("uts/domainname")?,
    };
    for (file, instead) in [("hostname", "uts/nodename"), ("domainname", "uts/domainname")] {
        if reader.exists(file)? {
            warnings.push(Note::Obsolete { file: file.to_owned(), instead: instead.to_owned() });
        }
    }
    if uts.node_name.is_none() {
        uts.node_name = reader.parsed("hostname", str::parse::<HostName>, Expected::HostName)?;
    }
    if uts.domain_name.is_none() {
        uts.domain_name = reader.scalar("domainname")?;
    }
    Ok(uts)
}

fn init_config(
    reader: &Reader,
    defaults: Option<&Reader>,
    warnings: &mut Vec<Note>,
) -> Result<InitConfig, ConfigError> {
    let style = reader
        .parsed("apps/init/style", str::parse::<InitStyle>, |_| Expected::InitStyle)?
        .unwrap_or(InitStyle::Sysv);
    let level = |path: &str| {
        let judge = |text: &str| {
            let is_word = text.len() <= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric());
            if is_word { Ok(text.to_owned()) } else { Err(()) }
        };
        reader.parsed(path, judge, |()| Expected::RunLevel)
    };
    let of_style = |level: Option<&str>| level.map(str::to_owned);
    let start_level = match level("apps/init/runlevel.start")? {
        Some(level) => Some(level),
        None => level("apps/init/runlevel")?.or(of_style(style.start_level())),
    };
    let stop_level = level("apps/init/runlevel.stop")?.or(of_style(style.stop_level()));
    let command = |path: &str| -> Result<Option<Vec<String>>, ConfigError> {
        Ok(reader.array(path)?.filter(|words| !words.is_empty()))
    };
    let environment = match reader.array("apps/init/environment")? {
        Some(environment) => Some(environment),
        None => defaults.map(|d| d.array("apps/init/environment")).transpose()?.flatten(),
    };
    let seconds = |text: &str| text.parse::<u32>().ok().filter(|s| *s <= 86_400).ok_or(());
    let timeout_file = "apps/vshelper/sync-timeout";
    let timeout = match reader.parsed(timeout_file, seconds, |()| seconds_expected())? {
        Some(timeout) => Some(timeout),
        None => defaults
            .map(|d| d.parsed(timeout_file, seconds, |()| seconds_expected()))
            .transpose()?
            .flatten(),
    };
    let stop_command = command("apps/init/cmd.stop")?;
    if style.has_own_init() && stop_command.is_some() {
        warnings.push(Note::NotOfStyle { file: "apps/init/cmd.stop".to_owned(), style });
    }
    Ok(InitConfig {
        style,
        start_level,
        stop_level,
        start_command: command("apps/init/cmd.start")?,
        stop_command,
        prepare_command: command(PREPARE_COMMAND)?,
        start_sync_command: command(START_SYNC_COMMAND)?,
        stop_sync_command: command(STOP_SYNC_COMMAND)?,
        kill_sequence: kill_sequence(reader, "apps/init/killseq")?,
        environment: environment.unwrap_or_else(|| vec![DEFAULT_ENVIRONMENT.to_owned()]),
        marks: words(reader, "apps/init/mark", Expected::Mark)?,
        depends: words(reader, "apps/init/depends", Expected::VServerName)?,
        sync_timeout_seconds: timeout.unwrap_or(DEFAULT_SYNC_TIMEOUT_SECONDS),
    })
}

/// A list whose items are all of one type.
pub(super) fn words<T>(
    reader: &Reader,
    path: &str,
    expected: fn(domain::field::Problem) -> Expected,
) -> Result<Vec<T>, ConfigError>
where
    T: core::str::FromStr<Err = domain::field::Problem>,
{
    reader
        .list(path)?
        .unwrap_or_default()
        .into_iter()
        .map(|(line, item)| {
            item.parse().map_err(|problem| reader.unexpected(path, line, expected(problem)))
        })
        .collect()
}
