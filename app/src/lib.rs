//! The web application.
#[cfg(feature = "ssr")]
pub mod backend;
pub mod events;
