//! Packages of VServers, managed from the host with the VServers' own apt: of those that run, and of those
//! that do not and are not started for it. What can go wrong in a package goes wrong here: scripts that
//! fail, ask or hang.

mod package_repository;
mod sandbox;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use domain::operation::Kind;
use engine::operation::CRASH_POINTS;
use engine::state::GuestState;
use package_repository::repositories;
use sandbox::command::{self, complained};
use sandbox::{Sandbox, leave_network, until};

/// An instance with a VServer `web` of Debian's that does not run.
fn with_web() -> Sandbox {
    let sandbox = Sandbox::new();
    let built = sandbox.build("web");
    assert!(built.status.success(), "{built:?}");
    leave_network();
    sandbox
}

/// Does something with the packages of `web`.
fn packages(sandbox: &Sandbox, words: &[&str]) -> Output {
    sandbox.vserver(&[&["web", "packages"], words].concat())
}

/// The same by somebody who makes files for nobody else.
fn privately(sandbox: &Sandbox, words: &[&str]) -> Output {
    let command = sandbox.ulysse("vserver", &[&["web", "packages"], words].concat());
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(command.get_program());
    shell.args(command.get_args()).env("LC_ALL", "C").stdin(Stdio::null()).output().unwrap()
}

fn must(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = packages(sandbox, words);
    assert!(
        output.status.success(),
        "{words:?}: {}{}",
        command::said(&output),
        complained(&output)
    );
    complained(&output)
}

fn version(root: &Path, package: &str) -> Option<String> {
    let text = fs::read_to_string(root.join("usr/share").join(package).join("version")).ok()?;
    Some(text.trim().to_owned())
}

/// Whether anything of a VServer is left over in the kernel or the engine's state.
fn is_at_rest(sandbox: &Sandbox) -> bool {
    let roots = &sandbox.settings.roots;
    let is_running = GuestState::all(roots).unwrap().iter().any(GuestState::is_running);
    let is_aside = !GuestState::all_aside(roots).unwrap().is_empty();
    let cgroups = engine::cgroup::Layout::detect().unwrap().paths(&roots.cgroup_root, "web");
    !is_running && !is_aside && cgroups.iter().all(|path| !path.exists())
}

/// A service that its package starts, as packages do.
const SERVICE: [(&str, &str); 1] = [(
    "postinst",
    "printf '#!/bin/sh\\n### BEGIN INIT INFO\\n# Provides: service\\n# Default-Start: 2 3 4 5\\n\
     # Default-Stop: 0 1 6\\n### END INIT INFO\\ntouch /was-started\\n' > /etc/init.d/service\n\
     chmod 755 /etc/init.d/service\nupdate-rc.d service defaults\ninvoke-rc.d service start\n",
)];

#[test]
fn one_that_does_not_run_is_upgraded_and_not_started() {
    let sandbox = with_web();
    let (root, usual, security) = repositories(&sandbox, "web");
    usual.add("thing", "1.0", &[]);
    usual.add("safe", "1.0", &[]);
    usual.add("service", "1.0", &SERVICE);
    let refreshed = privately(&sandbox, &["refresh"]);
    assert!(refreshed.status.success(), "{refreshed:?}");
    let said = must(&sandbox, &["install", "thing", "safe", "service"]);
    assert!(said.contains("thing 1.0 was installed."), "{said}");
    assert_eq!(version(&root, "thing").as_deref(), Some("1.0"));
    // Nothing was started, and nothing is left of what kept it from being started.
    assert!(root.join("etc/init.d/service").exists() && !root.join("was-started").exists());
    assert!(!root.join("usr/sbin/policy-rc.d").exists());
    assert!(is_at_rest(&sandbox));
    assert_eq!(sandbox.vserver(&["web", "status"]).status.code(), Some(3));

    // What is called nearly like a package is another one.
    must(&sandbox, &["remove", "saf."]);
    assert!(!packages(&sandbox, &["install", "th.ng"]).status.success());
    assert_eq!(version(&root, "safe").as_deref(), Some("1.0"));

    usual.add("thing", "2.0", &[]);
    security.add("safe", "1.1", &[]);
    must(&sandbox, &["refresh"]);
    let pending = packages(&sandbox, &[]);
    let lines: Vec<Vec<String>> = command::said(&pending)
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect();
    assert_eq!(lines, [vec!["safe", "1.0", "1.1", "security"], vec!["thing", "1.0", "2.0"]]);

    must(&sandbox, &["upgrade", "--security"]);
    let versions = ["thing", "safe"].map(|name| version(&root, name).unwrap());
    assert_eq!(versions, ["1.0", "1.1"]);
    let left = command::said(&packages(&sandbox, &[]));
    assert!(left.starts_with("thing") && !left.contains("safe"), "{left}");

    // What is held is not upgraded, until it is released.
    must(&sandbox, &["hold", "thing"]);
    assert!(command::said(&packages(&sandbox, &["list"])).contains("hold"));
    must(&sandbox, &["upgrade"]);
    assert_eq!(version(&root, "thing").as_deref(), Some("1.0"));
    must(&sandbox, &["unhold", "thing"]);

    // One that runs goes on running, and its services are started.
    sandbox.must(&["web", "start"]);
    let before = GuestState::all(&sandbox.settings.roots).unwrap()[0].init;
    must(&sandbox, &["upgrade"]);
    must(&sandbox, &["remove", "safe"]);
    assert_eq!((version(&root, "thing").as_deref(), version(&root, "safe")), (Some("2.0"), None));
    usual.add("service", "2.0", &SERVICE);
    must(&sandbox, &["refresh"]);
    must(&sandbox, &["upgrade", "service"]);
    assert!(root.join("was-started").exists());
    assert_eq!(GuestState::all(&sandbox.settings.roots).unwrap()[0].init, before);
    sandbox.must(&["web", "stop"]);
    assert!(is_at_rest(&sandbox));
}

