//! What pages and commands say of packages. Its own list: no island uses any of it.

use super::messages::messages;
use super::{Locale, en, fr};

messages! { PackageMessages:
    // The command line.
    packages_arguments;
    does_packages;
    packages_explained;
    tool_arguments;
    does_tool;
    package_tool_usage(program);
    package_tool_explained(program);
    no_vserver_meant;
    none_let_through;
    tool_words_missing(program, ours);
    failed_with_status(name, status);
    package_summary(count, failed);
    never_refreshed(name);
    packages_need_repair(packages);
    // The pages.
    packages_of(name);
    pending_explained;
    package_system;
    no_package_system;
    installed_packages;
    pending_updates;
    security_updates;
    for_security;
    held_packages;
    package_health;
    needs_repair;
    is_healthy;
    dpkg_interrupted;
    broken_packages(packages);
    lists_fetched;
    never_fetched;
    changed_since;
    not_asked_yet;
    nothing_pending;
    package;
    version;
    version_offered;
    package_origin;
    package_state;
    package_held;
    package_broken;
    package_installed;
    choose(name);
    search_package;
    package_searched(text);
    package_found_nowhere(text);
    package_names_hint;
    do_refresh;
    do_upgrade;
    do_upgrade_security;
    do_upgrade_these;
    do_install;
    do_remove;
    do_hold;
    do_unhold;
    do_repair;
    remove_packages_dots;
    remove_packages_explained;
    with_chosen;
    first_try_on;
    all_alike;
    canary_vserver_explained;
    packages_commands;
    filter_packages;
    packages_shown(shown, all);
    package_history;
    packages_were_cancelled;
    packages_done(what);
    done_in(what, name);
    upgrade_word;
    last_asked;
}
