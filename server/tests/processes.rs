//! The commands about processes and contexts as they are typed, on guests that run: what they print, whom
//! they reach, and with which status they end.

mod sandbox;
mod tiny_guest;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use domain::change::PlainChange;
use domain::failure::Failure;
use domain::operation::{Actor, Kind, Progress};
use domain::process::{Process, ProcessKey, Recipient, Signal, SignalOrder};
use domain::time::UnixMillis;
use engine::Engine;
use engine::engine::Instance;
use engine::operation::Silent;
use engine::processes;
use engine::state::{GuestState, ProcessIdentity};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use sandbox::{Sandbox, leave_network, until};
use tiny_guest::make_guest;

/// What the guests run beside their init.
const SERVICE: &str = "sleep 98765 &";

/// An instance with the VServers `web` (context 200) and `mail` (201), both running.
fn two_guests() -> Sandbox {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_guest(&sandbox, "web", 200, SERVICE);
    make_guest(&sandbox, "mail", 201, SERVICE);
    for name in ["web", "mail"] {
        sandbox.must(&[name, "start"]);
        until("the service runs", || service_of(&sandbox, name).is_some());
    }
    sandbox
}

fn all(sandbox: &Sandbox) -> Vec<Process> {
    processes::list(&sandbox.settings.roots, None, UnixMillis(0)).unwrap().processes
}

/// Unmounts something when it goes.
struct Unmounted(PathBuf);

