//! Packets with descriptors over `SOCK_SEQPACKET`: the engine's channel, terminals, supervisors.
//!
//! Invariants: a packet arrives whole or not at all. One that was too long for the buffer, or whose
//! descriptors did not all arrive, is an error and its descriptors are closed; nobody ever sees
//! half a packet.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};

/// The most descriptors beside one packet.
pub const MAX_DESCRIPTORS: usize = 16;

/// Why a packet was not sent or received.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// The kernel refused to send it.
    #[error("sending a packet")]
    Send(#[source] io::Error),
    /// The kernel had none to give.
    #[error("receiving a packet")]
    Receive(#[source] io::Error),
    /// It was longer than the buffer, or some of its descriptors were lost.
    #[error("a packet was cut off")]
    Truncated,
    /// More descriptors than [`MAX_DESCRIPTORS`].
    #[error("too many descriptors beside a packet")]
    TooManyDescriptors,
}

impl PacketError {
    /// Whether waiting would help: a non-blocking socket had nothing, or no room.
    #[must_use]
    pub fn is_would_block(&self) -> bool {
        match self {
            Self::Send(error) | Self::Receive(error) => error.kind() == io::ErrorKind::WouldBlock,
            Self::Truncated | Self::TooManyDescriptors => false,
        }
    }

    /// Whether the other end is gone.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        match self {
            Self::Send(error) | Self::Receive(error) => matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::NotConnected
            ),
            Self::Truncated | Self::TooManyDescriptors => false,
        }
    }
}

/// A packet that arrived.
#[derive(Debug)]
pub struct Received {
    /// How many bytes of the buffer it fills. Zero also means: the other end is gone.
    pub bytes: usize,
    /// The descriptors beside it.
    pub descriptors: Vec<OwnedFd>,
}

/// Two connected ends, both close-on-exec, both blocking.
///
/// # Errors
/// When no more descriptors are to be had.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// A socket that listens at a path. The path must not exist. Its mode is what the umask leaves.
///
/// # Errors
/// When the path is too long, exists, or cannot be made.
pub fn listen(path: &Path, backlog: i32) -> io::Result<OwnedFd> {
    let socket = socket()?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::net::listen(&socket, backlog)?;
    Ok(socket)
}

/// Takes the next connection of a listening socket.
///
/// # Errors
/// When there is none (non-blocking), or no more descriptors are to be had.
pub fn accept(listener: impl AsFd) -> io::Result<OwnedFd> {
    Ok(rustix::net::accept_with(listener, SocketFlags::CLOEXEC)?)
}

/// Connects to who listens at a path.
///
/// # Errors
/// When nobody listens there.
pub fn connect(path: &Path) -> io::Result<OwnedFd> {
    let socket = socket()?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

fn socket() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Sends one packet; never raises SIGPIPE. An empty packet cannot be told from the end and is
/// refused.
///
/// # Errors
/// See [`PacketError`].
pub fn send(
    socket: impl AsFd,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), PacketError> {
    if descriptors.len() > MAX_DESCRIPTORS {
        return Err(PacketError::TooManyDescriptors);
    }
    if bytes.is_empty() {
        return Err(PacketError::Send(io::ErrorKind::InvalidInput.into()));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(PacketError::TooManyDescriptors);
    }
    loop {
        let sent = rustix::net::sendmsg(
            &socket,
            &[IoSlice::new(bytes)],
            &mut ancillary,
            SendFlags::NOSIGNAL,
        );
        return match sent {
            Ok(length) if length == bytes.len() => Ok(()),
            Ok(_) => Err(PacketError::Truncated),
            Err(Errno::INTR) => continue,
            Err(errno) => Err(PacketError::Send(errno.into())),
        };
    }
}

/// Receives one packet into `buffer`. When the other end went without reading all that it was sent,
/// what it had said before is received nevertheless.
///
/// # Errors
/// See [`PacketError`].
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> Result<Received, PacketError> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    loop {
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let message = match rustix::net::recvmsg(
            &socket,
            &mut [IoSliceMut::new(buffer)],
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        ) {
            Ok(message) => message,
            // Said once, before the packets that are still there; then those, then the end.
            Err(Errno::INTR | Errno::CONNRESET) => continue,
            Err(errno) => return Err(PacketError::Receive(errno.into())),
        };
        let mut descriptors = Vec::new();
        for one in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = one {
                descriptors.extend(received);
            }
        }
        if message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(PacketError::Truncated);
        }
        return Ok(Received { bytes: message.bytes, descriptors });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_keep_their_bounds_and_carry_descriptors() {
        let (a, b) = pair().unwrap();
        send(&a, b"one", &[]).unwrap();
        send(&a, b"two", &[a.as_fd(), b.as_fd()]).unwrap();
        let mut buffer = [0; 16];
        let first = receive(&b, &mut buffer).unwrap();
        assert_eq!((&buffer[..first.bytes], first.descriptors.len()), (&b"one"[..], 0));
        let second = receive(&b, &mut buffer).unwrap();
        assert_eq!((&buffer[..second.bytes], second.descriptors.len()), (&b"two"[..], 2));
        for descriptor in &second.descriptors {
            let flags = rustix::io::fcntl_getfd(descriptor).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        }
    }

    #[test]
    fn a_packet_that_does_not_fit_is_an_error() {
        let (a, b) = pair().unwrap();
        send(&a, b"too long for it", &[]).unwrap();
        assert!(matches!(receive(&b, &mut [0; 4]), Err(PacketError::Truncated)));
    }

    #[test]
    fn the_end_is_an_empty_packet_and_sending_to_it_fails() {
        let (a, b) = pair().unwrap();
        drop(a);
        assert_eq!(receive(&b, &mut [0; 4]).unwrap().bytes, 0);
        assert!(send(&b, b"x", &[]).unwrap_err().is_disconnected());
    }

    #[test]
    fn last_words_are_heard_though_not_all_was_read() {
        let (a, b) = pair().unwrap();
        send(&b, b"unread", &[]).unwrap();
        send(&a, b"last words", &[]).unwrap();
        drop(a);
        assert_eq!(receive(&b, &mut [0; 16]).unwrap().bytes, 10);
        assert_eq!(receive(&b, &mut [0; 16]).unwrap().bytes, 0);
    }

    #[test]
    fn whoever_listens_is_found_by_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let listener = listen(&path, 1).unwrap();
        let there = connect(&path).unwrap();
        let here = accept(&listener).unwrap();
        send(&there, b"x", &[]).unwrap();
        assert_eq!(receive(&here, &mut [0; 4]).unwrap().bytes, 1);
    }
}
