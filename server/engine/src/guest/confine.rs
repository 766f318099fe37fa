//! Giving up what no process of a guest may have: system calls and capabilities.
//!
//! The same for pid 1, for `exec` and for terminals: whoever becomes a process of a guest calls
//! [`confine_thread`] last before its first instruction of the guest's. There is no `no_new_privs`:
//! `su` and `sudo` work in a VServer.
//!
//! The filter is a list of what is refused, on top of what the kernel itself refuses for want of
//! capabilities: calls that reach parts of the kernel without namespaces, or that have been the way
//! out of containers. Programs of another architecture (32-bit ones) are ended: their calls have
//! other numbers.
//!
//! Raw sockets are the original's `raw_icmp`: everybody's `CAP_NET_RAW` is good for ICMP alone, so that
//! `ping` works (its file carries the capability, and the kernel refuses to execute a file whose
//! capabilities cannot be had). All of it has who was given it by name.

use std::collections::BTreeMap;
use std::io;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use sys::capability::CapabilitySet;

/// Why rights could not be given up.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The filter could not be put together.
    #[error("putting the system call filter together")]
    Compile(#[source] seccompiler::BackendError),
    /// The kernel did not take the filter.
    #[error("installing the system call filter")]
    Install(#[source] io::Error),
    /// A capability could not be given up.
    #[error("giving up capabilities")]
    Capabilities(#[source] io::Error),
}

/// Refused to everybody.
const DENIED: &[libc::c_long] = &[
    // Replacing or extending the kernel.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Keyrings and file handles have no namespace.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_open_by_handle_at,
    // The host's own affairs.
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
];

/// Refused too where they exist: old calls of one architecture.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[libc::c_long] =
    &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_uselib, libc::SYS__sysctl, libc::SYS_modify_ldt];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[libc::c_long] = &[];

/// Refused to who has no `SYS_ADMIN` in the guest.
const MOUNTING: &[libc::c_long] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
];

/// Address families a guest may open sockets of, beside packet sockets by name. All others (vsock first of all: it leads to the
/// machine's own hypervisor) are refused.
const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// The bits of a socket's type that are its kind; the others are flags (`SOCK_TYPE_MASK`).
const KIND_OF_SOCKET: u64 = 0xf;
/// What makes a packet socket of an internet one (packet(7), "SOCK_PACKET").
const SOCK_PACKET: u64 = 10;

/// `ioctl`s that put words into a terminal as if somebody had typed them.
const TYPING: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// Leaves the calling thread, and whatever it will execute, these capabilities at most, and takes the
/// refused system calls away. Needs `SYS_ADMIN` and `SETPCAP` in its user namespace until now.
///
/// # Errors
/// When the kernel refuses. The thread must then not go on to become the guest's.
pub fn confine_thread(capabilities: CapabilitySet) -> Result<(), ConfineError> {
    for program in programs(capabilities).map_err(ConfineError::Compile)? {
        sys::seccomp::install(&program).map_err(ConfineError::Install)?;
    }
    let bounding = capabilities.union(CapabilitySet::NET_RAW);
    bounding.confine_thread().map_err(ConfineError::Capabilities)
}

fn programs(capabilities: CapabilitySet) -> Result<Vec<BpfProgram>, seccompiler::BackendError> {
    let mut refused: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let mut always: Vec<&[libc::c_long]> = vec![DENIED, DENIED_HERE];
    if !capabilities.contains(CapabilitySet::SYS_ADMIN) {
        always.push(MOUNTING);
    }
    if !capabilities.contains(CapabilitySet::SYSLOG) {
        always.push(&[libc::SYS_syslog]);
    }
    for number in always.into_iter().flatten() {
        refused.insert(*number, Vec::new());
    }
    // A user namespace of its own would give a process all capabilities over it, and with them
    // all the kernel code that only root reaches.
    let new_user = u64::from(libc::CLONE_NEWUSER.cast_unsigned());
    for number in [libc::SYS_clone, libc::SYS_unshare] {
        let condition = SeccompCondition::new(
            0,
            SeccompCmpArgLen::Qword,
            SeccompCmpOp::MaskedEq(new_user),
            new_user,
        )?;
        refused.insert(number, vec![SeccompRule::new(vec![condition])?]);
    }
    let may_all = capabilities.contains(CapabilitySet::NET_RAW);
    let sockets = refused_sockets(may_all)?;
    refused.insert(libc::SYS_socket, sockets.clone());
    refused.insert(libc::SYS_socketpair, sockets);
    let typing = TYPING
        .iter()
        .map(|request| SeccompRule::new(vec![word(1, SeccompCmpOp::Eq, *request)?]))
        .collect::<Result<Vec<_>, _>>()?;
    refused.insert(libc::SYS_ioctl, typing);
    let refused = filter(refused, libc::EPERM)?;
    // Its flags lie in memory, where a filter cannot look. libc falls back to clone.
    let absent = filter(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;
    Ok(vec![sys::seccomp::refuse_x32(), absent, refused])
}

/// Which sockets are refused.
fn refused_sockets(may_all: bool) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let number = |constant: libc::c_int| u64::from(constant.cast_unsigned());
    let mut families = FAMILIES.map(number).to_vec();
    if may_all {
        families.push(number(libc::AF_PACKET));
    }
    let other = families
        .into_iter()
        .map(|family| word(0, SeccompCmpOp::Ne, family))
        .collect::<Result<Vec<_>, _>>()?;
    let mut rules = vec![SeccompRule::new(other)?];
    if !may_all {
        let of_kind = |kind| word(1, SeccompCmpOp::MaskedEq(KIND_OF_SOCKET), kind);
        rules.push(SeccompRule::new(vec![of_kind(SOCK_PACKET)?])?);
        for (family, icmp) in
            [(libc::AF_INET, libc::IPPROTO_ICMP), (libc::AF_INET6, libc::IPPROTO_ICMPV6)]
        {
            rules.push(SeccompRule::new(vec![
                word(0, SeccompCmpOp::Eq, number(family))?,
                of_kind(number(libc::SOCK_RAW))?,
                word(2, SeccompCmpOp::Ne, number(icmp))?,
            ])?);
        }
    }
    Ok(rules)
}

