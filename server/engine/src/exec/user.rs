//! Who a command runs as: looked up in the guest's own `/etc/passwd` and `/etc/group`.
//!
//! Called inside the guest. The files are the guest's, so they are a stranger's text: sizes are
//! capped, fields are judged, and nothing is opened that could block. No name service is asked:
//! its libraries would be the guest's code with our privileges.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;

use super::role::GuestExecError;

/// The most bytes of each file that are read.
const MAX_BYTES: u64 = 1024 * 1024;

/// The most groups a user is put in.
const MAX_GROUPS: usize = 256;

/// A user of the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
    pub(super) home: String,
    pub(super) shell: Option<String>,
}

/// Finds a user by name or number; root when nobody is named.
pub(super) fn find(wanted: Option<&str>) -> Result<User, GuestExecError> {
    find_in(wanted, &read("/etc/passwd"), &read("/etc/group"))
}

fn find_in(wanted: Option<&str>, passwd: &str, group: &str) -> Result<User, GuestExecError> {
    let wanted = wanted.unwrap_or("root");
    let number = if wanted == "root" { Some(0) } else { wanted.parse::<u32>().ok() };
    let found = passwd
        .lines()
        .filter_map(entry)
        .find(|user| user.name == wanted || Some(user.uid) == number);
    let mut user = match (found, number) {
        (Some(user), _) => user,
        (None, Some(uid)) => User {
            name: wanted.to_owned(),
            uid,
            gid: uid,
            groups: Vec::new(),
            home: if uid == 0 { "/root" } else { "/" }.to_owned(),
            shell: None,
        },
        (None, None) => return Err(GuestExecError::NoSuchUser { user: wanted.to_owned() }),
    };
    if user.uid > u32::from(u16::MAX) || user.gid > u32::from(u16::MAX) {
        return Err(GuestExecError::NoSuchUser { user: wanted.to_owned() });
    }
    user.groups = groups_of(&user, group);
    Ok(user)
}

fn entry(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields.as_slice() else { return None };
    let path = |text: &str| {
        (text.starts_with('/') && text.len() < 4096 && !text.contains('\0'))
            .then(|| text.to_owned())
    };
    Some(User {
        name: (*name).to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        groups: Vec::new(),
        home: path(home).unwrap_or_else(|| "/".to_owned()),
        shell: path(shell),
    })
}

fn groups_of(user: &User, group: &str) -> Vec<u32> {
    let mut groups = vec![user.gid];
    for line in group.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [_, _, gid, members] = fields.as_slice() else { continue };
        let Ok(gid) = gid.parse::<u32>() else { continue };
        let is_member = members.split(',').any(|member| member == user.name);
        let fits = gid <= u32::from(u16::MAX) && groups.len() < MAX_GROUPS;
        if is_member && fits && !groups.contains(&gid) {
            groups.push(gid);
        }
    }
    groups
}

/// The text of a regular file, or nothing.
fn read(path: &str) -> String {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let mut bytes = Vec::new();
    if let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path)
        && file.metadata().is_ok_and(|metadata| metadata.is_file())
        && file.take(MAX_BYTES).read_to_end(&mut bytes).is_err()
    {
        bytes.clear();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:w:/var/www:\nbroken\n\
                          huge:x:70000:1::/:/bin/sh\n";
    const GROUP: &str =
        "root:x:0:\nadm:x:4:syslog,www-data\nwww-data:x:33:\nodd:x:99999:www-data\n";

    #[test]
    fn finds_by_name_and_number() {
        let user = find_in(Some("www-data"), PASSWD, GROUP).unwrap();
        assert_eq!((user.uid, user.gid, user.groups.as_slice()), (33, 33, [33, 4].as_slice()));
        assert_eq!(user.shell, None);
        assert_eq!(find_in(Some("33"), PASSWD, GROUP).unwrap(), user);
        let root = find_in(None, PASSWD, GROUP).unwrap();
        assert_eq!((root.uid, root.home.as_str()), (0, "/root"));
    }

    #[test]
    fn a_guest_without_files_has_a_root_and_numbers() {
        let root = find_in(None, "", "").unwrap();
        assert_eq!((root.uid, root.gid, root.home.as_str()), (0, 0, "/root"));
        assert_eq!(find_in(Some("1000"), "", "").unwrap().gid, 1000);
    }

    #[test]
    fn refuses_whom_it_does_not_know() {
        for user in ["nobody-here", "huge", "70000", "-1", ""] {
            assert!(find_in(Some(user), PASSWD, GROUP).is_err(), "{user}");
        }
    }
}
