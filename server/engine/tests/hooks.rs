//! Hooks on the real kernel: when they run, what they may and get, what becomes of a start or stop when one
//! fails; and the steps of a start and a stop in the log.

mod busybox_host;
mod instance;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use busybox_host::{Guest, Host, name, until};
use domain::change::PlainChange;
use domain::failure::{Failure, ProgramProblem};
use domain::note::Note;
use domain::operation::{Operation, Progress};
use domain::trace::StepKind;

/// What a hook does that tells of itself.
const TELL_HOOK: &str = "echo $1 $2 in $(pwd) >> $VDIR/order";

#[test]
fn hooks_run_in_their_order_around_what_they_are_documented_to_be_around() {
    let host = Host::new();
    let guest = Guest::make(
        &host,
        "web",
        &[("context", "233"), ("interfaces/0/ip", "10.127.0.63"), ("interfaces/0/dev", "nat0")],
    );
    // A start command that takes its time: `post-start` comes after it.
    guest.script("etc/init.d/rc", "usleep 200000; echo rc $1 >> /order");
    let root = guest.root();
    guest.hook(
        "web",
        "initialize",
        0o755,
        &format!("echo $1 $2 in $(pwd) >> {}/order", root.display()),
    );
    for hook in ["prepre-start", "pre-start", "post-start", "pre-stop", "postpost-stop"] {
        guest.hook("web", hook, 0o755, TELL_HOOK);
        // Where the VServer has its own, those of the defaults do not count.
        guest.hook(".defaults", hook, 0o755, "echo default $1 >> $VDIR/order");
    }
    guest.hook("web", "pre-start.d/20-b", 0o755, "echo part b >> order");
    guest.hook(
        "web",
        "pre-start.d/10-a",
        0o644,
        "echo part a $1 $2 >> order; DONT_SKIP_DEFAULTS=1",
    );
    // Executable, and without a word on what it is for.
    let plain = guest.hook("web", "pre-start.d/25-plain", 0o755, "");
    fs::write(plain, "echo part plain $1 >> order\n").unwrap();
    guest.hook("web", "pre-start.d/30-c~", 0o755, "echo backup >> order");
    guest.hook("web", "pre-start.d/.hidden", 0o755, "echo hidden >> order");
    guest.hook(".defaults", "post-stop", 0o755, "echo default $1 $2 >> order");
    guest.hook(".defaults", "post-stop.d/x", 0o644, "echo default part >> order");
    guest.start();
    let (config, root) = (host.config("web").display().to_string(), root.display().to_string());
    let start = [
        format!("initialize web in {config}"),
        format!("prepre-start web in {config}"),
        format!("pre-start web in {root}"),
        "part a pre-start web".to_owned(),
        "part b".to_owned(),
        "part plain pre-start".to_owned(),
        "default pre-start".to_owned(),
        "rc 3".to_owned(),
        format!("post-start web in {root}"),
    ];
    assert_eq!(guest.order(), start);
    fs::remove_file(guest.root().join("order")).unwrap();
    guest.stop();
    let stop = [
        format!("pre-stop web in {root}"),
        "rc 6".to_owned(),
        "default post-stop web".to_owned(),
        "default part".to_owned(),
        format!("postpost-stop web in {root}"),
    ];
    assert_eq!(guest.order(), stop);
}

