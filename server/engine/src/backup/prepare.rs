//! Judging what is asked for about backups, before it is an operation.

use domain::backup::{BackupOrder, BackupRef};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::host::HostFacts;
use domain::id::{TargetName, VServerName};
use domain::identity::VServerIdentity;
use domain::restore::{RestoreForm, RestoreSpec};

use super::depot;
use super::import;
use super::restore::judge;
use super::view::member;
use crate::config;
use crate::engine::Engine;
use crate::operation::{SavedAt, Task};

/// Judges a plain change that is about backups; others it lets pass.
///
/// # Errors
/// When it cannot be asked for.
pub(crate) fn judge_plain(engine: &Engine, change: PlainChange) -> Result<PlainChange, Failure> {
    let settings = &engine.instance().settings;
    let known = |target: &TargetName| depot(settings, target).map(drop);
    let exists = |name: &VServerName| match config::list_names(&settings.roots)?.contains(name) {
        true => Ok(()),
        false => Err(Failure::NoSuchVServer { name: name.clone() }),
    };
    match &change {
        PlainChange::Backup(order) => {
            exists(&order.vserver)?;
            known(&order.target)?;
        }
        PlainChange::RestoreFile { backup, into, path } => {
            exists(into)?;
            known(&backup.target)?;
            // Only its shape: whether it is there is seen when it is looked for.
            member(path)?;
        }
        PlainChange::VerifyBackup(backup) => known(&backup.target)?,
        PlainChange::RemoveBackups { target, .. } => known(target)?,
        PlainChange::ScheduleBackups { vserver, schedule } => {
            exists(vserver)?;
            schedule.as_ref().map_or(Ok(()), |schedule| known(&schedule.target))?;
        }
        _ => {}
    }
    Ok(change)
}

/// Judges a restore against the host as it is now.
///
/// # Errors
/// When there is no such backup, or what is wrong with the form.
pub(crate) fn judge_restore(
    engine: &Engine,
    backup: &BackupRef,
    form: &RestoreForm,
) -> Result<Task, Failure> {
    depot(&engine.instance().settings, &backup.target)?;
    Ok(Task::Restore(Box::new(judge(engine, backup, form)?)))
}

/// Judges making a backup of what somebody saved by hand.
///
/// # Errors
/// When there is no such target, or what is named is not there.
pub(crate) fn judge_import(
    engine: &Engine,
    order: BackupOrder,
    saved: SavedAt,
) -> Result<Task, Failure> {
    depot(&engine.instance().settings, &order.target)?;
    import::judge(&saved, &order.vserver)?;
    Ok(Task::Import { order, saved })
}

/// Judges what was judged once more, against the host as it is by now.
///
/// # Errors
/// What is another's meanwhile.
pub(crate) fn judge_again(host: &HostFacts, spec: &RestoreSpec) -> Result<(), Failure> {
    let claims = VServerIdentity {
        name: spec.name.clone(),
        context: Some(spec.context),
        host_name: spec.host_name.clone(),
        interfaces: spec.interfaces.clone(),
    };
    let judged = RestoreForm::default().judge(&claims, spec.backup.clone(), host);
    judged.map(drop).map_err(|errors| Failure::Invalid { errors })
}
