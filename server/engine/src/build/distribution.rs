//! Descriptions of distributions: `/etc/vservers/.distributions/NAME/`, in the original's format (fact
//! sheet 1.10), as far as the methods `yum`, `debootstrap` and `template` need it. What is not described
//! there is looked for, entry by entry, in the descriptions that the package installs ([`SHIPPED`]).
//!
//! | entry | what it says |
//! |---|---|
//! | `yum/yum.conf` | settings of dnf; the original's placeholders for directories are filled in |
//! | `yum.repos.d/*.repo` | where packages come from; needed |
//! | `pkgs/*` | lists of packages, installed one list after the other; needed. The course calls it `pkg` |
//! | `pubkeys/*`, `../.common/pubkeys/*` | keys that packages are signed with |
//! | `rpm/macros` | settings of rpm, such as where the guest keeps its database |
//! | `releasever` | what `$releasever` stands for; else the digits that the name ends in |
//! | `initpre`, `initpost` | programs to run before and after; of a suite of Debian's `initpost` alone |
//! | `debootstrap.mirror`, `.script`, `.options` | what debootstrap is told for the suite of this name |
//! | `template` | the archive to unpack, or a link to it |
//!
//! It is the administrator's word. Of it the web may write where packages come from and which there are, the
//! rest is root's (`ConfigEntry::access`). The form of a build names nothing in it but its name.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use domain::build::SuiteDescription;
use domain::config_entry::ConfigPath;
use domain::field::Problem;
use domain::id::{DistributionName, RpmPackage, Suite};
use domain::vserver::ConfigFile;

use crate::config;
use crate::roots::Roots;

/// The most bytes of one file of a description.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Where the package has descriptions to start from, as the original's package had.
const SHIPPED: &str = "/usr/lib/util-vserver/distributions";
/// Where debootstrap's scripts are.
const SCRIPTS: &str = "/usr/share/debootstrap/scripts/";
/// What every description shares; no distribution's name, names begin with a letter or digit.
const COMMON: &str = ".common";

/// Why a description cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DistributionError {
    /// There is none of this name.
    #[error("no description in {path}")]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// Something that a build needs is not in it.
    #[error("{path} is missing, or empty")]
    Incomplete {
        /// What.
        path: PathBuf,
    },
    /// A file of it could not be read.
    #[error("reading {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A line of a list of packages is none.
    #[error("{path}:{line}")]
    Package {
        /// Which list.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
}

impl DistributionError {
    /// What is wrong with the description, when that is what it is.
    pub(super) fn problem(&self) -> Option<Problem> {
        let shown = |path: &Path| path.display().to_string();
        match self {
            Self::Missing { path } | Self::Incomplete { path } => {
                Some(Problem::DistributionIncomplete { path: shown(path) })
            }
            Self::Package { path, line, problem } => Some(Problem::DistributionLine {
                path: shown(path),
                line: *line,
                problem: Box::new(problem.clone()),
            }),
            Self::Read { .. } => None,
        }
    }
}

/// A file of a description, by its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedFile {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

/// One list of packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PackageList {
    pub(super) name: String,
    pub(super) packages: Vec<RpmPackage>,
    /// Whether the build goes on when it cannot be installed (`--can-fail`).
    pub(super) can_fail: bool,
    /// Whether what is there is installed once more (`--reinstall`).
    pub(super) reinstalls: bool,
}

/// All that a description says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Distribution {
    pub(super) settings: Option<String>,
    pub(super) repositories: Vec<NamedFile>,
    pub(super) keys: Vec<NamedFile>,
    pub(super) macros: Option<String>,
    pub(super) release: Option<String>,
    pub(super) lists: Vec<PackageList>,
    pub(super) before: Option<Vec<u8>>,
    pub(super) after: Option<Vec<u8>>,
}

fn base(roots: &Roots) -> PathBuf {
    roots.config_base.join(".distributions")
}

/// The descriptions of one distribution: the administrator's, and the one to start from.
struct Described([PathBuf; 2]);

impl Described {
    fn new(roots: &Roots, name: &str) -> Self {
        Self([base(roots).join(name), Path::new(SHIPPED).join(name)])
    }

    /// An entry, where it is; where the administrator would describe it when it is nowhere.
    fn at(&self, entry: &str) -> PathBuf {
        let [own, _] = &self.0;
        let mut found = self.0.iter().map(|directory| directory.join(entry));
        found.find(|path| path.exists()).unwrap_or_else(|| own.join(entry))
    }

