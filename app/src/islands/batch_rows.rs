//! Each VServer of a batch, as far as it is, moving as its operation moves. What was refused and has no
//! operation is known when the batch has ended: then the page is loaded anew, once.

use domain::id::OperationId;
use leptos::prelude::*;

use crate::events::PageEvent;
use crate::i18n::{Locale, format};
use crate::live;
use crate::shown::{ShownOneOfMany, ShownOperation, ShownProgress};

/// The table.
#[island]
pub fn BatchRows(
    locale: Locale,
    batch: OperationId,
    is_over: bool,
    rows: Vec<ShownOneOfMany>,
) -> impl IntoView {
    let t = locale;
    let rows: Vec<_> = rows.into_iter().map(RwSignal::new).collect();
    let listened = rows.clone();
    live::listen(move |event| {
        let PageEvent::Operation(fresh) = event else { return };
        // A stream begins with how far the operation is: a page that knows its end stays.
        if fresh.id == batch && fresh.progress.is_final() && !is_over {
            reload();
        }
        if fresh.batch.as_ref() == Some(&batch)
            && let Some(row) = listened
                .iter()
                .find(|row| row.with_untracked(|row| fresh.vserver.as_ref() == Some(&row.name)))
        {
            row.update(|row| move_on(t, row, fresh));
        }
    });
    view! {
        <div class="table-frame">
            <table class="operations">
                <caption class="hidden-visually">{t.vservers()}</caption>
                <thead>
                    <tr>
                        <th scope="col">"VServer"</th>
                        <th scope="col">{t.result()}</th>
                        <th scope="col">{t.operation()}</th>
                    </tr>
                </thead>
                <tbody>{rows.into_iter().map(|row| table_row(t, row)).collect_view()}</tbody>
            </table>
        </div>
    }
}

/// Brings a row up to its operation.
fn move_on(t: Locale, row: &mut ShownOneOfMany, fresh: &ShownOperation) {
    row.operation = Some(fresh.id.clone());
    let (state, word, note) = match &fresh.progress {
        ShownProgress::Queued => ("moving", t.queued(), String::new()),
        ShownProgress::Running { stage, permille } => {
            let note = format!("{stage}, {}", format::percent(t, u64::from(*permille)));
            ("moving", t.under_way(), note)
        }
        ShownProgress::Succeeded => ("succeeded", t.succeeded(), String::new()),
        ShownProgress::Failed { what, .. } => ("failed", t.failed(), what.clone()),
        ShownProgress::Cancelled { .. } => ("stopped", t.cancelled(), String::new()),
    };
    (row.state, row.word, row.note) = (state.to_owned(), word.to_owned(), note);
}

fn table_row(t: Locale, row: RwSignal<ShownOneOfMany>) -> impl IntoView {
    let name = row.with_untracked(|row| row.name.to_string());
    view! {
        <tr>
            <th scope="row"><a href=format!("/vservers/{name}")>{name.clone()}</a></th>
            <td data-label=t.result()>
                {move || {
                    row.with(|row| {
                        view! {
                            <span class="pill" data-state=row.state.clone()>
                                <span class="pill-mark" aria-hidden="true"></span>
                                {row.word.clone()}
                            </span>
                            <span class="row-note">{row.note.clone()}</span>
                        }
                    })
                }}
            </td>
            <td data-label=t.operation()>
                {move || {
                    row.with(|row| row.operation.clone())
                        .map(|id| view! { <a href=format!("/operations/{id}")>{t.operation()}</a> })
                }}
            </td>
        </tr>
    }
}

#[cfg(feature = "hydrate")]
fn reload() {
    // Only fails when the page is being left.
    let _ = document().location().map(|location| location.reload());
}

#[cfg(not(feature = "hydrate"))]
fn reload() {}
