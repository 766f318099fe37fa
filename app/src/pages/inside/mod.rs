//! Looking into a VServer: what happened to it, what it printed and logged, its services.

pub(crate) mod happened;
pub(crate) mod logs;
pub(crate) mod services;
