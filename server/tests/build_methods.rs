//! Builds by copying VServers of this host: what is copied, what never is, and what a kill leaves.
//!
//! Sources and copies are real VServers of busybox.

mod copies;
mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use copies::{built, course_network, furnish, judge_copy, refused};
use domain::operation::Kind;
use engine::freezer;
use engine::operation::{COPY_CRASH_POINTS, CRASH_POINTS};
use engine::state::GuestState;
use sandbox::command::{complained, run};
use sandbox::{Sandbox, leave_mounts, until};
use tiny_guest::{fill, make_guest};

fn is_running(sandbox: &Sandbox, name: &str) -> bool {
    sandbox.vserver(&[name, "running"]).status.success()
}

fn is_frozen(sandbox: &Sandbox, name: &str) -> bool {
    let state = GuestState::running(&sandbox.settings.roots, &name.parse().unwrap());
    freezer::is_frozen(&state.unwrap().unwrap().cgroups)
}

#[test]
fn a_vserver_is_duplicated_with_the_commands_of_the_course() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let source = make_guest(&sandbox, "monvs", 100, "true");
    furnish(&source);
    fs::create_dir_all(source.join("etc/ssh")).unwrap();
    fs::write(source.join("etc/ssh/ssh_host_rsa_key"), "the source's").unwrap();
    let source = format!("{}/", source.display());
    let said = built(
        &sandbox,
        &[
            "nono",
            "build",
            "-m",
            "rsync",
            "--context",
            "200",
            "--hostname",
            "nono.cume.fr",
            "--interface",
            "nono=eth0:192.168.44.151/24",
            "--",
            "--source",
            &source,
        ],
    );
    assert!(said.contains("nono is built: context 200"), "{said}");
    let root = sandbox.settings.roots.guest_base.join("nono");
    judge_copy(&root);
    assert!(!root.join("etc/ssh/ssh_host_rsa_key").exists(), "it would be the same machine");
    let config = sandbox.settings.roots.config_base.join("nono");
    let read = |path: &str| fs::read_to_string(config.join(path)).unwrap();
    assert_eq!(read("interfaces/0/name"), "nono\n");
    assert_eq!(read("apps/init/style"), "sysv\n", "that of the source");
    sandbox.must(&["nono", "start"]);
    assert_eq!(sandbox.must(&["nono", "exec", "hostname"]), "nono.cume.fr\n");
    sandbox.enter("nono");
    assert!(sandbox.must(&["nono", "exec", "ip", "addr"]).contains("192.168.44.151/24"));
    sandbox.must(&["nono", "stop"]);

    // The other one of the course, into a directory that is there and empty.
    let place = sandbox.settings.roots.guest_base.join("testxid");
    fs::create_dir_all(place.join("lost+found")).unwrap();
    built(
        &sandbox,
        &[
            "testxid",
            "build",
            "-m",
            "rsync",
            "--context",
            "300",
            "--hostname",
            "testxid.cume.fr",
            "--interface",
            "eth0:192.168.44.153/24",
            "--",
            "--source",
            &source,
        ],
    );
    judge_copy(&place);
    sandbox.must(&["testxid", "start"]);
    sandbox.must(&["testxid", "stop"]);
}

#[test]
fn what_is_not_wanted_is_not_copied_and_what_is_no_source_is_refused() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let source = make_guest(&sandbox, "monvs", 100, "true");
    fs::create_dir_all(source.join("var/cache")).unwrap();
    fs::write(source.join("var/cache/old"), "x").unwrap();
    let old = sandbox.settings.roots.guest_base.with_file_name("old");
    fs::create_dir(&old).unwrap();
    fill(&old, "true");
    let directory = format!("{}/", old.display());
    let exclude = ["--", "--exclude=/var/*", "--exclude=*.bak"];
    let words = ["copy", "build", "-m", "rsync", "--", "-s", &directory];
    built(&sandbox, &[&words[..], &exclude[..]].concat());
    let root = sandbox.settings.roots.guest_base.join("copy");
    assert!(root.join("bin/busybox").exists() && !root.join("var/cache").exists());
    sandbox.must(&["copy", "start"]);
    sandbox.must(&["copy", "stop"]);

    let base = sandbox.settings.roots.guest_base.display().to_string();
    let top = Path::new(&base).parent().unwrap().display().to_string();
    for (source, words) in [
        (top.as_str(), "the copy would have no end"),
        ("/nowhere/at/all", "is not there"),
        ("none", "There is no VServer “none” to copy"),
        ("rsync://old/module", "is neither the name of a VServer"),
    ] {
        let said = refused(&sandbox, &["wrong", "build", "-m", "rsync", "--", "-s", source]);
        assert!(said.contains(words), "{source}: {said}");
    }
    let said = refused(&sandbox, &["wrong", "build", "-m", "clone", "--", "-s", &directory]);
    assert!(said.contains("only those can be cloned"), "{said}");
    assert!(!sandbox.settings.roots.guest_base.join("wrong").exists());
}

