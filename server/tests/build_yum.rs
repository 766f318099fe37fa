//! `build -m yum`: dnf against a repository of RPM packages that the test makes, the VServer started
//! and entered.

mod sandbox;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::operation::YUM_CRASH_POINT;
use sandbox::Sandbox;

/// A system in one package: busybox, and as much of a Debian of old as style `sysv` starts.
const BASE: &str = r#"
%define debug_package %{nil}
%define __strip /bin/true
%define __brp_strip /bin/true
Name: tinybase
Version: 1
Release: 1
Summary: A system of one program
License: MIT
AutoReqProv: no
%description
A system of one program.
%install
cd %{buildroot}
mkdir -p bin sbin dev etc/init.d proc sys tmp root run usr/bin var/lib/rpm
cp /bin/busybox bin/busybox
for name in sh cat echo id ls sleep touch; do ln -s busybox bin/$name; done
printf 'NAME=Tiny\nPRETTY_NAME="Tiny 1"\n' > etc/os-release
printf 'root:x:0:0:root:/root:/bin/sh\n' > etc/passwd
printf 'root:x:0:\n' > etc/group
printf '#!/bin/sh\necho "level $1" >> /root/levels\n' > etc/init.d/rc
chmod 755 etc/init.d/rc
%post
echo "post as $(id -u)" > /root/post
%files
/bin
/sbin
/dev
/etc
/proc
/sys
/tmp
/root
/run
/usr
/var
"#;

/// Another, for what is asked for besides the description's lists.
const EXTRA: &str = r#"
Name: extra
Version: 2
Release: 1
Summary: A file
License: MIT
BuildArch: noarch
AutoReqProv: no
%description
A file.
%install
mkdir -p %{buildroot}/usr/share
echo more > %{buildroot}/usr/share/extra
%files
/usr/share/extra
"#;

/// Makes a repository in a directory that strangers can read.
fn repository(directory: &Path) -> PathBuf {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    };
    let place = directory.join("rpm");
    fs::create_dir(&place).unwrap();
    let (top, packages) = (place.join("top"), place.join("packages"));
    for (name, text) in [("base", BASE), ("extra", EXTRA)] {
        let spec = place.join(format!("{name}.spec"));
        fs::write(&spec, text).unwrap();
        let define = |name: &str, path: &Path| format!("{name} {}", path.display());
        let (top, packages) = (define("_topdir", &top), define("_rpmdir", &packages));
        let spec = spec.to_str().unwrap();
        run("rpmbuild", &["-bb", "--quiet", "--define", &top, "--define", &packages, spec]);
    }
    run("createrepo_c", &["--quiet", packages.to_str().unwrap()]);
    packages
}

/// Describes the distribution `tiny1`.
fn describe(sandbox: &Sandbox, packages: &Path) -> PathBuf {
    let place = sandbox.settings.roots.config_base.join(".distributions/tiny1");
    let write = |path: &str, text: &str| {
        let path = place.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    };
    let source = format!("[tiny]\nname=tiny\nbaseurl=file://{}\ngpgcheck=0\n", packages.display());
    write("yum.repos.d/tiny.repo", &source);
    write("pkgs/01", "tinybase\n");
    write("pkgs/02", "--can-fail\nnot-in-any-repository\n");
    // Before there is any package there is no shell inside: both are the host's programs.
    write(
        "initpre",
        "#!/bin/sh\nset -e\necho \"$DISTRIBUTION from $MIRROR\" > $1/vdir/before\n\
         test ! -e $1/vdir/bin && read name < $1/name && echo $name >> $1/vdir/before\n",
    );
    write(
        "initpost",
        "#!/bin/sh\nset -e\n. \"$2\"\ntest \"$MIRROR\" = \"$(printenv MIRROR)\"\n\
         echo \"$VSERVER_NAME of $DISTRIBUTION\" > $1/vdir/root/initpost\n",
    );
    for program in ["initpre", "initpost"] {
        fs::set_permissions(place.join(program), fs::Permissions::from_mode(0o755)).unwrap();
    }
    place
}

#[test]
fn a_described_distribution_is_built_started_and_entered() {
    let sandbox = Sandbox::new();
    let packages = repository(sandbox.directory());
    let place = describe(&sandbox, &packages);
    // As the course calls it.
    fs::rename(place.join("pkgs"), place.join("pkg")).unwrap();
    // The course's own command, with an address that no device of the host needs.
    sandbox.must(&[
        "fc6",
        "build",
        "-m",
        "yum",
        "--context",
        "2006",
        "--hostname",
        "fc6.cume.fr",
        "--interface",
        "fc6=nodev:192.0.2.156",
        "--initstyle",
        "sysv",
        "--",
        "-d",
        "tiny1",
        "--",
        "extra",
    ]);
    let root = sandbox.settings.roots.guest_base.join("fc6");
    let text = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    assert_eq!(text("root/post"), "post as 0\n");
    assert_eq!(text("root/initpost"), "fc6 of tiny1\n");
    let mirror = format!("file://{}", packages.display());
    assert_eq!(text("before"), format!("tiny1 from {mirror}\nfc6\n"));
    assert_eq!(text("usr/share/extra"), "more\n");
    assert_eq!(fs::metadata(root.join("root/post")).unwrap().uid(), 0, "unshifted on disk");
    assert!(root.join("var/lib/rpm/rpmdb.sqlite").exists());
    assert!(!root.join("ulysse-build").exists());
    assert!(!root.join("mnt").exists(), "nothing of dnf's is left");

    sandbox.must(&["fc6", "start"]);
    assert_eq!(sandbox.must(&["fc6", "exec", "cat", "/etc/hostname"]), "fc6\n");
    assert_eq!(
        sandbox.must(&["fc6", "exec", "sh", "-c", "echo $HOSTNAME; id -u"]).lines().last(),
        Some("0")
    );
    sandbox.must(&["fc6", "stop"]);
}

#[test]
fn what_is_wrong_with_a_description_is_said() {
    let sandbox = Sandbox::new();
    let place = describe(&sandbox, &repository(sandbox.directory()));
    let build = |distribution: &str| {
        let output = sandbox.vserver(&["fc6", "build", "-m", "yum", "--", "-d", distribution]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = build("nosuch");
    assert!(said.contains("tiny1"), "{said}");
    fs::write(place.join("pkgs/01"), "tinybase\n--nogpgcheck\n").unwrap();
    let said = build("tiny1");
    assert!(said.contains("pkgs/01") && said.contains('2'), "{said}");
    fs::write(place.join("pkgs/01"), "no-such-package\n").unwrap();
    let said = build("tiny1");
    assert!(said.contains("Unable to find a match: no-such-package"), "{said}");
    assert!(sandbox.names_in(&sandbox.settings.roots.guest_base).is_empty());
}

#[test]
fn a_build_that_died_leaves_nothing() {
    let sandbox = Sandbox::new();
    describe(&sandbox, &repository(sandbox.directory()));
    let words = ["fc6", "build", "-m", "yum", "--", "-d", "tiny1"];
    let output =
        sandbox.ulysse("vserver", &words).env("ULYSSE_CRASH_AT", YUM_CRASH_POINT).output().unwrap();
    assert_eq!(output.status.signal(), Some(9), "{output:?}");
    let repaired = sandbox.ulysse("doctor", &["--repair"]).output().unwrap();
    assert!(repaired.status.success(), "{repaired:?}");
    assert!(sandbox.names_in(&sandbox.settings.roots.guest_base).is_empty());
    sandbox.must(&words);
}
