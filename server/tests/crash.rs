//! Crashes: every operation is killed at every point where it could matter, and put right after.
//!
//! `kill -9` is real, and so is everything it hits: builds, namespaces, cgroups, the network.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::process::ExitStatusExt;

use domain::hook::Hook;
use domain::operation::Kind;
use engine::operation::{CRASH_POINTS, HOOK_CRASH_POINT};
use sandbox::{Sandbox, build_words, contents, leave_network, until};
use tiny_guest::make_course_vserver;

fn points_of(kind: Kind) -> &'static [&'static str] {
    CRASH_POINTS.iter().find(|(one, _)| *one == kind).unwrap().1
}

/// Runs `vserver WORDS` and lets it die at a point; false when it never came there.
fn dies_at(sandbox: &Sandbox, point: &str, words: &[&str]) -> bool {
    let output = sandbox.ulysse("vserver", words).env("ULYSSE_CRASH_AT", point).output().unwrap();
    match output.status.signal() {
        Some(9) => true,
        _ => {
            assert!(output.status.success(), "{point}: {output:?}");
            false
        }
    }
}

/// Repairs, and sees that nothing is left to repair.
fn repair(sandbox: &Sandbox, point: &str) {
    for words in [&["--repair"][..], &[]] {
        let output = sandbox.ulysse("doctor", words).output().unwrap();
        assert!(output.status.success(), "{point}: doctor {words:?}: {output:?}");
    }
    let roots = &sandbox.settings.roots;
    for base in [&roots.config_base, &roots.guest_base] {
        let stray: Vec<String> = sandbox
            .names_in(base)
            .into_iter()
            .filter(|name| name.starts_with('.') && name != ".defaults" && name != ".bin")
            .collect();
        assert_eq!(stray, [""; 0], "{point}: in {}", base.display());
    }
}

/// Whether a VServer is there: files and config tree, or neither.
fn exists(sandbox: &Sandbox, name: &str, point: &str) -> bool {
    let name = name.parse().unwrap();
    let roots = &sandbox.settings.roots;
    let found = [roots.config_of(&name).exists(), roots.guest_base.join(name.as_str()).exists()];
    assert_eq!(found[0], found[1], "{point}: files and config tree come and go together");
    found[0]
}

#[test]
fn a_build_that_died_is_undone_or_finished() {
    let sandbox = Sandbox::new();
    // Once without a crash: the base is there from then on.
    assert!(sandbox.build("first").status.success());
    for point in points_of(Kind::Build).iter().filter(|point| !point.contains(":base-")) {
        assert!(dies_at(&sandbox, point, &build_words("web")), "{point} is passed");
        repair(&sandbox, point);
        let is_past_commit = *point == "build:committed" || point.starts_with("finish:");
        assert_eq!(exists(&sandbox, "web", point), is_past_commit, "{point}");
        // Whatever came of it, its name can be used.
        if is_past_commit {
            sandbox.must(&["--silent", "web", "delete"]);
        }
    }
    assert!(sandbox.build("web").status.success());
}

#[test]
fn a_base_that_died_is_made_anew() {
    let sandbox = Sandbox::without_bases();
    for point in points_of(Kind::Build).iter().filter(|point| point.contains(":base-")) {
        assert!(dies_at(&sandbox, point, &build_words("web")), "{point} is passed");
        repair(&sandbox, point);
        assert!(!exists(&sandbox, "web", point), "{point}");
        let bases = sandbox.settings.roots.cache_base.join("bases");
        let kept = sandbox.names_in(&bases).iter().filter(|name| !name.ends_with(".lock")).count();
        assert_eq!(kept, usize::from(*point == "build:base-kept"), "{point}");
    }
}

#[test]
fn a_start_or_stop_that_died_leaves_a_vserver_that_runs_or_does_not() {
    leave_network();
    let sandbox = Sandbox::new();
    assert!(sandbox.build("web").status.success());
    for point in points_of(Kind::Start) {
        assert!(dies_at(&sandbox, point, &["web", "start"]), "{point} is passed");
        repair(&sandbox, point);
        // Only a start that was complete counts as one.
        assert_eq!(sandbox.running("web").is_some(), *point == "start:started", "{point}");
        if sandbox.running("web").is_some() {
            sandbox.must(&["web", "stop"]);
        }
        sandbox.must(&["web", "start"]);
        sandbox.must(&["web", "stop"]);
    }
    for point in points_of(Kind::Stop) {
        sandbox.must(&["web", "start"]);
        assert!(dies_at(&sandbox, point, &["web", "stop"]), "{point} is passed");
        repair(&sandbox, point);
        assert!(sandbox.running("web").is_none(), "{point}");
    }
}

