//! Crashes between any two steps: every kind of operation is killed after each record of its journal, and
//! put right. What is there then is what was there before, or what the operation makes; nothing between.
//!
//! Unlike the named points of `crash.rs`, nobody has to think of these: a new kind of operation does not
//! compile here before somebody says how it is begun.

mod rpm_repository;
mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output};

use domain::operation::Kind;
use engine::cgroup::Layout;
use engine::state::GuestState;
use rpm_repository::{describe, repository};
use sandbox::{Sandbox, contents, leave_network, until};
use tiny_guest::make_course_vserver;

/// More records than any operation of a VServer this small writes.
const MOST_RECORDS: usize = 60;

/// How an operation comes about.
struct Case {
    /// What has to be there before, beside the VServer `web`.
    before: &'static [&'static [&'static str]],
    /// What is killed. `BACKUP` stands for the newest backup, `ROOT/` for the directory of the files of
    /// `web`, `ARCHIVE` for a tar archive of them, `SAVED` for what somebody saved of them by hand; `tiny1` is
    /// a distribution of RPM packages.
    words: &'static [&'static str],
}

/// None where a test elsewhere kills it.
fn case_of(kind: Kind) -> Option<Case> {
    let case = |words| Some(Case { before: &[], words });
    match kind {
        // Their own tests have more than one.
        Kind::Build => None,
        // They need a base, which takes a mirror: `stock.rs`.
        Kind::RefreshBase | Kind::RemoveBase => None,
        Kind::Start => case(&["vserver", "web", "start"]),
        Kind::Stop => Some(Case {
            before: &[&["vserver", "web", "start"]],
            words: &["vserver", "web", "stop"],
        }),
        Kind::Restart => Some(Case {
            before: &[&["vserver", "web", "start"]],
            words: &["vserver", "web", "restart"],
        }),
        Kind::Delete => case(&["vserver", "--silent", "web", "delete"]),
        Kind::Configure => case(&["vserver", "web", "config", "set", "apps/init/mark", "default"]),
        Kind::ConfigureDefaults => case(&["vserver", ".defaults", "config", "set", "nonamespace"]),
        Kind::ConfigureDistributions => Some(Case {
            before: &[&["vserver", ".distributions", "config", "set", "one1/releasever", "1"]],
            words: &["vserver", ".distributions", "config", "set", "two2/releasever", "2"],
        }),
        Kind::AddTemplate => case(&["template", "add", "small", "ARCHIVE"]),
        Kind::RemoveTemplate => Some(Case {
            before: &[&["template", "add", "small", "ARCHIVE"]],
            words: &["template", "remove", "small"],
        }),
        Kind::Backup => case(&["vserver", "web", "backup"]),
        Kind::Restore => Some(Case {
            before: &[&["vserver", "web", "backup"]],
            words: &[
                "vserver",
                "new",
                "backup",
                "restore",
                "BACKUP",
                "--context",
                "7",
                "--hostname",
                "new",
                "--interface",
                "nat0:10.127.0.77/24",
            ],
        }),
        Kind::RestoreFile => Some(Case {
            before: &[&["vserver", "web", "backup"]],
            words: &["vserver", "web", "backup", "restore-file", "BACKUP", "/etc/hosts"],
        }),
        Kind::VerifyBackup => Some(Case {
            before: &[&["vserver", "web", "backup"]],
            words: &["backup", "verify", "BACKUP"],
        }),
        Kind::RemoveBackups => Some(Case {
            before: &[&["vserver", "web", "backup"]],
            words: &["backup", "remove", "BACKUP"],
        }),
        Kind::ScheduleBackups => case(&[
            "vserver",
            "web",
            "backup",
            "schedule",
            "--when",
            "daily 02:30",
            "--keep",
            "last=1",
        ]),
        Kind::Rename => case(&["vserver", "web", "rename", "front"]),
        Kind::Set => case(&["vserver", "web", "set", "--hostname", "front.cume.fr"]),
        Kind::Protect => case(&["vserver", "web", "protect"]),
        Kind::Unprotect => Some(Case {
            before: &[&["vserver", "web", "protect"]],
            words: &["vserver", "web", "unprotect"],
        }),
        Kind::Undelete => Some(Case {
            before: &[&["vserver", "--silent", "web", "delete"]],
            words: &["vserver", "web", "undelete"],
        }),
        Kind::Purge => Some(Case {
            before: &[&["vserver", "--silent", "web", "delete"]],
            words: &["bin", "empty", "--yes"],
        }),
        // Its journal has no records: what is written down are its operations, each in its own.
        // It needs an apt: `packages.rs` kills it at each of its points.
        Kind::Packages => None,
        Kind::Batch => case(&["vserver", "--all", "protect"]),
        // It takes no step: a signal was sent, or it was not.
        Kind::Signal => None,
        // What a program of the VServer's did is done: `inside.rs`.
        Kind::Service => None,
        // It leaves nothing on disk: `mounts.rs` kills it at each of its points.
        Kind::Remount => None,
        Kind::Mark => case(&["vserver", "web", "mark", "lab"]),
        Kind::Unmark => Some(Case {
            before: &[&["vserver", "web", "mark", "lab"]],
            words: &["vserver", "web", "unmark", "lab"],
        }),
    }
}

