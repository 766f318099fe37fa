//! Time and ids as parameters, so that tests decide both.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::id::{OperationId, TerminalId};
use domain::time::UnixMillis;

/// A clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> UnixMillis;
}

/// The host's real-time clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// Where new ids come from.
pub trait IdSource: Send + Sync {
    /// A new operation id; later ones sort after earlier ones.
    fn operation_id(&self) -> OperationId;
    /// A new terminal id, not to be guessed.
    fn terminal_id(&self) -> TerminalId;
}
