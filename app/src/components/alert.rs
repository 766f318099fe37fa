//! What a form came to, said at the top of the page that follows.

use domain::failure::Failure;
use leptos::prelude::*;

use crate::backend::{Notice, Outcome};
use crate::i18n::{Locale, failure_text, field_label, kind_text, problem_text};
use crate::page::Page;
use crate::shared::config_problem;

/// A failure: what happened, what to do, the reference.
pub(crate) fn failure(t: Locale, failure: &Failure, reference: &str) -> impl IntoView + use<> {
    let text = failure_text(t, failure);
    let fields = match failure {
        Failure::Invalid { errors } => errors
            .0
            .iter()
            .map(|error| {
                view! {
                    <li>
                        <a href=format!("#{}", super::field::id_of(error.field))>
                            {field_label(t, error.field)}
                        </a>
                        {t.colon()}
                        {problem_text(t, &error.problem)}
                    </li>
                }
            })
            .collect_view()
            .into_any(),
        Failure::ConfigRefused { problems } if problems.len() > 1 => problems
            .iter()
            .map(|problem| view! { <li>{config_problem(t, problem)}</li> })
            .collect_view()
            .into_any(),
        Failure::Busy { operation: Some(id), .. } => view! {
            <li><a href=format!("/operations/{id}")>{t.show_the_operation()}</a></li>
        }
        .into_any(),
        _ => ().into_any(),
    };
    view! {
        <div class="alert" role="alert">
            <p><strong>{text.what}</strong></p>
            <p>{text.remedy}</p>
            <ul class="alert-details">{fields}</ul>
            <p class="reference">{t.reference()} " " <code>{reference.to_owned()}</code></p>
        </div>
    }
}

/// What was done.
fn notice(t: Locale, notice: &Notice, reference: &str) -> AnyView {
    let text = match notice {
        Notice::Queued { operations, failures } => {
            return queued(t, operations, failures, reference);
        }
        Notice::Previewed => return ().into_any(),
        Notice::CancelAsked => t.cancel_asked().to_owned(),
        Notice::PasswordChanged => t.password_changed().to_owned(),
        Notice::MustChangePassword => t.must_change_password().to_owned(),
        Notice::UserCreated(name) => t.user_created(name.as_str()),
        Notice::UserChanged(name) => t.user_changed(name.as_str()),
        Notice::LoggedOut => t.logged_out().to_owned(),
        Notice::SetUp => t.set_up_done().to_owned(),
        Notice::TerminalClosed => t.terminal_closed().to_owned(),
    };
    view! { <p class="notice" role="status">{text}</p> }.into_any()
}

fn queued(
    t: Locale,
    operations: &[(domain::id::OperationId, domain::operation::Kind, domain::operation::Target)],
    failures: &[(String, Failure)],
    reference: &str,
) -> AnyView {
    let done = operations
        .iter()
        .map(|(id, kind, target)| {
            view! {
                <li>
                    <a href=format!("/operations/{id}")>
                        {kind_text(t, *kind)} " " {target.name().to_owned()}
                    </a>
                </li>
            }
        })
        .collect_view();
    let refused = failures
        .iter()
        .map(|(name, failure)| {
            let text = failure_text(t, failure);
            view! {
                <li><strong>{name.clone()}</strong> {t.colon()} {text.what} " " {text.remedy}</li>
            }
        })
        .collect_view();
    view! {
        <div class="notice" role="status">
            <p>{t.operations_queued()}</p>
            <ul class="row-list">{done}</ul>
        </div>
        {(!failures.is_empty())
            .then(|| {
                view! {
                    <div class="alert" role="alert">
                        <ul class="alert-details">{refused}</ul>
                        <p class="reference">
                            {t.reference()} " " <code>{reference.to_owned()}</code>
                        </p>
                    </div>
                }
            })}
    }
    .into_any()
}

/// Whatever the last form came to.
pub(crate) fn outcome(page: &Page) -> AnyView {
    let t = page.locale;
    match page.flash.as_ref() {
        None => ().into_any(),
        Some(flash) => match &flash.outcome {
            Outcome::Refused(refused) => failure(t, refused, &flash.reference).into_any(),
            Outcome::Done(done) => notice(t, done, &flash.reference),
        },
    }
}
