//! `vapt-get`, `vyum`, `vdnf`, `vrpm`: a tool of VServers' package systems, run in each of those that are
//! meant (fact sheet 2.9), whether it runs or not.
//!
//! Each is an operation of its own. Of several some are at work at once; what one says is shown in one
//! piece when it has ended, so that no line of another is in it. The exit status is the worst of all: the
//! original's was the last one's (fact sheet B22). Nothing can be asked but by one VServer that is named,
//! at a terminal.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use app::i18n;
use domain::change::Change;
use domain::failure::Failure;
use domain::field::Problem;
use domain::id::{OperationId, VServerName};
use domain::note::Note;
use domain::operation::{Operation, Progress};
use domain::package::PackageTool;
use engine::Engine;
use engine::operation::Observer;

use super::caller::{Caller, actor};
use super::options::{Grammar, Opt, UsageError, joined, text};
use super::selection::{FILTERS, Selection};
use super::{begin_log, exit, signals};

/// What the original gave when no VServer was meant, and gives when one could not be entered.
const NOT_RUN: u8 = 255;
/// How many are at work at once, unless somebody says otherwise.
const JOBS: usize = 4;
const MOST_JOBS: usize = 64;

const OPTIONS: Grammar = Grammar {
    options: &joined::<{ OWN_OPTIONS.len() + FILTERS.len() }>(&OWN_OPTIONS, &FILTERS),
    takes_words: true,
};

const OWN_OPTIONS: [Opt; 5] = [
    Opt::value("config"),
    Opt::flag("quiet").or('q'),
    Opt::value("jobs").or('j'),
    Opt::flag("help"),
    Opt::flag("version"),
];

/// The name that a tool is called by on the host.
fn program_of(tool: PackageTool) -> &'static str {
    match tool {
        PackageTool::Yum => "vyum",
        PackageTool::Dnf => "vdnf",
        PackageTool::Rpm => "vrpm",
        PackageTool::AptGet | PackageTool::AptCache | PackageTool::AptConfig => "vapt-get",
    }
}

/// The tool that a program of this name runs.
fn tool_of(program: &str) -> Option<PackageTool> {
    let tools = [PackageTool::AptGet, PackageTool::Yum, PackageTool::Dnf, PackageTool::Rpm];
    tools.into_iter().find(|tool| program_of(*tool) == program)
}

/// Runs the program of this name, if it is one of these.
pub(super) fn program(name: &str, arguments: &[OsString]) -> Option<ExitCode> {
    let tool = tool_of(name)?;
    let caller = Caller::here(program_of(tool));
    Some(ExitCode::from(run(caller, tool, arguments.to_vec()).unwrap_or_else(|code| code)))
}

fn run(caller: Caller, tool: PackageTool, arguments: Vec<OsString>) -> Result<u8, u8> {
    let usage = |error: UsageError| {
        caller.complain(error.text(caller.locale));
        caller.hint(caller.locale.usage_of(&caller.locale.package_tool_usage(caller.program)));
        exit::FAILURE
    };
    let (head, told) = parts(arguments);
    let section = OPTIONS.parse(&head).map_err(usage)?;
    if section.has("--help") {
        let line = caller.locale.usage_of(&caller.locale.package_tool_usage(caller.program));
        let program = tool.program();
        caller.answer(format_args!("{line}\n\n{}", caller.locale.package_tool_explained(program)));
        return Ok(0);
    }
    if section.has("--version") {
        let version = env!("CARGO_PKG_VERSION");
        caller.answer(format_args!("{} {version} (Ulysse)", caller.program));
        return Ok(0);
    }
    let Some(told) = told.filter(|told| !told.is_empty()) else {
        caller.complain(caller.locale.tool_words_missing(tool.program(), caller.program));
        caller.hint(caller.locale.usage_of(&caller.locale.package_tool_usage(caller.program)));
        return Err(exit::FAILURE);
    };
    let told = told.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>().map_err(usage)?;
    let jobs = match section.value("--jobs").map_err(usage)?.as_deref().map(str::parse) {
        None => JOBS,
        Some(Ok(jobs)) if (1..=MOST_JOBS).contains(&jobs) => jobs,
        Some(_) => {
            let (option, max) = ("--jobs".to_owned(), MOST_JOBS as u64);
            let problem = Problem::OutOfRange { min: 1, max };
            return Err(usage(UsageError::OptionValue { option, problem }));
        }
    };
    let caller = Caller { silent: section.has("--quiet"), ..caller };
    begin_log(false);
    let engine = caller.engine(section.os_value("--config").map(PathBuf::from).as_deref())?;
    let filters = Selection::of(&section).map_err(usage)?;
    let is_named = filters.is_none();
    let names = match Selection::among(filters, section.words()) {
        Some(selection) => selection.choose(caller, &engine)?,
        None => Vec::new(),
    };
    match names.as_slice() {
        [] => {
            caller.complain(match is_named {
                true => caller.locale.no_vserver_meant(),
                false => caller.locale.none_let_through(),
            });
            Err(NOT_RUN)
        }
        [one] if is_named => Ok(of_one(caller, &engine, one, tool, told)),
        _ => Ok(of_several(caller, &engine, names, tool, &told, jobs)),
    }
}