#[test]
fn a_hook_finds_at_its_step_what_was_made_before_it() {
    let host = Host::new();
    let tree = [
        ("context", "234"),
        ("interfaces/0/ip", "10.127.0.64"),
        ("interfaces/0/dev", "nat0"),
        ("fstab", "none /mnt tmpfs size=1m\n"),
    ];
    let guest = Guest::make(&host, "web", &tree);
    // How many network devices lead to VServers, and whether its cgroup, its run file and its mounts are there.
    let run_file = host.roots().run_file_of(&name("web"));
    let layout = engine::cgroup::Layout::detect().unwrap();
    let cgroup = layout.paths(&host.roots().cgroup_root, "web").remove(0);
    let root = guest.root();
    let look = format!(
        "set -- $1 $(ip -o link | grep -c -v ' lo:'); \
         test -e {} && set -- $* cgroup; \
         test -e {} && set -- $* run; \
         for pid in $(cat {}/cgroup.procs 2> /dev/null); do \
         grep -q ' /mnt ' /proc/$pid/mountinfo && set -- $* mounts; break; done; echo $* >> {}/order",
        cgroup.display(),
        run_file.display(),
        cgroup.display(),
        root.display()
    );
    for hook in domain::hook::Hook::ALL {
        guest.hook("web", hook.as_str(), 0o755, &look);
    }
    guest.start();
    guest.stop();
    let order = guest.order();
    let devices: Vec<u32> =
        order.iter().map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(devices[..2], [0, 0], "{order:?}");
    // The device of all, and its own. The kernel takes that away with its last process, in its own time.
    assert_eq!(devices[2..5], [2, 2, 2], "{order:?}");
    assert_eq!(devices[6], 1, "{order:?}");
    let having = |word: &str| {
        let has = |line: &String| line.split(' ').skip(2).any(|found| found == word);
        order.iter().map(has).collect::<Vec<bool>>()
    };
    assert_eq!(having("cgroup"), [false, false, true, true, true, true, false]);
    assert_eq!(having("run"), [false, false, false, true, true, true, false]);
    assert_eq!(having("mounts"), [false, false, true, true, true, false, false]);
}

#[test]
fn a_hook_gets_a_clean_environment_and_no_descriptors() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    let look = "env | cut -d= -f1 | sort | tr '\\n' ' ' > order; echo >> order; \
        ls /proc/self/fd | tr '\\n' ' ' >> order; cat >> order; ps -o sid= -p $$ | grep -cw $$ >> order; \
        echo to the log; echo and this >&2";
    guest.hook("web", "pre-start", 0o755, look);
    let started = guest.start();
    let order = guest.order();
    let variables = order[0].trim_end();
    assert_eq!(variables, "HOME PATH PWD VDIR VSERVER_DIR VSERVER_NAME");
    // The last one is the directory that ls reads; its session is its own.
    assert_eq!(order[1], "0 1 2 3 1");
    let log = host.log(&started);
    for line in ["web/scripts/pre-start: to the log\n", "web/scripts/pre-start: and this\n"] {
        assert!(log.contains(line), "{log}");
    }
}

/// What is left of a start that failed.
fn assert_nothing_is_left(host: &Host, guest: &Guest<'_>) {
    assert!(engine::state::GuestState::read(host.roots(), &name(guest.name)).unwrap().is_none());
    let cgroups = engine::cgroup::Layout::detect().unwrap();
    let paths = cgroups.paths(&host.roots().cgroup_root, guest.name);
    assert!(paths.iter().all(|path| !path.exists()), "{paths:?}");
    let links = Command::new("ip").args(["-o", "link"]).output().unwrap();
    let links = String::from_utf8(links.stdout).unwrap();
    assert_eq!(
        links.lines().filter(|line| !line.contains(" lo:") && !line.contains(" nat0:")).count(),
        0,
        "{links}"
    );
}

