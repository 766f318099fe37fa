//! The role `ulysse engine`: recovers what crashes left, then answers the web process.
//!
//! Started by `ulysse serve` alone, with the requests' socket at descriptor 3 and the events' at 4.

use std::os::fd::OwnedFd;
use std::process::ExitCode;

use engine::Engine;
use engine::engine::Instance;

use crate::log;
use domain::failure::chain;

/// Where the requests' socket is.
pub(crate) const REQUESTS: i32 = 3;
/// Where the events' socket is.
pub(crate) const EVENTS: i32 = 4;

/// Why the engine did not begin.
#[derive(Debug, thiserror::Error)]
enum BeginError {
    #[error("taking the sockets of `ulysse serve`: the engine is started by it, not by hand")]
    Sockets(#[source] std::io::Error),
    #[error("serving the web process")]
    Serve(#[from] engine::channel::ChannelError),
}

/// The role.
pub(crate) fn run(instance: Instance) -> ExitCode {
    log::begin();
    match serve(instance) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(&error), "the engine ends");
            ExitCode::FAILURE
        }
    }
}

fn serve(instance: Instance) -> Result<(), BeginError> {
    let take = |number| sys::descriptor::take_inherited(number).map_err(BeginError::Sockets);
    let (requests, events): (OwnedFd, OwnedFd) = (take(REQUESTS)?, take(EVENTS)?);
    let engine = Engine::new(instance);
    for operation in engine.recover() {
        tracing::info!(id = %operation.id, target = %operation.target, "recovered");
    }
    engine.expire_bin_daily();
    engine::channel::serve(&engine, requests, events)?;
    Ok(())
}
