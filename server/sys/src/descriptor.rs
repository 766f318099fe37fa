//! Descriptors across exec: taking the ones a parent left at a number, handing them on to a child,
//! and closing all that nobody named.

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Takes a descriptor that the parent left at `number`, and makes it close-on-exec. Only for a
/// process that was just executed, and at most once for each number.
///
/// # Errors
/// When nothing is open at that number.
pub fn take_inherited(number: RawFd) -> io::Result<OwnedFd> {
    if number < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: F_GETFD only looks at the descriptor table; a number that is not open gives EBADF.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    if flags < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number is open, as was just seen. Nothing else in this process owns it: it was
    // there before `main`, and the contract is that it is taken once.
    let owned = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::io::fcntl_setfd(owned.as_fd(), rustix::io::FdFlags::CLOEXEC)?;
    Ok(owned)
}

/// Lets the child of `command` have these descriptors at these numbers (3 or higher), beside its
/// standard ones, and no other inherited ones. This process's own copies are closed with `command`.
pub fn hand_on(command: &mut Command, descriptors: Vec<(OwnedFd, RawFd)>) {
    let place = move || {
        // Out of each other's way first: a descriptor may sit at a number that another is to get.
        let above = descriptors.iter().map(|(_, number)| *number).max().unwrap_or(2) + 1;
        let mut moved = [-1; 16];
        for ((descriptor, _), slot) in descriptors.iter().zip(&mut moved) {
            use std::os::fd::AsRawFd;
            // SAFETY: a plain system call on a descriptor that `descriptors` owns.
            let copy = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD_CLOEXEC, above) };
            if copy < 0 {
                return Err(io::Error::last_os_error());
            }
            *slot = copy;
        }
        close_on_exec_from(3)?;
        for ((_, number), copy) in descriptors.iter().zip(moved) {
            // SAFETY: plain system call; what was at the number is one of the parent's descriptors,
            // which this child, about to exec, has no use for. dup2 clears close-on-exec.
            if unsafe { libc::dup2(copy, *number) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    };
    // SAFETY: the closure runs between fork and exec. It makes system calls only: it allocates
    // nothing, takes no lock and does not unwind.
    unsafe { command.pre_exec(place) };
}

/// Closes every descriptor from `first` up. Only for a process that was just executed and has opened
/// nothing yet: what its parent forgot to close goes.
///
/// # Errors
/// When the kernel refuses, which it only does for a bad range.
pub fn close_from(first: RawFd) -> io::Result<()> {
    let first = libc::c_uint::try_from(first).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: closing descriptors touches no memory, and by this function's contract nothing in this
    // process owns one of them yet.
    if unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Marks every descriptor from `first` up close-on-exec: nothing that nobody named gets into the
/// next program.
///
/// # Errors
/// When the kernel refuses, which it only does for a bad range.
pub fn close_on_exec_from(first: RawFd) -> io::Result<()> {
    let first = libc::c_uint::try_from(first).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: changes flags in the descriptor table only.
    let done = unsafe {
        libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_gets_what_is_handed_on_and_nothing_else() {
        let (a, _keep) = crate::seqpacket::pair().unwrap();
        let (b, _keep_too) = crate::seqpacket::pair().unwrap();
        let mut command = Command::new("/bin/ls");
        command.arg("/proc/self/fd");
        hand_on(&mut command, vec![(a, 3), (b, 4)]);
        let output = command.output().unwrap();
        // 5 is the directory that ls itself reads.
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n1\n2\n3\n4\n5\n");
    }

    #[test]
    fn nothing_inherited_is_an_error() {
        assert!(take_inherited(900).is_err());
        assert!(take_inherited(-1).is_err());
    }
}
