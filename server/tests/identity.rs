//! Renaming a VServer, changing its address, context and host name, on the real kernel: everything the
//! course does by hand in eight places, in one command; or nothing.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::path::Path;
use std::process::Command;

use nix::mount::{MsFlags, mount};
use sandbox::command::{code, complained};
use sandbox::{Sandbox, contents, leave_mounts, leave_network};
use tiny_guest::make_course_vserver;

const ADDRESS: &str = "10.127.0.20";

/// The text of a file of a config tree.
fn config(sandbox: &Sandbox, path: &str) -> String {
    fs::read_to_string(sandbox.settings.roots.config_base.join(path)).unwrap()
}

/// Everything that a change of identity touches.
fn everything(sandbox: &Sandbox) -> Vec<String> {
    let roots = &sandbox.settings.roots;
    let mut lines = contents(&roots.config_base);
    lines.extend(contents(&roots.guest_base));
    lines.extend(sandbox.names_in(&roots.log_base));
    lines.extend(sandbox.names_in(&roots.cache_base));
    lines.extend(fs::read_to_string(&roots.host_fstab));
    // Written by whatever starts inside.
    lines.retain(|line| {
        let path = line.split([':', ' ']).next().unwrap_or_default();
        !["/tmp/", "/run/", "/var/"].iter().any(|part| path.contains(part))
    });
    lines
}

#[test]
fn a_vserver_is_renamed_wherever_its_name_stands() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "nono", 200, ADDRESS);
    make_course_vserver(&sandbox, "front", 201, "10.127.0.21");
    let depends = roots.config_base.join("front/apps/init/depends");
    fs::create_dir_all(depends.parent().unwrap()).unwrap();
    fs::write(&depends, "# what it needs\nnono\nnono2\n").unwrap();
    let root = roots.guest_base.join("nono").display().to_string();
    let fstab = format!("# mine\n\n/dev/x\t{root}   ext3 defaults 0 2\n/dev/y {root}2 ext3\n");
    fs::write(&roots.host_fstab, &fstab).unwrap();

    let plan = sandbox.must(&["nono", "rename", "ulyse", "--dry-run"]);
    let to = roots.config_base.join("ulyse").display().to_string();
    assert!(plan.contains(&format!("mv {}/nono {to}\n", roots.config_base.display())), "{plan}");
    assert!(roots.config_base.join("nono").is_dir());

    sandbox.must(&["nono", "rename", "ulyse"]);
    for base in [&roots.config_base, &roots.guest_base, &roots.log_base, &roots.cache_base] {
        let names = sandbox.names_in(base);
        assert!(names.contains(&"ulyse".to_owned()), "{}: {names:?}", base.display());
        assert!(!names.contains(&"nono".to_owned()), "{}: {names:?}", base.display());
    }
    assert_eq!(config(&sandbox, "ulyse/name"), "ulyse\n");
    assert_eq!(config(&sandbox, "ulyse/uts/nodename"), "ulyse.cume.fr\n");
    assert_eq!(config(&sandbox, "ulyse/interfaces/0/name"), "ulyse\n");
    assert_eq!(config(&sandbox, "ulyse/context"), "200\n");
    assert_eq!(config(&sandbox, "ulyse/a-file-of-somebody-else"), "about nono\n");
    assert_eq!(config(&sandbox, "front/apps/init/depends"), "# what it needs\nulyse\nnono2\n");
    let new_root = roots.guest_base.join("ulyse");
    assert_eq!(config(&sandbox, "ulyse/dlimits/0/directory"), format!("{}\n", new_root.display()));
    for link in ["vdir", "cache", "run"] {
        let target = fs::read_link(roots.config_base.join("ulyse").join(link)).unwrap();
        assert!(target.ends_with("ulyse"), "{}", target.display());
    }
    assert_eq!(fs::canonicalize(roots.config_base.join("ulyse/vdir")).unwrap(), new_root);
    assert_eq!(fs::read_to_string(new_root.join("etc/hostname")).unwrap(), "ulyse\n");
    assert_eq!(
        fs::read_to_string(new_root.join("etc/hosts")).unwrap(),
        format!("127.0.0.1\tlocalhost\n{ADDRESS}\tulyse.cume.fr ulyse\n")
    );
    let expected = fstab.replace(&format!("{root}   "), &format!("{}   ", new_root.display()));
    assert_eq!(fs::read_to_string(&roots.host_fstab).unwrap(), expected);

    sandbox.must(&["ulyse", "start"]);
    assert_eq!(sandbox.must(&["ulyse", "exec", "hostname"]), "ulyse.cume.fr\n");
    let output = sandbox.vserver(&["nono", "status"]);
    assert_eq!(code(&output), 5, "{output:?}");
    // Nothing is left of it but its history.
    let output = sandbox.ulysse("doctor", &[]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn one_that_runs_is_stopped_and_started_only_when_that_is_said() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_course_vserver(&sandbox, "nono", 200, ADDRESS);
    sandbox.must(&["nono", "start"]);
    let before = everything(&sandbox);
    let output = sandbox.vserver(&["nono", "rename", "ulyse"]);
    assert_eq!(code(&output), 1);
    let text = complained(&output);
    assert!(text.contains("has to be stopped") && text.contains("--restart"), "{text}");
    assert_eq!(everything(&sandbox), before);
    assert!(sandbox.running("nono").is_some());

    sandbox.must(&["nono", "rename", "ulyse", "--restart"]);
    let state = sandbox.running("ulyse").unwrap();
    assert!(sandbox.running("nono").is_none());
    assert_eq!(state.root, sandbox.settings.roots.guest_base.join("ulyse"));
    sandbox.must(&["--silent", "ulyse", "set", "--hostname", "other.cume.fr", "--restart"]);
    assert_eq!(sandbox.must(&["ulyse", "exec", "hostname"]), "other.cume.fr\n");
    let stat = sandbox.ulysse("vserver-stat", &["--guests-only"]).output().unwrap();
    assert!(String::from_utf8(stat.stdout).unwrap().contains(" ulyse\n"));
}

