//! Which VServer a word on the command line names (fact sheet 2.1).

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use domain::field::Problem;
use domain::id::{ContextId, VServerName};
use engine::roots::Roots;
use engine::state::GuestState;

use super::caller::Caller;
use super::exit;

/// Why a word names no VServer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NameError {
    /// It cannot be a name.
    Bad { problem: Problem },
    /// A path that is no config directory of this instance.
    Elsewhere { path: PathBuf, base: PathBuf },
    /// There is none of this name.
    Missing { name: VServerName, path: PathBuf },
}

impl NameError {
    /// Tells it; gives the exit status.
    pub(super) fn tell(self, caller: Caller) -> u8 {
        let locale = caller.locale;
        match self {
            Self::Bad { problem } => {
                let colon = locale.colon();
                let text = app::i18n::problem_text(locale, &problem);
                caller.complain(format_args!("{}{colon}{text}", locale.name_word()));
                caller.hint(locale.help_hint());
            }
            Self::Elsewhere { path, base } => {
                let (path, base) = (path.display().to_string(), base.display().to_string());
                caller.complain(locale.not_a_vserver_directory(&path, &base));
            }
            Self::Missing { name, path } => {
                let path = path.display().to_string();
                caller.complain(locale.no_config_directory(name.as_str(), &path));
                caller.hint(locale.spelling_hint());
                caller.hint(locale.build_hint());
                caller.hint(locale.help_hint());
            }
        }
        exit::NO_CONFIG
    }
}

/// The name that a word means: a name, with one `/` after it or not; the path of a config directory;
/// the context number of a VServer that runs.
pub(super) fn resolve(roots: &Roots, word: &OsStr) -> Result<VServerName, NameError> {
    let shown = word.to_string_lossy();
    let text = shown.strip_suffix('/').unwrap_or(&shown);
    if text.contains('/') {
        return resolve_path(roots, Path::new(word));
    }
    let as_name: Result<VServerName, Problem> = text.parse();
    let is_there = |name: &VServerName| roots.config_of(name).is_dir();
    match as_name {
        Ok(name) if is_there(&name) => Ok(name),
        as_name => match text.parse::<ContextId>().ok().and_then(|id| running_as(roots, id)) {
            Some(name) => Ok(name),
            None => as_name.map_err(|problem| NameError::Bad { problem }),
        },
    }
}

fn running_as(roots: &Roots, context: ContextId) -> Option<VServerName> {
    let states = GuestState::all(roots).unwrap_or_default();
    states.into_iter().find(|s| s.context == context && s.is_running()).map(|state| state.name)
}

fn resolve_path(roots: &Roots, path: &Path) -> Result<VServerName, NameError> {
    let elsewhere =
        || NameError::Elsewhere { path: path.to_owned(), base: roots.config_base.clone() };
    let real = fs::canonicalize(path).map_err(|_| elsewhere())?;
    let base = fs::canonicalize(&roots.config_base).map_err(|_| elsewhere())?;
    if real.parent() != Some(base.as_path()) {
        return Err(elsewhere());
    }
    let name = real.file_name().and_then(OsStr::to_str).and_then(|name| name.parse().ok());
    name.ok_or_else(elsewhere)
}

/// The name, when there is a VServer of it: a config directory, or the record of a start whose config
/// directory is gone.
pub(super) fn existing(roots: &Roots, word: &OsStr) -> Result<VServerName, NameError> {
    let name = resolve(roots, word)?;
    let path = roots.config_of(&name);
    let is_known = path.is_dir() || matches!(GuestState::read(roots, &name), Ok(Some(_)));
    if is_known { Ok(name) } else { Err(NameError::Missing { name, path }) }
}
