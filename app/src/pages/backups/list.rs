//! The backups of all VServers, also of those that are gone.

use domain::authz::ActionKind;
use domain::backup::{BackupOverview, BackupScope};
use domain::command;
use domain::field::Field;
use leptos::prelude::*;

use super::{alerts, target_field};
use crate::components::field::{Input, field};
use crate::i18n::format;
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::templates::archive_field;
use crate::shared::instant;

/// The form of an import: the path of what takes it.
pub(crate) const IMPORT: &str = "backups/import";

/// The page.
pub(crate) fn list() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let overview = page.backend.backups(page.permit()?, BackupScope::All).await?;
        let is_empty = overview.vservers.is_empty();
        let rows = overview
            .vservers
            .iter()
            .map(|one| {
                let name = one.vserver.to_string();
                let last = match one.backups.first() {
                    Some(last) => instant(t, last.backup.id.at()).into_any(),
                    None => t.never().into_any(),
                };
                let bytes = one.backups.iter().map(|kept| kept.bytes).sum();
                let schedule = one.schedule.as_ref().map_or_else(
                    || t.taken_by_hand().to_owned(),
                    |schedule| format!("{} · {} · {}", schedule.target, schedule.when, schedule.keep),
                );
                view! {
                    <tr>
                        <th scope="row">
                            <a href=format!("/vservers/{name}/backups")>{name.clone()}</a>
                            {(!one.exists)
                                .then(|| view! { <span class="row-note">{t.vserver_gone()}</span> })}
                        </th>
                        <td data-label=t.last_backup()>{last}</td>
                        <td data-label=t.backups() class="number">
                            {format::integer(t, one.backups.len() as u64)}
                        </td>
                        <td data-label=t.size() class="number">{format::bytes(t, bytes)}</td>
                        <td data-label=t.schedule()>{schedule}</td>
                    </tr>
                }
            })
            .collect_view();
        let targets: Vec<String> = overview.targets.iter().map(ToString::to_string).collect();
        let body = view! {
            {alerts(t, &overview.vservers)}
            {is_empty.then(|| view! { <p class="nothing">{t.no_vservers_yet()}</p> })}
            <div class="table-frame">
                <table class:empty=is_empty>
                    <caption class="hidden-visually">{t.backups()}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"VServer"</th>
                            <th scope="col">{t.last_backup()}</th>
                            <th scope="col" class="number">{t.backups()}</th>
                            <th scope="col" class="number">{t.size()}</th>
                            <th scope="col">{t.schedule()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="hint">{t.backup_targets_explained(&targets.join(", "))}</p>
            {page.may(ActionKind::RestoreBackup).then(|| import(&page, &overview))}
        };
        Ok(Content {
            title: t.backups().to_owned(),
            area: Area::Backups,
            subscription: None,
            body: body.into_any(),
        })
    })
}

/// The form for what was saved by hand of an old host.
fn import(page: &Page, overview: &BackupOverview) -> impl IntoView + use<> {
    let t = page.locale;
    let errors = page.errors(IMPORT);
    let text = Input::Text { autocomplete: "off" };
    let name = page.typed(IMPORT, "name");
    let chosen = page.typed(IMPORT, "target");
    let first = || overview.targets.first().map(ToString::to_string);
    let shown = chosen.clone().or_else(first).unwrap_or_default();
    let line = command::import(name.as_deref().unwrap_or_default(), &shown, &[]);
    let target = target_field(t, overview, chosen.as_deref(), &errors);
    view! {
        <section aria-labelledby="import-title">
            <h2 id="import-title">{t.import_saved()}</h2>
            <p class="hint">{t.import_explained()}</p>
            <form
                method="post"
                action=format!("/api/{IMPORT}")
                enctype="multipart/form-data"
                class="narrow"
            >
                // First: whoever takes the form judges it before it takes the archive.
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                {field(t, Field::Name, "name", text, name, Some(t.import_name_hint().to_owned()), &errors)}
                {target}
                {archive_field(page, t.import_archive_hint().to_owned(), &errors)}
                <FormCommand locale=t command=line />
                <p>{t.files_written()} {t.colon()} <code>"TARGET:NAME:TIME"</code></p>
                <p class="actions">
                    <button class="primary">{t.upload()}</button>
                </p>
            </form>
        </section>
    }
}
