//! Terminals in a real guest: they are shared, survive whoever opened them, never wait for somebody
//! who does not look, and leave nothing behind.

mod busybox_guest;

use std::fs;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use busybox_guest::{Guest, roles, wait_until};
use domain::id::{OperationId, TerminalId, UserId};
use domain::operation::Terminal;
use domain::time::UnixMillis;
use engine::clock::{Clock, IdSource};
use engine::state::ProcessIdentity;
use engine::terminal::{self, TerminalError};
use protocol::terminal::{FromHolder, MAX_PACKET_BYTES, Size, ToHolder};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use sys::seqpacket;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> UnixMillis {
        UnixMillis(7)
    }
}

impl IdSource for Fixed {
    fn operation_id(&self) -> OperationId {
        unreachable!("terminals are no operations")
    }

    fn terminal_id(&self) -> TerminalId {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        format!("01ARZ3NDEKTSV4RRFF{:08}", NEXT.fetch_add(1, Ordering::Relaxed)).parse().unwrap()
    }
}

/// Somebody who looks at a terminal.
struct Viewer {
    socket: OwnedFd,
    seen: String,
    /// The exit status, once it was told.
    status: Option<u8>,
}

impl Viewer {
    fn new(socket: OwnedFd) -> Self {
        set_socket_timeout(&socket, Timeout::Recv, Some(Duration::from_secs(20))).unwrap();
        set_socket_timeout(&socket, Timeout::Send, Some(Duration::from_secs(20))).unwrap();
        Self { socket, seen: String::new(), status: None }
    }

    fn send(&self, packet: &ToHolder<'_>) {
        seqpacket::send(&self.socket, &packet.to_bytes(), &[]).unwrap();
    }

    fn type_in(&self, text: &str) {
        self.send(&ToHolder::Input(text.as_bytes()));
    }

    /// Receives one packet; false when the holder has left.
    fn look(&mut self) -> bool {
        let mut buffer = vec![0; MAX_PACKET_BYTES];
        let Ok(received) = seqpacket::receive(&self.socket, &mut buffer) else { return false };
        match FromHolder::parse(&buffer[..received.bytes]) {
            Some(FromHolder::Output(bytes)) => self.seen.push_str(&String::from_utf8_lossy(bytes)),
            Some(FromHolder::Exited(status)) => self.status = Some(status),
            Some(FromHolder::Scrollback(_)) => {}
            None => return false,
        }
        true
    }

    fn wait_for(&mut self, text: &str) {
        while !self.seen.contains(text) {
            assert!(self.look(), "{text:?} never came, but {:?}", self.seen);
        }
    }

    fn wait_for_end(&mut self) -> Option<u8> {
        while self.look() {}
        self.status
    }
}

fn open(guest: &Guest) -> (Terminal, Viewer) {
    let settings = guest.settings();
    let (terminal, socket) = terminal::open(
        &settings,
        &roles(),
        &Fixed,
        &Fixed,
        &guest.state,
        UserId(1),
        Size::new(90, 20).unwrap(),
    )
    .unwrap();
    (terminal, Viewer::new(socket))
}

fn attach(guest: &Guest, terminal: &Terminal) -> Viewer {
    let (found, socket) = terminal::attach(&guest.roots(), &terminal.id).unwrap();
    assert_eq!(found, *terminal);
    Viewer::new(socket)
}

