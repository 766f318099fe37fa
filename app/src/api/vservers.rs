//! Build, start, stop, restart, delete.
//!
//! Start, stop and restart take several names at once: the list's checkboxes, or one button's row.

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

/// Queues the same for every VServer that is named; what fails for one does not keep the others.
async fn queue_each(
    call: Call,
    csrf: String,
    names: Vec<String>,
    only: String,
    next: String,
    change: fn(Permit<RunVServer>, VServerName) -> Permitted,
) -> Result<(), Refusal> {
    let back = match local_path(&next) {
        "/" => "/vservers",
        next => next,
    };
    let result = async {
        let _ = call.permit::<RunVServer>(&csrf).await?;
        let names = if only.is_empty() { names } else { vec![only] };
        let mut operations = Vec::new();
        let mut failures = Vec::new();
        for text in names.iter().take(1000) {
            let queued = match text.parse::<VServerName>() {
                Ok(name) => {
                    let permit = call.permit(&csrf).await?;
                    call.backend.queue(change(permit, name)).await
                }
                Err(problem) => Err(Failure::of_field(Field::Name, problem)),
            };
            match queued {
                Ok(operation) => {
                    operations.push((operation.id, operation.kind, operation.target));
                }
                Err(failure) => failures.push((text.clone(), failure)),
            }
        }
        match (operations.as_slice(), failures.as_slice()) {
            ([], []) => Err(Failure::of_field(Field::Name, Problem::Missing)),
            ([], [(_, failure)]) => Err(failure.clone()),
            _ => Ok(Answer::to(back).saying(Notice::Queued { operations, failures })),
        }
    }
    .await;
    call.answer(back, result).await
}

/// Queues starts.
#[server(prefix = "/api", endpoint = "vservers/start")]
pub async fn start_vservers(
    #[server(default)] csrf: String,
    #[server(default)] names: Vec<String>,
    #[server(default)] only: String,
    #[server(default)] next: String,
) -> Result<(), Refusal> {
    let call = Call::begin("vservers/start");
    queue_each(call, csrf, names, only, next, Permit::start).await
}

/// Queues stops.
#[server(prefix = "/api", endpoint = "vservers/stop")]
pub async fn stop_vservers(
    #[server(default)] csrf: String,
    #[server(default)] names: Vec<String>,
    #[server(default)] only: String,
    #[server(default)] next: String,
) -> Result<(), Refusal> {
    let call = Call::begin("vservers/stop");
    queue_each(call, csrf, names, only, next, Permit::stop).await
}

/// Queues restarts.
#[server(prefix = "/api", endpoint = "vservers/restart")]
pub async fn restart_vservers(
    #[server(default)] csrf: String,
    #[server(default)] names: Vec<String>,
    #[server(default)] only: String,
    #[server(default)] next: String,
) -> Result<(), Refusal> {
    let call = Call::begin("vservers/restart");
    queue_each(call, csrf, names, only, next, Permit::restart).await
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
