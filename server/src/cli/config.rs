//! `vserver NAME config`: the files of a config tree seen, explained, set, edited, and undone.
//!
//! `NAME` may be `.defaults` or `.distributions`. A change is judged as one from the web is, but that root on the host may
//! change what reaches beyond the VServer. What is only looked at is printed as it is.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::process::Command as Program;
use std::sync::Arc;

use app::i18n::{
    author_text, entry_kind_text, entry_meaning, expected_text, format, not_editable_text, use_text,
};
use domain::change::Change;
use domain::config_change::{ConfigEdit, ConfigRecord, FileState, FileView, NotEditable};
use domain::config_entry::{
    Access, ConfigEntry, ConfigPath, ConfigTree, Digest, EntryKind, MAX_TEXT_BYTES,
};
use domain::diff::{self, Fate};
use domain::failure::Failure;
use engine::Engine;

use super::caller::Caller;
use super::change::{self, Ended};
use super::exit;
use super::options::{UsageError, text};

/// What is to be done with a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Print every file and its first line.
    List,
    /// Print a file.
    Show(ConfigPath),
    /// Say what a file means.
    Explain(ConfigPath),
    /// Write these lines into a file; none makes an empty one, `-` reads standard input.
    Set(ConfigPath, Vec<String>),
    /// Remove a file.
    Unset(ConfigPath),
    /// Change a file in an editor.
    Edit(ConfigPath),
    /// Print what was changed.
    History(Option<ConfigPath>),
    /// Undo a change.
    Undo(u32),
}

/// The words for them.
pub(super) const ACTIONS: &str = "list, show, explain, set, unset, edit, history, undo";

/// Understands the words after `config`.
pub(super) fn understand(words: &[OsString]) -> Result<Action, UsageError> {
    let mut words = words.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>()?.into_iter();
    let action = words.next().unwrap_or_else(|| "list".to_owned());
    let needed = |words: &mut std::vec::IntoIter<String>| match words.next() {
        Some(word) => word
            .parse::<ConfigPath>()
            .map_err(|problem| UsageError::ConfigPathWrong { word, problem }),
        None => Err(UsageError::ConfigPathMissing),
    };
    let understood = match action.as_str() {
        "list" => Action::List,
        "show" => Action::Show(needed(&mut words)?),
        "explain" => Action::Explain(needed(&mut words)?),
        "set" => {
            let path = needed(&mut words)?;
            return Ok(Action::Set(path, words.collect()));
        }
        "unset" => Action::Unset(needed(&mut words)?),
        "edit" => Action::Edit(needed(&mut words)?),
        "history" => match words.len() {
            0 => Action::History(None),
            _ => Action::History(Some(needed(&mut words)?)),
        },
        "undo" => match words.next().and_then(|word| word.parse().ok()) {
            Some(number) => Action::Undo(number),
            None => return Err(UsageError::ConfigNumberMissing),
        },
        _ => {
            let supported = ACTIONS.to_owned();
            return Err(UsageError::ConfigActionUnknown { word: action, supported });
        }
    };
    match words.next() {
        Some(word) => Err(UsageError::WordNotExpected { word }),
        None => Ok(understood),
    }
}

/// Does it; the exit status.
pub(super) fn config(caller: Caller, engine: &Arc<Engine>, tree: ConfigTree, action: Action) -> u8 {
    let result = match action {
        Action::List => list(caller, engine, &tree),
        Action::Show(path) => show(caller, engine, &tree, &path),
        Action::Explain(path) => explain(caller, engine, &tree, &path),
        Action::History(path) => history(caller, engine, &tree, path.as_ref()),
        Action::Set(path, values) => set(caller, engine, tree, path, &values),
        Action::Unset(path) => unset(caller, engine, tree, path),
        Action::Edit(path) => edit(caller, engine, tree, path),
        Action::Undo(number) => Ok(run(caller, engine, Change::UndoConfig { tree, number })),
    };
    result.unwrap_or_else(|failure| told(caller, &failure))
}

/// Tells a failure, every line of a refused text included; the exit status.
fn told(caller: Caller, failure: &Failure) -> u8 {
    let locale = caller.locale;
    match failure {
        Failure::ConfigRefused { problems } => {
            for problem in problems {
                let expected = expected_text(locale, &problem.expected);
                let line = problem.line.to_string();
                caller.complain(locale.file_problem(&problem.path, &line, &expected));
            }
            caller.hint(locale.nothing_done());
        }
        // Nothing need be done: a second `set` of the same is no mistake.
        Failure::ConfigUnchanged => {
            caller.note(app::i18n::failure_text(locale, failure).what);
            return 0;
        }
        _ => caller.tell(failure, None),
    }
    exit::FAILURE
}

