//! A volume that holds a VServer's files: what is mounted, mounting and unmounting it, and its name
//! when it is a logical one.
//!
//! The host's mount table and its fstab are the truth; the programs of util-linux and lvm2 are used, not
//! re-written. Everything may be done twice.
//!
//! What is mounted at a path today may be another volume tomorrow. So the volume itself says which
//! operation its files are of, one that filled it or one that deleted a VServer, in an extended attribute
//! that no guest can set: nothing is emptied because of its path alone.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use domain::failure::{Failure, HostFeature};
use domain::id::OperationId;
use domain::place::PlaceProblem;
use rustix::fs::{StatVfsMountFlags, XattrFlags, lgetxattr, lremovexattr, lsetxattr};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use serde::{Deserialize, Serialize};

use crate::{program, tree};

/// How long somebody else may be in a volume for a moment, such as who counts what it holds.
const PATIENCE: Duration = Duration::from_secs(3);
/// The attribute of a directory that names the operation which may empty it.
const OPERATION: &str = "trusted.ulysse.operation";
/// How often is looked meanwhile.
const INTERVAL: Duration = Duration::from_millis(50);

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
    /// A logical volume cannot have this name: another one of its group has it.
    #[error("{group} has a logical volume {name}")]
    NameTaken {
        /// The group.
        group: String,
        /// The name.
        name: String,
    },
    /// Which operation its files are of could not be read or written.
    #[error("marking {path}")]
    Mark {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
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
        let place = |path: PathBuf, problem| {
            let path = path.display().to_string();
            Self::Place { path, problem }
        };
        match error {
            VolumeError::Unmount { path, source }
                if source.kind() == io::ErrorKind::ResourceBusy =>
            {
                place(path, PlaceProblem::InUse)
            }
            VolumeError::Mark { path, source }
                if source.kind() == io::ErrorKind::ReadOnlyFilesystem =>
            {
                place(path, PlaceProblem::ReadOnly)
            }
            VolumeError::NotInFstab { path } => place(path, PlaceProblem::NotInFstab),
            VolumeError::NameTaken { group, name } => {
                let path = Path::new("/dev").join(&group).join(&name);
                place(path, PlaceProblem::VolumeNameTaken { group, name })
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
    let is_in_fstab = in_fstab(target, fstab).is_some();
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

/// Whether a field of an fstab names this directory, be it by way of a link (`/vservers`).
pub(crate) fn names(field: &Path, target: &Path) -> bool {
    // Others are not looked at: the host may have mounted what does not answer.
    let may_be = field.file_name() == target.file_name();
    field == target || (may_be && fs::canonicalize(field).is_ok_and(|real| real == target))
}

/// What the host's fstab mounts at this path.
#[must_use]
pub fn in_fstab(target: &Path, fstab: &Path) -> Option<String> {
    let text = fs::read_to_string(fstab).ok()?;
    let is_it = |line: &&str| fstab_target(line).is_some_and(|field| names(&field, target));
    let line = text.lines().rfind(is_it)?;
    line.split_whitespace().next().map(ToOwned::to_owned)
}

/// What is mounted at exactly this path, as the mount table calls it; none when nothing is.
#[must_use]
pub fn source_at(target: &Path) -> Option<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let is_it =
        |line: &&str| line.split(' ').nth(4).is_some_and(|path| tree::unescaped(path) == target);
    let (_, filesystem) = table.lines().rfind(is_it)?.split_once(" - ")?;
    filesystem.split(' ').nth(1).map(|source| tree::unescaped(source).display().to_string())
}

/// Why files that are here cannot be shown with other owners.
pub(crate) fn unmappable(path: &Path, detail: String) -> Failure {
    let kind = fs::metadata(path).ok().and_then(|found| kind_of(found.dev()));
    match kind.filter(|kind| matches!(kind.as_str(), "ext2" | "ext3")) {
        Some(kind) => Failure::Place {
            path: path.display().to_string(),
            problem: PlaceProblem::MountedAs { kind },
        },
        None => Failure::HostLacks { feature: HostFeature::IdmappedMounts, detail },
    }
}

/// As what the filesystem of this device number is mounted.
fn kind_of(device: u64) -> Option<String> {
    let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let line = table.lines().find(|line| line.split(' ').nth(2) == Some(number.as_str()))?;
    line.split_once(" - ")?.1.split(' ').next().map(ToOwned::to_owned)
}

/// Whether nothing can be written where this path leads.
#[must_use]
pub fn is_read_only(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// Writes on a directory, which may be a mounted volume, which operation its files are of.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn mark(root: &Path, by: &OperationId) -> Result<(), VolumeError> {
    lsetxattr(root, OPERATION, by.as_str().as_bytes(), XattrFlags::empty()).map_err(marking(root))
}

/// Whether the files here are of this operation; what is not there is not.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) fn is_marked_by(root: &Path, by: &OperationId) -> Result<bool, VolumeError> {
    let mut value = [0; 64];
    match lgetxattr(root, OPERATION, &mut value[..]) {
        Ok(length) => Ok(value.get(..length) == Some(by.as_str().as_bytes())),
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOENT | Errno::RANGE) => Ok(false),
        Err(errno) => Err(marking(root)(errno)),
    }
}

