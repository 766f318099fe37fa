//! Looking into guests on the real kernel: how they end of themselves and what follows, what they print, their
//! services. The guests are busybox with shell scripts for services.

mod busybox_host;
mod instance;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use busybox_host::{Guest, Host, name, until};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::guest_log::{ConsolePiece, ConsolePlace, GuestLog, GuestLogQuery, GuestLogSource};
use domain::life::{GuestEvent, Life, VshelperAction};
use domain::operation::Progress;
use domain::service::{
    Service, ServiceAction, ServiceManager, ServiceOrder, ServiceState, Services,
};
use engine::exec::{self, Invocation};

/// What happened to it, the earliest first.
fn happened(guest: &Guest<'_>) -> Vec<Life> {
    let records = guest.host.engine.happened(&name(guest.name), 100);
    records.into_iter().rev().map(|record| record.what).collect()
}

/// Ends it from inside, as the words say, and waits until it has.
fn end_inside(guest: &Guest<'_>, words: &[&str]) {
    let (host, executable) = (guest.host, &guest.host.engine.instance().executable);
    let state = host.state(guest.name).unwrap();
    let argv = words.iter().map(Into::into).collect();
    let invocation = Invocation::from_here(argv);
    let mut command = exec::command(executable, host.roots(), &state, &invocation).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It ends with the guest, or is ended.
    let mut child = command.spawn().unwrap();
    until("the guest has ended", || !state.is_running());
    child.wait().unwrap();
    until("its supervisor has ended", || !state.supervisor.unwrap().is_alive());
}

/// A program on the host that a config tree names.
fn program(guest: &Guest<'_>, path: &str, mode: u32, text: &str) -> PathBuf {
    let path = guest.host.roots().config_base.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn what_follows_is_what_the_config_tree_says() {
    let host = Host::new();
    // What is typed inside, the entries, what it means, and what follows.
    for (index, (words, tree, event, action)) in [
        (&["reboot", "-f"], &[][..], GuestEvent::Restart, VshelperAction::Restart),
        (&["halt", "-f"], &[], GuestEvent::Halt, VshelperAction::Stop),
        (&["poweroff", "-f"], &[], GuestEvent::Halt, VshelperAction::Stop),
        (
            &["reboot", "-f"],
            &[("apps/vshelper/action", "stop")],
            GuestEvent::Restart,
            VshelperAction::Stop,
        ),
        (
            &["reboot", "-f"],
            &[("apps/vshelper/disabled", "")],
            GuestEvent::Restart,
            VshelperAction::Disabled,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let names = ["one", "two", "three", "four", "five"];
        let guest = Guest::make(&host, names[index], tree);
        guest.start();
        let before = host.state(guest.name).unwrap();
        end_inside(&guest, words);
        let operation = host.engine.event(&name(guest.name), event).unwrap().unwrap();
        assert_eq!(operation.progress, Progress::Succeeded, "{words:?} {tree:?}");
        let is_restarted = action == VshelperAction::Restart;
        let after = host.state(guest.name);
        assert_eq!(after.is_some(), is_restarted, "{words:?} {tree:?}");
        let started = Life::Started { context: before.context };
        let ended = if event == GuestEvent::Restart { Life::Rebooted } else { Life::Halted };
        let mut expected = vec![started, ended, Life::Vshelper { event, action }];
        if let Some(after) = after {
            assert_ne!(after.init, before.init);
            expected.push(Life::Started { context: after.context });
        }
        until("all is written down", || happened(&guest).len() >= expected.len());
        assert_eq!(happened(&guest), expected);
        // Somebody has seen to it: a second word does nothing.
        assert_eq!(host.engine.event(&name(guest.name), event).unwrap(), None);
    }
}

#[test]
fn a_program_of_the_administrators_is_called_as_the_originals_was() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[("context", "234")]);
    let out = host.roots().config_base.join("out");
    let tell = format!(
        "(echo $*; env | cut -d= -f1 | sort | tr '\\n' ' '; echo; echo $VS_CMD $VSERVER_NAME; \
         test -e {} && echo still there; pwd) > {}; echo to the log",
        host.roots().run_file_of(&name("web")).display(),
        out.display()
    );
    program(&guest, "web/apps/vshelper/restart", 0o755, &tell);
    let log = host.roots().config_base.join(".defaults/apps/vshelper/logfile");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    fs::write(&log, "").unwrap();
    guest.start();
    end_inside(&guest, &["reboot", "-f"]);
    host.engine.event(&name("web"), GuestEvent::Restart).unwrap().unwrap();
    let said = fs::read_to_string(&out).unwrap();
    assert_eq!(
        said,
        "restart 234\nHOME PATH PWD VSERVER_DIR VSERVER_NAME VS_CMD \n01234567 web\n/\n"
    );
    assert!(host.state("web").is_none(), "what follows is the program's affair");
    let logged = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> =
        logged.lines().filter_map(|line| line.split_once("Z ")).map(|(_, rest)| rest).collect();
    assert_eq!(lines, ["web: restart 234", "web: web/apps/vshelper/restart: to the log"]);
    let shown = "web/apps/vshelper/restart".to_owned();
    let event = GuestEvent::Restart;
    let life = happened(&guest);
    let helper = Life::Vshelper { event, action: VshelperAction::Program(shown) };
    assert_eq!(life[life.len() - 2..], [helper, Life::VshelperDone]);
    // Nobody holds the VServer: it can be started.
    guest.start();
}

