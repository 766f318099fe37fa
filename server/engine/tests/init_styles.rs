//! Init styles on the real kernel: what each runs, how it is told to end, and that a stop takes away what was
//! applied at the start, whatever was edited in between.

mod busybox_host;
mod instance;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use busybox_host::{Guest, Host, name, until};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::id::OperationId;
use domain::init::InitStyle;
use domain::life::Life;
use domain::note::Note;
use domain::operation::{Actor, Operation, Progress};
use engine::exec::{self, Invocation};
use engine::operation::Observer;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use protocol::terminal::Size;
use sys::seqpacket;

/// Leaves in `/out` how it was called, what pid 1 is called, and the run level that `who -r` would say.
const TELL: &str = "(echo $0 $*; echo TERM=$TERM RUNLEVEL=$RUNLEVEL PREVLEVEL=$PREVLEVEL; \
    tr '\\0' ' ' < /proc/1/cmdline; echo; head -c 5 /var/run/utmp | tail -c 1; echo) > /out.new; \
    mv /out.new /out";

#[test]
fn each_style_runs_what_it_is_documented_to_run() {
    let host = Host::new();
    let old_script = "lib/rcscripts/sh/init-vserver.sh";
    let script = "lib/rc/sh/init-vserver.sh";
    // Style, its start scripts, the called one and its argument, its environment, the title of pid 1, the
    // run level that is written down.
    for (guest, style, files, called, environment, title, level) in [
        (
            "old-gentoo",
            "gentoo",
            &[old_script][..],
            "/lib/rcscripts/sh/init-vserver.sh default",
            "TERM=linux RUNLEVEL= PREVLEVEL=",
            "init [default]",
            "3",
        ),
        (
            "gentoo",
            "openrc\n",
            &[old_script, script],
            "/lib/rc/sh/init-vserver.sh default",
            "TERM=linux RUNLEVEL= PREVLEVEL=",
            "init [default]",
            "3",
        ),
        (
            "arch",
            "arch",
            &["etc/rc.multi"],
            "/etc/rc.multi",
            "TERM= RUNLEVEL= PREVLEVEL=",
            "init [3]",
            "3",
        ),
        (
            "sysv",
            "sysv",
            &["etc/init.d/rc", "etc/rc.d/rc"],
            "/etc/rc.d/rc 3",
            "TERM= RUNLEVEL=3 PREVLEVEL=N",
            "init [3]",
            "3",
        ),
    ] {
        let guest = Guest::make(&host, guest, &[("apps/init/style", style)]);
        for file in files {
            guest.script(file, &format!("[ \"$1\" = 6 ] && {{ echo $0 $* $PREVLEVEL > /stopped; exit; }}\n{TELL}\n(true &); (true &)"));
        }
        guest.script("sbin/rc", "echo $0 $* $RUNLEVEL $TERM > /stopped");
        guest.script("etc/rc.shutdown", "echo $0 $* > /stopped");
        fs::write(guest.root().join("var/run/stale.pid"), "1\n").unwrap();
        guest.start();
        let out = guest.said("out");
        let lines: Vec<&str> = out.lines().map(str::trim_end).collect();
        assert_eq!(lines, [called, environment, title, level], "{style}");
        assert!(!guest.root().join("var/run/stale.pid").exists(), "{style}: of an earlier life");
        // Whoever ends is reaped.
        let pid_1 = host.state(guest.name).unwrap().init.unwrap().pid;
        until("its children are reaped", || {
            fs::read_to_string(format!("/proc/{pid_1}/task/{pid_1}/children")).unwrap().is_empty()
        });
        guest.stop();
        let stopped = match style.trim() {
            "gentoo" | "openrc" => "/sbin/rc shutdown 0\n",
            "arch" => "/etc/rc.shutdown\n",
            // From another level: else Debian's runs no script that ends a service.
            _ => "/etc/rc.d/rc 6 3\n",
        };
        assert_eq!(guest.said("stopped"), stopped, "{style}");
        assert!(host.state(guest.name).is_none());
    }
}

