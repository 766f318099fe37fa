//! What removing packages would take along, in each VServer that was asked: shown on the page of the batch that asked
//! them, with the button that does it. Nothing was changed so far.

use domain::authz::ActionKind;
use domain::batch::{BatchRow, BatchView, Outcome, RowState};
use domain::change::PlainChange;
use domain::command;
use domain::failure::Failure;
use domain::note::Note;
use domain::package::{PackageChange, SystemPackage};
use leptos::prelude::*;

use super::CHANGE;
use crate::i18n::format;
use crate::page::Page;
use crate::pages::operations::show::whole_log;

/// How many packages are shown of one VServer at most.
const SHOWN: usize = 500;

/// What would become of a package: its name, its version now, and then.
type Foreseen = (String, Option<String>, Option<String>);

/// The packages whose removal a batch foresees; none when it does something else.
pub(crate) fn foreseen(batch: &BatchView) -> Option<Vec<SystemPackage>> {
    match batch.batch.changes().first()? {
        PlainChange::Packages { change: PackageChange::ForeseeRemoval(names), .. } => {
            Some(names.clone())
        }
        _ => None,
    }
}

/// What would go in each, once all were asked, and what does it.
///
/// # Errors
/// When what they said cannot be read.
pub(crate) async fn removal(
    page: &Page,
    view: &BatchView,
    packages: Vec<SystemPackage>,
) -> Result<AnyView, Failure> {
    let t = page.locale;
    let change = PackageChange::Remove(packages);
    let named = change.words().into_iter().skip(1).collect::<Vec<_>>().join(" ");
    let mut sections = Vec::new();
    let mut left = Vec::new();
    for row in &view.rows {
        let name = row.name.to_string();
        let Some(changes) = changes_of(page, row).await? else {
            sections.push(view! { <p class="problem">{t.not_foreseen_in(&name)}</p> }.into_any());
            continue;
        };
        if changes.is_empty() {
            sections.push(view! { <p>{t.would_stay_in(&name)}</p> }.into_any());
            continue;
        }
        sections.push(table(page, &name, &changes));
        left.push(row.name.clone());
    }
    let back = match view.rows.as_slice() {
        [row] => format!("/vservers/{}/packages", row.name),
        _ => "/packages".to_owned(),
    };
    let form = (!left.is_empty() && page.may(ActionKind::ManagePackages)).then(|| {
        let canary = view.batch.changes().first().and_then(PlainChange::of_many);
        let canary = canary.filter(|_| view.batch.pace().canary.is_some() && left.len() > 1);
        let canary = canary.filter(|name| left.contains(name)).map(ToString::to_string);
        let button = t.remove_these_now(&named, &left.len().to_string());
        let names = left.iter().map(|name| {
            view! { <input type="hidden" name="names[]" value=name.to_string() /> }
        });
        let commands = left.iter().map(|name| {
            let line = command::packages(name, &change).line();
            view! { <li><code>{line}</code></li> }
        });
        view! {
            <form method="post" action=format!("/api/{CHANGE}")>
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                {names.collect_view()}
                <input type="hidden" name="packages" value=named.clone() />
                <input type="hidden" name="canary" value=canary.unwrap_or_default() />
                <input type="hidden" name="next" value=back.clone() />
                <p class="actions">
                    <button class="danger" name="change" value="remove">
                        {button}
                    </button>
                </p>
                <details>
                    <summary>{t.command()}</summary>
                    <ul>{commands.collect_view()}</ul>
                </details>
            </form>
        }
    });
    Ok(view! {
        <section aria-labelledby="removal-title">
            <h2 id="removal-title">{t.would_go_title(&named)}</h2>
            <p class="hint">{t.would_go_explained()}</p>
            {sections}
            {form}
            <p class="actions">
                <a class="button" href=back.clone()>{t.back_to_packages()}</a>
            </p>
        </section>
    }
    .into_any())
}

/// What would change in one; none when it did not say.
async fn changes_of(page: &Page, row: &BatchRow) -> Result<Option<Vec<Foreseen>>, Failure> {
    let (Some(id), RowState::Ended { outcome: Outcome::Done }) = (&row.operation, &row.state)
    else {
        return Ok(None);
    };
    let log = whole_log(page, id).await?;
    let mut changes = Vec::new();
    let mut is_told = false;
    for note in log.text.lines().filter_map(Note::of_line) {
        match note {
            Note::PackageWouldChange { package, before, after } => {
                is_told = true;
                changes.push((package, before, after));
            }
            Note::PackagesWouldStay => is_told = true,
            _ => {}
        }
    }
    Ok(is_told.then_some(changes))
}

fn table(page: &Page, name: &str, changes: &[Foreseen]) -> AnyView {
    let t = page.locale;
    let goes = changes.iter().filter(|(_, _, after)| after.is_none()).count();
    let title = t.would_go_in(name, &format::integer(t, goes as u64));
    let rows = changes.iter().take(SHOWN).map(|(package, before, after)| {
        let then = match after {
            Some(after) => after.clone().into_any(),
            None => view! { <strong>{t.would_go()}</strong> }.into_any(),
        };
        view! {
            <tr>
                <th scope="row">{package.clone()}</th>
                <td data-label=t.version()>{before.clone().unwrap_or_else(|| "–".to_owned())}</td>
                <td data-label=t.version_then()>{then}</td>
            </tr>
        }
    });
    let more = changes.len().saturating_sub(SHOWN);
    let more = (more > 0).then(
        || view! { <p class="hint">{t.more_would_change(&format::integer(t, more as u64))}</p> },
    );
    view! {
        <h3>{title.clone()}</h3>
        <div class="table-frame">
            <table>
                <caption class="hidden-visually">{title}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t.package()}</th>
                        <th scope="col">{t.version()}</th>
                        <th scope="col">{t.version_then()}</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        {more}
    }
    .into_any()
}
