//! What somebody saved by hand of a VServer of an old host: its config directory, its files, and, where
//! packages were managed from outside, their state; as directories, or in one tar or several. It becomes
//! a backup like any other, and from there a VServer: names, numbers and addresses are judged then, and
//! the links `vdir`, `cache` and `run`, which lead to the old host's places, are made anew.
//!
//! Invariants:
//! - A tar is unpacked by the confined process ([`crate::archive`]), aside, each by itself.
//! - What came over the web is a stranger's: of its config tree is taken what the web may write.
//!
//! Not here: where in what was saved the directories are ([`super::saved`]).

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use domain::backup::BackupOrder;
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::VServerName;
use domain::note::Note;

use super::host_only::{Provenance, withhold};
use super::manifest::{Bytes, ConfigContent, ConfigEntry};
use super::restore::{RestoreError, place};
use super::saved::{BEGUN, Saved, find};
use super::take_unrecorded;
use super::tree::LINKS;
use crate::archive::{self, Caps, Source};
use crate::base_links;
use crate::engine::Instance;
use crate::operation::{SavedAt, Step, Stopped, Store, Work, crash_point};

/// Where receiving and unpacking end in the progress.
const RECEIVED: u16 = 150;
const UNPACKED: u16 = 300;

/// Makes a backup of what was saved by hand.
///
/// # Errors
/// When an archive is not taken, something is missing in it, it is cancelled or something fails; what was
/// made of it is in the journal.
pub fn import(
    instance: &Instance,
    store: &Store,
    work: &mut Work<'_>,
    order: &BackupOrder,
    saved: &SavedAt,
    source: Option<Source>,
) -> Result<(), Stopped> {
    let is_strangers = *saved == SavedAt::Upload;
    let (tops, read_from) = gather(instance, work, saved, source)?;
    let found = find(&tops, &order.vserver)?;
    let found = Saved { is_strangers, read_from, ..found };
    take_unrecorded(instance, store, work, order, Some(&found))
}

/// Judges what was named at the command line, as far as it can be seen without unpacking it.
///
/// # Errors
/// When something is not there, or directories hold no VServer of this name.
pub(super) fn judge(saved: &SavedAt, name: &VServerName) -> Result<(), Failure> {
    let SavedAt::Paths(paths) = saved else { return Ok(()) };
    let mut has_archive = false;
    for path in paths {
        if !path.is_dir() {
            open_archive(path)?;
            has_archive = true;
        }
    }
    if has_archive { Ok(()) } else { find(paths, name).map(drop) }
}

fn open_archive(path: &Path) -> Result<File, Failure> {
    let not_there =
        || Failure::of_field(Field::Path, Problem::NotThere { path: path.display().to_string() });
    archive::open_file(path).ok_or_else(not_there)
}

/// The directories that what was saved is below: as they are, or unpacked; and how far that is.
fn gather(
    instance: &Instance,
    work: &mut Work<'_>,
    saved: &SavedAt,
    source: Option<Source>,
) -> Result<(Vec<PathBuf>, u16), Stopped> {
    let (mut tops, mut archives) = (Vec::new(), Vec::new());
    match (saved, &source) {
        (SavedAt::Paths(paths), _) => {
            for path in paths {
                match path.is_dir() {
                    true => tops.push(path.clone()),
                    false => archives.push(open_archive(path)?),
                }
            }
            if archives.is_empty() {
                return Ok((tops, BEGUN));
            }
        }
        (SavedAt::Upload, Some(_)) => {}
        // Whoever sent it is not there any more.
        (SavedAt::Upload, None) => return Err(Failure::Interrupted.into()),
    }
    let settings = &instance.settings;
    // Set-user-id programs of strangers will lie below: nobody else may come here.
    let base = base_links::prepare_guest_base(&settings.roots).map_err(Failure::from)?;
    let staging = base.join(format!(".staging-{}", work.id()));
    work.intend(Step::MakeTree(staging.clone()))?;
    crash_point("import:intended");
    make(&staging)?;
    if let (SavedAt::Upload, Some(source)) = (saved, source) {
        let path = staging.join("upload");
        archive::receive(work, &settings.limits, source, None, &path, (0, RECEIVED))?;
        archives.push(open_archive(&path)?);
    }
    let caps = Caps::within(&settings.limits, &staging).map_err(place(&staging))?;
    for (number, archive) in archives.into_iter().enumerate() {
        let top = staging.join(number.to_string());
        make(&top)?;
        let span = (RECEIVED, UNPACKED);
        archive::unpack_as_it_lies(instance, work, archive, &top, &caps, span)?;
        tops.push(top);
    }
    crash_point("import:unpacked");
    Ok((tops, UNPACKED))
}

