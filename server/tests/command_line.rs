//! `vserver` and `vserver-stat` as they are typed: what they print, and with which status they end.
//!
//! The guests are real, and of nothing but busybox: their files are put where a build puts them.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use engine::lock::VServerLock;
use engine::state::GuestState;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use sandbox::command::{code, complained, said};
use sandbox::{Sandbox, leave_network, until};
use tiny_guest::make_guest;

/// Gives an instance a VServer `tiny` of context 100, whose rc does `script`.
fn make_tiny(sandbox: &Sandbox, script: &str) {
    make_guest(sandbox, "tiny", 100, script);
}

/// Runs `vserver WORDS` and types `input`.
fn typing(sandbox: &Sandbox, words: &[&str], input: &str) -> Output {
    let mut command = sandbox.ulysse("vserver", words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn config_files_are_shown_changed_and_undone() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox, "true");
    let run = |words: &[&str]| sandbox.vserver(&[&["tiny", "config"], words].concat());
    let config = sandbox.settings.roots.config_base.join("tiny");
    let output = run(&[]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert!(
        said(&output).contains("uts/nodename                     tiny.cume.fr\n"),
        "{output:?}"
    );
    assert_eq!(said(&run(&["show", "context"])), "100\n");
    assert_eq!(code(&run(&["show", "nice"])), 1);
    assert!(said(&run(&["explain", "nice"])).contains("niceness"));
    assert_eq!(code(&run(&["set", "nice", "7"])), 0);
    assert_eq!(fs::read_to_string(config.join("nice")).unwrap(), "7\n");
    assert_eq!(code(&run(&["set", "nice", "7"])), 0, "once more is no mistake");
    let output = run(&["set", "nice", "20"]);
    assert_eq!(
        (code(&output), complained(&output).as_str()),
        (1, "vserver: nice, line 1: expected a whole number from -20 to 19\n  Nothing was done.\n")
    );
    let french = sandbox
        .ulysse("vserver", &["tiny", "config", "set", "nice", "20"])
        .env("LC_ALL", "fr_FR.UTF-8")
        .output()
        .unwrap();
    assert!(complained(&french).contains("un nombre entier de -20 à 19"), "{french:?}");
    let output =
        typing(&sandbox, &["tiny", "config", "set", "apps/init/mark", "-"], "default\nweb");
    assert_eq!(code(&output), 0, "{output:?}");
    assert_eq!(said(&run(&["show", "apps/init/mark"])), "default\nweb\n");
    assert_eq!(code(&run(&["set", "interfaces/0/ip", "10.0.0.1"])), 1, "without a device");
    assert!(!config.join("interfaces").exists());
    assert_eq!(code(&run(&["set", "scripts/pre-start", "reboot"])), 1);
    for words in [&["set", "../../passwd", "x"][..], &["nonsense"], &["show"], &["undo", "x"]] {
        let output = run(words);
        assert_eq!(code(&output), 1, "{words:?}: {output:?}");
    }
    // An editor that is a program of the host's, with an argument of its own.
    let edited = sandbox
        .ulysse("vserver", &["tiny", "config", "edit", "apps/init/mark"])
        .env("VISUAL", "sed -i s/web/db/")
        .output()
        .unwrap();
    assert_eq!(code(&edited), 0, "{edited:?}");
    fs::write(config.join("uts/nodename"), "by.hand\n").unwrap();
    let history = said(&run(&["history"]));
    assert!(history.starts_with("Change 4 · "), "{history}");
    assert!(history.contains("by hand on the host") && history.contains("    -web\n    +db"));
    assert_eq!(code(&run(&["undo", "4"])), 0);
    assert_eq!(fs::read_to_string(config.join("uts/nodename")).unwrap(), "tiny.cume.fr\n");
    assert_eq!(code(&run(&["undo", "2"])), 1, "edited since");
    assert_eq!(code(&run(&["unset", "nice"])), 0);
    assert!(!config.join("nice").exists());
    assert_eq!(code(&run(&["unset", "nice"])), 0);
    let output =
        sandbox.vserver(&[".defaults", "config", "set", "apps/vshelper/sync-timeout", "9"]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert_eq!(
        said(&sandbox.vserver(&[".defaults", "config", "show", "apps/vshelper/sync-timeout"])),
        "9\n"
    );
    assert_eq!(code(&sandbox.vserver(&["nobody", "config"])), 5);

    // Whether a change is in use.
    let in_use = |path: &str| said(&run(&["explain", path]));
    assert!(in_use("nice").contains("from the next start of the VServer on"));
    sandbox.must(&["tiny", "start"]);
    assert!(in_use("nice").contains("was started with it"));
    run(&["set", "nice", "3"]);
    assert!(in_use("nice").contains("Restart it"));
    sandbox.must(&["tiny", "restart"]);
    assert!(in_use("nice").contains("was started with it"));
    sandbox.must(&["tiny", "stop"]);
}

#[test]
fn a_vserver_is_started_entered_stopped_and_deleted() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox, "true");
    let run = |words: &[&str]| sandbox.vserver(words);
    let tiny = |command: &str| run(&["tiny", command]);

    let output = tiny("status");
    assert_eq!((code(&output), said(&output).as_str()), (3, "Vserver 'tiny' is stopped\n"));
    assert_eq!(code(&tiny("running")), 1);
    assert_eq!(code(&tiny("condrestart")), 0);
    assert_eq!(code(&tiny("running")), 1);
    let output = tiny("stop");
    assert_eq!(
        (code(&output), complained(&output).as_str()),
        (0, "vserver: tiny is not running.\n")
    );
    for command in
        [&["tiny", "exec", "true"][..], &["tiny", "enter"], &["tiny", "suexec", "web", "id"]]
    {
        let output = run(command);
        assert_eq!(code(&output), 1, "{command:?}");
        assert!(complained(&output).contains("not running"), "{command:?}");
    }

    let output = tiny("start");
    assert_eq!(code(&output), 0, "{output:?}");
    assert_eq!((said(&output), complained(&output)), (String::new(), String::new()));
    let output = tiny("start");
    assert_eq!(
        (code(&output), complained(&output).as_str()),
        (
            0,
            "vserver: tiny is running already. \
             For changes to take effect: vserver tiny restart\n"
        )
    );
    assert_eq!(complained(&run(&["--silent", "tiny", "start"])), "");
    assert_eq!(code(&tiny("running")), 0);
    let output = tiny("status");
    let expected = "Vserver 'tiny' is running at context '100'\nNumber of processes: 1\nUptime:              00:00\n";
    assert_eq!((code(&output), said(&output).as_str()), (0, expected));
    assert_eq!(said(&run(&["100", "status"])), expected);
    assert_eq!(said(&run(&["tiny/", "status"])), expected);
    assert_eq!(said(&run(&["--silent", "tiny", "status"])), "");
    let output =
        sandbox.ulysse("vserver", &["tiny", "status"]).env("LC_ALL", "fr_FR.UTF-8").output();
    assert_eq!(said(&output.unwrap()), expected, "scripts read it, in every language");

    let output = run(&["tiny", "exec", "sh", "-c", "hostname; exit 7"]);
    assert_eq!((code(&output), said(&output).as_str()), (7, "tiny.cume.fr\n"));
    assert_eq!(code(&run(&["tiny", "exec", "sh", "-c", "kill -9 $$"])), 137);
    assert_eq!(code(&run(&["tiny", "exec", "no-such-program"])), 127);
    assert_eq!(said(&run(&["tiny", "suexec", "web", "id", "-u"])), "33\n");
    assert_eq!(said(&run(&["tiny", "exec", "echo", "--silent", "--", "-v"])), "--silent -- -v\n");
    assert_eq!(said(&typing(&sandbox, &["tiny", "exec", "cat"], "through\n")), "through\n");
    assert_eq!(code(&typing(&sandbox, &["tiny", "enter"], "exit 5\n")), 5);

    let state = || GuestState::running(&sandbox.settings.roots, &"tiny".parse().unwrap()).unwrap();
    let first = state().unwrap().init;
    assert_eq!(code(&tiny("restart")), 0);
    assert_ne!(state().unwrap().init, first);
    assert_eq!(code(&tiny("stop")), 0);
    assert!(state().is_none());

    for answer in ["", "n\n", "nonsense\n"] {
        let output = typing(&sandbox, &["tiny", "delete"], answer);
        assert_eq!(code(&output), 2, "{answer:?}: {output:?}");
        let asked = complained(&output);
        assert!(
            asked.contains("Are you sure you want to delete the vserver tiny (y/N) "),
            "{asked}"
        );
        assert!(
            asked.contains(&sandbox.settings.roots.guest_base.join("tiny").display().to_string())
        );
    }
    assert_eq!(code(&tiny("status")), 3);
    assert_eq!(code(&tiny("start")), 0);
    let output = typing(&sandbox, &["tiny", "delete"], "y\n");
    assert_eq!(code(&output), 0, "{output:?}");
    assert!(complained(&output).contains("It is running, and is stopped first."));
    let roots = &sandbox.settings.roots;
    assert!(!roots.config_base.join("tiny").exists() && !roots.guest_base.join("tiny").exists());
    assert_eq!(code(&tiny("status")), 5);
}

