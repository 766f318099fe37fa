//! The engine's one facade, for the engine process and for the command line alike: operations from being
//! asked for to their end. What can be asked without changing anything is in [`ask`]; how what is asked for
//! becomes an operation, in [`prepare`].

mod ask;
mod batch;
mod boot;
mod event;
mod prepare;
mod stock;
mod turn;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use domain::change::{Change, PlainChange};
use domain::failure::Failure;
use domain::id::OperationId;
use domain::note::Note;
use domain::operation::{Actor, Kind, Operation, Progress, Stage, Target};
use domain::time::UnixMillis;

use crate::clock::{Clock, IdSource, RandomIds, SystemClock};
use crate::lifecycle::Booting;
use crate::lock::VServerLock;
use crate::operation::{CancelToken, Journal, Observer, Silent, Stopped, Store, Task, Work};
use crate::recovery::{self, Recovery};
use crate::roots::Settings;
pub use turn::{InTurn, Turn};

use crate::{
    archive, backup, build, configure, delete, identity, inside, lifecycle, mark, packages,
    processes, protect, recycle, remount, template, unification,
};

/// How long an operation waits for a VServer that another process has locked.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
/// How long a queued one does, and the word of a supervisor: nobody looks on.
const LONG_LOCK_PATIENCE: Duration = Duration::from_secs(300);
/// How long the lock for choosing numbers may be held by others.
pub(crate) const ALLOCATION_PATIENCE: Duration = Duration::from_secs(10);
/// How many operations run at once, and how many of them may be builds.
const WORKERS: usize = 6;
const BUILDS: usize = 2;
/// How many of them may wait for somebody's upload.
const UPLOADS: usize = 2;

/// One instance of Ulysse: its settings, and what its processes are started with.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The settings.
    pub settings: Settings,
    /// The file they are from, as our processes are told; none means the default one.
    pub settings_file: Option<PathBuf>,
    /// Our own program.
    pub executable: PathBuf,
}

/// The engine.
pub struct Engine {
    instance: Instance,
    store: Store,
    clock: Box<dyn Clock>,
    ids: Box<dyn IdSource>,
    started_at: UnixMillis,
    cancels: Mutex<HashMap<OperationId, CancelToken>>,
    queue: Mutex<Queue>,
    wake: Condvar,
    listings: Arc<backup::Listings>,
    batches: batch::Batches,
    records: packages::Records,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    running_builds: usize,
    running_uploads: usize,
    workers: usize,
}

/// An operation that has been written down and waits to be done.
pub(crate) struct Job {
    operation: Operation,
    task: Task,
    journal: Journal,
    cancel: CancelToken,
    /// The archive that is kept as a template or imported; an operation that a crash ended has none any more.
    source: Option<archive::Source>,
    /// Where a start leaves what is needed to wait until the VServer has booted, if somebody wants to.
    booting: Option<Arc<OnceLock<Booting>>>,
}

/// Who asks for an operation, and of which batch it is a part.
pub(crate) struct Asked {
    actor: Actor,
    batch: Option<OperationId>,
}

impl From<Actor> for Asked {
    fn from(actor: Actor) -> Self {
        Self { actor, batch: None }
    }
}

/// An operation that is being done.
struct InHand<'a> {
    work: Work<'a>,
    task: Task,
    source: Option<archive::Source>,
    booting: Option<Arc<OnceLock<Booting>>>,
}

/// Whether an operation may run debootstrap.
fn is_build(kind: Kind) -> bool {
    matches!(kind, Kind::Build | Kind::RefreshBase)
}

impl Engine {
    /// An engine with the host's clock and randomness.
    #[must_use]
    pub fn new(instance: Instance) -> Arc<Self> {
        Self::with(instance, Box::new(SystemClock), Box::<RandomIds>::default())
    }

    /// An engine with another clock and other ids.
    #[must_use]
    pub fn with(instance: Instance, clock: Box<dyn Clock>, ids: Box<dyn IdSource>) -> Arc<Self> {
        Arc::new(Self {
            store: Store::new(&instance.settings.roots),
            instance,
            started_at: clock.now(),
            clock,
            ids,
            cancels: Mutex::default(),
            queue: Mutex::default(),
            wake: Condvar::new(),
            listings: Arc::default(),
            batches: batch::Batches::default(),
            records: packages::Records::default(),
        })
    }

