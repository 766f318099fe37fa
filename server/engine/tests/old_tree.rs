//! Config trees as the original's administrators wrote them (fact sheet 1), on the real kernel: what
//! today's kernel can do of one has its effect, what it cannot is said at the start, and nobody
//! touches what Ulysse does not know.

mod busybox_host;
mod instance;
mod original_tree;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use busybox_host::{Host, name, until};
use domain::change::{Change, PlainChange};
use domain::config_change::{Author, ConfigEdit, FileState};
use domain::config_entry::{ConfigTree, Expected};
use domain::failure::Failure;
use domain::identity::IdentityForm;
use domain::note::Note;
use domain::operation::{Actor, Progress};
use engine::state::GuestState;
use original_tree::TREE;
use sys::priority::{IoPriority, io_priority};

/// Files that a start names as without effect; of all others it says nothing of the kind.
const WITHOUT_EFFECT: &[&str] = &[
    "ccapabilities",
    "cpuset/virtualized",
    "dlimits/0/directory",
    "interfaces/0/bcast",
    "rlimits/nsock",
    "sched/tokens-max",
    "uts/release",
];

/// The VServer `old` of an instance.
fn make_old(host: &Host) {
    host.guest(
        "old",
        TREE,
        "(echo level $1 $RUNLEVEL; echo who $WHO; ulimit -n; ulimit -c; ulimit -s) > /out.new; \
         mv /out.new /out",
    );
    let config = host.config("old");
    // Sourced by a shell, as it cannot be executed, in the VServer's root.
    fs::create_dir(config.join("scripts")).unwrap();
    fs::write(config.join("scripts/pre-start"), "echo $1 of $2 > hook\n").unwrap();
    fs::write(config.join("apps/somebody/binary"), b"\xff\0\x01").unwrap();
    symlink("/nowhere/at all", config.join("apps/somebody/link")).unwrap();
}

/// What a file of its cgroups says: under its name in either layout.
fn limit(state: &GuestState, names: &[&str]) -> String {
    let mut paths = names.iter().flat_map(|name| state.cgroups.iter().map(move |p| p.join(name)));
    let path = paths.find(|path| path.exists()).unwrap_or_else(|| panic!("none of {names:?}"));
    fs::read_to_string(path).unwrap().trim().to_owned()
}

