//! The packages of one VServer: what is pending, what it has, what was done with them.

use domain::authz::ActionKind;
use domain::command;
use domain::field::Field;
use domain::operation::Kind;
use domain::package::{PackageChange, PackageReport, PackageSystem, PendingUpdate, Upgrade};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::offered::offered;
use super::{CHANGE, asked, buttons, count, health, named_changes, state_text};
use crate::backend::OperationFilter;
use crate::components::vserver_pages::vserver_pages;
use crate::i18n::{field_label, format};
use crate::islands::operation_table::OperationTable;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::vservers::show::named;
use crate::shared::instant;
use crate::shown::ShownOperation;

/// How many packages are shown at most.
const SHOWN: usize = 500;

/// The page: `?name=` shows the packages whose name holds that, `?search=` what its lists offer for that.
pub(crate) fn of_vserver() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let name = named(&name)?;
        let report = page.backend.package_report(page.permit()?, name.clone()).await?;
        let filter = OperationFilter {
            target: Some(name.clone()),
            kind: Some(Kind::Packages),
            ..OperationFilter::default()
        };
        let operations = page.backend.operations(page.permit()?, filter).await?;
        let system = report.overview.system;
        let may = page.may(ActionKind::ManagePackages) && system.is_some();
        let without = system.is_none().then(|| {
            let text = t.no_package_system();
            view! { <p class="nothing">{t.package_system()} {t.colon()} {text}</p> }
        });
        let wanted = page.query("search").map(|text| text.trim().to_owned());
        let offers = match wanted.filter(|text| !text.is_empty()) {
            Some(text) if system == Some(PackageSystem::Dpkg) => {
                let permit = page.permit()?;
                let found = page.backend.search_packages(permit, name.clone(), text.clone());
                Some((text, found.await?))
            }
            _ => None,
        };
        let offers =
            (system == Some(PackageSystem::Dpkg)).then(|| offered(&page, &name, offers, may));
        let is_asked = report.overview.pending.is_some();
        let body = view! {
            {vserver_pages(&page, &name)}
            {without}
            {system.map(|system| facts(&page, &report, system))}
            {may.then(|| changes(&page, &report))}
            {offers}
            {system.map(|_| pending(&page, &report.pending, is_asked))}
            {report.overview.installed.map(|_| installed(&page, &report))}
            <section aria-labelledby="history-title">
                <h2 id="history-title">{t.package_history()}</h2>
                <OperationTable
                    locale=t
                    operations=operations.iter().map(|one| ShownOperation::of(t, one)).collect()
                    grows=false
                    target=Some(name.clone())
                    now=page.now
                />
            </section>
        };
        Ok(Content {
            title: t.packages_of(name.as_str()),
            area: Area::Packages,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn facts(page: &Page, report: &PackageReport, system: PackageSystem) -> impl IntoView + use<> {
    let t = page.locale;
    let overview = &report.overview;
    let row = |label: &'static str, value: AnyView| {
        view! { <div><dt>{label}</dt><dd>{value}</dd></div> }
    };
    let fetched = match overview.pending.and_then(|pending| pending.refreshed_at) {
        Some(at) => instant(t, at).into_any(),
        None => t.never_fetched().into_any(),
    };
    let broken = (!overview.broken.is_empty()).then(|| {
        view! { <p class="problem">{t.broken_packages(&overview.broken.join(", "))}</p> }
    });
    let interrupted =
        overview.is_interrupted.then(|| view! { <p class="problem">{t.dpkg_interrupted()}</p> });
    view! {
        {interrupted}
        {broken}
        <dl class="facts">
            {row(t.package_system(), system.to_string().into_any())}
            {row(t.package_health(), health(t, overview))}
            {row(t.installed_packages(), count(t, overview.installed).into_any())}
            {row(t.held_packages(), format::integer(t, overview.held).into_any())}
            {row(t.last_asked(), asked(t, overview))}
            {row(t.lists_fetched(), fetched)}
        </dl>
    }
}

/// What can be done, each with its command.
fn changes(page: &Page, report: &PackageReport) -> impl IntoView + use<> {
    let t = page.locale;
    let name = &report.overview.vserver;
    let of_all = [
        (PackageChange::Refresh, "refresh", t.do_refresh()),
        (PackageChange::Upgrade(Upgrade::All), "upgrade", t.do_upgrade()),
        (PackageChange::Upgrade(Upgrade::Security), "upgrade-security", t.do_upgrade_security()),
        (PackageChange::Repair, "repair", t.do_repair()),
    ];
    let of_all = of_all.map(|(change, word, label)| {
        let line = command::packages(name, &change).line();
        view! { <li>{buttons(&[(word, label)])} " " <code>{line}</code></li> }
    });
    let next = format!("/vservers/{name}/packages");
    let line = command::packages(name, &PackageChange::Refresh).line();
    let line = line.replace("refresh", "install|upgrade|hold|unhold|remove PACKAGE…");
    view! {
        <form method="post" action=format!("/api/{CHANGE}") class="narrow">
            <input type="hidden" name="csrf" value=page.csrf.clone() />
            <input type="hidden" name="names[]" value=name.to_string() />
            <input type="hidden" name="next" value=next />
            <ul class="changes">{of_all.into_iter().collect_view()}</ul>
            {named_changes(page)}
            <p>{t.command()} {t.colon()} <code>{line}</code></p>
        </form>
    }
}

fn pending(page: &Page, pending: &[PendingUpdate], is_known: bool) -> impl IntoView + use<> {
    let t = page.locale;
    let rows = pending.iter().map(|update| {
        let mark = update.is_security.then(|| {
            view! { <strong class="security">{t.for_security()}</strong> }
        });
        view! {
            <tr>
                <th scope="row">{update.name.clone()}</th>
                <td data-label=t.version()>{update.installed.clone()}</td>
                <td data-label=t.version_offered()>{update.candidate.clone()}</td>
                <td data-label=t.security_updates()>{mark}</td>
                <td data-label=t.package_origin()>{update.origin.clone()}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let content = match (is_known, pending.is_empty()) {
        (false, _) => view! { <p class="nothing">{t.not_asked_yet()}</p> }.into_any(),
        (true, true) => view! { <p class="nothing">{t.nothing_pending()}</p> }.into_any(),
        (true, false) => view! {
            <div class="table-frame">
                <table>
                    <caption class="hidden-visually">{t.pending_updates()}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t.package()}</th>
                            <th scope="col">{t.version()}</th>
                            <th scope="col">{t.version_offered()}</th>
                            <th scope="col">{t.security_updates()}</th>
                            <th scope="col">{t.package_origin()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any(),
    };
    view! {
        <section aria-labelledby="pending-title">
            <h2 id="pending-title">{t.pending_updates()}</h2>
            {content}
        </section>
    }
}

fn installed(page: &Page, report: &PackageReport) -> impl IntoView + use<> {
    let t = page.locale;
    let wanted = page.query("name").unwrap_or_default();
    let wanted = wanted.trim();
    let matching: Vec<_> =
        report.installed.iter().filter(|package| package.name.contains(wanted)).collect();
    let rows = matching.iter().take(SHOWN).map(|package| {
        view! {
            <tr>
                <th scope="row">{package.name.clone()}</th>
                <td data-label=t.version()>{package.version.clone()}</td>
                <td data-label=field_label(t, Field::Architecture)>{package.architecture.clone()}</td>
                <td data-label=t.package_state()>{state_text(t, package.state)}</td>
            </tr>
        }
    });
    let shown = format::integer(t, matching.len().min(SHOWN) as u64);
    let all = format::integer(t, report.installed.len() as u64);
    view! {
        <section aria-labelledby="installed-title">
            <h2 id="installed-title">{t.installed_packages()}</h2>
            <form
                method="get"
                action=format!("/vservers/{}/packages", report.overview.vserver)
                role="search"
                class="toolbar"
            >
                <label>
                    {t.filter_packages()}
                    <input type="search" name="name" value=wanted.to_owned() autocomplete="off" />
                </label>
                <button>{t.search()}</button>
            </form>
            <p class="hint" role="status">{t.packages_shown(&shown, &all)}</p>
            <div class="table-frame">
                <table>
                    <caption class="hidden-visually">{t.installed_packages()}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t.package()}</th>
                            <th scope="col">{t.version()}</th>
                            <th scope="col">{field_label(t, Field::Architecture)}</th>
                            <th scope="col">{t.package_state()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
}
