//! `vserver-info`: one fact about a VServer, a process or this host, for scripts (fact sheet 2.5).
//!
//! Tags of the patched kernel's own interface (`APIVER`, `PXID`) have nothing to tell here and fail, as they
//! did where there was no such kernel.

use std::ffi::OsString;

use domain::id::{ContextId, VServerName};
use engine::exec::namespaces;
use engine::roots::Roots;
use engine::{config, processes};

use super::super::options::{Grammar, Opt, text};
use super::super::{exit, name};
use super::vuname::{TAGS as NAMES, tag_of, value_of};
use super::{CONFIG, Call, Context, HELP, Program, VERSION, number_of};

/// `vserver-info`.
pub(super) const VSERVER_INFO: Program = Program {
    name: "vserver-info",
    usage: |locale| locale.vserver_info_usage(),
    explained: |locale| locale.vserver_info_explained(),
    run,
};

const OPTIONS: Grammar = Grammar {
    options: &[CONFIG, Opt::flag("quiet").or('q'), Opt::flag("list").or('l'), HELP, VERSION],
    takes_words: true,
};

/// All tags that have a meaning here.
const TAGS: [&str; 21] = [
    "APPDIR",
    "CANONIFY",
    "CFGDIR",
    "CONTEXT",
    "FEATURE",
    "ID",
    "INITPID",
    "INITPID_PID",
    "NAME",
    "NID",
    "RUNNING",
    "SYSINFO",
    "TAG",
    "UTS",
    "VDIR",
    "VERIFYCAP",
    "VERIFYPROC",
    "XID",
    "XIDTYPE",
    "APIVER",
    "PXID",
];

/// What of the patched kernel's features there is here, under the original's names.
const FEATURES: [&str; 13] = [
    "dynamic",
    "migrate",
    "namespace",
    "persistent",
    "pidspace",
    "rlimit",
    "sched",
    "spaces",
    "vhi",
    "vkill",
    "vnet",
    "vshelper",
    "vwait",
];

/// The most characters that are left of a name.
const CANONICAL_CHARACTERS: usize = 255;

fn run(call: &Call, arguments: &[OsString]) -> Result<u8, u8> {
    let section = call.section(OPTIONS, arguments)?;
    let locale = call.locale();
    if section.has("--list") {
        call.caller.answer(TAGS.join("\n"));
        return Ok(0);
    }
    let words = section.words();
    let words = words.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>();
    let words = words.map_err(|error| call.misused(error.text(locale)))?;
    let (object, tag, arguments) = match words.as_slice() {
        [] => ("-", "SYSINFO", &[][..]),
        [_] => return Err(call.misused(locale.tag_missing())),
        [object, tag, arguments @ ..] => (object.as_str(), tag.as_str(), arguments),
    };
    let tag = tag.to_ascii_uppercase();
    if !TAGS.contains(&tag.as_str()) {
        return Err(call.misused(locale.tag_unknown(&tag, &TAGS.join(", "))));
    }
    let engine = call.engine(section.os_value("--config"))?;
    let question = Question { call, roots: &engine.instance().settings.roots, object, arguments };
    match question.answer(&tag)? {
        Some(answer) => {
            if !section.has("--quiet") && !answer.is_empty() {
                call.caller.answer(answer);
            }
            Ok(0)
        }
        None => Ok(exit::FAILURE),
    }
}

/// What is asked about what.
struct Question<'a> {
    call: &'a Call,
    roots: &'a Roots,
    object: &'a str,
    arguments: &'a [String],
}

