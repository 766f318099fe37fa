//! `build -m template`: an archive of a root directory, packed by the host's tar as people pack them, made
//! a VServer that is started and entered.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use sandbox::under_way::child_of;
use sandbox::{Sandbox, leave_network, until};
use tiny_guest::make_guest;

#[test]
fn an_archive_of_the_course_becomes_a_vserver() {
    leave_network();
    let sandbox = Sandbox::without_bases();
    let machine = make_guest(&sandbox, "machine", 100, "true");
    std::os::unix::fs::chown(machine.join("etc/init.d"), Some(33), Some(8)).unwrap();
    let packed = sandbox.directory().join("mandriva.tar.gz");
    let tar =
        Command::new("tar").arg("-czf").arg(&packed).arg("-C").arg(&machine).arg(".").status();
    assert!(tar.unwrap().success());
    let archive = packed.to_str().unwrap();

    sandbox.must(&[
        "mandriva",
        "build",
        "-m",
        "template",
        "--context",
        "2007",
        "--hostname",
        "mandriva",
        "--interface",
        "mandriva=nodev:192.0.2.157",
        "--",
        "-t",
        archive,
    ]);
    let root = sandbox.settings.roots.guest_base.join("mandriva");
    let directory = fs::metadata(root.join("etc/init.d")).unwrap();
    assert_eq!((directory.uid(), directory.gid()), (33, 8), "unshifted on disk");
    sandbox.must(&["mandriva", "start"]);
    assert_eq!(sandbox.must(&["mandriva", "exec", "cat", "/etc/hostname"]), "mandriva\n");
    sandbox.enter("mandriva");
    sandbox.must(&["mandriva", "stop"]);

    let refused =
        sandbox.vserver(&["other", "build", "-m", "template", "--", "-t", "/no/such.tar"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    fs::write(&packed, "no archive").unwrap();
    let refused = sandbox.vserver(&["other", "build", "-m", "template", "--", "-t", archive]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(!sandbox.settings.roots.guest_base.join("other").exists());
}

#[test]
fn a_build_that_is_cancelled_while_it_unpacks_leaves_nothing() {
    let sandbox = Sandbox::without_bases();
    let place = sandbox.directory().join("machine");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("large"), vec![7; 200 << 20]).unwrap();
    let packed = sandbox.directory().join("large.tar");
    let tar = Command::new("tar").arg("-cf").arg(&packed).arg("-C").arg(&place).arg(".").status();
    assert!(tar.unwrap().success());
    fs::remove_dir_all(&place).unwrap();

    let words = ["copy", "build", "-m", "template", "--", "-t", packed.to_str().unwrap()];
    let building = sandbox.begin(&words);
    let base = &sandbox.settings.roots.guest_base;
    let has_begun =
        || sandbox.names_in(base).iter().any(|name| base.join(name).join("large").exists());
    until("it unpacks", || {
        // The one that has no rights; it stands still, so that it cannot be done before it is cancelled.
        let Some(reader) =
            child_of(building.pid(), "unpack").and_then(|role| child_of(role, "unpack"))
        else {
            return false;
        };
        kill(reader, Signal::SIGSTOP).unwrap();
        if !has_begun() {
            kill(reader, Signal::SIGCONT).unwrap();
        }
        has_begun()
    });
    building.cancel();
    assert!(sandbox.names_in(base).is_empty());
    let configs = sandbox.names_in(&sandbox.settings.roots.config_base);
    assert!(configs.iter().all(|name| name.starts_with(".d")), "{configs:?}");
}
