//! `chbind`: a command of the host's in the network of a VServer that runs (fact sheet 2.6).
//!
//! The patched kernel's network context was a list of addresses that a process of the host's one stack was
//! held to. A stock kernel has no such list; a VServer has a stack of its own, which can be joined. As with
//! the original, addresses are then those that it has, whatever is typed.

use std::ffi::OsString;

use engine::exec::namespaces::{self, Space};

use super::super::options::{Grammar, Opt};
use super::{CONFIG, Call, HELP, Program, VERSION};

/// `chbind`.
pub(super) const CHBIND: Program = Program {
    name: "chbind",
    usage: |locale| locale.chbind_usage(),
    explained: |locale| locale.chbind_explained(),
    run,
};

const OPTIONS: Grammar = Grammar {
    options: &[
        CONFIG,
        Opt::value("nid"),
        Opt::flag("silent"),
        Opt::value("ip").hidden(),
        Opt::value("bcast").hidden(),
        Opt::value("lback").hidden(),
        Opt::value("ncap").hidden(),
        Opt::value("flag").hidden(),
        Opt::flag("secure").hidden(),
        Opt::flag("disconnect").hidden(),
        HELP,
        VERSION,
    ],
    takes_words: true,
};

fn run(call: &Call, arguments: &[OsString]) -> Result<u8, u8> {
    let section = call.section(OPTIONS, arguments)?;
    let locale = call.locale();
    for option in ["--ncap", "--flag", "--secure", "--lback", "--disconnect"] {
        if section.has(option) {
            return Err(call.refused(locale.option_of_the_patch(option), locale.chbind_instead()));
        }
    }
    let words = section.words();
    if words.is_empty() {
        return Err(call.misused(locale.command_to_run_missing()));
    }
    let Some(word) = section.os_value("--nid") else {
        return Err(call.refused(locale.no_list_of_addresses(), locale.chbind_instead()));
    };
    let engine = call.engine(section.os_value("--config"))?;
    let roots = &engine.instance().settings.roots;
    if let Some(number) = super::chcontext::unused_number(roots, &word) {
        return Err(call.refused(locale.no_context_of_number(number), locale.chbind_instead()));
    }
    let state = call.running(roots, &word)?;
    if !section.has("--silent") {
        let addresses = state.network.links.iter().flat_map(|link| &link.addresses);
        let addresses: Vec<_> = addresses.map(ToString::to_string).collect();
        // The original's own words, which scripts read.
        call.caller.answer(format_args!("ipv4root is now {}", addresses.join(" ")));
    }
    namespaces::join(&state, &[Space::Network]).map_err(|error| call.unexpected(&error))?;
    call.become_typed(&words)
}
