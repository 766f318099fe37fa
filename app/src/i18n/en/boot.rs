//! English: VServers that start and stop with the host.

use super::text::English;
use crate::i18n::boot::BootMessages;
use crate::i18n::messages::texts;

impl BootMessages for English {
    texts! {
        boot = "Boot";
        boot_explained(command) = "When the host boots, VServers with a mark are started, each as soon as what it needs has booted: {command}. When the host shuts down, all that run are stopped, the other way round.";
        boot_settings(at_once, seconds) = "At most {at_once} at once. One that has not booted after {seconds} s is late.";
        boot_late_start = "Who needs it starts then all the same.";
        boot_late_skip = "Who needs it is then skipped.";
        boot_nothing = "No VServer is to be started.";
        boot_nothing_to_stop = "No VServer is to be stopped.";
        boot_problems = "What to look at";
        boot_simulate_explained = "What a boot would do now. Nothing is started.";
        boot_simulate = "Simulate a boot";
        boot_mark = "Mark";
        boot_at_once = "At once, at most";
        boot_order = "Order";
        boot_graph_of(number) = "Order of the boot as a graph, VServers: {number}. The table after it says the same.";
        boot_graph_scroll = "Graph of the boot";
        boot_wave = "Step";
        boot_after = "After";
        boot_why = "Why";
        boot_because_marked(mark) = "mark {mark}";
        boot_needed_by(names) = "needed by {names}";
        boot_begins = "Begins";
        boot_ready_at = "Ready";
        boot_assumed = "(assumed)";
        boot_assumed_explained = "Nobody has seen those booting yet: 1 s is assumed.";
        boot_runs_now = "runs already";
        boot_total(time) = "All would be ready after {time}.";
        boot_left_out = "Not started";
        boot_not_meant(mark) = "has no mark {mark}";
        boot_disabled = "is disabled (file disabled)";
        boot_last(when) = "The last boot, {when}";
        boot_never = "The host has not booted with Ulysse yet.";
        boot_outcome = "What became of it";
        boot_took = "Time";
        boot_switch = "Start with the host";
        boot_is_marked = "It has the mark default: it is started when the host boots.";
        boot_is_not_marked = "It does not have the mark default: when the host boots, it is started only if another VServer needs it.";
        boot_set_mark = "Start it when the host boots";
        boot_unset_mark = "No longer start it when the host boots";
        set_mark = "Mark…";
        unset_mark = "Unmark…";
        mark_another = "Show it for this mark";
        mark_which = "VServers with the mark default start when the host boots; others are for “ulysse boot start --mark MARK” and for choosing them.";
        does_mark = "give it a mark, “default” unless another is named";
        does_unmark = "take a mark away, “default” unless another is named";
        mark_arguments = "[MARK]";
        boot_see_order = "Order of the boot";
        boot_writes(file) = "File: {file}";
        boot_missing(on) = "there is no VServer {on}; the line is passed over.";
        boot_circle(through) = "this closes a circle ({through}); the line is passed over.";
        boot_needs_unmarked(on) = "{on} does not have the mark; it is started because it is needed.";
        boot_unknown(name) = "There is no VServer {name}; it is passed over.";
        boot_one_selection = "Say which VServers in one way only: names, --mark, --marked, --unmarked or --all.";
        boot_is_ready = "ready";
        boot_is_stopped = "stopped";
        boot_is_late = "runs, and had not booted in time";
        boot_ran = "ran already";
        boot_ended = "ended while it booted";
        boot_failed = "failed";
        boot_skipped(because) = "skipped: {because} did not start";
        boot_given_up = "not waited for: there was no time left, or it was to end";
        boot_ends = "Nothing more is begun; what is under way is ended cleanly. Again: at once.";
    }
}
