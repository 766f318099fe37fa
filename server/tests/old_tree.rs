//! Config trees as the original's administrators wrote them (fact sheet 1), on the real kernel: what
//! today's kernel can do of one has its effect, what it cannot is said at the start, and nobody
//! touches what Ulysse does not know.

#[path = "../engine/tests/original_tree/mod.rs"]
mod original_tree;
mod sandbox;
mod tiny_guest;

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use engine::state::GuestState;
use original_tree::TREE;
use sandbox::command::complained;
use sandbox::{Sandbox, contents, leave_network, until};
use tiny_guest::{fill, make_guest};

/// What the log of a start has to say of it, and what not.
const SAID: &[&str] = &[
    "uts/release has no effect",
    "interfaces/0/bcast has no effect",
    "interfaces/CVS has no file",
    "rlimits/nsock has no effect",
    "sched/tokens-max has no effect",
    "cpuset/virtualized has no effect",
    "dlimits/0/directory has no effect",
    "ccapabilities has no effect",
    "flags: “virt_mem” has no effect",
    "schedule is not read, because there is sched",
    "fstab.local is an old spelling: use fstab",
    "interfaces/10/only_ip is an old spelling: use nodev",
    "fstab, line 5: /var/spool was not mounted",
];
const NOT_SAID: &[&str] = &[
    "name has",
    "cpuset/cpus",
    "cpuset/name",
    "rlimits/rss",
    "fakeinit",
    "sched_hard",
    "apps/init",
    "apps/pkgmgmt",
    "somebody",
    "note.txt",
    "cache",
    "vdir",
    "run has",
];

fn make_old(sandbox: &Sandbox) -> PathBuf {
    let roots = &sandbox.settings.roots;
    engine::config::ensure_defaults(roots).unwrap();
    let root = roots.guest_base.join("old");
    fill(
        &root,
        "(echo level $1 $RUNLEVEL; echo who $WHO; ulimit -n; ulimit -c; ulimit -s) > /out.new; \
         mv /out.new /out",
    );
    fs::create_dir(root.join("mnt")).unwrap();
    let config = roots.config_base.join("old");
    for (path, text) in TREE {
        let path = config.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    // Sourced by a shell, as it cannot be executed, in the VServer's root.
    fs::create_dir(config.join("scripts")).unwrap();
    fs::write(config.join("scripts/pre-start"), "echo $1 of $2 > hook\n").unwrap();
    fs::write(config.join("apps/somebody/binary"), b"\xff\0\x01").unwrap();
    let defaults = roots.config_base.join(".defaults");
    for (link, target) in [
        ("vdir", defaults.join("vdirbase/old")),
        ("cache", defaults.join("cachebase/old")),
        ("run", roots.run_base.join("old")),
        ("apps/somebody/link", "/nowhere/at all".into()),
    ] {
        std::os::unix::fs::symlink(target, config.join(link)).unwrap();
    }
    config
}

/// What a file of its cgroups says: under its name in either layout.
fn limit(state: &GuestState, names: &[&str]) -> String {
    let mut paths = names.iter().flat_map(|name| state.cgroups.iter().map(move |p| p.join(name)));
    let path = paths.find(|path| path.exists()).unwrap_or_else(|| panic!("none of {names:?}"));
    fs::read_to_string(path).unwrap().trim().to_owned()
}

fn inside(sandbox: &Sandbox, name: &str, script: &str) -> String {
    sandbox.must(&[name, "exec", "/bin/sh", "-c", script]).trim().to_owned()
}

fn assert_in_order(text: &str, expected: &[&str]) {
    let mut rest = text;
    for part in expected {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => panic!("{part}, after those before it, in {text}"),
        }
    }
}

