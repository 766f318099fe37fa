//! What the whole host has and uses: CPUs, load, pressure, swap, disks, the filesystems that count.
//!
//! A filesystem of another machine's is passed over: asking one that does not answer would hold up everybody
//! who asks. That is told from the mount table, without touching it.

use std::fs;
use std::path::{Path, PathBuf};

use domain::metrics::measure::{Filesystem, Holding, HostResources, Stall};
use rustix::fs::{stat, statvfs};

use super::resources::{space_of, stall_in};
use super::ticks_to_ms;
use crate::base_links;
use crate::roots::{Settings, Target};
use crate::tree;

/// Bytes of a sector, as `/proc/diskstats` counts them on every disk.
const SECTOR_BYTES: u64 = 512;
/// Filesystems that other machines, or programs, answer for; and those whose names begin so.
const REMOTE: [&str; 8] = ["9p", "afs", "ceph", "cifs", "glusterfs", "nfs", "nfs4", "smb3"];
const REMOTE_PREFIX: &str = "fuse";

/// What the host uses; `processes` were counted already.
pub(super) fn of(settings: &Settings, processes: u32) -> HostResources {
    let (cpus, cpu_ms) = cpu();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |name: &str| kib_in(&memory, name).unwrap_or(0).saturating_mul(1024);
    let (read_bytes, written_bytes) = disk_traffic();
    let swap_bytes = bytes("SwapTotal:");
    HostResources {
        cpus,
        cpu_ms,
        processes,
        memory_bytes: bytes("MemTotal:"),
        swap_bytes,
        swap_used_bytes: swap_bytes.saturating_sub(bytes("SwapFree:")),
        load_hundredths: load(&fs::read_to_string("/proc/loadavg").unwrap_or_default()),
        pressure: pressure(Path::new("/proc/pressure")),
        read_bytes,
        written_bytes,
        filesystems: filesystems(settings),
    }
}

/// A line of `/proc/meminfo`, in KiB.
pub(super) fn kib_in(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.split_ascii_whitespace().next()?.parse().ok())
}

fn cpu() -> (u32, u64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let (cpus, ticks) = busy(&text);
    (cpus, ticks_to_ms(ticks))
}

/// How many CPUs there are, and how many ticks all of them worked.
fn busy(stat: &str) -> (u32, u64) {
    let lines = || stat.lines().filter_map(|line| line.strip_prefix("cpu"));
    let cpus = lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
    let all = lines().find(|line| line.starts_with(' ')).unwrap_or_default();
    // user, nice, system, idle, iowait, irq, softirq, steal; what guests of a hypervisor took is in user.
    let ticks = all
        .split_ascii_whitespace()
        .take(8)
        .enumerate()
        .filter(|(index, _)| !matches!(index, 3 | 4))
        .filter_map(|(_, word)| word.parse::<u64>().ok())
        .fold(0, u64::saturating_add);
    (u32::try_from(cpus).unwrap_or(u32::MAX), ticks)
}

/// The three means of `/proc/loadavg`, in hundredths.
fn load(text: &str) -> [u32; 3] {
    let mut words = text.split_ascii_whitespace();
    [(); 3].map(|()| {
        let (whole, part) = words.next().and_then(|word| word.split_once('.')).unwrap_or_default();
        let number = |text: &str| text.parse::<u32>().unwrap_or(0);
        number(whole).saturating_mul(100).saturating_add(number(part))
    })
}

fn pressure(directory: &Path) -> Option<Stall> {
    let of = |file: &str| stall_in(&directory.join(file));
    Some(Stall { cpu_us: of("cpu")?, memory_us: of("memory")?, io_us: of("io")? })
}

/// Bytes (read, written) from and to all disks that are devices: what stands on others, as volumes do, would
/// count twice.
fn disk_traffic() -> (u64, u64) {
    let text = fs::read_to_string("/proc/diskstats").unwrap_or_default();
    let is_device = |name: &str| Path::new("/sys/block").join(name).join("device").exists();
    traffic_of(&text, is_device)
}

fn traffic_of(text: &str, is_device: impl Fn(&str) -> bool) -> (u64, u64) {
    text.lines().fold((0, 0), |sum: (u64, u64), line| {
        let mut words = line.split_ascii_whitespace().skip(2);
        if !words.next().is_some_and(&is_device) {
            return sum;
        }
        let mut numbers = words.map(|word| word.parse::<u64>().unwrap_or(0));
        let (read, written) = (numbers.nth(2).unwrap_or(0), numbers.nth(3).unwrap_or(0));
        let bytes = |sectors: u64| sectors.saturating_mul(SECTOR_BYTES);
        (sum.0.saturating_add(bytes(read)), sum.1.saturating_add(bytes(written)))
    })
}

