//! Templates and cached bases through the whole program: what is kept, what never is, and what is left
//! after a crash at each step.

mod sandbox;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use domain::operation::Kind;
use engine::operation::CRASH_POINTS;
use sandbox::{Sandbox, until};

/// A small root, packed with the host's own tar.
fn archive(directory: &Path) -> PathBuf {
    let root = directory.join("source");
    for name in ["etc", "usr/bin"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    fs::write(root.join("etc/hostname"), "template\n").unwrap();
    let path = directory.join("archive.misnamed.zip");
    let packed = Command::new("tar")
        .args(["--create", "--gzip", "--file"])
        .arg(&path)
        .arg("--directory")
        .arg(&root)
        .arg(".")
        .status();
    assert!(packed.unwrap().success());
    path
}

fn template(sandbox: &Sandbox, words: &[&str]) -> Output {
    sandbox.ulysse("template", words).output().unwrap()
}

fn templates(sandbox: &Sandbox) -> Vec<String> {
    sandbox.names_in(&sandbox.settings.roots.templates())
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn repair(sandbox: &Sandbox) {
    for words in [&["--repair"][..], &[]] {
        let output = sandbox.ulysse("doctor", words).output().unwrap();
        assert!(output.status.success(), "doctor {words:?}: {output:?}");
    }
}

#[test]
fn a_template_is_added_listed_and_removed() {
    let sandbox = Sandbox::without_bases();
    let directory = tempfile::tempdir().unwrap();
    let path = archive(directory.path());
    let path = path.to_str().unwrap();
    let added = template(&sandbox, &["add", "small", path, "--description", "A small one"]);
    assert!(added.status.success(), "{added:?}");
    assert_eq!(templates(&sandbox), ["small"]);
    let listed = text(&template(&sandbox, &["list"]));
    let line = listed.lines().find(|line| line.starts_with("small")).unwrap();
    assert!(line.contains("tar.gz") && line.ends_with("A small one"), "{listed}");
    // What is kept is what was given, byte for byte, and only root's.
    let kept = sandbox.settings.roots.templates().join("small");
    assert_eq!(fs::read(kept.join("archive")).unwrap(), fs::read(path).unwrap());
    let mode = |path: &Path| std::os::unix::fs::MetadataExt::mode(&fs::metadata(path).unwrap());
    assert_eq!(mode(&sandbox.settings.roots.templates()) & 0o777, 0o700);
    let record = fs::read_to_string(kept.join("template.json")).unwrap();
    let sum = Command::new("sha256sum").arg(path).output().unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert!(record.contains(sum.split(' ').next().unwrap()), "{record}");
    // The name is taken; another one is free.
    let again = template(&sandbox, &["add", "small", path]);
    assert!(!again.status.success() && text(&again).contains("taken"), "{again:?}");
    assert!(template(&sandbox, &["add", "other", path]).status.success());
    assert!(template(&sandbox, &["remove", "small"]).status.success());
    assert_eq!(templates(&sandbox), ["other"]);
    let gone = template(&sandbox, &["remove", "small"]);
    assert!(!gone.status.success() && text(&gone).contains("small"), "{gone:?}");
    for bad in ["../up", "", "a b", ".hidden"] {
        assert!(!template(&sandbox, &["add", "--", bad, path]).status.success(), "{bad:?}");
    }
    assert_eq!(templates(&sandbox), ["other"]);
}

#[test]
fn what_nobody_could_unpack_is_not_kept() {
    let sandbox = Sandbox::without_bases();
    let directory = tempfile::tempdir().unwrap();
    let good = fs::read(archive(directory.path())).unwrap();
    let cut = good[..good.len() - 9].to_vec();
    for (name, bytes, word) in [
        ("cpio", b"070701 and more".to_vec(), "cpio"),
        ("zip", b"PK\x03\x04".to_vec(), "zip"),
        ("text", b"no archive".to_vec(), "tar archive"),
        ("empty", Vec::new(), "Nothing is in it"),
        ("cut", cut, "middle"),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        let refused = template(&sandbox, &["add", name, path.to_str().unwrap()]);
        assert!(!refused.status.success(), "{refused:?}");
        assert!(text(&refused).contains(word), "{name}: {}", text(&refused));
    }
    assert_eq!(templates(&sandbox), [""; 0]);
    repair(&sandbox);
}

#[test]
fn a_template_that_died_was_not_added_or_is_finished() {
    let sandbox = Sandbox::without_bases();
    let directory = tempfile::tempdir().unwrap();
    let path = archive(directory.path());
    let points = |kind| CRASH_POINTS.iter().find(|(one, _)| *one == kind).unwrap().1;
    let dies = |point: &str, words: &[&str]| {
        let mut command = sandbox.ulysse("template", words);
        let output = command.env("ULYSSE_CRASH_AT", point).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point}: {output:?}");
    };
    for point in points(Kind::AddTemplate) {
        dies(point, &["add", "small", path.to_str().unwrap()]);
        repair(&sandbox);
        let is_past_commit = *point == "template:committed" || point.starts_with("finish:");
        let expected = if is_past_commit { vec!["small"] } else { vec![] };
        assert_eq!(templates(&sandbox), expected, "{point}");
        if is_past_commit {
            assert!(template(&sandbox, &["remove", "small"]).status.success(), "{point}");
        }
    }
    for point in points(Kind::RemoveTemplate) {
        let added = template(&sandbox, &["add", "small", path.to_str().unwrap()]);
        assert!(added.status.success(), "{point}: {added:?}");
        dies(point, &["remove", "small"]);
        repair(&sandbox);
        let expected = if *point == "template:removing" { vec!["small"] } else { vec![] };
        assert_eq!(templates(&sandbox), expected, "{point}");
        template(&sandbox, &["remove", "small"]);
    }
}

#[test]
fn cancelling_leaves_nothing() {
    let sandbox = Sandbox::without_bases();
    let directory = tempfile::tempdir().unwrap();
    // An archive that never ends: it is received until somebody cancels it.
    let pipe = directory.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut command = sandbox.ulysse("template", &["add", "endless", pipe.to_str().unwrap()]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let writer = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            use std::io::Write;
            let mut file = fs::OpenOptions::new().write(true).open(pipe).unwrap();
            // Until whoever reads has gone.
            while file.write_all(&[0; 4096]).is_ok() {
                std::thread::park_timeout(std::time::Duration::from_millis(1));
            }
        }
    });
    until("something has been received", || {
        templates(&sandbox).iter().any(|name| {
            let path = sandbox.settings.roots.templates().join(name).join("archive");
            fs::metadata(path).is_ok_and(|found| found.len() > 0)
        })
    });
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    writer.join().unwrap();
    assert_eq!(templates(&sandbox), [""; 0]);
    repair(&sandbox);
}

