//! Unified clones: VServers that stand on one reference, built, started, entered, changed, renamed, saved
//! and deleted in any order, and killed at every step.
//!
//! The filesystem of the temporary directory is one that shares no blocks; another one is made for the
//! other case. Mounts are those of a namespace of each test's own.

mod copies;
mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

use copies::{built, course_network, furnish};
use engine::operation::UNIFY_CRASH_POINTS;
use sandbox::command::{complained, run};
use sandbox::{Sandbox, leave_mounts, until};
use tiny_guest::make_guest;

/// What shall be shared.
const LARGE: usize = 24 << 20;

/// An instance with a VServer `web` that has something worth sharing, stopped; and its root.
fn with_source() -> (Sandbox, PathBuf) {
    course_network();
    leave_mounts();
    let sandbox = Sandbox::without_bases();
    let source = make_guest(&sandbox, "web", 100, "true");
    furnish(&source);
    fs::write(source.join("var/large"), vec![7; LARGE]).unwrap();
    fs::write(source.join("etc/machine-id"), "0123456789abcdef0123456789abcdef\n").unwrap();
    fs::create_dir_all(source.join("etc/old")).unwrap();
    fs::write(source.join("etc/old/file"), "moved").unwrap();
    fs::create_dir_all(source.join("etc/ssh")).unwrap();
    fs::write(source.join("etc/ssh/ssh_host_rsa_key"), "the source's").unwrap();
    fs::create_dir_all(source.join("usr/bin")).unwrap();
    let keygen = source.join("usr/bin/ssh-keygen");
    fs::write(&keygen, "#!/bin/sh\necho made > /etc/ssh/ssh_host_rsa_key\n").unwrap();
    fs::set_permissions(&keygen, fs::Permissions::from_mode(0o755)).unwrap();
    (sandbox, source)
}

fn unified(sandbox: &Sandbox, name: &str, source: &str) -> String {
    let words = [name, "build", "--debug", "-m", "clone", "--", "--source", source, "--unified"];
    built(sandbox, &words)
}

fn base(sandbox: &Sandbox) -> &Path {
    &sandbox.settings.roots.guest_base
}

fn references(sandbox: &Sandbox) -> Vec<String> {
    sandbox.names_in(&base(sandbox).join(".references"))
}

