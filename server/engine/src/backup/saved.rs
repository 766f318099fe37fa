//! Where the directories of a VServer are in what somebody saved by hand of an old host: under the paths
//! they had there, below one directory of their own, or each by itself; then they are known by what is in
//! them.
//!
//! Invariant: what is looked for below a directory is reached over no link, so that nothing that was saved
//! leads to a place of this host.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use domain::failure::Failure;
use domain::field::{Field, Problem};
use domain::id::VServerName;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, ResolveFlags, openat2, statat};

use super::restore::place;

/// Where the three directories were on their host: the Debian package's places and the original's.
const CONFIGS: [&str; 2] = ["etc/vservers/", "usr/local/etc/vservers/"];
const FILES: [&str; 2] = ["var/lib/vservers/", "vservers/"];
const PKGS: [&str; 3] = ["var/lib/vservers/.pkg/", "vservers/.pkg/", ".pkg/"];
/// What a config directory has, and what a root has; of the latter two make one.
const OF_A_CONFIG: [&str; 5] = ["context", "interfaces", "name", "uts", "vdir"];
const OF_A_ROOT: [&str; 7] = ["bin", "etc", "lib", "root", "sbin", "usr", "var"];
/// What the filesystem has of its own.
const LOST: &[u8] = b"lost+found";
/// Where reading begins in the progress when nothing was unpacked.
pub(super) const BEGUN: u16 = 50;

/// The directories of one VServer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saved {
    /// Its config directory.
    pub(super) config: PathBuf,
    /// Its files.
    pub(super) files: PathBuf,
    /// The state of its packages; it may not be there.
    pub(super) pkg: Option<PathBuf>,
    /// Whether a stranger wrote its config tree.
    pub(super) is_strangers: bool,
    /// How far the progress is when it is read.
    pub(super) read_from: u16,
}

impl Saved {
    /// Those of a VServer of this host.
    pub(super) fn of_here(config: PathBuf, files: PathBuf, pkg: PathBuf) -> Self {
        Self { config, files, pkg: Some(pkg), is_strangers: false, read_from: BEGUN }
    }
}

/// What a directory seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Looks {
    Config,
    Root,
    Neither,
}

/// A directory that something is looked for in.
struct Top<'a> {
    path: &'a Path,
    opened: OwnedFd,
    /// The one directory that all of it is in, when there is one.
    inner: Option<String>,
}

impl<'a> Top<'a> {
    fn open(path: &'a Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&opened)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if ![&b"."[..], b"..", LOST].contains(&name.as_slice()) {
                names.push(name);
            }
        }
        let inner = match names.as_slice() {
            [only] => std::str::from_utf8(only).ok().map(|name| format!("{name}/")),
            _ => None,
        };
        Ok(Self { path, opened, inner })
    }

    /// What is at a path below it; none when there is no directory, or a link on the way.
    fn look(&self, below: &str) -> Option<Looks> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let below = if below.is_empty() { "." } else { below };
        let found = openat2(&self.opened, below, flags, Mode::empty(), resolve).ok()?;
        let has = |name: &str| statat(&found, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
        Some(if OF_A_ROOT.iter().filter(|name| has(name)).count() >= 2 {
            Looks::Root
        } else if OF_A_CONFIG.iter().any(|name| has(name)) {
            Looks::Config
        } else {
            Looks::Neither
        })
    }
}

/// Finds the directories of a VServer below those that hold what was saved: under the paths they had,
/// or by what is in them.
///
/// # Errors
/// When its config directory or its files are not there.
pub(super) fn find(tops: &[PathBuf], name: &VServerName) -> Result<Saved, Failure> {
    let mut opened = Vec::new();
    for top in tops {
        opened.push(Top::open(top).map_err(place(top))?);
    }
    // What has its place is looked for everywhere before anything is guessed.
    let first = |wanted: &[(String, &dyn Fn(Looks) -> bool)]| -> Option<PathBuf> {
        wanted.iter().find_map(|(below, is_it)| {
            opened.iter().find_map(|top| {
                let bases = [Some(""), top.inner.as_deref()].into_iter().flatten();
                let mut places = bases.map(|base| format!("{base}{below}"));
                let found = places.find(|path| top.look(path).is_some_and(is_it))?;
                // A host's own root is none of a VServer's.
                let is_host = below.is_empty()
                    && CONFIGS.iter().any(|place| top.look(&format!("{found}{place}")).is_some());
                (!is_host).then(|| top.path.join(found.trim_end_matches('/')))
            })
        })
    };
    let (not_root, not_config) =
        (|looks: Looks| looks != Looks::Root, |looks: Looks| looks != Looks::Config);
    let (is_root, is_config) =
        (|looks: Looks| looks == Looks::Root, |looks: Looks| looks == Looks::Config);
    let [config_here, config_there] = CONFIGS.map(|base| format!("{base}{name}"));
    let [files_here, files_there] = FILES.map(|base| format!("{base}{name}"));
    let (own, itself) = (name.to_string(), String::new());
    let config = first(&[
        (config_here.clone(), &not_root),
        (config_there.clone(), &not_root),
        (files_there.clone(), &is_config),
        (own.clone(), &is_config),
        (itself.clone(), &is_config),
    ]);
    let files = first(&[
        (files_here.clone(), &not_config),
        (files_there.clone(), &not_config),
        (own, &is_root),
        (itself, &is_root),
    ]);
    let pkg = PKGS.map(|base| format!("{base}{name}"));
    let pkg = pkg.iter().find_map(|below| first(&[(below.clone(), &|_| true)]));
    match (config, files) {
        (Some(config), Some(files)) => {
            Ok(Saved { config, files, pkg, is_strangers: false, read_from: BEGUN })
        }
        (None, _) => Err(nothing(vec![config_here, config_there])),
        (_, None) => Err(nothing(vec![files_here, files_there])),
    }
}

