//! What is said of processes: by the commands about them, and on their pages. Its own list: no island says any
//! of it.

use super::messages::messages;
use super::{Locale, en, fr};

messages! { ProcessMessages:
    vps_usage;
    vps_explained;
    vtop_usage;
    vtop_explained;
    vpstree_usage;
    vpstree_explained;
    vkill_usage;
    vkill_explained;
    vserver_info_usage;
    vserver_info_explained;
    vnamespace_usage;
    vnamespace_explained;
    vuname_usage;
    vuname_explained;
    chcontext_usage;
    chcontext_explained;
    chbind_usage;
    chbind_explained;
    vwait_usage;
    vwait_explained;
    not_a_vserver(word);
    no_such_program(program);
    install_package(package);
    program_not_started(program, why);
    no_pid_column;
    not_a_pid(word);
    pid_missing;
    no_such_process(pid);
    process_is_in(pid, name);
    spectator_signals_nobody;
    signal_not_sent(pid, why);
    xid_missing;
    tag_missing;
    tag_unknown(word, known);
    tag_without_value(word);
    tag_is_the_kernels(tag);
    tags_to_set;
    not_seconds(word);
    not_a_descriptor(word);
    context_missing;
    option_of_the_patch(option);
    namespace_instead;
    space_needs_exec(option);
    space_not_made(option);
    unshare_instead;
    new_or_enter;
    decided_at_start(option);
    configure_instead;
    vuname_instead;
    setsid_instead;
    no_context_by_itself;
    no_context_of_number(number);
    context_instead;
    no_list_of_addresses;
    chbind_instead;
    processes_of(name);
    process_title(pid, name);
    all_processes;
    process_counts(shown, all);
    process_rows_cut(most);
    no_processes;
    no_process_matches;
    does_not_run(name);
    filter_processes;
    every_vserver;
    as_tree;
    sort_by(column);
    sorted_by;
    signal_one(pid);
    signal_word;
    send_signal;
    which_signal;
    signals_explained;
    signal_to_init;
    back_to_processes(name);
    equivalent_vps;
    col_pid;
    col_inside;
    col_parent;
    col_user;
    col_state;
    col_nice;
    col_cpu;
    col_time;
    col_rss;
    col_vsz;
    col_threads;
    col_start;
    col_command;
}

/// How a process is: the letter that `ps` shows, and what it means.
#[must_use]
pub fn process_state_text(locale: Locale, state: char) -> String {
    let (en, fr) = match state {
        'R' => ("running", "actif"),
        'S' => ("sleeping", "endormi"),
        'D' => ("waiting for a disk", "en attente d’un disque"),
        'T' | 't' => ("stopped", "suspendu"),
        'Z' | 'X' => ("ended and not yet reaped", "terminé mais pas encore recueilli"),
        'I' => ("idle", "inactif"),
        other => return other.to_string(),
    };
    format!("{state}, {}", locale.pick(en, fr))
}
