//! Which request goes where, and what holds for all of them.
//!
//! From the outside in: every answer gets the security headers, a reference and a line in the log,
//! and a panic becomes an answer ([`around`]); the request must be for this site and, where it may
//! change something, from it ([`guard`]); its session is loaded and its user recognised; its body is
//! short, but for an [`upload`]; then it is a page, a server function, the event stream, a terminal or a console. Embedded files
//! need no session and get none, nor does what scrapes [`metrics`]. What is not listed here is the page "not found".

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use app::backend::{Account, Assets, Backend, Reference};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, on};
use domain::failure::Failure;
use domain::id::UserName;
use futures::FutureExt;
use http::{HeaderName, HeaderValue, StatusCode, header};
use leptos::config::LeptosOptions;
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list};
use tokio::time::Instant;
use tower_http::limit::RequestBodyLimitLayer;
use ulid::Ulid;

use super::account::RequestAccount;
use super::backend::SiteBackend;
use super::refusal::{locale_of, refuse, wants_text};
use super::session::{self, Peer, Visitor};
use super::upload::{self, Upload};
use super::{Site, assets, console, events, metrics, origin, terminal_socket};

/// The longest body of a request, in bytes.
const BODY_BYTES: usize = 256 * 1024;
/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(60);
/// Where the forms post to that somebody may use who must choose another password first.
const BEFORE_NEW_PASSWORD: [&str; 4] = [
    "/api/account/change-password",
    "/api/account/log-in",
    "/api/account/log-out",
    "/api/account/preferences",
];

/// What is on every answer, unless it says otherwise itself.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::CACHE_CONTROL, "no-store"),
    // Pages bring their own.
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// The whole site.
pub(crate) fn router(site: Arc<Site>) -> Router {
    let options = LeptosOptions::builder().output_name("ulysse").build();
    let pages = {
        let (site, options) = (site.clone(), options.clone());
        move |request: Request| page(site.clone(), options.clone(), request)
    };
    let mut router = Router::<LeptosOptions>::new()
        .leptos_routes_with_handler(generate_route_list(app::App), pages.clone())
        .route("/events", get(events::events).with_state(site.clone()))
        .route("/terminals/{id}/socket", get(terminal_socket::socket).with_state(site.clone()))
        .route("/vservers/{name}/console/{boot}", get(console::download).with_state(site.clone()));
    for (path, method) in server_fn::axum::server_fn_paths() {
        let Ok(filter) = method.try_into() else { continue };
        let site = site.clone();
        let handler = move |request: Request| server_function(site.clone(), request);
        router = router.route(path, on(filter, handler));
    }
    router
        .fallback(pages)
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        // The bodies that may be long.
        .route(Upload::Template.path(), upload::route(Upload::Template, site.clone()))
        .route(Upload::Import.path(), upload::route(Upload::Import, site.clone()))
        .layer(from_fn_with_state(site.clone(), session::recognise))
        .layer(session::layer(site.store.clone(), site.clock.clone()))
        .with_state(options)
        .route("/pkg/{name}", get(assets::serve).with_state(site.assets.clone()))
        // A scraper has a token of its own, and no session.
        .route("/metrics", get(metrics::metrics).with_state(site.clone()))
        .layer(from_fn_with_state(site, guard))
        .layer(from_fn(around))
}

/// What pages and server functions find in leptos's context.
fn context(
    site: &Arc<Site>,
    request: &Request,
) -> impl Fn() + Clone + Send + Sync + 'static + use<> {
    let site = site.clone();
    let visitor = request.extensions().get::<Visitor>().cloned();
    let reference = reference_of(request);
    move || {
        provide_context::<Arc<dyn Backend>>(Arc::new(SiteBackend(site.clone())));
        if let Some(visitor) = visitor.clone() {
            provide_context(visitor.identity());
            let account = RequestAccount { site: site.clone(), visitor };
            provide_context::<Arc<dyn Account>>(Arc::new(account));
        }
        provide_context::<Arc<dyn Assets>>(site.assets.clone());
        provide_context(site.clock.clone());
        provide_context(reference.clone());
    }
}

fn reference_of(request: &Request) -> Reference {
    let found = request.extensions().get::<Reference>().cloned();
    found.unwrap_or_else(|| Reference(String::new()))
}

async fn page(site: Arc<Site>, options: LeptosOptions, request: Request) -> Response {
    let context = context(&site, &request);
    let shell = move || app::shell(options.clone());
    leptos_axum::render_app_async_with_context(context, shell)(request).await.into_response()
}

