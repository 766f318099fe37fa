//! Services of a guest that are scripts in `/etc/init.d`: sysvinit's, and OpenRC's.
//!
//! The list comes from files beneath the guest's root, read as a stranger's. How one is, only its script can say
//! (`status`): those that know the word are asked, one after the other, for a bounded time in all. One that says
//! nothing and succeeds says nothing of its service: scripts that only do something once, at a boot, do so.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use domain::service::{Service, ServiceManager, ServiceName, ServiceState, Services};

use super::{Hear, read_file};
use crate::engine::Instance;
use crate::state::GuestState;
use crate::tree;

const SCRIPTS: &str = "etc/init.d";

/// What is beside services there, on the distributions there were: run levels themselves, and what only a machine of
/// its own needs.
const NO_SERVICES: [&str; 16] = [
    "README",
    "functions",
    "functions.sh",
    "halt",
    "killall",
    "killprocs",
    "rc",
    "rc.local",
    "rcS",
    "rcK",
    "reboot",
    "sendsigs",
    "single",
    "skeleton",
    "umountfs",
    "umountroot",
];

/// Where links say what is started, for sysvinit in two layouts and for OpenRC.
const RUN_LEVELS: [&str; 5] = ["S", "2", "3", "4", "5"];
const OPENRC_LEVELS: [&str; 4] = [
    "etc/runlevels/boot",
    "etc/runlevels/default",
    "etc/runlevels/sysinit",
    "etc/runlevels/nonetwork",
];

/// How many scripts are looked at, and how much of each is read, in bytes.
const MAX_SERVICES: usize = 300;
const MAX_SCRIPT_BYTES: u64 = 64 * 1024;
/// How much of its answer is read, in bytes; how long one may take, and all.
const MAX_ANSWER_BYTES: usize = 8 * 1024;
const ONE_PATIENCE: Duration = Duration::from_secs(2);
const ALL_PATIENCE: Duration = Duration::from_secs(8);

/// Whether the guest has scripts at all.
pub(super) fn are_there(root: &Path) -> bool {
    tree::names_in(root, SCRIPTS, 1).is_ok_and(|names| !names.is_empty())
}

/// Reads and asks all of them.
pub(super) fn services(
    instance: &Instance,
    state: &GuestState,
    manager: ServiceManager,
) -> Services {
    let scripts = scripts(&state.root);
    let deadline = Instant::now() + ALL_PATIENCE;
    let mut is_incomplete = scripts.len() >= MAX_SERVICES;
    let services = scripts
        .into_iter()
        .map(|script| {
            let (service_state, detail) = match script.knows_status {
                true => ask(instance, state, &script.name, deadline).unwrap_or_else(|| {
                    is_incomplete = true;
                    (ServiceState::Unknown, String::new())
                }),
                false => (ServiceState::Unknown, String::new()),
            };
            Service {
                name: script.name,
                state: service_state,
                detail,
                description: script.description,
                is_enabled: Some(script.is_enabled),
            }
        })
        .collect();
    Services { manager: Some(manager), services, is_incomplete }
}

/// What its files say of a service.
#[derive(Debug, PartialEq, Eq)]
struct Script {
    name: ServiceName,
    description: String,
    is_enabled: bool,
    knows_status: bool,
}

/// The scripts of a guest, sorted by name.
fn scripts(root: &Path) -> Vec<Script> {
    let started = started(root);
    let mut names: Vec<ServiceName> = tree::names_in(root, SCRIPTS, MAX_SERVICES)
        .unwrap_or_default()
        .into_iter()
        .filter(|name| !NO_SERVICES.contains(&name.as_str()) && !crate::config::is_backup(name))
        .filter_map(|name| name.parse().ok())
        .collect();
    names.sort();
    let of = |name: ServiceName| {
        let path = format!("{SCRIPTS}/{name}");
        let text = read_file(root, &path, MAX_SCRIPT_BYTES)?;
        let text = domain::guest_log::printable(&text);
        let is_script = text.starts_with("#!");
        let description = described(&text);
        let is_enabled = started.contains(name.as_str());
        let knows_status = knows_status(&text);
        is_script.then_some(Script { name, description, is_enabled, knows_status })
    };
    names.into_iter().filter_map(of).collect()
}

/// Whether a script has an answer to `status`: as a word of a `case`, or because what interprets it has one.
fn knows_status(text: &str) -> bool {
    let interpreter = text.lines().next().unwrap_or_default();
    if ["openrc", "init-d-script"].iter().any(|known| interpreter.contains(known)) {
        return true;
    }
    let mut lines = text.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
    lines.any(|line| {
        line.match_indices("status").any(|(at, word)| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            let is_word = before.is_none_or(|c| c.is_whitespace() || "|(\"'".contains(c));
            let after = line.get(at + word.len()..).unwrap_or_default();
            let after = after.trim_start_matches(['"', '\'']).trim_start();
            is_word && after.starts_with([')', '|']) && !after.starts_with("||")
        })
    })
}

/// What a script says it is: the LSB's short description, or OpenRC's.
fn described(text: &str) -> String {
    let description = text.lines().find_map(|line| {
        let lsb = line.strip_prefix("# Short-Description:");
        lsb.or_else(|| line.strip_prefix("description=")).map(|rest| rest.trim().trim_matches('"'))
    });
    description.unwrap_or_default().chars().take(160).collect()
}

