//! The command line of a build (fact sheet 2.2), up to two `--` apart: general options, options of
//! the method, what its program itself is told.
//!
//! Makes a [`BuildForm`] of it, the same that the web form fills in; judging it is the engine's. What
//! only somebody at the host may say (paths, leave to touch what is there) is in its part that never
//! travels.
//! Invariant: what [`domain::build::BuildSpec::command_line`] prints comes back as the same
//! specification.

use std::ffi::OsString;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use domain::build::{AtHost, BuildForm, MethodKind};
use domain::field::{Field, FieldError, FieldErrors, Problem};
use domain::init::{Init, InitStyle};
use engine::facts::{BUILD_OPTIONS, DEBOOTSTRAP_OPTIONS, DefaultOptions};

use super::caller::Caller;
use super::options::{Grammar, Opt, Reason, Section, UsageError, text};

/// The original's other methods (fact sheet 2.2).
const LATER_METHODS: [&str; 7] = ["apt-rpm", "copy", "fai", "legacy", "poldek", "rpm", "urpmi"];

pub(super) const GENERAL: Grammar = Grammar {
    options: &[
        Opt::short_value('m'),
        Opt::short_value('n'),
        Opt::value("context"),
        Opt::value("hostname"),
        Opt::value("interface"),
        Opt::value("netdev"),
        Opt::value("netmask"),
        Opt::value("netprefix"),
        Opt::value("netbcast"),
        Opt::value("initstyle"),
        Opt::value("flags"),
        Opt::value("cpuset"),
        Opt::value("cpusetcpus"),
        Opt::value("cpusetmems"),
        Opt::flag("cpusetvirt"),
        Opt::flag("force"),
        Opt::flag("i-know-its-there"),
        Opt::value("rootdir"),
        Opt::value("confdir"),
        Opt::value("lockfile"),
        Opt::flag("debug"),
        Opt::flag("help"),
        Opt::flag("keep").refused(Reason::FailuresUndone),
        Opt::value("pkgbase").refused(Reason::PackagesInside),
    ],
    takes_words: false,
};

const OF_DEBOOTSTRAP: Grammar = Grammar {
    options: &[Opt::short_value('d'), Opt::short_value('m'), Opt::short_value('s')],
    takes_words: false,
};

const OF_RSYNC: Grammar = Grammar {
    options: &[
        Opt::value("source").or('s'),
        Opt::value("hostkey"),
        Opt::short_value('o').of_options(),
        Opt::short_value('d').hidden(),
        Opt::flag("pkgmgmt").hidden(),
    ],
    takes_words: false,
};

/// What rsync can be told. All else it is told anyway, or would reach outside the VServer.
const TO_RSYNC: Grammar = Grammar {
    options: &[
        Opt::value("exclude"),
        Opt::value("rsh").or('e'),
        Opt::value("bwlimit"),
        Opt::flag("compress").or('z'),
        Opt::flag("no-one-file-system"),
        // Done anyway.
        Opt::flag("no-x").hidden(),
        Opt::flag("one-file-system").or('x').hidden(),
        Opt::flag("archive").or('a').hidden(),
        Opt::flag("hard-links").or('H').hidden(),
        Opt::flag("acls").or('A').hidden(),
        Opt::flag("xattrs").or('X').hidden(),
        Opt::flag("sparse").or('S').hidden(),
        Opt::flag("numeric-ids").hidden(),
        Opt::flag("recursive").or('r').hidden(),
        Opt::flag("links").or('l').hidden(),
        Opt::flag("perms").or('p').hidden(),
        Opt::flag("times").or('t').hidden(),
        Opt::flag("group").or('g').hidden(),
        Opt::flag("owner").or('o').hidden(),
        Opt::flag("specials").hidden(),
        Opt::flag("verbose").or('v').hidden(),
        Opt::flag("progress").hidden(),
        Opt::flag("stats").hidden(),
    ],
    takes_words: false,
};

const OF_CLONE: Grammar = Grammar {
    options: &[
        Opt::value("source").or('s'),
        Opt::flag("unified"),
        Opt::value("exclude-from").or('X').refused(Reason::CloneIsWhole),
        Opt::short_value('d').hidden(),
        Opt::flag("pkgmgmt").hidden(),
    ],
    takes_words: false,
};

const OF_YUM: Grammar = Grammar { options: &[Opt::short_value('d')], takes_words: false };

const TO_YUM: Grammar = Grammar { options: &[], takes_words: true };

