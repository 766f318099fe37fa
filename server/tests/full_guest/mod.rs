//! A VServer of nothing but busybox, and of everything that a filesystem can hold and a copy can lose:
//! owners, set-id bits, times, hard links, holes, odd names, attributes, FIFOs.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;

const BUSYBOX: &str = "/bin/busybox";

/// Gives an instance a VServer `tiny` of context 100 with all that a filesystem can hold.
pub(crate) fn make_tiny(sandbox: &Sandbox) -> PathBuf {
    let roots = &sandbox.settings.roots;
    let (root, config) = (roots.guest_base.join("tiny"), roots.config_base.join("tiny"));
    for directory in ["bin", "dev", "etc/init.d", "proc", "root", "run", "sys", "tmp", "var/empty"]
    {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::set_permissions(&roots.guest_base, fs::Permissions::from_mode(0o700)).unwrap();
    fs::copy(BUSYBOX, root.join("bin/busybox")).expect("busybox-static is needed");
    for applet in ["sh", "sleep", "cat", "true", "hostname", "kill"] {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    let rc = root.join("etc/init.d/rc");
    fs::write(&rc, "#!/bin/sh\ntrue\n").unwrap();
    fs::set_permissions(&rc, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    fs::write(root.join("etc/hostname"), "tiny\n").unwrap();
    fs::write(root.join("etc/hosts"), "127.0.0.1 localhost\n10.127.0.9 tiny.cume.fr tiny\n")
        .unwrap();
    fs::write(root.join("etc/machine-id"), "0123456789abcdef0123456789abcdef\n").unwrap();
    fs::create_dir_all(root.join("var/lib/dpkg")).unwrap();
    let package = "Package: bash\nStatus: install ok installed\nVersion: 5\nArchitecture: all\n";
    fs::write(root.join("var/lib/dpkg/status"), package).unwrap();
    // What is easily lost: owners, set-id bits, times, hard links, holes, odd names, attributes, FIFOs.
    let odd = root.join("var/odd");
    fs::create_dir_all(&odd).unwrap();
    fs::write(odd.join("owned"), "33\n").unwrap();
    std::os::unix::fs::chown(odd.join("owned"), Some(33), Some(44)).unwrap();
    fs::copy(BUSYBOX, odd.join("setuid")).unwrap();
    fs::set_permissions(odd.join("setuid"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::hard_link(odd.join("owned"), odd.join("second name")).unwrap();
    let holes = fs::File::create(odd.join("holes")).unwrap();
    holes.set_len(50 << 20).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&holes, b"in the middle", 20 << 20).unwrap();
    fs::write(odd.join("x".repeat(200)), "long\n").unwrap();
    let bytes: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"not \xff text\n");
    fs::write(odd.join(bytes), "odd\n").unwrap();
    symlink("/etc/shadow", odd.join("leads out")).unwrap();
    symlink("y".repeat(300), odd.join("long link")).unwrap();
    nix::unistd::mkfifo(&odd.join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let file = fs::File::open(odd.join("owned")).unwrap();
    rustix::fs::fsetxattr(&file, "user.note", b"a\0b", rustix::fs::XattrFlags::empty()).unwrap();
    let random: Vec<u8> =
        (0..3_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(odd.join("random"), random).unwrap();
    let then = filetime(1_000_000_000, 123_456_789);
    rustix::fs::utimensat(
        rustix::fs::CWD,
        &odd,
        &rustix::fs::Timestamps { last_access: then, last_modification: then },
        rustix::fs::AtFlags::empty(),
    )
    .unwrap();

    fs::create_dir_all(config.join("uts")).unwrap();
    fs::create_dir_all(config.join("interfaces/0")).unwrap();
    fs::create_dir_all(config.join("apps/unknown")).unwrap();
    fs::write(config.join("context"), "100\n").unwrap();
    fs::write(config.join("name"), "tiny\n").unwrap();
    fs::write(config.join("uts/nodename"), "tiny.cume.fr\n").unwrap();
    fs::write(config.join("fstab"), "none /proc proc defaults 0 0\n").unwrap();
    fs::write(config.join("interfaces/0/ip"), "10.127.0.9\n").unwrap();
    fs::write(config.join("interfaces/0/prefix"), "24\n").unwrap();
    fs::write(config.join("interfaces/0/dev"), "nat0\n").unwrap();
    fs::write(config.join("interfaces/0/novlandev"), "").unwrap();
    fs::write(config.join("apps/unknown/file"), b"\xff\0\n").unwrap();
    symlink(&root, config.join("vdir")).unwrap();
    symlink(roots.run_base.join("tiny"), config.join("run")).unwrap();
    root
}

pub(crate) fn filetime(seconds: i64, nanoseconds: i64) -> rustix::fs::Timespec {
    rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanoseconds }
}

/// All that is known of a tree: one line a path.
pub(crate) fn described(root: &Path) -> BTreeMap<String, String> {
    fn walk(top: &Path, path: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let stat = fs::symlink_metadata(&path).unwrap();
            let content = if stat.is_symlink() {
                format!("{:?}", fs::read_link(&path).unwrap())
            } else if stat.is_file() {
                let mut value = [0_u8; 100];
                let file = fs::File::open(&path).unwrap();
                let note = rustix::fs::fgetxattr(&file, "user.note", &mut value[..]);
                let bytes = fs::read(&path).unwrap();
                let sum = bytes.iter().fold(0_u64, |sum, byte| {
                    sum.wrapping_mul(1_099_511_628_211) ^ u64::from(*byte)
                });
                // Holes stay holes.
                format!("{} {sum:x} {note:?} {}", bytes.len(), stat.blocks() * 512 < stat.size())
            } else {
                String::new()
            };
            let line = format!(
                "{:o} {}:{} {}.{} {} {content}",
                stat.mode(),
                stat.uid(),
                stat.gid(),
                stat.mtime(),
                stat.mtime_nsec(),
                stat.nlink()
            );
            found.insert(format!("{:?}", path.strip_prefix(top).unwrap()), line);
            if stat.is_dir() {
                walk(top, &path, found);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}