fn files(guest: &Guest) -> Vec<String> {
    let Ok(entries) = fs::read_dir(guest.roots().terminals()) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_shell_of_the_guests_in_a_terminal_of_the_guests() {
    let guest = Guest::start();
    let (terminal, mut viewer) = open(&guest);
    assert_eq!(terminal.vserver, guest.state.name);
    viewer.type_in("echo $TERM $LANG $(id -u) $(hostname); stty size\n");
    viewer.wait_for("xterm-256color C.UTF-8 0 tiny\r\n20 90\r\n");
    viewer.send(&ToHolder::Resize(Size::new(100, 40).unwrap()));
    viewer.type_in("until stty size | grep -q 40; do :; done; stty size; echo h\u{e9}\u{1f600}\n");
    viewer.wait_for("40 100\r\nh\u{e9}\u{1f600}\r\n");
    // Nothing of the host's is open in there, and the shell is in the guest's cgroup.
    viewer.type_in("ls -l /proc/$$/fd > /tmp/fds; grep -c -v -e /dev/ -e total -e fds /tmp/fds\n");
    viewer.wait_for("\r\n0\r\n");
    viewer.type_in("cmp /proc/1/cgroup /proc/$$/cgroup && echo same-cgroup-$((1+1))\n");
    viewer.wait_for("same-cgroup-2");
    viewer.type_in("exit 5\n");
    assert_eq!(viewer.wait_for_end(), Some(5));
    wait_until("the files to go", || files(&guest).is_empty());
    let late = terminal::attach(&guest.roots(), &terminal.id);
    assert!(matches!(late, Err(TerminalError::NoSuchTerminal { .. })));
}

#[test]
fn several_see_the_same_and_who_comes_later_sees_what_was() {
    let guest = Guest::start();
    let (terminal, mut first) = open(&guest);
    first.type_in("echo early-$((20 + 3))\n");
    first.wait_for("early-23\r\n");
    let mut second = attach(&guest, &terminal);
    second.wait_for("early-23\r\n");
    second.type_in("echo both-$((40 + 3))\n");
    first.wait_for("both-43\r\n");
    second.wait_for("both-43\r\n");
    // Everybody leaves; the shell stays.
    first.type_in("mine=$((6 * 7))\n");
    drop((first, second));
    let mut third = attach(&guest, &terminal);
    third.type_in("echo mine-is-$mine\n");
    third.wait_for("mine-is-42\r\n");
    assert_eq!(terminal::list(&guest.roots()).unwrap(), [terminal]);
}

#[test]
fn a_viewer_who_takes_nothing_does_not_stop_the_shell() {
    let guest = Guest::start();
    let (terminal, mut viewer) = open(&guest);
    let stuck = attach(&guest, &terminal);
    viewer.type_in("yes 0123456789 | head -c 8000000; echo all-$((70 + 7))\n");
    let mut tail = String::new();
    while !tail.contains("all-77\r\n") {
        assert!(viewer.look(), "the viewer was dropped");
        tail.push_str(&std::mem::take(&mut viewer.seen));
        tail = tail.split_off(tail.len().saturating_sub(100));
    }
    // What is left in the socket is all that the stuck one gets: it was parted with.
    let mut stuck = Viewer::new(stuck.socket);
    assert_eq!(stuck.wait_for_end(), None);
    // Who comes now sees the last of it, and whole lines.
    let mut late = attach(&guest, &terminal);
    late.wait_for("all-77\r\n");
    assert!(late.seen.len() > 900_000 && late.seen.len() <= 1024 * 1024, "{}", late.seen.len());
    assert!(late.seen.starts_with("0123456789\r\n"), "{:?}", &late.seen[..40]);
}

#[test]
fn closing_ends_even_a_shell_that_does_not_want_to() {
    let guest = Guest::start();
    let (polite, mut viewer) = open(&guest);
    viewer.type_in("echo up-$((1 + 1))\n");
    viewer.wait_for("up-2");
    terminal::close(&guest.roots(), &polite.id).unwrap();
    assert!(viewer.wait_for_end().is_some());
    let (stubborn, mut viewer) = open(&guest);
    let script = "trap '' HUP TERM; echo up-$((1 + 1)); while :; do sleep 1; done";
    viewer.type_in(&format!("exec sh -c \"{}\"\n", script.replace('$', "\\$")));
    viewer.wait_for("up-2");
    terminal::close(&guest.roots(), &stubborn.id).unwrap();
    assert_eq!(viewer.wait_for_end(), Some(137));
    wait_until("the list to be empty", || terminal::list(&guest.roots()).unwrap().is_empty());
    let again = terminal::close(&guest.roots(), &stubborn.id);
    assert!(matches!(again, Err(TerminalError::NoSuchTerminal { .. })));
}

#[test]
fn stopping_the_vserver_ends_its_terminals() {
    let guest = Guest::start();
    let (_, mut viewer) = open(&guest);
    viewer.type_in("echo up-$((1 + 1))\n");
    viewer.wait_for("up-2");
    guest.stop();
    assert_eq!(viewer.wait_for_end(), Some(137));
    let refused = terminal::open(
        &guest.settings(),
        &roles(),
        &Fixed,
        &Fixed,
        &guest.state,
        UserId(1),
        Size::DEFAULT,
    );
    assert!(matches!(refused, Err(TerminalError::NotRunning { .. })));
}

/// The holders of a guest's terminals.
fn holders(guest: &Guest) -> Vec<u32> {
    guest
        .state
        .cgroups
        .iter()
        .filter_map(|directory| {
            fs::read_to_string(directory.parent()?.join(".terminals/cgroup.procs")).ok()
        })
        .flat_map(|text| text.lines().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_killed_holder_takes_its_shell_along_and_is_cleaned_up_after() {
    let guest = Guest::start();
    let (terminal, mut viewer) = open(&guest);
    viewer.type_in("sleep 98765\n");
    viewer.wait_for("98765\r\n");
    // The guest's pid 1 reaps nobody: what has ended stays as a zombie there.
    let lives = |pid: &u32| ProcessIdentity::of(*pid).is_some();
    let processes =
        || engine::cgroup::processes(&guest.state.cgroups).into_iter().filter(lives).count();
    wait_until("the command to run", || processes() >= 3);
    for pid in holders(&guest) {
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid.try_into().unwrap()),
            nix::sys::signal::Signal::SIGKILL,
        );
    }
    assert_eq!(viewer.wait_for_end(), None);
    wait_until("the list to be empty", || terminal::list(&guest.roots()).unwrap().is_empty());
    assert_eq!(files(&guest), Vec::<String>::new());
    wait_until("the shell to end", || processes() == 1);
    let late = terminal::attach(&guest.roots(), &terminal.id);
    assert!(matches!(late, Err(TerminalError::NoSuchTerminal { .. })));
}

#[test]
fn there_are_no_more_than_allowed_and_nobody_else_may_connect() {
    use std::os::unix::fs::PermissionsExt;
    let guest = Guest::start();
    let (terminal, _viewer) = open(&guest);
    let mut settings = guest.settings();
    settings.limits.terminals = 1;
    let size = Size::DEFAULT;
    let second = terminal::open(&settings, &roles(), &Fixed, &Fixed, &guest.state, UserId(1), size);
    assert!(matches!(second, Err(TerminalError::TooMany { limit: 1 })));
    let directory = guest.roots().terminals();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.clone()), 0o700);
    assert_eq!(mode(directory.join(format!("{}.sock", terminal.id))), 0o600);
    assert_eq!(mode(directory.join(format!("{}.json", terminal.id))), 0o600);
}