impl Question<'_> {
    /// The answer; an empty one says yes, none says no.
    fn answer(&self, tag: &str) -> Result<Option<String>, u8> {
        let roots = self.roots;
        Ok(match tag {
            "SYSINFO" => Some(sysinfo()),
            "CONTEXT" => {
                let name = self.vserver()?;
                match self.flag(true) {
                    true => number_of(roots, &name).map(|number| number.to_string()),
                    false => self.state().ok().map(|state| state.context.to_string()),
                }
            }
            "ID" => Some(self.vserver()?.to_string()),
            "NAME" => Some(plain(&config::display_name_of(roots, &self.vserver()?))),
            "CFGDIR" => Some(roots.config_of(&self.vserver()?).display().to_string()),
            "VDIR" => {
                let name = self.vserver()?;
                let physical = || config::root_directory_of(roots, &name);
                let written = || Some(roots.config_of(&name).join("vdir"));
                let path = if self.flag(false) {
                    physical()
                } else {
                    written().filter(|path| path.exists())
                };
                path.map(|path| plain(&path.display().to_string()))
            }
            "APPDIR" => {
                let app = self.arguments.first().filter(|app| is_plain_name(app));
                let directory = roots.config_of(&self.vserver()?).join("apps");
                app.map(|app| directory.join(app))
                    .filter(|path| path.is_dir())
                    .map(|path| path.display().to_string())
            }
            // Without a word also where there is no such VServer.
            "RUNNING" => name::resolve(roots, self.object.as_ref()).ok().and_then(|name| {
                engine::state::GuestState::running(roots, &name).ok()?.map(|_| "1".to_owned())
            }),
            // One number is a VServer's context, network and tag here.
            "XID" | "NID" | "TAG" => {
                let guest = self.place()?;
                Some(guest.map_or(0, |guest| guest.context.get()).to_string())
            }
            "INITPID_PID" => match self.place()? {
                Some(guest) => guest.init.map(|init| init.pid.to_string()),
                None => Some("1".to_owned()),
            },
            "INITPID" => match self.call.context(roots, self.object.as_ref())? {
                Context::VServer(name) => {
                    self.call.running_of(roots, &name)?.init.map(|init| init.pid.to_string())
                }
                Context::Host | Context::Spectator => Some("1".to_owned()),
            },
            "UTS" => self.names()?,
            "FEATURE" => {
                let feature = self.arguments.first().map_or(self.object, String::as_str);
                FEATURES.contains(&feature.to_ascii_lowercase().as_str()).then(String::new)
            }
            "XIDTYPE" => {
                let kind = kind_of(self.object);
                match self.arguments {
                    [] => Some(kind.to_owned()),
                    kinds => kinds.iter().any(|wanted| wanted == kind).then(String::new),
                }
            }
            "CANONIFY" => Some(canonical(self.object)),
            "VERIFYCAP" => has_all_capabilities().then(String::new),
            "VERIFYPROC" => std::fs::read("/proc/uptime").is_ok().then(String::new),
            // APIVER, PXID: nothing here has such a number.
            _ => None,
        })
    }

    /// What the first argument says, which is true or false.
    fn flag(&self, otherwise: bool) -> bool {
        self.arguments.first().map_or(otherwise, |word| {
            matches!(word.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "y" | "on")
        })
    }

    fn vserver(&self) -> Result<VServerName, u8> {
        match self.call.context(self.roots, self.object.as_ref())? {
            Context::VServer(name) => Ok(name),
            _ => Err(self.call.failed(self.call.locale().not_a_vserver(self.object))),
        }
    }

    fn state(&self) -> Result<engine::state::GuestState, u8> {
        self.call.running_of(self.roots, &self.vserver()?)
    }

    /// The VServer of the process that is the object; none for one of the host's.
    fn place(&self) -> Result<Option<engine::state::GuestState>, u8> {
        let locale = self.call.locale();
        let pid = match self.object {
            "self" | "-" => Ok(std::process::id()),
            word => word.parse().map_err(|_| self.call.misused(locale.not_a_pid(word))),
        }?;
        if !std::path::Path::new(&format!("/proc/{pid}")).exists() {
            return Err(self.call.failed(locale.no_such_process(&pid.to_string())));
        }
        let place = processes::place_of(self.roots, pid);
        Ok(place.map_err(|error| self.call.unexpected(&error))?.map(|(guest, _)| guest))
    }

    /// One name of a VServer, or all of them.
    fn names(&self) -> Result<Option<String>, u8> {
        let state = self.state()?;
        let names = namespaces::names(&state).ok();
        let value = |tag| value_of(self.roots, &state, names.as_ref(), tag);
        Ok(match self.arguments.first() {
            None => Some(NAMES.map(value).join(" ")),
            Some(word) => {
                let tag = tag_of(word).ok_or_else(|| {
                    let all = NAMES.join(", ");
                    self.call.misused(self.call.locale().tag_unknown(word, &all))
                })?;
                Some(value(tag))
            }
        })
    }
}

/// What the original said of itself and its kernel, of ourselves and ours.
fn sysinfo() -> String {
    let uname = rustix::system::uname();
    format!(
        "Versions:\n{:>20}: {}\n{:>20}: {}\n{:>20}: {}\n\nFeatures:\n{:>20}: {}",
        "Kernel",
        uname.release().to_string_lossy(),
        "VS-API",
        "none (stock kernel)",
        "Ulysse",
        env!("CARGO_PKG_VERSION"),
        "Supported",
        FEATURES.join(" "),
    )
}

/// What kind of context a number is (fact sheet 3.1).
pub(super) fn kind_of(word: &str) -> &'static str {
    match word.parse::<u32>() {
        Ok(0) => "main",
        Ok(1) => "watch",
        Ok(number) if ContextId::try_from(number).is_ok() => "static",
        Ok(49152..=65535) => "dynamic",
        _ => "invalid",
    }
}

/// A name of characters that stand for nothing else in a path or a shell.
pub(super) fn canonical(name: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    let name = name.chars().take(CANONICAL_CHARACTERS);
    name.map(|c| if is_safe(c) { c } else { '_' }).collect()
}

fn is_plain_name(word: &str) -> bool {
    !word.is_empty() && !word.starts_with('.') && !word.contains('/')
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Whether this process may do all that root can on a kernel that knows capabilities.
fn has_all_capabilities() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    mask("CapEff:").is_some_and(|effective| Some(effective) == mask("CapBnd:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_contexts() {
        let kinds = ["0", "1", "2", "49151", "49152", "65536", "-1", "web"].map(kind_of);
        let expected =
            ["main", "watch", "static", "static", "dynamic", "invalid", "invalid", "invalid"];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_canonical_name_is_safe() {
        assert_eq!(canonical("web-1.fr_x+y"), "web-1.fr_x+y");
        assert_eq!(canonical("/a b/;$"), "_a_b___");
    }

    #[test]
    fn abbreviated_names() {
        assert_eq!((tag_of("node"), tag_of("NODENAME")), (Some("nodename"), Some("nodename")));
        assert_eq!((tag_of(""), tag_of("x"), tag_of("nodenames")), (None, None, None));
    }
}