const OF_TEMPLATE: Grammar = Grammar {
    options: &[
        Opt::value("template").or('t'),
        Opt::short_value('d'),
        Opt::flag("pkgmgmt").hidden(),
        Opt::flag("nodevsanity").hidden(),
    ],
    takes_words: false,
};

const OF_SKELETON: Grammar = Grammar {
    options: &[Opt::short_value('d').hidden(), Opt::flag("pkgmgmt").hidden()],
    takes_words: true,
};

const NOTHING: Grammar = Grammar { options: &[], takes_words: false };

/// Options of methods that scripts may give, and that change nothing: what is copied or unpacked is of
/// the distribution it is, `/dev` is always made anew, packages are always managed inside.
const WITHOUT_EFFECT: [&str; 3] = ["-d", "--pkgmgmt", "--nodevsanity"];

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BuildRequest {
    /// The help.
    Help,
    /// A build.
    Build(Box<Build>),
}

/// A build.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Build {
    /// Of this.
    pub(super) form: BuildForm,
    /// Whether the program's output is shown.
    pub(super) shows_log: bool,
    /// Interfaces for which no device was given.
    pub(super) without_device: Vec<String>,
    /// The distribution whose own archive is to be unpacked.
    pub(super) archive_of: Option<String>,
    /// Options that change nothing.
    pub(super) without_effect: Vec<String>,
    /// Where `--rootdir`, `--confdir` and `--lockfile` say that things are.
    pub(super) places: Places,
}

/// Places that are where this instance of Ulysse has them, or nowhere.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) root_base: Option<PathBuf>,
    pub(super) config: Option<PathBuf>,
    pub(super) run_file: Option<PathBuf>,
}

/// What is wrong with a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WrongBuild {
    /// It cannot be understood.
    Usage(UsageError),
    /// A value is wrong.
    Values(FieldErrors),
}

impl From<UsageError> for WrongBuild {
    fn from(error: UsageError) -> Self {
        Self::Usage(error)
    }
}

/// Understands the words after `vserver NAME build`; `defaults` are read before them.
pub(super) fn parse(
    name: &str,
    words: &[OsString],
    defaults: &DefaultOptions,
) -> Result<BuildRequest, WrongBuild> {
    let mut sections = words.splitn(3, |word| word == "--").map(<[OsString]>::to_vec);
    let mut next = || sections.next().unwrap_or_default();
    let typed = next();
    let is_network_typed = Network::of(&GENERAL.parse(&typed)?)?.is_given();
    let file = defaults.directory.join(BUILD_OPTIONS);
    GENERAL.parse(&after(&defaults.build, Vec::new())).map_err(|error| error.in_file(&file))?;
    let general = GENERAL.parse(&after(&defaults.build, typed))?;
    if general.has("--help") {
        return Ok(BuildRequest::Help);
    }
    let method = method_of(general.value("-m")?)?;
    if let Some(given) = general.value("-n")?.filter(|given| given != name) {
        return Err(UsageError::OtherName { given, name: name.to_owned() }.into());
    }
    let mut build = Build { shows_log: general.has("--debug"), ..Build::default() };
    let mut errors = FieldErrors::default();
    build.form.name = name.to_owned();
    build.form.method = method.to_string();
    let (of_method, passed) = (next(), next());
    read_general(&general, &mut build, &mut errors)?;
    if build.form.interfaces.is_empty() && is_network_typed && errors.is_empty() {
        errors.push(Field::Interface, Problem::Missing);
    }
    match method {
        MethodKind::Debootstrap => {
            let of_method = OF_DEBOOTSTRAP.parse(&of_method)?;
            let form = &mut build.form;
            let file = defaults.directory.join(DEBOOTSTRAP_OPTIONS);
            let passed_first = form.pass_on(&defaults.debootstrap).map_err(UsageError::from);
            passed_first.map_err(|error| error.in_file(&file))?;
            let passed: Vec<String> =
                passed.iter().map(|word| text(word)).collect::<Result<_, _>>()?;
            form.pass_on(&passed).map_err(UsageError::from)?;
            read_debootstrap(&of_method, form, &mut errors)?;
        }
        MethodKind::Rsync => {
            let of_method = OF_RSYNC.parse(&of_method)?;
            let given = of_method.values("-o")?;
            let passed = TO_RSYNC.parse(&after(&given, passed))?;
            read_source(&of_method, &mut build.form, &mut errors)?;
            read_rsync(&of_method, &passed, &mut build.form, &mut errors)?;
            note_without_effect(&of_method, &mut build);
        }
        MethodKind::Clone => {
            let of_method = OF_CLONE.parse(&of_method)?;
            NOTHING.parse(&passed)?;
            read_source(&of_method, &mut build.form, &mut errors)?;
            build.form.unified = switch(of_method.has("--unified"));
            note_without_effect(&of_method, &mut build);
        }
        MethodKind::Yum => {
            let of_method = OF_YUM.parse(&of_method)?;
            let packages = TO_YUM.parse(&passed)?.words();
            build.form.distribution = of_method.value("-d")?.unwrap_or_default();
            let words = packages.iter().map(|word| word.to_string_lossy().into_owned());
            build.form.packages = words.collect::<Vec<_>>().join(" ");
        }
        MethodKind::Template => {
            let of_method = OF_TEMPLATE.parse(&of_method)?;
            NOTHING.parse(&passed)?;
            read_template(&of_method, &mut build, &mut errors)?;
            note_without_effect(&of_method, &mut build);
        }
        MethodKind::Skeleton => {
            let of_method = OF_SKELETON.parse(&of_method)?;
            if let Some(word) = of_method.words().into_iter().chain(passed).next() {
                let word = word.to_string_lossy().into_owned();
                return Err(UsageError::SkeletonCommand { word }.into());
            }
            note_without_effect(&of_method, &mut build);
        }
    }
    if errors.is_empty() {
        Ok(BuildRequest::Build(Box::new(build)))
    } else {
        Err(WrongBuild::Values(errors))
    }
}

