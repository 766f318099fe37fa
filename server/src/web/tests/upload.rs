//! Uploads: who may, what is passed on to the engine, and what is never taken for a whole archive.

use std::io::Error;

use axum::body::{Body, Bytes};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::user::Role;
use futures::StreamExt as _;
use http::{Request, StatusCode, header};
use protocol::upload::{MAX_PACKET_BYTES, ToEngine};
use sys::seqpacket;

use super::{Browser, HOST, TestSite, name_of};

const PATH: &str = "/api/templates/add";
const IMPORT: &str = "/api/backups/import";

/// The form as a browser sends it; no archive when it was cut off.
fn body(csrf: &str, name: &str, archive: &[u8], is_whole: bool) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in [("csrf", csrf), ("name", name), ("description", "A system")] {
        let head = format!("--x\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n");
        body.extend([head.as_bytes(), value.as_bytes(), b"\r\n"].concat());
    }
    body.extend(
        b"--x\r\nContent-Disposition: form-data; name=\"archive\"; filename=\"../../x.tar\"\r\n\r\n",
    );
    body.extend(archive);
    if is_whole {
        body.extend(b"\r\n--x--\r\n");
    }
    body
}

fn form(browser: &Browser, accept: &str, body: Vec<u8>) -> Request<Body> {
    form_to(PATH, browser, accept, body)
}

fn form_to(path: &str, browser: &Browser, accept: &str, body: Vec<u8>) -> Request<Body> {
    browser
        .request("POST", path)
        .header(header::ORIGIN, format!("https://{HOST}"))
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
        .header(header::CONTENT_LENGTH, body.len())
        .body(body.into())
        .unwrap()
}

/// What the engine heard: the bytes, and whether that was all.
fn heard(site: &TestSite) -> (Vec<u8>, bool) {
    let socket = site.engine.world().uploads.pop().unwrap();
    let mut buffer = vec![0; MAX_PACKET_BYTES];
    let mut bytes = Vec::new();
    loop {
        let received = seqpacket::receive(&socket, &mut buffer).unwrap().bytes;
        match ToEngine::parse(&buffer[..received]) {
            Some(ToEngine::Part(part)) => bytes.extend_from_slice(part),
            Some(ToEngine::End) => return (bytes, true),
            None => return (bytes, false),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_passed_on_whole_and_the_browser_goes_on_at_its_operation() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("otto").await;
    // More than what any other form may be, and fits the socket's buffer.
    let archive: Vec<u8> = (0..150_000_u32).flat_map(u32::to_le_bytes).collect();
    let request = form(&browser, "text/html", body(&browser.csrf, "mandriva", &archive, true));
    let reader = std::thread::scope(|scope| {
        let site = &site;
        let reader = scope.spawn(move || {
            while site.engine.world().uploads.is_empty() {
                std::thread::yield_now();
            }
            heard(site)
        });
        let answer = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(browser.send(request))
        });
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert!(answer.header(header::LOCATION).starts_with("/operations/"), "{answer:?}");
        reader.join().unwrap()
    });
    assert_eq!(reader, (archive, true));
}

#[tokio::test]
async fn an_upload_that_is_cut_off_is_never_whole() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("otto").await;
    let cut = body(&browser.csrf, "mandriva", &[7; 100_000], false);
    let mut request = form(&browser, "application/json", Vec::new());
    request.headers_mut().remove(header::CONTENT_LENGTH);
    // As a network brings it: piece by piece, then no more.
    let pieces: Vec<_> =
        cut.chunks(25_000).map(Bytes::copy_from_slice).map(Ok::<_, Error>).collect();
    *request.body_mut() = Body::from_stream(futures::stream::iter(pieces).then(|piece| async {
        tokio::task::yield_now().await;
        piece
    }));
    let answer = browser.send(request).await;
    assert!(matches!(answer.failure(), Failure::UploadBroken { .. }), "{answer:?}");
    // How much of it has come to the engine by then is the parser's affair; never the last word.
    let has_begun = !site.engine.world().uploads.is_empty();
    assert!(!has_begun || !heard(&site).1);
}

