//! What became of the last boot.

use domain::boot::{BootEntry, BootOutcome, BootReport};
use leptos::prelude::*;

use crate::i18n::{Locale, boot_outcome_text, failure_text, format};

/// Each VServer of it, with how long it took and the operation that started it.
pub(super) fn last(t: Locale, report: Option<&BootReport>) -> impl IntoView + use<> {
    let Some(report) = report else {
        return view! { <p class="hint">{t.boot_never()}</p> }.into_any();
    };
    let rows = report.entries.iter().map(|entry| row(t, entry)).collect_view();
    view! {
        <section aria-labelledby="last">
            <h2 id="last">{t.boot_last(&format::instant(t, report.at))}</h2>
            <div class="table-frame">
                <table>
                    <caption class="hidden-visually">
                        {t.boot_last(&format::instant(t, report.at))}
                    </caption>
                    <thead>
                        <tr>
                            <th scope="col">"VServer"</th>
                            <th scope="col">{t.boot_outcome()}</th>
                            <th scope="col" class="number">{t.boot_begins()}</th>
                            <th scope="col" class="number">{t.boot_took()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn row(t: Locale, entry: &BootEntry) -> impl IntoView + use<> {
    let outcome = boot_outcome_text(t, &entry.outcome);
    let outcome = match (&entry.operation, &entry.outcome) {
        (Some(id), _) => view! { <a href=format!("/operations/{id}")>{outcome}</a> }.into_any(),
        (None, BootOutcome::Failed(failure)) => {
            format!("{outcome}{}{}", t.colon(), failure_text(t, failure).what).into_any()
        }
        (None, _) => outcome.into_any(),
    };
    let (began, took) = match entry.outcome {
        BootOutcome::Skipped(_) | BootOutcome::GivenUp => ("–".to_owned(), "–".to_owned()),
        _ => (format::duration(t, entry.began_ms), format::duration(t, entry.took_ms)),
    };
    view! {
        <tr class:wrong=!entry.outcome.is_good()>
            <th scope="row"><a href=format!("/vservers/{}", entry.name)>{entry.name.to_string()}</a></th>
            <td data-label=t.boot_outcome()>{outcome}</td>
            <td class="number" data-label=t.boot_begins()>{began}</td>
            <td class="number" data-label=t.boot_took()>{took}</td>
        </tr>
    }
}