/// Has `web` a tool that does this in apt-get's place.
fn replace_apt_get(sandbox: &Sandbox, script: &str) {
    let tool = sandbox.settings.roots.guest_base.join("web/usr/local/sbin/apt-get");
    fs::write(&tool, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_tool_of_a_strangers_paints_no_terminal_and_is_interrupted_though_it_never_pauses() {
    let sandbox = with_web();
    replace_apt_get(&sandbox, "printf '\\033]0;title\\007\\033[31mred\\033[0m'; exit 3");
    let failed = packages(&sandbox, &["refresh"]);
    assert!(complained(&failed).contains("apt-get ended with status 3: red"), "{failed:?}");
    assert!(!failed.stderr.contains(&0x1b) && !failed.stdout.contains(&0x1b), "{failed:?}");

    replace_apt_get(&sandbox, "trap 'exit 130' INT; : > /began; while :; do echo more; done");
    let under_way = sandbox.begin(&["web", "packages", "refresh"]);
    let began = sandbox.settings.roots.guest_base.join("web/began");
    until("it says something", || began.exists());
    under_way.cancel();
    assert!(is_at_rest(&sandbox));
}

#[test]
fn a_script_that_fails_asks_or_hangs_is_told_and_repaired() {
    let mut sandbox = with_web();
    let (root, usual, _) = repositories(&sandbox, "web");
    usual.add("asks", "1.0", &[("postinst", "read answer || true; echo \"<$answer>\" > /asked")]);
    usual.add("broken", "1.0", &[("postinst", "test -e /mended")]);
    usual.add("hangs", "1.0", &[("postinst", "test -e /mended || sleep 100000")]);
    must(&sandbox, &["refresh"]);

    must(&sandbox, &["install", "asks"]);
    assert_eq!(fs::read_to_string(root.join("asked")).unwrap(), "<>\n");

    let failed = packages(&sandbox, &["install", "broken"]);
    assert_eq!(failed.status.code(), Some(1), "{}", complained(&failed));
    assert!(
        complained(&failed).contains("apt-get ended with status 100"),
        "{}",
        complained(&failed)
    );
    let shown = packages(&sandbox, &[]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(
        complained(&shown).contains("To be repaired") && complained(&shown).contains("broken"),
        "{shown:?}"
    );
    // Repairing what is still wrong says so.
    let failed = packages(&sandbox, &["repair"]);
    assert_eq!(failed.status.code(), Some(1), "{}", complained(&failed));
    fs::write(root.join("mended"), "").unwrap();
    must(&sandbox, &["repair"]);
    assert!(packages(&sandbox, &[]).status.success());

    // What hangs is ended after the limit, in order: dpkg knows of it.
    fs::remove_file(root.join("mended")).unwrap();
    sandbox.settings.limits.package_silence_seconds = 45;
    fs::write(&sandbox.config, toml::to_string(&sandbox.settings).unwrap()).unwrap();
    let hung = packages(&sandbox, &["install", "hangs"]);
    assert_eq!(hung.status.code(), Some(1), "{}", complained(&hung));
    assert!(complained(&hung).contains("Nothing was said for 45 s"), "{}", complained(&hung));
    assert!(command::said(&packages(&sandbox, &["list"])).contains("broken"));
    assert!(is_at_rest(&sandbox));
    fs::write(root.join("mended"), "").unwrap();
    must(&sandbox, &["repair"]);

    // Names are names, and reach no tool otherwise.
    let odd = packages(&sandbox, &["install", "bash-"]);
    assert_eq!(odd.status.code(), Some(1));
    assert!(root.join("bin/bash").exists());
}

#[test]
fn a_tool_runs_in_all_that_are_meant_and_the_worst_status_counts() {
    let sandbox = with_web();
    let (_, usual, _) = repositories(&sandbox, "web");
    usual.add("thing", "1.0", &[]);
    sandbox.must(&["mail", "build", "-m", "clone", "--", "--source", "web"]);
    let vapt_get = |words: &[&str]| sandbox.ulysse("vapt-get", words).output().unwrap();
    sandbox.must(&["mail", "start"]);

    let updated = vapt_get(&["--all", "--", "update"]);
    assert!(updated.status.success(), "{updated:?}");
    let text = command::said(&updated);
    for name in ["web", "mail"] {
        assert!(text.contains(&format!("vapt-get: operating on vserver {name}\n")), "{text}");
    }
    assert!(complained(&updated).contains("VServers: 2, failed: 0."), "{updated:?}");
    // What it told is known from now on.
    assert!(command::said(&packages(&sandbox, &[])).is_empty());

    let refused = vapt_get(&["-q", "--running", "--", "install", "no-such-package"]);
    assert_eq!(refused.status.code(), Some(100), "{refused:?}");
    assert!(complained(&refused).contains("mail: failed with exit status 100."), "{refused:?}");
    assert!(!command::said(&refused).contains("operating on"), "{refused:?}");

    // One of them has it, so only the other one's worst counts; each says its own in one piece.
    assert!(vapt_get(&["web", "--", "install", "-y", "thing"]).status.success());
    let mixed = vapt_get(&["-j", "1", "web", "mail", "--", "remove", "--no-such-option", "thing"]);
    assert_eq!(mixed.status.code(), Some(100), "{mixed:?}");
    // Without a terminal a question is answered with no.
    let asked = vapt_get(&["web", "--", "remove", "thing"]);
    assert_eq!(asked.status.code(), Some(1), "{asked:?}");
    assert!(command::said(&asked).contains("Abort."), "{asked:?}");

    for (words, code) in [
        (&["--stopped", "--running", "--", "update"][..], 255),
        (&["--mark", "nobody", "--", "update"], 255),
        (&["nobody", "--", "update"], 5),
        (&["web", "update"], 1),
        (&["-j", "0", "web", "--", "update"], 1),
    ] {
        assert_eq!(vapt_get(words).status.code(), Some(code), "{words:?}");
    }
    // Its own tools are not there: that is no success.
    let dnf = sandbox.ulysse("vdnf", &["web", "--", "check-update"]).output().unwrap();
    assert_eq!(dnf.status.code(), Some(127), "{dnf:?}");
    let cache = sandbox.vserver(&["web", "apt-cache", "policy", "thing"]);
    assert!(command::said(&cache).contains("Installed: 1.0"), "{cache:?}");
    sandbox.must(&["mail", "stop"]);
}

#[test]
fn a_change_that_died_is_told_and_leaves_nothing_running() {
    let sandbox = with_web();
    let (root, usual, _) = repositories(&sandbox, "web");
    usual.add("thing", "1.0", &[]);
    must(&sandbox, &["refresh"]);
    let points = CRASH_POINTS.iter().find(|(kind, _)| *kind == Kind::Packages).unwrap().1;
    for point in points {
        let words = ["web", "packages", "install", "thing"];
        let died =
            sandbox.ulysse("vserver", &words).env("ULYSSE_CRASH_AT", point).output().unwrap();
        assert_eq!(died.status.signal(), Some(9), "{point}: {died:?}");
        for words in [&["--repair"][..], &[]] {
            let output = sandbox.ulysse("doctor", words).output().unwrap();
            assert!(output.status.success(), "{point}: doctor {words:?}: {output:?}");
        }
        assert!(is_at_rest(&sandbox), "{point}");
        // What it was doing can be done, whatever is left of it.
        must(&sandbox, &["repair"]);
    }
    must(&sandbox, &["install", "thing"]);
    assert_eq!(version(&root, "thing").as_deref(), Some("1.0"));
}
