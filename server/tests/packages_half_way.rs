//! Packages of VServers that ask, and changes of packages that end half way: cancelled, killed. And what is known
//! of packages goes where its VServer goes.

mod package_repository;
mod sandbox;

use std::fs;
use std::path::Path;
use std::process::Output;

use engine::state::GuestState;
use nix::sys::signal::{Signal, kill};
use package_repository::repositories;
use sandbox::command::{self, complained};
use sandbox::enter::Terminal;
use sandbox::under_way::descendant_of;
use sandbox::{Sandbox, leave_network, until};

/// An instance with a VServer `web` of Debian's that does not run.
fn with_web() -> Sandbox {
    let sandbox = Sandbox::new();
    let built = sandbox.build("web");
    assert!(built.status.success(), "{built:?}");
    leave_network();
    sandbox
}

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

fn version(root: &Path, package: &str) -> Option<String> {
    let text = fs::read_to_string(root.join("usr/share").join(package).join("version")).ok()?;
    Some(text.trim().to_owned())
}

/// Whether anything of a VServer is left over in the kernel or the engine's state.
fn is_at_rest(sandbox: &Sandbox) -> bool {
    let roots = &sandbox.settings.roots;
    let is_running = GuestState::all(roots).unwrap().iter().any(GuestState::is_running);
    let is_aside = !GuestState::all_aside(roots).unwrap().is_empty();
    let cgroups = engine::cgroup::Layout::detect().unwrap().paths(&roots.cgroup_root, "web");
    !is_running && !is_aside && cgroups.iter().all(|path| !path.exists())
}

