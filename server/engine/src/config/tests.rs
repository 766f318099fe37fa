//! Config trees on disk: the fact sheet's fixture, everything that can be wrong, hostile links.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use domain::config_entry::{ConfigTree, Expected};
use domain::failure::Failure;
use domain::id::VServerName;
use domain::init::InitStyle;
use domain::interface::Interface;
use domain::note::Note;

use super::*;
use crate::roots::Roots;

struct Tree {
    base: tempfile::TempDir,
    roots: Roots,
}

impl Tree {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        let roots = Roots {
            config_base: path("etc"),
            guest_base: path("lib"),
            run_base: path("run"),
            cache_base: path("cache"),
            ..Roots::default()
        };
        Self { base, roots }
    }

    /// Writes files of a VServer whose root exists.
    fn guest(&self, name: &str, files: &[(&str, &str)]) -> VServerName {
        let directory = self.roots.config_base.join(name);
        let root = self.roots.guest_base.join(name);
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&directory).unwrap();
        if !directory.join("vdir").is_symlink() {
            symlink(&root, directory.join("vdir")).unwrap();
        }
        for (path, text) in files {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        name.parse().unwrap()
    }

    fn read(&self, files: &[(&str, &str)]) -> Result<GuestConfig, ConfigError> {
        let name = self.guest("web", files);
        GuestConfig::read(&self.roots, &name)
    }

    fn wrong(files: &[(&str, &str)]) -> (String, usize, Expected) {
        match Failure::from(Self::new().read(files).unwrap_err()) {
            Failure::BadConfig { file, line, expected } => (file, line, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_fixture_of_the_fact_sheet() {
    let tree = Tree::new();
    let config = tree
        .read(&[
            ("name", "monvs"),
            ("context", " 100 \n"),
            ("uts/nodename", "monvs.cume.fr\n"),
            ("interfaces/dev", "eth0"),
            ("interfaces/0/ip", "192.168.44.150\nignored"),
            ("interfaces/0/prefix", "24"),
            ("interfaces/10/ip", "10.0.0.10"),
            ("interfaces/2/ip", "10.0.0.2\n"),
            ("interfaces/2/mask", "255.255.248.0\n"),
            ("interfaces/2/name", "nono"),
            ("interfaces/3/ip", "2001:db8::1"),
            ("interfaces/3/nodev", ""),
            ("interfaces/4/ip", "10.0.0.4"),
            ("interfaces/4/disabled", ""),
            ("interfaces/CVS/Root", "nothing"),
            ("apps/init/mark", "# boot\ndefault\n\n"),
            ("apps/init/depends", "db\n"),
            ("apps/pkgmgmt/internal", ""),
            ("cflags", "virt_mem,~VXF_virt_uptime\nsched_hard"),
            ("flags", "fakeinit"),
            ("bcapabilities", "CAP_NET_RAW\n!sys_chroot"),
            ("rlimits/rss", "5000"),
            ("something/unknown", "kept"),
            ("fstab", domain::build::DEFAULT_FSTAB),
        ])
        .unwrap();
    assert_eq!(config.display_name, "monvs");
    assert_eq!(config.context.unwrap().get(), 100);
    assert_eq!(config.uts.node_name.as_ref().unwrap().as_str(), "monvs.cume.fr");
    let shown: Vec<String> = config.interfaces.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        ["eth0:192.168.44.150/24", "nono=eth0:10.0.0.2/21", "nodev:2001:db8::1", "eth0:10.0.0.10",]
    );
    assert_eq!(config.init.style, InitStyle::Sysv);
    assert_eq!(config.init.start_level.as_deref(), Some("3"));
    assert_eq!(config.init.stop_level.as_deref(), Some("6"));
    assert_eq!(config.init.environment, ["PATH=/bin:/usr/bin:/sbin:/usr/sbin"]);
    assert_eq!(config.init.sync_timeout_seconds, 30);
    assert_eq!(
        config.init.kill_sequence,
        [KillStep { signal: 15, wait_seconds: 5 }, KillStep { signal: 9, wait_seconds: 0 }]
    );
    assert_eq!(config.init.marks, ["default".parse().unwrap()]);
    assert_eq!(config.init.depends, ["db".parse().unwrap()]);
    assert!(config.has_flag("virt_mem") && config.has_flag("sched_hard"));
    assert!(!config.has_flag("virt_uptime") && !config.has_flag("fakeinit"));
    assert_eq!(config.capabilities, CapabilityChanges { added: 1 << 13, removed: 1 << 18 });
    assert_eq!(config.fstab.len(), 3);
    assert_eq!(config.root, fs::canonicalize(tree.roots.guest_base.join("web")).unwrap());
    assert_eq!(
        config.warnings,
        [
            Note::InterfaceWithoutAddress { directory: "interfaces/CVS".to_owned() },
            Note::Overruled { file: "flags".to_owned(), by: "cflags".to_owned() },
            Note::WordWithoutEffect { file: "cflags".to_owned(), word: "virt_mem".to_owned() },
        ]
    );
}

#[test]
fn an_empty_tree_has_the_defaults() {
    let tree = Tree::new();
    let defaults = tree.roots.config_base.join(".defaults/apps/vshelper");
    fs::create_dir_all(&defaults).unwrap();
    fs::write(defaults.join("sync-timeout"), "90").unwrap();
    fs::write(tree.roots.config_base.join(".defaults/shell"), "/bin/zsh -l\n").unwrap();
    let config = tree.read(&[("apps/init/style", "plain")]).unwrap();
    assert_eq!(config.display_name, "web");
    assert_eq!(config.context, None);
    assert_eq!(config.init.style, InitStyle::Plain);
    assert_eq!(config.init.start_level, None);
    assert_eq!(config.init.sync_timeout_seconds, 90);
    assert_eq!(config.shell, Some(vec!["/bin/zsh".to_owned(), "-l".to_owned()]));
    assert!(config.warnings.is_empty() && config.interfaces.is_empty());
}

#[test]
fn every_mistake_names_file_line_and_what_was_expected() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, usize);
    let cases: &[Case<'_>] = &[
        (&[("context", "1")], "web/context", 1),
        (&[("context", "49152")], "web/context", 1),
        (&[("context", "ten")], "web/context", 1),
        (&[("uts/nodename", "a b")], "web/uts/nodename", 1),
        (
            &[("interfaces/0/ip", "10.0.7.0.2"), ("interfaces/0/nodev", "")],
            "web/interfaces/0/ip",
            1,
        ),
        (&[("interfaces/0/ip", "127.0.0.1"), ("interfaces/0/nodev", "")], "web/interfaces/0/ip", 1),
        (&[("interfaces/0/ip", "10.0.0.1")], "web/interfaces/0/dev", 1),
        (&[("interfaces/0/ip", "10.0.0.1"), ("interfaces/dev", "all")], "web/interfaces/dev", 1),
        (
            &[
                ("interfaces/0/ip", "10.0.0.1"),
                ("interfaces/0/nodev", ""),
                ("interfaces/prefix", "33"),
            ],
            "web/interfaces/prefix",
            1,
        ),
        (
            &[
                ("interfaces/0/ip", "10.0.0.1"),
                ("interfaces/0/nodev", ""),
                ("interfaces/mask", "255.0.255.0"),
            ],
            "web/interfaces/mask",
            1,
        ),
        (
            &[
                ("interfaces/0/ip", "10.0.0.1"),
                ("interfaces/0/dev", "eth0"),
                ("interfaces/0/name", "elevenbytes"),
            ],
            "web/interfaces/0/name",
            1,
        ),
        (&[("apps/init/style", "upstart")], "web/apps/init/style", 1),
        (&[("apps/init/runlevel", "3 4")], "web/apps/init/runlevel", 1),
        (&[("apps/init/killseq", "15\n5\nnine")], "web/apps/init/killseq", 3),
        (&[("apps/init/killseq", "15 5")], "web/apps/init/killseq", 1),
        (&[("apps/init/mark", "default\n\n.*")], "web/apps/init/mark", 3),
        (&[("apps/init/depends", "../etc")], "web/apps/init/depends", 1),
        (&[("apps/vshelper/sync-timeout", "soon")], "web/apps/vshelper/sync-timeout", 1),
        (&[("bcapabilities", "# fine\nnet_rawr")], "web/bcapabilities", 2),
        (&[("nice", "20")], "web/nice", 1),
        (&[("fstab", "none /proc proc defaults 0 0\nnone /tmp\n")], "web/fstab", 2),
        (&[("name", "a\0b")], "web/name", 1),
    ];
    for (files, file, line) in cases {
        let (actual_file, actual_line, _) = Tree::wrong(files);
        assert_eq!((actual_file.as_str(), actual_line), (*file, *line), "{files:?}");
    }
}

