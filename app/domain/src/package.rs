//! Packages of a VServer: which it has, which updates are pending, and what can be done with them.
//!
//! Names are judged here, so that none can be an option or an expression of the tool that gets it. Versions,
//! architectures and states are a stranger's words, kept as they were judged when they were read.
//!
//! Not here: asking a VServer, or changing one (the engine's `packages`).

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::field::{Allowed, Problem};
use crate::id::{VServerName, check_shape, text_type};
use crate::time::UnixMillis;

/// The most packages that one change names.
const MOST_NAMES: u64 = 200;

text_type!(
    /// The name of a package of any package system, as its tools take it: letters, digits, `+`, `.`, `_`,
    /// `-`, and `:` before an architecture; begins with a letter or digit, and does not end as an order to
    /// apt does.
    SystemPackage,
    |text| {
        check_shape(
            text,
            128,
            |b| b.is_ascii_alphanumeric(),
            |b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'_' | b'-' | b':'),
            Allowed::SystemPackage,
        )?;
        // To apt `bash-` is an order to remove, `bash+` one to install; `g++` is a package.
        let character = text.chars().next_back().unwrap_or_default();
        let is_order = character == '-' || character == '+' && !text.ends_with("++");
        match is_order {
            true => Err(Problem::Character {
                character,
                position: text.len(),
                allowed: Allowed::SystemPackage,
            }),
            false => Ok(()),
        }
    }
);

/// The packages that somebody typed, separated by blanks or commas: at least one.
///
/// # Errors
/// When there is none, there are too many, or one is not the name of a package.
pub fn named_packages(text: &str) -> Result<Vec<SystemPackage>, Problem> {
    let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let mut names = words.map(SystemPackage::from_str).collect::<Result<Vec<_>, _>>()?;
    names.sort();
    names.dedup();
    match names.len() as u64 {
        0 => Err(Problem::Missing),
        count if count > MOST_NAMES => Err(Problem::OutOfRange { min: 1, max: MOST_NAMES }),
        _ => Ok(names),
    }
}

/// What keeps a VServer's packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageSystem {
    /// dpkg, with apt.
    Dpkg,
    /// rpm, with dnf or yum.
    Rpm,
}

impl fmt::Display for PackageSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dpkg => "dpkg",
            Self::Rpm => "rpm",
        })
    }
}

/// A program of a VServer's that the host's command line runs in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named like its program")]
pub enum PackageTool {
    AptGet,
    AptCache,
    AptConfig,
    Yum,
    Dnf,
    Rpm,
}

impl PackageTool {
    /// Its name in the VServer.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::AptGet => "apt-get",
            Self::AptCache => "apt-cache",
            Self::AptConfig => "apt-config",
            Self::Yum => "yum",
            Self::Dnf => "dnf",
            Self::Rpm => "rpm",
        }
    }

    /// Whether it fetches the lists of what there is when it is told this.
    #[must_use]
    pub fn is_refresh(self, arguments: &[String]) -> bool {
        let word = match self {
            Self::AptGet => "update",
            Self::Yum | Self::Dnf => "makecache",
            Self::AptCache | Self::AptConfig | Self::Rpm => return false,
        };
        arguments.iter().any(|argument| argument == word)
    }

    /// Whether it can be interrupted wherever it is: it stops when nothing is half done.
    #[must_use]
    pub fn stops_in_order(self) -> bool {
        !matches!(self, Self::Rpm)
    }
}

/// Which updates are taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upgrade {
    /// All that are pending.
    All,
    /// Those that mend something of the system's security.
    Security,
    /// Those of these packages.
    Packages(Vec<SystemPackage>),
}