    /// The instance.
    #[must_use]
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// Its operations on disk.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// When it was made.
    #[must_use]
    pub fn started_at(&self) -> UnixMillis {
        self.started_at
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// What is kept at the targets of backups.
    pub(crate) fn listings(&self) -> &Arc<backup::Listings> {
        &self.listings
    }

    /// What was read of VServers' packages.
    pub(crate) fn records(&self) -> &packages::Records {
        &self.records
    }

    /// Queues a change; workers of this process do it.
    ///
    /// # Errors
    /// When it cannot be asked for now: wrong input, busy, queue full.
    pub fn submit(
        self: &Arc<Self>,
        change: impl Into<Change>,
        actor: Actor,
    ) -> Result<Operation, Failure> {
        self.refuse_if_full()?;
        let change = change.into();
        if let Change::Batch(batch) = change {
            let under_way = self.one_more_batch()?;
            return Ok(self.begin_batch(self.prepare_batch(batch, actor)?, under_way));
        }
        let job = self.prepare(change, actor)?;
        Ok(self.enqueue(job))
    }

    fn refuse_if_full(&self) -> Result<(), Failure> {
        let limit = self.instance.settings.limits.queued_operations;
        match lock(&self.queue).waiting.len() >= limit {
            true => Err(Failure::QueueFull { limit }),
            false => Ok(()),
        }
    }

    fn enqueue(self: &Arc<Self>, job: Job) -> Operation {
        let operation = job.operation.clone();
        lock(&self.cancels).insert(operation.id.clone(), job.cancel.clone());
        let mut queue = lock(&self.queue);
        queue.waiting.push_back(job);
        if queue.workers < WORKERS {
            let engine = Arc::clone(self);
            let worker = thread::Builder::new().name("operation".to_owned());
            match worker.spawn(move || engine.work_for_ever()) {
                Ok(_) => queue.workers += 1,
                Err(error) => tracing::error!(%error, "no thread for operations"),
            }
        }
        drop(queue);
        self.wake.notify_one();
        operation
    }

    /// Does a change here and now, and tells `observer` how it goes.
    ///
    /// # Errors
    /// When it cannot be asked for. How it went is in the operation's progress.
    pub fn run_in_process(
        &self,
        change: impl Into<Change>,
        actor: Actor,
        observer: &dyn Observer,
    ) -> Result<Operation, Failure> {
        let job = self.prepare(change.into(), actor)?;
        let id = job.operation.id.clone();
        // Whoever is told that it is being cancelled counts on it: no look at a file is waited for.
        lock(&self.cancels).insert(id.clone(), job.cancel.clone());
        observer.moved(&job.operation);
        let operation = self.execute(job, observer, LOCK_PATIENCE);
        lock(&self.cancels).remove(&id);
        Ok(operation)
    }

    /// Puts right what crashes left behind; gives the operations it was.
    pub fn recover(&self) -> Vec<Operation> {
        build::bases::discard_unused_locks(&self.instance.settings.roots);
        let recovered = self.recovery(&Silent).all();
        unification::show_all(&self.instance.settings.roots, &self.store);
        recovered
    }

    fn recovery<'a>(&'a self, observer: &'a dyn Observer) -> Recovery<'a> {
        Recovery {
            instance: &self.instance,
            store: &self.store,
            clock: self.clock.as_ref(),
            observer,
        }
    }

    /// Asks whoever does an operation to stop and undo it. One that cannot be cancelled any more goes
    /// on.
    ///
    /// # Errors
    /// When there is no operation of this id.
    pub fn cancel(&self, id: &OperationId) -> Result<(), Failure> {
        if self.store.read(id)?.progress.is_final() {
            return Ok(());
        }
        self.store.ask_to_cancel(id)?;
        if let Some(token) = lock(&self.cancels).get(id) {
            token.cancel();
        }
        Ok(())
    }

    /// Recovers what crashed about a VServer or something else, unless somebody is busy with it.
    pub(crate) fn recover_if_free(&self, target: impl Into<Target>) {
        let roots = &self.instance.settings.roots;
        let target = target.into();
        let is_unfinished = self
            .store
            .live()
            .is_ok_and(|live| live.iter().any(|live| live.operation.is_about(&target)));
        if is_unfinished && let Ok(_held) = VServerLock::try_take(roots, &target, None) {
            self.recovery(&Silent).of(&target);
        }
    }

    pub(crate) fn refuse_if_busy(&self, target: impl Into<Target>) -> Result<(), Failure> {
        let name = target.into();
        match self.store.live_of(&name)? {
            Some(operation) => Err(Failure::Busy { name, operation: Some(operation.id) }),
            None => Ok(()),
        }
    }

    pub(crate) fn write_down(&self, task: Task, asked: impl Into<Asked>) -> Result<Job, Failure> {
        self.write_down_as(self.ids.operation_id(), task, asked.into())
    }

    fn write_down_as(&self, id: OperationId, task: Task, asked: Asked) -> Result<Job, Failure> {
        let Asked { actor, batch } = asked;
        let operation = Operation {
            id,
            kind: task.kind(),
            target: task.target(),
            renamed_to: task.renamed_to().cloned(),
            actor,
            command: task.command(),
            progress: Progress::Queued,
            cancellable: true,
            created_at: self.clock.now(),
            started_at: None,
            finished_at: None,
            batch,
        };
        let journal = self.store.create(&operation, &task)?;
        Ok(Job {
            operation,
            task,
            journal,
            cancel: CancelToken::default(),
            source: None,
            booting: None,
        })
    }

    fn work_for_ever(self: Arc<Self>) {
        loop {
            let mut queue = lock(&self.queue);
            let job = loop {
                let may_build = queue.running_builds < BUILDS;
                let may_upload = queue.running_uploads < UPLOADS;
                let next = queue.waiting.iter().position(|job| match job.source {
                    Some(_) => may_upload,
                    None => may_build || !is_build(job.operation.kind),
                });
                match next.and_then(|index| queue.waiting.remove(index)) {
                    Some(job) => break job,
                    None => queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner),
                }
            };
            let is_build = is_build(job.operation.kind);
            let is_upload = job.source.is_some();
            queue.running_builds += usize::from(is_build);
            queue.running_uploads += usize::from(is_upload);
            drop(queue);
            let id = job.operation.id.clone();
            self.execute(job, &Silent, LONG_LOCK_PATIENCE);
            lock(&self.cancels).remove(&id);
            let mut queue = lock(&self.queue);
            queue.running_builds -= usize::from(is_build);
            queue.running_uploads -= usize::from(is_upload);
            drop(queue);
            self.wake.notify_one();
        }
    }

