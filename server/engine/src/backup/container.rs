//! The bytes of a backup: a tar in zstd, written in one pass.
//!
//! First a zstd frame with the files, as a POSIX tar that GNU tar reads: owners as numbers, hard links,
//! holes (GNU sparse format 1.0), extended attributes and ACLs as `SCHILY.xattr` records. Then a frame
//! with one more member, [`MANIFEST`], and the end of the tar. Last a frame that decompressors skip,
//! [`Trailer`]: it says where the manifest is, so that a look at it needs no pass over the rest. An
//! archive without it is not whole.
//!
//! Not here: what is read from a VServer (`pack`), reading it back (`reader`, `contents`).

use std::io::{self, Write};

use tar::{EntryType, Header};
use zstd::stream::write::Encoder;

use super::manifest::{Entry, Kind, Manifest};

/// The manifest's member of the tar.
pub(super) const MANIFEST: &str = "MANIFEST.json";
/// What the trailer's payload begins with.
const MAGIC: &[u8; 8] = b"ULYSSE01";
/// The first bytes of a frame that is skipped (RFC 8878, 3.1.2), little endian.
const SKIPPED: u32 = 0x184D_2A5E;
/// Bytes of the trailer's payload, and of all of it.
const PAYLOAD: usize = 8 + 8;
pub(super) const TRAILER_BYTES: u64 = PAYLOAD as u64 + 8;
/// How hard zstd tries: its own default.
const LEVEL: i32 = 3;
/// The most threads that compress.
const THREADS: u32 = 4;
/// A tar is made of blocks of this many bytes.
const BLOCK: u64 = 512;

/// Where the manifest is in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trailer {
    /// Where the manifest's frame begins.
    pub(super) manifest_at: u64,
}

impl Trailer {
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = SKIPPED.to_le_bytes().to_vec();
        bytes.extend((PAYLOAD as u32).to_le_bytes());
        bytes.extend(MAGIC);
        bytes.extend(self.manifest_at.to_le_bytes());
        bytes
    }

    /// The trailer of an archive of `length` bytes whose last ones these are; none when it has none.
    pub(super) fn parse(bytes: &[u8], length: u64) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(16)?;
        let mut expected = SKIPPED.to_le_bytes().to_vec();
        expected.extend((PAYLOAD as u32).to_le_bytes());
        expected.extend(MAGIC);
        let manifest_at = u64::from_le_bytes(rest.try_into().ok()?);
        let is_within = manifest_at < length.checked_sub(TRAILER_BYTES)?;
        (head == expected && is_within).then_some(Self { manifest_at })
    }
}

/// Counts what goes through.
struct Counted<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// An archive that is being written.
pub(super) struct Container<W: Write> {
    encoder: Encoder<'static, Counted<W>>,
}

fn encoder<W: Write>(counted: Counted<W>) -> io::Result<Encoder<'static, Counted<W>>> {
    let mut encoder = Encoder::new(counted, LEVEL)?;
    encoder.include_checksum(true)?;
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    encoder.multithread(threads.min(THREADS))?;
    Ok(encoder)
}

impl<W: Write> Container<W> {
    /// Begins one.
    pub(super) fn new(out: W) -> io::Result<Self> {
        Ok(Self { encoder: encoder(Counted { inner: out, bytes: 0 })? })
    }

    /// Begins a member: its header. What is stored of it follows with [`Container::data`], then
    /// [`Container::pad`]. `number` is its place among the entries.
    pub(super) fn member(&mut self, entry: &Entry, number: usize) -> io::Result<()> {
        let (kind, link, device) = match &entry.kind {
            Kind::Directory => (EntryType::Directory, None, None),
            Kind::File { .. } => (EntryType::Regular, None, None),
            Kind::HardLink(to) => (EntryType::Link, Some(&to.0), None),
            Kind::Link(to) => (EntryType::Symlink, Some(&to.0), None),
            Kind::Fifo => (EntryType::Fifo, None, None),
            Kind::Device { block: true, major, minor } => {
                (EntryType::Block, None, Some((*major, *minor)))
            }
            Kind::Device { block: false, major, minor } => {
                (EntryType::Char, None, Some((*major, *minor)))
            }
        };
        let mut records = Vec::new();
        let path = member_path(entry, number);
        if let Kind::File { size, parts: Some(_), .. } = &entry.kind {
            record(&mut records, "GNU.sparse.major", b"1");
            record(&mut records, "GNU.sparse.minor", b"0");
            record(&mut records, "GNU.sparse.name", &entry.path.0);
            record(&mut records, "GNU.sparse.realsize", size.to_string().as_bytes());
        }
        for (name, value) in &entry.xattrs {
            record(&mut records, &format!("SCHILY.xattr.{name}"), &value.0);
        }
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(entry.mode);
        header.set_mtime(u64::try_from(entry.mtime.0).unwrap_or(0));
        for (key, id) in [("uid", entry.uid), ("gid", entry.gid)] {
            if id > 0o7_777_777 {
                record(&mut records, key, id.to_string().as_bytes());
            }
        }
        header.set_uid(entry.uid.min(0o7_777_777).into());
        header.set_gid(entry.gid.min(0o7_777_777).into());
        let size = member_bytes(entry);
        if size > 0o77_777_777_777 {
            record(&mut records, "size", size.to_string().as_bytes());
        }
        header.set_size(size.min(0o77_777_777_777));
        if let Some((major, minor)) = device {
            header.set_device_major(major)?;
            header.set_device_minor(minor)?;
        }
        if place(&mut header.as_old_mut().name, &path) {
            record(&mut records, "path", &path);
        }
        if let Some(link) = link
            && place(&mut header.as_old_mut().linkname, link)
        {
            record(&mut records, "linkpath", link);
        }
        if !records.is_empty() {
            self.plain_member(EntryType::XHeader, "PaxHeaders/entry", &records)?;
        }
        header.set_cksum();
        self.encoder.write_all(header.as_bytes())?;
        if let Kind::File { size, parts: Some(parts), .. } = &entry.kind {
            self.encoder.write_all(&sparse_map(parts, *size))?;
        }
        Ok(())
    }

