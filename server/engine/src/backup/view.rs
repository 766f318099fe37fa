//! What there is in backups, for lists and pages: nothing here changes anything.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::backup::{
    BackupAlert, BackupDetail, BackupEntry, BackupOverview, BackupRef, BackupScope, BackupStatus,
    BackupSummary, EntryKind,
};
use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::{TargetName, VServerName};
use domain::time::UnixMillis;

use super::depot::{Kept, Which};
use super::manifest::{self, Checked, Entry, Kind};
use super::stored::{Stored, unreachable_target};
use super::{depot, schedule};
use crate::config;
use crate::engine::{Engine, Instance};
use crate::roots::Target;

/// How many names a page shows of what changed, and of what was left out.
const SHOWN: usize = 50;
/// How many entries of a directory are shown.
const ENTRIES: usize = 5000;

/// Reads the manifest of a backup.
pub(super) fn manifest(instance: &Instance, backup: &BackupRef) -> Result<(Checked, u64), Failure> {
    let depot = depot(&instance.settings, &backup.target)?;
    let which = Which::Whole(backup.id);
    let stored = Stored { instance, depot: &depot, vserver: &backup.vserver, which };
    stored.manifest().map_err(|error| error.into_failure(backup))
}

/// The backups at a target, of one VServer or of all; by VServer, the newest first.
///
/// # Errors
/// When there is no such target, or it cannot be looked at.
pub fn list(
    instance: &Instance,
    target: &TargetName,
    vserver: Option<&VServerName>,
) -> Result<Vec<BackupSummary>, Failure> {
    let kept = depot(&instance.settings, target)?
        .list(vserver)
        .map_err(|error| unreachable_target(target, &error))?;
    Ok(kept.into_iter().map(|kept| summary(target, kept)).collect())
}

fn summary(target: &TargetName, Kept { vserver, id, bytes }: Kept) -> BackupSummary {
    BackupSummary { backup: BackupRef { target: target.clone(), vserver, id }, bytes }
}

/// Backups, and what is wrong with them. A target that cannot be looked at, or not within `patience`, is an alert
/// of whoever has a schedule for it, and hides nothing else.
///
/// # Errors
/// When the VServers cannot be listed.
pub fn overview(
    engine: &Engine,
    scope: &BackupScope,
    patience: Duration,
) -> Result<BackupOverview, Failure> {
    let now = engine.clock().now();
    let settings = &engine.instance().settings;
    let roots = &settings.roots;
    let mut found: BTreeMap<VServerName, BackupStatus> = BTreeMap::new();
    let mut schedules = BTreeMap::new();
    for name in config::list_names(roots)? {
        if matches!(scope, BackupScope::Of(only) if *only != name) {
            continue;
        }
        let mut one = BackupStatus { exists: true, ..nothing_of(&name) };
        match schedule::read(roots, &name) {
            Ok(Some(in_force)) => {
                one.schedule = Some(in_force.schedule.clone());
                schedules.insert(name.clone(), in_force);
            }
            Ok(None) => {}
            Err(error) => one.alerts.push(BackupAlert::BadSchedule { failure: error.into() }),
        }
        found.insert(name, one);
    }
    // A page that is looked at all day does not wait for another host.
    let is_asked = |(_, place): &(&TargetName, &Target)| {
        *scope == BackupScope::All || matches!(place, Target::Directory { .. })
    };
    let (asked, unasked): (Vec<_>, Vec<_>) = settings.backup.targets.iter().partition(is_asked);
    let mut unreachable: BTreeMap<&TargetName, Failure> = BTreeMap::new();
    for (target, listed) in engine.listings().of(&asked, patience) {
        for kept in listed.kept {
            let is_wanted = match scope {
                BackupScope::All => true,
                BackupScope::Alerts => schedules.contains_key(&kept.vserver),
                BackupScope::Of(name) => kept.vserver == *name,
            };
            if is_wanted {
                let of = found.entry(kept.vserver.clone());
                let of = of.or_insert_with(|| nothing_of(&kept.vserver));
                of.backups.push(summary(target, kept));
            }
        }
        if let Some(failure) = listed.failure {
            unreachable.insert(target, failure);
        }
    }
    for (name, in_force) in schedules {
        let Some(one) = found.get_mut(&name) else { continue };
        let target = &in_force.schedule.target;
        let of_target = one.backups.iter().filter(|kept| kept.backup.target == *target);
        let last = of_target.map(|kept| kept.backup.id.at()).max();
        if let Some(failure) = unreachable.get(target) {
            let (target, failure) = (target.clone(), failure.clone());
            one.alerts.push(BackupAlert::TargetUnreachable { target, failure });
        } else if !settings.backup.targets.contains_key(target) {
            let failure = Failure::NoSuchTarget { target: target.clone() };
            one.alerts.push(BackupAlert::BadSchedule { failure });
        } else {
            // What was not asked is what was noted here when it was done.
            let noted = schedule::attempts(roots, &name);
            let last = match unasked.iter().any(|(name, _)| *name == target) {
                true => noted.success_at(target),
                false => last,
            };
            if let Some(due) = in_force.schedule.missing(now, in_force.since, last) {
                one.alerts.push(BackupAlert::Missing { due });
            }
        }
    }
    for name in schedule::noted(roots) {
        let Some(one) = found.get_mut(&name) else { continue };
        let attempts = schedule::attempts(roots, &name);
        let scheduled = one.schedule.as_ref().map(|schedule| &schedule.target);
        for (at, failure) in attempts.failures(scheduled).filter(|_| one.exists) {
            one.alerts.insert(0, BackupAlert::Failed { at, failure: failure.clone() });
        }
        let damaged = attempts.damaged.into_iter();
        one.alerts.extend(damaged.map(|(backup, at)| BackupAlert::Damaged { backup, at }));
    }
    for one in found.values_mut() {
        one.backups.sort_by_key(|kept| std::cmp::Reverse(kept.backup.id));
    }
    Ok(BackupOverview {
        targets: settings.backup.targets.keys().cloned().collect(),
        vservers: found.into_values().collect(),
    })
}