/// An instance with a small VServer, an archive of it, and what was saved of it by hand.
struct Ground {
    sandbox: Sandbox,
}

impl Ground {
    fn new(case: &Case) -> Self {
        let uses = |word| {
            case.before.iter().any(|words| words.contains(&word)) || case.words.contains(&word)
        };
        let sandbox = if uses("debootstrap") { Sandbox::new() } else { Sandbox::without_bases() };
        make_course_vserver(&sandbox, "web", 100, "10.127.0.40");
        let ground = Self { sandbox };
        if uses("tiny1") {
            describe(&ground.sandbox, &repository(ground.sandbox.directory()));
        }
        if uses("ARCHIVE") {
            let tar = ["-czf", &ground.place("web.tar.gz"), "-C", &ground.root(), "."];
            assert!(Command::new("tar").args(tar).status().unwrap().success());
        }
        if uses("SAVED") {
            fs::create_dir_all(ground.place("saved/etc/vservers")).unwrap();
            fs::create_dir_all(ground.place("saved/vservers")).unwrap();
            let config =
                ground.sandbox.settings.roots.config_base.join("web").display().to_string();
            for (from, to) in [(config, "saved/etc/vservers"), (ground.root(), "saved/vservers")] {
                let copied = Command::new("cp").args(["-a", &from, &ground.place(to)]).status();
                assert!(copied.unwrap().success());
            }
        }
        for words in case.before {
            let output = ground.command(words).output().unwrap();
            assert!(output.status.success(), "{words:?}: {output:?}");
        }
        ground
    }

    fn place(&self, name: &str) -> String {
        self.sandbox.directory().join(name).display().to_string()
    }

    fn root(&self) -> String {
        self.sandbox.settings.roots.guest_base.join("web").display().to_string()
    }

    fn command(&self, words: &[&str]) -> Command {
        let backup = words.contains(&"BACKUP").then(|| {
            let list = self.sandbox.must(&["web", "backup", "list"]);
            list.split('\t').next().unwrap().to_owned()
        });
        let words: Vec<String> = words
            .iter()
            .map(|word| match *word {
                "BACKUP" => backup.clone().unwrap(),
                "ARCHIVE" => self.place("web.tar.gz"),
                "SAVED" => self.place("saved"),
                "ROOT/" => format!("{}/", self.root()),
                word => word.to_owned(),
            })
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.sandbox.ulysse(words[0], &words[1..])
    }

