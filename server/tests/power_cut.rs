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

use copies::run;
use sandbox::{Sandbox, leave_network};
use tiny_guest::make_guest;

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

fn leave_mounts() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
    run("mount", &["--make-rprivate", "/"]);
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
