//! The config tree of a VServer, `/etc/vservers/NAME`, in the original's own format (fact sheet 0.4
//! and 1): reading all of it at once, listing VServers, and writing a new one.
//!
//! A tree is changed file by file, as an operation (`crate::configure`): `judge` says whether it may be,
//! `directory` writes, `history` keeps what was done, edits by hand included.
//!
//! Reading is tolerant where the original was careless with its own files (missing newline, blanks),
//! strict where a value makes no sense: then the error names file, line and what was expected. Files
//! that Ulysse does not know are left alone and never touched.
//!
//! Not here: whether a VServer runs (`state`), choosing numbers and addresses (`facts`).

mod boot;
mod directory;
mod error;
mod fstab;
mod guest;
mod history;
mod identity;
mod interfaces;
mod judge;
mod list;
mod reader;
mod resources;
mod words;
mod write;

pub use boot::boot_member_of;
pub use directory::EditStep;
pub(crate) use directory::Refused;
pub(crate) use directory::{ConfigDirectory, digest_of};
pub use error::ConfigError;
pub use fstab::{FstabEntry, MountFlags, MountKind};
pub(crate) use guest::{
    DEFAULT_SYNC_TIMEOUT_SECONDS, PREPARE_COMMAND, START_SYNC_COMMAND, STOP_SYNC_COMMAND,
};
pub use guest::{GuestConfig, InitConfig, Uts, process_settings_of, without_effect};
pub(crate) use history::{History, differences, history_base};
pub use history::{HistoryError, history_of};
pub use identity::{identity_of, interface_directories, interface_names};
pub use judge::Origin;
pub(crate) use judge::{JudgedEdit, failed, judge, look, open_tree};
pub use list::{
    Listed, claims_of, display_name_of, display_names_of, files_of, host_name_of, init_style_of,
    list, list_names, root_directory_of, shipped_files,
};
pub(crate) use list::{kept_mounts_of, vshelper_action_of};
pub use reader::is_backup;
pub use resources::{Limited, ProcessLimit, ProcessSettings};
pub(crate) use words::default_kill_sequence;
pub use words::{CapabilityChanges, Flag, KillStep};
pub use write::{ensure, ensure_defaults, staging_of, write_new};

#[cfg(test)]
mod tests;
