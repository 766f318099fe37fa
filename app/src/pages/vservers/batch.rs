//! What would be done to many VServers, before it is: each in its order, what it would be refused for, how
//! many at once; and the button that does it. Looking at it changes nothing.

use domain::authz::{
    ActionKind, BackUpVServer, ConfigureVServer, DeleteVServer, ProtectVServer, RunVServer,
};
use domain::backup::BackupScope;
use domain::batch::{AtOnce, Batch, Forecast, Pace};
use domain::boot::DEFAULT_MARK;
use domain::change::PlainChange;
use domain::command;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors};
use domain::id::{Mark, TargetName, VServerName};
use domain::operation::Kind;
use leptos::prelude::*;

use crate::api::batch::{Each, With};
use crate::components::field::{Input, field};
use crate::i18n::{Locale, forecast_text, kind_text};
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, page};

const FORM: &str = "vservers/batch";

/// The page: `?action=`, and `?name=` for each.
pub(crate) fn batch() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let action = page.query("action").unwrap_or_default();
        let Some(each) = Each::of(&action) else {
            let _ = page.permit::<RunVServer>()?;
            return Err(Each::unknown());
        };
        may(&page, each)?;
        let mut names: Vec<VServerName> = Vec::new();
        for text in page.query_all("name") {
            let name =
                text.parse().map_err(|problem| Failure::of_field(Field::VServers, problem))?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let targets = match each {
            Each::Backup => {
                page.backend.backups(page.permit()?, BackupScope::Alerts).await?.targets
            }
            _ => Vec::new(),
        };
        let target = page.typed(FORM, "target").and_then(|text| text.parse().ok());
        let target: Option<TargetName> = target.or_else(|| targets.first().cloned());
        let mark = asked_mark(&page, each);
        let with = With { target, pause: false, mark: mark.as_ref().and_then(|m| m.parse().ok()) };
        let changes: Vec<PlainChange> =
            names.iter().filter_map(|name| each.change(name.clone(), &with)).collect();
        let title = t.batch_title(kind_text(t, each.kind()), &changes.len().to_string());
        let mark_form = mark.as_ref().map(|mark| mark_form(&page, each, mark, &names));
        let body = match changes.is_empty() {
            true if !names.is_empty() && each.is_of_a_mark() => mark_form.into_any(),
            true => {
                let text = if each == Each::Backup && targets.is_empty() {
                    t.no_backup_target()
                } else {
                    t.nobody_ticked()
                };
                view! {
                    <p class="nothing">{text}</p>
                    <p class="actions"><a class="button" href="/vservers">{t.vservers()}</a></p>
                }
                .into_any()
            }
            false => {
                let batch = Batch::new(changes, Pace::default())?;
                let forecasts = page.backend.foresee(page.permit()?, batch.clone()).await?;
                view! {
                    {mark_form}
                    {form(&page, each, &batch, &forecasts, &targets, with.mark.as_ref())}
                }
                .into_any()
            }
        };
        Ok(Content { title, area: Area::VServers, subscription: None, body })
    })
}

fn may(page: &Page, each: Each) -> Result<(), Failure> {
    match each.action() {
        ActionKind::BackUpVServer => page.permit::<BackUpVServer>().map(drop),
        ActionKind::ProtectVServer => page.permit::<ProtectVServer>().map(drop),
        ActionKind::ConfigureVServer => page.permit::<ConfigureVServer>().map(drop),
        ActionKind::DeleteVServer => page.permit::<DeleteVServer>().map(drop),
        _ => page.permit::<RunVServer>().map(drop),
    }
}

/// Which mark the address asks for, where one is to be said; without a word that which starts with the host.
fn asked_mark(page: &Page, each: Each) -> Option<String> {
    each.is_of_a_mark().then(|| page.query("mark").unwrap_or_else(|| DEFAULT_MARK.to_owned()))
}

/// Which mark: another one is looked at before anything is done, because it is another VServer that has it.
fn mark_form(page: &Page, each: Each, mark: &str, names: &[VServerName]) -> impl IntoView + use<> {
    let t = page.locale;
    let mut errors = FieldErrors::default();
    if let Err(problem) = mark.parse::<Mark>() {
        errors.push(Field::Mark, problem);
    }
    let names = names.iter().map(|name| {
        view! { <input type="hidden" name="name" value=name.to_string() /> }
    });
    let (input, value) = (Input::Text { autocomplete: "off" }, Some(mark.to_owned()));
    let hint = Some(t.mark_which().to_owned());
    view! {
        <form method="get" action="/batch" class="narrow">
            <input type="hidden" name="action" value=each.kind().as_str() />
            {names.collect_view()}
            {field(t, Field::Mark, "mark", input, value, hint, &errors)}
            <p class="actions"><button>{t.mark_another()}</button></p>
        </form>
    }
}

