//! What the lists of a VServer offer, looked for by a text, each with the button that installs it.

use domain::command;
use domain::id::VServerName;
use domain::package::{OfferedPackage, PackageOffers};
use leptos::prelude::*;

use super::CHANGE;
use crate::i18n::format;
use crate::page::Page;

/// The search, and what it found when there was one.
pub(super) fn offered(
    page: &Page,
    name: &VServerName,
    found: Option<(String, PackageOffers)>,
    may: bool,
) -> impl IntoView + use<> {
    let t = page.locale;
    let wanted = found.as_ref().map(|(text, _)| text.clone());
    let results = found.map(|(text, offers)| results(page, name, &text, &offers, may));
    view! {
        <section aria-labelledby="offered-title">
            <h2 id="offered-title">{t.offered_packages()}</h2>
            <form
                method="get"
                action=format!("/vservers/{name}/packages#offered-title")
                role="search"
                aria-label=t.search_offers()
                class="toolbar"
            >
                <label>
                    {t.search_offers()}
                    <input type="search" name="search" value=wanted autocomplete="off" />
                </label>
                <button>{t.search()}</button>
            </form>
            <p class="hint">{t.offers_explained()}</p>
            {results}
        </section>
    }
}

fn results(
    page: &Page,
    name: &VServerName,
    text: &str,
    offers: &PackageOffers,
    may: bool,
) -> AnyView {
    let t = page.locale;
    if offers.packages.is_empty() {
        let text = if offers.has_lists { t.no_offers(text) } else { t.no_lists().to_owned() };
        return view! { <p class="nothing" role="status">{text}</p> }.into_any();
    }
    let title = t.offers_found(text, &format::integer(t, offers.packages.len() as u64));
    let line = command::search_packages(name, text).line();
    let more = offers.is_more.then(|| view! { <p class="hint">{t.more_offers()}</p> });
    let rows = offers.packages.iter().map(|package| row(page, name, package, may));
    view! {
        <p role="status">{title.clone()}</p>
        {more}
        <p>{t.command()} {t.colon()} <code>{line}</code></p>
        <div class="table-frame">
            <table>
                <caption class="hidden-visually">{title}</caption>
                <thead>
                    <tr>
                        <th scope="col">{t.package()}</th>
                        <th scope="col">{t.version_offered()}</th>
                        <th scope="col">{t.package_summary_column()}</th>
                        <th scope="col">{t.package_installed()}</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(
    page: &Page,
    name: &VServerName,
    package: &OfferedPackage,
    may: bool,
) -> impl IntoView + use<> {
    let t = page.locale;
    let there = match &package.installed {
        Some(version) => version.clone().into_any(),
        None if !may => t.not_installed().into_any(),
        None => view! {
            <form method="post" action=format!("/api/{CHANGE}")>
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="names[]" value=name.to_string() />
                <input type="hidden" name="packages" value=package.name.clone() />
                <input type="hidden" name="next" value=format!("/vservers/{name}/packages") />
                <button name="change" value="install" aria-label=t.install_this(&package.name)>
                    {t.do_install()}
                </button>
            </form>
        }
        .into_any(),
    };
    view! {
        <tr>
            <th scope="row">{package.name.clone()}</th>
            <td data-label=t.version_offered()>{package.versions.clone()}</td>
            <td data-label=t.package_summary_column()>{package.summary.clone()}</td>
            <td data-label=t.package_installed()>{there}</td>
        </tr>
    }
}
