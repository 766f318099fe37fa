//! The way between the pages of one VServer: the same line of links on each of them.

use domain::authz::ActionKind;
use domain::id::VServerName;
use leptos::prelude::*;

use crate::page::Page;

/// Links to all pages of a VServer that this person may see; the one at hand, and those below it, are marked.
pub(crate) fn vserver_pages(page: &Page, name: &VServerName) -> impl IntoView + use<> {
    let t = page.locale;
    let here = page.path.split('?').next().unwrap_or_default().to_owned();
    let view = ActionKind::ViewVServers;
    let read = ActionKind::ReadInside;
    let all = [
        ("", t.overview(), view),
        ("/processes", t.processes(), view),
        ("/services", t.services(), read),
        ("/console", t.console(), read),
        ("/events", t.events(), view),
        ("/mounts", t.mounts(), view),
        ("/packages", t.packages(), view),
        ("/metrics", t.numbers(), view),
        ("/backups", t.backups(), view),
        ("/config", t.configuration(), view),
    ];
    let links = all
        .into_iter()
        .filter(|(.., action)| page.may(*action))
        .map(|(below, text, _)| {
            let address = format!("/vservers/{name}{below}");
            let is_here = here == address || !below.is_empty() && here.starts_with(&address);
            view! { <li><a href=address aria-current=is_here.then_some("page")>{text}</a></li> }
        })
        .collect_view();
    view! {
        <nav class="tabs" aria-label=t.pages_of(name.as_str())>
            <ul>{links}</ul>
        </nav>
    }
}
