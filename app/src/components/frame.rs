//! What surrounds every page: skip link, navigation, preferences, log-out, notices.

use domain::authz::ActionKind;
use leptos::prelude::*;
use leptos_meta::Title;

use super::alert;
use crate::events::Subscription;
use crate::i18n::{Locale, role_text};
use crate::islands::connection::ConnectionBanner;
use crate::page::{Area, Content, Page};
use crate::preferences::Theme;
use crate::shared::escaped;

/// The frame around a page's content.
pub(crate) fn frame(page: &Page, content: Content) -> impl IntoView + use<> {
    let t = page.locale;
    let Content { title, area, subscription, body } = content;
    let events = page.may_listen.then(|| subscription.unwrap_or_else(Subscription::default).url());
    let is_followed = events.is_some();
    view! {
        <Title text=escaped(&format!("{title} · Ulysse")) />
        <a class="skip" href="#content">{t.skip_to_content()}</a>
        <header class="top">
            <a class="brand" href="/" aria-label="Ulysse">
                {logo()}
                <span aria-hidden="true">"Ulysse"</span>
            </a>
            {page.identity.is_some().then(|| navigation(page, area))}
            <div class="top-end">{preferences(page)} {account(page)}</div>
        </header>
        <main id="content" tabindex="-1" data-events=events>
            {is_followed.then(|| view! { <ConnectionBanner locale=t /> })}
            {alert::outcome(page)}
            <h1>{title}</h1>
            {body}
        </main>
        <footer class="bottom">
            <span>"Ulysse " {env!("CARGO_PKG_VERSION")}</span>
            <span>{t.reference()} " " <code>{page.reference.clone()}</code></span>
        </footer>
    }
}

/// A hull and a mast: the mark of the product, drawn in the text's own colour.
fn logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
            <path d="M3 19h26l-4.5 8h-17z" class="logo-hull" />
            <path d="M15 4v13H6.5z" class="logo-sail" />
            <path d="M17.5 8v9h7z" class="logo-sail" />
        </svg>
    }
}

fn navigation(page: &Page, area: Area) -> impl IntoView + use<> {
    let t = page.locale;
    let entries = [
        (Area::Dashboard, "/", t.dashboard(), ActionKind::ViewVServers),
        (Area::VServers, "/vservers", t.vservers(), ActionKind::ViewVServers),
        (Area::Processes, "/processes", t.processes(), ActionKind::ViewVServers),
        (Area::Operations, "/operations", t.operations(), ActionKind::ViewOperations),
        (Area::Host, "/host", t.the_host(), ActionKind::ViewVServers),
        (Area::Backups, "/backups", t.backups(), ActionKind::ViewVServers),
        (Area::Packages, "/packages", t.packages(), ActionKind::ViewVServers),
        (Area::Terminals, "/terminals", t.terminals(), ActionKind::EnterVServer),
        (Area::Templates, "/templates", t.templates(), ActionKind::ViewTemplates),
        (Area::Boot, "/boot", t.boot(), ActionKind::ViewVServers),
        (Area::Bin, "/bin", t.recycle_bin(), ActionKind::UndeleteVServer),
        (Area::Users, "/users", t.users(), ActionKind::ManageUsers),
    ];
    let links = entries
        .into_iter()
        .filter(|(.., action)| page.may(*action))
        .map(|(entry, address, label, _)| {
            view! {
                <li>
                    <a href=address aria-current=(entry == area).then_some("page")>{label}</a>
                </li>
            }
        })
        .collect_view();
    view! {
        <nav class="areas" aria-label=t.main_navigation()>
            <ul>{links}</ul>
        </nav>
    }
}

/// Language and colours: two little forms, so that they work without JavaScript.
fn preferences(page: &Page) -> impl IntoView + use<> {
    let t = page.locale;
    let languages = Locale::ALL
        .into_iter()
        .map(|locale| {
            view! {
                <button
                    name="lang"
                    value=locale.tag()
                    lang=locale.tag()
                    title=locale.own_name()
                    aria-pressed=if locale == t { "true" } else { "false" }
                >
                    <span aria-hidden="true">{locale.tag().to_uppercase()}</span>
                    <span class="hidden-visually">{locale.own_name()}</span>
                </button>
            }
        })
        .collect_view();
    let theme = page.theme;
    let themes = Theme::ALL
        .into_iter()
        .map(|choice| {
            let (mark, label) = match choice {
                Theme::Auto => ("◐", t.theme_auto()),
                Theme::Light => ("○", t.theme_light()),
                Theme::Dark => ("●", t.theme_dark()),
            };
            view! {
                <button
                    name="theme"
                    value=choice.as_str()
                    title=label
                    aria-pressed=if choice == theme { "true" } else { "false" }
                >
                    <span aria-hidden="true">{mark}</span>
                    <span class="hidden-visually">{label}</span>
                </button>
            }
        })
        .collect_view();
    let hidden = |page: &Page| {
        view! {
            <input type="hidden" name="csrf" value=page.csrf.clone() />
            <input type="hidden" name="next" value=page.path.clone() />
        }
    };
    view! {
        <form method="post" action="/api/account/preferences">
            {hidden(page)}
            <div class="switch" role="group" aria-label=t.language()>
                {languages}
            </div>
        </form>
        <form method="post" action="/api/account/preferences">
            {hidden(page)}
            <div class="switch" role="group" aria-label=t.colours()>
                {themes}
            </div>
        </form>
    }
}

fn account(page: &Page) -> impl IntoView + use<> {
    let t = page.locale;
    page.identity.clone().map(|identity| {
        view! {
            <div class="account">
                <a href="/account/password" class="account-name">
                    {identity.name.to_string()}
                    <span class="account-role">{role_text(t, identity.role)}</span>
                </a>
                <form method="post" action="/api/account/log-out">
                    <input type="hidden" name="csrf" value=page.csrf.clone() />
                    <button class="quiet">{t.log_out()}</button>
                </form>
            </div>
        }
    })
}
