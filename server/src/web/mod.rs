//! The role `ulysse web`: everything that strangers can reach.
//!
//! Started by `ulysse serve` alone, with the bound TCP socket at descriptor 3, the requests' socket
//! at 4 and the events' at 5. It gives its rights up first ([`confine`]), then opens the database and
//! the certificate, and serves until it is told to end or `serve` is gone. What it knows of VServers
//! it asks the engine for; the permission table decides who may ask.

mod account;
mod assets;
mod backend;
mod clock;
mod confine;
mod console;
mod engine_client;
mod events;
mod follow;
mod listener;
mod login;
mod measure;
mod metrics;
mod origin;
mod packets;
mod processes;
mod refusal;
mod router;
mod session;
mod streams;
mod terminal_socket;
#[cfg(test)]
mod tests;
mod tls;
mod upload;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use app::backend::Clock;
use domain::failure::Failure;
use domain::id::UserId;
use engine::roots::Settings;
use store::Store;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::log;
use crate::setup_token::SetupToken;
use domain::failure::chain;

use self::assets::EmbeddedAssets;
use self::clock::WallClock;
use self::engine_client::EngineClient;
use self::follow::Follow;
use self::login::LoginGate;
use self::metrics::Scraper;
use self::origin::Hosts;
use self::processes::Processes;
use self::streams::Streams;
use self::tls::Certificate;

/// Where the bound TCP socket is.
pub(crate) const LISTENER: i32 = 3;
/// Where the requests' socket is.
pub(crate) const REQUESTS: i32 = 4;
/// Where the events' socket is.
pub(crate) const EVENTS: i32 = 5;

/// How many streams and terminals a user has open at most: every tab has one or two.
const STREAMS_PER_USER: usize = 32;
/// How often what has expired is removed from the database.
const SWEEP: Duration = Duration::from_secs(600);
/// How long the process waits for tasks that do not end.
const LAST_TASKS: Duration = Duration::from_secs(2);
/// The name of the database in its directory.
const DATABASE: &str = "ulysse.sqlite3";

