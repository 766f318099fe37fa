//! The host's clock, as pages see it.

use app::backend::Clock;
use domain::time::UnixMillis;
use engine::clock::Clock as _;

/// The host's real-time clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> UnixMillis {
        engine::clock::SystemClock.now()
    }
}
