//! Which packages a VServer has. dpkg's own record inside it is a stranger's text: it is read beneath the
//! root, capped, and taken as text alone. rpm's is a stranger's database ([`super::rpm`]).

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use domain::note::Note;
use domain::package::{InstalledPackage, PackageState, PendingUpdate};
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat2};

use super::rpm;
use crate::engine::Instance;
use crate::operation::{Stopped, Work};

/// Where dpkg's record is.
const RECORD: &str = "var/lib/dpkg/status";
/// What of it is not yet in the record: something is there when dpkg was interrupted.
const UPDATES: &str = "var/lib/dpkg/updates";

/// The most bytes of the record that are read, and the most packages that are kept.
const RECORD_BYTES: u64 = 64 * 1024 * 1024;
pub(super) const PACKAGES: usize = 50_000;
/// The longest word that is kept.
pub(super) const WORD: usize = 200;

/// `NAME VERSION ARCHITECTURE` of what is installed; none when nobody can say, which is told in the log when
/// there is a record. `files` is the directory at `root`, or what it shows while it runs.
///
/// # Errors
/// When it is cancelled.
pub(crate) fn installed(
    instance: &Instance,
    work: &mut Work<'_>,
    root: &Path,
    files: &OwnedFd,
) -> Result<Option<Vec<String>>, Stopped> {
    let by_dpkg = Record::read(files).map(|record| lines(&record.packages));
    let knows_dpkg = by_dpkg.as_ref().is_some_and(|list| !list.is_empty());
    let Some(database) = rpm::database(files).filter(|_| !knows_dpkg) else { return Ok(by_dpkg) };
    match rpm::installed(instance, work, root, files, database)? {
        Ok(list) => Ok(Some(list)),
        Err(why) => {
            work.note(&Note::PackagesNotKnown { why });
            Ok(None)
        }
    }
}

/// What is whole, a line each.
fn lines(packages: &[InstalledPackage]) -> Vec<String> {
    let whole = packages.iter().filter(|package| package.state != PackageState::Broken);
    whole
        .map(|package| format!("{} {} {}", package.name, package.version, package.architecture))
        .collect()
}

/// A regular file of the VServer's, as the VServer itself would find it, and what it is.
pub(super) fn regular(root: &OwnedFd, path: &str, how: OFlags) -> Option<(OwnedFd, Stat)> {
    let flags = how | OFlags::CLOEXEC;
    let file = openat2(root, path, flags, Mode::empty(), RESOLVE).ok()?;
    let found = fstat(&file).ok()?;
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    is_file.then_some((file, found))
}

pub(super) const RESOLVE: ResolveFlags =
    ResolveFlags::IN_ROOT.union(ResolveFlags::NO_MAGICLINKS).union(ResolveFlags::NO_XDEV);

/// What dpkg has written down, or rpm has answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// What is there, sorted by name.
    pub(super) packages: Vec<InstalledPackage>,
    /// Whether dpkg was interrupted.
    pub(super) is_interrupted: bool,
}

impl Record {
    /// dpkg's record; none where there is none.
    pub(super) fn read(root: &OwnedFd) -> Option<Self> {
        let (file, _) = open(root)?;
        let mut bytes = Vec::new();
        File::from(file).take(RECORD_BYTES).read_to_end(&mut bytes).ok()?;
        let packages = parse(&String::from_utf8_lossy(&bytes));
        Some(Self { packages, is_interrupted: was_interrupted(root) })
    }

    /// Those that are broken.
    pub(super) fn broken(&self) -> Vec<String> {
        let broken = self.packages.iter().filter(|package| package.state == PackageState::Broken);
        broken.map(|package| package.name.clone()).collect()
    }

