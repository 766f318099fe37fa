//! One file a route.

pub(crate) mod auth;
pub(crate) mod backups;
pub(crate) mod bin;
pub(crate) mod boot;
pub(crate) mod config;
pub(crate) mod dashboard;
pub(crate) mod error;
pub(crate) mod host;
pub(crate) mod inside;
pub(crate) mod operations;
pub(crate) mod packages;
pub(crate) mod processes;
pub(crate) mod templates;
pub(crate) mod terminals;
pub(crate) mod users;
pub(crate) mod vservers;