fn word(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    errno: i32,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let arch = std::env::consts::ARCH.try_into()?;
    let refuse = SeccompAction::Errno(errno.cast_unsigned());
    SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both are a thread's own: the test runner keeps its rights.
    fn confined<T: Send>(capabilities: CapabilitySet, act: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                confine_thread(capabilities).unwrap();
                act()
            });
            thread.join().unwrap()
        })
    }

    #[test]
    fn what_is_refused_is_refused_and_the_rest_is_not() {
        let (unshared, vsock, mounted, inet) = confined(CapabilitySet::SECURE, || {
            let unshared = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER);
            let open = |family| {
                nix::sys::socket::socket(
                    family,
                    nix::sys::socket::SockType::Stream,
                    nix::sys::socket::SockFlag::empty(),
                    None,
                )
                .map(drop)
            };
            let mounted = rustix::mount::unmount("/nowhere", rustix::mount::UnmountFlags::DETACH);
            (
                unshared,
                open(nix::sys::socket::AddressFamily::Vsock),
                mounted,
                open(nix::sys::socket::AddressFamily::Inet),
            )
        });
        assert_eq!(unshared, Err(nix::errno::Errno::EPERM));
        assert_eq!(vsock, Err(nix::errno::Errno::EPERM));
        assert_eq!(mounted, Err(rustix::io::Errno::PERM));
        assert_eq!(inet, Ok(()));
    }

    #[test]
    fn raw_sockets_are_for_icmp_alone_unless_all_was_given() {
        use nix::libc::{AF_INET, AF_INET6, AF_PACKET, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_RAW};
        let cases = [
            (AF_INET, SOCK_RAW | SOCK_CLOEXEC, libc::IPPROTO_ICMP, true),
            (AF_INET6, SOCK_RAW, libc::IPPROTO_ICMPV6, true),
            (AF_INET, SOCK_DGRAM, 0, true),
            (AF_INET, SOCK_RAW | SOCK_CLOEXEC, libc::IPPROTO_TCP, false),
            (AF_INET6, SOCK_RAW, libc::IPPROTO_ICMP, false),
            (AF_INET, 10, 0x300, false),
            (AF_PACKET, SOCK_RAW, 0x300, false),
        ];
        let open = |(family, kind, protocol, _): (i32, i32, i32, bool)| {
            use rustix::net::{AddressFamily, Protocol, SocketType, socket};
            let family = AddressFamily::from_raw(u16::try_from(family).unwrap());
            let protocol = std::num::NonZero::new(protocol.cast_unsigned()).map(Protocol::from_raw);
            socket(family, SocketType::from_raw(kind.cast_unsigned()), protocol).map(drop)
        };
        for case in cases {
            let result = confined(CapabilitySet::SECURE, || open(case));
            let expected = if case.3 { Ok(()) } else { Err(rustix::io::Errno::PERM) };
            assert_eq!(result, expected, "{case:?}");
        }
        let all = CapabilitySet::SECURE.union(CapabilitySet::NET_RAW);
        assert_eq!(confined(all, || open((AF_PACKET, SOCK_RAW, 0x300, true))), Ok(()));
    }

    #[test]
    fn processes_can_still_be_started() {
        let status =
            confined(CapabilitySet::SECURE, || std::process::Command::new("true").status());
        assert!(status.unwrap().success());
    }
}