    /// The versions of each, by name and architecture as they are told apart. Some can be there in several at once.
    pub(super) fn versions(&self) -> BTreeMap<String, String> {
        let mut first: BTreeMap<&str, &str> = BTreeMap::new();
        let mut versions: BTreeMap<String, String> = BTreeMap::new();
        for InstalledPackage { name, architecture, version, .. } in &self.packages {
            let usual = first.entry(name).or_insert(architecture);
            let known = match usual == architecture {
                true => name.clone(),
                false => format!("{name}:{architecture}"),
            };
            let all = versions.entry(known).or_default();
            if !all.is_empty() {
                all.push_str(", ");
            }
            all.push_str(version);
        }
        versions
    }

    /// Those of these updates that still are: a package that has another version by now is no longer the one that
    /// was meant, and one that is there in the new version besides needs none.
    pub(super) fn still_pending(&self, pending: &[PendingUpdate]) -> Vec<PendingUpdate> {
        let named = self.packages.iter().flat_map(|package| {
            let InstalledPackage { name, architecture, version, .. } = package;
            // As it is called, as apt tells one of another architecture apart, and as dnf does.
            [name.clone(), format!("{name}:{architecture}"), format!("{name}.{architecture}")]
                .map(|name| (name, version.as_str()))
        });
        let there: HashSet<(String, &str)> = named.collect();
        let is = |name: &String, version: &str| there.contains(&(name.clone(), version));
        let is_still = |update: &&PendingUpdate| {
            is(&update.name, &update.installed) && !is(&update.name, &update.candidate)
        };
        pending.iter().filter(is_still).cloned().collect()
    }
}

/// What the record of a package system is now, to be told from a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    bytes: i64,
    /// In milliseconds since 1970.
    pub(super) changed_at: i64,
    nanoseconds: i64,
    is_interrupted: bool,
}

impl Stamp {
    /// Of dpkg's record as it is; none where there is none.
    pub(super) fn of(root: &OwnedFd) -> Option<Self> {
        let (_, found) = open(root)?;
        Some(Self { is_interrupted: was_interrupted(root), ..Self::of_file(&found) })
    }

    /// Of a record that is this file.
    pub(super) fn of_file(found: &Stat) -> Self {
        let nanoseconds = i64::try_from(found.st_mtime_nsec).unwrap_or(0);
        Self {
            inode: found.st_ino,
            bytes: found.st_size,
            changed_at: found.st_mtime.saturating_mul(1000).saturating_add(nanoseconds / 1_000_000),
            nanoseconds,
            is_interrupted: false,
        }
    }

    /// The later of two, of which one is of what was not yet written into the other.
    pub(super) fn or_later(self, other: Self) -> Self {
        match (other.changed_at, other.nanoseconds) > (self.changed_at, self.nanoseconds) {
            true => other,
            false => self,
        }
    }
}

fn open(root: &OwnedFd) -> Option<(OwnedFd, Stat)> {
    regular(root, RECORD, OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK)
}

/// Whether dpkg left something that it had not yet written into its record: a file whose name is a number.
fn was_interrupted(root: &OwnedFd) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(directory) = openat2(root, UPDATES, flags, Mode::empty(), RESOLVE) else { return false };
    let Ok(entries) = Dir::read_from(&directory) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name().to_bytes();
        !name.is_empty() && name.iter().all(u8::is_ascii_digit)
    })
}

/// What a stanza says of a package that is there in whole or in part.
fn package_of(stanza: &str) -> Option<InstalledPackage> {
    let of = |key: &str| {
        let value = stanza.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))?;
        Some(value.trim()).filter(|value| {
            value.len() <= WORD && value.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        })
    };
    let status = of("Status")?;
    let mut words = status.split(' ');
    let (wanted, flag, state) = (words.next()?, words.next()?, words.next()?);
    let state = match state {
        "not-installed" | "config-files" => return None,
        // Those of a whole package whose triggers, or others' that it waits for, are still to be run.
        "installed" | "triggers-pending" | "triggers-awaited" if flag == "ok" => match wanted {
            "hold" => PackageState::Held,
            _ => PackageState::Installed,
        },
        _ => PackageState::Broken,
    };
    let (name, architecture) = (of("Package")?.to_owned(), of("Architecture")?.to_owned());
    Some(InstalledPackage { name, version: of("Version")?.to_owned(), architecture, state })
}

