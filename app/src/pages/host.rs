//! The host: what it has, its filesystems, its numbers over time.

use domain::failure::Failure;
use domain::metrics::Series;
use domain::metrics::slot::Range;
use leptos::prelude::*;

use crate::components::history::{charts, ranges};
use crate::events::{ChartsView, Subscription};
use crate::i18n::{Locale, format};
use crate::islands::live_parts::LiveParts;
use crate::islands::tiles::Tiles;
use crate::overview::{held, host_tiles};
use crate::page::{Area, Content, For, Page, page};
use crate::shown::TileGroup;

/// The range that the address of a page asks for.
pub(crate) fn asked_range(page: &Page) -> Range {
    page.query("range").and_then(|word| Range::of_word(&word)).unwrap_or_default()
}

/// The page. `?range=` is the span of time.
pub(crate) fn host() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| -> Result<Content, Failure> {
        let t = page.locale;
        let view = ChartsView { all: true, range: asked_range(&page) };
        let host = page.backend.host(page.permit()?).await?;
        let range = view.range;
        let history = page.backend.history(page.permit()?, Series::Host, range).await?;
        let now = host.now.as_ref();
        let tiles = now.map(|now| host_tiles(t, now)).unwrap_or_default();
        let filesystems = now.map(|now| filesystems(t, &now.resources.filesystems));
        let body = view! {
            {now.is_none().then(|| view! { <p class="nothing">{t.not_measured_yet()}</p> })}
            <Tiles of=TileGroup::Host tiles=tiles />
            <section aria-labelledby="filesystems">
                <h2 id="filesystems">{t.filesystems()}</h2>
                {filesystems}
            </section>
            <section aria-labelledby="over-time">
                <h2 id="over-time">{t.numbers_of_the_host()}</h2>
                {ranges(t, "/host", Some(range))}
                <p class="hint">{t.numbers_explained()} " " {t.pressure_explained()}</p>
                {charts(t, view, &history)}
                <LiveParts />
            </section>
        };
        Ok(Content {
            title: t.the_host().to_owned(),
            area: Area::Host,
            subscription: Some(Subscription {
                host: true,
                charts: Some(view),
                ..Subscription::default()
            }),
            body: body.into_any(),
        })
    })
}

fn filesystems(t: Locale, all: &[domain::metrics::measure::Filesystem]) -> impl IntoView + use<> {
    let rows = all
        .iter()
        .map(|one| {
            let space = one.space;
            let free =
                t.free_of(&format::bytes(t, space.free_bytes), &format::bytes(t, space.bytes));
            view! {
                <div>
                    <dt><code>{one.mount.clone()}</code> " " {held(t, one)}</dt>
                    <dd>
                        {t.is_full_to(&format::percent(t, space.used_permille().into()))} ", " {free}
                    </dd>
                </div>
            }
        })
        .collect_view();
    view! { <dl class="facts">{rows}</dl> }
}
