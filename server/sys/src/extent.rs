//! Which blocks of a file other files use too: the kernel's map of its extents (FIEMAP).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `FS_IOC_FIEMAP` of `linux/fs.h`: `_IOWR('f', 11, struct fiemap)`.
const FS_IOC_FIEMAP: libc::Ioctl = 0xc020_660b_u32 as libc::Ioctl;
/// `FIEMAP_EXTENT_LAST` and `FIEMAP_EXTENT_SHARED` of `linux/fiemap.h`.
const LAST: u32 = 0x0001;
const SHARED: u32 = 0x2000;
/// How many extents are asked for at once.
const AT_ONCE: usize = 64;

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Extent {
    logical: u64,
    physical: u64,
    length: u64,
    reserved_64: [u64; 2],
    flags: u32,
    reserved: [u32; 3],
}

#[repr(C)]
struct Map {
    start: u64,
    length: u64,
    flags: u32,
    mapped_extents: u32,
    extent_count: u32,
    reserved: u32,
    extents: [Extent; AT_ONCE],
}

/// The bytes of an open file that other files use too.
///
/// # Errors
/// When its filesystem has no such map.
pub fn shared_bytes(file: BorrowedFd<'_>) -> io::Result<u64> {
    let mut shared = 0_u64;
    let mut start = 0_u64;
    loop {
        let mut map = Map {
            start,
            length: u64::MAX - start,
            flags: 0,
            mapped_extents: 0,
            extent_count: AT_ONCE as u32,
            reserved: 0,
            extents: [Extent::default(); AT_ONCE],
        };
        // SAFETY: `map` is a `struct fiemap` followed by room for `extent_count` extents, as the call
        // wants it, and outlives it; any bit pattern is a valid value of its fields.
        let done = unsafe { libc::ioctl(file.as_raw_fd(), FS_IOC_FIEMAP, &raw mut map) };
        if done < 0 {
            return Err(io::Error::last_os_error());
        }
        let mapped = usize::try_from(map.mapped_extents).unwrap_or(0);
        let Some(found) = map.extents.get(..mapped.min(AT_ONCE)) else { return Ok(shared) };
        for extent in found {
            if extent.flags & SHARED != 0 {
                shared = shared.saturating_add(extent.length);
            }
        }
        match found.last() {
            Some(last) if last.flags & LAST == 0 => {
                let next = last.logical.saturating_add(last.length);
                if next <= start {
                    return Ok(shared);
                }
                start = next;
            }
            _ => return Ok(shared),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn a_file_of_its_own_shares_nothing() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; 1 << 20]).unwrap();
        file.sync_all().unwrap();
        match shared_bytes(file.as_fd()) {
            Ok(shared) => assert_eq!(shared, 0),
            // Not every filesystem has extents.
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP)),
        }
    }
}
