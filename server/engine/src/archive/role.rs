//! The role `ulysse unpack`: reads a stranger's archive where it can harm nothing.
//!
//! The reader is root in a user namespace with the ids of the VServer being made, in namespaces of its
//! own of every kind: there is no network, no process but itself, and no file but the directory it
//! fills, which is its whole root (shown with those ids; an empty tmpfs when it only lists). What it
//! needs comes by descriptor: the archive, and the socket to its caller. Then it gives up every
//! capability but those over owners and modes of files, every system call but the two or three dozen
//! that reading and placing take, and all memory beyond [`MEMORY_BYTES`].
//!
//! Protocol: standard input is a packet socket. The first packet is the [`Plan`], the archive beside it;
//! reports go back. The caller's end closed means: stop.
//!
//! Invariant: when this process has ended, the reader has.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use domain::note::MemberNote;
use domain::template::{ArchiveProblem, Compression};
use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MoveMountFlags, UnmountFlags, move_mount, unmount};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use sys::capability::CapabilitySet;
use sys::mount::Attributes;
use sys::process::{Ended, Fork, Namespaces};
use sys::seqpacket;

use super::compression::{Decompressed, HEAD_BYTES, judge, read_full};
use super::lift::lift;
use super::member::{Kind, Member, Members, Stop};
use super::name::{MemberPath, escaped};
use super::place::Place;
use super::report::{Entry, EntryKind, MAX_PACKET_BYTES, Plan, Report, Task, Unpacked};
use crate::build::stage::{MAPPED, become_root_when_mapped};
use crate::guest::Step;
use crate::guest::mounts::{self, At};
use crate::guest::plan::StartFailure;

/// The name of the role.
pub(super) const ROLE: &str = "unpack";

/// The most memory a reader takes; a window of zstd's is 128 MiB at most.
const MEMORY_BYTES: u64 = 768 << 20;
/// The most descriptors a reader has open.
const DESCRIPTORS: u64 = 64;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// How many notes of one kind are told by name.
pub(super) const NOTES: u64 = 20;
/// What of a member's headers and filling is counted against the stream, in bytes.
const PER_MEMBER_BYTES: u64 = 4096;

/// `CHOWN`, `DAC_OVERRIDE`, `FOWNER`, `FSETID` and `SETFCAP`: whose files are, and their modes.
const CAPABILITIES: CapabilitySet =
    CapabilitySet::from_bits(1 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 31);

/// The system calls of a reader.
const CALLS: [libc::c_long; 48] = [
    // Reading, placing.
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_symlinkat,
    libc::SYS_linkat,
    libc::SYS_unlinkat,
    libc::SYS_renameat2,
    libc::SYS_ftruncate,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_utimensat,
    libc::SYS_fsetxattr,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fstatfs,
    libc::SYS_getdents64,
    libc::SYS_fcntl,
    // Reporting.
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    // Memory, time, the end.
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_sched_yield,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The role.
#[must_use]
pub fn main() -> ExitCode {
    // First of all: what a caller forgot to close must not get into the reader's hands.
    let caller =
        sys::descriptor::close_from(3).and_then(|()| io::stdin().as_fd().try_clone_to_owned());
    let Ok(caller) = caller else { return ExitCode::FAILURE };
    match run(&caller) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&caller, &Report::NotRun(failure.into()));
            ExitCode::FAILURE
        }
    }
}

/// Says something to the caller; one that is gone hears nothing, and is seen to be gone elsewhere.
fn say(caller: &OwnedFd, report: &Report) -> bool {
    serde_json::to_vec(report).is_ok_and(|packet| {
        packet.len() <= MAX_PACKET_BYTES && seqpacket::send(caller, &packet, &[]).is_ok()
    })
}

