//! English: what pages and commands say of packages.

use super::text::English;
use crate::i18n::messages::texts;
use crate::i18n::packages::PackageMessages;

impl PackageMessages for English {
    texts! {
        packages_arguments = "[list | search TEXT | refresh | upgrade [--security] [PACKAGE…] | install|hold|unhold PACKAGE… | remove [--dry-run] PACKAGE… | repair]";
        does_packages = "show what is pending, or change its packages; it need not run";
        packages_explained = "Without a word it shows which updates are pending.
  list                       every package: name, version, architecture, state
  search TEXT                what apt’s lists in it offer: name, versions, installed version, summary
  refresh                    fetch the lists, and ask what is pending
  upgrade [--security] [PACKAGE…]
                             take all updates, those for security, or those of these packages
  install PACKAGE…           install packages
  remove PACKAGE…            remove them; their configuration stays (rpm: what was edited, as .rpmsave)
  remove --dry-run PACKAGE…  only say what would go with them
  hold, unhold PACKAGE…      keep them at their version, or no longer
  repair                     finish what was left half done: dpkg --configure -a, apt-get -f install;
                             with rpm: rpm --rebuilddb, and dnf remove --duplicates when something is there twice
Debian’s family is changed by apt, Red Hat’s by dnf or yum; there, hold needs their plugin versionlock.
Nothing is ever asked: configuration files that were edited stay as they are.";
        tool_arguments = "ARGUMENTS";
        does_tool = "run it inside, whether it runs or not; its exit status is the tool’s";
        package_tool_usage(program) = "{program} [-q] [-j N] NAME… | FILTER… -- ARGUMENTS";
        package_tool_explained(program) = "Runs {program} ARGUMENTS in each VServer that is meant, whether it runs or not. Services of one that does not run are not started.
  --all, --running, --stopped        those VServers
  --marked, --unmarked, --mark MARK  those at which is marked (MARK,MARK: any of them; ~MARK: none)
  --names NAME,…                     those of these names
  -j, --jobs N                       so many at once (4)
  -q, --quiet                        no titles and no summary
  --config FILE                      the settings of another instance
  --help, --version
Several filters: those that all of them let through. Only one that is named, at a terminal, can ask anything; give options like --yes to the others. The exit status is the worst of all; 255 when none is meant, or one could not be entered.";
        none_let_through = "The filters let no VServer through.";
        tool_words_missing(program, ours) = "What {program} is to do stands behind “--”: {ours} NAME -- ARGUMENTS.";
        no_vserver_meant = "No VServer is meant: name some, or give a filter such as --all.";
        failed_with_status(name, status) = "{name}: failed with exit status {status}.";
        package_summary(count, failed) = "VServers: {count}, failed: {failed}.";
        never_refreshed(name) = "What is pending was never asked: vserver {name} packages refresh";
        packages_need_repair(packages) = "To be repaired (vserver NAME packages repair): {packages}";
        packages_of(name) = "Packages of {name}";
        pending_explained = "What is pending is what each VServer last answered: “Refresh” asks it again. Those that do not run can be changed too, without being started.";
        package_system = "Package system";
        no_package_system = "neither dpkg nor rpm";
        installed_packages = "Installed";
        pending_updates = "Pending";
        security_updates = "Security";
        for_security = "security";
        held_packages = "Held";
        package_health = "Health";
        needs_repair = "to be repaired";
        is_healthy = "in order";
        dpkg_interrupted = "dpkg was interrupted: repair it before anything else.";
        broken_packages(packages) = "Broken: {packages}.";
        lists_fetched = "Lists fetched";
        never_fetched = "never from here";
        changed_since = "packages were changed since";
        not_asked_yet = "not asked yet";
        nothing_pending = "No update is pending.";
        package = "Package";
        version = "Version";
        version_offered = "Offered";
        package_origin = "From";
        package_state = "State";
        package_held = "held";
        package_broken = "broken";
        package_installed = "installed";
        choose(name) = "Choose {name}";
        search_package = "Package in all VServers";
        package_searched(text) = "Packages named like “{text}”";
        package_found_nowhere(text) = "No VServer has a package named like “{text}”.";
        package_names_hint = "Names, separated by blanks.";
        do_refresh = "Refresh";
        do_upgrade = "Upgrade all";
        do_upgrade_security = "Upgrade for security";
        do_upgrade_these = "Upgrade these";
        do_install = "Install";
        do_remove = "Remove";
        do_hold = "Hold";
        do_unhold = "Release";
        do_repair = "Repair";
        remove_packages_dots = "Remove packages…";
        remove_packages_explained = "What needs them goes with them: what that is, is shown first. Configuration files stay; with rpm those that were edited, as .rpmsave.";
        foresee_removal = "Show what would go";
        would_remove = "What would go with";
        would_go_title(packages) = "Removing {packages}: what would go";
        would_go_explained = "As each VServer’s own package tool says. Nothing is removed yet.";
        would_go_in(name, count) = "{name}: packages that would go: {count}";
        would_stay_in(name) = "{name}: nothing would change.";
        not_foreseen_in(name) = "{name}: its tool did not say; nothing is removed there. Its operation above says why.";
        version_then = "Then";
        would_go = "removed";
        more_would_change(count) = "And {count} more, in the log of its operation.";
        remove_these_now(packages, count) = "Remove {packages} and what goes with it (VServers: {count})";
        search_offers = "Search packages to install";
        offered_packages = "Packages to install";
        offers_explained = "In the lists that this VServer’s apt fetched last: names and summaries.";
        no_offers(text) = "Its lists offer nothing like “{text}”.";
        no_lists = "There are no package lists that can be read: “Refresh” fetches them; those that apt keeps compressed are not searched.";
        offers_found(text, count) = "Found for “{text}”: {count}";
        more_offers = "There are more: say more of the name.";
        package_summary_column = "What it is";
        not_installed = "not installed";
        install_this(package) = "Install {package}";
        back_to_packages = "Back to the packages";
        with_chosen = "With the chosen VServers";
        first_try_on = "Try first on";
        all_alike = "all alike";
        canary_vserver_explained = "That VServer is done first, and the others only when it succeeded.";
        packages_commands = "The same as, for each of them:";
        filter_packages = "Name";
        packages_shown(shown, all) = "{shown} of {all} packages";
        package_history = "History";
        packages_were_cancelled = "It was cancelled. Packages that were changed before stay changed; its log says which, and “Repair” finishes what is half done.";
        packages_done(what) = "Packages: {what}";
        last_asked = "Last asked";
        upgrade_word = "Upgrade";
        done_in(what, name) = "{what} in {name}";
    }
}
