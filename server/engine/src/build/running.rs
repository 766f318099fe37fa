//! A program in its stage, seen from the engine: starting it, hearing it line by line, ending it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use domain::failure::Failure;
use rustix::event::{PollFd, PollFlags, poll};
use sys::wait::timespec;

use super::BuildError;
use super::stage::{self, NotRun, StagePlan};
use crate::engine::Instance;
use crate::operation::{Stopped, Work, crash_point};

/// How often somebody who waits looks whether the wait is still wanted.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The longest line of a program that is heard, in bytes.
const LINE_BYTES: u64 = 8 * 1024;

/// A stage in progress; ends, with all it started, when this does.
pub(super) struct Running {
    child: Child,
}

impl Running {
    /// Starts a stage; what comes out of it is to be read from the file.
    pub(super) fn start(executable: &Path, plan: &StagePlan) -> io::Result<(Self, File)> {
        let (output, input) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        Ok((Self::start_into(executable, plan, input, None)?, output.into()))
    }

    /// Starts a stage that writes into `input`; `line_out` is its line to the network, if it has one.
    pub(super) fn start_into(
        executable: &Path,
        plan: &StagePlan,
        input: OwnedFd,
        line_out: Option<OwnedFd>,
    ) -> io::Result<Self> {
        let mut command = Command::new(executable);
        command
            .arg(stage::ROLE)
            // A Ctrl-C is the caller's to hear: it cancels, and what was done is undone in order.
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(input.try_clone()?)
            .stderr(input);
        sys::descriptor::hand_on(
            &mut command,
            line_out.into_iter().map(|descriptor| (descriptor, stage::LINE_OUT)).collect(),
        );
        let child = command.spawn()?;
        let mut running = Self { child };
        let mut line = serde_json::to_vec(plan)?;
        line.push(b'\n');
        if let Some(stdin) = running.child.stdin.as_mut() {
            stdin.write_all(&line)?;
        }
        Ok(running)
    }

    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of its input is its word to end; it waits for all it started.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Runs a stage to its end and lets `heard` have every line of it. What kept the program from being
/// run at all is a failure; how the program itself ended is the answer.
///
/// # Errors
/// When it is cancelled, or was never run.
pub(super) fn run<'a>(
    instance: &Instance,
    work: &mut Work<'a>,
    plan: &StagePlan,
    heard: impl FnMut(&mut Work<'a>, &str),
) -> Result<ExitStatus, Stopped> {
    work.log(&domain::build::shell_line(&plan.command));
    let failed = |source| BuildError::Stage { source };
    let (running, output) = Running::start(&instance.executable, plan).map_err(failed)?;
    hear(running, output, work, heard)
}

/// As [`run`], for a stage that was started.
///
/// # Errors
/// When it is cancelled, or was never run.
pub(super) fn hear<'a>(
    mut running: Running,
    output: File,
    work: &mut Work<'a>,
    mut heard: impl FnMut(&mut Work<'a>, &str),
) -> Result<ExitStatus, Stopped> {
    let failed = |source| BuildError::Stage { source };
    let mut not_run: Option<NotRun> = None;
    let mut lines = BufReader::new(output);
    while let Some(line) = next_line(&mut lines, work).map_err(|stopped| match stopped {
        Waiting::Cancelled => Stopped::Cancelled,
        Waiting::Broken(source) => failed(source).into(),
    })? {
        if line == stage::FROZEN {
            crash_point("build:files-frozen");
        } else if let Some(found) =
            line.strip_prefix('{').and_then(|_| serde_json::from_str(&line).ok())
        {
            not_run = Some(found);
        } else {
            heard(work, &line);
        }
    }
    let status = running.wait().map_err(failed)?;
    match not_run {
        Some(why) if !status.success() => Err(Failure::from(&why).into()),
        _ => Ok(status),
    }
}

/// Why waiting for a line ended.
pub(super) enum Waiting {
    Cancelled,
    Broken(io::Error),
}

/// The next line of a program's output, cut to what a log takes; none at its end. A line that is
/// written again and again (its end is a carriage return) is a line each time.
pub(super) fn next_line(
    lines: &mut BufReader<File>,
    work: &mut Work<'_>,
) -> Result<Option<String>, Waiting> {
    let mut line = Vec::new();
    loop {
        if work.is_cancelled() {
            return Err(Waiting::Cancelled);
        }
        if lines.buffer().is_empty() && !is_readable(lines.get_ref()).map_err(Waiting::Broken)? {
            continue;
        }
        let room = LINE_BYTES.saturating_sub(line.len() as u64).max(1);
        let read = lines.by_ref().take(room).read_until_now(&mut line).map_err(Waiting::Broken)?;
        let is_whole =
            line.last().copied().is_some_and(ends_line) || line.len() as u64 >= LINE_BYTES;
        if read == 0 && line.is_empty() {
            return Ok(None);
        }
        if read == 0 || is_whole {
            return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
        }
    }
}

fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Reading what is there, without waiting for a line's end that may never come.
trait ReadUntilNow {
    fn read_until_now(&mut self, line: &mut Vec<u8>) -> io::Result<usize>;
}

impl<R: BufRead> ReadUntilNow for R {
    fn read_until_now(&mut self, line: &mut Vec<u8>) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let used = match available.iter().position(|byte| ends_line(*byte)) {
            Some(index) => index + 1,
            None => available.len(),
        };
        line.extend(available.iter().take(used));
        self.consume(used);
        Ok(used)
    }
}

/// Waits a moment for a pipe to have something, or to have ended.
pub(super) fn is_readable(pipe: &File) -> io::Result<bool> {
    match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&timespec(LOOK_EVERY))) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