/// What is meant, and what the tool is told: behind the `--` that follows a word.
fn parts(mut arguments: Vec<OsString>) -> (Vec<OsString>, Option<Vec<OsString>>) {
    if arguments.first().is_some_and(|word| word == "--") {
        arguments.remove(0);
    }
    match arguments.iter().position(|word| word == "--") {
        Some(at) => {
            let told = arguments.split_off(at).into_iter().skip(1).collect();
            (arguments, Some(told))
        }
        None => (arguments, None),
    }
}

/// Runs a tool in one VServer; gives its exit status.
pub(super) fn of_one(
    caller: Caller,
    engine: &Arc<Engine>,
    name: &VServerName,
    tool: PackageTool,
    arguments: Vec<String>,
) -> u8 {
    let asks = io::stdin().is_terminal() && io::stdout().is_terminal();
    let under_way = UnderWay::default();
    // At a terminal they are the tool's, and what ends the terminal ends that.
    if !asks {
        under_way.hear_signals(engine);
    }
    let said = Said { caller, under_way: &under_way, id: Mutex::default(), kept: None };
    let change = Change::PackageTool { name: name.clone(), tool, arguments, asks };
    ended(caller, engine.run_in_process(change, actor(), &said))
}

/// Tells why it failed, unless it has said so itself; gives the exit status.
fn ended(caller: Caller, operation: Result<Operation, Failure>) -> u8 {
    match operation {
        Ok(Operation { progress: Progress::Succeeded, .. }) => 0,
        Ok(Operation { progress: Progress::Failed { failure }, id, .. }) => match failure {
            Failure::PackageToolFailed { status, .. } => status,
            failure => {
                caller.tell(&failure, Some(&id));
                NOT_RUN
            }
        },
        Ok(operation) => {
            caller.tell_cancelled(&operation);
            exit::INTERRUPTED
        }
        Err(failure) => {
            caller.tell(&failure, None);
            NOT_RUN
        }
    }
}

/// Runs a tool in several VServers, so many at once; gives the worst of their exit statuses.
fn of_several(
    caller: Caller,
    engine: &Arc<Engine>,
    names: Vec<VServerName>,
    tool: PackageTool,
    arguments: &[String],
    jobs: usize,
) -> u8 {
    let under_way = UnderWay::default();
    under_way.hear_signals(engine);
    let (waiting, results) = (Mutex::new(VecDeque::from(names)), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let Some(name) = lock(&waiting).pop_front() else { return };
            if under_way.is_over() {
                lock(&results).push((name, exit::INTERRUPTED));
                continue;
            }
            let kept = Some(Mutex::default());
            let said = Said { caller, under_way: &under_way, id: Mutex::default(), kept };
            let arguments = arguments.to_vec();
            let change = Change::PackageTool { name: name.clone(), tool, arguments, asks: false };
            let operation = engine.run_in_process(change, actor(), &said);
            // What it said in one piece, and what is said about it.
            let mut results = lock(&results);
            said.show(&name);
            let status = ended(caller, operation);
            if status != 0 {
                let status = status.to_string();
                caller.complain(caller.locale.failed_with_status(name.as_str(), &status));
            }
            if !caller.silent {
                put(&mut io::stdout(), "\n");
            }
            results.push((name, status));
        }
    };
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(work);
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort();
    if !caller.silent {
        let rows = results.iter().map(|(name, status)| vec![name.to_string(), status.to_string()]);
        put(&mut io::stderr(), &super::columns(&rows.collect::<Vec<_>>()));
        let failed = results.iter().filter(|(_, status)| *status != 0).count().to_string();
        caller.note(caller.locale.package_summary(&results.len().to_string(), &failed));
    }
    results.iter().map(|(_, status)| *status).max().unwrap_or(NOT_RUN)
}

