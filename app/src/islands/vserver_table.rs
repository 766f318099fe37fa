//! The list of VServers: the columns of `vserver-stat`, state, addresses, marks, live; and what can
//! be done to one or several.
//!
//! One form holds the table: a row's button names its server function with `formaction`. The boxes belong to
//! another, which asks for the page that shows what would be done to the chosen ones; so the whole list
//! works as plain HTML.

use domain::command;
use domain::id::VServerName;
use domain::operation::Kind;
use domain::vserver::{State, Usage};
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::events::PageEvent;
use crate::i18n::{self, Locale, format};
use crate::live;
use crate::shared::{state_name, state_pill};
use crate::shown::ShownVServer;

/// Of so many chosen VServers at most the commands are spelt out.
const MOST_SPELT_OUT: usize = 5;

/// What whoever looks may do to VServers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// Start, stop, restart.
    pub run: bool,
    /// Open terminals.
    pub enter: bool,
    /// Delete.
    pub delete: bool,
    /// Build.
    pub build: bool,
    /// Take backups.
    pub back_up: bool,
    /// Protect against deletion.
    pub protect: bool,
    /// Give marks.
    pub configure: bool,
}

/// One row: a signal of its own, so that a new sample touches one row's cells only.
#[derive(Clone, Copy)]
struct Row {
    summary: RwSignal<ShownVServer>,
    chosen: RwSignal<bool>,
}

impl Row {
    fn new(summary: ShownVServer) -> Self {
        Self { summary: RwSignal::new(summary), chosen: RwSignal::new(false) }
    }

    fn name(self) -> VServerName {
        self.summary.with_untracked(|summary| summary.name.clone())
    }
}

/// Whether a row holds the text somewhere people see it.
fn matches(locale: Locale, summary: &ShownVServer, text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let holds = |part: &str| part.to_lowercase().contains(&text);
    text.is_empty()
        || holds(summary.name.as_str())
        || holds(i18n::state_text(locale, summary.state))
        || summary.context.is_some_and(|context| holds(&context.to_string()))
        || holds(&summary.host_name)
        || summary.interfaces.iter().any(|interface| holds(interface))
        || holds(&summary.marks)
}

/// Brings the rows up to date; rows that stay keep their signals.
fn apply(rows: RwSignal<Vec<Row>>, owner: &Owner, event: &PageEvent) {
    match event {
        PageEvent::VServers(all) => {
            let known = rows.get_untracked();
            let fresh = all
                .iter()
                .map(|summary| match known.iter().find(|row| row.name() == summary.name) {
                    Some(row) => {
                        set_changed(row.summary, summary.clone());
                        *row
                    }
                    None => owner.with(|| Row::new(summary.clone())),
                })
                .collect::<Vec<_>>();
            let is_same = fresh.len() == known.len()
                && fresh.iter().zip(&known).all(|(a, b)| a.summary == b.summary);
            if !is_same {
                rows.set(fresh);
            }
        }
        PageEvent::VServer { name, summary: None } => {
            rows.update(|rows| rows.retain(|row| row.name() != *name));
        }
        PageEvent::VServer { name, summary: Some(summary) } => {
            let known =
                rows.with_untracked(|rows| rows.iter().find(|row| row.name() == *name).copied());
            match known {
                Some(row) => set_changed(row.summary, summary.clone()),
                None => rows.update(|rows| {
                    let place = rows.partition_point(|row| row.name() < *name);
                    rows.insert(place, owner.with(|| Row::new(summary.clone())));
                }),
            }
        }
        PageEvent::Samples { vservers, .. } => rows.with_untracked(|rows| {
            for sample in vservers {
                // Both are sorted by name, but a sample may be of a row not yet known.
                let place = rows.binary_search_by(|row| row.name().cmp(&sample.name));
                if let Some(row) = place.ok().and_then(|place| rows.get(place)) {
                    let is_running =
                        row.summary.with_untracked(|summary| summary.state == State::Running);
                    if is_running {
                        row.summary.update(|summary| summary.usage = Some(sample.usage));
                    }
                }
            }
        }),
        PageEvent::Engine { .. }
        | PageEvent::Operation(_)
        | PageEvent::Log { .. }
        | PageEvent::Processes(_)
        | PageEvent::Tiles { .. }
        | PageEvent::Parts(_)
        | PageEvent::Console(_)
        | PageEvent::RightsChanged => {}
    }
}

