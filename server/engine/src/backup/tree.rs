//! The config tree of a backup: read, looked at, changed to what it shall be called here, and written.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use domain::id::VServerName;
use domain::identity::VServerIdentity;
use domain::interface::{Device, Interface};
use domain::restore::RestoreSpec;

use super::manifest::{
    Bytes, ConfigContent, ConfigEntry, MAX_CONFIG_BYTES, MAX_CONFIG_DEPTH, MAX_CONFIG_ENTRIES,
    MAX_CONFIG_FILE, Manifest,
};
use super::schedule;
use crate::roots::Roots;

/// The links of a config tree that lead out of it, by the VServer's name.
pub(super) const LINKS: [&str; 3] = ["vdir", "cache", "run"];
/// What of an interface's directory Ulysse writes.
const LEAVES: [&str; 7] = ["ip", "prefix", "mask", "dev", "nodev", "only_ip", "name"];

/// Why a config tree was not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum TreeError {
    /// Something could not be written.
    #[error("writing {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something could not be read.
    #[error("reading {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds more than a config tree does.
    #[error("the config tree holds too much: {path}")]
    TooMuch {
        /// What.
        path: PathBuf,
    },
}

/// All of a config tree, parents first.
pub(super) fn read(directory: &Path) -> Result<Vec<ConfigEntry>, TreeError> {
    let mut read = ReadTree::default();
    read.directory(directory, "", 0)?;
    Ok(read.entries)
}

/// A config tree that is being read.
#[derive(Default)]
struct ReadTree {
    entries: Vec<ConfigEntry>,
    bytes: u64,
}

