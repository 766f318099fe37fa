//! Many VServers: what each costs beyond its own processes, and how quick what shows them is; and what
//! `ulysse serve` costs when nobody looks.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use engine::state::GuestState;

use crate::serve::Serve;
use crate::table::Table;
use crate::visitor::Visitor;
use crate::{fleet, instance};

/// As many have a config tree, and as many of them run.
const ALL: usize = 1000;
const RUNNING: [usize; 2] = [100, 500];
const PAGES: usize = 40;
/// What a start of the site costs is over after this.
const QUIET: Duration = Duration::from_secs(5);
/// How long an idle site is looked at.
const IDLE: Duration = Duration::from_secs(60);

const OVERHEAD_TARGET_KIB: f64 = 1024.0;
const STAT_TARGET_MS: f64 = 50.0;
const LIST_TARGET_MS: f64 = 100.0;
const FIRST_LOAD_TARGET_KB: f64 = 250.0;
const IDLE_CPU_TARGET: f64 = 0.5;
const IDLE_MEMORY_TARGET_MIB: f64 = 60.0;

/// Starts them, and looks.
pub(crate) fn measure(table: &mut Table, runs: usize) {
    let sandbox = instance(fleet::room);
    let names = fleet::make(&sandbox, ALL);
    let mut started = 0;
    for count in RUNNING {
        fleet::each(&sandbox, &names[started..count], "start");
        started = count;
        let took = (0..runs).map(|_| {
            let begin = Instant::now();
            let output = sandbox.ulysse("vserver-stat", &[]).output().unwrap();
            let took = begin.elapsed().as_secs_f64() * 1e3;
            let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(lines, count + 2, "a head, the host and each of them");
            took
        });
        let target = (count == RUNNING[1]).then_some(STAT_TARGET_MS);
        let took = took.collect();
        table.add(format!("vserver-stat with {count} running"), "ms", target, Ok(took));
    }
    let states = GuestState::all(&sandbox.settings.roots).unwrap();
    let supervisors = states.iter().filter_map(|state| state.supervisor);
    let unshared = supervisors.map(|supervisor| {
        let pid = i32::try_from(supervisor.pid).unwrap();
        memory_kib(pid, &["Private_Clean:", "Private_Dirty:"])
    });
    let unshared = unshared.collect();
    let target = Some(OVERHEAD_TARGET_KIB);
    table.add("unshared memory of a VServer's supervisor", "KiB", target, Ok(unshared));

    let serve = Serve::start(&sandbox);
    let visitor = Visitor::set_up(&sandbox, &serve);
    let mut took: Vec<f64> = (0..PAGES)
        .map(|_| {
            let list = visitor.get("/vservers");
            assert!(list.status == 200 && list.text.contains(&names[ALL - 1]));
            list.took.as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let p95 = vec![took[PAGES * 95 / 100]];
    table.add("list page with 1,000 VServers, p95", "ms", Some(LIST_TARGET_MS), Ok(p95));
    drop(serve);
    sandbox.end_guests();
}

/// The bytes that a browser gets from the log-in to the list.
fn first_load(visitor: &Visitor) -> u64 {
    let pages = ["/login", "/vservers"].map(|path| visitor.get(path));
    let files: BTreeSet<&str> = pages
        .iter()
        .flat_map(|page| page.text.split(['"', '\'', '(', ')', ' ', ';']))
        .filter(|word| word.starts_with("/pkg/"))
        .collect();
    assert!(files.iter().any(|file| file.ends_with(".wasm")), "{files:?}");
    let files: u64 = files.iter().map(|file| visitor.get(file).wire_bytes).sum();
    files + pages.iter().map(|page| page.wire_bytes).sum::<u64>()
}

/// What the site costs that nobody visits, on a host that has no VServer.
pub(crate) fn idle(table: &mut Table) {
    let sandbox = instance(|_| {});
    let serve = Serve::start(&sandbox);
    let pids = [serve.pid(), serve.child("engine"), serve.child("web")];
    pass(QUIET);
    let before: u64 = pids.into_iter().map(cpu_ticks).sum();
    pass(IDLE);
    let ticks = pids.into_iter().map(cpu_ticks).sum::<u64>() - before;
    let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    let percent = 100.0 * seconds / IDLE.as_secs_f64();
    table.add("CPU of an idle ulysse serve", "%", Some(IDLE_CPU_TARGET), Ok(vec![percent]));
    let kib: f64 = pids.into_iter().map(|pid| memory_kib(pid, &["Pss:"])).sum();
    let target = Some(IDLE_MEMORY_TARGET_MIB);
    table.add("memory of an idle ulysse serve (PSS)", "MiB", target, Ok(vec![kib / 1024.0]));
    let bytes = first_load(&Visitor::set_up(&sandbox, &serve)) as f64 / 1e3;
    let what = "first load over the wire, from the log-in to the list";
    table.add(what, "kB", Some(FIRST_LOAD_TARGET_KB), Ok(vec![bytes]));
}

/// Lets time pass: how much is used in it is what is measured.
fn pass(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}

/// User and system time of a process, in ticks.
fn cpu_ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// Kinds of memory of a process together.
fn memory_kib(pid: i32, kinds: &[&str]) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let of_kinds = rollup.lines().filter(|line| kinds.iter().any(|kind| line.starts_with(kind)));
    of_kinds.map(|line| line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()).sum()
}