#[test]
fn one_that_does_not_start_under_its_new_name_runs_under_its_old_one() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_course_vserver(&sandbox, "nono", 200, ADDRESS);
    sandbox.must(&["nono", "start"]);
    let first = sandbox.running("nono").unwrap();
    let before = everything(&sandbox);
    // No record of a start can be kept there.
    fs::write(sandbox.settings.roots.run_base.join(".state/ulyse"), "in the way").unwrap();
    let output = sandbox.vserver(&["nono", "rename", "ulyse", "--restart"]);
    assert_eq!(code(&output), 1, "{output:?}");
    assert_eq!(everything(&sandbox), before);
    let state = sandbox.running("nono").unwrap();
    assert_ne!(state.init, first.init, "it was stopped");
    assert_eq!(sandbox.must(&["nono", "exec", "hostname"]), "nono.cume.fr\n");
}

#[test]
fn what_is_taken_or_in_the_way_is_said_before_anything_is_done() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "nono", 200, ADDRESS);
    make_course_vserver(&sandbox, "front", 201, "10.127.0.21");
    fs::create_dir_all(roots.guest_base.join("full/etc")).unwrap();
    sandbox.must(&["nono", "start"]);
    let before = everything(&sandbox);
    let first = sandbox.running("nono");
    for (words, text) in [
        (&["rename", "front"][..], "This name is taken"),
        (&["rename", "full"], "holds files that belong to no VServer"),
        (&["rename", "a b"], "is not allowed"),
        (&["rename", "a-name-that-is-long"], "Too long"),
        (&["set", "--context", "201"], "Context 201 belongs to front"),
        (&["set", "--context", "1"], "From 2 to 49151"),
        (&["set", "--interface", "nat0:10.127.0.21/24"], "10.127.0.21 belongs to front"),
        (&["set", "--interface", "nix0:192.0.2.1/24"], "no network device “nix0”"),
        (&["set", "--hostname", "front.cume.fr"], "belongs to front"),
        (&["set"], "already as it is asked for"),
        (&["rename", "nono"], "already as it is asked for"),
    ] {
        let words: Vec<&str> =
            ["nono"].iter().chain(words).chain(&["--restart"]).copied().collect();
        let output = sandbox.vserver(&words);
        let said = complained(&output);
        assert_eq!(code(&output), 1, "{words:?}: {said}");
        assert!(said.to_lowercase().contains(&text.to_lowercase()), "{words:?}: {said}");
    }
    assert_eq!(everything(&sandbox), before);
    assert_eq!(sandbox.running("nono"), first);
    let output = sandbox.vserver(&["nono", "rename"]);
    assert!(complained(&output).contains("needs a new name"), "{output:?}");
}

#[test]
fn address_alias_context_and_host_name_change_together() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_course_vserver(&sandbox, "nono", 200, ADDRESS);
    sandbox.must(&["nono", "start"]);
    let new = "vs=nat0:10.127.0.60/25";
    sandbox.must(&[
        "nono",
        "set",
        "--context",
        "260",
        "--hostname",
        "mail.cume.fr",
        "--interface",
        new,
        "--interface",
        "nodev:192.0.2.7",
        "--restart",
    ]);
    for (path, text) in [
        ("context", "260\n"),
        ("uts/nodename", "mail.cume.fr\n"),
        ("interfaces/0/ip", "10.127.0.60\n"),
        ("interfaces/0/prefix", "25\n"),
        ("interfaces/0/name", "vs\n"),
        ("interfaces/0/dev", "nat0\n"),
        ("interfaces/1/ip", "192.0.2.7\n"),
        ("interfaces/1/nodev", ""),
        ("name", "nono\n"),
    ] {
        assert_eq!(config(&sandbox, &format!("nono/{path}")), text, "{path}");
    }
    let state = sandbox.running("nono").unwrap();
    assert_eq!(state.context.get(), 260);
    let addresses = sandbox.must(&["nono", "exec", "ip", "addr"]);
    assert!(addresses.contains("10.127.0.60/") && !addresses.contains(ADDRESS), "{addresses}");
    let hosts = sandbox.must(&["nono", "exec", "cat", "/etc/hosts"]);
    assert!(hosts.contains("10.127.0.60\tmail.cume.fr mail\n"), "{hosts}");
    sandbox.must(&["nono", "stop"]);
    sandbox.must(&["nono", "set", "--interface", "nat0:10.127.0.61/24"]);
    let left = sandbox.names_in(&sandbox.settings.roots.config_base.join("nono/interfaces"));
    assert_eq!(left, ["0"]);
    let left = sandbox.names_in(&sandbox.settings.roots.config_base.join("nono/interfaces/0"));
    assert_eq!(left, ["dev", "ip", "prefix"]);
    let strays = sandbox.names_in(&sandbox.settings.roots.config_base);
    assert_eq!(strays, [".defaults", "nono"]);
}

