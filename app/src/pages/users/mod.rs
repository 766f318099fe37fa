//! Users: all of them, a new one, one of them.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod show;

use domain::user::Role;
use leptos::prelude::*;

use crate::i18n::{Locale, role_explained, role_text};

/// The roles as a choice, each with what it may do.
pub(super) fn role_choice(t: Locale, chosen: Option<Role>) -> impl IntoView {
    let options = Role::ALL
        .into_iter()
        .map(|role| {
            view! {
                <label class="choice">
                    <input
                        type="radio"
                        name="role"
                        value=role.as_str()
                        checked=chosen == Some(role)
                    />
                    <span>
                        <strong>{role_text(t, role)}</strong>
                        {t.colon()}
                        {role_explained(t, role)}
                    </span>
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset id="field-role" class="field">
            <legend>{t.role()}</legend>
            {options}
        </fieldset>
    }
}