fn parse(text: &str) -> Vec<InstalledPackage> {
    let mut list: Vec<InstalledPackage> =
        text.split("\n\n").filter_map(package_of).take(PACKAGES).collect();
    list.sort();
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nArchitecture: amd64\n\
        Description: a shell\n Status: install ok installed\n\n\
        Package: old\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\n\
        Package: b\u{1b}[31mad\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n\
        Package: kept\nStatus: hold ok installed\nVersion: 2\nArchitecture: all\n\n\
        Package: half\nStatus: install ok half-configured\nVersion: 3\nArchitecture: all\n\n\
        Package: libz\nStatus: install ok installed\nVersion: 1.2\nArchitecture: amd64\n\n\
        Package: libz\nStatus: install ok triggers-pending\nVersion: 1.3\nArchitecture: i386\n\n\
        Package: apt\nStatus: install ok installed\nVersion: 3.0\nArchitecture: amd64\n";

    #[test]
    fn what_is_installed_is_listed_and_nothing_else() {
        let list = lines(&parse(TEXT));
        let expected =
            ["apt 3.0 amd64", "bash 5.2-1 amd64", "kept 2 all", "libz 1.2 amd64", "libz 1.3 i386"];
        assert_eq!(list, expected);
    }

    #[test]
    fn what_is_kept_back_and_what_is_broken_is_told() {
        let record = Record { packages: parse(TEXT), is_interrupted: false };
        assert_eq!(record.broken(), ["half"]);
        let held = record.packages.iter().filter(|one| one.state == PackageState::Held);
        assert_eq!(held.map(|one| one.name.as_str()).collect::<Vec<_>>(), ["kept"]);
        let versions = record.versions();
        assert_eq!(versions.get("libz").map(String::as_str), Some("1.2"));
        assert_eq!(versions.get("libz:i386").map(String::as_str), Some("1.3"));
    }

    #[test]
    fn an_update_that_was_taken_is_pending_no_more() {
        let package = |name: &str, version: &str| InstalledPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: "all".to_owned(),
            state: PackageState::Installed,
        };
        let update = |name: &str| PendingUpdate {
            name: name.to_owned(),
            installed: "1".to_owned(),
            candidate: "2".to_owned(),
            origin: String::new(),
            is_security: false,
        };
        // The third was upgraded, the fourth has its new version beside the old one.
        let packages = [("a", "1"), ("b", "1"), ("c", "2"), ("d", "1"), ("d", "2")];
        let packages = packages.map(|(name, version)| package(name, version)).into();
        let record = Record { packages, is_interrupted: false };
        let known = [update("a"), update("b.all"), update("c"), update("d"), update("e")];
        assert_eq!(record.still_pending(&known), [update("a"), update("b.all")]);
        assert_eq!(record.versions().get("d").map(String::as_str), Some("1, 2"));
    }

    #[test]
    fn an_interrupted_dpkg_is_noticed() {
        let base = tempfile::tempdir().unwrap();
        let root = || OwnedFd::from(File::open(base.path()).unwrap());
        assert_eq!((Record::read(&root()), Stamp::of(&root())), (None, None));
        std::fs::create_dir_all(base.path().join(UPDATES)).unwrap();
        std::fs::write(base.path().join(RECORD), TEXT).unwrap();
        std::fs::write(base.path().join(UPDATES).join("tmp.i"), "").unwrap();
        let before = Stamp::of(&root()).unwrap();
        assert!(!Record::read(&root()).unwrap().is_interrupted);
        std::fs::write(base.path().join(UPDATES).join("0001"), "").unwrap();
        assert!(Record::read(&root()).unwrap().is_interrupted);
        assert_ne!(Stamp::of(&root()), Some(before));
    }
}
