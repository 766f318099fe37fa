//! One file a route.

pub(crate) mod auth;
pub(crate) mod backups;
pub(crate) mod bin;
pub(crate) mod boot;
pub(crate) mod config;
pub(crate) mod error;
pub(crate) mod inside;
pub(crate) mod operations;
pub(crate) mod packages;
pub(crate) mod processes;
pub(crate) mod templates;
pub(crate) mod terminals;
pub(crate) mod users;
pub(crate) mod vservers;

use leptos::prelude::*;
use leptos_axum::ResponseOptions;

/// `/`: the list is the start page.
pub(crate) fn home() -> impl IntoView {
    let response: ResponseOptions = use_context().unwrap_or_default();
    crate::page::redirect(&response, "/vservers")
}
