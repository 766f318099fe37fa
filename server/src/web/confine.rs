//! Gives up every right the web process does not need, before it reads its first byte from a
//! stranger.
//!
//! Invariants: runs while the process has one thread, so that all later ones inherit it; whatever
//! cannot be given up ends the process, except Landlock on a kernel that has none, which is logged.
//! After it the process has no capabilities, cannot gain any, cannot start a program or another
//! process, open a socket, or name a file outside the database's directory.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, User};
use rustix::process::DumpableBehavior;
use rustix::thread::{CapabilitySet, CapabilitySets};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Why the process could not be confined.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfineError {
    /// The user of the settings could not be looked up.
    #[error("looking up the user {user}")]
    LookUp { user: String, source: nix::Error },
    /// There is no such user.
    #[error("there is no user {user}: make it, or name another as web.user")]
    NoSuchUser { user: String },
    /// The user of the settings is root.
    #[error("web.user must not be root")]
    UserIsRoot,
    /// The user could not be become.
    #[error("becoming the user {user}")]
    BecomeUser { user: String, source: nix::Error },
    /// The rights of root were still there afterwards.
    #[error("the rights of root could not be given up for good")]
    StillRoot,
    /// Core files could not be forbidden.
    #[error("forbidding core files")]
    CoreFiles(#[source] nix::Error),
    /// Capabilities could not be given up.
    #[error("giving up capabilities")]
    Capabilities(#[source] io::Error),
    /// Others of the same user could still look into the process's memory.
    #[error("closing the process's memory to others")]
    NotDumpable(#[source] io::Error),
    /// `no_new_privs` could not be set.
    #[error("forbidding new privileges")]
    NoNewPrivileges(#[source] io::Error),
    /// The file rules could not be made.
    #[error("confining the process to its files")]
    Landlock(#[from] landlock::RulesetError),
    /// The directory that stays in reach could not be opened.
    #[error("opening the database's directory")]
    DatabaseDirectory(#[from] landlock::PathFdError),
    /// The system call filter could not be made.
    #[error("filtering system calls")]
    Seccomp(#[from] seccompiler::Error),
    /// The system call filter could not be put together.
    #[error("putting the system call filter together")]
    Filter(#[from] seccompiler::BackendError),
}

/// Confines the process: it runs as `user` (when it was root) and sees `database_base` alone.
pub(crate) fn confine(user: &str, database_base: &Path) -> Result<(), ConfineError> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0).map_err(ConfineError::CoreFiles)?;
    // What is written is for this process's eyes alone.
    nix::sys::stat::umask(Mode::from_bits_truncate(0o077));
    if Uid::effective().is_root() {
        become_user(user)?;
    }
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|errno| ConfineError::NotDumpable(errno.into()))?;
    confine_thread(database_base)
}

/// The part that is the calling thread's, and that of all threads it will start.
pub(crate) fn confine_thread(database_base: &Path) -> Result<(), ConfineError> {
    give_up_capabilities().map_err(ConfineError::Capabilities)?;
    rustix::thread::set_no_new_privs(true)
        .map_err(|errno| ConfineError::NoNewPrivileges(errno.into()))?;
    confine_files(database_base)?;
    for filter in filters()? {
        seccompiler::apply_filter(&filter)?;
    }
    Ok(())
}

/// Becomes the user, in no group but their own, with nothing left in the bounding set.
fn become_user(name: &str) -> Result<(), ConfineError> {
    let user = User::from_name(name)
        .map_err(|source| ConfineError::LookUp { user: name.to_owned(), source })?
        .ok_or_else(|| ConfineError::NoSuchUser { user: name.to_owned() })?;
    if user.uid.is_root() || user.gid == Gid::from_raw(0) {
        return Err(ConfineError::UserIsRoot);
    }
    empty_bounding_set().map_err(ConfineError::Capabilities)?;
    let switch = || {
        nix::unistd::setgroups(&[])?;
        nix::unistd::setresgid(user.gid, user.gid, user.gid)?;
        nix::unistd::setresuid(user.uid, user.uid, user.uid)
    };
    switch().map_err(|source| ConfineError::BecomeUser { user: name.to_owned(), source })?;
    let uids = nix::unistd::getresuid();
    let gids = nix::unistd::getresgid();
    let is_user = uids.is_ok_and(|ids| [ids.real, ids.effective, ids.saved] == [user.uid; 3])
        && gids.is_ok_and(|ids| [ids.real, ids.effective, ids.saved] == [user.gid; 3])
        && nix::unistd::getgroups().is_ok_and(|groups| groups.is_empty())
        && nix::unistd::setuid(Uid::from_raw(0)).is_err();
    if is_user { Ok(()) } else { Err(ConfineError::StillRoot) }
}

fn empty_bounding_set() -> io::Result<()> {
    for number in 0..64 {
        let one = CapabilitySet::from_bits_retain(1 << number);
        // The first number that the kernel does not know ends the list.
        if rustix::thread::capability_is_in_bounding_set(one).is_err() {
            break;
        }
        rustix::thread::remove_capability_from_bounding_set(one)?;
    }
    Ok(())
}

fn give_up_capabilities() -> io::Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

/// Leaves the database's directory and nothing else of the file tree; no new TCP sockets, no signals
/// to and no abstract sockets of others, where the kernel can forbid them.
fn confine_files(database_base: &Path) -> Result<(), ConfineError> {
    let database = AccessFs::ReadFile
        | AccessFs::ReadDir
        | AccessFs::WriteFile
        | AccessFs::MakeReg
        | AccessFs::RemoveFile
        | AccessFs::Truncate;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .add_rule(PathBeneath::new(PathFd::new(database_base)?, database))?
        .restrict_self()?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => {}
        RulesetStatus::PartiallyEnforced => {
            tracing::info!(
                "this kernel's Landlock is older: files are confined, sockets may not be"
            );
        }
        RulesetStatus::NotEnforced => {
            tracing::warn!(
                "this kernel has no Landlock: the web process can name files outside the database's directory"
            );
        }
    }
    Ok(())
}

/// System calls that the web process never makes and an intruder would like to.
const REFUSED: &[libc::c_long] = &[
    // other programs
    libc::SYS_execve,
    libc::SYS_execveat,
    // other processes
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    // new sockets; those that were inherited are accepted from, read and written
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    // the file tree, namespaces
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_mknodat,
    libc::SYS_quotactl,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // the kernel itself
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_personality,
    libc::SYS_vhangup,
    // becoming somebody else
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_capset,
];

/// The same for calls that only some architectures have.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[libc::c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_mknod,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[libc::c_long] = &[];

/// The filters, in the order they are installed.
fn filters() -> Result<Vec<BpfProgram>, ConfineError> {
    let architecture: TargetArch = std::env::consts::ARCH.try_into()?;
    let refuse = |errno: i32| SeccompAction::Errno(errno.unsigned_abs());
    let filter = |rules, action| -> Result<BpfProgram, ConfineError> {
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, architecture)?;
        Ok(filter.try_into()?)
    };

    // The C library asks for threads with clone3 first, whose arguments no filter can read, and
    // takes "no such call" for an answer.
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    // A clone that makes no thread makes a process; namespaces come with one.
    let thread = u64::from(libc::CLONE_THREAD.cast_unsigned());
    let no_thread =
        SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), 0)?;
    let clone = BTreeMap::from([(libc::SYS_clone, vec![SeccompRule::new(vec![no_thread])?])]);
    let refused = REFUSED.iter().chain(REFUSED_HERE).map(|call| (*call, Vec::new())).collect();

    Ok(vec![
        sys::seccomp::refuse_x32(),
        filter(clone3, refuse(libc::ENOSYS))?,
        filter(clone, refuse(libc::EPERM))?,
        filter(refused, refuse(libc::EPERM))?,
    ])
}
