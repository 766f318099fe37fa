//! Seccomp filters without `no_new_privs`: a VServer has set-user-id programs, so the filter is
//! installed with the rights of its user namespace instead (`seccompiler::apply_filter` would set
//! `no_new_privs`).

use std::io;

use seccompiler::{BpfProgram, sock_filter};

/// Installs a filter for the calling thread and all it will ever start. Needs `CAP_SYS_ADMIN` in
/// its user namespace.
///
/// # Errors
/// When the thread may not, or the program is not a valid filter.
pub fn install(program: &BpfProgram) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let filter = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast_mut().cast::<libc::sock_filter>(),
    };
    // SAFETY: `filter` points to `length` instructions that outlive the call; the kernel copies and
    // verifies them and writes nothing. `seccompiler::sock_filter` is `repr(C)` with the kernel's
    // layout.
    let done = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            std::ptr::from_ref(&filter),
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A program that refuses x32 system calls (`ENOSYS`): they carry the same architecture as 64-bit
/// ones and other numbers, and so would pass every rule written for those.
#[must_use]
pub fn refuse_x32() -> BpfProgram {
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const X32_BIT: u32 = 0x4000_0000;
    let step = |code, jt, jf, k| sock_filter { code, jt, jf, k };
    vec![
        // The number of the system call is the first word of `struct seccomp_data`.
        step(LOAD_WORD, 0, 0, 0),
        step(JUMP_IF_AT_LEAST, 0, 1, X32_BIT),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned()),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]
}
