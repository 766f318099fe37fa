//! `GET /events`: what happens, to the pages that want to know.
//!
//! Invariants: nobody is told what their role may not see; the stream ends within ten seconds of
//! its session's end, at once when it was ended here; a reader that is too slow is dropped, connects
//! again and is brought up to date, so nothing is queued for long.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app::backend::{Backend, OperationFilter, Reference};
use app::charts_part;
use app::dashboard::Facts;
use app::events::{PageEvent, Part, Subscription};
use app::i18n::{Locale, format};
use app::overview::{host_tiles, state_tiles};
use app::process_rows;
use app::shown::{ShownLog, ShownOperation, ShownVServer, TileGroup};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::authz::{ActionKind, ReadInside, ViewOperations, ViewVServers, allowed, authorize};
use domain::failure::Failure;
use domain::guest_log::ConsolePiece;
use domain::id::{OperationId, UserId, VServerName};
use domain::metrics::Series;
use domain::operation::LogChunk;
use domain::process::MeasuredProcesses;
use domain::vserver::{Sample, Summary};
use futures::stream::{self, Stream};
use http::{HeaderMap, StatusCode};
use tokio::sync::watch;
use tokio::time::Instant;

use super::backend::{SiteBackend, host_now};
use super::console::Following;
use super::follow::{Listening, News};
use super::measure::Samples;
use super::processes::Watching;
use super::refusal::{locale_of, refuse};
use super::session::{Tie, Visitor};
use super::streams::Open;
use super::{Site, told_to_end};

