//! What runs goes on: `kill -9` of the engine, of the web process, of both, and of `ulysse serve`
//! itself, while a VServer runs and somebody types in a terminal.

mod sandbox;
mod serve;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;

use domain::id::UserId;
use domain::operation::Terminal;
use engine::clock::{RandomIds, SystemClock};
use engine::state::GuestState;
use engine::terminal;
use protocol::terminal::{FromHolder, MAX_PACKET_BYTES, Size, ToHolder};
use sandbox::{Sandbox, leave_network, until};
use serve::{Serve, is_gone, kill_at_once};

/// Reads from a terminal until it has said something.
fn read_until(socket: &OwnedFd, wanted: &str) {
    let mut said = String::new();
    let mut buffer = vec![0; MAX_PACKET_BYTES];
    while !said.contains(wanted) {
        let received = sys::seqpacket::receive(socket, &mut buffer).unwrap();
        match FromHolder::parse(&buffer[..received.bytes]) {
            Some(FromHolder::Output(bytes)) => said.push_str(&String::from_utf8_lossy(bytes)),
            Some(FromHolder::Scrollback(_)) => {}
            other => panic!("{other:?} after {said:?}"),
        }
    }
}

fn say(socket: &OwnedFd, text: &str) {
    let packet = ToHolder::Input(text.as_bytes()).to_bytes();
    sys::seqpacket::send(socket, &packet, &[]).unwrap();
}

/// The same VServer, the same shell; and the page answers.
fn all_is_well(sandbox: &Sandbox, before: &GuestState, shell: &Terminal, word: &str) {
    let roots = &sandbox.settings.roots;
    let now = GuestState::running(roots, &before.name).unwrap().expect("the VServer runs");
    assert_eq!(now.init, before.init, "{word}: the same pid 1");
    assert!(before.supervisor.unwrap().is_alive(), "{word}: the same supervisor");
    let (_, socket) = terminal::attach(roots, &shell.id).unwrap();
    // The scrollback holds what was said before; the shell's variable is the same shell's.
    say(&socket, &format!("echo $mark-{word}\n"));
    read_until(&socket, &format!("kept-{word}"));
    until("the site answers", || {
        let Ok(mut stream) = TcpStream::connect(sandbox.settings.web.listen) else { return false };
        // Plain HTTP gets a plain refusal, which only a living web process gives.
        let mut answer = [0; 12];
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").is_ok()
            && stream.read_exact(&mut answer).is_ok()
            && answer == *b"HTTP/1.1 400"
    });
}

#[test]
fn what_runs_outlives_every_process_of_ours() {
    leave_network();
    let up = std::process::Command::new("/sbin/ip").args(["link", "set", "lo", "up"]).status();
    assert!(up.unwrap().success());
    let sandbox = Sandbox::new();
    assert!(sandbox.build("web").status.success());
    let mut serve = Serve::start(&sandbox);
    sandbox.must(&["web", "start"]);
    let roots = &sandbox.settings.roots;
    let state = GuestState::running(roots, &"web".parse().unwrap()).unwrap().unwrap();
    let (shell, socket) = terminal::open(
        &sandbox.settings,
        env!("CARGO_BIN_EXE_ulysse").as_ref(),
        &RandomIds::default(),
        &SystemClock,
        &state,
        UserId(1),
        Size::DEFAULT,
    )
    .unwrap();
    say(&socket, "mark=kept; echo $mark-begun\n");
    read_until(&socket, "kept-begun");
    drop(socket);
    all_is_well(&sandbox, &state, &shell, "before");

    for roles in [&["engine"][..], &["web"], &["engine", "web"]] {
        let old: Vec<i32> = roles.iter().map(|role| serve.child(role)).collect();
        old.iter().copied().for_each(kill_at_once);
        until("what was killed is gone", || old.iter().all(|pid| is_gone(*pid)));
        for role in roles {
            assert!(!old.contains(&serve.child(role)), "{role} was started again");
        }
        all_is_well(&sandbox, &state, &shell, &roles.join("-and-"));
    }

    let old = [serve.child("engine"), serve.child("web")];
    kill_at_once(serve.pid());
    serve.child.wait().unwrap();
    until("its children end with it", || old.iter().all(|pid| is_gone(*pid)));
    let again = Serve::start(&sandbox);
    all_is_well(&sandbox, &state, &shell, "serve");

    sandbox.must(&["web", "stop"]);
    assert_eq!(terminal::list(roots).unwrap(), [], "its terminals end with it");
    drop(again);
}
