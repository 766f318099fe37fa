//! Builds by copying another machine over ssh: a real sshd on a network of the test's own.

mod copies;
mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use copies::{course_network, furnish, judge_copy};
use sandbox::command::{complained, run};
use sandbox::{Sandbox, until};
use tiny_guest::fill;

/// A machine that is reached with ssh.
struct Machine {
    directory: tempfile::TempDir,
    sshd: std::process::Child,
    port: u16,
}

impl Machine {
    /// Makes one, whose files are in `files`, on this thread's network.
    fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("machine-").tempdir().unwrap();
        fs::create_dir(directory.path().join("files")).unwrap();
        fs::write(directory.path().join("authorized_keys"), "").unwrap();
        // The same place for every sshd of this host; one that runs has it already.
        fs::create_dir_all("/run/sshd").unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let sshd = Self::sshd(directory.path(), port);
        Self { directory, sshd, port }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn sshd(directory: &Path, port: u16) -> std::process::Child {
        let key = directory.join("host_key").display().to_string();
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &key]);
        let keys = directory.join("authorized_keys").display().to_string();
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f", "/dev/null"]);
        for option in [
            "ListenAddress=127.0.0.1".to_owned(),
            format!("Port={port}"),
            format!("HostKey={key}"),
            format!("AuthorizedKeysFile={keys}"),
            "PermitRootLogin=prohibit-password".to_owned(),
            "StrictModes=no".to_owned(),
            "UsePAM=no".to_owned(),
            "PidFile=none".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        let sshd = command.stderr(Stdio::null()).spawn().unwrap();
        until("sshd listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        sshd
    }

    /// Another machine in its place: another key.
    fn replace(&mut self) {
        self.stop();
        for name in ["host_key", "host_key.pub"] {
            fs::remove_file(self.path(name)).unwrap();
        }
        self.sshd = Self::sshd(self.directory.path(), self.port);
    }

    fn fingerprint(&self) -> String {
        let key = self.path("host_key.pub").display().to_string();
        run("ssh-keygen", &["-lf", &key]).split(' ').nth(1).unwrap().to_owned()
    }

    /// Trusts the key that a refusal names.
    fn let_in(&self, said: &str) {
        let key = said.find("ssh-ed25519 ").map(|index| said[index..].lines().next().unwrap());
        let line = format!("{}\n", key.unwrap_or_else(|| panic!("{said}")));
        fs::write(self.path("authorized_keys"), line).unwrap();
    }

    fn stop(&mut self) {
        let _ = self.sshd.kill();
        let _ = self.sshd.wait();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn a_machine_becomes_a_vserver_once_its_key_is_confirmed() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let mut machine = Machine::start();
    fill(&machine.path("files"), "true");
    furnish(&machine.path("files"));
    fs::create_dir_all(machine.path("files/etc/ssh")).unwrap();
    fs::write(machine.path("files/etc/ssh/ssh_host_ed25519_key"), "kept").unwrap();
    let source = format!("root@127.0.0.1:{}/", machine.path("files").display());
    let shell = format!("ssh -p {}", machine.port);
    let build = |key: Option<&str>| {
        let mut words = vec!["old", "build", "-m", "rsync", "--initstyle", "sysv", "--"];
        words.extend(["--source", &source]);
        words.extend(key.into_iter().flat_map(|key| ["--hostkey", key]));
        words.extend(["--", "-e", &shell]);
        sandbox.vserver(&words)
    };
    let known_hosts = sandbox.settings.roots.state_base.join("ssh/known_hosts");

    let output = build(None);
    let fingerprint = machine.fingerprint();
    assert!(complained(&output).contains(&fingerprint), "{output:?}");
    assert!(!output.status.success() && !known_hosts.exists());
    let wrong = format!("SHA256:{}", "A".repeat(43));
    let output = build(Some(&wrong));
    assert!(complained(&output).contains(&fingerprint), "{output:?}");
    assert!(!output.status.success() && !known_hosts.exists());

    // Confirmed; but the machine does not know us.
    let output = build(Some(&fingerprint));
    let said = complained(&output);
    machine.let_in(&said);
    // From here on it is known.
    let output = build(None);
    assert!(output.status.success(), "{}", complained(&output));
    let root = sandbox.settings.roots.guest_base.join("old");
    judge_copy(&root);
    let kept = fs::read_to_string(root.join("etc/ssh/ssh_host_ed25519_key")).unwrap();
    assert_eq!(kept, "kept", "it goes on as the machine that it was");
    sandbox.must(&["old", "start"]);
    assert_eq!(sandbox.must(&["old", "exec", "hostname"]), "old\n");
    sandbox.enter("old");
    sandbox.must(&["old", "stop"]);
    sandbox.must(&["--silent", "old", "delete"]);

    machine.replace();
    let output = build(Some(&machine.fingerprint()));
    assert!(complained(&output).contains("shows another key than the one"), "{output:?}");
    assert!(!output.status.success() && !root.exists());
    machine.stop();
    let output = build(None);
    assert!(complained(&output).contains("does not answer"), "{output:?}");
}

#[test]
fn a_copy_over_ssh_that_is_killed_or_cancelled_leaves_nothing_or_a_vserver() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let machine = Machine::start();
    fill(&machine.path("files"), "true");
    fs::write(machine.path("files/var/large"), vec![7; 20 << 20]).unwrap();
    let source = format!("root@127.0.0.1:{}/", machine.path("files").display());
    let (shell, key) = (format!("ssh -p {}", machine.port), machine.fingerprint());
    let words = ["old", "build", "-m", "rsync", "--initstyle", "sysv", "--", "--source", &source];
    let words = [&words[..], &["--hostkey", &key, "--", "-e", &shell]].concat();
    machine.let_in(&complained(&sandbox.vserver(&words)));
    let base = &sandbox.settings.roots.guest_base;
    let config = sandbox.settings.roots.config_base.join("old");

    let mut killed = 0;
    loop {
        let mut command = sandbox.ulysse("vserver", &words);
        let count = (killed + 1).to_string();
        let output = command.env("ULYSSE_CRASH_AFTER_RECORD", count).output().unwrap();
        if output.status.success() {
            break;
        }
        assert_eq!(output.status.signal(), Some(9), "after record {}: {output:?}", killed + 1);
        killed += 1;
        let repaired = sandbox.ulysse("doctor", &["--repair"]).output().unwrap();
        assert!(repaired.status.success(), "{repaired:?}");
        if config.exists() {
            sandbox.must(&["old", "start"]);
            sandbox.must(&["old", "stop"]);
            sandbox.must(&["--silent", "old", "delete", "--now"]);
        }
        assert!(sandbox.names_in(base).is_empty() && !config.exists(), "after record {killed}");
    }
    assert!(killed > 1, "{killed} records are not a build's");
    sandbox.must(&["--silent", "old", "delete", "--now"]);

    let slowly = [&words[..], &["--bwlimit", "2000"]].concat();
    let copying = sandbox.begin(&slowly);
    until("it copies", || {
        sandbox.names_in(base).iter().any(|name| base.join(name).join("bin/busybox").exists())
    });
    copying.cancel();
    assert!(sandbox.names_in(base).is_empty() && !config.exists());
}