    /// The directory of the lists of packages.
    fn lists(&self) -> PathBuf {
        let [own, _] = &self.0;
        let is_courses = !own.join("pkgs").exists() && own.join("pkg").exists();
        self.at(if is_courses { "pkg" } else { "pkgs" })
    }
}

/// The directories of what the administrator has described, by name.
fn described<T: std::str::FromStr + Ord>(roots: &Roots) -> Vec<T> {
    let entries = fs::read_dir(base(roots)).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<T> =
        directories.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    names.sort();
    names
}

/// What the package describes of distributions and the administrator, with these files, does not.
#[must_use]
pub fn shipped_files(own: &[ConfigFile]) -> Vec<ConfigFile> {
    config::shipped_files(Path::new(SHIPPED), own)
}

/// What the package says in a file of a description.
pub(crate) fn shipped_text(path: &ConfigPath) -> Option<String> {
    path.distribution()?;
    text_of(&Path::new(SHIPPED).join(path.as_str())).ok().flatten()
}

/// The names of the RPM distributions that are described, sorted.
#[must_use]
pub fn names(roots: &Roots) -> Vec<DistributionName> {
    let has_sources =
        |name: &DistributionName| Described::new(roots, name.as_str()).at("yum.repos.d").is_dir();
    described(roots).into_iter().filter(has_sources).collect()
}

/// What is described of suites for debootstrap, sorted. A file that cannot be read is reported, and says
/// nothing.
#[must_use]
pub fn suites(roots: &Roots) -> Vec<SuiteDescription> {
    let descriptions = described::<Suite>(roots).into_iter().map(|suite| {
        let described = Described::new(roots, suite.as_str());
        let text = |entry: &str| {
            let text = text_of(&described.at(entry)).inspect_err(|error| {
                let error = domain::failure::chain(error);
                tracing::warn!(%suite, error, "a description is unreadable");
            });
            text.ok().flatten().unwrap_or_default()
        };
        let line = |text: String| text.lines().next().unwrap_or_default().trim().to_owned();
        let script = line(text("debootstrap.script"));
        let options = text("debootstrap.options");
        let options = options.lines().filter(|line| !line.trim_start().starts_with('#'));
        SuiteDescription {
            path: base(roots).join(suite.as_str()).display().to_string(),
            mirror: line(text("debootstrap.mirror")),
            script: script.strip_prefix(SCRIPTS).unwrap_or(&script).to_owned(),
            options: options.flat_map(str::split_whitespace).map(str::to_owned).collect(),
            suite,
        }
    });
    let says = |one: &SuiteDescription| {
        !(one.mirror.is_empty() && one.script.is_empty() && one.options.is_empty())
    };
    descriptions.filter(says).collect()
}

/// What is to be run on the files of a VServer of this suite.
pub(super) fn initpost_of(
    roots: &Roots,
    suite: &Suite,
) -> Result<Option<Vec<u8>>, DistributionError> {
    program_of(&Described::new(roots, suite.as_str()).at("initpost"))
}

/// The archive of a distribution, if its description has one.
#[must_use]
pub fn template_of(roots: &Roots, name: &DistributionName) -> Option<PathBuf> {
    fs::canonicalize(Described::new(roots, name.as_str()).at("template")).ok()
}

impl Distribution {
    /// Reads a description.
    ///
    /// # Errors
    /// When there is none, or it lacks what a build needs, or cannot be read.
    pub(super) fn read(roots: &Roots, name: &DistributionName) -> Result<Self, DistributionError> {
        let directory = base(roots).join(name.as_str());
        if !directory.is_dir() {
            return Err(DistributionError::Missing { path: directory });
        }
        let needed = |path: PathBuf, files: Vec<NamedFile>| match files.is_empty() {
            true => Err(DistributionError::Incomplete { path }),
            false => Ok(files),
        };
        let described = Described::new(roots, name.as_str());
        let at = |entry: &str| described.at(entry);
        let repositories = needed(at("yum.repos.d"), files_in(&at("yum.repos.d"))?)?;
        let place = described.lists();
        let lists = needed(place.clone(), files_in(&place)?)?;
        let mut keys = files_in(&base(roots).join(COMMON).join("pubkeys"))?;
        keys.extend(files_in(&at("pubkeys"))?);
        Ok(Self {
            settings: text_of(&at("yum/yum.conf"))?,
            repositories,
            keys,
            macros: text_of(&at("rpm/macros"))?,
            release: text_of(&at("releasever"))?
                .map(|text| text.trim().to_owned())
                .or_else(|| trailing_digits(name.as_str()))
                .filter(|release| is_plain(release)),
            lists: lists
                .into_iter()
                .map(|file| package_list(&place, file))
                .collect::<Result<_, _>>()?,
            before: program_of(&at("initpre"))?,
            after: program_of(&at("initpost"))?,
        })
    }

