//! Where VServers' files and caches go: what `.defaults/vdirbase` and `.defaults/cachebase` lead to, which
//! the administrator may point at another place than the settings' own (fact sheet 0.3 and 1.9).
//!
//! The links `vdir` and `cache` of every VServer go through them, so whatever is made for one is made
//! there: this is the only place that says where. A VServer that exists is where its `vdir` leads.
//!
//! Invariant: set-user-id programs of guests lie below, owned by the host's root: a directory that
//! anybody else may enter, or could exchange, is not used. One that is ours is made private; an
//! administrator's is made so only where it holds nothing but VServers.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use domain::failure::{BaseProblem, Failure};
use domain::id::VServerName;

use crate::config;
use crate::roots::Roots;
use crate::tree;

/// Permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;
/// Permission bits that let everybody but the owner write, and the bit that takes away their renames.
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Why there is no place for VServers' files.
#[derive(Debug, thiserror::Error)]
pub enum BaseLinkError {
    /// The link leads to no place that can be used.
    #[error("{link} leads to {path}: {problem:?}")]
    Unusable {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        path: PathBuf,
        /// Why that cannot be used.
        problem: BaseProblem,
    },
    /// It could not be looked at, made or closed to others.
    #[error("using {path}")]
    Use {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<BaseLinkError> for Failure {
    fn from(error: BaseLinkError) -> Self {
        match error {
            BaseLinkError::Unusable { link, path, problem } => Self::BaseUnusable {
                link: link.display().to_string(),
                path: path.display().to_string(),
                problem,
            },
            error @ BaseLinkError::Use { .. } => {
                Self::Unexpected { detail: domain::failure::chain(&error) }
            }
        }
    }
}

fn using(path: &Path) -> impl FnOnce(io::Error) -> BaseLinkError {
    let path = path.to_owned();
    move |source| BaseLinkError::Use { path, source }
}

/// The directory that the files of new VServers go to.
///
/// # Errors
/// When the administrator's link leads to no place that can be used.
pub fn guest_base(roots: &Roots) -> Result<PathBuf, BaseLinkError> {
    let link = link(roots, "vdirbase");
    let Some(path) = led_to(&link, &roots.guest_base)? else {
        return Ok(roots.guest_base.clone());
    };
    let unusable =
        |problem| BaseLinkError::Unusable { link: link.clone(), path: path.clone(), problem };
    let found = fs::metadata(&path).map_err(using(&path))?;
    if !found.is_dir() {
        return Err(unusable(BaseProblem::NotADirectory));
    }
    for above in path.ancestors() {
        let found = fs::metadata(above).map_err(using(above))?;
        let is_writable = found.mode() & OTHERS_WRITE != 0;
        // In a sticky directory others cannot exchange what is root's.
        let is_kept = found.mode() & STICKY != 0 && above != path;
        if found.uid() != 0 || is_writable && !is_kept {
            return Err(unusable(BaseProblem::NotRootsAlone));
        }
    }
    let names = config::list_names(roots).unwrap_or_default();
    let is_inside = |root: &PathBuf| path.starts_with(root);
    if names.iter().filter_map(|name| config::root_directory_of(roots, name)).any(|r| is_inside(&r))
    {
        return Err(unusable(BaseProblem::InsideVServer));
    }
    if found.mode() & OTHERS != 0 && !holds_vservers_alone(&path, &names) {
        return Err(unusable(BaseProblem::OpenToOthers));
    }
    Ok(path)
}

/// As [`guest_base`], for showing where things would be: without a usable link, the settings' own place.
#[must_use]
pub fn shown_guest_base(roots: &Roots) -> PathBuf {
    guest_base(roots).unwrap_or_else(|_| roots.guest_base.clone())
}

/// Makes the directory of [`guest_base`] where it is missing, and closes it to everybody but root.
///
/// # Errors
/// When the administrator's link leads to no place that can be used.
pub fn prepare_guest_base(roots: &Roots) -> Result<PathBuf, BaseLinkError> {
    let base = guest_base(roots)?;
    tree::make_private(&base).map_err(using(&base))?;
    Ok(base)
}

/// Where a new VServer's files go.
///
/// # Errors
/// When the administrator's link leads to no place that can be used.
pub fn guest_of(roots: &Roots, name: &VServerName) -> Result<PathBuf, BaseLinkError> {
    Ok(guest_base(roots)?.join(name.as_str()))
}

/// Where the state of packages of a VServer is that is managed from outside.
pub(crate) fn packages_of(roots: &Roots, name: &VServerName) -> PathBuf {
    shown_guest_base(roots).join(".pkg").join(name.as_str())
}

/// The directory that a VServer's caches go to. Nothing of a guest's lies there: a link that leads
/// nowhere is as if there was none.
#[must_use]
pub fn cache_of(roots: &Roots, name: &VServerName) -> PathBuf {
    cache_base(roots).join(name.as_str())
}

fn cache_base(roots: &Roots) -> PathBuf {
    let led = led_to(&link(roots, "cachebase"), &roots.cache_base).ok().flatten();
    led.filter(|path| path.is_dir()).unwrap_or_else(|| roots.cache_base.clone())
}

/// Where VServers' files may be: the base of the settings, and what `.defaults/vdirbase` leads to.
pub(crate) fn guest_bases(roots: &Roots) -> Vec<PathBuf> {
    existing(&[roots.guest_base.clone(), link(roots, "vdirbase")])
}

/// Where VServers' caches may be, likewise.
pub(crate) fn cache_bases(roots: &Roots) -> Vec<PathBuf> {
    existing(&[roots.cache_base.clone(), link(roots, "cachebase")])
}

fn existing(places: &[PathBuf]) -> Vec<PathBuf> {
    let found = places.iter().filter_map(|path| fs::canonicalize(path).ok());
    found.filter(|path| path.parent().is_some()).collect()
}

fn link(roots: &Roots, name: &str) -> PathBuf {
    roots.config_base.join(".defaults").join(name)
}

/// Where a link leads; none when it is not there, or leads to our own place, whose name stays what the
/// settings call it.
fn led_to(link: &Path, own: &Path) -> Result<Option<PathBuf>, BaseLinkError> {
    match fs::symlink_metadata(link) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(using(link)(source)),
        Ok(_) => {}
    }
    let target = fs::read_link(link).unwrap_or_else(|_| link.to_owned());
    if target == own {
        return Ok(None);
    }
    match fs::canonicalize(link) {
        Ok(path) if fs::canonicalize(own).is_ok_and(|own| own == path) => Ok(None),
        Ok(path) => Ok(Some(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BaseLinkError::Unusable {
            link: link.to_owned(),
            path: target,
            problem: BaseProblem::Missing,
        }),
        Err(source) => Err(using(link)(source)),
    }
}

/// Whether a directory holds nothing that somebody else would miss were it closed.
fn holds_vservers_alone(directory: &Path, names: &[VServerName]) -> bool {
    let Ok(mut entries) = fs::read_dir(directory) else { return false };
    entries.all(|entry| {
        entry.ok().and_then(|entry| entry.file_name().into_string().ok()).is_some_and(|entry| {
            entry == "lost+found"
                || entry.starts_with('.')
                || names.iter().any(|name| name.as_str() == entry)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn instance() -> (tempfile::TempDir, Roots) {
        let base = tempfile::tempdir().unwrap();
        let at = |name: &str| base.path().join(name);
        let roots = Roots {
            config_base: at("etc"),
            guest_base: at("lib"),
            cache_base: at("cache"),
            ..Roots::default()
        };
        fs::create_dir_all(roots.config_base.join(".defaults")).unwrap();
        (base, roots)
    }

    fn problem(roots: &Roots) -> BaseProblem {
        match guest_base(roots) {
            Err(BaseLinkError::Unusable { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn files_go_where_the_administrators_link_leads() {
        let (base, roots) = instance();
        assert_eq!(guest_base(&roots).unwrap(), roots.guest_base);
        let link = link(&roots, "vdirbase");
        // What a first build makes, before there is anything.
        symlink(&roots.guest_base, &link).unwrap();
        assert_eq!(prepare_guest_base(&roots).unwrap(), roots.guest_base);

        let other = fs::canonicalize(base.path()).unwrap().join("vservers");
        fs::remove_file(&link).unwrap();
        symlink(&other, &link).unwrap();
        assert_eq!(problem(&roots), BaseProblem::Missing);
        fs::write(&other, "").unwrap();
        assert_eq!(problem(&roots), BaseProblem::NotADirectory);
        fs::remove_file(&other).unwrap();
        fs::create_dir(&other).unwrap();
        fs::set_permissions(&other, fs::Permissions::from_mode(0o755)).unwrap();
        let name = "web".parse().unwrap();
        assert_eq!(guest_of(&roots, &name).unwrap(), other.join("web"));
        assert_eq!(packages_of(&roots, &name), other.join(".pkg/web"));
        assert_eq!(prepare_guest_base(&roots).unwrap(), other);
        assert_eq!(fs::metadata(&other).unwrap().mode() & 0o777, 0o700);
        assert!(guest_bases(&roots).contains(&other));
    }

    #[test]
    fn a_place_that_others_could_reach_or_exchange_is_refused() {
        let (base, roots) = instance();
        let other = base.path().join("srv");
        fs::create_dir(&other).unwrap();
        symlink(&other, link(&roots, "vdirbase")).unwrap();
        fs::create_dir(other.join("www")).unwrap();
        let mode = |mode| fs::set_permissions(&other, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o755);
        assert_eq!(problem(&roots), BaseProblem::OpenToOthers);
        assert_eq!(fs::metadata(&other).unwrap().mode() & 0o777, 0o755, "it is not ours to close");
        mode(0o700);
        assert!(guest_base(&roots).is_ok());
        mode(0o770);
        assert_eq!(problem(&roots), BaseProblem::NotRootsAlone);
        mode(0o700);
        chown(&other, Some(65_534), None).unwrap();
        assert_eq!(problem(&roots), BaseProblem::NotRootsAlone);
        chown(&other, Some(0), None).unwrap();
        // What a guest's root owns is root's on disk, too.
        let config = roots.config_base.join("web");
        fs::create_dir(&config).unwrap();
        symlink(&other, config.join("vdir")).unwrap();
        assert_eq!(problem(&roots), BaseProblem::InsideVServer);
    }

    #[test]
    fn caches_go_where_the_administrators_link_leads_if_it_leads_anywhere() {
        let (base, roots) = instance();
        let name = "web".parse().unwrap();
        let other = fs::canonicalize(base.path()).unwrap().join("other");
        symlink(&other, link(&roots, "cachebase")).unwrap();
        assert_eq!(cache_of(&roots, &name), roots.cache_base.join("web"));
        fs::create_dir(&other).unwrap();
        assert_eq!(cache_of(&roots, &name), other.join("web"));
        assert_eq!(cache_bases(&roots), [other]);
    }
}
