//! What is said to apt and dpkg, and what is understood of what apt says.
//!
//! Everything is said so that nothing can be asked: answers are given before, configuration files that
//! somebody edited stay as they are, and apt waits for its own lock.

use std::collections::BTreeMap;

use domain::package::{PackageChange, PendingUpdate, SystemPackage, Upgrade};

use super::foresee::Foreseen;
use super::installed::WORD;
use crate::lifecycle;

/// Where programs are looked for inside.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long apt waits for others that use it, in seconds.
const LOCK_SECONDS: u32 = 300;

/// A tool, with an environment in which nothing asks; in a VServer that was not started nothing starts a
/// service, either.
pub(super) fn without_questions(is_aside: bool) -> Vec<String> {
    let path = search_path(is_aside);
    let words = [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "APT_LISTCHANGES_FRONTEND=none",
        "NEEDRESTART_MODE=l",
        "LC_ALL=C.UTF-8",
    ];
    words.into_iter().map(str::to_owned).chain([format!("PATH={path}")]).collect()
}

/// Where tools look for programs, and what they call.
pub(super) fn search_path(is_aside: bool) -> String {
    match is_aside {
        true => format!("{}:{SEARCH_PATH}", lifecycle::INSTEAD),
        false => SEARCH_PATH.to_owned(),
    }
}

/// apt-get, with what holds for whatever it is told to do: it gives dpkg a search path of its own.
pub(super) fn apt_get(is_aside: bool) -> Vec<String> {
    let options = [
        format!("DPkg::Path={}", search_path(is_aside)),
        format!("DPkg::Lock::Timeout={LOCK_SECONDS}"),
    ];
    let options = options.into_iter().flat_map(|option| ["-o".to_owned(), option]);
    std::iter::once("apt-get".to_owned()).chain(options).collect()
}

/// Names are names: apt-get and apt-mark of before 2.0 take what is no package and has a `.` or `+` for an
/// expression, and do the same to all that match; later ones, unless this is said.
const NO_EXPRESSIONS: &str = "APT::Cmd::Pattern-Only=true";

/// Those names that no apt takes for an expression: of packages that are there, and such as are letters, digits and
/// dashes.
pub(super) fn without_expressions(
    names: &[SystemPackage],
    versions: &BTreeMap<String, String>,
) -> Vec<SystemPackage> {
    let is_there = |name: &str| {
        let plain = name.split_once(':').map_or(name, |(plain, _)| plain);
        versions.contains_key(name) || versions.contains_key(plain)
    };
    let is_name =
        |name: &&SystemPackage| !name.as_str().contains(['.', '+']) || is_there(name.as_str());
    names.iter().filter(is_name).cloned().collect()
}

/// What keeps configuration files as somebody edited them, and asks nothing about it.
pub(super) const KEEP_FILES: [&str; 4] =
    ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"];

/// apt-get that is neither watched nor asked.
fn apt(is_aside: bool, words: &[&str], names: &[SystemPackage]) -> Vec<String> {
    let fixed = [
        "-q",
        "-y",
        "-o",
        "Dpkg::Use-Pty=0",
        // Newer ones can tell that a list was not fetched.
        "-o",
        "APT::Update::Error-Mode=any",
        "-o",
        NO_EXPRESSIONS,
    ];
    let mut argv = without_questions(is_aside);
    argv.extend(apt_get(is_aside));
    let words = fixed.into_iter().chain(KEEP_FILES).chain(words.iter().copied());
    argv.extend(words.map(str::to_owned));
    named(argv, names)
}

/// With names behind a word that ends all options.
fn named(mut argv: Vec<String>, names: &[SystemPackage]) -> Vec<String> {
    if !names.is_empty() {
        argv.push("--".to_owned());
        argv.extend(names.iter().map(ToString::to_string));
    }
    argv
}

