//! Who one is: log-in, first administrator, password.

pub(crate) mod login;
pub(crate) mod password;
pub(crate) mod setup;
