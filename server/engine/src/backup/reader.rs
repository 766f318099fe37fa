//! The role `ulysse backup-reader`: decompresses an archive and takes its tar apart, for a caller who
//! trusts neither.
//!
//! Decompressors and tar readers have a history. This process has the archive as its standard input
//! and a pipe as its output, is nobody, has no capability, and may call what reading, writing and
//! memory need and nothing else. What comes out is plain: a manifest's bytes, or for each member the
//! length of its path, its path, its size and its bytes. What that means is judged by the caller.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};

use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
use zstd::stream::read::Decoder;

use super::container::MANIFEST;

/// The name of the role.
pub const ROLE: &str = "backup-reader";
/// Comes instead of a path's length after the last member.
pub(super) const END: u32 = u32::MAX;
/// The user and group `nobody` of every Linux.
const NOBODY: u32 = 65_534;
/// The most memory, in bytes: what the largest window that is accepted needs, and a manifest.
const MEMORY: u64 = 2 * 1024 * 1024 * 1024;
/// The largest window that is accepted, as a power of two: what zstd writes at its highest level.
const WINDOW_LOG: u32 = 27;
/// The most bytes of what it says when it fails.
const WORDS: u64 = 2048;

/// What is wanted of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The manifest; the input begins at its frame.
    Manifest,
    /// All members but the manifest; the input begins at the archive's first byte.
    Files,
}

impl Wanted {
    fn as_str(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Files => "files",
        }
    }
}

/// A reader at work; ends when this does.
pub(super) struct Reading {
    child: Child,
    output: Option<ChildStdout>,
}

impl Reading {
    /// Starts one.
    pub(super) fn start(executable: &Path, input: Stdio, wanted: Wanted) -> io::Result<Self> {
        let mut command = Command::new(executable);
        command
            .args([ROLE, wanted.as_str()])
            .env_clear()
            .current_dir("/")
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        sys::descriptor::hand_on(&mut command, Vec::new());
        sys::session::Session { death_signal: libc::SIGKILL, ..Default::default() }
            .prepare(&mut command);
        let mut child = command.spawn()?;
        let output = child.stdout.take();
        Ok(Self { child, output })
    }

    /// What it gives; to be taken once.
    pub(super) fn output(&mut self) -> io::Result<ChildStdout> {
        self.output.take().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    /// Waits for its end; what it said when that is a bad one.
    pub(super) fn end(mut self) -> Result<(), String> {
        drop(self.output.take());
        let mut said = String::new();
        if let Some(words) = self.child.stderr.take() {
            let _ = words.take(WORDS).read_to_string(&mut said);
        }
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.success() {
            return Ok(());
        }
        let said: String = said.trim().chars().filter(|c| !c.is_control()).collect();
        Err(if said.is_empty() { status.to_string() } else { said })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Why the role ended badly.
#[derive(Debug, thiserror::Error)]
enum ReaderError {
    #[error("giving up rights")]
    Confine(#[source] io::Error),
    #[error("nothing is wanted")]
    Nothing,
    #[error("reading the archive")]
    Read(#[source] io::Error),
    #[error("handing it on")]
    Write(#[source] io::Error),
    #[error("there is no manifest where the archive says it is")]
    NoManifest,
}

/// The role; the words after its name.
pub fn main(wanted: Option<&str>) -> ExitCode {
    match run(wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", domain::failure::chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(wanted: Option<&str>) -> Result<(), ReaderError> {
    // Descriptors first: later nothing can be opened.
    let duplicate = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned().map(File::from);
    let input = duplicate(io::stdin().as_fd()).map_err(ReaderError::Confine)?;
    let output = duplicate(io::stdout().as_fd()).map_err(ReaderError::Confine)?;
    confine().map_err(ReaderError::Confine)?;
    let mut decoder = Decoder::new(input).map_err(ReaderError::Read)?;
    decoder.window_log_max(WINDOW_LOG).map_err(ReaderError::Read)?;
    let output = BufWriter::with_capacity(128 * 1024, output);
    match wanted {
        Some("manifest") => manifest(decoder, output),
        Some("files") => files(decoder, output),
        _ => Err(ReaderError::Nothing),
    }
}

fn manifest(from: impl Read, mut to: impl Write) -> Result<(), ReaderError> {
    let mut archive = tar::Archive::new(from);
    let mut members = archive.entries().map_err(ReaderError::Read)?;
    let mut member = match members.next() {
        Some(member) => member.map_err(ReaderError::Read)?,
        None => return Err(ReaderError::NoManifest),
    };
    if *member.path_bytes() != *MANIFEST.as_bytes() {
        return Err(ReaderError::NoManifest);
    }
    copy(&mut member, &mut to)?;
    to.flush().map_err(ReaderError::Write)
}

fn files(from: impl Read, mut to: impl Write) -> Result<(), ReaderError> {
    let mut archive = tar::Archive::new(from);
    for member in archive.entries().map_err(ReaderError::Read)? {
        let mut member = member.map_err(ReaderError::Read)?;
        let path = member.path_bytes().into_owned();
        if path == MANIFEST.as_bytes() {
            break;
        }
        let length = u32::try_from(path.len()).unwrap_or(END - 1);
        let head = [&length.to_le_bytes(), path.as_slice(), &member.size().to_le_bytes()].concat();
        to.write_all(&head).map_err(ReaderError::Write)?;
        copy(&mut member, &mut to)?;
    }
    to.write_all(&END.to_le_bytes()).and_then(|()| to.flush()).map_err(ReaderError::Write)
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<(), ReaderError> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let read = from.read(&mut buffer).map_err(ReaderError::Read)?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(buffer.get(..read).unwrap_or_default()).map_err(ReaderError::Write)?;
    }
}

/// Gives up everything but what is open.
fn confine() -> io::Result<()> {
    sys::descriptor::close_on_exec_from(3)?;
    for (resource, most) in [
        (Resource::RLIMIT_AS, MEMORY),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_NPROC, 0),
    ] {
        // A pipe has no size: it is a file that cannot be written.
        setrlimit(resource, most, most)?;
    }
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    setgroups(&[])?;
    setresgid(group, group, group)?;
    // With the user go all capabilities (capabilities(7)).
    setresuid(user, user, user)?;
    nix::sys::prctl::set_no_new_privs()?;
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    sys::seccomp::install(&program().map_err(io::Error::other)?)
}

/// All that may be called.
fn program() -> Result<BpfProgram, seccompiler::BackendError> {
    let allowed = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_lseek,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_restart_syscall,
    ];
    let rules: BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
        allowed.into_iter().map(|number| (number, Vec::new())).collect();
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, refuse, SeccompAction::Allow, arch)?.try_into()
}