fn form(
    page: &Page,
    each: Each,
    batch: &Batch,
    forecasts: &[Forecast],
    targets: &[TargetName],
    mark: Option<&Mark>,
) -> impl IntoView + use<> {
    let t = page.locale;
    let errors = page.errors(FORM);
    let number = |of, name, value, hint: &str| {
        field(t, of, name, Input::Number, value, Some(hint.to_owned()), &errors)
    };
    let begun = forecasts.iter().filter(|one| one.refusal.is_none()).count();
    let rows = batch.changes().iter().zip(forecasts).enumerate();
    let rows = rows.map(|(index, (change, forecast))| row(t, index, change, forecast));
    let rows = rows.collect_view();
    let typed = |name: &str| page.typed(FORM, name);
    let at_once = typed("at_once").unwrap_or_else(|| u8::from(AtOnce::default()).to_string());
    let pause = typed("pause").is_some_and(|text| !text.is_empty());
    let backup = (each == Each::Backup).then(|| {
        let options = targets.iter().map(|target| {
            let is_chosen = typed("target").as_deref() == Some(target.as_str());
            view! { <option selected=is_chosen>{target.to_string()}</option> }
        });
        view! {
            <label>
                {t.backup_target()}
                <select name="form[target]">{options.collect_view()}</select>
            </label>
            <label class="choice">
                <input type="checkbox" name="form[pause]" value="true" checked=pause />
                {t.pause_meanwhile()}
            </label>
        }
    });
    let confirmation = (each == Each::Delete).then(|| {
        view! {
            <p><strong>{t.batch_deletes()}</strong></p>
            {number(Field::Confirmation, "form[confirmation]", None, t.type_how_many())}
        }
    });
    let button = if each == Each::Delete { "danger" } else { "primary" };
    view! {
        <p role="status">
            {match begun {
                1 => t.batch_forecast_of_one(&forecasts.len().to_string()),
                _ => t.batch_forecast(&begun.to_string(), &forecasts.len().to_string()),
            }}
        </p>
        <form method="post" action="/api/vservers/batch">
            <input type="hidden" name="csrf" value=page.csrf.clone() />
            <input type="hidden" name="action" value=each.kind().as_str() />
            {mark.map(|mark| view! {
                <input type="hidden" name="form[mark]" value=mark.to_string() />
            })}
            <div class="table-frame">
                <table class="operations">
                    <caption class="hidden-visually">{t.dry_run()}</caption>
                    <thead>
                        <tr>
                            <th scope="col" class="choose">
                                <span class="hidden-visually">{t.ticked()}</span>
                            </th>
                            <th scope="col" class="number">{t.turn()}</th>
                            <th scope="col">"VServer"</th>
                            <th scope="col">{t.what_would_be()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {backup}
            <div class="pace">
                {number(Field::AtOnce, "form[at_once]", Some(at_once), t.at_once_explained())}
                {number(Field::Canary, "form[canary]", typed("canary"), t.canary_explained())}
                {number(
                    Field::StopAfter,
                    "form[stop_after]",
                    typed("stop_after"),
                    t.stop_after_explained(),
                )}
            </div>
            {confirmation}
            {command::batch(batch).map(|command| view! { <FormCommand locale=t command=command /> })}
            <p class="actions">
                <button class=button>{do_it(t, each.kind())}</button>
                <a class="button" href="/vservers">{t.cancel()}</a>
            </p>
        </form>
    }
}

/// What a button says that does it: of some kinds there is a noun only.
fn do_it(t: Locale, kind: Kind) -> String {
    let verb = match kind {
        Kind::Start => t.start(),
        Kind::Stop => t.stop(),
        Kind::Restart => t.restart(),
        Kind::Backup => t.back_up(),
        Kind::Delete => t.delete(),
        other => return t.do_it(kind_text(t, other)),
    };
    t.do_it_now(verb)
}

/// One VServer: ticked, unless there is nothing to do to it or it would be refused.
fn row(
    t: Locale,
    index: usize,
    change: &PlainChange,
    forecast: &Forecast,
) -> impl IntoView + use<> {
    let name = forecast.name.to_string();
    let what = match &forecast.refusal {
        None => view! { <code>{change.command().line()}</code> }.into_any(),
        Some(outcome) => {
            let class = if outcome.is_good() { "hint" } else { "problem" };
            view! { <span class=class>{forecast_text(t, outcome)}</span> }.into_any()
        }
    };
    view! {
        <tr>
            <td class="choose">
                <input
                    type="checkbox"
                    name="names[]"
                    value=name.clone()
                    checked=forecast.refusal.is_none()
                    aria-label=t.choose_one(&name)
                />
            </td>
            <td class="number" data-label=t.turn()>{index + 1}</td>
            <th scope="row"><a href=format!("/vservers/{name}")>{name.clone()}</a></th>
            <td data-label=t.what_would_be()>{what}</td>
        </tr>
    }
}
