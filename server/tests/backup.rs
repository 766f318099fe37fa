//! Backups of real VServers: taken while it runs, read back, restored beside it, one file of it put
//! back; what is damaged, partial, hostile or in the way.

mod full_guest;
mod sandbox;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use domain::operation::Kind;
use engine::config;
use engine::freezer;
use engine::operation::CRASH_POINTS;
use engine::state::GuestState;
use full_guest::{described, filetime, make_tiny};
use sandbox::command::{complained, said};
use sandbox::{Sandbox, leave_network, until};

/// The backups of `tiny`, the newest first.
fn backups(sandbox: &Sandbox) -> Vec<String> {
    let list = sandbox.must(&["tiny", "backup", "list"]);
    list.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

fn archive(sandbox: &Sandbox, backup: &str) -> PathBuf {
    let id = backup.rsplit(':').next().unwrap();
    sandbox.config.with_file_name("backups").join("tiny").join(format!("{id}.tar.zst"))
}

fn ulysse_backup(sandbox: &Sandbox, words: &[&str]) -> Output {
    sandbox.ulysse("backup", words).output().unwrap()
}

fn config_text(sandbox: &Sandbox, name: &str, file: &str) -> String {
    fs::read_to_string(sandbox.settings.roots.config_base.join(name).join(file)).unwrap()
}

#[test]
fn a_vserver_is_backed_up_browsed_verified_and_restored_beside_itself() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let root = make_tiny(&sandbox);
    let before = described(&root);
    let output = sandbox.vserver(&["tiny", "backup"]);
    assert!(output.status.success(), "{output:?}");
    assert!(complained(&output).contains("Kept as local:tiny:"), "{output:?}");
    let backup = backups(&sandbox).remove(0);
    // Nobody else may look into it, and nothing partial is left.
    let kept = archive(&sandbox, &backup);
    assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o777, 0o600);
    assert_eq!(sandbox.names_in(kept.parent().unwrap()).len(), 1);

    let shown = said(&ulysse_backup(&sandbox, &["show", &backup]));
    assert!(shown.contains("consistency\tstopped\n") && shown.contains("packages\t1\n"), "{shown}");
    let listed = said(&ulysse_backup(&sandbox, &["browse", &backup, "/var/odd"]));
    assert!(listed.contains("-4755\t0:0\t") && listed.contains("leads out -> /etc/shadow"));
    assert!(ulysse_backup(&sandbox, &["verify", &backup]).status.success());

    // GNU tar reads it too, holes and all.
    let place = sandbox.config.with_file_name("by-hand");
    fs::create_dir(&place).unwrap();
    let output = Command::new("tar")
        .args(["--zstd", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf"])
        .arg(&kept)
        .arg("-C")
        .arg(&place)
        .output()
        .unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let holes = fs::read(place.join("files/var/odd/holes")).unwrap();
    assert!(holes == fs::read(root.join("var/odd/holes")).unwrap());
    assert_eq!(fs::metadata(place.join("files/var/odd/owned")).unwrap().uid(), 33);
    assert!(place.join("files/var/odd").join("x".repeat(200)).exists());

    // Beside itself: its name, context, host name and address are its own.
    let output = sandbox.vserver(&["tiny", "backup", "restore", &backup]);
    assert_eq!(output.status.code(), Some(1));
    let text = complained(&output);
    for expected in
        ["This name is taken", "Context 100 belongs to tiny", "10.127.0.9 belongs to tiny"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!sandbox.settings.roots.guest_base.join("tiny-2").exists());
    let line = text.lines().find_map(|line| line.split("This would do: vserver ").nth(1)).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[0], "tiny-2");
    // What is free of what was asked for stays.
    let asked = ["other", "backup", "restore", &backup, "--context", "170"];
    let instead = complained(&sandbox.vserver(&asked));
    assert!(instead.contains("This would do: vserver other backup restore"), "{instead}");
    assert!(instead.contains(" --context 170 "), "{instead}");
    assert!(
        instead.contains("--interface: 10.127.0.9 belongs to tiny. Choose another."),
        "{instead}"
    );
    sandbox.must(&words);

    let twin = sandbox.settings.roots.guest_base.join("tiny-2");
    let mut after = described(&twin);
    for file in ["\"etc/hostname\"", "\"etc/hosts\"", "\"etc/machine-id\"", "\"etc\""] {
        assert!(after.remove(file).is_some());
    }
    let mut expected = before.clone();
    expected.retain(|path, _| after.contains_key(path));
    assert_eq!(after, expected);
    assert_eq!(before.len(), after.len() + 4);
    assert_eq!(fs::read_to_string(twin.join("etc/machine-id")).unwrap(), "");
    assert_eq!(config_text(&sandbox, "tiny-2", "name"), "tiny-2\n");
    assert_eq!(config_text(&sandbox, "tiny-2", "uts/nodename"), "tiny-2\n");
    assert_eq!(config_text(&sandbox, "tiny-2", "interfaces/0/ip"), "10.127.0.2\n");
    let config = &sandbox.settings.roots.config_base;
    assert!(config.join("tiny-2/interfaces/0/novlandev").exists());
    assert_eq!(fs::read(config.join("tiny-2/apps/unknown/file")).unwrap(), b"\xff\0\n");
    sandbox.must(&["tiny-2", "start"]);
    assert_eq!(sandbox.must(&["tiny-2", "exec", "hostname"]), "tiny-2\n");
    sandbox.must(&["tiny-2", "stop"]);

    // In place of itself, once it is gone: all as it was.
    sandbox.must(&["--silent", "tiny", "delete"]);
    sandbox.must(&["tiny", "backup", "restore", &backup]);
    assert_eq!(described(&root), before);
    assert_eq!(config_text(&sandbox, "tiny", "context"), "100\n");
    sandbox.must(&["tiny", "start"]);
    sandbox.must(&["tiny", "stop"]);
}

