//! An operation while it is looked at: how far it is, its log as it grows, cancel.
//!
//! The server renders the state and the log there is; the stream goes on from that byte, and when it is
//! opened again from the byte that it had come to, so that no line is shown twice or left out. The log's
//! text nodes are appended by hand: a log of a mebibyte must not be laid out anew for each line.

use domain::command;
use domain::time::UnixMillis;
use leptos::html::Pre;
use leptos::prelude::*;

use crate::events::PageEvent;
use crate::i18n::{Locale, format};
use crate::live;
use crate::shared::{instant, progress_pill};
use crate::shown::{ShownLog, ShownOperation, ShownProgress};

/// Progress, log and cancel button.
#[island]
pub fn OperationProgress(
    locale: Locale,
    operation: ShownOperation,
    log: ShownLog,
    may_cancel: bool,
    csrf: String,
    now: UnixMillis,
) -> impl IntoView {
    let t = locale;
    let id = operation.id.clone();
    let operation = RwSignal::new(operation);
    let is_following = RwSignal::new(true);
    let is_open = RwSignal::new(log.open);
    let now = RwSignal::new(now);
    let pre = NodeRef::<Pre>::new();
    let is_empty = RwSignal::new(log.text.is_empty());

    let watched = id.clone();
    live::listen(move |event| match event {
        PageEvent::Operation(fresh) if fresh.id == watched => operation.set(fresh.clone()),
        PageEvent::Log { id, log } if *id == watched => {
            live::go_on_from("from", log.end);
            is_open.set(log.open);
            if !log.text.is_empty() {
                is_empty.set(false);
                append(pre, &log.text, is_following.get_untracked());
            }
        }
        _ => {}
    });
    let offset = live::clock_offset_ms(now.get_untracked());
    live::every_second(
        move |at| {
            if operation.with_untracked(|operation| !operation.progress.is_final()) {
                now.set(at);
            }
        },
        offset,
    );
    Effect::new(move |_| {
        if is_following.get() {
            scroll_to_end(pre);
        }
    });

    let bar = move || {
        operation.with(|operation| match &operation.progress {
            ShownProgress::Queued => view! {
                <progress class="bar" max="1000" value="0" aria-label=t.progress()></progress>
                <p class="stage" role="status">{t.waits_for_its_turn()}</p>
            }
            .into_any(),
            ShownProgress::Running { stage, permille } => view! {
                <progress
                    class="bar"
                    max="1000"
                    value=permille.to_string()
                    aria-label=t.progress()
                ></progress>
                <p class="stage">
                    <span role="status">{stage.clone()}</span>
                    " "
                    <span class="number">{format::percent(t, u64::from(*permille))}</span>
                </p>
            }
            .into_any(),
            ShownProgress::Succeeded => view! {
                <progress class="bar" max="1000" value="1000" aria-label=t.progress()></progress>
                <p class="stage" role="status">{t.succeeded()}</p>
            }
            .into_any(),
            ShownProgress::Cancelled { what } => {
                view! { <p class="stage" role="status">{what.clone()}</p> }.into_any()
            }
            ShownProgress::Failed { what, remedy } => view! {
                <div class="alert" role="alert">
                    <p><strong>{what.clone()}</strong></p>
                    <p>{remedy.clone()}</p>
                    <p class="reference">
                        {t.reference()} " " <code>{operation.id.to_string()}</code>
                    </p>
                </div>
            }
            .into_any(),
        })
    };
    let facts = move || {
        operation.with(|operation| {
            let row = |label: &'static str, value: AnyView| {
                view! { <div><dt>{label}</dt><dd>{value}</dd></div> }
            };
            let moment = |at: Option<UnixMillis>| match at {
                Some(at) => instant(t, at).into_any(),
                None => "–".into_any(),
            };
            view! {
                {row(t.result(), progress_pill(t, &operation.progress).into_any())}
                {row(t.asked_at(), moment(Some(operation.created_at)))}
                {row(t.started_at(), moment(operation.started_at))}
                {row(t.finished_at(), moment(operation.finished_at))}
                {row(
                    t.took(),
                    operation
                        .elapsed_ms(now.get())
                        .map_or_else(|| "–".to_owned(), |ms| format::duration(t, ms))
                        .into_any(),
                )}
            }
        })
    };
    let can_cancel = Memo::new(move |_| {
        operation.with(|operation| operation.cancellable && !operation.progress.is_final())
    });

    view! {
        <div class="progress">{bar}</div>
        <dl class="facts">{facts}</dl>
        {move || {
            (may_cancel && can_cancel.get())
                .then(|| {
                    view! {
                        <form method="post" action="/api/operations/cancel" class="actions">
                            <input type="hidden" name="csrf" value=csrf.clone() />
                            <input type="hidden" name="id" value=id.to_string() />
                            <button type="submit" class="danger">{t.cancel_the_operation()}</button>
                            <code>{command::cancel(&id).line()}</code>
                        </form>
                    }
                })
        }}
        <section aria-labelledby="log-title">
            <div class="log-head">
                <h2 id="log-title">{t.log()}</h2>
                <label class="needs-js">
                    <input
                        type="checkbox"
                        checked
                        on:change=move |event| is_following.set(event_target_checked(&event))
                    />
                    {t.follow_the_log()}
                </label>
            </div>
            {move || {
                is_empty
                    .get()
                    .then(|| {
                        let text = if is_open.get() { t.log_will_come() } else { t.log_is_empty() };
                        view! { <p class="nothing">{text}</p> }
                    })
            }}
            <pre class="log" tabindex="0" role="log" aria-label=t.log() aria-live="off" node_ref=pre>
                {log.text}
            </pre>
        </section>
    }
}

#[cfg(feature = "hydrate")]
fn append(pre: NodeRef<Pre>, text: &str, is_following: bool) {
    if let Some(element) = pre.get_untracked() {
        // Only fails when the browser is out of memory.
        let _ = element.append_with_str_1(text);
        if is_following {
            element.set_scroll_top(element.scroll_height());
        }
    }
}

#[cfg(not(feature = "hydrate"))]
fn append(_pre: NodeRef<Pre>, _text: &str, _is_following: bool) {}

#[cfg(feature = "hydrate")]
fn scroll_to_end(pre: NodeRef<Pre>) {
    if let Some(element) = pre.get() {
        element.set_scroll_top(element.scroll_height());
    }
}

#[cfg(not(feature = "hydrate"))]
fn scroll_to_end(_pre: NodeRef<Pre>) {}
