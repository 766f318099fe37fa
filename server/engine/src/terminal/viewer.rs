//! One who looks at a terminal: a connection, and what waits to be sent over it.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use protocol::terminal::{FromHolder, MAX_PACKET_BYTES};
use sys::seqpacket::{self, PacketError};

/// With more than this waiting, a viewer is behind: the shell waits for it, as it waits for a slow
/// line.
pub(super) const BEHIND_BYTES: usize = 256 * 1024;

/// A viewer that is behind and has taken nothing for so long is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// One viewer.
pub(super) struct Viewer {
    socket: OwnedFd,
    waiting: VecDeque<Rc<[u8]>>,
    waiting_bytes: usize,
    last_progress: Instant,
}

/// Whether a viewer is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Here,
    Gone,
}

impl Viewer {
    /// A viewer who has just connected over a non-blocking socket, and is to see this first.
    pub(super) fn new(socket: OwnedFd, scrollback: &[u8], now: Instant) -> Self {
        let mut viewer =
            Self { socket, waiting: VecDeque::new(), waiting_bytes: 0, last_progress: now };
        let length = u32::try_from(scrollback.len()).unwrap_or(u32::MAX);
        viewer.queue(&FromHolder::Scrollback(length).to_bytes().into(), now);
        for packet in output_packets(scrollback) {
            viewer.queue(&packet, now);
        }
        viewer
    }

    /// Its socket.
    pub(super) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Adds a packet to what waits.
    pub(super) fn queue(&mut self, packet: &Rc<[u8]>, now: Instant) {
        if self.waiting.is_empty() {
            self.last_progress = now;
        }
        self.waiting_bytes += packet.len();
        self.waiting.push_back(Rc::clone(packet));
    }

    /// Whether something waits.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether too much waits.
    pub(super) fn is_behind(&self) -> bool {
        self.waiting_bytes > BEHIND_BYTES
    }

    /// When it is given up, if it takes nothing until then.
    pub(super) fn given_up_at(&self) -> Instant {
        self.last_progress + PATIENCE
    }

    /// Sends as much as it takes now.
    pub(super) fn flush(&mut self, now: Instant) -> Presence {
        while let Some(packet) = self.waiting.front() {
            match seqpacket::send(&self.socket, packet, &[]) {
                Ok(()) => {
                    self.waiting_bytes = self.waiting_bytes.saturating_sub(packet.len());
                    self.waiting.pop_front();
                    self.last_progress = now;
                }
                Err(error) if error.is_would_block() => break,
                Err(_) => return Presence::Gone,
            }
        }
        Presence::Here
    }

    /// Receives one packet; none when there is none now.
    pub(super) fn receive<'a>(
        &self,
        buffer: &'a mut [u8],
    ) -> Result<Option<&'a [u8]>, PacketError> {
        match seqpacket::receive(&self.socket, buffer) {
            Ok(received) => Ok(Some(buffer.get(..received.bytes).unwrap_or_default())),
            Err(error) if error.is_would_block() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Cuts bytes into packets.
pub(super) fn output_packets(bytes: &[u8]) -> impl Iterator<Item = Rc<[u8]>> {
    bytes.chunks(MAX_PACKET_BYTES - 1).map(|chunk| FromHolder::Output(chunk).to_bytes().into())
}

#[cfg(test)]
mod tests {
    use rustix::fs::OFlags;

    use super::*;

    fn viewer(scrollback: &[u8]) -> (Viewer, OwnedFd) {
        let (ours, theirs) = seqpacket::pair().unwrap();
        rustix::fs::fcntl_setfl(&ours, OFlags::NONBLOCK).unwrap();
        (Viewer::new(ours, scrollback, Instant::now()), theirs)
    }

    #[test]
    fn the_scrollback_comes_first_and_whole() {
        let scrollback = vec![b's'; 40_000];
        let (mut viewer, theirs) = viewer(&scrollback);
        assert_eq!(viewer.flush(Instant::now()), Presence::Here);
        let mut buffer = vec![0; MAX_PACKET_BYTES];
        let mut seen: Vec<u8> = Vec::new();
        let bytes = seqpacket::receive(&theirs, &mut buffer).unwrap().bytes;
        assert_eq!(FromHolder::parse(&buffer[..bytes]), Some(FromHolder::Scrollback(40_000)));
        while seen.len() < scrollback.len() {
            let bytes = seqpacket::receive(&theirs, &mut buffer).unwrap().bytes;
            let Some(FromHolder::Output(output)) = FromHolder::parse(&buffer[..bytes]) else {
                panic!("not output")
            };
            seen.extend(output);
        }
        assert_eq!(seen, scrollback);
    }

    #[test]
    fn who_takes_nothing_falls_behind_and_who_leaves_is_gone() {
        let (mut viewer, theirs) = viewer(b"");
        let start = Instant::now();
        for packet in output_packets(&vec![b'x'; 1024 * 1024]) {
            viewer.queue(&packet, start);
        }
        assert_eq!(viewer.flush(start), Presence::Here);
        assert!(viewer.is_behind() && viewer.has_waiting());
        assert!(viewer.given_up_at() <= start + PATIENCE);
        drop(theirs);
        assert_eq!(viewer.flush(start), Presence::Gone);
    }
}
