//! The recycle bin: get a VServer back, remove one for good, remove all.

use domain::authz::{PurgeVServer, UndeleteVServer};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::OperationId;
use domain::identity::IdentityForm;
use leptos::prelude::*;

use super::identity::noting;
use super::{Answer, Call};
use crate::backend::Notice;
use crate::error::Refusal;

fn parsed(id: &str) -> Result<OperationId, Failure> {
    id.parse().map_err(|_| Failure::NotInBin { what: id.chars().take(64).collect() })
}

fn back_to(id: &str) -> String {
    parsed(id).map_or_else(|_| "/bin".to_owned(), |id| format!("/bin/{id}"))
}

/// Queues getting a deleted VServer back and goes on at its operation.
#[server(prefix = "/api", endpoint = "bin/restore")]
pub async fn restore_binned(
    #[server(default)] csrf: String,
    #[server(default)] id: String,
    #[server(default)] form: IdentityForm,
) -> Result<(), Refusal> {
    let call = noting(Call::begin("bin/restore"), &form);
    let result = async {
        let permit = call.permit::<UndeleteVServer>(&csrf).await?;
        let operation = call.backend.queue(permit.undelete(parsed(&id)?, form)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&back_to(&id), result).await
}

/// Queues removing a deleted VServer for good, once its name was typed.
#[server(prefix = "/api", endpoint = "bin/remove")]
pub async fn remove_binned(
    #[server(default)] csrf: String,
    #[server(default)] id: String,
    #[server(default)] confirmation: String,
) -> Result<(), Refusal> {
    let call = Call::begin("bin/remove").typed("confirmation", &confirmation);
    let result = async {
        let permit = call.permit::<PurgeVServer>(&csrf).await?;
        let entry = parsed(&id)?;
        let binned = call.backend.binned(call.permit(&csrf).await?, entry.clone()).await?;
        let name = binned.entry.identity.name;
        match confirmation.trim() {
            "" => return Err(Failure::of_field(Field::Confirmation, Problem::Missing)),
            typed if typed == name.as_str() => {}
            _ => return Err(Failure::of_field(Field::Confirmation, Problem::NotTheName { name })),
        }
        let operation = call.backend.queue(permit.purge(entry)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&back_to(&id), result).await
}

/// Queues removing all that is in the recycle bin and not protected, once that was ticked.
#[server(prefix = "/api", endpoint = "bin/empty")]
pub async fn empty_bin(
    #[server(default)] csrf: String,
    #[server(default)] sure: bool,
) -> Result<(), Refusal> {
    let call = Call::begin("bin/empty");
    let result = async {
        let _ = call.permit::<PurgeVServer>(&csrf).await?;
        if !sure {
            return Err(Failure::of_field(Field::Confirmation, Problem::Missing));
        }
        let bin = call.backend.bin(call.permit(&csrf).await?).await?;
        let (mut operations, mut failures) = (Vec::new(), Vec::new());
        for entry in bin.entries.into_iter().filter(|entry| !entry.is_protected) {
            let permit = call.permit::<PurgeVServer>(&csrf).await?;
            match call.backend.queue(permit.purge(entry.id)).await {
                Ok(operation) => {
                    operations.push((operation.id, operation.kind, operation.target));
                }
                Err(failure) => failures.push((entry.identity.name.to_string(), failure)),
            }
        }
        Ok(Answer::to("/bin").saying(Notice::Queued { operations, failures }))
    }
    .await;
    call.answer("/bin", result).await
}
