//! `vuname`: the names that `uname` says in a VServer that runs (fact sheet 2.5).
//!
//! Host name and domain name are the VServer's own and can be changed, until it is stopped, as its own root
//! changes them; so this is no operation. The others are the kernel's, of which there is one.

use std::ffi::OsString;

use domain::id::HostName;
use engine::exec::namespaces::{self, Names};
use engine::roots::Roots;
use engine::state::GuestState;

use super::super::options::{Grammar, Opt, text};
use super::{CONFIG, Call, HELP, Program, VERSION};

/// `vuname`.
pub(super) const VUNAME: Program = Program {
    name: "vuname",
    usage: |locale| locale.vuname_usage(),
    explained: |locale| locale.vuname_explained(),
    run,
};

const OPTIONS: Grammar = Grammar {
    options: &[
        CONFIG,
        Opt::flag("get").or('g'),
        Opt::flag("set").or('s'),
        Opt::value("xid"),
        Opt::value("tag").or('t'),
        HELP,
        VERSION,
    ],
    takes_words: true,
};

/// The names there are, in the original's order.
pub(super) const TAGS: [&str; 7] =
    ["context", "sysname", "nodename", "release", "version", "machine", "domainname"];

/// What a word means: a tag, or the beginning of exactly one.
pub(super) fn tag_of(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    let mut found = TAGS.into_iter().filter(|tag| tag.starts_with(&word));
    match (found.next(), found.next()) {
        (Some(tag), None) if !word.is_empty() => Some(tag),
        _ => None,
    }
}

/// The value of a tag; `???` where there is none.
pub(super) fn value_of(
    roots: &Roots,
    state: &GuestState,
    names: Option<&Names>,
    tag: &str,
) -> String {
    let value = names.and_then(|names| match tag {
        "context" => Some(roots.config_of(&state.name).display().to_string()),
        "sysname" => Some(names.system.clone()),
        "nodename" => Some(names.node.clone()),
        "release" => Some(names.release.clone()),
        "version" => Some(names.version.clone()),
        "machine" => Some(names.machine.clone()),
        "domainname" => Some(names.domain.clone()),
        _ => None,
    });
    let shown: String = value.unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    if shown.is_empty() { "???".to_owned() } else { shown }
}

fn run(call: &Call, arguments: &[OsString]) -> Result<u8, u8> {
    let section = call.section(OPTIONS, arguments)?;
    let locale = call.locale();
    let misused = |error: super::super::options::UsageError| call.misused(error.text(locale));
    let Some(xid) = section.os_value("--xid") else {
        return Err(call.misused(locale.xid_missing()));
    };
    let words = section.words();
    let words = words.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>();
    let words = words.map_err(misused)?;
    let known = |word: &str| {
        tag_of(word).ok_or_else(|| call.misused(locale.tag_unknown(word, &TAGS.join(", "))))
    };
    if !section.has("--set") {
        let tags = words.iter().map(|word| known(word)).collect::<Result<Vec<_>, _>>()?;
        let tags = if tags.is_empty() { TAGS.to_vec() } else { tags };
        let engine = call.engine(section.os_value("--config"))?;
        let roots = &engine.instance().settings.roots;
        let state = call.running(roots, &xid)?;
        let names = namespaces::names(&state).ok();
        let values: Vec<_> =
            tags.iter().map(|tag| value_of(roots, &state, names.as_ref(), tag)).collect();
        call.caller.answer(values.join(" "));
        return Ok(0);
    }
    if let Some(word) = words.first() {
        return Err(call.misused(locale.word_not_expected(word)));
    }
    let (mut node, mut domain) = (None, None);
    for given in section.values("--tag").map_err(misused)? {
        let Some((tag, value)) = given.split_once('=') else {
            return Err(call.misused(locale.tag_without_value(&given)));
        };
        let place = match known(tag)? {
            "nodename" => &mut node,
            "domainname" => &mut domain,
            other => {
                return Err(call.refused(locale.tag_is_the_kernels(other), locale.tags_to_set()));
            }
        };
        let name: HostName = value
            .parse()
            .map_err(|problem| call.misused(app::i18n::problem_text(locale, &problem)))?;
        *place = Some(name.to_string());
    }
    if node.is_none() && domain.is_none() {
        return Err(call.misused(locale.tags_to_set()));
    }
    let engine = call.engine(section.os_value("--config"))?;
    let state = call.running(&engine.instance().settings.roots, &xid)?;
    namespaces::set_names(&state, node.as_deref(), domain.as_deref())
        .map_err(|error| call.unexpected(&error))?;
    Ok(0)
}