fn nothing(looked_for: Vec<String>) -> Failure {
    Failure::of_field(Field::Path, Problem::NotAChoice { choices: looked_for })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Makes directories below a temporary one.
    fn tops(of: &[&[&str]]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let base = tempfile::tempdir().unwrap();
        let mut tops = Vec::new();
        for (number, paths) in of.iter().enumerate() {
            let top = base.path().join(number.to_string());
            fs::create_dir_all(&top).unwrap();
            for path in *paths {
                fs::create_dir_all(top.join(path)).unwrap();
            }
            tops.push(top);
        }
        (base, tops)
    }

    #[test]
    fn what_was_saved_is_found_as_people_save_it() {
        let found = |of: &[&[&str]]| {
            let (base, tops) = tops(of);
            let saved = find(&tops, &"web".parse().unwrap()).ok()?;
            let short = |path: &Path| {
                let path = path.strip_prefix(base.path()).unwrap();
                path.display().to_string()
            };
            Some((short(&saved.config), short(&saved.files), saved.pkg.as_deref().map(short)))
        };
        let is = |config: &str, files: &str, pkg: Option<&str>| {
            Some((config.to_owned(), files.to_owned(), pkg.map(str::to_owned)))
        };
        let root = ["vservers/web/etc", "vservers/web/usr"];
        // One tar with all of it, as the course names the places and as the original did.
        let debian = ["etc/vservers/web/uts", "var/lib/vservers/web", "var/lib/vservers/.pkg/web"];
        let expected =
            is("0/etc/vservers/web", "0/var/lib/vservers/web", Some("0/var/lib/vservers/.pkg/web"));
        assert_eq!(found(&[&debian]), expected);
        let original = [&["usr/local/etc/vservers/web"][..], &root].concat();
        assert_eq!(found(&[&original]), is("0/usr/local/etc/vservers/web", "0/vservers/web", None));
        // Several, each of what is in one place; the cache makes the first look like a root.
        assert_eq!(
            found(&[&["etc/vservers/web", "var/cache/vservers/web"], &["var/lib/vservers/web"]]),
            is("0/etc/vservers/web", "1/var/lib/vservers/web", None)
        );
        let both: [&[&str]; 2] = [&["web/etc", "web/usr"], &["web/uts"]];
        assert_eq!(found(&both), is("1/web", "0/web", None));
        let bare: [&[&str]; 2] = [&["interfaces/0"], &["bin", "etc", "home"]];
        assert_eq!(found(&bare), is("0", "1", None));
        // All of it in one directory.
        assert_eq!(
            found(&[&["old-host/etc/vservers/web", "old-host/vservers/web/bin"]]),
            is("0/old-host/etc/vservers/web", "0/old-host/vservers/web", None)
        );
        // Half of it, or of another one.
        assert_eq!(found(&[&["etc/vservers/web", "var/cache/vservers/web"]]), None);
        assert_eq!(found(&[&root]), None);
        assert_eq!(found(&[&["etc/vservers/other", "var/lib/vservers/other"]]), None);
    }

    #[test]
    fn no_link_of_what_was_saved_is_followed() {
        let (base, tops) = tops(&[&["var/lib/vservers/web"]]);
        let name = "web".parse().unwrap();
        fs::create_dir_all(base.path().join("host/vservers/web/uts")).unwrap();
        std::os::unix::fs::symlink(base.path().join("host"), tops[0].join("etc")).unwrap();
        assert!(find(&tops, &name).is_err());
        fs::remove_file(tops[0].join("etc")).unwrap();
        fs::rename(base.path().join("host"), tops[0].join("etc")).unwrap();
        assert!(find(&tops, &name).is_ok());
    }
}
