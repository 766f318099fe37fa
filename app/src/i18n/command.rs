//! What the command line says. Its own list: no page and no island uses any of it.

use super::messages::messages;
use super::{Locale, en, fr};

messages! { CommandMessages:
    // Help.
    usage_of(line);
    name_word;
    vserver_usage;
    stat_usage;
    build_arguments;
    start_arguments;
    exec_arguments;
    suexec_arguments;
    vserver_commands;
    vserver_options;
    more_help;
    does_build;
    does_start;
    does_stop;
    does_restart;
    does_condrestart;
    does_enter;
    does_exec;
    does_suexec;
    does_status;
    does_running;
    does_delete;
    build_options_explained;
    stat_options_explained;
    options_head;
    arguments_head;
    commands_head;
    command_word;
    see_help(program);
    words_missing(words);
    words_not_text;
    line_not_understood;
    has_administrator;
    // Backups.
    backup_arguments;
    does_backup;
    backup_options_explained;
    restore_instead(line);
    backup_stays(reasons);
    backup_goes;
    no_schedule(name);
    // What was typed wrongly.
    option_unknown(option, supported);
    option_value_wrong(option, value);
    answer_lost(why);
    option_without_value(option);
    option_takes_no_value(option);
    option_before_name(option);
    word_not_expected(word);
    word_not_text(word);
    command_missing;
    command_unknown(word);
    command_not_yet(word, supported);
    method_missing(supported);
    method_unknown(word, supported);
    method_not_yet(word, supported);
    other_name(given, name);
    netmask_not_with_netprefix;
    not_a_vserver_directory(path, base);
    user_missing;
    program_missing;
    command_to_run_missing;
    // Builds by other methods.
    option_refused(option, reason);
    option_twice(option);
    option_without_effect(option);
    packages_are_inside;
    failures_are_undone;
    no_shell_to_trace;
    rescue_missing;
    clones_are_whole;
    skeleton_runs_nothing(word);
    remote_shell_is_ssh(word);
    in_file(file, text);
    place_is_elsewhere(option, given, ours);
    places_are_settings;
    host_key_to_confirm(host, fingerprint);
    host_key_question(host, fingerprint);
    // What is wrong with a value; the pages have other ways out.
    value_missing;
    context_taken_by(context, name);
    address_taken_by(address, name);
    nothing_done;
    config_arguments;
    does_config;
    config_actions_explained;
    config_action_unknown(word, supported);
    config_path_missing;
    config_number_missing;
    // About a VServer.
    needs_root;
    settings_unreadable(detail);
    no_config_directory(name, path);
    spelling_hint;
    build_hint;
    help_hint;
    already_running(name);
    not_running(name);
    not_running_for(name);
    no_device_for(address);
    was_built(name, context, interfaces);
    how_to_start(name);
    // While something is being done.
    waits_for(name, command);
    waits_for_somebody(name);
    cancel_begins;
    cancel_impossible;
    left_to_recovery;
    // Deleting.
    delete_removes(config, files);
    delete_stops_it;
    delete_question(name);
    delete_yes;
    delete_refused;
    // Status.
    status_shared(shared, own);
    // Doctor.
    doctor_has(thing);
    doctor_optional(text);
    doctor_unfinished(operation, name);
    doctor_remains(name);
    doctor_stray(path);
    doctor_nothing;
    doctor_repair_hint;
    doctor_not_repaired;
    // Identity, recycle bin, protection.
    undelete_arguments;
    rename_arguments;
    set_arguments;
    does_undelete;
    does_rename;
    does_set;
    does_protect;
    does_unprotect;
    identity_options_explained;
    delete_options_explained;
    new_name_missing;
    delete_moves(config, files, until);
    is_in_bin(name, until);
    delete_moves_tree(config, until);
    volume_keeps_files(path);
    volume_is_emptied(path);
    is_back(name);
    free_values(line);
    bin_is_empty;
    bin_columns;
    bin_protected;
    bin_total(size);
    purge_question(name);
    empty_question(count);
    stays_protected(name);
}
