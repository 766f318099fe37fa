//! The manifest of a backup: the one truth about what is in it.
//!
//! It holds the config tree itself, what is known of packages, and every entry of the files with its
//! owner, mode, times, attributes, size and digest. The tar around it brings nothing but the bytes of
//! files, in the manifest's order; what a restore makes is made from a [`Checked`] manifest and from
//! nothing else, so no second place in an archive can say otherwise.
//!
//! Invariants of a [`Checked`] manifest: no path climbs, repeats, or lies below anything but an
//! earlier directory of the manifest; a hard link leads to an earlier file; sizes add up.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::backup::{Consistency, Omission};
use domain::id::VServerName;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};

/// The version of the format; another one is refused.
pub(super) const FORMAT: u32 = 1;
/// The most bytes of a manifest, unpacked.
pub(super) const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// The longest path, so that it can be opened as a whole (`PATH_MAX` is 4096).
pub(super) const MAX_PATH: usize = 4000;
/// The most bytes of a file of the config tree, and of all of them.
pub(super) const MAX_CONFIG_FILE: u64 = 4 * 1024 * 1024;
pub(super) const MAX_CONFIG_BYTES: u64 = 4 * MAX_CONFIG_FILE;
/// The most entries of a config tree, and how deep they lie.
pub(super) const MAX_CONFIG_ENTRIES: usize = 20_000;
pub(super) const MAX_CONFIG_DEPTH: usize = 32;

/// Why a manifest is not one.
#[derive(Debug, thiserror::Error)]
pub(super) enum ManifestError {
    /// It is larger than any that was written.
    #[error("the manifest has more than {MAX_BYTES} bytes")]
    TooLong,
    /// It is not JSON of the right shape.
    #[error("understanding the manifest")]
    Understand(#[source] serde_json::Error),
    /// Another version.
    #[error("the manifest is of format {format}, this Ulysse reads {FORMAT}")]
    Format {
        /// Which.
        format: u32,
    },
    /// A path that no backup has.
    #[error("the manifest holds {path}: {why}")]
    Path {
        /// Which.
        path: String,
        /// What is wrong with it.
        why: Wrong,
    },
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    /// Empty, absolute, with `..`, or too long.
    #[error("not a path below the VServer")]
    Shape,
    /// Twice.
    #[error("there twice")]
    Twice,
    /// Not below a directory of the manifest.
    #[error("not in a directory of the backup")]
    Orphan,
    /// A hard link to what is no earlier file.
    #[error("a hard link to no earlier file")]
    HardLink,
    /// Parts that overlap or reach beyond the size.
    #[error("sizes that do not fit")]
    Size,
    /// The first entry is not `files`.
    #[error("not the directory of the files")]
    First,
}

/// Bytes that are mostly text: a path, a link's target, a file of a config tree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "Words", into = "Words")]
pub(super) struct Bytes(pub(super) Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    Other { base64: Base64 },
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Base64(Vec<u8>);

impl TryFrom<String> for Base64 {
    type Error = base64::DecodeError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self)
    }
}

impl From<Base64> for String {
    fn from(Base64(bytes): Base64) -> Self {
        STANDARD.encode(bytes)
    }
}

impl From<Words> for Bytes {
    fn from(words: Words) -> Self {
        match words {
            Words::Text(text) => Self(text.into_bytes()),
            Words::Other { base64: Base64(bytes) } => Self(bytes),
        }
    }
}

impl From<Bytes> for Words {
    fn from(Bytes(bytes): Bytes) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Other { base64: Base64(error.into_bytes()) },
        }
    }
}

impl Bytes {
    /// For people and logs.
    #[must_use]
    pub(super) fn lossy(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
    }
}

