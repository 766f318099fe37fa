//! A hundred VServers at once on one host: they all run, what shows them shows them all, and nothing is left.
//!
//! How quick that is, `make bench` measures: nothing here is timed.

mod fleet;
mod sandbox;
mod serve;
mod visitor;

use std::process::Command;

use engine::cgroup::Layout;
use engine::state::GuestState;
use sandbox::{Sandbox, leave_network};
use serve::Serve;
use visitor::Visitor;

const COUNT: usize = 100;

#[test]
fn a_hundred_run_at_once() {
    leave_network();
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
    assert!(up.unwrap().success());
    let sandbox = Sandbox::with(fleet::room);
    let names = fleet::make(&sandbox, COUNT);
    fleet::each(&sandbox, &names, "start");
    let roots = &sandbox.settings.roots;
    let mut states = GuestState::all(roots).unwrap();
    states.sort_by_key(|state| state.context);
    assert_eq!(states.iter().filter(|state| state.is_running()).count(), COUNT);
    // Each is its own: host name, processes, and the hundredth no less than the first.
    for name in [&names[0], &names[COUNT - 1]] {
        assert_eq!(sandbox.must(&[name, "exec", "hostname"]), format!("{name}.cume.fr\n"));
    }
    let shown = sandbox.ulysse("vserver-stat", &["--guests-only"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(names.iter().all(|name| shown.contains(name)), "{shown}");
    assert_eq!(shown.lines().count(), COUNT + 1, "{shown}");

    let processes = sandbox.ulysse("vps", &["ax"]).output().unwrap();
    let processes = String::from_utf8(processes.stdout).unwrap();
    for (name, state) in names.iter().zip(&states) {
        let context = format!("{:>5} {name}", state.context.get());
        assert!(processes.contains(&context), "{context}: {processes}");
    }

    let serve = Serve::start(&sandbox);
    let visitor = Visitor::set_up(&sandbox, &serve);
    let list = visitor.get("/vservers");
    assert_eq!(list.status, 200);
    assert!(names.iter().all(|name| list.text.contains(name)), "{}", list.text);
    drop(serve);

    fleet::each(&sandbox, &names, "stop");
    assert_eq!(GuestState::all(roots).unwrap(), []);
    assert!(states.iter().all(|state| !state.supervisor.unwrap().is_alive()));
    for cgroup in Layout::detect().unwrap().paths(&roots.cgroup_root, &names[0]) {
        let left = sandbox.names_in(cgroup.parent().unwrap());
        assert!(left.iter().all(|name| !names.contains(name)), "{left:?}");
    }
    let links = Command::new("ip").args(["-o", "link", "show", "type", "veth"]).output().unwrap();
    assert_eq!(String::from_utf8(links.stdout).unwrap(), "");
}
