//! `rename` and `set`: another name, context number, host name, other addresses; what is typed, and doing
//! it or only saying what would be done.

use std::ffi::OsString;
use std::sync::Arc;

use domain::change::Change;
use domain::id::VServerName;
use domain::identity::IdentityForm;
use engine::Engine;

use super::caller::Caller;
use super::change::{self, Ended};
use super::options::{Grammar, Opt, Section, UsageError, text};

const OPTIONS: Grammar = Grammar {
    options: &[
        Opt::flag("help"),
        Opt::value("context"),
        Opt::value("hostname"),
        Opt::value("interface"),
        Opt::flag("restart"),
        Opt::flag("dry-run"),
    ],
    takes_words: false,
};

const UNDELETE: Grammar = Grammar {
    options: &[
        Opt::flag("help"),
        Opt::value("as"),
        Opt::value("context"),
        Opt::value("hostname"),
        Opt::value("interface"),
    ],
    takes_words: false,
};

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    form: IdentityForm,
    /// Whether it is only said what would be done.
    is_dry: bool,
}

/// Understands what follows `rename`.
pub(super) fn rename(arguments: &[OsString]) -> Result<Wanted, UsageError> {
    // The new name stands first or last.
    let is_option = |word: &OsString| word.to_string_lossy().starts_with('-');
    let (name, options) = match arguments {
        [name, options @ ..] if !is_option(name) => (name, options),
        [options @ .., name] if !is_option(name) => (name, options),
        _ => return Err(UsageError::NewNameMissing),
    };
    let wanted = set(options)?;
    Ok(Wanted { form: IdentityForm { name: text(name)?, ..wanted.form }, ..wanted })
}

/// Understands what follows `set`.
pub(super) fn set(arguments: &[OsString]) -> Result<Wanted, UsageError> {
    let section = OPTIONS.parse(arguments)?;
    let form = IdentityForm { restart: section.has("--restart"), ..form(&section)? };
    Ok(Wanted { form, is_dry: section.has("--dry-run") })
}

/// Understands what follows `undelete`.
pub(super) fn undelete(arguments: &[OsString]) -> Result<IdentityForm, UsageError> {
    let section = UNDELETE.parse(arguments)?;
    let name = section.value("--as")?.unwrap_or_default();
    Ok(IdentityForm { name, ..form(&section)? })
}

fn form(section: &Section) -> Result<IdentityForm, UsageError> {
    Ok(IdentityForm {
        name: String::new(),
        context: section.value("--context")?.unwrap_or_default(),
        host_name: section.value("--hostname")?.unwrap_or_default(),
        interfaces: section.values("--interface")?.join("\n"),
        restart: false,
    })
}

/// Changes what a VServer is known by, or says what that would do.
pub(super) fn change(
    caller: Caller,
    engine: &Arc<Engine>,
    name: VServerName,
    wanted: Wanted,
) -> u8 {
    let Wanted { form, is_dry } = wanted;
    if is_dry {
        return match engine.plan_identity(&name, &form) {
            Ok(plan) => {
                for change in plan.changes {
                    caller.answer(change.command());
                    for line in change.long_text().into_iter().flat_map(str::lines) {
                        caller.answer(format_args!("  {line}"));
                    }
                }
                0
            }
            Err(failure) => change::refused(caller, &failure),
        };
    }
    match change::run(caller, engine, Change::Identity { name, form }) {
        Ended::Done(_) => 0,
        Ended::Told(code) => code,
        Ended::Refused(failure) => change::refused(caller, &failure),
    }
}
