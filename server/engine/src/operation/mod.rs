//! Operations: every change to a VServer, kept on disk from the moment it is asked for.
//!
//! Each has a directory below `<state_base>/operations/` with `operation.json` (what people see),
//! `task.json` (what is to be done) and `log`. While it is unfinished its [`Journal`] lies in
//! `operations/.live/ID`, locked by the process that does it: a journal there that nobody locks is
//! what a crash left behind, and is recovered ([`crate::recovery`]).
//!
//! Invariants:
//! - What undoes a step is written down before the step is taken.
//! - Before the commit everything can be undone; after it everything can be finished.
//! - The command line and the engine write the same files: each sees what the other does.

mod journal;
mod store;
mod task;
mod work;

pub use journal::{
    COPY_CRASH_POINTS, CRASH_POINTS, Finish, HOOK_CRASH_POINT, IMPORT_CRASH_POINTS, Journal,
    JournalError, Record, Step, UNIFY_CRASH_POINTS, YUM_CRASH_POINT, crash_point,
};
pub use store::{Live, OperationError, Store};
pub use task::{BatchTask, ConfigureTask, SavedAt, Task};
pub use work::{CancelToken, Observer, Silent, Stopped, Work};
