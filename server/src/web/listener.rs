//! Accepts connections: TLS, then HTTP/2 or HTTP/1.1, as the browser chose.
//!
//! Invariants: there are never more connections than [`CONNECTIONS`], and [`PER_PEER`] from one
//! address; one that does not get to its first request in time is closed; when the server ends,
//! requests that are under way are answered first, for a while.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use app::i18n::Locale;
use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

use super::session::Peer;
use super::streams::Streams;
use super::told_to_end;

/// The most connections at once.
const CONNECTIONS: u32 = 512;
/// The most from one address; many people may sit behind one.
const PER_PEER: usize = 256;
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the head of a request may take, and the wait for the next one.
const HEAD: Duration = Duration::from_secs(30);
/// How long the first request of a connection may take to arrive.
const FIRST_REQUEST: Duration = Duration::from_secs(20);
/// How often an HTTP/2 browser is asked whether it is still there, and how long it has to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// The most requests at once in one HTTP/2 connection.
const REQUESTS_PER_CONNECTION: u32 = 64;
/// The longest head of a request, in bytes.
const HEAD_BYTES: u32 = 32 * 1024;
/// How long answers may take when the server ends.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How long to wait when the system has no descriptors left.
const BREATH: Duration = Duration::from_millis(100);
/// The first byte of every TLS connection: a handshake record.
const TLS_HANDSHAKE: u8 = 0x16;

/// Serves until `shutdown` says so.
pub(crate) async fn serve(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    router: Router,
    shutdown: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS as usize));
    let peers = Streams::at_most(PER_PEER);
    let tls = TlsAcceptor::from(config);
    let accept_all = async {
        // The semaphore is never closed.
        while let Ok(place) = places.clone().acquire_owned().await {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            };
            let Some(open) = peers.open(peer.ip().to_canonical()) else { continue };
            let (tls, router, shutdown) = (tls.clone(), router.clone(), shutdown.clone());
            tokio::spawn(async move {
                serve_connection(stream, peer, tls, router, shutdown).await;
                drop((place, open));
            });
        }
    };
    tokio::select! {
        () = accept_all => {}
        () = told_to_end(&shutdown) => {}
    }
    drop(listener);
    // All places free: all connections are closed.
    let _ = timeout(LAST_ANSWERS, places.acquire_many(CONNECTIONS)).await;
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: TlsAcceptor,
    router: Router,
    shutdown: watch::Receiver<bool>,
) {
    // Small answers are what an interactive page is made of.
    let _ = stream.set_nodelay(true);
    let handshake = async {
        let mut first = [0; 1];
        if stream.peek(&mut first).await? == 0 {
            return Ok(None);
        }
        if first == [TLS_HANDSHAKE] {
            tls.accept(stream).await.map(Some)
        } else {
            refuse_plain_http(stream).await?;
            Ok(None)
        }
    };
    match timeout(HANDSHAKE, handshake).await {
        Ok(Ok(Some(stream))) => serve_http(stream, peer.ip(), router, shutdown).await,
        Ok(Ok(None)) => {}
        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS connection"),
        Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
    }
}

/// Tells somebody who typed `http://` what to type instead. Their language is not known yet.
async fn refuse_plain_http(mut stream: TcpStream) -> std::io::Result<()> {
    let address = format!("https://{}/", stream.local_addr()?);
    let body: String =
        Locale::ALL.iter().map(|locale| locale.plain_http(&address) + "\n").collect();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    // What was not read would make the kernel reset the connection, and the answer be lost.
    let mut rest = [0; 4096];
    for _ in 0..16 {
        stream.readable().await?;
        match stream.try_read(&mut rest) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn serve_http(
    stream: TlsStream<TcpStream>,
    peer: IpAddr,
    router: Router,
    shutdown: watch::Receiver<bool>,
) {
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2".as_slice());
    let (first, mut first_seen) = watch::channel(false);
    let service = service_fn(move |request: Request<Incoming>| {
        first.send_if_modified(|seen| !std::mem::replace(seen, true));
        answer(router.clone(), peer, request)
    });
    // Chosen by what TLS agreed on, not by looking at the first bytes: nobody waits for those.
    let mut builder = match is_http2 {
        true => Builder::new(TokioExecutor::new()).http2_only(),
        false => Builder::new(TokioExecutor::new()).http1_only(),
    };
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .max_concurrent_streams(REQUESTS_PER_CONNECTION)
        .max_header_list_size(HEAD_BYTES);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let give_up_at = Instant::now() + FIRST_REQUEST;
    let mut is_first_awaited = true;
    let mut is_ending = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, error = &*error, "a connection ended badly");
                }
                return;
            }
            _ = first_seen.wait_for(|seen| *seen), if is_first_awaited => is_first_awaited = false,
            () = sleep_until(give_up_at), if is_first_awaited => return,
            () = told_to_end(&shutdown), if !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn answer(
    router: Router,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Peer(peer));
    router.oneshot(request).await
}
