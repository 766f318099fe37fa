//! What the page of a VServer's mounts says.

use super::messages::messages;
use super::{Locale, en, fr};

messages! { MountMessages:
    mounts;
    mounts_of(name);
    mounts_nothing;
    mounts_hold_from_start;
    mounted_now;
    mounted_as_written;
    mounted_otherwise_now(options);
    used_of_it(used);
    apply_at_once;
    apply_to(target);
    fstab_says(place, target, options, command);
    its_mounts;
    remount_arguments;
    does_mounts;
    does_remount;
    target_missing;
    vmount_usage;
    vmount_explained;
    vmount_refused;
    vmount_instead(name);
    add_mount;
    change_line;
    remove_line;
    change_mount(target);
    remove_mount(target);
    line;
    mount_target;
    mount_type;
    mount_source;
    mount_options;
    mount_target_explained;
    mount_size_explained;
    mount_mode_explained;
    other_options_explained;
    what_it_sees;
    sees_nothing_stopped;
    mounted_by;
    mounted_by_ulysse;
    mounted_by_fstab(line);
    mounted_otherwise;
    cleanup_is_on;
    cleanup_is_off;
    cleanup_explained;
}
