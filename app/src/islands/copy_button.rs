//! A button that copies a text, and says that it did.

use leptos::prelude::*;

use crate::i18n::Locale;

/// As an island, for pages.
#[island]
pub fn CopyButton(locale: Locale, text: String) -> impl IntoView {
    copy_button(locale, move || text.clone())
}

/// As a piece of another island. Without JavaScript it is not shown: it could do nothing.
pub(crate) fn copy_button(
    locale: Locale,
    text: impl Fn() -> String + Send + 'static,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        put_on_clipboard(&text());
        copied.set(true);
        set_timeout(move || copied.set(false), std::time::Duration::from_secs(2));
    };
    view! {
        <button type="button" class="quiet needs-js" on:click=copy>
            {move || if copied.get() { locale.copied() } else { locale.copy() }}
        </button>
    }
}

#[cfg(feature = "hydrate")]
fn put_on_clipboard(text: &str) {
    // The promise is not waited for: nothing more could be said if it failed.
    let _promise = window().navigator().clipboard().write_text(text);
}

#[cfg(not(feature = "hydrate"))]
fn put_on_clipboard(_text: &str) {}
