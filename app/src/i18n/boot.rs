//! What is said of VServers that start and stop with the host, at the command line and on its page. Its own
//! list: no island uses any of it.

use domain::boot::{BootOutcome, LeftOutBecause, ProblemKind};
use domain::id::VServerName;

use super::messages::messages;
use super::{Locale, en, fr};

messages! { BootMessages:
    // The page.
    boot;
    boot_explained(command);
    boot_settings(at_once, seconds);
    boot_late_start;
    boot_late_skip;
    boot_nothing;
    boot_nothing_to_stop;
    boot_problems;
    boot_simulate_explained;
    boot_simulate;
    boot_mark;
    boot_at_once;
    boot_order;
    boot_graph_of(number);
    boot_graph_scroll;
    boot_wave;
    boot_after;
    boot_why;
    boot_because_marked(mark);
    boot_needed_by(names);
    boot_begins;
    boot_ready_at;
    boot_assumed;
    boot_assumed_explained;
    boot_runs_now;
    boot_total(time);
    boot_left_out;
    boot_not_meant(mark);
    boot_disabled;
    boot_last(when);
    boot_never;
    boot_outcome;
    boot_took;
    // The switch on a VServer's page.
    boot_switch;
    boot_is_marked;
    boot_is_not_marked;
    boot_set_mark;
    boot_unset_mark;
    set_mark;
    unset_mark;
    mark_another;
    mark_which;
    does_mark;
    does_unmark;
    mark_arguments;
    boot_see_order;
    boot_writes(file);
    // Problems.
    boot_missing(on);
    boot_circle(through);
    boot_needs_unmarked(on);
    boot_unknown(name);
    boot_one_selection;
    // What becomes of one.
    boot_is_ready;
    boot_is_stopped;
    boot_is_late;
    boot_ran;
    boot_ended;
    boot_failed;
    boot_skipped(because);
    boot_given_up;
    boot_ends;
}

/// What is to be told of a line of `apps/init/depends`.
#[must_use]
pub fn boot_problem_text(locale: Locale, kind: &ProblemKind) -> String {
    match kind {
        ProblemKind::Missing { on } => locale.boot_missing(on.as_str()),
        ProblemKind::Circle { through } => {
            let names = through.iter().chain(through.first()).map(VServerName::as_str);
            locale.boot_circle(&names.collect::<Vec<_>>().join(" → "))
        }
        ProblemKind::NotMarked { on } => locale.boot_needs_unmarked(on.as_str()),
    }
}

/// What became of one VServer at a boot. Why one failed is the failure's to say.
#[must_use]
pub fn boot_outcome_text(locale: Locale, outcome: &BootOutcome) -> String {
    match outcome {
        BootOutcome::Ready => locale.boot_is_ready().to_owned(),
        BootOutcome::Late => locale.boot_is_late().to_owned(),
        BootOutcome::Ran => locale.boot_ran().to_owned(),
        BootOutcome::Ended => locale.boot_ended().to_owned(),
        BootOutcome::Failed(_) => locale.boot_failed().to_owned(),
        BootOutcome::Skipped(because) => locale.boot_skipped(because.as_str()),
        BootOutcome::GivenUp => locale.boot_given_up().to_owned(),
    }
}

/// Why a VServer is not started by this mark.
#[must_use]
pub fn left_out_text(locale: Locale, because: LeftOutBecause, mark: &str) -> String {
    match because {
        LeftOutBecause::NotMeant => locale.boot_not_meant(mark),
        LeftOutBecause::Disabled => locale.boot_disabled().to_owned(),
    }
}
