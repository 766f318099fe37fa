//! Backups to another host: a real sshd, in a network and with a `/run` of its own, whose only key is held
//! to `ulysse backup-store`.

mod sandbox;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use engine::roots::{SshTarget, Target};
use nix::mount::{MsFlags, mount};
use sandbox::command::said;
use sandbox::{Sandbox, leave_mounts, leave_network, until};

/// Another host's sshd; ends with this.
struct Sshd(Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A network with nothing but its loopback device, and a `/run` with nothing but what sshd wants.
fn leave_host() {
    leave_network();
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    leave_mounts();
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
    fs::create_dir("/run/sshd").unwrap();
}

fn key(path: &std::path::Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn backups_go_to_another_host_and_come_back() {
    leave_host();
    let mut sandbox = Sandbox::without_bases();
    let place = |name: &str| sandbox.config.with_file_name(name);
    let (host_key, own_key, there) = (place("host-key"), place("own-key"), place("there"));
    key(&host_key);
    key(&own_key);
    let public = |path: &PathBuf| fs::read_to_string(path.with_extension("pub")).unwrap();
    let allowed = format!(
        "command=\"{} backup-store {}\",restrict {}",
        env!("CARGO_BIN_EXE_ulysse"),
        there.display(),
        public(&own_key)
    );
    fs::write(place("authorized"), allowed).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host_line = public(&host_key);
    let host_line: Vec<&str> = host_line.split(' ').take(2).collect();
    fs::write(place("known"), format!("[127.0.0.1]:{port} {}\n", host_line.join(" "))).unwrap();
    let settings = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nUsePAM no\n\
         StrictModes no\nPidFile none\nPasswordAuthentication no\n",
        host_key.display(),
        place("authorized").display()
    );
    fs::write(place("sshd_config"), settings).unwrap();
    let sshd = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(place("sshd_config"))
        .stdin(Stdio::null())
        .stderr(fs::File::create(place("sshd.log")).unwrap())
        .spawn()
        .unwrap();
    let _sshd = Sshd(sshd);
    let (known, log) = (place("known"), place("sshd.log"));
    until("sshd listens", || {
        fs::read_to_string(&log).unwrap().contains("Server listening on 127.0.0.1")
    });
    let far = Target::Ssh(SshTarget {
        host: "127.0.0.1".to_owned(),
        user: "root".to_owned(),
        port,
        identity: own_key,
        known_hosts: known.clone(),
        path: "/is/not/asked/for".into(),
    });
    sandbox.settings.backup.targets = [("far".parse().unwrap(), far)].into();
    fs::write(&sandbox.config, toml::to_string(&sandbox.settings).unwrap()).unwrap();
    let roots = sandbox.settings.roots.clone();
    let (root, config) = (roots.guest_base.join("web"), roots.config_base.join("web"));
    fs::create_dir_all(root.join("etc")).unwrap();
    let content: Vec<u8> =
        (0..5_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    fs::write(root.join("etc/content"), &content).unwrap();
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("context"), "100\n").unwrap();
    std::os::unix::fs::symlink(&root, config.join("vdir")).unwrap();

    let run = |words: &[&str]| sandbox.vserver(words);
    let output = run(&["web", "backup"]);
    assert!(output.status.success(), "{output:?}\n{}", fs::read_to_string(&log).unwrap());
    let list = said(&run(&["web", "backup", "list"]));
    let backup = list.split('\t').next().unwrap().to_owned();
    assert!(backup.starts_with("far:web:"), "{list}");
    let names = sandbox.names_in(&there.join("web"));
    assert_eq!(names.len(), 1, "{names:?}");
    let of = |words: &[&str]| sandbox.ulysse("backup", words).output().unwrap();
    assert!(of(&["verify", &backup]).status.success());
    assert!(said(&of(&["browse", &backup, "/etc"])).contains("5000000"));
    let words = ["back", "backup", "restore", &backup, "--context", "101", "--interface", "none"];
    let output = run(&words);
    assert!(output.status.success(), "{output:?}");
    assert!(fs::read(roots.guest_base.join("back/etc/content")).unwrap() == content);

    // Killed on the way: nothing there is called a backup, and the next one sweeps what is left.
    let died = sandbox
        .ulysse("vserver", &["web", "backup"])
        .env("ULYSSE_CRASH_AT", "backup:packed")
        .output()
        .unwrap();
    assert!(!died.status.success());
    assert_eq!(said(&run(&["web", "backup", "list"])).lines().count(), 1);
    assert!(run(&["web", "backup"]).status.success());
    let names = sandbox.names_in(&there.join("web"));
    assert!(names.len() == 2 && names.iter().all(|name| !name.starts_with('.')), "{names:?}");
    assert!(of(&["remove", &backup]).status.success());
    assert_eq!(said(&run(&["web", "backup", "list"])).lines().count(), 1);

    // A host that is not the one that is known is not talked to.
    fs::write(&known, format!("[127.0.0.1]:{port} {}", public(&place("own-key")))).unwrap();
    let output = run(&["web", "backup"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("Backups cannot be kept at far"), "{text}");
    let mode = fs::metadata(there.join("web")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
