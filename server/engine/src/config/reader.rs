//! Reading single files of a config tree, tolerantly (fact sheet 0.4), and never outside of it.
//!
//! Scalars: the first line, trimmed; a missing newline at the end is fine (the original dropped
//! such values, B1). Lists: one item a line, blank lines and `#` lines skipped. Arrays: one item a
//! line, no comments. Booleans: the file exists. No shell ever sees any of it.
//!
//! Invariant: a file is opened relative to the config directory with `RESOLVE_BENEATH`: a symbolic
//! link, or `..`, that leads out of the directory is an error, whatever it leads to.
//!
//! A reader can be told to read some files as they would be after a change ([`Reader::assuming`]): so a
//! change is judged by the tree that would come of it, before anything is written.
//!
//! Who reads a whole tree asks for some eighty files, of which most trees have ten: it looks into each
//! directory once ([`Reader::listing`]) and opens what is there. What comes to be meanwhile is not seen.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use domain::config_entry::{ConfigPath, Expected};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, open, openat2};
use rustix::io::Errno;

use super::error::ConfigError;

/// The most bytes of one file: the longest lists are a few hundred lines.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// One config directory, open.
#[derive(Debug)]
pub(super) struct Reader {
    directory: OwnedFd,
    /// What error messages call it.
    shown_as: PathBuf,
    /// Files that are read as if they said this, or were not there.
    assumed: BTreeMap<String, Option<String>>,
    /// What is in the directories that were looked into, if they are looked into first.
    listed: Option<RefCell<BTreeMap<String, Listed>>>,
}

/// What is in one directory.
#[derive(Debug)]
enum Listed {
    /// These names; none where there is no such directory.
    Names(BTreeSet<String>),
    /// It cannot be listed: opening what is in it says why.
    Unknown,
}

