//! Follows the engine: keeps copies of operations and their logs, and tells open pages what
//! happens.
//!
//! Invariants: an operation and its log reach the store whether or not anybody looks; after a gap
//! (this process, or the engine, was not there) what is missing is fetched. Who may see what is decided
//! in `events`, not here; what is measured, and when, in `measure`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use app::backend::Clock;
use domain::failure::Failure;
use domain::id::{OperationId, UserId, VServerName};
use domain::operation::{LogChunk, Operation, Progress};
use domain::vserver::Summary;
use protocol::message::OnBehalfOf;
use protocol::{Event, EventFrame, MAX_FRAME_BYTES, Reply, Request};
use store::Store;
use tokio::sync::{Notify, broadcast, watch};

use super::engine_client::{EngineClient, PATIENCE};
use super::measure::{Measures, Samples};
use super::packets::PacketSocket;
use domain::failure::chain;

/// How far a reader of [`Follow::news`] may fall behind before it is dropped.
const NEWS_CAPACITY: usize = 1024;
/// How many operations are fetched at once.
const PAGE: u16 = 100;

/// What is told to open pages.
#[derive(Debug)]
pub(crate) enum News {
    /// An operation is new or has moved.
    Operation(Operation),
    /// An operation's log has more.
    Log { id: OperationId, chunk: LogChunk },
    /// A VServer came, went or changed.
    VServer { name: VServerName, summary: Option<Summary> },
    /// Usage was measured.
    Samples(Arc<Samples>),
    /// A user was disabled, got another role or another password, or logged out: their rights are to be
    /// looked at again.
    UserChanged(UserId),
}

/// Follows the engine for all of the web process.
pub(crate) struct Follow {
    pub(super) engine: EngineClient,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) on_behalf_of: OnBehalfOf,
    news: broadcast::Sender<Arc<News>>,
    pub(super) measures: Mutex<Measures>,
    /// How many pages are open, and how many of them want to know the usage.
    pub(super) listeners: watch::Sender<(usize, usize)>,
    /// Operations whose log has grown.
    grown_logs: Mutex<BTreeSet<OperationId>>,
    log_has_grown: Notify,
    /// How much of a log has been copied.
    copied: Mutex<BTreeMap<OperationId, u64>>,
    gap: Notify,
}

/// An open page; closed when dropped.
pub(crate) struct Listening {
    follow: Arc<Follow>,
    wants_samples: bool,
    news: broadcast::Receiver<Arc<News>>,
}

impl Listening {
    /// The next news; none when this reader was too slow and has to begin again.
    pub(crate) async fn next(&mut self) -> Option<Arc<News>> {
        self.news.recv().await.ok()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.follow.listeners.send_modify(|(all, for_samples)| {
            *all -= 1;
            *for_samples -= usize::from(self.wants_samples);
        });
    }
}

impl Follow {
    /// Begins to follow. Within the runtime.
    pub(crate) fn start(
        events: OwnedFd,
        engine: EngineClient,
        store: Store,
        clock: Arc<dyn Clock>,
        on_behalf_of: OnBehalfOf,
    ) -> io::Result<Arc<Self>> {
        let events = PacketSocket::new(events)?;
        let follow = Arc::new(Self {
            engine,
            store,
            clock,
            on_behalf_of,
            news: broadcast::Sender::new(NEWS_CAPACITY),
            measures: Mutex::default(),
            listeners: watch::Sender::new((0, 0)),
            grown_logs: Mutex::default(),
            log_has_grown: Notify::new(),
            copied: Mutex::default(),
            gap: Notify::new(),
        });
        // What happened while this process was not there.
        follow.gap.notify_one();
        tokio::spawn(follow.clone().read_events(events));
        tokio::spawn(follow.clone().fill_gaps());
        tokio::spawn(follow.clone().copy_logs());
        tokio::spawn(follow.clone().measure());
        Ok(follow)
    }

