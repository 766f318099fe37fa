//! The web process's end of the requests socket: asks the engine and matches its answers.
//!
//! Invariants: every request is sent at most once, because one that was sent may have been carried
//! out; every wait ends at the request's deadline, and soon after a new engine said that it lives:
//! what the old one had read, nobody will answer. A reply nobody waits for is dropped, its
//! descriptors closed.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use app::backend::Clock;
use domain::failure::Failure;
use domain::id::{UserId, UserName};
use domain::user::Identity;
use protocol::message::{Body, OnBehalfOf};
use protocol::{MAX_BULK_BYTES, MAX_FRAME_BYTES, Reply, ReplyFrame, Request, RequestFrame};
use sys::seqpacket::Received;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::packets::PacketSocket;
use domain::failure::chain;

/// How long anybody waits for the engine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How long when it did not answer last time: a page that says so is worth more than a wait.
const PATIENCE_WHEN_DOWN: Duration = Duration::from_secs(3);
/// How long after a new engine's first word answers are still hoped for: it reads what waited in
/// the socket first.
const GRACE: Duration = Duration::from_secs(1);

/// Why a reply could not be understood.
#[derive(Debug, thiserror::Error)]
enum ReplyError {
    #[error("decoding a frame")]
    Frame(#[source] protocol::DecodeError),
    #[error("a reply came without its memory")]
    NoMemory,
    #[error("reading a reply's memory")]
    Memory(#[source] sys::memfd::MemfdError),
    #[error("a reply's memory has {actual} bytes instead of {expected}")]
    Length { expected: u64, actual: usize },
    #[error("decoding a reply's memory")]
    Bulk(#[source] protocol::DecodeError),
}

/// What the engine answered, with the descriptor of a terminal where there is one.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    pub(crate) descriptor: Option<OwnedFd>,
}

type Waiters = Mutex<HashMap<u64, oneshot::Sender<Result<Answer, Failure>>>>;

/// Asks the engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct EngineClient(Arc<Inner>);

struct Inner {
    socket: PacketSocket,
    waiters: Waiters,
    next_id: AtomicU64,
    /// How many engines have said that they live.
    engines: watch::Sender<u64>,
    is_up: watch::Sender<bool>,
    /// How many replies have come, in time or not.
    replies: AtomicU64,
    is_closed: watch::Sender<bool>,
    clock: Arc<dyn Clock>,
}

/// Takes a waiter out of the list when nobody waits any more.
struct Waiting<'a> {
    waiters: &'a Waiters,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// For whom the web process asks when nobody in particular does.
pub(crate) fn on_behalf_of_nobody() -> Option<OnBehalfOf> {
    let name: UserName = "ulysse".parse().ok()?;
    Some(OnBehalfOf { user: UserId(0), name })
}

impl EngineClient {
    /// Takes the requests socket and begins to listen for replies. Within the runtime.
    pub(crate) fn start(socket: OwnedFd, first_id: u64, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let client = Self(Arc::new(Inner {
            socket: PacketSocket::new(socket)?,
            waiters: Mutex::default(),
            // Replies to a web process that is no more must not be taken for this one's.
            next_id: AtomicU64::new(first_id),
            engines: watch::Sender::new(0),
            is_up: watch::Sender::new(false),
            replies: AtomicU64::new(0),
            is_closed: watch::Sender::new(false),
            clock,
        }));
        tokio::spawn(client.clone().listen());
        Ok(client)
    }

    /// Whether the engine answered last time.
    pub(crate) fn up(&self) -> watch::Receiver<bool> {
        self.0.is_up.subscribe()
    }

    /// Waits until whoever holds the other end is gone for good.
    pub(crate) async fn closed(&self) {
        // An error means the same: the sender lives as long as this client.
        let _ = self.0.is_closed.subscribe().wait_for(|is_closed| *is_closed).await;
    }

    /// A new engine lives.
    pub(crate) fn engine_started(&self) {
        self.0.engines.send_modify(|engines| *engines += 1);
        // Also when nobody noticed that the old one was gone: what it told last may be missing.
        self.0.is_up.send_replace(true);
    }

    /// Has everybody who follows [`Self::up`] look again: something may have been missed.
    pub(crate) fn have_looked_again(&self) {
        self.0.is_up.send_modify(|_| {});
    }

    fn set_up(&self, is_up: bool) {
        self.0.is_up.send_if_modified(|was| std::mem::replace(was, is_up) != is_up);
    }

    /// Asks on behalf of a user and waits for the answer.
    pub(crate) async fn ask(
        &self,
        for_whom: &Identity,
        request: Request,
    ) -> Result<Answer, Failure> {
        let on_behalf_of = OnBehalfOf { user: for_whom.user, name: for_whom.name.clone() };
        let patience = match *self.0.is_up.borrow() {
            true => PATIENCE,
            false => PATIENCE_WHEN_DOWN,
        };
        self.ask_within(on_behalf_of, request, patience).await
    }

    /// Asks and waits no longer than `patience`.
    pub(crate) async fn ask_within(
        &self,
        on_behalf_of: OnBehalfOf,
        request: Request,
        patience: Duration,
    ) -> Result<Answer, Failure> {
        let inner = &self.0;
        let id = inner.next_id.fetch_add(1, Ordering::Relaxed);
        let millis = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        let deadline = inner.clock.now().plus_millis(millis);
        let frame = RequestFrame { id, on_behalf_of, deadline, request };
        let packet = protocol::encode(&frame).map_err(|error| unexpected(&error))?;
        if packet.len() > MAX_FRAME_BYTES {
            return Err(Failure::Unexpected {
                detail: format!("a request of {} bytes", packet.len()),
            });
        }

        let (sender, mut receiver) = oneshot::channel();
        inner.waiters.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
        let _waiting = Waiting { waiters: &inner.waiters, id };
        let mut engines = inner.engines.subscribe();
        let mut until = Instant::now() + patience;
        let mut is_new_engine = false;
        let replies = inner.replies.load(Ordering::Relaxed);

        match tokio::time::timeout_at(until, inner.socket.send(&packet)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "sending a request to the engine");
                self.set_up(false);
                return Err(Failure::EngineDown);
            }
            Err(_elapsed) => {
                self.set_up(false);
                return Err(Failure::EngineDown);
            }
        }
        loop {
            tokio::select! {
                answer = &mut receiver => {
                    return answer.unwrap_or(Err(Failure::EngineDown));
                }
                () = tokio::time::sleep_until(until) => {
                    if inner.replies.load(Ordering::Relaxed) != replies {
                        // It answers others: this took too long, and says nothing of the engine.
                        return Err(Failure::TimedOut {
                            what: "ulysse engine".to_owned(),
                            seconds: patience.as_secs(),
                        });
                    }
                    if !is_new_engine {
                        self.set_up(false);
                    }
                    return Err(Failure::EngineDown);
                }
                changed = engines.changed() => {
                    if changed.is_err() {
                        return Err(Failure::EngineDown);
                    }
                    is_new_engine = true;
                    until = until.min(Instant::now() + GRACE);
                }
            }
        }
    }

