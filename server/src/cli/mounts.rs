//! `mounts` and `remount`: what a VServer sees mounted, and giving a tmpfs of it the size and flags that its fstab
//! says by now.

use std::ffi::OsString;

use domain::failure::Failure;
use domain::fstab::SeenMount;
use domain::id::VServerName;
use domain::{command, tmpfs::TmpfsLine};
use engine::Engine;

use super::caller::Caller;
use super::exit;
use super::options::{Grammar, Opt, UsageError, text};

const REMOUNT: Grammar = Grammar { options: &[Opt::flag("help")], takes_words: true };

/// Where it is mounted, of the words after `remount`.
pub(super) fn understand(arguments: &[OsString]) -> Result<String, UsageError> {
    let words = REMOUNT.parse(arguments)?.words();
    match words.as_slice() {
        [target] => text(target),
        [] => Err(UsageError::TargetMissing),
        [_, word, ..] => {
            Err(UsageError::WordNotExpected { word: word.to_string_lossy().into_owned() })
        }
    }
}

/// Prints what it sees mounted, in the order in which it was; and what its fstab says otherwise by now.
pub(super) fn mounts(caller: Caller, engine: &Engine, name: &VServerName) -> u8 {
    let seen = match engine.mounts(name) {
        Ok(Some(seen)) => seen,
        Ok(None) => {
            caller.tell(&Failure::NotRunning { name: name.clone() }, None);
            return exit::FAILURE;
        }
        Err(failure) => {
            caller.tell(&failure, None);
            return exit::FAILURE;
        }
    };
    for mount in &seen {
        let SeenMount { target, fs_type, source, options, .. } = mount;
        caller.answer(format_args!("{source} on {target} type {fs_type} ({options})"));
    }
    let lines = seen.iter().filter_map(|mount| mount.tmpfs.as_ref());
    for TmpfsLine { file, number, target, wanted, .. } in lines.filter(|line| !line.is_as_wanted())
    {
        let place = format!("{file}:{number}");
        let line = command::remount(name, target).line();
        caller.hint(caller.locale.fstab_says(&place, target, &wanted.line(), &line));
    }
    0
}
