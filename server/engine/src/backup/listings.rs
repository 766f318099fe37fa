//! What is kept at each target, asked by a thread of its own, so that a target that does not answer holds up
//! nobody for long and is asked by one thread only, whoever looks.
//!
//! Invariants: an answer is to a question asked after somebody wanted it, but of a target that is late; that one
//! is not waited for until it has answered in time again: what it said last is given, and that it is late. At
//! most one thread a target.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::failure::Failure;
use domain::id::TargetName;
use nix::libc;

use super::depot::{Depot, Kept};
use super::stored::unreachable_target;
use crate::roots::Target;

/// How long somebody who looks at a page waits: well below what the web process waits for the engine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);
/// How long a command line does.
pub const LONG_PATIENCE: Duration = Duration::from_secs(60);

/// The lists of all targets, as they were told last.
#[derive(Default)]
pub(crate) struct Listings {
    targets: Mutex<BTreeMap<TargetName, Known>>,
    told: Condvar,
}

#[derive(Default)]
struct Known {
    /// Since when it is being asked.
    asking: Option<Instant>,
    /// Whether somebody has waited for it in vain.
    is_late: bool,
    /// When it was asked what it answered last, and what.
    answer: Option<(Instant, Result<Vec<Kept>, Failure>)>,
}

/// What is known of a target.
#[derive(Debug)]
pub(super) struct Listed {
    /// What is kept there; of a target that is late, what was.
    pub(super) kept: Vec<Kept>,
    /// Why that is not known, or not known now.
    pub(super) failure: Option<Failure>,
}

impl Listings {
    /// Asks these targets, all at once, and waits no longer than `patience` for all of them.
    pub(super) fn of<'a>(
        self: &Arc<Self>,
        wanted: &[(&'a TargetName, &Target)],
        patience: Duration,
    ) -> BTreeMap<&'a TargetName, Listed> {
        let arrived = Instant::now();
        let until = arrived + patience;
        for (name, place) in wanted {
            self.ask(&mut self.lock(), name, place);
        }
        let listed =
            wanted.iter().map(|(name, place)| (*name, self.wait(name, place, arrived, until)));
        listed.collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TargetName, Known>> {
        self.targets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a target asked, unless it is being asked.
    fn ask(
        self: &Arc<Self>,
        targets: &mut BTreeMap<TargetName, Known>,
        name: &TargetName,
        place: &Target,
    ) {
        let known = targets.entry(name.clone()).or_default();
        if known.asking.is_some() {
            return;
        }
        let since = Instant::now();
        known.asking = Some(since);
        let (all, target, depot) = (Arc::clone(self), name.clone(), Depot::of(place));
        let thread = std::thread::Builder::new().name("backup-list".to_owned());
        let spawned = thread.spawn(move || {
            let listed = depot.list(None).map_err(|error| unreachable_target(&target, &error));
            all.answered(&target, since, listed);
        });
        if let Err(error) = spawned {
            known.asking = None;
            known.answer = Some((since, Err(unreachable_target(name, &error))));
        }
    }

    fn answered(&self, target: &TargetName, since: Instant, answer: Result<Vec<Kept>, Failure>) {
        let mut targets = self.lock();
        let known = targets.entry(target.clone()).or_default();
        known.asking = None;
        // One that was given up is late next time, too.
        known.is_late &= answer.is_err() || since.elapsed() > PATIENCE;
        known.answer = Some((since, answer));
        drop(targets);
        self.told.notify_all();
    }

    fn wait(
        self: &Arc<Self>,
        name: &TargetName,
        place: &Target,
        arrived: Instant,
        until: Instant,
    ) -> Listed {
        let mut targets = self.lock();
        loop {
            let known = targets.entry(name.clone()).or_default();
            let is_new = known.answer.as_ref().is_some_and(|(since, _)| *since >= arrived);
            let left = until.saturating_duration_since(Instant::now());
            known.is_late |= !is_new && left.is_zero();
            if is_new || known.is_late {
                let listed = listed(name, known, is_new);
                drop(targets);
                // Whoever waits for it, too, waits no longer.
                self.told.notify_all();
                return listed;
            }
            // Somebody else's question was answered, which may be older than what is looked for.
            self.ask(&mut targets, name, place);
            let waited = self.told.wait_timeout(targets, left);
            targets = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn listed(name: &TargetName, known: &Known, is_new: bool) -> Listed {
    let answer = known.answer.as_ref().map(|(_, answer)| answer.clone());
    let late = || unreachable_target(name, &io::Error::from_raw_os_error(libc::ETIMEDOUT));
    match answer {
        Some(Ok(kept)) => Listed { kept, failure: (!is_new).then(late) },
        Some(Err(failure)) => Listed { kept: Vec::new(), failure: Some(failure) },
        None => Listed { kept: Vec::new(), failure: Some(late()) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roots::SshTarget;

    #[test]
    fn a_target_that_says_nothing_holds_up_one_look_and_no_other_target() {
        let shelves = tempfile::tempdir().unwrap();
        let shelf = shelves.path().join("web");
        std::fs::create_dir(&shelf).unwrap();
        std::fs::write(shelf.join("20260101T000000000Z.tar.zst"), "x").unwrap();
        // It takes the connection and never says a word.
        let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let here = Target::Directory { path: shelves.path().to_owned() };
        let there = Target::Ssh(SshTarget {
            host: "127.0.0.1".to_owned(),
            port: silent.local_addr().unwrap().port(),
            user: "nobody".to_owned(),
            identity: "/dev/null".into(),
            known_hosts: "/dev/null".into(),
            path: "/srv".into(),
        });
        let (disk, nas): (TargetName, TargetName) =
            ("disk".parse().unwrap(), "nas".parse().unwrap());
        let listings = Arc::new(Listings::default());
        let look = |patience| listings.of(&[(&nas, &there), (&disk, &here)], patience);
        let first = look(Duration::from_millis(300));
        // ssh itself would give up after eight seconds.
        assert!(listings.lock()[&nas].asking.is_some(), "it was waited for");
        assert_eq!(first[&disk].kept.len(), 1, "{first:?}");
        assert_eq!(first[&disk].failure, None);
        assert!(matches!(first[&nas].failure, Some(Failure::TargetUnreachable { .. })));
        // Whoever comes next waits for nothing, however patient.
        let second = look(Duration::from_secs(3600));
        assert!(second[&nas].failure.is_some() && second[&disk].failure.is_none());
        assert!(listings.lock()[&nas].asking.is_some(), "it was waited for");
        // It ends by itself: nobody is left who asks.
        drop(silent);
        let deadline = Instant::now() + Duration::from_secs(30);
        while listings.lock().values().any(|known| known.asking.is_some()) {
            assert!(Instant::now() < deadline, "somebody still asks");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_was_removed_is_not_told_again() {
        let shelves = tempfile::tempdir().unwrap();
        let archive = shelves.path().join("web/20260101T000000000Z.tar.zst");
        std::fs::create_dir(archive.parent().unwrap()).unwrap();
        std::fs::write(&archive, "x").unwrap();
        let here = Target::Directory { path: shelves.path().to_owned() };
        let disk: TargetName = "disk".parse().unwrap();
        let listings = Arc::new(Listings::default());
        let count = || listings.of(&[(&disk, &here)], Duration::from_secs(60))[&disk].kept.len();
        assert_eq!(count(), 1);
        std::fs::remove_file(&archive).unwrap();
        assert_eq!(count(), 0);
    }
}
