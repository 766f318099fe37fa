//! What happened to a VServer, as its supervisor and whoever stopped it wrote it down.

use domain::life::LifeRecord;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::components::vserver_pages::vserver_pages;
use crate::i18n::{Locale, life_text};
use crate::page::{Area, Content, For, Page, page};
use crate::pages::vservers::show::named;
use crate::shared::instant;

/// How many things the page shows.
const ALL: u16 = 200;

/// The page.
pub(crate) fn happened() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let name = named(&name)?;
        let records = page.backend.happened(permit, name.clone(), ALL).await?;
        let body = view! {
            {vserver_pages(&page, &name)}
            <p class="hint">{t.happened_explained()}</p>
            {table(t, records)}
        };
        Ok(Content {
            title: t.happened_of(name.as_str()),
            area: Area::VServers,
            subscription: None,
            body: body.into_any(),
        })
    })
}

/// What happened, the latest first.
pub(crate) fn table(t: Locale, records: Vec<LifeRecord>) -> AnyView {
    if records.is_empty() {
        return view! { <p class="nothing">{t.nothing_happened()}</p> }.into_any();
    }
    let rows = records
        .into_iter()
        .map(|record| {
            view! {
                <tr>
                    <td data-label=t.happened_at()>{instant(t, record.at)}</td>
                    <td data-label=t.happened_what()>{life_text(t, &record.what)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-frame">
            <table>
                <thead>
                    <tr>
                        <th scope="col">{t.happened_at()}</th>
                        <th scope="col">{t.happened_what()}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
