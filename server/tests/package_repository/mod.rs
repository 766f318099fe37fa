//! Packages of Debian's format that tests make themselves, and places to get them from inside a VServer's own
//! files: no traffic leaves, and nothing is signed.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::Sandbox;

/// Where a VServer gets packages from: a directory in it, and what it calls itself.
pub(crate) struct Repository {
    directory: PathBuf,
    suite: &'static str,
    label: &'static str,
}

impl Repository {
    /// An empty one in the VServer with this root, as its only source or one more.
    pub(crate) fn new(root: &Path, suite: &'static str, label: &'static str) -> Self {
        let directory = root.join("srv").join(suite);
        fs::create_dir_all(&directory).unwrap();
        let sources = root.join("etc/apt/sources.list.d");
        fs::create_dir_all(&sources).unwrap();
        let line = format!("deb [trusted=yes] file:/srv/{suite} ./\n");
        fs::write(sources.join(format!("{suite}.list")), line).unwrap();
        Self { directory, suite, label }
    }

    /// Adds a package of one file, with scripts: `NAME`, then what a shell runs.
    pub(crate) fn add(&self, name: &str, version: &str, scripts: &[(&str, &str)]) {
        self.pack(name, version, "", scripts, &[]);
    }

    /// Adds a package that needs another one.
    pub(crate) fn add_needing(&self, name: &str, version: &str, needed: &str) {
        self.pack(name, version, &format!("Depends: {needed}\n"), &[], &[]);
    }

    /// Adds a package that asks while it is configured: whatever debconf is for, and, once it was edited, what
    /// is to become of its file `/etc/NAME.conf`. It writes what it was answered to `/NAME.answer`.
    pub(crate) fn add_asking(&self, name: &str, version: &str) {
        let debconf = ". /usr/share/debconf/confmodule\n";
        let config = format!("{debconf}db_input high {name}/word || true\ndb_go || true");
        let postinst = format!("{debconf}db_get {name}/word\necho \"$RET\" > /{name}.answer");
        let template = format!(
            "Template: {name}/word\nType: string\nDefault: usual\nDescription: Which word?\n"
        );
        self.pack(
            name,
            version,
            "",
            &[("config", &config), ("postinst", &postinst)],
            &[
                ("DEBIAN/templates", &template),
                ("DEBIAN/conffiles", &format!("/etc/{name}.conf\n")),
                (&format!("etc/{name}.conf"), &format!("of {version}\n")),
            ],
        );
    }

    fn pack(
        &self,
        name: &str,
        version: &str,
        fields: &str,
        scripts: &[(&str, &str)],
        files: &[(&str, &str)],
    ) {
        let build = tempfile::tempdir().unwrap();
        fs::set_permissions(build.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let debian = build.path().join("DEBIAN");
        let share = build.path().join("usr/share").join(name);
        fs::create_dir(&debian).unwrap();
        fs::create_dir_all(&share).unwrap();
        fs::write(share.join("version"), format!("{version}\n")).unwrap();
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\n{fields}\
             Maintainer: Nobody <nobody@example.org>\nDescription: of a test\n"
        );
        fs::write(debian.join("control"), &control).unwrap();
        for (script, text) in scripts {
            let path = debian.join(script);
            fs::write(&path, format!("#!/bin/sh\nset -e\n{text}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for (path, text) in files {
            let path = build.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let file = self.directory.join(format!("{name}_{version}_all.deb"));
        let made = Command::new("dpkg-deb")
            .args(["--root-owner-group", "--build"])
            .args([build.path(), &file])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        self.publish();
    }

    /// Writes the lists of what is there.
    fn publish(&self) {
        let mut list = String::new();
        let mut files: Vec<_> =
            fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "deb")) {
            let control = Command::new("dpkg-deb").arg("-f").arg(file).output().unwrap();
            let size = fs::metadata(file).unwrap().len();
            let name = file.file_name().unwrap().to_str().unwrap();
            list.push_str(&format!(
                "{}Filename: ./{name}\nSize: {size}\nSHA256: {}\n\n",
                String::from_utf8(control.stdout).unwrap(),
                sum_of(file)
            ));
        }
        let packages = self.directory.join("Packages");
        fs::write(&packages, &list).unwrap();
        let (suite, label) = (self.suite, self.label);
        let release = format!(
            "Origin: {label}\nLabel: {label}\nSuite: {suite}\nCodename: {suite}\n\
             Date: Thu, 26 Nov 2026 12:00:00 UTC\nSHA256:\n {} {} Packages\n",
            sum_of(&packages),
            list.len()
        );
        fs::write(self.directory.join("Release"), release).unwrap();
    }
}

fn sum_of(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// The root of a VServer whose own sources of packages are gone, with a place for packages and one for
/// those of security.
pub(crate) fn repositories(sandbox: &Sandbox, name: &str) -> (PathBuf, Repository, Repository) {
    let root = sandbox.settings.roots.guest_base.join(name);
    let sources = root.join("etc/apt/sources.list.d");
    let _ = fs::remove_file(root.join("etc/apt/sources.list"));
    for entry in fs::read_dir(&sources).into_iter().flatten() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let usual = Repository::new(&root, "test", "Test");
    let security = Repository::new(&root, "test-security", "Test-Security");
    for repository in [&usual, &security] {
        repository.publish();
    }
    (root, usual, security)
}
