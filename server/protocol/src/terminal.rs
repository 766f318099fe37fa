//! What travels between a terminal's holder process and whoever looks at it, over a connected
//! `SOCK_SEQPACKET`: one message a packet, first byte the kind, the rest its payload.
//!
//! Not postcard: the payload is mostly raw bytes, and a packet must be cheap. The browser speaks
//! the same packets over its WebSocket.

use serde::{Deserialize, Serialize};

/// The size of a terminal in character cells; neither is ever zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(u16, u16)", into = "(u16, u16)")]
pub struct Size {
    columns: u16,
    rows: u16,
}

impl Size {
    /// The size everything began with.
    pub const DEFAULT: Self = Self { columns: 80, rows: 24 };

    /// A size from 1×1 to 1000×1000, or none.
    #[must_use]
    pub fn new(columns: u16, rows: u16) -> Option<Self> {
        let range = 1..=1000;
        (range.contains(&columns) && range.contains(&rows)).then_some(Self { columns, rows })
    }

    /// Character cells across.
    #[must_use]
    pub fn columns(self) -> u16 {
        self.columns
    }

    /// Character cells down.
    #[must_use]
    pub fn rows(self) -> u16 {
        self.rows
    }
}

impl TryFrom<(u16, u16)> for Size {
    type Error = &'static str;
    fn try_from((columns, rows): (u16, u16)) -> Result<Self, Self::Error> {
        Self::new(columns, rows).ok_or("terminal size")
    }
}

impl From<Size> for (u16, u16) {
    fn from(size: Size) -> Self {
        (size.columns, size.rows)
    }
}

/// The largest packet, kind byte included.
pub const MAX_PACKET_BYTES: usize = 16 * 1024;

/// A packet from whoever looks at the terminal to its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToHolder<'a> {
    /// Bytes that were typed or pasted.
    Input(&'a [u8]),
    /// The window has another size now.
    Resize(Size),
    /// End the shell (hang up).
    Close,
}

/// A packet from the holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromHolder<'a> {
    /// Bytes the shell wrote. The first ones after connecting are the scrollback.
    Output(&'a [u8]),
    /// The shell has ended with this status (128 + signal when a signal ended it). The last packet.
    Exited(u8),
    /// This many bytes of scrollback follow as `Output`; sent once, first.
    Scrollback(u32),
}

impl<'a> ToHolder<'a> {
    /// Reads a packet; none when it is not one.
    #[must_use]
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        match packet {
            [b'i', bytes @ ..] => Some(Self::Input(bytes)),
            [b'r', c0, c1, r0, r1] => {
                Size::new(u16::from_be_bytes([*c0, *c1]), u16::from_be_bytes([*r0, *r1]))
                    .map(Self::Resize)
            }
            [b'x'] => Some(Self::Close),
            _ => None,
        }
    }

    /// Writes a packet.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Input(bytes) => [b"i", *bytes].concat(),
            Self::Resize(size) => {
                [&b"r"[..], &size.columns.to_be_bytes(), &size.rows.to_be_bytes()].concat()
            }
            Self::Close => b"x".to_vec(),
        }
    }
}

impl<'a> FromHolder<'a> {
    /// Reads a packet; none when it is not one.
    #[must_use]
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        match packet {
            [b'o', bytes @ ..] => Some(Self::Output(bytes)),
            [b'e', status] => Some(Self::Exited(*status)),
            [b's', a, b, c, d] => Some(Self::Scrollback(u32::from_be_bytes([*a, *b, *c, *d]))),
            _ => None,
        }
    }

    /// Writes a packet.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Output(bytes) => [b"o", *bytes].concat(),
            Self::Exited(status) => vec![b'e', *status],
            Self::Scrollback(bytes) => [&b"s"[..], &bytes.to_be_bytes()].concat(),
        }
    }
}
