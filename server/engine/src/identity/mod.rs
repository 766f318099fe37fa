//! Changing what a VServer is known by, as one operation that completes or undoes itself: its name and
//! everything that is called after it, its context number, host name and addresses.
//!
//! A VServer that runs is stopped for it and started again, when whoever asks says so. Where it does not
//! start under its new identity, it gets its old one back and is started under that.

mod interfaces;
pub(crate) mod plan;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::id::{HostName, VServerName};
use domain::identity::{
    IdentityChange, IdentityForm, IdentityPlan, PlannedChange, VServerIdentity,
};
use domain::note::Note;
use domain::operation::{Actor, Kind, Stage};

pub use self::plan::PlanError;
use self::plan::{Part, Parts, Plan};
use crate::base_links;
use crate::config;
use crate::configure;
use crate::engine::{ALLOCATION_PATIENCE, Engine, Instance, Job};
use crate::lifecycle::{self, LifecycleError};
use crate::lock::{AllocationLock, VServerLock};
use crate::operation::{Record, Step, Stopped, Task, Work, crash_point};
use crate::packages;
use crate::recovery::{self, RecoveryError};
use crate::roots::Roots;
use crate::state::GuestState;
use crate::volume::{self, VolumeError};

/// How long a VServer that names this one may be locked by somebody else.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// All parts of a VServer that is where it belongs.
pub(crate) fn parts_of(roots: &Roots, name: &VServerName) -> Parts {
    let root = config::root_directory_of(roots, name);
    let is_ours = |root: &PathBuf| {
        base_links::guest_bases(roots)
            .iter()
            .any(|base| root.strip_prefix(base).is_ok_and(|rest| rest.components().count() > 0))
    };
    let root_stays = !root.as_ref().is_some_and(is_ours);
    Parts {
        config: Part::at(roots.config_of(name)),
        root: root.map(Part::at),
        root_stays,
        others: others_of(roots, name).into_iter().map(Part::at).collect(),
    }
}

/// Log, cache, package state, what was last answered about packages and the history of the config tree, as far as
/// they are there.
pub(crate) fn others_of(roots: &Roots, name: &VServerName) -> Vec<PathBuf> {
    let packages = base_links::packages_of(roots, name);
    let log = roots.log_base.join(name.as_str());
    let cache = base_links::cache_of(roots, name);
    let history = config::history_of(roots, &ConfigTree::VServer(name.clone()));
    let answered = packages::answer_of(roots, name);
    [packages, log, cache, history, answered].into_iter().filter(|path| path.exists()).collect()
}

fn planned(roots: &Roots, change: &IdentityChange, id: &str) -> Result<Plan, PlanError> {
    let aside = roots.config_base.join(format!(".aside-{id}"));
    plan::plan(roots, change, &parts_of(roots, &change.before.name), &aside)
}

/// Refuses a plan that would have to unmount a volume that others are in.
fn refuse_in_use(roots: &Roots, plan: &Plan) -> Result<(), VolumeError> {
    for step in &plan.steps {
        if let Step::Unmount(mounted) = step {
            volume::refuse_in_use(mounted, &roots.host_fstab)?;
        }
    }
    Ok(())
}

/// Refuses a plan that would give a logical volume a name that it cannot have.
fn refuse_name(plan: &Plan) -> Result<(), VolumeError> {
    for step in &plan.steps {
        if let Step::RenameVolume { group, from, to } = step {
            volume::refuse_name(group, from, to)?;
        }
    }
    Ok(())
}

/// What a person sees of a plan.
pub(crate) fn shown(change: &IdentityChange, plan: &Plan, is_running: bool) -> IdentityPlan {
    let mut changes: Vec<PlannedChange> = plan.steps.iter().filter_map(plan::shown).collect();
    if is_running {
        changes.insert(0, PlannedChange::Stop(change.before.name.clone()));
        changes.push(PlannedChange::Start(change.after.name.clone()));
    }
    let command = domain::command::identity(&change.before.name, &change.form());
    IdentityPlan { command: command.line(), changes }
}

/// Changes what a VServer is known by.
///
/// # Errors
/// When it runs and may not be stopped, or something is in the way; what was done is in the journal.
pub fn change(
    instance: &Instance,
    work: &mut Work<'_>,
    change: &IdentityChange,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    let (old, new) = (&change.before.name, &change.after.name);
    if config::identity_of(&roots.config_of(old), old)? != change.before {
        return Err(Failure::ConfigTreeChanged { name: old.clone() }.into());
    }
    let state = GuestState::read(roots, old).map_err(LifecycleError::from)?;
    let was_running = state.as_ref().is_some_and(GuestState::is_running);
    if was_running && !change.restart {
        return Err(Failure::MustBeStopped { name: old.clone() }.into());
    }
    let mut held = Vec::new();
    for other in plan::dependents(roots, old)?.iter().filter(|_| change.is_rename()) {
        held.push(VServerLock::take(roots, other, Some(work.id()), LOCK_PATIENCE)?);
    }
    // What is in the way must not cost the VServer that runs.
    refuse_in_use(roots, &planned(roots, change, work.id().as_str())?)?;
    let tree_of = |name: &VServerName| ConfigTree::VServer(name.clone());
    let before = configure::before(roots, work, &tree_of(old));
    let named_it: Vec<_> = plan::dependents(roots, old)?
        .into_iter()
        .filter(|_| change.is_rename())
        .map(|other| (configure::before(roots, work, &tree_of(&other)), tree_of(&other)))
        .collect();
    if state.is_some() {
        lifecycle::stop(instance, work, old)?;
    }
    crash_point("identity:stopped");
    work.progress(Stage::ChangingIdentity, 400);
    let plan = planned(roots, change, work.id().as_str())?;
    take(roots, work, &plan)?;
    crash_point("identity:changed");
    if was_running {
        lifecycle::start(instance, work, new)?;
    }
    crash_point("identity:started");
    let mut finish = plan.finish;
    finish.extend(configure::attribute(roots, work, &tree_of(new), &before)?);
    for (before, tree) in &named_it {
        finish.extend(configure::attribute(roots, work, tree, before)?);
    }
    crash_point("identity:recorded");
    work.commit(finish)?;
    crash_point("identity:committed");
    recovery::finish(roots, work.journal()).map_err(RecoveryError::into_failure)?;
    Ok(())
}

