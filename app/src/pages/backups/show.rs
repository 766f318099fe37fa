//! One backup: what it is, what is in it, and what can be made of it. `?path=` looks into a directory.

use domain::authz::ActionKind;
use domain::backup::{BackupDetail, BackupEntry, BackupRef, EntryKind};
use domain::command;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors};
use domain::restore::{Proposal, RestoreForm};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::components::field::{Input, field};
use crate::components::removal::{Removal, removal};
use crate::i18n::{Locale, consistency_text, format};
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, page};
use crate::shared::instant;

const RESTORE: &str = "backups/restore";

/// The backup that an address or a form names.
pub(crate) fn referred(text: &str) -> Result<BackupRef, Failure> {
    text.parse().map_err(|problem| Failure::of_field(Field::Backup, problem))
}

/// The page.
pub(crate) fn show() -> impl IntoView {
    let backup = use_params_map().with_untracked(|map| map.get("backup")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let backup = referred(&backup)?;
        let detail = page.backend.backup(permit, backup.clone()).await?;
        let path = page.query("path").unwrap_or_else(|| "/".to_owned());
        let entries =
            page.backend.browse_backup(page.permit()?, backup.clone(), path.clone()).await?;
        let proposal = page.backend.propose_restore(page.permit()?, backup.clone()).await?;
        let config_base = page.backend.host_facts(page.permit()?).await?.config_base;
        let may_back_up = page.may(ActionKind::BackUpVServer);
        let body = view! {
            <p>
                <a href=format!("/vservers/{}/backups", backup.vserver)>
                    {t.backups_of(backup.vserver.as_str())}
                </a>
            </p>
            {facts(t, &detail)}
            {may_back_up.then(|| acts(&page, &backup, detail.summary.bytes))}
            {restore(&page, &backup, &proposal, &config_base)}
            {browse(&page, &backup, &path, entries)}
        };
        Ok(Content {
            title: t.backup_from(backup.vserver.as_str(), &format::instant(t, backup.id.at())),
            area: Area::Backups,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn facts(t: Locale, detail: &BackupDetail) -> impl IntoView + use<> {
    let row = |label: &'static str, value: String| {
        view! { <div><dt>{label}</dt><dd>{value}</dd></div> }
    };
    let packages = detail.packages.map(|n| format::integer(t, n));
    let packages = packages.unwrap_or_else(|| t.packages_not_known().to_owned());
    let listed = |title: String, lines: &[String]| {
        (!lines.is_empty()).then(|| {
            let lines = lines
                .iter()
                .map(|line| view! { <li><code>{line.clone()}</code></li> })
                .collect_view();
            view! { <details><summary>{title}</summary><ul>{lines}</ul></details> }
        })
    };
    let changed = t.changed_meanwhile(&format::integer(t, detail.changed_count));
    view! {
        <dl class="facts">
            {row(t.taken_at(), format::instant(t, detail.summary.backup.id.at()))}
            {row(t.size(), format::bytes(t, detail.summary.bytes))}
            {row(t.unpacked_size(), format::bytes(t, detail.file_bytes))}
            {row(t.entries(), format::integer(t, detail.files))}
            {row(t.packages(), packages)}
            {row(t.consistency(), consistency_text(t, detail.consistency).to_owned())}
            {row(t.made_by(), detail.tool.clone())}
        </dl>
        {listed(changed, &detail.changed)}
        {listed(t.left_out().to_owned(), &detail.omitted)}
    }
}

fn hidden(page: &Page, backup: &BackupRef) -> impl IntoView + use<> {
    view! {
        <input type="hidden" name="csrf" value=page.csrf.clone() />
        <input type="hidden" name="backup" value=backup.to_string() />
    }
}

fn acts(page: &Page, backup: &BackupRef, bytes: u64) -> impl IntoView + use<> {
    let t = page.locale;
    let at = format::instant(t, backup.id.at());
    let size = format::bytes(t, bytes);
    let asked = Removal {
        function: "backups/remove",
        fields: vec![("backup", backup.to_string())],
        summary: t.remove_dots(),
        label: t.remove_backup(&at),
        loss: view! { <p>{t.backup_removal(backup.vserver.as_str(), &at, &size)}</p> }.into_any(),
        command: command::remove_backups(&backup.target, &backup.vserver, &[backup.id]),
    };
    view! {
        <form method="post" action="/api/backups/verify">
            {hidden(page, backup)}
            <p class="actions"><button>{t.verify_backup()}</button></p>
            <p>{t.command()} {t.colon()} <code>{command::verify_backup(backup).line()}</code></p>
        </form>
        {removal(t, &page.csrf, asked)}
    }
}

/// The form of a restore, filled in so that it can be sent as it is; what of the backup's own is
/// another's already stands beside.
fn restore(
    page: &Page,
    backup: &BackupRef,
    proposal: &Proposal,
    config_base: &str,
) -> impl IntoView + use<> {
    let t = page.locale;
    let sent = page.errors(RESTORE);
    let errors = if sent.is_empty() { FieldErrors::default() } else { sent };
    let text = Input::Text { autocomplete: "off" };
    let form = &proposal.form;
    let claims = &proposal.claims;
    let hint = |of: Field| {
        let own = match of {
            Field::Context => claims.context.map(|context| context.to_string()),
            Field::HostName => claims.host_name.as_ref().map(ToString::to_string),
            Field::Interface => {
                let all: Vec<String> = claims.interfaces.iter().map(ToString::to_string).collect();
                Some(all.join(", "))
            }
            _ => Some(claims.name.to_string()),
        };
        let is_taken = proposal.conflicts.of(of).next().is_some();
        own.filter(|_| is_taken).map(|own| t.own_value_taken(&own))
    };
    let typed = |name: &str, proposed: &String| {
        page.typed(RESTORE, name).unwrap_or_else(|| proposed.clone())
    };
    let keeps = page.typed(RESTORE, "keep_host_keys").is_some_and(|typed| typed == "true");
    let form = RestoreForm {
        name: typed("name", &form.name),
        context: typed("context", &form.context),
        host_name: typed("host_name", &form.host_name),
        interfaces: typed("interfaces", &form.interfaces),
        keep_host_keys: keeps,
    };
    let line = command::restore(backup, &form);
    let value = |text: &str| Some(text.to_owned());
    view! {
        <section aria-labelledby="restore-title">
            <h2 id="restore-title">{t.restore_as_vserver()}</h2>
            <form method="post" action="/api/backups/restore" class="narrow">
                {hidden(page, backup)}
                {field(t, Field::Name, "name", text, value(&form.name), hint(Field::Name), &errors)}
                {field(
                    t,
                    Field::Context,
                    "context",
                    text,
                    value(&form.context),
                    hint(Field::Context),
                    &errors,
                )}
                {field(
                    t,
                    Field::HostName,
                    "host_name",
                    text,
                    value(&form.host_name),
                    hint(Field::HostName),
                    &errors,
                )}
                {field(
                    t,
                    Field::Interface,
                    "interfaces",
                    text,
                    value(&form.interfaces),
                    hint(Field::Interface),
                    &errors,
                )}
                <p>
                    <label>
                        <input
                            type="checkbox"
                            name="keep_host_keys"
                            value="true"
                            checked=keeps
                            aria-describedby="keep-host-keys-more"
                        />
                        " "
                        {t.keep_host_keys()}
                    </label>
                </p>
                <p class="hint" id="keep-host-keys-more">
                    {t.keep_host_keys_explained(backup.vserver.as_str())}
                </p>
                <FormCommand locale=t command=line />
                <p class="hint">
                    {t.files_written()} {t.colon()}
                    <code>{format!("{config_base}/{}", form.name)}</code>
                    ", "
                    <code>{format!("{config_base}/.defaults/vdirbase/{}", form.name)}</code>
                </p>
                <p class="actions"><button class="primary">{t.restore_now()}</button></p>
            </form>
        </section>
    }
}

fn browse(
    page: &Page,
    backup: &BackupRef,
    path: &str,
    entries: Vec<BackupEntry>,
) -> impl IntoView + use<> {
    let t = page.locale;
    let base = path.trim_end_matches('/').to_owned();
    let above = base.rsplit_once('/').map(|(above, _)| {
        let address = address(backup, if above.is_empty() { "/" } else { above });
        view! { <p><a href=address>{t.directory_above()}</a></p> }
    });
    let rows = entries
        .into_iter()
        .map(|entry| {
            let inside = format!("{base}/{}", entry.name);
            let name = match entry.kind {
                EntryKind::Directory => {
                    let address = address(backup, &inside);
                    view! { <a href=address>{format!("{}/", entry.name)}</a> }.into_any()
                }
                EntryKind::Link => {
                    let to = entry.link.clone().unwrap_or_default();
                    view! { {entry.name.clone()} " → " {to} }.into_any()
                }
                _ => entry.name.clone().into_any(),
            };
            let put_back = (entry.kind == EntryKind::File).then(|| {
                let line = command::restore_file(backup, &backup.vserver, &inside).line();
                view! {
                    <form method="post" action="/api/backups/restore-file">
                        {hidden(page, backup)} <input type="hidden" name="path" value=inside />
                        <button
                            class="quiet"
                            aria-label=format!("{} {}", t.put_back(), entry.name)
                            title=line
                        >
                            {t.put_back()}
                        </button>
                    </form>
                }
            });
            view! {
                <tr>
                    <th scope="row">{name}</th>
                    <td data-label=t.mode()>
                        <code>{format!("{:04o} {}:{}", entry.mode, entry.user, entry.group)}</code>
                    </td>
                    <td data-label=t.size() class="number">
                        {(entry.kind == EntryKind::File).then(|| format::bytes(t, entry.bytes))}
                    </td>
                    <td data-label=t.changed_at()>{instant(t, entry.modified)}</td>
                    <td class="row-actions">{put_back}</td>
                </tr>
            }
        })
        .collect_view();
    let shown = if base.is_empty() { "/".to_owned() } else { base.clone() };
    view! {
        <section aria-labelledby="browse-title">
            <h2 id="browse-title">{t.files_in_backup()} " " <code>{shown}</code></h2>
            <p class="hint">{t.put_back_explained(backup.vserver.as_str())}</p>
            {above}
            <div class="table-frame">
                <table>
                    <caption class="hidden-visually">{t.files_in_backup()}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t.file_name()}</th>
                            <th scope="col">{t.mode()}</th>
                            <th scope="col" class="number">{t.size()}</th>
                            <th scope="col">{t.changed_at()}</th>
                            <th scope="col">{t.actions()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

/// The address of a directory in a backup.
fn address(backup: &BackupRef, path: &str) -> String {
    let mut text = format!("/backups/{backup}?path=");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}
