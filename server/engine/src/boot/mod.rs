//! VServers that are started when the host boots and stopped when it shuts down: what is known of them, and
//! doing it ([`run`]). In which order is `domain::boot`'s to say.
//!
//! What became of the last boot, and how long each VServer took, is kept in one file of the engine's state. It is
//! history: without it nothing is started otherwise.

pub mod run;

use std::collections::BTreeMap;
use std::fs;
use std::io;

use domain::boot::{BootFacts, BootOutcome, BootReport};
use domain::failure::{Failure, chain};
use domain::id::VServerName;
use serde::{Deserialize, Serialize};

use crate::config;
use crate::roots::{Roots, Settings};
use crate::state::{GuestState, replace_file};

/// What is kept of boots.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    last: Option<BootReport>,
    took_ms: BTreeMap<VServerName, u64>,
}

impl Kept {
    /// What is kept; nothing when that is not there or makes no sense.
    fn read(roots: &Roots) -> Self {
        let path = roots.boot_report();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(path = %path.display(), %error, "what became of boots is unreadable");
                }
                return Self::default();
            }
        };
        serde_json::from_slice(&text).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "what became of boots makes no sense");
            Self::default()
        })
    }
}

/// Keeps what became of a boot, of the whole host's or of some VServers.
fn keep(roots: &Roots, report: &BootReport, is_of_host: bool) {
    let names = config::list_names(roots).unwrap_or_default();
    let mut kept = Kept::read(roots);
    let took = report.entries.iter().filter(|entry| entry.outcome == BootOutcome::Ready);
    kept.took_ms.extend(took.map(|entry| (entry.name.clone(), entry.took_ms)));
    kept.took_ms.retain(|name, _| names.contains(name));
    if is_of_host {
        kept.last = Some(report.clone());
    }
    let path = roots.boot_report();
    let written = serde_json::to_vec(&kept)
        .map_err(io::Error::from)
        .and_then(|text| replace_file(&path, &text, 0o600));
    if let Err(error) = written {
        tracing::warn!(path = %path.display(), error = chain(&error), "what became of the boot is not kept");
    }
}

/// All that can be said of a boot before it is.
pub(crate) fn facts(settings: &Settings) -> Result<BootFacts, Failure> {
    let roots = &settings.roots;
    let running: Vec<_> = GuestState::all_running(roots)
        .map_err(crate::lifecycle::LifecycleError::from)?
        .into_iter()
        .map(|state| state.name)
        .collect();
    let members = config::list_names(roots)?
        .into_iter()
        .map(|name| config::boot_member_of(roots, &name, running.contains(&name)))
        .collect();
    let Kept { last, took_ms } = Kept::read(roots);
    Ok(BootFacts {
        members,
        at_once: settings.boot.at_once.get(),
        ready_seconds: settings.boot.ready_seconds,
        skip_after_late: settings.boot.skip_after_late,
        last,
        took_ms: took_ms.into_iter().collect(),
    })
}