/// A VServer that writes `/a`, then `/b`, the same number into both, again and again.
const WRITER: &str = "(n=0; while :; do n=$((n+1)); echo $n > /a.new; mv /a.new /a; \
    echo $n > /b.new; mv /b.new /b; done) &";

fn number(path: PathBuf) -> u64 {
    fs::read_to_string(path).unwrap().trim().parse().unwrap()
}

#[test]
fn a_running_vserver_is_copied_as_it_was_at_one_moment_and_runs_on() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let source = make_guest(&sandbox, "web", 100, WRITER);
    furnish(&source);
    fs::create_dir_all(source.join("usr/bin")).unwrap();
    fs::create_dir_all(source.join("etc/ssh")).unwrap();
    fs::write(source.join("etc/ssh/ssh_host_ed25519_key"), "the source's").unwrap();
    fs::write(source.join("etc/ssh/sshd_config"), "kept").unwrap();
    // What runs as ssh-keygen is the guest's own, whatever it is: it harms nobody.
    let keygen = source.join("usr/bin/ssh-keygen");
    let script = "#!/bin/sh\nid -u > /etc/ssh/ssh_host_ed25519_key\necho $1 >> /etc/ssh/ssh_host_ed25519_key\n";
    fs::write(&keygen, script).unwrap();
    fs::set_permissions(&keygen, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.must(&["web", "start"]);
    until("it writes", || source.join("b").exists());
    for (method, name) in [("clone", "one"), ("rsync", "two")] {
        built(&sandbox, &[name, "build", "-m", method, "--", "--source", "web"]);
        let root = sandbox.settings.roots.guest_base.join(name);
        judge_copy(&root);
        let (a, b) = (number(root.join("a")), number(root.join("b")));
        assert!(b <= a && a <= b + 1, "{method}: {a} and {b} are of two moments");
        assert_eq!(fs::read_to_string(root.join("etc/machine-id")).unwrap(), "");
        let key = fs::read_to_string(root.join("etc/ssh/ssh_host_ed25519_key")).unwrap();
        assert_eq!(key, "0\n-A\n", "{method}: made anew, by root of its own");
        assert_eq!(fs::read_to_string(root.join("etc/ssh/sshd_config")).unwrap(), "kept");
        assert!(!is_frozen(&sandbox, "web"), "{method}");
        let before = number(source.join("b"));
        until("it goes on", || number(source.join("b")) > before);
        sandbox.must(&[name, "start"]);
        assert_eq!(sandbox.must(&[name, "exec", "hostname"]), format!("{name}\n"));
        sandbox.enter(name);
        sandbox.must(&[name, "stop"]);
    }
    sandbox.must(&["web", "stop"]);
}

#[test]
fn a_clone_shares_its_blocks_where_the_filesystem_can() {
    course_network();
    leave_mounts();
    let sandbox = Sandbox::without_bases();
    let base = &sandbox.settings.roots.guest_base;
    let image = base.with_file_name("image");
    fs::File::create(&image).unwrap().set_len(512 << 20).unwrap();
    let image = image.display().to_string();
    run("mkfs.xfs", &["-q", &image]);
    fs::create_dir(base).unwrap();
    run("mount", &["-o", "loop", &image, &base.display().to_string()]);
    let source = make_guest(&sandbox, "web", 100, WRITER);
    furnish(&source);
    fs::write(source.join("var/large"), vec![7; 64 << 20]).unwrap();
    sandbox.must(&["web", "start"]);
    until("it writes", || source.join("b").exists());
    let free = || {
        let found = rustix::fs::statvfs(base).unwrap();
        found.f_bfree * found.f_frsize
    };
    let before = free();
    let said = built(&sandbox, &["copy", "build", "--debug", "-m", "clone", "--", "-s", "web"]);
    assert!(before.saturating_sub(free()) < 16 << 20, "{} bytes", before.saturating_sub(free()));
    let shared = said.lines().find_map(|line| line.split_once("Shared with other files: "));
    // The size and its unit are kept together by a blank of their own.
    let shared: f64 = shared.unwrap().1.split('\u{a0}').next().unwrap().parse().unwrap();
    assert!((60.0..80.0).contains(&shared), "{said}");
    let root = base.join("copy");
    judge_copy(&root);
    let (a, b) = (number(root.join("a")), number(root.join("b")));
    assert!(b <= a && a <= b + 1, "{a} and {b} are of two moments");
    assert!(!is_frozen(&sandbox, "web"));
    sandbox.must(&["copy", "start"]);
    sandbox.must(&["copy", "stop"]);
    sandbox.must(&["web", "stop"]);
}

