//! The list of messages: what must exist in every language.
//!
//! `name;` is a fixed text, `name(a, b);` one with words put in. Each becomes a method of
//! [`Locale`]; `en::text` and `fr::text` implement [`Messages`], so a message without a text in one
//! of them does not compile. A method reads one static string, so the linker leaves out of the
//! browser's download what no island says. What the command line says is a list of its own, in
//! `command`.

use super::{Locale, en, fr};

/// Declares the trait that a language implements and the methods of [`Locale`].
macro_rules! messages {
    ($List:ident: $($name:ident $(($($word:ident),+))?;)+) => {
        /// The texts of one language.
        pub(super) trait $List {
            $(messages!(@declare $name $(($($word),+))?);)+
        }

        /// The messages; what each says stands in `i18n/en`.
        impl Locale {
            $(messages!(@define $name $(($($word),+))?);)+
        }
    };
    (@declare $name:ident) => { fn $name() -> &'static str; };
    (@declare $name:ident ($($word:ident),+)) => { fn $name($($word: &str),+) -> String; };
    (@define $name:ident) => {
        #[must_use]
        pub fn $name(self) -> &'static str {
            match self {
                Self::English => en::text::English::$name(),
                Self::French => fr::text::French::$name(),
            }
        }
    };
    (@define $name:ident ($($word:ident),+)) => {
        #[must_use]
        pub fn $name(self, $($word: &str),+) -> String {
            match self {
                Self::English => en::text::English::$name($($word),+),
                Self::French => fr::text::French::$name($($word),+),
            }
        }
    };
}

pub(super) use messages;

/// Gives the texts of one language, in the body of its `impl Messages`.
macro_rules! texts {
    ($($name:ident $(($($word:ident),+))? = $text:literal;)+) => {
        $(texts!(@one $name $(($($word),+))? = $text);)+
    };
    (@one $name:ident = $text:literal) => {
        fn $name() -> &'static str { $text }
    };
    (@one $name:ident ($($word:ident),+) = $text:literal) => {
        fn $name($($word: &str),+) -> String { format!($text) }
    };
}
pub(super) use texts;

