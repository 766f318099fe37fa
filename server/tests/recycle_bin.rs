//! Deleting into the recycle bin, getting back, removing for good, and the protection against all of it.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::operation::Progress;
use domain::time::UnixMillis;
use engine::Engine;
use engine::clock::{Clock, RandomIds, SystemClock};
use engine::engine::Instance;
use nix::mount::{MsFlags, mount};
use sandbox::command::{code, complained};
use sandbox::{Sandbox, contents, leave_mounts, leave_network, until};
use tiny_guest::make_course_vserver;

const ADDRESS: &str = "10.127.0.30";
const DAY: i64 = 24 * 60 * 60 * 1000;

/// `ulysse bin WORDS`.
fn bin(sandbox: &Sandbox, words: &[&str]) -> Output {
    let mut command = sandbox.ulysse("bin", &[]);
    command.args(words).stdin(Stdio::null());
    command.output().unwrap()
}

fn listed(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let output = bin(sandbox, &["list"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().skip(1).filter(|line| line.starts_with('0'));
    rows.map(|row| row.split_whitespace().map(str::to_owned).collect()).collect()
}

/// Config tree and files of a VServer, without what it writes when it starts.
fn of(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let roots = &sandbox.settings.roots;
    let mut lines = contents(&roots.guest_base.join(name));
    lines.retain(|line| !line.starts_with("run/") && !line.starts_with("var/"));
    lines.extend(contents(&roots.config_base.join(name)));
    lines
}

/// An engine of the same instance, whose clock stands where it is told.
struct SetClock(Arc<AtomicI64>);

impl Clock for SetClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::Relaxed))
    }
}

fn engine(sandbox: &Sandbox) -> (Arc<Engine>, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(SystemClock.now().0));
    let instance = Instance {
        settings: sandbox.settings.clone(),
        settings_file: Some(sandbox.config.clone()),
        executable: env!("CARGO_BIN_EXE_ulysse").into(),
    };
    let ids = Box::<RandomIds>::default();
    (Engine::with(instance, Box::new(SetClock(Arc::clone(&now))), ids), now)
}

#[test]
fn a_deleted_vserver_comes_back_as_it_was() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    let before = of(&sandbox, "web");
    sandbox.must(&["web", "start"]);
    let output = sandbox.vserver(&["--silent", "web", "delete"]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert!(!roots.config_base.join("web").exists() && !roots.guest_base.join("web").exists());
    assert_eq!(code(&sandbox.vserver(&["web", "status"])), 5);
    let rows = listed(&sandbox);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][1..3], ["web", "200"]);
    let total = String::from_utf8(bin(&sandbox, &["list"]).stdout).unwrap();
    assert!(total.contains("In all: "), "{total}");

    let output = sandbox.vserver(&["web", "undelete"]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert!(complained(&output).contains("web is back."));
    assert_eq!(of(&sandbox, "web"), before);
    assert!(roots.log_base.join("web").is_dir());
    assert_eq!(listed(&sandbox).len(), 0);
    sandbox.must(&["web", "start"]);
    assert_eq!(sandbox.must(&["web", "exec", "hostname"]), "web.cume.fr\n");
    let output = sandbox.vserver(&["web", "undelete"]);
    assert!(complained(&output).contains("not in the recycle bin"), "{output:?}");
}

#[test]
fn what_others_took_meanwhile_is_said_and_free_values_are_offered() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    sandbox.must(&["--silent", "web", "delete"]);
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    let output = sandbox.vserver(&["web", "undelete"]);
    let text = complained(&output);
    assert_eq!(code(&output), 1, "{text}");
    for said in ["This name is taken", "Context 200 belongs to web", "belongs to web", "--as web-2"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    let (engine, _) = engine(&sandbox);
    let entry = engine.bin().entries.remove(0);
    let binned = engine.binned(&entry.id).unwrap();
    assert_eq!(binned.conflicts.0.len(), 4, "{:?}", binned.conflicts);
    let offer = binned.offer;
    // What is offered can be had.
    sandbox.must(&[
        "web",
        "undelete",
        "--as",
        &offer.name,
        "--context",
        &offer.context,
        "--interface",
        &offer.interfaces,
    ]);
    sandbox.must(&["web-2", "start"]);
    sandbox.must(&["web", "start"]);
    assert_eq!(sandbox.must(&["web-2", "exec", "hostname"]), "web-2.cume.fr\n");
    assert_eq!(sandbox.must(&["web-2", "exec", "cat", "/etc/hostname"]), "web-2\n");
    assert_eq!(listed(&sandbox).len(), 0);
}

