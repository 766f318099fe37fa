//! English: the dashboard and histories of numbers.

use super::text::English;
use crate::i18n::messages::texts;
use crate::i18n::metrics::MetricsMessages;

impl MetricsMessages for English {
    texts! {
        dashboard = "Dashboard";
        the_host = "The host";
        numbers_of(name) = "Numbers of {name}";
        numbers_of_the_host = "Numbers of the host";
        numbers_explained = "A line is the mean of each span of time, the area around it reaches from the lowest to the highest. Where there is no line nothing was measured.";
        range_of_time = "Span of time";
        five_minutes = "5 minutes";
        one_hour = "1 hour";
        one_day = "1 day";
        one_week = "1 week";
        one_year = "1 year";
        ago_begin = "from";
        until_now = "now";
        no_numbers_yet = "Nothing was measured in this time.";
        as_a_table = "As a table";
        time_column = "From (UTC)";
        last_number = "last";
        mean_number = "mean";
        highest_number = "highest";
        swap = "Swap";
        load = "Load";
        memory_pressure = "Waiting for memory";
        cpu_pressure = "Waiting for a CPU";
        disk_pressure = "Waiting for a disk";
        pressure_explained = "The share of the time in which at least one process waited (the kernel’s PSI).";
        no_pressure_here = "How long a VServer waits for memory is counted by cgroup v2 alone, which this host does not use, or not with this kernel.";
        disk_traffic = "Disks";
        disk_taken = "Disk space taken";
        read_from = "read";
        written_to = "written";
        received_from = "received";
        sent_to = "sent";
        used_word = "used";
        cpus_count(count) = "of {count} CPUs, 100\u{a0}% each";
        of_total(total) = "of {total}";
        load_of(five, fifteen) = "5 min {five}, 15 min {fifteen}";
        free_of(free, total) = "{free} free of {total}";
        is_full_to(share) = "{share} used";
        addresses_free(free) = "{free} free";
        addresses_of(used, network) = "{used} used of {network}";
        filesystem_at(mount) = "Disk {mount}";
        holds_vservers = "VServers";
        holds_backups = "backups";
        holds_database = "database";
        filesystems = "Filesystems";
        not_measured_yet = "Nothing was measured yet: it is within ten seconds, as long as the engine answers.";
        by_state = "VServers by state";
        only_in_state(state) = "Only those in this state: {state}.";
        recent_operations = "Operations, the newest first";
        what_failed_lately = "Failed within a day";
        nothing_failed = "Nothing failed.";
        needs_attention = "Needs attention";
        nothing_needs_attention = "Nothing needs attention.";
        attention_oom(name, count) = "{name}: processes ended for want of memory: {count}. It needs a higher limit, or to do less.";
        attention_problem(name, problem) = "{name}: {problem}";
        attention_marked(name) = "{name} is marked to be started with the host, and does not run.";
        attention_disk(mount, share, free) = "The filesystem at {mount} is nearly full: {share} used, {free} free.";
        attention_pool(network) = "The addresses of {network} are nearly used up: the settings can name a larger network (nat.prefix).";
        attention_build = "Engine and web process are of different versions: restart the service “ulysse”. No VServer stops for that.";
        attention_bin(count) = "In the recycle bin, until their time is over: {count}";
        first_steps = "First steps";
        first_steps_explained = "There is no VServer on this host yet.";
        step_build = "Build the first VServer";
        step_template = "Keep an archive of an old host as a template";
        step_defaults = "Look at what every new VServer gets";
        step_users = "Let others in";
        whole_list = "The whole list";
    }
}
