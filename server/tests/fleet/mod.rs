//! Many VServers at once: of busybox, small enough for hundreds, real enough to be started.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Mutex;

use crate::sandbox::Sandbox;

/// As many are started or stopped side by side.
const AT_ONCE: usize = 4;
/// The first of their context numbers.
const FIRST_CONTEXT: usize = 1000;

/// Makes VServers that do nothing but run, and gives their names.
pub(crate) fn make(sandbox: &Sandbox, count: usize) -> Vec<String> {
    let roots = &sandbox.settings.roots;
    engine::config::ensure_defaults(roots).unwrap();
    fs::set_permissions(&roots.guest_base, fs::Permissions::from_mode(0o700)).unwrap();
    // One busybox for them all: another link costs nothing.
    let busybox = sandbox.directory().join("busybox");
    fs::copy("/bin/busybox", &busybox).expect("busybox-static is needed");
    let names: Vec<String> = (1..=count).map(|number| format!("fleet{number:04}")).collect();
    for (number, name) in names.iter().enumerate() {
        make_root(&roots.guest_base.join(name), &busybox);
        let config = roots.config_base.join(name);
        let write = |path: &str, text: String| {
            fs::create_dir_all(config.join(path).parent().unwrap()).unwrap();
            fs::write(config.join(path), text).unwrap();
        };
        write("name", format!("{name}\n"));
        write("context", format!("{}\n", FIRST_CONTEXT + number));
        write("uts/nodename", format!("{name}.cume.fr\n"));
        write("fstab", "none /proc proc defaults 0 0\n".to_owned());
        // 10.127.8.0/21 holds them all, the host first.
        let at = number + 2;
        write("interfaces/0/dev", "nat0\n".to_owned());
        write("interfaces/0/ip", format!("10.127.{}.{}\n", 8 + at / 256, at % 256));
        write("interfaces/0/prefix", "21\n".to_owned());
        symlink(roots.guest_base.join(name), config.join("vdir")).unwrap();
    }
    names
}

/// The settings under which there is room for a thousand.
pub(crate) fn room(settings: &mut engine::roots::Settings) {
    settings.nat.gateway = [10, 127, 8, 1].into();
    settings.nat.prefix = 21;
}

/// A root that an init of ours starts: its `rc` comes to an end, and pid 1 stays.
fn make_root(root: &Path, busybox: &Path) {
    for directory in ["bin", "dev", "etc/init.d", "proc", "run", "sys", "tmp"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::hard_link(busybox, root.join("bin/busybox")).unwrap();
    for applet in ["sh", "true", "cat", "hostname"] {
        symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    symlink("/bin/true", root.join("etc/init.d/rc")).unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/:/bin/sh\n").unwrap();
}

/// Runs `vserver NAME WORD` for each, some at once; every one has to succeed.
pub(crate) fn each(sandbox: &Sandbox, names: &[String], word: &str) {
    let left = Mutex::new(names.iter());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap().next();
                    let Some(name) = next else { break };
                    sandbox.must(&[name, word]);
                }
            });
        }
    });
}