#[test]
fn a_start_or_stop_that_died_in_a_hook_leaves_a_vserver_that_runs_or_does_not() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_course_vserver(&sandbox, "web", 100, "10.127.0.40");
    let scripts = sandbox.settings.roots.config_base.join("web/scripts");
    fs::create_dir(&scripts).unwrap();
    for hook in Hook::ALL {
        let is_of_start =
            matches!(hook, Hook::Initialize | Hook::PrepreStart | Hook::PreStart | Hook::PostStart);
        let word = if is_of_start { "start" } else { "stop" };
        if !is_of_start {
            sandbox.must(&["web", "start"]);
        }
        let script = scripts.join(hook.as_str());
        fs::write(&script, "true\n").unwrap();
        assert!(dies_at(&sandbox, HOOK_CRASH_POINT, &["web", word]), "{hook} is run");
        repair(&sandbox, hook.as_str());
        // What was started when the last of them ran, is.
        assert_eq!(sandbox.running("web").is_some(), hook == Hook::PostStart, "{hook}");
        if sandbox.running("web").is_some() {
            sandbox.must(&["web", "stop"]);
        }
        fs::remove_file(&script).unwrap();
        sandbox.must(&["web", "start"]);
        sandbox.must(&["web", "stop"]);
    }
}

#[test]
fn a_delete_that_died_did_not_begin_or_is_finished() {
    leave_network();
    let sandbox = Sandbox::new();
    let is_of_the_bin = |point: &&&str| point.starts_with("bin:");
    for point in points_of(Kind::Delete).iter().filter(|point| !is_of_the_bin(point)) {
        make_course_vserver(&sandbox, "web", 100, "10.127.0.40");
        let died = dies_at(&sandbox, point, &["--silent", "web", "delete", "--now"]);
        assert!(died, "{point} is passed");
        repair(&sandbox, point);
        assert_eq!(exists(&sandbox, "web", point), *point == "delete:checked", "{point}");
        let history = sandbox.settings.roots.state_base.join("config-history/web");
        assert!(!history.exists() || *point == "delete:checked", "{point}");
        if exists(&sandbox, "web", point) {
            sandbox.must(&["--silent", "web", "delete", "--now"]);
        }
        assert_eq!(binned(&sandbox), 0, "{point}");
    }
}

/// How many VServers are in the recycle bin: as many trees as there are files.
fn binned(sandbox: &Sandbox) -> usize {
    let roots = &sandbox.settings.roots;
    let [trees, files] =
        [&roots.config_base, &roots.guest_base].map(|base| sandbox.names_in(&base.join(".bin")));
    assert_eq!(trees, files);
    trees.len()
}

#[test]
fn a_vserver_on_its_way_to_the_bin_or_back_is_here_or_there() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_course_vserver(&sandbox, "web", 100, "10.127.0.41");
    let whole = contents(&sandbox.settings.roots.config_base.join("web"));
    let is_here = |point: &str| {
        let here = exists(&sandbox, "web", point);
        assert_eq!(binned(&sandbox), usize::from(!here), "{point}");
        if here {
            let now = contents(&sandbox.settings.roots.config_base.join("web"));
            assert_eq!(now, whole, "{point}");
        }
        here
    };
    // The last ones are those of a deletion that keeps nothing.
    let is_passed = |point: &&&str| {
        !matches!(**point, "finish:5" | "finish:6" | "finish:7" | "finish:8" | "finish:9")
    };
    for point in points_of(Kind::Delete).iter().filter(is_passed) {
        assert!(dies_at(&sandbox, point, &["--silent", "web", "delete"]), "{point} is passed");
        repair(&sandbox, point);
        let is_committed = *point == "delete:committed" || point.starts_with("finish:");
        assert_eq!(is_here(point), !is_committed, "{point}");
        if is_committed {
            sandbox.must(&["--silent", "web", "undelete"]);
        }
    }
    for point in points_of(Kind::Undelete) {
        sandbox.must(&["--silent", "web", "delete"]);
        assert!(dies_at(&sandbox, point, &["web", "undelete"]), "{point} is passed");
        repair(&sandbox, point);
        assert_eq!(is_here(point), *point != "undelete:moved", "{point}");
        if !is_here(point) {
            sandbox.must(&["--silent", "web", "undelete"]);
        }
    }
    for point in points_of(Kind::Purge) {
        sandbox.must(&["--silent", "web", "delete"]);
        let ids = sandbox.names_in(&sandbox.settings.roots.bin());
        let words = ["remove", ids[0].as_str(), "--yes"];
        let mut command = sandbox.ulysse("bin", &words);
        let output = command.env("ULYSSE_CRASH_AT", point).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point} is passed: {output:?}");
        repair(&sandbox, point);
        let is_left = *point == "purge:checked";
        assert_eq!(binned(&sandbox), usize::from(is_left), "{point}");
        if is_left {
            sandbox.must(&["--silent", "web", "undelete"]);
        } else {
            make_course_vserver(&sandbox, "web", 100, "10.127.0.41");
        }
    }
}

/// Every file of a config tree with its text.
fn files_in(directory: &std::path::Path) -> std::collections::BTreeMap<String, String> {
    let mut files = std::collections::BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path));
            files.insert(format!("{}/", path.display()), String::new());
        } else {
            let text = fs::read_to_string(&path).unwrap();
            files.insert(path.display().to_string(), text);
        }
    }
    files
}

