//! Pieces of pages: the frame, notices, form fields. They take data and ask nobody.

pub(crate) mod alert;
pub(crate) mod field;
pub(crate) mod frame;
pub(crate) mod history;
pub(crate) mod removal;
pub(crate) mod vserver_pages;
