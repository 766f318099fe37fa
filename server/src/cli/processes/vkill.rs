//! `vkill`: signals to processes of VServers (fact sheet 2.4). Each signal into a VServer is an operation.
//!
//! Pids are those that `vps` shows, the host's; with a VServer named, 1 is its init.

use std::ffi::OsString;

use domain::change::PlainChange;
use domain::process::{ProcessKey, Recipient, Signal, SignalOrder};
use engine::processes;
use engine::roots::Roots;
use engine::state::ProcessIdentity;

use super::super::change::{self, Ended};
use super::super::exit;
use super::super::options::{Grammar, Opt, text};
use super::{CONFIG, Call, Context, HELP, Program, VERSION};

/// `vkill`.
pub(super) const VKILL: Program = Program {
    name: "vkill",
    usage: |locale| locale.vkill_usage(),
    explained: |locale| locale.vkill_explained(),
    run,
};

const OPTIONS: Grammar = Grammar {
    options: &[CONFIG, Opt::value("xid").or('c'), Opt::short_value('s'), HELP, VERSION],
    takes_words: true,
};

/// Where one signal goes.
enum Destination {
    /// Into a VServer.
    VServer(SignalOrder),
    /// To a process of the host.
    Host(u32),
}

fn run(call: &Call, arguments: &[OsString]) -> Result<u8, u8> {
    let section = call.section(OPTIONS, arguments)?;
    let locale = call.locale();
    let misused = |error: super::super::options::UsageError| call.misused(error.text(locale));
    let signal = match section.value("-s").map_err(misused)? {
        None => Signal::TERM,
        Some(word) => word
            .parse()
            .map_err(|problem| call.misused(app::i18n::problem_text(locale, &problem)))?,
    };
    let mut pids = Vec::new();
    for word in section.words() {
        let word = text(&word).map_err(misused)?;
        let pid = word.parse().ok().filter(|pid: &u32| *pid > 0);
        pids.push(pid.ok_or_else(|| call.misused(locale.not_a_pid(&word)))?);
    }
    let engine = call.engine(section.os_value("--config"))?;
    let roots = &engine.instance().settings.roots;
    let context = section.os_value("--xid").map(|word| call.context(roots, &word)).transpose()?;
    let mut code = 0;
    for destination in destinations(call, roots, context.as_ref(), &pids, signal)? {
        let sent = match destination {
            None => exit::FAILURE,
            Some(Destination::Host(pid)) => match processes::signal_on_host(pid, signal) {
                Ok(()) => 0,
                Err(error) => call.failed(
                    locale.signal_not_sent(&pid.to_string(), &domain::failure::chain(&error)),
                ),
            },
            Some(Destination::VServer(order)) => {
                match change::run(call.caller, &engine, PlainChange::Signal(order)) {
                    Ended::Done(_) => 0,
                    Ended::Refused(failure) => call.told(&failure),
                    Ended::Told(code) => code,
                }
            }
        };
        // Whatever fails for one, the others get theirs.
        code = code.max(u8::from(sent != 0));
    }
    Ok(code)
}

/// Where the signal goes, pid by pid; none for one that is nowhere, which has been told.
fn destinations(
    call: &Call,
    roots: &Roots,
    context: Option<&Context>,
    pids: &[u32],
    signal: Signal,
) -> Result<Vec<Option<Destination>>, u8> {
    let locale = call.locale();
    let place = |pid: u32| processes::place_of(roots, pid).map_err(|e| call.unexpected(&e));
    let missing = |pid: u32| {
        call.failed(locale.no_such_process(&pid.to_string()));
        None
    };
    match context {
        Some(Context::Spectator) => Err(call.failed(locale.spectator_signals_nobody())),
        Some(Context::VServer(name)) => {
            let guest = call.running_of(roots, name)?;
            let order =
                |to| Some(Destination::VServer(SignalOrder { vserver: name.clone(), signal, to }));
            if pids.is_empty() {
                return Ok(vec![order(Recipient::Everyone)]);
            }
            let found = pids.iter().map(|pid| {
                let process = match pid {
                    1 => guest.init,
                    pid => ProcessIdentity::of(*pid),
                };
                match process {
                    Some(ProcessIdentity { pid, start_ticks }) => {
                        order(Recipient::Process(ProcessKey { pid, start_ticks }))
                    }
                    None => missing(*pid),
                }
            });
            Ok(found.collect())
        }
        Some(Context::Host) | None if pids.is_empty() => Err(call.misused(locale.pid_missing())),
        Some(Context::Host) => pids
            .iter()
            .map(|pid| {
                Ok(match place(*pid)? {
                    None => Some(Destination::Host(*pid)),
                    Some((guest, _)) => {
                        call.failed(locale.process_is_in(&pid.to_string(), guest.name.as_str()));
                        None
                    }
                })
            })
            .collect(),
        None => pids
            .iter()
            .map(|pid| {
                Ok(Some(match place(*pid)? {
                    None => Destination::Host(*pid),
                    Some((guest, process)) => Destination::VServer(SignalOrder {
                        vserver: guest.name,
                        signal,
                        to: Recipient::Process(process),
                    }),
                }))
            })
            .collect(),
    }
}