#[test]
fn the_vservers_own_init_is_pid_1_and_told_by_a_signal() {
    let host = Host::new();
    let init = "trap 'echo interrupted > /stopped; exit' INT\n\
        (echo $$ $0 $*; ls -A /var/run / | grep -E 'stale|utmp|fsck|fastboot') > /out.new; mv /out.new /out\n\
        while :; do sleep 1000 & wait; done";
    for (guest, style, file, called) in [
        ("plain", "plain", "sbin/init", "1 /sbin/init 2\nfastboot\nstale.pid\n"),
        ("minit", "minit", "sbin/minit-start", "1 /sbin/minit-start\n.autofsck\nforcefsck\nutmp\n"),
    ] {
        let tree = [
            ("apps/init/style", style),
            ("apps/init/runlevel.start", "2"),
            ("apps/init/cmd.stop", "/bin/false\n"),
        ];
        let guest = Guest::make(&host, guest, &tree);
        guest.script(file, init);
        for file in ["etc/inittab", "forcefsck", ".autofsck", "var/run/stale.pid"] {
            fs::write(guest.root().join(file), "").unwrap();
        }
        let started = guest.start();
        let (file, style) = ("apps/init/cmd.stop".to_owned(), style.parse().unwrap());
        assert_eq!(host.notes(&started), [Note::NotOfStyle { file, style }]);
        let mut said: Vec<String> = guest.said("out").lines().map(str::to_owned).collect();
        said[1..].sort();
        assert_eq!(said.join("\n") + "\n", called);
        guest.stop();
        assert_eq!(guest.said("stopped"), "interrupted\n");
    }
}

#[test]
fn a_style_without_its_program_is_refused_by_name() {
    let host = Host::new();
    for (guest, style, path) in [
        ("gentoo", "gentoo", "/lib/rcscripts/sh/init-vserver.sh"),
        ("arch", "arch", "/etc/rc.multi"),
        ("minit", "minit", "/sbin/minit-start"),
    ] {
        let guest = Guest::make(&host, guest, &[("apps/init/style", style)]);
        let refused = host.run(PlainChange::Start(name(guest.name)));
        let failure = Failure::NoInit { name: name(guest.name), path: path.to_owned() };
        assert_eq!(refused.progress, Progress::Failed { failure });
        assert!(host.state(guest.name).is_none());
    }
}

#[test]
fn what_was_applied_at_the_start_is_undone_whatever_was_edited() {
    let host = Host::new();
    let tree = [
        ("context", "231"),
        ("interfaces/0/dev", "nat0"),
        ("interfaces/0/ip", "10.127.0.61"),
        ("interfaces/0/prefix", "24"),
        ("apps/init/style", "arch"),
        ("apps/init/killseq", "USR1\n60\nKILL\n"),
        ("apps/init/cmd.stop", "/etc/stop\nas it\nwas"),
    ];
    let guest = Guest::make(&host, "web", &tree);
    guest.script("etc/rc.multi", "/etc/service & ");
    // It ends at the first signal of the kill sequence of the start, and never at another's.
    guest.script("etc/service", "trap '' TERM\ntrap 'echo usr1 > /ended; exit' USR1\necho > /out\nwhile :; do sleep 1000 & wait; done");
    guest.script("etc/stop", "for word; do echo \"$word\"; done > /stopped");
    guest.script("sbin/init", "true");
    guest.start();
    guest.said("out");
    let state = host.state("web").unwrap();
    assert_eq!((state.style, state.stop.kill_sequence.len()), (InitStyle::Arch, 2));
    let device = state.network.links[0].host_device.to_string();
    let is_linked = || {
        let output = Command::new("ip").args(["-o", "link"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains(&device)
    };
    assert!(is_linked(), "{device} leads to it");
    guest.configure("context", "232");
    guest.configure("interfaces/0/ip", "10.127.0.62");
    guest.configure("apps/init/style", "plain");
    guest.configure("apps/init/killseq", "KILL");
    guest.configure("apps/init/cmd.stop", "/bin/false");
    let stopped = guest.stop();
    assert_eq!(host.notes(&stopped), []);
    assert_eq!(guest.said("stopped"), "as it\nwas\n");
    assert_eq!(guest.said("ended"), "usr1\n");
    assert!(!is_linked());
    assert!(state.cgroups.iter().all(|path| !path.exists()));
}

#[test]
fn what_does_not_end_in_time_gets_the_kill_sequence_of_the_start() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[("apps/init/killseq", "USR1\n60\n9")]);
    guest.script("etc/init.d/rc", "[ $1 = 3 ] && { echo > /out; exit; }\ntrap 'echo usr1 > /ended; exit' USR1\necho > /stopping\nwhile :; do sleep 1000 & wait; done");
    guest.start();
    guest.said("out");
    guest.configure("apps/init/killseq", "KILL");
    // This is not applied to anything: it counts at once.
    guest.configure("apps/vshelper/sync-timeout", "1");
    let stopped = guest.stop();
    assert_eq!(host.notes(&stopped), [Note::StopTimedOut { seconds: 1 }]);
    assert_eq!(guest.said("ended"), "usr1\n");
}

