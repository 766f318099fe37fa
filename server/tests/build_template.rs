//! `build -m template`: an archive of a root directory, packed by the host's tar as people pack them, made
//! a VServer that is started and entered.

mod sandbox;
mod tiny_guest;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use sandbox::{Sandbox, leave_network};
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
