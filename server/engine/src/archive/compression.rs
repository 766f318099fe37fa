//! What an archive is, by its first bytes, and the stream that comes out of it.
//!
//! One compressed stream may follow another of the same kind (`cat a.gz b.gz`); whatever else follows
//! the last one is not read. Runs in the confined process only.

use std::io::{self, BufRead, BufReader, Read};

use domain::template::{ArchiveProblem, Compression};
use tar::Header;

/// How much is looked at: a header of tar.
pub(super) const HEAD_BYTES: usize = 512;
/// How much memory a stream of xz may take: `xz -9` takes 65 MiB.
const XZ_MEMORY_BYTES: u64 = 256 << 20;

/// How an archive is compressed, judged by its first bytes; for one that is not, whether it is tar.
pub(super) fn judge(head: &[u8]) -> Result<Compression, ArchiveProblem> {
    if let Some(compression) = compression_of(head) {
        return Ok(compression);
    }
    judge_tar(head).map(|()| Compression::None)
}

fn compression_of(head: &[u8]) -> Option<Compression> {
    match head {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Compression::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            Some(Compression::Zstd)
        }
        _ => None,
    }
}

/// Whether this is the beginning of a tar archive; if not, what else it is.
pub(super) fn judge_tar(head: &[u8]) -> Result<(), ArchiveProblem> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|t| t.starts_with(magic));
    // dump(8): a number at byte 24, in either byte order, of either generation.
    let is_dump = [0xea6c_u32, 0xea6b, 0x1954_0119]
        .iter()
        .any(|magic| at(24, &magic.to_le_bytes()) || at(24, &magic.to_be_bytes()));
    if head.is_empty() {
        return Err(ArchiveProblem::Empty);
    }
    if at(0, b"07070") || at(0, &[0xc7, 0x71]) || at(0, &[0x71, 0xc7]) {
        return Err(ArchiveProblem::Cpio);
    }
    if at(0, b"PK\x03\x04") || at(0, b"PK\x05\x06") {
        return Err(ArchiveProblem::Zip);
    }
    match <&[u8; HEAD_BYTES]>::try_from(head) {
        Ok(block) if block.iter().all(|byte| *byte == 0) => Err(ArchiveProblem::Empty),
        Ok(block) if has_checksum(Header::from_byte_slice(block)) => Ok(()),
        _ if is_dump => Err(ArchiveProblem::Dump),
        _ => Err(ArchiveProblem::NotTar),
    }
}

/// Whether a header's checksum is its own. Old tars added the bytes up as signed numbers.
pub(super) fn has_checksum(header: &Header) -> bool {
    let Ok(expected) = header.cksum() else { return false };
    let bytes = header.as_bytes().iter().enumerate();
    // Its own field counts as blanks.
    let counted = bytes.map(|(index, byte)| if (148..156).contains(&index) { b' ' } else { *byte });
    let (unsigned, signed) = counted.fold((0_u32, 0_i32), |(unsigned, signed), byte| {
        (unsigned + u32::from(byte), signed + i32::from(byte.cast_signed()))
    });
    expected == unsigned || i64::from(expected) == i64::from(signed)
}

/// The stream that comes out of an archive.
pub(super) struct Decompressed<R: Read> {
    compression: Compression,
    stream: Option<Stream<R>>,
    has_tail: bool,
}

/// One compressed stream.
enum Stream<R: Read> {
    None(BufReader<R>),
    Gzip(Box<flate2::bufread::GzDecoder<BufReader<R>>>),
    Bzip2(Box<bzip2::bufread::BzDecoder<BufReader<R>>>),
    Xz(Box<liblzma::bufread::XzDecoder<BufReader<R>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<R>>>),
}

