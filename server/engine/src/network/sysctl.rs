//! Kernel settings below `/proc/sys/net`, of the network namespace the calling thread is in.
//!
//! A setting that has its value already is not written: writing some of them takes the kernel's
//! network lock.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::NetworkError;

/// Gives a setting a value. `key` is a path below `/proc/sys/net`.
pub(super) fn set(key: &str, value: &str) -> Result<(), NetworkError> {
    let path = path_of(key);
    if fs::read_to_string(&path).is_ok_and(|now| now.trim_end() == value) {
        return Ok(());
    }
    fs::write(&path, value).map_err(|source| NetworkError::Sysctl { path, source })
}

/// Gives a setting a value where the kernel has it (IPv6 may be switched off).
pub(super) fn set_if_there(key: &str, value: &str) -> Result<(), NetworkError> {
    match set(key, value) {
        Err(NetworkError::Sysctl { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(())
        }
        other => other,
    }
}

/// Reads a setting, if the kernel has it.
pub(super) fn get(key: &str) -> Option<String> {
    fs::read_to_string(path_of(key)).ok().map(|text| text.trim_end().to_owned())
}

/// Forwards IPv4 packets between the guests and the host's networks.
pub(super) fn forward_v4() -> Result<(), NetworkError> {
    set("ipv4/ip_forward", "1")
}

/// Forwards IPv6 packets. A host that forwards stops listening to router advertisements unless
/// told otherwise, and could lose its own address: devices that listened go on listening.
pub(super) fn forward_v6() -> Result<(), NetworkError> {
    if get("ipv6/conf/all/forwarding").is_none_or(|now| now == "1") {
        return Ok(());
    }
    let devices = fs::read_dir(path_of("ipv6/conf")).into_iter().flatten().flatten();
    for device in devices {
        if let Ok(name) = device.file_name().into_string() {
            let key = format!("ipv6/conf/{name}/accept_ra");
            if get(&key).as_deref() == Some("1") {
                set(&key, "2")?;
            }
        }
    }
    set("ipv6/conf/all/forwarding", "1")
}

fn path_of(key: &str) -> PathBuf {
    PathBuf::from("/proc/sys/net").join(key)
}
