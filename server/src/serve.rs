//! The role `ulysse serve`: one command that runs it all. Starts the engine and the web process and
//! starts again what dies.
//!
//! It makes the sockets between both and the listener, and keeps a copy of every end: a process that is
//! started again goes on with the same ones, so the other never notices more than a pause, and browsers
//! wait in the listener's queue. It has one thread and does nothing else: it must not be what dies.
//!
//! It does not end VServers, terminals or operations of the command line: none is its child.

mod child;
mod places;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use engine::engine::Instance;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, poll};
use sys::seqpacket;
use sys::wait::timespec;

use crate::log;
use child::{Child, Role};
use domain::failure::chain;

/// Why it did not begin, or could not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("`ulysse serve` needs to be root; run it with sudo, or as a service")]
    NotRoot,
    #[error("making the user {user}")]
    MakeUser {
        user: String,
        #[source]
        source: io::Error,
    },
    #[error("making {path}")]
    MakePlace {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "listening at {address}: does another program, or another `ulysse serve`, listen there?"
    )]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("making the sockets between engine and web process")]
    Sockets(#[source] io::Error),
    #[error("starting `ulysse {role}`")]
    Start {
        role: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("waiting for signals")]
    Signals(#[source] io::Error),
}

/// The role.
pub(crate) fn run(instance: &Instance) -> ExitCode {
    log::begin();
    match serve(instance) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ulysse serve: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Every end of everything that engine and web process are given.
struct Ends {
    listener: OwnedFd,
    engine: [OwnedFd; 2],
    web: [OwnedFd; 2],
}

impl Ends {
    fn make(address: SocketAddr) -> Result<Self, ServeError> {
        let listener = TcpListener::bind(address)
            .map_err(|source| ServeError::Listen { address, source })?
            .into();
        let (engine_requests, web_requests) = seqpacket::pair().map_err(ServeError::Sockets)?;
        let (engine_events, web_events) = seqpacket::pair().map_err(ServeError::Sockets)?;
        Ok(Self {
            listener,
            engine: [engine_requests, engine_events],
            web: [web_requests, web_events],
        })
    }

    /// Copies of what a role gets, from descriptor 3 on.
    fn of(&self, role: Role) -> io::Result<Vec<OwnedFd>> {
        let [requests, events] = match role {
            Role::Engine => &self.engine,
            Role::Web => &self.web,
        };
        let first = (role == Role::Web).then_some(&self.listener);
        first.into_iter().chain([requests, events]).map(OwnedFd::try_clone).collect()
    }
}

fn serve(instance: &Instance) -> Result<(), ServeError> {
    if !rustix::process::geteuid().is_root() {
        return Err(ServeError::NotRoot);
    }
    places::make(&instance.settings)?;
    // Blocked before anything is started, so that no death is missed.
    let mut wanted = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT] {
        wanted.add(signal);
    }
    let failed = |errno: nix::errno::Errno| ServeError::Signals(errno.into());
    wanted.thread_block().map_err(failed)?;
    let signals = SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .map_err(failed)?;
    let ends = Ends::make(instance.settings.web.listen)?;
    let mut children = [Child::new(Role::Engine), Child::new(Role::Web)];
    loop {
        let now = Instant::now();
        for child in &mut children {
            child.start_if_due(instance, &ends, now)?;
        }
        wait(&signals, children.iter().filter_map(Child::due).min())?;
        while let Some(signal) = signals.read_signal().map_err(failed)? {
            if signal.ssi_signo == Signal::SIGCHLD as u32 {
                continue;
            }
            tracing::info!("ending");
            for child in &mut children {
                child.end();
            }
            return Ok(());
        }
        let now = Instant::now();
        for child in &mut children {
            child.reap(now).map_err(ServeError::Signals)?;
        }
    }
}

/// Waits for a signal, or until something is due.
fn wait(signals: &SignalFd, due: Option<Instant>) -> Result<(), ServeError> {
    let timeout = due.map(|due| timespec(due.saturating_duration_since(Instant::now())));
    match poll(&mut [PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN)], timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(errno) => Err(ServeError::Signals(errno.into())),
    }
}
