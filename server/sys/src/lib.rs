//! The only unsafe code of Ulysse: what the kernel offers and no safe crate covers, typed in and
//! typed out.
//!
//! Where `rustix` or `nix` have a safe call, the engine uses it directly; here is what they lack
//! (`clone3`, `mount_setattr`, seccomp programs without `no_new_privs`, descriptors handed to a
//! child at a number) and what must be done the same way everywhere (packets with descriptors,
//! sealed memory, capability sets).
//!
//! Invariants: every descriptor made here is close-on-exec; no function here forks while the
//! process has a second thread.

pub mod capability;
pub mod descriptor;
pub mod extent;
pub mod memfd;
pub mod mount;
pub mod priority;
pub mod process;
pub mod seccomp;
pub mod seqpacket;
pub mod session;
pub mod wait;