#[test]
fn a_skeleton_is_empty_until_somebody_fills_it() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let words = ["bare", "build", "-m", "skeleton", "--initstyle", "sysv"];
    let generic = [
        "--netbcast",
        "192.168.44.255",
        "--interface",
        "eth0:192.168.44.9/24",
        "--cpuset",
        "slow",
        "--cpusetcpus",
        "0:1",
        "--flags",
        "virt_uptime",
    ];
    built(&sandbox, &[&words[..], &generic[..]].concat());
    let root = sandbox.settings.roots.guest_base.join("bare");
    for directory in ["dev", "proc", "sys", "tmp", "etc"] {
        assert!(root.join(directory).is_dir(), "{directory}");
    }
    assert_eq!(fs::metadata(root.join("tmp")).unwrap().mode() & 0o7777, 0o1777);
    assert!(root.join("etc/hosts").exists());
    let config = sandbox.settings.roots.config_base.join("bare");
    let read = |path: &str| fs::read_to_string(config.join(path)).unwrap();
    assert_eq!(read("interfaces/bcast"), "192.168.44.255\n");
    assert_eq!(
        (read("cpuset/name"), read("cpuset/cpu_exclusive")),
        ("slow\n".into(), "1\n".into())
    );
    assert!(!sandbox.vserver(&["bare", "start"]).status.success(), "there is no init yet");
    fill(&root, "true");
    sandbox.must(&["bare", "start"]);
    assert_eq!(sandbox.must(&["bare", "exec", "hostname"]), "bare\n");
    sandbox.enter("bare");
    sandbox.must(&["bare", "stop"]);

    // Files that are there stay, when somebody knows of them.
    let place = sandbox.settings.roots.guest_base.join("there");
    fs::create_dir(&place).unwrap();
    fill(&place, "true");
    let words = ["there", "build", "-m", "skeleton", "--initstyle", "sysv"];
    let said = refused(&sandbox, &words);
    assert!(said.contains("holds files that belong to no VServer"), "{said}");
    built(&sandbox, &[&words[..], &["--i-know-its-there"]].concat());
    sandbox.must(&["there", "start"]);
    sandbox.must(&["there", "stop"]);

    // --force moves aside what has the name.
    let words = ["there", "build", "-m", "skeleton", "--force"];
    sandbox.must(&["there", "start"]);
    assert!(refused(&sandbox, &words).contains("already running"));
    sandbox.must(&["there", "stop"]);
    built(&sandbox, &words);
    assert!(!place.join("bin").exists(), "the new one is empty");
    let aside = sandbox.names_in(&sandbox.settings.roots.guest_base);
    assert!(aside.iter().any(|name| name.starts_with("there.~")), "{aside:?}");
}

#[test]
fn what_a_machine_sends_gets_nowhere_but_into_its_root() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let outside = sandbox.settings.roots.guest_base.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o777)).unwrap();
    // A root that is half there, with a link where a directory comes: the way out of the target.
    let place = sandbox.settings.roots.guest_base.join("trap");
    fs::create_dir_all(&place).unwrap();
    symlink(&outside, place.join("var")).unwrap();
    let source = make_guest(&sandbox, "web", 100, "true");
    fs::write(source.join("var/evil"), "x").unwrap();
    let words = ["trap", "build", "-m", "rsync", "--i-know-its-there", "--", "-s", "web"];
    // However it ends.
    let _ = sandbox.vserver(&words);
    assert!(!outside.join("evil").exists());
}