#[test]
fn a_tree_of_the_original_starts_and_has_its_effect() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let config = make_old(&sandbox);
    let before = contents(&config);
    let output = sandbox.vserver(&["old", "start"]);
    assert!(output.status.success(), "{output:?}");
    let said = complained(&output);
    for expected in SAID {
        assert!(said.contains(expected), "{expected} in {said}");
    }
    for unexpected in NOT_SAID {
        assert!(!said.contains(unexpected), "{unexpected} in {said}");
    }

    // What the start command was given.
    let out = sandbox.settings.roots.guest_base.join("old/out");
    until("its rc has run", || out.exists());
    let out = fs::read_to_string(out).unwrap();
    assert_eq!(out, "level 4 4\nwho the old one\n512\n0\n4096\n");
    let hook = fs::read_to_string(sandbox.settings.roots.guest_base.join("old/hook")).unwrap();
    assert_eq!(hook, "pre-start of old\n");

    // What whoever enters is given.
    let found = inside(
        &sandbox,
        "old",
        "hostname; cat /proc/sys/kernel/domainname; uname -m; uname -r | cut -c1-4; cut -d' ' -f19 /proc/self/stat; \
         cat /proc/self/oom_score_adj; ulimit -n; \
         grep -E '^(Cpus|Mems)_allowed_list' /proc/self/status | cut -f2",
    );
    let lines: Vec<&str> = found.lines().collect();
    assert_eq!(lines, ["old.cume.fr", "yp.cume.fr", "i686", "2.6.", "5", "300", "512", "0", "0"]);
    assert!(inside(&sandbox, "old", "ionice").starts_with("idle"));
    let input = sandbox.directory().join("input");
    fs::write(&input, "hostname; cut -d' ' -f19 /proc/self/stat\n").unwrap();
    let entered = sandbox
        .ulysse("vserver", &["old", "enter"])
        .stdin(Stdio::from(fs::File::open(&input).unwrap()))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&entered.stdout), "old.cume.fr\n5\n", "{entered:?}");

    // Its first process too, seen from the host.
    let state = sandbox.running("old").unwrap();
    let pid = state.init.unwrap().pid;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {status}")).trim().to_owned()
    };
    assert_eq!(field("Cpus_allowed_list:"), "0");
    let bounding = u64::from_str_radix(&field("CapBnd:"), 16).unwrap();
    let has = |capability: u64| bounding >> capability & 1 == 1;
    assert!(has(23) && !has(18), "SYS_NICE and no SYS_CHROOT: {bounding:x}");
    assert_eq!(fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap(), "300\n");

    // Its limits.
    let memory = limit(&state, &["memory.max", "memory.limit_in_bytes"]);
    assert_eq!(memory, (0x2000 * 4096).to_string());
    assert_eq!(limit(&state, &["pids.max"]), "60");
    let cpu = limit(&state, &["cpu.max", "cpu.cfs_quota_us"]);
    assert!(cpu == "25000 100000" || cpu == "25000", "{cpu}");
    assert_eq!(limit(&state, &["cpuset.cpus"]), "0");

    // Its mounts and addresses.
    let mounts = inside(&sandbox, "old", "grep -E ' /(tmp|mnt) ' /proc/mounts; ip addr");
    assert!(mounts.contains("size=4096k") && mounts.contains("size=1024k"), "{mounts}");
    assert!(mounts.contains(" /mnt tmpfs ro,"), "{mounts}");
    for address in ["10.127.0.31/24", "10.127.0.32/"] {
        assert!(mounts.contains(address), "{address}: {mounts}");
    }
    let stat = sandbox.ulysse("vserver-stat", &[]).output().unwrap();
    let stat = String::from_utf8(stat.stdout).unwrap();
    assert!(stat.lines().any(|l| l.starts_with("211 ") && l.ends_with("the old one")), "{stat}");

    // Its steps are shown to who asks, in their order, and to nobody else.
    assert!(!said.contains('→'), "{said}");
    let stopped = sandbox.vserver(&["--debug", "old", "stop"]);
    assert!(stopped.status.success(), "{stopped:?}");
    let steps = [
        "record of its start: context 211",
        "it runs /etc/init.d/rc 6",
        "None of its",
        "Cgroups removed",
    ];
    assert_in_order(&complained(&stopped), &steps);
    let started = sandbox.vserver(&["--debug", "old", "start"]);
    assert!(started.status.success(), "{started:?}");
    let steps = [
        "→ Configuration: ",
        "→ Context 211",
        "→ Cgroups made",
        "→ First process",
        "→ Network device",
        "→ fstab, line 3: /proc mounted",
        "fstab, line 5: /var/spool was not mounted",
        "→ Runs old/scripts/pre-start on the host (pre-start)",
        "→ Host name set: old.cume.fr",
        "/etc/init.d/rc 4",
        "→ Run file written",
    ];
    assert_in_order(&complained(&started), &steps);
    sandbox.must(&["old", "stop"]);
    assert!(state.cgroups.iter().all(|path| !path.exists()), "nothing of its limits is left");
    assert_eq!(contents(&config), before, "starting and stopping writes nothing there");
}

