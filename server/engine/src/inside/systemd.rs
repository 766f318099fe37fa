//! Services of a guest whose pid 1 is systemd, as `systemctl` tells of them.
//!
//! `show` gives properties, `NAME=value` a line and an empty line between two services, in every release of
//! systemd alike; services that were never loaded are in the list of unit files alone. Both are a stranger's:
//! what is not understood is left out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::failure::Failure;
use domain::service::{Service, ServiceManager, ServiceName, ServiceState, Services};

use super::{Hear, Said};
use crate::engine::Instance;
use crate::state::GuestState;

const SHOW: [&str; 6] = [
    "systemctl",
    "show",
    "--all",
    "--no-pager",
    "--property=Id,Description,LoadState,ActiveState,SubState,UnitFileState",
    "*.service",
];
const LIST_FILES: [&str; 6] =
    ["systemctl", "list-unit-files", "--type=service", "--no-legend", "--no-pager", "--plain"];

/// How much each may say, in bytes.
const MAX_BYTES: usize = 512 * 1024;
/// How long both may take: a guest of many units on a slow host needs seconds, and whoever asked waits for ten.
const PATIENCE: Duration = Duration::from_secs(8);

/// How many services are shown.
const MAX_SERVICES: usize = 1000;
/// How long what a guest says of one may be, in characters.
const MAX_CHARACTERS: usize = 160;

/// Asks for all of them.
pub(super) fn services(instance: &Instance, state: &GuestState) -> Result<Services, Failure> {
    let deadline = Instant::now() + PATIENCE;
    let ask = |words: [&str; 6]| -> Result<Said, Failure> {
        let words = words.map(str::to_owned);
        let left = deadline.saturating_duration_since(Instant::now());
        Ok(super::run(instance, state, &words, Hear::Output, MAX_BYTES, left)?)
    };
    let shown = ask(SHOW)?;
    if shown.status != 0 {
        let detail = shown.status.to_string();
        return Err(Failure::ProgramFailed { program: "systemctl".to_owned(), detail });
    }
    // Without it those that were never loaded are missing, and that is said.
    let files = ask(LIST_FILES).ok().filter(|files| files.status == 0);
    let text = |said: &Said| domain::guest_log::printable(&said.bytes);
    let mut services = loaded(&text(&shown));
    if let Some(files) = &files {
        for (name, is_enabled) in installed(&text(files)) {
            services.entry(name.clone()).or_insert_with(|| Service {
                name,
                state: ServiceState::Inactive,
                detail: String::new(),
                description: String::new(),
                is_enabled,
            });
        }
    }
    let is_cut = shown.is_cut || files.is_none_or(|files| files.is_cut);
    let is_incomplete = is_cut || services.len() > MAX_SERVICES;
    let services = services.into_values().take(MAX_SERVICES).collect();
    Ok(Services { manager: Some(ServiceManager::Systemd), services, is_incomplete })
}

/// The services that systemd has loaded, from the properties it shows.
fn loaded(text: &str) -> BTreeMap<ServiceName, Service> {
    text.split("\n\n").filter_map(one_loaded).map(|one| (one.name.clone(), one)).collect()
}

fn one_loaded(block: &str) -> Option<Service> {
    let value = |property: &str| {
        let values = block.lines().filter_map(|line| line.split_once('='));
        values.into_iter().find(|(name, _)| *name == property).map(|(_, value)| value.trim())
    };
    let short =
        |text: Option<&str>| text.unwrap_or_default().chars().take(MAX_CHARACTERS).collect();
    let name: ServiceName = value("Id")?.parse().ok()?;
    let state = match value("ActiveState")? {
        "active" => ServiceState::Active,
        "inactive" => ServiceState::Inactive,
        "failed" => ServiceState::Failed,
        "activating" | "deactivating" | "reloading" | "refreshing" | "maintenance" => {
            ServiceState::Changing
        }
        _ => ServiceState::Unknown,
    };
    // Somebody names it and nobody has installed it.
    if value("LoadState") == Some("not-found") && state == ServiceState::Inactive {
        return None;
    }
    Some(Service {
        name,
        state,
        detail: short(value("SubState")),
        description: short(value("Description")),
        is_enabled: is_enabled(value("UnitFileState").unwrap_or_default()),
    })
}

/// The services that are installed, from the list of unit files: names and whether they are enabled.
/// Templates, of which a service is made by giving it a name, are none.
fn installed(text: &str) -> impl Iterator<Item = (ServiceName, Option<bool>)> + '_ {
    text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (name, state) = (words.next()?, words.next()?);
        let is_service = name.ends_with(".service") && !name.ends_with("@.service");
        let name = name.parse().ok().filter(|_| is_service && state != "alias")?;
        Some((name, is_enabled(state)))
    })
}

