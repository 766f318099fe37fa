//! Which VServers there are, and the raw files of one.

use std::fs;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use domain::config_entry::ConfigTree;
use domain::id::{ContextId, HostName, VServerName};
use domain::init::InitStyle;
use domain::vserver::ConfigFile;

use super::error::ConfigError;
use super::guest::GuestConfig;
use super::reader::{Reader, is_backup};
use crate::parallel;
use crate::roots::Roots;

/// The most bytes of a file that are shown.
const SHOWN_BYTES: u64 = 4096;
/// The most files that are shown, and how deep below the config directory.
const SHOWN_FILES: usize = 500;
const SHOWN_DEPTH: usize = 6;

/// One VServer, and its configuration or what is wrong with it.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: VServerName,
    /// What its config tree says.
    pub config: Result<GuestConfig, ConfigError>,
}

/// The names of all VServers, sorted: directories of the config base whose names neither begin with
/// a dot nor are backups. Broken ones and disabled ones belong to them.
///
/// # Errors
/// When the config base is there and cannot be read.
pub fn list_names(roots: &Roots) -> Result<Vec<VServerName>, ConfigError> {
    let failed = |source| ConfigError::Read { file: roots.config_base.clone(), source };
    let entries = match fs::read_dir(&roots.config_base) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let file_name = entry.file_name();
        let Some(text) = file_name.to_str() else { continue };
        if text.starts_with('.') || is_backup(text) || !entry.path().is_dir() {
            continue;
        }
        match text.parse() {
            Ok(name) => names.push(name),
            Err(problem) => {
                tracing::warn!(directory = text, %problem, "not the name of a VServer");
            }
        }
    }
    names.sort();
    Ok(names)
}

/// All VServers with their configuration, sorted by name.
///
/// # Errors
/// When the config base cannot be read. A broken VServer is in the list, with its error.
pub fn list(roots: &Roots) -> Result<Vec<Listed>, ConfigError> {
    Ok(list_names(roots)?
        .into_iter()
        .map(|name| Listed { config: GuestConfig::read(roots, &name), name })
        .collect())
}

/// The context number and the addresses that a config tree claims, however broken the rest of it is.
#[must_use]
pub fn claims_of(roots: &Roots, name: &VServerName) -> (Option<ContextId>, Vec<IpAddr>) {
    let directory = roots.config_of(name);
    let Ok(Some(reader)) = Reader::open(&directory, Path::new(name.as_str())) else {
        return (None, Vec::new());
    };
    let number = reader.scalar("context").ok().flatten();
    let context = number.and_then(|text| text.parse().ok());
    let addresses = reader
        .directory("interfaces")
        .unwrap_or_default()
        .into_iter()
        .filter_map(|number| reader.scalar(&format!("interfaces/{number}/ip")).ok().flatten())
        .filter_map(|text| text.split('/').next().and_then(|address| address.parse().ok()))
        .collect();
    (context, addresses)
}

/// The init style that a config tree gives, however broken the rest of it is; none when that makes no
/// sense.
#[must_use]
pub fn init_style_of(roots: &Roots, name: &VServerName) -> Option<InitStyle> {
    let directory = roots.config_of(name);
    let reader = Reader::open(&directory, Path::new(name.as_str())).ok().flatten()?;
    match reader.scalar("apps/init/style").ok()? {
        None => Some(InitStyle::Sysv),
        Some(text) => text.parse().ok(),
    }
}

/// The word of `apps/vshelper/action` in a VServer's tree or `.defaults`; none where there is none.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn vshelper_action_of(roots: &Roots, tree: &str) -> Result<Option<String>, ConfigError> {
    match Reader::open(&roots.config_base.join(tree), Path::new(tree))? {
        Some(reader) => reader.scalar("apps/vshelper/action"),
        None => Ok(None),
    }
}

/// The mounts that stay in what `vnamespace` shows of a VServer beside its own (`namespace-cleanup-skip`, its own or
/// else that of `.defaults`); none when all do (`nonamespace-cleanup` in either, unless `namespace-cleanup` is in its
/// own; fact sheet 1.3).
///
/// # Errors
/// When they cannot be read.
pub(crate) fn kept_mounts_of(
    roots: &Roots,
    name: &VServerName,
) -> Result<Option<Vec<PathBuf>>, ConfigError> {
    let open = |tree: &str| Reader::open(&roots.config_base.join(tree), Path::new(tree));
    let (own, defaults) = (open(name.as_str())?, open(".defaults")?);
    let has = |reader: &Option<Reader>, file: &str| {
        reader.as_ref().map_or(Ok(false), |reader| reader.exists(file))
    };
    let is_off = has(&own, "nonamespace-cleanup")?
        || (has(&defaults, "nonamespace-cleanup")? && !has(&own, "namespace-cleanup")?);
    if is_off {
        return Ok(None);
    }
    for reader in [own, defaults].into_iter().flatten() {
        if let Some(paths) = reader.array("namespace-cleanup-skip")? {
            return Ok(Some(paths.into_iter().map(PathBuf::from).collect()));
        }
    }
    Ok(Some(Vec::new()))
}

