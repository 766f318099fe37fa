//! What a VServer, an operation, a user and a permission are.
//!
//! Everything here is data and judgement: no I/O, no clock, no randomness, no leptos. The crate is
//! compiled into the engine, the web process and the browser alike, so that a form and the engine
//! judge an input with the same code.
//!
//! Invariant: a value of a type of this crate is valid. What can be wrong is a [`field::FieldError`]
//! or a [`failure::Failure`], both plain data; the words for people are made in `app::i18n` alone.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

pub mod authz;
pub mod backup;
pub mod batch;
pub mod boot;
pub mod build;
pub mod change;
pub mod command;
pub mod config_change;
pub mod config_entry;
pub mod diff;
pub mod failure;
pub mod field;
pub mod fstab;
pub mod guest_log;
pub mod hook;
pub mod host;
pub mod id;
pub mod identity;
pub mod init;
pub mod interface;
pub mod life;
pub mod metrics;
pub mod note;
pub mod operation;
pub mod package;
pub mod place;
pub mod process;
pub mod recycle;
pub mod restore;
pub mod retention;
pub mod service;
pub mod template;
pub mod time;
pub mod tmpfs;
pub mod trace;
pub mod user;
pub mod vserver;