#[test]
fn one_that_runs_is_backed_up_and_goes_on() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    sandbox.must(&["tiny", "start"]);
    let state =
        || GuestState::running(&sandbox.settings.roots, &"tiny".parse().unwrap()).unwrap().unwrap();
    let init = state().init;
    for words in [&["tiny", "backup"][..], &["tiny", "backup", "--pause"]] {
        sandbox.must(words);
        assert!(!freezer::is_frozen(&state().cgroups));
        assert_eq!(state().init, init);
        assert!(sandbox.vserver(&["tiny", "exec", "true"]).status.success());
    }
    let how = |backup: &str| {
        let shown = said(&ulysse_backup(&sandbox, &["show", backup]));
        shown.lines().find_map(|line| line.strip_prefix("consistency\t")).unwrap().to_owned()
    };
    let taken = backups(&sandbox);
    assert!(["paused", "snapshot"].contains(&how(&taken[0]).as_str()));
    assert!(["running", "snapshot"].contains(&how(&taken[1]).as_str()));
    sandbox.must(&["tiny", "stop"]);
}

#[test]
fn a_file_is_put_back_and_none_is_replaced() {
    let sandbox = Sandbox::without_bases();
    let root = make_tiny(&sandbox);
    sandbox.must(&["tiny", "backup"]);
    let backup = backups(&sandbox).remove(0);
    let file = root.join("var/odd/owned");
    fs::remove_file(&file).unwrap();
    sandbox.must(&["tiny", "backup", "restore-file", &backup, "/var/odd/owned"]);
    let found = fs::metadata(&file).unwrap();
    assert_eq!((fs::read_to_string(&file).unwrap().as_str(), found.uid()), ("33\n", 33));
    fs::write(&file, "changed since").unwrap();
    sandbox.must(&["tiny", "backup", "restore-file", &backup, "/var/odd/second name"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "changed since");
    let id = backup.rsplit(':').next().unwrap();
    let beside = root.join(format!("var/odd/second name.restored-{id}"));
    assert_eq!(fs::read_to_string(beside).unwrap(), "33\n");
    // Through a link that leads out nothing is written, whatever it is called.
    fs::remove_dir_all(root.join("var/empty")).unwrap();
    fs::rename(root.join("etc"), root.join("etc.old")).unwrap();
    symlink(sandbox.config.parent().unwrap(), root.join("etc")).unwrap();
    let output = sandbox.vserver(&["tiny", "backup", "restore-file", &backup, "/etc/passwd"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!sandbox.config.with_file_name("passwd").exists());
    for path in ["/none", "/../../etc/passwd", "/var", "/var/odd/leads out"] {
        let output = sandbox.vserver(&["tiny", "backup", "restore-file", &backup, path]);
        assert_eq!(output.status.code(), Some(1), "{path}: {output:?}");
    }
}

#[test]
fn what_is_damaged_or_cut_off_is_found_and_never_restored() {
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    sandbox.must(&["tiny", "backup"]);
    let backup = backups(&sandbox).remove(0);
    let place = archive(&sandbox, &backup);
    let whole = fs::read(&place).unwrap();
    let is_refused = |what: &str, bytes: &[u8]| {
        fs::write(&place, bytes).unwrap();
        let output = ulysse_backup(&sandbox, &["verify", &backup]);
        assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
        assert!(complained(&output).contains("is damaged"), "{what}: {output:?}");
        let words = ["new", "backup", "restore", &backup, "--context", "7", "--hostname", "new"];
        let words = [&words[..], &["--interface", "none"]].concat();
        let output = sandbox.vserver(&words);
        assert!(!output.status.success(), "{what}: {output:?}");
        let roots = &sandbox.settings.roots;
        assert_eq!(sandbox.names_in(&roots.guest_base), ["tiny"], "{what}");
        assert!(!roots.config_base.join("new").exists(), "{what}");
    };
    is_refused("cut off", &whole[..whole.len() - 1]);
    is_refused("cut in half", &whole[..whole.len() / 2]);
    is_refused("empty", b"");
    for at in [10, whole.len() / 3, whole.len() / 2, whole.len() - 200, whole.len() - 5] {
        let mut other = whole.clone();
        other[at] ^= 0x40;
        is_refused(&format!("another byte at {at}"), &other);
    }
    let output = ulysse_backup(&sandbox, &["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("is damaged"), "{output:?}");
    // Put right again, it is one again.
    fs::write(&place, &whole).unwrap();
    assert!(ulysse_backup(&sandbox, &["verify", &backup]).status.success());
    assert!(ulysse_backup(&sandbox, &["check"]).status.success());
    // One VServer's archive under the name of another, or of another moment, is none.
    let other = place.with_file_name("20200101T000000000Z.tar.zst");
    fs::rename(&place, &other).unwrap();
    let output = ulysse_backup(&sandbox, &["verify", "local:tiny:20200101T000000000Z"]);
    assert!(complained(&output).contains("is damaged"), "{output:?}");
}

#[test]
fn a_guest_that_plays_with_links_gets_nothing_of_the_host() {
    let sandbox = Sandbox::without_bases();
    let root = make_tiny(&sandbox);
    // dpkg's record is a link to a file of the host's; a directory is a link; files hide in depth.
    fs::remove_file(root.join("var/lib/dpkg/status")).unwrap();
    symlink("/etc/passwd", root.join("var/lib/dpkg/status")).unwrap();
    symlink("/etc", root.join("var/etc")).unwrap();
    let mut deep = root.join("var");
    for _ in 0..300 {
        deep = deep.join("d");
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("bottom"), "deep\n").unwrap();
    sandbox.must(&["tiny", "backup"]);
    let backup = backups(&sandbox).remove(0);
    let shown = said(&ulysse_backup(&sandbox, &["browse", &backup, "/var"]));
    assert!(shown.contains("etc -> /etc"), "{shown}");
    assert!(!ulysse_backup(&sandbox, &["browse", &backup, "/var/etc"]).status.success());
    let words = ["deep", "backup", "restore", &backup, "--context", "7", "--hostname", "deep"];
    sandbox.must(&[&words[..], &["--interface", "none"]].concat());
    let restored = deep.strip_prefix(&root).unwrap();
    let restored = sandbox.settings.roots.guest_base.join("deep").join(restored).join("bottom");
    assert_eq!(fs::read_to_string(restored).unwrap(), "deep\n");
}

#[test]
fn a_schedule_is_set_previewed_pruned_and_missed() {
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    sandbox.must(&["tiny", "backup"]);
    let newest = backups(&sandbox).remove(0);
    let place = archive(&sandbox, &newest);
    for id in ["20200101T000000000Z", "20200102T000000000Z", "20200102T010000000Z"] {
        fs::copy(&place, place.with_file_name(format!("{id}.tar.zst"))).unwrap();
    }
    let output =
        sandbox.vserver(&["tiny", "backup", "schedule", "--when", "often", "--keep", "all"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complained(&output).contains("“often” is no time of backups"), "{output:?}");
    let words = ["tiny", "backup", "schedule", "--when", "daily 02:30", "--keep", "last=1 daily=2"];
    sandbox.must(&words);
    assert_eq!(
        sandbox.must(&["tiny", "backup", "schedule"]),
        "local\tdaily 02:30\tlast=1 daily=2\n"
    );
    let file = config_text(&sandbox, "tiny", "apps/ulysse/backup");
    assert_eq!(file, "local\ndaily 02:30\nlast=1 daily=2\n");
    let shown = sandbox.must(&["tiny", "backup", "preview"]);
    let verdicts: Vec<&str> = shown.lines().map(|line| line.split('\t').nth(1).unwrap()).collect();
    assert_eq!(verdicts, ["stays: last, daily", "stays: daily", "goes", "goes"]);
    assert_eq!(backups(&sandbox).len(), 4);
    sandbox.must(&["tiny", "backup", "prune"]);
    assert_eq!(backups(&sandbox).len(), 2);
    // What is left is kept: the same again does nothing, and that is no failure.
    let shown = sandbox.must(&["tiny", "backup", "prune"]);
    assert_eq!(shown.lines().filter(|line| line.contains("stays")).count(), 2, "{shown}");
    assert_eq!(backups(&sandbox).len(), 2);
    let output = sandbox.vserver(&["tiny", "backup", "prune", "--keep", "all"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(backups(&sandbox)[0], newest);
    assert!(ulysse_backup(&sandbox, &["check"]).status.success());
    // The schedule is an old one, and the last backup older.
    let old = filetime(1_500_000_000, 0);
    let times = rustix::fs::Timestamps { last_access: old, last_modification: old };
    let path = sandbox.settings.roots.config_base.join("tiny/apps/ulysse/backup");
    rustix::fs::utimensat(rustix::fs::CWD, &path, &times, rustix::fs::AtFlags::empty()).unwrap();
    fs::remove_file(&place).unwrap();
    let output = ulysse_backup(&sandbox, &["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("tiny should have been backed up at"), "{output:?}");
    sandbox.must(&["tiny", "backup", "schedule", "--off"]);
    assert!(!path.exists());
    assert!(ulysse_backup(&sandbox, &["check"]).status.success());
    // A failure is said until the next one succeeds.
    let backups_directory = sandbox.config.with_file_name("backups");
    fs::rename(&backups_directory, sandbox.config.with_file_name("aside")).unwrap();
    fs::write(&backups_directory, "in the way").unwrap();
    assert_eq!(sandbox.vserver(&["tiny", "backup"]).status.code(), Some(1));
    fs::remove_file(&backups_directory).unwrap();
    let output = ulysse_backup(&sandbox, &["check"]);
    assert!(said(&output).contains("The last backup of tiny"), "{output:?}");
    sandbox.must(&["tiny", "backup"]);
    assert!(ulysse_backup(&sandbox, &["check"]).status.success());
}

#[test]
fn an_operation_that_is_interrupted_leaves_no_archive_and_no_frozen_vserver() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    sandbox.must(&["tiny", "start"]);
    let name = "tiny".parse().unwrap();
    let cgroups = GuestState::running(&sandbox.settings.roots, &name).unwrap().unwrap().cgroups;
    let output = sandbox
        .ulysse("vserver", &["tiny", "backup", "--pause"])
        .env("ULYSSE_CRASH_AT", "backup:frozen")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(freezer::is_frozen(&cgroups));
    // Whatever is done with it next: it runs again first.
    let next = sandbox.vserver(&["tiny", "backup"]);
    assert!(next.status.success(), "{next:?}");
    assert!(!freezer::is_frozen(&cgroups));
    until("it answers", || sandbox.vserver(&["tiny", "exec", "true"]).status.success());
    let kept = sandbox.names_in(&sandbox.config.with_file_name("backups").join("tiny"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(config::list_names(&sandbox.settings.roots).unwrap().contains(&name));
    sandbox.must(&["tiny", "stop"]);
}

fn points_of(kind: Kind) -> &'static [&'static str] {
    CRASH_POINTS.iter().find(|(one, _)| *one == kind).unwrap().1
}

/// Runs `vserver WORDS`, which dies at a point; then puts right what it left.
fn die_and_repair(sandbox: &Sandbox, point: &str, words: &[&str]) {
    let output = sandbox.ulysse("vserver", words).env("ULYSSE_CRASH_AT", point).output().unwrap();
    assert_eq!(output.status.signal(), Some(9), "{point} is passed: {output:?}");
    for words in [&["--repair"][..], &[]] {
        let output = sandbox.ulysse("doctor", words).output().unwrap();
        assert!(output.status.success(), "{point}: doctor {words:?}: {output:?}");
    }
    let roots = &sandbox.settings.roots;
    for base in [&roots.config_base, &roots.guest_base] {
        let names = sandbox.names_in(base);
        let stray = names.iter().filter(|name| {
            name.starts_with('.') && ![".defaults", ".bin"].contains(&name.as_str())
        });
        assert_eq!(stray.count(), 0, "{point}: {names:?}");
    }
}

#[test]
fn a_backup_that_died_is_whole_or_not_there_and_its_vserver_goes_on() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    sandbox.must(&["tiny", "start"]);
    let name = "tiny".parse().unwrap();
    let cgroups = GuestState::running(&sandbox.settings.roots, &name).unwrap().unwrap().cgroups;
    for point in points_of(Kind::Backup) {
        die_and_repair(&sandbox, point, &["tiny", "backup", "--pause"]);
        assert!(!freezer::is_frozen(&cgroups), "{point}");
        assert!(sandbox.vserver(&["tiny", "exec", "true"]).status.success(), "{point}");
        let shelf = sandbox.config.with_file_name("backups").join("tiny");
        let names = sandbox.names_in(&shelf);
        assert_eq!(names.len(), usize::from(*point == "backup:kept"), "{point}: {names:?}");
        for backup in backups(&sandbox) {
            assert!(ulysse_backup(&sandbox, &["verify", &backup]).status.success(), "{point}");
        }
    }
    sandbox.must(&["tiny", "stop"]);
}

#[test]
fn a_restore_that_died_is_undone_or_finished() {
    let sandbox = Sandbox::without_bases();
    let root = make_tiny(&sandbox);
    sandbox.must(&["tiny", "backup"]);
    let backup = backups(&sandbox).remove(0);
    sandbox.must(&["--silent", "tiny", "delete"]);
    for point in points_of(Kind::Restore) {
        die_and_repair(&sandbox, point, &["tiny", "backup", "restore", &backup]);
        let is_past_commit = *point == "restore:committed" || point.starts_with("finish:");
        let config = sandbox.settings.roots.config_base.join("tiny");
        assert_eq!((root.exists(), config.exists()), (is_past_commit, is_past_commit), "{point}");
        // Whatever came of it, its name can be used.
        if is_past_commit {
            sandbox.must(&["--silent", "tiny", "delete"]);
        }
    }
    sandbox.must(&["tiny", "backup", "restore", &backup]);
}

#[test]
fn a_file_that_is_put_back_is_there_whole_or_not_at_all() {
    let sandbox = Sandbox::without_bases();
    let root = make_tiny(&sandbox);
    sandbox.must(&["tiny", "backup"]);
    let backup = backups(&sandbox).remove(0);
    let place = root.join("var/odd");
    let whole = fs::read(place.join("random")).unwrap();
    fs::remove_file(place.join("random")).unwrap();
    let before = fs::read_dir(&place).unwrap().count();
    for point in points_of(Kind::RestoreFile) {
        let words = ["tiny", "backup", "restore-file", &backup, "/var/odd/random"];
        die_and_repair(&sandbox, point, &words);
        let is_kept = *point == "restore-file:kept";
        assert_eq!(fs::read(place.join("random")).ok(), is_kept.then(|| whole.clone()), "{point}");
        let expected = before + usize::from(is_kept);
        assert_eq!(
            fs::read_dir(&place).unwrap().count(),
            expected,
            "{point}: nothing else is there"
        );
    }
}

#[test]
fn backups_whose_removal_died_are_gone_or_whole_and_go_the_next_time() {
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    for _ in 0..3 {
        sandbox.must(&["tiny", "backup"]);
    }
    for point in points_of(Kind::RemoveBackups) {
        die_and_repair(&sandbox, point, &["tiny", "backup", "prune", "--keep", "last=1"]);
        let left = backups(&sandbox);
        assert_eq!(left.len(), 2, "{point}: {left:?}");
        for backup in &left {
            assert!(ulysse_backup(&sandbox, &["verify", backup]).status.success(), "{point}");
        }
    }
    sandbox.must(&["tiny", "backup", "prune", "--keep", "last=1"]);
    assert_eq!(backups(&sandbox).len(), 1);
}

/// Gives a VServer an ssh host key, and a program that makes another one.
fn give_host_key(root: &std::path::Path) {
    fs::create_dir_all(root.join("etc/ssh")).unwrap();
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    fs::write(root.join("etc/ssh/ssh_host_ed25519_key"), "the original's").unwrap();
    let keygen = root.join("usr/bin/ssh-keygen");
    fs::write(&keygen, "#!/bin/sh\necho $1 > /etc/ssh/ssh_host_ed25519_key\n").unwrap();
    fs::set_permissions(&keygen, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn beside_its_original_it_is_another_machine_and_in_its_place_the_same() {
    let sandbox = Sandbox::without_bases();
    let root = make_tiny(&sandbox);
    give_host_key(&root);
    let machine = fs::read_to_string(root.join("etc/machine-id")).unwrap();
    sandbox.must(&["tiny", "backup"]);
    let backup = backups(&sandbox).remove(0);
    let restored = |name: &str, context: &str, more: &[&str]| {
        let words = [name, "backup", "restore", &backup, "--context", context];
        let others = ["--hostname", name, "--interface", "none"];
        sandbox.must(&[&words[..], &others, more].concat());
        let etc = sandbox.settings.roots.guest_base.join(name).join("etc");
        let read = |file: &str| fs::read_to_string(etc.join(file)).unwrap();
        (read("machine-id"), read("ssh/ssh_host_ed25519_key"))
    };
    let same = (machine, "the original's".to_owned());
    assert_eq!(restored("twin", "101", &[]), (String::new(), "-A\n".to_owned()));
    assert_eq!(restored("kept", "102", &["--keep-host-keys"]), same);
    // Its original is as it was, and once it is gone there is nobody to be taken for.
    assert_eq!(fs::read_to_string(root.join("etc/ssh/ssh_host_ed25519_key")).unwrap(), same.1);
    sandbox.must(&["--silent", "tiny", "delete"]);
    assert_eq!(restored("heir", "103", &[]), same);
    assert_eq!(restored("tiny", "100", &[]), same);
}

/// A clock that stands.
#[derive(Clone, Copy)]
struct Stopped(i64);

impl engine::clock::Clock for Stopped {
    fn now(&self) -> domain::time::UnixMillis {
        domain::time::UnixMillis(self.0)
    }
}

#[test]
fn what_is_due_is_taken_once_and_what_is_not_kept_goes() {
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    let words = ["tiny", "backup", "schedule", "--when", "hourly :00", "--keep", "last=2"];
    sandbox.must(&words);
    let path = sandbox.settings.roots.config_base.join("tiny/apps/ulysse/backup");
    let written = fs::metadata(&path).unwrap().mtime() * 1000;
    let engine_at = |now: i64| {
        let instance = engine::engine::Instance {
            settings: sandbox.settings.clone(),
            settings_file: Some(sandbox.config.clone()),
            executable: env!("CARGO_BIN_EXE_ulysse").into(),
        };
        let ids = Box::<engine::clock::RandomIds>::default();
        engine::Engine::with(instance, Box::new(Stopped(now)), ids)
    };
    let look = |now: i64| {
        let engine = engine_at(now);
        let asked = engine::backup::take_what_is_due(&engine, domain::time::UnixMillis(now));
        until("it is done", || engine.store().live_ids().unwrap().is_empty());
        asked.len()
    };
    let hour = 3_600_000;
    // Made in the middle of an hour: what was due before is not.
    assert_eq!(look(written + 1), 0);
    let first = (written / hour + 1) * hour + 60_000;
    for (number, kept) in [(0, 1), (1, 2), (2, 3)] {
        let now = first + number * hour;
        assert_eq!(look(now), 1, "the hour {number}");
        assert_eq!(backups(&sandbox).len(), kept, "the hour {number}");
    }
    // Nothing is due a minute later; what the policy does not keep goes.
    assert_eq!(look(first + 2 * hour + 60_000), 1);
    assert_eq!(backups(&sandbox).len(), 2);
    assert_eq!(look(first + 2 * hour + 120_000), 0);
}

#[test]
fn a_restore_puts_files_where_the_administrators_link_leads() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox);
    sandbox.must(&["tiny", "backup"]);
    let backup = backups(&sandbox).remove(0);
    sandbox.must(&["--silent", "tiny", "delete", "--now"]);
    let place = fs::canonicalize(sandbox.directory()).unwrap().join("vservers");
    fs::create_dir(&place).unwrap();
    let link = sandbox.settings.roots.config_base.join(".defaults/vdirbase");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink(&place, &link).unwrap();
    sandbox.must(&["tiny", "backup", "restore", &backup]);
    assert_eq!(sandbox.names_in(&place), ["tiny"]);
    let vdir = sandbox.settings.roots.config_base.join("tiny/vdir");
    assert_eq!(fs::canonicalize(vdir).unwrap(), place.join("tiny"));
    sandbox.must(&["tiny", "start"]);
    assert_eq!(sandbox.must(&["tiny", "exec", "hostname"]), "tiny.cume.fr\n");
    sandbox.must(&["tiny", "stop"]);
}