/// All of a backup but the bytes of its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// [`FORMAT`].
    pub(super) format: u32,
    /// What made it.
    pub(super) tool: String,
    /// When.
    pub(super) taken_at: UnixMillis,
    /// Of which VServer.
    pub(super) vserver: VServerName,
    /// How its files hang together.
    pub(super) consistency: Consistency,
    /// Its config tree, parents first.
    pub(super) config: Vec<ConfigEntry>,
    /// What was installed, as `NAME VERSION ARCHITECTURE`; none when nobody could say.
    pub(super) packages: Option<Vec<String>>,
    /// Everything below `files/` and `pkg/`, parents first, in the order of the tar.
    pub(super) entries: Vec<Entry>,
    /// Files that changed while they were read.
    pub(super) changed: Vec<Bytes>,
    /// What was left out, and why.
    pub(super) omitted: Vec<Omitted>,
}

/// One entry of the config tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigEntry {
    /// Its path below the config directory.
    pub(super) path: String,
    /// Its permissions.
    pub(super) mode: u32,
    /// What it is.
    pub(super) content: ConfigContent,
}

/// What an entry of the config tree is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ConfigContent {
    /// A directory.
    Directory,
    /// A file.
    File(Bytes),
    /// A symbolic link.
    Link(Bytes),
}

/// One entry of the files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Its path, beginning with `files` or `pkg`.
    pub(super) path: Bytes,
    /// Permissions, without the type.
    pub(super) mode: u32,
    /// Its owner, as on disk: the VServer's own numbers.
    pub(super) uid: u32,
    /// Its group.
    pub(super) gid: u32,
    /// When it was last changed: seconds and nanoseconds.
    pub(super) mtime: (i64, u32),
    /// Its extended attributes, ACLs among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) xattrs: Vec<(String, Bytes)>,
    /// What it is.
    pub(super) kind: Kind,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A directory.
    Directory,
    /// A file.
    File {
        /// Its size in bytes.
        size: u64,
        /// SHA-256 of the bytes that are stored, in hexadecimal.
        sha256: String,
        /// The parts that hold data, (offset, length), where there are holes; none for a whole file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parts: Option<Vec<(u64, u64)>>,
    },
    /// Another name of an earlier file.
    HardLink(Bytes),
    /// A symbolic link.
    Link(Bytes),
    /// A FIFO.
    Fifo,
    /// A device node: kept for the record, never made.
    Device {
        /// Whether it is a block device.
        block: bool,
        /// Its numbers.
        major: u32,
        /// Its numbers.
        minor: u32,
    },
}

/// Something that is not in the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Omitted {
    /// Which.
    pub(super) path: Bytes,
    /// Why.
    pub(super) reason: Omission,
}

/// A manifest that keeps the invariants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked(Manifest);

impl std::ops::Deref for Checked {
    type Target = Manifest;
    fn deref(&self) -> &Manifest {
        &self.0
    }
}

impl Checked {
    /// Understands a manifest; nothing of it is used that was not checked.
    ///
    /// # Errors
    /// When it is not one that Ulysse writes.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        Self::check(serde_json::from_slice(text).map_err(ManifestError::Understand)?)
    }

    /// Checks a manifest.
    ///
    /// # Errors
    /// When it breaks an invariant.
    pub(super) fn check(manifest: Manifest) -> Result<Self, ManifestError> {
        if manifest.format != FORMAT {
            return Err(ManifestError::Format { format: manifest.format });
        }
        check_config(&manifest.config)?;
        check_entries(&manifest.entries)?;
        Ok(Self(manifest))
    }

    /// How many bytes its files have, unpacked; holes count.
    #[must_use]
    pub(super) fn file_bytes(&self) -> u64 {
        let sizes = self.0.entries.iter().map(|entry| match entry.kind {
            Kind::File { size, .. } => size,
            _ => 0,
        });
        sizes.fold(0, u64::saturating_add)
    }

    /// How many bytes of files are stored in it.
    #[must_use]
    pub(super) fn stored_bytes(&self) -> u64 {
        self.0.entries.iter().map(Entry::stored_bytes).fold(0, u64::saturating_add)
    }

    /// The entry of this path.
    #[must_use]
    pub(super) fn entry(&self, path: &[u8]) -> Option<&Entry> {
        self.0.entries.iter().find(|entry| entry.path.0 == path)
    }
}

