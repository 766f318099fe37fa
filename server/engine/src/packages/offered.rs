//! What a VServer's own lists of packages offer, whether it is installed or not. The lists are those that its apt
//! fetched last: files of the VServer's, which are read beneath its root, line by line and no further than a limit.
//! Nothing runs for it.
//!
//! Not here: lists that apt keeps compressed, and those of dnf.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;

use domain::failure::Failure;
use domain::guest_log::printable;
use domain::id::VServerName;
use domain::package::{OfferedPackage, PackageOffers};
use rustix::fs::{Dir, Mode, OFlags, openat2};

use super::files_of;
use super::installed::{RESOLVE, Record, WORD, regular};
use crate::engine::Engine;

/// Where apt keeps them, and what the name of one of packages ends with.
const LISTS: &str = "var/lib/apt/lists";
const OF_PACKAGES: &str = "_Packages";

/// The most lists that are read, and the most bytes of all of them.
const FILES: usize = 200;
const BYTES: u64 = 256 * 1024 * 1024;
/// The longest line that is read as one.
const LINE_BYTES: u64 = 8 * 1024;
/// The most packages that a search gives, and versions of one.
const FOUND: usize = 100;
const VERSIONS: usize = 3;
/// The longest text that is looked for, in characters.
const TEXT: usize = 100;

impl Engine {
    /// What the lists of a VServer offer whose name or summary holds this text.
    ///
    /// # Errors
    /// When there is none of this name, or its files cannot be opened.
    pub fn search_packages(
        &self,
        name: &VServerName,
        text: &str,
    ) -> Result<PackageOffers, Failure> {
        let roots = &self.instance().settings.roots;
        if !roots.config_of(name).is_dir() {
            return Err(Failure::NoSuchVServer { name: name.clone() });
        }
        match files_of(roots, name)? {
            Some(files) => Ok(search(&files, text)),
            None => Ok(PackageOffers::default()),
        }
    }
}

/// The best come first, and of those that are as good by name.
type Place = (u8, String);

/// What of these files' lists holds this text; nothing when that is empty.
fn search(files: &OwnedFd, text: &str) -> PackageOffers {
    let text: String = text.trim().to_lowercase().chars().take(TEXT).collect();
    let names = names_of_lists(files);
    let mut search = Search { text, best: BTreeMap::new(), is_more: names.len() > FILES };
    let mut offers = PackageOffers::default();
    let mut left = BYTES;
    for name in names.into_iter().take(FILES) {
        let path = format!("{LISTS}/{name}");
        let how = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK;
        let Some((file, _)) = regular(files, &path, how) else { continue };
        offers.has_lists = true;
        left = search.read(File::from(file), left);
    }
    search.is_more |= left == 0;
    let versions = Record::read(files).map(|record| record.versions()).unwrap_or_default();
    let mut seen = BTreeSet::new();
    // Two lists may say other things of the same package.
    let best = search.best.into_iter().filter(|((_, name), _)| seen.insert(name.clone()));
    offers.packages = best
        .map(|((_, name), Found { versions: offered, summary })| OfferedPackage {
            installed: versions.get(&name).cloned(),
            versions: offered.join(", "),
            name,
            summary,
        })
        .collect();
    offers.is_more = search.is_more;
    offers
}

/// The files of lists, sorted by name.
fn names_of_lists(files: &OwnedFd) -> Vec<String> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(directory) = openat2(files, LISTS, flags, Mode::empty(), RESOLVE) else {
        return Vec::new();
    };
    let entries = Dir::read_from(&directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
    let mut names: Vec<String> =
        names.filter(|name| name.ends_with(OF_PACKAGES)).take(FILES + 1).collect();
    names.sort();
    names
}

/// What was found of one.
struct Found {
    versions: Vec<String>,
    summary: String,
}

struct Search {
    text: String,
    best: BTreeMap<Place, Found>,
    is_more: bool,
}

/// What a paragraph of a list has said so far.
#[derive(Default)]
struct Paragraph {
    name: String,
    version: String,
    summary: String,
}

