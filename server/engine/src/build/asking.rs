//! What a program says of a VServer's files, asked without changing them: a [`stage`](super::stage) for a
//! program that only looks.
//!
//! The program, the files and the answer are a stranger's. What the program writes is in memory and gone
//! with it; it reaches no network, may use little of everything, and has so long and no longer. A program
//! of the VServer's own sees the VServer's files and nothing of the host's.
//!
//! Not here: what an answer means. It is bytes, of a size that was agreed on.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use domain::failure::Failure;
use domain::note::NoAnswer;

use super::BuildError;
use super::running::{self, Running};
use super::stage::{NotRun, StagePlan};
use crate::engine::Instance;
use crate::operation::{Stopped, Work};
use crate::program::SEARCH_PATH;
use crate::roots::{IDS_PER_VSERVER, OWN_FIRST_HOST_ID};

/// Where a program of the host's finds the files.
pub(crate) const FILES: &str = super::stage::TARGET;

/// The most characters of what a program said last that are told.
const LAST_WORDS: usize = 300;

/// A program that is asked.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// The VServer's files.
    pub(crate) root: &'a Path,
    /// The program, by its whole path, and its arguments.
    pub(crate) command: Vec<String>,
    /// Whether it is the VServer's own, which has the files as its root; the host's finds them at
    /// [`FILES`].
    pub(crate) is_own: bool,
    /// How long it may take.
    pub(crate) patience: Duration,
    /// How many bytes it may say.
    pub(crate) most_bytes: usize,
}

/// Asks; the answer is what the program said, its complaints among it.
///
/// # Errors
/// When it is cancelled. That there is no answer is an answer, too.
pub(crate) fn ask(
    instance: &Instance,
    work: &mut Work<'_>,
    question: Question<'_>,
) -> Result<Result<String, NoAnswer>, Stopped> {
    let plan = StagePlan {
        directory: question.root.to_owned(),
        // Not the VServer's: it may run, and what is asked here is none of its processes.
        first_host_id: OWN_FIRST_HOST_ID,
        host_ids: IDS_PER_VSERVER,
        command: question.command,
        environment: [("PATH", SEARCH_PATH), ("HOME", "/"), ("LC_ALL", "C")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        writes_target_only: true,
        only_looks: true,
        leaves_host: question.is_own,
        ..StagePlan::default()
    };
    work.log(&domain::build::shell_line(&plan.command));
    let not_run = |source| {
        let failure = Box::new(BuildError::Stage { source }.into());
        NoAnswer::NotRun { failure }
    };
    let (mut running, output) = match Running::start(&instance.executable, &plan) {
        Ok(started) => started,
        Err(error) => return Ok(Err(not_run(error))),
    };
    let said = match hear(work, output, question.patience, question.most_bytes)? {
        Ok(said) => said,
        Err(no_answer) => return Ok(Err(no_answer)),
    };
    let status = match running.wait() {
        Ok(status) => status,
        Err(error) => return Ok(Err(not_run(error))),
    };
    if status.success() {
        return Ok(Ok(said));
    }
    let last = said.lines().next_back().unwrap_or_default();
    Ok(Err(match serde_json::from_str::<NotRun>(last) {
        // Whoever is asked can say that, too: words are all that is taken of it.
        Ok(why) => {
            let why = NotRun { while_doing: shown(&why.while_doing), unmappable: None, ..why };
            NoAnswer::NotRun { failure: Box::new(Failure::from(&why)) }
        }
        Err(_) => NoAnswer::Failed { detail: format!("{status}: {}", shown(last)) },
    }))
}

/// A stranger's words, as they can be shown.
fn shown(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(LAST_WORDS).collect()
}

/// Reads what comes until nobody is left who could say more.
fn hear(
    work: &mut Work<'_>,
    mut output: File,
    patience: Duration,
    most_bytes: usize,
) -> Result<Result<String, NoAnswer>, Stopped> {
    let failed = |source| BuildError::Stage { source };
    let deadline = Instant::now() + patience;
    let mut said = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        work.go_on()?;
        if Instant::now() >= deadline {
            return Ok(Err(NoAnswer::TooLate { seconds: patience.as_secs() }));
        }
        if !running::is_readable(&output).map_err(failed)? {
            continue;
        }
        match output.read(&mut buffer).map_err(failed)? {
            0 => return Ok(Ok(String::from_utf8_lossy(&said).into_owned())),
            read => said.extend(buffer.iter().take(read)),
        }
        if said.len() > most_bytes {
            return Ok(Err(NoAnswer::TooLong));
        }
    }
}
