//! The role `ulysse terminal`: one process, one thread, one shell in a VServer.
//!
//! It is the other end of the shell's terminal. It keeps what the shell wrote last, shows it to
//! whoever connects, and passes on what they type. It belongs to nobody's process group or session
//! and lies in a cgroup of its own, so nothing that ends the engine ends it; it ends with its shell.
//!
//! Invariants: the shell never waits for a viewer that takes nothing for longer than
//! `viewer::PATIENCE`; what waits to be typed is bounded; a viewer who sends something that is no
//! packet is cut off.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use protocol::terminal::{FromHolder, MAX_PACKET_BYTES, ToHolder};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;

use super::scrollback::Scrollback;
use super::viewer::{Presence, Viewer, output_packets};
use super::{MAX_TEXT_BYTES, Plan, READY, record_of, socket_of};
use crate::cgroup;
use crate::exec::{self, ExecError, Invocation, resize};
use sys::wait::timespec;

/// The holder's program: itself, also when its file has been replaced since it was started.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// The most typed bytes that wait for a shell that does not read.
const MAX_INPUT_BYTES: usize = 64 * 1024;

/// How long a hung-up shell may take to end by itself.
const HANG_UP_TIMEOUT: Duration = Duration::from_secs(3);

/// How long viewers may take to receive the last words.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a shell that has ended waits for whoever opened its terminal.
const FIRST_VIEWER_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before reading again from a terminal that nobody has open.
const UNUSED_PAUSE: Duration = Duration::from_millis(200);

/// The most viewers at once.
const MAX_VIEWERS: usize = 32;

