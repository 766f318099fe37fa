//! The binary `ulysse`, which is several programs: by the name it is called by (`vserver`,
//! `vserver-stat`), else by its first word.

mod cli;
mod engine_process;
mod invocation;
mod log;
mod password;
mod program_help;
mod serve;
mod setup_token;
mod user_command;
mod web;

use std::process::ExitCode;

fn main() -> ExitCode {
    invocation::run(std::env::args_os().collect())
}