impl Drop for Unmounted {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

/// The `sleep` of a guest.
fn service_of(sandbox: &Sandbox, name: &str) -> Option<Process> {
    let is_it =
        |process: &Process| process.vserver.as_str() == name && process.command == "sleep 98765";
    all(sandbox).into_iter().find(is_it)
}

fn run(sandbox: &Sandbox, program: &str, words: &[&str]) -> Output {
    sandbox.ulysse(program, words).output().unwrap()
}

/// Exit status, standard output, standard error.
fn outcome(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn is_alive(process: &Process) -> bool {
    let ProcessKey { pid, start_ticks } = process.key;
    ProcessIdentity { pid, start_ticks }.is_alive()
}

#[test]
fn processes_are_listed_with_whose_they_are() {
    let sandbox = two_guests();
    // Somebody of the guest's own, whose command line would paint a terminal red.
    let odd = "sleep 4321; : \u{1b}[31m";
    let mut command = sandbox.ulysse("vserver", &["web", "suexec", "web", "sh", "-c", odd]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let is_it = |process: &Process| process.command.starts_with("sh -c sleep 4321");
    let found = || all(&sandbox).into_iter().find(is_it);
    until("it runs", || found().is_some());
    let process = found().unwrap();
    assert_eq!((process.uid, process.user.as_deref()), (33, Some("web")));
    assert!(!process.command.chars().any(char::is_control), "{}", process.command);
    let init = all(&sandbox).into_iter().find(|process| process.inside == Some(1)).unwrap();
    let state = |name: &str| {
        GuestState::running(&sandbox.settings.roots, &name.parse().unwrap()).unwrap().unwrap()
    };
    assert_eq!(init.vserver.as_str(), "mail", "sorted by VServer");
    assert_eq!(init.key.pid, state("mail").init.unwrap().pid);
    assert_eq!((init.user.as_deref(), init.threads), (Some("root"), 1));
    let service = service_of(&sandbox, "web").unwrap();
    assert!(service.inside.is_some_and(|pid| pid > 1 && pid < 1000));
    assert!(service.rss_bytes > 0 && service.vsz_bytes >= service.rss_bytes);
    assert!(all(&sandbox).iter().all(|process| process.key.pid != std::process::id()));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn nobody_hides_behind_what_a_cgroup_is_called() {
    let sandbox = two_guests();
    let service = service_of(&sandbox, "web").unwrap();
    let state = GuestState::running(&sandbox.settings.roots, &"web".parse().unwrap());
    // The guest's own root may call them so, where it has any.
    let moves_into = |group: &PathBuf| {
        let odd = group.join(OsStr::from_bytes(b"\xff):x:"));
        fs::create_dir(&odd).unwrap();
        fs::write(odd.join("cgroup.procs"), service.key.pid.to_string()).is_ok()
    };
    assert!(state.unwrap().unwrap().cgroups.iter().any(moves_into));
    assert_eq!(service_of(&sandbox, "web").unwrap().key, service.key);
    let pid = service.key.pid.to_string();
    let (code, _, complaint) = outcome(&run(&sandbox, "vkill", &["-c", "web", "-s", "KILL", &pid]));
    assert_eq!((code, complaint.as_str()), (0, ""));
    until("it has ended", || !is_alive(&service));
    sandbox.must(&["web", "stop"]);
}

#[test]
fn vps_says_in_which_context_a_process_is() {
    let sandbox = two_guests();
    let (code, text, complaint) = outcome(&run(&sandbox, "vps", &["aux"]));
    assert_eq!((code, complaint.as_str()), (0, ""));
    let head = text.lines().next().unwrap();
    let at = head.find(" PID CONTEXT              %CPU").unwrap() + " PID ".len();
    let service = service_of(&sandbox, "web").unwrap();
    let row_of = |pid: u32| {
        let is_it = |line: &&str| line[..at].split_whitespace().nth(1) == Some(&pid.to_string());
        text.lines().find(is_it).unwrap_or_else(|| panic!("no {pid}: {text}"))
    };
    let row = row_of(service.key.pid);
    assert_eq!(&row[at..at + 20], format!("{:<20}", "  200 the web one"));
    assert!(row.ends_with("sleep 98765"), "{row}");
    assert_eq!(&row_of(std::process::id())[at..at + 20], format!("{:<20}", "    0 MAIN"));
    // Its own exit status is ps's, and its own error where there is no pid.
    let (code, text, _) = outcome(&run(&sandbox, "vps", &["-p", "4194304000"]));
    assert!(code != 0 && text.lines().count() <= 1, "{code}: {text}");
    let (code, _, complaint) = outcome(&run(&sandbox, "vps", &["-eo", "comm"]));
    assert_eq!(code, 254);
    assert!(complaint.starts_with("vps: ps shows no column PID"), "{complaint}");
}

#[test]
fn vkill_reaches_who_is_meant_and_nobody_else() {
    let sandbox = two_guests();
    let [web, mail] = ["web", "mail"].map(|name| service_of(&sandbox, name).unwrap());
    let pid = web.key.pid.to_string();
    let vkill = |words: &[&str]| outcome(&run(&sandbox, "vkill", words));

    // Of another VServer, of the host, of nobody.
    let (code, _, complaint) = vkill(&["-s", "9", "--xid", "mail", &pid]);
    assert_eq!(code, 1);
    assert!(complaint.starts_with(&format!("vkill: mail has no process {pid}")), "{complaint}");
    let own = std::process::id().to_string();
    assert_eq!(vkill(&["--xid", "web", &own]).0, 1);
    assert_eq!(vkill(&["-c", "0", &pid]).0, 1);
    for words in
        [&["-c", "1", &pid][..], &["-s", "NOPE", &pid], &["x"], &[], &["-c", "nobody", "1"]]
    {
        assert_eq!(vkill(words).0, 1, "{words:?}");
    }
    assert!(is_alive(&web) && is_alive(&mail));

    // Stopped and let run again, then ended; by number, and by name, which the host's pid says.
    let state = || service_of(&sandbox, "web").map(|process| process.state);
    assert_eq!(vkill(&["-s", "SIGSTOP", "-c", "200", &pid]), (0, String::new(), String::new()));
    until("it is stopped", || state() == Some('T'));
    assert_eq!(vkill(&["-s", "CONT", &pid]).0, 0);
    until("it runs again", || state() == Some('S'));
    assert_eq!(vkill(&["-s", "9", "--xid", "web", &pid]).0, 0);
    until("it is ended", || !is_alive(&web));
    assert!(is_alive(&mail));
    // What was done is an operation.
    let log = sandbox.ulysse("vserver", &["web", "status"]).output().unwrap();
    assert_eq!(log.status.code(), Some(0));
    let store = engine::operation::Store::new(&sandbox.settings.roots);
    let signals = store.list(None, 100).unwrap().into_iter();
    let signals: Vec<_> = signals.filter(|operation| operation.kind == Kind::Signal).collect();
    let commands: Vec<_> = signals.iter().map(|operation| operation.command.as_str()).collect();
    let expected = ["STOP", "CONT", "KILL"].map(|s| format!("vkill -s {s} --xid web {pid}"));
    assert_eq!(commands, expected);

    // Everybody in it, and only in it.
    assert_eq!(vkill(&["-s", "KILL", "-c", "mail"]).0, 0);
    until("it is gone", || !is_alive(&mail));
    assert_eq!(sandbox.vserver(&["mail", "running"]).status.code(), Some(1));
    assert_eq!(sandbox.vserver(&["web", "running"]).status.code(), Some(0));
}

#[test]
fn a_signal_hits_no_other_process_of_the_same_number() {
    let sandbox = two_guests();
    let service = service_of(&sandbox, "web").unwrap();
    let engine = Engine::new(Instance {
        settings: sandbox.settings.clone(),
        settings_file: Some(sandbox.config.clone()),
        executable: env!("CARGO_BIN_EXE_ulysse").into(),
    });
    let send = |name: &str, key: ProcessKey| {
        let order = SignalOrder {
            vserver: name.parse().unwrap(),
            signal: Signal::KILL,
            to: Recipient::Process(key),
        };
        let actor = Actor::CommandLine { login: "test".to_owned() };
        engine.run_in_process(PlainChange::Signal(order), actor, &Silent)
    };
    let ProcessKey { pid, start_ticks } = service.key;
    // Who had this pid before has ended.
    let older = ProcessKey { pid, start_ticks: start_ticks - 1 };
    let missing = |name: &str| Failure::NoSuchProcess { name: name.parse().unwrap(), pid };
    assert_eq!(send("web", older).unwrap_err(), missing("web"));
    assert_eq!(send("mail", service.key).unwrap_err(), missing("mail"));
    assert!(is_alive(&service));
    // Whoever holds the VServer keeps nobody from ending what hangs in it.
    let name = "web".parse::<domain::id::VServerName>().unwrap();
    let held = engine::lock::VServerLock::try_take(&sandbox.settings.roots, &name, None).unwrap();
    let operation = send("web", service.key).unwrap();
    assert_eq!(operation.progress, Progress::Succeeded);
    until("it is ended", || !is_alive(&service));
    drop(held);
}

#[test]
fn a_command_in_the_namespaces_of_a_vserver() {
    let sandbox = two_guests();
    let enter = |words: &[&str]| outcome(&run(&sandbox, "vnamespace", words));
    // As the course types it: what the VServer sees mounted, below its directory on the host, by number or name.
    let base = &sandbox.settings.roots.guest_base;
    let (web, mail) = (base.join("web").display().to_string(), base.join("mail"));
    mount(c"none", &mail, c"tmpfs", MountFlags::empty(), None).unwrap();
    let _mounted = Unmounted(mail.clone());
    let mail = mail.display().to_string();
    let seen = |of: &str| {
        let (code, mounts, complaint) = enter(&["-e", of, "grep", &web, "/proc/mounts"]);
        assert_eq!(code, 0, "{complaint}");
        assert!(mounts.contains(&format!(" {web}/proc proc ")), "{mounts}");
        enter(&["-e", of, "grep", &mail, "/proc/mounts"]).0 == 0
    };
    assert!(!seen("200"));
    fs::write(sandbox.settings.roots.config_base.join("web/nonamespace-cleanup"), "").unwrap();
    assert!(seen("web"), "nothing is cleaned up");
    fs::write(sandbox.settings.roots.config_base.join("web/namespace-cleanup-skip"), "").unwrap();
    fs::remove_file(sandbox.settings.roots.config_base.join("web/nonamespace-cleanup")).unwrap();
    assert!(!seen("web"));
    // What it mounts itself reaches neither the VServer nor the host.
    let place = format!("{web}/mnt");
    sandbox.must(&["web", "exec", "mkdir", "/mnt"]);
    let (code, ..) = enter(&["-e", "web", "mount", "-t", "tmpfs", "of-the-view", &place]);
    assert_eq!(code, 0);
    let table = |of: &str| fs::read_to_string(format!("/proc/{of}/mounts")).unwrap();
    let init = GuestState::running(&sandbox.settings.roots, &"web".parse().unwrap());
    let init = init.unwrap().unwrap().init.unwrap().pid.to_string();
    assert!(![table("self"), table(&init)].concat().contains("of-the-view"));
    // A program of the host's in its network alone.
    let (code, devices, _) = enter(&["-e", "web", "--~mount", "-N", "cat", "/proc/net/dev"]);
    assert!(code == 0 && devices.contains("lo:"), "{devices}");
    let file = sandbox.directory().join("ulysse.toml").display().to_string();
    assert_eq!(enter(&["-e", "web", "--~mount", "-U", "test", "-e", &file]).0, 0);
    assert_eq!(enter(&["-e", "web", "-U", "hostname"]).1, "web.cume.fr\n");
    assert_eq!(enter(&["-n", "--uts", "sh", "-c", "hostname other && hostname"]).1, "other\n");
    assert_ne!(rustix::system::uname().nodename().to_str(), Ok("other"));
    for words in [
        &["-e", "web", "--~mount", "--pid", "true"][..],
        &["-e", "web", "--user", "true"],
        &["-e", "nobody", "true"],
        &["-e", "0", "true"],
        &["-n", "--user", "true"],
        &["--set", "true"],
        &["-e", "web"],
        &["true"],
    ] {
        assert_eq!(enter(words).0, 1, "{words:?}");
    }

    let chcontext = |words: &[&str]| outcome(&run(&sandbox, "chcontext", words));
    let (code, text, _) = chcontext(&["--xid", "200", "cat", "/proc/sys/kernel/hostname"]);
    assert_eq!((code, text.as_str()), (0, "New security context is 200\nweb.cume.fr\n"));
    let (code, text, _) = chcontext(&["--silent", "--ctx", "web", "sh", "-c", "exit 7"]);
    assert_eq!((code, text.as_str()), (7, ""));
    assert_eq!(chcontext(&["--silent", "--xid", "0", "test", "-e", &file]).0, 0);
    for words in [&["true"][..], &["--xid", "4711", "true"], &["--secure", "--xid", "web", "true"]]
    {
        let (code, _, complaint) = chcontext(words);
        assert!(code == 1 && complaint.lines().count() >= 2, "{words:?}: {complaint}");
    }

    let chbind = |words: &[&str]| outcome(&run(&sandbox, "chbind", words));
    let (code, text, _) = chbind(&["--nid", "web", "cat", "/proc/net/dev"]);
    assert!(code == 0 && text.starts_with("ipv4root is now "), "{text}");
    assert!(!text.contains("eth0:") && text.contains("lo:"), "{text}");
    for words in [&["--ip", "192.0.2.1", "true"][..], &["--nid", "4711", "true"]] {
        let (code, _, complaint) = chbind(words);
        assert!(code == 1 && complaint.contains("--nid"), "{words:?}: {complaint}");
    }
}

#[test]
fn names_of_a_vserver_that_runs() {
    let sandbox = two_guests();
    let vuname = |words: &[&str]| outcome(&run(&sandbox, "vuname", words));
    assert_eq!(vuname(&["--xid", "web", "nodename"]), (0, "web.cume.fr\n".into(), String::new()));
    let (code, all, _) = vuname(&["-g", "--xid", "200"]);
    assert_eq!((code, all.contains(" Linux web.cume.fr ")), (0, true), "{all}");
    let set = &["-s", "--xid", "web", "-t", "nodename=other.fr", "-t", "domain=nis.fr"];
    assert_eq!(vuname(set).0, 0);
    let (_, names, _) = vuname(&["--xid", "web", "node", "domain"]);
    assert_eq!(names, "other.fr nis.fr\n");
    assert_eq!(sandbox.must(&["web", "exec", "hostname"]), "other.fr\n");
    assert_eq!(vuname(&["--xid", "mail", "nodename"]).1, "mail.cume.fr\n");
    for words in [
        &["-s", "--xid", "web", "-t", "release=9"][..],
        &["-s", "--xid", "web", "-t", "nodename=a b"],
        &["-s", "--xid", "web"],
        &["--xid", "web", "colour"],
        &["nodename"],
        &["--xid", "0"],
    ] {
        assert_eq!(vuname(words).0, 1, "{words:?}");
    }
}

#[test]
fn facts_for_scripts() {
    let sandbox = two_guests();
    let info = |words: &[&str]| {
        let (code, text, _) = outcome(&run(&sandbox, "vserver-info", words));
        (code, text.trim_end().to_owned())
    };
    let yes = |text: &str| (0, text.to_owned());
    let no = (1, String::new());
    let roots = &sandbox.settings.roots;
    let service = service_of(&sandbox, "web").unwrap();
    let pid = service.key.pid.to_string();
    let init = GuestState::running(roots, &"web".parse().unwrap()).unwrap().unwrap().init.unwrap();
    assert_eq!(info(&["web", "CONTEXT"]), yes("200"));
    assert_eq!(info(&["200", "ID"]), yes("web"));
    assert_eq!(info(&[":web", "NAME"]), yes("the web one"));
    let config = roots.config_base.join("web");
    assert_eq!(info(&["web", "CFGDIR"]), yes(&config.display().to_string()));
    let root = fs::canonicalize(roots.guest_base.join("web")).unwrap();
    assert_eq!(info(&["web", "VDIR", "1"]), yes(&root.display().to_string()));
    assert_eq!(info(&["web", "APPDIR", "../../mail"]), no);
    assert_eq!(info(&["web", "RUNNING"]), yes("1"));
    assert_eq!(info(&["nobody", "RUNNING"]), no);
    for tag in ["XID", "NID", "TAG"] {
        assert_eq!(info(&[&pid, tag]), yes("200"));
    }
    assert_eq!(info(&["self", "XID"]), yes("0"));
    assert_eq!(info(&[&pid, "INITPID_PID"]), yes(&init.pid.to_string()));
    assert_eq!(info(&["web", "INITPID"]), yes(&init.pid.to_string()));
    assert_eq!(info(&["web", "UTS", "nodename"]), yes("web.cume.fr"));
    assert_eq!(info(&["-", "FEATURE", "namespace"]), yes(""));
    assert_eq!(info(&["-", "FEATURE", "iattr"]), no);
    assert_eq!(info(&["49151", "XIDTYPE"]), yes("static"));
    assert_eq!(info(&["1", "XIDTYPE", "main", "watch"]), yes(""));
    assert_eq!(info(&["0", "XIDTYPE", "static"]), no);
    assert_eq!(info(&["a/b", "CANONIFY"]), yes("a_b"));
    assert_eq!(info(&["-", "VERIFYPROC"]), yes(""));
    assert_eq!(info(&["-", "PXID"]), no);
    assert_eq!(info(&["-q", "web", "ID"]), yes(""));
    assert!(info(&[]).1.contains("stock kernel"));
    sandbox.must(&["web", "stop"]);
    assert_eq!(info(&["web", "RUNNING"]), no);
    assert_eq!(info(&["web", "CONTEXT"]), yes("200"));
    assert_eq!(info(&["web", "CONTEXT", "false"]), no);
}

#[test]
fn waiting_for_the_end_of_a_vserver() {
    let sandbox = two_guests();
    let status = sandbox.directory().join("status");
    let wait = |words: &[&str]| {
        let words = [&["--status-fd", "1"], words].concat();
        let mut command = sandbox.ulysse("vwait", &words);
        command.stdout(File::create(&status).unwrap());
        let code = command.status().unwrap().code().unwrap();
        (code, fs::read_to_string(&status).unwrap())
    };
    assert_eq!(wait(&["--timeout", "0", "web"]), (2, "TIMEOUT\n".to_owned()));
    assert_eq!(wait(&["--timeout", "0", "--terminate", "200"]), (1, "KILLED\n".to_owned()));
    until("it has ended", || sandbox.vserver(&["web", "running"]).status.code() == Some(1));
    assert_eq!(wait(&["web"]), (0, "FINISHED\n".to_owned()));
    assert_eq!(wait(&["nobody"]), (127, "ERROR\n".to_owned()));
    // One that ends while it is waited for.
    let mut waiting = sandbox.ulysse("vwait", &["mail"]).spawn().unwrap();
    sandbox.must(&["mail", "stop"]);
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
}

/// Runs a program by its own name, as a link to our binary has it.
fn by_name(sandbox: &Sandbox, name: &str) -> Command {
    let link = sandbox.directory().join(name);
    let _ = std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ulysse"), &link);
    let mut command = Command::new(link);
    command.env("LC_ALL", "C").stdin(Stdio::null());
    command
}

#[test]
fn each_is_found_by_its_name_and_explains_itself() {
    let sandbox = Sandbox::without_bases();
    let programs = [
        "vps",
        "vtop",
        "vpstree",
        "vkill",
        "vserver-info",
        "vnamespace",
        "vuname",
        "chcontext",
        "chbind",
        "vwait",
        "vmount",
    ];
    let mut helps = String::new();
    for program in programs {
        let (code, version, _) =
            outcome(&by_name(&sandbox, program).arg("--version").output().unwrap());
        assert_eq!(code, 0, "{program}");
        assert_eq!(version, format!("{program} {} (Ulysse)\n", env!("CARGO_PKG_VERSION")));
        for locale in ["C", "fr_FR.UTF-8"] {
            let mut command = by_name(&sandbox, program);
            let (code, help, _) =
                outcome(&command.arg("--help").env("LC_ALL", locale).output().unwrap());
            assert_eq!(code, 0, "{program}");
            helps.push_str(&help);
            helps.push('\n');
        }
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("debian/build-deb").exists());
    }
    insta::assert_snapshot!(helps);
    let package = include_str!("../debian/build-deb");
    for program in programs {
        assert!(package.contains(&format!(" {program}")), "the package brings no {program}");
    }
    let (code, tree, complaint) =
        outcome(&by_name(&sandbox, "vpstree").arg("-p").output().unwrap());
    assert!(code == 0 && tree.contains("(1)"), "{tree}{complaint}");
}

#[test]
fn vtop_fills_a_terminal_with_everybody() {
    let sandbox = two_guests();
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let terminal = openpt(flags).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize { ws_row: 60, ws_col: 150, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    let end = File::from(ioctl_tiocgptpeer(&terminal, flags).unwrap());
    let pids = ["web", "mail"].map(|name| service_of(&sandbox, name).unwrap().key.pid.to_string());
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", env!("CARGO_BIN_EXE_ulysse"), "vtop"]);
    command.args(["-n", "1", "-p", &pids.join(",")]);
    command.env("TERM", "xterm").env("LC_ALL", "C");
    command.stdin(Stdio::from(end.try_clone().unwrap()));
    command.stdout(Stdio::from(end.try_clone().unwrap())).stderr(Stdio::from(end));
    let mut child = command.spawn().unwrap();
    drop(command);
    let (mut seen, mut buffer, mut terminal) = (String::new(), [0; 4096], File::from(terminal));
    // A terminal without another end cannot be read (EIO).
    while let Ok(bytes @ 1..) = terminal.read(&mut buffer) {
        seen.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
    }
    assert_eq!(child.wait().unwrap().code(), Some(0), "{seen}");
    for text in ["PID", "%CPU", "sleep", &pids[0], &pids[1]] {
        assert!(seen.contains(text), "{text}: {seen}");
    }
}
