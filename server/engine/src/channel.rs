//! The engine's end of the two sockets to the web process: requests with their replies, and events.
//!
//! Invariants:
//! - A request whose deadline has passed (it waited in the socket while no engine ran) is not carried
//!   out: whoever asked has been told that the engine was down.
//! - A reply goes out as one packet, or as sealed memory beside one: requests are answered by several
//!   threads and their replies never mix.
//! - What cannot be understood is logged and dropped, never guessed.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use domain::failure::Failure;
use protocol::message::Body;
use protocol::{MAX_BULK_BYTES, MAX_FRAME_BYTES, Reply, ReplyFrame, RequestFrame};
use sys::memfd;
use sys::seqpacket::{self, PacketError};

use crate::backup;
use crate::dispatch;
use crate::engine::Engine;
use crate::watch::{self, WatchError};
use domain::failure::chain;

/// How many requests are answered at once. One may wait for a terminal to open.
const THREADS: usize = 8;
/// How many requests wait here; the others wait in the socket.
const WAITING: usize = 32;

/// Why the engine does not serve any more.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The socket of requests.
    #[error("receiving a request")]
    Receive(#[source] PacketError),
    /// A thread could not be made.
    #[error("making a thread")]
    Thread(#[source] std::io::Error),
    /// Looking out for operations.
    #[error("looking out for operations")]
    Watch(#[from] WatchError),
}

/// Serves until the other end of the requests' socket is gone.
///
/// # Errors
/// When the socket fails, or a thread cannot be made.
pub fn serve(engine: &Arc<Engine>, requests: OwnedFd, events: OwnedFd) -> Result<(), ChannelError> {
    watch::spawn(engine, events)?;
    backup::spawn_schedule(engine).map_err(ChannelError::Thread)?;
    let requests = Arc::new(requests);
    let (sender, receiver) = sync_channel::<RequestFrame>(WAITING);
    let receiver = Arc::new(Mutex::new(receiver));
    for number in 0..THREADS {
        let (engine, receiver) = (Arc::clone(engine), Arc::clone(&receiver));
        let socket = Arc::clone(&requests);
        thread::Builder::new()
            .name(format!("request-{number}"))
            .spawn(move || answer_all(&engine, &receiver, &socket))
            .map_err(ChannelError::Thread)?;
    }
    let mut buffer = vec![0; MAX_FRAME_BYTES];
    loop {
        let received = match seqpacket::receive(&*requests, &mut buffer) {
            Ok(received) if received.bytes == 0 => return Ok(()),
            Ok(received) => received,
            Err(PacketError::Truncated) => {
                tracing::warn!("a request of more than a frame was dropped");
                continue;
            }
            Err(error) => return Err(ChannelError::Receive(error)),
        };
        match protocol::decode(buffer.get(..received.bytes).unwrap_or_default()) {
            // The channel only breaks with its threads, which never end.
            Ok(frame) => drop(sender.send(frame)),
            Err(error) => tracing::warn!(error = chain(&error), "a request was dropped"),
        }
    }
}

fn answer_all(engine: &Arc<Engine>, requests: &Mutex<Receiver<RequestFrame>>, socket: &OwnedFd) {
    loop {
        let next = requests.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(RequestFrame { id, on_behalf_of, deadline, request }) = next else { return };
        if engine.clock().now() > deadline {
            tracing::info!(id, "a request came too late");
            continue;
        }
        let (result, descriptor) = match dispatch::answer(engine, on_behalf_of, request) {
            Ok((reply, descriptor)) => (Ok(reply), descriptor),
            Err(failure) => (Err(failure), None),
        };
        if let Err(error) = send(socket, id, result, descriptor) {
            tracing::warn!(id, error = chain(&error), "a reply could not be sent");
        }
    }
}

fn send(
    socket: &OwnedFd,
    id: u64,
    result: Result<Reply, Failure>,
    descriptor: Option<OwnedFd>,
) -> Result<(), PacketError> {
    let inline = encoded(&ReplyFrame { id, body: Body::Inline(result.clone()) });
    if inline.len() <= MAX_FRAME_BYTES {
        let beside: Vec<_> = descriptor.iter().map(AsFd::as_fd).collect();
        return seqpacket::send(socket, &inline, &beside);
    }
    let bulk = encoded(&result);
    let memory =
        (bulk.len() <= MAX_BULK_BYTES).then(|| memfd::sealed("reply", &bulk)).and_then(|memory| {
            memory.inspect_err(|error| tracing::error!(error = chain(error), "no memory")).ok()
        });
    let Some(memory) = memory else {
        let failure = Failure::Unexpected { detail: format!("an answer of {} bytes", bulk.len()) };
        let frame = encoded(&ReplyFrame { id, body: Body::Inline(Err(failure)) });
        return seqpacket::send(socket, &frame, &[]);
    };
    let bytes = bulk.len() as u64;
    let frame = encoded(&ReplyFrame { id, body: Body::Bulk { bytes } });
    seqpacket::send(socket, &frame, &[memory.as_fd()])
}

/// Values of the protocol can always be encoded; an empty packet, which is none, says otherwise.
fn encoded<T: serde::Serialize>(value: &T) -> Vec<u8> {
    protocol::encode(value)
        .inspect_err(|error| tracing::error!(%error, "a message could not be encoded"))
        .unwrap_or_default()
}