impl Entry {
    /// How many bytes of it are stored.
    #[must_use]
    pub(super) fn stored_bytes(&self) -> u64 {
        match &self.kind {
            Kind::File { size, parts, .. } => match parts {
                None => *size,
                Some(parts) => parts.iter().map(|(_, length)| *length).fold(0, u64::saturating_add),
            },
            _ => 0,
        }
    }
}

/// Whether a path is relative, plain and not too long.
pub(super) fn is_plain(path: &[u8]) -> bool {
    let is_part = |part: &[u8]| !part.is_empty() && part != b"." && part != b"..";
    path.len() <= MAX_PATH && !path.contains(&0) && path.split(|byte| *byte == b'/').all(is_part)
}

fn parent_of(path: &[u8]) -> Option<&[u8]> {
    path.iter().rposition(|byte| *byte == b'/').and_then(|slash| path.get(..slash))
}

fn check_config(entries: &[ConfigEntry]) -> Result<(), ManifestError> {
    let mut seen: HashMap<&[u8], bool> = HashMap::new();
    let wrong = |path: &str, why| Err(ManifestError::Path { path: format!("config/{path}"), why });
    for entry in entries {
        let path = entry.path.as_bytes();
        let is_text = !entry.path.contains(char::is_control);
        if !is_plain(path) || !is_text {
            return wrong(&entry.path, Wrong::Shape);
        }
        if parent_of(path).is_some_and(|parent| seen.get(parent) != Some(&true)) {
            return wrong(&entry.path, Wrong::Orphan);
        }
        let is_directory = entry.content == ConfigContent::Directory;
        if seen.insert(path, is_directory).is_some() {
            return wrong(&entry.path, Wrong::Twice);
        }
    }
    Ok(())
}

fn check_entries(entries: &[Entry]) -> Result<(), ManifestError> {
    // What was seen, and whether it is a directory (something can be in it) or a file (a hard link can
    // lead to it).
    #[derive(PartialEq)]
    enum Seen {
        Directory,
        File,
        Other,
    }
    let mut seen: HashMap<&[u8], Seen> = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let path = entry.path.0.as_slice();
        let wrong = |why| Err(ManifestError::Path { path: entry.path.lossy(), why });
        if index == 0 && (path != b"files" || entry.kind != Kind::Directory) {
            return wrong(Wrong::First);
        }
        if !is_plain(path) {
            return wrong(Wrong::Shape);
        }
        match parent_of(path) {
            Some(parent) if seen.get(parent) != Some(&Seen::Directory) => {
                return wrong(Wrong::Orphan);
            }
            None if path != b"files" && path != b"pkg" => return wrong(Wrong::Orphan),
            _ => {}
        }
        let this = match &entry.kind {
            Kind::Directory => Seen::Directory,
            Kind::File { size, parts, .. } => {
                if !parts.as_ref().is_none_or(|parts| fit(parts, *size)) {
                    return wrong(Wrong::Size);
                }
                Seen::File
            }
            Kind::HardLink(to) if seen.get(to.0.as_slice()) != Some(&Seen::File) => {
                return wrong(Wrong::HardLink);
            }
            _ => Seen::Other,
        };
        if seen.insert(path, this).is_some() {
            return wrong(Wrong::Twice);
        }
    }
    if entries.is_empty() {
        return Err(ManifestError::Path { path: "files".to_owned(), why: Wrong::First });
    }
    Ok(())
}

