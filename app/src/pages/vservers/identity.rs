//! Another name, context number, host name, other addresses: the form, and everything that it would do.

use domain::authz::ChangeIdentity;
use domain::command;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors};
use domain::identity::{IdentityForm, IdentityPlan, VServerIdentity};
use domain::vserver::{State, Summary};
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::show::named;
use crate::backend::{Notice, Outcome};
use crate::components::field::{Input, field, id_of};
use crate::i18n::{Locale, failure_text, field_label, problem_text};
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, asset, page};
use crate::shared::area_text;

const FORM: &str = "vservers/identity";

/// What was typed into a form of identity before.
pub(crate) fn typed(page: &Page, form: &str) -> Option<IdentityForm> {
    page.typed(form, "form").and_then(|typed| serde_json::from_str(&typed).ok())
}

/// The page.
pub(crate) fn identity() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    let (nonce, script) = (use_nonce(), asset("preview.js"));
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let _ = page.permit::<ChangeIdentity>()?;
        let name = named(&name)?;
        let summary = page.backend.vserver(page.permit()?, name.clone()).await?.summary;
        let asked = asked(&page);
        let form = typed(&page, FORM).or_else(|| asked.clone()).unwrap_or_default();
        let errors = page.errors(FORM);
        let is_previewed = page.flash.as_ref().is_some_and(|flash| {
            flash.form == FORM && flash.outcome == Outcome::Done(Notice::Previewed)
        });
        let plan = match is_previewed || asked.is_some() {
            true => {
                let plan = page.backend.plan_identity(page.permit()?, name.clone(), form.clone());
                Some(plan.await)
            }
            false => None,
        };
        let is_running = summary.state != State::Stopped;
        let current = known_as(summary);
        let line = command::identity(&name, &form);
        let body = view! {
            <p class="hint">{t.identity_explained()}</p>
            <form
                method="post"
                action="/api/vservers/identity"
                class="narrow"
                data-preview
            >
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="name" value=name.to_string() />
                {fields(t, &current, &form, &errors)}
                <div class="field">
                    <label class="choice">
                        <input
                            type="checkbox"
                            name="form[restart]"
                            value="true"
                            checked=form.restart
                        />
                        <span>{t.may_be_restarted()}</span>
                    </label>
                    {is_running.then(|| view! { <p class="hint">{t.it_runs_now()}</p> })}
                </div>
                <FormCommand locale=t command=line />
                <p class="actions">
                    <button class="primary">{t.change()}</button>
                    <button formaction="/api/vservers/identity-preview">
                        {t.show_what_it_does()}
                    </button>
                    <a class="button" href=format!("/vservers/{name}")>{t.cancel()}</a>
                </p>
            </form>
            // As somebody types, `public/preview.js` asks for it anew.
            <div data-preview-place aria-live="polite">{plan.map(|plan| planned_or_why(t, plan))}</div>
            <script type="module" src=script nonce=nonce></script>
        };
        Ok(Content {
            title: t.identity_of(name.as_str()),
            area: Area::VServers,
            subscription: None,
            body: body.into_any(),
        })
    })
}

/// What the address asks to be shown the plan of, as somebody types.
fn asked(page: &Page) -> Option<IdentityForm> {
    let value = |field: &str| page.query(&format!("form[{field}]")).unwrap_or_default();
    let form = IdentityForm {
        name: value("name"),
        context: value("context"),
        host_name: value("host_name"),
        interfaces: value("interfaces"),
        restart: value("restart") == "true",
    };
    (form != IdentityForm::default()).then_some(form)
}

/// The plan, or why there is none.
fn planned_or_why(t: Locale, plan: Result<IdentityPlan, Failure>) -> AnyView {
    let problems: Vec<String> = match plan {
        Ok(plan) => return planned(t, &plan).into_any(),
        Err(Failure::NothingToChange) => Vec::new(),
        Err(Failure::Invalid { errors }) => errors
            .0
            .iter()
            .map(|error| {
                let problem = problem_text(t, &error.problem);
                format!("{}{}{problem}", field_label(t, error.field), t.colon())
            })
            .collect(),
        Err(failure) => vec![failure_text(t, &failure).what],
    };
    let problems = problems.into_iter().map(|text| view! { <p class="problem">{text}</p> });
    problems.collect_view().into_any()
}

fn known_as(summary: Summary) -> VServerIdentity {
    let Summary { name, context, host_name, interfaces, .. } = summary;
    VServerIdentity { name, context, host_name, interfaces }
}

/// The fields, each with what stands there now.
pub(crate) fn fields(
    t: Locale,
    current: &VServerIdentity,
    form: &IdentityForm,
    errors: &FieldErrors,
) -> impl IntoView + use<> {
    let off = Input::Text { autocomplete: "off" };
    let hint = |value: Option<String>, more: &str| {
        let now = value.map_or_else(|| t.now_nothing().to_owned(), |value| t.now_is(&value));
        Some(format!("{now} {more}"))
    };
    let value = |text: &str| Some(text.to_owned());
    let interfaces: Vec<String> = current.interfaces.iter().map(ToString::to_string).collect();
    let host_name = current.host_name.as_ref().map(ToString::to_string);
    let problems: Vec<String> =
        errors.of(Field::Interface).map(|problem| problem_text(t, problem)).collect();
    let is_wrong = !problems.is_empty();
    let id = id_of(Field::Interface);
    let now = (!interfaces.is_empty()).then(|| interfaces.join(", "));
    view! {
        {field(t, Field::Name, "form[name]", off, value(&form.name),
            hint(Some(current.name.to_string()), t.name_is_followed()), errors)}
        {field(t, Field::Context, "form[context]", off, value(&form.context),
            hint(current.context.map(|context| context.to_string()), ""), errors)}
        {field(t, Field::HostName, "form[host_name]", off, value(&form.host_name),
            hint(host_name, ""), errors)}
        <div class="field" class:wrong=is_wrong>
            <label for=id>{field_label(t, Field::Interface)}</label>
            <textarea
                id=id
                name="form[interfaces]"
                rows="2"
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=is_wrong.then_some("true")
                aria-describedby=format!("{id}-more")
                inner_html=area_text(&form.interfaces)
            ></textarea>
            <div id=format!("{id}-more")>
                {problems
                    .into_iter()
                    .map(|text| view! { <p class="problem">{text}</p> })
                    .collect_view()}
                <p class="hint">{hint(now, t.all_addresses_hint())}</p>
            </div>
        </div>
    }
}

/// Everything that is done, command by command.
fn planned(t: Locale, plan: &IdentityPlan) -> impl IntoView + use<> {
    let steps = plan
        .changes
        .iter()
        .map(|change| {
            let text = change.long_text().map(ToOwned::to_owned);
            view! {
                <li>
                    <code>{change.command()}</code>
                    {text.map(|text| view! { <pre tabindex="0">{text}</pre> })}
                </li>
            }
        })
        .collect_view();
    view! {
        <section class="preview" aria-labelledby="preview-title">
            <h2 id="preview-title">{t.preview_title()}</h2>
            <div class="command">
                <pre tabindex="0"><code>{plan.command.clone()}</code></pre>
            </div>
            <p>{t.by_hand_it_is()}</p>
            <ol>{steps}</ol>
        </section>
    }
}
