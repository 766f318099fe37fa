//! What is said to dnf, or to yum where there is no dnf, and to rpm, and what is understood of what dnf says.
//!
//! Only what yum 3, dnf 4 and dnf 5 have in common is said and read: `check-update` twice, the second time of
//! security's alone, because its lines are the same everywhere and those of advisories are not. Nothing is asked: rpm
//! never does, and keeps configuration files that somebody edited (`.rpmnew` is beside them), dnf is told yes.
//!
//! Repairing is not `distro-sync`: that would bring every package to the repository's version, and take all updates
//! on the way. It rebuilds the database and removes what an interrupted transaction left twice.

use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;

use domain::package::{
    InstalledPackage, PackageChange, PackageState, PackageTool, PendingUpdate, SystemPackage,
    Upgrade,
};
use rustix::fs::OFlags;

use super::apt;
use super::installed::{PACKAGES, Record, WORD, regular};
use super::rpm;

/// What `check-update` ends with when there are updates.
pub(super) const UPDATES_STATUS: u8 = 100;
/// What dnf and yum say when a plugin is not there.
const NO_COMMAND: &str = "No such command: versionlock";
/// What `check` says of a package that is there twice.
const DUPLICATE: &str = " is a duplicate with ";
/// What `check-update` says before it lists other things than updates.
const OTHERS: &str = "Obsoleting";

/// The tool that changes packages in a VServer, if it has one.
pub(super) fn tool_of(files: &OwnedFd) -> Option<PackageTool> {
    let is_program = |path: &str| {
        regular(files, path, OFlags::PATH).is_some_and(|(_, found)| found.st_mode & 0o111 != 0)
    };
    let mut tools = [PackageTool::Dnf, PackageTool::Yum].into_iter();
    tools.find(|tool| is_program(&format!("usr/bin/{}", tool.program())))
}

/// A program with the environment of tools.
fn told(is_aside: bool, words: Vec<String>) -> Vec<String> {
    let mut argv = ["env", "LC_ALL=C"].map(str::to_owned).to_vec();
    argv.push(format!("PATH={}", apt::search_path(is_aside)));
    argv.extend(words);
    argv
}

fn run(tool: PackageTool, is_aside: bool, words: &[&str], names: &[SystemPackage]) -> Vec<String> {
    let words = [tool.program()].into_iter().chain(words.iter().copied()).map(str::to_owned);
    // A name begins with a letter or digit: none is an option, a group or a file.
    told(is_aside, words.chain(names.iter().map(ToString::to_string)).collect())
}

/// What is run for a change. Of a repair that is the first part.
pub(super) fn commands(
    change: &PackageChange,
    tool: PackageTool,
    is_aside: bool,
) -> Vec<Vec<String>> {
    let yes = |words: &[&str], names| run(tool, is_aside, &[&["-y"], words].concat(), names);
    match change {
        PackageChange::Refresh => {
            vec![yes(&["clean", "expire-cache"], &[]), yes(&["makecache"], &[])]
        }
        PackageChange::Upgrade(Upgrade::All) => vec![yes(&["upgrade"], &[])],
        PackageChange::Upgrade(Upgrade::Security) => vec![yes(&["--security", "upgrade"], &[])],
        PackageChange::Upgrade(Upgrade::Packages(names)) => vec![yes(&["upgrade"], names)],
        PackageChange::Install(names) => vec![yes(&["install"], names)],
        PackageChange::Remove(names) => vec![yes(&["remove"], names)],
        PackageChange::Hold(names) => vec![yes(&["versionlock", "add"], names)],
        PackageChange::Unhold(names) => vec![yes(&["versionlock", "delete"], names)],
        PackageChange::Repair => {
            vec![told(is_aside, ["rpm", "--rebuilddb"].map(str::to_owned).into())]
        }
        PackageChange::ForeseeRemoval(names) => {
            vec![run(tool, is_aside, &["--assumeno", "remove"], names)]
        }
    }
}

/// What removes packages that are there in two versions, of which one should have gone.
pub(super) fn remove_duplicates(tool: PackageTool, is_aside: bool) -> Vec<String> {
    match tool {
        // yum has it in a program of its own.
        PackageTool::Yum => {
            told(is_aside, ["package-cleanup", "-y", "--cleandupes"].map(str::to_owned).into())
        }
        other => run(other, is_aside, &["-y", "remove", "--duplicates"], &[]),
    }
}

/// What asks rpm what there is.
pub(super) fn query(is_aside: bool) -> Vec<String> {
    told(is_aside, rpm::query())
}

/// What asks which updates are pending, going by the lists as they are: all, or security's.
pub(super) fn check_update(tool: PackageTool, is_aside: bool, is_security: bool) -> Vec<String> {
    let words: &[&str] = match is_security {
        true => &["-q", "-C", "--security", "check-update"],
        false => &["-q", "-C", "check-update"],
    };
    run(tool, is_aside, words, &[])
}