/// What is run for a change of what has these versions. `security` are the packages with updates of that kind.
pub(super) fn commands(
    change: &PackageChange,
    is_aside: bool,
    security: &[SystemPackage],
    versions: &BTreeMap<String, String>,
) -> Vec<Vec<String>> {
    let of_names = |words: &[&str], names: &[SystemPackage]| {
        let names = without_expressions(names, versions);
        // Without names it would mean something else.
        if names.is_empty() { Vec::new() } else { vec![apt(is_aside, words, &names)] }
    };
    let mark = |word: &str, names: &[SystemPackage]| {
        let names = without_expressions(names, versions);
        if names.is_empty() {
            return Vec::new();
        }
        let mut argv = without_questions(is_aside);
        argv.extend(["apt-mark", "-o", NO_EXPRESSIONS, word].map(str::to_owned));
        vec![named(argv, &names)]
    };
    let only =
        |names: &[SystemPackage]| of_names(&["--no-remove", "--only-upgrade", "install"], names);
    match change {
        PackageChange::Refresh => vec![apt(is_aside, &["update"], &[])],
        PackageChange::Upgrade(Upgrade::All) => vec![apt(is_aside, &UPGRADE, &[])],
        PackageChange::Upgrade(Upgrade::Security) => only(security),
        PackageChange::Upgrade(Upgrade::Packages(names)) => only(names),
        PackageChange::Install(names) => vec![apt(is_aside, &["install"], names)],
        PackageChange::Remove(names) => of_names(&["remove"], names),
        PackageChange::Hold(names) => mark("hold", names),
        PackageChange::Unhold(names) => mark("unhold", names),
        PackageChange::Repair => {
            let mut configure = without_questions(is_aside);
            let words = ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"];
            configure.extend(words.map(str::to_owned));
            vec![configure, apt(is_aside, &["--fix-broken", "install"], &[])]
        }
        PackageChange::ForeseeRemoval(names) => {
            of_names(&[&SIMULATED[..], &["remove"]].concat(), names)
        }
    }
}

/// What an upgrade of everything is: it may install what is new, and removes nothing.
const UPGRADE: [&str; 2] = ["--with-new-pkgs", "upgrade"];

/// What only simulates, and waits for no lock.
const SIMULATED: [&str; 3] = ["--simulate", "-o", "Debug::NoLocking=true"];

/// What says which updates are pending: an upgrade that is only simulated.
pub(super) fn simulation(is_aside: bool) -> Vec<String> {
    apt(is_aside, &[&SIMULATED[..], &UPGRADE[..]].concat(), &[])
}

/// A change, as a line of a simulation says it: `Remv NAME [OLD] …`, `Purg` likewise, `Inst NAME (NEW …` of what is
/// new, or as [`pending`] has it.
pub(super) fn foreseen(line: &str) -> Option<Foreseen> {
    if let Some(PendingUpdate { name, installed, candidate, .. }) = pending(line) {
        return Some(Foreseen { package: name, before: Some(installed), after: Some(candidate) });
    }
    let (action, rest) = line.split_once(' ')?;
    let (name, rest) = rest.split_once(' ')?;
    let (before, after) = match action {
        "Remv" | "Purg" => (Some(rest.strip_prefix('[')?.split_once(']')?.0), None),
        "Inst" => (None, Some(rest.strip_prefix('(')?.split_once(' ')?.0)),
        _ => return None,
    };
    Foreseen::of(name, before, after)
}

/// An update, as a line of a simulation says it:
/// `Inst NAME [OLD] (NEW ORIGIN[, ORIGIN…] [ARCHITECTURE]) …`. What is new is none.
pub(super) fn pending(line: &str) -> Option<PendingUpdate> {
    let rest = line.strip_prefix("Inst ")?;
    let (name, rest) = rest.split_once(" [")?;
    let (installed, rest) = rest.split_once("] (")?;
    let (candidate, rest) = rest.split_once(' ')?;
    let origin = rest.split_once(" [").map_or(rest, |(origin, _)| origin);
    let is_word =
        |word: &str| (1..=WORD).contains(&word.len()) && word.chars().all(|c| c.is_ascii_graphic());
    if ![name, installed, candidate].into_iter().all(is_word) {
        return None;
    }
    let origin: String = origin.chars().filter(|c| !c.is_control()).take(WORD).collect();
    Some(PendingUpdate {
        name: name.to_owned(),
        installed: installed.to_owned(),
        candidate: candidate.to_owned(),
        is_security: origin.split(", ").any(is_security),
        origin,
    })
}

