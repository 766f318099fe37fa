//! The privileged part of Ulysse: the config tree, the life of VServers, builds, network,
//! operations.
//!
//! Synchronous and single-purpose: no HTTP, no SQL, no async runtime. Used in two ways: by the
//! engine process, which answers the web process (`dispatch`), and in-process by the command line.
//! Both take the same locks and write the same operations.
//!
//! Parts that need a process of their own (because the kernel wants a single thread, or because
//! they outlive the engine) are roles of the same binary: [`guest::supervise`],
//! [`terminal::holder`], [`exec::guest_exec`], [`build::stage`], [`build::relay`], [`archive::role`],
//! [`backup::reader`], [`backup::ssh`] (on the host that keeps the backups of another).
#![forbid(unsafe_code)]
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

pub mod archive;
pub mod backup;
pub mod base_links;
mod batch;
pub mod boot;
pub mod build;
pub mod cgroup;
pub mod channel;
pub mod clock;
pub mod config;
pub mod configure;
pub mod delete;
mod disk_full;
pub mod dispatch;
pub mod doctor;
pub mod engine;
pub mod exec;
pub mod facts;
pub mod freezer;
pub mod guest;
mod hearing;
pub mod identity;
mod inside;
mod life;
pub mod lifecycle;
pub mod limits;
pub mod lock;
mod mark;
pub mod network;
pub mod operation;
pub mod packages;
mod parallel;
pub mod processes;
pub mod program;
pub mod protect;
pub mod recovery;
pub mod recycle;
mod remount;
pub mod rewrite;
pub mod roots;
mod seen_mounts;
pub mod state;
pub mod summary;
pub mod template;
pub mod terminal;
pub mod tree;
pub mod unification;
pub mod usage;
pub mod volume;
pub mod watch;

pub use engine::Engine;
