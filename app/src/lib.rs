//! The web application: pages rendered by the server, islands woken in the browser, server
//! functions, and every text for people.
//!
//! Two builds of one crate. `ssr` is linked into the server: pages, server functions, the
//! [`backend`] contract. `hydrate` goes to the browser and holds only what an island needs: the
//! browser never sees pages, routes or server functions, so they add nothing to the download.
//! Invariant: this crate reaches the world only through [`backend`]; it knows neither engine,
//! store nor protocol.
#![forbid(unsafe_code)]
#![recursion_limit = "256"]

#[cfg(not(erase_components))]
compile_error!(
    "build with the flags of .cargo/config.toml: RUSTFLAGS in the environment replaces them, and \
     needs `--cfg erase_components` too"
);

pub mod events;
pub mod i18n;
pub mod islands;
mod live;
mod operation_title;
pub mod process_view;
mod shared;
pub mod shown;

#[cfg(feature = "ssr")]
pub mod api;
#[cfg(feature = "ssr")]
pub mod backend;
#[cfg(feature = "ssr")]
mod components;
#[cfg(feature = "ssr")]
pub mod dashboard;
#[cfg(feature = "ssr")]
pub mod error;
#[cfg(feature = "ssr")]
pub mod overview;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
pub mod preferences;
#[cfg(feature = "ssr")]
pub mod process_rows;
#[cfg(feature = "ssr")]
pub mod site;

#[cfg(feature = "ssr")]
pub use components::history::charts_part;
#[cfg(feature = "ssr")]
pub use site::{App, shell};
