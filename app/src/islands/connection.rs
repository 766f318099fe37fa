//! How the page is connected: nothing while all is well, a banner when what is shown may be old.

use leptos::prelude::*;

use crate::i18n::Locale;
use crate::live::{self, Connection};

/// The banner. It is a live region, so that a screen reader says it too.
#[island]
pub fn ConnectionBanner(locale: Locale) -> impl IntoView {
    let connection = RwSignal::new(Connection::Connecting);
    live::on_connection(move |now| connection.set(now));
    let text = move || match connection.get() {
        Connection::Connecting | Connection::Live => None,
        Connection::Lost => Some(locale.connection_lost()),
        Connection::EngineDown => Some(locale.engine_down_banner()),
    };
    view! {
        <div class="connection" role="status">
            {move || text().map(|text| view! { <p class="banner">{text}</p> })}
        </div>
    }
}