fn make(directory: &Path) -> Result<(), RestoreError> {
    DirBuilder::new().mode(0o700).create(directory).map_err(place(directory))
}

/// What of a saved config tree goes on, and what a person should know of the rest: where its links led,
/// and, when it is a stranger's, what only root at this host's command line may bring.
pub(super) fn taken(
    entries: Vec<ConfigEntry>,
    name: &VServerName,
    is_strangers: bool,
) -> (Vec<ConfigEntry>, Vec<Note>) {
    let mut told = Vec::new();
    for ConfigEntry { path, content, .. } in &entries {
        let ConfigContent::Link(to) = content else { continue };
        if LINKS.contains(&path.as_str()) {
            told.push(Note::LinkOfOldHost { path: path.clone(), to: to.lossy() });
        } else if !is_strangers && to.0.starts_with(b"/") && !is_there(to) {
            told.push(Note::LinkToNowhere { path: path.clone(), to: to.lossy() });
        }
    }
    if !is_strangers {
        return (entries, told);
    }
    let mut entries = entries;
    told.extend(withhold(&mut entries, name, Provenance::Stranger));
    // Said above.
    entries.retain(|entry| !LINKS.contains(&entry.path.as_str()));
    let (mut directories, mut kept): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| matches!(entry.content, ConfigContent::Directory));
    for entry in &mut kept {
        entry.mode = 0o644;
    }
    // Those that something is in; parents first, as they were.
    directories.retain(|directory| {
        let below = format!("{}/", directory.path);
        kept.iter().any(|entry| entry.path.starts_with(&below))
    });
    directories.extend(kept);
    (directories, told)
}

fn is_there(to: &Bytes) -> bool {
    use std::os::unix::ffi::OsStrExt;
    fs::symlink_metadata(std::ffi::OsStr::from_bytes(&to.0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> ConfigEntry {
        let content = ConfigContent::File(Bytes(text.as_bytes().to_vec()));
        ConfigEntry { path: path.to_owned(), mode: 0o4755, content }
    }

    fn directory(path: &str) -> ConfigEntry {
        let content = ConfigContent::Directory;
        ConfigEntry { path: path.to_owned(), mode: 0o755, content }
    }

    #[test]
    fn a_strangers_config_tree_brings_what_the_web_may_write() {
        let link = |path: &str, to: &str| {
            let content = ConfigContent::Link(Bytes(to.as_bytes().to_vec()));
            ConfigEntry { path: path.to_owned(), mode: 0o777, content }
        };
        let fstab = "none /proc proc defaults 0 0\n/etc /mnt none bind 0 0\n";
        let entries = vec![
            file("bcapabilities", "SYS_ADMIN\n"),
            file("context", "100\n"),
            file("fstab", fstab),
            link("name", "/etc/shadow"),
            directory("scripts"),
            file("scripts/prepre-start", "#!/bin/sh\n"),
            file("somebody-elses", "x\n"),
            directory("uts"),
            file("uts/nodename", "old\n"),
            link("vdir", "/vservers/old"),
        ];
        let name = "old".parse().unwrap();
        let (kept, told) = taken(entries.clone(), &name, true);
        let kept: Vec<_> = kept.iter().map(|entry| (entry.path.as_str(), &entry.content)).collect();
        let text = |text: &str| ConfigContent::File(Bytes(text.as_bytes().to_vec()));
        assert_eq!(
            kept,
            [
                ("uts", &ConfigContent::Directory),
                ("context", &text("100\n")),
                ("fstab", &text("none /proc proc defaults 0 0\n")),
                ("uts/nodename", &text("old\n")),
            ]
        );
        assert_eq!(told.len(), 6, "{told:?}");
        // Root's own is taken as it is.
        assert_eq!(taken(entries.clone(), &name, false).0, entries);
    }
}
