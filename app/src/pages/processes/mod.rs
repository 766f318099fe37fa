//! Processes: those of all VServers or of one, and one process with the signals for it.

pub(crate) mod list;
pub(crate) mod show;