#[test]
fn programs_see_to_a_start_and_to_want_of_memory() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[("context", "234"), ("rlimits/rss", "8192")]);
    guest.script("etc/init.d/rc", "[ $1 = 6 ] || tail /dev/zero");
    let out = host.roots().config_base.join("out");
    let tell = format!("echo $* $VS_PID $VS_UID >> {}", out.display());
    program(&guest, "web/apps/vshelper/startup", 0o755, &tell);
    program(&guest, ".defaults/apps/vshelper/oom", 0o755, &tell);
    guest.start();
    let killed = || {
        happened(&guest).into_iter().find_map(|what| match what {
            Life::OutOfMemory { killed, .. } => Some(killed),
            _ => None,
        })
    };
    until("memory is used up", || killed().is_some());
    assert_eq!(host.engine.event(&name("web"), GuestEvent::Oom).unwrap(), None);
    let whom = killed().unwrap().pop().map(|one| format!(" {} 0", one.pid)).unwrap_or_default();
    assert_eq!(fs::read_to_string(&out).unwrap(), format!("startup 234\noom 234{whom}\n"));
    assert!(host.state("web").unwrap().is_running());
    let life = happened(&guest);
    let seen_to = |what: &&Life| matches!(what, Life::VshelperDone);
    assert_eq!(life.iter().filter(seen_to).count(), 2, "{life:?}");
    guest.stop();
    // Of what does not run nothing is asked; a program for the start that fails ends the start.
    assert_eq!(host.engine.event(&name("web"), GuestEvent::Oom).unwrap(), None);
    program(&guest, "web/apps/vshelper/startup", 0o755, "echo no; exit 3");
    let started = host.run(PlainChange::Start(name("web")));
    assert!(
        matches!(&started.progress, Progress::Failed { failure: Failure::ProgramFailed { detail, .. } }
            if detail.ends_with("no")),
        "{started:?}"
    );
    assert!(host.state("web").is_none());
}

#[test]
fn a_console_is_followed_through_a_restart_and_ends_with_a_stop() {
    let host = Host::new();
    host.guest(
        "web",
        &[],
        "[ $1 = 6 ] && echo going > /dev/console && exit; echo coming > /dev/console",
    );
    let guest = Guest { host: &host, name: "web" };
    let follow = |from, hear: &mut dyn FnMut(ConsolePiece) -> bool| {
        host.engine.follow_console(&name("web"), from, hear)
    };
    let failure = follow(None, &mut |_| true).unwrap_err();
    assert_eq!(failure, Failure::NotRunning { name: name("web") });
    guest.start();
    let newest =
        || console(&host, GuestLogQuery { source: GuestLogSource::Console(None), text: None });
    let says = |wanted: &str| newest().lines.iter().any(|line| line.text == wanted);
    until("it has come", || says("coming"));
    let told = std::sync::Mutex::new(String::new());
    let end = newest().end;
    std::thread::scope(|scope| {
        let following = scope.spawn(|| {
            follow(end, &mut |piece| {
                told.lock().unwrap().push_str(&piece.lines);
                true
            })
        });
        host.must(PlainChange::Restart(name("web")));
        until("the next boot is told", || told.lock().unwrap().contains("coming"));
        assert!(!following.is_finished());
        guest.stop();
        following.join().unwrap().unwrap();
    });
    let told = told.into_inner().unwrap();
    assert_eq!(told.lines().collect::<Vec<_>>(), ["going", "coming", "going"]);
    // Whoever listens no more ends it.
    follow(end, &mut |_| false).unwrap();
}

