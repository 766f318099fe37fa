//! The list of VServers.

use domain::backup::BackupScope;
use domain::vserver::State;
use leptos::prelude::*;

use super::abilities;
use crate::events::Subscription;
use crate::i18n::{Locale, state_text};
use crate::islands::vserver_table::VServerTable;
use crate::page::{Area, Content, For, Page, page};
use crate::shown::ShownVServer;

/// The page. `?state=` shows those in a state alone; without JavaScript, `?q=` filters.
pub(crate) fn list() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let rows = page.backend.vservers(page.permit()?).await?;
        let rows: Vec<_> = rows.iter().map(|summary| ShownVServer::of(t, summary)).collect();
        let query = page.query("q").unwrap_or_default();
        let may = abilities(&page);
        let wanted = page.query("state");
        let state = State::ALL.into_iter().find(|state| wanted.as_deref() == Some(state.as_str()));
        let backups = page.backend.backups(page.permit()?, BackupScope::Alerts).await;
        // The list is worth more than what is to be said about backups.
        let backups = backups.unwrap_or_default();
        let body = view! {
            {crate::pages::backups::alerts(t, &backups.vservers)}
            {may
                .build
                .then(|| {
                    view! {
                        <p class="actions head">
                            <a class="button primary" href="/build">{t.build_a_vserver()}</a>
                        </p>
                    }
                })}
            {(!rows.is_empty()).then(|| states(t, state))}
            {state
                .map(|state| {
                    view! { <p>{t.only_in_state(state_text(t, state))}</p> }
                })}
            <VServerTable locale=t rows=rows may=may csrf=page.csrf.clone() query=query state=state />
            <p>
                <a href="/defaults">{t.defaults()}</a> " · "
                <a href="/distributions">{t.distributions()}</a>
            </p>
        };
        Ok(Content {
            title: t.vservers().to_owned(),
            area: Area::VServers,
            subscription: Some(Subscription { vservers: true, ..Subscription::default() }),
            body: body.into_any(),
        })
    })
}

/// The way to those in one of the states that last, and back to all.
fn states(t: Locale, shown: Option<State>) -> impl IntoView {
    let link = |state: Option<State>| {
        let (href, text) = match state {
            None => ("/vservers".to_owned(), t.show_all()),
            Some(state) => (format!("/vservers?state={}", state.as_str()), state_text(t, state)),
        };
        let is_shown = (shown == state).then_some("true");
        view! { <li><a href=href aria-current=is_shown>{text}</a></li> }
    };
    let links = [None, Some(State::Running), Some(State::Stopped)].map(link);
    view! { <nav class="ranges" aria-label=t.state()><ul>{links}</ul></nav> }
}