/// Words after default ones.
fn after(defaults: &[String], words: Vec<OsString>) -> Vec<OsString> {
    defaults.iter().map(OsString::from).chain(words).collect()
}

/// The value of an option that may be left out, but not be empty.
fn single(
    section: &Section,
    option: &str,
    field: Field,
    errors: &mut FieldErrors,
) -> Result<String, UsageError> {
    let value = section.value(option)?;
    if value.as_deref().is_some_and(|value| value.trim().is_empty()) {
        errors.push(field, Problem::Missing);
    }
    Ok(value.unwrap_or_default())
}

fn list(section: &Section, option: &str) -> Result<String, UsageError> {
    Ok(section.values(option)?.join(","))
}

fn switch(is_on: bool) -> String {
    if is_on { "1".to_owned() } else { String::new() }
}

fn read_general(
    general: &Section,
    build: &mut Build,
    errors: &mut FieldErrors,
) -> Result<(), UsageError> {
    let form = &mut build.form;
    form.context = single(general, "--context", Field::Context, errors)?;
    form.host_name = single(general, "--hostname", Field::HostName, errors)?;
    form.flags = list(general, "--flags")?;
    form.broadcast = single(general, "--netbcast", Field::Broadcast, errors)?;
    form.cpuset = single(general, "--cpuset", Field::Cpuset, errors)?;
    form.cpuset_cpus = single(general, "--cpusetcpus", Field::CpusetCpus, errors)?;
    form.cpuset_mems = single(general, "--cpusetmems", Field::CpusetMems, errors)?;
    form.cpuset_virtual = switch(general.has("--cpusetvirt"));
    form.at_host = AtHost {
        replaces: general.has("--force"),
        keeps_root: general.has("--i-know-its-there"),
        ..AtHost::default()
    };
    let style = single(general, "--initstyle", Field::Init, errors)?;
    if !style.is_empty()
        && let Some(init) = errors.take(Field::Init, init_of(&style))
    {
        init.clone_into(&mut form.init);
    }
    let network = Network::of(general)?;
    let mut interfaces = Vec::new();
    for given in general.values("--interface")? {
        let Some(completed) = network.complete(&given) else {
            errors.push(Field::Interface, Problem::Missing);
            continue;
        };
        if completed.has_no_device {
            build.without_device.push(given);
        }
        interfaces.push(completed.text);
    }
    form.interfaces = interfaces.join("\n");
    let place = |option| general.os_value(option).map(PathBuf::from);
    build.places = Places {
        root_base: place("--rootdir"),
        config: place("--confdir"),
        run_file: place("--lockfile"),
    };
    Ok(())
}

fn read_debootstrap(
    of_method: &Section,
    form: &mut BuildForm,
    errors: &mut FieldErrors,
) -> Result<(), UsageError> {
    form.suite = single(of_method, "-d", Field::Suite, errors)?;
    form.mirror = single(of_method, "-m", Field::Mirror, errors)?;
    form.script = single(of_method, "-s", Field::SuiteScript, errors)?;
    for path in [&mut form.at_host.keyring, &mut form.at_host.certificate] {
        if !path.is_empty() {
            *path = absolute(path);
        }
    }
    Ok(())
}