#[test]
fn a_console_is_told_over_a_socket_as_long_as_somebody_listens() {
    let host = Host::new();
    host.guest("web", &[], "[ $1 = 6 ] && exit; echo coming > /dev/console");
    let guest = Guest { host: &host, name: "web" };
    guest.start();
    let newest = GuestLogQuery { source: GuestLogSource::Console(None), text: None };
    let end = || console(&host, newest.clone()).end;
    until("it has come", || end().is_some_and(|end| end.byte > 0));
    let from = end().map(|end| ConsolePlace { byte: 0, ..end });
    let listen = || host.engine.console_socket(&name("web"), from);
    let socket = listen().unwrap();
    let mut packet = vec![0; protocol::MAX_FRAME_BYTES];
    let length = sys::seqpacket::receive(&socket, &mut packet).unwrap().bytes;
    let piece: ConsolePiece = protocol::decode(&packet[..length]).unwrap();
    assert_eq!((Some(piece.end), piece.lines.as_str()), (end(), "coming\n"));
    // So many and no more; whoever goes makes room, though nothing is printed.
    let listeners: Vec<_> = std::iter::from_fn(|| listen().ok()).take(1000).collect();
    assert_eq!(listeners.len(), 63);
    assert!(matches!(listen(), Err(Failure::QueueFull { limit: 64 })));
    drop((socket, listeners));
    until("there is room again", || listen().is_ok());
}

#[test]
fn a_program_that_fails_or_others_could_have_written_is_told_of() {
    let host = Host::new();
    for (guest, mode, is_unsafe) in [("bad", 0o755, false), ("open", 0o777, true)] {
        let guest = Guest::make(&host, guest, &[("apps/vshelper/action", "mine")]);
        let path = format!("{}/apps/vshelper-methods/mine", guest.name);
        program(&guest, &path, mode, "echo sorry $VSERVER; exit 3");
        guest.start();
        end_inside(&guest, &["halt", "-f"]);
        let failure = host.engine.event(&name(guest.name), GuestEvent::Halt).unwrap_err();
        match &failure {
            Failure::UnsafeProgram { .. } => assert!(is_unsafe),
            Failure::ProgramFailed { detail, .. } => {
                assert!(!is_unsafe && detail.ends_with("sorry bad"), "{detail}");
            }
            other => panic!("{other:?}"),
        }
        let last = happened(&guest).pop();
        assert_eq!(last, Some(Life::VshelperFailed { failure: Box::new(failure) }));
        assert!(host.state(guest.name).is_none());
    }
}

#[test]
fn a_word_that_means_nothing_stops_it_and_is_named() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[("apps/vshelper/action", "rebot")]);
    guest.start();
    end_inside(&guest, &["reboot", "-f"]);
    host.engine.event(&name("web"), GuestEvent::Restart).unwrap().unwrap();
    assert!(host.state("web").is_none());
    let named = |failure: &Failure| matches!(failure, Failure::BadConfig { file, .. } if file == "web/apps/vshelper/action");
    let life = happened(&guest);
    assert!(
        life.iter().any(|what| matches!(what, Life::VshelperFailed { failure } if named(failure))),
        "{life:?}"
    );
    let findings = engine::doctor::examine(&host.engine);
    let found = findings.iter().any(
        |finding| matches!(finding, engine::doctor::Finding::Vshelper(failure) if named(failure)),
    );
    assert!(found, "{findings:?}");
}

#[test]
fn a_stop_and_what_it_takes_is_written_down() {
    let host = Host::new();
    let tree = [("apps/vshelper/sync-timeout", "1"), ("apps/init/killseq", "9")];
    let guest = Guest::make(&host, "web", &tree);
    // Its stop command ends never.
    guest.script("etc/init.d/rc", "[ \"$1\" = 6 ] && exec sleep 1000; true");
    let context = {
        guest.start();
        host.state("web").unwrap().context
    };
    guest.stop();
    assert_eq!(
        happened(&guest),
        [
            Life::Started { context },
            Life::StopAsked,
            Life::KillSequence { signal: 9 },
            Life::Killed { signal: 9 },
        ]
    );
}

fn console(host: &Host, query: GuestLogQuery) -> GuestLog {
    host.engine.guest_log(&name("web"), &query).unwrap()
}

#[test]
fn each_boot_has_a_console_of_its_own() {
    let host = Host::new();
    host.guest(
        "web",
        &[],
        "[ $1 = 6 ] && exit; printf '\\033[32mboot %s\\033[0m\\n' $(cat /count 2>/dev/null || echo one); echo two > /count",
    );
    let guest = Guest { host: &host, name: "web" };
    let newest = GuestLogQuery { source: GuestLogSource::Console(None), text: None };
    assert_eq!(console(&host, newest.clone()), GuestLog::default());
    let says = |text: &str| console(&host, newest.clone()).lines.iter().any(|l| l.text == text);
    guest.start();
    until("the first boot has spoken", || says("boot one"));
    guest.stop();
    guest.start();
    until("the second has", || says("boot two"));
    let log = console(&host, newest);
    assert_eq!(log.boots.len(), 2);
    assert!(log.boots[0].id > log.boots[1].id && log.boot == Some(log.boots[0].id));
    let of = |text: Option<&str>| {
        let text = text.map(|text| text.parse().unwrap());
        let source = GuestLogSource::Console(Some(log.boots[1].id));
        console(&host, GuestLogQuery { source, text }).lines
    };
    assert!(of(None).iter().any(|line| line.text == "boot one"));
    assert_eq!(of(Some("BOOT ONE")).len(), 1);
    assert_eq!(of(Some("boot two")), []);
}

