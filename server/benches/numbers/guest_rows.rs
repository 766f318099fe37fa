//! How long it takes to have a new VServer.

use std::fs;
use std::time::Instant;

use crate::instance;
use crate::table::Table;

/// As often as new VServers are made: each is the size of a Debian.
const RUNS: usize = 5;
const BUILD_TARGET_S: f64 = 2.0;
const CLONE_TARGET_S: f64 = 1.0;
/// What the source of clones holds beside Debian's minimum, to be 300 MB.
const FILLING_FILES: usize = 1000;
const FILLING_BYTES: usize = 140_000;

/// From the form to a VServer that runs, its base being there.
pub(crate) fn build(table: &mut Table) {
    let sandbox = instance(|_| {});
    // The base is made, should it not be there; that is not what is measured.
    assert!(sandbox.build("first").status.success());
    let took = (0..RUNS).map(|run| {
        let name = format!("new{run}");
        let begin = Instant::now();
        assert!(sandbox.build(&name).status.success());
        sandbox.must(&[&name, "start"]);
        let took = begin.elapsed().as_secs_f64();
        sandbox.must(&[&name, "stop"]);
        took
    });
    let took = took.collect();
    table.add("build from a cached base until it runs", "s", Some(BUILD_TARGET_S), Ok(took));
}

/// A clone that shares its files with its source.
pub(crate) fn clone(table: &mut Table) {
    let sandbox = instance(|_| {});
    assert!(sandbox.build("source").status.success());
    let filling = sandbox.settings.roots.guest_base.join("source/var/filling");
    fs::create_dir_all(&filling).unwrap();
    for number in 0..FILLING_FILES {
        let byte = (number % 251) as u8;
        fs::write(filling.join(number.to_string()), vec![byte; FILLING_BYTES]).unwrap();
    }
    rustix::fs::sync();
    let took = (0..RUNS).map(|run| {
        let name = format!("clone{run}");
        let words = [&name, "build", "-m", "clone", "--", "--source", "source", "--unified"];
        let begin = Instant::now();
        sandbox.must(&words);
        begin.elapsed().as_secs_f64()
    });
    let took = took.collect();
    table.add("clone of a 300 MB VServer (--unified)", "s", Some(CLONE_TARGET_S), Ok(took));
}
