//! English: the mounts of a VServer.

use domain::tmpfs::RemountProblem;

use super::text::English;
use crate::i18n::messages::texts;
use crate::i18n::mounts::MountMessages;
use crate::i18n::{Locale, format};

impl MountMessages for English {
    texts! {
        mounts = "Mounts";
        mounts_of(name) = "Mounts of {name}";
        mounts_nothing = "It mounts nothing.";
        mounts_hold_from_start = "Of a tmpfs that is mounted, its size and ro, nosuid, nodev and noexec can be changed at once, and its files stay. Everything else holds from the next start of the VServer on.";
        mounted_now = "Mounted now";
        mounted_as_written = "as written";
        mounted_otherwise_now(options) = "otherwise: {options}";
        used_of_it(used) = "{used} used";
        apply_at_once = "Apply at once";
        apply_to(target) = "Apply to {target} at once";
        fstab_says(place, target, options, command) = "{place} says of {target}: {options}. To have that at once: {command}";
        its_mounts = "What is mounted, and what of it can be changed at once";
        remount_arguments = "DIRECTORY";
        does_mounts = "show what it sees mounted";
        does_remount = "give a tmpfs the size and flags its fstab says";
        vmount_usage = "vmount CONTEXT [-- -o remount [SOURCE] DIRECTORY]";
        vmount_explained = "Shows what a VServer that runs sees mounted. With -o remount it gives the tmpfs that its fstab
has at DIRECTORY the size and flags that stand there by now; its files stay. What else is to be
mounted is written into the fstab and holds from the next start on: nothing is mounted in a
VServer from outside.
  --config FILE     the settings of another instance
  --help, --version";
        vmount_refused = "Nothing is mounted in a VServer from outside, and no option but those of its fstab.";
        vmount_instead(name) = "Write it into its fstab (vserver {name} config edit fstab), which holds from the next start on; what can be had at once, “vserver {name} remount DIRECTORY” applies.";
        target_missing = "Say where it is mounted, such as /tmp.";
        add_mount = "Add a line…";
        change_line = "Change…";
        remove_line = "Remove…";
        change_mount(target) = "Change the mount at {target}";
        remove_mount(target) = "Remove the mount at {target}";
        line = "Line";
        mount_target = "Where";
        mount_type = "Type";
        mount_source = "What";
        mount_options = "Options";
        mount_target_explained = "A directory that is there, from the VServer’s root, such as /tmp.";
        mount_size_explained = "Of a tmpfs: 32m, 1g, or a share of the memory such as 50%. Empty: half of the memory.";
        mount_mode_explained = "Of a tmpfs, in octal: 1777 for one that all may write, as /tmp.";
        other_options_explained = "Separated by commas. Directories and devices of the host are root’s to show, on the host.";
        what_it_sees = "What it sees mounted";
        sees_nothing_stopped = "It does not run, and so sees nothing mounted.";
        mounted_by = "Mounted by";
        mounted_by_ulysse = "Ulysse, in every VServer";
        mounted_by_fstab(line) = "line {line} of its fstab";
        mounted_otherwise = "itself, or another line";
        cleanup_is_on = "vnamespace -e shows the mounts of this VServer, and not those of the others.";
        cleanup_is_off = "nonamespace-cleanup is set: vnamespace -e shows those of the other VServers, too. In the VServer itself nothing of the host’s is visible.";
        cleanup_explained = "A VServer of the original began with a copy of all of the host’s mounts, of which what it had no need of was unmounted, unless nonamespace-cleanup was set. Here its mount namespace holds nothing but what is mounted for it; the copy is made for whoever looks from the host with vnamespace -e, and cleaned up by the same rules. Only root sets it, on the host, and it holds at once:";
    }
}

/// Why what is mounted stays as it is, and what to do.
pub(super) fn failure(target: &str, problem: RemountProblem) -> (String, String) {
    match problem {
        RemountProblem::NotInFstab => (
            format!(
                "No line of the fstab says that a tmpfs of a limited size is to be at {target}."
            ),
            "What is mounted otherwise is mounted anew by the next start.".into(),
        ),
        RemountProblem::NotMounted => (
            format!("No tmpfs of the VServer’s own is mounted at {target}."),
            "Its line holds from the next start of the VServer on.".into(),
        ),
        RemountProblem::TooSmall { size_bytes, used_bytes } => {
            let [size, used] = [size_bytes, used_bytes].map(|n| format::bytes(Locale::English, n));
            (
                format!("The files at {target} take {used}; with {size} they would not fit."),
                "Remove files inside, or leave it larger.".into(),
            )
        }
        RemountProblem::BeingWritten => (
            format!("A process has a file at {target} open for writing."),
            "End what writes there, or have it for reading only from the next start on.".into(),
        ),
    }
}

/// What an option of a line of an fstab means; nothing for those of a filesystem that nobody knows.
pub(in crate::i18n) fn option(word: &str) -> &'static str {
    match word {
        "defaults" => "no option but nodev",
        "ro" => "nothing can be written",
        "rw" => "can be written",
        "nosuid" => "set-user-id programs have no effect",
        "suid" => "set-user-id programs have an effect",
        "nodev" => "device nodes have no effect; always so, unless dev is said",
        "dev" => "device nodes have an effect",
        "noexec" => "no program of it can be run",
        "exec" => "its programs can be run",
        "noatime" => "reading changes no time of access",
        "nodiratime" => "the same, of directories",
        "sync" => "what is written is on disk at once",
        "dirsync" => "the same, of names in directories",
        "noauto" => "a start leaves it out",
        "bind" => "shows a directory or file of the host",
        "rbind" => "the same, with what is mounted below",
        "newinstance" => "terminals of its own",
        _ if word.starts_with("size=") => "the most it may hold, in memory",
        _ if word.starts_with("mode=") => "the mode of its root directory",
        _ if word.starts_with("uid=") => "whose its root directory is",
        _ if word.starts_with("gid=") => "of which group what is in it is",
        _ if word.starts_with("nr_inodes=") => "the most files it may hold",
        _ if word.starts_with("ptmxmode=") => "the mode of its ptmx",
        _ => "",
    }
}
