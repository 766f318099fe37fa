//! The life of a VServer: start, stop, restart, and what follows when it has ended by itself.
//!
//! Called with the VServer's lock held. A start writes the record of all it is about to apply first
//! ([`GuestState`]), and a stop works from that record alone. Waiting is always for a process or a
//! deadline, never for a time.
//!
//! Not here: making processes (`guest`), networks (`network`), cgroups (`cgroup`); volumes, which the
//! administrator mounts.

mod aside;
mod booting;
mod error;
mod foresee;
mod hooks;
mod host_program;
mod init_style;
mod start;
mod stop;
pub(crate) mod vshelper;

use domain::id::VServerName;

pub(crate) use aside::{INSTEAD, begin_aside, end_aside};
pub use booting::{Booting, Readiness};
pub use error::LifecycleError;
pub(crate) use foresee::foresee_start;
pub(crate) use start::start_booting;
pub use start::{rescue, start};
pub(crate) use stop::open_process;
pub use stop::{clean_up, stop};

use crate::config::GuestConfig;
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::state::GuestState;

/// Stops it if it runs, and starts it.
///
/// # Errors
/// As [`stop`] and [`start`].
pub fn restart(
    instance: &Instance,
    work: &mut Work<'_>,
    name: &VServerName,
) -> Result<(), Stopped> {
    let roots = &instance.settings.roots;
    // A config tree that cannot be started must not cost the VServer that runs.
    GuestConfig::read(roots, name)?.limits.placement.judge(name)?;
    if GuestState::read(roots, name).map_err(LifecycleError::from)?.is_some() {
        work.begin_part(0, 500);
        stop(instance, work, name)?;
        work.begin_part(500, 1000);
    }
    start(instance, work, name)
}
