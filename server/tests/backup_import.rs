//! Imports of what people saved by hand of an old host: directories, and tars as the course has them made,
//! of a VServer that is started and entered afterwards; an upload; hostile archives; a process that dies.

mod full_guest;
mod sandbox;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use domain::backup::BackupOrder;
use domain::failure::Failure;
use domain::note::Note;
use domain::operation::{Actor, Operation, Progress};
use engine::Engine;
use engine::engine::Instance;
use engine::operation::IMPORT_CRASH_POINTS;
use full_guest::{described, make_tiny};
use protocol::upload::{MAX_PACKET_BYTES, ToEngine};
use sandbox::command::said;
use sandbox::{Sandbox, leave_network, until};
use sys::seqpacket;

/// Runs `ulysse backup import tiny PATHS`.
fn import(sandbox: &Sandbox, paths: &[PathBuf]) -> Output {
    let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    sandbox.ulysse("backup", &[&["import", "tiny"][..], &paths].concat()).output().unwrap()
}

/// Restores as the import said that it can be done.
fn restore_as_said(sandbox: &Sandbox, line: &str) {
    let words: Vec<&str> = line.trim().strip_prefix("vserver ").unwrap().split(' ').collect();
    sandbox.must(&words);
}

/// Puts a VServer `tiny` where an old host had it, below a directory, with links that mean that host's
/// places; the directory, and what its files are there.
fn old_host(sandbox: &Sandbox) -> PathBuf {
    let root = make_tiny(sandbox);
    let old = sandbox.directory().join("old");
    fs::create_dir_all(old.join("etc/vservers")).unwrap();
    fs::create_dir_all(old.join("var/lib/vservers/.pkg/tiny/base")).unwrap();
    fs::write(old.join("var/lib/vservers/.pkg/tiny/base/state"), "outside\n").unwrap();
    let config = old.join("etc/vservers/tiny");
    fs::rename(sandbox.settings.roots.config_base.join("tiny"), &config).unwrap();
    fs::rename(&root, old.join("var/lib/vservers/tiny")).unwrap();
    for (link, to) in [("vdir", "/no/such/place"), ("run", "/no/such/run"), ("cache", "/etc")] {
        let _ = fs::remove_file(config.join(link));
        symlink(to, config.join(link)).unwrap();
    }
    fs::remove_file(config.join("interfaces/0/dev")).unwrap();
    fs::write(config.join("interfaces/0/nodev"), "").unwrap();
    old
}

