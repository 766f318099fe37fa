//! A blocking conversation with the kernel's routing part, one request at a time.
//!
//! A socket belongs to the network namespace its thread was in when it was opened. Nothing here
//! knows what the messages mean.

use std::io;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkBuffer, NetlinkHeader,
    NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::NetlinkError;

/// Room for the largest datagram the kernel makes (it never goes beyond 32 KiB for a dump).
const BUFFER_BYTES: usize = 64 * 1024;

/// How often a dump that was interrupted by a change is asked for again.
const DUMP_ATTEMPTS: usize = 8;

/// The bytes of a netlink message header.
const HEADER_BYTES: usize = 16;

/// One conversation.
pub(super) struct Netlink {
    socket: Socket,
    sequence: u32,
    buffer: Vec<u8>,
}

/// One message as it came: its type, its flags and what it holds.
struct Piece {
    flags: u16,
    payload: Payload,
}

enum Payload {
    Done,
    Acknowledged,
    Refused(io::Error),
    Message(Vec<u8>),
}

impl Netlink {
    /// Opens a socket to the routing part.
    pub(super) fn open() -> Result<Self, NetlinkError> {
        Self::open_protocol(NETLINK_ROUTE)
    }

    /// Opens a socket to another part.
    pub(super) fn open_protocol(protocol: isize) -> Result<Self, NetlinkError> {
        let mut socket = Socket::new(protocol).map_err(NetlinkError::Open)?;
        socket.bind_auto().map_err(NetlinkError::Open)?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(NetlinkError::Open)?;
        Ok(Self { socket, sequence: 0, buffer: Vec::with_capacity(BUFFER_BYTES) })
    }

    /// Asks for a change and waits until the kernel has made or refused it. `flags` says what may
    /// exist already (`NLM_F_CREATE`, `NLM_F_EXCL`, `NLM_F_REPLACE`).
    pub(super) fn change(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<(), NetlinkError> {
        self.send(message, NLM_F_REQUEST | NLM_F_ACK | flags)?;
        loop {
            for piece in self.receive()? {
                match piece.payload {
                    Payload::Acknowledged | Payload::Done => return Ok(()),
                    Payload::Refused(error) => return Err(NetlinkError::Refused(error)),
                    Payload::Message(_) => {}
                }
            }
        }
    }

    /// Asks for one object.
    pub(super) fn ask(
        &mut self,
        message: RouteNetlinkMessage,
    ) -> Result<RouteNetlinkMessage, NetlinkError> {
        self.send(message, NLM_F_REQUEST)?;
        loop {
            for piece in self.receive()? {
                match piece.payload {
                    Payload::Message(bytes) => {
                        return decode(&bytes).map_err(NetlinkError::Malformed);
                    }
                    Payload::Refused(error) => return Err(NetlinkError::Refused(error)),
                    Payload::Acknowledged | Payload::Done => {}
                }
            }
        }
    }

    /// Asks for all objects of a kind. An object this build cannot decode (of a newer kernel, of
    /// an exotic device) is left out.
    pub(super) fn dump(
        &mut self,
        message: &RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        let mut found = Vec::new();
        for _ in 0..DUMP_ATTEMPTS {
            found.clear();
            self.send(message.clone(), NLM_F_REQUEST | NLM_F_DUMP)?;
            if self.collect(&mut found)? {
                break;
            }
        }
        Ok(found)
    }

    /// Receives a dump to its end; false when a change came in between.
    fn collect(&mut self, found: &mut Vec<RouteNetlinkMessage>) -> Result<bool, NetlinkError> {
        let mut consistent = true;
        loop {
            for piece in self.receive()? {
                consistent &= piece.flags & NLM_F_DUMP_INTR == 0;
                match piece.payload {
                    Payload::Done => return Ok(consistent),
                    Payload::Refused(error) => return Err(NetlinkError::Refused(error)),
                    Payload::Acknowledged => {}
                    Payload::Message(bytes) => match decode(&bytes) {
                        Ok(message) => found.push(message),
                        Err(error) => tracing::debug!(%error, "left out of a listing"),
                    },
                }
            }
        }
    }

    fn send(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<(), NetlinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map_err(NetlinkError::Send)?;
        Ok(())
    }

    /// Sends bytes that already are a message and returns the first answer's bytes, header
    /// included.
    pub(super) fn ask_raw(&mut self, bytes: &[u8]) -> Result<Vec<u8>, NetlinkError> {
        self.socket.send(bytes, 0).map_err(NetlinkError::Send)?;
        self.sequence = 0;
        for piece in self.receive()? {
            match piece.payload {
                Payload::Message(bytes) => return Ok(bytes),
                Payload::Refused(error) => return Err(NetlinkError::Refused(error)),
                Payload::Acknowledged | Payload::Done => {}
            }
        }
        Ok(Vec::new())
    }

    /// Receives one datagram: its messages that answer the last request.
    fn receive(&mut self) -> Result<Vec<Piece>, NetlinkError> {
        self.buffer.clear();
        loop {
            match self.socket.recv(&mut self.buffer, 0) {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(NetlinkError::Receive(error)),
            }
        }
        let mut pieces = Vec::new();
        let mut rest = self.buffer.as_slice();
        while rest.len() >= HEADER_BYTES {
            let header = NetlinkBuffer::new_checked(rest).map_err(NetlinkError::Malformed)?;
            let length = usize::try_from(header.length()).unwrap_or(usize::MAX);
            let (this, after) = rest.split_at(length.clamp(HEADER_BYTES, rest.len()));
            if header.sequence_number() == self.sequence {
                pieces.push(Piece { flags: header.flags(), payload: sort(this)? });
            }
            // Messages begin at multiples of four bytes.
            let padding = length.next_multiple_of(4).saturating_sub(length).min(after.len());
            rest = after.get(padding..).unwrap_or_default();
        }
        Ok(pieces)
    }
}

/// Tells the kernel's three ways of ending a conversation from an object.
fn sort(bytes: &[u8]) -> Result<Payload, NetlinkError> {
    const ERROR: u16 = 2;
    const DONE: u16 = 3;
    let buffer = NetlinkBuffer::new_checked(bytes).map_err(NetlinkError::Malformed)?;
    Ok(match buffer.message_type() {
        DONE => Payload::Done,
        ERROR => match buffer.payload().first_chunk::<4>().map(|code| i32::from_ne_bytes(*code)) {
            Some(0) | None => Payload::Acknowledged,
            Some(code) => Payload::Refused(io::Error::from_raw_os_error(code.wrapping_neg())),
        },
        _ => Payload::Message(bytes.to_vec()),
    })
}

fn decode(bytes: &[u8]) -> Result<RouteNetlinkMessage, netlink_packet_core::DecodeError> {
    match NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes)?.payload {
        NetlinkPayload::InnerMessage(message) => Ok(message),
        _ => Err("not an object".to_owned().into()),
    }
}
