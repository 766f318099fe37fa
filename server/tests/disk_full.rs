//! A disk that fills up under an operation: it says so, with the place, and leaves what was there before.
//!
//! The filesystem is real and small, and the operations are those that write a whole system. A restore
//! looks for room beforehand; the others find out by writing.

mod copies;
mod sandbox;
mod tiny_guest;

use std::fs;
use std::io::Read;
use std::path::Path;

use copies::{course_network, refused};
use sandbox::command::run;
use sandbox::{Sandbox, build_words, contents, leave_mounts};
use tiny_guest::make_guest;

/// What the small filesystem holds; a guest of busybox is 2 MiB of it.
const SIZE_BYTES: u64 = 24 << 20;
/// What the guest holds beside busybox: too much to be there twice.
const BALLAST_BYTES: u64 = 10 << 20;

/// Bytes that no compression makes fewer.
fn ballast() -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open("/dev/urandom").unwrap().take(BALLAST_BYTES).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Mounts a small filesystem there, for this thread and what it starts.
fn mount_small(image: &Path, place: &Path) {
    fs::File::create(image).unwrap().set_len(SIZE_BYTES).unwrap();
    let image = image.display().to_string();
    run("mkfs.ext4", &["-q", "-O", "^has_journal", &image]);
    fs::create_dir_all(place).unwrap();
    run("mount", &["-o", "loop", &image, &place.display().to_string()]);
    fs::remove_dir(place.join("lost+found")).unwrap();
}

#[test]
fn what_does_not_fit_is_undone_and_said() {
    course_network();
    leave_mounts();
    // The base is elsewhere; a copy of it does not fit.
    let sandbox = Sandbox::new();
    let elsewhere = Sandbox::new();
    assert!(elsewhere.build("base").status.success(), "the base is made, or there already");
    let roots = &sandbox.settings.roots;
    engine::config::ensure_defaults(roots).unwrap();
    mount_small(&sandbox.directory().join("image"), &roots.guest_base);
    let web = make_guest(&sandbox, "web", 100, "true");
    fs::write(web.join("var/ballast"), ballast()).unwrap();
    let archive = sandbox.directory().join("web.tar.gz").display().to_string();
    run("tar", &["-czf", &archive, "-C", &web.display().to_string(), "."]);
    sandbox.must(&["web", "backup"]);
    let list = sandbox.must(&["web", "backup", "list"]);
    let backup = list.split('\t').next().unwrap();

    let source = format!("{}/", web.display());
    let before = [contents(&roots.guest_base), contents(&roots.config_base)];
    for words in [
        &build_words("new")[..],
        &["new", "build", "-m", "clone", "--", "--source", "web"],
        &["new", "build", "-m", "rsync", "--", "--source", &source],
        &["new", "build", "-m", "template", "--", "-t", &archive],
        &["new", "backup", "restore", backup, "--context", "7", "--hostname", "new"],
    ] {
        let said = refused(&sandbox, words);
        assert!(said.contains("no space left"), "{words:?}: {said}");
        let after = [contents(&roots.guest_base), contents(&roots.config_base)];
        assert_eq!(after, before, "{words:?}");
    }
    sandbox.must(&["web", "start"]);
    assert_eq!(sandbox.must(&["web", "exec", "hostname"]), "web.cume.fr\n");
    sandbox.must(&["web", "stop"]);
}

#[test]
fn a_backup_that_does_not_fit_is_not_kept() {
    course_network();
    leave_mounts();
    let sandbox = Sandbox::without_bases();
    let target = sandbox.directory().join("backups");
    mount_small(&sandbox.directory().join("image"), &target);
    let web = make_guest(&sandbox, "web", 100, "true");
    fs::write(web.join("var/ballast"), ballast()).unwrap();
    sandbox.must(&["web", "backup"]);
    let kept = sandbox.must(&["web", "backup", "list"]);
    let files = contents(&target);
    let said = refused(&sandbox, &["web", "backup"]);
    assert!(said.contains("no space left"), "{said}");
    assert_eq!(sandbox.must(&["web", "backup", "list"]), kept);
    assert_eq!(contents(&target), files);
    let backup = kept.split('\t').next().unwrap();
    assert!(sandbox.ulysse("backup", &["verify", backup]).status().unwrap().success());
}
