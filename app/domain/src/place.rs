//! What can be wrong with the place that a VServer's files are in: their directory, and the volume that
//! may be mounted there.

use serde::{Deserialize, Serialize};

/// Why a place does not allow what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PlaceProblem {
    /// It is not where Ulysse keeps files.
    #[error("outside of {base}")]
    Outside {
        /// Where files would have to be.
        base: String,
    },
    /// Its files are on a volume that is not mounted there.
    #[error("{} is not mounted there", .device.as_deref().unwrap_or("the volume"))]
    NotMounted {
        /// The volume, as the host's fstab names it, if it does.
        device: Option<String>,
    },
    /// What is mounted there is not the volume that its files are on.
    #[error("another volume is mounted there")]
    AnotherVolume {
        /// The volume, as the host's fstab names it, if it does.
        device: Option<String>,
    },
    /// What is mounted there is a part of another filesystem, and the host's fstab does not say which:
    /// it could not be mounted again.
    #[error("mounted, and not in the host's fstab")]
    NotInFstab,
    /// Others use the volume: it cannot be unmounted.
    #[error("in use")]
    InUse,
    /// The volume is mounted for reading alone.
    #[error("mounted read-only")]
    ReadOnly,
    /// It is mounted by a driver that cannot show its files with other owners, though another one could.
    #[error("mounted as {kind}")]
    MountedAs {
        /// The name of the driver: `ext2` or `ext3`.
        kind: String,
    },
    /// Its logical volume cannot be called after it: another one is.
    #[error("{group} has a logical volume {name}")]
    VolumeNameTaken {
        /// The volume group.
        group: String,
        /// The name.
        name: String,
    },
}