#[test]
fn a_question_has_its_usual_answer_and_is_asked_at_a_terminal() {
    let sandbox = with_web();
    let (root, usual, _) = repositories(&sandbox, "web");
    let answer = || fs::read_to_string(root.join("asks.answer")).unwrap();
    let file = || fs::read_to_string(root.join("etc/asks.conf")).unwrap();
    let edit = || fs::write(root.join("etc/asks.conf"), "edited\n").unwrap();
    let vapt_get = |words: &[&str]| sandbox.ulysse("vapt-get", words);
    let must_get = |words: &[&str]| {
        let output = vapt_get(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
    };
    let newer = |version| {
        usual.add_asking("asks", version);
        must_get(&["web", "--", "update"]);
    };

    // Nobody is there to be asked: debconf's default, and the file as it was edited.
    newer("1.0");
    must_get(&["web", "--", "install", "-y", "asks"]);
    assert_eq!((answer().as_str(), file().as_str()), ("usual\n", "of 1.0\n"));
    edit();
    newer("2.0");
    must_get(&["web", "--", "install", "-y", "asks"]);
    assert_eq!(file(), "edited\n");
    newer("3.0");
    must_get(&["web", "--", "-o", "Dpkg::Options::=--force-confnew", "install", "-y", "asks"]);
    assert_eq!(file(), "of 3.0\n", "somebody who says so gets the new one");

    // One VServer that is named, at a terminal: there it is asked, whether it runs or not.
    edit();
    newer("4.0");
    let mut terminal = Terminal::start(&vapt_get(&["web", "--", "install", "asks"]));
    terminal.wait_for("[default=N] ?");
    terminal.type_in("Y\n");
    // What debconf was not asked when nobody was there it asks now.
    terminal.wait_for("Which word?");
    terminal.type_in("typed\n");
    assert_eq!(terminal.wait_for_end(), Some(0), "{}", terminal.seen);
    assert_eq!((answer().as_str(), file().as_str()), ("typed\n", "of 4.0\n"));
    edit();
    newer("5.0");
    sandbox.must(&["web", "start"]);
    let mut terminal = Terminal::start(&vapt_get(&["web", "--", "install", "asks"]));
    terminal.wait_for("[default=N] ?");
    terminal.type_in("\n");
    assert_eq!(terminal.wait_for_end(), Some(0), "{}", terminal.seen);
    assert_eq!((answer().as_str(), file().as_str()), ("typed\n", "edited\n"));
    sandbox.must(&["web", "stop"]);
}

#[test]
fn what_is_cancelled_or_killed_half_way_is_told_and_repaired() {
    let sandbox = with_web();
    let (root, usual, _) = repositories(&sandbox, "web");
    // A script that waits until it may go on, and fails when it is told to.
    let waits = |what: &str| {
        let go = format!("/{what}-go");
        format!("touch /{what}-began\nuntil test -e {go}; do sleep 0.1; done\ntest ! -s {go}")
    };
    for package in ["whole", "fails", "killed"] {
        usual.add(package, "1.0", &[("postinst", &waits(package))]);
    }
    must(&sandbox, &["refresh"]);
    let begin = |package: &str| {
        let (under_way, said) = sandbox.begin_heard(&["web", "packages", "install", package]);
        let began = root.join(format!("{package}-began"));
        until("its script runs", || began.exists());
        (under_way, said)
    };
    let go = |package: &str, how: &str| {
        fs::write(root.join(format!("{package}-go")), how).unwrap();
    };
    let operations = sandbox.settings.roots.state_base.join("operations");
    let interrupted = || {
        let ids = sandbox.names_in(&operations).into_iter();
        let logs = ids.map(|id| fs::read_to_string(operations.join(id).join("log")));
        logs.filter(|log| log.as_ref().is_ok_and(|log| log.contains("tool_interrupted"))).count()
    };
    let is_told = |package: &str, said: &Path| {
        let said = fs::read_to_string(said).unwrap();
        assert!(said.contains(&format!("Packages of web are broken: {package}.")), "{said}");
        assert!(said.contains("vserver web packages repair"), "{said}");
        let shown = packages(&sandbox, &[]);
        assert_eq!(shown.status.code(), Some(1), "{shown:?}");
        assert!(complained(&shown).contains("To be repaired"), "{shown:?}");
        assert!(complained(&shown).contains(package), "{shown:?}");
        assert!(is_at_rest(&sandbox));
    };
    let is_mended = |package: &str| {
        go(package, "");
        must(&sandbox, &["repair"]);
        assert!(packages(&sandbox, &[]).status.success());
        assert_eq!(version(&root, package).as_deref(), Some("1.0"));
    };

    // Cancelled while dpkg is at work: that is done to its end, and then nothing is half done. apt says that it was
    // broken off, and so does the operation.
    let (under_way, said) = begin("whole");
    kill(under_way.pid(), Signal::SIGINT).unwrap();
    until("apt is interrupted", || interrupted() == 1);
    go("whole", "");
    assert_eq!(under_way.end(), Some(130));
    let told = fs::read_to_string(&said).unwrap();
    assert!(told.contains("stay changed") && !told.contains("broken"), "{told}");
    assert!(packages(&sandbox, &[]).status.success() && is_at_rest(&sandbox));

    // The same, and it ends badly: that is told beside that it was cancelled.
    let (under_way, said) = begin("fails");
    kill(under_way.pid(), Signal::SIGINT).unwrap();
    until("apt is interrupted", || interrupted() == 2);
    go("fails", "badly");
    assert_eq!(under_way.end(), Some(130));
    is_told("fails", &said);
    is_mended("fails");

    // dpkg itself killed, as when the host's memory is short.
    let (under_way, said) = begin("killed");
    kill(descendant_of(under_way.pid(), "dpkg").unwrap(), Signal::SIGKILL).unwrap();
    assert_eq!(under_way.end(), Some(1));
    let text = fs::read_to_string(&said).unwrap();
    assert!(text.contains("apt-get ended with status 100"), "{text}");
    is_told("killed", &said);
    is_mended("killed");
}

#[test]
fn what_is_pending_follows_the_name_and_comes_back_from_the_bin() {
    let sandbox = with_web();
    let (_, usual, _) = repositories(&sandbox, "web");
    usual.add("thing", "1.0", &[]);
    must(&sandbox, &["refresh"]);
    must(&sandbox, &["install", "thing"]);
    usual.add("thing", "2.0", &[]);
    must(&sandbox, &["refresh"]);
    let known = command::said(&packages(&sandbox, &[]));
    assert!(known.starts_with("thing"), "{known}");
    let shown = |name: &str| sandbox.must(&[name, "packages"]);

    sandbox.must(&["web", "rename", "www"]);
    assert_eq!(shown("www"), known);
    sandbox.must(&["--silent", "www", "delete"]);
    let answers = sandbox.settings.roots.state_base.join("packages");
    assert_eq!(sandbox.names_in(&answers), [".bin"]);
    sandbox.must(&["www", "undelete"]);
    assert_eq!(shown("www"), known);
    // What is deleted for good takes it along.
    sandbox.must(&["--silent", "www", "delete", "--now"]);
    assert_eq!(sandbox.names_in(&answers), [".bin"]);
    assert!(sandbox.names_in(&answers.join(".bin")).is_empty());
}
