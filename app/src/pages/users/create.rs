//! A new user.

use domain::authz::ManageUsers;
use domain::command;
use domain::field::Field;
use domain::user::{Password, Role};
use leptos::prelude::*;

use super::role_choice;
use crate::components::field::{Input, field};
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, page};

const FORM: &str = "users/create";

/// The page.
pub(crate) fn create() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let _ = page.permit::<ManageUsers>()?;
        let errors = page.errors(FORM);
        let role = page.typed(FORM, "role").and_then(|role| role.parse().ok());
        let new = Input::Password { autocomplete: "new-password" };
        let hint = t.password_hint(&Password::MIN_BYTES.to_string());
        let name = page.typed(FORM, "name");
        let role = role.unwrap_or(Role::Operator);
        let line = command::create_user(name.as_deref().unwrap_or_default(), role.as_str());
        let body = view! {
            <form method="post" action="/api/users/create" class="narrow">
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                {field(
                    t,
                    Field::UserName,
                    "name",
                    Input::Text { autocomplete: "off" },
                    name,
                    None,
                    &errors,
                )}
                {role_choice(t, Some(role))}
                {field(t, Field::Password, "password", new, None, Some(hint), &errors)}
                {field(t, Field::PasswordAgain, "password_again", new, None, None, &errors)}
                <p class="hint">{t.first_password_explained()}</p>
                <FormCommand locale=t command=line />
                <p class="actions">
                    <button class="primary">{t.create_the_user()}</button>
                    <a class="button" href="/users">{t.cancel()}</a>
                </p>
            </form>
        };
        Ok(Content {
            title: t.create_a_user().to_owned(),
            area: Area::Users,
            subscription: None,
            body: body.into_any(),
        })
    })
}
