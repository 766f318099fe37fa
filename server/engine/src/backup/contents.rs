//! The files of a backup as they come out of the reader, compared with the manifest entry by entry.
//!
//! What is handed on is the manifest's word for what an entry is and the archive's bytes for what is
//! in it; that both belong together is known only at the end of each file, so whoever takes them must
//! be able to throw them away.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::container::{member_bytes, member_path, sparse_map};
use super::manifest::{Checked, Entry, Kind};
use super::pack::{Going, hexadecimal};
use super::reader::END;

/// How much is moved at once.
const CHUNK: usize = 128 * 1024;

/// Why the files of a backup were not had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ContentsError {
    /// The archive ends early, or cannot be decompressed.
    #[error("the archive ends in the middle of {path}")]
    Short {
        /// Where.
        path: String,
        /// What reading it said.
        #[source]
        source: io::Error,
    },
    /// A member that is not the manifest's next entry.
    #[error("{path} is not where the manifest says it is")]
    Other {
        /// Which entry was expected.
        path: String,
    },
    /// The bytes are not those that were written.
    #[error("the bytes of {path} are not those that were written")]
    Digest {
        /// Which.
        path: String,
    },
    /// More members than the manifest has.
    #[error("the archive holds more than its manifest says")]
    More,
    /// What was made of it could not be written.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody cancelled it.
    #[error("cancelled")]
    Cancelled,
}

/// Whoever takes the files.
pub(super) trait Receiver {
    /// The next entry.
    fn begin(&mut self, entry: &Entry) -> io::Result<()>;
    /// Bytes of it, from an offset on; holes are left out.
    fn data(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// All of it was there, and is what was written.
    fn end(&mut self, entry: &Entry) -> io::Result<()>;
    /// Whether the rest is not wanted any more.
    fn has_enough(&self) -> bool {
        false
    }
}

/// Takes nothing: the comparison is what counts.
pub(super) struct Compared;

impl Receiver for Compared {
    fn begin(&mut self, _entry: &Entry) -> io::Result<()> {
        Ok(())
    }
    fn data(&mut self, _offset: u64, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }
    fn end(&mut self, _entry: &Entry) -> io::Result<()> {
        Ok(())
    }
}

/// Moves all files from a reader to a receiver.
pub(super) fn receive(
    manifest: &Checked,
    mut from: impl Read,
    to: &mut dyn Receiver,
    going: &mut Going<'_>,
) -> Result<(), ContentsError> {
    let mut buffer = vec![0; CHUNK];
    for (number, entry) in manifest.entries.iter().enumerate() {
        let path = || entry.path.lossy();
        let short = |source| ContentsError::Short { path: path(), source };
        let failed = |source| ContentsError::Write { path: path(), source };
        if number % 64 == 0 && !going(0) {
            return Err(ContentsError::Cancelled);
        }
        let expected = member_path(entry, number);
        let length = u32::from_le_bytes(exact(&mut from).map_err(short)?);
        if length as usize != expected.len() {
            return Err(ContentsError::Other { path: path() });
        }
        let mut found = vec![0; expected.len()];
        from.read_exact(&mut found).map_err(short)?;
        let bytes = u64::from_le_bytes(exact(&mut from).map_err(short)?);
        if found != expected || bytes != member_bytes(entry) {
            return Err(ContentsError::Other { path: path() });
        }
        to.begin(entry).map_err(failed)?;
        if let Kind::File { size, sha256, parts } = &entry.kind {
            if let Some(parts) = parts {
                let expected = sparse_map(parts, *size);
                let mut found = vec![0; expected.len()];
                from.read_exact(&mut found).map_err(short)?;
                if found != expected {
                    return Err(ContentsError::Other { path: path() });
                }
            }
            let mut digest = Sha256::new();
            for (offset, length) in parts.as_deref().unwrap_or(&[(0, *size)]) {
                let (mut at, mut left) = (*offset, *length);
                while left > 0 {
                    let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
                    let chunk = buffer.get_mut(..wanted).unwrap_or_default();
                    from.read_exact(chunk).map_err(short)?;
                    digest.update(&*chunk);
                    to.data(at, chunk).map_err(failed)?;
                    at += wanted as u64;
                    left -= wanted as u64;
                    if !going(wanted as u64) {
                        return Err(ContentsError::Cancelled);
                    }
                }
            }
            if hexadecimal(&digest.finalize()) != *sha256 {
                return Err(ContentsError::Digest { path: path() });
            }
        }
        to.end(entry).map_err(failed)?;
        if to.has_enough() {
            return Ok(());
        }
    }
    let short = |source| ContentsError::Short { path: "the end".to_owned(), source };
    match u32::from_le_bytes(exact(&mut from).map_err(short)?) {
        END => Ok(()),
        _ => Err(ContentsError::More),
    }
}

fn exact<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map(|()| bytes)
}
