//! Another name, context number, host name, other addresses; protection against deletion.

use domain::authz::{ChangeIdentity, ProtectVServer};
use domain::failure::Failure;
use domain::field::Field;
use domain::id::VServerName;
use domain::identity::IdentityForm;
use leptos::prelude::*;

use super::{Answer, Call};
use crate::backend::Notice;
use crate::error::Refusal;

/// Notes what was typed into the form.
pub(super) fn noting(call: Call, form: &IdentityForm) -> Call {
    match serde_json::to_string(form) {
        Ok(text) => call.typed("form", &text),
        Err(_) => call,
    }
}

fn back_to(name: &str) -> String {
    match name.parse::<VServerName>() {
        Ok(name) => format!("/vservers/{name}/identity"),
        Err(_) => "/vservers".to_owned(),
    }
}

/// Queues a change of identity and goes on at its operation.
#[server(prefix = "/api", endpoint = "vservers/identity")]
pub async fn change_vserver_identity(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] form: IdentityForm,
) -> Result<(), Refusal> {
    let call = noting(Call::begin("vservers/identity"), &form);
    let result = async {
        let permit = call.permit::<ChangeIdentity>(&csrf).await?;
        let name = name.parse().map_err(|problem| Failure::of_field(Field::Name, problem))?;
        let operation = call.backend.queue(permit.change(name, form)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&back_to(&name), result).await
}

/// Shows the form again with everything that it would do. Changes nothing.
#[server(prefix = "/api", endpoint = "vservers/identity-preview")]
pub async fn preview_identity(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] form: IdentityForm,
) -> Result<(), Refusal> {
    let call = noting(Call::begin("vservers/identity"), &form);
    let result = async {
        let permit = call.permit::<ChangeIdentity>(&csrf).await?;
        let target = name.parse().map_err(|problem| Failure::of_field(Field::Name, problem))?;
        call.backend.plan_identity(permit, target, form).await?;
        Ok(Answer::to(back_to(&name)).saying(Notice::Previewed))
    }
    .await;
    call.answer(&back_to(&name), result).await
}

/// Queues protecting a VServer against deletion (`on` is `true`), or taking that away.
#[server(prefix = "/api", endpoint = "vservers/protect")]
pub async fn protect_vserver(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] on: bool,
) -> Result<(), Refusal> {
    let call = Call::begin("vservers/protect");
    let target = name.parse::<VServerName>();
    let back = match &target {
        Ok(target) => format!("/vservers/{target}"),
        Err(_) => "/vservers".to_owned(),
    };
    let result = async {
        let permit = call.permit::<ProtectVServer>(&csrf).await?;
        let target = target.map_err(|problem| Failure::of_field(Field::Name, problem))?;
        let operation = call.backend.queue(permit.protect(target, on)).await?;
        let operations = vec![(operation.id, operation.kind, operation.target)];
        Ok(Answer::to(&back).saying(Notice::Queued { operations, failures: Vec::new() }))
    }
    .await;
    call.answer(&back, result).await
}
