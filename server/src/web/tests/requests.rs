//! What holds for every request: whose it is, where it comes from, what every answer carries.

use axum::body::Body;
use domain::change::{Change, PlainChange};
use domain::failure::Failure;
use http::{Request, StatusCode, header};

use super::{HOST, PASSWORD, TestSite};

#[tokio::test]
async fn what_comes_from_elsewhere_is_refused() {
    let site = TestSite::with_users().await;
    let mut ada = site.logged_in("ada").await;
    let right = || ada.clone().form("/api/vservers/start", "application/json", &[("only", "web1")]);
    let origin = format!("https://{HOST}");
    let cases: [(&str, Option<&str>, Option<&str>, bool); 8] = [
        ("this site's origin", Some(&origin), None, true),
        ("a modern browser's word", None, Some("same-origin"), true),
        ("no word at all", None, None, false),
        ("another origin", Some("https://evil.example"), None, false),
        ("another origin, whatever else", Some("https://evil.example"), Some("same-origin"), false),
        ("plain HTTP", Some("http://127.0.0.1:8443"), None, false),
        ("a sandboxed page", Some("null"), None, false),
        ("a sister site", None, Some("same-site"), false),
    ];
    for (what, origin, fetch_site, is_let_in) in cases {
        let mut request = right();
        request.headers_mut().remove(header::ORIGIN);
        for (name, value) in [("origin", origin), ("sec-fetch-site", fetch_site)] {
            if let Some(value) = value {
                request.headers_mut().insert(name, value.parse().unwrap());
            }
        }
        let answer = ada.clone().send(request).await;
        if is_let_in {
            assert_eq!(answer.status, StatusCode::OK, "{what}: {}", answer.text);
        } else {
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
            assert_eq!(answer.failure(), Failure::CrossSite, "{what}");
        }
    }
    // A WebSocket is asked for with GET, by any page of the world.
    for (origin, expected) in
        [("https://evil.example", StatusCode::FORBIDDEN), (origin.as_str(), StatusCode::NOT_FOUND)]
    {
        let path = format!("/terminals/{}/socket", super::engine_end::OPERATION);
        let request = ada
            .request("GET", &path)
            .header(header::UPGRADE, "websocket")
            .header(header::ORIGIN, origin);
        let answer = ada.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, expected, "{origin}");
    }
}

#[tokio::test]
async fn a_name_that_was_pointed_here_is_refused() {
    let site = TestSite::new().await;
    for (host, expected) in [
        ("evil.example:8443", StatusCode::MISDIRECTED_REQUEST),
        ("localhost.evil.example", StatusCode::MISDIRECTED_REQUEST),
        ("localhost:8443", StatusCode::OK),
        ("[::1]:8443", StatusCode::OK),
    ] {
        let request = Request::get("/login").header(header::HOST, host);
        let answer = site.browser().send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, expected, "{host}");
    }
    let request = Request::get("/login").body(Body::empty()).unwrap();
    assert_eq!(site.browser().send(request).await.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn every_answer_carries_the_security_headers_and_a_reference() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("ada").await;
    let mut references = std::collections::BTreeSet::new();
    for path in [
        "/login",
        "/vservers",
        "/no/such/page",
        "/pkg/none.js",
        "/events?from=x",
        "/api/account/log-in",
    ] {
        let answer = browser.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {path}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("'unsafe-inline'"), "{path}: {policy}");
        assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
        references.insert(answer.header("x-request-id").to_owned());
    }
    assert_eq!(references.len(), 6);
    assert!(references.iter().all(|reference| reference.len() == 26));
}

#[tokio::test]
async fn a_long_body_is_refused() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("ada").await;
    let long = "x".repeat(300 * 1024);
    let answer = browser.post("/api/vservers/build", &[("form[packages]", &long)]).await;
    assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{answer:?}");
    assert!(site.engine.world().operations.len() == 1);
}

#[tokio::test]
async fn an_embedded_file_is_compressed_and_kept_for_ever() {
    use app::backend::Assets;
    let site = TestSite::new().await;
    let address = site.site.assets.url("main.css");
    assert_ne!(address, "/pkg/main.css", "the site is built before this is compiled: make site");
    let mut browser = site.browser();
    for (accepted, encoding) in [("br, gzip", "br"), ("gzip", "gzip"), ("identity", "")] {
        let request = browser.request("GET", &address).header(header::ACCEPT_ENCODING, accepted);
        let answer = browser.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header(header::CONTENT_ENCODING), encoding);
        assert_eq!(answer.header(header::CONTENT_TYPE), "text/css; charset=utf-8");
        assert!(answer.header(header::CACHE_CONTROL).contains("immutable"));
        assert_eq!(answer.header(header::SET_COOKIE), "");
    }
    for path in ["/pkg/manifest.json", &format!("{address}.br"), "/pkg/..%2Fmanifest.json"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let page = browser.get("/login").await;
    assert!(page.text.contains(&address), "the page names the hashed file");
}

#[tokio::test]
async fn without_an_engine_people_and_programs_are_told() {
    let mut site = TestSite::with_users().await;
    let mut browser = site.logged_in("ada").await;
    site.engine.end();
    for (language, text) in
        [("en", "The engine does not answer"), ("fr", "Le moteur ne répond pas")]
    {
        browser.cookies.insert("lang".to_owned(), language.to_owned());
        let page = browser.get("/vservers").await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(page.text.contains(text), "{language}: {}", page.text);
        assert!(page.text.contains(page.header("x-request-id")), "the page shows its reference");
    }
    let answer = browser.post("/api/vservers/start", &[("only", "web1")]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.failure(), Failure::EngineDown);
    // People and history are there without it.
    assert_eq!(browser.get("/users").await.status, StatusCode::OK);
    assert_eq!(browser.get("/operations").await.status, StatusCode::OK);
    assert_eq!(site.browser().log_in("vera", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_without_javascript_says_what_came_of_it_once() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("otto").await;
    let answer = browser.submit("/api/vservers/stop", &[("only", "web1")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header(header::LOCATION), "/vservers");
    let queued = site.engine.world().operations.values().find_map(|operation| {
        (operation.kind == domain::operation::Kind::Stop).then(|| operation.id.to_string())
    });
    let queued = queued.unwrap();
    assert!(browser.get("/vservers").await.text.contains(&queued), "it names the operation");
    assert!(!browser.get("/vservers").await.text.contains(&queued), "but not again");
    let page = browser.get(&format!("/operations/{queued}")).await;
    assert_eq!(page.status, StatusCode::OK);
    let asked = &site.engine.world().asked;
    let stop = asked.iter().find(|frame| {
        let stop = |change: &Change| matches!(change, Change::Plain(PlainChange::Stop(_)));
        matches!(&frame.request, protocol::Request::Change(change) if stop(change))
    });
    assert_eq!(stop.unwrap().on_behalf_of.name.as_str(), "otto");
}
