//! The start page: the host, VServers by state, what runs and what failed, what needs attention; on a new host
//! the first steps.

use domain::authz::ActionKind;
use domain::failure::Failure;
use domain::metrics::Series;
use domain::metrics::slot::Range;
use domain::operation::Operation;
use leptos::prelude::*;

use crate::components::history::{charts, ranges};
use crate::dashboard::{ATTENTION, FAILED, Facts, POOL};
use crate::events::{ChartsView, Part, Subscription};
use crate::islands::live_parts::LiveParts;
use crate::islands::operation_table::OperationTable;
use crate::islands::tiles::Tiles;
use crate::overview::{host_tiles, state_tiles};
use crate::page::{Area, Content, For, Page, page};
use crate::shown::{ShownOperation, TileGroup};

/// How many operations are shown.
const OPERATIONS: usize = 8;

/// The page.
pub(crate) fn dashboard() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let all = page.backend.vservers(page.permit()?).await?;
        let identity = page.identity.clone().ok_or(Failure::NotLoggedIn)?;
        let facts = Facts::gather(page.backend.as_ref(), &identity).await?;
        let host = &facts.host;
        // The page is worth more than what is to be said about histories.
        let view = ChartsView { all: false, range: Range::Hour };
        let history = page.backend.history(page.permit()?, Series::Host, view.range).await.ok();
        let parts = facts.parts(t, &all.iter().collect::<Vec<_>>(), page.now);
        let tiles = host.now.as_ref().map(|now| host_tiles(t, now)).unwrap_or_default();
        let states = state_tiles(t, all.iter().map(|one| one.state));
        let body = view! {
            {all.is_empty().then(|| first_steps(&page))}
            <section aria-labelledby="attention">
                <h2 id="attention">{t.needs_attention()}</h2>
                <div id=ATTENTION inner_html=moving(&parts, ATTENTION)></div>
            </section>
            <section aria-labelledby="by-state">
                <h2 id="by-state">{t.by_state()}</h2>
                <Tiles of=TileGroup::States tiles=states />
                <p><a href="/vservers">{t.whole_list()}</a></p>
            </section>
            <section aria-labelledby="host">
                <h2 id="host">{t.the_host()}</h2>
                {host.now.is_none().then(|| view! { <p class="nothing">{t.not_measured_yet()}</p> })}
                <Tiles of=TileGroup::Host tiles=tiles />
                <ul class="tiles">
                    <li class="tile" id=POOL inner_html=moving(&parts, POOL)></li>
                </ul>
                {history
                    .map(|history| {
                        view! {
                            {charts(t, view, &history)}
                            {ranges(t, "/host", None)}
                        }
                    })}
            </section>
            <section aria-labelledby="now">
                <h2 id="now">{t.recent_operations()}</h2>
                <OperationTable
                    locale=t
                    operations=first(&facts.operations)
                        .map(|one| ShownOperation::of(t, one))
                        .collect()
                    grows=true
                    target=None
                    now=page.now
                />
                <p><a href="/operations">{t.operations()}</a></p>
            </section>
            <section aria-labelledby="failed">
                <h2 id="failed">{t.what_failed_lately()}</h2>
                <div id=FAILED inner_html=moving(&parts, FAILED)></div>
            </section>
            <LiveParts />
        };
        Ok(Content {
            title: t.dashboard().to_owned(),
            area: Area::Dashboard,
            subscription: Some(Subscription {
                host: true,
                operations: true,
                dashboard: true,
                charts: Some(view),
                ..Subscription::default()
            }),
            body: body.into_any(),
        })
    })
}

/// Those that are under way, and the newest of the others.
fn first(operations: &[Operation]) -> impl Iterator<Item = &Operation> {
    let (ended, under_way): (Vec<_>, Vec<_>) =
        operations.iter().partition(|one| one.progress.is_final());
    let room = OPERATIONS.saturating_sub(under_way.len());
    under_way.into_iter().chain(ended.into_iter().take(room))
}

/// A part that moves while the page is open, as it is now.
fn moving(parts: &[Part], id: &'static str) -> String {
    let part = parts.iter().find(|part| part.id == id);
    part.map(|part| part.html.clone()).unwrap_or_default()
}

/// What one does on a new host.
fn first_steps(page: &Page) -> impl IntoView + use<> {
    let t = page.locale;
    let steps = [
        (ActionKind::BuildVServer, "/build", t.step_build()),
        (ActionKind::ManageTemplates, "/templates", t.step_template()),
        (ActionKind::ViewVServers, "/defaults", t.step_defaults()),
        (ActionKind::ManageUsers, "/users", t.step_users()),
    ];
    let links = steps
        .into_iter()
        .filter(|(action, ..)| page.may(*action))
        .enumerate()
        .map(|(index, (_, href, label))| {
            let class = if index == 0 { "button primary" } else { "button" };
            view! { <li><a class=class href=href>{label}</a></li> }
        })
        .collect_view();
    view! {
        <section class="empty-state" aria-labelledby="first-steps">
            <h2 id="first-steps">{t.first_steps()}</h2>
            <p>{t.first_steps_explained()}</p>
            <ul class="steps">{links}</ul>
        </section>
    }
}
