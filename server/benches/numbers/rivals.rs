//! The other programs: how each is told to run one program in a root file system, in new namespaces and
//! without a network, and what each needs on a host such as this.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::sandbox::leave_mounts;

/// The command line for a root file system and the number of the run.
type Told = dyn Fn(&Path, usize) -> Command;

/// A program that runs one in a root file system.
pub(crate) struct Rival {
    pub(crate) name: &'static str,
    /// Whether it gets by without the unified cgroup hierarchy that has no controllers: crun refuses it
    /// beside those of v1.
    without_unified: bool,
    command: Box<Told>,
}

impl Rival {
    /// All of them, with their files below `place`.
    pub(crate) fn all(root: &Path, place: &Path) -> Vec<Self> {
        let bundle = bundle(root, place);
        let lxc = lxc(root, place);
        vec![
            Self::new("unshare + chroot (the floor)", move |root, _| {
                let mut command = Command::new("unshare");
                command.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "chroot"]);
                command.arg(root).arg("/stamp");
                command
            }),
            Self::new("lxc-start", move |_, _| {
                let mut command = Command::new("lxc-start");
                command.args(["--foreground", "--name", "bench", "--lxcpath"]);
                command.arg(lxc.parent().unwrap()).arg("--rcfile").arg(&lxc);
                command
            }),
            Self { without_unified: true, ..Self::oci("crun", &bundle, place) },
            Self::oci("runc", &bundle, place),
            Self::new("systemd-nspawn", |root, _| {
                let mut command = Command::new("systemd-nspawn");
                // Neither systemd nor its bus need be there.
                command.args(["--quiet", "--register=no", "--keep-unit", "--private-network"]);
                command.arg("--directory").arg(root).arg("/stamp");
                command
            }),
        ]
    }

    fn new(name: &'static str, command: impl Fn(&Path, usize) -> Command + 'static) -> Self {
        Self { name, without_unified: false, command: Box::new(command) }
    }

    fn oci(name: &'static str, bundle: &Path, place: &Path) -> Self {
        let (bundle, state) = (bundle.to_owned(), place.join(name));
        Self::new(name, move |_, run| {
            let mut command = Command::new(name);
            command.arg("--root").arg(&state).args(["run", "--bundle"]).arg(&bundle);
            command.arg(format!("bench{run}"));
            command
        })
    }

    /// Runs it once; in its own words, or the system's, why it did not run.
    pub(crate) fn run(&self, root: &Path, run: usize) -> Result<(), String> {
        let mut command = (self.command)(root, run);
        let output = if self.without_unified {
            without_unified(|| command.output())
        } else {
            command.output()
        };
        judge(output)
    }
}

fn judge(output: std::io::Result<Output>) -> Result<(), String> {
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{}: {}", output.status, said.lines().next().unwrap_or_default()))
}

/// Runs something where the unified hierarchy is not mounted, if it is one beside v1's.
fn without_unified<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let hidden = scope.spawn(|| {
            leave_mounts();
            let flags = rustix::mount::UnmountFlags::DETACH;
            let _ = rustix::mount::unmount("/sys/fs/cgroup/unified", flags);
            work()
        });
        hidden.join().unwrap()
    })
}

/// An OCI bundle, as `runc spec` makes it.
fn bundle(root: &Path, place: &Path) -> PathBuf {
    let bundle = place.join("bundle");
    fs::create_dir_all(&bundle).unwrap();
    // Without runc there is none: whoever needs it says so.
    let made = Command::new("runc").arg("spec").current_dir(&bundle).status();
    let file = bundle.join("config.json");
    if made.is_ok_and(|status| status.success())
        && let Ok(text) = fs::read_to_string(&file)
    {
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        config["process"]["terminal"] = false.into();
        config["process"]["args"] = serde_json::json!(["/stamp"]);
        config["root"] = serde_json::json!({ "path": root, "readonly": false });
        fs::write(&file, config.to_string()).unwrap();
    }
    bundle
}

fn lxc(root: &Path, place: &Path) -> PathBuf {
    let directory = place.join("lxc");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("bench.conf");
    let text = format!(
        "lxc.uts.name = bench\n\
         lxc.rootfs.path = dir:{}\n\
         lxc.init.cmd = /stamp\n\
         lxc.net.0.type = empty\n\
         lxc.mount.auto = proc:mixed sys:ro\n",
        root.display()
    );
    fs::write(&file, text).unwrap();
    file
}

/// Removes the cgroups that lxc leaves for the next time, unless they were there before.
pub(crate) struct CgroupsOfLxc(Vec<PathBuf>);

impl CgroupsOfLxc {
    pub(crate) fn look() -> Self {
        Self(Self::found())
    }

    fn found() -> Vec<PathBuf> {
        let mounts = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
        let places = mounts.map(|mount| mount.path().join("lxc.pivot"));
        places.filter(|place| place.is_dir()).collect()
    }
}

impl Drop for CgroupsOfLxc {
    fn drop(&mut self) {
        for place in Self::found().iter().filter(|place| !self.0.contains(place)) {
            let _ = fs::remove_dir(place);
        }
    }
}
