//! `GET /terminals/ID/socket`: a browser's WebSocket on one side, the terminal's holder on the
//! other; the packets of `protocol::terminal` pass unchanged.
//!
//! Invariants: only the terminal's owner gets through, and only as long as they are logged in and
//! may enter VServers; packets that are none, or too long, end the connection. The shell lives on
//! in its holder whatever happens here.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use app::backend::Reference;
use app::error::status_of;
use axum::extract::rejection::PathRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use domain::authz::{EnterVServer, authorize};
use domain::failure::Failure;
use domain::id::{TerminalId, UserId};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, StatusCode};
use protocol::terminal::{FromHolder, MAX_PACKET_BYTES, ToHolder};
use protocol::{Reply, Request};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::events::RECHECK;
use super::follow::{News, other_reply};
use super::packets::PacketSocket;
use super::refusal::refuse;
use super::session::{Tie, Visitor};
use super::streams::Open;
use super::{Site, told_to_end};

/// What the page's script understands; see `public/terminal.js`.
const CLOSE_DENIED: u16 = 4403;
const CLOSE_NO_SUCH_TERMINAL: u16 = 4404;
const CLOSE_NORMAL: u16 = 1000;
const CLOSE_GOING_AWAY: u16 = 1001;
const CLOSE_BAD_PACKET: u16 = 1003;

/// How often the browser is asked whether it is still there.
const PING: Duration = Duration::from_secs(20);
/// After how long without any word from it the connection is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// Answers the request for a terminal's socket.
pub(crate) async fn socket(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(Reference(reference)): Extension<Reference>,
    headers: HeaderMap,
    id: Result<Path<TerminalId>, PathRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let attached = async {
        let tie = Tie::of(&visitor)
            .filter(|_| !visitor.must_change_password())
            .ok_or(Failure::NotLoggedIn)?;
        let permit = authorize::<EnterVServer>(Some(tie.identity()))?;
        let Path(id) = id.map_err(|_| Failure::NoSuchTerminal)?;
        let terminal = site.own_terminal(permit.identity(), &id).await?;
        Ok((tie, terminal.id))
    }
    .await;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.max_message_size(MAX_PACKET_BYTES).max_frame_size(MAX_PACKET_BYTES),
        Err(rejection) => {
            return match attached {
                Err(failure) => refuse(failure, &headers, &reference),
                Ok(_) => rejection.into_response(),
            };
        }
    };
    let (tie, id) = match attached {
        Ok(attached) => attached,
        // A browser tells its page nothing of an answer without a WebSocket, and would try again
        // for ever: what will not change is told over one.
        Err(Failure::NoSuchTerminal) => return close_at_once(upgrade, CLOSE_NO_SUCH_TERMINAL),
        Err(Failure::NotLoggedIn | Failure::NotAllowed { .. }) => {
            return close_at_once(upgrade, CLOSE_DENIED);
        }
        Err(failure) => return status_of(&failure).into_response(),
    };
    let Some(open) = site.streams.open(tie.identity().user) else {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    };
    match attach(&site, &tie, id).await {
        Ok(holder) => upgrade.on_upgrade(move |browser| carry(site, tie, browser, holder, open)),
        Err(Failure::NoSuchTerminal) => close_at_once(upgrade, CLOSE_NO_SUCH_TERMINAL),
        Err(failure) => {
            tracing::warn!(%failure, "attaching to a terminal");
            status_of(&failure).into_response()
        }
    }
}

fn close_at_once(upgrade: WebSocketUpgrade, code: u16) -> Response {
    upgrade.on_upgrade(async move |mut browser| {
        let _ = browser.send(closing(code)).await;
    })
}

fn closing(code: u16) -> Message {
    Message::Close(Some(CloseFrame { code, reason: "".into() }))
}

async fn attach(site: &Site, tie: &Tie, id: TerminalId) -> Result<OwnedFd, Failure> {
    let answer = site.engine.ask(tie.identity(), Request::AttachTerminal(id)).await?;
    match (answer.reply, answer.descriptor) {
        (Reply::Terminal(_), Some(holder)) => Ok(holder),
        _ => Err(other_reply()),
    }
}

