//! Removing templates, making bases anew, removing bases. An archive is uploaded elsewhere: see
//! [`crate::backend::Backend::stock`].

use domain::authz::ManageTemplates;
use domain::failure::Failure;
use domain::field::Field;
use domain::operation::Operation;
use leptos::prelude::*;

use super::{Answer, Call};
use crate::error::Refusal;

/// The page of the forms.
const PAGE: &str = "/templates";

async fn queued(call: Call, result: Result<Operation, Failure>) -> Result<(), Refusal> {
    let answer = result.map(|operation| Answer::to(format!("/operations/{}", operation.id)));
    call.answer(PAGE, answer).await
}

/// Queues removing a template.
#[server(prefix = "/api", endpoint = "templates/remove")]
pub async fn remove_template(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
) -> Result<(), Refusal> {
    let call = Call::begin("templates/remove");
    let result = async {
        let permit = call.permit::<ManageTemplates>(&csrf).await?;
        let name = name.parse().map_err(|problem| Failure::of_field(Field::Template, problem))?;
        call.backend.queue(permit.remove_template(name)).await
    }
    .await;
    queued(call, result).await
}

/// Queues making a base anew.
#[server(prefix = "/api", endpoint = "bases/refresh")]
pub async fn refresh_base(
    #[server(default)] csrf: String,
    #[server(default)] base: String,
) -> Result<(), Refusal> {
    let call = Call::begin("bases/refresh");
    let result = async {
        let permit = call.permit::<ManageTemplates>(&csrf).await?;
        let id = base.parse().map_err(|problem| Failure::of_field(Field::Base, problem))?;
        call.backend.queue(permit.refresh_base(id)).await
    }
    .await;
    queued(call, result).await
}

/// Queues removing a base.
#[server(prefix = "/api", endpoint = "bases/remove")]
pub async fn remove_base(
    #[server(default)] csrf: String,
    #[server(default)] base: String,
) -> Result<(), Refusal> {
    let call = Call::begin("bases/remove");
    let result = async {
        let permit = call.permit::<ManageTemplates>(&csrf).await?;
        let id = base.parse().map_err(|problem| Failure::of_field(Field::Base, problem))?;
        call.backend.queue(permit.remove_base(id)).await
    }
    .await;
    queued(call, result).await
}
