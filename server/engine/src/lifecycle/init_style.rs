//! What each init style runs: the start and stop commands, and what is prepared before (fact sheet 1.4).
//!
//! A command of the configuration's replaces the style's and is taken as it stands. Not here: running any of
//! it, which is `guest::init`'s and the supervisor's.

use domain::init::InitStyle;

use crate::config::InitConfig;
use crate::guest::{InitCommand, InitPlan, Preparation};
use crate::state::AppliedStop;

/// What pid 1 is in this style (fact sheet 1.4).
pub(super) fn init_plan(init: &InitConfig, stop: &AppliedStop) -> InitPlan {
    let level = init.start_level.clone();
    if init.style.has_own_init() {
        let of_style = || {
            let program = init.style.start_programs().iter().map(|path| (*path).to_owned());
            program.chain(level.filter(|_| init.style == InitStyle::Plain)).collect()
        };
        let command = init.start_command.clone().unwrap_or_else(of_style);
        return InitPlan::Program { command };
    }
    let start = match &init.start_command {
        Some(command) => InitCommand::configured(command),
        None => start_of_style(init),
    };
    InitPlan::Own {
        title: level.unwrap_or_default(),
        start,
        stop: stop.command.clone(),
        kill_sequence: stop.kill_sequence.clone(),
    }
}

fn start_of_style(init: &InitConfig) -> InitCommand {
    let level: Vec<String> = init.start_level.iter().cloned().collect();
    let (arguments, environment) = match init.style {
        InitStyle::Sysv => (level.clone(), run_level("N", &level)),
        InitStyle::Gentoo => (level, vec!["TERM=linux".to_owned()]),
        // It knows its run level itself.
        InitStyle::Arch | InitStyle::Plain | InitStyle::Minit => (Vec::new(), Vec::new()),
    };
    InitCommand {
        programs: owned(init.style.start_programs()),
        arguments,
        environment,
        takes_level: init.style == InitStyle::Sysv,
    }
}

/// What our own pid 1 runs in this style when it is told to end; of no use to a style with one of its own.
pub(super) fn stop_of(init: &InitConfig) -> InitCommand {
    if let Some(command) = &init.stop_command {
        return InitCommand::configured(command);
    }
    let (programs, arguments, environment) = match init.style {
        InitStyle::Sysv => {
            let level: Vec<String> = init.stop_level.iter().cloned().collect();
            // Debian's rc ends services by their scripts only when it comes from another level.
            let before = init.start_level.as_deref().unwrap_or("N");
            let environment = run_level(before, &level);
            (init.style.start_programs(), level, environment)
        }
        InitStyle::Gentoo => {
            let environment = vec!["RUNLEVEL=0".to_owned()];
            (&["/sbin/rc"][..], vec!["shutdown".to_owned()], environment)
        }
        InitStyle::Arch => (&["/etc/rc.shutdown"][..], Vec::new(), Vec::new()),
        InitStyle::Plain | InitStyle::Minit => (&[][..], Vec::new(), Vec::new()),
    };
    let takes_level = init.style == InitStyle::Sysv;
    InitCommand { programs: owned(programs), arguments, environment, takes_level }
}

fn run_level(before: &str, level: &[String]) -> Vec<String> {
    let now = level.iter().map(|level| format!("RUNLEVEL={level}"));
    std::iter::once(format!("PREVLEVEL={before}")).chain(now).collect()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What is done in its files before its first program runs (fact sheet 1.4, the column "prepare").
pub(super) fn preparation(init: &InitConfig) -> Preparation {
    let level = || init.start_level.clone().unwrap_or_else(|| "3".to_owned());
    if init.prepare_command.is_some() {
        return Preparation::Nothing;
    }
    match init.style {
        InitStyle::Plain => Preparation::NoFilesystemCheck,
        // Theirs is a word, or none.
        InitStyle::Gentoo | InitStyle::Minit => Preparation::RunLevel("3".to_owned()),
        InitStyle::Sysv | InitStyle::Arch => Preparation::RunLevel(level()),
    }
}
