//! A real guest in a fraction of a second: a supervisor, all namespaces, cgroups, and a root of
//! nothing but busybox. Everything of it is gone when it is dropped.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use domain::id::ContextId;
use domain::init::InitStyle;
use domain::time::UnixMillis;
use engine::cgroup::{self, Layout};
use engine::guest::{InitPlan, Preparation, StartPlan, spawn};
use engine::network::NetworkPlan;
use engine::roots::{IDS_PER_VSERVER, Nat, Roots, Settings, first_host_id};
use engine::state::{AppliedStop, GuestState};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const DEADLINE: Duration = Duration::from_secs(20);

/// Where Debian's busybox-static has it.
const BUSYBOX: &str = "/bin/busybox";

/// One guest.
pub(crate) struct Guest {
    pub(crate) state: GuestState,
    cgroup_root: String,
    directory: tempfile::TempDir,
}

impl Guest {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A guest with these interfaces, in the network namespace of the calling thread.
    pub(crate) fn start_with(interfaces: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let cgroup_root = format!("ulysse-test-{}-{number}", std::process::id());
        let context = ContextId::try_from(2 + (std::process::id() * 64 + number) % 49000).unwrap();
        let directory = tempfile::tempdir().unwrap();
        // The guest's root, with ids of its own, passes through here.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(directory.path(), open).unwrap();
        let root = directory.path().join("root");
        make_root(&root);
        let layout = Layout::detect().unwrap();
        let first_host_id = first_host_id(context);
        let plan = StartPlan {
            name: "tiny".parse().unwrap(),
            context,
            root: root.clone(),
            first_host_id,
            host_ids: IDS_PER_VSERVER,
            host_name: "tiny".to_owned(),
            domain_name: None,
            init: InitPlan::Program {
                command: ["/bin/sleep", "infinity"].map(str::to_owned).to_vec(),
            },
            preparation: Preparation::Nothing,
            reports_start: false,
            environment: vec!["PATH=/bin".to_owned()],
            capabilities: sys::capability::CapabilitySet::SECURE.bits(),
            mounts: Vec::new(),
            nice: 0,
            processes: engine::config::ProcessSettings::default(),
            cgroups: layout.create(&cgroup_root, "tiny", first_host_id).unwrap(),
            supervisor_cgroups: layout.create_supervisors(&cgroup_root).unwrap(),
            console_log: directory.path().join("console/1.log"),
            event_log: directory.path().join("events"),
            life_log: directory.path().join("life.log"),
            executable: roles(),
            settings_file: None,
            report_end: false,
        };
        let spawned = spawn(&plan).unwrap();
        let interfaces: Vec<_> = interfaces.iter().map(|text| text.parse().unwrap()).collect();
        let network = NetworkPlan::new(context, &interfaces, &[], &Nat::default()).unwrap();
        let network = engine::network::apply(&network, spawned.init().pid).unwrap();
        let started = spawned.go().unwrap();
        let state = GuestState {
            name: plan.name,
            context,
            supervisor: Some(started.supervisor),
            init: Some(started.init),
            started_at: UnixMillis(0),
            style: InitStyle::Plain,
            root,
            first_host_id,
            capabilities: plan.capabilities,
            stop: AppliedStop::default(),
            network,
            cgroups: plan.cgroups,
        };
        Self { state, cgroup_root, directory }
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots {
            runtime_base: self.directory.path().join("runtime"),
            config_base: self.directory.path().join("config"),
            ..Roots::default()
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { roots: self.roots(), ..Settings::default() }
    }

    /// Ends it, as a crash of its pid 1 would.
    pub(crate) fn stop(&self) {
        let pid = self.state.init.unwrap().pid;
        let _ = kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGKILL);
        wait_until("the guest to end", || !self.state.is_running());
        let supervisor = self.state.supervisor.unwrap();
        wait_until("the supervisor to end", || !supervisor.is_alive());
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.stop();
        let patience = Duration::from_secs(5);
        let _ = cgroup::kill_all(&self.state.cgroups, patience);
        let _ = cgroup::remove(&self.state.cgroups, patience);
        for directory in &self.state.cgroups {
            let Some(parent) = directory.parent() else { continue };
            assert!(parent.ends_with(&self.cgroup_root));
            for own in [".supervisors", ".terminals"] {
                let own = parent.join(own);
                wait_until("a cgroup to be empty", || {
                    !own.exists() || fs::remove_dir(&own).is_ok()
                });
            }
            let _ = fs::remove_dir(parent);
        }
    }
}

fn make_root(root: &std::path::Path) {
    for directory in ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var"] {
        fs::create_dir_all(root.join(directory)).unwrap();
    }
    fs::copy(BUSYBOX, root.join("bin/busybox")).expect("busybox-static is needed");
    let applets = Command::new(BUSYBOX).arg("--list").output().unwrap();
    for applet in String::from_utf8(applets.stdout).unwrap().lines() {
        if applet != "busybox" {
            symlink("busybox", root.join("bin").join(applet)).unwrap();
        }
    }
    let passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:web:/tmp:/bin/sh\n";
    fs::write(root.join("etc/passwd"), passwd).unwrap();
    fs::write(root.join("etc/group"), "root:x:0:\nadm:x:4:web\n").unwrap();
}

/// The program with the engine's roles; cargo builds examples together with tests.
pub(crate) fn roles() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/roles")
}

pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::yield_now();
    }
}
