//! English: what is said of one change to many VServers.

use domain::batch::{Halt, Outcome, Tally};
use domain::id::VServerName;
use domain::note::Note;

use super::failure::failure as failure_of_one;
use super::text::English;
use crate::i18n::batch::BatchMessages;
use crate::i18n::messages::texts;

/// How many came to what.
pub(in crate::i18n) fn tally(tally: Tally) -> String {
    let Tally { done, unneeded, failed, cancelled, not_begun } = tally;
    let parts = [
        (done, "done"),
        (unneeded, "so already"),
        (failed, "failed"),
        (cancelled, "cancelled"),
        (not_begun, "not begun"),
    ];
    let said = parts.into_iter().filter(|(count, _)| *count > 0);
    said.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// Why a batch did not come to its end, and what to do about it.
pub(super) fn failure(of: Tally, failed: &[VServerName]) -> (String, String) {
    let names = failed.iter().map(VServerName::as_str).collect::<Vec<_>>().join(", ");
    let names = match failed.is_empty() {
        true => String::new(),
        false => format!(" Failed: {names}."),
    };
    (
        format!("Of {} VServers: {}.{names}", of.all(), tally(of)),
        "What was done stays done. Look at why each failed, then ask for the rest again.".into(),
    )
}

/// What became of one.
pub(in crate::i18n) fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "done".into(),
        Outcome::Unneeded { found } => format!("nothing to do: {}", failure_of_one(found).0),
        Outcome::Failed { failure } => {
            let (what, remedy) = failure_of_one(failure);
            format!("failed: {what} {remedy}")
        }
        Outcome::Cancelled => "cancelled".into(),
        Outcome::NotBegun => "not begun".into(),
    }
}

/// Why no more are begun.
fn halt(halt: Halt) -> &'static str {
    match halt {
        Halt::Cancelled => "it was cancelled",
        Halt::CanaryFailed => "one of the first, which were to be tried before the others, failed",
        Halt::TooManyFailed => "as many failed as were allowed to",
        Halt::Interrupted => "the process that did it was ended",
    }
}

/// A line of a batch's log; of other notes nothing.
pub(super) fn note(note: &Note) -> String {
    match note {
        Note::OneOfManyBegun { name, operation } => format!("{name}: begun ({operation})."),
        Note::OneOfManyEnded { name, outcome: of } => format!("{name}: {}", outcome(of)),
        Note::NoMoreBegun { halt: why, left } => {
            format!("{left} are not begun any more: {}.", halt(*why))
        }
        _ => String::new(),
    }
}

impl BatchMessages for English {
    texts! {
        // The command line.
        nobody_chosen = "no VServer is chosen: nothing to do";
        operating_on(name) = "operating on vserver {name}";
        delete_all_question(names) = "Delete these VServers: {names}?\nGo on? [y/N] ";
        option_of_many(option) = "“{option}” is for many VServers: with --all, --running, --names NAME,… and the like, instead of a name.";
        no_dry_run(word) = "Of “{word}” there is no --dry-run: nothing was done. There is of start, stop, restart, delete, protect, unprotect, backup and packages.";
        command_of_one(word) = "“{word}” is for one VServer at a time: name it.";
        many_options = "Options for many VServers at once, instead of NAME:
  --all, --running, --stopped, --marked, --unmarked
  --mark MARK[,MARK…]   those with one of these marks; with ~ before it, those without
  --names NAME,…        these; several options mean those that all of them choose
  --at-once N           on so many at once, 1 to 16 (4 by default)
  --canary N            the first N before the others, and the others if all succeed
  --stop-after N        begin no more after N failures
  --dry-run             say what would be done, and do nothing
  for start, stop, restart, delete, protect, unprotect, backup, packages, mark, unmark";
        // Pages.
        batch = "Batch";
        batch_title(kind, count) = "{kind}: {count} VServers";
        batch_forecast(begun, count) = "Nothing is done yet. Of {count} VServers {begun} would be begun, in this order; untick those that are to be left as they are.";
        batch_forecast_of_one(count) = "Nothing is done yet. One of {count} VServers would be begun; untick it if it is to be left as it is.";
        batch_again(count) = "Again for the {count} that are left…";
        batch_deletes = "Each goes to the recycle bin, is stopped before if it runs, and can be restored from there.";
        nobody_ticked = "No VServer is ticked. Go back to the list and tick those that are meant.";
        no_backup_target = "The settings name no place where backups could go.";
        dry_run = "What would be done to each";
        ticked = "Meant";
        turn = "Turn";
        what_would_be = "What would be done";
        at_once_explained = "On so many VServers at once, from 1 to 16.";
        canary_explained = "So many of the first are done before the others, and the others only if all of them succeed. Empty: all alike.";
        stop_after_explained = "After so many failures no more are begun. Empty: the others are done all the same.";
        type_how_many = "Type how many VServers are to be deleted.";
        do_it(kind) = "{kind} now";
        do_it_now(verb) = "{verb} now";
        so_already = "so already";
        not_begun = "not begun";
        batch_was_cancelled = "It was cancelled: no more were begun. What was done to the others stays done.";
        batch_done(what, count) = "Batch: {what}, {count} VServers";
        cannot_now(why) = "cannot now: {why}";
        back_up = "Back up";
        delete = "Delete";
    }
}