#[test]
fn vserver_stat_shows_the_host_and_who_runs() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox, "sleep 1000 &");
    assert_eq!(code(&sandbox.vserver(&["tiny", "start"])), 0);
    let stat = |words: &[&str]| sandbox.ulysse("vserver-stat", words).output().unwrap();
    let rows = || -> Vec<String> { said(&stat(&[])).lines().map(str::to_owned).collect() };
    until("the service runs", || rows()[2].starts_with("100      2 "));
    let rows = rows();
    assert_eq!(rows[0], "CTX   PROC    VSZ    RSS  userTIME   sysTIME    UPTIME NAME");
    assert_eq!((&rows[1][..5], &rows[1][55..]), ("0    ", "root server"));
    assert_eq!((&rows[2][44..48], &rows[2][54..]), ("   0", " the tiny one"));
    assert_eq!(rows.len(), 3);
    let only = said(&stat(&["--guests-only", "-O", "name"]));
    assert_eq!(only.lines().count(), 2);
    let output = stat(&["foo"]);
    assert_eq!(code(&output), 1);
    assert!(complained(&output).starts_with("vserver-stat: “foo” is one word too many.\n"));
    assert_eq!(code(&sandbox.vserver(&["--silent", "tiny", "delete"])), 0);
}

#[test]
fn a_reboot_from_inside_restarts_it_and_a_halt_stops_it() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox, "true");
    assert_eq!(code(&sandbox.vserver(&["tiny", "start"])), 0);
    let state = || GuestState::running(&sandbox.settings.roots, &"tiny".parse().unwrap()).unwrap();
    let first = state().unwrap().init;
    sandbox.vserver(&["tiny", "exec", "reboot", "-f"]);
    until("it runs again", || state().is_some_and(|state| state.init != first));
    // The new one may still be on its way.
    until("it can be entered", || code(&sandbox.vserver(&["tiny", "exec", "true"])) == 0);
    sandbox.vserver(&["tiny", "exec", "halt", "-f"]);
    until("it is stopped", || code(&sandbox.vserver(&["tiny", "running"])) == 1);
    let run_file = sandbox.settings.roots.run_base.join("tiny");
    until("nothing of it is left", || !run_file.exists());
}

