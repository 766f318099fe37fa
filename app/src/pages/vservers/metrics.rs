//! What was measured of a VServer, over a span of time.

use domain::failure::Failure;
use domain::metrics::{Metric, Series};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::show::named;
use crate::components::history::{charts, ranges};
use crate::components::vserver_pages::vserver_pages;
use crate::events::{ChartsView, Subscription};
use crate::islands::live_parts::LiveParts;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::host::asked_range;

/// The page. `?range=` is the span of time.
pub(crate) fn metrics() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let name = named(&name)?;
        let all = page.backend.vservers(permit).await?;
        if !all.iter().any(|one| one.name == name) {
            return Err(Failure::NoSuchVServer { name });
        }
        let range = asked_range(&page);
        let view = ChartsView { all: true, range };
        let series = Series::VServer(name.clone());
        let history = page.backend.history(page.permit()?, series, range).await?;
        let has_pressure =
            history.slots.iter().any(|(_, slot)| slot.get(Metric::MemoryPressure).is_some());
        let pressure = if has_pressure { t.pressure_explained() } else { t.no_pressure_here() };
        let address = format!("/vservers/{name}");
        let body = view! {
            {vserver_pages(&page, &name)}
            {ranges(t, &format!("{address}/metrics"), Some(range))}
            {charts(t, view, &history)}
            <LiveParts />
            <p class="hint">{t.numbers_explained()} " " {pressure}</p>
        };
        Ok(Content {
            title: t.numbers_of(name.as_str()),
            area: Area::VServers,
            subscription: Some(Subscription {
                vserver: Some(name),
                charts: Some(view),
                ..Subscription::default()
            }),
            body: body.into_any(),
        })
    })
}
