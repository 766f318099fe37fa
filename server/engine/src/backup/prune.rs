//! Which backups of a VServer a policy does not keep: the one place where it is applied, for a preview,
//! for whoever prunes by hand, and after a backup that was taken by schedule.

use domain::backup::{BackupId, PruneOrder};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::TargetName;
use domain::retention::{Judged, judge_target};

use super::schedule;
use super::view::list;
use crate::engine::Instance;

/// What is said of each backup, and at which target. What an order does not name is the schedule's.
///
/// # Errors
/// When neither says it, or the target cannot be looked at.
pub fn judged(
    instance: &Instance,
    order: &PruneOrder,
) -> Result<(TargetName, Vec<Judged>), Failure> {
    let in_force = match (&order.target, order.keep) {
        (Some(_), Some(_)) => None,
        _ => schedule::read(&instance.settings.roots, &order.vserver)?.map(|one| one.schedule),
    };
    let keep = order.keep.or(in_force.as_ref().map(|schedule| schedule.keep));
    let keep = keep.ok_or_else(|| Failure::of_field(Field::Retention, Problem::Missing))?;
    let target = match order.target.clone().or(in_force.map(|schedule| schedule.target)) {
        Some(target) => target,
        None => {
            let targets: Vec<_> = instance.settings.backup.targets.keys().cloned().collect();
            judge_target("", &targets)
                .map_err(|problem| Failure::of_field(Field::BackupTarget, problem))?
        }
    };
    let kept = list(instance, &target, Some(&order.vserver))?;
    let ids: Vec<BackupId> = kept.iter().map(|kept| kept.backup.id).collect();
    Ok((target, keep.preview(&ids)))
}

/// The removal of what is not kept.
///
/// # Errors
/// As [`judged`]; and when everything is kept.
pub(crate) fn prepare(instance: &Instance, order: &PruneOrder) -> Result<PlainChange, Failure> {
    let (target, judged) = judged(instance, order)?;
    let ids: Vec<BackupId> =
        judged.into_iter().filter(|one| !one.is_kept()).map(|one| one.id).collect();
    if ids.is_empty() {
        return Err(Failure::NothingToChange);
    }
    Ok(PlainChange::RemoveBackups { target, vserver: order.vserver.clone(), ids })
}
