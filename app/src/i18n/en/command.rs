//! English: what the command line says.

use super::text::English;
use crate::i18n::command::CommandMessages;
use crate::i18n::messages::texts;

impl CommandMessages for English {
    texts! {
        // Help.
        usage_of(line) = "Usage: {line}";
        name_word = "NAME";
        vserver_usage = "vserver [OPTIONS] NAME COMMAND [ARGUMENTS]";
        stat_usage = "vserver-stat [OPTIONS]";
        build_arguments = "-m METHOD [OPTIONS] [-- METHOD_OPTIONS [-- PROGRAM_OPTIONS]]";
        start_arguments = "[--rescue [--rescue-init] [COMMAND [ARGUMENTS]]]";
        exec_arguments = "COMMAND [ARGUMENTS]";
        suexec_arguments = "USER COMMAND [ARGUMENTS]";
        vserver_commands = "Commands:";
        vserver_options = "Options, before NAME:
  --config FILE     the settings of another instance
  -v, --verbose     show the log of what is done
  --debug           the same, and each step of a start or stop
  --silent          print nothing but errors; delete without asking
  -s, --sync        wait for the end of stops (always done)
  --help, --version";
        more_help = "“vserver NAME COMMAND --help” says more of a command. NAME is a directory of /etc/vservers, or the context number of a VServer that runs.";
        does_build = "make a VServer";
        does_start = "start it";
        does_stop = "stop it";
        does_restart = "stop it if it runs, and start it";
        does_condrestart = "restart it if it runs";
        does_enter = "a shell inside; it must run";
        does_exec = "run a command inside, as root; its exit status is the command’s";
        does_suexec = "run a command inside, as USER (a name or a number)";
        does_status = "say whether it runs: exit status 0 if it does, 3 if not";
        does_running = "the same without a word: exit status 0 or 1";
        does_delete = "remove it and its files, after asking";
        build_options_explained = "Options:
  -m METHOD               how its files are made, see below
  --context N             its context number, 2 to 49151 (default: the next free one)
  --hostname HOSTNAME     its host name (default: NAME)
  --interface [LABEL=][DEVICE:]ADDRESS[/LENGTH|/MASK]
                          an address; may be repeated; DEVICE “nodev” for none
                          (default: the next free address of the NAT network)
  --netdev DEVICE         the device of interfaces that name none
  --netmask MASK, --netprefix LENGTH
                          the network of interfaces that give none
  --netbcast ADDRESS      its broadcast address; must be that of the network
  --initstyle STYLE       sysv, plain, gentoo, arch or minit (default: that of
                          what is copied, else what the host can run)
  --flags FLAG,…          context flags
  --cpuset NAME, --cpusetcpus N[-M][:EXCL], --cpusetmems N[-M][:EXCL],
  --cpusetvirt            its cpuset
  --force                 what has its name is moved aside, to NAME.~TIME~
  --i-know-its-there      its root directory may hold files (rsync, skeleton)
  -n NAME                 its name once more; must be the same
  --confdir, --rootdir, --lockfile PATH
                          as the original's; must be where this Ulysse has it
  --debug                 show what the programs say

-m debootstrap: a fresh Debian. After --:
  -d SUITE                the distribution (default: the host’s)
  -m MIRROR               where packages come from
  -s SUITE                another suite, whose script is used
 after another --: --arch ARCHITECTURE, --variant minbase|buildd,
  --components PART,…, --include PACKAGE,…, --exclude PACKAGE,…, --extra-suites SUITE,…,
  --no-resolve-deps, --merged-usr, --no-merged-usr, --keyring FILE, --no-check-gpg,
  --certificate FILE, --no-check-certificate
-m clone: a copy of a VServer that shares what the filesystem can share. After --:
  -s, --source NAME       which; it may run
  --unified               where no blocks can be shared: both stand on one reference
-m rsync: a copy of a VServer, a machine or a directory. After --:
  -s, --source NAME|[USER@]HOST:/PATH|DIRECTORY
  --hostkey FINGERPRINT   the key of HOST, confirmed
  -o OPTION               the same as after another --
 after another --: --exclude PATTERN, --no-one-file-system, --compress,
  --bwlimit KIB, -e “ssh [-p PORT] [-i KEY_FILE]”
-m yum: an RPM distribution, by the host’s dnf. After --:
  -d NAME                 one described below /etc/vservers/.distributions
 after another --: PACKAGE …, besides those of the description
-m template: what is in an archive. After --:
  -t, --template FILE|NAME
  -d NAME                 instead: the archive of a described distribution
-m skeleton: empty directories and the configuration

Read first: .defaults/apps/build/options and .defaults/apps/debootstrap/options
below /etc/vservers, unless NO_DEFAULT_OPTS is set.

Examples:
  vserver monvs build -m debootstrap --context 100 --hostname monvs.cume.fr \\
    --interface eth0:192.168.44.150/24 -- -d bookworm
  vserver nono build -m rsync --context 200 --hostname nono.cume.fr \\
    --interface nono=eth0:192.168.44.151/24 -- --source /var/lib/vservers/monvs/
  vserver old build -m rsync -- --source root@old.cume.fr:/";
        stat_options_explained = "What the host (context 0) and every running VServer use.

Options:
  --config FILE     the settings of another instance
  --guests-only     without the host
  -O, --sort KEY    accepted, and without effect: rows are in order of their context
  --help, --version";
        options_head = "Options";
        arguments_head = "Arguments";
        commands_head = "Commands";
        command_word = "COMMAND";
        see_help(program) = "“{program} --help” says more.";
        words_missing(words) = "This is missing: {words}.";
        words_not_text = "One of the words is not UTF-8 text.";
        line_not_understood = "These words cannot stand together.";
        has_administrator = "There is an administrator already, so a set-up link would do nothing. “ulysse user reset-password NAME” gives them a new password.";
        // Backups.
        backup_arguments = "[OPTIONS] | list | schedule | preview | prune | restore | restore-file";
        does_backup = "take a backup of it, or see to its backups";
        backup_options_explained = "Without another word: takes a backup, reads it back and compares it.
  --target TARGET         where it goes; a name of the settings
  --pause                 let it stand still while its files are read; without this
                          only where the filesystem gives snapshots, and what
                          changes meanwhile is listed
list                      its backups, as TARGET:NAME:ID, and bytes
schedule                  says when they are taken, or changes it:
  --target TARGET --when 'daily 02:30' --keep 'last=3 daily=7 weekly=4 monthly=12'
                          also “hourly :15” and “weekly sun 02:30”; times are UTC
  --off                   not any more
preview [--keep …]        which a policy would keep and why; nothing is removed
prune [--keep …]          removes those that it would not keep
restore BACKUP            makes NAME, which is not there, of a backup
  --context N --hostname HOSTNAME --interface [DEVICE:]ADDRESS[/LENGTH]
                          other values than its own; “none” for no interface
  --keep-host-keys        keep machine id and ssh host keys beside the original, too
restore-file BACKUP PATH  puts one file back; one that is there stays, and the
                          restored one is beside it";
        restore_instead(line) = "This would do: {line}";
        backup_stays(reasons) = "stays: {reasons}";
        backup_goes = "goes";
        no_schedule(name) = "{name} has no schedule: its backups are taken by hand.";
        // What was typed wrongly.
        option_unknown(option, supported) = "There is no option “{option}” here. There are: {supported}.";
        in_file(file, text) = "In {file}: {text}";
        option_value_wrong(option, value) = "“{value}” is no value for {option}; see --help.";
        answer_lost(why) = "the answer could not be written: {why}";
        option_without_value(option) = "The option “{option}” needs a value.";
        option_takes_no_value(option) = "The option “{option}” takes no value.";
        option_before_name(option) = "The option “{option}” stands before the name: vserver {option} NAME COMMAND.";
        word_not_expected(word) = "“{word}” is one word too many.";
        word_not_text(word) = "“{word}” is not UTF-8 text.";
        command_missing = "What is to be done with it? There is no command.";
        command_unknown(word) = "There is no command “{word}”.";
        command_not_yet(word, supported) = "The command “{word}” is not in this release. There are: {supported}.";
        method_missing(supported) = "Say how its files are to be made, with -m METHOD. There are: {supported}.";
        method_unknown(word, supported) = "There is no build method “{word}”. There are: {supported}.";
        method_not_yet(word, supported) = "The build method “{word}” is not in this release. There are: {supported}.";
        other_name(given, name) = "The option -n names “{given}”, the command line “{name}”.";
        netmask_not_with_netprefix = "The options --netmask and --netprefix say the same thing: give one of them.";
        not_a_vserver_directory(path, base) = "{path} is not the config directory of a VServer: those are in {base}.";
        user_missing = "As whom? “suexec” needs a user and a command.";
        command_to_run_missing = "Which command is to be run? It stands behind the options.";
        program_missing = "Which command? “exec” and “suexec” need one; “enter” opens a shell.";
        // Builds by other methods.
        option_refused(option, reason) = "The option “{option}” makes no sense here: {reason}";
        option_twice(option) = "The option “{option}” can be given once.";
        option_without_effect(option) = "The option “{option}” changes nothing: files that are copied or unpacked are of the distribution they are, /dev is always made anew, and packages are managed inside.";
        packages_are_inside = "packages are always managed inside the VServer, so nothing of them is kept outside.";
        no_shell_to_trace = "no shell script does the work. --debug shows every step.";
        rescue_missing = "--rescue-init and --rescue-cmd say how --rescue is to be done, which is missing.";
        failures_are_undone = "a build that fails is undone as a whole, and its log says why. To keep what was copied for another try, copy into a directory that is there, with --i-know-its-there.";
        clones_are_whole = "a clone is the whole of its source. To leave something out: -m rsync -- --source NAME -- --exclude PATTERN";
        skeleton_runs_nothing(word) = "“{word}” would be run on the host as root, and builds run nothing there. Build the skeleton, then run it yourself.";
        remote_shell_is_ssh(word) = "“{word}” is not possible here: -e takes ssh, with -p PORT and -i KEY_FILE.";
        place_is_elsewhere(option, given, ours) = "{option} {given}: this Ulysse has it at {ours}, and nowhere else.";
        places_are_settings = "To have the files on a volume, mount it there. To move everything, change [roots] in the settings.";
        host_key_to_confirm(host, fingerprint) = "{host} shows a key that nobody has confirmed yet: {fingerprint}. Compare it with what “ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub” says over there, then add --hostkey {fingerprint} after the first --.";
        host_key_question(host, fingerprint) = "{host} shows a key that nobody has confirmed yet:\n  {fingerprint}\nIs this what “ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub” says over there (y/N) ";
        // What is wrong with a value; the pages have other ways out.
        value_missing = "A value is needed.";
        context_taken_by(context, name) = "Context {context} belongs to {name}. Leave the option out to get the next free one.";
        address_taken_by(address, name) = "{address} belongs to {name}. Leave the option out to get the next free address of the NAT network.";
        nothing_done = "Nothing was done.";
        config_arguments = "ACTION [ARGUMENTS]";
        does_config = "show and change its config files";
        config_actions_explained = "Actions:
  list                    every file and its first line
  show PATH               what a file says
  explain PATH            what it means, its default, whether it is in use
  set PATH VALUE…         write it, one value a line; “-” reads standard input,
                          no value at all makes an empty file
  unset PATH              remove it
  edit PATH               change it in $VISUAL, $EDITOR or editor
  history [PATH]          what was changed, when and by whom
  undo NUMBER             put back what a change replaced
PATH is below the config directory, such as interfaces/0/ip. NAME may be
.defaults or .distributions. What a change would break is refused, with file
and line.";
        config_action_unknown(word, supported) = "There is no action “{word}” of config. There are: {supported}.";
        config_path_missing = "Which file? Give its path below the config directory, such as interfaces/0/ip.";
        config_number_missing = "Which change? “config history” shows their numbers.";
        // About a VServer.
        needs_root = "Only root can do this: run it as root, or with sudo.";
        settings_unreadable(detail) = "The settings cannot be read: {detail}";
        no_config_directory(name, path) = "There is no VServer “{name}”: {path} does not exist.";
        spelling_hint = "Check the spelling of the name.";
        build_hint = "“vserver NAME build --help” says how to make one.";
        help_hint = "“vserver --help” lists the commands.";
        already_running(name) = "{name} is running already. For changes to take effect: vserver {name} restart";
        not_running(name) = "{name} is not running.";
        not_running_for(name) = "{name} is not running, and this needs it to. Start it first: vserver {name} start";
        no_device_for(address) = "{address}: no device is given, so it is put on none (nodev).";
        was_built(name, context, interfaces) = "{name} is built: context {context}, {interfaces}.";
        how_to_start(name) = "Start it: vserver {name} start";
        // While something is being done.
        waits_for(name, command) = "“{command}” is at work on {name}: waiting until it has ended. Ctrl-C leaves.";
        waits_for_somebody(name) = "Something else is at work on {name}: waiting until it has ended. Ctrl-C leaves.";
        cancel_begins = "Cancelling, and undoing what was done. Once more to leave at once; what is left is then undone the next time.";
        cancel_impossible = "This cannot be cancelled any more. Once more to leave at once; it is then put right the next time.";
        left_to_recovery = "Left at once: “ulysse doctor --repair”, or the next command about it, puts it right.";
        // Deleting.
        delete_removes(config, files) = "This removes {config} and {files}, for good.";
        delete_stops_it = "It is running, and is stopped first.";
        delete_question(name) = "Are you sure you want to delete the vserver {name} (y/N) ";
        delete_yes = "y yes";
        delete_refused = "Nothing was deleted.";
        // Status.
        status_shared(shared, own) = "Shared:              {shared} ({own} of its own)";
        // Doctor.
        doctor_has(thing) = "There: {thing}.";
        doctor_optional(text) = "{text}\n  Only for the build method yum.";
        doctor_unfinished(operation, name) = "Operation {operation} on {name} was interrupted.";
        doctor_remains(name) = "{name} has ended, and something of it is left.";
        doctor_stray(path) = "{path} is left of an interrupted operation.";
        doctor_nothing = "Nothing is left of interrupted operations.";
        doctor_repair_hint = "“ulysse doctor --repair” puts right what was interrupted.";
        doctor_not_repaired = "This could not be put right:";
        // Identity, recycle bin, protection.
        undelete_arguments = "[--as NAME] [OPTIONS]";
        rename_arguments = "NEWNAME [OPTIONS]";
        set_arguments = "OPTIONS";
        does_undelete = "get it back from the recycle bin";
        does_rename = "give it another name, everywhere it stands";
        does_set = "give it another context, host name, addresses";
        does_protect = "protect it against deletion";
        does_unprotect = "take the protection away";
        identity_options_explained = "Options:
  --context N             another context number
  --hostname HOSTNAME     another host name (when it is renamed: the first part follows)
  --interface [LABEL=][DEVICE:]ADDRESS[/LENGTH|/MASK]
                          its addresses, all of them; may be repeated
Options of “rename” and “set”:
  --restart               stop it for this if it runs, and start it again
  --dry-run               only print what would be done, command by command
Options of “undelete”:
  --as NAME               under another name";
        delete_options_explained = "It goes to the recycle bin (“ulysse bin list”), for as long as recycle_bin.keep_days
in /etc/ulysse/ulysse.toml says. “vserver NAME undelete” gets it back.

Options:
  --now                   keep nothing: remove it for good";
        new_name_missing = "What shall it be called? “rename” needs a new name.";
        delete_moves(config, files, until) = "This moves {config} and {files} to the recycle bin, until {until}.";
        is_in_bin(name, until) = "{name} is in the recycle bin until {until}. To get it back: vserver {name} undelete";
        delete_moves_tree(config, until) = "This moves {config} to the recycle bin, until {until}.";
        volume_keeps_files(path) = "The volume at {path} stays mounted, with the files on it, until they are removed from the recycle bin.";
        volume_is_emptied(path) = "The volume at {path} is emptied and stays mounted, ready for another VServer. To give it up: unmount it, take its line out of the host’s fstab, remove it (lvremove).";
        is_back(name) = "{name} is back.";
        free_values(line) = "These values are free: {line}";
        bin_is_empty = "Nothing in the recycle bin can be removed.";
        bin_columns = "ID|NAME|CTX|DELETED|REMOVED AFTER|SIZE";
        bin_protected = "never: protected";
        bin_total(size) = "In all: {size}";
        purge_question(name) = "Remove {name} from the recycle bin, for good? (y/N) ";
        empty_question(count) = "Remove all {count} from the recycle bin, for good? (y/N) ";
        stays_protected(name) = "{name} stays: it is protected. Restore it, then: vserver {name} unprotect";
    }
}
