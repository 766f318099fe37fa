//! Looking into a VServer: what happened to it, what it printed and logged, its services.

pub(crate) mod happened;
pub(crate) mod logs;
pub(crate) mod services;

use domain::authz::ActionKind;
use domain::id::VServerName;
use leptos::prelude::*;

use crate::page::Page;

/// The way between these pages, and back.
pub(crate) fn links(page: &Page, name: &VServerName) -> impl IntoView + use<> {
    let t = page.locale;
    let here = page.path.split('?').next().unwrap_or_default().to_owned();
    let may_read = page.may(ActionKind::ReadInside);
    let all = [
        (format!("/vservers/{name}"), name.to_string(), true),
        (format!("/vservers/{name}/events"), t.happened_title().to_owned(), true),
        (format!("/vservers/{name}/console"), t.console().to_owned(), may_read),
        (format!("/vservers/{name}/services"), t.services().to_owned(), may_read),
    ];
    let links = all
        .into_iter()
        .filter(|(.., is_shown)| *is_shown)
        .map(|(address, text, _)| {
            let current = (address == here).then_some("page");
            view! { <li><a href=address aria-current=current>{text}</a></li> }
        })
        .collect_view();
    view! {
        <nav aria-label=t.inside()>
            <ul class="row-list">{links}</ul>
        </nav>
    }
}
