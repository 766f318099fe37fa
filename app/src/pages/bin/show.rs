//! One deleted VServer: getting it back, under new values where others have taken its own; or removing it
//! for good.

use domain::authz::ActionKind;
use domain::command;
use domain::failure::Failure;
use domain::field::Field;
use domain::recycle::{BinEntry, Binned};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::components::field::id_of;
use crate::i18n::{Locale, actor_text, field_label, format, problem_text};
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, page};
use crate::pages::vservers::identity::{fields, typed};
use crate::shared::instant;

const RESTORE: &str = "bin/restore";
const REMOVE: &str = "bin/remove";

/// The page.
pub(crate) fn show() -> impl IntoView {
    let id = use_params_map().with_untracked(|map| map.get("id")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let entry =
            id.parse().map_err(|_| Failure::NotInBin { what: id.chars().take(64).collect() })?;
        let binned = page.backend.binned(permit, entry).await?;
        let form = typed(&page, RESTORE).unwrap_or_else(|| binned.offer.clone());
        let errors = page.errors(RESTORE);
        let name = binned.entry.identity.name.to_string();
        let line = command::undelete(&binned.entry.id, &form);
        let body = view! {
            {facts(t, &binned.entry)}
            <section aria-labelledby="restore-title">
                <h2 id="restore-title">{t.restore_it()}</h2>
                {conflicts(t, &binned)}
                <form method="post" action="/api/bin/restore" class="narrow">
                    <input type="hidden" name="csrf" value=page.csrf.clone() />
                    <input type="hidden" name="id" value=binned.entry.id.to_string() />
                    {fields(t, &binned.entry.identity, &form, &errors)}
                    <FormCommand locale=t command=line />
                    <p class="actions">
                        <button class="primary">{t.restore_one(&name)}</button>
                        <a class="button" href="/bin">{t.cancel()}</a>
                    </p>
                </form>
            </section>
            {page.may(ActionKind::PurgeVServer).then(|| remove(&page, &binned.entry))}
        };
        Ok(Content {
            title: t.in_the_bin(&name),
            area: Area::Bin,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn facts(t: Locale, entry: &BinEntry) -> impl IntoView + use<> {
    let bytes = entry.bytes.map_or_else(|| "–".to_owned(), |bytes| format::bytes(t, bytes));
    let until = match entry.is_protected {
        true => t.kept_protected().into_any(),
        false => instant(t, entry.expires_at).into_any(),
    };
    view! {
        <dl class="facts">
            <div><dt>{t.deleted_at()}</dt><dd>{instant(t, entry.deleted_at)}</dd></div>
            <div><dt>{t.who()}</dt><dd>{actor_text(t, &entry.by)}</dd></div>
            <div><dt>{t.kept_until()}</dt><dd>{until}</dd></div>
            <div><dt>{t.disk_used()}</dt><dd>{bytes}</dd></div>
        </dl>
        {entry
            .volume
            .clone()
            .map(|volume| view! { <p>{t.stays_on_volume()} " " <code>{volume}</code></p> })}
    }
}

/// What others have taken meanwhile; the form below offers something else.
fn conflicts(t: Locale, binned: &Binned) -> Option<impl IntoView + use<>> {
    if binned.conflicts.is_empty() {
        return None;
    }
    let items = binned
        .conflicts
        .0
        .iter()
        .map(|error| {
            let text = problem_text(t, &error.problem);
            view! { <li>{field_label(t, error.field)} {t.colon()} {text}</li> }
        })
        .collect_view();
    Some(view! {
        <div class="notice" role="status">
            <p>{t.taken_meanwhile()}</p>
            <ul>{items}</ul>
        </div>
    })
}

fn remove(page: &Page, entry: &BinEntry) -> impl IntoView + use<> {
    let t = page.locale;
    let name = entry.identity.name.to_string();
    let errors = page.errors(REMOVE);
    let is_wrong = !errors.is_empty();
    let problems = errors
        .of(Field::Confirmation)
        .map(|problem| view! { <p class="problem">{problem_text(t, problem)}</p> })
        .collect_view();
    let body = if entry.is_protected {
        view! { <p>{t.protected_in_the_bin()}</p> }.into_any()
    } else {
        view! {
            <p><strong>{t.cannot_be_undone()}</strong></p>
            {entry.volume.as_ref().map(|path| view! { <p>{t.volume_is_emptied(path)}</p> })}
            <form method="post" action="/api/bin/remove" class="narrow">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="id" value=entry.id.to_string() />
                <div class="field" class:wrong=is_wrong>
                    <label for=id_of(Field::Confirmation)>{t.type_the_name(&name)}</label>
                    <input
                        id=id_of(Field::Confirmation)
                        name="confirmation"
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        value=page.typed(REMOVE, "confirmation")
                        aria-invalid=is_wrong.then_some("true")
                        aria-describedby="remove-more"
                    />
                    <div id="remove-more">{problems}</div>
                </div>
                <p>
                    {t.command()} {t.colon()} <code>{command::purge(&entry.id).line()}</code>
                </p>
                <p class="actions">
                    <button class="danger">{t.remove_for_good(&name)}</button>
                </p>
            </form>
        }
        .into_any()
    };
    view! {
        <section aria-labelledby="remove-title">
            <h2 id="remove-title">{t.remove_it_for_good()}</h2>
            {body}
        </section>
    }
}
