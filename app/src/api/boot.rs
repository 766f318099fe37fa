//! The mark of VServers that start with the host.

use domain::authz::ConfigureVServer;
use domain::boot::DEFAULT_MARK;
use domain::failure::Failure;
use domain::field::Field;
use domain::id::{Mark, VServerName};
use leptos::prelude::*;

use super::{Answer, Call};
use crate::backend::Notice;
use crate::error::Refusal;

/// Queues giving a VServer the mark `default` (`on` is `true`), or taking it away; its other marks stay.
#[server(prefix = "/api", endpoint = "vservers/mark")]
pub async fn mark_vserver(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] on: bool,
) -> Result<(), Refusal> {
    let call = Call::begin("vservers/mark");
    let target = name.parse::<VServerName>();
    let back = match &target {
        Ok(target) => format!("/vservers/{target}"),
        Err(_) => "/vservers".to_owned(),
    };
    let result = async {
        let permit = call.permit::<ConfigureVServer>(&csrf).await?;
        let target = target.map_err(|problem| Failure::of_field(Field::Name, problem))?;
        let mark = DEFAULT_MARK.parse::<Mark>();
        let mark = mark.map_err(|problem| Failure::of_field(Field::Mark, problem))?;
        let operation = call.backend.queue(permit.mark(target, mark, on)).await?;
        let operations = vec![(operation.id, operation.kind, operation.target)];
        Ok(Answer::to(&back).saying(Notice::Queued { operations, failures: Vec::new() }))
    }
    .await;
    call.answer(&back, result).await
}
