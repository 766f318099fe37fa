//! Commands that have ended: with which status, and what they said.

use std::process::{Command, Output, Stdio};

/// What a program of the host's said; it has to succeed.
pub(crate) fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program} {words:?}: {output:?}");
    said(&output)
}

/// The exit status; no signal ended it.
pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// Its standard output, which is text.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Its standard error, which is text.
pub(crate) fn complained(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