#[test]
fn what_ulysse_does_not_know_is_kept_through_everything() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let config = make_old(&sandbox);
    let base = config.parent().unwrap();
    let unknown = |name: &str| {
        let mut lines = contents(&base.join(name));
        lines.retain(|line| line.contains("somebody") || line.contains("note.txt"));
        lines
    };
    let all = unknown("old");
    assert_eq!(all.len(), 5, "{all:?}");
    sandbox.must(&["old", "config", "set", "nice", "7"]);
    sandbox.must(&["old", "config", "unset", "ionice/class"]);
    assert_eq!(unknown("old"), all);
    sandbox.must(&["old", "rename", "older"]);
    assert_eq!(unknown("older"), all);
    let before = contents(&base.join("older"));
    sandbox.must(&["copy", "build", "-m", "clone", "--", "-s", "older"]);
    assert_eq!(contents(&base.join("older")), before, "a clone leaves its source alone");
    sandbox.must(&["older", "backup"]);
    assert_eq!(contents(&base.join("older")), before);
    let list = sandbox.must(&["older", "backup", "list"]);
    let backup = list.split('\t').next().unwrap();
    sandbox.must(&["--silent", "older", "delete"]);
    sandbox.must(&["older", "backup", "restore", backup]);
    assert_eq!(unknown("older"), all);
    assert_eq!(fs::read(base.join("older/apps/somebody/binary")).unwrap(), b"\xff\0\x01");
    sandbox.must(&["older", "start"]);
    assert_eq!(inside(&sandbox, "older", "hostname"), "older.cume.fr");
    sandbox.must(&["older", "stop"]);
}

#[test]
fn processors_that_the_host_does_not_have_are_refused() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_guest(&sandbox, "web", 212, "true");
    let config = sandbox.settings.roots.config_base.join("web");
    fs::create_dir(config.join("cpuset")).unwrap();
    let write = |leaf: &str, text: &str| fs::write(config.join("cpuset").join(leaf), text).unwrap();
    for (leaf, text, expected) in [
        ("cpus", "0-4000\n", "among those that the host has: 0"),
        ("mems", "7", "among those that the host has: 0"),
        ("cpus", "all", "such as 0-2,5"),
    ] {
        write(leaf, text);
        let output = sandbox.vserver(&["web", "start"]);
        let said = complained(&output);
        assert_eq!(output.status.code(), Some(1), "{text}: {said}");
        assert!(said.contains(&format!("web/cpuset/{leaf}")) && said.contains(expected), "{said}");
        assert!(sandbox.running("web").is_none());
        fs::remove_file(config.join("cpuset").join(leaf)).unwrap();
    }
    // One that runs goes on when it could not be started again.
    write("cpus", "0");
    sandbox.must(&["web", "start"]);
    let first = sandbox.running("web").unwrap();
    assert_eq!(limit(&first, &["cpuset.cpus"]), "0");
    write("cpus", "0-4000");
    assert_eq!(sandbox.vserver(&["web", "restart"]).status.code(), Some(1));
    assert_eq!(sandbox.running("web").unwrap().init, first.init);
    // Without a name too, and gone with it: the next start has all of them.
    fs::remove_dir_all(config.join("cpuset")).unwrap();
    sandbox.must(&["web", "restart"]);
    let online = fs::read_to_string("/sys/devices/system/cpu/online").unwrap();
    let now = limit(&sandbox.running("web").unwrap(), &["cpuset.cpus.effective", "cpuset.cpus"]);
    assert_eq!(now, online.trim());
    sandbox.must(&["web", "stop"]);
}

