//! A volume that holds a VServer's files: what is mounted, mounting and unmounting it, and its name
//! when it is a logical one.
//!
//! The host's mount table and its fstab are the truth; the programs of util-linux and lvm2 are used, not
//! re-written. Everything may be done twice.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use domain::failure::Failure;
use rustix::mount::UnmountFlags;
use serde::{Deserialize, Serialize};

use crate::tree;

/// Why a volume was not mounted, unmounted or renamed.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    /// The mount table could not be read.
    #[error("reading the mount table")]
    Table(#[source] io::Error),
    /// It could not be unmounted.
    #[error("unmounting {path}")]
    Unmount {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is mounted is a part of another filesystem, and no line of the host's fstab says which:
    /// it could not be mounted again.
    #[error("{path} is a part of a filesystem, and has no line in the host's fstab")]
    NotInFstab {
        /// Where it is.
        path: PathBuf,
    },
    /// A program could not be started.
    #[error("starting {program}")]
    Start {
        /// Which.
        program: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A program failed.
    #[error("{program} failed: {detail}")]
    Program {
        /// Which.
        program: &'static str,
        /// Its last words.
        detail: String,
    },
}

impl From<VolumeError> for Failure {
    fn from(error: VolumeError) -> Self {
        match error {
            VolumeError::Unmount { path, .. } | VolumeError::NotInFstab { path } => {
                Self::Mounted { path: path.display().to_string() }
            }
            VolumeError::Program { program, detail } => {
                Self::ProgramFailed { program: program.to_owned(), detail }
            }
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// A mounted volume: enough to mount it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mounted {
    /// The device.
    pub source: String,
    /// Where it is mounted.
    pub target: PathBuf,
    /// The type of its filesystem.
    pub kind: String,
    /// With which options.
    pub options: String,
    /// Whether the host's fstab has a line for it, which then says how it is mounted.
    pub is_in_fstab: bool,
}

/// What is mounted at exactly this path; none when nothing is.
///
/// # Errors
/// When the mount table cannot be read.
pub fn mounted_at(target: &Path, fstab: &Path) -> Result<Option<Mounted>, VolumeError> {
    let table = fs::read_to_string("/proc/self/mountinfo").map_err(VolumeError::Table)?;
    // The last line is what is seen.
    let Some(line) = table
        .lines()
        .rfind(|line| line.split(' ').nth(4).is_some_and(|path| tree::unescaped(path) == target))
    else {
        return Ok(None);
    };
    let is_in_fstab = fs::read_to_string(fstab)
        .is_ok_and(|text| text.lines().any(|line| fstab_target(line).as_deref() == Some(target)));
    let (mount, filesystem) = line.split_once(" - ").unwrap_or((line, ""));
    let mut words = filesystem.split(' ');
    let (kind, source) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let own = mount.split(' ').nth(5).unwrap_or_default();
    let of_the_filesystem = words.next().unwrap_or_default();
    let options = own.split(',').chain(of_the_filesystem.split(','));
    let mut kept: Vec<&str> = Vec::new();
    for option in options.filter(|option| !matches!(*option, "" | "seclabel")) {
        if !kept.contains(&option) {
            kept.push(option);
        }
    }
    if mount.split(' ').nth(3) != Some("/") && !is_in_fstab {
        return Err(VolumeError::NotInFstab { path: target.to_owned() });
    }
    let device = tree::unescaped(source);
    // A loop device may end with its mount: what is mounted again is the file behind it.
    let source = match backing_file(&device) {
        Some(file) => {
            kept.push("loop");
            file
        }
        None => device,
    };
    Ok(Some(Mounted {
        source: source.display().to_string(),
        target: target.to_owned(),
        kind: kind.to_owned(),
        options: kept.join(","),
        is_in_fstab,
    }))
}

/// The file behind a loop device.
fn backing_file(device: &Path) -> Option<PathBuf> {
    let name = device.file_name()?.to_str().filter(|name| name.starts_with("loop"))?;
    let path = fs::read_to_string(format!("/sys/block/{name}/loop/backing_file")).ok()?;
    Some(PathBuf::from(path.trim_end_matches('\n'))).filter(|path| path.is_file())
}

/// Where a line of an fstab mounts something.
pub(crate) fn fstab_target(line: &str) -> Option<PathBuf> {
    let line = line.trim_start();
    (!line.starts_with('#')).then(|| line.split_whitespace().nth(1).map(tree::unescaped))?
}

fn is_mounted(target: &Path) -> Result<bool, VolumeError> {
    let mounts = tree::mounts_in(target).map_err(VolumeError::Table)?;
    Ok(mounts.iter().any(|mount| mount == target))
}

/// Mounts a volume, if it is not.
///
/// # Errors
/// When mount(8) fails.
pub fn mount(volume: &Mounted, fstab: &Path) -> Result<(), VolumeError> {
    if is_mounted(&volume.target)? {
        return Ok(());
    }
    let mut command = Command::new("mount");
    if volume.is_in_fstab {
        command.arg("-T").arg(fstab);
    } else {
        command.args(["-t", &volume.kind, "-o", &volume.options, "--", &volume.source]);
    }
    command.arg(&volume.target);
    run("mount", command).map(drop)
}

/// Unmounts a volume, if it is mounted.
///
/// # Errors
/// When it is in use.
pub fn unmount(target: &Path) -> Result<(), VolumeError> {
    if !is_mounted(target)? {
        return Ok(());
    }
    rustix::mount::unmount(target, UnmountFlags::NOFOLLOW)
        .map_err(|errno| VolumeError::Unmount { path: target.to_owned(), source: errno.into() })
}

/// A logical volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogicalVolume {
    /// Its volume group.
    pub group: String,
    /// Its name.
    pub name: String,
}

impl LogicalVolume {
    /// Every path of the device: below the group's directory, and the mapper's.
    #[must_use]
    pub fn devices(&self) -> [String; 2] {
        let escaped = |text: &str| text.replace('-', "--");
        [
            format!("/dev/{}/{}", self.group, self.name),
            format!("/dev/mapper/{}-{}", escaped(&self.group), escaped(&self.name)),
        ]
    }
}

/// The logical volume that a device is; none when it is none, or the host has no lvm2.
#[must_use]
pub fn logical_volume(device: &str) -> Option<LogicalVolume> {
    if !device.starts_with("/dev/") {
        return None;
    }
    let mut command = Command::new("lvs");
    command.args(["--noheadings", "--separator", "/", "-o", "vg_name,lv_name", "--", device]);
    let text = run("lvs", command).ok()?;
    let (group, name) = text.trim().split_once('/')?;
    Some(LogicalVolume { group: group.to_owned(), name: name.to_owned() })
}

/// Gives a logical volume another name, if it has the old one.
///
/// # Errors
/// When lvrename(8) fails.
pub fn rename(group: &str, from: &str, to: &str) -> Result<(), VolumeError> {
    let mut command = Command::new("lvs");
    command.args(["--noheadings", "-o", "lv_name", "--", group]);
    let names = run("lvs", command)?;
    let has = |wanted: &str| names.lines().any(|name| name.trim() == wanted);
    if has(to) && !has(from) {
        return Ok(());
    }
    let mut command = Command::new("lvrename");
    command.args(["--", group, from, to]);
    run("lvrename", command).map(drop)
}

/// Runs a program of the host's; gives what it printed.
fn run(program: &'static str, mut command: Command) -> Result<String, VolumeError> {
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| VolumeError::Start { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // mount(8) ends with where more may be said.
    let says = |line: &&str| !line.trim().is_empty() && !line.contains("dmesg(1)");
    let last = said.lines().rev().find(says).unwrap_or_default().trim();
    Err(VolumeError::Program { program, detail: format!("{last} ({})", output.status) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_an_fstab_says_where() {
        assert_eq!(fstab_target("/dev/a\t/x\\040y ext3"), Some("/x y".into()));
        assert_eq!(fstab_target("# /dev/a /x ext3"), None);
        assert_eq!(fstab_target(""), None);
    }

    #[test]
    fn what_is_mounted_is_found() {
        let none = Path::new("/nowhere");
        let proc = mounted_at(Path::new("/proc"), none).unwrap().unwrap();
        assert_eq!((proc.kind.as_str(), proc.is_in_fstab), ("proc", false));
        assert_eq!(mounted_at(none, none).unwrap(), None);
    }

    #[test]
    fn a_logical_volume_has_two_paths() {
        let volume = LogicalVolume { group: "vg-a".into(), name: "no-no".into() };
        assert_eq!(volume.devices(), ["/dev/vg-a/no-no", "/dev/mapper/vg--a-no--no"]);
    }
}
