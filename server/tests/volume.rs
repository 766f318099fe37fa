//! VServers on logical volumes of their own, as the course makes them: renamed with volume, mount point
//! and the host's fstab, killed while they are; deleted, had back, copied, saved.
//!
//! lvm2 and the kernel's device-mapper are real. Not every kernel has one, so all of this is skipped but where
//! it is asked for: the VM suite runs it.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use domain::operation::Kind;
use engine::operation::CRASH_POINTS;
use engine::state::{GuestState, ProcessIdentity};
use nix::mount::{MntFlags, MsFlags, mount, umount, umount2};
use sandbox::command::{complained, run};
use sandbox::{Sandbox, contents, leave_mounts, leave_network, until};
use tiny_guest::make_course_vserver;

const ADDRESS: &str = "10.127.0.50";
const NONE: Option<&str> = None;

/// A host with a volume group on a loop device, and VServers on logical volumes of it. All of it is gone
/// when this is dropped.
struct Host {
    sandbox: Sandbox,
    group: String,
    device: String,
}

impl Host {
    /// The calling thread gets a network and a mount table of its own.
    fn make() -> Self {
        leave_network();
        leave_mounts();
        let sandbox = Sandbox::without_bases();
        let image = sandbox.directory().join("disk");
        fs::File::create(&image).unwrap().set_len(256 << 20).unwrap();
        let device = run("losetup", &["--find", "--show", image.to_str().unwrap()]);
        let group = sandbox.settings.roots.cgroup_root.clone();
        let host = Self { sandbox, group, device: device.trim().to_owned() };
        run("vgcreate", &["-q", &host.group, &host.device]);
        host
    }

    fn root(&self, name: &str) -> PathBuf {
        self.sandbox.settings.roots.guest_base.join(name)
    }

    fn device(&self, volume: &str) -> String {
        format!("/dev/{}/{volume}", self.group)
    }

    /// The host's fstab.
    fn fstab(&self) -> String {
        fs::read_to_string(&self.sandbox.settings.roots.host_fstab).unwrap_or_default()
    }