/// Runs the host's tar; all that a file has is kept.
fn tar(file: &Path, directory: &Path, members: &[&str]) {
    let made = Command::new("tar")
        .args(["--numeric-owner", "--xattrs", "--xattrs-include=*", "-S", "-c", "-p", "-a", "-f"])
        .arg(file)
        .arg("-C")
        .arg(directory)
        .args(members)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

/// Its links lead to this host's places.
fn judge_links(sandbox: &Sandbox) {
    let roots = &sandbox.settings.roots;
    let link = |name: &str| fs::read_link(roots.config_base.join("tiny").join(name)).unwrap();
    assert!(link("vdir").ends_with(".defaults/vdirbase/tiny"));
    assert!(link("cache").ends_with(".defaults/cachebase/tiny"));
    assert_eq!(link("run"), roots.run_base.join("tiny"));
}

/// Nothing is left of an import: no unpacked tree, no backup but so many whole ones.
fn judge_leftovers(sandbox: &Sandbox, backups: usize, what: &str) {
    let names = sandbox.names_in(&sandbox.settings.roots.guest_base);
    assert!(!names.iter().any(|name| name.starts_with(".staging")), "{what}: {names:?}");
    let kept = sandbox.names_in(&sandbox.directory().join("backups/tiny"));
    assert_eq!(kept.len(), backups, "{what}: {kept:?}");
    assert!(!kept.iter().any(|name| name.starts_with('.')), "{what}: {kept:?}");
}

#[test]
fn directories_become_a_vserver() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let old = old_host(&sandbox);
    let before = described(&old.join("var/lib/vservers/tiny"));
    let interface = old.join("etc/vservers/tiny/interfaces/0");
    fs::remove_file(interface.join("nodev")).unwrap();
    fs::write(interface.join("dev"), "eth99\n").unwrap();
    let output = import(&sandbox, std::slice::from_ref(&old));
    assert!(output.status.success(), "{output:?}");
    let line = said(&output);
    assert!(line.contains("--context 100") && line.contains("--interface nat0:10.127.0.2/24"));
    restore_as_said(&sandbox, &line);
    let roots = &sandbox.settings.roots;
    let after = described(&roots.guest_base.join("tiny"));
    assert_eq!(after.get("\"var/odd/setuid\""), before.get("\"var/odd/setuid\""));
    judge_links(&sandbox);
    let device = fs::read_to_string(roots.config_base.join("tiny/interfaces/0/dev")).unwrap();
    assert_eq!(device, "nat0\n");
    let state = roots.guest_base.join(".pkg/tiny/base/state");
    assert_eq!(fs::read_to_string(&state).unwrap(), "outside\n");
    sandbox.must(&["tiny", "start"]);
    sandbox.must(&["tiny", "stop"]);
    // Package state that somebody left is in the way, and that is said before anything is written.
    sandbox.must(&["--silent", "tiny", "delete", "--now"]);
    assert!(!state.exists(), "it goes with its VServer");
    fs::create_dir_all(&state).unwrap();
    let words: Vec<&str> = line.trim().strip_prefix("vserver ").unwrap().split(' ').collect();
    let output = sandbox.vserver(&words);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains(".pkg/tiny"), "{complaint}");
    assert_eq!(sandbox.names_in(&roots.guest_base), [".pkg"]);
    let words = ["import", "other", old.to_str().unwrap()];
    let output = sandbox.ulysse("backup", &words).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn tars_as_people_make_them_become_a_vserver_that_is_started_and_entered() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let old = old_host(&sandbox);
    let before = described(&old.join("var/lib/vservers/tiny"));
    // The course's three directories in one tar; each by itself; without a name of its own.
    let all = ["etc/vservers/tiny", "var/lib/vservers/tiny", "var/lib/vservers/.pkg/tiny"];
    let cases: [&[(&str, &str, &[&str])]; 3] = [
        &[("all.tar.gz", ".", &all)],
        &[
            ("root.tar.zst", "var/lib/vservers", &["tiny", ".pkg/tiny"]),
            ("config.tar.xz", "etc/vservers", &["tiny"]),
        ],
        &[
            ("bare-config.tar", "etc/vservers/tiny", &["."]),
            ("bare-root.tar.bz2", "var/lib/vservers/tiny", &["."]),
        ],
    ];
    let roots = &sandbox.settings.roots;
    for (number, case) in cases.iter().enumerate() {
        let mut archives = Vec::new();
        for (file, directory, members) in *case {
            let file = sandbox.directory().join(file);
            tar(&file, &old.join(directory), members);
            archives.push(file);
        }
        let output = import(&sandbox, &archives);
        assert!(output.status.success(), "{number}: {output:?}");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("vdir led to /no/such/place on the old host"), "{number}: {told}");
        judge_leftovers(&sandbox, number + 1, "imported");
        restore_as_said(&sandbox, &said(&output));
        assert_eq!(described(&roots.guest_base.join("tiny")), before, "{number}");
        judge_links(&sandbox);
        let unknown = fs::read(roots.config_base.join("tiny/apps/unknown/file")).unwrap();
        assert_eq!(unknown, b"\xff\0\n", "{number}");
        let state = fs::read_to_string(roots.guest_base.join(".pkg/tiny/base/state")).ok();
        assert_eq!(state.as_deref(), (number < 2).then_some("outside\n"), "{number}");
        sandbox.must(&["tiny", "start"]);
        assert_eq!(sandbox.must(&["tiny", "exec", "hostname"]), "tiny.cume.fr\n", "{number}");
        sandbox.must(&["tiny", "stop"]);
        sandbox.must(&["--silent", "tiny", "delete", "--now"]);
    }
}

