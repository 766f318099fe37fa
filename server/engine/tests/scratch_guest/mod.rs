//! A guest for one test: a root directory with busybox, cgroups of its own, and nothing left of it
//! afterwards, whatever the test did.

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use domain::id::ContextId;
use engine::cgroup::{self, Layout};
use engine::config::KillStep;
use engine::guest::{self, InitCommand, InitPlan, Preparation, StartPlan, Started};
use engine::state::ProcessIdentity;
use sys::capability::CapabilitySet;
use tempfile::TempDir;

/// Waits for a condition, but not for ever.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A guest that can be started.
pub(crate) struct Scratch {
    directory: TempDir,
    cgroup_root: String,
    cgroups: Vec<PathBuf>,
    supervisor_cgroups: Vec<PathBuf>,
    context: u32,
    init: Cell<Option<ProcessIdentity>>,
    supervisor: Cell<Option<ProcessIdentity>>,
}

impl Scratch {
    /// Its files; nothing runs.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let context = 1000 + number;
        let directory = tempfile::tempdir().unwrap();
        // Guests must get through to their root, and no further than there.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let root = directory.path().join("root");
        for name in ["bin", "dev", "etc/init.d", "mnt", "proc", "sys", "tmp"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        fs::copy("/bin/busybox", root.join("bin/busybox")).unwrap();
        let list = Command::new("/bin/busybox").arg("--list").output().unwrap();
        for applet in String::from_utf8(list.stdout).unwrap().lines() {
            // busybox itself is there already.
            let _ = symlink("busybox", root.join("bin").join(applet));
        }
        let cgroup_root = format!("ulysse-test-{}-{number}", std::process::id());
        let layout = Layout::detect().unwrap();
        let owner = first_host_id(context);
        let cgroups = layout.create(&cgroup_root, "web1", owner).unwrap();
        let supervisor_cgroups = layout.create_supervisors(&cgroup_root).unwrap();
        let scratch = Self {
            directory,
            cgroup_root,
            cgroups,
            supervisor_cgroups,
            context,
            init: Cell::default(),
            supervisor: Cell::default(),
        };
        scratch.script("true");
        scratch
    }

    /// Its root directory on the host.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    /// Makes an executable file in it.
    pub(crate) fn file(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What `/etc/init.d/rc` does.
    pub(crate) fn script(&self, commands: &str) {
        self.file("etc/init.d/rc", &format!("#!/bin/sh\n{commands}\n"));
    }

    /// The plan of its start.
    pub(crate) fn plan(&self) -> StartPlan {
        let base = self.directory.path();
        StartPlan {
            name: "web1".parse().unwrap(),
            context: ContextId::try_from(self.context).unwrap(),
            root: self.root(),
            first_host_id: first_host_id(self.context),
            host_ids: 65_536,
            host_name: "web1".to_owned(),
            domain_name: None,
            init: InitPlan::Own {
                title: "3".to_owned(),
                start: rc("3"),
                stop: rc("6"),
                kill_sequence: vec![
                    KillStep { signal: 15, wait_seconds: 3 },
                    KillStep { signal: 9, wait_seconds: 0 },
                ],
            },
            preparation: Preparation::RunLevel("3".to_owned()),
            reports_start: false,
            environment: vec!["PATH=/bin:/usr/bin:/sbin:/usr/sbin".to_owned()],
            capabilities: CapabilitySet::SECURE.bits(),
            mounts: Vec::new(),
            nice: 0,
            processes: engine::config::ProcessSettings::default(),
            cgroups: self.cgroups.clone(),
            supervisor_cgroups: self.supervisor_cgroups.clone(),
            console_log: base.join("log/console/1.log"),
            event_log: base.join("state/events"),
            life_log: base.join("log/life.log"),
            executable: supervisor_program(),
            settings_file: Some(base.join("settings")),
            report_end: true,
        }
    }

    /// Starts it by its plan.
    pub(crate) fn start(&self) -> Started {
        self.start_with(&self.plan())
    }

    /// Starts it by another plan.
    pub(crate) fn start_with(&self, plan: &StartPlan) -> Started {
        let spawned = guest::spawn(plan).unwrap();
        self.supervisor.set(Some(spawned.supervisor()));
        let started = spawned.go().unwrap();
        self.init.set(Some(started.init));
        started
    }

    /// Its pid 1.
    pub(crate) fn started_init(&self) -> ProcessIdentity {
        self.init.get().unwrap()
    }

    /// Sends a signal to its pid 1.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = i32::try_from(self.started_init().pid).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
    }

    /// The event that was told at its end.
    pub(crate) fn event(&self) -> Option<String> {
        let text = fs::read_to_string(self.directory.path().join("settings.event")).ok()?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// Limits its memory.
    pub(crate) fn limit_memory(&self, bytes: u64) {
        for (file, value) in [
            ("memory.max", bytes.to_string()),
            ("memory.swap.max", "0".to_owned()),
            ("memory.limit_in_bytes", bytes.to_string()),
        ] {
            for path in self.cgroups.iter().map(|path| path.join(file)).filter(|path| path.exists())
            {
                fs::write(path, &value).unwrap();
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let patience = Duration::from_secs(20);
        let _ = cgroup::kill_all(&self.cgroups, patience);
        let deadline = Instant::now() + patience;
        let lives = || self.supervisor.get().is_some_and(ProcessIdentity::is_alive);
        while lives() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        let removed = cgroup::remove(&self.cgroups, patience);
        let _ = cgroup::remove(&self.supervisor_cgroups, patience);
        for path in &self.cgroups {
            if let Some(parent) = path.parent().filter(|path| path.ends_with(&self.cgroup_root)) {
                let _ = fs::remove_dir(parent);
            }
        }
        if !std::thread::panicking() {
            removed.unwrap();
        }
    }
}

/// The command of style `sysv`.
fn rc(level: &str) -> InitCommand {
    InitCommand {
        programs: ["/etc/init.d/rc", "/etc/rc.d/rc"].map(str::to_owned).to_vec(),
        arguments: vec![level.to_owned()],
        environment: vec!["PREVLEVEL=N".to_owned(), format!("RUNLEVEL={level}")],
        takes_level: true,
    }
}

fn first_host_id(context: u32) -> u32 {
    engine::roots::first_host_id(ContextId::try_from(context).unwrap())
}

/// The example program that is our supervisor; cargo builds it with the tests.
fn supervisor_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(Path::parent).unwrap();
    target.join("examples/supervisor")
}
