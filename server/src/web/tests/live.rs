//! The event stream of a page.

use app::events::PageEvent;
use app::i18n::Locale;
use app::shown::{ShownOperation, ShownVServer, TileGroup};
use axum::body::{Body, BodyDataStream};
use axum::response::Response;
use domain::failure::Failure;
use domain::note::Note;
use domain::operation::{Kind, Progress, Stage};
use domain::time::UnixMillis;
use domain::vserver::OomKills;
use futures::StreamExt;
use http::StatusCode;
use protocol::Event;

use super::super::follow::News;
use super::engine_end::{operation, summary, web1};
use super::{Browser, TestSite, until};

/// A page's stream, message by message.
pub(super) struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    pub(super) async fn open(browser: &mut Browser, query: &str) -> Self {
        let request = browser.request("GET", &format!("/events?{query}"));
        let response: Response = browser.start(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event; none when the stream has ended.
    async fn next(&mut self) -> Option<PageEvent> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let event =
                    message.strip_prefix("data: ").map(|json| serde_json::from_str(json).unwrap());
                self.text = rest.to_owned();
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let bytes = self.body.next().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// The first event that is wanted.
    pub(super) async fn first(
        &mut self,
        what: &str,
        is_wanted: impl Fn(&PageEvent) -> bool,
    ) -> PageEvent {
        let search = async {
            loop {
                let event = self.next().await?;
                if is_wanted(&event) {
                    return Some(event);
                }
            }
        };
        let found = tokio::time::timeout(std::time::Duration::from_secs(20), search).await;
        found.ok().flatten().unwrap_or_else(|| panic!("never: {what}"))
    }
}

#[tokio::test]
async fn a_page_is_brought_up_to_date_and_told_what_happens() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let mut stream = Stream::open(&mut vera, "vservers=true&operations=true").await;
    assert!(
        matches!(stream.next().await, Some(PageEvent::Engine { .. })),
        "the engine comes first"
    );
    let event = stream.first("the list", |event| matches!(event, PageEvent::VServers(_))).await;
    let shown = ShownVServer::of(Locale::English, &summary(web1()));
    assert_eq!(event, PageEvent::VServers(vec![shown]));
    let event = stream.first("usage", |event| matches!(event, PageEvent::Samples { .. })).await;
    let PageEvent::Samples { vservers, .. } = event else { unreachable!() };
    assert_eq!(vservers[0].usage.processes, 7);

    site.engine.tell(Event::VServer { name: web1(), summary: None });
    let gone = PageEvent::VServer { name: web1(), summary: None };
    stream.first("a VServer goes", |event| *event == gone).await;
    let running = Progress::Running { stage: Stage::Unpacking, permille: 10 };
    let running = operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R7", Kind::Build, running);
    site.engine.tell(Event::Operation(running.clone()));
    let moved = PageEvent::Operation(ShownOperation::of(Locale::English, &running));
    stream.first("an operation moves", |event| *event == moved).await;
}

#[tokio::test]
async fn a_page_is_told_what_it_asked_for_only() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let mut stream = Stream::open(&mut vera, "vserver=other").await;
    stream.first("its row", |event| matches!(event, PageEvent::VServer { .. })).await;
    site.engine.tell(Event::VServer { name: web1(), summary: None });
    let operation = operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R7", Kind::Start, Progress::Queued);
    site.engine.tell(Event::Operation(operation));
    let other = Event::VServer { name: "other".parse().unwrap(), summary: None };
    site.engine.tell(other);
    loop {
        match stream.next().await.unwrap() {
            PageEvent::VServer { name, .. } if name.as_str() == "other" => break,
            PageEvent::Samples { vservers, .. } => assert!(vservers.is_empty()),
            PageEvent::Engine { .. } => {}
            event => panic!("not asked for: {event:?}"),
        }
    }
}

#[tokio::test]
async fn a_log_is_told_from_where_the_page_has_it() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let running = Progress::Running { stage: Stage::Unpacking, permille: 10 };
    let running = operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R7", Kind::Build, running);
    let id = running.id.clone();
    site.engine.world().operations.insert(id.clone(), running.clone());
    site.engine.world().logs.insert(id.clone(), "one\ntwo\n".to_owned());
    let mut stream = Stream::open(&mut vera, &format!("operation={id}&from=4")).await;
    let shown = PageEvent::Operation(ShownOperation::of(Locale::English, &running));
    stream.first("the operation", |event| *event == shown).await;
    let mut heard = String::new();
    let mut end = 4;
    let mut is_closed = false;
    let grow = |text: &str| {
        site.engine.world().logs.get_mut(&id).unwrap().push_str(text);
        site.engine.tell(Event::LogGrew { id: id.clone(), bytes: 0 });
    };
    let mut steps = 0;
    while !is_closed {
        let event = stream.first("the log", |event| matches!(event, PageEvent::Log { .. })).await;
        let PageEvent::Log { log, .. } = event else { unreachable!() };
        heard.push_str(&log.text);
        assert!(log.end >= end, "it never goes back");
        end = log.end;
        is_closed = !log.open;
        match (heard.as_str(), steps) {
            ("two\n", 0) => {
                steps = 1;
                grow("three\n");
            }
            ("two\nthree\n", 1) if !is_closed => {
                steps = 2;
                let ended = operation(id.as_str(), Kind::Build, Progress::Succeeded);
                site.engine.world().operations.insert(id.clone(), ended.clone());
                site.engine.tell(Event::Operation(ended));
            }
            _ => {}
        }
    }
    assert_eq!(heard, "two\nthree\n");
}