/// What asks which packages are kept at their versions.
pub(super) fn locks(tool: PackageTool, is_aside: bool) -> Vec<String> {
    run(tool, is_aside, &["-q", "versionlock", "list"], &[])
}

/// What asks which packages are wrong.
pub(super) fn check(tool: PackageTool, is_aside: bool) -> Vec<String> {
    run(tool, is_aside, &["-q", "check"], &[])
}

/// Whether a line says that the tool cannot keep packages at their versions.
pub(super) fn has_no_locks(line: &str) -> bool {
    line.contains(NO_COMMAND)
}

/// Whether a line of `check` tells of a package that is there twice.
pub(super) fn is_duplicate(line: &str) -> bool {
    line.contains(DUPLICATE)
}

/// What `check-update` lists, line by line: `NAME.ARCHITECTURE [EPOCH:]VERSION-RELEASE REPOSITORY`, on more
/// lines when that is too long for one; those that go on begin with a blank.
#[derive(Debug, Default)]
pub(super) struct Listing {
    words: Vec<String>,
    is_over: bool,
    offers: Vec<Offer>,
}

/// What is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Offer {
    name: String,
    architecture: String,
    version: String,
    repository: String,
}

impl Listing {
    /// Takes a line, whatever it is: what is no update is not taken for one, and what is too much is left out.
    pub(super) fn hear(&mut self, line: &str) {
        self.is_over |= line.starts_with(OTHERS);
        if self.is_over || self.offers.len() >= PACKAGES {
            return;
        }
        let goes_on = line.starts_with(' ') && !self.words.is_empty();
        if !goes_on {
            self.words.clear();
            if line.starts_with(' ') {
                return;
            }
        }
        self.words.extend(line.split_whitespace().take(4).map(str::to_owned));
        if self.words.len() >= 3 {
            self.offers.extend(offer(&std::mem::take(&mut self.words)));
        }
    }

    /// The updates among what this lists; `security` lists those that are security's.
    pub(super) fn pending(&self, security: &Self, record: &Record) -> Vec<PendingUpdate> {
        let key = |offer: &Offer| (offer.name.clone(), offer.architecture.clone());
        let secure: HashSet<_> = security.offers.iter().map(key).collect();
        let mut there: HashMap<&str, Vec<&InstalledPackage>> = HashMap::new();
        for package in &record.packages {
            there.entry(&package.name).or_default().push(package);
        }
        let update = |offer: &Offer| {
            let known = there.get(offer.name.as_str())?;
            // A package may change its architecture, to or from none in particular.
            let same = known.iter().rev().find(|one| one.architecture == offer.architecture);
            let installed = same.or(known.last())?;
            let is_alone = known.iter().all(|one| one.architecture == installed.architecture);
            let name = match is_alone {
                true => offer.name.clone(),
                false => format!("{}.{}", offer.name, installed.architecture),
            };
            Some(PendingUpdate {
                name,
                installed: installed.version.clone(),
                candidate: offer.version.clone(),
                origin: offer.repository.clone(),
                is_security: secure.contains(&key(offer)),
            })
        };
        let mut pending: Vec<_> = self.offers.iter().filter_map(update).collect();
        pending.sort_by(|one, other| one.name.cmp(&other.name));
        pending.dedup_by(|one, other| one.name == other.name);
        pending
    }
}

fn offer(words: &[String]) -> Option<Offer> {
    let [named, version, repository] = words else { return None };
    let (name, architecture) = named.rsplit_once('.')?;
    let is_word =
        |word: &str| (1..=WORD).contains(&word.len()) && word.chars().all(|c| c.is_ascii_graphic());
    let is_architecture = architecture.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let are_words = [name, architecture, version, repository].into_iter().all(is_word);
    (are_words && is_architecture && version.contains('-')).then(|| Offer {
        name: name.to_owned(),
        architecture: architecture.to_owned(),
        version: version.clone(),
        repository: repository.clone(),
    })
}

/// Which packages of a record lines name, as locks and complaints do: the first word of each.
#[derive(Debug)]
pub(super) struct Named {
    known: HashMap<String, usize>,
    named: HashSet<usize>,
}

impl Named {
    /// None as yet, of these.
    pub(super) fn new(record: &Record) -> Self {
        let mut known = HashMap::new();
        for (number, package) in record.packages.iter().enumerate() {
            let InstalledPackage { name, version, architecture, .. } = package;
            let (epoch, version) = version.split_once(':').unwrap_or(("0", version));
            // dnf says an epoch of 0 in some places and leaves it out in others; yum has it in front, and dnf
            // gives locks for every architecture.
            for form in [
                format!("{name}-{epoch}:{version}.{architecture}"),
                format!("{name}-{version}.{architecture}"),
                format!("{name}-{epoch}:{version}.*"),
                format!("{epoch}:{name}-{version}.{architecture}"),
                format!("{epoch}:{name}-{version}.*"),
            ] {
                known.insert(form, number);
            }
        }
        Self { known, named: HashSet::new() }
    }