#[test]
fn a_signal_that_ends_everybody_halts_it_though_its_stop_command_would_reboot_it() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    // As Debian's scripts, which call reboot(2) themselves at the level of a stop.
    guest.script(
        "etc/init.d/rc",
        "echo $1 >> /levels\n[ $1 = 6 ] && reboot -f\n[ $1 = 0 ] && halt -f\nexit 0",
    );
    let levels = || fs::read_to_string(guest.root().join("levels")).unwrap_or_default();
    let start = || {
        let _ = fs::remove_file(guest.root().join("levels"));
        guest.start();
        until("its start command ran", || levels() == "3\n");
    };
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        start();
        let state = host.state("web").unwrap();
        let init = state.init.unwrap();
        kill(Pid::from_raw(init.pid.try_into().unwrap()), signal).unwrap();
        until("its supervisor has ended", || !state.supervisor.unwrap().is_alive());
        assert_eq!(levels(), "3\n0\n", "{signal}");
        let last = host.engine.happened(&name("web"), 1).remove(0);
        assert_eq!(last.what, Life::Halted, "{signal}");
    }
    start();
    guest.stop();
    assert_eq!(levels(), "3\n6\n");
}

/// How far an operation was said to be, one word after the other.
#[derive(Default)]
struct Heard(Mutex<Vec<u16>>);

impl Observer for Heard {
    fn moved(&self, operation: &Operation) {
        if let Progress::Running { permille, .. } = operation.progress {
            self.0.lock().unwrap().push(permille);
        }
    }

    fn logged(&self, _id: &OperationId, _bytes: u64, _text: &str) {}
}

#[test]
fn the_progress_of_a_restart_never_goes_back() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    guest.start();
    let heard = Heard::default();
    let restart = PlainChange::Restart(name("web"));
    let operation = host.engine.run_in_process(restart, Actor::System, &heard).unwrap();
    assert_eq!(operation.progress, Progress::Succeeded);
    let heard = heard.0.into_inner().unwrap();
    // Of its stop and of its start.
    assert!(heard.iter().any(|at| (1..500).contains(at)), "{heard:?}");
    assert!(heard.iter().any(|at| *at > 500), "{heard:?}");
    assert!(heard.is_sorted(), "{heard:?}");
}

#[test]
fn a_stop_hangs_up_on_those_who_came_in_from_the_host() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    guest.start();
    // As an interactive shell: what asks others to end is nothing to it.
    let shell = "trap '' TERM; trap 'echo > /hung-up; exit' HUP; echo > /in; \
        while :; do sleep 1000 & wait; done";
    let invocation = Invocation::from_here(["sh", "-c", shell].map(Into::into).to_vec());
    let (ours, theirs) = seqpacket::pair().unwrap();
    let executable = &host.engine.instance().executable;
    let state = host.state("web").unwrap();
    let mut command =
        exec::command_on_terminal(executable, host.roots(), &state, &invocation, Size::DEFAULT)
            .unwrap();
    let mut child = command.stdin(theirs).stdout(Stdio::null()).spawn().unwrap();
    drop(command);
    let terminal = seqpacket::receive(&ours, &mut [0; 1]).unwrap().descriptors.pop();
    guest.said("in");
    guest.stop();
    child.wait().unwrap();
    assert!(guest.root().join("hung-up").exists());
    drop(terminal);
}
