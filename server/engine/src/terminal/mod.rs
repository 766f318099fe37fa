//! Terminals: shells in VServers that live in a process of their own, so that they outlive whoever
//! looks at them, the web process, the engine and `ulysse serve`.
//!
//! Each terminal is one [`holder`] process. It listens on `<runtime_base>/terminals/ID.sock` (root
//! only) and keeps `ID.json` beside it, locked for as long as it lives: a file that is not locked is
//! what a killed holder left behind, and is removed by whoever finds it.
//!
//! What travels over the socket is `protocol::terminal`. Here terminals are opened, found, attached
//! to and closed; who may is decided elsewhere.

pub mod holder;
mod scrollback;
mod viewer;

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use domain::failure::Failure;
use domain::id::{TerminalId, UserId, VServerName};
use domain::operation::Terminal;
use protocol::terminal::{FromHolder, MAX_PACKET_BYTES, Size, ToHolder};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use sys::wait::until_readable;

use crate::clock::{Clock, IdSource};
use crate::roots::{Roots, Settings};
use crate::state::GuestState;

/// The name of the role.
const ROLE: &str = "terminal";

/// What a holder says when somebody may connect.
const READY: &str = "ready";

/// How long a holder may take to start its shell.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long closing waits for the shell's end; the holder kills it well before.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of a record, or of a holder's words, that are read.
const MAX_TEXT_BYTES: u64 = 64 * 1024;

/// Why a terminal was not opened, found or closed.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The VServer does not run.
    #[error("{name} is not running")]
    NotRunning {
        /// Which.
        name: VServerName,
    },
    /// As many terminals as may be are open.
    #[error("{limit} terminals are open, as many as may be")]
    TooMany {
        /// The most.
        limit: usize,
    },
    /// No such terminal, or it has ended.
    #[error("no terminal {id}")]
    NoSuchTerminal {
        /// Which.
        id: TerminalId,
    },
    /// The directory of terminals could not be made or read.
    #[error("using {path}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The holder process could not be started.
    #[error("starting {program}")]
    Start {
        /// Our own binary.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The holder could not be told what to do.
    #[error("writing down what to open")]
    Plan(#[source] serde_json::Error),
    /// The holder gave up.
    #[error("opening a terminal: {said}")]
    GaveUp {
        /// Its last words.
        said: String,
    },
    /// The holder did not say that it is ready in time.
    #[error("a terminal did not open within {seconds} s")]
    TimedOut {
        /// How long was waited.
        seconds: u64,
    },
    /// The terminal is there and does not answer.
    #[error("connecting to terminal {id}")]
    Connect {
        /// Which.
        id: TerminalId,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<TerminalError> for Failure {
    fn from(error: TerminalError) -> Self {
        match error {
            TerminalError::NotRunning { name } => Self::NotRunning { name },
            TerminalError::NoSuchTerminal { .. } => Self::NoSuchTerminal,
            TerminalError::GaveUp { said } => {
                Self::ProgramFailed { program: "vserver enter".to_owned(), detail: said }
            }
            TerminalError::TimedOut { seconds } => {
                Self::TimedOut { what: "vserver enter".to_owned(), seconds }
            }
            other => Self::Unexpected { detail: domain::failure::chain(&other) },
        }
    }
}

/// What a holder must know, on its standard input.
#[derive(Debug, Serialize, Deserialize)]
struct Plan {
    terminal: Terminal,
    size: Size,
    roots: Roots,
    state: GuestState,
}

/// Opens a terminal in a VServer that runs, and connects to it.
///
/// # Errors
/// When the VServer does not run, too many terminals are open, or the shell cannot be started.
pub fn open(
    settings: &Settings,
    executable: &Path,
    ids: &dyn IdSource,
    clock: &dyn Clock,
    state: &GuestState,
    owner: UserId,
    size: Size,
) -> Result<(Terminal, OwnedFd), TerminalError> {
    if !state.is_running() {
        return Err(TerminalError::NotRunning { name: state.name.clone() });
    }
    let roots = &settings.roots;
    let limit = settings.limits.terminals;
    if list(roots)?.len() >= limit {
        return Err(TerminalError::TooMany { limit });
    }
    let path = roots.terminals();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&path)
        .map_err(|source| TerminalError::Directory { path, source })?;
    let terminal = Terminal {
        id: ids.terminal_id(),
        vserver: state.name.clone(),
        owner,
        opened_at: clock.now(),
    };
    let plan =
        Plan { terminal: terminal.clone(), size, roots: roots.clone(), state: state.clone() };
    let plan = serde_json::to_vec(&plan).map_err(TerminalError::Plan)?;
    let failed = |source| TerminalError::Start { program: executable.to_owned(), source };
    let mut child = Command::new(executable)
        .arg(ROLE)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let begun = begin(&mut child, &plan);
    if begun.is_err() {
        let _ = child.kill();
    }
    // A process that nobody waits for stays as a zombie; this one may live longer than we do.
    thread::Builder::new()
        .name("terminal-end".to_owned())
        .spawn(move || child.wait())
        .map_err(failed)?;
    begun?;
    let socket = connect(roots, &terminal.id)?;
    Ok((terminal, socket))
}

/// Tells a holder what to do and waits until it has done it.
fn begin(child: &mut Child, plan: &[u8]) -> Result<(), TerminalError> {
    let gave_up = |error: io::Error| TerminalError::GaveUp { said: error.to_string() };
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(plan).map_err(gave_up)?;
    }
    let Some(mut stdout) = child.stdout.take() else { return Ok(()) };
    let deadline = Instant::now() + START_TIMEOUT;
    let mut said = Vec::new();
    while !said.ends_with(b"\n") {
        if !until_readable(&stdout, deadline).map_err(gave_up)? {
            return Err(TerminalError::TimedOut { seconds: START_TIMEOUT.as_secs() });
        }
        let mut buffer = [0; 1024];
        match stdout.read(&mut buffer).map_err(gave_up)? {
            0 => break,
            bytes => said.extend(buffer.iter().take(bytes)),
        }
    }
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if said == READY { Ok(()) } else { Err(TerminalError::GaveUp { said }) }
}

/// Connects to a terminal that is open: its scrollback comes first.
///
/// # Errors
/// When there is no such terminal.
pub fn attach(roots: &Roots, id: &TerminalId) -> Result<(Terminal, OwnedFd), TerminalError> {
    let absent = || TerminalError::NoSuchTerminal { id: id.clone() };
    let terminal = read_record(&record_of(roots, id)).ok_or_else(absent)?;
    if terminal.id != *id {
        return Err(absent());
    }
    let socket = connect(roots, id)?;
    Ok((terminal, socket))
}

/// The terminals that are open, oldest first.
///
/// # Errors
/// When their directory cannot be read.
pub fn list(roots: &Roots) -> Result<Vec<Terminal>, TerminalError> {
    let path = roots.terminals();
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(TerminalError::Directory { path, source }),
    };
    let mut terminals: Vec<Terminal> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .filter_map(|path| read_record(&path))
        .collect();
    terminals.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(terminals)
}

