//! Out-of-memory kills in a guest: how many, as its cgroup counts them, and of which processes, as far as the
//! kernel's log says.
//!
//! The log has no line for each kill (the kernel holds them back when there are many, and writes one for a group that
//! is ended together), and not every host lets it be read: what is not known is not said. Guests choose what their
//! processes and the cgroups in theirs are called, so a line is a guest's only where the kernel itself names its
//! cgroup: see [`killed_in`].

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use domain::life::{KilledProcess, Life};
use domain::time::UnixMillis;
use domain::vserver::OomKills;
use nix::libc;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use serde::{Deserialize, Serialize};

use super::console::ConsoleLog;
use super::plan::StartPlan;
use crate::clock::{Clock, SystemClock};
use crate::life;

/// How many of those that the kernel's log names are told at once.
const MAX_NAMED: usize = 16;

/// New kills.
pub(super) struct Kills {
    /// How many.
    count: u64,
    /// Those that the kernel's log names.
    killed: Vec<KilledProcess>,
}

/// Out-of-memory kills in a guest's cgroup, from the moment it was opened.
pub(super) struct OomCounter {
    /// The file with the counter.
    counter: File,
    /// Where the kernel names them, if it can be read.
    log: Option<KernelLog>,
    /// What becomes readable when it may have moved; on v2 that is the file itself.
    notice: Option<OwnedFd>,
    seen: u64,
}