/// The filesystems that hold VServers, backups and the database, each once.
fn filesystems(settings: &Settings) -> Vec<Filesystem> {
    let roots = &settings.roots;
    let mut places = vec![(base_links::shown_guest_base(roots), Holding::VServers)];
    places.extend(settings.backup.targets.values().filter_map(|target| match target {
        Target::Directory { path } => Some((path.clone(), Holding::Backups)),
        Target::Ssh(_) => None,
    }));
    places.push((roots.database_base.clone(), Holding::Database));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mounts = Mounts::parse(&mounts);
    let mut found: Vec<(u64, Filesystem)> = Vec::new();
    for (path, holding) in places {
        let Some(mount) = mounts.local_one_of(&path) else { continue };
        // A directory that is not there yet will be made in the nearest one that is.
        let Some(there) = path.ancestors().find(|path| path.is_dir()) else { continue };
        let (Ok(about), Ok(space)) = (stat(there), statvfs(there)) else { continue };
        match found.iter_mut().find(|(device, _)| *device == about.st_dev) {
            Some((_, known)) if known.holds.contains(&holding) => {}
            Some((_, known)) => known.holds.push(holding),
            None => {
                let mount = mount.display().to_string();
                let space = space_of(&space);
                let holds = vec![holding];
                found.push((about.st_dev, Filesystem { mount, holds, space }));
            }
        }
    }
    found.into_iter().map(|(_, filesystem)| filesystem).collect()
}

/// Where which kind of filesystem is mounted.
struct Mounts(Vec<(PathBuf, String)>);

impl Mounts {
    fn parse(mountinfo: &str) -> Self {
        let lines = mountinfo.lines().filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let mount = tree::unescaped(before.split(' ').nth(4)?);
            Some((mount, after.split(' ').next()?.to_owned()))
        });
        Self(lines.collect())
    }

    /// Where the filesystem of a path is mounted; none when it is another machine's.
    fn local_one_of(&self, path: &Path) -> Option<&Path> {
        // Of several at one place the last one counts.
        let above = self.0.iter().filter(|(mount, _)| path.starts_with(mount));
        let (mount, kind) = above.max_by_key(|(mount, _)| mount.components().count())?;
        let is_remote = REMOTE.contains(&kind.as_str()) || kind.starts_with(REMOTE_PREFIX);
        (!is_remote).then_some(mount.as_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_says_of_cpus_and_load() {
        let stat = "cpu  10 20 30 1000 500 1 2 3 7 0\ncpu0 5 5 5 5\ncpu1 5 5 5 5\nintr 5\n";
        assert_eq!(busy(stat), (2, 66));
        assert_eq!(load("0.05 1.20 12.34 1/100 4242\n"), [5, 120, 1234]);
        assert_eq!(load(""), [0, 0, 0]);
        assert_eq!(kib_in("MemTotal:  100 kB\nSwapFree: 7 kB\n", "SwapFree:"), Some(7));
    }

    #[test]
    fn only_devices_count_as_disks() {
        let text = "   8  0 sda 1 2 10 4 5 6 20 8 0 9 10\n   8  1 sda1 1 2 9 4 5 6 9 8 0 9 10\n\
                    253 0 dm-0 1 2 9 4 5 6 9 8 0 9 10\n";
        assert_eq!(traffic_of(text, |name| name == "sda"), (5120, 10_240));
    }

    #[test]
    fn a_filesystem_of_another_machine_is_not_asked() {
        let mounts = Mounts::parse(
            "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /srv rw - xfs /dev/sdb rw\n\
             3 2 0:9 / /srv/far\\040away rw - nfs4 host:/x rw\n4 1 0:8 / /mnt rw - fuse.sshfs x rw\n",
        );
        let of = |path: &str| mounts.local_one_of(Path::new(path)).map(Path::to_owned);
        assert_eq!(of("/srv/backups"), Some("/srv".into()));
        assert_eq!(of("/srv/far away/backups"), None);
        assert_eq!(of("/mnt/x"), None);
        assert_eq!(of("/var/lib"), Some("/".into()));
    }

    #[test]
    fn this_machine_has_cpus_memory_and_a_filesystem() {
        let base = tempfile::tempdir().unwrap();
        let mut settings = Settings::default();
        settings.roots.guest_base = base.path().join("lib");
        settings.roots.config_base = base.path().join("etc");
        settings.roots.database_base = base.path().join("database");
        let local = Target::Directory { path: base.path().join("backups") };
        settings.backup.targets = [("local".parse().unwrap(), local)].into();
        let found = of(&settings, 7);
        assert!(found.cpus > 0 && found.cpu_ms > 0 && found.memory_bytes > 0);
        let [filesystem] = found.filesystems.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            filesystem.holds,
            [Holding::VServers, Holding::Backups, Holding::Database],
            "one filesystem holds all"
        );
        assert!(filesystem.space.bytes >= filesystem.space.free_bytes);
    }
}