/// A base that no debootstrap has made, as far as anything here can see.
fn base(sandbox: &Sandbox) -> (PathBuf, String) {
    let bases = sandbox.settings.roots.cache_base.join("bases");
    let id = "ab".repeat(32);
    let place = bases.join(&id);
    fs::create_dir_all(place.join("root/etc")).unwrap();
    let method = r#"{"debootstrap":{"suite":"bookworm","mirror":"http://mirror.example/debian","architecture":"amd64","packages":["less"],"variant":"minbase","components":[],"excluded":[]}}"#;
    let record = format!(r#"{{"recipe":1,"method":{method},"init":"sysvinit","made_at":1000}}"#);
    fs::write(place.join("base.json"), record).unwrap();
    fs::write(bases.join(format!("{id}.lock")), "").unwrap();
    (bases, id)
}

#[test]
fn a_base_is_listed_and_removed_with_its_lock() {
    let sandbox = Sandbox::without_bases();
    let (bases, id) = base(&sandbox);
    let run = |words: &[&str]| sandbox.ulysse("base", words).output().unwrap();
    let listed = text(&run(&["list"]));
    let line = listed.lines().find(|line| line.starts_with("abababababab")).unwrap();
    assert!(line.contains("bookworm amd64") && line.contains("1970-01-01"), "{listed}");
    for bad in ["ff", "a", "", "../.."] {
        let refused = run(&["remove", "--", bad]);
        assert!(!refused.status.success(), "{bad}: {refused:?}");
    }
    assert_eq!(sandbox.names_in(&bases), [id.clone(), format!("{id}.lock")]);
    let removed = run(&["remove", "abab"]);
    assert!(removed.status.success(), "{removed:?}");
    assert_eq!(sandbox.names_in(&bases), [""; 0]);
    for point in CRASH_POINTS.iter().find(|(kind, _)| *kind == Kind::RemoveBase).unwrap().1 {
        base(&sandbox);
        let mut command = sandbox.ulysse("base", &["remove", "abab"]);
        let output = command.env("ULYSSE_CRASH_AT", point).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point}: {output:?}");
        repair(&sandbox);
        let left = sandbox.names_in(&bases);
        let expected = usize::from(*point == "base:locked") * 2;
        assert_eq!(left.len(), expected, "{point}: {left:?}");
        let _ = run(&["remove", "abab"]);
    }
}

