//! What makes a new VServer's files its own: host name, name servers, package sources, machine id.
//!
//! The tree holds what package scripts of strangers left. It is only entered through descriptors, no
//! link of it is followed, and a file is replaced, never written through: whatever was there before.

use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use domain::build::{BuildSpec, GivenContent, Method};
use domain::note::Note;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, mkdirat, open, openat2, renameat, statat,
    unlinkat,
};
use rustix::io::Errno;

use crate::facts::{build_defaults, mirror};
use crate::roots::Roots;

/// Writes the files. Gives what a person should know.
///
/// # Errors
/// When one cannot be written.
pub(super) fn configure(roots: &Roots, root: &Path, spec: &BuildSpec) -> io::Result<Vec<Note>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open(root, flags, Mode::empty())?;
    let etc = directory(&root, "etc")?;
    let name = spec.host_name.as_str();
    replace(&etc, "hostname", format!("{}\n", name.split('.').next().unwrap_or(name)).as_bytes())?;
    // Empty means: made at the first start (machine-id(5)); two VServers must not share one.
    replace(&etc, "machine-id", b"")?;
    sources(&etc, &spec.method)?;
    let mut warnings = Vec::new();
    if let Some(warning) = missing_init(&root, spec) {
        warnings.push(warning);
    }
    give(roots, &root, spec)?;
    if spec.defaults.resolv_conf.is_none() {
        warnings.push(Note::NoNameServer);
    }
    Ok(warnings)
}

/// Writes what the host gives every VServer.
fn give(roots: &Roots, root: &OwnedFd, spec: &BuildSpec) -> io::Result<()> {
    for file in spec.given_files() {
        let (above, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let mut parts = above.split('/').filter(|part| !part.is_empty());
        let mut place = root.try_clone()?;
        parts.try_for_each(|part| directory(&place, part).map(|below| place = below))?;
        match file.content {
            GivenContent::Text(text) => replace(&place, name, text.as_bytes())?,
            GivenContent::IfMissing(_) if has(root, &place, &file.path, name) => {}
            GivenContent::IfMissing(given) => {
                replace(&place, name, &build_defaults::content_of(roots, given)?)?;
            }
        }
    }
    Ok(())
}

/// Whether a file is there and not empty, seen from inside.
fn has(root: &OwnedFd, place: &OwnedFd, path: &str, name: &str) -> bool {
    let Ok(found) = statat(place, name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => found.st_size > 0,
        FileType::Symlink => {
            let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
            openat2(root, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve).is_ok()
        }
        _ => true,
    }
}

/// `/etc/apt/sources.list`: debootstrap writes the release alone, which gets no security fixes.
fn sources(etc: &OwnedFd, method: &Method) -> io::Result<()> {
    // What is copied or unpacked has its own.
    let Method::Debootstrap { suite, mirror: from, components, .. } = method else {
        return Ok(());
    };
    let later = mirror::later_sources(suite, from, components);
    if later.is_empty() {
        return Ok(());
    }
    let parts: Vec<&str> = components.iter().map(AsRef::as_ref).collect();
    let parts = if parts.is_empty() { "main".to_owned() } else { parts.join(" ") };
    let text = format!("deb {from} {suite} {parts}\n{}\n", later.join("\n"));
    replace(&directory(etc, "apt")?, "sources.list", text.as_bytes())
}

/// What keeps it from being started, if anything does: no init of its style among its files.
fn missing_init(root: &OwnedFd, spec: &BuildSpec) -> Option<Note> {
    let programs = spec.init.style().start_programs().iter();
    let candidates: Vec<&str> = programs.map(|path| path.trim_start_matches('/')).collect();
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let is_there = |path: &&str| {
        openat2(
            root,
            *path,
            flags,
            Mode::empty(),
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
        )
        .is_ok()
    };
    if candidates.iter().any(is_there) {
        return None;
    }
    let paths = candidates.into_iter().map(str::to_owned).collect();
    Some(Note::NoInit { paths, style: spec.init.style() })
}

/// A directory of the tree, made when it is missing; never through a link.
pub(crate) fn directory(parent: &OwnedFd, name: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    match openat2(parent, name, flags, Mode::empty(), resolve) {
        Err(Errno::NOENT) => {
            mkdirat(parent, name, Mode::from_raw_mode(0o755))?;
            Ok(openat2(parent, name, flags, Mode::empty(), resolve)?)
        }
        other => Ok(other?),
    }
}

/// Puts a file in place of whatever has its name.
pub(crate) fn replace(directory: &OwnedFd, name: &str, text: &[u8]) -> io::Result<()> {
    let new = format!(".{name}.ulysse-new");
    match unlinkat(directory, &new, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, &new, flags, Mode::from_raw_mode(0o644))?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(0o644))?;
    fs::File::from(file).write_all(text)?;
    Ok(renameat(directory, &new, directory, name)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_in_the_tree_leads_nowhere() {
        let base = tempfile::tempdir().unwrap();
        let outside = base.path().join("outside");
        fs::write(&outside, "mine").unwrap();
        let root = base.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        symlink(&outside, root.join("etc/hostname")).unwrap();
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let opened = open(&root, flags, Mode::empty()).unwrap();
        let etc = directory(&opened, "etc").unwrap();
        replace(&etc, "hostname", b"web\n").unwrap();
        assert_eq!(fs::read_to_string(&outside).unwrap(), "mine");
        assert_eq!(fs::read_to_string(root.join("etc/hostname")).unwrap(), "web\n");

        fs::remove_dir_all(root.join("etc")).unwrap();
        symlink(base.path(), root.join("etc")).unwrap();
        assert!(directory(&opened, "etc").is_err());
    }

    #[test]
    fn a_default_file_is_given_to_a_vserver_that_has_none() {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/full"), "its own").unwrap();
        fs::write(root.join("etc/empty"), "").unwrap();
        // As a timezone is set: a link that is seen from inside.
        symlink("/etc/full", root.join("etc/linked")).unwrap();
        symlink("/etc/hostname", root.join("etc/dangling")).unwrap();
        let opened = open(&root, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let etc = directory(&opened, "etc").unwrap();
        let has = |name: &str| has(&opened, &etc, &format!("etc/{name}"), name);
        assert!(has("full") && has("linked"));
        assert!(!has("empty") && !has("dangling") && !has("missing"));
    }
}