    /// Does an operation to its end.
    fn execute(&self, job: Job, observer: &dyn Observer, patience: Duration) -> Operation {
        if matches!(job.task, Task::Batch(_)) {
            return self.execute_batch(job, observer);
        }
        let roots = &self.instance.settings.roots;
        let id = job.operation.id.clone();
        if let (true, Task::Plain(change)) = (job.operation.kind.is_beside_others(), &job.task) {
            let change = change.clone();
            let mut work = self.work(job, observer).work;
            work.begin(false);
            let result = self.do_plain(&mut work, &change);
            return self.conclude(work, result);
        }
        match VServerLock::take(roots, job.task.target(), Some(&id), patience) {
            Ok(held) => self.execute_locked(job, observer, held),
            Err(error) => {
                self.work(job, observer).work.end(Progress::Failed { failure: error.into() })
            }
        }
    }

    fn work<'a>(&'a self, job: Job, observer: &'a dyn Observer) -> InHand<'a> {
        let Job { operation, task, journal, cancel, source, booting } = job;
        let clock = self.clock.as_ref();
        let work = Work::new(&self.store, clock, observer, cancel, operation, journal);
        InHand { work, task, source, booting }
    }

    fn execute_locked(
        &self,
        job: Job,
        observer: &dyn Observer,
        mut held: VServerLock,
    ) -> Operation {
        let instance = &self.instance;
        held.note_holder(Some(&job.operation.id));
        let InHand { mut work, task, source, booting } = self.work(job, observer);
        self.recovery(observer).of(held.name());
        unification::show_those_of(&instance.settings.roots, work.operation());
        if work.is_cancelled() {
            return work.end(Progress::Cancelled);
        }
        work.begin(task.kind().is_cancellable());
        // The new name is this operation's from here on, too.
        let also = task.renamed_to().map(|name| {
            VServerLock::take(&instance.settings.roots, name, Some(work.id()), LOCK_PATIENCE)
        });
        let _also = match also.transpose() {
            Ok(also) => also,
            Err(error) => return work.end(Progress::Failed { failure: error.into() }),
        };
        let result = match &task {
            Task::Plain(PlainChange::Start(name)) => match &booting {
                Some(booting) => lifecycle::start_booting(instance, &mut work, name, booting),
                None => lifecycle::start(instance, &mut work, name),
            },
            Task::Plain(change) => self.do_plain(&mut work, change),
            Task::Build(spec) => build::build(instance, &mut work, spec),
            Task::Rescue { name, rescue } => lifecycle::rescue(instance, &mut work, name, rescue),
            Task::Identity(change) => identity::change(instance, &mut work, change),
            Task::Undelete { entry, change } => {
                recycle::undelete(instance, &mut work, entry, change)
            }
            Task::Purge { entry, .. } => recycle::purge(instance, &mut work, entry),
            Task::Configure(task) => self
                .store
                .promised()
                .map_err(Stopped::from)
                .and_then(|promised| configure::configure(instance, &mut work, &promised, task)),
            Task::AddTemplate(new) => match source {
                Some(source) => template::add(instance, &mut work, new, source),
                None => Err(Failure::Interrupted.into()),
            },
            Task::Import { order, saved } => {
                backup::import(instance, &self.store, &mut work, order, saved, source)
            }
            Task::Restore(spec) => backup::restore(instance, &mut work, spec),
            // It holds no lock: its operations do, each its own.
            Task::Batch(_) => Err(Failure::Interrupted.into()),
            Task::PackageTool { name, tool, arguments, asks } => {
                packages::tool(instance, &mut work, name, *tool, arguments, *asks)
            }
        };
        unification::tidy_up(&instance.settings.roots, &self.store, self.conclude(work, result))
        // The lock ends here, after the last word about the operation.
    }

