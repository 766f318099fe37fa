//! One pass over `/proc`: every process once, and the VServer whose cgroup it is in.
//!
//! A process may end between any two lines: then it does not count. Nothing here waits, locks or writes.
//! What only adds up shares the pass out among the processors ([`fold_processes`]).

use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Dir, Mode, OFlags, open, openat};
use rustix::io::Errno;

use crate::parallel;

/// Room for any of the files of a process that are read.
const BUFFER_BYTES: usize = 8192;

/// What one line of `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) state: char,
    pub(crate) parent: u32,
    pub(crate) user_ticks: u64,
    pub(crate) system_ticks: u64,
    /// Of the children that it has reaped.
    pub(crate) reaped_user_ticks: u64,
    pub(crate) reaped_system_ticks: u64,
    pub(crate) nice: i32,
    pub(crate) threads: u32,
    pub(crate) start_ticks: u64,
    pub(crate) vsz_bytes: u64,
    pub(crate) rss_pages: u64,
}

impl Stat {
    /// Whether it has not ended: one that nobody has reaped yet has.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// A process while a pass is at it.
pub(crate) struct Seen<'a> {
    pub(crate) pid: u32,
    pub(crate) stat: Stat,
    proc: &'a OwnedFd,
    marker: &'a str,
}

impl Seen<'_> {
    /// The VServer whose cgroup it is in, if any.
    pub(crate) fn group(&self) -> Option<String> {
        let mut buffer = [0; BUFFER_BYTES];
        let text = read_small(self.proc, &format!("{}/cgroup", self.pid), &mut buffer)?;
        group_in(text, self.marker).map(str::to_owned)
    }

    /// A file of its directory in `/proc`, as far as it fits into 8 KiB.
    pub(crate) fn read(&self, file: &str) -> Option<Vec<u8>> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let count = read_once(self.proc, &format!("{}/{file}", self.pid), &mut buffer)?;
        buffer.truncate(count);
        Some(buffer)
    }
}

/// Calls `found` with every process.
pub(crate) fn each_process(cgroup_root: &str, mut found: impl FnMut(&Seen<'_>)) -> io::Result<()> {
    let proc = open_proc()?;
    visit(&proc, &marker_of(cgroup_root), &pids(&proc)?, &mut found);
    Ok(())
}

/// Adds up processes in several sums, one a processor, each of which begins with what `begin` gives.
pub(crate) fn fold_processes<T: Send>(
    cgroup_root: &str,
    begin: impl Fn() -> T + Sync,
    add: impl Fn(&mut T, &Seen<'_>) + Sync,
) -> io::Result<Vec<T>> {
    let (proc, marker) = (open_proc()?, marker_of(cgroup_root));
    Ok(parallel::in_pieces(&pids(&proc)?, |piece| {
        let mut sum = begin();
        visit(&proc, &marker, piece, &mut |seen| add(&mut sum, seen));
        sum
    }))
}

fn open_proc() -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open("/proc", flags, Mode::empty())?)
}

/// What a path of a VServer's cgroups begins with, from the root of the hierarchy on.
fn marker_of(cgroup_root: &str) -> String {
    format!("/{cgroup_root}/")
}

fn pids(proc: &OwnedFd) -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in Dir::read_from(proc)? {
        pids.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(pids)
}

fn visit(proc: &OwnedFd, marker: &str, pids: &[u32], found: &mut dyn FnMut(&Seen<'_>)) {
    let mut buffer = [0; BUFFER_BYTES];
    for pid in pids.iter().copied() {
        let stat = read_small(proc, &format!("{pid}/stat"), &mut buffer).and_then(parse_stat);
        if let Some(stat) = stat {
            found(&Seen { pid, stat, proc, marker });
        }
    }
}

/// The VServer in whose cgroup one process is.
pub(crate) fn group_of(cgroup_root: &str, pid: u32) -> Option<String> {
    let text = fs::read(format!("/proc/{pid}/cgroup")).ok()?;
    group_in(&text, &marker_of(cgroup_root)).map(str::to_owned)
}

/// Reads a small file of `/proc` in one go, which the kernel answers consistently. It need not be text: a process
/// may call itself anything, and its cgroup too.
fn read_small<'a>(directory: &OwnedFd, path: &str, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let count = read_once(directory, path, buffer)?;
    buffer.get(..count)
}

