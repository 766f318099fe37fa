//! Packages of VServers that rpm keeps, managed from the host with the VServers' own dnf: the same changes, lists and
//! repairs as where dpkg does, whether they run or not, and the tools themselves in several at once.

mod rpm_guest;
mod sandbox;

use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use domain::operation::Kind;
use domain::package::PackageState;
use engine::operation::CRASH_POINTS;
use engine::state::GuestState;
use sandbox::Sandbox;
use sandbox::command::{self, complained};

/// Does something with the packages of `red`.
fn packages(sandbox: &Sandbox, words: &[&str]) -> Output {
    sandbox.vserver(&[&["red", "packages"], words].concat())
}

fn must(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = packages(sandbox, words);
    assert!(
        output.status.success(),
        "{words:?}: {}{}",
        command::said(&output),
        complained(&output)
    );
    complained(&output)
}

/// What is pending, a line each, its words apart.
fn pending(sandbox: &Sandbox) -> Vec<String> {
    let shown = packages(sandbox, &[]);
    assert!(shown.status.success(), "{shown:?}");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    command::said(&shown).lines().map(words).collect()
}

/// Whether anything of a VServer is left over in the kernel or the engine's state.
fn is_at_rest(sandbox: &Sandbox) -> bool {
    let roots = &sandbox.settings.roots;
    let is_running = GuestState::all(roots).unwrap().iter().any(GuestState::is_running);
    let is_aside = !GuestState::all_aside(roots).unwrap().is_empty();
    let cgroups = engine::cgroup::Layout::detect().unwrap().paths(&roots.cgroup_root, "red");
    !is_running && !is_aside && cgroups.iter().all(|path| !path.exists())
}

