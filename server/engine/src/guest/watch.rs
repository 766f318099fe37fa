//! The long part of a supervisor's life: reading the console, counting out-of-memory kills, waiting
//! for pid 1 to end.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use domain::life::Life;
use domain::time::UnixMillis;
use domain::vserver::OomKills;
use nix::libc;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use serde::{Deserialize, Serialize};
use sys::process::Ended;
use sys::seqpacket;
use sys::wait::timespec;

use super::console::ConsoleLog;
use super::plan::{Report, StartPlan};
use crate::clock::{Clock, SystemClock};
use crate::life;

/// How often, and after how long, the counter is looked at again when a notice came and it had not
/// moved: v1 tells of want of memory before it kills.
const LOOKS: u8 = 40;
const LOOK: Duration = Duration::from_millis(50);

/// Out-of-memory kills in a guest's cgroup, from the moment it was opened.
pub(super) struct OomCounter {
    /// The file with the counter.
    counter: File,
    /// What becomes readable when it may have moved; on v2 that is the file itself.
    notice: Option<OwnedFd>,
    seen: u64,
}

impl OomCounter {
    /// Begins to count; none where the host does not.
    pub(super) fn open(plan: &StartPlan) -> Option<Self> {
        for path in &plan.cgroups {
            if let Ok(counter) = File::open(path.join("memory.events")) {
                return Some(Self { counter, notice: None, seen: 0 }.begun());
            }
            if let Ok(counter) = File::open(path.join("memory.oom_control")) {
                let notice = notice_of_v1(path, &counter).ok();
                return Some(Self { counter, notice, seen: 0 }.begun());
            }
        }
        None
    }

    fn begun(mut self) -> Self {
        self.seen = self.read().unwrap_or(0);
        self
    }

    fn read(&mut self) -> Option<u64> {
        let mut text = String::new();
        self.counter.seek(SeekFrom::Start(0)).ok()?;
        (&self.counter).take(4096).read_to_string(&mut text).ok()?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
    }

    /// How many there were since last asked.
    fn new_kills(&mut self) -> u64 {
        if let Some(notice) = &self.notice {
            let _ = rustix::io::read(notice, &mut [0; 8]);
        }
        let now = self.read().unwrap_or(self.seen);
        let new = now.saturating_sub(self.seen);
        self.seen = now;
        new
    }

    fn poll_fd(&self) -> PollFd<'_> {
        match &self.notice {
            Some(notice) => PollFd::new(notice, PollFlags::IN),
            None => PollFd::new(&self.counter, PollFlags::PRI),
        }
    }
}

/// v1 tells of out-of-memory through an eventfd that is registered by number.
fn notice_of_v1(path: &Path, counter: &File) -> io::Result<OwnedFd> {
    use std::os::fd::AsRawFd;
    let notice = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let order = format!("{} {}", notice.as_raw_fd(), counter.as_raw_fd());
    let mut control = OpenOptions::new().write(true).open(path.join("cgroup.event_control"))?;
    control.write_all(order.as_bytes())?;
    Ok(notice)
}

/// The most bytes of an event log that are read.
const MAX_EVENT_LOG_BYTES: u64 = 1024 * 1024;

/// One line of the event log.
#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    OomKill { at_ms: i64, count: u64 },
}

/// What an event log says of kills for want of memory. A line that is not one is passed over.
#[must_use]
pub fn oom_kills(event_log: &Path) -> Option<OomKills> {
    let mut text = String::new();
    File::open(event_log).ok()?.take(MAX_EVENT_LOG_BYTES).read_to_string(&mut text).ok()?;
    text.lines().fold(None, |kills: Option<OomKills>, line| match serde_json::from_str(line) {
        Ok(Line::OomKill { at_ms, count }) => Some(OomKills {
            count: kills.map_or(0, |kills| kills.count).saturating_add(count),
            last_at: UnixMillis(at_ms),
        }),
        _ => kills,
    })
}

/// Passes on what pid 1 says of the end of the start command: the one word that is expected, or none.
fn pass_on((link, channel): (OwnedFd, OwnedFd)) {
    let mut buffer = [0; 256];
    let Ok(received) = seqpacket::receive(&link, &mut buffer) else { return };
    let said = serde_json::from_slice(buffer.get(..received.bytes).unwrap_or_default());
    if let Ok(report @ Report::StartCommandEnded { .. }) = said
        && let Ok(text) = serde_json::to_vec(&report)
    {
        let _ = seqpacket::send(&channel, &text, &[]);
    }
}

