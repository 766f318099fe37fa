//! Sealed memory: bytes handed to another process that neither side can change afterwards.
//!
//! Invariants: what [`read_sealed`] gives was sealed against every change before its size was
//! looked at, so that it cannot shrink or change while it is read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, SealFlags};

/// Why sealed memory could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum MemfdError {
    /// It could not be made.
    #[error("making sealed memory")]
    Make(#[source] io::Error),
    /// It could not be read.
    #[error("reading sealed memory")]
    Read(#[source] io::Error),
    /// Whoever made it could still change it.
    #[error("memory is not sealed")]
    NotSealed,
    /// It is longer than the reader takes.
    #[error("sealed memory of {actual_bytes} bytes, at most {max_bytes} are taken")]
    TooLong {
        /// What is taken at most.
        max_bytes: u64,
        /// How long it is.
        actual_bytes: u64,
    },
}

fn all_seals() -> SealFlags {
    SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE
}

/// Memory that holds `bytes` and can never change.
///
/// # Errors
/// When there is no memory or no descriptor left.
pub fn sealed(name: &str, bytes: &[u8]) -> Result<OwnedFd, MemfdError> {
    let make = || -> io::Result<OwnedFd> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let mut file = File::from(rustix::fs::memfd_create(name, flags)?);
        file.write_all(bytes)?;
        file.seek(SeekFrom::Start(0))?;
        rustix::fs::fcntl_add_seals(&file, all_seals())?;
        Ok(file.into())
    };
    make().map_err(MemfdError::Make)
}

/// The bytes of sealed memory from another process, at most `max_bytes`.
///
/// # Errors
/// When it is not sealed, too long or not memory at all.
pub fn read_sealed(memory: OwnedFd, max_bytes: u64) -> Result<Vec<u8>, MemfdError> {
    let seals = rustix::fs::fcntl_get_seals(memory.as_fd())
        .map_err(|errno| MemfdError::Read(errno.into()))?;
    if !seals.contains(SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE) {
        return Err(MemfdError::NotSealed);
    }
    let mut file = File::from(memory);
    let actual_bytes = file.metadata().map_err(MemfdError::Read)?.len();
    if actual_bytes > max_bytes {
        return Err(MemfdError::TooLong { max_bytes, actual_bytes });
    }
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0)).map_err(MemfdError::Read)?;
    file.read_to_end(&mut bytes).map_err(MemfdError::Read)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_memory_is_read_back_and_cannot_be_written() {
        let memory = sealed("test", b"hello").unwrap();
        let mut file = File::from(memory.try_clone().unwrap());
        assert!(file.write_all(b"x").is_err());
        assert!(file.set_len(1).is_err());
        assert_eq!(read_sealed(memory, 5).unwrap(), b"hello");
    }

    #[test]
    fn memory_that_could_change_or_is_too_long_is_refused() {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let open = rustix::fs::memfd_create("test", flags).unwrap();
        assert!(matches!(read_sealed(open, 5), Err(MemfdError::NotSealed)));
        let long = sealed("test", b"hello").unwrap();
        assert!(matches!(read_sealed(long, 4), Err(MemfdError::TooLong { .. })));
    }
}
