//! The packages of VServers in memory.

use domain::package::{
    FoundPackage, InstalledPackage, PackageOverview, PackageReport, PackageState, PackageSystem,
    PendingCount, PendingUpdate,
};

use super::NOW;

/// What VServers in memory have.
pub(crate) fn overviews() -> Vec<PackageOverview> {
    let of = |name: &str| PackageOverview {
        vserver: name.parse().unwrap(),
        is_running: false,
        system: Some(PackageSystem::Dpkg),
        installed: Some(190),
        held: 1,
        broken: Vec::new(),
        is_interrupted: false,
        pending: None,
    };
    let pending = PendingCount {
        all: 7,
        security: 2,
        refreshed_at: Some(NOW),
        asked_at: NOW,
        is_stale: true,
    };
    vec![
        PackageOverview { broken: vec!["<half>".to_owned()], ..of("db1") },
        PackageOverview { system: Some(PackageSystem::Rpm), installed: None, ..of("fc6") },
        PackageOverview { pending: Some(pending), ..of("web1") },
    ]
}

/// All of one of them.
pub(crate) fn report(overview: PackageOverview) -> PackageReport {
    let package = |name: &str, state| InstalledPackage {
        name: name.to_owned(),
        version: "1.2-3".to_owned(),
        architecture: "amd64".to_owned(),
        state,
    };
    let update = PendingUpdate {
        name: "libssl3".to_owned(),
        installed: "3.0.1".to_owned(),
        candidate: "3.0.2".to_owned(),
        origin: "Debian-Security:12/stable-security".to_owned(),
        is_security: true,
    };
    PackageReport {
        installed: vec![
            package("bash", PackageState::Installed),
            package("libssl3", PackageState::Held),
        ],
        pending: if overview.pending.is_some() { vec![update] } else { Vec::new() },
        overview,
    }
}

/// Who has a package of this name.
pub(crate) fn found(text: &str) -> Vec<FoundPackage> {
    let overview = overviews().remove(2);
    let vserver = overview.vserver.clone();
    let installed = report(overview).installed.into_iter();
    let matching = installed.filter(|package| package.name.contains(text));
    matching.map(|package| FoundPackage { vserver: vserver.clone(), package }).collect()
}
