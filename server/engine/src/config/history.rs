//! The history of a config tree: what was changed, when and by whom, with what each file was and
//! became. Changes made with an editor on the host are noticed when the tree is read next.
//!
//! Below `<state_base>/config-history/TREE/`: `N.json` is the change number N, `seen.json` what the
//! tree was when it was looked at last. The newest [`MAX_RECORDS`] are kept.
//!
//! Invariants: whoever has a [`History`] is alone with it, in all processes. A change that Ulysse makes
//! is written here before its operation ends, by a rename that recovery finishes; while such an
//! operation is unfinished nothing is noticed, so that its own work is never taken for somebody's edit.
//! A history that cannot be read never keeps anybody from changing a tree: it is begun anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::config_change::{Author, ConfigRecord, FileRecord, FileState, Kept};
use domain::config_entry::{ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::time::UnixMillis;
use rustix::fs::{FlockOperation, flock};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::disk_full::is_disk_full;
use crate::roots::Roots;

/// How many changes of a tree are kept.
const MAX_RECORDS: usize = 200;
/// The most bytes of one file of the history that are read.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// The most bytes of texts that one answer holds.
const MAX_ANSWER_BYTES: usize = 2 * 1024 * 1024;

/// Why the history could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("keeping the history at {path}")]
pub struct HistoryError {
    /// Which file.
    path: PathBuf,
    /// Why.
    #[source]
    source: io::Error,
}

impl From<HistoryError> for Failure {
    fn from(error: HistoryError) -> Self {
        match is_disk_full(&error.source) {
            true => Self::DiskFull { path: error.path.display().to_string() },
            false => Self::Unexpected { detail: domain::failure::chain(&error) },
        }
    }
}

/// What a tree was when it was looked at last.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    /// Changes up to this number are in it.
    through: u32,
    files: Vec<(ConfigPath, Kept)>,
}

/// The history of one tree, held until dropped.
#[derive(Debug)]
pub(crate) struct History {
    directory: PathBuf,
    _lock: File,
}

/// Where the histories of all trees are.
#[must_use]
pub(crate) fn history_base(roots: &Roots) -> PathBuf {
    roots.state_base.join("config-history")
}

/// Where the history of a tree is. Whoever renames or removes a tree moves or removes this as well.
#[must_use]
pub fn history_of(roots: &Roots, tree: &ConfigTree) -> PathBuf {
    history_base(roots).join(tree.directory())
}

impl History {
    /// Takes the history of a tree, when nobody else has it any more; that is a matter of moments.
    ///
    /// # Errors
    /// When it cannot be made or locked.
    pub(crate) fn take(roots: &Roots, tree: &ConfigTree) -> Result<Self, HistoryError> {
        let directory = history_of(roots, tree);
        let failed = |source| HistoryError { path: directory.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(failed)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(directory.join("lock"))
            .map_err(failed)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|errno| failed(errno.into()))?;
        Ok(Self { directory, _lock: lock })
    }