/// Whether it is a place of security updates: `Debian-Security:12/stable-security`, `Ubuntu:24.04/noble-security`.
fn is_security(origin: &str) -> bool {
    let (label, archive) = origin.split_once(':').unwrap_or((origin, origin));
    [label, archive].into_iter().any(|word| {
        let word = word.to_ascii_lowercase();
        word.ends_with("-security") || word == "security"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pending_is_read_from_a_simulation() {
        let line = "Inst libssl3 [3.0.11-1~deb12u1] (3.0.11-1~deb12u2 Debian-Security:12/stable-security [amd64]) []";
        let update = pending(line).unwrap();
        assert_eq!(
            (update.name.as_str(), update.installed.as_str()),
            ("libssl3", "3.0.11-1~deb12u1")
        );
        assert_eq!(update.candidate, "3.0.11-1~deb12u2");
        assert!(update.is_security, "{update:?}");
        let line = "Inst tzdata [1] (2 Debian:12.5/stable, Debian:12-updates/stable-updates [all])";
        assert!(!pending(line).unwrap().is_security);
        let line = "Inst a [1] (2 Debian:12.5/stable, Debian-Security:12/stable-security [all])";
        assert!(pending(line).unwrap().is_security);
        for other in [
            "Inst linux-image-7 (7.1 Debian:13/stable [amd64])",
            "Conf libssl3 (3.0.11-1~deb12u2 Debian:12/stable [amd64])",
            "Inst",
            "Inst a [1]",
            "Inst a\u{1b} [1] (2 x [all])",
            "Reading package lists...",
        ] {
            assert_eq!(pending(other), None, "{other}");
        }
    }

    #[test]
    fn what_would_go_is_read_from_a_simulation() {
        let of = |line| {
            let Foreseen { package, before, after } = foreseen(line)?;
            Some((package, before.unwrap_or_default(), after.unwrap_or_default()))
        };
        let is = |name: &str, before: &str, after: &str| {
            Some((name.into(), before.into(), after.into()))
        };
        assert_eq!(of("Remv libfile:i386 [1:5.44-3]"), is("libfile:i386", "1:5.44-3", ""));
        assert_eq!(of("Remv mutt [2.2-1] [vim:amd64 ]"), is("mutt", "2.2-1", ""));
        assert_eq!(of("Purg mutt [2.2-1]"), is("mutt", "2.2-1", ""));
        assert_eq!(of("Inst nano (7.2 Debian:12/stable [amd64])"), is("nano", "", "7.2"));
        assert_eq!(of("Inst nano [7.1] (7.2 Debian:12/stable [amd64])"), is("nano", "7.1", "7.2"));
        for other in
            ["Remv", "Remv a", "Remv a [1", "Remv a\u{9b} [1]", "Conf nano (7.2 x)", "Remv  [1]"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn names_stand_behind_all_options() {
        let names = vec!["bash".parse().unwrap()];
        let commands = commands(&PackageChange::Remove(names), false, &[], &BTreeMap::new());
        let line = commands.concat().join(" ");
        assert!(line.contains(" -y ") && line.ends_with(" remove -- bash"), "{line}");
        assert!(!line.contains(lifecycle::INSTEAD));
    }

    #[test]
    fn no_name_is_an_expression() {
        let versions = [("g++", "12"), ("libz", "1"), ("libz:i386", "1"), ("python3.11", "3")];
        let versions = versions.map(|(name, version)| (name.to_owned(), version.to_owned())).into();
        let names = |text: &str| domain::package::named_packages(text).unwrap();
        let words =
            |change: &PackageChange| commands(change, false, &[], &versions).concat().join(" ");
        let line =
            words(&PackageChange::Remove(names("bash g++ lib. libz:i386 python3.1 python3.11")));
        assert!(line.ends_with(" remove -- bash g++ libz:i386 python3.11"), "{line}");
        for change in [PackageChange::Remove, PackageChange::Hold, PackageChange::Unhold] {
            assert_eq!(words(&change(names("lib. a++"))), "");
        }
        for change in [PackageChange::Install, PackageChange::Remove, PackageChange::Hold] {
            let line = words(&change(names("bash")));
            assert!(line.contains(NO_EXPRESSIONS), "{line}");
        }
    }
}
