//! Whether there was no room for something: on the disk, or in what somebody's quota leaves of it.

use std::io;

/// Whether this is why it could not be written.
pub(crate) fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether a line of a program says so, in the words of the C locale.
pub(crate) fn says_disk_full(line: &str) -> bool {
    ["No space left on device", "Disk quota exceeded"].iter().any(|words| line.contains(words))
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::*;

    #[test]
    fn a_full_disk_and_a_full_quota_are_one_to_whoever_writes() {
        let is_full = |errno| is_disk_full(&io::Error::from_raw_os_error(errno));
        assert!(is_full(libc::ENOSPC) && is_full(libc::EDQUOT));
        assert!(!is_full(libc::EIO) && !is_full(libc::EROFS));
    }
}
