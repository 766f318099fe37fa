//! Names and ids: each its own type, each valid by construction.
//!
//! Parsing is the only way in, from a form, from a config file and from the wire alike
//! (`serde(try_from)`), so no value that could climb a path, hold a newline or look like an option
//! exists anywhere behind it.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::Problem;

/// Declares a validated string type: `FromStr`, `Display`, `as_str`, serde through the same check.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Problem;
            fn from_str(text: &str) -> Result<Self, Problem> {
                let check: fn(&str) -> Result<(), Problem> = $check;
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = Problem;
            fn try_from(text: String) -> Result<Self, Problem> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use text_type;

/// Fails unless `text` has 1 to `max` bytes, begins with a byte that `first` accepts and goes on
/// with bytes that `rest` accepts.
pub(crate) fn check_shape(
    text: &str,
    max: usize,
    first: fn(u8) -> bool,
    rest: fn(u8) -> bool,
    allowed: crate::field::Allowed,
) -> Result<(), Problem> {
    if text.is_empty() {
        return Err(Problem::Missing);
    }
    if text.len() > max {
        return Err(Problem::TooLong { max, actual: text.len() });
    }
    for (index, character) in text.char_indices() {
        let accepts = if index == 0 { first } else { rest };
        if !u8::try_from(character).is_ok_and(accepts) {
            return Err(Problem::Character { character, position: index + 1, allowed });
        }
    }
    Ok(())
}

/// Suffixes that util-vserver skips when it enumerates VServers (fact sheet 0.4): a VServer of such
/// a name would exist and never be listed.
const BACKUP_SUFFIXES: [&str; 6] =
    [".rpmsave", ".rpmnew", ".rpmorig", ".dpkg-old", ".dpkg-new", "~"];

text_type!(
    /// The name of a VServer: its directory below `/etc/vservers`. Letters, digits, `.`, `_`, `-`;
    /// begins with a letter or digit; at most 63 bytes; not the name of a backup file.
    VServerName,
    |text| {
        check_shape(
            text,
            63,
            |b| b.is_ascii_alphanumeric(),
            |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'),
            crate::field::Allowed::VServerName,
        )?;
        match BACKUP_SUFFIXES.iter().find(|suffix| text.ends_with(**suffix)) {
            Some(suffix) => Err(Problem::BackupSuffix { suffix: (*suffix).to_owned() }),
            None => Ok(()),
        }
    }
);

impl VServerName {
    /// What the lock of `.defaults`, and operations on it, are named by: those name a VServer, and
    /// `.defaults` is none. A VServer of this name has nothing to fear but to wait for that lock.
    #[must_use]
    pub fn for_defaults() -> Self {
        Self("defaults".to_owned())
    }

    /// The same for `.distributions`.
    #[must_use]
    pub fn for_distributions() -> Self {
        Self("distributions".to_owned())
    }
}

text_type!(
    /// The name of a template: its directory below the engine's templates, and what people choose it
    /// by. Letters, digits, `.`, `_`, `-`; begins with a letter or digit; at most 63 bytes.
    TemplateName,
    |text| check_shape(
        text,
        63,
        |b| b.is_ascii_alphanumeric(),
        |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'),
        crate::field::Allowed::TemplateName,
    )
);

text_type!(
    /// The id of a cached base system: the SHA-256 of all that decides what is in it, as 64 small
    /// hexadecimal digits.
    BaseId,
    |text| {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(is_digit) { Ok(()) } else { Err(Problem::NotAnId) }
    }
);

impl BaseId {
    /// Its first twelve digits: what people see and type of it.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

text_type!(
    /// A host name as the kernel and DNS take it: labels of letters, digits and `-`, separated by
    /// dots, 64 bytes in all (`__NEW_UTS_LEN`).
    HostName,
    |text| {
        check_shape(
            text,
            64,
            |b| b.is_ascii_alphanumeric(),
            |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'),
            crate::field::Allowed::HostName,
        )?;
        let bad = |label: &str| label.is_empty() || label.len() > 63 || label.ends_with('-');
        if text.split('.').any(|label| bad(label) || label.starts_with('-')) {
            return Err(Problem::HostNameLabel);
        }
        Ok(())
    }
);

text_type!(
    /// A Debian suite: a directory below the mirror's `dists/` and a debootstrap script.
    Suite,
    |text| check_shape(
        text,
        40,
        |b| b.is_ascii_lowercase() || b.is_ascii_digit(),
        |b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'),
        crate::field::Allowed::Suite,
    )
);

text_type!(
    /// A Debian binary package name (Debian Policy 5.6.7).
    PackageName,
    |text| {
        check_shape(
            text,
            100,
            |b| b.is_ascii_lowercase() || b.is_ascii_digit(),
            |b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'.' | b'-'),
            crate::field::Allowed::PackageName,
        )?;
        if text.len() < 2 {
            return Err(Problem::TooShort { min: 2, actual: text.len() });
        }
        Ok(())
    }
);

text_type!(
    /// The name of a described distribution: its directory below `/etc/vservers/.distributions`. Letters,
    /// digits, `.`, `_`, `-`; begins with a letter or digit; at most 63 bytes.
    DistributionName,
    |text| check_shape(
        text,
        63,
        |b| b.is_ascii_alphanumeric(),
        |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'),
        crate::field::Allowed::DistributionName,
    )
);

text_type!(
    /// What dnf can be asked to install: the name of an RPM package, with a version or not, or of a
    /// group of packages (`@core`). Never an option or a path.
    RpmPackage,
    |text| check_shape(
        text,
        200,
        |b| b.is_ascii_alphanumeric() || b == b'@',
        |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+' | b'^' | b'~'),
        crate::field::Allowed::RpmPackage,
    )
);

text_type!(
    /// A Debian architecture, as dpkg names it.
    Architecture,
    |text| check_shape(
        text,
        20,
        |b| b.is_ascii_lowercase(),
        |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-',
        crate::field::Allowed::Architecture,
    )
);

text_type!(
    /// A part of a Debian archive: `main`, `contrib`, …
    Component,
    |text| check_shape(
        text,
        40,
        |b| b.is_ascii_lowercase() || b.is_ascii_digit(),
        |b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'),
        crate::field::Allowed::Suite,
    )
);

text_type!(
    /// What debootstrap installs at least: one of [`VARIANTS`].
    Variant,
    |text| {
        if VARIANTS.contains(&text) { Ok(()) } else { Err(not_a_choice(&VARIANTS)) }
    }
);

/// debootstrap's variants that make a VServer.
pub const VARIANTS: [&str; 2] = ["minbase", "buildd"];

text_type!(
    /// A context flag, one line of `cflags`: one of [`FLAGS`], with `~` before it to clear it.
    Flag,
    |text| {
        let name = text.strip_prefix('~').unwrap_or(text);
        if FLAGS.contains(&name) { Ok(()) } else { Err(not_a_choice(&FLAGS)) }
    }
);

/// Context flags of the original (fact sheet 3.2), without those that its own parser refused.
pub const FLAGS: [&str; 26] = [
    "lock",
    "nproc",
    "private",
    "fakeinit",
    "hideinfo",
    "ulimit",
    "namespace",
    "sched_hard",
    "sched_prio",
    "sched_pause",
    "virt_mem",
    "virt_uptime",
    "virt_cpu",
    "virt_load",
    "virt_time",
    "hide_mount",
    "hide_netif",
    "hide_vinfo",
    "state_admin",
    "sc_helper",
    "reboot_kill",
    "persistent",
    "fork_rss",
    "prolific",
    "igneg_nice",
    "igneg_ionice",
];

fn not_a_choice(choices: &[&str]) -> Problem {
    Problem::NotAChoice { choices: choices.iter().map(|choice| (*choice).to_owned()).collect() }
}

text_type!(
    /// The address of a package mirror: `http`, `https` or `file`, without white space, quotes or
    /// control characters, so that it can stand in a `sources.list` line and in an argument.
    MirrorUrl,
    |text| {
        if text.is_empty() {
            return Err(Problem::Missing);
        }
        if text.len() > 400 {
            return Err(Problem::TooLong { max: 400, actual: text.len() });
        }
        let rest = ["http://", "https://", "file:///"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .ok_or(Problem::MirrorScheme)?;
        if rest.is_empty() || (rest.starts_with('/') && !text.starts_with("file:")) {
            return Err(Problem::MirrorScheme);
        }
        match rest.char_indices().find(|(_, c)| {
            !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '\\' | '<' | '>' | '`' | '#' | '[' | ']')
        }) {
            Some((index, character)) => Err(Problem::Character {
                character,
                position: text.len() - rest.len() + index + 1,
                allowed: crate::field::Allowed::Mirror,
            }),
            None => Ok(()),
        }
    }
);

text_type!(
    /// An autostart label, one line of `apps/init/mark`. `default` means: start at boot.
    Mark,
    |text| check_shape(
        text,
        63,
        |b| b.is_ascii_alphanumeric(),
        |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'),
        crate::field::Allowed::Mark,
    )
);

text_type!(
    /// The name of a network device of the host (`IFNAMSIZ` is 16 with the final NUL). Never one of
    /// the words that stand where a device's name stands: `nodev` in the interface grammar, `all`
    /// and `default` below `/proc/sys/net`.
    DeviceName,
    |text| {
        check_shape(
            text,
            15,
            |b| b.is_ascii_alphanumeric(),
            |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'),
            crate::field::Allowed::DeviceName,
        )?;
        if matches!(text, "nodev" | "all" | "default") {
            return Err(Problem::NoSuchDevice { device: text.to_owned(), devices: Vec::new() });
        }
        Ok(())
    }
);

impl DeviceName {
    /// What the NAT network's device is called when the settings do not say otherwise.
    #[must_use]
    pub fn default_nat() -> Self {
        Self("nat0".to_owned())
    }
}

text_type!(
    /// The label of an address, as old `ifconfig` shows it after `dev:`.
    InterfaceLabel,
    |text| check_shape(
        text,
        13,
        |b| b.is_ascii_alphanumeric(),
        |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'),
        crate::field::Allowed::DeviceName,
    )
);

text_type!(
    /// The name a person logs in with.
    UserName,
    |text| check_shape(
        text,
        32,
        |b| b.is_ascii_lowercase(),
        |b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'),
        crate::field::Allowed::UserName,
    )
);

/// Crockford base 32 without the letters I, L, O, U: what a ULID is written in.
fn check_ulid(text: &str) -> Result<(), Problem> {
    let is_digit = |b: u8| {
        b.is_ascii_digit() || (b.is_ascii_uppercase() && !matches!(b, b'I' | b'L' | b'O' | b'U'))
    };
    if text.len() == 26 && text.bytes().all(is_digit) { Ok(()) } else { Err(Problem::NotAnId) }
}

text_type!(
    /// The id of an operation: a ULID, so that ids sort by the time they were made.
    OperationId,
    check_ulid
);

text_type!(
    /// The id of a terminal: a ULID.
    TerminalId,
    check_ulid
);

text_type!(
    /// The name of a place that backups go to, as the host's settings name it.
    TargetName,
    |text| check_shape(
        text,
        40,
        |b| b.is_ascii_alphanumeric(),
        |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'),
        crate::field::Allowed::Mark,
    )
);

/// A context number (xid). 2 to 49151 may be given by an administrator; 0 is the host, 1 the
/// spectator, what lies above was dynamic (fact sheet 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct ContextId(u16);

impl ContextId {
    /// The lowest number a VServer may have.
    pub const MIN: Self = Self(2);
    /// The highest number a VServer may have.
    pub const MAX: Self = Self(49151);
    /// Where automatic numbering begins, as in util-vserver's `defaults/context.start`.
    pub const FIRST_AUTOMATIC: Self = Self(40000);

    /// The number itself.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }

    /// The next number, if there is one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::try_from(u32::from(self.0) + 1).ok()
    }
}

impl TryFrom<u32> for ContextId {
    type Error = Problem;
    fn try_from(number: u32) -> Result<Self, Problem> {
        u16::try_from(number)
            .ok()
            .map(Self)
            .filter(|id| (Self::MIN..=Self::MAX).contains(id))
            .ok_or(Problem::OutOfRange { min: u64::from(Self::MIN.0), max: u64::from(Self::MAX.0) })
    }
}

impl From<ContextId> for u32 {
    fn from(id: ContextId) -> Self {
        Self::from(id.0)
    }
}

impl FromStr for ContextId {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::Missing);
        }
        text.parse::<u32>().map_err(|_| Problem::NotANumber)?.try_into()
    }
}

impl fmt::Display for ContextId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The id of a user: a row of the `users` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub i64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
