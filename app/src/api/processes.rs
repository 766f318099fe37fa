//! Signals to processes.

use domain::authz::SignalProcess;
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::VServerName;
use domain::process::{ProcessKey, Signal};
use leptos::prelude::*;

use super::{Answer, Call};
use crate::backend::Notice;
use crate::error::Refusal;

/// Sends one of the signals that the page offers to one process of a VServer.
#[server(prefix = "/api", endpoint = "processes/signal")]
pub async fn send_signal(
    #[server(default)] csrf: String,
    #[server(default)] vserver: String,
    #[server(default)] process: String,
    #[server(default)] signal: String,
) -> Result<(), Refusal> {
    let call = Call::begin("processes/signal");
    let name = vserver.parse::<VServerName>();
    let back = match &name {
        Ok(name) => format!("/vservers/{name}/processes"),
        Err(_) => "/processes".to_owned(),
    };
    let result = async {
        let permit = call.permit::<SignalProcess>(&csrf).await?;
        let of = |field| move |problem| Failure::of_field(field, problem);
        let name = name.map_err(of(Field::Name))?;
        let process: ProcessKey = process.parse().map_err(of(Field::Process))?;
        let chosen: Signal = signal.parse().map_err(of(Field::Signal))?;
        if !Signal::OFFERED.contains(&chosen) {
            return Err(of(Field::Signal)(Problem::UnknownSignal { text: signal }));
        }
        let operation = call.backend.queue(permit.signal(name, process, chosen)).await?;
        let operations = vec![(operation.id, operation.kind, operation.target)];
        let failures = Vec::new();
        Ok(Answer::to(&back).saying(Notice::Queued { operations, failures }))
    }
    .await;
    call.answer(&back, result).await
}