/// The names that links of run levels start.
fn started(root: &Path) -> BTreeSet<String> {
    let sysv = RUN_LEVELS
        .iter()
        .flat_map(|level| [format!("etc/rc{level}.d"), format!("etc/rc.d/rc{level}.d")]);
    let of_sysv = sysv
        .flat_map(|directory| tree::names_in(root, &directory, MAX_SERVICES).unwrap_or_default())
        .filter_map(|link| {
            let rest = link.strip_prefix('S')?;
            let name = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            (name.len() < rest.len() && !name.is_empty()).then(|| name.to_owned())
        });
    let of_openrc = OPENRC_LEVELS
        .iter()
        .flat_map(|directory| tree::names_in(root, directory, MAX_SERVICES).unwrap_or_default());
    of_sysv.chain(of_openrc).collect()
}

/// Asks a script how its service is; none when there was no time for it.
fn ask(
    instance: &Instance,
    state: &GuestState,
    name: &ServiceName,
    deadline: Instant,
) -> Option<(ServiceState, String)> {
    let left = deadline.checked_duration_since(Instant::now())?.min(ONE_PATIENCE);
    let words = [format!("/{SCRIPTS}/{name}"), "status".to_owned()];
    let said =
        super::run(instance, state, &words, Hear::Everything, MAX_ANSWER_BYTES, left).ok()?;
    let detail = said.last_line();
    Some((state_of(said.status, &detail), detail))
}

/// What the LSB says that an exit status of `status` means. Success is heard with its words: many scripts
/// have none, or others than it.
fn state_of(status: u8, detail: &str) -> ServiceState {
    match status {
        0 if detail.is_empty() => ServiceState::Unknown,
        0 if ["not running", "not started"].iter().any(|words| detail.contains(words)) => {
            ServiceState::Inactive
        }
        0 => ServiceState::Active,
        // Dead, with a file left that says otherwise.
        1 | 2 => ServiceState::Failed,
        3 => ServiceState::Inactive,
        _ => ServiceState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn scripts_are_read_beneath_the_root_and_links_say_what_is_started() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        for directory in ["etc/init.d", "etc/rc3.d", "etc/rc.d/rc5.d", "etc/runlevels/default"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let script =
            |name: &str, text: &str| fs::write(root.join(SCRIPTS).join(name), text).unwrap();
        script(
            "cron",
            "#!/bin/sh\n# Short-Description: Regular jobs\ncase $1 in status) ;; esac\n",
        );
        script("httpd", "#!/bin/sh\n# description: no LSB\n");
        script("sshd", "#!/sbin/openrc-run\ndescription=\"Secure shell\"\n");
        script("README", "#!/bin/sh\n");
        script("cron.dpkg-old", "#!/bin/sh\n");
        script("data", "no script");
        script("-x", "#!/bin/sh\n");
        let secret = base.path().join("secret");
        fs::write(&secret, "#!/bin/sh\n# Short-Description: of the host\n").unwrap();
        symlink(&secret, root.join("etc/init.d/evil")).unwrap();
        symlink("../init.d/cron", root.join("etc/rc3.d/S01cron")).unwrap();
        symlink("../init.d/httpd", root.join("etc/rc3.d/K01httpd")).unwrap();
        symlink("../../init.d/sshd", root.join("etc/runlevels/default/sshd")).unwrap();
        // Those of a boot have links in a level of their own.
        fs::create_dir_all(root.join("etc/rcS.d")).unwrap();
        script("procps", "#!/bin/sh\n# status of the kernel\nlog_end_msg $?; exit $status\n");
        symlink("../init.d/procps", root.join("etc/rcS.d/S02procps")).unwrap();
        let found: Vec<_> = scripts(&root)
            .into_iter()
            .map(|one| (one.name.to_string(), one.description, one.is_enabled, one.knows_status))
            .collect();
        assert_eq!(
            found,
            [
                ("cron".to_owned(), "Regular jobs".to_owned(), true, true),
                ("httpd".to_owned(), String::new(), false, false),
                ("procps".to_owned(), String::new(), true, false),
                ("sshd".to_owned(), "Secure shell".to_owned(), true, true),
            ]
        );
        assert!(are_there(&root) && !are_there(base.path()));
    }

    #[test]
    fn who_knows_the_word_has_it_in_a_case() {
        for knows in [
            "#!/bin/sh\ncase $1 in\n  start|status)\n",
            "#!/bin/sh\n  status)\n",
            "#!/bin/sh\n\t'status' )\n",
            "#!/bin/sh\n (status|show)\n",
            "#!/usr/bin/env /lib/init/init-d-script\n",
        ] {
            assert!(knows_status(knows), "{knows}");
        }
        for knows_not in [
            "#!/bin/sh\n# status) is not offered\n",
            "#!/bin/sh\nexit $status\n",
            "#!/bin/sh\nr=$(get_status)\n",
            "#!/bin/sh\ncheck status || exit 1\n",
            "#!/bin/sh\necho status\n",
        ] {
            assert!(!knows_status(knows_not), "{knows_not}");
        }
    }

    #[test]
    fn success_is_heard_with_its_words() {
        assert_eq!(state_of(0, "cron is running."), ServiceState::Active);
        assert_eq!(state_of(0, ""), ServiceState::Unknown);
        let udev = "udev does not support containers, not started";
        assert_eq!(state_of(0, udev), ServiceState::Inactive);
        assert_eq!(state_of(3, ""), ServiceState::Inactive);
        assert_eq!(state_of(1, "dead"), ServiceState::Failed);
    }
}
