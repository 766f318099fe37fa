//! Set-up tokens: who holds one may make the first administrator, once, within the hour.
//!
//! The token itself stands in the link that is printed and nowhere else; the database holds its
//! SHA-256. It has 256 random bits, so a plain hash is enough: nothing can be guessed from it.

use std::fmt;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::failure::Failure;
use domain::time::UnixMillis;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};

/// Random bytes of a token.
const BYTES: usize = 32;

/// The system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("making a set-up token")]
pub(crate) struct SetupTokenError(#[source] rand::rand_core::OsError);

impl From<SetupTokenError> for Failure {
    fn from(error: SetupTokenError) -> Self {
        Self::Unexpected { detail: error.to_string() }
    }
}

/// The token of a set-up link.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SetupToken([u8; BYTES]);

impl SetupToken {
    /// How long a token is valid, in milliseconds: 1 hour.
    pub(crate) const LIFETIME_MILLIS: i64 = 60 * 60 * 1000;

    /// A new token.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn generate() -> Result<Self, SetupTokenError> {
        let mut bytes = [0; BYTES];
        OsRng.try_fill_bytes(&mut bytes).map_err(SetupTokenError)?;
        Ok(Self(bytes))
    }

    /// The token of a link. `None` when no link ever held this text.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// What the database knows it by: its text's SHA-256, in hexadecimal digits.
    #[must_use]
    pub(crate) fn hash(&self) -> String {
        format!("{:x}", Sha256::digest(self.reveal()))
    }

    /// Until when a token made at `now` is valid.
    #[must_use]
    pub(crate) fn expires_at(now: UnixMillis) -> UnixMillis {
        now.plus_millis(Self::LIFETIME_MILLIS)
    }

    /// The text in the link, for the one who may use it alone.
    #[must_use]
    pub(crate) fn reveal(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The set-up link of the site that listens at `listen`. An unspecified address is one the
    /// reader cannot visit: it becomes `localhost`.
    #[must_use]
    pub(crate) fn link(&self, listen: SocketAddr) -> String {
        let token = self.reveal();
        if listen.ip().is_unspecified() {
            format!("https://localhost:{}/setup/{token}", listen.port())
        } else {
            format!("https://{listen}/setup/{token}")
        }
    }
}

impl fmt::Debug for SetupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_from_its_link() {
        let token = SetupToken::generate().unwrap();
        let link = token.link("127.0.0.1:8443".parse().unwrap());
        let text = link.strip_prefix("https://127.0.0.1:8443/setup/").unwrap();
        assert_eq!(text.len(), 43);
        assert_eq!(SetupToken::parse(text), Some(token.clone()));
        assert_ne!(token, SetupToken::generate().unwrap());
    }

    #[test]
    fn a_link_can_be_followed() {
        let token = SetupToken([0; BYTES]);
        let path = format!("/setup/{}", "A".repeat(43));
        for (listen, site) in [
            ("0.0.0.0:8443", "https://localhost:8443"),
            ("[::]:443", "https://localhost:443"),
            ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            assert_eq!(token.link(listen.parse().unwrap()), format!("{site}{path}"));
        }
    }

    #[test]
    fn the_hash_is_the_texts_and_says_nothing_of_it() {
        let token = SetupToken([0; BYTES]);
        assert_eq!(
            token.hash(),
            "0f007385b6f9d4b7eeb2748605afe1a984a0a3bfa3f014d09e2a784ce9e5cd1a"
        );
        assert_eq!(format!("{token:?}"), "SetupToken(…)");
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let right = SetupToken([7; BYTES]).reveal();
        for text in ["", "AAAA", &right[1..], &format!("{right}="), &format!("{right}A"), "é"] {
            assert_eq!(SetupToken::parse(text), None, "{text}");
        }
    }
}
