//! The session of the request at hand, as pages and forms see it.

use std::sync::Arc;

use app::backend::{Account, Flash};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::authz::{OwnAccount, Permit};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::UserName;
use domain::user::{Password, Role, User};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use store::NewUser;

use super::Site;
use super::session::{self, Visitor, key};
use crate::setup_token::SetupToken;
use domain::failure::chain;

/// The account of whoever makes a request.
pub(crate) struct RequestAccount {
    pub(crate) site: Arc<Site>,
    pub(crate) visitor: Visitor,
}

fn broken(error: tower_sessions::session::Error) -> Failure {
    tracing::error!(%error, "using a session");
    Failure::Unexpected { detail: "the session could not be used".to_owned() }
}

/// 256 random bits as text.
fn random_token() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Failure::Unexpected { detail: error.to_string() })?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether two texts are the same, in a time that depends on their lengths only.
fn is_same(one: &str, other: &str) -> bool {
    let difference = one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}

impl RequestAccount {
    /// Nobody's sessions end sooner. Only when the session is being changed anyway.
    async fn shorten_nobodys(&self) {
        let session = &self.visitor.session;
        if !matches!(session.get_value(key::USER).await, Ok(Some(_))) {
            session::shorten(session);
        }
    }

    async fn begin_session(&self, user: &User) -> Result<(), Failure> {
        let now = self.site.clock.now();
        session::begin(&self.visitor.session, user, &random_token()?, now).await.map_err(broken)
    }
}

#[async_trait]
impl Account for RequestAccount {
    async fn csrf_matches(&self, token: &str) -> bool {
        match self.visitor.session.get::<String>(key::CSRF).await {
            Ok(Some(expected)) => is_same(&expected, token),
            Ok(None) => false,
            Err(error) => {
                broken(error);
                false
            }
        }
    }

    async fn csrf_token(&self) -> Result<String, Failure> {
        let session = &self.visitor.session;
        if let Some(token) = session.get::<String>(key::CSRF).await.map_err(broken)? {
            return Ok(token);
        }
        let token = random_token()?;
        session.insert(key::CSRF, &token).await.map_err(broken)?;
        self.shorten_nobodys().await;
        Ok(token)
    }

    async fn log_in(&self, name: UserName, password: Password) -> Result<User, Failure> {
        let Site { logins, store, clock, .. } = &*self.site;
        let peer = self.visitor.peer;
        let user = logins.check(store, clock.now(), peer, &name, password).await?;
        self.begin_session(&user).await?;
        store.note_login(user.id, clock.now()).await?;
        Ok(user)
    }

    async fn must_change_password(&self) -> bool {
        self.visitor.must_change_password()
    }

    async fn put_flash(&self, flash: Flash) {
        match self.visitor.session.insert(key::FLASH, flash).await {
            Ok(()) => self.shorten_nobodys().await,
            Err(error) => drop(broken(error)),
        }
    }

    async fn take_flash(&self) -> Option<Flash> {
        let session = &self.visitor.session;
        let take = async {
            // Removing what is not there would write the session at every page.
            let Some(flash) = session.get::<Flash>(key::FLASH).await? else { return Ok(None) };
            session.remove_value(key::FLASH).await?;
            // At once: an answer with a failure's status does not save the session.
            session.save().await?;
            Ok(Some(flash))
        };
        take.await.unwrap_or_else(|error| {
            broken(error);
            None
        })
    }

    async fn log_out(&self) -> Result<(), Failure> {
        session::end(&self.visitor.session).await.map_err(broken)?;
        // What else is open in this session ends now, not when it is next looked at.
        if let Some(user) = &self.visitor.user {
            self.site.follow.user_changed(user.id);
        }
        Ok(())
    }

    async fn change_password(
        &self,
        permit: Permit<OwnAccount>,
        current: Password,
        new: Password,
    ) -> Result<(), Failure> {
        let Site { logins, store, clock, follow, .. } = &*self.site;
        let name = &permit.identity().name;
        let peer = self.visitor.peer;
        let user = match logins.check(store, clock.now(), peer, name, current).await {
            Ok(user) => user,
            Err(Failure::WrongCredentials) => {
                return Err(Failure::of_field(Field::CurrentPassword, Problem::WrongPassword));
            }
            Err(failure) => return Err(failure),
        };
        let hash = logins.hash(new).await?;
        store.set_password(user.id, &hash, false, None).await?;
        self.begin_session(&user).await?;
        follow.user_changed(user.id);
        Ok(())
    }

    async fn setup_link_is_valid(&self, token: &str) -> bool {
        let Some(token) = SetupToken::parse(token) else { return false };
        let now = self.site.clock.now();
        match self.site.store.setup_token_is_valid(&token.hash(), now).await {
            Ok(is_valid) => is_valid,
            Err(error) => {
                tracing::error!(error = chain(&error), "judging a set-up link");
                false
            }
        }
    }

    async fn set_up(
        &self,
        token: &str,
        name: UserName,
        password: Password,
    ) -> Result<User, Failure> {
        let Site { logins, store, clock, .. } = &*self.site;
        let token = SetupToken::parse(token).ok_or(Failure::SetupLinkInvalid)?;
        let first = NewUser {
            name,
            role: Role::Administrator,
            password_hash: logins.hash(password).await?,
            must_change_password: false,
            created_at: clock.now(),
        };
        let user = store.set_up(&token.hash(), clock.now(), first).await?;
        self.begin_session(&user).await?;
        store.note_login(user.id, clock.now()).await?;
        Ok(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_compared_whole() {
        assert!(is_same("abc", "abc"));
        assert!(!is_same("abc", "abd"));
        assert!(!is_same("abc", "ab"));
        assert!(!is_same("", "a"));
    }
}
