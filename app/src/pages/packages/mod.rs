//! Packages: of all VServers, and of one.

pub(crate) mod list;
pub(crate) mod of_vserver;
mod offered;
pub(crate) mod removal;

use domain::field::Field;
use domain::package::{PackageOverview, PackageState};
use leptos::prelude::*;

use crate::components::field::{Input, field};
use crate::i18n::{Locale, format};
use crate::page::Page;
use crate::shared::instant;

/// The path of the server function of all changes.
const CHANGE: &str = "packages/change";

/// Buttons that send a form with this change, each with its words.
fn buttons(changes: &[(&'static str, &'static str)]) -> impl IntoView + use<> {
    let buttons = changes.iter().map(|(word, label)| {
        view! { <button formaction=format!("/api/{CHANGE}") name="change" value=*word>{*label}</button> }
    });
    buttons.collect_view()
}

/// The field of packages' names, with what was wrong with what was typed, and the changes that take it.
fn named_changes(page: &Page) -> impl IntoView + use<> {
    let t = page.locale;
    let typed = page.refused(CHANGE).and_then(|_| page.typed(CHANGE, "packages"));
    let hint = Some(t.package_names_hint().to_owned());
    let text = Input::Text { autocomplete: "off" };
    view! {
        {field(t, Field::PackageNames, "packages", text, typed, hint, &page.errors(CHANGE))}
        <p class="actions">
            {buttons(
                &[
                    ("install", t.do_install()),
                    ("upgrade-packages", t.do_upgrade_these()),
                    ("hold", t.do_hold()),
                    ("unhold", t.do_unhold()),
                ],
            )}
        </p>
        <details>
            <summary>{t.remove_packages_dots()}</summary>
            <p>{t.remove_packages_explained()}</p>
            <p class="actions">
                {buttons(&[("foresee-removal", t.foresee_removal())])}
            </p>
        </details>
    }
}

/// How packages are: a mark of its own shape, words, a colour. Of some nobody knows before they were asked.
fn health(t: Locale, overview: &PackageOverview) -> AnyView {
    if overview.installed.is_none() {
        return t.not_asked_yet().into_any();
    }
    let (state, text) = match overview.needs_repair() {
        true => ("failed", t.needs_repair()),
        false => ("succeeded", t.is_healthy()),
    };
    view! {
        <span class="pill" data-state=state>
            <span class="pill-mark" aria-hidden="true"></span>
            {text}
        </span>
    }
    .into_any()
}

/// When what is pending was asked, and whether that may be another by now.
fn asked(t: Locale, overview: &PackageOverview) -> AnyView {
    let Some(pending) = overview.pending else {
        return t.not_asked_yet().into_any();
    };
    let stale =
        pending.is_stale.then(|| view! { <span class="row-note">{t.changed_since()}</span> });
    view! { {instant(t, pending.asked_at)} {stale} }.into_any()
}

/// A number, or a dash.
fn count(t: Locale, number: Option<u64>) -> String {
    number.map_or_else(|| "–".to_owned(), |number| format::integer(t, number))
}

/// How many updates are security's: the word stands with the number.
fn security(t: Locale, overview: &PackageOverview) -> AnyView {
    match overview.pending.map(|pending| pending.security) {
        None => "–".into_any(),
        Some(0) => format::integer(t, 0).into_any(),
        Some(number) => view! {
            <strong class="security">{format::integer(t, number)} " " {t.for_security()}</strong>
        }
        .into_any(),
    }
}

/// How a package is there.
fn state_text(t: Locale, state: PackageState) -> &'static str {
    match state {
        PackageState::Installed => t.package_installed(),
        PackageState::Held => t.package_held(),
        PackageState::Broken => t.package_broken(),
    }
}
