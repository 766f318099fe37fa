//! Processes: forking one into namespaces of its own, waiting for it, and what a process says of
//! itself to `ps`.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::process::{Pid, WaitId, WaitIdOptions};

/// Which namespaces a new process gets of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Users and groups; owns all others that are made with it.
    pub user: bool,
    /// Processes; the new one is pid 1 in it.
    pub pid: bool,
    /// Mounts.
    pub mount: bool,
    /// Host name.
    pub uts: bool,
    /// System V IPC and POSIX message queues.
    pub ipc: bool,
    /// Network.
    pub net: bool,
}

impl Namespaces {
    /// All of them.
    pub const ALL: Self =
        Self { user: true, pid: true, mount: true, uts: true, ipc: true, net: true };

    fn flags(self) -> libc::c_int {
        let pairs = [
            (self.user, libc::CLONE_NEWUSER),
            (self.pid, libc::CLONE_NEWPID),
            (self.mount, libc::CLONE_NEWNS),
            (self.uts, libc::CLONE_NEWUTS),
            (self.ipc, libc::CLONE_NEWIPC),
            (self.net, libc::CLONE_NEWNET),
        ];
        pairs.iter().filter(|(wanted, _)| *wanted).fold(0, |flags, (_, flag)| flags | flag)
    }
}

/// Which side of a fork this is.
#[derive(Debug)]
pub enum Fork {
    /// The new process.
    Child,
    /// The old one.
    Parent {
        /// The child's pid, as the parent sees it.
        pid: u32,
        /// A descriptor of the child, readable once it has ended.
        pidfd: OwnedFd,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(u8),
    /// By this signal.
    Killed(i32),
}

/// What reaping found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaped {
    /// This child, which is gone now.
    Child {
        /// Its pid.
        pid: u32,
        /// How it ended.
        ended: Ended,
    },
    /// There are children, and all of them live.
    NoneEnded,
    /// There are no children.
    NoChildren,
}

/// `struct clone_args` of the kernel, as far as it is used.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Forks, into new namespaces and, where the host has cgroup v2, directly into a cgroup.
///
/// # Errors
/// When the process has a second thread, which may hold a lock that the child would wait for for
/// ever; or when the kernel refuses.
pub fn fork(namespaces: Namespaces, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Fork> {
    refuse_second_thread()?;
    let mut pidfd: libc::c_int = -1;
    let flags = u64::from((namespaces.flags() | libc::CLONE_PIDFD).cast_unsigned());
    let mut args = CloneArgs {
        flags,
        pidfd: std::ptr::from_mut(&mut pidfd).expose_provenance() as u64,
        exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
        ..CloneArgs::default()
    };
    if let Some(cgroup) = cgroup {
        // CLONE_INTO_CGROUP
        args.flags |= 0x2_0000_0000;
        args.cgroup = u64::try_from(cgroup.as_raw_fd()).map_err(|_| io::ErrorKind::InvalidInput)?;
    }
    // SAFETY: no CLONE_VM and no stack: the child is a copy of this process that goes on on its own
    // copy of the stack, like after fork(). There is one thread only (checked above), so no lock of
    // libc or of Rust's runtime is held by somebody who does not exist in the child. `args` and
    // `pidfd` outlive the call.
    let pid = unsafe {
        libc::syscall(libc::SYS_clone3, std::ptr::from_mut(&mut args), size_of::<CloneArgs>())
    };
    match pid {
        0 => Ok(Fork::Child),
        pid if pid > 0 => {
            // SAFETY: CLONE_PIDFD: the kernel has just opened this number for us, close-on-exec.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            let pid = u32::try_from(pid).map_err(io::Error::other)?;
            Ok(Fork::Parent { pid, pidfd })
        }
        _ => Err(io::Error::last_os_error()),
    }
}

fn refuse_second_thread() -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    // A directory's link count is two plus its directories: one for each thread.
    match fs::metadata("/proc/self/task")?.nlink() {
        3 => Ok(()),
        _ => Err(io::Error::other("a process with several threads must not fork")),
    }
}

/// Waits until a child ends, and reaps it.
///
/// # Errors
/// When it is not a child of this process, or was reaped already.
pub fn wait_for(pid: u32) -> io::Result<Ended> {
    loop {
        if let Some(ended) = wait(WaitId::Pid(pid_of(pid)?), WaitIdOptions::EXITED)? {
            return Ok(ended.1);
        }
    }
}