fn run(caller: &OwnedFd) -> Result<(), StartFailure> {
    let (plan, archive) = receive_plan(caller)?;
    let root = match &plan.task {
        Task::Unpack { directory, .. } => Some(mounts::open_root(directory)?),
        Task::List { .. } => None,
    };
    let (link, theirs) = seqpacket::pair().at(Step::Fork, "")?;
    match sys::process::fork(Namespaces::ALL, None).at(Step::Fork, "")? {
        Fork::Child => {
            drop(link);
            if let Err(failure) = enter(&theirs, root) {
                say(caller, &Report::NotRun(failure.into()));
                std::process::exit(1);
            }
            let report = read(&plan, archive, caller);
            say(caller, &report);
            std::process::exit(0)
        }
        Fork::Parent { pid, pidfd } => {
            drop((theirs, archive));
            let made = map_ids(&plan, pid, root.as_ref()).and_then(|()| {
                drop(root);
                seqpacket::send(&link, MAPPED, &[])
                    .map_err(|_| StartFailure::new(Step::Fork, "", libc::EPIPE))
            });
            if let Err(failure) = made {
                let _ = sys::process::send_signal(pidfd.as_fd(), libc::SIGKILL);
                let _ = sys::process::wait_for(pid);
                return Err(failure);
            }
            watch(caller, &pidfd);
            if let Ended::Killed(signal) = sys::process::wait_for(pid).at(Step::Execute, "")? {
                say(caller, &Report::Died { signal });
            }
            Ok(())
        }
    }
}

fn receive_plan(caller: &OwnedFd) -> Result<(Plan, OwnedFd), StartFailure> {
    let bad = || StartFailure::new(Step::ReadPlan, "", libc::EBADMSG);
    let mut buffer = vec![0; MAX_PACKET_BYTES];
    let received = seqpacket::receive(caller, &mut buffer).map_err(|_| bad())?;
    let text = buffer.get(..received.bytes).unwrap_or_default();
    let plan = serde_json::from_slice(text).map_err(|_| bad())?;
    let archive = received.descriptors.into_iter().next().ok_or_else(bad)?;
    Ok((plan, archive))
}

/// Waits until the reader has ended, and ends it when the caller has gone.
fn watch(caller: &OwnedFd, pidfd: &OwnedFd) {
    loop {
        // No events are asked for: a closed end is told nevertheless.
        let mut polled =
            [PollFd::new(pidfd, PollFlags::IN), PollFd::new(caller, PollFlags::empty())];
        match poll(&mut polled, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
        }
        let [has_ended, is_alone] = polled.map(|fd| !fd.revents().is_empty());
        if is_alone && !has_ended {
            let _ = sys::process::send_signal(pidfd.as_fd(), libc::SIGKILL);
        }
        if has_ended || is_alone {
            return;
        }
    }
}

fn map_ids(plan: &Plan, pid: u32, root: Option<&OwnedFd>) -> Result<(), StartFailure> {
    let map = format!("0 {} {}\n", plan.first_host_id, plan.host_ids);
    for name in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{pid}/{name}"), &map).at(Step::MapIds, name)?;
    }
    let Some(root) = root else { return Ok(()) };
    let namespace = File::open(format!("/proc/{pid}/ns/user")).at(Step::MapIds, "user")?;
    sys::mount::map_ids(root, namespace.as_fd(), false).at(Step::MapFiles, "")
}

/// Becomes root of the namespaces, takes the directory for the root of all files, and gives up all else.
fn enter(link: &OwnedFd, root: Option<OwnedFd>) -> Result<(), StartFailure> {
    become_root_when_mapped(link)?;
    let root = match root {
        Some(root) => root,
        None => mounts::tmpfs("size=4k,mode=500", Attributes::default()).at(Step::Mount, "/")?,
    };
    take_for_root(&root).at(Step::LeaveHost, "/")?;
    drop(root);
    rustix::process::umask(Mode::empty());
    confine().map_err(|_| StartFailure::new(Step::Confine, "", libc::EPERM))
}

fn take_for_root(root: &OwnedFd) -> rustix::io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let host = rustix::fs::open("/", flags, Mode::empty())?;
    let how = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(root, "", &host, "", how)?;
    rustix::process::fchdir(root)?;
    // The old root ends up on top of the new one, at the same place.
    rustix::process::pivot_root(".", ".")?;
    rustix::process::fchdir(&host)?;
    unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")
}

