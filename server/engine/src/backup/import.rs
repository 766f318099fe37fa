//! What somebody saved by hand of a VServer of an old host: its config directory, its files, and, where
//! packages were managed from outside, their state. It becomes a backup like any other, and from there a
//! VServer: names, numbers and addresses are judged then, and the links `vdir`, `cache` and `run`, which
//! lead to the old host's places, are made anew.

use std::fs;
use std::path::{Path, PathBuf};

use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::VServerName;

use super::view::wrong;

/// Where the three directories are, seen from the host they were saved of: the Debian package's places
/// and the original's.
const CONFIGS: [&str; 2] = ["etc/vservers", "usr/local/etc/vservers"];
const FILES: [&str; 2] = ["var/lib/vservers", "vservers"];

/// The directories of one VServer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Its config directory.
    pub config: PathBuf,
    /// Its files.
    pub files: PathBuf,
    /// The state of its packages, which may not be there.
    pub pkg: PathBuf,
}

/// Finds them below a directory that holds what was saved under the paths it had.
///
/// # Errors
/// When a config directory or files are missing.
pub fn find(directory: &Path, name: &VServerName) -> Result<Saved, Failure> {
    // A link of what was saved leads to places of this host.
    let is_there = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    let below = |bases: &[&str]| -> Option<PathBuf> {
        bases.iter().map(|base| directory.join(base).join(name.as_str())).find(is_there)
    };
    match (below(&CONFIGS), below(&FILES)) {
        (Some(config), Some(files)) => {
            let base = files.parent().unwrap_or(directory);
            let pkg = base.join(".pkg").join(name.as_str());
            Ok(Saved { config, files, pkg })
        }
        (config, _) => {
            let missing = if config.is_none() { CONFIGS } else { FILES };
            let choices = missing.map(|base| format!("{}/{base}/{name}", directory.display()));
            Err(wrong(Field::Path, Problem::NotAChoice { choices: choices.to_vec() }))
        }
    }
}
