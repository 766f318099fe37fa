//! All users.

use domain::command;
use leptos::prelude::*;

use crate::i18n::role_text;
use crate::page::{Area, Content, For, Page, page};
use crate::shared::instant;

/// The page.
pub(crate) fn list() -> impl IntoView {
    page(For::LoggedIn, async |page: Page| {
        let t = page.locale;
        let users = page.backend.users(page.permit()?).await?;
        let me = page.identity.as_ref().map(|identity| identity.user);
        let rows = users
            .into_iter()
            .map(|user| {
                let (state, text) = match (user.disabled, user.must_change_password) {
                    (true, _) => ("stopped", t.disabled()),
                    (false, true) => ("moving", t.must_change()),
                    (false, false) => ("running", t.active()),
                };
                let last = match user.last_login_at {
                    Some(at) => instant(t, at).into_any(),
                    None => t.never().into_any(),
                };
                let (label, value) =
                    if user.disabled { (t.enable(), "false") } else { (t.disable(), "true") };
                let is_me = me == Some(user.id);
                view! {
                    <tr>
                        <th scope="row">
                            <a href=format!("/users/{}", user.id)>{user.name.to_string()}</a>
                            {is_me.then(|| view! { <span class="row-note">{t.you()}</span> })}
                        </th>
                        <td data-label=t.role()>{role_text(t, user.role)}</td>
                        <td data-label=t.state()>
                            <span class="pill" data-state=state>
                                <span class="pill-mark" aria-hidden="true"></span>
                                {text}
                            </span>
                        </td>
                        <td data-label=t.last_login()>{last}</td>
                        <td data-label=t.created()>{instant(t, user.created_at)}</td>
                        <td class="row-actions">
                            <form method="post" action="/api/users/set-disabled">
                                <input type="hidden" name="csrf" value=page.csrf.clone() />
                                <input type="hidden" name="user" value=user.id.to_string() />
                                <button
                                    class="quiet"
                                    name="disabled"
                                    value=value
                                    aria-label=format!("{label} {}", user.name)
                                    title=command::set_disabled(&user.name, !user.disabled).line()
                                >
                                    {label}
                                </button>
                            </form>
                            <a href=format!("/users/{}", user.id)>{t.change()}</a>
                        </td>
                    </tr>
                }
            })
            .collect_view();
        let body = view! {
            <p class="actions head">
                <a class="button primary" href="/users/create">{t.create_a_user()}</a>
            </p>
            <div class="table-frame">
                <table>
                    <caption class="hidden-visually">{t.users()}</caption>
                    <thead>
                        <tr>
                            <th scope="col">{t.user()}</th>
                            <th scope="col">{t.role()}</th>
                            <th scope="col">{t.state()}</th>
                            <th scope="col">{t.last_login()}</th>
                            <th scope="col">{t.created()}</th>
                            <th scope="col">{t.actions()}</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="hint">{t.disabling_explained()}</p>
        };
        Ok(Content {
            title: t.users().to_owned(),
            area: Area::Users,
            subscription: None,
            body: body.into_any(),
        })
    })
}
