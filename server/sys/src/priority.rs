//! How a process is served: its disk accesses, and the execution domain that it believes to be in.

use std::io;

/// The class of a process's disk accesses, and its priority within it: 0 is served first, 7 last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IoPriority {
    /// 0 none, 1 real-time, 2 best effort, 3 idle.
    pub class: u8,
    /// 0 to 7.
    pub level: u8,
}

const WHO_PROCESS: libc::c_int = 1;
const CLASS_SHIFT: libc::c_int = 13;

/// Sets the disk priority of a process; its later children have it too.
///
/// # Errors
/// When the kernel refuses.
pub fn set_io_priority(pid: u32, priority: IoPriority) -> io::Result<()> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    let word = libc::c_int::from(priority.class) << CLASS_SHIFT | libc::c_int::from(priority.level);
    // SAFETY: three numbers; no memory is passed.
    let result = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, pid, word) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The disk priority of a process.
///
/// # Errors
/// When there is none of this number.
pub fn io_priority(pid: u32) -> io::Result<IoPriority> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    // SAFETY: two numbers; no memory is passed.
    let result = unsafe { libc::syscall(libc::SYS_ioprio_get, WHO_PROCESS, pid) };
    let word = u16::try_from(result).map_err(|_| io::Error::last_os_error())?;
    let [class, level] = [word >> CLASS_SHIFT, word & 7].map(|part| part.to_le_bytes()[0]);
    Ok(IoPriority { class, level })
}

/// Sets the execution domain of this process (`personality(2)`), which its children inherit.
///
/// # Errors
/// When the kernel refuses.
pub fn set_personality(personality: u32) -> io::Result<()> {
    // SAFETY: one number; no memory is passed.
    let result = unsafe { libc::personality(personality.into()) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_childs_disk_priority_is_what_it_was_set_to() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let idle = IoPriority { class: 3, level: 0 };
        let set = set_io_priority(child.id(), idle).and_then(|()| io_priority(child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(set.unwrap(), idle);
        assert!(io_priority(u32::MAX).is_err());
    }
}
