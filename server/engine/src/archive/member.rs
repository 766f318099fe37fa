//! The members of a tar archive, one after the other: what each header and its extended headers say
//! together, judged.
//!
//! The crate `tar` decodes headers; going from one to the next is done here, because that is where
//! readers have disagreed with each other (RUSTSEC-2026-0067, -0068, -0112): which size counts, to
//! which member an extended header belongs, how much memory a header may take. Where two headers say
//! different things the archive is refused; nothing is guessed.
//!
//! Runs in the confined process only.

use std::io::{self, Read};

use domain::template::ArchiveProblem;
use tar::{EntryType, GnuExtSparseHeader, Header};

use super::compression::{has_checksum, judge_tar, read_full};
use super::pax::{self, Records};

/// The block of tar.
const BLOCK: u64 = 512;
/// The longest extended header: one with a long name, a long link and 64 KiB of attributes fits well.
const HEADER_BYTES: u64 = 1 << 20;
/// The most pieces of a sparse file.
const SEGMENTS: usize = 1 << 18;

/// Parts of a file that are in the archive: offset and length, in order.
type Segments = Vec<(u64, u64)>;
/// Names and values of extended attributes.
type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

/// Why reading an archive ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// The archive is not taken; the name of the member it is about may be empty.
    Refused(ArchiveProblem, Vec<u8>),
    /// Reading or decompressing it failed.
    Read(io::Error),
    /// Something could not be written.
    Write(rustix::io::Errno, Vec<u8>),
    /// Nobody wants it any more.
    Unwanted,
}

impl From<ArchiveProblem> for Stop {
    fn from(problem: ArchiveProblem) -> Self {
        Self::Refused(problem, Vec::new())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Symlink,
    HardLink,
    Fifo,
    Device,
}

/// A member, its data aside.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// Its name, as a stranger wrote it.
    pub(super) name: Vec<u8>,
    /// Where it leads, if it is a link.
    pub(super) link: Vec<u8>,
    pub(super) kind: Kind,
    /// Permissions, set-user-id and so on.
    pub(super) mode: u32,
    pub(super) user: u64,
    pub(super) group: u64,
    /// Seconds and nanoseconds since the epoch.
    pub(super) modified: (i64, u32),
    /// The size of the file, holes included.
    pub(super) bytes: u64,
    /// Which parts of it are in the archive, offset and length, in order.
    pub(super) segments: Segments,
    /// Its extended attributes that may be set.
    pub(super) attributes: Attributes,
    /// How many it had that may not.
    pub(super) dropped_attributes: u64,
}

/// The members of an archive.
pub(super) struct Members<R: Read> {
    input: R,
    /// What is left of the data of the member at hand, and of the block it ends in.
    data_left: u64,
    padding: u64,
    /// How many bytes have come out, and how many may.
    read: u64,
    most: u64,
    is_first: bool,
}

