//! Sessions: who a browser is, from its cookie to a user of the database, anew at each request.
//!
//! Invariants: the cookie is `__Host-ulysse` and holds a random id, of which the database has the
//! SHA-256 only; a session ends after 12 hours without a request, and a log-in after 7 days; who is
//! disabled or changed has no session any more, and a request that was under way does not bring it
//! back: the store changes a session only where there is one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use domain::id::UserId;
use domain::time::UnixMillis;
use domain::user::{Identity, User};
use sha2::{Digest as _, Sha256};
use store::{SessionRow, Store};
use time::{Duration, OffsetDateTime};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, SessionStore};
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use super::Site;
use super::router::MadeBy;
use domain::failure::chain;

/// The cookie's name. The prefix makes browsers refuse it from anywhere but this very host.
pub(crate) const COOKIE: &str = "__Host-ulysse";

/// How long a logged-in session lives without a request.
const IDLE: Duration = Duration::hours(12);
/// The same before anybody has logged in: it holds nothing but a form's token.
const IDLE_NOBODY: Duration = Duration::hours(1);
/// How long a log-in lasts at most, in milliseconds.
const LONGEST_MS: u64 = 7 * 24 * 3600 * 1000;
/// How often a session that is used is written down again, in milliseconds.
const TOUCH_MS: u64 = 5 * 60 * 1000;

/// The keys of a session's data.
pub(crate) mod key {
    pub(crate) const USER: &str = "user";
    pub(crate) const SINCE: &str = "since";
    pub(crate) const SEEN: &str = "seen";
    pub(crate) const CSRF: &str = "csrf";
    pub(crate) const FLASH: &str = "flash";
}

/// The layer that loads and keeps sessions.
pub(crate) fn layer(
    store: Store,
    clock: Arc<dyn app::backend::Clock>,
) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions { store, clock })
        .with_name(COOKIE)
        .with_secure(true)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(IDLE))
}

/// What the database knows a session by.
pub(crate) fn key_of(id: &Id) -> String {
    format!("{:x}", Sha256::digest(id.to_string()))
}

/// Sessions in the database.
#[derive(Clone)]
pub(crate) struct Sessions {
    store: Store,
    clock: Arc<dyn app::backend::Clock>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

fn broken(error: impl std::error::Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

fn row_of(record: &Record) -> session_store::Result<SessionRow> {
    let data = serde_json::to_vec(&record.data)
        .map_err(|error| session_store::Error::Encode(error.to_string()))?;
    let user = record.data.get(key::USER).and_then(serde_json::Value::as_i64);
    let millis = record.expiry_date.unix_timestamp_nanos() / 1_000_000;
    Ok(SessionRow {
        key: key_of(&record.id),
        user: user.map(UserId),
        data,
        expires_at: UnixMillis(i64::try_from(millis).unwrap_or(i64::MAX)),
    })
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        while !self.store.create_session(row_of(record)?).await.map_err(broken)? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.store.save_session(row_of(record)?).await.map_err(broken)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let row = self.store.session(&key_of(id), self.clock.now()).await.map_err(broken)?;
        let Some(row) = row else { return Ok(None) };
        let data: HashMap<String, serde_json::Value> = serde_json::from_slice(&row.data)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let expiry_date =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(row.expires_at.0) * 1_000_000)
                .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        self.store.delete_session(&key_of(id)).await.map_err(broken)
    }
}

/// Where a request came from; set by whoever accepted the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Who makes the request at hand.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) session: Session,
    pub(crate) user: Option<User>,
    pub(crate) peer: Option<IpAddr>,
}

impl Visitor {
    /// The user, as the authz table asks for them.
    pub(crate) fn identity(&self) -> Option<Identity> {
        self.user.as_ref().map(|user| Identity {
            user: user.id,
            name: user.name.clone(),
            role: user.role,
        })
    }

    /// Whether nothing may be done before another password was chosen.
    pub(crate) fn must_change_password(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.must_change_password)
    }
}

/// A session that something long-lived (a stream, a terminal) hangs on.
#[derive(Clone)]
pub(crate) struct Tie {
    key: String,
    identity: Identity,
}

impl Tie {
    /// The tie of a visitor who is logged in.
    pub(crate) fn of(visitor: &Visitor) -> Option<Self> {
        Some(Self { key: key_of(&visitor.session.id()?), identity: visitor.identity()? })
    }

    /// Whose it is.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the session still is, and its user may what they might.
    pub(crate) async fn holds(&self, site: &Site) -> bool {
        let session = site.store.session(&self.key, site.clock.now()).await;
        if !matches!(session, Ok(Some(row)) if row.user == Some(self.identity.user)) {
            return false;
        }
        match site.store.user(self.identity.user).await {
            Ok(Some(user)) => {
                !user.disabled && !user.must_change_password && user.role == self.identity.role
            }
            Ok(None) | Err(_) => false,
        }
    }
}

/// Finds out who makes a request and notes it as [`Visitor`].
pub(crate) async fn recognise(
    State(site): State<Arc<Site>>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let user = match user_of(&site, &session).await {
        Ok(user) => user,
        Err(error) => {
            tracing::error!(error = chain(&*error), "finding out who makes a request");
            None
        }
    };
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let made_by = user.as_ref().map(|user| MadeBy(user.name.clone()));
    request.extensions_mut().insert(Visitor { session, user, peer });
    let mut response = next.run(request).await;
    if let Some(made_by) = made_by {
        response.extensions_mut().insert(made_by);
    }
    response
}

/// The user of a session, when they may still be.
async fn user_of(
    site: &Site,
    session: &Session,
) -> Result<Option<User>, Box<dyn std::error::Error + Send + Sync>> {
    if session.id().is_none() {
        return Ok(None);
    }
    let Some(id) = session.get::<UserId>(key::USER).await? else {
        return Ok(None);
    };
    let now = site.clock.now();
    let since = session.get::<UnixMillis>(key::SINCE).await?;
    let is_fresh = since.is_some_and(|since| now.millis_since(since) < LONGEST_MS);
    let user = site.store.user(id).await?.filter(|user| is_fresh && !user.disabled);
    if user.is_none() {
        end(session).await?;
        return Ok(None);
    }
    let seen = session.get::<UnixMillis>(key::SEEN).await?;
    if seen.is_none_or(|seen| now.millis_since(seen) >= TOUCH_MS) {
        session.insert(key::SEEN, now).await?;
    }
    Ok(user)
}

/// Begins a user's session: another id, so that nobody who knew the old one is let in.
pub(crate) async fn begin(
    session: &Session,
    user: &User,
    csrf: &str,
    now: UnixMillis,
) -> Result<(), tower_sessions::session::Error> {
    session.clear().await;
    session.cycle_id().await?;
    session.insert(key::USER, user.id).await?;
    session.insert(key::SINCE, now).await?;
    session.insert(key::SEEN, now).await?;
    session.insert(key::CSRF, csrf).await?;
    session.set_expiry(Some(Expiry::OnInactivity(IDLE)));
    // At once: what the session is for must not depend on the status of the answer.
    session.save().await
}

/// Ends a session. What is put into it afterwards is in another one, nobody's.
pub(crate) async fn end(session: &Session) -> Result<(), tower_sessions::session::Error> {
    session.clear().await;
    session.cycle_id().await?;
    shorten(session);
    Ok(())
}

/// Lets a session that is nobody's end sooner. Only for one that is being changed anyway.
pub(crate) fn shorten(session: &Session) {
    session.set_expiry(Some(Expiry::OnInactivity(IDLE_NOBODY)));
}
