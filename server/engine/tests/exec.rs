//! Commands inside a real guest: what they see, what they may, how their end is told.

mod busybox_guest;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output, Stdio};

use busybox_guest::{Guest, roles, wait_until};
use engine::exec::{self, ExecError, Invocation};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

fn invocation(script: &str) -> Invocation {
    Invocation {
        argv: ["sh", "-c", script].map(Into::into).to_vec(),
        term: Some("xterm".to_owned()),
        ..Invocation::default()
    }
}

fn output(guest: &Guest, invocation: &Invocation) -> Output {
    exec::command(&roles(), &guest.roots(), &guest.state, invocation)
        .unwrap()
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(guest: &Guest, script: &str) -> String {
    let output = output(guest, &invocation(script));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_end_is_told_as_a_shell_tells_it() {
    let guest = Guest::start();
    let code = |invocation: &Invocation| output(&guest, invocation).status.code().unwrap();
    assert_eq!(code(&invocation("exit 0")), 0);
    assert_eq!(code(&invocation("exit 3")), 3);
    assert_eq!(code(&invocation("kill -TERM $$")), 143);
    let named = |program: &str| Invocation { argv: vec![program.into()], ..Invocation::default() };
    assert_eq!(code(&named("no-such-program")), 127);
    assert_eq!(code(&named("/etc")), 126);
    let stopped = { Guest::start().state.clone() };
    let refused = exec::command(&roles(), &guest.roots(), &stopped, &invocation("true"));
    assert!(matches!(refused, Err(ExecError::NotRunning { .. })));
}

#[test]
fn a_command_sees_the_guest_and_nothing_of_the_host() {
    let guest = Guest::start();
    let environment = text(&guest, "env | grep -v -e ^SHLVL -e ^PWD | sort");
    assert_eq!(
        environment,
        "HOME=/root\nLANG=C.UTF-8\nLOGNAME=root\n\
         PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
         SHELL=/bin/sh\nTERM=xterm\nUSER=root\n"
    );
    assert_eq!(text(&guest, "pwd; umask; id -u; id -G"), "/\n0022\n0\n0\n");
    // The shell's own three, and the one by which ls reads the directory.
    assert_eq!(text(&guest, "exec ls /proc/self/fd"), "0\n1\n2\n3\n");
    let namespaces = "for n in user mnt pid net uts ipc cgroup; do readlink /proc/self/ns/$n; done";
    let proc = format!("/proc/{}/ns", guest.state.init.unwrap().pid);
    let of_init: String = ["user", "mnt", "pid", "net", "uts", "ipc", "cgroup"]
        .iter()
        .map(|name| fs::read_link(format!("{proc}/{name}")).unwrap().display().to_string() + "\n")
        .collect();
    assert_eq!(text(&guest, namespaces), of_init);
    assert_eq!(
        text(&guest, "cat /proc/self/cgroup"),
        text(&guest, "cat /proc/1/cgroup"),
        "the command is in its guest's cgroup"
    );
    // Whoever started it is not in sight.
    assert_eq!(text(&guest, "exec grep PPid /proc/self/status"), "PPid:\t0\n");
}

#[test]
fn a_command_may_no_more_than_pid_1() {
    let guest = Guest::start();
    let lines = "grep -e CapPrm -e CapBnd -e Seccomp: -e NoNewPrivs";
    assert_eq!(
        text(&guest, &format!("{lines} /proc/self/status")),
        text(&guest, &format!("{lines} /proc/1/status"))
    );
}

#[test]
fn a_user_is_the_guests() {
    let guest = Guest::start();
    let as_user = |user: &str| {
        let invocation = Invocation { user: Some(user.to_owned()), ..invocation("id; echo $HOME") };
        output(&guest, &invocation)
    };
    let web = as_user("web");
    assert_eq!(
        String::from_utf8(web.stdout).unwrap(),
        "uid=33(web) gid=33 groups=4(adm),33\n/tmp\n"
    );
    let stranger = as_user("nobody-here");
    assert_eq!(stranger.status.code(), Some(255));
    assert!(String::from_utf8(stranger.stderr).unwrap().contains("nobody-here"));
}

#[test]
fn the_network_works_inside() {
    // A host of this test's own.
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
    let guest = Guest::start_with(&["nat0:10.127.0.9/24"]);
    let other = Guest::start_with(&["nat0:10.127.0.10/24"]);
    // Root pings by its capability, others by the range of groups (icmp(7)).
    for address in ["10.127.0.1", "10.127.0.10"] {
        text(&guest, &format!("ping -c 1 -w 10 {address} > /dev/null"));
    }
    assert_eq!(text(&guest, "cat /proc/sys/net/ipv4/ping_group_range"), "0\t65535\n");
    assert_eq!(
        text(&other, "ip -4 -o address show | tr -s ' ' | cut -d ' ' -f 2,4"),
        "lo 127.0.0.1/8\neth0 10.127.0.10/24\n"
    );
    assert_eq!(
        text(&other, "ip route show | grep ^default"),
        "default via 10.127.0.1 dev eth0 onlink \n"
    );
    engine::network::undo(&guest.state.network).unwrap();
}

/// A host terminal, and `vserver NAME exec` run on it.
struct OnTerminal {
    master: fs::File,
    slave: std::os::fd::OwnedFd,
    child: std::process::Child,
    _record: tempfile::NamedTempFile,
}

impl OnTerminal {
    fn start(guest: &Guest, argv: &[&str]) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        unlockpt(&master).unwrap();
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        let size = Winsize { ws_row: 31, ws_col: 101, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let mut record = tempfile::NamedTempFile::new().unwrap();
        serde_json::to_writer(&mut record, &guest.state).unwrap();
        record.flush().unwrap();
        let copy = || Stdio::from(slave.try_clone().unwrap());
        let child = Command::new(roles())
            .arg("run")
            .arg(record.path())
            .args(argv)
            .stdin(copy())
            .stdout(copy())
            .stderr(copy())
            .spawn()
            .unwrap();
        Self { master: master.into(), slave, child, _record: record }
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    fn read_until(&mut self, wanted: &str) -> String {
        let mut seen = String::new();
        let mut buffer = [0; 4096];
        while !seen.contains(wanted) {
            let bytes = self.master.read(&mut buffer).unwrap();
            seen.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
        }
        seen
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn on_a_terminal_the_command_has_one_of_the_guests() {
    let guest = Guest::start();
    let mut terminal = OnTerminal::start(&guest, &["sh"]);
    terminal.master.write_all(b"tty; stty size; echo still-$((40 + 2))\n").unwrap();
    let seen = terminal.read_until("still-42\r\n");
    assert!(seen.contains("/dev/pts/") && seen.contains("31 101\r\n"), "{seen}");
    assert!(terminal.is_raw());
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal.master, size).unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&terminal.child),
        rustix::process::Signal::WINCH,
    )
    .unwrap();
    terminal.master.write_all(b"while stty size | grep -q 101; do :; done; stty size\n").unwrap();
    terminal.read_until("24 80\r\n");
    // What is typed for the shell does not end the one who passes it on.
    terminal.master.write_all(b"\x03").unwrap();
    terminal.master.write_all(b"exit 9\n").unwrap();
    assert_eq!(terminal.child.wait().unwrap().code(), Some(9));
    assert!(!terminal.is_raw());
}

#[test]
fn a_caller_that_is_ended_leaves_no_raw_terminal_and_no_command() {
    let guest = Guest::start();
    let mut terminal = OnTerminal::start(&guest, &["sh", "-c", "echo up; exec sleep 4321"]);
    terminal.read_until("up\r\n");
    let count = || text(&guest, "ps | grep -c '[s]leep 4321' || true");
    assert_eq!(count(), "1\n");
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&terminal.child),
        rustix::process::Signal::TERM,
    )
    .unwrap();
    let status = terminal.child.wait().unwrap();
    assert_eq!(status.signal(), None);
    assert!(!terminal.is_raw());
    wait_until("the command to end", || count() == "0\n");
}

#[test]
fn without_a_terminal_bytes_go_through_pipes() {
    let guest = Guest::start();
    let mut record = tempfile::NamedTempFile::new().unwrap();
    serde_json::to_writer(&mut record, &guest.state).unwrap();
    record.flush().unwrap();
    let mut child = Command::new(roles())
        .arg("run")
        .arg(record.path())
        .args(["sh", "-c", "tty; cat; echo worse >&2; exit 4"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&[0, 1, 255, b'\n']).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(output.stdout, b"not a tty\n\x00\x01\xff\n");
    assert_eq!(output.stderr, b"worse\n");
    let refused = Command::new(roles())
        .arg("run")
        .arg(record.path())
        .arg("true")
        .stdin(fs::File::open("/").unwrap())
        .output()
        .unwrap();
    assert!(String::from_utf8(refused.stderr).unwrap().contains("directory"));
}