/// Takes the steps of a plan, each written down before.
pub(crate) fn take(roots: &Roots, work: &mut Work<'_>, plan: &Plan) -> Result<(), Stopped> {
    for note in &plan.notes {
        work.note(note);
    }
    for (number, step) in plan.steps.iter().enumerate() {
        work.intend(step.clone())?;
        numbered_crash_point(work, "intended", number);
        recovery::take_step(roots, step).map_err(RecoveryError::into_failure)?;
        numbered_crash_point(work, "step", number);
    }
    Ok(())
}

/// The most steps of the renaming that the crash tests go through.
const CRASHED_STEPS: usize = 15;

fn numbered_crash_point(work: &Work<'_>, what: &str, number: usize) {
    if work.operation().kind == Kind::Rename && number < CRASHED_STEPS {
        crash_point(&format!("{what}:{number}"));
    }
}

/// Starts a VServer again that was stopped for a change of identity which was then undone.
pub(crate) fn start_again(instance: &Instance, work: &mut Work<'_>) {
    let is_identity = matches!(work.operation().kind, Kind::Rename | Kind::Set);
    let is_end = |record: &Record| matches!(record, Record::Step(Step::End { .. }));
    if !is_identity || !work.journal().records().iter().any(is_end) {
        return;
    }
    let Some(name) = work.operation().target.vserver().cloned() else { return };
    match lifecycle::start(instance, work, &name) {
        Ok(()) => work.note(&Note::StartedAgain { name }),
        Err(Stopped::Failed(failure)) => {
            work.note(&Note::NotStartedAgain { name, failure: Box::new(failure) });
        }
        Err(Stopped::Cancelled) => {}
    }
}

/// Who else has a host name, as what is wrong with it; none when nobody has.
pub(crate) fn host_name_conflict(
    roots: &Roots,
    wanted: &HostName,
    own: Option<&VServerName>,
) -> Option<Problem> {
    let names = config::list_names(roots).unwrap_or_default();
    let by = names.into_iter().filter(|other| Some(other) != own).find(|other| {
        let identity = config::identity_of(&roots.config_of(other), other);
        identity.is_ok_and(|identity| identity.host_name.as_ref() == Some(wanted))
    })?;
    Some(Problem::HostNameTaken { host_name: wanted.clone(), by })
}

impl Engine {
    /// What a VServer is known by.
    ///
    /// # Errors
    /// When there is none of this name, or its config tree makes no sense.
    pub fn identity(&self, name: &VServerName) -> Result<VServerIdentity, Failure> {
        let roots = &self.instance().settings.roots;
        Ok(config::identity_of(&roots.config_of(name), name)?)
    }

    /// Judges a change of identity against the host as it is now.
    pub(crate) fn judge_identity(
        &self,
        name: &VServerName,
        form: &IdentityForm,
    ) -> Result<IdentityChange, Failure> {
        let roots = &self.instance().settings.roots;
        let current = self.identity(name)?;
        let host = self.host_facts()?.without(name);
        let change = form.judge(&current, &host).map_err(|errors| Failure::Invalid { errors })?;
        // One that it shares already is no reason against another address.
        let is_new = change.after.host_name != change.before.host_name;
        let wanted = change.after.host_name.as_ref().filter(|_| is_new);
        match wanted.and_then(|wanted| host_name_conflict(roots, wanted, Some(name))) {
            Some(problem) => {
                let mut errors = FieldErrors::default();
                errors.push(Field::HostName, problem);
                Err(Failure::Invalid { errors })
            }
            None => Ok(change),
        }
    }

    /// What a change of identity would do.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn plan_identity(
        &self,
        name: &VServerName,
        form: &IdentityForm,
    ) -> Result<IdentityPlan, Failure> {
        let roots = &self.instance().settings.roots;
        let change = self.judge_identity(name, form)?;
        if change.is_nothing() {
            return Err(Failure::NothingToChange);
        }
        let running = GuestState::running(roots, name).map_err(LifecycleError::from)?;
        let plan = planned(roots, &change, "plan")?;
        refuse_name(&plan)?;
        Ok(shown(&change, &plan, running.is_some()))
    }

    /// Judges a change of identity and writes it down as an operation.
    pub(crate) fn prepare_identity(
        &self,
        name: &VServerName,
        form: &IdentityForm,
        actor: Actor,
    ) -> Result<Job, Failure> {
        let roots = &self.instance().settings.roots;
        self.recover_if_free(name);
        let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
        self.refuse_if_busy(name)?;
        let change = self.judge_identity(name, form)?;
        if change.is_nothing() {
            return Err(Failure::NothingToChange);
        }
        self.refuse_if_busy(&change.after.name)?;
        let running = GuestState::running(roots, name).map_err(LifecycleError::from)?;
        if running.is_some() && !change.restart {
            return Err(Failure::MustBeStopped { name: name.clone() });
        }
        let plan = planned(roots, &change, "plan")?;
        refuse_name(&plan)?;
        refuse_in_use(roots, &plan)?;
        self.write_down(Task::Identity(Box::new(change)), actor)
    }
}
