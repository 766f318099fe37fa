//! Which packages a backup of an RPM system says there were: listed by the VServer's own rpm or by the
//! host's, both of which see little, change nothing and reach nobody, whatever they are.

mod rpm_repository;
mod sandbox;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rpm_repository::{describe, repository};
use sandbox::{Sandbox, contents, leave_mounts, leave_network};

/// An instance with a VServer `fc6` of two packages, and its root.
fn with_packages() -> (Sandbox, PathBuf) {
    leave_network();
    let sandbox = Sandbox::without_bases();
    describe(&sandbox, &repository(sandbox.directory()));
    let words = ["fc6", "build", "-m", "yum", "--initstyle", "sysv"];
    sandbox.must(&[&words[..], &["--", "-d", "tiny1", "--", "extra"]].concat());
    let root = sandbox.settings.roots.guest_base.join("fc6");
    (sandbox, root)
}

/// Takes a backup of a VServer; what was said, and the packages that the manifest lists.
fn backed_up(sandbox: &Sandbox, name: &str, words: &[&str]) -> (String, Option<Vec<String>>) {
    let output = sandbox.vserver(&[&["--debug", name, "backup"], words].concat());
    assert!(output.status.success(), "{output:?}");
    let (said, list) = (String::from_utf8(output.stderr).unwrap(), newest(sandbox, name));
    // What is listed is what is counted.
    let backups = sandbox.must(&[name, "backup", "list"]);
    let shown = sandbox.ulysse("backup", &["show", backups.split('\t').next().unwrap()]).output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    let count = list.as_ref().map_or_else(|| "not known".to_owned(), |list| list.len().to_string());
    assert!(shown.contains(&format!("\npackages\t{count}\n")), "{shown}");
    (said, list)
}

/// The list in the manifest of the newest backup of a VServer.
fn newest(sandbox: &Sandbox, name: &str) -> Option<Vec<String>> {
    let directory = sandbox.directory().join("backups").join(name);
    let archive = sandbox.names_in(&directory).pop().unwrap();
    let tar = Command::new("tar")
        .args(["--zstd", "--force-local", "-xOf", &archive, "MANIFEST.json"])
        .current_dir(&directory)
        .output()
        .unwrap();
    assert!(tar.status.success(), "{tar:?}");
    let manifest: serde_json::Value = serde_json::from_slice(&tar.stdout).unwrap();
    serde_json::from_value(manifest["packages"].clone()).unwrap()
}

