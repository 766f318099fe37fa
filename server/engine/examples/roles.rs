//! The engine's roles alone, as a small program: the engine's own tests start them from here
//! instead of building the whole of `ulysse`.
//!
//! `run STATE.json COMMAND…` is `vserver NAME exec COMMAND…` for a VServer of which there is only
//! that record.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;

use engine::exec::{self, Invocation};
use engine::roots::Roots;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|role| role.to_str()) {
        Some("guest-exec") => exec::guest_exec(arguments),
        Some("relay") => engine::build::relay::main(arguments),
        Some("stage") => engine::build::stage::main(),
        Some("terminal") => engine::terminal::holder::main(),
        Some("supervise") => engine::guest::supervise::main(),
        Some("unpack") => engine::archive::role::main(),
        Some("run") => run(arguments),
        _ => ExitCode::from(2),
    }
}

fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let record = fs::read(arguments.next().unwrap()).unwrap();
    let state = serde_json::from_slice(&record).unwrap();
    let invocation = Invocation::from_here(arguments.collect());
    let executable = env::current_exe().unwrap();
    match exec::run(&executable, &Roots::default(), &state, &invocation) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
