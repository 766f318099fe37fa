//! Giving what is mounted in a VServer that runs the size and the flags that its fstab says by now. Files stay.
//!
//! Invariants:
//! - Only a tmpfs is changed that lies where a line of the fstab says, and that is the VServer's own: one that
//!   the host has mounted itself is left alone, however it came to be there.
//! - What is mounted is reached by descriptors beneath the root of the VServer's pid 1, as that would follow the
//!   path, never through magic links. Its namespace of mounts is joined by a thread of its own, which runs no
//!   program, opens nothing there, and ends.
//! - It is journaled with what was before, and undone as long as the same pid 1 lives.
//!
//! Not here: what cannot be another while it is mounted; that holds from the next start.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use domain::failure::Failure;
use domain::id::VServerName;
use domain::operation::Stage;
use domain::tmpfs::{RemountProblem, TmpfsLine, TmpfsOptions};
use nix::sched::{CloneFlags, setns, unshare};
use rustix::fs::{
    AtFlags, FsWord, Mode, OFlags, ResolveFlags, StatVfsMountFlags, StatxAttributes, StatxFlags,
    fstatfs, fstatvfs, open, openat2, statx,
};
use rustix::io::Errno;
use rustix::mount::{FsPickFlags, fsconfig_reconfigure, fsconfig_set_string, fspick};
use rustix::param::page_size;
use serde::{Deserialize, Serialize};
use sys::mount::Attributes;

use crate::config::{FstabEntry, GuestConfig, MountKind};
use crate::engine::Instance;
use crate::guest::{MountPlan, mounts};
use crate::lifecycle::LifecycleError;
use crate::operation::{Step, Stopped, Work, crash_point};
use crate::roots::Roots;
use crate::state::{GuestState, ProcessIdentity};

/// What `statfs` says of a tmpfs.
const TMPFS_MAGIC: FsWord = 0x0102_1994;

/// A change of what is mounted, with all that is needed to undo it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemountStep {
    /// The pid 1 of the VServer: a later one of it mounts anew.
    pub init: ProcessIdentity,
    /// Where, in the VServer.
    pub target: String,
    /// As it was.
    pub before: TmpfsOptions,
}

/// A tmpfs that is mounted in a VServer.
struct Tmpfs {
    /// Its root, in the VServer's namespace of mounts.
    root: OwnedFd,
    /// Its id in the VServer's table of mounts.
    mount_id: u64,
    now: TmpfsOptions,
    used_bytes: u64,
}

/// The lines of a running VServer's fstab for a tmpfs, each with the id of the mount that is there; those are
/// left out where none of its own is, or that say what cannot be compared.
pub(crate) fn lines(
    roots: &Roots,
    init: ProcessIdentity,
    name: &VServerName,
) -> Vec<(u64, TmpfsLine)> {
    // A tree that cannot be read is told by its own page.
    let Ok(config) = GuestConfig::read(roots, name) else { return Vec::new() };
    let mut found: Vec<(u64, TmpfsLine)> = Vec::new();
    for entry in &config.fstab {
        let Ok((tmpfs, line)) = look(init, entry) else { continue };
        // The later line lies on the earlier one.
        found.retain(|(mount_id, _)| *mount_id != tmpfs.mount_id);
        found.push((tmpfs.mount_id, line));
    }
    found
}

/// Why this cannot be done now.
///
/// # Errors
/// That.
pub(crate) fn judge(roots: &Roots, name: &VServerName, target: &str) -> Result<(), Failure> {
    chosen(roots, name, target).map(drop)
}

/// The tmpfs that is to be changed, and to what.
fn chosen(
    roots: &Roots,
    name: &VServerName,
    target: &str,
) -> Result<(ProcessIdentity, Tmpfs, TmpfsLine), Failure> {
    let refused = |problem| Failure::NotRemounted { target: target.to_owned(), problem };
    let state = GuestState::running(roots, name).map_err(LifecycleError::from)?;
    let init = state.and_then(|state| state.init);
    let init = init.ok_or_else(|| Failure::NotRunning { name: name.clone() })?;
    let config = GuestConfig::read(roots, name)?;
    let plain = |text: &str| text.trim_end_matches('/').to_owned();
    let entry = config.fstab.iter().rfind(|entry| plain(&entry.target) == plain(target));
    let (tmpfs, line) =
        look(init, entry.ok_or_else(|| refused(RemountProblem::NotInFstab))?).map_err(&refused)?;
    if line.is_as_wanted() {
        return Err(Failure::NothingToChange);
    }
    line.judge().map_err(refused)?;
    Ok((init, tmpfs, line))
}

