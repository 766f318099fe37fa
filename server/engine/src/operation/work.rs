//! What an operation has in hand while it is being done: its journal, its log, its progress, and the
//! word to stop.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::failure::Failure;
use domain::id::OperationId;
use domain::note::Note;
use domain::operation::{Operation, Progress, Stage};
use domain::trace::TraceStep;

use super::journal::{Finish, Journal, JournalError, Step};
use super::store::Store;
use crate::clock::Clock;

/// The most bytes of a log; what comes later is not kept.
const MAX_LOG_BYTES: u64 = 4 * 1024 * 1024;
/// How often progress within one stage is written down, at most.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// How often the file that asks to cancel is looked for, at most.
const CANCEL_EVERY: Duration = Duration::from_millis(100);

/// Who wants to know how operations go.
pub trait Observer: Send + Sync {
    /// An operation is new or has moved.
    fn moved(&self, operation: &Operation);
    /// Its log has grown to this many bytes, by this text.
    fn logged(&self, id: &OperationId, bytes: u64, text: &str);
}

/// Nobody wants to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn moved(&self, _operation: &Operation) {}
    fn logged(&self, _id: &OperationId, _bytes: u64, _text: &str) {}
}

/// The word to stop.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Says it.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why an operation did not go on.
#[derive(Debug)]
pub enum Stopped {
    /// Somebody cancelled it.
    Cancelled,
    /// It failed.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stopped {
    fn from(error: E) -> Self {
        match error.into() {
            Failure::Cancelled => Self::Cancelled,
            failure => Self::Failed(failure),
        }
    }
}

/// An operation in hand.
pub struct Work<'a> {
    store: &'a Store,
    clock: &'a dyn Clock,
    observer: &'a dyn Observer,
    cancel: CancelToken,
    operation: Operation,
    journal: Journal,
    is_kept: bool,
    log: Option<File>,
    /// Lines that are still to be written.
    traced: String,
    log_path: PathBuf,
    log_bytes: u64,
    last_progress: Option<(Stage, u16, Instant)>,
    /// From where to where in the whole operation goes what is being done, in permille.
    part: (u16, u16),
    last_look: Option<Instant>,
}

impl<'a> Work<'a> {
    /// Takes an operation in hand.
    #[must_use]
    pub fn new(
        store: &'a Store,
        clock: &'a dyn Clock,
        observer: &'a dyn Observer,
        cancel: CancelToken,
        operation: Operation,
        journal: Journal,
    ) -> Self {
        let log_path = store.log_of(&operation.id);
        Self {
            store,
            clock,
            observer,
            cancel,
            operation,
            journal,
            is_kept: false,
            log: None,
            traced: String::new(),
            log_bytes: std::fs::metadata(&log_path).map_or(0, |found| found.len()),
            log_path,
            last_progress: None,
            part: (0, 1000),
            last_look: None,
        }
    }

