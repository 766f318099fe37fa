//! Whose a process is: its user id as the VServer numbers them, and what the VServer's own `/etc/passwd`
//! calls that user.
//!
//! The file is the guest's, so it is a stranger's text: it is opened beneath the guest's root, its size is
//! capped, and no name service is asked. It is read once a list and VServer.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use domain::id::VServerName;

use super::plain;
use crate::roots::IDS_PER_VSERVER;
use crate::state::GuestState;
use crate::tree;

/// The most bytes of a passwd that are read.
const PASSWD_BYTES: u64 = 1024 * 1024;

/// The most characters of a user's name that are shown.
const NAME_CHARACTERS: usize = 32;

/// The users of the VServers in one list.
#[derive(Debug, Default)]
pub(super) struct Owners {
    names: HashMap<VServerName, HashMap<u32, String>>,
}

impl Owners {
    /// The user inside and its name; the host's number for whoever is none of the VServer's.
    pub(super) fn of(&mut self, guest: &GuestState, host_uid: u32) -> (u32, Option<String>) {
        let inside = host_uid.checked_sub(guest.first_host_id).filter(|id| *id < IDS_PER_VSERVER);
        let Some(uid) = inside else { return (host_uid, None) };
        let names = self
            .names
            .entry(guest.name.clone())
            .or_insert_with(|| names_in(&read(&guest.root).unwrap_or_default()));
        (uid, names.get(&uid).cloned())
    }
}

fn names_in(passwd: &str) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for line in passwd.lines() {
        let mut fields = line.split(':');
        let (Some(name), Some(uid)) =
            (fields.next(), fields.nth(1).and_then(|uid| uid.parse().ok()))
        else {
            continue;
        };
        let name: String = plain(name).chars().take(NAME_CHARACTERS).collect();
        if !name.is_empty() {
            // As everywhere, the first line of an id counts.
            names.entry(uid).or_insert(name);
        }
    }
    names
}

fn read(root: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = tree::open_file_in(root, "etc/passwd").ok()?;
    file.take(PASSWD_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn names_by_number() {
        let names =
            names_in("root:x:0:0::/:/bin/sh\nbroken\ntoor:x:0:0\nev\u{1b}il:x:9:9\n:x:7:7\n");
        assert_eq!(names.get(&0).map(String::as_str), Some("root"));
        assert_eq!(names.get(&9).map(String::as_str), Some("ev\\u{1b}il"));
        assert_eq!(names.len(), 2);
    }

    #[test]
    fn a_passwd_is_the_guests_own() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        symlink("/etc/passwd", root.path().join("etc/passwd")).unwrap();
        assert_eq!(read(root.path()), None, "the link is followed beneath its root, into itself");
        std::fs::remove_file(root.path().join("etc/passwd")).unwrap();
        std::fs::write(root.path().join("etc/passwd"), "web:x:33:33\n").unwrap();
        assert_eq!(read(root.path()).as_deref(), Some("web:x:33:33\n"));
    }
}