/// Why the web process ends.
#[derive(Debug, thiserror::Error)]
enum WebError {
    #[error("taking the sockets of `ulysse serve`: the web process is started by it, not by hand")]
    Sockets(#[source] io::Error),
    #[error("giving up rights")]
    Confine(#[from] confine::ConfineError),
    #[error("starting the runtime")]
    Runtime(#[source] io::Error),
    #[error("opening the database")]
    Database(#[from] store::StoreError),
    #[error("preparing TLS")]
    Tls(#[from] tls::TlsError),
    #[error("listening")]
    Listen(#[source] io::Error),
    #[error("waiting for signals")]
    Signals(#[source] io::Error),
    #[error("making a set-up link")]
    SetupToken(#[from] crate::setup_token::SetupTokenError),
    #[error("printing the address")]
    Print(#[source] io::Error),
    #[error("naming the web process")]
    Name,
}

/// What every part of the site shares.
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) engine: EngineClient,
    pub(crate) follow: Arc<Follow>,
    pub(crate) processes: Arc<Processes>,
    pub(crate) assets: Arc<EmbeddedAssets>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) logins: LoginGate,
    pub(crate) hosts: Hosts,
    pub(crate) streams: Streams<UserId>,
    pub(crate) shutdown: watch::Receiver<bool>,
    /// Who may read `/metrics`; nobody unless the settings name a token.
    pub(crate) scraper: Option<Scraper>,
}

/// Waits until the process is told to end.
pub(crate) async fn told_to_end(shutdown: &watch::Receiver<bool>) {
    // An error means that whoever would say so is gone.
    let _ = shutdown.clone().wait_for(|is_ending| *is_ending).await;
}

/// What [`Site::open`] is made from.
struct Parts {
    store: Store,
    requests: OwnedFd,
    events: OwnedFd,
    hosts: Hosts,
    clock: Arc<dyn Clock>,
    shutdown: watch::Receiver<bool>,
    scraper: Option<Scraper>,
}

impl Site {
    /// Connects to the engine and begins to follow it. Within the runtime.
    fn open(parts: Parts) -> Result<Arc<Self>, WebError> {
        let Parts { store, requests, events, hosts, clock, shutdown, scraper } = parts;
        let engine = EngineClient::start(requests, rand::random(), clock.clone())
            .map_err(WebError::Sockets)?;
        let nobody = engine_client::on_behalf_of_nobody().ok_or(WebError::Name)?;
        let processes = Processes::start(engine.clone(), nobody.clone());
        let follow = Follow::start(events, engine.clone(), store.clone(), clock.clone(), nobody)
            .map_err(WebError::Sockets)?;
        Ok(Arc::new(Self {
            store,
            engine,
            follow,
            processes,
            assets: Arc::new(EmbeddedAssets::load()),
            clock,
            logins: LoginGate::new(),
            hosts,
            streams: Streams::at_most(STREAMS_PER_USER),
            shutdown,
            scraper,
        }))
    }
}

/// The role.
pub(crate) fn run(settings: Settings) -> ExitCode {
    log::begin();
    match start(&settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(&error), "the web process ends");
            ExitCode::FAILURE
        }
    }
}

fn start(settings: &Settings) -> Result<(), WebError> {
    let take = |number| sys::descriptor::take_inherited(number).map_err(WebError::Sockets);
    let listener = TcpListener::from(take(LISTENER)?);
    let (requests, events) = (take(REQUESTS)?, take(EVENTS)?);
    let scraper = Scraper::of(settings);
    // Before there is a second thread.
    confine::confine(&settings.web.user, &settings.roots.database_base)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("web")
        .build()
        .map_err(WebError::Runtime)?;
    let ended = runtime.block_on(serve(settings, listener, requests, events, scraper));
    runtime.shutdown_timeout(LAST_TASKS);
    ended
}

async fn serve(
    settings: &Settings,
    listener: TcpListener,
    requests: OwnedFd,
    events: OwnedFd,
    scraper: Option<Scraper>,
) -> Result<(), WebError> {
    let clock: Arc<dyn Clock> = Arc::new(WallClock);
    let machine = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let directory = &settings.roots.database_base;
    let store = Store::open(&directory.join(DATABASE)).await?;
    let listen = listener.local_addr().map_err(WebError::Listen)?;
    let names = certificate_names(settings, machine.as_deref(), listen);
    let certificate = Certificate::load_or_make(directory, names, clock.now())?;
    let (end, shutdown) = watch::channel(false);
    let hosts = Hosts::new(&settings.web.host_names, machine.as_deref());
    let shutdown_of_site = shutdown.clone();
    let parts =
        Parts { store, requests, events, hosts, clock, shutdown: shutdown_of_site, scraper };
    let site = Site::open(parts)?;
    let router = router::router(site.clone());
    listener.set_nonblocking(true).map_err(WebError::Listen)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(WebError::Listen)?;
    tokio::spawn(sweep(site.clone()));
    announce(&site, listen, &certificate.fingerprint).await?;

    let mut terminate = signal(SignalKind::terminate()).map_err(WebError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(WebError::Signals)?;
    let engine = site.engine.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("told to end"),
            _ = interrupt.recv() => tracing::info!("interrupted"),
            () = engine.closed() => tracing::warn!("`ulysse serve` is gone"),
        }
        end.send_replace(true);
    });
    listener::serve(listener, certificate.config, router, shutdown).await;
    site.follow.keep_all_measured().await;
    Ok(())
}

/// The names that a new certificate is for.
fn certificate_names(
    settings: &Settings,
    machine: Option<&str>,
    listen: SocketAddr,
) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(machine.map(str::to_owned));
    if !listen.ip().is_unspecified() {
        names.push(listen.ip().to_string());
    }
    names.extend(settings.web.host_names.iter().map(ToString::to_string));
    names.sort();
    names.dedup();
    names
}

/// Says where the site is and how to know it; while there is no administrator also how to become
/// one. Programs read these lines.
async fn announce(site: &Site, listen: SocketAddr, fingerprint: &str) -> Result<(), WebError> {
    let address = match listen.ip().is_unspecified() {
        true => format!("localhost:{}", listen.port()),
        false => listen.to_string(),
    };
    let mut lines = format!("Ulysse: https://{address}/\nFingerprint: SHA256 {fingerprint}\n");
    if !site.store.has_administrator().await? {
        let token = SetupToken::generate()?;
        let expires_at = SetupToken::expires_at(site.clock.now());
        site.store.add_setup_token(&token.hash(), expires_at).await?;
        lines += &format!("Set-up link: {} (valid for 1 hour)\n", token.link(listen));
    }
    let mut out = io::stdout().lock();
    out.write_all(lines.as_bytes()).and_then(|()| out.flush()).map_err(WebError::Print)
}

/// Removes what has expired, now and then.
async fn sweep(site: Arc<Site>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        if let Err(error) = site.store.delete_expired(site.clock.now()).await {
            let failure = Failure::from(error);
            tracing::warn!(%failure, "removing what has expired");
        }
        match site.follow.sweep_histories().await {
            Ok(()) | Err(Failure::EngineDown) => {}
            Err(failure) => tracing::warn!(%failure, "forgetting VServers that are gone"),
        }
    }
}
