//! The cgroups of VServers, on unified v2 and on v1 controllers alike.
//!
//! Every VServer has one directory in each hierarchy that counts: `<mount>/<cgroup_root>/NAME`. Where
//! v1 controllers are mounted beside an empty unified hierarchy, that one is used too: a process is
//! born in it at no cost, and `cgroup.kill` ends all of a guest at once. Supervisors and terminals
//! live in `<mount>/<cgroup_root>/.supervisors`, so that ending the engine's service ends none.
//!
//! Why not `cgroups-rs` 0.5: it brings an asynchronous D-Bus client (zbus) into every process of
//! root's, takes `/sys/fs/cgroup` itself for the unified mount wherever it is one, reads the mount
//! table anew for every controller object, and cannot delegate, kill or fork into a cgroup. What is
//! needed here is a handful of small files.
//!
//! Invariants: only directories below `cgroup_root` are made, written or removed; nothing of the
//! host's own cgroups changes but the list of controllers handed down.

mod nested;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The cgroup of supervisors and terminals; no VServer's, because names begin with a letter or digit.
const SUPERVISORS: &str = ".supervisors";

/// Controllers of v1 that are used where they are mounted. `systemd` is the named hierarchy by which
/// an old systemd knows whose process is whose.
const V1_WANTED: [&str; 9] =
    ["cpu", "cpuacct", "memory", "pids", "freezer", "devices", "cpuset", "blkio", "name=systemd"];

/// Controllers of v2 that are handed down to VServers where the host has them.
const V2_WANTED: [&str; 5] = ["cpu", "memory", "pids", "io", "cpuset"];

/// The devices a guest may open where v1 can say so: null, zero, full, random, urandom, tty, console,
/// ptmx, pts, and the ones FUSE programs use only when given. Nobody in a user namespace can make
/// nodes (`m`), but whiteouts of overlayfs are made with it.
const DEVICES: [&str; 9] = [
    "c 1:3 rwm",
    "c 1:5 rwm",
    "c 1:7 rwm",
    "c 1:8 rwm",
    "c 1:9 rwm",
    "c 5:0 rwm",
    "c 5:1 rwm",
    "c 5:2 rwm",
    "c 136:* rwm",
];

/// How deep a guest may nest cgroups in its own, and how many it may make: each costs the host memory.
const MAX_DEPTH: &str = "32";
const MAX_DESCENDANTS: &str = "8192";

/// How long is waited between two looks at something that goes away by itself.
const RETRY: Duration = Duration::from_millis(2);

/// Why something could not be done with cgroups.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The mount table could not be read.
    #[error("reading which cgroup hierarchies there are")]
    Detect(#[source] io::Error),
    /// Its processes could not be listed.
    #[error("listing the processes in {path}")]
    List {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing is mounted.
    #[error("no cgroup hierarchy is mounted")]
    None,
    /// A directory could not be made.
    #[error("making the cgroup {path}")]
    Make {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be written.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be read.
    #[error("reading {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A directory could not be removed.
    #[error("removing the cgroup {path}")]
    Remove {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Processes would not end.
    #[error("processes in {path} do not end")]
    StillBusy {
        /// Where.
        path: PathBuf,
    },
}

/// Which hierarchies the host has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    unified: Option<PathBuf>,
    unified_has_controllers: bool,
    v1: Vec<Hierarchy>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Hierarchy {
    mount: PathBuf,
    controllers: Vec<String>,
}

impl Hierarchy {
    fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|name| name == controller)
    }
}

/// What a cgroup has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CgroupUsage {
    /// Memory charged to it now, in bytes.
    pub memory_bytes: u64,
    /// Time its processes spent in their own code, in milliseconds; ended ones included.
    pub user_ms: u64,
    /// Time its processes spent in the kernel, in milliseconds; ended ones included.
    pub system_ms: u64,
    /// How many of its processes were ended for want of memory.
    pub oom_kills: u64,
}

impl Layout {
    /// Looks which hierarchies are mounted.
    ///
    /// # Errors
    /// When the mount table cannot be read or has none.
    pub fn detect() -> Result<Self, CgroupError> {
        let text = fs::read_to_string("/proc/self/mountinfo").map_err(CgroupError::Detect)?;
        let layout = Self::parse(&text, |mount| {
            let controllers = read_text(&mount.join("cgroup.controllers")).unwrap_or_default();
            controllers.split_ascii_whitespace().any(|name| V2_WANTED.contains(&name))
        });
        if layout.unified.is_none() && layout.v1.is_empty() {
            return Err(CgroupError::None);
        }
        Ok(layout)
    }

