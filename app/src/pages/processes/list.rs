//! `/processes` and `/vservers/NAME/processes`: a table that the page's stream keeps current. Filter, order
//! and shape stand in the address, so that all of it works without JavaScript.

use domain::authz::ActionKind;
use domain::failure::Failure;
use domain::id::VServerName;
use domain::vserver::{State, Summary};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::components::vserver_pages::vserver_pages;
use crate::events::{Subscription, encoded};
use crate::i18n::{Locale, format};
use crate::islands::live_rows::LiveRows;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::vservers::show::named;
use crate::process_rows::{MOST_ROWS, shown};
use crate::process_view::{Column, ProcessView};

/// The page of all VServers: `?vserver=`, `?q=`, `?sort=`, `?order=reversed`, `?tree=true`.
pub(crate) fn all() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let vserver = page.query("vserver").filter(|name| !name.is_empty());
        let vserver = vserver.as_deref().map(named).transpose()?;
        content(&page, vserver, None).await
    })
}

/// The page of one VServer.
pub(crate) fn of_vserver() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let name = named(&name)?;
        content(&page, Some(name.clone()), Some(name)).await
    })
}

/// The table; `fixed` is the VServer that the page is about.
async fn content(
    page: &Page,
    vserver: Option<VServerName>,
    fixed: Option<VServerName>,
) -> Result<Content, Failure> {
    let t = page.locale;
    let vservers = page.backend.vservers(page.permit()?).await?;
    if let Some(name) = &vserver
        && !vservers.iter().any(|summary| summary.name == *name)
    {
        return Err(Failure::NoSuchVServer { name: name.clone() });
    }
    let is_on = |key: &str, word: &str| page.query(key).as_deref() == Some(word);
    let view = ProcessView {
        vserver,
        text: page.query("q").unwrap_or_default(),
        sort: page.query("sort").and_then(|key| Column::of_key(&key)).unwrap_or_default(),
        is_reversed: is_on("order", "reversed"),
        is_tree: is_on("tree", "true"),
    };
    let measured = page.backend.processes(page.permit()?).await?;
    let may_signal = page.may(ActionKind::SignalProcess);
    let processes = shown(t, &view, &measured, may_signal);
    let address = match &fixed {
        Some(name) => format!("/vservers/{name}/processes"),
        None => "/processes".to_owned(),
    };
    let nothing = nothing_said(t, &view, &vservers);
    let total = measured.list.processes.len();
    let cut =
        (total > MOST_ROWS).then(|| t.process_rows_cut(&format::integer(t, MOST_ROWS as u64)));
    let heads = Column::ALL.into_iter().map(|column| head(t, &address, &view, column, &fixed));
    let heads = heads.collect_view();
    let body = view! {
        {fixed.as_ref().map(|name| vserver_pages(page, name))}
        {filter(t, &address, &view, &vservers, fixed.is_none())}
        <p class="counts" id="process-counts">{processes.counts}</p>
        {cut.map(|text| view! { <p class="hint">{text}</p> })}
        <div class="table-frame">
            <table class="processes">
                <caption class="hidden-visually">{t.processes()}</caption>
                <thead>
                    <tr>
                        {heads}
                        {may_signal.then(|| view! { <th scope="col">{t.actions()}</th> })}
                    </tr>
                </thead>
                <tbody id="process-rows" inner_html=processes.rows></tbody>
            </table>
        </div>
        <p class="nothing">{nothing}</p>
        <LiveRows />
        <p class="hint">{t.equivalent_vps()}</p>
        {fixed
            .as_ref()
            .map(|_| view! { <p><a href="/processes">{t.all_processes()}</a></p> })}
    };
    Ok(Content {
        title: match &fixed {
            Some(name) => t.processes_of(name.as_str()),
            None => t.processes().to_owned(),
        },
        area: if fixed.is_some() { Area::VServers } else { Area::Processes },
        subscription: Some(Subscription { processes: Some(view), ..Subscription::default() }),
        body: body.into_any(),
    })
}