/// Gives it a program `rpm` of its own.
fn make_rpm(root: &Path, script: &str) {
    let path = root.join("usr/bin/rpm");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn both_packages() -> Option<Vec<String>> {
    let machine = Command::new("uname").arg("-m").output().unwrap().stdout;
    let machine = String::from_utf8(machine).unwrap();
    Some(vec!["extra 2-1 noarch".to_owned(), format!("tinybase 1-1 {}", machine.trim())])
}

#[test]
fn the_hosts_rpm_lists_what_a_vserver_without_one_has_and_changes_nothing() {
    let (sandbox, root) = with_packages();
    // Without what a reader would have to make: a database that cannot be read where nothing can be written.
    for name in ["rpmdb.sqlite-shm", "rpmdb.sqlite-wal"] {
        fs::remove_file(root.join("var/lib/rpm").join(name)).unwrap();
    }
    let before = contents(&root);
    assert_eq!(backed_up(&sandbox, "fc6", &[]).1, both_packages());
    assert_eq!(contents(&root), before);
    // One that runs, and stands still for it.
    sandbox.must(&["fc6", "start"]);
    let (said, list) = backed_up(&sandbox, "fc6", &["--pause"]);
    assert_eq!(list, both_packages(), "{said}");
    sandbox.must(&["fc6", "stop"]);
    // Saved by hand, of whatever host.
    let saved = sandbox.directory().join("saved");
    let roots = &sandbox.settings.roots;
    for (from, to) in [(roots.config_base.join("fc6"), "etc/vservers"), (root, "vservers")] {
        fs::create_dir_all(saved.join(to)).unwrap();
        let copied = Command::new("cp").arg("-a").args([&from, &saved.join(to)]).status();
        assert!(copied.unwrap().success());
    }
    let words = ["import", "fc6", saved.to_str().unwrap()];
    let output = sandbox.ulysse("backup", &words).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(newest(&sandbox, "fc6"), both_packages());
}

#[test]
fn what_a_unified_clone_has_is_listed_whether_it_runs_or_not() {
    leave_mounts();
    let (sandbox, _) = with_packages();
    let words = ["two", "build", "-m", "clone", "--", "--source", "fc6", "--unified"];
    sandbox.must(&words);
    for name in ["fc6", "two"] {
        assert_eq!(backed_up(&sandbox, name, &[]).1, both_packages());
        sandbox.must(&[name, "start"]);
        assert_eq!(backed_up(&sandbox, name, &[]).1, both_packages());
        sandbox.must(&[name, "stop"]);
    }
}

#[test]
fn its_own_rpm_reads_its_own_database() {
    let (sandbox, root) = with_packages();
    // The host's, with what it is linked to, as a distribution would have it.
    let linked = Command::new("ldd").arg("/usr/bin/rpm").output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    let libraries = linked.split_whitespace().filter(|word| word.starts_with('/'));
    for path in libraries.chain(["/usr/bin/rpm", "/usr/lib/rpm/rpmrc", "/usr/lib/rpm/macros"]) {
        let to = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    }
    fs::write(root.join(".rpmmacros"), "%_dbpath /var/lib/rpm\n").unwrap();
    let (said, list) = backed_up(&sandbox, "fc6", &[]);
    assert!(said.contains(": /usr/bin/rpm --query"), "{said}");
    assert_eq!(list, both_packages(), "{said}");
}

#[test]
fn its_own_rpm_sees_nothing_of_the_host_changes_nothing_and_reaches_nobody() {
    let (sandbox, root) = with_packages();
    let here = sandbox.directory().display();
    make_rpm(
        &root,
        &format!(
            "yes() {{ echo \"package $1 1 all\"; }}
            echo x > /written && rm /bin/sh && test ! -e /bin/sh && yes writes
            test -e {here} || yes sees-no-host
            test $(id -u) = 0 && yes is-root
            busybox mount -t tmpfs none /tmp || yes mounts-nothing
            busybox ip -o link | while read n name rest; do yes \"has-$name\"; done
            busybox kill -0 2 || yes is-alone
            echo package one-word; echo \"package \u{1b}[31m 1 all\"; echo '{{\"errno\":1}}'"
        ),
    );
    std::os::unix::fs::symlink("busybox", root.join("bin/rm")).unwrap();
    let before = contents(&root);
    let (said, list) = backed_up(&sandbox, "fc6", &[]);
    let expected = [
        "has-lo: 1 all",
        "is-alone 1 all",
        "is-root 1 all",
        "mounts-nothing 1 all",
        "sees-no-host 1 all",
        "writes 1 all",
    ];
    assert_eq!(list.unwrap(), expected, "{said}");
    assert_eq!(contents(&root), before);
}

#[test]
fn a_list_that_nobody_can_make_is_told_and_fails_no_backup() {
    let (sandbox, root) = with_packages();
    for (script, told) in [
        ("echo no such luck; exit 3", "rpm failed (exit status: 3: no such luck)"),
        ("exec busybox yes package endless 1 all", "rpm did not come to an end of its list"),
        ("echo nothing", "rpm found none in the database"),
    ] {
        make_rpm(&root, script);
        let (said, list) = backed_up(&sandbox, "fc6", &[]);
        assert_eq!(list, None, "{script}");
        assert!(said.contains(told), "{script}: {said}");
    }
    let french = sandbox.ulysse("vserver", &["fc6", "backup"]).env("LC_ALL", "fr_FR").output();
    let french = String::from_utf8(french.unwrap().stderr).unwrap();
    assert!(french.contains("La liste des paquets installés manque à la sauvegarde"), "{french}");
}