/// `--source`: a VServer's name, another machine's directory, or a directory here, which has a `/` in it.
fn read_source(
    of_method: &Section,
    form: &mut BuildForm,
    errors: &mut FieldErrors,
) -> Result<(), UsageError> {
    let source = single(of_method, "--source", Field::Source, errors)?;
    let place = source.split('/').next().unwrap_or_default();
    let is_elsewhere = place.contains(':') || source.starts_with('[') || source.contains("://");
    if !is_elsewhere && (source.contains('/') || matches!(source.as_str(), "." | "..")) {
        form.at_host.source = absolute(&source);
    } else if of_method.has("--source") {
        form.source = source;
    } else {
        errors.push(Field::Source, Problem::Missing);
    }
    Ok(())
}

fn read_rsync(
    of_method: &Section,
    passed: &Section,
    form: &mut BuildForm,
    errors: &mut FieldErrors,
) -> Result<(), UsageError> {
    form.host_key = single(of_method, "--hostkey", Field::HostKey, errors)?;
    form.exclude_patterns = passed.values("--exclude")?.join("\n");
    form.bandwidth = single(passed, "--bwlimit", Field::Bandwidth, errors)?;
    form.compressed = switch(passed.has("--compress"));
    form.all_filesystems = switch(passed.has("--no-one-file-system") || passed.has("--no-x"));
    let Some(shell) = passed.value("--rsh")? else { return Ok(()) };
    let mut words = shell.split_whitespace();
    match words.next() {
        Some("ssh" | "/usr/bin/ssh") => {}
        other => {
            return Err(UsageError::RemoteShell { word: other.unwrap_or_default().to_owned() });
        }
    }
    while let Some(word) = words.next() {
        let (option, attached) = word.split_at_checked(2).unwrap_or((word, ""));
        let value = match attached {
            "" => words.next().unwrap_or_default(),
            attached => attached,
        };
        match (option, value) {
            ("-p" | "-i", "") => {
                return Err(UsageError::OptionWithoutValue { option: format!("-e ssh {option}") });
            }
            ("-p", port) => port.clone_into(&mut form.port),
            ("-i", key) => form.at_host.identity = absolute(key),
            _ => return Err(UsageError::RemoteShell { word: word.to_owned() }),
        }
    }
    Ok(())
}

/// `-t`: a file here, or the name of a template that is kept; else that of the distribution after `-d`.
fn read_template(
    of_method: &Section,
    build: &mut Build,
    errors: &mut FieldErrors,
) -> Result<(), UsageError> {
    let form = &mut build.form;
    let given = of_method.values("--template")?;
    let [template] = given.as_slice() else {
        if given.is_empty() {
            build.archive_of = of_method.value("-d")?;
            if build.archive_of.is_some() {
                return Ok(());
            }
            errors.push(Field::Template, Problem::Missing);
            return Ok(());
        }
        return Err(UsageError::OptionTwice { option: "--template".to_owned() });
    };
    if template.contains('/') || Path::new(template).is_file() {
        form.at_host.archive = absolute(template);
    } else {
        form.template.clone_from(template);
    }
    Ok(())
}

fn note_without_effect(of_method: &Section, build: &mut Build) {
    let given = WITHOUT_EFFECT.iter().filter(|option| of_method.is_known(option));
    let is_used = |option: &str| option == "-d" && build.archive_of.is_some();
    let given = given.filter(|option| of_method.has(option) && !is_used(option));
    build.without_effect = given.map(|option| (*option).to_owned()).collect();
}

/// A path as seen from here; what leads up is followed, because a form takes no such path.
fn absolute(text: &str) -> String {
    let path = Path::new(text);
    let found = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let climbs = path.components().any(|part| matches!(part, std::path::Component::ParentDir));
    let found = if climbs { fs::canonicalize(&found).unwrap_or(found) } else { found };
    found.to_string_lossy().into_owned()
}

fn method_of(method: Option<String>) -> Result<MethodKind, UsageError> {
    let supported = || MethodKind::choices().join(", ");
    match method {
        None => Err(UsageError::MethodMissing { supported: supported() }),
        Some(word) => match word.parse() {
            Ok(method) => Ok(method),
            Err(_) if LATER_METHODS.contains(&word.as_str()) => {
                Err(UsageError::MethodNotYet { word, supported: supported() })
            }
            Err(_) => Err(UsageError::MethodUnknown { word, supported: supported() }),
        },
    }
}

