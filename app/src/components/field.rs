//! One field of a plain form: label, input, hint, and what is wrong with it, tied together for
//! screen readers.

use domain::field::{Field, FieldErrors};
use leptos::prelude::*;

use crate::i18n::{Locale, field_label, problem_text};
pub(crate) use crate::shared::field_id as id_of;

/// How a field is typed into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    Text { autocomplete: &'static str },
    Password { autocomplete: &'static str },
    Number,
}

/// A labelled input. A password is never filled in again.
pub(crate) fn field(
    t: Locale,
    field: Field,
    name: &'static str,
    input: Input,
    value: Option<String>,
    hint: Option<String>,
    errors: &FieldErrors,
) -> impl IntoView + use<> {
    let id = id_of(field);
    let problems = errors.of(field).map(|problem| problem_text(t, problem)).collect::<Vec<_>>();
    let is_wrong = !problems.is_empty();
    let (kind, autocomplete, value) = match input {
        Input::Text { autocomplete } => ("text", autocomplete, value),
        Input::Password { autocomplete } => ("password", autocomplete, None),
        Input::Number => ("text", "off", value),
    };
    let is_number = input == Input::Number;
    view! {
        <div class="field" class:wrong=is_wrong>
            <label for=id>{field_label(t, field)}</label>
            <input
                id=id
                name=name
                type=kind
                inputmode=is_number.then_some("numeric")
                size=is_number.then_some("5")
                autocomplete=autocomplete
                autocapitalize="none"
                spellcheck="false"
                value=value
                aria-invalid=is_wrong.then_some("true")
                aria-describedby=format!("{id}-more")
            />
            <div id=format!("{id}-more")>
                {problems
                    .into_iter()
                    .map(|text| view! { <p class="problem">{text}</p> })
                    .collect_view()}
                {hint.map(|hint| view! { <p class="hint">{hint}</p> })}
            </div>
        </div>
    }
}
