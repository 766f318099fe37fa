//! A power cut: what is on disk then, and what the next start makes of it.
//!
//! The filesystems are real, on loop devices. What a disk holds at a moment is the image behind it at that
//! moment: what the kernel had not written yet is not in it.

mod copies;
mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::command::run;
use sandbox::{Sandbox, contents, leave_mounts, leave_network};
use tiny_guest::{make_course_vserver, make_guest};

/// What a disk holds; a guest of busybox is 2 MiB of it.
const SIZE_BYTES: u64 = 32 << 20;

/// A disk that somebody may cut the power of.
struct Disk {
    image: PathBuf,
}

impl Disk {
    /// Makes one, with a filesystem, and mounts it for this thread and what it starts.
    fn mount_new(sandbox: &Sandbox, name: &str, place: &Path) -> Self {
        let image = sandbox.directory().join(name);
        fs::File::create(&image).unwrap().set_len(SIZE_BYTES).unwrap();
        run("mkfs.ext4", &["-q", &image.display().to_string()]);
        fs::create_dir_all(place).unwrap();
        let disk = Self { image };
        disk.mount(place);
        fs::remove_dir(place.join("lost+found")).unwrap();
        disk
    }

    fn mount(&self, place: &Path) {
        run("mount", &["-o", "loop", &self.image.display().to_string(), &shown(place)]);
    }

    /// What it holds now, as another one.
    fn after_a_cut(&self) -> Self {
        let image = self.image.with_extension("cut");
        fs::copy(&self.image, &image).unwrap();
        Self { image }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Lets `vserver WORDS` die at a point.
fn dies_at(sandbox: &Sandbox, point: &str, words: &[&str]) {
    let output = sandbox.ulysse("vserver", words).env("ULYSSE_CRASH_AT", point).output().unwrap();
    assert_eq!(output.status.signal(), Some(9), "{point}: {output:?}");
}

fn doctor(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = sandbox.ulysse("doctor", words).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_a_build_has_committed_is_on_disk() {
    leave_network();
    leave_mounts();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    engine::config::ensure_defaults(roots).unwrap();
    let disk = Disk::mount_new(&sandbox, "disk", &roots.guest_base);
    let web = make_guest(&sandbox, "web", 100, "true");
    let source = format!("{}/", web.display());
    let after = sandbox.directory().join("after");
    fs::create_dir(&after).unwrap();
    for (name, words) in [
        ("clone", &["-m", "clone", "--", "--source", "web"][..]),
        ("rsync", &["-m", "rsync", "--", "--source", &source]),
        ("bare", &["-m", "skeleton"]),
    ] {
        dies_at(&sandbox, "build:committed", &[&[name, "build"], words].concat());
        disk.after_a_cut().mount(&after);
        let built: Vec<_> = sandbox
            .names_in(&roots.guest_base)
            .into_iter()
            .filter(|name| name.starts_with(".staging-"))
            .collect();
        assert_eq!(built.len(), 1, "{name}: {built:?}");
        let (here, there) = (roots.guest_base.join(&built[0]), after.join(&built[0]));
        let words = ["-r", "--no-dereference", &shown(&here), &shown(&there)];
        let compared = Command::new("diff").args(words).output().unwrap();
        assert!(compared.status.success(), "{name}: {compared:?}");
        nix::mount::umount(&after).unwrap();
        doctor(&sandbox, &["--repair"]);
        assert!(roots.guest_base.join(name).join("etc").is_dir(), "{name}");
    }
}

#[test]
fn another_volume_is_not_emptied_in_the_place_of_one_that_was_being_filled() {
    leave_network();
    leave_mounts();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    engine::config::ensure_defaults(roots).unwrap();
    let root = roots.guest_base.join("web");
    let begun = Disk::mount_new(&sandbox, "disk", &root);
    dies_at(&sandbox, "build:configured", &["web", "build", "-m", "skeleton"]);
    assert!(root.join("etc").is_dir(), "it is half done");
    nix::mount::umount(&root).unwrap();
    let _other = Disk::mount_new(&sandbox, "other", &root);
    fs::write(root.join("accounts"), "of ten years").unwrap();
    doctor(&sandbox, &["--repair"]);
    assert_eq!(fs::read_to_string(root.join("accounts")).unwrap(), "of ten years");
    nix::mount::umount(&root).unwrap();
    begun.mount(&root);
    // Where it was begun it is emptied, and can be built on.
    engine::tree::empty(&root).unwrap();
    dies_at(&sandbox, "build:configured", &["web", "build", "-m", "skeleton"]);
    doctor(&sandbox, &["--repair"]);
    assert_eq!(sandbox.names_in(&root), [""; 0]);
    sandbox.must(&["web", "build", "-m", "skeleton"]);
}

#[test]
fn an_operation_is_undone_whatever_the_cut_has_left_of_it() {
    leave_network();
    leave_mounts();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "nono", 100, "10.127.0.45");
    let whole = || [contents(&roots.config_base), contents(&roots.guest_base)];
    let old = whole();
    let operation = |file: &str| {
        let live = sandbox.names_in(&roots.operations().join(".live"));
        assert_eq!(live.len(), 1, "{live:?}");
        roots.operations().join(&live[0]).join(file)
    };
    let empty = |path: &Path| fs::File::options().write(true).open(path).unwrap().set_len(0);
    type Damage<'a> = &'a dyn Fn();
    let damages: [(&str, Damage<'_>); 5] = [
        ("nothing more is lost", &|| {}),
        ("how far it was is empty", &|| empty(&operation("operation.json")).unwrap()),
        ("how far it was is missing", &|| fs::remove_file(operation("operation.json")).unwrap()),
        ("all of it is empty", &|| {
            empty(&operation("operation.json")).unwrap();
            empty(&operation("task.json")).unwrap();
        }),
        ("its directory is missing", &|| fs::remove_dir_all(operation("")).unwrap()),
    ];
    for (what, damage) in damages {
        // What is known of operations is on a disk of its own, and the power is cut half way.
        let disk = Disk::mount_new(&sandbox, "state-disk", &roots.state_base);
        dies_at(&sandbox, "step:5", &["nono", "rename", "ulyse"]);
        assert_ne!(whole(), old, "{what}: it is half done");
        let disk = disk.after_a_cut();
        nix::mount::umount(&roots.state_base).unwrap();
        disk.mount(&roots.state_base);
        let task = fs::read_to_string(operation("task.json")).unwrap();
        assert!(task.ends_with('}'), "{what}: what was to be done is on disk: {task:?}");
        damage();
        assert!(doctor(&sandbox, &[]).contains("interrupted"), "{what}: it is seen");
        doctor(&sandbox, &["--repair"]);
        assert_eq!(whole(), old, "{what}");
        assert_eq!(sandbox.names_in(&roots.operations().join(".live")), [""; 0], "{what}");
        nix::mount::umount(&roots.state_base).unwrap();
    }
    // No change of a VServer goes on from half of another one.
    dies_at(&sandbox, "step:5", &["nono", "rename", "ulyse"]);
    fs::remove_dir_all(operation("")).unwrap();
    sandbox.must(&["nono", "protect"]);
    sandbox.must(&["nono", "unprotect"]);
    assert_eq!(whole(), old);
}
