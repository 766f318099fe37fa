//! `/vservers/NAME/processes/PID-START`: one process, and the signals that can be sent to it.

use domain::authz::ActionKind;
use domain::command;
use domain::failure::Failure;
use domain::field::Field;
use domain::id::VServerName;
use domain::process::{Process, ProcessKey, Recipient, Signal, SignalOrder};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::list::explanation;
use crate::i18n::{Locale, format, process_state_text};
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::vservers::show::named;
use crate::process_view::Column;
use crate::shared::instant;

/// The page.
pub(crate) fn show() -> impl IntoView {
    let (name, key) = use_params_map().with_untracked(|map| {
        (map.get("name").unwrap_or_default(), map.get("process").unwrap_or_default())
    });
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let name = named(&name)?;
        let key: ProcessKey = key.parse().map_err(|problem| match key.parse() {
            // Without its start a pid is nobody's.
            Ok(pid) => Failure::NoSuchProcess { name: name.clone(), pid },
            Err(_) => Failure::of_field(Field::Process, problem),
        })?;
        let measured = page.backend.processes(page.permit()?).await?;
        let is_it = |process: &&Process| process.key == key && process.vserver == name;
        let process = measured.list.processes.iter().find(is_it);
        let process =
            process.ok_or_else(|| Failure::NoSuchProcess { name: name.clone(), pid: key.pid })?;
        let body = view! {
            {facts(t, process, measured.rates.get(&key).copied())}
            {page.may(ActionKind::SignalProcess).then(|| signal_form(&page, &name, process))}
            <p>
                <a href=format!("/vservers/{name}/processes")>
                    {t.back_to_processes(name.as_str())}
                </a>
            </p>
        };
        Ok(Content {
            title: t.process_title(&key.pid.to_string(), name.as_str()),
            area: Area::VServers,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn facts(t: Locale, process: &Process, cpu: Option<u32>) -> impl IntoView + use<> {
    let row = |label: &'static str, value: AnyView| {
        view! { <div><dt>{label}</dt><dd>{value}</dd></div> }
    };
    let of = |column, text: String| row(explanation(t, column), text.into_any());
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let user = match &process.user {
        Some(name) => format!("{name} ({})", process.uid),
        None => process.uid.to_string(),
    };
    view! {
        <dl class="facts">
            {row(
                t.col_command(),
                view! { <code>{process.command.clone()}</code> }.into_any(),
            )}
            {of(Column::Pid, process.key.pid.to_string())}
            {of(Column::Inside, or_dash(process.inside.map(|pid| pid.to_string())))}
            {row(t.col_parent(), process.parent.to_string().into_any())}
            {of(Column::User, user)} {row(t.state_head(), process_state_text(t, process.state).into_any())}
            {of(Column::Nice, process.nice.to_string())}
            {of(Column::Cpu, or_dash(cpu.map(|cpu| format::percent(t, cpu.into()))))}
            {of(Column::Time, format::stat_time(process.cpu_ms))}
            {of(Column::Rss, format::bytes(t, process.rss_bytes))}
            {of(Column::Vsz, format::bytes(t, process.vsz_bytes))}
            {of(Column::Threads, process.threads.to_string())}
            {row(t.col_start(), instant(t, process.started_at).into_any())}
        </dl>
    }
}

fn signal_form(page: &Page, name: &VServerName, process: &Process) -> impl IntoView + use<> {
    let t = page.locale;
    let to_init = (process.inside == Some(1)).then(|| t.signal_to_init());
    let process = process.key;
    let order = SignalOrder {
        vserver: name.clone(),
        signal: Signal::TERM,
        to: Recipient::Process(process),
    };
    let signals = Signal::OFFERED.into_iter().map(|signal| {
        let word = signal.to_string();
        let text = format!("{word} ({})", signal.number());
        view! { <option value=word>{text}</option> }
    });
    view! {
        <section aria-labelledby="signal">
            <h2 id="signal">{t.signal_word()}</h2>
            <p>{t.signals_explained()} " " {to_init}</p>
            <form method="post" action="/api/processes/signal" class="narrow">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="vserver" value=name.to_string() />
                <input type="hidden" name="process" value=process.to_string() />
                <div class="field">
                    <label for="field-signal">{t.which_signal()}</label>
                    <select id="field-signal" name="signal">{signals.collect_view()}</select>
                </div>
                <FormCommand locale=t command=command::signal(&order) />
                <p class="actions">
                    <button class="danger">{t.send_signal()}</button>
                    <a class="button" href=format!("/vservers/{name}/processes")>{t.cancel()}</a>
                </p>
            </form>
        </section>
    }
}
