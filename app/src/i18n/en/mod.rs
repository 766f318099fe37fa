//! The texts in English.

pub(super) mod archive;
pub(super) mod batch;
pub(super) mod boot;
pub(super) mod command;
pub(super) mod config_entry;
pub(super) mod expected;
pub(super) mod failure;
pub(super) mod inside;
pub(super) mod metrics;
pub(super) mod mounts;
pub(super) mod note;
pub(super) mod packages;
pub(super) mod place;
pub(super) mod problem;
pub(super) mod processes;
pub(super) mod text;
pub(super) mod trace;