/// The supervisor's word of a guest's end, while it waits for the VServer.
fn waiting_word(sandbox: &Sandbox) -> Option<Pid> {
    let config = sandbox.config.to_str().unwrap();
    fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let words = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let mut words = words.split('\0');
        (words.any(|word| word == config) && words.any(|word| word == "--event"))
            .then(|| Pid::from_raw(pid))
    })
}

#[test]
fn a_reboot_from_inside_that_finds_it_busy_is_not_forgotten() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox, "true");
    assert_eq!(code(&sandbox.vserver(&["tiny", "start"])), 0);
    let roots = &sandbox.settings.roots;
    let name = "tiny".parse().unwrap();
    let state = || GuestState::running(roots, &name).unwrap();
    let first = state().unwrap().init;
    let word_file = roots.run_base.join(".state/.end-tiny");
    // As a backup holds it, for as long as it takes.
    let held = VServerLock::take(roots, &name, None, Duration::from_secs(30)).unwrap();
    sandbox.vserver(&["tiny", "exec", "reboot", "-f"]);
    until("it is written down", || word_file.exists());
    let mut word = None;
    until("the word waits", || {
        word = waiting_word(&sandbox);
        word.is_some()
    });
    // It gives up.
    kill(word.unwrap(), Signal::SIGKILL).unwrap();
    until("nobody waits any more", || waiting_word(&sandbox).is_none());
    drop(held);
    assert!(state().is_none());
    let output = sandbox.ulysse("doctor", &["--repair"]).output().unwrap();
    assert!(state().is_some_and(|state| state.init != first), "{output:?}");
    assert!(!word_file.exists());
    assert_eq!(code(&sandbox.vserver(&["tiny", "stop"])), 0);
}

