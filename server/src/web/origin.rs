//! Whether a request is meant for this site and comes from it.
//!
//! Invariants: a request for a host that is not this machine's is refused, so that no name elsewhere
//! can be pointed here (DNS rebinding); whatever may change something, and every WebSocket, must say
//! in `Origin` or `Sec-Fetch-Site` that a page of this very site sent it. This is beside the CSRF
//! tokens of forms, not instead.

use std::net::IpAddr;

use domain::id::HostName;
use http::uri::Authority;
use http::{HeaderMap, Method, Request, header};

/// The hosts this site answers to, besides every IP address and `localhost`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts {
    names: Vec<String>,
}

impl Hosts {
    /// The names of the settings and of the machine.
    pub(crate) fn new(configured: &[HostName], machine: Option<&str>) -> Self {
        let configured = configured.iter().map(HostName::as_str);
        let names = configured.chain(machine).map(str::to_ascii_lowercase).collect();
        Self { names }
    }

    fn contains(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let lower = host.to_ascii_lowercase();
        let name = lower.strip_suffix('.').unwrap_or(&lower);
        bare.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.names.iter().any(|known| known == name)
    }

    /// The authority that a request is for, when it is one of this site's.
    pub(crate) fn of<B>(&self, request: &Request<B>) -> Option<Authority> {
        // HTTP/2 has it in the address, HTTP/1 in a header. Both, and different: a trick.
        let mut given = request.headers().get_all(header::HOST).iter();
        let from_header = match (given.next(), given.next()) {
            (None, _) => None,
            (Some(host), None) => Some(host.to_str().ok()?.parse::<Authority>().ok()?),
            (Some(_), Some(_)) => return None,
        };
        let authority = match (request.uri().authority().cloned(), from_header) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.or(other)?,
        };
        let is_plain = authority.as_str().bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']')
        });
        (is_plain && self.contains(authority.host())).then_some(authority)
    }
}

/// Whether a request must come from this site: it may change something, or opens a WebSocket.
pub(crate) fn must_be_same_site<B>(request: &Request<B>) -> bool {
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
    !is_reading || request.headers().contains_key(header::UPGRADE)
}

/// Whether a request comes from a page of the site that it is for.
pub(crate) fn is_same_site(headers: &HeaderMap, authority: &Authority) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(origin), None) => {
            origin.to_str().ok().and_then(|origin| origin.strip_prefix("https://")).is_some_and(
                |origin| {
                    origin.eq_ignore_ascii_case(authority.as_str())
                        || authority.as_str().strip_suffix(":443").is_some_and(|a| a == origin)
                },
            )
        }
        (None, _) => headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin"),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        Hosts::new(&["vs.example.org".parse().unwrap()], Some("machine"))
    }

    fn authority(host: &str) -> Option<String> {
        let request = Request::get("/").header(header::HOST, host).body(()).unwrap();
        hosts().of(&request).map(|authority| authority.to_string())
    }

    #[test]
    fn this_machines_hosts_are_known() {
        for host in [
            "127.0.0.1:8443",
            "[::1]:8443",
            "192.0.2.7",
            "localhost:8443",
            "machine",
            "MACHINE:8443",
            "vs.example.org",
            "vs.example.org.:8443",
        ] {
            assert_eq!(authority(host).as_deref(), Some(host));
        }
    }

    #[test]
    fn other_hosts_and_tricks_are_not() {
        for host in [
            "evil.example",
            "machine.evil.example",
            "localhost.evil.example",
            "user@127.0.0.1",
            "127.0.0.1:8443/x",
            "127.0.0.1:8443,evil.example",
            "a b",
            "",
        ] {
            assert_eq!(authority(host), None, "{host}");
        }
        let two = Request::get("/")
            .header(header::HOST, "127.0.0.1")
            .header(header::HOST, "localhost")
            .body(())
            .unwrap();
        assert!(hosts().of(&two).is_none());
        let unlike =
            Request::get("https://127.0.0.1/").header(header::HOST, "localhost").body(()).unwrap();
        assert!(hosts().of(&unlike).is_none());
        assert!(hosts().of(&Request::get("/").body(()).unwrap()).is_none());
    }

    #[test]
    fn a_request_comes_from_this_site_when_its_origin_says_so() {
        let authority: Authority = "127.0.0.1:8443".parse().unwrap();
        let judge = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, http::HeaderValue::from_static(value));
            is_same_site(&headers, &authority)
        };
        assert!(judge("origin", "https://127.0.0.1:8443"));
        assert!(judge("sec-fetch-site", "same-origin"));
        for origin in [
            "http://127.0.0.1:8443",
            "https://127.0.0.1",
            "https://127.0.0.1:84430",
            "https://evil.example",
            "null",
            "",
        ] {
            assert!(!judge("origin", origin), "{origin}");
        }
        for site in ["same-site", "cross-site", "none"] {
            assert!(!judge("sec-fetch-site", site), "{site}");
        }
        assert!(!is_same_site(&HeaderMap::new(), &authority));
        // The origin is what counts when there is one.
        let mut both = HeaderMap::new();
        both.insert("origin", http::HeaderValue::from_static("https://evil.example"));
        both.insert("sec-fetch-site", http::HeaderValue::from_static("same-origin"));
        assert!(!is_same_site(&both, &authority));
    }
}
