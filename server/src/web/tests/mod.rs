//! The web process against a real database, with an engine's end that speaks the protocol.
//!
//! Requests go through the real router; where TLS or WebSockets matter, through real connections.

mod confined;
mod connections;
mod console;
mod engine;
mod engine_end;
mod live;
mod login;
mod metrics;
mod requests;
mod upload;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use app::backend::Clock;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use domain::failure::Failure;
use domain::time::UnixMillis;
use domain::user::{Password, Role, User};
use http::{HeaderMap, Request, StatusCode, header};
use store::{NewUser, Store};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

use super::metrics::Scraper;
use super::origin::Hosts;
use super::session::Peer;
use super::{Parts, Site, router};
use crate::password;
use crate::setup_token::SetupToken;
use engine_end::EngineEnd;

/// Everybody's password.
const PASSWORD: &str = "the horse is battery";
/// What a scraper shows.
const TOKEN: &str = "a token of thirty-two characters";
/// The host that browsers ask for.
const HOST: &str = "127.0.0.1:8443";

/// The host's clock, set forward by some time.
#[derive(Default)]
struct ShiftedClock(AtomicI64);

impl Clock for ShiftedClock {
    fn now(&self) -> UnixMillis {
        super::clock::WallClock.now().plus_millis(self.0.load(Ordering::Relaxed))
    }
}

impl ShiftedClock {
    fn set_forward(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::Relaxed);
    }
}

/// A site of its own for each test.
struct TestSite {
    site: Arc<Site>,
    router: Router,
    engine: EngineEnd,
    clock: Arc<ShiftedClock>,
    end: watch::Sender<bool>,
    directory: TempDir,
}

impl TestSite {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("ulysse.sqlite3")).await.unwrap();
        let (engine, requests, events) = EngineEnd::start();
        let clock = Arc::new(ShiftedClock::default());
        let (end, shutdown) = watch::channel(false);
        let site = Site::open(Parts {
            store,
            requests,
            events,
            hosts: Hosts::default(),
            clock: clock.clone(),
            shutdown,
            scraper: Some(Scraper::knowing(TOKEN)),
        })
        .unwrap();
        let router = router::router(site.clone());
        Self { site, router, engine, clock, end, directory }
    }

    /// With one user of each role: ada, otto, vera; otto has a terminal.
    async fn with_users() -> Self {
        let site = Self::new().await;
        for role in Role::ALL {
            site.user(name_of(role), role).await;
        }
        let otto = site.find("otto").await.id;
        let terminal = engine_end::terminal(engine_end::TERMINAL, otto);
        site.engine.world().terminals.push(terminal);
        site
    }

    async fn user(&self, name: &str, role: Role) -> User {
        let new = NewUser {
            name: name.parse().unwrap(),
            role,
            password_hash: hash().to_owned(),
            must_change_password: false,
            created_at: self.clock.now(),
        };
        self.site.store.create_user(new).await.unwrap()
    }

    async fn find(&self, name: &str) -> User {
        self.site.store.user_by_name(&name.parse().unwrap()).await.unwrap().unwrap()
    }

    async fn setup_token(&self) -> String {
        let token = SetupToken::generate().unwrap();
        let expires_at = SetupToken::expires_at(self.clock.now());
        self.site.store.add_setup_token(&token.hash(), expires_at).await.unwrap();
        token.reveal()
    }

    fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            csrf: String::new(),
            peer: "192.0.2.1",
        }
    }

    /// A browser in which this user has logged in.
    async fn logged_in(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        let answer = browser.log_in(name, PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        browser
    }
}

/// Hashing is slow by design: once for all tests.
fn hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| password::hash(&Password::attempt(PASSWORD.to_owned()).unwrap()).unwrap())
}

fn name_of(role: Role) -> &'static str {
    match role {
        Role::Administrator => "ada",
        Role::Operator => "otto",
        Role::Viewer => "vera",
    }
}

/// Waits until something is so; fails loudly when it never is.
async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), wait).await.is_ok(), "never: {what}");
}

/// An answer as tests look at it.
#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The failure that a program is told.
    fn failure(&self) -> Failure {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no failure: {self:?}"))
    }
}

/// A browser with cookies, which says where its requests come from.
#[derive(Clone)]
struct Browser {
    router: Router,
    cookies: BTreeMap<String, String>,
    csrf: String,
    peer: &'static str,
}

impl Browser {
    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, HOST)
            .extension(Peer(self.peer.parse().unwrap()));
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        request
    }

    /// Sends as it is and keeps the cookies that come back; the body is still to be read.
    async fn start(&mut self, request: Request<Body>) -> Response {
        let response = self.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            match cookie.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        response
    }

    async fn send(&mut self, request: Request<Body>) -> Answer {
        let response = self.start(request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// Opens a page, and remembers the token of its forms.
    async fn get(&mut self, path: &str) -> Answer {
        let request = self.request("GET", path).header(header::ACCEPT, "text/html");
        let answer = self.send(request.body(Body::empty()).unwrap()).await;
        let token = answer.text.split("name=\"csrf\" value=\"").nth(1);
        if let Some(token) = token.and_then(|rest| rest.split('"').next()) {
            token.clone_into(&mut self.csrf);
        }
        answer
    }

    fn form(&self, path: &str, accept: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let has_csrf = fields.iter().any(|(name, _)| *name == "csrf");
        let csrf = (!has_csrf).then_some(("csrf", self.csrf.as_str()));
        let body: Vec<_> = fields
            .iter()
            .copied()
            .chain(csrf)
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        self.request("POST", path)
            .header(header::ORIGIN, format!("https://{HOST}"))
            .header(header::ACCEPT, accept)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.join("&").into())
            .unwrap()
    }

    /// Sends a form as a program does, with this session's token: answered with JSON.
    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.form(path, "application/json", fields)).await
    }

    /// Sends a form as a page does: answered with where to go on.
    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.form(path, "text/html", fields)).await
    }

    async fn log_in(&mut self, name: &str, password: &str) -> Answer {
        self.get("/login").await;
        let answer =
            self.post("/api/account/log-in", &[("name", name), ("password", password)]).await;
        if answer.status == StatusCode::OK {
            self.get("/account/password").await;
        }
        answer
    }

    fn session(&self) -> Option<&String> {
        self.cookies.get(super::session::COOKIE)
    }
}

fn encoded(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
