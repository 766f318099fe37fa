//! What is wrong with the place of a VServer's files, in English.

use domain::place::PlaceProblem;

/// The text of a problem, and its way out.
pub(super) fn place(path: &str, problem: &PlaceProblem) -> (String, String) {
    match problem {
        PlaceProblem::Outside { base } => (
            format!("The files are in {path}, outside of {base}; nothing was done."),
            "Move them there and let the link vdir lead to them; or remove them, and that link, \
             by hand."
                .into(),
        ),
        PlaceProblem::NotMounted { device } => (
            match device {
                Some(device) => {
                    format!("The volume {device} is not mounted at {path}; nothing was done.")
                }
                None => format!("The volume of {path} is not mounted; nothing was done."),
            },
            format!(
                "Mount it (mount {path}), then try again. If it is not wanted any more, take its \
                 line out of the host’s fstab."
            ),
        ),
        PlaceProblem::AnotherVolume { device } => (
            format!(
                "What is mounted at {path} is not the volume that the files are on; nothing was done."
            ),
            match device {
                Some(device) => format!(
                    "The host’s fstab mounts {device} there. See what is mounted (findmnt {path}), \
                     unmount it and mount the VServer’s own volume, then try again."
                ),
                None => format!(
                    "See what is mounted (findmnt {path}), unmount it and mount the VServer’s own \
                     volume, then try again."
                ),
            },
        ),
        PlaceProblem::NotInFstab => (
            format!(
                "{path} is mounted from a part of another filesystem, and the host’s fstab does not \
                 say which: it could not be mounted again. Nothing was done."
            ),
            "Give it a line in the host’s fstab, or unmount it; then try again.".into(),
        ),
        PlaceProblem::InUse => (
            format!("The volume at {path} is in use and cannot be unmounted; nothing was done."),
            format!(
                "See who uses it (fuser -vm {path}) and end that, a shell in it for instance; then \
                 try again."
            ),
        ),
        PlaceProblem::ReadOnly => (
            format!("The volume at {path} is mounted for reading only; nothing was done."),
            format!(
                "See in the host’s log whether it has errors. If it has none: mount -o remount,rw \
                 {path}; then try again."
            ),
        ),
        PlaceProblem::MountedAs { kind } => (
            format!(
                "The volume at {path} is mounted as {kind}: like that, Linux cannot show its files \
                 with the owners that they have inside."
            ),
            format!(
                "Mount it as ext4, which reads {kind} too; nothing on it changes: umount {path}; \
                 mount -t ext4 DEVICE {path}; and write ext4 in its line of the host’s fstab."
            ),
        ),
        PlaceProblem::VolumeNameTaken { group, name } => (
            format!(
                "The logical volume cannot get the new name: {group} has another one that is called \
                 {name}. Nothing was done."
            ),
            format!(
                "Choose another name, or give that volume another one first (lvrename {group} \
                 {name} NEW)."
            ),
        ),
    }
}
