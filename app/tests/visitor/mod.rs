//! Somebody at a browser: asks the pages in memory, and looks at the answer.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use tower::ServiceExt;

use crate::memory::Memory;

/// An answer as tests look at it.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: String,
    pub(crate) policy: String,
    pub(crate) text: String,
}

pub(crate) async fn ask(memory: &Memory, request: Request<Body>) -> Answer {
    let response = memory.clone().router().oneshot(request).await.unwrap();
    let header = |name| {
        let value = response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    let (location, policy) = (header(header::LOCATION), header(header::CONTENT_SECURITY_POLICY));
    let status = response.status();
    let bytes = to_bytes(response.into_body(), 8 << 20).await.unwrap();
    Answer { status, location, policy, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

pub(crate) async fn get(memory: &Memory, who: &str, language: &str, path: &str) -> Answer {
    let request = Request::get(path)
        .header(header::COOKIE, format!("as={who}; lang={language}"))
        .body(Body::empty())
        .unwrap();
    ask(memory, request).await
}

pub(crate) async fn post(
    memory: &Memory,
    who: &str,
    accept: &str,
    path: &str,
    body: String,
) -> Answer {
    let request = Request::post(path)
        .header(header::COOKIE, format!("as={who}; lang=en"))
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body))
        .unwrap();
    ask(memory, request).await
}