    /// Opens a page's ear.
    pub(crate) fn listen(self: &Arc<Self>, wants_samples: bool) -> Listening {
        let news = self.news.subscribe();
        self.listeners.send_modify(|(all, for_samples)| {
            *all += 1;
            *for_samples += usize::from(wants_samples);
        });
        Listening { follow: self.clone(), wants_samples, news }
    }

    /// Has the rights of everything that is open for this user looked at again.
    pub(crate) fn user_changed(&self, user: UserId) {
        self.tell(News::UserChanged(user));
    }

    /// Notes an operation that was queued just now, before its first event comes.
    pub(crate) async fn note_queued(&self, operation: &Operation) {
        match self.store.operation(&operation.id).await {
            Ok(Some(_)) => {}
            Ok(None) => self.keep(operation).await,
            Err(error) => log(&error, "looking for an operation"),
        }
    }

    pub(super) fn tell(&self, news: News) {
        // An error means that nobody listens.
        let _ = self.news.send(Arc::new(news));
    }

    async fn keep(&self, operation: &Operation) {
        if let Err(error) = self.store.put_operation(operation).await {
            log(&error, "keeping an operation");
        }
    }

    fn note_log(&self, id: OperationId) {
        self.grown().insert(id);
        self.log_has_grown.notify_one();
    }

