//! `ulysse doctor`: whether this host can do what Ulysse needs, and what crashes left behind.
//!
//! Everything is tried, not guessed: namespaces and idmapped mounts by running a program in the same
//! stage that debootstrap runs in. Nothing is changed unless a repair is asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use domain::failure::{Failure, HostFeature};
use domain::id::{OperationId, VServerName};
use domain::life::GuestEvent;
use domain::operation::Target;

use crate::base_links;
use crate::build;
use crate::cgroup::Layout;
use crate::engine::Engine;
use crate::lifecycle::vshelper;
use crate::lock::VServerLock;
use crate::state::GuestState;
use crate::unification;
use domain::failure::chain;

/// How long a repair waits for somebody else who is at it already.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The host has it.
    Has(HostFeature),
    /// The host does not have it: [`Failure::HostLacks`].
    Lacks(Failure),
    /// Likewise, and there is much that needs it not.
    LacksOptional(HostFeature),
    /// An operation whose process is gone and that was neither finished nor undone.
    Operation {
        /// Which.
        id: OperationId,
        /// About what.
        target: Target,
    },
    /// A VServer whose pid 1 is gone and of which something is still there.
    Remains(VServerName),
    /// A file or directory of a build or delete that no unfinished operation knows.
    Stray(PathBuf),
    /// What a config tree says of `apps/vshelper` would not be done.
    Vshelper(Failure),
}

impl Finding {
    /// Whether something is to be done about it.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        !matches!(self, Self::Has(_) | Self::LacksOptional(_))
    }
}

/// Looks at everything.
#[must_use]
pub fn examine(engine: &Engine) -> Vec<Finding> {
    let mut findings = host(engine);
    let helpers = vshelper::problems(&engine.instance().settings.roots);
    findings.extend(helpers.into_iter().map(Finding::Vshelper));
    findings.extend(leftovers(engine));
    findings
}

/// Puts right what crashes left behind; gives what could not be.
pub fn repair(engine: &Engine) -> Vec<Finding> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        engine.recover();
        // Whoever holds a VServer's lock puts right what crashed about it: one that was told of its
        // guest's end, or the engine.
        let is_unfinished =
            leftovers(engine).iter().any(|found| matches!(found, Finding::Operation { .. }));
        if !is_unfinished || Instant::now() >= deadline {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    // What is to be started again is not only tidied up.
    engine.catch_up();
    let roots = &engine.instance().settings.roots;
    for finding in leftovers(engine) {
        match finding {
            Finding::Remains(name) => {
                let event = engine.event(&name, GuestEvent::Exit);
                if let Err(error) = event {
                    tracing::error!(%name, %error, "what is left of it stays");
                }
            }
            Finding::Stray(path) => {
                if let Err(error) = crate::recovery::remove_ours(roots, &path) {
                    tracing::error!(path = %path.display(), error = chain(&error), "it stays");
                }
            }
            _ => {}
        }
    }
    leftovers(engine)
}

fn host(engine: &Engine) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut judge = |feature, verdict: Result<(), String>| {
        findings.push(match verdict {
            Ok(()) => Finding::Has(feature),
            // Of all build methods yum alone needs it.
            Err(_) if feature == HostFeature::Dnf => Finding::LacksOptional(feature),
            Err(detail) => Finding::Lacks(Failure::HostLacks { feature, detail }),
        });
    };
    if !rustix::process::geteuid().is_root() {
        judge(HostFeature::Root, Err(format!("uid {}", rustix::process::geteuid().as_raw())));
        return findings;
    }
    judge(HostFeature::Root, Ok(()));
    judge(HostFeature::Debootstrap, has_file("/usr/sbin/debootstrap"));
    judge(HostFeature::Rsync, has_file("/usr/bin/rsync"));
    judge(HostFeature::Overlay, unification::is_possible().map_err(|error| error.to_string()));
    judge(HostFeature::Ssh, has_file("/usr/bin/ssh"));
    judge(HostFeature::Nftables, has_file("/usr/sbin/nft"));
    judge(HostFeature::Dnf, has_file(build::yum::PROGRAM));
    judge(HostFeature::Cgroups, Layout::detect().map(drop).map_err(|error| chain(&error)));
    match build::try_stage(engine.instance()) {
        Ok(()) => {
            judge(HostFeature::UserNamespaces, Ok(()));
            judge(HostFeature::IdmappedMounts, Ok(()));
        }
        Err(failure @ Failure::HostLacks { feature: HostFeature::IdmappedMounts, .. }) => {
            judge(HostFeature::UserNamespaces, Ok(()));
            findings.push(Finding::Lacks(failure));
        }
        Err(failure @ Failure::HostLacks { .. }) => findings.push(Finding::Lacks(failure)),
        // Neither is missing for certain: it is told as it is.
        Err(other) => findings.push(Finding::Lacks(other)),
    }
    findings
}

fn has_file(path: &str) -> Result<(), String> {
    fs::metadata(path).map(drop).map_err(|error| format!("{path}: {error}"))
}

fn leftovers(engine: &Engine) -> Vec<Finding> {
    let roots = &engine.instance().settings.roots;
    let mut findings = Vec::new();
    let live = engine.store().live().unwrap_or_default();
    for one in &live {
        let target = &one.operation.target;
        // While somebody does it, it is locked.
        let is_free = VServerLock::try_take(roots, target, None).is_ok();
        if is_free && engine.store().is_abandoned(&one.operation.id) {
            let id = one.operation.id.clone();
            findings.push(Finding::Operation { id, target: target.clone() });
        }
    }
    let nameless = engine.store().nameless().unwrap_or_default().into_iter();
    findings.extend(nameless.map(|id| Finding::Stray(engine.store().journal_of(&id))));
    let is_busy = |name: &VServerName| live.iter().any(|one| one.operation.target == *name);
    for state in GuestState::all(roots).unwrap_or_default() {
        if !state.is_running() && !is_busy(&state.name) {
            findings.push(Finding::Remains(state.name));
        }
    }
    let ids: Vec<String> = live.iter().map(|one| one.operation.id.to_string()).collect();
    let names: Vec<String> = live.iter().map(|one| one.operation.target.to_string()).collect();
    let mut bases = base_links::guest_bases(roots);
    bases.extend([roots.config_base.clone(), roots.cache_base.join("bases"), roots.templates()]);
    bases.dedup();
    for base in &bases {
        findings.extend(strays(base, &ids, &names).into_iter().map(Finding::Stray));
    }
    findings
}

/// What builds and deletes name their work by, where no unfinished one has that id or VServer.
fn strays(base: &Path, ids: &[String], names: &[String]) -> Vec<PathBuf> {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { return false };
            [".staging-", ".trash-", ".new-", ".aside-"].iter().any(|start| {
                name.strip_prefix(start)
                    .is_some_and(|rest| !ids.iter().chain(names).any(|known| known == rest))
            })
        })
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}
