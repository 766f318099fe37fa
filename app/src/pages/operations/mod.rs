//! Operations: all of them, one of them.

pub(crate) mod list;
pub(crate) mod show;