#[tokio::test]
async fn what_is_told_is_in_the_words_of_whoever_looks() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    vera.cookies.insert("lang".to_owned(), "fr".to_owned());
    let failed = Progress::Failed { failure: Failure::EngineDown };
    let failed = operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R7", Kind::Build, failed);
    let id = failed.id.clone();
    let raw = format!("{}\n", Note::WaitingForBase.line());
    site.engine.world().operations.insert(id.clone(), failed.clone());
    site.engine.world().logs.insert(id.clone(), raw.clone());
    let mut stream = Stream::open(&mut vera, &format!("operation={id}&from=0")).await;
    let shown = ShownOperation::of(Locale::French, &failed);
    assert_ne!(shown, ShownOperation::of(Locale::English, &failed));
    let told = PageEvent::Operation(shown);
    stream.first("the operation", |event| *event == told).await;
    let event = stream.first("the log", |event| matches!(event, PageEvent::Log { .. })).await;
    let PageEvent::Log { log, .. } = event else { unreachable!() };
    assert!(log.text.starts_with("Une autre construction"), "{log:?}");
    assert_eq!(log.end, raw.len() as u64, "it goes on at the byte of what is kept");
}

#[tokio::test]
async fn the_stream_ends_with_the_session_and_with_the_server() {
    let site = TestSite::with_users().await;
    let mut ada = site.logged_in("ada").await;
    let mut vera = site.logged_in("vera").await;
    let mut stream = Stream::open(&mut vera, "operations=true").await;
    stream.next().await.unwrap();
    let user = site.find("vera").await.id.to_string();
    let answer =
        ada.post("/api/users/set-disabled", &[("user", &user), ("disabled", "true")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    while stream.next().await.is_some() {}

    let mut stream = Stream::open(&mut ada, "operations=true").await;
    stream.next().await.unwrap();
    site.end.send_replace(true);
    while stream.next().await.is_some() {}
}

#[tokio::test]
async fn who_logs_out_ends_what_is_open_elsewhere_in_that_session_alone() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let mut other = site.logged_in("vera").await;
    let mut stream = Stream::open(&mut vera, "operations=true").await;
    let mut kept = Stream::open(&mut other, "operations=true").await;
    let user = site.find("vera").await.id;
    let mut news = site.site.follow.listen(false);
    assert_eq!(vera.post("/api/account/log-out", &[]).await.status, StatusCode::OK);
    let told = async {
        while let Some(news) = news.next().await {
            if matches!(&*news, News::UserChanged(changed) if *changed == user) {
                return true;
            }
        }
        false
    };
    let told = tokio::time::timeout(std::time::Duration::from_secs(20), told).await;
    assert_eq!(told, Ok(true), "nobody has to wait until it is looked at again");
    while stream.next().await.is_some() {}
    let running = operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R7", Kind::Build, Progress::Queued);
    site.engine.tell(Event::Operation(running));
    kept.first("an operation", |event| matches!(event, PageEvent::Operation(_))).await;
}

#[tokio::test]
async fn when_the_engine_goes_pages_know() {
    let mut site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let mut stream = Stream::open(&mut vera, "vservers=true").await;
    stream.first("the engine is up", |event| *event == PageEvent::Engine { up: true }).await;
    site.engine.end();
    stream.first("the engine is down", |event| *event == PageEvent::Engine { up: false }).await;
}

#[tokio::test]
async fn pages_are_brought_up_to_date_after_a_loss_and_by_a_new_engine() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let mut stream = Stream::open(&mut vera, "vservers=true").await;
    let is_list = |event: &PageEvent| matches!(event, PageEvent::VServers(_));
    stream.first("the list", is_list).await;
    site.engine.tell(Event::VServer { name: web1(), summary: None });
    stream.first("news", |event| matches!(event, PageEvent::VServer { .. })).await;
    site.engine.lose_an_event();
    site.engine.tell(Event::VServer { name: web1(), summary: None });
    stream.first("the list after a loss", is_list).await;
    site.engine.begin_anew();
    stream.first("the list of the new engine", is_list).await;
}

