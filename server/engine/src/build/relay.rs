//! The role `ulysse relay`: what rsync, in its stage, takes for a remote shell.
//!
//! It gives its standard input and output, and the words it was called with, to the engine and waits.
//! The engine runs ssh between them ([`super::remote`]): so the process that understands what a
//! stranger sends has neither the key to log in with nor a say in where ssh goes.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use sys::seqpacket;

use super::stage::PROGRAMS_LINE_OUT;

/// The name of the role.
pub(super) const ROLE: &str = "relay";

/// The most bytes of the words.
pub(super) const MAX_WORDS_BYTES: usize = 32 * 1024;

/// What rsync wants to be run over there.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Called {
    /// The words after the machine's name.
    pub(super) words: Vec<String>,
}

/// The role; the words after its name.
#[must_use]
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    match call(arguments) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn call(arguments: impl Iterator<Item = OsString>) -> io::Result<u8> {
    let line = sys::descriptor::take_inherited(PROGRAMS_LINE_OUT)?;
    let words: Vec<String> = arguments.skip(1).filter_map(|word| word.into_string().ok()).collect();
    let packet = serde_json::to_vec(&Called { words })?;
    let (input, output) = (io::stdin(), io::stdout());
    seqpacket::send(&line, &packet, &[input.as_fd(), output.as_fd()]).map_err(io::Error::other)?;
    // What is not kept here ends over there.
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    let mut answer = [0; 1];
    let received = seqpacket::receive(&line, &mut answer).map_err(io::Error::other)?;
    let [status] = answer;
    Ok(if received.bytes == 0 { 255 } else { status })
}