/// Whether the parts of a file follow one another within its size.
fn fit(parts: &[(u64, u64)], size: u64) -> bool {
    let mut at = 0;
    parts.iter().all(|(offset, length)| {
        let end = offset.checked_add(*length);
        let fits = *offset >= at && end.is_some_and(|end| end <= size);
        at = end.unwrap_or(u64::MAX);
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(path: &str, kind: Kind) -> Entry {
        Entry {
            path: Bytes(path.as_bytes().to_vec()),
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: (1, 2),
            xattrs: Vec::new(),
            kind,
        }
    }

    fn file(size: u64, parts: Option<Vec<(u64, u64)>>) -> Kind {
        Kind::File { size, sha256: String::new(), parts }
    }

    fn manifest(entries: Vec<Entry>) -> Manifest {
        Manifest {
            format: FORMAT,
            tool: "test".to_owned(),
            taken_at: UnixMillis(1),
            vserver: "web".parse().unwrap(),
            consistency: Consistency::Stopped,
            config: Vec::new(),
            packages: None,
            entries,
            changed: Vec::new(),
            omitted: Vec::new(),
        }
    }

    fn judged(more: Vec<Entry>) -> Result<Checked, ManifestError> {
        let mut entries = vec![entry("files", Kind::Directory)];
        entries.extend(more);
        Checked::check(manifest(entries))
    }

    #[test]
    fn hostile_paths_are_refused() {
        for path in ["/etc", "files/../x", "files//x", "files/.", "", "other/x", "files/a/b", "x\0"]
        {
            assert!(judged(vec![entry(path, Kind::Fifo)]).is_err(), "{path:?}");
        }
        // A link is no directory: nothing can be put through it.
        let link = entry("files/etc", Kind::Link(Bytes(b"/etc".to_vec())));
        assert!(judged(vec![link.clone(), entry("files/etc/passwd", Kind::Fifo)]).is_err());
        // A directory, then a link of the same name.
        assert!(judged(vec![entry("files/etc", Kind::Directory), link]).is_err());
        let hard = |to: &str| entry("files/b", Kind::HardLink(Bytes(to.as_bytes().to_vec())));
        for to in ["/etc/shadow", "files/b", "files/none", "files", "../x"] {
            assert!(judged(vec![entry("files/a", file(1, None)), hard(to)]).is_err(), "{to}");
        }
        assert!(judged(vec![entry("files/a", file(1, None)), hard("files/a")]).is_ok());
        assert!(Checked::check(manifest(vec![])).is_err());
        assert!(Checked::check(manifest(vec![entry("pkg", Kind::Directory)])).is_err());
    }

    #[test]
    fn parts_lie_within_the_file_one_after_the_other() {
        for parts in
            [vec![(0, 11)], vec![(5, 1), (0, 1)], vec![(u64::MAX, 2)], vec![(0, 3), (2, 1)]]
        {
            assert!(judged(vec![entry("files/a", file(10, Some(parts)))]).is_err());
        }
        assert!(judged(vec![entry("files/a", file(10, Some(vec![(0, 3), (5, 5)])))]).is_ok());
    }

    #[test]
    fn config_trees_are_checked_too() {
        let one = |path: &str, content| ConfigEntry { path: path.to_owned(), mode: 0o644, content };
        let text = || ConfigContent::File(Bytes(b"1\n".to_vec()));
        for path in ["../web2/context", "/etc/passwd", "uts/nodename", "a\nb", ""] {
            let manifest = Manifest {
                config: vec![one(path, text())],
                ..manifest(vec![entry("files", Kind::Directory)])
            };
            assert!(Checked::check(manifest).is_err(), "{path:?}");
        }
        let manifest = Manifest {
            config: vec![one("uts", ConfigContent::Directory), one("uts/nodename", text())],
            ..manifest(vec![entry("files", Kind::Directory)])
        };
        assert!(Checked::check(manifest).is_ok());
    }

    proptest! {
        #[test]
        fn bytes_are_read_as_they_are_written(bytes: Vec<u8>) {
            let one = Bytes(bytes);
            let text = serde_json::to_vec(&one).unwrap();
            prop_assert_eq!(serde_json::from_slice::<Bytes>(&text).unwrap(), one);
        }

        #[test]
        fn nothing_that_is_no_manifest_brings_us_down(bytes: Vec<u8>) {
            let _ = Checked::parse(&bytes);
        }
    }
}
