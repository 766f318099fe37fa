//! The command line of a build (fact sheet 2.2), up to two `--` apart: general options, options of
//! the method, what debootstrap itself is told.
//!
//! Makes a [`BuildForm`] of it, the same that the web form fills in; judging it is the engine's.
//! Invariant: what [`domain::build::BuildSpec::command_line`] prints comes back as the same
//! specification.

use std::ffi::OsString;
use std::net::IpAddr;

use domain::build::BuildForm;
use domain::field::{Field, FieldError, FieldErrors, Problem};
use domain::init::{Init, InitStyle};

use super::caller::Caller;
use super::options::{Grammar, Opt, Section, UsageError, text};

/// The one method of this release.
const METHOD: &str = "debootstrap";

/// The original's other methods (fact sheet 2.2).
const LATER_METHODS: [&str; 12] = [
    "apt-rpm", "clone", "copy", "fai", "legacy", "poldek", "rpm", "rsync", "skeleton", "template",
    "urpmi", "yum",
];

const GENERAL: Grammar = Grammar {
    options: &[
        Opt::short_value('m'),
        Opt::short_value('n'),
        Opt::value("context"),
        Opt::value("hostname"),
        Opt::value("interface"),
        Opt::value("netdev"),
        Opt::value("netmask"),
        Opt::value("netprefix"),
        Opt::value("initstyle"),
        Opt::value("flags"),
        Opt::flag("debug"),
        Opt::flag("help"),
        Opt::value("netbcast").later(),
        Opt::flag("force").later(),
        Opt::flag("i-know-its-there").later(),
        Opt::flag("keep").later(),
        Opt::value("rootdir").later(),
        Opt::value("pkgbase").later(),
        Opt::value("confdir").later(),
        Opt::value("lockfile").later(),
        Opt::value("cpuset").later(),
        Opt::value("cpusetcpus").later(),
        Opt::value("cpusetmems").later(),
        Opt::flag("cpusetvirt").later(),
    ],
    takes_words: false,
};

const OF_METHOD: Grammar = Grammar {
    options: &[Opt::short_value('d'), Opt::short_value('m'), Opt::short_value('s').later()],
    takes_words: false,
};

const OF_DEBOOTSTRAP: Grammar = Grammar {
    options: &[
        Opt::value("arch"),
        Opt::value("variant"),
        Opt::value("components"),
        Opt::value("include"),
        Opt::value("exclude"),
    ],
    takes_words: false,
};

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BuildRequest {
    /// The help.
    Help,
    /// A build.
    Build {
        /// Of this.
        form: Box<BuildForm>,
        /// Whether debootstrap's output is shown.
        shows_log: bool,
        /// Interfaces for which no device was given.
        without_device: Vec<String>,
    },
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

/// Understands the words after `vserver NAME build`.
pub(super) fn parse(name: &str, words: &[OsString]) -> Result<BuildRequest, WrongBuild> {
    let mut sections = words.splitn(3, |word| word == "--");
    let mut next = |grammar: Grammar| grammar.parse(sections.next().unwrap_or_default());
    let general = next(GENERAL)?;
    if general.has("--help") {
        return Ok(BuildRequest::Help);
    }
    judge_method(general.value("-m")?)?;
    let (of_method, of_debootstrap) = (next(OF_METHOD)?, next(OF_DEBOOTSTRAP)?);
    if let Some(given) = general.value("-n")?.filter(|given| given != name) {
        return Err(UsageError::OtherName { given, name: name.to_owned() }.into());
    }
    let mut errors = FieldErrors::default();
    let mut single = |section: &Section, option: &str, field| {
        let value = section.value(option)?;
        if value.as_deref().is_some_and(|value| value.trim().is_empty()) {
            errors.push(field, Problem::Missing);
        }
        Ok::<_, UsageError>(value.unwrap_or_default())
    };
    let suite = single(&of_method, "-d", Field::Suite)?;
    let mirror = single(&of_method, "-m", Field::Mirror)?;
    let context = single(&general, "--context", Field::Context)?;
    let host_name = single(&general, "--hostname", Field::HostName)?;
    let architecture = single(&of_debootstrap, "--arch", Field::Architecture)?;
    let variant = single(&of_debootstrap, "--variant", Field::Variant)?;
    let style = single(&general, "--initstyle", Field::Init)?;
    let init = if style.is_empty() { Some("") } else { errors.take(Field::Init, init_of(&style)) };
    let network = Network::of(&general)?;
    let mut interfaces = Vec::new();
    let mut without_device = Vec::new();
    for given in general.values("--interface")? {
        let Some(completed) = network.complete(&given) else {
            errors.push(Field::Interface, Problem::Missing);
            continue;
        };
        if completed.has_no_device {
            without_device.push(given);
        }
        interfaces.push(completed.text);
    }
    if interfaces.is_empty() && network.is_given() {
        errors.push(Field::Interface, Problem::Missing);
    }
    let Some(init) = init.filter(|_| errors.is_empty()) else {
        return Err(WrongBuild::Values(errors));
    };
    let list = |section: &Section, option| Ok::<_, UsageError>(section.values(option)?.join(","));
    let form = BuildForm {
        name: name.to_owned(),
        suite,
        mirror,
        packages: list(&of_debootstrap, "--include")?,
        init: init.to_owned(),
        context,
        host_name,
        interfaces: interfaces.join("\n"),
        flags: list(&general, "--flags")?,
        architecture,
        variant,
        components: list(&of_debootstrap, "--components")?,
        excluded: list(&of_debootstrap, "--exclude")?,
    };
    let shows_log = general.has("--debug");
    Ok(BuildRequest::Build { form: Box::new(form), shows_log, without_device })
}

fn judge_method(method: Option<String>) -> Result<(), UsageError> {
    let supported = METHOD.to_owned();
    match method {
        None => Err(UsageError::MethodMissing { supported }),
        Some(word) if word == METHOD => Ok(()),
        Some(word) if LATER_METHODS.contains(&word.as_str()) => {
            Err(UsageError::MethodNotYet { word, supported })
        }
        Some(word) => Err(UsageError::MethodUnknown { word, supported }),
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
        _ => None,
    }
}

/// The name of a new VServer as it was typed; one `/` at its end goes, as everywhere.
pub(super) fn name_of(word: &OsString) -> Result<String, UsageError> {
    let name = text(word)?;
    Ok(name.strip_suffix('/').map_or_else(|| name.clone(), str::to_owned))
}
