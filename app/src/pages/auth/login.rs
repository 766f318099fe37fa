//! Log in.

use domain::field::Field;
use leptos::prelude::*;

use crate::api::local_path;
use crate::components::field::{Input, field};
use crate::page::{Area, Content, For, Page, page};

const FORM: &str = "account/log-in";

/// The page.
pub(crate) fn login() -> impl IntoView {
    page(For::Anybody, async |page: Page| {
        let t = page.locale;
        let next = page.query("next").unwrap_or_default();
        let errors = page.errors(FORM);
        let name = page.typed(FORM, "name");
        let body = view! {
            <form method="post" action="/api/account/log-in" class="narrow">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="next" value=local_path(&next).to_owned() />
                {field(
                    t,
                    Field::UserName,
                    "name",
                    Input::Text { autocomplete: "username" },
                    name,
                    None,
                    &errors,
                )}
                {field(
                    t,
                    Field::Password,
                    "password",
                    Input::Password { autocomplete: "current-password" },
                    None,
                    None,
                    &errors,
                )}
                <p class="actions">
                    <button class="primary">{t.log_in()}</button>
                </p>
            </form>
        };
        Ok(Content {
            title: t.log_in().to_owned(),
            area: Area::Account,
            subscription: None,
            body: body.into_any(),
        })
    })
}
