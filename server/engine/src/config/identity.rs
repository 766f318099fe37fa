//! What a VServer is known by, read from its config tree wherever that is: in its place, or in the
//! recycle bin. Nothing else of the tree need make sense for it.

use std::path::Path;

use domain::config_entry::Expected;
use domain::id::{ContextId, HostName, VServerName};
use domain::identity::VServerIdentity;
use domain::interface::Interface;

use super::error::ConfigError;
use super::interfaces::interfaces;
use super::reader::Reader;

/// What a config tree says a VServer is known by.
///
/// # Errors
/// When there is no such tree, or what it says makes no sense.
pub fn identity_of(tree: &Path, name: &VServerName) -> Result<VServerIdentity, ConfigError> {
    let reader = open(tree, name)?;
    let context = reader.parsed("context", str::parse::<ContextId>, |_| Expected::ContextNumber)?;
    let host_name = |path| reader.parsed(path, str::parse::<HostName>, Expected::HostName);
    let host_name = match host_name("uts/nodename")? {
        Some(found) => Some(found),
        None => host_name("hostname")?,
    };
    let found = interfaces(&reader, &mut Vec::new())?;
    let interfaces = found.into_iter().map(|(_, interface)| interface).collect();
    Ok(VServerIdentity { name: name.clone(), context, host_name, interfaces })
}

fn open(tree: &Path, name: &VServerName) -> Result<Reader, ConfigError> {
    Reader::open(tree, Path::new(name.as_str()))?
        .ok_or_else(|| ConfigError::NoSuchVServer { name: name.clone(), path: tree.to_owned() })
}

fn opened(tree: &Path) -> Result<Option<Reader>, ConfigError> {
    Reader::open(tree, Path::new(tree.file_name().unwrap_or_default()))
}

/// The interfaces of a config tree, each with its directory below the tree, in order.
///
/// # Errors
/// When one of them makes no sense.
pub fn interface_directories(tree: &Path) -> Result<Vec<(String, Interface)>, ConfigError> {
    opened(tree)?.map_or(Ok(Vec::new()), |reader| interfaces(&reader, &mut Vec::new()))
}

/// Every name that is taken below `interfaces/`, also by what is no interface.
///
/// # Errors
/// When it cannot be read.
pub fn interface_names(tree: &Path) -> Result<Vec<String>, ConfigError> {
    opened(tree)?.map_or(Ok(Vec::new()), |reader| reader.directory("interfaces"))
}
