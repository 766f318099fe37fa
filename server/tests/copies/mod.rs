//! Copies of VServers, and what is to be seen of them.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use crate::sandbox::command::{complained, run};
use crate::sandbox::{Sandbox, leave_network};

/// `cap_net_raw+ep` as files have it (linux/capability.h, VFS_CAP_REVISION_2).
const CAP_NET_RAW: &str = "0x0100000200200000000000000000000000000000";

/// Besides the owner, user 33 may read a file: an ACL as `setfacl -m u:33:r` leaves it (linux/posix_acl_xattr.h).
const ACL: &str = concat!(
    "0x02000000",
    "01000600ffffffff",
    "0200040021000000",
    "04000400ffffffff",
    "10000400ffffffff",
    "20000000ffffffff",
);
const ACL_NAMES: [&str; 2] = ["system.posix_acl_access", "system.posix_acl_default"];

/// A network of its own with an `eth0`, as the course has it.
pub(crate) fn course_network() {
    leave_network();
    run("ip", &["link", "set", "lo", "up"]);
    run("ip", &["link", "add", "eth0", "type", "veth", "peer", "name", "lan0"]);
    run("ip", &["addr", "add", "192.168.44.1/24", "dev", "eth0"]);
    run("ip", &["link", "set", "eth0", "up"]);
    run("ip", &["link", "set", "lan0", "up"]);
}

/// Builds, which has to succeed; what was said.
pub(crate) fn built(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = sandbox.vserver(words);
    assert!(output.status.success(), "vserver {words:?}: {}", complained(&output));
    complained(&output)
}

/// Builds, which must not succeed; what was said.
pub(crate) fn refused(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = sandbox.vserver(words);
    assert_eq!(output.status.code(), Some(1), "vserver {words:?}: {output:?}");
    complained(&output)
}

/// Puts into a root what copies tend to lose, and what must not be copied.
pub(crate) fn furnish(root: &Path) {
    fs::write(root.join("var/one"), "shared").unwrap();
    fs::hard_link(root.join("var/one"), root.join("var/two")).unwrap();
    fs::write(root.join("bin/raise"), "set").unwrap();
    fs::set_permissions(root.join("bin/raise"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::write(root.join("var/mail"), "for web").unwrap();
    std::os::unix::fs::chown(root.join("var/mail"), Some(33), Some(8)).unwrap();
    fs::set_permissions(root.join("var/mail"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("/etc/shadow", root.join("var/link")).unwrap();
    let sparse = fs::File::create(root.join("var/sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    let path = root.join("var/one").display().to_string();
    run("setfattr", &["-n", "user.origin", "-v", "here", &path]);
    let raise = root.join("bin/raise").display().to_string();
    run("setfattr", &["-n", "security.capability", "-v", CAP_NET_RAW, &raise]);
    fs::write(root.join("var/listed"), "for web too").unwrap();
    fs::create_dir(root.join("var/listed.d")).unwrap();
    for (name, path) in ACL_NAMES.into_iter().zip(["var/listed", "var/listed.d"]) {
        run("setfattr", &["-n", name, "-v", ACL, &root.join(path).display().to_string()]);
    }
    fs::write(root.join("proc/kept"), "no").unwrap();
    fs::write(root.join("sys/kept"), "no").unwrap();
    fs::write(root.join("dev/kept"), "no").unwrap();
    let node = |path: &str| {
        let mode = Mode::from_bits_truncate(0o666);
        mknod(&root.join(path), SFlag::S_IFCHR, mode, makedev(1, 3)).unwrap();
    };
    node("dev/null");
    fs::create_dir_all(root.join("var/chroot")).unwrap();
    node("var/chroot/null");
}

/// Sees that a copy has all of that, and nothing of what is a machine's.
pub(crate) fn judge_copy(root: &Path) {
    let found = |path: &str| fs::symlink_metadata(root.join(path)).unwrap();
    assert_eq!(found("var/one").ino(), found("var/two").ino(), "hard links stay links");
    assert_eq!(found("bin/raise").permissions().mode() & 0o7777, 0o4755);
    let mail = found("var/mail");
    assert_eq!((mail.uid(), mail.gid(), mail.mode() & 0o777), (33, 8, 0o640), "not shifted");
    assert_eq!((found("bin").uid(), found("etc").gid()), (0, 0));
    assert_eq!(fs::read_link(root.join("var/link")).unwrap(), Path::new("/etc/shadow"));
    let sparse = found("var/sparse");
    assert!(sparse.len() == 64 << 20 && sparse.blocks() < 100, "{} blocks", sparse.blocks());
    let path = root.join("var/one").display().to_string();
    let origin = run("getfattr", &["--only-values", "-n", "user.origin", &path]);
    assert_eq!(origin, "here");
    let raise = root.join("bin/raise").display().to_string();
    let capability = run("getfattr", &["-e", "hex", "-n", "security.capability", &raise]);
    // Its first number is the format's and the flag "effective", the second what is permitted.
    assert!(capability.contains("=0x0100000") && capability.contains("00200000"), "{capability}");
    for (name, path) in ACL_NAMES.into_iter().zip(["var/listed", "var/listed.d"]) {
        let path = root.join(path).display().to_string();
        let found = run("getfattr", &["--absolute-names", "-e", "hex", "-n", name, &path]);
        assert!(found.contains(&format!("{name}={ACL}")), "{found}");
    }
    for empty in ["dev", "proc", "sys"] {
        let names: Vec<_> = fs::read_dir(root.join(empty)).unwrap().collect();
        assert!(names.is_empty(), "{empty}: {names:?}");
    }
    assert!(!root.join("var/chroot/null").exists(), "a device node was copied");
    assert!(root.join("var/chroot").is_dir());
}
