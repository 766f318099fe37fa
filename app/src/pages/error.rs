//! Pages for what cannot be shown: forbidden, not found, engine down, anything else that failed.

use domain::failure::Failure;
use http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::components::alert;
use crate::page::{Area, Content, For, Page, page};

/// A failure as a page of its own.
pub(crate) struct FailurePage;

impl FailurePage {
    /// What happened, what to do, the reference, and ways out.
    pub(crate) fn content(page: &Page, failure: &Failure) -> Content {
        let t = page.locale;
        let title = match failure {
            Failure::NotAllowed { .. } => t.forbidden(),
            Failure::NoSuchVServer { .. }
            | Failure::NoSuchOperation { .. }
            | Failure::NoSuchTerminal
            | Failure::NoSuchUser
            | Failure::NoSuchProcess { .. }
            | Failure::NotInBin { .. } => t.not_found(),
            Failure::EngineDown => t.engine_down(),
            _ => t.could_not_be_shown(),
        };
        let again = matches!(
            failure,
            Failure::EngineDown | Failure::TimedOut { .. } | Failure::Unexpected { .. }
        )
        .then(|| {
            view! { <a class="button primary" href=page.path.clone()>{t.try_again()}</a> }
        });
        // The nearest page that is there.
        let (address, text) = match failure {
            Failure::NoSuchProcess { name, .. } => {
                (format!("/vservers/{name}/processes"), t.back_to_processes(name.as_str()))
            }
            _ => ("/vservers".to_owned(), t.to_the_list().to_owned()),
        };
        Content {
            title: title.to_owned(),
            area: Area::VServers,
            subscription: None,
            body: view! {
                {alert::failure(t, failure, &page.reference)}
                <p class="actions">
                    {again} <a class="button" href=address>{text}</a>
                </p>
            }
            .into_any(),
        }
    }
}

/// No such page.
pub(crate) fn not_found() -> impl IntoView {
    let response: ResponseOptions = use_context().unwrap_or_default();
    response.set_status(StatusCode::NOT_FOUND);
    page(For::Anybody, async |page: Page| {
        let t = page.locale;
        Ok(Content {
            title: t.not_found().to_owned(),
            area: Area::VServers,
            subscription: None,
            body: view! {
                <p>{t.no_page_here()} " " <code>{page.path.clone()}</code></p>
                <p class="actions"><a class="button" href="/vservers">{t.to_the_list()}</a></p>
            }
            .into_any(),
        })
    })
}
