//! Open and end terminals. What is typed into one goes over its WebSocket, not through here.

use domain::authz::EnterVServer;
use domain::failure::Failure;
use domain::field::Field;
use domain::id::{TerminalId, VServerName};
use leptos::prelude::*;

use super::{Answer, Call};
use crate::backend::Notice;
use crate::error::Refusal;

/// Opens a terminal and goes on at its page.
#[server(prefix = "/api", endpoint = "terminals/open")]
pub async fn open_terminal(
    #[server(default)] csrf: String,
    #[server(default)] vserver: String,
) -> Result<(), Refusal> {
    let call = Call::begin("terminals/open");
    let target = vserver.parse::<VServerName>();
    let back = match &target {
        Ok(target) => format!("/vservers/{target}"),
        Err(_) => "/vservers".to_owned(),
    };
    let result = async {
        let permit = call.permit::<EnterVServer>(&csrf).await?;
        let target = target.map_err(|problem| Failure::of_field(Field::Name, problem))?;
        let terminal = call.backend.open_terminal(permit, target).await?;
        Ok(Answer::to(format!("/terminals/{}", terminal.id)))
    }
    .await;
    call.answer(&back, result).await
}

/// Ends a terminal's shell.
#[server(prefix = "/api", endpoint = "terminals/close")]
pub async fn close_terminal(
    #[server(default)] csrf: String,
    #[server(default)] id: String,
) -> Result<(), Refusal> {
    let call = Call::begin("terminals/close");
    let result = async {
        let permit = call.permit::<EnterVServer>(&csrf).await?;
        let target = id.parse::<TerminalId>().map_err(|_| Failure::NoSuchTerminal)?;
        call.backend.close_terminal(permit, target).await?;
        Ok(Answer::to("/terminals").saying(Notice::TerminalClosed))
    }
    .await;
    call.answer("/terminals", result).await
}
