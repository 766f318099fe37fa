//! One change to many VServers: real guests, real failures, and `kill -9` in the middle.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use domain::batch::{Outcome, Tally};
use domain::failure::Failure;
use domain::operation::{Kind, Operation, Progress};
use engine::operation::{CRASH_POINTS, Store};
use engine::state::GuestState;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::command::{complained, said};
use sandbox::{Sandbox, leave_network, until};
use tiny_guest::make_guest;

/// An instance with VServers `v01` to the one of this number, none of which has an address.
fn with_guests(count: u16) -> Sandbox {
    leave_network();
    let sandbox = Sandbox::without_bases();
    for number in 1..=count {
        make_guest(&sandbox, &format!("v{number:02}"), 100 + number, "true");
    }
    sandbox
}

/// Takes the init of a VServer away: it does not start any more.
fn breaks(sandbox: &Sandbox, name: &str) {
    fs::remove_dir_all(sandbox.settings.roots.guest_base.join(name).join("etc/init.d")).unwrap();
}

fn running(sandbox: &Sandbox) -> Vec<String> {
    let states = GuestState::all(&sandbox.settings.roots).unwrap();
    let running = states.iter().filter(|state| state.is_running());
    let mut names: Vec<_> = running.map(|state| state.name.to_string()).collect();
    names.sort();
    names
}

/// The last batch and its operations.
fn last_batch(sandbox: &Sandbox) -> (Operation, Vec<Operation>) {
    let all = Store::new(&sandbox.settings.roots).list(None, 1000).unwrap();
    let batch = all.iter().rfind(|one| one.kind == Kind::Batch).unwrap().clone();
    let of_it = all.into_iter().filter(|one| one.batch.as_ref() == Some(&batch.id)).collect();
    (batch, of_it)
}

fn tally(batch: &Operation) -> Tally {
    match &batch.progress {
        Progress::Failed { failure: Failure::Batch { tally, .. } } => *tally,
        other => panic!("{other:?}"),
    }
}

#[test]
fn twenty_are_started_and_stopped_and_one_that_fails_keeps_no_other() {
    let sandbox = with_guests(20);
    breaks(&sandbox, "v07");
    sandbox.must(&["v03", "start"]);

    let output = sandbox.vserver(&["--all", "--dry-run", "start"]);
    assert_eq!(output.status.code(), Some(1), "one has no init: {output:?}");
    let dry = said(&output);
    assert_eq!(dry.lines().count(), 20);
    assert!(dry.contains("v07: cannot now: v07 has no "), "{dry}");
    assert!(dry.contains("v01: vserver v01 start\n"), "{dry}");
    assert!(dry.contains("v03: nothing to do: "), "{dry}");
    assert_eq!(running(&sandbox), ["v03"], "a dry run does nothing");
    assert_eq!(sandbox.must(&["--dry-run", "v03", "stop"]), "v03: vserver v03 stop\n");
    assert!(!sandbox.vserver(&["--at-once", "2", "v03", "stop"]).status.success());
    assert_eq!(running(&sandbox), ["v03"], "nor does one of one");

    let output = sandbox.vserver(&["--all", "--at-once", "6", "start"]);
    assert_eq!(output.status.code(), Some(1), "the worst counts: {output:?}");
    let text = complained(&output);
    assert!(text.contains("vserver: v07: failed: "), "{text}");
    assert!(text.contains("vserver: v20: done\n"), "{text}");
    assert!(text.contains("vserver: 18 done, 1 so already, 1 failed\n"), "{text}");
    assert_eq!(running(&sandbox).len(), 19);
    let (batch, of_it) = last_batch(&sandbox);
    let expected = Tally { done: 18, unneeded: 1, failed: 1, ..Tally::default() };
    assert_eq!(tally(&batch), expected);
    let Progress::Failed { failure: Failure::Batch { failed, .. } } = &batch.progress else {
        panic!("checked before");
    };
    assert_eq!(failed, &["v07".parse().unwrap()]);
    // What was so already was no operation.
    assert_eq!(of_it.len(), 19);
    assert!(of_it.iter().all(|one| one.kind == Kind::Start && one.progress.is_final()));
    let engine = engine::Engine::new(engine::engine::Instance {
        settings: sandbox.settings.clone(),
        settings_file: Some(sandbox.config.clone()),
        executable: env!("CARGO_BIN_EXE_ulysse").into(),
    });
    let view = engine.batch(&batch.id).unwrap();
    assert_eq!(view.rows.len(), 20);
    for row in &view.rows {
        let domain::batch::RowState::Ended { outcome } = &row.state else { panic!("{row:?}") };
        let expected = match row.name.as_str() {
            "v03" => matches!(outcome, Outcome::Unneeded { .. }) && row.operation.is_none(),
            "v07" => matches!(outcome, Outcome::Failed { .. }) && row.operation.is_some(),
            _ => *outcome == Outcome::Done && row.operation.is_some(),
        };
        assert!(expected, "{row:?}");
    }

    sandbox.must(&["--running", "--at-once", "16", "stop"]);
    assert_eq!(running(&sandbox), [""; 0]);
    let (batch, of_it) = last_batch(&sandbox);
    assert_eq!((batch.progress, of_it.len()), (Progress::Succeeded, 19));
    assert!(complained(&sandbox.vserver(&["--running", "stop"])).contains("nothing to do"));
}

