//! debootstrap: how it is called, and what its words mean.
//!
//! It is called as an installer calls it (`--debian-installer`): then it says on descriptor 3 how far
//! it is, and its messages come as a code with arguments. Both share a pipe with all it and the
//! package scripts print, one line each: `P: NOW END NAME`, `I:`/`W:`/`E: CODE`, then `…A: ARGUMENT`
//! lines, then `…F: FORMAT`. The words come from a stranger in the end: they only ever move a progress
//! bar, fill a log and choose among error messages.

use std::path::Path;

use domain::build::{BuildSpec, Method};
use domain::failure::Failure;
use domain::id::PackageName;
use domain::init::Init;
use domain::operation::Stage;

use super::BuildError;
use super::distribution;
use super::hooks::Hooks;
use super::stage::TARGET;
use crate::disk_full::says_disk_full;
use crate::engine::Instance;
use crate::operation::{Stopped, Work};

/// Where Debian has it.
pub(super) const PROGRAM: &str = "/usr/sbin/debootstrap";

/// Where its scripts are.
const SCRIPTS: &str = "/usr/share/debootstrap/scripts";

/// What makes a sysvinit system; the rest of Debian's own init is left out. `insserv` and `startpar`
/// come with `sysv-rc`.
const SYSVINIT: [&str; 3] = ["sysvinit-core", "sysv-rc", "initscripts"];
/// `init` depends on one of several inits, of which debootstrap, which knows no alternatives, would
/// always take the first, systemd.
const WITHOUT_SYSTEMD: [&str; 7] = [
    "init",
    "systemd",
    "systemd-sysv",
    "systemd-timesyncd",
    "libpam-systemd",
    "libnss-systemd",
    "dbus-user-session",
];
/// What makes a systemd system, also of the small variants.
const SYSTEMD: [&str; 1] = ["systemd-sysv"];

/// The call that makes a base with this method and init.
pub(super) fn command(method: &Method, init: Init) -> Vec<String> {
    let Method::Debootstrap {
        suite,
        mirror,
        architecture,
        packages,
        variant,
        components,
        excluded,
        script,
        options,
    } = method
    else {
        // The other methods have no base.
        return Vec::new();
    };
    let (with, without): (&[&str], &[&str]) = match init {
        Init::Sysvinit => (&SYSVINIT, &WITHOUT_SYSTEMD),
        Init::Systemd => (&SYSTEMD, &[]),
        // Debian has no packages that would make one of these.
        Init::Gentoo | Init::Arch | Init::Minit => (&[], &[]),
    };
    let mut command =
        vec![PROGRAM.to_owned(), "--debian-installer".to_owned(), format!("--arch={architecture}")];
    // Without the keyring it would go on and trust whoever answers. What lies on the host itself is as
    // good as the host.
    if !mirror.as_str().starts_with("file:") && !options.unchecked_signatures {
        command.push("--force-check-gpg".to_owned());
    }
    command.push(format!("--include={}", joined(with, packages)));
    let excluded = joined(without, excluded);
    if !excluded.is_empty() {
        command.push(format!("--exclude={excluded}"));
    }
    if let Some(variant) = variant {
        command.push(format!("--variant={variant}"));
    }
    if !components.is_empty() {
        let components: Vec<&str> = components.iter().map(AsRef::as_ref).collect();
        command.push(format!("--components={}", components.join(",")));
    }
    command.extend(options.words());
    command.extend([suite.to_string(), TARGET.to_owned(), mirror.to_string()]);
    command.extend(script.iter().map(|script| format!("{SCRIPTS}/{script}")));
    command
}

/// Runs what the administrator has described of the suite (fact sheet 1.10) on a VServer's own files, which
/// were copied from a base that others have, too.
pub(super) fn run_hooks(
    instance: &Instance,
    work: &mut Work<'_>,
    spec: &BuildSpec,
    root: &Path,
) -> Result<(), Stopped> {
    let Method::Debootstrap { suite, mirror, .. } = &spec.method else { return Ok(()) };
    let program = distribution::initpost_of(&instance.settings.roots, suite)
        .map_err(BuildError::Distribution)?;
    if program.is_none() {
        return Ok(());
    }
    // The programs of debootstrap are gone, and nothing else of the root has run yet.
    let of = (suite.as_str(), mirror.to_string());
    let hooks = Hooks::make(spec, root, of, &[("initpost", program.as_deref())])?;
    hooks.run(instance, work, "initpost")?;
    Ok(hooks.clear()?)
}

/// Our own packages and those that somebody named, each once.
fn joined(own: &[&str], given: &[PackageName]) -> String {
    let mut all = own.to_vec();
    all.extend(given.iter().map(PackageName::as_str).filter(|name| !own.contains(name)));
    all.join(",")
}

