//! Packages as they are looked at: of all VServers, of one, and one package in all of them. No VServer is
//! asked anything: dpkg's record is read as it is, and what is pending is what was last answered. So is what there
//! is where rpm keeps it.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use domain::failure::Failure;
use domain::id::VServerName;
use domain::package::{FoundPackage, PackageOverview, PackageReport, PackageState};

use super::installed::{Record, Stamp};
use super::kept::Kept;
use super::{files_of, rpm, system_of};
use crate::config;
use crate::engine::Engine;
use crate::lifecycle::LifecycleError;
use crate::lock;
use crate::roots::Roots;
use crate::state::GuestState;

/// The most packages that a search gives.
const FOUND: usize = 1000;

/// Records that were read before: one is read again when it is another.
#[derive(Debug, Default)]
pub(crate) struct Records {
    known: Mutex<HashMap<VServerName, (Stamp, Arc<Record>)>>,
}

impl Records {
    /// dpkg's record of a VServer as it is now.
    fn of(&self, name: &VServerName, files: &OwnedFd) -> Option<(Stamp, Arc<Record>)> {
        let stamp = Stamp::of(files)?;
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, record)) = known().get(name)
            && *then == stamp
        {
            return Some((stamp, Arc::clone(record)));
        }
        let record = Arc::new(Record::read(files)?);
        known().insert(name.clone(), (stamp, Arc::clone(&record)));
        Some((stamp, record))
    }

    /// Forgets those of VServers that are gone.
    fn retain(&self, names: &[VServerName]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, _| names.contains(name));
    }
}

impl Engine {
    /// The packages of every VServer at a glance, sorted by name.
    ///
    /// # Errors
    /// When the VServers cannot be listed.
    pub fn package_overviews(&self) -> Result<Vec<PackageOverview>, Failure> {
        let roots = &self.instance().settings.roots;
        let names = config::list_names(roots)?;
        self.records().retain(&names);
        names.iter().map(|name| Ok(self.look(roots, name)?.overview)).collect()
    }

    /// All that is known of the packages of one.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn package_report(&self, name: &VServerName) -> Result<PackageReport, Failure> {
        let roots = &self.instance().settings.roots;
        if !roots.config_of(name).is_dir() {
            return Err(Failure::NoSuchVServer { name: name.clone() });
        }
        self.look(roots, name)
    }

    /// Which VServer has a package whose name holds this text, in which version.
    ///
    /// # Errors
    /// When the VServers cannot be listed.
    pub fn find_packages(&self, text: &str) -> Result<Vec<FoundPackage>, Failure> {
        let roots = &self.instance().settings.roots;
        let mut found = Vec::new();
        for vserver in config::list_names(roots)? {
            let Ok(Some(files)) = files_of(roots, &vserver) else { continue };
            let Some((_, record)) = self.record_of(roots, &vserver, &files) else { continue };
            let named = record.packages.iter().filter(|package| package.name.contains(text));
            found.extend(named.map(|package| FoundPackage {
                vserver: vserver.clone(),
                package: package.clone(),
            }));
        }
        let key = |found: &FoundPackage| (found.package.name.clone(), found.vserver.clone());
        found.sort_by_cached_key(key);
        found.truncate(FOUND);
        Ok(found)
    }

    /// What a VServer has as far as that is known, and what its own record is now.
    fn record_of(
        &self,
        roots: &Roots,
        name: &VServerName,
        files: &OwnedFd,
    ) -> Option<(Stamp, Arc<Record>)> {
        self.records().of(name, files).or_else(|| {
            let record = Kept::read(roots, name, files)?.record()?;
            Some((rpm::stamp(files)?, Arc::new(record)))
        })
    }

    fn look(&self, roots: &Roots, name: &VServerName) -> Result<PackageReport, Failure> {
        let running = GuestState::running(roots, name).map_err(LifecycleError::from)?;
        let mut overview = PackageOverview {
            vserver: name.clone(),
            is_running: running.is_some(),
            system: None,
            installed: None,
            held: 0,
            broken: Vec::new(),
            is_interrupted: false,
            pending: None,
        };
        let nothing = |overview| PackageReport { overview, installed: vec![], pending: vec![] };
        // One whose files are not there has none; its page says so itself.
        let Ok(Some(files)) = files_of(roots, name) else { return Ok(nothing(overview)) };
        overview.system = system_of(&files);
        let Some((stamp, record)) = self.record_of(roots, name, &files) else {
            return Ok(nothing(overview));
        };
        let held = record.packages.iter().filter(|package| package.state == PackageState::Held);
        overview.installed = Some(record.packages.len() as u64);
        overview.held = held.count() as u64;
        // What is half done while an operation is at it is nothing to repair.
        if lock::holder(roots, name).is_none() {
            overview.broken = record.broken();
            overview.is_interrupted = record.is_interrupted;
        }
        let kept = Kept::read(roots, name, &files);
        let known = kept.map(|kept| kept.now(stamp, &record));
        let (count, pending) = known.unzip();
        overview.pending = count;
        let installed = record.packages.clone();
        Ok(PackageReport { overview, installed, pending: pending.unwrap_or_default() })
    }
}
