//! Which packages a VServer had, as rpm says: its record is a database, a stranger's, which is parsed by rpm
//! alone, and that only where it can change and reach nothing ([`asking`]). The VServer's own rpm knows
//! its own database best; where it has none, the host's is asked.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use domain::note::NoAnswer;
use rustix::fs::OFlags;

use super::installed::{PACKAGES, WORD, regular};
use crate::build::asking::{self, FILES, Question};
use crate::engine::Instance;
use crate::operation::{Stopped, Work};

/// Where distributions have the database, the newer ones first, and what it is called in each format.
const PLACES: [&str; 2] = ["usr/lib/sysimage/rpm", "var/lib/rpm"];
const DATABASES: [&str; 3] = ["rpmdb.sqlite", "Packages.db", "Packages"];

/// Where a VServer has the program, and where the host does.
const OWN_PROGRAMS: [&str; 2] = ["usr/bin/rpm", "bin/rpm"];
const PROGRAM: &str = "/usr/bin/rpm";

/// What a line of the list begins with; others are complaints.
const MARK: &str = "package ";
const FORMAT: &str = r"package %{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH}\n";
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
    let is_word = |word: &&str| {
        (1..=WORD).contains(&word.len()) && word.chars().all(|c| c.is_ascii_graphic())
    };
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
}
