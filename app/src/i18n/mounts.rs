//! What the page of a VServer's mounts says.

use super::messages::messages;
use super::{Locale, en, fr};

messages! { MountMessages:
    mounts;
    mounts_of(name);
    mounts_nothing;
    mounts_hold_from_start;
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