/// Something worth showing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// How far the whole of debootstrap is, in per mille.
    Progress(Stage, u16),
    /// A line of the log.
    Line(String),
}

/// Parts of a run by their names, with the share of it that each took when a bookworm of 281 MB was
/// made on two cores: where it begins and ends, in per mille.
const PARTS: [(&str, Stage, u16, u16); 12] = [
    ("DOWNREL", Stage::ReadingMirror, 0, 5),
    ("DOWNRELSIG", Stage::ReadingMirror, 5, 10),
    ("DOWNPKGS", Stage::ReadingMirror, 10, 50),
    ("DOWNMAINPKGS", Stage::ReadingMirror, 10, 50),
    ("SIZEDEBS", Stage::ReadingMirror, 50, 80),
    ("DOWNDEBS", Stage::Downloading, 80, 300),
    ("EXTRACTPKGS", Stage::Unpacking, 300, 400),
    ("INSTCORE", Stage::Installing, 400, 460),
    ("UNPACKREQ", Stage::Installing, 460, 580),
    ("CONFREQ", Stage::Installing, 580, 680),
    ("UNPACKBASE", Stage::Installing, 680, 850),
    ("CONFBASE", Stage::Installing, 850, 1000),
];

/// Understands the words of one run.
#[derive(Debug, Default)]
pub(super) struct Listener {
    part: Option<(Stage, u16, u16)>,
    permille: u16,
    message: Option<Message>,
    /// The last error: its code and its text.
    error: Option<(String, String)>,
    last_complaint: Option<String>,
    disk_full: bool,
}

#[derive(Debug)]
struct Message {
    kind: char,
    code: String,
    arguments: Vec<String>,
}

impl Listener {
    /// Takes one line.
    pub(super) fn hear(&mut self, line: &str) -> Option<Word> {
        let line = line.trim_end();
        if let Some(rest) = line.strip_prefix("P: ") {
            return self.progress(rest);
        }
        if line.starts_with("PA: ") || line.starts_with("PF: ") {
            return None;
        }
        for kind in ['I', 'W', 'E'] {
            let Some(rest) = line.strip_prefix(kind) else { continue };
            if let Some(code) = rest.strip_prefix(": ") {
                self.message = Some(Message { kind, code: code.to_owned(), arguments: Vec::new() });
                return None;
            }
            let Some(message) = self.message.as_mut().filter(|message| message.kind == kind) else {
                continue;
            };
            // An argument may be empty, and the blank before it is gone with the line's end.
            if let Some(argument) = rest.strip_prefix("A:") {
                message.arguments.push(argument.trim_start().to_owned());
                return None;
            }
            if let Some(format) = rest.strip_prefix("F: ") {
                let text = filled(format, &message.arguments);
                if kind == 'E' {
                    self.error = Some((message.code.clone(), text.clone()));
                }
                self.message = None;
                return Some(Word::Line(format!("{kind}: {text}")));
            }
        }
        if line.is_empty() {
            return None;
        }
        self.disk_full |= says_disk_full(line);
        let is_complaint = ["wget:", "gpgv:", "dpkg: error", "tar:", "E:", "mkdir:"]
            .iter()
            .any(|start| line.starts_with(start))
            || line.contains("failed:")
            || line.contains(" ERROR ");
        if is_complaint {
            self.last_complaint = Some(line.to_owned());
        }
        Some(Word::Line(line.to_owned()))
    }

    fn progress(&mut self, rest: &str) -> Option<Word> {
        let mut words = rest.split(' ');
        let now: u64 = words.next()?.parse().ok()?;
        let end: u64 = words.next()?.parse().ok()?;
        if let Some(name) = words.next() {
            let part = PARTS.iter().find(|(part, ..)| *part == name);
            let (_, stage, from, to) = *part?;
            self.part = Some((stage, from, to));
        }
        let (stage, from, to) = self.part?;
        let span = u64::from(to - from);
        let done = span.saturating_mul(now.min(end)).checked_div(end).unwrap_or(span);
        let permille = from.saturating_add(u16::try_from(done).unwrap_or(0));
        // It never goes back: files that are fetched a second time are counted a second time.
        self.permille = self.permille.max(permille.min(1000));
        Some(Word::Progress(stage, self.permille))
    }

    /// Why the run failed.
    pub(super) fn failure(&self, method: &Method, place: &str) -> Failure {
        let mirror = match method {
            Method::Debootstrap { mirror, .. } => mirror.to_string(),
            _ => String::new(),
        };
        if self.disk_full {
            return Failure::DiskFull { path: place.to_owned() };
        }
        let complaint = self.last_complaint.clone();
        match &self.error {
            Some((code, text)) if is_about_mirror(code) => Failure::MirrorUnreachable {
                mirror,
                detail: complaint.unwrap_or_else(|| text.clone()),
            },
            Some((_, text)) => Failure::DebootstrapFailed {
                detail: match complaint {
                    Some(complaint) => format!("{text} ({complaint})"),
                    None => text.clone(),
                },
            },
            None => Failure::DebootstrapFailed { detail: complaint.unwrap_or_default() },
        }
    }
}

