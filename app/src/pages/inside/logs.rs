//! What a VServer printed on its console and what it logs, with a search that needs no JavaScript.
//!
//! The last console goes on while it is looked at, where there is JavaScript. `?view=` says which log; the rest of the query narrows it. A value that cannot be is as if it were not there.

use core::str::FromStr;

use domain::failure::Failure;
use domain::guest_log::{
    BootId, GuestLog, GuestLogQuery, GuestLogSource, JournalFilter, Priority, SearchText, Since,
};
use domain::id::VServerName;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::components::alert;
use crate::components::vserver_pages::vserver_pages;
use crate::events::Subscription;
use crate::i18n::{Locale, format, priority_text, since_text};
use crate::islands::console_tail::ConsoleTail;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::vservers::show::named;

/// Which log, as the address says it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Console,
    Journal,
    OwnLog,
}

impl View {
    const ALL: [Self; 3] = [Self::Console, Self::Journal, Self::OwnLog];

    fn as_str(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Journal => "journal",
            Self::OwnLog => "file",
        }
    }

    fn text(self, t: Locale) -> &'static str {
        match self {
            Self::Console => t.console(),
            Self::Journal => t.journal(),
            Self::OwnLog => t.own_log(),
        }
    }
}

/// The page.
pub(crate) fn logs() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let name = named(&name)?;
        let asked = page.query("view").unwrap_or_default();
        let view = View::ALL.into_iter().find(|one| one.as_str() == asked).unwrap_or(View::Console);
        let query = GuestLogQuery { source: source(&page, view), text: value(&page, "q") };
        let log = match page.backend.guest_log(permit, name.clone(), query.clone()).await {
            // A guest that does not answer, or is not there to, leaves the way to its other logs.
            Err(
                failure @ (Failure::NotRunning { .. }
                | Failure::ProgramFailed { .. }
                | Failure::TimedOut { .. }
                | Failure::QueueFull { .. }),
            ) => Err(failure),
            other => Ok(other?),
        };
        // What is looked for is shown as it was found; what is not, as it goes on.
        let end = log.as_ref().ok().and_then(|log| log.end);
        let subscription =
            end.filter(|_| query.text.is_none() && page.may_listen).map(|place| Subscription {
                console: Some(name.clone()),
                place: Some(place),
                ..Subscription::default()
            });
        let shown = match log {
            Ok(log) => view! {
                {form(t, &name, view, &query, &log)}
                {kept(t, &name, &log)}
                {lines(t, view, log, subscription.is_some())}
            }
            .into_any(),
            Err(failure) => view! {
                {form(t, &name, view, &query, &GuestLog::default())}
                {alert::failure(t, &failure, &page.reference)}
            }
            .into_any(),
        };
        let body = view! {
            {vserver_pages(&page, &name)}
            {views(t, &name, view)}
            {(view == View::Console).then(|| view! { <p class="hint">{t.console_explained()}</p> })}
            {shown}
        };
        Ok(Content {
            title: t.console_of(name.as_str()),
            area: Area::VServers,
            subscription,
            body: body.into_any(),
        })
    })
}

fn value<T: FromStr>(page: &Page, key: &str) -> Option<T> {
    page.query(key)?.trim().parse().ok()
}

fn source(page: &Page, view: View) -> GuestLogSource {
    match view {
        View::Console => GuestLogSource::Console(value::<BootId>(page, "boot")),
        View::Journal => GuestLogSource::Journal(JournalFilter {
            unit: value(page, "unit"),
            priority: value(page, "priority").unwrap_or_default(),
            since: value(page, "since").unwrap_or_default(),
        }),
        View::OwnLog => GuestLogSource::Syslog,
    }
}

fn views(t: Locale, name: &VServerName, view: View) -> impl IntoView + use<> {
    let links = View::ALL
        .into_iter()
        .map(|one| {
            let address = format!("/vservers/{name}/console?view={}", one.as_str());
            let current = (one == view).then_some("true");
            view! { <li><a href=address aria-current=current>{one.text(t)}</a></li> }
        })
        .collect_view();
    view! {
        <nav aria-label=t.which_log()>
            <ul class="row-list">{links}</ul>
        </nav>
    }
}

