//! Archives as their makers would not make them: written member by member, true headers or false ones.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use tar::{EntryType, Header};

/// An archive that is being written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tarball(Vec<u8>);

/// The header of a member that root owns.
pub(crate) fn header(kind: EntryType, name: &str, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    let bytes = name.as_bytes();
    // The crate's own way judges names; these are not to be judged.
    header.as_gnu_mut().unwrap().name[..bytes.len()].copy_from_slice(bytes);
    header.set_size(size);
    header.set_mode(if kind == EntryType::Directory { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_000_000_000);
    header.set_cksum();
    header
}

impl Tarball {
    /// Adds a member as it is given.
    pub(crate) fn raw(mut self, header: &Header, data: &[u8]) -> Self {
        self.0.extend(header.as_bytes());
        self.0.extend(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// Adds a member after changing its header.
    pub(crate) fn with(
        self,
        kind: EntryType,
        name: &str,
        data: &[u8],
        change: impl FnOnce(&mut Header),
    ) -> Self {
        let mut header = header(kind, name, data.len() as u64);
        change(&mut header);
        header.set_cksum();
        self.raw(&header, data)
    }

    pub(crate) fn file(self, name: &str, data: &[u8]) -> Self {
        self.with(EntryType::Regular, name, data, |_| {})
    }

    pub(crate) fn directory(self, name: &str) -> Self {
        self.with(EntryType::Directory, name, b"", |_| {})
    }

    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, name, target)
    }

    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.link(EntryType::Link, name, target)
    }

    fn link(self, kind: EntryType, name: &str, target: &str) -> Self {
        self.with(kind, name, b"", |header| header.set_link_name_literal(target).unwrap())
    }

    /// Adds a PAX header for the member that follows.
    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let data: Vec<u8> = records.iter().flat_map(|(key, value)| record(key, value)).collect();
        self.with(EntryType::XHeader, "PaxHeader", &data, |_| {})
    }

    /// What a VServer's root has, so that it is taken for one.
    pub(crate) fn root(self) -> Self {
        self.directory("./").directory("./etc/").directory("./usr/").file("./etc/hostname", b"x\n")
    }

    /// The bytes, without an end mark.
    pub(crate) fn cut(self) -> Vec<u8> {
        self.0
    }

    /// The whole archive.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let body = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = body.len();
    while length.to_string().len() + body.len() != length {
        length += 1;
    }
    [length.to_string().as_bytes(), &body].concat()
}

/// The bytes as an open file that has no name.
pub(crate) fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}