impl OomCounter {
    /// Begins to count; none where the host does not.
    pub(super) fn open(plan: &StartPlan) -> Option<Self> {
        for path in &plan.cgroups {
            let log = || KernelLog::open(path, plan.first_host_id, plan.host_ids);
            if let Ok(counter) = File::open(path.join("memory.events")) {
                return Some(Self { counter, log: log(), notice: None, seen: 0 }.begun());
            }
            if let Ok(counter) = File::open(path.join("memory.oom_control")) {
                let notice = notice_of_v1(path, &counter).ok();
                return Some(Self { counter, log: log(), notice, seen: 0 }.begun());
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

    /// What there was since last asked, if there was anything.
    pub(super) fn new_kills(&mut self) -> Option<Kills> {
        if let Some(notice) = &self.notice {
            let _ = rustix::io::read(notice, &mut [0; 8]);
        }
        let now = self.read().unwrap_or(self.seen);
        let new = now.saturating_sub(self.seen);
        self.seen = now;
        (new > 0).then(|| {
            // The kernel writes its log before it counts.
            let killed = self.log.as_mut().map(KernelLog::killed).unwrap_or_default();
            Kills { count: new, killed }
        })
    }

    pub(super) fn poll_fd(&self) -> PollFd<'_> {
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

/// Tells of kills where it is looked for: on the console, in the record of the run, in the guest's life.
pub(super) fn report(plan: &StartPlan, Kills { count, killed }: Kills, log: &mut ConsoleLog) {
    let named = killed.iter().map(|one| format!(" {}[{}]", one.name, one.pid));
    let named = named.collect::<String>();
    log.append(format!("\r\nulysse: out of memory, {count} killed{named}\r\n").as_bytes());
    note(&plan.event_log, &Line::OomKill { at_ms: SystemClock.now().0, count });
    life::note(&plan.life_log, &SystemClock, Life::OutOfMemory { count, killed });
}

/// Adds a line to the event log. Nobody is there to hear that it failed.
fn note(path: &Path, line: &Line) {
    if let Some(directory) = path.parent() {
        let _ = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    }
    let _ = life::append(path, line);
}

/// The kernel's log, from the moment it was opened.
struct KernelLog {
    log: File,
    /// The guest's cgroup as the kernel calls it.
    cgroup: String,
    first_host_id: u32,
    host_ids: u32,
}

impl KernelLog {
    /// Opens it at its end; none where it cannot be read.
    fn open(cgroup: &Path, first_host_id: u32, host_ids: u32) -> Option<Self> {
        // The directory that its hierarchy is mounted on is the topmost that is one of a cgroup.
        let is_cgroup = |path: &&Path| path.join("cgroup.procs").exists();
        let mount = cgroup.ancestors().take_while(is_cgroup).last()?;
        let cgroup = format!("/{}", cgroup.strip_prefix(mount).ok()?.to_str()?);
        let mut log =
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg").ok()?;
        log.seek(SeekFrom::End(0)).ok()?;
        Some(Self { log, cgroup, first_host_id, host_ids })
    }

    /// The guest's processes that it names since last asked.
    fn killed(&mut self) -> Vec<KilledProcess> {
        let mut killed = Vec::new();
        // A record at a time.
        let mut buffer = [0; 8192];
        loop {
            match self.log.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    let record = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
                    let text = record.split_once(';').map_or("", |(_, text)| text);
                    let found = text.lines().next().and_then(|line| killed_in(line, &self.cgroup));
                    killed.extend(found.map(|(name, pid, uid)| KilledProcess {
                        name: name.to_owned(),
                        pid,
                        uid: uid.checked_sub(self.first_host_id).filter(|id| *id < self.host_ids),
                    }));
                }
                // What was overwritten is passed over.
                Err(error) if error.raw_os_error() == Some(libc::EPIPE) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let surplus = killed.len().saturating_sub(MAX_NAMED);
        killed.split_off(surplus)
    }
}

/// Name, pid and user of the process that this line of the kernel's says was ended in a cgroup, or in one that was
/// made in it.
///
/// The line is `oom-kill:constraint=…,cpuset=NAME,mems_allowed=…,oom_memcg=PATH,task_memcg=PATH,task=NAME,pid=…,uid=…`,
/// or with `global_oom` instead of the first path, that of the cgroup whose memory was used up. What guests choose of
/// it is a name without a slash before the first path; the rest of both paths from their own cgroup on; and the task.
/// So the first path decides: from there on a line of another guest's cannot be taken for this one's.
fn killed_in<'a>(line: &'a str, cgroup: &str) -> Option<(&'a str, u32, u32)> {
    const OF_CGROUP: &str = ",oom_memcg=";
    const OF_HOST: &str = ",global_oom";
    const OF_TASK: &str = ",task_memcg=";
    let line = line.strip_prefix("oom-kill:constraint=")?;
    let first = |word: &str| line.find(&format!("{word}/")).map(|at| (at, at + word.len()));
    let of_host = format!("{OF_HOST}{OF_TASK}");
    let within = |text: &'a str| {
        text.strip_prefix(cgroup).filter(|rest| rest.starts_with(',') || rest.starts_with('/'))
    };
    let rest = match (first(OF_CGROUP), first(&of_host)) {
        (Some((at, path)), host) if host.is_none_or(|(host, _)| at < host) => {
            let path = line.get(path..)?;
            within(path).or_else(|| {
                let above = Path::new(cgroup).ancestors().skip(1).filter_map(Path::to_str);
                let mut above = above.filter(|path| path.len() > 1);
                above.find_map(|above| within(path.strip_prefix(above)?.strip_prefix(OF_TASK)?))
            })?
        }
        (_, Some((_, path))) => within(line.get(path..)?)?,
        _ => return None,
    };
    let (rest, uid) = rest.rsplit_once(",uid=")?;
    let (rest, pid) = rest.rsplit_once(",pid=")?;
    let (_, name) = rest.rsplit_once(",task=")?;
    // The kernel writes it as a number with a sign, and it has none.
    let uid = uid.parse::<i32>().ok()?.cast_unsigned();
    Some((name, pid.parse().ok()?, uid))
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

    #[test]
    fn a_kill_is_taken_for_ones_own_only_where_the_kernel_says_so() {
        const OURS: &str = "/vservers/web";
        let line = |cpuset: &str, paths: &str, task: &str| {
            format!(
                "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={cpuset},mems_allowed=0{paths},\
                 task={task},pid=23988,uid=-1136656384"
            )
        };
        let paths =
            |limited: &str, of_task: &str| format!(",oom_memcg={limited},task_memcg={of_task}");
        let found = |line: &str| killed_in(line, OURS).map(|(name, ..)| name.to_owned());
        let own = line("web", &paths(OURS, OURS), "tail");
        assert_eq!(killed_in(&own, OURS), Some(("tail", 23_988, 3_158_310_912)));
        let nested = "/vservers/web/system.slice/x.service";
        for paths in [
            paths(nested, nested),
            paths("/vservers", nested),
            format!(",global_oom,task_memcg={nested}"),
            format!(",global_oom,task_memcg={OURS}"),
        ] {
            for cpuset in ["/", "web", "a,oom_memcg=", "a,global_oom,task_memcg="] {
                let said = found(&line(cpuset, &paths, "a,b"));
                assert_eq!(said.as_deref(), Some("a,b"), "{cpuset} {paths}");
            }
        }
        // Others, whatever they call what is theirs.
        for paths in [
            paths("/vservers/web2", "/vservers/web2"),
            paths("/vservers/web-2/x", "/vservers/web-2/x"),
            paths("/other/vservers/web", "/other/vservers/web"),
            paths("/vservers/db", &format!("/vservers/db/,task_memcg={OURS}")),
            paths(&format!("/vservers/db/,oom_memcg={OURS},task_memcg={OURS}"), "/vservers/db"),
            paths(&format!("/vservers/db/,global_oom,task_memcg={OURS}"), "/vservers/db"),
            paths(&format!("/vservers/db/,task_memcg={OURS}"), "/vservers/db"),
            format!(",global_oom,task_memcg=/vservers/db/,oom_memcg={OURS},task_memcg={OURS}"),
        ] {
            assert_eq!(found(&line("/", &paths, "x")), None, "{paths}");
        }
        assert_eq!(found("oom-kill:constraint=CONSTRAINT_MEMCG"), None);
        let process = paths(OURS, OURS);
        assert_eq!(found(&format!("Killed process 1 {process}")), None);
    }
}
