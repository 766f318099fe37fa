//! A VServer whose packages rpm keeps and dnf changes: Debian's own dnf and rpm in a system of Debian's whose dpkg
//! has gone, with a database of its own and a repository in its files that tests fill. No traffic leaves.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::{Sandbox, leave_network};

/// dnf's own plugin for locks, where Debian has it.
const LOCKS: &str = "usr/lib/python3/dist-packages/dnf-plugins/versionlock.py";

/// Builds it, not started, and leaves the host's network.
pub(crate) fn build(sandbox: &Sandbox, name: &str) -> Repository {
    let options = ["--variant=minbase", "--include=dnf,rpm,dnf-plugins-core"];
    let words = [name, "build", "-m", "debootstrap", "--", "--", options[0], options[1]];
    sandbox.must(&words);
    leave_network();
    let root = sandbox.settings.roots.guest_base.join(name);
    for path in ["var/lib/dpkg", "var/lib/apt"] {
        fs::remove_dir_all(root.join(path)).unwrap();
    }
    fs::remove_file(root.join("usr/bin/apt-get")).unwrap();
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    // As Red Hat's family has it: where the database is, and that yum is dnf.
    write("etc/rpm/macros", "%_dbpath /var/lib/rpm\n");
    write("etc/dnf/vars/releasever", "1\n");
    symlink("dnf", root.join("usr/bin/yum")).unwrap();
    // A plugin of Debian's for packages that were made beside.
    write("etc/dnf/plugins/local.conf", "[main]\nenabled = false\n");
    write("etc/yum.repos.d/test.repo", "[test]\nname=test\nbaseurl=file:///srv/repo\ngpgcheck=0\n");
    let made = sandbox.ulysse("vrpm", &[name, "--", "--initdb"]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let repository = Repository { root, advisories: String::new() };
    repository.publish();
    repository
}

/// Where a VServer gets packages from: a directory in it.
pub(crate) struct Repository {
    pub(crate) root: PathBuf,
    advisories: String,
}

impl Repository {
    /// Adds a package of one file, with what else its description says.
    pub(crate) fn add(&self, name: &str, version: &str, more: &str) {
        let top = tempfile::tempdir().unwrap();
        let spec = top.path().join("spec");
        let text = format!(
            "Name: {name}\nVersion: {version}\nRelease: 1\nSummary: Of a test\nLicense: MIT\n\
             BuildArch: noarch\nAutoReqProv: no\n%description\nOf a test.\n%install\n\
             mkdir -p %{{buildroot}}/usr/share/{name}\n\
             echo {version} > %{{buildroot}}/usr/share/{name}/version\n\
             {more}\n%files\n/usr/share/{name}\n"
        );
        fs::write(&spec, text).unwrap();
        let define = |name: &str, path: &Path| format!("{name} {}", path.display());
        let (top, packages) = (define("_topdir", top.path()), define("_rpmdir", &self.directory()));
        let defines = ["--define", &top, "--define", &packages];
        run(Command::new("rpmbuild").args(["-bb", "--quiet"]).args(defines).arg(&spec));
        self.publish();
    }

    /// The same, of which an advisory says that it mends something of the system's security.
    pub(crate) fn add_for_security(&mut self, name: &str, version: &str) {
        write!(
            self.advisories,
            "<update from='nobody@example.org' status='stable' type='security' version='1'>\
             <id>TEST-{name}</id><title>{name}</title><severity>Important</severity>\
             <issued date='2026-11-26 00:00:00'/><description>Mends it.</description><references/>\
             <pkglist><collection short='test'><name>test</name>\
             <package name='{name}' version='{version}' release='1' epoch='0' arch='noarch'>\
             <filename>{name}-{version}-1.noarch.rpm</filename></package></collection></pkglist>\
             </update>"
        )
        .unwrap();
        self.add(name, version, "");
    }

    /// The file of a package, as the VServer sees it.
    pub(crate) fn file(&self, name: &str, version: &str) -> String {
        format!("/srv/repo/noarch/{name}-{version}-1.noarch.rpm")
    }

    /// What a package says in its file, if it is there.
    pub(crate) fn version(&self, name: &str) -> Option<String> {
        let path = self.root.join("usr/share").join(name).join("version");
        Some(fs::read_to_string(path).ok()?.trim().to_owned())
    }

    /// Takes dnf's plugin for locks away.
    pub(crate) fn remove_locks(&self) {
        fs::remove_file(self.root.join(LOCKS)).unwrap();
    }

    fn directory(&self) -> PathBuf {
        self.root.join("srv/repo")
    }

    /// Writes the lists of what is there.
    fn publish(&self) {
        let directory = self.directory();
        fs::create_dir_all(&directory).unwrap();
        run(Command::new("createrepo_c").arg("--quiet").arg(&directory));
        let advisories = tempfile::Builder::new().suffix("-updateinfo.xml").tempfile().unwrap();
        let text = format!("<?xml version='1.0'?><updates>{}</updates>", self.advisories);
        fs::write(&advisories, text).unwrap();
        let mut command = Command::new("modifyrepo_c");
        let places = [advisories.path(), &directory.join("repodata")];
        run(command.arg("--mdtype=updateinfo").args(places));
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}
