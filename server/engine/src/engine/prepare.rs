//! From a change that is asked for to an operation that is written down: each is judged against the host as it
//! is now, under the lock for choosing numbers. Templates and bases are judged in [`super::stock`].

use domain::build::BuildForm;
use domain::change::{Change, PlainChange};
use domain::config_change::ConfigEdit;
use domain::config_entry::ConfigTree;
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::VServerName;
use domain::operation::{Actor, Kind};

use super::{ALLOCATION_PATIENCE, Asked, Engine, Job};
use crate::config::Origin;
use crate::lock::AllocationLock;
use crate::operation::{ConfigureTask, SavedAt, Task, crash_point};
use crate::roots::Roots;
use crate::state::GuestState;
use crate::{
    backup, build, config, configure, facts, lifecycle, mark, processes, protect, remount,
};

impl Engine {
    /// Judges a change and writes it down as an operation.
    pub(super) fn prepare(&self, change: Change, actor: Actor) -> Result<Job, Failure> {
        match change {
            Change::Plain(change) => self.prepare_plain(change, actor.into()),
            Change::Build(form) => self.prepare_build(&form, actor),
            Change::Identity { name, form } => self.prepare_identity(&name, &form, actor),
            Change::Undelete { entry, form } => self.prepare_undelete(entry, &form, actor),
            Change::Purge(entry) => self.prepare_purge(entry, actor),
            Change::Configure { tree, edits } => {
                self.prepare_configure(tree, actor, None, |_, _| Ok(edits))
            }
            Change::UndoConfig { tree, number } => {
                self.prepare_configure(tree, actor, Some(number), |roots, tree| {
                    configure::undoing(roots, tree, number)
                })
            }
            Change::Restore { backup, form } => {
                self.prepare_of_backups(backup::judge_restore(self, &backup, &form)?, actor)
            }
            Change::PruneBackups(order) => {
                let removal = backup::prune::prepare(&self.instance, &order)?;
                self.prepare_of_backups(removal.into(), actor)
            }
            Change::Batch(batch) => self.prepare_batch(batch, actor),
            Change::Rescue { name, rescue } => {
                self.prepare_of_vserver(&name.clone(), Task::Rescue { name, rescue }, actor)
            }
            Change::Import { order, paths } => {
                let saved = SavedAt::Paths(paths);
                self.prepare_of_backups(backup::judge_import(self, order, saved)?, actor)
            }
            Change::PackageTool { name, tool, arguments, asks } => {
                let task = Task::PackageTool { name: name.clone(), tool, arguments, asks };
                self.prepare_of_vserver(&name, task, actor)
            }
        }
    }

    pub(super) fn prepare_plain(&self, change: PlainChange, actor: Asked) -> Result<Job, Failure> {
        match &change {
            PlainChange::Start(name)
            | PlainChange::Stop(name)
            | PlainChange::Restart(name)
            | PlainChange::Delete { name, .. }
            | PlainChange::Protect { name, .. }
            | PlainChange::Packages { name, .. } => {
                self.prepare_of_vserver(&name.clone(), change.into(), actor)
            }
            PlainChange::RemoveTemplate(_)
            | PlainChange::RefreshBase(_)
            | PlainChange::RemoveBase(_) => self.prepare_of_stock(change, actor),
            PlainChange::Backup(_)
            | PlainChange::RestoreFile { .. }
            | PlainChange::VerifyBackup(_)
            | PlainChange::RemoveBackups { .. }
            | PlainChange::ScheduleBackups { .. } => {
                let change = backup::judge_plain(self, change)?;
                self.prepare_of_backups(change.into(), actor)
            }
            // It waits for nobody, and nobody has to wait for it.
            PlainChange::Signal(order) => {
                processes::judge(&self.instance.settings.roots, order)?;
                self.write_down(change.into(), actor)
            }
            PlainChange::Service(order) => {
                self.prepare_of_vserver(&order.vserver.clone(), change.into(), actor)
            }
            PlainChange::Mark { name, .. } => {
                let name = name.clone();
                self.judge_one(&change)?;
                self.prepare_of_vserver(&name, change.into(), actor)
            }
            PlainChange::Remount { name, target } => {
                let name = name.clone();
                self.judge_of_vserver(&name, change.kind())?;
                remount::judge(&self.instance.settings.roots, &name, target)?;
                self.prepare_of_vserver(&name, change.into(), actor)
            }
        }
    }

    /// Writes down what is done to a VServer that is there.
    fn prepare_of_vserver(
        &self,
        name: &VServerName,
        task: Task,
        actor: impl Into<Asked>,
    ) -> Result<Job, Failure> {
        let roots = &self.instance.settings.roots;
        self.recover_if_free(name);
        let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
        self.judge_of_vserver(name, task.kind())?;
        self.write_down(task, actor)
    }

    /// Whether this may be done to a VServer now.
    fn judge_of_vserver(&self, name: &VServerName, kind: Kind) -> Result<(), Failure> {
        self.judge_with(name, kind, || self.refuse_if_busy(name))
    }