/// Carries packets both ways until either end is gone or the user may no longer.
async fn carry(
    site: Arc<Site>,
    tie: Tie,
    browser: WebSocket,
    holder: OwnedFd,
    _open: Open<UserId>,
) {
    let holder = match PacketSocket::new(holder) {
        Ok(holder) => holder,
        Err(error) => {
            tracing::error!(%error, "taking a terminal's socket");
            return;
        }
    };
    let (mut to_browser, from_browser) = browser.split();
    // Either way waits for its own receiver alone: a shell that does not read must not keep its
    // output from being seen.
    let (heard, heard_from) = mpsc::channel(1);
    let code = tokio::select! {
        code = carry_in(from_browser, &holder, heard) => code,
        code = carry_out(&holder, &mut to_browser, heard_from) => code,
        code = watch(&site, &tie) => code,
    };
    let _ = to_browser.send(closing(code)).await;
}

/// From the browser to the holder.
async fn carry_in(
    mut browser: SplitStream<WebSocket>,
    holder: &PacketSocket,
    heard: mpsc::Sender<()>,
) -> u16 {
    while let Some(Ok(message)) = browser.next().await {
        // Full means that a word of it was noted already.
        let _ = heard.try_send(());
        match message {
            Message::Binary(packet) => {
                if packet.len() > MAX_PACKET_BYTES || ToHolder::parse(&packet).is_none() {
                    return CLOSE_BAD_PACKET;
                }
                if holder.send(&packet).await.is_err() {
                    return CLOSE_GOING_AWAY;
                }
            }
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Text(_) => return CLOSE_BAD_PACKET,
            Message::Close(_) => break,
        }
    }
    CLOSE_NORMAL
}

/// From the holder to the browser, and whether the browser is still there.
async fn carry_out(
    holder: &PacketSocket,
    browser: &mut SplitSink<WebSocket, Message>,
    mut heard: mpsc::Receiver<()>,
) -> u16 {
    let mut buffer = vec![0; MAX_PACKET_BYTES];
    let mut ping_at = Instant::now() + PING;
    let mut silent_at = Instant::now() + SILENCE;
    loop {
        let message = tokio::select! {
            received = holder.receive(&mut buffer) => {
                let packet = match received {
                    Ok(received) => buffer.get(..received.bytes).unwrap_or_default(),
                    Err(_) => return CLOSE_GOING_AWAY,
                };
                let has_ended = match FromHolder::parse(packet) {
                    Some(FromHolder::Exited(_)) => true,
                    Some(_) => false,
                    None => return CLOSE_GOING_AWAY,
                };
                let message = Message::Binary(packet.to_vec().into());
                if has_ended {
                    let _ = browser.send(message).await;
                    return CLOSE_NORMAL;
                }
                message
            }
            Some(()) = heard.recv() => {
                silent_at = Instant::now() + SILENCE;
                continue;
            }
            () = tokio::time::sleep_until(silent_at) => return CLOSE_GOING_AWAY,
            () = tokio::time::sleep_until(ping_at) => {
                ping_at = Instant::now() + PING;
                Message::Ping(axum::body::Bytes::new())
            }
        };
        // A browser that takes nothing for so long is not there.
        match tokio::time::timeout(SILENCE, browser.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return CLOSE_GOING_AWAY,
        }
    }
}

/// Ends when the user may no longer, or the server does.
async fn watch(site: &Arc<Site>, tie: &Tie) -> u16 {
    let mut listening = site.follow.listen(false);
    let mut recheck_at = Instant::now() + RECHECK;
    loop {
        tokio::select! {
            () = told_to_end(&site.shutdown) => return CLOSE_GOING_AWAY,
            () = tokio::time::sleep_until(recheck_at) => {}
            news = listening.next() => match news.as_deref() {
                Some(News::UserChanged(user)) if *user == tie.identity().user => {}
                // Fallen behind: what was missed may have been about this user.
                None => listening = site.follow.listen(false),
                Some(_) => continue,
            },
        }
        recheck_at = Instant::now() + RECHECK;
        if !tie.holds(site).await {
            return CLOSE_DENIED;
        }
    }
}