fn run(caller: Caller, engine: &Arc<Engine>, change: Change) -> u8 {
    match change::run(caller, engine, change) {
        Ended::Done(_) => 0,
        Ended::Told(code) => code,
        Ended::Refused(failure) => told(caller, &failure),
    }
}

fn list(caller: Caller, engine: &Engine, tree: &ConfigTree) -> Result<u8, Failure> {
    for file in engine.config_files(tree)?.into_iter().filter(|file| !file.is_shipped) {
        let mut lines = file.text.lines();
        let first = lines.next().unwrap_or_default();
        let more = if lines.next().is_some() { " …" } else { "" };
        let line = format!("{:<32} {first}{more}", file.path);
        caller.answer(line.trim_end());
    }
    Ok(0)
}

fn show(
    caller: Caller,
    engine: &Engine,
    tree: &ConfigTree,
    path: &ConfigPath,
) -> Result<u8, Failure> {
    let locale = caller.locale;
    match engine.config_file(tree, path)?.state {
        FileState::Text { text, .. } => {
            caller.print(format_args!("{text}"));
            return Ok(0);
        }
        FileState::Link { target } => caller.answer(format_args!("→ {target}")),
        FileState::Absent => {
            caller.complain(locale.nothing_there());
            return Ok(exit::FAILURE);
        }
        FileState::NotText { bytes, .. } => {
            caller.complain(locale.bytes_not_text(&format::bytes(locale, bytes)));
            return Ok(exit::FAILURE);
        }
        FileState::Other => {
            caller.complain(not_editable_text(locale, NotEditable::NotAFile));
            return Ok(exit::FAILURE);
        }
    }
    Ok(0)
}

fn explain(
    caller: Caller,
    engine: &Engine,
    tree: &ConfigTree,
    path: &ConfigPath,
) -> Result<u8, Failure> {
    let locale = caller.locale;
    let view = engine.config_file(tree, path)?;
    let Some(entry) = ConfigEntry::of(tree, path) else {
        caller.complain(locale.unknown_entry());
        return Ok(exit::FAILURE);
    };
    let colon = locale.colon();
    caller.answer(entry_meaning(locale, entry));
    let row = |label: &str, text: &str| caller.answer(format_args!("{label}{colon}{text}"));
    row(locale.how_it_is_read(), entry_kind_text(locale, entry.kind()));
    row(locale.default_value(), entry.default_text().unwrap_or(locale.no_default()));
    row(locale.in_use(), use_text(locale, view.in_use));
    if entry.access() == Access::ByHand {
        caller.answer(not_editable_text(locale, NotEditable::ByHand));
    }
    Ok(0)
}

fn history(
    caller: Caller,
    engine: &Engine,
    tree: &ConfigTree,
    path: Option<&ConfigPath>,
) -> Result<u8, Failure> {
    let records = match path {
        Some(path) => engine.config_file(tree, path)?.history,
        None => engine.config_history(tree)?,
    };
    if records.is_empty() {
        caller.note(caller.locale.no_history());
    }
    for record in records {
        caller.answer(shown(caller, &record));
    }
    Ok(0)
}

/// A change, as the history prints it: who and when, then what, like a patch.
fn shown(caller: Caller, record: &ConfigRecord) -> String {
    let locale = caller.locale;
    let mut lines = vec![format!(
        "{} · {} · {}",
        locale.change_number(&record.number.to_string()),
        format::instant(locale, record.at),
        author_text(locale, &record.author)
    )];
    if let Some(number) = record.undoes {
        lines.push(format!("  {}", locale.undoes_change(&number.to_string())));
    }
    for file in &record.files {
        lines.push(format!("  {}", file.path));
        let (Some(before), Some(after)) = (file.before.text(), file.after.text()) else {
            lines.push(format!("    {}", locale.not_kept_as_text()));
            continue;
        };
        if before == after {
            let is_there = file.after != domain::config_change::Kept::Absent;
            let word = if is_there { locale.line_added() } else { locale.line_removed() };
            lines.push(format!("    {word}"));
        }
        for line in diff::groups(before, after).into_iter().flatten() {
            let mark = match line.fate {
                Fate::Kept => ' ',
                Fate::Removed => '-',
                Fate::Added => '+',
            };
            // What somebody wrote into a file does not move the reader's cursor.
            let text: String = line.text.chars().filter(|c| !c.is_control()).collect();
            lines.push(format!("    {mark}{text}"));
        }
    }
    lines.join("\n")
}

