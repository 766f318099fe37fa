//! `make bench`: the numbers of the design, each beside what is to be reached, and the start of a VServer
//! beside what other programs take to run the same program in the same root file system.
//!
//! Everything is measured on this machine, in this run; of several runs, which take turns so that a busy
//! moment is everybody's, the median counts. What a run makes is in a network and mount namespace and a
//! directory of its own, and gone after it. Nothing here fails because a number is bad: a benchmark is no test.
//!
//! `numbers [--runs N] [--json] [ROW…]`, where a row is `start`, `build`, `clone`, `fleet` or `idle`.

mod fleet_rows;
mod guest_rows;
mod rivals;
mod start_rows;
mod table;

#[path = "../../tests/fleet/mod.rs"]
mod fleet;
#[path = "../../tests/sandbox/mod.rs"]
mod sandbox;
#[path = "../../tests/serve/mod.rs"]
mod serve;
#[path = "../../tests/visitor/mod.rs"]
mod visitor;

use std::process::{Command, ExitCode};

use sandbox::{Sandbox, leave_mounts, leave_network};
use table::Table;

/// How often each start is measured, unless the caller says so.
const RUNS: usize = 15;
const GROUPS: [&str; 5] = ["start", "build", "clone", "fleet", "idle"];

fn main() -> ExitCode {
    let Some(wanted) = Wanted::parse(std::env::args().skip(1)) else {
        eprintln!("usage: numbers [--runs N] [--json] [{}]…", GROUPS.join("|"));
        return ExitCode::from(2);
    };
    leave_network();
    leave_mounts();
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
    assert!(up.unwrap().success());
    let mut table = Table::default();
    if wanted.has("start") {
        start_rows::measure(&mut table, wanted.runs);
    }
    if wanted.has("build") {
        guest_rows::build(&mut table);
    }
    if wanted.has("clone") {
        guest_rows::clone(&mut table);
    }
    if wanted.has("fleet") {
        fleet_rows::measure(&mut table, wanted.runs);
    }
    if wanted.has("idle") {
        fleet_rows::idle(&mut table);
    }
    print!("{}", if wanted.json { table.to_json() } else { table.to_text() });
    ExitCode::SUCCESS
}

/// An instance as it is on a host: what is gone at a reboot is in memory.
fn instance(change: impl FnOnce(&mut engine::roots::Settings)) -> Sandbox {
    let sandbox = Sandbox::with(change);
    for volatile in [&sandbox.settings.roots.run_base, &sandbox.settings.roots.runtime_base] {
        std::fs::create_dir_all(volatile).unwrap();
        let (none, kind) = (None::<&str>, Some("tmpfs"));
        let flags = nix::mount::MsFlags::empty();
        nix::mount::mount(kind, volatile, kind, flags, none).unwrap();
    }
    sandbox
}

/// What is to be measured.
struct Wanted {
    runs: usize,
    json: bool,
    groups: Vec<String>,
}

impl Wanted {
    fn parse(words: impl Iterator<Item = String>) -> Option<Self> {
        let mut wanted = Self { runs: RUNS, json: false, groups: Vec::new() };
        let mut words = words;
        while let Some(word) = words.next() {
            match word.as_str() {
                // Cargo's own word to a benchmark.
                "--bench" => {}
                "--json" => wanted.json = true,
                "--runs" => wanted.runs = words.next()?.parse().ok().filter(|runs| *runs > 0)?,
                group if GROUPS.contains(&group) => wanted.groups.push(word),
                _ => return None,
            }
        }
        Some(wanted)
    }

    fn has(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|wanted| wanted == group)
    }
}