#[test]
fn what_cannot_be_done_is_refused_with_its_status() {
    let sandbox = Sandbox::without_bases();
    for (words, status, expected) in [
        (&[][..], 2, "What is to be done with it?"),
        (&["tiny"], 2, "What is to be done with it?"),
        (&["tiny", "frob"], 2, "There is no command “frob”."),
        (&["tiny", "hashify"], 1, "The command “hashify” is not in this release."),
        (&["tiny", "start"], 5, "There is no VServer “tiny”"),
        (&["tiny", "stop"], 5, "There is no VServer “tiny”"),
        (&["tiny", "restart"], 5, "There is no VServer “tiny”"),
        (&["tiny", "status"], 5, "There is no VServer “tiny”"),
        (&["tiny", "running"], 5, "There is no VServer “tiny”"),
        (&["tiny", "exec", "ls"], 5, "There is no VServer “tiny”"),
        (&["--silent", "tiny", "delete"], 5, "There is no VServer “tiny”"),
        (&["/etc", "start"], 5, "/etc is not the config directory of a VServer"),
        (&["tiny", "build"], 1, "Say how its files are to be made"),
        (&["tiny", "build", "-m", "urpmi"], 1, "The build method “urpmi” is not in this release."),
    ] {
        let output = sandbox.vserver(words);
        assert_eq!(code(&output), status, "{words:?}");
        let text = complained(&output);
        assert!(text.starts_with(&format!("vserver: {expected}")), "{words:?}: {text}");
        assert_eq!(said(&output), "", "{words:?}");
    }
    let broken = sandbox.config.with_file_name("broken.toml");
    fs::write(&broken, "[roots]\nconfig_bse = \"/x\"\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ulysse"))
        .args(["vserver", "--config", broken.to_str().unwrap(), "tiny", "start"])
        .env("LC_ALL", "fr_FR.UTF-8")
        .output()
        .unwrap();
    assert_eq!(code(&output), 1);
    let text = complained(&output);
    assert!(text.starts_with("vserver: Les réglages sont illisibles"), "{text}");
    assert!(text.contains("config_bse"), "{text}");
}

