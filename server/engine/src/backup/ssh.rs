//! A target on another host: ssh there runs `ulysse backup-store DIRECTORY`, which does there what is
//! done here with a directory of this host.
//!
//! One request a connection: a line of JSON, answered by a line of JSON; an archive's bytes follow the
//! one or the other. The other host trusts the request no further than names go: a VServer's, an
//! operation's, a backup's. Its administrator can hold the key to this one command
//! (`command="ulysse backup-store /srv/ulysse",restrict` in authorized_keys): what is asked for
//! on the command line is ignored then, because ssh runs what the key says.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ExitCode, Stdio};

use domain::backup::BackupId;
use domain::build::shell_quoted;
use domain::id::{OperationId, VServerName};
use nix::libc;
use serde::{Deserialize, Serialize};

use super::depot::{Kept, Shelves, Stream, Which};
use crate::program;
use crate::roots::SshTarget;

/// The name of the role on the other host.
pub const ROLE: &str = "backup-store";
/// The longest line of a request, and of an answer.
const REQUEST_BYTES: u64 = 64 * 1024;
const ANSWER_BYTES: u64 = 64 * 1024 * 1024;
/// The most of what ssh says that is heard.
const WORDS: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asked {
    List(Option<VServerName>),
    Begin { vserver: VServerName, by: OperationId },
    Keep { vserver: VServerName, by: OperationId, id: BackupId },
    Tail { vserver: VServerName, which: OwnedWhich },
    Open { vserver: VServerName, which: OwnedWhich, from: u64 },
    Sweep { vserver: VServerName, going: Vec<OperationId> },
    Remove { vserver: VServerName, which: OwnedWhich },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OwnedWhich {
    Whole(BackupId),
    Partial(OperationId),
}

impl From<Which<'_>> for OwnedWhich {
    fn from(which: Which<'_>) -> Self {
        match which {
            Which::Whole(id) => Self::Whole(id),
            Which::Partial(by) => Self::Partial(by.clone()),
        }
    }
}

