//! What would become of packages before anything is done with them, by the VServer's own apt.

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