#[test]
fn a_copy_that_died_is_undone_or_finished_and_its_source_runs() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let source = make_guest(&sandbox, "web", 100, WRITER);
    fs::create_dir_all(source.join("etc/ssh")).unwrap();
    fs::write(source.join("etc/ssh/ssh_host_rsa_key"), "x").unwrap();
    sandbox.must(&["web", "start"]);
    until("it writes", || source.join("b").exists());
    // What --force moves aside.
    make_guest(&sandbox, "copy", 101, "true");
    let of_builds = CRASH_POINTS.iter().find(|(kind, _)| *kind == Kind::Build).unwrap().1;
    let points =
        of_builds.iter().filter(|point| !point.contains(":base-")).chain(COPY_CRASH_POINTS);
    for point in points {
        let words = ["copy", "build", "--force", "-m", "clone", "--", "--source", "web"];
        let output = sandbox.ulysse("vserver", &words).env("ULYSSE_CRASH_AT", point).output();
        let output = output.unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point} is passed: {}", complained(&output));
        // Before anything is repaired.
        until("the source runs on", || !is_frozen(&sandbox, "web"));
        let before = number(source.join("b"));
        until("it goes on", || number(source.join("b")) > before);
        for words in [&["--repair"][..], &[]] {
            let output = sandbox.ulysse("doctor", words).output().unwrap();
            assert!(output.status.success(), "{point}: doctor {words:?}: {output:?}");
        }
        assert!(is_running(&sandbox, "web"), "{point}");
        let base = &sandbox.settings.roots.guest_base;
        let aside: Vec<String> =
            sandbox.names_in(base).into_iter().filter(|name| name.contains(".~")).collect();
        let is_new = base.join("copy/a").exists();
        let is_past_commit = *point == "build:committed" || point.starts_with("finish:");
        assert_eq!(is_new, is_past_commit, "{point}");
        assert_eq!(aside.len(), usize::from(is_past_commit), "{point}: {aside:?}");
        assert!(base.join("copy/bin/busybox").exists(), "{point}: the old one or the new one");
        let stray: Vec<String> =
            sandbox.names_in(base).into_iter().filter(|name| name.starts_with('.')).collect();
        assert_eq!(stray, [""; 0], "{point}");
        if is_past_commit {
            for base in [base, &sandbox.settings.roots.config_base] {
                for name in sandbox.names_in(base).iter().filter(|name| name.starts_with("copy")) {
                    fs::remove_dir_all(base.join(name)).unwrap();
                }
            }
            make_guest(&sandbox, "copy", 101, "true");
        }
    }
    sandbox.must(&["web", "stop"]);
}

#[test]
fn a_copy_that_is_cancelled_leaves_nothing_and_its_source_runs() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let source = make_guest(&sandbox, "web", 100, WRITER);
    sandbox.must(&["web", "start"]);
    fs::write(source.join("var/large"), vec![7; 200 << 20]).unwrap();
    let words = ["copy", "build", "-m", "rsync", "--", "-s", "web", "--", "--bwlimit", "2000"];
    let copying = sandbox.begin(&words);
    let base = &sandbox.settings.roots.guest_base;
    let is_copying = || {
        let names = sandbox.names_in(base).into_iter().filter(|name| name.starts_with(".staging-"));
        names.into_iter().any(|name| base.join(name).join("bin/busybox").exists())
    };
    until("it copies", is_copying);
    copying.cancel();
    assert_eq!(sandbox.names_in(base), ["web"]);
    assert!(!is_frozen(&sandbox, "web"));
    sandbox.must(&["web", "exec", "true"]);
    sandbox.must(&["web", "stop"]);
}

#[test]
fn the_default_options_of_a_host_are_read_first() {
    course_network();
    let sandbox = Sandbox::without_bases();
    let apps = sandbox.settings.roots.config_base.join(".defaults/apps/build");
    fs::create_dir_all(&apps).unwrap();
    fs::write(apps.join("options"), "--netdev eth0\n--flags=virt_mem\n").unwrap();
    let words = ["one", "build", "-m", "skeleton", "--interface", "192.168.44.9/24"];
    built(&sandbox, &words);
    let config = |name: &str, path: &str| {
        fs::read_to_string(sandbox.settings.roots.config_base.join(name).join(path))
    };
    assert_eq!(config("one", "interfaces/0/dev").unwrap(), "eth0\n");
    assert_eq!(config("one", "cflags").unwrap(), "virt_mem\n");
    let words = ["two", "build", "-m", "skeleton", "--interface", "192.168.44.10/24"];
    let output = sandbox.ulysse("vserver", &words).env("NO_DEFAULT_OPTS", "1").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(config("two", "interfaces/0/dev").is_err() && config("two", "cflags").is_err());
    for (option, given) in
        [("--rootdir", "/srv"), ("--confdir", "/etc/x"), ("--lockfile", "/run/x")]
    {
        let said = refused(&sandbox, &["three", "build", "-m", "skeleton", option, given]);
        assert!(said.contains("and nowhere else"), "{said}");
    }
    let base = sandbox.settings.roots.guest_base.display().to_string();
    built(&sandbox, &["three", "build", "-m", "skeleton", "--rootdir", &base]);
}
