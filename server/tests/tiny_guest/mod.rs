//! A VServer of nothing but busybox: real, and there in an instant, because its files are put where a
//! build puts them.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use crate::sandbox::Sandbox;

pub(crate) const BUSYBOX: &str = "/bin/busybox";

/// Gives an instance a VServer of this name and context, whose rc does `script`; its root.
pub(crate) fn make_guest(sandbox: &Sandbox, name: &str, context: u16, script: &str) -> PathBuf {
    let roots = &sandbox.settings.roots;
    let (root, config) = (roots.guest_base.join(name), roots.config_base.join(name));
    fs::create_dir_all(&root).unwrap();
    fs::set_permissions(&roots.guest_base, fs::Permissions::from_mode(0o700)).unwrap();
    fill(&root, script);
    fs::create_dir_all(config.join("uts")).unwrap();
    fs::write(config.join("context"), format!("{context}\n")).unwrap();
    fs::write(config.join("name"), format!("the {name} one\n")).unwrap();
    fs::write(config.join("uts/nodename"), format!("{name}.cume.fr\n")).unwrap();
    fs::write(config.join("fstab"), "none /proc proc defaults 0 0\n").unwrap();
    symlink(&root, config.join("vdir")).unwrap();
    root
}

/// A VServer as the course's second build leaves it (fact sheet 2.2), of nothing but busybox: everything
/// in it that can be called after it is.
pub(crate) fn make_course_vserver(sandbox: &Sandbox, name: &str, context: u32, address: &str) {
    let roots = &sandbox.settings.roots;
    engine::config::ensure_defaults(roots).unwrap();
    fs::set_permissions(&roots.guest_base, fs::Permissions::from_mode(0o700)).unwrap();
    let root = roots.guest_base.join(name);
    fill(&root, "true");
    let hosts = format!("127.0.0.1\tlocalhost\n{address}\t{name}.cume.fr {name}\n");
    fs::write(root.join("etc/hostname"), format!("{name}\n")).unwrap();
    fs::write(root.join("etc/hosts"), hosts).unwrap();
    let config = roots.config_base.join(name);
    let write = |path: &str, text: &str| {
        fs::create_dir_all(config.join(path).parent().unwrap()).unwrap();
        fs::write(config.join(path), text).unwrap();
    };
    write("name", &format!("{name}\n"));
    write("context", &format!("{context}\n"));
    write("uts/nodename", &format!("{name}.cume.fr\n"));
    write("interfaces/0/dev", "nat0\n");
    write("interfaces/0/ip", &format!("{address}\n"));
    write("interfaces/0/prefix", "24\n");
    write("interfaces/0/name", &format!("{name}\n"));
    write("fstab", "none /proc proc defaults 0 0\n");
    write("apps/pkgmgmt/internal", "");
    write("a-file-of-somebody-else", &format!("about {name}\n"));
    write("dlimits/0/directory", &format!("{}\n", root.display()));
    let defaults = roots.config_base.join(".defaults");
    symlink(defaults.join("vdirbase").join(name), config.join("vdir")).unwrap();
    symlink(defaults.join("cachebase").join(name), config.join("cache")).unwrap();
    symlink(roots.run_base.join(name), config.join("run")).unwrap();
    fs::create_dir_all(roots.cache_base.join(name)).unwrap();
    fs::create_dir_all(roots.log_base.join(name)).unwrap();
}

/// Fills a root with busybox and an rc that does `script`.
pub(crate) fn fill(root: &std::path::Path, script: &str) {
    for directory in ["bin", "dev", "etc/init.d", "proc", "root", "run", "sys", "tmp", "var"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::copy(BUSYBOX, root.join("bin/busybox")).expect("busybox-static is needed");
    let list = Command::new(BUSYBOX).arg("--list").output().unwrap();
    for applet in String::from_utf8(list.stdout).unwrap().lines() {
        // busybox itself is there already.
        let _ = symlink("busybox", root.join("bin").join(applet));
    }
    let rc = root.join("etc/init.d/rc");
    fs::write(&rc, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&rc, fs::Permissions::from_mode(0o755)).unwrap();
    let passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:web:/tmp:/bin/sh\n";
    fs::write(root.join("etc/passwd"), passwd).unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\nweb:x:33:\n").unwrap();
}
