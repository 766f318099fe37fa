//! What `.defaults` of a host says of every build: where files go, what they are given.

mod instance;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::build::{BuildForm, DEFAULT_FSTAB};
use domain::change::{Change, PlainChange};
use domain::failure::{BaseProblem, Failure};
use domain::id::VServerName;
use domain::identity::IdentityForm;
use domain::operation::{Actor, Operation, Progress};
use engine::Engine;
use engine::config::root_directory_of;
use engine::operation::Silent;
use engine::roots::Roots;
use instance::engine_below;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

struct Host {
    base: tempfile::TempDir,
    engine: Arc<Engine>,
}

impl Host {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir_all(base.path().join("etc/.defaults")).unwrap();
        let engine = engine_below(base.path(), "ulysse-test-none", None);
        Self { base, engine }
    }

    fn roots(&self) -> &Roots {
        &self.engine.instance().settings.roots
    }

    fn defaults(&self, path: &str, text: &str) {
        let path = self.roots().config_base.join(".defaults").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn change(&self, change: impl Into<Change>) -> Result<Operation, Failure> {
        let actor = Actor::CommandLine { login: "ada".to_owned() };
        let operation = self.engine.run_in_process(change, actor, &Silent)?;
        match &operation.progress {
            Progress::Succeeded => Ok(operation),
            Progress::Failed { failure } => Err(failure.clone()),
            other => panic!("{other:?}"),
        }
    }

    fn build(&self, name: &str) -> Result<Operation, Failure> {
        let form = BuildForm {
            name: name.to_owned(),
            method: "skeleton".to_owned(),
            init: "sysvinit".to_owned(),
            interfaces: "nodev:192.0.2.9".to_owned(),
            ..BuildForm::default()
        };
        self.change(Change::Build(Box::new(form)))
    }

    fn root_of(&self, name: &str) -> Option<PathBuf> {
        root_directory_of(self.roots(), &name.parse().unwrap())
    }
}

fn names_in(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The calling thread's own mounts, gone with it.
fn leave_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
}

#[test]
fn a_vserver_lives_where_the_administrators_link_leads_from_build_to_bin_and_back() {
    leave_mounts();
    let host = Host::new();
    // Another filesystem than everything else of the instance: nothing can be renamed across.
    let place = fs::canonicalize(host.base.path()).unwrap().join("vservers");
    fs::create_dir(&place).unwrap();
    mount(Some("vservers"), &place, Some("tmpfs"), MsFlags::empty(), Some("mode=755")).unwrap();
    let caches = place.with_file_name("caches");
    fs::create_dir(&caches).unwrap();
    let defaults = host.roots().config_base.join(".defaults");
    symlink(&place, defaults.join("vdirbase")).unwrap();
    symlink(&caches, defaults.join("cachebase")).unwrap();

    host.build("monvs").unwrap();
    assert_eq!(host.root_of("monvs").unwrap(), place.join("monvs"));
    assert_eq!(names_in(&place), ["monvs"]);
    assert!(!host.roots().guest_base.join("monvs").exists());
    assert_eq!(fs::metadata(&place).unwrap().mode() & 0o777, 0o700, "closed to others");
    fs::create_dir(caches.join("monvs")).unwrap();

    let rename = IdentityForm { name: "ulyse".to_owned(), ..IdentityForm::default() };
    let name: VServerName = "monvs".parse().unwrap();
    host.change(Change::Identity { name, form: rename }).unwrap();
    assert_eq!(host.root_of("ulyse").unwrap(), place.join("ulyse"));
    assert_eq!(names_in(&caches), ["ulyse"]);

    let name: VServerName = "ulyse".parse().unwrap();
    let deleted = host.change(PlainChange::Delete { name: name.clone(), at_once: false }).unwrap();
    assert_eq!(names_in(&place), [".bin"]);
    assert!(names_in(&caches).is_empty());
    let form = IdentityForm::default();
    host.change(Change::Undelete { entry: deleted.id, form }).unwrap();
    assert_eq!(host.root_of("ulyse").unwrap(), place.join("ulyse"));
    let deleted = host.change(PlainChange::Delete { name, at_once: false }).unwrap();
    host.change(Change::Purge(deleted.id)).unwrap();
    assert!(names_in(&place.join(".bin")).is_empty());
    host.build("monvs").unwrap();
    host.change(PlainChange::Delete { name: "monvs".parse().unwrap(), at_once: true }).unwrap();
    assert_eq!(names_in(&place), [".bin"]);
}

#[test]
fn a_place_that_cannot_be_used_is_refused_before_anything_is_made() {
    let host = Host::new();
    let place = host.base.path().join("srv");
    symlink(&place, host.roots().config_base.join(".defaults/vdirbase")).unwrap();
    let problem = |host: &Host| match host.build("monvs") {
        Err(Failure::BaseUnusable { problem, path, .. }) => (problem, path),
        other => panic!("{other:?}"),
    };
    assert_eq!(problem(&host), (BaseProblem::Missing, place.display().to_string()));
    fs::create_dir_all(place.join("www")).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(problem(&host).0, BaseProblem::OpenToOthers);
    assert_eq!(names_in(&place), ["www"]);
    assert_eq!(names_in(&host.roots().config_base), [".defaults"]);
}

#[test]
fn a_new_vserver_is_given_what_the_administrator_has_put_there() {
    let host = Host::new();
    host.build("plain").unwrap();
    let config = |name: &str| host.roots().config_base.join(name);
    assert_eq!(fs::read_to_string(config("plain").join("fstab")).unwrap(), DEFAULT_FSTAB);
    let etc = |name: &str, file: &str| {
        fs::read_to_string(host.root_of(name).unwrap().join("etc").join(file))
    };
    assert!(etc("plain", "nsswitch.conf").is_err());
    host.change(PlainChange::Delete { name: "plain".parse().unwrap(), at_once: true }).unwrap();

    // As the course has it (slide 476): a copy of the template with a larger /tmp.
    let fstab = DEFAULT_FSTAB.replace("size=16m", "size=64m");
    host.defaults("fstab", &fstab);
    host.defaults("files/nsswitch.conf", "hosts: files dns\n");
    host.defaults("files/resolv.conf", "nameserver 192.0.2.53\n");
    host.defaults("files/hosts", "127.0.0.1 localhost\n192.0.2.80 intranet\n");
    host.build("given").unwrap();
    assert_eq!(fs::read_to_string(config("given").join("fstab")).unwrap(), fstab);
    assert_eq!(etc("given", "nsswitch.conf").unwrap(), "hosts: files dns\n");
    assert_eq!(etc("given", "resolv.conf").unwrap(), "nameserver 192.0.2.53\n");
    let hosts = etc("given", "hosts").unwrap();
    assert_eq!(hosts, "127.0.0.1 localhost\n192.0.2.80 intranet\n192.0.2.9\tgiven\n");
}
