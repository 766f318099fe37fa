//! Writing a new config tree, and the base links of `.defaults`.
//!
//! A tree is written into a staging directory (its name begins with a dot, so it is never a
//! VServer) and put in place by one rename that refuses to replace anything. Modes are set, not left
//! to the caller's umask (B29).

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use domain::build::{PlannedContent, PlannedFile};
use domain::config_entry::ConfigTree;
use domain::id::VServerName;

use super::error::ConfigError;
use crate::roots::Roots;
use crate::state::reverse_base;

/// Where the config tree of a VServer is written before it is put in place.
#[must_use]
pub fn staging_of(roots: &Roots, name: &VServerName) -> PathBuf {
    roots.config_base.join(format!(".new-{name}"))
}

/// Writes a config tree into `directory`, which must not exist, and sees to it that it is on disk.
///
/// # Errors
/// When something cannot be written, or a value is not one line. What was written stays, for the
/// caller to remove.
pub fn write_new(directory: &Path, files: &[PlannedFile]) -> Result<(), ConfigError> {
    for file in files {
        judge(file)?;
    }
    let failed = |path: &Path, source| ConfigError::Write { path: path.to_owned(), source };
    if let Some(parent) = directory.parent() {
        make_directories(parent).map_err(|source| failed(parent, source))?;
    }
    make_directory(directory).map_err(|source| failed(directory, source))?;
    for file in files {
        let path = directory.join(&file.path);
        write_one(directory, &path, &file.content).map_err(|source| failed(&path, source))?;
    }
    sync_tree(directory).map_err(|source| failed(directory, source))
}

/// Makes the directory of a tree that all VServers share, where it is missing.
///
/// # Errors
/// When it cannot be made.
pub fn ensure(roots: &Roots, tree: &ConfigTree) -> Result<(), ConfigError> {
    match tree {
        ConfigTree::VServer(_) => Ok(()),
        ConfigTree::Defaults => ensure_defaults(roots),
        ConfigTree::Distributions => {
            let path = roots.config_base.join(tree.directory());
            make_directories(&path).map_err(|source| ConfigError::Write { path, source })
        }
    }
}

/// Makes the links `vdirbase`, `cachebase` and `run.rev` of `.defaults`, and the directories they
/// lead to, where they are missing. Existing ones are the administrator's and stay as they are.
///
/// # Errors
/// When one cannot be made.
pub fn ensure_defaults(roots: &Roots) -> Result<(), ConfigError> {
    let failed = |path: &Path, source| ConfigError::Write { path: path.to_owned(), source };
    let defaults = roots.config_base.join(".defaults");
    let reverse = reverse_base(roots);
    for directory in [&defaults, &roots.guest_base, &roots.cache_base, &roots.run_base, &reverse] {
        make_directories(directory).map_err(|source| failed(directory, source))?;
    }
    for (name, target) in
        [("vdirbase", &roots.guest_base), ("cachebase", &roots.cache_base), ("run.rev", &reverse)]
    {
        let link = defaults.join(name);
        match symlink(target, &link) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(failed(&link, source)),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// The last guard: a path below the directory, one line in every file but those that are lists.
fn judge(file: &PlannedFile) -> Result<(), ConfigError> {
    let is_below = !file.path.is_empty()
        && Path::new(&file.path).components().all(|part| matches!(part, Component::Normal(_)));
    let fits = match &file.content {
        PlannedContent::Directory => true,
        PlannedContent::Link(target) => !target.is_empty() && !target.contains(['\n', '\0']),
        PlannedContent::Text(text) => {
            let lines = text.matches('\n').count();
            let is_list = matches!(file.path.as_str(), "fstab" | "cflags" | "apps/init/mark");
            let is_closed = text.is_empty() || text.ends_with('\n');
            !text.contains('\0') && is_closed && (is_list || lines <= 1)
        }
    };
    if is_below && fits { Ok(()) } else { Err(ConfigError::Unwritable { path: file.path.clone() }) }
}

fn write_one(directory: &Path, path: &Path, content: &PlannedContent) -> io::Result<()> {
    let parent = path.parent().unwrap_or(directory);
    make_directories(parent)?;
    match content {
        PlannedContent::Directory => make_directories(path),
        PlannedContent::Link(target) => symlink(target, path),
        PlannedContent::Text(text) => {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
            file.set_permissions(Permissions::from_mode(0o644))?;
            file.write_all(text.as_bytes())?;
            file.sync_data()
        }
    }
}

/// Makes one directory that must not exist, mode 0755 whatever the umask.
fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o755).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Makes a directory and those above it, where they are missing.
fn make_directories(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_directories(parent)?;
    }
    match make_directory(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        result => result,
    }
}

fn sync_tree(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    File::open(directory)?.sync_all()
}