/// Reaps any one child that has ended.
///
/// # Errors
/// When the kernel refuses for another reason than that there is no child.
pub fn reap_any() -> io::Result<Reaped> {
    match wait(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
        Ok(Some((pid, ended))) => Ok(Reaped::Child { pid, ended }),
        Ok(None) => Ok(Reaped::NoneEnded),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(Reaped::NoChildren),
        Err(error) => Err(error),
    }
}

fn wait(id: WaitId<'_>, options: WaitIdOptions) -> io::Result<Option<(u32, Ended)>> {
    // rustix does not say which child it was: libc does.
    let (kind, id) = match id {
        WaitId::Pid(pid) => {
            (libc::P_PID, libc::id_t::try_from(pid.as_raw_nonzero().get()).unwrap_or(0))
        }
        _ => (libc::P_ALL, 0),
    };
    loop {
        // SAFETY: `siginfo_t` is plain data, for which all zeroes is a value.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let options = libc::c_int::try_from(options.bits()).unwrap_or(libc::WEXITED);
        // SAFETY: `info` is writable for the call's duration.
        if unsafe { libc::waitid(kind, id, &raw mut info, options) } < 0 {
            let error = io::Error::last_os_error();
            if error.kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return Err(error);
        }
        // SAFETY: waitid succeeded: for a child that ended these fields are set; if none has, the
        // structure is still all zeroes, and reading them is reading zeroes.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        let Some(pid) = u32::try_from(pid).ok().filter(|pid| *pid != 0) else {
            return Ok(None);
        };
        let ended = if info.si_code == libc::CLD_EXITED {
            Ended::Exited(u8::try_from(status & 0xff).unwrap_or(u8::MAX))
        } else {
            Ended::Killed(status)
        };
        return Ok(Some((pid, ended)));
    }
}

fn pid_of(pid: u32) -> io::Result<Pid> {
    i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Gives every signal its default effect again and blocks none: what a program that is executed
/// expects. (Rust's runtime ignores SIGPIPE, and that is inherited.)
pub fn reset_signals() {
    for number in 1..=64 {
        // SAFETY: SIG_DFL installs no handler. Numbers the kernel or libc keep for themselves are
        // refused, which is as well.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    // SAFETY: `sigset_t` is plain data, and sigemptyset makes it a valid empty set.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

/// Makes `ps` show `title` as this process's command line, cut to the room the real one took, and
/// its first 15 bytes as its name. For a process that was forked and executes nothing.
///
/// # Errors
/// When `/proc` cannot be read; the title then stays.
pub fn set_title(title: &str) -> io::Result<()> {
    let name: String = title.chars().filter(|c| *c != '\0').take(15).collect();
    if let Ok(name) = std::ffi::CString::new(name) {
        rustix::thread::set_name(&name)?;
    }
    let stat = fs::read_to_string("/proc/self/stat")?;
    let bounds = stat.rsplit_once(") ").and_then(|(_, rest)| {
        // Fields 48 and 49 of the line; the first of `rest` is field 3.
        let mut fields = rest.split_ascii_whitespace().skip(45);
        let start: usize = fields.next()?.parse().ok()?;
        let end: usize = fields.next()?.parse().ok()?;
        (start != 0 && end > start).then_some((start, end - start))
    });
    let (start, room) = bounds.ok_or(io::ErrorKind::InvalidData)?;
    let text = title.as_bytes();
    let length = text.len().min(room - 1);
    let area: *mut u8 = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the kernel says that `room` bytes from `start` are the argument strings it put on this
    // process's stack: mapped, writable, never freed. They end in a NUL before and after, so whoever
    // reads an argument later finds a terminated string. Nobody reads them meanwhile: the process has
    // one thread.
    unsafe {
        std::ptr::write_bytes(area, 0, room);
        std::ptr::copy_nonoverlapping(text.as_ptr(), area, length);
    }
    Ok(())
}

/// Sends a signal by its number to every other process of the caller's pid namespace. For its pid 1 alone:
/// whoever else called it would mean the whole host.
///
/// # Errors
/// When the caller is not pid 1, or nobody else is there.
pub fn signal_everybody(number: i32) -> io::Result<()> {
    if std::process::id() != 1 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    // SAFETY: takes no pointers.
    let done = unsafe { libc::kill(-1, number) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends a signal by its number, real-time ones included, to exactly the process of a pidfd.
///
/// # Errors
/// When the process has ended, or may not be signalled.
pub fn send_signal(pidfd: BorrowedFd<'_>, number: i32) -> io::Result<()> {
    // SAFETY: no memory is handed over: a null `siginfo_t` means what kill() would send.
    let done = unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            number,
            std::ptr::null::<libc::siginfo_t>(),
            0,
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