    /// Everything that operations make or change, as it would be called anywhere and at any time.
    fn state(&self) -> Vec<String> {
        let roots = &self.sandbox.settings.roots;
        let backups = self.sandbox.directory().join("backups");
        let templates = roots.templates();
        let mut lines = Vec::new();
        for place in [&roots.config_base, &roots.guest_base, &roots.host_fstab] {
            lines.extend(contents(place).iter().map(|line| format!("{}: {line}", named(place))));
        }
        // Archives are of other bytes each time.
        for place in [&backups, &templates] {
            let names = contents(place);
            let names = names.iter().filter_map(|line| line.split(": ").next());
            lines.extend(names.map(|name| format!("{}: {name}", named(place))));
        }
        let running = GuestState::all(roots).unwrap();
        lines.extend(running.iter().map(|state| format!("{} runs", state.name)));
        // What guests write while they start; busybox is busybox, an empty recycle bin
        // is none, and how large an entry of it is may be known or not.
        let passed_over = ["/var/", "/run", "/bin/", "/bytes: "];
        lines.retain(|line| !passed_over.iter().any(|part| line.contains(part)));
        lines.retain(|line| !line.ends_with(": .bin/"));
        let here = self.sandbox.directory().display().to_string();
        let mut lines: Vec<String> =
            lines.iter().map(|line| lasting(&line.replace(&here, "HERE"))).collect();
        lines.sort();
        lines
    }

    /// Whether there is the VServer that builds and restores here make.
    fn has_new(&self) -> bool {
        self.sandbox.settings.roots.config_base.join("new").exists()
    }

    fn repair(&self, point: &str) {
        for words in [&["--repair"][..], &[]] {
            let output = self.sandbox.ulysse("doctor", words).output().unwrap();
            assert!(output.status.success(), "{point}: doctor {words:?}: {output:?}");
        }
        // A supervisor that reports its guest's end may have been first to put it right.
        let live = self.sandbox.settings.roots.operations().join(".live");
        until("it is put right", || self.sandbox.names_in(&live).is_empty());
        self.has_nothing_of_nobody(point);
    }

    /// Sees that nobody has a cgroup but who runs, and nothing is mounted: guests' mounts are their own.
    fn has_nothing_of_nobody(&self, point: &str) {
        let roots = &self.sandbox.settings.roots;
        let running = GuestState::all(roots).unwrap();
        let running: Vec<&str> = running.iter().map(|state| state.name.as_str()).collect();
        for supervisors in Layout::detect().unwrap().supervisor_paths(&roots.cgroup_root) {
            // A cgroup goes a moment after its last process; files are the kernel's.
            until(&format!("{point}: cgroups are those of {running:?}"), || {
                let groups = fs::read_dir(supervisors.parent().unwrap()).into_iter().flatten();
                let groups = groups.flatten().filter(|entry| entry.path().is_dir());
                let names = groups.map(|entry| entry.file_name().into_string().unwrap());
                names.filter(|name| name != ".supervisors").all(|name| running.contains(&&*name))
            });
        }
        let mounts = fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        let here = self.sandbox.directory().to_str().unwrap();
        let left: Vec<&str> = mounts.lines().filter(|line| line.contains(here)).collect();
        assert_eq!(left, [""; 0], "{point}");
    }

    fn end(&self) {
        for state in GuestState::all(&self.sandbox.settings.roots).unwrap() {
            self.sandbox.must(&[state.name.as_str(), "stop"]);
        }
    }
}

fn named(place: &Path) -> String {
    place.file_name().unwrap().to_string_lossy().into_owned()
}

/// Ids, times and digests are others each time.
fn lasting(line: &str) -> String {
    let mut kept = String::new();
    let mut word = String::new();
    for c in line.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() {
            word.push(c);
            continue;
        }
        let is_id = word.len() >= 10 && word.bytes().any(|b| b.is_ascii_digit());
        kept.push_str(if is_id { "#" } else { &word });
        kept.push(c);
        word.clear();
    }
    kept
}

fn is_killed(output: &Output) -> bool {
    output.status.signal() == Some(9)
}

