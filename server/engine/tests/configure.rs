//! Changing config trees: real trees on disk, as the original left them and as hostile hands do.

mod instance;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::change::Change;
use domain::config_change::{Author, ConfigEdit, FileState, Kept, NotEditable, Use};
use domain::config_entry::{ConfigPath, ConfigTree, Digest, Expected};
use domain::failure::Failure;
use domain::field::Problem;
use domain::id::UserId;
use domain::operation::{Actor, Operation, Progress};
use engine::Engine;
use engine::build::distribution;
use engine::config::GuestConfig;
use engine::operation::Silent;
use engine::roots::Roots;
use instance::engine_below;

struct Host {
    base: tempfile::TempDir,
    engine: Arc<Engine>,
}

fn web_user() -> Actor {
    Actor::User { id: UserId(7), name: "otto".parse().unwrap() }
}

fn root() -> Actor {
    Actor::CommandLine { login: "ada".to_owned() }
}

fn path(text: &str) -> ConfigPath {
    text.parse().unwrap()
}

fn tree(name: &str) -> ConfigTree {
    name.parse().unwrap()
}

impl Host {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let engine = engine_below(base.path(), "ulysse-test-none", None);
        Self { base, engine }
    }

    fn roots(&self) -> &Roots {
        &self.engine.instance().settings.roots
    }

    fn directory(&self, name: &str) -> PathBuf {
        self.roots().config_base.join(name)
    }

    /// A VServer whose root exists.
    fn guest(&self, name: &str, files: &[(&str, &str)]) {
        let (directory, root) = (self.directory(name), self.roots().guest_base.join(name));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&directory).unwrap();
        symlink(&root, directory.join("vdir")).unwrap();
        for (path, text) in files {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    /// What the fact sheet's first build leaves.
    fn monvs(&self) {
        self.guest(
            "monvs",
            &[
                ("name", "monvs\n"),
                ("context", "100\n"),
                ("uts/nodename", "monvs.cume.fr\n"),
                ("interfaces/0/ip", "192.168.44.150\n"),
                ("interfaces/0/prefix", "24\n"),
                ("interfaces/0/nodev", ""),
                ("apps/pkgmgmt/internal", ""),
                ("fstab", domain::build::DEFAULT_FSTAB),
            ],
        );
        let directory = self.directory("monvs");
        fs::create_dir_all(directory.join("apps/init")).unwrap();
        fs::create_dir(directory.join("cpuset")).unwrap();
        symlink("/var/run/vservers/monvs", directory.join("run")).unwrap();
    }

    /// A tree that has seen a few administrators and util-vserver 0.30.212.
    fn legacy(&self) {
        self.guest(
            "old",
            &[
                ("context", "210"),
                ("flags", "# as we always did\nfakeinit\nvirt_mem"),
                ("hostname", "old.cume.fr"),
                ("interfaces/dev", "nat0"),
                ("interfaces/0/ip", "10.127.0.7"),
                ("interfaces/0/name", "old"),
                ("interfaces/CVS/Root", ":pserver:nobody\n"),
                ("interfaces/0.rpmsave/ip", "10.127.0.8"),
                ("schedule", "1\n2\n3\n4\n5\n6\n"),
                ("rlimits/rss", "10000"),
                ("fstab", "none /proc proc defaults 0 0\n/srv/old /srv none bind 0 0"),
                ("fstab~", "none /proc proc defaults 0 0\n"),
                ("apps/init/mark", "default"),
                ("apps/init/killseq", "30\n10\n9\n"),
                ("notes from the night of the fire.txt", "do not touch\n"),
                ("context.rpmnew", "211\n"),
            ],
        );
        let script = self.directory("old").join("scripts/pre-start");
        fs::create_dir_all(script.parent().unwrap()).unwrap();
        fs::write(&script, "#!/bin/sh\nmount /srv/old\n").unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn seen(&self, name: &str, file: &str) -> Option<Digest> {
        match self.engine.config_file(&tree(name), &path(file)).unwrap().state {
            FileState::Text { digest, .. } => Some(digest),
            FileState::NotText { digest, .. } => digest,
            _ => None,
        }
    }

    fn edit(&self, name: &str, file: &str, text: Option<&str>) -> ConfigEdit {
        let seen = self.seen(name, file);
        ConfigEdit { path: path(file), seen, text: text.map(str::to_owned) }
    }

    fn change(&self, change: Change, actor: Actor) -> Result<Operation, Failure> {
        let operation = self.engine.run_in_process(change, actor, &Silent)?;
        match &operation.progress {
            Progress::Succeeded => Ok(operation),
            Progress::Failed { failure } => Err(failure.clone()),
            other => panic!("{other:?}"),
        }
    }

    fn set(
        &self,
        actor: Actor,
        name: &str,
        file: &str,
        text: Option<&str>,
    ) -> Result<Operation, Failure> {
        let edits = vec![self.edit(name, file, text)];
        self.change(Change::Configure { tree: tree(name), edits }, actor)
    }

    fn undo(&self, name: &str, number: u32) -> Result<Operation, Failure> {
        self.change(Change::UndoConfig { tree: tree(name), number }, web_user())
    }

    fn text(&self, name: &str, file: &str) -> Option<String> {
        fs::read_to_string(self.directory(name).join(file)).ok()
    }

    fn refused(&self, name: &str, file: &str, text: &str) -> Vec<(String, usize, Expected)> {
        match self.set(web_user(), name, file, Some(text)) {
            Err(Failure::ConfigRefused { problems }) => {
                problems.into_iter().map(|p| (p.path, p.line, p.expected)).collect()
            }
            other => panic!("{file}: {other:?}"),
        }
    }
}

/// Every file and link below a directory, with its bytes or target.
fn all_of(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let found = fs::symlink_metadata(&path).unwrap();
        if found.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            all.insert(path, target.into_os_string().into_encoded_bytes());
        } else if found.is_dir() {
            all.extend(all_of(&path));
            all.insert(path, Vec::new());
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn files_are_written_made_and_removed_and_nothing_else_is_touched() {
    for name in ["monvs", "old"] {
        let host = Host::new();
        if name == "monvs" {
            host.monvs();
        } else {
            host.legacy();
        }
        let before = all_of(&host.directory(name));
        host.set(root(), name, "context", Some("300\n")).unwrap();
        host.set(web_user(), name, "interfaces/1/ip", Some("10.9.9.9/24\n")).unwrap_err();
        let edits = vec![
            host.edit(name, "interfaces/1/ip", Some("10.9.9.9/24\n")),
            host.edit(name, "interfaces/1/nodev", Some("")),
            host.edit(name, "apps/init/mark", Some("default\nweb\n")),
        ];
        host.change(Change::Configure { tree: tree(name), edits }, web_user()).unwrap();
        let config = GuestConfig::read(host.roots(), &name.parse().unwrap()).unwrap();
        assert_eq!(config.context.unwrap().get(), 300);
        assert_eq!(config.interfaces.last().unwrap().to_string(), "nodev:10.9.9.9/24");
        assert_eq!(config.init.marks.len(), 2);
        // The last file of an interface takes its directory along.
        let edits = vec![
            host.edit(name, "interfaces/1/ip", None),
            host.edit(name, "interfaces/1/nodev", None),
        ];
        host.change(Change::Configure { tree: tree(name), edits }, web_user()).unwrap();
        let mut after = all_of(&host.directory(name));
        for changed in ["context", "apps/init/mark"] {
            let path = host.directory(name).join(changed);
            assert!(after.remove(&path).is_some());
            after
                .extend(before.get_key_value(&path).map(|(path, old)| (path.clone(), old.clone())));
        }
        assert_eq!(after, before);
    }
}

#[test]
fn an_edit_by_hand_is_never_overwritten() {
    let host = Host::new();
    host.monvs();
    let edit = host.edit("monvs", "context", Some("300\n"));
    let new = host.edit("monvs", "nice", Some("5\n"));
    fs::write(host.directory("monvs").join("context"), "123\n").unwrap();
    fs::write(host.directory("monvs").join("nice"), "1\n").unwrap();
    for edit in [edit, new] {
        let path = edit.path.clone();
        let change = Change::Configure { tree: tree("monvs"), edits: vec![edit] };
        assert_eq!(host.change(change, root()), Err(Failure::ConfigChanged { path }));
    }
    assert_eq!(host.text("monvs", "context").unwrap(), "123\n");
    assert_eq!(host.text("monvs", "nice").unwrap(), "1\n");
    let same = host.set(root(), "monvs", "context", Some("123\n"));
    assert_eq!(same, Err(Failure::ConfigUnchanged));
}

#[test]
fn what_makes_no_sense_is_refused_with_file_and_line() {
    let host = Host::new();
    host.monvs();
    host.legacy();
    host.guest("other", &[("interfaces/0/ip", "10.127.0.9"), ("interfaces/0/nodev", "")]);
    let monvs = "monvs".parse().unwrap();
    let context = 100_u32.try_into().unwrap();
    assert_eq!(
        host.refused("old", "context", "100\n"),
        [(
            "context".to_owned(),
            1,
            Expected::FreeContext(Problem::ContextTaken { context, by: monvs })
        )]
    );
    let taken = host.refused("old", "interfaces/0/ip", "10.127.0.9\n");
    assert!(
        matches!(&taken[0], (path, 1, Expected::UsableAddress(Problem::AddressTaken { .. })) if path == "interfaces/0/ip"),
        "{taken:?}"
    );
    let device = host.refused("old", "interfaces/0/dev", "nosuch0\n");
    assert!(
        matches!(&device[0], (path, 1, Expected::Device(Problem::NoSuchDevice { .. })) if path == "interfaces/0/dev"),
        "{device:?}"
    );
    // A file that is not the changed one, but would make no sense any more.
    let label = host.refused("old", "interfaces/dev", "longdevice12345\n");
    assert_eq!((label[0].0.as_str(), label[0].1), ("interfaces/0/name", 1));
    assert_eq!(
        host.refused("old", "apps/init/depends", "monvs\n# both\nnobody\n"),
        [("apps/init/depends".to_owned(), 3, Expected::ExistingVServer)]
    );
    assert_eq!(host.refused("old", "apps/init/depends", "old\n").len(), 1, "itself");
    assert_eq!(host.refused("monvs", "cflags", "virt_mem\n\nvirt_men\n")[0].1, 3);
    assert_eq!(host.refused("monvs", "nice", "20\n")[0].1, 1);
    assert_eq!(
        host.refused("monvs", "name", "a\nb\n"),
        [("name".to_owned(), 2, Expected::OneLine)]
    );
    let huge = "a\n".repeat(20_000);
    assert_eq!(
        host.refused("monvs", "apps/init/mark", &huge)[0].2,
        Expected::AtMostBytes(16 * 1024)
    );
    assert_eq!(host.text("old", "context").unwrap(), "210");
}

#[test]
fn a_broken_tree_is_mended_file_by_file() {
    let host = Host::new();
    host.guest("web", &[("context", "ten"), ("nice", "much"), ("name", "web\n")]);
    host.set(web_user(), "web", "context", Some("50\n")).unwrap();
    // It is broken still, by a file that this does not touch.
    host.set(web_user(), "web", "name", Some("the web\n")).unwrap();
    host.set(web_user(), "web", "nice", None).unwrap();
    assert!(GuestConfig::read(host.roots(), &"web".parse().unwrap()).is_ok());
}

#[test]
fn the_web_reaches_nothing_of_the_host() {
    let host = Host::new();
    host.legacy();
    let reason = |actor, file: &str, text: Option<&str>| match host.set(actor, "old", file, text) {
        Err(Failure::ConfigNotEditable { reason, .. }) => reason,
        other => panic!("{file}: {other:?}"),
    };
    let before = all_of(&host.directory("old"));
    for file in ["scripts/pre-start", "scripts/post-stop", "scripts/pre-start.d/x", "vdir"] {
        assert_eq!(reason(web_user(), file, Some("x\n")), NotEditable::ByHand, "{file}");
        assert_eq!(reason(root(), file, Some("x\n")), NotEditable::ByHand, "{file}");
    }
    assert_eq!(reason(web_user(), "scripts/pre-start", None), NotEditable::ByHand);
    for file in ["apps/init/cmd.prepare", "bcapabilities", "nonamespace", "cgroup/devices.allow"] {
        assert_eq!(reason(web_user(), file, Some("all\n")), NotEditable::HostOnly, "{file}");
    }
    for file in ["new/file", "notes from the night of the fire.txt", "interfaces/0/script"] {
        assert_eq!(reason(web_user(), file, Some("x\n")), NotEditable::Unknown, "{file}");
    }
    // A mount of the host that root wrote may stay, or go; no other may come.
    let mounts = "/srv/old /srv none bind 0 0\nnone /tmp tmpfs size=1m 0 0\n";
    let more = format!("{mounts}/etc /etc none bind\n");
    assert_eq!(
        host.refused("old", "fstab", &more),
        [("fstab".to_owned(), 3, Expected::NoHostSource)]
    );
    assert_eq!(all_of(&host.directory("old")), before);
    host.set(web_user(), "old", "fstab", Some(mounts)).unwrap();
    host.set(web_user(), "old", "fstab", Some("none /tmp tmpfs size=1m 0 0\n")).unwrap();
    host.set(root(), "old", "fstab", Some(&more)).unwrap();
    // What nobody knows may be removed, and put back from the history.
    let file = "notes from the night of the fire.txt";
    host.set(web_user(), "old", file, None).unwrap();
    let number = host.engine.config_history(&tree("old")).unwrap()[0].number;
    host.undo("old", number).unwrap();
    assert_eq!(host.text("old", file).unwrap(), "do not touch\n");
}

#[test]
fn no_link_is_followed() {
    let host = Host::new();
    host.monvs();
    let outside = host.base.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("ip"), "10.0.0.1\n").unwrap();
    let directory = host.directory("monvs");
    symlink(&outside, directory.join("interfaces/1")).unwrap();
    symlink(outside.join("ip"), directory.join("nice")).unwrap();
    symlink("name", directory.join("domainname")).unwrap();
    nix::unistd::mkfifo(&directory.join("badness"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let before = all_of(&outside);
    for (file, expected) in [
        ("interfaces/1/ip", NotEditable::NotAFile),
        ("interfaces/1/nodev", NotEditable::NotAFile),
        ("nice", NotEditable::ByHand),
        ("domainname", NotEditable::ByHand),
        ("badness", NotEditable::NotAFile),
        ("interfaces/0", NotEditable::NotAFile),
    ] {
        match host.set(root(), "monvs", file, Some("1\n")) {
            Err(Failure::ConfigNotEditable { reason, .. }) => {
                assert_eq!(reason, expected, "{file}");
            }
            other => panic!("{file}: {other:?}"),
        }
    }
    assert_eq!(all_of(&outside), before);
}

#[test]
fn the_history_keeps_who_did_what_and_undoes_it() {
    let host = Host::new();
    host.monvs();
    let history = || host.engine.config_history(&tree("monvs")).unwrap();
    assert!(history().is_empty(), "the first look notices nothing");
    host.set(web_user(), "monvs", "context", Some("300\n")).unwrap();
    let directory = host.directory("monvs");
    fs::write(directory.join("context"), "301\n").unwrap();
    fs::remove_file(directory.join("uts/nodename")).unwrap();
    fs::write(directory.join("nice"), "5").unwrap();
    host.set(root(), "monvs", "name", Some("mine\n")).unwrap();
    let kept = |text: &str| Kept::Text(text.to_owned());
    let all = history();
    let shown: Vec<_> =
        all.iter().map(|r| (r.number, r.files.len(), r.author == Author::ByHand)).collect();
    assert_eq!(shown, [(3, 1, false), (2, 3, true), (1, 1, false)]);
    assert_eq!(all[2].author, Author::Known(web_user()));
    assert_eq!((&all[2].files[0].before, &all[2].files[0].after), (&kept("100\n"), &kept("300\n")));
    // Nothing is noticed twice.
    assert_eq!(history().len(), 3);

    // Of the oldest, the file is another by now; the others can be undone, in any order.
    let path = path("context");
    assert_eq!(host.undo("monvs", 1), Err(Failure::ConfigChanged { path: path.clone() }));
    host.undo("monvs", 2).unwrap();
    assert_eq!(host.text("monvs", "context").unwrap(), "300\n");
    assert_eq!(host.text("monvs", "uts/nodename").unwrap(), "monvs.cume.fr\n");
    assert_eq!(host.text("monvs", "nice"), None);
    host.undo("monvs", 1).unwrap();
    host.undo("monvs", 3).unwrap();
    assert_eq!(host.text("monvs", "context").unwrap(), "100\n");
    assert_eq!(host.text("monvs", "name").unwrap(), "monvs\n");
    let all = history();
    assert_eq!(all[0].undoes, Some(3));
    // The undoing can be undone.
    host.undo("monvs", all[0].number).unwrap();
    assert_eq!(host.text("monvs", "name").unwrap(), "mine\n");
    assert_eq!(host.undo("monvs", 99), Err(Failure::NoSuchConfigChange { number: 99 }));
    let of_context = host.engine.config_file(&tree("monvs"), &path).unwrap().history;
    assert!(of_context.iter().all(|r| r.files.len() == 1 && r.files[0].path == path));
    assert_eq!(of_context.len(), 4);
}

#[test]
fn the_defaults_are_a_tree_too() {
    let host = Host::new();
    host.monvs();
    let mirror = "apps/debootstrap/mirror";
    let defaults = ".defaults";
    host.set(web_user(), defaults, mirror, Some("http://mirror.example/debian\n")).unwrap();
    let view = host.engine.config_file(&ConfigTree::Defaults, &path(mirror)).unwrap();
    assert_eq!(view.in_use, Use::NextBuild);
    assert!(host.directory(defaults).join("vdirbase").is_symlink());
    let wrong = host.set(web_user(), defaults, mirror, Some("gopher://x\n"));
    assert!(matches!(wrong, Err(Failure::ConfigRefused { .. })), "{wrong:?}");
    let link = host.set(root(), defaults, "vdirbase", Some("x\n"));
    assert!(matches!(link, Err(Failure::ConfigNotEditable { .. })), "{link:?}");
    // An entry of a VServer is none of the defaults.
    let other = host.set(root(), defaults, "context", Some("10\n"));
    assert!(matches!(other, Err(Failure::ConfigNotEditable { .. })), "{other:?}");
    host.undo(defaults, 1).unwrap();
    assert_eq!(host.text(defaults, mirror), None);
}

#[test]
fn a_distribution_is_described_changed_and_gone() {
    let host = Host::new();
    let (tree, all) = (".distributions", host.directory(".distributions"));
    let source = "[core]\nname=Core\nbaseurl=http://mirror.example/$releasever/\ngpgcheck=1\n";
    // A preview makes nothing of what it judges.
    let edits = [host.edit(tree, "fc6/yum.repos.d/core.repo", Some(source))];
    host.engine.judge_config(&ConfigTree::Distributions, &edits).unwrap();
    assert!(all_of(&all).is_empty());
    host.set(web_user(), tree, "fc6/yum.repos.d/core.repo", Some(source)).unwrap();
    host.set(web_user(), tree, "fc6/pkgs/01", Some("glibc bash # first\n--can-fail\n")).unwrap();
    host.set(web_user(), tree, "etch/debootstrap.mirror", Some("http://old.example/\n")).unwrap();
    let roots = host.roots();
    assert_eq!(distribution::names(roots), ["fc6".parse().unwrap()]);
    assert_eq!(distribution::suites(roots)[0].mirror, "http://old.example/");
    let view = host.engine.config_file(&ConfigTree::Distributions, &path("fc6/pkgs/01")).unwrap();
    assert_eq!((view.in_use, view.history.len()), (Use::NextBuild, 1));

    // What reaches for the host, or drops a check, is root's; who has it may keep it.
    let unchecked = source.replace("gpgcheck=1", "gpgcheck=0");
    let refused = host.refused(tree, "fc6/yum.repos.d/core.repo", &unchecked);
    let wrong = |line| {
        let file = "fc6/yum.repos.d/core.repo".to_owned();
        vec![(file, line, Expected::CheckedRepository)]
    };
    assert_eq!(refused, wrong(4));
    let here = source.replace("http://mirror.example/", "file:///srv/");
    assert_eq!(host.refused(tree, "fc6/yum.repos.d/core.repo", &here), wrong(3));
    host.set(root(), tree, "fc6/yum.repos.d/core.repo", Some(&unchecked)).unwrap();
    let kept = unchecked.replace("Core", "The core");
    host.set(web_user(), tree, "fc6/yum.repos.d/core.repo", Some(&kept)).unwrap();
    assert_eq!(host.refused(tree, "fc6/pkgs/01", "bash\n--nogpgcheck\n")[0].1, 2);
    for (file, reason) in [
        ("fc6/yum/yum.conf", NotEditable::HostOnly),
        ("fc6/pubkeys/key", NotEditable::HostOnly),
        (".common/pubkeys/key", NotEditable::HostOnly),
        ("fc6/rpm/macros", NotEditable::HostOnly),
        ("fc6/initpost", NotEditable::ByHand),
        ("fc6/template", NotEditable::ByHand),
        ("-x/pkgs/01", NotEditable::Unknown),
        (".other/pkgs/01", NotEditable::Unknown),
        ("fc6/unheard-of", NotEditable::Unknown),
    ] {
        let refused = host.set(web_user(), tree, file, Some("x\n"));
        let path = path(file);
        assert_eq!(refused, Err(Failure::ConfigNotEditable { path, reason }), "{file}");
    }
    let program = host.set(root(), tree, "fc6/initpost", Some("#!/bin/sh\n"));
    assert!(matches!(program, Err(Failure::ConfigNotEditable { .. })), "{program:?}");
    host.set(root(), tree, "fc6/yum/yum.conf", Some("[main]\n")).unwrap();
    // What is elsewhere on the host is not written over a link.
    fs::create_dir(host.base.path().join("shared")).unwrap();
    symlink(host.base.path().join("shared"), all.join("linked")).unwrap();
    let linked = host.set(root(), tree, "linked/releasever", Some("1\n"));
    let (path, reason) = (path("linked/releasever"), NotEditable::NotAFile);
    assert_eq!(linked, Err(Failure::ConfigNotEditable { path, reason }));

    // With its last file it is gone, and the history puts it back.
    let before = all_of(&all);
    let files = ["fc6/yum.repos.d/core.repo", "fc6/pkgs/01", "fc6/yum/yum.conf"];
    let edits = files.map(|file| host.edit(tree, file, None)).to_vec();
    host.change(Change::Configure { tree: ConfigTree::Distributions, edits }, root()).unwrap();
    assert!(!all.join("fc6").exists() && all.join("etch/debootstrap.mirror").exists());
    assert!(distribution::names(roots).is_empty());
    let last = host.engine.config_history(&ConfigTree::Distributions).unwrap()[0].number;
    let undo = Change::UndoConfig { tree: ConfigTree::Distributions, number: last };
    host.change(undo, root()).unwrap();
    assert_eq!(all_of(&all), before);
}

#[test]
fn what_is_not_there_is_said_so() {
    let host = Host::new();
    let missing = Failure::NoSuchVServer { name: "nobody".parse().unwrap() };
    let tree = tree("nobody");
    assert_eq!(host.engine.config_files(&tree), Err(missing.clone()));
    assert_eq!(host.engine.config_file(&tree, &path("name")), Err(missing.clone()));
    assert_eq!(host.engine.config_history(&tree), Err(missing.clone()));
    assert_eq!(host.change(Change::UndoConfig { tree, number: 1 }, root()), Err(missing));
    assert!(!host.roots().state_base.join("config-history/nobody").exists());
}

#[test]
fn modes_and_owners_stay() {
    let host = Host::new();
    host.monvs();
    let file = host.directory("monvs").join("context");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::chown(&file, Some(1), Some(2)).unwrap();
    host.set(root(), "monvs", "context", Some("300\n")).unwrap();
    use std::os::unix::fs::MetadataExt;
    let found = fs::metadata(&file).unwrap();
    assert_eq!((found.mode() & 0o777, found.uid(), found.gid()), (0o640, 1, 2));
    let new = host.directory("monvs").join("nice");
    host.set(root(), "monvs", "nice", Some("1\n")).unwrap();
    assert_eq!(fs::metadata(&new).unwrap().mode() & 0o777, 0o644);
}