/// What a VServer is called in lists (the file `name`), however broken the rest of its config tree is;
/// its own name when nothing is said.
#[must_use]
pub fn display_name_of(roots: &Roots, name: &VServerName) -> String {
    let directory = roots.config_of(name);
    let shown = Reader::open(&directory, Path::new(name.as_str()))
        .ok()
        .flatten()
        .and_then(|reader| reader.scalar("name").ok().flatten());
    shown.unwrap_or_else(|| name.to_string())
}

/// What VServers are called in lists, each as by [`display_name_of`].
#[must_use]
pub fn display_names_of(roots: &Roots, names: &[&VServerName]) -> Vec<String> {
    parallel::map(names, |name| display_name_of(roots, name))
}

/// What `vdir` of a VServer leads to, however broken the rest of its config tree is; none when it
/// leads to no directory.
#[must_use]
pub fn root_directory_of(roots: &Roots, name: &VServerName) -> Option<PathBuf> {
    fs::canonicalize(roots.config_of(name).join("vdir")).ok().filter(|path| path.is_dir())
}

/// What a VServer calls itself, however broken the rest of its config tree is.
#[must_use]
pub fn host_name_of(roots: &Roots, name: &VServerName) -> Option<HostName> {
    let directory = roots.config_of(name);
    let reader = Reader::open(&directory, Path::new(name.as_str())).ok().flatten()?;
    let of = |file| reader.scalar(file).ok().flatten().and_then(|text: String| text.parse().ok());
    of("uts/nodename").or_else(|| of("hostname"))
}

/// Every file of a config tree with its text, cut after 4 KiB, sorted by path.
///
/// # Errors
/// When there is no such config tree or it cannot be read.
pub fn files_of(roots: &Roots, tree: &ConfigTree) -> Result<Vec<ConfigFile>, ConfigError> {
    let path = roots.config_base.join(tree.directory());
    match tree.vserver() {
        Some(name) if !path.is_dir() => {
            return Err(ConfigError::NoSuchVServer { name: name.clone(), path });
        }
        // Defaults that nobody has written yet are none.
        None if !path.is_dir() => return Ok(Vec::new()),
        _ => {}
    }
    let mut files = Vec::new();
    collect(&path, "", 0, &mut files)
        .map_err(|source| ConfigError::Read { file: tree.directory().into(), source })?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// What the package says of distributions below `shipped` and a tree with `own` does not, sorted by path.
/// What a distribution says itself stands for the whole entry, a directory of files included.
#[must_use]
pub fn shipped_files(shipped: &Path, own: &[ConfigFile]) -> Vec<ConfigFile> {
    let mut files = Vec::new();
    if let Err(error) = collect(shipped, "", 0, &mut files)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %shipped.display(), %error, "what the package describes is unreadable");
    }
    let is_said = |path: &str| {
        let mut names = path.splitn(3, '/');
        let (name, entry) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        own.iter().any(|file| {
            let rest = file.path.strip_prefix(name);
            // A link for the whole of it, or the same entry.
            rest == Some("")
                || rest
                    .and_then(|rest| rest.strip_prefix('/')?.strip_prefix(entry))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    files.retain(|file| file.path.contains('/') && !is_said(&file.path));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.into_iter().map(|file| ConfigFile { is_shipped: true, ..file }).collect()
}

fn own(path: String, text: String) -> ConfigFile {
    ConfigFile { path, text, is_shipped: false }
}

fn collect(
    directory: &Path,
    below: &str,
    depth: usize,
    files: &mut Vec<ConfigFile>,
) -> io::Result<()> {
    let mut count = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if files.len() >= SHOWN_FILES {
            break;
        }
        count += 1;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            let target = fs::read_link(entry.path())?;
            files.push(own(path, format!("→ {}", target.display())));
        } else if kind.is_dir() && depth < SHOWN_DEPTH {
            collect(&entry.path(), &path, depth + 1, files)?;
        } else if kind.is_file() {
            let mut bytes = Vec::new();
            fs::File::open(entry.path())?.take(SHOWN_BYTES).read_to_end(&mut bytes)?;
            files.push(own(path, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    if count == 0 && !below.is_empty() {
        files.push(own(format!("{below}/"), String::new()));
    }
    Ok(())
}