/// Gives what is mounted at `target` the size and flags of its line.
///
/// # Errors
/// When it does not run, there is nothing to change, its files would not fit, or the kernel refuses; what was
/// done is then to be undone.
pub(crate) fn remount(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
    target: &str,
) -> Result<(), Stopped> {
    let (init, tmpfs, line) = chosen(&instance.settings.roots, name, target)?;
    work.progress(Stage::Remounting, 500);
    let before = tmpfs.now;
    work.intend(Step::Remount(RemountStep { init, target: line.target.clone(), before }))?;
    crash_point("remount:intended");
    let failed = |source: io::Error| match (
        source.raw_os_error().map(Errno::from_raw_os_error),
        line.wanted,
    ) {
        (Some(Errno::BUSY), TmpfsOptions { read_only: true, .. }) => {
            let problem = RemountProblem::BeingWritten;
            Failure::NotRemounted { target: target.to_owned(), problem }
        }
        _ => Failure::Unexpected { detail: format!("changing the mount at {target}: {source}") },
    };
    resize(&tmpfs, line.wanted.size_bytes).map_err(failed)?;
    crash_point("remount:resized");
    set_flags(init, &tmpfs, line.wanted).map_err(failed)?;
    crash_point("remount:done");
    work.log(&format!("- {target} {}", before.line()));
    work.log(&format!("+ {target} {}", line.wanted.line()));
    Ok(())
}

/// Makes what is mounted what it was, unless it is not there any more. Files that came since may take more
/// room than there was: then it keeps as much as they take.
///
/// # Errors
/// When the kernel refuses.
pub(crate) fn undo(step: &RemountStep) -> io::Result<()> {
    let RemountStep { init, target, before } = step;
    let Ok(tmpfs) = open_tmpfs(*init, target) else { return Ok(()) };
    let wanted = TmpfsOptions { size_bytes: before.size_bytes.max(tmpfs.used_bytes), ..*before };
    if wanted != tmpfs.now {
        resize(&tmpfs, wanted.size_bytes)?;
        set_flags(*init, &tmpfs, wanted)?;
    }
    Ok(())
}

/// What a line says, and what is mounted there.
fn look(init: ProcessIdentity, entry: &FstabEntry) -> Result<(Tmpfs, TmpfsLine), RemountProblem> {
    let wanted = wanted_by(entry).ok_or(RemountProblem::NotInFstab)?;
    let tmpfs = open_tmpfs(init, &entry.target).map_err(|_| RemountProblem::NotMounted)?;
    let line = TmpfsLine {
        file: entry.file.clone(),
        number: entry.line,
        target: entry.target.clone(),
        wanted,
        now: tmpfs.now,
        used_bytes: tmpfs.used_bytes,
    };
    Ok((tmpfs, line))
}

/// How a tmpfs is to be mounted by its line; none for anything else, and for one without a limit.
fn wanted_by(entry: &FstabEntry) -> Option<TmpfsOptions> {
    let is_tmpfs = entry.kind == MountKind::Filesystem("tmpfs".to_owned());
    if !is_tmpfs || mounts::is_given(&MountPlan::from(entry)) {
        return None;
    }
    let words = || entry.data.split(',').filter_map(|word| word.split_once('='));
    if words().any(|(option, _)| option == "nr_blocks") {
        return None;
    }
    let size = words().filter(|(option, _)| *option == "size").map(|(_, size)| size).next_back();
    let flags = entry.flags;
    Some(TmpfsOptions {
        size_bytes: in_bytes(size.unwrap_or("50%")).filter(|bytes| *bytes > 0)?,
        read_only: flags.read_only,
        no_suid: flags.no_suid,
        no_device: flags.no_dev,
        no_exec: flags.no_exec,
    })
}

/// What the kernel understands by a size: bytes with a unit, or a share of the memory; in whole pages.
fn in_bytes(text: &str) -> Option<u64> {
    let page = page_size() as u64;
    let units = [('k', 10), ('m', 20), ('g', 30), ('t', 40)];
    let text = text.to_ascii_lowercase();
    let bytes = if let Some(share) = text.strip_suffix('%') {
        let info = rustix::system::sysinfo();
        let pages = info.totalram.checked_mul(info.mem_unit.into())? / page;
        share.parse::<u64>().ok()?.checked_mul(page)?.checked_mul(pages)? / 100
    } else {
        match units.iter().find_map(|(unit, bits)| Some((text.strip_suffix(*unit)?, *bits))) {
            Some((number, bits)) => number.parse::<u64>().ok()?.checked_mul(1 << bits)?,
            None => text.parse().ok()?,
        }
    };
    bytes.div_ceil(page).checked_mul(page)
}

