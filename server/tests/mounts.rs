//! The course's larger `/tmp`: from 16 to 32 MB by a change of one line of the fstab, as the form makes it, from the
//! next start on or at once; and what a real VServer sees mounted.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::process::ExitStatusExt;

use domain::batch::Batch;
use domain::change::{Change, PlainChange};
use domain::config_change::{ConfigEdit, FileState};
use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::fstab::{Fstab, MountForm, SeenMount};
use domain::id::{UserId, VServerName};
use domain::operation::{Actor, Kind, Progress};
use domain::tmpfs::RemountProblem;
use engine::Engine;
use engine::engine::Instance;
use engine::operation::{CRASH_POINTS, Silent};
use engine::state::GuestState;
use sandbox::{Sandbox, leave_mounts, leave_network};
use tiny_guest::make_guest;

/// What it sees mounted at `/tmp`.
fn tmp_of(engine: &Engine, name: &VServerName) -> Option<SeenMount> {
    engine.mounts(name).unwrap()?.into_iter().find(|mount| mount.target == "/tmp")
}

#[test]
fn tmp_grows_from_16_to_32_mb() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_guest(&sandbox, "nono", 100, "true");
    let name: VServerName = "nono".parse().unwrap();
    let path = sandbox.settings.roots.config_base.join("nono/fstab");
    let text = "# of the course\nnone /proc proc defaults 0 0\n\
                none\t/tmp\ttmpfs\tsize=16m,mode=1777\t0 0\n";
    fs::write(&path, text).unwrap();
    let engine = Engine::new(Instance {
        settings: sandbox.settings.clone(),
        settings_file: Some(sandbox.config.clone()),
        executable: env!("CARGO_BIN_EXE_ulysse").into(),
    });
    assert_eq!(engine.mounts(&name).unwrap(), None, "it does not run");
    sandbox.must(&["nono", "start"]);
    let tmp = tmp_of(&engine, &name).unwrap();
    assert!(tmp.options.contains("size=16384k") && tmp.fs_type == "tmpfs", "{tmp:?}");
    assert!(!tmp.is_given());
    let seen = engine.mounts(&name).unwrap().unwrap();
    for given in ["/", "/proc", "/dev", "/dev/pts"] {
        let mount = seen.iter().find(|mount| mount.target == given);
        assert!(mount.is_some_and(SeenMount::is_given), "{given} in {seen:?}");
    }

    // As the form does it: the file as it was looked at, and one line of it another.
    let tree = ConfigTree::VServer(name.clone());
    let file = "fstab".parse().unwrap();
    let FileState::Text { text: found, digest } = engine.config_file(&tree, &file).unwrap().state
    else {
        panic!("it is there");
    };
    let mut fstab = Fstab::of(&found);
    let line = fstab.mount(3).unwrap();
    let form = MountForm { size: "32m".to_owned(), ..MountForm::of(&line) };
    fstab.put(&form.judge(Some(&line)).unwrap());
    let edit = |text: String| {
        vec![ConfigEdit { path: file.clone(), seen: Some(digest.clone()), text: Some(text) }]
    };
    let user = Actor::User { id: UserId(1), name: "ada".parse().unwrap() };
    // A directory of the host's is root's alone to show.
    let reaching = edit(format!("{found}/etc /mnt none bind 0 0\n"));
    let refused = engine.judge_config(&tree, &reaching).unwrap_err();
    assert!(matches!(refused, Failure::ConfigRefused { .. }), "{refused:?}");
    let change = Change::Configure { tree: tree.clone(), edits: edit(fstab.text()) };
    let ended = engine.run_in_process(change, user.clone(), &Silent).unwrap();
    assert_eq!(ended.progress, Progress::Succeeded);
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(written, text.replace("size=16m", "size=32m"));
    // It holds from the next start on.
    assert!(tmp_of(&engine, &name).unwrap().options.contains("size=16384k"));
    let batch = Batch::new(vec![PlainChange::Restart(name.clone())], Default::default()).unwrap();
    let ended = engine.run_in_process(Change::Batch(batch), user.clone(), &Silent).unwrap();
    assert_eq!(ended.progress, Progress::Succeeded);
    assert!(tmp_of(&engine, &name).unwrap().options.contains("size=32768k"));

    let undone = engine.run_in_process(Change::UndoConfig { tree, number: 1 }, user, &Silent);
    assert_eq!(undone.unwrap().progress, Progress::Succeeded);
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    sandbox.must(&["nono", "stop"]);
}

