//! What an administrator describes of a suite of Debian's: `.distributions/SUITE`, honoured by debootstrap;
//! the VServer started and entered.

mod sandbox;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use sandbox::{Sandbox, build_words, leave_network};

#[test]
fn what_a_suites_description_has_run_works_on_the_new_vserver() {
    let sandbox = Sandbox::new();
    let release = fs::read_to_string("/etc/os-release").unwrap();
    let suite = engine::facts::os_release_value(&release, "VERSION_CODENAME").unwrap();
    let described = sandbox.settings.roots.config_base.join(".distributions").join(&suite);
    fs::create_dir_all(&described).unwrap();
    let program = "#!/bin/sh\nset -e\n. \"$2\"\ntest -n \"$MIRROR\"\n\
         echo \"$(cat $1/name) of $DISTRIBUTION as $(id -u)\" > $1/vdir/root/initpost\n";
    let initpost = described.join("initpost");
    fs::write(&initpost, program).unwrap();
    fs::set_permissions(&initpost, fs::Permissions::from_mode(0o755)).unwrap();
    let built = sandbox.build("monvs");
    assert!(built.status.success(), "{built:?}");
    let root = sandbox.settings.roots.guest_base.join("monvs");
    let written = root.join("root/initpost");
    assert_eq!(fs::read_to_string(&written).unwrap(), format!("monvs of {suite} as 0\n"));
    assert_eq!(fs::metadata(&written).unwrap().uid(), 0, "unshifted on disk");
    assert!(!root.join("ulysse-build").exists());
    // Only now: the base may have to be fetched.
    leave_network();
    sandbox.must(&["monvs", "start"]);
    sandbox.enter("monvs");
    sandbox.must(&["monvs", "stop"]);

    // It fails: nothing is left, and who failed is said.
    fs::write(&initpost, "#!/bin/sh\necho no such luck\nexit 3\n").unwrap();
    let failed = sandbox.build("other");
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let said = String::from_utf8(failed.stderr).unwrap();
    assert!(said.contains("initpost") && said.contains("no such luck"), "{said}");
    assert_eq!(sandbox.names_in(&sandbox.settings.roots.guest_base), ["monvs"]);

    // An option that is not passed on is told with its file, for builds of this suite.
    fs::remove_file(&initpost).unwrap();
    fs::write(described.join("debootstrap.options"), "--download-only\n").unwrap();
    let refused = sandbox.vserver(&build_words("other"));
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("debootstrap.options") && said.contains("--download-only"), "{said}");
}