#[test]
fn rpm_s_packages_are_looked_at_and_changed_like_dpkg_s() {
    let sandbox = Sandbox::new();
    let mut repository = rpm_guest::build(&sandbox, "red");
    let asked = packages(&sandbox, &[]);
    assert!(asked.status.success() && complained(&asked).contains("was never asked"), "{asked:?}");

    // One that does not run is not started for it.
    // In rpm's own language, because no package here is the one of a shell.
    let script = "%post -p <lua>\nio.open('/was-installed', 'w'):close()\n";
    repository.add("thing", "1.0", script);
    repository.add("safe", "1.0", "");
    must(&sandbox, &["refresh"]);
    let said = must(&sandbox, &["install", "thing", "safe"]);
    assert!(said.contains("thing 1.0-1 was installed."), "{said}");
    assert!(repository.root.join("was-installed").exists());
    assert!(is_at_rest(&sandbox));
    assert!(pending(&sandbox).is_empty());

    repository.add("thing", "2.0", "");
    repository.add_for_security("safe", "1.1");
    must(&sandbox, &["refresh"]);
    assert_eq!(pending(&sandbox), ["safe 1.0-1 1.1-1 security", "thing 1.0-1 2.0-1"]);
    let said = must(&sandbox, &["upgrade", "--security"]);
    assert!(said.contains("safe: 1.0-1 is now 1.1-1."), "{said}");
    assert_eq!(repository.version("thing").as_deref(), Some("1.0"));
    assert_eq!(pending(&sandbox), ["thing 1.0-1 2.0-1"]);

    // What is held is not upgraded, until it is released.
    must(&sandbox, &["hold", "thing"]);
    assert!(command::said(&packages(&sandbox, &["list"])).contains("hold"));
    assert!(pending(&sandbox).is_empty());
    must(&sandbox, &["upgrade"]);
    assert_eq!(repository.version("thing").as_deref(), Some("1.0"));
    must(&sandbox, &["unhold", "thing"]);

    // One that runs goes on running.
    sandbox.must(&["red", "start"]);
    let before = GuestState::all(&sandbox.settings.roots).unwrap()[0].init;
    must(&sandbox, &["upgrade", "thing"]);
    let said = must(&sandbox, &["remove", "--dry-run", "safe"]);
    assert!(said.contains("safe 1.1-1 would be removed."), "{said}");
    assert_eq!(repository.version("safe").as_deref(), Some("1.1"));
    let said = must(&sandbox, &["remove", "safe"]);
    assert!(said.contains("safe 1.1-1 was removed."), "{said}");
    let versions = ["thing", "safe"].map(|name| repository.version(name));
    assert_eq!(versions, [Some("2.0".to_owned()), None]);
    assert_eq!(GuestState::all(&sandbox.settings.roots).unwrap()[0].init, before);
    sandbox.must(&["red", "stop"]);
    assert!(is_at_rest(&sandbox));

    // What an interrupted transaction leaves twice is told, whoever made it, and repaired.
    let file = repository.file("thing", "1.0");
    let words = ["red", "--", "--install", "--force", "--justdb", "--nodeps", &file];
    assert!(sandbox.ulysse("vrpm", &words).output().unwrap().status.success());
    let shown = packages(&sandbox, &[]);
    assert_eq!(shown.status.code(), Some(1), "{shown:?}");
    assert!(
        complained(&shown).contains("To be repaired") && complained(&shown).contains("thing"),
        "{shown:?}"
    );
    let said = must(&sandbox, &["repair"]);
    assert!(said.contains("thing: 2.0-1, 1.0-1 is now 2.0-1."), "{said}");
    assert!(pending(&sandbox).is_empty());

    // In every VServer is looked for it, and nobody is asked for that.
    let engine = engine::Engine::new(engine::engine::Instance {
        settings: sandbox.settings.clone(),
        settings_file: None,
        executable: env!("CARGO_BIN_EXE_ulysse").into(),
    });
    let found = engine.find_packages("thin").unwrap();
    let shown = found.iter().map(|one| (one.package.version.as_str(), one.package.state));
    assert_eq!(shown.collect::<Vec<_>>(), [("2.0-1", PackageState::Installed)]);

    // Without the plugin nothing can be held, and that is said; without dnf nothing changed at all.
    repository.remove_locks();
    let refused = packages(&sandbox, &["hold", "thing"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(complained(&refused).contains("dnf-command(versionlock)"), "{refused:?}");
    for program in ["dnf", "yum"] {
        std::fs::remove_file(repository.root.join("usr/bin").join(program)).unwrap();
    }
    let refused = packages(&sandbox, &["upgrade"]);
    assert!(complained(&refused).contains("neither dnf nor yum"), "{refused:?}");
    assert!(is_at_rest(&sandbox));
}

#[test]
fn tools_of_rpm_run_in_all_that_are_meant_and_a_change_that_died_is_told() {
    let sandbox = Sandbox::new();
    let repository = rpm_guest::build(&sandbox, "red");
    repository.add("thing", "1.0", "");
    sandbox.must(&["hat", "build", "-m", "clone", "--", "--source", "red"]);
    sandbox.must(&["hat", "start"]);
    let tool = |program: &str, words: &[&str]| sandbox.ulysse(program, words).output().unwrap();

    let fetched = tool("vdnf", &["--all", "--", "makecache"]);
    assert!(fetched.status.success(), "{fetched:?}");
    for name in ["red", "hat"] {
        let title = format!("vdnf: operating on vserver {name}\n");
        assert!(command::said(&fetched).contains(&title), "{fetched:?}");
    }
    assert!(complained(&fetched).contains("VServers: 2, failed: 0."), "{fetched:?}");
    // What it told is known from now on.
    assert!(
        pending(&sandbox).is_empty() && !complained(&packages(&sandbox, &[])).contains("never")
    );

    // Nobody answers a question: that is a no, and nothing waits for it.
    let asked = tool("vyum", &["red", "--", "install", "thing"]);
    assert_eq!(asked.status.code(), Some(1), "{asked:?}");
    assert!(command::said(&asked).contains("Operation aborted."), "{asked:?}");
    let installed = tool("vyum", &["red", "--", "install", "-y", "thing"]);
    assert!(installed.status.success(), "{installed:?}");
    assert!(complained(&installed).contains("thing 1.0-1 was installed."), "{installed:?}");
    assert!(command::said(&packages(&sandbox, &["list"])).contains("thing"));

    // Each says its own in one piece, and the worst counts.
    let queried = tool("vrpm", &["red", "hat", "--", "--query", "thing"]);
    assert_eq!(queried.status.code(), Some(1), "{queried:?}");
    let text = command::said(&queried);
    let of =
        |name: &str| text.split("vrpm: operating on vserver ").find(|text| text.starts_with(name));
    assert_eq!(of("red\n"), Some("red\nthing-1.0-1.noarch\n\n"), "{text}");
    assert_eq!(of("hat\n"), Some("hat\npackage thing is not installed\n\n"), "{text}");
    assert!(complained(&queried).contains("hat: failed with exit status 1."), "{queried:?}");
    repository.add("thing", "2.0", "");
    let words = ["-q", "--names", "red,hat", "--", "check-update", "--refresh"];
    let checked = tool("vdnf", &words);
    // There are updates in one of them: dnf's own way of saying so.
    assert_eq!(checked.status.code(), Some(100), "{checked:?}");
    assert!(!command::said(&checked).contains("operating on"), "{checked:?}");
    let refused = tool("vyum", &["--running", "--", "install", "-y", "no-such-package"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(complained(&refused).contains("hat: failed with exit status 1."), "{refused:?}");
    // apt is not there: that is no success.
    assert_eq!(tool("vapt-get", &["hat", "--", "update"]).status.code(), Some(127));
    sandbox.must(&["hat", "stop"]);

    must(&sandbox, &["refresh"]);
    let points = CRASH_POINTS.iter().find(|(kind, _)| *kind == Kind::Packages).unwrap().1;
    for point in points {
        let words = ["red", "packages", "upgrade"];
        let mut died = sandbox.ulysse("vserver", &words);
        let died = died.env("ULYSSE_CRASH_AT", point).output().unwrap();
        assert_eq!(died.status.signal(), Some(9), "{point}: {died:?}");
        let output = sandbox.ulysse("doctor", &["--repair"]).output().unwrap();
        assert!(output.status.success(), "{point}: {output:?}");
        assert!(is_at_rest(&sandbox), "{point}");
    }
    must(&sandbox, &["repair"]);
    must(&sandbox, &["upgrade"]);
    assert_eq!(repository.version("thing").as_deref(), Some("2.0"));
}
