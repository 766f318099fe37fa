//! The packages of VServers in memory.

use domain::batch::{Batch, BatchRow, BatchView, Outcome, Pace, RowState};
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::id::VServerName;
use domain::note::Note;
use domain::operation::Kind;
use domain::package::{
    FoundPackage, InstalledPackage, OfferedPackage, PackageChange, PackageOffers, PackageOverview,
    PackageReport, PackageState, PackageSystem, PendingCount, PendingUpdate,
};

use super::{FORESEEN_OPERATION, NOW};

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

/// What lists offer: those of db1 were never fetched.
pub(crate) fn offers(name: &VServerName, text: &str) -> PackageOffers {
    let offer = |name: &str, installed: Option<&str>| OfferedPackage {
        name: name.to_owned(),
        versions: "2:9.0".to_owned(),
        summary: "an <editor>".to_owned(),
        installed: installed.map(str::to_owned),
    };
    let packages = [offer("vim", None), offer("vim-common", Some("2:8.9"))].into_iter();
    let has_lists = name.as_str() != "db1";
    PackageOffers {
        packages: packages.filter(|one| has_lists && one.name.contains(text)).collect(),
        is_more: text == "v",
        has_lists,
    }
}

/// Whether a batch only foresees.
pub(crate) fn is_foreseen(batch: &Batch) -> bool {
    let foresees = |change: &PlainChange| {
        let PlainChange::Packages { change, .. } = change else { return false };
        matches!(change, PackageChange::ForeseeRemoval(_))
    };
    batch.changes().iter().all(foresees)
}

/// What was foreseen of a removal: one said what would go, one failed.
pub(crate) fn foreseen_view() -> BatchView {
    let names = ["web1", "fc6"].map(|name| name.parse().unwrap());
    let packages = vec!["libssl3".parse().unwrap()];
    let changes = names.clone().map(|name| PlainChange::Packages {
        name,
        change: PackageChange::ForeseeRemoval(packages.clone()),
    });
    let failure = Box::new(Failure::TimedOut { what: "dnf".to_owned(), seconds: 5 });
    let states = [
        (Some(FORESEEN_OPERATION.parse().unwrap()), Outcome::Done),
        (None, Outcome::Failed { failure }),
    ];
    let rows = names.into_iter().zip(states).map(|(name, (operation, outcome))| BatchRow {
        name,
        kind: Kind::Packages,
        operation,
        state: RowState::Ended { outcome },
    });
    BatchView { batch: Batch::new(changes.into(), Pace::default()).unwrap(), rows: rows.collect() }
}

/// What the one that said it said.
pub(crate) fn foreseen_log() -> String {
    let note = |package: &str, before: Option<&str>, after: Option<&str>| {
        let (package, version) = (package.to_owned(), |one: &str| one.to_owned());
        let (before, after) = (before.map(version), after.map(version));
        Note::PackageWouldChange { package, before, after }.line()
    };
    let lines = [
        "Remv of-somebody-else [1]".to_owned(),
        note("libssl3", Some("3.0.1"), None),
        note("<needs-it>", Some("1.2-3"), None),
        note("instead", None, Some("7.1")),
    ];
    lines.map(|line| format!("{line}\n")).concat()
}