#[test]
fn the_latest_of_a_name_comes_back_first_and_each_by_its_id() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let ids: Vec<String> = (0..2)
        .map(|number| {
            make_course_vserver(&sandbox, "web", 200 + number, ADDRESS);
            sandbox.must(&["--silent", "web", "delete"]);
            listed(&sandbox)[0][0].clone()
        })
        .collect();
    sandbox.must(&["web", "undelete"]);
    let context = sandbox.settings.roots.config_base.join("web/context");
    assert_eq!(fs::read_to_string(&context).unwrap(), "201\n");
    sandbox.must(&["--silent", "web", "delete", "--now"]);
    assert_eq!(listed(&sandbox).len(), 1, "--now keeps nothing");
    let output = bin(&sandbox, &["restore", &ids[0]]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(&context).unwrap(), "200\n");
}

#[test]
fn what_is_removed_is_gone_and_no_answer_means_no() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    for number in 0..3 {
        make_course_vserver(&sandbox, "web", 200 + number, ADDRESS);
        sandbox.must(&["--silent", "web", "delete"]);
    }
    let id = listed(&sandbox)[1][0].clone();
    assert_eq!(code(&bin(&sandbox, &["remove", &id])), 2);
    assert_eq!(listed(&sandbox).len(), 3);
    assert_eq!(code(&bin(&sandbox, &["remove", &id, "--yes"])), 0);
    assert_eq!(listed(&sandbox).len(), 2);
    assert_eq!(code(&bin(&sandbox, &["remove", &id, "--yes"])), 1);
    assert_eq!(code(&bin(&sandbox, &["remove", "../../etc", "--yes"])), 1);
    assert_eq!(code(&bin(&sandbox, &["empty"])), 2);
    assert_eq!(code(&bin(&sandbox, &["empty", "--yes"])), 0);
    assert_eq!(listed(&sandbox).len(), 0);
    let roots = &sandbox.settings.roots;
    for base in [&roots.config_base, &roots.guest_base, &roots.log_base] {
        assert_eq!(sandbox.names_in(&base.join(".bin")), [""; 0]);
    }
}

#[test]
fn what_is_protected_is_neither_deleted_nor_removed() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    let before = of(&sandbox, "web");
    sandbox.must(&["web", "protect"]);
    sandbox.must(&["web", "protect"]);
    assert!(roots.config_base.join("web/apps/ulysse/protected").is_file());
    for words in [&["--silent", "web", "delete"][..], &["--silent", "web", "delete", "--now"]] {
        let output = sandbox.vserver(words);
        assert_eq!(code(&output), 1);
        let text = complained(&output);
        assert!(text.contains("is protected") && text.contains("web unprotect"), "{text}");
    }
    let french = sandbox.ulysse("vserver", &["web", "delete"]).env("LC_ALL", "fr_FR").output();
    assert!(complained(&french.unwrap()).contains("web est protégé contre la suppression"));
    // Everything else goes on.
    sandbox.must(&["web", "start"]);
    sandbox.must(&["web", "rename", "www", "--restart"]);
    sandbox.must(&["www", "stop"]);
    assert_eq!(code(&sandbox.vserver(&["--silent", "www", "delete"])), 1);
    sandbox.must(&["www", "rename", "web"]);
    sandbox.must(&["web", "unprotect"]);
    let mut after = of(&sandbox, "web");
    after.retain(|line| !line.starts_with("apps/ulysse/"));
    assert_eq!(after, before);
    sandbox.must(&["--silent", "web", "delete"]);

    // In the bin, the file does the same.
    let id = listed(&sandbox)[0][0].clone();
    let tree = roots.config_base.join(".bin").join(&id).join("config");
    fs::create_dir_all(tree.join("apps/ulysse")).unwrap();
    fs::write(tree.join("apps/ulysse/protected"), "").unwrap();
    assert_eq!(code(&bin(&sandbox, &["remove", &id, "--yes"])), 1);
    let output = bin(&sandbox, &["empty", "--yes"]);
    assert!(complained(&output).contains("web stays: it is protected"), "{output:?}");
    let (engine, now) = engine(&sandbox);
    now.fetch_add(400 * DAY, Ordering::Relaxed);
    assert_eq!(engine.expire_bin(), []);
    sandbox.must(&["web", "undelete"]);
}

#[test]
fn what_has_been_there_for_long_enough_is_removed() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    sandbox.must(&["--silent", "web", "delete"]);
    let (engine, now) = engine(&sandbox);
    let begin = now.load(Ordering::Relaxed);
    for days in [0, 6] {
        now.store(begin + days * DAY, Ordering::Relaxed);
        assert_eq!(engine.expire_bin(), []);
    }
    now.store(begin + 8 * DAY, Ordering::Relaxed);
    let queued = engine.expire_bin();
    assert_eq!(queued.len(), 1);
    let progress = || engine.store().read(&queued[0].id).unwrap().progress;
    until("it is removed", || progress().is_final());
    assert_eq!(progress(), Progress::Succeeded);
    assert_eq!(engine.bin().entries, []);
    assert_eq!(engine.expire_bin(), []);
}

