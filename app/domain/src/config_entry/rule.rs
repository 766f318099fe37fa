//! How the text of an entry is judged: which shape its kind asks for, and what each value must be.
//!
//! A rule looks at one text alone. Whether a context number or an address is taken, a device or a
//! VServer is there, is the engine's to say: it sees the whole tree and the host.

use std::net::IpAddr;

use super::EntryKind;
use super::expected::{Expected, Misread};
use super::limit::LimitValue;
use super::number_list::NumberList;
use super::repository;
use super::words::{capability_number, signal_number};
use crate::field::Problem;
use crate::id::{
    ContextId, DeviceName, FLAGS, HostName, InterfaceLabel, Mark, MirrorUrl, RpmPackage, Suite,
    VServerName,
};
use crate::init::InitStyle;
use crate::interface::{Device, Interface, parse_prefix};

/// The most bytes of a text that is written.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;

/// What the values of an entry must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Any value.
    Any,
    /// A context number.
    Context,
    /// A host name.
    HostName,
    /// A network device.
    Device,
    /// The label of an address.
    Label,
    /// An address, perhaps with `/` and a prefix length.
    Address,
    /// An address alone.
    PlainAddress,
    /// A prefix length.
    Prefix,
    /// A netmask.
    Netmask,
    /// An init style that Ulysse has.
    InitStyle,
    /// A run level.
    RunLevel,
    /// Signals and seconds.
    KillSequence,
    /// An autostart label.
    Mark,
    /// The name of a VServer.
    VServer,
    /// Capabilities to add or, with `~` or `!`, to take away.
    Capabilities,
    /// Context flags.
    Flags,
    /// Words, each one of these, perhaps with `~` or `!` and this prefix before it.
    Words(&'static str, &'static [&'static str]),
    /// A whole number in this range.
    Integer(i64, i64),
    /// Numbers of CPUs or memory nodes.
    NumberList,
    /// A limit of the original's: a number, perhaps with a unit, or `inf`.
    Limit,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A path that begins with `/`.
    Path,
    /// `NAME=value`.
    Assignment,
    /// The six numbers of `schedule`.
    Schedule,
    /// A mirror.
    Mirror,
    /// A mount.
    Mount,
    /// Sections and settings of sources of packages, as dnf reads them.
    Repositories,
    /// Names of RPM packages and groups of them, and what the original knew beside.
    Packages,
    /// What `$releasever` stands for.
    Release,
    /// A script of debootstrap's: a suite, perhaps with the directory they are in.
    SuiteScript,
}

/// Other names of flags, and names of several at once (fact sheet 3.2).
const OTHER_FLAGS: [&str; 11] = [
    "default",
    "secure",
    "info_lock",
    "info_nproc",
    "info_private",
    "info_init",
    "info_hide",
    "info_ulimit",
    "info_nspace",
    "state_setup",
    "state_init",
];

/// What a list of packages may begin with, that it may fail and that what is there is installed anew.
const LIST_OPTIONS: [&str; 2] = ["--can-fail", "--reinstall"];

/// Where debootstrap has its scripts.
const SUITE_SCRIPTS: &str = "/usr/share/debootstrap/scripts/";

/// Judges a text; see [`super::ConfigEntry::judge`].
pub(super) fn judge(kind: EntryKind, rule: Rule, text: &str) -> Result<(), Vec<Misread>> {
    let mut wrong = Vec::new();
    if text.len() > MAX_TEXT_BYTES {
        wrong.push(Misread { line: 1, expected: Expected::AtMostBytes(MAX_TEXT_BYTES as u64) });
        return Err(wrong);
    }
    for (number, line) in text.lines().enumerate() {
        if line.chars().any(|c| c.is_control() && c != '\t') {
            wrong.push(Misread { line: number + 1, expected: Expected::NoControl });
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    match kind {
        EntryKind::Text if rule == Rule::Repositories => wrong.extend(repository::judge(text)),
        EntryKind::Switch | EntryKind::Text | EntryKind::Link | EntryKind::Program => {}
        EntryKind::Scalar => wrong.extend(scalar(rule, text)),
        EntryKind::List | EntryKind::Fstab => wrong.extend(items(rule, text, true)),
        EntryKind::Array => wrong.extend(items(rule, text, false)),
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn scalar(rule: Rule, text: &str) -> Option<Misread> {
    let mut lines = text.lines();
    let line = lines.next().unwrap_or_default().trim();
    if lines.next().is_some() {
        return Some(Misread { line: 2, expected: Expected::OneLine });
    }
    let expected = if line.is_empty() {
        Some(Expected::Value)
    } else if line.contains('\\') {
        Some(Expected::NoBackslash)
    } else {
        value(rule, line).err()
    };
    expected.map(|expected| Misread { line: 1, expected })
}

fn items(rule: Rule, text: &str, has_comments: bool) -> Vec<Misread> {
    let lines: Vec<(usize, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !(line.is_empty() || has_comments && line.starts_with('#')))
        .collect();
    match rule {
        Rule::KillSequence => kill_sequence(&lines).err().into_iter().collect(),
        Rule::Schedule => {
            let numbers = lines.iter().filter(|(_, line)| line.parse::<i64>().is_ok()).count();
            let is_right = lines.len() == 6 && numbers == 6;
            let wrong = Misread { line: 1, expected: Expected::SixIntegers };
            if is_right { Vec::new() } else { vec![wrong] }
        }
        _ => lines
            .into_iter()
            .filter_map(|(line, item)| {
                value(rule, item).err().map(|expected| Misread { line, expected })
            })
            .collect(),
    }
}

/// One value, or one item of a list.
fn value(rule: Rule, text: &str) -> Result<(), Expected> {
    fn parsed<T: core::str::FromStr<Err = Problem>>(
        text: &str,
        expected: impl FnOnce(Problem) -> Expected,
    ) -> Result<(), Expected> {
        text.parse::<T>().map(drop).map_err(expected)
    }
    let right_if = |is_right: bool, expected: Expected| {
        if is_right { Ok(()) } else { Err(expected) }
    };
    match rule {
        Rule::Any | Rule::KillSequence | Rule::Schedule | Rule::Repositories => Ok(()),
        Rule::Context => parsed::<ContextId>(text, |_| Expected::ContextNumber),
        Rule::HostName => parsed::<HostName>(text, Expected::HostName),
        Rule::Device => parsed::<DeviceName>(text, Expected::Device),
        Rule::Label => parsed::<InterfaceLabel>(text, Expected::Label),
        Rule::Address => address(text),
        Rule::PlainAddress => right_if(text.parse::<IpAddr>().is_ok(), Expected::Address),
        // Of which family it is, only the address beside it says.
        Rule::Prefix => {
            parse_prefix(IpAddr::from([0_u16; 8]), text).map(drop).map_err(Expected::Prefix)
        }
        Rule::Netmask => {
            parse_prefix(IpAddr::from([0_u8; 4]), text).map_err(Expected::Netmask).and_then(|_| {
                let text = text.to_owned();
                right_if(text.contains('.'), Expected::Netmask(Problem::NotANetmask { text }))
            })
        }
        Rule::InitStyle => parsed::<InitStyle>(text, |_| Expected::InitStyle),
        Rule::RunLevel => {
            let is_word = text.len() <= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric());
            right_if(is_word, Expected::RunLevel)
        }
        Rule::Mark => parsed::<Mark>(text, Expected::Mark),
        Rule::VServer => parsed::<VServerName>(text, Expected::VServerName),
        Rule::Capabilities => right_if(
            words(text).all(|word| capability_number(word).is_some()),
            Expected::Capability,
        ),
        Rule::Flags => {
            let is_known = |word: &str| {
                let word = word.to_ascii_lowercase();
                let word = word.strip_prefix("vxf_").unwrap_or(&word);
                FLAGS.contains(&word) || OTHER_FLAGS.contains(&word)
            };
            right_if(words(text).all(is_known), choice(&FLAGS))
        }
        Rule::Words(prefix, choices) => {
            let is_known = |word: &str| {
                let word = word.to_ascii_lowercase();
                choices.contains(&word.strip_prefix(prefix).unwrap_or(&word))
            };
            right_if(words(text).all(is_known), choice(choices))
        }
        Rule::Integer(min, max) => {
            let is_right = text.parse().is_ok_and(|number| (min..=max).contains(&number));
            right_if(is_right, Expected::Integer { min, max })
        }
        Rule::Limit => right_if(text.parse::<LimitValue>().is_ok(), Expected::Limit),
        Rule::NumberList => right_if(text.parse::<NumberList>().is_ok(), Expected::NumberList),
        Rule::Choice(choices) => right_if(choices.contains(&text), choice(choices)),
        Rule::Path => right_if(text.starts_with('/'), Expected::AbsolutePath),
        Rule::Assignment => {
            let is_name = |name: &str| {
                name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                    && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
            };
            let is_right = text.split_once('=').is_some_and(|(name, _)| is_name(name));
            right_if(is_right, Expected::Assignment)
        }
        Rule::Mirror => parsed::<MirrorUrl>(text, Expected::Mirror),
        Rule::Mount => mount(text),
        Rule::Packages => {
            let words = text.split('#').next().unwrap_or_default().split_whitespace();
            let mut names = words.filter(|word| !LIST_OPTIONS.contains(word));
            names.try_for_each(|name| parsed::<RpmPackage>(name, Expected::Package))
        }
        Rule::Release => {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
            right_if(text.len() <= 32 && text.bytes().all(is_plain), Expected::Release)
        }
        Rule::SuiteScript => {
            parsed::<Suite>(text.strip_prefix(SUITE_SCRIPTS).unwrap_or(text), Expected::SuiteScript)
        }
    }
}

fn choice(choices: &[&str]) -> Expected {
    Expected::Choice(choices.iter().map(|choice| (*choice).to_owned()).collect())
}

/// Words of a line, separated by commas or blanks, without the `~` or `!` that negates one.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', ' ', '\t'])
        .filter(|word| !word.is_empty())
        .map(|word| word.strip_prefix(['~', '!']).unwrap_or(word))
}

fn address(text: &str) -> Result<(), Expected> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| Expected::Address)?;
    let prefix =
        prefix.map(|prefix| parse_prefix(address, prefix).map_err(Expected::Prefix)).transpose()?;
    Interface::new(None, Device::None, address, prefix).map(drop).map_err(Expected::UsableAddress)
}

fn mount(text: &str) -> Result<(), Expected> {
    let mut fields = text.split_ascii_whitespace();
    match (fields.next(), fields.next(), fields.next()) {
        (Some(_), Some(_), Some(_)) => Ok(()),
        _ => Err(Expected::FstabFields),
    }
}

/// Options that make a directory of the host, or a mount there is, appear elsewhere, or devices usable.
const REACHING: [&str; 6] = ["bind", "rbind", "move", "remount", "dev", "shared"];

/// Whether a line of an fstab reaches for something of the host: a device, a directory, a server. Only
/// root on the host may add such a line.
#[must_use]
pub fn reaches_host(line: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return false;
    }
    let mut fields = line.split_ascii_whitespace().skip(2);
    let fs_type = fields.next().unwrap_or_default();
    let options = fields.next().unwrap_or_default();
    !crate::fstab::OF_NOTHING.contains(&fs_type)
        || options.split(',').any(|word| REACHING.contains(&word))
}

fn kill_sequence(lines: &[(usize, &str)]) -> Result<(), Misread> {
    let words = lines
        .iter()
        .flat_map(|(line, item)| item.split_whitespace().map(move |word| (*line, word)));
    let mut count = 0;
    let mut last = 1;
    for (line, word) in words {
        let is_signal = count % 2 == 0;
        let is_right = match is_signal {
            true => signal_number(word).is_some(),
            false => word.parse::<u32>().is_ok_and(|seconds| seconds <= 86_400),
        };
        if !is_right {
            return Err(Misread { line, expected: Expected::KillSequence });
        }
        (count, last) = (count + 1, line);
    }
    // Seconds at the end would be waited for with nothing after them.
    if count > 0 && count % 2 == 0 {
        return Err(Misread { line: last, expected: Expected::KillSequence });
    }
    Ok(())
}
