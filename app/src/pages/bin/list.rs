//! What is in the recycle bin, how long it stays, and what it takes.

use domain::authz::ActionKind;
use domain::command;
use domain::field::Field;
use domain::recycle::BinEntry;
use leptos::prelude::*;

use crate::components::field::id_of;
use crate::i18n::{Locale, actor_text, format, problem_text};
use crate::page::{Area, Content, For, Page, page};
use crate::shared::instant;

const EMPTY: &str = "bin/empty";

/// The page.
pub(crate) fn list() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let bin = page.backend.bin(page.permit()?).await?;
        let total: u64 = bin.entries.iter().filter_map(|entry| entry.bytes).sum();
        let rows = bin.entries.iter().map(|entry| row(t, entry)).collect_view();
        let may_empty = page.may(ActionKind::PurgeVServer)
            && bin.entries.iter().any(|entry| !entry.is_protected);
        let explained = match bin.keep_days {
            0 => t.bin_keeps_nothing().to_owned(),
            days => t.bin_keeps(&days.to_string()),
        };
        let body = view! {
            <p class="hint">{explained}</p>
            {if bin.entries.is_empty() {
                view! { <p class="nothing">{t.bin_has_nothing()}</p> }.into_any()
            } else {
                view! {
                    <div class="table-frame">
                        <table>
                            <caption class="hidden-visually">{t.recycle_bin()}</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"VServer"</th>
                                    <th scope="col">{t.deleted_at()}</th>
                                    <th scope="col">{t.who()}</th>
                                    <th scope="col">{t.kept_until()}</th>
                                    <th scope="col" class="number">{t.disk_used()}</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                    <p>{t.bin_takes(&format::bytes(t, total))}</p>
                }
                .into_any()
            }}
            {may_empty.then(|| empty(&page))}
        };
        Ok(Content {
            title: t.recycle_bin().to_owned(),
            area: Area::Bin,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn row(t: Locale, entry: &BinEntry) -> impl IntoView + use<> {
    let until = match entry.is_protected {
        true => t.kept_protected().into_any(),
        false => instant(t, entry.expires_at).into_any(),
    };
    let bytes = entry.bytes.map_or_else(|| "–".to_owned(), |bytes| format::bytes(t, bytes));
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/bin/{}", entry.id)>{entry.identity.name.to_string()}</a>
            </th>
            <td data-label=t.deleted_at()>{instant(t, entry.deleted_at)}</td>
            <td data-label=t.who()>{actor_text(t, &entry.by)}</td>
            <td data-label=t.kept_until()>{until}</td>
            <td class="number" data-label=t.disk_used()>
                {bytes}
            </td>
        </tr>
    }
}

/// All at once, after a tick.
fn empty(page: &Page) -> impl IntoView + use<> {
    let t = page.locale;
    let problems = page
        .errors(EMPTY)
        .of(Field::Confirmation)
        .map(|problem| view! { <p class="problem">{problem_text(t, problem)}</p> })
        .collect_view();
    view! {
        <form method="post" action="/api/bin/empty" class="narrow">
            <input type="hidden" name="csrf" value=page.csrf.clone() />
            <div class="field">
                <label class="choice">
                    <input
                        id=id_of(Field::Confirmation)
                        type="checkbox"
                        name="sure"
                        value="true"
                        aria-describedby="empty-more"
                    />
                    <span>{t.sure_to_empty()}</span>
                </label>
                <div id="empty-more">{problems}</div>
            </div>
            <p>{t.command()} {t.colon()} <code>{command::empty_bin().line()}</code></p>
            <p class="actions">
                <button class="danger">{t.empty_the_bin()}</button>
            </p>
        </form>
    }
}