/// What extended headers said of the member that follows.
#[derive(Default)]
struct Extended {
    pax: Option<Records>,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl<R: Read> Members<R> {
    /// The members of a stream, out of which at most `most` bytes may come.
    pub(super) fn new(input: R, most: u64) -> Self {
        Self { input, data_left: 0, padding: 0, read: 0, most, is_first: true }
    }

    /// The stream behind it.
    pub(super) fn into_inner(self) -> R {
        self.input
    }

    /// The next member; none at the archive's end.
    pub(super) fn next(&mut self) -> Result<Option<Member>, Stop> {
        let mut extended = Extended::default();
        loop {
            self.skip_data()?;
            let Some(header) = self.header()? else {
                let is_dangling =
                    extended.pax.is_some() || extended.name.is_some() || extended.link.is_some();
                return if is_dangling { Err(ArchiveProblem::Truncated.into()) } else { Ok(None) };
            };
            let size = header.entry_size().map_err(|_| ArchiveProblem::Damaged)?;
            match header.entry_type() {
                EntryType::XHeader => {
                    let records = Records::parse(&self.extension(size)?)?;
                    once(&mut extended.pax, records)?;
                }
                EntryType::GNULongName => {
                    let name = until_nul(self.extension(size)?);
                    once(&mut extended.name, name)?;
                }
                EntryType::GNULongLink => {
                    let link = until_nul(self.extension(size)?);
                    once(&mut extended.link, link)?;
                }
                EntryType::XGlobalHeader => {
                    let records = Records::parse(&self.extension(size)?)?;
                    // Comments, such as git's, are taken; what would change every member is not.
                    if records.has_any(&["path", "linkpath", "size", "uid", "gid"]) {
                        return Err(ArchiveProblem::Contradiction.into());
                    }
                }
                // The name of a volume: a header of its own, about nothing.
                kind if kind.as_byte() == b'V' => self.expect_data(size)?,
                _ => return self.member(&header, size, extended).map(Some),
            }
        }
    }

    /// Reads from the data of the member at hand.
    pub(super) fn read_data(&mut self, buffer: &mut [u8]) -> Result<usize, Stop> {
        let wanted = usize::try_from(self.data_left).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let read = self.fill(part)?;
        if read < wanted {
            return Err(ArchiveProblem::Truncated.into());
        }
        self.data_left -= read as u64;
        Ok(read)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Stop> {
        let read = read_full(&mut self.input, buffer)?;
        self.read = self.read.saturating_add(read as u64);
        match self.read > self.most {
            true => Err(ArchiveProblem::TooLarge { bytes: self.most }.into()),
            false => Ok(read),
        }
    }

    fn skip_data(&mut self) -> Result<(), Stop> {
        let mut buffer = [0; 16 << 10];
        while self.data_left > 0 {
            self.read_data(&mut buffer)?;
        }
        self.data_left = std::mem::take(&mut self.padding);
        // Less than a block, which is less than the buffer.
        self.read_data(&mut buffer).map(drop)
    }

    fn expect_data(&mut self, size: u64) -> Result<(), Stop> {
        // No size comes near the end of the numbers, so that rounding up cannot go over it.
        if size > u64::MAX / 4 {
            return Err(ArchiveProblem::Damaged.into());
        }
        self.data_left = size;
        self.padding = size.next_multiple_of(BLOCK) - size;
        Ok(())
    }

    /// The next header; none at the end mark.
    fn header(&mut self) -> Result<Option<Header>, Stop> {
        let mut header = Header::new_old();
        let read = self.fill(header.as_mut_bytes())?;
        let is_first = std::mem::take(&mut self.is_first);
        if is_first {
            judge_tar(header.as_bytes().get(..read).unwrap_or_default())?;
        }
        if read < header.as_bytes().len() {
            return Err(ArchiveProblem::Truncated.into());
        }
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if has_checksum(&header) { Ok(Some(header)) } else { Err(ArchiveProblem::Damaged.into()) }
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, Stop> {
        if size > HEADER_BYTES {
            return Err(ArchiveProblem::HeaderTooLong.into());
        }
        self.expect_data(size)?;
        let mut data = vec![0; usize::try_from(size).unwrap_or(0)];
        self.read_data(&mut data)?;
        Ok(data)
    }

    fn member(&mut self, header: &Header, size: u64, extended: Extended) -> Result<Member, Stop> {
        let pax = extended.pax.unwrap_or_default();
        let in_header = header.path_bytes().into_owned();
        let mut name = one_of(extended.name, pax.get("path")?, in_header)?;
        let link_in_header = header.link_name_bytes().map(std::borrow::Cow::into_owned);
        let link = one_of(extended.link, pax.get("linkpath")?, link_in_header.unwrap_or_default())?;
        let about = |problem| Stop::Refused(problem, name.clone());
        let kind = match header.entry_type() {
            // Before POSIX a directory was a file whose name ended in a slash.
            EntryType::Regular if name.ends_with(b"/") && size == 0 => Kind::Directory,
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
            EntryType::Link => Kind::HardLink,
            EntryType::Symlink => Kind::Symlink,
            EntryType::Char | EntryType::Block => Kind::Device,
            EntryType::Directory => Kind::Directory,
            EntryType::Fifo => Kind::Fifo,
            _ => return Err(about(ArchiveProblem::UnknownType)),
        };
        // A size in the extended header counts where the plain one had no room for it, never against it.
        let stored = match pax.number("size").map_err(about)? {
            Some(extended) if size != 0 && size != extended => {
                return Err(about(ArchiveProblem::Contradiction));
            }
            Some(extended) => extended,
            None => size,
        };
        // Some tars keep data behind these and some do not: reading on would be guessing.
        if kind != Kind::File && stored != 0 {
            return Err(about(ArchiveProblem::Contradiction));
        }
        self.expect_data(stored)?;
        let damaged = |_| Stop::Refused(ArchiveProblem::Damaged, name.clone());
        let user = pax.number("uid").map_err(about)?.map_or_else(|| header.uid(), Ok);
        let group = pax.number("gid").map_err(about)?.map_or_else(|| header.gid(), Ok);
        let mode = header.mode().map_err(damaged)? & 0o7777;
        let modified = match pax.time("mtime").map_err(about)? {
            Some(time) => time,
            None => (i64::try_from(header.mtime().map_err(damaged)?).unwrap_or(0), 0),
        };
        let (user, group) = (user.map_err(damaged)?, group.map_err(damaged)?);
        let (attributes, dropped_attributes) = attributes(&pax);
        let (bytes, segments) = match header.entry_type() {
            EntryType::GNUSparse => {
                self.gnu_sparse(header, stored).map_err(|stop| named(stop, &name))?
            }
            _ => match self.pax_sparse(&pax, stored).map_err(|stop| named(stop, &name))? {
                Some(sparse) => {
                    if let Some(real) = pax.get("GNU.sparse.name").map_err(Stop::from)? {
                        name = real.to_vec();
                    }
                    sparse
                }
                None => (stored, vec![(0, stored)]),
            },
        };
        Ok(Member {
            name,
            link,
            kind,
            mode,
            user,
            group,
            modified,
            bytes,
            segments,
            attributes,
            dropped_attributes,
        })
    }

    /// The map of a sparse file as GNU's own format has it: in the header and in blocks behind it.
    fn gnu_sparse(&mut self, header: &Header, stored: u64) -> Result<(u64, Segments), Stop> {
        const BAD: ArchiveProblem = ArchiveProblem::Damaged;
        let gnu = header.as_gnu().ok_or(BAD)?;
        let real = gnu.real_size().map_err(|_| BAD)?;
        let mut segments = Vec::new();
        let mut take = |block: &tar::GnuSparseHeader| -> Result<(), Stop> {
            if block.is_empty() {
                return Ok(());
            }
            if segments.len() >= SEGMENTS {
                return Err(ArchiveProblem::UnknownSparse.into());
            }
            let (offset, length) = (block.offset(), block.length());
            segments.push((offset.map_err(|_| BAD)?, length.map_err(|_| BAD)?));
            Ok(())
        };
        gnu.sparse.iter().try_for_each(&mut take)?;
        let mut goes_on = gnu.is_extended();
        while goes_on {
            let mut more = GnuExtSparseHeader::new();
            // These blocks come before the data and do not count as such.
            if self.fill(more.as_mut_bytes())? < more.as_bytes().len() {
                return Err(ArchiveProblem::Truncated.into());
            }
            more.sparse().iter().try_for_each(&mut take)?;
            goes_on = more.is_extended();
        }
        Ok((real, judged(segments, real, stored)?))
    }

    /// The map of a sparse file as PAX headers have it, in any of GNU's three ways.
    fn pax_sparse(&mut self, pax: &Records, stored: u64) -> Result<Option<(u64, Segments)>, Stop> {
        const BAD: ArchiveProblem = ArchiveProblem::Damaged;
        if pax.beginning("GNU.sparse.").next().is_none() {
            return Ok(None);
        }
        let (numbers, left, real) = if pax.number("GNU.sparse.major")?.is_some() {
            let version = (pax.number("GNU.sparse.major")?, pax.number("GNU.sparse.minor")?);
            if version != (Some(1), Some(0)) {
                return Err(ArchiveProblem::UnknownSparse.into());
            }
            (self.map_in_data()?, self.data_left, pax.number("GNU.sparse.realsize")?)
        } else if let Some(map) = pax.get("GNU.sparse.map")? {
            let numbers = map.split(|byte| *byte == b',').map(pax::decimal).collect::<Option<_>>();
            (numbers.ok_or(BAD)?, stored, pax.number("GNU.sparse.size")?)
        } else {
            // The oldest way: the same keys over and over, in order.
            let pairs = pax.beginning("GNU.sparse.");
            let values = pairs.filter(|(key, _)| [&b"offset"[..], b"numbytes"].contains(key));
            let numbers = values.map(|(_, value)| pax::decimal(value)).collect::<Option<Vec<_>>>();
            (numbers.ok_or(BAD)?, stored, pax.number("GNU.sparse.size")?)
        };
        let real = real.ok_or(BAD)?;
        if numbers.len() % 2 != 0 || numbers.len() / 2 > SEGMENTS {
            return Err(BAD.into());
        }
        let pairs = numbers.chunks_exact(2);
        let segments = pairs.filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect();
        Ok(Some((real, judged(segments, real, left)?)))
    }

    /// The map at the beginning of a sparse file's data: numbers on lines of their own, the first one
    /// saying how many pairs follow, filled up to a whole block.
    fn map_in_data(&mut self) -> Result<Vec<u64>, Stop> {
        const BAD: ArchiveProblem = ArchiveProblem::Damaged;
        let mut numbers = Vec::new();
        let mut wanted = None;
        let mut digits = Vec::new();
        let mut block = [0; BLOCK as usize];
        while wanted != Some(numbers.len()) {
            if self.read_data(&mut block)? < block.len() {
                return Err(BAD.into());
            }
            for byte in block {
                match byte {
                    _ if wanted == Some(numbers.len()) => break,
                    b'\n' => {
                        let number = pax::decimal(&std::mem::take(&mut digits)).ok_or(BAD)?;
                        match wanted {
                            Some(_) => numbers.push(number),
                            None => {
                                let pairs = usize::try_from(number).ok();
                                let pairs = pairs.filter(|pairs| *pairs <= SEGMENTS).ok_or(BAD)?;
                                wanted = Some(pairs * 2);
                            }
                        }
                    }
                    digit if digits.len() < 20 => digits.push(digit),
                    _ => return Err(BAD.into()),
                }
            }
        }
        Ok(numbers)
    }
}

fn named(stop: Stop, name: &[u8]) -> Stop {
    match stop {
        Stop::Refused(problem, _) => Stop::Refused(problem, name.to_vec()),
        other => other,
    }
}

/// Whether a map is one: pieces in order, none over another, all within the file, all of the data.
fn judged(segments: Segments, real: u64, stored: u64) -> Result<Segments, Stop> {
    let (mut end, mut sum) = (0_u64, 0_u64);
    for (offset, length) in &segments {
        let next = offset.checked_add(*length).filter(|next| *next <= real);
        end = next.filter(|_| *offset >= end).ok_or(ArchiveProblem::Damaged)?;
        sum = sum.saturating_add(*length);
    }
    if sum == stored { Ok(segments) } else { Err(ArchiveProblem::Contradiction.into()) }
}

/// Two extended headers of one kind for one member are a contradiction.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Stop> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(ArchiveProblem::Contradiction.into()),
    }
}

/// The one name a member has: GNU's way, PAX's way, or the header's own field.
fn one_of(gnu: Option<Vec<u8>>, pax: Option<&[u8]>, field: Vec<u8>) -> Result<Vec<u8>, Stop> {
    match (gnu, pax) {
        (Some(gnu), Some(pax)) if gnu != pax => Err(ArchiveProblem::Contradiction.into()),
        (Some(gnu), _) => Ok(gnu),
        (None, Some(pax)) => Ok(pax.to_vec()),
        (None, None) => Ok(field),
    }
}

fn until_nul(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(end) = name.iter().position(|byte| *byte == 0) {
        name.truncate(end);
    }
    name
}

/// The attributes that may be set, and how many there are beside them.
fn attributes(pax: &Records) -> (Attributes, u64) {
    let mut kept = Vec::new();
    let mut dropped = 0;
    for (name, value) in pax.beginning("SCHILY.xattr.") {
        if pax::is_kept(name) {
            kept.push((name.to_vec(), value.to_vec()));
        } else {
            dropped += 1;
        }
    }
    for (key, name) in
        [("access", "system.posix_acl_access"), ("default", "system.posix_acl_default")]
    {
        for (_, text) in pax.beginning("SCHILY.acl.").filter(|(found, _)| *found == key.as_bytes())
        {
            match pax::acl(text) {
                Some(acl) => kept.push((name.as_bytes().to_vec(), acl)),
                None => dropped += 1,
            }
        }
    }
    (kept, dropped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(kind: EntryType, name: &str, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_path(name).unwrap();
        header.set_size(size);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        header
    }

    fn with(kind: EntryType, name: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = header(kind, name, data.len() as u64).as_bytes().to_vec();
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }

    fn all(archive: &[u8]) -> Result<Vec<(String, u64)>, ArchiveProblem> {
        let mut members = Members::new(archive, 1 << 30);
        let mut found = Vec::new();
        loop {
            match members.next() {
                Ok(Some(member)) => {
                    found.push((String::from_utf8_lossy(&member.name).into_owned(), member.bytes));
                }
                Ok(None) => return Ok(found),
                Err(Stop::Refused(problem, _)) => return Err(problem),
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    const END: [u8; 1024] = [0; 1024];

    #[test]
    fn an_extended_header_belongs_to_the_file_that_follows() {
        // x, then L, then the file: the size is the file's, not that of the L header.
        let hidden = with(EntryType::Regular, "hidden", b"x");
        let archive = [
            with(EntryType::XHeader, "x", b"13 size=1024\n"),
            with(EntryType::GNULongName, "L", b"outer\0"),
            header(EntryType::Regular, "short", 0).as_bytes().to_vec(),
            hidden,
            END.to_vec(),
        ]
        .concat();
        assert_eq!(all(&archive), Ok(vec![("outer".to_owned(), 1024)]));
    }

    #[test]
    fn headers_that_disagree_are_refused() {
        let file = with(EntryType::Regular, "file", b"12345");
        let x = |record: &str| with(EntryType::XHeader, "x", record.as_bytes());
        for contradiction in [
            [x("10 size=7\n"), file.clone()].concat(),
            [x("10 size=5\n"), x("10 size=5\n"), file.clone()].concat(),
            [x("10 path=a\n"), with(EntryType::GNULongName, "L", b"b\0"), file.clone()].concat(),
            [with(EntryType::XGlobalHeader, "g", b"10 size=5\n"), file.clone()].concat(),
            with(EntryType::Symlink, "link", b"data behind a link"),
        ] {
            let archive = [contradiction, END.to_vec()].concat();
            assert_eq!(all(&archive), Err(ArchiveProblem::Contradiction));
        }
    }

    #[test]
    fn an_archive_ends_with_its_mark_or_was_cut() {
        let file = with(EntryType::Regular, "file", b"12345");
        let whole = [file.clone(), END.to_vec()].concat();
        assert_eq!(all(&whole), Ok(vec![("file".to_owned(), 5)]));
        for cut in [1, 511, 512, 515, 600, 1024, 1100] {
            let expected = match cut {
                1 | 511 => ArchiveProblem::NotTar,
                _ => ArchiveProblem::Truncated,
            };
            assert_eq!(all(&whole[..cut]), Err(expected), "{cut}");
        }
        let mut flipped = whole;
        flipped[3] ^= 1;
        assert_eq!(all(&flipped), Err(ArchiveProblem::NotTar));
        let second = [file, flipped].concat();
        assert_eq!(all(&second), Err(ArchiveProblem::Damaged));
    }

    #[test]
    fn no_header_takes_all_memory() {
        let huge = header(EntryType::GNULongName, "L", 1 << 40);
        assert_eq!(all(huge.as_bytes()), Err(ArchiveProblem::HeaderTooLong));
    }

    #[test]
    fn sparse_maps_are_judged() {
        assert!(judged(vec![(0, 5), (10, 5)], 20, 10).is_ok());
        for (segments, real, stored) in [
            (vec![(0, 5), (4, 5)], 20, 10),
            (vec![(0, 5)], 4, 5),
            (vec![(u64::MAX, 2)], u64::MAX, 2),
            (vec![(0, 5)], 20, 6),
        ] {
            assert!(judged(segments, real, stored).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(
            data in proptest::collection::vec(any::<u8>(), 0..3000),
            kind in any::<u8>(),
            size in any::<u32>(),
        ) {
            // A header that is one, so that what lies behind the checksum is reached.
            let mut first = header(EntryType::new(kind), "name", u64::from(size));
            first.set_cksum();
            let archive = [first.as_bytes().to_vec(), data].concat();
            let _ = all(&archive);
        }

        #[test]
        fn no_records_break_it(record in "[0-9]{1,3} (size|path|GNU.sparse.(major|minor|map|size|realsize|offset|numbytes)|mtime)=[-0-9.,]{0,20}\n") {
            let archive = [
                with(EntryType::XHeader, "x", record.as_bytes()),
                with(EntryType::Regular, "file", b"1\n0\n5\n"),
                END.to_vec(),
            ].concat();
            let _ = all(&archive);
        }
    }
}
