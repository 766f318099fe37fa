//! What is said of one change to many VServers, at the command line and on its pages.

use domain::batch::Outcome;
use domain::operation::Kind;

use super::messages::messages;
use super::{Locale, en, failure_text, fr, outcome_text};

messages! { BatchMessages:
    // The command line.
    nobody_chosen;
    operating_on(name);
    delete_all_question(names);
    command_of_one(word);
    option_of_many(option);
    no_dry_run(word);
    many_options;
    // Pages.
    batch;
    batch_title(kind, count);
    batch_forecast(begun, count);
    batch_forecast_of_one(count);
    batch_again(count);
    batch_deletes;
    nobody_ticked;
    no_backup_target;
    dry_run;
    ticked;
    turn;
    what_would_be;
    at_once_explained;
    canary_explained;
    stop_after_explained;
    type_how_many;
    do_it(kind);
    do_it_now(verb);
    so_already;
    not_begun;
    batch_was_cancelled;
    batch_done(what, count);
    cannot_now(why);
    back_up;
    delete;
}

/// What became of an operation that was cancelled: only of what has steps of its own something was undone.
#[must_use]
pub fn cancelled_text(locale: Locale, kind: Kind) -> &'static str {
    match kind {
        Kind::Batch => locale.batch_was_cancelled(),
        Kind::Packages => locale.packages_were_cancelled(),
        _ => locale.cancelled_and_undone(),
    }
}

/// What one of many would be refused for: nothing has failed yet.
#[must_use]
pub fn forecast_text(locale: Locale, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed { failure } => locale.cannot_now(&failure_text(locale, failure).what),
        other => outcome_text(locale, other),
    }
}
