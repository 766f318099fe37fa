//! One user: role and password.

use domain::command;
use domain::failure::Failure;
use domain::field::Field;
use domain::user::Password;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::role_choice;
use crate::components::field::{Input, field};
use crate::islands::form_command::FormCommand;
use crate::page::{Area, Content, For, Page, page};

const RESET: &str = "users/reset-password";

/// The page.
pub(crate) fn show() -> impl IntoView {
    let id = use_params_map().with_untracked(|map| map.get("id")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let users = page.backend.users(page.permit()?).await?;
        let user =
            users.into_iter().find(|user| user.id.to_string() == id).ok_or(Failure::NoSuchUser)?;
        let errors = page.errors(RESET);
        let new = Input::Password { autocomplete: "new-password" };
        let hint = t.password_hint(&Password::MIN_BYTES.to_string());
        let hidden = || {
            view! {
                <input type="hidden" name="csrf" value=page.csrf.clone() />
                <input type="hidden" name="user" value=user.id.to_string() />
            }
        };
        let (toggle, value) =
            if user.disabled { (t.enable(), "false") } else { (t.disable(), "true") };
        let reset = command::reset_password(&user.name).line();
        let body = view! {
            <section aria-labelledby="role-title">
                <h2 id="role-title">{t.role()}</h2>
                <form method="post" action="/api/users/set-role" class="narrow">
                    {hidden()} {role_choice(t, Some(user.role))}
                    <p class="hint">{t.role_change_explained()}</p>
                    <FormCommand locale=t command=command::set_role(&user.name, user.role.as_str()) />
                    <p class="actions"><button class="primary">{t.change_role()}</button></p>
                </form>
            </section>
            <section aria-labelledby="password-title">
                <h2 id="password-title">{t.reset_password()}</h2>
                <form method="post" action="/api/users/reset-password" class="narrow">
                    {hidden()}
                    {field(t, Field::Password, "password", new, None, Some(hint), &errors)}
                    {field(t, Field::PasswordAgain, "password_again", new, None, None, &errors)}
                    <p class="hint">{t.reset_explained()}</p>
                    <p>{t.command()} {t.colon()} <code>{reset}</code></p>
                    <p class="actions"><button class="primary">{t.reset_password()}</button></p>
                </form>
            </section>
            <section aria-labelledby="access-title">
                <h2 id="access-title">{t.access()}</h2>
                <p class="hint">{t.disabling_explained()}</p>
                <form method="post" action="/api/users/set-disabled" class="actions">
                    {hidden()}
                    <button class:danger=!user.disabled name="disabled" value=value>
                        {toggle}
                    </button>
                    <code>{command::set_disabled(&user.name, !user.disabled).line()}</code>
                </form>
            </section>
        };
        Ok(Content {
            title: t.user_named(user.name.as_str()),
            area: Area::Users,
            subscription: None,
            body: body.into_any(),
        })
    })
}