#[test]
fn the_others_are_spared_when_a_canary_fails_or_too_many_do() {
    let sandbox = with_guests(5);
    for name in ["v01", "v03"] {
        breaks(&sandbox, name);
    }
    let words = ["--names", "v01,v02,v04", "--canary", "1", "start"];
    let output = sandbox.vserver(&words);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(complained(&output).contains("2 are not begun any more"), "{output:?}");
    assert_eq!(running(&sandbox), [""; 0]);
    let (batch, of_it) = last_batch(&sandbox);
    assert_eq!(tally(&batch), Tally { failed: 1, not_begun: 2, ..Tally::default() });
    assert_eq!(of_it.len(), 1);
    let line = "vserver --names v01,v02,v04 --at-once 4 --canary 1 start";
    assert_eq!(batch.command, line);

    sandbox.must(&["--names", "v02,v04", "--canary", "1", "start"]);
    assert_eq!(running(&sandbox), ["v02", "v04"]);

    let words = ["--all", "--at-once", "1", "--stop-after", "2", "start"];
    assert_eq!(sandbox.vserver(&words).status.code(), Some(1));
    let (batch, _) = last_batch(&sandbox);
    let expected = Tally { unneeded: 1, failed: 2, not_begun: 2, ..Tally::default() };
    assert_eq!(tally(&batch), expected);
    sandbox.must(&["--running", "stop"]);
}

