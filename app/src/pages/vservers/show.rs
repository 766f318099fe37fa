//! One VServer: what it is, what it uses, what was done to it, its files.

use domain::authz::ActionKind;
use domain::backup::BackupScope;
use domain::command;
use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::id::VServerName;
use domain::interface::{Device, Interface};
use domain::metrics::Series;
use domain::metrics::slot::Range;
use domain::vserver::{Detail, SharedBy, Sharing};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::abilities;
use crate::backend::OperationFilter;
use crate::components::history::{charts, ranges};
use crate::components::vserver_pages::vserver_pages;
use crate::events::{ChartsView, Subscription};
use crate::i18n::{Locale, format};
use crate::islands::live_parts::LiveParts;
use crate::islands::operation_table::OperationTable;
use crate::islands::vserver_panel::VServerPanel;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::config::list::files;
use crate::pages::inside::happened;
use crate::shown::{ShownOperation, ShownVServer};

/// How much of its life the page shows.
const HAPPENED: u16 = 8;

/// The VServer that the address names. A name that cannot be is a VServer that is not.
pub(crate) fn named(text: &str) -> Result<VServerName, Failure> {
    text.parse().map_err(|problem| Failure::of_field(domain::field::Field::Name, problem))
}

/// The page.
pub(crate) fn show() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let name = named(&name)?;
        let detail = page.backend.vserver(permit, name.clone()).await?;
        let filter = OperationFilter { target: Some(name.clone()), ..OperationFilter::default() };
        let mut operations = page.backend.operations(page.permit()?, filter).await?;
        operations.truncate(10);
        let may = abilities(&page);
        let series = Series::VServer(name.clone());
        let history = page.backend.history(page.permit()?, series, Range::Day).await.ok();
        let view = ChartsView { all: false, range: Range::Day };
        let tree = ConfigTree::VServer(name.clone());
        let scope = BackupScope::Of(name.clone());
        // The page is worth more than what is to be said about backups.
        let backups = page.backend.backups(page.permit()?, scope).await.unwrap_or_default();
        let backups = crate::pages::backups::of(&backups, &name);
        let last_backup = backups.backups.first().map_or_else(
            || t.no_backups_yet().to_owned(),
            |last| format!("{} {}", t.last_backup(), format::instant(t, last.backup.id.at())),
        );
        // … and about its life.
        let happened = page.backend.happened(page.permit()?, name.clone(), HAPPENED).await;
        let happened = happened.unwrap_or_default();
        let body = view! {
            {vserver_pages(&page, &name)}
            {crate::pages::backups::alerts(t, std::slice::from_ref(&backups))}
            <VServerPanel
                locale=t
                summary=ShownVServer::of(t, &detail.summary)
                may=may
                csrf=page.csrf.clone()
            />
            <section aria-labelledby="what-it-is">
                <h2 id="what-it-is">{t.what_it_is()}</h2>
                {facts(t, &detail)}
            </section>
            {identity_and_protection(&page, &name, detail.is_protected)}
            {crate::pages::boot::switch(&page, &name, &detail.summary.marks)}
            <section aria-labelledby="its-numbers">
                <h2 id="its-numbers">{t.numbers_of(name.as_str())}</h2>
                {history.map(|history| charts(t, view, &history))}
                <LiveParts />
                {ranges(t, &format!("/vservers/{name}/metrics"), None)}
            </section>
            <section aria-labelledby="its-operations">
                <h2 id="its-operations">{t.operations()}</h2>
                <OperationTable
                    locale=t
                    operations=operations.iter().map(|one| ShownOperation::of(t, one)).collect()
                    grows=true
                    target=Some(name.clone())
                    now=page.now
                />
                <p><a href=format!("/operations?vserver={name}")>{t.all_its_operations()}</a></p>
            </section>
            <section aria-labelledby="what-happened">
                <h2 id="what-happened">{t.happened_title()}</h2>
                {happened::table(t, happened)}
            </section>
            <section aria-labelledby="its-backups">
                <h2 id="its-backups">{t.backups()}</h2>
                <p>{last_backup}</p>
                <p><a href=format!("/vservers/{name}/backups")>{t.backups_of(name.as_str())}</a></p>
            </section>
            <section aria-labelledby="its-files">
                <h2 id="its-files">{t.config_files()}</h2>
                <p class="hint">{t.config_files_explained()} " " <code>{detail.config_directory}</code></p>
                <p>
                    <a href=format!("/vservers/{name}/config/history")>{t.history()}</a>
                </p>
                <details>
                    <summary>{t.show_config_files()}</summary>
                    {files(t, &tree, detail.config_files)}
                </details>
            </section>
        };
        Ok(Content {
            title: name.to_string(),
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

/// The way to another name and address, and the switch against deletion.
fn identity_and_protection(
    page: &Page,
    name: &VServerName,
    is_protected: bool,
) -> impl IntoView + use<> {
    let t = page.locale;
    let (state, label) = match is_protected {
        true => (t.is_protected(), t.unprotect()),
        false => (t.is_not_protected(), t.protect()),
    };
    let line = command::protect(name, !is_protected).line();
    let switch = page.may(ActionKind::ProtectVServer).then(|| {
        view! {
            <form method="post" action="/api/vservers/protect" class="actions">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="name" value=name.to_string() />
                <button name="on" value=if is_protected { "false" } else { "true" }>{label}</button>
                <code>{line}</code>
            </form>
        }
    });
    let change = page.may(ActionKind::ChangeIdentity).then(|| {
        view! {
            <a class="button" href=format!("/vservers/{name}/identity")>{t.change_identity()}</a>
        }
    });
    let clone = page.may(ActionKind::BuildVServer).then(|| {
        view! {
            <a class="button" href=format!("/build?method=clone&source={name}")>{t.clone_dots()}</a>
        }
    });
    view! {
        <p class="actions">{change} {clone}</p>
        <section aria-labelledby="its-protection">
            <h2 id="its-protection">{t.protection()}</h2>
            <p>{state}</p>
            {switch}
        </section>
    }
}

fn interface_text(interface: &Interface) -> String {
    let prefix = interface.prefix.map(|prefix| format!("/{prefix}")).unwrap_or_default();
    let device = match &interface.device {
        Device::Named(device) => format!(" ({device})"),
        Device::None => " (nodev)".to_owned(),
    };
    format!("{}{prefix}{device}", interface.address)
}

fn shared_text(t: Locale, sharing: Sharing) -> String {
    let size = format::bytes(t, sharing.shared_bytes);
    match sharing.by {
        SharedBy::Blocks => t.shared_by_blocks(&size),
        SharedBy::Reference { vservers } => {
            t.shared_by_reference(&size, &format::integer(t, vservers.into()))
        }
    }
}

fn facts(t: Locale, detail: &Detail) -> impl IntoView + use<> {
    let summary = &detail.summary;
    let or_dash = |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or("–".into());
    let addresses = summary.interfaces.iter().map(interface_text).collect::<Vec<_>>().join(", ");
    let marks = summary.marks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let row = |label: &'static str, value: AnyView| {
        view! { <div><dt>{label}</dt><dd>{value}</dd></div> }
    };
    let text = |label, value: Option<String>| row(label, or_dash(value).into_any());
    let code = |label, value: String| row(label, view! { <code>{value}</code> }.into_any());
    view! {
        <dl class="facts">
            {text(t.host_name(), summary.host_name.as_ref().map(ToString::to_string))}
            {text(t.context(), summary.context.map(|context| context.to_string()))}
            {text(t.addresses(), Some(addresses))}
            {text(t.system(), detail.os_release.clone())}
            {text(t.init_style(), Some(detail.init_style.to_string()))}
            {text(t.mark(), Some(marks))}
            {code(t.root_directory(), detail.root_directory.clone())}
            {detail.volume.clone().map(|device| code(t.volume(), device))}
            {text(t.disk_used(), detail.disk_bytes.map(|bytes| format::bytes(t, bytes)))}
            {detail.sharing.map(|sharing| text(t.shared_files(), Some(shared_text(t, sharing))))}
        </dl>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_is_said_with_how() {
        let sharing = |by| Sharing { shared_bytes: 3 << 20, own_bytes: 1, by };
        let reference = sharing(SharedBy::Reference { vservers: 3 });
        let text = shared_text(Locale::English, reference);
        assert!(text.contains("MiB, a reference") && text.contains("(number: 3)"), "{text}");
        let text = shared_text(Locale::French, reference);
        assert!(text.contains("Mio, une référence") && text.contains("nombre : 3"), "{text}");
        let text = shared_text(Locale::English, sharing(SharedBy::Blocks));
        assert!(text.contains("whose blocks other files have too"), "{text}");
    }
}