/// What a VServer has mounted at a path of its own, when that is a tmpfs of its own with a limit.
fn open_tmpfs(init: ProcessIdentity, target: &str) -> io::Result<Tmpfs> {
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open(format!("/proc/{}/root", init.pid), directory, Mode::empty())?;
    // What was opened is the right process's only if that one still lives.
    if !init.is_alive() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let root = openat2(&root, target, directory, Mode::empty(), resolve)?;
    let about =
        statx(&root, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)?;
    let device = format!("{}:{}", about.stx_dev_major, about.stx_dev_minor);
    let is_its_root = about.stx_attributes.contains(StatxAttributes::MOUNT_ROOT);
    let statfs = fstatfs(&root)?;
    if !is_its_root || statfs.f_type != TMPFS_MAGIC || is_of_host(&device)? {
        return Err(io::ErrorKind::NotFound.into());
    }
    let space = fstatvfs(&root)?;
    let size_bytes = space.f_blocks.saturating_mul(space.f_frsize);
    if size_bytes == 0 {
        // Without a limit: the kernel gives it none while it is mounted.
        return Err(io::ErrorKind::Unsupported.into());
    }
    let has = |flag| space.f_flag.contains(flag);
    let now = TmpfsOptions {
        size_bytes,
        read_only: has(StatVfsMountFlags::RDONLY),
        no_suid: has(StatVfsMountFlags::NOSUID),
        no_device: has(StatVfsMountFlags::NODEV),
        no_exec: has(StatVfsMountFlags::NOEXEC),
    };
    let used_bytes = space.f_blocks.saturating_sub(space.f_bfree).saturating_mul(space.f_frsize);
    Ok(Tmpfs { root, mount_id: about.stx_mnt_id, now, used_bytes })
}

/// Whether the host itself has this filesystem mounted, by the number of its device.
fn is_of_host(device: &str) -> io::Result<bool> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(mounts.lines().any(|line| line.split(' ').nth(2) == Some(device)))
}

fn resize(tmpfs: &Tmpfs, size_bytes: u64) -> io::Result<()> {
    if tmpfs.now.size_bytes == size_bytes {
        return Ok(());
    }
    let flags = FsPickFlags::FSPICK_EMPTY_PATH | FsPickFlags::FSPICK_CLOEXEC;
    let context = fspick(&tmpfs.root, "", flags)?;
    fsconfig_set_string(context.as_fd(), "size", size_bytes.to_string())?;
    Ok(fsconfig_reconfigure(context.as_fd())?)
}

/// Gives the mount its flags. The kernel lets only those do that who are among the VServer's mounts.
fn set_flags(init: ProcessIdentity, tmpfs: &Tmpfs, wanted: TmpfsOptions) -> io::Result<()> {
    let namespace = File::open(format!("/proc/{}/ns/mnt", init.pid))?;
    if !init.is_alive() {
        return Err(io::ErrorKind::NotFound.into());
    }
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            // What the threads of a process have in common is where they are; nobody else comes along.
            unshare(CloneFlags::CLONE_FS)?;
            setns(&namespace, CloneFlags::CLONE_NEWNS)?;
            sys::mount::exchange_attributes(&tmpfs.root, attributes(wanted))
        });
        inside.join().unwrap_or_else(|_| Err(io::Error::other("the thread ended")))
    })
}

fn attributes(options: TmpfsOptions) -> Attributes {
    Attributes {
        read_only: options.read_only,
        no_suid: options.no_suid,
        no_device: options.no_device,
        no_exec: options.no_exec,
        ..Attributes::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_the_kernel_makes_of_them() {
        let page = page_size() as u64;
        assert_eq!(in_bytes("32m"), Some(32 << 20));
        assert_eq!(in_bytes("1G"), Some(1 << 30));
        assert_eq!(in_bytes("1"), Some(page));
        for wrong in ["", "m", "-1m", "1x", "99999999999999999999", "%"] {
            assert_eq!(in_bytes(wrong), None, "{wrong}");
        }
        let (half, all) = (in_bytes("50%").unwrap(), in_bytes("100%").unwrap());
        assert!(half > 0 && all.abs_diff(half * 2) <= 2 * page, "{half} of {all}");
    }
}
