//! Who starts, stops or restarts a VServer at the command line while somebody else is busy with it waits for their
//! turn, and can leave.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Stdio};

use engine::operation::Store;
use nix::libc::SIGINT;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sandbox::{Sandbox, leave_network, until};
use tiny_guest::make_guest;

/// A command that says something before it ends, and what it says.
fn begin(sandbox: &Sandbox, words: &[&str]) -> (Child, BufReader<ChildStderr>) {
    let mut command = sandbox.ulysse("vserver", words);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    (child, BufReader::new(stderr))
}

#[test]
fn who_is_not_alone_waits_for_their_turn_or_leaves() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    // It takes as long to be stopped as the test wants.
    let rc =
        "[ $1 = 6 ] || exit 0; echo > /stopping; while [ ! -e /may-stop ]; do usleep 10000; done";
    let root = make_guest(&sandbox, "web", 200, rc);
    sandbox.must(&["web", "start"]);
    let (mut stop, _) = begin(&sandbox, &["web", "stop"]);
    until("it is being stopped", || root.join("stopping").exists());

    let told = |stderr: &mut BufReader<ChildStderr>| {
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        line
    };
    let expected = "vserver: “vserver web stop” is at work on web: waiting until it has ended. Ctrl-C leaves.\n";
    let (mut start, mut said) = begin(&sandbox, &["web", "start"]);
    assert_eq!(told(&mut said), expected);
    for words in [&["web", "restart"][..], &["web", "condrestart"]] {
        let (mut left, mut said) = begin(&sandbox, words);
        assert_eq!(told(&mut said), expected, "{words:?}");
        kill(Pid::from_raw(left.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        // As a shell counts it: 130.
        assert_eq!(left.wait().unwrap().signal(), Some(SIGINT), "{words:?}");
    }
    let store = Store::new(&sandbox.settings.roots);
    assert_eq!(store.live().unwrap().len(), 1, "who waits or left has written nothing down");

    fs::write(root.join("may-stop"), "").unwrap();
    assert!(stop.wait().unwrap().success());
    assert!(start.wait().unwrap().success());
    assert_eq!(sandbox.vserver(&["web", "running"]).status.code(), Some(0));
    // In one's turn things may have become otherwise: that is a warning, as ever.
    assert!(sandbox.vserver(&["web", "start"]).status.success());
    sandbox.must(&["web", "stop"]);
    sandbox.must(&["web", "condrestart"]);
    assert_eq!(sandbox.vserver(&["web", "running"]).status.code(), Some(1));
}