    /// The names of the logical volumes.
    fn volumes(&self) -> Vec<String> {
        let names = run("lvs", &["--noheadings", "-o", "lv_name", &self.group]);
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// Makes a volume, mounts it where the files of a VServer go, and writes it into the host's fstab.
    fn make_volume(&self, name: &str) {
        let (device, root) = (self.device(name), self.root(name));
        run("lvcreate", &["-q", "-y", "-W", "n", "-n", name, "-L", "40M", &self.group]);
        run("mke2fs", &["-q", "-j", "-L", name, &device]);
        fs::create_dir_all(&root).unwrap();
        let line = format!("{device} {} ext4 defaults 0 2\n", root.display());
        fs::write(&self.sandbox.settings.roots.host_fstab, self.fstab() + &line).unwrap();
        self.mount(name);
    }

    fn mount(&self, name: &str) {
        let fstab = self.sandbox.settings.roots.host_fstab.to_str().unwrap();
        run("mount", &["-T", fstab, self.root(name).to_str().unwrap()]);
    }

    /// Makes the VServer of the course on a volume of its own.
    fn make_vserver(&self, name: &str, context: u32, address: &str) {
        self.make_volume(name);
        make_course_vserver(&self.sandbox, name, context, address);
    }

    /// What is mounted where the files of a VServer go.
    fn mounted(&self, name: &str) -> Option<String> {
        let table = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        let root = self.root(name);
        let line = table.lines().find(|line| line.split(' ').nth(4) == root.to_str())?;
        line.split(" - ").nth(1)?.split(' ').nth(1).map(str::to_owned)
    }

    /// Everything that a change of a VServer on a volume touches.
    fn everything(&self) -> Vec<String> {
        let roots = &self.sandbox.settings.roots;
        let mut lines = contents(&roots.config_base);
        lines.extend(contents(&roots.guest_base));
        lines.extend(self.sandbox.names_in(&roots.log_base));
        lines.extend(self.sandbox.names_in(&roots.cache_base));
        // Written by whatever starts inside; the recycle bin, be there something in it or not.
        let is_its_own = |line: &str| !line.contains("/var/") && !line.contains("/run");
        lines.retain(|line| is_its_own(line) && !line.starts_with(".bin"));
        lines.push(self.fstab());
        lines.extend(self.volumes());
        let mounted = ["nono", "ulyse"].map(|name| format!("{name}: {:?}", self.mounted(name)));
        lines.extend(mounted);
        lines
    }

    fn init(&self, name: &str) -> Option<ProcessIdentity> {
        let roots = &self.sandbox.settings.roots;
        GuestState::running(roots, &name.parse().unwrap()).unwrap().and_then(|state| state.init)
    }

    /// What is said when `vserver WORDS` is refused.
    fn refused(&self, words: &[&str]) -> String {
        let output = self.sandbox.vserver(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
        complained(&output)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.sandbox.end_guests();
        let table = fs::read_to_string("/proc/thread-self/mountinfo").unwrap_or_default();
        let paths = table.lines().filter_map(|line| line.split(' ').nth(4));
        for path in paths.filter(|path| Path::new(path).starts_with(self.sandbox.directory())) {
            let _ = umount2(path, MntFlags::MNT_DETACH);
        }
        let does = |words: &[&str]| {
            Command::new(words[0]).args(&words[1..]).output().is_ok_and(|out| out.status.success())
        };
        // What a guest had mounted goes a moment after its last process.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !does(&["vgremove", "-q", "-f", "-y", &self.group]) && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        does(&["losetup", "--detach", &self.device]);
    }
}

#[test]
#[ignore = "needs device-mapper: run by make test-vm SUITES=volume"]
fn a_vserver_is_renamed_with_its_volume_and_nothing_holds_on_to_it() {
    let host = Host::make();
    host.make_vserver("nono", 200, ADDRESS);
    make_course_vserver(&host.sandbox, "front", 201, "10.127.0.51");
    // Started while the volume is mounted: it must not keep it.
    host.sandbox.must(&["front", "start"]);
    host.sandbox.must(&["nono", "start"]);

    let plan = host.sandbox.must(&["nono", "rename", "ulyse", "--restart", "--dry-run"]);
    for line in [
        format!("umount {}\n", host.root("nono").display()),
        format!("lvrename {} nono ulyse\n", host.group),
        format!(" {}\n", host.root("ulyse").display()),
    ] {
        assert!(plan.contains(&line), "{line}: {plan}");
    }
    host.sandbox.must(&["nono", "rename", "ulyse", "--restart"]);
    assert_eq!(host.volumes(), ["ulyse"]);
    assert!(Path::new(&host.device("ulyse")).exists() && !Path::new(&host.device("nono")).exists());
    assert!(host.mounted("ulyse").is_some_and(|device| device.ends_with("-ulyse")));
    assert!(host.mounted("nono").is_none() && !host.root("nono").exists());
    let line =
        format!("{} {} ext4 defaults 0 2\n", host.device("ulyse"), host.root("ulyse").display());
    assert_eq!(host.fstab(), line);
    let config = &host.sandbox.settings.roots.config_base;
    let read = |path: &str| fs::read_to_string(config.join("ulyse").join(path)).unwrap();
    for (path, text) in
        [("name", "ulyse\n"), ("uts/nodename", "ulyse.cume.fr\n"), ("interfaces/0/name", "ulyse\n")]
    {
        assert_eq!(read(path), text, "{path}");
    }
    for link in ["vdir", "cache", "run"] {
        let target = fs::read_link(config.join("ulyse").join(link)).unwrap();
        assert!(target.ends_with("ulyse"), "{}", target.display());
    }
    assert_eq!(host.sandbox.must(&["ulyse", "exec", "hostname"]), "ulyse.cume.fr\n");
    assert_eq!(host.sandbox.must(&["ulyse", "exec", "cat", "/etc/hostname"]), "ulyse\n");
    host.sandbox.must(&["ulyse", "stop"]);

    // Whoever has started meanwhile has nothing of it.
    umount(&host.root("ulyse")).unwrap();
    run("lvremove", &["-q", "-y", &format!("{}/ulyse", host.group)]);
    host.sandbox.must(&["front", "stop"]);
}

#[test]
#[ignore = "needs device-mapper: run by make test-vm SUITES=volume"]
fn a_renaming_that_was_killed_left_all_of_it_old_or_new() {
    /// More records than its journal has.
    const MOST_RECORDS: usize = 40;
    let host = Host::make();
    host.make_vserver("nono", 200, ADDRESS);
    let old = host.everything();
    host.sandbox.must(&["nono", "rename", "ulyse"]);
    let new = host.everything();
    assert_ne!(old, new);
    let live = host.sandbox.settings.roots.operations().join(".live");
    let mut is_new = true;
    // Whether it died; then what there is then is one or the other, and runs if it ran.
    let mut kill = |(variable, point): (&str, &str), words: &[&str]| {
        let (from, to) = if is_new { ("ulyse", "nono") } else { ("nono", "ulyse") };
        let all = [&[from, "rename", to], words].concat();
        let output = host.sandbox.ulysse("vserver", &all).env(variable, point).output().unwrap();
        let died = output.status.signal() == Some(9);
        assert!(died || output.status.success(), "{point}: {output:?}");
        let output = host.sandbox.ulysse("doctor", &["--repair"]).output().unwrap();
        assert!(output.status.success(), "{point}: {output:?}");
        // The supervisor that reports its guest's end may have been first to put it right.
        until("it is put right", || host.sandbox.names_in(&live).is_empty());
        let now = host.everything();
        assert!(now == old || now == new, "{point}: {now:?}");
        let was_done = is_new != (now == new);
        is_new = now == new;
        let (name, other) = if is_new { ("ulyse", "nono") } else { ("nono", "ulyse") };
        assert_eq!(host.init(name).is_some(), words.contains(&"--restart"), "{point}");
        assert_eq!(host.init(other), None, "{point}");
        (died, was_done)
    };
    let mut ends = Vec::new();
    for record in 0..MOST_RECORDS {
        let (died, was_done) = kill(("ULYSSE_CRASH_AFTER_RECORD", &record.to_string()), &[]);
        if !died {
            break;
        }
        ends.push(was_done);
    }
    // Its own files; unmounting, volume, directory, fstab, mounting, config tree. Nothing of it is done
    // before the last record, which says that it is.
    assert!((17..MOST_RECORDS).contains(&ends.len()), "{ends:?}");
    assert_eq!(ends.iter().position(|was_done| *was_done), Some(ends.len() - 1), "{ends:?}");

    // While it runs: it is started again, as what it is by then.
    let name = if host.root("nono").exists() { "nono" } else { "ulyse" };
    host.sandbox.must(&[name, "start"]);
    let (_, points) = CRASH_POINTS.iter().find(|(kind, _)| *kind == Kind::Rename).unwrap();
    for point in points.iter().filter(|point| point.starts_with("identity:")) {
        let (died, _) = kill(("ULYSSE_CRASH_AT", point), &["--restart"]);
        assert!(died, "{point} is passed");
    }
}

#[test]
#[ignore = "needs device-mapper: run by make test-vm SUITES=volume"]
fn what_cannot_be_done_on_a_volume_is_said_before_anything_is() {
    let host = Host::make();
    host.make_vserver("nono", 200, ADDRESS);
    run("lvcreate", &["-q", "-y", "-W", "n", "-n", "ulyse", "-L", "4M", &host.group]);
    host.sandbox.must(&["nono", "start"]);
    let (before, first) = (host.everything(), host.init("nono"));
    let root = host.root("nono");
    let rename = |to| ["nono", "rename", to, "--restart"];
    let is_untouched = || {
        assert_eq!(host.everything(), before);
        assert_eq!(host.init("nono"), first);
    };

    let said = host.refused(&rename("ulyse"));
    assert!(said.contains("has another one that is called ulyse"), "{said}");
    let said = host.refused(&["nono", "rename", "ulyse", "--restart", "--dry-run"]);
    assert!(said.contains("has another one that is called ulyse"), "{said}");
    // lvm2 keeps such names to itself.
    let said = host.refused(&rename("snapshot1"));
    assert!(said.contains("lvrename") && said.contains("are reserved"), "{said}");
    is_untouched();

    // Somebody has gone there.
    let mut shell = Command::new("cat").current_dir(&root).stdin(Stdio::piped()).spawn().unwrap();
    let said = host.refused(&rename("other"));
    assert!(said.contains("is in use") && said.contains("fuser -vm"), "{said}");
    let french = host.sandbox.ulysse("vserver", &rename("other")).env("LC_ALL", "fr_FR").output();
    let said = complained(&french.unwrap());
    assert!(said.contains("est utilisé et ne peut pas être démonté"), "{said}");
    drop(shell.stdin.take());
    shell.wait().unwrap();
    is_untouched();

    let below = root.join("tmp");
    mount(Some("tmpfs"), &below, Some("tmpfs"), MsFlags::empty(), NONE).unwrap();
    for words in [&rename("other")[..], &["--silent", "nono", "delete"]] {
        let said = host.refused(words);
        assert!(said.contains("is mounted, inside"), "{said}");
    }
    umount(&below).unwrap();
    is_untouched();

    let options = |flags| mount(NONE, &root, NONE, MsFlags::MS_REMOUNT | flags, NONE).unwrap();
    host.sandbox.must(&["nono", "stop"]);
    let before = host.everything();
    options(MsFlags::MS_RDONLY);
    for words in [&["nono", "rename", "other"][..], &["--silent", "nono", "delete", "--now"]] {
        let said = host.refused(words);
        assert!(said.contains("for reading only"), "{said}");
    }
    options(MsFlags::empty());
    assert_eq!(host.everything(), before);

    // It was forgotten to mount it.
    umount(&root).unwrap();
    for words in [
        &["nono", "rename", "other"][..],
        &["--silent", "nono", "delete"],
        &["--silent", "nono", "delete", "--now"],
    ] {
        let said = host.refused(words);
        assert!(said.contains("is not mounted at") && said.contains("Mount it"), "{said}");
    }
    host.mount("nono");
    assert_eq!(host.everything(), before);
    host.sandbox.must(&["nono", "rename", "other"]);
}

#[test]
#[ignore = "needs device-mapper: run by make test-vm SUITES=volume"]
fn a_deleted_vserver_leaves_its_volume_mounted_and_in_the_fstab() {
    let host = Host::make();
    host.make_vserver("nono", 200, ADDRESS);
    let (root, fstab) = (host.root("nono"), host.fstab());
    // What is cached does not come back.
    fs::remove_dir(host.sandbox.settings.roots.cache_base.join("nono")).unwrap();
    let before = host.everything();
    let is_kept = || {
        assert_eq!((host.volumes(), host.fstab()), (vec!["nono".to_owned()], fstab.clone()));
        assert!(host.mounted("nono").is_some());
    };
    let bin = |words: &[&str]| host.sandbox.ulysse("bin", words).output().unwrap();
    let id = || {
        let list = String::from_utf8(bin(&["list"]).stdout).unwrap();
        list.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    };
    host.sandbox.must(&["nono", "start"]);
    let output = host.sandbox.vserver(&["nono", "delete"]);
    let said = complained(&output);
    assert!(said.contains("stays mounted, with the files on it, until"), "{said}");
    host.sandbox.must(&["--silent", "nono", "delete"]);
    is_kept();
    assert!(root.join("bin/busybox").exists(), "nothing of it is lost");
    // Nobody else is built over it.
    let said = host.refused(&["nono", "build", "-m", "skeleton"]);
    assert!(said.contains("holds files"), "{said}");

    // It is not had back without its files.
    umount(&root).unwrap();
    let said = host.refused(&["nono", "undelete"]);
    assert!(said.contains("is not mounted at"), "{said}");
    host.mount("nono");
    host.sandbox.must(&["nono", "undelete"]);
    assert_eq!(host.everything(), before);
    host.sandbox.must(&["nono", "start"]);

    host.sandbox.must(&["--silent", "nono", "delete"]);
    let output = bin(&["remove", &id(), "--yes"]);
    assert!(output.status.success(), "{output:?}");
    assert!(complained(&output).contains("is emptied and stays mounted"), "{output:?}");
    is_kept();
    assert_eq!(host.sandbox.names_in(&root), ["lost+found"]);
    assert_eq!(host.sandbox.names_in(&host.sandbox.settings.roots.bin()), [""; 0]);

    // The next of its name is built on it.
    host.sandbox.must(&["nono", "build", "-m", "skeleton"]);
    is_kept();
    assert!(root.join("etc").is_dir());
    host.sandbox.must(&["--silent", "nono", "delete", "--now"]);
    is_kept();
    assert_eq!(host.sandbox.names_in(&root), ["lost+found"]);

    // In the bin, its volume is taken away by hand: that loses nothing of what is on it.
    make_course_vserver(&host.sandbox, "nono", 200, ADDRESS);
    host.sandbox.must(&["--silent", "nono", "delete"]);
    umount(&root).unwrap();
    assert!(bin(&["remove", &id(), "--yes"]).status.success());
    host.mount("nono");
    assert!(root.join("bin/busybox").exists());
}

#[test]
#[ignore = "needs device-mapper: run by make test-vm SUITES=volume"]
fn a_volume_that_is_mounted_as_ext3_is_told_how_to_be_mounted() {
    let host = Host::make();
    host.make_vserver("nono", 200, ADDRESS);
    let root = host.root("nono");
    let again = |kind: &str| {
        umount(&root).unwrap();
        run("mount", &["-t", kind, &host.device("nono"), root.to_str().unwrap()]);
    };
    again("ext3");
    for words in [&["nono", "start"][..], &["copy", "build", "-m", "clone", "--", "-s", "nono"]] {
        let said = host.refused(words);
        assert!(said.contains("is mounted as ext3") && said.contains("mount -t ext4"), "{said}");
    }
    assert!(!host.root("copy").exists());
    again("ext4");
    host.sandbox.must(&["nono", "start"]);
    host.sandbox.must(&["nono", "stop"]);
}

#[test]
#[ignore = "needs device-mapper: run by make test-vm SUITES=volume"]
fn a_vserver_on_a_volume_is_copied_and_saved_while_it_runs() {
    let host = Host::make();
    host.make_vserver("nono", 200, ADDRESS);
    host.make_volume("twin");
    host.sandbox.must(&["nono", "start"]);
    let first = host.init("nono");
    for (name, method) in [("one", "clone"), ("twin", "rsync")] {
        host.sandbox.must(&[name, "build", "-m", method, "--", "--source", "nono"]);
        assert!(host.root(name).join("bin/busybox").exists());
        host.sandbox.must(&[name, "start"]);
        assert_eq!(host.sandbox.must(&[name, "exec", "hostname"]), format!("{name}\n"));
        host.sandbox.must(&[name, "stop"]);
    }
    assert!(!host.root("one").join("lost+found").exists(), "that is the volume's");
    assert!(host.root("twin").join("lost+found").exists());

    host.sandbox.must(&["nono", "backup", "--pause"]);
    let list = host.sandbox.must(&["nono", "backup", "list"]);
    let backup = list.split('\t').next().unwrap();
    host.sandbox.must(&["--silent", "twin", "delete", "--now"]);
    // Beside it in a directory, and on a volume that has a lost+found of its own.
    for name in ["three", "twin"] {
        let words = [name, "backup", "restore", backup, "--context", "250", "--hostname", name];
        host.sandbox.must(&[&words[..], &["--interface", "none"]].concat());
        host.sandbox.must(&[name, "start"]);
        host.sandbox.must(&[name, "stop"]);
        assert_eq!(host.root(name).join("lost+found").exists(), name == "twin");
        host.sandbox.must(&["--silent", name, "delete", "--now"]);
    }
    assert_eq!(host.init("nono"), first, "it has run all the time");
}