/// How often rights are looked at again without a reason.
pub(crate) const RECHECK: Duration = Duration::from_secs(10);
/// How many operations a page that shows a list of them is brought up to date with.
const RECENT_OPERATIONS: usize = 20;
/// How soon the dashboard is told of what has happened, and how often it is looked at what tells nobody.
const PARTS_SOON: Duration = Duration::from_secs(1);
const PARTS_AGAIN: Duration = Duration::from_secs(10);
/// How often charts are drawn anew at most.
const CHARTS_AGAIN: Duration = Duration::from_secs(30);
/// How often a quiet stream says that it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Answers `GET /events`.
pub(crate) async fn events(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(Reference(reference)): Extension<Reference>,
    headers: HeaderMap,
    wanted: Result<Query<Subscription>, QueryRejection>,
) -> Response {
    let Some(tie) = Tie::of(&visitor).filter(|_| !visitor.must_change_password()) else {
        return refuse(Failure::NotLoggedIn, &headers, &reference);
    };
    let Ok(Query(wanted)) = wanted else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let role = tie.identity().role;
    for (is_wanted, action) in [
        (
            wanted.vservers
                || wanted.vserver.is_some()
                || wanted.processes.is_some()
                || wanted.host
                || wanted.dashboard
                || wanted.charts.is_some(),
            ActionKind::ViewVServers,
        ),
        (
            wanted.operations || wanted.operation.is_some() || wanted.dashboard,
            ActionKind::ViewOperations,
        ),
        (wanted.console.is_some(), ActionKind::ReadInside),
    ] {
        if is_wanted && !allowed(role, action) {
            let action = action.as_str().to_owned();
            return refuse(Failure::NotAllowed { action }, &headers, &reference);
        }
    }
    let Some(open) = site.streams.open(tie.identity().user) else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    let messages = PageStream::new(site, tie, locale_of(&headers), wanted, open).messages();
    Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// The stream of one page.
struct PageStream {
    site: Arc<Site>,
    tie: Tie,
    /// The language of whoever looks.
    locale: Locale,
    wanted: Subscription,
    listening: Listening,
    watching: Option<Watching>,
    console: Option<Following>,
    engine: watch::Receiver<bool>,
    /// Whether the page must be told everything before it is told news.
    is_behind: bool,
    /// Whether its last word was said.
    is_over: bool,
    /// What is to be said next.
    queue: VecDeque<PageEvent>,
    /// How much of the log was sent.
    log_offset: u64,
    /// Each VServer, for who wants to know how many there are in which state, or what they need.
    vservers: BTreeMap<VServerName, Summary>,
    /// The parts of the dashboard as they were sent, and when they are looked at again.
    parts: HashMap<String, String>,
    parts_at: Option<Instant>,
    /// When charts are drawn again.
    charts_at: Option<Instant>,
    recheck_at: Instant,
    _open: Open<UserId>,
}

impl PageStream {
    fn new(
        site: Arc<Site>,
        tie: Tie,
        locale: Locale,
        wanted: Subscription,
        open: Open<UserId>,
    ) -> Self {
        let wants_samples = wanted.vservers || wanted.vserver.is_some() || wanted.host;
        let mut engine = site.engine.up();
        // The first word is how the engine is.
        engine.mark_changed();
        Self {
            listening: site.follow.listen(wants_samples),
            watching: wanted.processes.as_ref().map(|_| site.processes.watch()),
            console: None,
            engine,
            is_behind: false,
            is_over: false,
            queue: VecDeque::new(),
            log_offset: wanted.from,
            vservers: BTreeMap::new(),
            parts: HashMap::new(),
            parts_at: None,
            charts_at: wanted.charts.map(|_| Instant::now() + CHARTS_AGAIN),
            recheck_at: Instant::now() + RECHECK,
            site,
            tie,
            locale,
            wanted,
            _open: open,
        }
    }

    fn messages(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, async |mut this| {
            let event = this.next().await?;
            match Event::default().json_data(&event) {
                Ok(message) => Some((Ok(message), this)),
                Err(error) => {
                    tracing::error!(%error, "writing an event");
                    None
                }
            }
        })
    }

    /// The next event; none ends the stream.
    async fn next(&mut self) -> Option<PageEvent> {
        loop {
            if self.is_over {
                return None;
            }
            if Instant::now() >= self.recheck_at {
                if !self.may_go_on().await {
                    return self.last_word();
                }
                self.follow_console().await;
            }
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            if std::mem::take(&mut self.is_behind) {
                self.bring_up_to_date().await;
                continue;
            }
            tokio::select! {
                () = told_to_end(&self.site.shutdown) => return None,
                () = tokio::time::sleep_until(self.recheck_at) => {}
                () = reached(self.parts_at) => self.queue_parts().await,
                () = reached(self.charts_at) => self.queue_charts().await,
                changed = self.engine.changed() => {
                    changed.ok()?;
                    let up = *self.engine.borrow_and_update();
                    self.is_behind = true;
                    return Some(PageEvent::Engine { up });
                }
                measured = measured(&mut self.watching) => {
                    let measured = measured?;
                    self.queue.extend(self.processes(&measured));
                }
                piece = printed(&mut self.console) => match piece {
                    Some(piece) => return Some(self.printed(piece)),
                    // It is followed again when there is another engine, and soon in any case.
                    None => self.console = None,
                },
                news = self.listening.next() => {
                    if !self.take(&*news?).await {
                        return self.last_word();
                    }
                }
            }
        }
    }

    /// False when the page has no right to its stream any more.
    async fn may_go_on(&mut self) -> bool {
        self.recheck_at = Instant::now() + RECHECK;
        self.tie.holds(&self.site).await
    }

    /// Has the page loaded anew: it shows what its reader may no longer see.
    fn last_word(&mut self) -> Option<PageEvent> {
        self.is_over = true;
        Some(PageEvent::RightsChanged)
    }

    /// What the page wants to know as it is now.
    async fn bring_up_to_date(&mut self) {
        let identity = self.tie.identity().clone();
        let backend = SiteBackend(self.site.clone());
        if let (true, Ok(permit)) = (
            self.wanted.vservers
                || self.wanted.vserver.is_some()
                || self.wanted.host
                || self.wanted.dashboard,
            authorize::<ViewVServers>(Some(&identity)),
        ) && let Ok(all) = backend.vservers(permit).await
        {
            if self.wanted.host {
                self.vservers = all.iter().map(|one| (one.name.clone(), one.clone())).collect();
                self.queue_states();
                let last = self.site.follow.last_samples();
                self.queue.extend(last.map(|last| self.host_tiles(&last)));
            }
            self.parts_at = self.wanted.dashboard.then(Instant::now);
            if self.wanted.vservers {
                let all = all.iter().map(|one| ShownVServer::of(self.locale, one)).collect();
                self.queue.push_back(PageEvent::VServers(all));
            } else if let Some(name) = self.wanted.vserver.clone() {
                let one = all.iter().find(|summary| summary.name == name);
                let summary = one.map(|one| ShownVServer::of(self.locale, one));
                self.queue.push_back(PageEvent::VServer { name, summary });
            }
        }
        self.follow_console().await;
        let mut samples = self.site.follow.samples();
        if self.wanted.vserver.is_none() {
            // The list has no charts, and may be long.
            samples.drain(..samples.len().saturating_sub(1));
        }
        let samples = samples.iter().filter_map(|samples| self.samples(samples));
        let samples: Vec<_> = samples.collect();
        self.queue.extend(samples);
        // What ended between the page and its stream would look under way for ever.
        if (self.wanted.operations || self.wanted.vserver.is_some())
            && let Ok(permit) = authorize::<ViewOperations>(Some(&identity))
        {
            let filter = OperationFilter {
                target: self.wanted.vserver.clone(),
                ..OperationFilter::default()
            };
            let recent = backend.operations(permit, filter).await.unwrap_or_default();
            let recent = recent.into_iter().take(RECENT_OPERATIONS).rev();
            let shown = recent.map(|one| ShownOperation::of(self.locale, &one));
            self.queue.extend(shown.map(PageEvent::Operation));
        }
        if let Some(id) = self.wanted.operation.clone() {
            if let Ok(permit) = authorize::<ViewOperations>(Some(&identity))
                && let Ok(operation) = backend.operation(permit, id).await
            {
                let shown = ShownOperation::of(self.locale, &operation);
                self.queue.push_back(PageEvent::Operation(shown));
            }
            self.read_log().await;
        }
    }

    /// Follows the console that the page shows, unless it is followed.
    async fn follow_console(&mut self) {
        let (Some(name), None) = (self.wanted.console.clone(), &self.console) else { return };
        let Ok(permit) = authorize::<ReadInside>(Some(self.tie.identity())) else { return };
        let followed = Following::open(&self.site, permit, name, self.wanted.place).await;
        let told = |failure: &Failure| tracing::info!(%failure, "following a console");
        self.console = followed.inspect_err(told).ok();
    }

    /// What a console has more, for a page that may have another boot of it.
    fn printed(&mut self, mut piece: ConsolePiece) -> PageEvent {
        let had = self.wanted.place.replace(piece.end);
        if had.is_some_and(|had| had.boot != piece.end.boot) {
            let at = format::instant(self.locale, piece.end.boot.0);
            piece.lines = format!("\n{}\n{}", self.locale.next_boot(&at), piece.lines);
        }
        PageEvent::Console(piece)
    }

    /// Sends what the log of the operation has more.
    async fn read_log(&mut self) {
        let Some(id) = self.wanted.operation.clone() else { return };
        let identity = self.tie.identity().clone();
        let backend = SiteBackend(self.site.clone());
        while let Ok(permit) = authorize::<ViewOperations>(Some(&identity)) {
            let offset = self.log_offset;
            let Ok(chunk) = backend.operation_log(permit, id.clone(), offset).await else { return };
            if !self.queue_log(&id, &chunk) || !chunk.open {
                return;
            }
        }
    }

    /// Queues what of a piece was not sent yet, or that it is the last. False when nothing is new.
    fn queue_log(&mut self, id: &OperationId, chunk: &LogChunk) -> bool {
        let log = ShownLog::beyond(self.locale, chunk, self.log_offset);
        let is_new = log.end > self.log_offset;
        self.log_offset = log.end;
        if is_new || !log.open {
            self.queue.push_back(PageEvent::Log { id: id.clone(), log });
        }
        is_new
    }

    /// What of a measurement this page wants.
    fn samples(&self, samples: &Samples) -> Option<PageEvent> {
        let all = self.wanted.vservers;
        let one = self.wanted.vserver.as_ref();
        (all || one.is_some()).then(|| {
            let at = samples.at;
            let measured = samples.measurement.vservers.iter();
            let wanted = measured.filter(|measured| all || one == Some(&measured.name));
            PageEvent::Samples {
                at,
                host: samples.measurement.host,
                vservers: wanted
                    .map(|one| Sample { name: one.name.clone(), at, usage: one.usage })
                    .collect(),
            }
        })
    }

    /// The processes that this page shows.
    fn processes(&self, measured: &MeasuredProcesses) -> Option<PageEvent> {
        let view = self.wanted.processes.as_ref()?;
        let may_signal = allowed(self.tie.identity().role, ActionKind::SignalProcess);
        Some(PageEvent::Processes(process_rows::shown(self.locale, view, measured, may_signal)))
    }

    fn host_tiles(&self, samples: &Samples) -> PageEvent {
        PageEvent::Tiles { of: TileGroup::Host, tiles: host_tiles(self.locale, &host_now(samples)) }
    }

    fn queue_states(&mut self) {
        let tiles = state_tiles(self.locale, self.vservers.values().map(|one| one.state));
        self.queue.push_back(PageEvent::Tiles { of: TileGroup::States, tiles });
    }

    /// Has the parts of the dashboard looked at soon, because something has happened.
    fn look_soon(&mut self) {
        let soon = Instant::now() + PARTS_SOON;
        self.parts_at = self.parts_at.map(|at| at.min(soon));
    }

    /// Queues the parts of the dashboard that are others by now.
    async fn queue_parts(&mut self) {
        self.parts_at = Some(Instant::now() + PARTS_AGAIN);
        let backend = SiteBackend(self.site.clone());
        // While the engine does not answer, what is shown stays.
        let Ok(facts) = Facts::gather(&backend, self.tie.identity()).await else { return };
        let all: Vec<&Summary> = self.vservers.values().collect();
        let parts = facts.parts(self.locale, &all, self.site.clock.now()).into_iter();
        let fresh: Vec<Part> = parts
            .filter(|Part { id, html }| {
                self.parts.insert(id.clone(), html.clone()).as_ref() != Some(html)
            })
            .collect();
        if !fresh.is_empty() {
            self.queue.push_back(PageEvent::Parts(fresh));
        }
    }

    /// Queues the charts as they are by now.
    async fn queue_charts(&mut self) {
        let Some(view) = self.wanted.charts else { return };
        let period = Duration::from_millis(view.range.tier().period_ms().unsigned_abs());
        self.charts_at = Some(Instant::now() + period.max(CHARTS_AGAIN));
        let series = self.wanted.vserver.clone().map_or(Series::Host, Series::VServer);
        let backend = SiteBackend(self.site.clone());
        if let Ok(permit) = authorize::<ViewVServers>(Some(self.tie.identity()))
            && let Ok(history) = backend.history(permit, series, view.range).await
        {
            let part = charts_part(self.locale, view, &history);
            self.queue.push_back(PageEvent::Parts(vec![part]));
        }
    }

    /// Queues what of the news this page wants. False when it has no right to it any more.
    async fn take(&mut self, news: &News) -> bool {
        let wanted = &self.wanted;
        match news {
            News::UserChanged(user) if *user == self.tie.identity().user => {
                return self.may_go_on().await;
            }
            News::UserChanged(_) => {}
            News::VServer { name, summary } => {
                if wanted.host {
                    match summary {
                        Some(summary) => self.vservers.insert(name.clone(), summary.clone()),
                        None => self.vservers.remove(name),
                    };
                    self.queue_states();
                    self.look_soon();
                }
                let wanted = &self.wanted;
                if wanted.vservers || wanted.vserver.as_ref() == Some(name) {
                    let summary = summary.as_ref().map(|one| ShownVServer::of(self.locale, one));
                    self.queue.push_back(PageEvent::VServer { name: name.clone(), summary });
                }
            }
            News::Samples(samples) => {
                self.queue.extend(self.samples(samples));
                if self.wanted.host {
                    self.queue.push_back(self.host_tiles(samples));
                }
            }
            News::Operation(operation) => {
                if wanted.operations
                    || wanted.operation.as_ref() == Some(&operation.id)
                    || wanted.vserver.as_ref().is_some_and(|name| operation.target == *name)
                {
                    let shown = ShownOperation::of(self.locale, operation);
                    self.queue.push_back(PageEvent::Operation(shown));
                }
                if operation.progress.is_final() {
                    self.look_soon();
                }
            }
            News::Log { id, chunk } if wanted.operation.as_ref() == Some(id) => {
                if chunk.offset > self.log_offset {
                    self.read_log().await;
                } else {
                    self.queue_log(id, chunk);
                }
            }
            News::Log { .. } => {}
        }
        true
    }
}

/// When this moment has come; never, where there is none.
async fn reached(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What is printed next; never, for a page that follows no console.
async fn printed(console: &mut Option<Following>) -> Option<ConsolePiece> {
    match console {
        Some(console) => console.next().await,
        None => std::future::pending().await,
    }
}

/// The next processes that are measured; never, for a page that shows none.
async fn measured(watching: &mut Option<Watching>) -> Option<Arc<MeasuredProcesses>> {
    match watching {
        Some(watching) => watching.next().await,
        None => std::future::pending().await,
    }
}