#[tokio::test]
async fn nothing_comes_to_the_engine_before_all_else_is_right() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("otto").await;
    let csrf = browser.csrf.clone();
    let other = site.logged_in("ada").await.csrf;
    site.engine.world().asked.clear();
    for token in ["", "forged", &other] {
        let request = form(&browser, "application/json", body(token, "mandriva", b"x", true));
        assert_eq!(browser.send(request).await.failure(), Failure::CrossSite);
    }
    for (name, archive, field) in
        [("../up", &b"x"[..], Field::Template), ("good", b"", Field::Archive)]
    {
        let request = form(&browser, "application/json", body(&csrf, name, archive, true));
        let answer = browser.send(request).await;
        let Failure::Invalid { errors } = answer.failure() else { panic!("{answer:?}") };
        assert_eq!(errors.0.first().map(|error| error.field), Some(field));
    }
    let request = form(&browser, "text/html", body(&csrf, "a b", b"x", true));
    let answer = browser.send(request).await;
    assert_eq!(answer.header(header::LOCATION), "/templates");
    let page = browser.get("/templates").await.text;
    assert!(page.contains("value=\"a b\"") && page.contains("value=\"A system\""), "{page}");
    // From another site, and no form at all.
    let mut elsewhere = form(&browser, "application/json", body(&csrf, "mandriva", b"x", true));
    elsewhere.headers_mut().insert(header::ORIGIN, "https://evil.example".parse().unwrap());
    assert_eq!(browser.send(elsewhere).await.failure(), Failure::CrossSite);
    let answer = browser.post(PATH, &[("name", "x")]).await;
    let Failure::Invalid { errors } = answer.failure() else { panic!("{answer:?}") };
    assert_eq!(errors.of(Field::Archive).next(), Some(&Problem::Missing));
    assert!(site.engine.world().uploads.is_empty());
}

#[tokio::test]
async fn uploads_are_for_those_whom_the_table_allows() {
    let site = TestSite::with_users().await;
    for path in [PATH, IMPORT] {
        let mut nobody = site.browser();
        nobody.get("/login").await;
        let sent = body(&nobody.csrf, "m", b"x", true);
        let request = form_to(path, &nobody, "application/json", sent);
        assert_eq!(nobody.send(request).await.failure(), Failure::NotLoggedIn, "{path}");
        for role in Role::ALL {
            let mut browser = site.logged_in(name_of(role)).await;
            let sent = body(&browser.csrf, "m", b"x", true);
            let request = form_to(path, &browser, "application/json", sent);
            let answer = browser.send(request).await;
            let expected = match role {
                Role::Viewer => StatusCode::FORBIDDEN,
                _ => StatusCode::OK,
            };
            assert_eq!(answer.status, expected, "{path}, {role}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn an_import_is_judged_before_any_of_it_comes() {
    let site = TestSite::with_users().await;
    let mut browser = site.logged_in("otto").await;
    let csrf = browser.csrf.clone();
    let sent = |token: &str, name: &str, accept: &str| {
        form_to(IMPORT, &browser, accept, body(token, name, b"x", true))
    };
    let forged = sent("forged", "web1", "application/json");
    let wrong = sent(&csrf, "../up", "application/json");
    let shown = sent(&csrf, "a b", "text/html");
    assert_eq!(browser.send(forged).await.failure(), Failure::CrossSite);
    let answer = browser.send(wrong).await;
    let Failure::Invalid { errors } = answer.failure() else { panic!("{answer:?}") };
    assert!(errors.of(Field::Name).next().is_some(), "{errors:?}");
    let answer = browser.send(shown).await;
    assert_eq!(answer.header(header::LOCATION), "/backups");
    let page = browser.get("/backups").await.text;
    assert!(page.contains("value=\"a b\""), "{page}");
    assert!(site.engine.world().uploads.is_empty());
}
