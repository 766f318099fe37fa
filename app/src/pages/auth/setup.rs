//! The set-up link: makes the first administrator, once.

use domain::failure::Failure;
use domain::field::Field;
use domain::user::Password;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::components::field::{Input, field};
use crate::page::{Area, Content, For, Page, page};

const FORM: &str = "account/set-up";

/// The page.
pub(crate) fn setup() -> impl IntoView {
    let token = use_params_map().with_untracked(|map| map.get("token")).unwrap_or_default();
    page(For::Anybody, async move |page: Page| {
        let t = page.locale;
        if !page.account.setup_link_is_valid(&token).await {
            return Err(Failure::SetupLinkInvalid);
        }
        let errors = page.errors(FORM);
        let name = page.typed(FORM, "name").unwrap_or_else(|| "admin".to_owned());
        let body = view! {
            <p>{t.set_up_explained()}</p>
            <form method="post" action="/api/account/set-up" class="narrow">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="token" value=token />
                {field(
                    t,
                    Field::UserName,
                    "name",
                    Input::Text { autocomplete: "username" },
                    Some(name),
                    None,
                    &errors,
                )}
                {field(
                    t,
                    Field::Password,
                    "password",
                    Input::Password { autocomplete: "new-password" },
                    None,
                    Some(t.password_hint(&Password::MIN_BYTES.to_string())),
                    &errors,
                )}
                {field(
                    t,
                    Field::PasswordAgain,
                    "password_again",
                    Input::Password { autocomplete: "new-password" },
                    None,
                    None,
                    &errors,
                )}
                <p class="actions">
                    <button class="primary">{t.create_administrator()}</button>
                </p>
            </form>
        };
        Ok(Content {
            title: t.set_up().to_owned(),
            area: Area::Account,
            subscription: None,
            body: body.into_any(),
        })
    })
}
