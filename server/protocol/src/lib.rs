//! What the web process may ask of the engine, and what comes back.
//!
//! Frames travel over an inherited `SOCK_SEQPACKET` socketpair: one frame a message, postcard
//! inside, at most [`MAX_FRAME_BYTES`]. A larger reply travels as a sealed memfd beside the frame.
//! Every enum is closed; no request names a path, a program or an option of the host: names, ids
//! and typed values only. Decoding validates, because the types of `domain` do.
//!
//! This crate knows no socket: the engine end is blocking (`engine::channel`), the web end is
//! tokio (`server::engine_client`).
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

pub mod frame;
pub mod message;
pub mod terminal;
pub mod upload;

pub use frame::{DecodeError, MAX_BULK_BYTES, MAX_FRAME_BYTES, decode, encode};
pub use message::{Event, EventFrame, Reply, ReplyFrame, Request, RequestFrame};