fn read_once(directory: impl AsFd, path: &str, buffer: &mut [u8]) -> Option<usize> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(directory, path, flags, Mode::empty()).ok()?;
    loop {
        match rustix::io::read(&file, &mut *buffer) {
            Ok(count) => return Some(count),
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// The fields from the third on; the second is a name that the process chose.
fn parse_stat(text: &[u8]) -> Option<Stat> {
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = core::str::from_utf8(text.get(end + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().take(22).collect();
    let field = |number: usize| fields.get(number.checked_sub(3)?).copied();
    let number = |at: usize| field(at)?.parse::<u64>().ok();
    Some(Stat {
        state: field(3)?.chars().next()?,
        parent: field(4)?.parse().ok()?,
        user_ticks: number(14)?,
        system_ticks: number(15)?,
        reaped_user_ticks: number(16)?,
        reaped_system_ticks: number(17)?,
        nice: field(19)?.parse().ok()?,
        threads: field(20)?.parse().ok()?,
        start_ticks: number(22)?,
        vsz_bytes: number(23)?,
        rss_pages: number(24)?,
    })
}

/// The VServer in whose cgroup a process is: the name after the first `/<root>/` of a path. What follows is the
/// guest's own, and may be any bytes.
fn group_in<'a>(text: &'a [u8], marker: &str) -> Option<&'a str> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let path = line.splitn(3, |byte| *byte == b':').nth(2)?;
        let at = path.windows(marker.len()).position(|part| part == marker.as_bytes())?;
        let below = path.get(at + marker.len()..)?;
        let name = core::str::from_utf8(below.split(|byte| *byte == b'/').next()?).ok()?;
        (!name.is_empty() && !name.starts_with('.')).then_some(name)
    })
}

/// Clock ticks as milliseconds.
pub(crate) fn ticks_to_ms(ticks: u64) -> u64 {
    ticks.saturating_mul(1000) / rustix::param::clock_ticks_per_second().max(1)
}

/// How long the host has been up.
pub(crate) fn host_uptime_ms() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/uptime")?;
    let seconds = text.split_ascii_whitespace().next().unwrap_or_default();
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let number = |text: &str| {
        text.parse::<u64>().map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "/proc/uptime"))
    };
    Ok(number(whole)? * 1000 + number(part)? * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line() {
        let line = b"7 (\xff) b ) S 1 7 7 0 -1 4 1 2 3 4 10 20 30 40 20 -5 3 0 4242 1048576 25 9 9";
        let expected = Stat {
            state: 'S',
            parent: 1,
            user_ticks: 10,
            system_ticks: 20,
            reaped_user_ticks: 30,
            reaped_system_ticks: 40,
            nice: -5,
            threads: 3,
            start_ticks: 4242,
            vsz_bytes: 1_048_576,
            rss_pages: 25,
        };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat(b"7 (a"), None);
        assert_eq!(parse_stat(b""), None);
    }

    #[test]
    fn the_group_of_a_process() {
        let marker = "/ulysse/";
        assert_eq!(group_in(b"0::/ulysse/web/system.slice\n", marker), Some("web"));
        let v1 = b"5:memory:/\n4:cpu,cpuacct:/ulysse/mail\n0::/\n";
        assert_eq!(group_in(v1, marker), Some("mail"));
        assert_eq!(group_in(b"0::/ulysse/.supervisors\n", marker), None);
        assert_eq!(group_in(b"0::/user.slice\n", marker), None);
        // A name that holds the marker further down does not count.
        assert_eq!(group_in(b"0::/ulysse/web/ulysse/mail\n", marker), Some("web"));
        // Nor does what a guest calls cgroups of its own: nobody hides by it, or behind another one.
        let odd = b"0::/ulysse/web/\xff):x:/ulysse/mail\n";
        assert_eq!(group_in(odd, marker), Some("web"));
    }
}
