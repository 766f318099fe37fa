//! What a VServer that runs sees mounted: its own pid 1's `/proc/PID/mountinfo`, read from outside.
//!
//! What stands there is a stranger's as far as names go: it is capped and stripped of control characters.
//! Nothing is opened below the VServer's root but what [`crate::remount`] looks at.

use std::fs::File;
use std::io::{self, Read};

use domain::failure::Failure;
use domain::fstab::SeenMount;
use domain::id::VServerName;

use crate::lifecycle::LifecycleError;
use crate::remount;
use crate::roots::Roots;
use crate::state::GuestState;

/// The most bytes that are read.
const MOST_BYTES: u64 = 1024 * 1024;
/// The most mounts that are shown.
const MOST_MOUNTS: usize = 1000;
/// The most characters of one name.
const MOST_CHARACTERS: usize = 300;

/// What it sees mounted, in the order in which it was; none when it does not run.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn seen(roots: &Roots, name: &VServerName) -> Result<Option<Vec<SeenMount>>, Failure> {
    let state = GuestState::running(roots, name).map_err(LifecycleError::from)?;
    let Some((state, init)) = state.and_then(|state| state.init.map(|init| (state, init))) else {
        return Ok(None);
    };
    let text = match read(init.pid) {
        Ok(text) => text,
        Err(_) if !state.is_running() => return Ok(None),
        Err(error) => {
            let detail = format!("reading the mounts of {name}: {error}");
            return Err(Failure::Unexpected { detail });
        }
    };
    let mut lines = remount::lines(roots, init, name);
    let mounts = text.lines().filter_map(of_line).take(MOST_MOUNTS).map(|(id, mount)| {
        let line = lines.iter().position(|(mount_id, _)| *mount_id == id);
        SeenMount { tmpfs: line.map(|index| lines.swap_remove(index).1), ..mount }
    });
    let mounts = mounts.collect();
    // Its pid may be another's by now.
    Ok(state.is_running().then_some(mounts))
}

fn read(pid: u32) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(format!("/proc/{pid}/mountinfo"))?.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line as `proc_pid_mountinfo(5)` has it, and the mount's id.
fn of_line(line: &str) -> Option<(u64, SeenMount)> {
    let (mount, filesystem) = line.split_once(" - ")?;
    let mut mount = mount.split(' ');
    let id = mount.next()?.parse().ok()?;
    let mut mount = mount.skip(2);
    let (root, target, own) = (mount.next()?, mount.next()?, mount.next()?);
    let mut filesystem = filesystem.split(' ');
    let (fs_type, source) = (filesystem.next()?, filesystem.next()?);
    let of_filesystem = filesystem.next().unwrap_or_default();
    let mut options: Vec<&str> = own.split(',').collect();
    options.extend(of_filesystem.split(',').filter(|word| !own.split(',').any(|one| one == *word)));
    options.retain(|word| !word.is_empty());
    let mount = SeenMount {
        target: shown(target),
        root: shown(root),
        fs_type: shown(fs_type),
        source: shown(source),
        options: shown(&options.join(",")),
        tmpfs: None,
    };
    Some((id, mount))
}

/// A name as the kernel escapes it (blanks, tabs, newlines, backslashes), to be shown.
fn shown(text: &str) -> String {
    let plain = [("\\040", " "), ("\\011", " "), ("\\012", " "), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain));
    plain.chars().filter(|c| !c.is_control()).take(MOST_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_s() {
        let line = r"36 35 0:53 / /tmp/a\040b rw,nosuid,nodev shared:1 - tmpfs none rw,size=32768k,mode=1777";
        let expected = SeenMount {
            target: "/tmp/a b".to_owned(),
            root: "/".to_owned(),
            fs_type: "tmpfs".to_owned(),
            source: "none".to_owned(),
            options: "rw,nosuid,nodev,size=32768k,mode=1777".to_owned(),
            tmpfs: None,
        };
        assert_eq!(of_line(line), Some((36, expected)));
        assert_eq!(of_line("36 35 0:53 / /tmp rw"), None);
        assert_eq!(of_line(""), None);
    }
}