fn set_changed(signal: RwSignal<ShownVServer>, value: ShownVServer) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

/// The list with its filter, its bulk bar and its rows.
#[island]
pub fn VServerTable(
    locale: Locale,
    rows: Vec<ShownVServer>,
    may: Abilities,
    csrf: String,
    query: String,
    /// Only those in this state.
    state: Option<State>,
) -> impl IntoView {
    let t = locale;
    let rows = RwSignal::new(rows.into_iter().map(Row::new).collect::<Vec<_>>());
    let query = RwSignal::new(query);
    let is_awake = RwSignal::new(false);
    Effect::new(move |_| is_awake.set(true));
    if let Some(owner) = Owner::current() {
        live::listen(move |event| apply(rows, &owner, event));
    }

    let shown = move || {
        let text = query.get();
        let mut rows = rows.get();
        if state.is_some() {
            rows.retain(|row| row.summary.with(|summary| Some(summary.state) == state));
        }
        if !text.trim().is_empty() {
            rows.retain(|row| row.summary.with(|summary| matches(t, summary, &text)));
        }
        rows
    };
    let counts = move || {
        rows.with(|rows| {
            let is_running = |row: &&Row| row.summary.with(|s| s.state == State::Running);
            t.vserver_counts(
                &rows.len().to_string(),
                &rows.iter().filter(is_running).count().to_string(),
            )
        })
    };
    // What the filter hides is not meant: its box is not in the form either.
    let chosen = move || {
        let chosen = shown().into_iter().filter(|row| row.chosen.get());
        chosen.map(Row::name).collect::<Vec<_>>()
    };
    let choose_all = move |event| {
        let all = event_target_checked(&event);
        for row in shown() {
            row.chosen.set(all);
        }
    };
    let are_all_chosen = move || {
        let shown = shown();
        !shown.is_empty() && shown.iter().all(|row| row.chosen.get())
    };
    // With the shift key all from the one that was clicked last to this one.
    let last = StoredValue::new(None::<VServerName>);
    let choose = move |row: Row, event: &MouseEvent| {
        let is_chosen = event_target_checked(event);
        let names = || shown().into_iter();
        let place = |name: &VServerName| names().position(|row| row.name() == *name);
        let here = row.name();
        let from = last.get_value().filter(|_| event.shift_key()).and_then(|name| place(&name));
        last.set_value(Some(here.clone()));
        row.chosen.set(is_chosen);
        if let (Some(from), Some(to)) = (from, place(&here)) {
            let count = from.abs_diff(to) + 1;
            names().skip(from.min(to)).take(count).for_each(|row| row.chosen.set(is_chosen));
        }
    };
    let bulk = may.run.then(|| {
        let buttons = [
            (true, Kind::Start, t.start()),
            (true, Kind::Stop, t.stop()),
            (true, Kind::Restart, t.restart()),
            (may.back_up, Kind::Backup, t.back_up()),
            (may.protect, Kind::Protect, t.protect()),
            (may.protect, Kind::Unprotect, t.unprotect()),
            (may.configure, Kind::Mark, t.set_mark()),
            (may.configure, Kind::Unmark, t.unset_mark()),
            (may.delete, Kind::Delete, t.delete()),
        ];
        let buttons = buttons.into_iter().filter(|(is_allowed, ..)| *is_allowed);
        view! {
            <form id=MANY method="get" action="/batch">
                <div class="bulk" role="group" aria-label=t.chosen_vservers()>
                    <span class="bulk-count" role="status">
                        {move || {
                            is_awake.get().then(|| t.chosen_count(&chosen().len().to_string()))
                        }}
                    </span>
                    {buttons
                        .map(|(_, kind, label)| bulk_button(label, kind, is_awake, chosen))
                        .collect_view()}
                </div>
            </form>
            {move || command_hint(t, &chosen())}
        }
    });
    let is_empty = move || rows.with(Vec::is_empty);

    view! {
        <div class="toolbar">
            <form class="filter" role="search" method="get" action="/vservers">
                <label>
                    <span class="hidden-visually">{t.filter_vservers()}</span>
                    <input
                        type="search"
                        name="q"
                        autocomplete="off"
                        placeholder=t.filter_vservers()
                        prop:value=query
                        value=query.get_untracked()
                        on:input=move |event| query.set(event_target_value(&event))
                    />
                </label>
                {state.map(|state| view! {
                    <input type="hidden" name="state" value=state.as_str() />
                })}
                <button class="quiet no-js">{t.filter()}</button>
            </form>
            <p class="counts">{counts}</p>
        </div>
        {bulk}
        <form method="post" action="/api/vservers/start">
            <input type="hidden" name="csrf" value=csrf />
            <input type="hidden" name="next" value="/vservers" />
            <div class="table-frame">
                <table class="stat" class:empty=is_empty>
                    <caption class="hidden-visually">{t.vservers()}</caption>
                    <thead>
                        <tr>
                            {may
                                .run
                                .then(|| {
                                    view! {
                                        <th class="choose" scope="col">
                                            <input
                                                type="checkbox"
                                                class="needs-js"
                                                aria-label=t.choose_all()
                                                prop:checked=are_all_chosen
                                                on:change=choose_all
                                            />
                                        </th>
                                    }
                                })}
                            <th scope="col">"NAME"</th>
                            <th scope="col">{t.state()}</th>
                            {stat_head("CTX", t.ctx_explained())}
                            {stat_head("PROC", t.proc_explained())}
                            {stat_head("VSZ", t.vsz_explained())}
                            {stat_head("RSS", t.rss_explained())}
                            {stat_head("userTIME", t.user_time_explained())}
                            {stat_head("sysTIME", t.sys_time_explained())}
                            {stat_head("UPTIME", t.uptime_explained())}
                            <th scope="col">{t.address()}</th>
                            <th scope="col">{t.mark()}</th>
                            {may.run.then(|| view! { <th scope="col">{t.actions()}</th> })}
                        </tr>
                    </thead>
                    <tbody>
                        <For each=shown key=|row| row.name() let:row>
                            {table_row(t, row, may, choose)}
                        </For>
                    </tbody>
                </table>
            </div>
            {move || {
                (shown().is_empty() && !is_empty())
                    .then(|| view! { <p class="nothing">{t.nothing_matches()}</p> })
            }}
        </form>
        {move || {
            is_empty()
                .then(|| {
                    view! {
                        <div class="empty-state">
                            <p>{t.no_vservers_yet()}</p>
                            {may
                                .build
                                .then(|| {
                                    view! {
                                        <p>
                                            <a class="button primary" href="/build">
                                                {t.build_the_first()}
                                            </a>
                                        </p>
                                    }
                                })}
                        </div>
                    }
                })
        }}
    }
}