/// Codes of debootstrap's that mean: the mirror does not have it, or does not answer.
fn is_about_mirror(code: &str) -> bool {
    [
        "COULDNTDL",
        "COULDNTDLPKGS",
        "INVALIDREL",
        "MISSINGRELENTRY",
        "NOGETREL",
        "NOGETRELSIG",
        "WRONGSUITE",
    ]
    .contains(&code)
}

/// A format of printf's with its `%s` filled in.
fn filled(format: &str, arguments: &[String]) -> String {
    let mut text = String::with_capacity(format.len());
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once("%s") {
        text.push_str(before);
        text.push_str(arguments.next().map_or("", String::as_str));
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::build::DebootstrapOptions;
    use proptest::prelude::*;

    fn method() -> Method {
        Method::Debootstrap {
            suite: "bookworm".parse().unwrap(),
            mirror: "http://mirror.example/debian".parse().unwrap(),
            architecture: "amd64".parse().unwrap(),
            packages: vec!["less".parse().unwrap(), "sysv-rc".parse().unwrap()],
            variant: "minbase".parse().ok(),
            components: vec![],
            excluded: vec!["nano".parse().unwrap()],
            script: None,
            options: DebootstrapOptions::default(),
        }
    }

    #[test]
    fn the_call_names_what_the_init_needs_once() {
        insta::assert_snapshot!(command(&method(), Init::Sysvinit).join("\n"), @r"
        /usr/sbin/debootstrap
        --debian-installer
        --arch=amd64
        --force-check-gpg
        --include=sysvinit-core,sysv-rc,initscripts,less
        --exclude=init,systemd,systemd-sysv,systemd-timesyncd,libpam-systemd,libnss-systemd,dbus-user-session,nano
        --variant=minbase
        bookworm
        /mnt/root
        http://mirror.example/debian
        ");
        let with_systemd = command(&method(), Init::Systemd);
        assert!(with_systemd.contains(&"--include=systemd-sysv,less,sysv-rc".to_owned()));
    }

    fn heard(lines: &str) -> (Vec<Word>, Listener) {
        let mut listener = Listener::default();
        (lines.lines().filter_map(|line| listener.hear(line)).collect(), listener)
    }

    #[test]
    fn messages_are_put_together_and_progress_is_of_the_whole() {
        let (words, _) = heard(
            "I: RETRIEVING\nIA: Release\nIA: \nIF: Retrieving %s%s\nP: 0 50 DOWNPKGS\nPF: Downloading\n\
             P: 25 50\nP: 0 0 CONFBASE\nP: 1 2 DOWNPKGS\nSetting up less (590-2) ...\n",
        );
        assert_eq!(
            words,
            [
                Word::Line("I: Retrieving Release".to_owned()),
                Word::Progress(Stage::ReadingMirror, 10),
                Word::Progress(Stage::ReadingMirror, 30),
                Word::Progress(Stage::Installing, 1000),
                Word::Progress(Stage::ReadingMirror, 1000),
                Word::Line("Setting up less (590-2) ...".to_owned()),
            ]
        );
    }

    #[test]
    fn a_mirror_that_does_not_answer_is_said_to() {
        let (_, listener) = heard(
            "wget: unable to resolve host address 'mirror.example'\n\
             E: NOGETREL\nEA: http://mirror.example\nEF: Failed getting release file %s\n",
        );
        assert_eq!(
            listener.failure(&method(), "/x"),
            Failure::MirrorUnreachable {
                mirror: "http://mirror.example/debian".to_owned(),
                detail: "wget: unable to resolve host address 'mirror.example'".to_owned(),
            }
        );
        let (_, listener) = heard("tar: ./usr: Cannot write: No space left on device\n");
        assert!(matches!(listener.failure(&method(), "/x"), Failure::DiskFull { .. }));
        let (_, listener) = heard("E: BADDEB\nEF: Package broken\n");
        assert!(matches!(listener.failure(&method(), "/x"), Failure::DebootstrapFailed { .. }));
    }

    proptest! {
        #[test]
        fn no_words_break_it(lines in proptest::collection::vec("[PIWE]?[AF]?: ?.{0,40}", 0..20)) {
            let mut listener = Listener::default();
            for line in &lines {
                if let Some(Word::Progress(_, permille)) = listener.hear(line) {
                    prop_assert!(permille <= 1000);
                }
            }
            let _ = listener.failure(&method(), "/x");
        }
    }
}