/// Stays until pid 1 has ended; gives how. `start` is where pid 1 tells of the end of the start command,
/// and who wants to hear of it.
pub(super) fn until_end(
    plan: &StartPlan,
    init: u32,
    pidfd: &OwnedFd,
    console: Option<OwnedFd>,
    mut oom: Option<OomCounter>,
    mut start: Option<(OwnedFd, OwnedFd)>,
) -> io::Result<Ended> {
    life::note(&plan.life_log, &SystemClock, Life::Started { context: plan.context });
    let mut log = ConsoleLog::open(&plan.console_log);
    let mut looks_left = 0;
    // With one end of the guest's side in our hands the console never hangs up.
    let keep = console.as_ref().and_then(|master| {
        let flags = rustix::pty::OpenptFlags::RDWR
            | rustix::pty::OpenptFlags::NOCTTY
            | rustix::pty::OpenptFlags::CLOEXEC;
        rustix::pty::ioctl_tiocgptpeer(master, flags).ok()
    });
    let mut console = console.filter(|_| keep.is_some());
    loop {
        let pause = log.pause();
        let mut polled = vec![PollFd::new(pidfd, PollFlags::IN)];
        let oom_index = oom.as_ref().map(|counter| {
            polled.push(counter.poll_fd());
            polled.len() - 1
        });
        let console_index = console.as_ref().filter(|_| pause.is_none()).map(|master| {
            polled.push(PollFd::from_borrowed_fd(master.as_fd(), PollFlags::IN));
            polled.len() - 1
        });
        let start_index = start.as_ref().map(|(link, _)| {
            polled.push(PollFd::from_borrowed_fd(link.as_fd(), PollFlags::IN));
            polled.len() - 1
        });
        let look = (looks_left > 0).then_some(LOOK);
        let wait = pause.map(|rest| rest + Duration::from_millis(1)).into_iter().chain(look).min();
        let timeout = wait.map(timespec);
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let is_ready = |index: usize| polled.get(index).is_some_and(|fd| !fd.revents().is_empty());
        let (ended, oom_ready) = (is_ready(0), oom_index.is_some_and(is_ready));
        let console_ready = console_index.is_some_and(is_ready);
        if start_index.is_some_and(is_ready)
            && let Some(start) = start.take()
        {
            pass_on(start);
        }
        let was_cut = log.is_cut();
        if console_ready && console.as_ref().is_some_and(|master| !log.read_from(master)) {
            console = None;
        }
        // Told once: a guest that prints without end must not fill this log, too.
        if log.is_cut() && !was_cut {
            life::note(&plan.life_log, &SystemClock, Life::ConsoleFull);
        }
        if oom_ready {
            looks_left = LOOKS;
        }
        if looks_left > 0 || ended {
            looks_left = looks_left.saturating_sub(1);
            if report_kills(plan, oom.as_mut(), &mut log) {
                looks_left = 0;
            }
        }
        if ended {
            // Its last words.
            while let Some(master) = &console {
                if !has_input(master) || log.pause().is_some() || !log.read_from(master) {
                    break;
                }
            }
            let how = sys::process::wait_for(init)?;
            life::note(&plan.life_log, &SystemClock, end_of(how));
            return Ok(how);
        }
    }
}

/// How pid 1 ended: the kernel ends it by these signals when the guest calls reboot(2).
fn end_of(how: Ended) -> Life {
    match how {
        Ended::Killed(libc::SIGHUP) => Life::Rebooted,
        Ended::Killed(libc::SIGINT) => Life::Halted,
        Ended::Killed(signal) => Life::Killed { signal },
        Ended::Exited(status) => Life::Exited { status },
    }
}

fn has_input(master: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(master, PollFlags::IN)];
    let ready = poll(&mut polled, Some(&timespec(Duration::ZERO)));
    ready.is_ok_and(|count| count > 0)
}

/// Notes new kills; whether there were any.
fn report_kills(plan: &StartPlan, oom: Option<&mut OomCounter>, log: &mut ConsoleLog) -> bool {
    let count = oom.map_or(0, OomCounter::new_kills);
    if count > 0 {
        log.append(format!("\r\nulysse: out of memory, {count} killed\r\n").as_bytes());
        note(&plan.event_log, &Line::OomKill { at_ms: SystemClock.now().0, count });
        life::note(&plan.life_log, &SystemClock, Life::OutOfMemory { count });
    }
    count > 0
}

/// Adds a line to the event log. Nobody is there to hear that it failed.
fn note(path: &Path, line: &Line) {
    let Ok(mut text) = serde_json::to_vec(line) else {
        return;
    };
    text.push(b'\n');
    if let Some(directory) = path.parent() {
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    }
    let opened = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path);
    if let Ok(mut file) = opened {
        let _ = file.write_all(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kills_are_added_up_and_what_is_no_line_is_passed_over() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("events");
        assert_eq!(oom_kills(&path), None);
        note(&path, &Line::OomKill { at_ms: 1, count: 2 });
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"broken\n").unwrap();
        note(&path, &Line::OomKill { at_ms: 5, count: 1 });
        assert_eq!(oom_kills(&path), Some(OomKills { count: 3, last_at: UnixMillis(5) }));
    }
}
