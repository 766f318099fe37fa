//! Running the administrator's programs on the host, as its root, while a VServer is started or stopped.
//!
//! Invariants:
//! - What is run belongs to root, and so does every directory and link on the way to it, and nobody else
//!   may write any of them: between the look and the call nobody but root can exchange it.
//! - It gets the environment that is named here and nothing else of its caller's: a session and process
//!   group of its own, no descriptor beside the standard ones, no input, default signals.
//! - It is waited for, but not for ever. Its output is the operation's log, or another [`Listener`]'s, line by line. What it leaves
//!   running in the background is not waited for, and may go on.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use domain::failure::{Failure, ProgramProblem, chain};
use nix::libc;
use rustix::process::{Pid, Signal, kill_process_group};
use sys::session::Session;

use crate::hearing::Hearing;
use crate::operation::Work;

/// Mode bits with which others than the owner may write.
const OTHERS_WRITE: u32 = 0o022;
/// In a directory with this bit others cannot exchange what is root's.
const STICKY: u32 = 0o1000;
/// As many links as the kernel follows.
const MAX_LINKS: usize = 40;
/// The longest line that is kept, in bytes.
const MAX_LINE_BYTES: usize = 4096;
/// Where programs are looked for by what is run here.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why a program was not run, or did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum HostProgramError {
    /// Others than root could have written what would be run.
    #[error("{program} is not safe to run: {path}: {problem:?}")]
    Unsafe {
        /// What was to be run.
        program: String,
        /// What about it, or above it, is wrong.
        path: PathBuf,
        /// What is wrong with that.
        problem: ProgramProblem,
    },
    /// It could not be looked at.
    #[error("looking at {path}")]
    Look {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It could not be started, or not be heard.
    #[error("running {program}")]
    Run {
        /// What.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended badly.
    #[error("{program}: {status}")]
    Failed {
        /// What.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said last.
        last: String,
    },
    /// It did not end in time, and was ended.
    #[error("{program} took longer than {seconds} s")]
    TimedOut {
        /// What.
        program: String,
        /// So long was waited, in seconds.
        seconds: u64,
    },
}

impl From<HostProgramError> for Failure {
    fn from(error: HostProgramError) -> Self {
        match error {
            HostProgramError::Unsafe { program, path, problem } => {
                Self::UnsafeProgram { program, path: path.display().to_string(), problem }
            }
            HostProgramError::Failed { program, status, last } if last.is_empty() => {
                Self::ProgramFailed { program, detail: status.to_string() }
            }
            HostProgramError::Failed { program, status, last } => {
                Self::ProgramFailed { program, detail: format!("{status}: {last}") }
            }
            HostProgramError::TimedOut { program, seconds } => {
                Self::TimedOut { what: program, seconds }
            }
            HostProgramError::Run { ref program, ref source } => {
                Self::ProgramFailed { program: program.clone(), detail: chain(source) }
            }
            other @ HostProgramError::Look { .. } => Self::Unexpected { detail: chain(&other) },
        }
    }
}

/// Who hears what a program says.
pub(super) trait Listener {
    /// It begins: what was said before it is to be seen.
    fn begins(&mut self);
    /// It has said a line.
    fn line(&mut self, line: &str);
}

impl Listener for Work<'_> {
    fn begins(&mut self) {
        self.flush_trace();
    }

    fn line(&mut self, line: &str) {
        self.log(line);
    }
}

/// Where a path leads, if only root can have put there what is there.
///
/// # Errors
/// When others could have, or it is no file.
pub(super) fn judged(program: &str, path: &Path) -> Result<PathBuf, HostProgramError> {
    let unsafe_because = |path: &Path, problem| HostProgramError::Unsafe {
        program: program.to_owned(),
        path: path.to_owned(),
        problem,
    };
    if !path.is_absolute() {
        return Err(unsafe_because(path, ProgramProblem::NotAbsolute));
    }
    let mut ahead: Vec<OsString> = parts(path);
    let mut at = PathBuf::from("/");
    let mut links = 0;
    let mut is_file = false;
    while let Some(part) = ahead.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let look = |source| HostProgramError::Look { path: next.clone(), source };
        let found = fs::symlink_metadata(&next).map_err(look)?;
        if found.uid() != 0 {
            return Err(unsafe_because(&next, ProgramProblem::NotRoots));
        }
        if found.is_symlink() {
            links += 1;
            let target = fs::read_link(&next).map_err(look)?;
            if links > MAX_LINKS {
                return Err(unsafe_because(&next, ProgramProblem::NoFile));
            }
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            ahead.extend(parts(&target));
            continue;
        }
        let is_kept = found.is_dir() && found.mode() & STICKY != 0;
        if found.mode() & OTHERS_WRITE != 0 && !is_kept {
            return Err(unsafe_because(&next, ProgramProblem::WritableByOthers));
        }
        is_file = found.is_file();
        at = next;
    }
    if is_file { Ok(at) } else { Err(unsafe_because(&at, ProgramProblem::NoFile)) }
}

/// The parts of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    let mut names: Vec<OsString> = names.collect();
    names.reverse();
    names
}