    fn parse(mountinfo: &str, has_controllers: impl Fn(&Path) -> bool) -> Self {
        let mut layout = Self { unified: None, unified_has_controllers: false, v1: Vec::new() };
        for line in mountinfo.lines() {
            let Some((before, after)) = line.split_once(" - ") else {
                continue;
            };
            let mut before = before.split(' ').skip(3);
            let (Some(root), Some(mount)) = (before.next(), before.next()) else {
                continue;
            };
            // A mount of a part of a hierarchy is somebody else's view of it.
            if root != "/" {
                continue;
            }
            let mount = PathBuf::from(mount);
            let mut after = after.split(' ');
            match (after.next(), after.nth(1)) {
                (Some("cgroup2"), _) if layout.unified.is_none() => {
                    layout.unified_has_controllers = has_controllers(&mount);
                    layout.unified = Some(mount);
                }
                (Some("cgroup"), Some(options)) => {
                    let controllers: Vec<String> = options
                        .split(',')
                        .filter(|word| V1_WANTED.contains(word))
                        .map(str::to_owned)
                        .collect();
                    let is_new = layout.v1.iter().all(|known| known.controllers != controllers);
                    if !controllers.is_empty() && is_new {
                        layout.v1.push(Hierarchy { mount, controllers });
                    }
                }
                _ => {}
            }
        }
        layout
    }

    /// Whether limits and accounting are unified v2's.
    #[must_use]
    pub fn is_unified(&self) -> bool {
        self.unified_has_controllers
    }

    /// Whether there is a unified hierarchy at all, with controllers or without: what systemd needs
    /// in a guest.
    #[must_use]
    pub fn has_unified(&self) -> bool {
        self.unified.is_some()
    }

    /// Where a VServer's cgroups are, whether they exist or not; unified v2's first where that is the
    /// host's layout.
    #[must_use]
    pub fn paths(&self, root: &str, name: &str) -> Vec<PathBuf> {
        let v1 = self.v1.iter().map(|hierarchy| &hierarchy.mount);
        let (first, last) = if self.unified_has_controllers {
            (self.unified.as_ref(), None)
        } else {
            (None, self.unified.as_ref())
        };
        first.into_iter().chain(v1).chain(last).map(|mount| mount.join(root).join(name)).collect()
    }

    /// Where supervisors live.
    #[must_use]
    pub fn supervisor_paths(&self, root: &str) -> Vec<PathBuf> {
        self.paths(root, SUPERVISORS)
    }

    /// Makes a VServer's cgroups, and those of supervisors. `owner` is the host id of the guest's
    /// root: unified v2's is delegated to it.
    ///
    /// # Errors
    /// When a directory cannot be made; those that were made are removed again.
    pub fn create(&self, root: &str, name: &str, owner: u32) -> Result<Vec<PathBuf>, CgroupError> {
        let paths = self.paths(root, name);
        let made = self.make_all(root, &paths, Some(owner));
        if made.is_err() {
            // What failed is the error to tell.
            let _ = remove(&paths, Duration::ZERO);
        }
        made.map(|()| paths)
    }

    /// Makes the cgroups of supervisors and terminals.
    ///
    /// # Errors
    /// When a directory cannot be made.
    pub fn create_supervisors(&self, root: &str) -> Result<Vec<PathBuf>, CgroupError> {
        let paths = self.supervisor_paths(root);
        self.make_all(root, &paths, None)?;
        Ok(paths)
    }

    fn make_all(
        &self,
        root: &str,
        paths: &[PathBuf],
        owner: Option<u32>,
    ) -> Result<(), CgroupError> {
        for path in paths {
            let Some(parent) = path.parent() else {
                continue;
            };
            let is_new_parent = make(parent)?;
            let v1 = self.v1.iter().find(|hierarchy| path.starts_with(&hierarchy.mount));
            let Some(hierarchy) = v1 else {
                if self.unified_has_controllers {
                    hand_down(parent.parent().unwrap_or(parent));
                    hand_down(parent);
                }
                make(path)?;
                if let Some(owner) = owner {
                    delegate(path, owner)?;
                }
                continue;
            };
            let has_cpus = hierarchy.has("cpuset");
            if is_new_parent && has_cpus {
                inherit_cpus(parent)?;
                hand_down_cpus(parent)?;
            }
            make(path)?;
            if has_cpus {
                inherit_cpus(path)?;
            }
            if owner.is_some() && hierarchy.has("devices") {
                restrict_devices(path)?;
            }
        }
        debug_assert!(paths.iter().all(|path| path.parent().is_some_and(|p| p.ends_with(root))));
        Ok(())
    }
}

