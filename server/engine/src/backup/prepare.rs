//! Judging what is asked for about backups, before it is an operation.

use domain::backup::BackupOrder;
use domain::failure::Failure;
use domain::host::HostFacts;
use domain::id::{TargetName, VServerName};
use domain::identity::VServerIdentity;
use domain::restore::{RestoreForm, RestoreSpec};

use super::depot;
use super::import;
use super::prune;
use super::restore::judge;
use super::view::member;
use crate::config;
use crate::engine::{Change, Engine};
use crate::operation::{SavedAt, Task};

/// Judges a change that is about backups.
///
/// # Errors
/// When it cannot be asked for.
pub(crate) fn prepare(engine: &Engine, change: Change) -> Result<Task, Failure> {
    let settings = &engine.instance().settings;
    let known = |target: &TargetName| depot(settings, target).map(drop);
    let exists = |name: &VServerName| match config::list_names(&settings.roots)?.contains(name) {
        true => Ok(()),
        false => Err(Failure::NoSuchVServer { name: name.clone() }),
    };
    Ok(match change {
        Change::Backup(order) => {
            exists(&order.vserver)?;
            known(&order.target)?;
            Task::Backup(order)
        }
        Change::Import { order, paths } => {
            known(&order.target)?;
            let saved = SavedAt::Paths(paths);
            import::judge(&saved, &order.vserver)?;
            Task::Import { order, saved }
        }
        Change::Restore { backup, form } => {
            known(&backup.target)?;
            Task::Restore(Box::new(judge(engine, &backup, &form)?))
        }
        Change::RestoreFile { backup, into, path } => {
            exists(&into)?;
            known(&backup.target)?;
            // Only its shape: whether it is there is seen when it is looked for.
            member(&path)?;
            let path = path.trim_matches('/').to_owned();
            Task::RestoreFile { backup, into, path }
        }
        Change::VerifyBackup(backup) => {
            known(&backup.target)?;
            Task::VerifyBackup(backup)
        }
        Change::RemoveBackups { target, vserver, ids } => {
            known(&target)?;
            Task::RemoveBackups { target, vserver, ids }
        }
        Change::PruneBackups(order) => prune::prepare(engine.instance(), &order)?,
        Change::ScheduleBackups { vserver, schedule } => {
            exists(&vserver)?;
            if let Some(schedule) = &schedule {
                known(&schedule.target)?;
            }
            Task::ScheduleBackups { vserver, schedule }
        }
        // What is about something else is never asked here.
        _ => return Err(Failure::Interrupted),
    })
}

/// Judges what is to come over an upload's socket.
///
/// # Errors
/// When there is no such target.
pub(crate) fn prepare_upload(engine: &Engine, order: BackupOrder) -> Result<Task, Failure> {
    depot(&engine.instance().settings, &order.target)?;
    Ok(Task::Import { order, saved: SavedAt::Upload })
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