    /// Takes a line.
    pub(super) fn hear(&mut self, line: &str) {
        let word = line.split(' ').next().unwrap_or_default().trim_end_matches(':');
        self.named.extend(self.known.get(word));
    }

    /// The record, with a state for those that were named.
    pub(super) fn marked(&self, mut record: Record, state: PackageState) -> Record {
        for (number, package) in record.packages.iter_mut().enumerate() {
            if self.named.contains(&number) {
                package.state = state;
            }
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(packages: &[(&str, &str, &str)]) -> Record {
        let packages = packages.iter().map(|(name, version, architecture)| InstalledPackage {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            architecture: (*architecture).to_owned(),
            state: PackageState::Installed,
        });
        Record { packages: packages.collect(), is_interrupted: false }
    }

    fn listing(text: &str) -> Listing {
        let mut listing = Listing::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            listing.hear(line);
        }
        listing
    }

    #[test]
    fn what_is_pending_is_read_whatever_else_is_said() {
        let all = listing(
            "Loaded plugins: fastestmirror\n\
             Loading mirror speeds from cached hostfile\n\
             \u{20}* base: mirror.example.org\n\
             \n\
             bash.x86_64                 5.2-2.el9              baseos-updates\n\
             glibc.i686                  2.34-9                 updates\n\
             glibc.x86_64                2.34-9                 updates\n\
             a-package-with-a-name-that-is-longer-than-its-column.noarch\n\
             \u{20}                           1:2.0-1                updates\n\
             kernel.x86_64               6.1-3                  updates\n\
             stranger.x86_64             1-1                    updates\n\
             e\u{1b}vil.x86_64           1-1                    updates\n\
             Security: kernel-6.1-2.x86_64 is an installed security update\n\
             Obsoleting Packages\n\
             new.noarch                  1-1                    updates\n\
             \u{20}   bash.x86_64             5.2-1.el9              @baseos\n",
        );
        let security = listing("bash.x86_64 5.2-1.1.el9 updates\nglibc.x86_64 2.34-9 updates\n");
        let record = record(&[
            ("a-package-with-a-name-that-is-longer-than-its-column", "1:1.0-1", "noarch"),
            ("bash", "5.2-1.el9", "x86_64"),
            ("glibc", "2.34-7", "i686"),
            ("glibc", "2.34-8", "x86_64"),
            ("kernel", "6.1-1", "x86_64"),
            ("kernel", "6.1-2", "x86_64"),
            ("new", "0-1", "noarch"),
        ]);
        let pending = all.pending(&security, &record);
        let shown = pending.iter().map(|update| {
            let PendingUpdate { name, installed, candidate, is_security, .. } = update;
            format!("{name} {installed} {candidate} {is_security}")
        });
        let expected = [
            "a-package-with-a-name-that-is-longer-than-its-column 1:1.0-1 1:2.0-1 false",
            "bash 5.2-1.el9 5.2-2.el9 true",
            "glibc.i686 2.34-7 2.34-9 false",
            "glibc.x86_64 2.34-8 2.34-9 true",
            "kernel 6.1-2 6.1-3 false",
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn locks_and_complaints_name_packages_in_many_ways() {
        let record = record(&[
            ("bash", "5-1", "x86_64"),
            ("vim", "2:9-1", "x86_64"),
            ("ok", "1-1", "noarch"),
        ]);
        for (line, expected) in [
            ("bash-0:5-1.*", "bash"),
            ("0:bash-5-1.*", "bash"),
            ("vim-2:9-1.*", "vim"),
            ("bash-5-1.x86_64 is a duplicate with bash-4-1.x86_64", "bash"),
            ("vim-2:9-1.x86_64 has missing requires of libvim", "vim"),
            ("bash-4-1.x86_64 is a duplicate with bash-3-1.x86_64", ""),
            ("# Added lock on Thu Nov 26", ""),
            ("", ""),
        ] {
            let mut named = Named::new(&record);
            named.hear(line);
            let marked = named.marked(record.clone(), PackageState::Held);
            let held = marked.packages.iter().filter(|one| one.state == PackageState::Held);
            let held: Vec<_> = held.map(|one| one.name.as_str()).collect();
            assert_eq!(held.join(" "), expected, "{line}");
        }
    }

    #[test]
    fn names_stand_behind_all_options() {
        let names = vec!["bash".parse().unwrap()];
        let command = commands(&PackageChange::Remove(names), PackageTool::Dnf, false).concat();
        assert!(command.join(" ").ends_with(" dnf -y remove bash"), "{command:?}");
    }
}
