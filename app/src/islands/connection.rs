//! How the page is connected: nothing while all is well, a banner when what is shown may be old.

use leptos::prelude::*;

use crate::i18n::Locale;
use crate::live::{self, Connection};

/// The banner. It is a live region, so that a screen reader says it too.
#[island]
pub fn ConnectionBanner(locale: Locale) -> impl IntoView {
    let connection = RwSignal::new(Connection::Connecting);
    live::on_connection(move |now| {
        // What is too old stays so.
        if connection.get_untracked() != Connection::Outdated {
            connection.set(now);
        }
    });
    let reload = move || view! { " " <a href="">{locale.reload_page()}</a> };
    let text = move || match connection.get() {
        Connection::Connecting | Connection::Live => None,
        Connection::Lost => Some((locale.connection_lost(), None)),
        Connection::EngineDown => Some((locale.engine_down_banner(), None)),
        Connection::Refused => Some((locale.stream_refused(), Some(reload()))),
        Connection::Outdated => Some((locale.page_outdated(), Some(reload()))),
    };
    view! {
        <div class="connection" role="status">
            {move || text().map(|(text, link)| view! { <p class="banner">{text} {link}</p> })}
        </div>
    }
}