#[test]
fn a_change_of_the_config_that_died_changed_all_of_its_files_or_none() {
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    let (root, config) = (roots.guest_base.join("web"), roots.config_base.join("web"));
    fs::create_dir_all(&root).unwrap();
    fs::create_dir_all(config.join("uts")).unwrap();
    fs::write(config.join("context"), "100\n").unwrap();
    fs::write(config.join("uts/nodename"), "old").unwrap();
    std::os::unix::fs::symlink("../../lib/web", config.join("vdir")).unwrap();
    let config = config.clone();
    let all = || {
        let mut files = files_in(&config);
        files.retain(|path, _| !path.contains("/vdir"));
        files
    };
    let numbers = || {
        let said = sandbox.must(&["web", "config", "history"]);
        said.lines().filter(|line| line.starts_with("Change ")).count()
    };
    // One change of four files: what it undoes was done by hand.
    assert_eq!(numbers(), 0);
    let before = all();
    fs::write(config.join("context"), "200\n").unwrap();
    fs::write(config.join("nice"), "5\n").unwrap();
    fs::create_dir_all(config.join("apps/init")).unwrap();
    fs::write(config.join("apps/init/mark"), "default\n").unwrap();
    fs::remove_file(config.join("uts/nodename")).unwrap();
    assert_eq!(numbers(), 1);
    let after = all();
    let mut expected = before.clone();
    // Directories that were made by hand stay.
    for directory in ["apps/", "apps/init/"] {
        expected.insert(config.join(directory).display().to_string(), String::new());
    }
    for point in points_of(Kind::Configure) {
        let count = numbers();
        assert!(dies_at(&sandbox, point, &["web", "config", "undo", "1"]), "{point} is passed");
        repair(&sandbox, point);
        let is_past_commit = *point == "configure:committed" || point.starts_with("finish:");
        assert_eq!(all(), if is_past_commit { expected.clone() } else { after.clone() }, "{point}");
        assert_eq!(numbers(), count + usize::from(is_past_commit), "{point}: in the history once");
        if is_past_commit {
            let last = numbers().to_string();
            sandbox.must(&["web", "config", "undo", &last]);
            assert_eq!(all(), after, "{point}");
        }
    }
}

#[test]
fn a_renaming_that_died_did_not_happen_or_did() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "nono", 100, "10.127.0.42");
    make_course_vserver(&sandbox, "front", 101, "10.127.0.43");
    let depends = roots.config_base.join("front/apps/init/depends");
    fs::create_dir_all(depends.parent().unwrap()).unwrap();
    fs::write(&depends, "nono\n").unwrap();
    let line = format!("/dev/x {} ext3\n", roots.guest_base.join("nono").display());
    fs::write(&roots.host_fstab, line).unwrap();
    let state = || {
        let mut lines = contents(&roots.config_base);
        lines.extend(contents(&roots.guest_base));
        lines.extend(sandbox.names_in(&roots.log_base));
        lines.extend(sandbox.names_in(&roots.cache_base));
        lines.extend(fs::read_to_string(&roots.host_fstab));
        // Written by whatever starts inside.
        lines.retain(|line| !line.contains("/var/") && !line.contains("/run"));
        lines
    };
    sandbox.must(&["nono", "start"]);
    let old = state();
    sandbox.must(&["nono", "rename", "ulyse", "--restart"]);
    let new = state();
    assert_ne!(old, new);
    let mut is_new = true;
    for point in points_of(Kind::Rename) {
        let (from, to) = if is_new { ("ulyse", "nono") } else { ("nono", "ulyse") };
        let died = dies_at(&sandbox, point, &[from, "rename", to, "--restart"]);
        assert!(died, "{point} is passed");
        repair(&sandbox, point);
        // The supervisor that reports its guest's end may have been first to put it right.
        let live = roots.operations().join(".live");
        until("it is put right", || sandbox.names_in(&live).is_empty());
        let is_past_commit = *point == "identity:committed" || point.starts_with("finish:");
        is_new = is_new != is_past_commit;
        assert_eq!(state(), if is_new { new.clone() } else { old.clone() }, "{point}");
        // It ran before, so it runs again.
        assert!(sandbox.running(if is_new { "ulyse" } else { "nono" }).is_some(), "{point}");
        assert!(sandbox.running(if is_new { "nono" } else { "ulyse" }).is_none(), "{point}");
    }
}

#[test]
fn a_renaming_that_died_is_put_right_under_its_new_name_too() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let roots = &sandbox.settings.roots;
    make_course_vserver(&sandbox, "nono", 100, "10.127.0.44");
    let old = contents(&roots.config_base);
    assert!(dies_at(&sandbox, "step:13", &["nono", "rename", "ulyse"]));
    assert!(roots.config_base.join("ulyse").is_dir(), "it is half done");
    let output = sandbox.vserver(&["ulyse", "start"]);
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(contents(&roots.config_base), old);
    sandbox.must(&["nono", "start"]);
    repair(&sandbox, "step:13");
}
