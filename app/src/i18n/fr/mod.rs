//! The texts in French.

pub(super) mod command;
pub(super) mod failure;
pub(super) mod problem;
pub(super) mod text;
