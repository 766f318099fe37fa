//! The start page: the host, VServers by state, what runs and what failed, what needs attention; on a new host
//! the first steps.

use domain::authz::ActionKind;
use domain::backup::{BackupOverview, BackupScope};
use domain::metrics::Series;
use domain::metrics::slot::Range;
use domain::operation::{Operation, Progress};
use domain::vserver::{State, Summary};
use leptos::prelude::*;

use crate::backend::{HostOverview, OperationFilter};
use crate::components::history::{Chart, charts, ranges};
use crate::events::Subscription;
use crate::i18n::{Locale, backup_alert_text, failure_text, format};
use crate::islands::operation_table::OperationTable;
use crate::islands::tiles::Tiles;
use crate::overview::{host_tiles, is_nearly_full, state_tiles};
use crate::page::{Area, Content, For, Page, page};
use crate::shared::{config_problem, instant};
use crate::shown::{ShownOperation, Tile, TileGroup};

/// How many operations are shown.
const OPERATIONS: usize = 8;
/// For how long a failure is news, in milliseconds.
const LATELY_MS: u64 = 24 * 60 * 60 * 1000;
/// The most lines of a list of what needs attention, or failed.
const MOST_LINES: usize = 20;
/// Fewer free addresses are nearly none.
const FEW_ADDRESSES: u32 = 5;

/// The page.
pub(crate) fn dashboard() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let backend = &page.backend;
        let all = backend.vservers(page.permit()?).await?;
        let host = backend.host(page.permit()?).await?;
        let operations = backend.operations(page.permit()?, OperationFilter::default()).await?;
        // The page is worth more than what is to be said about backups and histories.
        let backups =
            backend.backups(page.permit()?, BackupScope::Alerts).await.unwrap_or_default();
        let history = backend.history(page.permit()?, Series::Host, Range::Hour).await.ok();
        let binned = match page.may(ActionKind::UndeleteVServer) {
            true => backend.bin(page.permit()?).await.map_or(0, |bin| bin.entries.len()),
            false => 0,
        };
        let attention = attention(t, &all, &host, &backups, binned);
        let tiles = host.now.as_ref().map(|now| host_tiles(t, now)).unwrap_or_default();
        let states = state_tiles(t, all.iter().map(|one| one.state));
        let body = view! {
            {all.is_empty().then(|| first_steps(&page))}
            <section aria-labelledby="attention">
                <h2 id="attention">{t.needs_attention()}</h2>
                {lines(attention, t.nothing_needs_attention())}
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
                <ul class="tiles">{pool(t, &host)}</ul>
                {history
                    .map(|history| {
                        let shown = [Chart::cpu(t), Chart::memory(t), Chart::network(t), Chart::disks(t)];
                        view! {
                            {charts(t, &shown, &history)}
                            {ranges(t, "/host", None)}
                        }
                    })}
            </section>
            <section aria-labelledby="now">
                <h2 id="now">{t.recent_operations()}</h2>
                <OperationTable
                    locale=t
                    operations=first(&operations)
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
                {lines(failed(t, &page, &operations), t.nothing_failed())}
            </section>
        };
        Ok(Content {
            title: t.dashboard().to_owned(),
            area: Area::Dashboard,
            subscription: Some(Subscription {
                host: true,
                operations: true,
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

/// A line of a list: what it says, and where that is mended.
struct Line {
    text: String,
    href: String,
    at: Option<AnyView>,
}

fn lines(lines: Vec<Line>, nothing: &'static str) -> impl IntoView {
    if lines.is_empty() {
        return view! { <p class="nothing">{nothing}</p> }.into_any();
    }
    let items = lines
        .into_iter()
        .take(MOST_LINES)
        .map(|Line { text, href, at }| {
            view! { <li><a href=href>{text}</a> {at.map(|at| view! { " " {at} })}</li> }
        })
        .collect_view();
    view! { <ul class="attention">{items}</ul> }.into_any()
}

fn attention(
    t: Locale,
    all: &[Summary],
    host: &HostOverview,
    backups: &BackupOverview,
    binned: usize,
) -> Vec<Line> {
    let mut found = Vec::new();
    let mut say = |text: String, href: String| found.push(Line { text, href, at: None });
    if !host.is_same_build {
        say(t.attention_build().to_owned(), "/host".to_owned());
    }
    let filesystems = host.now.iter().flat_map(|now| &now.resources.filesystems);
    for one in filesystems.filter(|one| is_nearly_full(one.space)) {
        let share = format::percent(t, one.space.used_permille().into());
        let free = format::bytes(t, one.space.free_bytes);
        say(t.attention_disk(&one.mount, &share, &free), "/host".to_owned());
    }
    if host.pool.free < FEW_ADDRESSES {
        say(t.attention_pool(&host.pool.network), "/host".to_owned());
    }
    for one in all {
        let name = one.name.as_str();
        if let Some(problem) = &one.problem {
            let problem = config_problem(t, problem);
            say(t.attention_problem(name, &problem), format!("/vservers/{name}/config"));
        }
        if let Some(kills) = &one.oom_kills {
            let count = format::integer(t, kills.count);
            say(t.attention_oom(name, &count), format!("/vservers/{name}"));
        }
        let is_idle = one.state == State::Stopped && one.operation.is_none();
        if is_idle && !one.marks.is_empty() {
            say(t.attention_marked(name), format!("/vservers/{name}"));
        }
    }
    for status in &backups.vservers {
        let name = &status.vserver;
        for alert in &status.alerts {
            say(backup_alert_text(t, name, alert), format!("/vservers/{name}/backups"));
        }
    }
    if binned > 0 {
        say(t.attention_bin(&format::integer(t, binned as u64)), "/bin".to_owned());
    }
    found
}

fn failed(t: Locale, page: &Page, operations: &[Operation]) -> Vec<Line> {
    let is_new = |one: &&Operation| page.now.millis_since(one.created_at) <= LATELY_MS;
    operations
        .iter()
        .filter(is_new)
        .filter_map(|one| {
            let Progress::Failed { failure } = &one.progress else { return None };
            let title = ShownOperation::of(t, one).title;
            let what = failure_text(t, failure).what;
            Some(Line {
                text: format!("{title}{} {what}", t.colon()),
                href: format!("/operations/{}", one.id),
                at: Some(instant(t, one.finished_at.unwrap_or(one.created_at)).into_any()),
            })
        })
        .collect()
}

fn pool(t: Locale, host: &HostOverview) -> impl IntoView + use<> {
    let pool = &host.pool;
    let Tile { label, value, note, .. } = Tile {
        label: t.addresses().to_owned(),
        value: t.addresses_free(&format::integer(t, pool.free.into())),
        note: t.addresses_of(&format::integer(t, pool.used.into()), &pool.network),
        href: String::new(),
        permille: None,
        is_bad: false,
    };
    view! {
        <li class="tile">
            <span class="tile-label">{label}</span>
            <strong class="tile-value">{value}</strong>
            <span class="tile-note">{note}</span>
        </li>
    }
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