async fn server_function(site: Arc<Site>, request: Request) -> Response {
    let must_change_password =
        request.extensions().get::<Visitor>().is_some_and(Visitor::must_change_password);
    if must_change_password && !BEFORE_NEW_PASSWORD.contains(&request.uri().path()) {
        if wants_text(request.headers()) {
            return (StatusCode::SEE_OTHER, [(header::LOCATION, "/account/password")])
                .into_response();
        }
        let action = "change-password-first".to_owned();
        let Reference(reference) = reference_of(&request);
        return refuse(Failure::NotAllowed { action }, request.headers(), &reference);
    }
    let context = context(&site, &request);
    leptos_axum::handle_server_fns_with_context(context, request).await.into_response()
}

/// Lets through what is for this site and, where it may change something, from it.
async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let Some(authority) = site.hosts.of(&request) else {
        let headers = request.headers();
        let from_header = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = request.uri().host().or(from_header).unwrap_or("?");
        let text = locale_of(headers).unknown_host(host);
        return (StatusCode::MISDIRECTED_REQUEST, text + "\n").into_response();
    };
    if origin::must_be_same_site(&request) && !origin::is_same_site(request.headers(), &authority) {
        let Reference(reference) = reference_of(&request);
        return refuse(Failure::CrossSite, request.headers(), &reference);
    }
    next.run(request).await
}

/// Who made a request, told to the log by whoever recognised them.
#[derive(Debug, Clone)]
pub(crate) struct MadeBy(pub(crate) UserName);

/// The path as the log shows it: a set-up link's token is a password.
fn loggable(path: &str) -> &str {
    if path.starts_with("/setup/") { "/setup/…" } else { path }
}

/// What holds for every answer.
async fn around(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let reference = new_reference();
    request.extensions_mut().insert(Reference(reference.clone()));
    let method = request.method().clone();
    let path = loggable(request.uri().path()).to_owned();
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.to_string());
    let head = request.headers().clone();

    // A page that panicked has changed nothing that outlives its request but what is behind locks
    // that do not mind.
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind();
    // An upload is answered when all of it has come; it watches over its own time.
    let is_upload = Upload::ALL.iter().any(|one| path == one.path());
    let patience = if is_upload { upload::LONGEST } else { ANSWER };
    let mut response = match tokio::time::timeout(patience, answered).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            let said = panic
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            tracing::error!(%reference, said, "a request's handler panicked");
            let detail = "a mistake in Ulysse".to_owned();
            refuse(Failure::Unexpected { detail }, &head, &reference)
        }
        Err(_) => {
            let (what, seconds) = ("the answer".to_owned(), ANSWER.as_secs());
            refuse(Failure::TimedOut { what, seconds }, &head, &reference)
        }
    };

    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::try_from(&reference) {
        headers.insert("x-request-id", value);
    }
    let status = response.status().as_u16();
    let user = response.extensions().get::<MadeBy>().map(|made_by| made_by.0.as_str());
    let millis = began.elapsed().as_millis();
    if path.starts_with("/pkg/") {
        tracing::debug!(%reference, %method, path, status, millis, peer, "request");
    } else {
        tracing::info!(%reference, %method, path, status, millis, user, peer, "request");
    }
    response
}

fn new_reference() -> String {
    use engine::clock::Clock as _;
    let now = engine::clock::SystemClock.now();
    Ulid::from_parts(u64::try_from(now.0).unwrap_or_default(), rand::random()).to_string()
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_with_the_reference_of_its_line_in_the_log() {
        async fn panicking() -> &'static str {
            panic!("what nobody foresaw")
        }
        let router: Router = Router::new().route("/", get(panicking)).layer(from_fn(around));
        for (language, word) in [("en", "Reference"), ("fr", "Référence")] {
            let request = Request::get("/")
                .header(header::ACCEPT, "text/html")
                .header(header::ACCEPT_LANGUAGE, language);
            let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await;
            let response = response.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let reference = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            assert_eq!(response.headers()["x-content-type-options"], "nosniff");
            let text = to_bytes(response.into_body(), 4096).await.unwrap();
            let text = String::from_utf8(text.to_vec()).unwrap();
            assert!(text.contains(word) && text.contains(&reference), "{text}");
            assert!(!text.contains("foresaw"), "{text}");
        }
    }

    #[test]
    fn the_log_holds_no_token() {
        assert_eq!(loggable("/setup/c2VjcmV0"), "/setup/…");
        assert_eq!(loggable("/vservers/web1"), "/vservers/web1");
    }
}