/// Whether the directory is of the unified hierarchy.
#[must_use]
pub fn is_unified_directory(path: &Path) -> bool {
    path.join("cgroup.controllers").exists()
}

/// The file by which a process enters a cgroup of v1. It moves no other thread than the one that asks: for a
/// whole process the kernel waits until every CPU has passed a point of rest, 5 to 20 ms.
pub(crate) const ENTRANCE_V1: &str = "tasks";

/// The file of a cgroup by which a process enters it that has one thread: it writes "0".
#[must_use]
pub fn entrance(directory: &Path) -> PathBuf {
    directory.join(if is_unified_directory(directory) { "cgroup.procs" } else { ENTRANCE_V1 })
}

/// The processes in a VServer's cgroups, and in those that it made itself; sorted. What cannot be looked at is
/// reported and left out.
#[must_use]
pub fn processes(cgroups: &[PathBuf]) -> Vec<u32> {
    look_for_processes(cgroups).unwrap_or_else(|error| {
        tracing::warn!(error = domain::failure::chain(&error), "processes cannot be listed");
        Vec::new()
    })
}

fn look_for_processes(cgroups: &[PathBuf]) -> Result<Vec<u32>, CgroupError> {
    // Every hierarchy holds all of them; one of unified v2 is asked if there is one, else the first.
    let chosen = cgroups.iter().find(|path| is_unified_directory(path)).or(cgroups.first());
    let Some(path) = chosen else { return Ok(Vec::new()) };
    let failed = |source| CgroupError::List { path: path.clone(), source };
    let mut pids = nested::processes(path).map_err(failed)?;
    pids.retain(|pid| *pid != 0);
    pids.sort_unstable();
    pids.dedup();
    Ok(pids)
}

/// What a VServer's cgroups have used. What the host does not count is zero.
#[must_use]
pub fn usage(cgroups: &[PathBuf]) -> CgroupUsage {
    let mut usage = CgroupUsage::default();
    for path in cgroups {
        let number =
            |file: &str| read_text(&path.join(file)).and_then(|text| text.trim().parse().ok());
        if let Some(bytes) = number("memory.current").or_else(|| number("memory.usage_in_bytes")) {
            usage.memory_bytes = bytes;
        }
        if let (Some(user_ns), Some(system_ns)) =
            (number("cpuacct.usage_user"), number("cpuacct.usage_sys"))
        {
            (usage.user_ms, usage.system_ms) = (user_ns / 1_000_000, system_ns / 1_000_000);
        }
        // On v1 the file of this name counts throttling only; of an empty unified hierarchy both are
        // the same numbers.
        let text = read_text(&path.join("cpu.stat")).unwrap_or_default();
        if let (Some(user_us), Some(system_us)) =
            (keyed(&text, "user_usec"), keyed(&text, "system_usec"))
        {
            (usage.user_ms, usage.system_ms) = (user_us / 1000, system_us / 1000);
        }
        usage.oom_kills = usage.oom_kills.max(oom_kills(path).unwrap_or(0));
    }
    usage
}

/// How many processes of this cgroup were ended for want of memory; none where it does not count.
#[must_use]
pub fn oom_kills(path: &Path) -> Option<u64> {
    let text = read_text(&path.join("memory.events"))
        .or_else(|| read_text(&path.join("memory.oom_control")))?;
    keyed(&text, "oom_kill")
}

/// Ends every process in a VServer's cgroups with SIGKILL, and waits until none is left.
///
/// # Errors
/// When some are left after `patience`.
pub fn kill_all(cgroups: &[PathBuf], patience: Duration) -> Result<(), CgroupError> {
    let deadline = Instant::now() + patience;
    let unified = cgroups.iter().find(|path| is_unified_directory(path));
    let freezer = cgroups.iter().map(|path| path.join("freezer.state")).find(|path| path.exists());
    loop {
        let at_once = unified.is_some_and(|path| write(&path.join("cgroup.kill"), "1").is_ok());
        if !at_once {
            // Frozen, they cannot fork while they are being ended one by one. A frozen process dies
            // when it is thawed.
            if let Some(freezer) = &freezer {
                let _ = write(freezer, "FROZEN");
            }
            for pid in processes(cgroups) {
                if let Ok(pid) = i32::try_from(pid) {
                    // It may have ended meanwhile, which is what is wanted.
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
            }
            if let Some(freezer) = &freezer {
                let _ = write(freezer, "THAWED");
            }
        }
        let left = look_for_processes(cgroups);
        if left.as_ref().is_ok_and(Vec::is_empty) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let path = cgroups.first().cloned().unwrap_or_default();
            return Err(left.err().unwrap_or(CgroupError::StillBusy { path }));
        }
        std::thread::park_timeout(RETRY);
    }
}