#[test]
fn every_value_of_a_build_is_judged_under_the_name_of_its_option() {
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox, "true");
    let words = [
        "tiny",
        "build",
        "-m",
        "debootstrap",
        "--context",
        "100",
        "--hostname",
        "a_b",
        "--interface",
        "no0:10.9.8.7/24",
        "--flags",
        "fast",
        "--",
        "-d",
        "sid",
        "-m",
        "ftp://x",
        "--",
        "--arch",
        "vax",
        "--variant",
        "tiny",
        "--include",
        "Vim",
    ];
    let output = sandbox.vserver(&words);
    assert_eq!(code(&output), 1);
    let text = complained(&output);
    for expected in [
        "NAME: ",
        "--context: Context 100 belongs to tiny. ",
        "--hostname: “_” at position 2",
        "--interface: The host has no network device “no0”.",
        "--flags: ",
        "-- -m: ",
        "--arch: ",
        "--variant: ",
        "--include: “V” at position 1",
    ] {
        assert!(text.contains(&format!("vserver: {expected}")), "{expected}: {text}");
    }
    assert!(text.ends_with("  Nothing was done.\n"), "{text}");
    assert_eq!(sandbox.names_in(&sandbox.settings.roots.operations()), [""; 0]);
}

/// A build that waits for a mirror that says nothing.
fn slow_build(sandbox: &Sandbox) -> (std::process::Child, std::net::TcpStream) {
    let silence = TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}/debian", silence.local_addr().unwrap());
    let words = ["slow", "build", "-m", "debootstrap", "--", "-d", "bookworm", "-m", &mirror];
    let mut command = sandbox.ulysse("vserver", &words);
    for variable in ["http_proxy", "HTTP_PROXY"] {
        command.env_remove(variable);
    }
    // As a shell starts it: the interrupt goes to all of its process group.
    let child =
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (held, _) = silence.accept().unwrap();
    (child, held)
}

fn assert_cancelled(sandbox: &Sandbox, output: &Output) {
    assert_eq!(code(output), 130, "{output:?}");
    let text = complained(output);
    assert!(text.contains("It was cancelled, and what had been done was undone."), "{text}");
    let roots = &sandbox.settings.roots;
    assert_eq!(sandbox.names_in(&roots.guest_base), [""; 0]);
    assert_eq!(sandbox.names_in(&roots.operations().join(".live")), [""; 0]);
    assert!(!roots.config_base.join("slow").exists());
}