fn nothing_of(vserver: &VServerName) -> BackupStatus {
    BackupStatus {
        vserver: vserver.clone(),
        exists: false,
        schedule: None,
        backups: Vec::new(),
        alerts: Vec::new(),
    }
}

/// What one backup says of itself.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn detail(instance: &Instance, backup: &BackupRef) -> Result<BackupDetail, Failure> {
    let (manifest, bytes) = manifest(instance, backup)?;
    Ok(BackupDetail {
        summary: BackupSummary { backup: backup.clone(), bytes },
        tool: manifest.tool.chars().filter(|c| !c.is_control()).take(80).collect(),
        consistency: manifest.consistency,
        files: manifest.entries.len() as u64,
        file_bytes: manifest.file_bytes(),
        packages: manifest.packages.as_ref().map(|list| list.len() as u64),
        changed: manifest.changed.iter().take(SHOWN).map(manifest::Bytes::lossy).collect(),
        changed_count: manifest.changed.len() as u64,
        omitted: manifest
            .omitted
            .iter()
            .take(SHOWN)
            .map(|omitted| format!("{} ({})", omitted.path.lossy(), omitted.reason.as_str()))
            .collect(),
    })
}

/// The path of something inside a VServer, as it is typed, as the manifest has it.
///
/// # Errors
/// When it is none.
pub(super) fn member(path: &str) -> Result<Vec<u8>, Failure> {
    let below = path.trim_start_matches('/').trim_end_matches('/');
    let member = match below {
        "" => b"files".to_vec(),
        below => [b"files/", below.as_bytes()].concat(),
    };
    if manifest::is_plain(&member) { Ok(member) } else { Err(not_in_backup()) }
}

pub(super) fn not_in_backup() -> Failure {
    Failure::of_field(Field::Path, Problem::NotInBackup)
}

/// The entries of a directory in a backup, directories first, then by name.
///
/// # Errors
/// When there is no such directory in it, or it cannot be read.
pub fn browse(
    instance: &Instance,
    backup: &BackupRef,
    path: &str,
) -> Result<Vec<BackupEntry>, Failure> {
    let member = member(path)?;
    let (manifest, _) = manifest(instance, backup)?;
    if manifest.entry(&member).is_none_or(|entry| entry.kind != Kind::Directory) {
        return Err(not_in_backup());
    }
    let sizes: BTreeMap<&[u8], u64> = manifest
        .entries
        .iter()
        .filter_map(|entry| match entry.kind {
            Kind::File { size, .. } if entry.path.0.starts_with(&member) => {
                Some((entry.path.0.as_slice(), size))
            }
            _ => None,
        })
        .collect();
    let below = |entry: &Entry| {
        let rest = entry.path.0.strip_prefix(member.as_slice())?.strip_prefix(b"/")?;
        (!rest.contains(&b'/')).then(|| rest.to_vec())
    };
    let mut entries: Vec<BackupEntry> = manifest
        .entries
        .iter()
        .filter_map(|entry| Some(shown(entry, &below(entry)?, &sizes)))
        .take(ENTRIES)
        .collect();
    entries.sort_by(|a, b| {
        let is_file = |entry: &BackupEntry| entry.kind != EntryKind::Directory;
        is_file(a).cmp(&is_file(b)).then_with(|| a.name.cmp(&b.name))
    });
    Ok(entries)
}

fn shown(entry: &Entry, name: &[u8], sizes: &BTreeMap<&[u8], u64>) -> BackupEntry {
    let (kind, bytes, link) = match &entry.kind {
        Kind::Directory => (EntryKind::Directory, 0, None),
        Kind::File { size, .. } => (EntryKind::File, *size, None),
        Kind::HardLink(to) => {
            (EntryKind::File, sizes.get(to.0.as_slice()).copied().unwrap_or(0), None)
        }
        Kind::Link(to) => (EntryKind::Link, 0, Some(to.lossy())),
        Kind::Fifo | Kind::Device { .. } => (EntryKind::Other, 0, None),
    };
    let (seconds, nanoseconds) = entry.mtime;
    BackupEntry {
        name: manifest::Bytes(name.to_vec()).lossy(),
        kind,
        mode: entry.mode,
        user: entry.uid,
        group: entry.gid,
        bytes,
        modified: UnixMillis(
            seconds.saturating_mul(1000).saturating_add(i64::from(nanoseconds / 1_000_000)),
        ),
        link,
    }
}
