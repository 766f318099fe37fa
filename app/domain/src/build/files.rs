//! The entries of the config tree that a build writes, in the original's own format (fact sheet 1 and
//! 2.2).

use serde::{Deserialize, Serialize};

use super::{BuildSpec, Cpuset};
use crate::interface::Device;

/// One entry of the config tree that a build writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Path below `/etc/vservers/NAME`.
    pub path: String,
    /// What is written.
    pub content: PlannedContent,
}

/// The content of an entry of the config tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlannedContent {
    /// A text file; ends in a newline unless empty.
    Text(String),
    /// A symbolic link to this target.
    Link(String),
    /// An empty directory.
    Directory,
}

/// The guest's fstab of a new VServer (fact sheet 1.2), unless the administrator has another template.
pub const DEFAULT_FSTAB: &str = "none\t/proc\tproc\tdefaults\t0 0\n\
    none\t/tmp\ttmpfs\tsize=16m,mode=1777\t0 0\n\
    none\t/dev/pts\tdevpts\tgid=5,mode=620\t0 0\n";

impl BuildSpec {
    /// The entries below `/etc/vservers/NAME` that a build writes, sorted by path. The two
    /// bases are [`HostFacts::config_base`] and [`HostFacts::run_base`].
    #[must_use]
    pub fn config_files(&self, config_base: &str, run_base: &str) -> Vec<PlannedFile> {
        let name = &self.name;
        let fstab = self.defaults.fstab.as_deref().unwrap_or(DEFAULT_FSTAB);
        let text = |path: &str, value: &dyn core::fmt::Display| PlannedFile {
            path: path.to_owned(),
            content: PlannedContent::Text(format!("{value}\n")),
        };
        let link = |path: &str, target: String| PlannedFile {
            path: path.to_owned(),
            content: PlannedContent::Link(target),
        };
        let mut files = vec![
            text("apps/init/style", &self.init.style()),
            PlannedFile {
                path: "apps/pkgmgmt/internal".to_owned(),
                content: PlannedContent::Text(String::new()),
            },
            link("cache", format!("{config_base}/.defaults/cachebase/{name}")),
            text("context", &self.context),
            PlannedFile {
                path: "fstab".to_owned(),
                content: PlannedContent::Text(fstab.to_owned()),
            },
        ];
        if !self.flags.is_empty() {
            let lines = self.flags.iter().map(|flag| format!("{flag}\n")).collect();
            files.push(PlannedFile {
                path: "cflags".to_owned(),
                content: PlannedContent::Text(lines),
            });
        }
        for (index, interface) in self.interfaces.iter().enumerate() {
            let path = |leaf: &str| format!("interfaces/{index}/{leaf}");
            match &interface.device {
                Device::Named(device) => files.push(text(&path("dev"), device)),
                Device::None => files.push(PlannedFile {
                    path: path("nodev"),
                    content: PlannedContent::Text(String::new()),
                }),
            }
            files.push(text(&path("ip"), &interface.address));
            if let Some(label) = &interface.label {
                files.push(text(&path("name"), label));
            }
            if let Some(prefix) = interface.prefix {
                files.push(text(&path("prefix"), &prefix));
            }
        }
        if let Some(broadcast) = self.broadcast {
            files.push(text("interfaces/bcast", &broadcast));
        }
        if let Some(cpuset) = &self.cpuset {
            files.extend(cpuset_files(cpuset));
        }
        files.extend([
            text("name", name),
            link("run", format!("{run_base}/{name}")),
            text("uts/nodename", &self.host_name),
            link("vdir", format!("{config_base}/.defaults/vdirbase/{name}")),
        ]);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

/// The original's build wrote `cpus_exclusive`, which its start never read (fact sheet B17).
fn cpuset_files(cpuset: &Cpuset) -> Vec<PlannedFile> {
    let file = |leaf: &str, text: String| PlannedFile {
        path: format!("cpuset/{leaf}"),
        content: PlannedContent::Text(text),
    };
    let mut files = vec![file("name", format!("{}\n", cpuset.name))];
    for (list, leaf, exclusive) in
        [(&cpuset.cpus, "cpus", "cpu_exclusive"), (&cpuset.mems, "mems", "mem_exclusive")]
    {
        let Some(list) = list else { continue };
        files.push(file(leaf, format!("{}\n", list.range())));
        if let Some(is_exclusive) = list.exclusive {
            files.push(file(exclusive, format!("{}\n", u8::from(is_exclusive))));
        }
    }
    if cpuset.is_virtualized {
        files.push(file("virtualized", String::new()));
    }
    files
}