impl<R: Read> Stream<R> {
    fn begin(compression: Compression, input: BufReader<R>) -> io::Result<Self> {
        Ok(match compression {
            Compression::None => Self::None(input),
            Compression::Gzip => Self::Gzip(Box::new(flate2::bufread::GzDecoder::new(input))),
            Compression::Bzip2 => Self::Bzip2(Box::new(bzip2::bufread::BzDecoder::new(input))),
            Compression::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_BYTES, 0)?;
                Self::Xz(Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream)))
            }
            // A window of at most 128 MiB, which is the library's own limit.
            Compression::Zstd => Self::Zstd(Box::new(
                zstd::stream::read::Decoder::with_buffer(input)?.single_frame(),
            )),
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None(input) => input.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Bzip2(decoder) => decoder.read(buffer),
            Self::Xz(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }

    fn end(self) -> BufReader<R> {
        match self {
            Self::None(input) => input,
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Bzip2(decoder) => decoder.into_inner(),
            Self::Xz(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.finish(),
        }
    }
}

impl<R: Read> Decompressed<R> {
    /// The stream of an archive that [`judge`] has looked at.
    pub(super) fn new(compression: Compression, input: R) -> io::Result<Self> {
        let stream = Stream::begin(compression, BufReader::with_capacity(64 << 10, input))?;
        Ok(Self { compression, stream: Some(stream), has_tail: false })
    }

    /// Whether something that is no stream of this kind followed the last one.
    pub(super) fn has_tail(&self) -> bool {
        self.has_tail
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(stream) = self.stream.as_mut() else { return Ok(0) };
            match stream.read(buffer)? {
                0 => {}
                read => return Ok(read),
            }
            let Some(mut input) = self.stream.take().map(Stream::end) else { return Ok(0) };
            if self.compression == Compression::None {
                return Ok(0);
            }
            let next = input.fill_buf()?;
            if next.is_empty() {
                return Ok(0);
            }
            if compression_of(next) != Some(self.compression) {
                self.has_tail = true;
                return Ok(0);
            }
            self.stream = Some(Stream::begin(self.compression, input)?);
        }
    }
}

/// Reads until `buffer` is full or the stream ends; how much there was.
pub(super) fn read_full(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_it_is_is_seen_from_its_first_bytes() {
        assert_eq!(judge(b"\x1f\x8b\x08"), Ok(Compression::Gzip));
        assert_eq!(judge(b"BZh9"), Ok(Compression::Bzip2));
        assert_eq!(judge(b"\xfd7zXZ\0"), Ok(Compression::Xz));
        assert_eq!(judge(b"\x28\xb5\x2f\xfd"), Ok(Compression::Zstd));
        assert_eq!(judge(b"070701"), Err(ArchiveProblem::Cpio));
        assert_eq!(judge(b"\xc7\x71xx"), Err(ArchiveProblem::Cpio));
        assert_eq!(judge(b"PK\x03\x04"), Err(ArchiveProblem::Zip));
        assert_eq!(judge(b""), Err(ArchiveProblem::Empty));
        assert_eq!(judge(&[0; 512]), Err(ArchiveProblem::Empty));
        assert_eq!(judge(b"#!/bin/sh\n"), Err(ArchiveProblem::NotTar));
        let mut dump = [0_u8; 512];
        dump[24..28].copy_from_slice(&60012_u32.to_le_bytes());
        assert_eq!(judge(&dump), Err(ArchiveProblem::Dump));
        let mut header = Header::new_gnu();
        header.set_size(0);
        header.set_cksum();
        assert_eq!(judge(header.as_bytes()), Ok(Compression::None));
    }

    #[test]
    fn streams_may_follow_each_other_and_what_else_follows_is_left() {
        use std::io::Write;
        let gzip = |text: &[u8]| {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let zstd = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
        for (compression, first, second) in [
            (Compression::Gzip, gzip(b"one"), gzip(b"two")),
            (Compression::Zstd, zstd(b"one"), zstd(b"two")),
        ] {
            let both = [first, second, b"garbage".to_vec()].concat();
            let mut stream = Decompressed::new(compression, both.as_slice()).unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert_eq!((text.as_str(), stream.has_tail()), ("onetwo", true), "{compression}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(head in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = judge(&head);
        }
    }
}