#[test]
fn the_terminals_interrupt_cancels_a_build_and_undoes_it() {
    let sandbox = Sandbox::without_bases();
    let (child, held) = slow_build(&sandbox);
    killpg(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(held);
    assert_cancelled(&sandbox, &output);
}

#[test]
fn another_command_cancels_a_build() {
    let sandbox = Sandbox::without_bases();
    let (child, held) = slow_build(&sandbox);
    let live = sandbox.names_in(&sandbox.settings.roots.operations().join(".live"));
    let output = sandbox.ulysse("cancel", &[live[0].as_str()]).output().unwrap();
    assert_eq!(code(&output), 0, "{output:?}");
    let output = child.wait_with_output().unwrap();
    drop(held);
    assert_cancelled(&sandbox, &output);
    // It has ended: there is nothing to do any more. Of another nobody knows.
    let output = sandbox.ulysse("cancel", &[live[0].as_str()]).output().unwrap();
    assert_eq!(code(&output), 0, "{output:?}");
    let mut unknown = sandbox.ulysse("cancel", &["01JADQ8Z9XKXQ5Y7D2M3N4P5R6"]);
    let output = unknown.env("LC_ALL", "fr_FR.UTF-8").output().unwrap();
    assert_eq!(code(&output), 1, "{output:?}");
    assert!(complained(&output).starts_with("ulysse cancel: "), "{output:?}");
    let output = sandbox.ulysse("cancel", &[]).env("LC_ALL", "fr_FR.UTF-8").output().unwrap();
    assert_eq!(code(&output), 2, "{output:?}");
    assert!(complained(&output).starts_with("ulysse cancel: Il manque : <ID>."), "{output:?}");
}

#[test]
fn a_command_in_the_background_of_a_shell_is_not_stopped_by_its_terminal() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox, "true");
    assert_eq!(code(&sandbox.vserver(&["tiny", "start"])), 0);
    let program = env!("CARGO_BIN_EXE_ulysse");
    let config = sandbox.config.display();
    let line = format!(
        "set -m; {program} vserver --config {config} tiny exec echo from inside & \
         wait $!; echo status $?"
    );
    // script(1) gives the shell a terminal.
    let output = Command::new("script")
        .args(["-qec", &format!("bash -c '{line}'"), "/dev/null"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = said(&output);
    assert!(text.contains("from inside") && text.contains("status 0"), "{text}");
    assert_eq!(code(&sandbox.vserver(&["tiny", "stop"])), 0);
}

#[test]
fn a_guest_whose_init_is_broken_is_rescued() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_tiny(&sandbox, "true");
    let root = sandbox.settings.roots.guest_base.join("tiny");
    fs::remove_file(root.join("etc/init.d/rc")).unwrap();
    assert_eq!(code(&sandbox.vserver(&["tiny", "start"])), 1);
    let first = |words: &[&str]| {
        sandbox.must(words);
        let line = sandbox.must(&["tiny", "exec", "cat", "/proc/1/cmdline"]);
        line.replace('\0', " ").trim().to_owned()
    };
    // Ulysse's own pid 1 runs it beside what mends.
    let ours = first(&["tiny", "start", "--rescue"]);
    assert!(!ours.contains("sleep"), "{ours}");
    let listed = sandbox.must(&["tiny", "exec", "ps"]);
    assert!(listed.contains("/bin/sleep 900"), "{listed}");
    sandbox.must(&["tiny", "exec", "sh", "-c", "echo mended >/etc/issue"]);
    sandbox.must(&["tiny", "stop"]);
    assert_eq!(fs::read_to_string(root.join("etc/issue")).unwrap(), "mended\n");
    // It is pid 1 itself.
    let words = ["tiny", "start", "--rescue", "--rescue-init", "/bin/sleep", "8000"];
    assert_eq!(first(&words), "/bin/sleep 8000");
    // It does not hear what would end an init.
    let config = sandbox.settings.roots.config_base.join("tiny/apps");
    fs::create_dir_all(config.join("init")).unwrap();
    fs::create_dir_all(config.join("vshelper")).unwrap();
    fs::write(config.join("vshelper/sync-timeout"), "1\n").unwrap();
    sandbox.must(&["tiny", "stop", "--rescue-init"]);
    let output = sandbox.vserver(&["tiny", "start", "/bin/sleep"]);
    assert_eq!(code(&output), 1, "{output:?}");
}

#[test]
fn of_two_vservers_of_one_context_that_are_started_at_once_one_runs() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    for name in ["one", "two"] {
        make_guest(&sandbox, name, 100, "true");
    }
    for round in 0..8 {
        let starts = ["one", "two"].map(|name| {
            let mut command = sandbox.ulysse("vserver", &[name, "start"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        });
        let outputs = starts.map(|start| start.wait_with_output().unwrap());
        let running = GuestState::all(&sandbox.settings.roots).unwrap();
        assert_eq!(running.len(), 1, "round {round}: {outputs:?}");
        let refused = outputs.iter().find(|output| !output.status.success()).unwrap();
        assert!(complained(refused).contains("100"), "{refused:?}");
        sandbox.must(&[running[0].name.as_str(), "stop"]);
    }
    // Nor is one started beside what a crash has left of another's start; of one that has never run, so that
    // no supervisor puts it right meanwhile.
    make_guest(&sandbox, "three", 100, "true");
    let mut command = sandbox.ulysse("vserver", &["three", "start"]);
    command.env("ULYSSE_CRASH_AT", "start:recorded").output().unwrap();
    assert_eq!(code(&sandbox.vserver(&["two", "start"])), 1);
    assert!(sandbox.ulysse("doctor", &["--repair"]).status().unwrap().success());
    sandbox.must(&["two", "start"]);
    sandbox.must(&["two", "stop"]);
}