    /// Compares a tree as it is now with what it was; what differs is an edit by hand and becomes a
    /// change of the history. The first look at a tree notices nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn notice(
        &self,
        now: &BTreeMap<ConfigPath, FileState>,
        at: UnixMillis,
    ) -> Result<(), HistoryError> {
        let now = kept(now);
        let known = self.known();
        let mut number = self.last_number();
        let mut is_same = false;
        if let Some((_, known)) = &known {
            let files = between(known, &now);
            is_same = files.is_empty();
            if !is_same {
                number += 1;
                let author = Author::ByHand;
                let record =
                    ConfigRecord { number, at, author, operation: None, undoes: None, files };
                self.put(&record_name(number), &record)?;
            }
        }
        let is_up_to_date = known.is_some_and(|(through, _)| through == number);
        if is_same && is_up_to_date {
            return Ok(());
        }
        let files = now.into_iter().collect();
        self.put("seen.json", &Seen { through: number, files })?;
        self.forget_old(number)
    }

    /// What the tree was by all that was seen and done, and through which change; none at the first
    /// look.
    fn known(&self) -> Option<(u32, BTreeMap<ConfigPath, Kept>)> {
        let seen: Seen = self.get("seen.json")?;
        let mut files: BTreeMap<ConfigPath, Kept> = seen.files.into_iter().collect();
        for number in self.numbers().into_iter().filter(|number| *number > seen.through) {
            let Some(record) = self.get::<ConfigRecord>(&record_name(number)) else { continue };
            for FileRecord { path, after, .. } in record.files {
                match after {
                    Kept::Absent => drop(files.remove(&path)),
                    after => drop(files.insert(path, after)),
                }
            }
        }
        Some((seen.through, files))
    }

    /// The numbers of all changes that are kept, in order.
    fn numbers(&self) -> BTreeSet<u32> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json")?.parse().ok())
            .collect()
    }

    fn last_number(&self) -> u32 {
        let seen: Option<Seen> = self.get("seen.json");
        let kept = self.numbers().last().copied().unwrap_or(0);
        kept.max(seen.map_or(0, |seen| seen.through))
    }

    /// The number that the next change has.
    pub(crate) fn next_number(&self) -> u32 {
        self.last_number() + 1
    }

    /// One change.
    pub(crate) fn record(&self, number: u32) -> Option<ConfigRecord> {
        self.get(&record_name(number))
    }

    /// Changes, the newest first: all, or those of one file.
    pub(crate) fn records(&self, of: Option<&ConfigPath>) -> Vec<ConfigRecord> {
        let mut bytes = 0;
        let mut records = Vec::new();
        for number in self.numbers().into_iter().rev() {
            let Some(mut record) = self.record(number) else { continue };
            if let Some(path) = of {
                record.files.retain(|file| file.path == *path);
                if record.files.is_empty() {
                    continue;
                }
            }
            let size = |kept: &Kept| kept.text().map_or(100, str::len);
            bytes +=
                record.files.iter().map(|f| 200 + size(&f.before) + size(&f.after)).sum::<usize>();
            if bytes > MAX_ANSWER_BYTES && !records.is_empty() {
                break;
            }
            records.push(record);
        }
        records
    }

    /// Where a change is written before it counts, and where it is once it does.
    pub(crate) fn places(&self, operation: &str, number: u32) -> (PathBuf, PathBuf) {
        let waiting = self.directory.join(format!(".{operation}.new"));
        (waiting, self.directory.join(record_name(number)))
    }

    /// Writes a change where it does not count yet.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn prepare(
        &self,
        waiting: &Path,
        record: &ConfigRecord,
    ) -> Result<(), HistoryError> {
        write(waiting, record).map_err(|source| HistoryError { path: waiting.to_owned(), source })
    }

    /// Removes what is too old to be kept; what is not in `seen.json` yet is needed to understand it.
    fn forget_old(&self, through: u32) -> Result<(), HistoryError> {
        let numbers = self.numbers();
        let too_many = numbers.len().saturating_sub(MAX_RECORDS);
        for number in numbers.into_iter().take(too_many).filter(|number| *number <= through) {
            let path = self.directory.join(record_name(number));
            fs::remove_file(&path).map_err(|source| HistoryError { path, source })?;
        }
        Ok(())
    }

    fn put<T: Serialize>(&self, name: &str, value: &T) -> Result<(), HistoryError> {
        let path = self.directory.join(name);
        let waiting = self.directory.join(format!(".{name}.new"));
        write(&waiting, value)
            .and_then(|()| fs::rename(&waiting, &path))
            .and_then(|()| File::open(&self.directory)?.sync_all())
            .map_err(|source| HistoryError { path, source })
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.directory.join(name);
        let mut bytes = Vec::new();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a history is unreadable");
                return None;
            }
        };
        let read = file.take(MAX_FILE_BYTES).read_to_end(&mut bytes);
        match read.map_err(serde_json::Error::io).and_then(|_| serde_json::from_slice(&bytes)) {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a history is not understood");
                None
            }
        }
    }
}

fn record_name(number: u32) -> String {
    format!("{number}.json")
}

fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let text = serde_json::to_vec(value).map_err(io::Error::other)?;
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(&text)?;
    file.sync_all()
}

/// What became of files from one look at a tree to the next.
#[must_use]
pub(crate) fn differences(
    before: &BTreeMap<ConfigPath, FileState>,
    now: &BTreeMap<ConfigPath, FileState>,
) -> Vec<FileRecord> {
    between(&kept(before), &kept(now))
}

fn kept(files: &BTreeMap<ConfigPath, FileState>) -> BTreeMap<ConfigPath, Kept> {
    files.iter().map(|(path, state)| (path.clone(), Kept::from(state))).collect()
}

fn between(
    before: &BTreeMap<ConfigPath, Kept>,
    now: &BTreeMap<ConfigPath, Kept>,
) -> Vec<FileRecord> {
    let paths: BTreeSet<&ConfigPath> = before.keys().chain(now.keys()).collect();
    paths
        .into_iter()
        .map(|path| FileRecord {
            path: path.clone(),
            before: before.get(path).cloned().unwrap_or(Kept::Absent),
            after: now.get(path).cloned().unwrap_or(Kept::Absent),
        })
        .filter(|file| file.before != file.after)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::digest_of;

    fn tree(text: &str) -> BTreeMap<ConfigPath, FileState> {
        let digest = digest_of(text.as_bytes()).unwrap();
        let state = FileState::Text { text: text.to_owned(), digest };
        BTreeMap::from([("name".parse().unwrap(), state)])
    }

    #[test]
    fn it_is_capped_and_survives_broken_files() {
        let base = tempfile::tempdir().unwrap();
        let roots = Roots { state_base: base.path().to_owned(), ..Roots::default() };
        let history = History::take(&roots, &ConfigTree::Defaults).unwrap();
        let last = u32::try_from(MAX_RECORDS).unwrap() + 5;
        for number in 0..=last {
            history.notice(&tree(&format!("{number}")), UnixMillis(number.into())).unwrap();
        }
        let all = history.records(None);
        assert_eq!((all.len(), all[0].number), (MAX_RECORDS, last));
        assert_eq!(all[0].files[0].before.text(), Some(&*format!("{}", last - 1)));
        fs::write(history.directory.join(record_name(last - 1)), "nonsense").unwrap();
        assert_eq!(history.records(None).len(), MAX_RECORDS - 1);
        // Begun anew: nothing is noticed, and no number is given twice.
        fs::write(history.directory.join("seen.json"), "nonsense").unwrap();
        history.notice(&tree("other"), UnixMillis(0)).unwrap();
        assert_eq!(history.next_number(), last + 1);
        history.notice(&tree("another"), UnixMillis(0)).unwrap();
        assert_eq!(history.records(None)[0].number, last + 1);
    }

    #[test]
    fn what_ulysse_did_is_not_noticed_as_somebody_elses() {
        let base = tempfile::tempdir().unwrap();
        let roots = Roots { state_base: base.path().to_owned(), ..Roots::default() };
        let history = History::take(&roots, &ConfigTree::Defaults).unwrap();
        history.notice(&tree("a"), UnixMillis(0)).unwrap();
        let (waiting, place) = history.places("01", 1);
        let record = ConfigRecord {
            number: 1,
            at: UnixMillis(1),
            author: Author::Known(domain::operation::Actor::System),
            operation: None,
            undoes: None,
            files: vec![FileRecord {
                path: "name".parse().unwrap(),
                before: Kept::Text("a".to_owned()),
                after: Kept::Text("b".to_owned()),
            }],
        };
        history.prepare(&waiting, &record).unwrap();
        assert!(history.records(None).is_empty(), "it does not count yet");
        fs::rename(waiting, place).unwrap();
        history.notice(&tree("b"), UnixMillis(2)).unwrap();
        assert_eq!(history.records(None), [record]);
        history.notice(&tree("c"), UnixMillis(3)).unwrap();
        assert_eq!(history.records(None)[0].author, Author::ByHand);
    }
}