/// Removes a VServer's cgroups and those that it made itself. Those that are not there are no error.
///
/// # Errors
/// When one still holds a process after `patience`.
pub fn remove(cgroups: &[PathBuf], patience: Duration) -> Result<(), CgroupError> {
    let deadline = Instant::now() + patience;
    for path in cgroups {
        while let Err(source) = nested::remove(path) {
            let is_busy = source.raw_os_error() == Some(libc::EBUSY);
            if !is_busy || Instant::now() >= deadline {
                return Err(CgroupError::Remove { path: path.clone(), source });
            }
            std::thread::park_timeout(RETRY);
        }
    }
    Ok(())
}

/// Makes a directory; whether it is new.
fn make(path: &Path) -> Result<bool, CgroupError> {
    match DirBuilder::new().mode(0o755).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(CgroupError::Make { path: path.to_owned(), source }),
    }
}

/// Lets a cgroup's children have their own numbers and limits. What the host does not have, or keeps
/// for itself, they do without; limits say so when they are set.
fn hand_down(path: &Path) {
    let file = path.join("cgroup.subtree_control");
    let has = read_text(&path.join("cgroup.controllers")).unwrap_or_default();
    let given = read_text(&file).unwrap_or_default();
    let is_in = |list: &str, name: &str| list.split_ascii_whitespace().any(|word| word == name);
    for name in V2_WANTED {
        if !is_in(&has, name) || is_in(&given, name) {
            continue;
        }
        if let Err(error) = write(&file, &format!("+{name}")) {
            tracing::warn!(%error, controller = name, "a controller is not handed down");
        }
    }
}

/// Lets the guest's root make cgroups of its own in there, not without bounds, and nothing else.
fn delegate(path: &Path, owner: u32) -> Result<(), CgroupError> {
    write(&path.join("cgroup.max.depth"), MAX_DEPTH)?;
    write(&path.join("cgroup.max.descendants"), MAX_DESCENDANTS)?;
    let files = ["", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control"];
    for file in files.map(|name| path.join(name)) {
        chown(&file, Some(owner), Some(owner))
            .map_err(|source| CgroupError::Write { path: file.clone(), source })?;
    }
    Ok(())
}

/// A new v1 cpuset has no CPU and no memory, and takes no process before it has both.
fn inherit_cpus(path: &Path) -> Result<(), CgroupError> {
    for name in ["cpuset.cpus", "cpuset.mems"] {
        let file = path.join(name);
        let Some(now) = read_text(&file) else {
            continue;
        };
        let above = path.parent().and_then(|parent| read_text(&parent.join(name)));
        if let (true, Some(above)) = (now.trim().is_empty(), above) {
            write(&file, above.trim())?;
        }
    }
    Ok(())
}

/// Lets what is made in a cgroup of v1 have its processors from the beginning on: the kernel goes over all of its
/// scheduling domains for each that is written.
fn hand_down_cpus(path: &Path) -> Result<(), CgroupError> {
    write(&path.join("cgroup.clone_children"), "1")
}

/// No device but the standard ones (v1; on v2 no mount of a guest's lets device nodes be opened).
fn restrict_devices(path: &Path) -> Result<(), CgroupError> {
    write(&path.join("devices.deny"), "a")?;
    let allow = path.join("devices.allow");
    DEVICES.iter().try_for_each(|device| write(&allow, device))
}

/// Writes one file of a cgroup.
///
/// # Errors
/// When it is not there, or the kernel refuses the text.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), CgroupError> {
    OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| CgroupError::Write { path: path.to_owned(), source })
}

