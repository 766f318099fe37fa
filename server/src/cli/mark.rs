//! `vserver NAME mark [MARK]` and `unmark`: what is typed after the command, for one VServer and for many.

use std::ffi::OsString;

use domain::boot::DEFAULT_MARK;
use domain::id::Mark;

use super::options::{Grammar, Opt, UsageError, text};

const GRAMMAR: Grammar = Grammar { options: &[Opt::flag("help")], takes_words: true };

/// Which mark: that of VServers that start with the host, when none is named.
pub(super) fn understand(arguments: &[OsString]) -> Result<Mark, UsageError> {
    let mut words = GRAMMAR.parse(arguments)?.words().into_iter();
    let mark = words.next().map_or_else(|| Ok(DEFAULT_MARK.to_owned()), |word| text(&word))?;
    if let Some(word) = words.next() {
        return Err(UsageError::WordNotExpected { word: word.to_string_lossy().into_owned() });
    }
    mark.parse().map_err(|problem| UsageError::OptionValue { option: mark.clone(), problem })
}