/// The form of the boxes.
const MANY: &str = "many";

/// The command for the chosen ones, whatever is done to them.
fn command_hint(t: Locale, chosen: &[VServerName]) -> Option<impl IntoView + use<>> {
    let few = chosen.get(..MOST_SPELT_OUT).unwrap_or(chosen);
    let more = if few.len() < chosen.len() { ",…" } else { "" };
    let names = few.iter().map(VServerName::as_str).collect::<Vec<_>>().join(",");
    (!chosen.is_empty()).then(|| {
        view! {
            <p class="hint commands">
                {t.command()} {t.colon()} <code>{format!("vserver --names {names}{more} …")}</code>
            </p>
        }
    })
}

fn bulk_button(
    label: &'static str,
    kind: Kind,
    is_awake: RwSignal<bool>,
    chosen: impl Fn() -> Vec<VServerName> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <button
            type="submit"
            name="action"
            value=kind.as_str()
            prop:disabled=move || is_awake.get() && chosen().is_empty()
        >
            {label}
        </button>
    }
}

fn stat_head(name: &'static str, explained: &'static str) -> impl IntoView {
    view! {
        <th scope="col" class="number">
            <abbr title=explained>{name}</abbr>
        </th>
    }
}

fn table_row(
    t: Locale,
    row: Row,
    may: Abilities,
    choose: impl Fn(Row, &MouseEvent) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let Row { summary, chosen } = row;
    let name = row.name();
    let number = move |label: &'static str, text: fn(&Usage) -> String| {
        view! {
            <td class="number" data-label=label>
                {move || {
                    summary.with(|s| s.usage.as_ref().map_or_else(|| "–".to_owned(), text))
                }}
            </td>
        }
    };
    let state = Memo::new(move |_| summary.with(|s| s.state));
    let choose_label = t.choose_one(name.as_str());
    view! {
        <tr data-state=move || state_name(state.get()) data-vserver=name.to_string()>
            {may
                .run
                .then(|| {
                    view! {
                        <td class="choose">
                            <input
                                type="checkbox"
                                form=MANY
                                name="name"
                                value=name.to_string()
                                aria-label=choose_label
                                prop:checked=chosen
                                on:click=move |event| choose(row, &event)
                            />
                        </td>
                    }
                })}
            <th scope="row">
                <a href=format!("/vservers/{name}")>{name.to_string()}</a>
                {move || {
                    summary
                        .with(|s| s.problem.clone())
                        .map(|problem| view! { <span class="row-problem">{problem}</span> })
                }}
                {move || {
                    summary
                        .with(|s| s.oom_kills)
                        .map(|kills| {
                            let text = t.oom_killed_short(&format::integer(t, kills.count));
                            view! { <span class="row-problem">{text}</span> }
                        })
                }}
            </th>
            <td data-label=t.state()>{move || state_pill(t, state.get())}</td>
            <td class="number" data-label="CTX">
                {move || {
                    summary.with(|s| s.context.map_or_else(|| "–".to_owned(), |c| c.to_string()))
                }}
            </td>
            {number("PROC", |usage| usage.processes.to_string())}
            {number("VSZ", |usage| format::stat_size(usage.vsz_bytes))}
            {number("RSS", |usage| format::stat_size(usage.rss_bytes))}
            {number("userTIME", |usage| format::stat_time(usage.user_ms))}
            {number("sysTIME", |usage| format::stat_time(usage.system_ms))}
            {number("UPTIME", |usage| format::stat_time(usage.uptime_ms))}
            <td class="address" data-label=t.address()>
                {move || summary.with(ShownVServer::addresses)}
            </td>
            <td data-label=t.mark()>
                {move || summary.with(|s| s.marks.clone())}
            </td>
            {may.run.then(|| view! { <td class="row-actions">{row_actions(t, row, may)}</td> })}
        </tr>
    }
}

