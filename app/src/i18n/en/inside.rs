//! English: the inside of guests.

use super::text::English;
use crate::i18n::inside::InsideMessages;
use crate::i18n::messages::texts;

impl InsideMessages for English {
    texts! {
        overview = "Overview";
        numbers = "Numbers";
        events = "What happened";
        pages_of(name) = "Pages of {name}";
        console_of(name) = "Console and logs of {name}";
        services_of(name) = "Services of {name}";
        happened_title = "What happened inside";
        happened_of(name) = "What happened inside {name}";
        happened_explained = "Its supervisor writes down each start and end, and why; so does whoever stops it. The last 200 things are shown, the latest first.";
        nothing_happened = "Nothing was written down yet: it has not been started.";
        console = "Console";
        journal = "Journal (systemd)";
        own_log = "Its own log file";
        services = "Services";
        which_log = "Which log";
        which_boot = "Boot";
        boot_of(at, size) = "{at} ({size})";
        text_in_lines = "Only lines with";
        show_these = "Show";
        unit = "Service";
        at_least = "At least";
        since = "Since";
        no_lines = "No line to show.";
        no_console_yet = "Nothing is kept of its console: it has not been started since Ulysse keeps each boot.";
        no_own_log = "It has neither /var/log/syslog nor /var/log/messages. A guest with systemd has a journal instead.";
        is_cut(count) = "Only the last {count} lines are shown.";
        lines_of(origin) = "Lines of {origin}";
        last_lines = "To the last lines";
        console_explained = "What it printed on its console, the last five boots. Control sequences are taken out.";
        services_explained = "As the service manager inside says. What a button does is an operation, with its log.";
        services_incomplete = "It did not answer for all of them in time, or there are too many: some are missing or unknown.";
        no_services = "No service manager was found inside: neither systemd nor scripts in /etc/init.d.";
        no_service_matches = "No service matches.";
        any_state = "any";
        service = "Service";
        state_head = "State";
        at_start = "At start";
        started_at_boot = "enabled";
        not_started_at_boot = "disabled";
        what_to_do = "Actions";
        its_log(name) = "Log of {name}";
        do_to(action, name) = "{action} {name}";
        equivalent_of(line) = "Each button is the same as, for instance: {line}";
        happened_at = "When";
        happened_what = "What";
        does_events = "say what happened to it: starts, ends and why, the earliest first";
        does_console = "show what it printed on its console";
        console_arguments = "[--boot N] [--grep TEXT] [--follow]";
        console_options_explained = "Options:
  -b, --boot N      an earlier boot: 0 is the last one, 1 the one before, up to 4
  -g, --grep TEXT   only lines with this text, in capitals or not
  -f, --follow      go on with what it prints from now on, through restarts, until it is stopped
The last 1000 lines are shown; control sequences are taken out.";
        download_console = "Download this boot’s console";
        console_is_live = "What it prints appears here at once.";
        next_boot(at) = "— Boot of {at} —";
        no_such_boot = "Nothing is kept of this boot’s console any more: only the last five boots are.";
    }
}
