//! Server functions: what a form or a program may ask over HTTP, one file a resource.
//!
//! Each does the same: [`Call::begin`], note what was typed, get a [`Permit`] (which also checks
//! the CSRF token), parse, ask the [`Backend`], and [`Call::answer`]. A browser's form is answered
//! with 303 and a [`Flash`] in the session, everything else with JSON and a status; see
//! [`Flash`] for why. No SQL, no paths, no engine types here.

pub mod account;
pub mod backups;
pub mod batch;
pub mod bin;
pub mod boot;
pub mod config;
pub mod identity;
pub mod mounts;
pub mod operations;
pub mod packages;
pub mod processes;
pub mod services;
pub mod templates;
pub mod terminals;
pub mod users;
pub mod vservers;

use std::sync::Arc;

use domain::authz::{Action, Permit, authorize};
use domain::failure::Failure;
use domain::user::Identity;
use http::{HeaderValue, StatusCode, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::backend::{Account, Backend, Flash, Notice, Outcome, Reference};
use crate::error::{Refusal, status_of};

/// A form that is being handled.
pub(crate) struct Call {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) account: Arc<dyn Account>,
    identity: Option<Identity>,
    response: ResponseOptions,
    accepts_html: bool,
    flash: Flash,
}

/// Where a browser goes after a form was done, and what it is told there.
pub(crate) struct Answer {
    to: String,
    notice: Option<Notice>,
}

impl Answer {
    /// Goes on at this path.
    pub(crate) fn to(path: impl Into<String>) -> Self {
        Self { to: path.into(), notice: None }
    }

    /// … and says this there.
    pub(crate) fn saying(self, notice: Notice) -> Self {
        Self { notice: Some(notice), ..self }
    }
}

impl Call {
    /// Begins to handle the form of this server function.
    ///
    /// Must run before the first `await`: it reads the request's context. A server that provides
    /// none is a mistake of ours, and every test notices it.
    pub(crate) fn begin(form: &'static str) -> Self {
        let accepts_html = use_context::<http::request::Parts>()
            .and_then(|parts| {
                let accept = parts.headers.get(header::ACCEPT)?;
                Some(accept.to_str().ok()?.contains("text/html"))
            })
            .unwrap_or(false);
        let Reference(reference) = expect_context();
        Self {
            backend: expect_context(),
            account: expect_context(),
            identity: expect_context(),
            response: expect_context(),
            accepts_html,
            flash: Flash {
                form: form.to_owned(),
                values: Vec::new(),
                outcome: Outcome::Refused(Failure::NotLoggedIn),
                reference,
            },
        }
    }

    /// Notes what was typed into a field, for the form that may be shown again. Never a password.
    pub(crate) fn typed(mut self, name: &str, value: &str) -> Self {
        // The session keeps it: nobody types more than that into a form of ours.
        if value.len() <= 16 * 1024 {
            self.flash.values.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Hands over to another form, of which nothing was typed yet.
    pub(crate) fn into_form(mut self, form: &'static str) -> Self {
        form.clone_into(&mut self.flash.form);
        self.flash.values.clear();
        self
    }

    /// Asks the table, then checks that the form is this site's.
    pub(crate) async fn permit<A: Action>(&self, csrf: &str) -> Result<Permit<A>, Failure> {
        let permit = authorize(self.identity.as_ref())?;
        self.same_site(csrf).await?;
        Ok(permit)
    }

    /// Checks that the form is this site's.
    pub(crate) async fn same_site(&self, csrf: &str) -> Result<(), Failure> {
        if self.account.csrf_matches(csrf).await { Ok(()) } else { Err(Failure::CrossSite) }
    }

    /// Answers: a browser goes on at the answer's path, or back to `back` where the form is.
    pub(crate) async fn answer(
        self,
        back: &str,
        result: Result<Answer, Failure>,
    ) -> Result<(), Refusal> {
        if !self.accepts_html {
            return result.map(drop).map_err(|failure| {
                self.response.set_status(status_of(&failure));
                Refusal(failure)
            });
        }
        let (to, outcome) = match result {
            Ok(Answer { to, notice }) => (to, notice.map(Outcome::Done)),
            Err(Failure::NotLoggedIn) => ("/login".to_owned(), None),
            Err(failure) => (back.to_owned(), Some(Outcome::Refused(failure))),
        };
        if let Some(outcome) = outcome {
            self.account.put_flash(Flash { outcome, ..self.flash }).await;
        }
        self.response.set_status(StatusCode::SEE_OTHER);
        let location = HeaderValue::try_from(local_path(&to));
        self.response.insert_header(
            header::LOCATION,
            location.unwrap_or_else(|_| HeaderValue::from_static("/")),
        );
        Ok(())
    }
}

/// The path if it stays on this site, else the start page: a redirect never leaves for elsewhere.
pub(crate) fn local_path(path: &str) -> &str {
    let stays = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if stays { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn a_redirect_stays_on_this_site() {
        for path in ["/vservers/web1", "/operations?page=2"] {
            assert_eq!(local_path(path), path);
        }
        for path in ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\r\nb"] {
            assert_eq!(local_path(path), "/");
        }
    }
}
