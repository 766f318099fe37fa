//! Which packages a VServer had, as rpm says: its record is a database, a stranger's, which is parsed by rpm
//! alone, and that only where it can change and reach nothing ([`asking`]). The VServer's own rpm knows
//! its own database best; where it has none, the host's is asked.
//!
//! Where packages are changed, in a VServer that runs or is as if it did, its rpm is a tool like any other, and
//! says what there is in between ([`query`]).

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use domain::note::NoAnswer;
use domain::package::{InstalledPackage, PackageState};
use rustix::fs::OFlags;

use super::installed::{PACKAGES, Record, Stamp, WORD, regular};
use crate::build::asking::{self, FILES, Question};
use crate::engine::Instance;
use crate::operation::{Stopped, Work};

/// Where distributions have the database, the newer ones first, and what it is called in each format.
const PLACES: [&str; 2] = ["usr/lib/sysimage/rpm", "var/lib/rpm"];
const DATABASES: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];
/// What the first of them has not yet taken in.
const DATABASE_LOG: &str = "rpmdb.sqlite-wal";

/// Where a VServer has the program, and where the host does.
const OWN_PROGRAMS: [&str; 2] = ["usr/bin/rpm", "bin/rpm"];
const PROGRAM: &str = "/usr/bin/rpm";

/// What a line of the list begins with; others are complaints.
const MARK: &str = "package ";
const FORMAT: &str = r"package %{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\n";
/// The same, with what tells which of several versions came last.
const DATED_FORMAT: &str =
    r"package %{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH} %{INSTALLTIME}\n";
/// What rpm lists keys as.
const KEY: &str = "gpg-pubkey";

/// How long listing may take, and how long the list may be.
const PATIENCE: Duration = Duration::from_secs(60);
const LIST_BYTES: usize = 16 * 1024 * 1024;

/// The directory of the database, if there is one.
pub(super) fn database(root: &OwnedFd) -> Option<&'static str> {
    let has_one = |place: &&str| {
        DATABASES
            .iter()
            .any(|name| regular(root, &format!("{place}/{name}"), OFlags::PATH).is_some())
    };
    PLACES.into_iter().find(has_one)
}

/// What the database is now, with what of it is still in a log beside it; none where there is none.
pub(super) fn stamp(root: &OwnedFd) -> Option<Stamp> {
    let place = database(root)?;
    let of = |name: &str| {
        let (_, found) = regular(root, &format!("{place}/{name}"), OFlags::PATH)?;
        Some(Stamp::of_file(&found))
    };
    let whole = DATABASES.iter().find_map(|name| of(name))?;
    Some(of(DATABASE_LOG).map_or(whole, |log| whole.or_later(log)))
}

/// What a VServer's rpm is asked inside for what there is.
pub(super) fn query() -> Vec<String> {
    ["rpm", "--query", "--all", "--nosignature", "--queryformat", DATED_FORMAT]
        .map(str::to_owned)
        .into()
}

/// What it answers, line by line.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Each with when it came.
    packages: Vec<(u64, InstalledPackage)>,
}

impl Answer {
    /// Takes a line; one that is no package's is a complaint, and what is too much is left out.
    pub(super) fn hear(&mut self, line: &str) {
        if self.packages.len() < PACKAGES {
            self.packages.extend(dated(line));
        }
    }

    /// What there is: of several versions of one package the last that came is the last.
    pub(super) fn record(self) -> Record {
        let mut packages = self.packages;
        packages.sort_by(|(then, one), (other_then, other)| {
            let key =
                |package: &InstalledPackage| (package.name.clone(), package.architecture.clone());
            (key(one), then).cmp(&(key(other), other_then))
        });
        let packages = packages.into_iter().map(|(_, package)| package).collect();
        Record { packages, is_interrupted: false }
    }
}

