//! What runs goes on: `kill -9` of the engine, of the web process, of both, and of `ulysse serve`
//! itself, while a VServer runs and somebody types in a terminal.

mod sandbox;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};

use domain::id::UserId;
use domain::operation::Terminal;
use engine::clock::{RandomIds, SystemClock};
use engine::state::GuestState;
use engine::terminal;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use protocol::terminal::{FromHolder, MAX_PACKET_BYTES, Size, ToHolder};
use sandbox::{Sandbox, leave_network, until};

/// `ulysse serve`, and nothing of it when the test has ended.
struct Serve(Child);

impl Serve {
    fn start(sandbox: &Sandbox) -> Self {
        let mut command = sandbox.ulysse("serve", &[]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut words = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        words.read_line(&mut line).unwrap();
        assert!(line.starts_with("Ulysse: https://"), "{line:?}");
        // What else it says must have somewhere to go.
        std::thread::spawn(move || words.read_to_end(&mut Vec::new()));
        Self(child)
    }

    fn pid(&self) -> i32 {
        self.0.id().try_into().unwrap()
    }

    /// The pid of a process it keeps running, once there is one.
    fn child(&self, role: &str) -> i32 {
        let mut found = None;
        until(role, || {
            let children = format!("/proc/{0}/task/{0}/children", self.pid());
            let pids = fs::read_to_string(children).unwrap_or_default();
            found = pids.split_whitespace().find_map(|pid| {
                let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let is_it = words.split(|byte| *byte == 0).nth(1) == Some(role.as_bytes());
                is_it.then(|| pid.parse().unwrap())
            });
            found.is_some()
        });
        found.unwrap()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

fn kill_at_once(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

fn is_gone(pid: i32) -> bool {
    // A zombie is gone too: its parent has not looked yet.
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_or(true, |stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
}

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
    serve.0.wait().unwrap();
    until("its children end with it", || old.iter().all(|pid| is_gone(*pid)));
    let again = Serve::start(&sandbox);
    all_is_well(&sandbox, &state, &shell, "serve");

    sandbox.must(&["web", "stop"]);
    assert_eq!(terminal::list(roots).unwrap(), [], "its terminals end with it");
    drop(again);
}