/// What is to be done with a VServer's packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageChange {
    /// Fetch the lists of what there is, and ask what is pending.
    Refresh,
    /// Take updates. No package is removed by it.
    Upgrade(Upgrade),
    /// Install packages.
    Install(Vec<SystemPackage>),
    /// Remove packages; their configuration stays.
    Remove(Vec<SystemPackage>),
    /// Keep packages at their versions.
    Hold(Vec<SystemPackage>),
    /// Keep them there no longer.
    Unhold(Vec<SystemPackage>),
    /// Finish what was left half done.
    Repair,
    /// Say what removing packages would take along; nothing is changed.
    ForeseeRemoval(Vec<SystemPackage>),
}

impl PackageChange {
    /// The words of `vserver NAME packages` that do it.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        let (word, names): (&[&str], &[SystemPackage]) = match self {
            Self::Refresh => (&["refresh"], &[]),
            Self::Upgrade(Upgrade::All) => (&["upgrade"], &[]),
            Self::Upgrade(Upgrade::Security) => (&["upgrade", "--security"], &[]),
            Self::Upgrade(Upgrade::Packages(names)) => (&["upgrade"], names),
            Self::Install(names) => (&["install"], names),
            Self::Remove(names) => (&["remove"], names),
            Self::Hold(names) => (&["hold"], names),
            Self::Unhold(names) => (&["unhold"], names),
            Self::Repair => (&["repair"], &[]),
            Self::ForeseeRemoval(names) => (&["remove", "--dry-run"], names),
        };
        word.iter().copied().chain(names.iter().map(SystemPackage::as_str)).collect()
    }

    /// What a word of a form or a command line means, with the packages that are named beside it.
    ///
    /// # Errors
    /// When there is no such word, or it needs packages and none are named.
    pub fn of_word(word: &str, packages: &str) -> Result<Self, PackageOrderError> {
        let names = || named_packages(packages).map_err(PackageOrderError::Packages);
        Ok(match word {
            "refresh" => Self::Refresh,
            "upgrade" => Self::Upgrade(Upgrade::All),
            "upgrade-security" => Self::Upgrade(Upgrade::Security),
            "upgrade-packages" => Self::Upgrade(Upgrade::Packages(names()?)),
            "install" => Self::Install(names()?),
            "remove" => Self::Remove(names()?),
            "hold" => Self::Hold(names()?),
            "unhold" => Self::Unhold(names()?),
            "repair" => Self::Repair,
            "foresee-removal" => Self::ForeseeRemoval(names()?),
            _ => return Err(PackageOrderError::Unknown),
        })
    }
}

/// Why there is no [`PackageChange`] for what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageOrderError {
    /// There is no such change.
    #[error("no such change of packages")]
    Unknown,
    /// The packages are not what they should be.
    #[error("the packages")]
    Packages(#[source] Problem),
}

/// Whether a tool's last words say that there is no such package: then nothing was changed.
#[must_use]
pub fn says_unknown(words: &str) -> bool {
    ["Unable to locate package", "has no installation candidate", "Unable to find a match"]
        .iter()
        .any(|known| words.contains(known))
}

/// How a package is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageState {
    /// Whole, and free to be upgraded.
    Installed,
    /// Whole, and kept at its version.
    Held,
    /// Its files are not all there, its scripts have not all run, it is there twice, or lacks what it needs.
    Broken,
}

/// A package that a VServer has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstalledPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The architecture it is for.
    pub architecture: String,
    /// How it is there.
    pub state: PackageState,
}

/// An update that can be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingUpdate {
    /// Of which package.
    pub name: String,
    /// Its version now.
    pub installed: String,
    /// Its version then.
    pub candidate: String,
    /// Where that comes from, as the package system says.
    pub origin: String,
    /// Whether it mends something of the system's security.
    pub is_security: bool,
}

/// What is pending, and since when that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCount {
    /// How many updates.
    pub all: u64,
    /// How many of them are security's.
    pub security: u64,
    /// When the lists were last fetched; none when that was not done from here.
    pub refreshed_at: Option<UnixMillis>,
    /// When it was asked.
    pub asked_at: UnixMillis,
    /// Whether packages were changed since, by somebody else.
    pub is_stale: bool,
}