fn dated(line: &str) -> Option<(u64, InstalledPackage)> {
    let words: Vec<&str> = line.strip_prefix(MARK)?.split(' ').collect();
    let [name, version, architecture, then] = words.as_slice() else { return None };
    if *name == KEY || ![name, version, architecture].into_iter().all(is_word) {
        return None;
    }
    let [name, version, architecture] =
        [name, version, architecture].map(|word| (*word).to_owned());
    let state = PackageState::Installed;
    Some((then.parse().ok()?, InstalledPackage { name, version, architecture, state }))
}

fn is_word(word: &&str) -> bool {
    (1..=WORD).contains(&word.len()) && word.chars().all(|c| c.is_ascii_graphic())
}

/// `NAME VERSION ARCHITECTURE` of what is installed, or why nobody can say.
///
/// # Errors
/// When it is cancelled.
pub(super) fn installed(
    instance: &Instance,
    work: &mut Work<'_>,
    root: &Path,
    files: &OwnedFd,
    database: &str,
) -> Result<Result<Vec<String>, NoAnswer>, Stopped> {
    let is_program = |path: &&str| {
        regular(files, path, OFlags::PATH).is_some_and(|(_, found)| found.st_mode & 0o111 != 0)
    };
    let own = OWN_PROGRAMS.into_iter().find(is_program);
    let mut command = match own {
        Some(program) => vec![format!("/{program}")],
        None if Path::new(PROGRAM).exists() => {
            let words = [PROGRAM, "--root", FILES, "--dbpath"].map(str::to_owned);
            words.into_iter().chain([format!("/{database}")]).collect()
        }
        None => return Ok(Err(NoAnswer::NoProgram { program: PROGRAM.to_owned() })),
    };
    command
        .extend(["--query", "--all", "--nosignature", "--queryformat", FORMAT].map(str::to_owned));
    let (is_own, patience, most_bytes) = (own.is_some(), PATIENCE, LIST_BYTES);
    let question = Question { root, command, is_own, patience, most_bytes };
    let list = asking::ask(instance, work, question)?.map(|said| parse(&said));
    // Of a database that it does not know rpm says that nothing is in it.
    Ok(list.and_then(|list| if list.is_empty() { Err(NoAnswer::Nothing) } else { Ok(list) }))
}

fn parse(said: &str) -> Vec<String> {
    let listed = said.lines().filter_map(|line| line.strip_prefix(MARK)).filter(|package| {
        let words: Vec<&str> = package.split(' ').collect();
        words.len() == 3 && words.iter().all(is_word) && words.first() != Some(&KEY)
    });
    let mut list: Vec<String> = listed.map(str::to_owned).take(PACKAGES).collect();
    list.sort();
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_listed_and_neither_keys_nor_complaints() {
        let said = "warning: Found NDB Packages.db\npackage tinybase 1-1 x86_64\n\
            package gpg-pubkey 1-2 (none)\npackage extra 3:2-1 noarch\n\
            package e\u{1b}[31mvil 1-1 x86_64\npackage two words 1-1 x86_64\npackage  1-1 noarch\n";
        assert_eq!(parse(said), ["extra 3:2-1 noarch", "tinybase 1-1 x86_64"]);
    }

    #[test]
    fn of_several_versions_the_last_is_the_one_that_came_last() {
        let mut answer = Answer::default();
        for line in [
            "package kernel 10-1 x86_64 30",
            "package kernel 9-1 x86_64 20",
            "package bash 5-1 x86_64 10",
            "package gpg-pubkey 1-2 (none) 5",
            "package bash 5-1 x86_64",
            "package b\u{1b}ash 5-1 x86_64 10",
            "warning: package bash 5-1 x86_64 10",
        ] {
            answer.hear(line);
        }
        let packages = answer.record().packages;
        let shown = packages.iter().map(|one| format!("{} {}", one.name, one.version));
        assert_eq!(shown.collect::<Vec<_>>(), ["bash 5-1", "kernel 9-1", "kernel 10-1"]);
    }
}
