//! `vnamespace`: a command in the namespaces of a VServer, or in new ones (fact sheet 2.6).
//!
//! The command is the host's. It sees the VServer's mounts with the host's paths, as the original's did, in a view
//! made for it alone (`engine::exec::view`): what it mounts itself reaches nobody. A command of the VServer's own is
//! run by `vserver NAME exec` and `chcontext`.

use std::ffi::OsString;

use engine::exec::namespaces::{self, Space};
use engine::exec::view;

use super::super::options::{Grammar, Opt};
use super::{CONFIG, Call, HELP, Program, Section, VERSION};

/// `vnamespace`.
pub(super) const VNAMESPACE: Program = Program {
    name: "vnamespace",
    usage: |locale| locale.vnamespace_usage(),
    explained: |locale| locale.vnamespace_explained(),
    run,
};

const OPTIONS: Grammar = Grammar {
    options: &[
        CONFIG,
        Opt::flag("new").or('n'),
        Opt::value("enter").or('e'),
        Opt::flag("mount").or('M'),
        Opt::flag("~mount"),
        Opt::flag("fs").or('F'),
        Opt::flag("~fs"),
        Opt::flag("ipc").or('I'),
        Opt::flag("~ipc"),
        Opt::flag("uts").or('U'),
        Opt::flag("~uts"),
        Opt::flag("net").or('N'),
        Opt::flag("~net"),
        Opt::flag("user").or('S').hidden(),
        Opt::flag("~user").hidden(),
        Opt::flag("pid").or('P').hidden(),
        Opt::flag("~pid").hidden(),
        Opt::flag("set").or('s').hidden(),
        Opt::value("index").or('i').hidden(),
        Opt::value("mask").or('m').hidden(),
        Opt::flag("default").or('d').hidden(),
        HELP,
        VERSION,
    ],
    takes_words: true,
};

/// What was the patched kernel's own.
const OF_THE_PATCH: [&str; 4] = ["--set", "--index", "--mask", "--default"];

fn run(call: &Call, arguments: &[OsString]) -> Result<u8, u8> {
    let section = call.section(OPTIONS, arguments)?;
    let locale = call.locale();
    if let Some(option) = OF_THE_PATCH.into_iter().find(|option| section.has(option)) {
        return Err(call.refused(locale.option_of_the_patch(option), locale.namespace_instead()));
    }
    let spaces = wanted(&section);
    let with_mounts = !section.has("--~mount");
    let words = section.words();
    if words.is_empty() {
        return Err(call.misused(locale.command_to_run_missing()));
    }
    match (section.os_value("--enter"), section.has("--new")) {
        (Some(word), false) => {
            let engine = call.engine(section.os_value("--config"))?;
            let roots = &engine.instance().settings.roots;
            let state = call.running(roots, &word)?;
            if let Some(option) = inseparable(&section) {
                return Err(
                    call.refused(locale.space_needs_exec(option), locale.namespace_instead())
                );
            }
            namespaces::join(&state, &spaces).map_err(|error| call.unexpected(&error))?;
            if with_mounts {
                view::enter(roots, &state).map_err(|error| call.unexpected(&error))?;
            }
            call.become_typed(&words)
        }
        (None, true) => {
            if let Some(option) = inseparable(&section) {
                return Err(call.refused(locale.space_not_made(option), locale.unshare_instead()));
            }
            namespaces::leave(&spaces, with_mounts).map_err(|error| call.unexpected(&error))?;
            call.become_typed(&words)
        }
        _ => Err(call.misused(locale.new_or_enter())),
    }
}

/// The namespaces that are named beside that of mounts.
fn wanted(section: &Section) -> Vec<Space> {
    let named = [("net", Space::Network), ("ipc", Space::Ipc), ("uts", Space::Names)];
    let is_wanted =
        |name: &str| section.has(&format!("--{name}")) && !section.has(&format!("--~{name}"));
    named.into_iter().filter(|(name, _)| is_wanted(name)).map(|(_, space)| space).collect()
}

/// A namespace that makes who joins it a part of the guest.
fn inseparable(section: &Section) -> Option<&'static str> {
    ["--user", "--pid"].into_iter().find(|option| section.has(option))
}