    /// Where packages come from, for the description's own programs: the first address that is named.
    pub(super) fn mirror(&self) -> String {
        let texts = self.repositories.iter().map(|file| String::from_utf8_lossy(&file.content));
        let first = texts.into_iter().find_map(|text| {
            let mut values = text.lines().filter_map(|line| {
                line.trim().strip_prefix("baseurl")?.trim_start().strip_prefix('=').map(str::trim)
            });
            values.find_map(|value| value.split_whitespace().next().map(str::to_owned))
        });
        let release = self.release.as_deref().unwrap_or_default();
        first.unwrap_or_default().replace("$releasever", release)
    }
}

fn trailing_digits(name: &str) -> Option<String> {
    let start = name.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |index| index + 1);
    name.get(start..).filter(|digits| !digits.is_empty()).map(ToOwned::to_owned)
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// The files of a directory in the order of their names, backups left out. None when it is not there.
fn files_in(directory: &Path) -> Result<Vec<NamedFile>, DistributionError> {
    let failed = |source| DistributionError::Read { path: directory.to_owned(), source };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let Some(name) = entry.file_name().to_str().map(ToOwned::to_owned) else { continue };
        if config::is_backup(&name) || name.starts_with('.') || !entry.path().is_file() {
            continue;
        }
        files.push(NamedFile { name, content: content_of(&entry.path())?.unwrap_or_default() });
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

fn content_of(path: &Path) -> Result<Option<Vec<u8>>, DistributionError> {
    let failed = |source| DistributionError::Read { path: path.to_owned(), source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    let mut content = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(Some(content))
}

fn text_of(path: &Path) -> Result<Option<String>, DistributionError> {
    let content = content_of(path)?;
    let text = content.map(String::from_utf8).transpose();
    text.map_err(|error| DistributionError::Read {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    })
}

/// A program of the description; one that may not be executed is switched off.
fn program_of(path: &Path) -> Result<Option<Vec<u8>>, DistributionError> {
    let may_run = fs::metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    if may_run { content_of(path) } else { Ok(None) }
}

fn package_list(directory: &Path, file: NamedFile) -> Result<PackageList, DistributionError> {
    let path = directory.join(&file.name);
    let text = String::from_utf8_lossy(&file.content);
    let mut list = PackageList { name: file.name, ..PackageList::default() };
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        for word in line.split_whitespace() {
            match word {
                "--can-fail" => list.can_fail = true,
                "--reinstall" => list.reinstalls = true,
                word => list.packages.push(word.parse().map_err(|problem| {
                    DistributionError::Package { path: path.clone(), line: number + 1, problem }
                })?),
            }
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_description_is_read_as_the_original_wrote_them() {
        let etc = tempfile::tempdir().unwrap();
        let roots = Roots { config_base: etc.path().to_owned(), ..Roots::default() };
        let name: DistributionName = "fc6".parse().unwrap();
        let at = |path: &str| etc.path().join(".distributions/fc6").join(path);
        assert!(matches!(
            Distribution::read(&roots, &name),
            Err(DistributionError::Missing { .. })
        ));
        write(&at("yum.repos.d/core.repo"), "[core]\nbaseurl=http://mirror.example/$releasever\n");
        write(&at("yum.repos.d/core.repo.rpmsave"), "[old]\n");
        let error = Distribution::read(&roots, &name);
        assert!(matches!(error, Err(DistributionError::Incomplete { path }) if path == at("pkgs")));
        write(&at("pkgs/01"), "glibc filesystem # first\n@core\n");
        write(&at("pkgs/02"), "--reinstall --can-fail\nbash\n");
        write(&at("initpost"), "#!/bin/sh\n");
        write(&etc.path().join(".distributions/.common/pubkeys/key"), "KEY");
        let read = Distribution::read(&roots, &name).unwrap();
        assert_eq!(read.release.as_deref(), Some("6"));
        assert_eq!(read.repositories.len(), 1);
        assert_eq!(read.keys.len(), 1);
        assert_eq!(read.after, None, "it may not be executed");
        assert_eq!(read.mirror(), "http://mirror.example/6");
        let shown: Vec<String> = read
            .lists
            .iter()
            .map(|list| {
                let packages: Vec<&str> = list.packages.iter().map(RpmPackage::as_str).collect();
                format!("{} {packages:?} {} {}", list.name, list.can_fail, list.reinstalls)
            })
            .collect();
        assert_eq!(
            shown,
            ["01 [\"glibc\", \"filesystem\", \"@core\"] false false", "02 [\"bash\"] true true"]
        );
        assert_eq!(names(&roots), std::slice::from_ref(&name));

        write(&at("pkgs/02"), "bash\n--nogpgcheck\n");
        let error = Distribution::read(&roots, &name);
        assert!(matches!(error, Err(DistributionError::Package { line: 2, .. })));
    }

    #[test]
    fn the_courses_name_for_lists_of_packages_is_known() {
        let etc = tempfile::tempdir().unwrap();
        let roots = Roots { config_base: etc.path().to_owned(), ..Roots::default() };
        let at = |path: &str| etc.path().join(".distributions/fc6").join(path);
        write(&at("yum.repos.d/core.repo"), "[core]\n");
        write(&at("pkg/01"), "bash\n");
        let name: DistributionName = "fc6".parse().unwrap();
        assert_eq!(Distribution::read(&roots, &name).unwrap().lists.len(), 1);
        write(&at("pkgs/01"), "bash\n");
        write(&at("pkgs/02"), "less\n");
        assert_eq!(
            Distribution::read(&roots, &name).unwrap().lists.len(),
            2,
            "its real name counts"
        );
    }

    #[test]
    fn what_the_package_installs_is_a_description_to_start_from() {
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../debian/descriptions");
        let fstab = fs::read_to_string(installed.join("defaults/fstab")).unwrap();
        assert_eq!(fstab, domain::build::DEFAULT_FSTAB);
        let etc = tempfile::tempdir().unwrap();
        let roots = Roots { config_base: etc.path().to_owned(), ..Roots::default() };
        fs::create_dir(etc.path().join(".distributions")).unwrap();
        for entry in fs::read_dir(installed.join("distributions")).unwrap() {
            let entry = entry.unwrap();
            let own = etc.path().join(".distributions").join(entry.file_name());
            std::os::unix::fs::symlink(entry.path(), own).unwrap();
            let name = entry.file_name().to_str().unwrap().parse().unwrap();
            let read = Distribution::read(&roots, &name).unwrap();
            assert!(read.after.is_some() && read.settings.is_some(), "{name}");
            assert!(read.lists.iter().all(|list| !list.packages.is_empty()), "{name}");
            // Nobody else's mirror is named: the administrator says which is near.
            assert!(read.mirror().starts_with("http://mirror.example/"), "{name}");
        }
        assert!(!names(&roots).is_empty());
    }

    #[test]
    fn what_is_described_of_a_suite_is_read() {
        let etc = tempfile::tempdir().unwrap();
        let roots = Roots { config_base: etc.path().to_owned(), ..Roots::default() };
        let at = |path: &str| etc.path().join(".distributions").join(path);
        let suite: Suite = "etch".parse().unwrap();
        write(&at("fc6/yum.repos.d/core.repo"), "[core]\n");
        write(&at("etch/initpost"), "#!/bin/sh\n");
        assert!(suites(&roots).is_empty(), "nothing for debootstrap itself");
        assert!(initpost_of(&roots, &suite).unwrap().is_none(), "it may not be executed");
        fs::set_permissions(at("etch/initpost"), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(initpost_of(&roots, &suite).unwrap().is_some());
        write(&at("etch/debootstrap.mirror"), "http://archive.example/debian\n");
        write(&at("etch/debootstrap.script"), "/usr/share/debootstrap/scripts/sid\n");
        write(
            &at("etch/debootstrap.options"),
            "# old keys\n--keyring /srv/old.gpg\n--no-merged-usr",
        );
        let found = suites(&roots);
        let [one] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.suite.as_str(), one.script.as_str()), ("etch", "sid"));
        assert_eq!(one.mirror, "http://archive.example/debian");
        assert_eq!(one.options, ["--keyring", "/srv/old.gpg", "--no-merged-usr"]);
        write(&at("srv.tar"), "");
        std::os::unix::fs::symlink("../srv.tar", at("etch/template")).unwrap();
        let archive = template_of(&roots, &"etch".parse().unwrap()).unwrap();
        assert!(archive.ends_with("srv.tar"));
    }

    #[test]
    fn the_release_is_what_the_name_ends_in() {
        assert_eq!(trailing_digits("centos9").as_deref(), Some("9"));
        assert_eq!(trailing_digits("2024").as_deref(), Some("2024"));
        assert_eq!(trailing_digits("rawhide"), None);
        assert!(!is_plain("9 --nogpgcheck") && !is_plain("") && is_plain("9.4"));
    }
}
