//! The mark of VServers that start with the host.

use domain::authz::ConfigureVServer;
use domain::boot::{DEFAULT_MARK, MARK_FILE, with_mark};
use domain::config_change::{ConfigEdit, FileState, NotEditable};
use domain::config_entry::{ConfigPath, ConfigTree};
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
        let mark: Mark =
            DEFAULT_MARK.parse().map_err(|problem| Failure::of_field(Field::Mark, problem))?;
        let path: ConfigPath =
            MARK_FILE.parse().map_err(|problem| Failure::of_field(Field::ConfigPath, problem))?;
        let tree = ConfigTree::VServer(target.clone());
        let seen = call.permit(&csrf).await?;
        let view = call.backend.config_file(seen, tree, path.clone()).await?;
        let refused = |reason| Failure::ConfigNotEditable { path: path.clone(), reason };
        let (text, seen) = match view.state {
            FileState::Absent => (String::new(), None),
            FileState::Text { text, digest } => (text, Some(digest)),
            FileState::NotText { .. } => return Err(refused(NotEditable::NotText)),
            FileState::Link { .. } => return Err(refused(NotEditable::ByHand)),
            FileState::Other => return Err(refused(NotEditable::NotAFile)),
        };
        let edit = ConfigEdit { text: with_mark(&text, &mark, on), path: path.clone(), seen };
        let operation = call.backend.queue(permit.configure(target, vec![edit])).await?;
        let operations = vec![(operation.id, operation.kind, operation.target)];
        Ok(Answer::to(&back).saying(Notice::Queued { operations, failures: Vec::new() }))
    }
    .await;
    call.answer(&back, result).await
}
