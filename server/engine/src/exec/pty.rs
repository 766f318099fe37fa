//! A terminal in the guest's own devpts.
//!
//! Called inside the guest. The guest's root chose what lies at `/dev/pts/ptmx`, so what is opened is
//! judged: it must be the multiplexer of a devpts. Its other end is asked of the kernel, never looked
//! up by a path.

use std::os::fd::{AsFd, OwnedFd};

use protocol::terminal::Size;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, fstatfs, major, minor, openat2};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::role::GuestExecError;

/// `DEVPTS_SUPER_MAGIC`.
const DEVPTS: i64 = 0x1cd1;

/// The two ends of a terminal.
pub(super) struct Pty {
    /// The end of whoever looks at it; not blocking.
    pub(super) master: OwnedFd,
    /// The shell's end.
    pub(super) slave: OwnedFd,
}

impl Pty {
    /// Makes a terminal of this size.
    pub(super) fn open(size: Size) -> Result<Self, GuestExecError> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let master = openat2(CWD, "/dev/pts/ptmx", flags, Mode::empty(), resolve)
            .map_err(|errno| GuestExecError::OpenTerminal(errno.into()))?;
        let failed = |errno: rustix::io::Errno| GuestExecError::OpenTerminal(errno.into());
        let device = fstat(&master).map_err(failed)?.st_rdev;
        let filesystem = fstatfs(&master).map_err(failed)?.f_type;
        if filesystem != DEVPTS || (major(device), minor(device)) != (5, 2) {
            return Err(GuestExecError::NotATerminal);
        }
        unlockpt(&master).map_err(failed)?;
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave = ioctl_tiocgptpeer(&master, flags).map_err(failed)?;
        resize(&master, size).map_err(failed)?;
        Ok(Self { master, slave })
    }
}

/// Tells a terminal its size; who runs in it gets `SIGWINCH`.
pub(crate) fn resize(terminal: impl AsFd, size: Size) -> rustix::io::Result<()> {
    let (ws_col, ws_row) = (size.columns(), size.rows());
    tcsetwinsize(terminal, Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 })
}
