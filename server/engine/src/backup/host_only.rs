//! What of a config tree comes into place only by the hand of root on the host.
//!
//! A config tree may hold what reaches beyond the VServer: mounts of the host's directories, capabilities,
//! programs that run as the host's root. Nobody may write that in the web application
//! ([`crate::config`]), so neither a restore nor an import that is asked for there brings it: root may have
//! taken it away since the backup, and what comes from elsewhere may not be what was put there. A restore
//! brings it back all the same where it stands today, in the tree of the VServer that the backup is of.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use domain::config_entry::{Access, ConfigEntry as Known, ConfigTree, EntryKind, reaches_host};
use domain::id::VServerName;
use domain::note::Note;

use super::manifest::{Bytes, ConfigContent, ConfigEntry};
use super::tree::LINKS;

/// Where a config tree comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Provenance<'a> {
    /// A stranger, who may have written anything.
    Stranger,
    /// A backup of a VServer whose tree is in this directory today, if it is still there. What the original
    /// had no name for has no effect, and comes back; but not where it could stand for what has one.
    Backup(&'a Path),
}

/// Takes out of a tree what it may not bring; what that was.
pub(super) fn withhold(
    entries: &mut Vec<ConfigEntry>,
    name: &VServerName,
    from: Provenance<'_>,
) -> Vec<Note> {
    let tree = ConfigTree::VServer(name.clone());
    let mut told = Vec::new();
    entries.retain_mut(|entry| {
        let is_made_anew = LINKS.contains(&entry.path.as_str());
        if is_made_anew || matches!(entry.content, ConfigContent::Directory) {
            return true;
        }
        let known = entry.path.parse().ok().and_then(|path| Known::of(&tree, &path));
        let is_kept = match (known, &mut entry.content) {
            (None, _) => {
                matches!(from, Provenance::Backup(_)) && !Known::is_guarded(&tree, &entry.path)
            }
            (Some(known), ConfigContent::File(Bytes(text))) if known.access() == Access::Web => {
                if known.kind() == EntryKind::Fstab && is_cut(text, &entry.path, from) {
                    told.push(Note::HostLinesLeftOut { path: entry.path.clone() });
                }
                known.is_within_web_bounds(&String::from_utf8_lossy(text))
            }
            (Some(_), _) => false,
        };
        let is_kept = is_kept || stands(entry, from);
        if !is_kept {
            told.push(Note::ConfigLeftOut { path: entry.path.clone() });
        }
        is_kept
    });
    told
}

/// Whether an entry is the same today.
fn stands(entry: &ConfigEntry, from: Provenance<'_>) -> bool {
    let Provenance::Backup(today) = from else { return false };
    let path = today.join(&entry.path);
    match &entry.content {
        ConfigContent::Directory => true,
        ConfigContent::File(Bytes(bytes)) => {
            fs::symlink_metadata(&path).is_ok_and(|found| found.is_file())
                && fs::read(&path).is_ok_and(|now| now == *bytes)
        }
        ConfigContent::Link(Bytes(to)) => {
            fs::read_link(&path).is_ok_and(|now| now.as_os_str().as_bytes() == to)
        }
    }
}

/// Takes the lines out of an `fstab` that reach for the host and are not in it today; whether there
/// were any. What is no text has no lines that anybody could judge.
fn is_cut(text: &mut Vec<u8>, path: &str, from: Provenance<'_>) -> bool {
    let now = match from {
        Provenance::Stranger => String::new(),
        Provenance::Backup(today) => fs::read_to_string(today.join(path)).unwrap_or_default(),
    };
    let is_known = |line: &str| now.lines().any(|known| known.trim() == line.trim());
    let whole = String::from_utf8_lossy(text).into_owned();
    let kept: String =
        whole.split_inclusive('\n').filter(|line| !reaches_host(line) || is_known(line)).collect();
    let is_cut = kept != whole;
    if is_cut {
        *text = kept.into_bytes();
    }
    is_cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> ConfigEntry {
        let content = ConfigContent::File(Bytes(text.as_bytes().to_vec()));
        ConfigEntry { path: path.to_owned(), mode: 0o644, content }
    }

    fn link(path: &str, to: &str) -> ConfigEntry {
        let content = ConfigContent::Link(Bytes(to.as_bytes().to_vec()));
        ConfigEntry { path: path.to_owned(), mode: 0o777, content }
    }

    #[test]
    fn what_reaches_beyond_the_vserver_comes_back_where_it_stands() {
        let directory = tempfile::tempdir().unwrap();
        let today = directory.path();
        fs::create_dir(today.join("scripts")).unwrap();
        fs::write(today.join("scripts/pre-start"), "#!/bin/sh\n").unwrap();
        fs::write(today.join("fstab"), "/srv/shared /mnt none bind 0 0\n").unwrap();
        fs::write(today.join("bcapabilities"), "NET_ADMIN\n").unwrap();
        let shown = "none /tmp tmpfs size=16m 0 0\n/srv/shared /mnt none bind 0 0\n";
        let hidden = "/srv/other /mnt none bind 0 0\n/dev/sda1 /mnt ext4 defaults 0 0\n";
        let mut entries = vec![
            file("apps/init/mark", "default\n"),
            file("scripts/pre-start", "#!/bin/sh\n"),
            file("scripts/post-start", "#!/bin/sh\nrm -rf /\n"),
            link("scripts/pre-stop", "/bin/sh"),
            file("nice", "-20\n# more than one line\n"),
            file("ionice/class", "3\n"),
            file("bcapabilities", "SYS_ADMIN\n"),
            file("fstab", &format!("{shown}{hidden}")),
            file("a-file-of-somebody-else", "x"),
            link("apps/init", "../elsewhere"),
            file("scripts/pre-start.d/a b", "#!/bin/sh\nrm -rf /\n"),
        ];
        let name = "web".parse().unwrap();
        let told = withhold(&mut entries, &name, Provenance::Backup(today));
        let kept: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(
            kept,
            [
                "apps/init/mark",
                "scripts/pre-start",
                "ionice/class",
                "fstab",
                "a-file-of-somebody-else"
            ]
        );
        let left_out = [
            "scripts/post-start",
            "scripts/pre-stop",
            "nice",
            "bcapabilities",
            "apps/init",
            "scripts/pre-start.d/a b",
        ]
        .map(|path| Note::ConfigLeftOut { path: path.to_owned() });
        let lines = Note::HostLinesLeftOut { path: "fstab".to_owned() };
        assert_eq!(told, [&left_out[..4], &[lines], &left_out[4..]].concat());
        assert_eq!(entries[3], file("fstab", shown));
        // Of a VServer that is gone nothing stands, and of a stranger's nothing ever did.
        for from in [Provenance::Backup(&today.join("gone")), Provenance::Stranger] {
            let mut entries = vec![file("scripts/pre-start", "#!/bin/sh\n")];
            assert_eq!(withhold(&mut entries, &name, from).len(), 1);
            assert!(entries.is_empty());
        }
        let mut entries = vec![file("a-file-of-somebody-else", "x")];
        assert_eq!(withhold(&mut entries, &name, Provenance::Stranger).len(), 1);
    }
}