/// Why a holder gave up.
#[derive(Debug, thiserror::Error)]
enum HolderError {
    #[error("reading what to open: this role is started by Ulysse only")]
    ReadPlan(#[source] io::Error),
    #[error("understanding what to open")]
    Plan(#[source] serde_json::Error),
    #[error("preparing the process")]
    Prepare(#[source] io::Error),
    #[error("writing {path}")]
    Record {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("listening on {path}")]
    Listen {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("starting the shell")]
    Shell(#[source] ExecError),
    #[error("{said}")]
    NoTerminal { said: String },
    #[error("waiting for events")]
    Wait(#[source] io::Error),
}

/// The role.
#[must_use]
pub fn main() -> ExitCode {
    match hold() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text.push_str(": ");
                text.push_str(&cause.to_string());
                source = cause.source();
            }
            // Read by whoever opens the terminal; nobody else may be there.
            let _ = writeln!(io::stdout(), "{}", text.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn hold() -> Result<(), HolderError> {
    let mut text = Vec::new();
    io::stdin()
        .lock()
        .take(8 * MAX_TEXT_BYTES)
        .read_to_end(&mut text)
        .map_err(HolderError::ReadPlan)?;
    let plan: Plan = serde_json::from_slice(&text).map_err(HolderError::Plan)?;
    let signals = detach().map_err(HolderError::Prepare)?;
    join_cgroup(&plan);
    let files = Files::create(&plan)?;
    let (child, master) = start_shell(&plan)?;
    announce().map_err(HolderError::Prepare)?;
    let mut holder = Holder {
        signals,
        listener: files.listener.try_clone().map_err(HolderError::Wait)?,
        child,
        master: Some(master),
        scrollback: Scrollback::default(),
        viewers: Vec::new(),
        input: VecDeque::new(),
        unused_until: None,
        kill_at: None,
        seen: false,
    };
    let status = holder.run()?;
    // From here on the terminal is no more: who comes late finds nothing.
    drop(files);
    holder.say_farewell(status)
}

/// Leaves the caller's session and takes signals as events.
fn detach() -> io::Result<SignalFd> {
    // A process that was just started by another leads no group yet, so this cannot fail.
    let _ = rustix::process::setsid();
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let mut wanted = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        wanted.add(signal);
    }
    wanted.thread_block()?;
    Ok(SignalFd::with_flags(&wanted, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?)
}

/// Moves to a cgroup beside the VServers': whoever ends all of a service's processes (systemd, for
/// one) shall not end terminals. Where that cannot be, the terminal is no worse for it.
fn join_cgroup(plan: &Plan) {
    for parent in plan.state.cgroups.iter().filter_map(|directory| directory.parent()) {
        let own = parent.join(".terminals");
        let _ = fs::create_dir(&own);
        let _ = fs::write(cgroup::entrance(&own), "0");
    }
}

/// The terminal's files; removed when dropped.
struct Files {
    record: PathBuf,
    socket: PathBuf,
    listener: OwnedFd,
    /// Locked for as long as it is open.
    _lock: File,
}

impl Files {
    fn create(plan: &Plan) -> Result<Self, HolderError> {
        let record = record_of(&plan.roots, &plan.terminal.id);
        let socket = socket_of(&plan.roots, &plan.terminal.id);
        let listener = sys::seqpacket::listen(&socket, 16)
            .and_then(|listener| {
                fs::set_permissions(&socket, Permissions::from_mode(0o600))?;
                rustix::fs::fcntl_setfl(&listener, OFlags::NONBLOCK)?;
                Ok(listener)
            })
            .map_err(|source| HolderError::Listen { path: socket.clone(), source })?;
        match write_record(&record, plan) {
            Ok(lock) => Ok(Self { record, socket, listener, _lock: lock }),
            Err(source) => {
                let _ = fs::remove_file(&socket);
                Err(HolderError::Record { path: record, source })
            }
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_file(&self.record);
    }
}

/// Writes the record under another name, locks it and only then gives it its own: nobody ever sees
/// it unlocked.
fn write_record(record: &Path, plan: &Plan) -> io::Result<File> {
    let temporary = record.with_extension("new");
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let written = (|| {
        serde_json::to_writer(&mut file, &plan.terminal)?;
        file.flush()?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        fs::rename(&temporary, record)
    })();
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(file)
}

/// Starts the shell inside; returns the process that waits for it and the terminal's other end.
fn start_shell(plan: &Plan) -> Result<(Child, OwnedFd), HolderError> {
    let invocation = Invocation {
        term: Some("xterm-256color".to_owned()),
        lang: Some("C.UTF-8".to_owned()),
        ..Invocation::default()
    };
    let (ours, theirs) = sys::seqpacket::pair().map_err(HolderError::Prepare)?;
    let mut command = exec::command_on_terminal(
        Path::new(OWN_PROGRAM),
        &plan.roots,
        &plan.state,
        &invocation,
        plan.size,
    )
    .map_err(HolderError::Shell)?;
    command.stdin(theirs).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = exec::start(command).map_err(HolderError::Shell)?;
    if let Some(master) = exec::receive_terminal(&ours) {
        return Ok((child, master));
    }
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        // Without words there is still the fact.
        let _ = stderr.take(MAX_TEXT_BYTES).read_to_string(&mut said);
    }
    let _ = child.wait();
    Err(HolderError::NoTerminal { said: said.trim().to_owned() })
}

/// Tells whoever opens the terminal that it is there, and lets go of them.
fn announce() -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{READY}")?;
    stdout.flush()?;
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// The terminal while its shell lives.
struct Holder {
    signals: SignalFd,
    listener: OwnedFd,
    child: Child,
    /// None once it has been hung up.
    master: Option<OwnedFd>,
    scrollback: Scrollback,
    viewers: Vec<Viewer>,
    input: VecDeque<u8>,
    /// The shell has closed its terminal for now: it is not read until then.
    unused_until: Option<Instant>,
    /// The shell was hung up and is killed then.
    kill_at: Option<Instant>,
    /// Whether anybody has ever looked.
    seen: bool,
}

/// What is ready.
struct Ready {
    listener: bool,
    master: bool,
    viewers: Vec<PollFlags>,
}

impl Holder {
    /// Runs until the shell has ended; returns its exit status.
    fn run(&mut self) -> Result<u8, HolderError> {
        loop {
            if let Some(status) = self.child.try_wait().map_err(HolderError::Wait)? {
                self.read_master();
                self.wait_for_first_viewer()?;
                return Ok(exec::exit_code(status));
            }
            let ready = self.wait()?;
            let now = Instant::now();
            self.take_signals();
            if ready.listener {
                self.accept(now);
            }
            if ready.master {
                self.read_master();
            }
            self.serve_viewers(&ready.viewers, now);
            self.write_master();
            if self.kill_at.is_some_and(|at| at <= now) {
                // The role, told to end, kills the shell. Should it be gone already, all is well.
                let role = rustix::process::Pid::from_child(&self.child);
                let _ = rustix::process::kill_process(role, rustix::process::Signal::TERM);
                self.kill_at = None;
            }
        }
    }

    /// A shell that ends at once (it could not be started) has said why: whoever opened the terminal
    /// is about to connect, and shall see it.
    fn wait_for_first_viewer(&mut self) -> Result<(), HolderError> {
        let until = Instant::now() + FIRST_VIEWER_TIMEOUT;
        while !self.seen {
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            let mut fds = [PollFd::new(&self.listener, PollFlags::IN)];
            match poll(&mut fds, Some(&timespec(until - now))) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(HolderError::Wait(errno.into())),
            }
            self.accept(Instant::now());
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<Ready, HolderError> {
        let now = Instant::now();
        if self.unused_until.is_some_and(|until| until <= now) {
            self.unused_until = None;
        }
        let behind = self.viewers.iter().any(Viewer::is_behind);
        let mut on_master = PollFlags::empty();
        on_master.set(PollFlags::IN, !behind);
        on_master.set(PollFlags::OUT, !self.input.is_empty());
        let mut on_viewer = PollFlags::empty();
        on_viewer.set(PollFlags::IN, self.input.len() < MAX_INPUT_BYTES);
        let deadline = self
            .viewers
            .iter()
            .filter(|viewer| viewer.is_behind())
            .map(Viewer::given_up_at)
            .chain(self.unused_until)
            .chain(self.kill_at)
            .min()
            .map(|at| timespec(at.saturating_duration_since(now)));
        let mut fds = vec![
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(&self.listener, PollFlags::IN),
        ];
        fds.extend(self.viewers.iter().map(|viewer| {
            let on_viewer =
                if viewer.has_waiting() { on_viewer | PollFlags::OUT } else { on_viewer };
            PollFd::new(viewer.socket(), on_viewer)
        }));
        // Last, because it may be missing. With nothing asked the kernel would still report its
        // end, again and again.
        if let Some(master) = &self.master
            && self.unused_until.is_none()
            && !on_master.is_empty()
        {
            fds.push(PollFd::new(master, on_master));
        }
        match poll(&mut fds, deadline.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(HolderError::Wait(errno.into())),
        }
        let mut events = fds.iter().map(PollFd::revents).skip(1);
        let listener = events.next().is_some_and(|flags| flags.contains(PollFlags::IN));
        let viewers: Vec<_> = events.by_ref().take(self.viewers.len()).collect();
        let master = events
            .next()
            .is_some_and(|flags| flags.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR));
        Ok(Ready { listener, master, viewers })
    }

    fn take_signals(&mut self) {
        while let Ok(Some(signal)) = self.signals.read_signal() {
            if i32::try_from(signal.ssi_signo) == Ok(Signal::SIGTERM as i32) {
                self.hang_up();
            }
        }
    }

    /// Hangs up: the kernel tells the shell and all that runs in the terminal.
    fn hang_up(&mut self) {
        if self.master.take().is_some() {
            self.input.clear();
            self.kill_at = Some(Instant::now() + HANG_UP_TIMEOUT);
        }
    }

    fn accept(&mut self, now: Instant) {
        while let Ok(socket) = sys::seqpacket::accept(&self.listener) {
            self.seen = true;
            let made_ready = rustix::fs::fcntl_setfl(&socket, OFlags::NONBLOCK);
            if made_ready.is_ok() && self.viewers.len() < MAX_VIEWERS {
                self.viewers.push(Viewer::new(socket, &self.scrollback.to_show(), now));
            }
        }
    }

    /// Reads what the shell wrote: as much as there is, but not for ever.
    fn read_master(&mut self) {
        let mut buffer = [0; MAX_PACKET_BYTES - 1];
        let now = Instant::now();
        for _ in 0..16 {
            let Some(master) = &self.master else { return };
            match rustix::io::read(master, &mut buffer) {
                Ok(bytes) if bytes > 0 => {
                    self.show(buffer.get(..bytes).unwrap_or_default(), now);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                // Nobody has it open now; somebody may open it again.
                _ => {
                    self.unused_until = Some(now + UNUSED_PAUSE);
                    break;
                }
            }
            if self.viewers.iter().any(Viewer::is_behind) {
                break;
            }
        }
    }

    fn show(&mut self, bytes: &[u8], now: Instant) {
        self.scrollback.push(bytes);
        for packet in output_packets(bytes) {
            for viewer in &mut self.viewers {
                viewer.queue(&packet, now);
            }
        }
        for viewer in &mut self.viewers {
            // Who has left is heard once more before they are forgotten.
            let _ = viewer.flush(now);
        }
    }

    /// Sends to viewers and hears them; parts with those who are gone or stuck.
    fn serve_viewers(&mut self, ready: &[PollFlags], now: Instant) {
        let mut buffer = [0; MAX_PACKET_BYTES];
        let mut ready = ready.iter();
        let mut kept = Vec::with_capacity(self.viewers.len());
        for mut viewer in std::mem::take(&mut self.viewers) {
            let events = ready.next().copied().unwrap_or(PollFlags::IN);
            let hears = events.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR);
            // Who left while nothing more can be typed is not heard, but reported again and again.
            let left = events.contains(PollFlags::HUP) && self.input.len() >= MAX_INPUT_BYTES;
            let mut here = !left && (!hears || self.hear(&viewer, &mut buffer) == Presence::Here);
            if here && viewer.flush(now) == Presence::Gone {
                // What somebody typed before they left counts, also when they left just now.
                let _ = self.hear(&viewer, &mut buffer);
                here = false;
            }
            if here && !(viewer.is_behind() && viewer.given_up_at() <= now) {
                kept.push(viewer);
            }
        }
        self.viewers = kept;
    }

    /// Takes what one viewer has sent.
    fn hear(&mut self, viewer: &Viewer, buffer: &mut [u8]) -> Presence {
        while self.input.len() < MAX_INPUT_BYTES {
            let packet = match viewer.receive(buffer) {
                Ok(Some(packet)) => packet,
                Ok(None) => return Presence::Here,
                Err(_) => return Presence::Gone,
            };
            match ToHolder::parse(packet) {
                Some(ToHolder::Input(bytes)) => {
                    if self.master.is_some() {
                        self.input.extend(bytes);
                    }
                }
                Some(ToHolder::Resize(size)) => {
                    if let Some(master) = &self.master {
                        // The next one will do, should this one not.
                        let _ = resize(master, size);
                    }
                }
                Some(ToHolder::Close) => self.hang_up(),
                // Also the end: an empty packet.
                None => return Presence::Gone,
            }
        }
        Presence::Here
    }

    fn write_master(&mut self) {
        while !self.input.is_empty()
            && let Some(master) = &self.master
        {
            let (first, _) = self.input.as_slices();
            match rustix::io::write(master, first) {
                Ok(bytes) => drop(self.input.drain(..bytes)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.input.clear(),
            }
        }
    }

    /// Tells every viewer how the shell ended, after everything it wrote.
    fn say_farewell(&mut self, status: u8) -> Result<(), HolderError> {
        self.master = None;
        let last: Rc<[u8]> = FromHolder::Exited(status).to_bytes().into();
        let until = Instant::now() + FAREWELL_TIMEOUT;
        for viewer in &mut self.viewers {
            viewer.queue(&last, Instant::now());
        }
        loop {
            let now = Instant::now();
            self.viewers
                .retain_mut(|viewer| viewer.flush(now) == Presence::Here && viewer.has_waiting());
            if self.viewers.is_empty() || now >= until {
                return Ok(());
            }
            let mut fds: Vec<_> = self
                .viewers
                .iter()
                .map(|viewer| PollFd::new(viewer.socket(), PollFlags::OUT))
                .collect();
            match poll(&mut fds, Some(&timespec(until - now))) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(HolderError::Wait(errno.into())),
            }
        }
    }
}