    /// The operation as it is now.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &OperationId {
        &self.operation.id
    }

    /// The time.
    #[must_use]
    pub fn clock(&self) -> &'a dyn Clock {
        self.clock
    }

    /// Its journal.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Begins: from here on it runs.
    pub fn begin(&mut self, cancellable: bool) {
        self.operation.started_at = Some(self.clock.now());
        self.operation.cancellable = cancellable;
        self.progress(Stage::Preparing, 0);
    }

    /// Goes over to a part of the operation that is one by itself elsewhere: from here on its progress is told as
    /// that from one permille of the whole to another.
    pub fn begin_part(&mut self, from: u16, to: u16) {
        self.part = (from, to.max(from));
    }

    /// Says how far the operation, or the part of it that was begun, is. Written down at most ten times a second
    /// within a stage.
    pub fn progress(&mut self, stage: Stage, permille: u16) {
        let (from, to) = self.part;
        let share = u32::from(permille.min(1000)) * u32::from(to - from) / 1000;
        let permille = from + u16::try_from(share).unwrap_or(0);
        let now = Instant::now();
        let is_worth_it = self.last_progress.is_none_or(|(last, shown, at)| {
            last != stage
                || shown != permille && now.saturating_duration_since(at) >= PROGRESS_EVERY
        });
        self.operation.progress = Progress::Running { stage, permille };
        if is_worth_it {
            self.last_progress = Some((stage, permille, now));
            self.tell();
        }
    }

    fn tell(&mut self) {
        self.flush_trace();
        // What cannot be written now is written with the next word; the journal is what counts.
        let written = if self.is_kept || self.operation.progress.is_final() {
            self.store.write(&self.operation)
        } else {
            // What no power cut survives is made anew from what it is to do.
            self.store.write_in_passing(&self.operation)
        };
        if let Err(error) = written {
            tracing::warn!(id = %self.operation.id, %error, "an operation's progress is not kept");
        }
        self.observer.moved(&self.operation);
    }

    /// Adds a line of somebody else's to the log: a program's output, a path. Control characters are
    /// taken out, and what goes beyond the log's size.
    pub fn log(&mut self, line: &str) {
        let line = line.chars().filter(|c| *c == '\t' || !c.is_control()).take(4000).collect();
        self.add(line);
    }

    /// Says something in the log, in the words of whoever reads it.
    pub fn note(&mut self, note: &Note) {
        self.add(note.line());
    }

    /// Says that a step of a start or stop was taken. It is written down with the next word, or by
    /// [`Work::flush_trace`]: a start does not wait for a line for each of its steps.
    pub fn trace(&mut self, step: TraceStep) {
        let (step, named) = step.named();
        self.traced.push_str(&Note::Traced { step, named }.line());
        self.traced.push('\n');
    }

    /// Writes down the steps that were said.
    pub fn flush_trace(&mut self) {
        let text = std::mem::take(&mut self.traced);
        if !text.is_empty() {
            self.write_log(text);
        }
    }

    fn add(&mut self, mut text: String) {
        self.flush_trace();
        text.push('\n');
        self.write_log(text);
    }

    /// Adds whole lines to the log.
    fn write_log(&mut self, mut text: String) {
        if self.log_bytes >= MAX_LOG_BYTES {
            return;
        }
        if self.log_bytes + text.len() as u64 >= MAX_LOG_BYTES {
            text = format!("{}\n", Note::LogTooLong.line());
            self.log_bytes = MAX_LOG_BYTES;
        }
        if self.log.is_none() {
            self.log =
                OpenOptions::new().append(true).create(true).mode(0o600).open(&self.log_path).ok();
        }
        if let Some(log) = &mut self.log
            && log.write_all(text.as_bytes()).is_ok()
        {
            self.log_bytes += text.len() as u64;
            self.observer.logged(&self.operation.id, self.log_bytes, &text);
        }
    }

    /// Whether somebody wants it to stop.
    pub fn is_cancelled(&mut self) -> bool {
        if !self.operation.cancellable {
            return false;
        }
        let now = Instant::now();
        let may_look =
            self.last_look.is_none_or(|last| now.saturating_duration_since(last) >= CANCEL_EVERY);
        if may_look && !self.cancel.is_set() {
            self.last_look = Some(now);
            if self.store.cancel_file_of(&self.operation.id).exists() {
                self.cancel.cancel();
            }
        }
        self.cancel.is_set()
    }

    /// Goes on unless somebody wants it to stop.
    ///
    /// # Errors
    /// [`Stopped::Cancelled`].
    pub fn go_on(&mut self) -> Result<(), Stopped> {
        if self.is_cancelled() { Err(Stopped::Cancelled) } else { Ok(()) }
    }

    /// Writes down what is about to be done.
    ///
    /// # Errors
    /// When it cannot be written; it may not be done then.
    pub fn intend(&mut self, step: Step) -> Result<(), JournalError> {
        if !step.is_volatile() {
            self.keep()?;
        }
        self.journal.intend(step)
    }

    /// Writes down that it will be finished; it cannot be cancelled any more.
    ///
    /// # Errors
    /// When it cannot be written; the operation is to be undone then.
    pub fn commit(&mut self, finish: Vec<Finish>) -> Result<(), JournalError> {
        self.operation.cancellable = false;
        self.keep()?;
        self.journal.commit(finish)
    }

    /// Sees to it, once, that the operation is on disk before its journal is, or whatever else speaks of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn keep(&mut self) -> Result<(), JournalError> {
        if !self.is_kept {
            self.store.keep(&self.operation.id)?;
            self.is_kept = true;
        }
        Ok(())
    }

    /// Ends the operation though something of it is left: its journal stays for the next recovery.
    pub fn abandon(mut self, failure: Failure) -> Operation {
        self.operation.progress = Progress::Failed { failure };
        self.operation.cancellable = false;
        self.operation.finished_at = Some(self.clock.now());
        self.tell();
        self.operation
    }

    /// Ends the operation.
    pub fn end(mut self, progress: Progress) -> Operation {
        self.operation.progress = progress;
        self.operation.cancellable = false;
        self.operation.finished_at = Some(self.clock.now());
        self.tell();
        let _ = std::fs::remove_file(self.store.cancel_file_of(&self.operation.id));
        let kept = self.store.directory_of(&self.operation.id).join("journal");
        if let Err(error) = self.journal.close(&kept) {
            tracing::warn!(id = %self.operation.id, %error, "a journal could not be put away");
        }
        self.operation
    }
}