    async fn read_events(self: Arc<Self>, events: PacketSocket) {
        let mut buffer = vec![0; MAX_FRAME_BYTES + 1024];
        let mut expected = None;
        loop {
            let received = match events.receive(&mut buffer).await {
                Ok(received) if received.bytes == 0 => return,
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    self.gap.notify_one();
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "the events socket failed");
                    return;
                }
            };
            let bytes = buffer.get(..received.bytes).unwrap_or_default();
            let EventFrame { sequence, event } = match protocol::decode(bytes) {
                Ok(frame) => frame,
                Err(error) => {
                    log(&error, "decoding an event of the engine");
                    continue;
                }
            };
            let is_new_engine = matches!(event, Event::Started);
            let is_after_loss = expected.is_some_and(|expected| expected != sequence);
            if is_new_engine || is_after_loss {
                self.gap.notify_one();
            }
            if is_after_loss && !is_new_engine {
                self.engine.have_looked_again();
            }
            expected = Some(sequence.wrapping_add(1));
            self.take(event).await;
        }
    }

    async fn take(&self, event: Event) {
        match event {
            Event::Started => self.engine.engine_started(),
            Event::Operation(operation) => self.take_operation(operation).await,
            Event::LogGrew { id, .. } => self.note_log(id),
            Event::VServer { name, summary } => self.tell(News::VServer { name, summary }),
        }
    }

    async fn take_operation(&self, operation: Operation) {
        if operation.progress.is_final() && !self.has_ended(&operation.id).await {
            self.move_history(&operation).await;
        }
        self.keep(&operation).await;
        if operation.progress.is_final() {
            self.note_log(operation.id.clone());
        }
        self.tell(News::Operation(operation));
    }

    /// Whether its end is kept already: what is told twice is done once.
    async fn has_ended(&self, id: &OperationId) -> bool {
        let kept = self.store.operation(id).await.ok().flatten();
        kept.is_some_and(|operation| operation.progress.is_final())
    }

    pub(super) async fn ask(&self, request: Request) -> Result<Reply, Failure> {
        let answer = self.engine.ask_within(self.on_behalf_of.clone(), request, PATIENCE).await?;
        Ok(answer.reply)
    }

    /// Fetches what was missed whenever there was a gap; when the engine is down, once it answers.
    async fn fill_gaps(self: Arc<Self>) {
        loop {
            self.gap.notified().await;
            if let Err(failure) = self.fill_gap().await {
                tracing::info!(%failure, "fetching missed operations");
                if failure == Failure::EngineDown {
                    // An error means that this process ends.
                    let _ = self.engine.up().wait_for(|is_up| *is_up).await;
                    self.gap.notify_one();
                }
            }
        }
    }

    async fn fill_gap(&self) -> Result<(), Failure> {
        let unfinished = self.store.unfinished_operations().await?;
        let mut after = self.store.newest_operation().await?;
        loop {
            let request = Request::ListOperations { after: after.clone(), limit: PAGE };
            let Reply::Operations(operations) = self.ask(request).await? else {
                return Err(other_reply());
            };
            let is_last = operations.len() < usize::from(PAGE);
            after = operations.last().map(|operation| operation.id.clone()).or(after);
            for operation in operations {
                self.note_log(operation.id.clone());
                self.take_operation(operation).await;
            }
            if is_last {
                break;
            }
        }
        for id in unfinished {
            match self.ask(Request::ShowOperation(id.clone())).await {
                Ok(Reply::Operation(operation)) => {
                    self.note_log(operation.id.clone());
                    self.take_operation(operation).await;
                }
                Ok(_) => return Err(other_reply()),
                Err(Failure::NoSuchOperation { id }) => self.give_up(id).await?,
                Err(failure) => return Err(failure),
            }
        }
        // Those that could not be copied before.
        self.log_has_grown.notify_one();
        Ok(())
    }

    /// The engine does not know an operation any more: it will never end otherwise.
    async fn give_up(&self, id: OperationId) -> Result<(), Failure> {
        if let Some(operation) = self.store.operation(&id).await? {
            self.take_operation(Operation {
                progress: Progress::Failed { failure: Failure::Interrupted },
                cancellable: false,
                finished_at: Some(self.clock.now()),
                ..operation
            })
            .await;
        }
        Ok(())
    }

    async fn copy_logs(self: Arc<Self>) {
        loop {
            self.log_has_grown.notified().await;
            let grown = std::mem::take(&mut *self.grown());
            for id in grown {
                if let Err(failure) = self.copy_log(&id).await {
                    // Its turn comes again when any log grows, or after the next gap.
                    tracing::warn!(%failure, %id, "copying a log");
                    self.grown().insert(id);
                }
            }
        }
    }

    fn grown(&self) -> MutexGuard<'_, BTreeSet<OperationId>> {
        self.grown_logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn copy_log(&self, id: &OperationId) -> Result<(), Failure> {
        if self.store.operation(id).await?.is_none() {
            match self.ask(Request::ShowOperation(id.clone())).await {
                Ok(Reply::Operation(operation)) => self.keep(&operation).await,
                Ok(_) => return Err(other_reply()),
                Err(Failure::NoSuchOperation { .. }) => return Ok(()),
                Err(failure) => return Err(failure),
            }
        }
        let mut offset = self.copied().get(id).copied().unwrap_or(0);
        loop {
            let reply = match self.ask(Request::ReadLog { id: id.clone(), offset }).await {
                Err(Failure::NoSuchOperation { .. }) => return Ok(()),
                reply => reply?,
            };
            let Reply::Log(chunk) = reply else { return Err(other_reply()) };
            let is_open = chunk.open;
            let end = chunk.offset + chunk.text.len() as u64;
            let has_more = end > offset;
            if has_more {
                self.store.append_log(id, chunk.offset, &chunk.text).await?;
                offset = end;
            }
            match is_open {
                true => self.copied().insert(id.clone(), offset),
                false => self.copied().remove(id),
            };
            if has_more || !is_open {
                self.tell(News::Log { id: id.clone(), chunk });
            }
            if !has_more || !is_open {
                return Ok(());
            }
        }
    }

    fn copied(&self) -> MutexGuard<'_, BTreeMap<OperationId, u64>> {
        self.copied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn log(error: &dyn std::error::Error, what: &str) {
    tracing::error!(error = chain(error), "{what}");
}

/// The engine answered something else than was asked.
pub(crate) fn other_reply() -> Failure {
    Failure::Unexpected { detail: "another reply than the one that was asked for".to_owned() }
}