#[test]
fn a_hostile_archive_brings_nothing_of_this_host_and_leaves_nothing() {
    let sandbox = Sandbox::without_bases();
    let old = old_host(&sandbox);
    let at = |name: &str| sandbox.directory().join(name);
    // The config tree of a VServer of this host, and an archive whose `etc` is a link to it.
    fs::create_dir_all(at("host/vservers/tiny/uts")).unwrap();
    let trap = at("trap");
    fs::create_dir_all(&trap).unwrap();
    symlink(at("host"), trap.join("etc")).unwrap();
    fs::rename(old.join("var"), trap.join("var")).unwrap();
    tar(&at("link.tar"), &trap, &["etc", "var/lib/vservers/tiny"]);
    let appended = |file: &str, first: (&Path, &[&str]), more: &[&str]| {
        tar(&at(file), first.0, first.1);
        let add = Command::new("tar").args(["-r", "-P", "-f"]).arg(at(file)).args(more).status();
        assert!(add.unwrap().success());
        at(file)
    };
    let old_text = old.to_str().unwrap();
    let through =
        appended("through.tar", (&trap, &["etc"]), &["-C", old_text, "etc/vservers/tiny"]);
    let climbs = ["-C", old_text, "--transform", "s,^etc,../../../etc,", "etc/vservers/tiny"];
    let climbs = appended("climbs.tar", (&trap, &["var/lib/vservers/tiny/bin"]), &climbs);
    tar(&at("whole.tar.gz"), &old, &["etc"]);
    let whole = fs::read(at("whole.tar.gz")).unwrap();
    fs::write(at("cut.tar.gz"), &whole[..whole.len() / 2]).unwrap();
    fs::write(at("no-archive"), "no archive\n").unwrap();
    let hostile = [at("link.tar"), through, climbs, at("cut.tar.gz"), at("no-archive")];
    for archive in hostile.iter().chain([&at("not-there")]) {
        let output = import(&sandbox, std::slice::from_ref(archive));
        assert_eq!(output.status.code(), Some(1), "{}: {output:?}", archive.display());
        judge_leftovers(&sandbox, 0, archive.to_str().unwrap());
    }
    assert!(!sandbox.directory().parent().unwrap().join("etc").exists());
    let names = sandbox.names_in(&at("host/vservers/tiny"));
    assert_eq!(names, ["uts"], "nothing was written through the link");
}

#[test]
fn an_import_that_died_leaves_a_whole_backup_or_none() {
    let sandbox = Sandbox::without_bases();
    let old = old_host(&sandbox);
    let archive = sandbox.directory().join("all.tar.gz");
    tar(&archive, &old, &["etc/vservers/tiny", "var/lib/vservers/tiny"]);
    let of_backup = ["backup:begun", "backup:packed", "backup:verified", "backup:kept"];
    for point in IMPORT_CRASH_POINTS.iter().chain(&of_backup) {
        let words = ["import", "tiny", archive.to_str().unwrap()];
        let mut command = sandbox.ulysse("backup", &words);
        let output = command.env("ULYSSE_CRASH_AT", point).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point} is passed: {output:?}");
        for words in [&["--repair"][..], &[]] {
            let output = sandbox.ulysse("doctor", words).output().unwrap();
            assert!(output.status.success(), "{point}: doctor {words:?}: {output:?}");
        }
        judge_leftovers(&sandbox, usize::from(*point == "backup:kept"), point);
        // What was not imported is no backup that failed.
        let output = sandbox.ulysse("backup", &["check"]).output().unwrap();
        assert!(output.status.success(), "{point}: {output:?}");
    }
    assert!(import(&sandbox, &[archive]).status.success());
    judge_leftovers(&sandbox, 2, "in the end");
}