/// Ends a terminal's shell, and waits until it has ended.
///
/// # Errors
/// When there is no such terminal.
pub fn close(roots: &Roots, id: &TerminalId) -> Result<(), TerminalError> {
    let socket = connect(roots, id)?;
    let failed = |source| TerminalError::Connect { id: id.clone(), source };
    match sys::seqpacket::send(&socket, &ToHolder::Close.to_bytes(), &[]) {
        Err(error) if !error.is_disconnected() => return Err(failed(io::Error::other(error))),
        _ => {}
    }
    let deadline = Instant::now() + CLOSE_TIMEOUT;
    let mut buffer = vec![0; MAX_PACKET_BYTES];
    while until_readable(&socket, deadline).map_err(failed)? {
        match sys::seqpacket::receive(&socket, &mut buffer) {
            Ok(received) if received.bytes > 0 => {
                let packet = buffer.get(..received.bytes).unwrap_or_default();
                if let Some(FromHolder::Exited(_)) = FromHolder::parse(packet) {
                    return Ok(());
                }
            }
            _ => return Ok(()),
        }
    }
    Err(TerminalError::TimedOut { seconds: CLOSE_TIMEOUT.as_secs() })
}

fn connect(roots: &Roots, id: &TerminalId) -> Result<OwnedFd, TerminalError> {
    sys::seqpacket::connect(&socket_of(roots, id)).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            TerminalError::NoSuchTerminal { id: id.clone() }
        }
        _ => TerminalError::Connect { id: id.clone(), source },
    })
}

/// Reads a record if its holder lives; removes what a dead one left.
fn read_record(path: &Path) -> Option<Terminal> {
    let file = File::open(path).ok()?;
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        // Nobody holds it.
        let _ = fs::remove_file(path.with_extension("sock"));
        let _ = fs::remove_file(path);
        return None;
    }
    let mut text = Vec::new();
    file.take(MAX_TEXT_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

fn record_of(roots: &Roots, id: &TerminalId) -> PathBuf {
    roots.terminals().join(format!("{id}.json"))
}

fn socket_of(roots: &Roots, id: &TerminalId) -> PathBuf {
    roots.terminals().join(format!("{id}.sock"))
}