#[test]
fn who_sends_rubbish_is_cut_off_alone() {
    let guest = Guest::start();
    let (terminal, mut viewer) = open(&guest);
    for rubbish in [&b"?"[..], b"r\x00\x00\x00\x00", &[b'i'; MAX_PACKET_BYTES + 1]] {
        let mut stranger = attach(&guest, &terminal);
        seqpacket::send(&stranger.socket, rubbish, &[]).unwrap();
        assert_eq!(stranger.wait_for_end(), None);
    }
    viewer.type_in("echo fine-$((1 + 1))\n");
    viewer.wait_for("fine-2\r\n");
}

#[test]
fn a_shell_that_cannot_be_started_says_so() {
    let guest = Guest::start();
    let directory = guest.roots().config_of(&guest.state.name);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("shell"), "/bin/no-such-shell\n-l\n").unwrap();
    let (_, mut viewer) = open(&guest);
    assert_eq!(viewer.wait_for_end(), Some(127));
    assert!(viewer.seen.contains("no-such-shell"), "{:?}", viewer.seen);
    fs::write(directory.join("shell"), "/bin/sh\n-c\necho mine; exit 6\n").unwrap();
    let (_, mut viewer) = open(&guest);
    assert_eq!(viewer.wait_for_end(), Some(6));
    assert!(viewer.seen.contains("mine"), "{:?}", viewer.seen);
}