#[tokio::test]
async fn it_is_measured_more_often_when_somebody_looks() {
    let site = TestSite::with_users().await;
    let measured = || {
        let world = site.engine.world();
        world.asked.iter().filter(|frame| frame.request == protocol::Request::Sample).count()
    };
    until("the first time", async || measured() == 1).await;
    let mut vera = site.logged_in("vera").await;
    let began = tokio::time::Instant::now();
    let stream = Stream::open(&mut vera, "vservers=true").await;
    until("usage is measured thrice more", async || measured() == 4).await;
    assert!(began.elapsed().as_secs() < 10, "nobody would have measured once");
    drop(stream);
    let open = site.site.follow.listen(false);
    // What is open now wants no samples: the next question is another one.
    until("it asks for something else", async || {
        let world = site.engine.world();
        world.asked.last().is_some_and(|frame| frame.request == protocol::Request::Hello)
    })
    .await;
    drop(open);
}

#[tokio::test]
async fn the_dashboard_is_told_of_the_host_and_of_states() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let mut stream = Stream::open(&mut vera, "host=true").await;
    let value = |event: &PageEvent, group: TileGroup, label: &str| match event {
        PageEvent::Tiles { of, tiles } if *of == group => {
            tiles.iter().find(|tile| tile.label == label).map(|tile| tile.value.clone())
        }
        _ => None,
    };
    let running = |event: &PageEvent| value(event, TileGroup::States, "running");
    let event = stream.first("states", |event| running(event).is_some()).await;
    assert_eq!(running(&event).as_deref(), Some("1"));
    let disk = |event: &PageEvent| value(event, TileGroup::Host, "Disk /");
    let event = stream.first("the host", |event| disk(event).is_some()).await;
    assert!(disk(&event).unwrap().starts_with("50.0"), "{event:?}");
    site.engine.tell(Event::VServer { name: web1(), summary: None });
    stream.first("one less", |event| running(event).as_deref() == Some("0")).await;
}

#[tokio::test]
async fn the_dashboard_is_told_of_what_needs_attention_by_now() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let mut stream = Stream::open(&mut vera, "host=true&dashboard=true").await;
    let part = |event: &PageEvent, id: &str| match event {
        PageEvent::Parts(parts) => {
            parts.iter().find(|part| part.id == id).map(|part| part.html.clone())
        }
        _ => None,
    };
    let attention = |event: &PageEvent| part(event, "part-attention");
    let event = stream.first("its parts", |event| attention(event).is_some()).await;
    assert!(part(&event, "part-pool").is_some() && part(&event, "part-failed").is_some());
    assert!(!attention(&event).unwrap().contains("for want of memory"), "{event:?}");

    let mut killed = summary(web1());
    killed.oom_kills = Some(OomKills { count: 3, last_at: UnixMillis(0) });
    site.engine.tell(Event::VServer { name: web1(), summary: Some(killed) });
    let is_told = |event: &PageEvent| {
        attention(event).is_some_and(|html| html.contains("for want of memory: 3"))
    };
    let event = stream.first("one was killed", is_told).await;
    // What has not changed is not sent again.
    assert!(part(&event, "part-pool").is_none(), "{event:?}");
    site.engine.tell(Event::VServer { name: web1(), summary: None });
    let is_over = |event: &PageEvent| attention(event).is_some_and(|html| !html.contains("memory"));
    stream.first("it is gone", is_over).await;
}

#[tokio::test]
async fn a_user_has_no_endless_number_of_streams() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let mut streams = Vec::new();
    for _ in 0..super::super::STREAMS_PER_USER {
        streams.push(Stream::open(&mut vera, "operations=true").await);
    }
    let request = vera.request("GET", "/events").body(Body::empty()).unwrap();
    assert_eq!(vera.send(request).await.status, StatusCode::TOO_MANY_REQUESTS);
    streams.pop();
    Stream::open(&mut vera, "operations=true").await;
}

#[tokio::test]
async fn processes_are_measured_for_pages_that_show_them_and_for_no_others() {
    let site = TestSite::with_users().await;
    let mut vera = site.logged_in("vera").await;
    let was_asked = |site: &TestSite| {
        site.engine
            .world()
            .asked
            .iter()
            .any(|asked| asked.request == protocol::Request::ListProcesses)
    };
    let mut other = Stream::open(&mut vera, "vservers=true").await;
    other.first("usage", |event| matches!(event, PageEvent::Samples { .. })).await;
    assert!(!was_asked(&site));

    let mut stream = Stream::open(&mut vera, "processes=cpu%3A0%3A0%3Aweb1%3Aapache").await;
    let with_rate = |event: &PageEvent| match event {
        PageEvent::Processes(shown) => shown.rows.contains("50.0"),
        _ => false,
    };
    let event = stream.first("processes with what they use", with_rate).await;
    let PageEvent::Processes(shown) = event else { unreachable!() };
    assert_eq!(shown.counts, "1 of 1 processes");
    assert!(shown.rows.contains("apache2 &lt;-k&gt; start"), "{}", shown.rows);
    let mut stream = Stream::open(&mut vera, "processes=cpu%3A0%3A0%3Aother%3A").await;
    let event =
        stream.first("nothing of another", |event| matches!(event, PageEvent::Processes(_)));
    let PageEvent::Processes(shown) = event.await else { unreachable!() };
    assert_eq!((shown.rows.as_str(), shown.counts.as_str()), ("", "0 of 0 processes"));
}