    /// Bytes of the member that was begun.
    pub(super) fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.encoder.write_all(bytes)
    }

    /// Ends the member of so many stored bytes.
    pub(super) fn pad(&mut self, stored: u64) -> io::Result<()> {
        let rest = usize::try_from(stored.next_multiple_of(BLOCK) - stored).unwrap_or(0);
        self.encoder.write_all([0; BLOCK as usize].get(..rest).unwrap_or_default())
    }

    fn plain_member(&mut self, kind: EntryType, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(bytes.len() as u64);
        place(&mut header.as_old_mut().name, name.as_bytes());
        header.set_cksum();
        self.encoder.write_all(header.as_bytes())?;
        self.encoder.write_all(bytes)?;
        self.pad(bytes.len() as u64)
    }

    /// Ends the archive with its manifest and trailer; how many bytes it has.
    pub(super) fn finish(self, manifest: &Manifest) -> io::Result<(W, u64)> {
        let counted = self.encoder.finish()?;
        let manifest_at = counted.bytes;
        let mut last = Self { encoder: encoder(counted)? };
        let text = serde_json::to_vec(manifest)?;
        last.plain_member(EntryType::Regular, MANIFEST, &text)?;
        last.encoder.write_all(&[0; 2 * BLOCK as usize])?;
        let mut counted = last.encoder.finish()?;
        counted.write_all(&Trailer { manifest_at }.to_bytes())?;
        counted.flush()?;
        Ok((counted.inner, counted.bytes))
    }
}

/// What the member of an entry is called in the tar.
pub(super) fn member_path(entry: &Entry, number: usize) -> Vec<u8> {
    match &entry.kind {
        Kind::Directory => [entry.path.0.as_slice(), b"/"].concat(),
        Kind::File { parts: Some(_), .. } => format!("GNUSparseFile.0/{number}").into_bytes(),
        _ => entry.path.0.clone(),
    }
}

/// How many bytes the member of an entry has in the tar.
pub(super) fn member_bytes(entry: &Entry) -> u64 {
    let map = match &entry.kind {
        Kind::File { size, parts: Some(parts), .. } => sparse_map(parts, *size).len() as u64,
        _ => 0,
    };
    map.saturating_add(entry.stored_bytes())
}

/// The map of a file with holes, as GNU tar's format 1.0 has it before the data.
pub(super) fn sparse_map(parts: &[(u64, u64)], size: u64) -> Vec<u8> {
    // The last part says where the file ends, also when it ends in a hole.
    let mut text = format!("{}\n", parts.len() + 1);
    for (offset, length) in parts.iter().chain([&(size, 0)]) {
        text.push_str(&format!("{offset}\n{length}\n"));
    }
    let mut bytes = text.into_bytes();
    bytes.resize(bytes.len().next_multiple_of(BLOCK as usize), 0);
    bytes
}

/// Puts a name into a field of a header; whether it was cut.
fn place(field: &mut [u8; 100], name: &[u8]) -> bool {
    let fits = name.len() <= field.len();
    for (slot, byte) in field.iter_mut().zip(name) {
        *slot = *byte;
    }
    !fits || !name.is_ascii()
}

/// Adds a record of an extended header: its own length counts.
fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if length.to_string().len() > rest.to_string().len() {
        length += 1;
    }
    records.extend(format!("{length} {key}=").into_bytes());
    records.extend(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_count_themselves() {
        for length in [1, 5, 80, 89, 90, 91, 988, 989, 990, 5000] {
            let mut records = Vec::new();
            record(&mut records, "path", &vec![b'x'; length]);
            let text = String::from_utf8(records.clone()).unwrap();
            let said: usize = text.split(' ').next().unwrap().parse().unwrap();
            assert_eq!(said, records.len());
        }
    }

    #[test]
    fn a_trailer_is_read_as_it_is_written_and_nothing_else_is_one() {
        let trailer = Trailer { manifest_at: 77 };
        let bytes = trailer.to_bytes();
        assert_eq!(bytes.len() as u64, TRAILER_BYTES);
        assert_eq!(Trailer::parse(&bytes, 1000), Some(trailer));
        assert_eq!(Trailer::parse(&bytes, 80), None);
        assert_eq!(Trailer::parse(&bytes, 3), None);
        for index in 0..16 {
            let mut other = bytes.clone();
            other[index] ^= 1;
            assert_eq!(Trailer::parse(&other, 1000), None);
        }
        assert_eq!(Trailer::parse(&bytes[..23], 1000), None);
    }
}
