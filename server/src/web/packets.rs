//! `sys::seqpacket` for tokio: waits instead of blocking. Packets are sent and received by `sys`, the
//! same code as on the other end, because a packet that was cut off is an error there.

use std::io;
use std::os::fd::OwnedFd;

use sys::seqpacket::{self, PacketError, Received};
use tokio::io::Interest;
use tokio_seqpacket::UnixSeqpacket;

/// A connected `SOCK_SEQPACKET` socket.
pub(crate) struct PacketSocket(UnixSeqpacket);

impl PacketSocket {
    /// Takes a socket; must be called within the runtime.
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        UnixSeqpacket::try_from(socket).map(Self)
    }

    /// Sends one packet; waits while the other end has no room.
    pub(crate) async fn send(&self, packet: &[u8]) -> io::Result<()> {
        self.0
            .as_async_fd()
            .async_io(Interest::WRITABLE, |socket| {
                seqpacket::send(socket.as_fd(), packet, &[]).map_err(into_io)
            })
            .await
    }

    /// Receives one packet. No bytes: the other end is gone. `InvalidData`: one was cut off and
    /// thrown away.
    pub(crate) async fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.0
            .as_async_fd()
            .async_io(Interest::READABLE, |socket| {
                seqpacket::receive(socket.as_fd(), buffer).map_err(into_io)
            })
            .await
    }
}

fn into_io(error: PacketError) -> io::Error {
    match error {
        PacketError::Send(error) | PacketError::Receive(error) => error,
        PacketError::Truncated | PacketError::TooManyDescriptors => {
            io::Error::new(io::ErrorKind::InvalidData, error)
        }
    }
}