impl Search {
    /// Reads a list and no more bytes than these; gives how many are left.
    fn read(&mut self, list: impl Read, bytes: u64) -> u64 {
        let mut reader = BufReader::with_capacity(64 * 1024, list);
        let mut left = bytes;
        let mut line = Vec::new();
        let mut paragraph = Paragraph::default();
        loop {
            line.clear();
            // A list that cannot be read to its end offers what it did so far.
            let read = (&mut reader).take(LINE_BYTES.min(left)).read_until(b'\n', &mut line);
            let Ok(read @ 1..) = read else { break };
            left = left.saturating_sub(read as u64);
            let value =
                |key: &[u8]| line.strip_prefix(key).map(|value| printable(value.trim_ascii()));
            if line == b"\n" {
                self.offer(std::mem::take(&mut paragraph));
            } else if let Some(name) = value(b"Package: ") {
                paragraph.name = name;
            } else if let Some(version) = value(b"Version: ") {
                paragraph.version = version;
            } else if let Some(summary) = value(b"Description: ") {
                paragraph.summary =
                    summary.chars().filter(|c| !c.is_control()).take(WORD).collect();
            }
        }
        self.offer(paragraph);
        left
    }

    fn offer(&mut self, Paragraph { name, version, summary }: Paragraph) {
        let is_word = |word: &str| {
            (1..=WORD).contains(&word.len()) && word.chars().all(|c| c.is_ascii_graphic())
        };
        if self.text.is_empty() || !is_word(&name) || !is_word(&version) {
            return;
        }
        let goodness = match name.find(&self.text) {
            Some(0) if name.len() == self.text.len() => 0,
            Some(0) => 1,
            Some(_) => 2,
            None if summary.to_lowercase().contains(&self.text) => 3,
            None => return,
        };
        let found = self.best.entry((goodness, name));
        let found = found.or_insert_with(|| Found { versions: Vec::new(), summary });
        if found.versions.len() < VERSIONS && !found.versions.contains(&version) {
            found.versions.push(version);
        }
        if self.best.len() > FOUND {
            self.best.pop_last();
            self.is_more = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searched(list: &str, text: &str) -> PackageOffers {
        let base = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(base.path().join(LISTS)).unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(base.path().join(LISTS).join(name), text).unwrap();
        };
        write("one_Packages", list);
        write("two_Packages", "Package: vim\nVersion: 2:9.2\nDescription: an editor\n");
        write("three_Sources", "Package: vim-source\nVersion: 1\n");
        std::os::unix::fs::symlink("/etc/passwd", base.path().join(LISTS).join("x_Packages"))
            .unwrap();
        search(&OwnedFd::from(File::open(base.path()).unwrap()), text)
    }

    #[test]
    fn what_a_text_finds_is_told_with_the_best_first() {
        let list = "Package: neovim\nVersion: 0.7\nDescription: Vim, again\n\n\
            Package: vim-tiny\nVersion: 2:9.0\nDescription: small\n more\n Package: inner\n\n\
            Package: ed\nVersion: 1\nDescription: unlike VIM\u{1b}[31m\n\n\
            Package: vim bad\nVersion: 1\n\nPackage: vimless\n\n\
            Package: vim\nVersion: 2:9.0\nDescription: Vi improved\n\n";
        let offers = searched(list, " ViM ");
        let names: Vec<_> = offers.packages.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["vim", "vim-tiny", "neovim", "ed"]);
        assert_eq!(offers.packages[0].versions, "2:9.0, 2:9.2");
        assert_eq!(offers.packages[0].summary, "Vi improved");
        assert_eq!(offers.packages[3].summary, "unlike VIM");
        assert!(offers.has_lists && !offers.is_more);
        assert!(searched(list, " ").packages.is_empty());
        let none = tempfile::tempdir().unwrap();
        let none = search(&OwnedFd::from(File::open(none.path()).unwrap()), "vim");
        assert_eq!(none, PackageOffers::default());
    }

    #[test]
    fn a_search_has_an_end() {
        let many = (0..FOUND * 2).map(|n| format!("Package: p{n:04}\nVersion: 1\n\n"));
        let offers = searched(&many.collect::<String>(), "p");
        assert_eq!((offers.packages.len(), offers.is_more), (FOUND, true));
        assert_eq!(offers.packages[0].name, "p0000");
        let mut search = Search { text: "a".to_owned(), best: BTreeMap::new(), is_more: false };
        assert_eq!(search.read(std::io::repeat(b'a'), 100_000), 0);
        assert!(search.best.is_empty());
    }
}