fn read_text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The number after a key, in files of `key number` lines.
fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
        35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
        40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
        42 31 0:39 / /sys/fs/cgroup/net rw - cgroup cgroup rw,net_cls\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    /// Puts a process into these cgroups.
    fn put(cgroups: &[PathBuf], pid: u32) {
        for path in cgroups {
            write(&path.join("cgroup.procs"), &pid.to_string()).unwrap();
        }
    }

    #[test]
    fn v1_with_an_empty_unified_hierarchy() {
        let layout = Layout::parse(V1, |_| false);
        assert!(!layout.is_unified() && layout.has_unified());
        assert_eq!(
            layout.paths("ulysse", "web"),
            [
                "/sys/fs/cgroup/cpu,cpuacct/ulysse/web",
                "/sys/fs/cgroup/memory/ulysse/web",
                "/sys/fs/cgroup/systemd/ulysse/web",
                "/sys/fs/cgroup/unified/ulysse/web",
            ]
            .map(PathBuf::from)
        );
    }

    #[test]
    fn unified_alone() {
        let line = "26 24 0:23 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let layout = Layout::parse(line, |_| true);
        assert!(layout.is_unified());
        let paths = layout.supervisor_paths("ulysse");
        assert_eq!(paths, [PathBuf::from("/sys/fs/cgroup/ulysse/.supervisors")]);
    }

    #[test]
    fn keys_are_whole_words() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
        assert_eq!(keyed(text, "oom_kill"), Some(3));
        assert_eq!(keyed(text, "oom"), None);
    }

    /// Removes the cgroups of a test, also when it fails.
    struct Gone(Vec<PathBuf>, Vec<PathBuf>);

    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = kill_all(&self.0, Duration::from_secs(5));
            let _ = remove(&self.0, Duration::from_secs(5));
            let _ = remove(&self.1, Duration::from_secs(5));
        }
    }

    #[test]
    fn what_a_guest_nests_is_bounded_found_and_removed() {
        use rustix::fs::{Mode, OFlags, mkdirat, openat};
        let layout = Layout::detect().unwrap();
        if !layout.has_unified() {
            eprintln!("SKIPPED: this host has no unified hierarchy");
            return;
        }
        let root = format!("ulysse-test-nested-{}", std::process::id());
        let all = layout.paths(&root, "").into_iter().map(|p| p.parent().unwrap().join(&root));
        let paths = layout.create(&root, "web", 0x2000_0000).unwrap();
        let _gone = Gone(paths.clone(), all.collect());
        let unified = paths.iter().find(|path| is_unified_directory(path)).unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |parent: std::os::fd::BorrowedFd<'_>, name: &str| {
            openat(parent, name, flags, Mode::empty()).unwrap()
        };
        let mut deepest = open(rustix::fs::CWD, unified.to_str().unwrap());
        // Relative to one another, so that no path would be too long for the kernel.
        let name = "n".repeat(255);
        let mut depth = 0;
        let refused = loop {
            use std::os::fd::AsFd;
            match mkdirat(&deepest, &name, Mode::RWXU) {
                Ok(()) if depth < 100 => deepest = open(deepest.as_fd(), &name),
                Ok(()) => break None,
                Err(errno) => break Some(errno),
            }
            depth += 1;
        };
        assert_eq!(refused, Some(rustix::io::Errno::AGAIN), "after {depth}");
        assert_eq!(depth, 32);
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        put(&paths, child.id());
        let file = openat(&deepest, "cgroup.procs", OFlags::WRONLY, Mode::empty()).unwrap();
        rustix::io::write(&file, child.id().to_string().as_bytes()).unwrap();
        drop((file, deepest));
        assert_eq!(processes(&paths), [child.id()]);
        std::thread::scope(|scope| {
            let ended = scope.spawn(|| child.wait().unwrap());
            kill_all(&paths, Duration::from_secs(20)).unwrap();
            assert!(!ended.join().unwrap().success());
        });
        remove(&paths, Duration::from_secs(20)).unwrap();
        assert!(paths.iter().all(|path| !path.exists()));
    }

    #[test]
    fn a_process_is_put_in_counted_killed_and_the_cgroups_go() {
        let layout = Layout::detect().unwrap();
        let root = format!("ulysse-test-{}", std::process::id());
        let all = layout.paths(&root, "").into_iter().map(|p| p.parent().unwrap().join(&root));
        let paths = layout.create(&root, "web", 0x2000_0000).unwrap();
        let _gone = Gone(paths.clone(), all.collect());
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        put(&paths, child.id());
        assert_eq!(processes(&paths), [child.id()]);
        assert!(remove(&paths, Duration::ZERO).is_err());
        std::thread::scope(|scope| {
            // Reaped meanwhile, or it would be left as a zombie.
            let ended = scope.spawn(|| child.wait().unwrap());
            kill_all(&paths, Duration::from_secs(20)).unwrap();
            assert!(!ended.join().unwrap().success());
        });
        assert_eq!(usage(&paths).oom_kills, 0);
        remove(&paths, Duration::from_secs(20)).unwrap();
        assert!(paths.iter().all(|path| !path.exists()));
        remove(&paths, Duration::ZERO).unwrap();
    }
}