    /// The same of one whose lock is held, where whoever else wants something of it comes after.
    pub(super) fn judge_held(&self, name: &VServerName, kind: Kind) -> Result<(), Failure> {
        self.judge_with(name, kind, || Ok(()))
    }

    fn judge_with(
        &self,
        name: &VServerName,
        kind: Kind,
        others: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let roots = &self.instance.settings.roots;
        let state = GuestState::read(roots, name).map_err(lifecycle::LifecycleError::from)?;
        if !roots.config_of(name).is_dir() && (state.is_none() || kind != Kind::Stop) {
            return Err(Failure::NoSuchVServer { name: name.clone() });
        }
        let is_running = state.as_ref().is_some_and(GuestState::is_running);
        others()?;
        match kind {
            Kind::Start if is_running => Err(Failure::AlreadyRunning { name: name.clone() }),
            Kind::Service if !is_running => Err(Failure::NotRunning { name: name.clone() }),
            Kind::Stop if state.is_none() => Err(Failure::NotRunning { name: name.clone() }),
            Kind::Delete if protect::is_protected(&roots.config_of(name)) => {
                Err(Failure::Protected { name: name.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Whether one of many could be begun now; writes nothing down.
    pub(super) fn judge_one(&self, change: &PlainChange) -> Result<(), Failure> {
        match change {
            PlainChange::Backup(order) => {
                backup::judge_plain(self, change.clone())?;
                self.refuse_if_busy(&order.vserver)
            }
            PlainChange::Mark { name, mark, on } => {
                self.judge_of_vserver(name, change.kind())?;
                mark::edit(&self.instance.settings.roots, name, mark, *on).map(drop)
            }
            _ => match change.of_many() {
                Some(name) => self.judge_of_vserver(name, change.kind()),
                None => Ok(()),
            },
        }
    }

    /// Writes down what is done to backups; nothing of it needs a VServer to be there but what was
    /// judged already.
    pub(super) fn prepare_of_backups(
        &self,
        task: Task,
        actor: impl Into<Asked>,
    ) -> Result<Job, Failure> {
        let roots = &self.instance.settings.roots;
        self.recover_if_free(task.target());
        let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
        self.refuse_if_busy(task.target())?;
        if let Task::Restore(spec) = &task {
            // Once more, under the lock: somebody else may have been given a number since.
            backup::judge_again(&self.host_facts()?, spec)?;
        }
        self.write_down(task, actor)
    }

    fn prepare_build(&self, form: &BuildForm, actor: Actor) -> Result<Job, Failure> {
        let settings = &self.instance.settings;
        if let Ok(name) = form.name.trim().parse::<VServerName>() {
            self.recover_if_free(name);
        }
        // Before the lock: another machine may take its time to answer.
        self.judge_remote(form)?;
        let _choosing = AllocationLock::take(&settings.roots, ALLOCATION_PATIENCE)?;
        let host = facts::host_facts(settings, &self.store.promised()?)?;
        let spec = form.judge(&host).map_err(|errors| Failure::Invalid { errors })?;
        let limit = settings.limits.vservers;
        if host.names.len() >= limit {
            let problem = Problem::OutOfRange { min: 0, max: limit as u64 };
            return Err(Failure::of_field(Field::Name, problem));
        }
        self.refuse_if_busy(&spec.name)?;
        build::judge_place(&settings.roots, &spec)?;
        let record = GuestState::read(&settings.roots, &spec.name);
        if spec.replaces && record.map_err(lifecycle::LifecycleError::from)?.is_some() {
            return Err(Failure::AlreadyRunning { name: spec.name });
        }
        let job = self.write_down(Task::Build(Box::new(spec)), actor)?;
        crash_point("build:reserved");
        Ok(job)
    }

    fn prepare_configure(
        &self,
        tree: ConfigTree,
        actor: Actor,
        undoes: Option<u32>,
        edits: impl FnOnce(&Roots, &ConfigTree) -> Result<Vec<ConfigEdit>, Failure>,
    ) -> Result<Job, Failure> {
        let roots = &self.instance.settings.roots;
        let target = tree.lock_name();
        self.recover_if_free(&target);
        config::ensure(roots, &tree)?;
        self.notice_edits(&tree)?;
        let edits = edits(roots, &tree)?;
        let origin = match (&actor, undoes) {
            (Actor::User { .. }, None) => Origin::Web,
            (Actor::User { .. }, Some(_)) => Origin::WebHistory,
            (_, None) => Origin::Host,
            (_, Some(_)) => Origin::HostHistory,
        };
        let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
        self.refuse_if_busy(&target)?;
        let promised = self.store.promised()?;
        config::judge(&self.instance.settings, &promised, &tree, &edits, origin)?;
        let task = ConfigureTask { tree, target, edits, undoes, origin };
        self.write_down(Task::Configure(Box::new(task)), actor)
    }
}
