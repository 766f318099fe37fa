//! Time and ids as parameters, so that tests decide both.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::id::{OperationId, TerminalId};
use domain::time::UnixMillis;
use ulid::Ulid;

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

/// Ids from the host's clock and the kernel's randomness.
#[derive(Debug, Default)]
pub struct RandomIds {
    last: Mutex<Option<Ulid>>,
}

impl RandomIds {
    fn next(&self) -> Ulid {
        let millis = u64::try_from(SystemClock.now().0).unwrap_or_default();
        let mut bytes = [0; 16];
        // The kernel gives up to 256 bytes in one piece or, at boot, waits.
        let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
        let fresh = Ulid::from_parts(millis, u128::from_be_bytes(bytes));
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Within a millisecond, or when the clock was set back, ids still go up.
        let id = match *last {
            Some(last) if fresh <= last => last.increment().unwrap_or(fresh),
            _ => fresh,
        };
        *last = Some(id);
        id
    }
}

/// Every ULID is written in the way ids are; the second arm is never taken twice.
fn parsed<T: core::str::FromStr>(id: Ulid) -> T {
    match id.to_string().parse() {
        Ok(id) => id,
        Err(_) => parsed(Ulid::nil()),
    }
}

impl IdSource for RandomIds {
    fn operation_id(&self) -> OperationId {
        parsed(self.next())
    }

    fn terminal_id(&self) -> TerminalId {
        // Nothing of an earlier id in it: it is not to be guessed.
        let millis = u64::try_from(SystemClock.now().0).unwrap_or_default();
        let mut bytes = [0; 16];
        let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
        parsed(Ulid::from_parts(millis, u128::from_be_bytes(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_up() {
        let ids = RandomIds::default();
        let made: Vec<_> = (0..1000).map(|_| ids.operation_id()).collect();
        assert!(made.is_sorted());
        assert!(made.windows(2).all(|pair| pair[0] != pair[1]));
        assert_ne!(ids.terminal_id(), ids.terminal_id());
    }
}