impl ReadTree {
    fn directory(&mut self, directory: &Path, below: &str, depth: usize) -> Result<(), TreeError> {
        let failed = |source| TreeError::Read { path: directory.to_owned(), source };
        let mut names: Vec<_> = fs::read_dir(directory)
            .and_then(|list| list.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>())
            .map_err(failed)?;
        names.sort();
        for name in names {
            let here = directory.join(&name);
            let too_much = || TreeError::TooMuch { path: here.clone() };
            let name = name.to_str().filter(|name| !name.contains(char::is_control));
            let name = name.ok_or_else(too_much)?;
            let path = if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") };
            let found = fs::symlink_metadata(&here).map_err(failed)?;
            if found.is_file() {
                self.bytes = self.bytes.saturating_add(found.len());
            }
            let is_too_much = self.entries.len() >= MAX_CONFIG_ENTRIES
                || found.is_file() && found.len() > MAX_CONFIG_FILE
                || self.bytes > MAX_CONFIG_BYTES
                || depth > MAX_CONFIG_DEPTH;
            if is_too_much {
                return Err(too_much());
            }
            let content = if found.is_dir() {
                ConfigContent::Directory
            } else if found.is_symlink() {
                let to = fs::read_link(&here).map_err(failed)?;
                ConfigContent::Link(Bytes(to.into_os_string().into_vec()))
            } else if found.is_file() {
                ConfigContent::File(Bytes(fs::read(&here).map_err(failed)?))
            } else {
                continue;
            };
            let is_directory = content == ConfigContent::Directory;
            let mode = found.mode() & 0o7777;
            self.entries.push(ConfigEntry { path: path.clone(), mode, content });
            if is_directory {
                self.directory(&here, &path, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// A config tree that was written only to be read, in memory; gone with this.
pub(super) struct Looked {
    directory: PathBuf,
}

impl Looked {
    /// Writes what says who a VServer is.
    pub(super) fn at(roots: &Roots, manifest: &Manifest) -> Result<Self, TreeError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let base = roots.runtime_base.join("restore");
        let looked = Self { directory: base.join(format!("{}-{number}", std::process::id())) };
        let says_who = |path: &str| {
            let top = path.split('/').next().unwrap_or_default();
            ["context", "uts", "hostname", "interfaces"].contains(&top)
        };
        let entries: Vec<ConfigEntry> = manifest
            .config
            .iter()
            .filter(|entry| says_who(&entry.path))
            // A link would be read here.
            .filter(|entry| !matches!(entry.content, ConfigContent::Link(_)))
            .cloned()
            .collect();
        let failed = |source| TreeError::Write { path: base.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&base).map_err(failed)?;
        // What a process of the same number left when it was killed.
        let _ = fs::remove_dir_all(looked.path());
        write_entries(looked.path(), &entries)?;
        Ok(looked)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Looked {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The `config` of a backup under its new name, context, host name and addresses. Everything else
/// stays as it was.
pub(super) fn adapted(
    roots: &Roots,
    config: Vec<ConfigEntry>,
    claims: &VServerIdentity,
    directories: &[String],
    spec: &RestoreSpec,
) -> Vec<ConfigEntry> {
    let mut entries: Vec<ConfigEntry> = config
        .into_iter()
        .filter(|entry| !LINKS.contains(&entry.path.as_str()))
        // Another VServer is not backed up because the first one is.
        .filter(|entry| entry.path != schedule::FILE || spec.name == claims.name)
        .collect();
    let named = scalar_of(&entries, "name").is_none_or(|shown| shown == claims.name.as_str());
    if named {
        set(&mut entries, "name", Some(spec.name.as_str()));
    }
    set(&mut entries, "context", Some(&spec.context.to_string()));
    if spec.host_name != claims.host_name {
        set(&mut entries, "hostname", None);
        set(&mut entries, "uts/nodename", spec.host_name.as_ref().map(AsRef::as_ref));
    }
    if spec.interfaces != claims.interfaces {
        readdress(&mut entries, claims, directories, spec);
    }
    let config_base = roots.config_base.display();
    let name = &spec.name;
    let links = [
        ("cache", format!("{config_base}/.defaults/cachebase/{name}")),
        ("run", roots.run_file_of(name).display().to_string()),
    ];
    entries.extend(links.map(|(path, to)| ConfigEntry {
        path: path.to_owned(),
        mode: 0o777,
        content: ConfigContent::Link(Bytes(to.into_bytes())),
    }));
    entries
}

fn scalar_of(entries: &[ConfigEntry], path: &str) -> Option<String> {
    entries.iter().find(|entry| entry.path == path).and_then(|entry| match &entry.content {
        ConfigContent::File(Bytes(bytes)) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            Some(text.lines().next().unwrap_or_default().trim().to_owned())
        }
        _ => None,
    })
}

/// Puts a line into a file, or takes the file away.
fn set(entries: &mut Vec<ConfigEntry>, path: &str, line: Option<&str>) {
    if line.is_some() && scalar_of(entries, path).as_deref() == line {
        return;
    }
    entries.retain(|entry| entry.path != path);
    let Some(line) = line else { return };
    if let Some((above, _)) = path.rsplit_once('/') {
        make(entries, above);
    }
    entries.push(ConfigEntry {
        path: path.to_owned(),
        mode: 0o644,
        content: ConfigContent::File(Bytes(format!("{line}\n").into_bytes())),
    });
}

/// Adds a directory and those above it, where they are missing.
fn make(entries: &mut Vec<ConfigEntry>, path: &str) {
    if let Some((above, _)) = path.rsplit_once('/') {
        make(entries, above);
    }
    if entries.iter().all(|entry| entry.path != path) {
        let content = ConfigContent::Directory;
        entries.push(ConfigEntry { path: path.to_owned(), mode: 0o755, content });
    }
}

/// Writes the interfaces anew that differ; those that are not wanted go.
fn readdress(
    entries: &mut Vec<ConfigEntry>,
    claims: &VServerIdentity,
    directories: &[String],
    spec: &RestoreSpec,
) {
    let taken: BTreeSet<String> = entries
        .iter()
        .filter_map(|entry| entry.path.strip_prefix("interfaces/"))
        .filter_map(|rest| rest.split('/').next().map(str::to_owned))
        .collect();
    let mut free = (0_u32..).map(|number| number.to_string()).filter(|name| !taken.contains(name));
    for (index, wanted) in spec.interfaces.iter().enumerate() {
        let known = directories.get(index).zip(claims.interfaces.get(index));
        match known {
            Some((_, before)) if before == wanted => {}
            Some((directory, _)) => interface(entries, directory, wanted),
            None => {
                if let Some(directory) = free.next() {
                    interface(entries, &directory, wanted);
                }
            }
        }
    }
    for directory in directories.iter().skip(spec.interfaces.len()) {
        let top = format!("interfaces/{directory}");
        entries.retain(|entry| entry.path != top && !entry.path.starts_with(&format!("{top}/")));
    }
}

fn interface(entries: &mut Vec<ConfigEntry>, directory: &str, wanted: &Interface) {
    let path = |leaf: &str| format!("interfaces/{directory}/{leaf}");
    make(entries, &format!("interfaces/{directory}"));
    entries.retain(|entry| !LEAVES.iter().any(|leaf| entry.path == path(leaf)));
    set(entries, &path("ip"), Some(&wanted.address.to_string()));
    // Said here, so that nothing above in `interfaces/` is meant.
    set(entries, &path("prefix"), Some(&wanted.prefix_or_host().to_string()));
    match &wanted.device {
        Device::Named(device) => set(entries, &path("dev"), Some(device.as_ref())),
        Device::None => entries.push(ConfigEntry {
            path: path("nodev"),
            mode: 0o644,
            content: ConfigContent::File(Bytes(Vec::new())),
        }),
    }
    if let Some(label) = &wanted.label {
        set(entries, &path("name"), Some(label.as_ref()));
    }
}

/// Writes a config tree whose `vdir` leads to `root` for now.
pub(super) fn write(
    directory: &Path,
    entries: &[ConfigEntry],
    root: &Path,
) -> Result<(), TreeError> {
    let failed = |path: &Path, source| TreeError::Write { path: path.to_owned(), source };
    let above = directory.parent().unwrap_or(directory);
    DirBuilder::new().mode(0o755).create(above).map_err(|source| failed(above, source))?;
    write_entries(directory, entries)?;
    let vdir = directory.join("vdir");
    symlink(root, &vdir).map_err(|source| failed(&vdir, source))
}

/// Lets `vdir` lead to where the files will be.
pub(super) fn set_root(
    directory: &Path,
    roots: &Roots,
    name: &VServerName,
) -> Result<(), TreeError> {
    let vdir = directory.join("vdir");
    let to = format!("{}/.defaults/vdirbase/{name}", roots.config_base.display());
    fs::remove_file(&vdir)
        .and_then(|()| symlink(to, &vdir))
        .and_then(|()| File::open(directory)?.sync_all())
        .map_err(|source| TreeError::Write { path: vdir, source })
}

fn write_entries(directory: &Path, entries: &[ConfigEntry]) -> Result<(), TreeError> {
    let failed = |path: &Path, source| TreeError::Write { path: path.to_owned(), source };
    DirBuilder::new().mode(0o755).create(directory).map_err(|source| failed(directory, source))?;
    for entry in entries {
        let path = directory.join(&entry.path);
        write_one(&path, entry).map_err(|source| failed(&path, source))?;
    }
    Ok(())
}

/// Links are made, never written through: what is below a directory was made a moment ago by us.
fn write_one(path: &Path, entry: &ConfigEntry) -> io::Result<()> {
    match &entry.content {
        ConfigContent::Directory => DirBuilder::new().mode(0o755).create(path),
        ConfigContent::Link(Bytes(to)) => {
            symlink(PathBuf::from(std::ffi::OsString::from_vec(to.clone())), path)
        }
        ConfigContent::File(Bytes(bytes)) => {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(bytes)?;
            // No set-id bits, and nobody but root writes.
            file.set_permissions(fs::Permissions::from_mode(entry.mode & 0o755))?;
            file.sync_data()
        }
    }
}
