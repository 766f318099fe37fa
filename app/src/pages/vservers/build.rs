//! Build a VServer: the method is chosen by a link, the rest by a form.

use domain::build::{BuildForm, MethodKind};
use domain::failure::HostFeature;
use domain::field::Problem;
use leptos::prelude::*;

use crate::i18n::{Locale, method_text, problem_text};
use crate::islands::build_form::BuildFormFields;
use crate::page::{Area, Content, For, Page, page};

const FORM: &str = "vservers/build";

/// The page.
pub(crate) fn build() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let facts = page.backend.host_facts(page.permit()?).await?;
        let typed: Option<BuildForm> =
            page.typed(FORM, "form").and_then(|typed| serde_json::from_str(&typed).ok());
        let chosen = page.query("method").and_then(|word| word.parse().ok());
        let form = match (typed, chosen) {
            (Some(form), _) => form,
            (None, method) => BuildForm {
                method: method.unwrap_or(MethodKind::default()).to_string(),
                source: page.query("source").unwrap_or_default(),
                template: page.query("template").unwrap_or_default(),
                ..BuildForm::default()
            },
        };
        let method = form.method_kind().unwrap_or_default();
        let refused = page.errors(FORM);
        let csrf = page.csrf.clone();
        Ok(Content {
            title: t.build_a_vserver().to_owned(),
            area: Area::VServers,
            subscription: None,
            body: view! {
                {methods(t, method, facts.has_dnf)}
                <BuildFormFields locale=t form=form refused=refused facts=facts csrf=csrf />
            }
            .into_any(),
        })
    })
}

/// The methods, each a link to its form.
fn methods(t: Locale, chosen: MethodKind, has_dnf: bool) -> impl IntoView {
    let without_dnf = problem_text(t, &Problem::HostLacks { feature: HostFeature::Dnf });
    let links = MethodKind::ALL
        .into_iter()
        .map(|method| {
            let is_chosen = method == chosen;
            let (name, explained) = method_text(t, method);
            // Said before anything is typed, not when it is sent.
            let is_lacking = method == MethodKind::Yum && !has_dnf;
            let lacking = is_lacking.then(|| view! { <em>{without_dnf.clone()}</em> });
            view! {
                <li>
                    <a
                        href=format!("/build?method={method}")
                        aria-current=is_chosen.then_some("page")
                    >
                        <strong>{name}</strong>
                        <span>{explained}</span>
                        {lacking}
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <nav class="methods" id="field-method" aria-label=t.build_method()>
            <ul>{links}</ul>
        </nav>
    }
}