#[test]
fn a_base_that_cannot_be_made_anew_stays_and_no_lock_is_left_of_one_that_never_was() {
    let sandbox = Sandbox::without_bases();
    let (bases, id) = base(&sandbox);
    // Its mirror is a name that nobody has (RFC 2606).
    let refused = sandbox.ulysse("base", &["refresh", &id]).output().unwrap();
    assert!(!refused.status.success(), "{refused:?}");
    let left = sandbox.names_in(&bases);
    assert!(left.contains(&id) && left.iter().all(|name| name.starts_with(&id)), "{left:?}");
    let words = ["web", "build", "-m", "debootstrap", "--", "-m", "http://mirror.example/debian"];
    let failed = sandbox.vserver(&words);
    assert!(!failed.status.success(), "{failed:?}");
    assert_eq!(sandbox.names_in(&bases), left);
    // One that a crash left behind goes with the next repair.
    fs::write(bases.join(format!("{}.lock", "cd".repeat(32))), "").unwrap();
    repair(&sandbox);
    assert_eq!(sandbox.names_in(&bases), left);
}

/// The base that small VServers are built from, which other tests may use at the same time.
fn shared_minbase(sandbox: &Sandbox) -> PathBuf {
    let bases = sandbox.settings.roots.cache_base.join("bases");
    let is_minbase = |place: &PathBuf| {
        let record = fs::read_to_string(place.join("base.json"));
        record.is_ok_and(|record| record.contains("\"variant\": \"minbase\""))
    };
    let used_at = |place: &PathBuf| {
        fs::metadata(place.with_extension("lock")).and_then(|lock| lock.modified()).ok()
    };
    let names = sandbox.names_in(&bases).into_iter().map(|name| bases.join(name));
    names.filter(is_minbase).max_by_key(used_at).unwrap()
}

#[test]
fn a_base_is_made_anew_from_its_mirror_whole_or_not_at_all() {
    let shared = Sandbox::new();
    let built = shared.build("seed");
    assert!(built.status.success(), "{built:?}");
    let from = shared_minbase(&shared);
    let id = from.file_name().unwrap().to_str().unwrap().to_owned();
    // A copy of it, of long ago and with something in it that no mirror has.
    let sandbox = Sandbox::without_bases();
    let bases = sandbox.settings.roots.cache_base.join("bases");
    fs::create_dir_all(&bases).unwrap();
    let copied = Command::new("cp").arg("-a").arg(&from).arg(&bases).status().unwrap();
    assert!(copied.success());
    fs::write(bases.join(format!("{id}.lock")), "").unwrap();
    let place = bases.join(&id);
    let record = || -> serde_json::Value {
        serde_json::from_slice(&fs::read(place.join("base.json")).unwrap()).unwrap()
    };
    let mut old = record();
    old["made_at"] = 1000.into();
    fs::write(place.join("base.json"), old.to_string()).unwrap();
    fs::write(place.join("root/etc/left-behind"), "old").unwrap();

    // Killed on its way it is the old one, whole, until it is the new one.
    for point in CRASH_POINTS.iter().find(|(kind, _)| *kind == Kind::RefreshBase).unwrap().1 {
        let mut command = sandbox.ulysse("base", &["refresh", &id]);
        let output = command.env("ULYSSE_CRASH_AT", point).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point}: {output:?}");
        repair(&sandbox);
        assert_eq!(sandbox.names_in(&bases), [id.clone(), format!("{id}.lock")], "{point}");
        let is_old = place.join("root/etc/left-behind").exists();
        assert_eq!(
            is_old,
            !matches!(*point, "base:exchanged" | "build:base-kept"),
            "{point}: made anew, not brought up to date"
        );
    }
    assert!(place.join("root/etc/debian_version").exists());
    let new = record();
    assert!(new["made_at"].as_u64().unwrap() > 1_700_000_000_000, "{new}");
    assert_eq!(new["method"], old["method"]);
    // It is what the next build takes.
    let built = sandbox.build("web");
    assert!(built.status.success(), "{built:?}");
    assert_eq!(record(), new);
    assert!(sandbox.settings.roots.guest_base.join("web/etc/debian_version").exists());
    repair(&sandbox);
}