/// Kills it after each of its records, in an instance of its own each time.
fn leaves_old_or_new(case: &Case) {
    let whole = Ground::new(case);
    let old = whole.state();
    let output = whole.command(case.words).output().unwrap();
    assert!(output.status.success(), "{:?}: {output:?}", case.words);
    let new = whole.state();
    whole.end();
    let mut is_done = false;
    for count in 0..MOST_RECORDS {
        let point = format!("{:?} after record {count}", case.words);
        let ground = Ground::new(case);
        let mut command = ground.command(case.words);
        let output = command.env("ULYSSE_CRASH_AFTER_RECORD", count.to_string()).output().unwrap();
        is_done = !is_killed(&output);
        if is_done {
            assert!(output.status.success() && count > 0, "{point}: {output:?}");
            ground.end();
            break;
        }
        ground.repair(&point);
        let state = ground.state();
        let differs = |other: &[String]| {
            let more: Vec<_> = state.iter().filter(|line| !other.contains(line)).collect();
            let less: Vec<_> = other.iter().filter(|line| !state.contains(line)).collect();
            format!("more: {more:?}\nless: {less:?}")
        };
        assert!(
            state == old || state == new,
            "{point}:\nthan before: {}\nthan after: {}",
            differs(&old),
            differs(&new)
        );
        // What was made can be used. There is no init in a skeleton.
        if state == new && ground.has_new() && !case.words.contains(&"skeleton") {
            ground.sandbox.must(&["new", "start"]);
            ground.sandbox.must(&["new", "exec", "id"]);
        }
        ground.end();
    }
    assert!(is_done, "{:?} has more than {MOST_RECORDS} records", case.words);
}

fn each(kinds: &[Kind]) {
    leave_network();
    for kind in kinds {
        leaves_old_or_new(&case_of(*kind).unwrap());
    }
}

fn kill(words: &'static [&'static str]) {
    leaves_old_or_new(&Case { before: &[], words });
}

#[test]
fn running_vservers() {
    each(&[Kind::Start, Kind::Stop, Kind::Restart]);
}

#[test]
fn deleting_and_what_undoes_it() {
    each(&[Kind::Delete, Kind::Undelete, Kind::Purge, Kind::Protect, Kind::Unprotect]);
}

#[test]
fn one_change_to_many() {
    each(&[Kind::Batch]);
}

#[test]
fn changing() {
    each(&[
        Kind::Configure,
        Kind::ConfigureDefaults,
        Kind::ConfigureDistributions,
        Kind::Rename,
        Kind::Set,
        Kind::Mark,
        Kind::Unmark,
    ]);
}

#[test]
fn templates() {
    each(&[Kind::AddTemplate, Kind::RemoveTemplate]);
}

#[test]
fn backups() {
    each(&[Kind::Backup, Kind::VerifyBackup, Kind::RemoveBackups, Kind::ScheduleBackups]);
}

#[test]
fn restores() {
    each(&[Kind::Restore, Kind::RestoreFile]);
    kill(&["backup", "import", "web", "SAVED"]);
}

#[test]
fn builds() {
    leave_network();
    for words in [
        &["vserver", "new", "build", "-m", "skeleton", "--initstyle", "sysv"][..],
        &["vserver", "new", "build", "-m", "clone", "--", "--source", "web"],
        &["vserver", "new", "build", "-m", "rsync", "--", "--source", "ROOT/"],
        &["vserver", "new", "build", "-m", "template", "--", "-t", "ARCHIVE"],
        &["vserver", "--silent", "web", "delete", "--now"],
    ] {
        kill(words);
    }
}

#[test]
fn builds_of_rpm_packages() {
    leave_network();
    kill(&["vserver", "new", "build", "-m", "yum", "--initstyle", "sysv", "--", "-d", "tiny1"]);
}

#[test]
fn builds_with_debootstrap() {
    // Once without a crash: the base is there from then on. `crash.rs` kills the making of one.
    let first = Sandbox::new().build("first");
    assert!(first.status.success(), "{first:?}");
    leave_network();
    kill(&["vserver", "new", "build", "-m", "debootstrap", "--", "--", "--variant=minbase"]);
}
