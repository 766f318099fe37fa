//! A small RPM repository that tests make themselves, and the distribution `tiny1` that it is.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::Sandbox;

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

/// One whose installation does not end by itself.
const ENDLESS: &str = r#"
Name: endless
Version: 1
Release: 1
Summary: A script that goes on
License: MIT
BuildArch: noarch
AutoReqProv: no
Requires: tinybase
%description
A script that goes on.
%post
touch /root/begun
sleep 3600
%files
"#;

/// Makes a repository in a directory that strangers can read.
pub(crate) fn repository(directory: &Path) -> PathBuf {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    };
    let place = directory.join("rpm");
    fs::create_dir(&place).unwrap();
    let (top, packages) = (place.join("top"), place.join("packages"));
    for (name, text) in [("base", BASE), ("extra", EXTRA), ("endless", ENDLESS)] {
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
pub(crate) fn describe(sandbox: &Sandbox, packages: &Path) -> PathBuf {
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
