//! The backups of all VServers, also of those that are gone.

use domain::backup::BackupScope;
use leptos::prelude::*;

use super::alerts;
use crate::i18n::format;
use crate::page::{Area, Content, For, Page, page};
use crate::shared::instant;

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
                        <td data-label=t.backups()>
                            {format::integer(t, one.backups.len() as u64)}
                        </td>
                        <td data-label=t.size()>{format::bytes(t, bytes)}</td>
                        <td data-label=t.schedule()>{schedule}</td>
                    </tr>
                }
            })
            .collect_view();
        let targets: Vec<String> = overview.targets.iter().map(ToString::to_string).collect();
        let body = view! {
            {alerts(t, &overview.vservers)}
            {is_empty.then(|| view! { <p>{t.no_vservers_yet()}</p> })}
            <div class="table-frame">
                <table class:empty=is_empty>
                    <caption class="hidden-visually">{t.backups()}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"VServer"</th>
                            <th scope="col">{t.last_backup()}</th>
                            <th scope="col">{t.backups()}</th>
                            <th scope="col">{t.size()}</th>
                            <th scope="col">{t.schedule()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="hint">{t.backup_targets_explained(&targets.join(", "))}</p>
        };
        Ok(Content {
            title: t.backups().to_owned(),
            area: Area::Backups,
            subscription: None,
            body: body.into_any(),
        })
    })
}
