//! What a VServer's cgroups say beyond CPU time and memory, on v1 and v2, and the volume it fills.
//!
//! What a host does not count is none: v1 knows no pressure, and a kernel without PSI has no such file.

use std::fs;
use std::path::{Path, PathBuf};

use domain::metrics::measure::{Resources, Space};
use rustix::fs::{StatVfs, stat, statfs, statvfs};

use super::{field_in, number_in, with_controller};
use crate::cgroup;
use crate::state::GuestState;

/// From here on a limit of v1 is none: the largest number of pages, in bytes.
const V1_UNLIMITED: u64 = 1 << 62;
/// `OVERLAYFS_SUPER_MAGIC` of `linux/magic.h`.
const OVERLAYFS: i64 = 0x794c_7630;

/// What a VServer uses and may use.
pub(super) fn of(state: &GuestState) -> Resources {
    let groups = state.cgroups.as_slice();
    let memory_v1 = with_controller(groups, "memory");
    let (read_bytes, written_bytes) = disk_traffic(groups).unzip();
    Resources {
        memory_limit_bytes: match memory_v1 {
            Some(group) => number_in(&group.join("memory.limit_in_bytes"))
                .filter(|limit| *limit < V1_UNLIMITED),
            None => first(groups, |group| number_in(&group.join("memory.max"))),
        },
        swap_bytes: match memory_v1 {
            Some(group) => swap_v1(group),
            None => first(groups, |group| number_in(&group.join("memory.swap.current"))),
        },
        // Only a unified hierarchy knows pressure, and beside those of v1 it is the last one.
        memory_stall_us: groups
            .iter()
            .rev()
            .find_map(|group| stall_in(&group.join("memory.pressure"))),
        oom_kills: match memory_v1 {
            Some(group) => cgroup::oom_kills(group),
            None => first(groups, cgroup::oom_kills),
        },
        read_bytes,
        written_bytes,
        disk: own_volume(&state.root),
    }
}

fn first<T>(groups: &[PathBuf], look: impl Fn(&Path) -> Option<T>) -> Option<T> {
    groups.iter().find_map(|group| look(group))
}

fn swap_v1(group: &Path) -> Option<u64> {
    let text = fs::read_to_string(group.join("memory.stat")).ok()?;
    field_in(&text, "total_swap").or_else(|| field_in(&text, "swap"))
}

/// How long something waited, in microseconds: the total of the line `some` of a file of PSI.
pub(super) fn stall_in(path: &Path) -> Option<u64> {
    total_of(&fs::read_to_string(path).ok()?)
}

fn total_of(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    line.split_ascii_whitespace().find_map(|word| word.strip_prefix("total=")?.parse().ok())
}

/// Bytes (read, written) from and to all disks.
fn disk_traffic(groups: &[PathBuf]) -> Option<(u64, u64)> {
    if let Some(group) = with_controller(groups, "blkio") {
        // What a scheduler of ours does not see, throttling does; the recursive file counts the guest's own groups.
        let text = ["blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"]
            .iter()
            .find_map(|file| fs::read_to_string(group.join(file)).ok())?;
        return Some(traffic_v1(&text));
    }
    first(groups, |group| fs::read_to_string(group.join("io.stat")).ok())
        .map(|text| traffic_v2(&text))
}

/// Lines as `8:0 Read 4096`.
fn traffic_v1(text: &str) -> (u64, u64) {
    text.lines().fold((0, 0), |(read, written), line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (word, bytes) = (words.next(), words.next().and_then(|bytes| bytes.parse().ok()));
        match (word, bytes) {
            (Some("Read"), Some(bytes)) => (bytes_and(read, bytes), written),
            (Some("Write"), Some(bytes)) => (read, bytes_and(written, bytes)),
            _ => (read, written),
        }
    })
}

/// Lines as `8:0 rbytes=4096 wbytes=0 …`.
fn traffic_v2(text: &str) -> (u64, u64) {
    let words = text.lines().flat_map(str::split_ascii_whitespace);
    words.fold((0, 0), |(read, written), word| match word.split_once('=') {
        Some(("rbytes", bytes)) => (bytes_and(read, bytes.parse().unwrap_or(0)), written),
        Some(("wbytes", bytes)) => (read, bytes_and(written, bytes.parse().unwrap_or(0))),
        _ => (read, written),
    })
}

fn bytes_and(sum: u64, more: u64) -> u64 {
    sum.saturating_add(more)
}

/// The filesystem that a VServer's files fill alone: mounted at their root, and not layers of others'.
fn own_volume(root: &Path) -> Option<Space> {
    let above = stat(root.parent()?).ok()?;
    if stat(root).ok()?.st_dev == above.st_dev || statfs(root).ok()?.f_type == OVERLAYFS {
        return None;
    }
    statvfs(root).ok().map(|found| space_of(&found))
}

/// How large a filesystem is for others than root, as df(1) counts its share.
pub(super) fn space_of(found: &StatVfs) -> Space {
    let reserved = found.f_bfree.saturating_sub(found.f_bavail);
    let blocks = found.f_blocks.saturating_sub(reserved);
    Space {
        bytes: blocks.saturating_mul(found.f_frsize),
        free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_added_up_on_both_layouts() {
        let v1 = "8:0 Read 4096\n8:0 Write 100\n8:0 Sync 1\n8:16 Read 4\n8:0 Total 9\nTotal 4200\n";
        assert_eq!(traffic_v1(v1), (4100, 100));
        let v2 = "8:0 rbytes=4096 wbytes=100 rios=1 wios=2 dbytes=7 dios=0\n253:1 rbytes=4\n";
        assert_eq!(traffic_v2(v2), (4100, 100));
        assert_eq!(traffic_v2(""), (0, 0));
    }

    #[test]
    fn how_long_something_waited() {
        let text = "some avg10=0.00 avg60=1.20 avg300=0.00 total=123456\nfull avg10=0.00 total=9\n";
        assert_eq!(total_of(text), Some(123_456));
        assert_eq!(total_of("full avg10=0.00 total=9\n"), None);
    }

    #[test]
    fn no_limit_is_no_limit() {
        let base = tempfile::tempdir().unwrap();
        let group = base.path().join("memory/web");
        fs::create_dir_all(&group).unwrap();
        let write = |file: &str, text: &str| fs::write(group.join(file), text).unwrap();
        let state = |cgroups: Vec<PathBuf>| with_controller(&cgroups, "memory").map(Path::to_owned);
        assert_eq!(state(vec![group.clone()]), Some(group.clone()));
        write("memory.limit_in_bytes", "9223372036854771712\n");
        let limit = |group: &Path| number_in(&group.join("memory.limit_in_bytes"));
        assert!(limit(&group).is_some_and(|limit| limit >= V1_UNLIMITED));
        write("memory.max", "max\n");
        assert_eq!(number_in(&group.join("memory.max")), None);
    }

    #[test]
    fn a_directory_like_any_other_is_no_volume() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("web");
        fs::create_dir(&root).unwrap();
        assert_eq!(own_volume(&root), None);
        // /proc is a filesystem of its own.
        assert!(own_volume(Path::new("/proc")).is_some());
    }
}
