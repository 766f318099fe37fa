//! Serves the pages over a server in memory, for work on their look: no engine, no database.
//!
//! `cargo run -p app --features ssr --example preview -- DIRECTORY` serves the files of DIRECTORY
//! (a built site: `target/site/pkg`) below `/pkg` and the pages at an address it prints. The cookie
//! `as=administrator` says who one is; without it one is nobody.

#[path = "../tests/memory/mod.rs"]
mod memory;

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use app::events::{PageEvent, Subscription};
use app::i18n::Locale;
use app::shown::{ShownLog, ShownOperation};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use domain::operation::{Progress, Stage};
use domain::vserver::{Sample, Usage};
use tokio_stream::StreamExt;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let files = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/site/pkg".into()));
    let router = memory::Memory::new()
        .router()
        .route("/events", get(async |Query(wanted): Query<Subscription>| Sse::new(events(wanted))))
        .route(
            "/terminals/{id}/socket",
            get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(terminal)),
        )
        .route(
            "/pkg/{name}",
            get(async move |Path(name): Path<String>| {
                let kind = match name.rsplit('.').next() {
                    Some("css") => "text/css",
                    Some("js") => "text/javascript",
                    Some("svg") => "image/svg+xml",
                    Some("wasm") => "application/wasm",
                    _ => "application/octet-stream",
                };
                match tokio::fs::read(files.join(name)).await {
                    Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
                    Err(_) => StatusCode::NOT_FOUND.into_response(),
                }
            }),
        );
    // A port of one's choice lets a page find the server again after a restart.
    let port = std::env::args().nth(2).and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router).await
}

/// The engine is up, then twice a second what a VServer that works a little uses, and an operation
/// that goes on.
fn events(wanted: Subscription) -> impl tokio_stream::Stream<Item = Result<Event, Infallible>> {
    let mut tick: u64 = 0;
    let mut offset = wanted.from;
    let pulse = tokio_stream::iter(std::iter::repeat(())).throttle(Duration::from_millis(500));
    let news = pulse.map(move |()| {
        tick += 1;
        match &wanted.operation {
            Some(id) if tick.is_multiple_of(2) => {
                let text = format!("I: Unpacking package {tick}\n");
                offset += text.len() as u64;
                PageEvent::Log { id: id.clone(), log: ShownLog { end: offset, text, open: true } }
            }
            None if !wanted.operations => sample(tick),
            _ => {
                let mut operation = memory::operations().remove(0);
                let permille = u16::try_from(tick * 10).unwrap_or(1000);
                operation.progress = match permille {
                    0..100 => Progress::Running { stage: Stage::Installing, permille },
                    _ => Progress::Succeeded,
                };
                PageEvent::Operation(ShownOperation::of(Locale::English, &operation))
            }
        }
    });
    tokio_stream::iter([PageEvent::Engine { up: true }])
        .chain(news)
        .map(|event| Ok(Event::default().json_data(event).expect("an event is JSON")))
}

/// A shell that says back what it is told; `exit` and Enter end it with status 3.
async fn terminal(mut socket: WebSocket) {
    let greeting = "\x1b[1;32mroot@web1\x1b[0m:~# é✓ ";
    let mut said = greeting.as_bytes().to_vec();
    let length = u32::try_from(said.len()).unwrap_or_default().to_be_bytes();
    let scrollback = [b"s", length.as_slice()].concat();
    if socket.send(Message::Binary(scrollback.into())).await.is_err() {
        return;
    }
    let mut line = String::new();
    loop {
        let output = [b"o", said.as_slice()].concat();
        if socket.send(Message::Binary(output.into())).await.is_err() {
            return;
        }
        let Some(Ok(Message::Binary(packet))) = socket.recv().await else {
            return;
        };
        said = match packet.split_first() {
            Some((b'i', b"\r")) if line == "exit" => {
                let _ = socket.send(Message::Binary(vec![b'e', 3].into())).await;
                return;
            }
            Some((b'i', b"\r")) => {
                line.clear();
                b"\r\n".to_vec()
            }
            Some((b'i', typed)) => {
                line.push_str(&String::from_utf8_lossy(typed));
                typed.to_vec()
            }
            Some((b'r', [c0, c1, r0, r1])) => {
                let size = [[*c0, *c1], [*r0, *r1]].map(u16::from_be_bytes);
                format!("[{}x{}]", size[0], size[1]).into_bytes()
            }
            _ => Vec::new(),
        };
    }
}

fn sample(tick: u64) -> PageEvent {
    let usage = Usage {
        user_ms: 844_900 + tick * 500 * (tick % 7) / 10,
        memory_bytes: 52_000_000 + (tick % 11) * 1_000_000,
        processes: 12 + u32::try_from(tick % 3).unwrap_or_default(),
        uptime_ms: 23_220_000 + tick * 2000,
        received_bytes: tick * tick * 900,
        sent_bytes: tick * 30_000,
        ..memory::usage(0)
    };
    let at = memory::NOW.plus_millis(i64::try_from(tick * 2000).unwrap_or_default());
    let name = "web1".parse().expect("a name");
    PageEvent::Samples { at, host: usage, vservers: vec![Sample { name, at, usage }] }
}
