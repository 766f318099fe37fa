//! Build, start, stop, restart, delete.
//!
//! Of many at once: `batch`.

use domain::authz::{BuildVServer, DeleteVServer, Permit, RunVServer};
use domain::build::BuildForm;
use domain::change::Permitted;
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::VServerName;
use leptos::prelude::*;

use super::{Answer, Call, local_path};
use crate::backend::Notice;
use crate::error::Refusal;

/// Queues a build and goes on at its operation.
#[server(prefix = "/api", endpoint = "vservers/build")]
pub async fn build_vserver(
    #[server(default)] csrf: String,
    #[server(default)] form: BuildForm,
) -> Result<(), Refusal> {
    let call = noting(Call::begin("vservers/build"), &form);
    let result = async {
        let facts = call.backend.host_facts(call.permit(&csrf).await?).await?;
        form.judge(&facts).map_err(|errors| Failure::Invalid { errors })?;
        let permit = call.permit::<BuildVServer>(&csrf).await?;
        let operation = call.backend.queue(permit.build(form.clone())).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&form_page(&form), result).await
}

/// The page that a form came from.
fn form_page(form: &BuildForm) -> String {
    match form.method_kind() {
        Ok(method) if !form.method.is_empty() => format!("/build?method={method}"),
        _ => "/build".to_owned(),
    }
}

/// Notes what was typed into the build form.
fn noting(call: Call, form: &BuildForm) -> Call {
    match serde_json::to_string(form) {
        Ok(text) => call.typed("form", &text),
        Err(_) => call,
    }
}

/// Shows the build form again with its command and files: what the browser does as one types,
/// for those without JavaScript. Changes nothing.
#[server(prefix = "/api", endpoint = "vservers/preview")]
pub async fn preview_build(
    #[server(default)] csrf: String,
    #[server(default)] form: BuildForm,
) -> Result<(), Refusal> {
    let call = noting(Call::begin("vservers/build"), &form);
    let result = async {
        let facts = call.backend.host_facts(call.permit(&csrf).await?).await?;
        form.judge(&facts).map_err(|errors| Failure::Invalid { errors })?;
        Ok(Answer::to(form_page(&form)).saying(Notice::Previewed))
    }
    .await;
    call.answer(&form_page(&form), result).await
}

/// Queues something for one VServer, and goes back to where it was asked for.
async fn queue_one(
    call: Call,
    csrf: String,
    only: String,
    next: String,
    change: fn(Permit<RunVServer>, VServerName) -> Permitted,
) -> Result<(), Refusal> {
    let back = match local_path(&next) {
        "/" => "/vservers",
        next => next,
    };
    let result = async {
        let permit = call.permit::<RunVServer>(&csrf).await?;
        let name = only.parse().map_err(|problem| Failure::of_field(Field::Name, problem))?;
        let operation = call.backend.queue(change(permit, name)).await?;
        Ok(Answer::to(back).saying(Notice::Queued {
            operations: vec![(operation.id, operation.kind, operation.target)],
            failures: Vec::new(),
        }))
    }
    .await;
    call.answer(back, result).await
}

/// Queues a start.
#[server(prefix = "/api", endpoint = "vservers/start")]
pub async fn start_vserver(
    #[server(default)] csrf: String,
    #[server(default)] only: String,
    #[server(default)] next: String,
) -> Result<(), Refusal> {
    queue_one(Call::begin("vservers/start"), csrf, only, next, Permit::start).await
}

/// Queues a stop.
#[server(prefix = "/api", endpoint = "vservers/stop")]
pub async fn stop_vserver(
    #[server(default)] csrf: String,
    #[server(default)] only: String,
    #[server(default)] next: String,
) -> Result<(), Refusal> {
    queue_one(Call::begin("vservers/stop"), csrf, only, next, Permit::stop).await
}

/// Queues a restart.
#[server(prefix = "/api", endpoint = "vservers/restart")]
pub async fn restart_vserver(
    #[server(default)] csrf: String,
    #[server(default)] only: String,
    #[server(default)] next: String,
) -> Result<(), Refusal> {
    queue_one(Call::begin("vservers/restart"), csrf, only, next, Permit::restart).await
}

/// Queues a deletion, once its name was typed again.
#[server(prefix = "/api", endpoint = "vservers/delete")]
pub async fn delete_vserver(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] confirmation: String,
) -> Result<(), Refusal> {
    let call = Call::begin("vservers/delete").typed("confirmation", &confirmation);
    let target = name.parse::<VServerName>();
    let back = match &target {
        Ok(target) => format!("/vservers/{target}/delete"),
        Err(_) => "/vservers".to_owned(),
    };
    let result = async {
        let permit = call.permit::<DeleteVServer>(&csrf).await?;
        let target = target.map_err(|problem| Failure::of_field(Field::Name, problem))?;
        if confirmation.trim() != target.as_str() {
            let problem = match confirmation.trim() {
                "" => Problem::Missing,
                _ => Problem::NotTheName { name: target.clone() },
            };
            return Err(Failure::of_field(Field::Name, problem));
        }
        let operation = call.backend.queue(permit.delete(target)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&back, result).await
}
