//! The engine's roles alone, as a small program: the engine's own tests start them from here
//! instead of building the whole of `ulysse`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|role| role.to_str()) {
        Some("guest-exec") => engine::exec::guest_exec(arguments),
        Some("terminal") => engine::terminal::holder::main(),
        _ => ExitCode::from(2),
    }
}
