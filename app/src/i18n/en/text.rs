//! English: what pages and islands say.

use crate::i18n::messages::{Messages, texts};

/// The language.
pub(in crate::i18n) enum English {}

impl Messages for English {
    texts! {
        // The frame.
        skip_to_content = "Skip to the content";
        main_navigation = "Main navigation";
        language = "Language";
        colours = "Colours";
        theme_auto = "Colours as the system asks";
        theme_light = "Light";
        theme_dark = "Dark";
        log_out = "Log out";
        reference = "Reference:";
        colon = ": ";
        vservers = "VServers";
        operations = "Operations";
        terminals = "Terminals";
        users = "Users";
        connection_lost = "The connection is lost: what is shown may be old. Trying again by itself.";
        engine_down_banner = "The engine does not answer: what is shown may be old. VServers that run go on running.";
        copy = "Copy";
        copied = "Copied";
        cancel = "Cancel";
        search = "Search";
        actions = "Actions";
        state = "State";
        // Failures and notices.
        forbidden = "Not allowed";
        not_found = "Not found";
        engine_down = "The engine does not answer";
        could_not_be_shown = "This page could not be shown";
        no_page_here = "There is no page at";
        try_again = "Try again";
        to_the_list = "To the list of VServers";
        show_the_operation = "Show the operation";
        operations_queued = "Asked for:";
        cancel_asked = "The operation was asked to stop and to undo what it did.";
        password_changed = "Your password is changed. Your other sessions have ended.";
        must_change_password = "Choose a password of your own before you go on.";
        user_created(name) = "{name} was created.";
        user_changed(name) = "{name} was changed.";
        logged_out = "You are logged out.";
        set_up_done = "Welcome. You are the first administrator; now build a VServer.";
        terminal_closed = "The terminal has ended.";
        // Log-in, set-up, password.
        log_in = "Log in";
        set_up = "Set up Ulysse";
        set_up_explained = "Create the first administrator. This link works once.";
        create_administrator = "Create the administrator";
        password_hint(min) = "At least {min} characters; several words make a good one.";
        change_password = "Change the password";
        password_explained = "Your other sessions end when you change it.";
        // The list.
        vserver_counts(all, running) = "{all} VServers, {running} running";
        filter = "Filter";
        filter_vservers = "Filter: name, address, state, mark";
        show_all = "Show all VServers";
        chosen_vservers = "The chosen VServers";
        chosen_count(count) = "{count} chosen";
        choose_all = "Choose all";
        choose_one(name) = "Choose {name}";
        start = "Start";
        stop = "Stop";
        restart = "Restart";
        start_one(name) = "Start {name}";
        stop_one(name) = "Stop {name}";
        restart_one(name) = "Restart {name}";
        ctx_explained = "context number";
        proc_explained = "processes";
        vsz_explained = "virtual size of all processes, in binary units of bytes";
        rss_explained = "resident memory of all processes, in binary units of bytes";
        user_time_explained = "CPU time in programs";
        sys_time_explained = "CPU time in the kernel";
        uptime_explained = "time since the start";
        address = "Address";
        mark = "Mark";
        nothing_matches = "No VServer matches the filter.";
        no_vservers_yet = "There is no VServer yet.";
        build_the_first = "Build the first VServer";
        build_a_vserver = "Build a VServer";
        // One VServer.
        operation_at_work = "An operation is at work";
        vserver_is_gone = "This VServer has been deleted.";
        open_terminal = "Open a terminal";
        delete_dots = "Delete …";
        charts_when_running = "Charts are drawn while it runs.";
        cpu = "CPU";
        memory = "Memory";
        processes = "Processes";
        network = "Network";
        last_five_minutes = "the last five minutes";
        what_it_is = "What it is";
        host_name = "Host name";
        context = "Context";
        addresses = "Addresses";
        system = "System";
        init_style = "Init style";
        init_pid = "Pid of its init on the host";
        root_directory = "Files";
        disk_used = "Disk space";
        all_its_operations = "All its operations";
        config_files = "Configuration files";
        config_files_explained = "Read anew at each use; you may edit them by hand.";
        show_config_files = "Show the files";
        empty_file = "empty";
        directory = "directory";
        // Delete.
        goes_away = "This goes away";
        stays = "This stays";
        it_is_stopped_first = "It runs: it is stopped first, and everybody in it loses what they are doing.";
        all_its_files = "All its files, in";
        its_configuration = "Its configuration, in";
        its_addresses = "Its addresses become free:";
        its_context = "Its context number becomes free:";
        the_base_stays = "The cached base system, so that the next build stays fast.";
        its_operations_stay = "The operations on it and their logs.";
        cannot_be_undone = "This cannot be undone.";
        type_the_name(name) = "Type “{name}” to confirm";
        delete_one(name) = "Delete {name}";
        // Build.
        build = "Build";
        show_the_command = "Show the command and the files";
        preview_title = "What this does";
        preview_when_right = "The command appears once every field is right.";
        files_written = "Files it will write in";
        name_hint = "Its directory’s name. Letters, digits, “.”, “_”, “-”.";
        method_hint = "A fresh Debian from a mirror. The first build of a suite takes minutes, the next ones seconds.";
        suite_hint = "Empty: the host’s own.";
        mirror_hint = "Empty: the host’s own.";
        packages_hint = "Besides the base system, separated by blanks: for instance openssh-server.";
        init_hint = "What pid 1 is inside.";
        not_on_this_host = "(not on this host)";
        context_hint = "From 2 to 49151. Empty: the next free one.";
        host_name_hint = "Empty: the VServer’s name.";
        interfaces_hint = "One per line: [label=]device:address/length, or nodev:address. Empty: the next free one of the NAT network.";
        next_address(interface) = "Next free: {interface}";
        // Operations.
        operation = "Operation";
        kind = "Kind";
        any_kind = "Any";
        search_operations = "Search in commands, people and logs";
        result = "Result";
        who = "Who";
        asked_at = "Asked for";
        started_at = "Started";
        finished_at = "Ended";
        took = "Took";
        command = "Command";
        no_operations = "No operation.";
        older = "Older operations";
        newest = "Newest operations";
        queued = "waiting";
        under_way = "under way";
        succeeded = "done";
        failed = "failed";
        cancelled = "cancelled";
        cancelled_and_undone = "It was cancelled, and what had been done was undone.";
        progress = "Progress";
        waits_for_its_turn = "Waits for its turn";
        cancel_the_operation = "Cancel the operation";
        log = "Log";
        follow_the_log = "Follow the end";
        log_will_come = "Nothing was written yet.";
        log_is_empty = "Nothing was written.";
        // Terminals.
        terminal = "Terminal";
        terminal_in(name) = "Terminal in {name}";
        another_terminal(name) = "+ another in {name}";
        no_terminals = "You have no terminal open. Open one on the page of a VServer that runs.";
        terminal_connecting = "Connecting …";
        terminal_connected = "Connected";
        terminal_lost = "The connection is lost; the shell goes on. Trying again …";
        terminal_exited = "The shell has ended with status {status}.";
        terminal_denied = "This terminal cannot be reached any more.";
        terminal_needs_js = "A terminal is a program in the browser: it needs JavaScript. On the host, vserver NAME enter does the same.";
        terminal_hint = "The shell lives in the server: you may close this page and come back. Ctrl+Shift+Escape leaves the terminal with the keyboard.";
        end_the_terminal = "End this terminal";
        to_vserver(name) = "To {name}";
        // Users.
        user = "User";
        role = "Role";
        active = "active";
        disabled = "disabled";
        must_change = "must change the password";
        never = "never";
        last_login = "Last log-in";
        created = "Created";
        enable = "Enable";
        disable = "Disable";
        change = "Change";
        you = "you";
        disabling_explained = "Disabling ends a user’s sessions and terminals at once.";
        create_a_user = "Create a user";
        create_the_user = "Create the user";
        first_password_explained = "The user must choose another one at the first log-in.";
        change_role = "Change the role";
        role_change_explained = "The user’s sessions end, so that no old right lives on.";
        reset_password = "Reset the password";
        reset_explained = "The user’s sessions end, and another password must be chosen at the next log-in.";
        access = "Access";
        user_named(name) = "User {name}";
    }
}