#[test]
fn no_link_leads_out_of_the_tree() {
    let tree = Tree::new();
    let name = tree.guest("web", &[("real", "inside\n")]);
    let directory = tree.roots.config_of(&name);
    let secret = tree.base.path().join("secret");
    fs::write(&secret, "outside\n").unwrap();
    symlink("real", directory.join("name")).unwrap();
    assert_eq!(GuestConfig::read(&tree.roots, &name).unwrap().display_name, "inside");
    for target in [secret.as_path(), Path::new("../../secret"), Path::new("/proc/self/environ")] {
        fs::remove_file(directory.join("name")).unwrap();
        symlink(target, directory.join("name")).unwrap();
        let error = GuestConfig::read(&tree.roots, &name).unwrap_err();
        assert!(matches!(error, ConfigError::Read { .. }), "{target:?}: {error:?}");
    }
}

#[test]
fn no_directory_leads_out_of_the_tree() {
    let tree = Tree::new();
    let name = tree.guest("web", &[("inside/style", "plain\n")]);
    let directory = tree.roots.config_of(&name);
    let outside = tree.base.path().join("outside");
    fs::create_dir_all(outside.join("init")).unwrap();
    fs::write(outside.join("init/style"), "plain\n").unwrap();
    fs::create_dir(directory.join("apps")).unwrap();
    let init = directory.join("apps/init");
    symlink("../inside", &init).unwrap();
    assert_eq!(GuestConfig::read(&tree.roots, &name).unwrap().init.style, InitStyle::Plain);
    // Its names are not looked at either: that it leads out is told, not taken for being empty.
    for target in [outside.join("init"), "../../../outside/init".into(), "/proc/self".into()] {
        fs::remove_file(&init).unwrap();
        symlink(&target, &init).unwrap();
        let error = GuestConfig::read(&tree.roots, &name).unwrap_err();
        assert!(matches!(error, ConfigError::Read { .. }), "{target:?}: {error:?}");
    }
}