/// What operations of this process are under way, and whether they are to end.
#[derive(Clone, Default)]
struct UnderWay {
    ids: Arc<Mutex<Vec<OperationId>>>,
    is_over: Arc<AtomicBool>,
}

impl UnderWay {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Takes the signals that would end this process: whatever is under way is cancelled, and ends in order.
    fn hear_signals(&self, engine: &Arc<Engine>) {
        let (this, engine) = (self.clone(), Arc::clone(engine));
        signals::each_that_would_end(move |_| {
            this.is_over.store(true, Ordering::Relaxed);
            for id in lock(&this.ids).iter() {
                // One that has just ended is what is wanted.
                let _ = engine.cancel(id);
            }
        });
    }
}

/// What one operation says: shown as it comes, or kept for later.
struct Said<'a> {
    caller: Caller,
    under_way: &'a UnderWay,
    /// The operation, once it has an id; others that move are recovered on the way.
    id: Mutex<Option<OperationId>>,
    kept: Option<Mutex<String>>,
}

impl Said<'_> {
    fn is_other(&self, id: &OperationId) -> bool {
        let mut own = lock(&self.id);
        if own.is_none() {
            lock(&self.under_way.ids).push(id.clone());
        }
        own.get_or_insert_with(|| id.clone()) != id
    }

    /// Shows what was kept, under the title that the original gave it.
    fn show(&self, name: &VServerName) {
        let title = format!("{}: operating on vserver {name}", self.caller.program);
        let title = match io::stdout().is_terminal() {
            true => format!("\u{1b}[1m{title}\u{1b}[m\n"),
            false => format!("{title}\n"),
        };
        if !self.caller.silent {
            put(&mut io::stdout(), &title);
        }
        let text = self.kept.as_ref().map(|kept| std::mem::take(&mut *lock(kept)));
        self.put_lines(&text.unwrap_or_default());
    }

    /// The tool's own lines on standard output, ours on standard error. That it failed is told by itself.
    fn put_lines(&self, text: &str) {
        for line in text.split_inclusive('\n') {
            match Note::of_line(line) {
                None => put(&mut io::stdout(), line),
                Some(Note::Failed { .. }) => {}
                Some(note) => self.caller.note(i18n::note_text(self.caller.locale, &note)),
            }
        }
    }
}

impl Observer for Said<'_> {
    fn moved(&self, operation: &Operation) {
        self.is_other(&operation.id);
    }

    fn logged(&self, id: &OperationId, _bytes: u64, text: &str) {
        if self.is_other(id) {
            return;
        }
        match &self.kept {
            Some(kept) => lock(kept).push_str(text),
            None => self.put_lines(text),
        }
    }
}

/// Writes what can be written: a reader who went away is no error.
fn put(to: &mut impl Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tool_is_told_stands_behind_the_second_dashes() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in ["web -- install -y file", "-- web -- install -y file"] {
            let (head, told) = parts(words(line));
            assert_eq!((head, told), (words("web"), Some(words("install -y file"))), "{line}");
        }
        assert_eq!(parts(words("--all -- a -- b")).1, Some(words("a -- b")));
        assert_eq!(parts(words("web install")).1, None);
    }

    #[test]
    fn vservers_are_chosen_as_elsewhere() {
        for word in ["--all", "--running", "--unmarked", "--mark=~web", "--names=web,mail"] {
            let section = OPTIONS.parse(&[word.into()]).unwrap();
            assert!(Selection::of(&section).unwrap().is_some(), "{word}");
        }
        assert!(OPTIONS.supported().contains("--names"));
    }

    #[test]
    fn each_tool_has_a_program_of_its_own() {
        for program in ["vapt-get", "vyum", "vdnf", "vrpm"] {
            assert_eq!(program_of(tool_of(program).unwrap()), program);
        }
        assert_eq!(tool_of("vserver"), None);
    }
}