    fn do_plain(&self, work: &mut Work<'_>, change: &PlainChange) -> Result<(), Stopped> {
        let instance = &self.instance;
        match change {
            PlainChange::Start(name) => lifecycle::start(instance, work, name),
            PlainChange::Stop(name) => lifecycle::stop(instance, work, name),
            PlainChange::Restart(name) => lifecycle::restart(instance, work, name),
            PlainChange::Delete { name, at_once } => delete::delete(instance, work, name, *at_once),
            PlainChange::Protect { name, on } => protect::protect(instance, work, name, *on),
            PlainChange::RemoveTemplate(name) => template::remove(instance, work, name),
            PlainChange::RefreshBase(id) => build::bases::refresh(instance, work, id),
            PlainChange::RemoveBase(id) => build::bases::remove(instance, work, id),
            PlainChange::Backup(order) => backup::take(instance, &self.store, work, order),
            PlainChange::RestoreFile { backup, into, path } => {
                backup::restore_file(instance, work, backup, into, path)
            }
            PlainChange::VerifyBackup(backup) => backup::verify(instance, work, backup),
            PlainChange::RemoveBackups { target, vserver, ids } => {
                backup::remove(instance, work, target, vserver, ids)
            }
            PlainChange::ScheduleBackups { vserver, schedule } => {
                backup::schedule::change(instance, work, vserver, schedule.as_ref())
            }
            PlainChange::Signal(order) => processes::signal(instance, work, order),
            PlainChange::Packages { name, change } => {
                packages::change(instance, work, name, change)
            }
            PlainChange::Service(order) => inside::order(instance, work, order),
            PlainChange::Mark { name, mark, on } => {
                mark::mark(instance, &self.store, work, name, (mark, *on))
            }
            PlainChange::Remount { name, target } => remount::remount(instance, work, name, target),
        }
    }

    fn conclude(&self, mut work: Work<'_>, result: Result<(), Stopped>) -> Operation {
        let progress = match result {
            Ok(()) => return work.end(Progress::Succeeded),
            Err(Stopped::Cancelled) => Progress::Cancelled,
            Err(Stopped::Failed(failure)) => {
                work.note(&Note::Failed { failure: Box::new(failure.clone()) });
                Progress::Failed { failure }
            }
        };
        if work.journal().is_committed() {
            let failure = match progress {
                Progress::Failed { failure } => failure,
                _ => Failure::Cancelled,
            };
            return work.abandon(failure);
        }
        if work.journal().records().is_empty() {
            return work.end(progress);
        }
        work.progress(Stage::Undoing, 950);
        match recovery::undo(&self.instance.settings.roots, work.journal()) {
            Ok(()) => {
                identity::start_again(&self.instance, &mut work);
                work.end(progress)
            }
            Err(error) => {
                let failure = error.into_failure();
                work.note(&Note::Failed { failure: Box::new(failure.clone()) });
                work.abandon(failure)
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
