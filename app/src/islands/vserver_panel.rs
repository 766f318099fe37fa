//! The live head of a VServer's page: state, buttons, numbers, charts.

use domain::command;
use domain::vserver::{OomKills, State};
use leptos::prelude::*;

use super::charts::{History, charts};
use super::vserver_table::Abilities;
use crate::events::PageEvent;
use crate::i18n::{Locale, format};
use crate::live;
use crate::shared::state_pill;
use crate::shown::ShownVServer;

/// What changes on a VServer's page while one looks at it.
#[island]
pub fn VServerPanel(
    locale: Locale,
    summary: ShownVServer,
    may: Abilities,
    csrf: String,
) -> impl IntoView {
    let t = locale;
    let name = summary.name.clone();
    let history = RwSignal::new(History::default());
    let summary = RwSignal::new(summary);
    let is_gone = RwSignal::new(false);
    let watched = name.clone();
    live::listen(move |event| match event {
        PageEvent::VServer { name, summary: fresh } if *name == watched => match fresh {
            Some(fresh) => {
                if fresh.state == State::Stopped {
                    history.update(History::clear);
                }
                is_gone.set(false);
                summary.set(fresh.clone());
            }
            None => is_gone.set(true),
        },
        PageEvent::Samples { at, vservers, .. } => {
            for sample in vservers.iter().filter(|sample| sample.name == watched) {
                history.update(|history| history.push(*at, sample.usage));
                summary.update(|summary| summary.usage = Some(sample.usage));
            }
        }
        _ => {}
    });

    let state = Memo::new(move |_| summary.with(|summary| summary.state));
    let is_busy = Memo::new(move |_| summary.with(|summary| summary.operation.is_some()));
    let is_running = move || state.get() == State::Running;
    let can_start = move || state.get() == State::Stopped && !is_busy.get();
    let can_stop = move || is_running() && !is_busy.get();
    // Those of the buttons that can be pressed.
    let named = name.clone();
    let lines = move || {
        let name = &named;
        let can = (can_start(), can_stop(), is_running());
        [
            (may.run && can.0).then(|| command::start(name)),
            (may.run && can.1).then(|| command::stop(name)),
            (may.run && can.1).then(|| command::restart(name)),
            (may.enter && can.2).then(|| command::enter(name)),
            may.delete.then(|| command::delete(name, false)),
        ]
        .into_iter()
        .flatten()
        .map(|command| command.line())
        .collect::<Vec<_>>()
    };
    let next = format!("/vservers/{name}");
    let only = name.to_string();
    let delete_address = format!("/vservers/{name}/delete");

    view! {
        <div class="panel-head" role="status">
            {move || (!is_gone.get()).then(|| state_pill(t, state.get()))}
            {move || {
                summary
                    .with(|summary| summary.operation.clone())
                    .filter(|_| !is_gone.get())
                    .map(|operation| {
                        view! {
                            <a href=format!("/operations/{operation}")>{t.operation_at_work()}</a>
                        }
                    })
            }}
            {move || {
                is_gone
                    .get()
                    .then(|| {
                        // The style hides what else the page says of it.
                        view! {
                            <strong class="vserver-gone">{t.vserver_is_gone()}</strong>
                            <a href="/vservers">{t.vservers()}</a>
                            <a href="/bin">{t.recycle_bin()}</a>
                        }
                    })
            }}
        </div>
        {move || {
            summary
                .with(|summary| summary.problem.clone())
                .map(|problem| view! { <p class="alert" role="alert">{problem}</p> })
        }}
        <div role="status">{move || out_of_memory(t, summary.with(|summary| summary.oom_kills))}</div>
        <form method="post" action="/api/vservers/start" class="actions">
            <input type="hidden" name="csrf" value=csrf />
            <input type="hidden" name="next" value=next />
            <input type="hidden" name="only" value=only.clone() />
            <input type="hidden" name="vserver" value=only />
            {may
                .run
                .then(|| {
                    view! {
                        <button type="submit" class="primary" disabled=move || !can_start()>
                            {t.start()}
                        </button>
                        <button
                            type="submit"
                            formaction="/api/vservers/stop"
                            disabled=move || !can_stop()
                        >
                            {t.stop()}
                        </button>
                        <button
                            type="submit"
                            formaction="/api/vservers/restart"
                            disabled=move || !can_stop()
                        >
                            {t.restart()}
                        </button>
                    }
                })}
            {may
                .enter
                .then(|| {
                    view! {
                        <button
                            type="submit"
                            formaction="/api/terminals/open"
                            disabled=move || !is_running()
                        >
                            {t.open_terminal()}
                        </button>
                    }
                })}
            {may
                .delete
                .then(|| {
                    view! {
                        <a class="button danger" href=delete_address>
                            {t.delete_dots()}
                        </a>
                    }
                })}
        </form>
        {move || {
            let lines = lines();
            (!lines.is_empty())
                .then(|| {
                    let lines = lines
                        .into_iter()
                        .map(|line| view! { " " <code>{line}</code> })
                        .collect_view();
                    view! { <p class="hint commands">{t.command()} {t.colon()} {lines}</p> }
                })
        }}
        <dl class="numbers">
            {number(summary, "PROC", |_, usage| usage.processes.to_string(), t)}
            {number(summary, "VSZ", |t, usage| format::bytes(t, usage.vsz_bytes), t)}
            {number(summary, "RSS", |t, usage| format::bytes(t, usage.rss_bytes), t)}
            {number(summary, "userTIME", |_, usage| format::stat_time(usage.user_ms), t)}
            {number(summary, "sysTIME", |_, usage| format::stat_time(usage.system_ms), t)}
            {number(summary, "UPTIME", |_, usage| format::stat_time(usage.uptime_ms), t)}
        </dl>
        {move || {
            if is_running() {
                charts(t, history).into_any()
            } else {
                view! { <p class="nothing">{t.charts_when_running()}</p> }.into_any()
            }
        }}
    }
}

/// A warning when the kernel had to kill.
fn out_of_memory(t: Locale, kills: Option<OomKills>) -> Option<impl IntoView> {
    let OomKills { count, last_at } = kills?;
    let text = t.oom_killed(&format::integer(t, count), &format::instant(t, last_at));
    Some(view! { <p class="alert">{text}</p> })
}

fn number(
    summary: RwSignal<ShownVServer>,
    label: &'static str,
    text: fn(Locale, &domain::vserver::Usage) -> String,
    t: Locale,
) -> impl IntoView {
    view! {
        <div>
            <dt>{label}</dt>
            <dd>
                {move || {
                    summary
                        .with(|s| s.usage.as_ref().map_or_else(|| "–".to_owned(), |u| text(t, u)))
                }}
            </dd>
        </div>
    }
}
