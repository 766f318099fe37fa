//! The long part of a supervisor's life: reading the console, telling of out-of-memory kills, waiting
//! for pid 1 to end.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Child;
use std::time::Duration;

use domain::life::{GuestEvent, Life};
use nix::libc;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use sys::process::Ended;
use sys::seqpacket;
use sys::wait::timespec;

use super::console::ConsoleLog;
use super::oom::{self, OomCounter};
use super::plan::{Report, StartPlan};
use crate::clock::SystemClock;
use crate::life;

/// How often, and after how long, the counter is looked at again when a notice came and it had not
/// moved: v1 tells of want of memory before it kills.
const LOOKS: u8 = 40;
const LOOK: Duration = Duration::from_millis(50);

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
    let mut word = WordOfKills::default();
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
        let helper_index = word.pidfd().map(|pidfd| {
            polled.push(PollFd::from_borrowed_fd(pidfd.as_fd(), PollFlags::IN));
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
        let helper_ready = helper_index.is_some_and(is_ready);
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
            let kills = oom.as_mut().and_then(OomCounter::new_kills);
            if let Some(kills) = kills {
                looks_left = 0;
                oom::report(plan, kills, &mut log);
                word.is_wanted = plan.report_end;
            }
        }
        if helper_ready {
            word.reap();
        }
        word.run(plan);
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

/// The word about kills that goes to `apps/vshelper`: one at a time, and one for all that come meanwhile.
#[derive(Default)]
struct WordOfKills {
    is_wanted: bool,
    running: Option<(Child, OwnedFd)>,
}

impl WordOfKills {
    fn pidfd(&self) -> Option<&OwnedFd> {
        self.running.as_ref().map(|(_, pidfd)| pidfd)
    }

    fn run(&mut self, plan: &StartPlan) {
        if !self.is_wanted || self.running.is_some() {
            return;
        }
        self.is_wanted = false;
        let Ok(mut child) = super::supervise::run_event(plan, GuestEvent::Oom.as_str()) else {
            return;
        };
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        match pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()) {
            Some(pidfd) => self.running = Some((child, pidfd)),
            // Without one its end is waited for here.
            None => drop(child.wait()),
        }
    }

    fn reap(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            let _ = child.wait();
        }
    }
}
