//! What an operation is called: what was done, and to what.
//!
//! Of packages, services and batches more is said than their kind. It is read from the command that does the
//! same, which is kept with each operation and which only `domain::command` writes; what is not understood of it
//! is left out, and the kind and the name remain.

use domain::id::VServerName;
use domain::operation::{Kind, Operation, Target};
use domain::service::ServiceOrder;

use crate::i18n::{Locale, kind_text, service_action_text};

/// The most that a command names one by one; see `domain::command::batch`.
const MORE: &str = "…";

/// What it is called.
pub(crate) fn operation_title(t: Locale, operation: &Operation) -> String {
    let words: Vec<&str> = operation.command.split(' ').collect();
    match &operation.target {
        Target::Batch(_) => {
            of_many(t, &words).unwrap_or_else(|| kind_text(t, operation.kind).to_owned())
        }
        Target::VServer(name) => of_one(t, operation.kind, name, &words)
            .unwrap_or_else(|| format!("{} {name}", kind_text(t, operation.kind))),
        target => format!("{} {}", kind_text(t, operation.kind), target.name()),
    }
}

/// `vserver NAME packages install file`, `vserver NAME exec systemctl stop cron`.
fn of_one(t: Locale, kind: Kind, name: &VServerName, words: &[&str]) -> Option<String> {
    let [_, _, word, rest @ ..] = words else { return None };
    let what = match (kind, *word) {
        (Kind::Packages, "packages") => of_packages(t, rest)?,
        (Kind::Service, "exec") => {
            let (action, service) = ServiceOrder::said_by(rest)?;
            format!("{} {service}", service_action_text(t, action))
        }
        _ => return None,
    };
    Some(t.done_in(&what, name.as_str()))
}

/// `vserver --names ONE,OTHER --at-once 4 start`.
fn of_many(t: Locale, words: &[&str]) -> Option<String> {
    let [_, "--names", names, rest @ ..] = words else { return None };
    let mut rest = rest;
    while let [option, _, after @ ..] = rest
        && option.starts_with("--")
    {
        rest = after;
    }
    let what = match rest {
        ["packages", change @ ..] => of_packages(t, change)?,
        [word, ..] => {
            let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == *word)?;
            kind_text(t, kind).to_owned()
        }
        [] => return None,
    };
    let names: Vec<&str> = names.trim_matches('\'').split(',').collect();
    let count = match names.split_last() {
        Some((&MORE, named)) => format!("> {}", named.len()),
        _ => names.len().to_string(),
    };
    Some(t.batch_done(&what, &count))
}

fn of_packages(t: Locale, words: &[&str]) -> Option<String> {
    let (what, names) = match words {
        ["install", names @ ..] => (t.do_install(), names),
        ["remove", "--dry-run", names @ ..] => (t.would_remove(), names),
        ["remove", names @ ..] => (t.do_remove(), names),
        ["hold", names @ ..] => (t.do_hold(), names),
        ["unhold", names @ ..] => (t.do_unhold(), names),
        ["refresh"] => return Some(t.packages_done(t.do_refresh())),
        ["repair"] => return Some(t.packages_done(t.do_repair())),
        ["upgrade"] => return Some(t.packages_done(t.do_upgrade())),
        ["upgrade", "--security"] => return Some(t.packages_done(t.do_upgrade_security())),
        ["upgrade", names @ ..] => (t.upgrade_word(), names),
        _ => return None,
    };
    Some(format!("{what} {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use domain::operation::{Actor, Progress};
    use domain::time::UnixMillis;

    use super::*;

    fn titled(t: Locale, kind: Kind, target: &str, command: &str) -> String {
        let operation = Operation {
            id: "01JADQ8Z9XKXQ5Y7D2M3N4P5R7".parse().unwrap(),
            kind,
            target: target.parse().unwrap(),
            renamed_to: None,
            actor: Actor::System,
            command: command.to_owned(),
            progress: Progress::Succeeded,
            cancellable: false,
            created_at: UnixMillis(0),
            started_at: None,
            finished_at: None,
            batch: None,
        };
        operation_title(t, &operation)
    }

    #[test]
    fn packages_and_services_are_named() {
        let english = |kind, command| titled(Locale::English, kind, "web1", command);
        for (command, title) in [
            ("vserver web1 packages install file hello", "Install file, hello in web1"),
            ("vserver web1 packages remove file", "Remove file in web1"),
            ("vserver web1 packages remove --dry-run file", "What would go with file in web1"),
            ("vserver web1 packages upgrade bash", "Upgrade bash in web1"),
            ("vserver web1 packages upgrade --security", "Packages: Upgrade for security in web1"),
            ("vserver web1 packages refresh", "Packages: Refresh in web1"),
            ("vserver web1 packages", "Packages web1"),
            ("something else", "Packages web1"),
        ] {
            assert_eq!(english(Kind::Packages, command), title);
        }
        let stop = "vserver web1 exec systemctl --no-ask-password stop cron";
        assert_eq!(english(Kind::Service, stop), "Stop cron in web1");
        let disable = "vserver web1 exec update-rc.d cron disable";
        assert_eq!(english(Kind::Service, disable), "Disable cron in web1");
        assert_eq!(english(Kind::Service, "vserver web1 exec true"), "Service web1");
        assert_eq!(english(Kind::Start, "vserver web1 start"), "Start web1");
        let install = "vserver web1 packages install file";
        let french = titled(Locale::French, Kind::Packages, "web1", install);
        assert_eq!(french, "Installer file dans web1");
    }

    #[test]
    fn a_batch_says_what_it_does_to_how_many() {
        let batch = |command: &str| {
            let target = "batch:01JADQ8Z9XKXQ5Y7D2M3N4P5R8";
            titled(Locale::English, Kind::Batch, target, command)
        };
        assert_eq!(batch("vserver --names a,b --at-once 4 start"), "Batch: Start, 2 VServers");
        let canary = "vserver --names a,b,c --at-once 4 --canary 1 packages install file";
        assert_eq!(batch(canary), "Batch: Install file, 3 VServers");
        assert_eq!(batch("vserver --names a,b,… --at-once 4 stop"), "Batch: Stop, > 2 VServers");
        assert_eq!(batch("vserver a start; vserver b stop"), "Batch");
    }
}