#[test]
fn special_files_and_huge_ones_are_refused_without_waiting() {
    let tree = Tree::new();
    let name = tree.guest("web", &[]);
    let path = tree.roots.config_of(&name).join("name");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(matches!(GuestConfig::read(&tree.roots, &name), Err(ConfigError::Read { .. })));
    fs::remove_file(&path).unwrap();
    fs::write(&path, vec![b'a'; 300 * 1024]).unwrap();
    assert!(matches!(GuestConfig::read(&tree.roots, &name), Err(ConfigError::Unexpected { .. })));
}

#[test]
fn the_list_holds_broken_ones_and_no_others() {
    let tree = Tree::new();
    assert!(list(&tree.roots).unwrap().is_empty());
    tree.guest("web", &[]);
    tree.guest("broken", &[("context", "x")]);
    fs::create_dir(tree.roots.config_base.join("rootless")).unwrap();
    for other in [".defaults", "old.rpmsave", "old~", "old.~1~", "lost+found"] {
        fs::create_dir(tree.roots.config_base.join(other)).unwrap();
    }
    fs::write(tree.roots.config_base.join("file"), "").unwrap();
    let shown: Vec<_> = list(&tree.roots)
        .unwrap()
        .into_iter()
        .map(|listed| (listed.name.to_string(), listed.config.is_ok()))
        .collect();
    let expected = [("broken", false), ("rootless", false), ("web", true)];
    assert_eq!(shown, expected.map(|(name, fine)| (name.to_owned(), fine)));
    let missing = "none".parse().unwrap();
    assert!(matches!(
        GuestConfig::read(&tree.roots, &missing),
        Err(ConfigError::NoSuchVServer { .. })
    ));
}