/// What narrows the log: a form whose answer is this page again.
fn form(
    t: Locale,
    name: &VServerName,
    view: View,
    query: &GuestLogQuery,
    log: &GuestLog,
) -> impl IntoView + use<> {
    let narrowed = match &query.source {
        GuestLogSource::Console(_) if !log.boots.is_empty() => boots(t, log).into_any(),
        GuestLogSource::Journal(filter) => journal_fields(t, filter).into_any(),
        GuestLogSource::Console(_) | GuestLogSource::Syslog => ().into_any(),
    };
    view! {
        <form method="get" action=format!("/vservers/{name}/console") class="toolbar">
            <input type="hidden" name="view" value=view.as_str() />
            {narrowed}
            <label>
                {t.text_in_lines()}
                <input
                    type="search"
                    name="q"
                    maxlength="200"
                    value=query.text.as_ref().map(SearchText::to_string)
                    autocomplete="off"
                    spellcheck="false"
                />
            </label>
            <button>{t.show_these()}</button>
        </form>
    }
}

fn boots(t: Locale, log: &GuestLog) -> impl IntoView + use<> {
    let options = log
        .boots
        .iter()
        .map(|boot| {
            let text = t.boot_of(&format::instant(t, boot.id.0), &format::bytes(t, boot.bytes));
            let is_chosen = log.boot == Some(boot.id);
            view! { <option value=boot.id.to_string() selected=is_chosen>{text}</option> }
        })
        .collect_view();
    view! { <label>{t.which_boot()} <select name="boot">{options}</select></label> }
}

fn journal_fields(t: Locale, filter: &JournalFilter) -> impl IntoView + use<> {
    let (chosen_priority, chosen_since) = (filter.priority, filter.since);
    let priorities = Priority::ALL
        .into_iter()
        .map(|one| {
            let text = priority_text(t, one);
            view! { <option value=one.as_str() selected=one == chosen_priority>{text}</option> }
        })
        .collect_view();
    let times = Since::ALL
        .into_iter()
        .map(|one| {
            let text = since_text(t, one);
            view! { <option value=one.as_str() selected=one == chosen_since>{text}</option> }
        })
        .collect_view();
    view! {
        <label>
            {t.unit()}
            <input
                type="text"
                name="unit"
                value=filter.unit.as_ref().map(ToString::to_string)
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
            />
        </label>
        <label>{t.at_least()} <select name="priority">{priorities}</select></label>
        <label>{t.since()} <select name="since">{times}</select></label>
    }
}

/// The console that is shown, as a file.
fn kept(t: Locale, name: &VServerName, log: &GuestLog) -> impl IntoView + use<> {
    log.boot.map(|boot| {
        let address = format!("/vservers/{name}/console/{boot}");
        view! { <p><a href=address download="">{t.download_console()}</a></p> }
    })
}

fn lines(t: Locale, view: View, mut log: GuestLog, is_live: bool) -> AnyView {
    if log.lines.is_empty() && !is_live {
        let text = match view {
            View::Console if log.boots.is_empty() => t.no_console_yet(),
            View::OwnLog if log.origin.is_none() => t.no_own_log(),
            _ => t.no_lines(),
        };
        return view! { <p class="nothing">{text}</p> }.into_any();
    }
    let origin = log.origin.unwrap_or_default();
    let count = format::integer(t, log.lines.len() as u64);
    let cut = log.is_cut.then(|| view! { <p class="hint">{t.is_cut(&count)}</p> });
    let begun = log.is_begun.then(|| log.lines.pop()).flatten().map(|line| line.text);
    let mut text = String::new();
    for line in &log.lines {
        text.push_str(&line.text);
        text.push('\n');
    }
    let live = is_live
        .then(|| view! { <p class="hint needs-js">{t.console_is_live()}</p> <ConsoleTail /> });
    view! {
        <p><code>{origin.clone()}</code> " · " <a href="#last-line">{t.last_lines()}</a></p>
        {cut}
        {live}
        <pre
            id="console-lines"
            class=if is_live { "log log-lines" } else { "file-text log-lines" }
            tabindex="0"
            role=if is_live { "log" } else { "region" }
            aria-live=is_live.then_some("off")
            aria-label=t.lines_of(&origin)
        >
            {text}
            <span id="last-line">{begun}</span>
        </pre>
    }
    .into_any()
}
