//! Build a VServer.

use domain::build::BuildForm;
use leptos::prelude::*;

use crate::islands::build_form::BuildFormFields;
use crate::page::{Area, Content, For, Page, page};

const FORM: &str = "vservers/build";

/// The page.
pub(crate) fn build() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let facts = page.backend.host_facts(page.permit()?).await?;
        let form: BuildForm = page
            .typed(FORM, "form")
            .and_then(|typed| serde_json::from_str(&typed).ok())
            .unwrap_or_default();
        let refused = page.errors(FORM);
        let csrf = page.csrf.clone();
        Ok(Content {
            title: t.build_a_vserver().to_owned(),
            area: Area::VServers,
            subscription: None,
            body: view! {
                <BuildFormFields locale=t form=form refused=refused facts=facts csrf=csrf />
            }
            .into_any(),
        })
    })
}
