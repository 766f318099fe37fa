//! What every page is made of: who asks, in which language, with what to say; and the frame around
//! its content.
//!
//! A page is a function from [`Page`] to [`Content`] or a [`Failure`]. [`page`] runs it once the
//! session is loaded, sends people who are not logged in to the log-in, turns a failure into a page
//! of its own with the right status, and puts the frame around. All routes render in one piece
//! (`SsrMode::Async`), so a status is always known before the first byte is sent.

use std::future::Future;
use std::sync::Arc;

use domain::authz::{Action, ActionKind, Permit, allowed, authorize};
use domain::failure::Failure;
use domain::time::UnixMillis;
use domain::user::Identity;
use http::{HeaderValue, StatusCode, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::backend::{Account, Assets, Backend, Clock, Flash, Outcome, Reference};
use crate::components::frame::frame;
use crate::error::status_of;
use crate::events::Subscription;
use crate::i18n::Locale;
use crate::pages::error::FailurePage;
use crate::preferences::{self, Theme};

/// The request at hand, as a page sees it.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) locale: Locale,
    pub(crate) theme: Theme,
    pub(crate) identity: Option<Identity>,
    /// Whether the event stream would be granted: not while a password must be changed first.
    pub(crate) may_listen: bool,
    /// Goes into every form as `csrf`.
    pub(crate) csrf: String,
    pub(crate) reference: String,
    pub(crate) now: UnixMillis,
    /// Path and query of this page.
    pub(crate) path: String,
    /// What the form that was sent before came to.
    pub(crate) flash: Option<Flash>,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) account: Arc<dyn Account>,
}

impl Page {
    /// Asks the table for a permit for whoever looks at the page.
    pub(crate) fn permit<A: Action>(&self) -> Result<Permit<A>, Failure> {
        authorize(self.identity.as_ref())
    }

    /// Whether whoever looks at the page may do this: what they may not is not shown.
    pub(crate) fn may(&self, action: ActionKind) -> bool {
        self.identity.as_ref().is_some_and(|identity| allowed(identity.role, action))
    }

    /// What was refused by this server function, if it was the last one.
    pub(crate) fn refused(&self, form: &str) -> Option<(&Flash, &Failure)> {
        match self.flash.as_ref() {
            Some(flash) if flash.form == form => match &flash.outcome {
                Outcome::Refused(failure) => Some((flash, failure)),
                Outcome::Done(_) => None,
            },
            _ => None,
        }
    }

    /// What is wrong with the fields of this form.
    pub(crate) fn errors(&self, form: &str) -> domain::field::FieldErrors {
        match self.refused(form) {
            Some((_, Failure::Invalid { errors })) => errors.clone(),
            _ => domain::field::FieldErrors::default(),
        }
    }

    /// What was typed into this field of this form.
    pub(crate) fn typed(&self, form: &str, field: &str) -> Option<String> {
        let flash = self.flash.as_ref().filter(|flash| flash.form == form)?;
        flash.values.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone())
    }

    /// A value of the page's query.
    pub(crate) fn query(&self, key: &str) -> Option<String> {
        self.query_all(key).next()
    }

    /// Every value of this key of the page's query.
    pub(crate) fn query_all(&self, key: &str) -> impl Iterator<Item = String> {
        let (_, query) = self.path.split_once('?').unwrap_or_default();
        query.split('&').filter_map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name) == key).then(|| decoded(value))
        })
    }
}

/// A form-encoded value as it was typed.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                match (digit(high), digit(low)) {
                    (Some(high), Some(low)) => {
                        bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                        rest = after;
                    }
                    _ => bytes.push(b'%'),
                }
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Which part of the site a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Dashboard,
    Host,
    VServers,
    Processes,
    Operations,
    Backups,
    Packages,
    Terminals,
    Templates,
    Bin,
    Boot,
    Users,
    Account,
}

/// What a page shows within the frame.
pub(crate) struct Content {
    pub(crate) title: String,
    pub(crate) area: Area,
    /// What the page's islands want to be told.
    pub(crate) subscription: Option<Subscription>,
    pub(crate) body: AnyView,
}

/// Who a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Anybody.
    Anybody,
    /// People who are logged in; others are sent to the log-in and come back.
    LoggedIn,
    /// The same, but also while the password must still be changed.
    NewPassword,
}

/// The address of an embedded file.
pub(crate) fn asset(name: &str) -> String {
    match use_context::<Arc<dyn Assets>>() {
        Some(assets) => assets.url(name),
        None => format!("/pkg/{name}"),
    }
}

/// Renders a page; see the module.
pub(crate) fn page<Build, Made>(whom: For, build: Build) -> impl IntoView
where
    Build: FnOnce(Page) -> Made + Send + 'static,
    Made: Future<Output = Result<Content, Failure>> + Send,
{
    let (locale, theme) = preferences::of_request();
    let path = use_context::<http::request::Parts>()
        .and_then(|parts| parts.uri.path_and_query().map(ToString::to_string))
        .unwrap_or_else(|| "/".to_owned());
    let identity: Option<Identity> = use_context().flatten();
    let response: ResponseOptions = use_context().unwrap_or_default();
    let backend: Arc<dyn Backend> = expect_context();
    let account: Arc<dyn Account> = expect_context();
    let clock: Arc<dyn Clock> = expect_context();
    let Reference(reference) = expect_context();

    Suspend::new(async move {
        if whom != For::Anybody && identity.is_none() {
            let target = match path.as_str() {
                "/" => "/login".to_owned(),
                path => format!("/login?next={path}"),
            };
            return redirect(&response, &target);
        }
        let must_change_password = identity.is_some() && account.must_change_password().await;
        if whom == For::LoggedIn && must_change_password {
            return redirect(&response, "/account/password");
        }
        let csrf = match account.csrf_token().await {
            Ok(csrf) => csrf,
            Err(failure) => {
                response.set_status(status_of(&failure));
                String::new()
            }
        };
        let flash = account.take_flash().await;
        let page = Page {
            locale,
            theme,
            may_listen: identity.is_some() && !must_change_password,
            identity,
            csrf,
            reference,
            now: clock.now(),
            path,
            flash,
            backend,
            account,
        };
        let content = match build(page.clone()).await {
            Ok(content) => content,
            Err(Failure::NotLoggedIn) => return redirect(&response, "/login"),
            Err(failure) => {
                response.set_status(status_of(&failure));
                FailurePage::content(&page, &failure)
            }
        };
        frame(&page, content).into_any()
    })
}

/// Sends the browser elsewhere on this site.
pub(crate) fn redirect(response: &ResponseOptions, to: &str) -> AnyView {
    response.set_status(StatusCode::SEE_OTHER);
    if let Ok(location) = HeaderValue::try_from(to) {
        response.insert_header(header::LOCATION, location);
    }
    ().into_any()
}

#[cfg(test)]
mod tests {
    use super::decoded;
    use crate::shared::escaped;

    #[test]
    fn html_in_a_text_stays_text() {
        assert_eq!(escaped("</title>&lt;"), "&lt;/title&gt;&amp;lt;");
    }

    #[test]
    fn a_query_value_is_decoded() {
        assert_eq!(decoded("a+b%20c%3D%C3%A9"), "a b c=é");
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%zz%4"), "%zz%4");
    }
}
