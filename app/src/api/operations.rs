//! Cancel an operation.

use domain::authz;
use domain::failure::Failure;
use domain::field::Field;
use domain::id::OperationId;
use leptos::prelude::*;

use super::{Answer, Call};
use crate::backend::Notice;
use crate::error::Refusal;

/// Asks an operation to stop and undo itself.
#[server(prefix = "/api", endpoint = "operations/cancel")]
pub async fn cancel_operation(
    #[server(default)] csrf: String,
    #[server(default)] id: String,
) -> Result<(), Refusal> {
    let call = Call::begin("operations/cancel");
    let target = id.parse::<OperationId>();
    let back = match &target {
        Ok(target) => format!("/operations/{target}"),
        Err(_) => "/operations".to_owned(),
    };
    let result = async {
        let permit = call.permit::<authz::CancelOperation>(&csrf).await?;
        let target = target.map_err(|problem| Failure::of_field(Field::Name, problem))?;
        call.backend.cancel(permit, target).await?;
        Ok(Answer::to(back.clone()).saying(Notice::CancelAsked))
    }
    .await;
    call.answer(&back, result).await
}
