//! What is asked before something is removed for good: what it is called, what goes, and the command that
//! does it. It opens without JavaScript too.

use domain::command::Command;
use leptos::prelude::*;

use crate::i18n::Locale;

/// Something that can be removed.
pub(crate) struct Removal {
    /// The path of the server function.
    pub(crate) function: &'static str,
    /// What the form says to it, beside the CSRF token.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// What opens it; its object is named in `label`.
    pub(crate) summary: &'static str,
    /// What the button does, and to what.
    pub(crate) label: String,
    /// What will be lost.
    pub(crate) loss: AnyView,
    /// The command that does the same.
    pub(crate) command: Command,
}

/// The question, folded away, and the button that answers it.
pub(crate) fn removal(t: Locale, csrf: &str, removal: Removal) -> impl IntoView + use<> {
    let Removal { function, fields, summary, label, loss, command } = removal;
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect_view();
    view! {
        <details>
            <summary aria-label=format!("{label}…")>{summary}</summary>
            <form method="post" action=format!("/api/{function}")>
                <input type="hidden" name="csrf" value=csrf.to_owned() />
                {fields}
                {loss}
                <p><strong>{t.cannot_be_undone()}</strong></p>
                <p>{t.command()} {t.colon()} <code>{command.line()}</code></p>
                <button class="danger">{label}</button>
            </form>
        </details>
    }
}