/// Why rights could not be given up.
#[derive(Debug, thiserror::Error)]
enum ConfineError {
    #[error("setting a limit")]
    Limit(#[from] nix::Error),
    #[error("giving up capabilities and system calls")]
    GiveUp(#[from] io::Error),
    #[error("putting the system call filter together")]
    Compile(#[from] seccompiler::BackendError),
}

fn confine() -> Result<(), ConfineError> {
    let program = filter()?;
    CAPABILITIES.confine_thread()?;
    nix::sys::prctl::set_no_new_privs()?;
    for (resource, most) in [
        (Resource::RLIMIT_AS, MEMORY_BYTES),
        (Resource::RLIMIT_NOFILE, DESCRIPTORS),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NPROC, 0),
    ] {
        setrlimit(resource, most, most)?;
    }
    // Of the two, this one is about other ways of saying the same numbers.
    sys::seccomp::install(&sys::seccomp::refuse_x32())?;
    sys::seccomp::install(&program)?;
    Ok(())
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let arch = std::env::consts::ARCH.try_into()?;
    // renameat2 and the like are the same everywhere; only x86 still has these under other numbers.
    let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
        CALLS.iter().map(|number| (*number, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch)?.try_into()
}

/// Tells the caller how it goes.
struct Telling<'a> {
    caller: &'a OwnedFd,
    notes: HashMap<MemberNote, u64>,
    told_at: Instant,
    entries: u64,
}

impl Telling<'_> {
    fn note(&mut self, note: MemberNote, name: &[u8]) {
        let count = self.notes.entry(note).or_default();
        *count += 1;
        if *count <= NOTES {
            say(self.caller, &Report::Note { note, name: escaped(name) });
        }
    }

    fn member(&mut self, archive: &File) -> Result<(), Stop> {
        self.entries += 1;
        if self.entries % 64 == 1 && self.told_at.elapsed() >= TELL_EVERY {
            self.told_at = Instant::now();
            // Where the file is read now; a pipe has no place.
            let bytes = rustix::fs::tell(archive).unwrap_or(0);
            if !say(self.caller, &Report::Read { bytes, entries: self.entries }) {
                return Err(Stop::Unwanted);
            }
        }
        Ok(())
    }
}

/// Reads the archive to its end; gives the last word about it.
fn read(plan: &Plan, archive: OwnedFd, caller: &OwnedFd) -> Report {
    let mut telling =
        Telling { caller, notes: HashMap::new(), told_at: Instant::now(), entries: 0 };
    let result = match &plan.task {
        Task::Unpack { lifts, .. } => unpack(plan, archive.into(), *lifts, &mut telling),
        Task::List { each } => list(plan, archive.into(), *each, &mut telling),
    };
    match result {
        Ok(report) => report,
        Err(Stop::Refused(problem, name)) => Report::Refused { problem, name: escaped(&name) },
        Err(Stop::Read(error)) => match problem_of(&error) {
            Ok(problem) => Report::Refused { problem, name: String::new() },
            Err(errno) => Report::Unreadable { errno },
        },
        Err(Stop::Write(errno, name)) => {
            Report::Unwritable { errno: errno.raw_os_error(), name: escaped(&name) }
        }
        Err(Stop::Unwanted) => Report::Unreadable { errno: libc::ECANCELED },
    }
}

/// What it means that a stream could not be read: the archive's fault, or the host's.
fn problem_of(error: &io::Error) -> Result<ArchiveProblem, i32> {
    if let Some(errno) = error.raw_os_error() {
        return Err(errno);
    }
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>());
    Ok(match (error.kind(), inner) {
        (_, Some(liblzma::stream::Error::MemLimit | liblzma::stream::Error::Mem)) => {
            ArchiveProblem::TooMuchMemory
        }
        (io::ErrorKind::OutOfMemory, _) => ArchiveProblem::TooMuchMemory,
        (io::ErrorKind::UnexpectedEof, _) => ArchiveProblem::Truncated,
        _ => ArchiveProblem::Damaged,
    })
}

type Input<'a> = Decompressed<io::Chain<io::Cursor<Vec<u8>>, &'a File>>;

/// The members of an archive, whatever it is compressed with.
fn open<'a>(plan: &Plan, archive: &'a File) -> Result<(Compression, Members<Input<'a>>), Stop> {
    let mut head = vec![0; HEAD_BYTES];
    let there = read_full(&mut &*archive, &mut head)?;
    head.truncate(there);
    let compression = judge(&head)?;
    let input = Decompressed::new(compression, io::Cursor::new(head).chain(archive))?;
    let headers = plan.caps.entries.saturating_mul(PER_MEMBER_BYTES);
    Ok((compression, Members::new(input, plan.caps.bytes.saturating_add(headers))))
}

