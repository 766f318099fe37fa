//! `vserver NAME packages …`: the packages of one VServer, what is pending, and changing them.

use std::ffi::OsString;
use std::sync::Arc;

use domain::change::PlainChange;
use domain::id::VServerName;
use domain::package::{
    PackageChange, PackageOffers, PackageOrderError, PackageReport, PackageState,
};
use engine::Engine;

use super::caller::Caller;
use super::change::{self, Ended};
use super::exit;
use super::options::{Grammar, Opt, UsageError, text};

const GRAMMAR: Grammar = Grammar {
    options: &[Opt::flag("security"), Opt::flag("dry-run"), Opt::flag("help")],
    takes_words: true,
};

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What is pending, broken, kept back.
    Show,
    /// Every package.
    List,
    /// What the lists offer.
    Search(String),
    Change(PackageChange),
}

/// Understands the words after `packages`.
pub(super) fn understand(arguments: &[OsString]) -> Result<Wanted, UsageError> {
    let is_option = |word: &&OsString| word.to_string_lossy().starts_with('-');
    let (options, words): (Vec<_>, Vec<_>) = arguments.iter().partition(is_option);
    let options: Vec<OsString> = options.into_iter().cloned().collect();
    let options = GRAMMAR.parse(&options)?;
    let (is_security, is_dry) = (options.has("--security"), options.has("--dry-run"));
    let words = words.into_iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>()?;
    let Some((word, packages)) = words.split_first() else { return Ok(Wanted::Show) };
    let word = match (word.as_str(), is_security, packages.is_empty()) {
        ("remove", false, false) if is_dry => "foresee-removal",
        _ if is_dry => return Err(UsageError::WordNotExpected { word: word.clone() }),
        ("list", false, true) => return Ok(Wanted::List),
        ("search", false, false) => return Ok(Wanted::Search(packages.join(" "))),
        ("upgrade", true, true) => "upgrade-security",
        ("upgrade", false, false) => "upgrade-packages",
        ("refresh" | "repair", false, false) | (_, true, _) => {
            let word = packages.first().unwrap_or(word).clone();
            return Err(UsageError::WordNotExpected { word });
        }
        (word, ..) if word.starts_with("upgrade-") || word == "foresee-removal" => {
            return Err(UsageError::WordNotExpected { word: word.to_owned() });
        }
        (word, ..) => word,
    };
    match PackageChange::of_word(word, &packages.join(" ")) {
        Ok(change) => Ok(Wanted::Change(change)),
        Err(PackageOrderError::Unknown) => {
            Err(UsageError::WordNotExpected { word: word.to_owned() })
        }
        Err(PackageOrderError::Packages(problem)) => {
            Err(UsageError::ConfigPathWrong { word: packages.join(" "), problem })
        }
    }
}

/// Does what is wanted; gives the exit status.
pub(super) fn run(caller: Caller, engine: &Arc<Engine>, name: VServerName, wanted: Wanted) -> u8 {
    let change = match wanted {
        Wanted::Change(change) => change,
        Wanted::Search(text) => {
            return match engine.search_packages(&name, &text) {
                Ok(offers) => search(caller, &text, &offers),
                Err(failure) => change::refused(caller, &failure),
            };
        }
        wanted => {
            return match engine.package_report(&name) {
                Ok(report) if wanted == Wanted::List => list(caller, &report),
                Ok(report) => show(caller, &report),
                Err(failure) => change::refused(caller, &failure),
            };
        }
    };
    match change::run(caller, engine, PlainChange::Packages { name, change }) {
        Ended::Done(_) => 0,
        Ended::Told(code) => code,
        Ended::Refused(failure) => change::refused(caller, &failure),
    }
}

fn list(caller: Caller, report: &PackageReport) -> u8 {
    let rows = report.installed.iter().map(|package| {
        let state = match package.state {
            PackageState::Installed => "",
            PackageState::Held => "hold",
            PackageState::Broken => "broken",
        };
        let (name, version) = (package.name.clone(), package.version.clone());
        vec![name, version, package.architecture.clone(), state.to_owned()]
    });
    caller.columns(&rows.collect::<Vec<_>>());
    0
}

/// What is offered, a line each; that nothing is, is told beside, and is no success.
fn search(caller: Caller, text: &str, offers: &PackageOffers) -> u8 {
    let rows = offers.packages.iter().map(|package| {
        let installed = package.installed.clone().unwrap_or_else(|| "-".to_owned());
        vec![package.name.clone(), package.versions.clone(), installed, package.summary.clone()]
    });
    caller.columns(&rows.collect::<Vec<_>>());
    if offers.is_more {
        caller.note(caller.locale.more_offers());
    }
    match (offers.packages.is_empty(), offers.has_lists) {
        (false, _) => return 0,
        (true, true) => caller.complain(caller.locale.no_offers(text)),
        (true, false) => caller.complain(caller.locale.no_lists()),
    }
    exit::FAILURE
}

/// What is pending, a line each; what else there is to know is told beside.
fn show(caller: Caller, report: &PackageReport) -> u8 {
    let overview = &report.overview;
    if overview.system.is_none() {
        let name = overview.vserver.clone();
        let failure = domain::failure::Failure::NoPackageSystem { name, system: None };
        return change::refused(caller, &failure);
    }
    let rows = report.pending.iter().map(|update| {
        let mark = if update.is_security { "security" } else { "" };
        let (name, installed) = (update.name.clone(), update.installed.clone());
        vec![name, installed, update.candidate.clone(), mark.to_owned()]
    });
    caller.columns(&rows.collect::<Vec<_>>());
    if overview.pending.is_none() {
        caller.note(caller.locale.never_refreshed(overview.vserver.as_str()));
    }
    if overview.needs_repair() {
        let broken = overview.broken.join(" ");
        caller.complain(caller.locale.packages_need_repair(&broken));
        return exit::FAILURE;
    }
    0
}

#[cfg(test)]
mod tests {
    use domain::package::Upgrade;

    use super::*;

    fn understood(line: &str) -> Result<Wanted, UsageError> {
        understand(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_typed_is_what_is_shown_as_the_command() {
        for line in [
            "refresh",
            "upgrade",
            "upgrade --security",
            "upgrade bash file",
            "install file",
            "remove file",
            "remove --dry-run file",
            "hold file",
            "unhold file",
            "repair",
        ] {
            let Ok(Wanted::Change(change)) = understood(line) else { panic!("{line}") };
            assert_eq!(change.words().join(" "), line);
        }
        assert_eq!(understood(""), Ok(Wanted::Show));
        assert_eq!(understood("list"), Ok(Wanted::List));
        assert_eq!(understood("search web server"), Ok(Wanted::Search("web server".to_owned())));
        let security = Wanted::Change(PackageChange::Upgrade(Upgrade::Security));
        assert_eq!(understood("--security upgrade"), Ok(security));
        for wrong in [
            "install",
            "refresh file",
            "upgrade --security file",
            "install a*",
            "purge file",
            "install --security file",
            "upgrade-security",
            "list file",
            "search",
            "search --security file",
            "install --yes file",
            "install --dry-run file",
            "remove --dry-run",
            "remove --dry-run --security file",
            "foresee-removal file",
        ] {
            assert!(understood(wrong).is_err(), "{wrong}");
        }
    }
}
