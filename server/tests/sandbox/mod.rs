//! An instance of Ulysse of its own for one test: roots in a temporary directory, a cgroup and a NAT
//! network that no other has. Everything it made is gone after it, also when the test fails.
//!
//! Base systems are shared between tests and runs: real ones, made by debootstrap from the host's own
//! mirror, kept below the user's cache folder by the engine's own key.
#![allow(dead_code, reason = "each test uses what it needs")]

pub(crate) mod command;
pub(crate) mod enter;
pub(crate) mod under_way;

use std::env;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use engine::cgroup::{self, Layout};
use engine::roots::{Settings, Target};
use engine::state::GuestState;
use nix::mount::MsFlags;
use tempfile::TempDir;

/// An instance.
pub(crate) struct Sandbox {
    directory: TempDir,
    pub(crate) settings: Settings,
    pub(crate) config: PathBuf,
}

impl Sandbox {
    /// An instance whose guests find bases that were made before.
    pub(crate) fn new() -> Self {
        let sandbox = Self::without_bases();
        let shared = cache().join("bases");
        fs::create_dir_all(&shared).unwrap();
        let own = &sandbox.settings.roots.cache_base;
        fs::create_dir_all(own).unwrap();
        symlink(shared, own.join("bases")).unwrap();
        sandbox
    }

    /// An instance that finds bases, with other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut sandbox = Self::new();
        change(&mut sandbox.settings);
        fs::write(&sandbox.config, toml::to_string(&sandbox.settings).unwrap()).unwrap();
        sandbox
    }

    /// An instance that has to make its bases itself.
    pub(crate) fn without_bases() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = tempfile::Builder::new().prefix("ulysse-test-").tempdir().unwrap();
        // The web process gets through to its database, and no further.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let path = |name: &str| directory.path().join(name);
        let unique = format!("{}-{number}", std::process::id());
        let mut settings = Settings::default();
        settings.roots.config_base = path("etc");
        settings.roots.guest_base = path("lib");
        settings.roots.run_base = path("run");
        settings.roots.cache_base = path("cache");
        settings.roots.log_base = path("log");
        settings.roots.state_base = path("state");
        settings.roots.runtime_base = path("runtime");
        settings.roots.database_base = path("database");
        settings.roots.host_fstab = path("fstab");
        settings.roots.cgroup_root = format!("ulysse-test-{unique}");
        let local = Target::Directory { path: path("backups") };
        settings.backup.targets = [("local".parse().unwrap(), local)].into();
        let config = path("ulysse.toml");
        fs::write(&config, toml::to_string(&settings).unwrap()).unwrap();
        Self { directory, settings, config }
    }

    /// The directory that everything of it is in.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// `ulysse WORDS --config …`, not run yet.
    pub(crate) fn ulysse(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ulysse"));
        command.arg(program).arg("--config").arg(&self.config).args(words);
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Runs `vserver WORDS`.
    pub(crate) fn vserver(&self, words: &[&str]) -> Output {
        self.ulysse("vserver", words).output().unwrap()
    }

    /// Runs `vserver WORDS`, which has to succeed; what it wrote on standard output.
    pub(crate) fn must(&self, words: &[&str]) -> String {
        let output = self.vserver(words);
        assert!(output.status.success(), "vserver {words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Builds a small VServer.
    pub(crate) fn build(&self, name: &str) -> Output {
        self.vserver(&build_words(name))
    }

    /// The record of a VServer, if it runs.
    pub(crate) fn running(&self, name: &str) -> Option<GuestState> {
        GuestState::running(&self.settings.roots, &name.parse().unwrap()).unwrap()
    }

    /// Ends every guest at once.
    pub(crate) fn end_guests(&self) {
        let roots = &self.settings.roots;
        // Those in which tools run without their being started, too: a test that failed may be in one.
        let states = [GuestState::all(roots), GuestState::all_aside(roots)];
        for state in states.into_iter().flat_map(Result::unwrap_or_default) {
            let _ = cgroup::kill_all(&state.cgroups, Duration::from_secs(10));
            let _ = cgroup::remove(&state.cgroups, Duration::from_secs(10));
        }
    }

    /// Names in a directory below the sandbox, sorted.
    pub(crate) fn names_in(&self, path: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(path)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// Everything in a directory tree, a line each: path, and text, target of a link, or kind.
pub(crate) fn contents(path: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut ahead = vec![path.to_owned()];
    while let Some(directory) = ahead.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let entry = entry.unwrap().path();
            let shown = entry.strip_prefix(path).unwrap().display().to_string();
            let kind = fs::symlink_metadata(&entry).unwrap().file_type();
            if kind.is_symlink() {
                let target = fs::read_link(&entry).unwrap();
                lines.push(format!("{shown} -> {}", target.display()));
            } else if kind.is_dir() {
                lines.push(format!("{shown}/"));
                ahead.push(entry);
            } else if !kind.is_file() {
                lines.push(format!("{shown}: {kind:?}"));
            } else {
                let mut text = Vec::new();
                fs::File::open(&entry).unwrap().take(200).read_to_end(&mut text).unwrap();
                let text = String::from_utf8_lossy(&text).into_owned();
                lines.push(format!("{shown}: {text:?}"));
            }
        }
    }
    lines.sort();
    lines
}

/// The words that build a small VServer; always the same base.
pub(crate) fn build_words(name: &str) -> Vec<&str> {
    vec![name, "build", "-m", "debootstrap", "--", "--", "--variant=minbase"]
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.end_guests();
        let roots = &self.settings.roots;
        let Ok(layout) = Layout::detect() else { return };
        for directory in layout.paths(&roots.cgroup_root, ".supervisors") {
            let Some(top) = directory.parent() else { continue };
            let deadline = Instant::now() + Duration::from_secs(10);
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
        self.remove();
    }
}

impl Sandbox {
    /// Removes the directory, with what the test mounted in it: a mount that stays is one for good.
    fn remove(&self) {
        let mounts = fs::read_to_string("/proc/thread-self/mounts").unwrap_or_default();
        let mounted = mounts.lines().filter_map(|line| line.split(' ').nth(1)).map(Path::new);
        // The last one made is first in the way. A test has a mount namespace for its thread.
        for mount in mounted.filter(|path| path.starts_with(self.directory())).rev() {
            let _ = rustix::mount::unmount(mount, rustix::mount::UnmountFlags::DETACH);
        }
        let removed = fs::remove_dir_all(self.directory());
        // In a test that fails, the failure is what counts.
        assert!(removed.is_ok() || std::thread::panicking(), "left behind: {removed:?}");
    }
}

/// Where tests keep what is slow to make.
pub(crate) fn cache() -> PathBuf {
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let path = base.expect("HOME or XDG_CACHE_HOME is set").join("ulysse/test");
    fs::create_dir_all(&path).unwrap();
    path
}

/// Puts the calling thread, and what it starts, on a host network of its own, without a way out.
pub(crate) fn leave_network() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
}

/// Puts the calling thread, and what it starts, into a mount namespace of its own: what it mounts is gone
/// with it, and the host never sees it.
pub(crate) fn leave_mounts() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
    let (none, private) = (None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE);
    nix::mount::mount(none, "/", none, private, none).unwrap();
}

/// Waits for a condition, but not for ever.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