/// What a program says that is run in `nono`.
fn inside(sandbox: &Sandbox, words: &[&str]) -> String {
    sandbox.must(&[&["nono", "exec"], words].concat())
}

/// The size of `/tmp` in blocks of 1 KiB, as `df` says inside.
fn size_inside(sandbox: &Sandbox) -> String {
    let said = inside(sandbox, &["df", "-k", "/tmp"]);
    said.split_whitespace().rev().nth(4).unwrap().to_owned()
}

/// An instance with `nono`, which runs with the course's `/tmp`; and what gives the line of that other options.
fn with_tmp() -> (Sandbox, impl Fn(&str)) {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_guest(&sandbox, "nono", 100, "true");
    let path = sandbox.settings.roots.config_base.join("nono/fstab");
    let write = move |options: &str| {
        let text = format!("none /proc proc defaults 0 0\nnone /tmp tmpfs {options} 0 0\n");
        fs::write(&path, text).unwrap();
    };
    write("size=16m,mode=1777");
    sandbox.must(&["nono", "start"]);
    (sandbox, write)
}

/// What refuses to change what is mounted there.
fn refused(sandbox: &Sandbox, target: &str) -> String {
    let output = sandbox.vserver(&["nono", "remount", target]);
    assert!(!output.status.success(), "{target}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn tmp_grows_while_it_is_mounted_and_keeps_its_files() {
    let (sandbox, write) = with_tmp();
    assert_eq!(size_inside(&sandbox), "16384");
    let fill = "echo kept > /tmp/file; dd if=/dev/zero of=/tmp/8m bs=1M count=8";
    inside(&sandbox, &["sh", "-c", fill]);
    let text = refused(&sandbox, "/tmp");
    assert!(text.contains("already as it is asked for"), "{text}");

    write("size=32m,mode=1777,nosuid,noexec");
    let output = sandbox.vserver(&["nono", "mounts"]);
    let (said, hint) = (output.stdout, output.stderr);
    let said = String::from_utf8(said).unwrap() + &String::from_utf8(hint).unwrap();
    for expected in [
        "on /tmp type tmpfs (rw,nodev,relatime,size=16384k",
        "fstab:2 says of /tmp: rw,nosuid,nodev,noexec,size=32768k",
        "vserver nono remount /tmp",
    ] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
    sandbox.must(&["nono", "remount", "/tmp/"]);
    assert_eq!(size_inside(&sandbox), "32768");
    let mounts = inside(&sandbox, &["grep", " /tmp ", "/proc/mounts"]);
    assert!(mounts.contains("rw,nosuid,nodev,noexec,relatime"), "{mounts}");
    assert_eq!(inside(&sandbox, &["cat", "/tmp/file"]), "kept\n");
    inside(&sandbox, &["dd", "if=/dev/zero", "of=/tmp/20m", "bs=1M", "count=20"]);

    write("size=16m,mode=1777");
    let text = refused(&sandbox, "/tmp");
    assert!(text.contains("would not fit"), "{text}");
    assert_eq!(size_inside(&sandbox), "32768");
    // The original's program, as far as it goes.
    write("size=48m,mode=1777");
    let vmount = |options: &str| {
        let words = ["nono", "--", "-o", options, "none", "/tmp"];
        sandbox.ulysse("vmount", &words).output().unwrap()
    };
    let output = vmount("remount,size=1g");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("from outside"));
    assert_eq!(size_inside(&sandbox), "32768");
    let output = vmount("remount");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(size_inside(&sandbox), "49152");
    let output = sandbox.ulysse("vmount", &["100"]).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("on /tmp type tmpfs"));
    // Nothing but what its fstab says is a tmpfs.
    for target in ["/proc", "/dev", "/", "/etc", "tmp", "../tmp"] {
        let text = refused(&sandbox, target);
        assert!(text.contains("No line of the fstab"), "{target}: {text}");
    }
    sandbox.must(&["nono", "stop"]);
    write("size=64m,mode=1777");
    let output = sandbox.vserver(&["nono", "remount", "/tmp"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("not running"));
}