    async fn listen(self) {
        let mut buffer = vec![0; MAX_FRAME_BYTES + 1024];
        loop {
            match self.0.socket.receive(&mut buffer).await {
                Ok(received) if received.bytes == 0 => break,
                Ok(received) => self.take_reply(&buffer, received),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    tracing::error!(%error, "a reply of the engine was cut off");
                }
                Err(error) => {
                    tracing::error!(%error, "the requests socket failed");
                    break;
                }
            }
        }
        self.set_up(false);
        self.0.waiters.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.0.is_closed.send_replace(true);
    }

    fn take_reply(&self, buffer: &[u8], received: Received) {
        let bytes = buffer.get(..received.bytes).unwrap_or_default();
        let frame: ReplyFrame = match protocol::decode(bytes).map_err(ReplyError::Frame) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::error!(error = chain(&error), "a reply of the engine");
                return;
            }
        };
        self.0.replies.fetch_add(1, Ordering::Relaxed);
        self.set_up(true);
        let waiter =
            self.0.waiters.lock().unwrap_or_else(PoisonError::into_inner).remove(&frame.id);
        let Some(waiter) = waiter else {
            tracing::debug!(id = frame.id, "a reply that nobody waits for");
            return;
        };
        let answer = open(frame.body, received.descriptors).unwrap_or_else(|error| {
            tracing::error!(error = chain(&error), "a reply of the engine");
            Err(unexpected(&error))
        });
        // Whoever waited may have gone in this moment.
        let _ = waiter.send(answer);
    }
}

/// Takes a reply out of its frame or its memory.
fn open(body: Body, descriptors: Vec<OwnedFd>) -> Result<Result<Answer, Failure>, ReplyError> {
    let mut descriptors = descriptors.into_iter();
    let result = match body {
        Body::Inline(result) => result,
        Body::Bulk { bytes: expected } => {
            let memory = descriptors.next().ok_or(ReplyError::NoMemory)?;
            let bytes = sys::memfd::read_sealed(memory, MAX_BULK_BYTES as u64)
                .map_err(ReplyError::Memory)?;
            if bytes.len() as u64 != expected {
                return Err(ReplyError::Length { expected, actual: bytes.len() });
            }
            protocol::decode::<Result<Reply, Failure>>(&bytes).map_err(ReplyError::Bulk)?
        }
    };
    Ok(result.map(|reply| Answer { reply, descriptor: descriptors.next() }))
}

fn unexpected(error: &dyn std::error::Error) -> Failure {
    Failure::Unexpected { detail: error.to_string() }
}
