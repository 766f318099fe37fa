//! The config tree of a VServer, `/etc/vservers/NAME`, in the original's own format (fact sheet 0.4
//! and 1): reading all of it at once, listing VServers, and writing a new one.
//!
//! Reading is tolerant where the original was careless with its own files (missing newline, blanks),
//! strict where a value makes no sense: then the error names file, line and what was expected. Files
//! that Ulysse does not know are left alone and never touched.
//!
//! Not here: whether a VServer runs (`state`), choosing numbers and addresses (`facts`).

mod error;
mod fstab;
mod guest;
mod interfaces;
mod list;
mod reader;
mod words;
mod write;

pub use error::{ConfigError, Expected};
pub use fstab::{FstabEntry, MountFlags, MountKind};
pub use guest::{GuestConfig, InitConfig, Uts, Warning};
pub use list::{
    Listed, claims_at, claims_of, display_name_of, files_of, host_name_of, list, list_names,
    root_directory_of,
};
pub use reader::is_backup;
pub use words::{CapabilityChanges, Flag, KillStep, signal_number};
pub use write::{ensure_defaults, put_in_place, staging_of, write_new};

#[cfg(test)]
mod tests;