/// What a directory takes on disk, without what is mounted in it.
fn disk_bytes(path: &Path) -> u64 {
    let said = run("du", &["-sxk", &path.display().to_string()]);
    said.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

fn inside(sandbox: &Sandbox, name: &str, script: &str) -> String {
    sandbox.must(&[name, "exec", "sh", "-c", script])
}

/// A tree as one number for each file: nothing of it changes when none of them does.
fn sums(root: &Path) -> String {
    run(
        "sh",
        &["-c", &format!("cd {} && find . -type f -exec cksum {{}} + | sort", root.display())],
    )
}

#[test]
fn unified_clones_share_what_none_of_them_has_changed() {
    let (sandbox, source) = with_source();
    let before = sums(&source);
    let said = unified(&sandbox, "one", "web");
    assert!(said.contains("Shared with other VServers: "), "{said}");
    assert_eq!(sums(&source), before, "the source is what it was");
    let one = base(&sandbox).join("one");
    let reference = base(&sandbox).join(".references").join(&references(&sandbox)[0]).join("root");
    let frozen = sums(&reference);
    // It is another machine.
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    assert_eq!(read(&one.join("etc/machine-id")), "");
    assert_eq!(read(&one.join("etc/hostname")), "one\n");
    assert_eq!(read(&one.join("etc/ssh/ssh_host_rsa_key")), "made\n");
    assert_eq!(read(&source.join("etc/ssh/ssh_host_rsa_key")), "the source's");
    let found = fs::metadata(one.join("var/mail")).unwrap();
    assert_eq!((found.uid(), found.gid()), (33, 8), "not shifted on the host");
    // A clone of a clone stands on the same reference.
    unified(&sandbox, "two", "one");
    assert_eq!(references(&sandbox).len(), 1);
    for name in ["web", "one", "two"] {
        sandbox.must(&[name, "start"]);
    }
    assert_eq!(inside(&sandbox, "one", "hostname; stat -c %u:%g /var/mail"), "one\n33:8\n");
    sandbox.enter("one");
    // What one changes, nobody else sees: content, owners, what is removed, moved and made.
    let script = "echo changed > /var/one; chown 33:33 /bin/raise; rm /var/mail; mkdir /new; \
        mv /etc/old /etc/moved; ln -s /x /new/link; echo y > /new/file; chmod 700 /new; \
        dd if=/dev/zero of=/var/large bs=1024 count=1 conv=notrunc 2>/dev/null";
    inside(&sandbox, "one", script);
    assert_eq!(inside(&sandbox, "one", "stat -c %u:%g /bin/raise"), "33:33\n");
    inside(&sandbox, "web", "echo the source > /var/link2; rm -r /usr");
    assert_eq!(sums(&reference), frozen, "a reference never changes");
    assert_eq!(
        inside(&sandbox, "two", "cat /var/one; ls -d /new /var/link2 2>/dev/null; true"),
        "shared"
    );
    assert_eq!(inside(&sandbox, "two", "ls /usr/bin"), "ssh-keygen\n");
    // The host sees it too, while it runs and after.
    assert_eq!(read(&one.join("var/one")), "changed\n");
    let shown = sandbox.must(&["one", "status"]);
    assert!(shown.contains("Shared: "), "{shown}");
    for name in ["web", "one", "two"] {
        sandbox.must(&[name, "stop"]);
    }
    assert_eq!(read(&one.join("new/file")), "y\n");
    assert!(!one.join("var/mail").exists() && one.join("etc/moved/file").exists());
    assert_eq!(fs::metadata(one.join("new")).unwrap().uid(), 0, "not shifted on disk");
    assert_eq!(fs::metadata(one.join("bin/raise")).unwrap().uid(), 33);
    fs::write(one.join("var/by-the-host"), "x").unwrap();
    // A third one has what the first has changed by now, byte for byte.
    unified(&sandbox, "three", "one");
    let without_identity = |root: &Path| {
        let sums = sums(root);
        let own = ["etc/hostname", "etc/hosts", "etc/ssh/"];
        let lines = sums.lines().filter(|line| !own.iter().any(|path| line.contains(path)));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(without_identity(&base(&sandbox).join("three")), without_identity(&one));
    sandbox.must(&["three", "start"]);
    assert_eq!(
        inside(&sandbox, "three", "cat /var/one /var/by-the-host; ls /new"),
        "changed\nxfile\nlink\n"
    );
    sandbox.must(&["three", "stop"]);
}

#[test]
fn a_unified_vserver_outlives_its_source_its_name_and_a_reboot() {
    let (sandbox, _) = with_source();
    let (guests, config) = (base(&sandbox), &sandbox.settings.roots.config_base);
    unified(&sandbox, "one", "web");
    sandbox.must(&["--silent", "web", "delete", "--now"]);
    assert_eq!(references(&sandbox).len(), 1, "somebody stands on it");
    sandbox.must(&["one", "start"]);
    assert_eq!(inside(&sandbox, "one", "cat /var/one"), "shared");
    sandbox.must(&["one", "rename", "ulyse", "--restart"]);
    assert_eq!(inside(&sandbox, "ulyse", "hostname; cat /var/one"), "ulyse\nshared");
    sandbox.must(&["ulyse", "stop"]);
    assert!(guests.join("ulyse/var/large").exists() && !guests.join("one").exists());
    // After a reboot nothing is mounted.
    engine::unification::hide(&guests.join("ulyse")).unwrap();
    assert!(!guests.join("ulyse/var").exists());
    sandbox.must(&["ulyse", "start"]);
    sandbox.must(&["ulyse", "stop"]);
    engine::unification::hide(&guests.join("ulyse")).unwrap();
    assert!(sandbox.ulysse("doctor", &["--repair"]).output().unwrap().status.success());
    assert!(guests.join("ulyse/var").exists(), "the engine shows all when it starts");
    // Into the recycle bin and back, under another name.
    fs::write(guests.join("ulyse/var/own"), "kept").unwrap();
    sandbox.must(&["--silent", "ulyse", "delete"]);
    assert!(!guests.join("ulyse").exists() && references(&sandbox).len() == 1);
    sandbox.must(&["ulyse", "undelete", "--as", "back"]);
    assert_eq!(fs::read_to_string(guests.join("back/var/own")).unwrap(), "kept");
    assert_eq!(fs::read_to_string(guests.join("back/etc/hostname")).unwrap(), "back\n");
    sandbox.must(&["back", "start"]);
    // Saved while it runs, and had back as a VServer that stands on nothing.
    sandbox.must(&["back", "backup"]);
    let list = sandbox.must(&["back", "backup", "list"]);
    let backup = list.split('\t').next().unwrap();
    let words = ["whole", "backup", "restore", backup, "--context", "300", "--hostname", "whole"];
    sandbox.must(&[&words[..], &["--interface", "none"]].concat());
    let whole = guests.join("whole");
    assert_eq!(fs::read_to_string(whole.join("var/own")).unwrap(), "kept");
    let mail = fs::metadata(whole.join("var/mail")).unwrap();
    assert_eq!((mail.uid(), mail.gid()), (33, 8), "not those it has while it runs");
    assert_eq!(fs::metadata(whole.join("bin")).unwrap().uid(), 0);
    assert!(engine::unification::reference_of(&whole).unwrap().is_none());
    sandbox.must(&["back", "stop"]);
    sandbox.must(&["whole", "start"]);
    assert_eq!(inside(&sandbox, "whole", "cat /var/one"), "shared");
    sandbox.must(&["whole", "stop"]);
    // The last one that stands on it takes it along.
    sandbox.must(&["--silent", "back", "delete", "--now"]);
    assert!(!guests.join(".references").exists());
    assert!(!config.join("back").exists());
}

/// A VServer that writes `/a`, then `/b`, the same number into both, again and again.
const WRITER: &str = "(n=0; while :; do n=$((n+1)); echo $n > /a.new; mv /a.new /a; \
    echo $n > /b.new; mv /b.new /b; done) &";

#[test]
fn a_source_that_runs_is_copied_once_and_its_clones_share_from_then_on() {
    let (sandbox, source) = with_source();
    let rc = source.join("etc/init.d/rc");
    fs::write(&rc, format!("#!/bin/sh\n{WRITER}\n")).unwrap();
    sandbox.must(&["web", "start"]);
    until("it writes", || source.join("b").exists());
    let number = |root: &Path, file| {
        fs::read_to_string(root.join(file)).unwrap().trim().parse::<u64>().unwrap()
    };
    let is_of_one_moment = |root: &Path| {
        let (a, b) = (number(root, "a"), number(root, "b"));
        assert!(b <= a && a <= b + 1, "{a} and {b} are of two moments");
    };
    let said = unified(&sandbox, "one", "web");
    assert!(said.contains("Its files are copied once"), "{said}");
    is_of_one_moment(&base(&sandbox).join("one"));
    assert!(engine::unification::reference_of(&source).unwrap().is_none(), "it is left alone");
    let before = number(&source, "b");
    until("the source goes on", || number(&source, "b") > before);
    // The clone runs, and is cloned while it does.
    sandbox.must(&["one", "start"]);
    inside(&sandbox, "one", "rm /var/mail; echo 2 > /var/one; chown 33 /var/chroot");
    unified(&sandbox, "two", "one");
    assert_eq!(references(&sandbox).len(), 1);
    let two = base(&sandbox).join("two");
    is_of_one_moment(&two);
    assert!(!two.join("var/mail").exists());
    assert_eq!(fs::read_to_string(two.join("var/one")).unwrap(), "2\n");
    assert_eq!(fs::metadata(two.join("var/chroot")).unwrap().uid(), 33);
    sandbox.must(&["two", "start"]);
    assert_eq!(inside(&sandbox, "two", "cat /var/one; stat -c %u /var/chroot"), "2\n33\n");
    // Copied whole by the other methods, from what it is at that moment.
    built(&sandbox, &["three", "build", "-m", "rsync", "--", "--source", "two"]);
    let three = base(&sandbox).join("three");
    is_of_one_moment(&three);
    assert_eq!(fs::metadata(three.join("var/chroot")).unwrap().uid(), 33, "not shifted");
    for name in ["web", "one", "two"] {
        sandbox.must(&[name, "stop"]);
    }
    engine::unification::hide(&two).unwrap();
    assert!(disk_bytes(&two) < 4 << 20, "it has nothing of its own but what it changed");
}

#[test]
fn where_blocks_are_shared_a_unified_clone_is_a_clone() {
    course_network();
    leave_mounts();
    let sandbox = Sandbox::without_bases();
    let guests = base(&sandbox);
    let image = guests.with_file_name("image");
    fs::File::create(&image).unwrap().set_len(512 << 20).unwrap();
    let image = image.display().to_string();
    run("mkfs.xfs", &["-q", &image]);
    fs::create_dir(guests).unwrap();
    run("mount", &["-o", "loop", &image, &guests.display().to_string()]);
    let source = make_guest(&sandbox, "web", 100, "true");
    fs::write(source.join("var/large"), vec![7; LARGE]).unwrap();
    let said = unified(&sandbox, "one", "web");
    assert!(said.contains("Shared with other files: "), "{said}");
    assert!(!guests.join(".references").exists());
    for root in [&source, &guests.join("one")] {
        assert!(engine::unification::reference_of(root).unwrap().is_none());
    }
    let shown = sandbox.vserver(&["one", "status"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("Shared: "), "{shown}");
    sandbox.must(&["one", "start"]);
    inside(&sandbox, "one", "echo x > /var/large");
    assert_eq!(fs::metadata(source.join("var/large")).unwrap().len(), LARGE as u64);
    sandbox.must(&["one", "stop"]);
}

#[test]
fn a_unified_clone_that_died_leaves_its_source_whole() {
    let (sandbox, source) = with_source();
    let words = ["one", "build", "-m", "clone", "--", "--source", "web", "--unified"];
    let others = ["build:copied", "build:configured", "build:keys-made", "build:config-written"];
    let after = ["build:committed", "finish:0", "finish:1"];
    // From the fourth on the source stands on a reference.
    for point in UNIFY_CRASH_POINTS.iter().chain(&others).chain(&after) {
        let before = sums(&source);
        let output = sandbox.ulysse("vserver", &words).env("ULYSSE_CRASH_AT", point).output();
        let output = output.unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point} is passed: {}", complained(&output));
        for words in [&["--repair"][..], &[]] {
            let output = sandbox.ulysse("doctor", words).output().unwrap();
            assert!(output.status.success(), "{point}: doctor {words:?}: {output:?}");
        }
        assert_eq!(sums(&source), before, "{point}: the source is what it was");
        let one = base(&sandbox).join("one");
        let is_new = sandbox.settings.roots.config_base.join("one").exists();
        assert_eq!(is_new, after.contains(point), "{point}");
        assert_eq!(one.join("var/large").exists(), is_new, "{point}");
        let stray: Vec<String> = sandbox
            .names_in(base(&sandbox))
            .into_iter()
            .filter(|name| name.starts_with('.') && name != ".references")
            .collect();
        assert_eq!(stray, [""; 0], "{point}");
        // The reference is there exactly when somebody stands on it.
        let stands = engine::unification::reference_of(&source).unwrap();
        let expected: Vec<String> = stands.iter().map(ToString::to_string).collect();
        assert_eq!(references(&sandbox), expected, "{point}");
        sandbox.must(&["web", "start"]);
        assert_eq!(inside(&sandbox, "web", "cat /var/one"), "shared", "{point}");
        sandbox.must(&["web", "stop"]);
        if is_new {
            sandbox.must(&["--silent", "one", "delete", "--now"]);
        }
    }
}