/// The init of a style, as the form calls it.
fn init_of(style: &str) -> Result<&'static str, Problem> {
    let style: InitStyle = style.trim().parse()?;
    Ok(Init::ALL.into_iter().find(|init| init.style() == style).map_or("", Init::as_str))
}

/// What `--netdev`, `--netmask` and `--netprefix` say of every interface that does not say it.
struct Network {
    device: Option<String>,
    mask: Option<String>,
}

/// An interface with what it did not say.
struct Completed {
    text: String,
    has_no_device: bool,
}

impl Network {
    fn of(general: &Section) -> Result<Self, UsageError> {
        let (mask, prefix) = (general.value("--netmask")?, general.value("--netprefix")?);
        if mask.is_some() && prefix.is_some() {
            return Err(UsageError::NetmaskTwice);
        }
        Ok(Self { device: general.value("--netdev")?, mask: mask.or(prefix) })
    }

    fn is_given(&self) -> bool {
        self.device.is_some() || self.mask.is_some()
    }

    /// None when there is nothing to complete. What is no address is left for the engine to refuse.
    fn complete(&self, given: &str) -> Option<Completed> {
        let given = given.trim();
        if given.is_empty() {
            return None;
        }
        let (label, rest) = match given.split_once('=') {
            Some((label, rest)) => (format!("{label}="), rest),
            None => (String::new(), given),
        };
        let (place, mask) = match rest.rsplit_once('/') {
            Some((place, mask)) => (place, Some(mask)),
            None => (rest, None),
        };
        let is_bare = place.parse::<IpAddr>().is_ok();
        let device = match &self.device {
            Some(device) if is_bare => format!("{device}:"),
            _ => String::new(),
        };
        let mask = match mask.or(self.mask.as_deref()) {
            Some(mask) => format!("/{mask}"),
            None => String::new(),
        };
        let has_no_device = is_bare && device.is_empty();
        Some(Completed { text: format!("{label}{device}{place}{mask}"), has_no_device })
    }
}

/// What a field is called on the command line.
pub(super) fn label(caller: Caller, error: &FieldError) -> &'static str {
    match error.field {
        Field::Name => caller.locale.name_word(),
        Field::Method => "-m",
        Field::Suite => "-- -d",
        Field::Mirror => "-- -m",
        Field::Packages => "--include",
        Field::Init => "--initstyle",
        Field::Context => "--context",
        Field::HostName => "--hostname",
        Field::Interface => "--interface",
        Field::Architecture => "--arch",
        Field::Flags => "--flags",
        Field::Source => "-- --source",
        Field::ExcludePatterns => "--exclude",
        Field::Bandwidth => "--bwlimit",
        Field::Port => "-e \"ssh -p …\"",
        Field::Identity => "-e \"ssh -i …\"",
        Field::HostKey => "-- --hostkey",
        Field::Distribution => "-- -d",
        Field::Template => "-- --template",
        Field::Broadcast => "--netbcast",
        Field::Cpuset => "--cpuset",
        Field::CpusetCpus => "--cpusetcpus",
        Field::CpusetMems => "--cpusetmems",
        Field::SuiteScript => "-- -s",
        // Of the three only this one has choices.
        _ if matches!(error.problem, Problem::NotAChoice { .. }) => "--variant",
        _ => "--components, --exclude",
    }
}

/// Words for problems whose way out is another one on the command line than on a page.
pub(super) fn words(caller: Caller, error: &FieldError) -> Option<String> {
    let locale = caller.locale;
    match &error.problem {
        Problem::ContextTaken { context, by } => {
            Some(locale.context_taken_by(&context.to_string(), by.as_str()))
        }
        Problem::AddressTaken { address, by } => {
            Some(locale.address_taken_by(&address.to_string(), by.as_str()))
        }
        Problem::HostKeyUnknown { host, fingerprint } => {
            Some(locale.host_key_to_confirm(host, fingerprint))
        }
        _ => None,
    }
}

/// The name of a new VServer as it was typed; one `/` at its end goes, as everywhere.
pub(super) fn name_of(word: &OsString) -> Result<String, UsageError> {
    let name = text(word)?;
    Ok(name.strip_suffix('/').map_or_else(|| name.clone(), str::to_owned))
}
