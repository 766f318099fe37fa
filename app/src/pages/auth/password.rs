//! Change one's own password.

use domain::authz::OwnAccount;
use domain::field::Field;
use domain::user::Password;
use leptos::prelude::*;

use crate::components::field::{Input, field};
use crate::page::{Area, Content, For, Page, page};

const FORM: &str = "account/change-password";

/// The page.
pub(crate) fn password() -> impl IntoView {
    page(For::NewPassword, async |page: Page| {
        let t = page.locale;
        let _ = page.permit::<OwnAccount>()?;
        let errors = page.errors(FORM);
        let new = Input::Password { autocomplete: "new-password" };
        let hint = t.password_hint(&Password::MIN_BYTES.to_string());
        let name = page.identity.as_ref().map(|identity| identity.name.to_string());
        let body = view! {
            <p>{t.password_explained()}</p>
            <form method="post" action="/api/account/change-password" class="narrow">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                // For password managers: whose password this is.
                <input type="text" class="hidden-visually" tabindex="-1" aria-hidden="true"
                    autocomplete="username" readonly value=name />
                {field(
                    t,
                    Field::CurrentPassword,
                    "current",
                    Input::Password { autocomplete: "current-password" },
                    None,
                    None,
                    &errors,
                )}
                {field(t, Field::Password, "password", new, None, Some(hint), &errors)}
                {field(t, Field::PasswordAgain, "password_again", new, None, None, &errors)}
                <p class="actions">
                    <button class="primary">{t.change_password()}</button>
                </p>
            </form>
        };
        Ok(Content {
            title: t.change_password().to_owned(),
            area: Area::Account,
            subscription: None,
            body: body.into_any(),
        })
    })
}