fn digest(view: &FileView) -> Option<Digest> {
    match &view.state {
        FileState::Text { digest, .. } => Some(digest.clone()),
        FileState::NotText { digest, .. } => digest.clone(),
        _ => None,
    }
}

fn write(
    caller: Caller,
    engine: &Arc<Engine>,
    tree: ConfigTree,
    view: &FileView,
    text: Option<&str>,
) -> u8 {
    let entry = ConfigEntry::of(&tree, &view.path);
    let text = text.map(|text| match entry {
        Some(entry) => entry.as_written(text),
        None => text.to_owned(),
    });
    let edit = ConfigEdit { path: view.path.clone(), seen: digest(view), text };
    run(caller, engine, Change::Configure { tree, edits: vec![edit] })
}

fn set(
    caller: Caller,
    engine: &Arc<Engine>,
    tree: ConfigTree,
    path: ConfigPath,
    values: &[String],
) -> Result<u8, Failure> {
    let text = match values {
        [word] if word == "-" => {
            let mut text = String::new();
            let most = MAX_TEXT_BYTES as u64 + 1;
            if let Err(error) = std::io::stdin().lock().take(most).read_to_string(&mut text) {
                return Err(Failure::Unexpected { detail: format!("standard input: {error}") });
            }
            text
        }
        values => values.iter().map(|value| format!("{value}\n")).collect(),
    };
    let view = engine.config_file(&tree, &path)?;
    Ok(write(caller, engine, tree, &view, Some(&text)))
}

fn unset(
    caller: Caller,
    engine: &Arc<Engine>,
    tree: ConfigTree,
    path: ConfigPath,
) -> Result<u8, Failure> {
    let view = engine.config_file(&tree, &path)?;
    if view.state == FileState::Absent {
        caller.note(caller.locale.nothing_there());
        return Ok(0);
    }
    Ok(write(caller, engine, tree, &view, None))
}

/// Opens a copy in the caller's editor, and saves what comes of it.
fn edit(
    caller: Caller,
    engine: &Arc<Engine>,
    tree: ConfigTree,
    path: ConfigPath,
) -> Result<u8, Failure> {
    let view = engine.config_file(&tree, &path)?;
    let entry = ConfigEntry::of(&tree, &path);
    let text = match &view.state {
        FileState::Text { text, .. } => text.as_str(),
        FileState::Absent => "",
        _ => return Ok(write(caller, engine, tree, &view, Some(""))),
    };
    if entry.is_some_and(|entry| entry.kind() == EntryKind::Switch) {
        return Ok(write(caller, engine, tree, &view, Some("")));
    }
    let edited = edited(path.leaf(), text)
        .map_err(|error| Failure::Unexpected { detail: format!("editor: {error}") })?;
    match edited {
        Some(edited) => Ok(write(caller, engine, tree, &view, Some(&edited))),
        None => {
            caller.complain(caller.locale.nothing_done());
            Ok(exit::FAILURE)
        }
    }
}

/// What comes of a text in the caller's editor; none when the editor says that it failed.
fn edited(name: &str, text: &str) -> std::io::Result<Option<String>> {
    let is_said = |variable: &&str| env::var(variable).is_ok_and(|value| !value.trim().is_empty());
    let editor = ["VISUAL", "EDITOR"].into_iter().find(is_said).and_then(|v| env::var(v).ok());
    let editor = editor.unwrap_or_else(|| "editor".to_owned());
    let mut words = editor.split_whitespace();
    // In a directory of its own: editors leave other files beside the one they edit.
    let directory = Directory::make()?;
    let file = directory.0.join(name);
    fs::write(&file, text)?;
    let status = Program::new(words.next().unwrap_or("editor")).args(words).arg(&file).status()?;
    if !status.success() {
        return Ok(None);
    }
    let mut edited = String::new();
    fs::File::open(&file)?.take(MAX_TEXT_BYTES as u64 + 1).read_to_string(&mut edited)?;
    Ok(Some(edited))
}

/// A directory that nobody else can look into, gone with everything in it when it is dropped.
struct Directory(std::path::PathBuf);

impl Directory {
    fn make() -> std::io::Result<Self> {
        let template = env::temp_dir().join("ulysse-config-XXXXXX");
        nix::unistd::mkdtemp(&template).map(Self).map_err(Into::into)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What stays is in the directory for temporary files, and of this process's user.
        let _ = fs::remove_dir_all(&self.0);
    }
}
