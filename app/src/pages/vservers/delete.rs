//! Delete a VServer: what goes away, what stays, and its name typed once more.

use domain::authz::DeleteVServer;
use domain::command;
use domain::field::Field;
use domain::vserver::State;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::show::named;
use crate::i18n::{format, problem_text};
use crate::page::{Area, Content, For, Page, page};

const FORM: &str = "vservers/delete";

/// The page.
pub(crate) fn delete() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let _ = page.permit::<DeleteVServer>()?;
        let name = named(&name)?;
        let detail = page.backend.vserver(page.permit()?, name.clone()).await?;
        let problems = page
            .errors(FORM)
            .of(Field::Name)
            .map(|problem| view! { <p class="problem">{problem_text(t, problem)}</p> })
            .collect_view();
        let is_wrong = !page.errors(FORM).is_empty();
        let days = page.backend.bin_keeps_days(page.permit()?).await?;
        let until = page.now.plus_millis(i64::from(days) * 24 * 60 * 60 * 1000);
        let until = (days > 0).then(|| format::instant(t, until));
        let summary = detail.summary;
        let size = detail.disk_bytes.map(|bytes| format!(" ({})", format::bytes(t, bytes)));
        let addresses = summary
            .interfaces
            .iter()
            .map(|interface| interface.address.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let root = &detail.root_directory;
        let volume = detail.volume.as_ref().map(|_| match until {
            Some(_) => t.volume_keeps_files(root),
            None => t.volume_is_emptied(root),
        });
        let body = view! {
            {detail
                .is_protected
                .then(|| {
                    view! {
                        <p class="alert" role="alert">
                            {t.is_protected()} " "
                            <a href=format!("/vservers/{name}#its-protection")>{t.unprotect()}</a>
                        </p>
                    }
                })}
            <h2>{if until.is_some() { t.goes_to_the_bin() } else { t.goes_away() }}</h2>
            <ul class="consequences">
                {(summary.state != State::Stopped).then(|| view! { <li>{t.it_is_stopped_first()}</li> })}
                <li>{t.all_its_files()} " " <code>{detail.root_directory}</code> {size}</li>
                <li>{t.its_configuration()} " " <code>{detail.config_directory}</code></li>
                {(!addresses.is_empty())
                    .then(|| view! { <li>{t.its_addresses()} " " <code>{addresses}</code></li> })}
                {summary
                    .context
                    .map(|context| {
                        view! { <li>{t.its_context()} " " <code>{context.to_string()}</code></li> }
                    })}
            </ul>
            <h2>{t.stays()}</h2>
            <ul class="consequences">
                {volume.map(|text| view! { <li>{text}</li> })}
                <li>{t.the_base_stays()}</li>
                <li>{t.its_operations_stay()}</li>
            </ul>
            {match until {
                Some(until) => view! {
                    <p>
                        <strong>{t.can_be_undone_until(&until)}</strong> " "
                        <a href="/bin">{t.recycle_bin()}</a>
                    </p>
                }
                .into_any(),
                None => view! { <p><strong>{t.cannot_be_undone()}</strong></p> }.into_any(),
            }}
            <p>{t.command()} {t.colon()} <code>{command::delete(&name, false).line()}</code></p>
            <form method="post" action="/api/vservers/delete" class="narrow">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="name" value=name.to_string() />
                <div class="field" class:wrong=is_wrong>
                    <label for="field-name">{t.type_the_name(name.as_str())}</label>
                    <input
                        id="field-name"
                        name="confirmation"
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        value=page.typed(FORM, "confirmation")
                        aria-invalid=is_wrong.then_some("true")
                        aria-describedby="field-name-more"
                    />
                    <div id="field-name-more">{problems}</div>
                </div>
                <p class="actions">
                    <button class="danger">{t.delete_one(name.as_str())}</button>
                    <a class="button" href=format!("/vservers/{name}")>{t.cancel()}</a>
                </p>
            </form>
        };
        Ok(Content {
            title: t.delete_one(name.as_str()),
            area: Area::VServers,
            subscription: None,
            body: body.into_any(),
        })
    })
}
