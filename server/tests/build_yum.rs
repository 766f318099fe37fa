//! `build -m yum`: dnf against a repository of RPM packages that the test makes, the VServer started
//! and entered.

mod rpm_repository;
mod sandbox;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;

use engine::operation::YUM_CRASH_POINT;
use rpm_repository::{describe, repository};
use sandbox::{Sandbox, until};

#[test]
fn a_described_distribution_is_built_started_and_entered() {
    let sandbox = Sandbox::new();
    let packages = repository(sandbox.directory());
    let place = describe(&sandbox, &packages);
    // As the course calls it.
    fs::rename(place.join("pkgs"), place.join("pkg")).unwrap();
    // The course's own command, with an address that no device of the host needs.
    sandbox.must(&[
        "fc6",
        "build",
        "-m",
        "yum",
        "--context",
        "2006",
        "--hostname",
        "fc6.cume.fr",
        "--interface",
        "fc6=nodev:192.0.2.156",
        "--initstyle",
        "sysv",
        "--",
        "-d",
        "tiny1",
        "--",
        "extra",
    ]);
    let root = sandbox.settings.roots.guest_base.join("fc6");
    let text = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    assert_eq!(text("root/post"), "post as 0\n");
    assert_eq!(text("root/initpost"), "fc6 of tiny1\n");
    let mirror = format!("file://{}", packages.display());
    assert_eq!(text("before"), format!("tiny1 from {mirror}\nfc6\n"));
    assert_eq!(text("usr/share/extra"), "more\n");
    assert_eq!(fs::metadata(root.join("root/post")).unwrap().uid(), 0, "unshifted on disk");
    assert!(root.join("var/lib/rpm/rpmdb.sqlite").exists());
    assert!(!root.join("ulysse-build").exists());
    assert!(!root.join("mnt").exists(), "nothing of dnf's is left");

    sandbox.must(&["fc6", "start"]);
    assert_eq!(sandbox.must(&["fc6", "exec", "cat", "/etc/hostname"]), "fc6\n");
    assert_eq!(
        sandbox.must(&["fc6", "exec", "sh", "-c", "echo $HOSTNAME; id -u"]).lines().last(),
        Some("0")
    );
    sandbox.enter("fc6");
    sandbox.must(&["fc6", "stop"]);
}

#[test]
fn what_is_wrong_with_a_description_is_said() {
    let sandbox = Sandbox::new();
    let place = describe(&sandbox, &repository(sandbox.directory()));
    let build = |distribution: &str| {
        let output = sandbox.vserver(&["fc6", "build", "-m", "yum", "--", "-d", distribution]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = build("nosuch");
    assert!(said.contains("tiny1"), "{said}");
    fs::write(place.join("pkgs/01"), "tinybase\n--nogpgcheck\n").unwrap();
    let said = build("tiny1");
    assert!(said.contains("pkgs/01") && said.contains('2'), "{said}");
    fs::write(place.join("pkgs/01"), "no-such-package\n").unwrap();
    let said = build("tiny1");
    assert!(said.contains("Unable to find a match: no-such-package"), "{said}");
    assert!(sandbox.names_in(&sandbox.settings.roots.guest_base).is_empty());
}

#[test]
fn a_build_that_is_cancelled_leaves_nothing() {
    let sandbox = Sandbox::new();
    describe(&sandbox, &repository(sandbox.directory()));
    let words = ["fc6", "build", "-m", "yum", "--", "-d", "tiny1", "--", "endless"];
    let building = sandbox.begin(&words);
    let base = &sandbox.settings.roots.guest_base;
    until("a package's script runs", || {
        sandbox.names_in(base).iter().any(|name| base.join(name).join("root/begun").exists())
    });
    building.cancel();
    assert!(sandbox.names_in(base).is_empty());
    let configs = sandbox.names_in(&sandbox.settings.roots.config_base);
    assert!(configs.iter().all(|name| name.starts_with(".d")), "{configs:?}");
}

#[test]
fn a_build_that_died_leaves_nothing() {
    let sandbox = Sandbox::new();
    describe(&sandbox, &repository(sandbox.directory()));
    let words = ["fc6", "build", "-m", "yum", "--", "-d", "tiny1"];
    let output =
        sandbox.ulysse("vserver", &words).env("ULYSSE_CRASH_AT", YUM_CRASH_POINT).output().unwrap();
    assert_eq!(output.status.signal(), Some(9), "{output:?}");
    let repaired = sandbox.ulysse("doctor", &["--repair"]).output().unwrap();
    assert!(repaired.status.success(), "{repaired:?}");
    assert!(sandbox.names_in(&sandbox.settings.roots.guest_base).is_empty());
    sandbox.must(&words);
}