impl Reader {
    /// Opens a config directory; none when there is none.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    pub(super) fn open(directory: &Path, shown_as: &Path) -> Result<Option<Self>, ConfigError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match open(directory, flags, Mode::empty()) {
            Ok(directory) => Ok(Some(Self {
                directory,
                shown_as: shown_as.to_owned(),
                assumed: BTreeMap::new(),
                listed: None,
            })),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => {
                Err(ConfigError::Read { file: shown_as.to_owned(), source: errno.into() })
            }
        }
    }

    /// Reads these files as if they said this, or were not there.
    #[must_use]
    pub(super) fn assuming<'a>(
        mut self,
        changes: impl IntoIterator<Item = (&'a ConfigPath, Option<&'a str>)>,
    ) -> Self {
        self.assumed.extend(
            changes.into_iter().map(|(path, text)| (path.to_string(), text.map(str::to_owned))),
        );
        self
    }

    /// Looks into each directory once, before it opens anything in it.
    #[must_use]
    pub(super) fn listing(mut self) -> Self {
        self.listed = Some(RefCell::default());
        self
    }

    /// Whether it is not there, by what its directory was seen to hold.
    fn is_absent(&self, path: &str) -> bool {
        let Some(listed) = &self.listed else { return false };
        let (directory, name) = path.rsplit_once('/').unwrap_or((".", path));
        if directory != "." && self.is_absent(directory) {
            return true;
        }
        let mut listed = listed.borrow_mut();
        let found = match listed.get(directory) {
            Some(found) => found,
            None => listed.entry(directory.to_owned()).or_insert(self.look_into(directory)),
        };
        matches!(found, Listed::Names(names) if !names.contains(name))
    }

    fn look_into(&self, path: &str) -> Listed {
        let names = || -> Result<BTreeSet<String>, ConfigError> {
            let Some(directory) = self.open_file(path, OFlags::RDONLY | OFlags::DIRECTORY)? else {
                return Ok(BTreeSet::new());
            };
            self.names_in(path, directory).map(Vec::into_iter).map(Iterator::collect)
        };
        names().map_or(Listed::Unknown, Listed::Names)
    }

    /// The names in an open directory that are text: no other is ever asked for.
    fn names_in(&self, path: &str, directory: OwnedFd) -> Result<Vec<String>, ConfigError> {
        let failed =
            |errno: Errno| ConfigError::Read { file: self.shown(path), source: errno.into() };
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if let Ok(name) = entry.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// Files that are assumed to be below a directory: their paths from there on.
    fn assumed_below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, bool)> {
        self.assumed.iter().filter_map(move |(file, text)| {
            let rest = file.strip_prefix(path)?.strip_prefix('/')?;
            Some((rest, text.is_some()))
        })
    }

    /// What messages call the file at `path`.
    #[must_use]
    pub(super) fn shown(&self, path: &str) -> PathBuf {
        self.shown_as.join(path)
    }

    /// An error at one line of a file.
    #[must_use]
    pub(super) fn unexpected(&self, path: &str, line: usize, expected: Expected) -> ConfigError {
        ConfigError::Unexpected { file: self.shown(path), line, expected }
    }

    fn open_file(&self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>, ConfigError> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let flags = flags | OFlags::CLOEXEC;
        loop {
            return match openat2(&self.directory, path, flags, Mode::empty(), resolve) {
                Ok(file) => Ok(Some(file)),
                Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
                Err(Errno::AGAIN | Errno::INTR) => continue,
                Err(errno) => {
                    Err(ConfigError::Read { file: self.shown(path), source: errno.into() })
                }
            };
        }
    }

    /// Opens what is not known to be absent.
    fn open_known(&self, path: &str, flags: OFlags) -> Result<Option<OwnedFd>, ConfigError> {
        if self.is_absent(path) { Ok(None) } else { self.open_file(path, flags) }
    }

    /// Whether there is a file at `path` (a directory is none).
    ///
    /// # Errors
    /// When that cannot be found out.
    pub(super) fn exists(&self, path: &str) -> Result<bool, ConfigError> {
        if let Some(assumed) = self.assumed.get(path) {
            return Ok(assumed.is_some());
        }
        let Some(file) = self.open_known(path, OFlags::PATH)? else { return Ok(false) };
        let stat = fstat(&file)
            .map_err(|errno| ConfigError::Read { file: self.shown(path), source: errno.into() })?;
        Ok(FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
    }

    /// Whether there is a directory at `path`.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub(super) fn is_directory(&self, path: &str) -> Result<bool, ConfigError> {
        if self.assumed_below(path).any(|(_, is_there)| is_there) {
            return Ok(true);
        }
        self.open_known(path, OFlags::PATH | OFlags::DIRECTORY).map(|found| found.is_some())
    }

    /// The text of the file at `path`; none when there is none.
    ///
    /// # Errors
    /// When it is not a regular file, too large, not UTF-8, or holds NUL bytes.
    pub(super) fn text(&self, path: &str) -> Result<Option<String>, ConfigError> {
        if let Some(assumed) = self.assumed.get(path) {
            return Ok(assumed.clone());
        }
        // A FIFO or a terminal in the tree must neither block nor become ours.
        let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK;
        let Some(file) = self.open_known(path, flags)? else { return Ok(None) };
        let failed = |source| ConfigError::Read { file: self.shown(path), source };
        let stat = fstat(&file).map_err(|errno| failed(errno.into()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(failed(io::Error::other("not a regular file")));
        }
        // With room for all of it one call reads it, and another one sees its end.
        let size = u64::try_from(stat.st_size).unwrap_or_default().min(MAX_FILE_BYTES);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 64);
        File::from(file).take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(self.unexpected(path, 1, Expected::AtMostBytes(MAX_FILE_BYTES)));
        }
        let line_of =
            |end: usize| bytes.iter().take(end).filter(|byte| **byte == b'\n').count() + 1;
        if let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
            return Err(self.unexpected(path, line_of(nul), Expected::NoNul));
        }
        match core::str::from_utf8(&bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(error) => Err(self.unexpected(path, line_of(error.valid_up_to()), Expected::Utf8)),
        }
    }

    /// The scalar at `path`; none when the file is missing or its first line blank.
    ///
    /// # Errors
    /// As [`Reader::text`].
    pub(super) fn scalar(&self, path: &str) -> Result<Option<String>, ConfigError> {
        let text = self.text(path)?.unwrap_or_default();
        let value = text.lines().next().unwrap_or_default().trim();
        Ok((!value.is_empty()).then(|| value.to_owned()))
    }

    /// A scalar that `parse` understands; what it does not is an error that says `expected`.
    ///
    /// # Errors
    /// As [`Reader::text`], and when the value is not what was expected.
    pub(super) fn parsed<T, E>(
        &self,
        path: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        expected: impl FnOnce(E) -> Expected,
    ) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.scalar(path)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|error| self.unexpected(path, 1, expected(error)))
    }

    /// The list at `path`: line numbers and items; none when there is no file.
    ///
    /// # Errors
    /// As [`Reader::text`].
    pub(super) fn list(&self, path: &str) -> Result<Option<Vec<(usize, String)>>, ConfigError> {
        Ok(self
            .text(path)?
            .map(|text| numbered_lines(&text).filter(|(_, item)| !item.starts_with('#')).collect()))
    }

    /// The array at `path`: every line that is not blank, none when there is no file.
    ///
    /// # Errors
    /// As [`Reader::text`].
    pub(super) fn array(&self, path: &str) -> Result<Option<Vec<String>>, ConfigError> {
        Ok(self.text(path)?.map(|text| numbered_lines(&text).map(|(_, item)| item).collect()))
    }

    /// The names in the directory at `path`, numbers in the order of numbers (the original put `10`
    /// before `2`), hidden ones and backups left out; empty when there is no such directory.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn directory(&self, path: &str) -> Result<Vec<String>, ConfigError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let mut names = match self.open_known(path, flags)? {
            Some(directory) => self.names_in(path, directory)?,
            None => Vec::new(),
        };
        for (rest, is_there) in self.assumed_below(path) {
            let name = rest.split('/').next().unwrap_or_default();
            if is_there {
                names.push(name.to_owned());
            } else if name == rest {
                names.retain(|known| known != name);
            }
        }
        names.retain(|name| !name.starts_with('.') && !is_backup(name));
        names.sort_by(|a, b| in_number_order(a, b));
        names.dedup();
        Ok(names)
    }
}

fn numbered_lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim().to_owned()))
        .filter(|(_, line)| !line.is_empty())
}

/// Whether a name is one that enumerations skip (fact sheet 0.4).
#[must_use]
pub fn is_backup(name: &str) -> bool {
    name.ends_with('~')
        || [".rpmsave", ".rpmnew", ".rpmorig", ".dpkg-old", ".dpkg-new"]
            .iter()
            .any(|suffix| name.ends_with(suffix))
        || name.contains(".cfsaved")
        || name.contains(".~")
}

/// Compares two names; runs of digits count as numbers.
#[must_use]
pub(super) fn in_number_order(a: &str, b: &str) -> core::cmp::Ordering {
    let key = |text: &str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = text.split_at(digits);
        (number.parse::<u64>().unwrap_or(u64::MAX), rest.to_owned(), text.to_owned())
    };
    key(a).cmp(&key(b))
}