fn unpack(
    plan: &Plan,
    archive: File,
    lifts: bool,
    telling: &mut Telling<'_>,
) -> Result<Report, Stop> {
    let (compression, mut members) = open(plan, &archive)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::openat(CWD, "/", flags, Mode::empty());
    let root = root.map_err(|errno| Stop::Write(errno, Vec::new()))?;
    let mut place = Place::new(root, plan.caps, plan.host_ids);
    while let Some(member) = members.next()? {
        let mut notes = Vec::new();
        place.put(&member, &mut members, &mut |note| notes.push(note))?;
        for note in notes {
            telling.note(note, &member.name);
        }
        telling.member(&archive)?;
    }
    drain(members, telling)?;
    let lifted = match lifts {
        true => lift(place.root()).map_err(|errno| Stop::Write(errno, Vec::new()))?,
        false => None,
    };
    if let Some(name) = &lifted {
        telling.note(MemberNote::Lifted, name.to_bytes());
    }
    let (entries, bytes) = place.finish(lifted.as_deref().map(std::ffi::CStr::to_bytes));
    done(compression, entries, bytes, telling)
}

fn list(plan: &Plan, archive: File, each: bool, telling: &mut Telling<'_>) -> Result<Report, Stop> {
    let (compression, mut members) = open(plan, &archive)?;
    let (mut entries, mut bytes) = (0_u64, 0_u64);
    while let Some(member) = members.next()? {
        let refused = |problem| Stop::Refused(problem, member.name.clone());
        MemberPath::parse(&member.name).map_err(refused)?;
        entries += 1;
        bytes = bytes.saturating_add(member.bytes);
        if entries > plan.caps.entries {
            return Err(ArchiveProblem::TooMany { entries: plan.caps.entries }.into());
        }
        if bytes > plan.caps.bytes {
            return Err(refused(ArchiveProblem::TooLarge { bytes: plan.caps.bytes }));
        }
        if member.kind == Kind::Device {
            telling.note(MemberNote::Device, &member.name);
        }
        if each && !say(telling.caller, &Report::Entry(entry(&member))) {
            return Err(Stop::Unwanted);
        }
        telling.member(&archive)?;
    }
    drain(members, telling)?;
    done(compression, entries, bytes, telling)
}

fn done(
    compression: Compression,
    entries: u64,
    bytes: u64,
    telling: &mut Telling<'_>,
) -> Result<Report, Stop> {
    if entries == 0 {
        return Err(ArchiveProblem::Empty.into());
    }
    let mut notes: Vec<(MemberNote, u64)> =
        std::mem::take(&mut telling.notes).into_iter().collect();
    notes.sort_unstable();
    Ok(Report::Done(Unpacked { compression, entries, bytes, notes }))
}

/// Reads what follows the end mark: of a compressed stream its checksum is the last thing.
fn drain(members: Members<Input<'_>>, telling: &mut Telling<'_>) -> Result<(), Stop> {
    let mut input = members.into_inner();
    let mut buffer = vec![0; 64 << 10];
    let mut has_tail = false;
    // Tars fill their last record up with zeroes, ten KiB mostly; nothing real follows for long.
    for _ in 0..1024 {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        has_tail |= buffer.iter().take(read).any(|byte| *byte != 0);
    }
    if has_tail || input.has_tail() {
        telling.note(MemberNote::Tail, b"");
    }
    Ok(())
}

fn entry(member: &Member) -> Entry {
    let kind = match member.kind {
        Kind::File => EntryKind::File,
        Kind::Directory => EntryKind::Directory,
        Kind::Symlink => EntryKind::Symlink,
        Kind::HardLink => EntryKind::HardLink,
        Kind::Fifo => EntryKind::Fifo,
        Kind::Device => EntryKind::Device,
    };
    let is_link = matches!(kind, EntryKind::Symlink | EntryKind::HardLink);
    Entry {
        name: escaped(&member.name),
        kind,
        bytes: member.bytes,
        mode: member.mode,
        user: member.user,
        group: member.group,
        modified: member.modified.0,
        link: is_link.then(|| escaped(&member.link)),
    }
}