/// Uploads bytes as an import of `tiny`, all of them or without the last word.
fn upload(engine: &std::sync::Arc<Engine>, bytes: &[u8], is_whole: bool) -> Operation {
    let order = BackupOrder {
        vserver: "tiny".parse().unwrap(),
        target: "local".parse().unwrap(),
        pause: false,
    };
    let actor = Actor::User { id: domain::id::UserId(7), name: "otto".parse().unwrap() };
    let (operation, socket) = engine.submit_import(order, actor).unwrap();
    for part in bytes.chunks(MAX_PACKET_BYTES - 1) {
        seqpacket::send(&socket, &ToEngine::Part(part).to_bytes(), &[]).unwrap();
    }
    if is_whole {
        seqpacket::send(&socket, &ToEngine::End.to_bytes(), &[]).unwrap();
    }
    drop(socket);
    let now = || engine.store().read(&operation.id).unwrap();
    until("it is over", || now().progress.is_final());
    // Its journal is put away a moment after its last word.
    until("it is put away", || engine.store().live_ids().unwrap().is_empty());
    now()
}

#[test]
fn what_is_uploaded_brings_no_more_than_the_web_may_write() {
    let sandbox = Sandbox::without_bases();
    let old = old_host(&sandbox);
    let config = old.join("etc/vservers/tiny");
    fs::write(config.join("bcapabilities"), "SYS_ADMIN\n").unwrap();
    fs::write(config.join("fstab"), "none /proc proc defaults 0 0\n/etc /mnt none bind 0 0\n")
        .unwrap();
    fs::create_dir_all(config.join("scripts")).unwrap();
    fs::write(config.join("scripts/pre-start"), "#!/bin/sh\ntouch /tmp/never\n").unwrap();
    let script = fs::Permissions::from_mode(0o755);
    fs::set_permissions(config.join("scripts/pre-start"), script).unwrap();
    symlink("/etc/shadow", config.join("nice")).unwrap();
    let archive = sandbox.directory().join("all.tar.zst");
    tar(&archive, &old, &["etc/vservers/tiny", "var/lib/vservers/tiny"]);
    let bytes = fs::read(&archive).unwrap();
    let instance = Instance {
        settings: sandbox.settings.clone(),
        settings_file: Some(sandbox.config.clone()),
        executable: env!("CARGO_BIN_EXE_ulysse").into(),
    };
    let engine = Engine::new(instance);

    let broken = upload(&engine, &bytes[..bytes.len() / 2], false);
    let failure = match broken.progress {
        Progress::Failed { failure } => failure,
        other => panic!("{other:?}"),
    };
    assert!(matches!(failure, Failure::UploadBroken { .. }), "{failure:?}");
    judge_leftovers(&sandbox, 0, "broken off");

    let done = upload(&engine, &bytes, true);
    assert_eq!(done.progress, Progress::Succeeded);
    judge_leftovers(&sandbox, 1, "uploaded");
    let log = fs::read_to_string(engine.store().log_of(&done.id)).unwrap();
    let notes: Vec<Note> = log.lines().filter_map(Note::of_line).collect();
    for path in ["bcapabilities", "scripts/pre-start", "nice"] {
        let expected = Note::ConfigLeftOut { path: path.to_owned() };
        assert!(notes.contains(&expected), "{path}: {log}");
    }
    assert!(notes.contains(&Note::HostLinesLeftOut { path: "fstab".to_owned() }), "{log}");
    let list = sandbox.must(&["tiny", "backup", "list"]);
    let backup = list.split('\t').next().unwrap();
    sandbox.must(&["tiny", "backup", "restore", backup]);
    let restored = sandbox.settings.roots.config_base.join("tiny");
    let text = |file: &str| fs::read_to_string(restored.join(file)).unwrap();
    assert_eq!(text("fstab"), "none /proc proc defaults 0 0\n");
    assert_eq!(text("uts/nodename"), "tiny.cume.fr\n");
    assert_eq!(text("interfaces/0/ip"), "10.127.0.9\n");
    for none in ["bcapabilities", "scripts", "nice", "apps/unknown"] {
        assert!(fs::symlink_metadata(restored.join(none)).is_err(), "{none}");
    }
    judge_links(&sandbox);
}
