//! What somebody prefers: language and colours, kept in two cookies that hold nothing else.

use leptos::prelude::*;

use crate::i18n::Locale;

/// The colours of the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the browser asks.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// All, in the order the switch offers them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The word in the cookie and in `data-theme`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == word)
    }
}

/// The preferences that the request at hand tells.
#[must_use]
pub fn of_request() -> (Locale, Theme) {
    let Some(parts) = use_context::<http::request::Parts>() else {
        return Default::default();
    };
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let accepted = header(http::header::ACCEPT_LANGUAGE);
    let locale = Locale::negotiate(cookie(&parts.headers, "lang"), accepted);
    let theme = cookie(&parts.headers, "theme").and_then(Theme::from_word);
    (locale, theme.unwrap_or_default())
}

/// The value of one cookie. HTTP/2 may send each in a `Cookie` header of its own.
fn cookie<'a>(headers: &'a http::HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(http::header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// A `Set-Cookie` value that keeps a preference for a year.
#[must_use]
pub fn set_cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax; Secure; HttpOnly")
}

#[cfg(test)]
mod tests {
    use http::header::{COOKIE, HeaderMap, HeaderValue};

    use super::cookie;

    #[test]
    fn a_cookie_is_found_by_its_whole_name_in_any_header() {
        let mut headers = HeaderMap::new();
        for header in ["xlang=en; lang=fr", "theme=dark"] {
            headers.append(COOKIE, HeaderValue::from_static(header));
        }
        assert_eq!(cookie(&headers, "lang"), Some("fr"));
        assert_eq!(cookie(&headers, "theme"), Some("dark"));
        assert_eq!(cookie(&headers, "them"), None);
    }
}
