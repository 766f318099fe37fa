//! Answers outside the pages: a failure as JSON for programs, as a plain text for people.

use app::error::{Refusal, status_of};
use app::i18n::{Locale, failure_text};
use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::failure::Failure;
use http::{HeaderMap, header};

/// The language somebody reads, from their cookie or their browser.
pub(crate) fn locale_of(headers: &HeaderMap) -> Locale {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // Over HTTP/2 each cookie may come in a header of its own.
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
    let chosen = pairs.find_map(|pair| pair.trim().strip_prefix("lang="));
    Locale::negotiate(chosen, text(header::ACCEPT_LANGUAGE))
}

/// Whether a browser waits for something to show.
pub(crate) fn wants_text(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The answer that tells a failure.
pub(crate) fn refuse(failure: Failure, headers: &HeaderMap, reference: &str) -> Response {
    let status = status_of(&failure);
    if !wants_text(headers) {
        return (status, Json(Refusal(failure))).into_response();
    }
    let locale = locale_of(headers);
    let text = failure_text(locale, &failure);
    let body = format!("{}\n{}\n\n{} {reference}\n", text.what, text.remedy, locale.reference());
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}