#[test]
fn a_log_of_its_own_is_read_beneath_its_root() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    let query = GuestLogQuery { source: GuestLogSource::Syslog, text: None };
    assert_eq!(console(&host, query.clone()), GuestLog::default());
    fs::create_dir_all(guest.root().join("var/log")).unwrap();
    symlink("/etc/shadow", guest.root().join("var/log/syslog")).unwrap();
    // It leads to the guest's own, which is not there.
    assert_eq!(console(&host, query.clone()), GuestLog::default());
    fs::write(guest.root().join("var/log/messages"), "one\ntwo\n").unwrap();
    let log = console(&host, query);
    assert_eq!(log.origin.as_deref(), Some("/var/log/messages"));
    assert_eq!(log.lines.len(), 2);
    let journal = GuestLogQuery { source: GuestLogSource::Journal(Default::default()), text: None };
    let failure = host.engine.guest_log(&name("web"), &journal).unwrap_err();
    assert_eq!(failure, Failure::NotRunning { name: name("web") });
    guest.start();
    let failure = host.engine.guest_log(&name("web"), &journal).unwrap_err();
    assert!(matches!(failure, Failure::ProgramFailed { .. }), "{failure:?}");
}

fn services(guest: &Guest<'_>) -> Services {
    guest.host.engine.services(&name(guest.name)).unwrap()
}

fn service(found: &Services, wanted: &str) -> Service {
    found.services.iter().find(|one| one.name.as_str() == wanted).unwrap().clone()
}

/// A service that is a file.
const FILE_SERVICE: &str = "# Short-Description: A file\n\
    case $1 in start) touch /run.$0; echo started;; stop) rm /run.$0;; \
    status) [ -e /run.$0 ] || exit 3; echo It runs.;; esac";

#[test]
fn scripts_are_services_that_can_be_told() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    guest.script("etc/init.d/one", &FILE_SERVICE.replace("$0", "one"));
    fs::create_dir_all(guest.root().join("etc/rc3.d")).unwrap();
    symlink("../init.d/one", guest.root().join("etc/rc3.d/S02one")).unwrap();
    assert_eq!(
        host.engine.services(&name("web")).unwrap_err(),
        Failure::NotRunning { name: name("web") }
    );
    guest.start();
    let found = services(&guest);
    assert_eq!((found.manager, found.is_incomplete), (Some(ServiceManager::InitScripts), false));
    // What starts the others is none.
    assert_eq!(found.services.len(), 1);
    let one = service(&found, "one");
    assert_eq!((one.state, one.is_enabled), (ServiceState::Inactive, Some(true)));
    assert_eq!(one.description, "A file");
    let order = |action| {
        PlainChange::Service(ServiceOrder {
            vserver: name("web"),
            manager: ServiceManager::InitScripts,
            service: "one".parse().unwrap(),
            action,
        })
    };
    let operation = host.must(order(ServiceAction::Start));
    assert!(host.log(&operation).contains("started"));
    let one = service(&services(&guest), "one");
    assert_eq!((one.state, one.detail.as_str()), (ServiceState::Active, "It runs."));
    host.must(order(ServiceAction::Stop));
    assert_eq!(service(&services(&guest), "one").state, ServiceState::Inactive);
    // Nothing there enables it, and that is said.
    let operation = host.run(order(ServiceAction::Enable));
    assert!(
        matches!(&operation.progress, Progress::Failed { failure: Failure::ProgramFailed { .. } }),
        "{operation:?}"
    );
}

#[test]
fn a_service_that_hangs_or_floods_keeps_nobody_waiting() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    guest.script(
        "etc/init.d/flood",
        "case $1 in status) ;; esac\nwhile :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
    );
    guest.script(
        "etc/init.d/hang",
        "case $1 in status) ;; esac\ntrap '' TERM HUP; while :; do sleep 1000; done",
    );
    guest.script(
        "etc/init.d/odd",
        "case $1 in status) ;; esac\nprintf '\\033]0;title\\007\\033[31mred\\033[0m\\n'; exit 1",
    );
    guest.script("etc/init.d/silent", "# says nothing of how it is (status)");
    guest.script("etc/init.d/once", "case $1 in start|status) ;; esac");
    guest.start();
    let began = Instant::now();
    let found = services(&guest);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(found.is_incomplete);
    for unknown in ["flood", "hang", "silent", "once"] {
        assert_eq!(service(&found, unknown).state, ServiceState::Unknown, "{unknown}");
    }
    let odd = service(&found, "odd");
    assert_eq!((odd.state, odd.detail.as_str()), (ServiceState::Failed, "red"));
}