messages! { Messages:
    // The frame.
    skip_to_content;
    main_navigation;
    language;
    colours;
    theme_auto;
    theme_light;
    theme_dark;
    log_out;
    reference;
    colon;
    vservers;
    operations;
    terminals;
    users;
    connection_lost;
    engine_down_banner;
    page_outdated;
    stream_refused;
    reload_page;
    copy;
    copied;
    cancel;
    search;
    actions;
    state;
    // Failures and notices.
    forbidden;
    not_found;
    engine_down;
    could_not_be_shown;
    no_page_here;
    try_again;
    to_the_list;
    show_the_operation;
    operations_queued;
    cancel_asked;
    password_changed;
    must_change_password;
    user_created(name);
    user_changed(name);
    logged_out;
    set_up_done;
    terminal_closed;
    // Log-in, set-up, password.
    log_in;
    set_up;
    set_up_explained;
    create_administrator;
    password_hint(min);
    change_password;
    password_explained;
    // The list.
    vserver_counts(all, running);
    filter;
    filter_vservers;
    show_all;
    chosen_vservers;
    chosen_count(count);
    choose_all;
    choose_one(name);
    start;
    stop;
    restart;
    start_one(name);
    stop_one(name);
    restart_one(name);
    ctx_explained;
    proc_explained;
    vsz_explained;
    rss_explained;
    user_time_explained;
    sys_time_explained;
    uptime_explained;
    address;
    mark;
    nothing_matches;
    no_vservers_yet;
    build_the_first;
    build_a_vserver;
    // One VServer.
    operation_at_work;
    vserver_is_gone;
    open_terminal;
    delete_dots;
    charts_when_running;
    cpu;
    memory;
    processes;
    network;
    last_five_minutes;
    what_it_is;
    host_name;
    context;
    addresses;
    system;
    init_style;
    root_directory;
    volume;
    disk_used;
    shared_files;
    shared_by_blocks(size);
    shared_by_reference(size, vservers);
    oom_killed(count, at);
    oom_killed_short(count);
    all_its_operations;
    config_files;
    config_files_explained;
    show_config_files;
    empty_file;
    directory;
    // Delete.
    goes_away;
    stays;
    it_is_stopped_first;
    all_its_files;
    its_configuration;
    its_addresses;
    its_context;
    the_base_stays;
    its_operations_stay;
    cannot_be_undone;
    type_the_name(name);
    delete_one(name);
    // Build.
    build;
    show_the_command;
    preview_title;
    preview_when_right;
    files_written;
    files_given;
    copied_where_missing;
    name_hint;
    suite_hint;
    mirror_hint;
    packages_hint;
    init_hint;
    not_on_this_host;
    context_hint;
    host_name_hint;
    interfaces_hint;
    more_fields;
    flags_hint;
    broadcast_hint;
    cpuset_hint;
    cpu_list_hint;
    cpuset_virtual;
    suite_script_hint;
    architecture_hint;
    debootstrap_hint;
    next_address(interface);
    build_method;
    clone_source_hint;
    unified;
    unified_by_blocks;
    unified_by_reference;
    rsync_source_hint;
    this_is_its_key;
    host_key_hint;
    port_hint;
    exclude_hint;
    all_filesystems;
    compressed;
    bandwidth_hint;
    template_hint;
    distribution_hint;
    rpm_packages_hint;
    init_of_the_source;
    // Operations.
    operation;
    kind;
    any_kind;
    search_operations;
    result;
    who;
    asked_at;
    started_at;
    finished_at;
    took;
    command;
    no_operations;
    older;
    newest;
    queued;
    under_way;
    succeeded;
    failed;
    cancelled;
    cancelled_and_undone;
    progress;
    waits_for_its_turn;
    cancel_the_operation;
    log;
    follow_the_log;
    log_will_come;
    log_is_empty;
    // Terminals.
    terminal;
    terminal_in(name);
    another_terminal(name);
    no_terminals;
    terminal_connecting;
    terminal_connected;
    terminal_lost;
    terminal_exited;
    terminal_hung_up;
    terminal_denied;
    terminal_needs_js;
    terminal_hint;
    end_the_terminal;
    to_vserver(name);
    // Users.
    user;
    role;
    active;
    disabled;
    must_change;
    never;
    last_login;
    created;
    enable;
    disable;
    change;
    you;
    disabling_explained;
    create_a_user;
    create_the_user;
    first_password_explained;
    change_role;
    role_change_explained;
    reset_password;
    reset_explained;
    access;
    user_named(name);
    // Configuration files.
    configuration;
    configuration_of(name);
    defaults;
    defaults_explained;
    files_there;
    no_files_yet;
    add_an_entry;
    entry_path;
    entry_path_hint;
    open_the_entry;
    catalogue;
    meaning;
    default_value;
    no_default;
    how_it_is_read;
    in_use;
    changed_at;
    unknown_entry;
    current_text;
    nothing_there;
    leads_to(target);
    bytes_not_text(size);
    edit_the_file;
    show_the_difference;
    make_the_file;
    remove_the_file;
    difference;
    nothing_saved_yet;
    save_the_change;
    difference_in(path);
    line_removed;
    line_added;
    no_final_newline;
    not_kept_as_text;
    history;
    history_of(name);
    history_explained;
    no_history;
    whole_history;
    change_number(number);
    undoes_change(number);
    undo_change(number);
    by_hand;
    file_problem(path, line, expected);
    line_problem(line, expected);
    // Distributions.
    distribution;
    distributions;
    distribution_named(name);
    distributions_explained;
    no_distributions;
    described_by_the_package;
    to_be_described_once;
    from_the_package;
    from_the_package_instead;
    methods;
    files_of_its_own;
    shared_by_distributions;
    describe_a_distribution;
    distribution_name_hint;
    describe_it;
    what_it_may_say;
    root_alone_writes_it;
    made_by_hand;
    remove_the_description;
    remove_the_description_dots;
    remove_files_of(count, name);
    can_be_put_back;
    only_root_removes;
    // Templates and bases.
    templates;
    templates_alone;
    template;
    base;
    bases;
    templates_explained;
    bases_explained;
    no_templates;
    no_bases;
    template_name_hint;
    add_a_template;
    archive_hint(most);
    upload;
    name;
    size;
    unpacked;
    files_in_it(count);
    format_of_archive;
    added;
    made;
    last_used;
    too_old;
    packages;
    packages_not_known;
    variant;
    refresh;
    refresh_one(name);
    remove_dots;
    remove_one(name);
    template_removal(name, size);
    base_removal(name);
    // Backups.
    backups;
    backups_of(name);
    backups_need_care;
    backup_target;
    backup_targets_explained(targets);
    taken_by_hand;
    vserver_gone;
    last_backup;
    next_backup;
    no_backups_yet;
    schedule;
    schedule_save;
    schedule_off;
    when_hint;
    keep_hint;
    preview_of_policy;
    preview_policy;
    policy_removes;
    kept_because;
    taken_at;
    prune_now;
    prune_dots;
    prune_removes(count, size);
    backup_removal(name, at, size);
    back_up_now;
    pause_meanwhile;
    unpacked_size;
    entries;
    consistency;
    made_by;
    changed_meanwhile(count);
    left_out;
    verify_backup;
    remove_backup(at);
    clone_dots;
    build_from_one(name);
    restore_as_vserver;
    restore_now;
    own_value_taken(value);
    backup_from(name, at);
    keep_host_keys;
    keep_host_keys_explained(name);
    import_saved;
    import_explained;
    import_name_hint;
    import_archive_hint;
    files_in_backup;
    file_name;
    mode;
    directory_above;
    put_back;
    put_back_explained(name);
    // Identity, protection, recycle bin.
    change_identity;
    identity_of(name);
    identity_explained;
    now_is(value);
    now_nothing;
    name_is_followed;
    all_addresses_hint;
    may_be_restarted;
    it_runs_now;
    show_what_it_does;
    by_hand_it_is;
    protection;
    protect;
    unprotect;
    is_protected;
    is_not_protected;
    recycle_bin;
    goes_to_the_bin;
    can_be_undone_until(until);
    bin_keeps(days);
    bin_keeps_nothing;
    bin_has_nothing;
    bin_takes(size);
    deleted_at;
    kept_until;
    kept_protected;
    sure_to_empty;
    empty_the_bin;
    in_the_bin(name);
    restore_it;
    restore_one(name);
    taken_meanwhile;
    stays_on_volume;
    protected_in_the_bin;
    remove_it_for_good;
    remove_for_good(name);
    // Before there is a page.
    plain_http(address);
    unknown_host(host);
}