fn failure_of(operation: &Operation) -> Failure {
    match &operation.progress {
        Progress::Failed { failure } => failure.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hook_that_others_could_have_written_keeps_the_vserver_from_being_started() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    let path = guest.hook("web", "pre-start", 0o755, TELL_HOOK);
    let refused = |wrong: &std::path::Path, problem| {
        let failure = failure_of(&host.run(PlainChange::Start(name("web"))));
        let expected = Failure::UnsafeProgram {
            program: "web/scripts/pre-start".to_owned(),
            path: wrong.display().to_string(),
            problem,
        };
        assert_eq!(failure, expected);
        assert_eq!(guest.order(), [""; 0]);
        assert_nothing_is_left(&host, &guest);
    };
    let mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&path, 0o757);
    refused(&path, ProgramProblem::WritableByOthers);
    mode(&path, 0o755);
    std::os::unix::fs::chown(&path, Some(1000), None).unwrap();
    refused(&path, ProgramProblem::NotRoots);
    std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    let config = host.config("web");
    mode(&config, 0o777);
    refused(&config, ProgramProblem::WritableByOthers);
    // A VServer that runs can be stopped all the same; that it was not run is said.
    mode(&config, 0o755);
    let path = guest.hook("web", "pre-stop", 0o757, TELL_HOOK);
    guest.start();
    let stopped = guest.stop();
    let failure = Failure::UnsafeProgram {
        program: "web/scripts/pre-stop".to_owned(),
        path: path.display().to_string(),
        problem: ProgramProblem::WritableByOthers,
    };
    assert_eq!(host.notes(&stopped), [Note::AtStop { failure: Box::new(failure) }]);
}

#[test]
fn a_hook_that_fails_undoes_a_start_and_does_not_hold_a_stop_up() {
    let host = Host::new();
    let tree =
        [("context", "235"), ("interfaces/0/ip", "10.127.0.65"), ("interfaces/0/dev", "nat0")];
    let guest = Guest::make(&host, "web", &tree);
    guest.script("etc/init.d/rc", "echo rc $1 >> /order");
    for hook in ["initialize", "prepre-start", "pre-start"] {
        // The first as a program, which decides itself; the others as scripts that end at what fails.
        let mode = if hook == "initialize" { 0o755 } else { 0o644 };
        let path =
            guest.hook("web", hook, mode, "echo no such disk >&2\ntest -e /nonexistent\nexit 1");
        let failed = host.run(PlainChange::Start(name("web")));
        let Failure::ProgramFailed { program, detail } = failure_of(&failed) else {
            panic!("{failed:?}")
        };
        assert_eq!(program, format!("web/scripts/{hook}"));
        assert_eq!(detail, "exit status: 1: no such disk");
        assert_eq!(guest.order(), [""; 0]);
        assert_nothing_is_left(&host, &guest);
        fs::remove_file(path).unwrap();
    }
    // By then it runs, and is stopped as it would be.
    let path = guest.hook("web", "post-start", 0o755, "exit 3");
    let failed = host.run(PlainChange::Start(name("web")));
    assert!(matches!(failure_of(&failed), Failure::ProgramFailed { .. }));
    assert_eq!(guest.order(), ["rc 3", "rc 6"]);
    assert_nothing_is_left(&host, &guest);
    fs::remove_file(path).unwrap();
    for hook in ["pre-stop", "post-stop", "postpost-stop"] {
        guest.hook("web", hook, 0o644, "echo $1 >> $VDIR/order\nfalse\necho never");
    }
    guest.hook("web", "pre-stop.d/next", 0o755, "echo next >> $VDIR/order");
    guest.start();
    let stopped = guest.stop();
    assert_eq!(
        guest.order()[2..],
        ["rc 3", "pre-stop", "next", "rc 6", "post-stop", "postpost-stop"]
    );
    let notes = host.notes(&stopped);
    assert_eq!(notes.len(), 3, "{notes:?}");
    assert!(notes.iter().all(|note| matches!(note, Note::AtStop { .. })), "{notes:?}");
    assert_nothing_is_left(&host, &guest);
}

#[test]
fn a_hook_that_hangs_is_ended_and_what_it_leaves_behind_is_not_waited_for() {
    let host = Host::with(|settings| settings.limits.hook_seconds = 1);
    let guest = Guest::make(&host, "web", &[]);
    let path = guest.hook("web", "pre-start", 0o755, "sleep 1000 & echo $! >> order; wait");
    let failed = host.run(PlainChange::Start(name("web")));
    let what = "web/scripts/pre-start".to_owned();
    assert_eq!(failure_of(&failed), Failure::TimedOut { what, seconds: 1 });
    assert_nothing_is_left(&host, &guest);
    let pid: u32 = guest.order()[0].parse().unwrap();
    until("what it started has ended", || engine::state::ProcessIdentity::of(pid).is_none());
    // One that goes on in the background, with the log still open, holds nobody up.
    fs::remove_file(path).unwrap();
    guest.hook("web", "pre-start", 0o755, "sleep 1000 & echo $! >> order");
    guest.start();
    let pid = guest.order()[1].parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    guest.stop();
}