#[test]
fn only_those_that_were_meant_are_touched() {
    let sandbox = with_guests(4);
    let config = &sandbox.settings.roots.config_base;
    for (name, mark) in [("v01", "web"), ("v02", "db"), ("v03", "web")] {
        fs::create_dir_all(config.join(name).join("apps/init")).unwrap();
        fs::write(config.join(name).join("apps/init/mark"), format!("{mark}\n")).unwrap();
    }
    let chosen = |words: &[&str]| {
        let out = sandbox.must(&[words, &["--dry-run", "start"]].concat());
        out.lines().map(|line| line[..3].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(chosen(&["--marked"]), ["v01", "v02", "v03"]);
    assert_eq!(chosen(&["--unmarked"]), ["v04"]);
    assert_eq!(chosen(&["--mark", "web"]), ["v01", "v03"]);
    assert_eq!(chosen(&["--mark", "db,web"]), ["v01", "v02", "v03"]);
    assert_eq!(chosen(&["--mark", "~web"]), ["v02", "v04"]);
    assert_eq!(chosen(&["--mark", "web", "--names", "v03,v04"]), ["v03"]);
    assert_eq!(chosen(&["--names", "v04,v01,v04"]), ["v04", "v01"], "in the order they are named");
    let disabled = config.join("v03/disabled");
    fs::write(&disabled, "").unwrap();
    assert_eq!(chosen(&["--mark", "web"]), ["v01"]);
    assert_eq!(chosen(&["--all"]), ["v01", "v02", "v04"]);
    assert_eq!(chosen(&["--stopped", "--names", "v03,v04"]), ["v04"]);
    assert_eq!(chosen(&["--names", "v03"]), ["v03"], "by its name it is reached");
    fs::remove_file(&disabled).unwrap();
    let output = sandbox.vserver(&["--names", "v01,nobody", "start"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let output = sandbox.vserver(&["--all", "exec", "id"]);
    assert!(complained(&output).contains("one VServer at a time"), "{output:?}");
    let output = sandbox.vserver(&["--all", "--at-once", "17", "start"]);
    assert!(complained(&output).contains("--at-once: "), "{output:?}");
    assert_eq!(running(&sandbox), [""; 0]);

    sandbox.must(&["--mark", "web", "protect"]);
    let output = sandbox.vserver(&["--silent", "--names", "v01,v02", "delete"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let left = sandbox.names_in(config).into_iter().filter(|name| name.starts_with('v'));
    assert_eq!(left.collect::<Vec<_>>(), ["v01", "v03", "v04"]);
}

#[test]
fn marks_are_given_to_many_and_taken_away_beside_others() {
    let sandbox = with_guests(3);
    let config = &sandbox.settings.roots.config_base;
    let file = |name: &str| config.join(name).join("apps/init/mark");
    fs::create_dir_all(config.join("v02/apps/init")).unwrap();
    fs::write(file("v02"), "# mine\nlab").unwrap();
    let dry = sandbox.must(&["--all", "--dry-run", "mark", "lab"]);
    assert!(dry.contains("v01: vserver v01 mark lab\n"), "{dry}");
    assert!(dry.contains("v02: nothing to do: "), "{dry}");
    assert!(!file("v01").exists(), "a dry run does nothing");

    let output = sandbox.vserver(&["--all", "mark", "lab"]);
    assert!(output.status.success(), "{output:?}");
    assert!(complained(&output).contains("2 done, 1 so already"), "{output:?}");
    assert_eq!(fs::read_to_string(file("v01")).unwrap(), "lab\n");
    assert_eq!(fs::read_to_string(file("v02")).unwrap(), "# mine\nlab", "it is left as it is");
    let (batch, of_it) = last_batch(&sandbox);
    assert_eq!(batch.command, "vserver --names v01,v02,v03 --at-once 4 mark lab");
    assert!(of_it.iter().all(|one| one.kind == Kind::Mark), "{of_it:?}");
    // As every edit it is in the history of its tree, and can be undone.
    assert!(sandbox.must(&["v01", "config", "history"]).contains("apps/init/mark"));

    sandbox.must(&["v02", "mark"]);
    sandbox.must(&["--mark", "lab", "unmark", "lab"]);
    assert!(!file("v01").exists() && !file("v03").exists());
    assert_eq!(fs::read_to_string(file("v02")).unwrap(), "# mine\ndefault\n");
    let output = sandbox.vserver(&["v01", "mark", "a b"]);
    assert!(!output.status.success() && complained(&output).contains("a b: "), "{output:?}");
    // A link is somebody's who meant it.
    std::os::unix::fs::symlink("/etc/hostname", file("v03")).unwrap();
    let output = sandbox.vserver(&["v03", "mark"]);
    assert!(!output.status.success(), "{output:?}");
    assert!(fs::symlink_metadata(file("v03")).unwrap().is_symlink());
}

#[test]
fn what_is_cancelled_begins_no_more_and_what_runs_comes_to_its_end() {
    let sandbox = with_guests(3);
    let fifo = sandbox.directory().join("go-on");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let scripts = sandbox.settings.roots.config_base.join("v01/scripts");
    fs::create_dir(&scripts).unwrap();
    fs::write(scripts.join("prepre-start"), format!("read go_on < {}\n", fifo.display())).unwrap();
    let mut child = sandbox
        .ulysse("vserver", &["--all", "--at-once", "1", "start"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Writing waits until the hook reads; so the first is under way, and nothing else.
    let go_on = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("vserver: "), "it says that it stops");
    std::io::Write::write_all(&mut { go_on }, b"on\n").unwrap();
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest:?}");
    assert_eq!(running(&sandbox), ["v01"], "{rest:?}");
    let (batch, of_it) = last_batch(&sandbox);
    assert_eq!((batch.progress, of_it.len()), (Progress::Cancelled, 1));
    assert!(rest.iter().any(|line| line.contains("2 are not begun any more")), "{rest:?}");
    sandbox.must(&["--running", "stop"]);
}

#[test]
fn a_batch_that_died_says_what_was_done_and_what_was_not_begun() {
    let sandbox = with_guests(3);
    let (_, points) = CRASH_POINTS.iter().find(|(kind, _)| *kind == Kind::Batch).unwrap();
    for point in *points {
        let words = ["--all", "--at-once", "1", "start"];
        let mut command = sandbox.ulysse("vserver", &words);
        let output = command.env("ULYSSE_CRASH_AT", point).output().unwrap();
        assert_eq!(output.status.signal(), Some(9), "{point} is passed: {output:?}");
        for words in [&["--repair"][..], &[]] {
            let output = sandbox.ulysse("doctor", words).output().unwrap();
            assert!(output.status.success(), "{point}: doctor {words:?}: {output:?}");
        }
        let live = Store::new(&sandbox.settings.roots).live_base();
        until("it is put right", || sandbox.names_in(&live).is_empty());
        let (batch, of_it) = last_batch(&sandbox);
        let tally = tally(&batch);
        assert_eq!(tally.all(), 3, "{point}");
        // At most one was under way, and another may have been begun after it had ended.
        assert!(tally.not_begun >= 1 && of_it.iter().all(|one| one.progress.is_final()), "{point}");
        assert_eq!(usize::from(3 - tally.not_begun), of_it.len(), "{point}: {tally:?}");
        let done = of_it.iter().filter(|one| one.progress == Progress::Succeeded);
        let mut done: Vec<_> = done.map(|one| one.target.to_string()).collect();
        done.sort();
        assert_eq!(done, running(&sandbox), "{point}: what is said to run does");
        assert_eq!(usize::from(tally.done), done.len(), "{point}");
        if *point == "batch:begun" {
            assert_eq!(tally.not_begun, 3);
        }
        if *point == "batch:one-ended" {
            assert_eq!(done, ["v01"]);
        }
        // The rest can be asked for again.
        sandbox.must(&["--all", "start"]);
        assert_eq!(running(&sandbox).len(), 3, "{point}");
        sandbox.must(&["--running", "stop"]);
    }
}