#[test]
fn a_build_with_a_cpuset_runs_in_it() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let source = make_guest(&sandbox, "source", 213, "true");
    let from = format!("{}/", source.display());
    let generic = ["--cpuset", "front", "--cpusetcpus", "0", "--cpusetmems", "0"];
    let mut words = vec!["web", "build", "-m", "rsync", "--initstyle", "sysv"];
    words.extend(generic);
    words.extend(["--", "--source", &from]);
    sandbox.must(&words);
    sandbox.must(&["web", "start"]);
    assert_eq!(
        inside(&sandbox, "web", "grep Cpus_allowed_list /proc/self/status"),
        "Cpus_allowed_list:\t0"
    );
    sandbox.must(&["web", "stop"]);
}

/// The history of a config tree, a line a change: number and author, then its files.
fn history(sandbox: &Sandbox, name: &str) -> String {
    sandbox.must(&[name, "config", "history"])
}

/// The author of the newest change of a file.
fn author_of(history: &str, path: &str) -> String {
    let mut author = "";
    for line in history.lines() {
        if !line.starts_with(' ') {
            author = line;
        } else if line.trim() == path {
            return author.to_owned();
        }
    }
    panic!("{path} in {history}")
}

#[test]
fn the_history_tells_a_renaming_from_edits_by_hand() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let base = sandbox.settings.roots.config_base.clone();
    tiny_guest::make_course_vserver(&sandbox, "nono", 200, "10.127.0.20");
    tiny_guest::make_course_vserver(&sandbox, "front", 201, "10.127.0.21");
    let depends = base.join("front/apps/init/depends");
    fs::create_dir_all(depends.parent().unwrap()).unwrap();
    fs::write(&depends, "nono\n").unwrap();
    // A start notices what was edited since the last look, without anybody opening a page.
    sandbox.must(&["nono", "start"]);
    fs::write(base.join("nono/nice"), "3\n").unwrap();
    sandbox.must(&["nono", "restart"]);
    let record = sandbox.settings.roots.state_base.join("config-history/nono/1.json");
    let noticed = fs::read_to_string(record).unwrap();
    assert!(noticed.contains("by_hand") && noticed.contains("\"nice\""), "{noticed}");

    fs::write(base.join("nono/nice"), "4\n").unwrap();
    sandbox.must(&["nono", "rename", "ulyse", "--restart"]);
    let told = history(&sandbox, "ulyse");
    for path in ["name", "uts/nodename", "interfaces/0/name", "vdir", "run"] {
        let author = author_of(&told, path);
        assert!(!author.contains("by hand"), "{path}: {author}\n{told}");
    }
    assert!(author_of(&told, "nice").contains("by hand"), "{told}");
    let told = history(&sandbox, "front");
    assert!(!author_of(&told, "apps/init/depends").contains("by hand"), "{told}");
    // Protection is an operation's as well, and the next edit by hand is by hand again.
    sandbox.must(&["ulyse", "protect"]);
    let told = history(&sandbox, "ulyse");
    assert!(!author_of(&told, "apps/ulysse/protected").contains("by hand"), "{told}");
    fs::write(base.join("ulyse/uts/nodename"), "another.cume.fr\n").unwrap();
    sandbox.must(&["ulyse", "restart"]);
    let told = history(&sandbox, "ulyse");
    assert!(author_of(&told, "uts/nodename").contains("by hand"), "{told}");
    sandbox.must(&["ulyse", "stop"]);
}

#[test]
fn the_log_of_a_start_is_in_the_language_of_who_reads_it() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    make_guest(&sandbox, "web", 214, "true");
    fs::write(sandbox.settings.roots.config_base.join("web/umask"), "newns\n").unwrap();
    let start = |language: &str| {
        let output =
            sandbox.ulysse("vserver", &["web", "start"]).env("LC_ALL", language).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        sandbox.must(&["web", "stop"]);
        complained(&output)
    };
    assert!(start("C").contains("umask has no effect in this release"));
    assert!(start("fr_FR.UTF-8").contains("umask n’a pas d’effet dans cette version"));
}
