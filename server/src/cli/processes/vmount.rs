//! `vmount`: what a VServer that runs sees mounted, and a remount of a tmpfs of it (fact sheet 2.6).
//!
//! The original ran the host's `mount` among a VServer's files. Here nobody's paths are followed there with the
//! host's rights: what is to be mounted stands in its fstab, and with it how; `-o remount` applies that.

use std::ffi::OsString;

use domain::change::PlainChange;

use super::super::change::{self, Ended};
use super::super::mounts;
use super::super::options::{Grammar, Opt, UsageError, text};
use super::{CONFIG, Call, Context, HELP, Program, VERSION};

/// `vmount`.
pub(super) const VMOUNT: Program = Program {
    name: "vmount",
    usage: |locale| locale.vmount_usage(),
    explained: |locale| locale.vmount_explained(),
    run,
};

const OPTIONS: Grammar = Grammar { options: &[CONFIG, HELP, VERSION], takes_words: true };

/// What `mount` is told.
const OF_MOUNT: Grammar =
    Grammar { options: &[Opt::short_value('o'), Opt::flag("no-mtab").or('n')], takes_words: true };

fn run(call: &Call, arguments: &[OsString]) -> Result<u8, u8> {
    let section = call.section(OPTIONS, arguments)?;
    let locale = call.locale();
    let misused = |error: UsageError| call.misused(error.text(locale));
    let mut words = section.words().into_iter();
    let Some(word) = words.next() else {
        return Err(call.misused(locale.nobody_chosen()));
    };
    let rest: Vec<OsString> = words.skip_while(|word| word == "--").collect();
    let engine = call.engine(section.os_value("--config"))?;
    let name = match call.context(&engine.instance().settings.roots, &word)? {
        Context::VServer(name) => name,
        Context::Host | Context::Spectator => {
            return Err(call.failed(locale.not_a_vserver(&word.to_string_lossy())));
        }
    };
    if rest.is_empty() {
        return Ok(mounts::mounts(call.caller, &engine, &name));
    }
    let mount = OF_MOUNT.parse(&rest).map_err(misused)?;
    let is_remount = mount.value("-o").map_err(misused)?.as_deref() == Some("remount");
    let words = mount.words();
    // The source of what is mounted says nothing new.
    let (true, [target] | [_, target]) = (is_remount, words.as_slice()) else {
        return Err(call.refused(locale.vmount_refused(), locale.vmount_instead(name.as_str())));
    };
    let target = text(target).map_err(misused)?;
    match change::run(call.caller, &engine, PlainChange::Remount { name, target }) {
        Ended::Done(_) => Ok(0),
        Ended::Told(code) => Err(code),
        Ended::Refused(failure) => Err(call.told(&failure)),
    }
}
