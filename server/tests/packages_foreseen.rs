//! What would become of packages before anything is done with them, and what there is to install: by the VServer's own
//! apt and its lists.

mod package_repository;
mod sandbox;

use std::path::Path;
use std::process::Output;

use engine::state::GuestState;
use package_repository::repositories;
use sandbox::command::{self, complained};
use sandbox::{Sandbox, leave_network};

/// Does something with the packages of `web`.
fn packages(sandbox: &Sandbox, words: &[&str]) -> Output {
    sandbox.vserver(&[&["web", "packages"], words].concat())
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

fn is_there(root: &Path, package: &str) -> bool {
    root.join("usr/share").join(package).join("version").exists()
}

#[test]
fn what_would_go_is_told_and_nothing_goes() {
    let sandbox = Sandbox::new();
    let built = sandbox.build("web");
    assert!(built.status.success(), "{built:?}");
    leave_network();
    let (root, usual, _) = repositories(&sandbox, "web");
    usual.add("thing", "1.0", &[]);
    usual.add_needing("needs-it", "2.0", "thing");
    usual.add("other", "3.0", &[("prerm", "touch /was-removed")]);
    must(&sandbox, &["refresh"]);
    must(&sandbox, &["install", "needs-it", "other"]);

    let foresee = || {
        let said = must(&sandbox, &["remove", "--dry-run", "thing"]);
        for what in ["needs-it 2.0 would be removed.", "thing 1.0 would be removed."] {
            assert!(said.contains(what), "{what}: {said}");
        }
        assert!(!said.contains("other"), "{said}");
        assert!(is_there(&root, "thing") && is_there(&root, "needs-it"));
    };
    // Of one that does not run, which is not started for it, and of one that does.
    foresee();
    assert!(GuestState::all_aside(&sandbox.settings.roots).unwrap().is_empty());
    assert!(!GuestState::all(&sandbox.settings.roots).unwrap().iter().any(GuestState::is_running));
    sandbox.must(&["web", "start"]);
    foresee();
    must(&sandbox, &["remove", "--dry-run", "other"]);
    assert!(!root.join("was-removed").exists(), "no script of a package runs");
    sandbox.must(&["web", "stop"]);

    // What is not there, as a name and as what would be an expression.
    let unknown = packages(&sandbox, &["remove", "--dry-run", "no-such"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    let said = must(&sandbox, &["remove", "--dry-run", "thin."]);
    assert!(said.contains("No package would be changed."), "{said}");

    // What was told is what goes.
    must(&sandbox, &["remove", "thing"]);
    assert!(!is_there(&root, "thing") && !is_there(&root, "needs-it") && is_there(&root, "other"));
}

#[test]
fn what_is_not_installed_is_found_in_the_lists() {
    let sandbox = Sandbox::new();
    let built = sandbox.build("web");
    assert!(built.status.success(), "{built:?}");
    leave_network();
    let (root, usual, security) = repositories(&sandbox, "web");
    for entry in std::fs::read_dir(root.join("var/lib/apt/lists")).unwrap().flatten() {
        let _ = std::fs::remove_file(entry.path());
    }
    let never = packages(&sandbox, &["search", "thing"]);
    assert!(complained(&never).contains("no package lists"), "{never:?}");
    usual.add("some-thing", "1.0", &[]);
    usual.add("thing", "1.0", &[]);
    security.add("thing", "1.1", &[]);
    must(&sandbox, &["refresh"]);
    must(&sandbox, &["install", "some-thing"]);
    let found = |text: &str| {
        let output = packages(&sandbox, &["search", text]);
        let said = command::said(&output);
        let words = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        words.collect::<Vec<_>>()
    };
    assert_eq!(found("thing"), ["thing 1.1, 1.0 - of a test", "some-thing 1.0 1.0 of a test"]);
    assert_eq!(found("OF A TEST").len(), 2);
    let nothing = packages(&sandbox, &["search", "no-such"]);
    assert_eq!(nothing.status.code(), Some(1), "{nothing:?}");
    assert!(complained(&nothing).contains("offer nothing like"), "{nothing:?}");
    // What was found can be installed, and is then said to be there.
    must(&sandbox, &["install", "thing"]);
    assert_eq!(found("thing")[0], "thing 1.1, 1.0 1.1 of a test");
    // A list that is no file of its own is none.
    let lists = root.join("var/lib/apt/lists");
    std::fs::remove_dir_all(&lists).unwrap();
    std::os::unix::fs::symlink("/etc", &lists).unwrap();
    assert!(found("thing").is_empty());
}
