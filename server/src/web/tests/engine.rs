//! The client of the engine, and what follows it.

use std::sync::Arc;
use std::time::Duration;

use domain::failure::Failure;
use domain::id::OperationId;
use domain::operation::{Kind, Progress, Stage};
use protocol::message::{Body, OnBehalfOf};
use protocol::{Event, Reply, ReplyFrame, Request, encode};
use sys::seqpacket;

use super::super::engine_client::{EngineClient, on_behalf_of_nobody};
use super::engine_end::{OPERATION, operation};
use super::{ShiftedClock, TestSite, until};

fn nobody() -> OnBehalfOf {
    on_behalf_of_nobody().unwrap()
}

async fn ask(client: &EngineClient, millis: u64) -> Result<Reply, Failure> {
    let patience = Duration::from_millis(millis);
    Ok(client.ask_within(nobody(), Request::Hello, patience).await?.reply)
}

/// A client and the bare other end of its socket.
fn bare() -> (EngineClient, std::os::fd::OwnedFd) {
    let (engine, web) = seqpacket::pair().unwrap();
    let client = EngineClient::start(web, 1, Arc::new(ShiftedClock::default())).unwrap();
    (client, engine)
}

#[tokio::test]
async fn a_long_reply_comes_whole() {
    let site = TestSite::new().await;
    site.engine.world().more_vservers = 5000;
    let answer = site
        .site
        .engine
        .ask_within(nobody(), Request::ListVServers, Duration::from_secs(10))
        .await
        .unwrap();
    let Reply::VServers(all) = answer.reply else { panic!("not the VServers") };
    assert_eq!(all.len(), 5001);
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_down_until_it_does() {
    let (client, engine) = bare();
    assert_eq!(ask(&client, 10).await, Err(Failure::EngineDown));
    assert!(!*client.up().borrow());
    // A late answer is nobody's, but tells that the engine lives.
    let body = Body::Inline(Ok(Reply::Done));
    let late = encode(&ReplyFrame { id: 1, body: body.clone() }).unwrap();
    seqpacket::send(&engine, &late, &[]).unwrap();
    client.up().wait_for(|is_up| *is_up).await.unwrap();
    // Nothing is sent twice.
    let mut buffer = [0; 1024];
    let first = seqpacket::receive(&engine, &mut buffer).unwrap();
    assert!(first.bytes > 0);
    let next = encode(&ReplyFrame { id: 2, body }).unwrap();
    seqpacket::send(&engine, &next, &[]).unwrap();
    let (reply, frame) = tokio::join!(ask(&client, 10_000), async {
        tokio::task::spawn_blocking(move || {
            let received = seqpacket::receive(&engine, &mut buffer).unwrap();
            let frame: protocol::RequestFrame =
                protocol::decode(&buffer[..received.bytes]).unwrap();
            (frame.id, engine)
        })
        .await
        .unwrap()
    });
    assert_eq!(frame.0, 2);
    // The answer may have come before the question was waited for; then it was nobody's.
    assert!(matches!(reply, Ok(Reply::Done) | Err(Failure::EngineDown)));
}

#[tokio::test]
async fn one_answer_that_is_late_says_nothing_of_the_engine() {
    let (client, engine) = bare();
    let body = Body::Inline(Ok(Reply::Done));
    let other = encode(&ReplyFrame { id: 9, body }).unwrap();
    let mut up = client.up();
    let (reply, ()) = tokio::join!(ask(&client, 500), async {
        // Somebody else is answered meanwhile.
        seqpacket::send(&engine, &other, &[]).unwrap();
        up.wait_for(|is_up| *is_up).await.unwrap();
    });
    assert!(matches!(reply, Err(Failure::TimedOut { .. })), "{reply:?}");
    assert!(*client.up().borrow());
}

#[tokio::test]
async fn whoever_waits_for_an_engine_that_is_no_more_is_told() {
    let mut site = TestSite::new().await;
    site.engine.world().is_silent = true;
    let client = site.site.engine.clone();
    let waiting = tokio::spawn(async move { ask(&client, 600_000).await });
    until("the engine was asked", async || {
        site.engine.world().asked.iter().any(|frame| frame.request == Request::Hello)
    })
    .await;
    site.engine.begin_anew();
    assert_eq!(waiting.await.unwrap(), Err(Failure::EngineDown));
    assert!(*site.site.engine.up().borrow(), "the new one is there");

    let client = site.site.engine.clone();
    let waiting = tokio::spawn(async move { ask(&client, 600_000).await });
    until("the engine was asked again", async || {
        let world = site.engine.world();
        world.asked.iter().filter(|frame| frame.request == Request::Hello).count() == 2
    })
    .await;
    site.engine.end();
    assert_eq!(waiting.await.unwrap(), Err(Failure::EngineDown));
    site.site.engine.closed().await;
}

#[tokio::test]
async fn memory_that_could_change_is_not_read() {
    use std::io::Write;
    use std::os::fd::AsFd;
    let (client, engine) = bare();
    let mut file = tempfile::tempfile().unwrap();
    let result: Result<Reply, Failure> = Ok(Reply::Done);
    let bytes = encode(&result).unwrap();
    file.write_all(&bytes).unwrap();
    let answering = tokio::task::spawn_blocking(move || {
        let mut buffer = [0; 1024];
        seqpacket::receive(&engine, &mut buffer).unwrap();
        let body = Body::Bulk { bytes: bytes.len() as u64 };
        let frame = encode(&ReplyFrame { id: 1, body }).unwrap();
        seqpacket::send(&engine, &frame, &[file.as_fd()]).unwrap();
        engine
    });
    let reply = ask(&client, 10_000).await;
    assert!(matches!(reply, Err(Failure::Unexpected { .. })), "{reply:?}");
    drop(answering.await.unwrap());
}

#[tokio::test]
async fn operations_and_logs_are_kept_without_anybody_looking() {
    let site = TestSite::new().await;
    let id: OperationId = OPERATION.parse().unwrap();
    // What was there before this process.
    until("what was missed is fetched", async || {
        site.site.store.operation(&id).await.unwrap().is_some()
    })
    .await;
    until("its log too", async || {
        let log = site.site.store.operation_log(&id, 0, 1000).await.unwrap();
        log.is_some_and(|chunk| chunk.text == "I: starting\n")
    })
    .await;

    let next = "01JADQ8Z9XKXQ5Y7D2M3N4P5R7";
    let running = Progress::Running { stage: Stage::Unpacking, permille: 10 };
    let running = operation(next, Kind::Build, running);
    site.engine.world().operations.insert(running.id.clone(), running.clone());
    site.engine.world().logs.insert(running.id.clone(), "I: Unpacking\n".to_owned());
    site.engine.tell(Event::Operation(running.clone()));
    site.engine.tell(Event::LogGrew { id: running.id.clone(), bytes: 13 });
    until("news are kept", async || {
        let kept = site.site.store.operation(&running.id).await.unwrap();
        let log = site.site.store.operation_log(&running.id, 0, 1000).await.unwrap();
        kept.as_ref() == Some(&running) && log.is_some_and(|chunk| chunk.text == "I: Unpacking\n")
    })
    .await;
}

#[tokio::test]
async fn what_was_lost_on_the_way_is_fetched() {
    let site = TestSite::new().await;
    let first: OperationId = OPERATION.parse().unwrap();
    until("it follows", async || site.site.store.operation(&first).await.unwrap().is_some()).await;
    let running = Progress::Running { stage: Stage::Unpacking, permille: 10 };
    let started = operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R7", Kind::Build, running.clone());
    let forgotten = operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R8", Kind::Build, running);
    for one in [&started, &forgotten] {
        site.engine.tell(Event::Operation(one.clone()));
    }
    until("both run", async || site.site.store.unfinished_operations().await.unwrap().len() == 2)
        .await;
    let ended = operation(started.id.as_str(), Kind::Build, Progress::Succeeded);
    site.engine.world().operations.insert(ended.id.clone(), ended.clone());
    // The event of its end is lost; the next one shows that something is missing.
    site.engine.lose_an_event();
    site.engine.tell(Event::LogGrew { id: first, bytes: 12 });
    until("the end is known", async || {
        let progress = |operation: domain::operation::Operation| operation.progress;
        let store = &site.site.store;
        let ended = store.operation(&ended.id).await.unwrap().map(progress);
        let forgotten = store.operation(&forgotten.id).await.unwrap().map(progress);
        ended == Some(Progress::Succeeded)
            && forgotten == Some(Progress::Failed { failure: Failure::Interrupted })
    })
    .await;
}
