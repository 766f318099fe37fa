//! The site's files: embedded in the binary, named by their content, compressed beforehand.
//!
//! The bundler writes `target/site/pkg`: every file under a name that holds the hash of what is in
//! it, beside it the same compressed with brotli and gzip; `target/site/manifest.json` tells the hashed
//! name for each plain one. Nothing is ever read from a disk at run time.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::backend::Assets;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../target/site/"]
struct Site;

/// Where the files lie in the site and below which address they are served.
const DIRECTORY: &str = "pkg";
const MANIFEST: &str = "manifest.json";

/// Plain names and the hashed ones they stand for.
#[derive(Debug, Default)]
pub(crate) struct EmbeddedAssets {
    hashed: BTreeMap<String, String>,
}

impl EmbeddedAssets {
    /// Reads the manifest. Without one every file is served under its plain name.
    pub(crate) fn load() -> Self {
        let Some(manifest) = Site::get(MANIFEST) else {
            tracing::warn!("this binary was built without its site: run the bundler first");
            return Self::default();
        };
        match serde_json::from_slice(&manifest.data) {
            Ok(hashed) => Self { hashed },
            Err(error) => {
                tracing::error!(%error, "the embedded manifest is not one");
                Self::default()
            }
        }
    }

    fn is_hashed(&self, name: &str) -> bool {
        self.hashed.values().any(|hashed| hashed == name)
    }
}

impl Assets for EmbeddedAssets {
    fn url(&self, name: &str) -> String {
        let name = self.hashed.get(name).map_or(name, String::as_str);
        format!("/{DIRECTORY}/{name}")
    }
}

/// The encodings that files are kept in, the smallest first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// Serves one file.
pub(crate) async fn serve(
    State(assets): State<Arc<EmbeddedAssets>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    let is_file = !ENCODINGS.iter().any(|(_, end)| name.ends_with(end));
    let path = format!("{DIRECTORY}/{name}");
    let Some(file) = is_file.then(|| Site::get(&path)).flatten() else {
        return not_found();
    };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let compressed = ENCODINGS
        .iter()
        .filter(|(encoding, _)| accepts(accepted.unwrap_or_default(), encoding))
        .find_map(|(encoding, end)| Some((*encoding, Site::get(&format!("{path}{end}"))?)));
    let (encoding, data) = match compressed {
        Some((encoding, file)) => (Some(encoding), file.data),
        None => (None, file.data),
    };
    let body = match data {
        std::borrow::Cow::Borrowed(bytes) => Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => Body::from(bytes),
    };
    let mut response = Response::new(body);
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&name)));
    set.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let caching = match assets.is_hashed(&name) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if name.ends_with(".svg") {
        // An image's own colours; shown by itself it may do nothing else.
        let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
        set.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    if let Some(encoding) = encoding {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn not_found() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Whether an `Accept-Encoding` takes this encoding by its name.
fn accepts(header: &str, encoding: &str) -> bool {
    header.split(',').any(|part| {
        let mut pieces = part.split(';').map(str::trim);
        let is_named = pieces.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let weight = pieces.find_map(|piece| piece.strip_prefix("q=")?.parse::<f32>().ok());
        is_named && weight.is_none_or(|weight| weight > 0.0)
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("wasm") => "application/wasm",
        Some("woff2") => "font/woff2",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn an_encoding_is_taken_by_its_name_and_not_when_its_weight_is_nothing() {
        assert!(accepts("gzip, deflate, br;q=1.0", "br"));
        assert!(accepts("GZIP", "gzip"));
        assert!(!accepts("gzip, br;q=0", "br"));
        assert!(!accepts("brotli", "br"));
        assert!(!accepts("", "gzip"));
    }
}
