//! `chcontext`: a command in the context of a VServer that runs (fact sheet 2.6).
//!
//! A context of the patched kernel was a number that any process could take. Here it is the namespaces and
//! the cgroup of a VServer, which its start makes: it can be joined, and not made by itself.

use std::ffi::OsString;

use super::super::inside;
use super::super::options::{Grammar, Opt};
use super::{CONFIG, Call, Context, HELP, Program, VERSION};

/// `chcontext`.
pub(super) const CHCONTEXT: Program = Program {
    name: "chcontext",
    usage: |locale| locale.chcontext_usage(),
    explained: |locale| locale.chcontext_explained(),
    run,
};

const OPTIONS: Grammar = Grammar {
    options: &[
        CONFIG,
        Opt::value("xid"),
        Opt::value("ctx"),
        Opt::flag("silent"),
        Opt::value("cap").hidden(),
        Opt::value("flag").hidden(),
        Opt::flag("secure").hidden(),
        Opt::value("hostname").hidden(),
        Opt::value("domainname").hidden(),
        Opt::flag("disconnect").hidden(),
        Opt::flag("spaces").hidden(),
        HELP,
        VERSION,
    ],
    takes_words: true,
};

fn run(call: &Call, arguments: &[OsString]) -> Result<u8, u8> {
    let section = call.section(OPTIONS, arguments)?;
    let locale = call.locale();
    for option in ["--cap", "--flag", "--secure", "--spaces"] {
        if section.has(option) {
            return Err(call.refused(locale.decided_at_start(option), locale.configure_instead()));
        }
    }
    for option in ["--hostname", "--domainname"] {
        if section.has(option) {
            return Err(call.refused(locale.decided_at_start(option), locale.vuname_instead()));
        }
    }
    if section.has("--disconnect") {
        return Err(
            call.refused(locale.option_of_the_patch("--disconnect"), locale.setsid_instead())
        );
    }
    let words = section.words();
    if words.is_empty() {
        return Err(call.misused(locale.command_to_run_missing()));
    }
    let Some(word) = section.os_value("--xid").or_else(|| section.os_value("--ctx")) else {
        return Err(call.refused(locale.no_context_by_itself(), locale.context_instead()));
    };
    let engine = call.engine(section.os_value("--config"))?;
    let roots = &engine.instance().settings.roots;
    let entered = |number: &str| {
        if !section.has("--silent") {
            // The original's own words, which scripts read.
            call.caller.answer(format_args!("New security context is {number}"));
        }
    };
    if let Some(number) = unused_number(roots, &word) {
        return Err(call.refused(locale.no_context_of_number(number), locale.context_instead()));
    }
    match call.context(roots, &word)? {
        // Who is root on the host is in context 0, and sees what the spectator saw.
        Context::Host => {
            entered("0");
            call.become_typed(&words)
        }
        Context::Spectator => {
            entered("1");
            call.become_typed(&words)
        }
        Context::VServer(name) => {
            let state = call.running_of(roots, &name)?;
            entered(&state.context.to_string());
            Ok(inside::run(call.caller, &engine, &name, None, words))
        }
    }
}

/// The word when it is a number that no running VServer has.
pub(super) fn unused_number<'a>(
    roots: &engine::roots::Roots,
    word: &'a std::ffi::OsStr,
) -> Option<&'a str> {
    let text = word.to_str()?;
    let is_number = text.parse::<u32>().is_ok_and(|number| number > 1);
    (is_number && super::name::existing(roots, word).is_err()).then_some(text)
}
