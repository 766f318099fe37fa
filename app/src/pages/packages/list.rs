//! VServers and their pending updates; who has a package; what is done with some or all. One form holds the
//! table, so that all of it works as plain HTML.

use domain::authz::ActionKind;
use domain::field::Field;
use domain::package::{FoundPackage, PackageChange, PackageOverview, Upgrade};
use leptos::prelude::*;

use super::{CHANGE, asked, buttons, count, health, named_changes, security, state_text};
use crate::components::field::id_of;
use crate::i18n::problem_text;
use crate::page::{Area, Content, For, Page, page};

/// The page: `?package=` looks for a package.
pub(crate) fn list() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let overviews = page.backend.packages(page.permit()?).await?;
        let wanted = page.query("package").map(|text| text.trim().to_owned());
        let wanted = wanted.filter(|text| !text.is_empty());
        let found = match &wanted {
            Some(text) => Some(page.backend.find_packages(page.permit()?, text.clone()).await?),
            None => None,
        };
        let results =
            wanted.as_deref().zip(found).map(|(text, found)| results(&page, text, &found));
        let may = page.may(ActionKind::ManagePackages);
        let table = match overviews.is_empty() {
            true => view! { <p class="nothing">{t.no_vservers_yet()}</p> }.into_any(),
            false => matrix(&page, &overviews, may),
        };
        let body = view! {
            <form method="get" action="/packages" role="search" class="toolbar">
                <label>
                    {t.search_package()}
                    <input type="search" name="package" value=wanted autocomplete="off" />
                </label>
                <button>{t.search()}</button>
            </form>
            {results}
            {table}
            <p class="hint">{t.pending_explained()}</p>
        };
        Ok(Content {
            title: t.packages().to_owned(),
            area: Area::Packages,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn results(page: &Page, text: &str, found: &[FoundPackage]) -> AnyView {
    let t = page.locale;
    if found.is_empty() {
        return view! { <p class="nothing" role="status">{t.package_found_nowhere(text)}</p> }
            .into_any();
    }
    let rows = found.iter().map(|found| {
        let (name, package) = (found.vserver.to_string(), &found.package);
        view! {
            <tr>
                <th scope="row">{package.name.clone()}</th>
                <td data-label="VServer">
                    <a href=format!("/vservers/{name}/packages")>{name.clone()}</a>
                </td>
                <td data-label=t.version()>{package.version.clone()}</td>
                <td data-label=t.package_state()>{state_text(t, package.state)}</td>
            </tr>
        }
    });
    view! {
        <section aria-labelledby="found-title">
            <h2 id="found-title">{t.package_searched(text)}</h2>
            <div class="table-frame">
                <table>
                    <caption class="hidden-visually">{t.package_searched(text)}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t.package()}</th>
                            <th scope="col">"VServer"</th>
                            <th scope="col">{t.version()}</th>
                            <th scope="col">{t.package_state()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

/// The table, and below it what can be done with those that are chosen in it.
fn matrix(page: &Page, overviews: &[PackageOverview], may: bool) -> AnyView {
    let t = page.locale;
    let typed = page.typed(CHANGE, "names").unwrap_or_default();
    let chosen: Vec<&str> = typed.split(' ').collect();
    let rows = overviews.iter().map(|overview| row(page, overview, may, &chosen)).collect_view();
    let choose = may.then(|| {
        view! { <th scope="col"><span class="hidden-visually">{t.with_chosen()}</span></th> }
    });
    let table = view! {
        <div class="table-frame">
            <table>
                <caption class="hidden-visually">{t.packages()}</caption>
                <thead>
                    <tr>
                        {choose} <th scope="col">"VServer"</th>
                        <th scope="col">{t.package_health()}</th>
                        <th scope="col" class="number">{t.pending_updates()}</th>
                        <th scope="col" class="number">{t.security_updates()}</th>
                        <th scope="col" class="number">{t.held_packages()}</th>
                        <th scope="col" class="number">{t.installed_packages()}</th>
                        <th scope="col">{t.last_asked()}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    };
    match may {
        false => table.into_any(),
        true => view! {
            <form method="post" action=format!("/api/{CHANGE}")>
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="next" value="/packages" />
                {table}
                {actions(page, overviews)}
            </form>
        }
        .into_any(),
    }
}

fn row(
    page: &Page,
    overview: &PackageOverview,
    may: bool,
    chosen: &[&str],
) -> impl IntoView + use<> {
    let t = page.locale;
    let name = overview.vserver.to_string();
    let is_chosen = chosen.contains(&name.as_str());
    let choose = may.then(|| {
        view! {
            <td>
                <input
                    type="checkbox"
                    name="names[]"
                    value=name.clone()
                    checked=is_chosen
                    aria-label=t.choose(&name)
                />
            </td>
        }
    });
    let health = match overview.system {
        Some(_) => health(t, overview),
        None => t.no_package_system().into_any(),
    };
    let pending = overview.pending.map(|pending| pending.all);
    view! {
        <tr>
            {choose}
            <th scope="row">
                <a href=format!("/vservers/{name}/packages")>{name.clone()}</a>
            </th>
            <td data-label=t.package_health()>{health}</td>
            <td data-label=t.pending_updates() class="number">{count(t, pending)}</td>
            <td data-label=t.security_updates() class="number">{security(t, overview)}</td>
            <td data-label=t.held_packages() class="number">
                {count(t, overview.installed.map(|_| overview.held))}
            </td>
            <td data-label=t.installed_packages() class="number">
                {count(t, overview.installed)}
            </td>
            <td data-label=t.last_asked()>{asked(t, overview)}</td>
        </tr>
    }
}

fn actions(page: &Page, overviews: &[PackageOverview]) -> impl IntoView + use<> {
    let t = page.locale;
    let canary = page.typed(CHANGE, "canary").unwrap_or_default();
    let canaries = overviews.iter().map(|overview| {
        let name = overview.vserver.to_string();
        let selected = name == canary;
        view! { <option value=name.clone() selected=selected>{name.clone()}</option> }
    });
    let wrong = page.errors(CHANGE);
    let nobody =
        wrong.of(Field::VServers).map(|problem| problem_text(t, problem)).collect::<Vec<_>>();
    let nobody =
        nobody.into_iter().map(|text| view! { <p class="problem">{text}</p> }).collect_view();
    let commands = [
        PackageChange::Refresh,
        PackageChange::Upgrade(Upgrade::All),
        PackageChange::Upgrade(Upgrade::Security),
        PackageChange::Repair,
    ];
    let commands = commands.map(|change| {
        let line = format!("vserver --names NAME,… packages {}", change.words().join(" "));
        view! { <li><code>{line}</code></li> }
    });
    view! {
        <section aria-labelledby="chosen-title">
            <h2 id="chosen-title" tabindex="-1">
                <span id=id_of(Field::VServers) tabindex="-1">{t.with_chosen()}</span>
            </h2>
            {nobody}
            <p class="field">
                <label for="canary">{t.first_try_on()}</label>
                <select id="canary" name="canary" aria-describedby="canary-more">
                    <option value="">{t.all_alike()}</option>
                    {canaries.collect_view()}
                </select>
                <span id="canary-more" class="hint">{t.canary_vserver_explained()}</span>
            </p>
            <p class="actions">
                {buttons(
                    &[
                        ("refresh", t.do_refresh()),
                        ("upgrade", t.do_upgrade()),
                        ("upgrade-security", t.do_upgrade_security()),
                        ("repair", t.do_repair()),
                    ],
                )}
            </p>
            {named_changes(page)}
            <details>
                <summary>{t.command()}</summary>
                <p class="hint">{t.packages_commands()}</p>
                <ul>{commands.into_iter().collect_view()}</ul>
            </details>
        </section>
    }
}
