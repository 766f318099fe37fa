//! Whether a program is one that a guest can run: of the host's own architecture.
//!
//! The kernel executes 32-bit programs too, and the system call filter ends them at their first call
//! (see [`super::confine`]): a guest made of them would start with nothing in it, and without a word. So
//! its first program is looked at before it is executed. What is no program at all is the kernel's to refuse, and
//! programs of other machines too: an administrator may have taught it to emulate them.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::libc;

/// How many interpreters of interpreters are looked at: as many as the kernel takes.
const MAX_INTERPRETERS: usize = 5;
/// What is read of a file: the kernel looks for an interpreter no further.
const HEAD_BYTES: u64 = 256;
/// Where a program's header says how wide its words are, and that they are 32 bits wide.
const CLASS_AT: usize = 4;
const CLASS_32: u8 = 1;
/// Where it says which machine it is for.
const MACHINE_AT: std::ops::Range<usize> = 18..20;

/// The machine that this one was before it had 64 bits.
#[cfg(target_arch = "x86_64")]
const OLDER: u16 = libc::EM_386;
#[cfg(target_arch = "aarch64")]
const OLDER: u16 = libc::EM_ARM;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const OLDER: u16 = libc::EM_NONE;

/// The 32-bit program that executing this path would run, itself or as the interpreter of a script; none
/// when it is another, or cannot be read.
pub(super) fn foreign(program: &Path) -> Option<PathBuf> {
    let mut path = program.to_owned();
    for _ in 0..MAX_INTERPRETERS {
        let head = head(&path).ok()?;
        if is_foreign(&head) {
            return Some(path);
        }
        path = interpreter(&head)?;
    }
    None
}

/// The guest's own file, which may be anything: it is not waited for.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut head = Vec::new();
    file.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

fn is_foreign(head: &[u8]) -> bool {
    let machine = head.get(MACHINE_AT).and_then(|bytes| bytes.try_into().ok());
    let Some(machine) = machine.map(u16::from_le_bytes) else { return false };
    let is_narrow = head.get(CLASS_AT) == Some(&CLASS_32);
    // Of x86 there is also one with 64-bit registers and 32-bit words, whose calls are refused as well.
    let is_x32 = cfg!(target_arch = "x86_64") && machine == libc::EM_X86_64;
    head.starts_with(b"\x7fELF") && is_narrow && (machine == OLDER || is_x32)
}

fn interpreter(head: &[u8]) -> Option<PathBuf> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let path = line.trim_ascii_start().split(u8::is_ascii_whitespace).next()?;
    (!path.is_empty()).then(|| std::ffi::OsStr::from_bytes(path).into())
}
