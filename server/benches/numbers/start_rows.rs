//! How long it takes from typing a command until a program in the guest runs, and until the command is back.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::instance;
use crate::rivals::{CgroupsOfLxc, Rival};
use crate::sandbox::{Sandbox, build_words, until};
use crate::table::Table;

/// To be reached, in milliseconds.
const TARGET_MS: f64 = 8.0;

/// What a tool took each time, in milliseconds.
#[derive(Default)]
struct Times {
    until_runs: Vec<f64>,
    until_back: Vec<f64>,
    why_not: Option<String>,
}

/// One VServer of ours.
struct Ours {
    name: &'static str,
    shown: &'static str,
    options: &'static [&'static str],
}

const OURS: [Ours; 2] = [
    Ours { name: "plain", shown: "vserver X start, without an address", options: &[] },
    Ours {
        name: "nat",
        shown: "vserver X start, with an address on the NAT network",
        options: &["--interface", "nat0:10.127.0.9/24"],
    },
];

/// Measures them in turn.
pub(crate) fn measure(table: &mut Table, runs: usize) {
    let _of_lxc = CgroupsOfLxc::look();
    let sandbox = instance(|_| {});
    let stamp = compile(&sandbox);
    for ours in &OURS {
        make(&sandbox, ours, &stamp);
    }
    let root = sandbox.settings.roots.guest_base.join(OURS[0].name);
    let rivals = Rival::all(&root, sandbox.directory());
    let mut of_ours = OURS.map(|_| Times::default());
    let mut of_rivals: Vec<Times> = rivals.iter().map(|_| Times::default()).collect();
    // The first time is for what is not in memory yet.
    for run in 0..=runs {
        for (ours, times) in OURS.iter().zip(&mut of_ours) {
            let root = sandbox.settings.roots.guest_base.join(ours.name);
            take(times, run, &root, || {
                sandbox.must(&[ours.name, "start"]);
                Ok(())
            });
            sandbox.must(&[ours.name, "stop"]);
        }
        for (rival, times) in rivals.iter().zip(&mut of_rivals) {
            take(times, run, &root, || rival.run(&root, run));
        }
    }
    let names = OURS.iter().map(|ours| (ours.shown, Some(TARGET_MS)));
    let names = names.chain(rivals.iter().map(|rival| (rival.name, None)));
    let all: Vec<_> = names.zip(of_ours.into_iter().chain(of_rivals)).collect();
    for ((name, target), times) in &all {
        let measured = times.why_not.clone().map_or(Ok(times.until_runs.clone()), Err);
        table.add(format!("until its program runs: {name}"), "ms", *target, measured);
    }
    for ((name, _), times) in &all {
        let measured = times.why_not.clone().map_or(Ok(times.until_back.clone()), Err);
        table.add(format!("until it is back: {name}"), "ms", None, measured);
    }
}

/// Takes the time once.
fn take(times: &mut Times, run: usize, root: &Path, start: impl FnOnce() -> Result<(), String>) {
    if times.why_not.is_some() {
        return;
    }
    let written = root.join("stamp.txt");
    let _ = fs::remove_file(&written);
    let before = monotonic_ns();
    let started = start();
    let after = monotonic_ns();
    if let Err(why) = started {
        times.why_not = Some(why);
        return;
    }
    let mut stamp = None;
    // Ours comes back when the guest runs, perhaps before its program has written.
    until("the program has said when it ran", || {
        let text = fs::read_to_string(&written).unwrap_or_default();
        stamp = text.strip_suffix('\n').and_then(|text| text.parse::<i128>().ok());
        stamp.is_some()
    });
    if run > 0 {
        times.until_runs.push(millis(stamp.unwrap() - before));
        times.until_back.push(millis(after - before));
    }
}

fn millis(nanoseconds: i128) -> f64 {
    nanoseconds as f64 / 1e6
}

/// The clock that the program in the guest reads too.
fn monotonic_ns() -> i128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}

/// The program that everybody runs.
fn compile(sandbox: &Sandbox) -> std::path::PathBuf {
    let program = sandbox.directory().join("stamp");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/numbers/stamp.c");
    let mut compiler = Command::new("gcc");
    compiler.args(["-static", "-O2", "-o"]).arg(&program).arg(source);
    assert!(compiler.status().unwrap().success());
    program
}

/// A Debian VServer, all that its start does is to run the program.
fn make(sandbox: &Sandbox, ours: &Ours, stamp: &Path) {
    let words = build_words(ours.name);
    let (method, rest) = words.split_at(4);
    sandbox.must(&[method, ours.options, rest].concat());
    let root = sandbox.settings.roots.guest_base.join(ours.name);
    fs::copy(stamp, root.join("stamp")).unwrap();
    let init = sandbox.settings.roots.config_base.join(ours.name).join("apps/init");
    fs::create_dir_all(&init).unwrap();
    fs::write(init.join("cmd.start"), "/stamp\n").unwrap();
    fs::write(init.join("cmd.stop"), "/bin/true\n").unwrap();
}