/// Why the table is empty. Beside one that is not, or not any more, the style hides it.
fn nothing_said(t: Locale, view: &ProcessView, vservers: &[Summary]) -> String {
    let runs = |summary: &&Summary| summary.state == State::Running;
    let mut running = vservers.iter().filter(runs);
    let is_running = match &view.vserver {
        Some(name) => running.any(|summary| summary.name == *name),
        None => running.next().is_some(),
    };
    match &view.vserver {
        Some(name) if !is_running => t.does_not_run(name.as_str()),
        None if !is_running => t.no_processes().to_owned(),
        _ => t.no_process_matches().to_owned(),
    }
}

/// The address of the same table, sorted by a column.
fn sorted_by(
    address: &str,
    view: &ProcessView,
    column: Column,
    fixed: &Option<VServerName>,
) -> String {
    let mut query = vec![format!("sort={}", column.key())];
    if view.sort == column && !view.is_reversed {
        query.push("order=reversed".to_owned());
    }
    if let (Some(name), None) = (&view.vserver, fixed) {
        query.push(format!("vserver={name}"));
    }
    if !view.text.is_empty() {
        query.push(format!("q={}", encoded(&view.text)));
    }
    if view.is_tree {
        query.push("tree=true".to_owned());
    }
    format!("{address}?{}", query.join("&"))
}

fn head(
    t: Locale,
    address: &str,
    view: &ProcessView,
    column: Column,
    fixed: &Option<VServerName>,
) -> impl IntoView + use<> {
    let is_sorted = view.sort == column;
    let is_falling = column.begins_with_largest() != view.is_reversed;
    let order = is_sorted.then_some(if is_falling { "descending" } else { "ascending" });
    let mark = is_sorted.then_some(if is_falling { " ▾" } else { " ▴" });
    let is_number =
        !matches!(column, Column::VServer | Column::User | Column::State | Column::Command);
    let explained = explanation(t, column);
    let address = sorted_by(address, view, column, fixed);
    view! {
        <th scope="col" class:number=is_number aria-sort=order>
            <a href=address title=explained aria-label=t.sort_by(column.head())>
                {column.head()} <span aria-hidden="true">{mark}</span>
            </a>
        </th>
    }
}

/// What a column shows.
pub(super) fn explanation(t: Locale, column: Column) -> &'static str {
    match column {
        Column::VServer => "VServer",
        Column::Pid => t.col_pid(),
        Column::Inside => t.col_inside(),
        Column::User => t.col_user(),
        Column::State => t.col_state(),
        Column::Nice => t.col_nice(),
        Column::Cpu => t.col_cpu(),
        Column::Time => t.col_time(),
        Column::Rss => t.col_rss(),
        Column::Vsz => t.col_vsz(),
        Column::Threads => t.col_threads(),
        Column::Start => t.col_start(),
        Column::Command => t.col_command(),
    }
}

/// A plain form that asks for the same page.
fn filter(
    t: Locale,
    address: &str,
    view: &ProcessView,
    vservers: &[Summary],
    is_of_all: bool,
) -> impl IntoView + use<> {
    let chosen = view.vserver.clone();
    let which = is_of_all.then(|| {
        let running = vservers.iter().filter(|summary| {
            summary.state == State::Running || chosen.as_ref() == Some(&summary.name)
        });
        let options = running.map(|summary| {
            let is_chosen = chosen.as_ref() == Some(&summary.name);
            let name = summary.name.to_string();
            view! { <option value=name.clone() selected=is_chosen>{name.clone()}</option> }
        });
        view! {
            <label>
                "VServer"
                <select name="vserver">
                    <option value="">{t.every_vserver()}</option>
                    {options.collect_view()}
                </select>
            </label>
        }
    });
    let sorts = Column::ALL.into_iter().map(|column| {
        view! {
            <option value=column.key() selected=view.sort == column>{column.head()}</option>
        }
    });
    view! {
        <form method="get" action=address.to_owned() role="search" class="toolbar">
            {which}
            <label>
                {t.filter_processes()}
                <input type="search" name="q" value=view.text.clone() autocomplete="off" />
            </label>
            <label>
                {t.sorted_by()}
                <select name="sort">{sorts.collect_view()}</select>
            </label>
            {view.is_reversed.then(|| view! { <input type="hidden" name="order" value="reversed" /> })}
            <label class="check">
                <input type="checkbox" name="tree" value="true" checked=view.is_tree />
                {t.as_tree()}
            </label>
            <button>{t.filter()}</button>
        </form>
    }
}