/// Every file and link below a directory, with its bytes or target.
fn all_of(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(top: &Path, directory: &Path, all: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(top).unwrap().display().to_string();
            let found = fs::symlink_metadata(&path).unwrap();
            if found.is_symlink() {
                all.insert(
                    name,
                    fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
                );
            } else if found.is_dir() {
                walk(top, &path, all);
            } else {
                all.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(directory, directory, &mut all);
    all
}

#[test]
fn a_tree_of_the_original_starts_and_has_its_effect() {
    let host = Host::new();
    make_old(&host);
    let before = all_of(&host.config("old"));
    let started = host.must(PlainChange::Start(name("old")));
    let notes = host.notes(&started);
    let mut without_effect: Vec<&str> = notes
        .iter()
        .filter_map(|note| match note {
            Note::NoEffect { file } => Some(file.as_str()),
            _ => None,
        })
        .collect();
    without_effect.sort_unstable();
    assert_eq!(without_effect, WITHOUT_EFFECT);
    let text = str::to_owned;
    for expected in [
        Note::InterfaceWithoutAddress { directory: text("interfaces/CVS") },
        Note::WordWithoutEffect { file: text("flags"), word: text("virt_mem") },
        Note::Overruled { file: text("schedule"), by: text("sched") },
        Note::Obsolete { file: text("fstab.local"), instead: text("fstab") },
        Note::Obsolete { file: text("interfaces/10/only_ip"), instead: text("nodev") },
    ] {
        assert!(notes.contains(&expected), "{expected:?} in {notes:?}");
    }
    let unmounted = |note: &Note| matches!(note, Note::NotMounted { line: 5, subject, .. } if subject == "/var/spool");
    assert!(notes.iter().any(unmounted), "{notes:?}");
    assert_eq!(notes.len(), WITHOUT_EFFECT.len() + 6, "and nothing else: {notes:?}");

    // What the start command was given.
    let out = host.roots().guest_base.join("old/out");
    until("its rc has run", || out.exists());
    let out = fs::read_to_string(out).unwrap();
    assert_eq!(out, "level 4 4\nwho the old one\n512\n0\n4096\n");
    let hook = fs::read_to_string(host.roots().guest_base.join("old/hook")).unwrap();
    assert_eq!(hook, "pre-start of old\n");

    // What whoever enters is given.
    let found = host.inside(
        "old",
        "hostname; cat /proc/sys/kernel/domainname; uname -m; uname -r | cut -c1-4; cut -d' ' -f19 /proc/self/stat; \
         cat /proc/self/oom_score_adj; ulimit -n; \
         grep -E '^(Cpus|Mems)_allowed_list' /proc/self/status | cut -f2",
    );
    let lines: Vec<&str> = found.lines().collect();
    let machine = if cfg!(target_arch = "x86_64") { "i686" } else { lines[2] };
    assert_eq!(lines, ["old.cume.fr", "yp.cume.fr", machine, "2.6.", "5", "300", "512", "0", "0"]);

    // Its first process too, seen from the host.
    let state = host.state("old").unwrap();
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

    let idle = IoPriority { class: 3, level: 0 };
    assert_eq!(io_priority(pid).unwrap(), idle);

    // Its limits.
    let memory = limit(&state, &["memory.max", "memory.limit_in_bytes"]);
    assert_eq!(memory, (0x2000 * 4096).to_string());
    assert_eq!(limit(&state, &["pids.max"]), "60");
    let cpu = limit(&state, &["cpu.max", "cpu.cfs_quota_us"]);
    assert!(cpu == "25000 100000" || cpu == "25000", "{cpu}");
    assert_eq!(limit(&state, &["cpuset.cpus"]), "0");
    assert_eq!(limit(&state, &["cpuset.mems"]), "0");

    // Its mounts and addresses.
    let mounts = host.inside("old", "grep -E ' /(tmp|mnt) ' /proc/mounts; ip addr");
    assert!(mounts.contains("size=4096k") && mounts.contains("size=1024k"), "{mounts}");
    assert!(mounts.contains(" /mnt tmpfs ro,"), "{mounts}");
    for address in ["10.127.0.31/24", "10.127.0.32/"] {
        assert!(mounts.contains(address), "{address}: {mounts}");
    }

    host.must(PlainChange::Stop(name("old")));
    assert!(state.cgroups.iter().all(|path| !path.exists()), "nothing of its limits is left");
    assert_eq!(all_of(&host.config("old")), before, "starting and stopping writes nothing there");
}

#[test]
fn what_ulysse_does_not_know_is_kept_through_edits_and_renaming() {
    let host = Host::new();
    make_old(&host);
    let unknown = |name: &str| {
        let mut all = all_of(&host.config(name));
        all.retain(|path, _| path.contains("somebody") || path.contains("note.txt"));
        all
    };
    let all = unknown("old");
    assert_eq!(all.len(), 4, "{all:?}");
    let tree: ConfigTree = "old".parse().unwrap();
    let nice = "nice".parse().unwrap();
    let FileState::Text { digest, .. } = host.engine.config_file(&tree, &nice).unwrap().state
    else {
        panic!("nice is a text");
    };
    let edit = ConfigEdit { path: nice, seen: Some(digest), text: Some("7\n".to_owned()) };
    host.must(Change::Configure { tree, edits: vec![edit] });
    assert_eq!(unknown("old"), all);
    let form = IdentityForm { name: "older".to_owned(), ..IdentityForm::default() };
    host.must(Change::Identity { name: name("old"), form });
    assert_eq!(unknown("older"), all);
    host.must(PlainChange::Start(name("older")));
    assert_eq!(
        host.inside("older", "hostname; cut -d' ' -f19 /proc/self/stat"),
        "older.cume.fr\n7"
    );
}

#[test]
fn processors_that_the_host_does_not_have_are_refused() {
    let host = Host::new();
    host.guest("web", &[("context", "212\n"), ("cpuset/name", "web\n")], "true");
    let path = |leaf: &str| host.config("web").join("cpuset").join(leaf);
    let online = |kind: &str| {
        let text = fs::read_to_string(format!("/sys/devices/system/{kind}/online")).unwrap();
        Expected::NumbersOfHost { available: text.trim().to_owned() }
    };
    for (leaf, text, expected) in [
        ("cpus", "0-4000\n", online("cpu")),
        ("mems", "7", online("node")),
        ("cpus", "all", Expected::NumberList),
    ] {
        fs::write(path(leaf), text).unwrap();
        let file = format!("web/cpuset/{leaf}");
        let failure = Failure::BadConfig { file, line: 1, expected };
        let refused = host.run(PlainChange::Start(name("web")));
        assert_eq!(refused.progress, Progress::Failed { failure }, "{text}");
        assert!(host.state("web").is_none());
        fs::remove_file(path(leaf)).unwrap();
    }
    // One that runs goes on when it could not be started again.
    fs::write(path("cpus"), "0").unwrap();
    host.must(PlainChange::Start(name("web")));
    let first = host.state("web").unwrap();
    assert_eq!(limit(&first, &["cpuset.cpus"]), "0");
    fs::write(path("cpus"), "0-4000").unwrap();
    let refused = host.run(PlainChange::Restart(name("web")));
    assert!(matches!(refused.progress, Progress::Failed { .. }), "{refused:?}");
    assert_eq!(host.state("web").unwrap().init, first.init);
    // Without the files the next start has all of them.
    fs::remove_dir_all(host.config("web").join("cpuset")).unwrap();
    host.must(PlainChange::Restart(name("web")));
    let now = host.state("web").unwrap();
    let Expected::NumbersOfHost { available } = online("cpu") else { panic!() };
    assert_eq!(limit(&now, &["cpuset.cpus.effective", "cpuset.cpus"]), available);
}

#[test]
fn the_history_tells_operations_from_edits_by_hand() {
    let host = Host::new();
    let of = |name: &str, context: &str| {
        let nodename = format!("{name}.cume.fr\n");
        host.guest(
            name,
            &[("name", name), ("context", context), ("uts/nodename", &nodename)],
            "true",
        );
    };
    of("nono", "220");
    of("front", "221");
    fs::create_dir_all(host.config("front").join("apps/init")).unwrap();
    fs::write(host.config("front").join("apps/init/depends"), "nono\n").unwrap();
    let ada = Author::Known(Actor::CommandLine { login: "ada".to_owned() });
    let files = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();

    // A start notices what was edited since the last look, without anybody looking at the tree.
    host.must(PlainChange::Start(name("nono")));
    assert_eq!(host.history("nono"), []);
    fs::write(host.config("nono").join("nice"), "3\n").unwrap();
    host.must(PlainChange::Restart(name("nono")));
    assert_eq!(host.history("nono"), [(Author::ByHand, files(&["nice"]))]);

    // A renaming is its own author's, also while it stops and starts; what was edited before it is not.
    fs::write(host.config("nono").join("nice"), "4\n").unwrap();
    let form = IdentityForm { name: "ulyse".to_owned(), restart: true, ..IdentityForm::default() };
    let renamed = host.must(Change::Identity { name: name("nono"), form });
    let history = host.history("ulyse");
    assert_eq!(history.len(), 3, "{history:?}");
    assert_eq!(history[0].0, ada);
    for path in ["name", "run", "uts/nodename", "vdir"] {
        assert!(history[0].1.contains(&path.to_owned()), "{path} in {history:?}");
    }
    assert_eq!(history[1], (Author::ByHand, files(&["nice"])));
    assert_eq!(host.history("front"), [(ada.clone(), files(&["apps/init/depends"]))]);
    let record = &host.engine.config_history(&"ulyse".parse().unwrap()).unwrap()[0];
    assert_eq!(record.operation.as_ref(), Some(&renamed.id));

    // Protection as well; and then the next edit by hand is by hand again.
    host.must(PlainChange::Protect { name: name("ulyse"), on: true });
    assert_eq!(host.history("ulyse")[0], (ada, files(&["apps/ulysse/protected"])));
    fs::write(host.config("ulyse").join("nice"), "5\n").unwrap();
    host.must(PlainChange::Restart(name("ulyse")));
    assert_eq!(host.history("ulyse")[0], (Author::ByHand, files(&["nice"])));
    assert_eq!(host.history("ulyse").len(), 5);
}
