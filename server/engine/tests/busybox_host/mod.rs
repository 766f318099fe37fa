//! An instance of Ulysse of its own for one test, without a server: roots in a temporary directory, a host
//! network and a cgroup that no other has, and VServers of nothing but busybox.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use domain::change::{Change, PlainChange};
use domain::config_change::Author;
use domain::id::VServerName;
use domain::note::Note;
use domain::operation::{Actor, Operation, Progress};
use domain::trace::StepKind;
use engine::Engine;
use engine::cgroup::{self, Layout};
use engine::exec::{self, Invocation};
use engine::operation::Silent;
use engine::roots::{Roots, Settings};
use engine::state::GuestState;

use crate::instance::engine_with;

/// An instance of its own; what runs of it is ended when it is dropped.
pub(crate) struct Host {
    _base: tempfile::TempDir,
    pub(crate) engine: Arc<Engine>,
}

impl Host {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// One with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // The test's thread, and what it starts, are on a host network of their own.
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        let base = tempfile::tempdir().unwrap();
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let test = std::env::current_exe().unwrap();
        let program = test.parent().and_then(Path::parent).unwrap().join("examples/roles");
        let cgroups = format!("ulysse-test-host-{}-{number}", std::process::id());
        let engine = engine_with(base.path(), &cgroups, Some(program), change);
        engine::config::ensure_defaults(&engine.instance().settings.roots).unwrap();
        Self { _base: base, engine }
    }

    pub(crate) fn roots(&self) -> &Roots {
        &self.engine.instance().settings.roots
    }

    pub(crate) fn config(&self, name: &str) -> PathBuf {
        self.roots().config_base.join(name)
    }

    /// A VServer of busybox with this config tree, whose rc does `script`; its links are the original's.
    pub(crate) fn guest(&self, name: &str, tree: &[(&str, &str)], script: &str) {
        let (root, config) = (self.roots().guest_base.join(name), self.config(name));
        for directory in ["bin", "dev", "etc/init.d", "mnt", "proc", "sys", "tmp", "var/run"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
        let list = Command::new("/bin/busybox").arg("--list").output().unwrap();
        for applet in String::from_utf8(list.stdout).unwrap().lines() {
            // busybox itself is there already.
            let _ = symlink("busybox", root.join("bin").join(applet));
        }
        fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
        let rc = root.join("etc/init.d/rc");
        fs::write(&rc, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&rc, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(&config).unwrap();
        for (path, text) in tree {
            let path = config.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let defaults = self.roots().config_base.join(".defaults");
        symlink(defaults.join("vdirbase").join(name), config.join("vdir")).unwrap();
        symlink(defaults.join("cachebase").join(name), config.join("cache")).unwrap();
        symlink(self.roots().run_base.join(name), config.join("run")).unwrap();
    }

    pub(crate) fn run(&self, change: impl Into<Change>) -> Operation {
        let actor = Actor::CommandLine { login: "ada".to_owned() };
        self.engine.run_in_process(change, actor, &Silent).unwrap()
    }

    pub(crate) fn must(&self, change: impl Into<Change>) -> Operation {
        let operation = self.run(change);
        assert_eq!(operation.progress, Progress::Succeeded, "{}", operation.command);
        operation
    }

    pub(crate) fn log(&self, operation: &Operation) -> String {
        self.engine.read_log(&operation.id, 0).unwrap().text
    }

    /// What Ulysse itself said in the log of an operation, but for its steps.
    pub(crate) fn notes(&self, operation: &Operation) -> Vec<Note> {
        let log = self.log(operation);
        let notes = log.lines().filter_map(Note::of_line);
        notes.filter(|note| !matches!(note, Note::Traced { .. })).collect()
    }

    /// The steps that the log of an operation says were taken.
    pub(crate) fn steps(&self, operation: &Operation) -> Vec<StepKind> {
        let log = self.log(operation);
        let step = |note| match note {
            Note::Traced { step, named } => {
                assert_eq!(named.len(), step.names(), "{step:?}: {named:?}");
                Some(step)
            }
            _ => None,
        };
        log.lines().filter_map(Note::of_line).filter_map(step).collect()
    }

    pub(crate) fn state(&self, name: &str) -> Option<GuestState> {
        GuestState::running(self.roots(), &name.parse().unwrap()).unwrap()
    }

    /// What a command inside says.
    pub(crate) fn inside(&self, name: &str, script: &str) -> String {
        let state = self.state(name).unwrap();
        let argv = ["/bin/sh", "-c", script].map(Into::into).to_vec();
        let invocation = Invocation::from_here(argv);
        let executable = &self.engine.instance().executable;
        let mut command = exec::command(executable, self.roots(), &state, &invocation).unwrap();
        let output = command.output().unwrap();
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Who changed what in a tree, the newest first.
    pub(crate) fn history(&self, name: &str) -> Vec<(Author, Vec<String>)> {
        let records = self.engine.config_history(&name.parse().unwrap()).unwrap();
        let files = |record: &domain::config_change::ConfigRecord| {
            record.files.iter().map(|file| file.path.to_string()).collect()
        };
        records.iter().map(|record| (record.author.clone(), files(record))).collect()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let patience = Duration::from_secs(10);
        for state in GuestState::all(self.roots()).unwrap_or_default() {
            let _ = cgroup::kill_all(&state.cgroups, patience);
            let _ = cgroup::remove(&state.cgroups, patience);
        }
        let Ok(layout) = Layout::detect() else { return };
        for directory in layout.paths(&self.roots().cgroup_root, ".supervisors") {
            let Some(top) = directory.parent() else { continue };
            let deadline = Instant::now() + patience;
            // A supervisor ends a moment after its guest.
            while top.exists() && Instant::now() < deadline {
                for entry in fs::read_dir(top).into_iter().flatten().flatten() {
                    let _ = fs::remove_dir(entry.path());
                }
                if fs::remove_dir(top).is_ok() {
                    break;
                }
                std::thread::park_timeout(Duration::from_millis(5));
            }
        }
    }
}

pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The name of a VServer.
pub(crate) fn name(text: &str) -> VServerName {
    text.parse().unwrap()
}

/// A VServer of a test.
pub(crate) struct Guest<'a> {
    pub(crate) host: &'a Host,
    pub(crate) name: &'static str,
}

impl<'a> Guest<'a> {
    pub(crate) fn make(host: &'a Host, name: &'static str, tree: &[(&str, &str)]) -> Self {
        host.guest(name, tree, "true");
        Self { host, name }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.host.roots().guest_base.join(self.name)
    }

    /// Puts an executable script into it.
    pub(crate) fn script(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn configure(&self, path: &str, text: &str) {
        let path = self.host.config(self.name).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn start(&self) -> Operation {
        self.host.must(PlainChange::Start(name(self.name)))
    }

    pub(crate) fn stop(&self) -> Operation {
        self.host.must(PlainChange::Stop(name(self.name)))
    }

    /// What a file of it says, once it is there.
    pub(crate) fn said(&self, path: &str) -> String {
        let path = self.root().join(path);
        until(&format!("{} is there", path.display()), || path.exists());
        fs::read_to_string(path).unwrap()
    }

    /// Puts a hook into its config tree, or into that of the defaults, which is `.defaults`.
    pub(crate) fn hook(&self, tree: &str, file: &str, mode: u32, text: &str) -> PathBuf {
        let path = self.host.roots().config_base.join(tree).join("scripts").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// The lines that hooks and the VServer's own scripts have written to its file `order`.
    pub(crate) fn order(&self) -> Vec<String> {
        let text = fs::read_to_string(self.root().join("order")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }
}
