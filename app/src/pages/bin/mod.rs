//! The recycle bin: what is in it, and one of it.

pub(crate) mod list;
pub(crate) mod show;