impl OwnedWhich {
    fn borrowed(&self) -> Which<'_> {
        match self {
            Self::Whole(id) => Which::Whole(*id),
            Self::Partial(by) => Which::Partial(by),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answered {
    Kept(Vec<Kept>),
    Tail { bytes: Vec<u8>, length: u64 },
    Done,
    Failed { what: String, is_absent: bool },
}

/// Another host.
pub(super) struct Remote {
    target: SshTarget,
}

/// An archive on its way there.
pub(super) struct Sending {
    input: Option<ChildStdin>,
    talk: Talk,
}

/// Whoever brings an archive here; ends with this.
pub(super) struct Bringer {
    child: Child,
}

impl Drop for Bringer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Talk {
    bringer: Bringer,
    output: BufReader<File>,
}

impl Remote {
    pub(super) fn new(target: SshTarget) -> Self {
        Self { target }
    }

    /// Connects and asks; what follows the line is the caller's.
    fn ask(&self, asked: &Asked) -> io::Result<(Talk, ChildStdin)> {
        let target = &self.target;
        if target.host.is_empty() || target.host.starts_with('-') || target.user.starts_with('-') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a host or user"));
        }
        let mut known_hosts = std::ffi::OsString::from("UserKnownHostsFile=");
        known_hosts.push(&target.known_hosts);
        let mut command = program::command(program::SSH);
        command
            .args(["-T", "-F", "/dev/null"])
            // Nobody is there to be asked anything.
            .args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
            .args(["-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=/dev/null"])
            // Whoever waits for a page is told why there is none before the web process gives up.
            .args(["-o", "ConnectTimeout=8", "-o", "ServerAliveInterval=15"])
            .arg("-o")
            .arg(known_hosts)
            .arg("-i")
            .arg(&target.identity)
            .args(["-p", &target.port.to_string(), "-l", &target.user, "--", &target.host])
            // ssh joins these words with blanks and the other side's shell takes them apart.
            .args(["ulysse", ROLE, &shell_quoted(&target.path.to_string_lossy())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        sys::descriptor::hand_on(&mut command, Vec::new());
        sys::session::Session { death_signal: libc::SIGKILL, ..Default::default() }
            .prepare(&mut command);
        let mut bringer = Bringer { child: command.spawn()? };
        let (input, output) = (bringer.child.stdin.take(), bringer.child.stdout.take());
        let (Some(mut input), Some(output)) = (input, output) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let mut line = serde_json::to_vec(asked)?;
        line.push(b'\n');
        let mut talk = Talk { bringer, output: BufReader::new(File::from(OwnedFd::from(output))) };
        match input.write_all(&line) {
            Ok(()) => Ok((talk, input)),
            // ssh has ended; it said why.
            Err(error) => Err(talk.why(error)),
        }
    }

    fn asked(&self, asked: &Asked) -> io::Result<Answered> {
        let (mut talk, _input) = self.ask(asked)?;
        talk.answer()
    }

    fn done(&self, asked: &Asked) -> io::Result<()> {
        match self.asked(asked)? {
            Answered::Done => Ok(()),
            _ => Err(other_answer()),
        }
    }

    pub(super) fn list(&self, vserver: Option<&VServerName>) -> io::Result<Vec<Kept>> {
        match self.asked(&Asked::List(vserver.cloned()))? {
            Answered::Kept(kept) => Ok(kept),
            _ => Err(other_answer()),
        }
    }

    pub(super) fn begin(&self, vserver: &VServerName, by: &OperationId) -> io::Result<Sending> {
        let asked = Asked::Begin { vserver: vserver.clone(), by: by.clone() };
        let (mut talk, input) = self.ask(&asked)?;
        match talk.answer()? {
            Answered::Done => Ok(Sending { input: Some(input), talk }),
            _ => Err(other_answer()),
        }
    }

    pub(super) fn keep(
        &self,
        vserver: &VServerName,
        by: &OperationId,
        id: BackupId,
    ) -> io::Result<()> {
        self.done(&Asked::Keep { vserver: vserver.clone(), by: by.clone(), id })
    }

    pub(super) fn tail(
        &self,
        vserver: &VServerName,
        which: Which<'_>,
    ) -> io::Result<(Vec<u8>, u64)> {
        match self.asked(&Asked::Tail { vserver: vserver.clone(), which: which.into() })? {
            Answered::Tail { bytes, length } => Ok((bytes, length)),
            _ => Err(other_answer()),
        }
    }

    pub(super) fn open(
        &self,
        vserver: &VServerName,
        which: Which<'_>,
        from: u64,
    ) -> io::Result<Stream> {
        let asked = Asked::Open { vserver: vserver.clone(), which: which.into(), from };
        let (mut talk, input) = self.ask(&asked)?;
        // Byte by byte: what follows the line is another process's to read.
        let output = talk.output.into_inner();
        let mut line = Vec::new();
        let mut byte = [0; 1];
        while line.last() != Some(&b'\n') && line.len() < REQUEST_BYTES as usize {
            if (&output).read(&mut byte)? == 0 {
                break;
            }
            line.extend(byte);
        }
        talk.output = BufReader::new(output.try_clone()?);
        talk.understand(&line)?;
        drop(input);
        Ok(Stream { input: output.into(), _bringer: Some(talk.bringer) })
    }

    pub(super) fn sweep(&self, vserver: &VServerName, going: &[OperationId]) -> io::Result<()> {
        self.done(&Asked::Sweep { vserver: vserver.clone(), going: going.to_vec() })
    }

    pub(super) fn remove(&self, vserver: &VServerName, which: Which<'_>) -> io::Result<()> {
        self.done(&Asked::Remove { vserver: vserver.clone(), which: which.into() })
    }
}

fn other_answer() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the other host answers what was not asked")
}

impl Talk {
    fn answer(&mut self) -> io::Result<Answered> {
        let mut line = Vec::new();
        self.output.by_ref().take(ANSWER_BYTES).read_until(b'\n', &mut line)?;
        self.understand(&line)
    }

    fn understand(&mut self, line: &[u8]) -> io::Result<Answered> {
        match serde_json::from_slice(line) {
            Ok(Answered::Failed { what, is_absent }) => {
                let kind = if is_absent { io::ErrorKind::NotFound } else { io::ErrorKind::Other };
                let what: String = what.chars().filter(|c| !c.is_control()).take(300).collect();
                Err(io::Error::new(kind, what))
            }
            Ok(answered) => Ok(answered),
            Err(error) => Err(self.why(error.into())),
        }
    }

    /// What ssh said, if it said anything.
    fn why(&mut self, otherwise: io::Error) -> io::Error {
        drop(self.bringer.child.stdin.take());
        let mut said = String::new();
        if let Some(words) = self.bringer.child.stderr.take() {
            let _ = words.take(WORDS).read_to_string(&mut said);
        }
        let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
        match last {
            Some(line) => io::Error::other(line.replace(char::is_control, "")),
            None => otherwise,
        }
    }
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.input {
            Some(input) => match input.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    Err(self.talk.answer().err().unwrap_or(error))
                }
                other => other,
            },
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sending {
    /// Says that this was all, and waits for the word that it is on disk.
    pub(super) fn close(mut self) -> io::Result<()> {
        drop(self.input.take());
        match self.talk.answer()? {
            Answered::Done => Ok(()),
            _ => Err(other_answer()),
        }
    }
}

/// The role on the other host; the word after its name is where archives are.
pub fn main(directory: Option<PathBuf>) -> ExitCode {
    let Some(path) = directory.filter(|path| path.is_absolute()) else {
        eprintln!("ulysse {ROLE}: name the directory, from / on");
        return ExitCode::FAILURE;
    };
    match serve(&Shelves { path }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let is_absent = error.kind() == io::ErrorKind::NotFound;
            let _ = say(&Answered::Failed { what: error.to_string(), is_absent });
            ExitCode::FAILURE
        }
    }
}

fn say(answered: &Answered) -> io::Result<()> {
    let mut line = serde_json::to_vec(answered)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

fn serve(shelves: &Shelves) -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    input.by_ref().take(REQUEST_BYTES).read_until(b'\n', &mut line)?;
    match serde_json::from_slice(&line)? {
        Asked::List(vserver) => say(&Answered::Kept(shelves.list(vserver.as_ref())?)),
        Asked::Begin { vserver, by } => {
            let mut file = shelves.begin(&vserver, &by)?;
            say(&Answered::Done)?;
            io::copy(&mut input, &mut file)?;
            file.sync_all()?;
            say(&Answered::Done)
        }
        Asked::Keep { vserver, by, id } => {
            shelves.keep(&vserver, &by, id)?;
            say(&Answered::Done)
        }
        Asked::Tail { vserver, which } => {
            let (bytes, length) = shelves.tail(&vserver, which.borrowed())?;
            say(&Answered::Tail { bytes, length })
        }
        Asked::Open { vserver, which, from } => {
            use std::io::{Seek, SeekFrom};
            let mut file = shelves.open(&vserver, which.borrowed())?;
            file.seek(SeekFrom::Start(from))?;
            say(&Answered::Done)?;
            let mut out = io::stdout().lock();
            io::copy(&mut file, &mut out)?;
            out.flush()
        }
        Asked::Sweep { vserver, going } => {
            shelves.sweep(&vserver, &going)?;
            say(&Answered::Done)
        }
        Asked::Remove { vserver, which } => {
            shelves.remove(&vserver, which.borrowed())?;
            say(&Answered::Done)
        }
    }
}