fn is_mounted(path: &Path) -> bool {
    let table = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    table.lines().any(|line| line.split(' ').nth(4) == path.to_str())
}

#[test]
fn the_volume_of_a_vserver_is_mounted_under_its_new_name() {
    leave_network();
    leave_mounts();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "nono", 200, ADDRESS);
    let volume = roots.guest_base.join("volume");
    let (old, new) = (roots.guest_base.join("nono"), roots.guest_base.join("ulyse"));
    fs::rename(&old, &volume).unwrap();
    fs::create_dir(&old).unwrap();
    let none: Option<&str> = None;
    mount(Some(&volume), &old, none, MsFlags::MS_BIND, none).unwrap();

    // A part of a filesystem that no line speaks of could not be mounted again.
    let before = everything(&sandbox);
    let output = sandbox.vserver(&["nono", "rename", "ulyse"]);
    assert_eq!(code(&output), 1, "{output:?}");
    assert!(complained(&output).contains("is mounted"), "{output:?}");
    assert_eq!(everything(&sandbox), before);

    let line = |path: &Path| format!("{} {}  none  bind 0 0\n", volume.display(), path.display());
    fs::write(&roots.host_fstab, line(&old)).unwrap();
    sandbox.must(&["nono", "start"]);
    sandbox.must(&["nono", "rename", "ulyse", "--restart"]);
    assert!(is_mounted(&new) && !is_mounted(&old) && !old.exists());
    assert_eq!(fs::read_to_string(&roots.host_fstab).unwrap(), line(&new));
    assert_eq!(sandbox.must(&["ulyse", "exec", "cat", "/etc/hostname"]), "ulyse\n");
    sandbox.must(&["ulyse", "stop"]);

    // In the way: the volume is where it was, mounted.
    fs::create_dir_all(roots.config_base.join("full")).unwrap();
    let before = everything(&sandbox);
    assert_eq!(code(&sandbox.vserver(&["ulyse", "rename", "full"])), 1);
    assert!(is_mounted(&new));
    assert_eq!(everything(&sandbox), before);
}

#[test]
fn a_filesystem_of_its_own_is_unmounted_and_mounted() {
    leave_network();
    leave_mounts();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "nono", 200, ADDRESS);
    let (old, new) = (roots.guest_base.join("nono"), roots.guest_base.join("ulyse"));
    let image = sandbox.config.with_file_name("image");
    fs::File::create(&image).unwrap().set_len(24 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F", "-d"]).args([&old, &image]).status();
    assert!(made.unwrap().success());
    fs::remove_dir_all(&old).unwrap();
    fs::create_dir(&old).unwrap();
    let mounted = Command::new("mount").args(["-o", "loop"]).args([&image, &old]).output().unwrap();
    assert!(mounted.status.success(), "{mounted:?}");
    sandbox.must(&["nono", "start"]);
    sandbox.must(&["nono", "rename", "ulyse", "--restart"]);
    assert!(is_mounted(&new) && !is_mounted(&old));
    assert_eq!(sandbox.must(&["ulyse", "exec", "cat", "/etc/hostname"]), "ulyse\n");
    sandbox.must(&["ulyse", "stop"]);
    assert!(Command::new("umount").arg(&new).status().unwrap().success());
}

#[test]
fn the_operation_knows_both_names() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_course_vserver(&sandbox, "nono", 200, ADDRESS);
    sandbox.must(&["nono", "rename", "ulyse", "--context", "210"]);
    let store = engine::operation::Store::new(&sandbox.settings.roots);
    let operations = store.list(None, 10).unwrap();
    let [operation] = operations.as_slice() else { panic!("{operations:?}") };
    assert_eq!(operation.command, "vserver nono rename ulyse --context 210");
    assert_eq!(operation.target.name(), "nono");
    assert_eq!(operation.renamed_to.as_ref().unwrap().as_str(), "ulyse");
    assert_eq!(config(&sandbox, "ulyse/context"), "210\n");
}
