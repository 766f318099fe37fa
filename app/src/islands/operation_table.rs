//! A list of operations, moving as they move. New ones appear among those that are shown, by when they were
//! asked for, while the list is the newest page and nothing narrows it; what is older than all of it stays
//! out: who opens a stream is told of more than a short list shows.

use domain::id::{OperationId, VServerName};
use domain::time::UnixMillis;
use leptos::prelude::*;

use crate::events::PageEvent;
use crate::i18n::{Locale, format};
use crate::live;
use crate::shared::{instant, progress_pill};
use crate::shown::{ShownOperation, ShownProgress};

/// Most rows that new operations make the list grow to.
const MOST_ROWS: usize = 100;

/// The table.
#[island]
pub fn OperationTable(
    locale: Locale,
    operations: Vec<ShownOperation>,
    /// Whether operations that are new belong on top: of any VServer, or of `target`.
    grows: bool,
    target: Option<VServerName>,
    now: UnixMillis,
) -> impl IntoView {
    let t = locale;
    let rows =
        RwSignal::new(operations.into_iter().map(RwSignal::new).collect::<Vec<RwSignal<_>>>());
    let owner = Owner::current();
    live::listen(move |event| {
        let PageEvent::Operation(fresh) = event else {
            return;
        };
        let known = rows.with_untracked(|rows: &Vec<RwSignal<ShownOperation>>| {
            rows.iter().find(|row| row.with_untracked(|old| old.id == fresh.id)).copied()
        });
        match known {
            Some(row) => row.set(fresh.clone()),
            None if grows && (target.is_none() || fresh.vserver == target) => {
                let row = owner.as_ref().map_or_else(
                    || RwSignal::new(fresh.clone()),
                    |owner| owner.with(|| RwSignal::new(fresh.clone())),
                );
                rows.update(|rows| {
                    let shown = rows.iter().map(|row| row.with_untracked(|old| old.id.clone()));
                    if let Some(place) = place(shown, &fresh.id) {
                        rows.insert(place, row);
                        rows.truncate(MOST_ROWS);
                    }
                });
            }
            None => {}
        }
    });
    view! {
        <div class="table-frame">
            <table class="operations" class:empty=move || rows.with(Vec::is_empty)>
                <caption class="hidden-visually">{t.operations()}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t.operation()}</th>
                        <th scope="col">{t.result()}</th>
                        <th scope="col">{t.who()}</th>
                        <th scope="col">{t.asked_at()}</th>
                        <th scope="col" class="number">{t.took()}</th>
                        <th scope="col">{t.command()}</th>
                    </tr>
                </thead>
                <tbody>
                    <For
                        each=move || rows.get()
                        key=|row| row.with_untracked(|operation| operation.id.clone())
                        let:row
                    >
                        {table_row(t, row, now)}
                    </For>
                </tbody>
            </table>
        </div>
        {move || {
            rows.with(Vec::is_empty).then(|| view! { <p class="nothing">{t.no_operations()}</p> })
        }}
    }
}

/// Where an operation belongs in a list that is the newest first: behind the last one that is newer. None
/// when that is the end of the list, behind which older ones are not shown either.
fn place(
    mut shown: impl ExactSizeIterator<Item = OperationId> + DoubleEndedIterator,
    fresh: &OperationId,
) -> Option<usize> {
    let length = shown.len();
    let place = shown.rposition(|id| id > *fresh).map_or(0, |newer| newer + 1);
    (length == 0 || place < length).then_some(place)
}

fn table_row(t: Locale, row: RwSignal<ShownOperation>, now: UnixMillis) -> impl IntoView {
    let fixed = row.get_untracked();
    let result = move || {
        row.with(|operation| {
            let stage = match &operation.progress {
                ShownProgress::Running { stage, permille } => {
                    Some(format!("{stage}, {}", format::percent(t, u64::from(*permille))))
                }
                _ => None,
            };
            view! {
                {progress_pill(t, &operation.progress)}
                {stage.map(|stage| view! { <span class="row-note">{stage}</span> })}
            }
        })
    };
    let took = move || {
        row.with(|operation| {
            let is_final = operation.progress.is_final();
            operation
                .elapsed_ms(now)
                .filter(|_| is_final)
                .map_or_else(|| "–".to_owned(), |ms| format::duration(t, ms))
        })
    };
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/operations/{}", fixed.id)>
                    {fixed.title}
                </a>
            </th>
            <td data-label=t.result()>{result}</td>
            <td data-label=t.who()>{fixed.actor}</td>
            <td data-label=t.asked_at()>{instant(t, fixed.created_at)}</td>
            <td class="number" data-label=t.took()>
                {took}
            </td>
            <td class="command-cell" data-label=t.command()>
                <code>{fixed.command}</code>
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stand_above_and_what_is_older_than_all_stays_out() {
        let id = |number: u8| format!("01JADQ8Z9XKXQ5Y7D2M3N4P5{number:02}").parse().unwrap();
        let of = |shown: &[u8], fresh: u8| {
            place(
                shown.iter().map(|number| id(*number)).collect::<Vec<_>>().into_iter(),
                &id(fresh),
            )
        };
        assert_eq!(of(&[], 5), Some(0));
        assert_eq!(of(&[8, 6, 4], 9), Some(0));
        assert_eq!(of(&[8, 6, 4], 5), Some(2));
        assert_eq!(of(&[8, 6, 4], 3), None);
        // What is under way stands above what ended, whenever it was asked for.
        assert_eq!(of(&[2, 8, 6], 7), Some(2));
        assert_eq!(of(&[2, 8, 6], 5), None);
        assert_eq!(of(&[2, 8, 6], 9), Some(0));
    }
}