#[test]
fn where_nothing_is_kept_a_deletion_is_one_for_good() {
    leave_network();
    let mut sandbox = Sandbox::without_bases();
    sandbox.settings.recycle_bin.keep_days = 0;
    fs::write(&sandbox.config, toml::to_string(&sandbox.settings).unwrap()).unwrap();
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    let mut command = sandbox.ulysse("vserver", &["web", "delete"]);
    let asked = complained(&command.output().unwrap());
    assert!(asked.contains("for good"), "{asked}");
    sandbox.must(&["--silent", "web", "delete"]);
    assert_eq!(listed(&sandbox).len(), 0);
    assert!(!sandbox.settings.roots.config_base.join(".bin").exists());
}

#[test]
fn files_that_fill_a_volume_stay_on_it_until_they_are_removed() {
    leave_network();
    leave_mounts();
    let none: Option<&str> = None;
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    let (root, volume) = (roots.guest_base.join("web"), roots.guest_base.join("volume"));
    fs::rename(&root, &volume).unwrap();
    fs::create_dir(&root).unwrap();
    mount(Some(&volume), &root, none, MsFlags::MS_BIND, none).unwrap();
    let has_files = |path: &Path| path.join("bin/busybox").exists();
    sandbox.must(&["--silent", "web", "delete"]);
    assert!(has_files(&root), "they are where they were");
    sandbox.must(&["web", "undelete", "--as", "www"]);
    assert_eq!(fs::canonicalize(roots.config_base.join("www/vdir")).unwrap(), root);
    sandbox.must(&["www", "start"]);
    sandbox.must(&["--silent", "www", "delete"]);
    let id = listed(&sandbox)[0][0].clone();
    assert_eq!(code(&bin(&sandbox, &["remove", &id, "--yes"])), 0);
    assert!(!has_files(&root) && root.is_dir());
    nix::mount::umount(&root).unwrap();
}

#[test]
fn another_volume_in_the_place_of_a_deleted_one_keeps_all_that_is_on_it() {
    leave_network();
    leave_mounts();
    let none: Option<&str> = None;
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    let root = roots.guest_base.join("web");
    let others = sandbox.directory().join("other-disk");
    fs::create_dir(&others).unwrap();
    fs::write(others.join("accounts"), "of ten years\n").unwrap();
    let kept = || fs::read_to_string(root.join("accounts")).unwrap() == "of ten years\n";
    let own = sandbox.directory().join("disk");
    fs::create_dir(&own).unwrap();
    fs::create_dir_all(&root).unwrap();
    let put = |disk: &Path| mount(Some(disk), &root, none, MsFlags::MS_BIND, none).unwrap();
    let swap = |disk: &Path| {
        nix::mount::umount(&root).unwrap();
        put(disk);
    };
    put(&own);
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    sandbox.must(&["--silent", "web", "delete"]);

    // It is not had back on what is not its own.
    swap(&others);
    let said = complained(&sandbox.vserver(&["web", "undelete"]));
    assert!(said.contains("is not the volume that the files are on"), "{said}");
    // It is not emptied by a removal that a crash left to be finished, with another one there by then.
    swap(&own);
    let remove = |point: &str| {
        let id = listed(&sandbox)[0][0].clone();
        let mut command = sandbox.ulysse("bin", &["remove", &id, "--yes"]);
        command.env("ULYSSE_CRASH_AT", point).stdin(Stdio::null()).output().unwrap()
    };
    assert!(!remove("purge:committed").status.success());
    swap(&others);
    let output = sandbox.ulysse("doctor", &["--repair"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(kept() && listed(&sandbox).is_empty());
    swap(&own);
    assert!(root.join("bin/busybox").exists(), "whose they are is not known any more: they stay");

    // Nor by one that is asked for while another one is there; the same of deletions at once.
    fs::remove_dir_all(own.join("bin")).unwrap();
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    sandbox.must(&["--silent", "web", "delete"]);
    swap(&others);
    let output = remove("");
    assert!(output.status.success(), "{output:?}");
    assert!(!complained(&output).contains("is emptied"), "{output:?}");
    assert!(kept() && listed(&sandbox).is_empty());
    swap(&own);
    assert!(root.join("bin/busybox").exists());
    fs::remove_dir_all(own.join("bin")).unwrap();
    make_course_vserver(&sandbox, "web", 200, ADDRESS);
    let mut command = sandbox.ulysse("vserver", &["--silent", "web", "delete", "--now"]);
    command.env("ULYSSE_CRASH_AT", "delete:committed").stdin(Stdio::null());
    assert!(!command.output().unwrap().status.success());
    swap(&others);
    assert!(sandbox.ulysse("doctor", &["--repair"]).status().unwrap().success());
    assert!(kept());
    nix::mount::umount(&root).unwrap();
}
