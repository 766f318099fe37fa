//! What is done to services inside VServers.

use domain::authz::ManageServices;
use domain::failure::Failure;
use domain::field::Field;
use domain::id::VServerName;
use domain::service::ServiceOrder;
use leptos::prelude::*;

use super::{Answer, Call};
use crate::backend::Notice;
use crate::error::Refusal;

/// Queues what is done to a service.
#[server(prefix = "/api", endpoint = "services/order")]
pub async fn order_service(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] manager: String,
    #[server(default)] service: String,
    #[server(default)] action: String,
) -> Result<(), Refusal> {
    let call = Call::begin("services/order");
    let back = match name.parse::<VServerName>() {
        Ok(name) => format!("/vservers/{name}/services"),
        Err(_) => "/vservers".to_owned(),
    };
    let result = async {
        let permit = call.permit::<ManageServices>(&csrf).await?;
        let wrong = |field| move |problem| Failure::of_field(field, problem);
        let order = ServiceOrder {
            vserver: name.parse().map_err(wrong(Field::Name))?,
            manager: manager.parse().map_err(wrong(Field::Service))?,
            service: service.parse().map_err(wrong(Field::Service))?,
            action: action.parse().map_err(wrong(Field::Service))?,
        };
        let operation = call.backend.queue(permit.order(order)).await?;
        let queued = vec![(operation.id, operation.kind, operation.target)];
        let notice = Notice::Queued { operations: queued, failures: Vec::new() };
        Ok(Answer::to(back.clone()).saying(notice))
    }
    .await;
    call.answer(&back, result).await
}