/// The packages of one VServer at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageOverview {
    /// Whose.
    pub vserver: VServerName,
    /// Whether it runs.
    pub is_running: bool,
    /// What keeps them; none when nothing that is known does.
    pub system: Option<PackageSystem>,
    /// How many there are; none when only a program of the VServer's own could say, which was not asked yet.
    pub installed: Option<u64>,
    /// How many are kept at their version.
    pub held: u64,
    /// Those that are broken.
    pub broken: Vec<String>,
    /// Whether the package system was interrupted and has to be repaired first.
    pub is_interrupted: bool,
    /// What is pending; none when it was never asked.
    pub pending: Option<PendingCount>,
}

impl PackageOverview {
    /// Whether it has to be repaired.
    #[must_use]
    pub fn needs_repair(&self) -> bool {
        self.is_interrupted || !self.broken.is_empty()
    }
}

/// All that is known of the packages of one VServer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageReport {
    /// At a glance.
    pub overview: PackageOverview,
    /// Every package, sorted by name.
    pub installed: Vec<InstalledPackage>,
    /// What is pending, sorted by name.
    pub pending: Vec<PendingUpdate>,
}

/// A package that was looked for and found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPackage {
    /// In which VServer.
    pub vserver: VServerName,
    /// What it has.
    pub package: InstalledPackage,
}

/// A package that a VServer's lists offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedPackage {
    /// Its name.
    pub name: String,
    /// The versions that are offered, list by list: which is the newest is the tool's to say.
    pub versions: String,
    /// What it is, in a line.
    pub summary: String,
    /// Its version there; none when it is not installed.
    pub installed: Option<String>,
}

/// What a search of a VServer's lists found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageOffers {
    /// The best, those whose name is the text or begins with it first.
    pub packages: Vec<OfferedPackage>,
    /// Whether there are more.
    pub is_more: bool,
    /// Whether there are lists that can be read at all.
    pub has_lists: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_option_and_no_order() {
        for fine in ["bash", "g++", "libstdc++6", "NetworkManager", "python3.11", "perl_x"] {
            assert_eq!(fine.parse::<SystemPackage>().unwrap().as_str(), fine);
        }
        for odd in [
            "", "-y", "--purge", "bash-", "bash+", "a b", "a=1", "a/sid", "a*", "^a$", "../x",
            "a\n", "é", "+a",
        ] {
            assert!(odd.parse::<SystemPackage>().is_err(), "{odd:?}");
        }
    }

    #[test]
    fn names_are_typed_as_people_type_them() {
        let names = named_packages(" nano, bash\nnano ").unwrap();
        assert_eq!(names.iter().map(SystemPackage::as_str).collect::<Vec<_>>(), ["bash", "nano"]);
        assert_eq!(named_packages(" ,"), Err(Problem::Missing));
        let many = (0..=MOST_NAMES).map(|n| format!("p{n} ")).collect::<String>();
        assert!(matches!(named_packages(&many), Err(Problem::OutOfRange { .. })));
        assert!(named_packages("bash --purge").is_err());
    }

    #[test]
    fn a_form_s_word_is_a_change_and_a_change_has_its_command() {
        for (word, packages, command) in [
            ("refresh", "", "refresh"),
            ("upgrade", "ignored", "upgrade"),
            ("upgrade-security", "", "upgrade --security"),
            ("upgrade-packages", "a1 b2", "upgrade a1 b2"),
            ("install", "file", "install file"),
            ("remove", "file", "remove file"),
            ("hold", "file", "hold file"),
            ("unhold", "file", "unhold file"),
            ("repair", "", "repair"),
            ("foresee-removal", "file", "remove --dry-run file"),
        ] {
            let change = PackageChange::of_word(word, packages).unwrap();
            assert_eq!(change.words().join(" "), command);
        }
        assert_eq!(PackageChange::of_word("purge", "a1"), Err(PackageOrderError::Unknown));
        let missing = PackageOrderError::Packages(Problem::Missing);
        assert_eq!(PackageChange::of_word("install", " "), Err(missing));
    }
}