/// Takes away what is written on a directory about an operation.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn unmark(root: &Path) -> Result<(), VolumeError> {
    match lremovexattr(root, OPERATION) {
        Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOENT) => Ok(()),
        Err(errno) => Err(marking(root)(errno)),
    }
}

fn marking(root: &Path) -> impl FnOnce(Errno) -> VolumeError {
    let path = root.to_owned();
    move |errno| VolumeError::Mark { path, source: errno.into() }
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
    let mut command = program::command(program::MOUNT);
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
    patiently(|| rustix::mount::unmount(target, UnmountFlags::NOFOLLOW)).map_err(busy(target))
}

/// Refuses when a volume could not be unmounted now; it stays mounted.
///
/// # Errors
/// When it is in use.
pub fn refuse_in_use(volume: &Mounted, fstab: &Path) -> Result<(), VolumeError> {
    let target = &volume.target;
    // The kernel says whether it is in use, and if not marks the mount, to unmount it the next time
    // it is told so. Whoever looks at it in between, as this does, takes the mark away.
    let unseen = |source| VolumeError::Unmount { path: target.clone(), source };
    let look = || fs::metadata(target).map(drop).map_err(unseen);
    look()?;
    let flags = UnmountFlags::EXPIRE | UnmountFlags::NOFOLLOW;
    match patiently(|| rustix::mount::unmount(target, flags)) {
        Err(Errno::AGAIN) => look(),
        Err(errno) => Err(busy(target)(errno)),
        // Somebody else had marked it.
        Ok(()) => mount(volume, fstab),
    }
}

fn busy(target: &Path) -> impl FnOnce(Errno) -> VolumeError {
    let path = target.to_owned();
    move |errno| VolumeError::Unmount { path, source: errno.into() }
}

/// Tries until a volume is not in use any more, but not for long.
fn patiently(attempt: impl Fn() -> rustix::io::Result<()>) -> rustix::io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(Errno::BUSY) if Instant::now() < deadline => std::thread::park_timeout(INTERVAL),
            other => return other,
        }
    }
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
    let mut command = program::command(program::LVS);
    command.args(["--noheadings", "--separator", "/", "-o", "vg_name,lv_name", "--", device]);
    let text = run("lvs", command).ok()?;
    let (group, name) = text.trim().split_once('/')?;
    Some(LogicalVolume { group: group.to_owned(), name: name.to_owned() })
}

/// Gives a logical volume another name, unless it has it already.
///
/// # Errors
/// When lvrename(8) fails.
pub fn rename(group: &str, from: &str, to: &str) -> Result<(), VolumeError> {
    let names = names_in(group)?;
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    if has(to) && !has(from) {
        return Ok(());
    }
    lvrename(group, from, to, &[])
}

/// Gives a logical volume that was renamed its old name back, if it was.
///
/// # Errors
/// When lvrename(8) fails.
pub fn rename_back(group: &str, from: &str, to: &str) -> Result<(), VolumeError> {
    match names_in(group)?.iter().any(|name| name == from) {
        true => Ok(()),
        false => lvrename(group, to, from, &[]),
    }
}

/// Refuses a name that a logical volume cannot have.
///
/// # Errors
/// When another one has it, or lvm2 does not take it.
pub fn refuse_name(group: &str, from: &str, to: &str) -> Result<(), VolumeError> {
    if names_in(group)?.iter().any(|name| name == to) {
        return Err(VolumeError::NameTaken { group: group.to_owned(), name: to.to_owned() });
    }
    lvrename(group, from, to, &["--test"])
}

/// The names of the logical volumes of a group.
fn names_in(group: &str) -> Result<Vec<String>, VolumeError> {
    let mut command = program::command(program::LVS);
    command.args(["--noheadings", "-o", "lv_name", "--", group]);
    let names = run("lvs", command)?;
    Ok(names.lines().map(|name| name.trim().to_owned()).collect())
}

fn lvrename(group: &str, from: &str, to: &str, options: &[&str]) -> Result<(), VolumeError> {
    let mut command = program::command(program::LVRENAME);
    command.args(options).args(["--", group, from, to]);
    run("lvrename", command).map(drop)
}

/// Runs a program of the host's; gives what it printed.
fn run(program: &'static str, mut command: Command) -> Result<String, VolumeError> {
    let output = command.output().map_err(|source| VolumeError::Start { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // mount(8) and lvm2 end with where more may be said.
    let is_advice = |line: &str| line.contains("dmesg(1)") || line.contains("--help");
    let says = |line: &&str| !line.trim().is_empty() && !is_advice(line);
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
    fn an_fstab_may_name_a_directory_by_way_of_a_link() {
        let base = tempfile::tempdir().unwrap();
        let real = base.path().join("lib/vservers");
        fs::create_dir_all(real.join("nono")).unwrap();
        let link = base.path().join("vservers");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let fstab = base.path().join("fstab");
        let line = format!("/dev/vs/nono {}/nono ext4\n/dev/vs/x /x ext4\n", link.display());
        fs::write(&fstab, line).unwrap();
        let nono = fs::canonicalize(real.join("nono")).unwrap();
        assert_eq!(in_fstab(&nono, &fstab).as_deref(), Some("/dev/vs/nono"));
        assert_eq!(in_fstab(&nono.with_file_name("ulyse"), &fstab), None);
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