#[test]
fn what_a_build_writes_is_what_is_read() {
    use domain::build::{BuildDefaults, BuildSpec, DebootstrapOptions, Method};
    let tree = Tree::new();
    let name: VServerName = "monvs".parse().unwrap();
    let interface: Interface = "nono=eth0:192.168.44.151/24".parse().unwrap();
    let spec = BuildSpec {
        name: name.clone(),
        context: "100".parse().unwrap(),
        host_name: "monvs.cume.fr".parse().unwrap(),
        interfaces: vec![interface.clone()],
        broadcast: None,
        cpuset: None,
        replaces: false,
        keeps_root: false,
        ignores_default_options: false,
        init: domain::init::Init::Sysvinit,
        flags: vec![],
        method: Method::Debootstrap {
            suite: "bookworm".parse().unwrap(),
            mirror: "http://mirror.example/debian".parse().unwrap(),
            architecture: "amd64".parse().unwrap(),
            packages: vec![],
            variant: None,
            components: vec![],
            excluded: vec![],
            script: None,
            options: DebootstrapOptions::default(),
        },
        defaults: BuildDefaults::default(),
    };
    ensure_defaults(&tree.roots).unwrap();
    ensure_defaults(&tree.roots).unwrap();
    let (config_base, run_base) = (&tree.roots.config_base, &tree.roots.run_base);
    let files = spec.config_files(config_base.to_str().unwrap(), run_base.to_str().unwrap());
    let staging = staging_of(&tree.roots, &name);
    write_new(&staging, &files).unwrap();
    assert!(list(&tree.roots).unwrap().is_empty(), "a staging directory is no VServer");
    fs::rename(&staging, tree.roots.config_of(&name)).unwrap();
    fs::create_dir(tree.roots.guest_base.join(name.as_str())).unwrap();
    let config = GuestConfig::read(&tree.roots, &name).unwrap();
    assert_eq!(config.interfaces, [interface]);
    assert_eq!(config.context.unwrap().get(), 100);
    assert_eq!(config.fstab.len(), 3);
    assert_eq!(config.root, fs::canonicalize(tree.roots.guest_base.join(name.as_str())).unwrap());
    let shown = files_of(&tree.roots, &ConfigTree::VServer(name.clone())).unwrap();
    assert_eq!(shown.len(), files.len());
}

#[test]
fn nothing_is_written_elsewhere_or_across_lines() {
    use domain::build::{PlannedContent, PlannedFile};
    let tree = Tree::new();
    let staging = tree.base.path().join("staging");
    let text = |text: &str| PlannedContent::Text(text.to_owned());
    for (path, content) in [
        ("../x", text("a\n")),
        ("/etc/x", text("a\n")),
        ("", text("a\n")),
        ("name", text("a\nb\n")),
        ("name", text("a")),
        ("name", text("a\0\n")),
        ("vdir", PlannedContent::Link("a\nb".to_owned())),
    ] {
        let files = [PlannedFile { path: path.to_owned(), content }];
        assert!(matches!(write_new(&staging, &files), Err(ConfigError::Unwritable { .. })));
    }
    assert!(!staging.exists());
}

#[test]
fn how_an_fstab_has_things_written_is_the_filesystems_or_told() {
    let text = "none /tmp tmpfs size=1m,sync,dirsync 0 0\nnone /run tmpfs sync,async 0 0\n\
                /srv /srv none bind,dirsync,nodiratime 0 0\n";
    let config = Tree::new().read(&[("context", "100"), ("fstab", text)]).unwrap();
    let options: Vec<String> = config.fstab.iter().map(FstabEntry::filesystem_options).collect();
    assert_eq!(options[..2], ["size=1m,sync,dirsync", ""]);
    let told = Note::WordWithoutEffect { file: "fstab:3".to_owned(), word: "dirsync".to_owned() };
    assert!(config.warnings.contains(&told), "{:?}", config.warnings);
    assert_eq!(
        config
            .warnings
            .iter()
            .filter(|note| matches!(note, Note::WordWithoutEffect { .. }))
            .count(),
        1
    );
}