#[test]
fn commands_of_the_host_prepare_and_wait() {
    let host = Host::new();
    let guest = Guest::make(&host, "web", &[]);
    guest.script("etc/init.d/rc", "echo rc $1 >> /order");
    fs::write(guest.root().join("var/run/stale.pid"), "").unwrap();
    let program = guest.hook("web", "../own", 0o755, "echo $1 $2 in $(pwd) >> order");
    for (file, word) in
        [("prepare", "a prepare"), ("start-sync", "started"), ("stop-sync", "stopped")]
    {
        let text = format!("{}\n{word}\nit", program.display());
        guest.configure(&format!("apps/init/cmd.{file}"), &text);
    }
    guest.hook("web", "pre-start", 0o755, "echo pre-start >> order");
    guest.hook("web", "post-start", 0o755, "echo post-start >> order");
    guest.start();
    assert!(guest.root().join("var/run/stale.pid").exists(), "the style prepares nothing then");
    guest.stop();
    let at = guest.root().display().to_string();
    assert_eq!(
        guest.order(),
        [
            format!("a prepare it in {at}"),
            "pre-start".to_owned(),
            "rc 3".to_owned(),
            format!("started it in {at}"),
            "post-start".to_owned(),
            "rc 6".to_owned(),
            format!("stopped it in {at}"),
        ]
    );
    guest.configure("apps/init/cmd.prepare", "own\n");
    let failed = host.run(PlainChange::Start(name("web")));
    assert!(matches!(
        failure_of(&failed),
        Failure::UnsafeProgram { problem: ProgramProblem::NotAbsolute, .. }
    ));
    assert_nothing_is_left(&host, &guest);
}

#[test]
fn every_step_is_in_the_log_in_the_order_it_was_taken() {
    let host = Host::new();
    let tree = [
        ("context", "236"),
        (
            "fstab",
            "none /proc proc defaults\nnone /tmp tmpfs size=1m\nnone /nowhere tmpfs size=1m\n",
        ),
        ("interfaces/0/ip", "10.127.0.66"),
        ("interfaces/0/dev", "nat0"),
    ];
    let guest = Guest::make(&host, "web", &tree);
    guest.hook("web", "pre-start", 0o755, "echo said by the hook");
    let started = guest.start();
    let expected = [
        StepKind::ConfigDirectory,
        StepKind::ConfigRead,
        StepKind::Recorded,
        StepKind::Cgroups,
        StepKind::Limits,
        StepKind::Namespaces,
        StepKind::Link,
        StepKind::Mounted,
        StepKind::Mounted,
        StepKind::Hook,
        StepKind::HostName,
        StepKind::Served,
        StepKind::Confined,
        StepKind::Prepared,
        StepKind::Executed,
        StepKind::Published,
    ];
    assert_eq!(host.steps(&started), expected);
    // In the one log, between the others.
    let log = host.log(&started);
    let place = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text} in {log}"));
    let order =
        ["\"link\"", "\"mounted\"", "not_mounted", "\"hook\"", "said by the hook", "\"executed\""];
    let places: Vec<usize> = order.into_iter().map(place).collect();
    assert!(places.is_sorted(), "{log}");
    assert!(log.contains("CHOWN ") && log.contains("SYS_BOOT "), "capabilities by name: {log}");
    let stopped = guest.stop();
    let expected = [
        StepKind::RecordRead,
        StepKind::TerminalsClosed,
        StepKind::ToldToRun,
        StepKind::Ended,
        StepKind::LinkRemoved,
        StepKind::CgroupsRemoved,
        StepKind::RecordRemoved,
    ];
    assert_eq!(host.steps(&stopped), expected);
}
