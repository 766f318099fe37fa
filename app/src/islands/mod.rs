//! The interactive parts. Each is rendered by the server first and means the same without
//! JavaScript; in the browser it follows `/events` ([`crate::live`]) or judges what is typed.

pub mod batch_rows;
#[cfg(feature = "build-form")]
pub mod build_form;
#[cfg(feature = "build-form")]
mod build_methods;
pub mod charts;
pub mod connection;
pub mod console_tail;
pub mod copy_button;
pub mod form_command;
pub mod live_parts;
pub mod live_rows;
pub mod operation_progress;
pub mod operation_table;
pub mod tiles;
pub mod vserver_panel;
pub mod vserver_table;
