//! `ulysse boot`, `start-vservers` and `stop-vservers` as they are typed: what they do, print, and with which
//! status they end. The guests are real, and of nothing but busybox.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use engine::operation::Store;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::command::{code, complained, said};
use sandbox::{Sandbox, leave_network, until};
use tiny_guest::make_guest;

/// A VServer with this mark, which needs these, and whose rc does `script`.
fn guest(sandbox: &Sandbox, name: &str, context: u16, mark: &str, needs: &str, script: &str) {
    make_guest(sandbox, name, context, script);
    let init = sandbox.settings.roots.config_base.join(name).join("apps/init");
    fs::create_dir_all(&init).unwrap();
    fs::write(init.join("mark"), mark).unwrap();
    fs::write(init.join("depends"), needs).unwrap();
}

fn boot(sandbox: &Sandbox, words: &[&str]) -> Output {
    sandbox.ulysse("boot", words).output().unwrap()
}

#[test]
fn marked_vservers_start_in_order_and_all_are_stopped() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    guest(&sandbox, "db", 101, "", "", "true");
    guest(&sandbox, "web", 102, "default\n", "db\nghost\n", "true");
    guest(&sandbox, "lab", 103, "lab\n", "", "true");

    let plan = boot(&sandbox, &["start", "--dry-run"]);
    assert_eq!(code(&plan), 0, "{plan:?}");
    let lines: Vec<Vec<String>> = said(&plan)
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect();
    assert_eq!(lines[1][..2], ["1", "db"], "{lines:?}");
    assert_eq!(lines[2][..2], ["2", "web"], "{lines:?}");
    assert_eq!(lines[3][..2], ["-", "lab"], "{lines:?}");
    assert!(said(&plan).contains("needed by web") && said(&plan).contains("(assumed)"));
    let problems = complained(&plan);
    assert!(problems.contains("web/apps/init/depends:2: there is no VServer ghost"), "{problems}");
    assert!(problems.contains("web/apps/init/depends:1: db does not have the mark"), "{problems}");
    assert!(
        sandbox.running("web").is_none() && sandbox.running("db").is_none(),
        "nothing was started"
    );

    let started = boot(&sandbox, &["start", "--by-host"]);
    assert_eq!(code(&started), 0, "{started:?}");
    let order: Vec<String> =
        said(&started).lines().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(order, ["db", "web"]);
    assert!(
        sandbox.running("web").is_some()
            && sandbox.running("db").is_some()
            && sandbox.running("lab").is_none()
    );
    let operations = Store::new(&sandbox.settings.roots).list(None, 10).unwrap();
    assert!(operations.iter().all(|one| one.actor == domain::operation::Actor::Host));

    // How long each took is known by now.
    let plan = said(&boot(&sandbox, &["start", "--mark", "default", "--dry-run"]));
    assert!(plan.contains("runs already") && !plan.contains("(assumed)"), "{plan}");

    let stopped = boot(&sandbox, &["stop"]);
    assert_eq!(code(&stopped), 0, "{stopped:?}");
    let order: Vec<String> =
        said(&stopped).lines().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(order, ["web", "db"]);
    let nothing = boot(&sandbox, &["stop"]);
    assert_eq!((code(&nothing), said(&nothing).as_str()), (0, ""));
    assert!(complained(&nothing).contains("No VServer is to be stopped."));
}

#[test]
fn the_exit_status_says_whether_some_or_all_failed() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    guest(&sandbox, "bad", 101, "default\n", "", "true");
    let style = sandbox.settings.roots.config_base.join("bad/apps/init/style");
    fs::write(style, "nonsense\n").unwrap();
    let all = boot(&sandbox, &["start"]);
    assert_eq!(code(&all), 1, "{all:?}");
    assert!(complained(&all).contains("bad: failed: "), "{all:?}");
    guest(&sandbox, "good", 102, "default\n", "", "true");
    guest(&sandbox, "needs", 103, "default\n", "bad\n", "true");
    let some = boot(&sandbox, &["start"]);
    assert_eq!(code(&some), 2, "{some:?}");
    assert!(complained(&some).contains("needs: skipped: bad did not start"), "{some:?}");
    assert!(sandbox.running("good").is_some() && sandbox.running("needs").is_none());

    for words in [&["start", "--all", "--marked"][..], &["start", "--mark", "a b"]] {
        let refused = boot(&sandbox, words);
        assert_ne!(code(&refused), 0, "{words:?}: {refused:?}");
    }
    assert_eq!(code(&boot(&sandbox, &["stop", "--at-once", "0"])), 2);
    assert!(sandbox.running("good").is_some(), "what is typed wrongly stops nothing");
    assert_eq!(code(&boot(&sandbox, &["stop", "good", "ghost"])), 0);
    assert!(sandbox.running("good").is_none());
}

#[test]
fn the_original_s_names_do_the_same() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    guest(&sandbox, "lab", 101, "lab\n", "", "true");
    let called = |program: &str, words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ulysse"));
        command.arg0(format!("/usr/sbin/{program}")).args(words);
        command.arg("--config").arg(&sandbox.config).env("LC_ALL", "C").stdin(Stdio::null());
        command.output().unwrap()
    };
    let tested = called("start-vservers", &["-m", "lab", "-j", "6", "--test"]);
    assert!(said(&tested).contains("lab") && sandbox.running("lab").is_none(), "{tested:?}");
    let started = called("start-vservers", &["-m", "lab", "-j", "6"]);
    assert_eq!(code(&started), 0, "{started:?}");
    assert!(sandbox.running("lab").is_some());
    let stopped = called("stop-vservers", &["--all"]);
    assert_eq!(code(&stopped), 0, "{stopped:?}");
    assert!(sandbox.running("lab").is_none());
}

#[test]
fn a_signal_ends_a_boot_and_leaves_whole_vservers() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    guest(&sandbox, "slow", 101, "default\n", "", "[ $1 = 6 ] || sleep 1000");
    guest(&sandbox, "web", 102, "default\n", "slow\n", "true");
    let child = sandbox
        .ulysse("boot", &["start"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("the first one runs", || sandbox.running("slow").is_some());
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 2, "{output:?}");
    assert!(complained(&output).contains("Nothing more is begun"), "{output:?}");
    assert!(sandbox.running("slow").is_some() && sandbox.running("web").is_none());
    let store = Store::new(&sandbox.settings.roots);
    assert!(store.live().unwrap().is_empty(), "no operation is left unfinished");
}
