//! What travels from the web process to the engine while somebody uploads an archive, over a connected
//! `SOCK_SEQPACKET`: one message a packet, first byte the kind, the rest its payload.
//!
//! The socket's end without [`ToEngine::End`] means that the upload was broken off: half an archive is
//! never taken for a whole one. The engine says nothing; it closes its end when it wants no more.

/// The largest packet, kind byte included.
pub const MAX_PACKET_BYTES: usize = 64 * 1024;

/// A packet from the web process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToEngine<'a> {
    /// The next bytes; never none.
    Part(&'a [u8]),
    /// That was all.
    End,
}

impl<'a> ToEngine<'a> {
    /// Reads a packet; none when it is not one.
    #[must_use]
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        match packet {
            [b'd', bytes @ ..] if !bytes.is_empty() => Some(Self::Part(bytes)),
            [b'e'] => Some(Self::End),
            _ => None,
        }
    }

    /// Writes a packet.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Part(bytes) => [b"d", *bytes].concat(),
            Self::End => b"e".to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_they_were_written() {
        for packet in [ToEngine::Part(b"x"), ToEngine::End] {
            assert_eq!(ToEngine::parse(&packet.to_bytes()), Some(packet));
        }
        for other in [&b""[..], b"d", b"ex", b"x"] {
            assert_eq!(ToEngine::parse(other), None);
        }
    }
}