#[test]
fn a_file_that_is_written_keeps_its_tmpfs_as_it_is() {
    let (sandbox, write) = with_tmp();
    inside(&sandbox, &["touch", "/tmp/file"]);
    write("size=64m,mode=1777,ro");
    let engine = Engine::new(Instance {
        settings: sandbox.settings.clone(),
        settings_file: Some(sandbox.config.clone()),
        executable: env!("CARGO_BIN_EXE_ulysse").into(),
    });
    let name: VServerName = "nono".parse().unwrap();
    let state = GuestState::running(&sandbox.settings.roots, &name).unwrap().unwrap();
    let file = format!("/proc/{}/root/tmp/file", state.init.unwrap().pid);
    let writer = fs::OpenOptions::new().append(true).open(file).unwrap();
    let change = PlainChange::Remount { name, target: "/tmp".to_owned() };
    let user = || Actor::User { id: UserId(1), name: "ada".parse().unwrap() };
    let ended = engine.run_in_process(change.clone(), user(), &Silent).unwrap();
    let problem = RemountProblem::BeingWritten;
    let failure = Failure::NotRemounted { target: "/tmp".to_owned(), problem };
    assert_eq!(ended.progress, Progress::Failed { failure });
    assert_eq!(size_inside(&sandbox), "16384", "the new size was undone");
    drop(writer);
    let ended = engine.run_in_process(change, user(), &Silent).unwrap();
    assert_eq!(ended.progress, Progress::Succeeded);
    assert_eq!(size_inside(&sandbox), "65536");
    assert!(!sandbox.vserver(&["nono", "exec", "touch", "/tmp/other"]).status.success());
    sandbox.must(&["nono", "stop"]);
}

#[test]
fn what_the_host_has_mounted_is_not_changed() {
    leave_mounts();
    let (sandbox, write) = with_tmp();
    sandbox.must(&["nono", "stop"]);
    // As root may show it: a tmpfs of the host's where there was one of its own.
    let host = sandbox.directory().join("of-the-host");
    fs::create_dir(&host).unwrap();
    let flags = nix::mount::MsFlags::empty();
    nix::mount::mount(Some("none"), &host, Some("tmpfs"), flags, Some("size=1m")).unwrap();
    let path = sandbox.settings.roots.config_base.join("nono/fstab");
    fs::write(&path, format!("{} /tmp none bind\n", host.display())).unwrap();
    sandbox.must(&["nono", "start"]);
    write("size=32m");
    let text = refused(&sandbox, "/tmp");
    let space = rustix::fs::statvfs(&host).unwrap();
    sandbox.must(&["nono", "stop"]);
    nix::mount::umount(&host).unwrap();
    assert!(text.contains("No tmpfs of the VServer’s own"), "{text}");
    assert_eq!(space.f_blocks * space.f_frsize, 1 << 20);
}

#[test]
fn a_remount_that_died_is_undone() {
    let (sandbox, write) = with_tmp();
    let dies = |point: &str| {
        let mut command = sandbox.ulysse("vserver", &["nono", "remount", "/tmp"]);
        let output = command.env("ULYSSE_CRASH_AT", point).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point} is passed: {output:?}");
    };
    let repair = || {
        let repaired = sandbox.ulysse("doctor", &["--repair"]).output().unwrap();
        assert!(repaired.status.success(), "{repaired:?}");
    };
    for point in CRASH_POINTS.iter().find(|(kind, _)| *kind == Kind::Remount).unwrap().1 {
        write("size=32m,mode=1777,nosuid");
        dies(point);
        repair();
        assert_eq!(size_inside(&sandbox), "16384", "{point}");
        let mounts = inside(&sandbox, &["grep", " /tmp ", "/proc/mounts"]);
        assert!(!mounts.contains("nosuid"), "{point}: {mounts}");
    }
    // What came in between is not thrown away.
    dies("remount:done");
    inside(&sandbox, &["dd", "if=/dev/zero", "of=/tmp/20m", "bs=1M", "count=20"]);
    repair();
    assert_eq!(inside(&sandbox, &["stat", "-c", "%s", "/tmp/20m"]), "20971520\n");
    assert_eq!(size_inside(&sandbox), "20480", "as much as they take");
    // Another life of it has mounted anew: an old journal is nothing to it.
    dies("remount:done");
    sandbox.must(&["nono", "restart"]);
    assert_eq!(size_inside(&sandbox), "32768");
    sandbox.must(&["nono", "stop"]);
}
