//! English: what is said of processes.

use super::text::English;
use crate::i18n::messages::texts;
use crate::i18n::processes::ProcessMessages;

impl ProcessMessages for English {
    texts! {
        vps_usage = "vps [PS OPTIONS]";
        vps_explained = "The host’s ps, with a column CONTEXT behind the pids: the context of each process and its
VServer’s name, “0 MAIN” for the host’s own. The options are those of ps, whose exit status is
passed on; it is 254 when ps shows no column PID. Only as the first word:
  --config FILE     the settings of another instance
  --help, --version";
        vtop_usage = "vtop [TOP OPTIONS]";
        vtop_explained = "The host’s top, which shows the processes of the host and of all VServers. top has no column
for contexts; its own CGNAME shows the cgroup, which ends in the VServer’s name: press f, choose
CGNAME with the space bar, press q; W keeps it. “vps” has the column CONTEXT.
  --help, --version, as the first word";
        vpstree_usage = "vpstree [PSTREE OPTIONS]";
        vpstree_explained = "The host’s pstree, which shows the processes of the host and of all VServers: each VServer’s
below its supervisor.
  --help, --version, as the first word";
        vkill_usage = "vkill [-c CONTEXT] [-s SIGNAL] [--] [PID…]";
        vkill_explained = "Sends a signal to processes. PIDs are those that vps shows; with -c, 1 is the VServer’s init.
A pid that has become another process’s meanwhile gets nothing. 0 when all were sent, else 1.
  -c, --xid CONTEXT the number or the name of a VServer: only its processes get the signal;
                    without PID every one of them
  -s SIGNAL         a name such as TERM, SIGHUP or RTMIN+3, or a number; TERM when not given
  --config FILE     the settings of another instance
  --help, --version";
        vserver_info_usage = "vserver-info [-q] [-l] [OBJECT|- TAG [ARGUMENT…]]";
        vserver_info_explained = "One fact for scripts; without words, SYSINFO. Exit status 1 when there is none.
  of a VServer (name or context): CONTEXT [BOOL], ID, NAME, CFGDIR, VDIR [BOOL],
                    APPDIR APP, RUNNING, INITPID, UTS [FIELD]
  of a process:     XID, NID, TAG, INITPID_PID
  of a number:      XIDTYPE [TYPE…]
  of this host (-): SYSINFO, FEATURE NAME, VERIFYCAP, VERIFYPROC
  of any word:      CANONIFY
  APIVER and PXID fail: a stock kernel has no such numbers.
Options:
  -l, --list        list the tags
  -q, --quiet       the exit status only
  --config FILE     the settings of another instance
  --help, --version";
        vnamespace_usage = "vnamespace -e CONTEXT|-n [SELECTORS] [--] COMMAND [ARGUMENTS]";
        vnamespace_explained = "Runs a command in the namespaces of a VServer, or in new ones.
The command is one of the host’s; for one of the VServer’s own: vserver NAME exec.
  -e, --enter CONTEXT  those of a VServer that runs (number or name): its mounts, below its directory
                    on the host; those of other VServers only with its nonamespace-cleanup.
                    What the command mounts itself reaches neither the VServer nor the host
  -n, --new         new ones
Selectors; mount and fs are preselected:
  --~mount          not its mounts: only what follows is joined
  -N, --net   -I, --ipc   -U, --uts
  -M, --mount  -F, --fs  and  --~fs, --~net, --~ipc, --~uts
Options:
  --config FILE     the settings of another instance
  --help, --version";
        vuname_usage = "vuname [-g] --xid CONTEXT [TAG…] | -s --xid CONTEXT -t TAG=VALUE…";
        vuname_explained = "The names that uname says in a VServer that runs. Tags, which may be abbreviated: context,
sysname, nodename, release, version, machine, domainname; all of them when none is given.
  -g, --get         print them, ??? for one that is not set
  -s, --set         change nodename or domainname until the VServer is stopped; what it begins
                    with at its next start stands in uts/nodename and uts/domainname
  -t, --tag TAG=VALUE  may be repeated
  --xid CONTEXT     the number or the name of a VServer
  --config FILE     the settings of another instance
  --help, --version";
        chcontext_usage = "chcontext --xid CONTEXT [--silent] [--] COMMAND [ARGUMENTS]";
        chcontext_explained = "Runs a command in a context: as “vserver NAME exec” for that of a VServer that runs; on the host
for 0 and 1. A context cannot be made by itself: the start of a VServer makes it. What its
processes may do and see (--cap, --flag, --secure, --hostname) is decided there, too.
  --xid, --ctx CONTEXT  the number or the name of a VServer
  --silent          do not say the number
  --config FILE     the settings of another instance
  --help, --version";
        chbind_usage = "chbind --nid CONTEXT [--silent] [--] COMMAND [ARGUMENTS]";
        chbind_explained = "Runs a command of the host’s in the network of a VServer that runs, and prints its addresses.
As with the original, --ip and --bcast count for nothing where there is a network already. To
hold a process of the host’s to some addresses takes the patched kernel.
  --nid CONTEXT     the number or the name of a VServer
  --silent          do not print the addresses
  --config FILE     the settings of another instance
  --help, --version";
        vwait_usage = "vwait [--timeout SECONDS] [--terminate] [--status-fd FD] CONTEXT";
        vwait_explained = "Waits until a VServer has ended: 0, FINISHED. One that does not run has.
  --timeout SECONDS no longer than that: 2, TIMEOUT
  --terminate       kill all its processes then: 1, KILLED
  --status-fd FD    write the word there; anything else is 127, ERROR
  --config FILE     the settings of another instance
  --help, --version";
        not_a_vserver(word) = "“{word}” is the host, and no VServer.";
        no_such_program(program) = "There is no program {program}.";
        install_package(package) = "Install it: apt-get install {package}.";
        program_not_started(program, why) = "{program} could not be started: {why}";
        no_pid_column = "ps shows no column PID: nothing says which process a line is about.";
        not_a_pid(word) = "“{word}” is no pid.";
        pid_missing = "A pid is missing, or a VServer with -c.";
        no_such_process(pid) = "There is no process {pid}.";
        process_is_in(pid, name) = "Process {pid} is none of the host’s: it is in {name}.";
        spectator_signals_nobody = "Context 1 only looks on: nobody can be signalled in it.";
        signal_not_sent(pid, why) = "The signal did not reach {pid}: {why}";
        xid_missing = "--xid is missing.";
        tag_missing = "A tag is missing; -l lists them.";
        tag_unknown(word, known) = "“{word}” is no tag. There are: {known}.";
        tag_without_value(word) = "“{word}” is not TAG=VALUE.";
        tag_is_the_kernels(tag) = "{tag} is the kernel’s, of which there is one for all: it cannot be another in a VServer.";
        tags_to_set = "What can be set: -t nodename=NAME, -t domainname=NAME.";
        not_seconds(word) = "“{word}” is no number of seconds.";
        not_a_descriptor(word) = "“{word}” is no file descriptor.";
        context_missing = "One context is expected: the number or the name of a VServer.";
        option_of_the_patch(option) = "{option} is a matter of the patched kernel; a stock one has nothing like it.";
        namespace_instead = "A command of the VServer’s own, in all of its namespaces: vserver NAME exec COMMAND.";
        space_needs_exec(option) = "{option} would make a program of the host’s a part of the VServer.";
        space_not_made(option) = "{option} is not made anew here.";
        unshare_instead = "unshare(1) of util-linux does that: unshare --user, unshare --pid --fork.";
        new_or_enter = "Either -e CONTEXT or -n is needed.";
        decided_at_start(option) = "{option} is decided for all of a VServer when it is started, not for one command.";
        configure_instead = "See “vserver NAME config”: bcapabilities, flags; they count from its next start on.";
        vuname_instead = "“vuname -s --xid NAME -t nodename=…” changes it while the VServer runs, uts/nodename from its next start on.";
        setsid_instead = "setsid(1) does that: setsid chcontext --xid NAME COMMAND.";
        no_context_by_itself = "A stock kernel has no context without a VServer.";
        no_context_of_number(number) = "No VServer runs in context {number}, and a stock kernel has no context without a VServer.";
        context_instead = "Start the VServer first: vserver NAME start. For a process by itself: systemd-run, unshare.";
        no_list_of_addresses = "A stock kernel holds no process to a list of addresses.";
        chbind_instead = "--nid NAME runs a command in a VServer’s network. A service of the host’s is told by its own settings where to listen (ListenAddress), or held by systemd (SocketBindAllow=, IPAddressAllow=).";
        processes_of(name) = "Processes of {name}";
        process_title(pid, name) = "Process {pid} of {name}";
        all_processes = "The processes of all VServers";
        process_counts(shown, all) = "{shown} of {all} processes";
        process_rows_cut(most) = "Only the first {most} are shown: filter by VServer or by text to see others.";
        no_processes = "No VServer runs, so there is no process.";
        no_process_matches = "No process matches.";
        does_not_run(name) = "{name} does not run: it has no processes.";
        filter_processes = "Command, user or pid";
        every_vserver = "all VServers";
        as_tree = "as a tree";
        sorted_by = "Sorted by";
        sort_by(column) = "Sort by {column}";
        signal_one(pid) = "Signal process {pid}";
        signal_word = "Signal…";
        send_signal = "Send the signal";
        which_signal = "Signal";
        signals_explained = "The signal reaches this very process, or nobody when it has ended meanwhile. KILL cannot be caught: what the process has not written is lost.";
        signal_to_init = "It is pid 1 of the VServer: KILL ends the whole VServer.";
        back_to_processes(name) = "All processes of {name}";
        equivalent_vps = "At the command line: vps aux, vpstree -p, vtop.";
        col_pid = "pid on the host";
        col_inside = "pid inside the VServer";
        col_parent = "pid of its parent on the host";
        col_user = "user of the VServer";
        col_state = "R running, S sleeping, D waiting for a disk, T stopped, Z ended and not yet reaped, I idle";
        col_nice = "niceness, from -20 (served first) to 19";
        col_cpu = "part of one processor within the last seconds";
        col_time = "processor time used so far";
        col_rss = "memory in use";
        col_vsz = "address space";
        col_threads = "threads";
        col_start = "when it was started";
        col_command = "command line";
    }
}
