//! Take, verify, remove, schedule and restore backups.

use std::str::FromStr;

use domain::authz::{BackUpVServer, RestoreBackup, ViewVServers};
use domain::backup::{BackupOrder, BackupOverview, BackupScope, PruneOrder};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::VServerName;
use domain::restore::RestoreForm;
use domain::retention::{ScheduleForm, judge_target};
use leptos::prelude::*;

use super::{Answer, Call};
use crate::backend::Notice;
use crate::error::Refusal;
use crate::pages::backups::show::referred;

fn named(text: &str) -> Result<VServerName, Failure> {
    text.parse().map_err(|problem| Failure::of_field(Field::Name, problem))
}

/// The page of a VServer's backups, or the list when the name is none.
fn page_of(name: &str) -> String {
    match name.parse::<VServerName>() {
        Ok(name) => format!("/vservers/{name}/backups"),
        Err(_) => "/backups".to_owned(),
    }
}

/// The page of a backup, or the list when there is no such name.
fn page_of_backup(text: &str) -> String {
    referred(text).map_or_else(|_| "/backups".to_owned(), |backup| format!("/backups/{backup}"))
}

/// All backups there are, and the targets.
async fn known(call: &Call, csrf: &str) -> Result<BackupOverview, Failure> {
    let permit = call.permit::<ViewVServers>(csrf).await?;
    call.backend.backups(permit, BackupScope::All).await
}

/// Queues a backup.
#[server(prefix = "/api", endpoint = "backups/take")]
pub async fn take_backup(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] target: String,
    #[server(default)] pause: bool,
) -> Result<(), Refusal> {
    let pause_text = if pause { "true" } else { "" };
    let call = Call::begin("backups/take").typed("target", &target).typed("pause", pause_text);
    let result = async {
        let permit = call.permit::<BackUpVServer>(&csrf).await?;
        let vserver = named(&name)?;
        let overview = known(&call, &csrf).await?;
        let target = judge_target(&target, &overview.targets)
            .map_err(|problem| Failure::of_field(Field::BackupTarget, problem))?;
        let order = BackupOrder { vserver, target, pause };
        let operation = call.backend.queue(permit.back_up(order)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&page_of(&name), result).await
}

/// Queues the reading of a backup.
#[server(prefix = "/api", endpoint = "backups/verify")]
pub async fn verify_backup(
    #[server(default)] csrf: String,
    #[server(default)] backup: String,
) -> Result<(), Refusal> {
    let call = Call::begin("backups/verify");
    let result = async {
        let permit = call.permit::<BackUpVServer>(&csrf).await?;
        let operation = call.backend.queue(permit.verify(referred(&backup)?)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&page_of_backup(&backup), result).await
}

/// Queues the removal of a backup.
#[server(prefix = "/api", endpoint = "backups/remove")]
pub async fn remove_backup(
    #[server(default)] csrf: String,
    #[server(default)] backup: String,
) -> Result<(), Refusal> {
    let call = Call::begin("backups/remove");
    let result = async {
        let permit = call.permit::<BackUpVServer>(&csrf).await?;
        let operation = call.backend.queue(permit.remove(referred(&backup)?)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&page_of_backup(&backup), result).await
}

/// Queues the removal of what a policy does not keep at a target; that of the schedule when none is said.
#[server(prefix = "/api", endpoint = "backups/prune")]
pub async fn prune_backups(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] target: String,
    #[server(default)] keep: String,
) -> Result<(), Refusal> {
    let call = Call::begin("backups/prune");
    let result = async {
        let permit = call.permit::<BackUpVServer>(&csrf).await?;
        let order = PruneOrder {
            vserver: named(&name)?,
            target: said(&target, Field::BackupTarget)?,
            keep: said(&keep, Field::Retention)?,
        };
        let operation = call.backend.queue(permit.prune(order)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&page_of(&name), result).await
}

/// What a field says, if it says anything.
fn said<T: FromStr<Err = Problem>>(text: &str, field: Field) -> Result<Option<T>, Failure> {
    let text = Some(text.trim()).filter(|text| !text.is_empty());
    text.map(str::parse).transpose().map_err(|problem| Failure::of_field(field, problem))
}

/// Queues a change of the schedule; an empty time ends it.
#[server(prefix = "/api", endpoint = "backups/schedule")]
pub async fn schedule_backups(
    #[server(default)] csrf: String,
    #[server(default)] name: String,
    #[server(default)] target: String,
    #[server(default)] when: String,
    #[server(default)] keep: String,
) -> Result<(), Refusal> {
    let call = Call::begin("backups/schedule")
        .typed("target", &target)
        .typed("when", &when)
        .typed("keep", &keep);
    let result = async {
        let permit = call.permit::<BackUpVServer>(&csrf).await?;
        let vserver = named(&name)?;
        let overview = known(&call, &csrf).await?;
        let form = ScheduleForm { target, when, keep };
        let schedule =
            form.judge(&overview.targets).map_err(|errors| Failure::Invalid { errors })?;
        let operation = call.backend.queue(permit.schedule(vserver, schedule)).await?;
        let operations = vec![(operation.id, operation.kind, operation.target)];
        let notice = Notice::Queued { operations, failures: Vec::new() };
        Ok(Answer::to(page_of(&name)).saying(notice))
    }
    .await;
    call.answer(&page_of(&name), result).await
}

/// Queues a restore.
#[server(prefix = "/api", endpoint = "backups/restore")]
pub async fn make_vserver_of_backup(
    #[server(default)] csrf: String,
    #[server(default)] backup: String,
    #[server(default)] name: String,
    #[server(default)] context: String,
    #[server(default)] host_name: String,
    #[server(default)] interfaces: String,
    #[server(default)] keep_host_keys: bool,
) -> Result<(), Refusal> {
    let call = Call::begin("backups/restore")
        .typed("name", &name)
        .typed("context", &context)
        .typed("host_name", &host_name)
        .typed("interfaces", &interfaces)
        .typed("keep_host_keys", if keep_host_keys { "true" } else { "" });
    let result = async {
        let permit = call.permit::<RestoreBackup>(&csrf).await?;
        let form = RestoreForm { name, context, host_name, interfaces, keep_host_keys };
        let operation = call.backend.queue(permit.restore(referred(&backup)?, form)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&page_of_backup(&backup), result).await
}

/// Queues the restore of one file into the VServer it is from.
#[server(prefix = "/api", endpoint = "backups/restore-file")]
pub async fn restore_file(
    #[server(default)] csrf: String,
    #[server(default)] backup: String,
    #[server(default)] path: String,
) -> Result<(), Refusal> {
    let call = Call::begin("backups/restore-file");
    let result = async {
        let permit = call.permit::<RestoreBackup>(&csrf).await?;
        let backup = referred(&backup)?;
        let into = backup.vserver.clone();
        let operation = call.backend.queue(permit.restore_file(backup, into, path)).await?;
        Ok(Answer::to(format!("/operations/{}", operation.id)))
    }
    .await;
    call.answer(&page_of_backup(&backup), result).await
}