/// Runs a program to its end, with `name` before each line that it says. `command` names it, its arguments,
/// and what its environment has beside `PATH` and `HOME`.
///
/// # Errors
/// When it cannot be started, ends badly, or not in time.
pub(super) fn run(
    listener: &mut impl Listener,
    mut command: Command,
    name: &str,
    patience: Duration,
) -> Result<(), HostProgramError> {
    let failed = |source| HostProgramError::Run { program: name.to_owned(), source };
    listener.begins();
    let (mut hearing, input) = Hearing::begin().map_err(failed)?;
    command
        .env("PATH", SEARCH_PATH)
        .env("HOME", "/root")
        .stdin(Stdio::null())
        .stdout(input.try_clone().map_err(failed)?)
        .stderr(input);
    // When its caller is killed it is asked to end: what it prepared is taken away again without it.
    let session = Session { death_signal: libc::SIGTERM, ..Session::default() };
    session.prepare(&mut command);
    let mut child = command.spawn().map_err(failed)?;
    // Our ends of its pipe go with it.
    drop(command);
    let mut lines = Lines { listener, name, line: Vec::new(), last: String::new() };
    let deadline = Instant::now() + patience;
    let waited = hearing.until_end(&child, deadline, &mut |bytes| lines.take(bytes));
    if !matches!(waited, Ok(true)) {
        end(&child);
    }
    let status = child.wait().map_err(failed)?;
    hearing.take_what_is_there(&mut |bytes| lines.take(bytes));
    lines.end();
    match waited.map_err(failed)? {
        false => Err(HostProgramError::TimedOut {
            program: name.to_owned(),
            seconds: patience.as_secs(),
        }),
        true if status.success() => Ok(()),
        true => {
            Err(HostProgramError::Failed { program: name.to_owned(), status, last: lines.last })
        }
    }
}

/// Ends a program and what it started in its process group.
fn end(child: &Child) {
    // It is not waited for yet: nobody else can have its number.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

/// What a program says, line by line.
struct Lines<'a, L> {
    listener: &'a mut L,
    /// What stands before each line.
    name: &'a str,
    line: Vec<u8>,
    /// Its last line.
    last: String,
}

impl<L: Listener> Lines<'_, L> {
    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.end(),
                _ if self.line.len() < MAX_LINE_BYTES => self.line.push(*byte),
                _ => {}
            }
        }
    }

    fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() {
            text.clone_into(&mut self.last);
            self.listener.line(&format!("{}: {text}", self.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn problem(path: &Path) -> Option<(PathBuf, ProgramProblem)> {
        match judged("x", path) {
            Ok(_) => None,
            Err(HostProgramError::Unsafe { path, problem, .. }) => Some((path, problem)),
            Err(error) => panic!("{error:?}"),
        }
    }

    #[test]
    fn only_what_is_roots_all_the_way_is_run() {
        let base = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(base.path()).unwrap();
        let (directory, file) = (top.join("scripts"), top.join("scripts/pre-start"));
        fs::create_dir(&directory).unwrap();
        fs::write(&file, "").unwrap();
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(&directory, 0o755);
        mode(&file, 0o744);
        assert_eq!(judged("x", &file).unwrap(), file);
        let by_others = ProgramProblem::WritableByOthers;
        for (wrong, bits) in
            [(&file, 0o764), (&file, 0o746), (&directory, 0o775), (&directory, 0o757)]
        {
            let before = fs::metadata(wrong).unwrap().mode();
            mode(wrong, bits);
            assert_eq!(problem(&file), Some((wrong.clone(), by_others)), "{bits:o}");
            mode(wrong, before);
        }
        // Others cannot exchange what is root's there.
        mode(&directory, 0o1777);
        assert_eq!(problem(&file), None);
        for wrong in [&file, &directory] {
            chown(wrong, Some(1000), None).unwrap();
            assert_eq!(problem(&file), Some((wrong.clone(), ProgramProblem::NotRoots)));
            chown(wrong, Some(0), None).unwrap();
        }
        assert_eq!(problem(&directory), Some((directory, ProgramProblem::NoFile)));
        assert_eq!(problem(Path::new("x")), Some(("x".into(), ProgramProblem::NotAbsolute)));
    }

    #[test]
    fn links_are_judged_as_what_they_lead_through() {
        let base = tempfile::tempdir().unwrap();
        let top = fs::canonicalize(base.path()).unwrap();
        let at = |name: &str| top.join(name);
        for directory in ["scripts", "shared"] {
            fs::create_dir(at(directory)).unwrap();
        }
        fs::write(at("shared/hook"), "").unwrap();
        symlink("../shared/hook", at("scripts/pre-start")).unwrap();
        let link = at("scripts/pre-start");
        assert_eq!(judged("x", &link).unwrap(), at("shared/hook"));
        fs::set_permissions(at("shared"), fs::Permissions::from_mode(0o777)).unwrap();
        let by_others = ProgramProblem::WritableByOthers;
        assert_eq!(problem(&link), Some((at("shared"), by_others)));
        fs::set_permissions(at("shared"), fs::Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::lchown(&link, Some(1000), None).unwrap();
        assert_eq!(problem(&link), Some((link, ProgramProblem::NotRoots)));
        symlink("round", at("round")).unwrap();
        assert_eq!(problem(&at("round")), Some((at("round"), ProgramProblem::NoFile)));
    }
}