/// Whether a unit file's state means that it is started with the guest; none for those that cannot be
/// switched.
fn is_enabled(state: &str) -> Option<bool> {
    match state {
        "enabled" | "enabled-runtime" => Some(true),
        "disabled" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a fresh guest of Debian 12 and one of Debian 13 said, in which one service had failed; how many services
    /// each has loaded, how many of them are active, and how many are installed.
    const SAID: [(&str, &str, [usize; 3]); 2] = [
        (
            include_str!("samples/systemd_252.show"),
            include_str!("samples/systemd_252.unit_files"),
            [53, 9, 75],
        ),
        (
            include_str!("samples/systemd_257.show"),
            include_str!("samples/systemd_257.unit_files"),
            [61, 12, 90],
        ),
    ];

    #[test]
    fn what_real_guests_say_is_understood() {
        for (shown, files, counts) in SAID {
            let (services, files) = (loaded(shown), installed(files).collect::<Vec<_>>());
            let how = |name: &str| {
                let one = &services[&name.parse::<ServiceName>().unwrap()];
                (one.state, one.detail.as_str(), one.is_enabled)
            };
            let in_state = |state| services.values().filter(|one| one.state == state).count();
            assert_eq!([services.len(), in_state(ServiceState::Active), files.len()], counts);
            assert_eq!(in_state(ServiceState::Failed), 1);
            assert_eq!(counts[0] - counts[1] - 1, in_state(ServiceState::Inactive));
            assert_eq!(how("breaker.service"), (ServiceState::Failed, "failed", None));
            assert_eq!(how("systemd-journald.service"), (ServiceState::Active, "running", None));
            let getty = (ServiceState::Active, "running", Some(true));
            assert_eq!(how("console-getty.service"), getty);
            assert_eq!(how("systemd-sysusers.service"), (ServiceState::Active, "exited", None));
            let at = |name: &str| files.iter().find(|(one, _)| one.as_str() == name).unwrap();
            assert_eq!(at("systemd-pstore.service").1, Some(true));
            assert_eq!(at("debug-shell.service").1, Some(false));
            // Masked.
            assert_eq!(at("x11-common.service").1, None);
        }
    }

    #[test]
    fn properties_become_services() {
        let text = "Id=ssh.service\nDescription=OpenBSD Secure Shell server\nLoadState=loaded\n\
            ActiveState=active\nSubState=running\nUnitFileState=enabled\n\n\
            Id=gone.service\nDescription=gone.service\nLoadState=not-found\nActiveState=inactive\n\
            SubState=dead\nUnitFileState=\n\n\
            Id=-rf.service\nActiveState=active\n\n\
            nonsense\n\n\
            Id=dbus.service\nDescription=D-Bus = bus\nLoadState=loaded\nActiveState=failed\n\
            SubState=failed\nUnitFileState=static\n\n\
            Id=odd.service\nActiveState=\u{202e}\n";
        let services: Vec<Service> = loaded(text).into_values().collect();
        let short: Vec<_> = services
            .iter()
            .map(|one| (one.name.as_str(), one.state, one.detail.as_str(), one.is_enabled))
            .collect();
        assert_eq!(
            short,
            [
                ("dbus.service", ServiceState::Failed, "failed", None),
                ("odd.service", ServiceState::Unknown, "", None),
                ("ssh.service", ServiceState::Active, "running", Some(true)),
            ]
        );
        assert_eq!(services[0].description, "D-Bus = bus");
        let long = format!("Id=a.service\nActiveState=active\nDescription={}", "x".repeat(9000));
        assert_eq!(loaded(&long).into_values().next().unwrap().description.len(), MAX_CHARACTERS);
    }

    #[test]
    fn unit_files_become_services() {
        let text = "autovt@.service           alias           -\n\
            cron.service              enabled         enabled\n\
            debug-shell.service       disabled        disabled\n\
            getty@.service            enabled         enabled\n\
            rc-local.service          static          -\n\
            x;y.service enabled\nshort\n";
        let found: Vec<_> = installed(text).map(|(name, on)| (name.to_string(), on)).collect();
        assert_eq!(
            found,
            [
                ("cron.service".to_owned(), Some(true)),
                ("debug-shell.service".to_owned(), Some(false)),
                ("rc-local.service".to_owned(), None),
            ]
        );
    }
}
