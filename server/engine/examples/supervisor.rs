//! The role `supervise` alone, as a small program for the engine's own tests, with a stand-in for the
//! command that a supervisor runs at the end.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|role| role.to_str()) {
        Some("supervise") => engine::guest::supervise::main(),
        Some("vserver") => note_event(&arguments.collect::<Vec<_>>()),
        _ => ExitCode::from(2),
    }
}

/// `--config FILE --event EVENT NAME`: writes the event down beside FILE.
fn note_event(words: &[OsString]) -> ExitCode {
    let [_, config, _, event, _] = words else {
        return ExitCode::from(2);
    };
    let mut path = config.clone();
    path.push(".event");
    fs::write(path, event.as_encoded_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