/// The buttons that make sense in the row's state; an operation's link while one is at work.
fn row_actions(t: Locale, row: Row, may: Abilities) -> impl IntoView {
    let name = row.name();
    let what = Memo::new(move |_| row.summary.with(|s| (s.state, s.operation.clone())));
    let button =
        move |label: &'static str, explained: String, action: &'static str, line: String| {
            view! {
                <button
                    type="submit"
                    class="quiet"
                    formaction=action
                    name="only"
                    value=row.name().to_string()
                    aria-label=explained
                    title=line
                >
                    {label}
                </button>
            }
        };
    move || {
        let vserver = &name;
        let name = name.as_str();
        match what.get() {
            (_, Some(operation)) => view! {
                <a href=format!("/operations/{operation}")>{t.operation()}</a>
            }
            .into_any(),
            (State::Running, None) => view! {
                {button(t.stop(), t.stop_one(name), "/api/vservers/stop", command::stop(vserver).line())}
                {button(t.restart(), t.restart_one(name), "/api/vservers/restart", command::restart(vserver).line())}
                {may.enter.then(|| view! {
                    <button
                        type="submit"
                        class="quiet"
                        formaction="/api/terminals/open"
                        name="vserver"
                        value=name.to_owned()
                        aria-label=t.terminal_in(name)
                        title=command::enter(vserver).line()
                    >
                        {t.terminal()}
                    </button>
                })}
            }
            .into_any(),
            (State::Stopped, None) => {
                button(t.start(), t.start_one(name), "/api/vservers/start", command::start(vserver).line()).into_any()
            }
            (_, None) => ().into_any(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::vserver::Summary;

    use super::*;

    fn summary(name: &str) -> ShownVServer {
        let summary = Summary {
            name: name.parse().unwrap(),
            context: Some(40_007_u32.try_into().unwrap()),
            state: State::Running,
            interfaces: vec!["nat0:10.127.0.7/24".parse().unwrap()],
            marks: vec!["default".parse().unwrap()],
            host_name: None,
            usage: None,
            operation: None,
            oom_kills: None,
            problem: None,
        };
        ShownVServer::of(Locale::English, &summary)
    }

    #[test]
    fn the_filter_looks_where_people_look() {
        let row = summary("web1");
        for text in ["", "WEB", "40007", "127.0.7", "default", "en marche", " web1 "] {
            assert!(matches(Locale::French, &row, text), "{text}");
        }
        assert!(!matches(Locale::French, &row, "web2"));
    }

    #[test]
    fn addresses_stand_without_their_device() {
        assert_eq!(summary("web1").addresses(), "10.127.0.7/24");
    }
}
